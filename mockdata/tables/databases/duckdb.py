"""DuckDB: one transaction, batches taken over as Arrow memory. Lists and structs stay what they are.

The file is of the storage format that the installed DuckDB reads and writes by default.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa

from mockdata.tables.databases.definition import Definition, Field, listed, quoted, quoted_name, spelled
from mockdata.tables.databases.load import DatabaseError

TYPES = {
    "text": "VARCHAR", "integer": "BIGINT", "number": "DOUBLE", "boolean": "BOOLEAN", "decimal": "DECIMAL({},{})",
    "date": "DATE", "moment": "TIMESTAMPTZ", "json": "JSON",
}  # fmt: skip


class Duckdb:
    """See Session."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> Self:
        import duckdb

        with _told():
            self.connection: Any = duckdb.connect(str(self.path), config={"autoinstall_known_extensions": "false"})
            self.connection.execute("SET TimeZone = 'UTC'")
            self.connection.execute("BEGIN")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.connection.close()  # undoes what was not committed

    def exists(self, name: str) -> bool:
        schema, _, table = name.rpartition(".")
        found = self.connection.execute(
            "SELECT 1 FROM information_schema.tables WHERE lower(table_schema) = lower(?) "
            "AND lower(table_name) = lower(?)",
            [schema or "main", table],
        )
        return found.fetchone() is not None

    def begin(self, tables: Sequence[Definition]) -> None:
        with _told():
            for table in reversed(tables):
                self.connection.execute(f"DROP TABLE IF EXISTS {quoted_name(table.name)}")
            for table in tables:
                columns = [f"{quoted(f.name)} {_type(f)}{'' if f.nullable else ' NOT NULL'}" for f in table.fields]
                self.connection.execute(
                    f"CREATE TABLE {quoted_name(table.name)} ({', '.join([*columns, *table.keys()])})"
                )

    def write(self, table: Definition, batch: pa.RecordBatch) -> None:
        if not batch.num_rows:
            return
        names = listed([field.name for field in table.fields])
        with _told():
            self.connection.register("_batch", pa.Table.from_batches([batch]))
            self.connection.execute(f"INSERT INTO {quoted_name(table.name)} ({names}) SELECT {names} FROM _batch")
            self.connection.unregister("_batch")

    def commit(self, tables: Sequence[Definition]) -> None:
        with _told():
            self.connection.execute("COMMIT")


def _type(field: Field) -> str:
    if pa.types.is_nested(field.type) and not field.json:
        return _nested(field.type)
    return spelled(field, TYPES)


def _nested(type: pa.DataType) -> str:
    if pa.types.is_struct(type):
        return f"STRUCT({', '.join(f'{quoted(part.name)} {_nested(part.type)}' for part in type)})"
    if pa.types.is_list(type):
        return f"{_nested(type.value_type)}[]"
    return spelled(Field("", type, True, False), TYPES)


@contextmanager
def _told() -> Iterator[None]:
    import duckdb

    try:
        yield
    except duckdb.Error as error:
        line = str(error).splitlines()[0]
        for code in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT):
            if os.strerror(code) in line:
                raise OSError(code, os.strerror(code)) from None
        hint = "end what uses the database now" if "lock" in line.lower() else ""
        raise DatabaseError(f"DuckDB: {line}", hint) from None
