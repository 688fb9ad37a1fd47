"""The catalogue over HTTP."""

# annotations are read by FastAPI at run time and name things local to the router: no postponed evaluation here

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field

from exchange.catalogue.model import Record, State, Version
from exchange.catalogue.service import LARGEST, Catalogue
from exchange.errors import NotFound
from exchange.http.idempotency import idempotent
from exchange.http.paging import LIMIT, MAXIMUM, decode, page
from exchange.parties.access import Access, Caller, permit
from specs.model import Kind


class DocumentIn(BaseModel):
    """Body of POST /interfaces: the document as text, in the form the department already has."""

    filename: str = Field(min_length=1, max_length=200)
    document: str = Field(min_length=1, max_length=LARGEST)


class EndpointIn(BaseModel):
    """Body of PUT /interfaces/{id}/endpoint."""

    url: str = Field(min_length=1, max_length=2000)


def router(service: Catalogue, access: Access) -> APIRouter:
    """Routes of the catalogue; reading needs a caller too."""
    once = idempotent(service.database, service.clock, access.who)
    routes = APIRouter(prefix="/api/v1/interfaces", route_class=once, tags=["catalogue"])
    Who = Annotated[Caller, Depends(access.required)]

    @routes.post("", status_code=201)
    def register(body: DocumentIn, caller: Who) -> dict[str, Any]:
        """Register a document as a draft; errors of lint refuse it with every finding."""
        return _version(service.register(caller, body.filename, body.document))

    @routes.post("/{interface}/versions/{version}/publication")
    def publish(interface: str, version: str, caller: Who) -> dict[str, Any]:
        """Publish a draft."""
        return _version(service.publish(caller, interface, version))

    @routes.put("/{interface}/endpoint")
    def set_endpoint(interface: str, body: EndpointIn, caller: Who) -> dict[str, Any]:
        """Say where the service answers."""
        return _record(service.set_endpoint(caller, interface, body.url))

    @routes.get("")
    def search(
        request: Request,
        response: Response,
        caller: Who,
        q: Annotated[str | None, Query(max_length=200)] = None,
        kind: Kind | None = None,
        department: str | None = None,
        page_token: str | None = None,
        limit: Annotated[int, Query(ge=1, le=MAXIMUM)] = LIMIT,
    ) -> dict[str, Any]:
        """Published interfaces, and your own drafts."""
        permit(caller, "interface.read")
        rows = service.search(q, kind, department, drafts_of=caller.party, after=decode(page_token), limit=limit + 1)
        return page(request, response, rows, limit, lambda row: row.id, _record)

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


def _visible(service: Catalogue, caller: Caller, interface: str) -> Record:
    permit(caller, "interface.read")
    record = service.interface(interface)
    if record.state is State.DRAFT and record.department != caller.party:
        raise NotFound(f"there is no interface {interface}", hint="search the catalogue")
    return record


def _may_see(caller: Caller, record: Record, version: Version) -> bool:
    return version.state is not State.DRAFT or record.department == caller.party


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
    }
