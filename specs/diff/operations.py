"""Two versions of an API compared: which operations there are, and what is said of each."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Mapping
from typing import Any

from specs.diff import access, lifetimes
from specs.diff.change import Side
from specs.diff.exchanges import Exchange
from specs.diff.leftovers import leftovers
from specs.diff.remarks import BEHAVIOUR
from specs.diff.report import Node, Report
from specs.diff.schemas import Schemas
from specs.model import Interface, Operation
from specs.rules.places import written

_REQUEST, _RESPONSE = Side.REQUEST, Side.RESPONSE
_ROOT = {
    "openapi", "swagger", "info", "servers", "paths", "webhooks", "components", "security", "definitions", "parameters",
    "responses", "securityDefinitions", "host", "basePath", "schemes", "consumes", "produces", "x-catalogue", "$self",
    "jsonSchemaDialect",
}  # fmt: skip
_INFO = {"title", "description", "version", "x-catalogue", "x-tongban-id", "x-en"}


def compare(report: Report, schemas: Schemas) -> None:
    """Note every difference between the APIs of a report. A renamed path parameter leaves the path what it is."""
    pairs, gone, come = _matched(report.old.operations, report.new.operations)
    for old, new in pairs:
        _operation(report, schemas, report.root(new.id), old, new)
    kept = {_bare(operation.path) for operation in report.new.operations}
    for old in gone:
        check = "operation-removed" if _bare(old.path) in kept else "path-removed"
        report.add(report.root(old.id), check, _REQUEST, f"{old.method} {old.path} was removed", old.pointer, None)
    for new in come:
        said = f"{new.method} {new.path} was added"
        report.add(report.root(new.id), "operation-added", _REQUEST, said, None, new.pointer)
    whole = report.root("")
    for name, one, other in _named(report.old.webhooks, report.new.webhooks):
        at = "/webhooks", "/webhooks"
        _message(report, schemas, report.root(name), "webhook", name, one, other, at)
    leftovers(report, whole, Side.BOTH, ("", ""), _ROOT)
    leftovers(report, whole, Side.BOTH, ("/info", "/info"), _INFO)


def _matched(
    old: Iterable[Operation], new: Iterable[Operation]
) -> tuple[list[tuple[Operation, Operation]], list[Operation], list[Operation]]:
    """(pairs, only old, only new): by method and path as written, then by the path whatever its parameters are called,
    where only one can be meant."""
    gone, come = list(old), list(new)
    pairs: list[tuple[Operation, Operation]] = []
    for label in (lambda o: (o.method, o.path), lambda o: (o.method, _bare(o.path))):
        known: list[dict[Hashable, list[Operation]]] = [{}, {}]
        for many, found in zip((gone, come), known, strict=True):
            for operation in many:
                found.setdefault(label(operation), []).append(operation)
        pairs += [
            (found[0], known[1][key][0])
            for key, found in known[0].items()
            if len(found) == len(known[1].get(key, ())) == 1
        ]
        taken = {id(operation) for pair in pairs for operation in pair}
        gone, come = ([operation for operation in many if id(operation) not in taken] for many in (gone, come))
    return pairs, gone, come


def _bare(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", path)


def _operation(report: Report, schemas: Schemas, node: Node, old: Operation, new: Operation) -> None:
    at = old.pointer, new.pointer
    was, now = (_operation_id(one, o) for one, o in ((report.old, old), (report.new, new)))
    if was is not None and was != now:  # an id made here is nobody's promise
        report.add(node, "operation-renamed", _REQUEST, f"operationId {was} became {now or 'nothing'}", *at)
    elif was != now:
        report.add(node, "text-changed", _REQUEST, f"it is called {now} now", *at)
    _itself(report, node, _REQUEST, old, new)
    Exchange(report, schemas, node, old, new, asks=_REQUEST, answers=_RESPONSE).compare()
    access.security(report, node, old, new)
    access.servers(report, node, old, new)
    for name in [*old.callbacks, *(name for name in new.callbacks if name not in old.callbacks)]:
        ours, theirs = (one.callbacks.get(name, ()) for one in (old, new))
        _callback(report, schemas, node, name, ours, theirs, at)
    _path(report, node, old, new)


def _itself(report: Report, node: Node, side: Side, old: Operation, new: Operation) -> None:
    at = old.pointer, new.pointer
    if old.deprecated != new.deprecated:
        check = "deprecated" if new.deprecated else "no-longer-deprecated"
        said = "marked as deprecated" if new.deprecated else "not deprecated any more"
        report.add(node, check, side, said, *at)
    if (old.summary, old.description, set(old.tags)) != (new.summary, new.description, set(new.tags)):
        report.add(node, "text-changed", side, "summary, description or tags changed", *at)
    parts = written(report.old, at[0]), written(report.new, at[1])
    lifetimes.notes(report, node, side, *parts, at)
    ours, theirs = old.extensions, new.extensions
    for word in sorted(ours.keys() | theirs.keys()):
        if word not in lifetimes.WORDS and ours.get(word) != theirs.get(word):
            check = (
                "behaviour-changed" if word in BEHAVIOUR else "text-changed" if word == "x-en" else "extension-changed"
            )
            report.add(node, check, side, f"{word} changed", *at)
    docs = (_written(one, o.pointer, "externalDocs") for one, o in ((report.old, old), (report.new, new)))
    if next(docs) != next(docs):
        report.add(node, "text-changed", side, "externalDocs changed", *at)


def _path(report: Report, node: Node, old: Operation, new: Operation) -> None:
    """What the path says beside its operations."""
    at = old.pointer.rpartition("/")[0], new.pointer.rpartition("/")[0]
    known = {word for value in (written(report.old, at[0]), written(report.new, at[1])) if isinstance(value, dict)
             for word in value if not word.startswith("x-") and word not in ("summary", "description")}  # fmt: skip
    leftovers(report, node, _REQUEST, at, known)


def _named(
    old: Iterable[Operation], new: Iterable[Operation]
) -> Iterable[tuple[str, Operation | None, Operation | None]]:
    ours, theirs = ({(o.path, o.method): o for o in many} for many in (old, new))
    for key in dict.fromkeys([*ours, *theirs]):
        yield key[0], ours.get(key), theirs.get(key)


def _callback(
    report: Report,
    schemas: Schemas,
    node: Node,
    name: str,
    old: tuple[Operation, ...],
    new: tuple[Operation, ...],
    at: tuple[str, str],
) -> None:
    """What is called in return, matched by method and address; with one of each, another address is a change of it."""
    if len(old) == len(new) == 1 and old[0].method == new[0].method and old[0].path != new[0].path:
        said = f"callback {name} goes to {new[0].path} instead of {old[0].path}"
        report.add(node, "callback-address-changed", _RESPONSE, said, old[0].pointer, new[0].pointer)
        _message(report, schemas, node, "callback", name, old[0], new[0], at)
        return
    for _, one, other in _named(old, new):
        _message(report, schemas, node, "callback", name, one, other, at)


def _message(
    report: Report,
    schemas: Schemas,
    node: Node,
    kind: str,
    name: str,
    old: Operation | None,
    new: Operation | None,
    at: tuple[str, str],
) -> None:
    """What the provider sends by itself: its request is what subscribers read, their response what it reads."""
    if old is None and new is not None:
        report.add(node, f"{kind}-added", _RESPONSE, f"{kind} {name} was added", at[0], new.pointer)
    elif new is None and old is not None:
        report.add(node, f"{kind}-removed", _RESPONSE, f"{kind} {name} was removed", old.pointer, at[1])
    elif old is not None and new is not None:
        _itself(report, node, _RESPONSE, old, new)
        Exchange(report, schemas, node, old, new, asks=_RESPONSE, answers=_REQUEST).compare()
        own = [_written(one, o.pointer, "security") for one, o in ((report.old, old), (report.new, new))]
        if old.security != new.security and own != [None, None]:
            said = f"how the sender of {name} shows who it is changed"
            report.add(node, "message-security-changed", _RESPONSE, said, old.pointer, new.pointer)
        for inner in [*old.callbacks, *(one for one in new.callbacks if one not in old.callbacks)]:
            if old.callbacks.get(inner) != new.callbacks.get(inner):
                report.add(node, f"{kind}-changed", _RESPONSE, f"callback {inner} of {name}", old.pointer, new.pointer)


def _operation_id(interface: Interface, operation: Operation) -> str | None:
    said = _written(interface, operation.pointer, "operationId")
    return said if isinstance(said, str) else None


def _written(interface: Interface, pointer: str, word: str) -> Any:
    value = written(interface, pointer)
    return value.get(word) if isinstance(value, Mapping) else None
