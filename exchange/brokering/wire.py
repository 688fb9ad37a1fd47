"""HTTP/1.1 to providers, on one page: pooled connections, strict parsing (llhttp), every size and wait bounded.

A general client spends four times as long on a call as the wire needs, more than decision and receipt together cost; of
what it offers the broker wants nothing: no redirects, cookies, proxies, compression or retries.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import httptools

from exchange.brokering.spool import Spool

LARGEST_HEAD = 64 * 1024
"""Bytes of all header lines of an answer."""
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_SPLIT = re.compile(r"[\s\0-\x1f\x7f]")
_BROKEN = re.compile(r"[\r\n\0]")


class Refused(Exception):
    """An answer that cannot be taken; the word says why."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long and how large. ``largest`` gives the most bytes a media type may have and how many stay in memory."""

    connect: float
    total: float
    idle: float
    per_host: int
    largest: Callable[[str], tuple[int, int]]


@dataclass(slots=True)
class Heard:
    """An answer as it comes in."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    """By lower-case name; of one that comes twice both values, joined by a comma."""
    body: bytearray = field(default_factory=bytearray)
    spool: Spool | None = None


class Connection(asyncio.Protocol):
    """One connection, one call at a time."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.transport: Any = None
        self.idle_since = 0.0
        self._parser: Any = None
        self._heard = Heard()
        self._done: asyncio.Future[Heard] | None = None
        self._head = self._size = 0
        self._largest = self._kept = 0
        self._no_body = self._whole_at_end = self._complete = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ready for a call."""
        self.transport = transport

    @property
    def usable(self) -> bool:
        """Whether another call may go over it now."""
        fresh = time.monotonic() - self.idle_since < self._limits.idle
        return self._done is None and fresh and not self.transport.is_closing()

    def ask(self, request: bytes, loop: asyncio.AbstractEventLoop, *, head: bool) -> asyncio.Future[Heard]:
        """Send a request; the future holds its answer, or why there is none."""
        self._parser = httptools.HttpResponseParser(self)
        self._heard, self._head, self._size = Heard(), 0, 0
        self._no_body, self._whole_at_end, self._complete = head, False, False
        self._done = loop.create_future()
        self.transport.write(request)
        return self._done

    def data_received(self, data: bytes) -> None:
        """Bytes of an answer; any that nobody asked for end the connection."""
        if self._done is None or self._complete:
            self.transport.abort()
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            cause = error.__context__
            self._fail(cause if isinstance(cause, Refused) else ConnectionError("the answer is not HTTP"))
        except httptools.HttpParserUpgrade:
            self._fail(ConnectionError("the answer asks for another protocol"))

    def connection_lost(self, error: Exception | None) -> None:
        """An answer without a length is whole now; every other one is cut off."""
        if self._done is None or self._complete:
            return
        if self._whole_at_end and error is None:
            self._end()
        else:
            self._fail(ConnectionResetError("the provider hung up"))

    # ---- told by the parser

    def on_message_begin(self) -> None:
        """A second message where one was asked for is somebody else's."""
        if self._complete:
            raise Refused("two answers")

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header line."""
        self._head += len(name) + len(value)
        if self._head > LARGEST_HEAD:
            raise Refused("answer-too-large")
        key, text, headers = name.decode("latin-1").lower(), value.decode("latin-1"), self._heard.headers
        headers[key] = f"{headers[key]}, {text}" if key in headers else text

    def on_headers_complete(self) -> None:
        """What the head promises decides how much may come."""
        status = self._parser.get_status_code()
        if status < 200:
            return
        self._heard.status = status
        told = self._heard.headers
        if told.get("content-encoding", "identity").lower() != "identity":
            raise Refused("answer-encoded")
        self._largest, self._kept = self._limits.largest(told.get("content-type", ""))
        length = told.get("content-length", "")
        if length.isdigit() and int(length) > self._largest and not self._no_body:
            raise Refused("answer-too-large")
        self._whole_at_end = not length and "transfer-encoding" not in told and status not in (204, 304)
        if self._no_body:
            self._end()

    def on_body(self, part: bytes) -> None:
        """A piece of the body."""
        heard = self._heard
        self._size += len(part)
        if self._size > self._largest:
            raise Refused("answer-too-large")
        if heard.spool is None:
            if self._size <= self._kept:
                heard.body += part
                return
            heard.spool = Spool()
            heard.spool.add(bytes(heard.body))
            heard.body.clear()
        heard.spool.add(part)

    def on_message_complete(self) -> None:
        """The answer is whole; one that only says "go on" (1xx) was none."""
        if self._heard.status:
            self._end()
        else:
            self._heard.headers.clear()

    def _end(self) -> None:
        done, self._done, self._complete = self._done, None, True
        # an answer that ends with the connection, or a HEAD whose body might still come, leaves nothing to go on with
        if self._whole_at_end or self._no_body or not self._parser.should_keep_alive():
            self.transport.close()
        if done is not None and not done.done():
            done.set_result(self._heard)

    def _fail(self, error: BaseException) -> None:
        done, self._done = self._done, None
        if self._heard.spool is not None:
            self._heard.spool.close()
        self.transport.abort()
        if done is not None and not done.done():
            done.set_exception(error)

    def give_up(self, error: BaseException) -> None:
        """End the call and the connection."""
        if self._done is not None:
            self._fail(error)


class Pool:
    """Connections of one event loop. ``admits`` judges the address each is made to."""

    def __init__(self, limits: Limits, admits: Callable[[str], bool], tls: ssl.SSLContext, names: float = 10.0) -> None:
        """``names``: seconds a resolved name is kept."""
        self._limits, self._admits, self._tls, self._names = limits, admits, tls, names
        self._idle: dict[tuple[str, str, int], list[Connection]] = {}
        self._turns: dict[tuple[str, str, int], asyncio.Semaphore] = {}
        self._known: dict[tuple[str, int], tuple[float, list[str]]] = {}
        self._all: set[Connection] = set()

    async def ask(self, place: tuple[str, str, int], request: bytes, *, head: bool = False) -> Heard:
        """The answer to a request at (scheme, host, port). Raises `TimeoutError`, `Refused`, `OSError`."""
        turns = self._turns.get(place)
        if turns is None:
            turns = self._turns[place] = asyncio.Semaphore(self._limits.per_host)
        loop = asyncio.get_running_loop()
        began = loop.time()
        if turns.locked():
            async with asyncio.timeout(self._limits.total):
                await turns.acquire()
        else:
            await turns.acquire()
        connection: Connection | None = None
        try:
            connection = self._waiting(place) or await self._connect(place)
            timer = loop.call_at(began + self._limits.total, connection.give_up, TimeoutError())
            try:
                return await connection.ask(request, loop, head=head)
            except asyncio.CancelledError:
                connection.give_up(asyncio.CancelledError())
                raise
            finally:
                timer.cancel()
        finally:
            turns.release()
            if connection is not None:
                self._keep(place, connection)

    def close(self) -> None:
        """End every connection."""
        for connection in self._all:
            connection.transport.abort()
        self._all.clear()
        self._idle.clear()

    def _waiting(self, place: tuple[str, str, int]) -> Connection | None:
        idle = self._idle.get(place, [])
        while idle:
            connection = idle.pop()
            if connection.usable:
                return connection
            self._drop(connection)
        return None

    def _keep(self, place: tuple[str, str, int], connection: Connection) -> None:
        connection.idle_since = time.monotonic()
        if connection.usable:
            self._idle.setdefault(place, []).append(connection)
        else:
            self._drop(connection)

    def _drop(self, connection: Connection) -> None:
        self._all.discard(connection)
        connection.transport.close()

    async def _connect(self, place: tuple[str, str, int]) -> Connection:
        scheme, host, port = place
        loop = asyncio.get_running_loop()
        tls: dict[str, Any] = {"ssl": self._tls, "server_hostname": host} if scheme == "https" else {}
        async with asyncio.timeout(self._limits.connect):
            fault: OSError = OSError("no address")
            for address in await self._addresses(host, port):
                try:
                    _, made = await loop.create_connection(lambda: Connection(self._limits), address, port, **tls)
                except OSError as error:
                    fault = error
                    continue
                self._all.add(made)
                return made
        raise fault

    async def _addresses(self, host: str, port: int) -> list[str]:
        known = self._known.get((host, port))
        if known is None or known[0] < time.monotonic():
            loop = asyncio.get_running_loop()
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
            known = (time.monotonic() + self._names, list(dict.fromkeys(str(one[4][0]) for one in found)))
            if len(self._known) > 10_000:
                self._known.clear()
            self._known[(host, port)] = known
        # one address that may not be connected to is reason enough to leave the name alone
        if not all(self._admits(address) for address in known[1]):
            raise PermissionError(f"{host} leads to an address no provider may have")
        return known[1]


@lru_cache(maxsize=4096)
def _is_token(name: str) -> bool:
    return _TOKEN.fullmatch(name) is not None


def written(method: str, target: str, host: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """A request. Raises ValueError for what would break its lines."""
    lines = [f"{method} {target} HTTP/1.1\r\nHost: {host}"]
    if not _is_token(method) or not target.isascii() or _SPLIT.search(target):
        raise ValueError("the request line would be broken")
    if not all(map(_is_token, headers)) or _BROKEN.search("".join(headers.values())):
        raise ValueError("a header would break the request")
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body or method in ("POST", "PUT", "PATCH"):
        lines.append(f"Content-Length: {len(body)}")
    head = "\r\n".join(lines) + "\r\n\r\n"
    try:
        return head.encode("latin-1") + body
    except UnicodeEncodeError:
        return head.encode() + body
