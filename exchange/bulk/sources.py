"""Providers' tables, opened for reading: files, DuckDB files, databases. One locked DuckDB connection each.

A connection sees the department's own folder and the place its result goes to, nothing else: no network, no other
file, no extension, and no statement can change that. So not even a view inside a provider's DuckDB file reaches out.
"""

from __future__ import annotations

import hashlib
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote

from exchange.brokering.sources import SourceFailure
from exchange.bulk.conditions import quoted
from exchange.bulk.model import Kind, Source
from exchange.errors import Unavailable, Unprocessable

MEMORY = "384MB"
"""What one DuckDB connection may use; beyond it goes to disk."""
AT_ONCE = 2
"""Connections that read at a time; each uses all processors."""
WAIT_SECONDS = 20.0
MOST_FILES = 10_000
BATCH_ROWS = 50_000
ENDINGS = {".parquet": "parquet", ".csv": "csv", ".csv.gz": "csv", ".tsv": "csv"}
SERVERS = {"postgresql": 5432, "mysql": 3306, "mariadb": 3306, "mssql": 1433, "oracle": 1521}
LOCAL = frozenset({"sqlite"})
OPTIONS = frozenset({"charset", "connect_timeout", "sslmode", "service_name"})
"""Options a database URL may carry. Others could name another host, a socket or a file."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A source in a DuckDB connection, under the name ``source``. ``stamp``: changes when its content may have."""

    connection: Any
    stamp: str


