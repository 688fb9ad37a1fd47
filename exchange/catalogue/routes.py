"""The catalogue over HTTP."""

# annotations are read by FastAPI at run time and name things local to the router: no postponed evaluation here

from dataclasses import asdict
from datetime import date
from typing import Annotated, Any, Literal
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field

from exchange.catalogue.lifecycle import Lifecycle, effective_of
from exchange.catalogue.model import Record, State, Version
from exchange.catalogue.probing import Probe, Probing
from exchange.catalogue.searching import Hit, Searching, Wish
from exchange.catalogue.service import LARGEST, Catalogue
from exchange.catalogue.store import Line
from exchange.errors import NotFound
from exchange.http.idempotency import idempotent
from exchange.http.paging import LIMIT, MAXIMUM, decode, page
from exchange.parties.access import Access, Caller, permit
from specs.model import Kind
from specs.versions import misfit, needed


class DocumentIn(BaseModel):
    """Body of POST /interfaces: the document as text, in the form the department already has."""

    filename: str = Field(min_length=1, max_length=200)
    document: str = Field(min_length=1, max_length=LARGEST)


class EndpointIn(BaseModel):
    """Body of PUT /interfaces/{id}/endpoint."""

    url: str = Field(min_length=1, max_length=2000)


class PublicationIn(BaseModel):
    """Body of POST …/publication; without it the version takes effect at once."""

    effective_at: str | None = Field(None, max_length=40, description="RFC 3339 instant with its offset")


class DeprecationIn(BaseModel):
    """Body of PUT /interfaces/{id}/deprecation."""

    retire_on: date
    reason: str = Field(min_length=1, max_length=2000)


class WaiverIn(BaseModel):
    """Body of PUT /interfaces/{id}/waiver."""

    reason: str = Field(min_length=10, max_length=2000)
    days: int = Field(ge=1, le=180)


class SubscriptionIn(BaseModel):
    """Body of PUT /interfaces/{id}/subscription."""

    consent: str | None = Field(None, max_length=100, description="a version taken at once, however it breaks")


Query200 = Annotated[str, Query(max_length=200)]
Way = Literal["", "gives", "asks", "key"]


