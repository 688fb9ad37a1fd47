"""The right fund app has no finding; of its faulty ones those that ask for too much, and a rule just missed."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from conformance import suites
from conformance.case import Outcome
from conformance.examples.fund.right import RightApp
from conformance.grade import grade, policy
from conformance.run import run


def _loaded() -> ModuleType:
    spec = importlib.util.spec_from_file_location("fund_mutants", Path(__file__).parent / "fund_mutants.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


FAULTS = _loaded().FAULTS


def conduct(url, only=()):
    return run(suites.load("fund-withdrawal"), url, ("faulty",), nonce="n" * 32, quick=True, only=only)


def test_the_right_app_has_no_finding(serve) -> None:
    report = conduct(serve(RightApp().asgi))
    assert [case.case.id for case in report.cases if case.outcome is not Outcome.PASS] == []
    assert grade(report, policy()).letter == "A"


@pytest.mark.parametrize("name", ["SpouseFirst", "BothGrounds", "NoWagesNoIncome"])
def test_the_suite_names_what_is_wrong(serve, name) -> None:
    """Only the cases that must fail, with their controls and the observations: the whole table is a benchmark."""
    fault, suite = FAULTS[name], suites.load("fund-withdrawal")
    wanted = {"complete.G1", "complete.G2", "complete.G6-family", *fault.cases}
    wanted |= {control for case in wanted if (control := suite.case(case).control)}
    report = conduct(serve(fault.app().asgi), sorted(wanted))
    assert set(report.failing) == fault.cases
    assert {r.id for r in report.requirements if report.requirement(r.id) is Outcome.FAIL} == fault.requirements


def test_there_are_faults_of_many_kinds() -> None:
    assert len(FAULTS) >= 20
    known = {case.id for case in suites.load("fund-withdrawal").cases}
    for fault in FAULTS.values():
        assert fault.cases
        assert fault.cases <= known
        assert fault.requirements
