"""How an answer leaves: at once, late, slowly, in part, or not at all (ASGI)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from mockdata.sandbox.messages import Response

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

TRANSPORT = "tongban.transport"
"""Extension of a scope that holds the connection's transport, for applications that are wrapped in others."""
TICK = 0.05
"""Seconds between two pieces of a slow body."""


class Dropped(ConnectionError):
    """Raised to make a server cut a connection on which an answer has begun."""


async def deliver(response: Response, scope: Mapping[str, Any], send: Send) -> None:
    """Send a response as its faults want it: `delay`, `drop`, `truncate`, `bytes_per_second`.

    Raises Dropped where the server does not show its transport and a connection has to be cut.
    """
    if response.delay > 0:
        await asyncio.sleep(response.delay)
    if response.drop:
        await _cut(scope, send, started=False)
        return
    await _begin(response, send)
    whole = response.body
    wanted = whole if response.truncate is None else whole[: int(len(whole) * response.truncate)]
    short = len(wanted) < len(whole)
    if response.bytes_per_second is not None and wanted:
        step = max(1, int(response.bytes_per_second * TICK))
        for start in range(0, len(wanted), step):
            part = wanted[start : start + step]
            more = short or start + step < len(wanted)
            await send({"type": "http.response.body", "body": part, "more_body": more})
            if more:
                await asyncio.sleep(len(part) / response.bytes_per_second)
    else:
        await send({"type": "http.response.body", "body": wanted, "more_body": short})
    if short:
        await _cut(scope, send, started=True)


async def _begin(response: Response, send: Send) -> None:
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1", "replace")) for name, value in response.headers]
    if response.status not in (204, 304) and response.status >= 200:
        headers.append((b"content-length", str(len(response.body)).encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})


async def _cut(scope: Mapping[str, Any], send: Send, *, started: bool) -> None:
    """Cut the connection: at once where the server shows its transport, else in the middle of an answer."""
    transport = (scope.get("extensions") or {}).get(TRANSPORT) or _transport(send)
    if transport is not None:
        if started:
            transport.close()  # what was sent still arrives
        else:
            transport.abort()
        await asyncio.sleep(0.01)  # let the server notice before the application returns
        return
    if not started:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1024")]})
        await send({"type": "http.response.body", "body": b"{", "more_body": True})
    raise Dropped("connection dropped by the fault plan")


def _transport(send: Send) -> Any:
    return getattr(getattr(send, "__self__", None), "transport", None)


def showing(app: App) -> App:
    """The application with the server's transport shown in its scopes (`TRANSPORT`), whatever it is wrapped in."""

    async def shown(scope: Scope, receive: Receive, send: Send) -> None:
        transport = _transport(send) if scope["type"] == "http" else None
        if transport is not None:
            scope.setdefault("extensions", {})[TRANSPORT] = transport
        await app(scope, receive, send)

    return shown
