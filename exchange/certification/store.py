"""Tables of certifications. Hidden seeds lie in a table of their own, so that no listing query can carry them out."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Column, Connection, Float, ForeignKey, Table, Text, insert, select, update

from exchange.certification.model import Certification, State, Subject
from exchange.database import metadata

certifications = Table(
    "certifications",
    metadata,
    Column("id", Text, primary_key=True),
    Column("app_version", Text, nullable=False, index=True),
    Column("app", Text, nullable=False),
    Column("vendor", Text, nullable=False, index=True),
    Column("matter", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("artefact_digest", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("commitment", Text, nullable=False),
    Column("requested_at", Text, nullable=False),
    Column("requested_by", Text, nullable=False),
    Column("finished_at", Text),
    Column("grade", Text),
    Column("score", Float),
    Column("reasons", Text, nullable=False),
    Column("failing", Text, nullable=False),
    Column("report_digest", Text),
    Column("certificate_digest", Text),
    Column("valid_until", Text),
    Column("certificate_id", Text),
    Column("revoked_at", Text),
    Column("revoked_because", Text),
    Column("revealed_at", Text),
)
secrets = Table(
    "certification_secrets",
    metadata,
    Column("certification", ForeignKey("certifications.id"), primary_key=True),
    Column("seeds", Text, nullable=False),
    Column("nonce", Text, nullable=False),
)


def add(tx: Connection, certification: Certification, seeds: tuple[str, ...], nonce: str) -> None:
    """Store a new certification and its secrets."""
    tx.execute(insert(certifications).values(**_row(certification)))
    tx.execute(insert(secrets).values(certification=certification.id, seeds=json.dumps(seeds), nonce=nonce))


def save(tx: Connection, certification: Certification) -> None:
    """Write the changed certification back."""
    tx.execute(update(certifications).where(certifications.c.id == certification.id).values(**_row(certification)))


def find(tx: Connection, identifier: str) -> Certification | None:
    """One certification, or None."""
    row = tx.execute(select(certifications).where(certifications.c.id == identifier)).mappings().first()
    return _value(dict(row)) if row else None


def listed(
    tx: Connection, *, vendor: str | None = None, app_version: str | None = None, limit: int = 200
) -> list[Certification]:
    """Newest first; of one vendor or one app version when asked."""
    query = select(certifications).order_by(certifications.c.id.desc()).limit(limit)
    if vendor is not None:
        query = query.where(certifications.c.vendor == vendor)
    if app_version is not None:
        query = query.where(certifications.c.app_version == app_version)
    return [_value(dict(row)) for row in tx.execute(query).mappings()]


def revoked(tx: Connection) -> list[Certification]:
    """Those whose certificate was taken back, in the order of that."""
    query = select(certifications).where(certifications.c.revoked_at.is_not(None))
    return [_value(dict(row)) for row in tx.execute(query.order_by(certifications.c.revoked_at)).mappings()]


def hidden(tx: Connection, now: str, limit: int) -> list[Certification]:
    """Those whose certificate has ended by `now` and whose seeds have not been revealed."""
    ended = (certifications.c.valid_until <= now) | certifications.c.revoked_at.is_not(None)
    where = certifications.c.certificate_digest.is_not(None) & certifications.c.revealed_at.is_(None) & ended
    query = select(certifications).where(where).order_by(certifications.c.id).limit(limit)
    return [_value(dict(row)) for row in tx.execute(query).mappings()]


def secret(tx: Connection, identifier: str) -> tuple[tuple[str, ...], str]:
    """The hidden seeds and the nonce of a run."""
    row = tx.execute(select(secrets).where(secrets.c.certification == identifier)).one()
    return tuple(json.loads(row.seeds)), row.nonce


def _row(value: Certification) -> dict[str, Any]:
    row = {name: getattr(value, name) for name in value.__dataclass_fields__ if name != "subject"}
    row |= {name: getattr(value.subject, name) for name in Subject.__dataclass_fields__}
    return row | {
        "state": value.state.value,
        "reasons": json.dumps(value.reasons, ensure_ascii=False),
        "failing": json.dumps(value.failing, ensure_ascii=False),
    }


def _value(row: dict[str, Any]) -> Certification:
    subject = Subject(**{name: row.pop(name) for name in Subject.__dataclass_fields__})
    row["state"] = State(row["state"])
    row["reasons"] = tuple(json.loads(row["reasons"]))
    row["failing"] = tuple(json.loads(row["failing"]))
    return Certification(subject=subject, **row)
