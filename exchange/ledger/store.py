"""Tables of the ledger and the only functions that touch them; `exchange.ledger.guard` keeps them append-only."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    LargeBinary,
    Row,
    Select,
    Table,
    Text,
    bindparam,
    func,
    literal,
    select,
    tuple_,
)

from exchange.database import metadata
from exchange.ledger.model import Checkpoint, Entry, Payload
from exchange.rows import insert

# SQLite gives a rowid only to INTEGER; PostgreSQL needs eight bytes
Index = BigInteger().with_variant(Integer, "sqlite")

HEAD = Table(
    "ledger_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("size", Index, nullable=False),
    Column("frontier", LargeBinary, nullable=False),
    Column("root", LargeBinary, nullable=False),
)
ENTRIES = Table(
    "ledger_entries",
    metadata,
    Column("idx", Index, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False, index=True),
    Column("at", Text, nullable=False),
    Column("data", LargeBinary, nullable=False),
)
TILES = Table(
    "ledger_tiles",
    metadata,
    Column("level", Integer, primary_key=True),
    Column("n", Index, primary_key=True, autoincrement=False),
    Column("hashes", LargeBinary, nullable=False),
    Column("root", LargeBinary, nullable=False),
)
CHECKPOINTS = Table(
    "ledger_checkpoints",
    metadata,
    Column("size", Index, primary_key=True, autoincrement=False),
    Column("root", LargeBinary, nullable=False),
    Column("at", Text, nullable=False),
    Column("note", Text, nullable=False),
)
PAYLOADS = Table(
    "ledger_payloads",
    metadata,
    Column("idx", Index, primary_key=True, autoincrement=False),
    Column("salt", LargeBinary),
    Column("data", LargeBinary),
)
SUBJECTS = Table(
    "ledger_subjects",
    metadata,
    Column("epoch", Index, primary_key=True, autoincrement=False),
    Column("subject", LargeBinary, primary_key=True),
    Column("idx", Index, primary_key=True, autoincrement=False),
    Column("generation", Integer, nullable=False, server_default="1"),
)
COSIGNATURES = Table(
    "ledger_cosignatures",
    metadata,
    Column("size", Index, primary_key=True, autoincrement=False),
    Column("witness", Text, primary_key=True),
    Column("line", Text, nullable=False),
    Column("at", Text, nullable=False),
)
TIMESTAMPS = Table(
    "ledger_timestamps",
    metadata,
    Column("size", Index, primary_key=True, autoincrement=False),
    Column("at", Text, nullable=False),
    Column("token", LargeBinary, nullable=False),
)

EPOCH = 16_384
"""Entries of one epoch of the subject index. Keyed subjects are random: without epochs each would touch another page of
a tree as large as the ledger, and a batch would cost twice as much at 10 million entries as at 10,000."""


@dataclass(frozen=True, slots=True)
class Head:
    """Where the tree stands: its size, frontier (32 bytes each, joined) and root."""

    size: int
    frontier: bytes
    root: bytes


# statements are built once: building them costs more than running them
_HEAD = select(HEAD.c.size, HEAD.c.frontier, HEAD.c.root).where(HEAD.c.id == 1)
_HEAD_LOCKED = _HEAD.with_for_update()
_MOVE = (
    HEAD.update()
    .where(HEAD.c.id == 1)
    .values(size=bindparam("new_size"), frontier=bindparam("new_frontier"), root=bindparam("new_root"))
)
_ENTRY = select(ENTRIES.c.idx, ENTRIES.c.kind, ENTRIES.c.at, ENTRIES.c.data)
_RANGE = _ENTRY.where(ENTRIES.c.idx >= bindparam("first")).order_by(ENTRIES.c.idx).limit(bindparam("count"))
_DATA = (
    select(ENTRIES.c.data).where(ENTRIES.c.idx >= bindparam("first")).order_by(ENTRIES.c.idx).limit(bindparam("count"))
)
_TILE = select(TILES.c.hashes).where(TILES.c.level == bindparam("on"), TILES.c.n == bindparam("number"))
_ROOTS = (
    select(TILES.c.root)
    .where(TILES.c.level == bindparam("on"), TILES.c.n >= bindparam("first"))
    .order_by(TILES.c.n)
    .limit(bindparam("count"))
)
_NEWEST = select(CHECKPOINTS).order_by(CHECKPOINTS.c.size.desc()).limit(1)
_BETWEEN = (
    select(CHECKPOINTS)
    .where(CHECKPOINTS.c.size > bindparam("after"), CHECKPOINTS.c.size <= bindparam("until"))
    .order_by(CHECKPOINTS.c.size)
)
_WITNESSED = select(func.max(COSIGNATURES.c.size))
_MOVED = (
    SUBJECTS.update()
    .where(
        SUBJECTS.c.epoch == bindparam("then"), SUBJECTS.c.subject == bindparam("old"), SUBJECTS.c.idx == bindparam("at")
    )
    .values(subject=bindparam("new"), generation=bindparam("newest"))
)
_COSIGNED = select(COSIGNATURES.c.line).where(COSIGNATURES.c.size == bindparam("at")).order_by(COSIGNATURES.c.witness)


def head(tx: Connection) -> Head | None:
    """The head."""
    row = tx.execute(_HEAD).one_or_none()
    return None if row is None else Head(*row)


def locked(tx: Connection) -> Head | None:
    """The head in a transaction that writes: other appenders are held off until it ends."""
    if tx.dialect.name == "sqlite":  # one writer at a time anyway; straight on the driver, as the move of the head
        driver: Any = tx.connection.dbapi_connection
        row = driver.execute("SELECT size, frontier, root FROM ledger_head WHERE id = 1").fetchone()
    else:
        row = tx.execute(_HEAD_LOCKED).one_or_none()
    return None if row is None else Head(*row)


def start(tx: Connection, root: bytes) -> Head:
    """The head of an empty tree, written once."""
    tx.execute(HEAD.insert().values(id=1, size=0, frontier=b"", root=root))
    return Head(0, b"", root)


def add(tx: Connection, added: Sequence[Entry], after: Head) -> None:
    """Write entries and move the head."""
    insert(tx, ENTRIES, [(e.index, e.kind, e.at, e.data) for e in added])
    if tx.dialect.name == "sqlite":
        driver: Any = tx.connection.dbapi_connection
        moved = (after.size, after.frontier, after.root)
        driver.execute("UPDATE ledger_head SET size = ?, frontier = ?, root = ? WHERE id = 1", moved)
    else:
        tx.execute(_MOVE, {"new_size": after.size, "new_frontier": after.frontier, "new_root": after.root})


def add_payloads(tx: Connection, added: Sequence[Payload]) -> None:
    """Write erasable data."""
    insert(tx, PAYLOADS, [(p.index, p.salt, p.data) for p in added])


def add_subjects(tx: Connection, added: Sequence[tuple[bytes, int]], generation: int) -> None:
    """Index entries under keyed subjects, (key, index) each."""
    insert(tx, SUBJECTS, [(index // EPOCH, key, index, generation) for key, index in added])


def older_subjects(
    tx: Connection, generation: int, after: tuple[int, bytes, int], count: int
) -> list[tuple[int, bytes, int, int]]:
    """Up to ``count`` (epoch, key, index, generation) of generations before this one, in order, from ``after`` on."""
    key = tuple_(SUBJECTS.c.epoch, SUBJECTS.c.subject, SUBJECTS.c.idx)
    query = select(SUBJECTS).where(key > tuple_(*after), SUBJECTS.c.generation < generation)
    rows = tx.execute(query.order_by(SUBJECTS.c.epoch, SUBJECTS.c.subject, SUBJECTS.c.idx).limit(count))
    return [(row.epoch, row.subject, row.idx, row.generation) for row in rows]


def move_subjects(tx: Connection, moved: Sequence[tuple[bytes, int, bytes]], generation: int) -> None:
    """Exchange keys of the index, (old, index, new) each."""
    rows = [{"then": at // EPOCH, "old": old, "at": at, "new": new, "newest": generation} for old, at, new in moved]
    if rows:
        tx.execute(_MOVED, rows)


def add_tile(tx: Connection, level: int, n: int, hashes: bytes, root: bytes) -> None:
    """Write a full tile."""
    tx.execute(TILES.insert(), {"level": level, "n": n, "hashes": hashes, "root": root})


def add_checkpoint(tx: Connection, checkpoint: Checkpoint) -> None:
    """Keep a signed checkpoint."""
    tx.execute(
        CHECKPOINTS.insert(),
        {"size": checkpoint.size, "root": checkpoint.root, "at": checkpoint.at, "note": checkpoint.note},
    )


def entries(tx: Connection, first: int, count: int) -> list[Entry]:
    """Up to ``count`` entries from index ``first`` on."""
    return [_entry(row) for row in tx.execute(_RANGE, {"first": first, "count": count})]


def leaves(tx: Connection, first: int, count: int) -> bytes:
    """Leaf hashes of up to ``count`` entries from index ``first`` on, joined."""
    found = tx.execute(_DATA, {"first": first, "count": count}).scalars()
    return b"".join(hashlib.sha256(b"\x00" + data).digest() for data in found)


def search(
    tx: Connection,
    *,
    after: int | None,
    before: int | None,
    limit: int,
    kind: str | None,
    subjects: Sequence[bytes] | None,
    newest_first: bool,
) -> list[Entry]:
    """Entries by kind (``delivery`` also finds ``delivery.…``) and keyed subject (any of those), in this order."""
    query = _ENTRY.limit(limit).order_by(ENTRIES.c.idx.desc() if newest_first else ENTRIES.c.idx)
    if after is not None:
        query = query.where(ENTRIES.c.idx > after)
    if before is not None:
        query = query.where(ENTRIES.c.idx < before)
    if kind is not None:
        # a range instead of LIKE: "/" follows "." in ASCII, so it covers exactly kind.…
        text = ENTRIES.c.kind.collate("C" if tx.dialect.name == "postgresql" else "BINARY")
        query = query.where((ENTRIES.c.kind == kind) | (text >= f"{kind}.") & (text < f"{kind}/"))
    if subjects is not None:
        query = query.where(ENTRIES.c.idx.in_(_about(subjects)))
    return [_entry(row) for row in tx.execute(query)]


def payload(tx: Connection, index: int) -> Payload | None:
    """Erasable data of an entry."""
    row = tx.execute(select(PAYLOADS).where(PAYLOADS.c.idx == index)).one_or_none()
    return None if row is None else Payload(row.idx, row.salt, row.data)


def erase(tx: Connection, index: int) -> None:
    """Forget salt and data of an entry's payload; SQLite overwrites the bytes, it does not only let go of them."""
    if tx.dialect.name == "sqlite":
        tx.exec_driver_sql("PRAGMA secure_delete=ON")
    tx.execute(PAYLOADS.update().where(PAYLOADS.c.idx == index).values(salt=None, data=None))


