"""住房公积金 and what decides withdrawals from it: accounts, retirement and capacity, settling abroad. A model.

Who has an account is settled in the template, everything else is hashed from the person; nothing depends on the
population's date.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa

from mockdata.population import calendar
from mockdata.population.activity import EMPLOYEE, RETIRED
from mockdata.population.attributes import ATTRIBUTES
from mockdata.population.calendar import BASE_MONTH
from mockdata.population.crowds import Crowd
from mockdata.population.kin import Chances
from mockdata.population.now import Flags, Members
from mockdata.population.population import Population
from mockdata.population.registers.crowd import by_number, of_crowd
from mockdata.population.registers.entry import number, numbered
from mockdata.population.rows import BASE_DAY, Rows, World, codes, dates
from mockdata.population.template import MAN
from mockdata.seeds import Bijection, Ints, below
from mockdata.texts import taken

_NUMBERS = 10**11
"""Account and contract numbers of a kind."""
_APPROVED = 330
"""Days after the base date by which the retirements approved on it begin."""


def some(name: str, marks: Callable[[World], Flags]) -> Callable[[Population], Crowd]:
    """The crowd of the marked slots of a population, worked out once."""

    def crowd(population: Population) -> Crowd:
        world = population.world
        if name not in world.memory:
            world.memory[name] = Members(world.everybody, marks(world))
        found: Crowd = world.memory[name]
        return found

    return crowd


def share(world: World, name: str, most: float) -> Flags:
    """Marks of a share of the grown-up persons, the dead of the last years among them."""
    year = world.lives.template.year
    return np.asarray((year <= 2004) & (Chances(world.seed, name).uniform(name, len(year)) < most))


def secret_number(prefix: str, purpose: str) -> Callable[[Rows], pa.Array]:
    """Numbers that do not tell the person's."""

    def column(rows: Rows) -> pa.Array:
        return numbered(prefix, Bijection(rows.world.key(purpose)).forward(rows.index, _NUMBERS), 12)

    return column


def by_secret(prefix: str, purpose: str) -> Callable[[Population, pa.Array], Ints]:
    """Persons by such numbers."""

    def find(population: Population, values: pa.Array) -> Ints:
        read = number(values, prefix, 12)
        known = (read >= 0) & (read < _NUMBERS)
        index = Bijection(population.world.key(purpose)).backward(np.where(known, read, 0), _NUMBERS)
        return np.where(known & (index < population.world.everybody.count), index, -1)

    return find


def _closed(rows: Rows) -> Ints:
    """Which state: of a thousand accounts 20 are closed, 10 frozen, 150 sealed."""
    return np.repeat(np.arange(4), (820, 150, 10, 20))[below(rows.words("fund state"), 1000)]


def _balance(rows: Rows) -> pa.Array:
    """Whole yuan, the closed accounts empty."""
    words = rows.words("fund balance")
    yuan = 300 + below(words, 90_000) + below(words << np.uint64(17), 90_000)
    return pa.array(np.where(_closed(rows) == 3, 0, yuan))


def _opened(rows: Rows) -> pa.Array:
    month = BASE_MONTH - 12 - below(rows.words("fund opened"), 18 * 12)
    return dates(calendar.early(month, rows.words("fund opened on")))


def _leaving(rows: Rows) -> Ints:
    """The month in which working life ends (see `careers`)."""
    return np.asarray((rows.year + np.where(rows.sex == MAN, 60, 54) + 1) * 12)


def _retiring(rows: Rows) -> Ints:
    """0 not retired · 1 retired · 2 retirement approved from a day on that is still to come on the base date."""
    kind = rows.world.activity.kind[rows.slot]
    soon = (kind == EMPLOYEE) & (_leaving(rows) <= BASE_MONTH + 14)
    return np.where(kind == RETIRED, 1, np.where(soon, 2, 0))


def _retired_on(rows: Rows) -> pa.Array:
    words, state = rows.words("retired on"), _retiring(rows)
    past = np.minimum(_leaving(rows), BASE_MONTH - 1 - below(words, 24))
    days = np.where(state == 2, BASE_DAY + 1 + below(words, _APPROVED), calendar.early(past, words << np.uint64(9)))
    return dates(days, state > 0)


def _capacity(rows: Rows) -> pa.Array:
    """Of a thousand 12 have lost the capacity to work wholly, 20 partly."""
    return taken(codes("1", "2", "3"), np.repeat(np.arange(3), (968, 20, 12))[below(rows.words("capacity"), 1000)])


def _employed(rows: Rows) -> pa.Array:
    return taken(codes("2", "1"), (rows.world.activity.kind[rows.slot] == EMPLOYEE).astype(np.int64))


def _grown(world: World) -> Flags:
    slots = np.arange(len(world.lives.template))
    return np.asarray((world.lives.template.year <= 2008) & (slots < world.lives.living))


def _abroad_on(rows: Rows) -> pa.Array:
    return dates(BASE_DAY - 1 - below(rows.words("abroad on"), 300))


def _leaves(world: World) -> Flags:
    return _grown(world) & share(world, "abroad", 0.02)


_PERSON = {name: ATTRIBUTES[name] for name in ("citizen_number", "name", "sex", "birth_date")}

FUND_ACCOUNT = of_crowd(
    "fund_account", some("fund accounts", lambda world: share(world, "fund account", 0.8)),
    {
        **_PERSON,
        "fund_account": secret_number("", "fund account"),
        "fund_balance": _balance,
        "fund_state": lambda rows: taken(codes("01", "02", "03", "09"), _closed(rows)),
        "fund_opened_on": _opened,
    },
    {},
    {"GJJZH": by_secret("", "fund account"), "GMSFHM": by_number},
)  # fmt: skip

CAPACITY = of_crowd(
    "work_capacity", some("work capacity", _grown),
    {
        **_PERSON,
        "retirement_state": lambda rows: taken(codes("0", "1"), (_retiring(rows) > 0).astype(np.int64)),
        "retired_on": _retired_on,
        "work_capacity": _capacity,
        "employment_state": _employed,
    },
    {},
    {"GMSFHM": by_number},
)  # fmt: skip

ABROAD = of_crowd(
    "settling_abroad", some("settling abroad", _leaves),
    {**_PERSON, "abroad_on": _abroad_on}, {}, {"GMSFHM": by_number},
)  # fmt: skip
