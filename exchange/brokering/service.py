"""The broker: the only road from a provider to a consumer. Decide, record, fetch, check, cut, record,
release.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
from sqlalchemy import Connection

from exchange.agreements.service import Agreements
from exchange.brokering import headers as passing
from exchange.brokering import store, subjects
from exchange.brokering.check import JSON, Breach, Parsed, is_json
from exchange.brokering.compiled import Versions
from exchange.brokering.evidence import Delivered, Evidence, Passage
from exchange.brokering.intake import Incoming, take
from exchange.brokering.model import Delivery, Launch, QualityFinding, State
from exchange.brokering.sources import Incoming as Answered
from exchange.brokering.sources import Outgoing, Source, SourceFailure
from exchange.catalogue.service import Catalogue
from exchange.clock import Clock, new_id, stamp
from exchange.database import Database
from exchange.errors import NotFound, TongbanError
from exchange.ledger.service import Ledger
from exchange.parties.access import Caller, permit


@dataclass(frozen=True, slots=True)
class Answer:
    """What the consumer gets. ``delivery`` is the id of its receipt, durable before this value exists."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    delivery: str = ""


class Broker:
    """Brokered calls and what was recorded about them."""

    def __init__(
        self,
        database: Database,
        ledger: Ledger,
        catalogue: Catalogue,
        agreements: Agreements,
        source: Source,
        clock: Clock,
    ) -> None:
        self.database, self.ledger, self.clock = database, ledger, clock
        self.catalogue, self.agreements, self.source = catalogue, agreements, source
        self.evidence = Evidence(database, ledger, agreements, clock)
        self._versions = Versions()
        # told (interface, operation, fields, body) of each answer of which data left; known above
        self.sampled: Callable[[str, str, tuple[str, ...], bytes], None] = lambda *_: None

    @property
    def delivered(self) -> Delivered:
        """Told (tx, launch, interface, operation) inside the delivering transaction of each success under a
        launch.
        """
        return self.evidence.delivered

    @delivered.setter
    def delivered(self, told: Delivered) -> None:
        self.evidence.delivered = told

    def call(
        self,
        caller: Caller | None,
        interface: str,
        method: str,
        path: str,
        query: str,
        headers: Mapping[str, str],
        body: bytes,
        agreement_id: str | None = None,
        purpose: str = "",
        *,
        launch: Launch | None = None,
    ) -> Answer:
        """Pass one call. ``path`` and ``query`` raw, header names lower case; a launch speaks for its vendor.

        Raises `Unauthenticated`, `Forbidden` (with the rule), `NotFound`, `Invalid`, `Unprocessable`,
        `Upstream` or `Unavailable`; all but the first are in the ledger before they are raised.
        """
        now = self.clock()
        call = Incoming(interface, method, path, query, headers, body, agreement_id, purpose)
        intake = take(new_id("dlv", now), stamp(now), call, caller, launch, self.catalogue, self._versions)
        passage = self.evidence.permit(intake)
        match, record = passage.ask.match, passage.ask.record
        if match is None or record is None or record.endpoint is None:
            raise AssertionError("a permitted call has an operation and an endpoint")
        query, chosen = passage.compiled.narrowed(match.operation, query, passage.ask.asked, passage.scope)
        outgoing = Outgoing(
            interface=record.id,
            department=record.department,
            endpoint=record.endpoint,
            method=passage.ask.method,
            path=match.path,
            query=query,
            headers=passing.outgoing(headers, match.operation),
            body=body,
        )
        try:
            answered = self.source.fetch(outgoing)
        except SourceFailure as failure:
            raise self.evidence.failed(passage, Breach(failure.rule), None) from None
        except TongbanError:
            self.evidence.failed(passage, Breach("provider-unusable"), None)
            raise
        return self._settle(passage, answered, chosen)

    def recover(self) -> list[Delivery]:
        """Close calls whose outcome nobody knows because the service was killed; run it at start and now
        and then.
        """
        return self.evidence.recover()

    # ---- reading

    def deliveries(
        self,
        caller: Caller | None,
        *,
        limit: int = 50,
        before: str | None = None,
        consumer: str | None = None,
        interface: str | None = None,
        state: str | None = None,
        launch: str | None = None,
    ) -> list[Delivery]:
        """Deliveries the caller is a side of (the data office: all), newest first."""
        caller = permit(caller, "delivery.read")
        with self.database.reading() as tx:
            return store.deliveries(
                tx,
                party=_party(caller),
                limit=limit,
                before=before,
                consumer=consumer,
                interface=interface,
                state=state,
                launch=launch,
            )

    def delivery(self, caller: Caller | None, id: str) -> Delivery:
        """One delivery. Raises `NotFound`, also for somebody else's."""
        caller = permit(caller, "delivery.read")
        with self.database.reading() as tx:
            found = store.delivery(tx, id)
        if found is None or _party(caller) not in (None, found.consumer, found.provider):
            raise NotFound(f"no delivery {id} that you may see", hint="GET /api/v1/deliveries lists yours")
        return found

    def last_delivered(self, tx: Connection) -> dict[str, str]:
        """Interface → when data last left through it; for whoever asks which interfaces are still used."""
        return store.last_delivered(tx)

    def receipt(self, caller: Caller | None, id: str) -> str:
        """Proof that the delivery is in the ledger (C2SP tlog-proof). Raises `NotFound`."""
        return self.ledger.proof(self.delivery(caller, id).entry)

    def evidence_of(self, caller: Caller | None, id: str) -> dict[str, Any]:
        """What both sides need to check a delivery's entry: index, and salt and data of its commitment."""
        found = self.delivery(caller, id)
        with self.database.reading() as tx:
            kept = self.ledger.payload(tx, found.entry)
        return {"entry": found.entry, "salt": kept.salt and kept.salt.hex(), "payload": kept.value}

    def findings(self, caller: Caller | None, *, limit: int = 50, before: str | None = None) -> list[QualityFinding]:
        """Broken promises of providers, newest first; a department sees its own."""
        caller = permit(caller, "delivery.read")
        with self.database.reading() as tx:
            return store.findings(tx, provider=_party(caller), limit=limit, before=before)

    def _settle(self, passage: Passage, answered: Answered, chosen: tuple[str, ...]) -> Answer:
        match = passage.ask.match
        media_type = answered.headers.get("content-type", "")
        if answered.status >= 500 or answered.status < 200 or 300 <= answered.status < 400 or answered.status == 401:
            raise self.evidence.failed(passage, Breach(f"provider-status-{answered.status}"), answered.status)
        parsed = (
            Breach("status-undeclared")
            if match is None
            else passage.compiled.checker.answer(match.operation, answered.status, media_type, answered.body, chosen)
        )
        if isinstance(parsed, Breach):
            raise self.evidence.failed(passage, parsed, answered.status)
        body, fields, count, about = self._cut(passage, answered, parsed)
        kept = passing.returned(answered.headers)
        if body:
            kept["Content-Type"] = media_type.split(";")[0].strip() or JSON
        done = replace(
            passage.delivery,
            state=State.DELIVERED,
            status=answered.status,
            fields=fields,
            records=count,
            bytes_out=len(body),
            done_at=stamp(self.clock()),
        )
        refusal = self.evidence.release(passage, done, body, about)
        if refusal:
            raise refusal.error
        if fields and answered.status < 300:
            self.sampled(done.interface, done.operation or "", fields, body)
        return Answer(answered.status, kept, body, done.id)

    def _cut(
        self, passage: Passage, answered: Answered, parsed: Parsed
    ) -> tuple[bytes, tuple[str, ...], int, frozenset[str]]:
        """Body, labels of its fields, records and persons in it, after everything not agreed is gone."""
        if not answered.body:
            return b"", (), 0, frozenset()
        if not is_json(answered.headers.get("content-type", "")):
            if "" not in passage.scope:
                raise self.evidence.failed(passage, Breach("answer-not-reducible"), answered.status)
            return answered.body, ("(body)",), 1, frozenset()
        reducer = passage.compiled.reducer(passage.scope, error=answered.status >= 400)
        reduced = reducer.apply(parsed.value)
        about = subjects.numbers(passage.compiled.interface, parsed.schema, reduced.value)
        return orjson.dumps(reduced.value), reduced.fields, reduced.records, about


def _party(caller: Caller) -> str | None:
    return None if caller.kind == "data_office" or caller.via == "system" else caller.party
