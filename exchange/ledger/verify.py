"""Proves a ledger bundle offline, or says what was changed and where. Needs only Python ≥ 3.11 and `cryptography`.

    python verify.py BUNDLE [--vkey KEY] [--witness KEY …] [--quorum N] [--checkpoint OLD] [--receipt PROOF …] [--json]
    python verify.py --entry ENTRY --receipt PROOF --vkey KEY [--body ANSWER] [--witness KEY …] [--quorum N]

This file shares no code with the service on purpose: copy it anywhere, read it, run it. It recomputes the RFC 6962
tree from the entries, checks every signed checkpoint (C2SP tlog-checkpoint) against it, and the seal over the whole
file. The format is described in docs/ledger.md. Exit code: 0 proved, 1 not proved, 2 wrong usage, 3 no such file.

It is longer than other modules because it must be one file. It reads from the top:

    what comes out          Problem, Result
    what goes in            verify, verify_entry, read_entry
    the proof               _Run: header → checkpoints and tiles, growing the tree → seal
    reading the file        _File, _Record: records, and which byte of a damaged one was changed
    finding what was done   _differences: entries against their hashes
    trees, notes, receipts  small functions, each one sentence of a specification
    the command             main
"""

from __future__ import annotations

import argparse
import base64
import binascii
import hashlib
import hmac
import json
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

MAGIC = b"tongban-ledger-bundle/1\n"
WIDTH = 256
LIMITS = {b"HEAD": 4096, b"NOTE": 65536, b"LEAF": 64 * WIDTH, b"DATA": 2 * WIDTH * 65537, b"SEAL": 65536}
"""Largest bodies read; twice a tile, so that a tile somebody put an entry into can still be looked at."""
SECTIONS = {b"HEAD": "header", b"NOTE": "checkpoint", b"LEAF": "hashes", b"DATA": "entries", b"SEAL": "seal"}
FRAME = 40
"""Bytes of a record before its body: type, length, digest."""
REPAIRED = 2048
"""Longest item, in bytes, in which the one changed byte is looked for by trying them all (about a second)."""
MOST = 20
"""Differences named within one tile; somebody who changed more than that is not helped by a longer list."""
LOG, WITNESS = 1, 4
"""Types of keys: one that signs checkpoints, one that cosigns them with a time."""


# ---------------------------------------------------------------------------------------------------- what comes out


@dataclass(frozen=True)
class Problem:
    """What is wrong: ``section`` of the file, ``offset`` and ``length`` of the bytes it was seen in, and the first
    and last entry (counted from 0) it can concern, where it concerns entries."""

    section: str
    message: str
    offset: int
    length: int = 1
    entry: int | None = None
    last_entry: int | None = None

    def text(self) -> str:
        """One line for people."""
        which = ""
        if self.entry is not None:
            more = self.last_entry is not None and self.last_entry != self.entry
            which = f", entries {self.entry}–{self.last_entry}" if more else f", entry {self.entry}"
        return f"{self.section}{which}, byte {self.offset}: {self.message}"


@dataclass
class Result:
    """``ok`` when everything was proved. ``key_from`` is "given", or "bundle" when the key itself is unproved.
    ``witnesses`` are those that cosigned the newest checkpoint, with the time they said."""

    ok: bool = False
    origin: str = ""
    entries: int = 0
    checkpoints: int = 0
    root: str = ""
    vkey: str = ""
    key_from: str = "bundle"
    witnesses: dict[str, str] = field(default_factory=dict)
    bytes: int = 0
    seconds: float = 0.0
    problems: list[Problem] = field(default_factory=list)

    def text(self) -> str:
        """The result for people, one line each."""
        if not self.ok:
            return "\n".join([f"NOT PROVED  {len(self.problems)} problem(s)", *(p.text() for p in self.problems)])
        told = f"PROVED  {self.entries} entries, {self.checkpoints} checkpoints, root {self.root[:16]}…"
        lines = [told, f"signed by {self.vkey}"]
        lines += [f"cosigned by {name} at {at}" for name, at in sorted(self.witnesses.items())]
        if self.key_from == "bundle":
            lines.append("this key came with the bundle: compare it with the published one, or give --vkey")
        return "\n".join(lines)


class NotProved(Exception):
    """A note, key, entry or receipt that cannot be believed."""


# ---------------------------------------------------------------------------------------------------- what goes in


def verify(
    path: Path | str,
    vkey: str | None = None,
    checkpoint: str | None = None,
    receipts: Iterable[str] = (),
    witnesses: Iterable[str] = (),
    quorum: int | None = None,
) -> Result:
    """Prove the bundle at ``path``. ``checkpoint`` is the text of one kept earlier, ``receipts`` of tlog-proofs.

    ``witnesses`` are verifier keys, of which ``quorum`` (default: all) must have cosigned the newest checkpoint.
    Raises OSError when the file cannot be read; everything wrong with its content is in the result.
    """
    began = time.perf_counter()
    with Path(path).open("rb") as file:
        run = _Run(file, vkey)
        run.all(checkpoint, list(receipts), list(witnesses), quorum)
    run.result.ok = not run.result.problems
    run.result.seconds = round(time.perf_counter() - began, 3)
    return run.result


