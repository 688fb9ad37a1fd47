"""A cross-department process as Arazzo describes it: workflows, steps, criteria, actions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from specs.schema import Schema
from specs.words import NOTHING, Text, named


@dataclass(frozen=True, slots=True)
class Source:
    """An Arazzo source description. `type` openapi | arazzo | asyncapi; `interface` is the interface id."""

    name: str
    url: str
    type: str = "openapi"
    interface: str | None = None
    pointer: str = ""


@dataclass(frozen=True, slots=True)
class Argument:
    """A parameter of a step. `location` None: an input of the workflow the step calls. `value` is a constant,
    a runtime expression ("$steps.N1.outputs.x") or a string with `{$…}` inside."""

    name: str
    location: str | None
    value: Any
    pointer: str = ""


@dataclass(frozen=True, slots=True)
class Payload:
    """The request body of a step; `replacements` are (target, value) applied to `value` in order."""

    value: Any
    content_type: str | None = None
    replacements: tuple[tuple[str, Any], ...] = ()
    pointer: str = ""


@dataclass(frozen=True, slots=True)
class Criterion:
    """A condition. `type` simple | regex | jsonpath | xpath | jsonpointer; `context` an expression, or None
    for simple ones."""

    condition: str
    type: str = "simple"
    context: str | None = None
    pointer: str = ""


@dataclass(frozen=True, slots=True)
class Action:
    """What follows a step. `type` end | goto | retry; `retry_after` in seconds."""

    name: str
    type: str
    step: str | None = None
    workflow: str | None = None
    retry_after: float | None = None
    retry_limit: int = 1
    criteria: tuple[Criterion, ...] = ()
    pointer: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One step: exactly one of `operation` (with `interface`, when its source is known), `operation_path` or
    `workflow` is set. `depends_on` holds step ids of the same workflow. `timeout` in milliseconds."""

    id: str
    description: Text = NOTHING
    interface: str | None = None
    operation: str | None = None
    operation_path: str | None = None
    workflow: str | None = None
    depends_on: tuple[str, ...] = ()
    parameters: tuple[Argument, ...] = ()
    payload: Payload | None = None
    criteria: tuple[Criterion, ...] = ()
    on_success: tuple[Action, ...] = ()
    on_failure: tuple[Action, ...] = ()
    outputs: Mapping[str, Any] = NOTHING
    timeout: int | None = None
    extensions: Mapping[str, Any] = NOTHING
    pointer: str = ""


@dataclass(frozen=True, slots=True)
class Workflow:
    """One workflow of a process."""

    id: str
    summary: Text = NOTHING
    description: Text = NOTHING
    inputs: Schema = field(default_factory=dict)
    depends_on: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()
    parameters: tuple[Argument, ...] = ()
    success_actions: tuple[Action, ...] = ()
    failure_actions: tuple[Action, ...] = ()
    outputs: Mapping[str, Any] = NOTHING
    extensions: Mapping[str, Any] = NOTHING
    pointer: str = ""

    def step(self, id: str) -> Step:
        """The step of that id. Raises KeyError naming near ones."""
        return named(id, {s.id: s for s in self.steps}, "step")


@dataclass(frozen=True, slots=True)
class Process:
    """A cross-department process (Arazzo)."""

    workflows: tuple[Workflow, ...] = ()
    sources: tuple[Source, ...] = ()

    def workflow(self, id: str) -> Workflow:
        """The workflow of that id. Raises KeyError naming near ones."""
        return named(id, {w.id: w for w in self.workflows}, "workflow")
