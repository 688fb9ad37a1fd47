"""Brokered calls and their evidence over HTTP: /exchange for departments, /gateway for citizens' apps."""

# No postponed annotations here: FastAPI has to see the dependencies that are made inside `router`.

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel, ConfigDict, Field

from exchange.brokering import headers as passing
from exchange.brokering.credentials import Vault
from exchange.brokering.model import Delivery, Launch, QualityFinding
from exchange.brokering.service import Answer, Broker
from exchange.errors import Invalid, Unauthenticated
from exchange.http.paging import LIMIT, MAXIMUM, decode, page
from exchange.parties.access import Access, Caller

LARGEST_REQUEST = 4 * 1024 * 1024
"""Bytes of one brokered request body."""
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
PROOF = "text/plain; charset=utf-8"
Launches = Callable[[str], Launch]
"""Resolves a launch token. Raises `Unauthenticated` or `Forbidden`."""


class CredentialBody(BaseModel):
    """A header the provider's own service asks of the exchange."""

    model_config = ConfigDict(extra="forbid")
    header: str = Field(default="Authorization", max_length=64)
    value: str = Field(max_length=4096, repr=False)


@dataclass(frozen=True, slots=True)
class _Raw:
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


async def _raw(request: Request) -> _Raw:
    """The call as it came over the wire: undecoded, so that nothing ambiguous is repaired on the way."""
    parts = bytearray()
    async for part in request.stream():
        parts += part
        if len(parts) > LARGEST_REQUEST:
            raise Invalid(f"a request body has at most {LARGEST_REQUEST} bytes", hint="large data goes by bulk")
    raw: bytes = request.scope.get("raw_path") or request.url.path.encode()
    # /exchange/{interface}/rest: the first two segments are ours
    rest = raw.decode("ascii", "replace").split("?")[0].split("/", 3)
    named = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.scope["headers"]]
    query = request.scope["query_string"].decode("ascii", "replace")
    return _Raw("/" + (rest[3] if len(rest) > 3 else ""), query, passing.lowered(named), bytes(parts))


Call = Annotated[_Raw, Depends(_raw)]


def router(broker: Broker, vault: Vault, access: Access, launches: Launches) -> APIRouter:
    """Routes of brokering; ``launches`` resolves gateway tokens and comes from the market above."""
    routes = APIRouter(tags=["brokering"])
    Who = Annotated[Caller, Depends(access.required)]
    Limit = Annotated[int, Query(ge=1, le=MAXIMUM)]

    def exchange(request: Request, caller: Who, interface: str, call: Call) -> Response:
        """Call another department's interface under an agreement, for the purpose named in Tongban-Purpose."""
        agreement = call.headers.get("tongban-agreement")
        purpose = _purpose(call.headers)
        return _response(
            broker.call(
                caller,
                interface,
                request.method,
                call.path,
                call.query,
                call.headers,
                call.body,
                agreement,
                purpose,
            )
        )

    def gateway(request: Request, interface: str, call: Call) -> Response:
        """Call a department as a listed app, with the launch token the citizen opened it with."""
        scheme, _, token = call.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Unauthenticated("a launch token is needed", hint="open the app from its listing")
        launch = launches(token.strip())
        return _response(
            broker.call(None, interface, request.method, call.path, call.query, call.headers, call.body, launch=launch)
        )

    for method in METHODS:  # one by one: an operation of its own each, with an id of its own
        name = method.lower()
        routes.add_api_route(
            "/exchange/{interface}/{path:path}", exchange, methods=[method], operation_id=f"{name}Exchange"
        )
        routes.add_api_route(
            "/gateway/{interface}/{path:path}", gateway, methods=[method], operation_id=f"{name}Gateway"
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


def _purpose(headers: Mapping[str, str]) -> str:
    try:
        return passing.purpose(headers)
    except UnicodeDecodeError:
        raise Invalid("Tongban-Purpose is not UTF-8", hint="percent-encode the purpose as UTF-8") from None


def _response(answer: Answer) -> Response:
    response = Response(answer.body, status_code=answer.status)
    for name, value in answer.headers.items():
        response.headers[name] = value
    response.headers["Tongban-Receipt"] = answer.delivery
    return response
