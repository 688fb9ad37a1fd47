"""Each app is wrong in exactly one way; the suite says which, and finds nothing in the right one.

Here the cases that must fail are played (whole quick runs where an observation must see it); `tongban bench
conformance` plays every app through everything.
"""

from __future__ import annotations

import pytest
from starlette.responses import JSONResponse

from conformance import suites
from conformance.case import Outcome
from conformance.examples.newborn.right import RightApp
from conformance.grade import grade, policy
from conformance.run import run
from conformance.suites.general import facts

WATCHED = {"OverreadingApp", "CardFirst", "MadeUpNumber"}
"""Mutants played through a whole quick run; of the others only the cases that must fail."""


SPARED = {
    "GuardiansCard", "CancelledCounts", "AsksTheMotherTwice", "OverrunIsRefusal", "ResumesAll", "TokenInQuery",
    "TrustsAnyProxy", "TakesTheKeyForProof", "Quotes", "ShowsOthers", "ByTiming", "DayOff", "AnyGateway", "MotherOnly",
    "OneGap", "Impatient", "BornTomorrow", "NotMarriedNow",
}  # fmt: skip
"""Mutants whose kind another stands for here; the benchmark plays them all."""


def conduct(url, seed="faulty", **more):
    return run(suites.load("newborn"), url, (seed,), nonce="n" * 32, **{"quick": True, **more})


def test_the_right_app_has_no_finding(serve) -> None:
    report = conduct(serve(RightApp().asgi))
    assert [case.case.id for case in report.cases if case.outcome is not Outcome.PASS] == []
    assert grade(report, policy()).letter == "A"


def test_a_right_app_written_otherwise_has_no_finding_above_a_remark(stranger) -> None:
    report = conduct(stranger)
    assert [c.case.id for c in report.cases if c.outcome not in (Outcome.PASS, Outcome.WARN)] == []
    assert grade(report, policy()).listable


def test_the_suite_names_what_is_wrong(serve, mutants, fault_name, monkeypatch) -> None:
    monkeypatch.setattr(facts, "LEISURE", 0.3)
    monkeypatch.setattr(facts, "WANDER", 0.1)
    fault = mutants.FAULTS[fault_name]
    if fault_name in SPARED:
        pytest.skip("another of its kind is played; the benchmark plays them all")
    scripted = sorted(fault.cases & set(suites.load("newborn").scripts))
    if fault_name not in WATCHED and not scripted:
        pytest.skip("seen over a whole run only, which the benchmark makes")
    if fault.slow and scripted == ["load"]:
        pytest.skip("takes as long as a load does; the benchmark has it")
    report = conduct(serve(fault.app().asgi), only=() if fault_name in WATCHED else scripted)
    named = {r.id for r in report.requirements if report.requirement(r.id) is Outcome.FAIL}
    if fault_name in WATCHED:
        assert set(report.failing) == fault.cases
        assert named == fault.requirements
    else:
        assert set(report.failing) >= set(scripted)
        assert named & fault.requirements
    for name in report.failing:
        runs = report.case(name).runs
        said = [words for r in runs for problem in r.problems for words in (problem.expected, problem.got)]
        assert all(words["en"] and words["zh_CN"] for words in said)
        assert any("curl" in turn.curl for r in runs for turn in r.turns)
    if any(policy().must(r) for r in report.requirements if r.id in named):
        assert grade(report, policy()).refused


@pytest.mark.parametrize(("kept", "outcome"), [(True, Outcome.PASS), (False, Outcome.FAIL)])
def test_an_app_is_restarted_in_the_middle(serve, kept, outcome) -> None:
    app = RightApp()

    def restart() -> None:
        if not kept:
            app.matters.clear()
            app.keys.clear()

    report = conduct(serve(app.asgi), only=["fault.restart"], restart=restart)
    assert report.case("fault.restart").outcome is outcome
    assert report.requirement("durable") is outcome


def test_an_app_that_dies_of_a_departments_trouble_is_at_fault(serve) -> None:
    """What a case does to a department excuses nobody: not a 503, not silence."""

    class SaysUnavailable(RightApp):
        def _answer(self, use, request, body):
            answer = super()._answer(use, request, body)
            answer.status_code = 503 if answer.status_code == 502 else answer.status_code
            return answer

        async def _health(self, request):
            return JSONResponse({"title": "later", "status": 503}, 503 if self.matters else 200)

    report = conduct(serve(SaysUnavailable().asgi), only=["fault.check"])
    assert report.case("fault.check").outcome is Outcome.FAIL


def test_an_app_that_learnt_the_practice_seeds_fails_on_them_and_on_others(serve, mutants) -> None:
    cases = ["E3.divorced", "E4.mother-elsewhere", "facts.deciding"]
    teacher = mutants.attacked.Learns()
    conduct(serve(teacher.asgi), only=cases)
    cheater = mutants.attacked.Memorised()
    cheater.learnt = teacher.learnt
    url = serve(cheater.asgi)
    assert conduct(url, only=["E3.divorced"]).failing == ()
    assert "facts.deciding" in conduct(url, only=cases).failing
    assert set(conduct(url, seed="hidden", only=cases).failing) == set(cases)


def test_an_app_that_replays_an_earlier_run_fails(serve, mutants) -> None:
    recorder = mutants.attacked.Records()
    conduct(serve(recorder.asgi))
    cheater = mutants.attacked.Replays()
    cheater.heard = recorder.heard
    report = conduct(serve(cheater.asgi))
    assert {"observe.grounds", "observe.steps", "facts.deciding"} <= set(report.failing)
    assert grade(report, policy()).refused
