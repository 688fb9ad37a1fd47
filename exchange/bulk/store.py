"""Tables of bulk sharing: sources, share tokens, snapshots and their files, opened queries, flows, privacy budgets."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Connection,
    Float,
    Integer,
    LargeBinary,
    Row,
    Table,
    Text,
    UniqueConstraint,
    and_,
    func,
    select,
)

from exchange.bulk.model import File, Kind, Opened, Share, Snapshot, Source
from exchange.database import metadata

SOURCES = Table(
    "bulk_sources",
    metadata,
    Column("interface", Text, primary_key=True),
    Column("table", Text, primary_key=True),
    Column("department", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("location", Text, nullable=False),
    Column("item", Text, nullable=False),
    Column("fresh_seconds", Integer, nullable=False),
    Column("set_at", Text, nullable=False),
    Column("set_by", Text, nullable=False),
    Column("nonce", LargeBinary),
    Column("sealed", LargeBinary),
)
SHARES = Table(
    "bulk_shares",
    metadata,
    Column("id", Text, primary_key=True),
    Column("agreement", Text, nullable=False, index=True),
    Column("secret_hash", LargeBinary, nullable=False, unique=True),
    Column("purpose", Text, nullable=False),
    Column("issued_at", Text, nullable=False),
    Column("issued_by", Text, nullable=False),
    Column("expires_at", Text, nullable=False),
    Column("revoked_at", Text),
)
SNAPSHOTS = Table(
    "bulk_snapshots",
    metadata,
    Column("id", Text, primary_key=True),
    Column("agreement", Text, nullable=False),
    Column("table", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("made_at", Text, nullable=False),
    Column("schema", Text, nullable=False),
    Column("columns", JSON, nullable=False),
    Column("gone_at", Text),
    UniqueConstraint("agreement", "table", "version"),
)
FILES = Table(
    "bulk_files",
    metadata,
    Column("snapshot", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("records", BigInteger, nullable=False),
    Column("head", Integer, nullable=False),
)
QUERIES = Table(
    "bulk_queries",
    metadata,
    Column("id", Text, primary_key=True),
    Column("agreement", Text, nullable=False, index=True),
    Column("snapshot", Text, nullable=False, index=True),
    Column("table", Text, nullable=False),
    Column("share", Text, nullable=False),
    Column("caller", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("numbers", JSON, nullable=False),
)
FLOWS = Table(
    "bulk_flows",
    metadata,
    Column("query", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("delivery", Text, nullable=False, index=True),
    Column("requests", Integer, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("first_at", Text, nullable=False),
    Column("last_at", Text, nullable=False),
)
BUDGETS = Table(
    "bulk_budgets",
    metadata,
    Column("agreement", Text, primary_key=True),
    Column("spent", Float, nullable=False),
)


def save_source(tx: Connection, source: Source, nonce: bytes | None, sealed: bytes | None) -> None:
    """Replace the source of a table."""
    drop_source(tx, source.interface, source.table)
    values = {name: value for name, value in asdict(source).items() if name not in ("url", "texts")}
    tx.execute(SOURCES.insert().values(**values, nonce=nonce, sealed=sealed))


def drop_source(tx: Connection, interface: str, table: str) -> bool:
    """Forget the source of a table; whether there was one."""
    where = and_(SOURCES.c.interface == interface, SOURCES.c.table == table)
    return bool(tx.execute(SOURCES.delete().where(where)).rowcount)


def source(tx: Connection, interface: str, table: str) -> tuple[Source, bytes | None, bytes | None] | None:
    """A table's source without its URL, and the sealed URL; None when there is none."""
    row = tx.execute(select(SOURCES).where(SOURCES.c.interface == interface, SOURCES.c.table == table)).first()
    if row is None:
        return None
    values = dict(row._mapping)
    nonce, sealed = values.pop("nonce"), values.pop("sealed")
    return Source(**values | {"kind": Kind(values["kind"])}), nonce, sealed


def add_share(tx: Connection, share: Share, secret_hash: bytes) -> None:
    """Insert a token."""
    tx.execute(SHARES.insert().values(**asdict(share), secret_hash=secret_hash))


def share(tx: Connection, *, secret_hash: bytes | None = None, id: str | None = None) -> Share | None:
    """A token by the hash of its secret or by its id."""
    where = SHARES.c.secret_hash == secret_hash if id is None else SHARES.c.id == id
    row = tx.execute(select(SHARES).where(where)).first()
    return None if row is None else _share(row)


def shares(tx: Connection, agreement: str) -> list[Share]:
    """Tokens of an agreement, oldest first."""
    query = select(SHARES).where(SHARES.c.agreement == agreement).order_by(SHARES.c.id)
    return [_share(row) for row in tx.execute(query)]


def revoke_share(tx: Connection, id: str, at: str) -> None:
    """End a token."""
    tx.execute(SHARES.update().where(SHARES.c.id == id).values(revoked_at=at))


def add_snapshot(tx: Connection, value: Snapshot) -> None:
    """Insert a snapshot with its files."""
    values = asdict(value) | {"columns": list(value.columns)}
    files = values.pop("files")
    tx.execute(SNAPSHOTS.insert().values(**values))
    for file in files:
        tx.execute(FILES.insert().values(snapshot=value.id, **file))


def add_file(tx: Connection, snapshot: str, file: File) -> None:
    """Add a further file to a snapshot."""
    tx.execute(FILES.insert().values(snapshot=snapshot, **asdict(file)))


