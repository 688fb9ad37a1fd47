"""OAuth 2 client credentials: a token endpoint without a store (RFC 6749, 4.4), and tokens that carry all they say.

A token is its own record: client, scopes and end, signed with the sandbox's secret (HMAC-SHA-256). So a restart does
not matter, and the virtual clock decides when one has ended.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urljoin, urlsplit

from mockdata.sandbox.messages import Request, Response, dump
from specs.model import Interface

PREFIX = "tbt."
LIFETIME = 3600
FALLBACK = "/oauth/token"


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token says: who it was given to, for which scopes, and until when (seconds since 1970)."""

    client: str
    scopes: frozenset[str]
    until: int


class Tokens:
    """Issues tokens and reads them back. `secret` signs them, `clock` ends them after `lifetime` seconds."""

    def __init__(self, secret: bytes, clock: Callable[[], datetime], lifetime: int = LIFETIME) -> None:
        self._secret = secret
        self._clock = clock
        self.lifetime = lifetime

    def issue(self, client: str, scopes: Iterable[str]) -> str:
        """A token for a client."""
        until = self._now() + self.lifetime
        said = _text(dump([client, sorted(scopes), until]))
        return f"{PREFIX}{said}.{self._seal(said)}"

    def read(self, token: str) -> Grant | None:
        """What a token says, ended or not; None when this sandbox has not issued it."""
        said, _, seal = token.removeprefix(PREFIX).partition(".")
        if not token.startswith(PREFIX) or not hmac.compare_digest(self._seal(said).encode(), seal.encode()):
            return None
        client, scopes, until = json.loads(base64.urlsafe_b64decode(said + "=" * (-len(said) % 4)))
        return Grant(client, frozenset(scopes), until)

    def ended(self, grant: Grant) -> bool:
        """Whether the time of a grant is over."""
        return self._now() >= grant.until

    def _now(self) -> int:
        return int(self._clock().timestamp())

    def _seal(self, said: str) -> str:
        return _text(hmac.new(self._secret, said.encode("utf-8", "surrogatepass"), sha256).digest())


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class TokenEndpoint:
    """Answers the token requests of one sandbox. `paths` maps each path it answers to the scopes to be had there.

    The paths are those of the `tokenUrl`s of the documents' client credentials flows, and `/oauth/token`. Below
    `/{interface id}` unless `bare`, where `/oauth/token` alone stands for all interfaces.
    """

    def __init__(
        self,
        interfaces: Iterable[Interface],
        tokens: Tokens,
        bare: bool = False,
        accept: Callable[[str], bool] | None = None,
    ) -> None:
        self._tokens = tokens
        self._accept = accept
        self.paths: dict[str, frozenset[str]] = {}
        for interface in interfaces:
            start = "" if bare else f"/{interface.id}"
            for path, scopes in _endpoints(interface):
                for at in (start + path, FALLBACK):
                    self.paths[at] = self.paths.get(at, frozenset()) | scopes

    def answer(self, request: Request) -> Response:
        """The answer to a POST on one of the paths. Its recorded value leaves the token out."""
        try:
            client, scopes = self._asked(request)
        except _Refused as error:
            response = Response(401 if error.code == "invalid_client" else 400, value=error.body(), valid=False)
            if error.code == "invalid_client":
                response.headers.append(("www-authenticate", 'Basic realm="token"'))
            return _sent(response, error.body())
        value = {"token_type": "Bearer", "expires_in": self._tokens.lifetime, "scope": " ".join(sorted(scopes))}
        return _sent(Response(200, value=value), {"access_token": self._tokens.issue(client, scopes), **value})

    def _asked(self, request: Request) -> tuple[str, frozenset[str]]:
        form = _form(request)
        client = self._client(request, form)
        kind = form.get("grant_type")
        if not kind:
            raise _Refused("invalid_request", "grant_type is missing")
        if kind != "client_credentials":
            raise _Refused("unsupported_grant_type", f"only client_credentials is supported, not {kind}")
        offered = self.paths[request.path]
        wanted = frozenset(form.get("scope", "").split()) or offered
        if not wanted <= offered:
            unknown = ", ".join(sorted(wanted - offered))
            raise _Refused("invalid_scope", f"not declared: {unknown}")
        return client, wanted

    def _client(self, request: Request, form: Mapping[str, str]) -> str:
        """The client, by HTTP Basic or in the body (RFC 6749, 2.3.1). Any with a secret counts."""
        scheme, _, sent = request.fields.get("authorization", "").strip().partition(" ")
        if scheme.lower() == "basic":
            if "client_secret" in form:
                raise _Refused("invalid_request", "the client shows itself twice: by header and in the body")
            client, secret = _basic(sent)
        else:
            client, secret = form.get("client_id", ""), form.get("client_secret", "")
        if not client or not secret:
            raise _Refused("invalid_client", "client and secret are needed, by HTTP Basic or in the body")
        if self._accept is not None and not self._accept(secret):
            raise _Refused("invalid_client", "the client or its secret is not known")
        return client


