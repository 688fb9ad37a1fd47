"""Growing the tree: entries of one transaction are gathered in memory and written together at its end.

A writer pays for the head and for a tile once a transaction, however many entries the transaction brings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from exchange.clock import Clock, stamp
from exchange.ledger import store, tree
from exchange.ledger.model import Entry, Payload, canonical, commitment, encode
from exchange.ledger.subjects import SubjectKeys
from exchange.ledger.tiles import WIDTH, Tiles

SALT = 32
"""Bytes of the salt of one payload's commitment."""


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry before it has its place. ``subjects`` are citizen numbers, ``payload`` erasable data."""

    kind: str
    body: Mapping[str, Any]
    subjects: Sequence[str] = ()
    payload: Mapping[str, Any] | None = field(default=None)


@dataclass(slots=True)
class Tail:
    """Leaf hashes, joined, of the tile that is not full yet, in the tree with this root: kept from one transaction to
    the next, they need not be made of the entries again when it is full. One that was rolled back fits no later tree.
    """

    root: bytes = b""
    hashes: bytes = b""


class Batch:
    """Entries on their way into one transaction. The head is locked from the first of them to the commit."""

    def __init__(
        self, tx: Connection, clock: Clock, random: Callable[[int], bytes], subjects: SubjectKeys, tail: Tail
    ) -> None:
        self._tx, self._at, self._random, self._keys = tx, stamp(clock()), random, subjects
        head = store.locked(tx) or store.start(tx, tree.EMPTY)
        self._before, self._tail = head.root, tail
        self._first, self._frontier = head.size, tree.unpack(head.frontier)
        self._leaves: list[bytes] = []
        self._payloads: list[Payload] = []
        self._salts = b""
        self._subjects: list[tuple[bytes, int]] = []

    def write(self, drafts: Sequence[Draft]) -> list[Entry]:
        """Give every draft its place and write entries, head and every tile that became full.

        Raises `Unprocessable` as `encode` does; then nothing was written.
        """
        # one question for all salts: each gives up the interpreter's lock, and whoever takes it keeps it for a while
        self._salts = self._random(SALT * sum(draft.payload is not None for draft in drafts))
        entries = [self._placed(draft) for draft in drafts]
        head = store.Head(self._size, b"".join(self._frontier), tree.root(self._frontier))
        store.add(self._tx, entries, head)
        store.add_payloads(self._tx, self._payloads)
        store.add_subjects(self._tx, self._subjects, self._keys.generation)
        self._keep_tiles(head.root)
        return entries

    def _keep_tiles(self, root: bytes) -> None:
        """Store the tiles that became full, and remember the leaves of the one that did not."""
        start, tail, full = self._first - self._first % WIDTH, self._tail, self._size - self._size % WIDTH
        known = tail.root == self._before or start == self._first
        hashes = tail.hashes if tail.root == self._before else b""
        if full > start and not known:
            hashes, known = store.leaves(self._tx, start, self._first - start), True
        hashes += b"".join(self._leaves)
        for at in range(start, full, WIDTH):
            begin = (at - start) * 32
            _keep_tile(self._tx, 0, at // WIDTH, hashes[begin : begin + WIDTH * 32])
        tail.root, tail.hashes = (root, hashes[(max(full, start) - start) * 32 :]) if known else (b"", b"")

    @property
    def _size(self) -> int:
        return self._first + len(self._leaves)

    def _placed(self, draft: Draft) -> Entry:
        index, mark = self._size, None
        if draft.payload is not None:
            at = SALT * len(self._payloads)
            data, salt = canonical(draft.payload), self._salts[at : at + SALT]
            self._payloads.append(Payload(index, salt, data))
            mark = commitment(data, salt)
        entry = Entry(index, draft.kind, self._at, encode(draft.kind, self._at, index, draft.body, mark))
        if draft.subjects:
            tags = sorted({self._keys.tag(subject) for subject in draft.subjects})
            self._subjects += [(tag, index) for tag in tags]
        leaf = entry.leaf
        tree.push(index, self._frontier, leaf)
        self._leaves.append(leaf)
        return entry


def _keep_tile(tx: Connection, level: int, n: int, hashes: bytes) -> None:
    store.add_tile(tx, level, n, hashes, tree.root_of(tree.unpack(hashes)))
    if (n + 1) % WIDTH == 0:
        _keep_tile(tx, level + 1, n // WIDTH, Tiles(tx).tile(level + 1, n // WIDTH))
