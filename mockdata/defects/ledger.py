"""The defect ledger: one row a spoiled cell (or row), made from the plan alone and written beside the data.

| column   | meaning                                                                              |
|----------|--------------------------------------------------------------------------------------|
| row      | row of the dataset, from 0                                                           |
| key      | primary key of the record that belongs there (parts joined by a bar), null without one |
| column   | spoiled column; null when the whole row is (duplicate, displaced)                    |
| kind     | missing, duplicate, displaced, late, swapped, malformed, code, range, unit, dangling, type |
| form     | how exactly (`check-digit`, `÷10`, `NAN_XM+NV_XM`), empty when there is one way only |
| original | right value as text; of a row the key of its own record                              |
| spoiled  | what stands there; of a row the key of the record shown                              |
| visible  | whether the interface's expectation suite sees it                                    |
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mockdata.defects.spoiler import Change, Moved, Spoiler
from mockdata.defects.values import spelled
from mockdata.defects.visible import Sight, expected_failures
from mockdata.quality.expectations import suite
from mockdata.seeds import Ints
from mockdata.tables.generate import at_rows
from mockdata.tables.scale import BATCH_ROWS
from specs.model import Interface, Table

SCHEMA = pa.schema(
    [("row", pa.int64()), ("key", pa.string()), ("column", pa.string()), ("kind", pa.string()), ("form", pa.string()),
     ("original", pa.string()), ("spoiled", pa.string()), ("visible", pa.bool_())]
)  # fmt: skip
METADATA_KEY = b"tongban defects"


@dataclass(frozen=True, slots=True)
class Ledger:
    """What was written: file, SHA-256, rows, cells by kind, how many of them no expectation sees, and the columns on
    which the expectation suite has to fail."""

    file: str
    sha256: str
    rows: int
    kinds: dict[str, int]
    invisible: dict[str, int]
    failing_columns: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "file": self.file, "sha256": self.sha256, "rows": self.rows, "kinds": self.kinds,
            "invisible": self.invisible, "failing_columns": list(self.failing_columns),
        }  # fmt: skip


def beside_data(target: Path) -> Path:
    """Where the ledger of a dataset lies: `people.csv` → `people.csv.defects.parquet`."""
    return target.with_name(f"{target.name}.defects.parquet")


def entries(spoiler: Spoiler, table: Table, sight: Sight, start: int, stop: int) -> pa.Table:
    """The ledger of rows start … stop-1, by row and column."""

    def fetch(name: str, rows: Ints) -> pa.Array:
        return at_rows(spoiler.plan, rows, [name])[name]

    parts, places = [], []
    position = {column.name: at for at, column in enumerate(spoiler.plan.columns)}
    for change in spoiler.changes(start, stop, fetch):
        parts.append(_cells(change, _keys(spoiler, table, change.rows), sight))
        places.append(np.full(len(change.rows), position[change.column]))
    moved = spoiler.moved(start, stop)
    if moved.rows.size:
        own, shown = _keys(spoiler, table, moved.rows), _keys(spoiler, table, moved.sources)
        parts.append(_rows(moved, own, shown, sight))
        places.append(np.full(len(moved.rows), -1))
    if not parts:
        return SCHEMA.empty_table()
    made = pa.concat_tables(parts)
    return made.take(pa.array(np.lexsort((np.concatenate(places), made["row"].to_numpy()))))


def _keys(spoiler: Spoiler, table: Table, rows: Ints) -> pa.Array:
    if not table.primary_key:
        return pa.nulls(len(rows), pa.string())
    found = at_rows(spoiler.plan, rows, table.primary_key)
    return pc.binary_join_element_wise(*(spelled(found[name]) for name in table.primary_key), "|")


def _cells(change: Change, keys: pa.Array, sight: Sight) -> pa.Table:
    rows = len(change.rows)
    return pa.table(
        [
            pa.array(change.rows), keys, pa.array([change.column] * rows, pa.string()),
            pa.array([change.kind] * rows, pa.string()), pa.array(change.forms.tolist(), pa.string()),
            spelled(change.original), spelled(change.spoiled), pa.array(sight.sees(change)),
        ],
        schema=SCHEMA,
    )  # fmt: skip


def _rows(moved: Moved, own: pa.Array, shown: pa.Array, sight: Sight) -> pa.Table:
    seen = (moved.kinds == "duplicate") & bool(sight.unique)
    return pa.table(
        [
            pa.array(moved.rows), own, pa.nulls(len(own), pa.string()), pa.array(moved.kinds.tolist(), pa.string()),
            pa.array([f"row {source}" for source in moved.sources.tolist()], pa.string()), own, shown,
            pa.array(seen.astype(np.bool_)),
        ],
        schema=SCHEMA,
    )  # fmt: skip


def write_ledger(spoiler: Spoiler, interface: Interface, table: Table, rows: int, target: Path) -> Ledger:
    """The ledger of a dataset of `rows` rows, written beside `target`, whole or not at all. Raises OSError."""
    import pyarrow.parquet as pq

    path = beside_data(target)
    path.parent.mkdir(parents=True, exist_ok=True)
    hidden = path.with_name(f".{path.name}.{os.getpid()}.unfinished")
    kinds: Counter[str] = Counter()
    invisible: Counter[str] = Counter()
    seen: dict[str, bool] = {}
    sight = Sight(suite(interface, table))
    schema = SCHEMA.with_metadata({METADATA_KEY: json.dumps(about(spoiler, table, rows), ensure_ascii=False).encode()})
    try:
        with pq.ParquetWriter(hidden, schema, compression="zstd") as writer:
            for start in range(0, max(rows, 1), BATCH_ROWS):
                piece = entries(spoiler, table, sight, start, min(start + BATCH_ROWS, rows))
                if piece.num_rows:
                    writer.write_table(piece.replace_schema_metadata(schema.metadata))
                kinds.update(_counted(piece))
                invisible.update(_counted(piece.filter(pc.invert(piece["visible"]))))
                for name in pc.unique(piece.filter(piece["visible"])["column"]).to_pylist():
                    if name is not None:
                        seen[name] = True
        unseen = [name for name in sight.unique_columns if not seen.get(name)]
        seen |= dict.fromkeys(_twice(spoiler, hidden, unseen, rows), True)
        digest = hashlib.sha256(hidden.read_bytes()).hexdigest()
        os.replace(hidden, path)
    except BaseException:
        hidden.unlink(missing_ok=True)
        raise
    failing = expected_failures(sight, seen, kinds["duplicate"] > 0)
    return Ledger(
        path.name, digest, sum(kinds.values()), dict(sorted(kinds.items())), dict(sorted(invisible.items())), failing
    )


def _twice(spoiler: Spoiler, ledger: Path, names: Sequence[str], rows: int) -> Iterator[str]:
    """Those of some unique columns in which a spoiled value, though of right form, is there a second time: two texts
    cut short may be the same."""
    import pyarrow.parquet as pq

    for name in names:
        cells = pq.read_table(ledger, columns=["row", "spoiled"], filters=pc.field("column") == name)
        cells = cells.filter(cells["spoiled"].is_valid())
        values = pc.unique(cells["spoiled"])
        if len(values) < len(cells) or any(_among(spoiler, name, cells["row"], values, rows)):
            yield name


def _among(spoiler: Spoiler, name: str, spoilt: pa.Array, values: pa.Array, rows: int) -> Iterator[bool]:
    """For each batch of the right values whether some that stayed are among others."""
    for start in range(0, rows if len(values) else 0, BATCH_ROWS):
        numbers = np.arange(start, min(start + BATCH_ROWS, rows), dtype=np.int64)
        right = spelled(at_rows(spoiler.plan, numbers, [name])[name])
        stayed = pc.invert(pc.is_in(pa.array(numbers), value_set=spoilt))
        yield bool(pc.any(pc.and_(stayed, pc.is_in(right, value_set=values))).as_py())


def _counted(piece: pa.Table) -> dict[str, int]:
    counts = piece["kind"].value_counts()
    return {entry["values"]: entry["counts"] for entry in counts.to_pylist()}


def about(spoiler: Spoiler, table: Table, rows: int) -> dict[str, Any]:
    """What a score has to know of the dataset: its key, and how the values of each column are compared."""
    return {
        "interface": spoiler.plan.interface, "table": table.name, "rows": rows, "key": list(table.primary_key),
        "columns": {column.name: _nature(column.type) for column in spoiler.plan.columns}, **spoiler.origin,
    }  # fmt: skip


def _nature(type: pa.DataType) -> str:
    if pa.types.is_timestamp(type):
        return "moment"
    if pa.types.is_date(type):
        return "date"
    if pa.types.is_boolean(type):
        return "boolean"
    return "text" if pa.types.is_string(type) or pa.types.is_nested(type) else "number"
