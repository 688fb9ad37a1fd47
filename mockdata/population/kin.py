"""Households of the template block: who lives with whom, as roles on generation levels.

A household has 1 … 5 generation levels (0 the oldest). On each level stands one person of the blood line, perhaps that
person's spouse, and perhaps further persons of the same generation (brothers and sisters). Household counts by size and
number of generations follow the 2020 census table exactly; how the places of a cell are filled is a model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mockdata.seeds import Floats, Ints, apportion, order, stream, uniform

LEVELS = 5
BLOOD, SPOUSE, OTHERS = 0, 1, 2

SIZE_BY_GENERATIONS = np.array(
    [
        [125490007, 0, 0, 0, 0], [110685779, 36004280, 0, 0, 0], [5134646, 93163291, 5403045, 0, 0],
        [1834602, 42919633, 20215417, 131334, 0], [701437, 7315318, 21906684, 589759, 154],
        [293766, 1453830, 12552955, 824670, 446], [139356, 386946, 3439349, 622936, 721],
        [89363, 130530, 1102904, 234231, 610], [53700, 48137, 476038, 76840, 345],
        [192367, 49694, 431790, 60245, 268],
    ]
)  # fmt: skip
"""Family households of the 2020 census: rows size 1 … 10 and over, columns generations 1 … 5 and over."""

FAMILIES, COLLECTIVES = 494_157_423, 28_531_842
"""Family and collective households of the 2020 census; they held 1,292,809,300 and 118,969,424 persons."""

_OPEN_SIZES = (10, 11, 12, 13, 14, 15)
"""Sizes of the open class: they average 11.75 persons, as the census totals imply."""
_OPEN_WEIGHTS = (30, 24, 18, 12, 9, 7)
_COLLECTIVE_WEIGHTS = (14, 16, 16, 15, 12, 9, 6, 5, 4, 3)
"""Collective households of 1 … 10 persons: mean 4.17, as the census totals imply."""

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Households:
    """`counts[h, level, kind]` = persons of household h on that level of that kind (BLOOD, SPOUSE, OTHERS)."""

    counts: NDArray[np.int64]
    generations: Ints
    collective: Flags

    @property
    def sizes(self) -> Ints:
        """Persons a household."""
        return np.asarray(self.counts.sum(axis=(1, 2)), dtype=np.int64)


class Chances:
    """Uniform draws under one key, each call from a fresh stream named by its purpose."""

    def __init__(self, seed: int | str, part: str) -> None:
        self._seed, self._part = seed, part

    def uniform(self, purpose: str, n: int) -> Floats:
        """n floats in [0, 1)."""
        return uniform(stream(self._seed, self._part, purpose), n)

    def order(self, purpose: str, n: int) -> Ints:
        """A permutation of 0 … n-1."""
        return order(stream(self._seed, self._part, purpose), n)


def compose(seed: int | str, households: int) -> Households:
    """Draws the composition of so many households, families first, then collectives."""
    chances = Chances(seed, "kin")
    collectives = round(households * COLLECTIVES / (FAMILIES + COLLECTIVES))
    sizes, generations = _cells(chances, households - collectives)
    families = _families(chances, sizes, generations)
    dormitories = _collectives(chances, collectives)
    return Households(
        np.concatenate([families, dormitories]),
        np.concatenate([generations, np.ones(collectives, dtype=np.int64)]),
        np.arange(households) >= len(sizes),
    )


def _cells(chances: Chances, families: int) -> tuple[Ints, Ints]:
    """Size and generations of each family household, in the census proportions to the last household."""
    quota = apportion(SIZE_BY_GENERATIONS.ravel(), families)
    cell = np.repeat(np.arange(SIZE_BY_GENERATIONS.size), quota)
    sizes, generations = cell // LEVELS + 1, cell % LEVELS + 1
    open_class = np.nonzero(sizes == 10)[0]
    shuffled = open_class[chances.order("open class", len(open_class))]
    sizes[shuffled] = np.repeat(_OPEN_SIZES, apportion(_OPEN_WEIGHTS, len(open_class)))
    return sizes.astype(np.int64), generations.astype(np.int64)


def _families(chances: Chances, sizes: Ints, generations: Ints) -> NDArray[np.int64]:
    n = len(sizes)
    counts = np.zeros((n, LEVELS, 3), dtype=np.int64)
    counts[:, :, BLOOD] = np.arange(LEVELS) < generations[:, None]
    free = sizes - generations
    row = np.arange(n)
    bottom = generations - 1

    def place(purpose: str, level: Ints, kind: int, chance: NDArray[Any], limit: int = 1) -> None:
        nonlocal free
        able = (free > 0) & (counts[row, level, kind] < limit) & (chances.uniform(purpose, n) < chance)
        counts[row, level, kind] += able
        free = free - able

    one, two, more = generations == 1, generations == 2, generations >= 3
    place("couple", np.zeros(n, np.int64), SPOUSE, one * np.where(sizes == 2, 0.93, 0.6))
    top_two = np.select([sizes == 2, sizes == 3, sizes == 4], [0.0, 0.87, 0.93], 0.95)
    place("parents", np.zeros(n, np.int64), SPOUSE, two * top_two)
    young = np.select([sizes == 3, sizes == 4, sizes == 5], [0.35, 0.08, 0.2], 0.35)
    place("young couple", bottom, SPOUSE, two * young)
    for level in (1, 2, 3):
        inner = more & (level < bottom)
        place(f"middle {level}", np.full(n, level), SPOUSE, inner * 0.94)
    place("grandparents", np.zeros(n, np.int64), SPOUSE, more * np.where(free == 1, 0.45, 0.72))
    for turn in range(3):
        place(f"child {turn}", bottom, OTHERS, (~one) * (0.93, 0.8, 0.55)[turn], turn + 1)
    place("uncle", np.maximum(bottom - 1, 0), OTHERS, more * 0.5, 2)
    place("late grandparent", np.zeros(n, np.int64), SPOUSE, more * 0.8)
    # whoever is left over is a brother or sister of the head's generation, or a relative the census counts there
    counts[row, np.where(more, 1, 0), OTHERS] += free
    return counts


def _collectives(chances: Chances, n: int) -> NDArray[np.int64]:
    counts = np.zeros((n, LEVELS, 3), dtype=np.int64)
    sizes = np.repeat(np.arange(1, 11), apportion(_COLLECTIVE_WEIGHTS, n))[chances.order("collective size", n)]
    counts[:, 0, BLOOD] = 1
    counts[:, 0, SPOUSE] = (sizes > 1) & (chances.uniform("collective couple", n) < 0.16)
    counts[:, 0, OTHERS] = sizes - 1 - counts[:, 0, SPOUSE]
    return counts
