"""Organisations in the portal: their people and programs, and for the operator the list of all of them."""

# annotations are read by FastAPI at run time and name things local to the router: no postponed evaluation here

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from exchange.errors import Invalid
from exchange.parties.access import Access, Caller, may
from exchange.parties.model import ROLES, SECRETS, Kind
from exchange.parties.service import Parties
from exchange.portal import paging
from exchange.portal.pages import Pages, signed_in
from exchange.portal.problem import readable

Text = Annotated[str, Form(max_length=200)]


def router(pages: Pages, access: Access, parties: Parties, *, outside: bool) -> APIRouter:
    """Routes under /organisations; ``outside``: people may sign in through an issuer and have a name there."""
    routes = APIRouter(prefix="/organisations", include_in_schema=False, route_class=readable(pages))
    Who = Annotated[Caller | None, Depends(access.caller)]

    @routes.get("")
    def listed(request: Request, caller: Who, page: paging.Number = 1) -> Response:
        found = paging.cut(parties.parties(), page)
        return pages.render(request, caller, "organisations.html", found=found, kinds=list(Kind))

    @routes.post("")
    def register(
        caller: Who, id: Text, kind: Text, zh_CN: Text, en: Text, uscc: Annotated[str, Form(max_length=18)] = ""
    ) -> Response:
        party = parties.register_party(caller, id.strip(), kind, {"zh_CN": zh_CN, "en": en}, uscc.strip() or None)
        return _back(party.id)

    @routes.post("/keys")
    def renew_keys(caller: Who, at_once: Annotated[str, Form(max_length=5)] = "") -> Response:
        parties.renew_keys(caller, at_once == "true")
        return RedirectResponse("/organisations#keys", status_code=303)

    @routes.get("/{party}")
    def one(request: Request, caller: Who, party: str) -> Response:
        who, found = signed_in(caller), parties.party(party)
        # asked before anything is shown: another party's page is refused, not empty
        clients = parties.clients(who, party)
        staff = may(who, "party.member", owner=party)
        # whoever is no admin manages programs with roles of their own only
        mine = [c for c in clients if "admin" in who.roles or c.roles <= who.roles]
        context: dict[str, Any] = {
            "found": found,
            "clients": clients,
            "secrets": {c.id: parties.secrets(who, party, c.id) for c in mine if c.revoked_at is None},
            "members": parties.members(who, party) if staff else [],
            "staff": staff,
            "roles": sorted(ROLES[found.kind]),
            "may_suspend": may(who, "party.suspend", owner=party) and party != who.party,
            "most": SECRETS,
            "outside": outside,
        }
        return pages.render(request, caller, "organisation.html", **context)

    @routes.post("/{party}/suspension")
    def suspend(caller: Who, party: str, do: Text) -> Response:
        {"suspend": parties.suspend_party, "resume": parties.resume_party}.get(do, _unknown)(caller, party)
        return _back(party)

    @routes.post("/{party}/members")
    def add_member(
        request: Request,
        caller: Who,
        party: str,
        login: Text,
        name: Text,
        roles: Annotated[list[str], Form()],
        subject: Annotated[str, Form(max_length=255)] = "",
    ) -> Response:
        member, password = parties.add_member(caller, party, login, name, roles, subject=subject.strip() or None)
        return _shown(pages, request, caller, party, member.login, password, "password")

    @routes.post("/{party}/members/{member}")
    def change_member(
        request: Request,
        caller: Who,
        party: str,
        member: str,
        do: Text,
        roles: Annotated[list[str] | None, Form()] = None,
        subject: Annotated[str, Form(max_length=255)] = "",
    ) -> Response:
        if do == "password":
            found, password = parties.reset_password(caller, party, member)
            return _shown(pages, request, caller, party, found.login, password, "password")
        if do == "roles":
            given: dict[str, Any] = {"subject": subject.strip() or None} if outside else {}
            parties.change_member(caller, party, member, roles=roles or [], **given)
        elif do in {"end", "return"}:
            parties.change_member(caller, party, member, active=do == "return")
        else:
            _unknown()
        return _back(party, "people")

    @routes.post("/{party}/clients")
    def add_client(
        request: Request, caller: Who, party: str, label: Text, roles: Annotated[list[str], Form()]
    ) -> Response:
        client, secret = parties.add_client(caller, party, label, roles)
        return _shown(pages, request, caller, party, client.id, secret, "secret")

    @routes.post("/{party}/clients/{client}")
    def change_client(request: Request, caller: Who, party: str, client: str, do: Text, secret: Text = "") -> Response:
        if do == "secret":
            _made, text = parties.add_secret(caller, party, client)
            return _shown(pages, request, caller, party, client, text, "secret")
        if do == "drop":
            parties.drop_secret(caller, party, client, secret)
        elif do == "revoke":
            parties.revoke_client(caller, party, client)
        else:
            _unknown()
        return _back(party, "programs")

    return routes


def _shown(
    pages: Pages, request: Request, caller: Caller | None, party: str, name: str, secret: str, what: str
) -> Response:
    context = {"of": party, "name": name, "secret": secret, "what": what}
    return pages.render(request, caller, "organisation_secret.html", status=201, **context)


def _back(party: str, part: str = "") -> Response:
    return RedirectResponse(f"/organisations/{quote(party)}{'#' if part else ''}{part}", status_code=303)


def _unknown(*_given: object) -> None:
    raise Invalid("the form asks for nothing known", hint="open the page again")
