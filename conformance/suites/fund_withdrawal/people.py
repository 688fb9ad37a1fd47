"""People of a hidden country for the fund suite: who may withdraw on which ground, and who just may not.

Drawing them is pure in population and seed, and takes longer than using them, so both are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from conformance.subjects import Columns, Index, Mask, Search, array, columns
from conformance.suites import general
from mockdata.population import Population
from mockdata.population.registers import register
from mockdata.population.registers.heirs import child

Table = dict[str, NDArray[Any]]
LEAST, MOST_WAGES = 2_000, 40_000


@dataclass(frozen=True, slots=True)
class Person:
    """One person with what the registers hold about withdrawals; `other` is the spouse, or the heir of the dead."""

    number: str
    name: str
    mobile: str
    balance: int
    facts: Mapping[str, Any]
    other: Person | None = None


# The register each fact is read from, by element.
FACTS = {
    "fund_account": ("ZHYE", "ZHZTDM"),
    "work_capacity": ("TXZTDM", "TXRQ", "LDNLDM", "LDGXDM"),
    "sale_contract": ("WQHTBH",),
    "housing_loan": ("DKHTBH", "HKZE"),
    "home_owner": ("ZFTS",),
}

# Which ground each label needs somebody for. The order is fixed: subjects must not depend on which cases run.
PURCHASE = (
    "complete.G1", "E2.edge", "E2.rest", "E11.no-contract", "E11.other-name", "X1", "X2", "M1", "due.third-day",
    "close.kept", *general.LABELS,
)  # fmt: skip


@lru_cache(maxsize=4)
def people(population: Population, seed: str, today: str) -> Mapping[str, Person]:
    """People by label; raises `NoSubject` when the population lacks a kind."""
    drawn = Search(population, seed, "fund", lambda index: _table(population, index), "index")
    couples = Search(population, seed, "couples", lambda index: _couples(population, index), "index")
    dead = Search(population, seed, "dead", lambda index: _dead(population, index), "index")
    found: dict[str, dict[str, Any]] = {label: drawn.find(label, _buys) for label in PURCHASE}
    singles: dict[str, Callable[[Columns], Mask]] = {
        "E1.none": lambda t: ~t["account"] & (t["contract"] != ""),
        "E1.closed": lambda t: t["account"] & (t["state"] == "09") & (t["contract"] != ""),
        "E1.frozen": lambda t: t["account"] & (t["state"] == "03") & (t["contract"] != ""),
        "complete.G2": _retired,
        "E3": _retired,
        "close.after": _retired,
        "close.sent": _retired,
        "read.generous": _retired,
        "E12.employed": lambda t: _open(t) & (t["retirement"] == "0") & (t["relation"] == "1"),
        "facts.irrelevant": lambda t: _open(t) & (t["retirement"] == "0") & (t["contract"] != "") & (t["homes"] == 0),
        "E12.today": lambda t: _open(t) & (t["retired_on"] == today),
        "E12.tomorrow": lambda t: _open(t) & (t["retired_on"] == _next(today)),
        "complete.G3": lambda t: _open(t) & (t["capacity"] == "3") & (t["relation"] == "2"),
        "E13.able": lambda t: _open(t) & (t["capacity"] == "1") & (t["relation"] == "2"),
        "E13.partly": lambda t: _open(t) & (t["capacity"] == "2") & (t["relation"] == "2"),
        "E14.employed": lambda t: _open(t) & (t["capacity"] == "3") & (t["relation"] == "1"),
        "notice.capacity": lambda t: _open(t) & (t["capacity"] == "1") & (t["relation"] == "1"),
        "complete.G4": lambda t: _open(t) & t["abroad"],
        "E15": lambda t: _open(t) & ~t["abroad"],
        "complete.G5": _borrows,
        "E16": _borrows,
        "E17": lambda t: _borrows(t) & (t["repaid"] * 2 + 10 < t["balance"]),
        "complete.G6": _rents,
        "E20": _rents,
        "E19.own": lambda t: _earns(t) & (t["homes"] > 0),
        "fault.wages": _rents,
        "E22.stranger": lambda t: t["index"] >= 0,
    }
    for label, condition in singles.items():
        found[label] = drawn.find(label, condition)
    pairs: dict[str, Callable[[Columns], Mask]] = {
        "complete.G6-family": lambda t: _family(t) & ~t["divorced"],
        "E20.family": lambda t: _family(t) & ~t["divorced"] & (t["wages"] > 0) & (t["wages_other"] > 0),
        "X3.spouse": lambda t: _family(t) & ~t["divorced"],
        "X4.spouse": lambda t: _family(t) & ~t["divorced"],
        "fault.spouse": lambda t: _family(t) & ~t["divorced"] & (t["wages_other"] > 0),
        "E21.alive": lambda t: _open(t) & ~t["divorced"],
        "E18.divorced": lambda t: _family(t) & t["divorced"],
        "E19.spouse": lambda t: _open(t) & ~t["divorced"] & (t["homes"] == 0) & (t["homes_other"] > 0),
        "notice.all-rules": lambda t: _open(t) & ~t["divorced"] & (t["homes"] > 0) & (t["wages"] > LEAST),
    }
    for label, condition in pairs.items():
        found[label] = couples.find(label, condition)
    for label in ("complete.G7", "X3.heir", "E22"):
        found[label] = dead.find(label, lambda t: _open(t) & (t["other"] >= 0))
    found["E18.strangers"] = {**drawn.find("E18.strangers", _rents)}
    found["E18.strangers"]["other"] = drawn.find("E18.strangers/other", _rents)["index"]
    return _described(population, found)


def _next(today: str) -> str:
    return str(np.datetime64(today) + np.timedelta64(1, "D"))


def _open(t: Columns) -> Mask:
    return np.asarray(t["account"] & ((t["state"] == "01") | (t["state"] == "02")) & (t["balance"] >= 1_000))


def _buys(t: Columns) -> Mask:
    return np.asarray(_open(t) & (t["contract"] != "") & (t["retirement"] == "0"))


def _retired(t: Columns) -> Mask:
    return np.asarray(_open(t) & (t["retirement"] == "1") & (t["retired_on"] < "2026-11-01"))


def _borrows(t: Columns) -> Mask:
    return np.asarray(_open(t) & (t["loan"] != "") & (t["repaid"] + 10 < t["balance"]))


def _earns(t: Columns) -> Mask:
    return np.asarray(_open(t) & (t["wages"] > LEAST) & (t["wages"] < MOST_WAGES) & (t["wages"] % 4 == 0))


def _rents(t: Columns) -> Mask:
    return np.asarray(_earns(t) & (t["homes"] == 0))


def _family(t: Columns) -> Mask:
    """No home of their own, and wages whose quarter is whole yuan."""
    total = t["wages"] + t["wages_other"]
    homeless = (t["homes"] == 0) & (t["homes_other"] == 0)
    return np.asarray(_open(t) & homeless & (total % 4 == 0) & (total > LEAST) & (total < MOST_WAGES))


def _table(population: Population, index: Index) -> Table:
    """Grown-ups of the drawn people with their facts, absent texts empty."""
    index = index[population.ages(index) >= 20]
    found: Table = {"index": index, "other": np.full(len(index), -1, dtype=np.int64)}
    fund = _facts(population, "fund_account", index)
    work = _facts(population, "work_capacity", index)
    found["account"], found["state"], found["balance"] = fund["there"], fund["ZHZTDM"], fund["ZHYE"]
    found["retirement"], found["capacity"], found["relation"] = work["TXZTDM"], work["LDNLDM"], work["LDGXDM"]
    found["retired_on"] = work["TXRQ"]
    for name, one, element in (("contract", "sale_contract", "WQHTBH"), ("loan", "housing_loan", "DKHTBH")):
        known = _facts(population, one, index)
        found[name] = np.where(known["there"], known[element], "")
        if name == "loan":
            found["repaid"] = known["HKZE"]
    found["abroad"] = register("settling_abroad").placed(population, index) >= 0
    found["homes"] = _homes(population, index)
    found["wages"] = _wages(population, index)
    return found


def _facts(population: Population, name: str, index: Index) -> Table:
    """Facts of a register as arrays; `there`: whether the register has the person."""
    known = register(name)
    read = known.describe(population, index, FACTS[name])
    found = {element: _plain(column) for element, column in read.items()}
    return {"there": known.placed(population, index) >= 0, **found}


def _plain(column: pa.Array) -> NDArray[Any]:
    if pa.types.is_date(column.type):
        return np.array(["" if day is None else day.isoformat() for day in column.to_pylist()], dtype=object)
    return array(column)


def _homes(population: Population, index: Index) -> NDArray[Any]:
    return array(register("home_owner").describe(population, index, ("ZFTS",))["ZFTS"])


def _wages(population: Population, index: Index) -> NDArray[Any]:
    """Whole yuan a month, 0 for none."""
    income = population.persons(index, ["monthly_income"])["monthly_income"].cast(pa.float64()).fill_null(0)
    return np.asarray(income.to_numpy(), dtype=np.float64).astype(np.int64)


def _couples(population: Population, index: Index) -> Table:
    """The drawn people who have or had a spouse, with the spouse's wages and homes."""
    now, former = population.spouse(index), population.former_spouse(index)
    other = np.where(now >= 0, now, former)
    kept = (other >= 0) & (population.ages(index) >= 22)
    found = _table(population, index[kept])
    spouses = other[kept]
    found["other"], found["divorced"] = spouses, now[kept] < 0
    found["wages_other"], found["homes_other"] = _wages(population, spouses), _homes(population, spouses)
    return found


