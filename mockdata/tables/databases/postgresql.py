"""PostgreSQL: one transaction, rows by COPY.

Rows go into a table of another name; keys are made after them, and at the end the tables change names: who reads the
old table is kept waiting for that moment only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.csv

from mockdata.tables.databases.address import Address
from mockdata.tables.databases.definition import Definition, listed, quoted, quoted_name
from mockdata.tables.databases.load import DatabaseError
from mockdata.tables.jsonlines import nested_as_text

TYPES = {
    "text": "text", "integer": "bigint", "number": "double precision", "boolean": "boolean",
    "decimal": "numeric({},{})", "date": "date", "moment": "timestamptz", "json": "jsonb",
}  # fmt: skip
NAME_BYTES = 63
WAIT_SECONDS = 10


class Postgresql:
    """See Session. The address may leave out the password and have it from PGPASSWORD or ~/.pgpass."""

    def __init__(self, address: Address) -> None:
        self.address = address

    def __enter__(self) -> Self:
        try:
            import psycopg
        except ImportError:
            raise DatabaseError("PostgreSQL needs psycopg", "pip install 'psycopg[binary]'") from None
        self.driver = psycopg
        with self._told():
            self.connection: Any = psycopg.connect(
                self.address.url, connect_timeout=WAIT_SECONDS, client_encoding="utf8"
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.connection.close()  # undoes what was not committed

    def exists(self, name: str) -> bool:
        with self._told():
            found = self.connection.execute("SELECT to_regclass(%s)", (quoted_name(name),)).fetchone()
        return found[0] is not None

    def begin(self, tables: Sequence[Definition]) -> None:
        for table in tables:
            with self._told():
                self.connection.execute(f"CREATE TABLE {_loading(table)} ({', '.join(table.columns(TYPES))})")

    def write(self, table: Definition, batch: pa.RecordBatch) -> None:
        text = pa.BufferOutputStream()
        options = pyarrow.csv.WriteOptions(include_header=False, quoting_style="needed")
        pyarrow.csv.write_csv(nested_as_text(batch), text, options)
        command = f"COPY {_loading(table)} FROM STDIN (FORMAT csv)"
        with self._told(), self.connection.cursor() as cursor, cursor.copy(command) as copy:
            copy.write(text.getvalue())

    def commit(self, tables: Sequence[Definition]) -> None:
        with self._told():
            for table in tables:
                if table.primary_key:
                    keyed = f"ADD CONSTRAINT {quoted(_key_name(table, True))} PRIMARY KEY ({listed(table.primary_key)})"
                    self.connection.execute(f"ALTER TABLE {_loading(table)} {keyed}")
            for table in reversed(tables):
                self.connection.execute(f"DROP TABLE IF EXISTS {quoted_name(table.name)}")
            for table in tables:
                _, _, bare = table.name.rpartition(".")
                self.connection.execute(f"ALTER TABLE {_loading(table)} RENAME TO {quoted(bare)}")
                if table.primary_key:
                    old, new = quoted(_key_name(table, True)), quoted(_key_name(table, False))
                    self.connection.execute(f"ALTER TABLE {quoted_name(table.name)} RENAME CONSTRAINT {old} TO {new}")
            for table in tables:
                for own, other, theirs in table.foreign_keys:
                    self.connection.execute(
                        f"ALTER TABLE {quoted_name(table.name)} ADD FOREIGN KEY ({listed(own)}) "
                        f"REFERENCES {quoted_name(other)} ({listed(theirs)})"
                    )
            self.connection.commit()

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except self.driver.Error as error:
            lines = [line.strip() for line in str(error).splitlines() if line.strip()] or ["no answer"]
            unreachable = isinstance(error, self.driver.OperationalError)
            hint = error.diag.message_hint or error.diag.message_detail or ""
            if unreachable and not hint:
                hint = "check host, port, database, user, and password (PGPASSWORD or ~/.pgpass keep it out of sight)"
            said = lines[-1] if unreachable else lines[0]
            raise DatabaseError(f"{self.address.shown}: {said}", hint) from None


def _cut(name: str, ending: str) -> str:
    """A name PostgreSQL does not cut short itself."""
    return name.encode()[: NAME_BYTES - len(ending)].decode(errors="ignore") + ending


def _loading(table: Definition) -> str:
    schema, _, bare = table.name.rpartition(".")
    return quoted_name(f"{schema}.{_cut(bare, '__loading')}" if schema else _cut(bare, "__loading"))


def _key_name(table: Definition, loading: bool) -> str:
    return _cut(table.name.rpartition(".")[2], "__loading_pkey" if loading else "_pkey")
