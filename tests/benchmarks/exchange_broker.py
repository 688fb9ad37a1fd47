"""The broker against a bare FastAPI reverse proxy with aiohttp as its client: side by side, one worker each.

The provider is a raw ASGI application that answers 300 bytes; load comes from another process. Both proxies are asked
in turns, round by round, so that what else the machine does falls on both; the median of the rounds' ratios counts.
Decision, spec check, reduction from eight fields to three and a durable receipt (SQLite, synchronous=FULL) are in every
brokered call. `TONGBAN_BENCH_SECONDS` (default 4) is the length of one load.
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
from urllib.parse import quote

from exchange.bench import row

HERE = Path(__file__).parent
SECONDS = float(os.environ.get("TONGBAN_BENCH_SECONDS", 4))
CONNECTIONS, ROUNDS = 32, 5
PURPOSE = "社会保障卡申领"

PROVIDER = """
import json, sys, uvicorn
ONE = {"id": "7", "XM": "王小明", "XB": "1", "CSRQ": "1990-03-07", "MZ": "01", "XZQHDM": "110101",
    "LXDH": "13800000001", "ZZ": "北京市东城区和平里北街1号院2号楼3单元401室", "BZ": "x" * 40}
BODY = json.dumps(ONE, ensure_ascii=False).encode()
HEAD = [(b"content-type", b"application/json"), (b"content-length", str(len(BODY)).encode())]
async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    await send({"type": "http.response.start", "status": 200, "headers": HEAD})
    await send({"type": "http.response.body", "body": BODY})
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="critical", access_log=False, lifespan="off")
"""

PROXY = """
import sys, aiohttp, uvicorn
from contextlib import asynccontextmanager
from fastapi import FastAPI, Request, Response
@asynccontextmanager
async def lifespan(app):
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as app.state.client:
        yield
app = FastAPI(lifespan=lifespan)
HOP = {"connection", "keep-alive", "transfer-encoding", "host", "content-length"}
@app.api_route("/exchange/{interface}/{path:path}", methods=["GET", "POST"])
async def proxy(request: Request, interface: str, path: str):
    headers = {name: value for name, value in request.headers.items() if name not in HOP}
    url = f"http://127.0.0.1:{sys.argv[2]}/{path}"
    body = await request.body()
    async with app.state.client.request(request.method, url, headers=headers, data=body or None) as answer:
        kept = {name: value for name, value in answer.headers.items() if name.lower() not in HOP}
        return Response(await answer.read(), status_code=answer.status, headers=kept)
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="critical", access_log=False)
"""

SERVE = """
import sys
from pathlib import Path
from exchange.serving import run
from exchange.settings import Settings
home, port, url = sys.argv[1:]
run(Settings(home=Path(home), port=int(port), database_url=url, allow_loopback_endpoints=True,
    operator_secret="o" * 40, population_size=100_000))
"""

DOCUMENT = """
openapi: 3.1.0
info: {title: 居民登记, version: 1.0.0, description: 居民登记查询, x-interface-id: police.people, x-department: police,
  x-en: {title: People, description: People}}
paths:
  /people/{id}:
    get:
      operationId: getPerson
      summary: 查询一人
      parameters: [{name: id, in: path, required: true, schema: {type: string}}]
      responses:
        "200":
          description: 登记
          content: {application/json: {schema: {$ref: "#/components/schemas/Person"}}}
components:
  schemas:
    Person:
      type: object
      required: [id, XM, CSRQ]
      properties:
        id: {type: string}
        XM: {type: string, maxLength: 50}
        XB: {type: string, enum: ["0", "1", "2", "9"]}
        CSRQ: {type: string, format: date}
        MZ: {type: string, pattern: "^[0-9]{2}$"}
        XZQHDM: {type: string, pattern: "^[0-9]{6}$"}
        LXDH: {type: string}
        ZZ: {type: string}
        BZ: {type: string}
