"""Clients that sign instead of showing a secret: their public keys, and assertions made with them (RFC 7523)."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey, import_key

from exchange.errors import Unauthenticated, Unprocessable
from exchange.parties.model import Client

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALGORITHMS = ("Ed25519", "EdDSA", "ES256", "ES384", "PS256", "RS256")
LONGEST = timedelta(minutes=10)
"""How far ahead an assertion may expire: it has to be remembered that long."""
KEYS = 4
"""Keys of one client: one in use, one coming, and some room."""
LARGEST = 8_000


def check_keys(given: Sequence[Mapping[str, Any]]) -> tuple[Mapping[str, str], ...]:
    """Public keys as they are kept. Raises `Unprocessable` for a private, weak or unknown one, or too many."""
    if len(given) > KEYS:
        raise Unprocessable(f"a client has at most {KEYS} keys", pointer="/keys")
    kept = []
    for number, value in enumerate(given):
        hint = "Ed25519, P-256 or P-384, or RSA of at least 2048 bits, public part only"
        place = f"/keys/{number}"
        try:
            key = import_key(dict(value))
            private = bool(getattr(key, "is_private", False))
        except (JoseError, ValueError, TypeError, KeyError, binascii.Error):
            raise Unprocessable("that is no public key (JWK)", hint=hint, pointer=place) from None
        if private or "d" in value or "k" in value:
            raise Unprocessable("that is a private key: it is known to others now", hint="make another", pointer=place)
        if not _strong(key):
            raise Unprocessable("that key is of no kind we take", hint=hint, pointer=place)
        public = {name: str(part) for name, part in key.as_dict(private=False).items()}
        kept.append({**public, "kid": str(value.get("kid") or key.thumbprint())})
    return tuple(kept)


def subject(assertion: str) -> str:
    """Whom an assertion says it is of, unchecked; empty when it says nothing readable."""
    try:
        body = assertion.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        name = str(claims["sub"])[:200]
        return name if name.isprintable() else ""  # no NUL and no half a character: no database takes them
    except (IndexError, KeyError, TypeError, ValueError, RecursionError):
        return ""


def read(assertion: str, client: Client, audiences: frozenset[str], now: datetime) -> tuple[str, datetime]:
    """The name (jti) of a right assertion of a client and when it expires. Raises `Unauthenticated`."""
    for value in client.keys if len(assertion) <= LARGEST else ():
        try:
            found = jwt.decode(assertion, import_key(dict(value)), algorithms=list(ALGORITHMS))
            rules = jwt.JWTClaimsRegistry(
                now=int(now.timestamp()),
                leeway=30,
                iss={"essential": True, "value": client.id},
                sub={"essential": True, "value": client.id},
                aud={"essential": True, "values": sorted(audiences)},
                exp={"essential": True},
                jti={"essential": True},
            )
            rules.validate(found.claims)
            until = datetime.fromtimestamp(int(found.claims["exp"]), UTC) + timedelta(seconds=30)
        except (JoseError, ValueError, TypeError, OverflowError):
            continue
        if until - now <= LONGEST + timedelta(seconds=30):
            return str(found.claims["jti"]), until
    raise Unauthenticated("the assertion is not valid")


def _strong(key: Key) -> bool:
    if isinstance(key, OKPKey):
        return key.curve_name == "Ed25519"
    if isinstance(key, ECKey):
        return key.curve_name in {"P-256", "P-384"}
    return isinstance(key, RSAKey) and key.public_key.key_size >= 2048
