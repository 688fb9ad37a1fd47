"""Registers with any number of rows a person: row ↔ (person, which of that person's rows), without storing one.

How many rows a slot has is settled in the template (months of contributions, cars, spells of employment), so every
division holds them in the same proportion, and a row is found by one look into running totals. The same goes for
anything else that repeats a block: firms and their permits.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mockdata.population.layout import Layout, intervals
from mockdata.seeds import Ints


@dataclass(frozen=True)
class Ring:
    """A block of `length` slots repeated in every division from its slot `start` on; `offset`: first index of each
    division, and the count."""

    offset: Ints
    start: Ints
    length: int

    @classmethod
    def of(cls, layout: Layout) -> Ring:
        """The ring of a population's living persons."""
        return cls(layout.offset, layout.start, len(layout.template))

    def where(self, index: Ints) -> tuple[Ints, Ints, Ints]:
        """(division among the populated ones, block, slot) of valid indices."""
        place = intervals(self.offset, index)
        block, turn = np.divmod(index - self.offset[place], self.length)
        slot = turn + self.start[place]
        return place, block, np.where(slot >= self.length, slot - self.length, slot)

    def at(self, place: Ints, block: Ints, slot: Ints) -> Ints:
        """The index of a slot of a block, -1 where the last block was cut before it."""
        turn = slot - self.start[place]
        turn = np.where(turn < 0, turn + self.length, turn)
        index = self.offset[place] + block * self.length + turn
        return np.where((block >= 0) & (index < self.offset[place + 1]), index, -1)


@dataclass(frozen=True)
class Entries:
    """`counts[slot]` rows for each copy of a slot of a ring, numbered 0 … count-1 in index order."""

    ring: Ring
    counts: Ints

    @cached_property
    def before(self) -> Ints:
        """Rows of the slots before each slot; one entry more than slots."""
        return np.concatenate([[0], np.cumsum(self.counts)]).astype(np.int64)

    def _in_arc(self, place: Ints, length: Ints) -> Ints:
        start, before = self.ring.start[place], self.before
        end = start + length
        wrapped = np.maximum(end - self.ring.length, 0)
        return np.asarray(before[np.minimum(end, self.ring.length)] - before[start] + before[wrapped])

    @cached_property
    def offset(self) -> Ints:
        """First row of each populated division; the last entry is the count."""
        blocks, rest = np.divmod(np.diff(self.ring.offset), self.ring.length)
        each = blocks * self.before[-1] + self._in_arc(np.arange(len(blocks)), rest)
        return np.concatenate([[0], np.cumsum(each)]).astype(np.int64)

    @property
    def count(self) -> int:
        """How many rows there are."""
        return int(self.offset[-1])

    def at(self, row: Ints) -> tuple[Ints, Ints]:
        """(index in the ring, which of its rows from 0 on) of rows, each in 0 … count-1."""
        place, block, item = self.items(row)
        slot = intervals(self.before, item)
        return self.ring.at(place, block, slot), item - self.before[slot]

    def items(self, row: Ints) -> tuple[Ints, Ints, Ints]:
        """(division, block, number of the row within the template) of rows."""
        place = intervals(self.offset, row)
        total = int(self.before[-1])
        block, turn = np.divmod(row - self.offset[place], total)
        item = turn + self.before[self.ring.start[place]]
        return place, block, np.where(item >= total, item - total, item)

    def row(self, index: Ints, turn: Ints | int = 0) -> Ints:
        """The rows of members of the ring, -1 where one has no row of that number (or the index is -1)."""
        place, block, slot = self.ring.where(np.maximum(index, 0))
        there = (index >= 0) & (turn >= 0) & (turn < self.counts[slot])
        return np.where(there, self.row_of(place, block, self.before[slot] + turn), -1)

    def row_of(self, place: Ints, block: Ints, item: Ints) -> Ints:
        """The inverse of `items`: rows that exist in that block."""
        total = int(self.before[-1])
        passed = item - self.before[self.ring.start[place]]
        passed = np.where(passed < 0, passed + total, passed)
        return np.asarray(self.offset[place] + block * total + passed)
