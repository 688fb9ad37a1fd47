"""Rows of an interface page: which fields an operation answers with, what they mean and how sensitive they are."""

from __future__ import annotations

from typing import Any

from specs.model import Interface, Operation

Row = tuple[str, dict[str, str], str | None, str | None]


def answered(spec: Interface, operation: Operation) -> list[Row]:
    """Top-level fields of the first success answer: name, titles, element, sensitivity. Empty when it is no object."""
    for response in operation.responses:
        if not response.status.startswith("2"):
            continue
        for content in response.contents:
            schema = _object(spec.standalone(content.schema)) if content.schema else None
            if schema is not None:
                return [_row(name, part) for name, part in schema.items()]
    return []


def _object(schema: dict[str, Any]) -> dict[str, Any] | None:
    definitions = schema.get("$defs", {})
    part: Any = schema
    for _ in range(16):
        if not isinstance(part, dict):
            return None
        if isinstance(part.get("properties"), dict):
            return {name: _follow(value, definitions) for name, value in part["properties"].items()}
        if "$ref" in part:
            part = definitions.get(str(part["$ref"]).rsplit("/", 1)[1])
        elif part.get("type") == "array":
            part = part.get("items")
        else:
            return None
    return None


def _follow(part: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    for _ in range(16):
        if not isinstance(part, dict) or "$ref" not in part:
            break
        # keywords beside $ref (a title, an element) overrule those of its target
        beside = {key: value for key, value in part.items() if key != "$ref"}
        part = {**definitions.get(str(part["$ref"]).rsplit("/", 1)[1], {}), **beside}
    return part if isinstance(part, dict) else {}


def _row(name: str, part: dict[str, Any]) -> Row:
    english = part.get("x-en") if isinstance(part.get("x-en"), dict) else {}
    title = str(part.get("title") or part.get("description") or "")
    return (
        name,
        {"zh_CN": title, "en": str((english or {}).get("title", title))},
        part.get("x-element"),
        part.get("x-sensitivity"),
    )
