"""The ledger on SQLite with every commit on the disk: batches, single appends, proofs, growth, offline verification.

`TONGBAN_BENCH_ENTRIES` (default 1,000,000) is what the verifier reads, `TONGBAN_BENCH_LARGE` (default 10,000,000; about
4 GB of disk) the ledger whose appends are set beside those of one with 10,000 entries, turn by turn. Both are laid down
straight into the tables, as the service would have left them; a deep check of a small one holds that they are the same.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import random
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from exchange.bench import row
from exchange.clock import system_clock
from exchange.database import Database
from exchange.ledger import store, tree, verify
from exchange.ledger.lane import Lane
from exchange.ledger.model import Entry
from exchange.ledger.service import Draft, Ledger

ENTRIES = int(os.environ.get("TONGBAN_BENCH_ENTRIES", 1_000_000))
LARGE = int(os.environ.get("TONGBAN_BENCH_LARGE", 10_000_000))
SMALL, CONNECTIONS, TURNS, WIDTH = 10_000, 32, 30, 256
AT = "2026-11-02T01:00:00.000Z"


def measure() -> list[dict[str, Any]]:
    """All rows. Rates and times are the best of several turns: other work on the machine only ever slows down."""
    with tempfile.TemporaryDirectory(prefix="tongban-bench-") as name:
        folder = Path(name)
        return [*_writing(folder), *_verifying(folder), *_growth(folder)]


def _writing(folder: Path) -> Iterator[dict[str, Any]]:
    ledger = opened(folder / "writing.sqlite")
    batches, processor = _rate(20_000, lambda: _batches(ledger, 20, 1000))
    holds = batches >= 20_000
    yield row("entries in batches of 1,000", round(batches), "1/s", processor, None, ">= 20,000", holds)
    alone, _ = _rate(500, lambda: _batches(ledger, 500, 1))
    lane = Lane(partial(_together, ledger))
    together, processor = _rate(CONNECTIONS * 150, lambda: asyncio.run(_singles(lane, 150)))
    lane.close()
    against, ratio = f"one commit each: {alone:.0f}/s; {processor}", round(together / alone, 2)
    holds = together >= 3000
    yield row("single entries, 32 at once, group commit", round(together), "1/s", against, ratio, ">= 3,000", holds)
    ledger.database.close()


def _verifying(folder: Path) -> Iterator[dict[str, Any]]:
    path = folder / "verifying.sqlite"
    grow(path, ENTRIES, every=1000)
    ledger = opened(path)
    began = time.perf_counter()
    ledger.export(folder / "bundle")
    exported = time.perf_counter() - began
    size = (folder / "bundle").stat().st_size
    yield row(f"export of {ENTRIES:,} entries", round(exported, 1), "s", f"{size / 1e6:.0f} MB", None, "", None)
    command = [sys.executable, verify.__file__, str(folder / "bundle"), "--vkey", ledger.vkey]
    times = []
    for _ in range(2):
        began = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        times.append(time.perf_counter() - began)
    against = f"{ENTRIES / min(times):,.0f} entries/s"
    holds = min(times) * max(1, 1_000_000 / ENTRIES) <= 15
    yield row(f"offline verification of {ENTRIES:,} entries", round(min(times), 2), "s", against, None, "<= 15", holds)
    ledger.database.close()
    path.unlink()
    (folder / "bundle").unlink()


def _growth(folder: Path) -> Iterator[dict[str, Any]]:
    ledgers = []
    for count in (SMALL, LARGE):
        grow(folder / f"{count}.sqlite", count, every=count)
        ledgers.append(opened(folder / f"{count}.sqlite"))
        ledgers[-1].check()
    times: list[list[float]] = [[], []]
    for turn in range(TURNS):  # turn by turn, so that both meet the same neighbours on the machine
        for which in (0, 1) if turn % 2 else (1, 0):
            times[which].append(_seconds(lambda one=ledgers[which]: _batches(one, 40, 1)) / 40)
    small, large = (statistics.median(one) * 1000 for one in times)
    ratio = large / small
    against = f"{small:.3f} ms at {SMALL:,}"
    yield row(
        f"one append at {LARGE:,} entries", round(large, 3), "ms", against, round(ratio, 3), "<= 1.2", ratio <= 1.2
    )
    chance, big = random.Random(7), ledgers[1]
    proofs = [_seconds(lambda: big.proof(chance.randrange(LARGE))) * 1000 for _ in range(200)]
    middle = statistics.median(proofs)
    tail = f"p99 {sorted(proofs)[197]:.2f} ms"
    yield row(f"inclusion proof at {LARGE:,} entries", round(middle, 2), "ms", tail, None, "<= 2", middle <= 2)
    for ledger in ledgers:
        ledger.database.close()


def opened(path: Path) -> Ledger:
    """The ledger of a file, with its tables."""
    database = Database(f"sqlite:///{path}")
    database.create()
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    return Ledger(database, key, "tongban.example/ledger", b"i" * 32, system_clock)


def _draft(number: int) -> Draft:
    """A delivery as the broker records it, about one person."""
    body = {
        "agreement": "agr_019a2c4e1b7f",
        "consumer": "civil-affairs",
        "delivery": f"dlv_{number:016x}",
        "fields": ["HYZT", "DJRQ"],
        "interface": "police.marriages",
        "operation": "getMarriage",
        "provider": "police",
        "records": 1,
        "rule": "allowed",
        "status": 200,
    }
    return Draft("delivery.made", body, subjects=[f"11010119900307{number % 10_000:04d}"])


def _batches(ledger: Ledger, count: int, size: int) -> None:
    for number in range(count):
        with ledger.database.transaction() as tx:
            ledger.append_all(tx, [_draft(number * size + n) for n in range(size)])


def _together(ledger: Ledger, drafts: Sequence[Draft]) -> list[Entry]:
    with ledger.database.transaction() as tx:
        return ledger.append_all(tx, drafts)


async def _singles(lane: Lane, each: int) -> None:
    async def one() -> None:
        for number in range(each):
            await lane(_draft(number))

    await asyncio.gather(*(one() for _ in range(CONNECTIONS)))


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _rate(count: int, work: Callable[[], object]) -> tuple[float, str]:
    """A second's number by the clock, best of five turns; and what a second of processor time would do."""
    best = processor = 0.0
    for _ in range(5):
        used = time.process_time()
        best = max(best, count / _seconds(work))
        processor = max(processor, count / (time.process_time() - used))
    return best, f"{processor:,.0f} in a processor second"


