"""What providers ask of the exchange: a credential per interface, sealed at rest, never shown again."""

from __future__ import annotations

import re
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from exchange.brokering import store
from exchange.brokering.headers import NEVER
from exchange.brokering.sources import Credentials
from exchange.catalogue.service import Catalogue
from exchange.database import Database
from exchange.errors import Unavailable, Unprocessable
from exchange.ledger.service import Ledger
from exchange.parties.access import Caller, permit

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}\Z")
_VALUE = re.compile(r"[\x20-\x7e]{1,4096}\Z")


class Vault:
    """Providers' credentials under one 32-byte key that lives beside the database, not in it."""

    def __init__(
        self,
        database: Database,
        ledger: Ledger,
        catalogue: Catalogue,
        key: bytes,
        derived: Credentials | None = None,
    ) -> None:
        """``derived`` is asked first: it answers for endpoints of our own (hosted sandboxes)."""
        self.database, self.ledger, self.catalogue = database, ledger, catalogue
        self.derived = derived
        self._cipher = AESGCM(key)

    def put(self, caller: Caller | None, interface: str, header: str, value: str) -> None:
        """Store the header the provider's service wants, e.g. Authorization. Raises `Unprocessable`."""
        caller = permit(caller, "interface.endpoint")
        record = self.catalogue.interface(interface)
        permit(caller, "interface.endpoint", owner=record.department)
        hop = header.lower() in NEVER - {"authorization", "cookie"}
        if hop or not _NAME.match(header) or not _VALUE.match(value):
            raise Unprocessable("that cannot be sent as a header", hint='{"header": "Authorization", "value": "…"}')
        nonce = secrets.token_bytes(12)
        sealed = self._cipher.encrypt(nonce, value.encode(), _bound(interface, record.department, header))
        with self.database.transaction() as tx:
            store.save_credential(tx, interface, record.department, header, nonce, sealed)
            self.ledger.append(
                tx, "credential.set", {"interface": interface, "provider": record.department, "by": caller.id}
            )

    def drop(self, caller: Caller | None, interface: str) -> None:
        """Forget the credential."""
        caller = permit(caller, "interface.endpoint")
        record = self.catalogue.interface(interface)
        permit(caller, "interface.endpoint", owner=record.department)
        with self.database.transaction() as tx:
            store.drop_credential(tx, interface)
            body = {"interface": interface, "provider": record.department, "by": caller.id}
            self.ledger.append(tx, "credential.dropped", body)

    def __call__(self, interface: str, department: str, endpoint: str) -> tuple[str, str] | None:
        """Header and value for a call, or None. Raises `Unavailable` when the key is not the one it was
        sealed with.
        """
        if self.derived is not None and (own := self.derived(interface, department, endpoint)) is not None:
            return own
        with self.database.reading() as tx:
            row = store.credential(tx, interface)
        # an interface that changed hands does not take the former owner's credential along
        if row is None or row.department != department:
            return None
        try:
            value = self._cipher.decrypt(row.nonce, row.sealed, _bound(interface, department, row.header))
        except InvalidTag:
            raise Unavailable(
                "the provider's credential cannot be opened",
                hint="the vault key changed: the department sets it again",
            ) from None
        return row.header, value.decode()


def _bound(interface: str, department: str, header: str) -> bytes:
    return f"{interface}\n{department}\n{header}".encode()
