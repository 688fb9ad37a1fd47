"""Violations of duty (政务数据共享条例 arts 39–41): a late clock, a misuse, a service ended without authority."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from exchange.errors import Conflict, Unprocessable
from specs.words import Text

MISUSE = frozenset({"R40-2", "R40-3", "R40-5", "R40-6", "R40-7"})
"""Codes an order to correct may name; R40-1 is collecting again, R40-4 has a clock of its own."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One recorded violation. ``entry`` is the ledger index that proves it, ``evidence`` the hash of its leaf.

    ``interface`` is the catalogue entry concerned, ``subject`` the application, agreement or proceeding. ``clock``
    is set for a late one. A cleared violation stays, with who cleared it and why.
    """

    id: str
    code: str
    party: str
    interface: str
    subject: str
    clock: str | None
    at: str
    entry: int
    evidence: str
    cleared_at: str | None = None
    cleared_by: str | None = None
    reason: str = ""


@cache
def codes() -> Mapping[str, Text]:
    """Every violation code with its words, in the order of the articles."""
    table: dict[str, Text] = yaml.safe_load((Path(__file__).parent / "violations.yaml").read_text(encoding="utf-8"))
    return table


def check_misuse(code: str) -> None:
    """Raises `Unprocessable` unless ``code`` is a misuse an order to correct may name."""
    if code not in MISUSE:
        raise Unprocessable(
            f"{code!r} is no misuse of shared data", hint=f"name one of {', '.join(sorted(MISUSE))}", pointer="/code"
        )


def check_clearance(found: Violation, reason: str) -> None:
    """Raises unless this violation may be cleared with this reason."""
    if found.cleared_at is not None:
        raise Conflict(f"violation {found.id} was cleared before", hint=found.reason)
    if not reason.strip():
        raise Unprocessable("to clear a violation needs a reason", pointer="/reason")
