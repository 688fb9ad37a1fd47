"""Signed tokens (JWT, Ed25519 by RFC 9864): short-lived access tokens and the gateway's launch tokens."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from exchange.clock import Clock
from exchange.errors import Unauthenticated

ALGORITHM = "Ed25519"


class Tokens:
    """Makes and reads tokens. A token says who asks; their rights are looked up at every call."""

    def __init__(self, key: Ed25519PrivateKey, issuer: str, clock: Clock) -> None:
        """``issuer`` is the service's own URL; ``key`` signs tokens and nothing else."""
        self._key = OKPKey.import_key(key)
        self._issuer = issuer
        self._clock = clock

    def make(self, subject: str, audience: str, lasting: timedelta, **claims: Any) -> str:
        """A token for ``subject``, good at ``audience`` (``api``, ``gateway``, …) for a while."""
        now = int(self._clock().timestamp())
        fixed = {"iss": self._issuer, "sub": subject, "aud": audience, "iat": now}
        value = {**claims, **fixed, "exp": now + int(lasting.total_seconds())}
        return jwt.encode({"alg": ALGORITHM}, value, self._key, algorithms=[ALGORITHM])

    def read(self, token: str, audience: str) -> dict[str, Any]:
        """The claims of a token made here for ``audience`` and not expired. Raises `Unauthenticated`."""
        try:
            claims = jwt.decode(token, self._key, algorithms=[ALGORITHM]).claims
            rules = jwt.JWTClaimsRegistry(
                now=int(self._clock().timestamp()),
                iss={"essential": True, "value": self._issuer},
                aud={"essential": True, "value": audience},
                exp={"essential": True},
                sub={"essential": True},
            )
            rules.validate(claims)
        except (JoseError, ValueError):
            # one answer for every kind of bad token: the difference helps nobody but a forger
            raise Unauthenticated("the token is not valid", hint="ask for a new one at /oauth/token") from None
        return dict(claims)
