"""The catalogue: departments register interface documents, publish them, and say where they answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import PurePosixPath

from sqlalchemy import Connection

import specs
from exchange.catalogue import store
from exchange.catalogue.endpoint import Network, Resolve, check_endpoint, resolve
from exchange.catalogue.model import Record, State, Version, check_ownership
from exchange.catalogue.texts import texts
from exchange.clock import Clock, stamp
from exchange.database import Database
from exchange.errors import Conflict, Forbidden, Invalid, NotFound
from exchange.ledger.service import Ledger
from exchange.parties.access import Caller, permit
from specs.finding import Finding, Severity, SpecError
from specs.lint import lint
from specs.model import Interface, Kind
from specs.rulesets import load

__all__ = ["Catalogue", "Record", "State", "Version"]

LARGEST = 5 * 1024 * 1024
"""Largest document taken, in bytes of UTF-8."""


class Catalogue:
    """Use cases of the catalogue. A version never changes: the same id and version with other bytes is refused.
    What becomes of a version is `exchange.catalogue.lifecycle`."""

    def __init__(
        self,
        database: Database,
        ledger: Ledger,
        clock: Clock,
        *,
        network: Network = Network(),
        resolving: Resolve = resolve,
    ) -> None:
        """``network`` says where endpoints may be; ``resolving`` finds the addresses of a host."""
        self.database = database
        self.ledger = ledger
        self.clock = clock
        self._network = network
        self._resolving = resolving
        self._read = lru_cache(maxsize=256)(self._load)

    def register(self, caller: Caller | None, filename: str, document: str | bytes) -> Version:
        """Take a document as a draft, byte for byte. The same bytes again give the same version back.

        Raises `SpecError` with every finding when lint finds errors, `Forbidden` for another department's document,
        `Conflict` when this id and version is taken by other bytes, `Unprocessable` when it names no department.
        """
        by = permit(caller, "interface.register")
        try:
            data = document if isinstance(document, bytes) else document.encode()
        except UnicodeEncodeError:
            raise Invalid("the document is not text", hint="send it as UTF-8") from None
        if len(data) > LARGEST:
            raise Invalid(f"the document has {len(data)} bytes; {LARGEST} are allowed", hint="split it")
        name = PurePosixPath(filename.replace("\\", "/")).name or "document"
        interface = _understood(data, name)
        findings = _found(data, name)
        errors = [finding for finding in findings if finding.severity is Severity.ERROR]
        if errors:
            raise SpecError(errors)
        department = check_ownership(interface)
        permit(by, "interface.register", owner=department)
        version = Version(
            interface.id,
            interface.version,
            interface.digest,
            name,
            State.DRAFT,
            tuple(finding.to_json() for finding in findings),
            stamp(self.clock()),
            None,
        )
        row = store.Line(
            interface.id,
            interface.kind.value,
            department,
            dict(interface.title),
            State.DRAFT,
            interface.version,
            interface.digest,
            None,
        )
        with self.database.transaction() as tx:
            known = store.version(tx, version.interface, version.version)
            if known is not None:
                if known.digest == version.digest:
                    return known
                raise Conflict(
                    f"{version.interface} {version.version} is registered with other content",
                    hint="raise the version; what was registered never changes",
                    digest=known.digest,
                )
            line = store.line(tx, interface.id)
            if line is not None and line.department != department:
                raise Forbidden(f"{interface.id} belongs to {line.department}", rule="access.interface.register")
            if line is not None and line.kind != row.kind:
                raise Conflict(f"{interface.id} is of kind {line.kind}, not {row.kind}", hint="use another id")
            if line is None or line.state is State.DRAFT:
                # a published interface goes on showing its published version until the next is published
                store.put(tx, replace(row, endpoint=line.endpoint if line else None), texts(interface))
            store.add_version(tx, version, data)
            self.ledger.append(
                tx,
                "interface.registered",
                {
                    "interface": interface.id,
                    "interface_version": interface.version,
                    "interface_kind": row.kind,
                    "digest": interface.digest,
                    "department": department,
                    "by": by.id,
                },
            )
        return version

    def set_endpoint(self, caller: Caller | None, interface: str, url: str) -> Record:
        """Say where a service answers. Raises `Unprocessable` for an address that may not be called."""
        permit(caller, "interface.endpoint")
        record = self.interface(interface)
        by = permit(caller, "interface.endpoint", owner=record.department)
        if record.kind is Kind.PROCESS:
            raise Conflict(f"{interface} is a process; it has no endpoint", hint="its steps call other interfaces")
        # outside the transaction: names are resolved over the network
        place = check_endpoint(url, self._network, resolving=self._resolving)
        with self.database.transaction() as tx:
            store.set_endpoint(tx, interface, place)
            body = {"interface": interface, "endpoint": place, "replaces": record.endpoint, "by": by.id}
            self.ledger.append(tx, "interface.endpoint", body)
        return replace(record, endpoint=place)

    def interface(self, interface: str) -> Record:
        """An interface as it stands. Raises `NotFound`."""
        with self.database.reading() as tx:
            line = store.line(tx, interface)
        if line is None:
            raise NotFound(f"there is no interface {interface}", hint="search the catalogue")
        return self.record(line)

    def standing(self, tx: Connection, interface: str) -> Record | None:
        """An interface as it stands inside a transaction of the caller's, or None."""
        line = store.line(tx, interface)
        return None if line is None else self.record(line)

    def version(self, interface: str, version: str) -> tuple[Version, Interface]:
        """One version, published or not, with its document read. Raises `NotFound`."""
        with self.database.reading() as tx:
            found = store.version(tx, interface, version)
        if found is None:
            raise NotFound(f"there is no version {version} of {interface}")
        return found, self._read(interface, version, found.digest)

    def versions(self, interface: str) -> list[Version]:
        """Every version of an interface, in order of registration."""
        with self.database.reading() as tx:
            return store.versions(tx, interface)

    def search(
        self,
        q: str | None = None,
        kind: Kind | str | None = None,
        department: str | None = None,
        *,
        drafts_of: str | None = None,
        after: str | None = None,
        limit: int | None = None,
    ) -> Sequence[Record]:
        """Published interfaces in order of id; every word of ``q`` occurs in id, titles, fields (either language).

        ``drafts_of`` adds the drafts of one department.
        """
        with self.database.reading() as tx:
            found = store.search(
                tx,
                q=q,
                kind=None if kind is None else str(kind),
                department=department,
                drafts_of=drafts_of,
                after=after,
                limit=limit,
            )
        return [self.record(line) for line in found]

    def titles(self, interfaces: Iterable[str]) -> dict[str, Mapping[str, str]]:
        """Interface → title in both languages, of those that exist."""
        with self.database.reading() as tx:
            return store.titles(tx, interfaces)

    def document(self, interface: str, version: str) -> tuple[str, bytes]:
        """(file name, bytes) of a version, exactly as registered. Raises `NotFound`."""
        with self.database.reading() as tx:
            found = store.document(tx, interface, version)
        if found is None:
            raise NotFound(f"there is no version {version} of {interface}")
        return found

    def by_digest(self, digest: str) -> list[Version]:
        """Versions whose document has these bytes."""
        with self.database.reading() as tx:
            return store.by_digest(tx, digest)

    def read(self, version: Version) -> Interface:
        """The document of a version, read; kept by digest."""
        return self._read(version.interface, version.version, version.digest)

    def record(self, line: store.Line) -> Record:
        """A row of the catalogue as others see it."""
        load = partial(self._read, line.id, line.version, line.digest)
        return Record(
            line.id,
            Kind(line.kind),
            line.department,
            line.title,
            line.state,
            line.version,
            line.digest,
            line.endpoint,
            line.retire_on,
            load,
        )

    def _load(self, interface: str, version: str, digest: str) -> Interface:
        name, data = self.document(interface, version)
        read = _understood(data, name)
        if read.digest != digest:
            raise Conflict(f"the stored document of {interface} {version} is not the registered one", digest=digest)
        return read


@lru_cache(maxsize=16)
def _understood(data: bytes, name: str) -> Interface:
    """What a document says follows from its bytes: what was just registered is not read again to be published."""
    return specs.read(data, name)


@lru_cache(maxsize=16)
def _found(data: bytes, name: str) -> tuple[Finding, ...]:
    """What stands in the way of its registration."""
    return lint(_understood(data, name), ruleset=load("registration"))
