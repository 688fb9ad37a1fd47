"""Randomness as a pure function: a counter-based hash (splitmix64) and keyed bijections of [0, n).

Every value Tongban makes up is `hashed(stream(seed, purpose), counter)`: no generator state, so any row can be
computed alone, in any order, on any machine, and gives the same bytes. NumPy's own `Generator` is not used
because its distributions may change between NumPy versions.

Source of the mixing function: Steele, Lea, Flood, "Fast splittable pseudorandom number generators" (2014).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mockdata.kernels import compiled

Ints = NDArray[np.int64]
Words = NDArray[np.uint64]
Floats = NDArray[np.float64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_SHIFT_30, _SHIFT_27, _SHIFT_31, _SHIFT_32 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(32)
_MASK = (1 << 64) - 1
_ROUND = 0x632BE59BD9B4E019


@lru_cache(maxsize=4096)
def stream(seed: int | str, *purpose: str | int) -> int:
    """The 64-bit key of one purpose under a seed. Different purposes give unrelated streams; the integer 7 and the
    text "7" are the same seed, because a seed is often read from a command line."""
    text = "\x1f".join(str(part) for part in (seed, *purpose))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little")


def hashed(key: int, counter: ArrayLike) -> Words:
    """64 pseudo-random bits for each counter (any integer array; negative ones wrap). Pure and vectorised."""
    if isinstance(counter, np.ndarray) and counter.ndim == 1 and (loops := compiled(len(counter))):
        given = counter if counter.dtype == np.uint64 else counter.astype(np.int64, copy=False).view(np.uint64)
        mixed: Words = loops.hashed(np.uint64(key & _MASK), np.ascontiguousarray(given))
        return mixed
    words = np.array(counter) if _is_words(counter) else np.array(counter, dtype=np.int64).view(np.uint64)
    if words.size == 1:
        # a look-up of one person spends its time in NumPy's calls, not in arithmetic
        words[...] = _hashed_once(key, int(words.item()))
        return words
    words *= _GOLDEN
    words += np.uint64(key & _MASK)
    words ^= words >> _SHIFT_30
    words *= _FIRST
    words ^= words >> _SHIFT_27
    words *= _SECOND
    words ^= words >> _SHIFT_31
    result: Words = words
    return result


def _hashed_once(key: int, word: int) -> int:
    word = (word * 0x9E3779B97F4A7C15 + key) & _MASK
    word = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) & _MASK
    return word ^ (word >> 31)


def _is_words(counter: ArrayLike) -> bool:
    return isinstance(counter, np.ndarray | np.generic) and counter.dtype == np.uint64


def below(words: Words, n: int | Ints) -> Ints:
    """Maps 64-bit words to 0 … n-1 for n < 2**32 (n a number or one bound a word), by multiply-and-shift."""
    if words.ndim == 1 and (loops := compiled(len(words))):
        drawn: Ints = loops.below(words, np.atleast_1d(np.asarray(n, dtype=np.int64)))
        return drawn
    bound = n.astype(np.uint64) if isinstance(n, np.ndarray) else np.uint64(n)
    result: Ints = ((words >> _SHIFT_32) * bound >> _SHIFT_32).view(np.int64)
    return result


def unit(words: Words) -> Floats:
    """Maps 64-bit words to floats in [0, 1)."""
    result: Floats = (words >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return result


def uniform(key: int, n: int, start: int = 0) -> Floats:
    """n floats in [0, 1): the stream `key` at counters start … start+n-1."""
    return unit(hashed(key, np.arange(start, start + n, dtype=np.int64)))


def weighted(words: Words, cumulative: Floats) -> Ints:
    """Draws positions with the given cumulative weights (ascending, last = total; need not be 1)."""
    picked = np.searchsorted(cumulative, unit(words) * cumulative[-1], side="right")
    return np.asarray(np.minimum(picked, len(cumulative) - 1), dtype=np.int64)


def weighted_table(weights: ArrayLike, bits: int = 16) -> NDArray[np.int32]:
    """A table of 2**bits positions in which each position occurs in proportion to its weight (largest remainder),
    so that a weighted draw is one gather: `table[words >> (64 - bits)]`. Weights under 2**-bits may vanish."""
    share = np.asarray(weights, dtype=np.float64)
    return np.repeat(np.arange(len(share), dtype=np.int32), apportion(share, 1 << bits))


def apportion(weights: ArrayLike, total: int) -> Ints:
    """Whole numbers in proportion to weights that add up exactly to total (largest remainder; ties to the first)."""
    share = np.asarray(weights, dtype=np.float64)
    exact = share * (total / share.sum())
    whole: Ints = np.floor(exact).astype(np.int64)
    missing = int(total - whole.sum())
    if missing:
        order = np.argsort(-(exact - whole), kind="stable")
        whole[order[:missing]] += 1
    return whole


def order(key: int, n: int) -> Ints:
    """A keyed permutation of 0 … n-1, whole (for tables; use `Bijection` where only some values are needed)."""
    return np.argsort(hashed(key, np.arange(n, dtype=np.int64)), kind="stable")


@dataclass(frozen=True, slots=True)
class Bijection:
    """A keyed permutation of 0 … n-1, computed for any value alone, both ways. n may differ from value to value.

    An unbalanced Feistel network over Z_a × Z_b with a·b ≥ n, walked along its cycle until it lands below n
    (a·b exceeds n by less than 2·√n, so walking is rare). 1 ≤ n < 2**62.
    """

    key: int
    rounds: int = 4

    def forward(self, value: ArrayLike, n: int | Ints) -> Ints:
        """The images of `value` (int64 array, each in [0, n))."""
        values = np.asarray(value, dtype=np.int64)
        if values.size == 1:
            return np.full(values.shape, self._one(int(values.item()), int(np.asarray(n).item()), self._step_once))
        return self._many(values, n, backward=False)

    def backward(self, value: ArrayLike, n: int | Ints) -> Ints:
        """The pre-images: backward(forward(x, n), n) == x."""
        values = np.asarray(value, dtype=np.int64)
        if values.size == 1:
            return np.full(values.shape, self._one(int(values.item()), int(np.asarray(n).item()), self._back_once))
        return self._many(values, n, backward=True)

    def _many(self, values: Ints, n: int | Ints, backward: bool) -> Ints:
        if values.ndim == 1 and (loops := compiled(len(values))):
            bounds = np.atleast_1d(np.asarray(n, dtype=np.int64))
            moved: Ints = loops.permuted(np.uint64(self.key & _MASK), self.rounds, values, bounds, backward)
            return moved
        return self._walk(values, n, self._back if backward else self._step)

    def _one(self, value: int, n: int, step: Callable[[int, int, int], int]) -> int:
        # plain integers: for one value NumPy's calls would cost more than the arithmetic
        b = max(int(np.ceil(np.sqrt(np.float64(n)))), 1)
        a = -(-n // b)
        value = step(value, a, b)
        while value >= n:
            value = step(value, a, b)
        return value

    def _round_once(self, number: int, half: int, bound: int) -> int:
        return (_hashed_once(self.key + number * _ROUND, half) >> 32) * bound >> 32

    def _step_once(self, value: int, a: int, b: int) -> int:
        left, right = divmod(value, b)
        for number in range(self.rounds):
            if number % 2:
                right = (right + self._round_once(number, left, b)) % b
            else:
                left = (left + self._round_once(number, right, a)) % a
        return left * b + right

    def _back_once(self, value: int, a: int, b: int) -> int:
        left, right = divmod(value, b)
        for number in reversed(range(self.rounds)):
            if number % 2:
                right = (right - self._round_once(number, left, b)) % b
            else:
                left = (left - self._round_once(number, right, a)) % a
        return left * b + right

    def _walk(self, value: Ints, n: int | Ints, step: Any) -> Ints:
        bound = np.asarray(n, dtype=np.int64)
        b = np.maximum(np.ceil(np.sqrt(bound.astype(np.float64))).astype(np.int64), 1)
        a = -(-bound // b)
        result: Ints = step(value, a, b)
        outside = np.nonzero(np.atleast_1d(result >= bound))[0]
        if outside.size:
            result = np.atleast_1d(result).copy()
            while outside.size:
                if bound.ndim:
                    part_a, part_b, limit = a[outside], b[outside], bound[outside]
                else:
                    part_a, part_b, limit = a, b, bound
                moved = step(result[outside], part_a, part_b)
                result[outside] = moved
                outside = outside[moved >= limit]
            result = result.reshape(np.shape(value))
        return result

    def _round(self, number: int, half: Ints, bound: Ints) -> Ints:
        return below(hashed(self.key + number * _ROUND, half), bound)

    def _step(self, value: Ints, a: Ints, b: Ints) -> Ints:
        left, right = np.divmod(value, b)
        for number in range(self.rounds):
            if number % 2:
                right = right + self._round(number, left, b)
                right = np.where(right >= b, right - b, right)
            else:
                left = left + self._round(number, right, a)
                left = np.where(left >= a, left - a, left)
        return np.asarray(left * b + right, dtype=np.int64)

    def _back(self, value: Ints, a: Ints, b: Ints) -> Ints:
        left, right = np.divmod(value, b)
        for number in reversed(range(self.rounds)):
            if number % 2:
                right = right - self._round(number, left, b)
                right = np.where(right < 0, right + b, right)
            else:
                left = left - self._round(number, right, a)
                left = np.where(left < 0, left + a, left)
        return np.asarray(left * b + right, dtype=np.int64)
