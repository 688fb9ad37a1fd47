"""Table of requested datasets."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, Connection, Integer, Row, Table, Text, func, select

from exchange.database import metadata
from exchange.sandboxes.quotas import Used
from exchange.sandboxes.wishes import Wish, with_options

DATASETS = Table(
    "datasets",
    metadata,
    Column("id", Text, primary_key=True),
    Column("owner", Text, nullable=False, index=True),
    Column("interface", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("table", Text, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("total_rows", BigInteger, nullable=False),
    Column("seed", Text, nullable=False),
    Column("format", Text, nullable=False),
    Column("options", JSON, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("job", Text, nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("asked_at", Text, nullable=False),
    Column("state", Text, nullable=False, index=True),
    Column("began_at", Text),
    Column("began_with", BigInteger, nullable=False),
    Column("files", JSON, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("quality", JSON),
    Column("made_at", Text),
    Column("expires_at", Text),
    Column("ended_at", Text),
    Column("reason", Text),
)
OPEN, MADE = "asked", "made"


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset that was asked for. ``state``: asked, made, failed, cancelled or expired; ``reason`` of its failure.

    ``files`` (name, kind, table, rows, bytes, sha256) and ``quality`` are there once it is made; its pace is measured
    from ``began_at``, when ``began_with`` rows were there. ``total_rows`` are those of all its tables.
    """

    id: str
    owner: str
    version: str
    wish: Wish
    total_rows: int
    job: str
    asked_by: str
    asked_at: str
    state: str = OPEN
    began_at: str | None = None
    began_with: int = 0
    files: tuple[Mapping[str, Any], ...] = ()
    bytes: int = 0
    quality: Mapping[str, Any] | None = None
    made_at: str | None = None
    expires_at: str | None = None
    ended_at: str | None = None
    reason: str | None = None


_OF_WISH = ("interface", "table", "rows", "seed", "format", "purpose")


def add(tx: Connection, dataset: Dataset) -> None:
    """Insert a request."""
    tx.execute(DATASETS.insert().values(_values(dataset)))


def change(tx: Connection, dataset: Dataset, **values: Any) -> Dataset:
    """Write changed members; gives the dataset with them."""
    changed = replace(dataset, **values)
    tx.execute(DATASETS.update().where(DATASETS.c.id == dataset.id).values(_values(changed)))
    return changed


def dataset(tx: Connection, id: str) -> Dataset | None:
    """One request, or None."""
    row = tx.execute(select(DATASETS).where(DATASETS.c.id == id)).first()
    return None if row is None else _dataset(row)


def datasets(
    tx: Connection, *, owner: str | None, after: str | None = None, limit: int | None = None, newest: bool = False
) -> list[Dataset]:
    """Requests by id, oldest first unless ``newest``; ``owner`` None: everybody's."""
    query = select(DATASETS).order_by(DATASETS.c.id.desc() if newest else DATASETS.c.id)
    if owner is not None:
        query = query.where(DATASETS.c.owner == owner)
    if after is not None:
        query = query.where(DATASETS.c.id < after if newest else DATASETS.c.id > after)
    return [_dataset(row) for row in tx.execute(query if limit is None else query.limit(limit))]


def due(tx: Connection, now: str) -> list[Dataset]:
    """Made datasets whose time is over."""
    query = select(DATASETS).where(DATASETS.c.state == MADE, DATASETS.c.expires_at <= now).order_by(DATASETS.c.id)
    return [_dataset(row) for row in tx.execute(query)]


def under_way(tx: Connection) -> list[Dataset]:
    """Datasets waiting or being made."""
    query = select(DATASETS).where(DATASETS.c.state == OPEN).order_by(DATASETS.c.id)
    return [_dataset(row) for row in tx.execute(query)]


def with_files(tx: Connection, ids: Collection[str]) -> set[str]:
    """Which of these may have files."""
    query = select(DATASETS.c.id).where(DATASETS.c.id.in_(ids), DATASETS.c.state.in_((OPEN, MADE)))
    return set(tx.execute(query).scalars())


def used(tx: Connection, owner: str, since: str) -> Used:
    """What a party uses of its quotas; rows of requests that failed do not count."""
    table = DATASETS.c
    mine = table.owner == owner
    counted = select(func.count()).select_from(DATASETS).where(mine, table.state == OPEN)
    asked = select(table.asked_at, table.total_rows).where(mine, table.asked_at > since, table.state != "failed")
    kept = select(table.expires_at, table.bytes).where(mine, table.state == MADE)
    return Used(
        tx.execute(counted).scalar_one(),
        [(row.asked_at, row.total_rows) for row in tx.execute(asked)],
        [(row.expires_at, row.bytes) for row in tx.execute(kept)],
    )


def _values(dataset: Dataset) -> dict[str, Any]:
    values = {name: value for name, value in asdict(dataset).items() if name != "wish"}
    wish = {name: getattr(dataset.wish, name) for name in _OF_WISH}
    return values | wish | {"options": dataset.wish.options, "files": [dict(file) for file in dataset.files]}


def _dataset(row: Row[Any]) -> Dataset:
    values = dict(row._mapping)
    wish = with_options(Wish(**{name: values.pop(name) for name in _OF_WISH}), values.pop("options"))
    return Dataset(**values | {"wish": wish, "files": tuple(row.files)})
