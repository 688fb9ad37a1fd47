"""Where the schemas of an interface stand: what most rules walk over."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from specs.model import Content, Field, Interface, Parameter
from specs.schema import Schema, escape, subschemas
from specs.words import NOTHING


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
def parameters(interface: Interface) -> tuple[Parameter, ...]:
    """The parameters of all operations, each place once."""
    every = (parameter for operation in interface.operations for parameter in operation.parameters)
    return tuple({parameter.pointer: parameter for parameter in every}.values())


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


def objects(interface: Interface) -> Iterator[tuple[str, tuple[Field, ...]]]:
    """The fields of each object schema and each table, with the pointer of what holds them."""
    from specs.model import make_field

    if interface.tables:
        for table in interface.tables:
            yield table.pointer, table.fields
        return
    for pointer, schema in schemas(interface):
        properties = schema.get("properties", NOTHING)
        if properties:
            yield (
                pointer,
                tuple(
                    make_field(name, interface.resolve(member), pointer=f"{pointer}/properties/{escape(name)}")
                    for name, member in properties.items()
                ),
            )


def some(names: list[str], limit: int = 5) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more
