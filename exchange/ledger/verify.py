"""Proves a ledger bundle offline, or says what was changed and where. Needs only Python ≥ 3.11 and `cryptography`.

    python verify.py BUNDLE [--vkey KEY] [--checkpoint OLD] [--receipt PROOF …] [--json]

This file shares no code with the service on purpose: copy it anywhere, read it, run it. It recomputes the RFC 6962
tree from the entries, checks every signed checkpoint (C2SP tlog-checkpoint) against it, and the seal over the whole
file. The format is described in docs/ledger.md. Exit code: 0 proved, 1 not proved, 2 wrong usage, 3 no such file.

It is longer than other modules because it must be one file.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import hashlib
import json
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

MAGIC = b"tongban-ledger-bundle/1\n"
WIDTH = 256
LIMITS = {b"HEAD": 4096, b"NOTE": 65536, b"LEAF": 64 * WIDTH, b"DATA": 2 * WIDTH * 65537, b"SEAL": 65536}
"""Largest bodies read; twice a tile, so that a tile somebody put an entry into can still be looked at."""
SECTIONS = {b"HEAD": "header", b"NOTE": "checkpoint", b"LEAF": "hashes", b"DATA": "entries", b"SEAL": "seal"}
REPAIRED = 2048
"""Longest item, in bytes, in which the one changed byte is looked for by trying them all (about a second)."""


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


@dataclass
class Result:
    """``ok`` when everything was proved. ``key_from`` is "given", or "bundle" when the key itself is unproved."""

    ok: bool = False
    origin: str = ""
    entries: int = 0
    checkpoints: int = 0
    root: str = ""
    vkey: str = ""
    key_from: str = "bundle"
    bytes: int = 0
    seconds: float = 0.0
    problems: list[Problem] = field(default_factory=list)

    def text(self) -> str:
        """The result for people, one line each."""
        if self.ok:
            told = f"PROVED  {self.entries} entries, {self.checkpoints} checkpoints, root {self.root[:16]}…"
            lines = [told, f"signed by {self.vkey}"]
            if self.key_from == "bundle":
                lines.append("this key came with the bundle: compare it with the published one, or give --vkey")
            return "\n".join(lines)
        lines = [f"NOT PROVED  {len(self.problems)} problem(s)"]
        for problem in self.problems:
            which = ""
            if problem.entry is not None:
                more = problem.last_entry is not None and problem.last_entry != problem.entry
                which = f", entries {problem.entry}–{problem.last_entry}" if more else f", entry {problem.entry}"
            lines.append(f"{problem.section}{which}, byte {problem.offset}: {problem.message}")
        return "\n".join(lines)


class NotProved(Exception):
    """A note, key or receipt that cannot be believed."""


def verify(
    path: Path | str, vkey: str | None = None, checkpoint: str | None = None, receipts: Iterable[str] = ()
) -> Result:
    """Prove the bundle at ``path``. ``checkpoint`` is the text of one kept earlier, ``receipts`` of tlog-proofs.

    Raises OSError when the file cannot be read; everything wrong with its content is in the result.
    """
    began = time.perf_counter()
    with Path(path).open("rb") as file:
        run = _Run(file, vkey)
        run.all(checkpoint, list(receipts))
    run.result.ok = not run.result.problems
    run.result.seconds = round(time.perf_counter() - began, 3)
    return run.result


class _Run:
    def __init__(self, file: BinaryIO, vkey: str | None) -> None:
        self.file = file
        self.end = file.seek(0, 2)
        file.seek(0)
        self.result = Result(bytes=self.end, vkey=vkey or "", key_from="given" if vkey else "bundle")
        self.whole = hashlib.sha256()
        self.size = 0
        self.frontier: list[bytes] = []
        self.key: _Key | None = None
        self.head: dict[str, Any] = {}
        self.promised: list[tuple[int, bytes, str, int]] = []  # (size, root, what says so, offset), smallest first
        self.proved = 0  # entries below this are under a checkpoint that verified
        self.proved_at = (0, 0)  # a place to read on from: (offset, number of the first entry after it)
        self.kept = 0  # entries below this are those that something from outside the bundle was signed for
        self.leaves: dict[int, bytes | None] = {}  # leaf hashes that receipts ask for
        self.last = -1  # size of the last checkpoint

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

    # ---- the file from its first byte to its last

    def all(self, checkpoint: str | None, receipts: Sequence[str]) -> None:
        magic = self.file.read(len(MAGIC))
        self.whole.update(magic)
        if magic != MAGIC:
            at = next((i for i, (a, b) in enumerate(zip(magic, MAGIC, strict=False)) if a != b), len(magic))
            self.problem("start", "this is not how a ledger bundle begins", at)
            if sum(a != b for a, b in zip(magic, MAGIC, strict=False)) > 1 or len(magic) < len(MAGIC):
                return
        self.start()
        if self.key is None:
            return
        self.outside(checkpoint, receipts)
        while True:
            offset = self.file.tell()
            before = self.whole.digest()
            record = self.record()
            if record is None:
                return
            kind, body, sound = record
            if kind == b"NOTE":
                self.note(body, offset)
            elif kind == b"LEAF":
                if not self.tile(body, sound, offset):
                    return
            elif kind == b"SEAL":
                self.seal(body, offset, before)
                break
            else:
                self.problem(SECTIONS[kind], "a record that does not belong here", offset, 40 + len(body), self.size)
        self.finish(checkpoint, receipts)

    def start(self) -> None:
        record = self.record()
        if record is None:
            return
        kind, body, _ = record
        try:
            if kind != b"HEAD":
                raise NotProved("the header is missing")
            head = json.loads(body)
            if set(head) != {"origin", "size", "vkey", "at"} or type(head["size"]) is not int or head["size"] < 0:
                raise NotProved("the header lacks a member")
            key = _Key(self.result.vkey or str(head["vkey"]))
            if self.result.key_from == "given" and head["vkey"] != self.result.vkey:
                raise NotProved(f"the bundle is signed by {head['vkey']}, not by the key you gave")
        except (NotProved, ValueError, RecursionError) as error:
            self.problem("header", str(error), len(MAGIC), 40 + len(body))
            return
        self.head, self.key = head, key
        self.result.origin, self.result.vkey = str(head["origin"]), key.text

    def outside(self, checkpoint: str | None, receipts: Sequence[str]) -> None:
        """What came beside the bundle promises roots at certain sizes; they are met while reading."""
        for what, text in [("your checkpoint", checkpoint), *((f"receipt {n + 1}", r) for n, r in enumerate(receipts))]:
            if text is None:
                continue
            try:
                if what != "your checkpoint":
                    index, _, text = _receipt(text)
                    self.leaves[index] = None
                _, size, root = self.open(text)
                self.promised.append((size, root, what, 0))
                if size > self.head["size"]:
                    raise NotProved(f"it covers {size} entries: the ledger was rolled back to {self.head['size']}")
            except NotProved as error:
                self.problem(what, str(error), 0, 0)
        self.promised.sort()
        self.meet(self.file.tell(), 0)

    def finish(self, checkpoint: str | None, receipts: Sequence[str]) -> None:
        self.result.entries, self.result.root = self.size, _root(self.frontier).hex()
        if self.result.problems:
            return
        if self.last != self.size or self.head["size"] != self.size:
            said = self.head["size"]
            self.problem("header", f"{said} entries promised, {self.last} under a checkpoint, {self.size} here", 0)
        for number, text in enumerate(receipts):
            try:
                index, path, note = _receipt(text)
                _, size, root = self.open(note)
                leaf = self.leaves.get(index)
                if leaf is None or _fold(index, size, leaf, path) != root:
                    raise NotProved("its path does not lead from the entry to its checkpoint")
            except NotProved as error:
                self.problem(f"receipt {number + 1}", str(error), 0, 0)

    # ---- records

    def record(self) -> tuple[bytes, bytes, bool] | None:
        """(type, body, whether its digest fits); None when nothing more can be read, which was then reported."""
        offset = self.file.tell()
        head = self.file.read(40)
        if len(head) < 40:
            what = "the file ends here, before its seal" if not head else "the file ends inside a record"
            self.problem("end", what, offset, len(head), self.size if self.size else None)
            return None
        kind, length, digest = head[:4], int.from_bytes(head[4:8], "big"), head[8:]
        body = self.file.read(min(length, LIMITS.get(kind, 0)))
        if kind in LIMITS and len(body) == length and _digest(head[:8], body) == digest:
            self.whole.update(head + body)
            return kind, body, True
        return self.mend(offset, head)

    def mend(self, offset: int, head: bytes) -> tuple[bytes, bytes, bool] | None:
        """A record whose digest does not fit: find out which byte of it was changed, if it was a single one."""
        for at, right in [(0, head[0]), *((at, byte) for at in range(8) for byte in range(256))]:
            trial = head[:at] + bytes([right]) + head[at + 1 : 8]
            kind, length = trial[:4], int.from_bytes(trial[4:8], "big")
            if kind not in LIMITS or length > LIMITS[kind] or not self.follows(offset + 40 + length):
                continue
            self.file.seek(offset + 40)
            body = self.file.read(length)
            found = _digest(trial, body)
            if found == head[8:]:
                self.problem(SECTIONS[kind], _changed(head[at], right), offset + at, 1, *self.about(kind))
                self.whole.update(head + body)
                return kind, body, True
            if trial != head[:8]:
                continue
            self.whole.update(head + body)
            wrong = [i for i in range(32) if found[i] != head[8 + i]]
            if len(wrong) == 1:
                change = _changed(head[8 + wrong[0]], found[wrong[0]])
                self.problem(SECTIONS[kind], change, offset + 8 + wrong[0], 1, *self.about(kind))
                return kind, body, True
            if kind in {b"LEAF", b"DATA"}:
                return kind, body, False  # located by comparing hashes and entries
            mended = _repair(head[:8], body, head[8:])
            if mended is None:
                self.problem(SECTIONS[kind], "more than one byte of it was changed", offset, 40 + length)
                return kind, body, False
            at, right = mended
            self.problem(SECTIONS[kind], _changed(body[at], right), offset + 40 + at, 1)
            return kind, body[:at] + bytes([right]) + body[at + 1 :], True
        kind, length = head[:4], int.from_bytes(head[4:8], "big")
        if kind == b"DATA":  # bytes were put in or taken out: the entries before the place still match their hashes
            self.file.seek(offset + 40)
            return kind, self.file.read(min(length, LIMITS[kind])), False
        section = SECTIONS.get(kind, "record")
        self.problem(section, "bytes were put in, taken out or overwritten here", offset, 40, *self.about(b"LEAF"))
        return None

    def follows(self, offset: int) -> bool:
        """Whether a record may end at ``offset``: another begins there, or the file ends."""
        if offset >= self.end:
            return offset == self.end
        self.file.seek(offset)
        return self.file.read(4) in LIMITS

    def about(self, kind: bytes) -> tuple[int | None, int | None]:
        """The entries a damaged record of this type can concern."""
        return (self.size, self.size + WIDTH - 1) if kind in {b"LEAF", b"DATA"} else (None, None)

    # ---- checkpoints and seal

    def open(self, note: str) -> tuple[str, int, bytes]:
        """(origin, size, root) of a checkpoint signed by the ledger. Raises `NotProved`."""
        assert self.key is not None
        text = _signed(note, self.key)
        lines = text.split("\n")
        if len(lines) != 4:
            raise NotProved("it is not a checkpoint")
        size, root = _number(lines[1]), _base64(lines[2])
        if lines[0] != self.head["origin"] or len(root) != 32:
            raise NotProved(f"it is a checkpoint of {lines[0]}, not of {self.head['origin']}")
        return lines[0], size, root

    def note(self, body: bytes, offset: int) -> None:
        try:
            _, size, root = self.open(body.decode())
            if not max(self.last, self.size - (self.size == 0)) < size <= self.size + WIDTH:
                raise NotProved(f"a checkpoint of size {size} does not belong here")
        except (NotProved, UnicodeDecodeError) as error:
            self.problem("checkpoint", str(error), offset, 40 + len(body), self.size)
            return
        self.last = size
        self.result.checkpoints += 1
        self.promised.append((size, root, "checkpoint", offset))
        self.promised.sort()
        self.meet(offset, self.size)

    def meet(self, offset: int, start: int) -> None:
        """Compare the tree with whatever promises a root for its present size; it was read from (offset, start)."""
        proved = False
        while self.promised and self.promised[0][0] == self.size:
            _, root, what, place = self.promised.pop(0)
            if root == _root(self.frontier):
                proved = True
                self.kept = self.size if what != "checkpoint" else self.kept
            elif what != "checkpoint":
                message = "the history up to here is not the one it was signed for: rewritten, or another fork"
                self.problem(what, message, place, 0, self.kept, self.size - 1)
            elif not self.result.problems:
                self.differs(place)
        if proved:
            self.proved, self.proved_at = self.size, (offset, start)

    def differs(self, place: int) -> None:
        """Entries and their hashes fit each other but not the signed root: narrow down which were changed."""
        first, last = self.proved, self.size - 1
        message = "the entries lead to another root than the signed one: one of these was changed"
        strange = self.strange()
        if strange is not None:
            first = last = strange[0]
            message = f"an entry that calls itself number {strange[1]} stands here"
        self.problem("entries", message, place, 0, first, last)

    def strange(self) -> tuple[int, Any] | None:
        """The first entry after the proved ones that calls itself by another number than its place."""
        here = self.file.tell()
        self.file.seek(self.proved_at[0])
        numbered = ((index, _index(data)) for index, data in self.entries(self.proved_at[1], here))
        found = next(((index, said) for index, said in numbered if index >= self.proved and said != index), None)
        self.file.seek(here)
        return found

    def entries(self, index: int, end: int) -> Iterable[tuple[int, bytes]]:
        """Entries of the DATA records from here to ``end``."""
        while self.file.tell() < end:
            head = self.file.read(40)
            body = self.file.read(int.from_bytes(head[4:8], "big"))
            for data in _split(body) if head[:4] == b"DATA" else ():
                yield index, data
                index += 1

    def seal(self, body: bytes, offset: int, digest: bytes) -> None:
        expected = "\n".join(
            [MAGIC.decode().strip(), str(self.head["origin"]), str(self.size), base64.b64encode(digest).decode(), ""]
        )
        assert self.key is not None
        try:
            said = _signed(body.decode(), self.key)
            if said != expected and not self.result.problems:
                raise NotProved("every part fits, but this is not the file that was sealed: a part was exchanged")
        except (NotProved, UnicodeDecodeError) as error:
            self.problem("seal", str(error), offset, 40 + len(body))
        if self.file.tell() != self.end:
            rest = self.end - self.file.tell()
            self.problem("end", f"{rest} bytes follow the seal", self.file.tell(), rest)

    # ---- entries

    def tile(self, hashes: bytes, sound: bool, offset: int) -> bool:
        """Read the entries that belong to a tile of hashes and grow the tree. False when reading cannot go on."""
        place = self.file.tell()
        record = self.record()
        if record is None:
            return False
        kind, data, fits = record
        if kind != b"DATA" or len(hashes) % 32 or not hashes:
            self.problem("hashes", "the entries that belong to these hashes are missing", offset, 40, self.size)
            return False
        start = self.size
        given = [hashes[at : at + 32] for at in range(0, len(hashes), 32)]
        if len(given) > WIDTH or start % WIDTH:
            strange = self.strange()
            message = "entries were put in or taken out here: a tile does not hold 256 of them"
            self.problem("entries", message, place, 40 + len(data), start if strange is None else strange[0])
            return False
        found = [_leaf(entry) for entry in _split(data)]
        broken = not fits and not self.follows(place + 40 + len(data))
        if found != given or broken:
            if not sound and fits:
                self.compare(given, found, offset + 40)
                given = found
            else:
                self.walk(data, given, place + 40)
        if broken:
            return False
        self.file.seek(place + 40 + len(data))
        for leaf in given:
            if self.size in self.leaves:
                self.leaves[self.size] = leaf
            size = self.size
            while size & 1:
                leaf = _join(self.frontier.pop(), leaf)
                size >>= 1
            self.frontier.append(leaf)
            self.size += 1
            if self.promised and self.promised[0][0] == self.size:
                self.meet(offset, start)
        return True

    def compare(self, given: list[bytes], found: list[bytes], base: int) -> None:
        """The entries are sound, so these recorded hashes were changed."""
        for number, (bad, right) in enumerate(zip(given, found, strict=False)):
            for at in range(32):
                if bad[at] != right[at]:
                    change = _changed(bad[at], right[at])
                    self.problem("hashes", change, base + number * 32 + at, 1, self.size + number)
        if len(given) != len(found):
            self.problem("hashes", f"{len(given)} hashes for {len(found)} entries", base, 32 * len(given), self.size)

    def walk(self, data: bytes, hashes: list[bytes], base: int) -> None:
        """Entries against their recorded hashes, one after the other, until the differences are named."""
        at = number = told = 0
        while number < len(hashes):
            entry = _entry(data, at)
            if entry is None or _leaf(entry) != hashes[number]:
                told += 1
                step = self.explain(data, hashes, base, at, number) if told <= 20 else None
                if step is None:
                    return
                at, number = step
            else:
                at, number = at + 2 + len(entry), number + 1
        if at < len(data):
            self.problem("entries", "more entries than hashes", base + at, len(data) - at, self.size + number)

    def explain(self, data: bytes, hashes: list[bytes], base: int, at: int, number: int) -> tuple[int, int] | None:
        """Name what happened to the entry that should be here; gives where to go on, None when that is lost."""
        index, wanted = self.size + number, hashes[number]
        for place, right in ((n // 256, n % 256) for n in range(512) if at + 2 <= len(data)):  # a byte of its length?
            cut = _entry(data[: at + place] + bytes([right]) + data[at + place + 1 :], at)
            if cut is not None and right != data[at + place] and _leaf(cut) == wanted:
                self.problem("entries", _changed(data[at + place], right), base + at + place, 1, index)
                return at + 2 + len(cut), number + 1
        entry = _entry(data, at)
        if entry is None:
            message = "this entry and the rest of its tile are missing" if at >= len(data) else "bytes are missing"
            self.problem("entries", message, base + at, len(data) - at, index, self.size + len(hashes) - 1)
            return None
        skipped = at + 2 + len(entry)
        after = _entry(data, skipped)
        following = None if after is None else _leaf(after)
        if _leaf(entry) in hashes[number + 1 :]:
            ahead = hashes.index(_leaf(entry), number + 1)
            if following == wanted:
                message = f"entry {self.size + ahead} was put before it"
                self.problem("entries", message, base + at, len(entry) + 2, index)
                return skipped, number
            self.problem("entries", "taken out", base + at, 0, index, self.size + ahead - 1)
            return at, ahead
        if following == wanted:
            self.problem("entries", "an entry was put in before it", base + at, len(entry) + 2, index)
            return skipped, number
        mended = _repair(b"\x00", entry, wanted)
        if mended is None:
            self.problem("entries", "it is not the recorded entry", base + at, len(entry) + 2, index)
            framed = number + 1 == len(hashes) or following == hashes[number + 1]
            return (skipped, number + 1) if framed else None
        place, right = mended
        self.problem("entries", _changed(entry[place], right), base + at + 2 + place, 1, index)
        return skipped, number + 1


class _Key:
    """A verifier key ``<name>+<8 hex digits>+<base64(0x01 ‖ public key)>``."""

    def __init__(self, text: str) -> None:
        name, _, rest = text.partition("+")
        digits, _, encoded = rest.partition("+")
        raw = _base64(encoded)
        self.text, self.name = text, name
        self.id = hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4]
        if not name or len(raw) != 33 or raw[0] != 1 or self.id.hex() != digits:
            raise NotProved("the verifier key is malformed")
        self.public = Ed25519PublicKey.from_public_bytes(raw[1:])


def _signed(note: str, key: _Key) -> str:
    """Text of a note signed by ``key``. Raises `NotProved`."""
    text, gap, lines = note.rpartition("\n\n")
    if not gap or not lines.endswith("\n"):
        raise NotProved("it is not a signed note")
    text += "\n"
    for line in lines[:-1].split("\n"):
        dash, name, blob = ([*line.split(" "), "", ""])[:3]
        raw = _base64(blob)
        if dash != "—" or line != f"— {name} {blob}" or len(raw) < 5:
            raise NotProved("a signature line is malformed")
        if (name, raw[:4]) == (key.name, key.id):
            try:
                key.public.verify(raw[4:], text.encode())
            except InvalidSignature:
                raise NotProved("the signature does not verify") from None
            return text
    raise NotProved("it is not signed by this ledger")


def _base64(text: str) -> bytes:
    """Canonical base64 only: otherwise a flipped bit in the padding would go unseen."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise NotProved("base64 is malformed") from None
    if base64.b64encode(raw).decode() != text:
        raise NotProved("base64 is not in its canonical form")
    return raw


