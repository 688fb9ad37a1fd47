"""The ledger: evidence appended in the transaction it proves, then sealed by signed checkpoints."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection

from exchange.clock import Clock, stamp
from exchange.database import Database
from exchange.errors import Conflict, NotFound, Unavailable
from exchange.ledger import guard, note, soundness, store, tree
from exchange.ledger.batch import Batch, Draft, Tail
from exchange.ledger.model import Checkpoint, Entry, Payload
from exchange.ledger.subjects import SubjectKeys
from exchange.ledger.tiles import WIDTH, Tiles, Trees, bundle

__all__ = ["Draft", "Ledger", "guard"]  # guard: importing the ledger installs the triggers


class Ledger:
    """One append-only log per service. Its methods are safe to call from any thread and process."""

    def __init__(
        self,
        database: Database,
        key: Ed25519PrivateKey,
        origin: str,
        index_keys: bytes | SubjectKeys,
        clock: Clock,
        random: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        """``index_keys`` (one of 32 bytes, or all so far) key the subject index; ``random`` gives salts."""
        self.database = database
        self.key = note.SigningKey(origin, key)
        self.origin = origin
        self.seal: Callable[[], Checkpoint] = self.checkpoint
        self.subjects = SubjectKeys((index_keys,)) if isinstance(index_keys, bytes) else index_keys
        self.attest: Callable[[], object] = lambda: None
        self.distrusted: Unavailable | None = None
        self.clock = clock
        self._trees: Trees = {}
        self._tail = Tail()
        self._random = random

    @property
    def vkey(self) -> str:
        """The public key in C2SP form; publish it where the operator cannot change it silently."""
        return self.key.vkey

    # ---- writing

    def append(
        self,
        tx: Connection,
        kind: str,
        body: Mapping[str, Any],
        *,
        subjects: Sequence[str] = (),
        payload: Mapping[str, Any] | None = None,
    ) -> Entry:
        """Write one entry in the caller's transaction: it commits with the state change or not at all.

        ``subjects`` are citizen numbers; only a keyed hash of each is kept. ``payload`` is erasable: the entry
        holds its salted commitment as ``payload``. Raises `Unprocessable` for an entry that is too large or holds
        a citizen number.
        """
        return self.append_all(tx, [Draft(kind, body, subjects, payload)])[0]

    def append_all(self, tx: Connection, drafts: Sequence[Draft]) -> list[Entry]:
        """Write several entries at once; a batch shares one pass over the head."""
        if not drafts:
            return []
        return Batch(tx, self.clock, self._random, self.subjects, self._tail).write(drafts)

    def erase(self, tx: Connection, index: int, reason: str) -> Entry:
        """Forget an entry's payload and record that: the tree stays valid. Raises `NotFound`, `Conflict`."""
        payload = self.payload(tx, index)
        if payload.data is None:
            raise Conflict(f"the payload of entry {index} was erased before")
        store.erase(tx, index)
        return self.append(tx, "payload.erased", {"of": index, "reason": reason})

    # ---- reading

    def size(self) -> int:
        """Number of entries."""
        with self.database.reading() as tx:
            head = store.head(tx)
        return head.size if head else 0

    def behind(self) -> int:
        """Number of entries not yet under a checkpoint."""
        with self.database.reading() as tx:
            head, last = store.head(tx), store.checkpoint(tx)
        return (head.size if head else 0) - (last.size if last else 0)

    def entry(self, index: int) -> Entry:
        """One entry. Raises `NotFound`."""
        with self.database.reading() as tx:
            found = store.entries(tx, index, 1) if index >= 0 else []
        if not found or found[0].index != index:
            raise NotFound(f"there is no ledger entry {index}")
        return found[0]

    def entries(
        self,
        after: int | None = None,
        limit: int = 100,
        kind: str | None = None,
        *,
        before: int | None = None,
        subject: str | None = None,
        newest_first: bool = False,
        tx: Connection | None = None,
    ) -> list[Entry]:
        """Entries by index; ``kind`` also finds its sub-kinds; ``subject`` is a citizen number."""
        tags = None if subject is None else self.subjects.tags(subject)
        with self._in(tx) as inner:
            return store.search(
                inner,
                after=after,
                before=before,
                limit=limit,
                kind=kind,
                subjects=tags,
                newest_first=newest_first,
            )

    def payload(self, tx: Connection, index: int) -> Payload:
        """Erasable data of an entry, None once erased. Raises `NotFound` when it never had any."""
        with self._in(tx) as inner:
            found = store.payload(inner, index)
        if found is None:
            raise NotFound(f"ledger entry {index} has no payload")
        return found

    # ---- sealing and proving

    def checkpoint(self) -> Checkpoint:
        """Sign the present head, unless the newest checkpoint covers it. Not for the path of a request.

        Raises `Unavailable` when the tree does not extend the newest checkpoint, or a witness has seen another one:
        then nothing more is signed.
        """
        if self.distrusted is not None:
            raise self.distrusted
        with self.database.reading() as tx:
            # most calls of an idle service end here, without holding up any writer
            head_now, last = store.head(tx), store.checkpoint(tx)
        if head_now is not None and last is not None and (last.size, last.root) == (head_now.size, head_now.root):
            return last
        with self.database.transaction() as tx:
            head = store.locked(tx) or store.start(tx, tree.EMPTY)
            last = store.checkpoint(tx)
            if last is not None and (last.size, last.root) == (head.size, head.root):
                return last  # another worker was quicker
            soundness.compare(Tiles(tx), head, last)
            text = note.checkpoint_text(self.origin, head.size, head.root)
            made = Checkpoint(head.size, head.root, stamp(self.clock()), self.key.sign(text))
            store.add_checkpoint(tx, made)
        return made

    def latest(self) -> Checkpoint:
        """The newest checkpoint; makes the first one if there is none."""
        with self.database.reading() as tx:
            found = store.checkpoint(tx)
        return found or self.seal()

    def proof(self, index: int) -> str:
        """Receipt of an entry (C2SP tlog-proof) under the newest checkpoint, a cosigned one if it covers the entry.

        An entry that is newer than all of them is waited for.

        Raises `NotFound` for an index that was never written.
        """
        for attempt in (1, 2):
            with self.database.reading() as tx:
                head, checkpoint = store.head(tx), store.checkpoint(tx)
                if not 0 <= index < (head.size if head else 0):
                    raise NotFound(f"there is no ledger entry {index}")
                checkpoint = store.cosigned(tx, index + 1) or checkpoint
                if checkpoint is not None and checkpoint.size > index:
                    path = tree.inclusion(index, checkpoint.size, Tiles(tx, self._trees).node)
                    return note.proof_text(index, path, checkpoint.note)
            if attempt == 1:
                self.seal()
        # the service is stopping: its last checkpoint comes, but not for us
        raise Unavailable(f"entry {index} is not under a checkpoint yet", hint="try again")

    def consistency(self, old: int, size: int) -> list[bytes]:
        """Hashes proving that the tree of ``size`` extends that of ``old``. Raises `NotFound` outside the tree."""
        with self.database.reading() as tx:
            head = store.head(tx)
            if not 0 < old <= size <= (head.size if head else 0):
                raise NotFound(f"no consistency proof from {old} to {size}", hint="0 < old <= new <= tree size")
            return tree.consistency(old, size, Tiles(tx, self._trees).node)

    def tile(self, level: int, n: int, width: int = WIDTH) -> bytes:
        """Hashes of a tile (tlog-tiles), 32 bytes each. Raises `NotFound`."""
        with self.database.reading() as tx:
            return Tiles(tx).tile(level, n, width)

    def entry_tile(self, n: int, width: int = WIDTH) -> bytes:
        """Entry bundle ``n``: ``width`` entries, each behind its uint16 length. Raises `NotFound`."""
        with self.database.reading() as tx:
            found = store.entries(tx, n * WIDTH, width)
        if len(found) < width:
            raise NotFound("no such tile", hint="the tree is not that large yet")
        return bundle(entry.data for entry in found)

    def export(self, path: Path, told: Callable[[int, int], object] = lambda _done, _all: None) -> Checkpoint:
        """Write everything up to a fresh checkpoint as one bundle; `exchange.ledger.verify` proves it offline."""
        from exchange.ledger.bundle import write  # here, because bundle needs this module

        return write(self, path, told)

    def check(self, *, deep: bool = False) -> None:
        """Compare entries, tiles, head and newest checkpoint; ``deep`` hashes every entry again.

        Raises `Unavailable` on any mismatch: a service must not run on a record that was altered.
        """
        with self.database.reading() as tx:
            soundness.check(tx, self.key, deep=deep)

    @contextmanager
    def _in(self, tx: Connection | None) -> Iterator[Connection]:
        if tx is None:
            with self.database.reading() as own:
                yield own
        else:
            yield tx
