"""Who dies when: yearly chances of dying by age and sex, and days of death drawn from them.

A model: no life table is at hand. The chances rise by a fixed factor a year of age, men's above women's, and are scaled
so that the population of the base date would lose the published 7.07 in a thousand in a year. Only products are used,
no exponentials, whose last bit may differ between processors.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from mockdata.population import ages
from mockdata.population.waves import Pace
from mockdata.seeds import Floats, Ints

NEVER = 10**8
"""Day number of what does not happen."""
A_YEAR = 0.00707
"""Deaths a person and year in the whole population (2020, unverified)."""

_OLDEST = 125
_YOUNG = ((0, 0.0045), (1, 0.0006), (5, 0.0002))
_AT_30 = (0.00105, 0.00045)
_RISE = (1.088, 1.099)
"""Men, women: the chance at 30 and the factor a year of age."""


@cache
def chances() -> Floats:
    """Chance of dying within a year, by sex (0 men, 1 women) and completed age 0 … 125."""
    table = np.empty((2, _OLDEST + 1))
    for sex in (0, 1):
        for age, chance in _YOUNG:
            table[sex, age:15] = chance
        table[sex, 15:30] = np.linspace(0.0003, _AT_30[sex], 15)
        table[sex, 30:] = _AT_30[sex] * np.cumprod(np.full(_OLDEST - 29, _RISE[sex])) / _RISE[sex]
    shares, male = ages.cohort_shares(), ages.male_shares()
    died = (shares * (male * table[0, : len(shares)] + (1 - male) * table[1, : len(shares)])).sum()
    return np.asarray(np.minimum(table * (A_YEAR / died), 1.0))


def deaths(
    chance: Floats, moment: Floats, sex: Ints, age: Ints, since: Ints, years: int, pace: Pace | None = None
) -> Ints:
    """The day each person dies within so many years from day `since` on, NEVER for those who live on.

    chance, moment: even draws in [0, 1) a person; age: completed years on `since`; pace: how time passes for deaths.
    """
    table = chances()
    left = np.ones(len(sex))
    day = np.full(len(sex), NEVER, dtype=np.int64)
    for year in range(years):
        risk = table[sex - 1, np.minimum(age + year, _OLDEST)]
        if pace is not None:
            begin, end = since + 365.25 * year, since + 365.25 * (year + 1)
            risk = np.minimum(risk * (pace.at(end) - pace.at(begin)) / 365.25, 1.0)
        left = left * (1 - risk)
        now = (chance >= left) & (day == NEVER)
        if pace is None:
            day[now] = since[now] + 1 + (365.25 * (year + moment[now])).astype(np.int64)
        else:
            day[now] = 1 + pace.within(begin[now], end[now], moment[now])
    return day
