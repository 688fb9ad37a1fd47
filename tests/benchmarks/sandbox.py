"""The sandbox against a bare FastAPI endpoint and Prism: requests a second, latency, start, memory, valid answers.

One process each, load from a second one, 32 connections; every request by id asks for another id, so no answer comes
from a cache. `TONGBAN_BENCH_SECONDS` (default 4) is the length of one load. Prism is installed into a folder of the
benchmark's own (npm).
"""

from __future__ import annotations

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from exchange.bench import row

HERE = Path(__file__).parent
DOCUMENT = HERE.parent / "data" / "citizens.openapi.yaml"
LARGE = HERE.parent / "data" / "openapi" / "us-epa-echo.json"
SECONDS = float(os.environ.get("TONGBAN_BENCH_SECONDS", 4))
CONNECTIONS, ROUNDS, SANDBOXES = 32, 3, 1000
PRISM = "@stoplight/prism-cli@5.14"

_FASTAPI = """
import sys
import uvicorn
from fastapi import FastAPI
ONE = {"id": "11010119900307001X", "name": "王小明", "sex": "1", "birth": "1990-03-07", "ethnic": "01",
    "division": "110101", "address": "北京市东城区和平里北街1号", "mobile": "13800000001", "email": "a@example.com",
    "employer": {"uscc": "91110101MA00000000", "name": "某某科技有限公司"}, "income": 8000.5,
    "registered_at": "1999-05-06T01:02:03Z", "tags": ["a", "b"]}
app = FastAPI()
@app.get("/citizens/{id}")
async def one(id: str):
    return ONE
@app.get("/citizens")
async def some(limit: int = 20):
    return [ONE] * limit
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="critical", access_log=False)
"""

_MEMORY = """
import gc, json, resource, sys
from pathlib import Path
import specs
from mockdata.population import Population
from mockdata.sandbox import Sandbox
from mockdata.sandbox.messages import Request
from mockdata.sandbox.record import Recorder
interface, country = specs.read(Path(sys.argv[1])), Population(1)
def opened(seed):
    made = Sandbox([interface], country, seed=seed, bare=True, recorder=Recorder(1000))
    for number in range(20):
        made.handle(Request("GET", f"/citizens/11010119900307{number:03d}X"))
    made.handle(Request("GET", "/citizens", "limit=20"))
    return made
def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20
first = opened(0); gc.collect(); before = resident()
kept = [opened(seed) for seed in range(1, int(sys.argv[2]) + 1)]; gc.collect()
print(json.dumps({"mib": (resident() - before) / len(kept)}))
"""


def measure() -> list[dict[str, Any]]:
    """Rows for `exchange.bench`."""
    with tempfile.TemporaryDirectory() as folder:
        prism = _prism(Path(folder))
        many = Path(folder) / "paths.txt"
        many.write_text("\n".join(f"/citizens/{11010119900307000 + number}X" for number in range(200_000)))
        loads = {"by id": f"@{many}", "list of 20": "/citizens?limit=20"}
        servers = {"tongban": _tongban, "fastapi": _fastapi} | ({"prism": prism} if prism else {})
        found: dict[tuple[str, str], list[dict[str, float]]] = {}
        for _ in range(ROUNDS):
            for name, command in servers.items():
                with _serving(command, "/citizens?limit=1") as port:
                    for what, paths in loads.items():
                        found.setdefault((name, what), []).append(_loaded(port, paths))
        rows = [line for what in loads for line in _rates(what, found)]
        return [*rows, _start(), _sandboxes()]


def _rates(what: str, found: dict[tuple[str, str], list[dict[str, float]]]) -> list[dict[str, Any]]:
    def median(name: str, value: str) -> float:
        return statistics.median(one[value] for one in found[name, what])

    def ratio(other: str, value: str) -> float:
        pairs = zip(found["tongban", what], found[other, what], strict=True)
        return round(statistics.median(own[value] / theirs[value] for own, theirs in pairs), 2)

    own = round(median("tongban", "rate"))
    failed = sum(one["failed"] for one in found["tongban", what])
    bare = ratio("fastapi", "rate")
    slow = ratio("fastapi", "p99")
    by_id = what == "by id"
    rows = [
        row(f"{what}: answers other than 200", failed, "", "", None, "0", failed == 0),
        row(what, own, "requests/s", f"bare FastAPI {median('fastapi', 'rate'):,.0f}", bare,
            ">= 0.5" if by_id else "", bare >= 0.5 if by_id else None),
        row(f"{what}, p99", round(median("tongban", "p99"), 1), "ms", f"bare FastAPI {median('fastapi', 'p99'):.1f}",
            slow, "<= 2" if by_id else "", slow <= 2 if by_id else None),
    ]  # fmt: skip
    if ("prism", what) not in found:
        return [*rows, row(f"{what} against Prism -d", own, "requests/s", "left out: no npm", None, "", None)]
    times, bar = ratio("prism", "rate"), 6 if by_id else 15
    against = f"Prism -d {median('prism', 'rate'):,.0f}"
    return [*rows, row(f"{what} against Prism", own, "requests/s", against, times, f">= {bar}", times >= bar)]


def _tongban(port: int) -> list[str]:
    return [sys.executable, "-m", "exchange.cli", "mock", "serve", str(DOCUMENT), "--quiet", "--port", str(port)]


def _fastapi(port: int) -> list[str]:
    return [sys.executable, "-c", _FASTAPI, str(port)]


def _prism(folder: Path) -> Any:
    command = ["npm", "install", "--silent", "--no-fund", "--no-audit", "--prefix", str(folder), PRISM]
    try:
        subprocess.run(command, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    program = str(folder / "node_modules" / ".bin" / "prism")
    return lambda port: [program, "mock", "-d", "-p", str(port), "-h", "127.0.0.1", str(DOCUMENT)]


@contextmanager
def _serving(command: Any, path: str) -> Iterator[int]:
    """The port of a server, entered with its first answer."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    process = subprocess.Popen(command(port), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _first(process, f"http://127.0.0.1:{port}{path}")
        yield port
    finally:
        process.terminate()
        process.wait()


def _first(process: subprocess.Popen[bytes], url: str) -> None:
    """Returns with the first answer."""
    while process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=30) as answer:
                answer.read()
                return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.01)
    raise RuntimeError(f"{process.args!r} ended with {process.returncode}")


def _loaded(port: int, paths: str) -> dict[str, float]:
    command = [sys.executable, str(HERE / "_load.py"), "127.0.0.1", str(port), str(CONNECTIONS), str(SECONDS), paths]
    found: dict[str, float] = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=60).stdout)
    return found


def _start() -> dict[str, Any]:
    command = [sys.executable, "-m", "exchange.cli", "mock", "serve", str(LARGE), "--open", "--port"]
    seconds = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        with _serving(lambda port: [*command, str(port)], "/echo_rest_services.get_facilities"):
            seconds.append(time.perf_counter() - began)
    took = statistics.median(seconds)
    return row("first answer after the start, 250 KB document", round(took, 2), "s", "", None, "<= 2", took <= 2)


def _sandboxes() -> dict[str, Any]:
    command = [sys.executable, "-c", _MEMORY, str(DOCUMENT), str(SANDBOXES)]
    mib = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)["mib"]
    return row(f"memory of one of {SANDBOXES:,} sandboxes", round(mib, 2), "MiB", "", None, "<= 2", mib <= 2)
