"""One handled matter as the example apps keep it, and what the departments are sent for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from conformance.examples.handled import Handled
from conformance.examples.newborn import rules
from conformance.examples.newborn.rules import Facts


@dataclass
class Matter(Handled):
    """One handled birth."""

    steps: dict[str, str] = field(default_factory=lambda: dict.fromkeys(rules.NEEDS, "skipped"))
    facts: Facts = field(default_factory=dict)

    def wanted(self) -> list[str]:
        """The steps this citizen asked for; those that are not optional always."""
        services = self.application.get("services", list(rules.OPTIONAL))
        return [s for s in rules.NEEDS if s not in rules.OPTIONAL or s in services]


def sent(step: str, matter: Matter) -> tuple[str, str, list[str] | None, dict[str, Any]]:
    """Interface, path, fields wanted and body of a writing step."""
    form, result = matter.application, matter.result
    newborn, mother, father, applicant = (form[n] for n in ("newborn", "mother", "father", "applicant"))
    guardian = form[form["follow"]]
    place = (matter.facts["institution"] or {}).get("XZQH")
    if step == "N2":
        body = {
            **{n: newborn[n] for n in ("XM", "XBDM", "CSRQ", "CSSJ", "JGDM")},
            "CSDXZQH": place,
            "CSSX": newborn.get("CSSX", 1),
            "MQ_XM": mother["XM"],
            "MQ_GMSFHM": mother["GMSFHM"],
            "FQ_XM": father["XM"],
            "FQ_GMSFHM": father["GMSFHM"],
        }
        return "health.birth-certificates", "/birth-certificates", ["CSZMBH"], body
    if step == "N3":
        body = {
            "CSZMBH": result["CSZMBH"],
            "XM": newborn["XM"],
            "XB": newborn["XBDM"],
            "CSRQ": newborn["CSRQ"],
            "CSSJ": newborn["CSSJ"],
            "CSDSSXQ": place,
            "HB": "1",
            "CSDJLB": "01",
            "LHSFZ": guardian["GMSFHM"],
            "FQXM": father["XM"],
            "FQGMSFHM": father["GMSFHM"],
            "MQXM": mother["XM"],
            "MQGMSFHM": mother["GMSFHM"],
            "SBRXM": applicant["XM"],
            "SBRSFZ": applicant["GMSFHM"],
            "SBRLXDH": applicant["LXDH"],
        }
        return "police.birth-registrations", "/birth-registrations", ["GMSFHM", "YWLSH"], body
    if step == "N7":
        body = {
            "CSZMBH": result["CSZMBH"],
            "XM": newborn["XM"],
            "CSRQ": newborn["CSRQ"],
            "MQ_XM": mother["XM"],
            "MQ_GMSFHM": mother["GMSFHM"],
        }
        return "disease-control.immunization-files", "/immunization-files", ["JZDAH"], body
    if step == "N8":
        body = {"MQ_XM": mother["XM"], "MQ_GMSFHM": mother["GMSFHM"], "CSZMBH": result["CSZMBH"]}
        return "medical-insurance.maternity-claims", "/maternity-claims", ["SLH"], body
    if step == "N5":
        body = {"CBBH": result["CBBH"], "GMSFHM": result["GMSFHM"], "ND": str(matter.today.year)}
        return "tax.premiums", "/premiums", ["JFPZH"], body
    child = {
        "GMSFHM": result["GMSFHM"],
        "XM": newborn["XM"],
        "JHR_XM": guardian["XM"],
        "JHR_GMSFHM": guardian["GMSFHM"],
    }
    if step == "N6":
        body = {**child, "LKFS": "2"}
        return "human-resources.social-security-cards", "/social-security-cards", ["SBKH"], body
    division = (matter.facts[form["follow"]] or {}).get("HJXZQH")
    body = {**child, "CBXZQH": division, "XZ": "390", "CBRQ": matter.today.isoformat()}
    return "medical-insurance.enrolments", "/resident-insurance/enrolments", ["CBBH"], body
