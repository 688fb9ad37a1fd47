"""The Delta Sharing protocol as text: what each answer says, in both response formats. Pure.

Every line is ASCII: the client cuts lines at any Unicode line break, and reads bodies as the first line of them.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from exchange.bulk.model import File, Snapshot
from exchange.errors import Invalid

PARQUET, DELTA = "parquet", "delta"
JSON = "application/json; charset=utf-8"
NDJSON = "application/x-ndjson; charset=utf-8"
CAPABILITIES = "delta-sharing-capabilities"
MOST = 500
"""Items of a page when the caller names no number."""
CODES = {
    400: "INVALID_PARAMETER_VALUE",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "RESOURCE_DOES_NOT_EXIST",
    410: "RESOURCE_DOES_NOT_EXIST",
    422: "INVALID_PARAMETER_VALUE",
    424: "SOURCE_UNAVAILABLE",
}


def profile(endpoint: str, secret: str, expires_at: str) -> dict[str, Any]:
    """The profile file. Version 1: the client knows no other for bearer tokens."""
    ends = f"{expires_at[:19]}Z"
    return {"shareCredentialsVersion": 1, "endpoint": endpoint, "bearerToken": secret, "expirationTime": ends}


def line(value: Mapping[str, Any]) -> str:
    """One object as one ASCII line."""
    return json.dumps(value, ensure_ascii=True, separators=(",", ":")) + "\n"


def page(items: Sequence[Mapping[str, Any]], most: int | None, token: str | None) -> str:
    """A list body: up to ``most`` items from where ``token`` says. Raises `Invalid` for a token not made here."""
    start = _start(token, len(items))
    end = len(items) if most is None else start + max(most, 0)
    end = min(end, start + MOST)
    body: dict[str, Any] = {"items": list(items[start:end])}
    if end < len(items):
        body["nextPageToken"] = base64.urlsafe_b64encode(str(end).encode()).decode()
    return line(body)


def chosen(header: str) -> str:
    """The response format for a request's capabilities: delta whenever it is offered, else parquet."""
    for part in header.lower().split(";"):
        name, _, values = part.partition("=")
        if name.strip() == "responseformat":
            return DELTA if DELTA in [value.strip() for value in values.split(",")] else PARQUET
    return PARQUET


def headers(snapshot: Snapshot, format: str, ends: bool = False) -> dict[str, str]:
    """Headers of metadata and query answers. ``ends``: the client asked for an ending line, and gets one."""
    told = ["responseformat=delta"] if format == DELTA else []
    told += ["includeendstreamaction=true"] if ends else []
    version = {"delta-table-version": str(snapshot.version)}
    return version | ({CAPABILITIES: ";".join(told)} if told else {})


def beginning(snapshot: Snapshot, format: str) -> str:
    """The two lines every table answer begins with: protocol and metadata."""
    files = snapshot.whole
    size, count = sum(file.bytes for file in files), len(files)
    about = {"id": _uuid(snapshot), "schemaString": snapshot.schema, "partitionColumns": []}
    if format == PARQUET:
        meta = {**about, "format": {"provider": "parquet"}, "size": size, "numFiles": count}
        return line({"protocol": {"minReaderVersion": 1}}) + line({"metaData": meta})
    inner = {**about, "format": {"provider": "parquet", "options": {}}, "configuration": {}, "createdTime": 0}
    delta = {"version": snapshot.version, "size": size, "numFiles": count, "deltaMetadata": inner}
    protocol = {"deltaProtocol": {"minReaderVersion": 1, "minWriterVersion": 2}}
    return line({"protocol": protocol}) + line({"metaData": delta})


def file_line(file: File, url: str, expires: int, format: str) -> str:
    """One file; ``expires`` in milliseconds since 1970. A file has one id in both formats and for ever."""
    stats = json.dumps({"numRecords": file.records})
    common = {"id": file.sha256, "size": file.bytes, "expirationTimestamp": expires}
    if format == PARQUET:
        return line({"file": {"url": url, **common, "partitionValues": {}, "stats": stats}})
    add = {"path": url, "partitionValues": {}, "size": file.bytes, "modificationTime": 0, "dataChange": True}
    return line({"file": {**common, "deltaSingleAction": {"add": {**add, "stats": stats}}}})


def shown(files: Iterable[File], format: str) -> list[File]:
    """The files an answer lists: the Delta kernel cannot read one without rows, and needs none."""
    return [file for file in files if file.records or format == PARQUET]


def ending(token: str, expires: int) -> str:
    """The line only a client that asked for it gets: how to have the URLs renewed."""
    least = {"minUrlExpirationTimestamp": expires} if expires else {}
    return line({"endStreamAction": {"refreshToken": token, **least}})


def _start(token: str | None, size: int) -> int:
    if not token:
        return 0
    try:
        at = int(base64.b64decode(token.encode(), altchars=b"-_", validate=True))
    except (ValueError, UnicodeError):
        at = -1
    if not 0 <= at < size:
        raise Invalid("pageToken was not made by this service", hint="use nextPageToken of the page before")
    return at


def _uuid(snapshot: Snapshot) -> str:
    # of the table, not of its version: clients keep what they know of a table under it
    import uuid

    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"tongban:{snapshot.agreement}:{snapshot.table}"))
