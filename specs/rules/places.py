"""Where the schemas of an interface stand: what most rules walk over."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from specs.model import Content, Field, Interface, Operation, Parameter, Response, make_field
from specs.schema import Schema, escape, references, subschemas
from specs.words import NOTHING

if TYPE_CHECKING:
    from specs.binding import Binding
    from specs.carriers import Carrier

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[\u3400-\u9fff]+")


@lru_cache(maxsize=8)
def contents(interface: Interface) -> tuple[Content, ...]:
    """The contents of all bodies and responses, each place once."""
    found: dict[tuple[str, str], Content] = {}
    for operation in interface.operations:
        bodies = operation.body.contents if operation.body else ()
        for content in (*bodies, *(c for response in operation.responses for c in response.contents)):
            found.setdefault((content.pointer, content.media_type), content)
    return tuple(found.values())


@lru_cache(maxsize=8)
def operations(interface: Interface) -> tuple[Operation, ...]:
    """The operations the document writes out; of a mere reference in place of one nothing else can be said."""
    return tuple(operation for operation in interface.operations if not is_reference(interface, operation.pointer))


def is_reference(interface: Interface, pointer: str) -> bool:
    """Whether a reference stands at the pointer of a thing: one that was not followed, as others are named by where
    they lead. That it leads nowhere is told already."""
    said = written(interface, pointer)
    return isinstance(said, dict) and "$ref" in said


@lru_cache(maxsize=8)
def parameters(interface: Interface) -> tuple[Parameter, ...]:
    """The parameters of all operations, each place once."""
    every = (parameter for operation in interface.operations for parameter in operation.parameters)
    return tuple({parameter.pointer: parameter for parameter in every}.values())


def is_ignored(parameter: Parameter) -> bool:
    """Whether OpenAPI takes no notice of a parameter: three headers are described in other places."""
    return parameter.location == "header" and parameter.name.lower() in ("accept", "authorization", "content-type")


@lru_cache(maxsize=8)
def schemas(interface: Interface) -> tuple[tuple[str, Schema], ...]:
    """Every schema of the interface, inner ones too, with its pointer; each place once."""
    found: dict[str, Schema] = {}
    for pointer, root in _roots(interface):
        if pointer not in found:
            for at, schema in subschemas(root, pointer):
                found.setdefault(at, schema)
    return tuple(found.items())


def _roots(interface: Interface) -> Iterator[tuple[str, Schema]]:
    for name, schema in interface.definitions.items():
        yield interface.origins.get(name, ""), schema
    for content in contents(interface):
        if content.schema is not None:
            yield schema_pointer(interface, content.pointer), content.schema
    headers = (h for o in interface.operations for r in o.responses for h in r.headers)
    for parameter in (*parameters(interface), *headers):
        yield schema_pointer(interface, parameter.pointer), parameter.schema
    for table in interface.tables:
        for field in table.fields:
            yield field.pointer, field.schema


def schema_pointer(interface: Interface, pointer: str) -> str:
    """The pointer of the schema of a parameter or content (Swagger 2.0 writes it into the parameter
    itself)."""
    value = written(interface, pointer)
    return f"{pointer}/schema" if isinstance(value, dict) and "schema" in value else pointer


def written(interface: Interface, pointer: str) -> Any:
    """What the document itself says at a pointer, None if nothing."""
    document, inner = interface.place(pointer)
    value: Any = document.value
    for token in inner.split("/")[1:]:
        name = token.replace("~1", "/").replace("~0", "~")
        try:
            value = value[int(name)] if isinstance(value, list) else value[name]
        except (KeyError, IndexError, ValueError, TypeError):
            return None
    return value


@lru_cache(maxsize=8)
def objects(interface: Interface) -> tuple[tuple[str, tuple[Field, ...]], ...]:
    """The fields of each object schema and each table, with the pointer of what holds them."""
    if interface.tables:
        return tuple((table.pointer, table.fields) for table in interface.tables)
    return tuple(
        (
            pointer,
            tuple(
                make_field(name, interface.resolve(member), pointer=f"{pointer}/properties/{escape(name)}")
                for name, member in properties.items()
            ),
        )
        for pointer, schema in schemas(interface)
        if (properties := schema.get("properties", NOTHING))
    )


@lru_cache(maxsize=8)
def bound(interface: Interface) -> tuple[tuple[Carrier, Binding | None], ...]:
    """Every field with the data element it declares or most probably carries."""
    from specs.binding import bindings  # loads the dictionary: only when a rule asks

    return tuple(bindings(interface))


@lru_cache(maxsize=8)
def answers(interface: Interface) -> tuple[tuple[Operation, Response], ...]:
    """The responses of all operations, each place once, with the first operation that gives it."""
    found: dict[str, tuple[Operation, Response]] = {}
    for operation in interface.operations:
        for response in operation.responses:
            found.setdefault(response.pointer, (operation, response))
    return tuple(found.values())


@lru_cache(maxsize=8)
def requests(interface: Interface) -> tuple[tuple[str, Schema], ...]:
    """Every schema a request body consists of, as `schemas` gives them."""
    bodies = (operation.body for operation in interface.operations if operation.body)
    roots = {
        schema_pointer(interface, content.pointer): content.schema
        for body in bodies
        for content in body.contents
        if content.schema is not None
    }
    wanted = [name for schema in roots.values() for name in references(schema)]
    reached: set[str] = set()
    while wanted:
        name = wanted.pop()
        if name not in reached and name in interface.definitions:
            reached.add(name)
            roots.setdefault(interface.origins.get(name, ""), interface.definitions[name])
            wanted += references(interface.definitions[name])
    inner = {at: part for pointer, schema in roots.items() for at, part in subschemas(schema, pointer)}
    return tuple(inner.items())


def types_of(schema: Schema) -> frozenset[str]:
    """The types a schema names, but for null; none if it does not say."""
    named = schema.get("type")
    every = [named] if isinstance(named, str) else named if isinstance(named, list) else []
    return frozenset(word for word in every if isinstance(word, str)) - {"null"}


def spelled(name: str) -> list[str]:
    """The words of a name, lower case: `mother_idNo` → mother, id, no."""
    return [word.lower() for word in _WORDS.findall(name)]


def title_of(operation: Operation) -> str:
    """How messages call an operation: GET /marriages."""
    return f"{operation.method} {operation.path}"


def some(every: Iterable[str], limit: int = 5) -> str:
    """The first names, and how many more there are."""
    names = list(every)
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more
