"""What an act of a proceeding does to the clocks of the law: one table of what begins, meets, drops and stops them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection

from exchange.agreements.deadlines import Deadlines
from exchange.agreements.proceedings import Kind, Proceeding, Side

AUTHORITY = "data-office"
"""Party whose duty the authority's clocks are (政务数据共享主管部门)."""
Acts = Mapping[tuple[Kind, str], tuple[str, ...]]
"""(kind, verb) → clocks."""


@dataclass(frozen=True, slots=True)
class Begins:
    """A clock, whose duty it is, and the facts that name its first day or its last, where the law leaves it to them."""

    rule: str
    side: Side
    since: str = ""
    until: str = ""


BEGINS: Mapping[tuple[Kind, str], Begins] = {
    (Kind.ORDER, "open"): Begins("C11", Side.CONSUMER, until="due"),
    (Kind.DISPOSAL, "open"): Begins("C10", Side.CONSUMER, until="due"),
    (Kind.DISPOSAL, "demand"): Begins("C10", Side.CONSUMER, until="due"),
    (Kind.DISPOSAL, "reject"): Begins("C10", Side.CONSUMER, until="due"),
    (Kind.TICKET, "open"): Begins("C7", Side.PROVIDER),
    (Kind.REVIEW, "open"): Begins("L1", Side.AUTHORITY),
    (Kind.UPDATE, "open"): Begins("C1", Side.PROVIDER, since="since"),
    (Kind.UPDATE, "send"): Begins("C2", Side.AUTHORITY),
    (Kind.RETURN, "open"): Begins("C9", Side.PROVIDER),
    (Kind.RETURN, "set-day"): Begins("C9", Side.PROVIDER, until="due"),
    (Kind.RETURN, "object"): Begins("C9", Side.PROVIDER),
    (Kind.RECTIFICATION, "open"): Begins("C13", Side.PROVIDER),
    (Kind.RECTIFICATION, "reject"): Begins("C13", Side.PROVIDER),
}
MEETS: Acts = {
    (Kind.ORDER, "report"): ("C11",),
    (Kind.DISPOSAL, "report"): ("C10",),
    (Kind.TICKET, "feed-back"): ("C7",),
    (Kind.REVIEW, "approve"): ("L1",),
    (Kind.REVIEW, "object"): ("L1",),
    (Kind.UPDATE, "audit"): ("C1", "C2"),
    (Kind.UPDATE, "return"): ("C2",),
    (Kind.RETURN, "return"): ("C9",),
    (Kind.RECTIFICATION, "rectify"): ("C13",),
}
DROPS: Acts = {
    (Kind.ORDER, "refuse"): ("C11",),
    (Kind.ORDER, "close"): ("C11",),
    (Kind.DISPOSAL, "demand"): ("C10",),
    (Kind.TICKET, "withdraw"): ("C7",),
    (Kind.REVIEW, "close"): ("L1",),
    (Kind.UPDATE, "drop"): ("C1",),
    (Kind.RETURN, "set-day"): ("C9",),
    (Kind.RETURN, "withdraw"): ("C9",),
    (Kind.RETURN, "close"): ("C9",),
}
STOPS: Acts = {(Kind.UPDATE, "send"): ("C1",)}
"""While the authority has it, the provider's days stand still."""
RESUMES: Acts = {(Kind.UPDATE, "return"): ("C1",)}


def effect(tx: Connection, deadlines: Deadlines, found: Proceeding, verb: str) -> None:
    """Do to the clocks of ``found`` what ``verb`` means for them; where an act ends and begins some, in that order.

    Raises `Unprocessable` for a named day that has passed, or where the law has a figure of its own.
    """
    act = (found.kind, verb)
    for table, change in (
        (MEETS, deadlines.meet),
        (DROPS, deadlines.drop),
        (STOPS, deadlines.stop),
        (RESUMES, deadlines.go_on),
    ):
        if act in table:
            change(tx, found.id, *table[act])
    begins = BEGINS.get(act)
    if begins is not None:
        parties = {Side.CONSUMER: found.consumer, Side.PROVIDER: found.provider, Side.AUTHORITY: AUTHORITY}
        since, until = (_day(found, name) for name in (begins.since, begins.until))
        deadlines.start(tx, begins.rule, found.id, parties[begins.side], since, until)


def _day(found: Proceeding, name: str) -> date | None:
    said = found.facts.get(name)
    return date.fromisoformat(str(said)) if said else None
