"""Tables of deliveries, quality findings and providers' credentials."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from functools import cache
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    Row,
    Table,
    Text,
    bindparam,
    func,
    select,
)
from sqlalchemy.dialects.postgresql import psycopg

from exchange.brokering.model import Delivery, End, QualityFinding, State
from exchange.database import metadata
from exchange.rows import insert, write

DELIVERIES = Table(
    "deliveries",
    metadata,
    Column("id", Text, primary_key=True),
    Column("at", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("consumer", Text, nullable=False),
    Column("interface", Text, nullable=False),
    Column("entry", Integer, nullable=False),
    Column("caller", Text, nullable=False),
    Column("provider", Text),
    Column("version", Text),
    Column("operation", Text),
    Column("method", Text, nullable=False),
    Column("path", Text),
    Column("agreement", Text, index=True),
    Column("purpose", Text),
    Column("claimed", Text, nullable=False),
    Column("legal_basis", Text),
    Column("launch", Text, index=True),
    Column("handled_matter", Text),
    Column("status", Integer),
    Column("fields", JSON, nullable=False),
    Column("records", Integer, nullable=False),
    Column("bytes_in", Integer, nullable=False),
    Column("bytes_out", Integer, nullable=False),
    Column("done_at", Text),
    Index("ix_deliveries_consumer_id", "consumer", "id"),
    Index("ix_deliveries_provider_id", "provider", "id"),
    # few rows are ever waiting: the index of open calls stays small
    Index(
        "ix_deliveries_open",
        "at",
        sqlite_where=Column("state") == "permitted",
        postgresql_where=Column("state") == "permitted",
    ),
)
# statements of every call, built once: building them costs more than running them
_OUTCOME = ("state", "rule", "entry", "status", "fields", "records", "bytes_out", "done_at")
_ENDED = ("key", *(f"new_{name}" for name in _OUTCOME))
_SAVE = (
    DELIVERIES.update()
    .where(DELIVERIES.c.id == bindparam("key"))
    .values({name: bindparam(f"new_{name}") for name in _OUTCOME})
)
_SAVE_ON_SQLITE = (
    f"UPDATE {DELIVERIES.name} SET "
    + ", ".join(f"{name} = column{at}" for at, name in enumerate(_OUTCOME, 2))
    + " FROM ("
)
FINDINGS = Table(
    "quality_findings",
    metadata,
    Column("id", Text, primary_key=True),
    Column("at", Text, nullable=False),
    Column("delivery", Text, nullable=False),
    Column("provider", Text, nullable=False, index=True),
    Column("interface", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("operation", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("pointer", Text, nullable=False),
    Column("status", Integer),
)
CREDENTIALS = Table(
    "provider_credentials",
    metadata,
    Column("interface", Text, primary_key=True),
    Column("department", Text, nullable=False),
    Column("header", Text, nullable=False),
    Column("nonce", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)


def add_all(tx: Connection, added: Sequence[tuple[Delivery, End | None, int]]) -> None:
    """Insert deliveries, each with the index of its entry, and with its end when it is refused."""
    insert(tx, DELIVERIES, [_values(delivery, end, entry) for delivery, end, entry in added])


def save_all(tx: Connection, ended: Sequence[tuple[str, End, int]]) -> None:
    """Write the ends of deliveries by id, each with the index of its entry."""
    rows = [_ended(id, end, entry) for id, end, entry in ended]
    if tx.dialect.name == "sqlite":
        write(tx, _SAVE_ON_SQLITE, rows, f") WHERE {DELIVERIES.name}.id = column1")
    elif rows:
        tx.exec_driver_sql(_save_on_postgresql(), [dict(zip(_ENDED, row, strict=True)) for row in rows])


def delivery(tx: Connection, id: str) -> Delivery | None:
    """One delivery, or None."""
    row = tx.execute(select(DELIVERIES).where(DELIVERIES.c.id == id)).first()
    return None if row is None else _delivery(row)


def deliveries(
    tx: Connection,
    *,
    party: str | None,
    limit: int,
    before: str | None = None,
    since: str | None = None,
    **equal: str | None,
) -> list[Delivery]:
    """Deliveries newest first; ``party`` narrows to either side, ``before`` and ``since`` by id, ``equal`` columns to
    their values, None to anything.
    """
    query = select(DELIVERIES).order_by(DELIVERIES.c.id.desc()).limit(limit)
    if party is not None:
        query = query.where((DELIVERIES.c.consumer == party) | (DELIVERIES.c.provider == party))
    if before is not None:
        query = query.where(DELIVERIES.c.id < before)
    if since is not None:
        query = query.where(DELIVERIES.c.id >= since)
    for name, value in equal.items():
        if value is not None:
            query = query.where(DELIVERIES.c[name] == value)
    return [_delivery(row) for row in tx.execute(query)]


def last_delivered(tx: Connection) -> dict[str, str]:
    """Interface → when data last left through it."""
    query = select(DELIVERIES.c.interface, func.max(DELIVERIES.c.at)).where(DELIVERIES.c.state == State.DELIVERED)
    return {row[0]: row[1] for row in tx.execute(query.group_by(DELIVERIES.c.interface))}


def open_before(tx: Connection, at: str) -> list[Delivery]:
    """Calls that were permitted before ``at`` and never came to an end."""
    query = select(DELIVERIES).where(DELIVERIES.c.state == State.PERMITTED, DELIVERIES.c.at < at)
    return [_delivery(row) for row in tx.execute(query.order_by(DELIVERIES.c.id))]


def add_findings(tx: Connection, findings: Sequence[QualityFinding]) -> None:
    """Insert quality findings."""
    if findings:
        tx.execute(FINDINGS.insert(), [asdict(finding) for finding in findings])


def findings(tx: Connection, *, provider: str | None, limit: int, before: str | None = None) -> list[QualityFinding]:
    """Quality findings newest first."""
    query = select(FINDINGS).order_by(FINDINGS.c.id.desc()).limit(limit)
    if provider is not None:
        query = query.where(FINDINGS.c.provider == provider)
    if before is not None:
        query = query.where(FINDINGS.c.id < before)
    return [QualityFinding(**row._mapping) for row in tx.execute(query)]


def save_credential(tx: Connection, interface: str, department: str, header: str, nonce: bytes, sealed: bytes) -> None:
    """Replace the sealed credential of an interface's provider."""
    tx.execute(CREDENTIALS.delete().where(CREDENTIALS.c.interface == interface))
    values = {"interface": interface, "department": department, "header": header, "nonce": nonce}
    tx.execute(CREDENTIALS.insert().values(**values, sealed=sealed))


