"""Two versions of a dataset contract compared: tables, fields, keys, promises. Readers of the data are concerned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from specs.diff.change import Side
from specs.diff.report import Node, Report
from specs.diff.schemas import Schemas
from specs.model import Field, Interface, Table
from specs.rules.places import written

_SIDE = Side.RESPONSE


def compare(report: Report, schemas: Schemas) -> None:
    """Note every difference between the tables of a report."""
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
    _promises(report, report.root(""))


def _table(report: Report, schemas: Schemas, node: Node, old: Table, new: Table) -> None:
    at = old.pointer, new.pointer
    if (old.title, old.description) != (new.title, new.description):
        report.add(node, "text-changed", _SIDE, "title or description changed", *at)
    if old.primary_key != new.primary_key:
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
    _rules(report, node, old.quality, new.quality, at)


def _field(report: Report, schemas: Schemas, node: Node, old: Field, new: Field) -> None:
    at = old.pointer, new.pointer
    if old.required != new.required:
        check = "property-became-required" if new.required else "property-became-optional"
        report.add(node, check, _SIDE, f"{new.name!r} became {'required' if new.required else 'optional'}", *at)
    if (old.title, old.description) != (new.title, new.description):
        report.add(node, "text-changed", _SIDE, f"title or description of {new.name} changed", *at)
    before, after = written(report.old, old.pointer), written(report.new, new.pointer)
    if isinstance(before, dict) and isinstance(after, dict):
        _written(report, node, new.name, before, after, at)
    ours, theirs = (_bare(one.schema) for one in (old, new))
    schemas.compare(node, ours, theirs, _SIDE, at)


def _bare(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema without words for people: those were compared with the field."""
    return {word: value for word, value in schema.items() if word not in ("title", "description", "x-en")}


def _written(
    report: Report, node: Node, name: str, old: Mapping[str, Any], new: Mapping[str, Any], at: tuple[str, str]
) -> None:
    if old.get("physicalType") != new.get("physicalType"):
        said = f"{name}: {old.get('physicalType')} became {new.get('physicalType')}"
        report.add(node, "physical-type-changed", _SIDE, said, *at)
    unique = [bool(one.get("unique") or one.get("primaryKey")) for one in (old, new)]
    if unique[0] != unique[1]:
        check = "uniqueness-gained" if unique[1] else "uniqueness-lost"
        report.add(node, check, _SIDE, f"values of {name} {'are unique now' if unique[1] else 'may repeat now'}", *at)
    _rules(report, node, _list(old.get("quality")), _list(new.get("quality")), at)


def _keys(report: Report, node: Node, old: Table, new: Table) -> None:
    ours, theirs = (
        {(k.fields, k.interface, k.table, k.target_fields): k for k in one.foreign_keys} for one in (old, new)
    )
    for key in ours.keys() - theirs.keys():
        said = f"{', '.join(key[0])} no longer leads to {key[2]}"
        report.add(node, "foreign-key-removed", _SIDE, said, ours[key].pointer, new.pointer)
    for key in theirs.keys() - ours.keys():
        report.add(
            node, "foreign-key-added", _SIDE, f"{', '.join(key[0])} leads to {key[2]}", old.pointer, theirs[key].pointer
        )


def _rules(report: Report, node: Node, old: Any, new: Any, at: tuple[str, str]) -> None:
    gone = [rule for rule in old if rule not in new]
    come = [rule for rule in new if rule not in old]
    for check, rules in (("quality-rule-removed", gone), ("quality-rule-added", come)):
        for rule in rules:
            named = rule.get("name") or rule.get("metric") or rule.get("rule") or rule.get("description") or "a rule"
            report.add(node, check, _SIDE, f"{named} was {check.rpartition('-')[2]}", *at)


def _promises(report: Report, node: Node) -> None:
    """Service levels: freshness, retention, latency."""
    ours, theirs = (dict(_levels(one)) for one in (report.old, report.new))
    at = "/slaProperties", "/slaProperties"
    for name in sorted(ours.keys() | theirs.keys()):
        if name not in theirs:
            report.add(node, "service-level-removed", _SIDE, f"{name} was removed", at[0], "")
        elif name not in ours:
            report.add(node, "quality-rule-added", _SIDE, f"{name} was added", "", at[1])
        elif ours[name] != theirs[name]:
            report.add(node, "service-level-changed", _SIDE, f"{name} changed", *at)


def _levels(interface: Interface) -> Iterator[tuple[str, Any]]:
    value = interface.document.value
    for one in _list(value.get("slaProperties") if isinstance(value, dict) else None):
        yield f"{one.get('property')} {one.get('element') or ''}".strip(), one


def _list(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
