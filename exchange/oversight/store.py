"""Tables of oversight: what the ledger tells, added up by channel and time, and where the adding up stands."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import orjson
from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    Row,
    Table,
    Text,
    func,
    literal_column,
    select,
    union_all,
)
from sqlalchemy.dialects import postgresql, sqlite

from exchange.database import metadata
from exchange.oversight.model import Channel, Filter, Overdue, Sum, months_within

Whole = BigInteger().with_variant(Integer, "sqlite")

HEAD = Table(
    "oversight_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("next", Whole, nullable=False),
)
CHANNELS = Table(
    "oversight_channels",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("key", Text, nullable=False, unique=True),
    Column("provider", Text, nullable=False),
    Column("consumer", Text, nullable=False),
    Column("interface", Text, nullable=False),
    Column("operation", Text, nullable=False),
    Column("agreement", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("law", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("fields", JSON, nullable=False),
    Column("sensitivity", Text, nullable=False),
    Column("claimed", Text, nullable=False),
    Column("base", Text, nullable=False, index=True),
    Column("began", Integer, nullable=False),
)
BESIDE = Table(
    "oversight_beside",
    metadata,
    Column("agreement", Text, primary_key=True),
    Column("field", Text, primary_key=True),
    Column("first", Integer, nullable=False),
    Column("last", Integer, nullable=False),
)
MONTHS = Table(
    "oversight_months",
    metadata,
    Column("month", Integer, primary_key=True, autoincrement=False),
    Column("channel", Integer, primary_key=True, autoincrement=False),
    Column("calls", Whole, nullable=False),
    Column("records", Whole, nullable=False),
    Column("entry", Whole, nullable=False),
)
DAYS = Table(
    "oversight_days",
    metadata,
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("channel", Integer, primary_key=True, autoincrement=False),
    Column("calls", Whole, nullable=False),
    Column("records", Whole, nullable=False),
    Column("entry", Whole, nullable=False),
)
HOURS = Table(
    "oversight_hours",
    metadata,
    Column("hour", Integer, primary_key=True, autoincrement=False),
    Column("channel", Integer, primary_key=True, autoincrement=False),
    Column("calls", Whole, nullable=False),
    Column("records", Whole, nullable=False),
    Column("entry", Whole, nullable=False),
)
EVENTS = Table(
    "oversight_events",
    metadata,
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("party", Text, primary_key=True),
    Column("role", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("detail", Text, primary_key=True),
    Column("times", Whole, nullable=False),
)
BREACHES = Table(
    "oversight_breaches",
    metadata,
    Column("clock", Text, primary_key=True),
    Column("rule", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("party", Text, nullable=False),
    Column("due", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("entry", Whole, nullable=False),
    Index("ix_oversight_breaches_subject", "subject"),
)
_MOST_OVERDUE = 500
MOST_WORDS = 5000
"""Channels asked for in one query."""

Counts = Mapping[tuple[int, int], Sequence[int]]
"""(hour or day, channel) → calls, records, newest entry."""


def head(tx: Connection) -> int:
    """Index of the first ledger entry not yet added up."""
    return int(tx.execute(select(HEAD.c.next).where(HEAD.c.id == 1)).scalar() or 0)


def move(tx: Connection, after: int) -> None:
    """Everything before ``after`` is added up."""
    if tx.execute(HEAD.update().where(HEAD.c.id == 1).values(next=after)).rowcount == 0:
        tx.execute(HEAD.insert().values(id=1, next=after))


def known(tx: Connection, keys: Iterable[str]) -> dict[str, int]:
    """Key → id of the channels that are there already."""
    found: dict[str, int] = {}
    wanted = list(keys)
    for at in range(0, len(wanted), 500):
        query = select(CHANNELS.c.key, CHANNELS.c.id).where(CHANNELS.c.key.in_(wanted[at : at + 500]))
        found |= {row.key: row.id for row in tx.execute(query)}
    return found


def variants(tx: Connection, bases: Iterable[str]) -> dict[str, int]:
    """Base → how many channels there are that differ in their fields only."""
    found: dict[str, int] = {}
    wanted = list(bases)
    for at in range(0, len(wanted), 500):
        query = select(CHANNELS.c.base, func.count()).where(CHANNELS.c.base.in_(wanted[at : at + 500]))
        found |= {row[0]: int(row[1]) for row in tx.execute(query.group_by(CHANNELS.c.base))}
    return found


def add_beside(tx: Connection, seen: Mapping[tuple[str, str], tuple[int, int]]) -> None:
    """Keep that fields left which their channel does not name: (agreement, field) → first and last day."""
    dialect = postgresql if tx.dialect.name == "postgresql" else sqlite
    insert = dialect.insert(BESIDE)
    # days come in order, so the first stays
    query = insert.on_conflict_do_update(
        index_elements=list(BESIDE.primary_key.columns), set_={"last": insert.excluded["last"]}
    )
    rows = [{"agreement": a, "field": f, "first": first, "last": last} for (a, f), (first, last) in seen.items()]
    for at in range(0, len(rows), 1000):
        tx.execute(query, rows[at : at + 1000])


def beside(tx: Connection, agreements: Sequence[str], first: int, last: int) -> dict[str, set[str]]:
    """Agreement → fields that left, between two days, without being named in a channel."""
    found: dict[str, set[str]] = {}
    for at in range(0, len(agreements), 500):
        query = select(BESIDE.c.agreement, BESIDE.c.field).where(
            BESIDE.c.agreement.in_(agreements[at : at + 500]), BESIDE.c.first <= last, BESIDE.c.last >= first
        )
        for agreement, name in tx.execute(query):
            found.setdefault(agreement, set()).add(name)
    return found


def add_channels(tx: Connection, made: Mapping[str, Channel], began: Mapping[str, int]) -> dict[str, int]:
    """Write channels under fresh numbers, each with the hour of its first call; key → id."""
    if not made:
        return {}
    first = int(tx.execute(select(func.coalesce(func.max(CHANNELS.c.id), 0))).scalar_one()) + 1
    numbered = {key: first + place for place, key in enumerate(made)}
    rows = [
        asdict(channel)
        | {"id": numbered[key], "key": key, "base": base(channel), "fields": list(channel.fields)}
        | {"began": began[key]}
        for key, channel in made.items()
    ]
    tx.execute(CHANNELS.insert(), rows)
    return numbered


def add(tx: Connection, table: Table, counts: Counts) -> None:
    """Add counts to `HOURS`, `DAYS` or `MONTHS`."""
    time = table.c[0].name
    rows = [
        {time: when, "channel": channel, "calls": calls, "records": records, "entry": entry}
        for (when, channel), (calls, records, entry) in counts.items()
    ]
    _upsert(tx, table, rows, ("calls", "records"), latest="entry")


def add_events(tx: Connection, counts: Mapping[tuple[int, str, str, str, str], int]) -> None:
    """Add to the events of parties; keys are (day, party, role, kind, detail)."""
    names = ("day", "party", "role", "kind", "detail")
    _upsert(tx, EVENTS, [dict(zip(names, key, strict=True)) | {"times": n} for key, n in counts.items()], ("times",))


def _upsert(
    tx: Connection, table: Table, rows: list[dict[str, Any]], added: Sequence[str], latest: str | None = None
) -> None:
    if not rows:
        return
    dialect = postgresql if tx.dialect.name == "postgresql" else sqlite
    insert = dialect.insert(table)
    changed: dict[str, Any] = {name: table.c[name] + insert.excluded[name] for name in added}
    if latest is not None:
        changed[latest] = insert.excluded[latest]
    tx.execute(insert.on_conflict_do_update(index_elements=list(table.primary_key.columns), set_=changed), rows)


def add_breaches(tx: Connection, breaches: Sequence[Overdue]) -> None:
    """Keep clocks that ran out."""
    if breaches:
        tx.execute(BREACHES.insert(), [asdict(breach) for breach in breaches])


def breached(tx: Connection, subjects: Sequence[str]) -> set[str]:
    """Those of the subjects for which a clock ran out."""
    if not subjects:
        return set()
    return set(tx.execute(select(BREACHES.c.subject).where(BREACHES.c.subject.in_(subjects))).scalars())


def breaches(tx: Connection, party: str | None) -> list[Overdue]:
    """Clocks that ran out, newest first, at most 500."""
    query = select(BREACHES).order_by(BREACHES.c.entry.desc()).limit(_MOST_OVERDUE)
    if party is not None:
        query = query.where(BREACHES.c.party == party)
    return [Overdue(**row._mapping) for row in tx.execute(query)]


def sums(tx: Connection, wish: Filter, party: str | None) -> list[Sum]:
    """One `Sum` for each channel let through that has calls in the period; ``party`` narrows to either side."""
    first, last = wish.days
    whole, before, after = months_within(first, last)
    parts = [
        select(table.c.channel, table.c.calls, table.c.records, table.c.entry).where(table.c[0].between(*span))
        for table, span in ((MONTHS, whole), (DAYS, before), (DAYS, after))
        if span[0] <= span[1]
    ]
    if not parts:
        return []
    each = union_all(*parts).subquery()
    counted = (
        select(
            each.c.channel,
            func.sum(each.c.calls).label("calls"),
            func.sum(each.c.records).label("records"),
            func.max(each.c.entry).label("last"),
        )
        .group_by(each.c.channel)
        .subquery()
    )
    columns = (counted.c.calls, counted.c.records, counted.c.last)
    query = select(CHANNELS, *columns).join(counted, counted.c.channel == CHANNELS.c.id)
    rows = tx.execute(_narrowed(query, wish, party))
    made = [Sum(row.id, _channel(row), int(row.calls), int(row.records), int(row.last)) for row in rows]
    return [one for one in made if wish.passes(one.channel)]


def channels(tx: Connection, party: str | None) -> dict[int, Channel]:
    """Every channel of a party (or all), by number."""
    return {row.id: _channel(row) for row in tx.execute(_narrowed(select(CHANNELS), Filter(), party))}


def by_time(tx: Connection, table: Table, wanted: Sequence[int], first: int, last: int) -> list[Row[Any]]:
    """Rows (hour or day, channel, calls, records, entry) of the channels wanted, in order of time."""
    chosen = set(wanted)
    query = select(table).where(table.c[0].between(first, last)).order_by(table.c[0])
    return [row for row in tx.execute(query).all() if row[1] in chosen]


def forget_hours(tx: Connection, before: int) -> None:
    """Drop hours nobody compares with any more; the days stay."""
    tx.execute(HOURS.delete().where(HOURS.c.hour < before))


def first_hours(tx: Connection) -> dict[int, int]:
    """Channel → the hour of its first call."""
    return {row[0]: int(row[1]) for row in tx.execute(select(CHANNELS.c.id, CHANNELS.c.began))}


def totals(tx: Connection, wanted: Sequence[int] | None, first: int, last: int) -> list[tuple[int, str, int, int]]:
    """(day, state, calls, records) over the channels wanted (None: all), in order of days."""
    states: dict[str, list[int]] = {}
    inside = None if wanted is None else set(wanted)
    for row in tx.execute(select(CHANNELS.c.id, CHANNELS.c.state)):
        if inside is None or row.id in inside:
            states.setdefault(row.state, []).append(row.id)
    counted: dict[tuple[int, str], list[int]] = {}
    period = DAYS.c.day.between(first, last)
    days = select(DAYS.c.day, func.sum(DAYS.c.calls), func.sum(DAYS.c.records)).where(period).group_by(DAYS.c.day)
    for state, channels in states.items():
        for at in range(0, len(channels), MOST_WORDS):
            # a number in the text costs less than a word beside it, and there is no other way to ask for so many
            among = DAYS.c.channel.in_([literal_column(str(one)) for one in channels[at : at + MOST_WORDS]])
            for day, calls, records in tx.execute(days.where(among)):
                cell = counted.setdefault((day, state), [0, 0])
                cell[0] += int(calls)
                cell[1] += int(records)
    return [(day, state, calls, records) for (day, state), (calls, records) in sorted(counted.items())]


def events(tx: Connection, party: str | None, first: int, last: int) -> dict[tuple[str, str, str, str], int]:
    """(party, role, kind, detail) → how often in the period."""
    columns = (EVENTS.c.party, EVENTS.c.role, EVENTS.c.kind, EVENTS.c.detail)
    query = select(*columns, func.sum(EVENTS.c.times)).where(EVENTS.c.day.between(first, last)).group_by(*columns)
    if party is not None:
        query = query.where(EVENTS.c.party == party)
    return {(row[0], row[1], row[2], row[3]): int(row[4]) for row in tx.execute(query)}


def _narrowed(query: Any, wish: Filter, party: str | None) -> Any:
    words = {"provider": wish.provider, "consumer": wish.consumer, "interface": wish.interface}
    words |= {"purpose": wish.purpose, "law": wish.law, "state": wish.outcome, "rule": wish.rule}
    words["claimed"] = wish.claimed
    for name, value in words.items():
        if value:
            query = query.where(CHANNELS.c[name] == value)
    if party is not None:
        query = query.where((CHANNELS.c.provider == party) | (CHANNELS.c.consumer == party))
    return query


def _channel(row: Row[Any]) -> Channel:
    return Channel(
        row.provider,
        row.consumer,
        row.interface,
        row.operation,
        row.agreement,
        row.purpose,
        row.law,
        row.state,
        row.rule,
        tuple(row.fields),
        row.sensitivity,
        row.claimed,
    )


def key(channel: Channel) -> str:
    """SHA-256 (hex) of what tells a channel from every other: a text of one length, which every database can index."""
    return _digest(channel, Channel.__dataclass_fields__)


def base(channel: Channel) -> str:
    """The same of everything but the fields and their class."""
    return _digest(channel, [name for name in Channel.__dataclass_fields__ if name not in ("fields", "sensitivity")])


def _digest(channel: Channel, names: Iterable[str]) -> str:
    return hashlib.sha256(orjson.dumps([getattr(channel, name) for name in names])).hexdigest()
