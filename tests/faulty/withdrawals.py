"""Fund apps that are wrong in exactly one way each: the right app with one decision overridden.

`FAULTS` names, for each, the cases that must fail and the requirements that must be named, and nothing else.
Any of them can be started by hand: `python tests/faulty/withdrawals.py NAME --port 9001`.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from conformance.examples.departments import DepartmentDown, Departments
from conformance.examples.fund import rules
from conformance.examples.fund.matter import Matter
from conformance.examples.fund.service import FundApp, main


class BelowBalance(FundApp):
    """Takes the whole balance for too much."""

    def e2(self, matter: Matter) -> bool:
        if matter.ground in rules.CLOSING:
            return super().e2(matter)
        return bool(matter.application["amount"] < matter.facts["H1"]["ZHYE"])


class AnyAmount(FundApp):
    """Does not compare the amount with the balance; the department then does, and the account is blamed."""

    def e2(self, matter: Matter) -> bool:
        return True


class ClosedIsFine(FundApp):
    """Goes on with a closed account."""

    def e1(self, matter: Matter) -> bool:
        return matter.facts["H1"]["ZHZT"] in ("01", "02", "09")


class FrozenIsFine(FundApp):
    """Goes on with a frozen account; the checks are asked for nothing."""

    def e1(self, matter: Matter) -> bool:
        return matter.facts["H1"]["ZHZT"] in ("01", "02", "03")


class PartOfAll(FundApp):
    """Closes an account without withdrawing all of it."""

    def e3(self, matter: Matter) -> bool:
        return True


class AnyContract(FundApp):
    """Takes a contract in another person's name."""

    def e11(self, matter: Matter) -> bool:
        return matter.facts["H2-purchase"]["HTHYJG"] in ("1", "2")


class ApprovedIsRetired(FundApp):
    """Takes an approved retirement for one that has begun."""

    def e12(self, matter: Matter) -> bool:
        return matter.facts["H6-retired"]["TXZT"] not in (None, "0")


class RetiredYesterday(FundApp):
    """Does not count the day of retirement itself."""

    def e12(self, matter: Matter) -> bool:
        began = matter.facts["H6-retired"]["TXRQ"]
        return began is not None and date.fromisoformat(began) < matter.today


class AnyoneRetires(FundApp):
    """Believes the applicant who says to have retired."""

    def e12(self, matter: Matter) -> bool:
        began = matter.facts["H6-retired"]["TXRQ"]
        return began is None or date.fromisoformat(began) <= matter.today


class PartlyIsWholly(FundApp):
    """Takes a partial loss of capacity for a whole one."""

    def e13(self, matter: Matter) -> bool:
        return matter.facts["H6-capacity"]["LDNL"] in ("2", "3")


class StillEmployed(FundApp):
    """Does not mind an employment that goes on."""

    def e14(self, matter: Matter) -> bool:
        return True


class AnyoneLeaves(FundApp):
    """Does not mind whether settling abroad was approved."""

    def e15(self, matter: Matter) -> bool:
        return True


class AnyLoan(FundApp):
    """Takes a loan in another person's name."""

    def e16(self, matter: Matter) -> bool:
        return matter.facts["H5"]["HTHYJG"] in ("1", "2")


class MoreThanRepaid(FundApp):
    """Pays out more than was repaid."""

    def e17(self, matter: Matter) -> bool:
        return True


class BelowRepaid(FundApp):
    """Takes exactly what was repaid for too much."""

    def e17(self, matter: Matter) -> bool:
        loan = matter.facts["H5"]
        return loan["HTHYJG"] != "1" or bool(matter.application["amount"] < loan["HKZE"])


class DivorcedIsMarried(FundApp):
    """Takes any registered marriage for one in force, and asks for the former spouse's data."""

    def confirmed(self, matter: Matter) -> bool:
        return matter.facts.get("H3", {}).get("ZT") in ("20", "40")


class OwnWagesOnly(FundApp):
    """Compares the rent with the applicant's own wages."""

    def wages(self, matter: Matter) -> int:
        return int(matter.facts["H7"]["NGZSR"])


class AtTheRatio(FundApp):
    """Takes rent exactly at the set share for rent above it."""

    def e20(self, matter: Matter) -> bool:
        if self.married(matter) and not self.confirmed(matter):
            return True
        return bool(matter.application["rent"]["YZJ"] * 12 * 100 >= rules.RENT_PERCENT * self.wages(matter))


class SpousesHome(FundApp):
    """Does not mind a home the spouse owns."""

    def e19(self, matter: Matter) -> bool:
        return not matter.facts["H2-rent"]["ZFTS"]


class AnyHeir(FundApp):
    """Pays anybody when the account holder has died."""

    def e22(self, matter: Matter) -> bool:
        return True


