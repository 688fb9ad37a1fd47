"""Whether a call carries the credentials its document asks for (OpenAPI 3.1, Security Requirement Object).

The sandbox does not issue credentials: any that are not empty count, unless it was given an `accept` to ask.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from http.cookies import CookieError, SimpleCookie
from typing import Any

from mockdata.sandbox.messages import Request
from specs.model import Interface, Operation

Accept = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Denial:
    """Why a call is turned away. `challenge` goes into WWW-Authenticate."""

    detail: str
    challenge: str


def token_of(request: Request) -> str | None:
    """The credential of the Authorization header, without its scheme."""
    text = request.fields.get("authorization", "").strip()
    scheme, _, value = text.partition(" ")
    return (value.strip() or scheme) or None


def fingerprint(token: str | None) -> str | None:
    """A short hash by which a token can be told from others and not be recovered."""
    return None if token is None else sha256(token.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def denial(interface: Interface, operation: Operation, request: Request, accept: Accept | None) -> Denial | None:
    """None when one of the operation's security alternatives is met, else the reason."""
    if not operation.security:
        return None
    reasons: list[Denial] = []
    for alternative in operation.security:
        missing = _missing(interface, alternative, request, accept)
        if missing is None:
            return None
        reasons.append(missing)
    return reasons[0]


def _missing(
    interface: Interface, alternative: Mapping[str, Any], request: Request, accept: Accept | None
) -> Denial | None:
    for name in alternative:
        scheme = interface.security_schemes.get(name)
        reason = _unmet(name, scheme if isinstance(scheme, Mapping) else {}, request, accept)
        if reason is not None:
            return reason
    return None


def _unmet(name: str, scheme: Mapping[str, Any], request: Request, accept: Accept | None) -> Denial | None:
    kind = str(scheme.get("type", "http")).lower()
    if kind == "mutualtls":
        return None  # the server below has settled it before a request gets here
    if kind == "apikey":
        where, key = str(scheme.get("in", "header")).lower(), str(scheme.get("name", name))
        value = _held(where, key, request)
        if value and (accept is None or accept(value)):
            return None
        return Denial(f"the {where} {key!r} ({name}) is missing or not accepted", f'ApiKey realm="{name}"')
    wanted = str(scheme.get("scheme", "bearer")).lower() if kind in ("http", "basic") else "bearer"
    wanted = "basic" if kind == "basic" else wanted
    sent, _, value = request.fields.get("authorization", "").strip().partition(" ")
    value = value.strip()
    accepted = sent.lower() == wanted and bool(value) and (wanted != "basic" or _is_basic(value))
    if accepted and (accept is None or accept(value)):
        return None
    detail = f"the header Authorization: {wanted.title()} … ({name}) is missing or not accepted"
    return Denial(detail, f'{wanted.title()} realm="{name}"')


def _held(where: str, key: str, request: Request) -> str | None:
    if where == "query":
        return dict(request.pairs).get(key)
    if where == "cookie":
        jar = SimpleCookie()
        try:
            jar.load(request.fields.get("cookie", ""))
        except CookieError:
            return None
        return jar[key].value if key in jar else None
    return request.fields.get(key.lower())


def _is_basic(value: str) -> bool:
    try:
        return b":" in base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return False
