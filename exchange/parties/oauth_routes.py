"""OAuth 2.0 for clients: tokens (RFC 6749 §4.4), their end (RFC 7009), keys and metadata (RFC 8414)."""

# annotations are read by FastAPI at run time and name things local to the router: no postponed evaluation here

import base64
import binascii
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import parse_qsl, unquote_plus

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response

from exchange.errors import Unauthenticated, Unprocessable
from exchange.parties.access import Access
from exchange.parties.assertions import ALGORITHMS, TYPE
from exchange.parties.model import ROLES
from exchange.parties.service import Parties
from exchange.parties.signing import TOKEN_LASTS

LARGEST = 32 * 1024
"""Bytes of a form at these endpoints."""
METHODS = ["client_secret_basic", "client_secret_post", "private_key_jwt"]
KEPT_OUT = {"Cache-Control": "no-store", "Pragma": "no-cache"}
FORM = {
    "requestBody": {
        "required": True,
        "content": {"application/x-www-form-urlencoded": {"schema": {"type": "object"}}},
    }
}


class _Refused(Exception):
    """An error of RFC 6749 §5.2."""

    def __init__(self, error: str, said: str) -> None:
        super().__init__(said)
        self.error = error


async def _form(request: Request) -> Mapping[str, str] | _Refused:
    """The form of a request, read whole; a parameter that comes twice or in the URL is refused (§3.2)."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        return _Refused("invalid_request", "send a form: Content-Type application/x-www-form-urlencoded")
    data = bytearray()
    async for part in request.stream():
        data += part
        if len(data) > LARGEST:
            return _Refused("invalid_request", f"the form is larger than {LARGEST} bytes")
    try:
        pairs = parse_qsl(data.decode(), keep_blank_values=True, max_num_fields=50, errors="strict")
    except ValueError:
        return _Refused("invalid_request", "the form cannot be read")
    found = dict(pairs)
    if any("\0" in text for text in (*found, *found.values())):
        return _Refused("invalid_request", "the form holds a NUL")
    if len(found) != len(pairs) or request.url.query:
        return _Refused("invalid_request", "every parameter comes once, and in the form")
    return found


Form = Annotated[Mapping[str, str] | _Refused, Depends(_form)]


def router(service: Parties, access: Access) -> APIRouter:
    """Routes a client needs before and after it has a token."""
    routes = APIRouter(tags=["access"])
    issuer = service.tokens.issuer

    @routes.post("/oauth/token", openapi_extra=FORM)
    def token(request: Request, form: Form) -> Response:
        """Client credentials give a bearer token for 15 minutes; the client shows a secret or a signed assertion."""
        try:
            wanted = _given(form)
            if "grant_type" not in wanted:
                raise _Refused("invalid_request", "grant_type is missing")
            if wanted["grant_type"] != "client_credentials":
                raise _Refused("unsupported_grant_type", "only client_credentials is granted")
            made = _granted(service, request, wanted, wanted.get("scope"))
        except _Refused as refused:
            return _answer(refused)
        body: dict[str, Any] = {"access_token": made, "token_type": "Bearer"}
        body |= {"expires_in": int(TOKEN_LASTS.total_seconds())}
        if "scope" in wanted:
            body["scope"] = " ".join(sorted(wanted["scope"].split()))
        return JSONResponse(body, headers=KEPT_OUT)

    @routes.post("/oauth/revoke", openapi_extra=FORM)
    def revoke(request: Request, form: Form) -> Response:
        """End one access token of the client that asks, before it expires; also 200 for one that is none."""
        try:
            wanted = _given(form)
            if "token" not in wanted:
                raise _Refused("invalid_request", "token is missing")
            caller = access.bearer(f"Bearer {_granted(service, request, wanted)}")
        except _Refused as refused:
            return _answer(refused)
        service.revoke_token(caller, wanted["token"])
        return Response(status_code=200, headers=KEPT_OUT)

    @routes.get("/oauth/jwks")
    def keys() -> dict[str, Any]:
        """The public keys tokens are verified with (RFC 7517), the newest first."""
        return service.tokens.public()

    @routes.get("/.well-known/oauth-authorization-server")
    def metadata() -> dict[str, Any]:
        """Where everything is and what is understood (RFC 8414)."""
        return {
            "issuer": issuer,
            "token_endpoint": f"{issuer}/oauth/token",
            "revocation_endpoint": f"{issuer}/oauth/revoke",
            "jwks_uri": f"{issuer}/oauth/jwks",
            "service_documentation": f"{issuer}/docs/api",
            "grant_types_supported": ["client_credentials"],
            "response_types_supported": [],
            "scopes_supported": sorted({role for roles in ROLES.values() for role in roles}),
            "token_endpoint_auth_methods_supported": METHODS,
            "token_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
            "revocation_endpoint_auth_methods_supported": METHODS,
            "revocation_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
        }

    return routes


def _granted(service: Parties, request: Request, form: Mapping[str, str], scope: str | None = None) -> str:
    """A token for whoever the request authenticates."""
    issuer = service.tokens.issuer
    header = request.headers.get("authorization")
    ways = [header is not None, "client_secret" in form, "client_assertion" in form]
    if sum(ways) > 1:
        raise _Refused("invalid_request", "authenticate in one way only")
    try:
        if "client_assertion" in form:
            if form.get("client_assertion_type") != TYPE:
                raise _Refused("invalid_request", f"client_assertion_type is {TYPE}")
            audiences = frozenset({issuer, f"{issuer}/oauth/token"})
            return service.token_for(form["client_assertion"], audiences, scope)
        name, secret = _basic(header) if header is not None else (form.get("client_id"), form.get("client_secret"))
        if not name or secret is None or name != form.get("client_id", name):
            raise _Refused("invalid_client", "a client authenticates by secret or by assertion")
        return service.token(name, secret, scope)
    except Unauthenticated as error:
        raise _Refused("invalid_client", error.detail) from None
    except Unprocessable as error:
        raise _Refused("invalid_scope", f"{error.detail}: {error.hint}") from None


def _given(form: Mapping[str, str] | _Refused) -> Mapping[str, str]:
    if isinstance(form, _Refused):
        raise form
    return form


def _basic(header: str) -> tuple[str, str]:
    """Client and secret of HTTP Basic, each form-encoded before (RFC 6749 §2.3.1)."""
    scheme, _, encoded = header.partition(" ")
    try:
        name, colon, secret = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        name = colon = secret = ""
    if scheme.lower() != "basic" or not colon:
        raise _Refused("invalid_client", "the Authorization header is no Basic authentication")
    return unquote_plus(name), unquote_plus(secret)


def _answer(refused: _Refused) -> Response:
    body = {"error": refused.error, "error_description": str(refused), "error_uri": "/docs/errors#401"}
    if refused.error != "invalid_client":
        return JSONResponse(body | {"error_uri": "/docs/errors#400"}, status_code=400, headers=KEPT_OUT)
    headers = {**KEPT_OUT, "WWW-Authenticate": 'Basic realm="tongban", charset="UTF-8"'}
    return JSONResponse(body, status_code=401, headers=headers)
