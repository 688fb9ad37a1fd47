"""Rounds: durable jobs that send what waits for one subscription, one message after the other, by position.

A round ends when nothing is due, when nobody answers at the destination, or after `RUN` seconds; then the next one is
asked for in the transaction that closes it. A message is done with when the consumer has answered 2xx and that is
committed: a kill in between sends it again under the same id. So a round may be repeated whole: what it does is in the
messages' rows, not in its steps.
"""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import Connection

from exchange.clock import moment, new_id, stamp
from exchange.errors import Forbidden, NotFound, TongbanError, Upstream
from exchange.jobs import JobContext
from exchange.jobstore import OPEN
from exchange.pushing import store
from exchange.pushing.model import (
    NOTHING,
    Call,
    Fate,
    Message,
    State,
    Subscription,
    about,
    again,
    patience,
    signature,
)
from exchange.pushing.passing import Passed, Refused
from exchange.pushing.sending import GONE, Outcome

if TYPE_CHECKING:
    from exchange.pushing.service import Pushing

KIND = "push"
RUN = 20.0
"""Seconds of one round; others wait for their turn in the same lane."""
HOLD = timedelta(minutes=5)
"""How long a subscription waits before it asks again whether its suspended agreement is in force."""
AGENT = "tongban-push"
WITHDRAWN = "interface-withdrawn"
OUTSIDE = "no record of it is in the agreed rows"
_log = logging.getLogger(__name__)


