"""One workflow being carried out: its steps in order, their calls, criteria, retries and outputs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from conformance.arazzo.actions import LONGEST_WAIT, applicable, decide, pause
from conformance.arazzo.calling import SECRET, CallError
from conformance.arazzo.check import elsewhere
from conformance.arazzo.criteria import judge_all
from conformance.arazzo.documents import Book
from conformance.arazzo.frame import Frame, Past, Seen
from conformance.arazzo.inputs import declared
from conformance.arazzo.ordering import ordered
from conformance.arazzo.payloads import PayloadError, resolve
from conformance.arazzo.report import Attempt, FlowRun, StepRun
from conformance.arazzo.requests import merged, prepare
from specs.finding import Severity
from specs.model import Operation
from specs.process import Action, Argument, Step, Workflow

if TYPE_CHECKING:
    from conformance.arazzo.running import Run


class Walk:
    """One workflow being carried out."""

    def __init__(self, run: Run, book: Book, workflow: Workflow, frame: Frame, depth: int) -> None:
        self.run, self.book, self.workflow, self.frame, self.depth = run, book, workflow, frame, depth
        self.done: list[StepRun] = []
        self.then: FlowRun | None = None
        self.own_outputs: dict[str, Any] = {}

    def all(self) -> str:
        """Every step; why the workflow did not pass, "" when it did. Raises `Stopped`."""
        order = ordered(self.workflow)
        places = {step.id: place for place, step in enumerate(order)}
        place = 0
        while place < len(order):
            step = order[place]
            made, action = self.step(step)
            self.done.append(made)
            if action is None and not made.passed:
                return why(made)
            if action is None:
                place += 1
            elif action.type == "end":
                return "" if made.passed else f"{why(made)}; the action {action.name!r} ends the workflow"
            elif action.workflow is not None:
                self.then = self.other(action)
                return "" if self.then.passed else f"{self.then.workflow!r} did not pass: {self.then.reason}"
            else:
                place = places[str(action.step)]
        return ""

    def results(self) -> tuple[dict[str, Any], tuple[Seen, ...]]:
        """The outputs of the workflow, and which of them are null because there is nothing."""
        self.frame.outputs = self.own_outputs
        seen: list[Seen] = []
        for name, value in self.workflow.outputs.items():
            try:
                self.own_outputs[name] = resolve(value, self.frame, seen)
            except PayloadError as wrong:
                self.own_outputs[name] = None
                seen.append(Seen(name, None, str(wrong)))
        return self.own_outputs, tuple(one for one in seen if one.missing)

    def other(self, action: Action) -> FlowRun:
        """The workflow an action goes to, or runs for a retry."""
        found = self.book.workflow(str(action.workflow))
        assert found is not None  # checked before the run
        seen: list[Seen] = []
        inputs: Mapping[str, Any]
        if action.parameters:
            try:
                inputs = {one.name: resolve(one.value, self.frame, seen) for one in action.parameters}
            except PayloadError as wrong:
                reason = f"the parameters of the action {action.name!r}: {wrong}"
                return FlowRun(found[1].id, found[0].name, False, reason, {}, {}, ())
        else:
            inputs = declared(found[1], self.frame.inputs)
        return self.run.flow(*found, inputs, given=self.frame.given and not action.parameters, depth=self.depth + 1)

    # --- steps

    def step(self, step: Step, aside: bool = False) -> tuple[StepRun, Action | None]:
        """One step with its retries, and the action that follows. Raises `Stopped`."""
        attempts: list[Attempt] = []
        retried: dict[str, int] = {}
        success = applicable(step.on_success, self.workflow.success_actions)
        failure = applicable(step.on_failure, self.workflow.failure_actions)
        outputs: dict[str, Any] = {}
        missing: tuple[Seen, ...] = ()
        while True:
            self.run.tick(f"{self.workflow.id}/{step.id}")
            attempt = self.attempt(step)
            if attempt.status is not None or attempt.called is not None:
                outputs, missing = self.outputs(step, attempt)
                self.frame.steps[step.id] = outputs
            if attempt.passed:
                self.run.completed.add((self.book, self.workflow.id, step.id))
            decision = decide(() if aside else (success if attempt.passed else failure), self.frame, retried)
            action = decision.action
            attempt = replace(attempt, action=_words(action), action_criteria=decision.judged)
            attempts.append(attempt)
            if action is None or action.type != "retry":
                break
            retried[action.name] = retried.get(action.name, 0) + 1
            wait = pause(action, attempt.headers)
            if refusal := self.patience(wait):
                attempts[-1] = replace(attempt, action=f"{attempt.action}; not done: {refusal}")
                action = None
                break
            self.run.sleep(wait)
            if action.workflow is not None:
                self.other(action)
            elif action.step is not None:
                self.done.append(self.step(self.workflow.step(action.step), aside=True)[0])
        line = self.book.interface.finding("", Severity.INFO, "", step.pointer)
        made = StepRun(step.id, line.file, line.line, line.pointer, tuple(attempts), outputs, missing, aside)
        return made, action

    def patience(self, wait: float) -> str:
        if wait > LONGEST_WAIT:
            return f"the service asks to wait {wait:.0f} s, more than {LONGEST_WAIT:.0f} s"
        if self.run.clock() + wait >= self.run.deadline:
            return "the time of the run would be used up"
        return ""

    def attempt(self, step: Step) -> Attempt:
        """One try: the call, then the criteria."""
        lacking = self.lacking(step)
        if lacking:
            return Attempt(error=f"the step needs {lacking}, which has not completed")
        arguments = merged(step.parameters, self.workflow.parameters, by_name=step.workflow is not None)
        seen: list[Seen] = []
        try:
            if step.workflow is not None:
                made, operation = self.call(step, arguments, seen), None
            else:
                made, operation = self.ask(step, arguments, seen)
        except (PayloadError, RecursionError) as wrong:
            return Attempt(error=str(wrong) or "a value nests too deep", sent=tuple(seen))
        made = replace(made, sent=tuple(seen))
        if made.error or (made.called is not None and not made.called.passed):
            return made
        judged = judge_all(step.criteria, self.frame)
        passed = all(one.passed for one in judged)
        if not step.criteria and operation is not None and not documented(operation, made.status):
            passed = False
            made = replace(made, error=f"{made.status} is not documented as a success of {operation.id}")
        return replace(made, criteria=judged, passed=passed)

    def lacking(self, step: Step) -> str:
        for name in step.depends_on:
            if (self.book, self.workflow.id, name) not in self.run.completed:
                return repr(name)
        for name in step.depends_elsewhere:
            found = self.book.workflow(elsewhere(name))
            if found and (found[0], found[1].id, name.rpartition(".steps.")[2]) not in self.run.completed:
                return repr(name)
        return ""

    def call(self, step: Step, arguments: Iterable[Argument], seen: list[Seen]) -> Attempt:
        """A step that is a workflow: its parameters are the inputs."""
        found = self.book.workflow(str(step.workflow))
        assert found is not None  # checked before the run
        run, started = self.run, self.run.clock()
        inputs = {one.name: resolve(one.value, self.frame, seen) for one in arguments}
        outer = run.deadline
        if step.timeout is not None:
            run.deadline = min(outer, started + step.timeout / 1000)
        run.last = None
        try:
            called = run.flow(*found, inputs, given=False, depth=self.depth + 1)
        finally:
            run.deadline = outer
        if found[0] is self.book:  # the frame of a workflow that runs again sees its new results
            self.frame.workflows[found[1].id] = Past(called.inputs, called.outputs)
        self.frame.exchange, self.frame.outputs = run.last, called.outputs
        error = "" if called.passed else f"the workflow {called.workflow!r} did not pass: {called.reason}"
        return Attempt(called=called, passed=called.passed, error=error, seconds=run.clock() - started)

    def ask(self, step: Step, arguments: Iterable[Argument], seen: list[Seen]) -> tuple[Attempt, Operation]:
        """A step that is a request."""
        api = self.book.apis[str(step.source)]
        operation = api.operation(step)
        assert operation is not None  # checked before the run
        self.frame.exchange, self.frame.outputs = None, self.own_outputs
        run = self.run
        request = prepare(api, operation, arguments, step.payload, self.frame, seen, run.headers)
        self.frame.exchange = run.last = request.exchange
        kept = {name: "***" if name in SECRET else value for name, value in request.headers}
        made = Attempt(request.method, request.url, kept, request.exchange.body, curl=run.caller.curl(request))
        limit = run.bounds.step_seconds if step.timeout is None else step.timeout / 1000
        started = run.clock()
        run.requests += 1
        try:
            answer = run.caller.send(request, min(limit, run.deadline - started))
        except CallError as error:
            seconds = run.clock() - started
            return replace(made, error=str(error), unreachable=error.unreachable, seconds=seconds), operation
        exchange = replace(request.exchange, status=answer.status, answer_headers=answer.headers, answer=answer.value)
        self.frame.exchange = run.last = exchange
        headers = {name: "***" if name in SECRET else value for name, value in answer.headers.items()}
        made = replace(made, status=answer.status, headers=headers, body=answer.value, seconds=answer.seconds)
        return made, operation

    def outputs(self, step: Step, attempt: Attempt) -> tuple[dict[str, Any], tuple[Seen, ...]]:
        """The outputs of a step (of a called workflow too), and which are null because there is nothing."""
        made: dict[str, Any] = dict(attempt.called.outputs) if attempt.called is not None else {}
        seen: list[Seen] = []
        for name, value in step.outputs.items():
            try:
                made[name] = resolve(value, self.frame, seen)
            except PayloadError as wrong:
                made[name] = None
                seen.append(Seen(name, None, str(wrong)))
        return made, tuple(one for one in seen if one.missing)


def documented(operation: Operation, status: int | None) -> bool:
    """Whether a status is one that the operation documents as a success: a 2xx it names, exactly or as a range or by
    default; where it names no 2xx at all, a 3xx it names."""
    if status is None:
        return False
    if 200 <= status < 300:
        return operation.response(status) is not None
    none = not any(response.is_success for response in operation.responses)
    return none and 300 <= status < 400 and any(response.status == str(status) for response in operation.responses)


def why(step: StepRun) -> str:
    """Why a step did not pass, in one line."""
    last = step.attempts[-1]
    failed = next((one for one in last.criteria if not one.passed), None)
    reason = last.error or (f"{failed.condition}{f' ({failed.problem})' if failed.problem else ''}" if failed else "")
    return f"the step {step.step!r} failed: {reason}"


def _words(action: Action | None) -> str:
    if action is None:
        return ""
    return f"{action.type} {action.workflow or action.step or ''}".rstrip() + f" ({action.name})"