def newest(tx: Connection, agreement: str, table: str) -> Snapshot | None:
    """The newest snapshot of an agreement's table that still has its files."""
    query = select(SNAPSHOTS).where(
        SNAPSHOTS.c.agreement == agreement, SNAPSHOTS.c.table == table, SNAPSHOTS.c.gone_at.is_(None)
    )
    row = tx.execute(query.order_by(SNAPSHOTS.c.version.desc()).limit(1)).first()
    return None if row is None else _snapshot(tx, row)


def last_version(tx: Connection, agreement: str, table: str) -> int:
    """The highest version there ever was; -1 before the first."""
    query = select(func.max(SNAPSHOTS.c.version)).where(SNAPSHOTS.c.agreement == agreement, SNAPSHOTS.c.table == table)
    found = tx.execute(query).scalar()
    return -1 if found is None else int(found)


def snapshot(tx: Connection, id: str) -> Snapshot | None:
    """A snapshot that still has its files."""
    row = tx.execute(select(SNAPSHOTS).where(SNAPSHOTS.c.id == id, SNAPSHOTS.c.gone_at.is_(None))).first()
    return None if row is None else _snapshot(tx, row)


def kept(tx: Connection) -> list[Snapshot]:
    """Every snapshot that still has its files, without the files."""
    query = select(SNAPSHOTS).where(SNAPSHOTS.c.gone_at.is_(None)).order_by(SNAPSHOTS.c.id)
    return [_plain(row) for row in tx.execute(query)]


def gone(tx: Connection, snapshot: str, at: str) -> None:
    """A snapshot's files are about to be removed."""
    tx.execute(SNAPSHOTS.update().where(SNAPSHOTS.c.id == snapshot).values(gone_at=at))


def add_query(tx: Connection, value: Opened) -> None:
    """Insert a permitted query."""
    tx.execute(QUERIES.insert().values(**asdict(value) | {"numbers": list(value.numbers)}))


def query(tx: Connection, id: str) -> Opened | None:
    """A permitted query."""
    row = tx.execute(select(QUERIES).where(QUERIES.c.id == id)).first()
    return None if row is None else Opened(**dict(row._mapping) | {"numbers": tuple(row.numbers)})


def renew_query(tx: Connection, id: str, at: str) -> None:
    """A query's files were handed out again: they are kept as if it had been opened now."""
    tx.execute(QUERIES.update().where(QUERIES.c.id == id).values(at=at))


def last_opened(tx: Connection, snapshot: str) -> str | None:
    """When a snapshot was last opened."""
    return tx.execute(select(func.max(QUERIES.c.at)).where(QUERIES.c.snapshot == snapshot)).scalar()


def flow(tx: Connection, query: str, number: int) -> Row[Any] | None:
    """Row of (query, number, delivery, requests, bytes, first_at, last_at), or None before the first byte."""
    return tx.execute(select(FLOWS).where(FLOWS.c.query == query, FLOWS.c.number == number)).first()


def add_flow(tx: Connection, query: str, number: int, delivery: str, at: str) -> None:
    """A file is about to leave for the first time."""
    values = {"query": query, "number": number, "delivery": delivery, "requests": 0, "bytes": 0}
    tx.execute(FLOWS.insert().values(**values, first_at=at, last_at=at))


def count_flow(tx: Connection, query: str, number: int, sent: int, at: str) -> None:
    """One more request of a file, and the bytes really sent for it."""
    where = and_(FLOWS.c.query == query, FLOWS.c.number == number)
    more = {"requests": FLOWS.c.requests + 1, "bytes": FLOWS.c.bytes + sent, "last_at": at}
    tx.execute(FLOWS.update().where(where).values(**more))


def flows(tx: Connection, agreement: str) -> list[Row[Any]]:
    """Flows of an agreement with their table, oldest first."""
    query = select(FLOWS, QUERIES.c.table, QUERIES.c.share).join(QUERIES, QUERIES.c.id == FLOWS.c.query)
    return list(tx.execute(query.where(QUERIES.c.agreement == agreement).order_by(FLOWS.c.first_at, FLOWS.c.number)))


def spent(tx: Connection, agreement: str) -> float:
    """Privacy budget used up so far."""
    return float(tx.execute(select(BUDGETS.c.spent).where(BUDGETS.c.agreement == agreement)).scalar() or 0.0)


def spend(tx: Connection, agreement: str, total: float) -> None:
    """Write the budget used up so far."""
    tx.execute(BUDGETS.delete().where(BUDGETS.c.agreement == agreement))
    tx.execute(BUDGETS.insert().values(agreement=agreement, spent=total))


def _share(row: Row[Any]) -> Share:
    return Share(**{name: value for name, value in row._mapping.items() if name != "secret_hash"})


def _plain(row: Row[Any], files: tuple[File, ...] = ()) -> Snapshot:
    values = {name: row._mapping[name] for name in Snapshot.__dataclass_fields__ if name not in ("files", "columns")}
    return Snapshot(**values, columns=tuple(row._mapping["columns"]), files=files)


def _snapshot(tx: Connection, row: Row[Any]) -> Snapshot:
    query = select(FILES).where(FILES.c.snapshot == row.id).order_by(FILES.c.number)
    found = (File(**{k: v for k, v in file._mapping.items() if k != "snapshot"}) for file in tx.execute(query))
    return _plain(row, tuple(found))
