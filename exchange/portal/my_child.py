"""Who used my child's data: the pages of a guardian."""

# annotations are read by FastAPI at run time and name things local to the router: no postponed evaluation here

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from exchange.catalogue.service import Catalogue
from exchange.errors import Forbidden, Invalid, TooMany, Unauthenticated, Unavailable
from exchange.oversight.usage import Usage
from exchange.parties.access import Access, Caller
from exchange.portal.language import chosen, translations
from exchange.portal.my_data import CHILD, CHILD_COOKIE, COOKIE, HERE, receipt_page, uses_page, with_proof
from exchange.portal.pages import Pages
from exchange.portal.problem import readable


def router(pages: Pages, access: Access, catalogue: Catalogue, usage: Usage, secure: bool) -> APIRouter:
    """Routes of the pages; the register of births decides who sees them."""
    routes = APIRouter(include_in_schema=False, route_class=readable(pages))
    Who = Annotated[Caller | None, Depends(access.caller)]

    @routes.get(CHILD)
    def child(request: Request, caller: Who, offset: Annotated[int, Query(ge=0)] = 0) -> Response:
        try:
            return uses_page(pages, catalogue, usage, request, caller, here=CHILD, offset=offset)
        except Unauthenticated:
            return RedirectResponse(HERE, status_code=303)

    @routes.post(CHILD)
    def represent(
        request: Request,
        caller: Who,
        number: Annotated[str, Form(max_length=40)],
        reference: Annotated[str, Form(max_length=64)],
    ) -> Response:
        _ = translations(chosen(request)).gettext
        try:
            proof = usage.guardians.prove(request.cookies.get(COOKIE, ""), number, reference)
            return with_proof(CHILD, CHILD_COOKIE, proof, secure)
        except Unauthenticated:
            return RedirectResponse(HERE, status_code=303)
        except (Invalid, TooMany, Unavailable, Forbidden) as error:
            failed = {
                Invalid: _("This is no citizen number: 18 characters, the last one is a check digit."),
                TooMany: _("You asked too often. Try again in an hour."),
                Unavailable: _("The register of births cannot be asked now. Try again later."),
                Forbidden: _(
                    "The register of births does not show you as guardian of a child under 18 with this number."
                ),
            }[type(error)]
        return uses_page(pages, catalogue, usage, request, caller, failed=failed)

    @routes.get("/my-data/child/receipts/{entry}")
    def receipt(request: Request, entry: int) -> Response:
        return receipt_page(usage, request.cookies.get(CHILD_COOKIE, ""), entry)

    return routes
