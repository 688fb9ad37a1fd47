"""Brokered calls and their evidence over HTTP: /exchange for departments, /gateway for citizens' apps."""

# No postponed annotations here: FastAPI has to see the dependencies that are made inside `router`.

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel, ConfigDict, Field

from exchange.brokering.credentials import Vault
from exchange.brokering.front import METHODS, Front
from exchange.brokering.model import Delivery, QualityFinding
from exchange.brokering.xroad_front import XRoad
from exchange.http.paging import LIMIT, MAXIMUM, decode, page
from exchange.parties.access import Access, Caller

PROOF = "text/plain; charset=utf-8"


class CredentialBody(BaseModel):
    """A header the provider's own service asks of the exchange."""

    model_config = ConfigDict(extra="forbid")
    header: str = Field(default="Authorization", max_length=64)
    value: str = Field(max_length=4096, repr=False)


class Handed(Response):
    """A response that lets the broker's front answer; only the document and tests come by here, see `front`."""

    def __init__(self, front: Front | XRoad) -> None:
        super().__init__()
        self._front = front

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer in place of this response."""
        await self._front(scope, receive, send)


def router(front: Front, xroad: XRoad, vault: Vault, access: Access) -> APIRouter:
    """Routes of brokering. Those that pass calls stand here so that the document names them."""
    broker = front.broker
    routes = APIRouter(tags=["brokering"])
    Who = Annotated[Caller, Depends(access.required)]
    Limit = Annotated[int, Query(ge=1, le=MAXIMUM)]

    async def exchange(interface: str) -> Response:
        """Call another department's interface under an agreement, for the purpose named in Tongban-Purpose."""
        return Handed(front)

    async def gateway(interface: str) -> Response:
        """Call a department as a listed app, with the launch token the citizen opened it with."""
        return Handed(front)

    async def xroad_call(instance: str, member_class: str, member_code: str, subsystem: str, service: str) -> Response:
        """The same for X-Road client applications: purpose in X-Road-Issue, party in X-Road-Client."""
        return Handed(xroad)

    @routes.get("/listClients")
    def members_(_caller: Who) -> dict[str, Any]:
        """Members of this X-Road instance, for X-Road client applications."""
        return xroad.members()

    for method in sorted(METHODS):  # one by one: an operation of its own each, with an id of its own
        name = method.lower()
        routes.add_api_route(
            "/exchange/{interface}/{path:path}", exchange, methods=[method], operation_id=f"{name}Exchange"
        )
        routes.add_api_route(
            "/gateway/{interface}/{path:path}", gateway, methods=[method], operation_id=f"{name}Gateway"
        )
        routes.add_api_route(
            "/r1/{instance}/{member_class}/{member_code}/{subsystem}/{service}/{path:path}",
            xroad_call,
            methods=[method],
            operation_id=f"{name}XRoad",
        )

    @routes.get("/api/v1/deliveries")
    def deliveries(
        request: Request,
        response: Response,
        caller: Who,
        limit: Limit = LIMIT,
        page_token: str | None = None,
        consumer: str | None = None,
        interface: str | None = None,
        state: str | None = None,
    ) -> dict[str, Any]:
        """Calls one is a side of, newest first."""
        rows = broker.deliveries(
            caller,
            limit=limit + 1,
            before=decode(page_token),
            consumer=consumer,
            interface=interface,
            state=state,
        )
        return page(request, response, rows, limit, lambda row: row.id, show_delivery)

    @routes.get("/api/v1/deliveries/{id}")
    def delivery(caller: Who, id: str) -> dict[str, Any]:
        """One call and what was recorded about it."""
        return show_delivery(broker.delivery(caller, id)) | {"evidence": broker.evidence_of(caller, id)}

    @routes.get("/api/v1/receipts/{id}", response_class=PlainTextResponse)
    def receipt(caller: Who, id: str) -> Response:
        """Proof that a delivery is in the ledger (C2SP tlog-proof)."""
        return PlainTextResponse(broker.receipt(caller, id), media_type=PROOF)

    @routes.get("/api/v1/quality-findings")
    def findings(
        request: Request, response: Response, caller: Who, limit: Limit = LIMIT, page_token: str | None = None
    ) -> dict[str, Any]:
        """Providers that did not keep their own interface, newest first."""
        rows = broker.findings(caller, limit=limit + 1, before=decode(page_token))
        return page(request, response, rows, limit, lambda row: row.id, show_finding)

    @routes.put("/api/v1/interfaces/{id}/credential", status_code=204)
    def credential(caller: Who, id: str, body: CredentialBody) -> None:
        """Store the header a provider's own service asks for."""
        vault.put(caller, id, body.header, body.value)

    @routes.delete("/api/v1/interfaces/{id}/credential", status_code=204)
    def forget(caller: Who, id: str) -> None:
        """Forget that header."""
        vault.drop(caller, id)

    return routes


def show_delivery(value: Delivery) -> dict[str, Any]:
    """The JSON shape of a delivery; ``receipt`` leads to its proof."""
    told = {name: getattr(value, name) for name in value.__dataclass_fields__ if name != "caller"}
    told |= {
        "state": value.state.value,
        "fields": list(value.fields),
        "receipt": f"/api/v1/receipts/{value.id}",
    }
    return told


def show_finding(value: QualityFinding) -> dict[str, Any]:
    """The JSON shape of a quality finding."""
    return {name: getattr(value, name) for name in value.__dataclass_fields__}
