"""Before a document is registered: what is wrong with it, what it changes, and who shares its fields already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from exchange.catalogue import index, items, reuse, store
from exchange.catalogue.items import Holder
from exchange.catalogue.lifecycle import Lifecycle
from exchange.catalogue.model import State, check_ownership
from exchange.catalogue.reuse import Reuse
from exchange.catalogue.service import LARGEST
from exchange.errors import Forbidden, Invalid, NotFound, Unprocessable
from exchange.parties.access import Caller, permit
from specs import elements
from specs.diff import Change, Level, diff
from specs.finding import Finding, Severity, SpecError
from specs.lint import lint
from specs.model import Interface
from specs.reading import read
from specs.rulesets import load
from specs.versions import misfit, needed

RULES = "government"
"""What `tongban spec lint --ruleset` a department's document is held to; `blocking` says what registration refuses."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What would happen if a document were registered. ``interface`` is None when it cannot be read at all.

    ``blocking``: why it would be refused, in words; empty when it can be registered. ``current``: the version in force.
    """

    interface: Interface | None
    findings: tuple[Finding, ...]
    blocking: tuple[str, ...] = ()
    current: str | None = None
    changes: tuple[Change, ...] = ()
    misfit: str | None = None
    told: int = 0
    reuse: tuple[Reuse, ...] = ()

    def count(self, severity: Severity) -> int:
        """How many findings are that grave."""
        return sum(finding.severity is severity for finding in self.findings)

    @property
    def breaking(self) -> int:
        """How many changes break somebody."""
        return sum(change.level is Level.BREAKING for change in self.changes)

    def to_json(self) -> dict[str, Any]:
        """The shape of the API."""
        spec = self.interface
        shown = {"id": spec.id, "kind": spec.kind, "version": spec.version, "title": dict(spec.title)} if spec else None
        return {
            "interface": shown,
            "digest": spec.digest if spec else None,
            "registrable": not self.blocking,
            "blocking": list(self.blocking),
            "findings": [finding.to_json() for finding in self.findings],
            "current": self.current,
            "changes": [change.to_json() for change in self.changes],
            "needed": needed(self.changes) if self.current else None,
            "misfit": self.misfit,
            "told": self.told,
            "reuse": [one.to_json() for one in self.reuse],
        }


class Checking:
    """The dry run of a registration, and questions to the index of fields. Nothing here changes an interface."""

    def __init__(self, lifecycle: Lifecycle) -> None:
        self.lifecycle, self.catalogue = lifecycle, lifecycle.catalogue
        self.database = self.catalogue.database

    def check(self, caller: Caller | None, filename: str, document: str | bytes) -> Checked:
        """Everything `register` and `publish` would say, all at once, without doing either.

        Raises `Invalid` for what is no document at all (too large, not text), `Forbidden` for those who may register
        nothing.
        """
        by = permit(caller, "interface.register")
        data = document if isinstance(document, bytes) else document.encode("utf-8", "surrogatepass")
        if len(data) > LARGEST:
            raise Invalid(f"the document has {len(data)} bytes; {LARGEST} are allowed", hint="split it")
        name = PurePosixPath(filename.replace("\\", "/")).name or "document"
        try:
            spec = read(data, name)
        except SpecError as error:
            return Checked(None, error.findings, (str(error),))
        findings = lint(spec, ruleset=load(RULES))
        blocking = self._blocking(by, spec)
        with self.database.reading() as tx:
            line, known = store.line(tx, spec.id), store.version(tx, spec.id, spec.version)
            own = Holder(spec.id, spec.kind, spec.department or "", spec.title, items.items(spec))
            found = reuse.against(tx, own)
            told = self.lifecycle.news.parties(tx, spec.id, line.department) if line else []
            current = store.version(tx, spec.id, line.version) if line and line.state.live else None
        if line is not None and line.department != by.party:
            blocking.append(f"{spec.id} belongs to {line.department}")
            return Checked(spec, findings, tuple(blocking), reuse=found)
        if line is not None and line.kind != spec.kind:
            blocking.append(f"{spec.id} is of kind {line.kind}, not {spec.kind}")
            return Checked(spec, findings, tuple(blocking), reuse=found)
        if known is not None and known.digest != spec.digest:
            blocking.append(f"{spec.id} {spec.version} is registered with other content: raise the version")
        if current is None:
            return Checked(spec, findings, tuple(blocking), reuse=found, told=len(told))
        changes = diff(self.catalogue.read(current), spec)
        problem = None
        if known is None or known.state in (State.DRAFT, State.ANNOUNCED):
            problem = misfit(current.version, spec.version, changes)
        return Checked(spec, findings, tuple(blocking), current.version, changes, problem, len(told), found)

    def reuse(self, caller: Caller | None, interface: str) -> tuple[Reuse, ...]:
        """Who shares the same fields as an interface in force, or as the newest draft of the caller's own.

        Raises `NotFound`.
        """
        by = permit(caller, "interface.read")
        record = self.catalogue.interface(interface)
        if not record.state.public and record.department != by.party:
            raise NotFound(f"there is no interface {interface}", hint="search the catalogue")
        spec = record.spec
        own = Holder(record.id, record.kind, record.department, record.title, items.items(spec))
        with self.database.reading() as tx:
            return reuse.against(tx, own)

    def holders(self, caller: Caller | None, element: str) -> tuple[elements.Element, list[Holder]]:
        """Who gives, asks for, or is asked by an element: its identifier (GMSFHM) or its name (公民身份号码).

        Raises `NotFound` for an element nobody knows.
        """
        permit(caller, "interface.read")
        known = element_of(element)
        if known is None:
            raise NotFound(f"there is no data element {element}", hint="tongban spec bind shows those of a document")
        with self.database.reading() as tx:
            return known, index.holding(tx, known.id)

    def reindex(self) -> int:
        """Make the rows of interfaces in force that have none, or old ones; how many. Called when the service
        starts."""
        with self.database.reading() as tx:
            waiting = index.stale(tx)
        for interface in waiting:
            record = self.catalogue.interface(interface)
            with self.database.transaction() as tx:
                index.write(tx, record.spec)
        return len(waiting)

    def _blocking(self, by: Caller, spec: Interface) -> list[str]:
        """Why `register` would refuse it, apart from what is registered already."""
        errors = [f for f in lint(spec, ruleset=load("registration")) if f.severity is Severity.ERROR]
        found = [f"{error.rule}: {error}" for error in errors]
        try:
            permit(by, "interface.register", owner=check_ownership(spec))
        except (Unprocessable, Forbidden) as refusal:
            found.append(str(refusal))
        return found


def element_of(text: str) -> elements.Element | None:
    """The element of an identifier, with or without a qualifier, or of a Chinese or English name or synonym."""
    wanted = text.strip()
    if (found := elements.find(wanted)) is not None:
        return found[1]
    lower = wanted.lower()
    for element in elements.dictionary().values():
        names: Sequence[str] = (*element.title.values(), *element.synonyms)
        if lower in {name.lower() for name in names}:
            return element
    return None
