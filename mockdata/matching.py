"""A parsed ECMA-262 pattern as a Python matcher, for checking what was generated."""

from __future__ import annotations

import re
from typing import Any

from mockdata.ecma import (
    Alt,
    Back,
    Chars,
    Group,
    Look,
    Mark,
    Node,
    Repeat,
    Seq,
    Syntax,
    Unsupported,
    property_engine,
)  # fmt: skip


def _python_chars(node: Chars) -> str:
    if not node.ranges and not node.properties:
        return r"[\s\S]" if node.negated else r"(?!)"
    body = "".join(rf"\U{low:08x}-\U{high:08x}" for low, high in node.ranges)
    body += "".join(rf"\{'P' if negated else 'p'}{{{name}}}" for name, negated in node.properties)
    return f"[{'^' if node.negated else ''}{body}]"


def _python(node: Node) -> str:
    match node:
        case Chars():
            return _python_chars(node)
        case Seq(parts):
            return "".join(_python(part) for part in parts)
        case Alt(options):
            return "(?:" + "|".join(_python(option) for option in options) + ")"
        case Repeat(inner, low, high, lazy):
            upper = "" if high is None else str(high)
            return f"(?:{_python(inner)}){{{low},{upper}}}{'?' if lazy else ''}"
        case Group(inner, _):
            return f"({_python(inner)})"
        case Look(inner, ahead, negated):
            return f"(?{'' if ahead else '<'}{'!' if negated else '='}{_python(inner)})"
        case Back(number):
            return rf"(?:\{number})"
        case Mark(kind):
            return {"start": r"\A", "end": r"\Z", "word": r"\b", "notword": r"\B"}[kind]


def _has_properties(node: Node) -> bool:
    match node:
        case Chars(_, properties, _):
            return bool(properties)
        case Seq(nodes) | Alt(nodes):
            return any(_has_properties(inner) for inner in nodes)
        case Repeat(inner) | Group(inner) | Look(inner):
            return _has_properties(inner)
        case _:
            return False


def matcher(syntax: Syntax) -> re.Pattern[str]:
    """A compiled Python pattern with the same meaning, to be used with `search`.

    With Unicode properties in it the pattern is compiled by the `regex` package, whose interface is the same.
    Raises Unsupported when Python refuses the pattern (a look-behind of variable width, for example).
    """
    text = _python(syntax.root)
    engine: Any = re
    if _has_properties(syntax.root):
        engine = property_engine()
    flags = engine.ASCII if engine is re else engine.V1
    if syntax.ignore_case:
        flags |= engine.IGNORECASE
    try:
        compiled: re.Pattern[str] = engine.compile(text, flags)
    except (re.error, engine.error, OverflowError) as error:
        raise Unsupported(syntax.pattern, str(error)) from error
    return compiled
