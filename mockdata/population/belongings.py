"""Cars, homes and driving licences: how many each person has, by when. A model.

Counts and months are settled in the template; what a car or a home is like is hashed from its owner and number. A thing
keeps its number for ever (`cars`, `homes`, `licences` count all there will be until the horizon), so a plate or a
certificate number does not depend on the date; on a date those acquired before its month are there.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mockdata.population.activity import EMPLOYEE, SELF_EMPLOYED
from mockdata.population.ages import BASE
from mockdata.population.calendar import BASE_MONTH, NO_MONTH, month_of
from mockdata.population.entries import Entries, Ring
from mockdata.population.kin import Chances
from mockdata.population.template import MAN
from mockdata.seeds import Ints

if TYPE_CHECKING:
    from mockdata.population.rows import World

PETROL, ELECTRIC, HYBRID = range(3)
CARS = 3
"""Cars of one person at most, the later ones bought after the base date."""
HOMES = 2
_CAR_AGE = 144
"""Months: no car is older."""


@dataclass(frozen=True)
class Belongings:
    """What a world's persons own, on its date."""

    world: World

    @cached_property
    def _today(self) -> int:
        return int(month_of(np.array([self.world.as_of]))[0])

    @cached_property
    def _chances(self) -> Chances:
        return Chances(self.world.seed, "belongings")

    @cached_property
    def heir(self) -> Ints:
        """Who owns on the date what was each slot's: the slot itself, after its death the spouse if alive, else the
        head of the home, -1 where no adult is left."""
        slot = np.arange(len(self.world.template))
        if not self.world.later:
            return slot
        now, block = self.world.now, self.world.lives.template
        partner, head = block.partner[slot], now.head[slot]
        widow = (
            (partner >= 0) & now.alive[np.maximum(partner, 0)] & (block.year[np.maximum(partner, 0)] < now.year - 18)
        )
        able = now.alive[head] & (block.year[head] < now.year - 18)
        return np.select([now.alive[slot], widow, able], [slot, partner, head], -1)

    def _there(self, months: Ints) -> Ints:
        """How many of each slot's things are there: those of months before the date's, if anybody owns them."""
        counts = (months < self._today).sum(axis=1)
        return np.where(self.heir >= 0, counts, 0).astype(np.int64)

    # ---- cars ----

    @cached_property
    def car_months(self) -> Ints:
        """Month in which each slot's cars were registered, in order; NO_MONTH for none."""
        block, work = self.world.template, self.world.activity
        chances, n = self._chances, len(block)
        earns = (work.kind == EMPLOYEE) | (work.kind == SELF_EMPLOYED)
        chance = np.where(earns, 0.12 + 0.62 * work.rank, 0.06)
        grown = (block.year + 19) * 12
        table = np.full((n, CARS), NO_MONTH, dtype=np.int64)
        has = (chances.uniform("car", n) < chance) & (block.year <= BASE.year - 20) & (block.year > BASE.year - 80)
        since = np.maximum(grown, BASE_MONTH - _CAR_AGE)
        month = since + (chances.uniform("car month", n) * (BASE_MONTH - since)).astype(np.int64)
        table[has, 0] = month[has]
        second = has & (chances.uniform("second car", n) < 0.12)
        month = month + 1 + (chances.uniform("second month", n) * 60).astype(np.int64)
        second &= month < BASE_MONTH
        table[second, 1] = month[second]
        # bought after the base date
        later = np.maximum(BASE_MONTH + 1 + (chances.uniform("later car", n) * 2400).astype(np.int64), grown)
        new = ~has & (later < BASE_MONTH + 240) & (block.year > BASE.year - 60)
        table[new, 0] = later[new]
        return table

    @cached_property
    def fuel(self) -> Ints:
        """PETROL, ELECTRIC or HYBRID of each car: new energy is rare early and the rule later."""
        chances = self._chances
        table = np.zeros(self.car_months.shape, dtype=np.int64)
        for turn in range(CARS):
            chance = chances.uniform(f"fuel {turn}", len(table))
            share = np.clip((self.car_months[:, turn] - (BASE_MONTH - 120)) / 200, 0, 0.75)
            new = (chance < share) & (self.car_months[:, turn] < NO_MONTH)
            table[:, turn] = np.where(new, np.where(chance < share * 0.62, ELECTRIC, HYBRID), PETROL)
        return table

    @cached_property
    def cars(self) -> Entries:
        """All cars there will ever be."""
        return Entries(Ring.of(self.world.layout), (self.car_months < NO_MONTH).sum(axis=1).astype(np.int64))

    @cached_property
    def cars_now(self) -> Entries:
        """The cars of the date."""
        return Entries(Ring.of(self.world.layout), self._there(self.car_months))

    def cars_of(self, fuel: int) -> Entries:
        """All cars of one fuel there will ever be."""
        return self._by_fuel[fuel]

    @cached_property
    def _by_fuel(self) -> tuple[Entries, ...]:
        there = self.car_months < NO_MONTH
        ring = Ring.of(self.world.layout)
        return tuple(Entries(ring, ((self.fuel == fuel) & there).sum(axis=1).astype(np.int64)) for fuel in (0, 1, 2))

    def rank(self, slot: Ints, turn: Ints) -> Ints:
        """Which of the slot's cars of the same fuel a car is."""
        fuel = self.fuel[slot]
        same: NDArray[np.bool_] = (fuel == fuel[np.arange(len(slot)), turn][:, None]) & (
            np.arange(CARS) < turn[:, None]
        )
        return np.asarray(same.sum(axis=1), dtype=np.int64)

    def turn(self, slot: Ints, fuel: Ints, rank: Ints) -> Ints:
        """The inverse of `rank`."""
        same = (self.fuel[slot] == fuel[:, None]) & (self.car_months[slot] < NO_MONTH)
        place = np.cumsum(same, axis=1)
        return np.asarray(np.argmax(same & (place == rank[:, None] + 1), axis=1), dtype=np.int64)

    # ---- homes ----

    @cached_property
    def home_months(self) -> Ints:
        """Month in which the homes of each family were registered to its head, in order; NO_MONTH for none."""
        block = self.world.template
        chances, n = self._chances, len(block)
        head = (block.head == np.arange(n)) & ~block.collective
        grown = np.maximum((block.year + 22) * 12, 1990 * 12)
        table = np.full((n, HOMES), NO_MONTH, dtype=np.int64)
        has = head & (chances.uniform("home", n) < 0.8) & (grown < BASE_MONTH - 12)
        month = grown + (chances.uniform("home month", n) * np.maximum(BASE_MONTH - grown - 12, 1)).astype(np.int64)
        table[has, 0] = month[has]
        second = has & (chances.uniform("second home", n) < 0.14)
        later = month + 12 + (chances.uniform("second home month", n) * 240).astype(np.int64)
        second &= later < BASE_MONTH + 240
        table[second, 1] = later[second]
        return table

    @cached_property
    def homes(self) -> Entries:
        """All registered homes there will ever be."""
        return Entries(Ring.of(self.world.layout), (self.home_months < NO_MONTH).sum(axis=1).astype(np.int64))

    @cached_property
    def homes_now(self) -> Entries:
        """The registered homes of the date."""
        return Entries(Ring.of(self.world.layout), self._there(self.home_months))

    # ---- driving licences ----

    @cached_property
    def licence_months(self) -> Ints:
        """Month of the first driving licence of each slot, NO_MONTH for who never drives."""
        block, chances = self.world.template, self._chances
        n = len(block)
        old = np.clip((BASE.year - block.year - 45) / 40, 0, 1)
        chance = np.where(block.sex == MAN, 0.78, 0.52) * (1 - 0.85 * old)
        since = np.maximum((block.year + 18) * 12 + 12, 1985 * 12)
        wait = chances.uniform("licence month", n)
        month = since + (wait * wait * 180).astype(np.int64)
        drives = (chances.uniform("licence", n) < chance) & (month < BASE_MONTH + 240)
        return np.where(drives, month, NO_MONTH)

    @cached_property
    def licences(self) -> Entries:
        """All driving licences there will ever be."""
        return Entries(Ring.of(self.world.layout), (self.licence_months < NO_MONTH).astype(np.int64))

    @cached_property
    def licences_now(self) -> Entries:
        """The driving licences of the living of the date."""
        months = self.licence_months
        alive = self.world.now.alive[: len(months)] if self.world.later else np.ones(len(months), dtype=np.bool_)
        return Entries(Ring.of(self.world.layout), (alive & (months < self._today)).astype(np.int64))
