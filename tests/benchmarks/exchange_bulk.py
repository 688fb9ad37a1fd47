"""Bulk sharing against DuckDB's bare COPY of the same query, and the real Delta Sharing client.

The service is a process of its own, so that its memory and processor time can be read; the bare COPY is another. Both
run in turn. `TONGBAN_BENCH_ROWS` (default 10,000,000) is the size of the table of 20 columns.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2

from exchange.bench import row

ROWS = int(os.environ.get("TONGBAN_BENCH_ROWS", 10_000_000))
SHARED_ROWS, ROUNDS = 1_000_000, 3
PURPOSE = "bench"
AGREED = ("c01", "c02", "c03", "c04", "c05", "c06", "c07", "c08")
TERMS = {"rows": "c02 == '110101' || c04 >= 500000", "masks": {"c01": "hash"}}
SECRET = "operator-secret-of-the-benchmark"
_COLUMNS = """
    '9099011993' || lpad(CAST(i % 100000000 AS VARCHAR), 8, '0') AS c01,
    CASE i % 3 WHEN 0 THEN '110101' WHEN 1 THEN '310101' ELSE '440301' END AS c02,
    DATE '1950-01-01' + CAST(i * 7919 % 27000 AS INTEGER) AS c03,
    CAST(i * 104729 % 1000000 AS BIGINT) AS c04,
    CAST(i * 31 % 100000 AS DOUBLE) / 100 AS c05,
    'street ' || (i * 17 % 5000) AS c06,
    CAST(i % 2 = 0 AS BOOLEAN) AS c07,
    CAST(i * 13 % 1000 AS DECIMAL(10, 2)) AS c08
