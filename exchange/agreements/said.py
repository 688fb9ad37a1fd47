"""What may be said with an act of a proceeding, and in which form."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from exchange.agreements.proceedings import RULES, Kind, naming, wants
from exchange.errors import Unprocessable

MORE: Mapping[tuple[Kind, str], frozenset[str]] = {
    (Kind.ORDER, "report"): frozenset({"evidence"}),
    (Kind.TICKET, "open"): frozenset({"evidence"}),
    (Kind.DISPUTE, "decide"): frozenset({"reference"}),
    (Kind.DISPUTE, "refer"): frozenset({"reference"}),
    (Kind.UPDATE, "open"): frozenset({"since"}),
    (Kind.RETURN, "return"): frozenset({"evidence"}),
}
"""What may be said with a verb beyond what it wants."""
LONGEST = 2000
DAYS = ("due", "done_on", "since")


def checked(kind: Kind, verb: str, text: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts, if this verb takes them. Unknown verbs are left to `advance`, which names those there are."""
    if verb != "open" and verb not in RULES[kind].moves:
        return {}
    allowed = ({*wants(kind, verb)} | MORE.get((kind, verb), frozenset())) - {"text"}
    given = {name: value for name, value in facts.items() if value not in (None, "")}
    if strange := sorted(given.keys() - allowed):
        raise Unprocessable(
            f"to {verb} {naming(kind)} does not take: {', '.join(strange)}",
            hint=f"it takes: {', '.join(sorted(allowed)) or 'nothing'}",
            pointers=[f"/{name}" for name in strange],
        )
    if any(len(str(value)) > LONGEST for value in (text, *given.values())):
        raise Unprocessable(f"a text is longer than {LONGEST} characters", hint="say it shorter; a document is named")
    division = str(given.get("division", "33"))
    if not (division.isascii() and division.isdecimal() and 2 <= len(division) <= 12):
        raise Unprocessable(f"{division!r} is no code of a division", hint="330106", pointer="/division")
    if not str(given.get("days", "1")).isdecimal():
        raise Unprocessable(f"{given['days']!r} is no number of days", hint="5", pointer="/days")
    for name in DAYS:
        if name in given:
            try:
                given[name] = date.fromisoformat(str(given[name])).isoformat()
            except ValueError:
                raise Unprocessable(f"{given[name]!r} is no day", hint="2026-10-01", pointer=f"/{name}") from None
    return given
