"""What a data officer sees: flows, who gives to whom and for what, findings, unusual traffic.

Everything but the list of single calls is read from sums that `exchange.oversight.adding` keeps from the ledger, so a
page costs the same after a thousand calls and after a hundred million.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

from exchange.agreements.model import Agreement
from exchange.agreements.service import Agreements
from exchange.brokering.model import Delivery
from exchange.brokering.service import Broker
from exchange.catalogue.items import items
from exchange.catalogue.service import Catalogue
from exchange.clock import Clock, stamp
from exchange.database import Database
from exchange.errors import NotFound
from exchange.ledger.service import Ledger
from exchange.oversight import alarms_store, store
from exchange.oversight.adding import Adding
from exchange.oversight.model import (
    EPOCH,
    MORE,
    Channel,
    Filter,
    Finding,
    Flow,
    Granted,
    Overdue,
    Sum,
    by,
    day_of,
    day_text,
    findings,
    grave,
    hour_of,
    matrix,
)
from exchange.parties.access import Caller, permit

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from exchange.oversight.anomalies import Alarm

PAGE = 1000
JUDGED_DAYS = 62
"""So many days back unusual traffic is looked for, if nobody did so when they were over."""
KEPT_HOURS = 200 * 24
"""Sums by hour are kept that long: what unusual traffic can be looked for in, and its past. Days stay for ever."""


@dataclass(frozen=True, slots=True)
class Overview:
    """Flows of a period, summed; what the page and the API show."""

    sums: tuple[Sum, ...]
    days: tuple[tuple[int, str, int, int], ...]
    beside: Mapping[str, Set[str]]
    """Agreement → fields that left with calls of which not all fields are named."""

    @property
    def matrix(self) -> list[dict[str, Any]]:
        """Provider × consumer."""
        return matrix(self.sums)

    def by(self, dimension: str) -> list[dict[str, Any]]:
        """Calls and records by one dimension."""
        return by(dimension, self.sums)

    def by_day(self) -> list[dict[str, Any]]:
        """Day by day: calls of which data left, calls refused, records."""
        days: dict[int, dict[str, Any]] = {}
        for day, state, calls, records in self.days:
            line = days.setdefault(day, {"day": day_text(day), "delivered": 0, "refused": 0, "records": 0})
            if state in line:
                line[state] += calls
            line["records"] += records
        return [days[day] for day in sorted(days)]


class Oversight:
    """Use cases of oversight. A department's data officer sees flows it takes part in, the data office all."""

    def __init__(
        self,
        database: Database,
        ledger: Ledger,
        catalogue: Catalogue,
        agreements: Agreements,
        broker: Broker,
        clock: Clock,
    ) -> None:
        self.database, self.catalogue = database, catalogue
        self.agreements, self.broker, self.clock = agreements, broker, clock
        self.adding = Adding(database, ledger, self._sensitivity, self._agreed)

    def due(self) -> int:
        """Add up what came in since; run it every minute, so that nobody who looks has to wait for it."""
        done = self.adding.catch_up()
        oldest = hour_of(stamp(self.clock())) - KEPT_HOURS
        if done:
            with self.database.transaction() as tx:
                store.forget_hours(tx, oldest)
        today = day_of(stamp(self.clock()))
        self._watch(today - JUDGED_DAYS, today - 1, today)
        return done

    # ---- flows

    def flows(
        self, caller: Caller | None, wish: Filter | None = None, *, limit: int = 200, overview: Overview | None = None
    ) -> list[Flow]:
        """Single calls, newest first; ``overview``: of the same filter, if it is there."""
        return list(islice(self.calls(caller, wish or Filter(), overview=overview), limit))

    def calls(self, caller: Caller | None, wish: Filter, *, overview: Overview | None = None) -> Iterator[Flow]:
        """All single calls let through, newest first, read page by page."""
        caller = permit(caller, "flow.read")
        return self._calls(caller, wish, overview)

    def _calls(self, caller: Caller, wish: Filter, overview: Overview | None) -> Iterator[Flow]:
        equal = {"provider": wish.provider, "consumer": wish.consumer, "interface": wish.interface}
        equal |= {"purpose": wish.purpose, "legal_basis": wish.law, "state": wish.outcome, "rule": wish.rule}
        levels: dict[str, Mapping[str, str]] = {}
        given = {name: value for name, value in equal.items() if value}
        first, last = wish.days
        for since, until in self._spans(caller, wish, overview):
            before: str | None = _first_id_of(until + 1)
            while before is not None:
                page = self.broker.deliveries(caller, limit=PAGE, before=before, since=_first_id_of(since), **given)
                for delivery in page:
                    shown = flow(delivery)
                    if first <= day_of(delivery.at) <= last and wish.passes(self._channel(shown, wish, levels)):
                        yield shown
                before = page[-1].id if len(page) == PAGE else None

    def _spans(self, caller: Caller, wish: Filter, overview: Overview | None) -> list[tuple[int, int]]:
        """First and last days between which there are calls let through, newest first: the sums know them."""
        first, last = wish.days
        last = min(last, day_of(stamp(self.clock())) + 1)
        if not wish.narrow:
            return [(first, last)]
        if wish.field or overview is None:  # a channel need not name every field
            overview = self.overview(caller, replace(wish, field=""))
        if any(one.channel.state == "unknown" for one in overview.sums):
            return [(first, last)]  # they count on the day they were given up, which may be much later
        spans: list[tuple[int, int]] = []
        for day in sorted({day for day, *_ in overview.days} | {last}, reverse=True):
            # a call that ended after midnight counts on the day it ended, and its id is of the day before
            if spans and day >= spans[-1][0] - 1:
                spans[-1] = (day - 1, spans[-1][1])
            else:
                spans.append((day - 1, day))
        return spans

    def overview(self, caller: Caller | None, wish: Filter | None = None) -> Overview:
        """Flows let through, summed by channel and by day."""
        caller = permit(caller, "flow.read")
        wish = wish or Filter()
        self.adding.catch_up()
        with self.database.reading() as tx:
            found = store.sums(tx, wish, _party(caller))
            every = not wish.narrow and _party(caller) is None
            days = store.totals(tx, None if every else [one.id for one in found], *wish.days)
            wide = sorted({one.channel.agreement for one in found if MORE in one.channel.fields})
            beside = store.beside(tx, wide, *wish.days)
        return Overview(tuple(found), tuple(days), beside)

    def matrix(self, caller: Caller | None, wish: Filter | None = None) -> list[dict[str, Any]]:
        """Provider × consumer counts over the flows the caller may see."""
        return self.overview(caller, wish).matrix

    # ---- findings

    def findings(
        self, caller: Caller | None, wish: Filter | None = None, *, overview: Overview | None = None
    ) -> list[Finding]:
        """What to look at, over the flows, agreements and clocks the caller may see; ``overview``: if it is there."""
        caller = permit(caller, "flow.read")
        overview = overview or self.overview(caller, wish)
        agreed = [granted(agreement) for agreement in self.agreed(caller)]
        return findings(overview.sums, agreed, self.overdue(caller), overview.beside)

    def overdue(self, caller: Caller | None) -> list[Overdue]:
        """Clocks of the law that ran out and are still running, newest first."""
        caller = permit(caller, "flow.read")
        with self.database.reading() as tx:
            known = store.breaches(tx, _party(caller))
        running = self.agreements.running([breach.clock for breach in known])
        return [breach for breach in known if breach.clock in running]

    def agreed(self, caller: Caller) -> Iterator[Agreement]:
        """Every agreement the caller is a side of (the data office: all)."""
        after = None
        while found := self.agreements.agreements(caller, after=after, limit=PAGE):
            yield from found
            after = found[-1].id

    # ---- unusual traffic

    def alarms(self, caller: Caller | None, *, days: int = 7, wish: Filter | None = None) -> list[Alarm]:
        """Unusual hours of the last ``days``, each flow compared with its own past, newest first."""
        today = day_of(stamp(self.clock()))
        return self.alarms_between(caller, today - days + 1, today, wish)

    def alarms_between(self, caller: Caller | None, first: int, last: int, wish: Filter | None = None) -> list[Alarm]:
        """The same of a period of days. Of a ``wish`` with more than parties and interface in it, those alarms count
        whose flow has calls of that kind.
        """
        from exchange.oversight.anomalies import Alarm  # NumPy: loaded by the first who looks

        caller, wish = permit(caller, "flow.read"), wish or Filter()
        self.adding.catch_up()
        today = day_of(stamp(self.clock()))
        self._watch(first, min(last, today - 1), today)
        with self.database.reading() as tx:
            found = [Alarm(**row) for row in alarms_store.alarms(tx, _party(caller), first, last)]
            known = store.channels(tx, _party(caller)) if wish.narrow or first <= today <= last else {}
        if first <= today <= last:
            found = self._watched(known, today, today) + found
        if wish.narrow:
            meant = {_flow(channel) for channel in known.values() if wish.passes(channel)}
            found = [alarm for alarm in found if _flow(alarm) in meant]
        return found

    def _watch(self, first: int, last: int, today: int) -> None:
        """Judge days that are over and keep their alarms, so that each is judged once."""
        first = max(first, today - JUDGED_DAYS)
        with self.database.reading() as tx:
            open_days = sorted(set(range(first, last + 1)) - alarms_store.watched(tx, first, last))
            channels = store.channels(tx, None) if open_days else {}
        if not open_days:
            return
        found: dict[int, list[dict[str, Any]]] = {}
        for alarm in self._watched(channels, open_days[0], open_days[-1]):
            found.setdefault((alarm.hour + 8) // 24, []).append(asdict(alarm))
        with self.database.transaction() as tx:
            alarms_store.add_alarms(tx, open_days, found)

    def _watched(self, channels: Mapping[int, Channel], since: int, last: int) -> list[Alarm]:
        from exchange.oversight.watching import HISTORY_DAYS, watched

        first = since - HISTORY_DAYS
        with self.database.reading() as tx:
            rows = store.by_time(tx, store.HOURS, list(channels), first * 24 - 8, (last + 1) * 24 - 9)
            began = store.first_hours(tx)
            calendar = self.agreements.deadlines.calendar(tx)
        return watched(
            channels,
            rows,
            began,
            (first, since, last),
            lambda day: calendar.is_working(EPOCH + timedelta(days=day)),
        )

    # ---- inside

    def _sensitivity(self, interface: str) -> Mapping[str, str]:
        """Label of a field, and its last word, → class."""
        try:
            spec = self.catalogue.interface(interface).spec
        except NotFound:
            return {}
        return _Levels({item.field: item.sensitivity for item in items(spec) if item.sensitivity})

    def _agreed(self, tx: Connection, agreement: str) -> frozenset[str]:
        """Labels of the fields an agreement lets out."""
        return frozenset(label for one in self.agreements.for_call(tx, "", "", agreement) for label in one.labels)

    def _channel(self, call: Flow, wish: Filter, known: dict[str, Mapping[str, str]]) -> Channel:
        if wish.sensitivity and call.interface not in known:
            known[call.interface] = self._sensitivity(call.interface)
        levels = known.get(call.interface, {})
        gravest = max((levels.get(name, "") for name in call.fields), key=grave, default="")
        return Channel(
            call.provider, call.consumer, call.interface, call.operation, call.agreement or "", call.purpose,
            call.legal_basis, call.state, call.rule, call.fields, gravest, call.claimed,
        )  # fmt: skip


class _Levels(dict[str, str]):
    """Classes by field name that also answer for a label such as ``items/XM``."""

    def get(self, key: str, default: str = "") -> str:  # type: ignore[override]
        return super().get(key) or super().get(key.rpartition("/")[2], default)


def _party(caller: Caller) -> str | None:
    return None if caller.kind == "data_office" or caller.via == "system" else caller.party


def _flow(one: Channel | Alarm) -> tuple[str, str, str, str]:
    return one.provider, one.consumer, one.interface, one.operation


def _first_id_of(day: int) -> str:
    """What no delivery's id of a day and after is below: ids begin with their time."""
    return f"dlv_{max(0, day * 24 - 8) * 3600 * 1000:012x}"


def flow(delivery: Delivery) -> Flow:
    """A delivery as oversight shows it."""
    return Flow(
        id=delivery.id,
        at=delivery.at,
        provider=delivery.provider or "?",
        consumer=delivery.consumer,
        interface=delivery.interface,
        operation=delivery.operation or "?",
        agreement=delivery.agreement,
        purpose=delivery.purpose or "",
        legal_basis=delivery.legal_basis or "",
        state=delivery.state.value,
        rule=delivery.rule,
        fields=delivery.fields,
        records=delivery.records,
        launch=delivery.launch,
        entry=delivery.entry,
        claimed=delivery.claimed if delivery.claimed != delivery.purpose else "",
        done_at=delivery.done_at,
    )


def granted(agreement: Agreement) -> Granted:
    """An agreement as oversight compares it with deliveries."""
    return Granted(
        id=agreement.id,
        provider=agreement.provider,
        consumer=agreement.consumer,
        interface=agreement.interface,
        fields=agreement.labels,
        state=agreement.state.value,
        since=agreement.starts_at,
    )
