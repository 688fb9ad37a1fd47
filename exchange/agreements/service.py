"""Use cases of agreements: entrust, find for a call, suspend, resume, terminate, expire; clocks and
calendar.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol

from sqlalchemy import Connection

from exchange.agreements import proceeding_store, store
from exchange.agreements.applications import Applications, granted, party_of
from exchange.agreements.calendar import Year, today
from exchange.agreements.clocks import Preset, Running
from exchange.agreements.model import Agreement, AgreementState, Application, move
from exchange.agreements.proceedings import Kind as Proceedings
from exchange.agreements.scope import resolve
from exchange.agreements.wish import Mode
from exchange.catalogue.service import Catalogue
from exchange.clock import Clock, new_id, stamp
from exchange.database import Database
from exchange.errors import Conflict, NotFound, Unprocessable
from exchange.ledger.service import Ledger
from exchange.parties.access import Caller, permit

LIVE = frozenset({AgreementState.ACTIVE, AgreementState.SUSPENDED})
BATCH = 200
"""Clocks or agreements a sweep handles in one transaction, so that nobody waits long for it."""
ENTRUSTED = "政务数据共享条例第三十六条（受托方按合同约定处理）"


class Needs(Protocol):
    """A matter as far as an entrustment goes: which answer fields its app may use, per interface and
    operation.
    """

    @property
    def id(self) -> str: ...
    @property
    def needs(self) -> Mapping[str, Mapping[str, Sequence[str]]]: ...


@dataclass(frozen=True, slots=True)
class DueDate:
    """The last day in time; ``provisional`` (暂定) while the year's holiday notice is not loaded."""

    day: date
    provisional: bool
    late: bool


