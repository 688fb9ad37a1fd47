"""Control and record of a hosted sandbox over HTTP: the nouns a served sandbox has below /.tongban/."""

# No postponed annotations here: FastAPI has to see the dependencies that are made inside `router`.

from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Query, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, ConfigDict

from exchange.errors import Unauthenticated, Unprocessable
from exchange.http.idempotency import idempotent
from exchange.http.paging import LIMIT, MAXIMUM, decode, page
from exchange.parties.access import Access, Caller
from exchange.sandboxes.service import Sandboxes
from exchange.sandboxes.watching import shown
from mockdata.sandbox.calls import Wanted
from mockdata.sandbox.clock import ClockError, moment


class Name(BaseModel):
    """The name of a snapshot."""

    model_config = ConfigDict(extra="forbid")
    name: str


class Seed(BaseModel):
    """The seed of a country."""

    model_config = ConfigDict(extra="forbid")
    seed: str | int


class Webhook(BaseModel):
    """A webhook of a document (of ``interface`` when several have one of that name), and where it goes."""

    model_config = ConfigDict(extra="forbid")
    webhook: str
    url: str
    interface: str | None = None
    body: dict[str, Any] | None = None


def wanted(
    operation: Annotated[str | None, Query(max_length=200)] = None,
    status: Annotated[str | None, Query(max_length=10)] = None,
    valid: bool | None = None,
    since: Annotated[str | None, Query(max_length=40)] = None,
    text: Annotated[str | None, Query(max_length=200)] = None,
) -> Wanted:
    """Which calls are asked for."""
    try:
        return Wanted(operation, status, valid, moment(since) if since else None, text)
    except ClockError as error:
        raise Unprocessable(str(error), pointer="/since") from None


def router(sandboxes: Sandboxes, access: Access) -> APIRouter:
    """Routes below /api/v1/sandboxes/{id}."""
    once = idempotent(sandboxes.database, sandboxes.clock, access.who)
    routes = APIRouter(prefix="/api/v1/sandboxes/{id}", tags=["sandboxes"], route_class=once)
    control = sandboxes.control
    Who = Annotated[Caller, Depends(access.required)]
    Anything = Annotated[Any, Body()]

    @routes.get("/state")
    def state(caller: Who, id: str) -> dict[str, Any]:
        """Clock, faults, snapshots and figures of a sandbox."""
        return control.state(caller, id)

    @routes.post("/reset")
    def reset(caller: Who, id: str) -> dict[str, Any]:
        """Forget everything written in a sandbox."""
        control.reset(caller, id)
        return control.state(caller, id)

    @routes.get("/snapshots")
    def snapshots(caller: Who, id: str) -> dict[str, Any]:
        """Snapshots of a sandbox."""
        return {"snapshots": control.state(caller, id)["snapshots"]}

    @routes.post("/snapshot")
    def snapshot(caller: Who, id: str, body: Name) -> dict[str, Any]:
        """Keep what is written now under a name."""
        control.snapshot(caller, id, body.name)
        return {"snapshots": control.state(caller, id)["snapshots"]}

    @routes.post("/restore")
    def restore(caller: Who, id: str, body: Name) -> dict[str, Any]:
        """Go back to a snapshot."""
        control.restore(caller, id, body.name)
        return control.state(caller, id)

    @routes.post("/seed")
    def seed(caller: Who, id: str, body: Seed) -> dict[str, Any]:
        """Change to the country of another seed."""
        control.set_seed(caller, id, body.seed)
        return control.state(caller, id)

    @routes.get("/clock")
    def clock(caller: Who, id: str) -> dict[str, Any]:
        """What the clock of a sandbox shows."""
        return control.shown_clock(control.visible(caller, id))

    @routes.post("/clock")
    def set_clock(caller: Who, id: str, body: Anything) -> dict[str, Any]:
        """Set, advance, stop or start the clock of a sandbox."""
        return control.set_clock(caller, id, body)

    @routes.get("/faults")
    def faults(caller: Who, id: str) -> dict[str, Any]:
        """The fault plan of a sandbox."""
        return {"faults": list(control.visible(caller, id).faults)}

    @routes.put("/faults")
    def set_faults(caller: Who, id: str, body: Anything) -> dict[str, Any]:
        """Put exactly these faults in force."""
        return {"faults": control.set_faults(caller, id, body)}

    @routes.delete("/faults")
    def clear_faults(caller: Who, id: str) -> dict[str, Any]:
        """Take all faults away."""
        return {"faults": control.set_faults(caller, id, [])}

    @routes.post("/webhook")
    def webhook(caller: Who, id: str, body: Webhook) -> dict[str, Any]:
        """Send a webhook of the document to a URL this exchange's sandboxes may call."""
        sent = control.fire(caller, id, body.webhook, body.url, body.interface, body.body)
        return {"status": sent.status, "tries": sent.tries, "error": sent.error}

    @routes.get("/personas")
    def personas(caller: Who, id: str) -> dict[str, Any]:
        """The golden people of a sandbox with their numbers."""
        return {"items": control.personas(caller, id)}

    _record(routes, sandboxes, access)
    return routes


def _record(routes: APIRouter, sandboxes: Sandboxes, access: Access) -> None:
    control, watching = sandboxes.control, sandboxes.watching
    Who = Annotated[Caller, Depends(access.required)]
    Which = Annotated[Wanted, Depends(wanted)]
    Limit = Annotated[int, Query(ge=1, le=MAXIMUM)]

    @routes.get("/calls")
    def calls(
        request: Request,
        response: Response,
        caller: Who,
        id: str,
        which: Which,
        limit: Limit = LIMIT,
        page_token: str | None = None,
    ) -> dict[str, Any]:
        """What an app did in a sandbox, newest first; searched by operation, status, valid, since and text."""
        control.visible(caller, id)
        rows = watching.calls(id, limit=limit + 1, before=decode(page_token), wanted=which)
        used = watching.used(id)
        return page(
            request, response, rows, limit, lambda row: row.id,
            lambda row: shown(row) | {"fields_used": used.get(row.id, [])},
        )  # fmt: skip

    @routes.get("/calls.har")
    def archive(caller: Who, id: str, which: Which) -> Response:
        """The calls kept as an HTTP Archive (HAR 1.2)."""
        control.visible(caller, id)
        made = watching.archive(id, which, sandboxes.url(id))
        return JSONResponse(made, headers={"Content-Disposition": f'attachment; filename="{id}.har"'})

    @routes.get("/events")
    def events(request: Request, id: str) -> Response:
        """Calls as they come (Server-Sent Events); the sandbox's own key opens them, too."""
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and key.startswith("sbk_"):
            if not sandboxes.opens(id, key.strip()):
                raise Unauthenticated("the sandbox key is not valid", hint="it was shown once")
        else:
            control.visible(access.required(request), id)
        last = request.headers.get("last-event-id") or watching.newest(id)
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(watching.events(id, last), media_type="text/event-stream", headers=headers)
