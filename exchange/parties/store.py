"""Tables of parties, members and clients, and the only functions that touch them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, Column, Connection, ForeignKey, Row, Table, Text, select
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
    Column("suspended_at", Text),
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
    Column("subject", Text, unique=True, index=True),
)
CLIENTS = Table(
    "clients",
    metadata,
    Column("id", Text, primary_key=True),
    Column("party", Text, ForeignKey("parties.id"), nullable=False, index=True),
    Column("label", Text, nullable=False),
    Column("roles", JSON, nullable=False),
    Column("created_at", Text, nullable=False),
    Column("revoked_at", Text),
    Column("keys", JSON(none_as_null=True)),
)


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
            "subject": member.subject,
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


def member_with_subject(tx: Connection, subject: str) -> Member | None:
    """The member somebody at the outside issuer is."""
    row = tx.execute(select(MEMBERS).where(MEMBERS.c.subject == subject)).one_or_none()
    return None if row is None else _member(row)


def change_member(tx: Connection, member_id: str, **values: Any) -> None:
    """Set ``name``, ``roles`` (sorted list), ``active``, ``password`` or ``subject``."""
    tx.execute(MEMBERS.update().where(MEMBERS.c.id == member_id).values(**values))


def change_party(tx: Connection, party_id: str, suspended_at: str | None) -> None:
    """Suspend a party, or let it act again."""
    tx.execute(PARTIES.update().where(PARTIES.c.id == party_id).values(suspended_at=suspended_at))


def add_client(tx: Connection, client: Client) -> None:
    """Write a client; its secrets are written by `exchange.parties.credentials`."""
    tx.execute(
        CLIENTS.insert(),
        {
            "id": client.id,
            "party": client.party,
            "label": client.label,
            "roles": sorted(client.roles),
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
    """Set ``revoked_at`` or ``keys``."""
    tx.execute(CLIENTS.update().where(CLIENTS.c.id == client_id).values(**values))


def _party(row: Row[*tuple[Any, ...]]) -> Party:
    return Party(row.id, Kind(row.kind), row.name, row.uscc, row.created_at, row.suspended_at)


def _member(row: Row[*tuple[Any, ...]]) -> Member:
    return Member(row.id, row.party, row.login, row.name, frozenset(row.roles), row.active, row.created_at, row.subject)


def _client(row: Row[*tuple[Any, ...]]) -> Client:
    keys = tuple(row.keys or ())
    return Client(row.id, row.party, row.label, frozenset(row.roles), row.created_at, row.revoked_at, keys)
