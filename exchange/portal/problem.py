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
from exchange.http.problems import STATUS
from exchange.parties.access import COOKIE
from exchange.portal.language import chosen, translations
from exchange.portal.pages import Pages


def readable(pages: Pages) -> type[APIRoute]:
    """Route class for ``APIRouter(route_class=…)``: errors become pages where the request accepts ``text/html``.

    Not signed in leads to the sign-in page and back. Every other request gets what `exchange.http.problems` answers.
    """

    class ReadableRoute(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handle = super().get_route_handler()

            async def shown(request: Request) -> Response:
                try:
                    return await handle(request)
                except (TongbanError, RequestValidationError) as error:
                    if "text/html" not in request.headers.get("accept", ""):
                        raise
                    if isinstance(error, Unauthenticated):
                        return _to_sign_in(request)
                    return await run_in_threadpool(_page, pages, request, error)

            return shown

    return ReadableRoute


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


def _page(pages: Pages, request: Request, error: TongbanError | RequestValidationError) -> Response:
    _ = translations(chosen(request)).gettext
    words = {
        400: (_("This request cannot be understood"), _("Go back and try again.")),
        403: (_("A rule does not allow this"), _("Your role or your party may not do this.")),
        404: (_("There is no such page"), _("It does not exist, or it is not for you to see.")),
        409: (_("Not possible in the present state"), _("Somebody may have been faster: open the page again.")),
        412: (_("Changed meanwhile"), _("Open the page again to see what changed.")),
        422: (_("Something in the form is not right"), _("Go back, correct it and send it again.")),
        429: (_("Too many attempts"), _("Wait a little before you try again.")),
        502: (_("A department's system failed"), _("Nothing is lost. Try again later.")),
        503: (_("Not available now"), _("Try again later.")),
    }
    hint, rule = "", ""
    if isinstance(error, TongbanError):
        status = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
        detail, hint, rule = error.detail, error.hint, str(error.extra.get("rule", ""))
    else:
        # the value itself stays out of the page: it may be somebody's data
        status, first = 422, error.errors()[0]
        detail = f"{'/'.join(map(str, first['loc'][1:]))}: {first['msg']}"
    title, advice = words[status]
    token = request.cookies.get(COOKIE)
    return pages.render(
        request,
        pages.access.session(token) if token else None,
        "problem.html",
        status=status,
        title=title,
        advice=advice,
        detail=detail,
        hint=hint,
        rule=rule,
    )
