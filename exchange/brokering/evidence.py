"""Evidence of brokered calls: many decisions and outcomes share one transaction with their ledger entries."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from exchange.agreements.model import Agreement
from exchange.agreements.service import Agreements
from exchange.brokering import records, store
from exchange.brokering.check import Breach
from exchange.brokering.compiled import Compiled
from exchange.brokering.intake import Intake, Refusal
from exchange.brokering.model import Decision, Delivery, End, QualityFinding, Request, State, covers, decide, in_force
from exchange.brokering.pen import Pen
from exchange.brokering.records import Ask
from exchange.brokering.sight import Sight, Standing
from exchange.brokering.sources import TOTAL_SECONDS
from exchange.brokering.subjects import together
from exchange.clock import Clock, new_id, stamp
from exchange.database import CANNOT, Database, cannot
from exchange.errors import Forbidden, TongbanError, Unauthenticated, Unavailable, Upstream
from exchange.ledger.lane import Lane
from exchange.ledger.service import Draft, Ledger

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
Delivered = Callable[[Connection, str, str, str], None]


@dataclass(frozen=True, slots=True)
class Passage:
    """A permitted call on its way."""

    ask: Ask
    compiled: Compiled
    agreement: Agreement
    scope: tuple[str, ...]
    delivery: Delivery
    permit: int
    """Index of the entry that permitted it."""


@dataclass(frozen=True, slots=True)
class Permit:
    """Decide a call. ``standing``: the caller was known from before and has to be looked at again."""

    intake: Intake
    standing: Standing | None = None


@dataclass(frozen=True, slots=True)
class Release:
    """An answer that is ready to leave: ``left`` its bytes' hash, ``about`` the persons in it."""

    passage: Passage
    end: End
    left: str
    about: frozenset[str]
    more: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Failure:
    """A provider that did not keep its promise."""

    passage: Passage
    end: End
    finding: QualityFinding


Job = Permit | Release | Failure


class Moved(TongbanError):
    """What the call was prepared with has changed meanwhile: prepare it again."""


@dataclass(frozen=True, slots=True)
class _Permitted:
    """A `Passage` before its entry has a place."""

    ask: Ask
    compiled: Compiled
    agreement: Agreement
    scope: tuple[str, ...]
    delivery: Delivery

    def passage(self, index: int) -> Passage:
        return Passage(self.ask, self.compiled, self.agreement, self.scope, self.delivery, index)


@dataclass(slots=True)
class _Line:
    """What one job writes: an entry, a new row or the end of one, and what it gives back."""

    job: Job
    draft: Draft | None
    row: Delivery | None
    end: End | None
    outcome: Any
    agreement: Agreement | None = None


