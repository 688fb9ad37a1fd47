"""RFC 3161 time stamps over checkpoints, from an authority that has nothing to do with the operator (optional)."""

from __future__ import annotations

import urllib.request
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from exchange.clock import moment, stamp
from exchange.errors import Invalid, Unavailable, Unprocessable
from exchange.ledger import store
from exchange.ledger.service import Ledger

SECONDS = 10.0
ANSWER = 256 * 1024


class Stamping:
    """Stamps the newest checkpoint when the last stamp is older than ``every``."""

    def __init__(self, ledger: Ledger, url: str, roots: Path, every: timedelta = timedelta(hours=1)) -> None:
        """``roots``: PEM certificates of authorities that are trusted. Raises `Invalid`, `Unavailable`."""
        try:
            import rfc3161_client  # noqa: F401  the optional extra
        except ModuleNotFoundError:
            raise Unavailable("time stamps need rfc3161-client", hint="pip install 'tongban[timestamps]'") from None
        if urlsplit(url).scheme not in {"http", "https"}:
            raise Invalid("TONGBAN_TIMESTAMP_URL is no http address", hint="give the authority's RFC 3161 address")
        try:
            self._roots = roots.read_bytes()
        except OSError as error:
            raise Unavailable(f"{roots} cannot be read: {error.strerror}", hint="set TONGBAN_TIMESTAMP_ROOTS") from None
        self.ledger, self.url, self.every = ledger, url, every

    def round(self) -> None:
        """Stamp if it is time. Raises OSError or `Unprocessable` when the authority fails; try again later."""
        now = self.ledger.clock()
        with self.ledger.database.reading() as tx:
            newest, last = store.checkpoint(tx), store.last_timestamp(tx)
        if newest is None or (last is not None and (last[0] == newest.size or now - moment(last[1]) < self.every)):
            return
        token = self.stamp(signed_text(newest.note))
        with self.ledger.database.transaction() as tx:
            store.add_timestamp(tx, newest.size, stamp(now), token)

    def stamp(self, text: bytes) -> bytes:
        """A verified RFC 3161 response (DER) over ``text``. Raises OSError, `Unprocessable`."""
        from cryptography.x509 import load_pem_x509_certificates
        from rfc3161_client import (
            HashAlgorithm,
            TimestampRequestBuilder,
            VerificationError,
            VerifierBuilder,
            decode_timestamp_response,
        )

        wanted = TimestampRequestBuilder().data(text).hash_algorithm(HashAlgorithm.SHA256).build()
        asked = urllib.request.Request(
            self.url, wanted.as_bytes(), {"Content-Type": "application/timestamp-query"}, method="POST"
        )
        with urllib.request.urlopen(asked, timeout=SECONDS) as answer:
            token: bytes = answer.read(ANSWER)
        try:
            response = decode_timestamp_response(token)
            builder = VerifierBuilder.from_request(wanted)
            for root in load_pem_x509_certificates(self._roots):
                builder = builder.add_root_certificate(root)
            builder.build().verify_message(response, text)
        except (ValueError, VerificationError) as error:
            raise Unprocessable(f"the time stamp of {self.url} does not verify: {error}") from None
        return token


def signed_text(checkpoint: str) -> bytes:
    """What is stamped: the text of the checkpoint, three lines, without signatures."""
    return f"{checkpoint.rpartition(chr(10) * 2)[0]}\n".encode()