def tile(tx: Connection, level: int, n: int) -> bytes | None:
    """Hashes of a full tile."""
    row = tx.execute(_TILE, {"on": level, "number": n}).one_or_none()
    return None if row is None else row.hashes


def tile_roots(tx: Connection, level: int, first: int, count: int) -> list[bytes]:
    """Roots of up to ``count`` full tiles of a level, from number ``first`` on."""
    return list(tx.execute(_ROOTS, {"on": level, "first": first, "count": count}).scalars())


def checkpoint(tx: Connection, *, covering: int = 0) -> Checkpoint | None:
    """The newest checkpoint, if it covers at least ``covering`` entries; its note with the cosignatures it has."""
    row = tx.execute(_NEWEST).one_or_none()
    return _checkpoint(tx, row) if row is not None and row.size >= covering else None


def cosigned(tx: Connection, covering: int = 0, witness: str | None = None) -> Checkpoint | None:
    """The newest checkpoint over at least ``covering`` entries that a witness (this one) has cosigned."""
    newest = _WITNESSED if witness is None else _WITNESSED.where(COSIGNATURES.c.witness == witness)
    size = tx.execute(newest).scalar()
    found = [] if size is None or size < covering else checkpoints(tx, size - 1, size)
    return found[0] if found else None


def checkpoints(tx: Connection, after: int, until: int) -> list[Checkpoint]:
    """Checkpoints with ``after`` < size ≤ ``until``, smallest first."""
    rows = tx.execute(_BETWEEN, {"after": after, "until": until}).all()
    return [_checkpoint(tx, row) for row in rows]


