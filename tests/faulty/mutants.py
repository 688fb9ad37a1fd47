"""Newborn apps that are wrong in exactly one way each: the right app with one decision overridden.

`FAULTS` names, for each, the cases that must fail and the requirements that must be named, and nothing else.
Any of them can be started by hand: `python tests/faulty/mutants.py NAME --port 9001`.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

from conformance.examples.departments import DepartmentDown, DepartmentRefused, Departments
from conformance.examples.newborn import rules
from conformance.examples.newborn.matter import Matter
from conformance.examples.newborn.overreading import OverreadingApp
from conformance.examples.newborn.rules import Facts
from conformance.examples.newborn.service import NewbornApp, main
from conformance.examples.newborn.unmarried import UnmarriedApp


class NotMarriedNow(NewbornApp):
    """Takes any registered marriage for one in force."""

    def e3(self, matter: Matter) -> bool:
        marriage = matter.facts["marriage"]
        return marriage is not None and marriage["ZT"] in ("20", "30", "40")


class OneYearCounts(NewbornApp):
    """Still accepts a child that is exactly one year old."""

    def e2(self, matter: Matter) -> bool:
        born = date.fromisoformat(matter.application["newborn"]["CSRQ"])
        return born <= matter.today <= rules.months_after(born, 12)


class DayOff(NewbornApp):
    """Counts one day too many: refuses on the last day before the first birthday."""

    def e2(self, matter: Matter) -> bool:
        born = date.fromisoformat(matter.application["newborn"]["CSRQ"])
        return born <= matter.today < rules.months_after(born, 12) - timedelta(days=1)


class BornTomorrow(NewbornApp):
    """Does not mind a date of birth in the future."""

    def e2(self, matter: Matter) -> bool:
        born = date.fromisoformat(matter.application["newborn"]["CSRQ"])
        return matter.today < rules.months_after(born, 12)


class AnyProvince(NewbornApp):
    """Does not look at where the parents are registered."""

    def e4(self, matter: Matter) -> bool:
        return True


class MotherOnly(NewbornApp):
    """Looks at the mother's province only."""

    def e4(self, matter: Matter) -> bool:
        kept, matter.facts = matter.facts, {**matter.facts, "father": matter.facts["mother"]}
        try:
            return super().e4(matter)
        finally:
            matter.facts = kept


class AnyHousehold(NewbornApp):
    """Lets a child join a collective household."""

    def e5(self, matter: Matter) -> bool:
        return True


class WrongParent(NewbornApp):
    """Looks at the household of the parent that is not followed."""

    def e5(self, matter: Matter) -> bool:
        other = "mother" if matter.application["follow"] == "father" else "father"
        household = matter.facts[other]
        return household is not None and household["HB"] == "1"


class AnyInstitution(NewbornApp):
    """Does not mind whether the institution has issuing power; the department then does."""

    def e1(self, matter: Matter) -> bool:
        return matter.facts["institution"] is not None


class LateIsRefused(NewbornApp):
    """Takes the duty to declare within a month for a bar."""

    def refusals(self, matter: Matter) -> list[str]:
        return super().refusals(matter) or ([] if self.e6(matter) else ["E6"])


class OneRefusal(NewbornApp):
    """Names the first rule that fails and keeps the others for next time."""

    def refusals(self, matter: Matter) -> list[str]:
        return super().refusals(matter)[:1]


class OneGap(NewbornApp):
    """Names one gap at a time."""

    def gaps(self, application: Mapping[str, Any]) -> list[tuple[str, rules.Text]]:
        return super().gaps(application)[:1]


class NoConsent(NewbornApp):
    """Goes on without the guardian's consent."""

    def consents(self, application: Mapping[str, Any]) -> bool:
        return True


class AnyName(NewbornApp):
    """Does not mind names that differ from the register."""

    def corrections(self, facts: Facts) -> list[str]:
        return [rule for rule in super().corrections(facts) if rule != "X1"]

    def refusals(self, matter: Matter) -> list[str]:
        return [] if self._differs(matter.facts) else super().refusals(matter)

    @staticmethod
    def _differs(facts: Facts) -> bool:
        return any(answer and answer.get("PPJG") == "2" for answer in facts.values())


class Twice(NewbornApp):
    """Forgets idempotency keys: a repeated submission becomes a second handled matter, with keys of its own."""

    def known(self, token: str, key: str, digest: str) -> str | None:
        return None

    def step_key(self, matter: Matter, step: str) -> str:
        return f"{matter.id}-{step}"


