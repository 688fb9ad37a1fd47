"""Where a brokered answer comes from. A source fetches; it decides nothing and keeps nothing."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import aiohttp
from yarl import URL

from exchange.brokering.headers import lowered

LARGEST_ANSWER = 16 * 1024 * 1024
"""Bytes of one service answer; more is bulk."""
CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 30.0
CONNECTIONS_PER_PROVIDER = 64
IDLE_SECONDS = 4.0
"""Idle connections are dropped before uvicorn's five seconds: a POST on a connection the provider just
closed fails.
"""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A permitted call. ``path`` is rebuilt and encoded, ``query`` raw, ``headers`` already chosen."""

    interface: str
    department: str
    endpoint: str
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Incoming:
    """What the provider answered, whole. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


class SourceFailure(Exception):
    """The provider could not be used. ``rule`` names how: it is recorded, the cause is not shown to the
    consumer.
    """

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        self.rule = rule


class Source(Protocol):
    """Anything that can answer a permitted call."""

    def fetch(self, call: Outgoing) -> Incoming:
        """The whole answer. Raises `SourceFailure`."""
        ...


Credentials = Callable[[str, str, str], tuple[str, str] | None]
"""(interface, department, endpoint) → header name and value that the provider wants, or None."""


class ServiceSource:
    """Providers' HTTP services: pooled connections, time and size limits, no redirects, no proxies, no
    cookies.

    aiohttp on a loop of its own thread: measured 3.5 × httpx2 as a reverse proxy. ``allow_loopback`` admits
    providers on this machine (demo and tests); link-local, multicast and unspecified addresses never are: the
    check is made on the address actually connected to, so a name that changes its answer is caught too.
    """

    def __init__(self, credentials: Credentials, *, allow_loopback: bool, total: float = TOTAL_SECONDS) -> None:
        self._credentials = credentials
        self._allow_loopback = allow_loopback
        self._total = total
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._session: aiohttp.ClientSession | None = None
        self._thread: threading.Thread | None = None

    def fetch(self, call: Outgoing) -> Incoming:
        """The whole answer. Raises `SourceFailure`: provider-unreachable, -timeout, -redirects,
        answer-too-large …
        """
        credential = self._credentials(call.interface, call.department, call.endpoint)
        loop = self._running()
        return asyncio.run_coroutine_threadsafe(self._fetch(call, credential), loop).result()

    def close(self) -> None:
        """Close all connections; a later `fetch` opens new ones."""
        with self._lock:
            loop, thread, self._loop, self._thread = self._loop, self._thread, None, None
        if loop is None or thread is None:
            return
        asyncio.run_coroutine_threadsafe(self._shut(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()

    async def _fetch(self, call: Outgoing, credential: tuple[str, str] | None) -> Incoming:
        headers = dict(call.headers)
        if credential is not None:
            headers[credential[0]] = credential[1]
        # no Accept-Encoding: a compressed answer could grow past every limit while it is read
        headers["Accept-Encoding"] = "identity"
        url = URL(call.endpoint.rstrip("/") + call.path + (f"?{call.query}" if call.query else ""), encoded=True)
        try:
            async with self._open().request(
                call.method, url, headers=headers, data=call.body or None, allow_redirects=False
            ) as answer:
                return Incoming(answer.status, lowered(answer.headers.items()), await _limited(answer))
        except TimeoutError:
            raise SourceFailure("provider-timeout") from None
        except (aiohttp.ClientError, OSError, ValueError):
            raise SourceFailure("provider-unreachable") from None

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=0,
                    limit_per_host=CONNECTIONS_PER_PROVIDER,
                    keepalive_timeout=IDLE_SECONDS,
                    socket_factory=self._socket,
                ),
                timeout=aiohttp.ClientTimeout(total=self._total, sock_connect=CONNECT_SECONDS),
                cookie_jar=aiohttp.DummyCookieJar(),
                skip_auto_headers=("User-Agent",),
                auto_decompress=False,
                trust_env=False,
            )
        return self._session

    def _socket(
        self, place: tuple[int | socket.AddressFamily, int | socket.SocketKind, int, str, Any]
    ) -> socket.socket:
        family, kind, protocol, _, address = place
        reachable(str(address[0]), allow_loopback=self._allow_loopback)
        return socket.socket(family, kind, protocol)

    async def _shut(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=self._loop.run_forever, name="providers", daemon=True)
                self._thread.start()
            return self._loop


def reachable(address: str, *, allow_loopback: bool) -> None:
    """Raises OSError for an address no provider may have. Private ranges are fine: government networks use
    them.
    """
    ip = ipaddress.ip_address(address.split("%")[0])
    ip = getattr(ip, "ipv4_mapped", None) or ip
    if ip.is_link_local or ip.is_multicast or ip.is_unspecified or (ip.is_loopback and not allow_loopback):
        raise PermissionError(f"{address} may not be a provider's address")


async def _limited(answer: aiohttp.ClientResponse) -> bytes:
    if answer.content_length is not None and answer.content_length > LARGEST_ANSWER:
        raise SourceFailure("answer-too-large")
    parts, size = [], 0
    async for part in answer.content.iter_chunked(64 * 1024):
        size += len(part)
        if size > LARGEST_ANSWER:
            raise SourceFailure("answer-too-large")
        parts.append(part)
    if answer.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise SourceFailure("answer-encoded")
    return b"".join(parts)
