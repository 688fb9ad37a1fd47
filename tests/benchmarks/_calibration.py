"""A suite written by hand for a service of others: what each workflow says, judged.

A suite is an Arazzo document. A workflow with `x-requirement` is one requirement: it says what a sound service does, so
that failing it is a finding. `category` is its class of OWASP's API list (or what else is asked), or "sound" for an
operation that is known to be right. `flaw` quotes the service's own words on what it does wrong, `told: source` says
that only its source tells, `off: stays` that its switch does not reach it; documented flaws that HTTP does not show
stand under `x-not-visible` of the document. Steps with `x-judges` decide; where another step fails, the suite did not
come to its question, and nothing is said about the service.
"""

from __future__ import annotations

import secrets
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from conformance.arazzo import flow
from conformance.arazzo.report import FlowRun
from conformance.fuzz import Class, Finding, fuzz
from specs.process import Workflow
from specs.words import Text


class Verdict(StrEnum):
    """What became of a requirement: kept, a finding, a rate limit, or a question that was not reached."""

    KEPT = "kept"
    FINDING = "finding"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Requirement:
    """One requirement. `flaw` "": an operation that is known to be sound."""

    id: str
    title: Text
    category: str
    flaw: str = ""
    documented: bool = True
    stays: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """A requirement put to a service; `reason` says what was seen where it was not kept."""

    requirement: Requirement
    verdict: Verdict
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Examined:
    """One service, examined once. `rounds` hold the results of each round; `fuzzed` the defects of the fuzz round,
    `flawed` the operations where it is to find some, `unseen` the documented flaws that HTTP does not show."""

    rounds: tuple[tuple[Result, ...], ...]
    calls: int
    seconds: float
    fuzzed: tuple[Finding, ...] = ()
    flawed: frozenset[str] = frozenset()
    unseen: tuple[str, ...] = ()

    def results(self, verdict: Verdict) -> list[Result]:
        """The results of that verdict in all rounds."""
        return [result for results in self.rounds for result in results if result.verdict is verdict]

    def found(self) -> frozenset[str]:
        """The requirements that were found broken."""
        return frozenset(result.requirement.id for result in self.results(Verdict.FINDING))


@dataclass(frozen=True, slots=True)
class Score:
    """What the suite found against what is documented. `against` are findings that should not be there, of `controls`
    questions that were reached and have to be answered with nothing."""

    found: tuple[str, ...]
    missed: tuple[str, ...]
    told_by_source: tuple[str, ...]
    stayed: tuple[str, ...]
    against: tuple[Result, ...]
    errors: tuple[Result, ...]
    fuzz_against: tuple[Finding, ...]
    fuzz_missed: tuple[str, ...]
    controls: int = 0
    sides: Mapping[str, Examined] = field(default_factory=dict)


def requirements(suite: Path) -> dict[str, Requirement]:
    """The requirements of a suite by workflow id. Raises what `flow.plan` raises."""
    planned = flow.plan(suite, servers={"api": "http://127.0.0.1:1"})
    found = (_requirement(workflow) for workflow in planned.book.process.workflows)
    return {one.id: one for one in found if one is not None}


def _requirement(workflow: Workflow) -> Requirement | None:
    said = workflow.extensions.get("x-requirement")
    if not isinstance(said, Mapping):
        return None
    return Requirement(
        workflow.id,
        workflow.summary,
        str(said["category"]),
        str(said.get("flaw", "")),
        documented=said.get("told") != "source",
        stays=said.get("off") == "stays",
    )


