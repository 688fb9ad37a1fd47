"""Tables of proceedings and of violations."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict
from typing import Any

from sqlalchemy import JSON, Column, Connection, Index, Integer, Row, Table, Text, select

from exchange.agreements.proceedings import Act, Kind, Proceeding, Side
from exchange.agreements.store import AGREEMENTS, APPLICATIONS
from exchange.agreements.violations import Violation
from exchange.database import metadata

PROCEEDINGS = Table(
    "proceedings",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False, index=True),
    Column("consumer", Text, nullable=False, index=True),
    Column("provider", Text, nullable=False, index=True),
    Column("interface", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("opened_at", Text, nullable=False),
    Column("closed_at", Text),
    Column("due", Text),
    Column("facts", JSON, nullable=False),
    Column("acts", JSON, nullable=False),
    Index("ix_proceedings_kind_state", "kind", "state"),
)
VIOLATIONS = Table(
    "violations",
    metadata,
    Column("id", Text, primary_key=True),
    Column("code", Text, nullable=False),
    Column("party", Text, nullable=False, index=True),
    Column("interface", Text, nullable=False),
    Column("subject", Text, nullable=False, index=True),
    Column("clock", Text, unique=True),
    Column("at", Text, nullable=False),
    Column("entry", Integer, nullable=False),
    Column("evidence", Text, nullable=False),
    Column("cleared_at", Text),
    Column("cleared_by", Text),
    Column("reason", Text, nullable=False),
)


def save(tx: Connection, value: Proceeding) -> None:
    """Insert or replace a proceeding."""
    acts = [asdict(act) | {"side": act.side.value} for act in value.acts]
    row = {
        "id": value.id,
        "kind": value.kind.value,
        "subject": value.subject,
        "consumer": value.consumer,
        "provider": value.provider,
        "interface": value.interface,
        "state": value.state,
        "opened_at": value.opened_at,
        "closed_at": value.closed_at,
        "due": value.facts.get("due"),
        "facts": dict(value.facts),
        "acts": acts,
    }
    if tx.execute(PROCEEDINGS.update().where(PROCEEDINGS.c.id == value.id).values(**row)).rowcount == 0:
        tx.execute(PROCEEDINGS.insert().values(**row))


def one(tx: Connection, id: str, *, lock: bool = False) -> Proceeding | None:
    """One proceeding, or None. ``lock``: nobody else changes it before this transaction ends."""
    query = select(PROCEEDINGS).where(PROCEEDINGS.c.id == id)
    row = tx.execute(query.with_for_update() if lock else query).first()
    return None if row is None else _proceeding(row)


def listed(
    tx: Connection,
    *,
    party: str | None = None,
    subjects: Collection[str] | None = None,
    interface: str | None = None,
    kind: Kind | None = None,
    state: str | None = None,
    open_only: bool = False,
    due_by: str | None = None,
    after: str | None = None,
    limit: int | None = None,
) -> list[Proceeding]:
    """Proceedings by id; ``party`` narrows to either side, ``due_by`` to those whose day has come (YYYY-MM-DD)."""
    query = select(PROCEEDINGS).order_by(PROCEEDINGS.c.id).limit(limit)
    if party is not None:
        query = query.where((PROCEEDINGS.c.consumer == party) | (PROCEEDINGS.c.provider == party))
    if subjects is not None:
        query = query.where(PROCEEDINGS.c.subject.in_(subjects))
    for name, wanted in (("interface", interface), ("kind", kind and kind.value), ("state", state)):
        if wanted is not None:
            query = query.where(PROCEEDINGS.c[name] == wanted)
    if open_only:
        query = query.where(PROCEEDINGS.c.closed_at.is_(None))
    if due_by is not None:
        query = query.where(PROCEEDINGS.c.due <= due_by)
    if after is not None:
        query = query.where(PROCEEDINGS.c.id > after)
    return [_proceeding(row) for row in tx.execute(query)]


def save_violation(tx: Connection, value: Violation) -> None:
    """Insert or replace a violation; the table takes one per clock, whatever happens."""
    row = asdict(value)
    if tx.execute(VIOLATIONS.update().where(VIOLATIONS.c.id == value.id).values(**row)).rowcount == 0:
        tx.execute(VIOLATIONS.insert().values(**row))


def violation(tx: Connection, id: str) -> Violation | None:
    """One violation, or None."""
    row = tx.execute(select(VIOLATIONS).where(VIOLATIONS.c.id == id)).first()
    return None if row is None else Violation(**row._mapping)


def violations(
    tx: Connection,
    *,
    party: str | None = None,
    subjects: Collection[str] | None = None,
    since: str | None = None,
    until: str | None = None,
    uncleared: bool = False,
    after: str | None = None,
    limit: int | None = None,
) -> list[Violation]:
    """Violations by id; ``since`` (included) and ``until`` (not included) are moments."""
    query = select(VIOLATIONS).order_by(VIOLATIONS.c.id).limit(limit)
    if party is not None:
        query = query.where(VIOLATIONS.c.party == party)
    if subjects is not None:
        query = query.where(VIOLATIONS.c.subject.in_(subjects))
    if uncleared:
        query = query.where(VIOLATIONS.c.cleared_at.is_(None))
    if since is not None:
        query = query.where(VIOLATIONS.c.at >= since)
    if until is not None:
        query = query.where(VIOLATIONS.c.at < until)
    if after is not None:
        query = query.where(VIOLATIONS.c.id > after)
    return [Violation(**row._mapping) for row in tx.execute(query)]


def interface_of(tx: Connection, subject: str) -> str:
    """The interface an application, agreement or proceeding is about; "" for anything else."""
    if subject.startswith("apl_"):
        wish = tx.execute(select(APPLICATIONS.c.wish).where(APPLICATIONS.c.id == subject)).scalar()
        return str(wish["interface"]) if wish else ""
    table = AGREEMENTS if subject.startswith("agr_") else PROCEEDINGS
    return str(tx.execute(select(table.c.interface).where(table.c.id == subject)).scalar() or "")


def _proceeding(row: Row[Any]) -> Proceeding:
    acts = tuple(Act(**act | {"side": Side(act["side"])}) for act in row.acts)
    return Proceeding(
        id=row.id,
        kind=Kind(row.kind),
        subject=row.subject,
        consumer=row.consumer,
        provider=row.provider,
        interface=row.interface,
        state=row.state,
        opened_at=row.opened_at,
        facts=row.facts,
        acts=acts,
        closed_at=row.closed_at,
    )
