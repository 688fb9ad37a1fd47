"""What a field says about other fields of its row: computed values, dependence, conditional absence.

| schema extension                                                  | the field                                        |
|-------------------------------------------------------------------|--------------------------------------------------|
| `x-compute: "income * 12"`                                        | is that value (CEL over the row's other fields)  |
| `x-depends-on: kind` + `x-weights: {a: {x: 8, y: 1}, "*": …}`     | has other weights for each value of `kind`       |
| `x-depends-on: kind` + `x-distribution: {by: {a: …, "*": …}}`     | has another distribution for each value          |
| `x-depends-on: beds` + `x-distribution: {type: linear, slope: 2}` | grows with `beds`, `deviation` apart             |
| `x-depends-on: beds` + `x-correlation: 0.7`                       | has that rank correlation, its own distribution  |
| `x-null-share: {when: "age < 18", share: 0.9, otherwise: 0.1}`    | is missing more often there                      |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from mockdata.tables import arrow
from mockdata.tables.columns import Grid, Nullable, Recipe, innermost
from mockdata.tables.constraints import broken
from mockdata.tables.dependent import Cases, Computed, Correlated, Linear, numbers
from mockdata.tables.expressions import Expression, ExpressionError, compile
from mockdata.tables.place import Place
from mockdata.tables.recipes import ABSENT_SHARE, named, recipe
from mockdata.tables.uniqueness import null_limit

if TYPE_CHECKING:
    from mockdata.tables.plan import Plan

TRIAL = 2048
"""Rows computed while planning, to see whether expressions and constraints agree."""
SAMPLE = 8192
"""Rows by which the ranks of another column are told."""
ELSE = "*"
_RESULTS = {
    "bool": pa.types.is_boolean,
    "int": lambda type: pa.types.is_integer(type) or pa.types.is_floating(type) or pa.types.is_decimal(type),
    "double": lambda type: pa.types.is_floating(type) or pa.types.is_decimal(type),
    "string": pa.types.is_string,
    "timestamp": lambda type: pa.types.is_date(type) or pa.types.is_timestamp(type) or pa.types.is_string(type),
    "null": lambda type: True,
}


@dataclass(frozen=True)
class Row:
    """The columns of a row: the types of all, and a plan of those that are made before this one."""

    types: Mapping[str, pa.DataType]
    plan: Plan

    def sample(self, name: str, rows: int) -> pa.Array:
        """The values of a column in the first rows."""
        return self._columns((name,), rows)[name]

    def _columns(self, names: tuple[str, ...], rows: int) -> Mapping[str, pa.Array]:
        from mockdata.tables.generate import at_rows

        limits = [rows] if self.plan.limit is None else [rows, self.plan.limit]
        for column in self.plan.columns:
            inner: Any = innermost(column.recipe)
            if getattr(inner, "unique", False) and inner.size is not None:
                limits.append(inner.size)
        return at_rows(self.plan, np.arange(min(limits)), names)

    def constants(self, name: str) -> frozenset[str] | None:
        """The values a column can have at all, as texts; None when they are not listed."""
        column = next(column for column in self.plan.columns if column.name == name)
        if pa.types.is_boolean(column.type):
            return frozenset(("true", "false"))
        schema = column.schema
        listed = [schema["const"]] if "const" in schema else schema.get("enum")
        return None if listed is None else frozenset(named(value) for value in listed)

    def check(self, made: Recipe, place: Place, schema: Mapping[str, Any], nullable: bool) -> None:
        """A look at the first computed values. Raises PlanError when they break the field's constraints."""
        inner = innermost(made)
        assert isinstance(inner, Computed)
        columns = self._columns(inner.needs, TRIAL)
        rows = len(next(iter(columns.values()))) if columns else 1
        try:
            values = inner.draw(np.arange(rows), 0, columns)
        except ExpressionError as error:
            raise place.fault(f"x-compute: {error}") from None
        except arrow.UNFIT:
            raise place.fault(f"x-compute: its values are not of type {inner.type}") from None
        if values.null_count and not nullable:
            raise place.fault("x-compute: it has no value for some rows, and the field is required",
                              "write … ? … : …, or let the field be absent")  # fmt: skip
        if fault := broken(values.drop_null(), schema):
            raise place.fault(f"x-compute: {fault}", "correct the expression or the field's constraints")


