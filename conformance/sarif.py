"""A report as SARIF 2.1.0 (OASIS), the form code hosts show beside a change.

A black-box run knows no line of the app's code, so a result points at a file the vendor names (by default the
interface document the app offers) and tells the rest in words: request, answer, law, and the line that repeats it.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any
from urllib.parse import quote

from conformance.case import CaseRun, Outcome, Problem, Requirement
from conformance.report import CaseReport, Report

LEVELS = {Outcome.FAIL: "error", Outcome.WARN: "warning", Outcome.ERROR: "note", Outcome.INCONCLUSIVE: "note"}


def sarif(report: Report, location: str = "app.openapi.yaml") -> dict[str, Any]:
    """One run as a SARIF log; `location` is the file, relative to the repository, at which results are shown."""
    used = dict.fromkeys(name for case in report.cases for p in case.problems() for name in p.requirements)
    rules = [requirement for requirement in report.requirements if requirement.id in used]
    place = {requirement.id: position for position, requirement in enumerate(rules)}
    shown = {
        "physicalLocation": {
            "artifactLocation": {"uri": quote(location.replace("\\", "/"))},
            "region": {"startLine": 1},
        }
    }
    results = [
        _result(report, case, run, problem, place, shown)
        for case in report.cases
        for run in case.runs
        for problem in run.problems
    ]
    return {
        "version": "2.1.0",
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "tongban conform",
                        "rules": [_rule(requirement) for requirement in rules],
                    }
                },
                "automationDetails": {"id": f"tongban-conform/{report.suite}/"},
                "invocations": [
                    {
                        "executionSuccessful": not report.counts()["ERROR"],
                        "startTimeUtc": report.started.replace("+00:00", "Z"),
                        "endTimeUtc": report.finished.replace("+00:00", "Z"),
                        "toolExecutionNotifications": [
                            {"level": "note", "message": {"text": f"{case.case.id}: {_why(case)}"}}
                            for case in report.cases
                            if case.outcome in (Outcome.ERROR, Outcome.INCONCLUSIVE)
                        ],
                    }
                ],
                "results": _once(results),
            }
        ],
    }


def _rule(requirement: Requirement) -> dict[str, Any]:
    return {
        "id": requirement.id,
        "shortDescription": {"text": requirement.title.get("en", requirement.id)},
        "fullDescription": {"text": f"{requirement.title.get('zh_CN', '')} — {requirement.law.get('zh_CN', '')}"},
        "help": {"text": f"Basis: {requirement.law.get('en', '')}"},
    }


def _result(
    report: Report, case: CaseReport, run: CaseRun, problem: Problem, place: dict[str, int], shown: dict[str, Any]
) -> dict[str, Any]:
    names = [name for name in problem.requirements if name in place]
    flaky = " The seeds disagree: flaky." if case.flaky else ""
    title, wanted, came = (words.get("en", "") for words in (case.case.title, problem.expected, problem.got))
    result: dict[str, Any] = {
        "ruleId": names[0] if names else case.case.requirements[0],
        **({"ruleIndex": place[names[0]]} if names else {}),
        "level": LEVELS.get(problem.outcome, "none"),
        "message": {"text": f"{title}: expected {wanted}; got {came}.{flaky} Again: {case.reproduce}"},
        "locations": [{**shown, "logicalLocations": [{"name": case.case.id, "kind": "member"}]}],
        "partialFingerprints": {"tongban/v1": _fingerprint(report, case, problem)},
        "properties": {"check": problem.check, "requirements": list(problem.requirements)},
    }
    turn = next(iter(run.turns), None)
    if turn is not None and not problem.seen_in:
        body = turn.answer if isinstance(turn.answer, str) else json.dumps(turn.answer, ensure_ascii=False)
        result["webRequest"] = {"method": turn.method, "target": turn.path}
        result["webResponse"] = {"statusCode": turn.status, "body": {"text": body}}
    return result


def _once(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One result per finding: the second seed's is the same alert."""
    return list({result["partialFingerprints"]["tongban/v1"]: result for result in reversed(results)}.values())[::-1]


def _fingerprint(report: Report, case: CaseReport, problem: Problem) -> str:
    text = "\0".join([report.suite, case.case.id, problem.check, *problem.requirements])
    return hashlib.sha256(text.encode()).hexdigest()


def _why(case: CaseReport) -> str:
    return next((run.note["en"] for run in case.runs if run.note.get("en")), case.outcome.value)
