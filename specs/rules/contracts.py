"""Rules over data contracts (ODCS): keys, relationships, quality, service levels."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from specs.finding import Severity
from specs.model import ForeignKey, Interface, Table
from specs.rules import Hit, rule
from specs.rules.places import some, types_of, written

_STATES = ("proposed", "draft", "active", "deprecated", "retired")
_METRICS = ("nullValues", "missingValues", "invalidValues", "duplicateValues", "rowCount")
_LIMITS = frozenset({
    "mustBe", "mustNotBe", "mustBeGreaterThan", "mustBeGreaterOrEqualTo", "mustBeLessThan", "mustBeLessOrEqualTo",
    "mustBeBetween", "mustNotBeBetween",
})  # fmt: skip


def _contract(interface: Interface) -> bool:
    return interface.format.startswith("ODCS")


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


_KEY = """
schema:
  - name: marriages
    businessName: Marriages
    quality: [{type: library, metric: rowCount, mustBeGreaterThan: 0}]
    properties:
      - {name: ZSBH, logicalType: string, description: Certificate number%s}
"""


@rule(
    Severity.WARNING,
    base="dataset",
    bad=_KEY % "",
    good=_KEY % ", primaryKey: true",
)
def missing_primary_key(interface: Interface) -> Iterator[Hit]:
    """Without a key nobody can say whether two rows are the same, update one, or relate it to another
    table."""
    for table in interface.tables:
        if not table.primary_key and _contract(interface):
            yield table.pointer, f"the table {table.name!r} has no primary key", "mark it: primaryKey: true"


@rule(
    Severity.WARNING,
    base="dataset",
    bad=_KEY % ", primaryKey: true, required: false",
    good=_KEY % ", primaryKey: true, required: true",
)
def nullable_key(interface: Interface) -> Iterator[Hit]:
    """A key that may be empty identifies nothing; no database takes one."""
    if not _contract(interface):
        return
    for table in interface.tables:
        for field in table.fields:
            said = _said(interface, field.pointer)
            if field.key and said.get("required") is False:
                yield field.pointer, f"{field.name!r} is a key and not required", "required: true"


def _said(interface: Interface, pointer: str) -> Mapping[str, Any]:
    value = written(interface, pointer)
    return value if isinstance(value, dict) else {}


@rule(
    Severity.INFO,
    base="dataset",
    bad=(_KEY % ", primaryKey: true").replace("quality: [{type: library, metric: rowCount, mustBeGreaterThan: 0}]", ""),
    good=_KEY % ", primaryKey: true",
)
def missing_quality(interface: Interface) -> Iterator[Hit]:
    """Quality is the provider's duty (REG art 26). A contract without one rule promises none, and nothing can be
    checked at delivery."""
    for table in interface.tables if _contract(interface) else ():
        silent = not table.quality and "quality" not in _said(interface, table.pointer)
        if silent and not any("x-quality" in field.schema for field in table.fields):
            yield table.pointer, f"the table {table.name!r} has no quality rules", "add quality:"


def _rules(interface: Interface) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every quality rule of a contract with its pointer."""
    for table in interface.tables if _contract(interface) else ():
        for pointer in (table.pointer, *(field.pointer for field in table.fields)):
            for number, one in enumerate(_list(_said(interface, pointer).get("quality"))):
                if isinstance(one, dict):
                    yield f"{pointer}/quality/{number}", one


_QUALITY = (_KEY % ", primaryKey: true").replace("{type: library, metric: rowCount, mustBeGreaterThan: 0}", "{%s}")


@rule(
    Severity.WARNING,
    base="dataset",
    bad=_QUALITY % "type: library, metric: rowCount",
    good=_QUALITY % "type: library, metric: rowCount, mustBeGreaterThan: 0",
)
def incomplete_quality_rule(interface: Interface) -> Iterator[Hit]:
    """A rule that does not say what is measured, or which value is good, is checked by nobody."""
    for pointer, one in _rules(interface):
        kind = one.get("type", "library")
        metric = one.get("metric") or one.get("rule")
        if kind == "library" and not metric:
            yield pointer, "no metric is named", f"metric: {' | '.join(_METRICS)}"
        elif kind == "sql" and not one.get("query"):
            yield pointer, "a rule of type sql without query", "add query:"
        elif kind == "custom" and not (one.get("engine") and one.get("implementation")):
            yield pointer, "a rule of type custom without engine or implementation", "add both"
        elif kind == "text" and not one.get("description"):
            yield pointer, "a rule of type text without description", "say what must hold"
        elif (kind == "sql" or (kind == "library" and "metric" in one)) and not _LIMITS & one.keys():
            yield pointer, "the rule does not say which value is good", f"one of {', '.join(sorted(_LIMITS))}"


@rule(
    Severity.WARNING,
    base="dataset",
    bad=_QUALITY % "type: library, metric: rowCounts, mustBeGreaterThan: 0",
    good=_QUALITY % "type: library, metric: rowCount, mustBeGreaterThan: 0",
)
def unknown_quality_metric(interface: Interface) -> Iterator[Hit]:
    """The metrics of the library are few and fixed (ODCS 3.1). A rule of another name is skipped by every tool."""
    for pointer, one in _rules(interface):
        metric = one.get("metric")
        if one.get("type", "library") == "library" and metric is not None and metric not in _METRICS:
            yield f"{pointer}/metric", f"there is no metric {metric!r}", f"one of {', '.join(_METRICS)}"


