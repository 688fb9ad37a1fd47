"""Rows of the durable jobs: what `exchange.jobs` shows and hands over; DBOS keeps the execution."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Connection, Integer, Row, Table, Text, UniqueConstraint, select

from exchange.database import metadata

OPEN = ("asked", "queued", "running")
"""States of a job that is not over; ``asked`` means not yet handed to DBOS."""

JOBS = Table(
    "jobs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("argument", Text, nullable=False),
    Column("state", Text, nullable=False, index=True),
    Column("done", Integer, nullable=False),
    Column("total", Integer, nullable=False),
    Column("text", Text, nullable=False),
    Column("error", Text),
    Column("result", Text),
    Column("asked_at", Text, nullable=False),
    Column("changed_at", Text, nullable=False),
    UniqueConstraint("kind", "key"),
)
MARKS = Table(
    "job_marks",
    metadata,
    Column("job", Text, primary_key=True),
    Column("name", Text, primary_key=True),
)
WORKERS = Table(
    "job_workers",
    metadata,
    Column("id", Text, primary_key=True),
    Column("seen_at", Text, nullable=False),
    Column("taken_at", Text),
)


@dataclass(frozen=True, slots=True)
class Progress:
    """``done`` of ``total`` (0 = unknown) and one line of text."""

    done: int
    total: int
    text: str


@dataclass(frozen=True, slots=True)
class JobStatus:
    """How a job stands: ``state`` is queued, running, done, failed or cancelled; times are RFC 3339."""

    id: str
    kind: str
    state: str
    progress: Progress
    error: str | None
    result: Any
    asked_at: str
    changed_at: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A job as it was asked for; ``argument`` is JSON text, ``state`` may also be ``asked``."""

    id: str
    kind: str
    argument: str
    state: str


def add(tx: Connection, asked: Asked, key: str, at: str) -> None:
    """Write a job nobody asked for before."""
    row = {"id": asked.id, "kind": asked.kind, "key": key, "argument": asked.argument, "state": asked.state}
    tx.execute(JOBS.insert(), {**row, "asked_at": at, "changed_at": at, "done": 0, "total": 0, "text": ""})


def with_key(tx: Connection, kind: str, key: str) -> Asked | None:
    """The job asked for under a key."""
    return _asked(tx.execute(select(JOBS).where(JOBS.c.kind == kind, JOBS.c.key == key)).one_or_none())


def asked(tx: Connection, job_id: str) -> Asked | None:
    """A job by id."""
    return _asked(tx.execute(select(JOBS).where(JOBS.c.id == job_id)).one_or_none())


def status(tx: Connection, job_id: str) -> JobStatus | None:
    """How a job stands."""
    row = tx.execute(select(JOBS).where(JOBS.c.id == job_id)).one_or_none()
    if row is None:
        return None
    state = "queued" if row.state == "asked" else row.state
    result = None if row.result is None else json.loads(row.result)
    shown = Progress(row.done, row.total, row.text)
    return JobStatus(row.id, row.kind, state, shown, row.error, result, row.asked_at, row.changed_at)


def waiting(tx: Connection, limit: int) -> list[tuple[str, str]]:
    """(id, kind) of jobs not yet handed over, oldest first."""
    query = select(JOBS.c.id, JOBS.c.kind).where(JOBS.c.state == "asked").order_by(JOBS.c.id).limit(limit)
    return [(row.id, row.kind) for row in tx.execute(query)]


def handed_over(tx: Connection, job_id: str) -> None:
    """DBOS has it, unless it was cancelled or even started meanwhile."""
    tx.execute(JOBS.update().where(JOBS.c.id == job_id, JOBS.c.state == "asked").values(state="queued"))


def change(tx: Connection, job_id: str, state: str, at: str, **values: Any) -> bool:
    """Set the state and other columns of a job that is not over; False when it is."""
    query = JOBS.update().where(JOBS.c.id == job_id, JOBS.c.state.in_(OPEN))
    return tx.execute(query.values(state=state, changed_at=at, **values)).rowcount == 1


def forget(tx: Connection, kind: str, before: str, most: int) -> int:
    """Delete at most so many jobs of a kind that were over before then, with their marks; how many."""
    over = select(JOBS.c.id).where(JOBS.c.state.not_in(OPEN), JOBS.c.kind == kind, JOBS.c.changed_at < before)
    ids = list(tx.execute(over.limit(most)).scalars())
    tx.execute(MARKS.delete().where(MARKS.c.job.in_(ids)))
    return tx.execute(JOBS.delete().where(JOBS.c.id.in_(ids))).rowcount


def mark(tx: Connection, job_id: str, name: str) -> bool:
    """Remember that a job did something; False when it had done so before."""
    if tx.execute(select(MARKS).where(MARKS.c.job == job_id, MARKS.c.name == name)).one_or_none():
        return False
    tx.execute(MARKS.insert(), {"job": job_id, "name": name})
    return True


def beat(tx: Connection, worker: str, at: str) -> None:
    """A worker is alive; an empty ``at`` gives its lease back."""
    tx.execute(WORKERS.delete().where(WORKERS.c.id == worker))
    tx.execute(WORKERS.insert(), {"id": worker, "seen_at": at, "taken_at": None})


def claim_dead(tx: Connection, late: str, at: str) -> list[str]:
    """Workers not seen since ``late`` whose jobs nobody takes over yet. The claim itself runs out the same way."""
    untaken = WORKERS.c.taken_at.is_(None) | (WORKERS.c.taken_at < late)
    dead = list(tx.execute(select(WORKERS.c.id).where(WORKERS.c.seen_at < late, untaken)).scalars())
    tx.execute(WORKERS.update().where(WORKERS.c.id.in_(dead)).values(taken_at=at))
    return dead


def bury(tx: Connection, worker: str, late: str) -> None:
    """Forget a dead worker whose jobs were taken over, unless it came back."""
    tx.execute(WORKERS.delete().where(WORKERS.c.id == worker, WORKERS.c.seen_at < late))


def _asked(row: Row[*tuple[Any, ...]] | None) -> Asked | None:
    return None if row is None else Asked(row.id, row.kind, row.argument, row.state)
