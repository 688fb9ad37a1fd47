"""What a run of a workflow did: values only, as JSON and as lines for people."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from conformance.arazzo.criteria import Judged
from conformance.arazzo.frame import Seen
from conformance.arazzo.values import shown

LONGEST = 2_000
"""Characters of a body quoted in a report."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of a step. `status` None: no answer, `error` says why. `sent` are the values the request was made of."""

    method: str = ""
    url: str = ""
    request_headers: Mapping[str, str] = field(default_factory=dict)
    request_body: Any = None
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    seconds: float = 0.0
    curl: str = ""
    error: str = ""
    sent: tuple[Seen, ...] = ()
    criteria: tuple[Judged, ...] = ()
    action_criteria: tuple[Judged, ...] = ()
    action: str = ""
    passed: bool = False
    unreachable: bool = False
    called: FlowRun | None = None


@dataclass(frozen=True, slots=True)
class StepRun:
    """One step. `line` and `pointer` lead to it in `file`. `aside`: it ran on behalf of a retry of another step."""

    step: str
    file: str
    line: int | None
    pointer: str
    attempts: tuple[Attempt, ...]
    outputs: Mapping[str, Any] = field(default_factory=dict)
    missing: tuple[Seen, ...] = ()
    aside: bool = False

    @property
    def passed(self) -> bool:
        return bool(self.attempts) and self.attempts[-1].passed


@dataclass(frozen=True, slots=True)
class FlowRun:
    """One workflow. `reason`: why it did not pass, "" when it did. `before` are the workflows it depends on and `then`
    the one it went to."""

    workflow: str
    file: str
    passed: bool
    reason: str
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]
    steps: tuple[StepRun, ...]
    missing: tuple[Seen, ...] = ()
    before: tuple[FlowRun, ...] = ()
    then: FlowRun | None = None

    def all_steps(self) -> Iterator[StepRun]:
        """Every step in the order of the run, those of called workflows in their place."""
        for flow in self.before:
            yield from flow.all_steps()
        for step in self.steps:
            for attempt in step.attempts:
                if attempt.called is not None:
                    yield from attempt.called.all_steps()
            yield step
        if self.then is not None:
            yield from self.then.all_steps()


@dataclass(frozen=True, slots=True)
class Report:
    """A run of one document."""

    file: str
    flows: tuple[FlowRun, ...]
    warnings: tuple[str, ...] = ()
    requests: int = 0

    @property
    def passed(self) -> bool:
        return all(flow.passed for flow in self.flows)

    @property
    def unreachable(self) -> str:
        """Why nothing can be said: the server that could not be reached where a workflow ended; "" otherwise."""
        for flow in self.flows:
            steps = [] if flow.passed else list(flow.all_steps())
            if steps and steps[-1].attempts and steps[-1].attempts[-1].unreachable:
                return steps[-1].attempts[-1].error
        return ""


def to_json(report: Report, hide: Callable[[str], str] = str) -> dict[str, Any]:
    """The report as plain JSON; `hide` takes secrets out of every text."""
    document = {
        "file": report.file,
        "passed": report.passed,
        "requests": report.requests,
        "warnings": list(report.warnings),
        "workflows": [_flow(flow) for flow in report.flows],
    }
    cleaned: dict[str, Any] = _hidden(document, hide)
    return cleaned


