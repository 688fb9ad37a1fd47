"""Pages of the catalogue: what is shared, what changed, who is told, whether it works, and who shares the same."""

# annotations are read by FastAPI at run time and name things local to the router: no postponed evaluation here

from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import HTMLResponse

from exchange.catalogue.checking import Checked, Checking, element_of
from exchange.catalogue.lifecycle import NOTICE_DAYS, Lifecycle
from exchange.catalogue.model import Record, State, Version
from exchange.catalogue.probing import Probing
from exchange.catalogue.searching import Searching, Wish
from exchange.catalogue.service import Catalogue
from exchange.errors import NotFound, TongbanError
from exchange.http.paging import decode, encode
from exchange.parties.access import Access, Caller, permit
from exchange.parties.service import Parties
from exchange.portal import language, paging
from exchange.portal.interfaces import answered
from exchange.portal.pages import CHINA, Pages, signed_in
from exchange.portal.problem import readable
from specs.diff import Level
from specs.entry import LEVELS, SHARING_CLASSES, entry
from specs.exporters.html import html
from specs.model import Kind
from specs.versions import needed

SHOWN = 50
REFERENCE = {
    # a department's words and a program of ours: its own origin, so that it reaches nothing of the reader's session
    "Content-Security-Policy": "sandbox allow-scripts allow-forms allow-popups; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def router(
    pages: Pages,
    access: Access,
    parties: Parties,
    catalogue: Catalogue,
    lifecycle: Lifecycle,
    probing: Probing,
    checking: Checking,
) -> APIRouter:
    """Routes of the catalogue's pages."""
    routes = APIRouter(include_in_schema=False, route_class=readable(pages))
    searching = Searching(catalogue)
    Who = Annotated[Caller | None, Depends(access.caller)]

    def seen(caller: Caller | None, identifier: str) -> tuple[Record, list[Version]]:
        record = catalogue.interface(identifier)
        own = caller is not None and caller.party == record.department
        if not (record.state.public or own):
            raise NotFound(f"there is no interface {identifier}", hint="search the catalogue")
        return record, [version for version in catalogue.versions(identifier) if version.state.public or own]

    @routes.get("/catalogue")
    def catalogue_page(
        request: Request,
        caller: Who,
        q: Annotated[str, Query(max_length=200)] = "",
        kind: str = "",
        department: str = "",
        state: str = "",
        sharing_class: str = "",
        sensitivity: str = "",
        element: Annotated[str, Query(max_length=100)] = "",
        way: str = "",
        page_token: str | None = None,
    ) -> Response:
        wish = Wish(q, kind, department, state, sharing_class, sensitivity, element, way)
        found = searching.find(caller, wish, after=decode(page_token), limit=SHOWN + 1)
        code = language.chosen(request)
        words = language.words(code)
        named = [(party.id, language.text(party.name, code)) for party in parties.parties("department")]
        context: dict[str, Any] = {
            "wish": wish,
            "hits": found.hits[:SHOWN],
            "total": found.total,
            "facets": found.facets,
            "following": _page_after(request, found.hits[SHOWN - 1].key) if len(found.hits) > SHOWN else None,
            "first": _page_after(request, None) if page_token else None,
            "narrowed": wish != Wish(),
            "element": element_of(element or q) if element or q else None,
            "kinds": [(one.value, words[one.value]) for one in Kind],
            "departments": named,
            "states": [(one.value, words[one.value]) for one in STATES],
            "classes": [(one, words[one]) for one in SHARING_CLASSES],
            "levels": [(one, words[one]) for one in LEVELS],
        }
        return pages.render(
            request,
            caller,
            "catalogue.html",
            live=probing.live(hit.record.id for hit in found.hits),
            may_publish=_may(caller, "interface.register"),
            may_review=_may(caller, "catalogue.tidy"),
            **context,
        )

    @routes.get("/catalogue/{identifier}")
    def interface_page(request: Request, caller: Who, identifier: str) -> Response:
        record, versions = seen(caller, identifier)
        subscribers = lifecycle.news.subscribers(caller, identifier) if caller else []
        try:
            probe = probing.last(caller, identifier) if caller else None
        except NotFound:
            probe = None
        own = caller is not None and caller.party == record.department and _may(caller, "interface.publish")
        steps = record.spec.process.workflows if record.spec.process else ()
        waiting = [version for version in versions if version.state in (State.DRAFT, State.ANNOUNCED)] if own else []
        soon = (lifecycle.clock() + timedelta(days=NOTICE_DAYS)).astimezone(CHINA)
        return pages.render(
            request,
            caller,
            "interface.html",
            record=record,
            spec=record.spec,
            entry=entry(record.spec),
            answered=answered,
            titles=catalogue.titles(step.interface for flow in steps for step in flow.steps if step.interface),
            versions=versions,
            waiting=[(version, dry_run(caller, version)) for version in reversed(waiting)],
            asked=caller is not None and lifecycle.news.asked(caller, identifier),
            earliest=soon.date(),
            # a day begins before the instant is over: the first whole day with enough notice
            earliest_publication=soon.date() + timedelta(days=1),
            probe=probe,
            subscribers=subscribers,
            subscribed=caller is not None and caller.party in subscribers,
            reuse=checking.reuse(caller, identifier) if caller else (),
            may_publish=own,
        )

    def dry_run(caller: Caller | None, version: Version) -> Checked | None:
        name, data = catalogue.document(version.interface, version.version)
        return checking.check(caller, name, data) if version.state is State.DRAFT else None

    def versioned(caller: Caller | None, identifier: str, version: str) -> tuple[Record, str]:
        record, versions = seen(caller, identifier)
        number = version or record.version
        if number not in {one.version for one in versions}:
            raise NotFound(f"there is no version {number} of {identifier}", hint="see its page")
        return record, number

    @routes.get("/catalogue/{identifier}/reference")
    def reference_page(request: Request, caller: Who, identifier: str, version: str = "") -> Response:
        record, number = versioned(caller, identifier, version)
        tried = record.state.live and record.kind is Kind.API and number == record.version
        sandbox = f"{str(request.base_url).rstrip('/')}/catalogue/{quote(identifier)}/try" if tried else None
        _, spec = catalogue.version(identifier, number)
        return HTMLResponse(html(spec, language.chosen(request), sandbox), headers=REFERENCE)

    @routes.get("/catalogue/{identifier}/document")
    def document(caller: Who, identifier: str, version: str = "") -> Response:
        _, number = versioned(caller, identifier, version)
        name, data = catalogue.document(identifier, number)
        headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}"}
        return Response(data, media_type="application/octet-stream", headers={**headers, **REFERENCE})

    @routes.get("/catalogue/{identifier}/changes")
    def changes_page(request: Request, caller: Who, identifier: str, old: str, new: str) -> Response:
        record, versions = seen(caller, identifier)
        for number in (old, new):
            if number not in {version.version for version in versions}:
                raise NotFound(f"there is no version {number} of {identifier}", hint="see its page")
        found = lifecycle.changes(identifier, old, new)
        counts = {level.value: sum(change.level is level for change in found) for level in Level}
        context: dict[str, Any] = {"record": record, "old": old, "new": new, "changes": found, "counts": counts}
        return pages.render(request, caller, "changes.html", step=needed(found), **context)

    @routes.get("/notices")
    def notices_page(request: Request, caller: Who, page: paging.Number = 1) -> Response:
        found = paging.cut(lifecycle.news.notices(signed_in(caller), limit=NOTICES), page)
        titles = catalogue.titles(notice.interface for notice in found.items)
        return pages.render(request, caller, "notices.html", notices=found, titles=titles)

    return routes


NOTICES = 1000
"""The newest ones that can be looked through."""
STATES = (State.PUBLISHED, State.DEPRECATED, State.RETIRED, State.DRAFT)


def _page_after(request: Request, key: str | None) -> str:
    """The same search from behind a key on; None: from its beginning."""
    asked = {name: value for name, value in request.query_params.items() if value and name != "page_token"}
    place = {"page_token": encode(key)} if key is not None else {}
    return f"/catalogue?{urlencode({**asked, **place})}"


def _may(caller: Caller | None, action: str) -> bool:
    try:
        permit(caller, action)
    except TongbanError:
        return False
    return True
