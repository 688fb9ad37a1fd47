"""Months: numbers of months since the year 0, as the template settles them, and days within them."""

from __future__ import annotations

import numpy as np

from mockdata import identifiers
from mockdata.population.ages import BASE
from mockdata.population.mortality import NEVER
from mockdata.seeds import Ints, Words, below

BASE_MONTH = BASE.year * 12 + BASE.month - 1
NO_MONTH = 10**6
"""The month of what does not happen."""


def month_of(days: Ints) -> Ints:
    """The month of each day number; NO_MONTH for NEVER."""
    known = days < NEVER
    digits = identifiers.day_bytes(np.where(known, days, 0)).astype(np.int64) - 48
    month = digits[:, :6] @ np.array([12_000, 1_200, 120, 12, 10, 1]) - 1
    return np.where(known, month, NO_MONTH)


def first_day(months: Ints) -> Ints:
    """Day number of the first of each month."""
    year, month = np.divmod(months, 12)
    return identifiers.day_numbers(year * 10_000 + (month + 1) * 100 + 1)


def early(months: Ints, words: Words) -> Ints:
    """A day from the 1st to the 14th of each month."""
    return first_day(months) + below(words, 14)


def late(months: Ints, words: Words) -> Ints:
    """A day from the 15th to the 28th of each month."""
    return first_day(months) + 14 + below(words, 14)


def year_month(months: Ints) -> Ints:
    """yyyyMM as a number."""
    year, month = np.divmod(months, 12)
    return np.asarray(year * 100 + month + 1)
