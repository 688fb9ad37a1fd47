"""Fees by a published policy: a pure function of counted use and ratings in whole fen; anyone gets the same cent."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import yaml

from exchange.errors import Unprocessable


@dataclass(frozen=True, slots=True)
class Policy:
    """Versioned formula. ``quality`` maps a mean rating (at least) to the part of the fee that is paid."""

    version: str
    fee_fen: int
    minimum_ratings: int
    neutral: Fraction
    quality: tuple[tuple[Fraction, Fraction], ...]
    digest: str


@dataclass(frozen=True, slots=True)
class Use:
    """One completed handled matter as the ledger recorded it; ``level`` is its rating, if it has one."""

    entry: int
    listing: str
    vendor: str
    level: int | None = None
    rating_entry: int | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """What one listing earns in the period and from which ledger entries that follows."""

    vendor: str
    listing: str
    completed: int
    ratings: int
    mean: str
    factor: str
    amount_fen: int
    entries: tuple[int, ...] = field(default=())


def load(text: str) -> Policy:
    """Read a policy document (YAML). Raises `Unprocessable` naming what is missing."""
    raw = yaml.safe_load(text)
    try:
        return Policy(
            version=str(raw["version"]),
            fee_fen=int(raw["fee_fen_per_completed_matter"]),
            minimum_ratings=int(raw["minimum_ratings"]),
            neutral=Fraction(str(raw["factor_below_minimum"])),
            quality=tuple(
                sorted(
                    ((Fraction(str(q["mean_at_least"])), Fraction(str(q["factor"]))) for q in raw["quality"]),
                    reverse=True,
                )
            ),
            digest=hashlib.sha256(text.encode()).hexdigest(),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise Unprocessable(f"the settlement policy is not complete: {error!r}") from error


def settle(policy: Policy, uses: Iterable[Use]) -> tuple[Line, ...]:
    """Lines per listing, largest amount first. Exact: fractions until the last step, then rounded half up to a fen."""
    grouped: dict[tuple[str, str], list[Use]] = {}
    for use in uses:
        grouped.setdefault((use.vendor, use.listing), []).append(use)
    lines = [_line(policy, vendor, listing, counted) for (vendor, listing), counted in grouped.items()]
    return tuple(sorted(lines, key=lambda line: (-line.amount_fen, line.vendor, line.listing)))


def _line(policy: Policy, vendor: str, listing: str, uses: list[Use]) -> Line:
    levels = [use.level for use in uses if use.level is not None]
    mean = Fraction(sum(levels), len(levels)) if levels else Fraction(0)
    factor = policy.neutral
    if len(levels) >= policy.minimum_ratings:
        factor = next((paid for least, paid in policy.quality if mean >= least), Fraction(0))
    exact = policy.fee_fen * len(uses) * factor
    evidence = sorted({u.entry for u in uses} | {u.rating_entry for u in uses if u.rating_entry is not None})
    return Line(
        vendor=vendor,
        listing=listing,
        completed=len(uses),
        ratings=len(levels),
        mean=f"{float(mean):.2f}",
        factor=str(factor),
        amount_fen=(2 * exact.numerator + exact.denominator) // (2 * exact.denominator),
        entries=tuple(evidence),
    )


def uses(entries: Iterable[tuple[int, Mapping[str, Any]]]) -> tuple[Use, ...]:
    """Completed matters and their ratings from ledger entries (index, body): the only source of what is paid.

    A matter counts once however often its completion was told; a rating counts only for a matter completed in the same
    entries.
    """
    found: dict[str, Use] = {}
    for index, body in entries:
        matter = str(body.get("handled_matter", ""))
        if body["kind"] == "matter.completed" and matter not in found:
            found[matter] = Use(index, str(body["listing"]), str(body["vendor"]))
        elif body["kind"] == "matter.rated" and matter in found and found[matter].level is None:
            use = found[matter]
            found[matter] = Use(use.entry, use.listing, use.vendor, int(body["level"]), index)
    return tuple(found.values())


def statement_digest(statement: Mapping[str, Any]) -> str:
    """SHA-256 of the statement in canonical form, the value that the ledger keeps."""
    return hashlib.sha256(json.dumps(statement, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
