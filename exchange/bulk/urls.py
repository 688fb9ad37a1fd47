"""Signed URLs of files: the URL is the credential, good until it expires, for GET and HEAD of that one file."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime, timedelta

from exchange.clock import Clock
from exchange.errors import Forbidden, Unprocessable

PATH = "/delta-sharing/files"


class Urls:
    """Makes and reads file URLs under one 32-byte key."""

    def __init__(self, key: bytes, base: str, clock: Clock, seconds: int) -> None:
        """``base``: URL of the service; ``seconds``: how long a URL is good."""
        self._key, self._base, self._clock = key, base.rstrip("/"), clock
        self.lasting = timedelta(seconds=seconds)

    def make(self, query: str, number: int) -> tuple[str, int]:
        """The URL of a file of a query and when it expires, in milliseconds since 1970."""
        ends = int((self._clock() + self.lasting).timestamp())
        # the Delta kernel takes a URL for pre-signed by this parameter's name; with another it looks for a local file
        mark = self._sign(query, number, ends)
        return f"{self._base}{PATH}/{query}/{number}.parquet?Expires={ends}&X-Amz-Signature={mark}", ends * 1000

    def check(self, query: str, number: int, expires: str, signature: str, now: datetime) -> None:
        """Raises `Forbidden` unless the URL was made here for this file and has not expired."""
        ends = int(expires) if expires.isascii() and expires.isdigit() and len(expires) < 12 else 0
        if not hmac.compare_digest(self._sign(query, number, ends).encode(), signature.encode()):
            raise Forbidden("the file URL was not made here", rule="url-invalid", hint="ask for the files again")
        if now.timestamp() >= ends:
            raise Forbidden("the file URL has expired", rule="url-expired", hint="ask for the files again")

    def token(self, query: str) -> str:
        """A refresh token: new URLs for the files of a query, without asking for it anew."""
        return f"{query}.{self._sign(query, -1, 0)}"

    def query_of(self, token: str) -> str:
        """The query of a refresh token. Raises `Unprocessable`."""
        query, _, mark = token.rpartition(".")
        if not hmac.compare_digest(self._sign(query, -1, 0).encode(), mark.encode()):
            raise Unprocessable("the refresh token was not made here", hint="ask for the files again")
        return query

    def _sign(self, query: str, number: int, ends: int) -> str:
        return hmac.new(self._key, f"{query}\n{number}\n{ends}".encode(), hashlib.sha256).hexdigest()
