"""Use cases beside agreements: extensions, orders to correct, announced ends, disposal, disputed data, disputes; return
flow, updates of catalogue entries, rectifications.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import Connection

from exchange.agreements import clocks, proceeding_store, store
from exchange.agreements.applications import ANSWER_CLOCKS, party_of
from exchange.agreements.calendar import today
from exchange.agreements.clocks import Running
from exchange.agreements.effects import effect
from exchange.agreements.model import Agreement, AgreementState, Application, ApplicationState
from exchange.agreements.proceedings import RULES, SUBJECTS, Kind, Proceeding, Side, naming, verbs
from exchange.agreements.said import checked
from exchange.agreements.service import LIVE, Agreements
from exchange.agreements.violations import Violation, check_clearance, check_misuse
from exchange.catalogue.model import Record
from exchange.clock import moment, stamp
from exchange.errors import Conflict, Forbidden, Invalid, NotFound, Unprocessable
from exchange.parties.access import SYSTEM, Caller, permit

EXTENDABLE = frozenset({*ANSWER_CLOCKS.values(), "C1"})
"""Clocks the law lets an authority extend (arts 17, 21)."""
About = Application | Agreement | Record | Proceeding
"""What a proceeding may be about; of proceedings, an update that asks for more time."""


@dataclass(frozen=True, slots=True)
class Beside:
    """Proceedings and clocks about one subject, and the party whose it is."""

    party: str
    proceedings: tuple[Proceeding, ...]
    clocks: tuple[Running, ...]


class Supervising:
    """Proceedings and violations of one exchange, on top of its agreements."""

    def __init__(self, agreements: Agreements) -> None:
        self.agreements = agreements
        self.database, self.clock = agreements.database, agreements.clock
        self.docket, self.deadlines = agreements.docket, agreements.deadlines
        self.publish: Callable[[Caller, str, str], object] = lambda _caller, _interface, _version: None
        """Puts an audited version of an entry in force, if it is not yet; handed in when the service is wired."""

    # ---- proceedings

    def open(
        self, caller: Caller | None, kind: str, subject: str, text: str = "", facts: Mapping[str, Any] | None = None
    ) -> Proceeding:
        """Open a proceeding about an application, agreement or entry one is a side of (the data office: about any).

        What ``facts`` hold depends on the kind (`RULES`). Raises `NotFound`, `Forbidden`, `Conflict`,
        `Unprocessable`.
        """
        caller = permit(caller, "proceeding.act")
        chosen = _kind(kind)
        with self.database.transaction() as tx:
            about = self._about(tx, caller, subject)
            consumer, provider, interface = _parts(about)
            side = _side(caller, consumer, provider)
            if side not in RULES[chosen].by:
                raise Forbidden(
                    f"the {side} does not open {naming(chosen)}",
                    rule="proceeding.side",
                    hint=f"it is for: {', '.join(sorted(RULES[chosen].by))}",
                )
            said = checked(chosen, "open", text, facts or {})
            said |= self._may_open(tx, chosen, about, said)
            sides = consumer, provider
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
        if verb == "audit":
            self._publish(caller, id)
        with self.database.transaction() as tx:
            found = self._seen(tx, caller, id, lock=True)
            side = _side(caller, found.consumer, found.provider)
            said = checked(found.kind, verb, text, facts or {})
            if (found.kind, verb) == (Kind.UPDATE, "send") and verb in verbs(found, side):
                self._sendable(found, str(said.get("version", "")))
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

    def beside(self, caller: Caller | None, subject: str) -> Beside:
        """What goes on about a catalogue entry, or a handled matter, with its clocks: for whoever takes part in it, the
        department of the entry and the data office. Raises `NotFound`.
        """
        caller = permit(caller, "agreement.read")
        party = party_of(caller)
        with self.database.reading() as tx:
            found = proceeding_store.listed(tx, party=party, subjects=[subject])
            entry = self.agreements.catalogue.standing(tx, subject)
            owner = entry.department if entry else found[0].provider if found else ""
            if not found and (not owner or party not in (None, owner)):
                raise NotFound(f"nothing goes on about {subject} that you may see", hint="GET /api/v1/proceedings")
            more = proceeding_store.listed(tx, party=party, subjects=[one.id for one in found])
            clocks = store.clocks(tx, subjects=[subject, *(one.id for one in found)])
        return Beside(owner, tuple(found + more), tuple(clocks))

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
                raise NotFound(f"there is no violation {id}", hint="GET /api/v1/violations lists them")
            check_clearance(found, reason)
            return self.deadlines.clear(tx, found, caller.id, reason.strip())

    # ---- what a kind asks before it is opened, and what follows an act

    def _may_open(self, tx: Connection, kind: Kind, about: About, said: Mapping[str, Any]) -> dict[str, Any]:
        """Raises unless this kind fits what it is about; gives facts found on the way."""
        if kind is Kind.EXTENSION:
            return self._extendable(tx, about, int(said.get("days", 0)))
        if isinstance(about, Record) is not (kind is Kind.UPDATE):
            raise Unprocessable(f"{naming(kind)} is not about {about.id}", hint=SUBJECTS[kind], pointer="/subject")
        if isinstance(about, Record):
            self._only_one(tx, kind, about)
            return {"since": said.get("since") or str(today(self.clock()))}
        if isinstance(about, Proceeding):
            raise Unprocessable(f"{naming(kind)} is not about {about.id}", hint=SUBJECTS[kind], pointer="/subject")
        if kind is Kind.DISPUTE:
            self._only_one(tx, kind, about)
            return {}
        if isinstance(about, Application):
            raise Unprocessable(f"{naming(kind)} is not about {about.id}", hint=SUBJECTS[kind], pointer="/subject")
        state = about.state_at(self.clock())
        if kind is Kind.TICKET:
            if not _covers(about, str(said.get("field", ""))):
                known = ", ".join(about.labels[:20])
                raise Unprocessable(
                    "only a field of the agreement is disputed under it", hint=f"one of {known}", pointer="/field"
                )
            return {}
        if state not in LIVE:
            raise Conflict(f"agreement {about.id} is {state}", hint="only one in force or suspended is still acted on")
        if kind is Kind.RETURN:
            found = proceeding_store.listed(tx, subjects=[about.id], kind=kind, open_only=True)
            if any(one.facts["division"] == said.get("division") for one in found):
                raise Conflict(f"{about.id} has an open {kind} of this division", hint="that one goes on")
            return {}
        if kind is Kind.ORDER:
            check_misuse(str(said.get("code", "")))
        earliest = today(self.clock())
        day = date.fromisoformat(str(said["due"])) if said.get("due") else earliest
        if day < earliest or (kind is Kind.ENDING and day == earliest):
            raise Unprocessable(f"{day} is too early", hint="name a later day", pointer="/due")
        self._only_one(tx, kind, about)
        return {}

    def _only_one(self, tx: Connection, kind: Kind, about: About) -> None:
        if proceeding_store.listed(tx, subjects=[about.id], kind=kind, open_only=True):
            raise Conflict(f"{about.id} has an open {kind}", hint="that one goes on, or is closed first")

    def _extendable(self, tx: Connection, about: About, days: int) -> dict[str, Any]:
        waits = about.state is ApplicationState.FILED if isinstance(about, Application) else about.state == "noticed"
        if not waits or not isinstance(about, Application | Proceeding):
            raise Conflict(
                "only the answer to an application (art 21) and the update of an entry (art 17) are given more time",
                hint=SUBJECTS[Kind.EXTENSION],
            )
        running = next((c for c in store.clocks(tx, subject=about.id, open_only=True) if c.rule in EXTENDABLE), None)
        if running is None:
            raise Conflict(f"no clock runs for {about.id} that can be extended")
        self._only_one(tx, Kind.EXTENSION, about)
        preset, now = self.deadlines.preset, self.clock()
        everyone = dict.fromkeys(preset.rules[running.rule].consent, "asked")
        # would it hold if it were granted now? then the authority is not asked for what it cannot give
        clocks.extended(running, preset, self.deadlines.calendar(tx), days, everyone, today(now))
        return {"clock": running.id, "rule": running.rule}

    def _opened(self, tx: Connection, made: Proceeding, about: About) -> None:
        if made.kind is Kind.ORDER and isinstance(about, Agreement):
            self.deadlines.violate(tx, str(made.facts["code"]), made.consumer, made.interface, about.id, made.id)
            if about.state is AgreementState.ACTIVE:
                self.agreements.moved(tx, about, "suspend", made.acts[0].text, made.acts[0].by)
        effect(tx, self.deadlines, made, "open")

    def _acted(self, tx: Connection, found: Proceeding, verb: str, caller: Caller) -> None:
        effect(tx, self.deadlines, found, verb)
        match found.kind, verb:
            case Kind.EXTENSION, "grant":
                # the requester is told by this very entry and by the clock it sees on its application
                consent = {"authority": f"{caller.id} {stamp(self.clock())}"}
                consent |= {"notice": f"{found.consumer} {stamp(self.clock())}"} if found.consumer else {}
                self.deadlines.extend(tx, found.facts["clock"], int(found.facts["days"]), consent)
            case Kind.ORDER, "accept":
                self._corrected(tx, found, caller)
            case Kind.UPDATE, "send" | "drop":
                self.docket.close(tx, found.id, Kind.EXTENSION)
            case _:
                pass

    def _corrected(self, tx: Connection, found: Proceeding, caller: Caller) -> None:
        for violation in proceeding_store.violations(tx, subjects=[found.id]):
            if violation.cleared_at is None and violation.clock is None:
                self.deadlines.clear(tx, violation, caller.id, "corrected")
        agreement = store.agreement(tx, found.subject, lock=True)
        if agreement is not None and agreement.state_at(self.clock()) is AgreementState.SUSPENDED:
            self.agreements.moved(tx, agreement, "resume", "corrected", caller.id)

    # ---- updates of catalogue entries (art 17)

    def _sendable(self, found: Proceeding, version: str) -> None:
        """Raises unless this version was registered since the change; an empty one is left to `advance`."""
        if not version:
            return
        versions = self.agreements.catalogue.versions(found.interface)
        known = next((one for one in versions if one.version == version), None)
        if known is None or str(today(moment(known.registered_at))) < found.facts["since"]:
            raise Unprocessable(
                f"{found.interface} {version} was not registered since {found.facts['since']}",
                hint="register the updated document first: POST /api/v1/interfaces",
                pointer="/version",
            )

    def _publish(self, caller: Caller, id: str) -> None:
        """Put what is about to be audited in force, if its department has not. Done before the audit is noted, so that
        no audit stands beside a version that could not be published; done again it changes nothing.
        """
        with self.database.reading() as tx:
            found = self._seen(tx, caller, id)
        if found.kind is Kind.UPDATE and "audit" in verbs(found, _side(caller, found.consumer, found.provider)):
            self.publish(replace(SYSTEM, id=caller.id), found.interface, str(found.facts["version"]))

    # ---- who and what

    def _about(self, tx: Connection, caller: Caller, subject: str) -> About:
        if subject.startswith("apl_"):
            return self.agreements.seen_application(tx, caller, subject)
        if subject.startswith("agr_"):
            return self.agreements.seen_agreement(tx, caller, subject)
        if subject.startswith("prc_"):
            return self._seen(tx, caller, subject)
        entry = self.agreements.catalogue.standing(tx, subject)
        if entry is None or party_of(caller) not in (None, entry.department):
            raise NotFound(
                f"there is no {subject} of yours a proceeding could be about",
                hint="name an application, an agreement or a catalogue entry; GET /api/v1/agreements lists yours",
            )
        return entry

    def _seen(self, tx: Connection, caller: Caller, id: str, *, lock: bool = False) -> Proceeding:
        found = proceeding_store.one(tx, id, lock=lock)
        if found is None or party_of(caller) not in (None, found.consumer, found.provider):
            raise NotFound(f"no proceeding {id} that you may see", hint="GET /api/v1/proceedings lists yours")
        return found


def _parts(about: About) -> tuple[str, str, str]:
    """Consumer, provider and interface of what a proceeding is about."""
    if isinstance(about, Record):
        return "", about.department, about.id
    return about.consumer, about.provider, about.wish.interface if isinstance(about, Application) else about.interface


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
