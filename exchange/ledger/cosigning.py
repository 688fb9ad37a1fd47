"""Asks witnesses to cosign checkpoints (C2SP tlog-witness), and hears from them that this ledger was turned back."""

from __future__ import annotations

import logging
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPException
from urllib.parse import urlsplit

from exchange.clock import stamp
from exchange.errors import Invalid, Unavailable, Unprocessable
from exchange.ledger import note, store, tree
from exchange.ledger.model import Checkpoint
from exchange.ledger.service import Ledger
from exchange.ledger.soundness import altered
from exchange.ledger.tiles import Tiles
from exchange.ledger.witness import request

_log = logging.getLogger(__name__)
SECONDS = 5.0
"""How long an answer of a witness is waited for."""
ANSWER = 16 * 1024


@dataclass(frozen=True, slots=True)
class Peer:
    """A witness somebody else runs: where it listens (without ``/add-checkpoint``) and its verifier key."""

    url: str
    key: note.VerifierKey


@dataclass(frozen=True, slots=True)
class Standing:
    """A witness: how many entries it has cosigned last (0: none), and what went wrong when it was last asked."""

    name: str
    vkey: str
    size: int
    trouble: str


@dataclass(frozen=True, slots=True)
class Given:
    """A cosignature: over how many entries, whose, and when by that witness's own clock."""

    size: int
    witness: str
    at: datetime


def read_peers(text: str) -> list[Peer]:
    """Witnesses from ``url vkey, url vkey``. Raises `Invalid`."""
    peers = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        url, _, vkey = part.partition(" ")
        try:
            key = note.read_vkey(vkey)
        except Unprocessable:
            key = None
        if key is None or key.type != note.COSIGNATURE or urlsplit(url).scheme not in {"http", "https"}:
            raise Invalid(
                "a witness in TONGBAN_WITNESSES cannot be read",
                hint="an address and the key that tongban witness printed, with a space; several with commas",
            )
        peers.append(Peer(url.rstrip("/"), key))
    return peers


class Cosigning:
    """The ledger's side of its witnesses. `round` is called beside the requests, never in one."""

    def __init__(self, ledger: Ledger, peers: Sequence[Peer]) -> None:
        self.ledger = ledger
        self.peers = peers
        self._silent: dict[str, str] = {}

    def round(self, *, again: bool = False) -> None:
        """Have the newest checkpoint cosigned by every witness that has not done so; ``again``: by all of them.

        Raises `Unavailable`, and the ledger signs nothing more, when a witness has seen another history than ours.
        A witness that does not answer is only told of: it is asked again in the next round.
        """
        for peer in self.peers:
            with self.ledger.database.reading() as tx:
                newest, known = store.checkpoint(tx), store.cosigned(tx, witness=peer.key.name)
            if newest is None or (known is not None and known.size == newest.size and not again):
                continue
            try:
                self._ask(peer, newest, 0 if known is None else known.size)
                self._silent.pop(peer.key.name, None)
            except (OSError, HTTPException, Unprocessable) as error:
                self._silent[peer.key.name] = str(error)
                _log.warning("the witness %s did not cosign: %s", peer.key.name, error)
            except Unavailable as error:
                _log.critical("nothing more is signed: %s", error)
                self.ledger.distrusted = error
                raise

    def standings(self) -> list[Standing]:
        """Of each witness the operator named, how far it has followed."""
        found = []
        for peer in self.peers:
            with self.ledger.database.reading() as tx:
                last = store.cosigned(tx, witness=peer.key.name)
            found.append(
                Standing(peer.key.name, peer.key.vkey, last.size if last else 0, self._silent.get(peer.key.name, ""))
            )
        return found

    def given(self, limit: int, offset: int = 0) -> tuple[list[Given], int]:
        """Cosignatures over the newest checkpoints first, and how many there are in all."""
        with self.ledger.database.reading() as tx:
            rows, total = store.cosignatures(tx, limit, offset), store.cosignature_count(tx)
        return [
            Given(size, name, datetime.fromtimestamp(note.cosigned_at(line), UTC)) for size, name, line in rows
        ], total

    def _ask(self, peer: Peer, newest: Checkpoint, old: int) -> None:
        status, body = self._sent(peer, newest, old)
        if status == 409:  # it has seen another size than we thought
            old = self._seen(peer, body)
            if old > newest.size:
                return  # another worker was quicker
            status, body = self._sent(peer, newest, old)
            if status == 409 and self._seen(peer, body) == newest.size:
                raise altered(f"the witness {peer.key.name} has seen another tree of {newest.size} entries")
        if status == 422 and old:
            raise altered(f"the {old} entries that the witness {peer.key.name} has seen are not the first ones here")
        if status != 200:
            raise Unprocessable(f"it answered {status} {body.strip()[:200]}")
        line, seconds = note.cosignature(body, f"{newest.note.rpartition(chr(10) * 2)[0]}\n", peer.key)
        _log.debug("cosigned by %s at %s", peer.key.name, seconds)
        with self.ledger.database.transaction() as tx:
            store.add_cosignature(tx, newest.size, peer.key.name, line, stamp(self.ledger.clock()))

    def _seen(self, peer: Peer, body: str) -> int:
        """The size a witness says it has seen. Raises `Unavailable` when it was never signed by this ledger."""
        text = body.strip()
        if not (text.isascii() and text.isdecimal() and len(text) < 20):
            raise Unprocessable("it answered 409 without a size")
        with self.ledger.database.reading() as tx:
            newest = store.checkpoint(tx)
        if newest is None or int(text) > newest.size:
            here = 0 if newest is None else newest.size
            raise altered(f"the witness {peer.key.name} has seen {text} entries, here are {here}")
        return int(text)

    def _sent(self, peer: Peer, newest: Checkpoint, old: int) -> tuple[int, str]:
        with self.ledger.database.reading() as tx:
            proof = tree.consistency(old, newest.size, Tiles(tx).node) if 0 < old <= newest.size else []
        asked = urllib.request.Request(
            f"{peer.url}/add-checkpoint",
            request(old, proof, newest.note),
            {"Content-Type": "text/plain"},
            method="POST",
        )
        try:
            with urllib.request.urlopen(asked, timeout=SECONDS) as answer:
                return answer.status, answer.read(ANSWER).decode("utf-8", "replace")
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read(ANSWER).decode("utf-8", "replace")
