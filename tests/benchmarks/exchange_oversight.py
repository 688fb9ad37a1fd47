"""Oversight over a year of a million deliveries: how long pages take on both databases, exports, and how well unusual
traffic is told from ordinary.
"""

from __future__ import annotations

import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient

from exchange.app import Services, create_app
from exchange.bench import row
from exchange.oversight import exporting
from exchange.oversight.anomalies import detect, new_fields
from exchange.oversight.model import Filter, Flow
from exchange.parties.access import SYSTEM
from exchange.settings import Settings
from tests.benchmarks import _year
from tests.benchmarks._traffic import fields_measured, measured, ordinary, working
from tests.benchmarks.exchange_kill import postgres
from tests.conftest import named, run_sql

CALLS = 1_000_000
PAGES = (
    "/api/v1/flows",
    "/api/v1/flows?purpose=purpose 7",
    "/api/v1/flows?rule=purpose-mismatch&provider=department-03",
    "/api/v1/flows?field=XM&consumer=department-04&outcome=delivered",
    "/api/v1/flows/matrix",
    "/api/v1/flows/by/field",
    "/api/v1/flows/by/day",
    "/api/v1/flows/by/day?provider=department-03",
    "/api/v1/findings",
    "/api/v1/flows/alarms?days=62",
    "/api/v1/supervision/department-03?since=2026-01-01",
    "/api/v1/supervision/department-03/report.pdf?since=2026-01-01",
    "/flows",
    "/flows?purpose=purpose 7&through=field",
    "/flows/unusual",
    "/supervision?since=2026-01-01",
    "/supervision/department-03",
    "/disclosure",
)


def measure() -> list[dict[str, Any]]:
    """Rows for `exchange.bench`."""
    rows = []
    with tempfile.TemporaryDirectory() as home:
        rows += _year_on(Path(home), "", "SQLite", time.process_time)
    with tempfile.TemporaryDirectory() as home, postgres() as server:
        run_sql(server, "CREATE DATABASE year")
        # most of the work is done by the server: its processor time is not ours, the wall's is
        rows += _year_on(Path(home), named(server, "year"), "PostgreSQL", time.perf_counter)
    return [*rows, *_alarms()]


def _year_on(home: Path, url: str, name: str, clock: Callable[[], float]) -> list[dict[str, Any]]:
    app = create_app(Settings(home=home, database_url=url), lambda: _year.NOW)
    services: Services = app.state.services
    _year.write(services.database, services.parties, CALLS)
    rows = [*_added(services, name), *_pages(app, services, name, clock)]
    if clock is time.process_time:  # an export is our work on either database
        rows += _exported(services, name)
    services.database.close()
    return rows


def _added(services: Services, name: str) -> list[dict[str, Any]]:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.process_time()
    done = services.oversight.adding.catch_up()
    seconds = time.process_time() - began
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    services.oversight.due()  # judges the days that are over, as the service does once a day
    if services.database.dialect == "postgresql":
        with services.database.transaction() as tx:
            tx.exec_driver_sql("ANALYZE")
    return [
        row(
            f"adding up a ledger of a million calls, {name}",
            round(done / seconds),
            "calls/s of CPU",
            "",
            None,
            "",
            None,
        ),
        row(f"memory it takes on top, {name}", round(grown), "MiB", "", None, "<= 100", grown <= 100),
    ]


def _pages(app: Any, services: Services, name: str, clock: Callable[[], float]) -> list[dict[str, Any]]:
    client, secret = services.parties.add_client(SYSTEM, "data-office", "bench", {"officer"})
    web = TestClient(app, headers={"Authorization": f"Bearer {services.parties.token(client.id, secret)}"})
    unit = "s of CPU" if clock is time.process_time else "s"
    rows = []
    for path in PAGES:
        taken = []
        for _ in range(3):
            began = clock()
            assert web.get(path).status_code == 200, path
            taken.append(clock() - began)
        # the machine may be busy with others: the least is nearest to the truth
        seconds = min(taken)
        rows.append(row(f"{path}, {name}", round(seconds, 2), unit, "", None, "< 1", seconds < 1))
    return rows


def _exported(services: Services, name: str) -> list[dict[str, Any]]:
    rows = []

    def calls() -> Iterator[Flow]:
        return services.oversight.calls(SYSTEM, Filter())

    for format, parts in (
        ("CSV", lambda: exporting.as_csv(exporting.rows(calls()), exporting.COLUMNS)),
        ("Parquet", lambda: exporting.as_parquet(exporting.rows(calls()), exporting.COLUMNS)),
        ("OpenLineage", lambda: exporting.as_openlineage(calls(), "https://tongban.example")),
    ):
        before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
        size = sum(map(len, parts()))
        seconds = time.process_time() - began
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        what = f"{format} of a million calls, {name}"
        rows.append(row(what, round(CALLS / seconds), "calls/s of CPU", f"{size >> 20} MiB", None, "", None))
        rows.append(row(f"{what}: memory on top", round(grown), "MiB", "", None, "<= 50", grown <= 50))
    return rows


def _alarms() -> list[dict[str, Any]]:
    rows = []
    for name, steady in (("calm", 100.0), ("ordinary", 25.0), ("restless", 8.0)):
        told = [measured(300, 58, seed, detect, steady) for seed in (1, 2, 3)]
        mean = {key: statistics.mean(one[key] for one in told) for key in told[0]}
        bar = "<= 0.2" if name == "ordinary" else ""
        false = round(mean.pop("false_month"), 3)
        rows.append(row(f"false alarms, {name} traffic", false, "a flow and month", "", None, bar,
                        false <= 0.2 if bar else None))  # fmt: skip
        right = round(mean.pop("precision"), 2)
        rows.append(row(f"precision, one anomaly a flow and month, {name} traffic", right, "share", "", None, "", None))
        for kind, share in mean.items():
            rows.append(row(f"recall of planted {kind}, {name} traffic", round(share, 2), "share", "", None, "", None))
    year = ordinary(100, 365 + 28, 4)
    alarms = len(detect(year, year.day + 28, working))
    false = round(alarms / 100 / 365 * 30, 3)
    rows.append(row("false alarms in a clean year of 100 flows", false, "a flow and month", "", None, "<= 0.2",
                    false <= 0.2))  # fmt: skip
    fields = fields_measured(300, 90, 5, new_fields)
    for name, value in fields.items():
        rows.append(row(f"new fields: {name}", round(value, 3), "share", "", None, "", None))
    return rows