def looked_at(schema: Mapping[str, Any], place: Place, types: Mapping[str, pa.DataType]) -> tuple[str, ...]:
    """The fields a field looks at. Raises PlanError for expressions that cannot be used."""
    found: list[str] = []
    if "x-compute" in schema:
        found += _expression(schema["x-compute"], "x-compute", place, types).names
    if "x-depends-on" in schema:
        found.append(_other(schema, place, types))
    share = schema.get("x-null-share")
    if isinstance(share, Mapping) and "when" in share:
        found += _expression(share["when"], "x-null-share", place, types).names
    return tuple(dict.fromkeys(found))


def _expression(text: Any, word: str, place: Place, types: Mapping[str, pa.DataType]) -> Expression:
    try:
        return compile(text, types)
    except ExpressionError as error:
        raise place.fault(f"{word} {text!r}: {error}") from None


def _other(schema: Mapping[str, Any], place: Place, types: Mapping[str, pa.DataType]) -> str:
    name = schema["x-depends-on"]
    if not isinstance(name, str) or name not in types:
        import difflib

        near = difflib.get_close_matches(str(name), list(types), 3, 0.5) or list(types)[:8]
        raise place.fault(f"x-depends-on names {name!r}, which is no field here", f"there is: {', '.join(near)}")
    return name


def dependent(schema: dict[str, Any], place: Place, type: pa.DataType, unique: bool, row: Row) -> Recipe | None:
    """The recipe of a field that looks at others; None for one that stands alone. Raises PlanError."""
    shape = schema.get("x-distribution")
    if "x-compute" in schema:
        if unique:
            raise place.fault("x-compute: a computed field cannot promise to be unique", "make what it is computed "
                              "from unique instead")  # fmt: skip
        made = _expression(schema["x-compute"], "x-compute", place, row.types)
        if made.kind is not None and not _RESULTS.get(made.kind, lambda type: False)(type):
            hint = "write int(…)" if made.kind == "double" and pa.types.is_integer(type) else ""
            raise place.fault(f"x-compute {made.text!r} gives a {made.kind}, the field holds {type}", hint)
        return Computed(made, type, schema)
    if "x-depends-on" not in schema:
        if "x-correlation" in schema or (
            isinstance(shape, Mapping) and (shape.get("type") == "linear" or "by" in shape)
        ):
            raise place.fault("a correlation or condition needs x-depends-on", "name the field it depends on")
        return None
    if unique:
        raise place.fault("x-depends-on: a field that depends on another cannot be unique")
    on = _other(schema, place, row.types)
    weights = schema.get("x-weights")
    if "x-correlation" in schema:
        return _correlated(schema, place, type, on, row)
    if isinstance(shape, Mapping) and shape.get("type") == "linear":
        return _linear(schema, place, type, on, row)
    if isinstance(shape, Mapping) and isinstance(shape.get("by"), Mapping):
        return _cases(schema, "x-distribution", shape["by"], place, type, on, row)
    if isinstance(weights, Mapping) and weights and all(isinstance(part, Mapping | list) for part in weights.values()):
        return _cases(schema, "x-weights", weights, place, type, on, row)
    raise place.fault(
        "x-depends-on says nothing of how",
        "add x-correlation, x-distribution: {type: linear, …} or {by: {value: …}}, or x-weights: {value: {…}}",
    )


def _plain(schema: Mapping[str, Any], *but: str) -> dict[str, Any]:
    return {word: value for word, value in schema.items() if word not in ("x-depends-on", *but)}


def _cases(
    schema: dict[str, Any], word: str, by: Mapping[Any, Any], place: Place, type: pa.DataType, on: str, row: Row
) -> Cases:
    cases = {named(value): said for value, said in by.items()}
    known = row.constants(on)
    unknown = sorted(cases.keys() - {ELSE} - (known or cases.keys()))
    if unknown:
        raise place.fault(
            f"{word} names {unknown[0]!r}, which {on!r} never has", f"it has {', '.join(sorted(known or ()))}"
        )
    plain = _plain(schema, word)
    otherwise = recipe({**plain, word: cases[ELSE]} if ELSE in cases else plain, place, type=type)
    values = tuple(value for value in cases if value != ELSE)
    return Cases(
        on, values, tuple(recipe({**plain, word: cases[value]}, place, type=type) for value in values), otherwise
    )