def verify_entry(
    entry: bytes, receipt: str, vkey: str, witnesses: Iterable[str] = (), quorum: int | None = None
) -> tuple[int, int, dict[str, str]]:
    """Prove one entry by its receipt alone: (its number, size of the tree, who cosigned that and when).

    ``entry`` is its bytes, or the same JSON written in any other way. Raises `NotProved`.
    """
    index, path, note = _receipt(receipt)
    log, seen = _Key(vkey, LOG), _Witnesses(witnesses, quorum)
    _, size, root, cosigned = _checkpoint(note, log, seen.keys)
    if len(cosigned) < seen.quorum:
        raise NotProved(f"{len(cosigned)} of the {seen.quorum} witnesses wanted have cosigned its checkpoint")
    for form in (entry, _canonical(entry)):
        if _fold(index, size, _leaf(form), path) == root:
            return index, size, cosigned
    raise NotProved(f"this is not entry {index} of the ledger that signed the receipt, or it was changed")


def read_entry(data: bytes, body: bytes | None = None) -> bytes:
    """The entry in a file: the entry itself, or what ``GET /api/v1/deliveries/{id}`` says of a delivery.

    Of the latter the erasable part must be the one the entry is committed to, and ``body``, where it is given, the
    answer whose hash stands in there. Raises `NotProved`.
    """
    try:
        shown = json.loads(data)
    except (ValueError, RecursionError):
        shown = None
    evidence = shown.get("evidence") if isinstance(shown, dict) else None
    if not isinstance(evidence, dict) or not isinstance(evidence.get("record"), str):
        if body is not None:
            raise NotProved("a body is compared with what /api/v1/deliveries/{id} says, not with an entry alone")
        return data
    entry: bytes = evidence["record"].encode("utf-8", "surrogatepass")
    salt, payload, said = evidence.get("salt"), evidence.get("payload"), _members(entry)
    if said.get("delivery") != shown.get("id"):
        raise NotProved("the entry is about another delivery")
    if salt is not None or payload is not None:
        text = _canonical(json.dumps(payload).encode())
        try:
            mark = hmac.digest(bytes.fromhex(str(salt)), text, "sha256").hex()
        except ValueError:
            mark = ""
        if mark != said.get("payload"):
            raise NotProved("the payload is not the one the entry is committed to")
    if body is not None:
        if not isinstance(payload, dict) or "response_sha256" not in payload:
            raise NotProved("no hash of an answer is there: nothing left, or it was erased")
        if payload["response_sha256"] != hashlib.sha256(body).hexdigest():
            raise NotProved("the body is not the answer that left")
    return entry


# ---------------------------------------------------------------------------------------------------- the proof


@dataclass(frozen=True, order=True)
class _Promise:
    """A root that something signed claims for a size. ``what`` claims it, ``offset`` is where it stands."""

    size: int
    root: bytes
    what: str
    offset: int

    @property
    def inside(self) -> bool:
        """Whether it is a checkpoint of the bundle itself."""
        return self.what == "checkpoint"


