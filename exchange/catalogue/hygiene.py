"""Which interfaces seem dead, and what to do about each: pure, over signs gathered elsewhere.

An entry nobody uses, that does not answer, or whose data are not kept up costs trust in all others. Nothing is ended
by itself: a proposal is a question to the department, with the reasons that speak for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from exchange.clock import moment

QUIET_DAYS = 90
"""So long after publication, or after the last call, an interface may go without being called."""
FAILING_DAYS = 7
"""So long a service may fail its probes before it is proposed for mending; four times as long: for retirement."""
PERIODS: Mapping[str, timedelta] = {
    "2": timedelta(days=1),
    "3": timedelta(days=7),
    "4": timedelta(days=31),
    "5": timedelta(days=92),
    "6": timedelta(days=366),
}
"""Update frequency of the catalogue entry → the time within which data are refreshed. Real time ("1") has no period:
its service is probed instead."""
LATE = 2
"""Refreshments that may be missed before data count as overdue."""

Words = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Signs:
    """What is known of one interface in force. Instants are RFC 3339 texts; None: never.

    ``uses``: agreements, subscriptions and the like; ``failing_since``: the first probe that failed since one passed.
    """

    interface: str
    kind: str
    department: str
    title: Mapping[str, str]
    published_at: str
    called_at: str | None = None
    uses: int = 0
    probed_at: str | None = None
    failing_since: str | None = None
    waived_until: str | None = None
    frequency: str = ""
    refreshed_at: str | None = None


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that speaks against an interface. ``rule``: unused | unwanted | failing | unproved | overdue."""

    rule: str
    words: Words
    since: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """What to do about an interface. ``action``: retire | mend | refresh | watch."""

    interface: str
    department: str
    title: Mapping[str, str]
    action: str
    reasons: tuple[Reason, ...]

    def to_json(self) -> dict[str, Any]:
        """The shape of the API."""
        return {
            "interface": self.interface,
            "department": self.department,
            "title": dict(self.title),
            "action": self.action,
            "reasons": [{"rule": r.rule, "since": r.since, "words": dict(r.words)} for r in self.reasons],
        }


def proposals(signs: Iterable[Signs], now: datetime) -> list[Proposal]:
    """Interfaces something speaks against: to retire first, then to mend, to refresh, to watch; each with why."""
    made = []
    for one in signs:
        reasons = tuple(_reasons(one, now))
        if reasons:
            action = _action({reason.rule for reason in reasons}, one, now)
            made.append(Proposal(one.interface, one.department, one.title, action, reasons))
    order = ("retire", "mend", "refresh", "watch")
    return sorted(made, key=lambda one: (order.index(one.action), one.department, one.interface))


def _action(rules: set[str], one: Signs, now: datetime) -> str:
    if {"unused", "unwanted"} <= rules:
        return "retire"
    if "failing" in rules and one.failing_since is not None:
        forsaken = _days(one.failing_since, now) >= 4 * FAILING_DAYS
        return "retire" if forsaken and not one.uses else "mend"
    if "unproved" in rules:
        return "mend"
    return "refresh" if "overdue" in rules else "watch"


def _reasons(one: Signs, now: datetime) -> Iterable[Reason]:
    if one.kind != "process":  # a process is followed step by step; nobody calls it itself
        quiet = one.called_at or one.published_at
        days = _days(quiet, now)
        if days >= QUIET_DAYS and one.called_at is None:
            yield _reason("unused", f"发布 {days} 天以来从未被调用", f"never called in the {days} days since", quiet)
        elif days >= QUIET_DAYS:
            yield _reason("unused", f"{days} 天未被调用", f"not called for {days} days", quiet)
        days = _days(one.published_at, now)
        if not one.uses and days >= QUIET_DAYS:
            yield _reason("unwanted", "没有授权，也没有订阅方", "no agreement and no subscriber", one.published_at)
    if one.failing_since is not None and (days := _days(one.failing_since, now)) >= FAILING_DAYS:
        yield _reason(
            "failing", f"连续 {days} 天探测不通过", f"has failed its probes for {days} days", one.failing_since
        )
    ended = one.waived_until
    if ended is not None and one.probed_at is None and moment(ended) < now:
        yield _reason("unproved", "豁免已到期，仍未通过探测", "its waiver ended and no probe was made", ended)
    period, refreshed = PERIODS.get(one.frequency), one.refreshed_at or one.published_at
    if one.kind == "dataset" and period is not None and now - moment(refreshed) > LATE * period:
        days = _days(refreshed, now)
        yield _reason("overdue", f"数据已 {days} 天未更新", f"data not refreshed for {days} days", refreshed)


def _days(since: str, now: datetime) -> int:
    return (now - moment(since)).days


def _reason(rule: str, chinese: str, english: str, since: str) -> Reason:
    return Reason(rule, {"zh_CN": chinese, "en": english}, since)
