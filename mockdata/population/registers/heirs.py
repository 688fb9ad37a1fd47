"""亲属关系: what one person is to another, the dead of the last years among them.

The population knows no relatives of those who died before the base date. A woman among them is given a child by hash:
a grown-up of fitting age whose mother is not in the population, so nothing told elsewhere is contradicted. A model.
"""

from __future__ import annotations

import numpy as np

from mockdata.population.population import Population
from mockdata.population.rows import BASE_DAY
from mockdata.population.template import MAN
from mockdata.seeds import Ints, below, hashed

SPOUSE, SON, DAUGHTER, PARENT = "1", "2", "3", "5"
_TRIES = 24


def child(population: Population, dead: Ints) -> Ints:
    """The grown-up child of each woman who died before the base date, -1 for none and for anybody else."""
    found = np.full(len(dead), -1, dtype=np.int64)
    late = np.nonzero(dead >= population.size)[0]
    rows = population.rows(dead[late])
    late = late[(rows.sex != MAN) & (rows.death <= BASE_DAY)]
    years = population.rows(dead[late]).year
    key = population.world.key("heir")
    for turn in range(_TRIES):
        left = np.nonzero(found[late] < 0)[0]
        if not len(left):
            break
        candidate = below(hashed(key, dead[late[left]] * _TRIES + turn), population.size)
        between = population.rows(candidate).year - years[left]
        fits = (between >= 20) & (between <= 38) & (population.mother(candidate) < 0)
        fits &= population.rows(candidate).year < 2000
        found[late[left[fits]]] = candidate[fits]
    return found


def kin(population: Population, one: str, other: str) -> str | None:
    """What `other` is to `one` by GB/T 4761: 1 spouse, 2 son, 3 daughter, 5 parent; None for anything else, and for a
    number that is nobody's.

    A marriage that a death has ended still makes a spouse; a dissolved one does not.
    """
    pair = population.index_of([one, other])
    if pair.min() < 0:
        return None
    first, second = population.rows(pair[:1]), population.rows(pair[1:])
    if first.wed[0] and first.partner[0] == pair[1]:
        return SPOUSE
    if pair[1] in (*population.father(pair[:1]), *population.mother(pair[:1])):
        return PARENT
    if pair[0] in (*population.father(pair[1:]), *population.mother(pair[1:])) or pair[1] in child(
        population, pair[:1]
    ):
        return SON if second.sex[0] == MAN else DAUGHTER
    return None
