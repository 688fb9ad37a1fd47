"""Which records a dataset of a scenario holds: so many rows in a thousand are of persons the scenario is about.

Every record of the register belongs to the first pack whose description its person fits, or to none. Each of these
classes is counted through in the order of datasets, and a keyed pattern of a thousand rows, repeated, says which class
a row takes its next record from. So no record comes twice and a row does not depend on how many are asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from mockdata.population.traits import fits
from mockdata.seeds import Ints, order, stream
from mockdata.tables.sampling import Sample, sample

if TYPE_CHECKING:
    from mockdata.population import Population
    from mockdata.population.registers import Register

PATTERN = 1_000
"""Rows after which the pattern of classes repeats."""
_CHUNK = 65_536
_PERSONAL = frozenset({"person", "household", "marriage", "birth", "insured", "employment"})


class TooFew(ValueError):
    """The register has fewer records of a scenario than the rows need."""


class Chosen:
    """The order in which a register's records come into datasets under the packs of its population."""

    def __init__(self, register: Register, population: Population) -> None:
        self.register, self.population = register, population
        self.plain: Sample = sample(register, population)
        packs = [pack for pack in population.scenarios if pack.rows] if register.name in _PERSONAL else []
        self.names = [pack.name for pack in packs]
        self.wheres = [pack.rows[0] for pack in packs if pack.rows]
        parts = [round(pack.rows[1] * PATTERN) for pack in packs if pack.rows]
        if sum(parts) > PATTERN:
            raise TooFew(f"the shares of {', '.join(self.names)} add up to more than all rows")
        labels = np.repeat(np.arange(1, len(parts) + 1), parts)
        pattern = np.concatenate([labels, np.zeros(PATTERN - len(labels), dtype=np.int64)])
        self._pattern = pattern[order(stream(population.seed, "scenario rows", *self.names), PATTERN)]
        self._each = np.bincount(self._pattern, minlength=len(parts) + 1)
        held = self._pattern[:, None] == np.arange(len(parts) + 1)
        self._before = np.cumsum(held, axis=0) - held
        self._ends = np.zeros((0, len(parts) + 1), dtype=np.int64)
        self._classes = lru_cache(maxsize=256)(self._classify)

    def rows(self, positions: Ints) -> Ints:
        """The register's rows at these positions of a dataset. Raises TooFew."""
        if not self.names or not len(positions):
            return self.plain.rows(positions)
        turn, place = np.divmod(positions, PATTERN)
        kind = self._pattern[place]
        rank = turn * self._each[kind] + self._before[place, kind]
        found = np.empty(len(positions), dtype=np.int64)
        for one in range(len(self._each)):
            mine = np.nonzero(kind == one)[0]
            if mine.size:
                found[mine] = self._ranked(one, rank[mine])
        return self.plain.rows(found)

    def reach(self, rows: int, told: Callable[[int, int], None] | None = None) -> None:
        """Look for the records of the first `rows` rows. `told` hears how many records were looked at and how many of
        them are of use, and may end it by raising: what was counted is remembered. Raises TooFew.
        """
        if not self.names:
            return
        turns, rest = divmod(rows, PATTERN)
        needed = turns * self._each + np.bincount(self._pattern[:rest], minlength=len(self._each))
        for kind in np.nonzero(needed)[0]:
            self._reach(int(kind), int(needed[kind]) - 1, told)

    def _ranked(self, kind: int, rank: Ints) -> Ints:
        """Positions in the plain order of the records of a class with these ranks."""
        self._reach(kind, int(rank.max()))
        ends = self._ends[:, kind]
        chunk = np.searchsorted(ends, rank, side="right")
        found = np.empty(len(rank), dtype=np.int64)
        for number in np.unique(chunk):
            mine = np.nonzero(chunk == number)[0]
            before = int(ends[number - 1]) if number else 0
            held = np.nonzero(self._classes(int(number)) == kind)[0]
            found[mine] = number * _CHUNK + held[rank[mine] - before]
        return found

    def _reach(self, kind: int, rank: int, told: Callable[[int, int], None] | None = None) -> None:
        while not len(self._ends) or self._ends[-1, kind] <= rank:
            number = len(self._ends)
            if number * _CHUNK >= self.plain.count:
                there = int(self._ends[-1, kind]) if number else 0
                what = "records beside those" if kind == 0 else "records"
                name = ", ".join(self.names) if kind == 0 else self.names[kind - 1]
                raise TooFew(f"the register {self.register.name} has {there:,} {what} of the scenario {name}, too few")
            counts = np.bincount(self._classes(number), minlength=len(self._each))
            before = self._ends[-1] if number else np.zeros(len(self._each), dtype=np.int64)
            self._ends = np.vstack([self._ends, before + counts])
            if told is not None:
                told(len(self._ends) * _CHUNK, int(self._ends[-1, kind]))

    def _classify(self, number: int) -> Ints:
        positions = np.arange(number * _CHUNK, min((number + 1) * _CHUNK, self.plain.count), dtype=np.int64)
        subjects = self.register.subjects(self.population, self.plain.rows(positions))
        kind = np.zeros(len(subjects), dtype=np.int64)
        for at in range(len(self.wheres), 0, -1):
            kind[fits(self.population.rows(subjects), self.wheres[at - 1])] = at
        return kind


def chosen(register: Register, population: Population) -> Chosen:
    """The order of a register under its population's packs, kept for the next call."""
    return _chosen(register.name, population)


@lru_cache(maxsize=16)
def _chosen(name: str, population: Population) -> Chosen:
    from mockdata.population.registers import register

    return Chosen(register(name), population)
