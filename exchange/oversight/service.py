"""What a data officer sees: flows, who gives to whom and for what, findings, unusual traffic.

Everything but the list of single calls is read from sums that `exchange.oversight.adding` keeps from the ledger, so a
page costs the same after a thousand calls and after a hundred million.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
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
from exchange.oversight import store
from exchange.oversight.adding import Adding
from exchange.oversight.model import (
    EPOCH,
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
    from exchange.oversight.anomalies import Alarm

LOOKED_AT = 50_000
"""Single calls looked at, newest first, for a list or an export of calls."""
PAGE = 1000
KEPT_HOURS = 200 * 24
"""Sums by hour are kept that long: what unusual traffic can be looked for in, and its past. Days stay for ever."""


@dataclass(frozen=True, slots=True)
class Overview:
    """Flows of a period, summed; what the page and the API show."""

    sums: tuple[Sum, ...]
    days: tuple[tuple[int, str, int, int], ...]

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
        self.adding = Adding(database, ledger, self._sensitivity)

    def due(self) -> int:
        """Add up what came in since; run it every minute, so that nobody who looks has to wait for it."""
        done = self.adding.catch_up()
        oldest = hour_of(stamp(self.clock())) - KEPT_HOURS
        if done:
            with self.database.transaction() as tx:
                store.forget_hours(tx, oldest)
        return done

    # ---- flows

    def flows(self, caller: Caller | None, wish: Filter | None = None, *, limit: int = 200) -> list[Flow]:
        """Single calls, newest first."""
        return [call for _, call in zip(range(limit), self.calls(caller, wish or Filter()), strict=False)]

    def calls(self, caller: Caller | None, wish: Filter) -> Iterator[Flow]:
        """Single calls let through, newest first, read page by page; the newest 50,000 are looked at."""
        caller = permit(caller, "flow.read")
        return self._calls(caller, wish)

    def _calls(self, caller: Caller, wish: Filter) -> Iterator[Flow]:
        first, last = wish.days
        before = _first_id_after(last) if wish.until else None
        for _ in range(LOOKED_AT // PAGE):
            found = self.broker.deliveries(
                caller,
                limit=PAGE,
                before=before,
                consumer=wish.consumer or None,
                interface=wish.interface or None,
                state=wish.outcome or None,
            )
            for delivery in found:
                if wish.since and day_of(delivery.at) < first:
                    return
                shown = flow(delivery)
                if wish.passes(self._channel(shown, wish)):
                    yield shown
            if len(found) < PAGE:
                return
            before = found[-1].id

    def overview(self, caller: Caller | None, wish: Filter | None = None) -> Overview:
        """Flows let through, summed by channel and by day."""
        caller = permit(caller, "flow.read")
        wish = wish or Filter()
        self.adding.catch_up()
        with self.database.reading() as tx:
            found = store.sums(tx, wish, _party(caller))
            days = store.totals(tx, [one.id for one in found], *wish.days)
        return Overview(tuple(found), tuple(days))

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
        return findings(overview.sums, agreed, self.overdue(caller))

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
        from exchange.oversight.watching import HISTORY_DAYS, watched  # NumPy: loaded by the first who looks

        caller = permit(caller, "flow.read")
        self.adding.catch_up()
        today = day_of(stamp(self.clock()))
        since = today - days + 1
        first = since - HISTORY_DAYS
        with self.database.reading() as tx:
            channels = store.channels(tx, _party(caller))
            channels = {number: channel for number, channel in channels.items() if (wish or Filter()).passes(channel)}
            rows = store.by_time(tx, store.HOURS, list(channels), first * 24 - 8, (today + 1) * 24 - 9)
            began = store.first_hours(tx)
            calendar = self.agreements.deadlines.calendar(tx)
        return watched(
            channels,
            rows,
            began,
            (first, since, today),
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

    def _channel(self, call: Flow, wish: Filter) -> Channel:
        levels = self._sensitivity(call.interface) if wish.sensitivity else {}
        gravest = max((levels.get(name, "") for name in call.fields), key=grave, default="")
        return Channel(
            call.provider, call.consumer, call.interface, call.operation, call.agreement or "", call.purpose,
            call.legal_basis, call.state, call.rule, call.fields, gravest,
        )  # fmt: skip


class _Levels(dict[str, str]):
    """Classes by field name that also answer for a label such as ``items/XM``."""

    def get(self, key: str, default: str = "") -> str:  # type: ignore[override]
        return super().get(key) or super().get(key.rpartition("/")[2], default)


def _party(caller: Caller) -> str | None:
    return None if caller.kind == "data_office" or caller.via == "system" else caller.party


def _first_id_after(day: int) -> str:
    """What every delivery's id from the day after on is not below: ids begin with their time."""
    return f"dlv_{((day + 1) * 24 - 8) * 3600 * 1000:012x}"


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
        purpose=delivery.purpose or delivery.claimed,
        legal_basis=delivery.legal_basis or "",
        state=delivery.state.value,
        rule=delivery.rule,
        fields=delivery.fields,
        records=delivery.records,
        launch=delivery.launch,
        entry=delivery.entry,
        claimed=delivery.claimed if delivery.claimed != delivery.purpose else "",
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