"""
_BARE = """
import json, sys, time, resource, duckdb
source, target, sql, values = sys.argv[1], sys.argv[2], sys.argv[3], json.loads(sys.argv[4])
values = [bytes.fromhex(v[4:]) if isinstance(v, str) and v.startswith("hex:") else v for v in values]
c = duckdb.connect()
c.execute("SET enable_progress_bar = false")
c.execute("SET TimeZone = 'UTC'")
c.execute("SET preserve_insertion_order = false")
c.execute(f"CREATE TEMP VIEW source AS SELECT * FROM read_parquet('{source}')")
began = time.perf_counter()
c.execute(f"COPY ({sql}) TO '{target}' (FORMAT parquet)", values)
wall = time.perf_counter() - began
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps([wall, used.ru_utime + used.ru_stime, used.ru_maxrss]))
"""


def measure() -> list[dict[str, Any]]:
    """The rows of ``tongban bench exchange_bulk``."""
    with tempfile.TemporaryDirectory(prefix="tongban-bulk-") as folder, _world(Path(folder)) as world:
        return [*_streams(world), *_client(world)]


def _streams(world: _World) -> list[dict[str, Any]]:
    large = world.agree("large", TERMS)
    bare, ours, used = [], [], []
    for _ in range(ROUNDS):
        before, began = world.processor(), time.perf_counter()
        bare.append(_bare(world, large))
        idle = (world.processor() - before) / (time.perf_counter() - began)
        ours.append(world.stream(large, "large", "parquet"))
        # what the service does all the time is no part of a file
        used.append(ours[-1][1] - idle * ours[-1][0])
    wall, cpu = min(one[0] for one in bare), min(one[1] for one in bare)
    mine, work = min(one[0] for one in ours), min(used)
    size = f"{ROWS:,} rows × 20 columns, 8 agreed, filter, hash mask"
    copy = f"bare COPY {wall:.2f} s"
    made = [
        row(f"Parquet, {size}", round(mine, 2), "s", copy, round(wall / mine, 2), ">= 0.8", wall >= 0.8 * mine),
        row("the same, processor time", round(work, 2), "s", f"{cpu:.2f} s", round(cpu / work, 2), "", None),
    ]
    for format in ("arrow", "csv"):
        seconds, _, records = world.stream(large, "large", format)
        made.append(row(f"{format} stream", round(records / seconds), "rows/s", "", None, "", None))
    peak = world.memory()
    return [*made, row("memory of the service, peak", round(peak), "MiB", "", None, "<= 1024", peak <= 1024)]


def _client(world: _World) -> list[dict[str, Any]]:
    try:
        import delta_sharing
    except ImportError:
        return [row("load_as_pandas", None, "", "left out: delta-sharing is not installed", None, "", None)]
    shared = world.agree("shared", {})
    profile = world.profile(shared)
    tables = delta_sharing.SharingClient(str(profile)).list_all_tables()
    url = f"{profile}#{shared}.bench_shared.rows"
    made = [row("list_all_tables", len(tables), "tables", "delta-sharing", None, "1", len(tables) == 1)]
    for delta in (True, False):
        before = world.deliveries(shared)
        began = time.perf_counter()
        frame = delta_sharing.load_as_pandas(url, use_delta_format=delta)
        seconds = time.perf_counter() - began
        rows, left = len(frame), world.deliveries(shared) - before
        name = f"load_as_pandas, {'delta' if delta else 'parquet'} format"
        made.append(row(name, round(seconds, 2), "s", f"{SHARED_ROWS:,} rows", None, "all rows", rows == SHARED_ROWS))
        flow = world.flows(shared)[-1]
        made.append(row("deliveries of it", left, "", f"{flow['requests']} requests", None, "1 a file", left == 1))
    world.send("POST", f"/api/v1/agreements/{shared}/suspension", world.provider, {"reason": "bench"})
    stopped = False
    with suppress(Exception):
        delta_sharing.load_as_pandas(url)
    stopped = world.deliveries(shared) == 2
    return [*made, row("files after suspension", world.deliveries(shared) - 2, "", "", None, "0", stopped)]


class _World:
    """A running service with a provider, a consumer and two datasets."""

    def __init__(self, folder: Path, port: int, process: subprocess.Popen[bytes]) -> None:
        self.folder, self.process = folder, process
        self.http = httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=600)
        self._wait()
        self.operator = self.token("operator", SECRET)
        self.provider, self.consumer = self.party("bench"), self.party("asking")
        for name, rows in (("large", ROWS), ("shared", SHARED_ROWS)):
            _write(folder / "files" / "bench" / f"{name}.parquet", rows)
            columns = "\n".join(f"      - {{name: c{n:02d}, logicalType: string}}" for n in range(1, 21))
            document = (
                f"apiVersion: v3.1.0\nkind: DataContract\nid: bench.{name}\nname: {name}\nversion: 1.0.0\n"
                f"status: active\nschema:\n  - name: rows\n    logicalType: object\n    properties:\n{columns}\n"
            )
            self.send("POST", "/api/v1/interfaces", self.provider, {"filename": "a.odcs.yaml", "document": document})
            self.send("POST", f"/api/v1/interfaces/bench.{name}/versions/1.0.0/publication", self.provider)
            body = {"kind": "files", "location": f"{name}.parquet"}
            self.send("PUT", f"/api/v1/interfaces/bench.{name}/tables/rows/source", self.provider, body)

    def _wait(self) -> None:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            with suppress(httpx2.HTTPError):
                if self.http.get("/ready").status_code == 200:
                    return
            time.sleep(0.2)
        raise RuntimeError("the service did not start")

    def token(self, id: str, secret: str) -> dict[str, str]:
        data = {"grant_type": "client_credentials", "client_id": id, "client_secret": secret}
        return {"Authorization": f"Bearer {self.http.post('/oauth/token', data=data).json()['access_token']}"}

    def party(self, id: str) -> dict[str, str]:
        body = {"id": id, "kind": "department", "name": {"zh_CN": id, "en": id}}
        self.send("POST", "/api/v1/parties", self.operator, body)
        client = {"label": "bench", "roles": ["admin", "engineer", "reviewer"]}
        made = self.send("POST", f"/api/v1/parties/{id}/clients", self.operator, client)
        self._clients = {**getattr(self, "_clients", {}), id: (made["client_id"], made["client_secret"])}
        return self.token(made["client_id"], made["client_secret"])

    def renew(self) -> None:
        """Fresh access tokens: they last a quarter of an hour."""
        self.provider, self.consumer = (self.token(*self._clients[id]) for id in ("bench", "asking"))

    def send(self, method: str, path: str, who: dict[str, str], body: Any = None) -> Any:
        answer = self.http.request(method, path, json=body, headers=who)
        if answer.status_code >= 300:
            raise RuntimeError(f"{path}: {answer.status_code} {answer.text}")
        return answer.json() if answer.content else None

    def agree(self, name: str, terms: dict[str, Any]) -> str:
        self.renew()
        wish = {"interface": f"bench.{name}", "table": "rows", "fields": AGREED, "legal_basis": "b", "scenario": "s",
                "purpose": PURPOSE, "mode": "bulk", "duration_days": 30}  # fmt: skip
        filed = self.send("POST", "/api/v1/applications", self.consumer, wish)
        answer = {"decision": "consent"}
        made = self.send("POST", f"/api/v1/applications/{filed['id']}/answer", self.provider, answer)
        if terms:
            self._under(made["agreement"], terms)
        return str(made["agreement"])

    def _under(self, agreement: str, terms: dict[str, Any]) -> None:
        from exchange.agreements import store
        from exchange.database import Database

        database = Database(f"sqlite:///{self.folder / 'home' / 'tongban.sqlite'}")
        with database.transaction() as tx:
            found = store.agreement(tx, agreement)
            if found is None:
                raise RuntimeError("the agreement is not there")
            store.save_agreement(tx, replace(found, terms=terms))
        database.close()

    def stream(self, agreement: str, name: str, format: str) -> tuple[float, float, int]:
        """Seconds to the last byte, the service's processor seconds, and records."""
        self.renew()
        used, began = self.processor(), time.perf_counter()
        path = f"/api/v1/bulk/{agreement}/tables/rows?format={format}"
        with self.http.stream("GET", path, headers={**self.consumer, "Tongban-Purpose": PURPOSE}) as answer:
            if answer.status_code != 200:
                raise RuntimeError(answer.read().decode())
            for _ in answer.iter_raw(1 << 20):
                pass
            records = int(answer.headers["tongban-records"])
        return time.perf_counter() - began, self.processor() - used, records

    def profile(self, agreement: str) -> Path:
        made = self.send("POST", f"/api/v1/agreements/{agreement}/shares", self.consumer, {"purpose": PURPOSE})
        path = self.folder / "bench.share"
        path.write_text(json.dumps(made))
        return path

    def flows(self, agreement: str) -> list[dict[str, Any]]:
        self.renew()
        return list(self.send("GET", f"/api/v1/bulk/{agreement}/flows", self.provider)["items"])

    def deliveries(self, agreement: str) -> int:
        self.renew()
        found = self.send("GET", "/api/v1/deliveries?state=delivered&limit=1000", self.provider)["items"]
        return sum(one["agreement"] == agreement for one in found)

    def processor(self) -> float:
        told = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> float:
        told = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(told.split("VmHWM:")[1].split()[0]) / 1024


