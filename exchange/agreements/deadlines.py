"""Running clocks kept with the ledger: started, met, breached, moved when the calendar changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from sqlalchemy import Connection

from exchange.agreements import calendar, clocks, proceeding_store, store
from exchange.agreements.calendar import Calendar
from exchange.agreements.clocks import Preset, Running
from exchange.agreements.violations import Violation
from exchange.clock import Clock, moment, new_id, stamp
from exchange.errors import Conflict
from exchange.ledger.model import Entry
from exchange.ledger.service import Ledger


class Deadlines:
    """The clock engine of one exchange: one preset, one calendar (shipped years, overruled by the table)."""

    def __init__(self, ledger: Ledger, clock: Clock, preset: Preset) -> None:
        self.ledger, self.clock, self.preset = ledger, clock, preset

    def calendar(self, tx: Connection) -> Calendar:
        """The working-day calendar now in force."""
        return Calendar([*calendar.shipped(), *store.years(tx)])

    def start(
        self,
        tx: Connection,
        rule: str,
        subject: str,
        party: str,
        since: date | None = None,
        until: date | None = None,
    ) -> Running:
        """Start a clock for what ``party`` now has to do about ``subject``; ``since`` defaults to today.

        ``until``: the day named in an order or a demand, where the law names none.
        """
        now = self.clock()
        day = since or calendar.today(now)
        days = self.calendar(tx)
        made = clocks.start(new_id("clk", now), self.preset, rule, subject, party, day, days, until)
        store.save_clock(tx, made)
        return made

    def meet(self, tx: Connection, subject: str, *rules: str) -> None:
        """Note that the act was done; an act after its day is a breach first, whoever looks when."""
        self._end(tx, subject, rules, clocks.MET)

    def drop(self, tx: Connection, subject: str, *rules: str) -> None:
        """Note that nothing is left to do; what was late by then stays late."""
        self._end(tx, subject, rules, clocks.MOOT)

    def stop(self, tx: Connection, subject: str, *rules: str) -> None:
        """Let clocks stand still: the party is kept from acting."""
        day = calendar.today(self.clock())
        for running in self._open(tx, subject, rules):
            noted = self._breach(tx, running)
            store.save_clock(tx, clocks.stopped(noted, day))

    def go_on(self, tx: Connection, subject: str, *rules: str) -> None:
        """Let stopped clocks run again, with the working days they stood still added."""
        day, days = calendar.today(self.clock()), self.calendar(tx)
        for running in self._open(tx, subject, rules):
            store.save_clock(tx, clocks.resumed(running, self.preset, days, day))

    def extend(self, tx: Connection, id: str, days: int, consent: Mapping[str, str]) -> Running:
        """A clock with more days, as the law allows. Raises `Conflict` for one that is over, `Unprocessable`."""
        running = store.clock(tx, id)
        if running is None:
            raise Conflict("this clock is over")
        today = calendar.today(self.clock())
        grown = clocks.extended(running, self.preset, self.calendar(tx), days, consent, today)
        store.save_clock(tx, grown)
        self._record(
            tx, "clock.extended", clock=id, rule=running.rule, subject=running.subject, party=running.party,
            before=str(running.due), due=str(grown.due), days=days, extended=grown.extended,
            provisional=grown.provisional, consent=dict(consent),
        )  # fmt: skip
        return grown

    def sweep(self, tx: Connection, limit: int | None = None) -> list[Running]:
        """Record clocks that ran out since the last sweep, those due first; gives them."""
        late = store.clocks(tx, late_on=calendar.today(self.clock()), limit=limit)
        return [self._breach(tx, running) for running in late]

    def load(
        self,
        tx: Connection,
        number: int,
        holidays: Sequence[str],
        workdays: Sequence[str],
        source: str,
        *,
        provisional: bool = False,
    ) -> list[Running]:
        """Put a year's notice into the table and move every open clock it touches; gives the moved ones.

        Raises `Unprocessable` for a notice that contradicts itself.
        """
        off, on = calendar.days(holidays), calendar.days(workdays)
        loaded = calendar.year(number, off, on, source, provisional=provisional)
        store.save_year(tx, loaded)
        self._record(
            tx,
            "calendar.loaded",
            year=number,
            source=loaded.source,
            holidays=len(loaded.holidays),
            workdays=len(loaded.workdays),
            provisional=provisional,
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
        self._excuse(tx, days, number)
        return moved

    def _excuse(self, tx: Connection, days: Calendar, number: int) -> None:
        """Clear breaches that were none by the calendar now in force: the act was, or still is, in time."""
        today = calendar.today(self.clock())
        for violation in proceeding_store.violations(tx, uncleared=True):
            running = store.clock(tx, violation.clock) if violation.clock else None
            rule = self.preset.rules.get(running.rule) if running else None
            if running is None or rule is None:
                continue
            more = running.extended + running.stood
            end = clocks.due(rule, running.started, days, count_first=self.preset.count_first_day, extended=more)
            acted = calendar.today(moment(running.met_at)) if running.met_at else today
            if end is not None and acted <= end.day:
                self.clear(tx, violation, "system", f"in time by the calendar of {number}: due {end.day}")

    def violate(
        self, tx: Connection, code: str, party: str, interface: str, agreement: str, proceeding: str | None = None
    ) -> Violation:
        """Record a violation found in a proceeding, or decided about an agreement (a late clock records its own)."""
        body = {"subject": agreement, "party": party, "code": code} | ({"proceeding": proceeding} if proceeding else {})
        entry = self.ledger.append(tx, "violation.found", body)
        return self._violation(tx, code, party, interface, proceeding or agreement, None, entry)

    def clear(self, tx: Connection, found: Violation, by: str, reason: str) -> Violation:
        """A violation with the reason it does not count; it stays on record."""
        cleared = replace(found, cleared_at=stamp(self.clock()), cleared_by=by, reason=reason)
        proceeding_store.save_violation(tx, cleared)
        self._record(
            tx, "violation.cleared", violation=found.id, party=found.party, code=found.code, of=found.entry,
            reason=reason, by=by,
        )  # fmt: skip
        return cleared

    def _open(self, tx: Connection, subject: str, rules: Sequence[str]) -> list[Running]:
        found = store.clocks(tx, subject=subject, open_only=True)
        return [running for running in found if not rules or running.rule in rules]

    def _end(self, tx: Connection, subject: str, rules: Sequence[str], outcome: str) -> None:
        now = self.clock()
        for running in self._open(tx, subject, rules):
            noted = self._breach(tx, running)
            store.save_clock(tx, clocks.ended(noted, stamp(now), calendar.today(now), outcome)[0])

    def _breach(self, tx: Connection, running: Running) -> Running:
        now = self.clock()
        noted, new = clocks.breached(running, stamp(now), calendar.today(now))
        if not new:
            return running
        store.save_clock(tx, noted)
        entry = self.ledger.append(
            tx,
            "clock.breached",
            {
                "clock": running.id,
                "rule": running.rule,
                "subject": running.subject,
                "party": running.party,
                "due": str(running.due),
                "code": running.code or "",
            },
        )
        if running.code:
            interface = proceeding_store.interface_of(tx, running.subject)
            self._violation(tx, running.code, running.party, interface, running.subject, running.id, entry)
        return noted

    def _violation(
        self, tx: Connection, code: str, party: str, interface: str, subject: str, clock: str | None, entry: Entry
    ) -> Violation:
        now = self.clock()
        proof = entry.index, entry.leaf.hex()
        made = Violation(new_id("vio", now), code, party, interface, subject, clock, stamp(now), *proof)
        proceeding_store.save_violation(tx, made)
        return made

    def _record(self, tx: Connection, kind: str, **body: Any) -> None:
        self.ledger.append(tx, kind, body)
