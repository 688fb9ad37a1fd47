"""The ledger's values: an entry is canonical JSON; its leaf is RFC 6962; no personal data ever enters one."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import rfc8785

from exchange import digits
from exchange.errors import Unprocessable

VERSION = 1
"""Version of the entry layout, written into every entry."""
MAXIMUM_BYTES = 65_535
"""The uint16 length prefix of tlog-tiles caps an entry."""
RESERVED = frozenset({"kind", "version", "at", "index", "payload"})
"""Members the ledger itself writes; a body may not bring them."""
_KIND = re.compile(r"[a-z][a-z0-9]*(?:[.-][a-z0-9]+)*\Z")
_DIGITS = rb"[1-9][0-9]{5}(?:18|19|20)[0-9]{2}(?:0[1-9]|1[0-2])[0-3][0-9]{4}[0-9Xx]"
_CITIZEN = re.compile(
    rb"(?<![0-9A-Za-z])" + _DIGITS + rb"(?![0-9A-Za-z])"
)  # GB 11643: division, birth, sequence, check
_TEXT = frozenset({str})
_LARGE = 2**53
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


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

    @property
    def body(self) -> dict[str, Any]:
        """The whole entry as a mapping: kind, version, at, index and what the feature wrote."""
        value: dict[str, Any] = orjson.loads(self.data)
        return value


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A signed tree head: ``note`` is the C2SP signed note, ``at`` our own clock when signing (RFC 3339)."""

    size: int
    root: bytes
    at: str
    note: str


@dataclass(frozen=True, slots=True)
class Payload:
    """Erasable data behind an entry's ``payload`` commitment; both are None once erased."""

    index: int
    salt: bytes | None
    data: bytes | None

    @property
    def value(self) -> Any:
        """The data decoded, or None once erased."""
        return None if self.data is None else orjson.loads(self.data)


def encode(kind: str, at: str, index: int, body: Mapping[str, Any], payload: str | None = None) -> bytes:
    """RFC 8785 canonical JSON of an entry; ``at`` is RFC 3339, ``payload`` the commitment to erasable data.

    Raises `Unprocessable` above 65,535 bytes or when a citizen number stands in it, ValueError for a malformed
    kind or a reserved member: those two are mistakes of the calling code, not of its user.
    """
    if not _KIND.match(kind):
        raise ValueError(f"{kind!r} is no entry kind: lower-case words joined by dots")
    if clash := RESERVED & body.keys():
        raise ValueError(f"the ledger writes {', '.join(sorted(clash))} itself")
    value = {**body, "kind": kind, "version": VERSION, "at": at, "index": index}
    if payload is not None:
        value["payload"] = payload
    data = canonical(value)
    if len(data) > MAXIMUM_BYTES:
        raise Unprocessable(
            f"a ledger entry of {len(data)} bytes is over the limit of {MAXIMUM_BYTES}",
            hint="put large content into a payload and its commitment into the entry",
        )
    for found in _CITIZEN.finditer(data) if digits.row(data, 17) else ():
        if _checks(found.group().upper()):
            raise Unprocessable(
                "a ledger entry of this kind would hold a citizen number for ever",
                hint="give it as a subject or inside an erasable payload",
                kind=kind,
            )
    return data


def canonical(value: Any) -> bytes:
    """RFC 8785 canonical JSON. Raises ValueError for NaN and the like, `Unprocessable` for text that is no Unicode."""
    try:
        if _plain(value):
            return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
        data: bytes = rfc8785.dumps(value)
        return data
    except (rfc8785.CanonicalizationError, TypeError) as error:
        if "surrogate" in str(error) or "codepoints" in str(error):
            raise Unprocessable("text holds half a character", hint="send well-formed Unicode") from None
        raise


def commitment(value: bytes, salt: bytes) -> str:
    """Salted commitment (HMAC-SHA-256, hex) that stands in an entry for erasable data."""
    return hmac.digest(salt, value, "sha256").hex()


def subject_key(subject: str, key: bytes) -> bytes:
    """Keyed index of a person (HMAC-SHA-256): finds their entries without storing the citizen number."""
    return hmac.digest(key, subject.strip().upper().encode(), "sha256")


def _plain(value: Any) -> bool:
    # The fast encoder equals RFC 8785 only without floats, within ±2^53, with ASCII keys; a test compares.
    # The hottest lines of a batch: entries are flat and nearly all text, so only what is no text is looked at singly.
    if isinstance(value, dict):
        if not {*map(type, value)} <= _TEXT or not "".join(value).isascii():
            return False
        value = value.values()
    elif not isinstance(value, list | tuple):
        return isinstance(value, str) or value is None or (isinstance(value, int) and -_LARGE < value < _LARGE)
    for item in [item for item in value if type(item) is not str]:
        if not (type(item) is int and -_LARGE < item < _LARGE) and not _plain(item):
            return False
    return True


def _checks(number: bytes) -> bool:
    total = sum(weight * digit for weight, digit in zip(_WEIGHTS, (b - 48 for b in number[:17]), strict=True))
    return b"10X98765432"[total % 11] == number[17]
