"""Loops of `mockdata.seeds`: hashing and keyed permutations."""

from __future__ import annotations

from math import ceil, sqrt
from typing import Any

import numpy as np
from numba import njit

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_30, _27, _31, _32 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(32)
_ROUND = np.uint64(0x632BE59BD9B4E019)


@njit(cache=True, inline="always")
def mix(key: Any, word: Any) -> Any:
    word = word * _GOLDEN + key
    word = (word ^ (word >> _30)) * _FIRST
    word = (word ^ (word >> _27)) * _SECOND
    return word ^ (word >> _31)


@njit(cache=True, nogil=True)
def hashed(key: Any, words: Any) -> Any:
    """`seeds.hashed` of an array of uint64."""
    out = np.empty(len(words), np.uint64)
    for row in range(len(words)):
        out[row] = mix(key, words[row])
    return out


@njit(cache=True, nogil=True)
def below(words: Any, bounds: Any) -> Any:
    """`seeds.below`; `bounds` holds one bound or one a word."""
    out = np.empty(len(words), np.int64)
    if len(bounds) == 1:
        bound = np.uint64(bounds[0])
        for row in range(len(words)):
            out[row] = np.int64((words[row] >> _32) * bound >> _32)
    else:
        for row in range(len(words)):
            out[row] = np.int64((words[row] >> _32) * np.uint64(bounds[row]) >> _32)
    return out


@njit(cache=True, inline="always")
def below_one(word: Any, bound: Any) -> Any:
    return np.int64((word >> _32) * np.uint64(bound) >> _32)


@njit(cache=True, inline="always")
def _turn(key: Any, half: Any, bound: Any) -> Any:
    return below_one(mix(key, np.uint64(half)), bound)


@njit(cache=True, inline="always")
def factors(bound: Any) -> Any:
    b = max(np.int64(ceil(sqrt(np.float64(bound)))), 1)
    return -(-bound // b), b


@njit(cache=True)
def keys_of(key: Any, rounds: int) -> Any:
    keys = np.empty(rounds, np.uint64)
    for number in range(rounds):
        keys[number] = key + np.uint64(number) * _ROUND
    return keys


@njit(cache=True, inline="always")
def forward(keys: Any, value: Any, bound: Any, a: Any, b: Any) -> Any:
    while True:
        left = np.int64(np.uint64(value) // np.uint64(b))
        right = value - left * b
        for number in range(len(keys)):
            if number & 1:
                right += _turn(keys[number], left, b)
                right -= b if right >= b else 0
            else:
                left += _turn(keys[number], right, a)
                left -= a if left >= a else 0
        value = left * b + right
        if value < bound:
            return value


@njit(cache=True, inline="always")
def _back(keys: Any, value: Any, bound: Any, a: Any, b: Any) -> Any:
    while True:
        left = np.int64(np.uint64(value) // np.uint64(b))
        right = value - left * b
        for number in range(len(keys) - 1, -1, -1):
            if number & 1:
                right -= _turn(keys[number], left, b)
                right += b if right < 0 else 0
            else:
                left -= _turn(keys[number], right, a)
                left += a if left < 0 else 0
        value = left * b + right
        if value < bound:
            return value


BLOCK, _EXACT = 512, 1 << 50
"""Rows whose two halves stay in the nearest cache; numbers below this are divided exactly as floats."""


@njit(cache=True)
def forward_block(keys: Any, values: Any, bound: Any, a: Any, b: Any, out: Any) -> None:
    """`_forward` of many values: round by round, which compilers turn into vector instructions. The few that land at or
    above the bound walk on one by one."""
    rows = len(values)
    lefts, rights = np.empty(BLOCK, np.int64), np.empty(BLOCK, np.int64)
    for row in range(rows):
        lefts[row] = np.int64(np.float64(values[row]) / np.float64(b))
        rights[row] = values[row] - lefts[row] * b
    for number in range(len(keys)):
        key = keys[number]
        if number & 1:
            for row in range(rows):
                turned = rights[row] + _turn(key, lefts[row], b)
                rights[row] = turned - b if turned >= b else turned
        else:
            for row in range(rows):
                turned = lefts[row] + _turn(key, rights[row], a)
                lefts[row] = turned - a if turned >= a else turned
    for row in range(rows):
        out[row] = lefts[row] * b + rights[row]
    for row in range(rows):
        if out[row] >= bound:
            out[row] = forward(keys, out[row], bound, a, b)


@njit(cache=True, nogil=True)
def permuted(key: Any, rounds: int, values: Any, bounds: Any, backward: bool) -> Any:
    """`seeds.Bijection.forward` or `backward`; `bounds` holds one bound or one a value."""
    out = np.empty(len(values), np.int64)
    keys = keys_of(key, rounds)
    if len(bounds) == 1 and not backward and bounds[0] < _EXACT:
        a, b = factors(bounds[0])
        for begin in range(0, len(values), BLOCK):
            forward_block(keys, values[begin : begin + BLOCK], bounds[0], a, b, out[begin : begin + BLOCK])
        return out
    last, a, b = np.int64(-1), np.int64(1), np.int64(1)
    for row in range(len(values)):
        bound = bounds[row] if len(bounds) > 1 else bounds[0]
        if bound != last:
            a, b = factors(bound)
            last = bound
        out[row] = _back(keys, values[row], bound, a, b) if backward else forward(keys, values[row], bound, a, b)
    return out
