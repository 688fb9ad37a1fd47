"""A form from a matter's request schema: the matter's interface is one, so one form serves all of its apps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Text = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Field:
    """One input, or a group of them (``children``). ``pointer`` is where its value goes in the request body."""

    pointer: str
    title: Text
    required: bool
    kind: str = "string"
    input: str = "text"
    pattern: str = ""
    choices: tuple[tuple[Any, Text], ...] = ()
    children: tuple[Field, ...] = field(default=())


def fields(schema: Mapping[str, Any], root: Mapping[str, Any], pointer: str = "") -> tuple[Field, ...]:
    """Fields of an object schema; ``root`` holds ``$defs``. Arrays and alternatives are left to programs."""
    schema = _resolved(schema, root)
    wanted = set(schema.get("required", ()))
    made = []
    for name, part in schema.get("properties", {}).items():
        part = _resolved(part, root)
        place = f"{pointer}/{name}"
        title = {"zh_CN": part.get("title", name), "en": part.get("x-en", {}).get("title", name)}
        kind = part.get("type", "string")
        kind = next((k for k in kind if k != "null"), "string") if isinstance(kind, list) else kind
        if kind == "object":
            made.append(Field(place, title, name in wanted, kind, children=fields(part, root, place)))
        elif kind != "array":
            made.append(
                Field(
                    place,
                    title,
                    name in wanted,
                    kind,
                    _input(part),
                    part.get("pattern", ""),
                    _choices(part, kind),
                )
            )
    return tuple(made)


def body(shown: tuple[Field, ...], given: Mapping[str, str]) -> dict[str, Any]:
    """The JSON body of what a person typed; empty optional inputs are left out, empty groups too."""
    result: dict[str, Any] = {}
    for item in shown:
        name = item.pointer.rsplit("/", 1)[1]
        if item.children:
            inner = body(item.children, given)
            if inner or item.required:
                result[name] = inner
        elif (typed := given.get(item.pointer, "").strip()) != "":
            result[name] = _typed(item.kind, typed)
    return result


def _typed(kind: str, typed: str) -> Any:
    try:
        if kind == "integer":
            return int(typed)
        if kind == "number":
            return float(typed)
    except ValueError:
        return typed  # the app's own check names what is wrong with it
    return typed == "true" if kind == "boolean" else typed


def _resolved(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    for _ in range(32):
        reference = schema.get("$ref")
        if not isinstance(reference, str):
            return schema
        schema = root.get("$defs", {}).get(reference.rsplit("/", 1)[1], {})
    return {}


def _input(part: Mapping[str, Any]) -> str:
    return {"date": "date", "email": "email"}.get(part.get("format", ""), "text")


def _choices(part: Mapping[str, Any], kind: str) -> tuple[tuple[Any, Text], ...]:
    if kind == "boolean":
        return (("true", {"zh_CN": "是", "en": "yes"}), ("false", {"zh_CN": "否", "en": "no"}))
    names = part.get("x-codes", {})
    return tuple(
        (value, names.get(str(value), {"zh_CN": str(value), "en": str(value)})) for value in part.get("enum", ())
    )
