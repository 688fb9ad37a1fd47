"""住房: contracts of sale signed online, loans for them, and how many homes each person owns. A model."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from mockdata.population import calendar
from mockdata.population.attributes import ATTRIBUTES
from mockdata.population.belongings import HOMES
from mockdata.population.calendar import BASE_MONTH
from mockdata.population.population import Population
from mockdata.population.registers.crowd import by_number, of_crowd
from mockdata.population.registers.entry import of_person
from mockdata.population.registers.fund import by_secret, secret_number, share, some
from mockdata.population.registers.home import Home
from mockdata.population.registers.register import Register
from mockdata.population.rows import Rows, dates
from mockdata.seeds import Ints, below

_PERSON = {name: ATTRIBUTES[name] for name in ("citizen_number", "name")}


def _signed(rows: Rows) -> pa.Array:
    month = BASE_MONTH - 1 - below(rows.words("contract signed"), 24)
    return dates(calendar.early(month, rows.words("contract signed on")))


def _price(rows: Rows) -> pa.Array:
    return pa.array(300_000 + 10_000 * below(rows.words("contract price"), 400))


def _repayment(rows: Rows) -> Ints:
    """Yuan a month."""
    return 800 + 10 * below(rows.words("repayment"), 700)


@dataclass(frozen=True)
class Owners:
    """Living persons, seen as owners."""

    population: Population
    person: Ints

    @cached_property
    def rows(self) -> Rows:
        """The persons."""
        return self.population.rows(self.person)

    def owned(self) -> Ints:
        """How many homes each owns: those registered to the head of a family, and those the spouse shares."""
        spouse = self.population.spouse(self.person)
        own, theirs = self._registered(self.person), self._registered(np.maximum(spouse, 0))
        for turn in range(HOMES):
            there = np.nonzero((spouse >= 0) & (theirs > turn))[0]
            home = Home(self.population, spouse[there], np.full(len(there), turn, dtype=np.int64))
            own[there] += home.joint == self.person[there]
        return own

    def _registered(self, person: Ints) -> Ints:
        entries, size = self.population.belongings.homes_now, self.population.size
        counts = entries.counts[entries.ring.where(np.minimum(person, size - 1))[2]]
        return np.where(person < size, counts, 0)


def _living(population: Population, numbers: pa.Array) -> Ints:
    return population.living(population.index_of(numbers))


CONTRACT = of_crowd(
    "sale_contract", some("sale contracts", lambda world: share(world, "sale contract", 0.25)),
    {
        **_PERSON,
        "sale_contract": secret_number("WQ", "sale contract"),
        "signed_on": _signed,
        "contract_amount": _price,
    },
    {},
    {"WQHTBH": by_secret("WQ", "sale contract"), "GMSFHM": by_number},
)  # fmt: skip

LOAN = of_crowd(
    "housing_loan", some("housing loans", lambda world: share(world, "housing loan", 0.3)),
    {
        **_PERSON,
        "loan_contract": secret_number("DK", "housing loan"),
        "loan_balance": lambda rows: pa.array(_repayment(rows) * (12 + below(rows.words("loan left"), 200))),
        "monthly_repayment": lambda rows: pa.array(_repayment(rows)),
        "repaid_in_a_year": lambda rows: pa.array(_repayment(rows) * 12),
    },
    {},
    {"DKHTBH": by_secret("DK", "housing loan"), "GMSFHM": by_number},
)  # fmt: skip

OWNER = Register(
    "home_owner", lambda p: p.people.count, lambda p, rows: p.people.index(rows), lambda p, one: p.people.row(one),
    lambda p, rows: p.people.filed(rows), Owners,
    {**of_person("citizen_number", "name"), "homes_owned": lambda owners: pa.array(owners.owned())},
    {}, {"GMSFHM": _living},
)  # fmt: skip
