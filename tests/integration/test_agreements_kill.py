"""Sweeps of statutory clocks run side by side and are killed in the middle: every breach is recorded exactly once."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from exchange.agreements import proceeding_store, service, store
from exchange.agreements.clocks import Running
from exchange.database import Database
from tests.conftest import named, run_sql
from tests.integration.sweeping import agreements

LATE = 300
SWEEPER = """
import sys
from tests.integration.sweeping import agreements
swept = agreements(sys.argv[1])
print("ready", flush=True)
swept.due()
print("done", flush=True)
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        found = f"sqlite:///{tmp_path / 'sweep.sqlite'}"
    else:
        server = request.getfixturevalue("postgres")
        run_sql(server, "CREATE DATABASE sweep_kill")
        found = named(server, "sweep_kill")
    database = Database(found)
    database.create()
    with database.transaction() as tx:
        day = date(2026, 1, 5)
        for number in range(LATE):
            store.save_clock(
                tx, Running(f"clk_{number:04}", "C4", f"apl_{number}", "police", day, day, False, code="P39-4")
            )
    database.close()
    yield found
    if request.param == "postgresql":
        run_sql(server, "DROP DATABASE sweep_kill WITH (FORCE)")


def test_every_breach_is_recorded_once_however_sweeps_are_killed(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "BATCH", service.BATCH)  # put back what `agreements` sets
    chance, watched = random.Random(11), Database(url)
    for turn in range(1):
        running = []
        for worker in ("one", "two"):
            out = tmp_path / f"{worker}-{turn}.txt"
            with out.open("w") as file:
                command = [sys.executable, "-c", SWEEPER, url]
                root = Path(__file__).parents[2]
                running.append((out, subprocess.Popen(command, cwd=root, stdout=file, stderr=subprocess.STDOUT)))
        # they are at work: some clocks of this turn are noted, most are not
        wanted, deadline = (turn + 1) * 50, time.monotonic() + 120
        while noted(watched) < wanted and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(chance.random() * 0.05)
        for out, process in running:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            assert set(out.read_text().split()) <= {"ready", "done"}, out.read_text()
    swept = agreements(url)
    assert 0 < noted(watched) <= LATE  # the killed ones did some of the work
    swept.due()
    assert swept.due() == []
    entries = [entry for start in range(0, swept.ledger.size(), 500) for entry in swept.ledger.entries(start - 1, 500)]
    told = Counter(str(entry.body["clock"]) for entry in entries if entry.kind == "clock.breached")
    assert told == Counter({f"clk_{number:04}": 1 for number in range(LATE)})
    with swept.database.reading() as tx:
        kept = Counter(str(one.clock) for one in proceeding_store.violations(tx))
    assert kept == told
    swept.ledger.check(deep=True)
    watched.close()
    swept.database.close()


def noted(database: Database) -> int:
    """How many breaches are recorded."""
    with database.reading() as tx:
        return len(proceeding_store.violations(tx))
