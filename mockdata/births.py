"""Births since 1996, when the medical birth certificate began: who has one, its number, and the way back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from mockdata import ages, identifiers
from mockdata.rows import Rows, World
from mockdata.seeds import Bijection, Ints

FIRST_YEAR = 1996
_CAPACITY = 10**9


def _letter(year: Ints) -> Ints:
    span = ages.BASE.year - FIRST_YEAR + 1
    return (year - FIRST_YEAR) * len(identifiers.PLATE_LETTERS) // span


def certificate_numbers(rows: Rows) -> pa.Array:
    """Birth certificate numbers: a letter that goes with the year, nine digits; null for the elder."""
    row = rows.world.born_since_1996.row(rows.index)
    there = row >= 0
    mixed = Bijection(rows.world.key("birth certificate")).forward(np.where(there, row, 0), _CAPACITY)
    matrix = identifiers.birth_certificates(np.where(there, _letter(rows.year), 0), mixed)
    column = identifiers.text_column(matrix)
    return column if there.all() else pa.compute.if_else(pa.array(there), column, pa.scalar(None, pa.string()))


def find(world: World, numbers: Any) -> Ints:
    """The persons with these birth certificate numbers, -1 for numbers that are none of theirs."""
    matrix, usable = identifiers.byte_matrix(numbers, 10)
    digits = identifiers.number_of(matrix[:, 1:])
    usable &= digits >= 0
    row = Bijection(world.key("birth certificate")).backward(np.where(usable, digits, 0), _CAPACITY)
    usable &= row < world.born_since_1996.count
    index = world.born_since_1996.index(np.where(usable, row, 0))
    if usable.any():
        right, _ = identifiers.byte_matrix(certificate_numbers(Rows(world, index)), 10)
        usable &= (right == matrix).all(axis=1)
    return np.where(usable, index, -1)