class _Run:
    """One pass over a bundle. Entries grow the tree; whatever promised a root is met when the tree has its size."""

    def __init__(self, file: BinaryIO, vkey: str | None) -> None:
        self.result = Result(vkey=vkey or "", key_from="given" if vkey else "bundle")
        self.file = _File(file, self.result.problems)
        self.result.bytes = self.file.end
        self.tree = _Tree()
        self.promised: list[_Promise] = []  # smallest first
        self.proved = 0  # entries below this are under a checkpoint that verified
        self.proved_at = (0, 0)  # a place to read on from: (offset, number of the first entry after it)
        self.kept = 0  # entries below this are those that something from outside the bundle was signed for
        self.leaves: dict[int, bytes | None] = {}  # leaf hashes that receipts ask for
        self.last = -1  # size of the last checkpoint
        self.newest = 0  # how many witnesses have cosigned that one
        self.cosigned: tuple[int, dict[str, str]] = (0, {})  # (size, by whom and when) of the last one with a quorum

    def problem(
        self,
        section: str,
        message: str,
        offset: int,
        length: int = 1,
        first: int | None = None,
        last: int | None = None,
    ) -> None:
        self.result.problems.append(Problem(section, message, offset, length, first, first if last is None else last))

    def all(
        self, checkpoint: str | None, receipts: Sequence[str], witnesses: Sequence[str], quorum: int | None
    ) -> None:
        if not self.file.begin() or not self.header():
            return
        try:
            self.witnesses = _Witnesses(witnesses, quorum)
        except NotProved as error:
            self.problem("witnesses", str(error), 0, 0)
            return
        self.outside(checkpoint, receipts)
        while (record := self.file.record(self.tree.size)) is not None:
            if record.kind == b"NOTE":
                self.note(record)
            elif record.kind == b"LEAF":
                if not self.tile(record):
                    return
            elif record.kind == b"SEAL":
                self.seal(record)
                self.finish(receipts)
                return
            else:
                message = "a record that does not belong here"
                self.problem(record.section, message, record.offset, record.length, self.tree.size)

    def header(self) -> bool:
        """Read who made the bundle and of what size. False when nothing can be proved without knowing that."""
        record = self.file.record(0)
        if record is None:
            return False
        try:
            if record.kind != b"HEAD":
                raise NotProved("the header is missing")
            head = json.loads(record.body)
            if set(head) != {"origin", "size", "vkey", "at"} or type(head["size"]) is not int or head["size"] < 0:
                raise NotProved("the header lacks a member")
            self.key = _Key(self.result.vkey or str(head["vkey"]), LOG)
            if self.result.key_from == "given" and head["vkey"] != self.result.vkey:
                raise NotProved(f"the bundle is signed by {head['vkey']}, not by the key you gave")
        except (NotProved, ValueError, RecursionError) as error:
            self.problem("header", str(error), record.offset, record.length)
            return False
        self.size, self.origin = head["size"], str(head["origin"])  # as promised; counted at the end
        self.result.origin, self.result.vkey = self.origin, self.key.text
        return True

    def outside(self, checkpoint: str | None, receipts: Sequence[str]) -> None:
        """What came beside the bundle promises roots at certain sizes; they are met while reading."""
        for what, text in [("your checkpoint", checkpoint), *((f"receipt {n + 1}", r) for n, r in enumerate(receipts))]:
            if text is None:
                continue
            try:
                if what != "your checkpoint":
                    index, _, text = _receipt(text)
                    self.leaves[index] = None
                size, root, _ = self.open(text)
                self.promised.append(_Promise(size, root, what, 0))
                if size > self.size:
                    raise NotProved(f"it covers {size} entries: the ledger was rolled back to {self.size}")
            except NotProved as error:
                self.problem(what, str(error), 0, 0)
        self.promised.sort()
        self.meet(self.file.place(), 0)

    def finish(self, receipts: Sequence[str]) -> None:
        """What can only be said at the end: are all entries there, under a checkpoint, seen by witnesses."""
        size = self.tree.size
        self.result.entries, self.result.root = size, self.tree.root().hex()
        if self.result.problems:
            return
        if self.last != size or self.size != size:
            self.problem("header", f"{self.size} entries promised, {self.last} under a checkpoint, {size} here", 0)
        seen, self.result.witnesses = self.cosigned
        if self.witnesses.quorum and seen != size:
            message = (
                f"{self.newest} of the {self.witnesses.quorum} witnesses wanted have cosigned the checkpoint over these"
            )
            self.problem("witnesses", message, 0, 0, seen, size - 1)
        for number, text in enumerate(receipts):
            try:
                index, path, note = _receipt(text)
                covered, root, _ = self.open(note)
                leaf = self.leaves.get(index)
                if leaf is None or _fold(index, covered, leaf, path) != root:
                    raise NotProved("its path does not lead from the entry to its checkpoint")
            except NotProved as error:
                self.problem(f"receipt {number + 1}", str(error), 0, 0)

    # ---- checkpoints and seal

    def open(self, note: str) -> tuple[int, bytes, dict[str, str]]:
        """(size, root, cosigned by whom and when) of a checkpoint signed by the ledger. Raises `NotProved`."""
        origin, size, root, cosigned = _checkpoint(note, self.key, self.witnesses.keys)
        if origin != self.origin:
            raise NotProved(f"it is a checkpoint of {origin}, not of {self.origin}")
        return size, root, cosigned

    def note(self, record: _Record) -> None:
        here = self.tree.size
        try:
            size, root, cosigned = self.open(record.body.decode())
            if not max(self.last, here - (here == 0)) < size <= here + WIDTH:
                raise NotProved(f"a checkpoint of size {size} does not belong here")
        except (NotProved, UnicodeDecodeError) as error:
            self.problem("checkpoint", str(error), record.offset, record.length, here)
            return
        self.last, self.newest = size, len(cosigned)
        self.result.checkpoints += 1
        if len(cosigned) >= self.witnesses.quorum:
            self.cosigned = size, cosigned
        self.promised.append(_Promise(size, root, "checkpoint", record.offset))
        self.promised.sort()
        self.meet(record.offset, here)

    def meet(self, offset: int, start: int) -> None:
        """Compare the tree with whatever promises a root for its present size; it was read from (offset, start)."""
        proved = False
        while self.promised and self.promised[0].size == self.tree.size:
            promise = self.promised.pop(0)
            if promise.root == self.tree.root():
                proved = True
                self.kept = self.kept if promise.inside else self.tree.size
            elif not promise.inside:
                message = "the history up to here is not the one it was signed for: rewritten, or another fork"
                self.problem(promise.what, message, promise.offset, 0, self.kept, self.tree.size - 1)
            elif not self.result.problems:
                self.differs(promise.offset)
        if proved:
            self.proved, self.proved_at = self.tree.size, (offset, start)

    def differs(self, place: int) -> None:
        """Entries and their hashes fit each other but not the signed root: narrow down which were changed."""
        first, last = self.proved, self.tree.size - 1
        message = "the entries lead to another root than the signed one: one of these was changed"
        strange = self.strange()
        if strange is not None:
            first = last = strange[0]
            message = f"an entry that calls itself number {strange[1]} stands here"
        self.problem("entries", message, place, 0, first, last)

    def strange(self) -> tuple[int, Any] | None:
        """The first entry after the proved ones that calls itself by another number than its place."""
        offset, start = self.proved_at
        for index, data in enumerate(self.file.entries(offset), start):
            if index >= self.proved and (said := _index(data)) != index:
                return index, said
        return None

    def seal(self, record: _Record) -> None:
        digest = base64.b64encode(record.before).decode()
        expected = f"{MAGIC.decode()}{self.origin}\n{self.tree.size}\n{digest}\n"
        try:
            said, signed = _open(record.body.decode(), [self.key])
            if not signed:
                raise NotProved("it is not signed by this ledger")
            if said != expected and not self.result.problems:
                raise NotProved("every part fits, but this is not the file that was sealed: a part was exchanged")
        except (NotProved, UnicodeDecodeError) as error:
            self.problem("seal", str(error), record.offset, record.length)
        if rest := self.file.end - self.file.place():
            self.problem("end", f"{rest} bytes follow the seal", self.file.place(), rest)

    # ---- entries

    def tile(self, hashes: _Record) -> bool:
        """Read the entries that belong to a tile of hashes and grow the tree. False when reading cannot go on."""
        start = self.tree.size
        record = self.file.record(start)
        if record is None:
            return False
        if record.kind != b"DATA" or len(hashes.body) % 32 or not hashes.body:
            message = "the entries that belong to these hashes are missing"
            self.problem("hashes", message, hashes.offset, FRAME, start)
            return False
        given = [hashes.body[at : at + 32] for at in range(0, len(hashes.body), 32)]
        if len(given) > WIDTH or start % WIDTH:
            strange = self.strange()
            message = "entries were put in or taken out here: a tile does not hold 256 of them"
            self.problem("entries", message, record.offset, record.length, start if strange is None else strange[0])
            return False
        found = [_leaf(entry) for entry in _split(record.body)]
        if found != given or record.torn:
            if not hashes.sound and record.sound:  # the entries are sound, so the recorded hashes were changed
                self.result.problems += _changed_hashes(given, found, hashes.inside, start)
                given = found
            else:
                self.result.problems += _differences(record.body, given, record.inside, start)
        if record.torn:
            return False
        self.grow(given, hashes.offset, start)
        return True

    def grow(self, leaves: Sequence[bytes], offset: int, start: int) -> None:
        """Add leaves one by one, and stop at each size for which something promises a root."""
        for index in self.leaves.keys() & set(range(start, start + len(leaves))):
            self.leaves[index] = leaves[index - start]
        done = 0
        while done < len(leaves):
            stop = min(self.promised[0].size - start, len(leaves)) if self.promised else len(leaves)
            self.tree.add(leaves[done:stop])
            done = stop
            self.meet(offset, start)


