"""Recipes: how one column's values come about, as pure functions of the row number.

`recipe.draw(rows, key)` gives an Arrow array for any row numbers (int64 array); `key` is the column's 64-bit stream
(seeds.stream). A value depends on its own row number only, so any partitioning gives the same column. Recipes are
small frozen values that can be sent to another process.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mockdata.instances import patterns
from mockdata.seeds import Bijection, Floats, Ints, hashed, unit, weighted
from mockdata.tables import arrow
from mockdata.tables.children import Family
from mockdata.tables.distribution import Distribution
from mockdata.tables.expressions import Expression

NULLS, LENGTHS, ITEMS, ORDER = 0x6E756C6C, 0x6C656E, 0x6974656D, 0x6F72646572
"""Numbers that set a column's several streams apart."""


class Recipe(Protocol):
    """What every recipe can do. `size`: how many distinct values there are to draw, None when not known."""

    @property
    def size(self) -> int | None: ...

    def draw(self, rows: Ints, key: int) -> pa.Array: ...


@dataclass(frozen=True, slots=True)
class FromRegister:
    """A fact of the row's register record (a person, a marriage …). Drawn for all such columns at once by `generate`,
    because one look into the population answers them together.
    """

    element: str
    attribute: str
    distinct: bool = False

    @property
    def size(self) -> int | None:
        return None

    def draw(self, rows: Ints, key: int) -> pa.Array:
        raise NotImplementedError("register columns are read together, see generate")


@dataclass(frozen=True, slots=True)
class Reference:
    """A foreign key: the value of `column` in one row of the parent table `table`. `parents` rows can be named; with
    `unique` each at most once, with a `family` as often as it says. `own`: the table names its own earlier rows.
    Resolved by `generate` through the parent's plan.
    """

    table: str
    column: str
    parents: int
    unique: bool = False
    family: Family | None = None
    own: bool = False

    @property
    def size(self) -> int | None:
        return None if self.own else self.parents

    def parent_rows(self, rows: Ints, key: int) -> Ints:
        """The row of the parent table that each row names."""
        if self.family is not None:
            return self.family.members(rows, key)[0]
        if self.own:
            return (hashed(key, rows) % np.maximum(rows, 1).astype(np.uint64)).astype(np.int64)
        if self.unique:
            return Bijection(key ^ ORDER).forward(rows, self.parents)
        return (hashed(key, rows) % np.uint64(self.parents)).astype(np.int64)

    def draw(self, rows: Ints, key: int) -> pa.Array:
        raise NotImplementedError("references are read from the parent's plan, see generate")


@dataclass(frozen=True, slots=True)
class Codes:
    """One of a list of constants, by weight. `type` is the Arrow type; JSON text columns hold JSON."""

    values: tuple[Any, ...]
    type: pa.DataType
    weights: tuple[float, ...] | None = None
    unique: bool = False

    @property
    def size(self) -> int:
        return len(self.values)

    def draw(self, rows: Ints, key: int) -> pa.Array:
        if self.unique:
            return self.nth(Bijection(key ^ ORDER).forward(rows, len(self.values)))
        if self.weights is None:
            picks = (hashed(key, rows) % np.uint64(len(self.values))).astype(np.int64)
        else:
            picks = weighted(hashed(key, rows), np.cumsum(np.array(self.weights, dtype=np.float64)))
        return self.nth(picks)

    def nth(self, ranks: Ints) -> pa.Array:
        """The values of these numbers, 0 … size-1."""
        return _pool(self.values, self.type).take(pa.array(ranks))


@lru_cache(maxsize=256)
def _pool(values: tuple[Any, ...], type: pa.DataType) -> pa.Array:
    spelled = [v if isinstance(v, str) else json.dumps(v, ensure_ascii=False) for v in values]
    return arrow.convert(pa.array(spelled, pa.string()), type, {})


@dataclass(frozen=True, slots=True)
class Grid:
    """Numbers, days or moments: k × numerator ÷ denominator for whole k in low … high.

    Days count from 1970-01-01 (date32), moments are microseconds since then (timestamp). `distribution` speaks in the
    unit of the value; without one every k is equally likely. `unique`: no k comes twice for rows below size.
    """

    low: int
    high: int
    type: pa.DataType
    numerator: int = 1
    denominator: int = 1
    distribution: Distribution | None = None
    unique: bool = False

    @property
    def size(self) -> int:
        return self.high - self.low + 1

    def draw(self, rows: Ints, key: int) -> pa.Array:
        if self.unique:
            return self.nth(Bijection(key ^ ORDER).forward(rows, min(self.size, 2**62 - 1)))
        if self.distribution is not None:
            return self.nearest(self.distribution.at(unit(hashed(key, rows))))
        return self.nth((hashed(key, rows) % np.uint64(min(self.size, 2**63))).astype(np.int64))

    def nearest(self, values: Floats) -> pa.Array:
        """The values of the grid next to these numbers."""
        steps = np.rint(np.clip(values * (self.denominator / self.numerator), self.low, self.high))
        return self._spelled(np.clip(steps.astype(np.int64), self.low, self.high))

    def nth(self, ranks: Ints) -> pa.Array:
        """The values of these numbers, 0 … size-1."""
        return self._spelled(self.low + ranks)

    def _spelled(self, steps: Ints) -> pa.Array:
        if pa.types.is_floating(self.type):
            # An exact product over an exact power of ten is rounded once, so 0.29 is the float nearest to
            # 0.29.
            return pa.array((steps * self.numerator).astype(np.float64) / self.denominator, self.type)
        steps = steps * self.numerator
        if pa.types.is_decimal(self.type):
            places = len(str(self.denominator)) - 1
            scaled = pc.cast(pa.array(steps * 10 ** (self.type.scale - places)), pa.decimal128(19, 0))
            return _rescaled(scaled, self.type)
        if pa.types.is_date(self.type):
            return pa.array(steps.astype("datetime64[D]"), self.type)
        whole = pa.array(steps, pa.int64())
        return whole.view(self.type) if pa.types.is_timestamp(self.type) else pc.cast(whole, self.type)


