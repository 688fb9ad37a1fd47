"""Signing people in through an outside issuer: OpenID Connect, authorization code with PKCE (RFC 7636, RFC 9700).

The issuer says who somebody is; whether they may come in, and as whom, is decided here, by the member who carries
that name (`Member.subject`). Nothing the issuer says gives a role.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from exchange.clock import Clock
from exchange.errors import Invalid, TongbanError, Unauthenticated, Upstream
from exchange.parties.tokens import Tokens

ALGORITHMS = ["RS256", "PS256", "ES256", "ES384", "Ed25519", "EdDSA"]
"""Signatures of an ID token that are taken: never one a shared secret makes, never none."""
STATE = "sign-in"
STATE_LASTS = timedelta(minutes=10)
SECONDS = 10.0
LARGEST = 1024 * 1024
LEEWAY = 60
"""Seconds the issuer's clock may differ from ours."""


@dataclass(frozen=True, slots=True)
class Registration:
    """What the operator agreed with the issuer. ``claim`` names who somebody is: ``sub``, or an employee number."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    back: str
    claim: str = "sub"

    def __post_init__(self) -> None:
        address = urlsplit(self.issuer)
        local = address.hostname in {"127.0.0.1", "localhost", "::1"}
        if not address.hostname or (address.scheme != "https" and not (local and address.scheme == "http")):
            raise Invalid(
                f"the issuer {self.issuer} is no https URL", hint="see TONGBAN_OIDC_ISSUER in docs/settings.md"
            )
        if not self.client_id:
            raise Invalid("the issuer needs a client id", hint="set TONGBAN_OIDC_CLIENT_ID")


@dataclass(frozen=True, slots=True)
class Begun:
    """Where to send the browser, and what it must bring back in its cookie."""

    url: str
    cookie: str


@dataclass(frozen=True, slots=True)
class Ended:
    """Who came back (``subject``), where they wanted to go, and which sign-in that was: its name and expiry."""

    subject: str
    then: str
    once: tuple[str, int]


class Outside:
    """Sign-in through one issuer. What belongs to a sign-in under way is in a signed cookie, so any worker ends it."""

    def __init__(self, registration: Registration, tokens: Tokens, clock: Clock) -> None:
        self.registration = registration
        self._tokens = tokens
        self._clock = clock
        self._known: Mapping[str, Any] = {}
        self._keys: KeySet | None = None

    def begin(self, then: str) -> Begun:
        """A sign-in that leads to the page ``then``. Raises `Upstream` when the issuer cannot be reached."""
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code",
            "client_id": self.registration.client_id,
            "redirect_uri": self.registration.back,
            "scope": "openid profile",
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        place = str(self._metadata()["authorization_endpoint"])
        cookie = self._tokens.make(state, STATE, STATE_LASTS, nonce=nonce, verifier=verifier, then=then)
        return Begun(f"{place}{'&' if '?' in place else '?'}{urlencode(asked)}", cookie)

    def end(self, came: Mapping[str, str], cookie: str) -> Ended:
        """What a sign-in ended with.

        ``came`` is the query the browser brought. Raises `Unauthenticated` for anything that does not fit, `Upstream`
        when the issuer cannot be used.
        """
        begun = self._tokens.read(cookie, STATE)
        metadata = self._metadata()
        if not hmac.compare_digest(came.get("state", "").encode(), str(begun["sub"]).encode()):
            raise _no("the answer belongs to another sign-in")
        issuer = came.get("iss")
        # RFC 9207: an issuer that names itself must be the one that was asked
        if issuer is None and metadata.get("authorization_response_iss_parameter_supported") is True:
            raise _no("the answer does not name its issuer")
        if issuer is not None and issuer != self.registration.issuer:
            raise _no("the answer is of another issuer")
        if "error" in came or not came.get("code"):
            raise _no("the issuer did not let you in")
        given = self._ask(
            "POST",
            str(metadata["token_endpoint"]),
            {
                "grant_type": "authorization_code",
                "code": came["code"],
                "redirect_uri": self.registration.back,
                "code_verifier": str(begun["verifier"]),
            },
        )
        claims = self._claims(str(given.get("id_token", "")), str(begun["nonce"]))
        name = claims.get(self.registration.claim)
        if not isinstance(name, str) or not name:
            raise _no(f"the issuer does not say your {self.registration.claim}")
        return Ended(name, str(begun["then"]), (str(begun["jti"]), int(begun["exp"])))

    def _claims(self, token: str, nonce: str) -> Mapping[str, Any]:
        for fresh in (False, True):  # a key we do not know yet may be new
            try:
                read = jwt.decode(token, self._key_set(fresh), algorithms=ALGORITHMS)
                break
            except (JoseError, ValueError):
                if fresh:
                    raise _no("the issuer's token is not valid") from None
        rules = jwt.JWTClaimsRegistry(
            now=int(self._clock().timestamp()),
            leeway=LEEWAY,
            iss={"essential": True, "value": self.registration.issuer},
            aud={"essential": True, "value": self.registration.client_id},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        try:
            rules.validate(read.claims)
        except (JoseError, ValueError):
            raise _no("the issuer's token is not valid") from None
        audience = read.claims["aud"]
        if isinstance(audience, list) and len(audience) > 1 and read.claims.get("azp") != self.registration.client_id:
            raise _no("the issuer's token is for somebody else")
        return read.claims

    def _metadata(self) -> Mapping[str, Any]:
        if self._known:
            return self._known
        found = self._ask("GET", f"{self.registration.issuer.rstrip('/')}/.well-known/openid-configuration")
        if found.get("issuer") != self.registration.issuer:
            raise Upstream("the issuer calls itself otherwise", hint="check TONGBAN_OIDC_ISSUER")
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            if not isinstance(found.get(name), str):
                raise Upstream(f"the issuer does not say its {name}")
        self._known = found
        return found

    def _key_set(self, fresh: bool) -> KeySet:
        if self._keys is None or fresh:
            found = self._ask("GET", str(self._metadata()["jwks_uri"]))
            self._keys = KeySet.import_key_set(found)  # type: ignore[arg-type]  # checked by the import itself
        return self._keys

    def _ask(self, method: str, place: str, form: Mapping[str, str] | None = None) -> Mapping[str, Any]:
        import httpx2

        options: dict[str, Any] = {"headers": {"Accept": "application/json"}}
        if form is not None:
            if self.registration.client_secret:
                options["auth"] = (self.registration.client_id, self.registration.client_secret)
            else:
                form = {**form, "client_id": self.registration.client_id}
            options["data"] = dict(form)
        try:
            with (
                httpx2.Client(timeout=SECONDS, trust_env=False) as http,
                http.stream(method, place, **options) as answer,
            ):
                data = bytearray()
                for part in answer.iter_bytes():
                    data += part
                    if len(data) > LARGEST:
                        raise Upstream("the issuer says too much")
                if answer.status_code >= 500 or (form is None and answer.status_code != 200):
                    raise Upstream(f"the issuer answered {answer.status_code}", hint="try again later")
                if answer.status_code != 200:
                    raise _no("the issuer did not accept the code")
                found = json.loads(data)
        except (httpx2.HTTPError, ValueError) as error:
            raise Upstream("the issuer cannot be reached", hint="try again later") from error
        if not isinstance(found, dict):
            raise Upstream("the issuer does not answer as OpenID Connect says")
        return found


def _no(said: str) -> TongbanError:
    return Unauthenticated(said, hint="begin again at /sign-in")
