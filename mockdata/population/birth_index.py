"""From birth day, sex and rank back to the slot: one look into a table."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from mockdata.population.ages import year_length
from mockdata.population.rows import YEAR_STARTS, World
from mockdata.seeds import Ints

_FIRST = 1880
_RANKS = 1024


class BirthIndex:
    """Slots of a world's persons by day of birth, sex and rank."""

    def __init__(self, world: World) -> None:
        block = world.template
        self._world = world
        self._first_year = int(block.year.min())
        cell = self._cell(block.year, block.day, block.sex)
        cells = (int(block.year.max()) - self._first_year + 1) * 366 * 2
        self._order = np.lexsort((block.born_rank, cell))
        self._starts = np.searchsorted(cell[self._order], np.arange(cells + 1)).astype(np.int64)
        self._last_year = int(block.year.max())

    def _cell(self, year: Ints, day: Ints, sex: Ints) -> Ints:
        return ((year - self._first_year) * 366 + day) * 2 + sex - 1

    def slot(self, days: Ints, sex: Ints, rank: Ints, rotation: Ints) -> Ints:
        """The slot of the living of the base date whose birth day, once turned by `rotation`, is this; -1 none."""
        year = np.searchsorted(YEAR_STARTS, days, side="right") - 1 + _FIRST
        inside = (year >= self._first_year) & (year <= self._last_year)
        year = np.where(inside, year, self._last_year)
        length = year_length(year)
        turned = days - YEAR_STARTS[year - _FIRST]
        inside &= (turned >= 0) & (turned < length)
        cell = self._cell(year, np.where(inside, (turned - rotation) % length, 0), sex)
        at = self._starts[cell] + rank
        inside &= at < self._starts[cell + 1]
        return np.where(inside, self._order[np.where(inside, at, 0)], -1)

    @cached_property
    def _further(self) -> tuple[Ints, Ints]:
        """(keys, slots) of the further persons, ascending: those born later by their day, the dead by year and day."""
        lives = self._world.lives
        slot = np.arange(lives.living, len(lives.born))
        block = lives.template
        day = np.where(lives.born[slot] >= 0, lives.born[slot], -((block.year[slot] * 366) + block.day[slot]))
        key = (day * 2 + block.sex[slot] - 1) * _RANKS + block.born_rank[slot]
        order = np.argsort(key, kind="stable")
        return key[order], slot[order]

    def further_slot(self, days: Ints, sex: Ints, rank: Ints, rotation: Ints) -> Ints:
        """The same among the further persons; settles everybody's life first."""
        keys, slots = self._further
        year = np.searchsorted(YEAR_STARTS, days, side="right") - 1 + _FIRST
        inside = (year >= _FIRST) & (year < _FIRST + len(YEAR_STARTS)) & (days >= 0)
        year = np.where(inside, year, _FIRST)
        length = year_length(year)
        found = np.full(len(days), -1, dtype=np.int64)
        turned = days - YEAR_STARTS[year - _FIRST]
        dead = -(year * 366 + (turned - rotation) % length)
        # a day of the base year that is not before the base date has no turned counterpart
        for day, fits in ((days, inside), (dead, inside & (turned < length))):
            key = (day * 2 + sex - 1) * _RANKS + np.clip(rank, 0, _RANKS - 1)
            at = np.minimum(np.searchsorted(keys, key), len(keys) - 1)
            found = np.where((found < 0) & fits & (keys[at] == key), slots[at], found)
        return found
