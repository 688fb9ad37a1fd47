"""Pushes beside brokered calls of the same record, one service, one run: events taken in, messages out, time to arrive.

The service runs in a process of its own; the consumer's server and whoever publishes are here. `TONGBAN_BENCH_EVENTS`
(default 300) says how many events.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from exchange.bench import row
from tests.integration.test_brokering_kill import SECRET, Service
from tests.integration.test_brokering_story import PURPOSE, World
from tests.unit.exchange.hosted import Listener

EVENTS = int(os.environ.get("TONGBAN_BENCH_EVENTS", 300))
ALONE = 20
"""Events sent one at a time, for the time to arrive."""


def measure() -> list[dict[str, Any]]:
    """Rows for `exchange.bench`."""
    from exchange.settings import Settings

    with tempfile.TemporaryDirectory() as folder, Listener() as listener:
        home = Path(folder)
        service = Service(home, f"sqlite:///{home / 'tongban.sqlite'}")
        try:
            world = World(service.base, Settings(home=home, operator_secret=SECRET, population_size=100_000))
            world.connect()
            return _rows(world, listener)
        finally:
            service.kill()


def _rows(world: World, listener: Listener) -> list[dict[str, Any]]:
    agreement = world.http.get("/api/v1/agreements", headers=world.asking).json()["items"][0]["id"]
    wish = {"agreement": agreement, "operation": "queryResident", "purpose": PURPOSE, "destination": listener.url}
    world.post("/api/v1/push-subscriptions", world.asking, wish)
    began = time.perf_counter()
    for _ in range(EVENTS):
        assert world.ask().status_code == 200
    called = EVENTS / (time.perf_counter() - began)
    late = []
    for number in range(ALONE):
        began, before = time.perf_counter(), len(listener.got)
        _publish(world, f"alone{number}")
        listener.wait(before + 1, 30)
        late.append(time.perf_counter() - began)
    began, before = time.perf_counter(), len(listener.got)
    for number in range(EVENTS):
        _publish(world, f"many{number}")
    taken = EVENTS / (time.perf_counter() - began)
    listener.wait(before + EVENTS, 120)
    sent = EVENTS / (time.perf_counter() - began)
    lost = before + EVENTS - len({headers["webhook-id"] for _, _, headers in listener.got})
    return [
        row("brokered calls, one after the other", round(called, 1), "/s", "", None, "", None),
        row(
            "events taken in, one after the other", round(taken, 1), "/s", "a call", round(taken / called, 2), "", None
        ),
        row("messages out, one subscription", round(sent, 1), "/s", "a call", round(sent / called, 2), "", None),
        row("event to arrival, p50", round(statistics.median(late) * 1000), "ms", "", None, "", None),
        row("messages lost", lost, "", "", None, "= 0", lost == 0),
    ]


def _publish(world: World, id: str) -> None:
    body = {"interface": "police.residents", "operation": "queryResident", "id": id, "call": {"body": world.person}}
    world.post("/api/v1/push-events", world.police, body)
