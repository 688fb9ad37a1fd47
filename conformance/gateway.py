"""The hidden departments of one run: a fresh sandbox on a free loopback port, watched.

The app reaches every department under `{url}/{interface-id}{path}` with the launch token it was handed, the
same way as in real use. The gateway lets in only tokens of this run, can take departments down for single
launches, and records every call with what the department answered.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qs

from conformance.case import DepartmentCall
from conformance.observe import Recorded
from mockdata.population import Population
from mockdata.sandbox import Sandbox
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


class GatewayError(Exception):
    """The hidden gateway cannot be started or used."""


class Gateway:
    """A hidden country's departments over HTTP. Use as a context manager; `url` is valid inside."""

    def __init__(
        self, interfaces: Iterable[Interface], population: Population, *, seed: str, today: date, salt: str = ""
    ):
        self.interfaces = {interface.id: interface for interface in interfaces}
        self._secret = f"{seed}/{salt}".encode()
        self._launches: dict[str, str] = {}
        self._down: dict[str, frozenset[str]] = {}
        self._meanwhile: dict[tuple[str, str], Callable[[Any], Any]] = {}
        self._generous: dict[str, frozenset[str]] = {}
        self._record: list[Recorded] = []
        self._lock = threading.Lock()
        self._heard = threading.local()
        morning = datetime(today.year, today.month, today.day, 10, tzinfo=CHINA)
        self._sandbox = Sandbox(
            self.interfaces.values(), population, seed=seed, clock=lambda: morning, recorder=self._hear
        )
        self._server: Any = None
        self._thread: threading.Thread | None = None
        self._socket: socket.socket | None = None
        self.url = ""

    # -- what the runner does ------------------------------------------------------------------------------

    def launch(self, name: str, down: Iterable[str] = (), generous: Iterable[str] = ()) -> str:
        """A launch token for one citizen's use of the app.

        `down` are the interfaces (`police.households`) or operations (`…#checkHousehold`) that answer 503 to it,
        `generous` those that give every field whatever it asks for.
        Tokens follow from seed and salt and cannot be guessed without them. Every run has a salt of its own: to an
        app that still runs, a launch of an earlier run with the same seed is another launch.
        """
        raw = hmac.new(self._secret, f"launch:{name}".encode(), hashlib.sha256).digest()
        token = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
        self._launches[token] = name
        self._down[name] = frozenset(down)
        self._generous[name] = frozenset(generous)
        return token

    def restore(self, name: str) -> None:
        """All departments of a launch work again."""
        self._down[name] = frozenset()

    def meanwhile(self, name: str, operation: str, act: Callable[[Any], Any]) -> None:
        """When a launch next gets a positive answer from an operation (`police.households#checkHousehold`), do this
        with the answer's value before the app sees it; it sees, and the record has, what `act` returns."""
        self._meanwhile[name, operation] = act

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
        answer = self._answer(Request(scope["method"], path, query, headers, body))
        content = answer.body
        answered = [(n.encode("latin-1"), v.encode("latin-1")) for n, v in answer.headers]
        await send({"type": "http.response.start", "status": answer.status, "headers": answered})
        await send({"type": "http.response.body", "body": content})

    def _answer(self, request: Request) -> Response:
        launch = self._launches.get(request.fields.get("authorization", "").partition(" ")[2])
        if launch is None:
            refusal = problem(401, "unknown launch token")
            refusal.headers.append(("www-authenticate", "Bearer"))
            return refusal
        if not request.path.startswith(PREFIX + "/"):
            return problem(404, "no such department")
        inner = Request(request.method, request.path[len(PREFIX) :], request.query, request.headers, request.body)
        interface, _, rest = inner.path[1:].partition("/")
        operation = self._operation(interface, inner.method, f"/{rest}")
        self._heard.call = None
        if {interface, f"{interface}#{operation}"} & self._down[launch]:
            answer = problem(503, "the department is out of service for the moment")
            answer.headers.append(("retry-after", "30"))
        else:
            generous = {interface, f"{interface}#{operation}"} & self._generous[launch]
            answer = self._sandbox.handle(replace(inner, query="") if generous else inner)
            act = self._meanwhile.pop((launch, f"{interface}#{operation}"), None) if answer.status < 300 else None
            if act is not None:
                heard = self._heard.call
                answer.value = act(answer.value)
                self._heard.call = heard
                answer.body = dump(answer.value)
                answer.headers = [entry for entry in answer.headers if entry[0].lower() != "content-length"]
        self._note(launch, inner, interface, operation, f"/{rest}", answer)
        return answer

    def _note(self, launch: str, request: Request, interface: str, operation: str, path: str, answer: Response) -> None:
        heard: Call | None = self._heard.call
        call = DepartmentCall(
            interface=interface,
            operation=(heard.operation if heard and heard.operation else operation),
            method=request.method,
            path=path,
            status=answer.status,
            fields=_asked(request.query, heard.fields_returned) if heard else (),
            request=heard.body if heard else _json(request.body),
        )
        with self._lock:
            self._record.append(
                Recorded(
                    call=call,
                    launch=launch,
                    url=path + (f"?{request.query}" if request.query else ""),
                    matter=request.fields.get("tongban-handled-matter"),
                    key=request.fields.get("idempotency-key"),
                    answer=answer.value,
                )
            )

    def _operation(self, interface: str, method: str, path: str) -> str:
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


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None
