"""Secrets of one service, in its data folder: made once, readable by its owner only."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from exchange.errors import Unavailable


class Keys:
    """The folder ``keys`` of a data folder. One key per purpose: ledger, tokens, certificates, …"""

    def __init__(self, home: Path) -> None:
        self._folder = home / "keys"

    def signing(self, name: str) -> Ed25519PrivateKey:
        """The Ed25519 key of this name (PKCS #8). Raises `Unavailable` when unreadable or exposed."""
        data = self._kept(f"{name}.pem", _new_pem)
        try:
            key = load_pem_private_key(data, password=None)
        except ValueError:
            key = None
        if not isinstance(key, Ed25519PrivateKey):
            raise Unavailable(f"{self._folder / name}.pem is not an Ed25519 key", hint="restore it from your backup")
        return key

    def secret(self, name: str) -> bytes:
        """The 32 random bytes of this name. Raises `Unavailable` when they are unreadable or exposed."""
        data = self._kept(f"{name}.key", lambda: secrets.token_bytes(32))
        if len(data) != 32:
            raise Unavailable(f"{self._folder / name}.key is damaged", hint="restore it from your backup")
        return data

    def secrets(self, name: str) -> tuple[bytes, ...]:
        """All secrets of a name that is exchanged now and then, oldest first: ``name.key``, ``name.2.key``, …"""
        found = [self.secret(name)]
        while (self._folder / f"{name}.{len(found) + 1}.key").exists():
            found.append(self.secret(f"{name}.{len(found) + 1}"))
        return tuple(found)

    def renew(self, name: str) -> tuple[bytes, ...]:
        """Make one more secret of this name; gives all of them."""
        self.secret(f"{name}.{len(self.secrets(name)) + 1}")
        return self.secrets(name)

    def _kept(self, name: str, make: Callable[[], bytes]) -> bytes:
        path = self._folder / name
        try:
            if not path.exists():
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                _create(path, make())
            if stat.S_IMODE(path.stat().st_mode) & 0o077:
                raise Unavailable(f"{path} can be read by others", hint=f"chmod 600 {path}")
            return path.read_bytes()
        except OSError as error:
            raise Unavailable(f"{path} cannot be used: {error.strerror}", hint="check TONGBAN_HOME") from error


def _create(path: Path, data: bytes) -> None:
    # Written whole under another name, then linked: a link fails when the name exists, so of two workers that
    # start together one wins and both read the same key; a crash leaves no half-written key.
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(temporary, path)
        except FileExistsError:
            return
    finally:
        temporary.unlink()


def _new_pem() -> bytes:
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
