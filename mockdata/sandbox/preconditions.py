"""Conditional requests (RFC 9110, 13) where a document speaks of them: ETag with If-Match and If-None-Match,
Last-Modified with If-Unmodified-Since and If-Modified-Since, and 428 for a change without a condition (RFC 6585).

An entity tag follows from the thing as it is read, so it changes with every write and with nothing else. A thing nobody
has written was last modified some day of the year before `DAWN`, always the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
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
_CHANGES = (Role.REPLACE, Role.PATCH, Role.DELETE)
_CONDITIONS = ("if-match", "if-none-match", "if-unmodified-since")
DAWN = datetime(2026, 1, 1, tzinfo=UTC)


class Preconditions:
    """The entity tags and times of one world; `clock` tells when something is written."""

    def __init__(self, world: World, clock: Callable[[], datetime]) -> None:
        self.world, self.clock = world, clock
        self._tagged: dict[str, bool] = {}
        self._dated: dict[str, bool] = {}

    def tagged(self, resource: Resource) -> bool:
        """Whether the document speaks of entity tags for a resource."""
        known = self._tagged.get(resource.collection)
        if known is None:
            known = self._tagged[resource.collection] = any(map(_speaks, self._operations(resource)))
        return known

    def dated(self, resource: Resource) -> bool:
        """Whether the document declares Last-Modified for a resource."""
        known = self._dated.get(resource.collection)
        if known is None:
            known = self._dated[resource.collection] = any(map(_dates, self._operations(resource)))
        return known

    def written(self, where: Place) -> None:
        """Note that a thing was written just now, where the document tells when things were."""
        if self.dated(where.resource):
            self.world.overlay.remember(self._when(where), self.clock().isoformat(timespec="seconds"))

    def modified(self, where: Place) -> datetime:
        """When a thing was last modified."""
        known = self.world.overlay.answered(self._when(where))
        if known is not None:
            return datetime.fromisoformat(str(known)).astimezone(UTC)
        age = stream(self.world.seed, "modified", where.collection, where.id or "") % (365 * 86400)
        return DAWN - timedelta(seconds=age)

    def _when(self, where: Place) -> tuple[str, ...]:
        return ("modified", self.world.interface.id, where.collection, where.id or "")

    def _operations(self, resource: Resource) -> list[Operation]:
        roles = self.world.resources.roles
        return [one for one in self.world.interface.operations if _is_of(roles[one.id][1], resource)]

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
        """428, 412 or 304 when a condition of the request is missing or does not hold; None when it is to be
        answered."""
        if role not in _SINGLE:
            return None
        given = request.fields
        if role in _CHANGES and not any(name in given for name in _CONDITIONS) and self._demanded(contract, where):
            said = "a change needs a condition, so that nobody's work is lost: send If-Match with the ETag you read"
            return error(contract, (428,), said, given.get("accept"), (), seed)
        if self.tagged(where.resource) and ("if-match" in given or "if-none-match" in given):
            return self._by_tag(contract, request, where, seed, asked)
        if self.dated(where.resource) and self.world.exists(where):
            return self._by_time(contract, request, where, seed)
        return None

    def _demanded(self, contract: Contract, where: Place) -> bool:
        """Whether the document declares 428 itself and what a condition can name, and there is something to change."""
        exact = any(one.status == "428" for one in contract.operation.responses)
        nameable = exact and (self.tagged(where.resource) or self.dated(where.resource))
        return nameable and self.world.exists(where)

    def _by_tag(
        self, contract: Contract, request: Request, where: Place, seed: int, asked: Source | None
    ) -> Response | None:
        match, none = request.fields.get("if-match"), request.fields.get("if-none-match")
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

    def _by_time(self, contract: Contract, request: Request, where: Place, seed: int) -> Response | None:
        since, unless = _moment(request, "if-modified-since"), _moment(request, "if-unmodified-since")
        changed = self.modified(where)
        if unless is not None and changed > unless:
            said = "the thing was modified since If-Unmodified-Since: read it again"
            return error(contract, (412,), said, request.fields.get("accept"), (), seed)
        if since is not None and request.method in ("GET", "HEAD") and changed <= since:
            return Response(304, [("Last-Modified", format_datetime(changed, usegmt=True))])
        return None

    def mark(self, contract: Contract, response: Response, where: Place, asked: Source | None = None) -> None:
        """Set the ETag of an answer to the tag of the thing it shows or has written."""
        if not 200 <= response.status < 300:
            return
        if response.header("Last-Modified") is not None:
            self._date(contract, response, where)
        if not self.tagged(where.resource):
            return
        tag = self.tag(where, asked)
        known = contract.declared(response.status)
        makers = _header(contract, known[1]) if known is not None else None
        text = self.text(where.resource, tag) if tag is not None else None
        if text is not None and (makers is None or makers.accepts(text) or response.header("ETag") is None):
            set_header(response, "ETag", text)

    def _date(self, contract: Contract, response: Response, where: Place) -> None:
        known = contract.declared(response.status)
        makers = _header(contract, known[1], "last-modified") if known is not None else None
        changed = self.modified(where)
        written = (format_datetime(changed, usegmt=True), changed.isoformat().replace("+00:00", "Z"))
        text = next((one for one in written if makers is None or makers.accepts(one)), None)
        if text is not None:
            set_header(response, "Last-Modified", text)


def _header(contract: Contract, declared: Declared, name: str = "etag") -> Instances | None:
    return next((makers for one, makers in contract.headers(declared) if one.name.lower() == name), None)


def _moment(request: Request, name: str) -> datetime | None:
    """The time a condition names; one that cannot be read is no condition (RFC 9110, 13.1.3)."""
    try:
        return parsedate_to_datetime(request.fields.get(name, "")).astimezone(UTC)
    except (TypeError, ValueError):
        return None


def _names(header: str, tag: str | None, shown: str | None) -> bool:
    """Whether a condition names the tag of a thing, or any ("*")."""
    if tag is None:
        return False
    listed = {quoted or bare for quoted, bare in _TAG.findall(header)}
    return "*" in listed or tag in listed or (shown is not None and shown in (*listed, header.strip()))


def _is_of(other: Resource | None, resource: Resource) -> bool:
    return other is not None and other.collection == resource.collection


def _dates(operation: Operation) -> bool:
    return any(header.name.lower() == "last-modified" for one in operation.responses for header in one.headers)


def _speaks(operation: Operation) -> bool:
    return (
        any(
            one.location == "header" and one.name.lower() in ("if-match", "if-none-match")
            for one in operation.parameters
        )
        or any(header.name.lower() == "etag" for one in operation.responses for header in one.headers)
        or any(one.status in ("304", "412") for one in operation.responses)
    )
