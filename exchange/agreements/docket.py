"""Proceedings kept with the ledger: every act is saved and recorded in the transaction of its use case."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from exchange.agreements import proceeding_store
from exchange.agreements.proceedings import Act, Kind, Proceeding, Side, advance, begin, verbs
from exchange.clock import Clock, new_id, stamp
from exchange.ledger.service import Ledger

PRIVATE = frozenset({"key", "observed", "claimed"})
"""Facts that are somebody's data: the ledger holds them as an erasable payload only, like what is said of them."""

LEDGER_NAMES = {"version": "interface_version"}
"""What the ledger calls a fact whose name it keeps for itself."""


class Docket:
    """Opens and moves proceedings for the use cases of agreements; it never commits."""

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self.ledger, self.clock = ledger, clock

    def open(
        self,
        tx: Connection,
        kind: Kind,
        subject: str,
        sides: tuple[str, str],
        interface: str,
        *,
        side: Side = Side.SYSTEM,
        by: str = "system",
        text: str = "",
        facts: Mapping[str, Any] | None = None,
    ) -> Proceeding:
        """A new proceeding about ``subject`` between consumer and provider (``sides``)."""
        now = self.clock()
        act = Act("open", side, by, stamp(now), text, dict(facts or {}))
        made = begin(new_id("prc", now), kind, subject, sides, interface, act)
        return self._kept(tx, made, act)

    def act(
        self,
        tx: Connection,
        found: Proceeding,
        verb: str,
        *,
        side: Side = Side.SYSTEM,
        by: str = "system",
        text: str = "",
        facts: Mapping[str, Any] | None = None,
    ) -> Proceeding:
        """The proceeding after one act; raises what `advance` raises."""
        act = Act(verb, side, by, stamp(self.clock()), text, dict(facts or {}))
        return self._kept(tx, advance(found, act), act)

    def close(self, tx: Connection, subject: str, *kinds: Kind) -> list[Proceeding]:
        """End open proceedings of some kinds whose subject has ended; gives them."""
        closed = []
        for found in proceeding_store.listed(tx, subjects=[subject], open_only=True):
            if found.kind in kinds:
                verb = next((verb for verb in ("close", "lapse") if verb in verbs(found, Side.SYSTEM)), None)
                if verb is not None:
                    closed.append(self.act(tx, found, verb))
        return closed

    def escalate(self, tx: Connection, id: str) -> None:
        """Note that a duty of the authority ran out: what waits for it goes one level up."""
        found = proceeding_store.one(tx, id, lock=True)
        if found is not None and "escalate" in verbs(found, Side.SYSTEM):
            self.act(tx, found, "escalate")

    def _kept(self, tx: Connection, value: Proceeding, act: Act) -> Proceeding:
        proceeding_store.save(tx, value)
        body: dict[str, Any] = {
            "proceeding": value.id,
            "subject": value.subject,
            "consumer": value.consumer,
            "provider": value.provider,
            "verb": act.verb,
            "side": act.side.value,
            "by": act.by,
        }
        private = {name: text for name, text in act.facts.items() if name in PRIVATE}
        said = {name: value for name, value in act.facts.items() if name not in PRIVATE and value is not None}
        body |= {LEDGER_NAMES.get(name, name): value for name, value in said.items()}
        if value.kind is Kind.TICKET:
            private |= {"text": act.text} if act.text else {}
        elif act.text:
            body["reason"] = act.text
        self.ledger.append(tx, f"{value.kind}.{value.state}", body, payload=private or None)
        return value
