"""Changes that registers remember: moves of households and changes of name. A model.

A household has moved up to three times in the fifteen years before the base date and may move until the horizon; who
lived in it moved along. Earlier addresses lie in the same division mostly, else in another one of the province; later
ones in the same, because a division begins the citizen numbers of its residents. Names changed before the base date.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from mockdata.population.ages import BASE
from mockdata.population.calendar import BASE_MONTH, NO_MONTH, month_of
from mockdata.population.entries import Entries, Ring
from mockdata.population.kin import Chances
from mockdata.seeds import Ints

if TYPE_CHECKING:
    from mockdata.population.rows import World

BEFORE = 3
"""Moves before the base date at most."""
AFTER = 2
"""Moves after it at most."""
_NAME_CHANGES = 0.004
"""Share of the people who have changed their name."""


@dataclass(frozen=True)
class Changes:
    """Moves and changes of name of a world, on its date."""

    world: World

    @cached_property
    def home_moves(self) -> Ints:
        """Months of the moves of each home (by the slot it is named after), BEFORE + AFTER of them in order;
        NO_MONTH for those that never are. Dormitories do not move."""
        block = self.world.template
        chances = Chances(self.world.seed, "moves")
        n = len(block)
        table = np.full((n, BEFORE + AFTER), NO_MONTH, dtype=np.int64)
        number = np.searchsorted([0.45, 0.8, 0.95], chances.uniform("moves before", n), side="right")
        for turn in range(BEFORE):
            # the last fifteen years in three parts, the latest move in the last one
            part = 60 * (BEFORE - turn)
            here = turn >= BEFORE - number
            month = BASE_MONTH - part + 1 + (chances.uniform(f"month {turn}", n) * 55).astype(np.int64)
            table[here, turn] = month[here]
        later = np.searchsorted([0.75, 0.95], chances.uniform("moves after", n), side="right")
        for turn in range(AFTER):
            here = turn < later
            month = BASE_MONTH + 1 + 118 * turn + (chances.uniform(f"later month {turn}", n) * 115).astype(np.int64)
            table[here, BEFORE + turn] = month[here]
        # a head who was a child then did not move as a head
        table[:, :BEFORE][table[:, :BEFORE] < ((block.year + 20) * 12)[:, None]] = NO_MONTH
        table[block.collective] = NO_MONTH
        return table

    @cached_property
    def epoch(self) -> Ints:
        """How often each home has moved since the base date."""
        today = month_of(np.array([self.world.as_of]))[0]
        return np.asarray((self.home_moves[:, BEFORE:] < today).sum(axis=1))

    @cached_property
    def joined(self) -> Ints:
        """The month from which each slot has lived in the home of the base date: birth, or the wedding's year's end."""
        block = self.world.template
        came = (block.year + 1) * 12
        with_spouse = (block.relation == 1) & (block.married > 0)
        return np.where(with_spouse, np.maximum(came, (block.married + 1) * 12), came)

    @cached_property
    def moves(self) -> Ints:
        """Months of the moves each slot took part in, up to the world's date: columns of `home_moves`."""
        block = self.world.template
        table = self.home_moves[block.head]
        table = np.where(table >= self.joined[:, None], table, NO_MONTH)
        if not self.world.later:
            return np.where(table < BASE_MONTH, table, NO_MONTH)
        lives = self.world.lives
        n = len(block)
        # later moves of the home count while one lives there
        left = np.minimum(lives.moves[0][0][:n], lives.moves[1][0][:n])
        gone = np.minimum(month_of(np.minimum(left, lives.death[:n])), month_of(np.array([self.world.as_of]))[0])
        return np.where(table < gone[:, None], table, NO_MONTH)

    @cached_property
    def move_entries(self) -> Entries:
        """Moves of persons in the order of persons."""
        return Entries(Ring.of(self.world.layout), (self.moves < NO_MONTH).sum(axis=1).astype(np.int64))

    def move(self, slot: Ints, turn: Ints) -> Ints:
        """The column of `home_moves` behind a person's move number `turn`."""
        there = self.moves < NO_MONTH
        place = np.cumsum(there, axis=1)
        return np.asarray(np.argmax((place[slot] == turn[:, None] + 1) & there[slot], axis=1), dtype=np.int64)

    def states(self, home_slot: Ints, column: Ints) -> tuple[Ints, Ints]:
        """(address before, address after) a home's move, as numbers: 0 … BEFORE-1 the one left with that move, BEFORE
        that of the base date, then those after it."""
        table = self.home_moves[home_slot]
        columns = np.arange(BEFORE)
        next_one = np.where((table[:, :BEFORE] < NO_MONTH) & (columns > column[:, None]), columns, BEFORE).min(axis=1)
        return column, np.where(column < BEFORE, next_one, column + 1)

    @cached_property
    def renamed(self) -> Ints:
        """The month in which each slot changed its name, NO_MONTH for nearly all."""
        block = self.world.template
        chances = Chances(self.world.seed, "renamed")
        n = len(block)
        since = np.maximum((block.year + 1) * 12, BASE_MONTH - 300)
        month = since + (chances.uniform("month", n) * (BASE_MONTH - since)).astype(np.int64)
        changed = (chances.uniform("renamed", n) < _NAME_CHANGES) & (block.year < BASE.year - 1)
        return np.where(changed, month, NO_MONTH)

    @cached_property
    def rename_entries(self) -> Entries:
        """Changes of name in the order of persons."""
        return Entries(Ring.of(self.world.layout), (self.renamed < NO_MONTH).astype(np.int64))
