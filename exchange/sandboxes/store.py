"""Tables of sandboxes, what was written in their worlds, the calls they took, and requested datasets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy import JSON, Boolean, Column, Connection, Index, Integer, Row, Table, Text, func, select

from exchange.database import metadata
from exchange.sandboxes.model import CALLS_KEPT, Dataset, Hosted, RecordedCall

SANDBOXES = Table(
    "sandboxes",
    metadata,
    Column("id", Text, primary_key=True),
    Column("owner", Text, nullable=False, index=True),
    Column("interfaces", JSON, nullable=False),
    Column("seed", Text, nullable=False),
    Column("world", Text, nullable=False),
    Column("matter", Text),
    Column("key_hash", Text, nullable=False),
    Column("opened_by", Text, nullable=False),
    Column("opened_at", Text, nullable=False),
)
RECORDS = Table(
    "sandbox_records",
    metadata,
    Column("world", Text, primary_key=True),
    Column("interface", Text, primary_key=True),
    Column("collection", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("number", Integer, nullable=False),
    Column("deleted", Boolean, nullable=False),
    Column("value", JSON),
)
NOTES = Table(
    "sandbox_notes",
    metadata,
    Column("world", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("value", JSON),
)
CALLS = Table(
    "sandbox_calls",
    metadata,
    Column("id", Text, primary_key=True),
    Column("sandbox", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("interface", Text),
    Column("operation", Text),
    Column("method", Text, nullable=False),
    Column("path_template", Text),
    Column("status", Integer, nullable=False),
    Column("valid", Boolean, nullable=False),
    Column("fields_returned", JSON, nullable=False),
    Column("detail", JSON, nullable=False),
    Index("ix_sandbox_calls_sandbox_id", "sandbox", "id"),
)
DATASETS = Table(
    "datasets",
    metadata,
    Column("id", Text, primary_key=True),
    Column("owner", Text, nullable=False, index=True),
    Column("interface", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("table", Text, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("seed", Text, nullable=False),
    Column("format", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("job", Text, nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("asked_at", Text, nullable=False),
    Column("files", JSON, nullable=False),
    Column("quality", JSON),
    Column("made_at", Text),
)


def add(tx: Connection, hosted: Hosted, key_hash: str) -> None:
    """Insert a sandbox with the hash of its key."""
    values = asdict(hosted) | {"interfaces": [list(pair) for pair in hosted.interfaces], "key_hash": key_hash}
    tx.execute(SANDBOXES.insert().values(**values))


def sandbox(tx: Connection, id: str) -> tuple[Hosted, str] | None:
    """A sandbox and the hash of its key, or None."""
    row = tx.execute(select(SANDBOXES).where(SANDBOXES.c.id == id)).first()
    return None if row is None else (_hosted(row), row.key_hash)


def sandboxes(tx: Connection, *, owner: str | None, after: str | None = None, limit: int | None = None) -> list[Hosted]:
    """Sandboxes by id; ``owner`` None: everybody's."""
    query = select(SANDBOXES).order_by(SANDBOXES.c.id)
    if owner is not None:
        query = query.where(SANDBOXES.c.owner == owner)
    if after is not None:
        query = query.where(SANDBOXES.c.id > after)
    return [_hosted(row) for row in tx.execute(query if limit is None else query.limit(limit))]


def count(tx: Connection, table: Table, owner: str) -> int:
    """How many sandboxes or datasets a party has."""
    found: int = tx.execute(select(func.count()).select_from(table).where(table.c.owner == owner)).scalar_one()
    return found


def keep_record(tx: Connection, world: str, row: Mapping[str, Any]) -> None:
    """Insert or replace a record of a world."""
    table = RECORDS.c
    same = (
        (table.world == world)
        & (table.interface == row["interface"])
        & (table.collection == row["collection"])
        & (table.id == row["id"])
    )
    if tx.execute(RECORDS.update().where(same).values(**row)).rowcount == 0:
        tx.execute(RECORDS.insert().values(world=world, **row))


def keep_note(tx: Connection, world: str, key: str, value: Any) -> None:
    """Insert or replace a counter or remembered answer of a world."""
    same = (NOTES.c.world == world) & (NOTES.c.key == key)
    if tx.execute(NOTES.update().where(same).values(value=value)).rowcount == 0:
        tx.execute(NOTES.insert().values(world=world, key=key, value=value))


def records(tx: Connection, world: str) -> list[Row[Any]]:
    """Records of a world, oldest first."""
    query = select(RECORDS).where(RECORDS.c.world == world).order_by(RECORDS.c.number)
    return list(tx.execute(query))


def notes(tx: Connection, world: str) -> list[Row[Any]]:
    """Counters and remembered answers of a world."""
    return list(tx.execute(select(NOTES).where(NOTES.c.world == world)))


def add_calls(tx: Connection, calls: Iterable[RecordedCall]) -> None:
    """Insert calls and forget the oldest beyond the limit of each sandbox."""
    rows = [asdict(call) | {"fields_returned": list(call.fields_returned)} for call in calls]
    if not rows:
        return
    tx.execute(CALLS.insert(), rows)
    for id in sorted({row["sandbox"] for row in rows}):
        newest = select(CALLS.c.id).where(CALLS.c.sandbox == id).order_by(CALLS.c.id.desc())
        oldest = tx.execute(newest.offset(CALLS_KEPT).limit(1)).scalar_one_or_none()
        if oldest is not None:
            tx.execute(CALLS.delete().where(CALLS.c.sandbox == id, CALLS.c.id <= oldest))


def calls(tx: Connection, sandbox: str, *, limit: int, before: str | None = None) -> list[RecordedCall]:
    """Calls of a sandbox, newest first."""
    query = select(CALLS).where(CALLS.c.sandbox == sandbox).order_by(CALLS.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(CALLS.c.id < before)
    return [
        RecordedCall(**dict(row._mapping) | {"fields_returned": tuple(row.fields_returned)})
        for row in tx.execute(query)
    ]


def save_dataset(tx: Connection, dataset: Dataset) -> None:
    """Insert or replace a dataset request."""
    values = asdict(dataset) | {"files": list(dataset.files)}
    if tx.execute(DATASETS.update().where(DATASETS.c.id == dataset.id).values(values)).rowcount == 0:
        tx.execute(DATASETS.insert().values(values))


def dataset(tx: Connection, id: str) -> Dataset | None:
    """One dataset request, or None."""
    row = tx.execute(select(DATASETS).where(DATASETS.c.id == id)).first()
    return None if row is None else _dataset(row)


def datasets(tx: Connection, *, owner: str | None, after: str | None = None, limit: int | None = None) -> list[Dataset]:
    """Dataset requests by id; ``owner`` None: everybody's."""
    query = select(DATASETS).order_by(DATASETS.c.id)
    if owner is not None:
        query = query.where(DATASETS.c.owner == owner)
    if after is not None:
        query = query.where(DATASETS.c.id > after)
    return [_dataset(row) for row in tx.execute(query if limit is None else query.limit(limit))]


def _hosted(row: Row[Any]) -> Hosted:
    values = dict(row._mapping) | {"interfaces": tuple((id, version) for id, version in row.interfaces)}
    values.pop("key_hash")
    return Hosted(**values)


def _dataset(row: Row[Any]) -> Dataset:
    return Dataset(**dict(row._mapping) | {"files": tuple(row.files)})
