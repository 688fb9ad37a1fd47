"""A form from a matter's request schema: the matter's interface is one, so one form serves all of its apps."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from specs import elements

Text = Mapping[str, str]
Names = Mapping[str, Text]

CLOCK = "^([01][0-9]|2[0-3]):[0-5][0-9]$"
"""How the library writes a time of day; browsers have an input of their own for it."""
VALUES = {"zh_CN": re.compile(r"取值：(.*)$", re.DOTALL), "en": re.compile(r"Values: (.*)$", re.DOTALL)}
"""Descriptions of the library end with the words of short code lists: ``取值：1 男性；2 女性。``"""


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
    help: Text = field(default_factory=dict)
    limits: Mapping[str, int] = field(default_factory=dict)


def fields(
    schema: Mapping[str, Any], root: Mapping[str, Any], pointer: str = "", names: Names | None = None
) -> tuple[Field, ...]:
    """Fields of an object schema; ``root`` holds ``$defs``, ``names`` words of codes no element knows.

    Lists of codes become boxes to tick; other arrays and alternatives are left to programs.
    """
    schema = _resolved(schema, root)
    wanted = set(schema.get("required", ()))
    made = []
    for name, part in schema.get("properties", {}).items():
        part = _resolved(part, root)
        place = f"{pointer}/{name}"
        kind = part.get("type", "string")
        kind = next((k for k in kind if k != "null"), "string") if isinstance(kind, list) else kind
        title, told = _texts(part, "title", name), _texts(part, "description", "")
        if kind == "object":
            inner = fields(part, root, place, names)
            made.append(Field(place, title, name in wanted, kind, children=inner, help=told))
            continue
        coded = _resolved(part.get("items", {}), root) if kind == "array" else part
        choices = _choices(coded, kind, names or {})
        if kind == "array" and not choices:
            continue
        if choices:
            title = {"zh_CN": title["zh_CN"].removesuffix("代码"), "en": title["en"].removesuffix(" code")}
            told = {language: VALUES[language].sub("", words).strip() for language, words in told.items()}
        shown = _input(part, kind)
        made.append(
            Field(
                place,
                title,
                name in wanted,
                kind,
                shown,
                part.get("pattern", ""),
                choices,
                # a browser's own date and time inputs explain themselves
                help={} if shown in {"date", "time"} else told,
                limits={html: part[word] for word, html in LIMITS.items() if isinstance(part.get(word), int)},
            )
        )
    return tuple(made)


LIMITS = {"minLength": "minlength", "maxLength": "maxlength", "minimum": "min", "maximum": "max"}


def body(shown: tuple[Field, ...], given: Mapping[str, str]) -> dict[str, Any]:
    """The JSON body of what a person typed; empty optional inputs are left out, empty groups too.

    Ticked boxes of a list arrive as one text with commas; an empty text is an empty list, no text at all no list.
    """
    result: dict[str, Any] = {}
    for item in shown:
        name = item.pointer.rsplit("/", 1)[1]
        if item.children:
            inner = body(item.children, given)
            if inner or item.required:
                result[name] = inner
        elif item.kind == "array":
            if item.pointer in given:
                result[name] = [value for value in given[item.pointer].split(",") if value]
        elif (typed := given.get(item.pointer, "").strip()) != "":
            result[name] = _typed(item.kind, typed)
    return result


def titles(shown: tuple[Field, ...], within: Text | None = None) -> dict[str, Text]:
    """Pointer → title of every input, with the title of its group before it."""
    found: dict[str, Text] = {}
    for item in shown:
        title = {code: f"{within[code]} · {words}" if within else words for code, words in item.title.items()}
        found[item.pointer] = title
        found |= titles(item.children, title)
    return found


def _typed(kind: str, typed: str) -> Any:
    try:
        if kind == "integer":
            return int(typed)
        if kind == "number":
            return float(typed)
    except ValueError:
        return typed  # the app's own check names what is wrong with it
    return typed == "true" if kind == "boolean" else typed


def _texts(part: Mapping[str, Any], word: str, otherwise: str) -> Text:
    chinese = str(part.get(word, otherwise))
    return {"zh_CN": chinese, "en": str(part.get("x-en", {}).get(word, chinese))}


def _resolved(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    for _ in range(32):
        reference = schema.get("$ref")
        if not isinstance(reference, str):
            return schema
        schema = root.get("$defs", {}).get(reference.rsplit("/", 1)[1], {})
    return {}


def _input(part: Mapping[str, Any], kind: str) -> str:
    if kind in {"integer", "number"}:
        return "number"
    if part.get("pattern") == CLOCK:
        return "time"
    if part.get("x-element") == "LXDH":
        return "tel"
    return {"date": "date", "email": "email"}.get(part.get("format", ""), "text")


def _choices(part: Mapping[str, Any], kind: str, names: Names) -> tuple[tuple[Any, Text], ...]:
    if kind == "boolean":
        return (("true", {"zh_CN": "是", "en": "yes"}), ("false", {"zh_CN": "否", "en": "no"}))
    element = elements.dictionary().get(str(part.get("x-element", "")))
    words: dict[str, Text] = {**_described(part), **names}
    words |= (element.codes if element and element.codes else {}) | part.get("x-codes", {})
    return tuple(
        (value, words.get(str(value), {"zh_CN": str(value), "en": str(value)})) for value in part.get("enum", ())
    )


def _described(part: Mapping[str, Any]) -> dict[str, Text]:
    told = _texts(part, "description", "")
    found: dict[str, dict[str, str]] = {}
    for language, pattern in VALUES.items():
        if listed := pattern.search(told[language]):
            for one in re.split(r"[；;]", listed[1].strip().rstrip("。.")):
                value, _, word = one.strip().partition(" ")
                found.setdefault(value, {"zh_CN": value, "en": value})[language] = word or value
    return dict(found)
