"""Bulk sharing under one agreement: its tables, the tokens of its recipients, and the files that left."""

# annotations are read by FastAPI at run time and name things local to the router: no postponed evaluation here

import base64
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from exchange.agreements.service import LIVE
from exchange.brokering.service import Broker
from exchange.bulk import delta
from exchange.bulk.model import BULK_MODES, schema_name
from exchange.bulk.service import Bulk
from exchange.clock import stamp
from exchange.parties.access import Access, Caller, may
from exchange.portal import conditions, paging
from exchange.portal.agreements import called
from exchange.portal.language import chosen
from exchange.portal.pages import Pages, signed_in
from exchange.portal.problem import readable

DELIVERIES = 50
"""Files that left, the newest ones."""


def router(pages: Pages, access: Access, bulk: Bulk, broker: Broker, base_url: str) -> APIRouter:
    """Routes below ``/agreements/{identifier}/shares``; they stand before those of an agreement's other moves."""
    routes = APIRouter(prefix="/agreements/{identifier}/shares", include_in_schema=False, route_class=readable(pages))
    Who = Annotated[Caller | None, Depends(access.caller)]
    agreements = bulk.desk.agreements

    @routes.get("")
    def listed(request: Request, caller: Who, identifier: str, page: paging.Number = 1) -> Response:
        who = signed_in(caller)
        found = agreements.agreement(who, identifier)
        if found.mode not in BULK_MODES:
            return RedirectResponse(f"/agreements/{quote(identifier)}", status_code=303)
        record = agreements.catalogue.interface(found.interface)
        now, code = agreements.clock(), chosen(request)
        moved = {row.delivery: row for row in bulk.flows(who, identifier)}
        live = found.state_at(now) in LIVE
        return pages.render(
            request,
            caller,
            "shares.html",
            g=found,
            live=live,
            title=record.title,
            schema=schema_name(found.interface),
            tables=bulk.tables(who, identifier),
            told=conditions.told(found.terms, called(record.spec, code), code, bulk=True),
            shares=paging.cut(bulk.shares.listed(who, identifier)[::-1], page),
            now=stamp(now),
            delivered=[
                (one, moved.get(one.id)) for one in broker.deliveries(who, agreement=identifier, limit=DELIVERIES)
            ],
            endpoint=f"{base_url}/delta-sharing",
            may_issue=live and may(who, "exchange.call", owner=found.consumer) and who.party == found.consumer,
            may_revoke=who.party in (found.consumer, found.provider) and may(who, "agreement.terminate"),
        )

    @routes.post("")
    def issue(
        request: Request, caller: Who, identifier: str, purpose: Annotated[str, Form(max_length=2000)] = ""
    ) -> Response:
        share, secret = bulk.shares.issue(signed_in(caller), identifier, purpose)
        profile = delta.line(delta.profile(f"{base_url}/delta-sharing", secret, share.expires_at))
        inside = base64.b64encode(profile.encode()).decode()
        return pages.render(
            request, caller, "share_token.html", status=201, share=share, profile=profile, inside=inside
        )

    @routes.post("/{share}/revocation")
    def revoke(caller: Who, identifier: str, share: str) -> Response:
        bulk.shares.revoke(signed_in(caller), share)
        return RedirectResponse(f"/agreements/{quote(identifier)}/shares", status_code=303)

    return routes
