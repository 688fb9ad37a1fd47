"""How the constraints of single values relate: types, listed values, ranges, lengths, steps, formats, patterns."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

from specs.diff.change import Relation, Side
from specs.diff.witnesses import matches, witnesses

SAME, NARROWER, WIDER, DIFFERENT, UNSURE = (
    Relation.SAME,
    Relation.NARROWER,
    Relation.WIDER,
    Relation.DIFFERENT,
    Relation.UNSURE,
)
ANY = frozenset({"null", "boolean", "integer", "number", "string", "array", "object"})
FORMATS = frozenset(
    {"date", "date-time", "time", "duration", "email", "idn-email", "hostname", "idn-hostname", "ipv4", "ipv6"}
    | {"uri", "uri-reference", "iri", "iri-reference", "uri-template", "uuid", "json-pointer"}
    | {"relative-json-pointer", "regex", "int32", "int64", "float", "double", "byte", "binary"}
)
"""Formats that limit values; any other is a word for people and tools."""
_INSIDE = {("int32", "int64"), ("float", "double"), ("email", "idn-email"), ("hostname", "idn-hostname")} | {
    ("uri", "uri-reference"), ("uri", "iri"), ("uri", "iri-reference"), ("uri-reference", "iri-reference"),
}  # fmt: skip


def combined(relations: Iterable[Relation]) -> Relation:
    """What several constraints together come to."""
    found = set(relations) - {SAME}
    if not found:
        return SAME
    if DIFFERENT in found or {NARROWER, WIDER} <= found:
        return DIFFERENT
    return found.pop() if len(found) == 1 else UNSURE


def sets(old: frozenset[str], new: frozenset[str]) -> Relation:
    """How one set of allowed things relates to another."""
    if old == new:
        return SAME
    if new < old:
        return NARROWER
    return WIDER if old < new else DIFFERENT


def types(old: frozenset[str] | None, new: frozenset[str] | None) -> Relation:
    """Types allowed; None is any. Every integer is a number."""
    return sets(_spread(old), _spread(new))


def _spread(types: frozenset[str] | None) -> frozenset[str]:
    types = ANY if types is None else types
    return types | {"integer"} if "number" in types else types


def values(old: list[Any] | None, new: list[Any] | None) -> tuple[Relation, str]:
    """Values listed one by one; the message names what came and went."""
    if old is None or new is None:
        if old is new:
            return SAME, ""
        return (NARROWER, f"only {_some(new or [])} now") if old is None else (WIDER, "any value now")
    ours, theirs = frozenset(map(_canonical, old)), frozenset(map(_canonical, new))
    gone, come = [v for v in old if _canonical(v) not in theirs], [v for v in new if _canonical(v) not in ours]
    told = [f"without {_some(gone)}"] if gone else []
    return sets(ours, theirs), "; ".join(told + ([f"also {_some(come)}"] if come else []))


def _canonical(value: Any) -> str:
    return json.dumps(int(value) if isinstance(value, float) and value.is_integer() else value, sort_keys=True)


def _some(values: list[Any], limit: int = 5) -> str:
    shown = ", ".join(json.dumps(value, ensure_ascii=False) for value in values[:limit])
    return shown + (f" and {len(values) - limit} more" if len(values) > limit else "")


def bounds(old: Mapping[str, Any], new: Mapping[str, Any], low: str, high: str) -> Relation:
    """A count with a lower and an upper bound (minLength and maxLength, …); an absent one bounds nothing."""
    floor = 1 if low == "minContains" else 0
    lower = _moved(_number(old.get(low), floor), _number(new.get(low), floor), up=NARROWER)
    upper = _moved(_number(old.get(high), math.inf), _number(new.get(high), math.inf), up=WIDER)
    return combined([lower, upper])


def ranges(old: Mapping[str, Any], new: Mapping[str, Any], *, whole: bool) -> Relation:
    """minimum, maximum and their exclusive forms. `whole`: only integers count, so > 0 is >= 1."""
    lower = _moved(_edge(old, "inimum", whole, 1), _edge(new, "inimum", whole, 1), up=NARROWER)
    upper = _moved(_edge(old, "aximum", whole, -1), _edge(new, "aximum", whole, -1), up=WIDER)
    return combined([lower, upper])


def _edge(words: Mapping[str, Any], kind: str, whole: bool, inward: int) -> tuple[float, int]:
    """The tighter of the two forms as (value, step inward that an exclusive bound takes)."""
    initial = -math.inf if inward == 1 else math.inf
    closed = (_number(words.get(f"m{kind}"), initial), 0)
    open_ = (_number(words.get(f"exclusiveM{kind}"), initial), inward)
    if whole and math.isfinite(open_[0]):
        edge = open_[0]
        open_ = ((math.floor(edge) + 1) if inward == 1 else (math.ceil(edge) - 1), 0)
    return max(closed, open_) if inward == 1 else min(closed, open_)


def _number(value: Any, otherwise: float) -> float:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else otherwise


def _moved(old: Any, new: Any, *, up: Relation) -> Relation:
    if old == new:
        return SAME
    down = WIDER if up is NARROWER else NARROWER
    return up if new > old else down


def steps(old: Any, new: Any) -> Relation:
    """multipleOf: a multiple of the old step allows less."""
    if old == new:
        return SAME
    if old is None or new is None:
        return NARROWER if old is None else WIDER
    try:
        ours, theirs = Fraction(str(old)), Fraction(str(new))
        if theirs % ours == 0:
            return NARROWER
        return WIDER if ours % theirs == 0 else DIFFERENT
    except (ValueError, ZeroDivisionError):
        return DIFFERENT


def formats(old: Any, new: Any) -> Relation:
    """Formats that limit values; the others are words."""
    ours, theirs = (word if word in FORMATS else None for word in (old, new))
    if ours == theirs:
        return SAME
    if ours is None or theirs is None:
        return NARROWER if ours is None else WIDER
    if (theirs, ours) in _INSIDE:
        return NARROWER
    return WIDER if (ours, theirs) in _INSIDE else DIFFERENT


def patterns(old: Any, new: Any, side: Side) -> tuple[Relation, str]:
    """Patterns: one that allows every text is none. Two are compared by texts each of them allows.

    A text that only one allows proves that something went or came; that nothing did can be proved of no two patterns,
    so the answer depends on which of the two would break this side.
    """
    ours, theirs = (None if text in _EVERYTHING else text for text in (old, new))
    if ours == theirs:
        return SAME, ""
    if ours is None or theirs is None:
        return (NARROWER, f"only {theirs} now") if ours is None else (WIDER, f"no longer {ours}")
    lost = next((text for text in witnesses(ours) if matches(theirs, text) is False), None)
    won = next((text for text in witnesses(theirs) if matches(ours, text) is False), None)
    told = [f"{lost!r} is no longer allowed"] if lost is not None else []
    told += [f"{won!r} is allowed now"] if won is not None else []
    said = f"{ours} became {theirs}" + (f": {', '.join(told)}" if told else "")
    if lost is not None and won is not None:
        return DIFFERENT, said
    if lost is not None and side is Side.REQUEST:
        return NARROWER, said
    if won is not None and side is Side.RESPONSE:
        return WIDER, said
    return UNSURE, said


_EVERYTHING = frozenset({None, "", ".*", "^.*$", "^", "$", "[\\s\\S]*", "^[\\s\\S]*$"})
