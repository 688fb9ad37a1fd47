"""Use cases of agreements: entrust, find for a call, suspend, resume, terminate, expire; clocks and
calendar.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import Connection

from exchange.agreements import proceeding_store, store
from exchange.agreements.applications import Applications, granted, party_of
from exchange.agreements.calendar import Year, today
from exchange.agreements.clocks import Preset, Running
from exchange.agreements.effects import effect
from exchange.agreements.endings import Way, check_correctable, uncorrected, way_of
from exchange.agreements.model import Agreement, AgreementState, move
from exchange.agreements.proceedings import Kind as Proceedings
from exchange.agreements.proceedings import Side
from exchange.agreements.scope import resolve
from exchange.agreements.wish import Mode
from exchange.catalogue.service import Catalogue
from exchange.clock import Clock, new_id, stamp
from exchange.database import Database
from exchange.errors import NotFound, Unprocessable
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
                reason = "superseded by a newer entrustment"
                self.moved(tx, older, "terminate", reason, "system", way=Way.SUPERSEDED)
                if older.interface not in matter.needs:
                    self._ended(tx, older)  # what the newer one does not entrust any more is disposed of
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

    def is_purpose(self, tx: Connection, text: str) -> bool:
        """Whether some agreement, also an ended one, has this purpose."""
        return store.is_purpose(tx, text)

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

    def terminate(self, caller: Caller | None, id: str, reason: str, basis: str = "", code: str = "") -> Agreement:
        """End an agreement for good at once: the requester its own; the provider one whose user did not correct a
        misuse; the data office such a one, or for a misuse it names (``code``) on a ``basis`` (art 27).

        Any other end the provider announces first. Raises what `way_of` raises.
        """
        return self._change(caller, id, "terminate", reason, "agreement.terminate", basis, code)

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

    def newest_agreements(self, caller: Caller | None, limit: int, offset: int = 0) -> tuple[list[Agreement], int]:
        """A page of the agreements the caller is a side of, newest first, and how many there are in all."""
        caller = permit(caller, "agreement.read")
        with self.database.reading() as tx:
            return store.newest_agreements(tx, party=party_of(caller), limit=limit, offset=offset)

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
                    if clock.rule == "C2":
                        self.docket.escalate(tx, clock.subject)
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
                self.moved(tx, agreement, "expire", "its period has passed", "system", way=Way.EXPIRED)
                self._ended(tx, agreement)
            ends = proceeding_store.listed(
                tx, kind=Proceedings.ENDING, state="filed", due_by=str(today(now)), limit=BATCH
            )
            for end in ends:
                self.docket.act(tx, end, "effect")
                ending = store.agreement(tx, end.subject, lock=True)
                if ending is not None and ending.state_at(now) in LIVE:
                    basis = str(end.facts.get("basis", ""))
                    self.moved(tx, ending, "terminate", end.acts[0].text, "system", way=Way.ANNOUNCED, basis=basis)
                    self._ended(tx, ending)
        return len(lapsed) == BATCH or len(ends) == BATCH

    def clocks(self, caller: Caller | None, subject: str) -> list[Running]:
        """Clocks of an application or agreement the caller may see."""
        caller = permit(caller, "agreement.read")
        with self.database.reading() as tx:
            (self.seen_application if subject.startswith("apl_") else self.seen_agreement)(tx, caller, subject)
            beside = [found.id for found in proceeding_store.listed(tx, subjects=[subject])]
            return store.clocks(tx, subjects=[subject, *beside])

    def open_clocks(self, caller: Caller | None, *, late: bool = False) -> list[tuple[Running, str]]:
        """Every open clock of the caller's own and of what it may see, the one due first at the head, with the subject
        it is about: an application, agreement, catalogue entry or handled matter, also for a clock of a proceeding
        beside it. ``late``: only those whose day has passed.
        """
        caller = permit(caller, "agreement.read")
        party, day = party_of(caller), today(self.clock())
        with self.database.reading() as tx:
            about = {one.id: one.subject for one in proceeding_store.listed(tx, party=party)}
            known = {one.id for one in store.applications(tx, party=party)}
            known |= {one.id for one in store.agreements(tx, party=party)} | about.keys()
            found = store.clocks(tx, open_only=True)
        seen = (clock for clock in found if party in (None, clock.party) or clock.subject in known)
        named = [(clock, about.get(clock.subject, clock.subject)) for clock in seen if not late or clock.is_late(day)]
        return sorted(named, key=lambda pair: (pair[0].due is None, pair[0].due))

    def running(self, clocks: Collection[str]) -> set[str]:
        """Those of some clocks that are still open."""
        with self.database.reading() as tx:
            return {clock.id for clock in store.clocks(tx, ids=clocks, open_only=True)}

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
            hint = f"its dates are provisional until PUT /api/v1/calendar/{number}"
            raise NotFound(f"the holiday notice of {number} is not loaded", hint=hint)
        return found

    def _change(
        self, caller: Caller | None, id: str, verb: str, reason: str, action: str, basis: str = "", code: str = ""
    ) -> Agreement:
        caller = permit(caller, action)
        with self.database.transaction() as tx:
            found = self.seen_agreement(tx, caller, id, lock=True)
            side = {found.consumer: Side.CONSUMER, found.provider: Side.PROVIDER}.get(caller.party, Side.AUTHORITY)
            own = verb == "terminate" and side is Side.CONSUMER
            permit(caller, action, owner=found.consumer if own else found.provider)
            if verb == "resume":
                check_correctable(tx, found)
            if verb != "terminate":
                return self.moved(tx, found, verb, reason, caller.id)
            made = move(found, verb, reason, self.clock())  # one that has ended, or no reason, is told first
            way = way_of(side, uncorrected(tx, found, today(self.clock())), basis, code)
            self.moved(tx, found, verb, reason, caller.id, way=way, basis=basis.strip(), code=code)
            if way is Way.MISUSE:
                self.deadlines.violate(tx, code, found.consumer, found.interface, found.id)
            self._ended(tx, found)
        return made

    def _ended(self, tx: Connection, found: Agreement) -> None:
        """What follows the end of an agreement: its clocks stop mattering, and the data have to be disposed of."""
        self.deadlines.drop(tx, found.id, "C6")
        beside = Proceedings.ORDER, Proceedings.ENDING, Proceedings.RETURN
        for closed in self.docket.close(tx, found.id, *beside):
            effect(tx, self.deadlines, closed, "close")
        application = store.application(tx, found.application) if found.application else None
        reply = application.reply if application else None
        facts: dict[str, object] = {}
        if reply is not None and reply.disposal_days is not None:
            day = today(self.clock()) + timedelta(days=reply.disposal_days)
            facts = {"method": reply.disposal, "due": str(day)}
        sides = (found.consumer, found.provider)
        made = self.docket.open(tx, Proceedings.DISPOSAL, found.id, sides, found.interface, facts=facts)
        effect(tx, self.deadlines, made, "open")

    def moved(
        self, tx: Connection, found: Agreement, verb: str, reason: str, by: str, *, way: Way | None = None, **more: str
    ) -> Agreement:
        """One transition of an agreement, kept and recorded, with what it means for the provider's clocks; ``way``:
        how it ended, ``more``: what else the entry says.
        """
        moved = move(found, verb, reason, self.clock())
        store.save_agreement(tx, moved)
        # a provider kept from delivering is not late with it
        still = {"suspend": self.deadlines.stop, "resume": self.deadlines.go_on}.get(verb)
        if still is not None:
            still(tx, found.id, "C6")
            for wanted in proceeding_store.listed(tx, subjects=[found.id], kind=Proceedings.RETURN, open_only=True):
                still(tx, wanted.id, "C9")
        said = {"agreement": found.id, "consumer": found.consumer, "provider": found.provider, "reason": reason}
        said |= {"by": by} | ({"way": way.value} if way else {}) | {name: text for name, text in more.items() if text}
        self._record(tx, f"agreement.{moved.state}" if verb != "resume" else "agreement.resumed", said)
        return moved

    def seen_agreement(self, tx: Connection, caller: Caller, id: str, *, lock: bool = False) -> Agreement:
        """One agreement, locked on demand. Raises `NotFound` unless the caller may see it."""
        found = store.agreement(tx, id, lock=lock)
        if found is None or party_of(caller) not in (None, found.consumer, found.provider):
            raise NotFound(f"no agreement {id} that you may see", hint="GET /api/v1/agreements lists yours")
        return found
