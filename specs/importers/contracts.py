"""What an importer found, put together to a draft contract (ODCS 3.1.0)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from specs.entry import LEVELS
from specs.exporters.columns import custom, invalid_values
from specs.importers.draft import Column, Found, Relation
from specs.importers.meaning import around, meaning
from specs.importers.names import identifier_of, unused
from specs.importers.points import Points, open_points
from specs.words import NOTHING, is_chinese

UNDECIDED = "undecided"
"""The department in the id of a draft nobody claimed."""

MISSING = {
    "code": "resource code (信息资源代码)",
    "abstract": "abstract (摘要)",
    "resource_kind": "kind of resource (资源属性)",
    "format_class": "data format (数据格式)",
    "update_frequency": "update frequency (更新频率)",
    "sharing_class": "sharing class (共享属性)",
    "sharing_mode": "mode of sharing (共享方式)",
    "classification": "classification (数据分类分级)",
    "legal_basis": "legal basis (依据)",
    "secrecy_assessment": "secrecy assessment (保密风险评估)",
    "impact_assessment": "personal information impact assessment (个人信息保护影响评估)",
    "approval": "approval by the head (负责人审批)",
}
UNRULED = ("code", "abstract", "resource_kind", "legal_basis")
"""Those no lint rule asks for; the others need no open point in the draft."""


def contract(
    points: Points,
    tables: Sequence[Found],
    *,
    name: str,
    title: str,
    department: str | None,
    description: str = "",
    catalogue: Mapping[str, Any] = NOTHING,
    pointer: str = "",
    line: int | None = None,
) -> dict[str, Any]:
    """The draft. `name` is the last part of the interface id. Says to `points` what a person must decide, and writes it
    into the contract as well."""
    undecided: list[str] = []
    place: dict[str, Any] = {"pointer": pointer, "line": line}
    if not department:
        hint = "give --department, the id of the department that answers for the data"
        undecided.append(points.say("decide-department", f"{title[:60]}: no department is named", hint, **place))
    named: dict[str, int] = {}
    for table in tables:
        table.code = unused(identifier_of(table.name), named)
        _bind(table)
        _name_columns(points, table)
    known: dict[str, Found] = {}
    for table in tables:
        known.setdefault(table.name.lower(), table)
    schema = [_table(points, table, known) for table in tables]
    made: dict[str, Any] = {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": f"{department or UNDECIDED}.{name}",
        "name": title or name,
        "version": "0.1.0",
        "status": "draft",
    }
    if description:
        made["description"] = {"purpose": description}
    made["schema"] = schema
    if department:
        custom(made, "department", department)
    entry = _entry(catalogue, title, department, tables)
    lacking = [words for word, words in MISSING.items() if not entry.get(word)]
    if not entry["provider"].get("uscc"):
        lacking.insert(0, "provider's credit code (提供方代码)")
    if lacking:
        told = f"{title[:60]}: the catalogue entry lacks {', '.join(lacking)}"
        points.say("decide-catalogue", told, "fill in the custom property catalogue", **place)
        if unruled := [words for key, words in MISSING.items() if key in UNRULED and not entry.get(key)]:
            undecided.append(f"{title[:60]}: the catalogue entry lacks {', '.join(unruled)}")
    custom(made, "catalogue", entry)
    open_points(made, undecided)
    return made


def _entry(given: Mapping[str, Any], title: str, department: str | None, tables: Sequence[Found]) -> dict[str, Any]:
    entry = dict(given)
    entry.setdefault("name", {"zh_CN" if is_chinese(title) else "en": title})
    entry["provider"] = {**({"department": department} if department else {}), **entry.get("provider", {})}
    entry["items"] = [column.code for table in tables for column in table.columns]
    order = ("name", "code", "provider", "abstract", "items")
    return {**{word: entry[word] for word in order if word in entry}, **entry}


def _name_columns(points: Points, table: Found) -> None:
    """Give every column its name in the contract; Chinese ones get their element's identifier or their initials."""
    taken: dict[str, int] = {}
    made: list[str] = []
    for column in table.columns:
        wanted = column.name
        if is_chinese(wanted):
            wanted = column.bound.name if column.bound else identifier_of(wanted)
            made.append(f"{wanted} for {column.name}")
        column.code = unused(identifier_of(wanted), taken)
    if made:
        told = f"{(table.title or table.name)[:60]}: names were made from the Chinese ones: {_some(made)}"
        points.say("decide-name", told, "put in the columns' own names", pointer=table.pointer, line=table.line)


def _table(points: Points, table: Found, known: Mapping[str, Found]) -> dict[str, Any]:
    place: dict[str, Any] = {"pointer": table.pointer, "line": table.line}
    called = (table.title or table.name)[:60]
    bare: list[str] = []
    inferred: list[str] = []
    written = [_column(column, bare, inferred) for column in table.columns]
    if inferred:
        told = f"{called}: data elements were inferred: {_some(inferred)}"
        points.say("decide-element", told, "confirm each, or take it out", **place)
    if table.columns and not any(column.key for column in table.columns):
        told = f"{called}: no primary key is known"  # the rule missing-primary-key says so in the draft
        points.say("decide-key", told, "mark the fields: primaryKey: true", **place)
    if bare:
        told = f"{called}: no sensitivity level is known for {_some(bare)}"
        hint = "classification: core, important, general-4 … general-1"
        table.open.append(points.say("decide-sensitivity", told, hint, **place))
    made: dict[str, Any] = {"name": table.code, "logicalType": "object", "physicalType": "table"}
    if table.name != table.code:
        made["physicalName"] = table.name
    if table.title:
        made["businessName"] = table.title
    if table.description:
        made["description"] = table.description
    for name, value in table.custom.items():
        custom(made, name, value)
    made["properties"] = written
    relations = [one for one in (_relation(points, table, one, known) for one in table.relations) if one]
    if relations:
        made["relationships"] = relations
    if table.quality:
        made["quality"] = table.quality
    open_points(made, table.open)
    return made


