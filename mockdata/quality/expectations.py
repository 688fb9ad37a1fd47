"""An interface's table as expectations: what Great Expectations will check, as plain values.

Nothing here looks at how the data were made: the expectations follow from the published interface alone, so a dataset
of any origin can be judged by them. Single-value rules become SQL conditions of DuckDB; ODCS `quality` rules of the
contract (library metrics and SQL) are taken over with their bounds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pyarrow as pa

from mockdata.instances import ecma
from mockdata.instances.matching import re2
from mockdata.tables import arrow
from mockdata.tables.alternatives.described import completed
from specs import elements
from specs.model import Field, Interface, Table

COLUMNS = "__columns"
"""Beside every table T the checker keeps T__columns(name, type), the types as DuckDB names them."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """One rule. `kind`: columns | rows | not_null | unique | unique_together | in_set | meets | query.

    meets: `condition` over one value. query: one SELECT giving one number, compared with `bounds` (ODCS words:
    mustBe, mustBeGreaterThan …). `rule` names it for people: type, pattern, range, check digit, or the contract's own
    rule name.
    """

    kind: str
    rule: str
    column: str | None = None
    values: tuple[Any, ...] = ()
    columns: tuple[str, ...] = ()
    condition: str = ""
    bounds: Mapping[str, float] = field(default_factory=dict)
    pointer: str = ""
    severity: str = "error"


@dataclass(frozen=True, slots=True)
class Unchecked:
    """A constraint no expectation stands for, and why: told rather than passed over."""

    column: str
    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class Suite:
    """The expectations of one table."""

    table: str
    expectations: tuple[Expectation, ...]
    unchecked: tuple[Unchecked, ...]


_DUCK = {
    pa.int64(): "BIGINT",
    pa.float64(): "DOUBLE",
    pa.bool_(): "BOOLEAN",
    pa.date32(): "DATE",
    pa.string(): "VARCHAR",
}
_BOUNDS = {"minimum": ">=", "maximum": "<=", "exclusiveMinimum": ">", "exclusiveMaximum": "<"}


def duck_type(type: pa.DataType) -> str | None:
    """DuckDB's name of an Arrow type, None for nested ones."""
    if pa.types.is_timestamp(type):
        return "TIMESTAMP WITH TIME ZONE"
    if pa.types.is_decimal(type):
        return f"DECIMAL({type.precision},{type.scale})"
    return _DUCK.get(type)


def quoted(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: Any) -> str:
    """A constant in SQL."""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float | Decimal):
        return str(value)
    return "'" + str(value).replace("'", "''") + "'"


def suite(interface: Interface, table: Table) -> Suite:
    """All expectations of a table, in the order of its fields, then those of its rows."""
    from mockdata.quality.rows import row_rules

    table = completed(interface, table)
    found: list[Expectation] = [
        Expectation("columns", "columns", columns=tuple(f.name for f in table.fields), pointer=table.pointer)
    ]
    unchecked: list[Unchecked] = []
    for one in table.fields:
        schema = interface.resolve(one.schema)
        found += _presence(one, table, schema)
        for made in _value_rules(one, schema, interface):
            if isinstance(made, Unchecked):
                unchecked.append(made)
            else:
                found.append(made)
        found += _contract(schema.get("x-quality", ()), one.name, one.pointer, table)
    if len(table.primary_key) > 1:
        found.append(Expectation("unique_together", "primary key", columns=table.primary_key, pointer=table.pointer))
    for rule in row_rules(interface, table):
        if isinstance(rule, Unchecked):
            unchecked.append(rule)
        else:
            found.append(rule)
    found += _contract(table.quality, None, table.pointer, table)
    return Suite(table.name, tuple(found), tuple(unchecked))


def _presence(one: Field, table: Table, schema: Mapping[str, Any]) -> Iterator[Expectation]:
    if one.required and not arrow.nullable(schema):
        yield Expectation("not_null", "required", one.name, pointer=one.pointer)
    if table.primary_key == (one.name,) or schema.get("x-unique"):
        yield Expectation("unique", "unique", one.name, pointer=one.pointer)


def _value_rules(one: Field, schema: dict[str, Any], interface: Interface) -> Iterator[Expectation | Unchecked]:
    column, pointer = quoted(one.name), one.pointer

    def meets(rule: str, condition: str) -> Expectation:
        return Expectation("meets", rule, one.name, condition=condition, pointer=pointer)

    type = arrow.type_of(schema, interface.resolve)
    if name := duck_type(type):
        yield _typed(one, f"= {literal(name)}", name)
    else:
        yield Unchecked(one.name, "members", "rules of nested members are kept when generating, not checked here")
    if arrow.is_json_text(schema, interface.resolve):
        yield meets("JSON", f"json_valid({column})")
        return
    constants = [schema["const"]] if "const" in schema else schema.get("enum")
    if constants:
        values = tuple(value for value in constants if isinstance(value, str | int | float))
        yield Expectation("in_set", "code list", one.name, values, pointer=pointer)
    if pa.types.is_string(type):
        yield from _lengths(schema, column, meets)
        if "pattern" in schema:
            yield _pattern(one, schema["pattern"], column, meets)
    if pa.types.is_list(type):
        limits = [
            f"len({column}) {sign} {schema[w]}" for w, sign in (("minItems", ">="), ("maxItems", "<=")) if w in schema
        ]
        if limits:
            yield meets("items", " AND ".join(limits))
    if json_range := [f"{column} {sign} {schema[w]}" for w, sign in _BOUNDS.items() if _is_number(schema.get(w))]:
        yield meets("range", " AND ".join(json_range))
    if pa.types.is_date(type) or pa.types.is_timestamp(type):
        dated = [f"{column} {sign} {literal(schema['x-' + w])}" for w, sign in _BOUNDS.items() if "x-" + w in schema]
        if dated:
            yield meets("range", " AND ".join(dated))
    if _is_number(schema.get("multipleOf")) and not (pa.types.is_integer(type) and schema["multipleOf"] == 1):
        step = Decimal(str(schema["multipleOf"]))
        scaled = f"CAST(CAST({column} AS VARCHAR) AS DECIMAL(38,12))"
        yield meets("multiple", f"{scaled} % CAST('{step}' AS DECIMAL(38,12)) = 0")
    if check := _check_digit(one, column):
        yield meets("check digit", check)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _typed(one: Field, comparison: str, name: str) -> Expectation:
    query = f"SELECT COUNT(*) FROM ${{table}}{COLUMNS} WHERE name = {literal(one.name)} AND type {comparison}"
    return Expectation("query", f"type {name}", one.name, condition=query, bounds={"mustBe": 1}, pointer=one.pointer)


