"""Where a brokered answer comes from. A source fetches; it decides nothing and keeps nothing."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Protocol
from urllib.parse import urlsplit

from exchange.brokering.check import is_json
from exchange.brokering.spool import KEPT, Spool
from exchange.brokering.wire import Limits, Pool, Refused, written
from exchange.catalogue.endpoint import Network
from exchange.ledger.lane import Loop

LARGEST_ANSWER = 16 * 1024 * 1024
"""Bytes of one JSON answer, which is read whole to be checked and cut; more is bulk."""
LARGEST_FILE = 256 * 1024 * 1024
"""Bytes of any other answer."""
CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 30.0
CONNECTIONS_PER_PROVIDER = 64
CREDENTIAL_SECONDS = 1.0
"""A provider's credential is looked up again after this."""
DNS_SECONDS = 10.0
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
    """What the provider answered, whole. Header names are lower case. A large body that is no JSON is in ``spool``."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    spool: Spool | None = None


class SourceFailure(Exception):
    """The provider could not be used. ``rule`` names how: it is recorded, the cause is not shown to the
    consumer.
    """

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        self.rule = rule


class Source(Protocol):
    """Anything that can answer a permitted call."""

    async def ask(self, call: Outgoing) -> Incoming:
        """The whole answer. Raises `SourceFailure`."""
        ...


Credentials = Callable[[str, str, str], tuple[str, str] | None]
"""(interface, department, endpoint) → header name and value that the provider wants, or None."""


class ServiceSource:
    """Provider services over HTTP: pooled connections, no redirects, no cookies, no proxies, bounded answers.

    ``network`` says which addresses may be connected to. A name is resolved and judged once, and the connection goes to
    the address that was judged: a name that changes its answer in between leads nowhere. Every event loop has a pool of
    its own.
    """

    def __init__(
        self,
        credentials: Credentials,
        network: Network,
        *,
        total: float = TOTAL_SECONDS,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """``tls`` says whose certificates are believed; by default those this machine believes."""
        self._credentials = credentials
        self._network = network
        self._tls = tls or ssl.create_default_context()
        self._limits = Limits(CONNECT_SECONDS, total, IDLE_SECONDS, CONNECTIONS_PER_PROVIDER, _largest)
        self._pools: dict[asyncio.AbstractEventLoop, Pool] = {}
        self._known: dict[tuple[str, str, str], tuple[float, tuple[str, str] | None]] = {}
        self._own = Loop("providers")

    async def ask(self, call: Outgoing) -> Incoming:
        """The whole answer. Raises `SourceFailure`: provider-unreachable, -timeout, answer-too-large …"""
        credential = await self._credential(call)
        # a compressed answer could grow past every limit while it is read
        ours = {"Accept-Encoding": "identity"}
        if credential is not None:
            ours[credential[0]] = credential[1]
        # what the consumer sent under such a name must not stand beside it: a provider may take the first
        taken = {name.lower() for name in ours}
        headers = {name: value for name, value in call.headers.items() if name.lower() not in taken} | ours
        try:
            place, host, base = _place(call.endpoint)
            target = f"{base}{call.path}?{call.query}" if call.query else f"{base}{call.path}"
            request = written(call.method, target or "/", host, headers, call.body)
            heard = await self._pool().ask(place, request, head=call.method == "HEAD")
        except Refused as refused:
            raise SourceFailure(
                str(refused) if str(refused).startswith("answer-") else "provider-unreachable"
            ) from None
        except TimeoutError:
            raise SourceFailure("provider-timeout") from None
        except (OSError, ValueError):
            raise SourceFailure("provider-unreachable") from None
        return Incoming(heard.status, heard.headers, bytes(heard.body), heard.spool)

    def fetch(self, call: Outgoing) -> Incoming:
        """`ask` for whoever is not asynchronous; not from inside an event loop."""
        answer: Incoming = self._own.run(self.ask(call))
        return answer

    def close(self) -> None:
        """Close the connections `fetch` opened; a later one opens new ones."""
        self._own.close(self.leave)

    async def leave(self) -> None:
        """Close the connections of the running loop."""
        pool = self._pools.pop(asyncio.get_running_loop(), None)
        if pool is not None:
            pool.close()

    async def _credential(self, call: Outgoing) -> tuple[str, str] | None:
        key = (call.interface, call.department, call.endpoint)
        known = self._known.get(key)
        if known is not None and known[0] > time.monotonic():
            return known[1]
        value = await asyncio.to_thread(self._credentials, *key)
        if len(self._known) > 10_000:
            self._known.clear()
        self._known[key] = (time.monotonic() + CREDENTIAL_SECONDS, value)
        return value

    def _pool(self) -> Pool:
        loop = asyncio.get_running_loop()
        pool = self._pools.get(loop)
        if pool is None:
            for ended in [one for one in self._pools if one.is_closed()]:
                del self._pools[ended]
            pool = self._pools[loop] = Pool(self._limits, self._network.admits, self._tls, DNS_SECONDS)
        return pool


def _largest(media_type: str) -> tuple[int, int]:
    """The most bytes of an answer, and how many of them stay in memory: JSON is checked and cut there."""
    return (LARGEST_ANSWER, LARGEST_ANSWER) if is_json(media_type) else (LARGEST_FILE, KEPT)


@lru_cache(maxsize=4096)
def _place(endpoint: str) -> tuple[tuple[str, str, int], str, str]:
    """Of an endpoint: (scheme, host, port), the Host header, and the path everything is below."""
    parts = urlsplit(endpoint)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("an endpoint is http or https")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return (parts.scheme, parts.hostname, port), parts.netloc.rpartition("@")[2], parts.path.rstrip("/")
