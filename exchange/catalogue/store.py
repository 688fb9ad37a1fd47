"""Tables of the catalogue and the only functions that touch them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Connection, ForeignKey, LargeBinary, Row, Table, Text, select
from sqlalchemy.types import JSON

from exchange.catalogue.model import State, Version
from exchange.catalogue.texts import Texts
from exchange.database import metadata

INTERFACES = Table(
    "interfaces",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("department", Text, ForeignKey("parties.id"), nullable=False, index=True),
    Column("title", JSON, nullable=False),
    Column("state", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("endpoint", Text),
    Column("search", Text, nullable=False),
    Column("search_title", Text),
    Column("search_fields", Text),
    Column("search_shown", Text),
    Column("retire_on", Text),
    Column("refreshed_at", Text),
    # from here on: what `items.write` read from the document in force, for filters and lists
    Column("indexed", Text),
    Column("sharing_class", Text),
    Column("classification", Text),
    Column("update_frequency", Text),
    Column("offered_by", Text),
)
VERSIONS = Table(
    "interface_versions",
    metadata,
    Column("interface", Text, ForeignKey("interfaces.id"), primary_key=True),
    Column("version", Text, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("filename", Text, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),
    Column("findings", JSON, nullable=False),
    Column("registered_at", Text, nullable=False),
    Column("published_at", Text),
    Column("effective_at", Text),
)
_VERSION = [column for column in VERSIONS.c if column.name != "document"]
_ESCAPE = "\\"


@dataclass(frozen=True, slots=True)
class Line:
    """An interface's own row."""

    id: str
    kind: str
    department: str
    title: Mapping[str, str]
    state: State
    version: str
    digest: str
    endpoint: str | None
    retire_on: str | None = None


def line(tx: Connection, interface: str) -> Line | None:
    """An interface by id."""
    row = tx.execute(select(INTERFACES).where(INTERFACES.c.id == interface)).one_or_none()
    return None if row is None else line_of(row)


def searched(words: Texts) -> dict[str, str]:
    """Values of the columns a search looks through."""
    shares = {"search_title": words.title, "search_fields": words.fields, "search_shown": words.shown}
    return {"search": words.whole, **shares}


def put(tx: Connection, row: Line, words: Texts) -> None:
    """Write an interface's row, new or changed."""
    values = {
        "kind": row.kind,
        "department": row.department,
        "title": dict(row.title),
        "state": row.state,
        "version": row.version,
        "digest": row.digest,
        "endpoint": row.endpoint,
        **searched(words),
        "retire_on": row.retire_on,
    }
    if tx.execute(INTERFACES.update().where(INTERFACES.c.id == row.id).values(**values)).rowcount == 0:
        tx.execute(INTERFACES.insert(), {"id": row.id, **values})


def set_endpoint(tx: Connection, interface: str, url: str) -> None:
    """Write the address an interface answers under."""
    tx.execute(INTERFACES.update().where(INTERFACES.c.id == interface).values(endpoint=url))


def set_refreshed(tx: Connection, interface: str, at: str) -> None:
    """Write when the data behind an interface were last refreshed."""
    tx.execute(INTERFACES.update().where(INTERFACES.c.id == interface).values(refreshed_at=at))


def add_version(tx: Connection, version: Version, document: bytes) -> None:
    """Write a version with its document."""
    values = {
        "interface": version.interface,
        "version": version.version,
        "digest": version.digest,
        "filename": version.filename,
        "document": document,
        "state": version.state,
        "findings": [dict(finding) for finding in version.findings],
        "registered_at": version.registered_at,
    }
    tx.execute(VERSIONS.insert(), values)


def version(tx: Connection, interface: str, number: str) -> Version | None:
    """One version of an interface."""
    query = select(*_VERSION).where(VERSIONS.c.interface == interface, VERSIONS.c.version == number)
    row = tx.execute(query).one_or_none()
    return None if row is None else _version(row)


def versions(tx: Connection, interface: str) -> list[Version]:
    """All versions of an interface, in order of registration."""
    query = select(*_VERSION).where(VERSIONS.c.interface == interface)
    return [_version(row) for row in tx.execute(query.order_by(VERSIONS.c.registered_at, VERSIONS.c.version))]


