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


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry before it has its place. ``subjects`` are citizen numbers, ``payload`` erasable data."""

    kind: str
    body: Mapping[str, Any]
    subjects: Sequence[str] = ()
    payload: Mapping[str, Any] | None = field(default=None)


@dataclass(slots=True)
class State:
    """Where a batch stands: the tree with everything added so far, and what of it is not yet written."""

    size: int
    frontier: list[bytes]
    entries: list[Entry] = field(default_factory=list)
    leaves: list[bytes] = field(default_factory=list)
    payloads: list[Payload] = field(default_factory=list)
    subjects: list[tuple[bytes, int]] = field(default_factory=list)

    def copy(self) -> State:
        """The same, sharing no list."""
        return State(
            self.size,
            [*self.frontier],
            [*self.entries],
            [*self.leaves],
            [*self.payloads],
            [*self.subjects],
        )


class Batch:
    """Entries on their way into one transaction. The head is locked from the first of them to the commit."""

    def __init__(self, tx: Connection, clock: Clock, random: Callable[[int], bytes], subjects: SubjectKeys) -> None:
        self._tx, self._clock, self._random, self._subjects = tx, clock, random, subjects
        head = store.head(tx, lock=True) or store.start(tx, tree.EMPTY)
        self._now = State(head.size, tree.unpack(head.frontier))

    def add(self, drafts: Sequence[Draft]) -> list[Entry]:
        """Give every draft its place. Raises `Unprocessable` as `encode` does; then nothing of it was added."""
        before, at, first = self.mark(), stamp(self._clock()), len(self._now.entries)
        try:
            for draft in drafts:
                self._add(draft, at)
        except BaseException:
            self.back_to(before)
            raise
        return self._now.entries[first:]

    def mark(self) -> State:
        """Where the batch stands, to go back to it."""
        return self._now.copy()

    def back_to(self, mark: State) -> None:
        """Forget what was added since ``mark``; what was written since then, a savepoint has taken back."""
        self._now = mark

    def write(self) -> None:
        """Write what was added since the last time: entries, head and every tile that became full."""
        now = self._now
        if not now.entries:
            return
        head = store.Head(now.size, b"".join(now.frontier), tree.root(now.frontier))
        store.add(self._tx, now.entries, head)
        store.add_payloads(self._tx, now.payloads)
        store.add_subjects(self._tx, now.subjects, self._subjects.generation)
        _keep_tiles(self._tx, now.size - len(now.leaves), now.leaves)
        self._now = State(now.size, now.frontier)

    def _add(self, draft: Draft, at: str) -> None:
        now = self._now
        index, mark = now.size, None
        if draft.payload is not None:
            data, salt = canonical(draft.payload), self._random(32)
            now.payloads.append(Payload(index, salt, data))
            mark = commitment(data, salt)
        entry = Entry(index, draft.kind, at, encode(draft.kind, at, index, draft.body, mark))
        if draft.subjects:
            now.subjects += [
                (tag, index) for tag in sorted({self._subjects.tag(subject) for subject in draft.subjects})
            ]
        leaf = entry.leaf
        tree.push(index, now.frontier, leaf)
        now.entries.append(entry)
        now.leaves.append(leaf)
        now.size = index + 1


def _keep_tiles(tx: Connection, first: int, leaves: Sequence[bytes]) -> None:
    """Store the tiles that ``leaves``, from index ``first`` on, have filled."""
    for n in range(first // WIDTH, (first + len(leaves)) // WIDTH):
        start = n * WIDTH
        older = store.leaves(tx, start, first - start) if start < first else b""
        begin = max(start - first, 0)
        _keep_tile(tx, 0, n, older + b"".join(leaves[begin : begin + WIDTH - len(older) // 32]))


def _keep_tile(tx: Connection, level: int, n: int, hashes: bytes) -> None:
    store.add_tile(tx, level, n, hashes, tree.root_of(tree.unpack(hashes)))
    if (n + 1) % WIDTH == 0:
        _keep_tile(tx, level + 1, n // WIDTH, Tiles(tx).tile(level + 1, n // WIDTH))