@contextmanager
def _world(folder: Path) -> Iterator[_World]:
    import socket

    (folder / "files" / "bench").mkdir(parents=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TONGBAN_")}
    settings = {"TONGBAN_HOME": str(folder / "home"), "TONGBAN_PORT": str(port), "TONGBAN_OPERATOR_SECRET": SECRET,
                "TONGBAN_BULK_FOLDER": str(folder / "files")}  # fmt: skip
    command = [sys.executable, "-m", "exchange.cli", "serve"]
    process = subprocess.Popen(command, env=kept | settings, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield _World(folder, port, process)
    finally:
        process.terminate()
        process.wait(60)


def _bare(world: _World, agreement: str) -> tuple[float, float]:
    from exchange.bulk.masks import agreement_key
    from exchange.bulk.model import Kind, Source
    from exchange.bulk.plan import filtered, planned
    from exchange.bulk.sources import Sources
    from exchange.bulk.terms import Terms

    sources = Sources(world.folder / "files", world.folder / "spill", lambda _address: False)
    source = Source("bench.large", "rows", "bench", Kind.FILES, "large.parquet", "rows", 1, "", "")
    terms = Terms(AGREED, str(TERMS["rows"]), {"c01": {"mask": "hash"}})
    with sources.open(source, None) as reading:
        connection = reading.connection
        plan = planned(connection, terms, filtered(connection, terms), agreement_key(b"k" * 32, agreement))
    values = [f"hex:{value.hex()}" if isinstance(value, bytes) else value for value in plan.select.values]
    file, target = world.folder / "files" / "bench" / "large.parquet", world.folder / "bare.parquet"
    command = [sys.executable, "-c", _BARE, str(file), str(target), plan.select.sql, json.dumps(values)]
    wall, used, _ = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return float(wall), float(used)


def _write(path: Path, rows: int) -> None:
    import duckdb

    rest = ", ".join(f"'padding {n} ' || (i * {n} % 997) AS c{n:02d}" for n in range(9, 21))
    with duckdb.connect() as connection:
        connection.execute(f"COPY (SELECT {_COLUMNS}, {rest} FROM range({rows}) r(i)) TO '{path}' (FORMAT parquet)")
