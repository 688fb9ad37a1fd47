"""Conditional requests: ETag, If-Match and If-None-Match (RFC 9110, 13) where a document speaks of them.

An entity tag follows from the thing as it is read, so it changes with every write and with nothing else.
"""

from __future__ import annotations

import re
from hashlib import sha256

from mockdata.instances import Instances, Unsatisfiable
from mockdata.instances.suggestions import Source
from mockdata.sandbox.contract import Contract
from mockdata.sandbox.messages import Request, Response, dump
from mockdata.sandbox.parameters import write
from mockdata.sandbox.resources import Resource, Role
from mockdata.sandbox.responses import error, set_header
from mockdata.sandbox.world import Place, World
from mockdata.seeds import stream
from specs.model import Operation
from specs.model import Response as Declared

_TAG = re.compile(r'(?:W/)?"([^"]*)"|([^\s,"]+)')
_SINGLE = (Role.READ, Role.REPLACE, Role.PATCH, Role.DELETE)


class Preconditions:
    """The entity tags of one world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._tagged: dict[str, bool] = {}

    def tagged(self, resource: Resource) -> bool:
        """Whether the document speaks of entity tags for a resource."""
        known = self._tagged.get(resource.collection)
        if known is None:
            roles = self.world.resources.roles
            own = [one for one in self.world.interface.operations if _is_of(roles[one.id][1], resource)]
            known = self._tagged[resource.collection] = any(map(_speaks, own))
        return known

    def tag(self, where: Place, asked: Source | None = None) -> str | None:
        """The entity tag of a thing that exists, None when nothing can be read of it."""
        try:
            return sha256(dump(self.world.shown(where, asked))).hexdigest()[:20]
        except Unsatisfiable:
            return None

    def text(self, resource: Resource, tag: str) -> str:
        """A tag as the document writes the header ETag: quoted, bare, or drawn from its schema by the tag."""
        makers = self._makers(resource)
        for text in (f'"{tag}"', tag):
            if makers is None or makers.accepts(text):
                return text
        try:
            return write(makers.example(stream("etag", tag))) if makers is not None else tag
        except Unsatisfiable:
            return f'"{tag}"'

    def _makers(self, resource: Resource) -> Instances | None:
        """The instances of the header ETag, as the first operation declares it that does."""
        for role in (Role.READ, Role.REPLACE, Role.PATCH, Role.CREATE):
            operation = self.world.resources.operation(resource, role)
            for response in operation.responses if operation is not None else ():
                found = _header(self.world.contract_of(operation), response) if operation is not None else None
                if found is not None:
                    return found
        return None

    def refusal(
        self, contract: Contract, request: Request, role: Role, where: Place, seed: int, asked: Source | None
    ) -> Response | None:
        """412 or 304 when a condition of the request does not hold; None when it is to be answered."""
        match, none = request.fields.get("if-match"), request.fields.get("if-none-match")
        if role not in _SINGLE or (match is None and none is None) or not self.tagged(where.resource):
            return None
        tag = self.tag(where, asked) if self.world.exists(where) else None
        shown = None if tag is None else self.text(where.resource, tag)
        accept = request.fields.get("accept")
        if match is not None and not _names(match, tag, shown):
            return error(contract, (412,), "the thing is not as If-Match says: read it again", accept, (), seed)
        if none is None or not _names(none, tag, shown):
            return None
        if request.method not in ("GET", "HEAD"):
            return error(contract, (412,), "the thing is as If-None-Match says it must not be", accept, (), seed)
        return Response(304, [("ETag", shown or "")])

    def mark(self, contract: Contract, response: Response, where: Place, asked: Source | None = None) -> None:
        """Set the ETag of an answer to the tag of the thing it shows or has written."""
        if not 200 <= response.status < 300 or not self.tagged(where.resource):
            return
        tag = self.tag(where, asked)
        known = contract.declared(response.status)
        makers = _header(contract, known[1]) if known is not None else None
        text = self.text(where.resource, tag) if tag is not None else None
        if text is not None and (makers is None or makers.accepts(text) or response.header("ETag") is None):
            set_header(response, "ETag", text)


def _header(contract: Contract, declared: Declared) -> Instances | None:
    return next((makers for one, makers in contract.headers(declared) if one.name.lower() == "etag"), None)


def _names(header: str, tag: str | None, shown: str | None) -> bool:
    """Whether a condition names the tag of a thing, or any ("*")."""
    if tag is None:
        return False
    listed = {quoted or bare for quoted, bare in _TAG.findall(header)}
    return "*" in listed or tag in listed or (shown is not None and shown in (*listed, header.strip()))


def _is_of(other: Resource | None, resource: Resource) -> bool:
    return other is not None and other.collection == resource.collection


def _speaks(operation: Operation) -> bool:
    return (
        any(
            one.location == "header" and one.name.lower() in ("if-match", "if-none-match")
            for one in operation.parameters
        )
        or any(header.name.lower() == "etag" for one in operation.responses for header in one.headers)
        or any(one.status in ("304", "412") for one in operation.responses)
    )
