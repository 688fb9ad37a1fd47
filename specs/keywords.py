"""The plain (not schema-valued) keywords of JSON Schema: what their value must be, and what to make of
others."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from specs.patterns import TOO_LARGE, portable, weight
from specs.sources import Node, kind_of

DROP: Any = object()
"""What a cleaner returns for a value that cannot be kept."""

_MOST_PATTERNS = 200_000_000
"""The weight of all patterns of a document together: some seconds of compiling."""

TYPES = ("string", "number", "integer", "boolean", "object", "array", "null")

# What authors write where a type belongs, and the type and format they mean.
_MEANT: Mapping[str, tuple[str, str | None]] = {
    "str": ("string", None), "text": ("string", None), "char": ("string", None), "enum": ("string", None),
    "uuid": ("string", "uuid"), "date": ("string", "date"), "datetime": ("string", "date-time"),
    "date-time": ("string", "date-time"), "timestamp": ("string", "date-time"), "byte": ("string", "byte"),
    "file": ("string", "binary"), "binary": ("string", "binary"), "int": ("integer", None),
    "int32": ("integer", "int32"), "int64": ("integer", "int64"), "long": ("integer", "int64"),
    "short": ("integer", None), "bigint": ("integer", None), "float": ("number", "float"),
    "double": ("number", "double"), "decimal": ("number", None), "numeric": ("number", None),
    "bool": ("boolean", None), "list": ("array", None), "map": ("object", None), "dict": ("object", None),
    "json": ("object", None), "none": ("null", None),
}  # fmt: skip


def types(node: Node, file_is_known: bool) -> tuple[list[str], str | None]:
    """The types a `type` value means, and the format it implies; ([], None) when it says nothing usable."""
    written = node.value if isinstance(node.value, list) else [node.value]
    found: list[str] = []
    implied: str | None = None
    for word in written:
        name = word if isinstance(word, str) else "null" if word is None else ""
        meant, form = (name, None) if name in TYPES else _MEANT.get(name.strip().lower(), (name.strip().lower(), None))
        if meant not in TYPES:
            if meant != "any":
                refuse(node, f"{word!r} is not a type", f"one of {', '.join(TYPES)}")
            return [], None
        if meant != word and not (name == "file" and file_is_known):
            node.report("loose-type", f"{word!r} is not a type; read as {meant}", f"write type: {meant}")
        implied = implied or form
        if meant not in found:
            found.append(meant)
    if not found:
        refuse(node, "the list of types is empty", "name at least one")
    return found, implied


def number(node: Node) -> Any:
    """A finite number; a numeric string counts."""
    value = node.value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if isinstance(value, str):
        try:
            read = float(value)
        except ValueError:
            read = math.nan
        if math.isfinite(read):
            node.report("loose-type", f"the number {value!r} is in quotes", "remove the quotes")
            return int(read) if read.is_integer() and abs(read) < 2**53 else read
    return refuse(node, f"{kind_of(value)} where a number belongs")


def _positive(node: Node) -> Any:
    value = number(node)
    return value if value is DROP or value > 0 else refuse(node, f"{value} is not above zero")


def _count(node: Node) -> Any:
    value = number(node)
    if value is DROP:
        return DROP
    if value < 0 or value != int(value):
        return refuse(node, f"{value} is not a whole number from zero up")
    return int(value)


def boolean(node: Node) -> Any:
    """A boolean; "true" and "false" count."""
    value = node.value
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in {"true", "false"}:
        node.report("loose-type", f"the boolean {value!r} is in quotes", "remove the quotes")
        return value.strip().lower() == "true"
    return refuse(node, f"{kind_of(value)} where a boolean belongs")


def _string(node: Node) -> Any:
    value = node.value
    if isinstance(value, str):
        return value
    if isinstance(value, int | float):  # a title such as 2024
        return str(value)
    return DROP if value is None else refuse(node, f"{kind_of(value)} where a string belongs")


def _pattern(node: Node) -> Any:
    if not isinstance(node.value, str):
        return refuse(node, f"{kind_of(node.value)} where a pattern belongs")
    node.sources.pattern_weight += weight(node.value)
    made, problem = portable(node.value) if node.sources.pattern_weight < _MOST_PATTERNS else (None, TOO_LARGE)
    if problem:
        fate = "removed" if made is None else f"read as {made!r}"
        shown = node.value if len(node.value) <= 80 else node.value[:77] + "…"
        heavy = problem == TOO_LARGE
        hint = "say how long with minLength and maxLength" if heavy else "write it as ECMA-262 has it"
        told = f"the pattern {shown!r}: {problem}; {fate}"
        node.report(
            "heavy-pattern" if heavy else "invalid-pattern", told if len(told) < 400 else told[:399] + "…", hint
        )
    return DROP if made is None else made


def _required(node: Node) -> Any:
    value = node.value
    if isinstance(value, bool) or (isinstance(value, str) and value.lower() in {"true", "false"}):
        node.report(
            "boolean-required",
            f"required: {str(value).lower()} stands beside the schema of one field; ignored",
            "list the field's name in `required` of the object around it",
        )
        return DROP
    if isinstance(value, str):
        node.report("loose-type", f"required is one string, not a list; read as [{value!r}]", "make it a list")
        return [value]
    if not isinstance(value, list):
        return DROP if value is None else refuse(node, f"{kind_of(value)} where a list of names belongs")
    names = [name for name in value if isinstance(name, str)]
    if len(names) != len(value):
        refuse(node, "`required` holds something that is not a name")
    return list(dict.fromkeys(names)) or DROP


def _enum(node: Node) -> Any:
    value = node.value
    if isinstance(value, list):
        if not value:
            return refuse(node, "the enum is empty: nothing could be valid", "list the values or remove it")
        return value
    if isinstance(value, dict):  # {code: meaning}
        node.report("loose-type", "the enum is a mapping; its keys are taken", "make it a list")
        return list(value) or DROP
    if value is None:
        return DROP
    node.report("loose-type", "the enum is one value, not a list", "make it a list")
    return [value]


def _examples(node: Node) -> Any:
    value = node.value
    if isinstance(value, list):
        return value
    if isinstance(value, dict):  # the form media types have: {name: {value: …}}
        shaped = [part["value"] if isinstance(part, dict) and "value" in part else part for part in value.values()]
        node.report("loose-type", "the examples of a schema are a mapping; its values are taken", "make it a list")
        return shaped or DROP
    return DROP if value is None else [value]


def _name_lists(node: Node) -> Any:
    if not isinstance(node.value, dict):
        return refuse(node, f"{kind_of(node.value)} where a mapping belongs")
    kept = {
        key: list(dict.fromkeys(name for name in names if isinstance(name, str)))
        for key, names in node.value.items()
        if isinstance(names, list)
    }
    return kept or DROP


def refuse(node: Node, problem: str, hint: str = "") -> Any:
    """Report a keyword that cannot be kept; returns DROP."""
    word = node.pointer.rsplit("/", 1)[-1]
    node.report("invalid-schema", f"{word}: {problem}; ignored", hint)
    return DROP


CLEANERS: Mapping[str, Callable[[Node], Any]] = {
    **dict.fromkeys(("maximum", "minimum"), number),
    **dict.fromkeys(("maxLength", "minLength", "maxItems", "minItems", "maxProperties", "minProperties"), _count),
    **dict.fromkeys(("maxContains", "minContains"), _count),
    **dict.fromkeys(("uniqueItems", "readOnly", "writeOnly", "deprecated"), boolean),
    **dict.fromkeys(("title", "description", "format", "$comment", "contentEncoding", "contentMediaType"), _string),
    "multipleOf": _positive,
    "pattern": _pattern,
    "required": _required,
    "enum": _enum,
    "examples": _examples,
    "dependentRequired": _name_lists,
}
