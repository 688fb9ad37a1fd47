"""The right fund app has no finding; of its faulty ones those that ask for too much, and a rule just missed.

The whole table, every app against every case, is `tests/benchmarks/conformance.py`.
"""

from __future__ import annotations

import pytest

from conformance import suites
from conformance.case import Outcome
from conformance.examples.fund.right import RightApp
from conformance.grade import grade, policy
from conformance.run import run


def conduct(url, only=()):
    return run(suites.load("fund-withdrawal"), url, ("faulty",), nonce="n" * 32, quick=True, only=only)


def test_the_right_app_has_no_finding(serve) -> None:
    report = conduct(serve(RightApp().asgi))
    assert [case.case.id for case in report.cases if case.outcome is not Outcome.PASS] == []
    assert grade(report, policy()).letter == "A"


def test_an_app_that_carries_out_the_documents_is_right(interpreter) -> None:
    """A handful of cases; the benchmark plays all of them."""
    report = conduct(
        interpreter("fund-withdrawal"),
        only=["M1.evidence", "complete.G6-family", "E22.stranger", "close.after", "fault.cut"],
    )
    assert [c.case.id for c in report.cases if c.outcome is not Outcome.PASS] == []


@pytest.mark.parametrize("name", ["SpouseFirst", "NoWagesNoIncome"])
def test_the_suite_names_what_is_wrong(serve, withdrawals, name) -> None:
    """Only the cases that must fail, with their controls and the observations: the whole table is a benchmark."""
    fault, suite = withdrawals.FAULTS[name], suites.load("fund-withdrawal")
    wanted = {"complete.G1", "complete.G2", "complete.G6-family", *fault.cases}
    wanted |= {control for case in wanted if (control := suite.case(case).control)}
    report = conduct(serve(fault.app().asgi), sorted(wanted))
    assert set(report.failing) == fault.cases
    assert {r.id for r in report.requirements if report.requirement(r.id) is Outcome.FAIL} == fault.requirements


def test_there_are_faults_of_many_kinds(withdrawals) -> None:
    assert len(withdrawals.FAULTS) >= 20
    known = {case.id for case in suites.load("fund-withdrawal").cases}
    for fault in withdrawals.FAULTS.values():
        assert fault.cases
        assert fault.cases <= known
        assert fault.requirements
