"""A witness (C2SP tlog-witness): remembers the largest tree of each log it saw and signs only what extends that.

It sees hashes and signatures, never an entry. Run by somebody other than the ledger's operator, it makes a rollback and
a split view visible: a ledger that was turned back gets no further signature, and its witness says why.
"""

from __future__ import annotations

import base64
import binascii
import fcntl
import hashlib
import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from exchange.errors import Unprocessable
from exchange.ledger import note, tree

LIMIT = note.LIMIT + 64 * 45 + 64
"""Largest request read: 63 hashes, a line with a number, and a note."""
TEXT, SIZE = "text/plain; charset=utf-8", "text/x.tlog.size"


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, body and type of an answer to ``add-checkpoint``."""

    status: int
    body: str
    type: str = TEXT


class Witness:
    """One witness over several logs, known by their verifier keys; its state is a file a log in ``folder``."""

    def __init__(
        self,
        folder: Path,
        key: note.CosigningKey,
        logs: Iterable[note.VerifierKey],
        seconds: Callable[[], float],
    ) -> None:
        """``seconds`` is the POSIX time; ``logs`` whose checkpoints are looked at, by the name of their key."""
        self.key = key
        self._folder = folder
        self._logs = {log.name: log for log in logs}
        self._seconds = seconds
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def kept(self, origin: str) -> str | None:
        """The newest checkpoint of a log that was cosigned, with the cosignature; None before the first."""
        try:
            return self._place(origin).read_text()
        except FileNotFoundError:
            return None

    def add_checkpoint(self, body: bytes) -> Answer:
        """Judge a submission; a new state is on disk before the cosignature is given."""
        try:
            old, proof, submitted = _read(body)
            origin, size, root = note.read_checkpoint(submitted.rpartition("\n\n")[0] + "\n")
        except Unprocessable as error:
            return Answer(400, f"{error.detail}\n")
        log = self._logs.get(origin)
        if log is None:
            return Answer(404, "this witness does not know the log\n")
        try:
            text, _ = note.open_note(submitted, [log])
        except Unprocessable as error:
            return Answer(403, f"{error.detail}\n")
        if old > size:
            return Answer(400, "the old size is larger than the checkpoint\n")
        with self._alone():
            known, known_root = self._known(origin, log)
            if old != known or (size == known and root != known_root):
                return Answer(409, f"{known}\n", SIZE)
            if known and not tree.consistent(known, known_root, size, root, proof):
                return Answer(422, "the proof does not show that this tree extends the one seen before\n")
            if not known and proof:
                return Answer(422, "a first submission has no proof\n")
            line = self.key.cosign(text, int(self._seconds()))
            _keep(self._place(origin), f"{_only(submitted, log)}{line}")
        return Answer(200, line)

    def _known(self, origin: str, log: note.VerifierKey) -> tuple[int, bytes]:
        kept = self.kept(origin)
        if kept is None:
            return 0, tree.EMPTY
        _, size, root = note.read_checkpoint(note.open_note(kept, [log])[0])
        return size, root

    def _place(self, origin: str) -> Path:
        return self._folder / f"{hashlib.sha256(origin.encode()).hexdigest()}.checkpoint"

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Reading, judging and keeping are one step, among the threads of this process and others on the folder."""
        with (self._folder / "lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield


def request(old: int, proof: Iterable[bytes], checkpoint: str) -> bytes:
    """The body of an ``add-checkpoint`` request."""
    hashes = "".join(base64.b64encode(hashed).decode() + "\n" for hashed in proof)
    return f"old {old}\n{hashes}\n{checkpoint}".encode()


def _read(body: bytes) -> tuple[int, list[bytes], str]:
    """(old size, proof, checkpoint) of a request. Raises `Unprocessable`."""
    try:
        head, gap, checkpoint = body.decode().partition("\n\n")
        first, *hashes = head.split("\n")
        word, _, number = first.partition(" ")
        proof = [base64.b64decode(line, validate=True) for line in hashes]
    except (UnicodeDecodeError, binascii.Error, ValueError):
        raise Unprocessable("the request is not text with base64 hashes") from None
    sound = number.isascii() and number.isdecimal() and len(number) < 20 and str(int(number)) == number
    if word != "old" or not gap or not sound or len(proof) > 63 or any(len(hashed) != 32 for hashed in proof):
        raise Unprocessable("the request is not: old <size>, at most 63 hashes, an empty line, a checkpoint")
    return int(number), proof, checkpoint


def _only(submitted: str, log: note.VerifierKey) -> str:
    """The note with the log's own signature and no other."""
    text, _, lines = submitted.rpartition("\n\n")
    mine = [line for line in lines.splitlines() if line.startswith(f"— {log.name} ")]
    return f"{text}\n\n" + "".join(f"{line}\n" for line in mine)


def _keep(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
    try:
        with temporary.open("x") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)  # the new name, too, survives a power cut
        finally:
            os.close(folder)
    finally:
        temporary.unlink(missing_ok=True)
