"""学籍: one row a pupil of the twelve years of school."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from mockdata import identifiers
from mockdata.population.attributes import ATTRIBUTES
from mockdata.population.crowds import school_year
from mockdata.population.population import Population
from mockdata.population.registers.crowd import GUARDIANS, PARENTS, by_number, of_crowd
from mockdata.population.rows import Rows, codes, dates, touched
from mockdata.seeds import Ints, below
from mockdata.texts import Digits, joined, taken

_GRADES = tuple(
    f"{stage}{year}年级" for stage, years in (("小学", 6), ("初中", 3), ("高中", 3)) for year in range(1, years + 1)
)
_SCHOOLS = tuple(f"第{at}{kind}" for kind in ("小学", "初级中学", "高级中学") for at in "一二三四五六")
_EACH = 6
"""Schools of each stage in a division."""


def _grade(rows: Rows) -> Ints:
    return np.asarray(school_year(rows.world) - rows.year - 7)


def _stage(rows: Rows) -> Ints:
    return np.asarray(np.searchsorted([6, 9], _grade(rows), side="right"))


def _school(rows: Rows) -> Ints:
    return _stage(rows) * _EACH + below(rows.household_words("school"), _EACH)


def _code(rows: Rows) -> pa.Array:
    return joined(Digits(rows.world.divisions.numbers[rows.division], 6), Digits(_school(rows) + 1, 4))


def _name(rows: Rows) -> pa.Array:
    return joined((rows.world.divisions.full_names, rows.division), (codes(*_SCHOOLS), _school(rows)))


def _number(rows: Rows) -> pa.Array:
    return joined((codes("G"), np.zeros(len(rows), np.int64)), (identifiers.text_column(rows.number), None))


def _entered(rows: Rows) -> Ints:
    """1 September of the first year at the stage."""
    first = np.array([0, 6, 9])[_stage(rows)]
    year = school_year(rows.world) - (_grade(rows) - first)
    return identifiers.day_numbers(year * 10_000 + 901)


def _by_pupil_number(population: Population, values: pa.Array) -> Ints:
    found = by_number(population, pa.compute.utf8_slice_codeunits(values, 1, 19))
    right = pa.compute.fill_null(pa.compute.starts_with(values, "G"), False).to_numpy(zero_copy_only=False)
    return np.where(right, found, -1)


PUPIL = of_crowd(
    "pupil", lambda p: p.crowds.pupils,
    {
        **{
            name: ATTRIBUTES[name]
            for name in ("citizen_number", "name", "sex", "birth_date", "ethnic_group", "division", "address")
        },
        "school_name": _name,
        "school_code": _code,
        "pupil_number": _number,
        "grade": lambda rows: taken(codes(*_GRADES), _grade(rows)),
        "enrolled_on": lambda rows: dates(_entered(rows)),
        "updated_at": lambda rows: touched(rows, _entered(rows)),
    },
    {**PARENTS, **GUARDIANS},
    {"XJH": _by_pupil_number, "GMSFHM": by_number},
)  # fmt: skip
