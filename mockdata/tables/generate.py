"""Plan and row range to Arrow record batches, in constant memory.

Row i is a function of the plan and i alone. Batches end at multiples of `batch_rows` counted from row 0, whatever the
range asked for, so that parts put together are the same batches as the whole.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from mockdata import kernels
from mockdata.seeds import Ints
from mockdata.tables import records
from mockdata.tables.columns import FromRegister, Nullable, Reference, mask
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
    wanted = [column for column in plan.columns if names is None or column.name in names]
    made: dict[str, pa.Array] = {}
    facts = [column for column in wanted if isinstance(column.recipe, FromRegister)]
    if facts:
        made.update(records.read(plan, records_, facts))
    for column in wanted:
        at = rows if column.by_row else records_
        if column.name not in made and at is not None:
            made[column.name] = _drawn(plan, column, at)
    return {column.name: made[column.name] for column in wanted if column.name in made}


def _drawn(plan: Plan, column: Column, rows: Ints) -> pa.Array:
    recipe: Any = column.recipe
    share = 0.0
    if isinstance(recipe, Nullable):
        recipe, share = recipe.inner, recipe.share
    if isinstance(recipe, Reference):
        parent = recipe.parent_rows(rows, column.key)
        values = at_rows(plan.parents[recipe.table], parent, [recipe.column])[recipe.column]
    else:
        values = recipe.draw(rows, column.key)
    if values.type != column.type:
        from mockdata.tables.arrow import convert

        values = convert(values, column.type, column.schema)
    return mask(values, rows, column.key, share) if share else values