# ---------------------------------------------------------------------------------------------------- reading the file


@dataclass(frozen=True)
class _Record:
    """One record as read. ``sound``: its digest fits. ``torn``: bytes were put in or taken out, so the rest is lost."""

    kind: bytes
    body: bytes
    offset: int
    before: bytes
    """SHA-256 of everything before it."""
    sound: bool = True
    torn: bool = False

    @property
    def section(self) -> str:
        return SECTIONS[self.kind]

    @property
    def length(self) -> int:
        return FRAME + len(self.body)

    @property
    def inside(self) -> int:
        """Offset of the body."""
        return self.offset + FRAME


class _File:
    """The bundle's records one after the other; damage is told to ``problems``, and mended where it was one byte."""

    def __init__(self, file: BinaryIO, problems: list[Problem]) -> None:
        self.file, self.problems = file, problems
        self.end = file.seek(0, 2)
        file.seek(0)
        self.whole = hashlib.sha256()

    def place(self) -> int:
        """Where reading stands."""
        return self.file.tell()

    def begin(self) -> bool:
        """Read how a bundle begins; one changed byte in it is told but does not stop the reading."""
        magic = self.file.read(len(MAGIC))
        self.whole.update(magic)
        wrong = [at for at, (a, b) in enumerate(zip(magic, MAGIC, strict=False)) if a != b]
        short = len(magic) < len(MAGIC)
        if wrong or short:
            self.problems.append(
                Problem("start", "this is not how a ledger bundle begins", wrong[0] if wrong else len(magic))
            )
        return len(wrong) <= 1 and not short

    def record(self, entry: int) -> _Record | None:
        """The next record, ``entry`` the first it can concern; None when nothing can be read, which was then told."""
        offset, before = self.file.tell(), self.whole.digest()
        head = self.file.read(FRAME)
        if len(head) < FRAME:
            what = "the file ends here, before its seal" if not head else "the file ends inside a record"
            self._tell("end", what, offset, len(head), (entry, entry) if entry else None)
            return None
        kind, length = head[:4], int.from_bytes(head[4:8], "big")
        body = self.file.read(min(length, LIMITS.get(kind, 0)))
        if kind in LIMITS and len(body) == length and _digest(head[:8], body) == head[8:]:
            return self._read(head, _Record(kind, body, offset, before))
        return self._mended(offset, before, head, entry)

    def entries(self, start: int) -> Iterator[bytes]:
        """Entries of the records from ``start`` to here, once more; reading goes on from here afterwards."""
        here = self.file.tell()
        self.file.seek(start)
        try:
            while self.file.tell() < here:
                head = self.file.read(FRAME)
                body = self.file.read(int.from_bytes(head[4:8], "big"))
                if head[:4] == b"DATA":
                    yield from _split(body)
        finally:
            self.file.seek(here)

    def _mended(self, offset: int, before: bytes, head: bytes, entry: int) -> _Record | None:
        """A record whose digest does not fit: find out which byte of it was changed, if it was a single one."""
        about = (entry, entry + WIDTH - 1)
        for at, right in [(0, head[0]), *((at, byte) for at in range(8) for byte in range(256))]:
            trial = head[:at] + bytes([right]) + head[at + 1 : 8]
            kind, length = trial[:4], int.from_bytes(trial[4:8], "big")
            if kind not in LIMITS or length > LIMITS[kind] or not self._follows(offset + FRAME + length):
                continue
            self.file.seek(offset + FRAME)
            body = self.file.read(length)
            if _digest(trial, body) == head[8:]:  # the type or the length
                concerns = about if kind in {b"LEAF", b"DATA"} else None
                self._tell(SECTIONS[kind], _changed(head[at], right), offset + at, 1, concerns)
                return self._read(head, _Record(kind, body, offset, before))
            if trial == head[:8]:
                return self._read(head, self._judged(_Record(kind, body, offset, before), head, about))
        kind, length = head[:4], int.from_bytes(head[4:8], "big")
        if kind == b"DATA":  # bytes were put in or taken out: the entries before the place still match their hashes
            self.file.seek(offset + FRAME)
            body = self.file.read(min(length, LIMITS[kind]))
            return _Record(kind, body, offset, before, sound=False, torn=True)
        message = "bytes were put in, taken out or overwritten here"
        self._tell(SECTIONS.get(kind, "record"), message, offset, FRAME, about)
        return None

    def _judged(self, record: _Record, head: bytes, about: tuple[int, int]) -> _Record:
        """A record of the right length: one byte of its digest, one of its body, or more was changed."""
        concerns = about if record.kind in {b"LEAF", b"DATA"} else None
        found, said = _digest(head[:8], record.body), head[8:]
        wrong = [at for at in range(32) if found[at] != said[at]]
        if len(wrong) == 1:
            change = _changed(said[wrong[0]], found[wrong[0]])
            self._tell(record.section, change, record.offset + 8 + wrong[0], 1, concerns)
            return record
        if concerns:  # located later, by comparing hashes and entries
            return _Record(record.kind, record.body, record.offset, record.before, sound=False)
        mended = _repair(head[:8], record.body, said)
        if mended is None:
            self._tell(record.section, "more than one byte of it was changed", record.offset, record.length)
            return _Record(record.kind, record.body, record.offset, record.before, sound=False)
        at, right = mended
        self._tell(record.section, _changed(record.body[at], right), record.inside + at)
        body = record.body[:at] + bytes([right]) + record.body[at + 1 :]
        return _Record(record.kind, body, record.offset, record.before)

    def _read(self, head: bytes, record: _Record) -> _Record:
        """Count the bytes of a record in, as they stand in the file, and go on behind it."""
        self.file.seek(record.offset + record.length)
        self.whole.update(head)
        self.whole.update(record.body)
        return record

    def _follows(self, offset: int) -> bool:
        """Whether a record may end at ``offset``: another begins there, or the file ends."""
        if offset >= self.end:
            return offset == self.end
        self.file.seek(offset)
        return self.file.read(4) in LIMITS

    def _tell(
        self, section: str, message: str, offset: int, length: int = 1, about: tuple[int, int] | None = None
    ) -> None:
        self.problems.append(Problem(section, message, offset, length, *(about or (None, None))))


