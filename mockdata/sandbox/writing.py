"""Writes: things created, replaced, patched and deleted, and the answers that show them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mockdata.instances.suggestions import Source, Suggestions, lookup
from mockdata.sandbox.contract import Contract
from mockdata.sandbox.messages import Request, Response
from mockdata.sandbox.parameters import write
from mockdata.sandbox.patching import patched
from mockdata.sandbox.requests import Parsed
from mockdata.sandbox.resources import Role
from mockdata.sandbox.responses import drawn, set_header
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

    def __init__(self, world: World) -> None:
        self.world = world

    def answer(self, change: Change, send: Send) -> Response:
        """Do the write and answer it. Nothing is written when the answer is an error."""
        if change.role is Role.DELETE:
            return self._delete(change, send)
        entity, id = self._wanted(change)
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
        key = write(id) if resource.parameter is not None else where.id or ""
        self._put(where, key, {**entity, **self._shown(change, response)})
        if response.status == 201 and resource.parameter is not None and where.id is None:
            set_header(response, "Location", f"{change.request.path.rstrip('/')}/{write(id)}")
        return response

    def _delete(self, change: Change, send: Send) -> Response:
        where = change.where
        before = dict(self.world.entity(where, change.source))
        response = send(
            change.contract,
            change.request,
            change.seed,
            lambda content: self._show(change, content, before, change.seed),
            0,
        )
        if response.status < 400:
            self.world.overlay.delete(self.world.interface.id, where.collection, where.id or "")
        return response

    def _put(self, where: Place, key: str, value: Mapping[str, Any]) -> None:
        self.world.overlay.put(self.world.interface.id, where.collection, key, value)

    @staticmethod
    def _status(change: Change) -> int:
        """201 where a replacement creates something and the document says so."""
        exact = {response.status for response in change.contract.operation.responses}
        creates = change.role is Role.CREATE
        return 201 if creates and "201" in exact else 0

    def _wanted(self, change: Change) -> tuple[dict[str, Any], Any]:
        """The thing as it is to be, and its id."""
        where, body = change.where, change.parsed.body
        entity: dict[str, Any] = dict(body) if isinstance(body, dict) else {}
        if change.role is Role.PATCH:
            entity = patched(dict(self.world.entity(where, change.source)), body, change.request.media_type)
        id: Any = where.path.get(where.resource.parameter or "", where.id)
        names = self._id_names(change)
        if where.id is None:
            given = [body[name] for name in names if isinstance(body, dict) and body.get(name) is not None]
            id = given[0] if given else self.world.new_id(where)
        for name in names:
            entity[name] = id
        return entity, id

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
        return drawn(change.contract, content, seed, suggest)

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
