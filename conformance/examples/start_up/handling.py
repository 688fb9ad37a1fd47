"""How the start-up app decides, free of HTTP: gaps, checks, rules.

Every decision is one method, so that an app that is wrong in exactly one way overrides exactly one of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from conformance.examples.carrying import Carrying
from conformance.examples.departments import DepartmentDown, Departments
from conformance.examples.handled import CHINA
from conformance.examples.start_up import rules
from conformance.examples.start_up.matter import Matter, declared, people, sent

RECORDS = {
    "B3-court": (
        "court.legal-rep-checks",
        ["MSXWNLDM", "ZMLBDM", "XFQMRQ", "BQQMRQ", "PCZWDM", "PCGRZR", "PCWJRQ"],
    ),
    "B3-market": ("market-regulation.legal-rep-checks", ["DXZWDM", "DXGRZR", "DXRQ"]),
    "B3-bank": ("central-bank.legal-rep-checks", ["YQWQCJE"]),
}


class Handling(Carrying):
    """The decisions and steps of a start-up app as the published documents ask for them."""

    NEEDS, CHECKS = rules.NEEDS, rules.CHECKS
    FIRST, TAKEN = "B4", "N1"

    # -- deciding ------------------------------------------------------------------------------------------

    def today(self, told: str | None) -> date:
        """The day of handling: the platform says it on request, else the app's own clock in China."""
        return date.fromisoformat(told) if told else datetime.now(CHINA).date()

    def gaps(self, application: Mapping[str, Any]) -> list[tuple[str, rules.Text]]:
        """M1: everything that is missing, all at once."""
        return _absent(application, rules.CONTENT)

    def papers(self, application: Mapping[str, Any]) -> list[tuple[str, rules.Text]]:
        """M2: every document that is missing."""
        return _absent(application, rules.DOCUMENTS)

    def checked(self, application: Mapping[str, Any]) -> Iterable[tuple[str, Mapping[str, Any]]]:
        """Whom B2 is asked about."""
        return people(application)

    def concerned(self, matter: Matter, rule: str) -> list[str]:
        """Where the persons stand that X1, X2 or R1 is about."""
        faces = matter.faces.items()
        if rule == "R1":
            return [place for place, answer in faces if answer["RXBDJGDM"] != "1"]
        code = {"X1": "2", "X2": "3"}[rule]
        return [place for place, answer in faces if answer["PPJG"] == code]

    def corrections(self, matter: Matter) -> list[str]:
        """X1 and X2: do names and numbers agree with the register?"""
        return [rule for rule in ("X1", "X2") if self.concerned(matter, rule)]

    def refusals(self, matter: Matter) -> list[str]:
        """Every rule of N1, R1 and D1 to D5 that does not hold."""
        judges = {
            "N1": self.n1,
            "R1": self.r1,
            "D1": self.d1,
            "D2": self.d2,
            "D3": self.d3,
            "D4": self.d4,
            "D5": self.d5,
        }
        return [rule for rule, holds in judges.items() if not holds(matter)]

    def n1(self, matter: Matter) -> bool:
        return bool(matter.checks["B1"]["MCSBJGDM"] == "1")

    def r1(self, matter: Matter) -> bool:
        return not self.concerned(matter, "R1")

    def d1(self, matter: Matter) -> bool:
        return bool(matter.checks["B3-court"]["MSXWNLDM"] == "1")

    def d2(self, matter: Matter) -> bool:
        court, years = matter.checks["B3-court"], rules.YEARS_AFTER_SENTENCE
        listed = court["ZMLBDM"] in rules.LISTED_CRIMES
        return (not listed or self.over(court["XFQMRQ"], years, matter)) and self.over(court["BQQMRQ"], years, matter)

    def d3(self, matter: Matter) -> bool:
        court = matter.checks["B3-court"]
        answerable = court["PCZWDM"] in rules.ANSWERABLE and court["PCGRZR"] == "1"
        return not answerable or self.over(court["PCWJRQ"], rules.YEARS_AFTER_FAILURE, matter)

    def d4(self, matter: Matter) -> bool:
        market = matter.checks["B3-market"]
        answerable = market["DXZWDM"] == "1" and market["DXGRZR"] == "1"
        return not answerable or self.over(market["DXRQ"], rules.YEARS_AFTER_FAILURE, matter)

    def d5(self, matter: Matter) -> bool:
        return float(matter.checks["B3-bank"]["YQWQCJE"]) < rules.LARGE_DEBT

    def over(self, day: str | None, years: int, matter: Matter) -> bool:
        """Whether so many years have passed since a day; True when there is none."""
        return day is None or matter.today >= rules.years_after(date.fromisoformat(day), years)

    def notices(self, matter: Matter) -> list[str]:
        """Duties to tell of."""
        return ["S58"] if matter.application["deposits"]["ZGRS"] else []

    def believable(self, code: str) -> bool:
        """Whether both check characters of a credit code are right."""
        return rules.inner_right(code) and rules.outer_right(code)

    # -- the checks ----------------------------------------------------------------------------------------

    def check(self, matter: Matter, departments: Departments) -> None:
        """Ask what the rules need to know, and no more; everything is asked, so that every reason can be told."""
        form = matter.application
        matter.checks["B1"] = departments.ask(
            "POST", "market-regulation.names", "/names", ["MCSBJGDM", "MCSBH", "MCBKYYDM"], declared(form)
        )
        known: dict[tuple[str, ...], Mapping[str, Any]] = {}
        for place, one in self.checked(form):
            whom = (one["XM"], one["GMSFHM"], one["RXCYH"])
            if whom not in known:
                known[whom] = self.real_name(dict(zip(("XM", "GMSFHM", "RXCYH"), whom, strict=True)), departments)
            matter.faces[place] = known[whom]
        head = form["legal_representative"]
        for step, (interface, fields) in RECORDS.items():
            whom_ = {"XM": head["XM"], "GMSFHM": head["GMSFHM"]}
            matter.checks[step] = departments.ask("POST", interface, "/legal-rep-checks", fields, whom_)
        for step in rules.CHECKS:
            matter.steps[step] = "done"

    def real_name(self, body: Mapping[str, str], departments: Departments) -> Mapping[str, Any]:
        """B2 for one person."""
        return departments.ask("POST", "police.real-name-checks", "/real-name-checks", ["PPJG", "RXBDJGDM"], dict(body))

    # -- the steps that write ------------------------------------------------------------------------------

    def request(self, step: str, matter: Matter) -> tuple[str, str, list[str] | None, dict[str, Any]]:
        """Interface, path, fields wanted and body of a writing step."""
        return sent(step, matter)

    def keep(self, step: str, matter: Matter, answer: Mapping[str, Any]) -> None:
        kept = {"B4": "TYSHXYDM", "B5": "YZBABH", "B6": "SFHDBH", "B7": "DWBH", "B8": "DWZH", "B9": "KHYYH"}
        name = kept[step]
        if step == "B4":
            if not self.believable(answer[name]):
                raise DepartmentDown("B4: the credit code cannot be right")
            matter.licence = answer["ZZBS"]
        matter.result[name] = matter.references[step] = answer[name]

    # -- handling ------------------------------------------------------------------------------------------

    def handle(self, matter: Matter, departments: Departments) -> None:
        """From application to outcome; raises `DepartmentDown` only while nothing has been done."""
        content, papers = self.gaps(matter.application), self.papers(matter.application)
        matter.missing = content + papers
        if matter.missing:
            matter.state = "incomplete"
            matter.failed_rules = (["M1"] if content else []) + (["M2"] if papers else [])
            return
        self.check(matter, departments)
        matter.failed_rules = self.corrections(matter)
        if matter.failed_rules:
            matter.state = "needs_correction"
        else:
            matter.failed_rules = self.refusals(matter)
            matter.state = "not_eligible" if matter.failed_rules else matter.state
        named = (rule for rule in matter.failed_rules if rule in ("X1", "X2", "R1"))
        matter.concerns = {rule: self.concerned(matter, rule) for rule in named}
        if not matter.failed_rules:
            matter.notices = self.notices(matter)
            self.carry_out(matter, departments)


def _absent(application: Mapping[str, Any], wanted: Mapping[str, rules.Text]) -> list[tuple[str, rules.Text]]:
    found = []
    for pointer, message in wanted.items():
        value: Any = application
        for name in pointer[1:].split("/"):
            value = value.get(name) if isinstance(value, Mapping) else None
        if value is None:
            found.append((pointer, message))
    return found
