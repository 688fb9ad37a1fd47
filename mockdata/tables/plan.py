"""From an interface's table to a plan: one recipe a column, decided before the first row is made.
 Planning is pure: the same interface, table and population give the same plan. Whatever cannot hold is said
here, as a PlanError with column and pointer, so that generation has no surprises left. A plan is a value:
it can be printed, sent to another process, and compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pyarrow as pa

from mockdata.seeds import stream
from mockdata.tables import arrow, relations
from mockdata.tables.binding import BY_NAME, Binding, bind, declared
from mockdata.tables.columns import Codes, FromRegister, Grid, Nullable, Pool, Recipe, Reference, Spelled, Text
from mockdata.tables.recipes import Place, PlanError, optional, recipe
from mockdata.tables.scale import ROW_GROUP
from mockdata.tables.write import generator_version

if TYPE_CHECKING:
    from mockdata.population import Population
    from mockdata.population.registers import Register
    from mockdata.scenarios import Pack
    from specs.model import Field, Interface, Table

__all__ = ["Column", "Plan", "PlanError", "plan"]

REPEATS = 4096
"""A column of which so many rows of a row group hold at most half as many distinct values is written with a
dictionary."""
PARENTS = 100_000
"""Rows of a parent table that foreign keys name, unless the caller says how many it generates."""


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


_OPEN: dict[World, Any] = {}


def _opened(world: World) -> Population:
    if world not in _OPEN:
        from mockdata.population import Population

        mode: Any = world.identifiers
        _OPEN[world] = Population(world.seed, world.size, world.as_of, mode, world.scenarios)
    found: Population = _OPEN[world]
    return found


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
    are the plans of the tables its foreign keys name, by the name Reference uses. `finish` changes the batches of a
    dataset, never a record that is looked up.
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
    finish: Finish | None = None

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
        for column in self.columns:
            inner = column.recipe.inner if isinstance(column.recipe, Nullable) else column.recipe
            if getattr(inner, "unique", False) and inner.size is not None and inner.size < rows:
                raise PlanError(
                    column.name, column.pointer, f"must be unique, but only {inner.size:,} values are possible for "
                    f"{rows:,} rows", "widen the pattern, range or list, or ask for fewer rows",
                )  # fmt: skip

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
) -> Plan:
    """The plan of one table.

    table: a Table, its name, or None when the interface has one only; an API's component object schemas count as
    tables. population: the world the facts come from (default: the full-size one of `seed`, opened when needed).
    interfaces: where foreign keys may lead besides the interface itself (default: the shipped library). parent_rows:
    how many rows of a parent table foreign keys name (as many as you generate of it). Raises PlanError.
    """
    if population is None:
        world = World(seed)
    else:
        world = World(population.seed, population.size, population.as_of, population.identifiers, population.scenarios)
        _OPEN.setdefault(world, population)
    found = relations.table_of(interface, table) if table is None or isinstance(table, str) else table
    if interfaces is None:
        from specs import library

        interfaces = library.interfaces() if any(key.interface for key in found.foreign_keys) else {}
    return _Planner(world, interfaces, parent_rows).plan(interface, found, ())


class _Planner:
    def __init__(self, world: World, interfaces: Mapping[str, Interface], parent_rows: int) -> None:
        self.world = world
        self.interfaces = interfaces
        self.parent_rows = parent_rows

    def plan(self, interface: Interface, table: Table, trail: tuple[tuple[str, str], ...]) -> Plan:
        trail = relations.step(trail, interface, table, table.pointer)
        if not table.fields:
            raise PlanError("", table.pointer, f"the table {table.name!r} has no fields", "describe at least one")
        bindings = {field.name: self._binding(field, interface, table) for field in table.fields}
        register = self._register(table, bindings)
        parents: dict[str, Plan] = {}
        references = self._references(interface, table, bindings, register, parents, trail)
        columns = tuple(
            self._column(field, interface, table, bindings[field.name], register, references) for field in table.fields
        )
        columns = _with_unique_key(columns, table)
        limit = None if register is None else register.count(self.world.open())
        return Plan(
            interface.id, interface.version, interface.digest, table.name, columns, self.world,
            None if register is None else register.name, limit, MappingProxyType(parents),
        )  # fmt: skip

    def _binding(self, field: Field, interface: Interface, table: Table) -> Binding | None:
        try:
            return bind(field, interface, table)
        except KeyError as error:
            raise PlanError(
                field.name, field.pointer, f"unknown element {field.element!r}", str(error.args[0])
            ) from None

    def _register(self, table: Table, bindings: Mapping[str, Binding | None]) -> Register | None:
        """The register the rows come from: the declared one, else persons when a field is a citizen number."""
        from mockdata.population.registers import register

        keyed = {name for key in table.foreign_keys for name in key.fields}
        numbered = any(b is not None and b.name == "GMSFHM" and n not in keyed for n, b in bindings.items())
        wanted = table.register or ("person" if numbered else None)
        if wanted is None:
            return None
        try:
            return register(wanted)
        except KeyError as error:
            raise PlanError("", table.pointer, str(error.args[0]), "correct the table's register") from None

    def _references(
        self,
        interface: Interface,
        table: Table,
        bindings: Mapping[str, Binding | None],
        register: Register | None,
        parents: dict[str, Plan],
        trail: tuple[tuple[str, str], ...],
    ) -> dict[str, tuple[Reference, int]]:
        """The foreign key columns that are drawn from their parent's rows, with the stream their key
        shares.
        """
        found: dict[str, tuple[Reference, int]] = {}
        for key in table.foreign_keys:
            carried = [self._carries(bindings.get(name), register) for name in key.fields]
            if all(carried):
                continue
            target = relations.parent(key, interface, table, self.interfaces)
            name = f"{target.interface.id}#{target.table.name}"
            if name not in parents:
                parents[name] = self.plan(target.interface, target.table, trail)
            made = parents[name]
            rows = self.parent_rows if made.limit is None else min(self.parent_rows, made.limit)
            if rows < 1:
                raise PlanError(",".join(key.fields), key.pointer, f"the table {name} has no rows to name")
            stem = stream(self.world.seed, interface.id, table.name, "key", *key.fields)
            for own, theirs in zip(key.fields, key.target_fields, strict=True):
                unique = len(key.fields) == 1 and _is_unique(table, own, interface)
                found[own] = (Reference(name, theirs, rows, unique), stem)
        return found

    @staticmethod
    def _carries(binding: Binding | None, register: Register | None) -> bool:
        return register is not None and binding is not None and binding.name in register.elements

    def _column(
        self,
        field: Field,
        interface: Interface,
        table: Table,
        binding: Binding | None,
        register: Register | None,
        references: Mapping[str, tuple[Reference, int]],
    ) -> Column:
        schema = declared(field, interface)
        title = field.title.get("zh_CN") or interface.title.get("zh_CN", "")
        chinese = any("\u4e00" <= char <= "\u9fff" for char in title)
        place = Place(
            field.name, field.pointer, interface.resolve, interface.standalone, self.world.as_of, self.world.seed,
            "zh_CN" if chinese else "en",
        )  # fmt: skip
        type = arrow.type_of(schema, interface.resolve)
        key = stream(self.world.seed, interface.id, table.name, field.name)
        made = Column(
            field.name, type, Codes((None,), type), key, nullable=not field.required,
            always=field.required or arrow.nullable(schema), source="", confidence=1.0,
            pointer=field.pointer, schema=schema, text=arrow.is_json_text(schema, interface.resolve),
        )  # fmt: skip
        unique = _is_unique(table, field.name, interface)
        if field.name in references:
            reference, stem = references[field.name]
            return replace(
                made, recipe=reference, key=stem, nullable=False, source=f"foreign key to {reference.table}",
                by_row=reference.unique,
            )  # fmt: skip
        if "x-faker" not in schema and self._carries(binding, register):
            bound = self._from_register(made, binding, register, field)
            if bound is not None:
                return bound
        lent = None if "x-faker" in schema or binding is None or binding.confidence < BY_NAME else binding
        if lent is not None and not {"enum", "const", "pattern"} & schema.keys():
            schema = _with_element(schema, lent)
        recipe_ = recipe(schema, place, unique)
        if not field.required and not field.key:
            recipe_ = optional(recipe_, schema, place)
        nullable = isinstance(recipe_, Nullable) or not field.required
        inner = recipe_.inner if isinstance(recipe_, Nullable) else recipe_
        scarce = register is not None and (inner.size or 0) < register.count(self.world.open())
        return replace(
            made, recipe=recipe_, nullable=nullable, source=_source(recipe_, lent), schema=schema,
            by_row=scarce and bool(getattr(inner, "unique", False)),
        )  # fmt: skip

    def _from_register(
        self, made: Column, binding: Binding | None, register: Register | None, field: Field
    ) -> Column | None:
        """The column as a fact of the register, after a look at whether those facts meet the field's constraints.

        None when they do not and the binding was only inferred. Raises PlanError when it was declared.
        """
        from mockdata.tables.records import fitting

        assert binding is not None
        assert register is not None
        drawn = FromRegister(binding.name, binding.element.attribute or "")
        source = f"register {register.name}: {binding.name} ({binding.reason})"
        fault = fitting(register, self.world.open(), drawn, made)
        if fault is None:
            return replace(made, recipe=drawn, source=source, confidence=binding.confidence)
        if not binding.explicit:
            return None
        raise PlanError(
            field.name, field.pointer, f"carries {binding.name} ({binding.reason}), but {fault}",
            "correct the constraint, or say x-element: none when it is no such element",
        )  # fmt: skip


def _is_unique(table: Table, name: str, interface: Interface) -> bool:
    if table.primary_key == (name,):
        return True
    schema = interface.resolve(table.field(name).schema)
    return bool(schema.get("x-unique"))


def _with_unique_key(columns: tuple[Column, ...], table: Table) -> tuple[Column, ...]:
    """A key of several columns is unique when one of them is: make one so when none is."""
    if len(table.primary_key) < 2:
        return columns
    key = [column for column in columns if column.name in table.primary_key]
    if any(isinstance(c.recipe, FromRegister) or getattr(c.recipe, "unique", False) for c in key):
        return columns
    for column in sorted(key, key=lambda c: -(c.recipe.size or 0)):
        inner = column.recipe
        if isinstance(inner, Codes | Grid | Text | Pool | Reference) and inner.size is not None:
            made = replace(column, recipe=replace(inner, unique=True))
            return tuple(made if c.name == column.name else c for c in columns)
    raise PlanError(
        ",".join(table.primary_key), table.pointer, "no column of the primary key can be made unique",
        "give one of them a pattern, a range or a list with enough values",
    )  # fmt: skip


def _with_element(schema: Mapping[str, Any], binding: Binding) -> dict[str, Any]:
    """What the element says about its values, added where the field itself says nothing."""
    lent = {w: v for w, v in binding.element.schema.items() if w in ("enum", "pattern", "minLength", "maxLength")}
    if "minLength" in schema or "maxLength" in schema:
        lent = {word: value for word, value in lent.items() if word in ("enum", "pattern")}
    return {**lent, **schema}


def _source(made: Recipe, binding: Binding | None) -> str:
    inner = made.inner if isinstance(made, Nullable) else made
    if isinstance(inner, Spelled):
        inner = inner.inner
    words = {
        "Codes": "code list", "Grid": "range", "Text": "pattern", "Phrase": "free text", "Record": "object",
        "Series": "array", "Instance": "JSON instance",
    }  # fmt: skip
    kind = f"Faker {inner.provider}" if isinstance(inner, Pool) else words.get(type(inner).__name__, "")
    return f"{kind} of element {binding.name}" if binding is not None else kind
