"""Pages of data officers: flows, unusual traffic, supervision reports, quality tickets, rules of disclosure."""

# annotations are read by FastAPI at run time and name things local to the router: no postponed evaluation here

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from exchange.brokering.model import UNLISTED
from exchange.catalogue.service import Catalogue
from exchange.oversight.model import DIMENSIONS, LEVELS, MORE, Filter, Sum
from exchange.oversight.quality import Quality
from exchange.oversight.reporting import Reporting
from exchange.oversight.routes import narrowed
from exchange.oversight.service import Oversight
from exchange.oversight.usage import Usage
from exchange.parties.access import Access, Caller
from exchange.portal import paging, sankey, views
from exchange.portal.language import chosen, text, translations, words
from exchange.portal.pages import Pages, purpose_text, signed_in
from exchange.portal.problem import readable

SHOWN = 100
TICKETS = 20
CHOICES = ("provider", "consumer", "interface", "purpose", "law", "field")
THROUGH = ("", "purpose", "law", "interface", "sensitivity", "field")


def router(
    pages: Pages,
    access: Access,
    catalogue: Catalogue,
    oversight: Oversight,
    reporting: Reporting,
    quality: Quality,
    usage: Usage,
) -> APIRouter:
    """Routes of the pages; the services say who may."""
    routes = APIRouter(include_in_schema=False, route_class=readable(pages))
    Who = Annotated[Caller | None, Depends(access.caller)]
    Wish = Annotated[Filter, Depends(narrowed)]

    def named(code: str) -> Callable[[str], str]:
        return lambda party: text(pages.names(party), code)

    def worded(code: str, titles: dict[str, Any]) -> Callable[[str], str]:
        _ = translations(code).gettext
        known = words(code)

        def word(value: str) -> str:
            if value in titles:
                return text(titles[value], code)
            special = {MORE: _("further fields"), UNLISTED: _("a purpose no agreement has")}
            return special.get(value) or known.get(value) or text(purpose_text(value), code) or _("not stated")

        return word

    @routes.get("/flows")
    def flows(
        request: Request, caller: Who, wish: Wish, through: Annotated[str, Query(max_length=20)] = ""
    ) -> Response:
        who = signed_in(caller)
        code = chosen(request)
        _ = translations(code).gettext
        titles = {record.id: record.title for record in catalogue.search()}
        period = replace(Filter(), since=wish.since, until=wish.until)
        everything = oversight.overview(who, period)
        found = everything if wish == period else oversight.overview(who, wish)
        pairs, days = found.matrix, found.by_day()
        drawn = (
            sankey.through(found.sums, through, named(code), worded(code, titles))
            if through in THROUGH[1:]
            else sankey.options(pairs, named(code))
        )
        return pages.render(
            request,
            caller,
            "flows.html",
            wish=wish,
            through=through,
            throughs=THROUGH,
            query=urlencode(wish.given),
            choices={name: _choices(name, everything.sums) for name in CHOICES},
            levels=LEVELS,
            word=worded(code, titles),
            titles=titles,
            flows=oversight.flows(who, wish, limit=SHOWN, overview=found),
            pairs=pairs,
            sums={name: found.by(name)[:SHOWN] for name in ("purpose", "law", "field", "sensitivity", "claimed")},
            days=days,
            day_chart=sankey.by_day(days, words(code)["delivered"], words(code)["refused"]),
            found=views.findings(oversight.findings(who, overview=everything), named(code), pairs),
            delivered=sum(p["delivered"] for p in pairs),
            refused=sum(p["refused"] for p in pairs),
            records=sum(p["records"] for p in pairs),
            sankey=drawn,
        )

    @routes.get("/flows/unusual")
    def unusual(
        request: Request, caller: Who, days: Annotated[int, Query(ge=1, le=62)] = 7, page: paging.Number = 1
    ) -> Response:
        who = signed_in(caller)
        titles = {record.id: record.title for record in catalogue.search()}
        found = oversight.alarms(who, days=days)
        return pages.render(request, caller, "unusual.html", alarms=paging.cut(found, page), days=days, titles=titles)

    @routes.get("/supervision")
    def supervision(request: Request, caller: Who, since: str = "", until: str = "") -> Response:
        found = reporting.reports(signed_in(caller), since, until)
        figures = [{one.id: one for section in report.sections for one in section.figures} for report in found]
        lines = list(zip(found, figures, strict=True))
        return pages.render(request, caller, "supervision.html", lines=lines, since=since, until=until)

    @routes.get("/supervision/{department}")
    def report(request: Request, caller: Who, department: str, since: str = "", until: str = "") -> Response:
        made = reporting.report(signed_in(caller), department, since, until)
        return pages.render(request, caller, "supervision_one.html", report=made)

    @routes.get("/quality")
    def tickets(request: Request, caller: Who, page: paging.Number = 1, samples: paging.Number = 1) -> Response:
        who = signed_in(caller)
        titles = {record.id: record.title for record in catalogue.search()}
        return pages.render(
            request,
            caller,
            "quality.html",
            tickets=paging.cut(quality.tickets(who), page, size=TICKETS),
            trends=paging.cut(quality.trends(who)[::-1], samples, "samples"),
            titles=titles,
            may_answer=who.kind == "department" and bool(who.roles & {"admin", "engineer", "reviewer"}),
        )

    @routes.post("/quality/{id}")
    def answer(
        caller: Who,
        id: str,
        answer: Annotated[str, Form(max_length=20)],
        note: Annotated[str, Form(max_length=1000)] = "",
    ) -> Response:
        quality.answer(signed_in(caller), id, answer, note)
        return RedirectResponse("/quality", status_code=303)

    @routes.get("/disclosure")
    def disclosure(request: Request, caller: Who, page: paging.Number = 1) -> Response:
        who = signed_in(caller)
        may_set = who.kind == "data_office"
        rules = usage.hidden(who) if may_set else [rule.to_dict() for rule in usage.rules(who)]
        return pages.render(request, caller, "disclosure.html", rules=paging.cut(rules, page), may_set=may_set)

    @routes.post("/disclosure")
    def set_rule(
        caller: Who,
        action: Annotated[str, Form(max_length=10)],
        review_on: Annotated[str, Form(max_length=10)],
        purpose: Annotated[str, Form(max_length=500)] = "",
        law: Annotated[str, Form(max_length=500)] = "",
        basis: Annotated[str, Form(max_length=500)] = "",
        delay_days: Annotated[int, Form(ge=0)] = 0,
        viewer: Annotated[str, Form(max_length=10)] = "",
    ) -> Response:
        about = {"purpose": purpose, "law": law}
        more = {"delay_days": delay_days, "basis": basis, "review_on": review_on, "viewer": viewer}
        usage.set_rule(signed_in(caller), action, about, **more)
        return RedirectResponse("/disclosure", status_code=303)

    @routes.post("/disclosure/{id}/end")
    def end_rule(caller: Who, id: str) -> Response:
        usage.end_rule(signed_in(caller), id)
        return RedirectResponse("/disclosure", status_code=303)

    return routes


def _choices(dimension: str, sums: tuple[Sum, ...]) -> list[str]:
    """The values a filter may be set to: those that occur in the period."""
    return sorted({value for one in sums for value in DIMENSIONS[dimension](one.channel) if value})[:500]
