"""A plan as a table of a database: column types, what may be absent, and the keys that hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from mockdata.tables.columns import Reference

if TYPE_CHECKING:
    from mockdata.tables.plan import Plan
    from specs.model import Table

Key = tuple[tuple[str, ...], str, tuple[str, ...]]
"""Own columns, the other table, its columns."""


@dataclass(frozen=True, slots=True)
class Field:
    """One column. `json`: its values are JSON text."""

    name: str
    type: pa.DataType
    nullable: bool
    json: bool


@dataclass(frozen=True, slots=True)
class Definition:
    """One table, its name perhaps with a schema before a dot."""

    name: str
    fields: tuple[Field, ...]
    primary_key: tuple[str, ...] = ()
    foreign_keys: tuple[Key, ...] = ()

    def columns(self, types: Mapping[str, str]) -> list[str]:
        """`"name" TYPE [NOT NULL]` of every column; `types`: see `spelled`."""
        return [f"{quoted(f.name)} {spelled(f, types)}{'' if f.nullable else ' NOT NULL'}" for f in self.fields]

    def keys(self) -> list[str]:
        """The key clauses of CREATE TABLE."""
        primary = [f"PRIMARY KEY ({listed(self.primary_key)})"] if self.primary_key else []
        return primary + [
            f"FOREIGN KEY ({listed(own)}) REFERENCES {quoted_name(other)} ({listed(theirs)})"
            for own, other, theirs in self.foreign_keys
        ]


def quoted(name: str) -> str:
    """An SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def quoted_name(name: str) -> str:
    """A table's identifier with its schema."""
    return ".".join(quoted(part) for part in name.split(".", 1))


def listed(names: Sequence[str]) -> str:
    """SQL identifiers with commas between them."""
    return ", ".join(map(quoted, names))


def spelled(field: Field, types: Mapping[str, str]) -> str:
    """The SQL type of a column: one of `types`, a decimal with its places."""
    if field.json or pa.types.is_nested(field.type):
        return types["json"]
    type = field.type
    if pa.types.is_decimal(type):
        return types["decimal"].format(type.precision, type.scale)
    kinds = {
        "boolean": pa.types.is_boolean, "integer": pa.types.is_integer, "number": pa.types.is_floating,
        "date": pa.types.is_date, "moment": pa.types.is_timestamp,
    }  # fmt: skip
    return types[next((name for name, holds in kinds.items() if holds(type)), "text")]


def definition(plan: Plan, table: Table | None, name: str | None = None) -> Definition:
    """The table of a plan with its primary key, which every plan keeps."""
    fields = tuple(Field(c.name, c.type, c.nullable, c.name in plan.json_text) for c in plan.columns)
    key = () if table is None else tuple(n for n in table.primary_key if n in {f.name for f in fields})
    return Definition(name or plan.table.replace(".", "_"), fields, key)


def definitions(plans: Sequence[Plan], tables: Sequence[Table], rows: int, name: str | None = None) -> list[Definition]:
    """The tables that are loaded together, with the foreign keys between them that hold for `rows` rows of each: those
    drawn from rows of the parent that are loaded too. Facts of the population are true without the other's row.
    """
    made = [definition(plan, table, name) for plan, table in zip(plans, tables, strict=True)]
    known = {table.name: found for table, found in zip(tables, made, strict=True)}
    return [
        Definition(found.name, found.fields, found.primary_key, tuple(_keys(plan, table, known, rows)))
        for found, plan, table in zip(made, plans, tables, strict=True)
    ]


def _keys(plan: Plan, table: Table, known: Mapping[str, Definition], rows: int) -> list[Key]:
    recipes = {column.name: column.recipe for column in plan.columns}
    found: list[Key] = []
    for key in table.foreign_keys:
        parent = known.get(key.table) if key.interface in (None, plan.interface) else None
        if parent is None or parent.primary_key != key.target_fields:
            continue
        drawn = [recipes.get(name) for name in key.fields]
        if all(isinstance(recipe, Reference) and recipe.parents <= rows for recipe in drawn):
            found.append((key.fields, parent.name, key.target_fields))
    return found
