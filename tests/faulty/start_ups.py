"""Start-up apps that are wrong in exactly one way each: the right app with one decision overridden.

`FAULTS` names, for each, the cases that must fail and the requirements that must be named, and nothing else.
Any of them can be started by hand: `python tests/faulty/start_ups.py NAME --port 9001`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from conformance.examples.departments import DepartmentDown, DepartmentRefused, Departments
from conformance.examples.start_up import rules
from conformance.examples.start_up.matter import Matter
from conformance.examples.start_up.service import StartUpApp, main

# -- article 12 ------------------------------------------------------------------------------------------------


class AnySentence(StartUpApp):
    """Does not look at sentences."""

    def d2(self, matter: Matter) -> bool:
        return True


class FiveYearsRefused(StartUpApp):
    """Still refuses on the day that completes five years."""

    def d2(self, matter: Matter) -> bool:
        kept, matter.today = matter.today, matter.today - timedelta(days=1)
        try:
            return super().d2(matter)
        finally:
            matter.today = kept


class FiveTimes365(StartUpApp):
    """Counts the years after a sentence as 365 days each."""

    def over(self, day: str | None, years: int, matter: Matter) -> bool:
        days = 365 * years if years == rules.YEARS_AFTER_SENTENCE else 0
        passed = day is None or (matter.today - date.fromisoformat(day)).days >= days
        return passed if days else super().over(day, years, matter)


class ThreeForFive(StartUpApp):
    """Takes the three years of bankruptcies for sentences, too."""

    def over(self, day: str | None, years: int, matter: Matter) -> bool:
        return super().over(day, rules.YEARS_AFTER_FAILURE, matter)


class EveryCrime(StartUpApp):
    """Lets every crime bar, not only those listed."""

    def d2(self, matter: Matter) -> bool:
        court = matter.checks["B3-court"]
        return super().d2(matter) and self.over(court["XFQMRQ"], rules.YEARS_AFTER_SENTENCE, matter)


class NoDeprivation(StartUpApp):
    """Forgets that a deprivation of political rights bars whatever the crime."""

    def d2(self, matter: Matter) -> bool:
        court = matter.checks["B3-court"]
        kept, matter.checks["B3-court"] = court, {**court, "BQQMRQ": None}
        try:
            return super().d2(matter)
        finally:
            matter.checks["B3-court"] = kept


class AnyBankruptcy(StartUpApp):
    """Does not look at bankruptcies."""

    def d3(self, matter: Matter) -> bool:
        return True


class SupervisorsToo(StartUpApp):
    """Bars the supervisor of a bankrupt firm."""

    def d3(self, matter: Matter) -> bool:
        court = matter.checks["B3-court"]
        return court["PCGRZR"] != "1" or self.over(court["PCWJRQ"], rules.YEARS_AFTER_FAILURE, matter)


class LiableOrNot(StartUpApp):
    """Bars everybody who held an office in a bankrupt firm, liable or not."""

    def d3(self, matter: Matter) -> bool:
        court = matter.checks["B3-court"]
        answerable = court["PCZWDM"] in rules.ANSWERABLE
        return not answerable or self.over(court["PCWJRQ"], rules.YEARS_AFTER_FAILURE, matter)


class AnyRevocation(StartUpApp):
    """Does not look at revoked licences."""

    def d4(self, matter: Matter) -> bool:
        return True


class DirectorsToo(StartUpApp):
    """Bars every office of a firm whose licence was revoked."""

    def d4(self, matter: Matter) -> bool:
        market = matter.checks["B3-market"]
        return market["DXGRZR"] != "1" or self.over(market["DXRQ"], rules.YEARS_AFTER_FAILURE, matter)


class RevokedTheDayBefore(StartUpApp):
    """Ends the three years after a revocation one day early."""

    def d4(self, matter: Matter) -> bool:
        kept, matter.today = matter.today, matter.today + timedelta(days=1)
        try:
            return super().d4(matter)
        finally:
            matter.today = kept


class DebtAtTheLimit(StartUpApp):
    """Takes a debt of exactly the limit for small."""

    def d5(self, matter: Matter) -> bool:
        return float(matter.checks["B3-bank"]["YQWQCJE"]) <= rules.LARGE_DEBT


class AnyDebt(StartUpApp):
    """Bars whoever owes anything."""

    def d5(self, matter: Matter) -> bool:
        return float(matter.checks["B3-bank"]["YQWQCJE"]) == 0


class AgeOnly(StartUpApp):
    """Takes everybody over eighteen for capable."""

    def d1(self, matter: Matter) -> bool:
        number = matter.application["legal_representative"]["GMSFHM"]
        born = date.fromisoformat(f"{number[6:10]}-{number[10:12]}-{number[12:14]}")
        return matter.today >= rules.years_after(born, 18)


class NeverAsksTheBank(StartUpApp):
    """Never asks for debts: most people have none."""

    def check(self, matter: Matter, departments: Departments) -> None:
        super().check(matter, _NoBank(departments.client, departments.gateway, departments.token, matter.id))


class _NoBank(Departments):
    def ask(
        self,
        method: str,
        interface: str,
        path: str,
        fields: Sequence[str] | None,
        body: Any = None,
        key: str | None = None,
    ) -> Mapping[str, Any]:
        if interface == "central-bank.legal-rep-checks":
            return {"YQWQCJE": 0.0}
        return Departments.ask(self, method, interface, path, fields, body, key)


class DirectorsBarred(StartUpApp):
    """Applies article 12 to directors as well."""

    def check(self, matter: Matter, departments: Departments) -> None:
        super().check(matter, departments)
        fields = ["MSXWNLDM", "ZMLBDM", "XFQMRQ", "BQQMRQ", "PCZWDM", "PCGRZR", "PCWJRQ"]
        self.others = [
            departments.ask(
                "POST",
                "court.legal-rep-checks",
                "/legal-rep-checks",
                fields,
                {"XM": one["XM"], "GMSFHM": one["GMSFHM"]},
            )
            for one in matter.application["directors"]
        ]

    def d2(self, matter: Matter) -> bool:
        kept, held = matter.checks["B3-court"], super().d2(matter)
        for other in self.others:
            matter.checks["B3-court"] = other
            held = held and super().d2(matter)
        matter.checks["B3-court"] = kept
        return held


# -- names and faces -------------------------------------------------------------------------------------------


class AnyName(StartUpApp):
    """Does not mind that a name may not be used; the registry then does."""

    def n1(self, matter: Matter) -> bool:
        return True


class HalfRegistered(StartUpApp):
    """Takes a name that was taken meanwhile for a step that can be tried again."""

    def carry_out(self, matter: Matter, departments: Departments) -> None:
        super().carry_out(matter, departments)
        if matter.state == "not_eligible":
            matter.state, matter.failed_rules = "partially_completed", []


class AnyFace(StartUpApp):
    """Does not mind whose face it is."""

    def r1(self, matter: Matter) -> bool:
        return True


class RepresentativeOnly(StartUpApp):
    """Checks the legal representative and nobody else."""

    def checked(self, application: Mapping[str, Any]) -> Iterable[tuple[str, Mapping[str, Any]]]:
        return [found for found in super().checked(application) if found[0] == "/legal_representative"]


class FirstOfEach(StartUpApp):
    """Checks the first of several directors, shareholders and supervisors."""

    def checked(self, application: Mapping[str, Any]) -> Iterable[tuple[str, Mapping[str, Any]]]:
        return [found for found in super().checked(application) if not found[0].endswith("/1")]


class NoAgent(StartUpApp):
    """Forgets the agent."""

    def checked(self, application: Mapping[str, Any]) -> Iterable[tuple[str, Mapping[str, Any]]]:
        return [found for found in super().checked(application) if found[0] != "/agent"]


class OnePerson(StartUpApp):
    """Names the first person concerned and keeps the others for next time."""

    def told(self, matter: Matter, rule: str) -> dict[str, Any]:
        told = super().told(matter, rule)
        return {**told, "concerns": told["concerns"][:1]} if "concerns" in told else told


class OnePlace(StartUpApp):
    """Names every person, but each at one place only."""

    def told(self, matter: Matter, rule: str) -> dict[str, Any]:
        told, seen, places = super().told(matter, rule), set[str](), []
        for place in told.get("concerns", ()):
            role, _, at = place[1:].partition("/")
            entry = matter.application[role]
            number = (entry[int(at)] if at else entry)["GMSFHM"]
            places += [] if number in seen else [place]
            seen.add(number)
        return {**told, "concerns": places} if places else told


# -- notices ---------------------------------------------------------------------------------------------------


class OnePaper(StartUpApp):
    """Asks for one document at a time."""

    def papers(self, application: Mapping[str, Any]) -> list[tuple[str, rules.Text]]:
        return super().papers(application)[:1]


class OneRefusal(StartUpApp):
    """Names the first rule that fails and keeps the others for next time."""

    def refusals(self, matter: Matter) -> list[str]:
        return super().refusals(matter)[:1]


class ScanToo(StartUpApp):
    """Wants a scan of a licence that sharing supplies, when it asks for documents at all."""

    def papers(self, application: Mapping[str, Any]) -> list[tuple[str, rules.Text]]:
        found = super().papers(application)
        scan = ("/documents/licence_scan", {"zh_CN": "请上传营业执照扫描件", "en": "Upload a scan of the licence"})
        return [*found, scan] if found else found


class SilentOnStaff(StartUpApp):
    """Says nothing to whoever has one employee."""

    def notices(self, matter: Matter) -> list[str]:
        return [] if matter.application["deposits"]["ZGRS"] <= 1 else super().notices(matter)


# -- credit code and branches ----------------------------------------------------------------------------------


class AnyCode(StartUpApp):
    """Believes whatever credit code it is told."""

    def believable(self, code: str) -> bool:
        return True


class OuterOnly(StartUpApp):
    """Verifies the last check character only."""

    def believable(self, code: str) -> bool:
        return rules.outer_right(code)


class OwnKeys(StartUpApp):
    """Makes new keys for the departments when a submission is sent again."""

    def step_key(self, matter: Matter, step: str) -> str:
        return f"{matter.id}-{step}"


class OneByOne(StartUpApp):
    """Lets the tax office wait for the seals."""

    def ready(self, step: str, matter: Matter) -> bool:
        waits = step == "B6" and "B5" in matter.wanted() and matter.steps["B5"] != "done"
        return super().ready(step, matter) and not waits


class AllBranchesAgain(StartUpApp):
    """Sends every branch again when one is to be tried again."""

    def resume(self, request: Any, body: bytes) -> Any:
        matter = self.find(request)
        if matter.state == "partially_completed":
            matter.steps.update({step: "pending" for step in self.order(matter) if step != "B4"})
        return super().resume(request, body)


class AllIsWell(StartUpApp):
    """Takes the outage of a branch for a success."""

    def carry_out(self, matter: Matter, departments: Departments) -> None:
        super().carry_out(matter, departments)
        if matter.state == "partially_completed":
            matter.state = "completed"


class StopsAtTheFirst(StartUpApp):
    """Gives up the other branches when one fails."""

    def ready(self, step: str, matter: Matter) -> bool:
        return super().ready(step, matter) and "failed" not in matter.steps.values()

    def resume(self, request: Any, body: bytes) -> Any:
        matter = self.find(request)
        matter.steps.update({step: "pending" for step, state in matter.steps.items() if state == "failed"})
        return super().resume(request, body)


class MadeUpAccount(StartUpApp):
    """Shows a fund account of its own making."""

    def show(self, matter: Matter) -> dict[str, Any]:
        shown = super().show(matter)
        if "DWZH" in shown["result"]:
            shown["result"] = {**shown["result"], "DWZH": "550106000000"}
        return shown


class Everything(StartUpApp):
    """Does the optional steps whether wanted or not."""

    def application(self, body: bytes) -> Mapping[str, Any]:
        return {name: value for name, value in super().application(body).items() if name != "services"}


# -- reading ---------------------------------------------------------------------------------------------------


class WholeAnswers(StartUpApp):
    """Takes whole answers of the courts where some fields would do."""

    def check(self, matter: Matter, departments: Departments) -> None:
        super().check(matter, _Whole(departments.client, departments.gateway, departments.token, matter.id))


class _Whole(Departments):
    def ask(
        self,
        method: str,
        interface: str,
        path: str,
        fields: Sequence[str] | None,
        body: Any = None,
        key: str | None = None,
    ) -> Mapping[str, Any]:
        wanted = None if interface == "court.legal-rep-checks" else fields
        return Departments.ask(self, method, interface, path, wanted, body, key)


class Collects(StartUpApp):
    """Looks the legal representative up in the resident register."""

    def check(self, matter: Matter, departments: Departments) -> None:
        super().check(matter, departments)
        head = matter.application["legal_representative"]
        whom = {"XM": head["XM"], "GMSFHM": head["GMSFHM"]}
        with suppress(DepartmentRefused):
            departments.ask("POST", "police.residents", "/resident-queries", ["PPJG", "LXDH"], whom)


class RecordsFirst(StartUpApp):
    """Asks for debts before anybody's name has been checked."""

    def check(self, matter: Matter, departments: Departments) -> None:
        head = matter.application["legal_representative"]
        whom = {"XM": head["XM"], "GMSFHM": head["GMSFHM"]}
        departments.ask("POST", "central-bank.legal-rep-checks", "/legal-rep-checks", ["YQWQCJE"], whom)
        super().check(matter, departments)


