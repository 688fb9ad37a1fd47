"""Who watches the ledger from outside: which witness cosigned which checkpoint, when, and how to run one."""

# annotations are read by FastAPI at run time and name things local to the router: no postponed evaluation here

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from exchange.ledger.cosigning import Cosigning
from exchange.parties.access import Access, Caller, may
from exchange.portal import paging
from exchange.portal.pages import Pages
from exchange.portal.problem import readable


def router(pages: Pages, access: Access, cosigning: Cosigning, base_url: str) -> APIRouter:
    """The page is for everybody, as checkpoints are: both hold hashes only. Why a witness is silent is not."""
    routes = APIRouter(include_in_schema=False, route_class=readable(pages))
    Who = Annotated[Caller | None, Depends(access.caller)]
    ledger = cosigning.ledger

    @routes.get("/ledger/witnesses")
    def witnesses(request: Request, caller: Who, page: paging.Number = 1) -> Response:
        given, total = cosigning.given(paging.SIZE, paging.start(page))
        return pages.render(
            request,
            caller,
            "witnesses.html",
            witnesses=cosigning.standings(),
            given=paging.Page(given, page, total),
            size=ledger.size(),
            vkey=ledger.vkey,
            base_url=base_url,
            may_read=may(caller, "ledger.read"),
        )

    return routes
