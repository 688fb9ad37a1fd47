"""Which addresses may be registered as endpoints: a department's server, never a way into our own network."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit, urlunsplit

from exchange.errors import Unprocessable

Resolve = Callable[[str, int], Iterable[str]]
"""Gives the IP addresses of (host, port); raises OSError when there are none."""

RULE = "endpoint.address"


def resolve(host: str, port: int) -> list[str]:
    """Addresses of a host by the resolver of this machine."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return [str(address[0]) for *_, address in found]


def check_endpoint(url: str, *, allow_loopback: bool = False, resolving: Resolve = resolve) -> str:
    """The URL in its one form, without a trailing slash.

    Raises `Unprocessable` unless it is http or https to a host all of whose addresses are public (or on this machine,
    with ``allow_loopback``), without credentials, query or fragment. Names can change their address later: whoever
    connects calls `addresses` again and connects to one of those.
    """
    try:
        parts = urlsplit(url.strip())
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
        host = (parts.hostname or "").rstrip(".")
    except ValueError:
        raise _refuse("it is not a URL", "for example https://api.police.example.gov.cn/v1") from None
    if parts.scheme not in {"http", "https"} or not host or any(c.isspace() or ord(c) < 32 for c in url.strip()):
        raise _refuse("it must be an http or https URL", "for example https://api.police.example.gov.cn/v1")
    if parts.username is not None or parts.password is not None:
        raise _refuse("it must not hold credentials", "register them as the interface's credential instead")
    if parts.query or parts.fragment or "\\" in url:
        raise _refuse("it is a base URL, without query or fragment", "operations add their own paths")
    addresses(host, port, allow_loopback=allow_loopback, resolving=resolving)
    shown = f"[{host}]" if ":" in host else host
    place = shown if parts.port is None else f"{shown}:{parts.port}"
    return urlunsplit((parts.scheme, place, parts.path.rstrip("/"), "", ""))


def addresses(host: str, port: int, *, allow_loopback: bool = False, resolving: Resolve = resolve) -> list[str]:
    """Addresses of a host that may be connected to. Raises `Unprocessable` if any of them may not."""
    try:
        found = sorted(set(resolving(host, port)))
    except (OSError, UnicodeError):
        found = []
    if not found:
        raise _refuse(f"the host {host} is not known", "check its name; it must resolve from here")
    for text in found:
        if not _allowed(ipaddress.ip_address(text.partition("%")[0]), allow_loopback):
            raise _refuse(f"the host {host} leads to {text}, which is not a public address", "use a public address")
    return found


def _allowed(address: ipaddress.IPv4Address | ipaddress.IPv6Address, allow_loopback: bool) -> bool:
    if isinstance(address, ipaddress.IPv6Address):
        # an IPv4 address in IPv6 clothes (mapped, 6to4, Teredo, NAT64) is judged as what it leads to
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if inner is None and address in ipaddress.ip_network("64:ff9b::/96"):
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return _allowed(inner, allow_loopback)
    if address.is_loopback:
        return allow_loopback
    return address.is_global and not address.is_multicast and not address.is_reserved


def _refuse(why: str, hint: str) -> Unprocessable:
    return Unprocessable(f"the endpoint is refused: {why}", hint=hint, rule=RULE)