class Rounds:
    """Adds messages, asks for rounds, and is what a round does."""

    def __init__(self, pushing: Pushing) -> None:
        self._on = pushing

    # ---- asking, in the transaction of whoever asks

    def add(self, tx: Connection, wanted: Subscription, content: Any, event: str | None) -> None:
        """A message at the next position of a subscription as read in this transaction; its round is asked for."""
        now = self._on.clock()
        position = wanted.position + 1
        made = Message(new_id("msg", now), wanted.id, position, stamp(now), stamp(now), event=event)
        store.add_message(tx, made, self._on.seal.close_json(content, wanted.id, position))
        store.change(tx, wanted.id, position=position)
        self.ask(tx, wanted)

    def ask(self, tx: Connection, wanted: Subscription) -> None:
        """Ask for a round where something is due, unless one is under way or nothing is to be sent now."""
        if wanted.state is not State.ACTIVE or self._held(wanted) or self._busy(wanted):
            return
        if store.due(tx, wanted.id, stamp(self._on.clock())) is None:
            return
        number = wanted.rounds + 1
        job = self._on.jobs.submit(KIND, f"{wanted.id}/{number}", {"subscription": wanted.id}, tx)
        store.change(tx, wanted.id, job=job, rounds=number)

    def wanted(self, one: Subscription, due: bool) -> bool:
        """Whether it is a subscription's turn: by its schedule, or because messages are due and nobody sends them."""
        if one.state is not State.ACTIVE:
            return False
        scheduled = one.next_at is not None and moment(one.next_at) <= self._on.clock()
        return scheduled or (due and not self._held(one) and not self._busy(one))

    def turn(self, tx: Connection, one: Subscription) -> None:
        """Take a subscription's turn."""
        now = self._on.clock()
        schedule = one.schedule
        if (
            one.state is State.ACTIVE
            and schedule is not None
            and one.next_at is not None
            and moment(one.next_at) <= now
        ):
            sealed = store.sealed(tx, one.id).sealed_call
            call = self._on.seal.open_json(sealed, one.id, "call") if sealed else {}
            store.change(tx, one.id, next_at=stamp(schedule.next(moment(one.next_at), now)))
            # a turn that still waits to be asked will bring the answer of then: a second one would bring the same
            if not store.unasked(tx, one.id):
                self.add(tx, one, {"call": call}, None)
                return
        self.ask(tx, one)

    def _held(self, one: Subscription) -> bool:
        return one.hold_until is not None and moment(one.hold_until) > self._on.clock()

    def _busy(self, one: Subscription) -> bool:
        if one.job is None:
            return False
        try:
            return self._on.jobs.status(one.job).state in OPEN
        except NotFound:
            return False

    # ---- the job

    def run(self, argument: Any, job: JobContext) -> Any:
        """One round of a subscription."""
        id = argument["subscription"]
        sent = job.step("send", partial(self._send, id, job))
        job.step("close", partial(self._close, id, job.id))
        return {"tried": sent}

    def _send(self, id: str, job: JobContext) -> int:
        tried, end = 0, time.monotonic() + RUN
        while time.monotonic() < end:
            with self._on.database.reading() as tx:
                one = store.subscription(tx, id)
                if one is None or one.state is not State.ACTIVE or self._held(one):
                    break
                message = store.due(tx, id, stamp(self._on.clock()))
            if message is None:
                break
            try:
                self._one(one, message)
            except Exception as failure:  # a key that is lost, a fault of ours: not again and again at once
                _log.exception("message %s of %s", message.position, id)
                why = failure.detail if isinstance(failure, TongbanError) else type(failure).__name__
                self._hold(one, why, HOLD)
                break
            tried += 1
            job.progress(tried, 0, f"message {message.position}")
        return tried

    def _close(self, id: str, job: str) -> None:
        with self._on.database.transaction() as tx:
            one = store.subscription(tx, id)
            if one is None or one.job != job:
                return
            store.change(tx, id, job=None)
            self.ask(tx, replace(one, job=None))

    # ---- one message

    def _one(self, one: Subscription, message: Message) -> None:
        """Try to send a message: decided first, at every try."""
        with self._on.database.reading() as tx:
            decision, agreement = self._on.passing.decision(tx, one)
            found = store.message(tx, one.id, message.position)
        if self._on.passing.over(agreement):
            with self._on.database.transaction() as tx:
                self._on.ended(tx, one, "its agreement ended", "system")
            return
        if not decision.allowed or not self._on.passing.served(one):
            self._hold(one, WITHDRAWN if decision.allowed else decision.rule, HOLD)
            return
        if found is None or found[1] is None:
            self._settle(one, message, Fate.EXPIRED, "not kept any more")
            return
        content = self._on.seal.open_json(found[1], one.id, message.position)
        if message.fate is Fate.ASKED or not self._on.passing.stands(one, agreement, content["under"]):
            passed = self._passed(one, message, content)
            if passed is None:
                return
            message, content = passed
        self._deliver(one, message, content)

    def _passed(self, one: Subscription, message: Message, content: Any) -> tuple[Message, Any] | None:
        """Let a record pass the broker; None when it may not, or cannot, leave now.

        The record of an event comes along once: what was not agreed is forgotten when it is cut. Where the agreement
        changed since, the provider is asked, as for any call, and the answer has a receipt of its own.
        """
        called = content["call"] or {}
        call = Call(called.get("path") or {}, called.get("query") or "", called.get("body"))
        record = content.get("record", NOTHING)
        try:
            passed = self._on.passing.send(one, call, record)
        except Refused as refusal:
            self._settle(one, message, Fate.DEAD, str(refusal))
            return None
        except Forbidden as refusal:
            self._hold(one, refusal.rule, HOLD)
            return None
        except TongbanError as failure:
            # a record that came with its event breaks the interface for good; all else may be well again later
            why = str(failure.extra.get("rule", type(failure).__name__))
            self._later(one, message, 0, why, never=record is not NOTHING and isinstance(failure, Upstream))
            return None
        if message.event is not None and passed.empty:
            self._settle(one, replace(message, delivery=passed.delivery), Fate.OUTSIDE, OUTSIDE)
            return None
        return self._ready(one, message, passed, called)

    def _ready(self, one: Subscription, message: Message, passed: Passed, called: Any) -> tuple[Message, Any]:
        content = {"data": passed.value, "subjects": list(passed.subjects), "under": passed.under, "call": called}
        made = replace(message, fate=Fate.READY, delivery=passed.delivery, fields=passed.fields)
        with self._on.database.transaction() as tx:
            # what was not agreed is forgotten here
            sealed = self._on.seal.close_json(content, one.id, message.position)
            values = {"fate": made.fate, "delivery": made.delivery, "fields": list(made.fields), "sealed": sealed}
            store.change_message(tx, message, **values)
        return made, content

    def _deliver(self, one: Subscription, message: Message, content: Any) -> None:
        if message.replays:
            self._repeated(one, message, content)
        with self._on.database.reading() as tx:
            kept = store.sealed(tx, one.id)
        now = self._on.clock()
        keys = [self._on.seal.open(kept.sealed_secret, one.id, "secret")]
        if kept.sealed_former is not None and moment(kept.former_until) > now:
            keys.append(self._on.seal.open(kept.sealed_former, one.id, "former"))
        body = orjson.dumps(
            {
                "type": f"{one.interface}.{one.operation}",
                "timestamp": message.at,
                "data": content["data"],
                "subscription": one.id,
                "position": message.position,
                "agreement": one.agreement,
                "receipt": f"/api/v1/receipts/{message.delivery}",
            }
        )
        seconds = int(now.timestamp())
        headers = {
            "content-type": "application/json",
            "user-agent": AGENT,
            "webhook-id": message.id,
            "webhook-timestamp": str(seconds),
            "webhook-signature": signature(keys, message.id, seconds, body),
            "tongban-receipt": message.delivery or "",
        }
        self._outcome(one, message, self._on.sender(one.destination, headers, body))

    def _repeated(self, one: Subscription, message: Message, content: Any) -> None:
        """The entry that permits a replay; it is there before the record leaves again."""
        body = about(one) | {"message": message.id, "position": message.position, "delivery": message.delivery}
        with self._on.database.transaction() as tx:
            self._on.ledger.append(tx, "push.repeated", body, subjects=content["subjects"])

    # ---- what came of it

    def _outcome(self, one: Subscription, message: Message, outcome: Outcome) -> None:
        if outcome.arrived:
            self._settle(one, message, Fate.DELIVERED, "", outcome.status)
        elif outcome.status == GONE:
            with self._on.database.transaction() as tx:
                reason = "the destination answered 410 Gone"
                store.change(tx, one.id, state=State.PAUSED, reason=reason)
                self._tell(tx, "push.paused", one, message, reason=reason)
        else:
            why = outcome.error or f"the destination answered {outcome.status}"
            self._later(one, message, outcome.status, why, away=outcome.away)

    def _later(
        self, one: Subscription, message: Message, status: int, why: str, *, away: bool = False, never: bool = False
    ) -> None:
        """Another try later, or none any more."""
        tries = message.tries + 1
        pause = None if never else again(tries)
        if pause is None:
            self._settle(one, message, Fate.DEAD, why, status)
        else:
            now = self._on.clock()
            with self._on.database.transaction() as tx:
                values = {"tries": tries, "status": status or None, "error": why[:300]}
                store.change_message(tx, message, due_at=stamp(now + pause), **values)
        if away:
            self._hold(one, why, patience(one.failures + 1), failures=one.failures + 1)

    def _hold(self, one: Subscription, reason: str, pause: timedelta, **values: Any) -> None:
        """Let a subscription alone for a while."""
        until = stamp(self._on.clock() + pause)
        with self._on.database.transaction() as tx:
            store.change(tx, one.id, hold_until=until, reason=reason[:300], **values)

    def _settle(self, one: Subscription, message: Message, fate: Fate, why: str, status: int = 0) -> None:
        now = stamp(self._on.clock())
        with self._on.database.transaction() as tx:
            values = {"tries": message.tries + 1, "status": status or None, "error": why[:300]}
            if fate is Fate.OUTSIDE:
                values |= {"delivery": message.delivery, "sealed": None}
            store.change_message(tx, message, fate=fate, done_at=now, **values)
            if fate is Fate.DELIVERED and (one.failures or one.hold_until or one.reason):
                store.change(tx, one.id, failures=0, hold_until=None, reason="")
            if fate is Fate.DELIVERED and one.division is not None:
                self._on.duties.returned(tx, one.agreement, one.division)
            kind = {Fate.EXPIRED: "push.lost"}.get(fate, f"push.{fate}")
            self._tell(tx, kind, one, message, tries=message.tries + 1, status=status or None, why=why or None)

    def _tell(self, tx: Connection, kind: str, one: Subscription, message: Message, **more: Any) -> None:
        body = about(one) | {"message": message.id, "position": message.position, "delivery": message.delivery} | more
        self._on.ledger.append(tx, kind, {name: value for name, value in body.items() if value is not None})
