"""Hosted sandboxes under write load: two vendors never meet, and kill -9 loses no acknowledged write."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import httpx2

from tests.integration.test_brokering_kill import Service, _settings, url
from tests.integration.test_brokering_story import World
from tests.unit.exchange.hosted import NOTES

__all__ = ["url"]  # a fixture: SQLite, then a real PostgreSQL
THREADS = 4  # of each vendor
ENOUGH = 20  # acknowledged writes of each


class Office(World):
    """A department that publishes a stateful service, and two vendors with a sandbox of it each."""

    def connect(self) -> None:
        self.post("/api/v1/interfaces", self.police, {"filename": "notes.yaml", "document": NOTES})
        own = self.post("/api/v1/sandboxes", self.police, {"interfaces": ["police.notes"]})
        endpoint = {"url": f"{own['url']}/police.notes"}
        self.http.put("/api/v1/interfaces/police.notes/endpoint", json=endpoint, headers=self.police)
        assert self.post("/api/v1/interfaces/police.notes/probes", self.police)["passed"]
        self.post("/api/v1/interfaces/police.notes/versions/1.0.0/publication", self.police)
        self.vendors = {name: self.party(name, "vendor", ["admin", "developer"]) for name in ("acme", "rival")}
        wish = {"interfaces": ["police.notes"], "seed": "7"}
        self.boxes = {name: self.post("/api/v1/sandboxes", who, wish) for name, who in self.vendors.items()}

    def note(self, vendor: str, method: str, path: str, body: Any = None) -> httpx2.Response:
        box = self.boxes[vendor]
        headers = {"Authorization": f"Bearer {box['key']}"}
        return self.http.request(method, f"{box['url']}/police.notes{path}", json=body, headers=headers)


def hammer(office: Office, vendor: str, number: int, kept: list[str], foreign: list[str], end: float) -> None:
    """Write and read back under the same ids as the other vendor, until the service is gone."""
    count = 0
    while time.monotonic() < end:
        id = f"n-{number}-{count}"
        count += 1
        try:
            answer = office.note(vendor, "POST", "/notes", {"id": id, "text": vendor})
            if answer.status_code != 201:
                foreign.append(answer.text)
                return
            kept.append(id)
            seen = office.note(vendor, "GET", f"/notes/{id}")
        except httpx2.TransportError:
            return
        if seen.json() != {"id": id, "text": vendor}:
            foreign.append(seen.text)


def test_no_write_is_lost_and_none_is_seen_by_the_other_vendor(tmp_path: Path, url: str) -> None:
    home = tmp_path / "home"
    service = Service(home, url)
    office = Office(service.base, _settings(home))
    office.connect()
    kept: dict[str, list[str]] = {"acme": [], "rival": []}
    foreign: list[str] = []
    end = time.monotonic() + 20
    workers = [
        threading.Thread(target=hammer, args=(office, vendor, number, kept[vendor], foreign, end))
        for vendor in kept
        for number in range(THREADS)
    ]
    for worker in workers:
        worker.start()
    while min(map(len, kept.values())) < ENOUGH and time.monotonic() < end:
        time.sleep(0.01)
    service.kill()  # in the middle of the load: nobody has been told to stop
    for worker in workers:
        worker.join()
    assert foreign == []
    assert min(map(len, kept.values())) >= ENOUGH
    again = Service(home, url, service.port)
    try:
        for vendor, ids in kept.items():
            for id in ids[-25:]:  # the last ones are those a crash could take
                assert office.note(vendor, "GET", f"/notes/{id}").json() == {"id": id, "text": vendor}
            other = next(name for name in kept if name != vendor)
            for id in sorted(set(kept[other]) - set(ids))[:5]:
                assert office.note(vendor, "GET", f"/notes/{id}").json().get("text") != other
            state = office.http.get(
                f"/api/v1/sandboxes/{office.boxes[vendor]['id']}/state", headers=office.vendors[vendor]
            )
            # every thread may have had one write under way whose acknowledgement nobody received
            assert len(ids) <= state.json()["written"] <= len(ids) + THREADS
        assert office.note("acme", "POST", "/notes", {"id": "after", "text": "acme"}).status_code == 201
    finally:
        again.kill()
