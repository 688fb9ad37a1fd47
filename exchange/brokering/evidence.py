"""Evidence of brokered calls: every decision and outcome in one transaction with its ledger entry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from sqlalchemy import Connection

from exchange.agreements.model import Agreement
from exchange.agreements.service import Agreements
from exchange.brokering import records, store
from exchange.brokering.check import Breach
from exchange.brokering.compiled import Compiled
from exchange.brokering.intake import Intake, Refusal
from exchange.brokering.model import Decision, Delivery, QualityFinding, Request, State, decide
from exchange.brokering.records import Ask
from exchange.brokering.sources import TOTAL_SECONDS
from exchange.clock import Clock, new_id, stamp
from exchange.database import Database
from exchange.errors import Forbidden, Unavailable, Upstream
from exchange.ledger.service import Ledger

Delivered = Callable[[Connection, str, str, str], None]
ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Passage:
    """A permitted call on its way; ``delivery.entry`` is the index of the entry that permitted it."""

    ask: Ask
    compiled: Compiled
    scope: tuple[str, ...]
    delivery: Delivery


class _Moved(Exception):
    """The agreement changed between the decision and its record: decide again."""


class Evidence:
    """Decides and records. The broker in front of it only moves bytes."""

    def __init__(self, database: Database, ledger: Ledger, agreements: Agreements, clock: Clock) -> None:
        self.database, self.ledger, self.agreements, self.clock = database, ledger, agreements, clock
        self.delivered: Delivered = lambda _tx, _launch, _interface, _operation: None

    def permit(self, intake: Intake) -> Passage:
        """Decide a call and commit the entry that permits or refuses it. Raises the refusal's error."""
        for _ in range(ATTEMPTS):
            try:
                with self.database.transaction() as tx:
                    passage, refusal = self._decided(tx, intake)
            except _Moved:
                continue
            if passage is None:
                raise refusal.error if refusal else AssertionError("neither permitted nor refused")
            return passage
        raise Unavailable("the agreement is being changed", hint="try again")

    def _decided(self, tx: Connection, intake: Intake) -> tuple[Passage | None, Refusal | None]:
        ask, compiled = intake.ask, intake.compiled
        if intake.first or compiled is None:
            return None, self._refused(tx, ask, intake.first, None)
        decision, agreement = self._choose(tx, ask)
        refusal = intake.then if decision.allowed else _said(decision)
        if refusal:
            return None, self._refused(tx, ask, refusal, agreement)
        draft = records.row(ask, State.PERMITTED, decision.rule, agreement, 0)
        digest = compiled.interface.digest
        entry = self.ledger.append(
            tx,
            "delivery.permitted",
            records.body(draft, digest),
            subjects=sorted(ask.subjects),
            payload=records.payload(ask),
        )
        self._same(tx, ask, decision)
        made = replace(draft, entry=entry.index)
        store.add(tx, made)
        return Passage(ask, compiled, decision.fields, made), None

    def _refused(
        self, tx: Connection, ask: Ask, refusal: Refusal | None, agreement: Agreement | None
    ) -> Refusal | None:
        if refusal is None:
            return None
        draft = records.row(ask, State.REFUSED, refusal.rule, agreement, 0)
        entry = self.ledger.append(
            tx,
            "delivery.refused",
            records.body(draft, ask.record.digest if ask.record else None),
            subjects=sorted(ask.subjects),
            payload=records.payload(ask),
        )
        store.add(tx, replace(draft, entry=entry.index, done_at=stamp(self.clock())))
        refusal.error.extra = {**refusal.error.extra, "rule": refusal.rule, "receipt": ask.id}
        return refusal

    def _choose(self, tx: Connection, ask: Ask) -> tuple[Decision, Agreement | None]:
        """The first agreement that permits the call, else the refusal of the newest."""
        matter = ask.launch.matter if ask.launch else None
        operation = ask.match.operation.id if ask.match else None
        request = Request(ask.consumer, ask.interface, operation, ask.claimed, ask.asked, matter)
        now = self.clock()
        found = self.agreements.for_call(tx, ask.consumer, ask.interface, ask.agreement, matter=matter)
        decided = [(decide(agreement, request, now), agreement) for agreement in found]
        permitted = next((pair for pair in decided if pair[0].allowed), None)
        return permitted or next(iter(decided), (decide(None, request, now), None))

    def _same(self, tx: Connection, ask: Ask, decision: Decision) -> None:
        # Writing the entry took the ledger's head, which whoever changes an agreement holds until it
        # commits. On PostgreSQL the decision may have read the state before that commit, so it is made
        # again; SQLite has one writer at a time and needs no second look.
        if self.database.dialect != "sqlite" and self._choose(tx, ask)[0] != decision:
            raise _Moved

    def release(self, passage: Passage, done: Delivery, body: bytes, about: frozenset[str]) -> Refusal | None:
        """Make the receipt durable; the agreement is looked at again, so a revoked one stops answers on
        their way.
        """
        for _ in range(ATTEMPTS):
            try:
                with self.database.transaction() as tx:
                    return self._released(tx, passage, done, body, about)
            except _Moved:
                continue
        raise Unavailable("the agreement is being changed", hint="try again")

    def _released(
        self, tx: Connection, passage: Passage, done: Delivery, body: bytes, about: frozenset[str]
    ) -> Refusal | None:
        permit_entry = passage.delivery.entry
        # the agreement that permitted it, and no other: the record must name what the data really left under
        ask = replace(passage.ask, agreement=passage.delivery.agreement)
        decision, agreement = self._choose(tx, ask)
        refusal = None if decision.allowed else _said(decision)
        if refusal:
            done = replace(done, state=State.WITHHELD, rule=refusal.rule, fields=(), records=0, bytes_out=0)
        entry = self.ledger.append(
            tx,
            "delivery.withheld" if refusal else "delivery.made",
            records.body(done, passage.compiled.interface.digest) | records.outcome(done, permit_entry),
            subjects=sorted(ask.subjects | (frozenset() if refusal else about)),
            payload=records.payload(ask, None if refusal else body),
        )
        self._same(tx, ask, decision)
        store.save(tx, replace(done, entry=entry.index))
        if refusal is None and agreement is not None and (done.status or 500) < 400:
            self.agreements.delivered(tx, agreement)
            if ask.launch and done.operation:
                self.delivered(tx, ask.launch.id, done.interface, done.operation)
        if refusal:
            refusal.error.extra = {**refusal.error.extra, "receipt": done.id}
        return refusal

    def failed(self, passage: Passage, breach: Breach, status: int | None) -> Upstream:
        """Record that the provider did not keep its promise; gives the error for the consumer, without the
        cause's words.
        """
        now = self.clock()
        ask = passage.ask
        done = replace(passage.delivery, state=State.FAILED, rule=breach.rule, status=status, done_at=stamp(now))
        finding = QualityFinding(
            id=new_id("qlf", now),
            at=stamp(now),
            delivery=done.id,
            provider=done.provider or "",
            interface=done.interface,
            version=done.version or "",
            operation=done.operation or "",
            rule=breach.rule,
            pointer=breach.pointer,
            status=status,
        )
        body = records.body(done, passage.compiled.interface.digest) | records.outcome(done, passage.delivery.entry)
        with self.database.transaction() as tx:
            entry = self.ledger.append(
                tx,
                "delivery.failed",
                body | {"finding": finding.id, "pointer": breach.pointer},
                subjects=sorted(ask.subjects),
                payload=records.payload(ask),
            )
            store.save(tx, replace(done, entry=entry.index))
            store.add_finding(tx, finding)
        return Upstream(
            "the provider failed or broke its own interface; nothing of its answer was passed on",
            hint="the provider was told; try again later",
            rule=breach.rule,
            receipt=done.id,
        )

    def recover(self) -> list[Delivery]:
        """Close calls whose outcome nobody knows because the service was killed; run it at start and now
        and then.
        """
        now = self.clock()
        limit = stamp(now - timedelta(seconds=2 * TOTAL_SECONDS))
        closed = []
        with self.database.transaction() as tx:
            for left in store.open_before(tx, limit):
                entry = self.ledger.append(
                    tx, "delivery.unknown", records.body(left, None) | records.outcome(left, left.entry)
                )
                done = replace(left, state=State.UNKNOWN, rule="interrupted", entry=entry.index, done_at=stamp(now))
                store.save(tx, done)
                closed.append(done)
        return closed


def _said(decision: Decision) -> Refusal:
    error = Forbidden(decision.reason["en"], rule=decision.rule, hint=decision.hint, reason=dict(decision.reason))
    return Refusal(decision.rule, error)
