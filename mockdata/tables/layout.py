"""How a dataset lies on disk: format, encoding, rows of a file, folders by column; and what a format cannot hold."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from mockdata.tables.scale import PART_ROWS

if TYPE_CHECKING:
    from mockdata.tables.plan import Plan

FORMATS: Mapping[str, str] = {
    "parquet": ".parquet",
    "csv": ".csv",
    "jsonl": ".jsonl",
    "arrow": ".arrow",
    "xlsx": ".xlsx",
    "duckdb": ".duckdb",
}
"""Format → file name ending."""
WHOLE = frozenset({"xlsx", "duckdb"})
"""Formats of one file, however many rows."""
ENCODINGS = ("utf-8", "utf-8-bom", "gb18030")
SHEET_ROWS = 1_048_576
"""Rows of a sheet, its header among them (ECMA-376 as Excel keeps it)."""
SHEETS = 10
"""A workbook of more sheets than that nobody opens."""
SHEET_COLUMNS = 16_384
FOLDERS = 1000
"""Folders of a partitioned dataset; a column of more different values makes files of a few rows each."""
SAMPLE = 4096


class LayoutError(ValueError):
    """A layout that cannot be: `hint` says what to do."""

    def __init__(self, reason: str, hint: str = "") -> None:
        super().__init__(reason)
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Layout:
    """`encoding` is for CSV, `partition_by` for formats of many files; up to `part_rows` rows make one file."""

    format: str = "parquet"
    encoding: str = "utf-8"
    partition_by: tuple[str, ...] = ()
    part_rows: int = PART_ROWS

    @property
    def ending(self) -> str:
        """The ending of file names."""
        return FORMATS[self.format]

    @property
    def options(self) -> dict[str, Any]:
        """What the manifest says of it."""
        return {"encoding": self.encoding, "partition_by": list(self.partition_by), "part_rows": self.part_rows}

    def rows_of_part(self, rows: int) -> int:
        """Rows of one part of a table of `rows` rows."""
        return max(rows, 1) if self.format in WHOLE else self.part_rows

    def allow(self, plan: Plan, rows: int) -> None:
        """Nothing when rows of the plan can lie so. Raises LayoutError."""
        if self.format not in FORMATS:
            raise LayoutError(f"unknown format {self.format!r}; known: {', '.join(FORMATS)}")
        if self.encoding not in ENCODINGS:
            raise LayoutError(f"unknown encoding {self.encoding!r}; known: {', '.join(ENCODINGS)}")
        if self.encoding != "utf-8" and self.format != "csv":
            raise LayoutError(f"{self.format} is never {self.encoding}", "only csv has a choice of encodings")
        if self.format == "xlsx":
            _allow_sheets(plan, rows)
        if self.partition_by:
            self._allow_folders(plan, rows)

    def _allow_folders(self, plan: Plan, rows: int) -> None:
        from mockdata.tables.generate import at_rows

        if self.format in WHOLE:
            raise LayoutError(f"{self.format} is one file and has no folders", "partition parquet, csv, jsonl or arrow")
        types = {column.name: column.type for column in plan.columns}
        for name in self.partition_by:
            if name not in types:
                near = difflib.get_close_matches(name, types, 3, 0.4) or list(types)
                raise LayoutError(f"no column {name!r} to partition by", f"there is: {', '.join(near)}")
            if not _plain(types[name]):
                raise LayoutError(f"{name} is {types[name]}: folders are named by texts, whole numbers, days, booleans")
        if len(set(self.partition_by)) < len(self.partition_by) or len(self.partition_by) == len(types):
            raise LayoutError("every column to partition by once, and at least one column left in the files")
        looked = np.arange(min(SAMPLE, rows), dtype=np.int64) * max(1, rows // SAMPLE)
        found = pa.table(at_rows(plan, looked, self.partition_by)).group_by(list(self.partition_by)).aggregate([])
        if found.num_rows > FOLDERS:
            names = ", ".join(self.partition_by)
            raise LayoutError(
                f"{names}: {found.num_rows:,} different values in {len(looked):,} rows, at most {FOLDERS:,} folders",
                "partition by a column of fewer values",
            )


def _plain(type: pa.DataType) -> bool:
    kinds = (pa.types.is_string, pa.types.is_integer, pa.types.is_boolean, pa.types.is_date)
    return any(kind(type) for kind in kinds)


def _allow_sheets(plan: Plan, rows: int) -> None:
    most = SHEETS * (SHEET_ROWS - 1)
    if rows > most:
        raise LayoutError(
            f"a workbook holds {most:,} rows ({SHEETS} sheets of {SHEET_ROWS:,}), not {rows:,}",
            "ask for fewer --rows, or write parquet, csv or duckdb",
        )
    if len(plan.columns) > SHEET_COLUMNS:
        raise LayoutError(f"a sheet holds {SHEET_COLUMNS:,} columns, not {len(plan.columns):,}")