class Agreements(Applications):
    """Applications and agreements of all parties, and the clocks that run on them."""

    def __init__(
        self,
        database: Database,
        ledger: Ledger,
        catalogue: Catalogue,
        clock: Clock,
        preset: Preset | None = None,
    ) -> None:
        """``preset`` defaults to the national limits."""
        super().__init__(database, ledger, catalogue, clock, preset)
        self._delivered: set[str] = set()

    def entrust(self, tx: Connection, *, matter: Needs, vendor: str, until: datetime) -> list[Agreement]:
        """Entrust a vendor's app with what its matter needs, until a day: one agreement per interface (art
        36).

        An earlier entrustment of the same vendor and matter ends with it, so what is in force is always the
        newest. Raises `NotFound` for an unpublished interface, `Unprocessable` for a field no answer has.
        """
        now = self.clock()
        for older in store.agreements(tx, consumer=vendor, matter=matter.id):
            if older.state_at(now) in LIVE:
                self.moved(tx, older, "terminate", "superseded by a newer entrustment", "system")
        made = []
        for interface, operations in sorted(matter.needs.items()):
            record = self.catalogue.interface(interface)
            scope: dict[str, tuple[str, ...]] = {}
            for operation, fields in operations.items():
                found, lost = resolve(record.spec, [operation], fields)
                if lost:
                    raise Unprocessable(
                        f"{interface}#{operation} has no single field {', '.join(lost)}", matter=matter.id
                    )
                scope.update(found)
            agreement = Agreement(
                id=new_id("agr", now),
                application=None,
                consumer=vendor,
                provider=record.department,
                interface=interface,
                version=record.version,
                mode=Mode.SERVICE,
                purpose=matter.id,
                legal_basis=ENTRUSTED,
                scenario=matter.id,
                fields=tuple(sorted({name for names in operations.values() for name in names})),
                scope=scope,
                starts_at=stamp(now),
                expires_at=stamp(until),
                matter=matter.id,
            )
            store.save_agreement(tx, agreement)
            self._record(tx, "agreement.entrusted", granted(agreement))
            made.append(agreement)
        return made

    def for_call(
        self,
        tx: Connection,
        consumer: str,
        interface: str,
        agreement_id: str | None = None,
        *,
        matter: str | None = None,
    ) -> list[Agreement]:
        """Agreements a call may rest on: the one named, else all of this consumer for this interface,
        newest first.

        A named one is given whoever it belongs to: `decide` says why it does not hold. ``matter``: a
        launch's.
        """
        if agreement_id is not None:
            named = store.agreement(tx, agreement_id)
            return [] if named is None else [named]
        found = store.of_consumer(tx, consumer, interface)
        return [agreement for agreement in found if agreement.matter == matter]

    def holders(self, tx: Connection, interface: str) -> list[str]:
        """Parties that hold an agreement on an interface that is in force or suspended."""
        return store.holders(tx, interface, stamp(self.clock()))

    def delivered(self, tx: Connection, agreement: Agreement) -> None:
        """The broker delivered under an agreement: the provider's delivery clock (C6) is met by the first
        one.
        """
        if agreement.application is None or agreement.id in self._delivered:
            return
        if store.clocks(tx, subject=agreement.id, rule="C6", open_only=True):
            self.deadlines.meet(tx, agreement.id, "C6")
        else:  # met and committed earlier: no need to look again
            self._delivered.add(agreement.id)

    def suspend(self, caller: Caller | None, id: str, reason: str) -> Agreement:
        """Provider or authority stops use at once, e.g. on misuse (art 27)."""
        return self._change(caller, id, "suspend", reason, "agreement.suspend")

    def resume(self, caller: Caller | None, id: str, reason: str) -> Agreement:
        """Use may go on after correction. Raises `Conflict` while an order to correct is open or has failed."""
        return self._change(caller, id, "resume", reason, "agreement.suspend")

    def terminate(self, caller: Caller | None, id: str, reason: str) -> Agreement:
        """End an agreement for good at once: the requester its own, the data office any, the provider one whose user
        did not correct a misuse (art 27). Any other end the provider announces first: `Conflict` says so.
        """
        return self._change(caller, id, "terminate", reason, "agreement.terminate")

    def agreement(self, caller: Caller | None, id: str) -> Agreement:
        """One agreement the caller may see. Raises `NotFound`."""
        caller = permit(caller, "agreement.read")
        with self.database.reading() as tx:
            return self.seen_agreement(tx, caller, id)

    def agreements(
        self,
        caller: Caller | None,
        *,
        after: str | None = None,
        limit: int | None = 50,
        interface: str | None = None,
    ) -> list[Agreement]:
        """Agreements the caller is a side of (the data office: all), oldest first."""
        caller = permit(caller, "agreement.read")
        with self.database.reading() as tx:
            return store.agreements(tx, party=party_of(caller), after=after, limit=limit, interface=interface)

    # ---- clocks

    def due(self) -> list[Running]:
        """Record every breach and expiry up to now and let announced ends take effect; run it often.

        Each is recorded exactly once, however many processes sweep and whenever one is killed: what is found and
        what is written are one transaction, and writers take turns. Gives the clocks found late.
        """
        late: list[Running] = []
        if not self._anything_due():
            return late  # most rounds find nothing, and need not wait for a writer's turn
        while True:
            with self.database.transaction() as tx:
                found = self.deadlines.sweep(tx, BATCH)
                for clock in found:
                    # more time is asked for before the day is over, and given before it too
                    self.docket.close(tx, clock.subject, Proceedings.EXTENSION)
                late += found
                if len(found) < BATCH:
                    break
        while self._lapse():
            pass
        return late

    def _anything_due(self) -> bool:
        now, day = self.clock(), today(self.clock())
        with self.database.reading() as tx:
            return bool(
                store.clocks(tx, late_on=day, limit=1)
                or store.lapsed(tx, stamp(now), 1)
                or proceeding_store.listed(tx, kind=Proceedings.ENDING, state="filed", due_by=str(day), limit=1)
            )

    def _lapse(self) -> bool:
        """One batch of ends whose time has come; whether there may be more."""
        now = self.clock()
        with self.database.transaction() as tx:
            lapsed = store.lapsed(tx, stamp(now), BATCH)
            for agreement in lapsed:
                self.moved(tx, agreement, "expire", "its period has passed", "system")
                self._ended(tx, agreement)
            ends = proceeding_store.listed(
                tx, kind=Proceedings.ENDING, state="filed", due_by=str(today(now)), limit=BATCH
            )
            for end in ends:
                self.docket.act(tx, end, "effect")
                ending = store.agreement(tx, end.subject, lock=True)
                if ending is not None and ending.state_at(now) in LIVE:
                    self.moved(tx, ending, "terminate", end.acts[0].text, "system")
                    self._ended(tx, ending)
        return len(lapsed) == BATCH or len(ends) == BATCH

    def due_date(self, application: Application) -> DueDate | None:
        """By when the provider has to answer an application; None when no answer is due."""
        with self.database.reading() as tx:
            found = store.clocks(tx, subject=application.id, open_only=True)
        if not found or found[0].due is None:
            return None
        clock = found[0]
        return DueDate(found[0].due, clock.provisional, clock.is_late(today(self.clock())))

    def clocks(self, caller: Caller | None, subject: str) -> list[Running]:
        """Clocks of an application or agreement the caller may see."""
        caller = permit(caller, "agreement.read")
        with self.database.reading() as tx:
            (self.seen_application if subject.startswith("apl_") else self.seen_agreement)(tx, caller, subject)
            beside = [found.id for found in proceeding_store.listed(tx, subjects=[subject])]
            return store.clocks(tx, subjects=[subject, *beside])

    def open_clocks(self, caller: Caller | None) -> list[tuple[Running, str]]:
        """Every open clock of what the caller may see, the one due first at the head, with the subject it is about
        (an application or agreement, also for a clock of a proceeding beside it).
        """
        caller = permit(caller, "agreement.read")
        party = party_of(caller)
        with self.database.reading() as tx:
            about = {one.id: one.subject for one in proceeding_store.listed(tx, party=party)}
            known = {one.id for one in store.applications(tx, party=party, after=None, limit=None)}
            known |= {one.id for one in store.agreements(tx, party=party)}
            found = store.clocks(tx, open_only=True)
        named = [(clock, about.get(clock.subject, clock.subject)) for clock in found]
        return sorted((pair for pair in named if pair[1] in known), key=lambda pair: (pair[0].due is None, pair[0].due))

    def set_year(
        self,
        caller: Caller | None,
        year: int,
        holidays: Sequence[str],
        workdays: Sequence[str],
        source: str,
        *,
        provisional: bool = False,
    ) -> list[Running]:
        """The authority loads a year's holiday notice, or enters what it expects (``provisional``); open clocks move,
        their old day is kept. Gives the moved ones.
        """
        # owner "" is nobody's: only a role that acts on everyone's agreements, the authority, passes
        permit(caller, "agreement.suspend", owner="")
        with self.database.transaction() as tx:
            return self.deadlines.load(tx, year, holidays, workdays, source, provisional=provisional)

    def years(self) -> list[Year]:
        """Every year of the calendar in force, oldest first."""
        with self.database.reading() as tx:
            return sorted(self.deadlines.calendar(tx).years.values(), key=lambda found: found.year)

    def year(self, number: int) -> Year:
        """One year of the calendar in force. Raises `NotFound` when its notice is not loaded."""
        with self.database.reading() as tx:
            found = self.deadlines.calendar(tx).years.get(number)
        if found is None:
            raise NotFound(f"the holiday notice of {number} is not loaded", hint="dates in it are provisional")
        return found

    def _change(self, caller: Caller | None, id: str, verb: str, reason: str, action: str) -> Agreement:
        caller = permit(caller, action)
        with self.database.transaction() as tx:
            found = self.seen_agreement(tx, caller, id, lock=True)
            own = verb == "terminate" and caller.party == found.consumer
            permit(caller, action, owner=found.consumer if own else found.provider)
            if verb == "resume":
                self._correctable(tx, found)
            if verb == "terminate" and not own and caller.party == found.provider:
                self._grounds(tx, found)
            moved = self.moved(tx, found, verb, reason, caller.id)
            if verb == "terminate":
                self._ended(tx, found)
        return moved

    def _correctable(self, tx: Connection, found: Agreement) -> None:
        orders = proceeding_store.listed(tx, subjects=[found.id], kind=Proceedings.ORDER)
        if any(order.is_open for order in orders) or (orders and orders[-1].state == "failed"):
            raise Conflict(
                f"agreement {found.id} waits for the correction of a misuse",
                hint="accept the report of the correction, or give another order",
            )

    def _grounds(self, tx: Connection, found: Agreement) -> None:
        """Raises `Conflict` unless the user refused to correct a misuse, corrected it poorly, or is late."""
        orders = proceeding_store.listed(tx, subjects=[found.id], kind=Proceedings.ORDER)
        last = orders[-1] if orders else None
        late = last is not None and any(
            clock.breached_at or clock.is_late(today(self.clock()))
            for clock in store.clocks(tx, subject=last.id, open_only=True)
        )
        if found.state_at(self.clock()) in LIVE and not late and (last is None or last.state != "failed"):
            raise Conflict(
                "a provider does not end a running service without notice (art 27)",
                hint="announce the end: the requester is consulted and the authority files it before it takes effect",
            )

    def _ended(self, tx: Connection, found: Agreement) -> None:
        """What follows the end of an agreement: its clocks stop mattering, and the data have to be disposed of."""
        self.deadlines.drop(tx, found.id, "C6")
        for closed in self.docket.close(tx, found.id, Proceedings.ORDER, Proceedings.ENDING):
            self.deadlines.drop(tx, closed.id)
        application = store.application(tx, found.application) if found.application else None
        reply = application.reply if application else None
        facts: dict[str, object] = {}
        until = None
        if reply is not None and reply.disposal_days is not None:
            until = today(self.clock()) + timedelta(days=reply.disposal_days)
            facts = {"method": reply.disposal, "due": str(until)}
        sides = (found.consumer, found.provider)
        made = self.docket.open(tx, Proceedings.DISPOSAL, found.id, sides, found.interface, facts=facts)
        self.deadlines.start(tx, "C10", made.id, found.consumer, until=until)

    def moved(self, tx: Connection, found: Agreement, verb: str, reason: str, by: str) -> Agreement:
        """One transition of an agreement, kept and recorded, with what it means for the delivery clock."""
        moved = move(found, verb, reason, self.clock())
        store.save_agreement(tx, moved)
        if verb == "suspend":
            # a provider kept from delivering is not late with it
            self.deadlines.stop(tx, found.id, "C6")
        elif verb == "resume":
            self.deadlines.go_on(tx, found.id, "C6")
        self._record(
            tx,
            f"agreement.{moved.state}" if verb != "resume" else "agreement.resumed",
            {
                "agreement": found.id,
                "consumer": found.consumer,
                "provider": found.provider,
                "reason": reason,
                "by": by,
            },
        )
        return moved

    def seen_agreement(self, tx: Connection, caller: Caller, id: str, *, lock: bool = False) -> Agreement:
        """One agreement, locked on demand. Raises `NotFound` unless the caller may see it."""
        found = store.agreement(tx, id, lock=lock)
        if found is None or party_of(caller) not in (None, found.consumer, found.provider):
            raise NotFound(f"no agreement {id} that you may see", hint="GET /api/v1/agreements lists yours")
        return found
