"""The working-day calendar, violations, and the needs of processes in a browser."""

# annotations are read by FastAPI at run time and name things local to the router: no postponed evaluation here

import re
from collections.abc import Iterable
from datetime import date
from typing import Annotated
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from exchange.agreements.deriving import Deriving
from exchange.agreements.needs import Draft
from exchange.agreements.supervising import Supervising
from exchange.agreements.violations import codes
from exchange.parties.access import Access, Caller
from exchange.portal import paging
from exchange.portal.language import chosen
from exchange.portal.pages import Pages, signed_in
from exchange.portal.problem import readable
from exchange.portal.terms import terms


def router(pages: Pages, access: Access, supervising: Supervising, deriving: Deriving) -> APIRouter:
    """Routes ``/calendar``, ``/violations`` and ``/needs``."""
    routes = APIRouter(include_in_schema=False, route_class=readable(pages))
    Who = Annotated[Caller | None, Depends(access.caller)]
    agreements = supervising.agreements

    @routes.get("/calendar")
    def calendar(request: Request, caller: Who, moved: int | None = None, loaded: int | None = None) -> Response:
        years = [(year, spans(year.holidays), spans(year.workdays)) for year in agreements.years()]
        may = caller is not None and caller.kind == "data_office" and "officer" in caller.roles
        return pages.render(
            request,
            caller,
            "calendar.html",
            years=years,
            following=max(year.year for year, _, _ in years) + 1,
            preset=agreements.deadlines.preset,
            may=may,
            moved=moved,
            loaded=loaded,
        )

    @routes.post("/calendar")
    def load(
        caller: Who,
        year: Annotated[int, Form()],
        source: Annotated[str, Form(max_length=500)] = "",
        holidays: Annotated[str, Form(max_length=10_000)] = "",
        workdays: Annotated[str, Form(max_length=10_000)] = "",
        provisional: Annotated[str, Form()] = "",
    ) -> Response:
        moved = agreements.set_year(
            signed_in(caller), year, parts(holidays), parts(workdays), source, provisional=bool(provisional)
        )
        return RedirectResponse(f"/calendar?loaded={year}&moved={len(moved)}", status_code=303)

    @routes.get("/violations")
    def violations(request: Request, caller: Who, page: paging.Number = 1) -> Response:
        who = signed_in(caller)
        return pages.render(
            request,
            caller,
            "violations.html",
            violations=paging.cut(supervising.violations(who)[::-1], page),
            codes=codes(),
            may=who.kind == "data_office" and "officer" in who.roles,
            titles={record.id: record.title for record in agreements.catalogue.search()},
        )

    @routes.post("/violations/{identifier}")
    def clear(caller: Who, identifier: str, reason: Annotated[str, Form(max_length=2000)] = "") -> Response:
        supervising.clear(signed_in(caller), identifier, reason)
        return RedirectResponse("/violations", status_code=303)

    @routes.get("/needs")
    def processes(request: Request, caller: Who) -> Response:
        signed_in(caller)
        return pages.render(request, caller, "needs.html", processes=deriving.processes())

    @routes.get("/needs/{process}")
    def needs(request: Request, caller: Who, process: str, consumer: str | None = None) -> Response:
        who = signed_in(caller)
        found = deriving.needs(who, process, consumer or None)
        return pages.render(
            request,
            caller,
            "needs_one.html",
            needs=found,
            counts=[(state, found.count(state)) for state in ("own", "agreed", "applied", "missing", "unshared")],
            drafts=[(draft, prefilled(draft)) for draft in found.drafts],
            may=who.party == found.consumer and who.kind == "department",
            titles={record.id: record.title for record in agreements.catalogue.search()},
            terms=terms(chosen(request)),
        )

    @routes.post("/needs/{process}")
    def file(
        caller: Who,
        process: str,
        legal_basis: Annotated[str, Form(max_length=2000)] = "",
        duration_days: Annotated[str, Form(pattern=r"^\d{0,5}$")] = "",
        approved_by: Annotated[str, Form(max_length=2000)] = "",
    ) -> Response:
        days = int(duration_days or 0)
        deriving.file(signed_in(caller), process, legal_basis=legal_basis, duration_days=days, approved_by=approved_by)
        return RedirectResponse(f"/needs/{quote(process)}", status_code=303)

    return routes


def prefilled(draft: Draft) -> str:
    """Where the form of an application stands, filled in with what a draft says."""
    wish = draft.wish
    said = [("interface", wish.interface), *(("operations", one) for one in wish.operations)]
    said += [("fields", one) for one in wish.fields]
    return "/applications/new?" + urlencode([*said, ("purpose", wish.purpose), ("scenario", wish.scenario)])


def parts(text: str) -> list[str]:
    """Days and ranges of a text, however they are set apart."""
    return [part for part in re.split(r"[\s,;，；、]+", text) if part]


def spans(days: Iterable[date]) -> list[str]:
    """Days as people write them in a notice: neighbours joined to ``first..last``."""
    found: list[list[date]] = []
    for day in sorted(days):
        if found and (day - found[-1][-1]).days == 1:
            found[-1].append(day)
        else:
            found.append([day])
    return [str(run[0]) if len(run) == 1 else f"{run[0]}..{run[-1]}" for run in found]
