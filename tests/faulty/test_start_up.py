"""The right start-up app has no finding; an app wrong in one way is told so, by the requirement it breaks.

The whole table, every app against every case, is `tests/benchmarks/conformance.py`.
"""

from __future__ import annotations

import pytest

from conformance import suites
from conformance.case import Outcome
from conformance.examples.start_up.right import RightApp
from conformance.grade import grade, policy
from conformance.run import run

PLAYED = ("NoDeprivation", "SupervisorsToo", "DebtAtTheLimit", "FirstOfEach", "OnePlace", "OuterOnly", "HalfRegistered")


def conduct(url, only=()):
    return run(suites.load("start-up"), url, ("faulty",), nonce="n" * 32, quick=True, only=only)


def test_the_right_app_has_no_finding(serve) -> None:
    report = conduct(serve(RightApp().asgi))
    assert [case.case.id for case in report.cases if case.outcome is not Outcome.PASS] == []
    assert grade(report, policy()).letter == "A"


def test_an_app_that_carries_out_the_documents_is_right(interpreter) -> None:
    """A handful of cases; the benchmark plays all of them."""
    report = conduct(
        interpreter("start-up"), only=["M1.everything", "persons.faces", "N1.between", "code.inner", "fanout.B6"]
    )
    assert [c.case.id for c in report.cases if c.outcome is not Outcome.PASS] == []


@pytest.mark.parametrize("name", PLAYED)
def test_what_is_wrong_is_named(serve, start_ups, name) -> None:
    fault = start_ups.FAULTS[name]
    report = conduct(serve(fault.app().asgi), only=fault.cases)
    assert set(report.failing) == fault.cases
    assert {r.id for r in report.requirements if report.requirement(r.id) is Outcome.FAIL} == fault.requirements


def test_every_rule_and_demand_has_a_faulty_app(start_ups) -> None:
    named = {requirement for fault in start_ups.FAULTS.values() for requirement in fault.requirements}
    assert {rule.id for rule in suites.load("start-up").rules} <= named
    assert {"notice.persons", "credit-code"} <= named
    assert len(start_ups.FAULTS) >= 40
