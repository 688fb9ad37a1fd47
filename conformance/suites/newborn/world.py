"""What the newborn suite knows of one hidden country: families for its cases, institutions, and the right answers."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np

from conformance.case import Text
from conformance.subjects import NoSubject, shuffled
from conformance.suites.newborn.families import Family, families, institutions
from conformance.suites.world import World
from specs.check_digits import organisation_check, uscc_check

SYLLABLES = "安宁子涵欣怡浩宇梓轩雨桐思远嘉言若溪明哲语晨锦程清和"


class Newborn(World):
    """The world of the newborn suite."""

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

    # -- applications --------------------------------------------------------------------------------------

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

    def refusable(self, label: str, variant: int = 0) -> tuple[dict[str, Any], frozenset[str]]:
        """A child far too old."""
        return self.application(label, name="late", born=self.days_old(900 + variant)), frozenset({"E2"})

    def facts(self, application: Mapping[str, Any]) -> Mapping[str, Any]:
        """The child and its parents as applied for."""
        return {name: application.get(name, {}) for name in ("newborn", "mother", "father")}

    def learn(self, application: Mapping[str, Any]) -> Mapping[str, Any]:
        """The answers of the four checks."""
        mother, father = application["mother"], application["father"]
        couple = {
            "NAN_XM": father["XM"],
            "NAN_GMSFHM": father["GMSFHM"],
            "NV_XM": mother["XM"],
            "NV_GMSFHM": mother["GMSFHM"],
        }
        code = application["newborn"]["JGDM"]
        return {
            "marriage": self.ask("civil-affairs.marriages", "POST", "/marriage-checks", couple),
            "mother_household": self.ask("police.households", "POST", "/household-checks", dict(mother)),
            "father_household": self.ask("police.households", "POST", "/household-checks", dict(father)),
            "institution": self.ask("health.birth-certificates", "GET", f"/midwifery-institutions/{code}", None),
        }

    def describe(self, application: Mapping[str, Any]) -> Text:
        """The child and its parents."""
        newborn, mother, father = (application.get(n) or {} for n in ("newborn", "mother", "father"))
        return {
            "zh_CN": f"新生儿 {newborn.get('XM', '–')}（{newborn.get('CSRQ', '–')} 生），"
            f"母亲 {mother.get('XM', '–')} {mother.get('GMSFHM', '–')}，"
            f"父亲 {father.get('XM', '–')} {father.get('GMSFHM', '–')}",
            "en": f"newborn {newborn.get('XM', '–')} (born {newborn.get('CSRQ', '–')}), "
            f"mother {mother.get('XM', '–')} {mother.get('GMSFHM', '–')}, "
            f"father {father.get('XM', '–')} {father.get('GMSFHM', '–')}",
        }
