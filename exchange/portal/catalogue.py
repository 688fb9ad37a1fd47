"""Pages of the catalogue: what is shared, what changed, who is told, and whether it works."""

# annotations are read by FastAPI at run time and name things local to the router: no postponed evaluation here

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from exchange.catalogue.checking import Checking
from exchange.catalogue.lifecycle import Lifecycle
from exchange.catalogue.model import Record, Version
from exchange.catalogue.probing import Probing
from exchange.catalogue.service import Catalogue
from exchange.catalogue.tidying import Tidying
from exchange.errors import NotFound, Unauthenticated
from exchange.parties.access import Access, Caller
from exchange.parties.service import Parties
from exchange.portal.interfaces import answered
from exchange.portal.pages import Pages
from exchange.portal.problem import readable
from specs.diff import Level
from specs.entry import entry
from specs.versions import needed


def router(
    pages: Pages,
    access: Access,
    parties: Parties,
    catalogue: Catalogue,
    lifecycle: Lifecycle,
    probing: Probing,
    checking: Checking,
    tidying: Tidying,
) -> APIRouter:
    """Routes of the catalogue's pages."""
    routes = APIRouter(include_in_schema=False, route_class=readable(pages))
    Who = Annotated[Caller | None, Depends(access.caller)]

    def seen(caller: Caller | None, identifier: str) -> tuple[Record, list[Version]]:
        record = catalogue.interface(identifier)
        own = caller is not None and caller.party == record.department
        if not (record.state.public or own):
            raise NotFound(f"there is no interface {identifier}", hint="search the catalogue")
        return record, [version for version in catalogue.versions(identifier) if version.state.public or own]

    @routes.get("/catalogue")
    def catalogue_page(request: Request, caller: Who, q: str = "", kind: str = "", department: str = "") -> Response:
        return pages.render(
            request,
            caller,
            "catalogue.html",
            records=catalogue.search(q or None, kind=kind or None, department=department or None),
            q=q,
            kind=kind,
            department=department,
            departments=[party for party in parties.parties() if party.kind == "department"],
            live=probing.live(),
        )

    @routes.get("/catalogue/{identifier}")
    def interface_page(request: Request, caller: Who, identifier: str) -> Response:
        record, versions = seen(caller, identifier)
        subscribers = lifecycle.news.subscribers(caller, identifier) if caller else []
        try:
            probe = probing.last(caller, identifier) if caller else None
        except NotFound:
            probe = None
        return pages.render(
            request,
            caller,
            "interface.html",
            record=record,
            spec=record.spec,
            entry=entry(record.spec),
            answered=answered,
            titles={known.id: known.title for known in catalogue.search()},
            versions=versions,
            probe=probe,
            subscribers=subscribers,
            subscribed=caller is not None and caller.party in subscribers,
        )

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

    @routes.post("/catalogue/{identifier}/subscription")
    def subscribe(caller: Who, identifier: str) -> Response:
        lifecycle.news.subscribe(_signed_in(caller), identifier)
        return RedirectResponse(f"/catalogue/{identifier}", status_code=303)

    @routes.get("/notices")
    def notices_page(request: Request, caller: Who) -> Response:
        who = _signed_in(caller)
        titles = {known.id: known.title for known in catalogue.search()}
        return pages.render(request, caller, "notices.html", notices=lifecycle.news.notices(who), titles=titles)

    return routes


def _signed_in(caller: Caller | None) -> Caller:
    if caller is None:
        raise Unauthenticated("sign in first")
    return caller
