"""Use cases of an application: file, complete, withdraw, answer. Each writes the ledger as it commits."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from exchange.agreements import clocks, store
from exchange.agreements.clocks import Preset
from exchange.agreements.deadlines import Deadlines
from exchange.agreements.docket import Docket
from exchange.agreements.effects import effect
from exchange.agreements.model import (
    Agreement,
    Application,
    ApplicationState,
    Reply,
    Sharing,
    check_reply,
    grant,
    sharing_basis,
    sharing_class,
    step,
)
from exchange.agreements.proceedings import Kind as Proceedings
from exchange.agreements.wish import Wish, check_size, gaps
from exchange.catalogue.service import Catalogue
from exchange.clock import Clock, new_id, stamp
from exchange.database import Database
from exchange.errors import Conflict, Invalid, NotFound, Unprocessable
from exchange.ledger.service import Ledger
from exchange.parties.access import Caller, permit
from specs.model import Kind

ANSWER_CLOCKS = {Sharing.UNCONDITIONAL: "C3", Sharing.CONDITIONAL: "C4"}


class Applications:
    """Applications of all parties; `exchange.agreements.service.Agreements` adds what follows a consent."""

    def __init__(
        self,
        database: Database,
        ledger: Ledger,
        catalogue: Catalogue,
        clock: Clock,
        preset: Preset | None = None,
    ) -> None:
        """``preset`` defaults to the national limits. ``enforceable`` is supplied from above when the service is wired:
        it raises `Unprocessable` for an agreement whose terms nobody who delivers could enforce.
        """
        self.database, self.ledger, self.catalogue, self.clock = database, ledger, catalogue, clock
        self.deadlines = Deadlines(ledger, clock, preset or clocks.presets()["national"])
        self.docket = Docket(ledger, clock)
        self.enforceable: Callable[[Agreement], None] = _anything

    def apply(self, caller: Caller | None, wish: Wish) -> Application:
        """File an application. What is missing is listed once, all together; unconditional data is granted
        at once.
        """
        caller = permit(caller, "application.file")
        check_size(wish)
        record = self.catalogue.interface(wish.interface)
        if not record.state.live or record.kind is Kind.PROCESS:
            raise NotFound(f"no published service or dataset {wish.interface}", hint="search the catalogue")
        if record.department == caller.party:
            raise Unprocessable("a department does not apply for its own interface", pointer="/interface")
        wish = _approved(wish, caller)
        now = self.clock()
        missing = gaps(wish, record.spec)
        made = Application(
            id=new_id("apl", now),
            consumer=caller.party,
            provider=record.department,
            wish=wish,
            sharing=sharing_class(record.spec),
            state=ApplicationState.INCOMPLETE if missing else ApplicationState.FILED,
            filed_by=caller.id,
            filed_at=stamp(now),
            missing=missing,
            completed_at=None if missing else stamp(now),
        )
        with self.database.transaction() as tx:
            self._record(tx, "application.filed", _filed(made))
            if missing:
                self._record(
                    tx,
                    "application.incomplete",
                    {"application": made.id, "missing": [gap.pointer for gap in missing]},
                )
                self._clock_incomplete(tx, made)
                store.save_application(tx, made)
                return made
            return self._consider(tx, made)

    def complete(self, caller: Caller | None, id: str, wish: Wish) -> Application:
        """Hand in what was missing. Still missing: the first notice stands, there is no second (art 21)."""
        caller = permit(caller, "application.file")
        check_size(wish)
        with self.database.transaction() as tx:
            found = self.seen_application(tx, caller, id, lock=True)
            permit(caller, "application.file", owner=found.consumer)
            moved = step(found, "complete")
            if wish.interface != found.wish.interface:
                raise Conflict("another interface is another application", hint="file a new one")
            wish = _approved(wish, caller)
            left = gaps(wish, self.catalogue.interface(wish.interface).spec)
            if left:
                pointers = [gap.pointer for gap in left]
                raise Unprocessable(
                    f"still missing or wrong: {', '.join(pointers)}",
                    hint="the notice of the application lists everything; hand it in together",
                    missing=[{"pointer": gap.pointer, "message": dict(gap.message)} for gap in left],
                )
            now = self.clock()
            whole = replace(moved, wish=wish, completed_at=stamp(now))
            self._record(tx, "application.completed", _filed(whole))
            return self._consider(tx, whole)

    def withdraw(self, caller: Caller | None, id: str) -> Application:
        """The requester takes an undecided application back."""
        caller = permit(caller, "application.file")
        with self.database.transaction() as tx:
            found = self.seen_application(tx, caller, id, lock=True)
            permit(caller, "application.file", owner=found.consumer)
            made = step(found, "withdraw")
            store.save_application(tx, made)
            self._over(tx, id, met=False)
            self._record(tx, "application.withdrawn", {"application": id, "consumer": found.consumer})
        return made

    def answer(
        self,
        caller: Caller | None,
        id: str,
        decision: str,
        reason: str = "",
        basis: str = "",
        disposal: str = "",
        disposal_days: int | None = None,
        terms: Mapping[str, Any] | None = None,
    ) -> Agreement | None:
        """The provider consents (gives the agreement) or refuses (None) with reason and statutory basis.

        ``disposal``: what the requester has to do with the data when the use ends, within ``disposal_days``.
        ``terms``: conditions whoever delivers has to enforce, such as masks; they need a basis (art 14).
        """
        caller = permit(caller, "application.answer")
        if decision not in ("consent", "refuse"):
            raise Invalid("the decision is consent or refuse", pointer="/decision")
        with self.database.transaction() as tx:
            found = self.seen_application(tx, caller, id, lock=True)
            permit(caller, "application.answer", owner=found.provider)
            now = stamp(self.clock())
            reply = Reply(
                decision == "consent", caller.id, now, reason.strip(), basis.strip(),
                disposal=disposal.strip(), disposal_days=disposal_days, terms=dict(terms or {}),
            )  # fmt: skip
            check_reply(found, reply)
            return self._decided(tx, found, reply)

    def application(self, caller: Caller | None, id: str) -> Application:
        """One application the caller may see. Raises `NotFound`."""
        caller = permit(caller, "agreement.read")
        with self.database.reading() as tx:
            return self.seen_application(tx, caller, id)

    def applications(
        self,
        caller: Caller | None,
        *,
        after: str | None = None,
        limit: int | None = None,
        state: str | None = None,
    ) -> list[Application]:
        """Applications the caller filed or has to answer (the data office: all), oldest first."""
        caller = permit(caller, "agreement.read")
        with self.database.reading() as tx:
            return store.applications(tx, party=party_of(caller), after=after, limit=limit, state=state)

    def newest_applications(
        self, caller: Caller | None, limit: int, offset: int = 0, *, states: Collection[str] = ()
    ) -> tuple[list[Application], int]:
        """A page of the applications the caller filed or has to answer, newest first, and how many there are in all."""
        caller = permit(caller, "agreement.read")
        with self.database.reading() as tx:
            return store.newest_applications(tx, party=party_of(caller), states=states, limit=limit, offset=offset)

    def _consider(self, tx: Connection, made: Application) -> Application:
        """A complete application: decided at once where the class of the data decides, else the answer
        clock runs.
        """
        store.save_application(tx, made)
        now = stamp(self.clock())
        if made.sharing is Sharing.UNCONDITIONAL:
            self._decided(tx, made, Reply(True, "system", now, "unconditional sharing", automatic=True))
        elif made.sharing is Sharing.NONE:
            basis = sharing_basis(self.catalogue.interface(made.wish.interface).spec)
            self._decided(
                tx,
                made,
                Reply(False, "system", now, "the catalogue entry is not shared", basis, automatic=True),
            )
        else:
            if not store.clocks(tx, subject=made.id, open_only=True):
                self.deadlines.start(tx, ANSWER_CLOCKS[made.sharing], made.id, made.provider)
            if "L1" in self.deadlines.preset.rules:
                sides = (made.consumer, made.provider)
                review = self.docket.open(tx, Proceedings.REVIEW, made.id, sides, made.wish.interface)
                effect(tx, self.deadlines, review, "open")
        return store.application(tx, made.id) or made

    def _clock_incomplete(self, tx: Connection, made: Application) -> None:
        rule = ANSWER_CLOCKS.get(made.sharing)
        if rule is not None and not self.deadlines.preset.pause_while_incomplete:
            self.deadlines.start(tx, rule, made.id, made.provider)

    def _decided(self, tx: Connection, found: Application, reply: Reply) -> Agreement | None:
        now = self.clock()
        agreement = None
        decided = step(found, "consent" if reply.consent else "refuse")
        if reply.consent:
            record = self.catalogue.interface(found.wish.interface)
            agreement = grant(new_id("agr", now), found, record.spec, now, reply.terms)
            self.enforceable(agreement)
            store.save_agreement(tx, agreement)
        decided = replace(decided, reply=reply, agreement=agreement.id if agreement else None)
        store.save_application(tx, decided)
        self._over(tx, found.id, met=True)
        about = {
            "application": found.id,
            "consumer": found.consumer,
            "provider": found.provider,
            "by": reply.by,
        }
        if agreement is None:
            self._record(tx, "application.refused", {**about, "reason": reply.reason, "basis": reply.basis})
            return None
        self.deadlines.start(tx, "C6", agreement.id, agreement.provider)
        self._record(tx, "agreement.granted", {**about, **granted(agreement), "automatic": reply.automatic})
        return agreement

    def _over(self, tx: Connection, id: str, *, met: bool) -> None:
        """An application is decided (``met``) or taken back: its clocks and what runs beside it end."""
        (self.deadlines.meet if met else self.deadlines.drop)(tx, id)
        for closed in self.docket.close(tx, id, Proceedings.EXTENSION, Proceedings.REVIEW):
            effect(tx, self.deadlines, closed, closed.acts[-1].verb)

    def seen_application(self, tx: Connection, caller: Caller, id: str, *, lock: bool = False) -> Application:
        """One application, locked on demand. Raises `NotFound` unless the caller may see it."""
        found = store.application(tx, id, lock=lock)
        if found is None or party_of(caller) not in (None, found.consumer, found.provider):
            raise NotFound(f"no application {id} that you may see", hint="GET /api/v1/applications lists yours")
        return found

    def _record(self, tx: Connection, kind: str, body: Mapping[str, Any]) -> None:
        self.ledger.append(tx, kind, body)


def _anything(_agreement: Agreement) -> None:
    """What is asked of terms while nobody delivers: the broker refuses calls under terms it does not know."""


def party_of(caller: Caller) -> str | None:
    """Whose applications and agreements a caller sees; None: everybody's."""
    return None if caller.kind == "data_office" or caller.via == "system" else caller.party


