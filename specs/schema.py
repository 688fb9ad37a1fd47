"""Walking JSON Schema 2020-12 objects and naming their references."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote, unquote

Schema = dict[str, Any]
"""A JSON Schema 2020-12 object."""


def reference(name: str) -> str:
    """The `$ref` that names a definition: JSON-pointer escaped, then percent-encoded as a URI fragment."""
    return "#/$defs/" + quote(name.replace("~", "~0").replace("/", "~1"), safe="~!$&'()*+,;=:@-._")


def definition_name(reference: str) -> str:
    """The name inside a `$ref` made by `reference`."""
    return unquote(reference.removeprefix("#/$defs/")).replace("~1", "/").replace("~0", "~")


# Keywords whose value is a schema, a list of schemas, or a map of schemas; everything else is data.
ONE_SCHEMA = frozenset(
    {
        "additionalProperties",
        "contains",
        "contentSchema",
        "else",
        "if",
        "items",
        "not",
        "propertyNames",
        "then",
    }
    | {"unevaluatedItems", "unevaluatedProperties"}
)
MANY_SCHEMAS = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
NAMED_SCHEMAS = frozenset({"$defs", "dependentSchemas", "patternProperties", "properties"})


def subschemas(schema: Schema, pointer: str = "") -> Iterator[tuple[str, Schema]]:
    """`schema` and every schema inside it (references are not followed), each with its JSON pointer."""
    waiting: list[tuple[str, Any]] = [(pointer, schema)]
    while waiting:
        at, node = waiting.pop()
        if not isinstance(node, dict):
            continue
        yield at, node
        inner: list[tuple[str, Any]] = []
        for word, value in node.items():
            if word in ONE_SCHEMA:
                inner.append((f"{at}/{word}", value))
            elif word in MANY_SCHEMAS and isinstance(value, Sequence):
                inner += [(f"{at}/{word}/{index}", part) for index, part in enumerate(value)]
            elif word in NAMED_SCHEMAS and isinstance(value, Mapping):
                inner += [(f"{at}/{word}/{escape(name)}", part) for name, part in value.items()]
        waiting.extend(reversed(inner))


def references(schema: Schema) -> Iterator[str]:
    """The definition names `schema` refers to directly."""
    for _, node in subschemas(schema):
        if isinstance(target := node.get("$ref"), str):
            yield definition_name(target)


def escape(token: str) -> str:
    """One JSON pointer token (RFC 6901)."""
    return token.replace("~", "~0").replace("/", "~1") if "~" in token or "/" in token else token