def _lengths(schema: Mapping[str, Any], column: str, meets: Any) -> Iterator[Expectation]:
    limits = [
        f"length({column}) {sign} {schema[w]}" for w, sign in (("minLength", ">="), ("maxLength", "<=")) if w in schema
    ]
    if limits:
        yield meets("length", " AND ".join(limits))


def _pattern(one: Field, pattern: str, column: str, meets: Any) -> Expectation | Unchecked:
    try:
        translated = re2(ecma.parse(pattern))
    except ecma.Unsupported as error:
        return Unchecked(one.name, "pattern", error.reason)
    if translated is None:
        return Unchecked(one.name, "pattern", "look-around, back-references and long repetitions are beyond RE2")
    if translated.startswith(r"\A") and translated.endswith(r"\z") and "|" not in translated:
        return meets("pattern", f"regexp_full_match({column}, {literal(translated[2:-2])})")  # type: ignore[no-any-return]
    return meets("pattern", f"regexp_matches({column}, {literal(translated)})")  # type: ignore[no-any-return]


def _check_digit(one: Field, column: str) -> str | None:
    """The check-character rule of the field's element as an SQL condition."""
    if one.element is None:
        return None
    try:
        _, element = elements.resolve(one.element)
    except KeyError:
        return None
    if element.check == "iso7064-mod11-2":
        weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
        total = " + ".join(f"{w} * (ascii(substr({column}, {at}, 1)) - 48)" for at, w in enumerate(weights, 1))
        return f"length({column}) = 18 AND substr('10X98765432', ({total}) % 11 + 1, 1) = substr({column}, 18, 1)"
    if element.check == "gb32100":
        weights = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
        letters = "'0123456789ABCDEFGHJKLMNPQRTUWXY'"
        total = " + ".join(
            f"{w} * (instr({letters}, substr({column}, {at}, 1)) - 1)" for at, w in enumerate(weights, 1)
        )
        return (
            f"length({column}) = 18 AND substr({letters}, (31 - ({total}) % 31) % 31 + 1, 1) = substr({column}, 18, 1)"
        )
    return None


_METRICS = {
    "nullValues": "SELECT COUNT(*) FROM ${table} WHERE {column} IS NULL",
    "missingValues": "SELECT COUNT(*) FROM ${table} WHERE {column} IS NULL",
    "duplicateValues": "SELECT COUNT({column}) - COUNT(DISTINCT {column}) FROM ${table}",
    "rowCount": "SELECT COUNT(*) FROM ${table}",
}
BOUNDS = {
    "mustBe": "==", "mustNotBe": "!=", "mustBeGreaterThan": ">", "mustBeGreaterOrEqualTo": ">=",
    "mustBeLessThan": "<", "mustBeLessOrEqualTo": "<=",
}  # fmt: skip
"""ODCS comparison words."""


def _contract(rules: Any, column: str | None, pointer: str, table: Table) -> Iterator[Expectation]:
    """The contract's own rules that count something: SQL ones and the library metrics that are not said by the
    schema.
    """
    for number, rule in enumerate(rules if isinstance(rules, list | tuple) else ()):
        if not isinstance(rule, Mapping):
            continue
        bounds = {word: float(rule[word]) for word in BOUNDS if _is_number(rule.get(word))}
        between = rule.get("mustBeBetween")
        if isinstance(between, list) and len(between) == 2 and all(map(_is_number, between)):
            bounds |= {"mustBeGreaterOrEqualTo": float(between[0]), "mustBeLessOrEqualTo": float(between[1])}
        query = _query(rule, column, table)
        if not bounds or query is None:
            continue
        name = str(rule.get("name") or rule.get("id") or rule.get("metric") or "SQL")
        yield Expectation(
            "query", name, column, condition=query, bounds=bounds, pointer=f"{pointer}/quality/{number}",
            severity=str(rule.get("severity", "error")),
        )  # fmt: skip


def _query(rule: Mapping[str, Any], column: str | None, table: Table) -> str | None:
    metric = rule.get("metric", rule.get("rule"))
    if isinstance(rule.get("query"), str) and rule.get("type", "sql") == "sql":
        query = rule["query"]
        query = re.sub(r"\$\{(?:object|table|model)\}|\{(?:object|table)\}", "${table}", query)
        if column is not None:
            query = re.sub(r"\$\{(?:property|column|field)\}|\{(?:property|column)\}", quoted(column), query)
        return query
    template = _METRICS.get(str(metric))
    if template is None or metric == "invalidValues":  # allowed values are in the field's schema already
        return None
    if "{column}" in template:
        if column is None:
            return None
        template = template.replace("{column}", quoted(column))
    if rule.get("unit") == "percent":
        return f"SELECT 100.0 * ({template}) / greatest(1, COUNT(*)) FROM ${{table}}"
    return template
