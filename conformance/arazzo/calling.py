"""Sends requests, and only where it may: to the servers of the listed sources, for a bounded time, reading so much.

A server that a document names must be public; one that the caller names may be on this machine or its networks. No
name leads to link-local or cloud metadata addresses. A name is looked up once, and the address that was judged is the
one that is called. Redirects are not followed, proxies of the environment not used.
"""

from __future__ import annotations

import ipaddress
import json
import shlex
import socket
import time
import zlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx2

from conformance.arazzo.requests import Request
from conformance.arazzo.values import TextBody
from specs.json_positions import is_deeper

LONGEST_ANSWER = 5_000_000
"""Bytes read of one answer."""

DEEPEST = 150
"""Levels of an answer that are read as JSON; a deeper one is text."""

SECRET = ("authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "api-key", "apikey")
METADATA = frozenset(
    ipaddress.ip_address(one) for one in ("169.254.169.254", "100.100.100.200", "192.0.0.192", "fd00:ec2::254")
)


class CallError(Exception):
    """No answer: `unreachable` when not even a connection stood; the message is one line for people."""

    def __init__(self, message: str, unreachable: bool = False) -> None:
        super().__init__(message)
        self.unreachable = unreachable


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer. `value` is JSON, or `TextBody`; `headers` by lower-case name, the first of each."""

    status: int
    headers: Mapping[str, str]
    value: Any
    seconds: float


def origin(url: str) -> tuple[str, str, int] | None:
    """Scheme, host and port of an http(s) URL; None for anything else."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        return None
    return parts.scheme, parts.hostname.lower(), port or (443 if parts.scheme == "https" else 80)


@dataclass
class Caller:
    """The HTTP side of one run. `allowed` are the origins that may be called."""

    allowed: Collection[tuple[str, str, int]]
    secrets: Collection[str] = ()
    _addresses: dict[tuple[str, int, bool], str] = field(default_factory=dict)
    _client: httpx2.Client = field(
        default_factory=lambda: httpx2.Client(
            follow_redirects=False,
            trust_env=False,
            headers={"user-agent": "tongban"},
            # A server may close a connection it said nothing of closing, after an error of its own say: a request that
            # meets such a connection gets no answer, and nobody could tell whether the service is to blame.
            limits=httpx2.Limits(max_keepalive_connections=0),
        )
    )

    def send(self, request: Request, seconds: float) -> Answer:
        """The answer to a request. Raises `CallError`."""
        place = origin(request.url)
        if place is None or place not in self.allowed:
            raise CallError(f"{request.url.partition('?')[0]} is no server of the listed sources; it was not called")
        if seconds <= 0:
            raise CallError("no time is left")
        scheme, host, port = place
        address = self._address(host, port, request.trusted)
        url = httpx2.URL(request.url).copy_with(host=address)
        standard = port == (443 if scheme == "https" else 80)
        named = f"[{host}]" if ":" in host else host
        headers = {
            "accept-encoding": "identity",
            **dict(request.headers),
            "host": named if standard else f"{named}:{port}",
        }
        started = time.monotonic()
        timeout = httpx2.Timeout(seconds, connect=min(seconds, 10.0))
        try:
            with self._client.stream(
                request.method,
                url,
                headers=[(name.encode("ascii"), value.encode()) for name, value in headers.items()],
                content=request.content,
                timeout=timeout,
                extensions={"sni_hostname": host},
            ) as answer:
                raw = self._read(answer, started + seconds)
                told: dict[str, str] = {}
                for name, value in answer.headers.multi_items():
                    told.setdefault(name.lower(), value)
                status = answer.status_code
        except httpx2.ConnectTimeout:
            raise CallError(f"{host}:{port} cannot be reached in time", unreachable=True) from None
        except httpx2.TimeoutException:
            raise CallError(f"no answer within {seconds:.3g} s") from None
        except httpx2.ConnectError as error:
            raise CallError(f"{host}:{port} cannot be reached: {error}", unreachable=True) from None
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
            raise CallError(f"{host}:{port}: {error or type(error).__name__}") from None
        return Answer(status, told, _value(raw, told), time.monotonic() - started)

    def _read(self, answer: httpx2.Response, deadline: float) -> bytes:
        parts, size = [], 0
        for part in answer.iter_raw():
            size += len(part)
            if size > LONGEST_ANSWER:
                raise CallError(f"the answer has more than {LONGEST_ANSWER:,} bytes")
            if time.monotonic() > deadline:
                raise CallError("the answer does not end in time")
            parts.append(part)
        raw = b"".join(parts)
        if answer.headers.get("content-encoding", "identity").lower() in ("gzip", "deflate", "x-gzip"):
            unpacking = zlib.decompressobj(47)
            try:
                raw = unpacking.decompress(raw, LONGEST_ANSWER)
            except zlib.error:
                raise CallError("the answer's content-encoding is broken") from None
            if unpacking.unconsumed_tail:
                raise CallError(f"the answer has more than {LONGEST_ANSWER:,} bytes")
        return raw

    def _address(self, host: str, port: int, trusted: bool) -> str:
        """An address of the host that may be called. Raises `CallError`."""
        key = (host, port, trusted)
        if key not in self._addresses:
            try:
                found = {str(one[4][0]) for one in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
            except (OSError, UnicodeError):
                raise CallError(f"the host {host!r} is not known", unreachable=True) from None
            for one in found:
                if reason := forbidden(one, trusted):
                    raise CallError(f"{host} is {reason}; it was not called")
            self._addresses[key] = sorted(found, key=lambda one: (":" in one, one))[0]
        return self._addresses[key]

    def curl(self, request: Request) -> str:
        """The shell line that repeats a request; credentials are left out."""
        parts = ["curl", "-sS", "-X", request.method, request.url]
        for name, value in request.headers:
            parts += ["-H", f"{name}: {'***' if name in SECRET else value}"]
        if request.content is not None:
            parts += ["--data-raw", request.content.decode(errors="replace")]
        return self.hide(" ".join(shlex.quote(part) for part in parts))

    def hide(self, text: str) -> str:
        """A text without the run's secrets."""
        for secret in self.secrets:
            text = text.replace(secret, "***")
        return text

    def close(self) -> None:
        self._client.close()


def forbidden(address: str, trusted: bool) -> str:
    """Why an address is not called; "" when it may be. `trusted`: the caller named the server, not a document."""
    one = ipaddress.ip_address(address.partition("%")[0])
    one = one.ipv4_mapped or one if isinstance(one, ipaddress.IPv6Address) else one
    if one in METADATA or one.is_link_local or one.is_multicast or one.is_unspecified:
        return "a link-local or metadata address"
    if not trusted and not one.is_global:
        return "an address of this machine or its networks, which a document may not name: give it with --server"
    return ""


def _value(raw: bytes, headers: Mapping[str, str]) -> Any:
    """A body as JSON when it says so (or says nothing) and is; else as text. None for an empty one."""
    if not raw:
        return None
    media_type = headers.get("content-type", "").split(";")[0].strip().lower()
    text = raw.decode(errors="replace")
    if media_type in ("", "application/json", "text/json") or media_type.endswith("+json"):
        try:
            value = json.loads(text, parse_constant=_no_constant)
            return TextBody(text) if is_deeper(value, DEEPEST) else value
        except (ValueError, RecursionError):
            pass
    return TextBody(text)


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
