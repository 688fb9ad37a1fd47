"""Waves of deaths and births that scenarios put into the lives of a population: a clock that runs faster in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mockdata.identifiers import FIRST_DAY
from mockdata.population.ages import BASE
from mockdata.scenarios import Wave
from mockdata.seeds import Floats, Ints

_FAR = 10.0**6


@dataclass(frozen=True)
class Pace:
    """How much time has passed on a day for what happens in waves: one a day, `factor` a day within a wave.

    `days`: where the pace changes, ascending · `passed`: time gone by then.
    """

    days: Floats
    passed: Floats

    def at(self, day: Ints | NDArray[np.floating[Any]] | float) -> Floats:
        """Time passed at the beginning of each day."""
        return np.asarray(np.interp(day, self.days, self.passed))

    def day(self, passed: Floats) -> Floats:
        """The inverse of `at`."""
        return np.asarray(np.interp(passed, self.passed, self.days))

    def within(
        self,
        begin: Ints | NDArray[np.floating[Any]] | float,
        end: Ints | NDArray[np.floating[Any]] | float,
        moment: Floats,
    ) -> Ints:
        """The whole day at which a share `moment` in [0, 1) of the time between two days has passed."""
        first, last = self.at(begin), self.at(end)
        return np.floor(self.day(first + moment * (last - first))).astype(np.int64)


def pace(waves: Iterable[Wave], of: str) -> Pace | None:
    """The pace of `deaths` or `births` under some waves; None without a wave of it. Waves that meet multiply."""
    spans = [(day_number(w.first), day_number(w.last) + 1, float(getattr(w, of))) for w in waves if getattr(w, of) != 1]
    if not spans:
        return None
    days = np.unique([0, _FAR, *(day for first, after, _ in spans for day in (first, after))])
    speed = np.ones(len(days) - 1)
    for first, after, factor in spans:
        speed[(days[:-1] >= first) & (days[:-1] < after)] *= factor
    return Pace(days, np.concatenate([[0.0], np.cumsum(np.diff(days) * speed)]))


def day_number(day: date) -> int:
    """The number of a day."""
    return (day - FIRST_DAY).days


def fault(waves: Sequence[Wave], known_years: int, horizon: date) -> str | None:
    """Why waves cannot be told: the dead are known for some years before the base date, births are settled after it."""
    for wave in waves:
        if wave.last < wave.first:
            return f"a wave ends on {wave.last}, before it begins"
        if wave.last > horizon or wave.first < BASE.replace(year=BASE.year - known_years):
            return (
                f"a wave lies between {BASE.year - known_years} and {horizon.year}, not on {wave.first} to {wave.last}"
            )
        if wave.births != 1 and wave.first <= BASE:
            return f"births up to {BASE} are those of the census; a wave of births begins after it, not on {wave.first}"
    return None
