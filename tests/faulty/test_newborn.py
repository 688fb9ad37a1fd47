"""Each app is wrong in exactly one way; the suite says which, and finds nothing in the right one."""

from __future__ import annotations

from conformance import suites
from conformance.case import Outcome
from conformance.examples.newborn.right import RightApp
from conformance.grade import grade, policy
from conformance.run import run


def conduct(url, seed="faulty"):
    return run(suites.load("newborn"), url, (seed,), nonce="n" * 32, quick=True)


def test_the_right_app_has_no_finding(serve) -> None:
    report = conduct(serve(RightApp().asgi))
    assert [case.case.id for case in report.cases if case.outcome is not Outcome.PASS] == []
    assert grade(report, policy()).letter == "A"


def test_the_suite_names_what_is_wrong(serve, mutants, fault_name) -> None:
    fault = mutants.FAULTS[fault_name]
    report = conduct(serve(fault.app().asgi))
    others = {c.case.id: c.outcome for c in report.cases if c.outcome is not Outcome.PASS}
    assert set(report.failing) == fault.cases
    assert set(others.values()) <= {Outcome.FAIL, Outcome.INCONCLUSIVE}
    named = {r.id for r in report.requirements if report.requirement(r.id) is Outcome.FAIL}
    assert named == fault.requirements
    for name in report.failing:
        runs = report.case(name).runs
        said = [words for r in runs for problem in r.problems for words in (problem.expected, problem.got)]
        assert all(words["en"] and words["zh_CN"] for words in said)
        assert any("curl" in turn.curl for r in runs for turn in r.turns)
    if any(policy().must(name) for name in named):
        assert grade(report, policy()).refused
