"""Use cases beside agreements: extensions, orders to correct, announced ends, disposal, disputed data, disputes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy import Connection

from exchange.agreements import clocks, proceeding_store, store
from exchange.agreements.applications import ANSWER_CLOCKS, party_of
from exchange.agreements.calendar import today
from exchange.agreements.clocks import Running
from exchange.agreements.model import Agreement, AgreementState, Application, ApplicationState
from exchange.agreements.proceedings import RULES, Kind, Proceeding, Side, wants
from exchange.agreements.service import LIVE, Agreements
from exchange.agreements.violations import Violation, check_clearance, check_misuse
from exchange.clock import stamp
from exchange.errors import Conflict, Forbidden, Invalid, NotFound, Unprocessable
from exchange.parties.access import Caller, permit

MORE: Mapping[tuple[Kind, str], frozenset[str]] = {
    (Kind.ORDER, "report"): frozenset({"evidence"}),
    (Kind.TICKET, "open"): frozenset({"evidence"}),
    (Kind.DISPUTE, "decide"): frozenset({"reference"}),
    (Kind.DISPUTE, "refer"): frozenset({"reference"}),
}
"""What may be said with a verb beyond what it wants."""
LONGEST = 2000
DAYS = ("due", "done_on")


class Supervising:
    """Proceedings and violations of one exchange, on top of its agreements."""

    def __init__(self, agreements: Agreements) -> None:
        self.agreements = agreements
        self.database, self.clock = agreements.database, agreements.clock
        self.docket, self.deadlines = agreements.docket, agreements.deadlines

    # ---- proceedings

    def open(
        self, caller: Caller | None, kind: str, subject: str, text: str = "", facts: Mapping[str, Any] | None = None
    ) -> Proceeding:
        """Open a proceeding about an application or agreement one is a side of (the data office: about any).

        What ``facts`` hold depends on the kind (`RULES`). Raises `NotFound`, `Forbidden`, `Conflict`,
        `Unprocessable`.
        """
        caller = permit(caller, "proceeding.act")
        chosen = _kind(kind)
        with self.database.transaction() as tx:
            about = self._about(tx, caller, subject)
            side = _side(caller, about.consumer, about.provider)
            if side not in RULES[chosen].by:
                raise Forbidden(
                    f"the {side} does not open a {chosen}",
                    rule="proceeding.side",
                    hint=f"it is for: {', '.join(sorted(RULES[chosen].by))}",
                )
            said = self._said(chosen, "open", text, facts or {})
            said |= self._may_open(tx, chosen, about, said)
            interface = about.wish.interface if isinstance(about, Application) else about.interface
            sides = (about.consumer, about.provider)
            made = self.docket.open(
                tx, chosen, subject, sides, interface, side=side, by=caller.id, text=text.strip(), facts=said
            )
            self._opened(tx, made, about)
        return made

    def act(
        self, caller: Caller | None, id: str, verb: str, text: str = "", facts: Mapping[str, Any] | None = None
    ) -> Proceeding:
        """Move a proceeding by one verb of its kind. Raises as `open` does."""
        caller = permit(caller, "proceeding.act")
        with self.database.transaction() as tx:
            found = self._seen(tx, caller, id, lock=True)
            side = _side(caller, found.consumer, found.provider)
            said = self._said(found.kind, verb, text, facts or {})
            moved = self.docket.act(tx, found, verb, side=side, by=caller.id, text=text.strip(), facts=said)
            self._acted(tx, moved, verb, caller)
        return moved

    def proceeding(self, caller: Caller | None, id: str) -> Proceeding:
        """One proceeding the caller may see. Raises `NotFound`."""
        caller = permit(caller, "agreement.read")
        with self.database.reading() as tx:
            return self._seen(tx, caller, id)

    def proceedings(
        self,
        caller: Caller | None,
        *,
        subject: str | None = None,
        kind: str | None = None,
        open_only: bool = False,
        after: str | None = None,
        limit: int | None = None,
    ) -> list[Proceeding]:
        """Proceedings the caller is a side of (the data office: all), oldest first."""
        caller = permit(caller, "agreement.read")
        with self.database.reading() as tx:
            return proceeding_store.listed(
                tx,
                party=party_of(caller),
                subjects=None if subject is None else [subject],
                kind=None if kind is None else _kind(kind),
                open_only=open_only,
                after=after,
                limit=limit,
            )

    def clocks(self, caller: Caller | None, id: str) -> list[Running]:
        """Clocks of one proceeding the caller may see."""
        caller = permit(caller, "agreement.read")
        with self.database.reading() as tx:
            return store.clocks(tx, subject=self._seen(tx, caller, id).id)

    def flagged(self, caller: Caller | None, interface: str, key: str) -> list[str]:
        """Fields of one record that somebody disputes at present, for whoever may use the interface.

        The record is found by its whole ``key`` only: who does not know it learns nothing.
        """
        caller = permit(caller, "agreement.read")
        with self.database.reading() as tx:
            if party_of(caller) is not None:
                held = store.of_consumer(tx, caller.party, interface)
                given = store.agreements(tx, party=caller.party, interface=interface)
                if not any(one.state_at(self.clock()) in LIVE for one in (*held, *given)):
                    raise NotFound(f"no agreement of yours on {interface}", hint="GET /api/v1/agreements lists yours")
            tickets = proceeding_store.listed(tx, kind=Kind.TICKET, interface=interface, open_only=True)
        return sorted({str(one.facts["field"]) for one in tickets if one.facts.get("key") == key})

    # ---- violations

    def violations(
        self,
        caller: Caller | None,
        *,
        since: str | None = None,
        until: str | None = None,
        after: str | None = None,
        limit: int | None = None,
    ) -> list[Violation]:
        """Violations of the caller's party (the data office: everybody's), oldest first."""
        caller = permit(caller, "agreement.read")
        with self.database.reading() as tx:
            return proceeding_store.violations(
                tx, party=party_of(caller), since=since, until=until, after=after, limit=limit
            )

    def clear(self, caller: Caller | None, id: str, reason: str) -> Violation:
        """The authority accepts a good reason for a violation; it stays on record, cleared."""
        # owner "" is nobody's: only the authority acts on everyone's
        caller = permit(caller, "agreement.suspend", owner="")
        with self.database.transaction() as tx:
            found = proceeding_store.violation(tx, id)
            if found is None:
                raise NotFound(f"there is no violation {id}")
            check_clearance(found, reason)
            return self.deadlines.clear(tx, found, caller.id, reason.strip())

    # ---- what a kind asks before it is opened, and what follows an act

    def _may_open(
        self, tx: Connection, kind: Kind, about: Application | Agreement, said: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Raises unless this kind fits what it is about; gives facts found on the way."""
        if kind is Kind.EXTENSION:
            return self._extendable(tx, about, int(said.get("days", 0)))
        if kind is Kind.DISPUTE:
            self._only_one(tx, kind, about)
            return {}
        if isinstance(about, Application):
            raise Unprocessable(f"a {kind} is about an agreement, not an application", pointer="/subject")
        state = about.state_at(self.clock())
        if kind is Kind.TICKET:
            if not _covers(about, str(said.get("field", ""))):
                raise Unprocessable("only a field of the agreement is disputed under it", pointer="/field")
            return {}
        if state not in LIVE:
            raise Conflict(f"agreement {about.id} is {state}")
        if kind is Kind.ORDER:
            check_misuse(str(said.get("code", "")))
        earliest = today(self.clock())
        day = date.fromisoformat(str(said["due"])) if said.get("due") else earliest
        if day < earliest or (kind is Kind.ENDING and day == earliest):
            raise Unprocessable(f"{day} is too early", hint="name a later day", pointer="/due")
        self._only_one(tx, kind, about)
        return {}

    def _only_one(self, tx: Connection, kind: Kind, about: Application | Agreement) -> None:
        if proceeding_store.listed(tx, subjects=[about.id], kind=kind, open_only=True):
            raise Conflict(f"{about.id} has an open {kind}", hint="that one goes on, or is closed first")

    def _extendable(self, tx: Connection, about: Application | Agreement, days: int) -> dict[str, Any]:
        if not isinstance(about, Application) or about.state is not ApplicationState.FILED:
            raise Conflict("only the answer to a filed application can be given more time (art 21)")
        running = next(
            (c for c in store.clocks(tx, subject=about.id, open_only=True) if c.rule in ANSWER_CLOCKS.values()), None
        )
        if running is None:
            raise Conflict(f"no answer clock runs for {about.id}")
        self._only_one(tx, Kind.EXTENSION, about)
        preset, now = self.deadlines.preset, self.clock()
        everyone = dict.fromkeys(preset.rules[running.rule].consent, "asked")
        # would it hold if it were granted now? then the authority is not asked for what it cannot give
        clocks.extended(running, preset, self.deadlines.calendar(tx), days, everyone, today(now))
        return {"clock": running.id, "rule": running.rule}

    def _opened(self, tx: Connection, made: Proceeding, about: Application | Agreement) -> None:
        if made.kind is Kind.ORDER and isinstance(about, Agreement):
            due, code = date.fromisoformat(made.facts["due"]), str(made.facts["code"])
            self.docket.violate(tx, made, code, made.consumer)
            if about.state is AgreementState.ACTIVE:
                self.agreements.moved(tx, about, "suspend", made.acts[0].text, made.acts[0].by)
            self.deadlines.start(tx, "C11", made.id, made.consumer, until=due)
        if made.kind is Kind.TICKET:
            self.deadlines.start(tx, "C7", made.id, made.provider)

    def _acted(self, tx: Connection, found: Proceeding, verb: str, caller: Caller) -> None:
        by = f"{caller.id} {stamp(self.clock())}"
        match found.kind, verb:
            case Kind.EXTENSION, "grant":
                # the requester is told by this very entry and by the clock it sees on its application
                consent = {"authority": by, "notice": f"{found.consumer} {stamp(self.clock())}"}
                self.deadlines.extend(tx, found.facts["clock"], int(found.facts["days"]), consent)
            case Kind.ORDER, "report":
                self.deadlines.meet(tx, found.id, "C11")
            case Kind.ORDER, "refuse":
                self.deadlines.drop(tx, found.id, "C11")
            case Kind.ORDER, "accept":
                self._corrected(tx, found, caller)
            case Kind.DISPOSAL, "demand" | "reject":
                self.deadlines.drop(tx, found.id, "C10")
                self.deadlines.start(tx, "C10", found.id, found.consumer, until=date.fromisoformat(found.facts["due"]))
            case Kind.DISPOSAL, "report":
                self.deadlines.meet(tx, found.id, "C10")
            case Kind.TICKET, "feed-back":
                self.deadlines.meet(tx, found.id, "C7")
            case Kind.TICKET, "withdraw":
                self.deadlines.drop(tx, found.id, "C7")
            case Kind.REVIEW, "approve" | "object":
                self.deadlines.meet(tx, found.id, "L1")
            case _:
                pass

    def _corrected(self, tx: Connection, found: Proceeding, caller: Caller) -> None:
        for violation in proceeding_store.violations(tx, subjects=[found.id]):
            if violation.cleared_at is None and violation.clock is None:
                self.deadlines.clear(tx, violation, caller.id, "corrected")
        agreement = store.agreement(tx, found.subject, lock=True)
        if agreement is not None and agreement.state_at(self.clock()) is AgreementState.SUSPENDED:
            self.agreements.moved(tx, agreement, "resume", "corrected", caller.id)

    # ---- who and what

    def _about(self, tx: Connection, caller: Caller, subject: str) -> Application | Agreement:
        if subject.startswith("apl_"):
            return self.agreements.seen_application(tx, caller, subject)
        return self.agreements.seen_agreement(tx, caller, subject)

    def _seen(self, tx: Connection, caller: Caller, id: str, *, lock: bool = False) -> Proceeding:
        found = proceeding_store.one(tx, id, lock=lock)
        if found is None or party_of(caller) not in (None, found.consumer, found.provider):
            raise NotFound(f"no proceeding {id} that you may see", hint="GET /api/v1/proceedings lists yours")
        return found

    def _said(self, kind: Kind, verb: str, text: str, facts: Mapping[str, Any]) -> dict[str, Any]:
        """The facts, if this verb takes them. Unknown verbs are left to `advance`, which names those there are."""
        if verb != "open" and verb not in RULES[kind].moves:
            return {}
        allowed = ({*wants(kind, verb)} | MORE.get((kind, verb), frozenset())) - {"text"}
        given = {name: value for name, value in facts.items() if value not in (None, "")}
        if strange := sorted(given.keys() - allowed):
            raise Unprocessable(
                f"to {verb} a {kind} does not take: {', '.join(strange)}",
                hint=f"it takes: {', '.join(sorted(allowed)) or 'nothing'}",
                pointers=[f"/{name}" for name in strange],
            )
        if any(len(str(value)) > LONGEST for value in (text, *given.values())):
            raise Unprocessable(f"a text is longer than {LONGEST} characters")
        if not str(given.get("days", "1")).isdecimal():
            raise Unprocessable(f"{given['days']!r} is no number of days", pointer="/days")
        for name in DAYS:
            if name in given:
                try:
                    given[name] = date.fromisoformat(str(given[name])).isoformat()
                except ValueError:
                    raise Unprocessable(f"{given[name]!r} is no day", hint="2026-10-01", pointer=f"/{name}") from None
        return given


def _kind(name: str) -> Kind:
    try:
        return Kind(name)
    except ValueError:
        raise Invalid(f"there is no proceeding {name!r}", hint=f"choose among {', '.join(Kind)}") from None


def _side(caller: Caller, consumer: str, provider: str) -> Side:
    """The side a caller acts for. The provider's side takes a reviewer or administrator: its head decides (art 20)."""
    if caller.party == consumer:
        return Side.CONSUMER
    if caller.party == provider:
        permit(caller, "agreement.suspend", owner=provider)
        return Side.PROVIDER
    if caller.via == "system":
        return Side.SYSTEM
    permit(caller, "agreement.suspend", owner="")
    return Side.AUTHORITY


def _covers(agreement: Agreement, field: str) -> bool:
    return (
        field in agreement.fields
        or field in agreement.labels
        or any(field in templates for templates in agreement.scope.values())
    )
