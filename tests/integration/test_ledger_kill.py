"""Processes that append are killed in the middle and started again: nothing acknowledged is lost, no gap, no fork."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from exchange.clock import system_clock
from exchange.database import Database
from exchange.ledger.keeper import Keeper
from exchange.ledger.lane import Lane, Loop
from exchange.ledger.service import Ledger
from exchange.ledger.verify import verify
from tests.conftest import named, run_sql

APPENDER = """
import sys, threading
from tests.integration.test_ledger_kill import Keeper, Lane, Loop, opened
ledger = opened(sys.argv[1])
ledger.check()
Keeper(ledger, seconds=0.05, poll=0.02).start()
def together(jobs):
    with ledger.database.transaction() as tx:
        return [ledger.append(tx, "test.made", body).index for body in jobs]
lane, loop, saying = Lane(together), Loop("waiting"), threading.Lock()
def work(thread):
    for number in range(100_000):
        body = {"by": sys.argv[2], "thread": thread, "number": number}
        if sys.argv[3] == "alone":
            with ledger.database.transaction() as tx:
                index = ledger.append(tx, "test.made", body).index
        else:
            index = loop.run(lane(body))
        with saying:  # acknowledged: from here on it must not be lost
            sys.stdout.write(f"{index} {thread} {number}\\n")
            sys.stdout.flush()
threads = [threading.Thread(target=work, args=(n,)) for n in range(1 if sys.argv[3] == "alone" else 8)]
[thread.start() for thread in threads]
"""


def opened(url: str) -> Ledger:
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    return Ledger(Database(url), key, "tongban.test/ledger", b"i" * 32, system_clock)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        found = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    else:
        server = request.getfixturevalue("postgres")
        run_sql(server, "CREATE DATABASE ledger_kill")
        found = named(server, "ledger_kill")
    database = Database(found)
    database.create()
    database.close()
    yield found
    if request.param == "postgresql":
        run_sql(server, "DROP DATABASE ledger_kill WITH (FORCE)")


def test_nothing_acknowledged_is_lost_to_kills(url: str, tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    chance = random.Random(7)
    acknowledged: dict[int, tuple[str, int, int]] = {}
    for turn in range(3):
        running = []
        for worker, how in (("one", "alone"), ("two", "together")):
            name = f"{worker}-{turn}"
            out = tmp_path / f"{name}.txt"
            with out.open("w") as file:
                command = [sys.executable, "-c", APPENDER, url, name, how]
                running.append((name, out, subprocess.Popen(command, cwd=root, stdout=file, stderr=subprocess.STDOUT)))
        deadline = time.monotonic() + 60
        while any(out.stat().st_size < 200 for _, out, _ in running) and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(chance.random() * 0.2)
        for name, out, process in running:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            lines = [line.split() for line in out.read_text().splitlines(keepends=True) if line.endswith("\n")]
            assert len(lines) > 10, out.read_text()
            for index, thread, number in lines:
                assert int(index) not in acknowledged
                acknowledged[int(index)] = (name, int(thread), int(number))
    ledger = opened(url)
    ledger.check(deep=True)
    entries = [entry for start in range(0, ledger.size(), 1000) for entry in ledger.entries(start - 1, 1000)]
    assert [entry.index for entry in entries] == list(range(len(entries)))
    # one a killed thread at most: committed, not yet said
    assert len(entries) - len(acknowledged) <= 3 * (1 + 8)
    for index, said in acknowledged.items():
        body = entries[index].body
        assert (body["by"], body["thread"], body["number"]) == said
    ledger.export(tmp_path / "bundle")
    result = verify(tmp_path / "bundle", ledger.vkey)
    assert result.ok, result.text()
    assert result.entries == len(entries)
    assert result.checkpoints > 4  # several keepers signed, and none of them a fork
    ledger.database.close()


__all__ = ["Keeper", "Lane", "Loop", "opened"]
