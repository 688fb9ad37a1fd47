"""Tables of push subscriptions, their messages, and events taken in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import JSON, Column, Connection, Index, Integer, LargeBinary, Row, Table, Text, func, select

from exchange.database import metadata
from exchange.pushing.model import WAITING, Fate, Kind, Message, State, Subscription, Tally

SUBSCRIPTIONS = Table(
    "push_subscriptions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("consumer", Text, nullable=False, index=True),
    Column("provider", Text, nullable=False, index=True),
    Column("agreement", Text, nullable=False),
    Column("interface", Text, nullable=False),
    Column("operation", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("destination", Text, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_at", Text, nullable=False),
    Column("every", Text),
    Column("at", Text),
    Column("division", Text),
    Column("division_field", Text),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("position", Integer, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("hold_until", Text),
    Column("next_at", Text),
    Column("job", Text),
    Column("rounds", Integer, nullable=False),
    Column("sealed_call", LargeBinary),
    Column("sealed_secret", LargeBinary, nullable=False),
    Column("sealed_former", LargeBinary),
    Column("former_until", Text),
    Index("ix_push_subscriptions_interface_operation", "interface", "operation"),
)
MESSAGES = Table(
    "push_messages",
    metadata,
    Column("subscription", Text, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("at", Text, nullable=False),
    Column("due_at", Text, nullable=False),
    Column("fate", Text, nullable=False),
    Column("event", Text),
    Column("tries", Integer, nullable=False),
    Column("replays", Integer, nullable=False),
    Column("status", Integer),
    Column("error", Text, nullable=False),
    Column("delivery", Text),
    Column("fields", JSON, nullable=False),
    Column("done_at", Text),
    Column("sealed", LargeBinary),
    Index("ix_push_messages_fate_due_at", "fate", "due_at"),
    Index("ix_push_messages_at", "at"),
)
EVENTS = Table(
    "push_events",
    metadata,
    Column("interface", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("fingerprint", Text, nullable=False),
    Column("at", Text, nullable=False, index=True),
    Column("messages", Integer, nullable=False),
)
_OF = [field.name for field in fields(Subscription)]
_MESSAGE = [field.name for field in fields(Message)]


def add(tx: Connection, value: Subscription, secret: bytes, call: bytes | None) -> None:
    """Insert a subscription with its sealed secret and call."""
    tx.execute(SUBSCRIPTIONS.insert().values(**_row(value, _OF), sealed_secret=secret, sealed_call=call))


def subscription(tx: Connection, id: str) -> Subscription | None:
    """One subscription, or None."""
    row = tx.execute(select(SUBSCRIPTIONS).where(SUBSCRIPTIONS.c.id == id)).first()
    return None if row is None else _subscription(row)


def sealed(tx: Connection, id: str) -> Row[Any, Any, Any, Any]:
    """(sealed_secret, sealed_former, former_until, sealed_call) of a subscription."""
    table = SUBSCRIPTIONS.c
    query = select(table.sealed_secret, table.sealed_former, table.former_until, table.sealed_call)
    return tx.execute(query.where(table.id == id)).one()


def change(tx: Connection, id: str, **values: Any) -> None:
    """Set columns of a subscription."""
    tx.execute(SUBSCRIPTIONS.update().where(SUBSCRIPTIONS.c.id == id).values(**values))


def subscriptions(
    tx: Connection, *, party: str | None = None, after: str | None = None, limit: int | None = None
) -> list[Subscription]:
    """Subscriptions a party is a side of (None: all), oldest first."""
    table = SUBSCRIPTIONS.c
    query = select(SUBSCRIPTIONS).order_by(table.id)
    if party is not None:
        query = query.where((table.consumer == party) | (table.provider == party))
    if after is not None:
        query = query.where(table.id > after)
    return [_subscription(row) for row in tx.execute(query if limit is None else query.limit(limit))]


def live(tx: Connection) -> list[Subscription]:
    """All that are not ended."""
    query = select(SUBSCRIPTIONS).where(SUBSCRIPTIONS.c.state != State.ENDED).order_by(SUBSCRIPTIONS.c.id)
    return [_subscription(row) for row in tx.execute(query)]


def count(tx: Connection, consumer: str) -> int:
    """How many subscriptions of a party are not ended."""
    mine = (SUBSCRIPTIONS.c.consumer == consumer) & (SUBSCRIPTIONS.c.state != State.ENDED)
    found: int = tx.execute(select(func.count()).select_from(SUBSCRIPTIONS).where(mine)).scalar_one()
    return found


def listening(tx: Connection, interface: str, operation: str) -> list[Subscription]:
    """Who waits for events of an operation, paused ones too: what happens meanwhile waits for them."""
    table = SUBSCRIPTIONS.c
    query = select(SUBSCRIPTIONS).where(
        table.interface == interface,
        table.operation == operation,
        table.state != State.ENDED,
        table.every.is_(None),
    )
    return [_subscription(row) for row in tx.execute(query.order_by(table.id))]


def add_message(tx: Connection, value: Message, sealed: bytes) -> None:
    """Insert a message with its sealed content."""
    tx.execute(MESSAGES.insert().values(**_row(value, _MESSAGE) | {"fields": list(value.fields)}, sealed=sealed))


def message(tx: Connection, subscription: str, position: int) -> tuple[Message, bytes | None] | None:
    """A message with its sealed content, or None."""
    this = (MESSAGES.c.subscription == subscription) & (MESSAGES.c.position == position)
    row = tx.execute(select(MESSAGES).where(this)).first()
    return None if row is None else (_message(row), row.sealed)


def change_message(tx: Connection, value: Message, **values: Any) -> None:
    """Set columns of a message."""
    this = (MESSAGES.c.subscription == value.subscription) & (MESSAGES.c.position == value.position)
    tx.execute(MESSAGES.update().where(this).values(**values))


def due(tx: Connection, subscription: str, now: str) -> Message | None:
    """The first message of a subscription whose turn it is."""
    table = MESSAGES.c
    query = select(MESSAGES).where(table.subscription == subscription, table.fate.in_(WAITING), table.due_at <= now)
    row = tx.execute(query.order_by(table.position).limit(1)).first()
    return None if row is None else _message(row)


def unasked(tx: Connection, subscription: str) -> bool:
    """Whether a message of a subscription still waits for its record to be asked for."""
    query = select(MESSAGES.c.id).where(MESSAGES.c.subscription == subscription, MESSAGES.c.fate == Fate.ASKED)
    return tx.execute(query.limit(1)).first() is not None


def hasten(tx: Connection, subscription: str, now: str) -> None:
    """Let everything that waits for a subscription be due."""
    late = (MESSAGES.c.subscription == subscription) & MESSAGES.c.fate.in_(WAITING) & (MESSAGES.c.due_at > now)
    tx.execute(MESSAGES.update().where(late).values(due_at=now))


def with_due(tx: Connection, now: str) -> set[str]:
    """Subscriptions with a message whose turn it is."""
    query = select(MESSAGES.c.subscription).where(MESSAGES.c.fate.in_(WAITING), MESSAGES.c.due_at <= now)
    return set(tx.execute(query.distinct()).scalars())


def newest(tx: Connection, subscription: str, *, fate: str | None, limit: int, offset: int) -> list[Message]:
    """Messages of a subscription, the last one first."""
    query = select(MESSAGES).where(MESSAGES.c.subscription == subscription).order_by(MESSAGES.c.position.desc())
    if fate is not None:
        query = query.where(MESSAGES.c.fate == fate)
    return [_message(row) for row in tx.execute(query.limit(limit).offset(offset))]


def messages(
    tx: Connection, subscription: str, *, fate: str | None = None, after: int | None = None, limit: int
) -> list[Message]:
    """Messages of a subscription by position."""
    query = select(MESSAGES).where(MESSAGES.c.subscription == subscription).order_by(MESSAGES.c.position)
    if fate is not None:
        query = query.where(MESSAGES.c.fate == fate)
    if after is not None:
        query = query.where(MESSAGES.c.position > after)
    return [_message(row) for row in tx.execute(query.limit(limit))]


def replay(tx: Connection, subscription: str, first: int, last: int | None, fates: Sequence[Fate], now: str) -> int:
    """Put messages with content back into the queue; how many there are."""
    table = MESSAGES.c
    chosen = [
        table.subscription == subscription,
        table.position >= first,
        table.fate.in_(fates),
        table.sealed.is_not(None),
    ]
    if last is not None:
        chosen.append(table.position <= last)
    # what was never receipted is asked again, the rest is only sent again
    for fate, receipted in ((Fate.ASKED, table.delivery.is_(None)), (Fate.READY, table.delivery.is_not(None))):
        values = {"tries": 0, "due_at": now, "error": "", "status": None, "done_at": None}
        found = MESSAGES.update().where(*chosen, receipted)
        tx.execute(found.values(fate=f"again-{fate}", replays=table.replays + 1, **values))
    moved = 0
    for fate in (Fate.ASKED, Fate.READY):
        this = (table.subscription == subscription) & (table.fate == f"again-{fate}")
        moved += tx.execute(MESSAGES.update().where(this).values(fate=fate)).rowcount
    return moved


def withhold(tx: Connection, subscription: str, now: str) -> int:
    """Give up what waits for a subscription and forget its content; how many there were."""
    mine = MESSAGES.c.subscription == subscription
    waiting = mine & MESSAGES.c.fate.in_(WAITING)
    given_up = tx.execute(MESSAGES.update().where(waiting).values(fate=Fate.WITHHELD, done_at=now)).rowcount
    tx.execute(MESSAGES.update().where(mine).values(sealed=None))
    return given_up


def has_old(tx: Connection, before: str, listed: str) -> bool:
    """Whether `forget` has something to do."""
    old = select(MESSAGES.c.id).where(MESSAGES.c.at < before, MESSAGES.c.sealed.is_not(None))
    known = select(EVENTS.c.id).where(EVENTS.c.at < before)
    shown = select(MESSAGES.c.id).where(MESSAGES.c.at < listed)
    return any(tx.execute(query.limit(1)).first() is not None for query in (old, known, shown))


def forget(tx: Connection, before: str, listed: str, now: str) -> int:
    """Forget content older than ``before``, whole messages older than ``listed``; what still waited has expired. How
    many of these there were.
    """
    old = (MESSAGES.c.at < before) & MESSAGES.c.sealed.is_not(None)
    lost = old & MESSAGES.c.fate.in_(WAITING)
    expired = tx.execute(MESSAGES.update().where(lost).values(fate=Fate.EXPIRED, done_at=now)).rowcount
    tx.execute(MESSAGES.update().where(old).values(sealed=None))
    tx.execute(MESSAGES.delete().where(MESSAGES.c.at < min(before, listed)))
    tx.execute(EVENTS.delete().where(EVENTS.c.at < before))
    return expired


def event(tx: Connection, interface: str, id: str) -> Row[Any] | None:
    """Row of an event taken in before, or None."""
    return tx.execute(select(EVENTS).where(EVENTS.c.interface == interface, EVENTS.c.id == id)).first()


def add_event(tx: Connection, interface: str, id: str, fingerprint: str, at: str, messages: int) -> None:
    """Remember an event, so that it counts once."""
    row = {"interface": interface, "id": id, "fingerprint": fingerprint, "at": at, "messages": messages}
    tx.execute(EVENTS.insert().values(**row))


def tallies(tx: Connection, ids: Sequence[str]) -> Mapping[str, Tally]:
    """What became of the messages of these subscriptions."""
    table = MESSAGES.c
    times = func.min(table.at), func.max(table.done_at)
    query = select(table.subscription, table.fate, func.count(), *times).where(table.subscription.in_(ids))
    counts: dict[str, dict[Fate, int]] = {id: {} for id in ids}
    oldest: dict[str, str] = {}
    latest: dict[str, str] = {}
    for subscription, fate, number, first, last in tx.execute(query.group_by(table.subscription, table.fate)):
        counts[subscription][Fate(fate)] = number
        if fate == Fate.DELIVERED:
            latest[subscription] = last
        if fate in WAITING:
            oldest[subscription] = min(first, oldest.get(subscription, first))
    return {id: Tally(counts[id], oldest.get(id), latest.get(id)) for id in ids}


def _row(value: Any, names: Sequence[str]) -> dict[str, Any]:
    return {name: getattr(value, name) for name in names}


def _subscription(row: Row[Any]) -> Subscription:
    values = {name: row._mapping[name] for name in _OF}
    return Subscription(**values | {"kind": Kind(row.kind), "state": State(row.state)})


def _message(row: Row[Any]) -> Message:
    values = {name: row._mapping[name] for name in _MESSAGE}
    return Message(**values | {"fate": Fate(row.fate), "fields": tuple(row.fields)})
