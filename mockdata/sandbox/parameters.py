"""Parameter values out of paths, queries, headers and cookies, in every style of OpenAPI 3.1 ("Style
Values").

A parameter arrives as text; what it means is decided by its schema: the first reading the schema accepts
wins.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import unquote, unquote_plus

from specs.model import Parameter

Pairs = Sequence[tuple[str, str]]
Accepts = Callable[[Any], bool]

_DELIMITERS = {"spaceDelimited": ("%20", "+", " "), "pipeDelimited": ("|", "%7C", "%7c")}
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")


class Shape:
    """What a schema says about the outline of a value: its kinds, its members, its items and how many of
    them.

    `resolve` follows references. Alternatives are united, so the shape is wider than the schema, never
    narrower.
    """

    def __init__(self, schema: Any, resolve: Callable[[dict[str, Any]], dict[str, Any]], depth: int = 0) -> None:
        self.kinds: set[str] = set()
        self.members: dict[str, Any] = {}
        self.others: Any = None
        self.items: Any = None
        self.least = 0
        self.most: int | None = None
        self._resolve = resolve
        self._depth = depth
        self._gather(schema, 0)

    def _gather(self, schema: Any, level: int) -> None:
        if not isinstance(schema, dict) or level > 12:
            return
        schema = self._resolve(schema)
        types = schema.get("type", ())
        self.kinds.update([types] if isinstance(types, str) else types)
        for value in [schema["const"]] if "const" in schema else schema.get("enum", ()):
            self.kinds.add(_kind(value))
        for word in ("allOf", "anyOf", "oneOf"):
            for part in schema.get(word, ()):
                self._gather(part, level + 1)
        if isinstance(schema.get("properties"), dict):
            self.kinds.add("object")
            self.members.update(schema["properties"])
        if isinstance(schema.get("additionalProperties"), dict):
            self.others = schema["additionalProperties"]
        if isinstance(schema.get("items"), dict):
            self.kinds.add("array")
            self.items = schema["items"]
        self.least = max(self.least, int(schema.get("minItems", 0)))
        if "maxItems" in schema:
            self.most = int(schema["maxItems"]) if self.most is None else min(self.most, int(schema["maxItems"]))

    def member(self, name: str) -> Shape:
        """The shape of a member of that name."""
        return Shape(self.members.get(name, self.others), self._resolve, self._depth + 1)

    def item(self) -> Shape:
        """The shape of the items."""
        return Shape(self.items, self._resolve, self._depth + 1)


def _kind(value: Any) -> str:
    names = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return names.get(type(value), "null")


@lru_cache(maxsize=8192)
def _readings(text: str) -> tuple[Any, ...]:
    found: list[Any] = []
    if _INTEGER.fullmatch(text) and len(text) < 400:
        found.append(int(text))
    elif _NUMBER.fullmatch(text):
        found.append(float(text))
    if text in ("true", "false"):
        found.append(text == "true")
    if text in ("null", ""):
        found.append(None)
    return tuple(found)


def scalar(text: str, shape: Shape) -> Any:
    """The reading of a text its schema allows for; the text itself when no other one is."""
    wanted = shape.kinds
    for value in _readings(text):
        kind = _kind(value)
        if kind in wanted or (kind == "integer" and "number" in wanted):
            return value
        if kind == "number" and "integer" in wanted and value == int(value):
            return int(value)
    return text


def listed(texts: Iterable[str], shape: Shape) -> list[Any]:
    """An array of scalars; of objects where they are written as JSON."""
    item = shape.item()
    objects = "object" in item.kinds
    return [from_content(text) if objects and text[:1] == "{" else scalar(text, item) for text in texts]


def mapped(pairs: Iterable[tuple[str, str]], shape: Shape) -> dict[str, Any]:
    """An object of scalars; a member that is an array takes repeated names or commas, one that is an object JSON."""
    out: dict[str, Any] = {}
    for name, text in pairs:
        member = shape.member(name)
        if text[:1] == "{" and "string" not in member.kinds and member.kinds & {"object", "array"}:
            one = from_content(text)
            out[name] = one if "array" not in member.kinds else [*out.get(name, ()), one]
        elif "array" in member.kinds:
            known = out.get(name)
            out[name] = [*(known if isinstance(known, list) else []), *listed(text.split(","), member)]
        else:
            out[name] = scalar(text, member)
    return out


def from_path(parameter: Parameter, raw: str, shape: Shape) -> Any:
    """A path parameter: style simple, label or matrix."""
    text = raw
    if parameter.style == "label" and text.startswith("."):
        text = text[1:]
    elif parameter.style == "matrix" and text.startswith(";"):
        return _matrix(parameter, text[1:], shape)
    delimiter = "." if parameter.style == "label" and parameter.explode else ","
    return _delimited(text, delimiter, parameter.explode, shape, unquote)


def _matrix(parameter: Parameter, text: str, shape: Shape) -> Any:
    pairs = [(unquote(name), value) for name, _, value in (part.partition("=") for part in text.split(";"))]
    if parameter.explode and "object" in shape.kinds:
        return mapped(((name, unquote(value)) for name, value in pairs), shape)
    if parameter.explode and "array" in shape.kinds:
        return listed((unquote(value) for _, value in pairs), shape)
    return _delimited(pairs[0][1], ",", False, shape, unquote)


def _delimited(text: str, delimiter: str, explode: bool, shape: Shape, decode: Callable[[str], str]) -> Any:
    if "array" in shape.kinds and "string" not in shape.kinds:
        return listed(map(decode, text.split(delimiter)), shape) if text else []
    if "object" in shape.kinds and "string" not in shape.kinds:
        parts = text.split(delimiter) if text else []
        if explode:
            halves = [part.partition("=") for part in parts]
            return mapped(((decode(name), decode(value)) for name, _, value in halves), shape)
        return mapped(zip(map(decode, parts[::2]), map(decode, parts[1::2]), strict=False), shape)
    return scalar(decode(text), shape)


def from_text(parameter: Parameter, text: str, shape: Shape) -> Any:
    """A header (style simple) or a cookie (style form)."""
    return _delimited(text.strip(), ",", parameter.explode, shape, lambda part: part.strip())


def from_query(parameter: Parameter, raw: Pairs, shape: Shape) -> tuple[bool, Any]:
    """(whether it is there, its value) of a query parameter: form, spaceDelimited, pipeDelimited, deepObject.

    `raw` are the pairs still percent-encoded.
    """
    pairs = [(unquote_plus(name), value) for name, value in raw]
    if parameter.style == "deepObject":
        return _deep(parameter.name, pairs, shape)
    values = [value for name, value in pairs if name in (parameter.name, f"{parameter.name}[]")]
    if "object" in shape.kinds and parameter.style == "form" and parameter.explode and not values:
        own = [(name, unquote_plus(value)) for name, value in pairs if name in shape.members]
        return bool(own), mapped(own, shape)
    if not values:
        return False, None
    if "array" in shape.kinds and (parameter.explode or len(values) > 1):
        return True, listed(map(unquote_plus, values), shape)
    delimiters = _DELIMITERS.get(parameter.style, (",",))
    text = values[-1]
    for delimiter in delimiters[1:]:
        text = text.replace(delimiter, delimiters[0])
    return True, _delimited(text, delimiters[0], False, shape, unquote_plus)


def _deep(name: str, pairs: Pairs, shape: Shape) -> tuple[bool, Any]:
    """`name[a][b]=1` as nested objects; a repeated name makes an array."""
    found: dict[str, Any] = {}
    for key, raw in pairs:
        if not key.startswith(f"{name}["):
            continue
        text, node, here = unquote_plus(raw), found, shape
        tokens = re.findall(r"\[([^\]]*)\]", key)
        for token in tokens[:-1]:
            inner = node.setdefault(token, {})
            node, here = (inner if isinstance(inner, dict) else {}), here.member(token)
        last = tokens[-1] if tokens else ""
        member = here.member(last)
        if "array" in member.kinds:
            node.setdefault(last, []).append(scalar(text, member.item()))
        else:
            node[last] = scalar(text, member)
    return bool(found), found


def from_content(text: str) -> Any:
    """A parameter that travels as JSON. Text that is no JSON stays text, for the schema to refuse."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def write(value: Any, style: str = "simple", explode: bool = False) -> str:
    """A value as a header's text (style simple)."""
    if isinstance(value, list):
        return ",".join(write(part) for part in value)
    if isinstance(value, Mapping):
        joint = "=" if explode else ","
        return ",".join(f"{name}{joint}{write(part)}" for name, part in value.items())
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
