"""Any interface as a data contract: Open Data Contract Standard 3.1.0.

A document that is a contract already stays as its author wrote it, brought to 3.1.0: members that version does not
know (those of 3.2, a vendor's own) become custom properties of the same name. What the model says otherwise than the
document (a version raised, an element bound) is written anew. A service gives one table for each body it answers.
"""

from __future__ import annotations

import re
from typing import Any

from specs.exporters.columns import column, custom, words_into
from specs.exporters.contract_revised import named
from specs.exporters.contract_upgrade import upgraded
from specs.exporters.tables import tables
from specs.model import ForeignKey, Interface, Table
from specs.reading import read
from specs.words import is_chinese

API_VERSION = "v3.1.0"


def contract(interface: Interface) -> dict[str, Any]:
    """The contract as plain data. Never raises for an interface that was read."""
    written = interface.document.value
    if isinstance(written, dict) and written.get("kind") == "DataContract":
        return _revised(upgraded(written), interface)
    return from_model(interface)


def from_model(interface: Interface) -> dict[str, Any]:
    """The contract written from the model alone, whatever document that was read from."""
    made: dict[str, Any] = {
        "apiVersion": API_VERSION,
        "kind": "DataContract",
        "id": interface.id,
        "name": interface.title.get("zh_CN") or interface.title.get("en") or interface.id,
        "version": interface.version,
        "status": "draft",
    }
    _head(made, interface)
    schema = [_table(table) for table in tables(interface)]
    extensions = dict(interface.extensions)
    if isinstance(entry := extensions.pop("x-catalogue", None), dict):
        extensions.setdefault("catalogue", entry)
    for word in ("x-interface-id", "x-department", "x-en", "title_en", "description_en"):
        extensions.pop(word, None)
    if interface.department:
        extensions["department"] = interface.department
    for name, value in extensions.items():
        custom(made, name, value)
    if schema:
        made["schema"] = schema
    return {**{word: made[word] for word in _ORDER if word in made}, **made}


_ORDER = ("apiVersion", "kind", "id", "name", "version", "status", "description", "schema")


def _head(made: dict[str, Any], interface: Interface) -> None:
    """Name and description in the standard's places, their English as custom properties."""
    title, description = interface.title, interface.description
    if title.get("en") and (title.get("zh_CN") or is_chinese(title["en"])):
        custom(made, "title_en", title["en"])
    first = description.get("zh_CN") or description.get("en", "")
    if first:
        made["description"] = {"purpose": first}
    if description.get("en") and (description["en"] != first or is_chinese(first)):
        custom(made, "description_en", description["en"])


def _table(table: Table) -> dict[str, Any]:
    made: dict[str, Any] = {"name": table.name, "logicalType": "object", "physicalType": "table"}
    words_into(made, table.title, table.description, "businessName")
    known = {one["property"] for one in made.get("customProperties", ())}
    if table.register and "register" not in table.extensions:
        custom(made, "register", table.register)
    for name, value in table.extensions.items():
        if name not in known | {"title_en", "description_en", "en"}:
            custom(made, name, value)
    places = {name: number for number, name in enumerate(table.primary_key, 1)}
    made["properties"] = [column(field, places.get(field.name, 0)) for field in table.fields]
    for key in table.foreign_keys:
        _relate(made, table, key)
    if table.quality:
        made["quality"] = [dict(rule) for rule in table.quality]
    return made


def _relate(made: dict[str, Any], table: Table, key: ForeignKey) -> None:
    """Add a relationship; one between names the standard's references cannot hold stays as a custom property."""
    start = [_reference(table.name, name) for name in key.fields]
    end = [_reference(key.table, name) for name in key.target_fields]
    if not all((*start, *end)):
        said = {"fields": list(key.fields), "table": key.table, "targetFields": list(key.target_fields)}
        custom(made, "foreignKey", {**said, "interface": key.interface} if key.interface else said)
        return
    one = len(start) == 1
    relation = {"type": "foreignKey", "from": start[0] if one else start, "to": end[0] if one else end}
    if key.interface:
        custom(relation, "interface", key.interface)
    made.setdefault("relationships", []).append(relation)


def _reference(table: str, name: str) -> str:
    """`table.field`, else `schema/table/properties/field` for names with hyphens or digits first, else ""."""
    if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*\.[A-Za-z_][A-Za-z0-9_]*", f"{table}.{name}"):
        return f"{table}.{name}"
    plain = re.fullmatch(r"[A-Za-z0-9_-]+/[A-Za-z0-9_-]+", f"{table}/{name}")
    return f"schema/{table}/properties/{name}" if plain else ""


def _revised(made: dict[str, Any], interface: Interface) -> dict[str, Any]:
    """`made` (the document) with what the model says otherwise."""
    original = read(interface.document.text, interface.document.name)
    if interface.version != original.version:
        made["version"] = interface.version
    if interface.id != original.id:
        made["id"] = interface.id
    if (interface.title, interface.description) != (original.title, original.description):
        _drop(made, {"title_en", "description_en"})
        made["name"] = interface.title.get("zh_CN") or interface.title.get("en") or interface.id
        _head(made, interface)
    if interface.tables != original.tables:
        made["schema"] = _tables_revised(made, original, interface)
    return made


def _tables_revised(made: dict[str, Any], original: Interface, interface: Interface) -> list[Any]:
    raw = made.get("schema")
    entries = raw if isinstance(raw, list) else []
    before = {table.name: table for table in original.tables}
    for entry in entries:
        table = next(
            (one for one in interface.tables if isinstance(entry, dict) and one.name == entry.get("name")), None
        )
        if table is None or table.name not in before:
            continue
        if table.foreign_keys != before[table.name].foreign_keys:  # written anew, all at the table
            entry.pop("relationships", None)
            for field in entry.get("properties") or ():
                field.pop("relationships", None)
        if table.primary_key != before[table.name].primary_key:
            for field in entry.get("properties") or ():
                if field.get("name") in table.primary_key:
                    field["primaryKeyPosition"] = table.primary_key.index(field["name"]) + 1
    old, new = ([_table(table) for table in one.tables] for one in (original, interface))
    return named(entries, old, new)


def _drop(made: dict[str, Any], names: set[str]) -> None:
    if isinstance(listed := made.get("customProperties"), list):
        made["customProperties"] = [
            one for one in listed if not (isinstance(one, dict) and one.get("property") in names)
        ]
