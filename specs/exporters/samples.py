"""A plausible first value for a form: the document's own example, else the smallest value of the right shape."""

from __future__ import annotations

from typing import Any

from specs.model import Content, Interface
from specs.schema import Schema

MAX_DEPTH = 6


def sample(interface: Interface, content: Content) -> Any:
    """The first example of a body, else a value made from its schema; it need not be valid."""
    if content.examples:
        return next(iter(content.examples.values()))
    return value_of(interface, content.schema or {})


def value_of(interface: Interface, schema: Schema, depth: int = 0) -> Any:
    """A value of about this shape: examples, defaults and enum values first; lists with one item."""
    schema = interface.resolve(schema)
    for word in ("examples", "enum"):
        if isinstance(schema.get(word), list) and schema[word]:
            return schema[word][0]
    for word in ("const", "default"):
        if word in schema:
            return schema[word]
    named = schema.get("type")
    kind = next((one for one in named if one != "null"), "null") if isinstance(named, list) else named
    for word in ("oneOf", "anyOf"):
        if isinstance(schema.get(word), list) and schema[word] and "properties" not in schema and depth < MAX_DEPTH:
            return value_of(interface, schema[word][0], depth + 1)
    if kind == "array":
        items = schema.get("items")
        return [value_of(interface, items, depth + 1)] if isinstance(items, dict) and depth < MAX_DEPTH else []
    if kind == "object" or "properties" in schema or "allOf" in schema:
        if depth >= MAX_DEPTH:
            return {}
        return {one.name: value_of(interface, one.schema, depth + 1) for one in interface.fields(schema)}
    plain: dict[str, Any] = {"integer": schema.get("minimum", 0), "number": schema.get("minimum", 0), "boolean": True}
    return _string(schema) if kind in {"string", None} else plain.get(str(kind))


def _string(schema: Schema) -> str:
    known = {"date": "2026-01-01", "date-time": "2026-01-01T08:00:00+08:00", "time": "08:00:00+08:00"}
    known |= {"email": "someone@example.org", "uri": "https://example.org/",
              "uuid": "00000000-0000-4000-8000-000000000000"}  # fmt: skip
    return known.get(str(schema.get("format")), "")
