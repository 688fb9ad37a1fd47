"""Which addresses may be registered as endpoints: a department's server, never a way into our own network."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit, urlunsplit

from exchange.errors import Invalid, Unprocessable

Resolve = Callable[[str, int], Iterable[str]]
"""Gives the IP addresses of (host, port); raises OSError when there are none."""

RULE = "endpoint.address"
IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network
NEVER: tuple[IPNetwork, ...] = tuple(
    ipaddress.ip_network(text) for text in ("169.254.0.0/16", "fe80::/10", "100.100.100.200/32", "fd00:ec2::254/128")
)
"""Link-local addresses and the metadata services of clouds; no setting admits them."""
LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))


@dataclass(frozen=True, slots=True)
class Network:
    """The one rule for addresses of providers: public ones, and the ranges the operator allows by setting.

    Asked when an endpoint is registered and again whenever a connection is opened, by whoever opens it.
    """

    allowed: tuple[IPNetwork, ...] = ()

    @classmethod
    def of(cls, ranges: str = "", *, loopback: bool = False) -> Network:
        """From ``10.0.0.0/8, fd00::/8``. Raises `Invalid` for what is no range."""
        found: list[IPNetwork] = []
        for text in ranges.replace(",", " ").split():
            try:
                found.append(ipaddress.ip_network(text))
            except ValueError:
                raise Invalid(f"{text} is no range of addresses", hint="for example 10.20.0.0/16") from None
        return cls((*found, *(LOOPBACK if loopback else ())))

    def admits(self, text: str) -> bool:
        """Whether a provider may be at this address (an IPv6 zone is ignored)."""
        return _admits(ipaddress.ip_address(text.partition("%")[0]), self.allowed)


def resolve(host: str, port: int) -> list[str]:
    """Addresses of a host by the resolver of this machine."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return [str(address[0]) for *_, address in found]


def check_endpoint(url: str, network: Network = Network(), *, resolving: Resolve = resolve) -> str:
    """The URL in its one form, without a trailing slash.

    Raises `Unprocessable` unless it is http or https to a host all of whose addresses ``network`` admits, without
    credentials, query or fragment. Names can change their address later: whoever connects asks ``network`` about the
    very address it connects to.
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
    if not parts.path.isascii() or not parts.path.isprintable():
        raise _refuse("its path holds characters no URL has", "percent-encode them as UTF-8")
    if any(part in (".", "..") for part in unquote(parts.path).split("/")) or parts.port == 0:
        raise _refuse("its path or port leads elsewhere than it says", "give the address as it is called")
    addresses(host, port, network, resolving=resolving)
    host = host if host.isascii() else host.encode("idna").decode()  # resolved a line above, so it has this form
    shown = f"[{host}]" if ":" in host else host
    place = shown if parts.port is None else f"{shown}:{parts.port}"
    return urlunsplit((parts.scheme, place, parts.path.rstrip("/"), "", ""))


def addresses(host: str, port: int, network: Network = Network(), *, resolving: Resolve = resolve) -> list[str]:
    """Addresses of a host that may be connected to. Raises `Unprocessable` if any of them may not."""
    try:
        found = sorted(set(resolving(host, port)))
    except (OSError, UnicodeError):
        found = []
    if not found:
        raise _refuse(f"the host {host} is not known", "check its name; it must resolve from here")
    for text in found:
        if not network.admits(text):
            raise _refuse(
                f"the host {host} leads to {text}, which is not a public address",
                "use a public address, or let the operator allow its range: TONGBAN_PROVIDER_NETWORKS",
            )
    return found


def _admits(address: IPAddress, allowed: tuple[IPNetwork, ...]) -> bool:
    if isinstance(address, ipaddress.IPv6Address):
        # an IPv4 address in IPv6 clothes (mapped, 6to4, Teredo, NAT64) is judged as what it leads to
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if inner is None and address in ipaddress.ip_network("64:ff9b::/96"):
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return _admits(inner, allowed)
    if address.is_multicast or address.is_unspecified or any(address in never for never in NEVER):
        return False
    if any(address in ours for ours in allowed):
        return True
    return address.is_global and not address.is_reserved and not address.is_loopback


def _refuse(why: str, hint: str) -> Unprocessable:
    return Unprocessable(f"the endpoint is refused: {why}", hint=hint, rule=RULE)
