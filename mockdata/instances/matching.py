"""A parsed ECMA-262 pattern as a Python matcher, for checking what was generated."""

from __future__ import annotations

import re
from typing import Any

from mockdata.instances.ecma import (
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


_SHORT = re.compile(r"[A-Z][a-z]?|Han|Latin|Greek|Cyrillic|Hiragana|Katakana|Hangul|Arabic|Hebrew|Thai")
RE2_REPEAT = 1000
"""RE2 refuses a higher repetition count."""


def re2(syntax: Syntax) -> str | None:
    """The same pattern for RE2 (DuckDB's `regexp_matches`), None when RE2 cannot say it."""
    text = _re2(syntax.root)
    if text is None:
        return None
    return f"(?i){text}" if syntax.ignore_case else text


def _re2(node: Node) -> str | None:
    match node:
        case Chars():
            return _re2_chars(node)
        case Seq(parts):
            return _joined([_re2(part) for part in parts], "")
        case Alt(options):
            inner = _joined([_re2(option) for option in options], "|")
            return None if inner is None else f"(?:{inner})"
        case Repeat(part, low, high, _):
            inner = _re2(part)
            if inner is None or max(low, high or 0) > RE2_REPEAT:
                return None
            return f"(?:{inner}){{{low},{'' if high is None else high}}}"
        case Group(part, _):
            inner = _re2(part)
            return None if inner is None else f"(?:{inner})"
        case Mark(kind):
            return {"start": r"\A", "end": r"\z", "word": r"\b", "notword": r"\B"}[kind]
        case Look() | Back():
            return None


def _re2_chars(node: Chars) -> str | None:
    if any(not _SHORT.fullmatch(name) for name, _ in node.properties):
        return None
    if not node.ranges and not node.properties:
        return r"[\x{0}-\x{10FFFF}]" if node.negated else None
    body = "".join(rf"\x{{{low:X}}}-\x{{{high:X}}}" for low, high in node.ranges)
    body += "".join(rf"\{'P' if negated else 'p'}{{{name}}}" for name, negated in node.properties)
    return f"[{'^' if node.negated else ''}{body}]"


def _joined(parts: list[str | None], glue: str) -> str | None:
    return None if any(part is None for part in parts) else glue.join(part or "" for part in parts)
