"""Tables of what shows who somebody is: secrets, sessions, failed sign-ins, tokens that count no more."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Column, Connection, ForeignKey, Integer, LargeBinary, Table, Text, bindparam, select

from exchange.database import metadata
from exchange.parties.model import Kind, Secret
from exchange.parties.store import CLIENTS, MEMBERS, PARTIES

SECRETS = Table(
    "client_secrets",
    metadata,
    Column("id", Text, primary_key=True),
    Column("client", Text, ForeignKey("clients.id"), nullable=False, index=True),
    Column("hash", LargeBinary, nullable=False),
    Column("created_at", Text, nullable=False),
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
"""``since``: when the newest of the failures was."""
SPENT = Table(
    "spent_tokens",
    metadata,
    Column("key", LargeBinary, primary_key=True),
    Column("until", Text, nullable=False, index=True),
)
"""Access tokens revoked, assertions and sign-in states used: remembered until they expire by themselves."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What is needed to say who calls, in one row: a member or client together with the kind of its party."""

    id: str
    party: str
    kind: Kind
    roles: frozenset[str]
    name: str


# asked at every call of the service: built once, so that no call pays for building them
_CLIENT = (
    select(CLIENTS.c.id, CLIENTS.c.party, CLIENTS.c.roles, CLIENTS.c.label, PARTIES.c.kind)
    .join(PARTIES, PARTIES.c.id == CLIENTS.c.party)
    .where(CLIENTS.c.id == bindparam("client"), CLIENTS.c.revoked_at.is_(None), PARTIES.c.suspended_at.is_(None))
    .where(~select(SPENT.c.key).where(SPENT.c.key == bindparam("spent")).exists())
)
_SESSION = (
    select(MEMBERS.c.id, MEMBERS.c.party, MEMBERS.c.roles, MEMBERS.c.name, PARTIES.c.kind)
    .select_from(SESSIONS)
    .join(MEMBERS, MEMBERS.c.id == SESSIONS.c.member)
    .join(PARTIES, PARTIES.c.id == MEMBERS.c.party)
    .where(SESSIONS.c.token == bindparam("session"), SESSIONS.c.expires_at > bindparam("now"), MEMBERS.c.active)
    .where(PARTIES.c.suspended_at.is_(None))
)


def client_identity(tx: Connection, client_id: str, spent: bytes = b"") -> Identity | None:
    """Who a client is now; None when unknown, revoked, of a suspended party, or when its token ``spent`` is."""
    row = tx.execute(_CLIENT, {"client": client_id, "spent": spent}).one_or_none()
    return None if row is None else Identity(row.id, row.party, Kind(row.kind), frozenset(row.roles), row.label)


def session_identity(tx: Connection, token: bytes, now: str) -> Identity | None:
    """Who a session belongs to; None when unknown, expired, of an inactive member or of a suspended party."""
    row = tx.execute(_SESSION, {"session": token, "now": now}).one_or_none()
    return None if row is None else Identity(row.id, row.party, Kind(row.kind), frozenset(row.roles), row.name)


# ---- secrets of clients


def add_secret(tx: Connection, secret: Secret) -> None:
    """Write a secret as its hash."""
    value = {"id": secret.id, "client": secret.client, "hash": secret.hash, "created_at": secret.created_at}
    tx.execute(SECRETS.insert(), value)


def secrets(tx: Connection, client_id: str) -> list[Secret]:
    """The secrets of a client, oldest first."""
    query = select(SECRETS).where(SECRETS.c.client == client_id).order_by(SECRETS.c.created_at, SECRETS.c.id)
    return [Secret(row.id, row.client, row.hash, row.created_at) for row in tx.execute(query)]


def drop_secrets(tx: Connection, client_id: str, secret_id: str | None = None) -> None:
    """Drop one secret of a client, or all."""
    query = SECRETS.delete().where(SECRETS.c.client == client_id)
    tx.execute(query if secret_id is None else query.where(SECRETS.c.id == secret_id))


# ---- sessions


def add_session(tx: Connection, token: bytes, member_id: str, expires_at: str) -> None:
    """Write a session under the hash of its token."""
    tx.execute(SESSIONS.insert(), {"token": token, "member": member_id, "expires_at": expires_at})


def end_sessions(
    tx: Connection, *, token: bytes | None = None, member: str | None = None, before: str | None = None
) -> None:
    """End one session, all of a member (but ``token`` when both are given), or all expired before an instant."""
    query = SESSIONS.delete()
    if member is not None:
        query = query.where(SESSIONS.c.member == member)
        query = query if token is None else query.where(SESSIONS.c.token != token)
    elif token is not None:
        query = query.where(SESSIONS.c.token == token)
    else:
        query = query.where(SESSIONS.c.expires_at <= before)
    tx.execute(query)


# ---- failed sign-ins


def attempts(tx: Connection, keys: Iterable[bytes]) -> dict[bytes, tuple[int, str]]:
    """Failed sign-ins by key: how many, and when the newest was."""
    query = select(ATTEMPTS).where(ATTEMPTS.c.key.in_(list(keys)))
    return {row.key: (row.failed, row.since) for row in tx.execute(query)}


def set_attempts(tx: Connection, key: bytes, failed: int, at: str) -> None:
    """Write how many failed sign-ins count for a key; none forgets it."""
    tx.execute(ATTEMPTS.delete().where(ATTEMPTS.c.key == key))
    if failed > 0:
        tx.execute(ATTEMPTS.insert(), {"key": key, "failed": failed, "since": at})


def forget_attempts(tx: Connection, before: str) -> None:
    """Forget what nobody waits for any more."""
    tx.execute(ATTEMPTS.delete().where(ATTEMPTS.c.since <= before))


# ---- what counts no more


def spend(tx: Connection, key: bytes, until: str, now: str) -> bool:
    """Remember that something is used up until an instant; False when it was already. Expired ones are cleared."""
    tx.execute(SPENT.delete().where(SPENT.c.until <= now))
    if tx.execute(select(SPENT.c.key).where(SPENT.c.key == key)).one_or_none() is not None:
        return False
    tx.execute(SPENT.insert(), {"key": key, "until": until})
    return True
