"""The bulk half of `exchange_kill`: consumers of shared files and streams, and what must be true of them afterwards.

The provider's file changes all the while, so that a kill finds files half made. Each generation of it says its number
in every row: a file of two generations, or a part of one, is told from a whole one.
"""

from __future__ import annotations

import hashlib
import http.client
import io
import json
import os
import threading
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

ROWS, PURPOSE, TABLE = 400, "人口统计", "persons"
FORMATS = ("parquet", "arrow", "csv")
CONTRACT = f"""
apiVersion: v3.1.0
kind: DataContract
id: police.register
name: 人口登记
version: 1.0.0
status: active
schema:
  - name: {TABLE}
    logicalType: object
    properties:
      - {{name: number, logicalType: integer}}
      - {{name: generation, logicalType: integer}}
      - {{name: hidden, logicalType: string}}
"""


@dataclass
class Taken:
    """What consumers received whole: a stream by its receipt, a shared file by its query and number → SHA-256."""

    streams: dict[str, str] = field(default_factory=dict)
    files: dict[tuple[str, int], str] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def count(self) -> int:
        """Bodies received whole."""
        return len(self.streams) + len(self.files)


@dataclass(frozen=True)
class Share:
    """A consumer's way to the table: its agreement and the token of a profile."""

    agreement: str
    token: str


def write(folder: Path, generation: int) -> None:
    """The provider's file, replaced whole."""
    table = pa.table({"number": range(ROWS), "generation": [generation] * ROWS, "hidden": ["must not leave"] * ROWS})
    part = folder / f"next-{generation}"
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, part)
    os.replace(part, folder / "register.parquet")


