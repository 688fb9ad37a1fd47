"""Rules over processes (Arazzo): steps that never run, values that come from nowhere, ends that are not checked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from specs.finding import Severity
from specs.model import Interface
from specs.parse import pointers
from specs.process import Action, Step, Workflow
from specs.rules import Hit, rule
from specs.rules.places import some, written

_CALL = "operationId: $sourceDescriptions.marriages.getMarriage, successCriteria: [{condition: $statusCode == 200}]"
_STEP = "{stepId: %s, description: A step, " + _CALL + "%s}"
_FLOW = "workflows: [{workflowId: newborn, summary: All of it, %ssteps: [%s]}]"


def _flow(*steps: tuple[str, str], more: str = "") -> str:
    """An example: a workflow of steps (id, further members)."""
    return _FLOW % (more, ", ".join(_STEP % (id, f", {rest}" if rest else "") for id, rest in steps))


def _workflows(interface: Interface) -> tuple[Workflow, ...]:
    return interface.process.workflows if interface.process is not None else ()


@rule(
    Severity.INFO,
    base="process",
    bad=_flow(("check", "")).replace(", successCriteria: [{condition: $statusCode == 200}]", ""),
    good=_flow(("check", "")),
)
def missing_success_criteria(interface: Interface) -> Iterator[Hit]:
    """Without criteria any answer counts as success, an error too, and the process goes on with nothing in its
    hands."""
    for workflow in _workflows(interface):
        for step in workflow.steps:
            if (step.operation or step.operation_path) and not step.criteria:
                yield step.pointer, f"the step {step.id!r} does not say when it succeeded", "add successCriteria:"


_SECOND = "  - {name: births, url: ./births.yaml, type: openapi, x-interface-id: health.births}\n"
_FIRST = "sourceDescriptions:\n" \
         "  - {name: marriages, url: ./m.yaml, type: openapi, x-interface-id: civil-affairs.marriages}\n"  # fmt: skip


@rule(Severity.INFO, base="process", bad=_FIRST + _SECOND, good=_FIRST)
def unused_source(interface: Interface) -> Iterator[Hit]:
    """A source description that no step calls is left over: readers, agreements and tests take it for part of the
    process."""
    if interface.process is None:
        return
    texts = [node for _, node in pointers(interface.document.value) if isinstance(node, str) and "$source" in node]
    for source in interface.process.sources:
        called = any(f"$sourceDescriptions.{source.name}" in text for text in texts)
        alone = len([s for s in interface.process.sources if s.type == source.type]) == 1
        if not called and not alone:
            yield source.pointer, f"no step uses the source {source.name!r}", "remove it, or call it"


_END = "onSuccess: [{name: done, type: end}]"
_SOMETIMES = "onSuccess: [{name: done, type: end, criteria: [{condition: $response.body#/ZT == 0}]}]"


@rule(
    Severity.WARNING,
    base="process",
    bad=_flow(("check", _END), ("register", "")),
    good=_flow(("check", _SOMETIMES), ("register", "")),
)
def unreachable_step(interface: Interface) -> Iterator[Hit]:
    """A step behind an end that always comes never runs: what it stands for is not done, and nobody is told."""
    for workflow in _workflows(interface):
        reached = _reached(workflow)
        for step in workflow.steps:
            if step.id not in reached:
                yield step.pointer, f"the step {step.id!r} can never run", "give the end or goto before it criteria"


def _reached(workflow: Workflow) -> set[str]:
    """The steps that some run comes to: the first, those after a step that may go on, targets of goto, and those whose
    dependsOn are all reached."""
    steps = {step.id: index for index, step in enumerate(workflow.steps)}
    reached: set[str] = set()
    waiting = [step.id for step in workflow.steps[:1]]
    while waiting:
        id = waiting.pop()
        if id in reached or id not in steps:
            continue
        reached.add(id)
        step = workflow.steps[steps[id]]
        success = step.on_success or workflow.success_actions
        failure = step.on_failure or workflow.failure_actions
        waiting += [action.step for action in (*success, *failure) if action.step]
        after = workflow.steps[steps[id] + 1 : steps[id] + 2]
        if after and not any(_leaves(action) for action in success):
            waiting += [one.id for one in after]
        waiting += [one.id for one in workflow.steps if one.depends_on and set(one.depends_on) <= reached]
    return reached


def _leaves(action: Action) -> bool:
    """Whether an action leaves the order of the steps whatever happened."""
    return not action.criteria and action.type in ("end", "goto")


_INPUTS = "inputs: {type: object, properties: {number: {type: string}}}, "
_QUERY = "parameters: [{name: q, in: query, value: $inputs.%s}]"


@rule(
    Severity.ERROR,
    base="process",
    bad=_flow(("check", _QUERY % "numbr"), ("again", _QUERY % "number"), more=_INPUTS),
    good=_flow(("check", _QUERY % "number"), more=_INPUTS),
)
def undefined_input(interface: Interface) -> Iterator[Hit]:
    """An input the workflow does not have is empty at run time: the step sends nothing, or nonsense."""
    for workflow in _workflows(interface):
        known = _inputs(interface, workflow)
        if known is None:
            continue
        for pointer, name in _uses(interface, workflow):
            if name not in known:
                near = some(known) or "none"
                yield pointer, f"the workflow {workflow.id!r} has no input {name!r}", f"declare it; there are {near}"


@rule(
    Severity.INFO,
    base="process",
    bad=_flow(("check", ""), more=_INPUTS),
    good=_flow(("check", _QUERY % "number"), more=_INPUTS),
)
def unused_input(interface: Interface) -> Iterator[Hit]:
    """What a person is asked for and no step uses is asked in vain (REG art 19 forbids to collect what is not
    needed)."""
    for workflow in _workflows(interface):
        used = {name for _, name in _uses(interface, workflow)}
        whole = any("$inputs" in text and not _INPUT.search(text) for _, text in _texts(interface, workflow))
        idle = [name for name in _inputs(interface, workflow) or () if name not in used]
        if idle and not whole:
            yield f"{workflow.pointer}/inputs", f"inputs that no step uses: {some(idle)}", "leave them out"


_INPUT = re.compile(r"\$inputs\.([A-Za-z0-9_-]+)")


def _inputs(interface: Interface, workflow: Workflow) -> list[str] | None:
    """The names of the inputs; None when the schema leaves them open."""
    schema = interface.resolve(workflow.inputs)
    names = [field.name for field in interface.fields(schema)]
    if not workflow.inputs:
        said = written(interface, workflow.pointer)
        return [] if isinstance(said, dict) and "inputs" not in said else None
    return names if names else None


def _texts(interface: Interface, workflow: Workflow) -> Iterator[tuple[str, str]]:
    """The strings of a workflow, but for its inputs."""
    _, inner = interface.place(workflow.pointer)
    prefix = workflow.pointer[: len(workflow.pointer) - len(inner)]
    for pointer, node in pointers(written(interface, workflow.pointer), inner):
        if isinstance(node, str) and "$" in node and not pointer.startswith(f"{inner}/inputs"):
            yield prefix + pointer, node


def _uses(interface: Interface, workflow: Workflow) -> Iterator[tuple[str, str]]:
    for pointer, text in _texts(interface, workflow):
        if not pointer.endswith(("/description", "/summary")):
            yield from ((pointer, name) for name in _INPUT.findall(text))


_OUT = "outputs: {ZT: $steps.check.outputs.%s}, "
_ZT = "outputs: {ZT: $response.body#/ZT}"


@rule(
    Severity.ERROR,
    base="process",
    bad=_flow(("check", _ZT), more=_OUT % "state"),
    good=_flow(("check", _ZT), more=_OUT % "ZT"),
)
def undefined_output(interface: Interface) -> Iterator[Hit]:
    """A result taken from an output that no step or workflow has is always empty."""
    ids = {workflow.id: workflow for workflow in _workflows(interface)}
    for workflow in ids.values():
        steps = {step.id: step for step in workflow.steps}
        for name, value in workflow.outputs.items():
            for step, output in _STEP_OUTPUT.findall(value) if isinstance(value, str) else ():
                if step not in steps or not _has(steps[step], output):
                    said = f"the output {name!r} comes from {step}.{output}, which is not there"
                    yield f"{workflow.pointer}/outputs/{name}", said, "add it to the outputs of the step"
        for pointer, text in _texts(interface, workflow):
            for other, output in _WORKFLOW_OUTPUT.findall(text):
                if other not in ids or output.split(".")[0] not in ids[other].outputs:
                    yield pointer, f"there is no output {output!r} of a workflow {other!r}", "correct the name"


_STEP_OUTPUT = re.compile(r"\$steps\.([A-Za-z0-9_-]+)\.outputs\.([A-Za-z0-9_.-]+)")
_WORKFLOW_OUTPUT = re.compile(r"\$workflows\.([A-Za-z0-9_-]+)\.outputs\.([A-Za-z0-9_.-]+)")


def _has(step: Step, output: str) -> bool:
    name = output.rstrip(".")
    return any(name == one or name.startswith(f"{one}.") for one in step.outputs)


def _actions(workflow: Workflow) -> Iterator[Action]:
    yield from (*workflow.success_actions, *workflow.failure_actions)
    for step in workflow.steps:
        yield from (*step.on_success, *step.on_failure)


_GOTO = "onFailure: [{name: back, type: goto, stepId: %s}]"


@rule(
    Severity.ERROR,
    base="process",
    bad=_flow(("check", ""), ("register", _GOTO % "chek")),
    good=_flow(("check", ""), ("register", _GOTO % "check")),
)
def unknown_action_target(interface: Interface) -> Iterator[Hit]:
    """An action that goes to a step or workflow that is not there ends the process in the middle."""
    known = {workflow.id for workflow in _workflows(interface)}
    for workflow in _workflows(interface):
        steps = {step.id for step in workflow.steps}
        for action in _actions(workflow):
            if action.step and action.step not in steps:
                yield action.pointer, f"there is no step {action.step!r} in this workflow", "correct stepId"
            if action.workflow and action.workflow not in known and not action.workflow.startswith("$"):
                yield action.pointer, f"there is no workflow {action.workflow!r}", "correct workflowId"


@rule(
    Severity.WARNING,
    base="process",
    bad=_flow(("check", ""), ("register", "onFailure: [{name: back, type: goto}]")),
    good=_flow(("check", ""), ("register", _GOTO % "check")),
)
def incomplete_action(interface: Interface) -> Iterator[Hit]:
    """goto needs one place to go to; with none, or with two, each tool does something else."""
    for workflow in _workflows(interface):
        for action in _actions(workflow):
            if action.type == "goto" and bool(action.step) == bool(action.workflow):
                said = "goto names both a step and a workflow" if action.step else "goto names no step or workflow"
                yield action.pointer, said, "name one of stepId, workflowId"


_CRITERION = "operationId: $sourceDescriptions.marriages.getMarriage, successCriteria: [{condition: '%s', %s}]"


def _criterion(condition: str, more: str) -> str:
    return _FLOW % ("", f"{{stepId: check, description: A step, {_CRITERION % (condition, more)}}}")


@rule(
    Severity.WARNING,
    base="process",
    bad=_criterion("^2[0-9][0-9", "type: regex, context: $statusCode"),
    good=_criterion("^2[0-9][0-9]$", "type: regex, context: $statusCode"),
)
def invalid_criterion(interface: Interface) -> Iterator[Hit]:
    """A criterion that cannot be judged is never met: a condition of type regex, jsonpath or xpath needs a context it
    is applied to, and a regex must be one."""
    from specs.patterns import portable

    for workflow in _workflows(interface):
        criteria = [c for step in workflow.steps for c in step.criteria]
        criteria += [c for action in _actions(workflow) for c in action.criteria]
        for criterion in criteria:
            if criterion.type == "simple":
                continue
            if not criterion.context:
                yield criterion.pointer, f"a condition of type {criterion.type} without context", "add context:"
            elif criterion.type == "regex" and portable(criterion.condition)[0] is None:
                yield criterion.pointer, f"{criterion.condition!r} is no regular expression", "correct it"


_KNOWN = {"url", "method", "statusCode", "request", "response", "inputs", "outputs", "steps", "workflows",
          "sourceDescriptions", "components", "self", "message"}  # fmt: skip
_EXPRESSION = re.compile(r"\$([A-Za-z]+)(?=[.#]|$)")


@rule(
    Severity.WARNING,
    base="process",
    bad=_flow(("check", "outputs: {ZT: $respons.body#/ZT}")),
    good=_flow(("check", "outputs: {ZT: $response.body#/ZT}")),
)
def unknown_expression(interface: Interface) -> Iterator[Hit]:
    """A runtime expression begins with one of the names Arazzo has ($response, $inputs, $steps …). Any other is taken
    for a plain text, and that text is sent or kept."""
    for workflow in _workflows(interface):
        for pointer, value in _values(workflow):
            match = _EXPRESSION.match(value) if isinstance(value, str) else None
            if match and match[1] not in _KNOWN:
                yield pointer, f"{value!r} is no runtime expression", f"one of ${', $'.join(sorted(_KNOWN))}"


def _values(workflow: Workflow) -> Iterator[tuple[str, Any]]:
    """What is evaluated: outputs and arguments."""
    yield from ((f"{workflow.pointer}/outputs/{name}", value) for name, value in workflow.outputs.items())
    for step in workflow.steps:
        yield from ((f"{step.pointer}/outputs/{name}", value) for name, value in step.outputs.items())
        yield from ((f"{argument.pointer}/value", argument.value) for argument in step.parameters)


@rule(
    Severity.WARNING,
    base="process",
    bad=_flow(("check", "parameters: [{name: q, value: 1}]")),
    good=_flow(("check", "parameters: [{name: q, in: query, value: 1}]")),
)
def argument_without_place(interface: Interface) -> Iterator[Hit]:
    """A value for an operation goes into its path, query, header or cookie. Without `in` no runner knows where, and it
    is not sent."""
    for workflow in _workflows(interface):
        for step in workflow.steps:
            for argument in step.parameters if step.operation or step.operation_path else ():
                if argument.location is None:
                    yield argument.pointer, f"{argument.name!r} does not say where it goes", "add in:"
