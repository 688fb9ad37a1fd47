"""Synthetic datasets on request: a durable job writes, judges and records; nothing is there before it is whole."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exchange.catalogue.service import Catalogue
from exchange.clock import Clock, new_id, stamp
from exchange.database import Database
from exchange.errors import NotFound, TooMany, Unprocessable
from exchange.jobs import JobContext, Jobs, JobStatus
from exchange.ledger.service import Ledger
from exchange.parties.access import Caller, permit
from exchange.sandboxes import store
from exchange.sandboxes.model import MOST_DATASETS, Dataset, check_dataset
from specs.model import Interface

if TYPE_CHECKING:
    from mockdata.quality import Judge

KIND = "dataset"


class Datasets:
    """Requests for datasets, their job and their files under ``home``/datasets/<id>/."""

    def __init__(
        self,
        database: Database,
        ledger: Ledger,
        jobs: Jobs,
        catalogue: Catalogue,
        home: Path,
        population_size: int,
        clock: Clock,
    ) -> None:
        self.database, self.ledger, self.jobs, self.catalogue, self.clock = database, ledger, jobs, catalogue, clock
        self.folder = home / "datasets"
        self._size = population_size
        self._starting = threading.Lock()
        self._judge_process: Judge | None = None
        jobs.register(KIND, self._make)

    def close(self) -> None:
        """End the judging process, if one runs."""
        if self._judge_process is not None:
            self._judge_process.close()

    def request(
        self, caller: Caller | None, interface: str, table: str, rows: int, seed: str, format: str, purpose: str
    ) -> Dataset:
        """Ask for a dataset; its job is there if and only if the ledger says it was asked for.

        Raises `Unprocessable` with everything wrong at once, also when the table cannot give so many rows.
        """
        caller = permit(caller, "dataset.request")
        check_dataset(rows, format, purpose)
        record = self.catalogue.interface(interface)
        if not record.state.live:
            raise NotFound(f"no published interface {interface}", hint="search the catalogue")
        self._plan(record.spec, table, seed, rows)
        now = self.clock()
        id = new_id("dat", now)
        with self.database.transaction() as tx:
            if store.count(tx, store.DATASETS, caller.party) >= MOST_DATASETS:
                raise TooMany(f"{MOST_DATASETS} datasets were asked for", hint="use one you have")
            job = self.jobs.submit(KIND, id, {"dataset": id}, tx)
            made = Dataset(
                id=id,
                owner=caller.party,
                interface=interface,
                version=record.version,
                table=table,
                rows=rows,
                seed=seed,
                format=format,
                purpose=purpose.strip(),
                job=job,
                asked_by=caller.id,
                asked_at=stamp(now),
            )
            store.save_dataset(tx, made)
            self.ledger.append(tx, "dataset.requested", _about(made) | {"purpose": made.purpose, "by": caller.id})
        return made

    def get(self, caller: Caller | None, id: str) -> tuple[Dataset, JobStatus]:
        """A dataset and how its job stands. Raises `NotFound`, also for somebody else's."""
        caller = permit(caller, "sandbox.read")
        with self.database.reading() as tx:
            found = store.dataset(tx, id)
        if found is None or (caller.kind != "data_office" and caller.party != found.owner):
            raise NotFound(f"no dataset {id} of yours", hint="GET /api/v1/datasets lists them")
        return found, self.jobs.status(found.job)

    def listed(self, caller: Caller | None, *, after: str | None = None, limit: int | None = None) -> list[Dataset]:
        """Datasets of the caller's party (the data office: all), oldest first."""
        caller = permit(caller, "sandbox.read")
        owner = None if caller.kind == "data_office" else caller.party
        with self.database.reading() as tx:
            return store.datasets(tx, owner=owner, after=after, limit=limit)

    def file(self, caller: Caller | None, id: str, name: str) -> Path:
        """A finished file. Raises `NotFound` for a name the dataset does not have."""
        found, _ = self.get(caller, id)
        # only names the job recorded: whatever a caller writes, no other path is opened
        if name not in found.files:
            raise NotFound(f"the dataset {id} has no file {name[:100]}", hint="its files are listed once it is done")
        return self.folder / id / name

    # ---- the job

    def _make(self, argument: Any, job: JobContext) -> Any:
        with self.database.reading() as tx:
            asked = store.dataset(tx, argument["dataset"])
        if asked is None:
            raise NotFound(f"no dataset {argument['dataset']}")
        files = job.step("write", lambda: self._write(asked, job))
        quality = job.step("judge", lambda: self._judge(asked))
        names = [*files, *job.step("list", lambda: self._companions(asked))]
        job.step("record", lambda: self._record(asked, job, names, quality))
        return {"files": names}

    def _write(self, asked: Dataset, job: JobContext) -> list[str]:
        from mockdata.tables.write import write

        plan = self._plan(self._spec(asked), asked.table, asked.seed, asked.rows)
        told = {"done": 0}

        def progress(rows: int) -> None:
            told["done"] += rows
            job.progress(told["done"], asked.rows, "writing")

        # overwrites: a kill between the rename and the record of this step only costs the work again
        manifest = write(plan, asked.rows, self._target(asked), asked.format, force=True, progress=progress)
        return [file.name for file in manifest.files]

    def _judge(self, asked: Dataset) -> Mapping[str, Any]:
        from mockdata.quality import Judge, check

        with self._starting:
            self._judge_process = self._judge_process or Judge()
        spec = self._spec(asked)
        result = check(self._target(asked), spec, _table(spec, asked.table), judge=self._judge_process).to_json()
        return {key: result[key] for key in ("success", "rows", "statistics", "failed_columns", "great_expectations")}

    def _companions(self, asked: Dataset) -> list[str]:
        target = self._target(asked)
        return sorted(path.name for path in target.parent.glob(f"{target.name}.*.json"))

    def _record(self, asked: Dataset, job: JobContext, names: list[str], quality: Mapping[str, Any]) -> None:
        with self.database.transaction() as tx:
            if not job.first(tx, "dataset.made"):
                return
            now = stamp(self.clock())
            store.save_dataset(tx, replace(asked, files=tuple(names), quality=quality, made_at=now))
            manifest = (self.folder / asked.id / f"{self._target(asked).name}.manifest.json").read_bytes()
            digest = hashlib.sha256(manifest).hexdigest()
            body = _about(asked) | {"manifest_sha256": digest, "quality": bool(quality["success"])}
            self.ledger.append(tx, "dataset.made", body)

    # ---- inside

    def _plan(self, spec: Interface, table: str, seed: str, rows: int) -> Any:
        from mockdata.tables.plan import World, plan
        from mockdata.tables.recipes import PlanError

        try:
            made = plan(spec, table, World(seed, self._size).open(), seed=seed)
            made.allow(rows)
        except PlanError as error:
            raise Unprocessable(str(error), hint=error.hint, pointer=error.pointer) from None
        return made

    def _spec(self, asked: Dataset) -> Interface:
        return self.catalogue.version(asked.interface, asked.version)[1]

    def _target(self, asked: Dataset) -> Path:
        from mockdata.tables.write import FORMATS

        return self.folder / asked.id / f"{asked.table}{FORMATS[asked.format]}"


def show(dataset: Dataset, status: JobStatus | None) -> dict[str, Any]:
    """The JSON shape of a dataset; ``status`` adds how its job stands."""
    told = asdict(dataset) | {"files": list(dataset.files)}
    if status is not None:
        told |= {"state": status.state, "progress": asdict(status.progress), "error": status.error}
    return told


def _table(spec: Interface, name: str) -> Any:
    from mockdata.tables.relations import table_of

    return table_of(spec, name)


def _about(dataset: Dataset) -> dict[str, Any]:
    names = ("owner", "interface", "version", "table", "rows", "seed", "format")
    told = {name: getattr(dataset, name) for name in names}
    return {"dataset": dataset.id, **{("interface_version" if key == "version" else key): v for key, v in told.items()}}
