"""One field as a property of a data contract (ODCS 3.1.0), and what a contract has no word for.

The inverse of the reading in `specs.odcs`. Keywords ODCS cannot say (alternatives, conditions, …) stay in the custom
property `jsonSchema`, so that nothing is dropped without a trace.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from specs.entry import LEVELS
from specs.model import Field
from specs.schema import Schema, definition_name
from specs.words import Text, is_chinese

MAX_REFERRED = 500
"""How many named shapes one field of a table may be followed into; beyond, and where a shape would hold itself, the
reference stays as it is."""

_DATES = {"date": "date", "date-time": "timestamp", "time": "time"}
_OPTIONS = {
    "string": ("minLength", "maxLength", "pattern", "format"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    "integer": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    "array": ("minItems", "maxItems", "uniqueItems"),
    "object": ("minProperties", "maxProperties"),
}
_INTEGERS = {"int32": "i32", "int64": "i64"}
_NUMBERS = {"float": "f32", "double": "f64"}
_WIDTHS = ("i8", "i16", "i32", "i64", "i128", "u8", "u16", "u32", "u64", "u128", "f32", "f64")
_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")


def column(field: Field, position: int = 0) -> dict[str, Any]:
    """The field as a property. `position`: its place in the primary key, from 1, 0 when it is not part of it."""
    made = _property(field.name, field.schema, _Walk(field.schema.get("$defs", {}), [MAX_REFERRED]))
    made.pop("required", None)
    words_into(made, field.title, field.description, "businessName")
    if field.required:
        made["required"] = True
    if position:
        made |= {"primaryKey": True, "primaryKeyPosition": position}
    if field.sensitivity in LEVELS:
        made["classification"] = field.sensitivity
    elif field.sensitivity:
        custom(made, "sensitivity", field.sensitivity)
    if field.element:
        made["authoritativeDefinitions"] = [{"type": "element", "url": f"urn:tongban:element:{field.element}"}]
    return made


def words_into(made: dict[str, Any], title: Text, description: Text, title_word: str) -> None:
    """Write title and description: Chinese, or the only language, in the standard's place, English beside it."""
    for text, word, english in ((title, title_word, "title_en"), (description, "description", "description_en")):
        made.pop(word, None)
        first = text.get("zh_CN") or ("" if is_chinese(text.get("en", "")) else text.get("en", ""))
        if first:
            made[word] = first
        if text.get("en") and text["en"] != first:
            custom(made, english, text["en"])


def custom(made: dict[str, Any], name: str, value: Any) -> None:
    """Add a custom property."""
    made.setdefault("customProperties", []).append({"property": name, "value": value})


@dataclass(frozen=True)
class _Walk:
    """Where the writing of one field is: the named shapes around it (`inside`), and how many more may be entered."""

    definitions: Mapping[str, Schema]
    left: list[int]
    inside: frozenset[str] = frozenset()


def _property(name: str | None, schema: Schema, walk: _Walk, nested: bool = False) -> dict[str, Any]:
    schema, walk = _resolved(schema, walk)
    left = {word: value for word, value in schema.items() if word not in _SAID}
    logical = _logical(schema)
    made: dict[str, Any] = {"name": name} if name is not None else {}
    for word, place in (("title", "businessName"), ("description", "description"), ("x-physical-type", "physicalType")):
        if isinstance(schema.get(word), str) and schema[word]:
            made[place] = schema[word]
    if logical:
        made["logicalType"] = logical
        left.pop("type", None)
        if options := _options(schema, logical, left):
            made["logicalTypeOptions"] = options
    if schema.get("x-unique") is True:
        made["unique"] = True
    if isinstance(schema.get("examples"), list):
        made["examples"] = schema["examples"]
    _rules(made, schema, left, name or "items")
    if logical == "object":
        _members(made, schema, walk, left)
    if logical == "array" and isinstance(schema.get("items"), dict):
        made["items"] = _property(None, left.pop("items"), walk, nested=True)
    english = schema.get("x-en")
    for word in ("title", "description"):
        if nested and isinstance(english, dict) and isinstance(english.get(word), str):
            custom(made, f"{word}_en", english[word])
    if left:
        custom(made, "jsonSchema", left)
    return made


_SAID = {"title", "description", "x-en", "x-element", "x-sensitivity", "x-unique", "x-physical-type", "examples",
         "x-quality", "$defs", "x-date-format"}  # fmt: skip


def _resolved(schema: Schema, walk: _Walk) -> tuple[Schema, _Walk]:
    """The schema with leading references and `allOf` taken in; a reference stays where a shape would hold itself."""
    inside = walk.inside
    while True:
        if isinstance(target := schema.get("$ref"), str):
            name = definition_name(target)
            if name in inside or name not in walk.definitions or walk.left[0] <= 0:
                break
            walk.left[0] -= 1
            inside |= {name}
            schema = {**walk.definitions[name], **{word: value for word, value in schema.items() if word != "$ref"}}
        elif isinstance(parts := schema.get("allOf"), list) and (joined := _joined(schema, parts, walk, inside)):
            schema, inside = joined
        else:
            break
    return schema, _Walk(walk.definitions, walk.left, inside)