def _grid(schema: dict[str, Any], place: Place, type: pa.DataType, on: str, row: Row, word: str) -> Grid:
    made = recipe(schema, place, type=type)
    if not isinstance(made, Grid):
        raise place.fault(f"{word}: only numbers, dates and times can follow another field")
    other = row.types[on]
    if not (pa.types.is_integer(other) or pa.types.is_floating(other) or pa.types.is_decimal(other)
            or pa.types.is_date(other) or pa.types.is_timestamp(other)):  # fmt: skip
        raise place.fault(f"{word}: {on!r} holds {other}, which has no order of numbers")
    return made


def _linear(schema: dict[str, Any], place: Place, type: pa.DataType, on: str, row: Row) -> Linear:
    shape = schema["x-distribution"]
    grid = _grid(_plain(schema, "x-distribution"), place, type, on, row, "x-distribution")
    said = {}
    for name, default in (("intercept", 0.0), ("slope", 1.0), ("deviation", 0.0)):
        value = shape.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e18:
            raise place.fault(f"x-distribution: the {name} must be a number, not {value!r}")
        said[name] = float(value)
    if said["deviation"] < 0:
        raise place.fault("x-distribution: the deviation must be 0 or more")
    known = numbers(row.sample(on, SAMPLE).drop_null(), 0.0)
    middle = float(np.sort(known)[len(known) // 2]) if len(known) else 0.0
    made = Linear(on, said["intercept"], said["slope"], said["deviation"], middle, grid)
    ends = np.array([known.min(), known.max()]) if len(known) else np.array([middle])
    reach = said["intercept"] + said["slope"] * ends
    scale = grid.numerator / grid.denominator
    if (
        reach.max() + 4 * said["deviation"] < grid.low * scale
        or reach.min() - 4 * said["deviation"] > grid.high * scale
    ):
        raise place.fault(f"x-distribution: a line from {reach.min():g} to {reach.max():g} misses the field's range "
                          f"{grid.low * scale:g} to {grid.high * scale:g}", "correct intercept or slope")  # fmt: skip
    return made


def _correlated(schema: dict[str, Any], place: Place, type: pa.DataType, on: str, row: Row) -> Correlated:
    rho = schema["x-correlation"]
    if isinstance(rho, bool) or not isinstance(rho, int | float) or not -1 <= rho <= 1:
        raise place.fault(f"x-correlation must be a number from -1 to 1, not {rho!r}")
    grid = _grid(_plain(schema, "x-correlation"), place, type, on, row, "x-correlation")
    known = np.sort(numbers(row.sample(on, SAMPLE).drop_null(), 0.0))
    if not len(known):
        raise place.fault(f"x-correlation: {on!r} has no values")
    return Correlated(on, float(rho), tuple(known.tolist()), grid)


def share_of(inner: Recipe, schema: Mapping[str, Any], place: Place, row: Row) -> Recipe:
    """The recipe with its share of absent values: `x-null-share` (0 … 1, or by a condition), else 5 %, and never more
    than the field's quality rules allow.
    """
    limit = null_limit(schema)
    said = schema.get("x-null-share", min(ABSENT_SHARE, limit * 0.5))
    if not isinstance(said, Mapping):
        share = _share(said, place)
        return Nullable(inner, share) if share else inner
    unknown = set(said) - {"when", "share", "otherwise"}
    if unknown or "when" not in said:
        raise place.fault("x-null-share by a condition is {when: CEL, share: 0 … 1, otherwise: 0 … 1}")
    made = _expression(said["when"], "x-null-share", place, row.types)
    if made.kind not in ("bool", None):
        raise place.fault(f"x-null-share {made.text!r} gives a {made.kind}, not true or false")
    return Nullable(inner, _share(said.get("share", 1.0), place), made, _share(said.get("otherwise", 0.0), place))


def _share(share: Any, place: Place) -> float:
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
        raise place.fault(f"x-null-share must be a number from 0 to 1, not {share!r}")
    return float(share)
