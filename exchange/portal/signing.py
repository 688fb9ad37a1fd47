"""Signing in and out in a browser, by password or through an outside issuer, and a person's own account."""

# annotations are read by FastAPI at run time and name things local to the router: no postponed evaluation here

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from exchange.errors import NotFound, TongbanError, TooMany, Unauthenticated, Unavailable, Unprocessable, Upstream
from exchange.http.problems import STATUS
from exchange.parties.access import Access, Caller
from exchange.parties.model import LONGEST_PASSWORD, SHORTEST_PASSWORD, Session
from exchange.parties.oidc import STATE_LASTS, Outside
from exchange.parties.routes import address
from exchange.parties.service import Parties
from exchange.portal.language import chosen, translations
from exchange.portal.pages import Pages, signed_in
from exchange.portal.problem import readable

STATE = "tongban_outside"
"""Cookie of a sign-in that is under way at the outside issuer."""
OUTSIDE = "/sign-in/outside"


def router(pages: Pages, access: Access, parties: Parties, outside: Outside | None, *, secure: bool) -> APIRouter:
    """Routes of signing in; ``outside`` only where the operator named an issuer."""
    routes = APIRouter(include_in_schema=False, route_class=readable(pages))
    Who = Annotated[Caller | None, Depends(access.caller)]

    def page(request: Request, caller: Caller | None, then: str, failed: str = "", status: int = 200) -> Response:
        context: dict[str, Any] = {"next": then, "failed": failed, "outside": OUTSIDE if outside else ""}
        return pages.render(request, caller, "sign_in.html", status=status, **context)

    def welcome(session: Session, then: str) -> Response:
        response = RedirectResponse(then, status_code=303)
        access.remember(response, session)
        return response

    @routes.get("/sign-in")
    def sign_in_page(request: Request, caller: Who, next: str = "/") -> Response:
        return page(request, caller, _local(next))

    @routes.post("/sign-in", dependencies=[Depends(access.own_page)])
    def sign_in(
        request: Request,
        login: Annotated[str, Form(max_length=200)],
        password: Annotated[str, Form(max_length=1000)],
        next: Annotated[str, Form(max_length=2000)] = "/",
    ) -> Response:
        try:
            # whatever session the browser came with ends: nobody can have laid it there
            session = parties.sign_in(login, password, address(request), access.cookie_of(request))
        except (Unauthenticated, TooMany, Unavailable) as error:
            return page(request, None, _local(next), _failed(request, error), STATUS[type(error)])
        return welcome(session, _local(next))

    @routes.get(OUTSIDE)
    def begin(next: str = "/") -> Response:
        if outside is None:
            raise NotFound("people sign in by password here", hint="see /sign-in")
        begun = outside.begin(_local(next))
        response = RedirectResponse(begun.url, status_code=303, headers={"Cache-Control": "no-store"})
        lasts = int(STATE_LASTS.total_seconds())
        flags: dict[str, Any] = {"httponly": True, "samesite": "lax", "secure": secure, "path": OUTSIDE}
        response.set_cookie(STATE, begun.cookie, max_age=lasts, **flags)
        return response

    @routes.get(f"{OUTSIDE}/back")
    def back(request: Request) -> Response:
        if outside is None:
            raise NotFound("people sign in by password here", hint="see /sign-in")
        try:
            ended = outside.end(dict(request.query_params), request.cookies.get(STATE, ""))
            session = parties.sign_in_as(ended.subject, access.cookie_of(request), ended.once)
            response = welcome(session, _local(ended.then))
        except (Unauthenticated, Upstream) as error:
            response = page(request, None, "/", _failed(request, error, outside=True), STATUS[type(error)])
        response.delete_cookie(STATE, path=OUTSIDE, httponly=True, samesite="lax", secure=secure)
        return response

    @routes.post("/sign-out")
    def sign_out(request: Request, _caller: Who) -> Response:
        parties.sign_out(access.cookie_of(request))
        return _bye(access)

    _own(routes, pages, access, parties)
    return routes


def _own(routes: APIRouter, pages: Pages, access: Access, parties: Parties) -> None:
    """A person's own account."""
    Who = Annotated[Caller | None, Depends(access.caller)]

    @routes.get("/account")
    def account(request: Request, caller: Who) -> Response:
        return _account(pages, request, signed_in(caller))

    @routes.post("/account/password")
    def change_password(
        request: Request,
        caller: Who,
        old: Annotated[str, Form(max_length=1000)],
        new: Annotated[str, Form(max_length=1000)],
        again: Annotated[str, Form(max_length=1000)],
    ) -> Response:
        _ = translations(chosen(request)).gettext
        who = signed_in(caller)
        if new != again:
            return _account(pages, request, who, _("The new password was not typed the same way twice."), 422)
        try:
            parties.change_password(who, old, new, address(request), access.cookie_of(request))
        except (Unauthenticated, Unprocessable, TooMany, Unavailable) as error:
            words = {
                Unauthenticated: _("The present password is wrong."),
                Unprocessable: _("That password is too short or too easy to guess. A sentence is easiest."),
            }
            said = words.get(type(error)) or _failed(request, error)
            return _account(
                pages, request, who, said, 422 if isinstance(error, Unauthenticated) else STATUS[type(error)]
            )
        return _account(pages, request, who, done=True)

    @routes.post("/account/sessions")
    def sign_out_everywhere(caller: Who) -> Response:
        parties.sign_out_everywhere(signed_in(caller))
        return _bye(access)


def _account(
    pages: Pages, request: Request, who: Caller, failed: str = "", status: int = 200, *, done: bool = False
) -> Response:
    lengths = {"shortest": SHORTEST_PASSWORD, "longest": LONGEST_PASSWORD}
    return pages.render(request, who, "account.html", status=status, failed=failed, done=done, **lengths)


def _bye(access: Access) -> Response:
    response = RedirectResponse("/", status_code=303)
    access.forget(response)
    return response


def _failed(request: Request, error: TongbanError, *, outside: bool = False) -> str:
    """Why nobody was signed in, in the reader's language."""
    _ = translations(chosen(request)).gettext
    if isinstance(error, TooMany):
        minutes = -(-int(error.extra.get("retry_after", 60)) // 60)
        return _("Too many failed attempts. Try again in %(minutes)d minutes.") % {"minutes": minutes}
    if isinstance(error, Unavailable | Upstream):
        return _("Signing in does not work at this moment. Try again a little later.")
    if outside:
        return _("You could not be signed in that way. Your party's administrator can enter how you are known there.")
    return _("The name or the password is wrong. Your party's administrator can give you a new one.")


def _local(target: str) -> str:
    # only a path of our own: an address given by somebody else must not become a redirect
    plain = target.startswith("/") and not target.startswith(("//", "/\\")) and target.isprintable()
    return target if plain else "/"
