"""Loops of `mockdata.population.layout` and of what rests on it: where persons stand, who is linked to them, employers,
addresses."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from mockdata.kernels.randomness import BLOCK, below_one, factors, forward_block, keys_of, mix


@njit(cache=True, nogil=True)
def intervals(edges: Any, values: Any) -> Any:
    """`layout.intervals`: quick where neighbours fall into the same interval."""
    out = np.empty(len(values), np.int64)
    low, high, at = edges[0], edges[0], np.int64(-1)
    for row in range(len(values)):
        value = values[row]
        if not low <= value < high:
            at = np.searchsorted(edges, value, side="right") - 1
            low = edges[at] if at >= 0 else np.int64(-(2**63))
            high = edges[at + 1] if at + 1 < len(edges) else np.int64(2**63 - 1)
        out[row] = at
    return out


@njit(cache=True, nogil=True)
def where(index: Any, offset: Any, start: Any, slots: int) -> Any:
    """`Layout.where`."""
    rows = len(index)
    place, block = np.empty(rows, np.int64), np.empty(rows, np.int64)
    slot, first = np.empty(rows, np.int64), np.empty(rows, np.int64)
    at = 0
    for row in range(rows):
        value = index[row]
        if not (offset[at] <= value < offset[at + 1]):
            at = np.searchsorted(offset, value, side="right") - 1
        within = value - offset[at]
        blocks = within // slots
        turn = within - blocks * slots
        here = turn + start[at]
        place[row], block[row], first[row] = at, blocks, value - turn
        slot[row] = here - slots if here >= slots else here
    return place, block, slot, first


@njit(cache=True, nogil=True)
def linked(place: Any, block: Any, slot: Any, links: Any, offset: Any, start: Any, size: Any, slots: int) -> Any:
    """`Rows.relative`: the person in the linked slot of the same block, -1 where there is no link or no person."""
    out = np.empty(len(slot), np.int64)
    for row in range(len(slot)):
        other = links[slot[row]]
        at = place[row]
        turn = other - start[at]
        if turn < 0:
            turn += slots
        within = block[row] * slots + turn
        out[row] = offset[at] + within if other >= 0 and within < size[at] else -1
    return out


@njit(cache=True, nogil=True)
def births(
    place: Any, block: Any, slot: Any, first_block: Any, blocks: Any, rotation_key: Any,
    day: Any, year: Any, born_rank: Any, sex: Any, year_starts: Any, lengths: Any,
) -> Any:  # fmt: skip
    """Birth days and sequences of `Rows`; year: years since 1880."""
    days, sequences = np.empty(len(slot), np.int64), np.empty(len(slot), np.int64)
    last, turn = np.int64(-1), np.int64(0)
    for row in range(len(slot)):
        at, here = place[row], slot[row]
        copy = first_block[at] + block[row]
        if copy != last:
            turn = below_one(mix(rotation_key, np.uint64(copy)), 365)
            last = copy
        within = day[here] + turn
        length = lengths[year[here]]
        while within >= length:
            within -= length
        days[row] = year_starts[year[here]] + within
        sequences[row] = 2 * (born_rank[here] * blocks[at] + block[row] + 1) + (sex[here] == 1)
    return days, sequences


@njit(cache=True, inline="always")
def _rank(place: Any, block: Any, slot: Any, start: Any, before: Any) -> Any:
    """`Selection.row` of a marked slot, counted within its division."""
    slots = len(before) - 1
    begin = start[place]
    # the marked slots from the division's first one up to this one, round the template
    passed = before[slot] - before[begin] if slot >= begin else before[slots] - before[begin] + before[slot]
    return block * before[slots] + passed


@njit(cache=True, nogil=True)
def ranked(place: Any, block: Any, slot: Any, start: Any, offset: Any, marked: Any, before: Any) -> Any:
    """`Selection.row` of persons of the population, -1 for those who are not marked."""
    out = np.empty(len(slot), np.int64)
    for row in range(len(slot)):
        at = place[row]
        out[row] = offset[at] + _rank(at, block[row], slot[row], start, before) if marked[slot[row]] else -1
    return out


@njit(cache=True, nogil=True)
def employers(
    place: Any, block: Any, slot: Any, start: Any, marked: Any, before: Any,
    key: Any, rounds: int, jobs: Any, first: Any, edges: Any, holder: Any, offset: Any,
) -> Any:  # fmt: skip
    """`Firms.employer` of persons; the second line of arguments is the firms' own."""
    rows = len(slot)
    out = np.empty(rows, np.int64)
    keys = keys_of(key, rounds)
    firms, work = len(edges) - 1, edges[-1]
    whose, jobs_of = np.empty(BLOCK, np.int64), np.empty(BLOCK, np.int64)
    row = 0
    while row < rows:
        # the employees among the next neighbours of one division
        at, many = place[row], 0
        while row < rows and many < BLOCK and place[row] == at:
            out[row] = -1
            if marked[slot[row]]:
                whose[many], jobs_of[many] = row, _rank(at, block[row], slot[row], start, before)
                many += 1
            row += 1
        a, b = factors(jobs[at])
        forward_block(keys, jobs_of[:many], jobs[at], a, b, jobs_of[:many])
        for number in range(many):
            job = jobs_of[number]
            copy = job // work
            turn = job - copy * work + edges[first[at]]
            firm = holder[turn - work if turn >= work else turn] - first[at]
            out[whose[number]] = offset[at] + copy * firms + (firm + firms if firm < 0 else firm)
    return out


@njit(cache=True, nogil=True)
def address_parts(
    division: Any, words: Any, dormitory: Any, starts: Any, urban: Any,
    key: Any, ways_each: int, roads: int, ways: int, flats: int, groups: int,
) -> Any:  # fmt: skip
    """The positions of an address's words, see `addresses.addresses`: area, way, number, room."""
    rows = len(division)
    area, way = np.empty(rows, np.int64), np.empty(rows, np.int64)
    number, room = np.empty(rows, np.int64), np.empty(rows, np.int64)
    one, two = np.uint64(1), np.uint64(2)
    for row in range(rows):
        begin = starts[division[row]]
        at = begin + below_one(words[row], starts[division[row] + 1] - begin)
        second = mix(key, words[row])
        in_town = urban[at] or second >> np.uint64(63) > np.uint64(0)
        named = mix(key + one, np.uint64(at * ways_each + below_one(second << np.uint64(3), ways_each)))
        third = mix(key + two, second)
        area[row] = at
        if in_town:
            way[row] = below_one(named, roads)
            room[row] = below_one(third, flats)
        else:
            way[row] = roads + below_one(named, ways - roads)
            room[row] = flats + below_one(third, groups)
        if dormitory[row]:
            room[row] = flats + groups
        number[row] = below_one(third << np.uint64(9), 999) * np.int64(second & np.uint64(1023)) >> 10
    return area, way, number, room
