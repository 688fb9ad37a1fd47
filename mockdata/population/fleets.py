"""Cars of firms: how many each has, of which fuel. A model, settled in the block of firms.

Firms' cars take plates and vehicle identification numbers from the other end of the series that persons' cars begin, so
no number is given twice and what persons own stays as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mockdata.population.belongings import ELECTRIC, HYBRID, PETROL
from mockdata.population.entries import Entries, Ring
from mockdata.population.firms import BLOCK
from mockdata.population.kin import Chances
from mockdata.seeds import Ints

if TYPE_CHECKING:
    from mockdata.population.rows import World

MOST = 24
"""Cars of one firm at most."""
_A_CAR = 9
"""Employees for each further car."""
_NEW_ENERGY = 0.3


@dataclass(frozen=True)
class Fleets:
    """What a world's firms own; the same on every date."""

    world: World

    @cached_property
    def _chances(self) -> Chances:
        return Chances(self.world.seed, "fleets")

    @cached_property
    def counts(self) -> Ints:
        """Cars of each firm of the block: one in three small firms has one, large ones another for every nine heads."""
        size = self.world.firms.block_sizes
        chance = self._chances.uniform("first car", BLOCK)
        more = np.floor(size / _A_CAR * (0.5 + self._chances.uniform("further cars", BLOCK)))
        return np.minimum((chance < 0.35) + more.astype(np.int64), MOST)

    @cached_property
    def fuel(self) -> Ints:
        """PETROL, ELECTRIC or HYBRID of each firm's cars."""
        chance = self._chances.uniform("fuel", BLOCK * MOST).reshape(BLOCK, MOST)
        return np.select([chance < _NEW_ENERGY * 0.62, chance < _NEW_ENERGY], [ELECTRIC, HYBRID], PETROL)

    @cached_property
    def _there(self) -> NDArray[np.bool_]:
        return np.arange(MOST) < self.counts[:, None]

    @cached_property
    def ring(self) -> Ring:
        """Where firms stand."""
        return Ring(self.world.firms.offset, self.world.firms.first, BLOCK)

    @cached_property
    def cars(self) -> Entries:
        """All cars."""
        return Entries(self.ring, self.counts)

    @cached_property
    def by_fuel(self) -> tuple[Entries, ...]:
        """The cars of each fuel."""
        kinds = (PETROL, ELECTRIC, HYBRID)
        return tuple(Entries(self.ring, ((self.fuel == kind) & self._there).sum(axis=1)) for kind in kinds)

    def rank(self, slot: Ints, turn: Ints) -> Ints:
        """Which of a firm's cars of the same fuel a car is."""
        fuel = self.fuel[slot]
        same = (fuel == fuel[np.arange(len(slot)), turn][:, None]) & (np.arange(MOST) < turn[:, None])
        return np.asarray(same.sum(axis=1), dtype=np.int64)

    def turn(self, slot: Ints, fuel: int, rank: Ints) -> Ints:
        """The inverse of `rank`."""
        same = (self.fuel[slot] == fuel) & self._there[slot]
        place = np.cumsum(same, axis=1)
        return np.asarray(np.argmax(same & (place == rank[:, None] + 1), axis=1), dtype=np.int64)
