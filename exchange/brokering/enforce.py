"""Rows and masks applied to an answer, before it is cut: `rows` drops records, `masked` changes values."""

from __future__ import annotations

import hashlib
import hmac
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from urllib.parse import parse_qsl

import orjson

from exchange.agreements.scope import label, token
from exchange.brokering.terms import WORDS, Mask, Row, Terms
from specs.model import Interface, Operation

_DATE = re.compile(r"(\d{4})(-?)(\d{2})(-?)(\d{2})")
GONE = object()
"""What `rows` leaves of an answer that is itself the record and may not leave."""


def rows(value: Any, conditions: Sequence[Row]) -> Any:
    """``value`` without the records for which a condition does not hold; one that lacks the field does not hold.

    `GONE` when the answer is itself the record and does not hold.
    """
    for condition in conditions:
        last = max((at for at, part in enumerate(condition.place) if part == "*"), default=-1)
        if last < 0:
            if not _holds(value, condition.place, condition):
                return GONE
            continue
        value = _without(value, condition.place[:last], condition.place[last + 1 :], condition)
    return value


def _without(value: Any, way: Sequence[str], rest: Sequence[str], condition: Row) -> Any:
    if not way:
        if isinstance(value, list):
            return [item for item in value if _holds(item, rest, condition)]
        if isinstance(value, dict):
            return {name: item for name, item in value.items() if _holds(item, rest, condition)}
        return value
    if isinstance(value, dict):
        return {
            name: _without(item, way[1:], rest, condition) if way[0] in ("*", token(name)) else item
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [
            _without(item, way[1:], rest, condition) if way[0] in ("*", str(index)) else item
            for index, item in enumerate(value)
        ]
    return value


def _holds(record: Any, way: Sequence[str], condition: Row) -> bool:
    found = list(_values(record, way))
    return bool(found) and all(WORDS[condition.word](one, condition.value) for one in found)


def _values(value: Any, way: Sequence[str]) -> Iterator[Any]:
    if not way:
        yield value
    elif isinstance(value, dict):
        for name, item in value.items():
            if token(name) == way[0]:
                yield from _values(item, way[1:])


class Masks:
    """The masks of one agreement under its own key, so that what two agreements let out cannot be joined."""

    def __init__(self, terms: Terms, key: bytes, agreement: str) -> None:
        """``key`` is the exchange's secret; each agreement gets one derived from it."""
        self._masks = terms.masks
        self._key = hmac.new(key, agreement.encode(), hashlib.sha256).digest()

    def apply(self, value: Any, question: bytes) -> tuple[Any, tuple[str, ...]]:
        """``value`` masked, and the labels of the masked places. ``question`` stands for the call: the same question
        about the same data gets the same noise, so that asking again does not average it away.
        """
        hit: set[str] = set()
        for mask in self._masks:
            value = self._at(value, mask.place, mask, question, hit)
        return value, tuple(sorted(hit))

    def _at(self, value: Any, way: Sequence[str], mask: Mask, question: bytes, hit: set[str]) -> Any:
        if not way:
            hit.add(label("/" + "/".join(mask.place) if mask.place else ""))
            return self._whole(value, mask, question)
        if isinstance(value, dict):
            return {
                name: self._at(item, way[1:], mask, question, hit) if way[0] in ("*", token(name)) else item
                for name, item in value.items()
            }
        if isinstance(value, list):
            return [
                self._at(item, way[1:], mask, question, hit) if way[0] in ("*", str(index)) else item
                for index, item in enumerate(value)
            ]
        return value

    def _whole(self, value: Any, mask: Mask, question: bytes) -> Any:
        # a container where a value was expected: everything in it is masked, nothing passes by being nested
        if isinstance(value, dict):
            return {name: self._whole(item, mask, question) for name, item in value.items()}
        if isinstance(value, list):
            return [self._whole(item, mask, question) for item in value]
        if value is None:
            return None
        if mask.word == "hash":
            return self._digest(b"hash", value).hex()[:32]
        if mask.word == "truncate":
            return str(value)[: mask.options["keep"]] if not isinstance(value, bool) else None
        if mask.word == "generalise":
            return _generalised(value, mask.options["to"])
        return self._noisy(value, float(mask.options["scale"]), question)

    def _digest(self, what: bytes, *values: Any) -> bytes:
        parts = [value if isinstance(value, bytes) else str(value).encode() for value in values]
        return hmac.new(self._key, b"\0".join([what, *parts]), hashlib.sha256).digest()

    def _noisy(self, value: Any, scale: float, question: bytes) -> int | None:
        """A count with two-sided geometric noise of this scale (1/ε), never below 0; what is no count is left out."""
        if isinstance(value, bool) or not isinstance(value, int):
            return None
        draw = (int.from_bytes(self._digest(b"noise", question, value)[:8], "big") + 0.5) / 2**64
        alpha = math.exp(-1 / scale)
        # inverse of the cumulative distribution of the discrete Laplace distribution
        if draw < 0.5:
            shift = -math.floor(-math.log(draw * (1 + alpha)) / -math.log(alpha))
        else:
            shift = math.floor(-math.log((1 - draw) * (1 + alpha)) / -math.log(alpha))
        return max(0, value + shift)


def _generalised(value: Any, to: str | int | float) -> Any:
    """A number at the foot of its step, a date at its year, decade or month; anything else is left out."""
    if isinstance(to, str):
        found = _DATE.match(value) if isinstance(value, str) else None
        if found is None:
            return None
        year, gap, month, _, _ = found.groups()
        return {"year": year, "decade": f"{year[:3]}0", "month": f"{year}{gap}{month}"}[to]
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return type(value)(math.floor(value / to) * to)


def meant(interface: Interface, operation: Operation, query: str, body: bytes) -> tuple[bytes, bytes]:
    """Query and body of a call without what makes no other question of it: order, blanks, what is not declared, and
    the choice of fields. Otherwise whoever adds ``&x=1``, ``&x=2`` … would see noise drawn anew and average it away.
    """
    declared = {one.name for one in operation.parameters if one.location == "query"} - {"fields"}
    pairs = sorted({pair for pair in parse_qsl(query, keep_blank_values=True) if pair[0] in declared})
    try:
        value = orjson.loads(body) if body else None
    except orjson.JSONDecodeError:
        return orjson.dumps(pairs), body
    content = next((one for one in operation.body.contents if one.is_json), None) if operation.body else None
    known = interface.resolve(content.schema).get("properties") if content and content.schema else None
    if isinstance(value, dict) and known:
        value = {name: member for name, member in value.items() if name in known}
    return orjson.dumps(pairs), orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def question(*parts: Iterable[str] | str | bytes) -> bytes:
    """One value for a call: everything that makes it another question."""
    whole = hashlib.sha256()
    for part in parts:
        data = part if isinstance(part, bytes) else part.encode() if isinstance(part, str) else repr(part).encode()
        whole.update(len(data).to_bytes(8, "big") + data)
    return whole.digest()