# -- access and form -------------------------------------------------------------------------------------------


class OpenToAll(StartUpApp):
    """Shows a handled matter to every token."""

    def visible(self, matter: Matter, token: str) -> bool:
        return True


class AnyGateway(StartUpApp):
    """Sends personal data to whatever address it is handed."""

    def __init__(self, allow: Sequence[str] = ("http",)) -> None:
        super().__init__(("http",))


class Twice(StartUpApp):
    """Forgets idempotency keys: a repeated submission becomes a second handled matter."""

    def known(self, token: str, key: str, digest: str) -> str | None:
        return None


class ChecksDown(StartUpApp):
    """Concludes that nothing is owed when the bank does not answer."""

    def check(self, matter: Matter, departments: Departments) -> None:
        super().check(matter, _Hopeful(departments.client, departments.gateway, departments.token, matter.id))


class _Hopeful(Departments):
    def ask(
        self,
        method: str,
        interface: str,
        path: str,
        fields: Sequence[str] | None,
        body: Any = None,
        key: str | None = None,
    ) -> Mapping[str, Any]:
        try:
            return Departments.ask(self, method, interface, path, fields, body, key)
        except DepartmentDown:
            if interface != "court.legal-rep-checks":
                raise
            return {"MSXWNLDM": "1"} | dict.fromkeys(("ZMLBDM", "XFQMRQ", "BQQMRQ", "PCZWDM", "PCGRZR", "PCWJRQ"))


