"""Who is counted in the registers on the population's date: the living, households, couples, births, employees, the
dead.

On the base date these are marks of the template; later they also hold persons who were born since, and leave out those
who died.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Protocol

import numpy as np

from mockdata.identifiers import FIRST_DAY
from mockdata.population import activity
from mockdata.population.births import FIRST_YEAR
from mockdata.population.layout import Selection
from mockdata.population.mortality import NEVER
from mockdata.population.now import Flags, Members
from mockdata.population.rows import World
from mockdata.population.template import MAN
from mockdata.seeds import Ints

_SUCCESSORS = 8
"""Jobs of a firm that are looked at for a living representative."""


class Crowd(Protocol):
    """Persons numbered 0 … count-1, in the order of whom they are filed under."""

    @property
    def count(self) -> int:
        """How many there are."""

    def index(self, row: Ints) -> Ints:
        """The persons of rows."""

    def row(self, index: Ints) -> Ints:
        """The rows of persons, -1 for those who are none of them."""

    def filed(self, row: Ints) -> Ints:
        """Living persons of the base date under whom the rows are filed, ascending."""


@dataclass(frozen=True)
class All:
    """Everybody living on the base date."""

    count: int

    def index(self, row: Ints) -> Ints:
        """Row and person are one."""
        return row

    def row(self, index: Ints) -> Ints:
        """Row and person are one; further persons are none of them."""
        return np.where(index < self.count, index, -1)

    def filed(self, row: Ints) -> Ints:
        """Everybody is filed under his own number."""
        return row


class Crowds:
    """The crowds of a world, each worked out when first asked for."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._layout = world.layout

    @cached_property
    def people(self) -> Crowd:
        """The living."""
        if not self._world.later:
            return All(int(self._layout.offset[-1]))
        return self._members(self._world.now.alive)

    @cached_property
    def households(self) -> Crowd:
        """Households, by their heads."""
        world = self._world
        if not world.later:
            return world.households
        slots = np.arange(len(world.now.alive))
        return self._members(world.now.alive & (world.now.head == slots))

    @cached_property
    def couples(self) -> Crowd:
        """Marriages in force or ended, by the husbands."""
        world = self._world
        if not world.later:
            return Selection(self._layout, (world.template.married > 0) & (world.template.sex == MAN))
        block = world.lives.template
        wed = (block.married > 0) & ((world.lives.wedding == NEVER) | (world.lives.wedding <= world.as_of))
        return self._members(wed & (block.sex == MAN))

    @cached_property
    def births(self) -> Crowd:
        """Births since 1996 whose mother is known."""
        world = self._world
        if not world.later:
            return Selection(self._layout, (world.template.year >= FIRST_YEAR) & (world.template.mother >= 0))
        block = world.lives.template
        return self._members((block.year >= FIRST_YEAR) & (block.mother >= 0) & (world.lives.born <= world.as_of))

    @cached_property
    def employees(self) -> Crowd:
        """Employees of firms."""
        world = self._world
        if not world.later:
            return world.firms.employees
        return self._members(world.now.alive & (world.now.activity.kind == activity.EMPLOYEE))

    @cached_property
    def pupils(self) -> Crowd:
        """Children in the twelve years of school, see `school_year`."""
        world = self._world
        if not world.later:
            return Selection(self._layout, _at_school(school_year(world) - world.template.year))
        return self._members(world.now.alive & _at_school(school_year(world) - world.lives.template.year))

    @cached_property
    def deaths(self) -> Crowd:
        """The dead of the last ten years before the base date and since."""
        lives = self._world.lives
        return self._members(lives.death <= self._world.as_of)

    def _members(self, marked: Flags) -> Members:
        return Members(self._world.everybody, marked)


def school_year(world: World) -> int:
    """The year in whose September the school year of the world's date began."""
    day = FIRST_DAY + timedelta(days=world.as_of)
    return day.year if day.month >= 9 else day.year - 1


def _at_school(years: Ints) -> Flags:
    return np.asarray((years >= 7) & (years <= 18))


def living_representative(world: World, firm: Ints) -> Ints:
    """The holder of a firm's first job, or of the next one whose holder is alive on the world's date; -1 none."""
    found = world.firms.representative(firm)
    if not world.later:
        return found
    sizes, alive = world.firms.sizes(firm), world.now.alive
    for job in range(_SUCCESSORS):
        here = np.nonzero((found < 0) if job else np.ones(len(firm), dtype=np.bool_))[0]
        here = here[sizes[here] > job]
        person = world.firms.holder(firm[here], job)
        lives = alive[world.layout.where(person)[2]]
        found[here] = np.where(lives, person, -1)
    return found
