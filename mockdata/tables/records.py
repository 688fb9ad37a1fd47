"""Columns that carry facts of the population, read from the register the table belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from mockdata.seeds import Ints
from mockdata.tables import arrow
from mockdata.tables.chosen import chosen
from mockdata.tables.columns import FromRegister, innermost
from mockdata.tables.constraints import broken
from mockdata.tables.sampling import sample

if TYPE_CHECKING:
    from mockdata.population import Population
    from mockdata.population.registers import Register
    from mockdata.tables.plan import Column, Plan

TRIAL = 2048
"""Records looked at before a field is bound to a fact, to see whether the facts meet the field's
constraints.
"""


def places(plan: Plan, positions: Ints) -> Ints:
    """The register's rows behind these rows of the table; the positions themselves without a register."""
    if plan.where is not None:
        return plan.where.records(positions)
    if plan.register is None:
        return positions
    from mockdata.population.registers import register

    population = plan.world.open()
    if plan.world.scenarios:
        return chosen(register(plan.register), population).rows(positions)
    return sample(register(plan.register), population).rows(positions)


def read(plan: Plan, rows: Ints, columns: Sequence[Column]) -> dict[str, pa.Array]:
    """These columns of rows of the plan's register, each in the field's own type."""
    from mockdata.population.registers import register

    assert plan.register is not None
    recipes = [innermost(column.recipe) for column in columns]
    elements = [recipe.element for recipe in recipes if isinstance(recipe, FromRegister)]
    population = plan.world.open().seen_by(plan.interface.partition(".")[0])
    facts = register(plan.register).read(population, rows, list(dict.fromkeys(elements)))
    return {
        column.name: arrow.convert(facts[element], column.type, column.schema)
        for column, element in zip(columns, elements, strict=True)
    }


def fitting(register: Register, population: Population, recipe: FromRegister, column: Column) -> str | None:
    """What keeps the facts of an element from being a field's values, None when nothing does."""
    count = min(TRIAL, register.count(population))
    rows = sample(register, population).rows(np.arange(count, dtype=np.int64))
    facts = register.read(population, rows, [recipe.element])[recipe.element]
    try:
        values = arrow.convert(facts, column.type, column.schema)
    except arrow.UNFIT:
        example = next((value for value in facts.to_pylist() if value is not None), None)
        return f"the population's values (like {example!r}) cannot be of type {column.type}"
    if column.always and not column.nullable and values.null_count:
        return "not every record has that fact, and the field is required"
    return broken(values.drop_null(), column.schema)
