"""What is written down about a call: the delivery's row and its ledger entries. Names, counts and
commitments only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from exchange.agreements.model import Agreement
from exchange.brokering.model import UNLISTED, Delivery, End, Launch, State
from exchange.brokering.paths import Match
from exchange.catalogue.model import Record

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
UNKNOWN = "unknown"
MOST_LABELS = 32_000
"""Bytes of field names in one entry, which has 65,535 in all; the delivery itself names every field."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A call as it came in. ``record`` None: no such interface is published. ``reference``: the consumer's
    own case.
    """

    id: str
    at: str
    consumer: str
    caller: str
    record: Record | None
    method: str
    match: Match | None
    asked: tuple[str, ...]
    claimed: str
    agreement: str | None
    launch: Launch | None
    reference: str
    subjects: frozenset[str]
    body: bytes = field(repr=False)

    @property
    def interface(self) -> str:
        """Id of the interface; a name nobody registered is never written down, it could be anything."""
        return self.record.id if self.record else UNKNOWN


def row(ask: Ask, state: State, rule: str, agreement: Agreement | None, claimed: str) -> Delivery:
    """The delivery of a call just decided; its entry gets its place later. ``claimed``: as `stated` gives it."""
    return Delivery(
        id=ask.id,
        at=ask.at,
        state=state,
        rule=rule,
        consumer=ask.consumer,
        interface=ask.interface,
        entry=0,
        caller=ask.caller,
        provider=ask.record.department if ask.record else None,
        version=ask.record.version if ask.record else None,
        operation=ask.match.operation.id if ask.match else None,
        method=ask.method if ask.method in METHODS else "OTHER",
        path=ask.match.operation.path if ask.match else None,
        agreement=agreement.id if agreement else None,
        purpose=agreement.purpose if agreement else None,
        claimed=claimed,
        legal_basis=agreement.legal_basis if agreement else None,
        launch=ask.launch.id if ask.launch else None,
        handled_matter=ask.launch.handled_matter if ask.launch else None,
        bytes_in=len(ask.body),
    )


def stated(claimed: str, known: bool) -> str:
    """What may stay of the purpose a caller stated: one that some agreement has, else `UNLISTED`; "" for none."""
    return claimed if known or not claimed else UNLISTED


def body(delivery: Delivery, digest: str | None) -> dict[str, Any]:
    """The ledger's view of a delivery; absent things are left out."""
    told = {
        "delivery": delivery.id,
        "consumer": delivery.consumer,
        "provider": delivery.provider,
        "interface": delivery.interface,
        "interface_version": delivery.version,
        "interface_digest": digest,
        "operation": delivery.operation,
        "method": delivery.method,
        "path": delivery.path,
        "agreement": delivery.agreement,
        "purpose": delivery.purpose,
        "claimed": delivery.claimed if delivery.claimed not in ("", delivery.purpose) else None,
        "legal_basis": delivery.legal_basis,
        "launch": delivery.launch,
        "handled_matter": delivery.handled_matter,
        "rule": delivery.rule,
    }
    return {name: value for name, value in told.items() if value is not None}


def outcome(end: End, permit: int) -> dict[str, Any]:
    """What the entry of an end changes in `body`; ``permit`` is the index of the permitting entry."""
    told: dict[str, Any] = {"rule": end.rule, "permit": permit}
    if end.status is not None:
        told["status"] = end.status
    if end.state is State.DELIVERED:
        told |= {**_labels(end.fields), "records": end.records}
    return told


def _labels(fields: tuple[str, ...]) -> dict[str, Any]:
    """The fields that left, by name as far as an entry has room; of more, also how many they are and their hash."""
    joined = "\n".join(fields).encode()
    if len(joined) <= MOST_LABELS:
        return {"fields": list(fields)}
    named = joined[:MOST_LABELS].decode(errors="ignore").split("\n")[:-1]
    return {"fields": named, "fields_in_all": {"count": len(fields), "sha256": hashlib.sha256(joined).hexdigest()}}


def payload(ask: Ask, left: str | None = None) -> Mapping[str, Any]:
    """The erasable part: hashes of the bodies, who called, the purpose claimed and the consumer's own
    reference. ``left``: SHA-256 (hex) of the body that left.

    The entry holds a salted commitment to it. A hash alone would let anyone who guesses a body confirm the
    guess.
    """
    told = {
        "request_sha256": hashlib.sha256(ask.body).hexdigest(),
        "response_sha256": left,
        "by": ask.caller,
        "claimed": ask.claimed,
        "reference": ask.reference,
    }
    return {name: value for name, value in told.items() if value}
