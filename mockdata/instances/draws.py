"""Repeatable draws for nested values.

A value inside a document is drawn from a seed of its own, derived from the seed of its parent and its name,
so that changing or retrying one member never moves its neighbours. The generator is splitmix64 (Steele, Lea
and Flood, 2014): a counter and a mixer, the same numbers on every machine and Python version.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TypeVar

from mockdata.seeds import stream

_MASK = (1 << 64) - 1
_STEP = 0x9E3779B97F4A7C15
_WORDS = 2.0**64

Item = TypeVar("Item")


def mix(value: int) -> int:
    """splitmix64's finaliser: a bijection of the 64-bit integers."""
    value &= _MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
    return value ^ (value >> 31)


@lru_cache(maxsize=16_384)
def _turn(label: str | int) -> int:
    """What sets the stream of that name apart."""
    number = label if isinstance(label, int) else stream(label)
    return mix(number * 0xD1342543DE82EF95 + 0x2545F4914F6CDD1D)


class Draws:
    """A stream of draws. `child` opens an independent stream and does not advance this one."""

    __slots__ = ("_start", "_state")

    def __init__(self, seed: int) -> None:
        self._start = mix(seed + _STEP)
        self._state = self._start

    def hash(self) -> int:
        """The next 64-bit hash."""
        # `mix`, written out: half of the time of a mock answer is spent here
        self._state = value = (self._state + _STEP) & _MASK
        value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
        return value ^ (value >> 31)

    def below(self, limit: int) -> int:
        """An integer in [0, limit); `limit` ≥ 1 may exceed 64 bits."""
        if limit <= 1 << 48:
            return self.hash() % limit
        words = limit.bit_length() // 64 + 2
        value = 0
        for _ in range(words):
            value = (value << 64) | self.hash()
        return value % limit

    def chance(self, probability: float) -> bool:
        """True with that probability."""
        return self.hash() < probability * _WORDS

    def pick(self, items: Sequence[Item]) -> Item:
        """One of the items, which must not be empty."""
        return items[self.hash() % len(items)]

    def shuffled(self, items: Sequence[Item]) -> list[Item]:
        """The items in a drawn order."""
        out = list(items)
        for at in range(len(out) - 1, 0, -1):
            other = self.below(at + 1)
            out[at], out[other] = out[other], out[at]
        return out

    def child(self, label: str | int) -> Draws:
        """An independent stream named by `label`."""
        return Draws(self._start ^ _turn(label))
