"""Signed tokens (JWT, Ed25519 by RFC 9864): short-lived access tokens and the gateway's launch tokens."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import lru_cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from exchange.clock import Clock
from exchange.errors import Unauthenticated

ALGORITHM = "Ed25519"
ACCESS = "at+jwt"
"""Type of an access token (RFC 9068), so that no other token of ours passes for one."""
LARGEST = 8_000
"""Characters of a token."""
Keys = Callable[[], Sequence[Ed25519PrivateKey]]
"""Signing keys, oldest first: the newest signs, all verify; asked for at every token (`exchange.keys.Ring`)."""


class Tokens:
    """Makes and reads tokens. A token says who asks; their rights are looked up at every call."""

    def __init__(self, keys: Ed25519PrivateKey | Keys, issuer: str, clock: Clock) -> None:
        """``issuer`` is the service's own URL; ``keys`` sign tokens and nothing else."""
        self._keys: Keys = keys if callable(keys) else lambda: (keys,)
        self.issuer = issuer
        self._clock = clock

    def make(self, subject: str, audience: str, lasting: timedelta, **claims: Any) -> str:
        """A token for ``subject``, good at ``audience`` (``api``, ``gateway``, …) for a while."""
        now = int(self._clock().timestamp())
        fixed = {"iss": self.issuer, "sub": subject, "aud": audience, "iat": now, "jti": secrets.token_hex(12)}
        value = {**claims, **fixed, "exp": now + int(lasting.total_seconds())}
        key = _jwk(self._keys()[-1])
        header = {"alg": ALGORITHM, "kid": key.kid, "typ": ACCESS if audience == "api" else "JWT"}
        return jwt.encode(header, value, key, algorithms=[ALGORITHM])

    def read(self, token: str, audience: str) -> dict[str, Any]:
        """The claims of a token made here for ``audience`` and not expired. Raises `Unauthenticated`."""
        try:
            kind, claims = _signed(token, tuple(self._keys()))
            if audience == "api" and kind != ACCESS:
                raise ValueError("another kind of token")
            rules = jwt.JWTClaimsRegistry(
                now=int(self._clock().timestamp()),
                iss={"essential": True, "value": self.issuer},
                aud={"essential": True, "value": audience},
                exp={"essential": True},
                sub={"essential": True},
                jti={"essential": True},
            )
            rules.validate(claims)
        except (JoseError, ValueError):
            # one answer for every kind of bad token: the difference helps nobody but a forger
            raise Unauthenticated("the token is not valid", hint="ask for a new one at /oauth/token") from None
        return dict(claims)

    def keys(self) -> Sequence[Ed25519PrivateKey]:
        """The signing keys there are now: what one verified earlier holds for as long as these stay the same."""
        return self._keys()

    def public(self) -> dict[str, Any]:
        """The keys tokens can be verified with, as a JWK set (RFC 7517), newest first."""
        keys = [_jwk(key) for key in reversed(self._keys())]
        return {"keys": [{**key.as_dict(private=False), "use": "sig", "alg": ALGORITHM} for key in keys]}

    def newest(self) -> str:
        """Name of the key that signs now."""
        return str(_jwk(self._keys()[-1]).kid)


@lru_cache(maxsize=4096)
def _signed(token: str, keys: tuple[Ed25519PrivateKey, ...]) -> tuple[str, dict[str, Any]]:
    """Type and claims of a token one of these keys signed; whatever else is in it is judged at every call.

    Kept, because a signature stays right for as long as its key is there, and checking one takes longer than all the
    rest. Raises JoseError or ValueError, which are not kept.
    """

    def named(read: Any) -> OKPKey:
        kid = read.headers().get("kid")
        for key in map(_jwk, reversed(keys)):
            if key.kid == kid:
                return key
        raise ValueError("no key of ours")

    if len(token) > LARGEST:
        raise ValueError("too long for a token of ours")
    found = jwt.decode(token, named, algorithms=[ALGORITHM])
    return str(found.header.get("typ")), found.claims


@lru_cache(maxsize=32)
def _jwk(key: Ed25519PrivateKey) -> OKPKey:
    made = OKPKey.import_key(key)
    return OKPKey.import_key(key, {"kid": made.thumbprint()})  # RFC 7638
