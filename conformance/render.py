"""A report for people (HTML, zh_CN and English) and for build servers (JUnit XML).

The HTML is one file without scripts and without anything from the network. Without a language it holds both
and a switch; a manager reads the first screen, an engineer finds expectation, law, answer, `curl` and the
recorded department calls of every failed case below it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from importlib.resources import files
from xml.etree import ElementTree

from conformance.case import GRAVITY, Case, Outcome, Requirement, Text
from conformance.grade import Grade
from conformance.report import CaseReport, Report

OUTCOME_WORDS = {
    "PASS": "通过",
    "WARN": "警告",
    "INCONCLUSIVE": "未定",
    "ERROR": "测试出错",
    "FAIL": "不通过",
}
_UNPRINTABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
LETTER_WORDS = {"refused": "不予上架", "undecided": "未定"}


def html(report: Report, lang: str | None = None, *, grade: Grade | None = None) -> str:
    """The report as one HTML page, in `lang` ("zh_CN" or "en") or in both with a switch."""
    from jinja2 import Environment, StrictUndefined

    if lang not in (None, "zh_CN", "en"):
        raise ValueError(f"no report in {lang!r}: zh_CN or en")
    source = (files("conformance") / "templates" / "report.html").read_text(encoding="utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    troubled = sorted(
        (case for case in report.cases if case.outcome is not Outcome.PASS),
        key=lambda case: -GRAVITY.index(case.outcome),
    )
    known = {requirement.id: requirement for requirement in report.requirements}

    def broken(case: CaseReport) -> list[Requirement]:
        names = dict.fromkeys(name for problem in case.problems() for name in problem.requirements)
        return [known[name] for name in (names or case.case.requirements) if name in known]

    letter = grade.letter if grade else ("refused" if report.counts()["FAIL"] else "–")
    return environment.from_string(source).render(
        report=report,
        languages=[lang] if lang else ["zh_CN", "en"],
        letter=letter,
        letter_words=LETTER_WORDS,
        outcome_words=OUTCOME_WORDS,
        tone={"refused": "fail", "undecided": "open"}.get(letter, "pass" if letter in "AB–" else "warn"),
        headline=_headline(report, grade),
        reasons=grade.reasons if grade else (),
        policy=f"{grade.policy} sha256:{grade.policy_digest}" if grade else "",
        counts=report.counts(),
        troubled=troubled,
        findings=_findings(report),
        tested=_tested(report),
        passed=[case for case in report.cases if case.outcome is Outcome.PASS],
        broken=broken,
        plain=lambda text: text.get(lang or "zh_CN") or text.get("en", ""),
        json=lambda value: json.dumps(value, ensure_ascii=False),
    )


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong in one sentence: a requirement, the gravest thing that speaks against it, and its cases."""

    requirement: Requirement
    outcome: Outcome
    case: Case
    got: Text
    cases: int


def _findings(report: Report) -> list[Finding]:
    """One line per requirement that is broken, the gravest first; what follows only from another is not repeated."""
    found: list[Finding] = []
    for requirement in report.requirements:
        seen = [(c, p) for c in report.cases for p in c.problems() if requirement.id in p.requirements]
        if seen:
            case, problem = max(seen, key=lambda pair: GRAVITY.index(pair[1].outcome))
            cases = len({c.case.id for c, _ in seen})
            found.append(Finding(requirement, problem.outcome, case.case, problem.got, cases))
    return sorted(found, key=lambda finding: -GRAVITY.index(finding.outcome))


def _tested(report: Report) -> list[tuple[str, str, bool, int]]:
    """Every operation of the app and of the departments: whose, name, whether it was reached, and how often."""
    calls = {f"{reading.interface}#{reading.operation}": reading.calls for reading in report.readings}
    untested, untouched = report.coverage.app_operations_untested, report.coverage.department_operations_untouched
    return [
        *(("app", name, name not in untested, 0) for name in report.coverage.app_operations),
        *(
            ("department", name, name not in untouched, calls.get(name, 0))
            for name in report.coverage.department_operations
        ),
    ]


