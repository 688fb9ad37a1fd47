"""The hidden departments of one run: a fresh sandbox on a free loopback port, watched.

The app reaches every department under `{url}/{interface-id}{path}` with the launch token it was handed, the
same way as in real use. The gateway lets in only tokens of this run, can take departments down for single
launches, and records every call with what the department answered.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import re
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qs

from conformance.case import DepartmentCall
from conformance.observe import Recorded
from mockdata.population import Population
from mockdata.sandbox import Sandbox
from mockdata.sandbox.delivery import deliver
from mockdata.sandbox.messages import Request, Response, dump, problem
from mockdata.sandbox.record import Call
from specs.model import Interface

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

PREFIX = "/gateway"
"""The path real gateways have too: the address must not tell a test run from a launch."""

CHINA = timezone(timedelta(hours=8))
LARGEST_BODY = 4_000_000
LASTING = 24 * 3600
"""Seconds a launch lasts."""
IDLE = 75
"""Seconds a connection is kept for an app that calls again: longer than most clients keep theirs."""


class GatewayError(Exception):
    """The hidden gateway cannot be started or used."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """What one launch meets at an operation.

    With `status` the department refuses without doing anything, `retry_after` in Retry-After. With `cut` it does
    what is asked and the connection breaks in the middle of its answer. `delay` seconds pass before it answers.
    `facts` stand in a positive answer instead of what the department holds (fields that are not asked for stay
    away). With `generous` every field is given, whatever is asked for. `meanwhile` happens after a positive answer is
    made and before the app sees it; app and record have the value it returns. `times`: so many calls meet it, None all
    until the launch is restored.
    """

    status: int | None = None
    retry_after: int | None = None
    cut: bool = False
    delay: float = 0.0
    facts: Mapping[str, Any] = field(default_factory=dict)
    generous: bool = False
    meanwhile: Callable[[Any], Any] | None = None
    times: int | None = None

    @property
    def trouble(self) -> bool:
        """Whether the department is in trouble, and does not just say something else."""
        return self.status is not None or self.cut or self.delay > 0


DOWN = Trouble(status=503, retry_after=30)


class Gateway:
    """A hidden country's departments over HTTP. Use as a context manager; `url` is valid inside."""

    def __init__(
        self, interfaces: Iterable[Interface], population: Population, *, seed: str, today: date, salt: str = ""
    ):
        self.interfaces = {interface.id: interface for interface in interfaces}
        self._secret = f"{seed}/{salt}".encode()
        self._launches: dict[str, str] = {}
        self._troubles: dict[str, dict[str, Trouble]] = {}
        self._record: list[Recorded] = []
        self._late: dict[int, Recorded] = {}
        self._lock = threading.Lock()
        self._heard = threading.local()
        morning = datetime(today.year, today.month, today.day, 10, tzinfo=CHINA)
        self._sandbox = Sandbox(
            self.interfaces.values(), population, seed=seed, clock=lambda: morning, recorder=self._hear
        )
        self._opened = int(time.time())
        self._server: Any = None
        self._thread: threading.Thread | None = None
        self._socket: socket.socket | None = None
        self.url = ""

    # -- what the runner does ------------------------------------------------------------------------------

    def launch(self, name: str, down: Iterable[str] = (), troubles: Mapping[str, Trouble] | None = None) -> str:
        """A launch token for one citizen's use of the app.

        `down` are the interfaces (`police.households`) or operations (`…#checkHousehold`) that answer 503 to it,
        `troubles` what else it meets at them.
        Tokens follow from seed and salt and cannot be guessed without them. Every run has a salt of its own: to an
        app that still runs, a launch of an earlier run with the same seed is another launch.
        """
        token = self._token(name)
        self._launches[token] = name
        self._troubles[name] = {**dict.fromkeys(down, DOWN), **(troubles or {})}
        return token

    def _token(self, name: str) -> str:
        """A token of the shape real launches have (a signed JWT): its look must not tell a test run either."""

        def drawn(what: str) -> bytes:
            return hmac.new(self._secret, what.encode(), hashlib.sha512).digest()

        launch = drawn(f"launch:{name}").hex()
        head = {"alg": "Ed25519", "kid": _encoded(drawn("key")[:32]), "typ": "JWT"}
        claims = {
            "iss": self.url.removesuffix(PREFIX),
            "sub": f"lch_{self._opened * 1000:012x}{launch[:15]}",
            "aud": "gateway",
            "iat": self._opened,
            "jti": launch[15:39],
            "exp": self._opened + LASTING,
        }
        parts = (json.dumps(part, separators=(",", ":")).encode() for part in (head, claims))
        return ".".join(map(_encoded, (*parts, drawn(f"signature:{name}"))))

    def restore(self, name: str) -> None:
        """All departments of a launch work again, and say what they hold."""
        self._troubles[name] = {}

    def expire(self, name: str) -> None:
        """The tokens of a launch are over: departments refuse them from now on."""
        with self._lock:
            self._launches = {token: known for token, known in self._launches.items() if known != name}

    def record(self, launches: Iterable[str] | None = None) -> tuple[Recorded, ...]:
        """The calls so far, in order of arrival, of the given launches or of all."""
        wanted = None if launches is None else set(launches)
        with self._lock:
            return tuple(item for item in self._record if wanted is None or item.launch in wanted)

    def ask(self, interface: str, method: str, path: str, body: Any, key: str = "") -> tuple[int, Any]:
        """What a department answers, asked directly and unrecorded: how the oracle learns facts.

        With an idempotency `key` it may be a write: what somebody else does while an app is at work.
        """
        headers: tuple[tuple[str, str], ...] = (("authorization", "Bearer oracle"),)
        if key:
            headers += (("idempotency-key", key),)
        content = b""
        if body is not None:
            headers += (("content-type", "application/json"),)
            content = json.dumps(body, ensure_ascii=False).encode()
        answer = self._sandbox.handle(Request(method, f"/{interface}{path}", "", headers, content))
        return answer.status, answer.value

    # -- serving -------------------------------------------------------------------------------------------

    def start(self) -> Gateway:
        """Serve on a free loopback port; raises `GatewayError`."""
        import uvicorn

        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            self._socket.bind(("127.0.0.1", 0))
        except OSError as error:
            self._socket.close()
            raise GatewayError(f"no free port on 127.0.0.1: {error}") from None
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}{PREFIX}"
        config = uvicorn.Config(
            self._serve,
            log_config=None,
            log_level="critical",
            interface="asgi3",
            lifespan="off",
            ws="none",
            server_header=False,
            timeout_keep_alive=IDLE,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name="gateway", daemon=True
        )
        self._thread.start()
        deadline = time.monotonic() + 10
        while not self._server.started:
            if time.monotonic() > deadline or not self._thread.is_alive():
                self.stop()
                raise GatewayError("the hidden gateway did not start")
            time.sleep(0.005)
        return self

    def stop(self) -> None:
        """Close the port; safe to call twice."""
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join(timeout=10)
        if self._socket is not None:
            self._socket.close()

    def __enter__(self) -> Gateway:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _hear(self, call: Call) -> None:
        self._heard.call = call

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body = await _body(receive)
        headers = tuple((n.decode("latin-1"), v.decode("latin-1")) for n, v in scope["headers"])
        query = scope.get("query_string", b"").decode("latin-1")
        path = scope.get("raw_path", scope["path"].encode()).decode("latin-1").partition("?")[0]
        answer, place = self._answer(Request(scope["method"], path, query, headers, body))
        if answer.delay > 0:
            if await _gone(receive, answer.delay):
                return
            answer.delay = 0.0
            self._arrives(place)
        await deliver(answer, scope, send)

    def _answer(self, request: Request) -> tuple[Response, int]:
        """The answer and its place in the record (-1: not recorded)."""
        launch = self._launches.get(request.fields.get("authorization", "").partition(" ")[2])
        if launch is None:
            refusal = problem(401, "unknown launch token")
            refusal.headers.append(("www-authenticate", "Bearer"))
            return refusal, -1
        if not request.path.startswith(PREFIX + "/"):
            return problem(404, "no such department"), -1
        inner = Request(request.method, request.path[len(PREFIX) :], request.query, request.headers, request.body)
        interface, _, rest = inner.path[1:].partition("/")
        operation = self.operation(interface, inner.method, f"/{rest}")
        self._heard.call = None
        trouble = self._trouble(launch, interface, operation)
        if trouble.status is not None:
            answer = problem(trouble.status, "the department cannot serve for the moment")
            if trouble.retry_after is not None:
                answer.headers.append(("retry-after", str(trouble.retry_after)))
        else:
            answer = self._handled(replace(inner, query="") if trouble.generous else inner)
            _tell(answer, trouble.facts)
            if trouble.meanwhile is not None and answer.status < 300:
                heard = self._heard.call
                answer.value = trouble.meanwhile(answer.value)
                answer.body = dump(answer.value)
                self._heard.call = heard
        answer.delay = trouble.delay
        answer.truncate = 0.5 if trouble.cut else None
        return answer, self._note(launch, inner, interface, operation, answer, trouble.trouble)

    def _handled(self, request: Request) -> Response:
        """The department's answer; a department that breaks is recorded as such, for it is our fault."""
        try:
            return self._sandbox.handle(request)
        except Exception:
            return problem(500, "the department broke down")

    def _trouble(self, launch: str, interface: str, operation: str) -> Trouble:
        """What a call meets, counting it off."""
        with self._lock:
            known = self._troubles[launch]
            for name in (f"{interface}#{operation}", interface):
                found = known.get(name)
                if found is not None and found.times != 0:
                    if found.times is not None:
                        known[name] = replace(found, times=found.times - 1)
                    return found
        return Trouble()

    def _note(
        self, launch: str, request: Request, interface: str, operation: str, answer: Response, troubled: bool
    ) -> int:
        """Keep the call; an answer that is late or breaks off has not been read until it `_arrives`."""
        heard: Call | None = self._heard.call
        path = "/" + request.path[1:].partition("/")[2]
        lost = answer.truncate is not None or answer.delay > 0
        call = DepartmentCall(
            interface=interface,
            operation=(heard.operation if heard and heard.operation else operation),
            method=request.method,
            path=path,
            status=answer.status,
            fields=() if lost or not heard else _asked(request.query, heard.fields_returned),
            request=heard.body if heard else _json(request.body),
            query=request.query,
            matter=request.fields.get("tongban-handled-matter"),
            key=request.fields.get("idempotency-key"),
            heard=not lost,
        )
        item = Recorded(
            call=call,
            launch=launch,
            url=path + (f"?{request.query}" if request.query else ""),
            matter=request.fields.get("tongban-handled-matter"),
            key=request.fields.get("idempotency-key"),
            answer=None if lost else answer.value,
            troubled=troubled,
        )
        with self._lock:
            self._record.append(item)
            place = len(self._record) - 1
            if lost and answer.truncate is None:
                fields = _asked(request.query, heard.fields_returned) if heard else ()
                self._late[place] = replace(item, call=replace(call, fields=fields, heard=True), answer=answer.value)
            return place

    def _arrives(self, place: int) -> None:
        """A late answer is on its way to an app that still waits for it."""
        with self._lock:
            if place in self._late:
                self._record[place] = self._late.pop(place)

    def operation(self, interface: str, method: str, path: str) -> str:
        """The operation a call means, "" when it means none."""
        known = self.interfaces.get(interface)
        for operation in known.operations if known else ():
            if operation.method == method and _pattern(operation.path).fullmatch(path):
                return operation.id
        return ""


