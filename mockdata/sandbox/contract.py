"""What one operation demands and promises, compiled when it is first called."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from mockdata.instances import Instances, Unsatisfiable
from mockdata.instances.numbers import FORMAT_LIMITS
from mockdata.sandbox.parameters import Shape
from specs.model import Content, Interface, Operation, Parameter, Response

ANYTHING: dict[str, Any] = {}
_DATA = frozenset(("const", "enum", "default", "example", "examples"))


@dataclass(frozen=True)
class Reader:
    """One parameter with what it takes to read and check it."""

    parameter: Parameter
    shape: Shape
    check: Instances


def instances(interface: Interface, schema: Any, *, sending: bool = False) -> Instances:
    """The instances of a schema of an interface. A schema nothing can be made of counts as `{}`: the
    document's flaw is the linter's business, and an answer without promise is still an answer."""
    try:
        return Instances(_bounded(interface.standalone(schema or ANYTHING)), tolerant=True, sending=sending)
    except (Unsatisfiable, KeyError):
        return Instances(ANYTHING)


class Contract:
    """One operation, compiled lazily and kept. Safe to share between threads."""

    def __init__(self, interface: Interface, operation: Operation) -> None:
        self.interface = interface
        self.operation = operation
        self._bodies: dict[str, tuple[Shape, Instances]] = {}
        self._answers: dict[str, Instances] = {}
        self._bound: dict[str, bool] = {}
        self._headers: dict[str, tuple[tuple[Parameter, Instances], ...]] = {}

    def resolve(self, schema: dict[str, Any]) -> dict[str, Any]:
        """A schema with its leading reference followed."""
        return self.interface.resolve(schema)

    @cached_property
    def readers(self) -> tuple[Reader, ...]:
        """The parameters, in the document's order."""
        return tuple(
            Reader(one, Shape(one.schema, self.resolve), instances(self.interface, one.schema))
            for one in self.operation.parameters
        )

    @cached_property
    def names(self) -> frozenset[tuple[str, str]]:
        """(location, name) of every parameter; header names in lower case."""
        return frozenset(
            (one.location, one.name.lower() if one.location == "header" else one.name)
            for one in self.operation.parameters
        )

    def declares(self, location: str, name: str) -> bool:
        """Whether the document names such a parameter."""
        return (location, name.lower() if location == "header" else name) in self.names

    def body(self, content: Content) -> Instances:
        """The check of a request body in one media type."""
        key = content.pointer or content.media_type
        if key not in self._bodies:
            self._bodies[key] = (Shape(content.schema, self.resolve), instances(self.interface, content.schema))
        return self._bodies[key][1]

    def answer(self, content: Content) -> Instances:
        """The instances of a response body in one media type."""
        key = content.pointer or content.media_type
        if key not in self._answers:
            self._answers[key] = instances(self.interface, content.schema, sending=True)
        return self._answers[key]

    def bound(self, content: Content) -> bool:
        """Whether any field of a response body is bound to an element, so that facts may belong in it."""
        key = content.pointer or content.media_type
        if key not in self._bound:
            self._bound[key] = _mentions(self.answer(content).schema, "x-element")
        return self._bound[key]

    def eased(self, content: Content) -> Instances:
        """The instances of a response body whose schema has none: alternatives that were meant to exclude each other
        and do not (`oneOf` over equal schemas) are read as `anyOf`.
        """
        return instances(self.interface, _eased(self.interface.standalone(content.schema or ANYTHING)), sending=True)

    def headers(self, response: Response) -> tuple[tuple[Parameter, Instances], ...]:
        """The declared headers of a response with their instances; Content-Type is left to the body."""
        if response.status not in self._headers:
            self._headers[response.status] = tuple(
                (one, instances(self.interface, one.schema))
                for one in response.headers
                if one.name.lower() not in ("content-type", "content-length")
            )
        return self._headers[response.status]

    @cached_property
    def success(self) -> tuple[int, Response | None]:
        """The status a plain call is answered with, and what the document says about it."""
        responses: Mapping[str, Response] = {one.status: one for one in self.operation.responses}
        wanted = ("201", "200", "202", "204") if self.operation.method == "POST" else ("200", "204", "202", "201")
        for status in (*wanted, *sorted(status for status in responses if status.startswith("2"))):
            if status in responses:
                return int(status.upper().replace("XX", "00")), responses[status]
        if "default" in responses:
            return 200, responses["default"]
        for status in sorted(responses):
            return int(status.upper().replace("XX", "00")), responses[status]
        return 200, None

    def declared(self, *statuses: int) -> tuple[int, Response] | None:
        """The first of these statuses the document declares, exactly, then by range, then by "default"."""
        by_status = {one.status.upper(): one for one in self.operation.responses}
        for status in statuses:
            if str(status) in by_status:
                return status, by_status[str(status)]
        for status in statuses:
            if f"{status // 100}XX" in by_status:
                return status, by_status[f"{status // 100}XX"]
        if "default" in by_status and statuses:
            return statuses[0], by_status["default"]
        return None


def _bounded(schema: Any) -> Any:
    """The schema with the limits that OpenAPI's integer formats mean and no validator asserts."""
    if isinstance(schema, list):
        return [_bounded(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    out = {word: value if word in _DATA else _bounded(value) for word, value in schema.items()}
    named = schema.get("format")
    limits = FORMAT_LIMITS.get(named) if isinstance(named, str) and schema.get("type") == "integer" else None
    if limits is not None:
        out["minimum"] = max(limits[0], out.get("minimum", limits[0]))
        out["maximum"] = min(limits[1], out.get("maximum", limits[1]))
    return out


def _mentions(schema: Any, word: str) -> bool:
    if isinstance(schema, dict):
        return word in schema or any(_mentions(part, word) for part in schema.values())
    return isinstance(schema, list) and any(_mentions(part, word) for part in schema)


def _eased(schema: Any) -> Any:
    """The schema with every `oneOf` read as `anyOf`."""
    if isinstance(schema, dict):
        return {"anyOf" if word == "oneOf" else word: _eased(value) for word, value in schema.items()}
    return [_eased(part) for part in schema] if isinstance(schema, list) else schema


_contracts: dict[int, dict[str, Contract]] = {}


def contract_of(interface: Interface, operation: Operation) -> Contract:
    """The contract of an operation, shared by all who serve the same interface object, and gone with it."""
    key = id(interface)
    if key not in _contracts:
        _contracts[key] = {}
        weakref.finalize(interface, _contracts.pop, key, None)
    known = _contracts[key]
    if operation.id not in known:
        known[operation.id] = Contract(interface, operation)
    return known[operation.id]
