"""Supervision reports: gathers what one is made of, for the department itself and for the data office."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from exchange.clock import Clock, stamp
from exchange.database import Database
from exchange.errors import Invalid, NotFound
from exchange.ledger.service import Ledger
from exchange.oversight import quality_store, store
from exchange.oversight.anomalies import Alarm
from exchange.oversight.model import CHINA, EPOCH, MORE, Channel, Filter, Granted, findings
from exchange.oversight.service import Oversight, granted
from exchange.oversight.supervision import Material, Report, sections
from exchange.parties.access import Caller, permit
from exchange.parties.model import Kind
from exchange.parties.service import Parties

LONGEST = 366


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
        return self._made(caller, [department], department, since, until)[0]

    def reports(self, caller: Caller | None, since: str = "", until: str = "") -> list[Report]:
        """The reports of every department the caller may read one of."""
        caller = permit(caller, "flow.read")
        own = None if caller.kind == "data_office" or caller.via == "system" else caller.party
        departments = [party.id for party in self.parties.parties(Kind.DEPARTMENT) if own in (None, party.id)]
        return self._made(caller, departments, own, since, until)

    def _made(
        self, caller: Caller, departments: Sequence[str], party: str | None, since: str, until: str
    ) -> list[Report]:
        """Reports on some departments; everything is read once and given to those it is about. ``party``: the one."""
        first, last = self._period(since, until)
        self.oversight.due()
        wish = Filter(since=str(first), until=str(last))
        span = (first - EPOCH).days, (last - EPOCH).days
        with self.database.reading() as tx:
            size = store.head(tx)
            sums = store.sums(tx, wish, party)
            wide = sorted({one.channel.agreement for one in sums if MORE in one.channel.fields})
            beside = store.beside(tx, wide, *span)
            events = store.events(tx, party, *span)
            samples = quality_store.samples(tx, provider=party, first=span[0], last=span[1])
            tickets = quality_store.unsettled(tx)
        agreements = [granted(agreement) for agreement in self.oversight.agreed(caller)]
        overdue = self.oversight.overdue(caller)
        alarms = self.oversight.alarms_between(caller, *span)
        made_at = stamp(self.clock())
        reports = []
        for department in departments:

            def ours(one: Channel | Granted | Alarm, department: str = department) -> bool:
                return department in (one.provider, one.consumer)

            mine = [one for one in sums if ours(one.channel)]
            material = Material(
                mine,
                {key: times for key, times in events.items() if key[0] == department},
                [clock for clock in overdue if clock.party == department],
                findings(mine, filter(ours, agreements), (), beside),
                list(filter(ours, alarms)),
                [sample for sample in samples if sample["provider"] == department],
                tickets[department],
            )
            reports.append(Report(department, first, last, made_at, size, sections(department, material)))
        return reports

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
