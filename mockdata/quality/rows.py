"""What a schema says of a row as a whole, as conditions in SQL.

A field is there when its column is not null. Where a field may be null and may also be absent, a column cannot tell the
two apart, and what asks for it is not checked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa

from mockdata.instances import ecma
from mockdata.instances.matching import re2
from mockdata.quality.expectations import Expectation, Unchecked, literal, quoted
from mockdata.tables import arrow
from mockdata.tables.alternatives.described import bound
from specs.model import Field, Interface, Table

_LIMITS = {"minimum": ">=", "maximum": "<=", "exclusiveMinimum": ">", "exclusiveMaximum": "<"}
_LENGTHS = {"minLength": ">=", "maxLength": "<="}
_NAMES = {"integer": ("integer", "number"), "number": ("number",)}
_SILENT = ("title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly", "$comment")


class _Beyond(Exception):
    """A keyword there is no SQL for."""


def row_rules(interface: Interface, table: Table) -> Iterator[Expectation | Unchecked]:
    """One expectation for each condition between the fields of a (completed) table, or why there is none."""
    rules = bound(interface, table)
    if rules is None:
        return
    row = _Row(interface, table)
    parts = [(choice.word, choice.schema) for choice in rules.choices]
    words = ("patternProperties", "additionalProperties", "propertyNames")
    parts += [
        (word, {word: part[word]})
        for part in rules.plain
        for word in words
        if part.get(word) not in (None, True, False)
    ]
    parts += [("allOf", part) for part in rules.plain if len(rules.plain) > 1 and "properties" in part]
    seen: list[tuple[str, Any]] = []
    for word, schema in parts:
        if (word, schema) in seen:
            continue
        seen.append((word, schema))
        try:
            condition = row.meets(schema)
        except _Beyond as beyond:
            yield Unchecked("row", word, f"{beyond} between fields is kept when generating, not checked here")
            continue
        query = f"SELECT COUNT(*) FROM ${{table}} WHERE NOT ({condition})"
        yield Expectation("query", word, condition=query, bounds={"mustBe": 0}, pointer=table.pointer)


class _Row:
    """The columns of a table as SQL sees them."""

    def __init__(self, interface: Interface, table: Table) -> None:
        self.resolve = interface.resolve
        self.fields = {field.name: field for field in table.fields}
        self.schemas = {name: interface.resolve(field.schema) for name, field in self.fields.items()}
        self.types = {name: arrow.type_of(schema, interface.resolve) for name, schema in self.schemas.items()}

    def meets(self, schema: Any, within: tuple[str, ...] = ()) -> str:
        """The condition for a row that meets a schema of rows. Raises _Beyond."""
        if isinstance(schema, bool):
            return "TRUE" if schema else "FALSE"
        found = [self._word(word, value, schema, within) for word, value in schema.items()]
        return " AND ".join(f"({one})" for one in found if one != "TRUE") or "TRUE"

    def _word(self, word: str, value: Any, schema: Mapping[str, Any], within: tuple[str, ...]) -> str:
        if word.startswith("x-") or word in _SILENT or word in ("then", "else", "$defs"):
            return "TRUE"
        match word:
            case "type" if value == "object" or (isinstance(value, list) and "object" in value):
                return "TRUE"
            case "properties":
                return _all(self._member(name, inner) for name, inner in value.items())
            case "required":
                return _all(self._there(name) for name in value)
            case "allOf":
                return _all(self.meets(part, within) for part in value)
            case "anyOf":
                return _any(self.meets(part, within) for part in value)
            case "oneOf":
                each = (f"CAST(({self.meets(part, within)}) AS INTEGER)" for part in value)
                return f"{' + '.join(each)} = 1"
            case "not":
                return f"NOT ({self.meets(value, within)})"
            case "if":
                asked = self.meets(value, within)
                then, other = (self.meets(schema.get(branch, True), within) for branch in ("then", "else"))
                return f"CASE WHEN {asked} THEN {then} ELSE {other} END"
            case "dependentRequired":
                return _all(f"NOT ({self._there(n)}) OR ({_all(map(self._there, v))})" for n, v in value.items())
            case "dependentSchemas":
                return _all(f"NOT ({self._there(n)}) OR ({self.meets(v, within)})" for n, v in value.items())
            case "minProperties" | "maxProperties":
                counted = " + ".join(f"CAST(({self._there(name)}) AS INTEGER)" for name in self.fields)
                return f"{counted} {'>=' if word == 'minProperties' else '<='} {value}"
            case "$ref" if value not in within:
                return self.meets(self.resolve({"$ref": value}), (*within, value))
        raise _Beyond(word)

    def _there(self, name: str) -> str:
        field = self._field(name)
        if arrow.nullable(self.schemas[name]):
            if field.required:
                return "TRUE"
            raise _Beyond(f"{name}, which may be null or absent,")
        return f"{quoted(name)} IS NOT NULL"

    def _member(self, name: str, schema: Any) -> str:
        if name not in self.fields:
            return "TRUE"  # never there
        there, met = self._there(name), self._value(name, schema)
        if there == "TRUE":
            return f"CASE WHEN {quoted(name)} IS NULL THEN {self._null(schema)} ELSE {met} END"
        return "TRUE" if met == "TRUE" else f"{quoted(name)} IS NULL OR ({met})"

    def _field(self, name: str) -> Field:
        if name not in self.fields:
            raise _Beyond(f"{name}, which is no column,")
        return self.fields[name]

    def _null(self, schema: Any) -> str:
        from mockdata.instances.checks import InvalidSchema, compile_schema

        try:
            return "TRUE" if compile_schema(schema).is_valid(None) else "FALSE"
        except InvalidSchema:
            raise _Beyond("$ref") from None

    def _value(self, name: str, schema: Any) -> str:
        """The condition for a value that is not null."""
        if isinstance(schema, bool):
            return "TRUE" if schema else "FALSE"
        type = self.types[name]
        if pa.types.is_nested(type) or arrow.is_json_text(self.schemas[name], self.resolve):
            raise _Beyond(f"nested {name}")
        return _all(self._test(name, type, word, value) for word, value in schema.items())

    def _test(self, name: str, type: pa.DataType, word: str, value: Any) -> str:
        column, text = quoted(name), pa.types.is_string(type)
        numeric = pa.types.is_integer(type) or pa.types.is_floating(type) or pa.types.is_decimal(type)
        if word.startswith("x-") or word in _SILENT:
            return "TRUE"
        match word:
            case "type":
                kind = arrow.json_type(self.schemas[name]) or ""
                wanted = {value} if isinstance(value, str) else set(value)
                if numeric and "integer" in wanted and "number" not in wanted and kind == "number":
                    return f"{column} = floor({column})"
                return "TRUE" if wanted & set(_NAMES.get(kind, (kind,))) else "FALSE"
            case "const" | "enum" if text or numeric or pa.types.is_boolean(type):
                listed = [value] if word == "const" else value
                fit = [one for one in listed if _fits(one, text, numeric)]
                return f"{column} IN ({', '.join(map(literal, fit))})" if fit else "FALSE"
            case "not":
                return f"NOT ({self._value(name, value)})"
            case "allOf":
                return _all(self._value(name, part) for part in value)
            case "anyOf":
                return _any(self._value(name, part) for part in value)
            case "pattern" if text:
                return self._pattern(column, value)
            case "format" if self.schemas[name].get("format") == value:
                return "TRUE"
        if word in _LIMITS:
            return f"{column} {_LIMITS[word]} {literal(value)}" if numeric else "TRUE"
        if word in _LENGTHS:
            return f"length({column}) {_LENGTHS[word]} {literal(value)}" if text else "TRUE"
        raise _Beyond(f"{word} of {name}")

    def _pattern(self, column: str, pattern: str) -> str:
        try:
            translated = re2(ecma.parse(pattern))
        except ecma.Unsupported:
            translated = None
        if translated is None:
            raise _Beyond("pattern")
        return f"regexp_matches({column}, {literal(translated)})"


def _fits(value: Any, text: bool, numeric: bool) -> bool:
    if isinstance(value, bool):
        return not text and not numeric
    return isinstance(value, str) if text else numeric and isinstance(value, int | float)


def _all(conditions: Iterator[str] | map[str]) -> str:
    return " AND ".join(f"({one})" for one in conditions if one != "TRUE") or "TRUE"


def _any(conditions: Iterator[str]) -> str:
    return " OR ".join(f"({one})" for one in conditions) or "FALSE"