def add_cosignature(tx: Connection, size: int, witness: str, line: str, at: str) -> None:
    """Keep a witness's signature line under the checkpoint of ``size``, unless it is there already."""
    known = select(COSIGNATURES.c.size).where(COSIGNATURES.c.size == size, COSIGNATURES.c.witness == witness)
    if tx.execute(known).one_or_none() is None:
        tx.execute(COSIGNATURES.insert(), {"size": size, "witness": witness, "line": line, "at": at})


def cosignatures(tx: Connection, limit: int, offset: int) -> list[tuple[int, str, str]]:
    """(size, witness, line) of cosignatures, those over the newest checkpoints first."""
    query = select(COSIGNATURES.c.size, COSIGNATURES.c.witness, COSIGNATURES.c.line)
    ordered = query.order_by(COSIGNATURES.c.size.desc(), COSIGNATURES.c.witness).limit(limit).offset(offset)
    return [(row.size, row.witness, row.line) for row in tx.execute(ordered)]


def cosignature_count(tx: Connection) -> int:
    """How many cosignatures are kept."""
    found: int = tx.execute(select(func.count()).select_from(COSIGNATURES)).scalar_one()
    return found


def add_timestamp(tx: Connection, size: int, at: str, token: bytes) -> None:
    """Keep an RFC 3161 response over the checkpoint of ``size``, unless there is one already."""
    if tx.execute(select(TIMESTAMPS.c.size).where(TIMESTAMPS.c.size == size)).one_or_none() is None:
        tx.execute(TIMESTAMPS.insert(), {"size": size, "at": at, "token": token})