def grow(path: Path, count: int, every: int) -> None:
    """Lay down ``count`` entries as if they had been appended, a checkpoint ``every`` so many."""
    ledger = opened(path)
    ledger.database.close()
    base = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-200000"):
        base.execute(f"PRAGMA {pragma}")
    base.execute("BEGIN")
    frontier: list[bytes] = []
    roots: list[list[bytes]] = [[]]  # hashes of the tile that is being filled, by level
    full: list[int] = [0]  # how many tiles are full, by level
    for start in range(0, count, every):
        stop = min(start + every, count)
        rows = [(n, "delivery.made", AT, _encoded(n)) for n in range(start, stop)]
        base.executemany("INSERT INTO ledger_entries (idx, kind, at, data) VALUES (?, ?, ?, ?)", rows)
        tags = [(n // store.EPOCH, hashlib.sha256(b"%d" % n).digest(), n) for n in range(start, stop)]
        base.executemany("INSERT INTO ledger_subjects (epoch, subject, idx, generation) VALUES (?, ?, ?, 1)", tags)
        for n, (_, _, _, data) in enumerate(rows, start):
            leaf = hashlib.sha256(b"\x00" + data).digest()
            tree.push(n, frontier, leaf)
            _tile(base, roots, full, leaf)
        root = tree.root(frontier)
        note = ledger.key.sign(f"{ledger.origin}\n{stop}\n{base64.b64encode(root).decode()}\n")
        base.execute(
            "INSERT INTO ledger_checkpoints (size, root, at, note) VALUES (?, ?, ?, ?)", (stop, root, AT, note)
        )
    head = (1, count, b"".join(frontier), tree.root(frontier))
    base.execute("INSERT INTO ledger_head (id, size, frontier, root) VALUES (?, ?, ?, ?)", head)
    base.execute("COMMIT")
    base.close()


def _tile(base: sqlite3.Connection, roots: list[list[bytes]], full: list[int], hashed: bytes) -> None:
    level = 0
    while True:
        if level == len(roots):
            roots.append([])
            full.append(0)
        roots[level].append(hashed)
        if len(roots[level]) < WIDTH:
            return
        hashed = tree.root_of(roots[level])
        tile = (level, full[level], b"".join(roots[level]), hashed)
        base.execute("INSERT INTO ledger_tiles (level, n, hashes, root) VALUES (?, ?, ?, ?)", tile)
        roots[level], full[level], level = [], full[level] + 1, level + 1


def _encoded(number: int) -> bytes:
    return (
        f'{{"agreement":"agr_019a2c4e1b7f","at":"{AT}","consumer":"civil-affairs","delivery":"dlv_{number:016x}",'
        f'"fields":["HYZT","DJRQ"],"index":{number},"interface":"police.marriages","kind":"delivery.made",'
        f'"operation":"getMarriage","provider":"police","records":1,"rule":"allowed","status":200,"version":1}}'
    ).encode()