def junit(report: Report) -> str:
    """The report as JUnit XML: FAIL → failure, ERROR → error, INCONCLUSIVE → skipped, WARN → system-out."""
    counts = report.counts()
    suites = ElementTree.Element(
        "testsuites",
        name="tongban conformance",
        tests=str(len(report.cases)),
        failures=str(counts["FAIL"]),
        errors=str(counts["ERROR"]),
    )
    suite = ElementTree.SubElement(
        suites,
        "testsuite",
        name=f"{report.suite} {report.suite_version}",
        tests=str(len(report.cases)),
        failures=str(counts["FAIL"]),
        errors=str(counts["ERROR"]),
        skipped=str(counts["INCONCLUSIVE"]),
        timestamp=report.started,
    )
    for case in report.cases:
        seconds = sum(turn.milliseconds for run in case.runs for turn in run.turns) / 1000
        element = ElementTree.SubElement(
            suite,
            "testcase",
            name=case.case.id,
            classname=f"{report.suite}.{case.case.kind.value}",
            time=f"{seconds:.3f}",
        )
        body = _printable(_story(case))
        if case.outcome in (Outcome.FAIL, Outcome.ERROR):
            kind = "failure" if case.outcome is Outcome.FAIL else "error"
            broken = dict.fromkeys(name for p in case.problems() for name in p.requirements)
            title = case.case.title.get("en", case.case.id)
            node = ElementTree.SubElement(
                element, kind, message=_printable(f"{title} [{', '.join(broken or case.case.requirements)}]")
            )
            node.text = body
        elif case.outcome is Outcome.INCONCLUSIVE:
            ElementTree.SubElement(element, "skipped", message=body.splitlines()[0] if body else "")
        elif case.outcome is Outcome.WARN:
            ElementTree.SubElement(element, "system-out").text = body
    ElementTree.indent(suites)
    return ElementTree.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def _story(case: CaseReport) -> str:
    lines: list[str] = []
    for number, run in enumerate(case.runs, start=1):
        if not run.problems and not run.note:
            continue
        lines.append(f"seed {number}: {run.outcome.value} {run.note.get('en', '')}".rstrip())
        lines += [f"subject: {run.subject['en']}"] if run.subject.get("en") else []
        for problem in run.problems:
            where = f" (in {problem.seen_in})" if problem.seen_in else ""
            lines.append(
                f"{problem.check}{where}: expected {problem.expected.get('en', '')}; got {problem.got.get('en', '')}"
            )
        lines += [turn.curl for turn in run.turns]
        for call in run.calls:
            read = f" read {', '.join(call.fields)}" if call.fields else ""
            lines.append(f"  {call.method} {call.interface}{call.path} {call.status}{read}")
    return "\n".join(lines)


def _headline(report: Report, grade: Grade | None) -> Text:
    failed = report.counts()["FAIL"]
    if grade is None:
        return {
            "zh_CN": f"{failed} 个用例不通过" if failed else "没有不通过的用例",
            "en": f"{failed} case(s) failed" if failed else "no case failed",
        }
    if grade.refused:
        count = sum(report.requirement(requirement.id) is Outcome.FAIL for requirement in report.requirements)
        return {
            "zh_CN": f"该应用不满足上架条件：{count} 项要求没有做到。",
            "en": f"This app must not be listed: {count} requirement(s) are not met.",
        }
    if grade.letter == "undecided":
        return {
            "zh_CN": "本次测试未能得出结论，不计为应用的过错。",
            "en": "This run could not decide; that does not count against the app.",
        }
    if grade.listable:
        return {
            "zh_CN": f"该应用通过测试，等级 {grade.letter}，可以上架。",
            "en": f"This app passed with grade {grade.letter} and may be listed.",
        }
    return {
        "zh_CN": f"等级 {grade.letter}，未达到上架等级。",
        "en": f"Grade {grade.letter}: below what a listing needs.",
    }


def _printable(text: str) -> str:
    """XML 1.0 cannot carry most control characters nor half surrogates, and an app may send any."""
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text)
