"""From an interface's table to a plan: one recipe a column, decided before the first row is made.
 Planning is pure: the same interface, table and population give the same plan. Whatever cannot hold is said
here, as a PlanError with column and pointer, so that generation has no surprises left. A plan is a value:
it can be printed, sent to another process, and compared.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pyarrow as pa

from mockdata.seeds import stream
from mockdata.tables import relations
from mockdata.tables.columns import Recipe, innermost, needs
from mockdata.tables.place import PlanError
from mockdata.tables.scale import ROW_GROUP
from mockdata.tables.write import generator_version

if TYPE_CHECKING:
    from mockdata.population import Population
    from mockdata.scenarios import Pack
    from mockdata.tables.matches import Where
    from specs.model import Interface, Table

__all__ = ["Column", "Plan", "PlanError", "plan"]

REPEATS = 4096
"""A column of which so many rows of a row group hold at most half as many distinct values is written with a
dictionary."""
PARENTS = 100_000
"""Rows of a parent table that foreign keys name, unless the caller says how many it generates."""

KEPT_OPEN = 8
"""Populations kept open, 30 MB each: a service is asked for any number of seeds."""


@dataclass(frozen=True, slots=True)
class World:
    """Which population: enough to open it again in another process."""

    seed: int | str
    size: int = 1_400_000_000
    as_of: date = date(2026, 11, 1)
    identifiers: str = "reserved"
    scenarios: tuple[Pack, ...] = ()

    def open(self) -> Population:
        """The population itself (kept open: a second call costs nothing)."""
        return _opened(self)


_OPEN: dict[World, Population] = {}


def _opened(world: World) -> Population:
    found = _OPEN.get(world)
    if found is None:
        from mockdata.population import Population

        mode: Any = world.identifiers
        found = _keep(world, Population(world.seed, world.size, world.as_of, mode, world.scenarios))
    return found


def _keep(world: World, population: Population) -> Population:
    kept = _OPEN.setdefault(world, population)
    while len(_OPEN) > KEPT_OPEN:
        _OPEN.pop(next(iter(_OPEN)), None)
    return kept


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    `key` is its 64-bit stream, `source` says in words where its values come from, `always`: a row written as JSON
    names the field even when it is null, `text`: it holds JSON text, `by_row`: its values go by the row of the dataset
    and not by the register's record (unique values too few for the whole register).
    """

    name: str
    type: pa.DataType
    recipe: Recipe
    key: int
    nullable: bool
    always: bool
    source: str
    confidence: float
    pointer: str
    schema: Mapping[str, Any]
    text: bool = False
    by_row: bool = False


class Finish(Protocol):
    """A last hand on the finished batches of `plan`: a pure function of batch and first row (see mockdata.defects)."""

    @property
    def plan(self) -> Plan: ...

    @property
    def origin(self) -> dict[str, Any]: ...

    def apply(self, batch: pa.RecordBatch, start: int) -> pa.RecordBatch: ...


