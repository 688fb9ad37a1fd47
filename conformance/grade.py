"""From report to grade, by a versioned policy document and nothing else.

`grade` is pure: the same report and the same policy give the same letter, so anybody can recompute it. A
failed must-pass requirement refuses the app whatever its score; a requirement that could not be decided
(rate limit, outage, our own error) gives neither a good nor a bad letter but "undecided".
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from conformance.case import Outcome, Requirement, Text, gravest
from conformance.report import CaseReport, Report

RULE = "rule:"
"""Before a pattern: it means rules of the matter only."""
REFUSED = "refused"
UNDECIDED = "undecided"
SHIPPED = "grade-2.yaml"
"""The policy in force; older ones stay beside it, for certificates name theirs by digest."""
LETTERS = ("A", "B", "C", "D", "E")


class PolicyError(ValueError):
    """A policy document that cannot be used; the message names the entry."""


@dataclass(frozen=True, slots=True)
class Policy:
    """A grading policy as read; `digest` is the sha256 (hex) of its bytes."""

    name: str
    version: str
    digest: str
    must_pass: tuple[str, ...]
    weights: Mapping[str, float]
    credit: Mapping[Outcome, float]
    bands: Mapping[str, float]
    caps: Mapping[Outcome, str]
    undecided_at_most: float
    listable: tuple[str, ...]
    flaky_at_best: str = "A"

    def must(self, requirement: Requirement) -> bool:
        """Whether a failure of this requirement refuses the app."""
        return any(_matches(pattern, requirement) for pattern in self.must_pass)

    def weight(self, requirement: Requirement) -> float:
        """The weight of a requirement: the entry with its id, else the longest prefix, else the default."""
        fitting = [p for p in self.weights if p != "default" and _matches(p, requirement)]
        return self.weights[max(fitting, key=len)] if fitting else self.weights["default"]


@dataclass(frozen=True, slots=True)
class Grade:
    """`letter` is A to E, "refused" or "undecided"; `score` runs from 0 to 1; `listable` is the gate."""

    letter: str
    score: float
    reasons: tuple[Text, ...]
    listable: bool
    policy: str
    policy_digest: str

    @property
    def refused(self) -> bool:
        return self.letter == REFUSED


def policy(source: Path | bytes | None = None) -> Policy:
    """The policy in `source` (a path or YAML bytes), or the shipped one. Raises `PolicyError`."""
    if source is None:
        data = (files("conformance") / "policies" / SHIPPED).read_bytes()
    else:
        data = source if isinstance(source, bytes) else source.read_bytes()
    try:
        document = yaml.safe_load(data)
    except yaml.YAMLError as error:
        raise PolicyError(f"the policy is no YAML: {str(error).splitlines()[0]}") from None
    if not isinstance(document, dict):
        raise PolicyError("the policy is no mapping")
    try:
        return _policy(document, hashlib.sha256(data).hexdigest())
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise PolicyError(f"the policy lacks or misuses {error}") from None


def _policy(document: Mapping[str, Any], digest: str) -> Policy:
    bands = {str(letter): float(least) for letter, least in document["bands"].items()}
    if tuple(bands) != LETTERS or list(bands.values()) != sorted(bands.values(), reverse=True):
        raise PolicyError("bands: A to E with falling scores are needed")
    weights = {str(name): float(weight) for name, weight in document["weights"].items()}
    if "default" not in weights or any(weight <= 0 for weight in weights.values()):
        raise PolicyError("weights: all above zero, with a default")
    caps = {Outcome(name): str(letter) for name, letter in document["caps"].items()}
    listable = tuple(str(letter) for letter in document["listable"])
    flaky = str(document.get("flaky_at_best", LETTERS[0]))
    if not {*caps.values(), *listable, flaky} <= set(LETTERS):
        raise PolicyError("caps, flaky_at_best and listable hold letters A to E")
    return Policy(
        name=f"{document['policy']}@{document['version']}",
        version=str(document["version"]),
        digest=digest,
        must_pass=tuple(str(name) for name in document["must_pass"]),
        weights=weights,
        credit={Outcome(name): float(share) for name, share in document["credit"].items()},
        bands=bands,
        caps=caps,
        undecided_at_most=float(document["undecided_at_most"]),
        listable=listable,
        flaky_at_best=flaky,
    )


def grade(report: Report, policy: Policy) -> Grade:
    """The grade of a report under a policy, with every reason in both languages."""
    failed = [r for r in report.requirements if report.requirement(r.id) is Outcome.FAIL]
    broken = [requirement.id for requirement in failed if policy.must(requirement)]
    open_ = [r for r in report.requirements if report.requirement(r.id) in (None, Outcome.INCONCLUSIVE, Outcome.ERROR)]
    flaky = [case.case.id for case in report.cases if case.flaky]
    score = _score(report, policy)
    if broken:
        return _grade(REFUSED, score, (*_refusals(report, broken), *_disagreeing(flaky)), policy)
    share = len(open_) / len(report.requirements) if report.requirements else 1.0
    if any(policy.must(requirement) for requirement in open_) or share > policy.undecided_at_most:
        reasons = tuple(
            {"zh_CN": f"要求 {r.id} 未能得出结论，请重新测试", "en": f"{r.id} could not be decided: run again"}
            for r in open_
        )
        return _grade(UNDECIDED, score, reasons, policy)
    letter = next((letter for letter, least in policy.bands.items() if score >= least), REFUSED)
    reasons_: list[Text] = [{"zh_CN": f"得分 {score:.3f}", "en": f"score {score:.3f}"}]
    if letter != REFUSED:
        for outcome, best in policy.caps.items():
            count = sum(case.outcome is outcome for case in report.cases)
            if count and LETTERS.index(letter) < LETTERS.index(best):
                letter = best
                reasons_.append(
                    {
                        "zh_CN": f"{count} 个用例为 {outcome.value}，等级最高 {best}",
                        "en": f"{count} case(s) with {outcome.value}: at best {best}",
                    }
                )
        reasons_ += _disagreeing(flaky)
        if flaky and LETTERS.index(letter) < LETTERS.index(policy.flaky_at_best):
            letter = policy.flaky_at_best
    return _grade(letter, score, tuple(reasons_), policy)


def _disagreeing(flaky: Sequence[str]) -> list[Text]:
    """The sentence about cases on which the seeds disagree, if there are any."""
    if not flaky:
        return []
    names = ", ".join(flaky)
    return [{"zh_CN": f"两个种子结果不一致（不稳定）：{names}", "en": f"flaky, the seeds disagree: {names}"}]


def _score(report: Report, policy: Policy) -> float:
    total = reached = 0.0
    for requirement in report.requirements:
        marks = [
            policy.credit[outcome]
            for case in report.cases
            if requirement.id in case.case.requirements
            for outcome in [_mark(case, requirement.id)]
            if outcome in policy.credit
        ]
        if marks:
            weight = policy.weight(requirement)
            total += weight
            reached += weight * sum(marks) / len(marks)
    return round(reached / total, 4) if total else 0.0


def _mark(case: CaseReport, requirement: str) -> Outcome:
    """What a case says about one of its requirements: the problems that name it, else its silence or a pass."""
    said = [problem.outcome for problem in case.problems() if requirement in problem.requirements]
    silent = case.outcome in (Outcome.INCONCLUSIVE, Outcome.ERROR)
    return gravest(said) if said else case.outcome if silent else Outcome.PASS


def _refusals(report: Report, broken: Sequence[str]) -> tuple[Text, ...]:
    titles = {requirement.id: requirement for requirement in report.requirements}
    reasons: list[Text] = []
    for name in broken:
        cases = ", ".join(
            case.case.id
            for case in report.cases
            if any(name in p.requirements and p.outcome is Outcome.FAIL for p in case.problems())
        )
        title = titles[name].title
        reasons.append(
            {
                "zh_CN": f"未满足必须项 {name}（{title.get('zh_CN', '')}），用例：{cases}",
                "en": f"must-pass requirement {name} ({title.get('en', '')}) failed in {cases}",
            }
        )
    return tuple(reasons)


def _grade(letter: str, score: float, reasons: tuple[Text, ...], policy: Policy) -> Grade:
    return Grade(letter, score, reasons, letter in policy.listable, policy.name, policy.digest)


def _matches(pattern: str, requirement: Requirement) -> bool:
    if pattern.startswith(RULE):
        return requirement.rule and fnmatchcase(requirement.id, pattern.removeprefix(RULE))
    return fnmatchcase(requirement.id, pattern)


def to_json(grade: Grade) -> dict[str, Any]:
    """A grade as it stands in a report's JSON."""
    return {
        "letter": grade.letter,
        "score": grade.score,
        "listable": grade.listable,
        "reasons": [dict(reason) for reason in grade.reasons],
        "policy": grade.policy,
        "policy_digest": grade.policy_digest,
    }
