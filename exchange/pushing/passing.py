"""How a pushed record passes the broker: decided, fetched, checked, reduced and receipted like any call.

The one module that knows the broker. An event that brings its record along goes the same way; only the provider is not
asked again: its answer is the one it gave with the event. What was cut once leaves by late tries and replays as long as
the agreement lets it out just so; after any other change the record passes the broker anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

import orjson
from sqlalchemy import Connection

from exchange.agreements.model import Agreement, AgreementState
from exchange.agreements.scope import Place, places
from exchange.agreements.service import Agreements
from exchange.brokering.check import JSON, Breach, is_json
from exchange.brokering.compiled import Versions
from exchange.brokering.model import Decision, Request, covers, decide
from exchange.brokering.paths import segments
from exchange.brokering.service import Broker
from exchange.brokering.sources import Incoming, Outgoing, Source
from exchange.brokering.subjects import together
from exchange.catalogue.model import Record
from exchange.catalogue.service import Catalogue
from exchange.clock import Clock
from exchange.errors import Invalid, NotFound, Unprocessable
from exchange.parties.access import Caller
from exchange.pushing.model import NOTHING, Call, Subscription, emptied, returned
from specs.model import Operation

LARGEST_RECORD = 1024 * 1024
"""Bytes of a record that comes with an event; more is bulk."""


@dataclass(frozen=True, slots=True)
class Passed:
    """A record that may leave: its value cut to what is agreed, its receipt, the persons in it, and by which scope and
    terms it was cut. ``empty``: the terms' rows let nothing of it out.
    """

    value: Any
    fields: tuple[str, ...]
    delivery: str
    subjects: tuple[str, ...]
    under: dict[str, Any]
    empty: bool


class Refused(Exception):
    """The provider answered that there is nothing to send, with this status."""

    def __init__(self, status: int) -> None:
        super().__init__(f"answer-{status}")


class Passing:
    """The way through the broker for records nobody called for at this moment."""

    def __init__(
        self,
        catalogue: Catalogue,
        agreements: Agreements,
        source: Source,
        broker: Callable[[Source], Broker],
        clock: Clock,
    ) -> None:
        """``broker`` makes one in front of a source: for us, of one that also knows what came with an event."""
        self.catalogue, self.agreements, self.clock = catalogue, agreements, clock
        self._source = _Held(source)
        self._broker = broker(self._source)
        self._versions = Versions()

    def close(self) -> None:
        """Write what waits and end the broker's threads."""
        self._broker.close()

    # ---- what is asked for

    def operation(self, interface: str, id: str) -> tuple[Record, Operation]:
        """A published service with one of its operations. Raises `NotFound`, `Unprocessable`."""
        record = self.catalogue.interface(interface)
        found = next((one for one in record.spec.operations if one.id == id), None)
        if found is None or not record.state.live:
            known = ", ".join(one.id for one in record.spec.operations[:20])
            raise Unprocessable(
                f"{interface} has no operation {id[:60]}", hint=f"there is: {known}", pointer="/operation"
            )
        return record, found

    def check_call(self, record: Record, operation: Operation, call: Call) -> None:
        """Raises `Unprocessable` for a call its own operation would refuse."""
        compiled = self._versions.of(record.spec)
        try:
            match = compiled.paths.match(operation.method, segments(_path(operation, call)))
        except Invalid as error:
            raise Unprocessable(error.detail, hint=error.hint, pointer="/call/path") from None
        if match is None or match.operation.id != operation.id:
            raise Unprocessable(
                f"these values do not lead to {operation.id}",
                hint=f"its path is {operation.path}",
                pointer="/call/path",
            )
        parsed = compiled.checker.request(operation, JSON if call.body is not None else "", _body(call))
        if isinstance(parsed, Breach):
            raise Unprocessable(f"the call breaks the interface: {parsed}", pointer=f"/call/body{parsed.pointer}")

    def check_record(self, record: Record, operation: Operation, value: Any) -> None:
        """Raises `Unprocessable` for a record that is no success answer of its operation, or too large."""
        body = orjson.dumps(value)
        if len(body) > LARGEST_RECORD:
            raise Unprocessable(f"a record has at most {LARGEST_RECORD:,} bytes", hint="large data goes by bulk")
        found = self._versions.of(record.spec).checker.answer(operation, _success(operation), JSON, body)
        if isinstance(found, Breach):
            raise Unprocessable(f"the record breaks the interface: {found}", pointer=found.pointer)

    def places(self, record: Record, operation: Operation) -> list[Place]:
        """The places of its success answers."""
        return [place for place in places(record.spec, operation) if place.ok]

    # ---- whether and how it leaves

    def decision(self, tx: Connection, wanted: Subscription) -> tuple[Decision, Agreement | None]:
        """Whether a record may leave to a subscription now, by the broker's own rules."""
        request = Request(wanted.consumer, wanted.interface, wanted.operation, wanted.purpose)
        found = self.agreements.for_call(tx, wanted.consumer, wanted.interface, wanted.agreement)
        agreement = found[0] if found else None
        return decide(agreement, request, self.clock()), agreement

    def served(self, wanted: Subscription) -> bool:
        """Whether the provider still offers the operation; what it withdrew leaves no more, receipted or not."""
        try:
            self.operation(wanted.interface, wanted.operation)
        except (NotFound, Unprocessable):
            return False
        return True

    def stands(self, wanted: Subscription, agreement: Agreement | None, under: Mapping[str, Any]) -> bool:
        """Whether a record may leave as it was cut: nothing it was cut by was taken back or changed since."""
        return agreement is not None and covers(agreement, wanted.operation, under["scope"], under["terms"])

    def over(self, agreement: Agreement | None) -> bool:
        """Whether nothing can leave under an agreement ever again."""
        ends = (AgreementState.EXPIRED, AgreementState.TERMINATED)
        return agreement is None or agreement.state_at(self.clock()) in ends

    def send(self, wanted: Subscription, call: Call, record: Any = NOTHING) -> Passed:
        """Decide, fetch (unless the ``record`` came with the event), check, cut and receipt.

        Raises what `Broker.call` raises, each refusal recorded; `Refused` for an error answer of the provider.
        """
        known, operation = self.operation(wanted.interface, wanted.operation)
        who = Caller(wanted.created_by, wanted.consumer, "department", frozenset({"engineer"}), wanted.id, "push")
        headers = {"content-type": JSON} if call.body is not None else {}
        with self._source.giving(None if record is NOTHING else record, _success(operation), wanted):
            answer = self._broker.call(
                who, wanted.interface, operation.method, _path(operation, call), call.query, headers, _body(call),
                wanted.agreement, wanted.purpose,
            )  # fmt: skip
        if not answer.outside and not (200 <= answer.status < 300 and is_json(answer.headers.get("Content-Type", ""))):
            raise Refused(answer.status)
        value = {} if answer.outside else orjson.loads(answer.body)
        numbers = self._versions.of(known.spec).numbers
        about = numbers.find(_schema(operation, answer.status), value)
        content = operation.body.contents if operation.body else ()
        asked = numbers.find(next((one.schema for one in content if one.is_json), None), call.body)
        made = self._broker.delivery(replace(who, via="system"), answer.delivery)
        scope = answer.under.scope.get(operation.id, ()) if answer.under else ()
        terms = dict(answer.under.terms) if answer.under else {}
        under = {"scope": list(scope), "terms": terms}
        empty = bool(terms.get("rows")) and not made.fields
        return Passed(value, made.fields, answer.delivery, tuple(sorted(together(asked, about))), under, empty)