class SharedKeys(NewbornApp):
    """Keeps idempotency keys without the launch: another citizen's key opens the first one's handled matter."""

    def known(self, token: str, key: str, digest: str) -> str | None:
        found = [matter for (_, used), (_, matter) in self.keys.items() if used == key]
        return found[0] if found and (token, key) not in self.keys else super().known(token, key, digest)


class OpenToAll(NewbornApp):
    """Shows a handled matter to every token."""

    def visible(self, matter: Matter, token: str) -> bool:
        return True


class AnyGateway(NewbornApp):
    """Sends personal data to whatever address it is handed."""

    def __init__(self, allow: Sequence[str] = ("http",)) -> None:
        super().__init__(("http",))


class CardFirst(NewbornApp):
    """Tries the insurance before the birth is registered, and once more afterwards."""

    def carry_out(self, matter: Matter, departments: Departments) -> None:
        if "N4" in matter.wanted() and matter.steps["N4"] != "done":
            self._early(matter, departments)
        super().carry_out(matter, departments)

    def _early(self, matter: Matter, departments: Departments) -> None:
        guessed = {**matter.result, "GMSFHM": matter.application["mother"]["GMSFHM"]}
        kept, matter.result = matter.result, guessed
        try:
            interface, path, fields, body = self.request("N4", matter)
        finally:
            matter.result = kept
        with suppress(DepartmentRefused, DepartmentDown):
            departments.ask("POST", interface, path, fields, body, f"{matter.id}-N4-early")


class MadeUpNumber(NewbornApp):
    """Shows a child number of its own making."""

    def show(self, matter: Matter) -> dict[str, Any]:
        shown = super().show(matter)
        if "GMSFHM" in shown["result"]:
            shown["result"] = {**shown["result"], "GMSFHM": "110105202601010017"}
        return shown


class AllIsWell(NewbornApp):
    """Takes a department's outage for a success."""

    def outage(self, step: str, matter: Matter) -> None:
        if step == "N2":
            raise DepartmentDown(step)
        matter.steps[step] = "failed"

    def carry_out(self, matter: Matter, departments: Departments) -> None:
        super().carry_out(matter, departments)
        if matter.state == "partially_completed":
            matter.state = "completed"


class Forgetful(NewbornApp):
    """Loses the finished steps when a later one fails."""

    def show(self, matter: Matter) -> dict[str, Any]:
        shown = super().show(matter)
        if matter.state == "partially_completed":
            shown["result"] = {}
            for entry in shown["steps"]:
                if entry["state"] == "done" and entry["step"] not in rules.CHECKS:
                    entry["state"] = "pending"
                    entry.pop("reference", None)
        return shown


class StartsOver(NewbornApp):
    """Takes up a half-finished matter from the beginning, under new keys."""

    def resume(self, request: Any, body: bytes) -> Any:
        matter = self.find(request)
        if matter.state == "partially_completed":
            matter.steps.update({step: "pending" for step in self.order(matter) if step != "N2"})
        return super().resume(request, body)


class NumbersInAddresses(NewbornApp):
    """Puts the mother's number into the query of a check."""

    def institution(self, code: str, departments: Departments) -> Mapping[str, Any] | None:
        try:
            return departments.ask(
                "GET",
                "health.birth-certificates",
                f"/midwifery-institutions/{code}",
                ["QFQX", "XZQH&for=" + self.mother],
            )
        except DepartmentRefused as refused:
            if refused.status == 404:
                return None
            raise

    def check(self, matter: Matter, departments: Departments) -> None:
        self.mother = matter.application["mother"]["GMSFHM"]
        super().check(matter, departments)


class Guesses(NewbornApp):
    """Never asks for the marriage: most parents are married."""

    def check(self, matter: Matter, departments: Departments) -> None:
        super().check(matter, _NoMarriage(departments.client, departments.gateway, departments.token, matter.id))


class _NoMarriage(Departments):
    def ask(
        self,
        method: str,
        interface: str,
        path: str,
        fields: Sequence[str] | None,
        body: Any = None,
        key: str | None = None,
    ) -> Mapping[str, Any]:
        if interface == "civil-affairs.marriages":
            return {"PPJG": "1", "ZT": "20"}
        return Departments.ask(self, method, interface, path, fields, body, key)


