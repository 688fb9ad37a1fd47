"""What a data officer looks for: flows, how they are narrowed and summed, findings. Pure values and functions."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache
from typing import Any

from exchange.brokering.model import UNLISTED
from exchange.errors import Invalid

CHINA = timezone(timedelta(hours=8))
"""Days and hours of day are those of the departments."""
LEVELS = ("general-1", "general-2", "general-3", "general-4", "important", "core")
"""Sensitivity from the least to the gravest (GB/T 43697)."""
EPOCH = date(1970, 1, 1)
MORE = "…"
"""Stands for fields that are not named one by one, because they were too many."""
NAMED = 20
"""Fields named in one sentence."""


@dataclass(frozen=True, slots=True)
class Flow:
    """One call through the broker: data that left, a refusal or a failure. Field names only, never values.

    ``claimed``: the purpose the consumer stated, where it is not the agreed one; ``(other)``: one no agreement has.
    """

    id: str
    at: str
    provider: str
    consumer: str
    interface: str
    operation: str
    agreement: str | None
    purpose: str
    legal_basis: str
    state: str
    rule: str
    fields: tuple[str, ...]
    records: int
    launch: str | None = None
    entry: int | None = None
    claimed: str = ""
    done_at: str | None = None

    @property
    def refused(self) -> bool:
        """A rule refused the call; nothing left."""
        return self.state == "refused"

    @property
    def delivered(self) -> bool:
        """Data left."""
        return self.state == "delivered"

    def to_dict(self) -> dict[str, Any]:
        """The JSON shape of the API."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__} | {"fields": list(self.fields)}


@dataclass(frozen=True, slots=True)
class Channel:
    """流: everything that makes calls the same kind of call. A call differs from another of its channel by time only.

    ``fields`` that are too many to name end in `MORE`. ``sensitivity``: the gravest class among all of them, "" when
    none is stated; as it stood when the channel was first seen. ``claimed``: the purpose a refused call stated.
    """

    provider: str
    consumer: str
    interface: str
    operation: str
    agreement: str
    purpose: str
    law: str
    state: str
    rule: str
    fields: tuple[str, ...]
    sensitivity: str
    claimed: str = ""


@dataclass(frozen=True, slots=True)
class Sum:
    """A channel within a period: calls, records that left, and the newest ledger entry among them."""

    id: int
    channel: Channel
    calls: int
    records: int
    entry: int


@dataclass(frozen=True, slots=True)
class Filter:
    """How flows are narrowed; empty words let everything through, all that are given hold together.

    ``since`` and ``until`` are days in China, both included. ``sensitivity``: that class or a graver one.
    """

    since: str = ""
    until: str = ""
    provider: str = ""
    consumer: str = ""
    interface: str = ""
    purpose: str = ""
    law: str = ""
    field: str = ""
    sensitivity: str = ""
    outcome: str = ""
    rule: str = ""
    claimed: str = ""

    def __post_init__(self) -> None:
        for name in ("since", "until"):
            try:
                _ = getattr(self, name) and date.fromisoformat(getattr(self, name))
            except ValueError:
                raise Invalid(f"{name} is no day", hint="write it as 2026-11-02", pointer=f"/{name}") from None
        if self.sensitivity and self.sensitivity not in LEVELS:
            raise Invalid(f"{self.sensitivity!r} is no class", hint=f"one of {', '.join(LEVELS)}")

    @property
    def given(self) -> dict[str, str]:
        """What was given, for an address."""
        return {one.name: getattr(self, one.name) for one in fields(self) if getattr(self, one.name)}

    @property
    def narrow(self) -> bool:
        """Whether more than a period was given."""
        return bool(self.given.keys() - {"since", "until"})

    @property
    def days(self) -> tuple[int, int]:
        """First and last day, counted from 1970."""
        first = (date.fromisoformat(self.since) - EPOCH).days if self.since else 0
        return first, (date.fromisoformat(self.until) - EPOCH).days if self.until else 10**6

    def passes(self, channel: Channel) -> bool:
        """Whether a channel is let through; the period is not looked at."""
        return (
            (not self.provider or channel.provider == self.provider)
            and (not self.consumer or channel.consumer == self.consumer)
            and (not self.interface or channel.interface == self.interface)
            and (not self.purpose or channel.purpose == self.purpose)
            and (not self.law or channel.law == self.law)
            and (not self.field or self.field in channel.fields)
            and (not self.sensitivity or grave(channel.sensitivity) >= LEVELS.index(self.sensitivity))
            and (not self.outcome or channel.state == self.outcome)
            and (not self.rule or channel.rule == self.rule)
            and (not self.claimed or channel.claimed == self.claimed)
        )


