"""Recipes of nested values: objects, arrays, and whole JSON values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa

from mockdata.seeds import Bijection, Ints, hashed, stream
from mockdata.tables.columns import ITEMS, LENGTHS, ORDER, Recipe

ORDERS, ORDERS_BITS = 32, np.uint64(5)
"""Orders in which the different items of an array come."""


@dataclass(frozen=True, slots=True)
class Record:
    """An object: one recipe a member, as an Arrow struct."""

    members: tuple[tuple[str, Recipe], ...]
    type: pa.DataType

    @property
    def size(self) -> int | None:
        return None

    def draw(self, rows: Ints, key: int) -> pa.Array:
        parts = [inner.draw(rows, stream(key, name)) for name, inner in self.members]
        return pa.StructArray.from_arrays(parts, fields=list(self.type))


@dataclass(frozen=True, slots=True)
class Series:
    """An array of low … high items; `distinct`: no item of an array comes twice, and `item` can be numbered."""

    item: Recipe
    low: int
    high: int
    type: pa.DataType
    distinct: bool = False

    @property
    def size(self) -> int | None:
        return None

    def draw(self, rows: Ints, key: int) -> pa.Array:
        spread = np.uint64(self.high - self.low + 1)
        counts = self.low + (hashed(key ^ LENGTHS, rows) % spread).astype(np.int64)
        offsets = np.zeros(len(rows) + 1, dtype=np.int32)
        np.cumsum(counts, out=offsets[1:])
        # An item's own number: its row and its place, so that it does not depend on the rows before it.
        place = np.arange(offsets[-1]) - np.repeat(offsets[:-1], counts)
        if self.distinct:
            items = self._different(rows, key, counts, place)
        else:
            items = self.item.draw(np.repeat(rows, counts) * max(self.high, 1) + place, key ^ ITEMS)
        return pa.ListArray.from_arrays(pa.array(offsets), items, type=self.type)

    def _different(self, rows: Ints, key: int, counts: Ints, place: Ints) -> pa.Array:
        """Neighbours in one of several keyed orders of all possible items."""
        item: Any = self.item
        size = min(item.size, 2**62 - 1)
        drawn = hashed(key ^ ORDER, rows)
        ranks = (np.repeat((drawn >> ORDERS_BITS) % np.uint64(size), counts).astype(np.int64) + place) % size
        order = np.repeat(drawn % np.uint64(ORDERS), counts)
        for number in range(ORDERS):
            at = np.nonzero(order == number)[0]
            if len(at):
                ranks[at] = Bijection(key ^ ITEMS ^ number).forward(ranks[at], size)
        return item.nth(ranks)


@dataclass(frozen=True, slots=True)
class Instance:
    """A whole JSON value valid against `schema` (self-contained, 2020-12), written as JSON text. One by one."""

    schema: Mapping[str, Any]

    @property
    def size(self) -> int | None:
        return None

    def draw(self, rows: Ints, key: int) -> pa.Array:
        made = _instances(json.dumps(self.schema))
        values = (made.example(seed) for seed in hashed(key, rows).tolist())
        return pa.array([json.dumps(value, ensure_ascii=False) for value in values], pa.string())


@lru_cache(maxsize=64)
def _instances(schema: str) -> Any:
    from mockdata.instances import Instances

    return Instances(json.loads(schema), formal=True)