def router(service: Catalogue, lifecycle: Lifecycle, probing: Probing, access: Access) -> APIRouter:
    """Routes of the catalogue; reading needs a caller too."""
    searching = Searching(service)
    once = idempotent(service.database, service.clock, access.who)
    routes = APIRouter(prefix="/api/v1/interfaces", route_class=once, tags=["catalogue"])
    Who = Annotated[Caller, Depends(access.required)]

    @routes.post("", status_code=201)
    def register(body: DocumentIn, caller: Who) -> dict[str, Any]:
        """Register a document as a draft; errors of lint refuse it with every finding."""
        return _version(service.register(caller, body.filename, body.document))

    @routes.post("/{interface}/versions/{version}/publication")
    def publish(interface: str, version: str, caller: Who, body: PublicationIn | None = None) -> dict[str, Any]:
        """Publish a draft, now or from an instant on; says what changed, who was told, and who shares its fields."""
        effective = effective_of(body.effective_at if body else None)
        step = lifecycle.publish(caller, interface, version, effective)
        changed = {"changes": [c.to_json() for c in step.changes], "told": list(step.told)}
        return {**_version(step.version), **changed, "reuse": [one.to_json() for one in step.reuse]}

    @routes.delete("/{interface}/versions/{version}/publication")
    def withdraw(interface: str, version: str, caller: Who) -> dict[str, Any]:
        """Take an announced version back."""
        return _version(lifecycle.withdraw(caller, interface, version))

    @routes.get("/{interface}/changes")
    def changes(interface: str, caller: Who, old: str, new: str) -> dict[str, Any]:
        """What changed between two versions, whom it breaks, and the number it needs."""
        record = _visible(service, caller, interface)
        for version in (old, new):
            found = next((v for v in service.versions(interface) if v.version == version), None)
            if found is None or not _may_see(caller, record, found):
                raise NotFound(f"there is no version {version} of {interface}")
        found_changes = lifecycle.changes(interface, old, new)
        told = [change.to_json() for change in found_changes]
        problem = misfit(old, new, found_changes)
        return {"old": old, "new": new, "needed": needed(found_changes), "misfit": problem, "changes": told}

    @routes.post("/{interface}/probes", status_code=201)
    def probe(interface: str, caller: Who, version: str | None = None) -> dict[str, Any]:
        """Ask the registered endpoint every operation, with made-up data; nothing is changed there."""
        return _probe(probing.probe(caller, interface, version))

    @routes.get("/{interface}/probes/latest")
    def last_probe(interface: str, caller: Who) -> dict[str, Any]:
        """What the latest probe found, operation by operation."""
        _visible(service, caller, interface)
        return _probe(probing.last(caller, interface))

    @routes.put("/{interface}/waiver")
    def waive(interface: str, body: WaiverIn, caller: Who) -> dict[str, Any]:
        """Let it be published without a passing probe, for a reason and a time."""
        return {"interface": interface, "until": probing.waive(caller, interface, body.reason, body.days)}

    @routes.put("/{interface}/deprecation")
    def deprecate(interface: str, body: DeprecationIn, caller: Who) -> dict[str, Any]:
        """Announce the end of an interface; subscribers are told."""
        return _line(lifecycle.deprecate(caller, interface, body.retire_on, body.reason))

    @routes.delete("/{interface}/deprecation")
    def keep(interface: str, caller: Who) -> dict[str, Any]:
        """Take an end back."""
        return _line(lifecycle.keep(caller, interface))

    @routes.post("/{interface}/retirement")
    def retire(interface: str, caller: Who) -> dict[str, Any]:
        """End a deprecated interface once its day has come and no agreement relies on it."""
        return _line(lifecycle.retire(caller, interface))

    @routes.put("/{interface}/subscription")
    def subscribe(interface: str, caller: Who, body: SubscriptionIn | None = None) -> dict[str, Any]:
        """Be told of changes before they take effect; or consent to a version."""
        made = lifecycle.news.subscribe(caller, interface, body.consent if body else None)
        return {"interface": made.interface, "party": made.party, "since": made.since, "consented": made.consented}

    @routes.delete("/{interface}/subscription", status_code=204)
    def unsubscribe(interface: str, caller: Who) -> None:
        """Be told no more."""
        lifecycle.news.unsubscribe(caller, interface)

    @routes.get("/{interface}/subscribers")
    def subscribers(interface: str, caller: Who) -> dict[str, Any]:
        """Who will be told of changes: all for its department and the data office, oneself for others."""
        _visible(service, caller, interface)
        return {"items": lifecycle.news.subscribers(caller, interface)}

    @routes.put("/{interface}/endpoint")
    def set_endpoint(interface: str, body: EndpointIn, caller: Who) -> dict[str, Any]:
        """Say where the service answers."""
        return _record(service.set_endpoint(caller, interface, body.url))

    @routes.get("")
    def search(
        request: Request,
        response: Response,
        caller: Who,
        q: Query200 = "",
        kind: Kind | None = None,
        department: str = "",
        state: State | None = None,
        sharing_class: str = "",
        sensitivity: str = "",
        element: str = "",
        way: Way = "",
        page_token: str | None = None,
        limit: Annotated[int, Query(ge=1, le=MAXIMUM)] = LIMIT,
    ) -> dict[str, Any]:
        """Interfaces in force and your own drafts: best first with words to find, else in order of their ids."""
        permit(caller, "interface.read")
        wish = Wish(q, kind or "", department, state or "", sharing_class, sensitivity, element, way)
        found = searching.find(caller, wish, after=decode(page_token), limit=limit + 1)
        shown = page(request, response, found.hits, limit, lambda hit: hit.key, _hit)
        return {**shown, "total": found.total, "facets": found.facets}

    @routes.get("/digests/{digest}")
    def by_digest(digest: str, caller: Who) -> dict[str, Any]:
        """The versions whose document has this SHA-256."""
        permit(caller, "interface.read")
        found = [v for v in service.by_digest(digest) if _may_see(caller, service.interface(v.interface), v)]
        if not found:
            raise NotFound(f"no document here has the digest {digest}")
        return {"items": [_version(version) for version in found]}

    @routes.get("/notices")
    def notices(
        request: Request,
        response: Response,
        caller: Who,
        page_token: str | None = None,
        limit: Annotated[int, Query(ge=1, le=MAXIMUM)] = LIMIT,
    ) -> dict[str, Any]:
        """What your party was told of interfaces, newest first."""
        rows = lifecycle.news.notices(caller, before=decode(page_token), limit=limit + 1)
        return page(request, response, rows, limit, lambda notice: notice.id, asdict)

    @routes.get("/{interface}")
    def one(interface: str, caller: Who) -> dict[str, Any]:
        """One interface with its versions."""
        record = _visible(service, caller, interface)
        shown = [_version(v) for v in service.versions(interface) if _may_see(caller, record, v)]
        return {**_record(record), "versions": shown}

    @routes.get("/{interface}/versions/{version}/document")
    def document(interface: str, version: str, caller: Who) -> Response:
        """The document, byte for byte as registered; its ETag is its digest."""
        record = _visible(service, caller, interface)
        found = next((v for v in service.versions(interface) if v.version == version), None)
        if found is None or not _may_see(caller, record, found):
            raise NotFound(f"there is no version {version} of {interface}")
        name, data = service.document(interface, version)
        headers = {
            "ETag": f'"{found.digest}"',
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}",
            "X-Content-Type-Options": "nosniff",  # a document is somebody's upload: never a page of ours
        }
        media = "application/json" if name.endswith(".json") else "application/yaml"
        return Response(data, media_type=media, headers=headers)

    return routes


def _hit(hit: Hit) -> dict[str, Any]:
    found = [{"where": one.where, "text": one.text, "pieces": [list(p) for p in one.pieces]} for one in hit.snippets]
    return {**_record(hit.record), "score": hit.score, "found": found}


def _probe(probe: Probe) -> dict[str, Any]:
    return {**asdict(probe), "live": round(probe.live, 4)}


def _line(line: Line) -> dict[str, Any]:
    return {"id": line.id, "state": line.state, "version": line.version, "retire_on": line.retire_on}


def _visible(service: Catalogue, caller: Caller, interface: str) -> Record:
    permit(caller, "interface.read")
    record = service.interface(interface)
    if not record.state.public and record.department != caller.party:
        raise NotFound(f"there is no interface {interface}", hint="search the catalogue")
    return record


def _may_see(caller: Caller, record: Record, version: Version) -> bool:
    return version.state.public or record.department == caller.party


def _record(record: Record) -> dict[str, Any]:
    return {
        "id": record.id,
        "kind": record.kind,
        "department": record.department,
        "title": dict(record.title),
        "state": record.state,
        "version": record.version,
        "digest": record.digest,
        "endpoint": record.endpoint,
        "retire_on": record.retire_on,
    }


def _version(version: Version) -> dict[str, Any]:
    return {
        "id": version.interface,
        "version": version.version,
        "digest": version.digest,
        "filename": version.filename,
        "state": version.state,
        "findings": [dict(finding) for finding in version.findings],
        "registered_at": version.registered_at,
        "published_at": version.published_at,
        "effective_at": version.effective_at,
    }
