"""Who used my data, over HTTP: for the person, as findUsage 2.1.0, and the rules for the authority."""

# annotations are read by FastAPI at run time and name things local to the router: no postponed evaluation here

from collections.abc import Callable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel, ConfigDict, Field

from exchange.errors import Unauthenticated
from exchange.oversight.usage import Usage
from exchange.parties.access import Access, Caller

Named = Callable[[str], str]


class NumberIn(BaseModel):
    """Body of POST /usage/codes. The number stands in the body, never in an address."""

    model_config = ConfigDict(extra="forbid")
    number: str = Field(max_length=40, repr=False)


class CodeIn(BaseModel):
    """Body of POST /usage/proofs."""

    model_config = ConfigDict(extra="forbid")
    challenge: str = Field(max_length=500, repr=False)
    code: str = Field(max_length=20, repr=False)


class ChildIn(BaseModel):
    """Body of POST /usage/representations."""

    model_config = ConfigDict(extra="forbid")
    number: str = Field(max_length=40, repr=False)
    reference: str = Field(max_length=64, repr=False)


class RuleIn(BaseModel):
    """Body of POST /usage/rules."""

    model_config = ConfigDict(extra="forbid")
    action: Literal["show", "delay", "hide"]
    purpose: str = Field("", max_length=500)
    law: str = Field("", max_length=500)
    interface: str = Field("", max_length=200)
    consumer: str = Field("", max_length=200)
    viewer: Literal["", "subject", "mentioned", "guardian"] = ""
    delay_days: int = Field(0, ge=0)
    basis: str = Field("", max_length=500)
    review_on: str = Field(max_length=10)


def address(request: Request) -> str:
    """Where a request came from, for limits only."""
    return request.client.host if request.client else ""


def router(usage: Usage, access: Access, name: Named) -> APIRouter:
    """Routes of disclosure; ``name`` gives a party's name in Chinese."""
    routes = APIRouter(tags=["usage"])
    Who = Annotated[Caller, Depends(access.required)]

    @routes.post("/api/v1/usage/codes", status_code=201)
    def ask(request: Request, body: NumberIn) -> dict[str, Any]:
        """Have a code sent to the person a citizen number belongs to. The answer is the same for every number."""
        asked = usage.identity.ask(body.number, address(request))
        told = {"told": asked.told} if asked.told else {}
        return {"challenge": asked.challenge, "expires_at": asked.expires_at, **told}

    @routes.post("/api/v1/usage/proofs", status_code=201)
    def prove(body: CodeIn) -> dict[str, Any]:
        """Exchange the code for a proof, a bearer token good for 15 minutes."""
        return {"proof": usage.identity.prove(body.challenge, body.code), "token_type": "Bearer", "expires_in": 900}

    @routes.post("/api/v1/usage/representations", status_code=201)
    def represent(body: ChildIn, authorization: Annotated[str, Header()] = "") -> dict[str, Any]:
        """Exchange a proof of one's own for one that speaks for a child under 18 whose guardian one is: the register
        of births is asked, by the number of the registration (``reference``).
        """
        proof = usage.guardians.prove(_proof(authorization), body.number, body.reference)
        return {"proof": proof, "token_type": "Bearer"}

    @routes.get("/api/v1/usage")
    def uses(
        authorization: Annotated[str, Header()] = "",
        since: str = "",
        until: str = "",
        offset: Annotated[int, Query(ge=0)] = 0,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> dict[str, Any]:
        """Who used my data: receiver, purpose, law, field names, and the ledger entry that proves it."""
        total, page = usage.uses(_proof(authorization), since=since, until=until, offset=offset, limit=limit)
        return {"total": total, "items": [use.to_dict() for use in page]}

    @routes.get("/api/v1/usage/receipts/{entry}")
    def receipt(entry: int, authorization: Annotated[str, Header()] = "") -> Response:
        """Proof that a use of my data is in the ledger (C2SP tlog-proof)."""
        return PlainTextResponse(usage.receipt(_proof(authorization), entry), media_type="text/plain; charset=utf-8")

    @routes.get("/findusage/v2/findUsage")
    def find_usage(
        userCode: Annotated[str, Query(max_length=40)],
        x_road_userid: Annotated[str, Header(max_length=40)],
        authorization: Annotated[str, Header()] = "",
        periodStart: str = "",
        periodEnd: str = "",
        offset: Annotated[int, Query(ge=0)] = 0,
        limit: Annotated[int, Query(ge=1, le=1000)] = 1000,
    ) -> dict[str, Any]:
        """The same in the shape of Estonia's Data Tracker (findUsage 2.1.0). Asking about others is refused."""
        proof = _proof(authorization)
        return usage.find_usage(proof, x_road_userid, userCode, periodStart, periodEnd, offset, limit, name)

    @routes.get("/findusage/v2/usagePeriod")
    def usage_period() -> dict[str, Any]:
        """From when on uses are known; the end is now."""
        return {"periodStart": usage.since()}

    @routes.get("/findusage/v2/heartbeat")
    def heartbeat() -> dict[str, Any]:
        """Whether uses can be asked for."""
        return {"status": "OK"}

    @routes.get("/api/v1/usage/rules")
    def rules(caller: Who, in_force: bool = True) -> dict[str, Any]:
        """Rules of disclosure."""
        return {"items": [rule.to_dict() for rule in usage.rules(caller, in_force=in_force)]}

    @routes.get("/api/v1/usage/hidden")
    def hidden(caller: Who) -> dict[str, Any]:
        """Rules with the number of calls each keeps from the persons concerned."""
        return {"items": usage.hidden(caller)}

    @routes.post("/api/v1/usage/rules", status_code=201)
    def set_rule(caller: Who, body: RuleIn) -> dict[str, Any]:
        """Show, delay or hide the uses of a purpose, law, interface or consumer; on a stated legal basis."""
        about = {"purpose": body.purpose, "law": body.law, "interface": body.interface, "consumer": body.consumer}
        more = {"delay_days": body.delay_days, "basis": body.basis, "review_on": body.review_on}
        more["viewer"] = body.viewer
        return usage.set_rule(caller, body.action, about, **more).to_dict()

    @routes.delete("/api/v1/usage/rules/{id}", status_code=204)
    def end_rule(caller: Who, id: str) -> None:
        """A rule holds no more; what it kept back is shown."""
        usage.end_rule(caller, id)

    return routes


def _proof(authorization: str) -> str:
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated("prove who you are first", hint="POST /api/v1/usage/codes, then /api/v1/usage/proofs")
    return token.strip()
