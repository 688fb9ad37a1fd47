"""The lane's own connection: kept open, told whether anybody else wrote since, and how durable a commit has to be."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection

from exchange.database import Database


class Pen:
    """One writer's connection. Not safe to use from two threads at once."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: Connection | None = None
        self._version: int | None = None
        self._durable = True

    @contextmanager
    def writing(self, *, durable: bool = True) -> Iterator[tuple[Connection, bool]]:
        """A write transaction, and whether what was read in the last one still holds.

        A commit that is not ``durable`` survives the death of this process but not of the machine; it is on disk with
        the next one that is.
        """
        with self._database.turn():
            yield from self._written(durable)

    def _written(self, durable: bool) -> Iterator[tuple[Connection, bool]]:
        connection = self._open()
        try:
            if self._sqlite:
                holds = self._begun(connection, durable)
            else:
                holds = False
                self._database.begin(connection)
                if not durable:
                    connection.exec_driver_sql("SET LOCAL synchronous_commit TO off")
            yield connection, holds
            if self._sqlite:
                # begun on the driver, so ended there: a group that found everything in `Sight` ran nothing through
                # SQLAlchemy, which then knows of no transaction and would leave the database locked
                driver: Any = connection.connection.dbapi_connection
                driver.commit()
            connection.commit()
        except BaseException:
            self._version = None
            self._drop()
            raise

    def close(self) -> None:
        """Give the connection up."""
        self._drop()

    @property
    def _sqlite(self) -> bool:
        return self._database.dialect == "sqlite"

    def _begun(self, connection: Connection, durable: bool) -> bool:
        """Begin on SQLite, straight on the driver: these few words would cost more than the work they are for."""
        driver: Any = connection.connection.dbapi_connection
        if durable != self._durable:
            driver.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
            self._durable = durable
        driver.execute("BEGIN IMMEDIATE")
        # counts the commits of all other connections, of other processes too
        version = driver.execute("PRAGMA data_version").fetchone()[0]
        same, self._version = version == self._version, version
        return bool(same)

    def _open(self) -> Connection:
        if self._connection is None:
            self._connection = self._database.engine.connect()
            self._connection.detach()  # it never goes back to the pool: its durability is its own
            self._durable, self._version = True, None
        return self._connection

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()  # rolls back what was open