def _asked(query: str, returned: Iterable[str]) -> tuple[str, ...]:
    """The fields of an answer an app has asked for: what a department gives beyond that is not the app's doing."""
    wanted = {name for value in parse_qs(query).get("fields", ()) for name in value.split(",")}
    return tuple(name for name in returned if not wanted or name in wanted)


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _pattern(template: str) -> re.Pattern[str]:
    parts: Sequence[str] = re.split(r"\{[^}]*\}", template)
    return re.compile("[^/]+".join(re.escape(part) for part in parts))


async def _body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if message["type"] == "http.disconnect" or not message.get("more_body") or size > LARGEST_BODY:
            return b"".join(parts)


async def _gone(receive: Receive, seconds: float) -> bool:
    """Whether the caller hung up before so many seconds were over."""
    waiting = asyncio.ensure_future(receive())
    done, _ = await asyncio.wait({waiting}, timeout=seconds)
    if not done:
        waiting.cancel()
    return bool(done) and waiting.result()["type"] == "http.disconnect"


def _tell(answer: Response, facts: Mapping[str, Any]) -> None:
    """Put facts in the place of what a positive answer says."""
    told = {name: value for name, value in facts.items() if name in answer.value} if _object(answer) else {}
    if told:
        answer.value = {**answer.value, **told}
        answer.body = dump(answer.value)


def _object(answer: Response) -> bool:
    return 200 <= answer.status < 300 and isinstance(answer.value, Mapping)


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None
