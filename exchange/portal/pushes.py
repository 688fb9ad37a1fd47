"""Push subscriptions in a browser: what waits, what was delivered, dead letters and their replay, and a new one."""

# annotations are read by FastAPI at run time and name things local to the router: no postponed evaluation here

import json
from dataclasses import replace
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from exchange.agreements.wish import Mode
from exchange.errors import Forbidden, NotFound, Unprocessable
from exchange.parties.access import Access, Caller, may
from exchange.portal import paging
from exchange.portal.language import chosen
from exchange.portal.pages import Pages, signed_in
from exchange.portal.problem import readable
from exchange.portal.telling import said_of
from exchange.portal.terms import terms
from exchange.pushing.model import Call, Fate, State, Subscription
from exchange.pushing.service import Pushing
from exchange.pushing.wishes import Wish

Short = Annotated[str, Form(max_length=200)]


def router(pages: Pages, access: Access, pushing: Pushing) -> APIRouter:
    """Routes below /pushes; the service says who may."""
    routes = APIRouter(prefix="/pushes", include_in_schema=False, route_class=readable(pages))
    Who = Annotated[Caller | None, Depends(access.caller)]
    agreements = pushing.passing.agreements

    @routes.get("")
    def listed(
        request: Request, caller: Who, page: paging.Number = 1, agreement: Annotated[str, Query(max_length=60)] = ""
    ) -> Response:
        who = signed_in(caller)
        every = [one for one in reversed(pushing.listed(who)) if agreement in ("", one.agreement)]
        # those that still run come first
        shown = paging.cut(sorted(every, key=lambda one: one.state is State.ENDED), page)
        under = agreements.agreement(who, agreement) if agreement else None
        wanting = under is not None and under.consumer == who.party and under.mode is Mode.SERVICE
        return pages.render(
            request,
            caller,
            "pushes.html",
            shown=shown,
            tallies=pushing.tallies(shown.items),
            returns={one["subscription"]: one for one in pushing.returns(who)},
            agreement=agreement,
            may_subscribe=wanting and may(who, "push.subscribe"),
            **words(request),
        )

    @routes.get("/new")
    def new(request: Request, caller: Who, agreement: Annotated[str, Query(max_length=60)]) -> Response:
        return form(request, signed_in(caller), agreement, {}, {})

    @routes.post("/new")
    def subscribe(
        request: Request,
        caller: Who,
        agreement: Short,
        operation: Short = "",
        destination: Annotated[str, Form(max_length=2000)] = "",
        kind: Short = "event",
        every: Short = "",
        at: Short = "",
        call: Annotated[str, Form(max_length=20_000)] = "",
        division: Short = "",
        division_field: Short = "",
    ) -> Response:
        who = signed_in(caller)
        purpose = agreements.agreement(who, agreement).purpose
        typed = {
            "operation": operation, "destination": destination, "kind": kind, "every": every, "at": at, "call": call,
            "division": division, "division_field": division_field,
        }  # fmt: skip
        try:
            wish = Wish(
                agreement, operation, purpose, destination.strip(), kind, every.strip() or None, at.strip() or None,
                _call(call), division.strip() or None, division_field.strip() or None,
            )  # fmt: skip
            made, secret = pushing.subscribe(who, wish)
        except (Unprocessable, Forbidden) as error:
            if "rule" in error.extra and str(error.extra["rule"]).startswith("access."):
                raise
            pointer = str(error.extra.get("pointer", "/destination" if error.extra.get("rule") else ""))
            return form(
                request, who, agreement, typed, {pointer.strip("/").split("/")[0]: said_of(error, chosen(request))}
            )
        return shown_once(request, who, made, secret)

    @routes.get("/{identifier}")
    def one(
        request: Request,
        caller: Who,
        identifier: str,
        page: paging.Number = 1,
        fate: Annotated[str, Query(max_length=20)] = "",
    ) -> Response:
        who = signed_in(caller)
        found = pushing.get(who, identifier)
        tally = pushing.tallies([found])[found.id]
        counts: dict[str, int] = {fate.value: number for fate, number in tally.counts.items()}
        wanted = fate if fate in {one.value for one in Fate} else None
        total = counts.get(wanted, 0) if wanted else sum(counts.values())
        messages = pushing.newest(who, identifier, fate=wanted, limit=paging.SIZE, offset=paging.start(page))
        own = who.party == found.consumer
        if not own and who.kind != "data_office":
            found = replace(found, destination="", reason="")  # its consumer's business, and the data office's
        return pages.render(
            request,
            caller,
            "push.html",
            s=found,
            title=pushing.passing.catalogue.interface(found.interface).title,
            counts=counts,
            tally=tally,
            fate=wanted or "",
            fates=[one.value for one in Fate if counts.get(one.value)],
            messages=paging.Page(messages, page, total),
            mine=own and may(who, "push.subscribe") and found.state is not State.ENDED,
            days=pushing.days,
            **words(request),
        )

    @routes.post("/{identifier}/{verb}")
    def act(
        request: Request,
        caller: Who,
        identifier: str,
        verb: str,
        first: Annotated[int, Form(ge=1, le=2**31 - 1)] = 1,
        last: Annotated[str, Form(pattern=r"^\d{0,9}$")] = "",
        fate: Short = "",
    ) -> Response:
        who = signed_in(caller)
        if verb == "secret":
            return shown_once(request, who, pushing.get(who, identifier), pushing.rotate(who, identifier))
        if verb == "replay":
            count = pushing.replay(who, identifier, first, int(last) if last else None, fate or None)
            return RedirectResponse(f"/pushes/{quote(identifier)}?again={count}", status_code=303)
        moves = {"pause": pushing.pause, "resume": pushing.resume, "end": pushing.end}
        if verb not in moves:
            raise NotFound(f"a push subscription cannot {verb}")
        moves[verb](who, identifier)
        return RedirectResponse(f"/pushes/{quote(identifier)}", status_code=303)

    def shown_once(request: Request, who: Caller, made: Subscription, secret: str) -> Response:
        return pages.render(request, who, "push_secret.html", status=201, s=made, secret=secret)

    def form(request: Request, who: Caller, agreement: str, typed: dict[str, str], errors: dict[str, str]) -> Response:
        found = agreements.agreement(who, agreement)
        return pages.render(
            request,
            who,
            "push_form.html",
            status=422 if errors else 200,
            g=found,
            title=pushing.passing.catalogue.interface(found.interface).title,
            typed=typed,
            errors=errors,
            **words(request),
        )

    def words(request: Request) -> dict[str, Any]:
        titles = {record.id: record.title for record in pushing.passing.catalogue.search()}
        return {"terms": terms(chosen(request)), "titles": titles}

    return routes


def _call(text: str) -> Call | None:
    if not text.strip():
        return None
    try:
        said = json.loads(text)
    except ValueError:
        said = None
    if not isinstance(said, dict) or said.keys() - {"path", "query", "body"}:
        raise Unprocessable("the call is a JSON object of path, query and body", pointer="/call")
    path, query = said.get("path", {}), said.get("query", "")
    if not isinstance(query, str) or not isinstance(path, dict) or not all(isinstance(v, str) for v in path.values()):
        raise Unprocessable("the call is a JSON object of path, query and body", pointer="/call")
    return Call(path, query, said.get("body"))
