"""What a provider calls by itself: callbacks of an operation just answered, and webhooks (OpenAPI 3.1).

Here messages are made; `sending` brings them to their destination.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from mockdata.instances import Unsatisfiable
from mockdata.instances.suggestions import Source, Suggestions, echo
from mockdata.sandbox.asking import queried, written
from mockdata.sandbox.contract import Contract
from mockdata.sandbox.expressions import Exchange, Message, expand
from mockdata.sandbox.messages import Request, Response
from mockdata.sandbox.negotiation import prefer
from mockdata.sandbox.parameters import write
from mockdata.sandbox.requests import IGNORED, Parsed
from mockdata.seeds import stream
from specs.model import Interface, Operation


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request to be sent. `interface` and `operation` say where it comes from, `name` is the callback's or webhook's,
    `template` its expression, `value` the body before it was encoded."""

    interface: str
    operation: str | None
    name: str
    template: str
    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    value: object
    at: datetime


class Callbacks:
    """Makes the outgoing messages of one interface. The same call gives the same messages for the same seed."""

    def __init__(self, interface: Interface, seed: int | str, clock: Callable[[], datetime]) -> None:
        self.interface = interface
        self.seed = seed
        self.clock = clock
        self._contracts: dict[str, Contract] = {}

    def of(self, operation: Operation, request: Request, parsed: Parsed, response: Response) -> Iterator[Outgoing]:
        """The callbacks that follow a call that went well. Those whose expression has no value are left out."""
        asked = "prefer" in request.fields and prefer(request.fields["prefer"]).code is not None
        if not 200 <= response.status < 300 or response.header("Tongban-Replayed") or asked:
            return
        exchange = exchange_of(request, parsed, response)
        for name, calls in operation.callbacks.items():
            for call in calls:
                try:
                    url = expand(call.path, exchange)
                except (LookupError, ValueError):
                    continue
                seed = stream(
                    self.seed, self.interface.id, "callback", name, call.method, url, request.body.decode("latin-1")
                )
                try:
                    yield self._message(call, operation.id, name, url, seed, (response.value, parsed.body))
                except Unsatisfiable:
                    continue

    def webhook(self, name: str, url: str, value: Mapping[str, object] | None = None, number: int = 0) -> Outgoing:
        """The message of a webhook to a URL. `value`: members the body is to hold, where its schema allows; `number`
        tells several apart. Raises KeyError for a webhook the document does not have, Unsatisfiable for one without a
        body."""
        for call in self.interface.webhooks:
            if call.path == name:
                seed = stream(self.seed, self.interface.id, "webhook", name, call.method, number)
                return self._message(call, None, name, url, seed, (value,))
        known = ", ".join(one.path for one in self.interface.webhooks) or "none"
        raise KeyError(f"{self.interface.id} has no webhook {name!r}, only: {known}")

    def _message(
        self, call: Operation, cause: str | None, name: str, url: str, seed: int, known: tuple[object, ...]
    ) -> Outgoing:
        contract = self._contracts.setdefault(call.pointer, Contract(self.interface, call))
        suggest = Suggestions()
        for value in known:
            if cause is None and value is not None:
                suggest.lay(value)
            for source in _sources(value):
                suggest.ask(source)
        headers, query = {"user-agent": "tongban-sandbox"}, []
        for reader in contract.readers:
            parameter = reader.parameter
            if not parameter.required or parameter.name.lower() in IGNORED:
                continue
            if parameter.location == "header":
                headers[parameter.name.lower()] = _one_line(write(reader.check.example(seed)))
            elif parameter.location == "query":
                query += queried(parameter, reader.check.example(seed))
        value, body = None, b""
        if call.body is not None and call.body.contents:
            content = next((one for one in call.body.contents if one.is_json), call.body.contents[0])
            value = contract.body(content).example(seed, suggest)
            headers["content-type"], body = written(content, value, contract)
        if query:
            url += ("&" if urlsplit(url).query else "?") + "&".join(query)
        fields = tuple(headers.items())
        return Outgoing(self.interface.id, cause, name, call.path, call.method, url, fields, body, value, self.clock())


def exchange_of(request: Request, parsed: Parsed, response: Response) -> Exchange:
    """A call and its answer as runtime expressions see them."""
    target = f"{request.path}?{request.query}" if request.query else request.path
    return Exchange(
        f"http://{request.fields.get('host', 'localhost')}{target}",
        request.method,
        response.status,
        Message(request.fields, dict(request.pairs), parsed.path, parsed.body),
        Message({name.lower(): value for name, value in response.headers}, body=response.value),
    )


def _sources(value: object) -> Iterator[Source]:
    """A known value, offered to members of the same name; what it holds one level below, too."""
    if isinstance(value, dict):
        yield echo(value)
        yield from (echo(inner) for inner in value.values() if isinstance(inner, dict))


def _one_line(text: str) -> str:
    return "".join(letter if " " <= letter <= "~" else "?" for letter in text)
