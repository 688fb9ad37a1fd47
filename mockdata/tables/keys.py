"""The foreign keys of a table that are drawn from their parent's rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mockdata.seeds import stream
from mockdata.tables import children, relations, uniqueness
from mockdata.tables.binding import said
from mockdata.tables.columns import Reference
from mockdata.tables.place import PlanError

if TYPE_CHECKING:
    from mockdata.tables.plan import Plan
    from mockdata.tables.planner import Planner
    from specs.model import ForeignKey, Interface, Table


@dataclass(frozen=True)
class Keys:
    """Column → reference and the stream its key shares; parent plans by the name References use."""

    references: dict[str, tuple[Reference, int]]
    parents: dict[str, Plan]


def keys_of(
    planner: Planner, interface: Interface, table: Table, carried: frozenset[str], trail: tuple[tuple[str, str], ...]
) -> Keys:
    """The keys of a table; those whose fields all carry facts of the population need no parent. Raises PlanError."""
    found, parents = dict[str, tuple[Reference, int]](), dict[str, "Plan"]()
    for key in table.foreign_keys:
        if carried.issuperset(key.fields):
            continue
        target = relations.parent(key, interface, table, planner.interfaces)
        name = f"{target.interface.id}#{target.table.name}"
        own = (target.interface.id, target.table.name) == (interface.id, table.name)
        stem = stream(planner.world.seed, interface.id, table.name, "key", *key.fields)
        rows = planner.parent_rows
        if own:
            _check_own(key, table)
        else:
            relations.step(trail, target.interface, target.table, key.pointer, ",".join(key.fields))
            if name not in parents:
                parents[name] = planner.plan(target.interface, target.table, trail)
            made = parents[name]
            rows = rows if made.limit is None else min(rows, made.limit)
            for column in made.columns:
                size = getattr(column.recipe, "size", None)
                if getattr(column.recipe, "unique", False) and size is not None and column.name in key.target_fields:
                    rows = min(rows, size)
        if rows < 1:
            raise PlanError(",".join(key.fields), key.pointer, f"the table {name} has no rows to name")
        family = None if own else _family(key, interface, table, rows, stem)
        for field, theirs in zip(key.fields, key.target_fields, strict=True):
            unique = len(key.fields) == 1 and not own and uniqueness.is_unique(table, field, interface)
            if unique and family is not None:
                raise PlanError(field, key.pointer, "x-children beside a unique foreign key: each parent has one child",
                                "drop one of the two")  # fmt: skip
            if field in found:
                raise PlanError(field, key.pointer, "two foreign keys share this column", "make one a composite key")
            found[field] = (Reference(name, theirs, rows, unique, family, own), stem)
    return Keys(found, parents)


def _check_own(key: ForeignKey, table: Table) -> None:
    """A table may name its own rows, but not by the column that does so."""
    keyed = {name for other in table.foreign_keys for name in other.fields}
    if keyed & set(key.target_fields):
        raise PlanError(
            ",".join(key.fields), key.pointer, "cyclic foreign keys: the key names a column that is itself a key",
            "name a column with values of its own",
        )  # fmt: skip


def _family(key: ForeignKey, interface: Interface, table: Table, rows: int, stem: int) -> children.Family | None:
    """What the relationship, or one of its fields, says of the number of children; None when nothing does."""
    declared, pointer = said(interface, key.pointer).get("children"), key.pointer
    for name in key.fields:
        field = table.field(name)
        own = interface.resolve(field.schema).get("x-children", said(interface, field.pointer).get("children"))
        if declared is None and own is not None:
            declared, pointer = own, field.pointer
    if declared is None:
        return None
    try:
        return children.family(declared, rows, stem)
    except ValueError as error:
        raise PlanError(",".join(key.fields), pointer, f"x-children: {error}") from None
