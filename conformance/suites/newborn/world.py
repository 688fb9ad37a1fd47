"""What the newborn suite knows of one hidden country: families for its cases, institutions, and the right answers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import numpy as np

from conformance.case import Text
from conformance.gateway import Gateway
from conformance.oracle import Expectation, OracleError, expect
from conformance.subjects import NoSubject, shuffled
from conformance.suites.newborn.families import Family, families, institutions
from conformance.suites.suite import Suite
from mockdata.population import Population
from specs.check_digits import citizen_check, organisation_check, uscc_check

SYLLABLES = "安宁子涵欣怡浩宇梓轩雨桐思远嘉言若溪明哲语晨锦程清和"


class Newborn:
    """The world of the newborn suite under one seed; `today` is the virtual day of handling."""

    def __init__(self, suite: Suite[Newborn], gateway: Gateway, population: Population, seed: str, today: date) -> None:
        self.suite, self.gateway, self.population = suite, gateway, population
        self.seed, self.today = seed, today
        self.ignored: frozenset[str] = frozenset()
        """Rules the app has not minded in their own cases."""
        self._answers: dict[str, Any] = {}

    # -- subjects ------------------------------------------------------------------------------------------

    @property
    def families(self) -> Mapping[str, Family]:
        """Parents by label, the same whatever cases run."""
        return families(self.population, self.seed)

    def institution(self, label: str, province: str, *, power: bool = True, elsewhere: bool = False) -> str:
        """An institution in (or outside) a province, with or without issuing power; raises `NoSubject`."""
        known = institutions(self.population)
        here = known["province"] == province
        rows = np.flatnonzero((here != elsewhere) & (known["QFQX"] == ("1" if power else "0")))
        if not len(rows):
            raise NoSubject(f"no institution for {label!r} in province {province}")
        return str(known["JGDM"][rows[shuffled(self.seed, f"institution/{label}", len(rows))[0]]])

    def no_institution(self, label: str) -> str:
        """A well-formed institution code that no institution has."""
        known = institutions(self.population)["JGDM"]
        taken = set(known)
        for attempt in range(1000):
            digest = hashlib.sha256(f"{self.seed}/{label}/{attempt}".encode()).digest()
            organisation = "".join(str(byte % 10) for byte in digest[:8])
            body = str(known[0])[:8] + organisation + organisation_check(organisation)
            code = body + uscc_check(body) if body[-1] != "X" else ""
            if code and code not in taken:
                return code
        raise NoSubject("every institution code is taken")

    def nobodys(self, number: str) -> str:
        """A well-formed citizen number like this one that nobody has."""
        for sequence in range(999, 0, -1):
            if sequence % 2 == int(number[16]) % 2:
                body = number[:14] + f"{sequence:03d}"
                candidate = body + citizen_check(body)
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
