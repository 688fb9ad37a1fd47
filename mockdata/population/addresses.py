"""Addresses that fit their division: township of the division, road or village, number, room.

Members of a household share one. Townships called 街道 are urban, half of the others are; the rest are villages.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mockdata.kernels import compiled
from mockdata.population import pools
from mockdata.population.divisions import Divisions, Mode, divisions
from mockdata.seeds import Ints, Words, below, hashed
from mockdata.texts import joined

_WAYS_A_TOWNSHIP = 48
"""Roads (or villages) of one township, so that the same road returns in many of its addresses."""


@lru_cache(maxsize=2)
def _areas(mode: Mode) -> tuple[pa.Array, Ints, NDArray[np.bool_]]:
    """(division + township names, starts by division, urban): a division without townships has one empty one."""
    table = divisions(mode)
    names, starts = table.townships
    counts = np.diff(starts)
    division = np.repeat(np.arange(len(table)), np.maximum(counts, 1))
    township = np.full(len(division), -1, dtype=np.int64)
    new_starts = np.concatenate([[0], np.cumsum(np.maximum(counts, 1))]).astype(np.int64)
    has = counts[division] > 0
    township[has] = np.arange(len(names))
    text = pc.fill_null(names.take(pa.array(township, mask=township < 0)), "")
    urban = pc.or_(pc.match_substring_regex(text, "(街道|办事处)$"), pc.equal(text, "")).to_numpy(zero_copy_only=False)
    joined = pc.binary_join_element_wise(table.full_names.take(pa.array(division)), text, "")
    return joined, new_starts, urban


def addresses(table: Divisions, division: Ints, words: Words, key: int, dormitory: NDArray[np.bool_]) -> pa.Array:
    """One address a row: positions of divisions in the table, 64 bits a household, a mark for collectives."""
    areas, starts, urban_area = _areas(table.mode)
    ways, roads = pools.ways()
    numbers = pools.house_numbers()
    rooms, flats, groups = pools.rooms()
    if loops := compiled(len(division)):
        picks = loops.address_parts(
            division, words, dormitory, starts, urban_area,
            np.uint64(key), _WAYS_A_TOWNSHIP, roads, len(ways), flats, groups,
        )  # fmt: skip
        return joined(*zip((areas, ways, numbers, rooms), picks, strict=True))
    area = starts[division] + below(words, starts[division + 1] - starts[division])
    second = hashed(key, words)
    urban = urban_area[area] | (second >> np.uint64(63) > 0)
    local = below(second << np.uint64(3), _WAYS_A_TOWNSHIP)
    named = hashed(key + 1, area * _WAYS_A_TOWNSHIP + local)
    way = np.where(urban, below(named, roads), roads + below(named, len(ways) - roads))
    third = hashed(key + 2, second)
    room = np.where(urban, below(third, flats), flats + below(third, groups))
    room = np.where(dormitory, len(rooms) - 1, room)
    # small house numbers are the most frequent: the product of two even draws
    number = below(third << np.uint64(9), 999)
    number = number * (second & np.uint64(1023)).astype(np.int64) >> 10
    return joined((areas, area), (ways, way), (numbers, number), (rooms, room))
