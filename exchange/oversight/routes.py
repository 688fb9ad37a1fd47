"""Oversight over HTTP."""

# annotations are read by FastAPI at run time and name things local to the router: no postponed evaluation here

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query

from exchange.oversight.service import Oversight
from exchange.parties.access import Access, Caller


def router(oversight: Oversight, access: Access) -> APIRouter:
    """Routes of flows and findings."""
    routes = APIRouter(prefix="/api/v1", tags=["oversight"])
    Who = Annotated[Caller, Depends(access.required)]

    @routes.get("/flows")
    def flows(
        caller: Who,
        outcome: Literal["", "delivered", "refused"] = "",
        consumer: str = "",
        interface: str = "",
        limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    ) -> dict[str, Any]:
        """Calls between parties, newest first: delivered, refused (with the rule) or failed."""
        found = oversight.flows(caller, outcome=outcome, consumer=consumer, interface=interface, limit=limit)
        return {"items": [flow.to_dict() for flow in found]}

    @routes.get("/flows/matrix")
    def matrix(caller: Who) -> dict[str, Any]:
        """Provider × consumer counts."""
        return {"items": oversight.matrix(caller)}

    @routes.get("/findings")
    def findings(caller: Who) -> dict[str, Any]:
        """Refused attempts, unused agreements, agreed fields never used."""
        return {"items": [finding.to_dict() for finding in oversight.findings(caller)]}

    return routes
