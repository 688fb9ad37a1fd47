"""Births: what the birth register knows about everybody's birth, and the medical birth certificate since 1996."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mockdata import identifiers
from mockdata.population import ages, institutions
from mockdata.population.rows import Rows, World, codes, dates, neighbour
from mockdata.seeds import Bijection, Ints, below, hashed, unit

FIRST_YEAR = 1996
"""The certificate exists since this year."""
CERTIFICATES = 10**9
"""How many numbers of birth certificates there are."""


def _letter(year: Ints) -> Ints:
    span = ages.BASE.year - FIRST_YEAR + 1
    letter = (year - FIRST_YEAR) * len(identifiers.PLATE_LETTERS) // span
    return np.minimum(letter, len(identifiers.PLATE_LETTERS) - 1)


def birth_certificate_number(rows: Rows) -> pa.Array:
    """One letter (goes with the year) and nine digits, unique; null for persons born before 1996."""
    row = rows.world.born_since_1996.row(rows.index)
    if not rows.plain:
        size, first = int(rows.world.layout.offset[-1]), rows.world.born_since_1996.count
        row = np.where((rows.index >= size) & (rows.year >= FIRST_YEAR), first + rows.index - size, row)
    there = row >= 0
    mixed = Bijection(rows.world.key("birth certificate")).forward(np.where(there, row, 0), CERTIFICATES)
    matrix = identifiers.birth_certificates(np.where(there, _letter(rows.year), 0), mixed)
    column = identifiers.text_column(matrix)
    return column if there.all() else pc.if_else(pa.array(there), column, pa.scalar(None, pa.string()))


def find(world: World, numbers: Any) -> Ints:
    """The persons with these birth certificate numbers, -1 for numbers that are none of theirs."""
    matrix, usable = identifiers.byte_matrix(numbers, 10)
    digits = identifiers.number_of(matrix[:, 1:])
    usable &= digits >= 0
    row = Bijection(world.key("birth certificate")).backward(np.where(usable, digits, 0), CERTIFICATES)
    early = row < world.born_since_1996.count
    index = world.born_since_1996.index(np.where(usable & early, row, 0))
    if (usable & ~early).any():
        # certificates of persons who were not alive on the base date
        row = int(world.layout.offset[-1]) + row - world.born_since_1996.count
        usable &= early | (row < world.everybody.count)
        index = np.where(usable & ~early, row, index)
    if usable.any():
        right, _ = identifiers.byte_matrix(birth_certificate_number(Rows(world, index)), 10)
        usable &= (right == matrix).all(axis=1)
    return np.where(usable, index, -1)


def birth_time(rows: Rows) -> pa.Array:
    """HH:MM of birth, China Standard Time; the second twin comes after the first one."""
    minute = below(rows.once("delivery", _delivery_words), 1380)
    minute += (rows.template.delivery[rows.slot] - 1) * (1 + below(rows.words("second twin"), 45))
    return _clock().take(pa.array(minute))


@cache
def _clock() -> pa.Array:
    return codes(*(f"{minute // 60:02d}:{minute % 60:02d}" for minute in range(1440)))


def _delivery_words(rows: Rows) -> Any:
    """64 bits a delivery, the same for twins: hashed from mother (or the person) and birth day."""
    mother = np.where(rows.mother >= 0, rows.mother, rows.index)
    return hashed(rows.world.key("delivery"), mother * 65_536 + rows.day)


def birth_order(rows: Rows) -> pa.Array:
    """Order within one delivery: 1, or 2 for the second twin."""
    return pa.array(rows.template.delivery[rows.slot])


def gestation_weeks(rows: Rows) -> pa.Array:
    """Completed weeks of gestation, 33 … 42; a model."""
    return pa.array(rows.once("weeks", _weeks))


def _weeks(rows: Rows) -> Ints:
    table = np.array([33, 34, 35, 36, 36, 37, 37, 37, *[38] * 6, *[39] * 10, *[40] * 7, 41, 41])
    return np.asarray(table[below(rows.once("delivery", _delivery_words) << np.uint64(7), len(table))], dtype=np.int64)


def _weight(rows: Rows) -> Ints:
    words = rows.words("birth weight")
    # the sum of three even draws is close enough to a bell
    bell = below(words, 400) + below(words << np.uint64(11), 400) + below(words << np.uint64(22), 400)
    return np.asarray((rows.once("weeks", _weeks) - 39) * 130 + 2700 + bell + (rows.sex == 1) * 90, dtype=np.int64)


def birth_weight(rows: Rows) -> pa.Array:
    """Grams at birth; a model (mean about 3.3 kg)."""
    return pa.array(rows.once("weight", _weight))


def birth_length(rows: Rows) -> pa.Array:
    """Centimetres at birth with one decimal, following the weight; a model."""
    tenths = 500 + (rows.once("weight", _weight) - 3300) // 60 + below(rows.words("birth length"), 15) - 7
    values = np.stack([tenths, np.zeros(len(rows), dtype=np.int64)], 1)
    return pa.Array.from_buffers(pa.decimal128(4, 1), len(rows), [None, pa.py_buffer(values)])


def _division(rows: Rows) -> Ints:
    words = rows.once("delivery", _delivery_words)
    near = neighbour(rows, words << np.uint64(17))
    return np.where(unit(words << np.uint64(3)) < 0.05, near, rows.division)


def _institution(rows: Rows) -> Ints:
    choice = below(rows.once("delivery", _delivery_words) << np.uint64(29), institutions.WITH_POWER)
    return rows.once("birth division", _division) * institutions.A_DIVISION + choice


def birth_division(rows: Rows) -> pa.Array:
    """Division of birth: that of residence for 19 of 20, else another one of the province."""
    return rows.world.divisions.codes.take(pa.array(rows.once("birth division", _division)))


def institution_code(rows: Rows) -> pa.Array:
    """The institution of birth: in the division of birth, with issuing power."""
    return institutions.codes(rows.world, rows.once("institution", _institution))


def institution_name(rows: Rows) -> pa.Array:
    """Name of the institution of birth."""
    return institutions.names(rows.world, rows.once("institution", _institution))


def birth_certificate_date(rows: Rows) -> pa.Array:
    """When the certificate was issued: up to ten days after birth; null for persons born before 1996."""
    day = np.minimum(rows.day + 1 + below(rows.once("delivery", _delivery_words) << np.uint64(13), 10), rows.limit)
    return dates(day, rows.year >= FIRST_YEAR)


BIRTHS: MappingProxyType[str, Callable[[Rows], pa.Array]] = MappingProxyType(
    {
        function.__name__: function
        for function in (
            birth_certificate_number, birth_certificate_date, birth_time, birth_order, birth_division, birth_weight,
            birth_length, gestation_weeks, institution_code, institution_name,
        )
    }
)  # fmt: skip
"""Attributes of a person's birth by name."""
