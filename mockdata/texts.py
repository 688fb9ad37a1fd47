"""Text columns put together from pools of words: names, addresses, numbers with their check digits.

A *part* is a pool (an Arrow string array) and the position of each row's word in it; None for the positions means
that row i has word i. A million texts are made without a Python string.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mockdata import identifiers
from mockdata.kernels import compiled
from mockdata.seeds import Ints


@dataclass(frozen=True, slots=True)
class Digits:
    """A part that is a number a row (below 10**width), written with leading zeros."""

    numbers: Ints
    width: int


Part = tuple[pa.Array, Ints | None] | Digits


def joined(*parts: Part, there: NDArray[np.bool_] | None = None) -> pa.Array:
    """One text a row, the words of its parts side by side; null where `there` is False (positions are then ignored)."""
    rows = _rows(parts[0])
    if there is not None and there.all():
        there = None
    loops = compiled(rows)
    if loops is None:
        return _by_arrow(parts, there)
    return _by_loop(loops, rows, parts, there)


def _rows(part: Part) -> int:
    if isinstance(part, Digits):
        return len(part.numbers)
    return len(part[0] if part[1] is None else part[1])


def taken(pool: pa.Array, at: Ints) -> pa.Array:
    """pool[at], null where `at` is negative. `pool` may have any type."""
    missing = at.size and at.min() < 0
    if pa.types.is_string(pool.type) and compiled(len(at)) is not None and not pool.null_count:
        return joined((pool, at), there=at >= 0 if missing else None)
    return pool.take(pa.array(at, mask=at < 0) if missing else pa.array(at))


def spread(column: pa.Array, there: NDArray[np.bool_]) -> pa.Array:
    """A column with the values of `column`, in order, where `there` is True, and null elsewhere."""
    if there.all():
        return column
    before = np.concatenate([[0], np.cumsum(there)])
    if not pa.types.is_string(column.type) or column.null_count:
        return column.take(pa.array(before[:-1], mask=~there))
    # a null has no bytes: the texts stay where they are
    buffers = column.buffers()
    offsets = np.frombuffer(buffers[1], dtype=np.int32)[column.offset : column.offset + len(column) + 1]
    valid = pa.py_buffer(np.packbits(there, bitorder="little"))
    return pa.Array.from_buffers(column.type, len(there), [valid, pa.py_buffer(offsets[before]), buffers[2]])


def _by_arrow(parts: Sequence[Part], there: NDArray[np.bool_] | None) -> pa.Array:
    words = []
    for part in parts:
        pool, at = (_spelled(part), None) if isinstance(part, Digits) else part
        mask = None if there is None else ~there
        words.append(pool if at is None else pool.take(pa.array(at, mask=mask)))
    if there is not None and (isinstance(parts[0], Digits) or parts[0][1] is None):
        words[0] = pc.if_else(pa.array(there), words[0], None)
    return words[0] if len(words) == 1 else pc.binary_join_element_wise(*words, "")


def _spelled(part: Digits) -> pa.Array:
    return identifiers.text_column(identifiers.digits(part.numbers, part.width))


def _by_loop(loops: Any, rows: int, parts: Sequence[Part], there: NDArray[np.bool_] | None) -> pa.Array:
    pools = [_digits(part.width) if isinstance(part, Digits) else _pool(part[0], loops.CHUNK) for part in parts]
    picks = [part.numbers if isinstance(part, Digits) else part[1] for part in parts]
    picks = [None if at is None else np.ascontiguousarray(at, dtype=np.int64) for at in picks]
    # the number of one or two parts is compiled in: that doubles the speed
    listed: Any = tuple if len(parts) <= 2 else np.array
    texts, offsets = listed([pool.text for pool in pools]), listed([pool.offset for pool in pools])
    reach, widths = listed([pool.longest for pool in pools]), listed([pool.width for pool in pools])
    picked = listed([0 if at is None else at.ctypes.data for at in picks])
    marks = np.zeros(0, dtype=np.bool_) if there is None else there
    longest = sum(pool.longest for pool in pools)
    slack = longest + loops.CHUNK
    even = there is None and all(pool.even for pool in pools)
    most = rows * longest
    if most > _ROOM and not even:
        most = loops.size(rows, offsets, picked, widths, marks)
    if most >= 2**31:
        raise OverflowError("a column of one batch holds more than 2 GiB of text")
    # Arrow's memory pool keeps what a batch gave back for the next one; NumPy would ask the system each time
    out = pa.allocate_buffer(most + slack)
    if even:
        ends = identifiers.even_offsets(rows, longest)
        size = loops.join(rows, texts, offsets, picked, reach, widths, marks, out.address, np.zeros(0, np.int32))
    else:
        ends = pa.allocate_buffer(4 * (rows + 1))
        found = np.frombuffer(ends, dtype=np.int32)
        found[0] = 0
        size = loops.join(rows, texts, offsets, picked, reach, widths, marks, out.address, found[1:])
    valid = None if there is None else pa.py_buffer(np.packbits(there, bitorder="little"))
    return pa.Array.from_buffers(pa.string(), rows, [valid, ends, out.slice(0, int(size))])


_ROOM = 1 << 25
"""Bytes that are asked for without counting first: what is not written to is never really there."""


@dataclass(frozen=True, slots=True)
class _Number:
    """What stands for a pool where a number is written."""

    longest: int
    text: int = 0
    offset: int = 0
    even: bool = True

    @property
    def width(self) -> int:
        return self.longest


_digits = lru_cache(_Number)


class _Pool:
    """A pool's bytes, with slack behind them, and offsets from its first word."""

    def __init__(self, array: pa.Array, slack: int) -> None:
        buffers = array.buffers()
        offsets = np.frombuffer(buffers[1], dtype=np.int32)[array.offset : array.offset + len(array) + 1]
        begin, end = int(offsets[0]), int(offsets[-1])
        self.offsets = np.ascontiguousarray(offsets - np.int32(begin))
        lengths = np.diff(self.offsets)
        self.longest = int(lengths.max(initial=0))
        self.texts = np.zeros(end - begin + self.longest + slack, dtype=np.uint8)
        self.even = self.longest == int(lengths.min(initial=self.longest))
        self.text, self.offset, self.width = self.texts.ctypes.data, self.offsets.ctypes.data, 0
        if end > begin:
            self.texts[: end - begin] = np.frombuffer(buffers[2], dtype=np.uint8)[begin:end]


_POOLS: dict[tuple[int, int, int], tuple[pa.Array, _Pool]] = {}
"""Pools seen before, by where their bytes lie; the array is kept so that nothing else can come to lie there."""


def _pool(array: pa.Array, slack: int) -> _Pool:
    if len(array) > _KEPT:
        return _Pool(array, slack)
    where = (array.buffers()[1].address, array.offset, len(array))
    if where not in _POOLS:
        if len(_POOLS) >= _MANY:
            _POOLS.clear()
        _POOLS[where] = array, _Pool(array, slack)
    return _POOLS[where][1]


_KEPT, _MANY = 100_000, 256
"""Larger pools are columns made for one batch; more of them than this are not the population's own."""
