"""Which columns may not repeat or be null, and how keys of several columns are made unique as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mockdata.seeds import stream
from mockdata.tables.columns import Codes, FromRegister, Grid, Pool, Reference, Spelled, Text, innermost
from mockdata.tables.dependent import Joint, Ordinal
from mockdata.tables.place import PlanError

if TYPE_CHECKING:
    from mockdata.tables.keys import Keys
    from mockdata.tables.plan import Column
    from mockdata.tables.planner import Planner
    from specs.model import Interface, Table

WIDE = 2**40
"""A column with so many values is unique by itself; narrower ones are combined."""


def is_unique(table: Table, name: str, interface: Interface) -> bool:
    """Whether no value of a field may come twice: the only key, `x-unique`, or a quality rule against duplicates."""
    if table.primary_key == (name,) or (name,) in combinations(table):
        return True
    schema = interface.resolve(table.field(name).schema)
    return bool(schema.get("x-unique")) or _forbids(schema, "duplicateValues")


def never_null(schema: Mapping[str, Any]) -> bool:
    """Whether a quality rule forbids null, though the field is not called required."""
    return _forbids(schema, "nullValues") or any(
        None in rule.get("arguments", {}).get("missingValues", ())
        for rule in _rules(schema, "missingValues") if _is_zero(rule) and isinstance(rule.get("arguments"), Mapping)
    )  # fmt: skip


def null_limit(schema: Mapping[str, Any]) -> float:
    """The share of nulls the quality rules of a field allow, at most."""
    limit = 1.0
    for rule in _rules(schema, "nullValues"):
        for word in ("mustBeLessThan", "mustBeLessOrEqualTo", "mustBeLessThanOrEqualTo"):
            value = rule.get(word)
            if isinstance(value, int | float) and rule.get("unit") == "percent":
                limit = min(limit, value / 100)
    return limit


def combinations(table: Table) -> tuple[tuple[str, ...], ...]:
    """Columns that are unique together by the table's quality rules (`duplicateValues` with `properties`)."""
    found = []
    for rule in table.quality:
        arguments = rule.get("arguments")
        names = arguments.get("properties") if isinstance(arguments, Mapping) else None
        if _metric(rule) == "duplicateValues" and _is_zero(rule) and isinstance(names, list) and names:
            found.append(tuple(str(name) for name in names))
    return tuple(found)


def _rules(schema: Mapping[str, Any], metric: str) -> list[Mapping[str, Any]]:
    return [rule for rule in schema.get("x-quality", ()) if _metric(rule) == metric]


def _metric(rule: Mapping[str, Any]) -> Any:
    return rule.get("metric", rule.get("rule")) if rule.get("type", "library") == "library" else None


def _is_zero(rule: Mapping[str, Any]) -> bool:
    value = rule.get("mustBe")
    return value == 0 and not isinstance(value, bool)


def _forbids(schema: Mapping[str, Any], metric: str) -> bool:
    return any(_is_zero(rule) for rule in _rules(schema, metric))


def keys_made_unique(columns: tuple[Column, ...], table: Table, keys: Keys, planner: Planner) -> tuple[Column, ...]:
    """The columns with every key of several columns unique as a whole. Raises PlanError where that cannot be had."""
    known = {column.name for column in columns}
    for names in dict.fromkeys((table.primary_key, *combinations(table))):
        if len(names) < 2:
            continue
        missing = [name for name in names if name not in known]
        if missing:
            raise PlanError(missing[0], table.pointer, "a quality rule names this field, which is not described")
        columns = _together(columns, names, table, planner)
    return columns


def _together(
    columns: tuple[Column, ...], names: tuple[str, ...], table: Table, planner: Planner
) -> tuple[Column, ...]:
    key = [column for column in columns if column.name in names]
    if any(isinstance(innermost(c.recipe), FromRegister) or getattr(c.recipe, "unique", False) for c in key):
        return columns
    made: dict[str, Column] = {}
    families = {c.name: c for c in key if isinstance(c.recipe, Reference) and c.recipe.family is not None}
    free = [c for c in key if isinstance(c.recipe, Codes | Grid | Text | Pool | Spelled) and c.recipe.size is not None]
    whole = [c for c in free if isinstance(c.recipe, Grid) and c.recipe.size > 1]
    widest = max(free, key=lambda c: c.recipe.size or 0, default=None)
    if families and whole:
        parent = next(iter(families.values()))
        assert isinstance(parent.recipe, Reference)
        assert parent.recipe.family is not None
        line = whole[-1]
        assert isinstance(line.recipe, Grid)
        if parent.recipe.family.most > line.recipe.size:
            raise PlanError(line.name, line.pointer, f"numbers the children of a parent, of which there may be "
                            f"{parent.recipe.family.most:,}, but has {line.recipe.size:,} values",
                            "widen its range, or give x-children a lower maximum")  # fmt: skip
        made[line.name] = replace(line, recipe=Ordinal(parent.recipe.family, parent.key, line.recipe), by_row=True,
                                  source="number within the parent")  # fmt: skip
    elif widest is not None and (len(free) == 1 or (widest.recipe.size or 0) >= WIDE):
        inner: Any = widest.recipe
        if isinstance(inner, Spelled):
            within: Any = inner.inner
            inner = replace(inner, inner=replace(within, unique=True))
        else:
            inner = replace(inner, unique=True)
        made[widest.name] = replace(widest, recipe=inner, by_row=_numbered(inner.size, planner, table))
    elif free:
        total = 1
        for column in free:
            total *= column.recipe.size or 1
        total, stride = min(total, 2**62 - 1), 1
        stem = stream(planner.world.seed, table.name, "together", *names)
        for column in sorted(free, key=lambda c: c.recipe.size or 0):
            inner = column.recipe
            recipe = Joint(inner, stem, total, stride)
            made[column.name] = replace(column, recipe=recipe, by_row=_numbered(total, planner, table))
            stride *= inner.size
    else:
        reference = next((c for c in key if isinstance(c.recipe, Reference) and c.recipe.family is None
                          and not c.recipe.own), None)  # fmt: skip
        if reference is None:
            raise PlanError(
                ",".join(names), table.pointer, "no column of the key can be made unique",
                "give one of them a pattern, a range or a list with enough values",
            )  # fmt: skip
        inner = reference.recipe
        made[reference.name] = replace(reference, recipe=replace(inner, unique=True), by_row=True)
    return tuple(made.get(column.name, column) for column in columns)


def _numbered(size: int, planner: Planner, table: Table) -> bool:
    if planner.filtered or table.register is None:
        return planner.filtered
    from mockdata.population.registers import register

    return size < register(table.register).count(planner.world.open())