def examine(suite: Path, url: str) -> Examined:
    """Put a suite to the service at `url`. Raises `FuzzError`, and what `flow.plan` raises."""
    began = time.monotonic()
    planned = flow.plan(suite, servers={"api": url})
    known = requirements(suite)
    document = planned.book.interface.document.value
    rounds, calls = [], 0
    for _ in range(int(document.get("x-rounds", 1))):
        given = {"run": f"r{secrets.token_hex(4)}", "server": url}
        report, hide = flow.run(planned, given)
        calls += report.requests
        judged = [(known[one.workflow], *_judged(planned, one)) for one in report.flows if one.workflow in known]
        rounds.append(tuple(Result(asked, verdict, hide(reason)) for asked, verdict, reason in judged))
    fuzzed, flawed = _fuzzed(document.get("x-fuzz"), url)
    unseen = tuple(str(one) for one in document.get("x-not-visible", ()))
    return Examined(tuple(rounds), calls, time.monotonic() - began, fuzzed, flawed, unseen)


def _judged(planned: flow.Plan, run: FlowRun) -> tuple[Verdict, str]:
    if run.passed:
        return Verdict.KEPT, ""
    requests = [step.attempts[-1] for step in run.all_steps() if step.attempts and step.attempts[-1].called is None]
    last = requests[-1] if requests else None
    if last is not None and last.status == 429:
        return Verdict.INCONCLUSIVE, run.reason
    reason = f"{run.reason}; the answer was {last.status if last and last.status else 'none'}"
    if last is None or last.unreachable or not run.steps:
        return Verdict.ERROR, reason
    decides = planned.book.process.workflow(run.workflow).step(run.steps[-1].step).extensions.get("x-judges") is True
    return Verdict.FINDING if decides else Verdict.ERROR, reason


def _fuzzed(said: Any, url: str) -> tuple[tuple[Finding, ...], frozenset[str]]:
    """The defects of a fuzz round by the service's own document, one an operation."""
    if not isinstance(said, Mapping):
        return (), frozenset()
    with urllib.request.urlopen(f"{url}{said['document']}", timeout=10) as answer:
        document = answer.read()
    found: dict[str, Finding] = {}
    for finding in fuzz(document, url, said.get("headers", {}), seed=1, examples=int(said.get("examples", 12))):
        if finding.kind is Class.DEFECT:
            found.setdefault(finding.operation, finding)
    return tuple(found.values()), frozenset(said.get("flawed", ()))


def score(on: Examined, off: Examined | None) -> Score:
    """What was found with the flaws there (`on`), and what with them switched off or mended (`off`; None: neither).

    Against the suite is every finding on a sound operation, and of `off` every one that the switch takes away.
    """
    asked = {result.requirement.id: result.requirement for results in on.rounds for result in results}
    found = on.found()
    visible = [one for one in asked.values() if one.flaw]
    against = [result for result in on.results(Verdict.FINDING) if not result.requirement.flaw]
    stayed: list[str] = []
    if off is not None:
        against += [result for result in off.results(Verdict.FINDING) if not result.requirement.stays]
        stayed = [result.requirement.id for result in off.results(Verdict.FINDING) if result.requirement.stays]
    sides = {"on": on} | ({"off": off} if off is not None else {})
    reached = (Verdict.KEPT, Verdict.FINDING)
    controls = sum(
        result.verdict in reached and (not result.requirement.flaw or (name == "off" and not result.requirement.stays))
        for name, side in sides.items()
        for results in side.rounds
        for result in results
    )
    fuzzed = [finding for finding in on.fuzzed if finding.operation not in on.flawed]
    return Score(
        found=tuple(one.id for one in visible if one.documented and one.id in found),
        missed=tuple(one.id for one in visible if one.documented and one.id not in found),
        told_by_source=tuple(one.id for one in visible if not one.documented and one.id in found),
        stayed=tuple(stayed),
        against=tuple(against),
        errors=tuple(result for side in sides.values() for result in side.results(Verdict.ERROR)),
        fuzz_against=(*fuzzed, *(off.fuzzed if off is not None else ())),
        fuzz_missed=tuple(sorted(on.flawed - {finding.operation for finding in on.fuzzed})),
        controls=controls,
        sides=sides,
    )
