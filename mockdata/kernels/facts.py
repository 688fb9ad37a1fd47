"""Loops of facts of persons (`mockdata.population`)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from mockdata.kernels.randomness import below_one


@njit(cache=True, nogil=True)
def office_times(days: Any, words: Any, epoch: int) -> Any:
    """`rows.office_time` in milliseconds since 1970."""
    out = np.empty(len(days), np.int64)
    for row in range(len(days)):
        minute = (days[row] - epoch) * 1440 + below_one(words[row], 9 * 60)
        out[row] = minute * 60_000 + np.int64(words[row] & np.uint64(0xFFFF)) % 60 * 1000
    return out


@njit(cache=True, nogil=True)
def registered(days: Any, words: Any, limits: Any, start: int) -> Any:
    """`attributes._registered`: the day an entry was made; `start`: the first day of the computerised registers."""
    out = np.empty(len(days), np.int64)
    for row in range(len(days)):
        soon = min(days[row] + below_one(words[row], 30) + 1, limits[row])
        out[row] = start + below_one(words[row], 1826) if days[row] < start else soon
    return out


@njit(cache=True, nogil=True)
def incomes(ranks: Any, words: Any, table: Any) -> Any:
    """`incomes._cents`."""
    out = np.empty(len(ranks), np.int64)
    steps = len(table)
    for row in range(len(ranks)):
        spread = np.float64(words[row] >> np.uint64(11)) * 2.0**-53 - 0.5
        out[row] = table[np.int64(min(max(ranks[row] * steps + spread * 32, 0.0), steps - 1.0))]
    return out