# ---------------------------------------------------------------------------------------------------- what was done


def _changed_hashes(given: list[bytes], found: list[bytes], base: int, first: int) -> Iterator[Problem]:
    """Recorded hashes (at ``base``, from entry ``first`` on) that are not those of the entries."""
    for number, (bad, right) in enumerate(zip(given, found, strict=False)):
        for at in range(32):
            if bad[at] != right[at]:
                place, index = base + number * 32 + at, first + number
                yield Problem("hashes", _changed(bad[at], right[at]), place, 1, index, index)
    if len(given) != len(found):
        message = f"{len(given)} hashes for {len(found)} entries"
        yield Problem("hashes", message, base, 32 * len(given), first, first)


def _differences(data: bytes, hashes: list[bytes], base: int, first: int) -> Iterator[Problem]:
    """Entries (at ``base``, from number ``first`` on) against their recorded hashes, one after the other."""
    at = number = told = 0
    while number < len(hashes):
        entry = _entry(data, at)
        if entry is not None and _leaf(entry) == hashes[number]:
            at, number = at + 2 + len(entry), number + 1
            continue
        told += 1
        if told > MOST:
            return
        problem, step = _explained(data, hashes, base, first, at, number)
        yield problem
        if step is None:
            return
        at, number = step
    if at < len(data):
        index = first + number
        yield Problem("entries", "more entries than hashes", base + at, len(data) - at, index, index)


