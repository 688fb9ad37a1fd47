"""A sandbox: published interfaces made callable, stateful and honest.

`handle` is the whole of it, a synchronous function of request, seed, clock and overlay; the ASGI side only
carries bytes. See docs/sandbox.md.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from concurrent.futures import Future
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Any

from mockdata.sandbox import credentials
from mockdata.sandbox.behaviour import Behaviour
from mockdata.sandbox.callbacks import Callbacks, Outgoing
from mockdata.sandbox.clock import VirtualClock
from mockdata.sandbox.delivery import deliver
from mockdata.sandbox.facts import Facts
from mockdata.sandbox.faults import FaultPlan, Strike
from mockdata.sandbox.messages import Request, Response, problem
from mockdata.sandbox.overlay import Overlay, Snapshot
from mockdata.sandbox.past import Past, latest, told_of
from mockdata.sandbox.record import SECRETS, Call, fields_of, redacted, secrets_of
from mockdata.sandbox.requests import LARGEST, Parsed
from mockdata.sandbox.responses import error, set_header
from mockdata.sandbox.routing import Match, Miss, Router
from mockdata.sandbox.sending import OutgoingCall, Sender
from mockdata.sandbox.tokens import TokenEndpoint, Tokens
from specs.model import Interface, Kind

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

HANDLED_MATTER = "tongban-handled-matter"


def wall_clock() -> datetime:
    """Now, in UTC."""
    return datetime.now(UTC)


class Sandbox:
    """Serves interfaces below `/{interface id}/…`, or one at the root when `bare`. An ASGI application.

    `population` (mockdata.population.Population, or a function that makes one when first needed) fills fields bound to
    elements; without one they are drawn from their schemas. `seed` decides everything virtual. `clock` tells the time
    rules see; once a VirtualClock is set, the population is told of its day. `overlay` holds what callers write.
    `recorder` is given every Call. `faults` may be changed while serving. `accept` decides which credentials count
    (default: any that are not empty); with `authenticate=False` none are asked for. `secret` signs the tokens of client
    credentials (default: one that follows from the seed); with `issued_only` no other tokens count where they are
    declared. `sender` brings callbacks and webhooks to their destination (mockdata.sandbox.sending.BackgroundSender);
    without one none are made.

    Raises SpecError when an operation's x-mock-rules are faulty, ValueError when `bare` is asked for several.
    """

    def __init__(
        self,
        interfaces: Iterable[Interface],
        population: Any = None,
        *,
        seed: int | str = 1,
        clock: Callable[[], datetime] = wall_clock,
        overlay: Overlay | None = None,
        recorder: Callable[[Call], None] | None = None,
        faults: FaultPlan | None = None,
        bare: bool = False,
        authenticate: bool = True,
        accept: credentials.Accept | None = None,
        secret: bytes | None = None,
        issued_only: bool = False,
        sender: Sender | None = None,
    ) -> None:
        self.interfaces = tuple(one for one in interfaces if one.kind is Kind.API)
        if bare and len(self.interfaces) != 1:
            raise ValueError(f"bare paths need exactly one interface, not {len(self.interfaces)}")
        self.seed = seed
        self.clock = clock
        self.overlay = overlay if overlay is not None else Overlay()
        self.faults = faults if faults is not None else FaultPlan(seed)
        self.recorder = recorder
        self.bare = bare
        self.authenticate = authenticate
        tokens = Tokens(secret or sha256(f"tongban sandbox {seed}".encode()).digest(), lambda: self.clock())
        self.credentials = credentials.Rules(accept, tokens, issued_only)
        self.tokens = TokenEndpoint(self.interfaces, tokens, bare, accept)
        self.sender = sender
        self._callbacks = {one.id: Callbacks(one, seed, lambda: self.clock()) for one in self.interfaces}
        self._secrets = {one.id: secrets_of(one) for one in self.interfaces}
        self.router = Router(self.interfaces, bare)
        self._population = population
        self._day: date | None = None
        self.past = Past(self.overlay, seed, self._facts)
        self._settle(None)

    def reset(self) -> None:
        """Forget everything written."""
        self.overlay.reset()

    def snapshot(self) -> Snapshot:
        """The written state now."""
        return self.overlay.snapshot()

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a snapshot."""
        self.overlay.restore(snapshot)

    def _facts(self, day: date | None, overlay: Overlay) -> Facts:
        """What is known on a day; None: on the population's own."""
        given = self._population
        if day is None or given is None:
            return Facts(given, overlay, self.seed)
        return Facts(lambda: told_of(given() if callable(given) else given, day), overlay, self.seed)

    def _settle(self, day: date | None) -> None:
        """Make everything that hangs on the day the population is told of."""
        self._day = day
        self.facts = self._facts(day, self.overlay)
        self._behaviours = {
            one.id: Behaviour(one, self.facts, self.overlay, self.seed, self.clock) for one in self.interfaces
        }

    def _keep_up(self, at: datetime) -> None:
        """Follow the clock: a new day, and the states a lag needs."""
        day = at.date() if isinstance(self.clock, VirtualClock) and self.clock.virtual else None
        if day != self._day:
            self._settle(day)
        lag = latest(self.faults.lags(), at)
        if lag is not None:
            self.past.note(at, lag)

    def handle(self, request: Request) -> Response:
        """Answer one request. Never raises for what a request holds."""
        started, at = time.perf_counter(), self.clock()
        if isinstance(self.clock, VirtualClock) or self.faults.active:
            self._keep_up(at)
        found = self.router.match(request.method, request.path, request.pairs)
        if request.path in self.tokens.paths and (request.method == "POST" or isinstance(found, Miss)):
            response, parsed = self._token(request, found), Parsed()
        elif isinstance(found, Miss):
            response, parsed = self._missed(request, found), Parsed()
            response.valid = False
        else:
            response, parsed = self._matched(request, found, at)
        if "origin" in request.fields:  # a page in a browser calls; a sandbox holds nothing to protect from it
            set_header(response, "Access-Control-Allow-Origin", request.fields["origin"])
            set_header(response, "Access-Control-Expose-Headers", "*")
        if request.method == "HEAD":
            response.body = b""
        if self.recorder is not None:
            elapsed = (time.perf_counter() - started) * 1000
            real = (
                self.clock.real() if isinstance(self.clock, VirtualClock) else at
            )  # when it happened, not when it played
            self.recorder(self._call(request, found, response, parsed, real, elapsed))
        return response

    def _matched(self, request: Request, found: Match, at: datetime) -> tuple[Response, Parsed]:
        interface, operation = found.route.interface, found.route.operation
        behaviour = self._behaviours[interface.id]
        strike = self.faults.strike(interface.id, operation.id, at)
        if strike is not None and strike.refuses:
            return self._refused(behaviour, request, found, strike), Parsed()
        denied = credentials.denial(interface, operation, request, self.credentials) if self.authenticate else None
        if denied is not None:
            statuses = (denied.status,) if denied.status == 403 else (401, 403)
            response = error(behaviour.contract(operation), statuses, denied.detail, request.fields.get("accept"))
            set_header(response, "WWW-Authenticate", denied.challenge)
            parsed = Parsed(status=response.status)
        else:
            stale = strike.stale if strike is not None else None
            earlier = self.past.respond(stale, at, request, found) if stale is not None else None
            response, parsed = earlier if earlier is not None else behaviour.respond(request, found)
            if self.sender is not None and operation.callbacks:
                for message in self._callbacks[interface.id].of(operation, request, parsed, response):
                    self._dispatch(self.sender, message)
            lag = latest(self.faults.lags(), at) if strike is not None else None
            if lag is not None:
                self.past.note(at, lag)
        if strike is not None:
            strike.spoil(response)
        return response, parsed

    def fire(
        self, webhook: str, url: str, *, interface: str | None = None, body: Mapping[str, Any] | None = None
    ) -> Future[OutgoingCall]:
        """Send a webhook of an interface (None: the first one that has it) to a URL; the future holds what came of it.

        `body` are members it is to hold, where its schema allows. Raises KeyError for a webhook no document declares,
        RuntimeError without a sender, Unsatisfiable when its body has no instance.
        """
        if self.sender is None:
            raise RuntimeError("this sandbox sends nothing: it was made without a sender")
        having = [one for one in self.interfaces if interface in (None, one.id)]
        having = [one for one in having if webhook in {call.path for call in one.webhooks}] or having
        if not having:
            raise KeyError(f"no interface {interface!r}")
        number = self.overlay.count(f"webhook {webhook}")
        return self._dispatch(self.sender, self._callbacks[having[0].id].webhook(webhook, url, body, number))

    def _dispatch(self, sender: Sender, message: Outgoing) -> Future[OutgoingCall]:
        """Hand a message to the sender; whoever waits for the future finds it recorded."""
        told: Future[OutgoingCall] = Future()

        def tell(done: Future[OutgoingCall]) -> None:
            try:
                if self.recorder is not None:
                    self.recorder(done.result())
            finally:
                told.set_result(done.result())

        sender(message).add_done_callback(tell)
        return told

    @staticmethod
    def _refused(behaviour: Behaviour, request: Request, found: Match, strike: Strike) -> Response:
        status, after = strike.status, strike.retry_after
        if status is None:
            response = Response(0, drop=True)
            strike.spoil(response)
            return response
        contract = behaviour.contract(found.route.operation)
        detail = "This fault is part of the sandbox's fault plan."
        response = error(contract, (status,), detail, request.fields.get("accept"))
        if response.status != status:
            response = problem(status, "Fault", detail)
        if after is not None or status in (429, 503):
            set_header(response, "Retry-After", str(after if after is not None else 1))
        strike.spoil(response)
        return response

    def _token(self, request: Request, found: Match | Miss) -> Response:
        """The answer of the token endpoint; where the document itself declares the operation, as it declares it."""
        if request.method != "POST":
            return self._missed(request, Miss(("POST",)))
        made = self.tokens.answer(request)
        if isinstance(found, Miss):
            return made
        contract = self._behaviours[found.route.interface.id].contract(found.route.operation)
        known = contract.declared(made.status)
        content = known[1].content() if known is not None else None
        if content is not None and content.schema is not None and not contract.answer(content).accepts(made.json()):
            detail = str(made.json().get("error_description", ""))
            if made.status < 400:
                return self._matched(request, found, self.clock())[0]
            return error(contract, (made.status,), detail, request.fields.get("accept"))
        return made

    def _missed(self, request: Request, miss: Miss) -> Response:
        if not miss.allowed:
            names = ", ".join(f"/{one.id}" for one in self.interfaces[:8])
            hint = "no operation of this interface has this path" if miss.interface or self.bare else f"try {names}"
            return problem(404, "Not Found", f"{request.path}: {hint}")
        allowed = ", ".join(miss.allowed)
        if request.method == "OPTIONS" and "access-control-request-method" in request.fields:
            origin = request.fields.get("origin", "*")
            wanted = request.fields.get("access-control-request-headers", "*")
            headers = [
                ("Access-Control-Allow-Origin", origin),
                ("Access-Control-Allow-Methods", allowed),
                ("Access-Control-Allow-Headers", wanted),
            ]
            return Response(204, headers)
        response = problem(405, "Method Not Allowed", f"{request.method} is not declared here, only: {allowed}")
        response.headers.append(("Allow", allowed))
        return response

    def _call(
        self, request: Request, found: Match | Miss, response: Response, parsed: Parsed, at: datetime, elapsed: float
    ) -> Call:
        route = found.route if isinstance(found, Match) else None
        interface = route.interface if route is not None else None
        secrets = self._secrets[interface.id] if interface is not None else SECRETS
        return Call(
            at=at,
            interface=interface.id if interface is not None else None,
            operation=route.operation.id if route is not None else None,
            method=request.method,
            path=request.path,
            path_template=route.operation.path if route is not None else None,
            query=tuple(redacted(request.pairs, secrets)) if request.query else (),
            headers=dict(redacted(request.fields.items(), secrets)),
            body=parsed.body,
            status=response.status,
            answer=response.value,
            fields_returned=fields_of(response.value) if response.status < 400 else (),
            valid=response.valid and not parsed.violations,
            violations=tuple(parsed.violations),
            rule=response.rule,
            token=credentials.fingerprint(credentials.token_of(request)),
            handled_matter=request.fields.get(HANDLED_MATTER),
            duration_ms=elapsed,
            dropped=response.drop,
            faults=response.faults,
            answer_headers=tuple((key.lower(), value) for key, value in redacted(response.headers, secrets)),
            answer_size=len(response.body),
        )

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """The ASGI side."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        if scope["type"] != "http":
            return
        body = await body_of(receive)
        if body is None:
            await deliver(problem(413, "Content Too Large", f"bodies end at {LARGEST} bytes"), scope, send)
            return
        await deliver(self.handle(request_of(scope, body)), scope, send)


def request_of(scope: Mapping[str, Any], body: bytes) -> Request:
    """The request of an ASGI scope; a mount path is taken off."""
    raw = scope.get("raw_path")
    path = raw.decode("latin-1") if isinstance(raw, bytes) else str(scope["path"])
    root = str(scope.get("root_path", ""))
    if root and path.startswith(root):
        path = path[len(root) :]
    headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"])
    return Request(str(scope["method"]), path or "/", scope["query_string"].decode("latin-1"), headers, body)


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def body_of(receive: Receive) -> bytes | None:
    """The whole body of a request; None when it is larger than a sandbox takes."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        part = message.get("body", b"")
        size += len(part)
        if size > LARGEST:
            return None
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)
