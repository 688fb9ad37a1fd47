"""Databases as sources: the URL checked and pinned to one address, one transaction for all that is read."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from exchange.brokering.sources import SourceFailure
from exchange.errors import Unprocessable

BATCH_ROWS = 50_000
SERVERS = {"postgresql": 5432, "mysql": 3306, "mariadb": 3306, "mssql": 1433, "oracle": 1521}
LOCAL = "sqlite"
OPTIONS = frozenset({"charset", "connect_timeout", "sslmode", "service_name"})
"""Options a database URL may carry. Others could name another host, a socket or a file."""
NAMED = frozenset({"psycopg", "psycopg2"})
"""Drivers that take an address beside the name, so that a certificate is still held against the name."""
STILL = {
    "postgresql": "REPEATABLE READ",
    "mysql": "REPEATABLE READ",
    "mariadb": "REPEATABLE READ",
    "mssql": "SNAPSHOT",
    "oracle": "SERIALIZABLE",
}
"""The isolation under which a database shows one state to all statements of a transaction. One that does not allow it
(SQL Server without ALLOW_SNAPSHOT_ISOLATION) cannot be read.
"""
CONNECT_SECONDS = 10
_PATIENCE: dict[str, dict[str, Any]] = {
    "psycopg": {"connect_timeout": CONNECT_SECONDS},
    "psycopg2": {"connect_timeout": CONNECT_SECONDS},
    "pymysql": {"connect_timeout": CONNECT_SECONDS, "read_timeout": 600},
    "mysqldb": {"connect_timeout": CONNECT_SECONDS, "read_timeout": 600},
}


def parsed(text: str) -> Any:
    """The URL of a database. Raises `Unprocessable`, which repeats nothing of it."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        return make_url(text)
    except (ArgumentError, ValueError):
        raise Unprocessable("the database URL cannot be read", hint="for example mysql+pymysql://…") from None


def place(text: str, file: Callable[[str], str], admits: Callable[[str], bool]) -> Any:
    """The checked URL, pinned to an address. ``file`` gives the full path of an SQLite file or raises `SourceFailure`.

    Raises `Unprocessable` for a URL that may not be used.
    """
    from urllib.parse import quote

    from sqlalchemy.engine import URL

    url = parsed(text)
    backend = url.get_backend_name()
    if backend == LOCAL:
        try:
            full = f"file:{quote(file(url.database or ''))}"
        except SourceFailure as failure:
            raise Unprocessable(f"the database cannot be used: {failure.rule}") from None
        return URL.create("sqlite", database=full, query={"mode": "ro", "uri": "true"})
    if backend not in SERVERS:
        raise Unprocessable(
            f"a database of {backend} cannot be used",
            hint=f"one of {', '.join([LOCAL, *SERVERS])}, or kind duckdb",
        )
    if beyond := url.query.keys() - OPTIONS:
        raise Unprocessable(f"the database URL may not carry {', '.join(sorted(beyond))}")
    if not url.host or "/" in url.host or "," in url.host:
        raise Unprocessable("the database URL names no single host")
    return pinned(url, _driver(url), _address(url.host, url.port or SERVERS[backend], admits))


def pinned(url: Any, driver: str, address: str) -> Any:
    """The URL for a driver that is to go to this address, whatever the host's name means by then."""
    return url.update_query_dict({"hostaddr": address}) if driver in NAMED else url.set(host=address)


def _driver(url: Any) -> str:
    from sqlalchemy.exc import NoSuchModuleError

    try:
        dialect = url.get_dialect()
        dialect.import_dbapi()
    except (NoSuchModuleError, ImportError):
        name = url.drivername
        raise Unprocessable(f"no driver of {name} is installed", hint="name one, such as mysql+pymysql://…") from None
    if dialect.is_async:
        raise Unprocessable(f"{url.drivername} is a driver for another kind of program", hint="name a plain one")
    return str(dialect.driver)


def _address(host: str, port: int, admits: Callable[[str], bool]) -> str:
    try:
        found = sorted({str(place[4][0]) for place in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)})
    except (OSError, ValueError, OverflowError):
        raise Unprocessable("the host of the database is not known") from None
    if not all(map(admits, found)):
        raise Unprocessable("the database may not be at that address")
    return found[0]


class Feed:
    """A table of a database: its shape, and its rows as Arrow batches, however often, all of one state of it."""

    def __init__(self, connection: Any, table: Any) -> None:
        self._connection, self._table = connection, table
        self._result: Any = None

    def shape(self) -> Any:
        """The columns, without a row."""
        return self._reader(list(self._table.columns), iter(()))

    def rows(self, columns: Sequence[str]) -> Any:
        """All rows, from the first; only these columns are asked for. The rows given before are at an end."""
        from sqlalchemy import select

        self.close()
        wanted = [column for column in self._table.columns if column.name in columns]
        options = {"stream_results": True, "max_row_buffer": BATCH_ROWS}
        self._result = self._connection.execute(select(*wanted), execution_options=options)
        return self._reader(wanted, None)

    def close(self) -> None:
        """Ask for no more rows."""
        if self._result is not None:
            self._result.close()
            self._result = None

    def _reader(self, columns: Sequence[Any], given: Iterator[Any] | None) -> Any:
        import pyarrow as pa

        from exchange.bulk.feeding import arrow_schema, batches

        schema = arrow_schema(columns)
        return pa.RecordBatchReader.from_batches(
            schema, batches(self._result, schema, BATCH_ROWS) if given is None else given
        )


@contextmanager
def feed(url: Any, space: str | None, name: str) -> Iterator[Feed]:
    """A table of the database at a checked URL, in one transaction that changes nothing. Raises `SourceFailure`."""
    from sqlalchemy import MetaData, Table, create_engine

    backend, driver = url.get_backend_name(), url.get_dialect().driver
    engine = create_engine(url, pool_size=1, max_overflow=0, connect_args=_PATIENCE.get(driver, {}))
    try:
        try:
            level = {"isolation_level": STILL[backend]} if backend in STILL else {}
            connection = engine.connect().execution_options(**level)
            if backend == LOCAL:
                # Python's driver begins a transaction for writers only
                connection.exec_driver_sql("BEGIN")
            made = Feed(connection, Table(name, MetaData(), schema=space, autoload_with=connection))
        except Exception:  # drivers raise what they like, and their words may hold the password
            raise SourceFailure("source-unreachable") from None
        try:
            yield made
        finally:
            made.close()
            connection.close()
    finally:
        engine.dispose()