def _explained(
    data: bytes, hashes: list[bytes], base: int, first: int, at: int, number: int
) -> tuple[Problem, tuple[int, int] | None]:
    """What happened to the entry that should be at ``at``, and (at, number) to go on with; None when that is lost."""
    index, wanted = first + number, hashes[number]

    def said(message: str, offset: int, length: int, last: int = index) -> Problem:
        return Problem("entries", message, base + offset, length, index, last)

    if (found := _length_changed(data, at, wanted)) is not None:
        place, right, size = found
        return said(_changed(data[place], right), place, 1), (at + 2 + size, number + 1)
    entry = _entry(data, at)
    if entry is None:
        message = "this entry and the rest of its tile are missing" if at >= len(data) else "bytes are missing"
        return said(message, at, len(data) - at, first + len(hashes) - 1), None
    skipped = at + 2 + len(entry)
    after = _entry(data, skipped)
    following = None if after is None else _leaf(after)
    if _leaf(entry) in hashes[number + 1 :]:
        ahead = hashes.index(_leaf(entry), number + 1)
        if following == wanted:
            return said(f"entry {first + ahead} was put before it", at, len(entry) + 2), (skipped, number)
        return said("taken out", at, 0, first + ahead - 1), (at, ahead)
    if following == wanted:
        return said("an entry was put in before it", at, len(entry) + 2), (skipped, number)
    mended = _repair(b"\x00", entry, wanted)
    if mended is not None:
        place, right = mended
        return said(_changed(entry[place], right), at + 2 + place, 1), (skipped, number + 1)
    framed = number + 1 == len(hashes) or following == hashes[number + 1]
    return said("it is not the recorded entry", at, len(entry) + 2), (skipped, number + 1) if framed else None


