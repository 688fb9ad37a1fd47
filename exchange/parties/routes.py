"""Parties over HTTP: tokens, sessions, and the organisations with their members and clients."""

# annotations are read by FastAPI at run time and name things local to the router: no postponed evaluation here

import base64
import binascii
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from pydantic import BaseModel, Field

from exchange.errors import Invalid
from exchange.http.idempotency import idempotent
from exchange.http.paging import LIMIT, MAXIMUM, decode, page
from exchange.parties.access import COOKIE, Access, Caller, permit
from exchange.parties.model import Client, Kind, Member, Party
from exchange.parties.service import TOKEN_LASTS, Parties


class PartyIn(BaseModel):
    """Body of POST /parties."""

    id: str
    kind: Kind
    name: dict[str, str] = Field(description="zh_CN and en")
    uscc: str | None = None


class MemberIn(BaseModel):
    """Body of POST /parties/{id}/members. Without a password a fresh one is made."""

    login: str
    name: str = Field(min_length=1, max_length=100)
    roles: list[str]
    password: str | None = Field(default=None, max_length=200, repr=False)


class ClientIn(BaseModel):
    """Body of POST /parties/{id}/clients."""

    label: str = Field(min_length=1, max_length=100)
    roles: list[str]


class SignIn(BaseModel):
    """Body of POST /sessions."""

    login: str
    password: str


def router(service: Parties, access: Access) -> APIRouter:
    """Routes of parties; every one but the two sign-ins asks who is calling."""
    once = idempotent(service.database, service.clock, access.who)
    routes = APIRouter(route_class=once, tags=["parties"])
    Who = Annotated[Caller, Depends(access.required)]

    @routes.post("/oauth/token")
    def token(
        request: Request,
        response: Response,
        grant_type: Annotated[str, Form()],
        client_id: Annotated[str, Form()] = "",
        client_secret: Annotated[str, Form()] = "",
    ) -> dict[str, Any]:
        """OAuth2 client credentials (RFC 6749 §4.4): in the form, or as Basic authentication."""
        if grant_type != "client_credentials":
            raise Invalid("only client_credentials is granted", error="unsupported_grant_type")
        if not client_id:
            client_id, client_secret = _basic(request.headers.get("authorization", ""))
        made = service.token(client_id, client_secret)
        response.headers["Cache-Control"] = "no-store"
        return {"access_token": made, "token_type": "Bearer", "expires_in": int(TOKEN_LASTS.total_seconds())}

    @routes.post("/api/v1/sessions", status_code=201)
    def sign_in(request: Request, response: Response, body: SignIn) -> dict[str, str]:
        """Sign a person in: sets the cookie and gives the CSRF token for header X-CSRF-Token."""
        session = service.sign_in(body.login, body.password, request.client.host if request.client else "")
        access.remember(response, session)
        response.headers["Cache-Control"] = "no-store"
        return {"csrf_token": session.csrf, "expires_at": session.expires_at, "party": session.party}

    @routes.delete("/api/v1/sessions", status_code=204)
    def sign_out(request: Request, response: Response, _caller: Who) -> None:
        """End the session of the cookie."""
        service.sign_out(request.cookies.get(COOKIE, ""))
        access.forget(response)

    @routes.get("/api/v1/me")
    def me(caller: Who) -> dict[str, Any]:
        """Who the credential stands for."""
        return {
            "id": caller.id,
            "name": caller.name,
            "party": caller.party,
            "kind": caller.kind,
            "roles": sorted(caller.roles),
            "via": caller.via,
        }

    @routes.post("/api/v1/parties", status_code=201)
    def register(body: PartyIn, caller: Who) -> dict[str, Any]:
        """Register an organisation."""
        return _party(service.register_party(caller, body.id, body.kind, body.name, body.uscc))

    @routes.get("/api/v1/parties")
    def parties(
        request: Request,
        response: Response,
        caller: Who,
        kind: Kind | None = None,
        page_token: str | None = None,
        limit: Annotated[int, Query(ge=1, le=MAXIMUM)] = LIMIT,
    ) -> dict[str, Any]:
        """All organisations, in order of id."""
        permit(caller, "party.read")
        rows = service.parties(kind, after=decode(page_token), limit=limit + 1)
        return page(request, response, rows, limit, lambda row: row.id, _party)

    @routes.get("/api/v1/parties/{party}")
    def one(party: str, caller: Who) -> dict[str, Any]:
        """One organisation."""
        permit(caller, "party.read")
        return _party(service.party(party))

    @routes.post("/api/v1/parties/{party}/members", status_code=201)
    def add_member(party: str, body: MemberIn, response: Response, caller: Who) -> dict[str, Any]:
        """Add a person; the password is shown this once."""
        member, password = service.add_member(caller, party, body.login, body.name, body.roles, body.password)
        response.headers["Cache-Control"] = "no-store"
        return {**_member(member), "password": password}

    @routes.get("/api/v1/parties/{party}/members")
    def members(party: str, caller: Who) -> dict[str, Any]:
        """People of an organisation."""
        return {"items": [_member(member) for member in service.members(caller, party)]}

    @routes.delete("/api/v1/parties/{party}/members/{member}")
    def end_member(party: str, member: str, caller: Who) -> dict[str, Any]:
        """A person leaves; every session of theirs ends."""
        return _member(service.end_member(caller, party, member))

    @routes.post("/api/v1/parties/{party}/clients", status_code=201)
    def add_client(party: str, body: ClientIn, response: Response, caller: Who) -> dict[str, Any]:
        """Add a program; the secret is shown this once."""
        client, secret = service.add_client(caller, party, body.label, body.roles)
        response.headers["Cache-Control"] = "no-store"
        return {**_client(client), "client_id": client.id, "client_secret": secret}

    @routes.get("/api/v1/parties/{party}/clients")
    def clients(party: str, caller: Who) -> dict[str, Any]:
        """Programs of an organisation, without their secrets."""
        return {"items": [_client(client) for client in service.clients(caller, party)]}

    @routes.delete("/api/v1/parties/{party}/clients/{client}")
    def revoke(party: str, client: str, caller: Who) -> dict[str, Any]:
        """End a program's access at once."""
        return _client(service.revoke_client(caller, party, client))

    return routes


def _basic(header: str) -> tuple[str, str]:
    scheme, _, encoded = header.partition(" ")
    try:
        name, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        name, secret = "", ""
    return (name, secret) if scheme.lower() == "basic" else ("", "")


def _party(party: Party) -> dict[str, Any]:
    return {
        "id": party.id,
        "kind": party.kind,
        "name": dict(party.name),
        "uscc": party.uscc,
        "created_at": party.created_at,
    }


def _member(member: Member) -> dict[str, Any]:
    return {
        "id": member.id,
        "party": member.party,
        "login": member.login,
        "name": member.name,
        "roles": sorted(member.roles),
        "active": member.active,
        "created_at": member.created_at,
    }


def _client(client: Client) -> dict[str, Any]:
    return {
        "id": client.id,
        "party": client.party,
        "label": client.label,
        "roles": sorted(client.roles),
        "created_at": client.created_at,
        "revoked_at": client.revoked_at,
    }
