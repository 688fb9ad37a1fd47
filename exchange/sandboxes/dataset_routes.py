"""Synthetic datasets over HTTP: asked for, watched, taken in pieces."""

# No postponed annotations here: FastAPI has to see the dependencies that are made inside `router`.

from base64 import b64encode
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict, Field

from exchange.clock import moment, stamp
from exchange.http.idempotency import idempotent
from exchange.http.paging import LIMIT, MAXIMUM, decode, page
from exchange.jobs import JobStatus
from exchange.parties.access import Access, Caller
from exchange.sandboxes.dataset_store import Dataset
from exchange.sandboxes.datasets import Datasets
from exchange.sandboxes.model import check_seed
from exchange.sandboxes.wishes import AS_OF, PART_ROWS, Wish


class DatasetBody(BaseModel):
    """A synthetic dataset: of which table (all without one), how many rows of each, for what."""

    model_config = ConfigDict(extra="forbid")
    interface: str
    table: str | None = None
    rows: int
    purpose: str
    seed: str | int | None = None
    format: str = "parquet"
    encoding: str = "utf-8"
    partition_by: list[str] = Field(default_factory=list)
    part_rows: int = PART_ROWS
    where: str | None = None
    as_of: str = AS_OF
    identifiers: str = "reserved"
    scenarios: list[str] = Field(default_factory=list)
    defects: str | dict[str, Any] | None = None


def router(datasets: Datasets, access: Access) -> APIRouter:
    """Routes of datasets."""
    once = idempotent(datasets.database, datasets.clock, access.who)
    routes = APIRouter(prefix="/api/v1", tags=["datasets"], route_class=once)
    Who = Annotated[Caller, Depends(access.required)]
    Limit = Annotated[int, Query(ge=1, le=MAXIMUM)]

    @routes.post("/datasets", status_code=202)
    def ask(caller: Who, body: DatasetBody) -> dict[str, Any]:
        """Ask for a synthetic dataset; answers 202, and its job makes it."""
        return _shown(datasets.request(caller, wish(body.model_dump(), datasets.settings.population_seed)))

    @routes.get("/datasets")
    def listed(
        request: Request, response: Response, caller: Who, limit: Limit = LIMIT, page_token: str | None = None
    ) -> dict[str, Any]:
        """Datasets one asked for."""
        rows = datasets.listed(caller, after=decode(page_token), limit=limit + 1)
        return page(request, response, rows, limit, lambda row: row.id, _shown)

    @routes.get("/dataset-quota")
    def quota(caller: Who) -> dict[str, Any]:
        """What is left of one's quotas: requests under way, rows a day, bytes kept."""
        return dict(datasets.quota(caller))

    @routes.get("/datasets/{id}")
    def one(caller: Who, id: str) -> dict[str, Any]:
        """One dataset: progress, pace and estimated end, then files and verdict."""
        found = datasets.get(caller, id)
        return _shown(found) | {"files": [dict(file) | {"url": url(id, file["name"])} for file in found.files]}

    @routes.post("/datasets/{id}/cancellation")
    def cancel(caller: Who, id: str) -> dict[str, Any]:
        """End a dataset that is waiting or being made; what was written is removed."""
        return _shown(datasets.cancel(caller, id))

    @routes.delete("/datasets/{id}")
    def delete(caller: Who, id: str) -> dict[str, Any]:
        """Give the room of a made dataset back; its entry stays."""
        return _shown(datasets.delete(caller, id))

    @routes.head("/datasets/{id}/files/{name:path}", include_in_schema=False)
    def look(caller: Who, id: str, name: str) -> Response:
        path, entry = datasets.file(caller, id, name)
        return FileResponse(path, headers=_headers(entry), filename=path.name)

    @routes.get("/datasets/{id}/files/{name:path}", response_class=FileResponse)
    def file(request: Request, caller: Who, id: str, name: str) -> Response:
        """A file of a dataset; Range and If-Range resume a download, the ETag is its SHA-256."""
        path, entry = datasets.file(caller, id, name)
        headers = _headers(entry)
        if headers.get("ETag", "none") in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        datasets.downloaded(caller, id, name)
        return FileResponse(path, headers=headers, filename=path.name)

    def _shown(dataset: Dataset) -> dict[str, Any]:
        return show(dataset, datasets.status(dataset))

    return routes


def wish(given: Mapping[str, Any], seed: str) -> Wish:
    """The wish of a request body; ``seed`` where it names none. Raises `Unprocessable` for a seed too long."""
    values = dict(given) | {"table": given["table"] or "", "seed": check_seed(given["seed"], seed)}
    values |= {name: tuple(given[name]) for name in ("partition_by", "scenarios")}
    return Wish(**values | {"purpose": str(given["purpose"]).strip()})


def show(dataset: Dataset, status: JobStatus | None) -> dict[str, Any]:
    """The JSON shape of a dataset without its files; ``status`` tells how its job stands while it is under way."""
    wish = dataset.wish
    names = ("id", "owner", "version", "total_rows", "job", "asked_by", "asked_at", "made_at", "expires_at", "ended_at")
    told = {name: getattr(dataset, name) for name in (*names, "bytes", "quality")}
    told |= {name: getattr(wish, name) for name in ("interface", "rows", "seed", "format", "purpose")}
    told |= wish.options | {"table": wish.table or None, "error": dataset.reason}
    total = dataset.total_rows
    progress: dict[str, Any] = {"done": total if dataset.made_at else 0, "total": total, "text": ""}
    if status is None:
        return told | {"state": "done" if dataset.state == "made" else dataset.state, "progress": progress}
    at = status.progress
    progress |= {"done": at.done, "text": at.text} | pace(dataset, at.done, moment(status.changed_at))
    # the last moments after its record belong to the job, not to who waits for it
    return told | {"state": status.state if status.state in ("queued", "running") else "running", "progress": progress}


def pace(dataset: Dataset, done: int, at: datetime) -> dict[str, Any]:
    """Rows a second and the estimated end, null before they can be told."""
    if dataset.began_at is None or done >= dataset.total_rows:
        return {"rate": None, "estimated_end": None}
    seconds = (at - moment(dataset.began_at)).total_seconds()
    rows = done - dataset.began_with
    if seconds <= 0 or rows <= 0:
        return {"rate": None, "estimated_end": None}
    rate = rows / seconds
    return {"rate": round(rate), "estimated_end": stamp(at + timedelta(seconds=(dataset.total_rows - done) / rate))}


def url(id: str, name: str) -> str:
    """Where a file is taken from."""
    return f"/api/v1/datasets/{id}/files/{quote(name)}"


def _headers(entry: Mapping[str, Any]) -> dict[str, str]:
    digest = entry["sha256"]
    if not digest:  # of a release that kept none
        return {}
    said = b64encode(bytes.fromhex(digest)).decode()
    return {"ETag": f'"{digest}"', "Repr-Digest": f"sha-256=:{said}:", "Cache-Control": "private, no-cache"}
