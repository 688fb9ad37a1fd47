"""An interface as JSON Schemas any validator takes as they are: one a table, request, answer and set of parameters.

Follows JSON Schema 2020-12. Keywords beginning with `x-` stay: they carry element and sensitivity.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from specs.model import Interface, Operation
from specs.schema import Schema
from specs.words import say

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def jsonschema(interface: Interface) -> dict[str, Schema]:
    """Self-contained schemas by name: `<table>`; `<operation>.request`, `<operation>.<status>`,
    `<operation>.parameters` (an object with one member a parameter, under `path`, `query`, `header`, `cookie`)."""
    made: dict[str, Schema] = {}
    for table in interface.tables:
        words = {"title": say(table.title), "description": say(table.description)}
        made[table.name] = _complete(interface, table.name, table.schema, words)
    for operation in interface.operations:
        words = {"title": say(operation.summary), "description": say(operation.description)}
        for part, schema in _parts(operation):
            name = f"{operation.id}.{part}"
            made[name] = _complete(interface, name, schema, words)
    return made


def _parts(operation: Operation) -> list[tuple[str, Schema]]:
    parts: list[tuple[str, Schema]] = []
    if operation.parameters:
        parts.append(("parameters", _parameters(operation)))
    for content in operation.body.contents if operation.body else ():
        if content.is_json and content.schema is not None:
            parts.append(("request", content.schema))
            break
    for response in operation.responses:
        answer = response.content()
        if answer and answer.is_json and answer.schema is not None:
            parts.append((response.status, answer.schema))
    return parts


def _parameters(operation: Operation) -> Schema:
    places: dict[str, Schema] = {}
    for parameter in operation.parameters:
        place = places.setdefault(parameter.location, {"type": "object", "properties": {}})
        place["properties"][parameter.name] = parameter.schema
        if parameter.required:
            place.setdefault("required", []).append(parameter.name)
    made: Schema = {"type": "object", "properties": places}
    if needed := [name for name, place in places.items() if "required" in place]:
        made["required"] = needed
    return made


def _complete(interface: Interface, name: str, schema: Schema, words: Mapping[str, str]) -> Schema:
    parts = ":".join(quote(part, safe="") for part in (interface.id, interface.version, name))
    head: dict[str, Any] = {"$schema": DIALECT, "$id": f"urn:tongban:schema:{parts}"}
    beside = {word: said for word, said in words.items() if said and word not in schema}
    return {**head, **beside, **interface.standalone(schema)}
