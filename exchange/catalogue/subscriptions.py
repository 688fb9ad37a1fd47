"""Who is told when an interface changes, and what they were told. Tables and the functions that touch them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Connection, ForeignKey, Row, Table, Text, select
from sqlalchemy.types import JSON

from exchange.database import metadata

SUBSCRIPTIONS = Table(
    "interface_subscriptions",
    metadata,
    Column("interface", Text, ForeignKey("interfaces.id"), primary_key=True),
    Column("party", Text, ForeignKey("parties.id"), primary_key=True, index=True),
    Column("since", Text, nullable=False),
    Column("consented", Text),
)
NOTICES = Table(
    "interface_notices",
    metadata,
    Column("id", Text, primary_key=True),
    Column("party", Text, ForeignKey("parties.id"), nullable=False, index=True),
    Column("interface", Text, ForeignKey("interfaces.id"), nullable=False),
    Column("version", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("effective_at", Text),
    Column("body", JSON, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Subscription:
    """A party that wants to know. ``consented``: the version it agreed to take at once, however it breaks."""

    interface: str
    party: str
    since: str
    consented: str | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """What a party was told. ``kind``: announced, published, deprecated, retired, withdrawn. ``body`` says how many
    changes of each level came, the breaking ones, and why."""

    id: str
    party: str
    interface: str
    version: str
    kind: str
    at: str
    effective_at: str | None
    body: Mapping[str, Any]


def subscribe(tx: Connection, value: Subscription) -> None:
    """Write a subscription, new or changed."""
    this = (SUBSCRIPTIONS.c.interface == value.interface) & (SUBSCRIPTIONS.c.party == value.party)
    values = {"since": value.since, "consented": value.consented}
    if tx.execute(SUBSCRIPTIONS.update().where(this).values(**values)).rowcount == 0:
        tx.execute(SUBSCRIPTIONS.insert(), {"interface": value.interface, "party": value.party, **values})


def unsubscribe(tx: Connection, interface: str, party: str) -> bool:
    """Take a subscription away; whether there was one."""
    this = (SUBSCRIPTIONS.c.interface == interface) & (SUBSCRIPTIONS.c.party == party)
    return tx.execute(SUBSCRIPTIONS.delete().where(this)).rowcount > 0


def subscriptions(tx: Connection, interface: str) -> list[Subscription]:
    """Everyone who asked to be told of an interface, by party."""
    query = select(SUBSCRIPTIONS).where(SUBSCRIPTIONS.c.interface == interface).order_by(SUBSCRIPTIONS.c.party)
    return [Subscription(row.interface, row.party, row.since, row.consented) for row in tx.execute(query)]


def tell(tx: Connection, notice: Notice) -> None:
    """Write a notice."""
    tx.execute(
        NOTICES.insert(),
        {
            "id": notice.id,
            "party": notice.party,
            "interface": notice.interface,
            "version": notice.version,
            "kind": notice.kind,
            "at": notice.at,
            "effective_at": notice.effective_at,
            "body": dict(notice.body),
        },
    )


def notices(tx: Connection, party: str, *, before: str | None = None, limit: int = 50) -> list[Notice]:
    """What a party was told, newest first."""
    query = select(NOTICES).where(NOTICES.c.party == party).order_by(NOTICES.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(NOTICES.c.id < before)
    return [_notice(row) for row in tx.execute(query)]


def _notice(row: Row[Any]) -> Notice:
    return Notice(row.id, row.party, row.interface, row.version, row.kind, row.at, row.effective_at, row.body)
