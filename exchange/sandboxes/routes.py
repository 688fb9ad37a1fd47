"""Sandboxes over HTTP. The sandboxes themselves answer under /sandboxes (mounted)."""

# No postponed annotations here: FastAPI has to see the dependencies that are made inside `router`.

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from exchange.http.idempotency import idempotent
from exchange.http.paging import LIMIT, MAXIMUM, decode, page
from exchange.parties.access import Access, Caller
from exchange.sandboxes.model import Hosted
from exchange.sandboxes.service import Sandboxes


class SandboxBody(BaseModel):
    """Which services, or which matter; ``seed`` chooses the country inside."""

    model_config = ConfigDict(extra="forbid")
    interfaces: list[str] = Field(default_factory=list)
    matter: str | None = None
    seed: str | int | None = None


def router(sandboxes: Sandboxes, access: Access) -> APIRouter:
    """Routes of sandboxes."""
    once = idempotent(sandboxes.database, sandboxes.clock, access.who)
    routes = APIRouter(prefix="/api/v1", tags=["sandboxes"], route_class=once)
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
