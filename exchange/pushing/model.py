"""Push subscriptions: values, schedules, signatures, back-off, and which records belong to a division."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta, timezone
from enum import StrEnum
from typing import Any

from exchange.errors import Unprocessable

BEIJING = timezone(timedelta(hours=8))
SECRET_BYTES = 32
BACKOFF = (5, 300, 1800, 7200, 18000, 36000, 36000)
"""Seconds between tries (Standard Webhooks): eight tries in 28 hours, then a message is dead."""
SHORTEST, LONGEST = timedelta(minutes=1), timedelta(days=366)
MOST_SUBSCRIPTIONS = 200
"""Subscriptions of one party that are not ended."""
NOTHING = object()
_EVERY = re.compile(r"P(?:(\d{1,3})D)?(?:T(?:(\d{1,4})H)?(?:(\d{1,5})M)?)?\Z")
_AT = re.compile(r"([01]\d|2[0-3]):([0-5]\d)\Z")
_DIVISION = re.compile(r"[1-9]\d(?:\d\d(?:\d\d(?:\d{3}(?:\d{3})?)?)?)?\Z")
_EVENT = re.compile(r"[A-Za-z0-9._~-]{1,64}\Z")


class Kind(StrEnum):
    """What makes a record go out: the provider's event, a schedule, or either for one division (回流, art 24)."""

    EVENT = "event"
    SCHEDULE = "schedule"
    RETURN = "return"


class State(StrEnum):
    """Life of a subscription. Ended is for good: by its consumer, or because its agreement did."""

    ACTIVE = "active"
    PAUSED = "paused"
    ENDED = "ended"


class Fate(StrEnum):
    """Life of a message. ``asked``: still to be decided, fetched and cut; ``ready``: receipted and on its way;
    ``outside``: of an event of which the agreement's rows let nothing out.
    """

    ASKED = "asked"
    READY = "ready"
    DELIVERED = "delivered"
    DEAD = "dead"
    OUTSIDE = "outside"
    WITHHELD = "withheld"
    EXPIRED = "expired"


WAITING = (Fate.ASKED, Fate.READY)


