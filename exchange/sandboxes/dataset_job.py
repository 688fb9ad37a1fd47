"""The durable job that makes a dataset: plans, writes, judges, records; and how one ends that cannot be made."""

from __future__ import annotations

import hashlib
import shutil
import threading
from contextlib import suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exchange.catalogue.service import Catalogue
from exchange.clock import Clock, stamp
from exchange.database import Database
from exchange.errors import NotFound, TooMany, Unprocessable
from exchange.jobs import JobContext, StepFailed
from exchange.ledger.service import Ledger
from exchange.sandboxes import dataset_store as store
from exchange.sandboxes import making
from exchange.sandboxes.dataset_store import Dataset
from exchange.sandboxes.planning import Planned, Published, planned
from exchange.sandboxes.wishes import Faults, Wish
from exchange.settings import Settings
from specs.model import Interface

if TYPE_CHECKING:
    from mockdata.quality import Judge

SUMS = "SHA256SUMS"
"""The file that lists the digests of all others; `sha256sum -c` reads it."""


class DatasetJob:
    """What the job of a dataset does. Files are under ``home``/datasets/<id>/, offered once they are recorded."""

    def __init__(
        self,
        database: Database,
        ledger: Ledger,
        catalogue: Catalogue,
        settings: Settings,
        clock: Clock,
        judge: Judge | None = None,
    ) -> None:
        """``judge``: a judging process to share; else one is started when it is needed."""
        self.database, self.ledger, self.catalogue, self.clock = database, ledger, catalogue, clock
        self.settings = settings
        self.folder = settings.home / "datasets"
        self._starting = threading.Lock()
        self._shared = judge is not None
        self._judge = judge

    def close(self) -> None:
        """End the judging process, if one runs."""
        if self._judge is not None and not self._shared:
            self._judge.close()

    def make(self, argument: Any, job: JobContext) -> Any:
        """The steps of the job. Raises `StepFailed` after the failure is recorded."""
        id = argument["dataset"]
        try:
            names = self._steps(id, job)
        except StepFailed as failure:
            reason = str(failure)
            job.step("failed", lambda: self.fail(id, reason))
            raise
        finally:
            # cancelled under a running step: what it wrote meanwhile goes with the rest
            with self.database.reading() as tx:
                found = store.dataset(tx, id)
            if found is not None and found.state in ("cancelled", "failed", "expired"):
                self.remove(id)
        return {"files": names}

    def fail(self, id: str, reason: str) -> None:
        """Record that a dataset cannot be made, once, and remove what there is of it."""
        with self.database.transaction() as tx:
            there = store.dataset(tx, id)
            if there is not None and there.state == store.OPEN:
                made = store.change(tx, there, state="failed", reason=reason[:500], ended_at=stamp(self.clock()))
                # erasable: the words may hold a value of the data
                self.ledger.append(tx, "dataset.failed", about(made), payload={"reason": made.reason})
        self.remove(id)

    def remove(self, id: str) -> None:
        """Remove the files of a dataset."""
        with suppress(OSError):  # what a running step still writes goes when it ends, or at the next round
            shutil.rmtree(self.folder / id)

    def planned(self, wish: Wish, spec: Interface, faults: Faults) -> Planned | None:
        """Plans of a wish; what is wrong with it goes to ``faults``."""
        return planned(wish, spec, Published(self.catalogue, spec), self.settings.population_size, faults)

    # ---- inside

    def _steps(self, id: str, job: JobContext) -> list[str]:
        with self.database.reading() as tx:
            asked = store.dataset(tx, id)
        if asked is None:
            raise NotFound(f"no dataset {id}")
        work = _Work(self, asked, job)
        tables = job.step("plan", lambda: [table.name for table in work.plan.tables])
        files, verdicts = [], []
        for number, table in enumerate(tables):
            files += job.step(f"write {table}", partial(work.write, number))
        for number, table in enumerate(tables):
            verdicts.append(job.step(f"judge {table}", partial(work.judge, number)))
            files += job.step(f"list {table}", partial(work.companions, number))
        files.append(job.step("sums", lambda: self.sums(asked, files)))
        job.step("record", lambda: self._record(asked, files, verdicts))
        return [file["name"] for file in files]

    def _record(self, asked: Dataset, files: list[dict[str, Any]], verdicts: list[dict[str, Any]]) -> None:
        size = sum(file["bytes"] for file in files)
        judged = [verdict["success"] for verdict in verdicts if verdict["success"] is not None]
        success = all(judged) if judged else None
        with self.database.transaction() as tx:
            there = store.dataset(tx, asked.id)
            if there is None or there.state != store.OPEN:  # recorded before a kill, or cancelled meanwhile
                return
            now = self.clock()
            used = sum(count for _, count in store.used(tx, there.owner, stamp(now)).kept)
            if used + size > self.settings.dataset_bytes:
                raise TooMany(
                    f"its {size:,} bytes do not fit: {used:,} of {self.settings.dataset_bytes:,} are used",
                    hint="delete a dataset you have done with, or ask for fewer rows",
                )
            made = store.change(
                tx,
                there,
                state=store.MADE,
                files=tuple(files),
                bytes=size,
                quality={"success": success, "tables": verdicts},
                made_at=stamp(now),
                expires_at=stamp(now + timedelta(days=self.settings.dataset_days)),
            )
            body = {"quality": success, "bytes": size, "files": len(files), "sums": files[-1]["sha256"]}
            self.ledger.append(tx, "dataset.made", about(made) | body)

    def plan_again(self, asked: Dataset) -> Planned:
        """The plans of a request, as they were when it was asked. Raises `Unprocessable`."""
        faults = Faults()
        made = self.planned(asked.wish, self.spec(asked), faults)
        faults.end()
        if made is None:
            raise Unprocessable(f"{asked.wish.interface} has no plan any more", hint="ask again")
        return made

    def spec(self, asked: Dataset) -> Interface:
        """The interface in the version that was asked for."""
        return self.catalogue.version(asked.wish.interface, asked.version)[1]

    def judge(self) -> Judge:
        """The judging process, started when it is first needed."""
        from mockdata.quality import Judge

        with self._starting:
            self._judge = self._judge or Judge()
            return self._judge

    def began(self, asked: Dataset, rows: int) -> None:
        """Note when rows begin to come, for the pace."""
        with self.database.transaction() as tx:
            there = store.dataset(tx, asked.id)
            if there is not None and there.state == store.OPEN:
                store.change(tx, there, began_at=stamp(self.clock()), began_with=rows)

    def sums(self, asked: Dataset, files: list[dict[str, Any]]) -> dict[str, Any]:
        """Write the list of digests; gives its own entry."""
        text = "".join(f"{file['sha256']}  {file['name']}\n" for file in files).encode()
        path = self.folder / asked.id / SUMS
        waiting = path.with_name(f".{SUMS}")
        with making.clearly():
            waiting.write_bytes(text)
            waiting.replace(path)
        digest = hashlib.sha256(text).hexdigest()
        return {"name": SUMS, "kind": "sums", "table": None, "rows": None, "bytes": len(text), "sha256": digest}