def _length_changed(data: bytes, at: int, wanted: bytes) -> tuple[int, int, int] | None:
    """(place, value, length of the entry) when one byte of the length at ``at`` was changed."""
    if at + 2 > len(data):
        return None
    for place, right in ((at + n // 256, n % 256) for n in range(512)):
        if right != data[place]:
            entry = _entry(data[:place] + bytes([right]) + data[place + 1 :], at)
            if entry is not None and _leaf(entry) == wanted:
                return place, right, len(entry)
    return None


def _repair(head: bytes, data: bytes, wanted: bytes) -> tuple[int, int] | None:
    """(place, value) of the one byte of ``data`` whose change makes the hash of ``head ‖ data`` the wanted one."""
    if len(data) > REPAIRED:
        return None
    before = hashlib.sha256(head)
    for at in range(len(data)):
        after = data[at + 1 :]
        for byte in range(256):
            trial = before.copy()
            trial.update(bytes((byte,)) + after)
            if trial.digest() == wanted:
                return at, byte
        before.update(data[at : at + 1])
    return None


def _changed(now: int, right: int) -> str:
    return f"this byte was changed from 0x{right:02x} to 0x{now:02x}"


# ---------------------------------------------------------------------------------------------------- entries and trees


def _entry(data: bytes, at: int) -> bytes | None:
    """The entry behind the length at ``at``; None when the data end before it does."""
    stop = at + 2 + int.from_bytes(data[at : at + 2], "big")
    return data[at + 2 : stop] if at + 2 <= stop <= len(data) else None


def _split(data: bytes) -> Iterator[bytes]:
    """The entries of a tile, each behind its uint16 length (C2SP tlog-tiles)."""
    at = 0
    while (entry := _entry(data, at)) is not None:
        yield entry
        at += 2 + len(entry)
    if at < len(data):
        yield data[at:]  # a cut-off one: fits no hash


def _index(entry: bytes) -> Any:
    """The number an entry calls itself by."""
    try:
        return json.loads(entry)["index"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _members(entry: bytes) -> dict[str, Any]:
    try:
        value = json.loads(entry)
    except (ValueError, RecursionError):
        value = None
    return value if isinstance(value, dict) else {}


def _canonical(entry: bytes) -> bytes:
    """The one form in which a ledger writes JSON (RFC 8785 for what it holds: no fractions, ASCII names)."""
    try:
        return json.dumps(json.loads(entry), ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    except (ValueError, RecursionError):
        raise NotProved("the entry is not JSON") from None


def _digest(head: bytes, body: bytes) -> bytes:
    whole = hashlib.sha256(head)
    whole.update(body)
    return whole.digest()


def _leaf(entry: bytes) -> bytes:
    """RFC 6962 §2.1."""
    return hashlib.sha256(b"\x00" + entry).digest()


def _join(left: bytes, right: bytes) -> bytes:
    """RFC 6962 §2.1."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class _Tree:
    """A growing RFC 6962 tree: the roots of its full subtrees, largest first, as many as its size has 1-bits."""

    def __init__(self) -> None:
        self.size = 0
        self.frontier: list[bytes] = []

    def add(self, leaves: Sequence[bytes]) -> None:
        for leaf in leaves:
            size = self.size
            while size & 1:
                leaf = _join(self.frontier.pop(), leaf)
                size >>= 1
            self.frontier.append(leaf)
            self.size += 1

    def root(self) -> bytes:
        if not self.frontier:
            return hashlib.sha256(b"").digest()
        folded = self.frontier[-1]
        for node in reversed(self.frontier[:-1]):
            folded = _join(node, folded)
        return folded


def _fold(index: int, size: int, node: bytes, path: Sequence[bytes]) -> bytes | None:
    """The root an inclusion path leads to (RFC 9162 §2.1.3.2), or None when its length does not fit."""
    steps, last = list(path), size - 1
    if not 0 <= index < size:
        return None
    while last:
        if index & 1 or index < last:
            if not steps:
                return None
            node = _join(steps.pop(0), node) if index & 1 else _join(node, steps.pop(0))
        index, last = index >> 1, last >> 1
    return None if steps else node


# ---------------------------------------------------------------------------------------------------- keys and notes


class _Key:
    """A verifier key ``<name>+<8 hex digits>+<base64(type ‖ public key)>`` (C2SP signed-note), Ed25519 only."""

    def __init__(self, text: str, kind: int) -> None:
        name, _, rest = text.partition("+")
        digits, _, encoded = rest.partition("+")
        raw = _base64(encoded)
        self.text, self.name, self.kind = text, name, kind
        self.id = hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4]
        if not name or len(raw) != 33 or raw[0] != kind or self.id.hex() != digits:
            raise NotProved(f"the {'verifier key' if kind == LOG else 'key of a witness'} is malformed")
        self.public = Ed25519PublicKey.from_public_bytes(raw[1:])

    def verify(self, text: str, signature: bytes) -> None:
        """Raises `NotProved`. A witness signs its time as well (C2SP tlog-cosignature)."""
        message = text.encode()
        if self.kind == WITNESS:
            seconds = int.from_bytes(signature[:8], "big")
            message, signature = f"cosignature/v1\ntime {seconds}\n".encode() + message, signature[8:]
        try:
            self.public.verify(signature, message)
        except InvalidSignature:
            what = "the signature" if self.kind == LOG else f"the cosignature of {self.name}"
            raise NotProved(f"{what} does not verify") from None


class _Witnesses:
    """Whose cosignatures are wanted, and how many. Raises `NotProved` for a key that cannot be read."""

    def __init__(self, keys: Iterable[str], quorum: int | None) -> None:
        self.keys = list({text: _Key(text, WITNESS) for text in keys}.values())
        self.quorum = len(self.keys) if quorum is None else quorum


def _open(note: str, keys: Sequence[_Key]) -> tuple[str, dict[str, bytes]]:
    """Text of a signed note, and the signatures of those of ``keys`` that signed it, by name of the key.

    Strangers' signatures are passed over; one of ``keys`` that does not verify raises `NotProved`.
    """
    text, gap, lines = note.rpartition("\n\n")
    if not gap or not lines.endswith("\n"):
        raise NotProved("it is not a signed note")
    text += "\n"
    known, signed = {(key.name, key.id): key for key in keys}, {}
    for line in lines[:-1].split("\n"):
        dash, name, blob = ([*line.split(" "), "", ""])[:3]
        raw = _base64(blob)
        if dash != "—" or line != f"— {name} {blob}" or len(raw) < 5:
            raise NotProved("a signature line is malformed")
        key = known.get((name, raw[:4]))
        if key is not None:
            key.verify(text, raw[4:])
            signed[name] = raw[4:]
    return text, signed


def _checkpoint(note: str, log: _Key, witnesses: Sequence[_Key]) -> tuple[str, int, bytes, dict[str, str]]:
    """(origin, size, root, cosigned by whom and when) of a checkpoint (C2SP tlog-checkpoint) signed by ``log``."""
    text, signed = _open(note, [log, *witnesses])
    lines = text.split("\n")
    if log.name not in signed:
        raise NotProved("it is not signed by this ledger")
    if len(lines) != 4 or len(root := _base64(lines[2])) != 32:
        raise NotProved("it is not a checkpoint")
    cosigned = {key.name: _time(signed[key.name]) for key in witnesses if key.name in signed}
    return lines[0], _number(lines[1]), root, cosigned


def _time(cosignature: bytes) -> str:
    """When a witness says it signed."""
    try:
        return f"{datetime.fromtimestamp(int.from_bytes(cosignature[:8], 'big'), UTC):%Y-%m-%dT%H:%M:%SZ}"
    except (ValueError, OverflowError, OSError):
        return "a time that is none"


def _receipt(text: str) -> tuple[int, list[bytes], str]:
    """(index, path, checkpoint) of a C2SP tlog-proof."""
    head, gap, note = text.partition("\n\n")
    lines = head.split("\n")
    if not gap or lines[0] != "c2sp.org/tlog-proof@v1":
        raise NotProved("it is not a tlog-proof")
    rest = lines[2:] if lines[1:2] and lines[1].startswith("extra ") else lines[1:]
    if not rest or not rest[0].startswith("index "):
        raise NotProved("it is not a tlog-proof")
    return _number(rest[0][6:]), [_base64(line) for line in rest[1:]], note


def _base64(text: str) -> bytes:
    """Canonical base64 only: otherwise a flipped bit in the padding would go unseen."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise NotProved("base64 is malformed") from None
    if base64.b64encode(raw).decode() != text:
        raise NotProved("base64 is not in its canonical form")
    return raw


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 20 and str(int(text)) == text):
        raise NotProved(f"{text[:30]!r} is not a number in its one form")
    return int(text)


# ---------------------------------------------------------------------------------------------------- the command


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; gives the exit code."""
    parser = argparse.ArgumentParser(prog="verify.py", description="Prove a ledger bundle, or one entry, offline.")
    parser.add_argument("bundle", type=Path, nargs="?")
    parser.add_argument("--vkey", help="the ledger's published key; without it the one in the bundle is used")
    parser.add_argument(
        "--witness", action="append", default=[], metavar="KEY", help="a witness that must have cosigned"
    )
    parser.add_argument("--quorum", type=int, metavar="N", help="how many of the witnesses; without it all")
    parser.add_argument("--checkpoint", type=Path, metavar="FILE", help="a checkpoint you or a witness kept")
    parser.add_argument("--receipt", type=Path, action="append", default=[], metavar="FILE", help="a .tlog-proof")
    parser.add_argument(
        "--entry",
        type=Path,
        metavar="FILE",
        help="prove this entry, or what /api/v1/deliveries/ID says, by its receipt, without a bundle",
    )
    parser.add_argument("--body", type=Path, metavar="FILE", help="the answer that came with it, byte for byte")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    given = parser.parse_args(arguments)
    if (given.bundle is None) == (given.entry is None):
        parser.error("give a bundle, or an entry with its receipt")
    if given.entry and (len(given.receipt) != 1 or not given.vkey):
        parser.error("an entry needs one --receipt and --vkey")
    if given.body and not given.entry:
        parser.error("--body goes with --entry")
    if given.quorum is not None and not 0 < given.quorum <= len(given.witness):
        parser.error("--quorum is between 1 and the number of witnesses")
    try:
        old = given.checkpoint.read_text() if given.checkpoint else None
        receipts = [path.read_text() for path in given.receipt]
        if given.entry:
            body = given.body.read_bytes() if given.body else None
            return _one(given.entry.read_bytes(), body, receipts[0], given)
        result = verify(given.bundle, given.vkey, old, receipts, given.witness, given.quorum)
    except (OSError, UnicodeDecodeError) as error:
        print(f"cannot read: {error}", file=sys.stderr)
        return 3
    print(json.dumps(asdict(result), indent=2) if given.json else result.text())
    return 0 if result.ok else 1


def _one(data: bytes, body: bytes | None, receipt: str, given: argparse.Namespace) -> int:
    try:
        entry = read_entry(data, body)
        index, size, cosigned = verify_entry(entry, receipt, given.vkey, given.witness, given.quorum)
    except NotProved as error:
        print(json.dumps({"ok": False, "problem": str(error)}) if given.json else f"NOT PROVED  {error}")
        return 1
    if given.json:
        print(json.dumps({"ok": True, "entry": index, "size": size, "witnesses": cosigned}))
    else:
        print(f"PROVED  entry {index} of {size}\n{_about(entry, body)}signed by {given.vkey}")
        print("".join(f"cosigned by {name} at {at}\n" for name, at in sorted(cosigned.items())), end="")
    return 0


def _about(entry: bytes, body: bytes | None) -> str:
    """A line that says which delivery was proved; none for any other entry."""
    said = _members(entry)
    if "delivery" not in said:
        return ""
    more = "" if body is None else ", and the body is the answer that left"
    return f"{said.get('kind')} {said['delivery']} at {said.get('at')}{more}\n"


if __name__ == "__main__":
    sys.exit(main())
