"""The service whose sweeps `test_agreements_kill` kills; a module of its own, so that a sweeper starts quickly."""

from __future__ import annotations

from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from exchange.agreements import service
from exchange.agreements.service import Agreements
from exchange.catalogue.service import Catalogue
from exchange.database import Database
from exchange.ledger.service import Ledger


def agreements(url: str) -> Agreements:
    """The service long after every clock of the test ran out; few clocks a transaction, so that kills fall between."""
    service.BATCH = 7
    database = Database(url)
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))

    def clock() -> datetime:
        return datetime(2026, 11, 2, tzinfo=UTC)

    ledger = Ledger(database, key, "tongban.test/ledger", b"i" * 32, clock)
    return Agreements(database, ledger, Catalogue(database, ledger, clock), clock)