class _Work:
    """The tables of one request while they are made; planned once a run, when first needed."""

    def __init__(self, home: DatasetJob, asked: Dataset, job: JobContext) -> None:
        self._home, self._asked, self._job = home, asked, job
        self._done, self._noted = 0, False
        self._plan: Planned | None = None

    @property
    def plan(self) -> Planned:
        if self._plan is None:
            with making.clearly():
                self._plan = self._home.plan_again(self._asked)
        return self._plan

    def write(self, number: int) -> list[dict[str, Any]]:
        wish, plan = self._asked.wish, self.plan
        table, made = plan.tables[number], plan.plans[number]
        before = number * wish.rows
        self._done = before

        def progress(rows: int) -> None:
            self._done += rows
            if not self._noted:
                self._noted = True
                self._home.began(self._asked, self._done)
            self._job.progress(self._done, self._asked.total_rows, f"writing {table.name}")

        self._job.progress(before, self._asked.total_rows, f"preparing {table.name}")
        making.counted(made, wish.rows, partial(self._job.progress, before, self._asked.total_rows))
        with making.clearly():
            made.allow(wish.rows)
            plan.layout.allow(made, wish.rows)
        spec = self._home.spec(self._asked)
        return making.write(made, table, spec, wish.rows, self._target(number), plan.layout, progress)

    def judge(self, number: int) -> dict[str, Any]:
        plan, total = self.plan, self._asked.total_rows
        tell = partial(self._job.progress, total, total, f"checking {plan.tables[number].name}")
        tell()
        spec, target = self._home.spec(self._asked), self._target(number)
        return making.judged(spec, plan.tables[number], target, plan.layout, self._home.judge(), tell)

    def companions(self, number: int) -> list[dict[str, Any]]:
        return making.companions(self._target(number), self.plan.tables[number])

    def _target(self, number: int) -> Path:
        plan = self.plan
        return self._home.folder / self._asked.id / f"{plan.tables[number].name}{plan.layout.ending}"


def about(dataset: Dataset) -> dict[str, Any]:
    """What the ledger says of a dataset in each of its entries."""
    wish = dataset.wish
    told: dict[str, Any] = {"dataset": dataset.id, "owner": dataset.owner, "interface": wish.interface}
    told |= {"interface_version": dataset.version, "table": wish.table, "rows": wish.rows, "seed": wish.seed}
    return told | {"format": wish.format, "options": wish.options}
