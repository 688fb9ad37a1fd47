"""How the fund app decides and acts, free of HTTP: gaps, checks, rules, the decision.

Every decision is one method, so that an app that is wrong in exactly one way overrides exactly one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from conformance.examples.carrying import Carrying
from conformance.examples.departments import DepartmentRefused, Departments
from conformance.examples.fund import rules
from conformance.examples.fund.matter import Matter
from conformance.examples.handled import CHINA


class Handling(Carrying):
    """The decisions and steps of a fund app as the published documents ask for them."""

    NEEDS, CHECKS = dict.fromkeys(rules.STEPS, ()), rules.STEPS[:-1]
    FIRST, TAKEN = "H8", "E1"

    # -- deciding ------------------------------------------------------------------------------------------

    def today(self, told: str | None) -> date:
        """The day of handling: the platform says it on request, else the app's own clock in China."""
        return date.fromisoformat(told) if told else datetime.now(CHINA).date()

    def due(self, day: date) -> date:
        """The third day from acceptance."""
        return day + timedelta(days=3)

    def gaps(self, application: Mapping[str, Any]) -> list[tuple[str, rules.Text]]:
        """M1: everything that is missing, all at once."""
        asked = {**rules.ALWAYS, **rules.EVIDENCE.get(application.get("ground", ""), {})}
        if application.get("ground") == "G6" and application.get("marital") == "married":
            asked |= rules.SPOUSE
        found = []
        for pointer, message in asked.items():
            value: Any = application
            for name in pointer[1:].split("/"):
                value = value.get(name) if isinstance(value, Mapping) else None
            if value is None:
                found.append((pointer, message))
        return found

    def account_refusals(self, matter: Matter) -> list[str]:
        """Every rule of E1 to E3 that does not hold."""
        if not self.e1(matter):
            return ["E1"]
        return [rule for rule, holds in (("E2", self.e2), ("E3", self.e3)) if not holds(matter)]

    def e1(self, matter: Matter) -> bool:
        return matter.facts["H1"]["ZHZT"] in rules.USABLE

    def e2(self, matter: Matter) -> bool:
        return bool(matter.application["amount"] <= matter.facts["H1"]["ZHYE"])

    def e3(self, matter: Matter) -> bool:
        return matter.ground not in rules.CLOSING or bool(matter.application["amount"] >= matter.facts["H1"]["ZHYE"])

    def refusals(self, matter: Matter) -> list[str]:
        """Every rule of the ground that does not hold."""
        judges: dict[str, dict[str, Callable[[Matter], bool]]] = {
            "G1": {"E11": self.e11},
            "G2": {"E12": self.e12},
            "G3": {"E13": self.e13, "E14": self.e14},
            "G4": {"E15": self.e15},
            "G5": {"E16": self.e16, "E17": self.e17},
            "G6": {"E18": self.e18, "E19": self.e19, "E20": self.e20},
            "G7": {"E21": self.e21, "E22": self.e22},
        }
        return [rule for rule, holds in judges[matter.ground].items() if not holds(matter)]

    def e11(self, matter: Matter) -> bool:
        return bool(matter.facts["H2-purchase"]["HTHYJG"] == "1")

    def e12(self, matter: Matter) -> bool:
        known = matter.facts["H6-retired"]
        retired = known["TXZT"] not in (None, "0") and known["TXRQ"] is not None
        return retired and date.fromisoformat(known["TXRQ"]) <= matter.today

    def e13(self, matter: Matter) -> bool:
        return bool(matter.facts["H6-capacity"]["LDNL"] == "3")

    def e14(self, matter: Matter) -> bool:
        return matter.facts["H6-capacity"]["LDGX"] not in (None, "1")

    def e15(self, matter: Matter) -> bool:
        return bool(matter.facts["H4-abroad"]["CJDJPZ"] == "1")

    def e16(self, matter: Matter) -> bool:
        return bool(matter.facts["H5"]["HTHYJG"] == "1")

    def e17(self, matter: Matter) -> bool:
        loan = matter.facts["H5"]
        return loan["HTHYJG"] != "1" or bool(matter.application["amount"] <= loan["HKZE"])

    def married(self, matter: Matter) -> bool:
        """Whether the applicant says so."""
        return bool(matter.application["marital"] == "married")

    def confirmed(self, matter: Matter) -> bool:
        """Whether civil affairs confirm the marriage."""
        known = matter.facts.get("H3", {})
        return bool(known.get("PPJG") == "1" and known.get("ZT") == "20")

    def e18(self, matter: Matter) -> bool:
        return not self.married(matter) or self.confirmed(matter)

    def e19(self, matter: Matter) -> bool:
        homes = [matter.facts[step]["ZFTS"] for step in ("H2-rent", "H2-spouse") if step in matter.facts]
        return not any(homes)

    def e20(self, matter: Matter) -> bool:
        if self.married(matter) and not self.confirmed(matter):
            return True
        return bool(matter.application["rent"]["YZJ"] * 12 * 100 > rules.RENT_PERCENT * self.wages(matter))

    def wages(self, matter: Matter) -> int:
        """Wages of the family in the year before."""
        return sum(int(matter.facts[step]["NGZSR"]) for step in ("H7", "H7-spouse") if step in matter.facts)

    def e21(self, matter: Matter) -> bool:
        return bool(matter.facts["H4-death"]["HJZT"] == "2")

    def e22(self, matter: Matter) -> bool:
        return matter.facts["H4-kin"]["QSGX"] in rules.HEIRS

    def corrections(self, answers: Sequence[Mapping[str, Any]], differs: str, unknown: str) -> list[str]:
        """Do names and numbers agree with the registers?"""
        matches = {answer["PPJG"] for answer in answers}
        return [rule for rule, code in ((differs, "2"), (unknown, "3")) if code in matches]

    # -- the checks ------------------------------------------------------------------------------------------

    def ask(
        self,
        step: str,
        matter: Matter,
        departments: Departments,
        place: str,
        fields: list[str],
        body: Mapping[str, Any],
    ) -> None:
        """One check; `place` is interface and path."""
        interface, _, path = place.partition(" ")
        matter.facts[step] = departments.ask("POST", interface, path, fields, dict(body))
        matter.steps[step] = "done"

    def check_account(self, matter: Matter, departments: Departments) -> None:
        place = "housing-fund.accounts /account-queries"
        self.ask("H1", matter, departments, place, ["PPJG", "ZHYE", "ZHZT"], matter.holder)

    def check(self, matter: Matter, departments: Departments) -> None:
        """Ask what the ground needs, and no more."""
        form, me = matter.application, matter.named("applicant")
        property_, police = "real-estate.property-checks /property-checks", "police.registration-checks"
        if matter.ground == "G1":
            body = me | {"WQHTBH": form["contract"]["WQHTBH"]}
            self.ask("H2-purchase", matter, departments, property_, ["PPJG", "HTHYJG"], body)
        elif matter.ground in ("G2", "G3"):
            step, fields = (
                ("H6-retired", ["TXZT", "TXRQ"]) if matter.ground == "G2" else ("H6-capacity", ["LDNL", "LDGX"])
            )
            place = "human-resources.retirement-checks /retirement-checks"
            self.ask(step, matter, departments, place, ["PPJG", *fields], me)
        elif matter.ground == "G4":
            self.ask("H4-abroad", matter, departments, f"{police} /registration-checks", ["PPJG", "CJDJPZ"], me)
        elif matter.ground == "G5":
            body = me | {"DKHTBH": form["loan"]["DKHTBH"]}
            self.ask(
                "H5", matter, departments, "central-bank.loan-checks /loan-checks", ["PPJG", "HTHYJG", "HKZE"], body
            )
        elif matter.ground == "G6":
            self.check_family(matter, departments)
        else:
            dead = matter.named("deceased")
            self.ask("H4-death", matter, departments, f"{police} /registration-checks", ["PPJG", "HJZT"], dead)
            kin = {"GMSFHM": dead["GMSFHM"], "SQR_XM": me["XM"], "SQR_GMSFHM": me["GMSFHM"]}
            self.ask("H4-kin", matter, departments, f"{police} /kinship-checks", ["PPJG", "QSGX"], kin)

    def check_family(self, matter: Matter, departments: Departments) -> None:
        """The applicant's home and wages, and the spouse's once the marriage is confirmed."""
        me = matter.named("applicant")
        self.check_one(matter, departments, me, ("H2-rent", "H7"))
        if self.married(matter):
            self.check_marriage(matter, departments)
            if self.confirmed(matter):
                self.check_one(matter, departments, matter.named("spouse"), ("H2-spouse", "H7-spouse"))

    def check_marriage(self, matter: Matter, departments: Departments) -> None:
        me, spouse = matter.named("applicant"), matter.named("spouse")
        man, woman = (me, spouse) if int(me["GMSFHM"][16]) % 2 else (spouse, me)
        couple = {
            "NAN_XM": man["XM"],
            "NAN_GMSFHM": man["GMSFHM"],
            "NV_XM": woman["XM"],
            "NV_GMSFHM": woman["GMSFHM"],
        }
        self.ask("H3", matter, departments, "civil-affairs.marriages /marriage-checks", ["PPJG", "ZT"], couple)

    def check_one(
        self, matter: Matter, departments: Departments, who: Mapping[str, Any], steps: tuple[str, str]
    ) -> None:
        """Home and wages of one person."""
        self.ask(steps[0], matter, departments, "real-estate.property-checks /property-checks", ["PPJG", "ZFTS"], who)
        year = {"ND": self.year(matter)}
        self.ask(steps[1], matter, departments, "tax.wage-checks /wage-checks", ["PPJG", "NGZSR"], {**who, **year})

    def year(self, matter: Matter) -> str:
        """The calendar year before today's."""
        return str(matter.today.year - 1)

    # -- handling ------------------------------------------------------------------------------------------

    def closes(self, matter: Matter) -> bool:
        """Whether the account is closed with the withdrawal."""
        return matter.ground in rules.CLOSING

    def handle(self, matter: Matter, departments: Departments) -> None:
        """From application to outcome; raises `DepartmentDown` while nothing has been done."""
        matter.missing = self.gaps(matter.application)
        if matter.missing:
            matter.state, matter.failed_rules = "incomplete", ["M1"]
            return
        self.check_account(matter, departments)
        if found := self.corrections([matter.facts["H1"]], "X1", "X2"):
            matter.state, matter.failed_rules = "needs_correction", found
            return
        if found := self.account_refusals(matter):
            matter.state, matter.failed_rules = "not_eligible", found
            return
        self.check(matter, departments)
        if found := self.corrections([a for step, a in matter.facts.items() if step != "H1"], "X3", "X4"):
            matter.state, matter.failed_rules = "needs_correction", found
            return
        if found := self.refusals(matter):
            matter.state, matter.failed_rules = "not_eligible", found
            return
        self.decide(matter, departments)

    def request(self, step: str, matter: Matter) -> tuple[str, str, list[str] | None, dict[str, Any]]:
        """Interface, path, fields wanted and body of the one writing step."""
        form = matter.application
        body = {
            **matter.holder,
            "TQYY": matter.ground,
            "TQJE": form["amount"],
            "SKZH": form["payee_account"],
            "XHBZ": "1" if self.closes(matter) else "0",
            "SQR_GMSFHM": form["applicant"]["GMSFHM"],
        }
        return "housing-fund.withdrawals", "/withdrawals", ["TQBH", "ZHYE", "ZHZT"], body

    def keep(self, step: str, matter: Matter, answer: Mapping[str, Any]) -> None:
        matter.references[step] = str(answer["TQBH"])
        matter.result = {name: answer[name] for name in ("TQBH", "ZHYE", "ZHZT")}

    def decide(self, matter: Matter, departments: Departments) -> None:
        """The one write: done, refused because the account is closed by now, or not to be had."""
        try:
            self.perform(self.FIRST, matter, departments)
        except DepartmentRefused as refused:
            if refused.status != 409:
                raise
            matter.steps[self.FIRST] = "failed"
            matter.state, matter.failed_rules = "not_eligible", [self.TAKEN]
            return
        matter.steps[self.FIRST] = "done"
        matter.state = "completed"
