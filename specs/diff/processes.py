"""Two versions of a cross-department process compared: what apps that follow it have to do otherwise."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from specs.diff import criteria
from specs.diff.change import Side
from specs.diff.report import Node, Report
from specs.diff.schemas import Schemas
from specs.diff.shape import canonical
from specs.model import Interface
from specs.process import Process, Source, Step, Workflow
from specs.rules.places import written

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
    if sorted(map(_told, old.parameters)) != sorted(map(_told, new.parameters)):
        report.add(node, "step-content-changed", _SIDE, "parameters of every step changed", *at)
    if _plain(old.success_actions) != _plain(new.success_actions):
        report.add(node, "step-followed-otherwise", _SIDE, "what follows every step that is done changed", *at)
    if _plain(old.failure_actions) != _plain(new.failure_actions):
        report.add(node, "step-failure-changed", _SIDE, "what follows every step that fails changed", *at)
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
    named = [_source_named(one, s) for one, s in ((report.old, old), (report.new, new))]
    unnamed = (old.interface, new.interface) == (None, None) and _moved_source(report, *named)
    if called[0] != called[1] or unnamed:
        told = [next((part for part in reversed(one) if part), "nothing") for one in called]
        said = " became ".join(f"{one} of {name}" if unnamed else one for one, name in zip(told, named, strict=True))
        report.add(node, "step-operation-changed", _SIDE, f"{new.id}: {said}", *at)
    if old.description != new.description:
        report.add(node, "text-changed", _SIDE, f"the description of {new.id} changed", *at)
    _outputs(report, node, old.outputs, new.outputs, at)
    criteria.compare(report, node, new.id, old.criteria, new.criteria, at)
    if _sent(old) != _sent(new):
        report.add(node, "step-content-changed", _SIDE, f"{new.id}: what is sent changed", *at)
    if _plain(old.on_success) != _plain(new.on_success):
        report.add(node, "step-followed-otherwise", _SIDE, f"{new.id}: what follows when it is done changed", *at)
    if _plain((old.on_failure, old.timeout)) != _plain((new.on_failure, new.timeout)):
        report.add(node, "step-failure-changed", _SIDE, f"{new.id}: what follows a failure, or its time, changed", *at)
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
    """Where operations are described; sources that say the same under another name are the same."""
    ours, theirs = ({source.name: source for source in one.sources} for one in (old, new))
    node = report.root("")
    for name in sorted(ours.keys() | theirs.keys()):
        before, after = ours.get(name), theirs.get(name)
        if before is not None and after is not None:
            at = before.pointer, after.pointer
            if before.type != after.type or before.interface != after.interface:
                report.add(node, "source-changed", _SIDE, f"source {name} is another interface", *at)
            elif before.url != after.url:
                known = before.interface is not None
                said = f"source {name} moved from {before.url} to {after.url}"
                report.add(node, "source-moved" if known else "source-changed", _SIDE, said, *at)
        elif before is not None:
            kept = any(_meant(before) == _meant(other) for other in theirs.values())
            check, said = ("text-changed", "has another name") if kept else ("source-removed", "was removed")
            report.add(node, check, _SIDE, f"source {name} {said}", before.pointer, None)
        elif after is not None and not any(_meant(after) == _meant(other) for other in ours.values()):
            report.add(node, "source-added", _SIDE, f"source {name} was added", None, after.pointer)


def _meant(source: Source) -> tuple[str, str]:
    return source.type, source.interface or source.url


_NAMED = re.compile(r"\$sourceDescriptions\.([A-Za-z0-9_-]+)\.")


def _source_named(interface: Interface, step: Step) -> str | None:
    """The name of the source a step's operation is looked up in, as written."""
    value = written(interface, step.pointer)
    if not isinstance(value, dict):
        return None
    texts = (value.get(word) for word in ("operationId", "operationPath", "workflowId"))
    return next((found[1] for one in texts if isinstance(one, str) and (found := _NAMED.search(one))), None)


def _moved_source(report: Report, old: str | None, new: str | None) -> bool:
    """Whether two names of sources mean different descriptions."""
    if old == new:
        return False
    ours, theirs = (
        next((_meant(source) for source in one.process.sources if source.name == name), None) if one.process else None
        for one, name in ((report.old, old), (report.new, new))
    )
    return ours != theirs


def _sent(step: Step) -> Any:
    """What a step sends; the order of its parameters says nothing."""
    return sorted(map(_told, step.parameters)), _plain(step.payload)


def _told(part: Any) -> str:
    return canonical([list(pair) for pair in _plain(part)])


def _plain(value: Any) -> Any:
    """A value without pointers, so that a moved part is the same part."""
    from dataclasses import fields, is_dataclass

    if is_dataclass(value) and not isinstance(value, type):
        return tuple((f.name, _plain(getattr(value, f.name))) for f in fields(value) if f.name != "pointer")
    if isinstance(value, tuple | list):
        return [_plain(part) for part in value]
    return value
