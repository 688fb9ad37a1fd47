"""Small reports and calls for the tests of this folder, as the fixture `make`."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.case import Case, CaseRun, DepartmentCall, Kind, Outcome, Problem, Requirement, Turn
from conformance.observe import Recorded
from conformance.report import CaseReport, Report


class Make:
    @staticmethod
    def text(words: str) -> dict[str, str]:
        return {"zh_CN": f"中{words}", "en": words}

    def requirement(self, name: str) -> Requirement:
        return Requirement(name, self.text(f"title of {name}"), self.text(f"law of {name}"), rule=name[:1].isupper())

    def __init__(self) -> None:
        self.cases: dict[str, Case] = {}

    def case(self, name: str, *requirements: str, **more: Any) -> str:
        kind = more.pop("kind", Kind.POSITIVE)
        self.cases[name] = Case(name, self.text(f"case {name}"), kind, requirements or (name,), **more)
        return name

    def run(self, outcome: Outcome = Outcome.PASS, *broken: str, **more: Any) -> CaseRun:
        problems = tuple(
            Problem("check.name", outcome, (name,), self.text("expected"), self.text("got <this>")) for name in broken
        )
        return CaseRun(outcome, problems, **more)

    def report(self, runs: dict[str, tuple[CaseRun, ...]], **more: Any) -> Report:
        cases = [(self.cases[name], found) for name, found in runs.items()]
        names = dict.fromkeys(name for c, _ in cases for name in c.requirements)
        return Report(
            suite="newborn",
            suite_version="1.0.0",
            title=self.text("newborn"),
            app="http://127.0.0.1:9001",
            commitment="c" * 64,
            started="2026-11-01T00:00:00+00:00",
            finished="2026-11-01T00:00:09+00:00",
            today="2026-11-05",
            quick=False,
            requirements=tuple(self.requirement(name) for name in names),
            cases=tuple(CaseReport(c, found, "tongban conform run …") for c, found in cases),
            documents={"suite:newborn@1.0.0": "a" * 64},
            **more,
        )

    def turn(self, path: str = "/handled-matters", answer: Any = None) -> Turn:
        return Turn("POST", path, 200, answer or {"id": "hm-1", "state": "completed"}, "curl -sS …", 1.5)

    def call(self, operation: str, status: int = 200, *fields: str, request: Any = None) -> DepartmentCall:
        return DepartmentCall("d.i", operation, "POST", f"/{operation}", status, fields, request)

    def recorded(self, item: DepartmentCall, launch: str = "l", url: str = "/x", key: str | None = "k") -> Recorded:
        return Recorded(item, launch, url, "hm-1", key, {"a": 1})


@pytest.fixture
def make() -> Make:
    return Make()
