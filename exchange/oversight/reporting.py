"""Supervision reports: gathers what one is made of, for the department itself and for the data office."""

from __future__ import annotations

from datetime import date, datetime

from exchange.clock import Clock, stamp
from exchange.database import Database
from exchange.errors import Invalid, NotFound
from exchange.ledger.service import Ledger
from exchange.oversight import quality_store, store
from exchange.oversight.model import CHINA, EPOCH, Filter, findings
from exchange.oversight.service import Oversight, granted
from exchange.oversight.supervision import Material, Report, sections
from exchange.parties.access import Caller, permit
from exchange.parties.model import Kind
from exchange.parties.service import Parties

LONGEST = 366
ALARM_DAYS = 62


class Reporting:
    """Use cases of supervision."""

    def __init__(
        self, database: Database, ledger: Ledger, parties: Parties, oversight: Oversight, clock: Clock
    ) -> None:
        self.database, self.ledger, self.parties = database, ledger, parties
        self.oversight, self.clock = oversight, clock

    def report(self, caller: Caller | None, department: str, since: str = "", until: str = "") -> Report:
        """One department's report; the period defaults to this month. Raises `Invalid`, `Forbidden`, `NotFound`."""
        caller = permit(caller, "flow.read", owner=department)
        if self.parties.party(department).kind is not Kind.DEPARTMENT:
            raise NotFound(f"{department} is no department")
        first, last = self._period(since, until)
        self.oversight.due()
        wish = Filter(since=str(first), until=str(last))
        span = (first - EPOCH).days, (last - EPOCH).days
        with self.database.reading() as tx:
            size = store.head(tx)
            sums = store.sums(tx, wish, department)
            events = store.events(tx, department, *span)
            samples = quality_store.samples(tx, provider=department, first=span[0], last=span[1])
            tickets = quality_store.tickets(tx, provider=department, states=("open", "acknowledged"))
        agreements = [granted(a) for a in self.oversight.agreed(caller) if department in (a.provider, a.consumer)]
        overdue = [clock for clock in self.oversight.overdue(caller) if clock.party == department]
        alarms = [
            alarm
            for alarm in self.oversight.alarms(caller, days=min(ALARM_DAYS, self._days_back(first)))
            if department in (alarm.provider, alarm.consumer) and span[0] <= (alarm.hour + 8) // 24 <= span[1]
        ]
        material = Material(sums, events, overdue, findings(sums, agreements), alarms, samples, len(tickets))
        return Report(department, first, last, stamp(self.clock()), size, sections(department, material))

    def reports(self, caller: Caller | None, since: str = "", until: str = "") -> list[Report]:
        """The reports of every department the caller may read one of."""
        caller = permit(caller, "flow.read")
        own = None if caller.kind == "data_office" or caller.via == "system" else caller.party
        departments = [party.id for party in self.parties.parties(Kind.DEPARTMENT) if own in (None, party.id)]
        return [self.report(caller, department, since, until) for department in departments]

    def _period(self, since: str, until: str) -> tuple[date, date]:
        today = self.clock().astimezone(CHINA).date()
        try:
            last = date.fromisoformat(until) if until else today
            first = date.fromisoformat(since) if since else last.replace(day=1)
        except ValueError:
            raise Invalid("the period has no such days", hint="since=2026-11-01&until=2026-11-30") from None
        if not 0 <= (last - first).days < LONGEST:
            raise Invalid(f"a period has 1 to {LONGEST} days", hint="since=2026-11-01&until=2026-11-30")
        return first, last

    def _days_back(self, first: date) -> int:
        today: datetime = self.clock().astimezone(CHINA)
        return max(1, (today.date() - first).days + 1)
