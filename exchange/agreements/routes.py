"""Applications, agreements and the working-day calendar over HTTP."""

# No postponed annotations here: FastAPI has to see the dependencies that are made inside `router`.

from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from exchange.agreements import odrl
from exchange.agreements.calendar import Year
from exchange.agreements.clocks import Running
from exchange.agreements.model import Agreement, Application
from exchange.agreements.service import Agreements
from exchange.agreements.wish import Wish
from exchange.http.idempotency import idempotent
from exchange.http.paging import LIMIT, MAXIMUM, decode, page
from exchange.parties.access import Access, Caller


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


@dataclass(frozen=True)
class ApplicationBody(Wish):
    """An application as sent. Only the interface must be there: what else is missing the answer tells, once."""

    __pydantic_config__ = ConfigDict(extra="forbid")


class AnswerBody(_Strict):
    """The provider's answer; a refusal needs both texts. A consent may say what is done with the data at the end."""

    decision: Literal["consent", "refuse"]
    reason: str = Field(default="", max_length=2000)
    basis: str = Field(default="", max_length=2000)
    disposal: str = Field(default="", max_length=2000)
    disposal_days: int | None = None
    terms: dict[str, Any] = Field(default_factory=dict, max_length=20)


class ReasonBody(_Strict):
    """Why an agreement is suspended, resumed or terminated."""

    reason: str = Field(max_length=2000)


class EndBody(ReasonBody):
    """Why an agreement ends; the data office that ends it for a misuse says on which basis and which misuse."""

    basis: str = Field(default="", max_length=2000)
    code: str = Field(default="", max_length=20)


class YearBody(_Strict):
    """A year's holiday notice: days or ``first..last`` ranges, and which notice it is."""

    source: str = Field(max_length=500)
    holidays: list[str]
    workdays: list[str]
    provisional: bool = False


def router(agreements: Agreements, access: Access) -> APIRouter:
    """Routes of applications, agreements and the calendar."""
    once = idempotent(agreements.database, agreements.clock, access.who)
    routes = APIRouter(prefix="/api/v1", tags=["agreements"], route_class=once)
    Who = Annotated[Caller, Depends(access.required)]
    Limit = Annotated[int, Query(ge=1, le=MAXIMUM)]

    @routes.post("/applications", status_code=201)
    def apply(caller: Who, body: ApplicationBody) -> dict[str, Any]:
        """File an application; everything missing is listed once, all together."""
        return _told(caller, agreements.apply(caller, body))

    @routes.get("/applications")
    def applications(
        request: Request,
        response: Response,
        caller: Who,
        limit: Limit = LIMIT,
        page_token: str | None = None,
        state: str | None = None,
    ) -> dict[str, Any]:
        """Applications one is a side of."""
        rows = agreements.applications(caller, after=decode(page_token), limit=limit + 1, state=state)
        return page(request, response, rows, limit, lambda row: row.id, show_application)

    @routes.get("/applications/{id}")
    def application(caller: Who, id: str) -> dict[str, Any]:
        """One application with its clocks."""
        return _told(caller, agreements.application(caller, id))

    @routes.put("/applications/{id}")
    def complete(caller: Who, id: str, body: ApplicationBody) -> dict[str, Any]:
        """Complete an application that had gaps."""
        return _told(caller, agreements.complete(caller, id, body))

    @routes.post("/applications/{id}/answer")
    def answer(caller: Who, id: str, body: AnswerBody) -> dict[str, Any]:
        """Consent or refuse; a refusal carries its reason and statutory basis."""
        said = (body.reason, body.basis, body.disposal, body.disposal_days, body.terms)
        agreements.answer(caller, id, body.decision, *said)
        return _told(caller, agreements.application(caller, id))

    @routes.post("/applications/{id}/withdrawal")
    def withdraw(caller: Who, id: str) -> dict[str, Any]:
        """Withdraw an application."""
        return _told(caller, agreements.withdraw(caller, id))

    @routes.get("/agreements")
    def listed(
        request: Request,
        response: Response,
        caller: Who,
        limit: Limit = LIMIT,
        page_token: str | None = None,
        interface: str | None = None,
    ) -> dict[str, Any]:
        """Agreements one is a side of."""
        rows = agreements.agreements(caller, after=decode(page_token), limit=limit + 1, interface=interface)
        return page(request, response, rows, limit, lambda row: row.id, show_agreement)

    @routes.get("/agreements/{id}")
    def agreement(caller: Who, id: str) -> dict[str, Any]:
        """One agreement."""
        found = agreements.agreement(caller, id)
        clocks = agreements.clocks(caller, id)
        # consented, not delivered: the provider's clock still runs
        waits = any(clock.rule == "C6" and clock.is_open for clock in clocks)
        return show_agreement(found) | {"delivery_awaited": waits, "clocks": [show_clock(c) for c in clocks]}

    @routes.get("/agreements/{id}/odrl")
    def policy(caller: Who, id: str) -> Response:
        """One agreement as an ODRL policy (JSON-LD)."""
        found = agreements.agreement(caller, id)
        reply = agreements.application(caller, found.application).reply if found.application else None
        said = (reply.disposal, reply.disposal_days) if reply else ("", None)
        body = odrl.policy(found, agreements.clock(), disposal=said[0], disposal_days=said[1])
        return JSONResponse(body, media_type=odrl.MEDIA_TYPE)

    @routes.post("/agreements/{id}/suspension")
    def suspend(caller: Who, id: str, body: ReasonBody) -> dict[str, Any]:
        """Stop use at once, for example on misuse."""
        return show_agreement(agreements.suspend(caller, id, body.reason))

    @routes.post("/agreements/{id}/resumption")
    def resume(caller: Who, id: str, body: ReasonBody) -> dict[str, Any]:
        """Let use go on after correction."""
        return show_agreement(agreements.resume(caller, id, body.reason))

    @routes.post("/agreements/{id}/termination")
    def terminate(caller: Who, id: str, body: EndBody) -> dict[str, Any]:
        """End an agreement for good."""
        return show_agreement(agreements.terminate(caller, id, body.reason, body.basis, body.code))

    @routes.get("/clocks")
    def clocks(caller: Who, late: bool = False) -> dict[str, Any]:
        """Open clocks of one's own and of what one may see, the one due first at the head; ``late``: overdue ones."""
        found = agreements.open_clocks(caller, late=late)
        return {"items": [show_clock(clock) | {"about": about} for clock, about in found]}

    @routes.get("/calendar")
    def years() -> dict[str, Any]:
        """Every year of the working-day calendar in force; days of other years are provisional."""
        return {"items": [_year(year) for year in agreements.years()]}

    @routes.get("/calendar/{year}")
    def calendar(year: int) -> dict[str, Any]:
        """Working-day calendar of a year."""
        return _year(agreements.year(year))

    @routes.put("/calendar/{year}")
    def load(caller: Who, year: int, body: YearBody) -> dict[str, Any]:
        """Load a year's holiday notice; open clocks move."""
        moved = agreements.set_year(
            caller, year, body.holidays, body.workdays, body.source, provisional=body.provisional
        )
        return _year(agreements.year(year)) | {"moved_clocks": [show_clock(clock) for clock in moved]}

    def _told(caller: Caller, found: Application) -> dict[str, Any]:
        # whoever may file or answer an application may read it: both are sides of it
        clocks = agreements.clocks(caller, found.id)
        return show_application(found) | {"clocks": [show_clock(clock) for clock in clocks]}

    return routes


