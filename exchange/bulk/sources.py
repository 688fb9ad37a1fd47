"""Providers' tables, opened for reading: files, DuckDB files, databases. One locked DuckDB connection each.

A connection sees the files of its source and the place its result goes to, nothing else: no network, no other file,
no extension, and no statement can change that. So not even a view inside a provider's DuckDB file reaches out, through
a link neither: DuckDB itself would follow one anywhere.
"""

from __future__ import annotations

import hashlib
import secrets
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from exchange.brokering.sources import SourceFailure
from exchange.bulk.conditions import quoted
from exchange.bulk.databases import Feed, feed, place
from exchange.bulk.model import Kind, Source
from exchange.errors import Unavailable, Unprocessable

MEMORY = "384MB"
"""What one DuckDB connection may use; beyond it goes to disk."""
AT_ONCE = 2
"""Connections that read at a time; each uses all processors."""
WAIT_SECONDS = 20.0
MOST_SECONDS = 3600.0
"""How long one reading may take, so that a slow source does not keep the others out for ever."""
MOST_FILES = 10_000
ENDINGS = {".parquet": "parquet", ".csv": "csv", ".csv.gz": "csv", ".tsv": "csv"}


class Reading:
    """A source in a locked DuckDB connection, under the name ``source``: at first only its shape is certain."""

    def __init__(self, connection: Any, feed: Feed | None) -> None:
        self.connection, self._feed = connection, feed

    def rows(self, columns: Sequence[str]) -> None:
        """Make ready to read these columns, from the first row: a database sends no others. Raises `SourceFailure`."""
        if self._feed is None:
            return
        try:
            self.connection.register("source", self._feed.rows(columns))
        except Exception:  # drivers raise what they like, and their words may hold the password
            raise SourceFailure("source-unreachable") from None


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
        seconds = max(source.fresh_seconds, 1)
        turn = f"{int(now.timestamp()) // seconds}" if source.kind is Kind.DATABASE else ""
        named = [source.kind, source.location, source.item, source.set_at, turn, self.state(source)]
        return hashlib.sha256("\n".join(named).encode()).hexdigest()

    def state(self, source: Source) -> str:
        """What a source's files look like from outside; nothing for a database, which is read in one transaction."""
        told = []
        for path in [] if source.kind is Kind.DATABASE else self._paths(source):
            for part in (path, path.with_name(path.name + ".wal")):
                if part.exists():
                    state = part.stat()
                    told.append(f"{part.name} {state.st_ino} {state.st_size} {state.st_mtime_ns}")
        return "\n".join(told)

    @contextmanager
    def open(self, source: Source, into: Path | None) -> Iterator[Reading]:
        """A source, ready to be read. ``into``: the one folder that may be written.

        Raises `SourceFailure`, and `Unavailable` when too many read already: memory is bounded by how many may.
        """
        paths = [] if source.kind is Kind.DATABASE else self._paths(source)
        if not self._turns.acquire(timeout=WAIT_SECONDS):
            raise Unavailable("too much is read in bulk at the moment", hint="try again", retry_after=60)
        # a folder of its own: what another department's reading puts there is not to be seen by this one's views
        spill = self.spill / secrets.token_hex(8)
        try:
            spill.mkdir(parents=True)
            connection = self._connection(paths, into, spill)
            late = threading.Timer(MOST_SECONDS, connection.interrupt)
            late.daemon = True
            late.start()
            try:
                with self._named(connection, source, paths) as reading:
                    yield reading
            finally:
                late.cancel()
                connection.close()
        finally:
            self._turns.release()
            shutil.rmtree(spill, ignore_errors=True)

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

    def _connection(self, paths: list[Path], into: Path | None, spill: Path) -> Any:
        import duckdb

        config: dict[str, Any] = {"memory_limit": MEMORY, "temp_directory": str(spill)}
        if self.threads:
            config["threads"] = self.threads
        connection = duckdb.connect(config=config)
        readable = [str(path) for path in paths] + [f"{path}.wal" for path in paths]
        connection.execute("SET allowed_paths = ?", [readable])
        connection.execute("SET allowed_directories = ?", [[str(path) for path in (into, spill) if path]])
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
    def _named(self, connection: Any, source: Source, paths: list[Path]) -> Iterator[Reading]:
        import duckdb

        try:
            if source.kind is Kind.DUCKDB:
                # a parameter cannot stand in ATTACH or CREATE VIEW: the text is escaped instead
                connection.execute(f"ATTACH {_literal(str(paths[0]))} AS kept (READ_ONLY)")
                item = ".".join(quoted(part) for part in ("kept", *_item(source.item)))
                connection.execute(f"CREATE TEMP VIEW source AS SELECT * FROM {item}")
            elif source.kind is Kind.FILES:
                reader = _reader(connection, paths, source.texts)
                connection.execute(f"CREATE TEMP VIEW source AS SELECT * FROM {reader}")
        except duckdb.Error:
            raise SourceFailure("source-unreadable") from None
        if source.kind is not Kind.DATABASE:
            yield Reading(connection, None)
            return
        try:
            url = self._place(source)
        except Unprocessable:
            raise SourceFailure("source-unreachable") from None
        *space, name = _item(source.item)
        with feed(url, space[0] if space else None, name) as made:
            connection.register("source", made.shape())
            yield Reading(connection, made)

    def _place(self, source: Source) -> Any:
        def file(name: str) -> str:
            return str(self._paths(replace(source, kind=Kind.DUCKDB, location=name))[0])

        return place(source.url, file, self.admits)

    # ---- files

    def _home(self, source: Source) -> Path:
        if self.folder is None:
            raise SourceFailure("source-folder-missing")
        return (self.folder / source.department).resolve()

    def _paths(self, source: Source) -> list[Path]:
        """The files of a source, each really inside the department's folder, whatever links there are."""
        try:
            return self._found(source)
        except (OSError, ValueError, NotImplementedError):  # a name too long, a pattern that is none
            raise SourceFailure("source-missing") from None

    def _found(self, source: Source) -> list[Path]:
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


def _reader(connection: Any, paths: list[Path], texts: Sequence[str]) -> str:
    names = f"[{', '.join(_literal(str(path)) for path in paths)}]"
    if _format(paths[0]) == "parquet":
        return f"read_parquet({names}, union_by_name = true)"
    there = connection.sql(f"SELECT * FROM read_csv({names}, all_varchar = true) LIMIT 0").columns
    types = ", ".join(f"{_literal(name)}: 'VARCHAR'" for name in there if name in texts)
    return f"read_csv({names}, types = {{{types}}})" if types else f"read_csv({names})"


def _item(item: str) -> list[str]:
    parts = item.split(".", 1)
    if not all(parts):
        raise SourceFailure("source-missing")
    return parts


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _format(path: Path) -> str:
    return next((form for ending, form in ENDINGS.items() if path.name.lower().endswith(ending)), "")
