"""Whom the cases are about: people of the hidden population who satisfy, just satisfy or just miss a rule.

A search draws people in an order that follows from the seed alone, so the same seed finds the same subjects
whatever cases run, and no two cases share a person.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mockdata.population import Population

Index = NDArray[np.int64]
Columns = Mapping[str, NDArray[Any]]
Mask = NDArray[np.bool_]

BATCH = 8_192
"""People drawn at a time: their attributes are computed together, which costs little more than for one."""

MOST_BATCHES = 200


class NoSubject(Exception):
    """The population has nobody a case needs within the search limit: our error, not the app's."""


def columns(population: Population, index: Index, attributes: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Attributes of the people at `index` as arrays; text becomes Python strings."""
    found = population.persons(index, attributes)
    return {name: array(found[name]) for name in attributes}


def array(column: pa.Array) -> NDArray[Any]:
    """An Arrow column as a NumPy array; text as Python strings (Arrow's own way would import pandas)."""
    if pa.types.is_string(column.type):
        return np.array(column.to_pylist(), dtype=object)
    return np.asarray(column.to_numpy(zero_copy_only=False))


def draws(population: Population, seed: str, label: str) -> Iterator[Index]:
    """Batches of people in an order keyed by seed and label; nobody twice in a batch."""
    key = hashlib.sha256(f"{seed}/subjects/{label}".encode()).digest()
    random = np.random.default_rng(np.frombuffer(key, dtype=np.uint32))
    for _ in range(MOST_BATCHES):
        yield np.unique(random.integers(0, population.size, BATCH, dtype=np.int64))


def shuffled(seed: str, label: str, count: int) -> NDArray[np.int64]:
    """0 … count-1 in an order keyed by seed and label."""
    key = hashlib.sha256(f"{seed}/order/{label}".encode()).digest()
    return np.random.default_rng(np.frombuffer(key, dtype=np.uint32)).permutation(count)


class Search:
    """Hands out candidates that satisfy a condition, none twice.

    `table(index)` turns drawn people into columns (computed once per batch and kept); `identity` names the
    column by which a candidate counts as used.
    """

    def __init__(
        self,
        population: Population,
        seed: str,
        label: str,
        table: Callable[[Index], dict[str, NDArray[Any]]],
        identity: str,
    ) -> None:
        self._batches = draws(population, seed, label)
        self._table, self._identity, self._seed, self._label = table, identity, seed, label
        self._drawn: list[dict[str, NDArray[Any]]] = []
        self._used: set[Any] = set()

    def find(self, what: str, condition: Callable[[Columns], Mask]) -> dict[str, Any]:
        """One unused candidate for which `condition` holds, as column → value; raises `NoSubject`."""
        for batch in self._all():
            rows = np.flatnonzero(condition(batch))
            for row in rows[shuffled(self._seed, f"{self._label}/{what}", len(rows))]:
                name = batch[self._identity][row]
                if name not in self._used:
                    self._used.add(name)
                    return {column: values[row] for column, values in batch.items()}
        raise NoSubject(f"nobody for {what!r} among {len(self._drawn) * BATCH:,} people drawn")

    def _all(self) -> Iterator[dict[str, NDArray[Any]]]:
        yield from list(self._drawn)
        for index in self._batches:
            batch = self._table(index)
            self._drawn.append(batch)
            yield batch