@dataclass(frozen=True)
class Plan:
    """How one table comes about. `limit`: how many rows there are to give, None for any number. `parents`
    are the plans of the tables its foreign keys name, by the name Reference uses. `where`: which of the rows count.
    `finish` changes the batches of a dataset, never a record that is looked up. `hidden` columns are made and looked at
    by others, but are in no row.
    """

    interface: str
    version: str
    digest: str
    table: str
    columns: tuple[Column, ...]
    world: World
    register: str | None
    limit: int | None
    parents: Mapping[str, Plan]
    where: Where | None = None
    finish: Finish | None = None
    hidden: tuple[Column, ...] = ()

    @property
    def made(self) -> tuple[Column, ...]:
        """All columns that are made, with the hidden ones."""
        return (*self.columns, *self.hidden)

    @cached_property
    def schema(self) -> pa.Schema:
        """The Arrow schema of its batches."""
        return pa.schema([pa.field(column.name, column.type, column.nullable) for column in self.columns])

    @property
    def origin(self) -> dict[str, Any]:
        """What the data are a function of, as plain JSON values: written into files and manifests."""
        scenarios = {pack.name: stream(0, pack.text) for pack in self.world.scenarios}
        told = {"scenarios": {name: f"{digest:016x}" for name, digest in scenarios.items()}} if scenarios else {}
        finish = {} if self.finish is None else {"defects": self.finish.origin}
        return finish | {
            "interface": self.interface,
            "version": self.version,
            "table": self.table,
            "digest": self.digest,
            **({} if self.where is None else {"where": self.where.text}),
            "generator": generator_version(),
            "population": {
                "seed": self.world.seed,
                "size": self.world.size,
                "as_of": self.world.as_of.isoformat(),
                "identifiers": self.world.identifiers,
                **told,
            },
        }

    @property
    def described(self) -> tuple[dict[str, str], ...]:
        """Name, type and source of every column, for manifests and people."""
        return tuple({"name": c.name, "type": str(c.type), "source": c.source} for c in self.columns)

    @property
    def json_text(self) -> frozenset[str]:
        """Columns that hold JSON text."""
        return frozenset(column.name for column in self.columns if column.text)

    @property
    def always(self) -> frozenset[str]:
        """Columns that a JSON row names even when they are null."""
        return frozenset(column.name for column in self.columns if column.always)

    @cached_property
    def repeating(self) -> tuple[str, ...]:
        """Text columns whose values repeat, found in a sample of the first row group: the same for every part of a
        dataset."""
        from mockdata.tables.generate import at_rows

        rows = REPEATS if self.limit is None else min(REPEATS, self.limit)
        text = [c.name for c in self.columns if pa.types.is_string(c.type) or pa.types.is_date(c.type)]
        if not rows or not text:
            return ()
        # neighbours are alike: members of a household share an address
        stride = 1 if self.limit is None else max(1, min(ROW_GROUP, self.limit) // rows)
        if self.where is not None:
            rows, stride = self.where.reach(REPEATS), 1
            if not rows:
                return ()
        sample = at_rows(self, np.arange(rows) * stride, text)
        return tuple(name for name in text if len(sample[name].unique()) * 2 <= rows)

    def allow(self, rows: int) -> None:
        """Nothing when that many rows can be made. Raises PlanError naming the column that runs out of
        values.
        """
        if rows < 0:
            raise PlanError("", "", f"rows must be 0 or more, not {rows}")
        if self.limit is not None and rows > self.limit:
            known = f"the register {self.register!r} of a population of {self.world.size:,} has {self.limit:,} rows"
            raise PlanError("", "", f"{known}, not {rows:,}", "ask for fewer rows or a larger population")
        for column in self.made:
            inner: Any = innermost(column.recipe)
            if getattr(inner, "unique", False) and inner.size is not None and inner.size < rows:
                raise PlanError(
                    column.name, column.pointer, f"must be unique, but only {inner.size:,} values are possible for "
                    f"{rows:,} rows", "widen the pattern, range or list, or ask for fewer rows",
                )  # fmt: skip
        if self.where is not None:
            self.where.allow(rows)

    @cached_property
    def order(self) -> tuple[Column, ...]:
        """The columns in the order they are made in: those that others look at before them."""
        by_name = {column.name: column for column in self.made}
        waits = {column.name: [n for n in needs(column.recipe) if n in by_name] for column in self.made}
        return tuple(by_name[name] for name in TopologicalSorter(waits).static_order())

    def with_needs(self, names: Collection[str]) -> frozenset[str]:
        """These columns and all that they look at."""
        found, waiting = set(names), list(names)
        by_name = {column.name: column for column in self.made}
        while waiting:
            name = waiting.pop()
            more = [n for n in needs(by_name[name].recipe) if n not in found] if name in by_name else []
            found.update(more)
            waiting += more
        return frozenset(found)

    def __getstate__(self) -> dict[str, Any]:  # mapping proxies do not travel between processes
        state = {name: value for name, value in self.__dict__.items() if name not in ("schema",)}
        return {**state, "parents": dict(self.parents)}


def plan(
    interface: Interface,
    table: Table | str | None = None,
    population: Population | None = None,
    *,
    interfaces: Mapping[str, Interface] | None = None,
    parent_rows: int = PARENTS,
    seed: int | str = 1,
    where: str | None = None,
) -> Plan:
    """The plan of one table.

    table: a Table, its name, or None when the interface has one only; an API's component object schemas count as
    tables. population: the world the facts come from (default: the full-size one of `seed`, opened when needed).
    interfaces: where foreign keys may lead besides the interface itself (default: the shipped library). parent_rows:
    how many rows of a parent table foreign keys name (as many as you generate of it). where: a condition in CEL over
    the table's columns and its register's facts; the rows are then the first ones for which it holds. Raises PlanError.
    """
    from mockdata.tables.matches import Where
    from mockdata.tables.planner import Planner

    if population is None:
        world = World(seed)
    else:
        world = World(population.seed, population.size, population.as_of, population.identifiers, population.scenarios)
        _keep(world, population)
    found = relations.table_of(interface, table) if table is None or isinstance(table, str) else table
    if interfaces is None:
        from specs import library

        interfaces = library.interfaces() if any(key.interface for key in found.foreign_keys) else {}
    made = Planner(world, interfaces, parent_rows, filtered=where is not None).plan(interface, found, ())
    return made if where is None else replace(made, where=Where(where, made))
