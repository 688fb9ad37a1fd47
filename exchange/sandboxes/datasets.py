"""Synthetic datasets on request: a durable job writes, judges and records; nothing is there before it is whole."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exchange.catalogue.service import Catalogue
from exchange.clock import Clock, new_id, stamp
from exchange.database import Database
from exchange.errors import Conflict, Gone, NotFound
from exchange.jobs import JobContext, Jobs, JobStatus
from exchange.ledger.service import Ledger
from exchange.parties.access import Caller, permit
from exchange.sandboxes import dataset_store as store
from exchange.sandboxes import quotas
from exchange.sandboxes.dataset_job import DatasetJob, about
from exchange.sandboxes.dataset_store import Dataset
from exchange.sandboxes.wishes import Faults, Wish, shape
from exchange.settings import Settings

if TYPE_CHECKING:
    from mockdata.quality import Judge

KIND = "dataset"
OVER = "the job ended by itself"


class Datasets:
    """Requests for datasets, their job and their files under ``home``/datasets/<id>/."""

    def __init__(
        self,
        database: Database,
        ledger: Ledger,
        jobs: Jobs,
        catalogue: Catalogue,
        settings: Settings,
        clock: Clock,
        judge: Judge | None = None,
    ) -> None:
        """``judge``: a judging process to share; else one is started when it is needed."""
        self.database, self.ledger, self.jobs, self.catalogue, self.clock = database, ledger, jobs, catalogue, clock
        self.settings = settings
        self.limits = quotas.Limits(settings.dataset_open, settings.dataset_rows_a_day, settings.dataset_bytes)
        self._work = DatasetJob(database, ledger, catalogue, settings, clock, judge)
        self.folder = self._work.folder
        jobs.register(KIND, self._work.make)

    def close(self) -> None:
        """End the judging process, if one runs."""
        self._work.close()

    # ---- asking

    def request(self, caller: Caller | None, wish: Wish) -> Dataset:
        """Ask for a dataset; its job is there if and only if the ledger says it was asked for.

        Raises `Unprocessable` with everything wrong at once (``findings`` with pointers), `NotFound`, `Forbidden` for
        realistic identifiers, `TooMany` with what is left of each quota.
        """
        caller = permit(caller, "dataset.request")
        if wish.identifiers == "realistic":
            permit(caller, "dataset.realistic")
        faults = Faults()
        shape(wish, faults)
        try:
            record = self.catalogue.interface(wish.interface)
        except NotFound:
            record = None
        if record is None or not record.state.live:
            if faults.found:  # told together with the rest
                faults.add("/interface", f"no published interface {wish.interface[:100]}", "search the catalogue")
                faults.end()
            raise NotFound(f"no published interface {wish.interface[:100]}", hint="search the catalogue")
        within = wish if not faults.at("rows") else replace(wish, rows=1)
        plan = self._work.planned(within, record.spec, faults)
        total = wish.rows * (len(plan.tables) if plan else 1)
        if total > self.limits.rows_a_day and not faults.at("rows"):
            faults.add("/rows", f"{total:,} rows are more than the {self.limits.rows_a_day:,} of a day")
        faults.end()
        now = self.clock()
        id = new_id("dat", now)
        with self.database.transaction() as tx:
            quotas.allow(self.limits, store.used(tx, caller.party, stamp(now - quotas.DAY)), total, now)
            made = Dataset(
                id=id,
                owner=caller.party,
                version=record.version,
                wish=wish,
                total_rows=total,
                job=self.jobs.submit(KIND, id, {"dataset": id}, tx),
                asked_by=caller.id,
                asked_at=stamp(now),
            )
            store.add(tx, made)
            self.ledger.append(tx, "dataset.requested", about(made) | {"purpose": wish.purpose, "by": caller.id})
        return made

    def get(self, caller: Caller | None, id: str) -> Dataset:
        """A dataset. Raises `NotFound`, also for somebody else's."""
        caller = permit(caller, "sandbox.read")
        with self.database.reading() as tx:
            found = store.dataset(tx, id)
        if found is None or (caller.kind != "data_office" and caller.party != found.owner):
            raise NotFound(f"no dataset {id[:100]} of yours", hint="GET /api/v1/datasets lists them")
        return found

    def status(self, dataset: Dataset) -> JobStatus | None:
        """How its job stands, None when the dataset is over one way or another."""
        return self.jobs.status(dataset.job) if dataset.state == store.OPEN else None

    def listed(
        self, caller: Caller | None, *, after: str | None = None, limit: int | None = None, newest: bool = False
    ) -> list[Dataset]:
        """Datasets of the caller's party (the data office: all), oldest first unless ``newest``."""
        caller = permit(caller, "sandbox.read")
        owner = None if caller.kind == "data_office" else caller.party
        with self.database.reading() as tx:
            return store.datasets(tx, owner=owner, after=after, limit=limit, newest=newest)

    def quota(self, caller: Caller | None) -> dict[str, dict[str, int]]:
        """Limit, used and left of each quota of the caller's party."""
        caller = permit(caller, "dataset.request")
        with self.database.reading() as tx:
            return quotas.state(self.limits, store.used(tx, caller.party, stamp(self.clock() - quotas.DAY)))

    def cancel(self, caller: Caller | None, id: str) -> Dataset:
        """End a dataset that is not made yet; what was written is removed. Raises `Conflict` when it is over."""
        caller, found = self._own(caller, id)
        with self.database.transaction() as tx:
            now = store.dataset(tx, id) or found
            if now.state != store.OPEN:
                raise Conflict(f"the dataset {id} is {now.state}", hint="only what is under way can be cancelled")
            found = store.change(tx, now, state="cancelled", ended_at=stamp(self.clock()))
            self.ledger.append(tx, "dataset.cancelled", about(found) | {"by": caller.id})
        self.jobs.cancel(found.job)
        self._work.remove(id)
        return found

    def delete(self, caller: Caller | None, id: str) -> Dataset:
        """Give the room of a made dataset back before its time. Raises `Conflict` when it has no files."""
        caller, found = self._own(caller, id)
        with self.database.transaction() as tx:
            now = store.dataset(tx, id) or found
            if now.state != store.MADE:
                raise Conflict(f"the dataset {id} is {now.state}: it has no files", hint="only what is made has files")
            found = self._expired(tx, now, caller.id)
        self._work.remove(id)
        return found

    def file(self, caller: Caller | None, id: str, name: str) -> tuple[Path, dict[str, Any]]:
        """A finished file and what is known of it. Raises `NotFound` for a name it does not have, `Gone` afterwards."""
        found = self.get(caller, id)
        if found.state == "expired":
            raise Gone(
                f"the files of {id} were kept until {found.ended_at}",
                hint="ask again with the same seed and options: the rows are the same",
            )
        # only names the job recorded: whatever a caller writes, no other path is opened
        entry = next((file for file in found.files if file["name"] == name), None)
        if found.state != store.MADE or entry is None:
            raise NotFound(f"the dataset {id} has no file {name[:100]}", hint="its files are listed once it is done")
        path = self.folder / id / name
        if not path.is_file():
            raise Gone(f"the file {name[:100]} is not on this disk any more", hint="tell the operator")
        return path, dict(entry)

    def downloaded(self, caller: Caller, id: str, name: str) -> None:
        """Note that somebody takes a file: once a caller, file and day, however many pieces it is fetched in."""
        found = self.get(caller, id)
        with self.database.transaction() as tx:
            day = stamp(self.clock())[:10]
            if JobContext(self.jobs, found.job).first(tx, f"downloaded {day} {caller.id} {name}"):
                body = {"dataset": id, "owner": found.owner, "file": name, "party": caller.party, "by": caller.id}
                self.ledger.append(tx, "dataset.downloaded", body)

    # ---- clocks

    def due(self) -> None:
        """Remove the files of datasets whose time is over, and what jobs left that ended without saying so."""
        now = stamp(self.clock())
        with self.database.reading() as tx:
            over, open_ = store.due(tx, now), store.under_way(tx)
        for dataset in over:
            with self.database.transaction() as tx:
                there = store.dataset(tx, dataset.id)
                if there is not None and there.state == store.MADE:
                    self._expired(tx, there, "clock")
        for dataset in open_:
            status = self.jobs.status(dataset.job)
            if status.state in ("failed", "cancelled"):
                self._work.fail(dataset.id, status.error or OVER)
        there_are = {path.name for path in self.folder.iterdir()} if self.folder.is_dir() else set()
        with self.database.reading() as tx:
            needed = store.with_files(tx, there_are)
        for id in sorted(there_are - needed):
            self._work.remove(id)

    def _expired(self, tx: Any, dataset: Dataset, by: str) -> Dataset:
        changed = store.change(tx, dataset, state="expired", ended_at=stamp(self.clock()))
        self.ledger.append(tx, "dataset.expired", about(changed) | {"by": by})
        return changed

    # ---- inside

    def _own(self, caller: Caller | None, id: str) -> tuple[Caller, Dataset]:
        caller = permit(caller, "dataset.request")
        found = self.get(caller, id)
        return permit(caller, "dataset.request", owner=found.owner), found
