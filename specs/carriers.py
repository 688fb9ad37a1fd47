"""Where an interface has fields: each once, with what stands around it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from specs.model import Field, Interface, make_field
from specs.rules.places import parameters, schema_pointer, schemas
from specs.schema import Schema, escape
from specs.words import say

_LENT = ("type", "format", "enum", "pattern", "minLength", "maxLength", "minimum", "maximum", "items", "properties",
         "title", "description", "x-en", "x-element", "x-sensitivity", "example", "examples")  # fmt: skip
_SILENT = frozenset(
    {"properties", "items", "schema", "components", "schemas", "definitions", "paths", "content", "allOf", "oneOf",
     "anyOf", "$defs", "additionalProperties", "requestBody", "responses", "parameters", "body", "default",
     "get", "put", "post", "patch", "delete", "head", "options"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Carrier:
    """A place that carries a value. `pointer` leads to where `x-element` is, or would be, written; `owner` says in
    words what the field belongs to (name and title of its table or schema); `siblings` are the fields beside it, the
    field itself included; `place` tells them apart: table | schema | parameter."""

    pointer: str
    field: Field
    owner: str
    siblings: tuple[Field, ...]
    place: str


@lru_cache(maxsize=8)
def carriers(interface: Interface) -> tuple[Carrier, ...]:
    """Every field of every table, object schema and operation of the interface, in the document's order."""
    found: dict[str, Carrier] = {}
    for carrier in (*_of_tables(interface), *_of_schemas(interface), *_of_parameters(interface)):
        found.setdefault(carrier.pointer, carrier)
    return tuple(found.values())


def _of_tables(interface: Interface) -> Iterator[Carrier]:
    for table in interface.tables:
        owner = f"{table.name} {say(table.title)}"
        for field in table.fields:
            yield Carrier(field.pointer, field, owner, table.fields, "table")


def _of_schemas(interface: Interface) -> Iterator[Carrier]:
    if interface.tables:
        return
    for pointer, schema in schemas(interface):
        properties = schema.get("properties")
        if not isinstance(properties, dict) or not properties:
            continue
        owner = f"{_spoken(pointer)} {schema.get('title') or ''}".strip()
        siblings = tuple(
            make_field(name, complete(member, interface), pointer=f"{pointer}/properties/{escape(name)}")
            for name, member in properties.items()
        )
        for field in siblings:
            yield Carrier(field.pointer, field, owner, siblings, "schema")


def _of_parameters(interface: Interface) -> Iterator[Carrier]:
    for parameter in parameters(interface):
        schema = complete(parameter.schema, interface)
        made = make_field(parameter.name, schema, required=parameter.required)
        pointer = schema_pointer(interface, parameter.pointer)
        field = replace(
            made, description=parameter.description or made.description, pointer=pointer,
            element=made.element or parameter.element, sensitivity=made.sensitivity or parameter.sensitivity,
        )  # fmt: skip
        yield Carrier(pointer, field, "", (field,), "parameter")


def complete(schema: Schema, interface: Interface) -> Schema:
    """`schema` with its reference followed, and what its `allOf` parts say of a single value where it is silent."""
    schema = interface.resolve(schema)
    for part in schema.get("allOf", ()):
        said = interface.resolve(part)
        schema = {**{word: said[word] for word in _LENT if word in said}, **schema}
    return schema


def _spoken(pointer: str) -> str:
    """The last name in a pointer that says something: of a schema, a property or a path."""
    tokens = [token.replace("~1", "/").replace("~0", "~") for token in pointer.rpartition("#")[2].split("/")]
    for token in reversed(tokens):
        if token.startswith("/"):  # a path template
            parts = [part for part in token.split("/") if part and not part.startswith("{")]
            return parts[-1] if parts else ""
        if token and token not in _SILENT and not token.isdigit() and "/" not in token and not token.endswith("XX"):
            return token
    return ""