class _Refused(Exception):
    """A token request that is refused, by one of the codes of RFC 6749, 5.2."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code

    def body(self) -> dict[str, Any]:
        plain = "".join(letter if " " <= letter <= "~" and letter not in '"\\' else "?" for letter in str(self))
        return {"error": self.code, "error_description": plain}


def _sent(response: Response, body: Mapping[str, Any]) -> Response:
    response.body = dump(body)
    kept_nowhere = (("cache-control", "no-store"), ("pragma", "no-cache"))
    response.headers += [("content-type", "application/json"), *kept_nowhere]
    return response


def _form(request: Request) -> dict[str, str]:
    if request.media_type != "application/x-www-form-urlencoded":
        raise _Refused("invalid_request", "the body must be application/x-www-form-urlencoded")
    try:
        pairs = parse_qsl(request.body.decode("utf-8"), keep_blank_values=True, errors="strict")
    except ValueError:
        raise _Refused("invalid_request", "the body is not form data") from None
    form = dict(pairs)
    if len(form) < len(pairs):
        raise _Refused("invalid_request", "a parameter is there twice")
    return form


def _basic(sent: str) -> tuple[str, str]:
    try:
        client, _, secret = base64.b64decode(sent.strip(), validate=True).decode("utf-8").partition(":")
    except (binascii.Error, ValueError):
        raise _Refused("invalid_client", "the header Authorization is not HTTP Basic") from None
    return unquote_plus(client), unquote_plus(secret)


def _endpoints(interface: Interface) -> Iterator[tuple[str, frozenset[str]]]:
    """(path, scopes) of every client credentials flow of an interface, then of the way all of them can be had."""
    base = interface.servers[0].url if interface.servers else ""
    everything: frozenset[str] | None = None
    for name, scheme in interface.security_schemes.items():
        flow = client_credentials(scheme)
        if flow is None:
            continue
        scopes = _scopes(interface, name, flow)
        everything = scopes | (everything or frozenset())
        path = _path(base, str(flow.get("tokenUrl") or ""))
        if path not in ("", "/"):
            yield path, scopes
    if everything is not None:
        yield FALLBACK, everything


def _path(base: str, url: str) -> str:
    """The path of a token URL, which may be relative to the server's."""
    try:
        return urlsplit(urljoin(base.rstrip("/") + "/", url)).path if url else ""
    except ValueError:
        return ""


def client_credentials(scheme: Any) -> Mapping[str, Any] | None:
    """The client credentials flow of a security scheme, None when it has none."""
    flows = scheme.get("flows") if isinstance(scheme, Mapping) and scheme.get("type") == "oauth2" else None
    flow = flows.get("clientCredentials") if isinstance(flows, Mapping) else None
    return flow if isinstance(flow, Mapping) else None


def _scopes(interface: Interface, name: str, flow: Mapping[str, Any]) -> frozenset[str]:
    """The scopes a flow declares, and those operations ask of its scheme."""
    declared = flow.get("scopes")
    asked = (scope for one in interface.operations for way in one.security for scope in way.get(name, ()))
    return frozenset((*(declared if isinstance(declared, Mapping) else ()), *asked))
