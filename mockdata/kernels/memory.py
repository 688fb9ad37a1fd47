"""Bytes at addresses: what the loops that write texts are made of."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

_PAIRS = np.array([48 + number // 10 | 48 + number % 10 << 8 for number in range(100)])
"""The two digits of 0 … 99 as the numbers they are in memory."""


def _copier() -> Any:
    @intrinsic
    def copy(typing: Any, target: Any, source: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            sixteen = ir.VectorType(ir.IntType(8), 16).as_pointer()
            value = builder.load(builder.inttoptr(arguments[1], sixteen), align=1)
            builder.store(value, builder.inttoptr(arguments[0], sixteen), align=1)
            return context.get_dummy_value()

        return types.void(types.intp, types.intp), generate

    return copy


def _storer(bits: int) -> Any:
    @intrinsic
    def store(typing: Any, target: Any, value: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            kind = ir.IntType(bits)
            value = arguments[1] if bits == 64 else builder.trunc(arguments[1], kind)
            builder.store(value, builder.inttoptr(arguments[0], kind.as_pointer()), align=1)
            return context.get_dummy_value()

        return types.void(types.intp, types.int64), generate

    return store


def _loader(bits: int) -> Any:
    @intrinsic
    def load(typing: Any, source: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            value = builder.load(builder.inttoptr(arguments[0], ir.IntType(bits).as_pointer()), align=bits // 8)
            return value if bits == 64 else builder.sext(value, ir.IntType(64))

        return types.int64(types.intp), generate

    return load


# sixteen bytes from one address to another, aligned or not; integers at an address; one, two, four or eight bytes to an
# address
copy16, int64_at, int32_at = _copier(), _loader(64), _loader(32)
put8, put16, put32, put64 = _storer(8), _storer(16), _storer(32), _storer(64)


@njit(cache=True, inline="always")
def write(target: Any, width: Any, number: Any) -> None:
    """A number's decimal digits, with leading zeros, at an address."""
    rest = np.uint64(number)
    place = target + width
    while place - target >= 4:  # the divisions of one step do not wait for those of the next
        place -= 4
        more = rest // np.uint64(10_000)
        four = rest - more * np.uint64(10_000)
        two = four // np.uint64(100)
        put16(place, _PAIRS[np.int64(two)])
        put16(place + 2, _PAIRS[np.int64(four - two * np.uint64(100))])
        rest = more
    if place - target >= 2:
        place -= 2
        more = rest // np.uint64(100)
        put16(place, _PAIRS[np.int64(rest - more * np.uint64(100))])
        rest = more
    if place > target:
        put8(target, np.int64(48 + rest))
