"""Parties, their members and clients: registering, changing, revoking; each change is a ledger entry."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar

from argon2 import PasswordHasher
from sqlalchemy import Connection

from exchange.clock import Clock, new_id, stamp
from exchange.database import Database
from exchange.errors import Conflict, Forbidden, NotFound, Unprocessable
from exchange.keys import Ring
from exchange.ledger.service import Ledger
from exchange.parties import credential_store as credentials
from exchange.parties import store
from exchange.parties.access import SYSTEM, Caller, permit
from exchange.parties.clients import Clients, found
from exchange.parties.model import (
    Client,
    Kind,
    Member,
    Party,
    check_login,
    check_party,
    check_password,
    check_roles,
    secret_hash,
)
from exchange.parties.tokens import Tokens

T = TypeVar("T")
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
OVERLAP = timedelta(hours=25)
"""How long a signing key that was replaced still verifies: a little more than the longest token of ours lasts."""
UNSET: Any = object()


class Parties(Clients):
    """Use cases around parties. Passwords are hashed by argon2id; secrets are random, shown once."""

    def __init__(
        self,
        database: Database,
        ledger: Ledger,
        tokens: Tokens,
        clock: Clock,
        hasher: PasswordHasher | None = None,
        random: Callable[[int], bytes] = secrets.token_bytes,
        ring: Ring | None = None,
    ) -> None:
        super().__init__(database, ledger, tokens, clock, hasher, random)
        self._ring = ring

    # ---- parties

    def bootstrap(self, secret: str = "") -> tuple[Client, str] | None:
        """First start: party ``operator`` and its client, with ``secret`` or a fresh one to print once.

        Later starts give None, unless ``secret`` is set and differs: it then replaces the old one, which is how
        an operator who lost it comes back in.
        """
        with self.database.transaction() as tx:
            known = store.client(tx, "operator")
            if known is not None:
                kept = credentials.secrets(tx, known.id)
                if not secret or any(hmac.compare_digest(one.hash, secret_hash(secret)) for one in kept):
                    return None
                credentials.drop_secrets(tx, known.id)
                self._add_secret(tx, known.id, secret)
                self.ledger.append(tx, "client.rotated", {"party": "operator", "client": "operator"})
                return known, secret
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
            return found(store.party(tx, party_id), f"party {party_id}")

    def parties(
        self, kind: Kind | str | None = None, *, after: str | None = None, limit: int | None = None
    ) -> list[Party]:
        """Parties in order of id."""
        with self.database.reading() as tx:
            return store.parties(tx, None if kind is None else _kind(kind), after, limit)

    def suspend_party(self, caller: Caller | None, party_id: str) -> Party:
        """Nobody acts for a party any more, from the next request on. Raises `NotFound`, `Conflict`."""
        by = permit(caller, "party.suspend", owner=party_id)
        if party_id == by.party:
            raise Conflict("you would lock yourself out", hint="another operator can do it")
        return self._suspended(by, party_id, stamp(self.clock()))

    def resume_party(self, caller: Caller | None, party_id: str) -> Party:
        """A suspended party acts again, with the credentials it had. Raises `NotFound`."""
        return self._suspended(permit(caller, "party.suspend", owner=party_id), party_id, None)

    def check_standing(self, party_id: str) -> None:
        """Raises `Forbidden` when a party is suspended: for what acts in its name without being its client."""
        if self.party(party_id).suspended_at is not None:
            hint = "the operator can let it act again"
            raise Forbidden(f"{party_id} is suspended", rule="party.active", hint=hint)

    def renew_keys(self, caller: Caller | None, at_once: bool = False) -> str:
        """A new key signs tokens from now on. ``at_once`` ends every token signed so far; else the key before
        verifies them for `OVERLAP`. Gives the new key's name. Raises `Conflict` where keys cannot be renewed.
        """
        by = permit(caller, "key.renew", owner="")
        if self._ring is None:
            raise Conflict("the keys of this service are fixed")
        with self.database.transaction() as tx:
            self._ring.renew(at_once, OVERLAP.total_seconds())
            name = self.tokens.newest()
            self.ledger.append(tx, "key.renewed", {"use": "tokens", "key": name, "at_once": at_once, "by": by.id})
        return name

    # ---- members

    def add_member(
        self,
        caller: Caller | None,
        party: str,
        login: str,
        name: str,
        roles: Collection[str],
        password: str | None = None,
        subject: str | None = None,
    ) -> tuple[Member, str]:
        """A person of a party, and their password: given or fresh, shown once and stored as a hash.

        ``subject`` is who they are at the outside issuer people may sign in with.
        """
        by = permit(caller, "party.member", owner=party)
        login = check_login(login)
        password = password or self._fresh_password()
        check_password(password, login)
        now, hashed = self.clock(), self._hash(password)
        with self.database.transaction() as tx:
            kind = found(store.party(tx, party), f"party {party}").kind
            if store.member(tx, login=login) is not None:
                raise Conflict(f"the login {login} is taken", hint="choose another")
            _free_subject(tx, subject, None)
            allowed = check_roles(kind, roles)
            member = Member(new_id("mem", now), party, login, name, allowed, True, stamp(now), subject)
            store.add_member(tx, member, hashed)
            body = {"party": party, "member": member.id, "roles": sorted(member.roles), "by": by.id}
            self.ledger.append(tx, "member.added", body)
        return member, password

    def members(self, caller: Caller | None, party: str) -> list[Member]:
        """Members of a party, for those who administer it."""
        permit(caller, "party.member", owner=party)
        with self.database.reading() as tx:
            return store.members(tx, party)

    def change_member(
        self,
        caller: Caller | None,
        party: str,
        member_id: str,
        *,
        name: str | None = None,
        roles: Collection[str] | None = None,
        active: bool | None = None,
        subject: str | None = UNSET,
    ) -> Member:
        """What is given changes, and counts from the next request on; who is made inactive loses every session.

        Raises `NotFound`, `Conflict` when a party would take its own last admin from itself.
        """
        by = permit(caller, "party.member", owner=party)
        with self.database.transaction() as tx:
            before = self._member(tx, party, member_id)
            kind = found(store.party(tx, party), f"party {party}").kind
            after = replace(
                before,
                name=before.name if name is None else name,
                roles=before.roles if roles is None else check_roles(kind, roles),
                active=before.active if active is None else active,
                subject=before.subject if subject is UNSET else subject,
            )
            self._not_the_last(tx, by, before, after)
            if after == before:
                return before
            _free_subject(tx, after.subject, member_id)
            changed = {
                "name": after.name,
                "roles": sorted(after.roles),
                "active": after.active,
                "subject": after.subject,
            }
            store.change_member(tx, member_id, **changed)
            body: dict[str, Any] = {"party": party, "member": member_id, "by": by.id}
            if before.active and not after.active:
                credentials.end_sessions(tx, member=member_id)
                self.ledger.append(tx, "member.ended", body)
            else:
                # which parts changed, and only what is nobody's data in full
                what = [part for part in changed if getattr(before, part) != getattr(after, part)]
                self.ledger.append(tx, "member.changed", body | {"what": what, "roles": sorted(after.roles)})
        return after

    def end_member(self, caller: Caller | None, party: str, member_id: str) -> Member:
        """A person leaves: no sign-in any more, and every session ends at once. Raises `NotFound`."""
        return self.change_member(caller, party, member_id, active=False)

    def reset_password(self, caller: Caller | None, party: str, member_id: str) -> tuple[Member, str]:
        """A fresh password for a member who lost theirs, shown once; every session of theirs ends."""
        by = permit(caller, "party.member", owner=party)
        password = self._fresh_password()
        hashed = self._hash(password)
        with self.database.transaction() as tx:
            member = self._member(tx, party, member_id)
            store.change_member(tx, member_id, password=hashed)
            credentials.end_sessions(tx, member=member_id)
            self.ledger.append(tx, "member.password", {"party": party, "member": member_id, "by": by.id})
        return member, password

    # ---- inside

    def _register(self, tx: Connection, by: Caller, party: Party) -> None:
        if store.party(tx, party.id) is not None:
            raise Conflict(f"there is a party {party.id} already", hint="choose another id")
        if party.uscc is not None and store.party_with_uscc(tx, party.uscc) is not None:
            raise Conflict("another party has this social credit code")
        store.add_party(tx, party)
        self.ledger.append(tx, "party.registered", {"party": party.id, "party_kind": party.kind.value, "by": by.id})

    def _suspended(self, by: Caller, party_id: str, at: str | None) -> Party:
        with self.database.transaction() as tx:
            party = found(store.party(tx, party_id), f"party {party_id}")
            if (party.suspended_at is None) != (at is None):
                store.change_party(tx, party_id, at)
                kind = "party.resumed" if at is None else "party.suspended"
                self.ledger.append(tx, kind, {"party": party_id, "by": by.id})
                party = replace(party, suspended_at=at)
        return party

    def _member(self, tx: Connection, party: str, member_id: str) -> Member:
        found = store.member(tx, member_id=member_id)
        if found is None or found[0].party != party:
            raise NotFound(f"there is no member {member_id} of {party}")
        return found[0]

    def _not_the_last(self, tx: Connection, by: Caller, before: Member, after: Member) -> None:
        was, remains = ("admin" in one.roles and one.active for one in (before, after))
        if by.party != before.party or not was or remains:
            return
        if not any(one.active and "admin" in one.roles and one.id != before.id for one in store.members(tx, by.party)):
            raise Conflict("your party would have no admin left", hint="make somebody else admin first")

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


def _free_subject(tx: Connection, subject: str | None, member_id: str | None) -> None:
    if subject is None:
        return
    if not 1 <= len(subject) <= 255:
        raise Unprocessable("the outside name has 1 to 255 characters", pointer="/subject")
    known = store.member_with_subject(tx, subject)
    if known is not None and known.id != member_id:
        raise Conflict("another member is known by that outside name")
