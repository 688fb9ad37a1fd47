"""Loops of `mockdata.texts`: texts put together from words and numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from mockdata.kernels.memory import copy16, int32_at, int64_at, write

CHUNK = 16
"""Texts are copied so many bytes at a time: that many, and a word's length, may be read behind a pool and written
behind a result."""


@njit(cache=True, nogil=True)
def size(rows: int, offsets: Any, picks: Any, widths: Any, there: Any) -> Any:
    """How many bytes `join` will write. See there for the arguments."""
    total = np.int64(0)
    for row in range(rows):
        if len(there) == 0 or there[row]:
            for part in range(len(offsets)):
                if widths[part] > 0:
                    total += widths[part]
                    continue
                pick = row if picks[part] == 0 else int64_at(picks[part] + row * 8)
                total += int32_at(offsets[part] + pick * 4 + 4) - int32_at(offsets[part] + pick * 4)
    return total


@njit(cache=True, nogil=True)
def join(
    rows: int, texts: Any, offsets: Any, picks: Any, reach: Any, widths: Any, there: Any, target: Any, ends: Any
) -> Any:
    """Texts put together row by row from the address `target` on; `ends` (int32) gets where each row ends. Returns the
    end of the last one.

    For each part the addresses of its pool's bytes and offsets (int32) and of the positions picked (int64); an address
    of 0 for the positions means the row's own number. `reach` is the length of each pool's longest word: every word is
    copied that far, because a fixed number of steps is quicker than the right one; what is too much the next word
    overwrites. A part with a width is no pool: the number picked is written in so many digits. `there` has one mark a
    row, or none at all when every row is there; `ends` is left alone when it is empty. There must be room for the
    texts, the longest reach and CHUNK bytes.
    """
    begin = target
    for row in range(rows):
        if len(there) == 0 or there[row]:
            for part in range(len(texts)):
                pick = row if picks[part] == 0 else int64_at(picks[part] + row * 8)
                if widths[part] > 0:
                    write(target, widths[part], pick)
                    target += widths[part]
                    continue
                first = int32_at(offsets[part] + pick * 4)
                source = texts[part] + first
                for step in range(0, reach[part], CHUNK):
                    copy16(target + step, source + step)
                target += int32_at(offsets[part] + pick * 4 + 4) - first
        if len(ends) > 0:
            ends[row] = target - begin
    return target - begin
