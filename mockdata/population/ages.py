"""How many persons of each birth year and sex the template holds: the census age bands at the base date.

Facts used: the 2020 census five-year bands and the overall sex ratio 105.07; modelled (no figures exist): ages inside a
band, ages above 80, sex by age (111.3 boys at birth, falling under 100 past about 70).
"""

from __future__ import annotations

from datetime import date
from functools import cache

import numpy as np

from mockdata.seeds import Floats, Ints, apportion

BASE = date(2026, 11, 1)
"""The day the age structure holds; everybody in the template was born before it."""
OLDEST = 104
"""Years before BASE.year of the oldest cohort."""

BANDS = (
    77_884, 90_244, 85_256, 72_684, 74_942, 91_847, 124_145, 99_013, 92_955,
    114_225, 121_164, 101_401, 73_383, 74_006, 49_590, 31_239, 35_801,
)  # fmt: skip
"""Thousand persons aged 0–4, 5–9, … 75–79, 80 and over (2020 census)."""

_SEX_RATIO = ((0, 111.3), (14, 112.0), (25, 108.0), (45, 103.5), (60, 101.0), (70, 97.5), (80, 84.0), (104, 45.0))
_OVERALL_RATIO = 105.07


def year_length(years: Ints) -> Ints:
    """How many days of each year (1880 to 2199) births may fall on: 365 or 366, and in BASE's own year only those
    before BASE."""
    return lengths()[np.asarray(years) - _FIRST]


_FIRST = 1880


@cache
def lengths() -> Ints:
    """`year_length` of 1880, 1881, …"""
    years = np.arange(_FIRST, 2200)
    leap = (years % 4 == 0) & ((years % 100 != 0) | (years % 400 == 0))
    before = (BASE - date(BASE.year, 1, 1)).days
    return np.where(years == BASE.year, before, np.where(leap, 366, 365)).astype(np.int64)


@cache
def cohort_shares() -> Floats:
    """Share of the population born in the year BASE.year - k, for k = 0 … OLDEST; adds up to 1."""
    age = np.arange(OLDEST + 1)
    band = np.minimum(age // 5, len(BANDS) - 1)
    target = np.array(BANDS, dtype=np.float64) / sum(BANDS)
    middles = np.append(np.arange(16) * 5 + 2.0, 83.0)
    share = np.interp(age, middles, target) / 5
    tail = age >= 80
    # above 80 each year has 0.84 of the year before: about 3 % of the 80+ are 95 or older
    share[tail] = share[79] * np.cumprod(np.full(int(tail.sum()), 0.84))
    # A cohort reaches its birthday partly before and partly after BASE, so it feeds two ages.
    reached = (BASE - date(BASE.year, 1, 1)).days / 365.25
    for _ in range(200):
        at_age = share * reached
        at_age[0] = share[0]
        at_age[:-1] += share[1:] * (1 - reached)
        share *= (target / np.bincount(band, at_age, minlength=len(BANDS)))[band]
    return np.asarray(share / share.sum())


@cache
def male_shares() -> Floats:
    """Share of males in each cohort of `cohort_shares`, scaled so that the whole population has 105.07 men a hundred
    women."""
    ages, ratios = zip(*_SEX_RATIO, strict=True)
    ratio = np.interp(np.arange(OLDEST + 1), ages, ratios) / 100
    factor = 1.0
    # the ratio at birth is a published figure, so only older cohorts absorb the difference to the overall one
    absorbs = np.clip(np.arange(OLDEST + 1) / 20, 0, 1)
    for _ in range(60):
        scaled = ratio * (1 + (factor - 1) * absorbs)
        men = float((cohort_shares() * (scaled / (1 + scaled))).sum())
        factor *= (_OVERALL_RATIO / 100) / (men / (1 - men))
    scaled = ratio * (1 + (factor - 1) * absorbs)
    return np.asarray(scaled / (1 + scaled))


def strays(years: Ints) -> float:
    """The largest relative deviation of a census band among persons of these birth years, on the base date; of those
    born in one year a share by the days gone has had its birthday."""
    born = np.bincount(np.clip(BASE.year - years, 0, OLDEST + 1), minlength=OLDEST + 2).astype(np.float64)
    reached = (BASE - date(BASE.year, 1, 1)).days / 365.25
    at_age = born * reached
    at_age[0] = born[0]
    at_age[:-1] += born[1:] * (1 - reached)
    found = np.bincount(np.minimum(np.arange(len(at_age)) // 5, len(BANDS) - 1), at_age)
    return float(np.abs(found / len(years) / (np.array(BANDS) / sum(BANDS)) - 1).max())


def quotas(persons: int) -> tuple[Ints, Ints]:
    """(men, women) by k = 0 … OLDEST for a template of so many persons; they add up to `persons` exactly."""
    male = male_shares()
    both = apportion(np.concatenate([cohort_shares() * male, cohort_shares() * (1 - male)]), persons)
    return both[: OLDEST + 1], both[OLDEST + 1 :]
