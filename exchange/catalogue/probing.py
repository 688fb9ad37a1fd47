"""Does the registered service answer as its document says? Asked with made-up data, before publication and after.

Nothing is changed at the provider. Operations that only read (GET, HEAD, or marked `x-safe: true`) get a valid call
made from the document, and whatever they answer must be valid against it. Operations that write get a call they must
refuse: a 4xx shows that the service is there and checks what it is sent. Identity numbers in the calls are synthetic.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Boolean, Column, ColumnElement, Connection, ForeignKey, Row, Table, Text, func, select
from sqlalchemy.types import JSON

from exchange.catalogue import store
from exchange.catalogue.model import Record, State
from exchange.catalogue.service import Catalogue
from exchange.catalogue.store import INTERFACES
from exchange.clock import new_id, stamp
from exchange.database import metadata
from exchange.errors import Conflict, Invalid, NotFound, TongbanError
from exchange.parties.access import Caller, permit
from specs.model import Interface, Kind, Operation

FRESH = timedelta(hours=24)
"""A passing probe counts for so long; after it the service is asked again."""
Answer = tuple[int, Mapping[str, str], bytes]
Send = Callable[[Record, str, str, str, Mapping[str, str], bytes], Answer]
"""(record, method, path, query, headers, body) → status, headers in lower case, body. Raises `TongbanError`."""

PROBES = Table(
    "interface_probes",
    metadata,
    Column("id", Text, primary_key=True),
    Column("interface", Text, ForeignKey("interfaces.id"), nullable=False, index=True),
    Column("version", Text, nullable=False),
    Column("endpoint", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("passed", Boolean, nullable=False),
    Column("results", JSON, nullable=False),
)
WAIVERS = Table(
    "interface_waivers",
    metadata,
    Column("interface", Text, ForeignKey("interfaces.id"), primary_key=True),
    Column("by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("until", Text, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Result:
    """One operation: ``way`` read | refusal | none; ``problem`` "" when it answered as documented."""

    operation: str
    way: str
    status: int
    problem: str
    milliseconds: int

    @property
    def live(self) -> bool:
        """Whether it was asked and answered well."""
        return self.way != "none" and not self.problem


@dataclass(frozen=True, slots=True)
class Probe:
    """One round over an interface; passed when everything that could be asked answered well."""

    id: str
    interface: str
    version: str
    endpoint: str
    at: str
    passed: bool
    results: tuple[Result, ...]

    @property
    def live(self) -> float:
        """Share of the operations asked that answered well, 0 to 1."""
        return sum(result.live for result in self.results) / self.asked if self.asked else 0.0

    @property
    def asked(self) -> int:
        """How many operations were asked."""
        return sum(result.way != "none" for result in self.results)


class Probing:
    """Probes, waivers, and the gate before publication. ``send`` is supplied from above: it makes the calls."""

    def __init__(self, catalogue: Catalogue, send: Send) -> None:
        self.catalogue, self._send = catalogue, send
        self.database, self.ledger, self.clock = catalogue.database, catalogue.ledger, catalogue.clock

    def probe(self, caller: Caller | None, interface: str, version: str | None = None) -> Probe:
        """Ask every operation of a version (default: the one in force, else the newest) at the registered endpoint.

        Raises `Conflict` without an endpoint, and for what is no service.
        """
        record = self.catalogue.interface(interface)
        by = permit(caller, "interface.endpoint", owner=record.department)
        found = version or self.catalogue.versions(interface)[-1].version
        _, spec = self.catalogue.version(interface, found)
        if record.kind is not Kind.API:
            raise Conflict(f"{interface} is a {record.kind}; only services are probed", hint="nothing to do")
        if record.endpoint is None:
            raise Conflict(f"{interface} has no endpoint", hint=f"PUT /api/v1/interfaces/{interface}/endpoint")
        results = tuple(self._ask(record, spec, operation) for operation in spec.operations)
        now = self.clock()
        asked = [result for result in results if result.way != "none"]
        passed = bool(asked) and all(result.live for result in asked)
        made = Probe(new_id("prb", now), interface, found, record.endpoint, stamp(now), passed, results)
        with self.database.transaction() as tx:
            before = latest(tx, interface)
            tx.execute(PROBES.insert(), {**asdict(made), "results": [asdict(result) for result in results]})
            if before is None or before.passed != passed or by.via != "system":
                # a round of the clock that finds what the last one found is no news
                body = {"interface": interface, "interface_version": found, "passed": passed, "by": by.id}
                self.ledger.append(
                    tx, "interface.probed", {**body, "failed": [r.operation for r in results if r.problem]}
                )
        return made

    def waive(self, caller: Caller | None, interface: str, reason: str, days: int) -> str:
        """Let an interface be published without a passing probe, for a reason and a time; gives the last instant."""
        record = self.catalogue.interface(interface)
        by = permit(caller, "interface.publish", owner=record.department)
        if len(reason.strip()) < 10:
            raise Invalid("a waiver needs a reason people understand", hint="why can it not be probed, and until when")
        if not 1 <= days <= 180:
            raise Invalid(f"a waiver lasts 1 to 180 days, not {days}", hint="give a shorter time")
        now = self.clock()
        until = stamp(now + timedelta(days=days))
        with self.database.transaction() as tx:
            tx.execute(WAIVERS.delete().where(WAIVERS.c.interface == interface))
            row = {"interface": interface, "by": by.id, "reason": reason, "until": until}
            tx.execute(WAIVERS.insert(), {**row, "at": stamp(now)})
            self.ledger.append(tx, "interface.waived", row)
        return until

    def ready(self, tx: Connection, spec: Interface, version: str) -> None:
        """Raises `Conflict` (rule ``interface.probe``) unless a service was seen to work, or that is waived."""
        if spec.kind is not Kind.API or spec.extensions.get("x-offered-by") == "vendors":
            return
        now = self.clock()
        waiver = tx.execute(select(WAIVERS).where(WAIVERS.c.interface == spec.id)).one_or_none()
        if waiver is not None and waiver.until > stamp(now):
            return
        line, found = store.line(tx, spec.id), latest(tx, spec.id, version)
        fresh = found is not None and found.at >= stamp(now - FRESH) and found.endpoint == (line and line.endpoint)
        if found is None or not fresh:
            raise Conflict(
                f"{spec.id} {version} has not been seen to work in the last 24 hours",
                rule="interface.probe",
                hint=f"POST /api/v1/interfaces/{spec.id}/probes, or write a waiver",
            )
        if not found.passed:
            failed = [f"{result.operation}: {result.problem}" for result in found.results if result.problem]
            raise Conflict(
                f"{spec.id} {version} does not answer as documented: {'; '.join(failed[:3]) or 'nothing was asked'}",
                rule="interface.probe",
                hint="mend the service or the document, and probe again",
            )

    def last(self, caller: Caller | None, interface: str) -> Probe:
        """The latest probe of an interface. Raises `NotFound` when there was none."""
        permit(caller, "interface.read")
        with self.database.reading() as tx:
            found = latest(tx, interface)
        if found is None:
            raise NotFound(f"{interface} was never probed", hint="its department can ask for it")
        return found

    def live(self, interfaces: Iterable[str]) -> dict[str, float]:
        """Interface → share of its operations that answered well at the latest probe; those never probed are left
        out."""
        with self.database.reading() as tx:
            return {probe.interface: probe.live for probe in newest(tx, PROBES.c.interface.in_(list(interfaces)))}

    def due(self, most: int) -> list[str]:
        """Services in force that were not probed for a day, those waiting longest first."""
        early = stamp(self.clock() - FRESH)
        live = INTERFACES.c.state.in_([State.PUBLISHED, State.DEPRECATED])
        last = select(PROBES.c.interface, func.max(PROBES.c.at).label("at")).group_by(PROBES.c.interface).subquery()
        at = func.coalesce(last.c.at, "")
        query = select(INTERFACES.c.id).outerjoin(last, last.c.interface == INTERFACES.c.id)
        query = query.where(live, INTERFACES.c.kind == Kind.API, INTERFACES.c.endpoint.is_not(None), at < early)
        query = query.order_by(at, INTERFACES.c.id)
        with self.database.reading() as tx:
            return list(tx.execute(query.limit(most)).scalars())

    def again(self, caller: Caller, interface: str) -> bool | None:
        """Probe the version in force unless that was done within the day; whether it passed, None when there was
        nothing to do: another worker was faster, or the interface ended meanwhile."""
        with self.database.reading() as tx:
            line, found = store.line(tx, interface), latest(tx, interface)
        fresh = found is not None and found.at >= stamp(self.clock() - FRESH)
        if fresh or line is None or not line.state.live or line.endpoint is None:
            return None
        return self.probe(caller, interface, line.version).passed

    # ---- inside

    def _ask(self, record: Record, spec: Interface, operation: Operation) -> Result:
        from mockdata.sandbox.asking import ask, ask_wrongly

        reads = operation.method in ("GET", "HEAD") or operation.extensions.get("x-safe") is True
        request = ask(spec, operation, 1) if reads else ask_wrongly(spec, operation)
        if request is None:
            return Result(operation.id, "none", 0, "", 0)
        began = time.perf_counter()
        way = "read" if reads else "refusal"
        try:
            status, headers, body = self._send(
                record, request.method, request.path, request.query, dict(request.headers), request.body
            )
        except TongbanError as error:
            return Result(operation.id, way, 0, error.detail, _since(began))
        problem = next(_problems(spec, operation, way, status, headers, body), "")
        return Result(operation.id, way, status, problem, _since(began))


def latest(tx: Connection, interface: str, version: str | None = None) -> Probe | None:
    """The newest probe of an interface, or of one of its versions."""
    query = select(PROBES).where(PROBES.c.interface == interface)
    if version is not None:
        query = query.where(PROBES.c.version == version)
    row = tx.execute(query.order_by(PROBES.c.at.desc(), PROBES.c.id.desc()).limit(1)).one_or_none()
    return None if row is None else _probe(row)


def newest(tx: Connection, chosen: ColumnElement[bool] | None = None) -> list[Probe]:
    """The newest probe of every interface, or of those chosen."""
    last = select(func.max(PROBES.c.id)).group_by(PROBES.c.interface)  # ids sort by time
    query = select(PROBES).where(PROBES.c.id.in_(last if chosen is None else last.where(chosen)))
    return [_probe(row) for row in tx.execute(query)]


def _probe(row: Row[Any]) -> Probe:
    results = tuple(Result(**one) for one in row.results)
    return Probe(row.id, row.interface, row.version, row.endpoint, row.at, row.passed, results)


def _problems(
    spec: Interface, operation: Operation, way: str, status: int, headers: Mapping[str, str], body: bytes
) -> Iterator[str]:
    """How an answer breaks the document."""
    import json

    import jsonschema_rs

    if way == "refusal" and not 400 <= status < 500:
        yield f"a call without its required members was answered {status}"
        return
    if status in (401, 403):
        yield f"answered {status}: the endpoint does not let us in"
    if status in (404, 405, 410, 501) and (way == "refusal" or operation.response(status) is None):
        yield f"answered {status}: the operation is not there"
    if status >= 500:
        yield f"answered {status}"
    declared = operation.response(status)
    if declared is None:
        if way == "read":
            yield f"answered {status}, which is not documented"
        return
    media = headers.get("content-type", "").split(";")[0].strip().lower()
    content = next((one for one in declared.contents if one.media_type.split(";")[0].strip().lower() == media), None)
    if content is None:
        if declared.contents and body:
            yield f"answered {status} as {media or 'nothing'}, which is not documented"
        return
    if content.schema is not None and content.is_json:
        try:
            value = json.loads(body)
        except ValueError:
            yield f"answered {status} with a body that is no JSON"
            return
        for error in jsonschema_rs.Draft202012Validator(spec.standalone(content.schema)).iter_errors(value):
            place = "".join(f"/{step}" for step in error.instance_path)
            # the value itself stays out of what is kept
            yield f"answered {status} with a body that breaks its schema at {place or 'its root'}"


def _since(began: float) -> int:
    return round((time.perf_counter() - began) * 1000)
