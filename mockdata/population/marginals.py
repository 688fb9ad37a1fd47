"""How close a population comes to the published figures: province, age, sex, household, surname, ethnic group and more.

`count` tells how many persons of a chunk fall into each group; counts of chunks are added, so a sample of any size
needs the memory of one chunk. `compare` sets the sums beside the published figures of `figures`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pyarrow.compute as pc

from mockdata import kernels
from mockdata.population import figures, pools
from mockdata.population.activity import EDUCATION
from mockdata.population.attributes import ATTRIBUTES, surname_of
from mockdata.population.divisions import PROVINCES
from mockdata.population.figures import INCOME_STEP, LEAST, TOLERANCE, Marginal
from mockdata.population.incomes import cents
from mockdata.population.population import Population
from mockdata.population.rows import Rows
from mockdata.seeds import Floats, Ints

__all__ = ["LEAST", "TOLERANCE", "Counts", "Marginal", "added", "compare", "count", "marginals"]

Counts = Mapping[str, Floats | Ints]
"""Weights of the groups of each distribution; the names are those `figures.compared` reads."""

OLDEST = 100
"""Ages from here on are counted together."""
_INCOMES = 20_000
"""Bins of monthly incomes."""
_LEVEL = np.array([2, 2, 1, 1, 0, 3, 4, 2, 2])
"""Generation of each relation to the head of the household; lodgers and other relatives count with the head's."""


def count(population: Population, indices: Ints) -> Counts:
    """Weights of the groups among persons of `indices`, living ones of the population's date, by distribution."""
    kernels.load(len(indices))
    rows, age = population.rows(indices), population.ages(indices)
    cell = (rows.sex - 1) * (OLDEST + 1) + np.clip(age, 0, OLDEST)
    pyramid = np.bincount(cell, minlength=2 * (OLDEST + 1))
    return {
        "province": np.bincount(population.divisions.provinces[rows.division], minlength=len(PROVINCES)),
        "pyramid": pyramid,
        **of_pyramid(pyramid),
        **_households(population, rows),
        "surname": np.bincount(rows.once("surname", surname_of), minlength=len(pools.surnames()[0])),
        "ethnic": np.bincount(ATTRIBUTES["ethnic_group"](rows).cast("int64").to_numpy(), minlength=100),
        "education": np.bincount(rows.activity.education[rows.slot], minlength=len(EDUCATION)),
        "mothers name": _mothers_names(rows, age),
        "settlement": _settlement(rows),
        "income": _incomes(rows),
    }


def of_pyramid(pyramid: Ints) -> Counts:
    """What follows from persons by sex and year of age: 2 × (OLDEST + 1) counts, those of men first."""
    men, women = pyramid.reshape(2, -1)
    both = men + women
    bands = np.bincount(np.minimum(np.arange(OLDEST + 1) // 5, 16), both, minlength=17)
    young = np.array([men[:5].sum(), women[:5].sum()])
    return {"age": bands, "sex": np.array([men.sum(), women.sum()]), "newborn": young}


def _households(population: Population, rows: Rows) -> Counts:
    """Households by size and generations. One counts once, whichever of its members are in the sample."""
    sizes, generations = _homes(population)
    size = sizes[rows.slot]
    family = ~rows.template.collective[rows.slot]
    cell = (np.minimum(size[family], 10) - 1) * 5 + generations[rows.slot][family] - 1
    return {
        "household": np.bincount(cell, 1 / size[family], minlength=50),
        "family": np.array([family.sum(), (1 / size[family]).sum()]),
        "kind": np.array([family.sum(), (~family).sum()]),
        "homes": np.array([(1 / size[family]).sum(), (1 / size[~family]).sum()]),
    }


def _homes(population: Population) -> tuple[Ints, Ints]:
    """(persons, generations) of the home of each slot on the population's date."""
    world = population.world
    kept: tuple[Ints, Ints] | None = world.memory.get("homes by size")
    if kept is None:
        block = world.now.template if world.later else world.template
        alive = world.now.alive if world.later else np.ones(len(block), dtype=np.bool_)
        sizes = np.bincount(block.head[alive], minlength=len(block))
        there = np.zeros((len(block), 5), dtype=np.int64)
        there[block.head[alive], _LEVEL[block.relation[alive]]] = 1
        kept = np.maximum(sizes[block.head], 1), np.maximum(there.sum(axis=1)[block.head], 1)
        world.memory["homes by size"] = kept
    return kept


def _mothers_names(rows: Rows, age: Ints) -> Floats:
    """Children under five with both parents known: (with the father's surname, with the mother's)."""
    block = rows.template
    slot = rows.slot[age < 5]
    slot = slot[(block.mother[slot] >= 0) & (block.father[slot] >= 0)]
    hers = block.root[slot] == block.root[block.mother[slot]]
    return np.array([np.count_nonzero(~hers), np.count_nonzero(hers)], dtype=np.float64)


def _settlement(rows: Rows) -> Floats:
    """(in towns, in villages), by the address: village groups end in 组."""
    village = pc.sum(pc.ends_with(ATTRIBUTES["address"](rows), "组")).as_py() or 0
    return np.array([len(rows) - village, village], dtype=np.float64)


def _incomes(rows: Rows) -> Ints:
    """Earners by monthly income, in bins of INCOME_STEP cents."""
    earns = rows.activity.rank[rows.slot] > 0
    return np.bincount(np.minimum(cents(rows)[earns] // INCOME_STEP, _INCOMES - 1), minlength=_INCOMES)


def added(counts: Iterable[Counts]) -> dict[str, Floats]:
    """The counts of all chunks together."""
    total: dict[str, Floats] = {}
    for chunk in counts:
        for name, values in chunk.items():
            total[name] = total[name] + values if name in total else np.asarray(values, dtype=np.float64)
    return total


def compare(counts: Iterable[Counts]) -> list[Marginal]:
    """The table of all chunks together; a distribution that nothing was counted of is left out."""
    return list(figures.compared(added(counts)))


def marginals(population: Population, chunks: Iterable[Ints]) -> list[Marginal]:
    """The table for persons given in chunks."""
    return compare(count(population, chunk) for chunk in chunks)
