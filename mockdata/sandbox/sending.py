"""Outgoing calls over HTTP: in the background, bounded, and only to where they are allowed to go.

Whoever calls a sandbox names the destination of its callbacks. So by default they reach this machine and private
networks only, and never link-local addresses or those where clouds answer for a machine's own secrets. The name is
resolved once, and the address that was judged is the one connected to.
"""

from __future__ import annotations

import contextlib
import http.client
import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import SplitResult, parse_qsl, quote, urlsplit

from mockdata.sandbox.callbacks import Outgoing
from mockdata.sandbox.record import SECRETS, Call, redacted

Sender = Callable[[Outgoing], "Future[OutgoingCall]"]
"""Takes a message and sends it some time; the future holds what came of it, a refusal too."""

_SECRETIVE = frozenset(
    map(
        ip_address,
        ("169.254.169.254", "169.254.170.2", "100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254"),
    )
)
_LOCAL = tuple(map(ip_network, ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7")))
IDLE = 10.0
_NAT64 = ip_network("64:ff9b::/96")
_AGAIN = frozenset((429, 502, 503, 504))


class Forbidden(ValueError):
    """A destination that may not be called."""


@dataclass(frozen=True, slots=True)
class OutgoingCall(Call):
    """A call the sandbox made. `path` is the URL without its query, `rule` the callback or webhook, `status` 0 when
    nobody answered, and `error` then says why."""

    tries: int = 0
    error: str = ""


@dataclass(frozen=True, slots=True)
class Destinations:
    """Where outgoing calls may go: loopback and private networks unless `local` is false, and what `allow` names: hosts
    ("app.example", "app.example:8443"), networks ("203.0.113.0/24"), or "*" for every public address.

    Link-local, multicast and unspecified addresses, and those of cloud metadata services, are never called.
    """

    local: bool = True
    allow: tuple[str, ...] = ()

    def addresses(self, url: str) -> tuple[SplitResult, list[str]]:
        """The parts of a URL and the addresses of its host that may be called. Raises Forbidden."""
        try:
            parts = urlsplit(url)
            port = parts.port or (443 if parts.scheme == "https" else 80)
        except ValueError as error:
            raise Forbidden(f"{url!r} is no URL: {error}") from None
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Forbidden(f"{url!r} is no http or https URL")
        if parts.username is not None or parts.password is not None or any(letter <= " " for letter in url):
            raise Forbidden("a URL with credentials or blanks in it is not called")
        try:
            found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise Forbidden(f"the host {parts.hostname!r} is not known") from None
        named = {parts.hostname, f"{parts.hostname}:{port}"} & set(self.allow)
        texts = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        for text in texts:
            if not self._open(_plain(text), bool(named)):
                raise Forbidden(f"{parts.hostname} ({text}) is no destination this sandbox may call")
        return parts, texts

    def _open(self, address: IPv4Address | IPv6Address, named: bool) -> bool:
        never = address.is_link_local or address.is_multicast or address.is_unspecified or address.is_reserved
        if address in _SECRETIVE or (never and not address.is_loopback):
            return False
        if named or (self.local and any(address in network for network in _LOCAL)):
            return True
        networks = (ip_network(one, strict=False) for one in self.allow if _is_network(one))
        return any(address in network for network in networks) or ("*" in self.allow and address.is_global)


def _is_network(text: str) -> bool:
    try:
        ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def _plain(text: str) -> IPv4Address | IPv6Address:
    """An address, an IPv4 one where an IPv6 one only wraps it."""
    address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv6Address):
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFFFFFF)
        return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else address)
    return address


