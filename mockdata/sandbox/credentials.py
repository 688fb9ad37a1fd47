"""Whether a call carries the credentials its document asks for (OpenAPI 3.1, Security Requirement Object).

Any that are not empty count, unless the sandbox was given an `accept` to ask. Tokens it has issued itself must not have
ended, and must be for the scopes that are asked for (RFC 6750, 3.1).
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
from mockdata.sandbox.tokens import PREFIX, Tokens, client_credentials
from specs.model import Interface, Operation

Accept = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Denial:
    """Why a call is turned away. `challenge` goes into WWW-Authenticate."""

    detail: str
    challenge: str
    status: int = 401


@dataclass(frozen=True, slots=True)
class Rules:
    """Which credentials count: those `accept` says yes to (None: any), and tokens issued here. With `issued_only`
    nothing else counts where a document declares client credentials."""

    accept: Accept | None = None
    tokens: Tokens | None = None
    issued_only: bool = False


def token_of(request: Request) -> str | None:
    """The credential of the Authorization header, without its scheme."""
    text = request.fields.get("authorization", "").strip()
    scheme, _, value = text.partition(" ")
    return (value.strip() or scheme) or None


def fingerprint(token: str | None) -> str | None:
    """A short hash by which a token can be told from others and not be recovered."""
    return None if token is None else sha256(token.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def denial(interface: Interface, operation: Operation, request: Request, rules: Rules) -> Denial | None:
    """None when one of the operation's security alternatives is met, else the reason."""
    if not operation.security:
        return None
    reasons: list[Denial] = []
    for alternative in operation.security:
        missing = _missing(interface, alternative, request, rules)
        if missing is None:
            return None
        reasons.append(missing)
    return max(reasons, key=lambda one: one.status)


def _missing(
    interface: Interface, alternative: Mapping[str, tuple[str, ...]], request: Request, rules: Rules
) -> Denial | None:
    for name, scopes in alternative.items():
        scheme = interface.security_schemes.get(name)
        reason = _unmet(name, scheme if isinstance(scheme, Mapping) else {}, scopes, request, rules)
        if reason is not None:
            return reason
    return None


def _unmet(
    name: str, scheme: Mapping[str, Any], scopes: tuple[str, ...], request: Request, rules: Rules
) -> Denial | None:
    kind = str(scheme.get("type", "http")).lower()
    if kind == "mutualtls":
        return None  # the server below has settled it before a request gets here
    if kind == "apikey":
        where, key = str(scheme.get("in", "header")).lower(), str(scheme.get("name", name))
        value = _held(where, key, request)
        if value and (rules.accept is None or rules.accept(value)):
            return None
        return Denial(f"the {where} {key!r} ({name}) is missing or not accepted", f'ApiKey realm="{name}"')
    wanted = str(scheme.get("scheme", "bearer")).lower() if kind in ("http", "basic") else "bearer"
    wanted = "basic" if kind == "basic" else wanted
    sent, _, value = request.fields.get("authorization", "").strip().partition(" ")
    value = value.strip()
    if sent.lower() == wanted and value:
        if wanted == "bearer" and value.startswith(PREFIX) and rules.tokens is not None:
            return _issued(name, value, scopes if kind != "http" else (), rules.tokens)
        if rules.issued_only and client_credentials(scheme) is not None:
            return _refused(name, "invalid_token", "The access token was not issued here")
        if (wanted != "basic" or _is_basic(value)) and (rules.accept is None or rules.accept(value)):
            return None
    detail = f"the header Authorization: {wanted.title()} … ({name}) is missing or not accepted"
    return Denial(detail, f'{wanted.title()} realm="{name}"')


def _issued(name: str, token: str, scopes: tuple[str, ...], tokens: Tokens) -> Denial | None:
    """Why a token that looks like one of our own does not do."""
    grant = tokens.read(token)
    if grant is None:
        return _refused(name, "invalid_token", "The access token was not issued here")
    if tokens.ended(grant):
        return _refused(name, "invalid_token", "The access token expired")
    if not grant.scopes.issuperset(scopes):
        needed = " ".join(scopes)
        return _refused(name, "insufficient_scope", f"The token needs the scope {needed}", needed)
    return None


def _refused(name: str, code: str, detail: str, scope: str = "") -> Denial:
    challenge = f'Bearer realm="{name}", error="{code}", error_description="{detail}"'
    if scope:
        challenge += f', scope="{scope}"'
    return Denial(f"{detail} ({name})", challenge, 403 if code == "insufficient_scope" else 401)


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