def share(base: str, operator: dict[str, str], consumer: dict[str, str], token: Any) -> Share:
    """A published table with its file behind it, an agreement on two of its columns, and a profile."""

    def send(method: str, path: str, who: dict[str, str], body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(base + path, data, {**who, "Content-Type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    made = send("POST", "/api/v1/parties/police/clients", operator, {"label": "b", "roles": ["admin", "engineer"]})
    police = token(base, (made["client_id"], made["client_secret"]))
    send("POST", "/api/v1/interfaces", police, {"filename": "a.odcs.yaml", "document": CONTRACT})
    send("POST", "/api/v1/interfaces/police.register/versions/1.0.0/publication", police)
    source = {"kind": "files", "location": "register.parquet"}
    send("PUT", f"/api/v1/interfaces/police.register/tables/{TABLE}/source", police, source)
    wish = {"interface": "police.register", "table": TABLE, "fields": ["number", "generation"], "legal_basis": "b",
            "scenario": "s", "purpose": PURPOSE, "mode": "bulk", "duration_days": 30}  # fmt: skip
    filed = send("POST", "/api/v1/applications", consumer, wish)
    agreement = send("POST", f"/api/v1/applications/{filed['id']}/answer", police, {"decision": "consent"})["agreement"]
    profile = send("POST", f"/api/v1/agreements/{agreement}/shares", consumer, {"purpose": PURPOSE})
    return Share(agreement, profile["bearerToken"])


def take(port: int, headers: dict[str, str], shared: Share, thread: int, folder: Path, taken: Taken) -> None:
    """Fetch streams and shared files in turn until the service is gone; the first thread changes the source, too."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    number = 0
    try:
        while True:
            number += 1
            if thread == 0:
                write(folder, taken.count * 1000 + number)
            if (thread + number) % 2:
                _stream(connection, headers, shared, FORMATS[number % 3], taken)
            else:
                _file(connection, shared, taken)
    except _Refused as refusal:
        taken.wrong.append(str(refusal))
    except (OSError, http.client.HTTPException):
        return  # it is gone
    finally:
        connection.close()


class _Refused(Exception):
    """Nobody should have been."""


def _stream(
    connection: http.client.HTTPConnection, headers: dict[str, str], shared: Share, format: str, taken: Taken
) -> None:
    path = f"/api/v1/bulk/{shared.agreement}/tables/{TABLE}?format={format}"
    connection.request("GET", path, headers={**headers, "Tongban-Purpose": quote(PURPOSE)})
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != 200:
        raise _Refused(f"a stream was refused: {answer.status} {body[:300]!r}")
    receipt, digest = answer.headers["Tongban-Receipt"], hashlib.sha256(body).hexdigest()
    with taken.lock:
        if receipt in taken.streams:
            taken.wrong.append(f"two streams came under the receipt {receipt}")
        taken.streams[receipt] = digest
    _whole(body, format, taken)


def _file(connection: http.client.HTTPConnection, shared: Share, taken: Taken) -> None:
    path = f"/delta-sharing/shares/{shared.agreement}/schemas/police_register/tables/{TABLE}/query"
    connection.request("POST", path, "{}", {"Authorization": f"Bearer {shared.token}"})
    answer = connection.getresponse()
    told = answer.read()
    if answer.status != 200:
        raise _Refused(f"a query was refused: {answer.status} {told[:300]!r}")
    url = urlsplit(json.loads(told.decode().splitlines()[2])["file"]["url"])
    query, name = url.path.split("/")[-2:]
    for _ in range(2):  # a second request of the same file is no second delivery
        connection.request("GET", f"{url.path}?{url.query}")
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise _Refused(f"a file was refused: {answer.status} {body[:300]!r}")
        digest = hashlib.sha256(body).hexdigest()
        with taken.lock:
            if taken.files.setdefault((query, int(name.partition(".")[0])), digest) != digest:
                taken.wrong.append(f"the file {url.path} came with another content")
        _whole(body, "parquet", taken)


def _whole(body: bytes, format: str, taken: Taken) -> None:
    try:
        if format == "parquet":
            table = pq.read_table(io.BytesIO(body))
        elif format == "csv":
            table = pyarrow.csv.read_csv(io.BytesIO(body))
        else:
            table = pa.ipc.open_stream(body).read_all()
    except pa.ArrowException as error:
        taken.wrong.append(f"a half-made {format} was served: {error}")
        return
    rows = table.num_rows, len(set(table["generation"].to_pylist())), sorted(table.column_names)
    if rows != (ROWS, 1, ["generation", "number"]):
        taken.wrong.append(f"a {format} of {rows} was served")


def leftovers(home: Path, known: set[str]) -> list[str]:
    """What a kill left behind, just after a start. ``known``: snapshots the database knows."""
    bulk = home / "bulk"
    half = [path for path in (bulk / "work").rglob("*") if path.is_file()]
    orphans = [path for path in (bulk / "snapshots").glob("*/*") if path.name not in known]
    return [f"left by a kill: {path.relative_to(home)}" for path in (*half, *orphans)]


def faults(taken: Taken, compared: Any) -> list[str]:
    """Every way in which the consumers' notes and the ledger differ."""
    wrong = list(taken.wrong)
    made = {entry.body["delivery"]: entry for entry in compared.entries if entry.kind == "delivery.made"}
    permits = {entry.body["delivery"]: entry.index for entry in compared.entries if entry.kind == "delivery.permitted"}
    by_file: dict[tuple[str, int], list[Any]] = {}
    for entry in made.values():
        if "query" in entry.body:
            by_file.setdefault((entry.body["query"], entry.body["file"]), []).append(entry)
    wrong += [f"the file {key} is delivered {len(each)} times" for key, each in by_file.items() if len(each) > 1]
    kept = {receipt: (made.get(receipt), digest) for receipt, digest in taken.streams.items()}
    kept |= {f"{key}": (next(iter(by_file.get(key, [])), None), digest) for key, digest in taken.files.items()}
    for name, (entry, digest) in kept.items():
        if entry is None:
            wrong.append(f"{name} was received without a receipt")
            continue
        id = entry.body["delivery"]
        if compared.payloads[entry.index]["response_sha256"] != digest:
            wrong.append(f"the receipt of {name} is of another content")
        if permits.get(id) != entry.body["permit"] or entry.body["permit"] >= entry.index:
            wrong.append(f"{name} left without a permitting entry before it")
        if compared.rows.get(id) != ("delivered", entry.index):
            wrong.append(f"the row of {name} says {compared.rows.get(id)}")
    return wrong
