"""Kinds and equality of JSON values, as JSON Schema sees them."""

from __future__ import annotations

from typing import Any


def kind(value: Any) -> str:
    """The kind of a JSON value; 1.0 is an integer, as JSON Schema has it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, str):
        return "string"
    if isinstance(value, list | tuple):
        return "array"
    if isinstance(value, dict):
        return "object"
    return "integer" if value == int(value) else "fraction"


def same(left: Any, right: Any) -> bool:
    """Equality of JSON values: 1 equals 1.0, and neither equals true."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[name], right[name]) for name in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return bool(left == right)


def common(left: list[Any], right: list[Any]) -> list[Any]:
    """The values in both lists, in the order of the first."""
    return [value for value in left if any(same(value, other) for other in right)]
