"""The portal's pages: what people read and do in a browser; programs use /api/v1."""

# annotations are read by FastAPI at run time and name things local to the router: no postponed evaluation here

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from exchange.catalogue.service import Catalogue
from exchange.certification.service import Certifications
from exchange.errors import NotFound, TongbanError, Unauthenticated
from exchange.ledger.service import Ledger
from exchange.market.service import Market
from exchange.market.statements import Statements
from exchange.parties.access import Access, Caller, may
from exchange.portal import paging, views
from exchange.portal.language import chosen, translations
from exchange.portal.pages import Pages
from exchange.portal.problem import readable
from specs import library

STATEMENTS = 12
"""Statements a page: each is a table of its own."""


def router(
    pages: Pages,
    access: Access,
    catalogue: Catalogue,
    certifications: Certifications,
    market: Market,
    statements: Statements,
    ledger: Ledger,
    base_url: str,
) -> APIRouter:
    """Routes of every page that has no module of its own."""
    routes = APIRouter(include_in_schema=False, route_class=readable(pages))
    Who = Annotated[Caller | None, Depends(access.caller)]

    @routes.get("/")
    def home(request: Request, caller: Who) -> Response:
        _ = translations(chosen(request)).gettext
        listings = market.listings()
        figures = [
            (_("Catalogue"), len(catalogue.search()), "/catalogue"),
            (_("App market"), len(listings), "/market"),
            (_("Open demands"), len(market.demands()), "/market"),
            (_("Ledger"), ledger.size(), "/ledger"),
        ]
        matters = [
            {"id": m, "title": library.matter(m).title, "apps": sum(item.matter == m for item in listings)}
            for m in sorted({item.matter for item in listings})
        ]
        return pages.render(request, caller, "home.html", figures=figures, matters=matters)

    @routes.get("/market")
    @routes.get("/market/{matter}")
    def market_page(
        request: Request, caller: Who, matter: str | None = None, page: paging.Number = 1, demand: paging.Number = 1
    ) -> Response:
        listings = market.listings(matter)
        wanted = (
            [matter] if matter else sorted({d.matter for d in market.demands()} | {item.matter for item in listings})
        )
        wished = paging.cut(market.demands(), demand, "demand")
        return pages.render(
            request,
            caller,
            "market.html",
            matters=[
                {
                    "id": m,
                    "title": views.matter(m).title,
                    "text": views.matter(m).description,
                    "listings": [views.listing(market, item) for item in listings if item.matter == m],
                }
                for m in wanted
            ],
            demands=paging.Page(
                [
                    {
                        "title": {"zh_CN": d.title_zh, "en": d.title_en},
                        "department": d.department,
                        "at": d.published_at,
                        "orders": len(market.orders(d.id)),
                    }
                    for d in wished.items
                ],
                demand,
                wished.total,
                "demand",
            ),
            certifications=paging.cut(certifications.listed(caller), page)
            if caller and may(caller, "certification.read")
            else None,
        )

    @routes.get("/certifications/{identifier}")
    def certification_page(request: Request, caller: Who, identifier: str) -> Response:
        try:
            found = certifications.get(caller, identifier) if caller else certifications.public(identifier)
            full = caller is not None
        except TongbanError:
            found, full = certifications.public(identifier), False
        return pages.render(request, caller, "certification.html", c=found, full=full, base_url=base_url)

    @routes.get("/ledger")
    def ledger_page(request: Request, caller: Who, entry: int | None = None, page: paging.Number = 1) -> Response:
        may_read = may(caller, "ledger.read")
        size = ledger.size()
        if entry is not None and 0 <= entry < size:
            page = (size - 1 - entry) // paging.SIZE + 1
        found = (
            ledger.entries(before=size - paging.start(page), limit=paging.SIZE, newest_first=True) if may_read else []
        )
        return pages.render(
            request,
            caller,
            "ledger.html",
            size=size,
            vkey=ledger.vkey,
            checkpoint=ledger.latest().note if size else "",
            entries=paging.Page(found, page, size if may_read else 0),
            opened=entry,
            may_export=may(caller, "ledger.export"),
            base_url=base_url,
        )

    @routes.get("/mine")
    def mine(request: Request, caller: Who, page: paging.Number = 1) -> Response:
        who = _signed_in(caller)
        code = chosen(request)
        # an app that was opened and closed again is no matter yet
        found = paging.cut([one for one in market.handled_matters(who) if one.steps], page)
        shown = [views.handled(market, one) for one in found.items]
        return pages.render(request, caller, "mine.html", matters=shown, page=found, levels=views.levels(code))

    @routes.post("/mine/{identifier}/rating")
    def rate(
        caller: Who, identifier: str, level: Annotated[int, Form()], comment: Annotated[str, Form()] = ""
    ) -> Response:
        market.rate(_signed_in(caller), identifier, level, comment)
        return RedirectResponse("/mine", status_code=303)

    @routes.get("/settlements")
    def settlements_page(request: Request, caller: Who, page: paging.Number = 1) -> Response:
        listed = paging.cut(statements.listed(_signed_in(caller)), page, size=STATEMENTS)
        lines = [line for row in listed.items if row["statement"] for line in row["statement"]["lines"]]
        names = views.apps(market, {line["listing"] for line in lines})
        return pages.render(request, caller, "settlements.html", settlements=listed, apps=names, factor=views.factor)

    @routes.get("/{page}")
    def nothing(page: str) -> Response:
        # the last route of the portal: whoever mistypes an address reads a page instead of JSON
        raise NotFound(f"no page /{page}", hint="the pages are listed at the top")

    return routes


def _signed_in(caller: Caller | None) -> Caller:
    if caller is None:
        raise Unauthenticated("sign in first")
    return caller
