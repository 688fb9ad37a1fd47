"""An Arazzo document with everything it leads to: its sources read, their servers known, other Arazzo documents, too.

Nothing is fetched from the network. A source is read from the file given for it, else from the path in its `url`
(inside `root`), else, when its `x-interface-id` names one, from the shipped library.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin

import specs
from conformance.arazzo.form import errors
from specs import SpecError, library
from specs.finding import Finding, Severity
from specs.model import Interface, Kind, Operation
from specs.process import Process, Source, Step, Workflow

MOST_DOCUMENTS = 20
"""Arazzo documents that one may lead to."""


class Refused(Exception):
    """A document that is not run; `findings` say why, with file, line and pointer."""

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        super().__init__(str(findings[0]))
        self.findings = findings


@dataclass(frozen=True, eq=False)
class Api:
    """An OpenAPI source. `server`: the base URL given for it; None: the document's own servers count."""

    source: Source
    interface: Interface
    server: str | None

    def operation(self, step: Step) -> Operation | None:
        """The operation a step calls, or None."""
        if step.operation is not None:
            return next((one for one in self.interface.operations if one.id == step.operation), None)
        pointer = unquote(step.operation_path or "")
        by_pointer = (one for one in self.interface.operations if one.pointer == pointer)
        way = [token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:]]
        named = (one for one in self.interface.operations if way == ["paths", one.path, one.method.lower()])
        return next(by_pointer, None) or next(named, None)


@dataclass(frozen=True, eq=False)
class Book:
    """One Arazzo document. `apis` and `books` are its sources by name."""

    interface: Interface
    process: Process
    apis: Mapping[str, Api] = field(default_factory=dict)
    books: dict[str, Book] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.interface.document.name

    @property
    def components(self) -> Mapping[str, Any]:
        value = self.interface.document.value.get("components")
        return value if isinstance(value, dict) else {}

    def workflow(self, id: str) -> tuple[Book, Workflow] | None:
        """The workflow of an id, or of `$sourceDescriptions.NAME.ID` in another document; None: there is none."""
        book, name = self, id
        if id.startswith("$sourceDescriptions."):
            source, _, name = id.removeprefix("$sourceDescriptions.").partition(".")
            if source not in self.books:
                return None
            book = self.books[source]
        found = next((one for one in book.process.workflows if one.id == name), None)
        return None if found is None else (book, found)

    def fields(self) -> Mapping[str, Mapping[str, Any]]:
        """What `$sourceDescriptions.NAME.FIELD` reads: fields, and under `operations` the ids that come first."""
        told: dict[str, dict[str, Any]] = {}
        for source in self.process.sources:
            told[source.name] = {"name": source.name, "url": source.url, "type": source.type}
            if source.name in self.apis:
                told[source.name]["operations"] = {one.id for one in self.apis[source.name].interface.operations}
            if source.name in self.books:
                told[source.name]["operations"] = {one.id for one in self.books[source.name].process.workflows}
        return told

    def finding(self, message: str, pointer: str, hint: str = "", rule: str = "arazzo") -> Finding:
        """Something to refuse this document for."""
        return self.interface.finding(rule, Severity.ERROR, message, pointer, hint)


@dataclass
class Shelf:
    """How sources are found. `servers` and `files` are given by name, or by OUTER.NAME for a source of another Arazzo
    document that the first calls OUTER."""

    servers: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict)
    root: Path | None = None
    used: set[str] = field(default_factory=set)
    _open: dict[Path, Book] = field(default_factory=dict)

    def read(self, path: Path, prefix: str = "") -> Book:
        """The document at a path. Raises `Refused`, or SpecError when it cannot be read at all."""
        own = path.resolve()
        if own in self._open:
            return self._open[own]
        self.root = self.root or own.parent
        interface = specs.read(path, root=self.root)
        if interface.process is None:
            told = f"{interface.format} is no process; an Arazzo document is needed"
            raise Refused((interface.finding("arazzo", Severity.ERROR, told, ""),))
        wrong = tuple(_refusals(interface))
        if wrong:
            raise Refused(wrong)
        if len(self._open) == MOST_DOCUMENTS:
            raise Refused((interface.finding("arazzo", Severity.ERROR, f"more than {MOST_DOCUMENTS} documents", ""),))
        apis: dict[str, Api] = {}
        book = Book(interface, interface.process, apis)
        self._open[own] = book
        for source in book.process.sources:
            self._source(book, source, apis, own, prefix)
        return book

    def _source(self, book: Book, source: Source, apis: dict[str, Api], own: Path, prefix: str) -> None:
        if source.type == "asyncapi":
            return  # refused where it is used
        found = self._file(book, source, own, prefix)
        try:
            if source.type == "arazzo":
                assert isinstance(found, Path)
                book.books[source.name] = self.read(found, f"{prefix}{source.name}.")
                return
            interface = found if isinstance(found, Interface) else specs.read(found, root=self._above(found))
        except SpecError as error:
            told = f"the source {source.name!r} cannot be read: {error.findings[0]}"
            raise Refused((book.finding(told, source.pointer),)) from None
        if interface.kind is not Kind.API:
            told = f"the source {source.name!r} is {interface.format}, not the {source.type} document it says it is"
            raise Refused((book.finding(told, source.pointer, "correct type:"),))
        apis[source.name] = Api(source, interface, self._given(self.servers, prefix, source.name))

    def _file(self, book: Book, source: Source, own: Path, prefix: str) -> Path | Interface:
        given: Path | None = self._given(self.files, prefix, source.name)
        if given is not None:
            return given
        url, base = source.url, book.process.self_uri or ""
        folder = base.rpartition("/")[0] + "/"
        if "://" in folder and url.startswith(folder):
            url = url.removeprefix(folder)  # beside this document, by the name it gives itself
        if "://" in url or url.startswith("//"):
            hint = f"give the document: --source {prefix}{source.name}=FILE"
            raise Refused((book.finding(f"{url!r} is on the network; nothing is fetched", source.pointer, hint),))
        path = Path(urljoin(str(own), unquote(url.partition("#")[0]))).resolve()
        assert self.root is not None
        inside = path.is_relative_to(self.root.resolve())
        if inside and path.is_file():
            return path
        if source.type != "arazzo" and (shipped := library.interfaces().get(source.interface or "")):
            return shipped
        told = f"the file {source.url!r} of the source {source.name!r} is " + (
            "not there" if inside else "outside the document's folder"
        )
        hint = f"--source {prefix}{source.name}=FILE" + ("" if inside else ", or --root FOLDER")
        raise Refused((book.finding(told, source.pointer, hint),))

    def _above(self, path: Path) -> Path | None:
        """How far the references of a source may reach: as far as the sources themselves, or its own folder."""
        return self.root if self.root and path.resolve().is_relative_to(self.root.resolve()) else None

    def _given(self, values: Mapping[str, Any], prefix: str, name: str) -> Any:
        for key in (f"{prefix}{name}", name):
            if key in values:
                self.used.add(key)
                return values[key]
        return None


def _refusals(interface: Interface) -> Iterator[Finding]:
    """What reading and the form say against a document. Forward references are looked at later, with dependsOn."""
    told = set()
    for finding in interface.findings:
        if finding.severity is Severity.ERROR and finding.rule != "forward-reference":
            told.add(finding.pointer)
            yield finding
    for pointer, message in errors(interface.document.value):
        if pointer not in told:
            yield interface.finding("arazzo-form", Severity.ERROR, message, pointer)
