"""Which operations read and write the same things: resources recognised from paths and schemas.

`/orders` and `/orders/{id}` are a collection and its items; what an item is called by, and where in an answer
the item or the list of items stands, follows from the schemas. `x-resource: {collection, id, field}` on an
operation overrules.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from mockdata.instances.lifelike import tokens
from mockdata.sandbox.parameters import Shape
from specs.model import Content, Interface, Operation

Path = tuple[str | int, ...]

_PARAMETER = re.compile(r"\{([^{}/]+)\}$")
_WRAPPERS = ("data", "result", "item", "record", "resource", "response", "payload", "body", "content", "attributes")
_LISTS = ("items", "results", "data", "records", "entries", "elements", "rows", "list", "content", "features", "values")


class Role(StrEnum):
    """What an operation does to its resource."""

    LIST = "list"
    CREATE = "create"
    READ = "read"
    REPLACE = "replace"
    PATCH = "patch"
    DELETE = "delete"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind of thing. `collection` is the path template of the collection, `parameter` the path parameter
    that names one (None: there is only one), `field` the member of the thing that holds the same id."""

    collection: str
    parameter: str | None
    field: str | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the thing stands in a body: `entity` is the path of the object (or, in a list, of one inside each
    item), `items` the path of the array for lists, `field` the id's name inside the object."""

    entity: Path = ()
    items: Path | None = None
    field: str | None = None


class Resources:
    """The resources of one interface."""

    def __init__(self, interface: Interface) -> None:
        self.interface = interface

    @cached_property
    def roles(self) -> Mapping[str, tuple[Role, Resource | None]]:
        """Role and resource of each operation, by operation id."""
        return {one.id: self._role(one) for one in self.interface.operations}

    @cached_property
    def _by_path(self) -> dict[str, list[Operation]]:
        found: dict[str, list[Operation]] = {}
        for operation in self.interface.operations:
            found.setdefault(_plain(operation.path), []).append(operation)
        return found

    @cached_property
    def _items(self) -> dict[str, str]:
        """Collection path → name of the item parameter, for every path that ends in a parameter of its
        own.
        """
        found: dict[str, str] = {}
        for path in self._by_path:
            head, _, last = path.rpartition("/")
            named = _PARAMETER.fullmatch(last)
            if named and any(one.method in ("GET", "PUT", "PATCH", "DELETE") for one in self._by_path[path]):
                found.setdefault(head or "/", named[1])
        return found

    def _role(self, operation: Operation) -> tuple[Role, Resource | None]:
        hint = operation.extensions.get("x-resource")
        path = _plain(operation.path)
        if isinstance(hint, dict) and isinstance(hint.get("collection"), str):
            resource = Resource(hint["collection"], hint.get("id"), hint.get("field"))
            return self._verb(operation, resource, path != hint["collection"]), resource
        head, _, last = path.rpartition("/")
        named = _PARAMETER.fullmatch(last)
        if named and self._items.get(head or "/") is not None:
            resource = Resource(head or "/", named[1])
            return self._verb(operation, resource, item=True), resource
        if path in self._items:
            resource = Resource(path, self._items[path])
            return self._verb(operation, resource, item=False), resource
        methods = {one.method for one in self._by_path[path]}
        if "GET" in methods and methods & {"PUT", "PATCH"} and "POST" not in methods:
            resource = Resource(path, None)
            return self._verb(operation, resource, item=True), resource
        if operation.method == "POST" and any(one.status == "201" for one in operation.responses):
            return Role.CREATE, Resource(path, None)
        return Role.OTHER, None

    def _verb(self, operation: Operation, resource: Resource, item: bool) -> Role:
        if item:
            roles = {"GET": Role.READ, "PUT": Role.REPLACE, "PATCH": Role.PATCH, "DELETE": Role.DELETE}
            return roles.get(operation.method, Role.OTHER)
        if operation.method == "GET":
            return Role.LIST
        return Role.CREATE if operation.method == "POST" and operation.body is not None else Role.OTHER

    def operation(self, resource: Resource, role: Role) -> Operation | None:
        """The operation that plays a role for a resource."""
        return self._playing.get((resource.collection, role))

    @cached_property
    def _playing(self) -> dict[tuple[str, Role], Operation]:
        """Collection and role → the first operation that plays it."""
        found: dict[tuple[str, Role], Operation] = {}
        for operation in self.interface.operations:
            role, resource = self.roles[operation.id]
            if resource is not None:
                found.setdefault((resource.collection, role), operation)
        return found

    def layout(self, content: Content, resource: Resource, role: Role) -> Layout:
        """Where the thing, or the list of things, stands in a body."""
        shape = Shape(content.schema, self.interface.resolve)
        if role is Role.LIST:
            for path, inner in _arrays(shape):
                entity, field = self._entity(inner.item(), resource)
                return Layout(entity, path, field)
            return Layout()
        entity, field = self._entity(shape, resource)
        return Layout(entity, None, field)

    def _entity(self, shape: Shape, resource: Resource) -> tuple[Path, str | None]:
        field = _id_field(shape, resource)
        if field is not None:
            return (), field
        for name in shape.members:
            inner = shape.member(name)
            if inner.members and (tokens(name) in _WRAPPERS or len(shape.members) == 1 or _is_of(name, resource)):
                field = _id_field(inner, resource)
                if field is not None or len(shape.members) == 1:
                    return (name,), field
        return (), None


