"""Recipes of columns that look at other columns of their row.

`needs` names those columns; `draw(rows, key, columns)` gets their values for the same rows. What is drawn still depends
on the row alone, because the other columns do.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mockdata.seeds import Bijection, Floats, Ints, hashed, unit
from mockdata.tables import arrow
from mockdata.tables.children import Family
from mockdata.tables.columns import ORDER, Grid, Recipe
from mockdata.tables.expressions import Expression
from mockdata.tables.expressions.nodes import DOUBLE
from mockdata.tables.expressions.vectors import of_column

Columns = Mapping[str, pa.Array]
NOTHING: Columns = MappingProxyType({})
TIES = 0x74696573
NORMALS = 4097


@dataclass(frozen=True, slots=True)
class _OnAnother:
    """What depends on the column `on`; as many values as there are rows."""

    on: str

    @property
    def needs(self) -> tuple[str, ...]:
        return (self.on,)

    @property
    def size(self) -> int | None:
        return None


@dataclass(frozen=True, slots=True)
class Cases(_OnAnother):
    """Another recipe for each value of the column `on`; `otherwise` for all other values and for none."""

    values: tuple[str, ...]
    recipes: tuple[Recipe, ...]
    otherwise: Recipe

    def draw(self, rows: Ints, key: int, columns: Columns = NOTHING) -> pa.Array:
        texts = spelled(columns[self.on])
        found = pc.fill_null(pc.index_in(texts, value_set=pa.array(self.values, pa.string())), len(self.values))
        case = np.asarray(found)
        parts, places = [], []
        for number, made in enumerate((*self.recipes, self.otherwise)):
            at = np.nonzero(case == number)[0]
            if len(at):
                parts.append(made.draw(rows[at], key))
                places.append(at)
        if not parts:
            return self.otherwise.draw(rows, key)
        back = np.argsort(np.concatenate(places), kind="stable")
        return pa.concat_arrays(parts).take(pa.array(back))


def spelled(values: pa.Array) -> pa.Array:
    """A column as texts, as the names of cases are written."""
    if pa.types.is_boolean(values.type):
        return pc.if_else(values, "true", "false")
    return arrow.convert(values, pa.string(), {})


@dataclass(frozen=True, slots=True)
class Linear(_OnAnother):
    """Numbers around intercept + slope × the column `on`, `deviation` apart; `middle` stands for a null."""

    intercept: float
    slope: float
    deviation: float
    middle: float
    grid: Grid

    def draw(self, rows: Ints, key: int, columns: Columns = NOTHING) -> pa.Array:
        other = numbers(columns[self.on], self.middle)
        noise = normal(unit(hashed(key, rows))) * self.deviation
        return self.grid.nearest(self.intercept + self.slope * other + noise)


@dataclass(frozen=True, slots=True)
class Correlated(_OnAnother):
    """Numbers of the grid's own distribution with the rank correlation `rho` to the column `on` (Gaussian copula).

    `known` are the sorted values of a sample of that column, by which its ranks are told.
    """

    rho: float
    known: tuple[float, ...]
    grid: Grid

    def draw(self, rows: Ints, key: int, columns: Columns = NOTHING) -> pa.Array:
        other = numbers(columns[self.on], math.nan)
        table, starts = _table(self.known)
        after = np.searchsorted(table, other, side="right")
        last = np.maximum(after - 1, 0)
        first = np.where(table[last] == other, starts[last], after)
        # equal values share their ranks out by chance, values between two of the sample stand between their ranks
        spread = unit(hashed(key ^ TIES, rows))
        rank = (first - 0.5 + spread * (after - first + 1)) / len(table)
        rank = np.where(np.isnan(other), spread, np.clip(rank, 0.0, 1.0 - 1e-9))
        link = float(f"{2 * math.sin(math.pi * self.rho / 6):.12g}")  # Pearson's for this Spearman's
        rest = float(f"{math.sqrt(max(0.0, 1 - link * link)):.12g}")
        mixed = link * normal(rank) + rest * normal(unit(hashed(key, rows)))
        share = np.clip(below(mixed), 0.0, 1.0 - 1e-9)
        if self.grid.distribution is not None:
            return self.grid.nearest(self.grid.distribution.at(share))
        return self.grid.nth(np.minimum((share * self.grid.size).astype(np.int64), self.grid.size - 1))


def numbers(values: pa.Array, missing: float) -> Floats:
    """A column of numbers or times as floats (dates in days), `missing` for nulls."""
    if pa.types.is_date(values.type):
        values = pc.cast(values, pa.int32())
    elif pa.types.is_timestamp(values.type):
        values = pc.cast(values, pa.timestamp("us", tz=values.type.tz)).view(pa.int64())
    found = of_column(values, DOUBLE)
    result: Floats = np.where(found.null, missing, found.data)
    return result


@lru_cache(maxsize=64)
def _table(known: tuple[float, ...]) -> tuple[Floats, Ints]:
    """The sorted values, and where the run of equal ones of each begins."""
    table = np.array(known)
    return table, np.searchsorted(table, table, side="left")


@lru_cache(maxsize=1)
def _normals() -> tuple[Floats, Floats]:
    """Φ⁻¹ at even steps of (0, 1), Φ at even steps of [-6, 6]: tables, so that every machine reads the same."""
    curve = NormalDist()
    shares = [min(max(at / (NORMALS - 1), 1e-5), 1 - 1e-5) for at in range(NORMALS)]
    upward = np.array([float(f"{curve.inv_cdf(share):.12g}") for share in shares])
    return upward, np.array([float(f"{curve.cdf(-6 + 12 * at / (NORMALS - 1)):.12g}") for at in range(NORMALS)])


def _read(table: Floats, place: Floats) -> Floats:
    at = np.minimum(place.astype(np.int64), len(table) - 2)
    result: Floats = table[at] + (place - at) * (table[at + 1] - table[at])
    return result


def normal(share: Floats) -> Floats:
    """Normally distributed numbers for shares in [0, 1)."""
    return _read(_normals()[0], share * (NORMALS - 1))


def below(value: Floats) -> Floats:
    """The share of a normal distribution below a number."""
    return _read(_normals()[1], (np.clip(value, -6.0, 6.0) + 6.0) * ((NORMALS - 1) / 12))


@dataclass(frozen=True, slots=True)
class Computed:
    """The value of an expression over other columns; null where it has none."""

    expression: Expression
    type: pa.DataType
    schema: Mapping[str, Any]

    @property
    def needs(self) -> tuple[str, ...]:
        return self.expression.names

    @property
    def size(self) -> int | None:
        return None

    def draw(self, rows: Ints, key: int, columns: Columns = NOTHING) -> pa.Array:
        values, _ = self.expression.values(columns, len(rows))
        return arrow.convert(values, self.type, self.schema)


@dataclass(frozen=True, slots=True)
class Ordinal:
    """The number of a row among the children of its parent: order lines 1, 2, 3 … `stem` is the foreign key's
    stream.
    """

    family: Family
    stem: int
    grid: Grid
    unique: bool = True

    @property
    def size(self) -> int:
        return self.grid.size // self.family.most * self.family.round

    def draw(self, rows: Ints, key: int) -> pa.Array:
        return self.grid.nth(np.minimum(self.family.members(rows, self.stem)[1], self.grid.size - 1))


@dataclass(frozen=True, slots=True)
class Joint:
    """One column of a key that is unique as a whole: the number of a row among all combinations is counted through in
    a keyed order, and this column's part of it is `number // stride % size`.
    """

    inner: Any
    stem: int
    combinations: int
    stride: int
    unique: bool = True

    @property
    def size(self) -> int:
        return self.combinations

    def draw(self, rows: Ints, key: int) -> pa.Array:
        number = Bijection(self.stem ^ ORDER).forward(rows, self.combinations)
        return self.inner.nth(number // self.stride % self.inner.size)
