"""Forged tokens: what a suite sends to see whether a service checks who signed (`x-token`, an extension of ours).

Where a value may stand in a parameter or payload, so may an object with these members:

- `x-token`: a JSON Web Token (RFC 7519) that the service issued, as an expression;
- `claims`: members put over those of its payload;
- `sign`: `kept` leaves the signature that belonged to the old claims, `none` writes the algorithm "none" and no
  signature (RFC 7519, 6.1), `word` signs with the key of the issued token, where that is a word everybody tries first;
- `prefix`: text before the token, "Bearer " say.

The value is null, and so nothing is sent, when no word is the key: nobody could forge that token.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from collections.abc import Iterable, Mapping
from typing import Any

MEMBERS = frozenset(["x-token", "claims", "sign", "prefix"])
SIGNS = ("kept", "none", "word")
HASHES = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}
_TRIED = """
secret Secret SECRET secretkey secret-key secret_key SECRET_KEY mysecret my-secret my_secret mysecretkey
my-secret-key supersecret super-secret supersecretkey topsecret password passw0rd password1 password123
changeme change-me changeit change_me letmein key mykey private privatekey private-key signature sign token
mytoken access auth jwt jwtsecret jwt-secret jwt_secret JWT_SECRET jwtkey your-256-bit-secret
your-secret-key your_secret_key hs256 HS256 random randomkey string default test testing test123 dev
development debug demo example sample local localhost admin admin123 root user guest master server app api
apikey api-key flask django express node 0 1 123 1234 12345 123456 1234567 12345678 123456789 1234567890
111111 000000 654321 abc abc123 abcdef a qwerty qwerty123 iloveyou welcome hello none
"""
WORDS = ("", *_TRIED.split())
"""Keys that everybody tries first."""


class TokenError(ValueError):
    """What was to be forged is no JSON Web Token."""


def is_token(value: Any) -> bool:
    """Whether a value is a token to be forged."""
    return isinstance(value, Mapping) and "x-token" in value


def complaint(value: Mapping[str, Any]) -> str:
    """What is wrong with the form of a token to be forged; "" when nothing is."""
    if unknown := sorted(str(name) for name in value if name not in MEMBERS):
        return f"x-token has no member {unknown[0]!r}; it has {', '.join(sorted(MEMBERS))}"
    if not isinstance(value["x-token"], str) or not isinstance(value.get("prefix", ""), str):
        return "x-token and prefix are texts"
    if not isinstance(value.get("claims", {}), Mapping):
        return "claims is an object"
    if value.get("sign") not in SIGNS:
        return f"sign is one of {', '.join(SIGNS)}"
    return ""


def forged(token: Any, claims: Mapping[str, Any], sign: str, words: Iterable[str] = WORDS) -> str | None:
    """The token with other claims; None when `sign` is "word" and no word is its key. Raises `TokenError`."""
    head, body, signature = _parts(token)
    header = _object(head)
    payload = _encoded({**_object(body), **claims})
    if sign == "none":
        return f"{_encoded({**header, 'alg': 'none'})}.{payload}."
    if sign == "kept":
        return f"{head}.{payload}.{signature}"
    algorithm = HASHES.get(str(header.get("alg")))
    if algorithm is None:
        return None
    key = next(
        (word for word in words if hmac.compare_digest(_mac(word, f"{head}.{body}", algorithm), signature)), None
    )
    return None if key is None else f"{head}.{payload}.{_mac(key, f'{head}.{payload}', algorithm)}"


def _parts(token: Any) -> tuple[str, str, str]:
    parts = token.split(".") if isinstance(token, str) and token.isascii() else []
    if len(parts) != 3:
        raise TokenError("x-token is no JSON Web Token of three parts")
    return parts[0], parts[1], parts[2]


def _object(part: str) -> dict[str, Any]:
    try:
        made = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        raise TokenError("x-token is no JSON Web Token: a part of it is no JSON") from None
    if not isinstance(made, dict):
        raise TokenError("x-token is no JSON Web Token: a part of it is no object")
    return made


def _encoded(value: Mapping[str, Any]) -> str:
    return _plain(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


def _mac(word: str, signed: str, algorithm: str) -> str:
    return _plain(hmac.new(word.encode(), signed.encode(), algorithm).digest())


def _plain(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
