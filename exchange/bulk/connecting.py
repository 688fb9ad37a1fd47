"""Providers connect the tables they share: a path below their own folder, or a database URL sealed at rest."""

from __future__ import annotations

import secrets
from dataclasses import replace

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection

from exchange.brokering.sources import SourceFailure
from exchange.bulk import store
from exchange.bulk.databases import parsed
from exchange.bulk.model import Kind, Source, schema_name, shareable
from exchange.bulk.plan import arrow_types
from exchange.bulk.sources import Sources
from exchange.catalogue.model import Record
from exchange.catalogue.service import Catalogue
from exchange.clock import Clock, stamp
from exchange.database import Database
from exchange.errors import NotFound, Unavailable, Unprocessable
from exchange.ledger.service import Ledger
from exchange.parties.access import Caller, permit
from specs.model import Kind as InterfaceKind
from specs.model import Table


class Connecting:
    """Which source stands behind which table, under one 32-byte key that lives beside the database, not in it."""

    def __init__(
        self, database: Database, ledger: Ledger, catalogue: Catalogue, sources: Sources, key: bytes, clock: Clock
    ) -> None:
        self.database, self.ledger, self.catalogue, self.clock = database, ledger, catalogue, clock
        self.sources = sources
        self._cipher = AESGCM(key)

    def connect(
        self,
        caller: Caller | None,
        interface: str,
        table: str,
        kind: str,
        location: str,
        item: str = "",
        fresh_seconds: int = 3600,
    ) -> tuple[Source, list[str]]:
        """Put a source behind a table; gives it and the contract's columns it lacks.

        ``location``: a path below the department's folder, or a SQLAlchemy URL for ``database``; ``item``: table in
        it. Raises `Unprocessable` for what may not be used or cannot be opened; nothing is kept then.
        """
        record = self._owned(caller, interface, table)
        known = {one.name: one for one in record.spec.tables}
        url = location if kind == Kind.DATABASE else ""
        if kind not in set(Kind):
            raise Unprocessable(f"there is no kind {kind}", hint=f"one of {', '.join(Kind)}", pointer="/kind")
        if kind != Kind.FILES and not item.strip("."):
            raise Unprocessable("name the table inside it", pointer="/item")
        source = Source(
            interface=record.id,
            table=table,
            department=record.department,
            kind=Kind(kind),
            location=parsed(url).render_as_string(hide_password=True) if url else location,
            item=item or table,
            fresh_seconds=fresh_seconds,
            set_at=stamp(self.clock()),
            set_by=caller.id if caller else "",
            url=url,
            texts=_texts(known[table]),
        )
        self.sources.check(source)
        try:
            with self.sources.open(source, None) as reading:
                there = set(arrow_types(reading.connection))
        except SourceFailure as failure:
            raise Unprocessable(f"the source cannot be opened: {failure.rule}", rule=failure.rule) from None
        lacking = [field.name for field in known[table].fields if field.name not in there]
        if len(lacking) == len(known[table].fields):
            raise Unprocessable(
                "the source has none of the table's columns", hint="names must be those of the contract"
            )
        nonce = secrets.token_bytes(12) if url else None
        sealed = self._cipher.encrypt(nonce, url.encode(), _bound(source)) if nonce else None
        body = {"interface": record.id, "table": table, "provider": record.department, "source": source.kind.value}
        with self.database.transaction() as tx:
            store.save_source(tx, source, nonce, sealed)
            self.ledger.append(tx, "source.set", body | {"by": source.set_by})
        return replace(source, url=""), lacking

    def disconnect(self, caller: Caller | None, interface: str, table: str) -> None:
        """Take the source away: no further file of the table leaves."""
        record = self._owned(caller, interface, table)
        with self.database.transaction() as tx:
            if not store.drop_source(tx, interface, table):
                raise NotFound(f"{interface} has no source of {table}")
            body = {"interface": interface, "table": table, "provider": record.department}
            self.ledger.append(tx, "source.dropped", body | {"by": caller.id if caller else ""})

    def connected(self, caller: Caller | None, interface: str, table: str) -> Source:
        """A table's source without its password, for its provider. Raises `NotFound`."""
        self._owned(caller, interface, table)
        with self.database.reading() as tx:
            found = store.source(tx, interface, table)
        if found is None:
            raise NotFound(f"{interface} has no source of {table}", hint="PUT one here")
        return found[0]

    def has(self, tx: Connection, record: Record | None, table: str) -> bool:
        """Whether a table has a source of the department that publishes it."""
        found = store.source(tx, record.id, table) if record else None
        return found is not None and record is not None and found[0].department == record.department

    def source(self, record: Record, table: str) -> Source | None:
        """The source to read, URL and all; None when there is none, or it is another department's.

        Raises `Unavailable` when the key is not the one it was sealed with.
        """
        with self.database.reading() as tx:
            found = store.source(tx, record.id, table)
        # an interface that changed hands does not take the former owner's data along
        if found is None or found[0].department != record.department:
            return None
        source, nonce, sealed = found
        source = replace(source, texts=_texts(record.spec.table(table)))
        if nonce is None or sealed is None:
            return source
        try:
            return replace(source, url=self._cipher.decrypt(nonce, sealed, _bound(source)).decode())
        except InvalidTag:
            raise Unavailable(
                "the source's URL cannot be opened", hint="the key changed: the department sets it again"
            ) from None

    def _owned(self, caller: Caller | None, interface: str, table: str) -> Record:
        caller = permit(caller, "interface.endpoint")
        record = self.catalogue.interface(interface)
        permit(caller, "interface.endpoint", owner=record.department)
        if record.kind is not InterfaceKind.DATASET or table not in {one.name for one in record.spec.tables}:
            raise NotFound(f"{interface} has no table {table}", hint="sources stand behind tables of a dataset")
        shareable(table)
        shareable(schema_name(interface))
        return record


def _texts(table: Table) -> tuple[str, ...]:
    """Columns that are plain text: not dates, which JSON Schema writes as text too."""
    plain = (f for f in table.fields if f.schema.get("type") == "string" and "format" not in f.schema)
    return tuple(field.name for field in plain)


def _bound(source: Source) -> bytes:
    return f"{source.interface}\n{source.table}\n{source.department}".encode()