class AliveIsFine(FundApp):
    """Does not look at whether the account holder has died."""

    def e21(self, matter: Matter) -> bool:
        return True


class NeverCloses(FundApp):
    """Leaves the account open; the department refuses the decision."""

    def closes(self, matter: Matter) -> bool:
        return False


class WorkingDays(FundApp):
    """Counts five days for three."""

    def due(self, day: date) -> date:
        return day + timedelta(days=5)


class OneRefusal(FundApp):
    """Names the first rule that fails and keeps the others for next time."""

    def refusals(self, matter: Matter) -> list[str]:
        return super().refusals(matter)[:1]


class OneGap(FundApp):
    """Names one gap at a time."""

    def gaps(self, application: Mapping[str, Any]) -> list[tuple[str, rules.Text]]:
        return super().gaps(application)[:1]


class EveryGap(FundApp):
    """Demands the evidence of every ground."""

    def gaps(self, application: Mapping[str, Any]) -> list[tuple[str, rules.Text]]:
        asked = super().gaps(application)
        if not asked:
            return []
        evidence = {pointer: text for part in rules.EVIDENCE.values() for pointer, text in part.items()}
        known = {pointer for pointer, _ in asked}
        return [*asked, *((p, text) for p, text in evidence.items() if p not in known and p != "/marital")]


class ChecksEverything(FundApp):
    """Looks up the wages of who has retired as well."""

    def check(self, matter: Matter, departments: Departments) -> None:
        super().check(matter, departments)
        if matter.ground == "G2":
            asked = matter.named("applicant") | {"ND": self.year(matter)}
            departments.ask("POST", "tax.wage-checks", "/wage-checks", ["PPJG", "NGZSR"], asked)


class BothGrounds(FundApp):
    """Asks for the fields of both grounds that look at retirement."""

    def ask(
        self,
        step: str,
        matter: Matter,
        departments: Departments,
        place: str,
        fields: list[str],
        body: Mapping[str, Any],
    ) -> None:
        if step.startswith("H6"):
            fields = ["PPJG", "TXZT", "TXRQ", "LDNL", "LDGX"]
        super().ask(step, matter, departments, place, fields, body)


class SpouseFirst(FundApp):
    """Asks for the spouse's home and wages before the marriage is confirmed."""

    def check_family(self, matter: Matter, departments: Departments) -> None:
        self.check_one(matter, departments, matter.named("applicant"), ("H2-rent", "H7"))
        if self.married(matter):
            self.check_one(matter, departments, matter.named("spouse"), ("H2-spouse", "H7-spouse"))
            self.check_marriage(matter, departments)


class ChecksFirst(FundApp):
    """Asks the other departments before the account is known."""

    def check_account(self, matter: Matter, departments: Departments) -> None:
        self.check(matter, departments)
        super().check_account(matter, departments)
        if self.corrections([matter.facts["H1"]], "X1", "X2") or self.account_refusals(matter):
            matter.facts = {"H1": matter.facts["H1"]}


class Greedy(FundApp):
    """Takes the employer's name with the account."""

    def ask(
        self,
        step: str,
        matter: Matter,
        departments: Departments,
        place: str,
        fields: list[str],
        body: Mapping[str, Any],
    ) -> None:
        super().ask(step, matter, departments, place, [*fields, "FWCS"] if step == "H1" else fields, body)


class ShowsAll(FundApp):
    """Shows the citizen whatever the fund has told."""

    def show(self, matter: Matter) -> dict[str, Any]:
        shown = super().show(matter)
        account = matter.facts.get("H1", {})
        if "GJJZH" in account:
            shown["steps"][0]["reference"] = account["GJJZH"]
        return shown


class NoWagesNoIncome(FundApp):
    """Takes a department that does not answer for one that knows of no wages or marriage."""

    def ask(
        self,
        step: str,
        matter: Matter,
        departments: Departments,
        place: str,
        fields: list[str],
        body: Mapping[str, Any],
    ) -> None:
        try:
            super().ask(step, matter, departments, place, fields, body)
        except DepartmentDown:
            if step not in ("H7", "H7-spouse"):
                raise
            matter.facts[step] = {"PPJG": "1", "NGZSR": 0}


class AnySpouseName(FundApp):
    """Does not mind a name that civil affairs or the police do not know."""

    def corrections(self, answers: Sequence[Mapping[str, Any]], differs: str, unknown: str) -> list[str]:
        return [rule for rule in super().corrections(answers, differs, unknown) if rule != "X3"]

    def refusals(self, matter: Matter) -> list[str]:
        differs = any(answer["PPJG"] == "2" for answer in matter.facts.values())
        return [] if differs else super().refusals(matter)


