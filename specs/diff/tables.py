"""Two versions of a dataset contract compared: tables, fields, keys, promises. Readers of the data are concerned."""

from __future__ import annotations

from typing import Any

from specs.diff import promises, rows, terms
from specs.diff.change import Side
from specs.diff.leftovers import leftovers
from specs.diff.remarks import sensitivity
from specs.diff.report import Node, Report
from specs.diff.schemas import Schemas
from specs.model import Field, Interface, Table
from specs.rules.places import written

_SIDE = Side.RESPONSE
_TABLE = {
    "name",
    "properties",
    "quality",
    "relationships",
    "businessName",
    "description",
    "logicalType",
    "physicalType",
}
_FIELD = {
    "name", "logicalType", "logicalTypeOptions", "physicalType", "required", "unique", "primaryKey", "quality", "enum",
    "primaryKeyPosition", "relationships", "businessName", "description", "items", "properties", "classification",
    "examples", "authoritativeDefinitions",
}  # fmt: skip
_WRITTEN_ALIKE = {"string", "date", "timestamp", "time"}


def compare(report: Report, schemas: Schemas) -> None:
    """Note every difference between the tables of a report."""
    if rows.are(report.old, report.new):
        rows.compare(report, schemas, report.root(report.new.id))
        return
    ours, theirs = ({table.name: table for table in one.tables} for one in (report.old, report.new))
    for name in [*ours, *(name for name in theirs if name not in ours)]:
        old, new = ours.get(name), theirs.get(name)
        node = report.root(name)
        if old is None and new is not None:
            report.add(node, "table-added", _SIDE, f"table {name} was added", None, new.pointer)
        elif new is None and old is not None:
            report.add(node, "table-removed", _SIDE, f"table {name} was removed", old.pointer, None)
        elif old is not None and new is not None:
            _table(report, schemas, node, old, new)
    whole = report.root("")
    promises.service_levels(report, whole)
    if _is_contract(report.old) and _is_contract(report.new):
        terms.compare(report, whole)


def _table(report: Report, schemas: Schemas, node: Node, old: Table, new: Table) -> None:
    at = old.pointer, new.pointer
    if (old.title, old.description) != (new.title, new.description):
        report.add(node, "text-changed", _SIDE, "title or description changed", *at)
    if set(old.primary_key) != set(new.primary_key):
        said = f"{', '.join(old.primary_key) or 'none'} became {', '.join(new.primary_key) or 'none'}"
        report.add(node, "primary-key-changed", _SIDE, f"primary key {said}", *at)
    if old.register != new.register:
        report.add(node, "register-changed", _SIDE, f"register {old.register} became {new.register}", *at)
    ours, theirs = ({field.name: field for field in one.fields} for one in (old, new))
    for name in [*ours, *(name for name in theirs if name not in ours)]:
        before, after = ours.get(name), theirs.get(name)
        if before is None and after is not None:
            report.add(node, "property-added", _SIDE, f"{name!r} was added", old.pointer, after.pointer)
        elif after is None and before is not None:
            report.add(node, "property-removed", _SIDE, f"{name!r} was removed", before.pointer, new.pointer)
        elif before is not None and after is not None:
            _field(report, schemas, node, before, after)
    _keys(report, node, old, new)
    promises.rules(report, node, old.quality, new.quality, at)
    if _is_contract(report.old) and _is_contract(report.new):
        leftovers(report, node, _SIDE, at, _TABLE)


def _field(report: Report, schemas: Schemas, node: Node, old: Field, new: Field) -> None:
    at = old.pointer, new.pointer
    if old.required != new.required:
        check = "property-became-required" if new.required else "property-became-optional"
        report.add(node, check, _SIDE, f"{new.name!r} became {'required' if new.required else 'optional'}", *at)
    if (old.title, old.description) != (new.title, new.description):
        report.add(node, "text-changed", _SIDE, f"title or description of {new.name} changed", *at)
    schemas.compare(node, _bare(old), _bare(new), _SIDE, at)
    if _is_contract(report.old) and _is_contract(report.new):
        before, after = (written(one, part.pointer) for one, part in ((report.old, old), (report.new, new)))
        _logical(report, node, before, after, at)
        ours, theirs = before.get("classification"), after.get("classification")
        if ours != theirs and (old.sensitivity, new.sensitivity) == (None, None):
            said = f"classification of {new.name}: {ours or '–'} became {theirs or '–'}"
            report.add(node, "extension-changed" if ours and theirs else sensitivity(ours, theirs), _SIDE, said, *at)
        leftovers(report, node, _SIDE, at, _FIELD)


def _bare(field: Field) -> dict[str, Any]:
    """The schema without words for people, which were compared with the field; a primary key is unique."""
    kept = {word: value for word, value in field.schema.items() if word not in ("title", "description", "x-en")}
    return {**kept, "x-unique": True} if field.key else kept


def _keys(report: Report, node: Node, old: Table, new: Table) -> None:
    ours, theirs = (
        {(k.fields, k.interface, k.table, k.target_fields): k for k in one.foreign_keys} for one in (old, new)
    )
    for key in ours:
        if key not in theirs:
            said = f"{', '.join(key[0])} no longer leads to {key[2]}"
            report.add(node, "foreign-key-removed", _SIDE, said, ours[key].pointer, new.pointer)
    for key in theirs:
        if key not in ours:
            said = f"{', '.join(key[0])} leads to {key[2]}"
            report.add(node, "foreign-key-added", _SIDE, said, old.pointer, theirs[key].pointer)


def _logical(report: Report, node: Node, old: Any, new: Any, at: tuple[str, str]) -> None:
    """The type a reader stores a value as; JSON writes texts, days and moments alike. Inner fields too."""
    ours, theirs = (str(one.get("logicalType") or "").lower() for one in (old, new))
    if ours != theirs and ours in _WRITTEN_ALIKE and theirs in _WRITTEN_ALIKE:
        said = f"logicalType {ours} became {theirs}"
        report.add(node, "logical-type-changed", _SIDE, said, *(f"{one}/logicalType" for one in at))
    inner = [_inner(one, place) for one, place in zip((old, new), at, strict=True)]
    for name in inner[0].keys() & inner[1].keys():
        (before, here), (after, there) = inner[0][name], inner[1][name]
        _logical(report, node, before, after, (here, there))


def _inner(field: Any, at: str) -> dict[str, tuple[Any, str]]:
    found = {}
    if isinstance(items := field.get("items"), dict):
        found["[]"] = items, f"{at}/items"
    parts = field.get("properties")
    for index, part in enumerate(parts if isinstance(parts, list) else []):
        if isinstance(part, dict) and isinstance(part.get("name"), str):
            found[part["name"]] = part, f"{at}/properties/{index}"
    return found


def _is_contract(interface: Interface) -> bool:
    return interface.format.startswith("ODCS") and isinstance(interface.document.value, dict)