@dataclass(frozen=True, slots=True)
class Granted:
    """An agreement as oversight sees it: who may send which fields to whom."""

    id: str
    provider: str
    consumer: str
    interface: str
    fields: tuple[str, ...]
    state: str
    since: str


@dataclass(frozen=True, slots=True)
class Overdue:
    """A statutory clock that ran out and on which nobody has acted yet. ``entry``: where its breach is proved."""

    clock: str
    rule: str
    subject: str
    party: str
    due: str
    code: str
    entry: int


@dataclass(frozen=True, slots=True)
class Finding:
    """发现: something a data officer should look at, with what to do about it."""

    kind: str
    severity: str
    subject: str
    detail_zh: str
    detail_en: str
    evidence: tuple[str, ...] = field(default=())

    def to_dict(self) -> dict[str, Any]:
        """The JSON shape of the API."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__} | {"evidence": list(self.evidence)}


def listed(names: Sequence[str], comma: str = ", ", rest: str = "and others, {} in all") -> str:
    """Names in a sentence, the first `NAMED` of them."""
    if len(names) <= NAMED:
        return comma.join(names)
    return f"{comma.join(names[:NAMED])} {rest.format(len(names))}"


def grave(level: str) -> int:
    """How grave a class is: its place in `LEVELS`, -1 for none."""
    return LEVELS.index(level) if level in LEVELS else -1


def day_of(at: str) -> int:
    """The day in China of an RFC 3339 instant, counted from 1970."""
    return (datetime.fromisoformat(at).astimezone(CHINA).date() - EPOCH).days


def hour_of(at: str) -> int:
    """The hour of an RFC 3339 instant, counted from 1970-01-01 00:00 UTC."""
    return int(datetime.fromisoformat(at).timestamp()) // 3600


@lru_cache(maxsize=64)
def month_of(day: int) -> int:
    """The month of a day counted from 1970, counted from the year 0."""
    found = EPOCH + timedelta(days=day)
    return found.year * 12 + found.month - 1


def months_within(first: int, last: int) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
    """A period of days as whole months, the days before them, the days after: each (first, last), perhaps empty."""
    newest = (date(9000, 1, 1) - EPOCH).days
    first, last = max(0, first), min(last, newest)
    begins = month_of(first) if _first_day(month_of(first)) == first else month_of(first) + 1
    ends = month_of(last) if _first_day(month_of(last) + 1) == last + 1 else month_of(last) - 1
    if begins > ends:
        return (1, 0), (first, last), (1, 0)
    return (begins, ends), (first, _first_day(begins) - 1), (_first_day(ends + 1), last)


def _first_day(month: int) -> int:
    return (date(month // 12, month % 12 + 1, 1) - EPOCH).days


def hour_text(hour: int) -> str:
    """An hour counted from 1970 as ``2026-11-02 09:00`` in China."""
    return datetime.fromtimestamp(hour * 3600, UTC).astimezone(CHINA).strftime("%Y-%m-%d %H:%M")


def day_text(day: int) -> str:
    """A day counted from 1970 as ``2026-11-02``."""
    return str(EPOCH + timedelta(days=day))


def matrix(sums: Iterable[Sum]) -> list[dict[str, Any]]:
    """Provider × consumer: how often data left, how many records, and how often it was refused, most first."""
    counted: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    for one in sums:
        cell = counted[one.channel.provider, one.channel.consumer]
        if one.channel.state == "delivered":
            cell[0] += one.calls
            cell[2] += one.records
        elif one.channel.state == "refused":
            cell[1] += one.calls
    pairs = sorted(counted, key=lambda pair: (-counted[pair][0], pair))
    return [
        {
            "provider": provider,
            "consumer": consumer,
            "delivered": counted[provider, consumer][0],
            "refused": counted[provider, consumer][1],
            "records": counted[provider, consumer][2],
        }
        for provider, consumer in pairs
    ]


DIMENSIONS: Mapping[str, Callable[[Channel], Iterable[str]]] = {
    "provider": lambda c: (c.provider,),
    "consumer": lambda c: (c.consumer,),
    "interface": lambda c: (c.interface,),
    "purpose": lambda c: (c.purpose,),
    "law": lambda c: (c.law,),
    "field": lambda c: c.fields,
    "sensitivity": lambda c: (c.sensitivity,),
    "outcome": lambda c: (c.state,),
    "rule": lambda c: (c.rule,),
    "claimed": lambda c: (c.claimed,) if c.claimed else (),
}
"""What flows can be summed by. A call counts under every field that left with it; under a purpose claimed only if
that is not the agreed one.
"""


def by(dimension: str, sums: Iterable[Sum]) -> list[dict[str, Any]]:
    """Calls and records by one of `DIMENSIONS`, most first; only what left, unless by outcome, rule or claim.

    Raises `Invalid` for an unknown one.
    """
    if dimension not in DIMENSIONS:
        raise Invalid(f"flows cannot be summed by {dimension!r}", hint=f"one of {', '.join(DIMENSIONS)}")
    any_outcome = dimension in ("outcome", "rule", "claimed")
    calls: Counter[str] = Counter()
    records: Counter[str] = Counter()
    for one in sums:
        if any_outcome or one.channel.state == "delivered":
            for value in DIMENSIONS[dimension](one.channel):
                calls[value] += one.calls
                records[value] += one.records
    order = sorted(calls, key=lambda value: (-calls[value], value))
    return [{"value": value, "calls": calls[value], "records": records[value]} for value in order]


def findings(
    sums: Iterable[Sum],
    granted: Iterable[Granted],
    overdue: Iterable[Overdue] = (),
    beside: Mapping[str, Iterable[str]] | None = None,
) -> list[Finding]:
    """Overdue clocks, refused attempts, agreements nobody uses, agreed fields that never left.

    ``beside``: agreement → agreed fields that left with calls whose channel does not name them (`MORE`).
    """
    refused: dict[tuple[str, str, str], list[Sum]] = {}
    used: dict[str, set[str]] = {}
    for one in sums:
        channel = one.channel
        if channel.state == "refused":
            refused.setdefault((channel.consumer, channel.interface, channel.rule), []).append(one)
        elif channel.state == "delivered" and channel.agreement:
            used.setdefault(channel.agreement, set()).update(channel.fields)
    for id, names in (beside or {}).items():
        if id in used:
            used[id].update(names)
    return [
        *map(_late, overdue),
        *(_refused(*key, attempts) for key, attempts in refused.items()),
        *(found for agreement in granted if (found := _unneeded(agreement, used.get(agreement.id)))),
    ]


def _late(clock: Overdue) -> Finding:
    code = f"（{clock.code}）" if clock.code else ""
    return Finding(
        "overdue-clock",
        "warning",
        clock.party,
        f"{clock.party} 逾期未办 {clock.rule}：{clock.subject}，应于 {clock.due} 前办理{code}",
        f"{clock.party} is late on {clock.rule} for {clock.subject}, due {clock.due}"
        + (f" ({clock.code})" if clock.code else ""),
        (str(clock.entry),),
    )


def _refused(consumer: str, interface: str, rule: str, attempts: list[Sum]) -> Finding:
    times = sum(one.calls for one in attempts)
    claims = sorted({one.channel.claimed for one in attempts if one.channel.claimed})
    zh = f"，所称用途：{listed([_claim(one, 0) for one in claims], '、', '等 {} 项')}" if claims else ""
    en = f", stating {listed([_claim(one, 1) for one in claims])}" if claims else ""
    return Finding(
        "refused-attempt",
        "warning",
        consumer,
        f"{consumer} 调用 {interface} 被拒绝 {times} 次（规则 {rule}）{zh}",
        f"{consumer} was refused {times} time(s) at {interface} by the rule {rule}{en}",
        tuple(str(one.entry) for one in sorted(attempts, key=lambda one: -one.entry)[:20]),
    )


def _claim(said: str, language: int) -> str:
    return ("任何授权均未载明的用途", "a purpose no agreement has")[language] if said == UNLISTED else said


def _unneeded(agreement: Granted, used: set[str] | None) -> Finding | None:
    if agreement.state != "active":
        return None
    what = f"{agreement.provider} → {agreement.consumer}"
    if used is None:
        return Finding(
            "unused-agreement",
            "info",
            agreement.id,
            f"授权 {agreement.id} 尚未使用：{what}，{agreement.interface}",
            f"agreement {agreement.id} was never used: {what}, {agreement.interface}",
        )
    unused = sorted(set(agreement.fields) - used)
    if not unused:
        return None
    return Finding(
        "unused-fields",
        "info",
        agreement.id,
        f"授权 {agreement.id} 可以收窄：从未使用字段 {listed(unused, '、', '等 {} 项')}",
        f"agreement {agreement.id} can be narrowed: never used {listed(unused)}",
    )
