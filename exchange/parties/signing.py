"""Showing who one is: clients by secret or signed assertion, people by password or through an outside issuer."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cached_property
from typing import NoReturn

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Connection

from exchange.clock import Clock, moment, stamp
from exchange.database import Database
from exchange.errors import TooMany, Unauthenticated, Unavailable, Unprocessable
from exchange.ledger.service import Ledger
from exchange.parties import assertions, store
from exchange.parties import credential_store as credentials
from exchange.parties.access import AUDIENCE, Caller
from exchange.parties.model import (
    LONGEST_PASSWORD,
    LONGEST_WAIT,
    Limit,
    Member,
    Session,
    check_password,
    secret_hash,
    spent_key,
)
from exchange.parties.tokens import Tokens

TOKEN_LASTS = timedelta(minutes=15)
SESSION_LASTS = timedelta(hours=12)
TRIES = Limit(5, growing=True)
"""Failed sign-ins of one login from one address that are free."""
TRIES_ANYWHERE = Limit(50)
"""The same for one login from all addresses: higher and not growing, so that strangers do not lock somebody out."""
TRIES_ADDRESS = Limit(100)
"""The same for all logins from one address: one password tried on everybody is guessing, too."""
REFUSALS_KEPT = 5
"""Refused secrets of one client that become ledger entries, until it is quiet for a quarter of an hour."""
HASHINGS = 4
"""Passwords hashed at a time: each takes 64 MiB, and strangers can ask for as many as they like."""
HASHING_WAITS = 5.0
"""Seconds a sign-in waits for its turn: longer, and sign-ins alone could keep every thread busy."""
HASHER = PasswordHasher(time_cost=3, memory_cost=65_536, parallelism=4)
"""argon2id with the second choice of RFC 9106 §4; a password hashed otherwise is hashed anew when it is next used."""


class Signing:
    """Signing in and out; `exchange.parties.service.Parties` adds the organisations behind it."""

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
        self._hasher = hasher or HASHER
        self._hashing = threading.BoundedSemaphore(HASHINGS)
        self._random = random

    # ---- clients

    def token(self, client_id: str, secret: str, scope: str | None = None) -> str:
        """An access token for 15 minutes. Raises `Unauthenticated` without saying which part was wrong.

        ``scope`` narrows it to some of the client's roles; `Unprocessable` for one it does not have.
        """
        return self._made(self.shown(client_id, secret), scope)

    def shown(self, client_id: str, secret: str) -> credentials.Identity:
        """The client that shows this secret, as it stands now. Raises `Unauthenticated`."""
        given = secret_hash(secret)
        with self.database.reading() as tx:
            found = credentials.client_identity(tx, client_id)
            kept = credentials.secrets(tx, client_id) if found else []
        # every secret is compared, whichever fits
        right = [hmac.compare_digest(one.hash, given) for one in kept]
        if found is None or not any(right):
            self._refuse_client(client_id)
        return found

    def token_for(self, assertion: str, audiences: frozenset[str], scope: str | None = None) -> str:
        """The same for a client that signs an assertion (RFC 7523) with one of its keys; each is good once."""
        client_id = assertions.subject(assertion)
        with self.database.reading() as tx:
            client, found = store.client(tx, client_id), credentials.client_identity(tx, client_id)
        try:
            if client is None or found is None:
                raise Unauthenticated("no such client")
            name, until = assertions.read(assertion, client, audiences, self.clock())
            with self.database.transaction() as tx:
                key = spent_key("assertion", f"{client_id}\n{name}")
                if not credentials.spend(tx, key, stamp(until), stamp(self.clock())):
                    raise Unauthenticated("used before")
        except Unauthenticated:
            self._refuse_client(client_id)
        return self._made(found, scope)

    def revoke_token(self, caller: Caller, token: str) -> None:
        """End one access token of the caller before it expires (RFC 7009); nothing happens for any other."""
        try:
            claims = self.tokens.read(token, AUDIENCE)
        except Unauthenticated:
            return
        if claims["sub"] == caller.id:
            until = datetime.fromtimestamp(claims["exp"], self.clock().tzinfo)
            with self.database.transaction() as tx:
                credentials.spend(tx, spent_key("token", claims["jti"]), stamp(until), stamp(self.clock()))

    # ---- people

    def sign_in(self, login: str, password: str, address: str = "", instead: str = "") -> Session:
        """A browser session. Raises `Unauthenticated` without saying which part was wrong, else `TooMany`.

        ``address`` is where the request came from; failures are counted per login and address. ``instead`` is the
        session the browser had so far: it ends, and its token is never used again.
        """
        login = login.strip().lower()
        limits = {
            _attempt_key(login, address): TRIES,
            _attempt_key(login, "*"): TRIES_ANYWHERE,
            _attempt_key("*", address): TRIES_ADDRESS,
        }
        # counted before the check, so that many guesses at once do not slip through
        with self.database.transaction() as tx:
            before = self._counted(tx, limits)
            found = store.member(tx, login=login)
        # hashing takes long on purpose, so no transaction is held open during it
        hashed = found[1] if found else self._nobody
        right = len(password) <= LONGEST_PASSWORD and self._verify(hashed, password)
        renewed = self._hash(password) if right and found and self._hasher.check_needs_rehash(hashed) else None
        with self.database.transaction() as tx:
            member = found[0] if found else None
            standing = member is not None and self._standing(tx, member)
            if right and member is not None and standing:
                # the right one: what it counted beforehand was no failure
                credentials.set_attempts(tx, _attempt_key(login, address), 0, "")
                credentials.set_attempts(tx, _attempt_key(login, "*"), 0, "")
                key = _attempt_key("*", address)
                credentials.set_attempts(tx, key, before[key], stamp(self.clock()))
                if renewed is not None:
                    store.change_member(tx, member.id, password=renewed)
                return self._session(tx, member, instead)
            body = {"reason": "unknown" if member is None else "not-active" if right else "password"}
            if member is not None:
                body |= {"party": member.party, "member": member.id}
            # neither what was typed nor from where: both may be somebody's data
            self.ledger.append(tx, "sign-in.refused", body)
        raise Unauthenticated("login or password is wrong", hint="ask your party's admin for a new one")

    def sign_in_as(self, subject: str, instead: str = "", once: tuple[str, int] | None = None) -> Session:
        """A session for the member whom the outside issuer calls ``subject``. Raises `Unauthenticated`.

        ``once``: name and expiry (seconds) of the sign-in that led here, which leads to one session only.
        """
        now = self.clock()
        with self.database.transaction() as tx:
            if once is not None:
                until = stamp(datetime.fromtimestamp(once[1], now.tzinfo))
                if not credentials.spend(tx, spent_key("state", once[0]), until, stamp(now)):
                    raise Unauthenticated("this sign-in was used before", hint="begin again at /sign-in")
            member = store.member_with_subject(tx, subject)
            if member is not None and self._standing(tx, member):
                return self._session(tx, member, instead)
            body = {"reason": "unknown" if member is None else "not-active", "way": "outside"}
            if member is not None:
                body |= {"party": member.party, "member": member.id}
            self.ledger.append(tx, "sign-in.refused", body)
        raise Unauthenticated("nobody here is known by that name", hint="ask your party's admin to enter it")

    def sign_out(self, token: str) -> None:
        """End a session."""
        with self.database.transaction() as tx:
            credentials.end_sessions(tx, token=secret_hash(token))

    def sign_out_everywhere(self, caller: Caller) -> None:
        """End every session of the member who asks, this one too."""
        with self.database.transaction() as tx:
            credentials.end_sessions(tx, member=caller.id)
            self.ledger.append(tx, "sessions.ended", {"party": caller.party, "member": caller.id, "by": caller.id})

    def change_password(self, caller: Caller, old: str, new: str, address: str = "", session: str = "") -> None:
        """A member's own new password; ends their other sessions. Raises `Unauthenticated`, `Unprocessable`."""
        if caller.via != "session":
            raise Unprocessable("only a person has a password", hint="a client gets a new secret")
        limits = {_attempt_key(caller.id, address): TRIES}
        with self.database.transaction() as tx:
            self._counted(tx, limits)
            found = store.member(tx, member_id=caller.id)
        if found is None or len(old) > LONGEST_PASSWORD or not self._verify(found[1], old):
            raise Unauthenticated("the present password is wrong", hint="type the one you signed in with")
        check_password(new, found[0].login)
        hashed = self._hash(new)
        with self.database.transaction() as tx:
            credentials.set_attempts(tx, _attempt_key(caller.id, address), 0, "")
            store.change_member(tx, caller.id, password=hashed)
            credentials.end_sessions(tx, member=caller.id, token=secret_hash(session))
            self.ledger.append(tx, "member.password", {"party": caller.party, "member": caller.id, "by": caller.id})

    # ---- inside

    def _made(self, found: credentials.Identity, scope: str | None) -> str:
        claims: dict[str, str] = {"party": found.party, "client_id": found.id}
        if scope is not None:
            wanted = scope.split()
            if not wanted or not found.roles.issuperset(wanted):
                raise Unprocessable(
                    "the scope names roles the client does not have", hint=" ".join(sorted(found.roles))
                )
            claims["scope"] = " ".join(sorted(wanted))
        return self.tokens.make(found.id, AUDIENCE, TOKEN_LASTS, **claims)

    def _refuse_client(self, client_id: str) -> NoReturn:
        """Raises `Unauthenticated`; a known client's refusals become ledger entries, but not without end."""
        key, now = _attempt_key("client", client_id), self.clock()
        limit = Limit(REFUSALS_KEPT)
        with self.database.transaction() as tx:
            client = store.client(tx, client_id)
            if client is not None:
                failed, at = credentials.attempts(tx, [key]).get(key, (0, stamp(now)))
                failed = limit.counted(failed, moment(at), now)
                if failed < REFUSALS_KEPT:
                    credentials.set_attempts(tx, key, failed + 1, stamp(now))
                    self.ledger.append(tx, "client.refused", {"party": client.party, "client": client.id})
        raise Unauthenticated("client id or secret is wrong", hint="ask your party's admin", error="invalid_client")

    def _counted(self, tx: Connection, limits: Mapping[bytes, Limit]) -> dict[bytes, int]:
        """Count a try under every key, giving how many failures each had. Raises `TooMany` where one has to wait."""
        now = self.clock()
        credentials.forget_attempts(tx, stamp(now - LONGEST_WAIT))
        kept = credentials.attempts(tx, limits)
        wait, before = timedelta(0), dict.fromkeys(limits, 0)
        for key, (failed, at) in kept.items():
            limit, last = limits[key], moment(at)
            wait = max(wait, limit.wait(failed, last, now))
            before[key] = limit.counted(failed, last, now)
        if wait > timedelta(0):
            seconds = max(1, round(wait.total_seconds()))
            hint = f"try again in {-(-seconds // 60)} minutes"
            raise TooMany("too many failed sign-ins", hint=hint, retry_after=seconds)
        for key, failed in before.items():
            credentials.set_attempts(tx, key, failed + 1, stamp(now))
        return before

    def _session(self, tx: Connection, member: Member, instead: str) -> Session:
        now, token = self.clock(), self._random(32).hex()
        session = Session(token, member.id, member.party, stamp(now + SESSION_LASTS))
        credentials.end_sessions(tx, before=stamp(now))
        if instead:
            credentials.end_sessions(tx, token=secret_hash(instead))
        credentials.add_session(tx, secret_hash(token), session.member, session.expires_at)
        return session

    def _standing(self, tx: Connection, member: Member) -> bool:
        party = store.party(tx, member.party)
        return member.active and party is not None and party.suspended_at is None

    @cached_property
    def _nobody(self) -> str:
        """Verified when a login is unknown, so that both cases take the same time."""
        return self._hash("nobody")

    def _hash(self, password: str) -> str:
        with self._turn():
            return self._hasher.hash(password)

    def _verify(self, hashed: str, password: str) -> bool:
        try:
            with self._turn():
                return self._hasher.verify(hashed, password)
        except (VerificationError, InvalidHashError):
            return False

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._hashing.acquire(timeout=HASHING_WAITS):
            raise Unavailable("too many sign in at this moment", hint="try again in a few seconds", retry_after=5)
        try:
            yield
        finally:
            self._hashing.release()


def _attempt_key(login: str, address: str) -> bytes:
    # hashed: a table of what people typed into a login field may hold their passwords
    return hashlib.sha256(f"{login}\n{address}".encode()).digest()
