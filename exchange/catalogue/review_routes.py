"""Questions to the catalogue over HTTP: a document's dry run, who shares an element, what seems dead."""

# annotations are read by FastAPI at run time and name things local to the router: no postponed evaluation here

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from exchange.catalogue.checking import Checking
from exchange.catalogue.items import Holder
from exchange.catalogue.lifecycle import effective_of
from exchange.catalogue.routes import DocumentIn
from exchange.catalogue.tidying import Tidying
from exchange.http.idempotency import idempotent
from exchange.parties.access import Access, Caller


class RefreshIn(BaseModel):
    """Body of PUT /interfaces/{id}/refresh; without it the data were refreshed just now."""

    at: str | None = Field(None, max_length=40, description="RFC 3339 instant with its offset")


def router(checking: Checking, tidying: Tidying, access: Access) -> APIRouter:
    """Routes that stand before those of one interface: their names are no ids, which have a dot."""
    once = idempotent(checking.database, tidying.clock, access.who)
    routes = APIRouter(prefix="/api/v1/interfaces", route_class=once, tags=["catalogue"])
    Who = Annotated[Caller, Depends(access.required)]

    @routes.post("/checks")
    def check(body: DocumentIn, caller: Who) -> dict[str, Any]:
        """What registering and publishing a document would say: findings, changes, number, reuse. Nothing is kept."""
        return checking.check(caller, body.filename, body.document).to_json()

    @routes.get("/elements/{element}")
    def holders(element: str, caller: Who) -> dict[str, Any]:
        """Who gives, asks for, or is asked by a data element: its identifier or its name in either language."""
        known, found = checking.holders(caller, element)
        shown = {"id": known.id, "title": dict(known.title), "standard": known.standard}
        return {"element": shown, "items": [_holder(holder) for holder in found]}

    @routes.get("/proposals")
    def proposals(caller: Who, department: Annotated[str | None, Query(max_length=100)] = None) -> dict[str, Any]:
        """Interfaces to retire, mend, refresh or watch, with why: your own, or all for the data office."""
        return {"items": [one.to_json() for one in tidying.proposals(caller, department)]}

    @routes.get("/gaps")
    def gaps(caller: Who, department: Annotated[str | None, Query(max_length=100)] = None) -> dict[str, Any]:
        """Interfaces in force whose entries lack something: your own, or all for the data office."""
        return {"items": [one.to_json() for one in tidying.gaps(caller, department)]}

    @routes.get("/shared")
    def shared(caller: Who) -> dict[str, Any]:
        """Data elements that several departments give, or that one gives and another asks for."""
        return {"items": [one.to_json() for one in tidying.shared(caller)]}

    @routes.get("/health")
    def health(caller: Who) -> dict[str, Any]:
        """How much of each department's services was seen to work at the latest probes."""
        return {"items": [one.to_json() for one in tidying.health(caller)]}

    @routes.get("/{interface}/reuse")
    def reuse(interface: str, caller: Who) -> dict[str, Any]:
        """Who shares the same fields, or nearly the same interface, already."""
        return {"items": [one.to_json() for one in checking.reuse(caller, interface)]}

    @routes.put("/{interface}/refresh")
    def refresh(interface: str, caller: Who, body: RefreshIn | None = None) -> dict[str, Any]:
        """Note that the data behind an interface were refreshed."""
        at = tidying.refreshed(caller, interface, effective_of(body.at if body else None))
        return {"interface": interface, "refreshed_at": at}

    return routes


def _holder(holder: Holder) -> dict[str, Any]:
    return {
        "interface": holder.interface,
        "kind": holder.kind,
        "department": holder.department,
        "title": dict(holder.title),
        "items": [
            {
                "way": item.way,
                "field": item.field,
                "title": dict(item.title),
                "element": item.name,
                "confidence": item.confidence,
                "sensitivity": item.sensitivity or None,
            }
            for item in holder.items
        ],
    }
