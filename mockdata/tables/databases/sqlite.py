"""SQLite: one transaction, rows in batches through executemany.

Days, moments and JSON are ISO 8601 and JSON text, decimals go in as text and become numbers by the column's affinity.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.compute as pc

from mockdata.tables.arrow import convert
from mockdata.tables.databases.definition import Definition, quoted
from mockdata.tables.databases.load import DatabaseError
from mockdata.tables.jsonlines import nested_as_text

TYPES = {
    "text": "TEXT", "integer": "INTEGER", "number": "REAL", "boolean": "BOOLEAN", "decimal": "DECIMAL({},{})",
    "date": "DATE", "moment": "TIMESTAMP", "json": "JSON",
}  # fmt: skip


class Sqlite:
    """See Session."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> Self:
        with _told(self.path):
            self.connection = sqlite3.connect(self.path, isolation_level=None)
            self.connection.execute("BEGIN IMMEDIATE")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.connection.close()  # undoes what was not committed

    def exists(self, name: str) -> bool:
        found = self.connection.execute("SELECT 1 FROM sqlite_master WHERE lower(name) = lower(?)", (name,))
        return found.fetchone() is not None

    def begin(self, tables: Sequence[Definition]) -> None:
        with _told(self.path):
            for table in reversed(tables):
                self.connection.execute(f"DROP TABLE IF EXISTS {quoted(table.name)}")
            for table in tables:
                clauses = ", ".join([*table.columns(TYPES), *table.keys()])
                self.connection.execute(f"CREATE TABLE {quoted(table.name)} ({clauses})")

    def write(self, table: Definition, batch: pa.RecordBatch) -> None:
        places = ", ".join("?" * len(table.fields))
        columns = [_values(column) for column in nested_as_text(batch).columns]
        with _told(self.path):
            self.connection.executemany(
                f"INSERT INTO {quoted(table.name)} VALUES ({places})", zip(*columns, strict=True)
            )

    def commit(self, tables: Sequence[Definition]) -> None:
        with _told(self.path):
            self.connection.execute("COMMIT")


def _values(column: pa.Array) -> list[Any]:
    if pa.types.is_date(column.type):
        column = convert(column, pa.string(), {})
    elif pa.types.is_decimal(column.type):
        column = pc.cast(column, pa.string())
    found: list[Any] = column.to_pylist()
    return found


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise DatabaseError(f"SQLite: {error}: {path.name.removesuffix('.unfinished')}", _hint(error)) from None


def _hint(error: sqlite3.Error) -> str:
    code = getattr(error, "sqlite_errorcode", 0)
    hints = {
        sqlite3.SQLITE_FULL: "make room on the disk", sqlite3.SQLITE_BUSY: "end what writes the database now",
        sqlite3.SQLITE_LOCKED: "end what writes the database now", sqlite3.SQLITE_NOTADB: "name an SQLite database",
        sqlite3.SQLITE_READONLY: "the file may not be written",
        sqlite3.SQLITE_CANTOPEN: "check that the folder exists and may be written",
    }  # fmt: skip
    return hints.get(code & 0xFF, "")