def drop_credential(tx: Connection, interface: str) -> None:
    """Forget the credential of an interface's provider."""
    tx.execute(CREDENTIALS.delete().where(CREDENTIALS.c.interface == interface))


def credential(tx: Connection, interface: str) -> Row[Any] | None:
    """Row of (interface, department, header, nonce, sealed), or None."""
    return tx.execute(select(CREDENTIALS).where(CREDENTIALS.c.interface == interface)).first()


@cache
def _save_on_postgresql() -> str:
    return str(_SAVE.compile(dialect=psycopg.dialect()))  # type: ignore[no-untyped-call]


def _values(value: Delivery, end: End | None, entry: int) -> tuple[Any, ...]:
    made: tuple[Any, ...] = (
        value.id,
        value.at,
        value.state.value,
        value.rule,
        value.consumer,
        value.interface,
        entry,
        value.caller,
    )
    made += (value.provider, value.version, value.operation, value.method, value.path, value.agreement)
    made += (value.purpose, value.claimed, value.legal_basis, value.launch, value.handled_matter, value.status)
    return (*made, "[]", value.records, value.bytes_in, value.bytes_out, end.done_at if end else value.done_at)


def _ended(id: str, end: End, entry: int) -> tuple[Any, ...]:
    fields = json.dumps(end.fields)
    return (id, end.state.value, end.rule, entry, end.status, fields, end.records, end.bytes_out, end.done_at)


def _delivery(row: Row[Any]) -> Delivery:
    fields: Iterable[str] = row.fields
    return Delivery(**dict(row._mapping) | {"state": State(row.state), "fields": tuple(fields)})
