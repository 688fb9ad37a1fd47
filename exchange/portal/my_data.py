"""Who used my data: the pages of a citizen, from the proof of who they are to the list of uses."""

# annotations are read by FastAPI at run time and name things local to the router: no postponed evaluation here

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import PlainTextResponse, RedirectResponse, Response

from exchange.catalogue.service import Catalogue
from exchange.errors import Forbidden, Invalid, TooMany, Unauthenticated, Unavailable
from exchange.oversight.usage import Usage
from exchange.oversight.usage_routes import address
from exchange.parties.access import Access, Caller
from exchange.portal.language import chosen, translations
from exchange.portal.pages import Pages
from exchange.portal.problem import readable

HERE, CHILD = "/my-data", "/my-data/child"
COOKIE, CHILD_COOKIE = "tongban_proof", "tongban_child_proof"
SHOWN = 50


def router(pages: Pages, access: Access, catalogue: Catalogue, usage: Usage, secure: bool) -> APIRouter:
    """Routes of the pages. No account is needed: a person proves who they are, and nothing else is asked."""
    routes = APIRouter(include_in_schema=False, route_class=readable(pages))
    Who = Annotated[Caller | None, Depends(access.caller)]

    @routes.get(HERE)
    def uses(request: Request, caller: Who, offset: Annotated[int, Query(ge=0)] = 0) -> Response:
        try:
            return uses_page(pages, catalogue, usage, request, caller, offset=offset)
        except Unauthenticated:
            return pages.render(request, caller, "my_data.html", step="number", failed="")

    @routes.post("/my-data")
    def ask(request: Request, caller: Who, number: Annotated[str, Form(max_length=40)]) -> Response:
        _ = translations(chosen(request)).gettext
        try:
            asked = usage.identity.ask(number, address(request))
        except (Invalid, TooMany, Unavailable) as error:
            failed = {
                Invalid: _("This is no citizen number: 18 characters, the last one is a check digit."),
                TooMany: _("Too many codes were asked for. Try again in an hour."),
                Unavailable: _("Nobody can prove who they are on this system yet."),
            }[type(error)]
            status = {Invalid: 422, TooMany: 429, Unavailable: 503}[type(error)]
            return pages.render(request, caller, "my_data.html", status=status, step="number", failed=failed)
        return pages.render(request, caller, "my_data.html", step="code", challenge=asked.challenge, told=asked.told)

    @routes.post("/my-data/code")
    def prove(
        request: Request,
        caller: Who,
        challenge: Annotated[str, Form(max_length=500)],
        code: Annotated[str, Form(max_length=20)],
    ) -> Response:
        try:
            proof = usage.identity.prove(challenge, code)
        except (Forbidden, Unauthenticated):
            _ = translations(chosen(request)).gettext
            failed = _("The code is wrong or no longer good. Ask for a new one.")
            return pages.render(request, caller, "my_data.html", status=403, step="number", failed=failed)
        return with_proof(HERE, COOKIE, proof, secure)

    @routes.post("/my-data/end")
    def end(_caller: Who) -> Response:
        response = RedirectResponse(HERE, status_code=303)
        for name, path in ((COOKIE, HERE), (CHILD_COOKIE, CHILD)):
            response.delete_cookie(name, path=path, httponly=True, samesite="strict", secure=secure)
        return response

    @routes.get("/my-data/receipts/{entry}")
    def receipt(request: Request, entry: int) -> Response:
        return receipt_page(usage, request.cookies.get(COOKIE, ""), entry)

    return routes


def uses_page(
    pages: Pages,
    catalogue: Catalogue,
    usage: Usage,
    request: Request,
    caller: Caller | None,
    *,
    here: str = HERE,
    offset: int = 0,
    failed: str = "",
) -> Response:
    """The uses that the proof in a page's cookie shows. Raises `Unauthenticated`."""
    proof = request.cookies.get(COOKIE if here == HERE else CHILD_COOKIE, "")
    total, found = usage.uses(proof, offset=offset, limit=SHOWN)
    return pages.render(
        request,
        caller,
        "my_data.html",
        status=403 if failed else 200,
        step="uses",
        here=here,
        uses=found,
        total=total,
        offset=offset,
        shown=SHOWN,
        failed=failed,
        guardians=here == HERE and usage.guardians.ready(),
        titles={record.id: record.title for record in catalogue.search()},
    )


def with_proof(to: str, cookie: str, proof: str, secure: bool) -> Response:
    """On to a page, with a proof that only this page is sent."""
    response = RedirectResponse(to, status_code=303)
    response.set_cookie(cookie, proof, max_age=900, path=to, httponly=True, samesite="strict", secure=secure)
    return response


def receipt_page(usage: Usage, proof: str, entry: int) -> Response:
    """The receipt of a use, as a file."""
    made = usage.receipt(proof, entry)
    named = {"Content-Disposition": f'attachment; filename="{entry}.tlog-proof"', "Cache-Control": "no-store"}
    return PlainTextResponse(made, headers=named)
