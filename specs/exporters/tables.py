"""The tables an interface has, or would have: those of a dataset, and for a service one for each body it answers."""

from __future__ import annotations

import re
from dataclasses import replace

from specs.model import Field, Interface, Operation, Table
from specs.schema import Schema, definition_name
from specs.words import say


def tables(interface: Interface) -> tuple[Table, ...]:
    """The tables of a dataset; for a service, one for each distinct body of a successful JSON answer.

    A table of a service is named after its schema, else after the operation; operations that answer the same schema
    share it. Lists stand for their items. Answers without fields (a number, nothing) make no table.
    """
    if interface.tables or not interface.operations:
        return interface.tables
    made: dict[str, Table] = {}
    for operation in interface.operations:
        schema = answer(operation)
        if schema is None or not (fields := interface.fields(schema)):
            continue
        name = _name(schema) or identifier(operation.id)
        if name not in made:
            shape = interface.resolve(schema)
            title = shape.get("title")
            said = operation.summary if not isinstance(title, str) else {"zh_CN": title}
            made[name] = Table(name, _title(said, shape), tuple(_flat(interface, field) for field in fields))
    return tuple(made.values())


def answer(operation: Operation) -> Schema | None:
    """The schema of the JSON body of the first successful answer, None without one."""
    content = operation.success.content() if operation.success else None
    return content.schema if content and content.is_json else None


def identifier(text: str) -> str:
    """`text` as an identifier of ASCII letters, digits and underscores that begins with no digit."""
    made = re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_")
    return f"_{made}" if made[:1].isdigit() else made


def _name(schema: Schema) -> str:
    target = schema.get("$ref") or (schema.get("items") or {}).get("$ref")
    return identifier(definition_name(target)) if isinstance(target, str) else ""


def _title(said: object, shape: Schema) -> dict[str, str]:
    english = shape.get("x-en")
    made = dict(said) if isinstance(said, dict) else {}
    if isinstance(english, dict) and isinstance(english.get("title"), str):
        made["en"] = english["title"]
    return made


def _flat(interface: Interface, field: Field) -> Field:
    return replace(field, schema=interface.standalone(field.schema), pointer="")


def words_of(field: Field, language: str) -> str:
    """What a person calls a field: its title, else the first line of its description, else its name."""
    first = say(field.description, language).strip().split("\n")[0]
    return say(field.title, language) or first or field.name
