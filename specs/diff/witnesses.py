"""A few texts that a pattern allows, to tell two patterns apart; not meant to be all of them."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice, product
from typing import Any

LIMIT = 60
"""Texts tried for one pattern."""
_PER_PART = 6
_FILL = "aA0中-_ .z9Z"


@lru_cache(maxsize=512)
def witnesses(pattern: str) -> tuple[str, ...]:
    """Texts the pattern matches, short ones first; empty when it cannot be understood."""
    if _compiled(pattern) is None:
        return ()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = re._parser.parse(pattern)
        made = islice(_texts(list(tree)), LIMIT * 4)
        return tuple(dict.fromkeys(text for text in made if matches(pattern, text)))[:LIMIT]
    except (re.error, RecursionError, KeyError, ValueError, OverflowError):
        return ()


def matches(pattern: str, text: str) -> bool | None:
    """Whether the pattern finds something in the text; None when it cannot be told."""
    check = _compiled(pattern)
    return None if check is None else bool(check.is_valid(text))


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> Any:
    """The pattern as validators read it: no text makes it wander."""
    import jsonschema_rs

    try:
        return jsonschema_rs.Draft202012Validator({"type": "string", "pattern": pattern})
    except (ValueError, RecursionError):
        return None


def _texts(parts: list[Any]) -> Iterator[str]:
    """Texts for a sequence: the first choice of every part, then each part varied alone, then combinations."""
    choices = [list(islice(_part(str(op), argument), _PER_PART)) or [""] for op, argument in parts]
    yield "".join(options[0] for options in choices)
    for place, options in enumerate(choices):
        for option in options[1:]:
            yield "".join(option if at == place else other[0] for at, other in enumerate(choices))
    yield from ("".join(chosen) for chosen in product(*(options[:2] for options in choices[:8])) if len(choices) <= 8)


def _part(op: str, argument: Any) -> Iterator[str]:
    match op:
        case "LITERAL":
            yield chr(argument)
        case "NOT_LITERAL":
            yield from (letter for letter in _FILL if ord(letter) != argument)
        case "ANY":
            yield from _FILL
        case "IN":
            yield from _class(argument)
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            yield from _repeated(*argument)
        case "SUBPATTERN":
            yield from _texts(list(argument[-1]))
        case "ATOMIC_GROUP":
            yield from _texts(list(argument))
        case "BRANCH":
            for option in argument[1]:
                yield from islice(_texts(list(option)), 2)
        case _:  # anchors, look-arounds, back-references: nothing of their own; what does not fit is sifted out
            yield ""


def _repeated(low: int, high: Any, inner: Any) -> Iterator[str]:
    most = low + 3 if not isinstance(high, int) or high > 10_000 else high
    options = list(islice(_texts(list(inner)), _PER_PART)) or [""]
    for count in dict.fromkeys((low, min(low + 1, most), most)):
        if count > 300:
            continue
        yield options[0] * count
        if count:
            yield from (options[0] * (count - 1) + option for option in options[1:3])
    yield from (option * low for option in options[1:] if 0 < low <= 300)


def _class(items: list[Any]) -> Iterator[str]:
    negated = bool(items) and str(items[0][0]) == "NEGATE"
    if negated:
        listed = re.compile("|".join(_shown(str(op), argument) for op, argument in items[1:]) or r"(?!)")
        yield from (letter for letter in _FILL if not listed.fullmatch(letter))
        return
    for op, argument in items:
        match str(op):
            case "LITERAL":
                yield chr(argument)
            case "RANGE":
                yield chr(argument[0])
                yield chr(argument[1])
            case "CATEGORY":
                yield from (letter for letter in _FILL if re.fullmatch(_CATEGORIES[str(argument)], letter, re.ASCII))


def _shown(op: str, argument: Any) -> str:
    if op == "LITERAL":
        return re.escape(chr(argument))
    if op == "RANGE":
        return f"[{re.escape(chr(argument[0]))}-{re.escape(chr(argument[1]))}]"
    return _CATEGORIES[str(argument)]


_CATEGORIES = {
    "CATEGORY_DIGIT": r"\d", "CATEGORY_NOT_DIGIT": r"\D", "CATEGORY_SPACE": r"\s",
    "CATEGORY_NOT_SPACE": r"\S", "CATEGORY_WORD": r"\w", "CATEGORY_NOT_WORD": r"\W",
}  # fmt: skip
