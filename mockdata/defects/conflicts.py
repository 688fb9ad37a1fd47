"""The conflict ledger: the values of a dataset that a scenario made its department's own, against the truth."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mockdata.defects.ledger import METADATA_KEY, SCHEMA
from mockdata.defects.values import spelled
from mockdata.scenarios.pack import FACTS
from mockdata.tables.columns import FromRegister, innermost
from mockdata.tables.generate import at_rows
from mockdata.tables.plan import Plan
from mockdata.tables.scale import BATCH_ROWS
from specs.model import Table


def beside_data(target: Path) -> Path:
    """Where the conflict ledger of a dataset lies: `people.csv` → `people.csv.conflicts.parquet`."""
    return target.with_name(f"{target.name}.conflicts.parquet")


def conflicted(plan: Plan) -> bool:
    """Whether a scenario has the department of this plan's interface in error somewhere."""
    department = plan.interface.partition(".")[0]
    return any(
        department in conflict.departments and recipe.attribute == conflict.fact
        for pack in plan.world.scenarios
        for conflict in pack.conflicts
        for recipe in (innermost(column.recipe) for column in plan.columns)
        if isinstance(recipe, FromRegister)
    )


def entries(plan: Plan, table: Table, start: int, stop: int) -> pa.Table:
    """The values of rows start … stop-1 that differ from the truth, in the columns of the defect ledger (the citizen
    number they are about is found in the record of that key)."""
    agreed = replace(plan.world, scenarios=tuple(pack.agreeing() for pack in plan.world.scenarios))
    truth = replace(plan, world=agreed, finish=None)
    recipes = {column.name: innermost(column.recipe) for column in plan.columns}
    names = [name for name, made in recipes.items() if isinstance(made, FromRegister) and made.attribute in FACTS]
    rows = np.arange(start, stop, dtype=np.int64)
    if not names or not len(rows):
        return SCHEMA.empty_table()
    told = at_rows(replace(plan, finish=None), rows, {*names, *table.primary_key})
    true = at_rows(truth, rows, names)
    parts = []
    for name in names:
        differs = pc.fill_null(pc.not_equal(told[name], true[name]), False)
        at = np.nonzero(differs.to_numpy(zero_copy_only=False))[0]
        if not at.size:
            continue
        keys = [spelled(told[key].take(pa.array(at))) for key in table.primary_key]
        key = pc.binary_join_element_wise(*keys, "|") if keys else pa.nulls(len(at), pa.string())
        constant = [pa.array([text] * len(at), pa.string()) for text in (name, "conflict", "outdated")]
        values = [spelled(column[name].take(pa.array(at))) for column in (true, told)]
        parts.append(
            pa.table(
                [pa.array(rows[at]), key, *constant, *values, pa.array(np.zeros(len(at), dtype=np.bool_))],
                schema=SCHEMA,
            )
        )
    return pa.concat_tables(parts).sort_by("row") if parts else SCHEMA.empty_table()


def write_conflicts(plan: Plan, table: Table, rows: int, target: Path) -> tuple[Path, int]:
    """The conflict ledger of a dataset beside it, whole or not at all: (file, conflicts). Raises OSError."""
    import pyarrow.parquet as pq

    path = beside_data(target)
    path.parent.mkdir(parents=True, exist_ok=True)
    hidden = path.with_name(f".{path.name}.{os.getpid()}.unfinished")
    told = {"interface": plan.interface, "table": table.name, "rows": rows, "key": list(table.primary_key)}
    schema = SCHEMA.with_metadata({METADATA_KEY: json.dumps(told, ensure_ascii=False).encode()})
    count = 0
    try:
        with pq.ParquetWriter(hidden, schema, compression="zstd") as writer:
            for start in range(0, max(rows, 1), BATCH_ROWS):
                piece = entries(plan, table, start, min(start + BATCH_ROWS, rows))
                count += piece.num_rows
                writer.write_table(piece.replace_schema_metadata(schema.metadata))
        os.replace(hidden, path)
    except BaseException:
        hidden.unlink(missing_ok=True)
        raise
    return path, count
