"""What a push keeps at rest, sealed under a key that lies beside the database, not in it."""

from __future__ import annotations

import secrets
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from exchange.errors import Unavailable


class Seal:
    """AES-256-GCM; ``place`` binds a sealed value to the row it belongs to."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def close(self, value: bytes, *place: object) -> bytes:
        """The sealed value."""
        nonce = secrets.token_bytes(12)
        return nonce + self._cipher.encrypt(nonce, value, _bound(place))

    def open(self, sealed: bytes, *place: object) -> bytes:
        """The value again. Raises `Unavailable` under another key or in another place."""
        try:
            return self._cipher.decrypt(sealed[:12], sealed[12:], _bound(place))
        except InvalidTag:
            raise Unavailable("what was kept for a push cannot be opened", hint="restore keys/pushing.key") from None

    def close_json(self, value: Any, *place: object) -> bytes:
        """JSON, sealed."""
        return self.close(orjson.dumps(value), *place)

    def open_json(self, sealed: bytes, *place: object) -> Any:
        """JSON again. Raises `Unavailable`."""
        return orjson.loads(self.open(sealed, *place))


def _bound(place: tuple[object, ...]) -> bytes:
    return "\n".join(map(str, place)).encode()
