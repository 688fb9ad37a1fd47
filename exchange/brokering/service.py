"""The broker: the only road from a provider to a consumer. Decide, record, fetch, check, cut, record,
release.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from exchange.agreements.model import Agreement
from exchange.agreements.service import Agreements
from exchange.brokering import headers as passing
from exchange.brokering import store
from exchange.brokering.check import Breach
from exchange.brokering.compiled import Versions
from exchange.brokering.evidence import Delivered, Evidence, Moved, Passage
from exchange.brokering.intake import Incoming, Known, take
from exchange.brokering.leaving import Cutter
from exchange.brokering.model import Delivery, End, Launch, QualityFinding, State, in_force
from exchange.brokering.patience import Breakers, fetch
from exchange.brokering.sight import Standing
from exchange.brokering.sources import Incoming as Answered
from exchange.brokering.sources import Outgoing, Source, SourceFailure
from exchange.brokering.spool import Spool
from exchange.catalogue.service import Catalogue
from exchange.clock import Clock, new_id, stamp
from exchange.database import Database
from exchange.errors import NotFound, TongbanError, Unavailable
from exchange.ledger.lane import Loop
from exchange.ledger.service import Ledger
from exchange.parties.access import Caller, permit
from specs.model import Kind

LARGE = 128 * 1024
"""Bodies above this many bytes are read and checked beside the event loop."""
PREPARED = 5
"""Times a call is prepared again because what it was prepared with changed."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the consumer gets. ``delivery`` is the id of its receipt, durable before this value exists."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    delivery: str = ""
    spool: Spool | None = None
    """The body when it is too large for memory; whoever sends it closes it."""
    under: Agreement | None = field(default=None, repr=False)
    """The agreement by which it was cut, as it stood."""
    outside: bool = False
    """Whether it was a record outside the agreed rows: told as one that does not exist."""


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
        key: bytes | None = None,
    ) -> None:
        """``key`` (32 bytes) is what the keys of masks are derived from; without one it lasts as long as this."""
        self.database, self.ledger, self.clock = database, ledger, clock
        self.catalogue, self.agreements, self.source = catalogue, agreements, source
        self.evidence = Evidence(database, ledger, agreements, clock)
        self.breakers = Breakers()
        self._cutter = Cutter(key or secrets.token_bytes(32))
        self._versions = Versions()
        # told (interface, operation, fields, body, masked fields) of each answer of which data left; known above
        self.sampled: Callable[..., None] = lambda *_: None
        self._known: dict[str, Known] = {}
        self._own = Loop("broker")

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
        """`pass_on` for whoever is not asynchronous; not from inside an event loop."""
        call = Incoming(interface, method, path, query, headers, body, agreement_id, purpose)
        answer: Answer = self._own.run(self.pass_on(call, caller, launch))
        return answer

    async def pass_on(
        self, call: Incoming, caller: Caller | None, launch: Launch | None = None, standing: Standing | None = None
    ) -> Answer:
        """Pass one call; a launch speaks for its vendor. ``standing``: the caller's token was verified earlier.

        Raises `Unauthenticated`, `Forbidden` (with the rule), `NotFound`, `Invalid`, `Unprocessable`,
        `Upstream` or `Unavailable`; all but the first are in the ledger before they are raised.
        """
        passage = await self._permitted(call, caller, launch, standing)
        match, record = passage.ask.match, passage.ask.record
        if match is None or record is None or record.endpoint is None:
            raise AssertionError("a permitted call has an operation and an endpoint")
        query, chosen = passage.compiled.narrowed(match.operation, call.query, passage.ask.asked, passage.scope)
        outgoing = Outgoing(
            interface=record.id,
            department=record.department,
            endpoint=record.endpoint,
            method=passage.ask.method,
            path=match.path,
            query=query,
            headers=passing.outgoing(call.headers, match.operation),
            body=call.body,
        )
        try:
            answered, tries = await fetch(self.source, outgoing)
        except SourceFailure as failure:
            self.breakers.note(record.endpoint, good=failure.rule.startswith("answer-"))
            raise await self.evidence.failed(passage, Breach(failure.rule), None) from None
        except TongbanError:
            await self.evidence.failed(passage, Breach("provider-unusable"), None)
            raise
        self.breakers.note(record.endpoint, good=answered.status < 500)
        try:
            return await self._settle(passage, answered, chosen, tries, query)
        except BaseException:
            if answered.spool is not None:
                answered.spool.close()
            raise

    async def _permitted(
        self, call: Incoming, caller: Caller | None, launch: Launch | None, standing: Standing | None
    ) -> Passage:
        for _ in range(PREPARED):
            known = await self.known(call.interface)
            pause = self.breakers.pause(known.record.endpoint) if known and known.record.endpoint else 0.0
            now = self.clock()
            ready = (new_id("dlv", now), stamp(now), call, caller, launch, known, pause)
            intake = await asyncio.to_thread(take, *ready) if len(call.body) > LARGE else take(*ready)
            try:
                return await self.evidence.permit(intake, standing)
            except Moved:
                self._known.pop(call.interface, None)
        raise Unavailable("the interface is being changed", hint="try again")

    def _look(self, interface: str) -> Known | None:
        """The service of that name as it stands, kept; every call is held against the database when it is decided."""
        try:
            record = self.catalogue.interface(interface)
        except NotFound:
            return None
        if not record.state.live or record.kind is not Kind.API:
            return None
        if len(self._known) > 10_000:
            self._known.clear()
        known = self._known[interface] = Known(record, self._versions.of(record.spec))
        return known

    async def known(self, interface: str) -> Known | None:
        """The service of that name, as last seen; None when none is published."""
        return self._known.get(interface) or await asyncio.to_thread(self._look, interface)

    def allowed(self, caller: Caller, interface: str) -> frozenset[str]:
        """Operations of an interface the caller's party has an agreement for that is in force now."""
        now = self.clock()
        with self.database.reading() as tx:
            found = self.agreements.for_call(tx, caller.party, interface)
        return frozenset(id for one in found if in_force(one, now) for id, scope in one.scope.items() if scope)

    def close(self) -> None:
        """Write what waits and end the threads."""
        self._own.close()
        self.evidence.lane.close()

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
        since: str | None = None,
        **equal: str | None,
    ) -> list[Delivery]:
        """Deliveries the caller is a side of (the data office: all), newest first.

        ``before`` and ``since`` are ids; ``equal``: members of a delivery with the value they have to have.
        """
        caller = permit(caller, "delivery.read")
        with self.database.reading() as tx:
            return store.deliveries(tx, party=_party(caller), limit=limit, before=before, since=since, **equal)

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
        """What both sides need to check a delivery's entry by its receipt: its number, the text that was hashed
        (``record``), and salt and data of its commitment.
        """
        found = self.delivery(caller, id)
        with self.database.reading() as tx:
            kept = self.ledger.payload(tx, found.entry)
        return {
            "entry": found.entry,
            "record": self.ledger.entry(found.entry).data.decode(),
            "salt": kept.salt and kept.salt.hex(),
            "payload": kept.value,
        }

    def findings(self, caller: Caller | None, *, limit: int = 50, before: str | None = None) -> list[QualityFinding]:
        """Broken promises of providers, newest first; a department sees its own."""
        caller = permit(caller, "delivery.read")
        with self.database.reading() as tx:
            return store.findings(tx, provider=_party(caller), limit=limit, before=before)

    async def _settle(
        self, passage: Passage, answered: Answered, chosen: tuple[str, ...], tries: int, query: str
    ) -> Answer:
        ready = (passage, answered, chosen, query)
        large = len(answered.body) > LARGE
        cut = await asyncio.to_thread(self._cutter.cut, *ready) if large else self._cutter.cut(*ready)
        if isinstance(cut, Breach):
            raise await self.evidence.failed(passage, cut, answered.status)
        at = stamp(self.clock())
        end = End(State.DELIVERED, "permitted", cut.status, cut.fields, cut.records, cut.size, at)
        more: dict[str, Any] = {"masked": list(cut.masked)} if cut.masked else {}
        if tries > 1:
            more["tries"] = tries
        refusal = await self.evidence.release(passage, end, cut.sha256, cut.about, more)
        if refusal:
            raise refusal.error
        if cut.fields and cut.spool is None and cut.status < 300:
            self.sampled(passage.delivery.interface, passage.delivery.operation or "", cut.fields, cut.body, cut.masked)
        return Answer(cut.status, cut.headers, cut.body, passage.delivery.id, cut.spool, passage.agreement, cut.outside)


def _party(caller: Caller) -> str | None:
    return None if caller.kind == "data_office" or caller.via == "system" else caller.party
