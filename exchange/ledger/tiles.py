"""Tiles of the tree (C2SP tlog-tiles): their names, their bytes, and reading subtree roots out of them.

A tile of level L holds up to 256 hashes; those of level 0 are leaf hashes, each at level L+1 is the root of a
full tile of level L. Full tiles are stored once; a partial one (width 1–255) is computed when somebody asks for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from sqlalchemy import Connection

from exchange.errors import NotFound
from exchange.ledger import store, tree

WIDTH = 256
_PATH = re.compile(r"(?:x[0-9]{3}/)*[0-9]{3}(?:\.p/(?:[1-9][0-9]{0,2}))?\Z")


def path(n: int) -> str:
    """A tile's number in groups of three digits, all but the last with ``x``: 1234067 → ``x001/x234/067``."""
    groups = [f"{n % 1000:03d}"]
    while n := n // 1000:
        groups.append(f"x{n % 1000:03d}")
    return "/".join(reversed(groups))


def read_path(text: str) -> tuple[int, int]:
    """(number, width) from ``x001/234`` or ``x001/234.p/112``. Raises `NotFound` for any other form."""
    if not _PATH.match(text):
        raise NotFound("no such tile", hint="names are like x001/234 or x001/234.p/112")
    name, _, partial = text.partition(".p/")
    number, width = int(name.replace("x", "").replace("/", "")), int(partial or WIDTH)
    if width > WIDTH or (partial and width == WIDTH) or path(number) != name:
        raise NotFound("no such tile", hint="names are like x001/234 or x001/234.p/112")
    return number, width


def bundle(entries: Iterable[bytes]) -> bytes:
    """An entry bundle: each entry behind its big-endian uint16 length."""
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


class Tiles:
    """Reads tiles and subtree roots inside one transaction; it keeps what it read, so make one per use."""

    def __init__(self, tx: Connection) -> None:
        self.tx = tx
        self._kept: dict[tuple[int, int], bytes] = {}

    def tile(self, level: int, n: int, width: int = WIDTH) -> bytes:
        """``width`` hashes of tile (level, n), 32 bytes each. Raises `NotFound` beyond the tree."""
        hashes = self._kept.get((level, n), b"")
        if len(hashes) < width * 32:
            hashes = self._kept[level, n] = store.tile(self.tx, level, n) or self._partial(level, n)
        if len(hashes) < width * 32:
            raise NotFound("no such tile", hint="the tree is not that large yet")
        return hashes[: width * 32]

    def node(self, level: int, n: int) -> bytes:
        """Root of the full subtree over leaves n·2^level … (n+1)·2^level − 1."""
        depth = level % 8
        first = (n << depth) % WIDTH
        hashes = self.tile(level // 8, (n << depth) // WIDTH, first + (1 << depth))[first * 32 :]
        return tree.root_of([hashes[at : at + 32] for at in range(0, len(hashes), 32)])

    def root(self, size: int) -> bytes:
        """Root of the tree over the first ``size`` leaves."""
        return tree.root([self.node(level, n) for level, n in tree.frontier_nodes(size)])

    def _partial(self, level: int, n: int) -> bytes:
        if level == 0:
            return b"".join(entry.leaf for entry in store.entries(self.tx, n * WIDTH, WIDTH))
        return b"".join(store.tile_roots(self.tx, level - 1, n * WIDTH, WIDTH))
