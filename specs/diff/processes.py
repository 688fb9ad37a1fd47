"""Two versions of a cross-department process compared: what apps that follow it have to do otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from specs.diff.change import Side
from specs.diff.report import Node, Report
from specs.diff.schemas import Schemas
from specs.process import Process, Step, Workflow

_SIDE = Side.REQUEST


def compare(report: Report, schemas: Schemas) -> None:
    """Note every difference between the processes of a report."""
    old, new = report.old.process or Process(), report.new.process or Process()
    ours, theirs = ({workflow.id: workflow for workflow in one.workflows} for one in (old, new))
    for name in [*ours, *(name for name in theirs if name not in ours)]:
        before, after = ours.get(name), theirs.get(name)
        node = report.root(name)
        if before is None and after is not None:
            report.add(node, "workflow-added", _SIDE, f"workflow {name} was added", None, after.pointer)
        elif after is None and before is not None:
            report.add(node, "workflow-removed", _SIDE, f"workflow {name} was removed", before.pointer, None)
        elif before is not None and after is not None:
            _workflow(report, schemas, node, before, after)
    _sources(report, old, new)


def _workflow(report: Report, schemas: Schemas, node: Node, old: Workflow, new: Workflow) -> None:
    at = old.pointer, new.pointer
    if (old.summary, old.description) != (new.summary, new.description):
        report.add(node, "text-changed", _SIDE, "summary or description changed", *at)
    schemas.compare(node, old.inputs, new.inputs, _SIDE, (f"{at[0]}/inputs", f"{at[1]}/inputs"))
    _order(report, node, old.depends_on, new.depends_on, at)
    _outputs(report, node, old.outputs, new.outputs, at)
    if (old.parameters, old.success_actions, old.failure_actions) != _placed(
        new.parameters, new.success_actions, new.failure_actions, old
    ):
        report.add(node, "step-content-changed", _SIDE, "parameters or actions of the workflow changed", *at)
    ours, theirs = ({step.id: step for step in one.steps} for one in (old, new))
    for name in [*ours, *(name for name in theirs if name not in ours)]:
        before, after = ours.get(name), theirs.get(name)
        if before is None and after is not None:
            report.add(node, "step-added", _SIDE, f"step {name} was added", old.pointer, after.pointer)
        elif after is None and before is not None:
            report.add(node, "step-removed", _SIDE, f"step {name} was removed", before.pointer, new.pointer)
        elif before is not None and after is not None:
            _step(report, node, before, after)
    _waiting(report, node, old, new)


def _step(report: Report, node: Node, old: Step, new: Step) -> None:
    at = old.pointer, new.pointer
    called = [(s.interface, s.operation, s.operation_path, s.workflow) for s in (old, new)]
    if called[0] != called[1]:
        said = " became ".join(next((part for part in reversed(one) if part), "nothing") for one in called)
        report.add(node, "step-operation-changed", _SIDE, f"{new.id}: {said}", *at)
    if old.description != new.description:
        report.add(node, "text-changed", _SIDE, f"the description of {new.id} changed", *at)
    _outputs(report, node, old.outputs, new.outputs, at)
    if _plain(old.criteria) != _plain(new.criteria):
        report.add(node, "criteria-changed", _SIDE, f"{new.id}: success criteria changed", *at)
    parts = [(s.parameters, s.payload, s.on_success, s.on_failure, s.timeout) for s in (old, new)]
    if _plain(parts[0]) != _plain(parts[1]):
        said = f"{new.id}: what is sent, or what follows, changed"
        report.add(node, "step-content-changed", _SIDE, said, *at)
    for word in sorted(old.extensions.keys() | new.extensions.keys()):
        if old.extensions.get(word) != new.extensions.get(word) and word != "x-depends-on":
            check = "text-changed" if word == "x-en" else "extension-changed"
            report.add(node, check, _SIDE, f"{new.id}: {word} changed", *at)


def _waiting(report: Report, node: Node, old: Workflow, new: Workflow) -> None:
    """What each step waits for, through others too: a step named that was waited for anyway changes nothing. Where no
    step names another, each waits for all before it."""
    ours, theirs = (_before(one) for one in (old, new))
    both = ours.keys() & theirs.keys()
    said = any(step.depends_on for step in (*old.steps, *new.steps))
    for step in new.steps:
        if step.id not in both:
            continue
        at = old.step(step.id).pointer, step.pointer
        more, less = (theirs[step.id] - ours[step.id]) & both, (ours[step.id] - theirs[step.id]) & both
        for name in sorted(more):
            report.add(node, "order-tightened", _SIDE, f"{step.id} waits for {name} now", *at)
        for name in sorted(less if said else ()):
            report.add(node, "order-loosened", _SIDE, f"{step.id} no longer waits for {name}", *at)


def _before(workflow: Workflow) -> dict[str, frozenset[str]]:
    """Step → all that must be done before it."""
    names = [step.id for step in workflow.steps]
    if not any(step.depends_on for step in workflow.steps):
        return {name: frozenset(names[:index]) for index, name in enumerate(names)}
    direct = {step.id: set(step.depends_on) for step in workflow.steps}
    found = {}
    for name in names:
        waiting, met = list(direct[name]), set[str]()
        while waiting:
            one = waiting.pop()
            if one not in met:
                met.add(one)
                waiting += direct.get(one, ())
        found[name] = frozenset(met - {name})
    return found


def _order(report: Report, node: Node, old: tuple[str, ...], new: tuple[str, ...], at: tuple[str, str]) -> None:
    for name in sorted(set(new) - set(old)):
        report.add(node, "order-tightened", _SIDE, f"waits for {name} now", *at)
    for name in sorted(set(old) - set(new)):
        report.add(node, "order-loosened", _SIDE, f"no longer waits for {name}", *at)


def _outputs(report: Report, node: Node, old: Mapping[str, Any], new: Mapping[str, Any], at: tuple[str, str]) -> None:
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name):
            way = "added" if name not in old else "removed" if name not in new else "changed"
            report.add(node, f"output-{way}", Side.RESPONSE, f"output {name} was {way}", *at)


def _sources(report: Report, old: Process, new: Process) -> None:
    ours, theirs = ({source.name: source for source in one.sources} for one in (old, new))
    node = report.root("")
    for name in sorted(ours.keys() | theirs.keys()):
        before, after = ours.get(name), theirs.get(name)
        if _plain(before) != _plain(after):
            pointers = before.pointer if before else None, after.pointer if after else None
            report.add(node, "source-changed", _SIDE, f"source {name} changed", *pointers)


def _placed(parameters: Any, success: Any, failure: Any, old: Workflow) -> tuple[Any, Any, Any]:
    """The new parts, as the old ones when only their places differ."""
    parts = (parameters, success, failure)
    known = (old.parameters, old.success_actions, old.failure_actions)
    return known if _plain(parts) == _plain(known) else parts


def _plain(value: Any) -> Any:
    """A value without pointers, so that a moved part is the same part."""
    from dataclasses import fields, is_dataclass

    if is_dataclass(value) and not isinstance(value, type):
        return tuple((f.name, _plain(getattr(value, f.name))) for f in fields(value) if f.name != "pointer")
    if isinstance(value, tuple | list):
        return [_plain(part) for part in value]
    return value