class Everything(NewbornApp):
    """Does the optional steps whether wanted or not."""

    def application(self, body: bytes) -> Mapping[str, Any]:
        return {name: value for name, value in super().application(body).items() if name != "services"}


class Crashes(NewbornApp):
    """Breaks down on a body that is no JSON."""

    def application(self, body: bytes) -> Mapping[str, Any]:
        if not body.rstrip().endswith(b"}"):
            raise ZeroDivisionError
        return super().application(body)


@dataclass(frozen=True)
class Fault:
    """What the suite must say: these cases fail, and these requirements are named.

    `follows`: so much else goes wrong in consequence (a department refuses what it is sent) that more is named.
    `slow`: found only by cases that take their time, which a quick run leaves out.
    """

    app: type[NewbornApp]
    cases: frozenset[str]
    requirements: frozenset[str]
    follows: bool = False
    slow: bool = False


def _fault(app: type[NewbornApp], cases: str, requirements: str, *, follows: bool = False, slow: bool = False) -> Fault:
    return Fault(app, frozenset(cases.split()), frozenset(requirements.split()), follows, slow)


FAULTS: Mapping[str, Fault] = {
    fault.app.__name__: fault
    for fault in (
        _fault(UnmarriedApp, "E3.strangers E3.divorced", "E3"),
        _fault(OverreadingApp, "observe.fields observe.process", "read.needed-only read.process-only"),
        _fault(NotMarriedNow, "E3.divorced", "E3"),
        _fault(OneYearCounts, "E2.exactly-one-year", "E2"),
        _fault(DayOff, "E2.last-day", "E2"),
        _fault(BornTomorrow, "E2.future", "E2"),
        _fault(AnyProvince, "E4.mother-elsewhere E4.father-elsewhere E4.institution-elsewhere facts.deciding", "E4"),
        _fault(MotherOnly, "E4.father-elsewhere", "E4"),
        _fault(AnyHousehold, "E5.collective", "E5"),
        _fault(WrongParent, "E5.collective E5.other-parent", "E5"),
        _fault(AnyInstitution, "E1.no-power", "E1"),
        _fault(LateIsRefused, "E6.late E2.last-day", "E6"),
        _fault(OneRefusal, "notice.all-rules", "notice.complete"),
        _fault(OneGap, "M1.parents M1.everything", "M1"),
        _fault(NoConsent, "C31.absent C31.refused M1.everything", "C31"),
        _fault(AnyName, "X1.mother-name X1.father-name facts.changed facts.deciding", "X1"),
        _fault(Twice, "once.repeat once.other-body once.at-once", "once"),
        _fault(SharedKeys, "access.same-key", "access.owner"),
        _fault(OpenToAll, "access.foreign-token access.foreign-resumption access.bad-token", "access.owner"),
        _fault(AnyGateway, "access.gateway", "access.gateway"),
        _fault(CardFirst, "observe.order", "order"),
        _fault(MadeUpNumber, "observe.results", "result.genuine"),
        _fault(AllIsWell, "fault.branch fault.trunk fault.resume fault.cut fault.too-many", "honest.outage"),
        _fault(Forgetful, "fault.branch fault.trunk fault.resume", "keep.finished"),
        _fault(StartsOver, "fault.resume", "keep.finished"),
        _fault(NumbersInAddresses, "observe.urls", "privacy.url"),
        _fault(
            Guesses,
            "E3.strangers E3.divorced observe.grounds observe.order observe.steps",
            "E3 read.grounded order steps.honest",
        ),
        _fault(Everything, "complete.required-only complete.some", "choice"),
        _fault(Crashes, "input.broken observe.robust", "contract.input robust"),
    )
}

# The second half of the table stands in a file of its own and uses what is defined here.
sys.modules.setdefault("newborn_mutants", sys.modules[__name__])
_spec = importlib.util.spec_from_file_location("newborn_attacked", Path(__file__).parent / "attacked.py")
assert _spec is not None
assert _spec.loader is not None
attacked: ModuleType = importlib.util.module_from_spec(_spec)
sys.modules[_spec.name] = attacked
_spec.loader.exec_module(attacked)
FAULTS = {**FAULTS, **attacked.FAULTS}


if __name__ == "__main__":
    chosen = FAULTS[sys.argv.pop(1)]
    main(chosen.app)
