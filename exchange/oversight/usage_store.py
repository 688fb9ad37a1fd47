"""Tables of disclosure rules and of codes on their way. No citizen number is ever in one: keyed hashes only."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy import Column, Connection, Integer, LargeBinary, Table, Text, select

from exchange.database import metadata
from exchange.oversight.disclosure import Action, Rule

RULES = Table(
    "disclosure_rules",
    metadata,
    Column("id", Text, primary_key=True),
    Column("action", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("law", Text, nullable=False),
    Column("interface", Text, nullable=False),
    Column("consumer", Text, nullable=False),
    Column("delay_days", Integer, nullable=False),
    Column("basis", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("review_on", Text, nullable=False),
    Column("ended_at", Text),
    Column("viewer", Text, nullable=False),
)
CODES = Table(
    "identity_codes",
    metadata,
    Column("id", Text, primary_key=True),
    Column("code", LargeBinary, nullable=False),
    Column("expires_at", Text, nullable=False),
    Column("tries", Integer, nullable=False),
)
LIMITS = Table(
    "identity_limits",
    metadata,
    Column("key", LargeBinary, primary_key=True),
    Column("since", Text, nullable=False),
    Column("times", Integer, nullable=False),
)


def add_rule(tx: Connection, rule: Rule) -> None:
    """Insert a rule."""
    tx.execute(RULES.insert().values(**asdict(rule) | {"action": rule.action.value}))


def end_rule(tx: Connection, id: str, at: str) -> bool:
    """A rule holds no more; whether there was one."""
    live = (RULES.c.id == id) & RULES.c.ended_at.is_(None)
    return bool(tx.execute(RULES.update().where(live).values(ended_at=at)).rowcount)


def rules(tx: Connection, *, in_force: bool = True) -> list[Rule]:
    """Rules, newest first."""
    query = select(RULES).order_by(RULES.c.id.desc())
    if in_force:
        query = query.where(RULES.c.ended_at.is_(None))
    return [_rule(row._mapping) for row in tx.execute(query)]


def add_code(tx: Connection, id: str, code: bytes, expires_at: str, now: str) -> None:
    """Keep what a code must be; codes that have run out are cleared."""
    tx.execute(CODES.delete().where(CODES.c.expires_at <= now))
    tx.execute(CODES.insert().values(id=id, code=code, expires_at=expires_at, tries=0))


def try_code(tx: Connection, id: str, now: str, most: int) -> bytes | None:
    """What the code must be, counting the try; None when it has run out or was tried too often."""
    live = (CODES.c.id == id) & (CODES.c.expires_at > now) & (CODES.c.tries < most)
    if tx.execute(CODES.update().where(live).values(tries=CODES.c.tries + 1)).rowcount == 0:
        return None
    found = tx.execute(select(CODES.c.code).where(CODES.c.id == id)).scalar_one()
    return bytes(found)


def drop_code(tx: Connection, id: str) -> None:
    """A code works once."""
    tx.execute(CODES.delete().where(CODES.c.id == id))


def count(tx: Connection, key: bytes, now: str, since: str) -> int:
    """Count one more for a key; gives how many in the present window. Windows older than ``since`` are cleared."""
    tx.execute(LIMITS.delete().where(LIMITS.c.since <= since))
    if tx.execute(LIMITS.update().where(LIMITS.c.key == key).values(times=LIMITS.c.times + 1)).rowcount == 0:
        tx.execute(LIMITS.insert().values(key=key, since=now, times=1))
    return int(tx.execute(select(LIMITS.c.times).where(LIMITS.c.key == key)).scalar_one())


def _rule(row: Any) -> Rule:
    return Rule(**{**row, "action": Action(row["action"])})
