"""Tables of the ledger and the only functions that touch them; `exchange.ledger.guard` keeps them append-only."""

from __future__ import annotations

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
    Table,
    Text,
    bindparam,
    func,
    select,
)

from exchange.database import metadata
from exchange.ledger.model import Checkpoint, Entry, Payload

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
    Column("subject", LargeBinary, primary_key=True),
    Column("idx", Index, primary_key=True, autoincrement=False),
)


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
_INSERT = ENTRIES.insert()


def head(tx: Connection, *, lock: bool = False) -> Head | None:
    """The head; ``lock`` holds other appenders off until the transaction ends (PostgreSQL)."""
    row = tx.execute(_HEAD_LOCKED if lock else _HEAD).one_or_none()
    return None if row is None else Head(row.size, row.frontier, row.root)


def start(tx: Connection, root: bytes) -> Head:
    """The head of an empty tree, written once."""
    tx.execute(HEAD.insert().values(id=1, size=0, frontier=b"", root=root))
    return Head(0, b"", root)


def add(tx: Connection, added: Sequence[Entry], after: Head) -> None:
    """Write entries and move the head."""
    rows = [{"idx": e.index, "kind": e.kind, "at": e.at, "data": e.data} for e in added]
    tx.execute(_INSERT, rows if len(rows) > 1 else rows[0])
    tx.execute(_MOVE, {"new_size": after.size, "new_frontier": after.frontier, "new_root": after.root})


def add_payload(tx: Connection, payload: Payload) -> None:
    """Write erasable data."""
    tx.execute(PAYLOADS.insert(), {"idx": payload.index, "salt": payload.salt, "data": payload.data})


def add_subjects(tx: Connection, index: int, keys: Sequence[bytes]) -> None:
    """Index an entry under keyed subjects."""
    if keys:
        tx.execute(SUBJECTS.insert(), [{"subject": key, "idx": index} for key in keys])


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


def search(
    tx: Connection,
    *,
    after: int | None,
    before: int | None,
    limit: int,
    kind: str | None,
    subject: bytes | None,
    newest_first: bool,
) -> list[Entry]:
    """Entries by kind (``delivery`` also finds ``delivery.…``) and keyed subject, in the order asked for."""
    query = _ENTRY.limit(limit).order_by(ENTRIES.c.idx.desc() if newest_first else ENTRIES.c.idx)
    if after is not None:
        query = query.where(ENTRIES.c.idx > after)
    if before is not None:
        query = query.where(ENTRIES.c.idx < before)
    if kind is not None:
        # a range instead of LIKE: "/" follows "." in ASCII, so it covers exactly kind.…
        text = ENTRIES.c.kind.collate("C" if tx.dialect.name == "postgresql" else "BINARY")
        query = query.where((ENTRIES.c.kind == kind) | (text >= f"{kind}.") & (text < f"{kind}/"))
    if subject is not None:
        query = query.where(ENTRIES.c.idx.in_(select(SUBJECTS.c.idx).where(SUBJECTS.c.subject == subject)))
    return [_entry(row) for row in tx.execute(query)]


def payload(tx: Connection, index: int) -> Payload | None:
    """Erasable data of an entry."""
    row = tx.execute(select(PAYLOADS).where(PAYLOADS.c.idx == index)).one_or_none()
    return None if row is None else Payload(row.idx, row.salt, row.data)


def erase(tx: Connection, index: int) -> None:
    """Forget salt and data of an entry's payload."""
    tx.execute(PAYLOADS.update().where(PAYLOADS.c.idx == index).values(salt=None, data=None))


def tile(tx: Connection, level: int, n: int) -> bytes | None:
    """Hashes of a full tile."""
    row = tx.execute(select(TILES.c.hashes).where(TILES.c.level == level, TILES.c.n == n)).one_or_none()
    return None if row is None else row.hashes


def tile_roots(tx: Connection, level: int, first: int, count: int) -> list[bytes]:
    """Roots of up to ``count`` full tiles of a level, from number ``first`` on."""
    query = select(TILES.c.root).where(TILES.c.level == level, TILES.c.n >= first).order_by(TILES.c.n)
    query = query.limit(count)
    return list(tx.execute(query).scalars())


def checkpoint(tx: Connection, *, covering: int = 0) -> Checkpoint | None:
    """The newest checkpoint, if it covers at least ``covering`` entries."""
    row = tx.execute(select(CHECKPOINTS).order_by(CHECKPOINTS.c.size.desc()).limit(1)).one_or_none()
    return _checkpoint(row) if row is not None and row.size >= covering else None


def checkpoints(tx: Connection, after: int, until: int) -> list[Checkpoint]:
    """Checkpoints with ``after`` < size ≤ ``until``, smallest first."""
    query = select(CHECKPOINTS).where(CHECKPOINTS.c.size > after, CHECKPOINTS.c.size <= until)
    return [_checkpoint(row) for row in tx.execute(query.order_by(CHECKPOINTS.c.size))]


def counts(tx: Connection) -> tuple[int, int]:
    """(number of entries, highest index + 1): equal in a sound table."""
    count, last = tx.execute(select(func.count(), func.max(ENTRIES.c.idx)).select_from(ENTRIES)).one()
    return count, 0 if last is None else last + 1


def _entry(row: Row[*tuple[Any, ...]]) -> Entry:
    return Entry(row.idx, row.kind, row.at, row.data)


def _checkpoint(row: Row[*tuple[Any, ...]]) -> Checkpoint:
    return Checkpoint(row.size, row.root, row.at, row.note)
