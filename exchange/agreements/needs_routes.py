"""Derived needs of published processes over HTTP."""

# No postponed annotations here: FastAPI has to see the dependencies that are made inside `router`.

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from exchange.agreements.deriving import Deriving
from exchange.agreements.needs import Derived, Draft, Giver
from exchange.agreements.routes import show_application
from exchange.http.idempotency import idempotent
from exchange.parties.access import Access, Caller


class FileBody(BaseModel):
    """What only the applicant can say of the missing applications of a process."""

    model_config = ConfigDict(extra="forbid")

    legal_basis: str = Field(max_length=2000)
    duration_days: int
    approved_by: str = Field(default="", max_length=2000)


def router(deriving: Deriving, access: Access) -> APIRouter:
    """Routes of derived needs."""
    once = idempotent(deriving.agreements.database, deriving.agreements.clock, access.who)
    routes = APIRouter(prefix="/api/v1/needs", tags=["needs"], route_class=once)
    Who = Annotated[Caller, Depends(access.required)]

    @routes.get("/{process}")
    def needs(caller: Who, process: str, consumer: str | None = None) -> dict[str, Any]:
        """Which field every step of a process needs, what covers it, what is missing, and drafts for it."""
        return show_needs(deriving.needs(caller, process, consumer))

    @routes.post("/{process}/applications", status_code=201)
    def file(caller: Who, process: str, body: FileBody) -> dict[str, Any]:
        """File every missing application of a process at once."""
        filed = deriving.file(
            caller,
            process,
            legal_basis=body.legal_basis,
            duration_days=body.duration_days,
            approved_by=body.approved_by,
        )
        return {"items": [show_application(one) for one in filed]}

    return routes


def show_needs(value: Derived) -> dict[str, Any]:
    """The JSON shape of what a process needs."""
    return {
        "process": value.process,
        "matter": value.matter,
        "consumer": value.consumer,
        "counts": {state: value.count(state) for state in ("own", "agreed", "applied", "missing", "unshared")},
        "steps": [
            {
                "step": step.id,
                "title": dict(step.title),
                "department": step.department,
                "interface": step.interface,
                "operation": step.operation,
                "sends": list(step.sends),
                "fields": [
                    {
                        "field": one.field,
                        "state": one.state,
                        "by": one.by,
                        "why": one.why,
                        "shared_by": [_giver(giver) for giver in one.givers],
                    }
                    for one in step.fields
                ],
            }
            for step in value.steps
        ],
        "asked": [
            {
                "input": one.name,
                "title": dict(one.title),
                "element": one.element,
                "steps": list(one.steps),
                "shared_by": [_giver(giver) for giver in one.givers],
            }
            for one in value.asked
        ],
        "gaps": [
            {"step": step.id, "field": one.field, "why": one.why, "nobody": not one.givers} for step, one in value.gaps
        ],
        "drafts": [_draft(draft) for draft in value.drafts],
    }


def _draft(value: Draft) -> dict[str, Any]:
    return {
        "provider": value.provider,
        "application": asdict(value.wish),
        "missing": [{"pointer": gap.pointer, "message": dict(gap.message)} for gap in value.missing],
    }


def _giver(value: Giver) -> dict[str, Any]:
    return {"department": value.department, "interface": value.interface, "field": value.field}
