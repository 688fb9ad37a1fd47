"""Errors as pages: a person in a browser reads a page, a program keeps its RFC 9457 problem."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import quote, urlsplit

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse, Response
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool

from exchange.errors import TongbanError, Unauthenticated
from exchange.http.problems import STATUS, problem
from exchange.parties.access import SAFE
from exchange.portal.language import chosen, translations
from exchange.portal.pages import Pages
from exchange.portal.telling import chinese, refused_input, said_of
from specs.finding import SpecError

SHOWN = 10
"""Changes or findings named one by one on the page of an error."""


def readable(pages: Pages) -> type[APIRoute]:
    """Route class for ``APIRouter(route_class=…)``: errors become pages where the request accepts ``text/html``.

    Not signed in leads to the sign-in page and back. Every other request gets what `exchange.http.problems` answers.
    """

    class ReadableRoute(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handle = super().get_route_handler()

            async def shown(request: Request) -> Response:
                wants_page = "text/html" in request.headers.get("accept", "")
                if request.method not in SAFE and _too_large(request):
                    if not wants_page:
                        return problem(413, TOO_LARGE)
                    return await run_in_threadpool(_page, pages, request, None)
                try:
                    return await handle(request)
                except (TongbanError, RequestValidationError, SpecError) as error:
                    if not wants_page:
                        raise
                    if isinstance(error, Unauthenticated):
                        return _to_sign_in(request)
                    return await run_in_threadpool(_page, pages, request, error)

            return shown

    return ReadableRoute


LARGEST = 8 * 1024 * 1024
"""Bytes of a form: the largest document (5 MiB) in base64, and what goes with it."""
UNREGISTERED = "the document cannot be registered"
TOO_LARGE = f"a form has at most {LARGEST} bytes, and says how many"


def _too_large(request: Request) -> bool:
    # looked at before the body is read; every browser states it
    length = request.headers.get("content-length", "")
    return int(length) > LARGEST if length.isdigit() else "transfer-encoding" in request.headers


def _to_sign_in(request: Request) -> Response:
    target = f"/sign-in?next={quote(_back(request), safe='/')}"
    if "hx-request" in request.headers:
        # a redirect would be followed inside the page; this makes the browser itself go there
        return Response(status_code=204, headers={"HX-Redirect": target})
    return RedirectResponse(target, status_code=303)


def _back(request: Request) -> str:
    if request.method == "GET" and "hx-request" not in request.headers:
        return request.url.path + (f"?{request.url.query}" if request.url.query else "")
    # what a form sends cannot be sent again by a link: back to the page that held the form
    came = urlsplit(request.headers.get("referer", ""))
    return came.path if came.path and came.netloc == request.url.netloc else "/"


def _page(pages: Pages, request: Request, error: TongbanError | RequestValidationError | SpecError | None) -> Response:
    _ = translations(chosen(request)).gettext
    words = {
        400: (_("This request cannot be understood"), _("Go back and try again.")),
        403: (_("A rule does not allow this"), _("Your role or your party may not do this.")),
        404: (_("There is no such page"), _("It does not exist, or it is not for you to see.")),
        409: (_("Not possible in the present state"), _("Somebody may have been faster: open the page again.")),
        412: (_("Changed meanwhile"), _("Open the page again to see what changed.")),
        413: (_("The file is too large"), _("A document has at most 5 MiB: split it.")),
        422: (_("Something in the form is not right"), _("Go back, correct it and send it again.")),
        429: (_("Too many attempts"), _("Wait a little before you try again.")),
        502: (_("A department's system failed"), _("Nothing is lost. Try again later.")),
        503: (_("Not available now"), _("Try again later.")),
    }
    steps = {
        "interface.probe": _("See whether the service works, or write a waiver; both are on the interface's page."),
        "interface.notice": _("Publish it from a later day on, or ask those it breaks for their consent."),
        "interface.version": _("Raise the version in the document as far as its changes need, then check it again."),
        "endpoint.address": _("Give the public address of the service, without credentials or query."),
        "access.csrf": _("Open the page again and send the form once more."),
    }
    code = chosen(request)
    hint, rule, more, said = "", "", list[str](), ""
    if error is None:
        status, detail = 413, TOO_LARGE
    elif isinstance(error, SpecError):
        status, detail, more = 422, UNREGISTERED, [str(one) for one in error.findings[:SHOWN]]
    elif isinstance(error, TongbanError):
        status = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
        detail, hint, rule = error.detail, error.hint, str(error.extra.get("rule", ""))
        said = said_of(error, code)
        more = [str(change["message"]) for change in error.extra.get("breaking", ())][:SHOWN]
    else:
        status = 422
        detail = said = refused_input(error.errors()[0], code)
    title, advice = words[status]
    token = pages.access.cookie_of(request)
    return pages.render(
        request,
        pages.access.session(token) if token else None,
        "problem.html",
        status=status,
        title=title,
        advice=steps.get(rule, advice),
        back=_back(request),
        more=more,
        said=said or (detail if code == "en" else chinese(detail)) or detail,
        detail=detail,
        hint=hint,
        rule=rule,
    )
