"""Tables into a database, all or nothing, whatever its kind."""

from __future__ import annotations

import errno
import os
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from mockdata.tables.databases.address import Address
from mockdata.tables.databases.definition import Definition

if TYPE_CHECKING:
    from mockdata.tables.databases.session import Session

Batches = Iterable[pa.RecordBatch]


class DatabaseError(RuntimeError):
    """What the database or its driver said, in one line without a password. `hint` says what to do."""

    def __init__(self, reason: str, hint: str = "") -> None:
        super().__init__(reason)
        self.hint = hint


class TableExists(FileExistsError):
    """The table is there already and was not to be replaced."""

    def __init__(self, table: str, address: Address) -> None:
        super().__init__(errno.EEXIST, "the table exists already", f"{table} in {address.shown}")


@dataclass(frozen=True, slots=True)
class Load:
    """One table and a way to its rows."""

    definition: Definition
    batches: Callable[[], Batches]


def load(
    address: Address, loads: Sequence[Load], *, force: bool = False, progress: Callable[[int], None] | None = None
) -> int:
    """Create and fill the tables, parents first; how many rows that were.

    The tables appear together when all are filled. Raises TableExists (without `force`), DatabaseError for anything
    the database refuses, OSError when a database file cannot be written.
    """
    if address.path is None:
        return _filled(address, None, loads, force, progress)
    if address.path.exists():
        return _filled(address, address.path, loads, force, progress)
    address.path.parent.mkdir(parents=True, exist_ok=True)
    hidden = address.path.with_name(f".{address.path.name}.{uuid.uuid4().hex}.unfinished")
    try:
        rows = _filled(address, hidden, loads, force, progress)
        if address.path.exists() and not force:
            raise FileExistsError(errno.EEXIST, "the database came to be in the meantime", str(address.path))
        os.replace(hidden, address.path)
        return rows
    finally:
        for left in hidden.parent.glob(f"{hidden.name}*"):
            left.unlink()


def _filled(
    address: Address,
    path: Path | None,
    loads: Sequence[Load],
    force: bool,
    progress: Callable[[int], None] | None,
) -> int:
    rows = 0
    with _session(address, path) as session:
        for one in loads:
            if session.exists(one.definition.name) and not force:
                raise TableExists(one.definition.name, address)
        session.begin([one.definition for one in loads])
        for one in loads:
            for batch in one.batches():
                session.write(one.definition, batch)
                rows += batch.num_rows
                if progress is not None:
                    progress(batch.num_rows)
        session.commit([one.definition for one in loads])
    return rows


def _session(address: Address, path: Path | None) -> Session:
    match address.kind:
        case "sqlite":
            from mockdata.tables.databases.sqlite import Sqlite

            assert path is not None
            return Sqlite(path)
        case "duckdb":
            from mockdata.tables.databases.duckdb import Duckdb

            assert path is not None
            return Duckdb(path)
    from mockdata.tables.databases.postgresql import Postgresql

    return Postgresql(address)
