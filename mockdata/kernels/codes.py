"""Loops of `mockdata.identifiers`: numbers with their check digits."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from mockdata.kernels.memory import put8, put32, put64, write


@njit(cache=True, nogil=True)
def digits(numbers: Any, width: int) -> Any:
    """`identifiers.digits`."""
    out = np.empty((len(numbers), width), np.uint8)
    target = np.int64(out.ctypes.data)
    for row in range(len(numbers)):
        write(target + row * width, width, numbers[row])
    return out


@njit(cache=True, nogil=True)
def citizen_numbers(
    areas: Any, days: Any, sequences: Any, calendar: Any, day_sums: Any, weights: Any, checks: Any
) -> Any:
    """`identifiers.citizen_numbers`; calendar: the eight bytes of each day as one number, day_sums: their share of the
    weighted sum."""
    out = np.empty((len(areas), 18), np.uint8)
    # each sequence's three bytes as one number, and their share of the sum
    threes, sums = np.empty(1000, np.int64), np.empty(1000, np.int64)
    for number in range(1000):
        one, two, three = number // 100, number // 10 % 10, number % 10
        threes[number] = 48 + one | 48 + two << 8 | 48 + three << 16
        sums[number] = one * weights[14] + two * weights[15] + three * weights[16]
    last, of_area, six = np.int64(-1), np.int64(0), np.int64(0)
    target = np.int64(out.ctypes.data)
    for row in range(len(areas)):
        if areas[row] != last:
            last, of_area, six = areas[row], np.int64(0), np.int64(0)
            rest = last
            for place in range(5, -1, -1):
                of_area += rest % 10 * weights[place]
                six |= 48 + rest % 10 << 8 * place
                rest //= 10
        # what a store writes too much the next one overwrites
        put64(target, six)
        put64(target + 6, calendar[days[row]])
        put32(target + 14, threes[sequences[row]])
        put8(target + 17, np.int64(checks[(of_area + day_sums[days[row]] + sums[sequences[row]]) % 11]))
        target += 18
    return out


@njit(cache=True, nogil=True)
def credit_codes(
    kind: Any, areas: Any, body: Any, values: Any, body_weights: Any, inner: Any,
    credit_values: Any, weights: Any, outer: Any,
) -> Any:  # fmt: skip
    """`identifiers.credit_codes`; inner, outer: the check characters by remainder."""
    out = np.empty((len(areas), 18), np.uint8)
    target = np.int64(out.ctypes.data)
    for row in range(len(areas)):
        out[row, 0], out[row, 1] = kind[0], kind[1]
        write(target + row * 18 + 2, 6, areas[row])
        total = 0
        for place in range(8):
            character = body[row, place]
            out[row, 8 + place] = character
            total += values[character] * body_weights[place]
        out[row, 16] = inner[11 - total % 11]
        total = 0
        for place in range(17):
            total += credit_values[out[row, place]] * weights[place]
        out[row, 17] = outer[(31 - total % 31) % 31]
    return out
