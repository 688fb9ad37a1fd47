"""Programs of parties: their secrets, two at a time, their keys, and their end; each change is a ledger entry."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from sqlalchemy import Connection

from exchange.clock import new_id, stamp
from exchange.errors import Conflict, Forbidden, NotFound
from exchange.parties import assertions, store
from exchange.parties import credential_store as credentials
from exchange.parties.access import Caller, permit
from exchange.parties.model import SECRETS, Client, Secret, check_roles, secret_hash
from exchange.parties.signing import Signing

T = TypeVar("T")


class Clients(Signing):
    """Use cases around clients; `exchange.parties.service.Parties` adds organisations and people."""

    def add_client(
        self, caller: Caller | None, party: str, label: str, roles: Collection[str], secret: str = ""
    ) -> tuple[Client, str]:
        """A program of a party, and its secret: shown once, stored as a hash. Only admins give more than they have."""
        by = permit(caller, "party.client", owner=party)
        with self.database.transaction() as tx:
            kind = found(store.party(tx, party), f"party {party}").kind
            allowed = check_roles(kind, roles)
            _within(by, allowed)
            return self._add_client(tx, by, party, label, allowed, new_id("cli", self.clock()), secret)

    def clients(self, caller: Caller | None, party: str) -> list[Client]:
        """Clients of a party, revoked ones too."""
        permit(caller, "party.client", owner=party)
        with self.database.reading() as tx:
            return store.clients(tx, party)

    def revoke_client(self, caller: Caller | None, party: str, client_id: str) -> Client:
        """End a client: its secrets and every token made with them stop working at once. Raises `NotFound`."""
        by = permit(caller, "party.client", owner=party)
        with self.database.transaction() as tx:
            client = self._client(tx, by, party, client_id, revoked=True)
            if client.revoked_at is None:
                client = replace(client, revoked_at=stamp(self.clock()))
                store.change_client(tx, client_id, revoked_at=client.revoked_at)
                credentials.drop_secrets(tx, client_id)
                self.ledger.append(tx, "client.revoked", {"party": party, "client": client_id, "by": by.id})
        return client

    def secrets(self, caller: Caller | None, party: str, client_id: str) -> list[Secret]:
        """The secrets of a client, oldest first; what they say is kept nowhere. Raises `NotFound`."""
        by = permit(caller, "party.client", owner=party)
        with self.database.reading() as tx:
            self._client(tx, by, party, client_id, revoked=True)
            return credentials.secrets(tx, client_id)

    def add_secret(self, caller: Caller | None, party: str, client_id: str) -> tuple[Secret, str]:
        """A second secret beside the one in use, shown once. Raises `NotFound`, `Conflict` when there are two."""
        by = permit(caller, "party.client", owner=party)
        with self.database.transaction() as tx:
            self._client(tx, by, party, client_id)
            if len(credentials.secrets(tx, client_id)) >= SECRETS:
                raise Conflict(f"a client has at most {SECRETS} secrets", hint="drop the one that is not used any more")
            made, text = self._add_secret(tx, client_id)
            self.ledger.append(tx, "client.rotated", {"party": party, "client": client_id, "by": by.id})
        return made, text

    def drop_secret(self, caller: Caller | None, party: str, client_id: str, secret_id: str) -> None:
        """Nobody gets a token with this secret any more. Raises `NotFound`."""
        by = permit(caller, "party.client", owner=party)
        with self.database.transaction() as tx:
            self._client(tx, by, party, client_id)
            if secret_id not in {one.id for one in credentials.secrets(tx, client_id)}:
                raise NotFound(f"there is no secret {secret_id} of {client_id}")
            credentials.drop_secrets(tx, client_id, secret_id)
            body = {"party": party, "client": client_id, "secret": secret_id, "by": by.id}
            self.ledger.append(tx, "client.secret-dropped", body)

    def set_keys(self, caller: Caller | None, party: str, client_id: str, keys: Sequence[Mapping[str, Any]]) -> Client:
        """The public keys a client may sign assertions with, instead of those before; none: it shows secrets only.

        Raises `NotFound`, `Unprocessable`.
        """
        by = permit(caller, "party.client", owner=party)
        kept = assertions.check_keys(keys)
        with self.database.transaction() as tx:
            client = self._client(tx, by, party, client_id)
            store.change_client(tx, client_id, keys=[dict(key) for key in kept] or None)
            body = {"party": party, "client": client_id, "keys": [key["kid"] for key in kept], "by": by.id}
            self.ledger.append(tx, "client.keys", body)
        return replace(client, keys=kept)

    # ---- inside

    def _client(self, tx: Connection, by: Caller, party: str, client_id: str, *, revoked: bool = False) -> Client:
        client = store.client(tx, client_id)
        if client is None or client.party != party:
            raise NotFound(f"there is no client {client_id} of {party}")
        _within(by, client.roles)
        if client.revoked_at is not None and not revoked:
            raise Conflict(f"{client_id} is revoked", hint="add another client")
        return client

    def _add_client(
        self,
        tx: Connection,
        by: Caller,
        party: str,
        label: str,
        roles: frozenset[str],
        client_id: str,
        secret: str,
    ) -> tuple[Client, str]:
        client = Client(client_id, party, label, roles, stamp(self.clock()), None)
        store.add_client(tx, client)
        _, secret = self._add_secret(tx, client.id, secret)
        body = {"party": party, "client": client.id, "roles": sorted(roles), "by": by.id}
        self.ledger.append(tx, "client.added", body)
        return client, secret

    def _add_secret(self, tx: Connection, client_id: str, text: str = "") -> tuple[Secret, str]:
        text, now = text or f"tbs_{self._random(32).hex()}", self.clock()
        made = Secret(new_id("sec", now), client_id, secret_hash(text), stamp(now))
        credentials.add_secret(tx, made)
        return made, text


def _within(by: Caller, roles: frozenset[str]) -> None:
    # otherwise whoever may add a client could make themselves one that may do anything
    if "admin" not in by.roles and not roles <= by.roles:
        more = ", ".join(sorted(roles - by.roles))
        raise Forbidden(f"you do not have the role {more} yourself", rule="access.party.client", hint="ask an admin")


def found(value: T | None, what: str) -> T:
    if value is None:
        raise NotFound(f"there is no {what}")
    return value
