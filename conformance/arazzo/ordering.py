"""The order in which the steps of a workflow are carried out.

Without `dependsOn` it is the order of the document, and an output of a later step is an error. With it, every step
comes after those it names and those whose outputs it sends (Arazzo 1.1, "Tool Behavior"); among equals the document
decides.
"""

from __future__ import annotations

from collections.abc import Iterator

from conformance.arazzo.criteria import expressions_of
from conformance.arazzo.expressions import Expression, expressions
from specs.process import Step, Workflow


class OrderError(ValueError):
    """Steps that cannot be put in order; `step` is where to look."""

    def __init__(self, message: str, step: Step) -> None:
        super().__init__(message)
        self.step = step


def ordered(workflow: Workflow) -> tuple[Step, ...]:
    """The steps in the order they are carried out. Raises `OrderError`."""
    known = [step.id for step in workflow.steps]
    places = {id: place for place, id in enumerate(known)}
    needs = {step.id: set(step.depends_on) | (_reads(step) & places.keys()) for step in workflow.steps}
    if not any(step.depends_on for step in workflow.steps):
        for step in workflow.steps:
            later = sorted((id for id in needs[step.id] if places[id] >= places[step.id]), key=lambda id: places[id])
            if later:
                told = "its own output before it has run" if later[0] == step.id else f"an output of {later[0]!r}"
                raise OrderError(f"the step {step.id!r} uses {told}, which comes later", step)
        return workflow.steps
    done: list[Step] = []
    waiting = list(workflow.steps)
    while waiting:
        ready = next((step for step in waiting if needs[step.id] <= {one.id for one in done}), None)
        if ready is None:
            names = ", ".join(step.id for step in waiting)
            raise OrderError(f"the steps {names} wait for each other", waiting[0])
        waiting.remove(ready)
        done.append(ready)
    return tuple(done)


def _reads(step: Step) -> set[str]:
    """The steps whose outputs a step reads; of its own those it needs before it has run."""
    sent = {one.owner for one in _sent(step) if one.kind == "steps"}
    judged = {one.owner for one in _judged(step) if one.kind == "steps"}
    return sent | (judged - {step.id})


def _sent(step: Step) -> Iterator[Expression]:
    values = [argument.value for argument in step.parameters]
    if step.payload is not None:
        values += [step.payload.value, *(one.value for one in step.payload.replacements)]
    for value in values:
        yield from (one for _, _, one in expressions(value) if isinstance(one, Expression))


def _judged(step: Step) -> Iterator[Expression]:
    for criterion in (*step.criteria, *(c for action in (*step.on_success, *step.on_failure) for c in action.criteria)):
        yield from expressions_of(criterion)
    for value in step.outputs.values():
        yield from (one for _, _, one in expressions(value) if isinstance(one, Expression))
