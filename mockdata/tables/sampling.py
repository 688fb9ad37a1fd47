"""Which records of a register a dataset holds: a little from everywhere, the same persons in every department's data.

A register is numbered from the first division to the last, so its first rows would all live in one place. Instead the
population is cut into cells of neighbours and the cells are taken in a keyed order that all registers share: a
dataset of any size covers the country, households stay together, no record comes twice, and two departments' datasets
tell of the same people. Position i of a dataset does not depend on how many rows are asked for.
"""

from __future__ import annotations

from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mockdata.population.layout import intervals
from mockdata.seeds import Bijection, Ints, stream

if TYPE_CHECKING:
    from mockdata.population import Population
    from mockdata.population.registers import Register

CELL = 512
"""Persons (or firms) of one cell."""


class Sample:
    """The order in which one register's rows come into datasets."""

    def __init__(self, register: Register, population: Population) -> None:
        self.register = register
        self.population = population
        self.count = register.count(population)
        ends = np.array([0, max(self.count - 1, 0)], dtype=np.int64)
        self._plain = self.count == 0 or bool((register.subjects(population, ends) == ends).all())
        # Where row and subject are one thing the register's own numbers are cut, else those of the persons.
        self.space = self.count if self._plain else population.size
        self.cells = -(-self.space // CELL)
        self._order = Bijection(stream(population.seed, "cells", self.space))
        self._listed: Ints | None = None
        self._shift = np.zeros(0, dtype=np.int64)
        self._ends = np.zeros(0, dtype=np.int64)
        self._lock = Lock()

    def rows(self, positions: Ints) -> Ints:
        """The register's rows at these positions of a dataset (each below `count`)."""
        if not len(positions):
            return positions
        self.reach(int(positions.max()) + 1)
        cell = intervals(self._ends, positions) + 1
        found: Ints = positions + self._shift[cell]
        return found

    def before(self, subjects: Ints) -> Ints:
        """How many of the register's rows are about a subject of a lower number."""
        if self._plain:
            return np.minimum(subjects, self.count)
        low = np.zeros(len(subjects), dtype=np.int64)
        high = np.full(len(subjects), self.count, dtype=np.int64)
        while (open_ := low < high).any():
            middle = (low + high) // 2
            probe = np.minimum(middle, self.count - 1)
            less = self.register.subjects(self.population, probe) < subjects
            low = np.where(open_ & less, middle + 1, low)
            high = np.where(open_ & ~less, middle, high)
        return low

    def reach(self, stop: int) -> int:
        """How many of the first `stop` positions there are."""
        with self._lock:
            cells = self.cells if self._listed is None else len(self._listed)
            while (len(self._ends) == 0 or self._ends[-1] < stop) and len(self._ends) < cells:
                start = len(self._ends)
                numbers = np.arange(start, min(cells, max(256, start * 2)), dtype=np.int64)
                cell = self._order.forward(numbers, self.cells) if self._listed is None else self._listed[numbers]
                first = self.before(cell * CELL)
                after = self.before(np.minimum((cell + 1) * CELL, self.space))
                sofar = int(self._ends[-1]) if start else 0
                ends = sofar + np.cumsum(after - first)
                shift = first - np.append(sofar, ends[:-1])
                self._shift, self._ends = np.append(self._shift, shift), np.append(self._ends, ends)
            return min(stop, int(self._ends[-1])) if len(self._ends) else 0

    def within(self, places: NDArray[np.bool_]) -> Sample:
        """The sample of a register of persons without the cells that hold nobody of these populated divisions."""
        offset = self.population.world.layout.offset
        if self.space != self.population.size or places.all():
            return self
        first, after = offset[:-1][places] // CELL, -(-offset[1:][places] // CELL)
        # each division's cells; neighbours share one
        cells = np.unique(np.concatenate([np.arange(a, z) for a, z in zip(first, after, strict=True)] or [first]))
        return self.only(cells)

    @property
    def cells_left(self) -> int:
        """How many cells it goes through."""
        return self.cells if self._listed is None else len(self._listed)

    def only(self, cells: Ints) -> Sample:
        """The sample without all other cells."""
        made = Sample(self.register, self.population)
        made._listed = cells[np.argsort(self._order.backward(cells, self.cells), kind="stable")]
        return made


def sample(register: Register, population: Population) -> Sample:
    """The sample of a register in a population, kept for the next call."""
    return _sample(register.name, population)


@lru_cache(maxsize=16)
def _sample(name: str, population: Population) -> Sample:
    from mockdata.population.registers import register

    return Sample(register(name), population)
