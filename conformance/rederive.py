"""The verdict made again from a revealed seed: the same country, subjects, expected answers and judgements.

A revealed report holds the seeds, every request to the app with its answer, and every call the app made. So the
run can be played again without the app: a stand-in says what the app said and calls what it called, and all that
follows from the data is derived anew. What the certificate binds must be the report that was revealed, and what
is derived must be what it says; the first difference is named.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import httpx2

from conformance.case import Case, CaseRun, DepartmentCall, Kind, Turn
from conformance.certificate import Certificate, commitment
from conformance.envelope import CertificateError
from conformance.report import Report, digest, stable, unsigned
from conformance.run import Progress, run
from conformance.stage import NOTHING
from conformance.suites.suite import Suite
from conformance.transport import AppUnreachable, Ask, Reply, curl

HEALTH = "/health"
PATIENCE, HANGS_UP = 30.0, 0.5
"""Seconds the stand-in waits for a department whose answer the app heard, and for one it did not hear."""
SILENT = frozenset({"INCONCLUSIVE", "ERROR"})
"""Outcomes that come of the circumstances of a run: only what was expected is compared there."""
COMPARED = ("subject", "turns", "calls", "outcome", "problems")
"""Parts of a case on one seed, in the order in which they are compared once the expected answers agree."""


class RederiveError(ValueError):
    """A revealed report that cannot be played again here; `reason` is one word for programs."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Difference:
    """The first place at which the derived run and the report part; `place` is a JSON pointer into the report."""

    case: str
    seed: int
    place: str
    reported: Any
    derived: Any

    def __str__(self) -> str:
        where = f"case {self.case}, seed {self.seed}: " if self.case else ""
        return f"{where}{self.place}: the report says {_short(self.reported)}, the seed gives {_short(self.derived)}"


@dataclass(frozen=True, slots=True)
class Rederived:
    """What was repeated: cases and expected answers, and the first difference or None."""

    cases: int
    expected: int
    left_out: tuple[str, ...]
    difference: Difference | None = None


def check(certificate: Certificate, report: Report) -> None:
    """Refuse a reveal that is not of this certificate; raises `CertificateError`.

    Reasons: hidden (no seeds in it) · wrong-seed (the commitment is of others) · wrong-report (altered or another).
    """
    if report.seeds is None or report.nonce is None:
        raise CertificateError("hidden", "the report holds no seeds: it has not been revealed")
    try:
        committed = commitment(report.seeds, report.nonce)
    except ValueError as error:
        raise CertificateError("wrong-seed", str(error)) from None
    if committed != certificate.commitment:
        raise CertificateError(
            "wrong-seed", f"these seeds commit to {committed}, the certificate to {certificate.commitment}"
        )
    if certificate.report and digest(report) != certificate.report:
        raise CertificateError(
            "wrong-report", f"the certificate was issued for report sha256 {certificate.report}, not {digest(report)}"
        )


def rederive(suite: Suite[Any], report: Report, progress: Progress = lambda done, total, what: None) -> Rederived:
    """Play a revealed report again and compare. Raises `RederiveError` when that is not possible here."""
    if report.seeds is None or report.nonce is None:
        raise RederiveError("hidden", "the report holds no seeds: it has not been revealed")
    other = sorted(
        n for n, d in suite.documents.items() if report.documents.get(n) != d and not n.startswith("runner:")
    )
    if report.suite != suite.name or other:
        raise RederiveError("wrong-suite", f"made with other documents than those here: {', '.join(other)}")
    known = {case.id for case in suite.cases}
    left_out = tuple(
        case.case.id
        for case in report.cases
        if case.case.id not in suite.observations and (case.case.id not in known or not _spoken(case.runs))
    )
    kept = [case.case.id for case in report.cases if case.case.id not in left_out]
    app = _StandIn(report)
    try:
        began = datetime.fromisoformat(report.started).astimezone(UTC)
    except ValueError:
        raise RederiveError("malformed", f"started {report.started!r} is no moment") from None

    def at(done: int, total: int, case: str) -> None:
        app.at(case)
        progress(done, total, case)

    made = run(
        suite,
        report.app,
        report.seeds,
        nonce=report.nonce,
        clock=lambda: began,
        hidden=False,
        quick=True,
        only=kept,
        progress=at,
        transport=app,
        told=app.ended,
        restart=lambda: None,
    )
    return Rederived(
        len(kept),
        sum(turn.expected is not None for case in report.cases for r in case.runs for turn in r.turns),
        left_out,
        app.lost or _difference(report, made, left_out),
    )


