"""Durable jobs: long work that survives a kill, shows progress, can be cancelled. Only this file knows DBOS.

A job is asked for in a transaction of ours (an outbox row): it exists exactly when the change that wants it
does. A thread hands asked jobs to DBOS under the job's id, which makes the hand-over idempotent. Steps
finished before a kill are not run again: their recorded results are used. A worker that dies is noticed by
its lease, and a live one resumes its jobs (DBOS itself resumes only under the same executor id).
"""

from __future__ import annotations

import functools
import json
import logging
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from exchange import jobstore
from exchange.clock import Clock, new_id, stamp
from exchange.database import Database
from exchange.errors import Conflict, NotFound, TongbanError
from exchange.jobstore import OPEN, Asked, JobStatus, Progress

__all__ = ["JobContext", "JobStatus", "Jobs", "Progress", "StepFailed"]

JSON = Any
"""Whatever `json` can write: arguments, results of steps and of jobs."""
Steps = Callable[[JSON, "JobContext"], JSON]
"""What a kind of job does: given its argument and context, gives its result. Runs again after a kill."""

QUEUE = "tongban-jobs"
POLL_SECONDS = 0.5
"""Each look into a queue costs milliseconds, also when nothing waits there."""
WORKFLOW = "tongban.job"
BATCH = 500
"""Jobs forgotten in one transaction: whoever else writes waits for no more."""
BATCHES = 20
"""At most so many in one round, so that the service can be stopped."""
VERSION = "1"  # pinned: DBOS would otherwise strand the jobs of an older release
_log = logging.getLogger(__name__)


class StepFailed(TongbanError):
    """A step of a job failed; the same when it happens and when it is replayed after a kill."""


class _Halt(BaseException):
    """Leaves a job where it is: the service stops, or it was cancelled. No Exception, so no step eats it."""


class JobContext:
    """What a running job may do besides its work."""

    def __init__(self, jobs: Jobs, job_id: str) -> None:
        self.id = job_id
        self._jobs = jobs
        self._told = 0.0

    def step(self, name: str, work: Callable[[], JSON]) -> JSON:
        """Run ``work`` once and keep its JSON result; after a kill the kept result is returned instead.

        Steps come in the same order every time. A kill between the work and its keeping repeats the work: a
        step either overwrites the same thing or asks `first`. Raises `StepFailed` when the work raises.
        """
        from dbos import DBOS, error

        self._jobs.stop_here()

        def kept() -> str:
            try:
                return json.dumps({"value": work()})
            except TongbanError as failure:
                return json.dumps({"error": failure.detail, "hint": failure.hint})
            except Exception as failure:
                _log.exception("step %s of job %s failed", name, self.id)
                return json.dumps({"error": _one_line(failure), "hint": ""})

        try:
            outcome = json.loads(DBOS.run_step({"name": name}, kept))
        except error.DBOSBaseException:  # cancelled, or taken over by a worker that thought this one dead
            raise _Halt from None
        if "error" in outcome:
            raise StepFailed(outcome["error"], hint=outcome["hint"])
        return outcome["value"]

    def progress(self, done: int, total: int, text: str) -> None:
        """Show how far the job is; written at most four times a second. Ends the job if it was cancelled."""
        self._jobs.stop_here()
        now = time.monotonic()
        if now - self._told >= 0.25 or done == total:
            self._told = now
            self._jobs.tell(self.id, done, total, text)

    def first(self, tx: Connection, name: str) -> bool:
        """Whether this job does ``name`` for the first time; remembered in ``tx``: so its effect is once."""
        return jobstore.mark(tx, self.id, name)