class RentHelps(FundApp):
    """Takes rent that was stated beside another ground into account."""

    def refusals(self, matter: Matter) -> list[str]:
        return [] if matter.ground == "G2" and "rent" in matter.application else super().refusals(matter)


class OldBalance(FundApp):
    """Keeps the balance it once saw."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.balances: dict[str, Any] = {}

    def check_account(self, matter: Matter, departments: Departments) -> None:
        super().check_account(matter, departments)
        matter.facts["H1"] = self.balances.setdefault(matter.holder["GMSFHM"], matter.facts["H1"])


class MadeUpDecision(FundApp):
    """Shows a decision number of its own making."""

    def show(self, matter: Matter) -> dict[str, Any]:
        shown = super().show(matter)
        if "TQBH" in shown["result"]:
            shown["result"] = {**shown["result"], "TQBH": "2026000000000000"}
        return shown


class OpenToAll(FundApp):
    """Shows a handled matter to every token."""

    def visible(self, matter: Matter, token: str) -> bool:
        return True


class Granted(FundApp):
    """Grants without asking for the contract."""

    def check(self, matter: Matter, departments: Departments) -> None:
        if matter.ground == "G1":
            matter.facts["H2-purchase"] = {"PPJG": "1", "HTHYJG": "1"}
        else:
            super().check(matter, departments)


@dataclass(frozen=True)
class Fault:
    """What the suite must say: these cases fail, and these requirements are named."""

    app: type[FundApp]
    cases: frozenset[str]
    requirements: frozenset[str]


def _fault(app: type[FundApp], cases: str, requirements: str) -> Fault:
    return Fault(app, frozenset(cases.split()), frozenset(requirements.split()))


FAULTS: Mapping[str, Fault] = {
    fault.app.__name__: fault
    for fault in (
        _fault(BelowBalance, "E2.equal", "E2"),
        _fault(AnyAmount, "E2.above E2.rest", "E2"),
        _fault(ClosedIsFine, "E1.closed close.after", "E1"),
        _fault(FrozenIsFine, "observe.purpose facts.deciding", "read.process-only E1"),
        _fault(PartOfAll, "E3.less", "E3"),
        _fault(AnyContract, "E11.other-name", "E11"),
        _fault(ApprovedIsRetired, "E12.tomorrow", "E12"),
        _fault(RetiredYesterday, "E12.today", "E12"),
        _fault(AnyoneRetires, "E12.employed", "E12"),
        _fault(PartlyIsWholly, "E13.partly", "E13"),
        _fault(StillEmployed, "E14.employed", "E14"),
        _fault(AnyoneLeaves, "E15.not-approved", "E15"),
        _fault(AnyLoan, "E16.other-name", "E16"),
        _fault(MoreThanRepaid, "E17.above", "E17"),
        _fault(BelowRepaid, "E17.equal", "E17"),
        _fault(DivorcedIsMarried, "E18.divorced", "E18"),
        _fault(OwnWagesOnly, "E20.family", "E20"),
        _fault(AtTheRatio, "E20.exactly E20.family", "E20"),
        _fault(SpousesHome, "E19.spouse", "E19"),
        _fault(AnyHeir, "E22.stranger", "E22"),
        _fault(AliveIsFine, "E21.alive", "E21"),
        _fault(NeverCloses, "close.after close.sent", "close"),
        _fault(WorkingDays, "due.third-day", "due"),
        _fault(OneRefusal, "notice.all-rules notice.capacity", "notice.complete"),
        _fault(OneGap, "M1.evidence M1.spouse M1.everything", "M1"),
        _fault(EveryGap, "M1.evidence M1.spouse M1.everything", "M1"),
        _fault(ChecksEverything, "observe.purpose", "read.process-only"),
        _fault(BothGrounds, "observe.purpose", "read.needed-only"),
        _fault(SpouseFirst, "observe.purpose observe.order", "read.process-only order"),
        _fault(ChecksFirst, "observe.purpose observe.order", "read.process-only order"),
        _fault(Greedy, "observe.fields", "read.needed-only"),
        _fault(ShowsAll, "read.generous", "read.unasked"),
        _fault(NoWagesNoIncome, "fault.wages", "honest.outage"),
        _fault(AnySpouseName, "X3.spouse X3.heir", "X3"),
        _fault(RentHelps, "facts.irrelevant", "facts.decide"),
        _fault(OldBalance, "E2.rest close.after", "E1 E2"),
        _fault(MadeUpDecision, "observe.results", "result.genuine"),
        _fault(OpenToAll, "access.foreign-token access.foreign-resumption", "access.owner"),
        _fault(Granted, "E11.other-name E11.no-contract observe.grounds observe.order", "E11 read.grounded order"),
    )
}


if __name__ == "__main__":
    chosen = FAULTS[sys.argv.pop(1)]
    main(chosen.app)
