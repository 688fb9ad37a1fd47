"""A worker killed in the middle of a job: another one takes the job over, and its effects happen once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from exchange.clock import system_clock
from exchange.database import Database
from exchange.jobs import JobContext, Jobs
from exchange.ledger.service import Ledger
from tests.conftest import named, run_sql

STEPS = 12
WORKER = """
import sys
from tests.integration.test_jobs_takeover import work
jobs, ledger = work(*sys.argv[1:])
jobs.start()
print("started", flush=True)
jobs.wait(jobs.submit("count", "one", {}), 60)
jobs.stop()
"""


def work(url: str, home: str, worker: str) -> tuple[Jobs, Ledger]:
    """Jobs whose one kind writes an entry a step into the ledger, and that ledger."""
    database = Database(url)
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    ledger = Ledger(database, key, "tongban.test/ledger", b"i" * 32, system_clock)
    jobs = Jobs(database, Path(home), worker, system_clock, lease=timedelta(seconds=1.5))

    def count(_argument: object, job: JobContext) -> int:
        for number in range(STEPS):

            def step(number: int = number) -> int:
                with database.transaction() as tx:
                    if job.first(tx, f"entry-{number}"):
                        ledger.append(tx, "test.counted", {"number": number, "worker": worker})
                time.sleep(0.1)  # the effect is there, the step is not yet recorded: where a kill hurts most
                return number

            job.step(f"count-{number}", step)
            job.progress(number + 1, STEPS, "counting")
        return STEPS

    jobs.register("count", count)
    return jobs, ledger


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        found = f"sqlite:///{tmp_path / 'jobs-test.sqlite'}"
    else:
        server = request.getfixturevalue("postgres")
        run_sql(server, "CREATE DATABASE takeover")
        found = named(server, "takeover")
    database = Database(found)
    database.create()
    database.close()
    yield found
    if request.param == "postgresql":
        run_sql(server, "DROP DATABASE takeover WITH (FORCE)")


@pytest.mark.parametrize("second", ["worker-1", "worker-2"])
def test_a_killed_workers_job_is_finished_once(url: str, tmp_path: Path, second: str) -> None:
    """The same worker started again resumes its job at once; another one when the lease has run out."""
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", WORKER, url, str(tmp_path), "worker-1"]
    first = subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True)
    assert first.stdout is not None
    assert first.stdout.readline() == "started\n"
    jobs, ledger = work(url, str(tmp_path), second)
    deadline = time.monotonic() + 30
    while ledger.size() < 4 and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    first.stdout.close()
    before = ledger.size()
    assert 4 <= before < STEPS
    job = jobs.submit("count", "one", {})
    assert jobs.status(job).state == "running"
    jobs.start()
    try:
        found = jobs.wait(job, 60)
    finally:
        jobs.stop()
    assert (found.state, found.result) == ("done", STEPS)
    entries = [entry.body for entry in ledger.entries(kind="test.counted")]
    assert [entry["number"] for entry in entries] == list(range(STEPS))  # none lost, none doubled
    assert {entry["worker"] for entry in entries[before:]} == {second}
    ledger.check(deep=True)
    ledger.database.close()
