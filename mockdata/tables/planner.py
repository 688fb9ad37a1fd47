"""How a plan comes about: a recipe for every field of a table, in the order in which fields look at each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from mockdata.seeds import stream
from mockdata.tables import arrow, relations, uniqueness
from mockdata.tables.alternatives.described import bound, completed, row_schema
from mockdata.tables.binding import BY_NAME, Binding, bind, declared
from mockdata.tables.columns import Codes, FromRegister, Nullable, Pool, Recipe, Reference, Spelled, innermost
from mockdata.tables.conditions import Row, dependent, looked_at, share_of
from mockdata.tables.dependent import Cases
from mockdata.tables.keys import keys_of
from mockdata.tables.place import Place, PlanError
from mockdata.tables.plan import Column, Plan, World
from mockdata.tables.recipes import recipe

if TYPE_CHECKING:
    from mockdata.population.registers import Register
    from mockdata.tables.alternatives.clauses import Clauses
    from specs.model import Field, Interface, Table


@dataclass(frozen=True)
class Planner:
    """Plans tables of one world. `filtered`: rows will be chosen by a condition, so that their numbers in the dataset
    are not those of the candidates.
    """

    world: World
    interfaces: Mapping[str, Interface]
    parent_rows: int
    filtered: bool = False

    def plan(self, interface: Interface, table: Table, trail: tuple[tuple[str, str], ...]) -> Plan:
        """The plan of a table; `trail`: the tables whose foreign keys led here. Raises PlanError."""
        trail = relations.step(trail, interface, table, table.pointer)
        table = completed(interface, table)
        if not table.fields:
            raise PlanError("", table.pointer, f"the table {table.name!r} has no fields", "describe at least one")
        bindings = {field.name: self._binding(field, interface, table) for field in table.fields}
        register = self._register(table, bindings)
        carried = frozenset(name for name, binding in bindings.items() if _carries(binding, register))
        keys = keys_of(self, interface, table, carried, trail)
        work = _Table(self, interface, table, bindings, register, keys.references)
        limit = None if register is None else register.count(self.world.open())
        empty = Plan(
            interface.id, interface.version, interface.digest, table.name, (), self.world,
            None if register is None else register.name, limit, MappingProxyType(keys.parents),
        )  # fmt: skip
        made: dict[str, Column] = {}
        for name in work.order():
            row = Row(work.types, replace(empty, columns=tuple(made.values())))
            made[name] = work.column(table.field(name), row)
        columns = tuple(made[field.name] for field in table.fields)
        whole = replace(empty, columns=uniqueness.keys_made_unique(columns, table, keys, self))
        rules = bound(interface, table)
        schema = row_schema(interface, table)
        return whole if rules is None or schema is None else work.kept(whole, rules, schema)

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


def _carries(binding: Binding | None, register: Register | None) -> bool:
    return register is not None and binding is not None and binding.name in register.elements


class _Table:
    """One table while it is planned."""

    def __init__(
        self,
        planner: Planner,
        interface: Interface,
        table: Table,
        bindings: Mapping[str, Binding | None],
        register: Register | None,
        references: Mapping[str, tuple[Reference, int]],
    ) -> None:
        self.world, self.filtered = planner.world, planner.filtered
        self.interface, self.table = interface, table
        self.bindings, self.register, self.references = bindings, register, references
        self.schemas = {field.name: declared(field, interface) for field in table.fields}
        self.types = {name: arrow.type_of(schema, interface.resolve) for name, schema in self.schemas.items()}

    def order(self) -> tuple[str, ...]:
        """The fields, those that others look at before them. Raises PlanError for a circle."""
        waits = {
            field.name: looked_at(self.schemas[field.name], self._place(field), self.types)
            for field in self.table.fields
        }
        try:
            return tuple(TopologicalSorter(waits).static_order())
        except CycleError as error:
            circle = list(dict.fromkeys(reversed(error.args[1])))
            first = min(circle, key=list(waits).index)
            at = circle.index(first)
            names = " → ".join([*circle[at:], *circle[:at], first])
            raise PlanError(first, self.table.field(first).pointer, f"columns look at each other in a circle: {names}",
                            "compute one of them from others") from None  # fmt: skip

    def column(self, field: Field, row: Row) -> Column:
        """The column of a field; `row` knows the columns it may look at."""
        interface, binding = self.interface, self.bindings[field.name]
        schema = self.schemas[field.name]
        type = self.types[field.name]
        made = Column(
            field.name, type, Codes((None,), type), self._key(field), nullable=not field.required,
            always=field.required or arrow.nullable(schema), source="", confidence=1.0,
            pointer=field.pointer, schema=schema, text=arrow.is_json_text(schema, interface.resolve),
        )  # fmt: skip
        place = self._place(field)
        if field.name in self.references:
            return self._reference(made, field, row)
        asked = {"x-faker", "x-compute", "x-depends-on"} & schema.keys()
        if not asked and _carries(binding, self.register):
            bound = self._from_register(made, field, row)
            if bound is not None:
                return bound
        lent = None if asked or binding is None or binding.confidence < BY_NAME else binding
        if lent is not None and not {"enum", "const", "pattern"} & schema.keys():
            schema = _with_element(schema, lent)
        unique = uniqueness.is_unique(self.table, field.name, interface)
        found = dependent(schema, place, type, unique, row)
        if found is None:
            found = recipe(schema, place, unique)
        if not self._always_there(field) and ("x-compute" not in schema or "x-null-share" in schema):
            found = share_of(found, schema, place, row)
        if "x-compute" in schema:
            row.check(found, place, schema, nullable=not field.required)
        return replace(
            made, recipe=found, nullable=isinstance(found, Nullable) or not field.required, schema=schema,
            source=_source(found, lent), by_row=self._numbered(found),
        )  # fmt: skip

    def kept(self, plan: Plan, rules: Clauses, schema: dict[str, Any]) -> Plan:
        """The plan with its columns bound by what the schema says of rows as a whole. Raises PlanError."""
        from mockdata.tables.alternatives.planned import Bound, judged

        pointer = self.table.pointer
        rows = Bound(
            plan.columns, rules, schema, pointer, lambda column: self._place(self.table.field(column.name)),
            self.interface.resolve, self.interface.standalone,
            stream(self.world.seed, self.interface.id, self.table.name, "rows"),
        )  # fmt: skip
        columns, hidden = rows.plan()
        made = replace(plan, columns=columns, hidden=hidden)
        try:
            _ = made.order
        except CycleError as error:
            names = dict.fromkeys(name for name in error.args[1] if not name.startswith("\0"))
            raise PlanError(next(iter(names)), pointer, f"conditions and computed fields look at each other: "
                            f"{', '.join(names)}", "drop one of them") from None  # fmt: skip
        judged(made, self.interface.standalone(schema), pointer)
        return made

    def _key(self, field: Field) -> int:
        return stream(self.world.seed, self.interface.id, self.table.name, field.name)

    def _place(self, field: Field) -> Place:
        title = field.title.get("zh_CN") or self.interface.title.get("zh_CN", "")
        chinese = any("\u4e00" <= char <= "\u9fff" for char in title)
        return Place(
            field.name, field.pointer, self.interface.resolve, self.interface.standalone, self.world.as_of,
            self.world.seed, "zh_CN" if chinese else "en",
        )  # fmt: skip

    def _always_there(self, field: Field) -> bool:
        return field.required or field.key or uniqueness.never_null(self.schemas[field.name])

    def _reference(self, made: Column, field: Field, row: Row) -> Column:
        reference, stem = self.references[field.name]
        found: Recipe = reference
        key = next(key for key in self.table.foreign_keys if field.name in key.fields)
        parts = [self.table.field(name) for name in key.fields]
        optional = not any(self._always_there(part) for part in parts)
        if optional:
            # a key of several columns is there as a whole or not at all
            schema = next((s for p in parts if "x-null-share" in (s := self.schemas[p.name])), made.schema)
            found = share_of(found, schema, self._place(field), row)
        return replace(
            made, recipe=found, key=stem, nullable=optional, source=f"foreign key to {reference.table}",
            by_row=reference.unique or reference.own or reference.family is not None,
        )  # fmt: skip

    def _numbered(self, found: Recipe) -> bool:
        """Whether a column goes by the row of the dataset: unique values that are too few for all candidates."""
        inner: Any = innermost(found)
        if not getattr(inner, "unique", False):
            return False
        return self.filtered or (
            self.register is not None and (inner.size or 0) < self.register.count(self.world.open())
        )

    def _from_register(self, made: Column, field: Field, row: Row) -> Column | None:
        """The column as a fact of the register, after a look at whether those facts meet the field's constraints.

        None when they do not and the binding was only inferred. Raises PlanError when it was declared.
        """
        from mockdata.tables.records import fitting

        binding, register = self.bindings[field.name], self.register
        assert binding is not None
        assert register is not None
        drawn = FromRegister(binding.name, binding.element.attribute or "")
        source = f"register {register.name}: {binding.name} ({binding.reason})"
        fault = fitting(register, self.world.open(), drawn, made)
        if fault is None:
            found: Recipe = drawn
            if "x-null-share" in made.schema and not self._always_there(field):
                found = share_of(drawn, made.schema, self._place(field), row)
            return replace(made, recipe=found, source=source, confidence=binding.confidence)
        if not binding.explicit:
            return None
        raise PlanError(
            field.name, field.pointer, f"carries {binding.name} ({binding.reason}), but {fault}",
            "correct the constraint, or say x-element: none when it is no such element",
        )  # fmt: skip


def _with_element(schema: Mapping[str, Any], binding: Binding) -> dict[str, Any]:
    """What the element says about its values, added where the field itself says nothing."""
    lent = {w: v for w, v in binding.element.schema.items() if w in ("enum", "pattern", "minLength", "maxLength")}
    if "minLength" in schema or "maxLength" in schema:
        lent = {word: value for word, value in lent.items() if word in ("enum", "pattern")}
    return {**lent, **schema}


def _source(made: Recipe, binding: Binding | None) -> str:
    inner = innermost(made)
    if isinstance(inner, Cases):
        return f"{_source(inner.otherwise, binding)} by {inner.on}"
    if isinstance(inner, Spelled):
        inner = inner.inner
    words = {
        "Codes": "code list", "Grid": "range", "Text": "pattern", "Phrase": "free text", "Record": "object",
        "Series": "array", "Instance": "JSON instance", "Computed": "computed", "Linear": "linear",
        "Correlated": "correlated", "Ordinal": "number within the parent",
    }  # fmt: skip
    kind = f"Faker {inner.provider}" if isinstance(inner, Pool) else words.get(type(inner).__name__, "")
    if (on := getattr(inner, "on", None)) is not None:
        kind = f"{kind} by {on}"
    return f"{kind} of element {binding.name}" if binding is not None else kind
