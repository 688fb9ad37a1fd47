"""The hot path as a small ASGI application: a call comes in here and leaves here, with no framework in between.

A framework's routing, parameters and responses cost more per call than decision, reduction and receipt together.
"""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from typing import Any

import orjson
from starlette.requests import Request

from exchange.brokering import headers as passing
from exchange.brokering.intake import Incoming
from exchange.brokering.model import Launch
from exchange.brokering.service import Answer, Broker
from exchange.brokering.sight import Standing
from exchange.errors import TongbanError, TooLarge, Unauthenticated
from exchange.http.problems import problem, told, unexpected
from exchange.parties.access import Access, Caller
from exchange.parties.model import spent_key

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Check = Callable[[Caller], Awaitable[None]]
"""Raises what is against a caller."""
Launches = Callable[[str], Launch]
"""Resolves a launch token. Raises `Unauthenticated` or `Forbidden`."""

LARGEST_REQUEST = 4 * 1024 * 1024
"""Bytes of one brokered request body."""
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
VERIFIED_SECONDS = 5.0
"""A token's signature is verified again after this; who it stands for is looked up at every call."""
MOST = 10_000
"""Callers remembered."""


class Gone(Exception):
    """The consumer hung up before its request was whole."""


async def _nothing(_caller: Caller) -> None:
    return


class Front:
    """Answers ``/exchange/{interface}/…`` and ``/gateway/{interface}/…``."""

    def __init__(self, broker: Broker, access: Access, launches: Launches) -> None:
        self.broker = broker
        self._access = access
        broker.evidence.sight.keys = access.tokens.keys
        self._launches = launches
        self._standing: dict[str, Standing] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One call, whatever becomes of it."""
        if scope["method"] not in METHODS:
            allow = ", ".join(METHODS)
            await problem(405, f"the exchange passes {allow}", headers={"Allow": allow})(scope, receive, send)
            return
        try:
            answer = await self._answered(scope, receive)
        except Gone:
            return
        except TongbanError as error:
            await told(error)(scope, receive, send)
            return
        except Exception:
            await unexpected()(scope, receive, send)
            raise  # for the log
        await deliver(answer, {"Tongban-Receipt": answer.delivery}, send)

    async def _answered(self, scope: Scope, receive: Receive) -> Answer:
        # /exchange/{interface}/rest: the first two segments are ours, and nothing of the rest is decoded here
        raw: bytes = scope.get("raw_path") or scope["path"].encode()
        parts = raw.decode("ascii", "replace").split("?")[0].split("/", 3)
        headers = heard(scope)
        known(headers)
        body = await whole(receive, headers)
        launched = parts[1] == "gateway"
        call = Incoming(
            interface=parts[2] if len(parts) > 2 else "",
            method=scope["method"],
            path="/" + (parts[3] if len(parts) > 3 else ""),
            query=scope["query_string"].decode("ascii", "replace"),
            headers=headers,
            body=body,
            agreement=None if launched else headers.get("tongban-agreement"),
            purpose="" if launched else passing.purpose(headers),
        )
        if launched:
            return await self.broker.pass_on(call, None, await self._launched(headers))
        return await self.passed(call, scope)

    async def passed(self, call: Incoming, scope: Scope, check: Check = _nothing) -> Answer:
        """A call of whoever the request's credential stands for, once ``check`` has nothing against them."""
        header = call.headers.get("authorization")
        standing = None if header is None else self._standing.get(header)
        if header is not None and standing is not None and standing.until > time.monotonic():
            await check(standing.caller)
            try:
                return await self.broker.pass_on(call, standing.caller, None, standing)
            except Unauthenticated:
                # somebody else now, or nobody: the long way says which
                self._standing.pop(header, None)
        caller = await self.caller(call.headers, scope)
        await check(caller)
        return await self.broker.pass_on(call, caller)

    async def caller(self, headers: Mapping[str, str], scope: Scope) -> Caller:
        """Who the request's credential stands for, asked anew. Raises `Unauthenticated`."""
        keys = self._access.tokens.keys()
        caller = await asyncio.to_thread(self._access.standing, Request(scope))
        if caller is None:
            raise _nobody()
        if "authorization" in headers:
            self._remember(headers["authorization"], caller, keys)
        return caller

    def _remember(self, header: str, caller: Caller, keys: Sequence[object]) -> None:
        if caller.via != "client":
            return
        if len(self._standing) >= MOST:
            self._standing.clear()
        lasts, spent = _told(header)
        until = time.monotonic() + min(VERIFIED_SECONDS, lasts)
        self._standing[header] = Standing(caller, until, spent, keys)

    async def _launched(self, headers: Mapping[str, str]) -> Launch:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Unauthenticated("a launch token is needed", hint="open the app from its listing")
        return await asyncio.to_thread(self._launches, token.strip())


def shortcut(fronts: Mapping[str, App], scope: Scope) -> App | None:
    """Who answers a connection instead of the application around the broker: ``fronts`` by first path segment."""
    if scope["type"] != "http":
        return None
    first = scope["path"].split("/", 2)
    return fronts.get(first[1]) if len(first) == 3 else None


def heard(scope: Scope) -> dict[str, str]:
    """Headers of a request by lower-case name. Raises `Invalid` when one of ours is repeated."""
    return passing.lowered([(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]])


async def whole(receive: Receive, headers: Mapping[str, str], largest: int = LARGEST_REQUEST) -> bytes:
    """The body. Raises `TooLarge` above ``largest`` bytes, before they are read where the length is told."""
    length = headers.get("content-length", "")
    if length.isdigit() and int(length) > largest:
        raise _too_large(largest)
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        body: bytes = message.get("body", b"")
        if len(body) > largest:
            raise _too_large(largest)
        return body
    parts = bytearray()
    while True:
        if message["type"] == "http.disconnect":
            raise Gone
        parts += message.get("body", b"")
        if len(parts) > largest:
            raise _too_large(largest)
        if not message.get("more_body"):
            return bytes(parts)
        message = await receive()


async def deliver(answer: Answer, more: Mapping[str, str], send: Send) -> None:
    """Send an answer whose receipt is durable."""
    headers = [
        (name.lower().encode("latin-1"), value.encode("latin-1", "replace"))
        for some in (answer.headers, more)
        for name, value in some.items()
    ]
    spool = answer.spool
    if answer.status not in (204, 304):
        headers.append((b"content-length", str(spool.size if spool else len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    if spool is not None:
        try:
            for piece in spool.pieces():
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        finally:
            spool.close()
    await send({"type": "http.response.body", "body": answer.body})


def known(headers: Mapping[str, str]) -> None:
    """Raises `Unauthenticated` for a request that shows no credential at all: nobody's body is waited for."""
    if "authorization" not in headers and "cookie" not in headers:
        raise _nobody()


def _nobody() -> Unauthenticated:
    return Unauthenticated("sign in first", hint="a token from /oauth/token, or a session")


def _too_large(largest: int) -> TooLarge:
    return TooLarge(f"a request body has at most {largest} bytes", hint="large data goes by bulk")


def _told(header: str) -> tuple[float, bytes]:
    """Seconds until a verified token ends, and the key under which it is revoked; its signature was checked by whoever
    gave us its caller.
    """
    try:
        part = header.rpartition(" ")[2].split(".")[1]
        claims = orjson.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        return float(claims["exp"]) - time.time(), spent_key("token", str(claims["jti"]))
    except (IndexError, ValueError, KeyError, TypeError):
        return 0.0, b""