class Evidence:
    """Decides and records. The broker in front of it only moves bytes."""

    def __init__(self, database: Database, ledger: Ledger, agreements: Agreements, clock: Clock) -> None:
        self.database, self.ledger, self.agreements, self.clock = database, ledger, agreements, clock
        self.delivered: Delivered = lambda _tx, _launch, _interface, _operation: None
        self._pen = Pen(database)
        self.sight = Sight(agreements)
        self.lane = Lane(self._write, self._pen.close)

    async def permit(self, intake: Intake, standing: Standing | None = None) -> Passage:
        """Decide a call and commit the entry that permits or refuses it. Raises the refusal's error, or `Moved`."""
        passage: Passage = await self.lane(Permit(intake, standing))
        return passage

    async def release(
        self, passage: Passage, end: End, left: str, about: frozenset[str], more: Mapping[str, Any]
    ) -> Refusal | None:
        """Make the receipt durable; the agreement is looked at again, so a revoked one stops answers on their way."""
        refusal: Refusal | None = await self.lane(Release(passage, end, left, about, more))
        return refusal

    async def failed(self, passage: Passage, breach: Breach, status: int | None) -> Upstream:
        """Record that the provider did not keep its promise; gives the error for the consumer, without its words."""
        now = self.clock()
        done = passage.delivery
        end = End(State.FAILED, breach.rule, status, done_at=stamp(now))
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
        await self.lane(Failure(passage, end, finding))
        return Upstream(
            "the provider failed or broke its own interface; nothing of its answer was passed on",
            hint="the provider was told; try again later",
            rule=breach.rule,
            receipt=done.id,
        )

    def recover(self) -> list[Delivery]:
        """Close calls whose outcome nobody knows because the service was killed; run it at start and now and then."""
        now = self.clock()
        limit = stamp(now - timedelta(seconds=2 * TOTAL_SECONDS))
        closed = []
        with self.database.transaction() as tx:
            for left in store.open_before(tx, limit):
                entry = self.ledger.append(tx, "delivery.unknown", records.body(left, None) | {"permit": left.entry})
                end = End(State.UNKNOWN, "interrupted", done_at=stamp(now))
                store.save_all(tx, [(left.id, end, entry.index)])
                closed.append(replace(left, state=end.state, rule=end.rule, entry=entry.index, done_at=end.done_at))
        return closed

    # ---- one transaction for all who wait

    def _write(self, jobs: Sequence[Job]) -> list[Any]:
        try:
            with self._pen.writing(durable=not all(map(_lightly, jobs))) as (tx, holds):
                self.sight.on(tx, holds=holds)
                return self._together(tx, jobs)
        except Exception as error:
            self.sight.forget()
            if len(jobs) == 1:
                return [cannot(error) if isinstance(error, CANNOT) else error]
            # one of them cannot be written: each has its own fate
            return [outcome for job in jobs for outcome in self._write([job])]

    def _together(self, tx: Connection, jobs: Sequence[Job]) -> list[Any]:
        lines = [self._line(job) for job in jobs]
        written = [line for line in lines if line.draft is not None]
        entries = self.ledger.append_all(tx, [line.draft for line in written if line.draft is not None])
        added, ended = [], []
        for line, entry in zip(written, entries, strict=True):
            if line.row is not None:
                added.append((line.row, line.end, entry.index))
                if isinstance(line.outcome, _Permitted):
                    line.outcome = line.outcome.passage(entry.index)
            elif line.end is not None and not isinstance(line.job, Permit):
                ended.append((line.job.passage.delivery.id, line.end, entry.index))
        store.add_all(tx, added)
        store.save_all(tx, ended)
        store.add_findings(tx, [job.finding for job in jobs if isinstance(job, Failure)])
        for line in lines:
            if isinstance(line.job, Release) and line.agreement is not None:
                self._count(tx, line.job, line.agreement)
        return [line.outcome for line in lines]

    def _line(self, job: Job) -> _Line:
        if isinstance(job, Permit):
            return self._decided(job)
        if isinstance(job, Release):
            return self._released(job)
        passage = job.passage
        body = records.body(passage.delivery, passage.compiled.interface.digest)
        body |= records.outcome(job.end, passage.permit)
        body |= {"finding": job.finding.id, "pointer": job.finding.pointer}
        draft = _draft("delivery.failed", body, passage.ask, passage.ask.subjects)
        return _Line(job, draft, None, job.end, None)

    def _decided(self, job: Permit) -> _Line:
        intake, sight = job.intake, self.sight
        ask, compiled = intake.ask, intake.compiled
        if job.standing is not None and not sight.stands(job.standing):
            return _Line(job, None, None, None, Unauthenticated("the token is not valid", hint="ask for a new one"))
        if ask.record is not None and not sight.unchanged(ask.record):
            return _Line(job, None, None, None, Moved("the interface was changed meanwhile", hint="try again"))
        if intake.first or compiled is None:
            return self._refused(job, intake.first, None)
        decision, agreement = self._choose(ask)
        refusal = intake.then if decision.allowed else _said(decision)
        if refusal or agreement is None:
            return self._refused(job, refusal, agreement)
        row = records.row(ask, State.PERMITTED, decision.rule, agreement, agreement.purpose)
        draft = _draft("delivery.permitted", records.body(row, compiled.interface.digest), ask, ask.subjects)
        return _Line(job, draft, row, None, _Permitted(ask, compiled, agreement, decision.fields, row))

    def _refused(self, job: Permit, refusal: Refusal | None, agreement: Agreement | None) -> _Line:
        ask = job.intake.ask
        if refusal is None:
            raise AssertionError("neither permitted nor refused")
        claimed = records.stated(ask.claimed, self.sight.known(ask.claimed))
        row = records.row(ask, State.REFUSED, refusal.rule, agreement, claimed)
        body = records.body(row, ask.record.digest if ask.record else None)
        refusal.error.extra = {**refusal.error.extra, "rule": refusal.rule, "receipt": ask.id}
        end = End(State.REFUSED, refusal.rule, done_at=stamp(self.clock()))
        return _Line(job, _draft("delivery.refused", body, ask, ask.subjects), row, end, refusal.error)

    def _released(self, job: Release) -> _Line:
        passage, end = job.passage, job.end
        ask = passage.ask
        refusal, agreement = self._looked_at_again(passage)
        if refusal:
            refusal.error.extra = {**refusal.error.extra, "receipt": passage.delivery.id}
            end = End(State.WITHHELD, refusal.rule, end.status, done_at=end.done_at)
        body = records.body(passage.delivery, passage.compiled.interface.digest)
        body |= records.outcome(end, passage.permit)
        made = _draft(
            "delivery.withheld" if refusal else "delivery.made",
            body if refusal else {**body, **job.more},
            ask,
            ask.subjects if refusal else together(ask.subjects, job.about),
            None if refusal else job.left,
        )
        return _Line(job, made, None, end, refusal, None if refusal else agreement)

    def _looked_at_again(self, passage: Passage) -> tuple[Refusal | None, Agreement | None]:
        """The agreement that permitted a call, and no other: the record must name what the data really left under."""
        ask, then = passage.ask, passage.agreement
        if then in self.sight.agreements(*_key(ask)) and in_force(then, self.clock()):
            return None, then  # nearly always: what decided is as it was
        decision, agreement = self._choose(ask, then.id)
        if not decision.allowed:
            return _said(decision), agreement
        operation = passage.delivery.operation or ""
        if agreement is None or not covers(agreement, operation, then.scope.get(operation, ()), then.terms):
            return _narrowed(), agreement
        return None, agreement

    def _count(self, tx: Connection, job: Release, agreement: Agreement) -> None:
        operation, ask = job.passage.delivery.operation, job.passage.ask
        if (job.end.status or 500) < 400:
            self.agreements.delivered(tx, agreement)
            if ask.launch and operation:
                self.delivered(tx, ask.launch.id, ask.interface, operation)

    def _choose(self, ask: Ask, only: str | None = None) -> tuple[Decision, Agreement | None]:
        """The first agreement (of all, or only the one with this id) that permits the call, else the refusal of the
        newest.
        """
        operation = ask.match.operation.id if ask.match else None
        key = _key(ask)
        request = Request(ask.consumer, ask.interface, operation, ask.claimed, ask.asked, key[-1])
        now = self.clock()
        refused: tuple[Decision, Agreement | None] | None = None
        for agreement in self.sight.agreements(*key):
            if only is not None and agreement.id != only:
                continue
            decision = decide(agreement, request, now)
            if decision.allowed:
                return decision, agreement
            refused = refused or (decision, agreement)
        return refused or (decide(None, request, now), None)


def _lightly(job: Job) -> bool:
    """Whether a job may be lost with the machine (not with the process): a question that changes nothing at the
    provider and of which nothing has left.
    """
    return isinstance(job, Permit) and job.intake.ask.method in SAFE


def _draft(kind: str, body: Mapping[str, Any], ask: Ask, about: frozenset[str], left: str | None = None) -> Draft:
    return Draft(kind, body, sorted(about), records.payload(ask, left))


def _key(ask: Ask) -> tuple[str, str, str | None, str | None]:
    """What `Sight.agreements` is asked with for a call."""
    return ask.consumer, ask.interface, ask.agreement, ask.launch.matter if ask.launch else None


def _said(decision: Decision) -> Refusal:
    error = Forbidden(decision.reason["en"], rule=decision.rule, hint=decision.hint, reason=dict(decision.reason))
    return Refusal(decision.rule, error)


def _narrowed() -> Refusal:
    error = Unavailable("the agreement was changed while the provider worked", hint="call again")
    return Refusal("agreement-changed", error)
