"""A citizen opens a listed app: the platform's own form of the matter, sent to the app the citizen chose."""

# annotations are read by FastAPI at run time and name things local to the router: no postponed evaluation here

import json
import uuid
from typing import Annotated, Any

import httpx2
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from exchange.errors import Forbidden, Unauthenticated
from exchange.market.model import Listing
from exchange.market.service import Market
from exchange.parties.access import Access, Caller
from exchange.portal import form, views
from exchange.portal.language import chosen, text, translations
from exchange.portal.pages import Pages
from exchange.portal.problem import readable
from specs import library
from specs.model import Operation

TIMEOUT = 30.0


def router(pages: Pages, access: Access, market: Market, base_url: str) -> APIRouter:
    """Routes ``/market/{matter}/{listing}``: open an app, fill in its form, see what came of it."""
    routes = APIRouter(include_in_schema=False, route_class=readable(pages))
    Who = Annotated[Caller | None, Depends(access.caller)]

    @routes.post("/market/{matter}/{listing}")
    def opened(request: Request, caller: Who, matter: str, listing: str) -> Response:
        return page(
            request,
            _signed_in(caller),
            matter,
            listing,
            token=market.launch(_signed_in(caller), listing).token,
        )

    @routes.post("/market/{matter}/{listing}/submission")
    def submitted(
        request: Request,
        caller: Who,
        matter: str,
        listing: str,
        values: Annotated[dict[str, str], Depends(_typed)],
    ) -> Response:
        who = _signed_in(caller)
        token = values.get("launch_token", "")
        launch = market.resolve(token)
        if market.handled_matter(who, launch.handled_matter).listing != listing:
            raise Forbidden("this form belongs to another app", rule="launch.listing", hint="open the app again")
        answer, problem = _send(request, market, launch.listing, matter, token, values)
        return page(request, who, matter, listing, token=token, values=values, answer=answer, problem=problem)

    def page(
        request: Request,
        caller: Caller,
        matter: str,
        listing: str,
        *,
        token: str,
        values: dict[str, str] | None = None,
        answer: Any = None,
        problem: str = "",
    ) -> Response:
        known = views.matter(matter)
        app, _, _ = market.app_of(_listing(market, matter, listing))
        shown = _fields(known)
        return pages.render(
            request,
            caller,
            "form.html",
            matter=known,
            app={"zh_CN": app.name_zh, "en": app.name_en},
            fields=shown,
            labels=form.titles(shown),
            steps={step.id: step.title for step in known.steps},
            results=_results(known),
            values=values or {},
            token=token,
            answer=answer,
            problem=problem,
            action=f"/market/{matter}/{listing}/submission",
        )

    def _send(
        request: Request, market: Market, listing: str, matter: str, token: str, values: dict[str, str]
    ) -> tuple[Any, str]:
        _ = translations(chosen(request)).gettext
        known = views.matter(matter)
        _app, version, _ratings = market.app_of(_listing(market, matter, listing))
        body = form.body(_fields(known), values)
        headers = {
            "Authorization": f"Bearer {token}",
            "Tongban-Gateway": f"{base_url}/gateway",
            # the same form sent twice is one application; a corrected form is a new one
            "Idempotency-Key": str(uuid.uuid5(uuid.NAMESPACE_URL, token + json.dumps(body, sort_keys=True))),
        }
        try:
            answer = httpx2.post(version.url + _submission(known).path, json=body, headers=headers, timeout=TIMEOUT)
            shown = answer.json()
        except (httpx2.HTTPError, ValueError):
            return None, _("The app did not answer. Try again later or choose another app.")
        if answer.is_success and isinstance(shown, dict):
            return shown, ""
        return None, text(shown.get("detail") if isinstance(shown, dict) else None, "en") or _(
            "The app refused the form."
        )

    return routes


async def _typed(request: Request) -> dict[str, str]:
    given = await request.form()
    # boxes of one list share a name; an empty box before them says that the list was shown
    return {key: ",".join(str(value) for value in given.getlist(key) if value) for key in given}


def _listing(market: Market, matter: str, listing: str) -> Listing:
    found = next((item for item in market.listings(matter) if item.id == listing), None)
    if found is None:
        raise Forbidden("this app is no longer listed", rule="listing.active", hint="choose another app of this matter")
    return found


def _submission(matter: library.Matter) -> Operation:
    # every matter's interface names its submission so: that is what lets one form serve all matters
    return matter.interface.operation("submitHandledMatter")


def _fields(matter: library.Matter) -> tuple[form.Field, ...]:
    operation = _submission(matter)
    content = operation.body.contents[0] if operation.body else None
    if content is None or content.schema is None:
        return ()
    schema = matter.interface.standalone(content.schema)
    return form.fields(schema, schema, names={step.id: step.title for step in matter.steps})


def _results(matter: library.Matter) -> dict[str, form.Text]:
    """Titles of the numbers a matter ends with, as the matter's interface words them."""
    for response in _submission(matter).responses:
        for content in response.contents:
            if response.status.startswith("2") and content.schema is not None:
                schema = matter.interface.standalone(content.schema)
                named = form.titles(form.fields(schema, schema))
                return {
                    pointer.rsplit("/", 1)[1]: {code: words.rpartition(" · ")[2] for code, words in title.items()}
                    for pointer, title in named.items()
                    if pointer.startswith("/result/")
                }
    return {}


def _signed_in(caller: Caller | None) -> Caller:
    if caller is None:
        raise Unauthenticated("sign in first")
    return caller
