"""Conditions of an agreement the broker enforces: which rows may leave, and which fields leave masked.

    {"rows":  [{"place": "/items/*/XZQHDM", "is": "startsWith", "value": "1101"}],
     "masks": [{"place": "/items/*/GMSFHM", "as": "hash"}]}

``place`` is a pointer template as in a scope. A record is what the last ``*`` of a row condition stands for, else the
whole answer; it leaves only when every condition about it holds. What cannot be read, or is not known here, refuses the
call: a condition is never ignored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson

from exchange.agreements.model import Agreement
from exchange.errors import Unprocessable

KNOWN = frozenset({"rows", "masks"})
MOST = 100
"""Conditions of one kind in an agreement."""


@dataclass(frozen=True, slots=True)
class Row:
    """One condition on records: the value at ``place`` compared by ``word`` with ``value``."""

    place: tuple[str, ...]
    word: str
    value: Any


@dataclass(frozen=True, slots=True)
class Mask:
    """How the value at ``place`` leaves: ``word`` with its numbers or names in ``options``."""

    place: tuple[str, ...]
    word: str
    options: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Terms:
    """All conditions of one agreement."""

    rows: tuple[Row, ...] = ()
    masks: tuple[Mask, ...] = ()

    @property
    def none(self) -> bool:
        """Whether there is nothing to enforce."""
        return not self.rows and not self.masks


NONE = Terms()
WORDS: Mapping[str, Callable[[Any, Any], bool]] = {
    # the operators of ODRL, and the one more that codes of divisions and industries need
    "eq": lambda value, wanted: _same(value, wanted),
    "neq": lambda value, wanted: _comparable(value, wanted) and not _same(value, wanted),
    "lt": lambda value, wanted: _comparable(value, wanted) and value < wanted,
    "lteq": lambda value, wanted: _comparable(value, wanted) and value <= wanted,
    "gt": lambda value, wanted: _comparable(value, wanted) and value > wanted,
    "gteq": lambda value, wanted: _comparable(value, wanted) and value >= wanted,
    "isAnyOf": lambda value, wanted: any(_same(value, one) for one in wanted),
    "isNoneOf": lambda value, wanted: value is not None and not any(_same(value, one) for one in wanted),
    "startsWith": lambda value, wanted: isinstance(value, str) and value.startswith(wanted),
}
MASKS: Mapping[str, Mapping[str, type | tuple[type, ...]]] = {
    "hash": {},
    "truncate": {"keep": int},
    "generalise": {"to": (str, int, float)},
    "noise": {"scale": (int, float)},
}
"""Mask → the options it takes, all of them required."""
STEPS = frozenset({"year", "month", "decade"})


class Unreadable(ValueError):
    """Conditions that cannot be enforced."""


def read(terms: Mapping[str, Any]) -> Terms:
    """The conditions of an agreement. Raises `Unreadable` for any that is not understood to the last letter."""
    if not terms:
        return NONE
    try:
        return _read(orjson.dumps(terms, option=orjson.OPT_SORT_KEYS))
    except (TypeError, orjson.JSONDecodeError) as error:
        raise Unreadable(str(error)) from None


def check_terms(agreement: Agreement) -> None:
    """Raises `Unprocessable` for an agreement on service calls whose conditions cannot be enforced."""
    try:
        read(agreement.terms)
    except Unreadable as error:
        raise Unprocessable(
            f"the broker cannot keep these terms: {error}", rule="unknown-term", pointer="/terms",
            hint="docs/brokering.md lists what it can keep",
        ) from None  # fmt: skip


@lru_cache(maxsize=1024)
def _read(text: bytes) -> Terms:
    terms = orjson.loads(text)
    if unknown := terms.keys() - KNOWN:
        raise Unreadable(f"unknown conditions: {', '.join(sorted(unknown))}")
    rows, masks = terms.get("rows", []), terms.get("masks", [])
    if not all(isinstance(part, list) and len(part) <= MOST for part in (rows, masks)):
        raise Unreadable(f"rows and masks are lists of at most {MOST}")
    return Terms(tuple(map(_row, rows)), tuple(map(_mask, masks)))


def _row(value: Any) -> Row:
    if not isinstance(value, dict) or value.keys() != {"place", "is", "value"} or value["is"] not in WORDS:
        raise Unreadable(f"a row condition is place, is (one of {', '.join(WORDS)}) and value")
    word, wanted = value["is"], value["value"]
    several = word in ("isAnyOf", "isNoneOf")
    scalars = wanted if several and isinstance(wanted, list) else [] if several else [wanted]
    if not scalars or not all(isinstance(one, str | int | float | bool) for one in scalars):
        raise Unreadable(f"{word} cannot be asked of that value")
    if word == "startsWith" and not isinstance(wanted, str):
        raise Unreadable("startsWith takes text")
    return Row(_place(value["place"]), word, wanted)


def _mask(value: Any) -> Mask:
    takes = MASKS.get(value.get("as", "")) if isinstance(value, dict) else None
    if takes is None or value.keys() != {"place", "as", *takes}:
        raise Unreadable(f"a mask is place, as (one of {', '.join(MASKS)}) and its options")
    for name, kind in takes.items():
        if not isinstance(value[name], kind) or isinstance(value[name], bool):
            raise Unreadable(f"{name} of a mask is of another type")
        if not isinstance(value[name], str) and value[name] <= 0:
            raise Unreadable(f"{name} of a mask is above 0")
        if isinstance(value[name], str) and value[name] not in STEPS:
            raise Unreadable(f"a mask generalises to {', '.join(sorted(STEPS))} or to steps of a number")
    return Mask(_place(value["place"]), value["as"], {name: value[name] for name in takes})


def _place(value: Any) -> tuple[str, ...]:
    if not isinstance(value, str) or (value and not value.startswith("/")):
        raise Unreadable("a place is a pointer such as /items/*/XM")
    return tuple(value.split("/")[1:])


def _same(value: Any, wanted: Any) -> bool:
    # 1 == True in Python, not in JSON
    return isinstance(value, bool) == isinstance(wanted, bool) and value == wanted


def _comparable(value: Any, wanted: Any) -> bool:
    if isinstance(value, bool) or isinstance(wanted, bool):
        return isinstance(value, bool) and isinstance(wanted, bool)
    numbers = isinstance(value, int | float) and isinstance(wanted, int | float)
    return numbers or (isinstance(value, str) and isinstance(wanted, str))
