"""Departments that have not heard: in a department's view some persons have an outdated name, address or marital state.

Only a view of the population (`Population.seen_by`) has conflicts; the population itself always tells the truth.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mockdata.population import traits
from mockdata.population.rows import Rows
from mockdata.seeds import hashed, stream, unit

Column = Callable[[Rows], pa.Array]


def conflicting(rows: Rows, fact: str, true: pa.Array, outdated: Column) -> pa.Array:
    """The values of a fact as the department of the view has them; `outdated` gives those before the last change."""
    truth = rows.world.truth
    if truth is None:
        return true
    chosen = np.zeros(len(rows), dtype=np.bool_)
    for pack in rows.world.scenarios:
        for conflict in pack.conflicts:
            if conflict.fact == fact and rows.world.department in conflict.departments:
                key = stream(rows.world.seed, "conflict", pack.name, fact, *conflict.departments)
                picked = unit(hashed(key, rows.index)) < conflict.share
                if conflict.where and picked.any():
                    picked[picked] = traits.fits(Rows(truth, rows.index[picked]), conflict.where)
                chosen |= picked
    if not chosen.any():
        return true
    old = outdated(Rows(truth, rows.index))
    differs: NDArray[np.bool_] = pc.fill_null(pc.not_equal(old, true), False).to_numpy(zero_copy_only=False)
    return pc.if_else(pa.array(chosen & differs), old, true)