def _plain(path: str) -> str:
    return "/" + path.partition("?")[0].partition("#")[0].strip("/")


def _singular(word: str) -> str:
    for ending, instead in (("ies", "y"), ("sses", "ss"), ("xes", "x"), ("s", "")):
        if word.endswith(ending) and len(word) > len(ending) + 1 and not word.endswith("ss"):
            return word[: -len(ending)] + instead
    return word


def _noun(resource: Resource) -> str:
    literal = [part for part in resource.collection.split("/") if part and "{" not in part]
    return _singular(tokens(literal[-1]).rpartition(" ")[2]) if literal else ""


def _is_of(name: str, resource: Resource) -> bool:
    noun = _noun(resource)
    return bool(noun) and _singular(tokens(name).rpartition(" ")[2]) == noun


def _id_field(shape: Shape, resource: Resource) -> str | None:
    """The member that holds the id: named like the path parameter, else "id", else "<noun> id"."""
    if resource.field is not None:
        return resource.field if resource.field in shape.members else None
    if resource.parameter is None:
        return None
    by_words = {tokens(name).replace(" ", ""): name for name in reversed(shape.members)}
    noun = _noun(resource)
    parameter = tokens(resource.parameter).replace(" ", "")
    last = tokens(resource.parameter).rpartition(" ")[2]
    for wanted in (parameter, *((last,) if last in ("id", "number", "code", "key", "uuid") else ()), noun + parameter):
        if wanted in by_words:
            return by_words[wanted]
    if parameter in ("id", noun, noun + "id"):
        for wanted in ("id", noun + "id", "uuid", "guid", noun + "number", noun + "code", "code"):
            if wanted in by_words:
                return by_words[wanted]
    return None


def _arrays(shape: Shape) -> Iterator[tuple[Path, Shape]]:
    """The arrays that could be the list in a body: the body itself, then members by how their name sounds."""
    if "array" in shape.kinds and not shape.members:
        yield (), shape
        return
    found: list[tuple[bool, int, int, Path, Shape]] = []
    for at, name in enumerate(shape.members):
        inner = shape.member(name)
        if "array" in inner.kinds:
            said = tokens(name)
            rank = _LISTS.index(said) if said in _LISTS else len(_LISTS)
            found.append((not inner.item().members, rank, at, (name,), inner))
        elif inner.members and tokens(name) in _WRAPPERS:
            for deeper in inner.members:
                second = inner.member(deeper)
                if "array" in second.kinds and second.item().members:
                    found.append((False, len(_LISTS) + 1, at, (name, deeper), second))
    for entry in sorted(found, key=lambda one: one[:3]):
        yield entry[3], entry[4]
