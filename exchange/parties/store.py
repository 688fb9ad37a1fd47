"""Tables of parties, members, clients and sessions, and the only functions that touch them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Boolean, Column, Connection, ForeignKey, Integer, LargeBinary, Row, Table, Text, select
from sqlalchemy.types import JSON

from exchange.database import metadata
from exchange.parties.model import Client, Kind, Member, Party

PARTIES = Table(
    "parties",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("name", JSON, nullable=False),
    Column("uscc", Text, unique=True),
    Column("created_at", Text, nullable=False),
)
MEMBERS = Table(
    "members",
    metadata,
    Column("id", Text, primary_key=True),
    Column("party", Text, ForeignKey("parties.id"), nullable=False, index=True),
    Column("login", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("roles", JSON, nullable=False),
    Column("password", Text, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("created_at", Text, nullable=False),
)
CLIENTS = Table(
    "clients",
    metadata,
    Column("id", Text, primary_key=True),
    Column("party", Text, ForeignKey("parties.id"), nullable=False, index=True),
    Column("label", Text, nullable=False),
    Column("roles", JSON, nullable=False),
    Column("secret", LargeBinary, nullable=False),
    Column("created_at", Text, nullable=False),
    Column("revoked_at", Text),
)
SESSIONS = Table(
    "sessions",
    metadata,
    Column("token", LargeBinary, primary_key=True),
    Column("member", Text, ForeignKey("members.id"), nullable=False, index=True),
    Column("expires_at", Text, nullable=False),
)
ATTEMPTS = Table(
    "sign_in_attempts",
    metadata,
    Column("key", LargeBinary, primary_key=True),
    Column("failed", Integer, nullable=False),
    Column("since", Text, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Identity:
    """What is needed to say who calls, in one row: a member or client together with the kind of its party."""

    id: str
    party: str
    kind: Kind
    roles: frozenset[str]
    name: str
    secret: bytes = b""


def add_party(tx: Connection, party: Party) -> None:
    """Write a party."""
    tx.execute(
        PARTIES.insert(),
        {
            "id": party.id,
            "kind": party.kind,
            "name": dict(party.name),
            "uscc": party.uscc,
            "created_at": party.created_at,
        },
    )


def party(tx: Connection, party_id: str) -> Party | None:
    """A party by id."""
    row = tx.execute(select(PARTIES).where(PARTIES.c.id == party_id)).one_or_none()
    return None if row is None else _party(row)


def party_with_uscc(tx: Connection, uscc: str) -> Party | None:
    """A party by social credit code."""
    row = tx.execute(select(PARTIES).where(PARTIES.c.uscc == uscc)).one_or_none()
    return None if row is None else _party(row)


def parties(tx: Connection, kind: Kind | None, after: str | None, limit: int | None) -> list[Party]:
    """Parties in order of id."""
    query = select(PARTIES).order_by(PARTIES.c.id).limit(limit)
    if kind is not None:
        query = query.where(PARTIES.c.kind == kind)
    if after is not None:
        query = query.where(PARTIES.c.id > after)
    return [_party(row) for row in tx.execute(query)]


def add_member(tx: Connection, member: Member, password: str) -> None:
    """Write a member with the hash of their password."""
    tx.execute(
        MEMBERS.insert(),
        {
            "id": member.id,
            "party": member.party,
            "login": member.login,
            "name": member.name,
            "roles": sorted(member.roles),
            "password": password,
            "active": member.active,
            "created_at": member.created_at,
        },
    )


def member(tx: Connection, *, member_id: str | None = None, login: str | None = None) -> tuple[Member, str] | None:
    """A member and their password hash, by id or by login."""
    query = select(MEMBERS).where(MEMBERS.c.id == member_id if login is None else MEMBERS.c.login == login)
    row = tx.execute(query).one_or_none()
    return None if row is None else (_member(row), row.password)


def members(tx: Connection, party_id: str) -> list[Member]:
    """Members of a party in order of login."""
    query = select(MEMBERS).where(MEMBERS.c.party == party_id).order_by(MEMBERS.c.login)
    return [_member(row) for row in tx.execute(query)]


def change_member(tx: Connection, member_id: str, **values: Any) -> None:
    """Set ``active`` or ``password``; every session of the member ends."""
    tx.execute(MEMBERS.update().where(MEMBERS.c.id == member_id).values(**values))
    tx.execute(SESSIONS.delete().where(SESSIONS.c.member == member_id))


def add_client(tx: Connection, client: Client, secret: bytes) -> None:
    """Write a client with the hash of its secret."""
    tx.execute(
        CLIENTS.insert(),
        {
            "id": client.id,
            "party": client.party,
            "label": client.label,
            "roles": sorted(client.roles),
            "secret": secret,
            "created_at": client.created_at,
        },
    )


def client(tx: Connection, client_id: str) -> Client | None:
    """A client by id, revoked or not."""
    row = tx.execute(select(CLIENTS).where(CLIENTS.c.id == client_id)).one_or_none()
    return None if row is None else _client(row)


def clients(tx: Connection, party_id: str) -> list[Client]:
    """Clients of a party, oldest first."""
    query = select(CLIENTS).where(CLIENTS.c.party == party_id).order_by(CLIENTS.c.id)
    return [_client(row) for row in tx.execute(query)]


def change_client(tx: Connection, client_id: str, **values: Any) -> None:
    """Set ``revoked_at`` or ``secret``."""
    tx.execute(CLIENTS.update().where(CLIENTS.c.id == client_id).values(**values))


def client_identity(tx: Connection, client_id: str) -> Identity | None:
    """Who a client is now; None when unknown or revoked."""
    query = (
        select(CLIENTS.c.id, CLIENTS.c.party, CLIENTS.c.roles, CLIENTS.c.label, CLIENTS.c.secret, PARTIES.c.kind)
        .join(PARTIES, PARTIES.c.id == CLIENTS.c.party)
        .where(CLIENTS.c.id == client_id, CLIENTS.c.revoked_at.is_(None))
    )
    row = tx.execute(query).one_or_none()
    if row is None:
        return None
    return Identity(row.id, row.party, Kind(row.kind), frozenset(row.roles), row.label, row.secret)


def add_session(tx: Connection, token: bytes, member_id: str, expires_at: str) -> None:
    """Write a session under the hash of its token."""
    tx.execute(SESSIONS.insert(), {"token": token, "member": member_id, "expires_at": expires_at})


def session_identity(tx: Connection, token: bytes, now: str) -> Identity | None:
    """Who a session belongs to; None when unknown, expired or of an inactive member."""
    query = (
        select(MEMBERS.c.id, MEMBERS.c.party, MEMBERS.c.roles, MEMBERS.c.name, PARTIES.c.kind)
        .join(MEMBERS, MEMBERS.c.id == SESSIONS.c.member)
        .join(PARTIES, PARTIES.c.id == MEMBERS.c.party)
        .where(SESSIONS.c.token == token, SESSIONS.c.expires_at > now, MEMBERS.c.active)
    )
    row = tx.execute(query).one_or_none()
    return None if row is None else Identity(row.id, row.party, Kind(row.kind), frozenset(row.roles), row.name)


def end_sessions(tx: Connection, *, token: bytes | None = None, before: str | None = None) -> None:
    """End one session, or all that expired before an instant."""
    query = SESSIONS.delete()
    tx.execute(query.where(SESSIONS.c.token == token if token is not None else SESSIONS.c.expires_at <= before))


def attempts(tx: Connection, keys: Iterable[bytes], since: str) -> dict[bytes, int]:
    """Failed sign-ins by key in windows that began after ``since``."""
    query = select(ATTEMPTS.c.key, ATTEMPTS.c.failed).where(ATTEMPTS.c.key.in_(list(keys)), ATTEMPTS.c.since > since)
    return {row.key: row.failed for row in tx.execute(query)}


def count_attempt(tx: Connection, key: bytes, now: str, since: str) -> None:
    """Count one failed sign-in; a window older than ``since`` starts anew, and all such are cleared."""
    tx.execute(ATTEMPTS.delete().where(ATTEMPTS.c.since <= since))
    counted = tx.execute(ATTEMPTS.update().where(ATTEMPTS.c.key == key).values(failed=ATTEMPTS.c.failed + 1))
    if counted.rowcount == 0:
        tx.execute(ATTEMPTS.insert(), {"key": key, "failed": 1, "since": now})


def forget_attempts(tx: Connection, key: bytes) -> None:
    """A sign-in succeeded."""
    tx.execute(ATTEMPTS.delete().where(ATTEMPTS.c.key == key))


def _party(row: Row[*tuple[Any, ...]]) -> Party:
    return Party(row.id, Kind(row.kind), row.name, row.uscc, row.created_at)


def _member(row: Row[*tuple[Any, ...]]) -> Member:
    return Member(row.id, row.party, row.login, row.name, frozenset(row.roles), row.active, row.created_at)


def _client(row: Row[*tuple[Any, ...]]) -> Client:
    return Client(row.id, row.party, row.label, frozenset(row.roles), row.created_at, row.revoked_at)
