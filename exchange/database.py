"""One database, one transaction at a time per writer: SQLite by default, PostgreSQL by URL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, MetaData, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool, QueuePool

from exchange.errors import Unavailable

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)
"""Every feature's ``store.py`` declares its tables here; only migrations and that store read them."""


class Database:
    """The engine and the only two ways to use it.

    ``transaction()`` is for use cases that write. On SQLite it begins IMMEDIATE, so writers queue instead of failing
    half-way; on PostgreSQL the ledger's head row, locked by the first append, orders writers that record evidence.
    ``reading()`` never locks writers out.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = _engine(url)

    @property
    def dialect(self) -> str:
        """``sqlite`` or ``postgresql``."""
        return self.engine.dialect.name

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A write transaction: commits when the block ends well, rolls back otherwise."""
        with self.engine.connect() as connection:
            if self.dialect == "sqlite":
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.rollback()
                raise
            connection.commit()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A consistent read; nothing is written."""
        with self.engine.connect() as connection:
            if self.dialect == "sqlite":
                connection.exec_driver_sql("BEGIN")
            yield connection
            connection.rollback()

    def check(self) -> None:
        """Raises `Unavailable` with a hint when the database cannot be reached."""
        try:
            with self.engine.connect() as connection:
                connection.execute(text("SELECT 1"))
        except OperationalError as error:
            place = make_url(self.url).render_as_string(hide_password=True)
            raise Unavailable(
                f"the database {place} cannot be opened: {error.orig}",
                hint="check TONGBAN_DATABASE_URL and TONGBAN_HOME",
            ) from error

    def close(self) -> None:
        """Release all connections."""
        self.engine.dispose()


def _engine(url: str) -> Engine:
    if not url.startswith("sqlite"):
        return create_engine(url, pool_size=10, max_overflow=20, pool_pre_ping=True)
    memory = make_url(url).database in (None, "", ":memory:")
    engine = create_engine(
        url, poolclass=NullPool if memory else QueuePool, **({} if memory else {"pool_size": 10, "max_overflow": 40})
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        # pysqlite's own implicit BEGIN is switched off so that ours (IMMEDIATE for writers) is the only one.
        connection.isolation_level = None
        cursor = connection.cursor()
        # FULL: a receipt that was promised survives a power cut (WAL with NORMAL may lose the last commits).
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    return engine