def show_application(value: Application) -> dict[str, Any]:
    """The JSON shape of an application."""
    wish, reply = value.wish, value.reply
    return {
        "id": value.id,
        "state": value.state.value,
        "consumer": value.consumer,
        "provider": value.provider,
        **asdict(wish),
        "sharing": value.sharing.value,
        "filed_at": value.filed_at,
        "completed_at": value.completed_at,
        "missing": [{"pointer": gap.pointer, "message": dict(gap.message)} for gap in value.missing],
        "answer": None
        if reply is None
        else {
            "decision": "consent" if reply.consent else "refuse",
            "reason": reply.reason,
            "basis": reply.basis,
            "at": reply.at,
            "automatic": reply.automatic,
            "disposal": reply.disposal,
            "disposal_days": reply.disposal_days,
            "terms": dict(reply.terms),
        },
        "agreement": value.agreement,
    }


def show_agreement(value: Agreement) -> dict[str, Any]:
    """The JSON shape of an agreement."""
    return {
        "id": value.id,
        "state": value.state.value,
        "application": value.application,
        "consumer": value.consumer,
        "provider": value.provider,
        "interface": value.interface,
        "version": value.version,
        "mode": value.mode.value,
        "purpose": value.purpose,
        "legal_basis": value.legal_basis,
        "scenario": value.scenario,
        "fields": list(value.fields),
        "scope": {name: list(templates) for name, templates in value.scope.items()},
        "matter": value.matter,
        "terms": dict(value.terms),
        "starts_at": value.starts_at,
        "expires_at": value.expires_at,
        "reason": value.reason,
    }


def show_clock(value: Running) -> dict[str, Any]:
    """The JSON shape of a running clock; ``provisional`` (暂定) until the year's notice is loaded."""
    return {
        "id": value.id,
        "rule": value.rule,
        "subject": value.subject,
        "party": value.party,
        "started": str(value.started),
        "due": value.due and str(value.due),
        "provisional": value.provisional,
        "former": list(value.former),
        "extended": value.extended,
        "stood": value.stood,
        "stopped_on": value.stopped_on and str(value.stopped_on),
        "met_at": value.met_at,
        "outcome": value.outcome,
        "breached_at": value.breached_at,
        "code": value.code if value.breached_at else None,
    }


def _year(value: Year) -> dict[str, Any]:
    return {
        "year": value.year,
        "source": value.source,
        "provisional": value.provisional,
        "holidays": sorted(map(str, value.holidays)),
        "workdays": sorted(map(str, value.workdays)),
    }
