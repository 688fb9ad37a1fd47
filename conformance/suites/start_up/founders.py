"""Founders of a hidden country for the start-up suite: people nothing bars, and people with exactly one thing on file.

Whom a label gets follows from population, seed and day alone, whatever cases run; nobody belongs to two labels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from conformance.expressions import months_after
from conformance.subjects import Index, NoSubject, columns, draws, shuffled
from conformance.suites import general
from mockdata.population import Population
from mockdata.population.dockets import (
    BANKRUPTCIES,
    CRIMES,
    DEBTS,
    DOCKETS,
    INCAPACITY,
    REVOCATIONS,
    SENTENCES,
    STEP,
    Docket,
    crime,
    liable,
    office,
)

EACH = 4
"""People a label has: the legal representative and three others."""

CONSIDERED = 400
"""Files of one kind that are looked at for one subject."""

# Whom nothing bars. The order is fixed: subjects must not depend on which cases run.
LABELS = (
    "complete", "complete.required-only", "complete.some", "complete.agent", "M1", "M2", "X1", "X2", "X1.agent",
    "N1.taken", "N1.words", "N1.before", "N1.before/first", "N1.between", "N1.between/rival", "R1.representative",
    "R1.director", "R1.shareholder", "R1.supervisor", "R1.liaison", "R1.agent", "persons.faces", "persons.names",
    "D2.replaced", "D2.director", "S58.none", "notice.all-rules", "facts.irrelevant", "code.outer", "code.inner",
    "fanout.B5", "fanout.B6", "fanout.B7", "fanout.B8", "fanout.B9",
    "D1.incapable", "D1.minor", "D1.of-age", "D2.last-day", "D2.five-years", "D2.serving", "D2.other-crime",
    "D2.deprived", "D2.deprived-over", "D3.last-day", "D3.three-years", "D3.supervisor", "D3.not-liable",
    "D4.last-day", "D4.three-years", "D4.director", "D4.not-liable", "D5.exactly", "D5.below", "D5.all",
    *general.LABELS,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Founder:
    """A person as registered."""

    number: str
    name: str
    mobile: str


Team = tuple[Founder, ...]


@lru_cache(maxsize=4)
def teams(population: Population, seed: str) -> Mapping[str, Team]:
    """Four people a label whom nothing bars; raises `NoSubject` when the population lacks them."""
    wanted = EACH * len(LABELS)
    found: list[NDArray[np.int64]] = []
    for batch in draws(population, seed, "founders"):
        found.append(batch[_fit(population, batch) & _clear(population, batch)])
        if sum(map(len, found)) >= wanted:
            break
    people = np.concatenate(found)
    if len(people) < wanted:
        raise NoSubject("too few people whom nothing bars")
    known = _founders(population, people[shuffled(seed, "founders", len(people))[:wanted]])
    return {label: tuple(known[EACH * at : EACH * (at + 1)]) for at, label in enumerate(LABELS)}


def barred(population: Population, seed: str, today: date, case: str, amount: float) -> Founder:
    """The intended legal representative of a case of D1 to D5; `amount` is the setting of D5. Raises `NoSubject`."""
    return _barred(population, seed, today, amount)[case]


@lru_cache(maxsize=4)
def _barred(population: Population, seed: str, today: date, amount: float) -> Mapping[str, Founder]:
    born = months_after(today, -18 * 12)
    five, three = months_after(today, -60), months_after(today, -36)
    listed = [at for at, kind in enumerate(CRIMES) if kind != "99"]
    pick = _Picker(population, seed)
    found = {
        "D1.incapable": pick.of(INCAPACITY, INCAPACITY.at(population, 0)),
        "D1.minor": pick.born("D1.minor", _next(born)),
        "D1.of-age": pick.born("D1.of-age", born),
        "D2.last-day": pick.sentence(_next(five), listed),
        "D2.five-years": pick.sentence(five, listed),
        "D2.serving": pick.sentence(months_after(today, 6), listed),
        "D2.other-crime": pick.sentence(_next(five), [5]),
        "D2.deprived": pick.sentence(_next(five), [6]),
        "D2.deprived-over": pick.sentence(five, [6]),
        "D3.last-day": pick.of(BANKRUPTCIES, pick.roles(BANKRUPTCIES, _next(three), (1, 2, 3), 1)),
        "D3.three-years": pick.of(BANKRUPTCIES, pick.roles(BANKRUPTCIES, three, (1, 2, 3), 1)),
        "D3.supervisor": pick.of(BANKRUPTCIES, pick.roles(BANKRUPTCIES, _next(three), (4,), 1)),
        "D3.not-liable": pick.of(BANKRUPTCIES, pick.roles(BANKRUPTCIES, _next(three), (1, 2, 3), 0)),
        "D4.last-day": pick.of(REVOCATIONS, pick.roles(REVOCATIONS, _next(three), (1,), 1)),
        "D4.three-years": pick.of(REVOCATIONS, pick.roles(REVOCATIONS, three, (1,), 1)),
        "D4.director": pick.of(REVOCATIONS, pick.roles(REVOCATIONS, _next(three), (2, 3, 4), 1)),
        "D4.not-liable": pick.of(REVOCATIONS, pick.roles(REVOCATIONS, _next(three), (1,), 0)),
        "D5.exactly": pick.of(DEBTS, DEBTS.at(population, round(amount) // STEP - 1)),
        "D5.below": pick.of(DEBTS, DEBTS.at(population, round(amount) // STEP - 2)),
        "D5.all": pick.of(DEBTS, DEBTS.at(population, round(amount) // STEP + 40)),
        "D2.replaced": pick.sentence(_next(_next(five)), listed),
        "D2.director": pick.sentence(_next(_next(five)), listed),
        "facts.irrelevant": pick.of(REVOCATIONS, pick.roles(REVOCATIONS, _next(_next(three)), (1,), 1)),
    }
    people = _founders(population, np.array(list(found.values()), dtype=np.int64))
    return dict(zip(found, people, strict=True))


class _Picker:
    """Picks people with one file each, none twice."""

    def __init__(self, population: Population, seed: str) -> None:
        self.population, self.seed = population, seed
        self.used: set[int] = set()

    def of(self, docket: Docket, numbers: Index) -> int:
        """A grown-up with one of these files and no other."""
        what = f"{docket.name}/{len(self.used)}"
        chosen = numbers[shuffled(self.seed, what, len(numbers))[:CONSIDERED]] if len(numbers) else numbers
        people = docket.persons(self.population, chosen)
        fit = _fit(self.population, people) & _clear(self.population, people, docket)
        return self._first(people[fit], what)

    def sentence(self, day: date, kinds: list[int]) -> int:
        """Somebody whose sentence for one of these kinds of crime ends on a day."""
        numbers = SENTENCES.on(self.population, day)
        return self.of(SENTENCES, numbers[np.isin(crime(self.population, numbers), kinds)])

    def roles(self, docket: Docket, day: date, roles: tuple[int, ...], blame: int) -> Index:
        """Files of a day for one of these offices, with or without personal liability."""
        numbers = docket.on(self.population, day)
        held = np.isin(office(docket, self.population, numbers), roles)
        found: Index = numbers[held & (liable(docket, self.population, numbers) == blame)]
        return found

    def born(self, what: str, day: date) -> int:
        """Somebody born on a day."""
        for batch in draws(self.population, self.seed, what):
            dates = columns(self.population, batch, ["birth_date"])["birth_date"]
            people = batch[dates.astype("datetime64[D]") == np.datetime64(day)]
            if len(people):
                return self._first(people, what)
        raise NoSubject(f"nobody was born on {day}")

    def _first(self, people: Index, what: str) -> int:
        for person in people:
            if int(person) not in self.used:
                self.used.add(int(person))
                return int(person)
        raise NoSubject(f"nobody for {what}")


def _next(day: date) -> date:
    return date.fromordinal(day.toordinal() + 1)


def _fit(population: Population, people: Index) -> NDArray[np.bool_]:
    """Grown-ups in working life, old enough for whatever their file tells of."""
    ages = population.ages(people)
    return np.asarray((ages >= 32) & (ages <= 66))


def _clear(population: Population, people: Index, but: Docket | None = None) -> NDArray[np.bool_]:
    """Whether nothing but a file of one docket is on record."""
    clear = np.ones(len(people), dtype=np.bool_)
    for docket in DOCKETS:
        if docket is not but:
            clear &= docket.numbers(population, people) < 0
    return clear


def _founders(population: Population, people: Index) -> list[Founder]:
    known = columns(population, people, ("citizen_number", "name", "mobile"))
    return [
        Founder(str(known["citizen_number"][at]), str(known["name"][at]), str(known["mobile"][at]))
        for at in range(len(people))
    ]


def brands(seed: str, names: Any) -> Callable[[int], str]:
    """Brands in an order of the seed's own."""
    order = shuffled(seed, "brands", len(names))
    return lambda at: str(names[int(order[at % len(order)])])
