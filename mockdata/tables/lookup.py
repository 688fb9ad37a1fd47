"""One record by its key, out of a population nobody has stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from mockdata.population import Population
from mockdata.tables import relations
from mockdata.tables.columns import FromRegister, innermost
from mockdata.tables.generate import of_records
from mockdata.tables.jsonlines import plain
from mockdata.tables.plan import Plan, PlanError, plan
from specs.model import Field, Interface, Kind, Table


def lookup(
    interface: Interface, key: str, population: Population, table: str | None = None
) -> Mapping[str, Any] | None:
    """The record with that key as the table's datasets have it (field → JSON value), or None.

    The key is the table's primary key or another field its register is found by (a citizen number). For an API the
    fields are those of its successful answers. Raises PlanError for a table without a register.
    """
    made = plan(interface, _answers(interface) if table is None else table, population)
    subjects = _subjects(made, key, population)
    if subjects is None:
        return None
    from mockdata.population.registers import register

    found = register(made.register or "")
    rows = found.placed(population, subjects)
    columns = of_records(made, rows, None)
    return {name: plain(values[0].as_py()) for name, values in columns.items()}


def _subjects(made: Plan, key: str, population: Population) -> Any:
    from mockdata.population.registers import register

    if made.register is None:
        raise PlanError(
            "", "", f"records of {made.interface} {made.table} cannot be found by key: the table has no register",
            "name its register, or give it a field with the element GMSFHM",
        )  # fmt: skip
    found = register(made.register)
    recipes = [innermost(column.recipe) for column in made.columns]
    held = [recipe.element for recipe in recipes if isinstance(recipe, FromRegister)]
    known = [element for element in held if element in found.keys] or list(found.keys)
    for element in known:
        subjects = found.keys[element](population, pa.array([key], pa.string()))
        if subjects[0] >= 0:
            return np.asarray(subjects, dtype=np.int64)
    return None


def _answers(interface: Interface) -> Table | None:
    """The fields an API's operations answer with, as a table; None for a dataset, which has tables of its own."""
    if interface.kind is not Kind.API:
        return None
    fields: dict[str, Field] = {}
    for operation in interface.operations:
        content = operation.success.content() if operation.success is not None else None
        for field in interface.fields(content.schema if content is not None else None):
            if field.element is not None:
                fields.setdefault(field.name, field)
    if not fields:
        raise PlanError("", "", f"no operation of {interface.id} answers with a data element")
    return relations.loose(Table(name="answers", fields=tuple(fields.values()), register="person"))
