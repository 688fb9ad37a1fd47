"""The ledger's values: an entry is canonical JSON; its leaf is RFC 6962; no personal data ever enters one."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import rfc8785

from exchange.clock import stamp
from exchange.errors import Unprocessable

MAXIMUM_BYTES = 65_535
"""The uint16 length prefix of tlog-tiles caps an entry."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of evidence. ``index`` counts from 0 without gaps; ``data`` is what is hashed."""

    index: int
    kind: str
    at: str
    data: bytes

    @property
    def leaf(self) -> bytes:
        """RFC 6962 §2.1: SHA-256(0x00 ‖ entry)."""
        return hashlib.sha256(b"\x00" + self.data).digest()


def encode(kind: str, at: datetime, body: Mapping[str, Any]) -> bytes:
    """RFC 8785 canonical JSON of an entry. Raises `Unprocessable` above 65,535 bytes."""
    data = rfc8785.dumps({"kind": kind, "version": 1, "at": stamp(at), **body})
    if len(data) > MAXIMUM_BYTES:
        raise Unprocessable(
            f"a ledger entry of {len(data)} bytes is over the limit of {MAXIMUM_BYTES}",
            hint="put large content into a payload and its commitment into the entry",
        )
    return data


def commitment(value: bytes, salt: bytes) -> str:
    """Salted commitment (HMAC-SHA-256, hex) that stands in an entry for a value kept in an erasable payload."""
    return hmac.new(salt, value, hashlib.sha256).hexdigest()