class BackgroundSender:
    """Sends messages one after another from a thread of its own; a `Sender`.

    At most `waiting` messages wait; more are given up at once. Each is tried `tries` times, `timeout` seconds each,
    when nobody answers or the answer is 429, 502, 503 or 504. Redirects are not followed. `pause` lets the answer of
    the call that caused it go first.
    """

    def __init__(
        self,
        destinations: Destinations | None = None,
        *,
        timeout: float = 5.0,
        tries: int = 3,
        waiting: int = 256,
        pause: float = 0.05,
    ) -> None:
        self.destinations = destinations if destinations is not None else Destinations()
        self.timeout, self.tries, self.pause = timeout, tries, pause
        self._queue: queue.Queue[tuple[Outgoing, Future[OutgoingCall], float]] = queue.Queue(waiting)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def __call__(self, message: Outgoing) -> Future[OutgoingCall]:
        """Queue a message. What came of it, a refusal too, is in the future."""
        future: Future[OutgoingCall] = Future()
        with self._lock:
            try:
                self._queue.put_nowait((message, future, time.monotonic() + self.pause))
            except queue.Full:
                future.set_result(outgoing_call(message, 0, 0, 0.0, "too many messages are waiting"))
                return future
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="sandbox callbacks", daemon=True)
                self._thread.start()
        return future

    def _work(self) -> None:
        """Send until nothing has come for a while."""
        while True:
            try:
                message, future, start = self._queue.get(timeout=IDLE)
            except queue.Empty:
                with self._lock:
                    if self._queue.empty():
                        self._thread = None
                        return
                continue
            time.sleep(max(0.0, start - time.monotonic()))  # the answer of the call that caused it goes first
            began = time.perf_counter()
            status, tries, error = self._deliver(message)
            future.set_result(outgoing_call(message, status, tries, (time.perf_counter() - began) * 1000, error))

    def _deliver(self, message: Outgoing) -> tuple[int, int, str]:
        """(status or 0, number of tries, what went wrong)."""
        error, status = "", 0
        for number in range(1, self.tries + 1):
            if number > 1:
                time.sleep(0.2 * 4 ** (number - 2))  # whoever was busy gets longer each time
            try:
                parts, addresses = self.destinations.addresses(message.url)
                headers = dict(message.headers)
                status = post(message.method, parts, addresses, headers, message.body, self.timeout)
                error = ""
            except Forbidden as refusal:
                return 0, number - 1, str(refusal)
            except (OSError, http.client.HTTPException, ValueError) as failure:
                status, error = 0, f"{type(failure).__name__}: {failure}"
            if status and status not in _AGAIN:
                return status, number, ""
        return status, self.tries, error


def post(
    method: str,
    parts: SplitResult,
    addresses: Sequence[str],
    headers: Mapping[str, str],
    body: bytes,
    timeout: float,
) -> int:
    """The status a message is answered with, by the server at one of these addresses. Raises OSError, HTTPException."""
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    made = _connected(addresses, port, timeout)
    if parts.scheme == "https":
        # takes the socket over, so it is the one to cut, in the handshake too
        made = ssl.create_default_context().wrap_socket(made, server_hostname=host, do_handshake_on_connect=False)
    end = threading.Timer(timeout, _cut, (made,))  # a server that answers byte by byte is slow, too
    end.daemon = True
    end.start()
    connection = http.client.HTTPConnection(host, port, timeout=timeout)
    try:
        if isinstance(made, ssl.SSLSocket):
            made.do_handshake()
        connection.sock = made
        target = quote((parts.path or "/") + (f"?{parts.query}" if parts.query else ""), safe="/?&=%+:;,@!$'()*~-._")
        fixed = {"Host": parts.netloc, "Content-Length": str(len(body)), "Connection": "close"}
        connection.request(method, target, body, {**fixed, **headers})
        return connection.getresponse().status
    finally:
        end.cancel()
        connection.close()
        made.close()


def _connected(addresses: Sequence[str], port: int, timeout: float) -> socket.socket:
    for address in addresses[:-1]:
        with contextlib.suppress(OSError):
            return socket.create_connection((address, port), timeout)
    return socket.create_connection((addresses[-1], port), timeout)


def _cut(made: socket.socket) -> None:
    with contextlib.suppress(OSError):
        socket.socket.shutdown(made, socket.SHUT_RDWR)  # below TLS: its own would end the encryption, not the wait


def outgoing_call(message: Outgoing, status: int, tries: int, took: float, error: str) -> OutgoingCall:
    """The record of a message. Credentials in it are redacted as those of incoming calls are."""
    where, _, query = message.url.partition("#")[0].partition("?")
    return OutgoingCall(
        at=message.at,
        interface=message.interface,
        operation=message.operation,
        method=message.method,
        path=where,
        path_template=message.template,
        query=tuple(redacted(parse_qsl(query, keep_blank_values=True), SECRETS | {"token", "access_token", "key"})),
        headers=dict(redacted(message.headers, SECRETS)),
        body=message.value,
        status=status,
        answer=None,
        fields_returned=(),
        valid=not error,
        violations=(),
        rule=message.name,
        token=None,
        handled_matter=None,
        duration_ms=took,
        tries=tries,
        error=error,
    )
