"""Fields as rows of a reference table: nested ones under dotted names, types and limits in a few words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from specs.exporters.blocks import Cell, Mono
from specs.exporters.labels import LABELS, LEVELS
from specs.model import Field, Interface
from specs.schema import Schema
from specs.words import Text

FIELD_COLUMNS = tuple(LABELS[word] for word in ("field", "type", "element", "sensitivity", "presence", "meaning"))
MAX_DEPTH, MAX_ROWS, MAX_VALUES = 4, 200, 12
_KINDS: dict[str, Text] = {
    "string": {"zh_CN": "字符串", "en": "string"},
    "integer": {"zh_CN": "整数", "en": "integer"},
    "number": {"zh_CN": "数值", "en": "number"},
    "boolean": {"zh_CN": "布尔", "en": "boolean"},
    "object": {"zh_CN": "对象", "en": "object"},
    "array": {"zh_CN": "列表", "en": "list"},
    "null": {"zh_CN": "空", "en": "null"},
}
_FORMATS: dict[str, Text] = {
    "date": {"zh_CN": "日期", "en": "date"},
    "date-time": {"zh_CN": "日期时间", "en": "date and time"},
    "time": {"zh_CN": "时间", "en": "time"},
}


def field_rows(interface: Interface, fields: Sequence[Field]) -> tuple[tuple[Cell, ...], ...]:
    """One row a field, nested fields after the one they belong to; at most 200 rows."""
    rows: list[tuple[Cell, ...]] = []
    for row in _rows(interface, fields, "", 0):
        if len(rows) == MAX_ROWS:
            rows.append((LABELS["more"], Mono("…"), Mono(""), Mono(""), Mono(""), Mono("")))
            break
        rows.append(row)
    return tuple(rows)


def _rows(interface: Interface, fields: Sequence[Field], prefix: str, depth: int) -> Iterator[tuple[Cell, ...]]:
    for field in fields:
        schema = interface.resolve(field.schema)
        name = f"{prefix}{field.name}"
        yield (
            Mono(name),
            type_words(interface, schema),
            element_words(field.element),
            LEVELS.get(field.sensitivity or "") or Mono(field.sensitivity or ""),
            LABELS["key" if field.key else "required" if field.required else "optional"],
            _meaning(field),
        )
        if depth < MAX_DEPTH:
            mark = "[]." if "items" in schema else "."
            yield from _rows(interface, _inside(interface, schema), f"{name}{mark}", depth + 1)


def _inside(interface: Interface, schema: Schema) -> tuple[Field, ...]:
    nested = any(word in schema for word in ("properties", "allOf", "oneOf", "anyOf"))
    items = schema.get("items")
    return interface.fields(schema) if nested or isinstance(items, dict) else ()


def _meaning(field: Field) -> Text:
    """Title and description, in each language."""
    made: dict[str, str] = {}
    for language in dict.fromkeys([*field.title, *field.description]):
        title, description = (text.get(language, "").strip() for text in (field.title, field.description))
        if description.rstrip("。.") == title:
            description = ""
        made[language] = ("：" if language == "zh_CN" else ": ").join(part for part in (title, description) if part)
    return made


def element_words(name: str | None) -> Cell:
    """The element's identifier with what it is called."""
    if not name:
        return Mono("")
    from specs.elements import resolve

    try:
        _, element = resolve(name)
    except KeyError:
        return Mono(name)
    return {language: f"{name} {title}" for language, title in element.title.items()}


def type_words(interface: Interface, schema: Schema) -> Text:
    """Type, lengths, range, values and format of a (resolved) schema in a few words."""
    made: dict[str, str] = {}
    for language in ("zh_CN", "en"):
        parts = [_kind(interface, schema, language), *_limits(schema)]
        made[language] = ("，" if language == "zh_CN" else ", ").join(part for part in parts if part)
    return made


def _kind(interface: Interface, schema: Schema, language: str) -> str:
    if (form := schema.get("format")) in _FORMATS:
        return _FORMATS[str(form)][language]
    named = schema.get("type")
    kinds = [str(one) for one in (named if isinstance(named, list) else [named] if named else [])]
    if not kinds:
        kinds = ["object"] if "properties" in schema or "allOf" in schema else []
    told = [_KINDS.get(kind, {}).get(language, kind) for kind in kinds if kind != "null"]
    items = schema.get("items")
    if "array" in kinds and isinstance(items, dict):
        inner = _kind(interface, interface.resolve(items), language)
        of = {"zh_CN": f"{inner}列表", "en": f"{inner} list"}[language]
        told = [of if one == _KINDS["array"][language] else one for one in told]
    alternatives = (" / " if language == "en" else "或").join(told)
    return f"{alternatives} ({form})".strip() if isinstance(form, str) and form else alternatives


def _limits(schema: Schema) -> Iterator[str]:
    yield _between(schema, "minLength", "maxLength")
    yield _between(schema, "minimum", "maximum")
    yield _between(schema, "minItems", "maxItems")
    if "exclusiveMinimum" in schema:
        yield f"> {schema['exclusiveMinimum']}"
    if "exclusiveMaximum" in schema:
        yield f"< {schema['exclusiveMaximum']}"
    if "multipleOf" in schema:
        yield f"× {schema['multipleOf']}"
    if isinstance(form := schema.get("x-date-format"), str):
        yield form
    if isinstance(values := schema.get("enum"), list):
        values = [value for value in values if value is not None]
        shown = [_shown(value) for value in values[:MAX_VALUES]]
        yield " | ".join(shown) + (" | …" if len(values) > MAX_VALUES else "")
    elif "const" in schema:
        yield f"= {_shown(schema['const'])}"
    elif isinstance(pattern := schema.get("pattern"), str) and len(pattern) <= 80:
        yield pattern


def _between(schema: Schema, low: str, high: str) -> str:
    least, most = schema.get(low), schema.get(high)
    if least is None and most is None:
        return ""
    if least == most:
        return f"{most}"
    return f"{'' if least is None else least}…{'' if most is None else most}"


def _shown(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:39]}…"