def _dead(population: Population, index: Index) -> Table:
    """Some of the dead with their accounts and the child who is heir."""
    deaths = register("death")
    people = np.unique(deaths.things(population, index % deaths.count(population)))
    fund = _facts(population, "fund_account", people)
    return {
        "index": people,
        "account": fund["there"],
        "state": fund["ZHZTDM"],
        "balance": fund["ZHYE"],
        "other": child(population, people),
    }


def _described(population: Population, found: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Person]:
    index = np.array([row["index"] for row in found.values()], dtype=np.int64)
    others = np.array([max(row["other"], 0) for row in found.values()], dtype=np.int64)
    attributes = ("citizen_number", "name", "mobile")
    own, their = columns(population, index, attributes), columns(population, others, attributes)
    wanted = ("contract", "loan", "repaid", "wages", "wages_other")

    def person(known: Mapping[str, NDArray[Any]], row: int, balance: int, facts: Mapping[str, Any]) -> Person:
        number, name, mobile = (str(known[attribute][row]) for attribute in attributes)
        return Person(number, name, mobile, balance, facts)

    described = {}
    for row, (label, known) in enumerate(found.items()):
        facts = {name: known[name] for name in wanted if name in known}
        one = person(own, row, int(known.get("balance", 0)), facts)
        described[label] = replace(one, other=person(their, row, 0, {})) if known["other"] >= 0 else one
    return described
