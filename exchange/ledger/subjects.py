"""The keyed index of persons: finds a citizen's entries without the number being stored, and outlives its keys.

A person's *tag* is HMAC-SHA-256(key, number). Whoever learns a key could try all numbers against the table, so keys are
exchanged: new entries are tagged with the newest key, and older tags are wrapped, tag' = HMAC-SHA-256(newest, tag), for
nobody knows their numbers. From then on an older key alone tells nothing; all keys are kept, to find people.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from exchange.database import Database
from exchange.ledger import store
from exchange.ledger.model import subject_key

ROWS = 5000
"""Tags wrapped in one transaction: writers wait for about 50 ms at most."""


@dataclass(frozen=True, slots=True)
class SubjectKeys:
    """Keys of 32 bytes each, oldest first; the first is generation 1."""

    keys: tuple[bytes, ...]

    @property
    def generation(self) -> int:
        """Number of the newest key."""
        return len(self.keys)

    def tag(self, number: str) -> bytes:
        """The tag a new entry about this person gets."""
        return subject_key(number, self.keys[-1])

    def tags(self, number: str) -> list[bytes]:
        """Every tag the person's entries may stand under, whichever key was newest, and however far wrapping got."""
        found = []
        for first, key in enumerate(self.keys):
            tag = subject_key(number, key)
            found.append(tag)
            for generation in range(first + 2, self.generation + 1):
                tag = self.wrap(tag, generation)
                found.append(tag)
        return found

    def wrap(self, tag: bytes, generation: int) -> bytes:
        """A tag of the generation before, brought to this one."""
        return hmac.digest(self.keys[generation - 1], tag, "sha256")


def rewrap(database: Database, keys: SubjectKeys, told: Callable[[int], object] = lambda _done: None) -> int:
    """Bring all tags to the newest key; gives how many there were. ``told`` hears the number done so far.

    May be interrupted at any time and run again: every tag is found meanwhile, in its old form or in its new one.
    """
    done, last = 0, (-1, b"", -1)
    while True:
        with database.transaction() as tx:
            # in the order of the table: one that was wrapped may come by again, but then it is no older one
            found = store.older_subjects(tx, keys.generation, last, ROWS)
            store.move_subjects(tx, list(_moved(found, keys)), keys.generation)
        if not found:
            return done
        done, last = done + len(found), found[-1][:3]
        told(done)


def _moved(found: list[tuple[int, bytes, int, int]], keys: SubjectKeys) -> Iterator[tuple[bytes, int, bytes]]:
    for _epoch, old, index, generation in found:
        tag = old
        for newer in range(generation + 1, keys.generation + 1):
            tag = keys.wrap(tag, newer)
        yield old, index, tag
