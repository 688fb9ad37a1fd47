"""How the constraints of single values relate: types, listed values, ranges, lengths, steps, formats, patterns."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

from specs.diff import languages
from specs.diff.change import Relation, Side
from specs.diff.shape import Shape, canonical, json_type, refused
from specs.diff.witnesses import matches, witnesses

SAME, NARROWER, WIDER, DIFFERENT, UNSURE = (
    Relation.SAME,
    Relation.NARROWER,
    Relation.WIDER,
    Relation.DIFFERENT,
    Relation.UNSURE,
)
FORMATS = frozenset(
    {"date", "date-time", "time", "duration", "email", "idn-email", "hostname", "idn-hostname", "ipv4", "ipv6"}
    | {"uri", "uri-reference", "iri", "iri-reference", "uri-template", "uuid", "json-pointer"}
    | {"relative-json-pointer", "regex", "binary"}
)
"""Formats that limit texts; any other is a word for people and tools."""
_BITS = (8, 16, 32, 64, 128)
_NUMERIC = {
    **{f"{word}{bits}": (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) for word in ("int", "i") for bits in _BITS},
    **{f"{word}{bits}": (0, 2**bits - 1) for word in ("uint", "u") for bits in _BITS},
    "float": (-(2**128), 2**128), "f32": (-(2**128), 2**128),
    "double": (-(2**1024), 2**1024), "f64": (-(2**1024), 2**1024),
}  # fmt: skip
"""Formats of numbers → the least and greatest of their values."""
_REALS = {"float", "f32", "double", "f64"}
_INSIDE = {
    ("email", "idn-email"), ("hostname", "idn-hostname"), ("uri", "uri-reference"), ("uri", "iri"),
    ("uri", "iri-reference"), ("uri-reference", "iri-reference"),
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


def types(old: frozenset[str], new: frozenset[str]) -> Relation:
    """JSON types allowed; every integer is a number."""
    return sets(old, new)


def finite(old: Shape, new: Shape) -> tuple[Relation | None, bool, str]:
    """Values listed one by one, on one side at least: (relation, whether that settles what scalars are allowed, what
    came and went). None: neither side lists its values."""
    if old.values is not None and new.values is not None:
        ours, theirs = ({canonical(value): value for value in one.values or ()} for one in (old, new))
        lost, won = ([many[key] for key in many if key not in few] for many, few in ((ours, theirs), (theirs, ours)))
        told = [f"without {_some(lost)}"] * bool(lost) + [f"also {_some(won)}"] * bool(won)
        return sets(frozenset(ours), frozenset(theirs)), True, "; ".join(told)
    few, open_ = (old, new) if old.values is not None else (new, old)
    if few.values is None:
        return None, False, ""
    admitted = [admits(open_, value) for value in few.values]
    strange = [value for value, fits in zip(few.values, admitted, strict=True) if fits is False]
    said = "any value now" if few is old else f"only {_some(few.values)} now"
    if strange:
        gone = f"without {_some(strange)}, but others"
        return DIFFERENT, True, gone if few is old else f"{said}; {_some(strange)} is new"
    return WIDER if few is old else NARROWER, None not in admitted, said


def admits(shape: Shape, value: Any) -> bool | None:
    """Whether a shape allows a scalar value; None when that is not told by plain keywords."""
    words, kind = shape.words, json_type(value)
    if kind not in shape.types:
        return False
    if kind in ("null", "boolean"):
        return True if not shape.words.keys() & _COMPOSED and not shape.rest else None
    if kind in ("array", "object") or words.keys() & _COMPOSED or shape.rest:
        return None
    if refused(words, value):
        return False
    if kind != "string":
        return True
    told = "pattern" not in words or matches(words["pattern"], value) is not None
    return True if told and words.get("format") not in FORMATS and "contentEncoding" not in words else None


_COMPOSED = {"oneOf", "anyOf", "not", "if"}


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


def lengths(old: Mapping[str, Any], new: Mapping[str, Any]) -> Relation:
    """minLength and maxLength; a bound that the pattern beside it implies already changes nothing."""
    ours, theirs = (
        (_number(words.get("minLength"), 0), _number(words.get("maxLength"), math.inf)) for words in (old, new)
    )
    if ours == theirs:
        return SAME
    implied = [languages.lengths(words["pattern"]) if "pattern" in words else (0, math.inf) for words in (old, new)]
    before, after = (
        (max(written[0], by[0]), min(written[1], by[1])) for written, by in zip((ours, theirs), implied, strict=True)
    )
    narrower = theirs[0] > before[0] or theirs[1] < before[1]
    wider = after[0] < ours[0] or after[1] > ours[1]
    return combined([NARROWER] * narrower + [WIDER] * wider)


def steps(old: Any, new: Any, *, whole: bool = False) -> Relation:
    """multipleOf: a multiple of the old step allows less. `whole`: only integers count, so a step of 1 says nothing."""
    try:
        ours, theirs = (None if one is None else Fraction(str(one)) for one in (old, new))
        if whole:
            ours, theirs = (None if one is None else _whole_step(one) for one in (ours, theirs))
        if ours == theirs:
            return SAME
        if ours is None or theirs is None:
            return NARROWER if ours is None else WIDER
        if theirs % ours == 0:
            return NARROWER
        return WIDER if ours % theirs == 0 else DIFFERENT
    except (ValueError, ZeroDivisionError, OverflowError):
        return SAME if old == new else UNSURE


def _whole_step(step: Fraction) -> Fraction | None:
    """The step of the integers among the multiples: n of n/m in lowest terms."""
    return None if step.numerator == 1 else Fraction(step.numerator)


def formats(old: Any, new: Any, common: frozenset[str]) -> Relation:
    """Formats that limit values of a type both have; the others are words."""
    known = FORMATS if "string" in common else frozenset[str]()
    known |= _NUMERIC.keys() if "integer" in common else set()
    ours, theirs = (word if word in known else None for word in (old, new))
    if ours == theirs:
        return SAME
    if ours in _NUMERIC and theirs in _NUMERIC:
        return _numeric(ours, theirs)
    if ours is None or theirs is None:
        return NARROWER if ours is None else WIDER
    if (theirs, ours) in _INSIDE:
        return NARROWER
    return WIDER if (ours, theirs) in _INSIDE else DIFFERENT


def _numeric(old: str, new: str) -> Relation:
    """By the numbers they reach; fractions are told by floating point alone."""
    ours, theirs = ((*_NUMERIC[one], one in _REALS) for one in (old, new))
    narrower = theirs[0] > ours[0] or theirs[1] < ours[1] or theirs[2] < ours[2]
    wider = theirs[0] < ours[0] or theirs[1] > ours[1] or theirs[2] > ours[2]
    return combined([NARROWER] * narrower + [WIDER] * wider)


def patterns(old: Mapping[str, Any], new: Mapping[str, Any], side: Side) -> tuple[Relation, str]:
    """Patterns: one that allows every text is none. Plain expressions are decided; others are compared by texts each of
    them allows: a text that only one allows proves that something went or came, and nothing proves that nothing did."""
    ours, theirs = (None if (text := words.get("pattern")) in _EVERYTHING else text for words in (old, new))
    if ours == theirs:
        return SAME, ""
    if ours is None or theirs is None:
        said = f"only {theirs} now" if ours is None else f"no longer {ours}"
        return _came_or_went(old, new, ours, theirs), said
    (sure_lost, lost), (sure_won, won) = languages.surplus(ours, theirs), languages.surplus(theirs, ours)
    if not sure_lost:
        lost = next((text for text in witnesses(ours) if matches(theirs, text) is False), None)
    if not sure_won:
        won = next((text for text in witnesses(theirs) if matches(ours, text) is False), None)
    told = [f"{_shown(lost)} is no longer allowed"] if lost is not None else []
    told += [f"{_shown(won)} is allowed now"] if won is not None else []
    said = f"{ours} became {theirs}" + (f": {', '.join(told)}" if told else "")
    if lost is not None and won is not None:
        return DIFFERENT, said
    if lost is not None and (sure_won or side is Side.REQUEST):
        return NARROWER, said
    if won is not None and (sure_lost or side is Side.RESPONSE):
        return WIDER, said
    return (SAME if sure_lost and sure_won else UNSURE), said


def _shown(text: str) -> str:
    return repr(text) if len(text) <= 60 else f"a text of {len(text)} characters"


def _came_or_went(old: Mapping[str, Any], new: Mapping[str, Any], ours: str | None, theirs: str | None) -> Relation:
    """A pattern beside none: the side without one may say as much by its lengths."""
    words = old if ours is None else new
    least, most = words.get("minLength", 0), words.get("maxLength")
    relation = NARROWER if ours is None else WIDER
    if most is not None and most <= _LONGEST:
        decided, strange = languages.surplus(f"^[\\s\\S]{{{least},{most}}}$", theirs or ours or "")
        if decided and strange is None:
            return SAME
    return relation


_LONGEST = 200
_EVERYTHING = frozenset({None, "", ".*", "^.*$", "^", "$", "[\\s\\S]*", "^[\\s\\S]*$"})
