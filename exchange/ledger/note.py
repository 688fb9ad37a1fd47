"""Signed notes and checkpoints (C2SP signed-note, tlog-checkpoint), Ed25519 keys, tlog-proof receipts."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from exchange.errors import Unprocessable

ED25519 = 0x01
COSIGNATURE = 0x04
LIMIT = 64 * 1024
"""Largest note read, in bytes."""
PROOF = "c2sp.org/tlog-proof@v1"


@dataclass(frozen=True)
class _Named:
    """An Ed25519 key with a name; ``kind`` says what it signs."""

    kind: ClassVar[int]
    name: str
    private: Ed25519PrivateKey

    def __post_init__(self) -> None:
        check_name(self.name)

    @property
    def id(self) -> bytes:
        """Key id: what stands before each of its signatures."""
        return key_id(self.name, self.kind, self._public)

    @property
    def vkey(self) -> str:
        """Verifier key text ``<name>+<8 hex digits of key id>+<base64(type ‖ public key)>``."""
        return VerifierKey(self.name, self.id, self.kind, self._public).vkey

    @property
    def _public(self) -> bytes:
        return self.private.public_key().public_bytes_raw()


@dataclass(frozen=True)
class SigningKey(_Named):
    """A named Ed25519 key. The name of a log's key is its origin."""

    kind: ClassVar[int] = ED25519

    def sign(self, text: str) -> str:
        """The signed note of ``text`` (which ends in a newline and has no empty last line)."""
        if not text.endswith("\n") or text.endswith("\n\n") or any(ord(c) < 32 and c != "\n" for c in text):
            raise ValueError("a note is lines of text without control characters")
        blob = self.id + self.private.sign(text.encode())
        return f"{text}\n— {self.name} {base64.b64encode(blob).decode()}\n"


@dataclass(frozen=True)
class CosigningKey(_Named):
    """A witness's named Ed25519 key (C2SP tlog-cosignature, type 0x04). One for this role and no other."""

    kind: ClassVar[int] = COSIGNATURE

    def cosign(self, text: str, seconds: int) -> str:
        """The signature line: at this POSIX second ``text`` was the largest consistent tree this witness had seen."""
        signature = self.private.sign(f"cosignature/v1\ntime {seconds}\n".encode() + text.encode())
        blob = self.id + seconds.to_bytes(8, "big") + signature
        return f"— {self.name} {base64.b64encode(blob).decode()}\n"


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key as published; type 0x01 signs the text, 0x04 is a witness's timestamped cosignature."""

    name: str
    id: bytes
    type: int
    public: bytes

    @property
    def vkey(self) -> str:
        """The key as it is published."""
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(bytes([self.type]) + self.public).decode()}"

    def verify(self, text: str, signature: bytes) -> bool:
        """Whether ``signature`` (without the key id) is this key's over ``text``."""
        message = text.encode()
        if self.type == COSIGNATURE:
            if len(signature) != 72:
                return False
            seconds = int.from_bytes(signature[:8], "big")
            message, signature = f"cosignature/v1\ntime {seconds}\n".encode() + message, signature[8:]
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except InvalidSignature:
            return False
        return True


def key_id(name: str, kind: int, public: bytes) -> bytes:
    """First 4 bytes of SHA-256(name ‖ 0x0A ‖ type ‖ public key)."""
    return hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:4]


def check_name(name: str) -> None:
    """Raises `Unprocessable` for a key name with spaces, control characters or ``+``."""
    if not name or "+" in name or any(c.isspace() or ord(c) < 32 for c in name):
        raise Unprocessable(f"{name!r} cannot name a key", hint="use a URL without its scheme")


def read_vkey(text: str) -> VerifierKey:
    """Parse a verifier key. Raises `Unprocessable` when it is malformed or its id does not fit the key."""
    try:
        name, identifier, encoded = text.strip().split("+", 2)  # base64 may hold "+", a name may not
        raw = base64.b64decode(encoded, validate=True)
        check_name(name)
        known = len(raw) == 33 and raw[0] in (ED25519, COSIGNATURE)
        if known and key_id(name, raw[0], raw[1:]).hex() == identifier:
            return VerifierKey(name, bytes.fromhex(identifier), raw[0], raw[1:])
    except (ValueError, binascii.Error):
        pass  # reported below in one form for every kind of damage
    raise Unprocessable("not an Ed25519 verifier key", hint="expected <name>+<8 hex digits>+<base64>")


def open_note(note: str, keys: Iterable[VerifierKey]) -> tuple[str, frozenset[str]]:
    """Text of a note and the names of the known keys that signed it.

    Unknown (name, id) pairs are ignored; a known one that fails, or no known one, raises `Unprocessable`.
    """
    text, separator, lines = note.rpartition("\n\n")
    if not separator or not lines.endswith("\n") or len(note) > LIMIT:
        raise Unprocessable("not a signed note")
    text += "\n"
    known = {(key.name, key.id): key for key in keys}
    signers = set()
    for line in lines[:-1].split("\n"):
        name, blob = _signature(line)
        key = known.get((name, blob[:4]))
        if key is None:
            continue
        if not key.verify(text, blob[4:]):
            raise Unprocessable(f"the signature of {name} does not verify")
        signers.add(name)
    if not signers:
        raise Unprocessable("the note is not signed by any known key")
    return text, frozenset(signers)


def checkpoint_text(origin: str, size: int, root: bytes) -> str:
    """The three lines of a checkpoint."""
    return f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n"


def read_checkpoint(text: str) -> tuple[str, int, bytes]:
    """(origin, size, root) of a checkpoint's text. Raises `Unprocessable`."""
    lines = text.split("\n")
    if len(lines) >= 4 and lines[1].isascii() and lines[1].isdigit() and str(int(lines[1])) == lines[1]:
        try:
            root = base64.b64decode(lines[2], validate=True)
        except binascii.Error:
            root = b""
        if len(root) == 32 and lines[0]:
            return lines[0], int(lines[1]), root
    raise Unprocessable("not a checkpoint")


def cosignature(lines: str, text: str, key: VerifierKey) -> tuple[str, int]:
    """(line, POSIX seconds) of this witness's signature over ``text``. Raises `Unprocessable` without a valid one."""
    for line in lines.splitlines():
        name, blob = _signature(line)
        if (name, blob[:4]) == (key.name, key.id) and key.type == COSIGNATURE and key.verify(text, blob[4:]):
            return f"{line}\n", int.from_bytes(blob[4:12], "big")
    raise Unprocessable(f"there is no valid cosignature of {key.name}")


def cosigned_at(line: str) -> int:
    """The POSIX seconds a witness wrote into its signature line. Raises `Unprocessable` for another line."""
    return int.from_bytes(_signature(line.strip())[1][4:12], "big")


def proof_text(index: int, path: Sequence[bytes], checkpoint: str) -> str:
    """A self-contained ``tlog-proof``: index, inclusion path (leaf's sibling first), checkpoint verbatim."""
    hashes = "".join(base64.b64encode(hashed).decode() + "\n" for hashed in path)
    return f"{PROOF}\nindex {index}\n{hashes}\n{checkpoint}"


def _signature(line: str) -> tuple[str, bytes]:
    dash, _, rest = line.partition(" ")
    name, _, encoded = rest.partition(" ")
    try:
        blob = base64.b64decode(encoded, validate=True)
    except (ValueError, binascii.Error):
        blob = b""
    if dash != "—" or not name or len(blob) < 5:
        raise Unprocessable("a signature line of the note is malformed")
    return name, blob
