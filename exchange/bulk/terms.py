"""What an agreement says of rows and masks of one table: CEL and columns, or the words of service calls. Pure."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from exchange.agreements.model import Agreement
from exchange.agreements.scope import name_of
from exchange.bulk.model import AGGREGATES, MASKS, ROWS
from exchange.errors import Unprocessable
from exchange.ledger.model import canonical

_PLAIN = re.compile(r"/\*/([^/]+)\Z")


@dataclass(frozen=True, slots=True)
class Terms:
    """How an agreement narrows a table. ``rows``: CEL over the source's columns; ``masks``: column → mask."""

    columns: tuple[str, ...]
    rows: str = ""
    masks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    aggregates: Mapping[str, Any] | None = None


def terms_of(agreement: Agreement, table: str) -> Terms:
    """The terms of one table. Raises `Unprocessable` when they are malformed: nothing may pass then.

    ``rows`` is CEL (or table → CEL), or a list of conditions in the words of service calls; ``masks`` is column →
    mask, or a list of ``{"place", "as", …}``.
    """
    columns = tuple(column_of(template) for template in agreement.scope.get(table, ()))
    rows, masks = agreement.terms.get(ROWS, ""), agreement.terms.get(MASKS, {})
    aggregates = agreement.terms.get(AGGREGATES)
    if isinstance(rows, Mapping):
        rows = rows.get(table, "")
    if isinstance(rows, list):
        rows = " && ".join(f"({_condition(one)})" for one in rows)
    if isinstance(masks, list):
        masks = {_place(one): {"mask": one.get("as")} | _rest(one) for one in masks}
    wrong = not isinstance(rows, str) or not isinstance(masks, Mapping)
    if wrong or (aggregates is not None and not isinstance(aggregates, Mapping)):
        raise _unreadable()
    named: dict[str, Mapping[str, Any]] = {}
    for place, mask in masks.items():
        found = _PLAIN.match(place)
        made = {"mask": mask} if isinstance(mask, str) else mask
        if not isinstance(made, Mapping):
            raise _unreadable()
        named[name_of(found[1]) if found else place] = made
    return Terms(columns, rows, named, aggregates)


def digest(terms: Terms) -> str:
    """Hex digest of all that decides what of a table leaves."""
    masks = {name: dict(mask) for name, mask in terms.masks.items()}
    told = {"columns": list(terms.columns), "rows": terms.rows, "masks": masks, "aggregates": terms.aggregates}
    return hashlib.sha256(canonical(told)).hexdigest()


def stand(agreement: Agreement, table: str, made_by: str) -> bool:
    """Whether an agreement still gives of a table just what was made by terms of that `digest`."""
    try:
        return digest(terms_of(agreement, table)) == made_by
    except Unprocessable:
        return False


_WORDS = {
    # a missing value satisfies no condition of a service call, so none here
    "eq": "{0} == {1}",
    "neq": "has(row.{0}) && {0} != {1}",
    "lt": "{0} < {1}",
    "lteq": "{0} <= {1}",
    "gt": "{0} > {1}",
    "gteq": "{0} >= {1}",
    "isAnyOf": "{0} in {1}",
    "isNoneOf": "has(row.{0}) && !({0} in {1})",
    "startsWith": "{0}.startsWith({1})",
}


def _condition(one: Any) -> str:
    """A row condition of service calls as CEL."""
    if not isinstance(one, dict) or one.keys() != {"place", "is", "value"} or one["is"] not in _WORDS:
        raise _unreadable()
    several = one["is"] in ("isAnyOf", "isNoneOf")
    values = one["value"] if several else [one["value"]]
    if not isinstance(values, list) or not all(isinstance(value, str | int | float | bool) for value in values):
        raise _unreadable()
    # JSON's literals are CEL's
    try:
        written = json.dumps(values if several else values[0], ensure_ascii=False, allow_nan=False)
    except ValueError:
        raise _unreadable() from None
    return _WORDS[one["is"]].format(f"`{_place(one)}`", written)


def _place(one: Any) -> str:
    found = _PLAIN.match(str(one.get("place", ""))) if isinstance(one, dict) else None
    if found is None or "`" in found[1] or "\n" in found[1]:
        raise _unreadable()
    return name_of(found[1])


def _rest(one: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in one.items() if name not in ("place", "as", "mask")}


def _unreadable() -> Unprocessable:
    return Unprocessable("the terms of the agreement cannot be read", rule="unknown-term", pointer="/terms")


def column_of(template: str) -> str:
    """The column a scope template of a table names: ``/*/XM`` → ``XM``. Raises `Unprocessable` for any other shape."""
    found = _PLAIN.match(template)
    if found is None:
        raise Unprocessable(f"{template} names no column of a table", rule="unknown-term")
    return name_of(found[1])
