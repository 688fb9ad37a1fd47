"""Tables of the market."""

from __future__ import annotations

import json
from typing import Any, TypeVar

from sqlalchemy import Boolean, Column, Connection, Integer, Table, Text, insert, select, update

from exchange.database import metadata
from exchange.errors import NotFound
from exchange.market.model import App, AppVersion, Demand, HandledMatter, Listing, Order, Rating, VersionState

V = TypeVar("V", Demand, Order, App, AppVersion, Listing, HandledMatter)


def _key() -> Column[str]:
    return Column("id", Text, primary_key=True)


TABLES: dict[type, Table] = {
    Demand: Table(
        "demands",
        metadata,
        _key(),
        Column("department", Text, nullable=False),
        Column("matter", Text, nullable=False, index=True),
        Column("title_zh", Text, nullable=False),
        Column("title_en", Text, nullable=False),
        Column("published_at", Text, nullable=False),
    ),
    Order: Table(
        "orders",
        metadata,
        _key(),
        Column("demand", Text, nullable=False, index=True),
        Column("vendor", Text, nullable=False, index=True),
        Column("taken_at", Text, nullable=False),
    ),
    App: Table(
        "apps",
        metadata,
        _key(),
        Column("order_id", Text, nullable=False),
        Column("vendor", Text, nullable=False, index=True),
        Column("matter", Text, nullable=False, index=True),
        Column("name_zh", Text, nullable=False),
        Column("name_en", Text, nullable=False),
    ),
    AppVersion: Table(
        "app_versions",
        metadata,
        _key(),
        Column("app", Text, nullable=False, index=True),
        Column("vendor", Text, nullable=False),
        Column("matter", Text, nullable=False),
        Column("version", Text, nullable=False),
        Column("url", Text, nullable=False),
        Column("artefact_digest", Text, nullable=False),
        Column("state", Text, nullable=False),
        Column("certification", Text),
    ),
    Listing: Table(
        "listings",
        metadata,
        _key(),
        Column("app_version", Text, nullable=False, unique=True),
        Column("app", Text, nullable=False),
        Column("vendor", Text, nullable=False),
        Column("matter", Text, nullable=False, index=True),
        Column("certification", Text, nullable=False),
        Column("grade", Text, nullable=False),
        Column("listed_at", Text, nullable=False),
        Column("valid_until", Text, nullable=False),
        Column("active", Boolean, nullable=False),
    ),
    HandledMatter: Table(
        "handled_matters",
        metadata,
        _key(),
        Column("launch", Text, nullable=False, unique=True),
        Column("listing", Text, nullable=False, index=True),
        Column("vendor", Text, nullable=False),
        Column("matter", Text, nullable=False),
        Column("citizen", Text, nullable=False, index=True),
        Column("opened_at", Text, nullable=False),
        Column("steps", Text, nullable=False),
        Column("completed_at", Text),
        Column("reminded_at", Text),
    ),
}
ratings = Table(
    "ratings",
    metadata,
    Column("handled_matter", Text, primary_key=True),  # the key itself says: one rating for each
    Column("listing", Text, nullable=False, index=True),
    Column("level", Integer, nullable=False),
    Column("comment", Text, nullable=False),
    Column("rated_at", Text, nullable=False),
)
settlements = Table(
    "settlements",
    metadata,
    _key(),
    Column("period_start", Text, nullable=False),
    Column("period_end", Text, nullable=False),
    Column("requested_by", Text, nullable=False),
    Column("job", Text, nullable=False),
    Column("made_at", Text),
    Column("statement", Text),
)


def add(tx: Connection, value: V) -> V:
    """Insert a market value."""
    tx.execute(insert(TABLES[type(value)]).values(**_row(value)))
    return value


def save(tx: Connection, value: V) -> V:
    """Write a changed market value back."""
    table = TABLES[type(value)]
    tx.execute(update(table).where(table.c.id == value.id).values(**_row(value)))
    return value


def find(tx: Connection, kind: type[V], **where: str) -> V | None:
    """The one value of `kind` whose columns equal `where`, or None."""
    table = TABLES[kind]
    query = select(table).where(*(table.c[name] == wanted for name, wanted in where.items()))
    row = tx.execute(query).mappings().first()
    return _value(kind, dict(row)) if row else None


def need(tx: Connection, kind: type[V], **where: str) -> V:
    """As `find`, but raises `NotFound`."""
    found = find(tx, kind, **where)
    if found is None:
        raise NotFound(f"no {kind.__name__} {' '.join(where.values())}", hint="list them and take an id from there")
    return found


def listed(tx: Connection, kind: type[V], *, limit: int = 500, **where: Any) -> list[V]:
    """Values of `kind`, newest first, whose columns equal `where`."""
    table = TABLES[kind]
    query = select(table).where(*(table.c[name] == wanted for name, wanted in where.items()))
    rows = tx.execute(query.order_by(table.c.id.desc()).limit(limit)).mappings()
    return [_value(kind, dict(row)) for row in rows]


def add_rating(tx: Connection, rating: Rating) -> None:
    """Insert a rating; its primary key refuses a second one."""
    tx.execute(insert(ratings).values(**{name: getattr(rating, name) for name in rating.__dataclass_fields__}))


def ratings_of(tx: Connection, **where: str) -> list[Rating]:
    """Ratings whose columns equal `where`, newest first."""
    query = select(ratings).where(*(ratings.c[name] == wanted for name, wanted in where.items()))
    return [Rating(**row) for row in tx.execute(query.order_by(ratings.c.rated_at.desc())).mappings()]


def add_settlement(tx: Connection, row: dict[str, Any]) -> None:
    """Insert a requested settlement."""
    tx.execute(insert(settlements).values(**row))


def finish_settlement(tx: Connection, identifier: str, made_at: str, statement: dict[str, Any]) -> None:
    """Store the statement of a settlement."""
    text = json.dumps(statement, ensure_ascii=False)
    query = update(settlements).where(settlements.c.id == identifier)
    tx.execute(query.values(made_at=made_at, statement=text))


def settlements_listed(tx: Connection, identifier: str | None = None) -> list[dict[str, Any]]:
    """All settlements newest first, or the one asked for; ``statement`` is parsed."""
    query = select(settlements).order_by(settlements.c.id.desc())
    if identifier is not None:
        query = query.where(settlements.c.id == identifier)
    rows = [dict(row) for row in tx.execute(query).mappings()]
    return [row | {"statement": json.loads(row["statement"]) if row["statement"] else None} for row in rows]


def _row(value: V) -> dict[str, Any]:
    row = {name: getattr(value, name) for name in value.__dataclass_fields__}
    if isinstance(value, HandledMatter):
        row["steps"] = json.dumps(value.steps)
    if isinstance(value, AppVersion):
        row["state"] = value.state.value
    return row


def _value(kind: type[V], row: dict[str, Any]) -> V:
    if kind is HandledMatter:
        row["steps"] = tuple(json.loads(row["steps"]))
    if kind is AppVersion:
        row["state"] = VersionState(row["state"])
    return kind(**row)
