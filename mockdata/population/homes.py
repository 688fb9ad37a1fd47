"""Households: their numbers, which are never used twice, their heads and members on the population's date."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from mockdata.population.layout import Selection
from mockdata.seeds import Ints

if TYPE_CHECKING:
    from mockdata.population.rows import World


class Homes:
    """Households of a world: their numbers (never used twice), heads and members on the population's date."""

    def __init__(self, world: World) -> None:
        self._world = world

    @cached_property
    def _new(self) -> Selection:
        """Homes that come about when somebody moves out."""
        lives = self._world.lives
        slot = np.arange(lives.living)
        own = (lives.moves[1][1][: lives.living] == slot) & (self._world.template.head != slot)
        return Selection(self._world.layout, own)

    def row(self, home: Ints) -> Ints:
        """The number of each home, given by the person it is named after."""
        row = self._world.households.row(home)
        if not self._world.later or not (row < 0).any():
            return row
        return np.where(row >= 0, row, self._world.households.count + self._new.row(home))

    def heads(self, row: Ints) -> Ints:
        """The living heads of homes by `row`, -1 where there is no such home or nobody is left in it."""
        world, count = self._world, self._world.households.count
        known = (row >= 0) & (row < count)
        home = np.where(known, world.households.index(np.where(known, row, 0)), -1)
        if not world.later:
            return home
        new = (row >= count) & (row < count + self._new.count)
        home = np.where(new, self._new.index(np.where(new, row - count, 0)), home)
        place, block, slot = world.everybody.where(np.maximum(home, 0))
        head = world.now.acting[slot]
        there = (home >= 0) & world.now.alive[head] & (world.now.home[head] == slot)
        return np.where(there, world.everybody.at(place, block, head), -1)

    def members(self, place: int, block: int, head: int) -> Ints:
        """The persons who live with one head (a slot), ascending."""
        world = self._world
        if not world.later:
            numbers = world.template.household
            home = numbers[head]
            slots = np.arange(np.searchsorted(numbers, home), np.searchsorted(numbers, home, side="right"))
            at = world.layout.at
        else:
            slots = np.nonzero(world.now.alive & (world.now.head == head))[0]
            at = world.everybody.at
        return np.sort(at(np.full(len(slots), place), np.full(len(slots), block), slots))
