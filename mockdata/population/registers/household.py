"""户: one row a household, told by its head."""

from __future__ import annotations

import pyarrow as pa

from mockdata.population.attributes import ATTRIBUTES
from mockdata.population.population import Population
from mockdata.population.registers.crowd import of_crowd, same
from mockdata.seeds import Ints


def _by_member(population: Population, numbers: pa.Array) -> Ints:
    return population.head(population.living(population.index_of(numbers)))


HOUSEHOLD = of_crowd(
    "household", lambda p: p.households, ATTRIBUTES, {"HZ": same},
    {"HH": lambda p, numbers: p.household_heads(numbers), "GMSFHM": _by_member},
)  # fmt: skip