@rule(
    Severity.INFO,
    base="dataset",
    bad="slaProperties: null",
    good="slaProperties: [{property: frequency, value: 1, unit: d}]",
)
def missing_service_level(interface: Interface) -> Iterator[Hit]:
    """How fresh data are, how long they are kept, and when they come is part of what is agreed. Without it late data
    break nobody's word."""
    if _contract(interface) and not interface.document.value.get("slaProperties"):
        yield "", "the contract names no service level", "add slaProperties: frequency, latency, retention"


@rule(
    Severity.WARNING,
    base="dataset",
    bad="slaProperties: [{property: frequency, value: 1, unit: d, element: marriages.GXSJ}]",
    good="slaProperties: [{property: frequency, value: 1, unit: d, element: marriages.DJRQ}]",
)
def unknown_service_level_element(interface: Interface) -> Iterator[Hit]:
    """A service level measured on a field that is not there is never measured."""
    known = {table.name: {field.name for field in table.fields} for table in interface.tables}
    every = _list(interface.document.value.get("slaProperties")) if _contract(interface) else []
    for number, one in enumerate(every):
        named = one.get("element") if isinstance(one, dict) else None
        for text in str(named).split(",") if isinstance(named, str) else ():
            table, _, column = text.strip().partition(".")
            if table not in known or (column and column.split(".")[0] not in known[table]):
                yield f"/slaProperties/{number}/element", f"there is no {text.strip()!r}", "name a table.field"


@rule(Severity.WARNING, base="dataset", bad="status: live", good="status: active")
def unknown_contract_status(interface: Interface) -> Iterator[Hit]:
    """Whether a contract is a draft or in force is required (ODCS), in words every tool knows."""
    if _contract(interface):
        status = interface.document.value.get("status")
        if status not in _STATES:
            said = "the contract has no status" if status is None else f"the status {status!r} is not known"
            yield "" if status is None else "/status", said, f"one of {', '.join(_STATES)}"


_TABLES = """
schema:
  - name: marriages
    businessName: Marriages
    quality: [{type: library, metric: rowCount, mustBeGreaterThan: 0}]
    properties:
      - {name: ZSBH, logicalType: string, description: Certificate number, required: true, primaryKey: true}
      - {name: page, logicalType: integer, description: Page of the register}
      - name: earlier
        logicalType: string
        description: The marriage before
        relationships: [{to: marriages.%s}]
"""


def _targets(interface: Interface) -> Iterator[tuple[Table, Table, ForeignKey]]:
    """The relationships inside a contract whose both ends are described."""
    tables = {table.name: table for table in interface.tables}
    for table in interface.tables if _contract(interface) else ():
        for key in table.foreign_keys:
            target = tables.get(key.table)
            if key.interface is None and target is not None:
                names = {f.name for f in table.fields} >= set(key.fields)
                if names and {f.name for f in target.fields} >= set(key.target_fields):
                    yield table, target, key


@rule(Severity.WARNING, base="dataset", bad=_TABLES % "page", good=_TABLES % "ZSBH")
def relationship_of_other_type(interface: Interface) -> Iterator[Hit]:
    """Two columns of different types never hold the same value: a join over them is empty."""
    for table, target, key in _targets(interface):
        if not _joins(table, target, key):
            said = f"{some(key.fields)} and {target.name}.{some(key.target_fields)} are of different types"
            yield key.pointer, said, "correct one of the two"


def _joins(table: Table, target: Table, key: ForeignKey) -> bool:
    """Whether the columns at both ends may hold the same values."""
    for name, other in zip(key.fields, key.target_fields, strict=False):
        own, there = types_of(table.field(name).schema), types_of(target.field(other).schema)
        if own and there and not own & there:
            return False
    return True


_UNKEYED = _TABLES.replace("name: page, logicalType: integer", "name: page, logicalType: string")


@rule(Severity.INFO, base="dataset", bad=_UNKEYED % "page", good=_UNKEYED % "ZSBH")
def relationship_to_no_key(interface: Interface) -> Iterator[Hit]:
    """A relationship leads to one row. A column that is neither key nor unique may lead to many, or to none."""
    for table, target, key in _targets(interface):
        unique = any(target.field(name).schema.get("x-unique") for name in key.target_fields)
        if not unique and _joins(table, target, key) and not set(target.primary_key) <= set(key.target_fields):
            said = f"{some(key.target_fields)} is no key of {target.name}"
            yield key.pointer, said, "lead to the primary key, or mark it unique: true"


_COLUMN = (
    _KEY % ", primaryKey: true"
) + "      - {name: no, logicalType: integer, physicalType: %s, description: No}\n"


@rule(Severity.INFO, base="dataset", bad=_COLUMN % "VARCHAR(10)", good=_COLUMN % "INTEGER")
def number_stored_as_text(interface: Interface) -> Iterator[Hit]:
    """A number or date kept as text takes any text. Sooner or later something else stands there, and the delivery
    fails."""
    for table in interface.tables if _contract(interface) else ():
        for field in table.fields:
            stored = str(field.schema.get("x-physical-type") or "").lower()
            numeric = types_of(field.schema) <= {"integer", "number", "boolean"} and types_of(field.schema)
            dated = field.schema.get("format") in ("date", "date-time")
            if (numeric or dated) and re.match(r"n?(var)?char|text|string|clob", stored):
                yield field.pointer, f"{field.name!r} is stored as {stored}", "correct one of the two types"
