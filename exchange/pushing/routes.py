"""Push subscriptions, their messages and providers' events over HTTP."""

# No postponed annotations here: FastAPI has to see the dependencies that are made inside `router`.

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from exchange.errors import Invalid
from exchange.http.idempotency import idempotent
from exchange.http.paging import LIMIT, MAXIMUM, decode, page
from exchange.parties.access import Access, Caller
from exchange.pushing.model import NOTHING, Call, Message, Subscription, Tally
from exchange.pushing.service import Pushing
from exchange.pushing.wishes import Event, Wish


class CallBody(BaseModel):
    """Values of path parameters, raw query, JSON body of a call."""

    model_config = ConfigDict(extra="forbid")
    path: dict[str, str] = Field(default_factory=dict)
    query: str = ""
    body: Any = None


class SubscriptionBody(BaseModel):
    """What is to be sent, under which agreement, where to, and when."""

    model_config = ConfigDict(extra="forbid")
    agreement: str
    operation: str
    purpose: str
    destination: str
    kind: str = "event"
    every: str | None = None
    at: str | None = None
    call: CallBody | None = None
    division: str | None = None
    division_field: str | None = None


class EventBody(BaseModel):
    """What has happened: the call whose answer changed; ``record`` is that answer, if it comes along."""

    model_config = ConfigDict(extra="forbid")
    interface: str
    operation: str
    id: str
    call: CallBody = Field(default_factory=CallBody)
    record: Any = Field(default=None, repr=False)
    division: str | None = None


class ReplayBody(BaseModel):
    """From which position on, up to which, and which of them: "delivered", "dead", or both."""

    model_config = ConfigDict(extra="forbid")
    first: int = Field(default=1, ge=1)
    last: int | None = Field(default=None, ge=1)
    fate: str | None = None


def router(pushing: Pushing, access: Access) -> APIRouter:
    """Routes of pushing."""
    once = idempotent(pushing.database, pushing.clock, access.who)
    routes = APIRouter(prefix="/api/v1", tags=["pushing"], route_class=once)
    Who = Annotated[Caller, Depends(access.required)]
    Limit = Annotated[int, Query(ge=1, le=MAXIMUM)]

    def shown(value: Subscription, caller: Caller) -> dict[str, Any]:
        return show(value, caller, pushing.tallies([value])[value.id])

    @routes.post("/push-subscriptions", status_code=201)
    def subscribe(caller: Who, body: SubscriptionBody, response: Response) -> dict[str, Any]:
        """Subscribe to records of an agreed operation; the signing secret is shown once."""
        said = body.model_dump(exclude={"call"})
        made, secret = pushing.subscribe(caller, Wish(**said, call=_call(body.call) if body.call else None))
        response.headers["Cache-Control"] = "no-store"
        return shown(made, caller) | {"secret": secret}

    @routes.get("/push-subscriptions")
    def listed(
        request: Request, response: Response, caller: Who, limit: Limit = LIMIT, page_token: str | None = None
    ) -> dict[str, Any]:
        """Push subscriptions one is a side of."""
        rows = pushing.listed(caller, after=decode(page_token), limit=limit + 1)
        tallies = pushing.tallies(rows)
        return page(request, response, rows, limit, lambda row: row.id, lambda row: show(row, caller, tallies[row.id]))

    @routes.get("/push-subscriptions/{id}")
    def one(caller: Who, id: str) -> dict[str, Any]:
        """One push subscription: its state, its last position, what waits or is dead, since when and why."""
        return shown(pushing.get(caller, id), caller)

    @routes.post("/push-subscriptions/{id}/pause")
    def pause(caller: Who, id: str) -> dict[str, Any]:
        """Send nothing for now; what happens meanwhile waits."""
        return shown(pushing.pause(caller, id), caller)

    @routes.post("/push-subscriptions/{id}/resume")
    def resume(caller: Who, id: str) -> dict[str, Any]:
        """Send again, beginning with what waits."""
        return shown(pushing.resume(caller, id), caller)

    @routes.post("/push-subscriptions/{id}/secret")
    def rotate(caller: Who, id: str, response: Response) -> dict[str, Any]:
        """A new signing secret, shown once; for a day the former one signs, too."""
        response.headers["Cache-Control"] = "no-store"
        return {"secret": pushing.rotate(caller, id)}

    @routes.post("/push-subscriptions/{id}/replay", status_code=202)
    def replay(caller: Who, id: str, body: ReplayBody) -> dict[str, Any]:
        """Send messages again from a position on, under their old ids."""
        return {"messages": pushing.replay(caller, id, body.first, body.last, body.fate)}

    @routes.delete("/push-subscriptions/{id}")
    def end(caller: Who, id: str) -> dict[str, Any]:
        """End a push subscription; what was kept for it is forgotten."""
        return shown(pushing.end(caller, id), caller)

    @routes.get("/push-subscriptions/{id}/messages")
    def messages(
        request: Request,
        response: Response,
        caller: Who,
        id: str,
        fate: str | None = None,
        limit: Limit = LIMIT,
        page_token: str | None = None,
    ) -> dict[str, Any]:
        """What was, is and will be sent, by position; `fate=dead` are the dead letters."""
        after = decode(page_token)
        if after is not None and not after.isdigit():
            raise Invalid("the page token is not one of ours", hint="take the next_page_token of the page before")
        rows = pushing.messages(caller, id, fate=fate, after=int(after) if after else None, limit=limit + 1)
        return page(request, response, rows, limit, lambda row: str(row.position), show_message)

    @routes.post("/push-events", status_code=202)
    def publish(caller: Who, body: EventBody) -> dict[str, Any]:
        """Say that something has happened at an interface of one's own; the same id counts once."""
        record = body.record if "record" in body.model_fields_set else NOTHING
        event = Event(body.interface, body.operation, body.id, _call(body.call), record, body.division)
        return {"id": body.id, "subscriptions": pushing.publish(caller, event)}

    @routes.get("/push-returns")
    def returns(caller: Who) -> dict[str, Any]:
        """Return flows one is a side of, by division, with how complete each is."""
        return {"items": pushing.returns(caller)}

    return routes


def show(value: Subscription, caller: Caller, tally: Tally) -> dict[str, Any]:
    """The JSON shape of a subscription; where it goes is its consumer's business, and the data office's."""
    hidden = ["created_by", "job", "rounds"]
    if caller.party != value.consumer and caller.kind != "data_office":
        hidden += ["destination", "reason"]
    told = {name: getattr(value, name) for name in value.__dataclass_fields__ if name not in hidden}
    return told | {"waiting": tally.waiting, "waiting_since": tally.oldest, "dead": tally.dead}


def show_message(value: Message) -> dict[str, Any]:
    """The JSON shape of a message."""
    told = {name: getattr(value, name) for name in value.__dataclass_fields__ if name != "subscription"}
    receipt = None if value.delivery is None else f"/api/v1/receipts/{value.delivery}"
    return told | {"fields": list(value.fields), "receipt": receipt}


def _call(body: CallBody) -> Call:
    return Call(body.path, body.query, body.body)
