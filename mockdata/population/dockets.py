"""What bars a person from heading a firm: sentences, bankruptcies, revoked licences, overdue debts, want of capacity.

A docket gives numbered files to a fixed share of the persons of the base date by a keyed permutation, so it is asked
both ways at the same cost: which file a person has, and who has a given file. What a file says follows from its number:
its day (or amount) by the remainder, so the files of any one day are found without search; the rest is hashed. Shares
and spans are a model; no figures exist. Persons too young for a file's event have none.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np

from mockdata.population.population import Population
from mockdata.seeds import Bijection, Ints, below, hashed, stream

BASE = date(2026, 11, 1)
GROWN = 20
"""Years a person must have lived before the event a file tells of."""
STEP = 10_000
"""Overdue debts are multiples of it, in yuan."""
CRIMES = ("01", "02", "03", "04", "05", "99", "99", "05")
"""Kinds of crime; the second 99 is a crime with a deprivation of political rights."""
_DEPRIVED = 6


@dataclass(frozen=True, slots=True)
class Docket:
    """One series of files. `share` is how many persons of a thousand have one; files are dealt over `span` remainders,
    the remainder 0 standing for the day `first`."""

    name: str
    share: int
    span: int
    first: date = BASE

    def _mixer(self, population: Population) -> Bijection:
        return Bijection(stream(population.seed, "docket", self.name))

    def count(self, population: Population) -> int:
        """How many files there are."""
        return population.size * self.share // 1_000

    def numbers(self, population: Population, index: Ints) -> Ints:
        """The number of each person's file, -1 for persons without one."""
        size = population.size
        inside = (index >= 0) & (index < size)
        number = self._mixer(population).backward(np.where(inside, index, 0), size)
        return np.where(inside & (number < self.count(population)), number, -1)

    def persons(self, population: Population, numbers: Ints) -> Ints:
        """The persons who have these files."""
        return self._mixer(population).forward(numbers, population.size)

    def at(self, population: Population, remainder: int) -> Ints:
        """The numbers of all files of one remainder."""
        return np.arange(remainder % self.span, self.count(population), self.span, dtype=np.int64)

    def on(self, population: Population, day: date) -> Ints:
        """The numbers of the files of one day; none for a day outside the span."""
        days = (day - self.first).days
        return self.at(population, days) if 0 <= days < self.span else np.empty(0, dtype=np.int64)

    def day(self, number: int) -> date:
        """The day of a file."""
        return self.first + timedelta(days=number % self.span)

    def draw(self, population: Population, numbers: Ints, purpose: str, n: int) -> Ints:
        """A number below `n` for each file."""
        return below(hashed(stream(population.seed, "docket", self.name, purpose), numbers), n)


SENTENCES = Docket("sentences", 15, 12 * 366, date(2017, 11, 1))
"""Ended from nine years before the base date on, or to end within three years after it."""
BANKRUPTCIES = Docket("bankruptcies", 10, 8 * 365, date(2018, 11, 3))
REVOCATIONS = Docket("revocations", 10, 8 * 365, date(2018, 11, 3))
DEBTS = Docket("debts", 20, 200)
INCAPACITY = Docket("incapacity", 5, 2)
DOCKETS = (SENTENCES, BANKRUPTCIES, REVOCATIONS, DEBTS, INCAPACITY)


def crime(population: Population, numbers: Ints) -> Ints:
    """Position in `CRIMES` of each sentence."""
    return SENTENCES.draw(population, numbers, "crime", len(CRIMES))


def office(docket: Docket, population: Population, numbers: Ints) -> Ints:
    """1 legal representative, 2 director, 3 manager, 4 supervisor, of each bankruptcy or revocation."""
    return np.array([1, 1, 1, 2, 2, 3, 4, 4])[docket.draw(population, numbers, "office", 8)]


def liable(docket: Docket, population: Population, numbers: Ints) -> Ints:
    """1 where the person is personally liable for the bankruptcy or revocation, else 0."""
    return (docket.draw(population, numbers, "liable", 3) > 0).astype(np.int64)


def restrictions(population: Population, index: int, born: date, today: date) -> dict[str, Any]:
    """What the court, the registry of firms and the central bank hold on a person, element → JSON value.

    Dates as ISO 8601, None where there is nothing; the overdue debt is 0.0 then. Capacity is that of `today`.
    """
    told: dict[str, Any] = dict.fromkeys(
        ("ZMLBDM", "XFQMRQ", "BQQMRQ", "PCZWDM", "PCGRZR", "PCWJRQ", "DXZWDM", "DXGRZR", "DXRQ")
    )
    told |= {"MSXWNLDM": _capacity(population, index, born, today), "YQWQCJE": 0.0, "ZWBS": 0}
    for docket, names in ((BANKRUPTCIES, ("PCZWDM", "PCGRZR", "PCWJRQ")), (REVOCATIONS, ("DXZWDM", "DXGRZR", "DXRQ"))):
        number = _file(docket, population, index, born)
        if number is not None:
            at = np.array([number], dtype=np.int64)
            role, blame = int(office(docket, population, at)[0]), int(liable(docket, population, at)[0])
            told |= dict(zip(names, (str(role), str(blame), docket.day(number).isoformat()), strict=True))
    number = _file(SENTENCES, population, index, born)
    if number is not None:
        kind, day = int(crime(population, np.array([number], dtype=np.int64))[0]), SENTENCES.day(number)
        deprived = kind == _DEPRIVED
        told |= {
            "ZMLBDM": CRIMES[kind],
            "XFQMRQ": (day - timedelta(days=400) if deprived else day).isoformat(),
            "BQQMRQ": day.isoformat() if deprived else None,
        }
    number = _file(DEBTS, population, index, born)
    if number is not None:
        told |= {"YQWQCJE": float(STEP * (1 + number % DEBTS.span)), "ZWBS": 1 + number % 3}
    return told


def _file(docket: Docket, population: Population, index: int, born: date) -> int | None:
    number = int(docket.numbers(population, np.array([index], dtype=np.int64))[0])
    event = docket.day(number) if docket not in (DEBTS, INCAPACITY) else BASE
    return number if number >= 0 and years_old(born, min(event, BASE)) >= GROWN else None


def years_old(born: date, day: date) -> int:
    """Completed years on a day."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def _capacity(population: Population, index: int, born: date, today: date) -> str:
    """1 full, 2 limited, 3 none: by age, and for grown-ups by a court's declaration."""
    years = years_old(born, today)
    if years < 18:
        return "2" if years >= 8 else "3"
    number = _file(INCAPACITY, population, index, born)
    return "1" if number is None else "23"[number % 2]