_JOINED = {"type", "properties", "required", "title", "description", "x-en", "x-element", "x-sensitivity"}


def _joined(
    schema: Schema, parts: list[Any], walk: _Walk, inside: frozenset[str]
) -> tuple[Schema, frozenset[str]] | None:
    """A schema with its `allOf` taken in: a lone part whatever it says, several when they only describe objects."""
    made = {word: value for word, value in schema.items() if word != "allOf"}
    taken = []
    for part in parts:
        if not isinstance(part, dict):
            return None
        whole, reached = _resolved(part, _Walk(walk.definitions, walk.left, inside))
        if "$ref" in whole or (len(parts) > 1 and set(whole) - _JOINED):
            return None
        taken.append(whole)
        inside = reached.inside
    properties: dict[str, Any] = {}
    required: list[str] = []
    for whole in [*taken, made]:
        properties |= whole.get("properties", {})
        required += whole.get("required", ())
    for whole in taken:
        made = {**whole, **made}
    made |= {"properties": properties} if properties else {}
    made |= {"required": list(dict.fromkeys(required))} if required else {}
    return made, inside


def _logical(schema: Schema) -> str:
    named = schema.get("type")
    kinds = [kind for kind in (named if isinstance(named, list) else [named]) if kind not in {None, "null"}]
    if len(kinds) != 1 or not isinstance(kinds[0], str):
        return "object" if isinstance(schema.get("properties"), dict) and not kinds else ""
    if kinds[0] == "string" and isinstance(form := schema.get("x-date-format"), str):
        return "timestamp" if re.search("[yYuM].*[hHm]", form) else "date" if re.search("[yYu]", form) else "time"
    if kinds[0] == "string":
        return _DATES.get(str(schema.get("format")), "string")
    return kinds[0]


def _options(schema: Schema, logical: str, left: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if logical in _DATES.values():
        left.pop("format", None)
        if isinstance(form := schema.get("x-date-format"), str):
            made["format"] = form
            if schema.get("pattern") == f"^[0-9]{{{len(form)}}}$":
                left.pop("pattern")
        return made | {word: str(left.pop(f"x-{word}")) for word in _BOUNDS if f"x-{word}" in left}
    for word in _OPTIONS.get(logical, ()):
        if word in left:
            made[word] = left.pop(word)
    if logical in {"integer", "number"} and "format" in left:
        form = {**_INTEGERS, **_NUMBERS}.get(str(left["format"]), left["format"])
        if form in _WIDTHS and (form[0] == "f") == (logical == "number"):
            made["format"] = form
            left.pop("format")
    return made


def _rules(made: dict[str, Any], schema: Schema, left: dict[str, Any], name: str) -> None:
    """Code values and further rules as quality rules; those that were rules already stay as written."""
    rules = [dict(rule) for rule in schema.get("x-quality", ())]
    said: list[Any] = []
    patterns: list[Any] = []
    for rule in rules:
        arguments = rule.get("arguments")
        if rule.get("metric", rule.get("rule")) == "invalidValues" and isinstance(arguments, dict):
            said += [arguments.get("validValues")]
            patterns += [arguments.get("pattern")]
    values = left.pop("enum", None)
    if values is None and "const" in left:
        values = [left.pop("const")]
    if values is not None and (values := [value for value in values if value is not None]) and values not in said:
        rules.append(invalid_values(name, {"validValues": values}))
    if made.get("logicalType") in _DATES.values() and isinstance(pattern := left.get("pattern"), str):
        left.pop("pattern")
        if pattern not in patterns:
            rules.append(invalid_values(name, {"pattern": pattern}))
    if rules:
        made["quality"] = rules


def invalid_values(name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The library rule that no value lies outside what `arguments` allow."""
    kind = "codes" if "validValues" in arguments else "form"
    id = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-") or "field"
    return {"id": f"{id}-{kind}", "type": "library", "metric": "invalidValues", "arguments": dict(arguments),
            "mustBe": 0, "unit": "rows", "dimension": "conformity", "severity": "error"}  # fmt: skip


def _members(made: dict[str, Any], schema: Schema, walk: _Walk, left: dict[str, Any]) -> None:
    members = schema.get("properties")
    if not isinstance(members, dict):
        return
    left.pop("properties", None)
    required = left.pop("required", ())
    inner = [_property(name, part, walk, nested=True) for name, part in members.items() if isinstance(part, dict)]
    for part in inner:
        if part["name"] in required:
            part["required"] = True
    made["properties"] = inner
