"""One difference between two versions of an interface: what it is, whom it breaks, where it stands in both."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Level(StrEnum):
    """What a change does to whoever relies on the old version. `UNKNOWN`: it cannot be told from the documents."""

    BREAKING = "breaking"
    UNKNOWN = "unknown"
    COMPATIBLE = "compatible"

    @property
    def rank(self) -> int:
        """0 for the gravest."""
        return ("breaking", "unknown", "compatible").index(self.value)


class Side(StrEnum):
    """Whom a change concerns: callers sending requests, readers of responses (or of a dataset), or both."""

    REQUEST = "request"
    RESPONSE = "response"
    BOTH = "both"


class Relation(StrEnum):
    """How the values a new constraint allows relate to those the old one allowed."""

    SAME = "same"
    NARROWER = "narrowed"
    WIDER = "widened"
    DIFFERENT = "changed"
    UNSURE = "unsure"

    def level(self, side: Side) -> Level:
        """Requests break when less is accepted, responses when more may come."""
        breaking = {
            Side.REQUEST: {Relation.NARROWER, Relation.DIFFERENT},
            Side.RESPONSE: {Relation.WIDER, Relation.DIFFERENT},
            Side.BOTH: {Relation.NARROWER, Relation.WIDER, Relation.DIFFERENT},
        }[side]
        if self in breaking:
            return Level.BREAKING
        return Level.UNKNOWN if self is Relation.UNSURE else Level.COMPATIBLE


@dataclass(frozen=True, slots=True)
class Change:
    """`check` is the id of what was noticed (docs/diff.md), `old` and `new` JSON pointers into the two documents
    (None: it is not there), `operations` the ids of the operations, tables or workflows it concerns."""

    check: str
    level: Level
    side: Side
    message: str
    old: str | None
    new: str | None
    operations: tuple[str, ...] = ()
    hint: str = ""

    def __str__(self) -> str:
        """One line: `level check place message`."""
        place = self.new if self.new is not None else self.old
        return " ".join(part for part in (self.level.value, self.check, place or "", self.message) if part)

    def to_json(self) -> dict[str, Any]:
        """The change as plain JSON; the same keys for every change."""
        return {
            "check": self.check,
            "level": self.level.value,
            "side": self.side.value,
            "message": self.message,
            "old": self.old,
            "new": self.new,
            "operations": list(self.operations),
            "hint": self.hint,
        }