def _column(column: Column, bare: list[str], inferred: list[str]) -> dict[str, Any]:
    found = column.bound
    title = column.title or (column.name if is_chinese(column.name) else "")
    if not title and found:
        title = found.element.title.get("zh_CN", "")
    made: dict[str, Any] = {"name": column.code}
    if column.name not in {column.code, column.title}:
        made["physicalName"] = column.name
    if title:
        made["businessName"] = title
    waiting = list(column.open)
    if found:
        made["classification"] = found.element.sensitivity
        made["authoritativeDefinitions"] = [{"type": "element", "url": f"urn:tongban:element:{found.name}"}]
        inferred.append(column.code if column.code == found.name else f"{column.code} = {found.name}")
        sure = f"{found.reason}, {found.confidence:.0%} sure"
        waiting.append(f"the element {found.name} and its level {found.element.sensitivity} were inferred: {sure}")
    elif column.custom.get("sensitivity") not in LEVELS:
        bare.append(column.code)
    made |= _plain(column, column.code)
    open_points(made, waiting)
    return made


def _plain(column: Column, name: str) -> dict[str, Any]:
    made: dict[str, Any] = {"name": name}
    if column.logical:
        made["logicalType"] = column.logical
    if column.physical:
        made["physicalType"] = column.physical
    if column.description:
        made["description"] = column.description
    if column.logical and column.options:
        made["logicalTypeOptions"] = dict(column.options)
    if column.required or column.key:
        made["required"] = True
    if column.key:
        made |= {"primaryKey": True, "primaryKeyPosition": column.key}
    if column.unique:
        made["unique"] = True
    if column.examples:
        made["examples"] = list(column.examples)
    rules = list(column.quality)
    if column.values:
        rules.append(invalid_values(name, {"validValues": list(column.values)}))
    if column.pattern:
        rules.append(invalid_values(name, {"pattern": column.pattern}))
    if rules:
        made["quality"] = rules
    if column.logical == "object" and column.inner:
        made["properties"] = [_plain(one, identifier_of(one.name)) for one in column.inner]
    if column.logical == "array" and column.inner:
        made["items"] = {word: value for word, value in _plain(column.inner[0], "items").items() if word != "name"}
    for word, value in column.custom.items():
        custom(made, word, value)
    return made


def _bind(table: Found) -> None:
    """Find the element of every column that may carry one."""
    near = around([(column.name, column.title) for column in table.columns], table.title or table.name)
    for column in table.columns:
        if column.logical not in {"object", "array", "boolean"}:
            column.bound = meaning(column.name, column.title, _schema(column), near)


def _schema(column: Column) -> dict[str, Any]:
    """The values of a column as JSON Schema, as far as an element's fit depends on it."""
    kinds = {"date": "string", "timestamp": "string", "time": "string", "": "string"}
    made: dict[str, Any] = {"type": kinds.get(column.logical, column.logical)}
    if column.logical in {"date", "timestamp"} and not column.options.get("format"):
        made["format"] = {"date": "date", "timestamp": "date-time"}[column.logical]
    words = ("minLength", "maxLength", "pattern") if column.logical == "string" else ("minimum", "maximum")
    made |= {word: column.options[word] for word in words if word in column.options}
    return {**made, "enum": list(column.values)} if column.values else made


def _relation(points: Points, table: Found, relation: Relation, known: Mapping[str, Found]) -> dict[str, Any] | None:
    own = {column.name.lower(): column.code for column in table.columns}
    target = known.get(relation.table.lower())
    there = {column.name.lower(): column.code for column in target.columns} if target else {}
    ends = relation.targets or tuple(column.name for column in (target.columns if target else ()) if column.key)
    start = [f"{table.code}.{own[name.lower()]}" for name in relation.columns if name.lower() in own]
    end = [f"{target.code}.{there[name.lower()]}" for name in ends if target and name.lower() in there]
    if target and len(start) == len(end) == len(relation.columns):
        one = len(start) == 1
        return {"type": "foreignKey", "from": start[0] if one else start, "to": end[0] if one else end}
    leads = f"{relation.table} ({', '.join(ends) or '?'})"
    told = f"{table.name} ({', '.join(relation.columns)}) leads to {leads}, which is not in this file"
    hint = "add the relationship with the custom property interface"
    table.open.append(points.say("decide-relation", told, hint, line=relation.line, pointer=table.pointer))
    return None


def _some(names: Sequence[str], shown: int = 8) -> str:
    more = len(names) - shown
    return ", ".join(names[:shown]) + (f" and {more} more" if more > 0 else "")
