"""Secrets of one service, in its data folder: made once, readable by its owner only."""

from __future__ import annotations

import os
import secrets
import stat
import time
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

    def ring(self, name: str) -> Ring:
        """The signing keys of this name, which can be renewed while every process goes on."""
        self.signing(name)
        return Ring(self, self._folder, name)

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

    def make(self, name: str) -> None:
        """A fresh Ed25519 key under a name that is not there yet; nothing happens when another process was faster."""
        self._kept(f"{name}.pem", _new_pem)

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


class Ring:
    """Signing keys of one purpose, oldest first: the newest signs, all of them verify.

    The files are ``<name>.pem``, ``<name>.2.pem``, ``<name>.3.pem`` and so on. Every process looks at the folder
    before it trusts what it read, so that a key that was added signs, and one that was taken away ends, at once in
    all of them.
    """

    def __init__(self, keys: Keys, folder: Path, name: str) -> None:
        self._keys, self._folder, self._name = keys, folder, name
        self._read: tuple[int, tuple[Ed25519PrivateKey, ...]] = (-1, ())

    def __call__(self) -> tuple[Ed25519PrivateKey, ...]:
        """The keys there are now. Raises `Unavailable` when one is unreadable or exposed."""
        changed = self._folder.stat().st_mtime_ns
        seen, found = self._read
        if changed != seen:
            found = tuple(self._keys.signing(stem) for _, stem in self._stems())
            if not found:
                raise Unavailable(f"{self._folder / self._name}.pem is gone", hint="restore it from your backup")
            # a folder changed a moment ago may change again within one tick of its clock: look once more next time
            settled = time.time_ns() - changed > SETTLED
            self._read = (changed if settled else -1, found)
        return found

    def renew(self, at_once: bool, overlap: float) -> None:
        """Make a new key; take away those that were replaced ``overlap`` seconds ago or, ``at_once``, all others."""
        stems = self._stems()
        number = stems[-1][0] + 1 if stems else 1
        self._keys.make(f"{self._name}.{number}")
        made = {stem: (self._folder / f"{stem}.pem").stat().st_mtime for _, stem in stems}
        for (_, stem), (_, newer) in zip(stems, [*stems[1:], (number, "")], strict=True):
            # a key was replaced when the next one was made
            if at_once or (newer and time.time() - made[newer] > overlap):
                (self._folder / f"{stem}.pem").unlink(missing_ok=True)

    def _stems(self) -> list[tuple[int, str]]:
        found = []
        for path in self._folder.glob(f"{self._name}*.pem"):
            number = path.stem.removeprefix(self._name).removeprefix(".") or "1"
            if number.isdecimal() and path.stem in {self._name, f"{self._name}.{number}"}:
                found.append((int(number), path.stem))
        return sorted(found)


SETTLED = 50_000_000
"""Nanoseconds after which a folder's time of change is trusted to show the next change."""


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
