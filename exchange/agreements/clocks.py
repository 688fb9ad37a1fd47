"""Statutory clocks as data: presets, the rule that a local limit may only be tighter, and one running
clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from exchange.agreements.calendar import Calendar, Due
from exchange.errors import Conflict, Unprocessable
from specs.words import Text


class Unit(StrEnum):
    """How a limit is counted."""

    WORKING_DAYS = "working_days"
    CALENDAR_DAYS = "calendar_days"
    MONTHS = "months"


@dataclass(frozen=True, slots=True)
class Rule:
    """One clock of the law. ``limit`` None: no figure in the law. ``extension``: most days all extensions
    may add.

    ``consent``: what an extension needs ("authority", "notice" to the requester). ``breach``: violation code.
    """

    id: str
    who: str
    unit: Unit
    limit: int | None
    extension: int
    consent: tuple[str, ...]
    breach: str | None
    article: str
    title: Text


@dataclass(frozen=True, slots=True)
class Preset:
    """A set of clocks in force somewhere, and the two readings the Regulation leaves open."""

    id: str
    title: Text
    rules: Mapping[str, Rule]
    count_first_day: bool
    pause_while_incomplete: bool


@dataclass(frozen=True, slots=True)
class Running:
    """One clock that was started for one subject (an application or agreement) and one party that must act.

    ``due`` None: the law names no day. ``former`` keeps every due day the clock had before, oldest first.
    """

    id: str
    rule: str
    subject: str
    party: str
    started: date
    due: date | None
    provisional: bool
    extended: int = 0
    former: tuple[str, ...] = ()
    met_at: str | None = None
    breached_at: str | None = None
    code: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to act."""
        return self.met_at is None

    def is_late(self, day: date) -> bool:
        """Whether the limit has passed without the act; the due day itself is still in time."""
        return self.is_open and self.due is not None and day > self.due


def due(rule: Rule, start: date, calendar: Calendar, *, count_first: bool, extended: int = 0) -> Due | None:
    """When a clock started on ``start`` runs out; None when the law names no figure."""
    if rule.limit is None:
        return None
    length = rule.limit + extended
    if rule.unit is Unit.WORKING_DAYS:
        return calendar.after(start, length, count_first=count_first)
    if rule.unit is Unit.CALENDAR_DAYS:
        return Due(start + timedelta(days=max(0, length - count_first)), provisional=False)
    return Due(_months_later(start, length), provisional=False)


def start(id: str, preset: Preset, rule: str, subject: str, party: str, day: date, calendar: Calendar) -> Running:
    """A clock that begins on ``day``."""
    found = preset.rules[rule]
    end = due(found, day, calendar, count_first=preset.count_first_day)
    return Running(
        id, rule, subject, party, day, end.day if end else None, bool(end and end.provisional), code=found.breach
    )


def recomputed(clock: Running, preset: Preset, calendar: Calendar) -> Running:
    """The clock after the calendar changed; its old due day stays in ``former``. Only open clocks move."""
    rule = preset.rules.get(clock.rule)
    if rule is None or not clock.is_open or clock.breached_at is not None:
        return clock
    end = due(rule, clock.started, calendar, count_first=preset.count_first_day, extended=clock.extended)
    if end is None or (end.day == clock.due and end.provisional == clock.provisional):
        return clock
    former = clock.former if clock.due in (None, end.day) else (*clock.former, str(clock.due))
    return replace(clock, due=end.day, provisional=end.provisional, former=former)


def extended(clock: Running, preset: Preset, calendar: Calendar, days: int, consent: Mapping[str, str]) -> Running:
    """The clock with ``days`` more. ``consent`` maps each party the law asks to who gave it and when.

    Raises `Unprocessable` when a consent is missing or the total passes the ceiling, `Conflict` when it is
    over.
    """
    rule = preset.rules[clock.rule]
    if not clock.is_open or clock.breached_at is not None:
        raise Conflict("this clock is over", hint="an extension has to be asked for before the day it is due")
    missing = [name for name in rule.consent if not consent.get(name)]
    if missing:
        raise Unprocessable(f"an extension of {clock.rule} needs: {', '.join(missing)}", article=rule.article)
    if days < 1 or clock.extended + days > rule.extension:
        raise Unprocessable(
            f"{clock.rule} may grow by {rule.extension} in all; {clock.extended} are used, {days} asked",
            hint="art 21: the extension never passes the ceiling",
        )
    grown = replace(clock, extended=clock.extended + days)
    return recomputed(grown, preset, calendar)


def tighten(base: Preset, id: str, local: Mapping[str, Any]) -> Preset:
    """``base`` with local values; the law is the upper bound, so any looser value is refused, all named at
    once.

    ``local`` has the shape of one preset of clocks.yaml. Raises `Unprocessable`.
    """
    rules, wrong = dict(base.rules), []
    for name, change in local.get("clocks", {}).items():
        known = rules.get(name)
        if known is None:
            wrong.append(f"{name} is no clock of {base.id}")
            continue
        wrong += _looser(known, change)
        rules[name] = replace(known, **{key: change[key] for key in ("limit", "extension") if key in change})
    count_first = bool(local.get("count_first_day", base.count_first_day))
    if base.count_first_day and not count_first:
        wrong.append("count_first_day false is looser than true")
    if wrong:
        raise Unprocessable(
            f"the local clocks {id!r} cannot be used: {'; '.join(wrong)}",
            hint="limits of the Regulation are upper bounds: a tighter value is allowed, a looser one is not",
        )
    pause = bool(local.get("pause_while_incomplete", base.pause_while_incomplete))
    return Preset(id, local.get("title", base.title), rules, count_first, pause)


def _looser(rule: Rule, change: Mapping[str, Any]) -> list[str]:
    wrong = [f"{rule.id}: {key} is not a local matter" for key in change if key not in {"limit", "extension"}]
    for key, bound in (("limit", rule.limit), ("extension", rule.extension)):
        value = change.get(key, bound)
        if value is None and bound is not None:
            wrong.append(f"{rule.id}: a limit of {bound} cannot be dropped")
        elif value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
            wrong.append(f"{rule.id}: {key} {value!r} is no number of days")
        elif value is not None and bound is not None and value > bound:
            wrong.append(f"{rule.id}: {key} {value} is looser than {bound}")
    return wrong


@cache
def presets() -> Mapping[str, Preset]:
    """The shipped presets by id: ``national`` and ``local-sx`` (a county rule of Shanxi)."""
    table = yaml.safe_load((Path(__file__).parent / "clocks.yaml").read_text(encoding="utf-8"))
    made: dict[str, Preset] = {}
    for id, body in table.items():
        if "base" in body:
            made[id] = tighten(made[body["base"]], id, body)
            continue
        rules = {
            name: Rule(
                id=name,
                who=row["who"],
                unit=Unit(row["unit"]),
                limit=row["limit"],
                extension=row["extension"],
                consent=tuple(row.get("consent", ())),
                breach=row["breach"],
                article=row["article"],
                title=row["title"],
            )
            for name, row in body["clocks"].items()
        }
        made[id] = Preset(id, body["title"], rules, body["count_first_day"], body["pause_while_incomplete"])
    return made


def _months_later(start: date, months: int) -> date:
    number = start.year * 12 + start.month - 1 + months
    following = date((number + 1) // 12, (number + 1) % 12 + 1, 1)
    last = (following - timedelta(days=1)).day
    return date(number // 12, number % 12 + 1, min(start.day, last))
