"""A job under way when the service stops or is killed goes on at the next start, and no finished step runs twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from exchange.clock import system_clock
from exchange.database import Database
from exchange.jobs import JobContext, Jobs

WORKER = """
import sys, time
from pathlib import Path
from exchange.clock import system_clock
from exchange.database import Database
from exchange.jobs import Jobs

home = Path(sys.argv[1])
database = Database(f"sqlite:///{home / 'jobs-test.sqlite'}")
database.create()
jobs = Jobs(database, home, "worker-1", system_clock)

def steps(argument, job):
    for number in range(6):
        def step(number=number):
            with (home / "ran.txt").open("a") as file:
                file.write(f"{number}\\n")
            time.sleep(0.25)
            return number
        job.step(f"step-{number}", step)
    return "done"

jobs.register("slow", steps)
jobs.submit("slow", "one", {})
jobs.start()
print("started", flush=True)
for _ in range(400):
    if jobs.status(jobs.submit("slow", "one", {})).state == "done":
        print("finished", flush=True)
        break
    time.sleep(0.05)
jobs.stop()
"""


def test_a_kill_in_the_middle_repeats_at_most_the_step_it_hit(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WORKER, str(tmp_path)]
    first = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert first.stdout is not None
    assert first.stdout.readline() == "started\n"
    ran = tmp_path / "ran.txt"
    while not ran.exists() or len(ran.read_text().split()) < 3:
        time.sleep(0.02)
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    first.stdout.close()
    second = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert "finished" in second.stdout
    numbers = ran.read_text().split()
    assert sorted(set(numbers)) == list("012345")
    assert len(numbers) <= 7  # one step may have been cut off in the middle


def test_a_long_step_cut_off_by_a_stop_is_no_failure(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'stop.sqlite'}")
    database.create()
    entered, leave = threading.Event(), threading.Event()

    def slow(_argument: object, job: JobContext) -> str:
        def wait() -> str:
            entered.set()
            leave.wait(30)
            return "waited"

        return str(job.step("long", wait))

    jobs = Jobs(database, tmp_path, "worker-1", system_clock)
    jobs.register("slow", slow)
    job = jobs.submit("slow", "one", {})
    jobs.start()
    assert entered.wait(20)
    jobs.stop(patience=0.2)
    leave.set()
    time.sleep(1.0)
    assert jobs.status(job).state in {"queued", "running"}
    again = Jobs(database, tmp_path, "worker-1", system_clock)
    again.register("slow", slow)
    again.start()
    assert again.wait(job, 30).state == "done"
    again.stop()
    database.close()


def test_a_job_of_an_unknown_kind_cannot_be_asked_for(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'kind.sqlite'}")
    database.create()
    with pytest.raises(KeyError):
        Jobs(database, tmp_path, "worker-1", system_clock).submit("never", "one", {})
    database.close()