def _approved(wish: Wish, caller: Caller) -> Wish:
    """The head's approval (art 20): named in the application, or given by filing it as reviewer or
    administrator.
    """
    heads = caller.roles & {"reviewer", "admin"}
    return wish if wish.approved_by.strip() or not heads else replace(wish, approved_by=caller.name)


def _filed(made: Application) -> dict[str, Any]:
    wish = made.wish
    return {
        "application": made.id,
        "consumer": made.consumer,
        "provider": made.provider,
        "interface": wish.interface,
        "operations": list(wish.operations) or [str(wish.table)],
        "fields": list(wish.fields),
        "purpose": wish.purpose,
        "legal_basis": wish.legal_basis,
        "mode": wish.mode,
        "days": wish.duration_days,
        "sharing": made.sharing.value,
    }


def granted(agreement: Agreement) -> dict[str, Any]:
    return {
        "agreement": agreement.id,
        "consumer": agreement.consumer,
        "provider": agreement.provider,
        "interface": agreement.interface,
        "interface_version": agreement.version,
        "mode": agreement.mode.value,
        "purpose": agreement.purpose,
        "legal_basis": agreement.legal_basis,
        "scope": {name: list(templates) for name, templates in agreement.scope.items()},
        "starts_at": agreement.starts_at,
        "expires_at": agreement.expires_at,
        "matter": agreement.matter or "",
        "terms": dict(agreement.terms),
    }
