"""What it takes to break a schema: `not` turned into alternatives that can be drawn.

A schema is a conjunction of keywords, so its negation is a choice of one keyword to break. Each alternative
is again a list of schemas to satisfy. Keywords that begin with NUL are this package's own and never leave it:
`\\0types` (allowed kinds, telling whole numbers from fractions), `\\0unlike` (a schema that must not hold,
found by trying), `\\0member` (an object member by name and value), `\\0stranger` (the same, with a
name that `propertyNames` does not bind), `\\0repeat` (an array with an equal pair).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations
from typing import Any

KINDS = ("null", "boolean", "integer", "fraction", "string", "array", "object")
NUMBERS = ("integer", "fraction")
TYPES, UNLIKE, MEMBER, STRANGER, REPEAT = "\0types", "\0unlike", "\0member", "\0stranger", "\0repeat"

Alternative = list[Any]  # schemas that must all hold


def kinds(types: Any) -> frozenset[str]:
    """The kinds a `type` keyword allows; unknown names (OpenAPI's `file`) allow a string."""
    found: set[str] = set()
    for name in [types] if isinstance(types, str) else types:
        if name == "number":
            found.update(NUMBERS)
        else:
            found.add(name if name in KINDS else "string")
    return frozenset(found)


def prefix_items(schema: dict[str, Any]) -> list[Any]:
    """The positional item schemas, in either spelling (`prefixItems`, or draft-7's `items` with a list)."""
    prefix = schema.get("prefixItems")
    if prefix is None and isinstance(schema.get("items"), list):
        prefix = schema["items"]
    return prefix if isinstance(prefix, list) else []


def rest_items(schema: dict[str, Any]) -> Any:
    """The schema of the items after the positional ones, None when there is none."""
    if isinstance(schema.get("items"), list):
        return schema.get("additionalItems")
    return schema.get("items")


def negations(schema: dict[str, Any]) -> Iterator[Alternative]:
    """The ways to break `schema`, references excepted (the caller follows those)."""
    for word in schema:
        yield from negation(schema, word)


def negation(schema: dict[str, Any], word: str) -> Iterator[Alternative]:
    """The ways to break one keyword of `schema`."""
    breaker = _BREAKERS.get(word)
    if breaker is not None:
        yield from breaker(schema[word], schema)


def _number(**keywords: Any) -> Alternative:
    return [{TYPES: NUMBERS, **keywords}]


def _object(**keywords: Any) -> Alternative:
    return [{"type": "object", **keywords}]


def _array(**keywords: Any) -> Alternative:
    return [{"type": "array", **keywords}]


def _not(schema: Any) -> Any:
    return (not schema) if isinstance(schema, bool) else {"not": schema}


def _type(value: Any, schema: dict[str, Any]) -> Iterator[Alternative]:
    allowed = kinds(value)
    rest = tuple(kind for kind in KINDS if kind not in allowed)
    if rest:
        yield [{TYPES: rest}]


def _exclusive(value: Any, schema: dict[str, Any], below: bool) -> Iterator[Alternative]:
    if not isinstance(value, bool):  # draft-4 writes a flag here, broken together with its limit
        yield _number(maximum=value) if below else _number(minimum=value)


def _length(word: str) -> Callable[[Any, dict[str, Any]], Iterator[Alternative]]:
    kind = {"Length": "string", "Items": "array", "Properties": "object"}[word[3:]]

    def breaker(value: Any, schema: dict[str, Any]) -> Iterator[Alternative]:
        if word.startswith("max"):
            yield [{"type": kind, "min" + word[3:]: int(value) + 1}]
        elif value > 0:
            yield [{"type": kind, "max" + word[3:]: int(value) - 1}]

    return breaker


def _required(value: Any, schema: dict[str, Any]) -> Iterator[Alternative]:
    for name in value:
        yield _object(properties={name: False})


def _properties(value: Any, schema: dict[str, Any]) -> Iterator[Alternative]:
    for name, inner in value.items():
        if inner is not True and inner != {}:
            yield _object(required=[name], properties={name: _not(inner)})


def _pattern_properties(value: Any, schema: dict[str, Any]) -> Iterator[Alternative]:
    for pattern, inner in value.items():
        yield _object(**{MEMBER: ({"type": "string", "pattern": pattern}, _not(inner))})


def _additional(value: Any, schema: dict[str, Any]) -> Iterator[Alternative]:
    named: list[Any] = [{"pattern": pattern} for pattern in schema.get("patternProperties", {})]
    if schema.get("properties"):
        named.append({"enum": list(schema["properties"])})
    other: Any = {"type": "string", "not": {"anyOf": named}} if named else {"type": "string"}
    yield _object(**{MEMBER: (other, _not(value))})


def _names(value: Any, schema: dict[str, Any]) -> Iterator[Alternative]:
    yield _object(**{MEMBER: ({"type": "string", "allOf": [_not(value)]}, True)})


def _unevaluated(value: Any, schema: dict[str, Any]) -> Iterator[Alternative]:
    yield _object(**{MEMBER: ({"type": "string"}, _not(value)), UNLIKE: schema})


def _unevaluated_items(value: Any, schema: dict[str, Any]) -> Iterator[Alternative]:
    yield _array(minItems=len(prefix_items(schema)) + 1, **{UNLIKE: schema})


def _dependencies(value: Any, schema: dict[str, Any]) -> Iterator[Alternative]:
    for name, needed in value.items():
        if isinstance(needed, list):
            for other in needed:
                yield _object(required=[name], properties={other: False})
        else:
            yield [{"type": "object", "required": [name]}, _not(needed)]


def _items(value: Any, schema: dict[str, Any]) -> Iterator[Alternative]:
    for at, inner in enumerate(prefix_items(schema)):
        yield _array(minItems=at + 1, prefixItems=[True] * at + [_not(inner)])
    rest, before = rest_items(schema), len(prefix_items(schema))
    if rest is not None and rest is not True:
        yield _array(minItems=before + 1, prefixItems=[True] * before + [_not(rest)])


def _contains(value: Any, schema: dict[str, Any]) -> Iterator[Alternative]:
    low, high = schema.get("minContains", 1), schema.get("maxContains")
    if low == 1:
        yield _array(items=_not(value))
    elif low > 1:
        yield _array(contains=value, minContains=0, maxContains=low - 1)
    if high is not None:
        yield _array(contains=value, minContains=high + 1)


def _unique(value: Any, schema: dict[str, Any]) -> Iterator[Alternative]:
    if value:
        yield _array(minItems=2, **{REPEAT: True})


def _one_of(value: Any, schema: dict[str, Any]) -> Iterator[Alternative]:
    yield [_not(inner) for inner in value]
    for pair in list(combinations(value, 2))[:28]:
        yield list(pair)


def _if(value: Any, schema: dict[str, Any]) -> Iterator[Alternative]:
    if "then" in schema:
        yield [value, _not(schema["then"])]
    if "else" in schema:
        yield [_not(value), _not(schema["else"])]


_BREAKERS: dict[str, Callable[[Any, dict[str, Any]], Iterator[Alternative]]] = {
    "type": _type,
    TYPES: lambda value, _: iter([[{TYPES: tuple(kind for kind in KINDS if kind not in value)}]]),
    UNLIKE: lambda value, _: iter([[value]]),
    "const": lambda value, _: iter([[{UNLIKE: {"const": value}}]]),
    "enum": lambda value, _: iter([[{UNLIKE: {"enum": value}}]]),
    "minimum": lambda value, _: iter([_number(exclusiveMaximum=value)]),
    "maximum": lambda value, _: iter([_number(exclusiveMinimum=value)]),
    "exclusiveMinimum": lambda value, schema: _exclusive(value, schema, True),
    "exclusiveMaximum": lambda value, schema: _exclusive(value, schema, False),
    "multipleOf": lambda value, _: iter([_number(**{UNLIKE: {"multipleOf": value}})]),
    "pattern": lambda value, _: iter([[{"type": "string", UNLIKE: {"pattern": value}}]]),
    "format": lambda value, _: iter([[{"type": "string", UNLIKE: {"format": value}}]]),
    "required": _required,
    "properties": _properties,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional,
    "propertyNames": _names,
    "unevaluatedProperties": _unevaluated,
    "unevaluatedItems": _unevaluated_items,
    "dependentRequired": _dependencies,
    "dependentSchemas": _dependencies,
    "dependencies": _dependencies,
    "prefixItems": lambda value, schema: _items(value, schema) if "items" not in schema else iter(()),
    "items": _items,
    "contains": _contains,
    "uniqueItems": _unique,
    "allOf": lambda value, _: iter([[_not(inner)] for inner in value]),
    "anyOf": lambda value, _: iter([[_not(inner) for inner in value]]),
    "oneOf": _one_of,
    "not": lambda value, _: iter([[value]]),
    "if": _if,
} | {
    word: _length(word) for word in ["minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"]
}
