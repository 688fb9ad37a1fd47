"""Plan and row range to Arrow record batches, in constant memory.

Row i is a function of the plan and i alone. Batches end at multiples of `batch_rows` counted from row 0, whatever the
range asked for, so that parts put together are the same batches as the whole.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mockdata import kernels
from mockdata.seeds import Floats, Ints
from mockdata.tables import records
from mockdata.tables.arrow import convert
from mockdata.tables.columns import FromRegister, Nullable, Reference, innermost, mask, needs
from mockdata.tables.constraints import broken
from mockdata.tables.dependent import Computed
from mockdata.tables.place import PlanError
from mockdata.tables.plan import Column, Plan
from mockdata.tables.scale import BATCH_ROWS


def generate(plan: Plan, start: int, stop: int, batch_rows: int = BATCH_ROWS) -> Iterator[pa.RecordBatch]:
    """Rows start … stop-1 as record batches with the plan's schema; one empty batch for an empty range.

    Raises PlanError when the plan has no row `stop`-1, ValueError for a range that is none.
    """
    if start < 0 or stop < start or batch_rows < 1:
        raise ValueError(f"no rows {start} to {stop} in batches of {batch_rows}")
    plan.allow(stop)
    kernels.load(stop - start)
    if plan.finish is not None:
        for batch in generate(plan.finish.plan, start, stop, batch_rows):
            yield plan.finish.apply(batch, start)
            start += batch.num_rows
        return
    at = start
    while at < stop or at == start == stop:
        end = min(stop, (at // batch_rows + 1) * batch_rows)
        made = columns(plan, at, end)
        yield pa.RecordBatch.from_arrays([made[column.name] for column in plan.columns], schema=plan.schema)
        if end == stop:
            return
        at = end


def columns(plan: Plan, start: int, stop: int, names: Collection[str] | None = None) -> dict[str, pa.Array]:
    """The named columns (all without `names`) of rows start … stop-1."""
    return at_rows(plan, np.arange(start, stop, dtype=np.int64), names)


def at_rows(plan: Plan, rows: Ints, names: Collection[str] | None = None) -> dict[str, pa.Array]:
    """The named columns of any rows, in the order given."""
    return of_records(plan, records.places(plan, rows), rows, names)


def of_records(
    plan: Plan, records_: Ints, rows: Ints | None, names: Collection[str] | None = None
) -> dict[str, pa.Array]:
    """The named columns of records of the plan's register. What a table adds to its register's facts belongs to the
    record, wherever it stands in a dataset; `rows` are only needed for columns numbered by the dataset itself, which
    are left out without them.
    """
    asked = [column.name for column in plan.columns if names is None or column.name in names]
    wanted = plan.with_needs(asked)
    made: dict[str, pa.Array] = {}
    facts = [c for c in plan.made if c.name in wanted and isinstance(innermost(c.recipe), FromRegister)]
    read = records.read(plan, records_, facts) if facts else {}
    for column in plan.order:
        at = rows if column.by_row else records_
        if column.name in wanted and at is not None and all(name in made for name in needs(column.recipe)):
            made[column.name] = _drawn(plan, column, at, made, read.get(column.name))
    return {name: made[name] for name in asked if name in made}


def _drawn(plan: Plan, column: Column, rows: Ints, made: dict[str, pa.Array], fact: pa.Array | None) -> pa.Array:
    recipe: Any = innermost(column.recipe)
    if fact is not None:
        values = fact
    elif isinstance(recipe, Reference):
        parent = recipe.parent_rows(rows, column.key)
        holder = plan if recipe.own else plan.parents[recipe.table]
        values = at_rows(holder, parent, [recipe.column])[recipe.column]
        if recipe.own and column.nullable:
            values = pc.if_else(pa.array(rows > 0), values, None)  # the first row has nobody before it
    elif needs(recipe):
        values = recipe.draw(rows, column.key, made)
    else:
        values = recipe.draw(rows, column.key)
    if values.type != column.type:
        values = convert(values, column.type, column.schema)
    if isinstance(recipe, Computed):
        judge(column, values)
    if not isinstance(column.recipe, Nullable):
        return values
    share: float | Floats = column.recipe.share
    if column.recipe.when is not None:
        share = np.where(column.recipe.when.holds(made, len(rows)), share, column.recipe.otherwise)
    return mask(values, rows, column.key, share)


def judge(column: Column, values: pa.Array) -> None:
    """Nothing when computed values meet their field's constraints. Raises PlanError."""
    missing = "it has no value for some rows, and the field is required" if not column.nullable else ""
    fault = (missing if values.null_count else "") or broken(values.drop_null(), column.schema)
    if fault:
        raise PlanError(column.name, column.pointer, f"x-compute: {fault}")
