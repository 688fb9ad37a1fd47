"""One part of a dataset on disk: a pure function of plan and row range, wherever and however often it is done."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import numpy as np
import pyarrow as pa

from mockdata.tables.journal import remember
from mockdata.tables.layout import Layout
from mockdata.tables.manifest import File, measured
from mockdata.tables.scale import BATCH_ROWS, Range
from mockdata.tables.sinks import fill, sink

if TYPE_CHECKING:
    from mockdata.tables.plan import Plan
    from specs.model import Table

ABSENT = "__HIVE_DEFAULT_PARTITION__"
"""The folder of rows without a value (Hive's convention)."""


@dataclass(frozen=True, slots=True)
class Part:
    """What a worker is asked for: rows of a plan as files below `folder`. `table` gives a database file its keys."""

    plan: Plan
    range: Range
    folder: Path
    layout: Layout
    table: Table | None = None

    @property
    def name(self) -> str:
        """The name of its file, in each folder when there are several."""
        return f"part-{self.range.part:05d}{self.layout.ending}"


def write_part(part: Part, progress: Callable[[int], None] | None = None) -> tuple[File, ...]:
    """Make the part's files under their names and note them in the journal. Raises OSError."""
    from mockdata.tables.generate import generate

    batches = generate(part.plan, part.range.start, part.range.stop)
    if part.layout.partition_by:
        groups = _groups(part, batches)
        files = tuple(_file(part, f"{folder}/{part.name}", rows, None) for folder, rows in groups)
        if progress is not None:
            progress(part.range.stop - part.range.start)
    else:
        files = (_file(part, part.name, batches, progress),)
    remember(part.folder, part.range.part, files)
    return files


def write_batches(
    plan: Plan,
    batches: Iterable[pa.RecordBatch],
    path: Path,
    format: str,
    progress: Callable[[int], None] | None = None,
) -> File:
    """Batches of the plan's schema into one file. Raises OSError."""
    rows = fill(sink(plan, path, Layout(format)), batches, progress)
    return measured(path, path.name, rows)


def _file(part: Part, name: str, batches: Iterable[pa.RecordBatch], progress: Callable[[int], None] | None) -> File:
    path = part.folder / name
    if part.layout.partition_by:
        path.parent.mkdir(parents=True, exist_ok=True)
    # a part that two workers do (one of them given up for dead) is the same whoever is last
    partial = path.with_name(f".{uuid.uuid4().hex}.partial")
    try:
        opened = sink(part.plan, partial, part.layout, part.layout.partition_by, part.table)
        made = measured(partial, name, fill(opened, batches, progress))
        os.replace(partial, path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    return made


def _groups(part: Part, batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[str, list[pa.RecordBatch]]]:
    """The rows by folder, in their order, without the columns the folders name."""
    names = part.layout.partition_by
    table = pa.Table.from_batches(batches, part.plan.schema).combine_chunks()
    codes = np.zeros(table.num_rows, dtype=np.int64)
    words: list[list[Any]] = []
    for name in names:
        coded = table[name].combine_chunks().dictionary_encode(null_encoding="encode")
        words.append(coded.dictionary.to_pylist())
        codes = codes * len(words[-1]) + coded.indices.to_numpy()
    order = np.argsort(codes, kind="stable")
    found, starts = np.unique(codes[order], return_index=True)
    rest = table.drop_columns(list(names))
    for code, rows in zip(found.tolist(), np.split(order, starts[1:]), strict=True):
        folders = []
        for name, known in zip(reversed(names), reversed(words), strict=True):
            code, at = divmod(code, len(known))
            folders.append(f"{quote(name, safe='')}={_spelled(known[at])}")
        yield "/".join(reversed(folders)), rest.take(pa.array(rows)).to_batches(BATCH_ROWS)


def _spelled(value: Any) -> str:
    if value is None:
        return ABSENT
    return quote(str(value).lower() if isinstance(value, bool) else str(value), safe=" ") or ABSENT
