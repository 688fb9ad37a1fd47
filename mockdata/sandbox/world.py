"""What exists behind an interface: virtual things that follow from the seed, under the overlay of what was
written.

A thing is a function of (seed, collection, id), so reading it twice, or in a list and by its id, gives the
same facts, and nothing has to be kept for things nobody wrote.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from mockdata.instances import Instances, Unsatisfiable
from mockdata.instances.lifelike import tokens
from mockdata.instances.suggestions import Source, Suggestions, lookup
from mockdata.sandbox.contract import Contract, Reader, instances
from mockdata.sandbox.overlay import Overlay
from mockdata.sandbox.parameters import Shape, write
from mockdata.sandbox.resources import Layout, Resource, Resources, Role
from mockdata.seeds import stream
from specs.model import Content, Interface, Operation, Response

KEPT = 4_096  # virtual things kept ready
Entity = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """A concrete thing or collection: its resource, the path of its collection with parameters filled in, the
    id of the thing (None: the collection itself), and the values of the path parameters."""

    resource: Resource
    collection: str
    id: str | None
    path: Mapping[str, Any]


def place(resource: Resource, raw: Mapping[str, Any]) -> Place:
    """The place a request's path parameters name."""
    collection = resource.collection
    for name, value in raw.items() if "{" in collection else ():
        collection = collection.replace(f"{{{name}}}", quote(write(value), safe=""))
    if resource.parameter is None:
        return Place(resource, collection, "", raw)
    known = raw.get(resource.parameter)
    return Place(resource, collection, None if known is None else write(known), raw)


def json_content(response: Response | None) -> Content | None:
    """The content of a response that carries a JSON value, else any with a schema."""
    if response is None:
        return None
    contents = [one for one in response.contents if one.is_json] or [one for one in response.contents if one.schema]
    return contents[0] if contents else None


