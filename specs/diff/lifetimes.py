"""How long something lives and how settled it is: sunset dates and stability levels, extensions that many publishers
share. An earlier end or a less settled state takes a promise back."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from specs.diff.change import Side
from specs.diff.report import Node

if TYPE_CHECKING:
    from specs.diff.report import Report
    from specs.diff.trials import Trial

WORDS = ("x-sunset", "x-stability-level")
_SETTLED = ("draft", "alpha", "beta", "stable")


def notes(report: Report | Trial, node: Node, side: Side, old: Any, new: Any, at: tuple[str, str]) -> None:
    """Note what changed about them between what two places say."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return
    before, after = old.get("x-sunset"), new.get("x-sunset")
    if before != after:
        check = _sunset(before, after, deprecated=bool(new.get("deprecated")))
        report.add(node, check, side, f"sunset {before or '–'} became {after or '–'}", *at)
    before, after = (one.get("x-stability-level") for one in (old, new))
    if before != after:
        report.add(node, _stability(before, after), side, f"stability {before or '–'} became {after or '–'}", *at)


def _sunset(old: Any, new: Any, *, deprecated: bool) -> str:
    if old is None:
        return "sunset-added"
    if new is None:
        return "sunset-removed" if deprecated else "sunset-later"
    ours, theirs = _day(old), _day(new)
    if ours is None or theirs is None:
        return "extension-changed"
    return "text-changed" if ours == theirs else "sunset-earlier" if theirs < ours else "sunset-later"


def _stability(old: Any, new: Any) -> str:
    ours, theirs = (_SETTLED.index(one) if one in _SETTLED else None for one in (old or "stable", new or "stable"))
    if ours is None or theirs is None:
        return "extension-changed"
    return "text-changed" if ours == theirs else "stability-lowered" if theirs < ours else "stability-raised"


def _day(value: Any) -> date | None:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        return None
