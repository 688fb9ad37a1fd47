"""Writes: things created, replaced, patched and deleted, and the answers that show them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from mockdata.instances import Unsatisfiable
from mockdata.instances.suggestions import Source, Suggestions, lookup
from mockdata.sandbox.contract import Contract
from mockdata.sandbox.messages import Request, Response
from mockdata.sandbox.parameters import Shape, write
from mockdata.sandbox.patching import Inapplicable, patched
from mockdata.sandbox.preconditions import Preconditions
from mockdata.sandbox.requests import Parsed, find_content
from mockdata.sandbox.resources import Role
from mockdata.sandbox.responses import drawn, error, set_header
from mockdata.sandbox.world import Place, World, json_content
from mockdata.seeds import stream
from specs.model import Content

Send = Callable[[Contract, Request, int, Callable[[Content], Any], int], Response]
"""Builds the response for a status (0: the operation's own success) from a maker of bodies."""


@dataclass(frozen=True, slots=True)
class Change:
    """One write: what was asked, of which thing, and the seed and source for what nobody said."""

    contract: Contract
    request: Request
    parsed: Parsed
    role: Role
    where: Place
    seed: int
    source: Source | None = None


class Writing:
    """Carries out the writes of one world."""

    def __init__(self, world: World, preconditions: Preconditions) -> None:
        self.world = world
        self.preconditions = preconditions

    def answer(self, change: Change, send: Send) -> Response:
        """Do the write and answer it. Nothing is written when the answer is an error."""
        if change.role is Role.DELETE:
            return self._delete(change, send)
        accept = change.request.fields.get("accept")
        try:
            entity, id = self._wanted(change)
        except Inapplicable as refusal:
            return error(change.contract, (422, 409, 400), str(refusal), accept, (), change.seed)
        if change.role is Role.CREATE and self._is_taken(change, id):
            return error(change.contract, (409,), f"there is one already: {write(id)}", accept, (), change.seed)
        seed = stream(change.seed, write(id)) if change.role is Role.CREATE else change.seed
        response = send(
            change.contract,
            change.request,
            seed,
            lambda content: self._show(change, content, entity, seed),
            self._status(change),
        )
        if response.status >= 400:
            return response
        resource, where = change.where.resource, change.where
        shown = self._shown(change, response)
        if where.id is None:  # a thing is called by what its answer says
            id = next((shown[name] for name in self._id_names(change) if shown.get(name) is not None), id)
        key = write(id) if resource.parameter is not None else where.id or ""
        self._put(where, key, {**entity, **shown})
        if response.status == 201 and resource.parameter is not None and where.id is None:
            set_header(response, "Location", f"{change.request.path.rstrip('/')}/{quote(write(id), safe='')}")
        self.preconditions.written(Place(resource, where.collection, key, where.path))
        named = where.path if resource.parameter is None else {**where.path, resource.parameter: id}
        self.preconditions.mark(change.contract, response, Place(resource, where.collection, key, named))
        return response

    def _is_taken(self, change: Change, id: Any) -> bool:
        """Whether a creation names a thing somebody has written, where the document has an answer to that."""
        where, known = change.where, change.contract.declared(409)
        if where.id is not None or known is None or known[1].status == "default":
            return False
        record = self.world.overlay.get(self.world.interface.id, where.collection, write(id))
        return record is not None and not record.deleted

    def _delete(self, change: Change, send: Send) -> Response:
        where = change.where
        before = self._before(change)
        response = send(
            change.contract,
            change.request,
            change.seed,
            lambda content: self._show(change, content, before, change.seed),
            0,
        )
        if response.status < 400:
            self.world.overlay.delete(self.world.interface.id, where.collection, where.id or "")
            self.preconditions.written(where)
        return response

    def _before(self, change: Change) -> dict[str, Any]:
        """The thing as it was; nothing where its schema has no instance."""
        try:
            return dict(self.world.entity(change.where, change.source))
        except Unsatisfiable:
            return {}

    def _put(self, where: Place, key: str, value: Mapping[str, Any]) -> None:
        self.world.overlay.put(self.world.interface.id, where.collection, key, value)

    def _status(self, change: Change) -> int:
        """201 where something comes to be and the document says so."""
        exact = {response.status for response in change.contract.operation.responses}
        creates = change.role is Role.CREATE or (change.role is Role.REPLACE and not self.world.exists(change.where))
        return 201 if creates and "201" in exact else 0

    def _wanted(self, change: Change) -> tuple[dict[str, Any], Any]:
        """The thing as it is to be, and its id. Raises Inapplicable."""
        where, body = change.where, change.parsed.body
        members = self._members(change)
        given = {
            name: value
            for name, value in (body.items() if isinstance(body, dict) else ())
            if members.get(name, {}).get("readOnly") is not True
        }
        entity: dict[str, Any] = dict(given)
        if change.role in (Role.PATCH, Role.REPLACE) and self.world.exists(where):
            before = self._before(change)
            if change.role is Role.PATCH:
                entity = self._patched(change, before, given if isinstance(body, dict) else body, members)
            else:  # what the request has no word for is not the caller's to take away
                kept = {name for name, schema in members.items() if schema.get("readOnly") is True}
                lost = members.keys() - kept if members else before.keys()
                entity = {name: value for name, value in before.items() if name not in lost} | given
        id: Any = where.path.get(where.resource.parameter or "", where.id)
        names = self._id_names(change)
        if where.id is None:
            chosen = [given[name] for name in names if given.get(name) is not None]
            id = chosen[0] if chosen else self.world.new_id(where)
        for name in names:
            entity[name] = id
        return entity, id

    def _members(self, change: Change) -> Mapping[str, Mapping[str, Any]]:
        """What the request's schema says about each member."""
        body = change.contract.operation.body
        content = find_content(body.contents, change.request.media_type) if body is not None else None
        resolve = change.contract.resolve
        members = Shape(content.schema, resolve).members if content is not None else {}
        return {name: resolve(schema) for name, schema in members.items() if isinstance(schema, dict)}

    @staticmethod
    def _patched(
        change: Change, before: dict[str, Any], patch: Any, members: Mapping[str, Mapping[str, Any]]
    ) -> dict[str, Any]:
        """The thing after a patch. Outside merge patches a null is a value where the schema knows it."""
        kind = change.request.media_type
        entity = patched(before, patch, kind)
        if isinstance(patch, dict) and not kind.endswith("merge-patch+json"):
            for name, value in patch.items():
                if value is None and "null" in Shape(members.get(name), change.contract.resolve).kinds:
                    entity[name] = None
        return entity

    def _id_names(self, change: Change) -> list[str]:
        """How the answer of the write, and a later reading, call the id."""
        resource = change.where.resource
        written = json_content(change.contract.success[1])
        reader = self.world.resources.operation(resource, Role.READ)
        read = json_content(reader.success) if reader is not None else None
        fields = [
            self.world.layout(content, resource, role).field
            for content, role in ((written, change.role), (read, Role.READ))
            if content is not None
        ]
        return list(dict.fromkeys(field for field in fields if field is not None))

    def _show(self, change: Change, content: Content, entity: dict[str, Any], seed: int) -> Any:
        layout = self.world.layout(content, change.where.resource, change.role)
        suggest = Suggestions().lay(entity, layout.entity)
        if change.source is not None:
            suggest.ask(change.source)
        return drawn(change.contract, content, seed, suggest, lean=change.role in (Role.REPLACE, Role.PATCH))

    def _shown(self, change: Change, response: Response) -> Mapping[str, Any]:
        """The thing as the answer shows it."""
        content = json_content(change.contract.success[1])
        if content is None or response.value is None:
            return {}
        try:
            found = lookup(response.value, self.world.layout(content, change.where.resource, change.role).entity)
        except LookupError:
            return {}
        return found if isinstance(found, dict) else {}
