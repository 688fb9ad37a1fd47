"""Use cases of agreements: entrust, find for a call, suspend, resume, terminate, expire; clocks and
calendar.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from sqlalchemy import Connection

from exchange.agreements import store
from exchange.agreements.applications import Applications, granted, party_of
from exchange.agreements.calendar import Year, today
from exchange.agreements.clocks import Preset, Running
from exchange.agreements.model import Agreement, AgreementState, Application, move
from exchange.agreements.scope import resolve
from exchange.agreements.wish import Mode
from exchange.catalogue.service import Catalogue
from exchange.clock import Clock, new_id, stamp
from exchange.database import Database
from exchange.errors import NotFound, Unprocessable
from exchange.ledger.service import Ledger
from exchange.parties.access import Caller, permit

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
            if older.state_at(now) in (AgreementState.ACTIVE, AgreementState.SUSPENDED):
                self._moved(tx, older, "terminate", "superseded by a newer entrustment", "system")
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
        return self._change(caller, id, "suspend", reason, "agreement.suspend", consumer_may=False)

    def resume(self, caller: Caller | None, id: str, reason: str) -> Agreement:
        """Use may go on after correction."""
        return self._change(caller, id, "resume", reason, "agreement.suspend", consumer_may=False)

    def terminate(self, caller: Caller | None, id: str, reason: str) -> Agreement:
        """End an agreement for good; the requester may end its own, too."""
        return self._change(caller, id, "terminate", reason, "agreement.terminate", consumer_may=True)

    def agreement(self, caller: Caller | None, id: str) -> Agreement:
        """One agreement the caller may see. Raises `NotFound`."""
        caller = permit(caller, "agreement.read")
        with self.database.reading() as tx:
            return self._seen_agreement(tx, caller, id)

    def agreements(
        self,
        caller: Caller | None,
        *,
        after: str | None = None,
        limit: int = 50,
        interface: str | None = None,
    ) -> list[Agreement]:
        """Agreements the caller is a side of (the data office: all), oldest first."""
        caller = permit(caller, "agreement.read")
        with self.database.reading() as tx:
            return store.agreements(tx, party=party_of(caller), after=after, limit=limit, interface=interface)

    # ---- clocks

    def due(self) -> list[Running]:
        """Record every breach and expiry up to now; run it daily. Gives the clocks found late."""
        with self.database.transaction() as tx:
            late = self.deadlines.sweep(tx)
            for lapsed in store.lapsed(tx, stamp(self.clock())):
                self._moved(tx, lapsed, "expire", "its period has passed", "system")
                self.deadlines.start(tx, "C10", lapsed.id, lapsed.consumer)
        return late

    def due_date(self, application: Application) -> DueDate | None:
        """By when the provider has to answer an application; None when no answer is due."""
        with self.database.reading() as tx:
            found = [c for c in store.clocks(tx, subject=application.id, open_only=True) if c.due]
        if not found or found[0].due is None:
            return None
        clock = found[0]
        return DueDate(found[0].due, clock.provisional, clock.is_late(today(self.clock())))

    def clocks(self, caller: Caller | None, subject: str) -> list[Running]:
        """Clocks of an application or agreement the caller may see."""
        caller = permit(caller, "agreement.read")
        with self.database.reading() as tx:
            (self._seen if subject.startswith("apl_") else self._seen_agreement)(tx, caller, subject)
            return store.clocks(tx, subject=subject)

    def set_year(
        self, caller: Caller | None, year: int, holidays: Sequence[str], workdays: Sequence[str], source: str
    ) -> list[Running]:
        """The authority loads a year's holiday notice; open clocks move, their old day is kept. Gives the
        moved ones.
        """
        # owner "" is nobody's: only a role that acts on everyone's agreements, the authority, passes
        permit(caller, "agreement.suspend", owner="")
        with self.database.transaction() as tx:
            return self.deadlines.load(tx, year, holidays, workdays, source)

    def year(self, number: int) -> Year:
        """One year of the calendar in force. Raises `NotFound` when its notice is not loaded."""
        with self.database.reading() as tx:
            found = self.deadlines.calendar(tx).years.get(number)
        if found is None:
            raise NotFound(f"the holiday notice of {number} is not loaded", hint="dates in it are provisional")
        return found

    def _change(
        self, caller: Caller | None, id: str, verb: str, reason: str, action: str, *, consumer_may: bool
    ) -> Agreement:
        caller = permit(caller, action)
        with self.database.transaction() as tx:
            found = self._seen_agreement(tx, caller, id, lock=True)
            owner = found.consumer if consumer_may and caller.party == found.consumer else found.provider
            permit(caller, action, owner=owner)
            moved = self._moved(tx, found, verb, reason, caller.id)
            if verb == "terminate":
                self.deadlines.meet(tx, id, "C6")
                self.deadlines.start(tx, "C10", id, found.consumer)
        return moved

    def _moved(self, tx: Connection, found: Agreement, verb: str, reason: str, by: str) -> Agreement:
        moved = move(found, verb, reason, self.clock())
        store.save_agreement(tx, moved)
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

    def _seen_agreement(self, tx: Connection, caller: Caller, id: str, *, lock: bool = False) -> Agreement:
        found = store.agreement(tx, id, lock=lock)
        if found is None or party_of(caller) not in (None, found.consumer, found.provider):
            raise NotFound(f"no agreement {id} that you may see", hint="GET /api/v1/agreements lists yours")
        return found
