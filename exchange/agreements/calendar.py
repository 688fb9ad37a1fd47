"""The working-day calendar: pure arithmetic over loaded years; a date reached through an unloaded year is
provisional.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from exchange.errors import Unprocessable

BEIJING = timezone(timedelta(hours=8), "UTC+8")
"""Statutory days are days in China, which has kept one offset without summer time since 1991."""
LONGEST = 4000
"""No statutory limit comes near this many days; a larger one is a slip of the pen."""


@dataclass(frozen=True, slots=True)
class Year:
    """One year's notice: weekdays off and weekend days on. ``source`` names the notice or who typed it in.

    ``provisional``: entered before the notice was published; every date reached through it may still move.
    """

    year: int
    holidays: frozenset[date]
    workdays: frozenset[date]
    source: str
    provisional: bool = False


@dataclass(frozen=True, slots=True)
class Due:
    """The last day of a limit. ``provisional``: the span touches a year whose notice is not loaded (暂定)."""

    day: date
    provisional: bool


def today(now: datetime) -> date:
    """The calendar day in China at an aware instant."""
    return now.astimezone(BEIJING).date()


class Calendar:
    """Which days are worked. Give it years; it never guesses make-up days it has not been told."""

    def __init__(self, years: Iterable[Year]) -> None:
        self.years: Mapping[int, Year] = {year.year: year for year in years}

    def is_working(self, day: date) -> bool:
        """Whether people work on ``day``; Monday to Friday in a year that is not loaded."""
        year = self.years.get(day.year)
        if year is not None:
            if day in year.workdays:
                return True
            if day in year.holidays:
                return False
        return day.weekday() < 5

    def is_known(self, year: int) -> bool:
        """Whether the notice of a year is loaded, and final."""
        found = self.years.get(year)
        return found is not None and not found.provisional

    def between(self, first: date, last: date) -> int:
        """Working days from ``first`` (included) to ``last`` (not included); 0 when ``last`` is not later."""
        span = min((last - first).days, LONGEST * 2)
        return sum(self.is_working(first + timedelta(days=n)) for n in range(max(0, span)))

    def after(self, start: date, days: int, *, count_first: bool = False) -> Due:
        """The ``days``-th working day after ``start`` (0: ``start`` itself).

        ``count_first`` lets ``start`` be day 1 when it is worked. Raises `Unprocessable` outside 0–4000 days.
        """
        if not 0 <= days <= LONGEST:
            raise Unprocessable(f"a limit of {days} working days is outside 0–{LONGEST}")
        day, left = start, days
        provisional = not self.is_known(start.year)
        if count_first and left and self.is_working(day):
            left -= 1
        while left:
            day += timedelta(days=1)
            provisional = provisional or not self.is_known(day.year)
            left -= self.is_working(day)
        return Due(day, provisional)


def year(
    number: int, holidays: Iterable[date], workdays: Iterable[date], source: str, *, provisional: bool = False
) -> Year:
    """A checked `Year`. Raises `Unprocessable` naming every day that contradicts itself, all at once."""
    off, on = frozenset(holidays), frozenset(workdays)
    wrong = [] if 1949 < number < 2200 else [f"{number} is no year of this calendar"]
    wrong += [f"{day} is not in {number}" for day in sorted(off | on) if day.year != number]
    wrong += [f"{day} is both a holiday and a working day" for day in sorted(off & on)]
    wrong += [f"{day} is a weekday and needs no make-up entry" for day in sorted(on) if day.weekday() < 5]
    if not source.strip():
        wrong.append("the source (number of the notice) is missing")
    if wrong:
        raise Unprocessable(
            f"the calendar of {number} is wrong: {'; '.join(wrong)}", hint="correct all and send it again"
        )
    return Year(number, off, on, source.strip(), provisional)


@cache
def shipped() -> tuple[Year, ...]:
    """The years this release knows (calendar.yaml); a table in the database overrules them."""
    text = (Path(__file__).parent / "calendar.yaml").read_text(encoding="utf-8")
    table: dict[int, dict[str, Any]] = yaml.safe_load(text)
    return tuple(
        year(number, days(row["holidays"]), days(row["workdays"]), row["source"]) for number, row in table.items()
    )


def days(entries: Iterable[str | date]) -> list[date]:
    """Single days and inclusive ``first..last`` ranges as dates. Raises `Unprocessable` for anything else."""
    found: list[date] = []
    for entry in entries:
        try:
            first, _, last = str(entry).partition("..")
            start, end = date.fromisoformat(first), date.fromisoformat(last or first)
        except ValueError:
            raise Unprocessable(f"{entry!r} is no day", hint="2026-10-01 or 2026-10-01..2026-10-07") from None
        if not 0 <= (end - start).days < 366:
            raise Unprocessable(f"{entry!r} is no range of days", hint="2026-10-01..2026-10-07")
        found += [start + timedelta(days=n) for n in range((end - start).days + 1)]
    return found
