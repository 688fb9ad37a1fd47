"""Tables of alarms: what was unusual on days that are over, and which days were judged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Column, Connection, Float, Integer, Table, Text, select

from exchange.database import metadata
from exchange.oversight.store import Whole

ALARMS = Table(
    "oversight_alarms",
    metadata,
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("hour", Integer, nullable=False),
    Column("provider", Text, nullable=False),
    Column("consumer", Text, nullable=False),
    Column("interface", Text, nullable=False),
    Column("operation", Text, nullable=False),
    Column("observed", Float, nullable=False),
    Column("usual", Float, nullable=False),
    Column("score", Float, nullable=False),
    Column("detail_zh", Text, nullable=False),
    Column("detail_en", Text, nullable=False),
    Column("entry", Whole, nullable=False),
)
WATCHED = Table("oversight_watched", metadata, Column("day", Integer, primary_key=True, autoincrement=False))


def watched(tx: Connection, first: int, last: int) -> set[int]:
    """The days whose alarms are kept."""
    return set(tx.execute(select(WATCHED.c.day).where(WATCHED.c.day.between(first, last))).scalars())


def add_alarms(tx: Connection, days: Iterable[int], found: Mapping[int, Sequence[Mapping[str, Any]]]) -> None:
    """Keep the alarms of days that are over, unless somebody else has just done so."""
    wanted = sorted(days)
    known = watched(tx, wanted[0], wanted[-1]) if wanted else set()
    fresh = [day for day in wanted if day not in known]
    rows = [{"day": day, "number": n, **one} for day in fresh for n, one in enumerate(found.get(day, ()))]
    if fresh:
        tx.execute(WATCHED.insert(), [{"day": day} for day in fresh])
    if rows:
        tx.execute(ALARMS.insert(), rows)


def alarms(tx: Connection, party: str | None, first: int, last: int) -> list[dict[str, Any]]:
    """Alarms kept of days, newest first."""
    query = select(ALARMS).where(ALARMS.c.day.between(first, last))
    if party is not None:
        query = query.where((ALARMS.c.provider == party) | (ALARMS.c.consumer == party))
    rows = tx.execute(query.order_by(ALARMS.c.hour.desc(), ALARMS.c.score.desc()))
    return [{name: value for name, value in row._mapping.items() if name not in ("day", "number")} for row in rows]
