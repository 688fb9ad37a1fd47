"""Datasets on request: who may, what is refused at once, quotas, files that are whole, expiry, kill and cancel."""

from __future__ import annotations

import errno
import hashlib
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from alembic import command
from fastapi.testclient import TestClient
from sqlalchemy import text

from exchange import migrations
from exchange.database import Database
from exchange.errors import Conflict, Forbidden, Gone, NotFound, TooMany, Unauthenticated, Unprocessable
from exchange.jobs import JobContext, Jobs, StepFailed
from exchange.parties.access import Caller
from exchange.sandboxes import dataset_store as store
from exchange.sandboxes import making
from exchange.sandboxes.dataset_routes import router, show, wish
from exchange.sandboxes.dataset_store import Dataset
from exchange.sandboxes.datasets import Datasets
from exchange.sandboxes.wishes import Wish
from exchange.settings import Settings
from mockdata.quality import Judge

SHOP = """
apiVersion: v3.1.0
kind: DataContract
id: police.shop
name: 商店
domain: police
version: 1.0.0
status: active
description: {purpose: 商店, customProperties: [{property: purpose_en, value: A shop}]}
schema:
  - name: bills
    logicalType: object
    businessName: 账单
    description: 账单
    properties:
      - {name: no, businessName: 号, logicalType: string, primaryKey: true, required: true, unique: true,
         logicalTypeOptions: {pattern: '^B[0-9]{8}$'}}
      - {name: customer, businessName: 顾客, logicalType: string, required: true, relationships: [{to: customers.id}]}
      - {name: kind, businessName: 类别, logicalType: string, required: true, enum: [{value: a}, {value: b}]}
      - {name: pieces, businessName: 件数, logicalType: integer, required: true,
         logicalTypeOptions: {minimum: 1, maximum: 60}}
  - name: customers
    logicalType: object
    businessName: 顾客
    description: 顾客
    properties:
      - {name: id, businessName: 编号, logicalType: string, primaryKey: true, required: true, unique: true,
         logicalTypeOptions: {pattern: '^C[0-9]{6}$'}}
"""
PEOPLE = """
apiVersion: v3.1.0
kind: DataContract
id: police.people
name: 人口
domain: police
version: 1.0.0
status: active
description: {purpose: 人口, customProperties: [{property: purpose_en, value: People}]}
schema:
  - name: people
    logicalType: object
    businessName: 人口
    description: 人口
    properties:
      - {name: GMSFHM, businessName: 公民身份号码, logicalType: string, primaryKey: true, required: true, unique: true,
         logicalTypeOptions: {pattern: '^[0-9X]{18}$'}}
"""
one_database = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""Making and judging files takes seconds and is the same for both databases; the story does it on PostgreSQL."""
ASKED = Wish("police.shop", 60, "try it", "7", format="xlsx")
"""A workbook, the one format that is not judged: cheap."""


class Straight(JobContext):
    """A job without DBOS: its steps are done at once, their results are JSON as there."""

    def __init__(self, jobs: Jobs) -> None:
        super().__init__(jobs, "job_straight")
        self.texts: list[str] = []
        self.before: Callable[[str], None] = lambda _: None

    def step(self, name: str, work: Callable[[], Any]) -> Any:
        self.before(name)
        try:
            return orjson.loads(orjson.dumps(work()))
        except (Unprocessable, TooMany, making.Unavailable) as error:
            raise StepFailed(error.detail, hint=error.hint) from None

    def progress(self, done: int, total: int, text: str) -> None:
        self.texts.append(f"{done}/{total} {text}")


@pytest.fixture(scope="module")
def judge() -> Iterator[Judge]:
    """One judging process for all: starting it takes seconds."""
    with Judge() as one:
        yield one


@pytest.fixture
def datasets(services: Any, judge: Judge) -> Datasets:
    police = services.department("police")
    for document in (SHOP, PEOPLE):
        version = services.catalogue.register(police, "odcs.yaml", document)
        services.lifecycle.publish(police, version.interface, version.version)
    return made(services, services.home, judge=judge)


def made(services: Any, home: Path, judge: Judge | None = None, **limits: int) -> Datasets:
    settings = Settings(home=home, population_size=100_000, **limits)
    jobs = Jobs(services.database, home, "w1", services.clock)
    return Datasets(services.database, services.ledger, jobs, services.catalogue, settings, services.clock, judge)


def make(datasets: Datasets, caller: Caller, asked: Wish = ASKED) -> Dataset:
    """Ask for a dataset and do its job here."""
    one = datasets.request(caller, asked)
    datasets.jobs._kinds["dataset"]({"dataset": one.id}, Straight(datasets.jobs))
    return datasets.get(caller, one.id)


def names(dataset: Dataset, kind: str = "data") -> list[str]:
    return [file["name"] for file in dataset.files if file["kind"] == kind]


@pytest.fixture
def web(services: Any, datasets: Datasets) -> Iterator[TestClient]:
    with services.web(router(datasets, services.access)) as client:
        yield client


# ---- who may


def test_nobody_gets_nothing(web: TestClient) -> None:
    asked = {"interface": "police.shop", "rows": 1, "purpose": "p"}
    for method, path in (
        ("POST", "datasets"),
        ("GET", "datasets"),
        ("GET", "dataset-quota"),
        ("GET", "datasets/dat_1"),
        ("POST", "datasets/dat_1/cancellation"),
        ("DELETE", "datasets/dat_1"),
        ("GET", "datasets/dat_1/files/x"),
        ("HEAD", "datasets/dat_1/files/x"),
    ):
        body = asked if (method, path) == ("POST", "datasets") else None
        assert web.request(method, f"/api/v1/{path}", json=body).status_code == 401, path


def test_a_dataset_is_its_owners(services: Any, datasets: Datasets) -> None:
    vendor, rival, officer = services.vendor("acme"), services.vendor("rival"), services.officer()
    one = make(datasets, vendor)
    name = names(one)[0]
    assert one.quality is not None
    assert one.quality["success"] is None
    assert "check reads parquet" in one.quality["tables"][0]["reason"]
    for use in (datasets.get, datasets.cancel, datasets.delete, lambda c, i: datasets.file(c, i, name)):
        with pytest.raises(NotFound):
            use(rival, one.id)  # type: ignore[operator]
        with pytest.raises(Unauthenticated):
            use(None, one.id)  # type: ignore[operator]
    assert datasets.listed(rival) == []
    assert [found.id for found in datasets.listed(officer)] == [one.id]
    assert datasets.file(officer, one.id, name)[0].is_file()
    for use in (datasets.cancel, datasets.delete):  # sees everything, takes nothing away
        with pytest.raises(Forbidden):
            use(officer, one.id)
    with pytest.raises(Forbidden):
        datasets.request(services.caller("citizens", "public", "citizen"), ASKED)


def test_realistic_identifiers_are_not_for_vendors(services: Any, datasets: Datasets) -> None:
    wanted = replace(ASKED, identifiers="realistic")
    with pytest.raises(Forbidden) as refused:
        datasets.request(services.vendor(), wanted)
    assert refused.value.rule == "access.dataset.realistic"
    assert datasets.request(services.department("tax"), wanted).wish.identifiers == "realistic"
    assert datasets.request(services.vendor(), ASKED).wish.identifiers == "reserved"


# ---- asking


def test_everything_wrong_is_told_at_once_before_a_job_is_there(services: Any, datasets: Datasets) -> None:
    vendor = services.vendor()
    bad = replace(
        ASKED, rows=0, format="xls", purpose="", encoding="latin1", as_of="1990-01-01", scenarios=("zz",),
        identifiers="some", defects="type@NOPE=0.1,missing=0.1",
    )  # fmt: skip
    told = _pointers(datasets, vendor, bad)
    assert told >= {"/rows", "/format", "/purpose", "/encoding", "/scenarios/0", "/identifiers"}
    one = replace(ASKED, table="bills", rows=1000)
    for change, pointers in (
        ({"table": "", "where": "pieces > 3"}, {"/where"}),
        ({"where": "pieces > "}, {"/where"}),
        ({"interface": "police.people", "table": "people", "where": "age > 105", "rows": 5000}, {"/rows"}),
        ({"where": "nope == 1", "partition_by": ("a", "kind", "b")}, {"/where", "/partition_by/0", "/partition_by/2"}),
        ({"defects": "type@kind=0.1,missing@nope=0.1,dangling@customer=0.1", "format": "csv"}, {"/defects"}),
        ({"table": "customers", "rows": 1_000_001}, {"/rows"}),
        ({"part_rows": 10}, {"/part_rows"}),
        ({"format": "xlsx", "partition_by": ("kind",)}, {"/partition_by"}),
        ({"defects": "/etc/rules.yaml", "scenarios": ("/etc/pack.yaml",)}, {"/defects", "/scenarios/0"}),
        ({"table": "nope", "as_of": "1990-01-01"}, {"/table", "/as_of"}),
        ({"encoding": "gb18030"}, {"/encoding"}),
    ):
        assert _pointers(datasets, vendor, replace(one, **change)) == pointers, change
    with pytest.raises(NotFound):
        datasets.request(vendor, replace(ASKED, interface="police.nothing"))
    assert "/interface" in _pointers(datasets, vendor, replace(ASKED, interface="police.nothing", rows=0))
    assert "dataset.requested" not in services.kinds()
    assert datasets.listed(vendor) == []


def _pointers(datasets: Datasets, vendor: Caller, asked: Wish) -> set[str]:
    with pytest.raises(Unprocessable) as wrong:
        datasets.request(vendor, asked)
    found = wrong.value.extra["findings"]
    assert all(fault["message"] for fault in found)
    return {fault["pointer"] for fault in found}


def test_quotas_say_what_is_left_and_when(services: Any, datasets: Datasets) -> None:
    vendor, limited = services.vendor(), made(services, services.home, dataset_open=2, dataset_rows_a_day=300)
    with pytest.raises(Unprocessable, match="of a day"):
        limited.request(vendor, replace(ASKED, rows=151))  # two tables: never fits
    first = limited.request(vendor, ASKED)
    services.clock.advance(hours=1)
    limited.request(vendor, ASKED)
    with pytest.raises(TooMany) as many:
        limited.request(vendor, ASKED)
    assert many.value.extra["quota"]["open"] == {"limit": 2, "used": 2, "left": 0}
    assert many.value.extra["quota"]["rows_a_day"] == {
        "limit": 300, "used": 240, "left": 60, "again_at": "2026-11-03T01:00:00.000Z",
    }  # fmt: skip
    assert many.value.extra["retry_after"] == 23 * 3600 + 1
    assert limited.request(services.vendor("rival"), ASKED)  # another party's quota
    limited.cancel(vendor, first.id)
    with pytest.raises(TooMany, match="rows are left"):
        limited.request(vendor, ASKED)
    services.clock.advance(hours=23)
    assert limited.request(vendor, ASKED)
    with pytest.raises(TooMany, match="under way"):
        limited.request(vendor, ASKED)


def test_bytes_are_a_quota_too(services: Any, datasets: Datasets) -> None:
    vendor = services.vendor()
    one = make(datasets, vendor)
    full = made(services, services.home, dataset_bytes=one.bytes, dataset_days=30)
    with pytest.raises(TooMany) as many:
        full.request(vendor, ASKED)
    assert many.value.extra["quota"]["bytes"]["again_at"] == one.expires_at
    full.delete(vendor, one.id)
    assert full.quota(vendor)["bytes"]["used"] == 0
    small = made(services, services.home, dataset_bytes=one.bytes - 1)
    with pytest.raises(StepFailed, match="do not fit"):
        make(small, vendor)
    failed = next(found for found in small.listed(vendor) if found.id != one.id)
    assert (failed.state, failed.files) == ("failed", ())
    assert not (small.folder / failed.id).exists()


# ---- what is made


@one_database
def test_a_whole_interface_has_keys_that_lead_somewhere(services: Any, datasets: Datasets) -> None:
    one = make(datasets, services.vendor(), replace(ASKED, format="duckdb", rows=40))
    folder = datasets.folder / one.id
    assert names(one) == ["customers.duckdb", "bills.duckdb"]  # parents first
    with duckdb.connect() as db:
        for table in ("bills", "customers"):
            db.execute(f"ATTACH '{folder / f'{table}.duckdb'}' AS d_{table} (READ_ONLY)")
        query = (
            "SELECT count(*), count(c.id) FROM d_bills.bills b LEFT JOIN d_customers.customers c ON b.customer = c.id"
        )
        assert db.execute(query).fetchone() == (40, 40)
    assert one.quality is not None
    assert [verdict["success"] for verdict in one.quality["tables"]] == [True, True]
    sums = (folder / "SHA256SUMS").read_text().splitlines()
    assert len(sums) == len(one.files) - 1 == len(list(folder.iterdir())) - 1
    for line in sums:
        digest, name = line.split("  ")
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    assert services.last("dataset.made")["sums"] == hashlib.sha256((folder / "SHA256SUMS").read_bytes()).hexdigest()


def test_what_takes_long_to_count_is_found_out_by_the_job(
    services: Any, datasets: Datasets, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exchange.sandboxes.planning.PATIENCE", 0.0)
    monkeypatch.setattr("mockdata.tables.matches.PATIENCE", 1 << 20)
    vendor, asked = services.vendor(), replace(ASKED, table="bills", where="pieces > 60")
    with pytest.raises(StepFailed, match="holds for 0 records"):
        make(datasets, vendor, asked)
    one = datasets.listed(vendor)[0]
    assert (one.state, one.files) == ("failed", ())


@one_database
def test_filter_and_folders_and_parts(services: Any, datasets: Datasets) -> None:
    asked = replace(
        ASKED, table="bills", rows=2500, format="csv", encoding="gb18030", where="pieces > 30",
        partition_by=("kind",), part_rows=1000,
    )  # fmt: skip
    one = make(datasets, services.vendor(), asked)
    assert len(names(one)) == 6
    assert one.quality is not None
    assert one.quality["success"] is True
    assert names(one)[0] == "bills.csv/kind=a/part-00000.csv"
    assert sum(file["rows"] for file in one.files if file["kind"] == "data") == 2500
    with duckdb.connect() as db:
        glob = datasets.folder / one.id / "bills.csv" / "*" / "*.csv"
        assert db.execute(f"SELECT count(*), min(pieces) > 30 FROM read_csv('{glob}')").fetchone() == (2500, True)
    assert datasets.file(services.vendor(), one.id, "bills.csv/kind=b/part-00002.csv")[0].is_file()


# ---- the whole way, on real jobs


@one_database
def test_asked_made_judged_recorded_and_taken_in_pieces(services: Any, datasets: Datasets, web: TestClient) -> None:
    headers, rival = services.bearer(services.vendor()), services.bearer(services.vendor("rival"))
    asked = {"interface": "police.shop", "table": "bills", "rows": 3000, "seed": 5, "purpose": " try it "}
    spoiled = asked | {"format": "csv", "defects": {"salt": "2", "defects": [{"kind": "missing", "rate": 0.02}]}}
    big = asked | {"rows": 6_000_000, "format": "arrow", "part_rows": 100_000}
    datasets.jobs.start()
    try:
        answers = [web.post("/api/v1/datasets", json=body, headers=headers) for body in (big, asked, spoiled)]
        assert [answer.status_code for answer in answers] == [202] * 3, [a.text for a in answers]
        unwanted, *ids = (answer.json()["id"] for answer in answers)
        deadline = time.monotonic() + 60
        while not datasets.jobs.status(answers[0].json()["job"]).progress.done:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        cancelled = web.post(f"/api/v1/datasets/{unwanted}/cancellation", headers=headers)
        assert cancelled.json()["state"] == "cancelled", cancelled.text
        assert web.post(f"/api/v1/datasets/{unwanted}/cancellation", headers=headers).status_code == 409
        for answer in answers[1:]:
            assert datasets.jobs.wait(answer.json()["job"], 120).state == "done"
    finally:
        datasets.jobs.stop()
    clean, dirty = (web.get(f"/api/v1/datasets/{id}", headers=headers).json() for id in ids)
    assert (clean["state"], clean["quality"]["success"], clean["purpose"]) == ("done", True, "try it")
    assert [file["name"] for file in clean["files"]] == [
        "bills.parquet", "bills.parquet.manifest.json", "bills.parquet.quality.json", "SHA256SUMS",
    ]  # fmt: skip
    assert clean["expires_at"] == "2026-12-02T01:00:00.000Z"
    assert dirty["quality"]["success"] is False
    assert dirty["quality"]["tables"][0]["as_ledger"] is True
    ledger = next(file for file in dirty["files"] if file["kind"] == "defects")
    cells = pq.read_table(pa.BufferReader(web.get(ledger["url"], headers=headers).content))
    assert set(cells["kind"].to_pylist()) == {"missing"}
    assert not (datasets.folder / unwanted).exists()

    file = clean["files"][0]
    assert web.head(file["url"], headers=headers).headers["content-length"] == str(file["bytes"])
    whole = web.get(file["url"], headers=headers)
    assert hashlib.sha256(whole.content).hexdigest() == file["sha256"]
    assert whole.headers["etag"] == f'"{file["sha256"]}"'
    rest = {**headers, "Range": "bytes=100-", "If-Range": whole.headers["etag"]}
    part = web.get(file["url"], headers=rest)
    assert (part.status_code, part.content) == (206, whole.content[100:])
    other = web.get(file["url"], headers=rest | {"If-Range": '"another"'})
    assert (other.status_code, len(other.content)) == (200, file["bytes"])
    assert web.get(file["url"], headers=headers | {"If-None-Match": whole.headers["etag"]}).status_code == 304
    assert web.get(file["url"], headers=headers | {"Range": f"bytes={file['bytes']}-"}).status_code == 416
    assert web.get(file["url"], headers=rival).status_code == 404
    for name in ("../../keys/vault.key", "%2e%2e/x", "other.parquet", ".bills.parquet"):
        assert web.get(f"/api/v1/datasets/{ids[0]}/files/{name}", headers=headers).status_code == 404
    assert services.last("dataset.requested")["purpose"] == "try it"
    made_ones = [entry.body["quality"] for entry in services.ledger.entries(kind="dataset.made", limit=10)]
    assert sorted(made_ones) == [False, True]
    kinds = [kind for kind in services.kinds() if kind.startswith("dataset.")]
    assert kinds.count("dataset.downloaded") == 2  # each file once, in however many pieces
    assert (kinds.count("dataset.made"), kinds.count("dataset.cancelled")) == (2, 1)


KILLED = """
import sys
from pathlib import Path
from types import SimpleNamespace
from exchange.catalogue.service import Catalogue
from exchange.clock import system_clock
from exchange.database import Database
from exchange.jobs import Jobs
from exchange.ledger.service import Ledger
from exchange.sandboxes.datasets import Datasets
from exchange.settings import Settings
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
url, home, job = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
database = Database(url)
ledger = Ledger(database, Ed25519PrivateKey.generate(), "tongban.test/ledger", b"i" * 32, system_clock)
jobs = Jobs(database, home, "w1", system_clock)
catalogue = Catalogue(database, ledger, system_clock)
settings = Settings(home=home, population_size=100_000)
datasets = Datasets(database, ledger, jobs, catalogue, settings, system_clock)
jobs.start()
print(jobs.wait(job, 100).state)
jobs.stop()
"""


@one_database
def test_a_killed_job_goes_on_at_the_finished_part(services: Any, datasets: Datasets, database_url: str) -> None:
    vendor = services.vendor()
    asked = replace(ASKED, table="bills", rows=240_000, format="arrow", part_rows=30_000, partition_by=("kind",))
    one = datasets.request(vendor, asked)
    program = [sys.executable, "-c", KILLED, database_url, str(services.home), one.job]
    notes = datasets.folder / one.id / ".bills.arrow.unfinished" / "journal"
    with subprocess.Popen(program, stdout=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 90
        while len(list(notes.glob("part-*.json"))) < 3:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
    there = notes.parent.glob("*/part-0000[0-2].arrow")
    finished = {path.relative_to(notes.parent): path.stat().st_ino for path in there}
    assert len(finished) == 6
    left = datasets.get(vendor, one.id)
    assert (left.state, left.files) == ("asked", ())
    with pytest.raises(NotFound):
        datasets.file(vendor, one.id, "bills.arrow/kind=a/part-00000.arrow")
    again = subprocess.run(program, capture_output=True, text=True, timeout=120, check=True)
    assert again.stdout.strip() == "done"
    whole = datasets.get(vendor, one.id)
    folder = datasets.folder / one.id / "bills.arrow"
    assert {name: (folder / name).stat().st_ino for name in finished} == finished  # not written again
    assert len(names(whole)) == 16
    for file in whole.files:
        assert hashlib.sha256((folder.parent / file["name"]).read_bytes()).hexdigest() == file["sha256"]
    assert services.kinds().count("dataset.made") == 1


# ---- what goes wrong, and what ends


def test_a_full_disk_and_a_killed_judge_fail_with_a_reason(
    services: Any, datasets: Datasets, monkeypatch: pytest.MonkeyPatch
) -> None:
    vendor, own = services.vendor(), made(services, services.home)
    with monkeypatch.context() as patch:
        usage = shutil.disk_usage(services.home)
        patch.setattr("mockdata.tables.space.shutil.disk_usage", lambda _: usage._replace(free=1000))
        with pytest.raises(StepFailed, match=r"the disk is too small: about .* are needed and 1 kB are free"):
            make(own, vendor, replace(ASKED, rows=5000))
    with monkeypatch.context() as patch:
        patch.setattr("mockdata.quality.quality.sys.executable", "/bin/false")
        with pytest.raises(StepFailed, match="could not be checked"):
            make(own, vendor, replace(ASKED, format="csv"))
    with monkeypatch.context() as patch:

        def full(*_: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device", "/secret/place")

        patch.setattr("mockdata.tables.parts.remember", full)
        with pytest.raises(StepFailed, match="the disk was full"):
            make(own, vendor)
    for one in own.listed(vendor):
        assert one.state == "failed"
        assert one.reason is not None
        assert "/secret" not in one.reason
        assert one.files == ()
        assert not (own.folder / one.id).exists()
        assert show(one, own.status(one))["error"] == one.reason
    assert services.kinds().count("dataset.failed") == 3
    assert "dataset.made" not in services.kinds()
    assert make(own, vendor).state == "made"


def test_a_cancel_in_the_last_moment_leaves_nothing(services: Any, datasets: Datasets) -> None:
    vendor = services.vendor()
    one = datasets.request(vendor, ASKED)
    job = Straight(datasets.jobs)

    def cancel(step: str) -> None:
        if step == "record":
            datasets.cancel(vendor, one.id)

    job.before = cancel
    datasets.jobs._kinds["dataset"]({"dataset": one.id}, job)
    assert datasets.get(vendor, one.id).state == "cancelled"
    assert not (datasets.folder / one.id).exists()
    assert "dataset.made" not in services.kinds()
    assert datasets.jobs.status(one.job).state == "cancelled"


def test_a_job_that_looks_for_records_of_a_pack_can_be_ended(services: Any, datasets: Datasets) -> None:
    vendor = services.vendor()
    one = datasets.request(vendor, replace(ASKED, interface="police.people", rows=6000, scenarios=("minority-names",)))

    class Ended(BaseException):
        """As a cancelled job is left."""

    class Cancelled(Straight):
        def progress(self, done: int, total: int, text: str) -> None:
            super().progress(done, total, text)
            if text.startswith("looking for records"):
                datasets.cancel(vendor, one.id)
                raise Ended

    job = Cancelled(datasets.jobs)
    with pytest.raises(Ended):
        datasets.jobs._kinds["dataset"]({"dataset": one.id}, job)
    assert not [text for text in job.texts if "writing" in text], "it ended before a row was written"
    assert datasets.get(vendor, one.id).state == "cancelled"
    assert not (datasets.folder / one.id).exists()


def test_files_expire_and_their_entry_stays(services: Any, datasets: Datasets, web: TestClient) -> None:
    vendor, headers = services.vendor(), services.bearer(services.vendor())
    one, other = make(datasets, vendor), make(datasets, vendor)
    waiting = datasets.request(vendor, ASKED)
    lost = datasets.request(vendor, ASKED)
    datasets.jobs.cancel(lost.job)  # behind our back
    (datasets.folder / "dat_nobody").mkdir()
    datasets.due()
    assert datasets.get(vendor, lost.id).state == "failed"
    assert {path.name for path in datasets.folder.iterdir()} == {one.id, other.id}
    services.clock.advance(days=29.9)
    datasets.due()
    assert datasets.get(vendor, one.id).state == "made"
    assert web.delete(f"/api/v1/datasets/{other.id}", headers=services.bearer(vendor)).json()["state"] == "expired"
    with pytest.raises(Conflict):
        datasets.delete(vendor, other.id)
    with pytest.raises(Conflict):
        datasets.delete(vendor, waiting.id)
    services.clock.advance(days=0.2)
    datasets.due()
    datasets.due()
    assert list(datasets.folder.iterdir()) == []
    headers = services.bearer(vendor)
    gone = web.get(f"/api/v1/datasets/{one.id}/files/{names(one)[0]}", headers=headers)
    assert (gone.status_code, gone.json()["hint"]) == (
        410, "ask again with the same seed and options: the rows are the same",
    )  # fmt: skip
    shown = web.get(f"/api/v1/datasets/{one.id}", headers=headers).json()
    assert (shown["state"], shown["purpose"]) == ("expired", "try it")
    assert services.kinds().count("dataset.expired") == 2
    with pytest.raises(Gone):
        datasets.file(vendor, one.id, names(one)[0])


def test_pace_and_end_are_told(services: Any, datasets: Datasets) -> None:
    one = datasets.request(services.vendor(), replace(ASKED, rows=500))
    with services.database.transaction() as tx:
        begun = store.change(tx, one, began_at="2026-11-02T01:00:00.000Z", began_with=100)
    status = datasets.jobs.status(one.job)
    at = replace(
        status,
        state="running",
        changed_at="2026-11-02T01:00:10.000Z",
        progress=replace(status.progress, done=600, total=1000, text="writing bills"),
    )
    told = show(begun, at)["progress"]
    assert told == {
        "done": 600, "total": 1000, "text": "writing bills", "rate": 50, "estimated_end": "2026-11-02T01:00:18.000Z",
    }  # fmt: skip
    assert show(one, status)["progress"]["rate"] is None


def test_a_wish_survives_the_database(services: Any, datasets: Datasets) -> None:
    body = {
        "interface": "police.shop", "table": "bills", "rows": 1000, "purpose": "p", "seed": None, "format": "csv",
        "encoding": "utf-8-bom", "partition_by": ["kind"], "part_rows": 1000, "where": "pieces > 1",
        "as_of": "2027-01-01", "identifiers": "reserved", "scenarios": ["conflicts"],
        "defects": {"defects": [{"kind": "missing", "rate": 0.5}]},
    }  # fmt: skip
    one = datasets.request(services.vendor(), wish(body, "home"))
    assert datasets.get(services.vendor(), one.id) == one
    assert one.wish.seed == "home"


def test_datasets_made_before_are_still_there(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'old.sqlite'}")
    row = {
        "id": "dat_1", "owner": "acme", "interface": "police.shop", "version": "1.0.0", "table": "bills", "rows": 5,
        "seed": "7", "format": "csv", "purpose": "p", "job": "job_1", "asked_by": "cli_1", "asked_at": "2026-10-01",
        "files": '["bills.csv", "bills.csv.manifest.json"]', "quality": '{"success": true}',
        "made_at": "2026-10-01T01:00:00.000Z",
    }  # fmt: skip
    columns = ", ".join(f'"{name}"' for name in row)
    with database.transaction() as tx:
        command.upgrade(migrations.configuration(tx), "0003")
        tx.execute(text(f"INSERT INTO datasets ({columns}) VALUES ({', '.join(f':{name}' for name in row)})"), row)
    migrations.upgrade(database)
    with database.reading() as tx:
        found = store.dataset(tx, "dat_1")
    database.close()
    assert found is not None
    assert (found.state, found.expires_at, found.total_rows) == ("made", "2026-10-31T01:00:00.000Z", 5)
    assert (names(found), names(found, "manifest")) == (["bills.csv"], ["bills.csv.manifest.json"])
    assert show(found, None)["quality"]["success"] is True
