"""Running clocks kept with the ledger: started, met, breached, moved when the calendar changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from sqlalchemy import Connection

from exchange.agreements import calendar, clocks, store
from exchange.agreements.calendar import Calendar
from exchange.agreements.clocks import Preset, Running
from exchange.clock import Clock, new_id, stamp
from exchange.ledger.service import Ledger


class Deadlines:
    """The clock engine of one exchange: one preset, one calendar (shipped years, overruled by the table)."""

    def __init__(self, ledger: Ledger, clock: Clock, preset: Preset) -> None:
        self.ledger, self.clock, self.preset = ledger, clock, preset

    def calendar(self, tx: Connection) -> Calendar:
        """The working-day calendar now in force."""
        return Calendar([*calendar.shipped(), *store.years(tx)])

    def start(self, tx: Connection, rule: str, subject: str, party: str, since: date | None = None) -> Running:
        """Start a clock for what ``party`` now has to do about ``subject``; ``since`` defaults to today."""
        now = self.clock()
        day = since or calendar.today(now)
        made = clocks.start(new_id("clk", now), self.preset, rule, subject, party, day, self.calendar(tx))
        store.save_clock(tx, made)
        return made

    def meet(self, tx: Connection, subject: str, *rules: str) -> None:
        """Note that the act was done; an act after its day is a breach first, whoever looks when."""
        for running in store.clocks(tx, subject=subject, open_only=True):
            if not rules or running.rule in rules:
                noted = self._breach(tx, running)
                store.save_clock(tx, replace(noted, met_at=stamp(self.clock())))

    def sweep(self, tx: Connection) -> list[Running]:
        """Record every clock that ran out since the last sweep; gives those."""
        late = store.clocks(tx, late_on=calendar.today(self.clock()))
        return [self._breach(tx, running) for running in late]

    def load(
        self, tx: Connection, number: int, holidays: Sequence[str], workdays: Sequence[str], source: str
    ) -> list[Running]:
        """Put a year's notice into the table and move every open clock it touches; gives the moved ones.

        Raises `Unprocessable` for a notice that contradicts itself.
        """
        loaded = calendar.year(number, calendar.days(holidays), calendar.days(workdays), source)
        store.save_year(tx, loaded)
        self._record(
            tx,
            "calendar.loaded",
            year=number,
            source=loaded.source,
            holidays=len(loaded.holidays),
            workdays=len(loaded.workdays),
        )
        days, moved = self.calendar(tx), []
        for running in store.clocks(tx, open_only=True):
            again = clocks.recomputed(running, self.preset, days)
            if again != running:
                store.save_clock(tx, again)
                moved.append(again)
                self._record(
                    tx, "clock.moved", clock=running.id, rule=running.rule, subject=running.subject,
                    party=running.party, before=str(running.due), due=str(again.due),
                    provisional=again.provisional,
                )  # fmt: skip
        return moved

    def _breach(self, tx: Connection, running: Running) -> Running:
        now = self.clock()
        if running.breached_at is not None or not running.is_late(calendar.today(now)):
            return running
        noted = replace(running, breached_at=stamp(now))
        store.save_clock(tx, noted)
        self._record(
            tx, "clock.breached", clock=running.id, rule=running.rule, subject=running.subject,
            party=running.party, due=str(running.due), code=running.code or "",
        )  # fmt: skip
        return noted

    def _record(self, tx: Connection, kind: str, **body: Any) -> None:
        self.ledger.append(tx, kind, body)
