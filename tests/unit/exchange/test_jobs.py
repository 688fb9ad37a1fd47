"""Durable jobs on both databases: asked for in a transaction, shown, failed, cancelled, stopped and continued."""

from __future__ import annotations

import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, select, text

from exchange import jobstore
from exchange.clock import stamp, system_clock
from exchange.database import Database
from exchange.errors import Conflict, NotFound, Unprocessable
from exchange.jobs import JobContext, Jobs, StepFailed


class Work:
    """Kinds of jobs for the tests, and what they did."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.entered, self.leave = threading.Event(), threading.Event()

    def sum(self, argument: Any, job: JobContext) -> Any:
        total = 0
        for number in range(argument["count"]):
            total += job.step(f"add-{number}", lambda number=number: self.ran.append(f"{number}") or number)
            job.progress(number + 1, argument["count"], f"added {number}")
        return {"sum": total}

    def wait(self, _argument: Any, job: JobContext) -> Any:
        for number in range(400):
            job.step(f"wait-{number}", lambda: self.entered.set() or self.leave.wait(0.01))
            job.progress(number, 400, "waiting")
        return None

    def broken(self, argument: Any, job: JobContext) -> Any:
        def fail() -> None:
            raise (
                Unprocessable("the seed is spoiled", hint="sow another") if argument["ours"] else ZeroDivisionError("x")
            )

        try:
            job.step("fail", fail)
        except StepFailed as error:
            self.ran.append(error.detail)
            raise

    def bug(self, _argument: Any, _job: JobContext) -> Any:
        raise KeyError("no such thing")


@pytest.fixture
def work() -> Work:
    return Work()


def made(database: Database, home: Path, work: Work, worker: str = "worker-1", **options: Any) -> Jobs:
    jobs = Jobs(database, home, worker, system_clock, **options)
    for kind in ("sum", "wait", "broken", "bug"):
        jobs.register(kind, getattr(work, kind))
    jobs.register("passing", work.sum, kept=False)
    return jobs


def steps_kept(database: Database, home: Path) -> dict[str, int]:
    """Rows DBOS keeps, by the job."""
    sqlite = database.dialect == "sqlite"
    engine = create_engine(f"sqlite:///{home / 'jobs.sqlite'}") if sqlite else database.engine
    found: Counter[str] = Counter()
    with engine.connect() as connection:
        for table in ("workflow_status", "workflow_input", "workflow_output", "operation_outputs"):
            rows = connection.execute(text(f"SELECT workflow_uuid FROM {'' if sqlite else 'dbos.'}{table}"))
            found.update(rows.scalars())
    if sqlite:
        engine.dispose()
    return dict(found)


@pytest.fixture
def jobs(database: Database, tmp_path: Path, work: Work) -> Iterator[Jobs]:
    found = made(database, tmp_path, work)
    yield found
    work.leave.set()
    found.stop()


# ---- asking, without anything running


def test_a_job_exists_exactly_when_its_transaction_commits(database: Database, jobs: Jobs) -> None:
    def undone() -> None:
        with database.transaction() as tx:
            jobs.submit("sum", "k-1", {"count": 1}, tx)
            raise RuntimeError("undo")

    with pytest.raises(RuntimeError):
        undone()
    with database.reading() as tx:
        assert tx.execute(select(jobstore.JOBS.c.id)).all() == []
    with database.transaction() as tx:
        job = jobs.submit("sum", "k-1", {"count": 1}, tx)
    assert jobs.status(job).state == "queued"


def test_the_same_key_is_the_same_job(jobs: Jobs) -> None:
    first = jobs.submit("sum", "k-1", {"count": 1})
    assert jobs.submit("sum", "k-1", {"count": 1}) == first
    assert jobs.submit("sum", "k-2", {"count": 1}) != first
    assert jobs.submit("wait", "k-1", {"count": 1}) != first
    with pytest.raises(Conflict):
        jobs.submit("sum", "k-1", {"count": 2})
    with pytest.raises(KeyError):
        jobs.submit("never", "k-1", {})
    with pytest.raises(NotFound):
        jobs.status("job_x")
    with pytest.raises(NotFound):
        jobs.cancel("job_x")


def test_a_job_cancelled_before_it_began_never_runs(jobs: Jobs, work: Work) -> None:
    job = jobs.submit("sum", "k-1", {"count": 3})
    assert jobs.cancel(job).state == "cancelled"
    other = jobs.submit("sum", "k-2", {"count": 0})
    jobs.start()
    assert jobs.wait(other, 20).state == "done"
    assert jobs.status(job).state == "cancelled"
    assert work.ran == []


def test_an_effect_marked_by_its_job_happens_once(database: Database, jobs: Jobs) -> None:
    one, other = JobContext(jobs, "job_1"), JobContext(jobs, "job_2")
    with database.transaction() as tx:
        assert one.first(tx, "certificate")
        assert not one.first(tx, "certificate")
        assert other.first(tx, "certificate")
        assert one.first(tx, "listing")


# ---- running


def test_the_life_of_jobs(
    database: Database, jobs: Jobs, work: Work, tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: Any
) -> None:
    """One start for all of it, because starting takes a second: done, failed, cancelled, stopped, gone on, tidied."""
    jobs.start()
    with pytest.raises(Conflict):
        made(database, tmp_path, work).start()

    done = jobs.wait(jobs.submit("sum", "k-1", {"count": 5}), 20)
    assert (done.state, done.result, done.error) == ("done", {"sum": 10}, None)
    assert (done.progress.done, done.progress.total, done.progress.text) == (5, 5, "added 4")
    assert work.ran == ["0", "1", "2", "3", "4"]
    assert jobs.cancel(done.id).state == "done"  # over is over

    ours = jobs.wait(jobs.submit("broken", "k-1", {"ours": True}), 20)
    assert (ours.state, ours.error) == ("failed", "the seed is spoiled — sow another")
    assert "Traceback" not in caplog.text
    theirs = jobs.wait(jobs.submit("broken", "k-2", {"ours": False}), 20)
    assert (theirs.state, theirs.error) == ("failed", "ZeroDivisionError: x")
    assert caplog.text.count("Traceback") == 1  # a mistake of ours is logged with its place
    bug = jobs.wait(jobs.submit("bug", "k-1", {}), 20)
    assert (bug.state, bug.error) == ("failed", "KeyError: 'no such thing'")
    assert caplog.text.count("Traceback") == 2

    cancelled = jobs.submit("wait", "k-1", {})
    assert work.entered.wait(20)
    assert jobs.cancel(cancelled).state == "cancelled"
    deadline = time.monotonic() + 10
    while jobs._running and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not jobs._running
    assert jobs.status(cancelled).state == "cancelled"

    work.entered.clear()
    stopped = jobs.submit("wait", "k-2", {})
    assert work.entered.wait(20)
    jobs.stop()
    assert jobs.status(stopped).state == "running"
    jobs.stop()  # twice is fine

    work.leave.set()
    again = made(database, tmp_path, work)
    again.start()
    try:
        assert again.wait(stopped, 60).state == "done"
        passing = again.wait(again.submit("passing", "k-1", {"count": 3}), 20)
        work.entered.clear()
        work.leave.clear()
        running = again.submit("wait", "k-3", {})
        assert work.entered.wait(20)
        assert again.tidy(1) == 0
        assert len(steps_kept(database, tmp_path)) >= 7
        assert again.status(passing.id) == passing, "nothing is old yet"
        deadline = time.monotonic() + 10
        while steps_kept(database, tmp_path).keys() != {running} and time.monotonic() < deadline:
            again.tidy(0)
            time.sleep(0.05)
        assert steps_kept(database, tmp_path).keys() == {running}
        assert again.status(done.id) == done, "what came of a job stays"
        with pytest.raises(NotFound):
            again.status(passing.id)
        work.leave.set()
        assert again.wait(running, 20).state == "done"
    finally:
        again.stop()
    assert "dbos" not in capfd.readouterr().err.lower()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_nothing_is_told_to_the_network(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Any] = []
    monkeypatch.setattr(socket.socket, "connect", lambda _self, address: told.append(address))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *address, **_: told.append(address) or [])
    jobs.start()
    assert jobs.wait(jobs.submit("sum", "k-1", {"count": 1}), 20).state == "done"
    jobs.stop()
    assert told == []


# ---- leases


def test_a_dead_worker_is_claimed_by_one_live_one(database: Database, clock: Any) -> None:
    lease = timedelta(seconds=15)
    with database.transaction() as tx:
        jobstore.beat(tx, "dead", stamp(clock()))
        assert jobstore.claim_dead(tx, stamp(clock() - lease), stamp(clock())) == []
    clock.advance(seconds=16)
    with database.transaction() as tx:
        late, now = stamp(clock() - lease), stamp(clock())
        assert jobstore.claim_dead(tx, late, now) == ["dead"]
        assert jobstore.claim_dead(tx, late, now) == []  # somebody is on it
    clock.advance(seconds=16)
    with database.transaction() as tx:  # who claimed it died as well
        late, now = stamp(clock() - lease), stamp(clock())
        assert jobstore.claim_dead(tx, late, now) == ["dead"]
        jobstore.beat(tx, "dead", now)
        jobstore.bury(tx, "dead", late)
        assert tx.execute(select(jobstore.WORKERS.c.id)).scalars().all() == ["dead"]  # it came back
        jobstore.beat(tx, "dead", "")  # it gave its lease back
        assert jobstore.claim_dead(tx, late, now) == ["dead"]
        jobstore.bury(tx, "dead", late)
        assert tx.execute(select(jobstore.WORKERS.c.id)).scalars().all() == []
