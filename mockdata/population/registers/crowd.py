"""Registers with one row a person of some crowd: persons, households, marriages, births, employees, the dead."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pyarrow as pa

from mockdata.population.crowds import Crowd
from mockdata.population.population import Population
from mockdata.population.registers.register import Column, Register, Turning
from mockdata.population.rows import Rows
from mockdata.seeds import Ints

Keys = Mapping[str, Callable[[Population, pa.Array], Ints]]
GUARDIANS: dict[str, Turning] = {"JHR": Population.guardian, "JHRY": Population.guardian}
PARENTS: dict[str, Turning] = {"FQ": Population.father, "MQ": Population.mother}


def of_crowd(
    name: str,
    crowd: Callable[[Population], Crowd],
    facts: Mapping[str, Column],
    persons: Mapping[str, Turning],
    keys: Keys,
) -> Register:
    """A register whose rows are the persons of a crowd. What a key leads to outside the crowd is not found."""

    def inside(find: Callable[[Population, pa.Array], Ints]) -> Callable[[Population, pa.Array], Ints]:
        def found(population: Population, values: pa.Array) -> Ints:
            person = find(population, values)
            return np.where(crowd(population).row(person) >= 0, person, -1)

        return found

    return Register(
        name, lambda p: crowd(p).count, lambda p, rows: crowd(p).index(rows), lambda p, one: crowd(p).row(one),
        lambda p, rows: crowd(p).filed(rows), opened, facts, persons, {key: inside(find) for key, find in keys.items()},
    )  # fmt: skip


def opened(population: Population, index: Ints) -> Rows:
    """Persons by number."""
    return population.rows(index)


def same(population: Population, things: Ints) -> Ints:
    """The things themselves."""
    del population
    return things


def by_number(population: Population, numbers: pa.Array) -> Ints:
    """Persons by citizen number."""
    return population.index_of(numbers)


def employers_head(population: Population, index: Ints) -> Ints:
    """The legal representative of each person's employer."""
    firm = population.rows(np.maximum(index, 0)).employer
    found = np.full(len(index), -1, dtype=np.int64)
    has = (firm >= 0) & (index >= 0)
    found[has] = population.representative(firm[has])
    return found
