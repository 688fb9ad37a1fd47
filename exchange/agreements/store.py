"""Tables of applications, agreements, clocks and the calendar."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Index,
    Integer,
    Row,
    Table,
    Text,
    bindparam,
    false,
    func,
    select,
)

from exchange.agreements.calendar import Year, days, year
from exchange.agreements.clocks import Running
from exchange.agreements.model import Agreement, AgreementState, Application, ApplicationState, Reply, Sharing
from exchange.agreements.wish import Gap, Mode, Wish
from exchange.database import metadata

APPLICATIONS = Table(
    "applications",
    metadata,
    Column("id", Text, primary_key=True),
    Column("consumer", Text, nullable=False, index=True),
    Column("provider", Text, nullable=False, index=True),
    Column("state", Text, nullable=False),
    Column("sharing", Text, nullable=False),
    Column("wish", JSON, nullable=False),
    Column("missing", JSON, nullable=False),
    Column("reply", JSON),
    Column("agreement", Text),
    Column("filed_by", Text, nullable=False),
    Column("filed_at", Text, nullable=False),
    Column("completed_at", Text),
)
AGREEMENTS = Table(
    "agreements",
    metadata,
    Column("id", Text, primary_key=True),
    Column("application", Text),
    Column("consumer", Text, nullable=False),
    Column("provider", Text, nullable=False, index=True),
    Column("interface", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("legal_basis", Text, nullable=False),
    Column("scenario", Text, nullable=False),
    Column("fields", JSON, nullable=False),
    Column("scope", JSON, nullable=False),
    Column("starts_at", Text, nullable=False),
    Column("expires_at", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("matter", Text),
    Column("terms", JSON, nullable=False),
    Column("reason", Text, nullable=False),
    Index("ix_agreements_consumer_interface", "consumer", "interface"),
)
_OF_CONSUMER = (
    select(AGREEMENTS)
    .where(
        AGREEMENTS.c.consumer == bindparam("wanted_consumer"),
        AGREEMENTS.c.interface == bindparam("wanted_interface"),
    )
    .order_by(AGREEMENTS.c.id.desc())
)
CLOCKS = Table(
    "clocks",
    metadata,
    Column("id", Text, primary_key=True),
    Column("rule", Text, nullable=False),
    Column("subject", Text, nullable=False, index=True),
    Column("party", Text, nullable=False, index=True),
    Column("started", Text, nullable=False),
    Column("due", Text, index=True),
    Column("provisional", Boolean, nullable=False),
    Column("extended", Integer, nullable=False),
    Column("former", JSON, nullable=False),
    Column("met_at", Text),
    Column("breached_at", Text),
    Column("code", Text),
    Column("stood", Integer, nullable=False, server_default="0"),
    Column("stopped_on", Text),
    Column("outcome", Text),
)
YEARS = Table(
    "calendar_years",
    metadata,
    Column("year", Integer, primary_key=True, autoincrement=False),
    Column("source", Text, nullable=False),
    Column("holidays", JSON, nullable=False),
    Column("workdays", JSON, nullable=False),
    Column("provisional", Boolean, nullable=False, server_default=false()),
)


def save_application(tx: Connection, value: Application) -> None:
    """Insert or replace an application."""
    _save(tx, APPLICATIONS, asdict(value))


def application(tx: Connection, id: str, *, lock: bool = False) -> Application | None:
    """One application, or None. ``lock``: nobody else changes it before this transaction ends."""
    query = select(APPLICATIONS).where(APPLICATIONS.c.id == id)
    row = tx.execute(query.with_for_update() if lock else query).first()
    return None if row is None else _application(row)


def applications(
    tx: Connection, *, party: str | None, after: str | None = None, limit: int | None = None, state: str | None = None
) -> list[Application]:
    """Applications by id; ``party`` narrows to those it filed or has to answer."""
    query = select(APPLICATIONS).order_by(APPLICATIONS.c.id)
    if party is not None:
        query = query.where((APPLICATIONS.c.consumer == party) | (APPLICATIONS.c.provider == party))
    if after is not None:
        query = query.where(APPLICATIONS.c.id > after)
    if state is not None:
        query = query.where(APPLICATIONS.c.state == state)
    return [_application(row) for row in tx.execute(query if limit is None else query.limit(limit))]


def newest_applications(
    tx: Connection, *, party: str | None, states: Collection[str], limit: int, offset: int
) -> tuple[list[Application], int]:
    """A page of the applications in these states (none: in any), the newest first, and how many there are in all."""
    where = _of_side(APPLICATIONS, party)
    if states:
        where.append(APPLICATIONS.c.state.in_(states))
    rows, total = _newest(tx, APPLICATIONS, where, limit, offset)
    return [_application(row) for row in rows], total


def newest_agreements(tx: Connection, *, party: str | None, limit: int, offset: int) -> tuple[list[Agreement], int]:
    """A page of the agreements a party is a side of, the newest first, and how many there are in all."""
    rows, total = _newest(tx, AGREEMENTS, _of_side(AGREEMENTS, party), limit, offset)
    return [_agreement(row) for row in rows], total


def save_agreement(tx: Connection, value: Agreement) -> None:
    """Insert or replace an agreement."""
    row = asdict(value)
    _save(tx, AGREEMENTS, row | {"scope": {key: list(templates) for key, templates in value.scope.items()}})


def agreement(tx: Connection, id: str, *, lock: bool = False) -> Agreement | None:
    """One agreement, or None. ``lock``: nobody else changes it before this transaction ends."""
    query = select(AGREEMENTS).where(AGREEMENTS.c.id == id)
    row = tx.execute(query.with_for_update() if lock else query).first()
    return None if row is None else _agreement(row)


def agreements(
    tx: Connection,
    *,
    party: str | None = None,
    consumer: str | None = None,
    interface: str | None = None,
    matter: str | None = None,
    after: str | None = None,
    limit: int | None = None,
) -> list[Agreement]:
    """Agreements by id; ``party`` narrows to either side."""
    query = select(AGREEMENTS).order_by(AGREEMENTS.c.id)
    if party is not None:
        query = query.where((AGREEMENTS.c.consumer == party) | (AGREEMENTS.c.provider == party))
    for column, wanted in (("consumer", consumer), ("interface", interface), ("matter", matter)):
        if wanted is not None:
            query = query.where(AGREEMENTS.c[column] == wanted)
    if after is not None:
        query = query.where(AGREEMENTS.c.id > after)
    return [_agreement(row) for row in tx.execute(query if limit is None else query.limit(limit))]


def of_consumer(tx: Connection, consumer: str, interface: str) -> list[Agreement]:
    """All agreements of one consumer for one interface, newest first: asked at every call."""
    rows = tx.execute(_OF_CONSUMER, {"wanted_consumer": consumer, "wanted_interface": interface})
    return [_agreement(row) for row in rows]


def holders(tx: Connection, interface: str, now: str) -> list[str]:
    """Consumers with an agreement on an interface whose time has not passed, in force or suspended."""
    live = AGREEMENTS.c.state.in_([AgreementState.ACTIVE, AgreementState.SUSPENDED])
    query = select(AGREEMENTS.c.consumer).where(AGREEMENTS.c.interface == interface, live)
    return sorted(set(tx.execute(query.where(AGREEMENTS.c.expires_at > now)).scalars()))


def is_purpose(tx: Connection, text: str) -> bool:
    """Whether some agreement has this purpose."""
    return tx.execute(select(AGREEMENTS.c.id).where(AGREEMENTS.c.purpose == text).limit(1)).first() is not None


def lapsed(tx: Connection, now: str, limit: int | None = None) -> list[Agreement]:
    """Agreements whose time has passed and whose row does not say so yet."""
    live = AGREEMENTS.c.state.in_([AgreementState.ACTIVE, AgreementState.SUSPENDED])
    query = select(AGREEMENTS).where(live, AGREEMENTS.c.expires_at <= now).order_by(AGREEMENTS.c.id).limit(limit)
    return [_agreement(row) for row in tx.execute(query)]


def save_clock(tx: Connection, value: Running) -> None:
    """Insert or replace a clock."""
    row = asdict(value)
    days_as_text = {name: row[name] and str(row[name]) for name in ("started", "due", "stopped_on")}
    _save(tx, CLOCKS, row | days_as_text)


def clock(tx: Connection, id: str) -> Running | None:
    """One clock, or None."""
    row = tx.execute(select(CLOCKS).where(CLOCKS.c.id == id)).first()
    return None if row is None else _clock(row)


def clocks(
    tx: Connection,
    *,
    subject: str | None = None,
    subjects: Collection[str] | None = None,
    ids: Collection[str] | None = None,
    rule: str | None = None,
    open_only: bool = False,
    late_on: date | None = None,
    due_by: date | None = None,
    limit: int | None = None,
) -> list[Running]:
    """Clocks in order of their due day. ``late_on``: only those open past their day and not noted as
    breached; ``due_by``: only those whose day has come.
    """
    query = select(CLOCKS).order_by(CLOCKS.c.due, CLOCKS.c.id).limit(limit)
    if subjects is not None:
        query = query.where(CLOCKS.c.subject.in_(subjects))
    if subject is not None:
        query = query.where(CLOCKS.c.subject == subject)
    if ids is not None:
        query = query.where(CLOCKS.c.id.in_(ids))
    if rule is not None:
        query = query.where(CLOCKS.c.rule == rule)
    if due_by is not None:
        query = query.where(CLOCKS.c.due <= str(due_by))
    if open_only or late_on is not None:
        query = query.where(CLOCKS.c.met_at.is_(None))
    if late_on is not None:
        # one that stands still is late only if it was late before it stopped, and then it was not stopped
        late = (CLOCKS.c.due < str(late_on), CLOCKS.c.breached_at.is_(None), CLOCKS.c.stopped_on.is_(None))
        query = query.where(*late)
    return [_clock(row) for row in tx.execute(query)]


def save_year(tx: Connection, value: Year) -> None:
    """Insert or replace a year of the calendar."""
    row = {"year": value.year, "source": value.source, "provisional": value.provisional}
    lists = {"holidays": sorted(map(str, value.holidays)), "workdays": sorted(map(str, value.workdays))}
    _save(tx, YEARS, {**row, **lists}, key="year")


def years(tx: Connection) -> list[Year]:
    """The years somebody loaded or edited; they overrule the shipped ones."""
    rows = tx.execute(select(YEARS).order_by(YEARS.c.year))
    return [
        year(row.year, days(row.holidays), days(row.workdays), row.source, provisional=row.provisional) for row in rows
    ]


def _of_side(table: Table, party: str | None) -> list[ColumnElement[bool]]:
    return [] if party is None else [(table.c.consumer == party) | (table.c.provider == party)]


def _newest(
    tx: Connection, table: Table, where: Sequence[ColumnElement[bool]], limit: int, offset: int
) -> tuple[Sequence[Row[Any]], int]:
    total: int = tx.execute(select(func.count()).select_from(table).where(*where)).scalar_one()
    query = select(table).where(*where).order_by(table.c.id.desc()).limit(limit).offset(offset)
    return tx.execute(query).all(), total


def _save(tx: Connection, table: Table, row: Mapping[str, Any], key: str = "id") -> None:
    changed = tx.execute(table.update().where(table.c[key] == row[key]).values(**row))
    if changed.rowcount == 0:
        tx.execute(table.insert().values(**row))


def _application(row: Row[Any]) -> Application:
    wish: dict[str, Any] = row.wish
    tuples: Mapping[str, Sequence[str]] = {"operations": wish["operations"], "fields": wish["fields"]}
    return Application(
        id=row.id,
        consumer=row.consumer,
        provider=row.provider,
        wish=Wish(**{**wish, **{name: tuple(values) for name, values in tuples.items()}}),
        sharing=Sharing(row.sharing),
        state=ApplicationState(row.state),
        filed_by=row.filed_by,
        filed_at=row.filed_at,
        missing=tuple(Gap(gap["pointer"], gap["message"]) for gap in row.missing),
        completed_at=row.completed_at,
        reply=None if row.reply is None else Reply(**row.reply),
        agreement=row.agreement,
    )


def _agreement(row: Row[Any]) -> Agreement:
    values = dict(row._mapping)
    return Agreement(
        **values
        | {
            "mode": Mode(row.mode),
            "state": AgreementState(row.state),
            "fields": tuple(row.fields),
            "scope": {key: tuple(templates) for key, templates in row.scope.items()},
        }
    )


def _clock(row: Row[Any]) -> Running:
    values = dict(row._mapping)
    dates = {name: values[name] and date.fromisoformat(values[name]) for name in ("started", "due", "stopped_on")}
    return Running(**values | dates | {"former": tuple(row.former)})