def timestamps(tx: Connection) -> list[tuple[int, str, bytes]]:
    """(size, at, response) of all time stamps, smallest first."""
    return [(row.size, row.at, row.token) for row in tx.execute(select(TIMESTAMPS).order_by(TIMESTAMPS.c.size))]


def last_timestamp(tx: Connection) -> tuple[int, str] | None:
    """(size, at) of the newest time stamp."""
    query = select(TIMESTAMPS.c.size, TIMESTAMPS.c.at).order_by(TIMESTAMPS.c.size.desc()).limit(1)
    row = tx.execute(query).one_or_none()
    return None if row is None else (row.size, row.at)


def counts(tx: Connection) -> tuple[int, int]:
    """(number of entries, highest index + 1): equal in a sound table."""
    count, last = tx.execute(select(func.count(), func.max(ENTRIES.c.idx)).select_from(ENTRIES)).one()
    return count, 0 if last is None else last + 1


def _about(subjects: Sequence[bytes]) -> Select[tuple[int]]:
    """Indices of the entries under any of these keys: one look into each epoch."""
    last = select(HEAD.c.size // EPOCH).where(HEAD.c.id == 1).scalar_subquery()
    epochs = select(literal(0, Index).label("epoch")).cte("epochs", recursive=True)
    epochs = epochs.union_all(select(epochs.c.epoch + 1).where(epochs.c.epoch < last))
    found = select(SUBJECTS.c.idx).join_from(epochs, SUBJECTS, SUBJECTS.c.epoch == epochs.c.epoch)
    return found.where(SUBJECTS.c.subject.in_(subjects))


def _entry(row: Row[*tuple[Any, ...]]) -> Entry:
    return Entry(row.idx, row.kind, row.at, row.data)


def _checkpoint(tx: Connection, row: Row[*tuple[Any, ...]]) -> Checkpoint:
    lines = tx.execute(_COSIGNED, {"at": row.size}).scalars()
    return Checkpoint(row.size, row.root, row.at, row.note + "".join(lines))
