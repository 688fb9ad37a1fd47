"""Whether a dataset will fit on its disk, asked before work starts."""

from __future__ import annotations

import errno
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from mockdata.tables.layout import Layout
from mockdata.tables.sinks import fill, sink

if TYPE_CHECKING:
    from mockdata.tables.plan import Plan
    from specs.model import Table

SAMPLE = 16_384
"""Rows written on trial; a DuckDB file is filled by larger steps."""
DUCKDB_SAMPLE = 122_880
PLENTY = 1024
"""Bytes of a cell for which nobody needs a trial."""


class NoSpace(OSError):
    """The disk is too small for the dataset."""

    def __init__(self, needed: int, free: int, folder: Path) -> None:
        told = f"about {size(needed)} are needed and {size(free)} are free"
        super().__init__(errno.ENOSPC, told, str(folder))


def size(count: int) -> str:
    """Bytes for people: 1.5 GB."""
    value, units = float(count), ["bytes", "kB", "MB", "GB", "TB", "PB"]
    while value >= 1000 and len(units) > 1:
        value /= 1000
        units.pop(0)
    return f"{value:.0f} {units[0]}" if units[0] == "bytes" else f"{value:.3g} {units[0]}"


def require(plan: Plan, rows: int, layout: Layout, folder: Path, table: Table | None = None) -> None:
    """Nothing when that many rows fit into `folder`, judged by a few that are written elsewhere on trial.

    Raises NoSpace with both sizes.
    """
    free = shutil.disk_usage(folder).free
    if free >= rows * len(plan.columns) * PLENTY:
        return
    from mockdata.tables.generate import generate

    tried = min(rows, DUCKDB_SAMPLE if layout.format == "duckdb" else SAMPLE)
    with tempfile.TemporaryDirectory(prefix="tongban-trial-") as trial:
        path = Path(trial) / f"trial{layout.ending}"
        fill(sink(plan, path, layout, layout.partition_by, table), _without(generate(plan, 0, tried), layout))
        needed = path.stat().st_size * rows // max(tried, 1)
    if needed > free:
        raise NoSpace(needed, free, folder)


def _without(batches: Iterator[pa.RecordBatch], layout: Layout) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        yield batch.drop_columns(list(layout.partition_by)) if layout.partition_by else batch
