"""What expressions see at one moment of a run, and the value of an expression there.

What is not there is null and is told: `Seen.missing` says why, so that a report can show it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from conformance.arazzo.expressions import Expression
from conformance.arazzo.values import Missing, at, member


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer. Parameters keep the types they were given with; header names are lower case.

    `body` and `answer` are JSON values, or `TextBody`. `status` None: there was no answer.
    """

    url: str
    method: str
    path: Mapping[str, Any] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None
    status: int | None = None
    answer_headers: Mapping[str, str] = field(default_factory=dict)
    answer: Any = None


@dataclass(frozen=True, slots=True)
class Past:
    """Inputs and outputs of a workflow that was run before."""

    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Seen:
    """An expression and its value. `missing`: why there is none (then the value is null); "" when there is one."""

    expression: str
    value: Any
    missing: str = ""


@dataclass
class Frame:
    """The state of one workflow. `outputs` are those `$outputs` means: of the workflow the step called, else its own.

    `given`: the inputs came from whoever started the run, not out of an answer.
    """

    inputs: Mapping[str, Any]
    given: bool = True
    self_uri: str | None = None
    sources: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    components: Mapping[str, Any] = field(default_factory=dict)
    steps: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    workflows: dict[str, Past] = field(default_factory=dict)
    outputs: Mapping[str, Any] = field(default_factory=dict)
    exchange: Exchange | None = None

    def see(self, expression: Expression) -> Seen:
        """The value of an expression now."""
        try:
            value = self._value(expression)
            return Seen(expression.text, value if expression.pointer is None else at(value, expression.pointer))
        except Missing as nothing:
            return Seen(expression.text, None, str(nothing))

    def _value(self, expression: Expression) -> Any:
        kind, name, owner = expression.kind, expression.name, expression.owner
        if kind == "whole" and name == "self":
            return _there(self.self_uri, "the document has no $self")
        if kind in ("whole", "header", "query", "path", "body"):
            return self._message(_there(self.exchange, "no request has been made here"), expression)
        if kind == "inputs":
            return _named(self.inputs, name, "input")
        if kind == "outputs":
            return _named(self.outputs, name, "output")
        if kind == "steps":
            return _named(_there(self.steps.get(owner), f"the step {owner!r} has not run"), name, "output")
        if kind == "workflows":
            past = _there(self.workflows.get(owner), f"the workflow {owner!r} has not run")
            return _named(getattr(past, expression.side), name, expression.side.removesuffix("s"))
        if kind == "sources":
            return self._source(owner, name)
        if kind == "components":
            found = self.components.get(expression.side, {}).get(name)
            found = _there(found, f"components has no {name!r} in {expression.side}")
            return found.get("value") if expression.side == "parameters" and isinstance(found, dict) else found
        raise Missing("this belongs to AsyncAPI")

    def _message(self, exchange: Exchange, expression: Expression) -> Any:
        kind, name = expression.kind, expression.name
        if kind == "whole":
            return {"url": exchange.url, "method": exchange.method}.get(name) or _there(
                exchange.status, "there was no answer"
            )
        if expression.side == "request":
            if kind == "body":
                return exchange.body
            held: Mapping[str, Any] = {"header": exchange.headers, "query": exchange.query, "path": exchange.path}[kind]
            key = name.lower() if kind == "header" else name
            return held[key] if key in held else _there(None, f"the request has no {kind} {name!r}")
        _there(exchange.status, "there was no answer")
        if kind == "body":
            return exchange.answer
        if kind == "header":
            return _there(exchange.answer_headers.get(name.lower()), f"the answer has no header {name!r}")
        raise Missing(f"an answer has no {kind}")

    def _source(self, owner: str, name: str) -> Any:
        source = _there(self.sources.get(owner), f"there is no source {owner!r}")
        if name in source.get("operations", ()):
            return name
        return _there(source.get(name), f"{owner!r} has no operation, workflow or field {name!r}")


def _there(value: Any, otherwise: str) -> Any:
    if value is None:
        raise Missing(otherwise)
    return value


def _named(values: Mapping[str, Any], name: str, what: str) -> Any:
    """The value of that name; names may hold dots, so the longest known one counts and the rest are members of it."""
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        known = ".".join(parts[:count])
        if known in values:
            value = values[known]
            for part in parts[count:]:
                value = member(value, part, known)
            return value
    raise Missing(f"there is no {what} {name!r}")