class _Held:
    """The provider, or the answer it gave before; for a return flow only what is about its division."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._now: ContextVar[tuple[bytes | None, int, Subscription] | None] = ContextVar("pushed", default=None)

    @contextmanager
    def giving(self, record: Any, status: int, wanted: Subscription) -> Iterator[None]:
        """Inside, calls are answered with ``record``, else by the provider."""
        token = self._now.set((None if record is None else orjson.dumps(record), status, wanted))
        try:
            yield
        finally:
            self._now.reset(token)

    async def ask(self, call: Outgoing) -> Incoming:
        """The whole answer. Raises `SourceFailure`."""
        return self._given() or self._narrow(await self._source.ask(call))

    def _given(self) -> Incoming | None:
        now = self._now.get()
        return None if now is None or now[0] is None else Incoming(now[1], {"content-type": JSON}, now[0])

    def _narrow(self, answered: Incoming) -> Incoming:
        now = self._now.get()
        if now is None or now[2].division is None or now[2].division_field is None:
            return answered
        return _narrowed(answered, now[2].division_field, now[2].division)


def _narrowed(answered: Incoming, name: str, division: str) -> Incoming:
    if not 200 <= answered.status < 300 or not is_json(answered.headers.get("content-type", "")):
        return answered
    try:
        value = orjson.loads(answered.body)
    except orjson.JSONDecodeError:
        return answered  # the broker says so
    kept = returned(value, name, division)
    return replace(answered, body=orjson.dumps(emptied(value) if kept is NOTHING else kept))


def _path(operation: Operation, call: Call) -> str:
    path = operation.path.partition("#")[0].partition("?")[0]
    for name, value in call.path.items():
        path = path.replace(f"{{{name}}}", quote(value, safe=""))
    return path


def _body(call: Call) -> bytes:
    return b"" if call.body is None else orjson.dumps(call.body)


def _success(operation: Operation) -> int:
    found = operation.success
    status = found.status if found is not None else "200"
    return int(status) if status.isdigit() else 200


def _schema(operation: Operation, status: int) -> dict[str, Any] | None:
    response = operation.response(status)
    contents = response.contents if response is not None else ()
    return next((one.schema for one in contents if one.is_json and one.schema is not None), None)
