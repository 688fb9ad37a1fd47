"""Families of a hidden country for the newborn suite: married, divorced, apart, strangers, of mixed households.

Drawing them is pure in population and seed, and takes longer than using them, so both are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from conformance.subjects import Columns, Index, Mask, Search, array, columns
from conformance.suites.general import LABELS
from mockdata.population import Population
from mockdata.population.registers import register

PARENT = ("citizen_number", "name", "hukou_division", "household_kind", "mobile")


@dataclass(frozen=True, slots=True)
class Parent:
    """One parent as registered."""

    number: str
    name: str
    division: str
    household: str
    mobile: str


@dataclass(frozen=True, slots=True)
class Family:
    """The parents of one case; `province` is the one in which the child is born."""

    mother: Parent
    father: Parent
    province: str


# Which kind of parents each label needs. The order is fixed: subjects must not depend on which cases run.
MARRIED = (
    "complete.father", "complete.mother", "complete.required-only", "complete.some", "complete.twins",
    "E1.no-power", "E1.unknown-institution", "E1.second-certificate", "E2.born-today", "E2", "E2.future",
    "E4.institution-elsewhere", "E6.in-time", "E6.late", "X1.mother-name", "X1.father-name", "X2.mother-unknown",
    "X2.father-unknown", "C31", "M1", *LABELS,
)  # fmt: skip


@lru_cache(maxsize=4)
def families(population: Population, seed: str) -> Mapping[str, Family]:
    """Parents by label; raises `NoSubject` when the population lacks a kind."""
    married = Search(
        population, seed, "married", lambda people: _pairs(population, people, population.spouse(people)), "mother"
    )
    divorced = Search(
        population,
        seed,
        "divorced",
        lambda people: _pairs(population, people, population.former_spouse(people)),
        "mother",
    )
    found = {label: _pair(married.find(label, _ordinary)) for label in MARRIED}
    found["E3.divorced"] = _pair(divorced.find("E3.divorced", _ordinary))
    found["E5"] = _pair(married.find("E5", _mixed))
    for label in ("E4.mother-elsewhere", "E4.father-elsewhere"):
        apart = _pair(married.find(label, _apart))
        # The child is born where the other parent is registered.
        found[label] = apart if label == "E4.father-elsewhere" else apart._replace(province=apart.fathers)
    for label in ("E3.strangers", "facts.irrelevant"):
        mother = _pair(married.find(f"{label}/mother", _ordinary))
        other = _pair(married.find(f"{label}/father", _near(mother.province)))
        found[label] = mother._replace(father=other.father)
    mother = _pair(married.find("notice.all-rules/mother", _ordinary))
    other = _pair(married.find("notice.all-rules/father", _far(mother.province)))
    found["notice.all-rules"] = mother._replace(father=other.father)
    people = np.array([[pair.mother, pair.father] for pair in found.values()], dtype=np.int64)
    mothers, fathers = (_parents(population, people[:, side]) for side in (0, 1))
    return {label: Family(mothers[row], fathers[row], pair.province) for row, (label, pair) in enumerate(found.items())}


@lru_cache(maxsize=4)
def institutions(population: Population) -> Mapping[str, NDArray[Any]]:
    """Midwifery institutions of the country: code JGDM, issuing power QFQX ("0" or "1"), province (two digits)."""
    known = register("institution")
    batch = known.rows(population, 0, known.count(population), ("JGDM", "XZQH", "QFQX"))
    found = {name: array(batch.column(name)) for name in ("JGDM", "QFQX")}
    return {**found, "province": array(batch.column("XZQH")).astype("U2")}


def _parents(population: Population, index: Index) -> list[Parent]:
    known = columns(population, index, PARENT)
    return [Parent(*(str(known[name][row]) for name in PARENT)) for row in range(len(index))]


def _pairs(population: Population, index: Index, partner: Index) -> dict[str, NDArray[Any]]:
    """Women between 22 and 45 with their partners: both as index, with household kind and province.

    Names and numbers are left until the choice is made: of thousands drawn some dozens are needed.
    """
    index, partner = index[partner >= 0], partner[partner >= 0]
    ages = population.ages(index)
    fit = (ages >= 22) & (ages <= 45)
    index, partner = index[fit], partner[fit]
    women = columns(population, index, ["sex"])["sex"] == "2"
    pairs: dict[str, NDArray[Any]] = {"mother": index[women], "father": partner[women]}
    for role in ("mother", "father"):
        known = columns(population, pairs[role], ["hukou_division", "household_kind"])
        pairs[f"{role}_province"] = known["hukou_division"].astype("U2")
        pairs[f"{role}_kind"] = known["household_kind"].astype("U1")
    return pairs


class _Pair(NamedTuple):
    """A chosen couple before it has names; `fathers` is the province the father is registered in."""

    mother: int
    father: int
    province: str
    fathers: str


def _pair(row: Mapping[str, Any]) -> _Pair:
    return _Pair(int(row["mother"]), int(row["father"]), str(row["mother_province"]), str(row["father_province"]))


def _near(province: str) -> Callable[[Columns], Mask]:
    return lambda pairs: _ordinary(pairs) & np.asarray(pairs["father_province"] == province, dtype=np.bool_)


def _far(province: str) -> Callable[[Columns], Mask]:
    return lambda pairs: _ordinary(pairs) & np.asarray(pairs["father_province"] != province, dtype=np.bool_)


def _same(pairs: Columns) -> Mask:
    return np.asarray(pairs["mother_province"] == pairs["father_province"], dtype=np.bool_)


def _families(pairs: Columns) -> Mask:
    return np.asarray((pairs["mother_kind"] == "1") & (pairs["father_kind"] == "1"), dtype=np.bool_)


def _ordinary(pairs: Columns) -> Mask:
    return _same(pairs) & _families(pairs)


def _apart(pairs: Columns) -> Mask:
    return ~_same(pairs) & _families(pairs)


def _mixed(pairs: Columns) -> Mask:
    """The father in a collective household, the mother in a family's."""
    kinds = (pairs["father_kind"] == "2") & (pairs["mother_kind"] == "1")
    return _same(pairs) & np.asarray(kinds, dtype=np.bool_)
