"""Foreign keys: which table's rows a table names, inside an interface and across interfaces and departments.

A field that carries a fact of the population needs no look at the other table: whoever is in the marriage register is
a person of the person register, so the key holds by construction. Every other key is drawn from the rows of its
parent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from mockdata.tables.alternatives.described import completed
from mockdata.tables.place import PlanError
from specs.model import Field, ForeignKey, Interface, Table


@dataclass(frozen=True, slots=True)
class Parent:
    """The table a foreign key names."""

    key: ForeignKey
    interface: Interface
    table: Table


def parent(key: ForeignKey, interface: Interface, table: Table, known: Mapping[str, Interface]) -> Parent:
    """Where a foreign key leads. Raises PlanError when that table or one of its fields is not known."""
    column = ",".join(key.fields)
    home = interface
    if key.interface is not None and key.interface != interface.id:
        found = known.get(key.interface)
        if found is None:
            raise PlanError(
                column, key.pointer, f"the foreign key names the interface {key.interface!r}, which is not known here",
                "publish it first, or name its file together with this one",
            )  # fmt: skip
        home = found
    try:
        target = home.table(key.table)
    except KeyError as error:
        raise PlanError(column, key.pointer, f"foreign key: {error.args[0]}") from None
    names = {field.name for field in target.fields}
    missing = [name for name in key.target_fields if name not in names]
    if missing:
        raise PlanError(column, key.pointer, f"the foreign key names {key.table}.{missing[0]}, which is not there")
    return Parent(key, home, target)


def step(
    trail: tuple[tuple[str, str], ...], interface: Interface, table: Table, pointer: str, column: str = ""
) -> tuple[tuple[str, str], ...]:
    """The way walked so far and this table. Raises PlanError when it closes a circle."""
    here = (interface.id, table.name)
    if here in trail:
        circle = " → ".join(f"{one}#{name}" for one, name in (*trail[trail.index(here) :], here))
        raise PlanError(column, pointer, f"cyclic foreign keys: {circle}", "drop one of them, or make it a plain field")
    return (*trail, here)


def table_of(interface: Interface, name: str | None) -> Table:
    """The table asked for; without a name the only one. An API's component object schemas count as its tables.

    Raises PlanError naming near tables, or all of them when there are several to choose from.
    """
    tables = {table.name: table for table in (*interface.tables, *component_tables(interface))}
    if name in tables:
        return completed(interface, tables[name])
    if name is None:
        candidates = list(interface.tables) or list(tables.values())
        if len(candidates) == 1:
            return completed(interface, candidates[0])
        if not candidates:
            raise PlanError("", "", f"{interface.id} describes no table", "only datasets and object schemas have rows")
        listed = ", ".join(list(tables)[:12])
        raise PlanError("", "", f"{interface.id} has {len(tables)} tables", f"choose one with --table: {listed}")
    import difflib

    near = difflib.get_close_matches(name, list(tables), 3, 0.4) or list(tables)[:8]
    raise PlanError("", "", f"{interface.id} has no table {name!r}", f"there is: {', '.join(near)}")


def tables_of(interface: Interface, name: str | None) -> list[Table]:
    """The table asked for, or all of a dataset, parents before those that name them. Raises PlanError."""
    if name is not None or not interface.tables:
        return [table_of(interface, name)]
    left, done = list(interface.tables), list[Table]()
    while left:
        named = {table.name for table in left}
        ready = [
            table
            for table in left
            if not any(key.interface is None and key.table in named - {table.name} for key in table.foreign_keys)
        ]
        done += ready or left  # a circle is told by the plan
        left = [table for table in left if table not in done]
    return done


def loose(table: Table) -> Table:
    """The table with none of its fields required: for looking at whatever facts there are."""
    return replace(table, fields=tuple(replace(field, required=False) for field in table.fields))


def component_tables(interface: Interface) -> tuple[Table, ...]:
    """Object schemas of an interface as tables of one row an object."""
    found = []
    for name, schema in interface.definitions.items():
        schema = interface.resolve(schema)
        told = any(word in schema for word in ("properties", "allOf", "oneOf", "anyOf"))
        if told and schema.get("type", "object") == "object" and interface.fields(schema):
            pointer = f"/components/schemas/{_token(name)}"
            fields = tuple(
                field if field.pointer else replace(field, pointer=f"{pointer}/properties/{_token(field.name)}")
                for field in interface.fields(schema)
            )
            # A document may require members it does not describe; anything will do for them.
            missing = [word for word in schema.get("required", ()) if word not in {field.name for field in fields}]
            fields += tuple(Field(name=word, required=True, schema={}, pointer=pointer) for word in missing)
            found.append(Table(name=name, fields=fields, pointer=pointer, extensions={"schema": schema}))
    return tuple(found)


def _token(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
