"""A large body on its way: kept on disk beyond a megabyte, hashed as it comes, given on in pieces."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator

KEPT = 1024 * 1024
"""Bytes held in memory; more goes to a file without a name, which is gone when it is closed or the process ends."""
PIECE = 256 * 1024


class Spool:
    """Bytes that were received whole and have not left yet: their receipt is written in between."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=KEPT)  # noqa: SIM115  # closed by `close`
        self._hash = hashlib.sha256()
        self.size = 0

    def add(self, piece: bytes) -> None:
        """Take in what came next."""
        self.size += len(piece)
        self._hash.update(piece)
        self._file.write(piece)

    @property
    def sha256(self) -> str:
        """Hex digest of the whole."""
        return self._hash.hexdigest()

    def pieces(self) -> Iterator[bytes]:
        """The whole again, from its beginning."""
        self._file.seek(0)
        while piece := self._file.read(PIECE):
            yield piece

    def close(self) -> None:
        """Give up the bytes."""
        self._file.close()