@dataclass(frozen=True, slots=True)
class Schedule:
    """How often: ``every`` as an ISO 8601 duration of days, hours and minutes; whole days may say ``at`` (Beijing)."""

    every: str
    at: str | None = None

    @property
    def step(self) -> timedelta:
        """The duration. Raises `Unprocessable` when it is none, or too short or long."""
        found = _EVERY.match(self.every)
        days, hours, minutes = (int(part or 0) for part in found.groups()) if found else (0, 0, 0)
        step = timedelta(days=days, hours=hours, minutes=minutes)
        if not SHORTEST <= step <= LONGEST:
            raise Unprocessable("every is a duration of a minute to a year", hint="PT15M, P1D", pointer="/every")
        return step

    def check(self) -> None:
        """Raises `Unprocessable` with the pointer of what is wrong."""
        whole = self.step % timedelta(days=1) == timedelta(0)
        if self.at is not None and not (whole and _AT.match(self.at)):
            raise Unprocessable(
                "at is a time of day, for whole days", hint='{"every": "P1D", "at": "02:30"}', pointer="/at"
            )

    def next(self, last: datetime, now: datetime) -> datetime:
        """The first turn after ``now`` of those that follow ``last``: turns nobody was there for are not made up."""
        if self.at is not None:
            day = last.astimezone(BEIJING).date()
            hour, minute = (int(part) for part in self.at.split(":"))
            last = datetime.combine(day, time(hour, minute), BEIJING).astimezone(now.tzinfo)
        turns = max(0, (now - last) // self.step) + (1 if last <= now else 0)
        return last + turns * self.step


@dataclass(frozen=True, slots=True)
class Call:
    """The call a record is the answer of: values of path parameters, raw query, JSON body."""

    path: Mapping[str, str] = field(default_factory=dict)
    query: str = ""
    body: Any = None


@dataclass(frozen=True, slots=True)
class Subscription:
    """What a consumer wants to be sent, under which agreement, and where to.

    ``position``: number of its last message. ``failures``: tries in a row that found nobody at the destination, which
    is let alone until ``hold_until``. ``next_at``: of a schedule. ``job``: the round that is sending, if any.
    """

    id: str
    consumer: str
    provider: str
    agreement: str
    interface: str
    operation: str
    purpose: str
    kind: Kind
    destination: str
    created_by: str
    created_at: str
    every: str | None = None
    at: str | None = None
    division: str | None = None
    division_field: str | None = None
    state: State = State.ACTIVE
    reason: str = ""
    position: int = 0
    failures: int = 0
    hold_until: str | None = None
    next_at: str | None = None
    job: str | None = None
    rounds: int = 0

    @property
    def schedule(self) -> Schedule | None:
        """When it is its turn; None where the provider's events say so."""
        return None if self.every is None else Schedule(self.every, self.at)


@dataclass(frozen=True, slots=True)
class Message:
    """One record on its way to one subscription. Its content is kept sealed and apart, until it is too old.

    ``id`` stays the same over tries and replays, so that a consumer can tell what it has. ``delivery`` is the receipt
    under which the record was released.
    """

    id: str
    subscription: str
    position: int
    at: str
    due_at: str
    fate: Fate = Fate.ASKED
    event: str | None = None
    tries: int = 0
    replays: int = 0
    status: int | None = None
    error: str = ""
    delivery: str | None = None
    fields: tuple[str, ...] = ()
    done_at: str | None = None


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of a subscription's messages, as far back as they are listed; ``oldest``: since when the first of
    those that wait does; ``latest``: when one last arrived.
    """

    counts: Mapping[Fate, int]
    oldest: str | None
    latest: str | None

    @property
    def waiting(self) -> int:
        """Messages that are still to arrive."""
        return sum(self.counts.get(fate, 0) for fate in WAITING)

    @property
    def dead(self) -> int:
        """Messages given up: the dead letters."""
        return self.counts.get(Fate.DEAD, 0)


def about(wanted: Subscription) -> dict[str, Any]:
    """What the ledger says of a subscription in each of its entries."""
    names = ("consumer", "provider", "interface", "operation", "agreement", "purpose", "division")
    told = {"subscription": wanted.id} | {name: getattr(wanted, name) for name in names}
    return {name: value for name, value in told.items() if value is not None}


def again(tries: int) -> timedelta | None:
    """How long to wait after so many tries; None when that was the last one."""
    return timedelta(seconds=BACKOFF[tries - 1]) if 1 <= tries <= len(BACKOFF) else None


def patience(failures: int) -> timedelta:
    """How long a destination is let alone where nobody answered so many times in a row."""
    return timedelta(seconds=BACKOFF[min(failures, len(BACKOFF)) - 1])


def shown_secret(secret: bytes) -> str:
    """A signing secret as Standard Webhooks writes it."""
    return f"whsec_{base64.b64encode(secret).decode()}"


def signature(secrets: Sequence[bytes], id: str, timestamp: int, body: bytes) -> str:
    """The header ``webhook-signature``: one HMAC-SHA-256 for each secret in force, newest first."""
    signed = f"{id}.{timestamp}.".encode() + body
    made = (base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode() for secret in secrets)
    return " ".join(f"v1,{one}" for one in made)


def check_event(id: str) -> str:
    """A provider's id of an event. Raises `Unprocessable`."""
    if not _EVENT.match(id):
        raise Unprocessable("an event's id has 1 to 64 letters, digits, or . _ ~ -", pointer="/id")
    return id


def check_division(code: str) -> str:
    """A division by GB/T 2260 or its sub-divisions, 2 to 12 digits. Raises `Unprocessable`."""
    if not _DIVISION.match(code):
        raise Unprocessable("a division is a code of 2, 4, 6, 9 or 12 digits", hint="330106", pointer="/division")
    return code


def prefix(division: str) -> str:
    """What codes inside a division begin with: 330100 is Hangzhou with all its districts."""
    short = division
    for digits in (3, 3, 2, 2):
        if len(short) > 2 and short.endswith("0" * digits) and len(short) in _WIDTHS[digits]:
            short = short[:-digits]
    return short


_WIDTHS = {3: (12, 9), 2: (6, 4)}


def inside(code: Any, division: str) -> bool:
    """Whether a code is of a division or of one below it."""
    return isinstance(code, str) and code.startswith(prefix(division))


def returned(value: Any, name: str, division: str) -> Any:
    """What of an answer is about a division: records whose member ``name`` lies in it. `NOTHING` when none is.

    A record that does not say where it belongs is about no division: it is left out.
    """
    if isinstance(value, list):
        kept = [returned(item, name, division) for item in value if located(item, name)]
        return [item for item in kept if item is not NOTHING]
    if not isinstance(value, dict) or not located(value, name):
        return NOTHING
    if name in value:
        return value if inside(value[name], division) else NOTHING
    found = {key: returned(member, name, division) for key, member in value.items() if located(member, name)}
    return NOTHING if any(member is NOTHING for member in found.values()) else {**value, **found}


def emptied(value: Any) -> Any:
    """An answer without its records: every list in it is empty."""
    if isinstance(value, list):
        return []
    return {key: emptied(member) for key, member in value.items()} if isinstance(value, dict) else value


def located(value: Any, name: str, depth: int = 0) -> bool:
    """Whether a record anywhere in a value says where it belongs."""
    if depth > 20:
        return False
    if isinstance(value, dict):
        return name in value or any(located(member, name, depth + 1) for member in value.values())
    return isinstance(value, list) and any(located(item, name, depth + 1) for item in value)
