"""What a department does with an interface of its own in a browser: each form of its page is one route here."""

# annotations are read by FastAPI at run time and name things local to the router: no postponed evaluation here

from datetime import date, datetime
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Form, Response
from fastapi.responses import RedirectResponse

from exchange.catalogue.lifecycle import Lifecycle
from exchange.catalogue.probing import Probing
from exchange.catalogue.tidying import Tidying
from exchange.parties.access import Access, Caller
from exchange.portal.pages import CHINA, Pages, signed_in
from exchange.portal.problem import readable


def router(pages: Pages, access: Access, lifecycle: Lifecycle, probing: Probing, tidying: Tidying) -> APIRouter:
    """Routes below /catalogue/{identifier}, all of them POST; the services say who may."""
    routes = APIRouter(prefix="/catalogue/{identifier}", include_in_schema=False, route_class=readable(pages))
    Who = Annotated[Caller | None, Depends(access.caller)]

    @routes.post("/endpoint")
    def set_endpoint(caller: Who, identifier: str, url: Annotated[str, Form()]) -> Response:
        lifecycle.catalogue.set_endpoint(signed_in(caller), identifier, url)
        return back(identifier)

    @routes.post("/probes")
    def probe(caller: Who, identifier: str) -> Response:
        probing.probe(signed_in(caller), identifier)
        return back(identifier)

    @routes.post("/waiver")
    def waive(
        caller: Who, identifier: str, reason: Annotated[str, Form(max_length=2000)], days: Annotated[int, Form()]
    ) -> Response:
        probing.waive(signed_in(caller), identifier, reason, days)
        return back(identifier)

    @routes.post("/publication")
    def publish(
        caller: Who,
        identifier: str,
        version: Annotated[str, Form()],
        effective: Annotated[str, Form(pattern=r"^(\d{4}-\d\d-\d\d)?$")] = "",
    ) -> Response:
        # a day begins where the departments are
        at = datetime.combine(date.fromisoformat(effective), datetime.min.time(), CHINA) if effective else None
        lifecycle.publish(signed_in(caller), identifier, version, at)
        return back(identifier)

    @routes.post("/withdrawal")
    def withdraw(caller: Who, identifier: str, version: Annotated[str, Form()]) -> Response:
        lifecycle.withdraw(signed_in(caller), identifier, version)
        return back(identifier)

    @routes.post("/deprecation")
    def deprecate(
        caller: Who, identifier: str, retire_on: Annotated[date, Form()], reason: Annotated[str, Form(max_length=2000)]
    ) -> Response:
        lifecycle.deprecate(signed_in(caller), identifier, retire_on, reason)
        return back(identifier)

    @routes.post("/keeping")
    def keep(caller: Who, identifier: str) -> Response:
        lifecycle.keep(signed_in(caller), identifier)
        return back(identifier)

    @routes.post("/retirement")
    def retire(caller: Who, identifier: str) -> Response:
        lifecycle.retire(signed_in(caller), identifier)
        return back(identifier)

    @routes.post("/refresh")
    def refresh(caller: Who, identifier: str) -> Response:
        tidying.refreshed(signed_in(caller), identifier)
        return back(identifier)

    @routes.post("/subscription")
    def subscribe(
        caller: Who, identifier: str, consent: Annotated[str | None, Form(max_length=100)] = None
    ) -> Response:
        lifecycle.news.subscribe(signed_in(caller), identifier, consent or None)
        return back(identifier)

    @routes.post("/unsubscription")
    def unsubscribe(caller: Who, identifier: str) -> Response:
        lifecycle.news.unsubscribe(signed_in(caller), identifier)
        return back(identifier)

    return routes


def back(identifier: str) -> Response:
    """To the interface's page, after a form was sent."""
    return RedirectResponse(f"/catalogue/{quote(identifier)}", status_code=303)
