"""One database, one writer at a time: SQLite by default, PostgreSQL by URL, the same behaviour on both."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, MetaData, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError
from sqlalchemy.pool import QueuePool

from exchange.errors import Invalid, Unavailable

_LOG = logging.getLogger(__name__)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_N_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)
"""Every feature's ``store.py`` declares its tables here; only migrations and that store read them."""

WRITERS = 0x746F6E67
"""Key of the PostgreSQL advisory lock that puts writers in a queue, as BEGIN IMMEDIATE does on SQLite."""


CANNOT = (OperationalError, sqlite3.OperationalError)
"""What a database raises that is full, read-only, locked or gone; the second one where its driver is used directly."""


def cannot(error: BaseException) -> Unavailable:
    """Those in our words, for whoever waits for an answer; the cause is in the log, not in the answer."""
    _LOG.error("the database cannot: %s", getattr(error, "orig", error))
    return Unavailable(
        "the database cannot do this now",
        hint="try again later; the operator finds the cause in the log",
    )


class Turns:
    """A lock that is handed to whoever waits longest, so that a busy writer does not keep a rare one out."""

    def __init__(self, seconds: float = 30.0) -> None:
        """Who waits longer than ``seconds`` gives up."""
        self._seconds = seconds
        self._lock = threading.Lock()
        self._waiting: deque[threading.Event] = deque()
        self._taken = False

    def take(self) -> None:
        """Wait for one's turn. Raises `Unavailable` when it does not come."""
        with self._lock:
            if not self._taken:
                self._taken = True
                return
            ours = threading.Event()
            self._waiting.append(ours)
        if ours.wait(self._seconds):
            return
        with self._lock:
            if ours in self._waiting:
                self._waiting.remove(ours)
                raise Unavailable("the database is busy", hint="try again")
        # it came in the last moment

    def give(self) -> None:
        """Let the next one have it."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._taken = False


class Database:
    """The engine and the only two ways to use it.

    ``transaction()`` is for use cases that write: writers queue, one at a time, on both databases (SQLite:
    BEGIN IMMEDIATE; PostgreSQL: a transaction-level advisory lock taken first). What a use case reads in it
    therefore stays true until it commits, and no two use cases can deadlock. ``reading()`` sees one consistent
    state and never waits.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = _engine(url)
        self._turns = Turns()

    @property
    def dialect(self) -> str:
        """``sqlite`` or ``postgresql``."""
        return self.engine.dialect.name

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A write transaction: commits when the block ends well, rolls back otherwise."""
        with self.turn(), self.engine.connect() as connection:
            self.begin(connection)
            try:
                yield connection
            except BaseException:
                connection.rollback()
                raise
            connection.commit()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """One's turn among the writers of this process, first come, first served; SQLite alone would let them poll."""
        if self.dialect != "sqlite":
            yield
            return
        self._turns.take()
        try:
            yield
        finally:
            self._turns.give()

    def begin(self, connection: Connection) -> None:
        """Start a write transaction on a connection the caller keeps: wait for its turn among all writers."""
        if self.dialect == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITERS})")

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A consistent read; nothing is written."""
        with self.engine.connect() as connection:
            if self.dialect == "sqlite":
                connection.exec_driver_sql("BEGIN")
            else:
                connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            try:
                yield connection
            finally:
                connection.rollback()

    def create(self) -> None:
        """Create every table (and trigger) the imported stores declare that is not there yet."""
        self.check()
        with self.transaction() as tx:
            metadata.create_all(tx)

    def check(self) -> None:
        """Raises `Unavailable` with a hint when the database cannot be reached."""
        try:
            with self.engine.connect() as connection:
                connection.execute(text("SELECT 1"))
        except DBAPIError as error:
            place = make_url(self.url).render_as_string(hide_password=True)
            raise Unavailable(
                f"the database {place} cannot be opened: {str(error.orig).splitlines()[0]}",
                hint="check TONGBAN_DATABASE_URL and TONGBAN_HOME",
            ) from error

    def compact(self) -> None:
        """Bring everything into the database file itself and empty SQLite's log, where erased bytes may still stand."""
        if self.dialect == "sqlite":
            with self.engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Release all connections."""
        self.engine.dispose()


def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise Invalid("the database URL cannot be read", hint="see docs/settings.md") from None
    if parsed.drivername == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")  # the driver that is installed
    if parsed.get_backend_name() not in {"sqlite", "postgresql"}:
        raise Invalid(f"database {parsed.drivername} is not supported", hint="use sqlite or postgresql")
    if parsed.get_backend_name() == "postgresql":
        try:
            return create_engine(parsed, pool_size=10, max_overflow=20, pool_pre_ping=True)
        except (NoSuchModuleError, ModuleNotFoundError) as error:
            raise Invalid(f"no driver for {parsed.drivername}", hint="use postgresql+psycopg://…") from error
    if parsed.database in (None, "", ":memory:"):
        raise Invalid("SQLite in memory cannot be shared between threads", hint="name a file: sqlite:////path/file")
    engine = create_engine(parsed, poolclass=QueuePool, pool_size=10, max_overflow=40)

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        # pysqlite's own implicit BEGIN is switched off so that ours (IMMEDIATE for writers) is the only one.
        connection.isolation_level = None
        cursor = connection.cursor()
        # FULL: a receipt that was promised survives a power cut (WAL with NORMAL may lose the last commits).
        for pragma in ("busy_timeout=30000", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    return engine