def _hidden(value: Any, hide: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return hide(value)
    if isinstance(value, list):
        return [_hidden(one, hide) for one in value]
    if isinstance(value, Mapping):
        return {key: _hidden(one, hide) for key, one in value.items()}
    return value


def _flow(flow: FlowRun) -> dict[str, Any]:
    return {
        "workflow": flow.workflow,
        "file": flow.file,
        "passed": flow.passed,
        "reason": flow.reason,
        "inputs": dict(flow.inputs),
        "outputs": dict(flow.outputs),
        "missing": [_seen(one) for one in flow.missing],
        "before": [_flow(one) for one in flow.before],
        "steps": [_step(one) for one in flow.steps],
        "then": None if flow.then is None else _flow(flow.then),
    }


def _step(step: StepRun) -> dict[str, Any]:
    return {
        "step": step.step,
        "passed": step.passed,
        "file": step.file,
        "line": step.line,
        "pointer": step.pointer,
        "aside": step.aside,
        "outputs": dict(step.outputs),
        "missing": [_seen(one) for one in step.missing],
        "attempts": [_attempt(one) for one in step.attempts],
    }


def _attempt(one: Attempt) -> dict[str, Any]:
    return {
        "passed": one.passed,
        "request": {
            "method": one.method,
            "url": one.url,
            "headers": dict(one.request_headers),
            "body": one.request_body,
        },
        "response": None
        if one.status is None
        else {
            "status": one.status,
            "headers": dict(one.headers),
            "body": _cut(one.body),
            "seconds": round(one.seconds, 4),
        },
        "curl": one.curl,
        "error": one.error,
        "sent": [_seen(seen) for seen in one.sent],
        "criteria": [_judged(judged) for judged in one.criteria],
        "action": one.action,
        "action_criteria": [_judged(judged) for judged in one.action_criteria],
        "called": None if one.called is None else _flow(one.called),
    }


def _seen(seen: Seen) -> dict[str, Any]:
    told = {"expression": seen.expression, "value": seen.value}
    return {**told, "missing": seen.missing} if seen.missing else told


def _judged(judged: Judged) -> dict[str, Any]:
    return {
        "condition": judged.condition,
        "type": judged.type,
        "context": judged.context,
        "meant": judged.meant,
        "passed": judged.passed,
        "problem": judged.problem,
        "expressions": [_seen(seen) for seen in judged.seen],
        "pointer": judged.pointer,
    }


def _cut(body: Any) -> Any:
    return f"{body[:LONGEST]}…" if isinstance(body, str) and len(body) > LONGEST else body


def lines(report: Report) -> Iterator[tuple[str, str]]:
    """The report for people: (style, line); style is good | bad | dim | plain."""
    for warning in report.warnings:
        yield "dim", f"warning: {warning}"
    for flow in report.flows:
        yield from _flow_lines(flow, "")


def _flow_lines(flow: FlowRun, indent: str) -> Iterator[tuple[str, str]]:
    for before in flow.before:
        yield from _flow_lines(before, indent)
    yield "plain", f"{indent}workflow {flow.workflow} ({flow.file})"
    for step in flow.steps:
        yield from _step_lines(step, indent + "  ")
    if flow.then is not None:
        yield from _flow_lines(flow.then, indent)
    for name, value in flow.outputs.items():
        yield "plain", f"{indent}  {name} = {shown(value)}"
    for seen in flow.missing:
        yield "dim", f"{indent}  {seen.expression} → null: {seen.missing}"
    yield ("good", f"{indent}passed") if flow.passed else ("bad", f"{indent}not passed: {flow.reason}")


def _step_lines(step: StepRun, indent: str) -> Iterator[tuple[str, str]]:
    aside = " (for a retry)" if step.aside else ""
    for number, one in enumerate(step.attempts, start=1):
        again = f" attempt {number}" if len(step.attempts) > 1 else ""
        told = f"{one.method} {one.url} → {one.status or one.error or 'no answer'}" if one.method else one.error
        if one.called is not None:
            told = f"workflow {one.called.workflow}"
        word, style = ("PASS", "good") if one.passed else ("FAIL", "bad")
        yield style, f"{indent}{word} {step.step}{again}{aside}  {told}  ({one.seconds * 1000:.0f} ms)"
        if one.called is not None:
            yield from _flow_lines(one.called, indent + "  ")
        if not one.passed:
            yield from _failure(step, one, indent + "     ")
        if one.action:
            yield "dim", f"{indent}     {one.action}"
    for seen in step.missing:
        yield "dim", f"{indent}     {seen.expression} → null: {seen.missing}"


def _failure(step: StepRun, one: Attempt, indent: str) -> Iterator[tuple[str, str]]:
    yield "dim", f"{indent}{step.file}:{step.line or 0} {step.pointer}"
    if one.error:
        yield "bad", f"{indent}{one.error}"
    for judged in one.criteria:
        if judged.passed:
            continue
        meant = f"  (as {judged.meant})" if judged.meant else ""
        context = f" of {judged.context}" if judged.context else ""
        kind = "" if judged.type == "simple" else f"{judged.type}{context}: "
        yield "bad", f"{indent}✗ {kind}{judged.condition}{meant}"
        if judged.problem:
            yield "plain", f"{indent}    {judged.problem}"
        for seen in judged.seen:
            yield "plain", f"{indent}    {_told(seen)}"
    for seen in one.sent:
        yield "dim", f"{indent}sent {_told(seen)}"
    if one.request_body is not None:
        yield "dim", f"{indent}request  {shown(one.request_body, 600)}"
    if one.status is not None:
        kept = {
            name: value for name, value in one.headers.items() if name in ("content-type", "retry-after", "location")
        }
        yield "dim", f"{indent}response {one.status} {shown(kept)} {shown(one.body, 600)}"
    if one.curl:
        yield "dim", f"{indent}{one.curl}"


def _told(seen: Seen) -> str:
    return f"{seen.expression} → {shown(seen.value)}" + (f" ({seen.missing})" if seen.missing else "")