class Jobs:
    """All jobs of one service. One instance may be started at a time in a process (DBOS is global)."""

    def __init__(
        self,
        database: Database,
        home: Path,
        worker_id: str,
        clock: Clock,
        *,
        at_once: int = 2,
        lease: timedelta = timedelta(seconds=15),
    ) -> None:
        """``at_once`` jobs run side by side here; a worker not seen for a ``lease`` counts as dead."""
        self.database = database
        self._home = home
        self._worker = worker_id
        self._clock = clock
        self._at_once = at_once
        self._lease = lease
        self._kinds: dict[str, Steps] = {}
        self._lanes: dict[str, str] = {}
        self._widths: dict[str, int] = {}
        self._passing: set[str] = set()
        self._stopping = threading.Event()
        self._wake = threading.Event()
        self._threads: list[threading.Thread] = []
        self._running: set[str] = set()

    def register(self, kind: str, steps: Steps, *, lane: str = "", kept: bool = True, at_once: int = 0) -> None:
        """Say what a kind of job does; before `start`, so that jobs left by a kill find their code.

        Kinds in a ``lane`` of their own do not wait for the long jobs of others, nor these for them; ``at_once`` of
        them run side by side there, where they mostly wait. Jobs that come by the thousand and that nobody asks for
        later are not ``kept``: `tidy` forgets them; their keys must not come again.
        """
        if not kept:
            self._passing.add(kind)
        self._kinds[kind] = steps
        self._lanes[kind] = lane = f"{QUEUE}-{lane}" if lane else QUEUE
        if at_once:
            self._widths[lane] = at_once

    def submit(self, kind: str, key: str, argument: JSON, tx: Connection | None = None) -> str:
        """Ask for a job; in ``tx`` it exists only if that commits. The same (kind, key) is the same job.

        Raises `Conflict` when the key was used with another argument, KeyError for a kind never registered.
        """
        self._kinds[kind]
        if tx is None:
            with self.database.transaction() as own:
                job_id = self.submit(kind, key, argument, own)
            self._wake.set()
            return job_id
        text = json.dumps(argument, sort_keys=True)
        found = jobstore.with_key(tx, kind, key)
        if found is None:
            now = self._clock()
            found = Asked(new_id("job", now), kind, text, "asked")
            jobstore.add(tx, found, key, stamp(now))
        elif found.argument != text:
            raise Conflict(f"the {kind} job {key} was asked for with another argument", hint="use another key")
        return found.id

    def status(self, job_id: str) -> JobStatus:
        """How a job stands. Raises `NotFound`."""
        with self.database.reading() as tx:
            found = jobstore.status(tx, job_id)
        if found is None:
            raise NotFound(f"there is no job {job_id}")
        return found

    def wait(self, job_id: str, seconds: float) -> JobStatus:
        """How a job stands once it is over, or after ``seconds``."""
        deadline = time.monotonic() + seconds
        while (found := self.status(job_id)).state in OPEN and time.monotonic() < deadline:
            time.sleep(0.02)
        return found

    def cancel(self, job_id: str) -> JobStatus:
        """End a job that is not over; its running step ends at its next step or report of progress."""
        self.status(job_id)
        self._change(job_id, "cancelled")
        if self._threads:
            from dbos import DBOS

            if DBOS.get_workflow_status(job_id) is not None:
                DBOS.cancel_workflow(job_id)
        return self.status(job_id)

    def tidy(self, days: int) -> int:
        """Forget what DBOS keeps of jobs that were over so many days ago, and passing jobs whole; how many of DBOS's.

        What came of the other jobs stays in their own rows. Does nothing before `start`.
        """
        if not self._threads:
            return 0
        from dbos import DBOS

        before = self._clock() - timedelta(days=days)
        forgotten = 0
        for _ in range(BATCHES):
            over = DBOS.list_workflows(
                status=["SUCCESS", "ERROR", "CANCELLED"], name=WORKFLOW, completed_before=before.isoformat(),
                limit=BATCH, load_input=False, load_output=False,
            )  # fmt: skip
            DBOS.delete_workflows([job.workflow_id for job in over])
            forgotten += len(over)
            if len(over) < BATCH:
                break
        for kind in sorted(self._passing):
            for _ in range(BATCHES):
                with self.database.transaction() as tx:
                    if jobstore.forget(tx, kind, stamp(before), BATCH) < BATCH:
                        break
        return forgotten

    def start(self) -> None:
        """Run jobs in this process, first those a kill left here under the same worker id."""
        global _current
        from dbos import DBOS

        if _current is not None:
            raise Conflict("jobs are already running in this process", hint="stop the other service first")
        run = _workflow()
        url = self.database.engine.url
        if self.database.dialect == "sqlite":
            url = url.set(database=str(self._home.resolve() / "jobs.sqlite"))
        self._beat()
        _current = self
        self._stopping.clear()
        try:
            DBOS(
                config={
                    "name": "tongban",
                    "system_database_url": url.render_as_string(hide_password=False),
                    "executor_id": self._worker,
                    "application_version": VERSION,
                    "log_level": "ERROR",
                }
            )
            DBOS.launch()
            for lane in sorted({QUEUE, *self._lanes.values()}):
                width = self._widths.get(lane, self._at_once)
                DBOS.register_queue(lane, worker_concurrency=width, polling_interval_sec=POLL_SECONDS)
        except BaseException:  # half started would refuse every later start in this process
            self.stop()
            raise
        self._spawn("jobs-hand-over", functools.partial(self._hand_over, run), 0.2)
        self._spawn("jobs-lease", self._keep_lease, self._lease.total_seconds() / 3)

    def stop(self, patience: float = 10.0) -> None:
        """Stop running jobs; each stays where it is after its present step, and goes on at the next start."""
        global _current
        if _current is not self:
            return
        from dbos import DBOS

        self._stopping.set()
        self._wake.set()
        for thread in self._threads:
            thread.join(patience)
        deadline = time.monotonic() + patience
        while self._running and time.monotonic() < deadline:
            time.sleep(0.02)
        DBOS.destroy(workflow_completion_timeout_sec=0)
        with self.database.transaction() as tx:  # the lease given back: another worker need not wait for it
            jobstore.beat(tx, self._worker, "")
        self._threads.clear()
        _current = None

    # ---- used by a running job

    def run(self, job_id: str) -> None:
        """Do one job; called by DBOS, again after every kill."""
        with self.database.reading() as tx:
            asked = jobstore.asked(tx, job_id)
        if asked is None or asked.state not in OPEN:
            return
        self._running.add(job_id)
        try:
            result = self._do(asked)
            over = self._change(job_id, "done", result=json.dumps(result))
        except Exception as error:
            if self._stopping.is_set():
                # DBOS went away under a long step: no failure of the job, which goes on at the next start
                raise _Halt from error
            if not isinstance(error, TongbanError):
                _log.exception("job %s (%s) failed", job_id, asked.kind)
            over = self._change(job_id, "failed", error=_one_line(error))
        finally:
            self._running.discard(job_id)
        if not over:  # cancelled in its last moment
            raise _Halt

    def stop_here(self) -> None:
        """Leave the running job when the service stops."""
        if self._stopping.is_set():
            raise _Halt

    def tell(self, job_id: str, done: int, total: int, text: str) -> None:
        """Write progress; leave the running job when it was cancelled."""
        if not self._change(job_id, "running", done=done, total=total, text=text):
            raise _Halt

    # ---- inside

    def _do(self, asked: Asked) -> JSON:
        steps = self._kinds.get(asked.kind)
        if steps is None:
            raise NotFound(f"this release does not know jobs of kind {asked.kind}")
        if not self._change(asked.id, "running"):
            raise _Halt
        return steps(json.loads(asked.argument), JobContext(self, asked.id))

    def _change(self, job_id: str, state: str, **values: Any) -> bool:
        with self.database.transaction() as tx:
            return jobstore.change(tx, job_id, state, stamp(self._clock()), **values)

    def _spawn(self, name: str, work: Callable[[], None], pause: float) -> None:
        def loop() -> None:
            while not self._stopping.is_set():
                try:
                    work()
                except SQLAlchemyError:
                    _log.exception("the database did not answer %s; trying again", name)
                self._wake.wait(pause)
                self._wake.clear()

        thread = threading.Thread(target=loop, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _hand_over(self, run: Callable[[str], None]) -> None:
        from dbos import DBOS, SetWorkflowID

        with self.database.reading() as tx:
            waiting = jobstore.waiting(tx, 100)
        for job_id, kind in waiting:
            with SetWorkflowID(job_id):
                DBOS.enqueue_workflow(self._lanes.get(kind, QUEUE), run, job_id)
            with self.database.transaction() as tx:
                jobstore.handed_over(tx, job_id)

    def _beat(self) -> None:
        with self.database.transaction() as tx:
            jobstore.beat(tx, self._worker, stamp(self._clock()))

    def _keep_lease(self) -> None:
        from dbos import DBOS

        self._beat()
        now = self._clock()
        late = stamp(now - self._lease)
        with self.database.transaction() as tx:
            dead = jobstore.claim_dead(tx, late, stamp(now))
        for worker in dead:
            left = DBOS.list_workflows(status="PENDING", executor_id=worker, load_input=False, load_output=False)
            for job in left:
                _log.warning("taking over job %s from worker %s", job.workflow_id, worker)
                DBOS.resume_workflow(job.workflow_id, queue_name=job.queue_name or QUEUE)
            with self.database.transaction() as tx:
                jobstore.bury(tx, worker, late)


_current: Jobs | None = None


@functools.cache
def _workflow() -> Callable[[str], None]:
    # registered once per process; DBOS keeps its registry when it is stopped
    from dbos import DBOS

    def run(job_id: str) -> None:
        if _current is not None:
            _current.run(job_id)

    return DBOS.workflow(name=WORKFLOW, max_recovery_attempts=100)(run)


def _one_line(error: Exception) -> str:
    text = str(error) if isinstance(error, TongbanError) else f"{type(error).__name__}: {error}"
    return " ".join(text.split())[:500]
