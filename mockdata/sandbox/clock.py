"""The virtual clock of a sandbox: set to a moment, moved by a duration, running or standing still."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

Now = Callable[[], datetime]

_DURATION = re.compile(
    r"(?P<sign>[-+])?P(?=.)(?:(?P<years>\d{1,4})Y)?(?:(?P<months>\d{1,5})M)?(?:(?P<weeks>\d{1,5})W)?"
    r"(?:(?P<days>\d{1,6})D)?(?:T(?=.)(?:(?P<hours>\d{1,7})H)?(?:(?P<minutes>\d{1,8})M)?(?:(?P<seconds>\d{1,9})S)?)?"
)


class ClockError(ValueError):
    """A time, a duration or a change of the clock that cannot be understood."""


@dataclass(frozen=True, slots=True)
class Duration:
    """A duration of ISO 8601: months (of the calendar) and seconds, both with their sign."""

    months: int
    seconds: int

    def after(self, moment: datetime) -> datetime:
        """The moment so much later; the 31st becomes the last day of a shorter month. Raises ClockError."""
        place = moment.year * 12 + moment.month - 1 + self.months
        year, month = divmod(place, 12)
        try:
            day = min(moment.day, monthrange(year, month + 1)[1])
            return moment.replace(year=year, month=month + 1, day=day) + timedelta(seconds=self.seconds)
        except (ValueError, OverflowError, IndexError):
            raise ClockError("the clock would leave the years 1 to 9999") from None

    def before(self, moment: datetime) -> datetime:
        """The moment so much earlier. Raises ClockError."""
        return Duration(-self.months, -self.seconds).after(moment)


def duration(text: Any) -> Duration:
    """A duration such as P13M, P1Y2DT3H or -PT90S. Raises ClockError."""
    found = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise ClockError(f"{text!r} is no duration; write P13M, P10D or PT90S")
    part = {name: int(value or 0) for name, value in found.groupdict().items() if name != "sign"}
    sign = -1 if found["sign"] == "-" else 1
    days = part["weeks"] * 7 + part["days"]
    seconds = days * 86_400 + part["hours"] * 3600 + part["minutes"] * 60 + part["seconds"]
    return Duration(sign * (part["years"] * 12 + part["months"]), sign * seconds)


def moment(text: Any) -> datetime:
    """A moment in UTC from RFC 3339 text; a day alone is its beginning, without a zone UTC. Raises ClockError."""
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        raise ClockError(f"{text!r} is no time; write 2027-12-01 or 2027-12-01T09:00:00Z") from None


def written(at: datetime) -> str:
    """RFC 3339 text of a moment, in UTC with milliseconds."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class Setting:
    """How a clock is set: it showed `at` when the real time was `since`, and runs on from there or stands."""

    at: datetime
    since: datetime
    running: bool = True

    def time(self, now: datetime) -> datetime:
        """What the clock shows at a real time; it stops at the end of the year 9999."""
        try:
            return self.at + (now - self.since) if self.running else self.at
        except OverflowError:
            return datetime.max.replace(tzinfo=UTC)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON; `setting` reads it."""
        return {"at": written(self.at), "since": written(self.since), "running": self.running}


def setting(value: Mapping[str, Any] | None) -> Setting | None:
    """The inverse of `Setting.to_json`; None stays None: the real time."""
    return None if value is None else Setting(moment(value["at"]), moment(value["since"]), bool(value["running"]))


def changed(held: Setting | None, change: Any, now: datetime) -> Setting | None:
    """The setting after a change asked for at a real time, None: the real time again.

    `change` is an object with `set` (a moment), `advance` (a duration), `running` (false: stand still), in this order,
    or `real: true` alone. Raises ClockError.
    """
    if not isinstance(change, Mapping) or not change or not change.keys() <= {"set", "advance", "running", "real"}:
        raise ClockError("a change of the clock is an object with set, advance, running, or real: true")
    if "real" in change:
        if change["real"] is not True or len(change) > 1:
            raise ClockError("real: true stands alone")
        return None
    running = change.get("running", held.running if held is not None else True)
    if not isinstance(running, bool):
        raise ClockError("running is true or false")
    shown = held.time(now) if held is not None else now
    if "set" in change:
        shown = moment(change["set"])
    if "advance" in change:
        shown = duration(change["advance"]).after(shown)
    return Setting(shown, now, running)


class VirtualClock:
    """A clock to hand to a Sandbox. Without a setting it tells the time of `real`."""

    def __init__(self, real: Now, held: Setting | None = None) -> None:
        self.real = real
        self.held = held

    def __call__(self) -> datetime:
        """What the clock shows, in UTC."""
        held, now = self.held, self.real()
        return now if held is None else held.time(now)

    @property
    def virtual(self) -> bool:
        """Whether it was set."""
        return self.held is not None

    def change(self, asked: Any) -> None:
        """Set, advance, stop or start it, or give it back to the real time; see `changed`. Raises ClockError."""
        self.held = changed(self.held, asked, self.real())

    def to_json(self) -> dict[str, Any]:
        """What it shows and how it is set."""
        held = self.held
        return {"now": written(self()), "virtual": held is not None, "running": held is None or held.running}
