"""Tables of sandboxes, what was written in their worlds and the calls they took."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Index,
    Integer,
    Row,
    Table,
    Text,
    case,
    func,
    literal,
    select,
)

from exchange.database import metadata
from exchange.sandboxes.model import CALLS_KEPT, Hosted, Kept, RecordedCall

SANDBOXES = Table(
    "sandboxes",
    metadata,
    Column("id", Text, primary_key=True),
    Column("owner", Text, nullable=False, index=True),
    Column("interfaces", JSON, nullable=False),
    Column("seed", Text, nullable=False),
    Column("world", Text, nullable=False, index=True),
    Column("matter", Text),
    Column("key_hash", Text, nullable=False),
    Column("opened_by", Text, nullable=False),
    Column("opened_at", Text, nullable=False),
    Column("clock", JSON(none_as_null=True)),
    Column("faults", JSON(none_as_null=True)),
    Column("revision", Integer, nullable=False, server_default="0"),
    Column("fault_counts", JSON(none_as_null=True)),
)
SNAPSHOTS = Table(
    "sandbox_snapshots",
    metadata,
    Column("sandbox", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("id", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("seed", Text, nullable=False),
    Column("taken_by", Text, nullable=False),
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


def add(tx: Connection, hosted: Hosted, key_hash: str) -> None:
    """Insert a sandbox with the hash of its key."""
    values = asdict(hosted) | {"interfaces": [list(pair) for pair in hosted.interfaces], "key_hash": key_hash}
    values["faults"] = [dict(one) for one in hosted.faults]
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
    """How many rows of a table a party has."""
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


def calls(
    tx: Connection, sandbox: str, *, limit: int, before: str | None = None, where: Iterable[ColumnElement[bool]] = ()
) -> list[RecordedCall]:
    """Calls of a sandbox, newest first; ``where`` are further conditions on `CALLS`."""
    query = select(CALLS).where(CALLS.c.sandbox == sandbox, *where).order_by(CALLS.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(CALLS.c.id < before)
    return [
        RecordedCall(**dict(row._mapping) | {"fields_returned": tuple(row.fields_returned)})
        for row in tx.execute(query)
    ]


def call_counts(tx: Connection, sandbox: str) -> tuple[int, int, int]:
    """How many calls are kept of a sandbox, how many of them broke the interface, how many were answered 5xx."""
    mine = CALLS.c.sandbox == sandbox
    invalid, failed = (func.coalesce(func.sum(case((one, 1), else_=0)), 0) for one in (
        CALLS.c.valid.is_(False), CALLS.c.status >= 500
    ))  # fmt: skip
    row = tx.execute(select(func.count(), invalid, failed).select_from(CALLS).where(mine)).one()
    return int(row[0]), int(row[1]), int(row[2])


def change(tx: Connection, id: str, **values: Any) -> None:
    """Set columns of a sandbox."""
    tx.execute(SANDBOXES.update().where(SANDBOXES.c.id == id).values(**values))


def neighbours(tx: Connection, world: str) -> list[tuple[str, str]]:
    """The sandboxes that see a world, each with its owner."""
    rows = tx.execute(select(SANDBOXES.c.id, SANDBOXES.c.owner).where(SANDBOXES.c.world == world))
    return [(row.id, row.owner) for row in rows]


def taken_back(tx: Connection, world: str) -> None:
    """Tell every sandbox of a world that what was written in it was changed from outside."""
    counted = SANDBOXES.update().where(SANDBOXES.c.world == world)
    tx.execute(counted.values(revision=SANDBOXES.c.revision + 1))


def clear_world(tx: Connection, world: str) -> None:
    """Forget everything written in a world."""
    for table in (RECORDS, NOTES):
        tx.execute(table.delete().where(table.c.world == world))


def copy_world(tx: Connection, source: str, target: str) -> None:
    """Copy everything written in a world into an empty one, inside the database."""
    for table in (RECORDS, NOTES):
        columns = [column for column in table.c if column.name != "world"]
        rows = select(literal(target).label("world"), *columns).where(table.c.world == source)
        tx.execute(table.insert().from_select(["world", *(column.name for column in columns)], rows))


def written(tx: Connection, world: str) -> int:
    """How many records a world holds, tombstones among them."""
    found: int = tx.execute(select(func.count()).select_from(RECORDS).where(RECORDS.c.world == world)).scalar_one()
    return found


def save_snapshot(tx: Connection, kept: Kept) -> None:
    """Insert a snapshot; its records are copied by `copy_world`."""
    tx.execute(SNAPSHOTS.insert().values(**asdict(kept)))


def drop_snapshot(tx: Connection, kept: Kept) -> None:
    """Forget a snapshot and its records."""
    tx.execute(SNAPSHOTS.delete().where(SNAPSHOTS.c.sandbox == kept.sandbox, SNAPSHOTS.c.name == kept.name))
    clear_world(tx, kept.world)


def snapshots(tx: Connection, sandbox: str) -> list[Kept]:
    """The snapshots of a sandbox, oldest first."""
    rows = tx.execute(select(SNAPSHOTS).where(SNAPSHOTS.c.sandbox == sandbox).order_by(SNAPSHOTS.c.id))
    return [Kept(**row._mapping) for row in rows]


def _hosted(row: Row[Any]) -> Hosted:
    values = dict(row._mapping) | {"interfaces": tuple((id, version) for id, version in row.interfaces)}
    values["faults"] = tuple(row.faults or ())
    counts = row.fault_counts
    values["fault_counts"] = None if counts is None else tuple(tuple(one) for one in counts)
    values.pop("key_hash")
    return Hosted(**values)
