"""A table completed by what the schema of its rows says beyond its fields."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mockdata.tables import arrow
from mockdata.tables.alternatives.clauses import Clauses, clauses, offered, required
from specs.model import Field, Interface, Table, make_field

_WORDS = ("title", "description", "x-element", "x-sensitivity", "x-en", "format", "multipleOf", "x-physical-type")


OFFERED = "x-offered"
"""Of a field only alternatives describe: what they say of it."""
_FLAT = ("string", "integer", "number", "boolean")
_COUNTS = ("minItems", "maxItems", "uniqueItems")


def bound(interface: Interface, table: Table) -> Clauses | None:
    """What binds the rows of a table as a whole; None when every field stands for itself."""
    schema = row_schema(interface, table)
    if schema is None or not (arrow.irregularities(schema) or {"const", "enum"} & schema.keys()):
        return None
    found = clauses(schema, interface.resolve, len(table.fields))
    return found if found.choices or len(found.plain) > 1 or _closed(found) else None


def _closed(found: Clauses) -> bool:
    return any({"patternProperties", "additionalProperties", "propertyNames"} & part.keys() for part in found.plain)


def row_schema(interface: Interface, table: Table) -> dict[str, Any] | None:
    """The schema of a row, where the document has one; an array stands for its items."""
    schema = table.extensions.get("schema")
    while isinstance(schema, dict) and isinstance(items := interface.resolve(schema).get("items"), dict):
        schema = items
    return schema if isinstance(schema, dict) else None


def completed(interface: Interface, table: Table) -> Table:
    """The table with every field its rows may have. A field only alternatives describe gets what they have in common,
    or all of them (`anyOf`, JSON text) when they are of different kinds. Completing a table twice changes nothing.
    """
    rules, schema = bound(interface, table), row_schema(interface, table)
    if rules is None or schema is None:
        return table
    plain, only = dict[str, Any](), dict[str, list[dict[str, Any]]]()
    for name, inner, always in offered(schema, interface.resolve):
        if always and inner is not None:
            plain.setdefault(name, inner)
        known = only.setdefault(name, [])
        if inner is not None and inner not in known:
            known.append(inner)
    always_there = required(rules)
    fields = []
    known_fields = {field.name: field for field in table.fields}
    for name in [*known_fields, *(name for name in only if name not in known_fields)]:
        field = known_fields.get(name)
        if field is None or (name not in plain and name in only):
            pointer = table.pointer if field is None else field.pointer
            made = make_field(name, _common(only[name], interface), pointer=pointer)
            field = made if field is None else _renewed(field, made)
        fields.append(replace(field, required=field.required or name in always_there))
    return replace(table, fields=tuple(fields))


def _renewed(field: Field, made: Field) -> Field:
    return replace(field, schema=made.schema, element=field.element or made.element)


def _common(schemas: list[dict[str, Any]], interface: Interface) -> dict[str, Any]:
    """What values of these schemas have in common: their kind, not their limits, since no alternative speaks for the
    others. All of them are kept as OFFERED.
    """
    told = [schema for schema in (interface.resolve(one) for one in schemas) if _telling(schema)]
    if not told:
        return schemas[0] if schemas else {}
    kinds = {arrow.json_type(schema) for schema in told}
    types = {arrow.type_of(schema, interface.resolve) for schema in told}
    words = {w: v for schema in reversed(told) for w, v in schema.items() if w in _WORDS}
    same = {w: v for w, v in words.items() if w.startswith(("title", "desc", "x-"))} | {OFFERED: told}
    if len(told) == 1 and kinds <= {"object", "array"}:
        return {**{w: v for w, v in told[0].items() if w not in _COUNTS}, **same}
    if len(types) > 1 or len(kinds) > 1 or not kinds <= set(_FLAT) or any(map(arrow.is_irregular, told)):
        return {**same, "anyOf": told}
    same |= {w: v for w, v in words.items() if all(schema.get(w) == v for schema in told)}
    name: Any = kinds.pop()
    return {**same, "type": [name, "null"] if any(arrow.nullable(schema) for schema in told) else name}


def _telling(schema: dict[str, Any]) -> bool:
    """Whether a schema says anything of the values."""
    return any(not word.startswith("x-") and word not in ("title", "description") for word in schema)
