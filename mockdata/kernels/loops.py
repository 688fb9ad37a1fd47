"""The loops themselves. Import this module only through `mockdata.kernels.compiled`: it needs Numba.

Arrays are contiguous; integers are int64, hashed words uint64. Nothing is checked here: callers pass what their NumPy
way would take.
"""

from __future__ import annotations

from math import ceil, sqrt
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_30, _27, _31, _32 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(32)
_ROUND = np.uint64(0x632BE59BD9B4E019)

_PAIRS = np.array([[48 + number // 10, 48 + number % 10] for number in range(100)], np.uint8)
_PAIRS16 = _PAIRS.view("<u2").ravel().astype(np.int64)
"""The digits of 0 … 99 as pairs of bytes, and as the numbers these are in memory."""

CHUNK = 16
"""Texts are copied so many bytes at a time: that many, and a word's length, may be read behind a pool and written
behind a result."""


# ---- randomness (mockdata.seeds) ------------------------------------------------------------------------------


@njit(cache=True, inline="always")
def _mix(key: Any, word: Any) -> Any:
    word = word * _GOLDEN + key
    word = (word ^ (word >> _30)) * _FIRST
    word = (word ^ (word >> _27)) * _SECOND
    return word ^ (word >> _31)


@njit(cache=True, nogil=True)
def hashed(key: Any, words: Any) -> Any:
    """`seeds.hashed` of an array of uint64."""
    out = np.empty(len(words), np.uint64)
    for row in range(len(words)):
        out[row] = _mix(key, words[row])
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
def _below(word: Any, bound: Any) -> Any:
    return np.int64((word >> _32) * np.uint64(bound) >> _32)


@njit(cache=True, inline="always")
def _turn(key: Any, half: Any, bound: Any) -> Any:
    return _below(_mix(key, np.uint64(half)), bound)


@njit(cache=True, inline="always")
def _factors(bound: Any) -> Any:
    b = max(np.int64(ceil(sqrt(np.float64(bound)))), 1)
    return -(-bound // b), b


@njit(cache=True)
def _keys(key: Any, rounds: int) -> Any:
    keys = np.empty(rounds, np.uint64)
    for number in range(rounds):
        keys[number] = key + np.uint64(number) * _ROUND
    return keys


@njit(cache=True, inline="always")
def _forward(keys: Any, value: Any, bound: Any, a: Any, b: Any) -> Any:
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


@njit(cache=True, nogil=True)
def permuted(key: Any, rounds: int, values: Any, bounds: Any, backward: bool) -> Any:
    """`seeds.Bijection.forward` or `backward`; `bounds` holds one bound or one a value."""
    out = np.empty(len(values), np.int64)
    keys = _keys(key, rounds)
    last, a, b = np.int64(-1), np.int64(1), np.int64(1)
    for row in range(len(values)):
        bound = bounds[row] if len(bounds) > 1 else bounds[0]
        if bound != last:
            a, b = _factors(bound)
            last = bound
        out[row] = _back(keys, values[row], bound, a, b) if backward else _forward(keys, values[row], bound, a, b)
    return out


# ---- places (mockdata.population.layout) ----------------------------------------------------------------------


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
            turn = _below(_mix(rotation_key, np.uint64(copy)), 365)
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
    out = np.empty(len(slot), np.int64)
    keys = _keys(key, rounds)
    firms, work = len(edges) - 1, edges[-1]
    last, a, b = np.int64(-1), np.int64(1), np.int64(1)
    for row in range(len(slot)):
        if not marked[slot[row]]:
            out[row] = -1
            continue
        at = place[row]
        if jobs[at] != last:
            last = jobs[at]
            a, b = _factors(last)
        job = _forward(keys, _rank(at, block[row], slot[row], start, before), last, a, b)
        copy = job // work
        turn = job - copy * work + edges[first[at]]
        firm = holder[turn - work if turn >= work else turn] - first[at]
        out[row] = offset[at] + copy * firms + (firm + firms if firm < 0 else firm)
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
        at = begin + _below(words[row], starts[division[row] + 1] - begin)
        second = _mix(key, words[row])
        in_town = urban[at] or second >> np.uint64(63) > np.uint64(0)
        named = _mix(key + one, np.uint64(at * ways_each + _below(second << np.uint64(3), ways_each)))
        third = _mix(key + two, second)
        area[row] = at
        if in_town:
            way[row] = _below(named, roads)
            room[row] = _below(third, flats)
        else:
            way[row] = roads + _below(named, ways - roads)
            room[row] = flats + _below(third, groups)
        if dormitory[row]:
            room[row] = flats + groups
        number[row] = _below(third << np.uint64(9), 999) * np.int64(second & np.uint64(1023)) >> 10
    return area, way, number, room


# ---- facts of persons (mockdata.population) -------------------------------------------------------------------


@njit(cache=True, nogil=True)
def office_times(days: Any, words: Any, epoch: int) -> Any:
    """`rows.office_time` in milliseconds since 1970."""
    out = np.empty(len(days), np.int64)
    for row in range(len(days)):
        minute = (days[row] - epoch) * 1440 + _below(words[row], 9 * 60)
        out[row] = minute * 60_000 + np.int64(words[row] & np.uint64(0xFFFF)) % 60 * 1000
    return out


@njit(cache=True, nogil=True)
def registered(days: Any, words: Any, limits: Any, start: int) -> Any:
    """`attributes._registered`: the day an entry was made; `start`: the first day of the computerised registers."""
    out = np.empty(len(days), np.int64)
    for row in range(len(days)):
        soon = min(days[row] + _below(words[row], 30) + 1, limits[row])
        out[row] = start + _below(words[row], 1826) if days[row] < start else soon
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


# ---- identifiers (mockdata.identifiers) -----------------------------------------------------------------------


@njit(cache=True, inline="always")
def _spell(out: Any, row: int, begin: int, end: int, number: int) -> Any:
    rest = np.uint64(number)
    place = end
    while place - begin >= 2:
        place -= 2
        pair = rest // np.uint64(100)
        low = np.int64(rest - pair * np.uint64(100))
        out[row, place] = _PAIRS[low, 0]
        out[row, place + 1] = _PAIRS[low, 1]
        rest = pair
    if place > begin:
        out[row, begin] = np.uint8(48 + rest)


@njit(cache=True, nogil=True)
def digits(numbers: Any, width: int) -> Any:
    """`identifiers.digits`."""
    out = np.empty((len(numbers), width), np.uint8)
    for row in range(len(numbers)):
        _spell(out, row, 0, width, numbers[row])
    return out


@njit(cache=True, nogil=True)
def citizen_numbers(
    areas: Any, days: Any, sequences: Any, calendar: Any, day_sums: Any, weights: Any, checks: Any
) -> Any:
    """`identifiers.citizen_numbers`; calendar: the days as bytes, day_sums: their share of the weighted sum."""
    out = np.empty((len(areas), 18), np.uint8)
    last, of_area = np.int64(-1), np.int64(0)
    for row in range(len(areas)):
        if areas[row] == last:
            for place in range(6):
                out[row, place] = out[row - 1, place]
        else:
            last = areas[row]
            _spell(out, row, 0, 6, last)
            of_area = np.int64(0)
            for place in range(6):
                of_area += (out[row, place] - 48) * weights[place]
        total = of_area + day_sums[days[row]]
        for place in range(8):
            out[row, 6 + place] = calendar[days[row], place]
        _spell(out, row, 14, 17, sequences[row])
        for place in range(3):
            total += (out[row, 14 + place] - 48) * weights[14 + place]
        out[row, 17] = checks[total % 11]
    return out


@njit(cache=True, nogil=True)
def credit_codes(
    kind: Any, areas: Any, body: Any, values: Any, body_weights: Any, inner: Any,
    credit_values: Any, weights: Any, outer: Any,
) -> Any:  # fmt: skip
    """`identifiers.credit_codes`; inner, outer: the check characters by remainder."""
    out = np.empty((len(areas), 18), np.uint8)
    for row in range(len(areas)):
        out[row, 0], out[row, 1] = kind[0], kind[1]
        _spell(out, row, 2, 8, areas[row])
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


# ---- texts (mockdata.texts) -----------------------------------------------------------------------------------


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
            builder.store(builder.trunc(arguments[1], kind), builder.inttoptr(arguments[0], kind.as_pointer()), align=1)
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


# sixteen bytes from one address to another, aligned or not; integers at an address; one or two bytes to an address
_copy16, _int64_at, _int32_at = _copier(), _loader(64), _loader(32)
_put8, _put16 = _storer(8), _storer(16)


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
                pick = row if picks[part] == 0 else _int64_at(picks[part] + row * 8)
                total += _int32_at(offsets[part] + pick * 4 + 4) - _int32_at(offsets[part] + pick * 4)
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
                pick = row if picks[part] == 0 else _int64_at(picks[part] + row * 8)
                if widths[part] > 0:
                    _write(target, widths[part], pick)
                    target += widths[part]
                    continue
                first = _int32_at(offsets[part] + pick * 4)
                source = texts[part] + first
                for step in range(0, reach[part], CHUNK):
                    _copy16(target + step, source + step)
                target += _int32_at(offsets[part] + pick * 4 + 4) - first
        if len(ends) > 0:
            ends[row] = target - begin
    return target - begin


@njit(cache=True, inline="always")
def _write(target: Any, width: Any, number: Any) -> None:
    """A number's decimal digits, with leading zeros, at an address."""
    rest = np.uint64(number)
    place = target + width
    while place - target >= 2:
        place -= 2
        hundreds = rest // np.uint64(100)
        _put16(place, _PAIRS16[np.int64(rest - hundreds * np.uint64(100))])
        rest = hundreds
    if place > target:
        _put8(target, np.int64(48 + rest))
