"""What the newborn suite knows of one hidden country: families for its cases, institutions, and the right answers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from conformance.case import Text
from conformance.gateway import Gateway
from conformance.oracle import Expectation, OracleError, expect
from conformance.subjects import Columns, Index, Mask, NoSubject, Search, columns, shuffled
from conformance.suites.suite import Suite
from mockdata.population import Population
from mockdata.registers import register

PARENT = ("citizen_number", "name", "hukou_division", "household_kind", "mobile")
SYLLABLES = "安宁子涵欣怡浩宇梓轩雨桐思远嘉言若溪明哲语晨锦程清和"


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
    "X2.father-unknown", "C31", "M1", "fault.branch", "fault.trunk", "fault.resume", "fault.check",
    "fault.first-write", "once.repeat", "once.other-body", "access.read-back", "access.foreign-token",
    "access.foreign-resumption", "access.same-key", "access.same-key/other", "access.no-token",
    "access.gateway", "input",
)  # fmt: skip


class Newborn:
    """The world of the newborn suite under one seed; `today` is the virtual day of handling."""

    def __init__(self, suite: Suite[Newborn], gateway: Gateway, population: Population, seed: str, today: date) -> None:
        self.suite, self.gateway, self.population = suite, gateway, population
        self.seed, self.today = seed, today
        self.ignored: frozenset[str] = frozenset()
        """Rules the app has not minded in their own cases."""
        self._answers: dict[str, Any] = {}

    # -- subjects ------------------------------------------------------------------------------------------

    @cached_property
    def families(self) -> Mapping[str, Family]:
        """Parents by label, drawn once in a fixed order."""
        married = Search(self.population, self.seed, "married", self._couples, "mother")
        divorced = Search(self.population, self.seed, "divorced", self._divorced, "mother")
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
        mothers, fathers = (self._parents(people[:, side]) for side in (0, 1))
        return {
            label: Family(mothers[row], fathers[row], pair.province) for row, (label, pair) in enumerate(found.items())
        }

    def _parents(self, index: Index) -> list[Parent]:
        known = columns(self.population, index, PARENT)
        return [Parent(*(str(known[name][row]) for name in PARENT)) for row in range(len(index))]

    def _couples(self, index: Index) -> dict[str, NDArray[Any]]:
        return self._pairs(index, self.population.spouse(index))

    def _divorced(self, index: Index) -> dict[str, NDArray[Any]]:
        return self._pairs(index, self.population.former_spouse(index))

    def _pairs(self, index: Index, partner: Index) -> dict[str, NDArray[Any]]:
        """Women between 22 and 45 with their partners: both as index, with household kind and province.

        Names and numbers are left until the choice is made: of thousands drawn some dozens are needed.
        """
        index, partner = index[partner >= 0], partner[partner >= 0]
        ages = self.population.ages(index)
        fit = (ages >= 22) & (ages <= 45)
        index, partner = index[fit], partner[fit]
        women = columns(self.population, index, ["sex"])["sex"] == "2"
        pairs: dict[str, NDArray[Any]] = {"mother": index[women], "father": partner[women]}
        for role in ("mother", "father"):
            known = columns(self.population, pairs[role], ["hukou_division", "household_kind"])
            pairs[f"{role}_province"] = known["hukou_division"].astype("U2")
            pairs[f"{role}_kind"] = known["household_kind"].astype("U1")
        return pairs

    @cached_property
    def _institutions(self) -> Mapping[str, NDArray[Any]]:
        """Midwifery institutions of the country: code, division, issuing power ("0" or "1")."""
        institutions = register("institution")
        names = ("JGDM", "XZQH", "QFQX")
        batch = institutions.rows(self.population, 0, institutions.count(self.population), names)
        return {name: batch.column(name).to_numpy(zero_copy_only=False) for name in names}

    def institution(self, label: str, province: str, *, power: bool = True, elsewhere: bool = False) -> str:
        """An institution in (or outside) a province, with or without issuing power; raises `NoSubject`."""
        known = self._institutions
        here = np.array([code[:2] == province for code in known["XZQH"]])
        rows = np.flatnonzero((here != elsewhere) & (known["QFQX"] == ("1" if power else "0")))
        if not len(rows):
            raise NoSubject(f"no institution for {label!r} in province {province}")
        return str(known["JGDM"][rows[shuffled(self.seed, f"institution/{label}", len(rows))[0]]])

    def no_institution(self, label: str) -> str:
        """A well-formed institution code that no institution has."""
        known = self._institutions["JGDM"]
        taken = set(known)
        for attempt in range(1000):
            digest = hashlib.sha256(f"{self.seed}/{label}/{attempt}".encode()).digest()
            organisation = "".join(str(byte % 10) for byte in digest[:8])
            body = str(known[0])[:8] + organisation + _inner_check(organisation)
            if body[-1] != "X" and body + _outer_check(body) not in taken:
                return body + _outer_check(body)
        raise NoSubject("every institution code is taken")

    def nobodys(self, number: str) -> str:
        """A well-formed citizen number like this one that nobody has."""
        for sequence in range(999, 0, -1):
            if sequence % 2 == int(number[16]) % 2:
                body = number[:14] + f"{sequence:03d}"
                candidate = body + _check(body)
                if self.population.index_of([candidate])[0] < 0:
                    return candidate
        raise NoSubject(f"every number of {number[:6]} on {number[6:14]} is somebody's")

    # -- applications --------------------------------------------------------------------------------------

    def days_old(self, days: int) -> date:
        """The day so many days before today."""
        return self.today - timedelta(days=days)

    def application(
        self,
        label: str,
        *,
        name: str = "",
        family: Family | None = None,
        follow: str = "father",
        born: date | None = None,
        institution: str | None = None,
        order: int | None = None,
        services: list[str] | None = None,
    ) -> dict[str, Any]:
        """An application of the family `label`, complete unless told otherwise.

        `name` keys what may differ freely (the child's name, sex, hour of birth); a child is 3 to 25 days old.
        """
        parents = family or self.families[label]
        random = hashlib.sha256(f"{self.seed}/child/{label}/{name}".encode()).digest()
        child: dict[str, Any] = {
            "XM": parents.father.name[0]
            + SYLLABLES[random[0] % len(SYLLABLES)]
            + SYLLABLES[random[1] % len(SYLLABLES)],
            "XBDM": "12"[random[2] % 2],
            "CSRQ": (born or self.days_old(3 + random[3] % 23)).isoformat(),
            "CSSJ": f"{random[4] % 24:02d}:{random[5] % 60:02d}",
            "JGDM": institution or self.institution(label, parents.province),
        }
        if order is not None:
            child["CSSX"] = order
        applicant = parents.mother if random[6] % 2 else parents.father
        application: dict[str, Any] = {
            "newborn": child,
            "mother": {"XM": parents.mother.name, "GMSFHM": parents.mother.number},
            "father": {"XM": parents.father.name, "GMSFHM": parents.father.number},
            "follow": follow,
            "guardian_consent": True,
            "applicant": {"XM": applicant.name, "GMSFHM": applicant.number, "LXDH": applicant.mobile},
        }
        if services is not None:
            application["services"] = services
        return application

    def expect(self, application: Mapping[str, Any]) -> Expectation:
        """What follows from the data for an application."""
        facts = {
            "newborn": application.get("newborn", {}),
            "mother": application.get("mother", {}),
            "father": application.get("father", {}),
            "today": self.today.isoformat(),
            "settings": dict(self.suite.settings),
        }
        return expect(self.suite.rules, self.suite.stages, application, facts, lambda: self._learn(application))

    def _learn(self, application: Mapping[str, Any]) -> Mapping[str, Any]:
        """The answers of the four checks, asked of the departments directly."""
        mother, father = application["mother"], application["father"]
        couple = {
            "NAN_XM": father["XM"],
            "NAN_GMSFHM": father["GMSFHM"],
            "NV_XM": mother["XM"],
            "NV_GMSFHM": mother["GMSFHM"],
        }
        code = application["newborn"]["JGDM"]
        return {
            "marriage": self._ask("civil-affairs.marriages", "POST", "/marriage-checks", couple),
            "mother_household": self._ask("police.households", "POST", "/household-checks", dict(mother)),
            "father_household": self._ask("police.households", "POST", "/household-checks", dict(father)),
            "institution": self._ask("health.birth-certificates", "GET", f"/midwifery-institutions/{code}", None),
        }

    def _ask(self, interface: str, method: str, path: str, body: Any) -> Any:
        name = json.dumps([interface, path, body], sort_keys=True)
        if name not in self._answers:
            self._answers[name] = self._asked(interface, method, path, body)
        return self._answers[name]

    def _asked(self, interface: str, method: str, path: str, body: Any) -> Any:
        status, answer = self.gateway.ask(interface, method, path, body)
        if status == 404:
            return None
        if status != 200:
            raise OracleError(f"{interface}{path} answers {status}: {answer}")
        return answer


def subject(application: Mapping[str, Any], what: Text | None = None) -> Text:
    """An application in one line for people."""
    newborn, mother, father = (application.get(n) or {} for n in ("newborn", "mother", "father"))
    told = {
        "zh_CN": f"新生儿 {newborn.get('XM', '–')}（{newborn.get('CSRQ', '–')} 生），"
        f"母亲 {mother.get('XM', '–')} {mother.get('GMSFHM', '–')}，"
        f"父亲 {father.get('XM', '–')} {father.get('GMSFHM', '–')}",
        "en": f"newborn {newborn.get('XM', '–')} (born {newborn.get('CSRQ', '–')}), "
        f"mother {mother.get('XM', '–')} {mother.get('GMSFHM', '–')}, "
        f"father {father.get('XM', '–')} {father.get('GMSFHM', '–')}",
    }
    return {language: f"{words}；{what[language]}" if what else words for language, words in told.items()}


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


def _check(body: str) -> str:
    """The check character of 17 digits (GB 11643, ISO 7064 MOD 11-2)."""
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return "10X98765432"[sum(int(d) * w for d, w in zip(body, weights, strict=True)) % 11]


def _inner_check(body: str) -> str:
    """The check character of an organisation code of 8 digits (GB 11714)."""
    rest = 11 - sum(int(d) * w for d, w in zip(body, (3, 7, 9, 10, 5, 8, 4, 2), strict=True)) % 11
    return {10: "X", 11: "0"}.get(rest, str(rest))


def _outer_check(body: str) -> str:
    """The check character of a unified social credit code (GB 32100)."""
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    total = sum(alphabet.index(c) * pow(3, i, 31) for i, c in enumerate(body))
    return alphabet[(31 - total % 31) % 31]
