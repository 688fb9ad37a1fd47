"""What follows a step: the first action whose criteria all pass, else the default.

Actions of the step come first; those of its workflow that it does not override (by name) come after them. A retry whose
limit is used up lets the actions behind it have their turn. Without an action a success goes on to the next step, and a
failure ends the workflow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from conformance.arazzo.criteria import Judged, judge_all
from conformance.arazzo.frame import Frame
from specs.process import Action

MOST_RETRIES = 100
"""Attempts of one step that a document may ask for beyond the first."""

LONGEST_WAIT = 60.0
"""Seconds that one retry waits at most; a service that asks for more is not waited for."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do: `action` None is the default. `judged` are the criteria looked at on the way."""

    action: Action | None
    judged: tuple[Judged, ...] = ()


def applicable(own: tuple[Action, ...], inherited: tuple[Action, ...]) -> tuple[Action, ...]:
    """The actions of a step in the order they are looked at."""
    named = {action.name for action in own}
    return (*own, *(action for action in inherited if action.name not in named))


def decide(actions: tuple[Action, ...], frame: Frame, retried: Mapping[str, int]) -> Decision:
    """The action to take now; `retried` counts the retries of this step by action name."""
    judged: list[Judged] = []
    for action in actions:
        found = judge_all(action.criteria, frame)
        judged += found
        if not all(one.passed for one in found):
            continue
        if action.type == "retry" and retried.get(action.name, 0) >= min(action.retry_limit, MOST_RETRIES):
            continue
        return Decision(action, tuple(judged))
    return Decision(None, tuple(judged))


def pause(action: Action, headers: Mapping[str, str], now: datetime | None = None) -> float:
    """Seconds to wait before a retry: the answer's Retry-After (seconds or a date), else the action's retryAfter."""
    asked = headers.get("retry-after", "").strip()
    if asked.isascii() and asked.isdecimal() and len(asked) < 10:
        return float(asked)
    try:
        moment = parsedate_to_datetime(asked)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return max(0.0, (moment - (now or datetime.now(UTC))).total_seconds())
    except (ValueError, TypeError, IndexError, OverflowError):
        return max(0.0, action.retry_after or 0.0)
