"""Flows as files: CSV and Parquet for tables, OpenLineage events for lineage tools. Written piece by piece.

OpenLineage 2-0-2: one run a call, START when it came, then COMPLETE, FAIL (the provider) or ABORT (refused). The input
is what the provider has, the output what the consumer got: field names, never values.
"""

from __future__ import annotations

import csv
import io
import json
import uuid
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from exchange.oversight.model import Flow, Sum

COLUMNS = (
    "id", "at", "provider", "consumer", "interface", "operation", "agreement", "purpose", "legal_basis", "state",
    "rule", "fields", "records", "launch", "entry", "claimed", "done_at",
)  # fmt: skip
SUM_COLUMNS = (
    "provider", "consumer", "interface", "operation", "agreement", "purpose", "law", "state", "rule", "fields",
    "sensitivity", "claimed", "calls", "records", "entry",
)  # fmt: skip
SCHEMA = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
FACETS = {
    "schema": "https://openlineage.io/spec/facets/1-2-0/SchemaDatasetFacet.json#/$defs/SchemaDatasetFacet",
    "documentation": "https://openlineage.io/spec/facets/1-1-0/DocumentationJobFacet.json#/$defs/DocumentationJobFacet",
    "statistics": "https://openlineage.io/spec/facets/1-0-2/OutputStatisticsOutputDatasetFacet.json"
    "#/$defs/OutputStatisticsOutputDatasetFacet",
    "base": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunFacet",
}
ENDS = {"delivered": "COMPLETE", "refused": "ABORT", "withheld": "ABORT", "failed": "FAIL", "unknown": "ABORT"}
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://tongban.example/deliveries")
ROWS = 5000
FORMULAS = "=+-@＝＋－＠\t\r\n"


def rows(calls: Iterable[Flow]) -> Iterator[dict[str, Any]]:
    """Calls as rows of `COLUMNS`."""
    for call in calls:
        yield {name: getattr(call, name) for name in COLUMNS}


def sum_rows(sums: Iterable[Sum]) -> Iterator[dict[str, Any]]:
    """Sums as rows of `SUM_COLUMNS`."""
    for one in sums:
        told = {name: getattr(one.channel, name) for name in SUM_COLUMNS if hasattr(one.channel, name)}
        yield told | {"calls": one.calls, "records": one.records, "entry": one.entry}


def as_csv(table: Iterable[dict[str, Any]], columns: Sequence[str]) -> Iterator[bytes]:
    """CSV (RFC 4180) in UTF-8 with a byte order mark, so that a spreadsheet reads Chinese. Formulas are defused;
    fields are joined by spaces.
    """
    yield "\ufeff".encode()
    held = io.StringIO()
    writer = csv.writer(held)
    writer.writerow(columns)
    for row in table:
        writer.writerow([_plain(row[name]) for name in columns])
        if held.tell() > 1 << 16:
            yield _taken(held)
    yield _taken(held)


def as_parquet(table: Iterable[dict[str, Any]], columns: Sequence[str]) -> Iterator[bytes]:
    """Parquet, a row group for every 5,000 rows; numbers, instants (UTC) and lists of fields in their own types."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    at, whole, names = pa.timestamp("ms", "UTC"), pa.int64(), pa.list_(pa.string())
    types = {"at": at, "done_at": at, "calls": whole, "records": whole, "entry": whole, "fields": names}
    schema = pa.schema([(name, types.get(name, pa.string())) for name in columns])
    instants = [name for name in columns if types.get(name) is at]
    sink = _Sink()
    with pq.ParquetWriter(sink, schema, compression="zstd") as writer:
        waiting = iter(table)
        while part := list(islice(waiting, ROWS)):
            for row in part:
                row |= {name: row[name] and datetime.fromisoformat(row[name]) for name in instants}
            writer.write_batch(pa.RecordBatch.from_pylist(part, schema))
            yield sink.taken()
    yield sink.taken()


def as_openlineage(calls: Iterable[Flow], base_url: str) -> Iterator[bytes]:
    """OpenLineage 2-0-2 run events, one a line: START and the end of each call."""
    for call in calls:
        for event in events(call, base_url):
            yield json.dumps(event, ensure_ascii=False).encode() + b"\n"


def events(call: Flow, base_url: str) -> list[dict[str, Any]]:
    """START and the end of one call, as every run has to have; one on its way has no end yet."""
    start, end = _event(call, "START", call.at, base_url), ENDS.get(call.state)
    return [start, _event(call, end, call.done_at or call.at, base_url)] if end else [start]


def _event(call: Flow, kind: str, at: str, base_url: str) -> dict[str, Any]:
    def facet(name: str, **told: Any) -> dict[str, Any]:
        return {"_producer": base_url, "_schemaURL": FACETS[name], **told}

    left = [{"name": name} for name in call.fields]
    terms = {
        "agreement": call.agreement, "purpose": call.purpose, "legalBasis": call.legal_basis, "rule": call.rule,
        "ledgerEntry": call.entry, "delivery": call.id, "claimedPurpose": call.claimed,
    }  # fmt: skip
    event: dict[str, Any] = {
        "eventType": kind,
        "eventTime": at,
        "producer": base_url,
        "schemaURL": SCHEMA,
        "run": {
            "runId": str(uuid.uuid5(NAMESPACE, call.id)),
            "facets": {"tongban_sharing": facet("base", **{k: v for k, v in terms.items() if v not in (None, "")})},
        },
        "job": {
            "namespace": f"tongban://{call.consumer}",
            "name": f"{call.interface}#{call.operation}",
            "facets": {"documentation": facet("documentation", description=call.purpose or "-")},
        },
        "inputs": [{"namespace": f"tongban://{call.provider}", "name": call.interface}],
        "outputs": [],
    }
    if kind == "COMPLETE":
        event["inputs"][0]["facets"] = {"schema": facet("schema", fields=left)}
        event["outputs"] = [
            {
                "namespace": f"tongban://{call.consumer}",
                "name": call.agreement or call.interface,
                "facets": {"schema": facet("schema", fields=left)},
                "outputFacets": {"outputStatistics": facet("statistics", rowCount=call.records)},
            }
        ]
    return event


def _plain(value: Any) -> Any:
    # a cell that begins like a formula, also in full-width signs or after a break, would be run by a spreadsheet
    if isinstance(value, tuple | list):
        value = " ".join(value)
    return f"'{value}" if isinstance(value, str) and value[:1] in FORMULAS and value else value


def _taken(held: io.StringIO) -> bytes:
    data = held.getvalue().encode()
    held.seek(0)
    held.truncate()
    return data


class _Sink(io.RawIOBase):
    """A file that hands on what was written to it."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []
        self._at = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._parts.append(bytes(data))
        self._at += len(self._parts[-1])
        return len(self._parts[-1])

    def tell(self) -> int:
        return self._at

    def taken(self) -> bytes:
        data = b"".join(self._parts)
        self._parts.clear()
        return data
