"""What a person is shown of the use of their data: one rule for each flow, show unless a rule with a legal basis says
otherwise. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from exchange.clock import moment, stamp
from exchange.errors import Unprocessable

LONGEST_DELAY = 3650
"""Days; a longer delay would be a way of hiding without saying so."""


class Action(StrEnum):
    """``delay``: shown some days after the use. ``hide``: never shown to the person, but counted for the authority."""

    SHOW = "show"
    DELAY = "delay"
    HIDE = "hide"


class Viewer(StrEnum):
    """Who looks at a use: whom it is about, who is only named in it beside somebody else, a guardian of one of them."""

    SUBJECT = "subject"
    MENTIONED = "mentioned"
    GUARDIAN = "guardian"


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of disclosure. ``purpose``, ``law``, ``interface``, ``consumer``: what it is about, "" for any.

    ``viewer``: for whom it holds (`Viewer`), "" for all. ``basis``: the law that permits to delay or hide;
    ``review_on``: the day on which somebody looks at it again.
    """

    id: str
    action: Action
    purpose: str
    law: str
    interface: str
    consumer: str
    delay_days: int
    basis: str
    by: str
    at: str
    review_on: str
    ended_at: str | None = None
    viewer: str = ""

    @property
    def about(self) -> int:
        """How many words of it narrow: the more, the more particular."""
        return sum(bool(word) for word in (self.purpose, self.law, self.interface, self.consumer))

    def matches(self, use: Mapping[str, Any], viewer: Viewer = Viewer.SUBJECT) -> bool:
        """Whether it is about a use (the body of a ledger entry) that this one looks at."""
        if self.viewer not in ("", viewer):
            return False
        words = {"purpose": self.purpose, "legal_basis": self.law, "interface": self.interface}
        return all(not word or use.get(name) == word for name, word in (words | {"consumer": self.consumer}).items())

    def to_dict(self) -> dict[str, Any]:
        """The JSON shape of the API."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__} | {"action": self.action.value}


def check(rule: Rule) -> Rule:
    """The rule, if it may be made. Raises `Unprocessable` naming everything wrong with it."""
    wrong = []
    if rule.viewer not in ("", *Viewer):
        wrong.append(f"a rule holds for all or for one of {', '.join(Viewer)}")
    if rule.action is not Action.SHOW and not rule.basis.strip():
        wrong.append("a rule that delays or hides names the law that permits it")
    if rule.action is not Action.SHOW and not rule.about:
        wrong.append("a rule that delays or hides names a purpose, law, interface or consumer")
    if (rule.action is Action.DELAY) != (rule.delay_days > 0) or rule.delay_days > LONGEST_DELAY:
        wrong.append(f"a delay has 1 to {LONGEST_DELAY} days, the others none")
    if wrong:
        raise Unprocessable("; ".join(wrong), hint="what is given up is a person's right to know; it takes a reason")
    return rule


def chosen(rules: Iterable[Rule], use: Mapping[str, Any], viewer: Viewer = Viewer.SUBJECT) -> Rule | None:
    """The rule that holds for a use: the most particular one in force, of equals the newest; None: show."""
    fitting = [rule for rule in rules if rule.ended_at is None and rule.matches(use, viewer)]
    return max(fitting, key=lambda rule: (rule.about + bool(rule.viewer), rule.at, rule.id), default=None)


def shown_from(rule: Rule | None, at: str) -> datetime | None:
    """From when a use at ``at`` is shown; None: never."""
    if rule is None or rule.action is Action.SHOW:
        return moment(at)
    return None if rule.action is Action.HIDE else moment(at) + timedelta(days=rule.delay_days)


def released(rule: Rule | None, at: str) -> str | None:
    """The day until which a delayed use was withheld, for whoever reads it afterwards; None for all others."""
    held = shown_from(rule, at)
    return stamp(held) if rule is not None and rule.action is Action.DELAY and held else None