class _StandIn:
    """Says what the app said, once it has called what the app called."""

    def __init__(self, report: Report) -> None:
        self.url = report.app
        self.pause = 0.0
        self._script = {(c.case.id, number): run for c in report.cases for number, run in enumerate(c.runs)}
        self._seed, self._case, self._bound = 0, "", False
        self._turns: deque[tuple[Turn, tuple[DepartmentCall, ...]]] = deque()
        self._client = httpx2.Client(trust_env=False)
        self.lost: Difference | None = None

    def at(self, case: str) -> None:
        """The run comes to this case; no case: a seed is over."""
        self._case = case
        self._seed += not case
        run = self._script.get((case, self._seed))
        self._bound = run is not None and run.outcome.value not in SILENT
        self._turns = deque(_turns(run)) if run else deque()

    def ended(self, case: Case, seed: int, run: CaseRun) -> None:
        """A case is over: all that was recorded should have been asked for (observations only quote)."""
        if self._turns and case.kind is not Kind.OBSERVATION:
            turn = self._turns[0][0]
            self._lose(f"{turn.method} {turn.path}", "no request")

    def send(self, ask: Ask) -> Reply:
        """The recorded answer to the next recorded request."""
        if ask.path == HEALTH and not (self._turns and self._turns[0][0].path == HEALTH):
            return Reply(200, {}, {"status": "ok"}, "", 0.0)
        if not self._turns:
            self._lose("no request", f"{ask.method} {ask.path}")
            raise AppUnreachable(f"{ask.method} {ask.path}: not in the report")
        turn, calls = self._turns.popleft()
        if (turn.method, unsigned(turn.path)) != (ask.method, unsigned(ask.path)):
            self._lose(f"{turn.method} {turn.path}", f"{ask.method} {ask.path}")
        gateway, token = ask.headers.get("Tongban-Gateway", ""), ask.headers.get("Authorization", "")
        for call in calls:
            self._call(gateway, token, call)
        if turn.status == NOTHING:
            raise AppUnreachable(str(turn.answer))
        text = turn.answer if isinstance(turn.answer, str) else json.dumps(turn.answer, ensure_ascii=False)
        told = None if isinstance(turn.answer, str) else turn.answer
        return Reply(turn.status, turn.headers, told, text, turn.milliseconds)

    def together(self, asks: Sequence[Ask]) -> tuple[Reply, ...]:
        """The recorded answers, one after the other."""
        return tuple(self.send(ask) for ask in asks)

    def _call(self, gateway: str, token: str, call: DepartmentCall) -> None:
        headers = {"Authorization": token}
        headers |= {"Tongban-Handled-Matter": call.matter} if call.matter is not None else {}
        headers |= {"Idempotency-Key": call.key} if call.key is not None else {}
        content = None if call.request is None else json.dumps(call.request, ensure_ascii=False).encode()
        headers |= {"Content-Type": "application/json"} if content is not None else {}
        target = f"{gateway}/{call.interface}{call.path}" + (f"?{call.query}" if call.query else "")
        # Where the app did not hear the answer, we hang up before it comes.
        patience = PATIENCE if call.heard else HANGS_UP
        try:
            self._client.request(call.method, target, headers=headers, content=content, timeout=patience)
        except httpx2.HTTPError as error:
            if not call.heard:
                return
            raise AppUnreachable(f"our own department {call.interface}: {error}") from None

    def _lose(self, reported: str, derived: str) -> None:
        if self._bound and self.lost is None:
            self.lost = Difference(self._case, self._seed + 1, "request", reported, derived)

    def curl(self, ask: Ask) -> str:
        """The line as it was reported."""
        return curl(self.url, ask)

    def close(self) -> None:
        self._client.close()


def _turns(run: CaseRun) -> list[tuple[Turn, tuple[DepartmentCall, ...]]]:
    found, start = [], 0
    for turn in run.turns:
        found.append((turn, run.calls[start : start + turn.calls]))
        start += turn.calls
    return found


def _spoken(runs: tuple[CaseRun, ...]) -> bool:
    return any(run.turns for run in runs)


def _difference(report: Report, made: Report, left_out: tuple[str, ...]) -> Difference | None:
    """The first difference: expected answers before everything else."""
    kept = [case for case in report.cases if case.case.id not in left_out]
    said = stable(replace(report, cases=tuple(kept)))["cases"]
    derived = {case["case"]["id"]: case for case in stable(made)["cases"]}
    pairs = [
        (case["case"]["id"], number, place, ours, theirs)
        for place, case in enumerate(said)
        for number, (ours, theirs) in enumerate(zip(case["runs"], derived[case["case"]["id"]]["runs"], strict=True))
    ]
    for name, number, place, ours, theirs in pairs:
        for position, (one, other) in enumerate(zip(ours["turns"], theirs["turns"], strict=False)):
            if one["expected"] != other["expected"]:
                pointer = f"/cases/{place}/runs/{number}/turns/{position}/expected"
                return Difference(name, number + 1, pointer, one["expected"], other["expected"])
    for name, number, place, ours, theirs in pairs:
        for part in COMPARED if ours["outcome"] not in SILENT else ():
            found = _first(ours[part], theirs[part], f"/cases/{place}/runs/{number}/{part}")
            if found is not None:
                return Difference(name, number + 1, *found)
    return None


def _first(one: Any, other: Any, place: str) -> tuple[str, Any, Any] | None:
    """The first place at which two JSON values part, depth first."""
    if isinstance(one, dict) and isinstance(other, dict):
        for name in [*one, *(n for n in other if n not in one)]:
            found = _first(one.get(name), other.get(name), f"{place}/{name}")
            if found is not None:
                return found
        return None
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for position, (left, right) in enumerate(zip(one, other, strict=True)):
            found = _first(left, right, f"{place}/{position}")
            if found is not None:
                return found
        return None
    return None if one == other else (place, one, other)


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 200 else text[:199] + "…"
