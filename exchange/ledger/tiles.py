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
_PATH = re.compile(r"(?:x[0-9]{3}/){0,4}[0-9]{3}(?:\.p/(?:[1-9][0-9]{0,2}))?\Z")


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


Trees = dict[tuple[int, int], list[list[bytes]]]
"""By (level, n) of a tile: its hashes, the roots over two of them each, over four, …"""
KEPT = 128
"""Trees kept from one use to the next, about 30 kB each."""


class Tiles:
    """Reads tiles and subtree roots inside one transaction.

    What it read it keeps in ``trees``. Hashes never change once they were committed, so proofs may share that; whoever
    doubts the tables gives none.
    """

    def __init__(self, tx: Connection, trees: Trees | None = None) -> None:
        self.tx = tx
        self._trees: Trees = {} if trees is None else trees

    def tile(self, level: int, n: int, width: int = WIDTH) -> bytes:
        """``width`` hashes of tile (level, n), 32 bytes each. Raises `NotFound` beyond the tree."""
        hashes = store.tile(self.tx, level, n) or self._partial(level, n)
        if len(hashes) < width * 32:
            raise NotFound("no such tile", hint="the tree is not that large yet")
        return hashes[: width * 32]

    def node(self, level: int, n: int) -> bytes:
        """Root of the full subtree over leaves n·2^level … (n+1)·2^level − 1. Raises `NotFound` beyond the tree."""
        depth = level % 8
        first = n << depth
        found = self._tree(level // 8, first // WIDTH)[depth]
        at = first % WIDTH >> depth
        if at >= len(found):  # the tile has grown since it was read
            self._trees.pop((level // 8, first // WIDTH), None)
            found = self._tree(level // 8, first // WIDTH)[depth]
        if at >= len(found):
            raise NotFound("no such tile", hint="the tree is not that large yet")
        return found[at]

    def root(self, size: int) -> bytes:
        """Root of the tree over the first ``size`` leaves."""
        return tree.root([self.node(level, n) for level, n in tree.frontier_nodes(size)])

    def _tree(self, level: int, n: int) -> list[list[bytes]]:
        found = self._trees.get((level, n))
        if found is None:
            if len(self._trees) >= KEPT:
                self._trees.clear()
            found = [tree.unpack(store.tile(self.tx, level, n) or self._partial(level, n))]
            for _ in range(7):
                below = found[-1]
                found.append([tree.join(below[at], below[at + 1]) for at in range(0, len(below) - 1, 2)])
            self._trees[level, n] = found
        return found

    def _partial(self, level: int, n: int) -> bytes:
        if level == 0:
            return store.leaves(self.tx, n * WIDTH, WIDTH)
        return b"".join(store.tile_roots(self.tx, level - 1, n * WIDTH, WIDTH))
