"""Types of a shared table: what DuckDB has, what a file holds, and Spark's name for it in a schema."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_SAME = {
    "varchar": "string",
    "bigint": "long",
    "integer": "integer",
    "smallint": "short",
    "tinyint": "byte",
    "float": "float",
    "double": "double",
    "boolean": "boolean",
    "date": "date",
    "blob": "binary",
    "timestamp with time zone": "timestamp",
}
_WIDER = {
    "utinyint": "SMALLINT",
    "usmallint": "INTEGER",
    "uinteger": "BIGINT",
    "ubigint": "DECIMAL(20,0)",
    "hugeint": "DECIMAL(38,0)",
    "uhugeint": "DECIMAL(38,0)",
    "timestamp": "TIMESTAMP WITH TIME ZONE",
    "timestamp_s": "TIMESTAMP WITH TIME ZONE",
    "timestamp_ms": "TIMESTAMP WITH TIME ZONE",
    "timestamp_ns": "TIMESTAMP WITH TIME ZONE",
    "timestamptz_ns": "TIMESTAMP WITH TIME ZONE",
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a source or of a result: ``type`` as DuckDB gives it (`DuckDBPyType`)."""

    name: str
    type: Any

    @property
    def id(self) -> str:
        """DuckDB's name of the kind of type, in lower case."""
        return str(self.type.id)


def columns_of(relation: Any) -> tuple[Column, ...]:
    """The columns of a DuckDB relation."""
    return tuple(Column(name, type) for name, type in zip(relation.columns, relation.types, strict=True))


def stored(type: Any) -> str:
    """The DuckDB type a value is cast to before it is written: one that Spark's schema can name, text for others."""
    id = str(type.id)
    if id in ("list", "array"):
        return f"{stored(type.children[0][1])}[]"
    if id == "struct":
        inner = ", ".join(f"{_identifier(name)} {stored(part)}" for name, part in type.children)
        return f"STRUCT({inner})"
    if id == "map":
        return f"MAP({stored(type.children[0][1])}, {stored(type.children[1][1])})"
    if id == "decimal":
        return str(type)
    return _WIDER.get(id, str(type) if id in _SAME else "VARCHAR")


def spark(type: Any) -> Any:
    """Spark's JSON type of a value after `stored`."""
    id = str(type.id)
    if id in ("list", "array"):
        return {"type": "array", "elementType": spark(type.children[0][1]), "containsNull": True}
    if id == "struct":
        return {"type": "struct", "fields": [_field(name, part) for name, part in type.children]}
    if id == "map":
        key, value = type.children[0][1], type.children[1][1]
        return {"type": "map", "keyType": spark(key), "valueType": spark(value), "valueContainsNull": True}
    if id == "decimal":
        return str(type).lower().replace(" ", "")
    if id in ("ubigint", "hugeint", "uhugeint"):
        return _WIDER[id].lower()
    return _SAME.get(id) or {"SMALLINT": "short", "INTEGER": "integer", "BIGINT": "long"}.get(
        _WIDER.get(id, ""), "timestamp" if id in _WIDER else "string"
    )


def schema_string(columns: Sequence[Column]) -> str:
    """``schemaString`` of a table: Spark's JSON, ASCII."""
    return json.dumps({"type": "struct", "fields": [_field(column.name, column.type) for column in columns]})


def _field(name: str, type: Any) -> dict[str, Any]:
    return {"name": name, "type": spark(type), "nullable": True, "metadata": {}}


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
