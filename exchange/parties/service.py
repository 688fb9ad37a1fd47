"""Parties, their members and clients: registering, signing in, revoking; each change is a ledger entry."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Connection

from exchange.clock import Clock, new_id, stamp
from exchange.database import Database
from exchange.errors import Conflict, Forbidden, NotFound, TooMany, Unauthenticated, Unprocessable
from exchange.ledger.service import Ledger
from exchange.parties import store
from exchange.parties.access import AUDIENCE, SYSTEM, Caller, permit
from exchange.parties.model import (
    Client,
    Kind,
    Member,
    Party,
    Session,
    check_login,
    check_party,
    check_password,
    check_roles,
    secret_hash,
)
from exchange.parties.tokens import Tokens

T = TypeVar("T")
TOKEN_LASTS = timedelta(minutes=15)
SESSION_LASTS = timedelta(hours=12)
WINDOW = timedelta(minutes=15)
TRIES = 5
"""Failed sign-ins within `WINDOW` after which one login from one address has to wait."""
TRIES_ANYWHERE = 50
"""The same for one login from all addresses: higher, so that strangers do not easily lock somebody out."""
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


class Parties:
    """Use cases around parties. Passwords are hashed by argon2id; secrets are random, shown once."""

    def __init__(
        self,
        database: Database,
        ledger: Ledger,
        tokens: Tokens,
        clock: Clock,
        hasher: PasswordHasher | None = None,
        random: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self.database = database
        self.ledger = ledger
        self.tokens = tokens
        self.clock = clock
        self._hasher = hasher or PasswordHasher()
        self._random = random
        # verified when a login is unknown, so that both cases take the same time
        self._nobody = self._hasher.hash("nobody")

    # ---- parties

    def bootstrap(self, secret: str = "") -> tuple[Client, str] | None:
        """First start: party ``operator`` and its client, with ``secret`` or a fresh one to print once.

        Later starts give None, unless ``secret`` is set and differs: it then replaces the old one, which is how
        an operator who lost it comes back in.
        """
        with self.database.transaction() as tx:
            known = store.client_identity(tx, "operator")
            if known is not None:
                if not secret or hmac.compare_digest(known.secret, secret_hash(secret)):
                    return None
                store.change_client(tx, "operator", secret=secret_hash(secret))
                self.ledger.append(tx, "client.rotated", {"party": "operator", "client": "operator"})
                return _found(store.client(tx, "operator"), "client operator"), secret
            if store.party(tx, "operator") is None:
                name = {"zh_CN": "平台运营方", "en": "Operator"}
                self._register(tx, SYSTEM, Party("operator", Kind.OPERATOR, name, None, stamp(self.clock())))
            return self._add_client(tx, SYSTEM, "operator", "first operator", frozenset({"admin"}), "operator", secret)

    def register_party(
        self,
        caller: Caller | None,
        party_id: str,
        kind: Kind | str,
        name: Mapping[str, str],
        uscc: str | None = None,
    ) -> Party:
        """A new organisation. Raises `Unprocessable` for malformed values, `Conflict` for a taken id."""
        by = permit(caller, "party.register")
        kind = _kind(kind)
        check_party(party_id, name, uscc)
        party = Party(party_id, kind, dict(name), uscc, stamp(self.clock()))
        with self.database.transaction() as tx:
            self._register(tx, by, party)
        return party

    def party(self, party_id: str) -> Party:
        """One party. Raises `NotFound`."""
        with self.database.reading() as tx:
            return _found(store.party(tx, party_id), f"party {party_id}")

    def parties(
        self, kind: Kind | str | None = None, *, after: str | None = None, limit: int | None = None
    ) -> list[Party]:
        """Parties in order of id."""
        with self.database.reading() as tx:
            return store.parties(tx, None if kind is None else _kind(kind), after, limit)

    # ---- members

    def add_member(
        self,
        caller: Caller | None,
        party: str,
        login: str,
        name: str,
        roles: Collection[str],
        password: str | None = None,
    ) -> tuple[Member, str]:
        """A person of a party, and their password: given or fresh, shown once and stored as a hash."""
        by = permit(caller, "party.member", owner=party)
        login = check_login(login)
        password = password or self._fresh_password()
        check_password(password)
        now = self.clock()
        with self.database.transaction() as tx:
            kind = _found(store.party(tx, party), f"party {party}").kind
            if store.member(tx, login=login) is not None:
                raise Conflict(f"the login {login} is taken", hint="choose another")
            member = Member(new_id("mem", now), party, login, name, check_roles(kind, roles), True, stamp(now))
            store.add_member(tx, member, self._hasher.hash(password))
            body = {"party": party, "member": member.id, "roles": sorted(member.roles), "by": by.id}
            self.ledger.append(tx, "member.added", body)
        return member, password

    def members(self, caller: Caller | None, party: str) -> list[Member]:
        """Members of a party, for those who administer it."""
        permit(caller, "party.member", owner=party)
        with self.database.reading() as tx:
            return store.members(tx, party)

    def end_member(self, caller: Caller | None, party: str, member_id: str) -> Member:
        """A person leaves: no sign-in any more, and every session ends at once. Raises `NotFound`."""
        by = permit(caller, "party.member", owner=party)
        with self.database.transaction() as tx:
            found = store.member(tx, member_id=member_id)
            if found is None or found[0].party != party:
                raise NotFound(f"there is no member {member_id} of {party}")
            if found[0].active:
                store.change_member(tx, member_id, active=False)
                self.ledger.append(tx, "member.ended", {"party": party, "member": member_id, "by": by.id})
        return replace(found[0], active=False)

    # ---- clients

    def add_client(
        self, caller: Caller | None, party: str, label: str, roles: Collection[str], secret: str = ""
    ) -> tuple[Client, str]:
        """A program of a party, and its secret: shown once, stored as a hash. Only admins give more than they have."""
        by = permit(caller, "party.client", owner=party)
        with self.database.transaction() as tx:
            kind = _found(store.party(tx, party), f"party {party}").kind
            allowed = check_roles(kind, roles)
            _within(by, allowed)
            return self._add_client(tx, by, party, label, allowed, new_id("cli", self.clock()), secret)

    def clients(self, caller: Caller | None, party: str) -> list[Client]:
        """Clients of a party, revoked ones too."""
        permit(caller, "party.client", owner=party)
        with self.database.reading() as tx:
            return store.clients(tx, party)

    def revoke_client(self, caller: Caller | None, party: str, client_id: str) -> Client:
        """End a client: its secret and every token made with it stop working at once. Raises `NotFound`."""
        by = permit(caller, "party.client", owner=party)
        with self.database.transaction() as tx:
            client = store.client(tx, client_id)
            if client is None or client.party != party:
                raise NotFound(f"there is no client {client_id} of {party}")
            _within(by, client.roles)
            if client.revoked_at is None:
                client = replace(client, revoked_at=stamp(self.clock()))
                store.change_client(tx, client_id, revoked_at=client.revoked_at)
                self.ledger.append(tx, "client.revoked", {"party": party, "client": client_id, "by": by.id})
        return client

    # ---- signing in

    def token(self, client_id: str, secret: str) -> str:
        """An access token for 15 minutes. Raises `Unauthenticated` without saying which part was wrong."""
        with self.database.reading() as tx:
            found = store.client_identity(tx, client_id)
        if not hmac.compare_digest(found.secret if found else b"", secret_hash(secret)) or found is None:
            raise Unauthenticated("client id or secret is wrong", hint="ask your party's admin", error="invalid_client")
        return self.tokens.make(found.id, AUDIENCE, TOKEN_LASTS, party=found.party)

    def sign_in(self, login: str, password: str, address: str = "") -> Session:
        """A browser session. Raises `Unauthenticated` without saying which part was wrong, else `TooMany`.

        ``address`` is where the request came from; failures are counted per login and address.
        """
        login = login.strip().lower()
        limits = {_attempt_key(login, address): TRIES, _attempt_key(login): TRIES_ANYWHERE}
        now = self.clock()
        since = stamp(now - WINDOW)
        # counted before the check, so that many guesses at once do not slip through
        with self.database.transaction() as tx:
            counted = store.attempts(tx, limits, since)
            found = store.member(tx, login=login)
            for key, limit in limits.items():
                if counted.get(key, 0) < limit:
                    store.count_attempt(tx, key, stamp(now), since)
        if any(counted.get(key, 0) >= limit for key, limit in limits.items()):
            minutes = int(WINDOW.total_seconds() // 60)
            raise TooMany("too many failed sign-ins", hint=f"try again in {minutes} minutes", retry_after=minutes * 60)
        # hashing takes long on purpose, so no transaction is held open during it
        right = self._verify(found[1] if found else self._nobody, password)
        if not right or found is None or not found[0].active:
            raise Unauthenticated("login or password is wrong", hint="ask your party's admin for a new one")
        token = self._random(32).hex()
        session = Session(token, found[0].id, found[0].party, stamp(now + SESSION_LASTS))
        with self.database.transaction() as tx:
            for key in limits:
                store.forget_attempts(tx, key)
            store.end_sessions(tx, before=stamp(now))
            store.add_session(tx, secret_hash(token), session.member, session.expires_at)
        return session

    def sign_out(self, token: str) -> None:
        """End a session."""
        with self.database.transaction() as tx:
            store.end_sessions(tx, token=secret_hash(token))

    # ---- inside

    def _register(self, tx: Connection, by: Caller, party: Party) -> None:
        if store.party(tx, party.id) is not None:
            raise Conflict(f"there is a party {party.id} already", hint="choose another id")
        if party.uscc is not None and store.party_with_uscc(tx, party.uscc) is not None:
            raise Conflict("another party has this social credit code")
        store.add_party(tx, party)
        self.ledger.append(tx, "party.registered", {"party": party.id, "party_kind": party.kind.value, "by": by.id})

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
        secret = secret or f"tbs_{self._random(32).hex()}"
        client = Client(client_id, party, label, roles, stamp(self.clock()), None)
        store.add_client(tx, client, secret_hash(secret))
        body = {"party": party, "client": client.id, "roles": sorted(roles), "by": by.id}
        self.ledger.append(tx, "client.added", body)
        return client, secret

    def _verify(self, hashed: str, password: str) -> bool:
        try:
            return self._hasher.verify(hashed, password)
        except (VerificationError, InvalidHashError):
            return False

    def _fresh_password(self) -> str:
        # 16 letters of 31: 79 bits, and none that people confuse; bytes ≥ 248 are left out to keep it even
        letters: list[str] = []
        while len(letters) < 16:
            letters += [ALPHABET[byte % 31] for byte in self._random(32) if byte < 248]
        text = "".join(letters[:16])
        return "-".join(text[at : at + 4] for at in range(0, 16, 4))


def _kind(kind: Kind | str) -> Kind:
    try:
        return Kind(kind)
    except ValueError:
        raise Unprocessable(f"{kind!r} is no kind of party", hint=", ".join(Kind)) from None


def _within(by: Caller, roles: frozenset[str]) -> None:
    # otherwise whoever may add a client could make themselves one that may do anything
    if "admin" not in by.roles and not roles <= by.roles:
        more = ", ".join(sorted(roles - by.roles))
        raise Forbidden(f"you do not have the role {more} yourself", rule="access.party.client", hint="ask an admin")


def _found(value: T | None, what: str) -> T:
    if value is None:
        raise NotFound(f"there is no {what}")
    return value


def _attempt_key(login: str, address: str = "*") -> bytes:
    # hashed: a table of what people typed into a login field may hold their passwords
    return hashlib.sha256(f"{login}\n{address}".encode()).digest()
