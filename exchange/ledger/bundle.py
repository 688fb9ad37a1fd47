"""The export: one file that proves the whole ledger offline, in which every byte counts.

    file   = "tongban-ledger-bundle/1\\n", records
    record = type (4 letters), length of body (uint32), SHA-256 of (type, length, body), body

Records in this order: HEAD (JSON: origin, vkey, size); then for each tile of 256 entries the NOTEs (signed
checkpoints whose size ends in it, smallest first), LEAF (its hashes, as ``tile/0/N``) and DATA (its entries, as
``tile/entries/N``); last SEAL, a note signed with the ledger's key over the SHA-256 of everything before it. Hashes
are kept beside the entries so that damage can be located, not only found. All integers are big-endian.
"""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from exchange.errors import Unavailable
from exchange.ledger import store
from exchange.ledger.model import Checkpoint, canonical
from exchange.ledger.tiles import WIDTH, bundle

if TYPE_CHECKING:
    from exchange.ledger.service import Ledger

MAGIC = b"tongban-ledger-bundle/1\n"


Told = Callable[[int, int], object]
"""Hears (entries so far, entries in all)."""


def write(ledger: Ledger, path: Path, told: Told = lambda _done, _all: None) -> Checkpoint:
    """Write a bundle to ``path``: under a temporary name first, so the name never stands for half a file.

    Gives the checkpoint it ends with. Raises `Unavailable` when the place cannot be written.
    """
    checkpoint = last(ledger)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
    try:
        with temporary.open("xb") as file:
            for piece in pieces(ledger, checkpoint, told):
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise Unavailable(f"{path} cannot be written: {error.strerror}", hint="choose another place") from error
    finally:
        temporary.unlink(missing_ok=True)
    return checkpoint


def last(ledger: Ledger) -> Checkpoint:
    """What a bundle of now ends with: a fresh checkpoint, cosigned by the witnesses that answer.

    An altered ledger signs nothing more, but what is there can still be exported as evidence: its newest checkpoint.
    """
    try:
        made = ledger.checkpoint()
        ledger.attest()
    except Unavailable:
        made = None
    with ledger.database.reading() as tx:
        found = store.checkpoint(tx) if made is None else store.cosigned(tx, made.size) or made
    if found is None:
        raise Unavailable("there is no checkpoint to end a bundle with", hint="see the log of the service")
    return found


def pieces(ledger: Ledger, checkpoint: Checkpoint, told: Told = lambda _done, _all: None) -> Iterator[bytes]:
    """The bytes of a bundle that ends with ``checkpoint``, tile by tile: memory does not grow with the ledger."""
    whole = hashlib.sha256()
    for piece in _unsealed(ledger, checkpoint, told):
        whole.update(piece)
        yield piece
    digest = base64.b64encode(whole.digest()).decode()
    text = f"{MAGIC.decode()}{ledger.origin}\n{checkpoint.size}\n{digest}\n"
    yield _record(b"SEAL", ledger.key.sign(text).encode())


def _unsealed(ledger: Ledger, checkpoint: Checkpoint, told: Told) -> Iterator[bytes]:
    head = {"origin": ledger.origin, "size": checkpoint.size, "vkey": ledger.vkey, "at": checkpoint.at}
    yield MAGIC + _record(b"HEAD", canonical(head))
    if checkpoint.size == 0:
        yield _record(b"NOTE", checkpoint.note.encode())
    for start in range(0, checkpoint.size, WIDTH):
        stop = min(start + WIDTH, checkpoint.size)
        with ledger.database.reading() as tx:  # a short one for each tile: a slow reader holds nothing up
            tile = b"".join(_tile(tx, start, stop))
        yield tile
        told(stop, checkpoint.size)


def _tile(tx: Connection, start: int, stop: int) -> Iterator[bytes]:
    for note in store.checkpoints(tx, start - 1 if start == 0 else start, stop):
        yield _record(b"NOTE", note.note.encode())
    entries = store.entries(tx, start, stop - start)
    # the recorded hashes where they exist: an entry altered in the table then shows in the bundle
    stored = store.tile(tx, 0, start // WIDTH) or b"".join(entry.leaf for entry in entries)
    yield _record(b"LEAF", stored[: (stop - start) * 32])
    yield _record(b"DATA", bundle(entry.data for entry in entries))


def _record(kind: bytes, body: bytes) -> bytes:
    head = kind + len(body).to_bytes(4, "big")
    return head + hashlib.sha256(head + body).digest() + body