def _rescaled(values: pa.Array, type: pa.DataType) -> pa.Array:
    """Decimal places moved without arithmetic: the same 128-bit integers read with another scale."""
    return pa.Array.from_buffers(type, len(values), values.buffers())


@dataclass(frozen=True, slots=True)
class Text:
    """Strings of a pattern. `unique` strings are counted through, in a keyed order, up to `size` of them."""

    pattern: str
    low: int = 0
    high: int | None = None
    unique: bool = False

    @property
    def template(self) -> patterns.Template:
        return patterns.compile(self.pattern, self.low, self.high)

    @property
    def size(self) -> int | None:
        return self.template.size

    def draw(self, rows: Ints, key: int) -> pa.Array:
        if self.unique:
            return self.nth(Bijection(key ^ ORDER).forward(rows, min(self.size or 0, 2**62 - 1)))
        return self.template.strings(hashed(key, rows))

    def nth(self, ranks: Ints) -> pa.Array:
        """The strings of these numbers, 0 … size-1."""
        return self.template.unrank(ranks.astype(np.uint64))


@dataclass(frozen=True, slots=True)
class Spelled:
    """Another recipe's dates or numbers written as text: `format` is strftime's, or "" for plain digits."""

    inner: Recipe
    format: str

    @property
    def size(self) -> int | None:
        return self.inner.size

    def draw(self, rows: Ints, key: int) -> pa.Array:
        return self._text(self.inner.draw(rows, key))

    def nth(self, ranks: Ints) -> pa.Array:
        """The texts of these numbers, 0 … size-1."""
        inner: Any = self.inner
        return self._text(inner.nth(ranks))

    @property
    def unique(self) -> bool:
        """Whether no text comes twice."""
        return bool(getattr(self.inner, "unique", False))

    def _text(self, values: pa.Array) -> pa.Array:
        return pc.strftime(values, format=self.format) if self.format else pc.cast(values, pa.string())


@dataclass(frozen=True, slots=True)
class Phrase:
    """low … high words out of a list, with `gap` between them: free text."""

    words: tuple[str, ...]
    gap: str
    low: int
    high: int

    @property
    def size(self) -> int:
        return sum(len(self.words) ** count for count in range(self.low, self.high + 1))

    def draw(self, rows: Ints, key: int) -> pa.Array:
        pool = pa.array(self.words, pa.string())
        counts = self.low + (hashed(key ^ LENGTHS, rows) % np.uint64(self.high - self.low + 1)).astype(np.int64)
        columns = []
        for place in range(self.high):
            picks = (hashed(key + place, rows) % np.uint64(len(self.words))).astype(np.int64)
            columns.append(pool.take(pa.array(picks, mask=counts <= place)))
        return pc.binary_join_element_wise(*columns, self.gap, null_handling="skip")


@dataclass(frozen=True, slots=True)
class Pool:
    """Values made once per seed (by a Faker provider) and drawn by hash. `values` is the whole pool."""

    provider: str
    values: tuple[str, ...] = field(repr=False)
    type: pa.DataType
    unique: bool = False

    @property
    def size(self) -> int:
        return len(self.values)

    def draw(self, rows: Ints, key: int) -> pa.Array:
        return Codes(self.values, self.type, None, self.unique).draw(rows, key)

    def nth(self, ranks: Ints) -> pa.Array:
        """The values of these numbers, 0 … size-1."""
        return Codes(self.values, self.type).nth(ranks)


@dataclass(frozen=True, slots=True)
class Nullable:
    """Another recipe with a share of nulls (0 … 1): `share` where `when` holds (everywhere without it), else
    `otherwise`.
    """

    inner: Recipe
    share: float
    when: Expression | None = None
    otherwise: float = 0.0

    @property
    def size(self) -> int | None:
        return self.inner.size

    def draw(self, rows: Ints, key: int) -> pa.Array:
        return mask(self.inner.draw(rows, key), rows, key, self.share)


def innermost(recipe: Recipe) -> Recipe:
    """The recipe without its share of nulls."""
    return recipe.inner if isinstance(recipe, Nullable) else recipe


def needs(recipe: Recipe) -> tuple[str, ...]:
    """The columns a recipe looks at."""
    own: tuple[str, ...] = getattr(innermost(recipe), "needs", ())
    return own + (recipe.when.names if isinstance(recipe, Nullable) and recipe.when is not None else ())


def mask(values: pa.Array, rows: Ints, key: int, share: float | Floats) -> pa.Array:
    """The values with about `share` (one, or one a row) of them null, chosen by row number."""
    missing = unit(hashed(key ^ NULLS, rows)) < share
    return pc.if_else(pa.array(missing), pa.scalar(None, values.type), values) if missing.any() else values
