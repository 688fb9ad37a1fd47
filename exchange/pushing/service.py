"""Use cases of push subscriptions: made, paused, replayed, ended; and events of providers, taken in once."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
from sqlalchemy import Connection

from exchange.agreements.duties import Duties
from exchange.catalogue.model import Record
from exchange.clock import Clock, moment, new_id, stamp
from exchange.database import Database
from exchange.errors import Conflict, Forbidden, NotFound, TooMany, Unprocessable
from exchange.jobs import Jobs
from exchange.ledger.service import Ledger
from exchange.parties.access import Caller, permit
from exchange.pushing import store
from exchange.pushing.model import (
    MOST_SUBSCRIPTIONS,
    NOTHING,
    SECRET_BYTES,
    Call,
    Fate,
    Kind,
    Message,
    Schedule,
    State,
    Subscription,
    Tally,
    about,
    check_division,
    check_event,
    inside,
    located,
    returned,
    shown_secret,
)
from exchange.pushing.passing import Passing
from exchange.pushing.rounds import KIND, Rounds
from exchange.pushing.sealing import Seal
from exchange.pushing.sending import Sender
from exchange.pushing.wishes import Event, Wish, call_json, divides, kind_of
from specs.model import Operation

FORMER = timedelta(hours=24)
"""How long the secret before the present one signs, too."""


class Pushing:
    """Push subscriptions of all parties. What is sent, and when, is the business of `Rounds`."""

    def __init__(
        self,
        database: Database,
        ledger: Ledger,
        jobs: Jobs,
        passing: Passing,
        sender: Sender,
        key: bytes,
        clock: Clock,
        days: int = 7,
        listed_days: int = 90,
    ) -> None:
        """``key`` (32 bytes) seals what is kept, ``days`` long; messages are listed ``listed_days`` long."""
        self.database, self.ledger, self.jobs, self.clock = database, ledger, jobs, clock
        self.passing, self.sender, self.days, self.listed_days = passing, sender, days, listed_days
        self.duties = Duties(passing.agreements)
        self.seal = Seal(key)
        self.rounds = Rounds(self)
        jobs.register(KIND, self.rounds.run, lane=KIND, kept=False)

    # ---- subscribing

    def subscribe(self, caller: Caller | None, wish: Wish) -> tuple[Subscription, str]:
        """Make a subscription; its signing secret is told once.

        Raises `Unprocessable` with a pointer, `Forbidden` with the rule under which no record could leave, `TooMany`.
        """
        caller = permit(caller, "push.subscribe")
        kind = kind_of(wish)
        destination = self.sender.check(wish.destination)
        if wish.every is not None:
            Schedule(wish.every, wish.at).check()
        now = self.clock()
        with self.database.transaction() as tx:
            if store.count(tx, caller.party) >= MOST_SUBSCRIPTIONS:
                raise TooMany(f"{MOST_SUBSCRIPTIONS} push subscriptions are open", hint="end one you have done with")
            made = self._permitted(tx, caller, wish, kind, destination)
            record, operation = self.passing.operation(made.interface, made.operation)
            if made.every is not None:
                self.passing.check_call(record, operation, wish.call or Call())
            made = self._divided(made, record, operation)
            if made.schedule is not None:
                made = replace(made, next_at=stamp(made.schedule.next(now, now)))
            secret = secrets.token_bytes(SECRET_BYTES)
            call = None if wish.call is None else self.seal.close_json(call_json(wish.call), made.id, "call")
            store.add(tx, made, self.seal.close(secret, made.id, "secret"), call)
            self._told(tx, "push.subscribed", made, caller, push=made.kind, destination=destination)
            agreement = self.passing.decision(tx, made)[1]
            if made.division is not None and agreement is not None:
                self.duties.wanted(tx, agreement, made.division, caller.id)
        return made, shown_secret(secret)

    def _permitted(self, tx: Connection, caller: Caller, wish: Wish, kind: Kind, destination: str) -> Subscription:
        now = self.clock()
        found = self.passing.agreements.for_call(tx, caller.party, "", wish.agreement)
        agreement = found[0] if found else None
        if agreement is None or agreement.consumer != caller.party:
            raise NotFound(f"no agreement {wish.agreement[:60]} of yours", hint="GET /api/v1/agreements lists them")
        made = Subscription(
            id=new_id("psh", now),
            consumer=caller.party,
            provider=agreement.provider,
            agreement=agreement.id,
            interface=agreement.interface,
            operation=wish.operation,
            purpose=wish.purpose,
            kind=kind,
            destination=destination,
            created_by=caller.id,
            created_at=stamp(now),
            every=wish.every,
            at=wish.at,
            division=None if wish.division is None else check_division(wish.division),
            division_field=wish.division_field,
        )
        decision, _ = self.passing.decision(tx, made)
        if not decision.allowed:
            raise Forbidden(decision.reason["en"], rule=decision.rule, hint=decision.hint, reason=dict(decision.reason))
        return made

    def _divided(self, made: Subscription, record: Record, operation: Operation) -> Subscription:
        """With the field that says which division a record is of, where one was not named."""
        if made.division is None:
            return made
        known = {place.name: place for place in self.passing.places(record, operation)}
        likely = [place.name for place in known.values() if divides(place.element or place.name)]
        name = made.division_field or (likely[0] if len(set(likely)) == 1 else None)
        if name is None or name not in known:
            hint = f"likely: {', '.join(sorted(set(likely)) or sorted(known)[:12])}"
            said = "name the field of the answer that says which division a record is of"
            raise Unprocessable(said, hint=hint, pointer="/division_field")
        if made.every is not None and "/*" not in known[name].pointer:
            said = "a scheduled return flow needs an operation that answers with a list"
            raise Unprocessable(said, hint="or leave out every: the provider's events then say what changed")
        return replace(made, division_field=name)

    # ---- one's own subscriptions

    def get(self, caller: Caller | None, id: str) -> Subscription:
        """One subscription the caller's party is a side of. Raises `NotFound`."""
        caller = permit(caller, "push.read")
        with self.database.reading() as tx:
            found = store.subscription(tx, id)
        if found is None or _party(caller) not in (None, found.consumer, found.provider):
            raise NotFound(f"no push subscription {id[:60]} of yours", hint="GET /api/v1/push-subscriptions lists them")
        return found

    def listed(
        self, caller: Caller | None, *, after: str | None = None, limit: int | None = None
    ) -> list[Subscription]:
        """Subscriptions the caller is a side of (the data office: all), oldest first."""
        caller = permit(caller, "push.read")
        with self.database.reading() as tx:
            return store.subscriptions(tx, party=_party(caller), after=after, limit=limit)

    def messages(
        self, caller: Caller | None, id: str, *, fate: str | None = None, after: int | None = None, limit: int = 50
    ) -> list[Message]:
        """What was, is and will be sent, by position; never its content. ``fate`` "dead" are the dead letters."""
        self.get(caller, id)
        with self.database.reading() as tx:
            return store.messages(tx, id, fate=fate, after=after, limit=limit)

    def tallies(self, shown: Sequence[Subscription]) -> Mapping[str, Tally]:
        """What waits for subscriptions the caller was shown, and what became of the rest, by their ids."""
        with self.database.reading() as tx:
            return store.tallies(tx, [one.id for one in shown])

    def newest(self, caller: Caller | None, id: str, *, fate: str | None, limit: int, offset: int) -> list[Message]:
        """What was, is and will be sent, the last message first; never its content."""
        self.get(caller, id)
        with self.database.reading() as tx:
            return store.newest(tx, id, fate=fate, limit=limit, offset=offset)

    def pause(self, caller: Caller | None, id: str) -> Subscription:
        """Send nothing until it is resumed; what happens meanwhile waits, as long as anything is kept."""
        return self._turned(caller, id, State.PAUSED, "push.paused")

    def resume(self, caller: Caller | None, id: str) -> Subscription:
        """Send again, at once; also where a destination that was away is still let alone."""
        return self._turned(caller, id, State.ACTIVE, "push.resumed")

    def end(self, caller: Caller | None, id: str) -> Subscription:
        """End a subscription for good: what waits is given up, what was kept is forgotten."""
        caller, _ = self._own(caller, id)
        with self.database.transaction() as tx:
            found = self._open(tx, id)
            self.ended(tx, found, "ended by its consumer", caller.id)
            return replace(found, state=State.ENDED)

    def rotate(self, caller: Caller | None, id: str) -> str:
        """A new signing secret, told once; for a day the former one signs, too."""
        caller, _ = self._own(caller, id)
        secret = secrets.token_bytes(SECRET_BYTES)
        with self.database.transaction() as tx:
            found = self._open(tx, id)
            former = self.seal.open(store.sealed(tx, id).sealed_secret, id, "secret")
            store.change(
                tx,
                id,
                sealed_secret=self.seal.close(secret, id, "secret"),
                sealed_former=self.seal.close(former, id, "former"),
                former_until=stamp(self.clock() + FORMER),
            )
            self._told(tx, "push.rotated", found, caller)
        return shown_secret(secret)

    def replay(
        self, caller: Caller | None, id: str, first: int = 1, last: int | None = None, fate: str | None = None
    ) -> int:
        """Send again from a position on (to ``last``), all or those of one fate, e.g. "dead"; how many. Their ids stay.

        Each is decided anew, and an entry says so before it leaves. Raises `Unprocessable` for another fate.
        """
        caller, _ = self._own(caller, id)
        offered = (Fate.DELIVERED, Fate.DEAD)
        if fate is not None and fate not in offered:
            raise Unprocessable("only what was delivered or is dead is sent again", pointer="/fate")
        with self.database.transaction() as tx:
            found = self._open(tx, id)
            chosen = offered if fate is None else (Fate(fate),)
            count = store.replay(tx, id, first, last, chosen, stamp(self.clock()))
            self._told(tx, "push.replayed", found, caller, first=first, last=last, messages=count)
            self.rounds.ask(tx, found)
        return count

    # ---- events

    def publish(self, caller: Caller | None, event: Event) -> int:
        """Take in what a provider says has happened; for how many subscriptions. The same event counts once.

        Raises `Unprocessable` for a call or record that breaks the interface, `Conflict` for an id used before.
        """
        caller = permit(caller, "push.publish")
        check_event(event.id)
        record, operation = self.passing.operation(event.interface, event.operation)
        permit(caller, "push.publish", owner=record.department)
        self.passing.check_call(record, operation, event.call)
        if event.record is not NOTHING:
            self.passing.check_record(record, operation, event.record)
        if event.division is not None:
            check_division(event.division)
        said = {"operation": event.operation, "call": call_json(event.call), "division": event.division}
        if event.record is not NOTHING:
            said["record"] = event.record
        fingerprint = hashlib.sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).hexdigest()
        now = stamp(self.clock())
        with self.database.transaction() as tx:
            known = store.event(tx, event.interface, event.id)
            if known is not None:
                if known.fingerprint != fingerprint:
                    raise Conflict(f"the event {event.id} was something else before", hint="a new event has a new id")
                return int(known.messages)
            count = 0
            for wanted in store.listening(tx, event.interface, event.operation):
                mine = self._mine(wanted, event)
                if mine is None:
                    continue
                count += 1
                content = {"call": said["call"]} | ({} if mine is NOTHING else {"record": mine})
                self.rounds.add(tx, wanted, content, event.id)
            store.add_event(tx, event.interface, event.id, fingerprint, now, count)
            body = {"interface": event.interface, "provider": record.department, "operation": event.operation}
            self.ledger.append(
                tx, "push.event", body | {"event": event.id, "subscriptions": count, "by": caller.id},
                payload={"sha256": fingerprint},
            )  # fmt: skip
        return count

    def _mine(self, wanted: Subscription, event: Event) -> Any:
        """An event's record as far as it is for a subscription: `NOTHING` when it brings none, None when it is not."""
        if wanted.division is None:
            return event.record
        if event.division is not None:
            return event.record if inside(event.division, wanted.division) else None
        if event.record is NOTHING:
            hint = "say the division, or send the record along"
            raise Unprocessable("return flows wait for this: which division is it of?", hint=hint, pointer="/division")
        name = wanted.division_field or ""
        kept = returned(event.record, name, wanted.division)
        return kept if located(kept, name) else None

    # ---- clocks

    def due(self) -> None:
        """Ask for a round of every subscription whose turn it is; end those whose agreement ended; forget what is old.

        Called every few seconds by every worker: it writes only where there is something to do.
        """
        now = self.clock()
        kept, listed = (stamp(now - timedelta(days=days)) for days in (self.days, self.listed_days))
        with self.database.reading() as tx:
            waiting, old = store.with_due(tx, stamp(now)), store.has_old(tx, kept, listed)
            live = store.live(tx)
            lost = {one.id for one in live if self.passing.over(self.passing.decision(tx, one)[1])}
        for one in live:
            if one.id not in lost and not self.rounds.wanted(one, one.id in waiting):
                continue
            with self.database.transaction() as tx:
                there = store.subscription(tx, one.id)
                if there is None or there.state is State.ENDED:
                    continue
                if one.id in lost:
                    self.ended(tx, there, "its agreement ended", "system")
                else:
                    self.rounds.turn(tx, there)
        if old:
            with self.database.transaction() as tx:
                expired = store.forget(tx, kept, listed, stamp(now))
                if expired:
                    self.ledger.append(tx, "push.expired", {"messages": expired, "older_than": kept})

    def returns(self, caller: Caller | None) -> list[dict[str, Any]]:
        """Return flows the caller is a side of, each with its division and how complete it is."""
        found = [one for one in self.listed(caller) if one.kind is Kind.RETURN]
        tallies = self.tallies(found)
        return [_completeness(one, tallies[one.id]) for one in found]

    def ended(self, tx: Connection, wanted: Subscription, reason: str, by: str) -> None:
        """End a subscription in a transaction: what waits is withheld, what was kept is forgotten."""
        given_up = store.withhold(tx, wanted.id, stamp(self.clock()))
        store.change(tx, wanted.id, state=State.ENDED, reason=reason, job=None, next_at=None, sealed_call=None)
        self._told(tx, "push.ended", wanted, by, reason=reason, withheld=given_up)
        if wanted.division is not None:
            self.duties.unwanted(tx, wanted.agreement, wanted.division)

    # ---- inside

    def _turned(self, caller: Caller | None, id: str, state: State, kind: str) -> Subscription:
        caller, _ = self._own(caller, id)
        with self.database.transaction() as tx:
            found = self._open(tx, id)
            if found.state is state and (state is State.PAUSED or found.hold_until is None):
                return found
            values: dict[str, Any] = {"state": state, "reason": "", "failures": 0, "hold_until": None}
            if state is State.ACTIVE and found.schedule is not None and found.next_at is not None:
                now = self.clock()  # turns of the pause are not made up
                values["next_at"] = stamp(found.schedule.next(moment(found.next_at), now))
            store.change(tx, id, **values)
            self._told(tx, kind, found, caller)
            turned = replace(found, **values)
            if state is State.ACTIVE:
                store.hasten(tx, id, stamp(self.clock()))
                self.rounds.ask(tx, turned)
            return turned

    def _own(self, caller: Caller | None, id: str) -> tuple[Caller, Subscription]:
        caller = permit(caller, "push.subscribe")
        found = self.get(caller, id)
        return permit(caller, "push.subscribe", owner=found.consumer), found

    @staticmethod
    def _open(tx: Connection, id: str) -> Subscription:
        found = store.subscription(tx, id)
        if found is None or found.state is State.ENDED:
            raise Conflict(f"the push subscription {id} has ended", hint="make a new one")
        return found

    def _told(self, tx: Connection, kind: str, wanted: Subscription, by: Caller | str, **more: Any) -> None:
        who = by if isinstance(by, str) else by.id
        self.ledger.append(tx, kind, about(wanted) | {"by": who} | {k: v for k, v in more.items() if v is not None})


def _completeness(wanted: Subscription, tally: Tally) -> dict[str, Any]:
    total = sum(count for fate, count in tally.counts.items() if fate is not Fate.OUTSIDE)
    delivered = tally.counts.get(Fate.DELIVERED, 0)
    return {
        "subscription": wanted.id,
        "provider": wanted.provider,
        "consumer": wanted.consumer,
        "interface": wanted.interface,
        "division": wanted.division,
        "records": total,
        "delivered": delivered,
        "waiting": tally.waiting,
        "lost": total - delivered - tally.waiting,
        "complete": round(delivered / total, 4) if total else None,
    }


def _party(caller: Caller) -> str | None:
    return None if caller.kind == "data_office" or caller.via == "system" else caller.party
