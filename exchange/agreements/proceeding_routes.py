"""Proceedings beside agreements, disputed values and violations over HTTP."""

# No postponed annotations here: FastAPI has to see the dependencies that are made inside `router`.

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from exchange.agreements.proceedings import Proceeding, verbs
from exchange.agreements.routes import show_clock
from exchange.agreements.supervising import Supervising
from exchange.agreements.violations import Violation, codes
from exchange.http.idempotency import idempotent
from exchange.http.paging import LIMIT, MAXIMUM, decode, page
from exchange.parties.access import Access, Caller

Words = Annotated[str, Field(max_length=2000)]


class ActBody(BaseModel):
    """What is said with an act. Which of it is wanted, and which is refused, follows from the kind and the verb."""

    model_config = ConfigDict(extra="forbid")

    text: Words = ""
    days: int | None = None
    due: Words | None = None
    code: Words | None = None
    method: Words | None = None
    done_on: Words | None = None
    evidence: Words | None = None
    reference: Words | None = None
    basis: Words | None = None
    since: Words | None = None
    version: Words | None = None
    division: Words | None = None
    field: Words | None = None
    key: Words | None = None
    observed: Words | None = None
    claimed: Words | None = None

    def facts(self) -> dict[str, Any]:
        """Everything given but the text."""
        return self.model_dump(exclude={"text", "kind", "subject"}, exclude_none=True)


class OpenBody(ActBody):
    """A new proceeding about an application or agreement."""

    kind: str
    subject: Words


class KeyBody(BaseModel):
    """Which record: its whole key. It is sent in the body, since keys may be numbers of people."""

    model_config = ConfigDict(extra="forbid")

    interface: Words
    key: Words


class ClearBody(BaseModel):
    """Why a violation is cleared."""

    model_config = ConfigDict(extra="forbid")

    reason: Words


def router(supervising: Supervising, access: Access) -> APIRouter:
    """Routes of proceedings and violations."""
    once = idempotent(supervising.database, supervising.clock, access.who)
    routes = APIRouter(prefix="/api/v1", tags=["proceedings"], route_class=once)
    Who = Annotated[Caller, Depends(access.required)]
    Limit = Annotated[int, Query(ge=1, le=MAXIMUM)]

    @routes.post("/proceedings", status_code=201)
    def begin(caller: Who, body: OpenBody) -> dict[str, Any]:
        """Open a proceeding: extension, order, ending, ticket, dispute, update or return."""
        return _told(caller, supervising.open(caller, body.kind, body.subject, body.text, body.facts()))

    @routes.get("/proceedings")
    def listed(
        request: Request,
        response: Response,
        caller: Who,
        limit: Limit = LIMIT,
        page_token: str | None = None,
        subject: str | None = None,
        kind: str | None = None,
        open: bool = False,
    ) -> dict[str, Any]:
        """Proceedings one is a side of."""
        rows = supervising.proceedings(
            caller, subject=subject, kind=kind, open_only=open, after=decode(page_token), limit=limit + 1
        )
        return page(request, response, rows, limit, lambda row: row.id, show_proceeding)

    @routes.get("/proceedings/{id}")
    def proceeding(caller: Who, id: str) -> dict[str, Any]:
        """One proceeding with its acts and clocks."""
        return _told(caller, supervising.proceeding(caller, id))

    @routes.post("/proceedings/{id}/{verb}")
    def act(caller: Who, id: str, verb: str, body: ActBody) -> dict[str, Any]:
        """Move a proceeding by one verb of its kind."""
        return _told(caller, supervising.act(caller, id, verb, body.text, body.facts()))

    @routes.post("/disputed-values")
    def disputed(caller: Who, body: KeyBody) -> dict[str, Any]:
        """Fields of one record that are disputed at present."""
        return {"interface": body.interface, "fields": supervising.flagged(caller, body.interface, body.key)}

    @routes.get("/violations")
    def violations(
        request: Request,
        response: Response,
        caller: Who,
        limit: Limit = LIMIT,
        page_token: str | None = None,
        since: str | None = None,
        until: str | None = None,
    ) -> dict[str, Any]:
        """Violations of articles 39 to 41, each with the ledger entry that proves it."""
        rows = supervising.violations(caller, since=since, until=until, after=decode(page_token), limit=limit + 1)
        return page(request, response, rows, limit, lambda row: row.id, show_violation)

    @routes.post("/violations/{id}/clearance")
    def clear(caller: Who, id: str, body: ClearBody) -> dict[str, Any]:
        """Accept a good reason for a violation."""
        return show_violation(supervising.clear(caller, id, body.reason))

    def _told(caller: Caller, found: Proceeding) -> dict[str, Any]:
        clocks = supervising.clocks(caller, found.id)
        return show_proceeding(found) | {"clocks": [show_clock(clock) for clock in clocks]}

    return routes


def show_proceeding(value: Proceeding) -> dict[str, Any]:
    """The JSON shape of a proceeding; ``next``: the verbs that may follow."""
    return {
        "id": value.id,
        "kind": value.kind.value,
        "subject": value.subject,
        "consumer": value.consumer,
        "provider": value.provider,
        "interface": value.interface,
        "state": value.state,
        "opened_at": value.opened_at,
        "closed_at": value.closed_at,
        "facts": dict(value.facts),
        "acts": [
            {"verb": act.verb, "side": act.side.value, "by": act.by, "at": act.at, "text": act.text}
            for act in value.acts
        ],
        "next": verbs(value),
    }


def show_violation(value: Violation) -> dict[str, Any]:
    """The JSON shape of a violation."""
    return {
        "id": value.id,
        "code": value.code,
        "title": dict(codes()[value.code]),
        "party": value.party,
        "interface": value.interface,
        "subject": value.subject,
        "clock": value.clock,
        "at": value.at,
        "entry": value.entry,
        "evidence": value.evidence,
        "cleared_at": value.cleared_at,
        "cleared_by": value.cleared_by,
        "reason": value.reason,
    }
