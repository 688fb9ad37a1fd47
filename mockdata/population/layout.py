"""Where persons stand: index ↔ (division, block, slot), and the enumeration of any kind of slot.

A division of n persons holds ceil(n / P) copies (*blocks*) of the template's P slots. All its blocks begin at the same
slot of the template, drawn per division among the places where a block may be cut, and the last one ends where the
division is full; so small divisions hold different households.
Index = division offset + block · P + (slot - start) mod P.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mockdata.kernels import compiled
from mockdata.population.divisions import Divisions
from mockdata.population.template import Template
from mockdata.seeds import Floats, Ints, apportion, below, hashed, stream, unit

LEAST = 1_000
"""Smallest population."""
_PEOPLE_A_DIVISION = 2_000
"""Smaller populations live in fewer divisions, of about this many persons."""
SEQUENCES = 499
"""Citizen numbers of one division, day and sex: sequence 2·x + parity with x = 1 … 499, so 000 never occurs."""


@dataclass(frozen=True)
class Layout:
    """Populated divisions (positions in `Divisions`), their sizes in persons, and the slot their blocks begin at."""

    template: Template
    division: Ints
    size: Ints
    start: Ints
    rotation_key: int

    @cached_property
    def offset(self) -> Ints:
        """First index of each populated division; one more entry, the last, is the whole size."""
        return np.concatenate([[0], np.cumsum(self.size)]).astype(np.int64)

    @cached_property
    def blocks(self) -> Ints:
        """Blocks of each populated division, the cut one included."""
        return -(-self.size // len(self.template))

    @cached_property
    def first_block(self) -> Ints:
        """Number of the first block of each division, counted through the whole population."""
        return np.concatenate([[0], np.cumsum(self.blocks)]).astype(np.int64)

    def where(self, index: Ints) -> tuple[Ints, Ints, Ints, Ints]:
        """(place among populated divisions, block within it, slot, index of the block's first person)."""
        if loops := compiled(len(index)):
            found: tuple[Ints, Ints, Ints, Ints] = loops.where(index, self.offset, self.start, len(self.template))
            return found
        place = intervals(self.offset, index)
        within = index - self.offset[place]
        block = within // len(self.template)
        turn = within - block * len(self.template)
        slot = turn + self.start[place]
        slot = np.where(slot >= len(self.template), slot - len(self.template), slot)
        return place, block, slot, index - turn

    def at(self, place: Ints, block: Ints, slot: Ints) -> Ints:
        """The index of a slot of a block, -1 where the last block was cut before it."""
        turn = slot - self.start[place]
        turn = np.where(turn < 0, turn + len(self.template), turn)
        within = block * len(self.template) + turn
        there = (block >= 0) & (block < self.blocks[place]) & (within < self.size[place])
        return np.where(there, self.offset[place] + within, -1)

    @cached_property
    def _place_of(self) -> Ints:
        table = np.full(int(self.division.max()) + 2, -1, dtype=np.int64)
        table[self.division] = np.arange(len(self.division))
        return table

    def find_place(self, division: Ints) -> Ints:
        """Place among populated divisions of positions in `Divisions`, -1 for none (and for -1)."""
        return self._place_of[np.where((division >= 0) & (division < len(self._place_of) - 1), division, -1)]

    def rotation(self, place: Ints, block: Ints) -> Ints:
        """Days (0 … 364) by which the birth days of a block are turned within their years."""
        return below(hashed(self.rotation_key, self.first_block[place] + block), 365)


def intervals(edges: Ints, values: Ints) -> Ints:
    """The number of the interval each value falls into; interval k begins at edges[k] (ascending)."""
    if loops := compiled(len(values)):
        found: Ints = loops.intervals(edges, values)
        return found
    return np.asarray(np.searchsorted(edges, values, side="right") - 1, dtype=np.int64)


def lay_out(seed: int | str, size: int, template: Template, divisions: Divisions) -> Layout:
    """Shares a population out over divisions, exactly to the last person.

    Raises ValueError when it is under LEAST, or so large that a division would run out of citizen numbers.
    """
    if size < LEAST:
        raise ValueError(f"a population has at least {LEAST:,} persons, not {size:,}")
    weights = divisions.weights(seed)
    wanted = max(1, min(len(divisions), size // _PEOPLE_A_DIVISION))
    if wanted < len(divisions):
        division = _sample(seed, weights, wanted)
        weights = _by_province(weights, divisions.provinces, division)
    else:
        division = np.arange(len(divisions))
    sizes = np.maximum(apportion(weights, size), 1)
    sizes[np.argmax(sizes)] += size - sizes.sum()
    if (int(template.born_rank.max()) + 1) * -(-int(sizes.max()) // len(template)) > SEQUENCES:
        raise ValueError(f"{size:,} persons are too many: a division would run out of citizen numbers")
    start = _starts(seed, division, sizes, template.group_start)
    return Layout(template, division, sizes, start, stream(seed, "rotation"))


def _sample(seed: int | str, weights: Floats, wanted: int) -> Ints:
    """So many divisions, each chosen in proportion to its weight (systematic sampling along the codes)."""
    first = float(unit(hashed(stream(seed, "divisions"), np.array([0])))[0])
    points = (np.arange(wanted) + first) / wanted
    chosen = np.unique(np.searchsorted(np.cumsum(weights), points, side="right").clip(0, len(weights) - 1))
    if len(chosen) < wanted:
        # a division heavier than one share was hit twice: fill up with the heaviest ones left out
        left = np.setdiff1d(np.argsort(-weights, kind="stable"), chosen, assume_unique=True)
        chosen = np.union1d(chosen, left[np.argsort(-weights[left], kind="stable")][: wanted - len(chosen)])
    return chosen.astype(np.int64)


def _by_province(weights: Floats, provinces: Ints, chosen: Ints) -> Floats:
    """Weights of the chosen divisions: each province that has one keeps its share of the population."""
    share = np.bincount(provinces, weights)
    left = np.bincount(provinces[chosen], weights[chosen], minlength=len(share))
    return np.asarray(weights[chosen] * share[provinces[chosen]] / left[provinces[chosen]])


def _starts(seed: int | str, division: Ints, sizes: Ints, cuttable: NDArray[np.bool_]) -> Ints:
    """For each division the first place, from a drawn one on, where a cut leaves whole groups at both ends."""
    length = len(cuttable)
    cuts = np.nonzero(cuttable)[0]
    rest = sizes % length
    at = below(hashed(stream(seed, "block start"), division), len(cuts))
    open_ = np.arange(len(division))
    for _ in range(len(cuts)):
        ends = cuttable[(cuts[at[open_]] + rest[open_]) % length]
        open_ = open_[~ends]
        if not len(open_):
            return cuts[at]
        at[open_] = (at[open_] + 1) % len(cuts)
    raise ValueError("no place to cut a block: the population does not fit its template")


@dataclass(frozen=True)
class Selection:
    """All persons whose slot is marked, numbered 0 … count-1 in index order: rows that nobody stores."""

    layout: Layout
    marked: NDArray[np.bool_]

    @cached_property
    def _slots(self) -> Ints:
        return np.nonzero(self.marked)[0].astype(np.int64)

    @cached_property
    def before(self) -> Ints:
        """Marked slots before each slot; one entry more than slots."""
        return np.concatenate([[0], np.cumsum(self.marked)]).astype(np.int64)

    def _in_arc(self, place: Ints, length: Ints) -> Ints:
        """Marked slots among the first `length` ones of a block of a division."""
        start = self.layout.start[place]
        end = start + length
        wrapped = np.maximum(end - len(self.marked), 0)
        before = self.before
        return np.asarray(before[np.minimum(end, len(self.marked))] - before[start] + before[wrapped])

    @cached_property
    def offset(self) -> Ints:
        """Row of the first marked person of each populated division; the last entry is the count."""
        blocks, rest = np.divmod(self.layout.size, len(self.marked))
        each = blocks * len(self._slots) + self._in_arc(np.arange(len(blocks)), rest)
        return np.concatenate([[0], np.cumsum(each)]).astype(np.int64)

    @property
    def count(self) -> int:
        """How many rows there are."""
        return int(self.offset[-1])

    def index(self, row: Ints) -> Ints:
        """The persons of rows (each in 0 … count-1)."""
        place = intervals(self.offset, row)
        return self.in_division(place, row - self.offset[place])

    def in_division(self, place: Ints, row: Ints) -> Ints:
        """The persons of rows counted within a populated division."""
        block, turn = np.divmod(row, len(self._slots))
        rank = turn + self.before[self.layout.start[place]]
        rank = np.where(rank >= len(self._slots), rank - len(self._slots), rank)
        return self.layout.at(place, block, self._slots[rank])

    def filed(self, row: Ints) -> Ints:
        """The persons of rows, ascending with the row: everybody here is filed under his own number."""
        return self.index(row)

    def row(self, index: Ints) -> Ints:
        """The rows of persons, -1 where a person is not selected (or the index is -1, or beyond the layout)."""
        safe = np.where((index >= 0) & (index < self.layout.offset[-1]), index, 0)
        place, block, slot, _ = self.layout.where(safe)
        if loops := compiled(len(index)):
            found: Ints = loops.ranked(place, block, slot, self.layout.start, self.offset, self.marked, self.before)
            return np.where((index >= 0) & (index < self.layout.offset[-1]), found, -1)
        turn = slot - self.layout.start[place]
        turn = np.where(turn < 0, turn + len(self.marked), turn)
        row = self.offset[place] + block * len(self._slots) + self._in_arc(place, turn)
        return np.where((index >= 0) & (index < self.layout.offset[-1]) & self.marked[slot], row, -1)
