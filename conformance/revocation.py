"""The list of certificates that were taken back: one DSSE envelope, fetched as a file, checked offline.

A list says until when it may be relied upon; an older one is refused, or a revocation could be kept from somebody
for ever by showing yesterday's list.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from conformance.envelope import CertificateError, fingerprint, opened, signed

PAYLOAD_TYPE = "application/vnd.tongban.revocations+json"
FORMAT = "https://tongban.dev/certificate-revocations/v1"


@dataclass(frozen=True, slots=True)
class Revoked:
    """One certificate taken back: its id (`certificate.certificate_id`), when (RFC 3339) and why."""

    certificate: str
    at: str
    reason: str


@dataclass(frozen=True, slots=True)
class Revocations:
    """A list as signed: `issued` and `next` are RFC 3339; after `next` it is not to be relied upon."""

    issued: str
    next: str
    revoked: tuple[Revoked, ...]

    def ids(self) -> tuple[str, ...]:
        """The ids of the certificates on it."""
        return tuple(entry.certificate for entry in self.revoked)


def publish(revoked: Iterable[Revoked], key: Ed25519PrivateKey, *, issued: datetime, until: datetime) -> dict[str, Any]:
    """The signed list as a JSON-ready dict."""
    payload = {
        "format": FORMAT,
        "issued": issued.isoformat(timespec="seconds"),
        "next": until.isoformat(timespec="seconds"),
        "revoked": [asdict(entry) for entry in revoked],
    }
    data = json.dumps(payload, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    return signed(data, PAYLOAD_TYPE, key, fingerprint(key.public_key()))


def read(document: Mapping[str, Any], public_key: Ed25519PublicKey, *, now: datetime) -> Revocations:
    """The list, or CertificateError: list-malformed · list-signature · list-stale."""
    try:
        payload = json.loads(opened(document, public_key, PAYLOAD_TYPE, "the revocation list"))
        if payload["format"] != FORMAT:
            raise ValueError(payload["format"])
        found = Revocations(payload["issued"], payload["next"], tuple(Revoked(**entry) for entry in payload["revoked"]))
        until = datetime.fromisoformat(found.next)
    except CertificateError as error:
        raise CertificateError(f"list-{error.reason}", str(error)) from None
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CertificateError("list-malformed", f"no revocation list: {error!r}") from None
    if now >= until:
        raise CertificateError(
            "list-stale", f"the revocation list may be relied upon until {found.next}: fetch a new one"
        )
    return found
