"""Incomes of those who earn: log-normal, their fifths with the published means of the people's fifths."""

from __future__ import annotations

from functools import cache
from statistics import NormalDist
from typing import Any

import numpy as np
import pyarrow as pa

from mockdata.kernels import compiled
from mockdata.population.rows import Rows
from mockdata.seeds import Floats, Ints, unit

BY_FIFTHS = (9_215, 20_442, 32_195, 50_220, 95_055)
"""Mean yearly income a head of each fifth of the people, yuan (2023)."""
MONEY = pa.decimal128(10, 2)


def monthly_income(rows: Rows) -> pa.Array:
    """Yuan a month of employees and self-employed; null for others. Twelve of them follow BY_FIFTHS: that these figures
    a head are used for earners is a simplification."""
    return money(cents(rows), rows.activity.rank[rows.slot] > 0)


def cents(rows: Rows) -> Ints:
    """Monthly income in cents, as if everybody earned (see `monthly_income` for who does)."""
    return _cents(rows, rows.activity.rank[rows.slot])


def base_cents(rows: Rows) -> Ints:
    """The same as of the base date, whatever the population's date: living persons of the base date only."""
    return _cents(rows, rows.world.activity.rank[rows.slot])


def _cents(rows: Rows, rank: Floats) -> Ints:
    table = _table()
    # a little noise a person, so that not every copy of a slot earns the same
    words = rows.words("income")
    if loops := compiled(len(rank)):
        found: Ints = loops.incomes(rank, words, table)
        return found
    spread = unit(words) - 0.5
    return table[np.clip(rank * len(table) + spread * 32, 0, len(table) - 1).astype(np.int64)]


def money(amounts: Ints, there: Any) -> pa.Array:
    """decimal(10, 2) from whole cents; null where `there` is False."""
    # the high half of a 128-bit number of cents is zero: amounts are never negative
    halves = np.stack([amounts, np.zeros(len(amounts), dtype=np.int64)], 1)
    valid = None if there.all() else pa.py_buffer(np.packbits(there, bitorder="little"))
    return pa.Array.from_buffers(MONEY, len(amounts), [valid, pa.py_buffer(halves)])


@cache
def _table() -> Ints:
    """Monthly income in cents at 4,096 even ranks: log-normal inside, each fifth's mean as published."""
    steps = 4096
    normal = NormalDist(0, 0.78)
    raw = np.array([2.718281828459045 ** normal.inv_cdf((rank + 0.5) / steps) for rank in range(steps)])
    fifth = np.arange(steps) * 5 // steps
    wanted = np.array(BY_FIFTHS) / 12
    factor = wanted / (np.bincount(fifth, raw) / np.bincount(fifth))
    # the factors are joined smoothly between the middles of the fifths, then each fifth is set to its mean
    smooth = raw * np.interp(np.arange(steps), (np.arange(5) + 0.5) * steps / 5, factor)
    smooth *= (wanted / (np.bincount(fifth, smooth) / np.bincount(fifth)))[fifth]
    return np.maximum.accumulate(np.rint(smooth * 10).astype(np.int64) * 10)
