"""HTTP/1.1 of the hot path: small requests to the broker's fronts are carried between wire and front with nothing in
between; every other request goes the server's own way.

What a server does for any application (middleware, events, a check of every header) costs a fifth of a brokered call.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, MutableMapping
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from exchange.brokering.front import App, shortcut
from mockdata.sandbox.wire import OneWrite

WHOLE = 64 * 1024
"""Bytes of a request body up to which it is waited for before the front is asked."""
_LOG = logging.getLogger(__name__)
_BROKEN = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_UNUSUAL = frozenset((b"expect", b"upgrade", b"transfer-encoding", b"connection"))
"""Headers of requests that are left to the server, but for a connection that is kept alive."""
_EMPTY = (204, 304)


class Direct(OneWrite):
    """The server's protocol with a shorter way through it. ``fronts``: applications by first path segment."""

    def __init__(self, *given: Any, fronts: Mapping[str, App], **named: Any) -> None:
        super().__init__(*given, **named)
        self._fronts = fronts
        self._ours: _Cycle | None = None

    def on_headers_complete(self) -> None:
        """It is known who answers."""
        front = self._front()
        self._ours = None if front is None else _Cycle(self, front)
        if self._ours is None:
            super().on_headers_complete()
        else:
            self.cycle = self._ours  # type: ignore[assignment]  # it has what the server asks of one

    def on_message_complete(self) -> None:
        """The request is whole."""
        if self._ours is None:
            super().on_message_complete()
        else:
            self._ours.begin()

    def _front(self) -> App | None:
        """Who answers this request without the server, if somebody does; completes the scope then."""
        waiting = self.cycle is not None and not self.cycle.response_complete
        if waiting or self.limit_concurrency is not None or self.root_path or self.parser.get_http_version() != "1.1":
            return None
        for name, value in self.headers:
            if name in _UNUSUAL and value.lower() != b"keep-alive":
                return None
            if name == b"content-length" and not (len(value) < 6 and value.isdigit() and int(value) <= WHOLE):
                return None
        url = httptools.parse_url(self.url)
        scope: MutableMapping[str, Any] = self.scope  # type: ignore[assignment]
        scope["raw_path"], path = url.path, url.path.decode("ascii")
        if "%" in path:
            return None
        scope["path"], scope["query_string"] = path, url.query or b""
        scope["method"] = self.parser.get_method().decode("ascii")
        return shortcut(self._fronts, scope)


class _Cycle:
    """One request and its answer. Public names are those the server's protocol asks of its own."""

    __slots__ = ("_app", "_head", "_left", "_protocol", "_scope", "body", "disconnected", "keep_alive", "message_event",
                 "more_body", "response_complete")  # fmt: skip

    def __init__(self, protocol: Direct, app: App) -> None:
        self._protocol, self._app, self._scope = protocol, app, protocol.scope
        self._head: bytes | None = None
        self._left = 0
        self.body = bytearray()
        self.more_body = True
        self.response_complete = self.disconnected = False
        self.keep_alive = protocol.parser.should_keep_alive()
        self.message_event = self  # nobody waits: see `set`

    def set(self) -> None:
        """Nobody waits for more of a request that is whole when its work begins."""

    def begin(self) -> None:
        """Let the front answer."""
        tasks = self._protocol.tasks
        self.more_body = False
        task = self._protocol.loop.create_task(self._run())
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    async def _run(self) -> None:
        try:
            await self._app(self._scope, self._receive, self._send)  # type: ignore[arg-type]
        except Exception:
            _LOG.exception("a brokered call failed")
        if not self.response_complete:
            self._protocol.transport.abort()  # nothing was said, or not all of it

    async def _receive(self) -> dict[str, Any]:
        return {"type": "http.request", "body": bytes(self.body), "more_body": False}

    async def _send(self, message: MutableMapping[str, Any]) -> None:
        protocol = self._protocol
        if protocol.flow.write_paused and not self.disconnected:
            await protocol.flow.drain()
        if message["type"] == "http.response.start":
            self._begun(message["status"], message["headers"])
            return
        body, more = message.get("body", b""), message.get("more_body", False)
        self._left -= len(body)
        if self._left < 0 or (self._left and not more):
            raise RuntimeError("the answer is not as long as it says")
        head, self._head = self._head, b""
        if not self.disconnected:
            protocol.transport.write(head + body if head else body)
        if not more:
            self._ended()

    def _begun(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        lines = [STATUS_LINE[status]]
        for name, value in (*self._protocol.server_state.default_headers, *headers):
            lines += (name, b": ", value, b"\r\n")
            if name == b"content-length":
                self._left = int(value)
        if _BROKEN.search(b"".join(value for _, value in headers)):
            raise RuntimeError("a header would break the answer")
        lines.append(b"\r\n" if self.keep_alive else b"connection: close\r\n\r\n")
        self._head = b"".join(lines)

    def _ended(self) -> None:
        self.response_complete = True
        if not self.keep_alive and not self.disconnected:
            self._protocol.transport.close()
        self._protocol.on_response_complete()
