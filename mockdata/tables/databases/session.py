"""What every kind of database can do: one transaction that fills tables."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Protocol, Self

import pyarrow as pa

from mockdata.tables.databases.definition import Definition


class Session(Protocol):
    """A transaction. Leaving it without `commit` undoes everything."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def exists(self, name: str) -> bool:
        """Whether there is a table or view of that name."""

    def begin(self, tables: Sequence[Definition]) -> None:
        """Make the tables, parents first."""

    def write(self, table: Definition, batch: pa.RecordBatch) -> None:
        """Rows into a table."""

    def commit(self, tables: Sequence[Definition]) -> None:
        """Let the tables appear, in place of those of the same names."""