def document(tx: Connection, interface: str, number: str) -> tuple[str, bytes] | None:
    """(file name, bytes) of a version."""
    query = select(VERSIONS.c.filename, VERSIONS.c.document)
    row = tx.execute(query.where(VERSIONS.c.interface == interface, VERSIONS.c.version == number)).one_or_none()
    return None if row is None else (row.filename, row.document)


def announce(tx: Connection, interface: str, number: str, state: State, at: str | None) -> None:
    """Set a version announced from ``at`` on, or a draft again."""
    chosen = (VERSIONS.c.interface == interface) & (VERSIONS.c.version == number)
    tx.execute(VERSIONS.update().where(chosen).values(state=state, effective_at=at))


def due(tx: Connection, now: str) -> list[Version]:
    """Announced versions whose time has come, oldest first."""
    query = select(*_VERSION).where(VERSIONS.c.state == State.ANNOUNCED, VERSIONS.c.effective_at <= now)
    return [_version(row) for row in tx.execute(query.order_by(VERSIONS.c.effective_at, VERSIONS.c.interface))]


def by_digest(tx: Connection, digest: str) -> list[Version]:
    """Versions with this content."""
    return [_version(row) for row in tx.execute(select(*_VERSION).where(VERSIONS.c.digest == digest))]


def set_state(tx: Connection, interface: str, state: State, retire_on: str | None) -> None:
    """Change the state of an interface and of the version in force."""
    of = VERSIONS.c.interface == interface
    now = of & VERSIONS.c.state.in_([State.PUBLISHED, State.DEPRECATED])
    tx.execute(VERSIONS.update().where(now).values(state=state))
    tx.execute(INTERFACES.update().where(INTERFACES.c.id == interface).values(state=state, retire_on=retire_on))


def publish(tx: Connection, interface: str, number: str, at: str) -> None:
    """Set a version published, and the one in force before superseded."""
    of = VERSIONS.c.interface == interface
    before = of & VERSIONS.c.state.in_([State.PUBLISHED, State.DEPRECATED])
    tx.execute(VERSIONS.update().where(before).values(state=State.SUPERSEDED))
    chosen = of & (VERSIONS.c.version == number)
    tx.execute(VERSIONS.update().where(chosen).values(state=State.PUBLISHED, published_at=at))


def search(
    tx: Connection,
    *,
    q: str | None,
    kind: str | None,
    department: str | None,
    drafts_of: str | None,
    after: str | None,
    limit: int | None,
) -> list[Line]:
    """Interfaces in force in order of id, and drafts of one department; every word of ``q`` occurs in the text."""
    shown = INTERFACES.c.state.in_([State.PUBLISHED, State.DEPRECATED])
    own = INTERFACES.c.department == drafts_of
    query = select(INTERFACES).where(shown if drafts_of is None else shown | own).order_by(INTERFACES.c.id).limit(limit)
    for word in (q or "").lower().split():
        escaped = word.replace(_ESCAPE, _ESCAPE * 2).replace("%", r"\%").replace("_", r"\_")
        query = query.where(INTERFACES.c.search.like(f"%{escaped}%", escape=_ESCAPE))
    if kind is not None:
        query = query.where(INTERFACES.c.kind == kind)
    if department is not None:
        query = query.where(INTERFACES.c.department == department)
    if after is not None:
        query = query.where(INTERFACES.c.id > after)
    return [line_of(row) for row in tx.execute(query)]


def titles(tx: Connection, interfaces: Iterable[str]) -> dict[str, Mapping[str, str]]:
    """Interface → title, of those that exist."""
    query = select(INTERFACES.c.id, INTERFACES.c.title).where(INTERFACES.c.id.in_(set(interfaces)))
    return {row.id: row.title for row in tx.execute(query)}


def line_of(row: Row[*tuple[Any, ...]]) -> Line:
    """An interface's row as a value."""
    state = State(row.state)
    return Line(
        row.id, row.kind, row.department, row.title, state, row.version, row.digest, row.endpoint, row.retire_on
    )


def _version(row: Row[*tuple[Any, ...]]) -> Version:
    return Version(
        row.interface,
        row.version,
        row.digest,
        row.filename,
        State(row.state),
        tuple(row.findings),
        row.registered_at,
        row.published_at,
        row.effective_at,
    )
