"""Evidence of bulk: every file that leaves is one delivery, its receipt committed before its first byte."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection

from exchange.agreements.model import Agreement
from exchange.agreements.service import Agreements
from exchange.brokering import records, store
from exchange.brokering.model import Decision, Delivery, End, QualityFinding, State
from exchange.bulk.model import File
from exchange.catalogue.model import Record
from exchange.clock import Clock, new_id, stamp
from exchange.database import Database
from exchange.errors import Forbidden, TongbanError, Upstream
from exchange.ledger.service import Draft, Ledger

LARGEST_COUNT = 2**31 - 1
"""Deliveries count bytes in 32 bits; the exact size of a file stands with its snapshot."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Who asks for what of a table. ``record`` None: the interface is not published any more."""

    consumer: str
    caller: str
    record: Record | None
    table: str
    claimed: str
    path: str


class Evidence:
    """Writes deliveries of bulk and their ledger entries, in the caller's transaction."""

    def __init__(self, database: Database, ledger: Ledger, agreements: Agreements, clock: Clock) -> None:
        self.database, self.ledger, self.agreements, self.clock = database, ledger, agreements, clock

    def delivered(
        self,
        tx: Connection,
        ask: Ask,
        agreement: Agreement,
        file: File,
        fields: Sequence[str],
        subjects: Sequence[str],
        more: Mapping[str, Any],
    ) -> Delivery:
        """One file leaves: the permit and the receipt, one after the other. Its first byte follows the commit.

        Gives the delivery as it was permitted.
        """
        draft = self._row(ask, State.PERMITTED, "permitted", agreement, agreement.purpose)
        digest = ask.record.digest if ask.record else None
        told = records.body(draft, digest) | dict(more)
        permit = self.ledger.append(tx, "delivery.permitted", told, subjects=sorted(subjects))
        end = End(
            State.DELIVERED,
            "permitted",
            200,
            tuple(sorted(fields)),
            file.records,
            min(file.bytes, LARGEST_COUNT),
            draft.at,
        )
        payload = {"response_sha256": file.sha256, "by": ask.caller, "claimed": ask.claimed}
        entry = self.ledger.append_all(
            tx,
            [
                Draft(
                    "delivery.made",
                    told | records.outcome(end, permit.index),
                    sorted(subjects),
                    {name: value for name, value in payload.items() if value},
                )
            ],
        )[0]
        store.add_all(tx, [(draft, None, permit.index)])
        store.save_all(tx, [(draft.id, end, entry.index)])
        self.agreements.delivered(tx, agreement)
        return draft

    def refused(self, ask: Ask, agreement: Agreement | None, decision: Decision) -> Forbidden:
        """Commit a refusal; gives the error that tells it."""
        with self.database.transaction() as tx:
            claimed = records.stated(ask.claimed, self.agreements.is_purpose(tx, ask.claimed))
            draft = self._row(ask, State.REFUSED, decision.rule, agreement, claimed)
            body = records.body(draft, ask.record.digest if ask.record else None)
            payload = {"by": ask.caller, "claimed": ask.claimed}
            entry = self.ledger.append(
                tx, "delivery.refused", body, payload={name: value for name, value in payload.items() if value}
            )
            store.add_all(tx, [(replace(draft, done_at=draft.at), None, entry.index)])
        named = f" (agreement {agreement.id})" if agreement else ""
        return Forbidden(
            decision.reason["en"] + named,
            rule=decision.rule,
            hint=decision.hint,
            reason=dict(decision.reason),
            receipt=draft.id,
        )

    def failed(self, ask: Ask, agreement: Agreement, rule: str) -> TongbanError:
        """The provider's source cannot be used or lacks what is agreed: a finding for the provider, recorded."""
        draft = self._row(ask, State.FAILED, rule, agreement, agreement.purpose)
        finding = QualityFinding(
            id=new_id("qlf", self.clock()),
            at=draft.at,
            delivery=draft.id,
            provider=draft.provider or "",
            interface=draft.interface,
            version=draft.version or "",
            operation=ask.table,
            rule=rule,
            pointer="",
            status=None,
        )
        with self.database.transaction() as tx:
            body = records.body(draft, ask.record.digest if ask.record else None)
            entry = self.ledger.append(tx, "delivery.failed", body | {"finding": finding.id, "pointer": ""})
            store.add_all(tx, [(replace(draft, done_at=draft.at), None, entry.index)])
            store.add_findings(tx, [finding])
        return Upstream(
            "the provider's source cannot be used now; nothing left",
            hint="the provider was told; try again later",
            rule=rule,
            receipt=draft.id,
        )

    def _row(self, ask: Ask, state: State, rule: str, agreement: Agreement | None, claimed: str) -> Delivery:
        now = self.clock()
        return Delivery(
            id=new_id("dlv", now),
            at=stamp(now),
            state=state,
            rule=rule,
            consumer=ask.consumer,
            interface=ask.record.id if ask.record else records.UNKNOWN,
            entry=0,
            caller=ask.caller,
            provider=ask.record.department if ask.record else None,
            version=ask.record.version if ask.record else None,
            operation=ask.table if ask.record else None,
            method="GET",
            path=ask.path,
            agreement=agreement.id if agreement else None,
            purpose=agreement.purpose if agreement else None,
            claimed=claimed,
            legal_basis=agreement.legal_basis if agreement else None,
        )
