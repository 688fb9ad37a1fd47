"""JSON values inside Arazzo: pointers into them, their text, and whether two are equal."""

from __future__ import annotations

import json
import math
import re
from typing import Any

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")


class Missing(LookupError):
    """There is nothing at a place; the message says where the way ended."""


class TextBody(str):
    """A body that is no JSON: text to quote and to match, but nothing to point into."""


def at(value: Any, pointer: str) -> Any:
    """What an RFC 6901 pointer leads to. Raises `Missing`; a text body has no inside."""
    if isinstance(value, TextBody) and pointer:
        raise Missing("the body is no JSON")
    walked = ""
    for token in pointer.split("/")[1:]:
        name = token.replace("~1", "/").replace("~0", "~")
        value = member(value, int(name) if isinstance(value, list) and _INDEX.fullmatch(name) else name, walked)
        walked += f"/{token}"
    return value


def member(value: Any, key: str | int, where: str = "") -> Any:
    """One member of an object or item of an array. Raises `Missing`."""
    if isinstance(key, str) and isinstance(value, dict) and key in value:
        return value[key]
    if isinstance(key, int) and isinstance(value, list) and 0 <= key < len(value):
        return value[key]
    raise Missing(f"there is no {key!r} {f'at {where}' if where else 'in it'}")


def number(value: Any) -> int | float | None:
    """A number, or a string that is written as JSON writes numbers ("007" and "1_0" are none); else None."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    if isinstance(value, TextBody) or not isinstance(value, str) or len(value) > 400 or not _NUMBER.fullmatch(value):
        return None
    made = float(value) if re.search(r"[.eE]", value) else int(value)
    return made if math.isfinite(made) else None


def text(value: Any) -> str:
    """A value inside a string: scalars as their JSON text without quotes, objects and arrays as JSON (RFC 8259)."""
    if isinstance(value, str):
        return str(value)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def same(one: Any, other: Any) -> bool:
    """Deep JSON equality: 1 and 1.0 are equal, 1 and true are not, strings count letter for letter."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def shown(value: Any, longest: int = 200) -> str:
    """A value for people: JSON, cut."""
    told = json.dumps(value, ensure_ascii=False)
    return told if len(told) <= longest else f"{told[:longest]}…"


def kind(value: Any) -> str:
    """What a value is, in words."""
    names = {bool: "a boolean", str: "a string", TextBody: "text", dict: "an object", list: "an array"}
    return "null" if value is None else names.get(type(value), "a number")
