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
from exchange.errors import Conflict, Invalid, Unprocessable
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
    ``stood``: working days it stood still, ``stopped_on`` the day since which it does. ``met_at`` is when it ended;
    ``outcome`` says how: `MET`, or `MOOT` when there was nothing left to do.
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
    stood: int = 0
    stopped_on: date | None = None
    outcome: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to act."""
        return self.met_at is None

    def is_late(self, day: date) -> bool:
        """Whether the limit passed before the act, or before it was stopped; the due day itself is still in time."""
        return self.is_open and self.due is not None and (self.stopped_on or day) > self.due


MET, MOOT = "met", "moot"


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


def start(
    id: str,
    preset: Preset,
    rule: str,
    subject: str,
    party: str,
    day: date,
    calendar: Calendar,
    until: date | None = None,
) -> Running:
    """A clock that begins on ``day``; ``until``: the day an order or a demand names where the law names none.

    Raises `Unprocessable` for an ``until`` in the past, or where the law has a figure of its own.
    """
    found = preset.rules[rule]
    end = due(found, day, calendar, count_first=preset.count_first_day)
    if until is not None:
        if end is not None:
            raise Unprocessable(f"the day of {rule} follows from the law")
        if until < day:
            raise Unprocessable(f"{until} has passed", hint="name today or a later day", pointer="/due")
        end = Due(until, provisional=False)
    return Running(
        id, rule, subject, party, day, end.day if end else None, bool(end and end.provisional), code=found.breach
    )


def recomputed(clock: Running, preset: Preset, calendar: Calendar) -> Running:
    """The clock after the calendar changed; its old due day stays in ``former``. Only open clocks move."""
    rule = preset.rules.get(clock.rule)
    if rule is None or not clock.is_open or clock.breached_at is not None:
        return clock
    more = clock.extended + clock.stood
    end = due(rule, clock.started, calendar, count_first=preset.count_first_day, extended=more)
    if end is None or (end.day == clock.due and end.provisional == clock.provisional):
        return clock
    former = clock.former if clock.due in (None, end.day) else (*clock.former, str(clock.due))
    return replace(clock, due=end.day, provisional=end.provisional, former=former)


def ended(clock: Running, at: str, day: date, outcome: str = MET) -> tuple[Running, bool]:
    """The clock after the act (`MET`), or after the act became pointless (`MOOT`), and whether that makes a breach.

    An act after its day is a breach first, whoever looks when. An ended clock stays as it ended.
    """
    if not clock.is_open:
        return clock, False
    noted, new = breached(clock, at, day)
    return replace(noted, met_at=at, outcome=outcome), new


def breached(clock: Running, at: str, day: date) -> tuple[Running, bool]:
    """The clock with its breach noted if it ran out, and whether that is new: no clock is breached twice."""
    if clock.breached_at is not None or not clock.is_late(day):
        return clock, False
    return replace(clock, breached_at=at), True


def stopped(clock: Running, day: date) -> Running:
    """The clock standing still from ``day`` on; one that is over, late or stands already stays as it is."""
    movable = clock.is_open and clock.stopped_on is None and clock.breached_at is None and not clock.is_late(day)
    return replace(clock, stopped_on=day) if movable else clock


def resumed(clock: Running, preset: Preset, calendar: Calendar, day: date) -> Running:
    """The clock running again: as many working days are added as it stood still."""
    if clock.stopped_on is None or not clock.is_open:
        return clock
    missed = calendar.between(clock.stopped_on, day)
    running = replace(clock, stopped_on=None, stood=clock.stood + missed)
    return recomputed(running, preset, calendar)


def extended(
    clock: Running, preset: Preset, calendar: Calendar, days: int, consent: Mapping[str, str], day: date | None = None
) -> Running:
    """The clock with ``days`` more. ``consent`` maps each party the law asks to who gave it and when.

    Raises `Unprocessable` when a consent is missing or the total passes the ceiling, `Conflict` when it is
    over.
    """
    rule = preset.rules[clock.rule]
    if not clock.is_open or clock.breached_at is not None or (day is not None and clock.is_late(day)):
        raise Conflict("this clock is over", hint="an extension has to be asked for before the day it is due")
    missing = [name for name in rule.consent if not consent.get(name)]
    if missing:
        raise Unprocessable(f"an extension of {clock.rule} needs: {', '.join(missing)}", hint=f"art {rule.article}")
    if days < 1 or clock.extended + days > rule.extension:
        raise Unprocessable(
            f"{clock.rule} may grow by {rule.extension} in all; {clock.extended} are used, {days} asked",
            hint=f"art {rule.article}: ask for at most {rule.extension - clock.extended}",
            pointer="/days",
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
    for name, row in local.get("adds", {}).items():
        if name in rules:
            wrong.append(f"{name} is a clock of {base.id} already")
        else:
            rules[name] = _rule(name, row)
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
        rules = {name: _rule(name, row) for name, row in body["clocks"].items()}
        made[id] = Preset(id, body["title"], rules, body["count_first_day"], body["pause_while_incomplete"])
    return made


def preset(name: str) -> Preset:
    """A shipped preset by its id, or the one of a YAML file: ``{id: {base: national, clocks: …}}``.

    Raises `Invalid` for a name that is neither, `Unprocessable` for a file with a looser value.
    """
    if name in presets():
        return presets()[name]
    known = ", ".join(presets())
    try:
        table = yaml.safe_load(Path(name).read_text(encoding="utf-8"))
        (id, body), *more = table.items()
        base = presets()[body["base"]]
    except (OSError, UnicodeDecodeError):
        raise Invalid(f"there are no clocks {name!r}", hint=f"name one of {known}, or a YAML file") from None
    except (yaml.YAMLError, AttributeError, KeyError, TypeError, ValueError):
        raise Invalid(f"{name} holds no clocks", hint=f"one entry with base (one of {known}) and clocks") from None
    if more:
        raise Invalid(f"{name} holds several sets of clocks", hint="one file, one set")
    return tighten(base, str(id), body)


def _rule(name: str, row: Mapping[str, Any]) -> Rule:
    return Rule(
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


def _months_later(start: date, months: int) -> date:
    number = start.year * 12 + start.month - 1 + months
    following = date((number + 1) // 12, (number + 1) % 12 + 1, 1)
    last = (following - timedelta(days=1)).day
    return date(number // 12, number % 12 + 1, min(start.day, last))
