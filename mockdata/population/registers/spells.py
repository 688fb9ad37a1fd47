"""就业经历 and 社保缴费: one row a spell of employment, one row a person and month."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from mockdata.population import calendar
from mockdata.population.careers import MOST, Careers, base_year
from mockdata.population.incomes import base_cents, money
from mockdata.population.organisations import FIRMS, Organisations
from mockdata.population.registers.entry import Entry, number, numbered, of_entries, of_person, split
from mockdata.population.registers.register import Column
from mockdata.population.rows import dates, office_time
from mockdata.seeds import Ints, hashed

_MONTHS = 1024
"""More months than anybody pays for."""
_RAISE = np.array([1_000_000 * 20**year // 21**year for year in range(40)])
"""Millionths of the base of the base year that a year before it had: five in a hundred less each year."""


@dataclass(frozen=True)
class Work(Entry):
    """Spells: (person, number of the spell)."""

    @property
    def careers(self) -> Careers:
        """The careers of the population."""
        return self.population.careers

    @cached_property
    def spell(self) -> Ints:
        """Number of the spell."""
        return self.turn

    @cached_property
    def firm(self) -> Ints:
        """The employer."""
        return self.careers.firm(self.person, self.rows.slot, self.spell)

    @cached_property
    def hired(self) -> Ints:
        """Day the spell began."""
        first = self.careers.spells[0][self.rows.slot, self.spell]
        return calendar.early(first, hashed(self.population.world.key("hired"), self.person * 8 + self.spell))


@dataclass(frozen=True)
class Paid(Work):
    """Months of contributions."""

    @cached_property
    def _month(self) -> tuple[Ints, Ints]:
        return self.careers.month(self.rows.slot, self.turn)

    @cached_property
    def spell(self) -> Ints:
        """Number of the spell."""
        return self._month[1]

    @property
    def month(self) -> Ints:
        """The month paid for."""
        return self._month[0]

    @cached_property
    def base(self) -> Ints:
        """Contribution base in cents: income within 2,000 and 30,000 yuan a month, lower in earlier years."""
        now = np.clip(base_cents(self.rows), 200_000, 3_000_000)
        years = np.minimum(base_year(self.month), len(_RAISE) - 1)
        return np.asarray(now * _RAISE[years] // 1_000_000 // 100 * 100)


def _ended(work: Work) -> pa.Array:
    after, _ = work.careers.ended(work.rows.slot, work.spell)
    there = after < calendar.NO_MONTH
    words = hashed(work.population.world.key("left"), work.person * 8 + work.spell)
    return dates(calendar.late(np.where(there, after - 1, 0) + np.where(there, 0, 24_000), words), there)


def _state(work: Work) -> pa.Array:
    after, _ = work.careers.ended(work.rows.slot, work.spell)
    return pa.array(["1", "2"]).take(pa.array((after < calendar.NO_MONTH).astype(np.int64)))


def _number(work: Work) -> pa.Array:
    return numbered("LD", work.person * MOST + work.spell, 12)


def _voucher(paid: Paid) -> pa.Array:
    return numbered("", paid.person * _MONTHS + paid.turn, 20)


def _of_firm(name: str) -> Callable[[Work], pa.Array]:
    return lambda work: FIRMS[name](Organisations(work.population.world, work.firm))


def _paid_at(paid: Paid) -> pa.Array:
    words = hashed(paid.population.world.key("paid"), paid.person * 4096 + paid.turn)
    return office_time(calendar.late(paid.month, words), words << np.uint64(9))


_FIRM = ("employer_uscc", "employer_name", "employer_address")
_SHARED: dict[str, Column] = {
    **of_person("citizen_number", "name", "sex", "birth_date", "division", "insured_number", "mobile"),
    **{name: _of_firm(name) for name in _FIRM},
    "hired_on": lambda work: dates(work.hired),
}


def _share(per_mille: int) -> Column:
    return lambda paid: money(paid.base * per_mille // 1000, np.ones(len(paid.person), dtype=np.bool_))


SPELL = of_entries(
    "employment_spell", lambda p: p.careers.entries, Work,
    {**_SHARED, "left_on": _ended, "employment_state": _state, "contract_number": _number},
    {"LDHTBH": lambda p, values: split(number(values, "LD", 12), MOST, p.size)},
)  # fmt: skip

CONTRIBUTION = of_entries(
    "contribution", lambda p: p.careers.months[0], Paid,
    {
        **_SHARED,
        "contribution_month": lambda paid: numbered("", calendar.year_month(paid.month), 6),
        "contribution_year": lambda paid: numbered("", paid.month // 12, 4),
        "contribution_base": _share(1000),
        "personal_contribution": _share(80),
        "employer_contribution": _share(160),
        "contribution_paid_at": _paid_at,
        "voucher_number": _voucher,
    },
    {"JFPZH": lambda p, values: split(number(values, "", 20), _MONTHS, p.size)},
)  # fmt: skip
