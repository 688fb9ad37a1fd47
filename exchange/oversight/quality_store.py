"""Tables of quality: how each day's samples did, and the tickets providers have to answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Column, Connection, Index, Integer, Table, Text, func, select
from sqlalchemy.dialects import postgresql, sqlite

from exchange.database import metadata


@dataclass(frozen=True, slots=True)
class Ticket:
    """质量工单: something a provider delivers again and again that its own contract forbids.

    ``source``: ``sample`` (an expectation on sampled records) or ``spec`` (answers that broke the interface and never
    left). ``state``: open | acknowledged | fixed | kept. ``rows``, ``broken``: of the newest sample.
    ``last``: the newest finding counted.
    """

    id: str
    provider: str
    interface: str
    operation: str
    source: str
    rule: str
    field: str
    pointer: str
    first_at: str
    last_at: str
    times: int
    rows: int
    broken: int
    state: str = "open"
    note: str = ""
    by: str = ""
    last: str = ""

    @property
    def key(self) -> tuple[str, str, str, str, str]:
        """What makes a later finding the same."""
        return self.interface, self.operation, self.source, self.rule, self.field

    def to_dict(self) -> dict[str, Any]:
        """The JSON shape of the API."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "last"}


TICKETS = Table(
    "quality_tickets",
    metadata,
    Column("id", Text, primary_key=True),
    Column("provider", Text, nullable=False, index=True),
    Column("interface", Text, nullable=False),
    Column("operation", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("field", Text, nullable=False),
    Column("pointer", Text, nullable=False),
    Column("first_at", Text, nullable=False),
    Column("last_at", Text, nullable=False),
    Column("times", Integer, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("broken", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("last", Text, nullable=False),
    Index("ix_quality_tickets_what", "interface", "operation", "source", "rule", "field"),
)
SAMPLES = Table(
    "quality_samples",
    metadata,
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("interface", Text, primary_key=True),
    Column("operation", Text, primary_key=True),
    Column("provider", Text, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("checks", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
)


def find(tx: Connection, key: tuple[str, str, str, str, str]) -> Ticket | None:
    """The newest ticket about the same thing."""
    names = ("interface", "operation", "source", "rule", "field")
    query = select(TICKETS).order_by(TICKETS.c.id.desc()).limit(1)
    for name, value in zip(names, key, strict=True):
        query = query.where(TICKETS.c[name] == value)
    row = tx.execute(query).first()
    return None if row is None else Ticket(**row._mapping)


def save(tx: Connection, ticket: Ticket) -> None:
    """Insert or replace a ticket."""
    row = asdict(ticket)
    if tx.execute(TICKETS.update().where(TICKETS.c.id == ticket.id).values(**row)).rowcount == 0:
        tx.execute(TICKETS.insert().values(**row))


def ticket(tx: Connection, id: str) -> Ticket | None:
    """One ticket, or None."""
    row = tx.execute(select(TICKETS).where(TICKETS.c.id == id)).first()
    return None if row is None else Ticket(**row._mapping)


def tickets(tx: Connection, *, provider: str | None, states: Iterable[str] = (), limit: int = 500) -> list[Ticket]:
    """Tickets, those seen last first."""
    query = select(TICKETS).order_by(TICKETS.c.last_at.desc(), TICKETS.c.id.desc()).limit(limit)
    if provider is not None:
        query = query.where(TICKETS.c.provider == provider)
    if wanted := list(states):
        query = query.where(TICKETS.c.state.in_(wanted))
    return [Ticket(**row._mapping) for row in tx.execute(query)]


def unsettled(tx: Connection) -> Counter[str]:
    """Provider → tickets that are open or acknowledged."""
    query = select(TICKETS.c.provider, func.count()).where(TICKETS.c.state.in_(("open", "acknowledged")))
    return Counter({row[0]: int(row[1]) for row in tx.execute(query.group_by(TICKETS.c.provider))})


def newest_finding(tx: Connection) -> str:
    """The newest of the broker's findings that is in a ticket."""
    return str(tx.execute(select(func.max(TICKETS.c.last))).scalar() or "")


def add_sample(
    tx: Connection, day: int, interface: str, operation: str, provider: str, rows: int, checks: int, failed: int
) -> None:
    """Add a judged sample to its day."""
    dialect = postgresql if tx.dialect.name == "postgresql" else sqlite
    values = {"day": day, "interface": interface, "operation": operation, "provider": provider}
    insert = dialect.insert(SAMPLES).values(**values, rows=rows, checks=checks, failed=failed)
    added = {name: SAMPLES.c[name] + insert.excluded[name] for name in ("rows", "checks", "failed")}
    tx.execute(insert.on_conflict_do_update(index_elements=list(SAMPLES.primary_key.columns), set_=added))


def samples(tx: Connection, *, provider: str | None, first: int, last: int) -> list[dict[str, Any]]:
    """Judged samples, day by day."""
    query = select(SAMPLES).where(SAMPLES.c.day.between(first, last)).order_by(SAMPLES.c.day, SAMPLES.c.interface)
    if provider is not None:
        query = query.where(SAMPLES.c.provider == provider)
    return [dict(row._mapping) for row in tx.execute(query)]
