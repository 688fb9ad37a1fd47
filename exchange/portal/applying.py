"""An application in a browser: the form, filled in by hand or from a draft, and its completion."""

# annotations are read by FastAPI at run time and name things local to the router: no postponed evaluation here

from collections.abc import Mapping
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import RedirectResponse, Response

from exchange.agreements.model import Application
from exchange.agreements.scope import names
from exchange.agreements.service import Agreements
from exchange.agreements.wish import Wish
from exchange.parties.access import Access, Caller
from exchange.portal.agreements import described
from exchange.portal.pages import Pages, signed_in
from exchange.portal.problem import readable
from specs import Kind
from specs.model import Interface


def router(pages: Pages, access: Access, agreements: Agreements) -> APIRouter:
    """Routes ``/applications/new`` and ``…/completion``; they stand before those of one application."""
    routes = APIRouter(include_in_schema=False, route_class=readable(pages))
    Who = Annotated[Caller | None, Depends(access.caller)]
    catalogue = agreements.catalogue

    @routes.get("/applications/new")
    def new(
        request: Request,
        caller: Who,
        interface: str,
        operations: Annotated[list[str] | None, Query()] = None,
        fields: Annotated[list[str] | None, Query()] = None,
        purpose: str = "",
        scenario: str = "",
    ) -> Response:
        wish = Wish(interface, tuple(operations or ()), None, tuple(fields or ()), scenario=scenario, purpose=purpose)
        return form(request, caller, wish, None)

    @routes.post("/applications/new")
    def file(caller: Who, wish: Annotated[Wish, Depends(_wish)]) -> Response:
        return _to(agreements.apply(signed_in(caller), wish))

    @routes.get("/applications/{identifier}/completion")
    def completion(request: Request, caller: Who, identifier: str) -> Response:
        found = agreements.application(signed_in(caller), identifier)
        return form(request, caller, found.wish, found)

    @routes.post("/applications/{identifier}/completion")
    def complete(caller: Who, identifier: str, wish: Annotated[Wish, Depends(_wish)]) -> Response:
        return _to(agreements.complete(signed_in(caller), identifier, wish))

    def form(request: Request, caller: Caller | None, wish: Wish, found: Application | None) -> Response:
        signed_in(caller)
        record = catalogue.interface(wish.interface)
        spec = record.spec
        api = record.kind is Kind.API
        groups = (
            [(one.id, one.summary, _choices(spec, names(spec, one))) for one in spec.operations]
            if api
            else [(one.name, one.title, [(f.name, f.title) for f in one.fields]) for one in spec.tables]
        )
        return pages.render(
            request, caller, "application_form.html", wish=wish, found=found, title=record.title, api=api,
            provider=record.department, groups=groups, modes=["service"] if api else ["bulk", "file"],
        )  # fmt: skip

    return routes


def _to(found: Application) -> Response:
    return RedirectResponse(f"/applications/{quote(found.id)}", status_code=303)


def _choices(spec: Interface, offered: tuple[str, ...]) -> list[tuple[str, Mapping[str, str]]]:
    return [(one["name"], one["title"]) for one in described(spec, offered)]


async def _wish(request: Request) -> Wish:
    given = await request.form()

    def text(name: str) -> str:
        return str(given.get(name, ""))

    days = text("duration_days")
    return Wish(
        interface=text("interface"),
        operations=tuple(str(one) for one in given.getlist("operations")),
        table=text("table") or None,
        fields=tuple(str(one) for one in given.getlist("fields")),
        legal_basis=text("legal_basis"),
        scenario=text("scenario"),
        purpose=text("purpose"),
        mode=text("mode"),
        duration_days=int(days) if days.isdecimal() and len(days) < 6 else None,
        approved_by=text("approved_by"),
    )