"""


def measure() -> list[dict[str, Any]]:
    """Rows for `exchange.bench`."""
    with tempfile.TemporaryDirectory() as folder, standing(Path(folder)) as (proxy, broker, headers):
        paths = dict.fromkeys((proxy, broker), "/exchange/police.people/people/7")
        for port in (proxy, broker):  # connections, caches and compiled validators
            load(port, CONNECTIONS, 1, paths[port], headers)
        turns = [(proxy, broker) if number % 2 else (broker, proxy) for number in range(ROUNDS)]
        many = [{port: load(port, CONNECTIONS, SECONDS, paths[port], headers) for port in turn} for turn in turns]
        one = [{port: load(port, 1, SECONDS / 2, paths[port], headers) for port in turn} for turn in turns]
    rate = statistics.median(round[broker]["rate"] / round[proxy]["rate"] for round in many)
    tail = statistics.median(round[broker]["p99"] / round[proxy]["p99"] for round in many)
    added = statistics.median(round[broker]["p50"] - round[proxy]["p50"] for round in one)
    failed = sum(int(round[port]["failed"]) for round in (*many, *one) for port in round)

    def middle(rounds: list[dict[int, dict[str, float]]], port: int, name: str) -> float:
        return round(statistics.median(one[port][name] for one in rounds), 2)

    return [
        row("brokered call", middle(many, broker, "rate"), "requests/s", f"bare proxy {middle(many, proxy, 'rate')}",
            round(rate, 2), "≥ 0.7", rate >= 0.7),
        row("p99 at 32 connections", middle(many, broker, "p99"), "ms", f"bare proxy {middle(many, proxy, 'p99')}",
            round(tail, 2), "≤ 3", tail <= 3),
        row("p50 at 1 connection", middle(one, broker, "p50"), "ms", f"bare proxy {middle(one, proxy, 'p50')}",
            round(added, 2), "≤ 2 ms added", added <= 2),
        row("calls not answered 200", failed, "", "", None, "0", failed == 0),
    ]  # fmt: skip


@contextmanager
def standing(folder: Path, url: str = "") -> Iterator[tuple[int, int, dict[str, str]]]:
    """Provider, bare proxy and exchange running: ports of the latter two, and headers of a permitted call."""
    provider, proxy, broker = free(), free(), free()
    with (
        program(PROVIDER, str(provider)),
        program(PROXY, str(proxy), str(provider)),
        program(SERVE, str(folder / "home"), str(broker), url),
    ):
        for port in (provider, proxy, broker):
            listening(port)
        client = agree(f"http://127.0.0.1:{broker}", f"http://127.0.0.1:{provider}")
        yield proxy, broker, asking(f"http://127.0.0.1:{broker}", client)


def asking(base: str, client: tuple[str, str]) -> dict[str, str]:
    """Headers of a permitted call, good for a quarter of an hour."""
    form = f"grant_type=client_credentials&client_id={client[0]}&client_secret={client[1]}".encode()
    with urllib.request.urlopen(f"{base}/oauth/token", form, timeout=30) as answer:
        return {"Authorization": f"Bearer {json.load(answer)['access_token']}", "Tongban-Purpose": quote(PURPOSE)}


def agree(base: str, provider: str) -> tuple[str, str]:
    """Two departments, one interface, one agreement over three of its nine fields; id and secret of its consumer."""

    def send(method: str, path: str, who: dict[str, str], body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(base + path, data, {**who, "Content-Type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    operator = asking(base, ("operator", "o" * 40))

    def party(id: str) -> tuple[str, str]:
        name = {"zh_CN": id, "en": id}
        send("POST", "/api/v1/parties", operator, {"id": id, "kind": "department", "name": name})
        roles = {"label": "t", "roles": ["admin", "engineer", "reviewer"]}
        made = send("POST", f"/api/v1/parties/{id}/clients", operator, roles)
        return made["client_id"], made["client_secret"]

    police, client = asking(base, party("police")), party("human-resources")
    send("POST", "/api/v1/interfaces", police, {"filename": "openapi.yaml", "document": DOCUMENT})
    send("PUT", "/api/v1/interfaces/police.people/endpoint", police, {"url": provider})
    send("POST", "/api/v1/interfaces/police.people/probes", police)
    send("POST", "/api/v1/interfaces/police.people/versions/1.0.0/publication", police)
    wish = {"interface": "police.people", "operations": ["getPerson"], "fields": ["id", "XM", "CSRQ"]}
    wish |= {"legal_basis": "b", "scenario": "s", "purpose": PURPOSE, "mode": "service", "duration_days": 30}
    filed = send("POST", "/api/v1/applications", asking(base, client), wish | {"approved_by": "x"})
    send("POST", f"/api/v1/applications/{filed['id']}/answer", police, {"decision": "consent"})
    return client


def load(port: int, connections: int, seconds: float, path: str, headers: dict[str, str]) -> dict[str, float]:
    """What came of a load from another process."""
    run = [sys.executable, str(HERE / "_load.py"), "127.0.0.1", str(port), str(connections), str(seconds), path]
    lines = json.dumps([f"{name}: {value}" for name, value in headers.items()])
    done = subprocess.run(run, capture_output=True, text=True, check=True, env={**os.environ, "LOAD_HEADERS": lines})
    return dict(json.loads(done.stdout))


@contextmanager
def program(text: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A Python program of its own, ended with the block."""
    process = subprocess.Popen([sys.executable, "-c", text, *arguments], stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def free() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listening(port: int) -> None:
    """Wait until somebody listens there."""
    deadline = time.monotonic() + 180
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