class World:
    """The things of one interface. `contract_of` gives the compiled contract of an operation."""

    def __init__(
        self, interface: Interface, contract_of: Callable[[Operation], Contract], overlay: Overlay, seed: int | str
    ) -> None:
        self.interface = interface
        self.resources = Resources(interface)
        self.overlay = overlay
        self.seed = seed
        self.contract_of = contract_of
        self._kept: OrderedDict[tuple[str, str, str], Any] = OrderedDict()
        self._ids: dict[str, Instances] = {}
        self._base_ids: dict[tuple[str, int], list[str]] = {}
        self._items: dict[str, Instances] = {}
        self._above: dict[str, tuple[Resource, ...]] = {}
        self._layouts: dict[tuple[str, str], Layout] = {}
        self._based: dict[str, bool] = {}

    def role(self, operation: Operation) -> tuple[Role, Resource | None]:
        """What an operation does, and to which resource."""
        return self.resources.roles[operation.id]

    def layout(self, content: Content, resource: Resource, role: Role) -> Layout:
        """Where the thing stands in a body of this content."""
        key = (content.pointer or content.media_type, f"{role} {resource.collection}")
        if key not in self._layouts:
            self._layouts[key] = self.resources.layout(content, resource, role)
        return self._layouts[key]

    def based(self, resource: Resource) -> bool:
        """Whether things nobody wrote exist: not where rules of the document say which ones come to be."""
        if resource.collection not in self._based:
            self._based[resource.collection] = not self._ruled(resource)
        return self._based[resource.collection]

    def _ruled(self, resource: Resource) -> bool:
        for role in (Role.CREATE, Role.READ):
            operation = self.resources.operation(resource, role)
            rules = operation.extensions.get("x-mock-rules") if operation is not None else None
            if isinstance(rules, list) and any(isinstance(rule, dict) and rule.get("store") for rule in rules):
                return True
        return False

    def exists(self, where: Place) -> bool:
        """Whether the thing at a place is there to be read."""
        if where.id is None:
            return True
        record = self.overlay.get(self.interface.id, where.collection, where.id)
        if record is not None:
            return not record.deleted
        return self.based(where.resource)

    def orphaned(self, where: Place) -> bool:
        """Whether something the place lies in was deleted: "/owners/7" for "/owners/7/pets"."""
        collection = where.resource.collection
        above = self._above.get(collection)
        if above is None:
            known = {one for _, one in self.resources.roles.values() if one is not None and one.parameter is not None}
            above = self._above[collection] = tuple(
                one for one in known if collection.startswith(f"{one.collection.rstrip('/')}/{{{one.parameter}}}/")
            )
        for one in above:
            parent = place(one, where.path)
            record = self.overlay.get(self.interface.id, parent.collection, parent.id or "")
            if record is not None and record.deleted:
                return True
        return False

    def written(self, where: Place) -> Entity | None:
        """What callers have written at a place, None when nobody has."""
        if where.id is None:
            return None
        record = self.overlay.get(self.interface.id, where.collection, where.id)
        return None if record is None else record.value

    def entity(self, where: Place, asked: Source | None = None) -> Entity:
        """The facts of a thing that exists: written, else virtual."""
        written = self.written(where)
        return written if written is not None else self._virtual(where, asked)

    def _virtual(self, where: Place, asked: Source | None) -> Entity:
        reader = self.resources.operation(where.resource, Role.READ)
        content = json_content(reader.success) if reader is not None else None
        return {} if reader is None or content is None else self._read(reader, content, where, asked)

    def _read(self, reader: Operation, content: Content, where: Place, asked: Source | None) -> Entity:
        body = self.body(self.contract_of(reader), content, where, asked)
        try:
            found = lookup(body, self.layout(content, where.resource, Role.READ).entity)
        except LookupError:
            return {}
        return found if isinstance(found, dict) else {}

    def shown(self, where: Place, asked: Source | None = None) -> Entity:
        """A thing that exists as it is read: what nobody may see is left out. Raises Unsatisfiable."""
        reader = self.resources.operation(where.resource, Role.READ)
        content = json_content(reader.success) if reader is not None else None
        if reader is None or content is None or content.schema is None:
            return self.entity(where, asked)
        return self._read(reader, content, where, asked)

    def body(self, contract: Contract, content: Content, where: Place, asked: Source | None = None) -> Any:
        """The body by which a reading operation shows the thing at a place. Raises Unsatisfiable."""
        layout = self.layout(content, where.resource, Role.READ)
        written = self.written(where)
        key = (content.pointer or content.media_type, where.collection, where.id or "")
        if written is None and key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        suggest = Suggestions()
        if where.id is not None and layout.field is not None:
            suggest.lay(self._own_id(where), (*layout.entity, layout.field))
        if written is not None:
            suggest.lay(dict(written), layout.entity)
        elif asked is not None and contract.bound(content):
            suggest.ask(asked)
        if (named := path_source(where.path)) is not None:
            suggest.ask(named)
        seed = stream(self.seed, self.interface.id, where.collection, where.id or "")
        body = contract.answer(content).example(seed, suggest, lean=written is not None)
        if written is None:
            self._kept[key] = body
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return body

    @staticmethod
    def _own_id(where: Place) -> Any:
        parameter = where.resource.parameter
        return where.path[parameter] if parameter is not None and parameter in where.path else where.id

    def base_ids(self, where: Place, count: int) -> list[str]:
        """The ids of the first `count` virtual things of a collection."""
        if not self.based(where.resource):
            return []
        known = self._base_ids.get((where.collection, count))
        if known is not None:
            return known
        makers = self._id_instances(where.resource)
        seed = stream(self.seed, self.interface.id, where.collection, "id")
        found: dict[str, None] = {}
        for number in range(count * 4):
            if len(found) >= count:
                break
            text = write(makers.example(stream(seed, number)))
            if text and "/" not in text:
                found[text] = None
        if len(self._base_ids) >= KEPT:
            self._base_ids.clear()
        return self._base_ids.setdefault((where.collection, count), list(found))

    def new_id(self, where: Place) -> Any:
        """An id no thing of the collection has."""
        makers = self._id_instances(where.resource)
        taken = self.overlay.records(self.interface.id, where.collection)
        for _ in range(200):
            number = self.overlay.count(f"{self.interface.id} {where.collection}")
            value = makers.example(stream(self.seed, self.interface.id, where.collection, "new", number))
            if write(value) not in taken and write(value):
                return value
        return f"{self.overlay.count('id')}"

    def _id_instances(self, resource: Resource) -> Instances:
        if resource.collection not in self._ids:
            self._ids[resource.collection] = self._make_ids(resource)
        return self._ids[resource.collection]

    def _make_ids(self, resource: Resource) -> Instances:
        """Ids the path takes and the things themselves show, where both agree on any."""
        shown = self._id_schemas(resource)
        for role in (Role.READ, Role.REPLACE, Role.PATCH, Role.DELETE):
            operation = self.resources.operation(resource, role)
            for reader in self.contract_of(operation).readers if operation is not None else ():
                if reader.parameter.location != "path" or reader.parameter.name != resource.parameter:
                    continue
                named = reader.parameter.schema
                ways = [[named, *shown], *([named, one] for one in shown), shown, *([one] for one in shown), [named]]
                for parts in ways:
                    if not parts:
                        continue
                    for schema in (self._tidy(parts), {"allOf": parts}):
                        made = instances(self.interface, schema)
                        if _drawable(made) and _named_by(reader, made):
                            return made
                if _drawable(reader.check):
                    return reader.check
        return Instances({"type": "string", "format": "uuid"})

    def _id_schemas(self, resource: Resource) -> list[Any]:
        """The schemas of the member that holds the id, in what is read, listed and created."""
        found: list[Any] = []
        for role in (Role.READ, Role.LIST, Role.CREATE):
            operation = self.resources.operation(resource, role)
            content = json_content(operation.success) if operation is not None else None
            if content is None:
                continue
            layout = self.layout(content, resource, role)
            shape = Shape(content.schema, self.interface.resolve)
            for token in layout.items or ():
                shape = shape.member(str(token))
            shape = shape.item() if layout.items is not None else shape
            for token in layout.entity:
                shape = shape.member(str(token))
            schema = shape.members.get(layout.field or "")
            if isinstance(schema, dict) and schema not in found:
                found.append(schema)
        return found

    def _tidy(self, parts: list[Any]) -> dict[str, Any]:
        """The schemas together; ids nothing is said about are letters and digits, or count from 1."""
        resolved = [self.interface.resolve(part) for part in parts]
        words = {word for part in resolved for word in part}
        kinds = {part["type"] for part in resolved if isinstance(part.get("type"), str)}
        schema: dict[str, Any] = {"allOf": parts}
        if words & {"pattern", "format", "enum", "const", "oneOf", "anyOf", "allOf"}:
            if kinds <= {"integer", "number"} and kinds and "minimum" not in words:
                schema["minimum"] = 1
        elif kinds <= {"string"}:
            schema |= {"type": "string", "pattern": "^[A-Za-z0-9]+$"}
        elif kinds <= {"integer", "number"} and "minimum" not in words:
            schema["minimum"] = 1
        return schema

    def item_instances(self, content: Content, layout: Layout) -> Instances:
        """The instances of the items of a list."""
        key = content.pointer or content.media_type
        if key not in self._items:
            shape = Shape(content.schema, self.interface.resolve)
            for token in layout.items or ():
                shape = shape.member(str(token))
            self._items[key] = instances(self.interface, shape.items, sending=True)
        return self._items[key]


def _drawable(makers: Instances) -> bool:
    try:
        makers.example(0)
    except Unsatisfiable:
        return False
    return True


def _named_by(reader: Reader, makers: Instances) -> bool:
    """Whether a path can name what is drawn."""
    for seed in range(3):
        value = makers.example(seed)
        text = write(value)
        if not text or "/" in text or not (reader.check.accepts(value) or reader.check.accepts(text)):
            return False
    return True


def path_source(path: Mapping[str, Any]) -> Source | None:
    """Offers the value of a path parameter to members of the same name; that of "order" to an "order id", too. None for
    a path that has nothing to offer.
    """
    by_words = {tokens(name): value for name, value in path.items() if tokens(name) not in ("id", "format", "version")}
    if not by_words:
        return None

    def source(at: tuple[str | int, ...], schemas: Any) -> list[Any]:
        if not at or not isinstance(at[-1], str):
            return []
        words = tokens(at[-1])
        found = by_words.get(words, by_words.get(words.removesuffix(" id")))
        return [] if found is None else [found]

    return source
