"""Masks as SQL expressions: a masked column leaves DuckDB masked, so nothing unmasked is ever written to disk."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

from exchange.bulk.conditions import Fragment, joined, quoted
from exchange.errors import Unprocessable

_PERIODS = ("year", "month", "decade")
_NUMBERS = (
    "tinyint",
    "smallint",
    "integer",
    "bigint",
    "utinyint",
    "usmallint",
    "uinteger",
    "float",
    "double",
    "decimal",
)
_BLOCK = 64


def agreement_key(master: bytes, agreement: str) -> bytes:
    """The 32-byte key of an agreement: the same person is the same under one agreement and another under the next."""
    return hmac.new(master, agreement.encode(), hashlib.sha256).digest()


def masked(name: str, type: str, mask: Mapping[str, Any], key: bytes) -> Fragment | None:
    """The masked value of a column of this DuckDB type id; None: the column is removed. Null stays null.

    Kinds: ``hash`` (the first 32 hex digits of an HMAC-SHA-256), ``truncate`` (``keep``: first characters),
    ``generalise`` (``to``: year, month or decade of a date, or the step to round a number down to), ``remove``. Raises
    `Unprocessable`.
    """
    column = Fragment(quoted(name))
    text = joined("CAST({0} AS VARCHAR)", column)
    kind, more = mask.get("mask"), mask.keys() - {"mask"}
    if kind == "remove" and not more:
        return None
    if kind == "hash" and not more:
        return _hmac(text, key)
    if kind == "truncate" and more == {"keep"} and _whole(mask["keep"], 0, 1000):
        return joined("left({0}, {1})", text, Fragment("CAST(? AS INTEGER)", (mask["keep"],)))
    if kind == "generalise" and more == {"to"}:
        to = mask["to"]
        if to in _PERIODS and (type == "date" or type.startswith("timestamp")):
            moment = joined("CAST({0} AS TIMESTAMPTZ)", column) if type == "timestamptz_ns" else column
            return joined("CAST(date_trunc({0}, {1}) AS DATE)", Fragment("CAST(? AS VARCHAR)", (to,)), moment)
        if type in _NUMBERS and not isinstance(to, bool) and isinstance(to, int | float) and 0 < to < 1e15:
            step = Fragment("CAST(? AS DOUBLE)", (float(to),))
            made = joined("floor(CAST({0} AS DOUBLE) / {1}) * {2}", column, step, step)
            return joined("CAST({0} AS BIGINT)" if isinstance(to, int) else "({0})", made)
    raise Unprocessable(
        f"the mask of {name} cannot be used on a {type}: {dict(mask)}",
        hint='"hash", "remove", {"mask": "truncate", "keep": 6}, {"mask": "generalise", "to": "year"}',
    )


def _hmac(text: Fragment, key: bytes) -> Fragment:
    # RFC 2104 written out: DuckDB has SHA-256 but no HMAC
    block = key.ljust(_BLOCK, b"\0")
    inner = Fragment("CAST(? AS BLOB)", (bytes(byte ^ 0x36 for byte in block) + b"hash\0",))
    outer = Fragment("CAST(? AS BLOB)", (bytes(byte ^ 0x5C for byte in block),))
    return joined("left(sha256({0} || unhex(sha256({1} || encode({2})))), 32)", outer, inner, text)


def _whole(value: Any, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
