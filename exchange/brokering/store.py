"""Tables of deliveries, quality findings and providers' credentials."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from sqlalchemy import JSON, Column, Connection, Index, Integer, LargeBinary, Row, Table, Text, bindparam, func, select

from exchange.brokering.model import Delivery, QualityFinding, State
from exchange.database import metadata

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
_ADD = DELIVERIES.insert()
_SAVE = DELIVERIES.update().where(DELIVERIES.c.id == bindparam("key"))
_OUTCOME = ("state", "rule", "entry", "status", "fields", "records", "bytes_out", "done_at")
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


def add(tx: Connection, delivery: Delivery) -> None:
    """Insert a delivery."""
    tx.execute(_ADD, _values(delivery))


def save(tx: Connection, delivery: Delivery) -> None:
    """Write the outcome of a delivery."""
    values = _values(delivery)
    tx.execute(_SAVE, {"key": delivery.id, **{name: values[name] for name in _OUTCOME}})


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
    consumer: str | None = None,
    interface: str | None = None,
    state: str | None = None,
    launch: str | None = None,
) -> list[Delivery]:
    """Deliveries newest first; ``party`` narrows to either side, the other words to equal values."""
    query = select(DELIVERIES).order_by(DELIVERIES.c.id.desc()).limit(limit)
    if party is not None:
        query = query.where((DELIVERIES.c.consumer == party) | (DELIVERIES.c.provider == party))
    if before is not None:
        query = query.where(DELIVERIES.c.id < before)
    wanted = {"consumer": consumer, "interface": interface, "state": state, "launch": launch}
    for name, value in wanted.items():
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


def add_finding(tx: Connection, finding: QualityFinding) -> None:
    """Insert a quality finding."""
    tx.execute(FINDINGS.insert().values(**asdict(finding)))


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


def _values(value: Delivery) -> dict[str, Any]:
    # not asdict: it copies every value deeply
    return {name: getattr(value, name) for name in Delivery.__dataclass_fields__} | {"fields": list(value.fields)}


def _delivery(row: Row[Any]) -> Delivery:
    fields: Iterable[str] = row.fields
    return Delivery(**dict(row._mapping) | {"state": State(row.state), "fields": tuple(fields)})