def _receipt(text: str) -> tuple[int, list[bytes], str]:
    head, gap, note = text.partition("\n\n")
    lines = head.split("\n")
    if not gap or lines[0] != "c2sp.org/tlog-proof@v1":
        raise NotProved("it is not a tlog-proof")
    rest = lines[2:] if lines[1:2] and lines[1].startswith("extra ") else lines[1:]
    if not rest or not rest[0].startswith("index "):
        raise NotProved("it is not a tlog-proof")
    return _number(rest[0][6:]), [_base64(line) for line in rest[1:]], note


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 20 and str(int(text)) == text):
        raise NotProved(f"{text[:30]!r} is not a number in its one form")
    return int(text)


def _entry(data: bytes, at: int) -> bytes | None:
    """The entry behind the length at ``at``; None when the data end before it does."""
    stop = at + 2 + int.from_bytes(data[at : at + 2], "big")
    return data[at + 2 : stop] if at + 2 <= stop <= len(data) else None


def _split(data: bytes) -> Iterable[bytes]:
    at = 0
    while (entry := _entry(data, at)) is not None:
        yield entry
        at += 2 + len(entry)
    if at < len(data):
        yield data[at:]  # a cut-off one: fits no hash


def _leaf(entry: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + entry).digest()


def _join(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def _root(frontier: Sequence[bytes]) -> bytes:
    if not frontier:
        return hashlib.sha256(b"").digest()
    folded = frontier[-1]
    for node in reversed(frontier[:-1]):
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


def _digest(head: bytes, body: bytes) -> bytes:
    return hashlib.sha256(head + body).digest()


def _index(entry: bytes) -> Any:
    try:
        return json.loads(entry)["index"]
    except (ValueError, KeyError, TypeError, RecursionError):
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


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; gives the exit code."""
    parser = argparse.ArgumentParser(prog="verify.py", description="Prove a ledger bundle offline.")
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--vkey", help="the ledger's published key; without it the one in the bundle is used")
    parser.add_argument("--checkpoint", type=Path, metavar="FILE", help="a checkpoint you kept earlier")
    parser.add_argument("--receipt", type=Path, action="append", default=[], metavar="FILE", help="a .tlog-proof")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    given = parser.parse_args(arguments)
    try:
        old = given.checkpoint.read_text() if given.checkpoint else None
        receipts = [path.read_text() for path in given.receipt]
        result = verify(given.bundle, given.vkey, old, receipts)
    except (OSError, UnicodeDecodeError) as error:
        print(f"cannot read: {error}", file=sys.stderr)
        return 3
    print(json.dumps(asdict(result), indent=2) if given.json else result.text())
    return 0 if result.ok else 1


if __name__ == "__main__":
    sys.exit(main())
