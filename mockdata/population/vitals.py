"""Births and deaths of the whole population by calendar year, counted exactly and without looking at a person.

Deaths are those of the register: of the ten years before the base date and since. Births are persons born in a year
whom the population knows, the dead among them; before the base date their number follows the census's age structure.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from mockdata.identifiers import FIRST_DAY
from mockdata.population.ages import BASE
from mockdata.population.lives import DEAD_YEARS
from mockdata.population.mortality import NEVER
from mockdata.population.now import Members
from mockdata.population.population import Population
from mockdata.population.rows import YEAR_STARTS


@dataclass(frozen=True)
class Year:
    """Births and deaths of one calendar year."""

    year: int
    births: int
    deaths: int


def vitals(population: Population) -> tuple[Year, ...]:
    """The whole calendar years from ten years before the base date to the population's date."""
    world = population.world
    lives, everybody = world.lives, world.everybody
    today = FIRST_DAY + timedelta(days=world.as_of + 1)
    died = np.searchsorted(YEAR_STARTS, np.where(lives.death < NEVER, lives.death, -1), side="right") - 1 + 1880
    there = lives.born <= world.as_of
    found = []
    for year in range(BASE.year - DEAD_YEARS + 1, today.year):
        births, deaths = (lives.template.year == year) & there, (died == year) & (lives.death <= world.as_of)
        found.append(Year(year, Members(everybody, births).count, Members(everybody, deaths).count))
    return tuple(found)