class Sources:
    """Opens sources. ``folder`` holds one folder a department; without it only database servers can be used."""

    def __init__(self, folder: Path | None, spill: Path, admits: Callable[[str], bool], *, threads: int = 0) -> None:
        """``spill``: where DuckDB puts what does not fit in memory; ``admits``: whether a database may be at an IP
        address; ``threads`` 0: as many as processors.
        """
        self.folder, self.spill, self.admits = folder, spill, admits
        self._turns = threading.BoundedSemaphore(AT_ONCE)
        self.threads = threads

    def stamp(self, source: Source, now: datetime) -> str:
        """Changes whenever the content may have changed; cheap, reads no data. Raises `SourceFailure`."""
        if source.kind is Kind.DATABASE:
            seconds = max(source.fresh_seconds, 1)
            told = [f"{int(now.timestamp()) // seconds}"]
        else:
            told = []
            for path in self._paths(source):
                for part in (path, path.with_name(path.name + ".wal")):
                    if part.exists():
                        state = part.stat()
                        told.append(f"{part.name} {state.st_size} {state.st_mtime_ns}")
        named = [source.kind, source.location, source.item, source.set_at, *told]
        return hashlib.sha256("\n".join(named).encode()).hexdigest()

    @contextmanager
    def open(self, source: Source, columns: Sequence[str] | None, into: Path | None) -> Iterator[Any]:
        """A locked connection with the view or feed ``source``; ``columns``: all that will be read, None for none
        (only the shape). ``into``: the one folder that may be written. Raises `SourceFailure`, and `Unavailable` when
        too many read already: memory is bounded by how many may.
        """
        paths = [] if source.kind is Kind.DATABASE else self._paths(source)
        if not self._turns.acquire(timeout=WAIT_SECONDS):
            raise Unavailable("too much is read in bulk at the moment", hint="try again", retry_after=60)
        try:
            self.spill.mkdir(parents=True, exist_ok=True)
            # a folder a connection: DuckDB numbers its files anew in each
            with TemporaryDirectory(dir=self.spill, ignore_cleanup_errors=True) as spill:
                connection = self._connection([str(self._home(source))] if paths else [], into, spill)
                try:
                    with self._named(connection, source, paths, columns):
                        yield connection
                finally:
                    connection.close()
        finally:
            self._turns.release()

    def check(self, source: Source) -> None:
        """Raises `Unprocessable` for a source that may not be registered, before anything of it is opened."""
        if source.kind is Kind.DATABASE:
            self._place(source)
            return
        try:
            self._paths(source)
        except SourceFailure as failure:
            raise Unprocessable(
                f"the source cannot be used: {failure.rule}", hint="a path below your own folder of TONGBAN_BULK_FOLDER"
            ) from None

    def _connection(self, readable: list[str], into: Path | None, spill: str) -> Any:
        import duckdb

        config: dict[str, Any] = {"memory_limit": MEMORY, "temp_directory": spill}
        if self.threads:
            config["threads"] = self.threads
        connection = duckdb.connect(config=config)
        allowed = [*readable, *([str(into)] if into else []), spill]
        connection.execute("SET allowed_directories = ?", [allowed])
        for statement in (
            "SET TimeZone = 'UTC'",
            "SET enable_progress_bar = false",
            "SET preserve_insertion_order = false",
            "SET python_enable_replacements = false",
            "SET enable_external_access = false",
            "SET lock_configuration = true",
        ):
            connection.execute(statement)
        return connection

    @contextmanager
    def _named(
        self, connection: Any, source: Source, paths: list[Path], columns: Sequence[str] | None
    ) -> Iterator[None]:
        import duckdb

        try:
            if source.kind is Kind.DATABASE:
                with self._feed(source, columns) as reader:
                    connection.register("source", reader)
                    yield
                return
            if source.kind is Kind.DUCKDB:
                # a parameter cannot stand in ATTACH or CREATE VIEW: the text is escaped instead
                connection.execute(f"ATTACH {_literal(str(paths[0]))} AS kept (READ_ONLY)")
                item = ".".join(quoted(part) for part in ("kept", *_item(source.item)))
                connection.execute(f"CREATE TEMP VIEW source AS SELECT * FROM {item}")
            else:
                reader = _reader(connection, paths, source.texts)
                connection.execute(f"CREATE TEMP VIEW source AS SELECT * FROM {reader}")
        except duckdb.Error:
            raise SourceFailure("source-unreadable") from None
        yield

    # ---- files

    def _home(self, source: Source) -> Path:
        if self.folder is None:
            raise SourceFailure("source-folder-missing")
        return (self.folder / source.department).resolve()

    def _paths(self, source: Source) -> list[Path]:
        """The files of a source, each really inside the department's folder, whatever links there are."""
        home = self._home(source)
        relative = Path(source.location)
        if relative.is_absolute() or ".." in relative.parts or "\x00" in source.location:
            raise SourceFailure("source-outside-folder")
        if not home.is_dir():
            raise SourceFailure("source-missing")
        place = home / relative
        found = [place]
        if source.kind is Kind.FILES and (place.is_dir() or any(mark in source.location for mark in "*?[")):
            pattern = str(relative / "**" / "*") if place.is_dir() else str(relative)
            found = [path for path in home.glob(pattern) if path.is_file() and _format(path)]
        found = sorted(path.resolve() for path in found)
        if not all(path.is_relative_to(home) for path in found):
            raise SourceFailure("source-outside-folder")
        if not found or len(found) > MOST_FILES or not all(path.is_file() for path in found):
            raise SourceFailure("source-missing")
        if source.kind is Kind.FILES and len({_format(path) for path in found}) != 1:
            raise SourceFailure("source-formats-mixed")
        if source.kind is Kind.FILES and not _format(found[0]):
            raise SourceFailure("source-format-unknown")
        return found

    # ---- databases

    def _place(self, source: Source) -> Any:
        """The checked URL, pinned to an address where its driver allows it. Raises `Unprocessable`."""
        from sqlalchemy.engine import URL, make_url
        from sqlalchemy.exc import ArgumentError

        try:
            url = make_url(source.url)
        except ArgumentError:
            raise Unprocessable("the database URL cannot be read", hint="for example mysql+pymysql://…") from None
        backend = url.get_backend_name()
        if backend in LOCAL:
            file = Source(**_fields(source) | {"kind": Kind.DUCKDB, "location": url.database or ""})
            try:
                place = f"file:{quote(str(self._paths(file)[0]))}"
                return URL.create("sqlite", database=place, query={"mode": "ro", "uri": "true"})
            except SourceFailure as failure:
                raise Unprocessable(f"the database cannot be used: {failure.rule}") from None
        if backend not in SERVERS:
            raise Unprocessable(
                f"a database of {backend} cannot be used",
                hint=f"one of {', '.join([*LOCAL, *SERVERS])}, or kind duckdb",
            )
        if beyond := url.query.keys() - OPTIONS:
            raise Unprocessable(f"the database URL may not carry {', '.join(sorted(beyond))}")
        if not url.host or "/" in url.host or "," in url.host:
            raise Unprocessable("the database URL names no single host")
        address = self._address(url.host, url.port or SERVERS[backend])
        return url.update_query_dict({"hostaddr": address}) if url.drivername == "postgresql+psycopg" else url

    def _address(self, host: str, port: int) -> str:
        try:
            found = sorted({str(place[4][0]) for place in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)})
        except OSError:
            raise Unprocessable(f"the host {host} is not known") from None
        if not all(map(self.admits, found)):
            raise Unprocessable("the database may not be at that address")
        return found[0]

    @contextmanager
    def _feed(self, source: Source, columns: Sequence[str] | None) -> Iterator[Any]:
        """Rows of a database as Arrow batches, read as they are asked for; only the columns wanted are selected."""
        import pyarrow as pa
        from sqlalchemy import MetaData, Table, create_engine, select
        from sqlalchemy.exc import SQLAlchemyError

        from exchange.bulk.feeding import arrow_schema, batches

        try:
            engine = create_engine(self._place(source), pool_size=1, max_overflow=0)
        except (Unprocessable, SQLAlchemyError, ImportError):
            raise SourceFailure("source-unreachable") from None
        try:
            *space, name = _item(source.item)
            table = Table(name, MetaData(), schema=space[0] if space else None, autoload_with=engine)
            wanted = [column for column in table.columns if columns is None or column.name in columns]
            schema = arrow_schema(wanted)
            if columns is None:
                yield pa.RecordBatchReader.from_batches(schema, [])
                return
            with engine.connect().execution_options(stream_results=True, max_row_buffer=BATCH_ROWS) as connection:
                rows = connection.execute(select(*wanted))
                yield pa.RecordBatchReader.from_batches(schema, batches(rows, schema, BATCH_ROWS))
        except (SQLAlchemyError, ImportError):
            raise SourceFailure("source-unreachable") from None
        finally:
            engine.dispose()


def _reader(connection: Any, paths: list[Path], texts: Sequence[str]) -> str:
    names = f"[{', '.join(_literal(str(path)) for path in paths)}]"
    if _format(paths[0]) == "parquet":
        return f"read_parquet({names}, union_by_name = true)"
    there = connection.sql(f"SELECT * FROM read_csv({names}, all_varchar = true) LIMIT 0").columns
    types = ", ".join(f"{_literal(name)}: 'VARCHAR'" for name in there if name in texts)
    return f"read_csv({names}, types = {{{types}}})" if types else f"read_csv({names})"


def _fields(source: Source) -> dict[str, Any]:
    return {name: getattr(source, name) for name in Source.__dataclass_fields__}


def _item(item: str) -> list[str]:
    parts = item.split(".", 1)
    if not all(parts):
        raise SourceFailure("source-missing")
    return parts


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _format(path: Path) -> str:
    return next((form for ending, form in ENDINGS.items() if path.name.lower().endswith(ending)), "")
