"""From an incoming call to a question that can be decided: what it means, whom it is about, whether it is
well formed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from exchange.brokering import headers as passing
from exchange.brokering.check import Breach
from exchange.brokering.compiled import Compiled
from exchange.brokering.model import Launch
from exchange.brokering.paths import Match, segments
from exchange.brokering.records import Ask
from exchange.catalogue.model import Record
from exchange.errors import Forbidden, Invalid, NotFound, TongbanError, Unavailable, Unprocessable
from exchange.parties.access import Caller, permit


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a call does not pass, for the record (``rule``) and for the consumer (``error``)."""

    rule: str
    error: TongbanError


@dataclass(frozen=True, slots=True)
class Intake:
    """A call ready to be decided. ``first`` refuses before any agreement is looked at, ``then`` after one
    permits.
    """

    ask: Ask
    compiled: Compiled | None
    first: Refusal | None
    then: Refusal | None


@dataclass(frozen=True, slots=True)
class Known:
    """A published service and everything derived from its document."""

    record: Record
    compiled: Compiled


@dataclass(frozen=True, slots=True)
class Incoming:
    """A call as it arrives: ``path`` and ``query`` raw, header names lower case."""

    interface: str
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    agreement: str | None
    purpose: str


def take(
    id: str,
    at: str,
    call: Incoming,
    caller: Caller | None,
    launch: Launch | None,
    known: Known | None,
    pause: float = 0.0,
) -> Intake:
    """Work out what a call means. ``known`` None: no such service is published. ``pause``: seconds its provider is
    left alone. Nothing is raised here: a refusal has to be recorded before it is told.
    Raises only `Unauthenticated`, when there is neither caller nor launch: nobody's refusal is no record.
    """
    if caller is None and launch is None:
        permit(caller, "exchange.call")
    first = _role(caller) if launch is None else None
    record, compiled = (known.record, known.compiled) if known else (None, None)
    missing = None if known else _missing()
    match, ambiguous = _match(compiled, call)
    parsed = (
        compiled.checker.request(match.operation, call.headers.get("content-type", ""), call.body)
        if (compiled and match)
        else None
    )
    ask = Ask(
        id=id,
        at=at,
        consumer=launch.vendor if launch else (caller.party if caller else ""),
        caller=caller.id if caller else "",
        record=record,
        method=call.method.upper(),
        match=match,
        asked=compiled.asked(match.operation, call.query) if compiled and match else (),
        claimed=launch.matter if launch else call.purpose,
        agreement=call.agreement,
        launch=launch,
        reference=passing.reference(call.headers),
        subjects=_subjects(compiled, match, call),
        body=call.body,
    )
    then = None
    if record and not record.endpoint:
        then = Refusal("no-endpoint", Unavailable("the provider has not connected this interface yet"))
    elif pause > 0:
        then = Refusal(
            "provider-resting",
            Unavailable(
                "the provider failed too often just now and is left alone for a while",
                hint="call again after Retry-After seconds",
                retry_after=max(1, round(pause)),
            ),
        )
    elif isinstance(parsed, Breach):
        then = Refusal(
            f"request-{parsed.rule}",
            Unprocessable(
                f"the request breaks the interface: {parsed}",
                hint="compare it with the document",
                pointer=parsed.pointer,
            ),
        )
    return Intake(ask, compiled, first or missing or ambiguous, then)


def _role(caller: Caller | None) -> Refusal | None:
    try:
        permit(caller, "exchange.call")
    except Forbidden as error:
        return Refusal(error.rule, error)
    return None


def _missing() -> Refusal:
    error = NotFound(
        "no such service is published here",
        hint="GET /api/v1/interfaces lists them",
        rule="unknown-interface",
    )
    return Refusal("unknown-interface", error)


def _match(compiled: Compiled | None, call: Incoming) -> tuple[Match | None, Refusal | None]:
    if compiled is None:
        return None, None
    try:
        return compiled.paths.match(call.method, segments(call.path)), None
    except Invalid as error:
        return None, Refusal("path-ambiguous", error)


def _subjects(compiled: Compiled | None, match: Match | None, call: Incoming) -> frozenset[str]:
    if compiled is None or match is None:
        return frozenset()
    # bodies only: the catalogue registers no interface with citizen numbers in its paths or queries
    content = match.operation.body.contents if match.operation.body else ()
    schema = next((one.schema for one in content if one.is_json), None)
    if not call.body:
        return frozenset()
    try:
        # also of a body that breaks the interface: an attempt on somebody's data is somebody's to know
        value = orjson.loads(call.body)
    except orjson.JSONDecodeError:
        value = None
    return compiled.numbers.find(schema, value)
