"""Carries out workflows: steps in order, calls, criteria, actions, outputs. Bounded in steps, time and depth.

What the specification leaves open:

- a step without criteria passes when its status is one that the operation documents as a success;
- a step that calls a workflow passes when the workflow does and its criteria do; to these, `$response` and
  `$statusCode` are the last exchange of that workflow, and `$outputs` its outputs;
- a step's outputs are taken whenever there was an answer, passed or not;
- a failure whose action is `goto` is dealt with: how the workflow ends is decided by what follows; `end` after a
  failure does not pass;
- `goto` a workflow without parameters hands over the inputs that both know;
- what `dependsOn` of a workflow names is run first, once, with those of the given inputs it declares.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from conformance.arazzo.calling import Caller
from conformance.arazzo.documents import Book
from conformance.arazzo.frame import Exchange, Frame, Past
from conformance.arazzo.inputs import complaints, declared, with_defaults
from conformance.arazzo.report import FlowRun
from conformance.arazzo.walking import Walk
from specs.process import Workflow

DEEPEST = 12
"""How deep workflows may call each other."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Most steps of a run, its seconds, and the seconds of a step that states no timeout."""

    steps: int = 1_000
    seconds: float = 600.0
    step_seconds: float = 30.0


class Stopped(Exception):
    """A bound of the run is reached; the message says which."""


@dataclass
class Run:
    """One run: what it may do, and what it has done so far."""

    caller: Caller
    bounds: Bounds = field(default_factory=Bounds)
    headers: Mapping[str, str] = field(default_factory=dict)
    given: Mapping[str, Any] = field(default_factory=dict)
    progress: Callable[[int, str], None] = lambda done, what: None
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    steps: int = 0
    requests: int = 0
    deadline: float = float("inf")
    last: Exchange | None = None
    pasts: dict[Book, dict[str, Past]] = field(default_factory=dict)
    passed: set[tuple[Book, str]] = field(default_factory=set)
    completed: set[tuple[Book, str, str]] = field(default_factory=set)

    def start(self, book: Book, workflow: Workflow) -> FlowRun:
        """Run a workflow with the given inputs. Never raises for what a document or a server says."""
        if self.deadline == float("inf"):
            self.deadline = self.clock() + self.bounds.seconds
        return self.flow(book, workflow, declared(workflow, self.given), given=True, depth=0)

    # --- workflows

    def flow(self, book: Book, workflow: Workflow, inputs: Mapping[str, Any], *, given: bool, depth: int) -> FlowRun:
        """Run a workflow; what it depends on comes first."""
        made = FlowRun(workflow.id, book.name, False, "", with_defaults(workflow, inputs), {}, ())
        if depth > DEEPEST:
            return replace(made, reason=f"workflows call each other deeper than {DEEPEST} levels")
        if told := complaints(book.interface, workflow, made.inputs):
            return replace(made, reason=f"the inputs of {workflow.id!r} do not fit: {told[0]}")
        before = []
        for name in workflow.depends_on:
            found = book.workflow(name)
            if found is None or (found[0], found[1].id) in self.passed:
                continue
            before.append(self.flow(*found, declared(found[1], self.given), given=True, depth=depth + 1))
            if not before[-1].passed:
                reason = f"it depends on {name!r}, which did not pass: {before[-1].reason}"
                return replace(made, before=tuple(before), reason=reason)
        walk = Walk(self, book, workflow, self.frame(book, made.inputs, given), depth)
        try:
            reason = walk.all()
        except Stopped as bound:
            reason = str(bound)
        outputs, missing = walk.results()
        self.pasts.setdefault(book, {})[workflow.id] = Past(made.inputs, outputs)
        if not reason:
            self.passed.add((book, workflow.id))
        return replace(
            made,
            passed=not reason,
            reason=reason,
            outputs=outputs,
            missing=missing,
            steps=tuple(walk.done),
            before=tuple(before),
            then=walk.then,
        )

    def frame(self, book: Book, inputs: Mapping[str, Any], given: bool) -> Frame:
        return Frame(
            inputs=inputs,
            given=given,
            self_uri=book.process.self_uri,
            sources=book.fields(),
            components=book.components,
            workflows=self.pasts.setdefault(book, {}),
        )

    def tick(self, what: str) -> None:
        """One more step. Raises `Stopped`."""
        self.steps += 1
        self.progress(self.steps, what)
        if self.steps > self.bounds.steps:
            raise Stopped(f"the run has more than {self.bounds.steps} steps")
        if self.clock() >= self.deadline:
            raise Stopped("the time of the run is used up")
