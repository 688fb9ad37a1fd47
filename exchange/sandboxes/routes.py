"""Sandboxes and synthetic datasets over HTTP. The sandboxes themselves answer under /sandboxes (mounted)."""

# No postponed annotations here: FastAPI has to see the dependencies that are made inside `router`.

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict, Field

from exchange.http.idempotency import idempotent
from exchange.http.paging import LIMIT, MAXIMUM, decode, page
from exchange.parties.access import Access, Caller
from exchange.sandboxes.datasets import show
from exchange.sandboxes.model import Hosted, check_seed
from exchange.sandboxes.service import Sandboxes


class SandboxBody(BaseModel):
    """Which services, or which matter; ``seed`` chooses the country inside."""

    model_config = ConfigDict(extra="forbid")
    interfaces: list[str] = Field(default_factory=list)
    matter: str | None = None
    seed: str | int | None = None


class DatasetBody(BaseModel):
    """A synthetic dataset: of which table, how many rows, for what."""

    model_config = ConfigDict(extra="forbid")
    interface: str
    table: str
    rows: int
    seed: str | int | None = None
    format: str = "parquet"
    purpose: str


def router(sandboxes: Sandboxes, access: Access) -> APIRouter:
    """Routes of sandboxes and datasets."""
    once = idempotent(sandboxes.database, sandboxes.clock, access.who)
    routes = APIRouter(prefix="/api/v1", tags=["sandboxes"], route_class=once)
    datasets = sandboxes.datasets
    Who = Annotated[Caller, Depends(access.required)]
    Limit = Annotated[int, Query(ge=1, le=MAXIMUM)]

    @routes.post("/sandboxes", status_code=201)
    def open_(caller: Who, body: SandboxBody, response: Response) -> dict[str, Any]:
        """Open a sandbox of interfaces or of a matter; its key is shown once."""
        opened = sandboxes.open(caller, body.interfaces, body.matter, body.seed)
        response.headers["Cache-Control"] = "no-store"  # the key is shown this once
        return _shown(opened.hosted) | {"key": opened.key}

    @routes.get("/sandboxes")
    def listed(
        request: Request, response: Response, caller: Who, limit: Limit = LIMIT, page_token: str | None = None
    ) -> dict[str, Any]:
        """One's own sandboxes."""
        rows = sandboxes.listed(caller, after=decode(page_token), limit=limit + 1)
        return page(request, response, rows, limit, lambda row: row.id, _shown)

    @routes.get("/sandboxes/{id}")
    def one(caller: Who, id: str) -> dict[str, Any]:
        """One sandbox."""
        return _shown(sandboxes.get(caller, id))

    @routes.post("/datasets", status_code=202)
    def ask(caller: Who, body: DatasetBody) -> dict[str, Any]:
        """Ask for a synthetic dataset; answers 202 with its job."""
        seed = check_seed(body.seed, sandboxes.settings.population_seed)
        return show(
            datasets.request(caller, body.interface, body.table, body.rows, seed, body.format, body.purpose), None
        )

    @routes.get("/datasets")
    def asked(
        request: Request, response: Response, caller: Who, limit: Limit = LIMIT, page_token: str | None = None
    ) -> dict[str, Any]:
        """Datasets one asked for."""
        rows = datasets.listed(caller, after=decode(page_token), limit=limit + 1)
        return page(request, response, rows, limit, lambda row: row.id, lambda row: show(row, None))

    @routes.get("/datasets/{id}")
    def dataset(caller: Who, id: str) -> dict[str, Any]:
        """One dataset: progress, files, verdict."""
        return show(*datasets.get(caller, id))

    @routes.get("/datasets/{id}/files/{name:path}", response_class=FileResponse)
    def file(caller: Who, id: str, name: str) -> Response:
        """A file of a dataset; ranges resume a download."""
        path = datasets.file(caller, id, name)
        return FileResponse(path, filename=path.name)  # answers Range requests, so a download can resume

    def _shown(hosted: Hosted) -> dict[str, Any]:
        return {
            "id": hosted.id,
            "url": sandboxes.url(hosted.id),
            "owner": hosted.owner,
            "interfaces": [{"id": id, "version": version} for id, version in hosted.interfaces],
            "matter": hosted.matter,
            "seed": hosted.seed,
            "opened_at": hosted.opened_at,
        }

    return routes