@dataclass(frozen=True)
class Fault:
    """What the suite must say: these cases fail, and these requirements are named."""

    app: type[StartUpApp]
    cases: frozenset[str]
    requirements: frozenset[str]


def _fault(app: type[StartUpApp], cases: str, requirements: str) -> Fault:
    return Fault(app, frozenset(cases.split()), frozenset(requirements.split()))


_FAN = "fanout.B5 fanout.B6 fanout.B7 fanout.B8 fanout.B9"

FAULTS: Mapping[str, Fault] = {
    fault.app.__name__: fault
    for fault in (
        _fault(AnySentence, "D2.last-day D2.serving D2.deprived D2.replaced", "D2"),
        _fault(FiveYearsRefused, "D2.five-years D2.deprived-over", "D2"),
        _fault(FiveTimes365, "D2.last-day D2.deprived", "D2"),
        _fault(ThreeForFive, "D2.last-day D2.deprived D2.replaced", "D2"),
        _fault(EveryCrime, "D2.other-crime", "D2"),
        _fault(NoDeprivation, "D2.deprived", "D2"),
        _fault(AnyBankruptcy, "D3.last-day", "D3"),
        _fault(SupervisorsToo, "D3.supervisor", "D3"),
        _fault(LiableOrNot, "D3.not-liable", "D3"),
        _fault(AnyRevocation, "D4.last-day", "D4"),
        _fault(DirectorsToo, "D4.director", "D4"),
        _fault(RevokedTheDayBefore, "D4.last-day", "D4"),
        _fault(DebtAtTheLimit, "D5.exactly", "D5"),
        _fault(AnyDebt, "D5.below", "D5"),
        _fault(AgeOnly, "D1.incapable", "D1"),
        _fault(
            NeverAsksTheBank,
            "D5.exactly observe.grounds observe.order observe.steps",
            "D5 read.grounded order steps.honest",
        ),
        _fault(DirectorsBarred, "D2.director", "D2"),
        _fault(AnyName, "N1.taken N1.words N1.before", "N1"),
        _fault(HalfRegistered, "N1.between", "N1"),
        _fault(
            AnyFace,
            "R1.representative R1.shareholder R1.director R1.supervisor R1.liaison R1.agent",
            "R1",
        ),
        _fault(
            RepresentativeOnly,
            "X1.director X1.supervisor X1.agent X2.shareholder X2.liaison"
            " R1.shareholder R1.director R1.supervisor R1.liaison R1.agent",
            "X1 X2 R1",
        ),
        _fault(FirstOfEach, "X1.director X2.shareholder R1.director", "X1 X2 R1"),
        _fault(NoAgent, "X1.agent R1.agent", "X1 R1"),
        _fault(OnePerson, "persons.names persons.faces", "notice.persons"),
        _fault(OnePlace, "persons.names persons.faces", "notice.persons"),
        _fault(OnePaper, "M1.everything M2.both", "M2"),
        _fault(OneRefusal, "notice.all-rules", "notice.complete"),
        _fault(ScanToo, "M1.everything M2.both M2.articles", "M1 M2"),
        _fault(SilentOnStaff, "S58.staff", "S58"),
        _fault(AnyCode, "code.outer code.inner", "credit-code"),
        _fault(OuterOnly, "code.inner", "credit-code"),
        _fault(OwnKeys, "code.outer code.inner observe.repeats", "once"),
        _fault(OneByOne, "fanout.B5", "keep.finished"),
        _fault(AllBranchesAgain, f"{_FAN} fault.resume", "keep.finished"),
        _fault(AllIsWell, f"{_FAN} fault.branch fault.trunk fault.resume", "honest.outage"),
        _fault(
            StopsAtTheFirst,
            "fanout.B5 fanout.B6 fanout.B7 fanout.B8 fault.branch fault.trunk fault.resume",
            "keep.finished",
        ),
        _fault(MadeUpAccount, "observe.results", "result.genuine"),
        _fault(Everything, "complete.required-only complete.some", "choice"),
        _fault(WholeAnswers, "observe.fields", "read.needed-only"),
        _fault(Collects, "observe.process", "read.process-only"),
        _fault(RecordsFirst, "observe.order", "order"),
        _fault(OpenToAll, "access.foreign-token access.foreign-resumption", "access.owner"),
        _fault(AnyGateway, "access.gateway", "access.gateway"),
        _fault(Twice, "once.repeat once.other-body", "once"),
        _fault(ChecksDown, "fault.check observe.order observe.steps", "honest.outage order steps.honest"),
    )
}


if __name__ == "__main__":
    chosen = FAULTS[sys.argv.pop(1)]
    main(chosen.app)
