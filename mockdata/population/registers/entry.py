"""Registers with any number of rows a person (or firm): spells, months, cars, homes, licences, moves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa

from mockdata.population.belongings import Belongings
from mockdata.population.entries import Entries
from mockdata.population.population import Population
from mockdata.population.registers.register import Column, OfPerson, Register, Turning
from mockdata.population.rows import Rows
from mockdata.seeds import Ints, Words, hashed

Find = Callable[[Population, pa.Array], tuple[Ints, Ints]]
"""Key values → (person, which of that person's rows), -1 for a value that is no key."""


@dataclass(frozen=True)
class Entry:
    """Rows as (person of the ring, which of that person's rows)."""

    population: Population
    person: Ints
    turn: Ints

    @cached_property
    def rows(self) -> Rows:
        """The persons."""
        return self.population.rows(self.person)


@dataclass(frozen=True)
class Belonging(Entry):
    """Things people own: (first owner, number of the thing)."""

    @property
    def things(self) -> Belongings:
        """What people own."""
        return self.population.belongings

    def words(self, purpose: str) -> Words:
        """64 pseudo-random bits a thing."""
        return hashed(self.population.world.key(purpose), self.person * 4 + self.turn)


def of_person(*names: str, whose: Callable[[Any], Rows] = lambda entry: entry.rows) -> dict[str, Column]:
    """Facts of the entry's person, or of the one `whose` finds (the owner of a thing on the date)."""
    return {name: OfPerson(name, whose) for name in names}


def of_entries(
    name: str,
    entries: Callable[[Population], Entries],
    kind: type[Entry],
    facts: Mapping[str, Column],
    keys: Mapping[str, Find],
    persons: Mapping[str, Callable[[Any], Ints]] = MappingProxyType({}),
    by_person: str | None = "GMSFHM",
) -> Register:
    """A register over entries; things are rows. `by_person`: element whose value finds a person's latest row."""

    def same(population: Population, rows: Ints) -> Ints:
        del population
        return rows

    def opened(population: Population, rows: Ints) -> Entry:
        return kind(population, *entries(population).at(rows))

    def filed(population: Population, rows: Ints) -> Ints:
        return entries(population).at(rows)[0]

    def key(find: Find) -> Callable[[Population, pa.Array], Ints]:
        def found(population: Population, values: pa.Array) -> Ints:
            person, turn = find(population, values)
            return entries(population).row(person, turn)

        return found

    def span(population: Population, person: Ints) -> tuple[Ints, Ints]:
        known, ring = entries(population), person
        first = known.row(ring)
        slot = known.ring.where(np.maximum(ring, 0))[2]
        return first, np.where(first >= 0, known.counts[slot], 0)

    def latest(population: Population, values: pa.Array) -> Ints:
        person = population.index_of(values)
        first, count = span(population, np.where(person < population.size, person, -1))
        return np.where(first >= 0, first + count - 1, -1)

    def other(role: Callable[[Any], Ints]) -> Turning:
        return lambda population, rows: role(opened(population, rows))

    found = {element: key(find) for element, find in keys.items()}
    if by_person is not None:
        found[by_person] = latest
    return Register(
        name, lambda p: entries(p).count, same, same, filed, opened, MappingProxyType(dict(facts)),
        {qualifier: other(role) for qualifier, role in persons.items()}, found, span,
    )  # fmt: skip


def number(values: Any, prefix: str, width: int) -> Ints:
    """The numbers behind texts of a prefix and so many digits, -1 for others."""
    from mockdata import identifiers

    matrix, usable = identifiers.byte_matrix(values, len(prefix) + width)
    lead = np.frombuffer(prefix.encode(), np.uint8)
    read = identifiers.number_of(matrix[:, len(prefix) :])
    return np.where(usable & (matrix[:, : len(prefix)] == lead).all(axis=1) & (read >= 0), read, -1)


def numbered(prefix: str, values: Ints, width: int) -> pa.Array:
    """Texts of a prefix and so many digits."""
    from mockdata import identifiers

    lead = np.tile(np.frombuffer(prefix.encode(), np.uint8), (len(values), 1))
    return identifiers.text_column(np.concatenate([lead, identifiers.digits(values, width)], axis=1))


def split(read: Ints, each: int, size: int) -> tuple[Ints, Ints]:
    """(person, turn) packed into a number as person × each + turn; -1 for numbers of nobody."""
    person, turn = np.divmod(np.maximum(read, 0), each)
    known = (read >= 0) & (person < size)
    return np.where(known, person, -1), np.where(known, turn, -1)
