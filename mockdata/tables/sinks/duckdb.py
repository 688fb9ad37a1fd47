"""A DuckDB database file that holds one table."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from mockdata.tables.databases.definition import definition
from mockdata.tables.databases.duckdb import Duckdb

if TYPE_CHECKING:
    from mockdata.tables.plan import Plan
    from specs.model import Table


class DatabaseFile:
    """The plan's table with its primary key (when `table` tells it) in a file of its own."""

    def __init__(self, path: Path, plan: Plan, table: Table | None) -> None:
        self.definition = definition(plan, table)
        self.stack = ExitStack()
        self.session = self.stack.enter_context(Duckdb(path))
        self.session.begin([self.definition])

    def write(self, batch: pa.RecordBatch) -> None:
        self.session.write(self.definition, batch)

    def close(self) -> None:
        with self.stack:
            self.session.commit([self.definition])
