"""Basic medical insurance: everybody is insured, employees by their employer, the others as residents. A model."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mockdata import identifiers
from mockdata.population import activity
from mockdata.population.incomes import cents, money
from mockdata.population.rows import YEAR_STARTS, Rows, World, codes, dates
from mockdata.seeds import Bijection, Ints, below

_CAPACITY = 10**10
_SCHEME_START = int(YEAR_STARTS[2009 - 1880])


def _employee(rows: Rows) -> NDArray[np.bool_]:
    """Insured as employees: those of the base date, who stay so when they retire."""
    return rows.once_employed


def insured_number(rows: Rows) -> pa.Array:
    """16 digits: division and ten digits, unique."""
    mixed = Bijection(rows.world.key("insured number")).forward(rows.index, _CAPACITY)
    area = identifiers.digits(rows.world.divisions.numbers[rows.division], 6)
    return identifiers.text_column(np.concatenate([area, identifiers.digits(mixed, 10)], axis=1))


def find(world: World, numbers: Any) -> Ints:
    """The persons with these insured numbers, -1 for numbers that are none of theirs."""
    matrix, usable = identifiers.byte_matrix(numbers, 16)
    digits = identifiers.number_of(matrix[:, 6:])
    usable &= digits >= 0
    index = Bijection(world.key("insured number")).backward(np.where(usable, digits, 0), _CAPACITY)
    usable &= index < (world.everybody.count if world.later else int(world.layout.offset[-1]))
    index = np.where(usable, index, 0)
    again, _ = identifiers.byte_matrix(insured_number(Rows(world, index)), 16)
    return np.where(usable & (again == matrix).all(axis=1), index, -1)


def insurance_kind(rows: Rows) -> pa.Array:
    """310 employees, 390 residents."""
    return codes("390", "310").take(pa.array(_employee(rows).astype(np.int64)))


def insured_division(rows: Rows) -> pa.Array:
    """Division of enrolment: that of residence."""
    return rows.world.divisions.codes.take(pa.array(rows.division))


def _since(rows: Rows) -> Ints:
    words = rows.words("insured since")
    # employees enrol from 18 on, babies within two months, everybody else in the years after the scheme began
    grown = YEAR_STARTS[rows.year - 1880 + 18] + below(words, 1500)
    born = rows.day + 1 + below(words, 60)
    early = _SCHEME_START + below(words, 730)
    day = np.where(_employee(rows), np.maximum(grown, early), np.maximum(born, early))
    return np.asarray(np.minimum(day, rows.limit), dtype=np.int64)


def insured_since(rows: Rows) -> pa.Array:
    """Date of enrolment."""
    return dates(rows.once("insured since", _since))


def benefits_since(rows: Rows) -> pa.Array:
    """First day of benefits: the first of the month after enrolment, for residents the day itself."""
    since = rows.once("insured since", _since)
    text = identifiers.day_bytes(since).astype(np.int64) - 48
    month = text[:, :6] @ np.array([100_000, 10_000, 1_000, 100, 10, 1])
    following = np.where(month % 100 == 12, month + 89, month + 1) * 100 + 1
    return dates(np.where(_employee(rows), identifiers.day_numbers(following), since))


def insured_state(rows: Rows) -> pa.Array:
    """1 active, 2 paused (three in a hundred residents of working age)."""
    paused = ~_employee(rows) & (below(rows.words("insured state"), 100) < 3)
    return codes("1", "2").take(pa.array(paused.astype(np.int64)))


def contribution_base(rows: Rows) -> pa.Array:
    """Monthly base of an employee's contributions: the income within 2,000 and 30,000, in whole yuan like the base of
    the months paid for; null for residents."""
    works = rows.activity.kind[rows.slot] == activity.EMPLOYEE
    return money(np.clip(cents(rows), 200_000, 3_000_000) // 100 * 100, works)


INSURANCE: MappingProxyType[str, Callable[[Rows], pa.Array]] = MappingProxyType(
    {
        function.__name__: function
        for function in (
            insured_number, insurance_kind, insured_division, insured_since, benefits_since, insured_state,
            contribution_base,
        )
    }
)  # fmt: skip
"""Attributes of a person's medical insurance by name."""
