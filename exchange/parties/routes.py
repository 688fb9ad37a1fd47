"""Parties over HTTP: sessions, and the organisations with their members and clients; tokens are in `oauth_routes`."""

# annotations are read by FastAPI at run time and name things local to the router: no postponed evaluation here

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from exchange.http.idempotency import idempotent
from exchange.http.paging import LIMIT, MAXIMUM, decode, page
from exchange.parties.access import Access, Caller, permit
from exchange.parties.model import Client, Kind, Member, Party, Secret
from exchange.parties.service import OVERLAP, Parties


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
    subject: str | None = Field(default=None, max_length=255, description="who they are at the outside issuer")


class MemberChange(BaseModel):
    """Body of PATCH /parties/{id}/members/{member}: what is left out stays."""

    model_config = ConfigDict(extra="forbid")
    name: str | None = Field(default=None, min_length=1, max_length=100)
    roles: list[str] | None = None
    active: bool | None = None
    subject: str | None = Field(default=None, max_length=255, description="null: not from outside any more")


class ClientIn(BaseModel):
    """Body of POST /parties/{id}/clients."""

    label: str = Field(min_length=1, max_length=100)
    roles: list[str]


class SignIn(BaseModel):
    """Body of POST /sessions."""

    login: str = Field(max_length=200)
    password: str = Field(max_length=1000, repr=False)


class PasswordIn(BaseModel):
    """Body of PUT /me/password."""

    old: str = Field(max_length=1000, repr=False)
    new: str = Field(max_length=1000, repr=False)


class KeysIn(BaseModel):
    """Body of PUT /parties/{id}/clients/{client}/keys: a JWK set of public keys."""

    keys: list[dict[str, Any]] = Field(max_length=20)


class RenewalIn(BaseModel):
    """Body of POST /signing-keys."""

    model_config = ConfigDict(extra="forbid")
    at_once: bool = Field(default=False, description="end every token signed so far, the launches of apps too")


def router(service: Parties, access: Access) -> APIRouter:
    """Routes of parties; every one but the two sign-ins asks who is calling."""
    once = idempotent(service.database, service.clock, access.who)
    routes = APIRouter(route_class=once, tags=["parties"])
    Who = Annotated[Caller, Depends(access.required)]

    @routes.post("/api/v1/sessions", status_code=201, dependencies=[Depends(access.own_page)])
    def sign_in(request: Request, response: Response, body: SignIn) -> dict[str, str]:
        """Sign a person in: sets the cookie and gives the CSRF token for header X-CSRF-Token."""
        session = service.sign_in(body.login, body.password, address(request), access.cookie_of(request))
        access.remember(response, session)
        response.headers["Cache-Control"] = "no-store"
        return {"csrf_token": session.csrf, "expires_at": session.expires_at, "party": session.party}

    @routes.delete("/api/v1/sessions", status_code=204)
    def sign_out(request: Request, response: Response, _caller: Who) -> None:
        """End the session of the cookie."""
        service.sign_out(access.cookie_of(request))
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

    @routes.put("/api/v1/me/password", status_code=204)
    def change_password(request: Request, caller: Who, body: PasswordIn) -> None:
        """A new password of one's own; every other session ends."""
        service.change_password(caller, body.old, body.new, address(request), access.cookie_of(request))

    @routes.delete("/api/v1/me/sessions", status_code=204)
    def sign_out_everywhere(response: Response, caller: Who) -> None:
        """End every session of one's own, on all machines."""
        service.sign_out_everywhere(caller)
        access.forget(response)

    @routes.post("/api/v1/signing-keys", status_code=201)
    def renew_keys(caller: Who, body: RenewalIn | None = None) -> dict[str, Any]:
        """A new key signs tokens; the one before verifies them until they have expired, or ends at once."""
        at_once = body is not None and body.at_once
        name = service.renew_keys(caller, at_once)
        return {"kid": name, "at_once": at_once, "overlap_seconds": 0 if at_once else int(OVERLAP.total_seconds())}

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

    @routes.put("/api/v1/parties/{party}/suspension")
    def suspend(party: str, caller: Who) -> dict[str, Any]:
        """Nobody acts for an organisation any more: sessions, tokens and its apps' launches are refused at once."""
        return _party(service.suspend_party(caller, party))

    @routes.delete("/api/v1/parties/{party}/suspension")
    def resume(party: str, caller: Who) -> dict[str, Any]:
        """A suspended organisation acts again, with the credentials it had."""
        return _party(service.resume_party(caller, party))

    _members(routes, service, access)
    _clients(routes, service, access)
    return routes


