"""Kill -9 while events come in and messages go out: every acknowledged event reaches the consumer, with its receipt.

``PUSH_KILLS`` sets how often the service is killed on each database (the suite: once on SQLite).
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.integration.test_brokering_kill import SECRET, Service, _settings, url  # noqa: F401
from tests.integration.test_brokering_story import PURPOSE, World
from tests.unit.exchange.hosted import Listener

KILLS = int(os.environ.get("PUSH_KILLS", "1"))


ENGINES = ["sqlite", "postgresql"] if "PUSH_KILLS" in os.environ else ["sqlite"]


def events(world: World, record: dict[str, Any], start: int, seconds: float) -> list[str]:
    """Ids of the events the service has acknowledged until it is gone."""
    taken: list[str] = []
    end, number = time.monotonic() + seconds, start
    while time.monotonic() < end:
        number += 1
        body = {"interface": "police.residents", "operation": "queryResident", "id": f"e{number}", "record": record,
                "call": {"body": world.person}}  # fmt: skip
        try:
            answer = world.http.post("/api/v1/push-events", json=body, headers=world.police)
        except httpx2.TransportError:
            return taken
        if answer.status_code == 202:
            assert answer.json()["subscriptions"] == 1
            taken.append(f"e{number}")
    return taken


@pytest.mark.parametrize("url", ENGINES, indirect=True)
def test_no_acknowledged_event_is_lost_and_none_leaves_without_its_receipt(tmp_path: Path, url: str) -> None:  # noqa: F811
    home = tmp_path / "home"
    service = Service(home, url)
    world = World(service.base, _settings(home))
    world.connect()
    answer = world.ask()
    agreement = world.http.get("/api/v1/agreements", headers=world.asking).json()["items"][0]["id"]
    whole = world.http.post(
        f"{world.box['url']}/police.residents/resident-queries".removeprefix(service.base), json=world.person,
        headers={"Authorization": f"Bearer {world.box['key']}"},
    ).json()  # fmt: skip
    taken: list[str] = []
    with Listener() as listener:
        wish = {"agreement": agreement, "operation": "queryResident", "purpose": PURPOSE, "destination": listener.url}
        made = world.post("/api/v1/push-subscriptions", world.asking, wish)
        place = f"/api/v1/push-subscriptions/{made['id']}"
        for kill in range(KILLS):
            timer = threading.Timer(1.5, service.kill)
            timer.start()
            taken += events(world, whole, 10_000 * kill, 10)
            timer.join()
            service = Service(home, url, service.port)
        try:
            assert len(taken) > 10 * KILLS
            end = time.monotonic() + 60
            while time.monotonic() < end:
                shown = pages(world, f"{place}/messages")
                if len(shown) >= len(taken) and {one["fate"] for one in shown} == {"delivered"}:
                    break
                time.sleep(0.2)
            assert {one["fate"] for one in shown} == {"delivered"}, [one for one in shown if one["fate"] != "delivered"]
            assert set(taken) <= {one["event"] for one in shown}, "an acknowledged event has its message"
            assert len({one["event"] for one in shown}) == len(shown), "and one only"
            # at least once: whatever came twice came under one id and one receipt
            came: dict[str, set[str]] = {}
            for _, body, headers in listener.got:
                assert set(body["data"]) == {"XM", "CSRQ"}
                assert body["data"]["XM"] == answer.json()["XM"]
                came.setdefault(headers["webhook-id"], set()).add(headers["tongban-receipt"])
            assert came.keys() == {one["id"] for one in shown}
            assert all(len(receipts) == 1 for receipts in came.values())
            deliveries = {one["id"]: one for one in pages(world, "/api/v1/deliveries")}
            for receipts in came.values():
                for receipt in receipts:
                    assert deliveries[receipt]["state"] == "delivered"
            bundle = tmp_path / "bundle"
            bundle.write_bytes(world.http.get("/api/v1/ledger/bundle", headers=world.officer).content)
        finally:
            service.kill()
    verify = [sys.executable, "-m", "exchange.ledger.verify", str(bundle)]
    assert subprocess.run(verify, capture_output=True, check=False).returncode == 0


def pages(world: World, path: str) -> list[dict[str, Any]]:
    """All items of a list."""
    found: list[dict[str, Any]] = []
    token = None
    while True:
        parameters = {"limit": "1000"} | ({"page_token": token} if token else {})
        got = world.http.get(path, params=parameters, headers=world.asking).json()
        found += got["items"]
        token = got["next_page_token"]
        if not token:
            return found
