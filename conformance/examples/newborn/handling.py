"""How the newborn app decides and acts, free of HTTP: gaps, checks, rules, steps.

Every decision is one method, so that an app that is wrong in exactly one way overrides exactly one of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from conformance.examples.carrying import Carrying
from conformance.examples.departments import DepartmentRefused, Departments
from conformance.examples.handled import CHINA
from conformance.examples.newborn import rules
from conformance.examples.newborn.matter import Matter, sent
from conformance.examples.newborn.rules import Facts


class Handling(Carrying):
    """The decisions and steps of a newborn app as the published documents ask for them."""

    NEEDS, CHECKS = rules.NEEDS, rules.CHECKS
    FIRST, TAKEN = "N2", "E1"

    # -- deciding ------------------------------------------------------------------------------------------

    def today(self, told: str | None) -> date:
        """The day of handling: the platform says it on request, else the app's own clock in China."""
        return date.fromisoformat(told) if told else datetime.now(CHINA).date()

    def gaps(self, application: Mapping[str, Any]) -> list[tuple[str, rules.Text]]:
        """M1: everything that is missing, all at once."""
        found = []
        for pointer, message in rules.GAPS.items():
            value: Any = application
            for name in pointer[1:].split("/"):
                value = value.get(name) if isinstance(value, Mapping) else None
            if value is None:
                found.append((pointer, message))
        return found

    def consents(self, application: Mapping[str, Any]) -> bool:
        """C31: the guardian agreed."""
        return application.get("guardian_consent") is True

    def corrections(self, facts: Facts) -> list[str]:
        """X1 and X2: do names and numbers agree with the registers?"""
        matches = {str(answer["PPJG"]) for answer in facts.values() if answer and "PPJG" in answer}
        return [rule for rule, code in (("X1", "2"), ("X2", "3")) if code in matches]

    def refusals(self, matter: Matter) -> list[str]:
        """Every rule of E1 to E5 that does not hold."""
        judges = {"E1": self.e1, "E2": self.e2, "E3": self.e3, "E4": self.e4, "E5": self.e5}
        return [rule for rule, holds in judges.items() if not holds(matter)]

    def e1(self, matter: Matter) -> bool:
        institution = matter.facts["institution"]
        return institution is not None and institution["QFQX"] == "1"

    def e2(self, matter: Matter) -> bool:
        born = date.fromisoformat(matter.application["newborn"]["CSRQ"])
        return born <= matter.today < rules.months_after(born, rules.LIMIT_MONTHS)

    def e3(self, matter: Matter) -> bool:
        marriage = matter.facts["marriage"]
        return marriage is not None and marriage["ZT"] == "20"

    def e4(self, matter: Matter) -> bool:
        institution = matter.facts["institution"]
        if institution is None:
            return True
        here = rules.province(institution["XZQH"])
        parents = [matter.facts[parent] or {} for parent in ("mother", "father")]
        return all(rules.province(p["HJXZQH"]) == here and p["ZT"] == "1" for p in parents)

    def e5(self, matter: Matter) -> bool:
        household = matter.facts[matter.application["follow"]]
        return household is not None and household["HB"] == "1"

    def e6(self, matter: Matter) -> bool:
        born = date.fromisoformat(matter.application["newborn"]["CSRQ"])
        return matter.today <= rules.months_after(born, 1)

    # -- the four checks -----------------------------------------------------------------------------------

    def check(self, matter: Matter, departments: Departments) -> None:
        """Ask what the rules need to know, and no more."""
        application = matter.application
        mother, father = application["mother"], application["father"]
        marriage = {
            "NAN_XM": father["XM"],
            "NAN_GMSFHM": father["GMSFHM"],
            "NV_XM": mother["XM"],
            "NV_GMSFHM": mother["GMSFHM"],
        }
        facts: dict[str, Mapping[str, Any] | None] = {}
        facts["marriage"] = departments.ask(
            "POST", "civil-affairs.marriages", "/marriage-checks", ["PPJG", "ZT"], marriage
        )
        for name, parent in (("mother", mother), ("father", father)):
            facts[name] = departments.ask(
                "POST",
                "police.households",
                "/household-checks",
                ["PPJG", "HJXZQH", "HB", "ZT"],
                {"XM": parent["XM"], "GMSFHM": parent["GMSFHM"]},
            )
        facts["institution"] = self.institution(application["newborn"]["JGDM"], departments)
        matter.facts = facts
        for step in rules.CHECKS:
            matter.steps[step] = "done"

    def institution(self, code: str, departments: Departments) -> Mapping[str, Any] | None:
        try:
            return departments.ask(
                "GET", "health.birth-certificates", f"/midwifery-institutions/{code}", ["QFQX", "XZQH"]
            )
        except DepartmentRefused as refused:
            if refused.status == 404:
                return None
            raise

    # -- the steps that write ------------------------------------------------------------------------------

    def keep(self, step: str, matter: Matter, answer: Mapping[str, Any]) -> None:
        kept = {
            "N2": ("CSZMBH", "CSZMBH"),
            "N3": ("GMSFHM", "YWLSH"),
            "N7": ("JZDAH", "JZDAH"),
            "N4": ("CBBH", "CBBH"),
            "N6": ("SBKH", "SBKH"),
            "N5": ("JFPZH", "JFPZH"),
            "N8": ("SLH", "SLH"),
        }
        name, reference = kept[step]
        matter.result[name] = answer[name]
        matter.references[step] = answer[reference]

    def request(self, step: str, matter: Matter) -> tuple[str, str, list[str] | None, dict[str, Any]]:
        """Interface, path, fields wanted and body of a writing step."""
        return sent(step, matter)

    # -- handling ------------------------------------------------------------------------------------------

    def handle(self, matter: Matter, departments: Departments) -> None:
        """From application to outcome; raises `DepartmentDown` only while nothing has been done."""
        matter.missing = self.gaps(matter.application)
        agreed = self.consents(matter.application)
        if matter.missing or not agreed:
            matter.state = "incomplete"
            matter.failed_rules = (["M1"] if matter.missing else []) + ([] if agreed else ["C31"])
            matter.missing += [] if agreed else [("/guardian_consent", rules.CONSENT_GAP)]
            return
        self.check(matter, departments)
        matter.failed_rules = self.corrections(matter.facts)
        if matter.failed_rules:
            matter.state = "needs_correction"
            return
        matter.notices = [] if self.e6(matter) else ["E6"]
        matter.failed_rules = self.refusals(matter)
        if matter.failed_rules:
            matter.state = "not_eligible"
            return
        self.carry_out(matter, departments)
