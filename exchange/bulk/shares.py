"""Tokens for a Delta Sharing client: one agreement each, shown once, dead with their agreement."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

from exchange.agreements.model import Agreement
from exchange.bulk import store
from exchange.bulk.desk import Desk
from exchange.bulk.evidence import Ask
from exchange.bulk.model import Share
from exchange.catalogue.model import Record
from exchange.clock import new_id, stamp
from exchange.errors import NotFound, Unauthenticated
from exchange.parties.access import Caller, permit


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who holds a token: one agreement. ``record`` None: the interface is not published any more."""

    share: Share
    agreement: Agreement
    record: Record | None

    def ask(self, table: str) -> Ask:
        """A question about a table as it is recorded. The purpose was stated when the token was issued."""
        consumer, share = self.agreement.consumer, self.share
        return Ask(consumer, share.issued_by, self.record, table, share.purpose, f"/tables/{table}")


class Shares:
    """Issues, lists, revokes and reads tokens."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.clock, self.database, self.ledger = desk, desk.clock, desk.database, desk.ledger

    def issue(self, caller: Caller | None, agreement_id: str, purpose: str) -> tuple[Share, str]:
        """A token for an agreement, and its secret, which is shown once. Raises `Forbidden` with the rule."""
        caller = self.desk.caller(caller, agreement_id, "-", purpose)
        found, record = self.desk.agreement(agreement_id)
        tables = sorted(found.scope) if found else ["-"]
        for table in tables:
            ask = Ask(caller.party, caller.id, record, table, purpose, f"/tables/{table}")
            found, record = self.desk.hold(found, record, ask)
        if found is None:
            raise AssertionError("a missing agreement permits nothing")
        now, secret = self.clock(), secrets.token_urlsafe(32)
        share = Share(new_id("shr", now), found.id, purpose, stamp(now), caller.id, found.expires_at)
        body = {"share": share.id, "agreement": found.id, "consumer": found.consumer, "by": caller.id}
        with self.database.transaction() as tx:
            store.add_share(tx, share, _hash(secret))
            self.ledger.append(tx, "share.issued", body)
        return share, secret

    def listed(self, caller: Caller | None, agreement_id: str) -> list[Share]:
        """Tokens of an agreement, for both its sides and the authority."""
        found = self.desk.agreements.agreement(caller, agreement_id)
        with self.database.reading() as tx:
            return store.shares(tx, found.id)

    def revoke(self, caller: Caller | None, id: str) -> None:
        """End a token at once; either side of its agreement may. Raises `NotFound`."""
        caller = permit(caller, "agreement.terminate")
        with self.database.reading() as tx:
            share = store.share(tx, id=id)
        if share is None:
            raise NotFound(f"no share {id} that you may see")
        agreement = self.desk.agreements.agreement(caller, share.agreement)
        side = agreement.provider if caller.party == agreement.provider else agreement.consumer
        permit(caller, "agreement.terminate", owner=side)
        if share.revoked_at is not None:
            return
        with self.database.transaction() as tx:
            store.revoke_share(tx, id, stamp(self.clock()))
            self.ledger.append(tx, "share.revoked", {"share": id, "agreement": agreement.id, "by": caller.id})

    def recipient(self, secret: str) -> Recipient:
        """Who holds this token. Raises `Unauthenticated`; whether its agreement still holds is decided later."""
        with self.database.reading() as tx:
            share = store.share(tx, secret_hash=_hash(secret))
        agreement, record = self.desk.agreement(share.agreement) if share else (None, None)
        if share is None or share.revoked_at is not None or agreement is None:
            raise Unauthenticated(
                "the token is not valid: it was revoked or never issued",
                hint="fetch a new profile: POST /api/v1/agreements/{id}/shares",
            )
        return Recipient(share, agreement, record)

    def tables(self, recipient: Recipient) -> list[str]:
        """Tables a token may read now. Raises `Forbidden`, recorded, when its agreement does not hold."""
        for table in recipient.agreement.scope:
            self.desk.hold(recipient.agreement, recipient.record, recipient.ask(table))
        return sorted(recipient.agreement.scope)


def _hash(secret: str) -> bytes:
    # 256 random bits cannot be guessed, so a slow hash adds nothing
    return hashlib.sha256(secret.encode()).digest()
