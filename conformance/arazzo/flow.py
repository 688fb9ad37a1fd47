"""From a file to a report: read, check, run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conformance.arazzo import check, inputs
from conformance.arazzo.calling import Caller, origin
from conformance.arazzo.documents import Book, Refused, Shelf
from conformance.arazzo.report import Report
from conformance.arazzo.requests import server_of
from conformance.arazzo.running import Bounds, Run
from specs.finding import Finding
from specs.process import Workflow


class UsageError(ValueError):
    """Something asked for that there is not: a workflow, a source, an input."""


@dataclass(frozen=True, eq=False)
class Plan:
    """A document that may be run: its entry workflows, everything they lead to, and what may be called."""

    book: Book
    entries: tuple[Workflow, ...]
    flows: tuple[tuple[Book, Workflow], ...]
    warnings: tuple[Finding, ...] = ()
    allowed: frozenset[tuple[str, str, int]] = field(default_factory=frozenset)


def plan(
    path: Path,
    *,
    servers: Mapping[str, str] | None = None,
    sources: Mapping[str, Path] | None = None,
    root: Path | None = None,
    workflows: Iterable[str] = (),
) -> Plan:
    """Read a document and look at everything that can be known before the first request.

    `workflows`: the ids to run; by default those that no other leads to. Raises `Refused` (findings with line and
    pointer), `UsageError`, SpecError.
    """
    shelf = Shelf(servers or {}, sources or {}, root)
    for name, url in shelf.servers.items():
        if origin(url) is None or "?" in url or "#" in url:
            raise UsageError(f"--server {name}: {url!r} is no http(s) address")
    book = shelf.read(path)
    for name in (*shelf.servers, *shelf.files):
        if name not in shelf.used:
            known = ", ".join(source.name for source in book.process.sources)
            raise UsageError(f"the document has no source {name!r}; there are {known}")
    wanted = list(workflows)
    for id in wanted:
        if all(one.id != id for one in book.process.workflows):
            known = ", ".join(one.id for one in book.process.workflows)
            raise UsageError(f"there is no workflow {id!r}; there are {known}")
    entries = tuple(one for one in book.process.workflows if one.id in wanted) if wanted else _entries(book)
    flows = check.reachable(book, [one.id for one in entries])
    wrong = tuple(check.findings(flows))
    if wrong:
        raise Refused(tuple(sorted(dict.fromkeys(wrong), key=lambda finding: finding.order)))
    return Plan(book, entries, tuple(flows), tuple(check.warnings(flows)), frozenset(_allowed(flows)))


def run(
    planned: Plan,
    given: Mapping[str, Any],
    *,
    headers: Mapping[str, str] | None = None,
    bounds: Bounds | None = None,
    progress: Callable[[int, str], None] = lambda done, what: None,
) -> tuple[Report, Callable[[str], str]]:
    """Carry out the entry workflows of a plan; also gives what takes secrets out of a text.

    Raises `UsageError` when the inputs do not fit, before anything is called.
    """
    for workflow in planned.entries:
        own = inputs.with_defaults(workflow, inputs.declared(workflow, given))
        if told := inputs.complaints(planned.book.interface, workflow, own):
            raise UsageError(f"the inputs of the workflow {workflow.id!r} do not fit: {told[0]}")
    hidden = {secret for _, workflow in planned.flows for secret in inputs.secrets(workflow, given)}
    hidden |= {value for value in (headers or {}).values() if len(value) > 3}
    caller = Caller(planned.allowed, sorted(hidden, key=len, reverse=True))
    made = Run(caller, bounds or Bounds(), headers or {}, given, progress)
    try:
        flows = tuple(made.start(planned.book, workflow) for workflow in planned.entries)
    finally:
        caller.close()
    warnings = tuple(str(finding) for finding in planned.warnings)
    return Report(planned.book.name, flows, warnings, made.requests), caller.hide


def _entries(book: Book) -> tuple[Workflow, ...]:
    """The workflows that no other leads to."""
    led = {
        one.id
        for workflow in book.process.workflows
        for inner, one in check.reachable(book, [workflow.id])
        if inner is book and one is not workflow
    }
    found = tuple(one for one in book.process.workflows if one.id not in led)
    if not found:
        raise UsageError("every workflow is called by another: name one with --workflow")
    return found


def _allowed(flows: Iterable[tuple[Book, Workflow]]) -> Iterable[tuple[str, str, int]]:
    for book, workflow in flows:
        for step in workflow.steps:
            api = book.apis.get(step.source or "")
            operation = api.operation(step) if api is not None else None
            if api is not None and operation is not None and (place := origin(server_of(api, operation))):
                yield place
