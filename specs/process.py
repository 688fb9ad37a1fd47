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
class Replacement:
    """A value put into a payload at `target`. `type` jsonpointer | jsonpath | xpath; None: what the media type says."""

    target: str
    value: Any
    type: str | None = None
    version: str | None = None
    pointer: str = ""


@dataclass(frozen=True, slots=True)
class Payload:
    """The request body of a step; `replacements` are applied to `value` in order."""

    value: Any
    content_type: str | None = None
    replacements: tuple[Replacement, ...] = ()
    pointer: str = ""


@dataclass(frozen=True, slots=True)
class Criterion:
    """A condition. `type` simple | regex | jsonpath | xpath | jsonpointer, `version` of that language where one is
    stated; `context` an expression, or None for simple ones. `exact` (`x-exact`): strings are compared as they are, not
    without regard to case."""

    condition: str
    type: str = "simple"
    context: str | None = None
    pointer: str = ""
    version: str | None = None
    exact: bool = False


@dataclass(frozen=True, slots=True)
class Action:
    """What follows a step. `type` end | goto | retry; `retry_after` in seconds. `parameters` are inputs of
    `workflow`."""

    name: str
    type: str
    step: str | None = None
    workflow: str | None = None
    retry_after: float | None = None
    retry_limit: int = 1
    criteria: tuple[Criterion, ...] = ()
    pointer: str = ""
    parameters: tuple[Argument, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """One step: exactly one of `operation` (with `interface`, when its source is known), `operation_path`, `workflow`
    or `channel` is set. `source`: the name of the source description it calls. `depends_on` holds step ids of the same
    workflow, `depends_elsewhere` expressions that name steps of others. `timeout` in milliseconds."""

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
    source: str | None = None
    depends_elsewhere: tuple[str, ...] = ()
    channel: str | None = None


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
    """A cross-department process (Arazzo). `self_uri`: the URI the document gives itself (`$self`)."""

    workflows: tuple[Workflow, ...] = ()
    sources: tuple[Source, ...] = ()
    self_uri: str | None = None

    def workflow(self, id: str) -> Workflow:
        """The workflow of that id. Raises KeyError naming near ones."""
        return named(id, {w.id: w for w in self.workflows}, "workflow")