def _members(routes: APIRouter, service: Parties, access: Access) -> None:
    Who = Annotated[Caller, Depends(access.required)]

    @routes.post("/api/v1/parties/{party}/members", status_code=201)
    def add_member(party: str, body: MemberIn, response: Response, caller: Who) -> dict[str, Any]:
        """Add a person; the password is shown this once."""
        member, password = service.add_member(
            caller, party, body.login, body.name, body.roles, body.password, body.subject
        )
        response.headers["Cache-Control"] = "no-store"
        return {**_member(member), "password": password}

    @routes.get("/api/v1/parties/{party}/members")
    def members(party: str, caller: Who) -> dict[str, Any]:
        """People of an organisation."""
        return {"items": [_member(member) for member in service.members(caller, party)]}

    @routes.patch("/api/v1/parties/{party}/members/{member}")
    def change_member(party: str, member: str, body: MemberChange, caller: Who) -> dict[str, Any]:
        """Change name, roles, activity or outside name; what is left out stays. It counts from the next request."""
        given = {name: getattr(body, name) for name in body.model_fields_set}
        return _member(service.change_member(caller, party, member, **given))

    @routes.post("/api/v1/parties/{party}/members/{member}/password", status_code=201)
    def reset_password(party: str, member: str, response: Response, caller: Who) -> dict[str, Any]:
        """A fresh password for a person who lost theirs, shown this once; every session of theirs ends."""
        found, password = service.reset_password(caller, party, member)
        response.headers["Cache-Control"] = "no-store"
        return {**_member(found), "password": password}

    @routes.delete("/api/v1/parties/{party}/members/{member}")
    def end_member(party: str, member: str, caller: Who) -> dict[str, Any]:
        """A person leaves; every session of theirs ends."""
        return _member(service.end_member(caller, party, member))


def _clients(routes: APIRouter, service: Parties, access: Access) -> None:
    Who = Annotated[Caller, Depends(access.required)]

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

    @routes.post("/api/v1/parties/{party}/clients/{client}/secrets", status_code=201)
    def add_secret(party: str, client: str, response: Response, caller: Who) -> dict[str, Any]:
        """A second secret beside the one in use, shown this once; both work until one is dropped."""
        made, secret = service.add_secret(caller, party, client)
        response.headers["Cache-Control"] = "no-store"
        return {**_secret(made), "client_secret": secret}

    @routes.get("/api/v1/parties/{party}/clients/{client}/secrets")
    def secrets(party: str, client: str, caller: Who) -> dict[str, Any]:
        """The secrets a program has, by name and age."""
        return {"items": [_secret(secret) for secret in service.secrets(caller, party, client)]}

    @routes.delete("/api/v1/parties/{party}/clients/{client}/secrets/{secret}", status_code=204)
    def drop_secret(party: str, client: str, secret: str, caller: Who) -> None:
        """A secret stops working."""
        service.drop_secret(caller, party, client, secret)

    @routes.put("/api/v1/parties/{party}/clients/{client}/keys")
    def set_keys(party: str, client: str, body: KeysIn, caller: Who) -> dict[str, Any]:
        """Public keys (JWK set) the program signs assertions with instead of showing a secret."""
        return _client(service.set_keys(caller, party, client, body.keys))


def address(request: Request) -> str:
    """Where a request came from, for counting failed sign-ins."""
    return request.client.host if request.client else ""


def _party(party: Party) -> dict[str, Any]:
    return {
        "id": party.id,
        "kind": party.kind,
        "name": dict(party.name),
        "uscc": party.uscc,
        "created_at": party.created_at,
        "suspended_at": party.suspended_at,
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
        "subject": member.subject,
    }


def _client(client: Client) -> dict[str, Any]:
    return {
        "id": client.id,
        "party": client.party,
        "label": client.label,
        "roles": sorted(client.roles),
        "created_at": client.created_at,
        "revoked_at": client.revoked_at,
        "keys": [dict(key) for key in client.keys],
    }


def _secret(secret: Secret) -> dict[str, Any]:
    return {"id": secret.id, "created_at": secret.created_at}
