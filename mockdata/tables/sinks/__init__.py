"""Where record batches go: one module a format, all alike to whoever writes."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pyarrow as pa

from mockdata.tables.manifest import METADATA_KEY

if TYPE_CHECKING:
    from mockdata.tables.layout import Layout
    from mockdata.tables.plan import Plan
    from specs.model import Table


class Sink(Protocol):
    """A file being written. `close` completes it; a file whose sink was not closed is none."""

    def write(self, batch: pa.RecordBatch) -> None: ...
    def close(self) -> None: ...


def fill(sink: Sink, batches: Iterable[pa.RecordBatch], progress: Callable[[int], None] | None = None) -> int:
    """Everything into the sink, which is closed; how many rows that were. Raises OSError and what the batches raise."""
    rows = 0
    try:
        for batch in batches:
            sink.write(batch)
            rows += batch.num_rows
            if progress is not None:
                progress(batch.num_rows)
    except BaseException:
        with contextlib.suppress(Exception):  # what went wrong first is what is told
            sink.close()
        raise
    sink.close()
    return rows


def sink(plan: Plan, path: Path, layout: Layout, without: tuple[str, ...] = (), table: Table | None = None) -> Sink:
    """The sink of a layout's format for the plan's columns but those named in `without`. `table` gives a database file
    its keys.
    """
    schema = pa.schema([field for field in plan.schema if field.name not in without])
    marked = schema.with_metadata({METADATA_KEY: json.dumps(plan.origin, sort_keys=True).encode()})
    match layout.format:
        case "parquet":
            from mockdata.tables.sinks.parquet import Parquet

            return Parquet(path, marked, tuple(name for name in plan.repeating if name not in without))
        case "csv":
            from mockdata.tables.sinks.csv import Csv

            return Csv(path, schema, layout.encoding)
        case "jsonl":
            from mockdata.tables.sinks.jsonl import JsonLines

            return JsonLines(path, plan.json_text, plan.always)
        case "arrow":
            from mockdata.tables.sinks.arrow import ArrowFile

            return ArrowFile(path, marked)
        case "xlsx":
            from mockdata.tables.sinks.xlsx import Workbook

            return Workbook(path, schema, plan.table)
        case "duckdb":
            from mockdata.tables.sinks.duckdb import DatabaseFile

            return DatabaseFile(path, plan, table)
    raise ValueError(f"unknown format {layout.format!r}")
