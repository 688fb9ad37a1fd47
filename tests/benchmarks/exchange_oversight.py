"""Oversight: how long a page of a million flows takes, memory, and how well unusual traffic is told from ordinary."""

from __future__ import annotations

import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import text

from exchange.bench import row
from exchange.database import Database
from exchange.ledger.service import Ledger
from exchange.oversight import store
from exchange.oversight.anomalies import detect
from exchange.oversight.model import Channel, Filter, by, matrix
from tests.benchmarks._traffic import measured

CALLS, CHANNELS, DAYS = 1_000_000, 600, 90
FIRST = 20_500


def measure() -> list[dict[str, Any]]:
    """Rows for `exchange.bench`."""
    return [*_pages(), *_alarms()]


def _pages() -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{Path(folder) / 'flows.sqlite'}")
        database.create()
        rows = [*_added(database), *_asked(database)]
        database.close()
    return rows


def _added(database: Database) -> list[dict[str, Any]]:
    """A million calls of 600 channels over 90 days, as the ledger's entries, then added up."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from exchange.clock import system_clock
    from exchange.oversight.adding import Adding

    ledger = Ledger(database, Ed25519PrivateKey.generate(), "bench", b"b" * 32, system_clock)
    channels = [_channel(number) for number in range(CHANNELS)]
    random = np.random.default_rng(1)
    chosen = random.integers(0, CHANNELS, CALLS)
    moments = np.sort(random.integers(0, DAYS * 86400, CALLS))
    raw = "INSERT INTO ledger_entries (idx, kind, at, data) VALUES (?, ?, ?, ?)"
    for start in range(0, CALLS, 50_000):
        entries = [_entry(start + place, channels, chosen, moments) for place in range(min(50_000, CALLS - start))]
        with database.transaction() as tx:
            tx.exec_driver_sql(raw, entries)
    adding = Adding(database, ledger, lambda _: {})
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.process_time()
    done = adding.catch_up()
    seconds = time.process_time() - began
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    return [
        row("adding up a ledger of a million calls", round(done / seconds), "calls/s of CPU", "", None, "", None),
        row("memory it takes on top", round(grown), "MiB", "", None, "<= 100", grown <= 100),
    ]


def _entry(index: int, channels: list[Channel], chosen: Any, moments: Any) -> tuple[int, str, str, bytes]:
    import orjson

    from exchange.clock import stamp
    from exchange.oversight.model import EPOCH

    one = channels[chosen[index]]
    at = _moment(EPOCH, int(moments[index]))
    body = {
        "provider": one.provider, "consumer": one.consumer, "interface": one.interface, "operation": one.operation,
        "agreement": one.agreement, "purpose": one.purpose, "legal_basis": one.law, "rule": one.rule,
        "fields": list(one.fields), "records": 1, "kind": "delivery.made", "at": stamp(at), "index": index,
    }  # fmt: skip
    return index, "delivery.made", stamp(at), orjson.dumps(body)


def _moment(epoch: Any, seconds: int) -> Any:
    from datetime import UTC, datetime, timedelta

    return datetime(epoch.year, epoch.month, epoch.day, tzinfo=UTC) + timedelta(days=FIRST, seconds=seconds)


def _channel(number: int) -> Channel:
    fields = tuple(f"F{number % 7}{place}" for place in range(6))
    return Channel(
        f"department-{number % 20}", f"department-{20 + number % 30}", f"interface-{number % 50}", f"op-{number % 4}",
        f"agr_{number}", f"purpose {number % 25}", f"law {number % 15}", "delivered", "permitted", fields, "",
    )  # fmt: skip


def _asked(database: Database) -> list[dict[str, Any]]:
    def page(wish: Filter) -> None:
        with database.reading() as tx:
            found = store.sums(tx, wish, None)
            days = store.totals(tx, [one.id for one in found], *wish.days)
        assert found
        assert days
        matrix(found)
        for dimension in ("purpose", "law", "field", "sensitivity"):
            by(dimension, found)

    month = Filter(since="2026-03-01", until="2026-04-15")
    narrow = Filter(purpose="purpose 3", provider="department-3", field="F33")
    plain = "SELECT provider, consumer, count(*) FROM calls GROUP BY provider, consumer"
    rows = []
    for name, wish in (
        ("everything", Filter()),
        ("a month and a half", month),
        ("purpose, provider and field", narrow),
    ):
        seconds = _seconds(lambda wish=wish: page(wish))  # type: ignore[misc]
        rows.append(row(f"a page of a million flows: {name}", round(seconds, 3), "s", "", None, "< 1", seconds < 1))
    with database.transaction() as tx:
        tx.exec_driver_sql("CREATE TABLE calls AS SELECT data->>'provider' AS provider, data->>'consumer' AS consumer"
                           " FROM (SELECT CAST(data AS TEXT) AS data FROM ledger_entries)")  # fmt: skip

    def single() -> None:
        with database.reading() as tx:
            tx.execute(text(plain)).all()

    bare = _seconds(single)
    everything = rows[0]["value"]
    rows.append(row("the same page against one GROUP BY over single calls", everything, "s", f"{bare:.2f} s",
                    round(everything / bare, 2), "", None))  # fmt: skip
    return rows


def _seconds(work: Callable[[], None]) -> float:
    taken = []
    for _ in range(3):
        began = time.process_time()
        work()
        taken.append(time.process_time() - began)
    return statistics.median(taken)


def _alarms() -> list[dict[str, Any]]:
    rows = []
    for name, steady in (("calm", 100.0), ("ordinary", 25.0), ("restless", 8.0)):
        told = [measured(300, 58, seed, detect, steady) for seed in (1, 2, 3)]
        mean = {key: statistics.mean(one[key] for one in told) for key in told[0]}
        bar = "<= 0.2" if name == "ordinary" else ""
        false = round(mean.pop("false_month"), 3)
        rows.append(row(f"false alarms, {name} traffic", false, "a flow and month", "", None, bar,
                        false <= 0.2 if bar else None))  # fmt: skip
        for kind, share in mean.items():
            rows.append(row(f"planted {kind} found, {name} traffic", round(share, 2), "share", "", None, "", None))
    return rows
