"""The defects of one dataset: which cells they hit and what stands there then, for any range of rows.

Whether a cell is spoiled is decided by a hash of (seed, salt, column, row), so parts, processes and machines agree,
and the ledger can be made alone, without the data. A cell has one defect at most, and the cells of a row that is
itself a duplicate, the source of one, or displaced have none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mockdata.defects import values as cells
from mockdata.defects.rules import ROW_KINDS, Defects, Rule
from mockdata.defects.target import Target, swaps, targets
from mockdata.seeds import Ints, Words, hashed, stream, unit
from mockdata.tables.generate import at_rows
from mockdata.tables.plan import Plan
from mockdata.tables.recipes import PlanError
from specs.model import Interface, Table

REACH = 64
"""A duplicate repeats one of so many rows before it."""
_FORM = 0x666F726D
Fetch = Callable[[str, Ints], pa.Array]


@dataclass(frozen=True)
class Change:
    """Cells of one column spoiled by one kind: their rows, forms, right and wrong values."""

    column: str
    kind: str
    forms: NDArray[Any]
    rows: Ints
    original: pa.Array
    spoiled: pa.Array


@dataclass(frozen=True)
class Moved:
    """Rows of the dataset that show another row's record: a copy (duplicate), or in another's place (displaced)."""

    rows: Ints
    sources: Ints
    kinds: NDArray[Any]


@dataclass(frozen=True)
class Spoiler:
    """The last hand on the batches of `plan` (a clean one): a pure function of batch and first row.

    `rules` and `pairs` are resolved: every rule names the column it goes to. `texts`: columns that hold text in the
    file because text stands among their values, as JSON where `as_json`. `rows`: how many the dataset has, None for
    any number.
    """

    plan: Plan
    defects: Defects
    rules: tuple[tuple[Target, tuple[Rule, ...]], ...]
    pairs: tuple[tuple[str, str, float], ...]
    texts: frozenset[str]
    as_json: bool
    rows: int | None

    @property
    def origin(self) -> dict[str, Any]:
        """What the manifest says about the defects."""
        return self.defects.to_json()

    def _key(self, *purpose: str) -> int:
        return stream(
            self.plan.world.seed, "defects", self.defects.salt, self.plan.interface, self.plan.table, *purpose
        )

    @cached_property
    def _row_rates(self) -> dict[str, float]:
        return {rule.kind: rule.rate for rule in self.defects.rules if rule.kind in ROW_KINDS}

    def _displaced(self, rows: Ints) -> NDArray[np.bool_]:
        """Rows that change places with their neighbour (2k with 2k + 1)."""
        rate = self._row_rates.get("displaced", 0.0)
        chosen = unit(hashed(self._key("displaced"), rows // 2)) < rate
        return chosen & (rows >= 0) & (True if self.rows is None else (rows | 1) < self.rows)

    def _candidates(self, rows: Ints) -> tuple[NDArray[np.bool_], Ints]:
        """(rows that might be duplicates, of which row)."""
        key = self._key("duplicate")
        chosen = unit(hashed(key, rows)) < self._row_rates.get("duplicate", 0.0)
        return chosen, rows - 1 - (hashed(key ^ _FORM, rows) % np.uint64(REACH)).astype(np.int64)

    def moved(self, start: int, stop: int) -> Moved:
        """The rows start … stop-1 that show another row's record."""
        rows = np.arange(start, stop, dtype=np.int64)
        displaced = rows[self._displaced(rows)]
        copies, sources = self._duplicates(rows)
        at = np.concatenate([displaced, copies])
        kinds = np.array(["displaced"] * len(displaced) + ["duplicate"] * len(copies), dtype=object)
        order = np.argsort(at, kind="stable")
        return Moved(at[order], np.concatenate([displaced ^ 1, sources])[order], kinds[order])

    def _duplicates(self, rows: Ints) -> tuple[Ints, Ints]:
        if not self._row_rates.get("duplicate"):
            return rows[:0], rows[:0]
        chosen, sources = self._candidates(rows)
        copies, sources = rows[chosen], sources[chosen]
        # the record repeated stands in its own row: that one is neither a duplicate nor displaced
        usable = (sources >= 0) & ~self._candidates(sources)[0] & ~self._displaced(sources) & ~self._displaced(copies)
        return copies[usable], sources[usable]

    def _touched(self, rows: Ints) -> NDArray[np.bool_]:
        """Rows (neighbours, ascending) whose cells stay as they are, because the row is part of a row defect."""
        if not self._row_rates:
            return np.zeros(len(rows), dtype=np.bool_)
        beyond = np.arange(rows[0], rows[-1] + 1 + REACH, dtype=np.int64)
        copies, sources = self._duplicates(beyond)
        return self._displaced(rows) | np.isin(rows, copies) | np.isin(rows, sources)

    def changes(self, start: int, stop: int, fetch: Fetch) -> Iterator[Change]:
        """Every spoiled cell of rows start … stop-1; `fetch` gives the right values of a column in some rows."""
        rows = np.arange(start, stop, dtype=np.int64)
        if not len(rows):
            return
        free = ~self._touched(rows)
        swapped: dict[str, NDArray[np.bool_]] = {}
        for one, other, rate in self.pairs:
            chosen = free & (unit(hashed(self._key("swapped", one, other), rows)) < rate)
            chosen &= ~swapped.get(one, ~free) & ~swapped.get(other, ~free)
            for name in (one, other):
                swapped[name] = swapped.get(name, ~free) | chosen
            yield from self._exchange(one, other, rows[chosen], fetch)
        for target, rules in self.rules:
            open_ = ~swapped.get(target.name, ~free)
            key = self._key("cell", target.name)
            chance = unit(hashed(key, rows))
            low = 0.0
            for rule in rules:
                at = rows[open_ & (chance >= low) & (chance < low + rule.rate)]
                low += rule.rate
                if at.size:
                    yield from self._spoil(target, rule, at, hashed(key ^ _FORM, at), fetch)

    def _exchange(self, one: str, other: str, rows: Ints, fetch: Fetch) -> Iterator[Change]:
        if not rows.size:
            return
        first, second = fetch(one, rows), fetch(other, rows)
        differ = pc.fill_null(pc.not_equal(first, second), False)
        at = rows[differ.to_numpy(zero_copy_only=False)]
        if at.size:
            first, second = first.filter(differ), second.filter(differ)
            forms = np.array([f"{one}+{other}"] * len(at), dtype=object)
            yield Change(one, "swapped", forms, at, first, second)
            yield Change(other, "swapped", forms, at, second, first)

    def _spoil(self, target: Target, rule: Rule, rows: Ints, words: Words, fetch: Fetch) -> Iterator[Change]:
        values = fetch(target.name, rows)
        if rule.kind == "dangling" and target.reference is not None:
            made, forms, done = self._beyond(target, values, words)
        else:
            made, forms, done = cells.spoil(target, rule, values, words)
        if done.any():
            kept = pa.array(done)
            yield Change(target.name, rule.kind, forms[done], rows[done], values.filter(kept), made.filter(kept))

    def _beyond(self, target: Target, values: pa.Array, words: Words) -> tuple[pa.Array, NDArray[Any], Any]:
        """Keys of parent rows that are not part of the parent's dataset."""
        assert target.reference is not None
        parent = self.plan.parents[target.reference.table]
        spare = spare_rows(parent, target)
        at = target.reference.parents + (words % np.uint64(spare)).astype(np.int64)
        made = at_rows(parent, at, [target.reference.column])[target.reference.column].cast(values.type)
        return made, np.full(len(values), "", dtype=object), ~values.is_null().to_numpy(zero_copy_only=False)

    def apply(self, batch: pa.RecordBatch, start: int) -> pa.RecordBatch:
        """The batch of rows `start` … with its defects, in the schema of the spoiled plan."""
        stop = start + batch.num_rows
        made: dict[str, list[Change]] = {}
        for change in self.changes(start, stop, lambda name, rows: batch[name].take(pa.array(rows - start))):
            made.setdefault(change.column, []).append(change)
        moved = self.moved(start, stop)
        record = at_rows(self.plan, moved.sources) if moved.rows.size else {}
        columns = []
        for name in batch.schema.names:
            text = name in self.texts
            parts, where = [self._as_file(batch[name], text)], []
            for change in made.get(name, ()):
                parts.append(self._wrong(change, text))
                where.append(change.rows - start)
            if moved.rows.size:
                parts.append(self._as_file(record[name], text))
                where.append(moved.rows - start)
            if len(parts) > 1:
                at = np.arange(batch.num_rows)
                at[np.concatenate(where)] = batch.num_rows + np.arange(sum(map(len, where)))
                columns.append(pa.concat_arrays(parts).take(pa.array(at)))
            else:
                columns.append(parts[0])
        return pa.RecordBatch.from_arrays(columns, schema=self._schema)

    def _as_file(self, values: pa.Array, text: bool) -> pa.Array:
        return cells.spelled(values, self.as_json) if text else values

    def _wrong(self, change: Change, text: bool) -> pa.Array:
        if change.kind == "type" and self.as_json:
            return pc.binary_join_element_wise('"', change.spoiled, '"', "")
        return change.spoiled if change.kind == "type" else self._as_file(change.spoiled, text)

    @cached_property
    def _schema(self) -> pa.Schema:
        return pa.schema([pa.field(c.name, c.type, c.nullable) for c in self.columns])

    @property
    def columns(self) -> tuple[Any, ...]:
        """The plan's columns as the file has them: spoiled ones may be null, those with text among them are text."""
        hit = {target.name for target, _ in self.rules}
        made = []
        for column in self.plan.columns:
            if column.name in hit:
                column = replace(column, nullable=True)
            if column.name in self.texts:
                column = replace(column, type=pa.string(), text=self.as_json or column.text)
            made.append(column)
        return tuple(made)


def spare_rows(parent: Plan, target: Target) -> int:
    """How many rows of the parent table are not part of its dataset (a million where there is no limit)."""
    assert target.reference is not None
    sizes: list[int] = [parent.limit] if parent.limit is not None else []
    inner: Any = next((c.recipe for c in parent.columns if c.name == target.reference.column), None)
    if getattr(inner, "unique", False) and getattr(inner, "size", None) is not None:
        sizes.append(inner.size)
    return max(0, min([1_000_000, *(size - target.reference.parents for size in sizes)]))


def spoiled(
    plan: Plan,
    defects: Defects,
    interface: Interface,
    table: Table,
    *,
    format: str = "parquet",
    rows: int | None = None,
) -> Plan:
    """The plan with defects: what `generate` and `write` make of it is spoiled, records looked up by key are not.

    `format`: of the file, because text among numbers is only possible in text formats. `rows`: how many rows the
    dataset has (needed for `displaced`, where the last row has no neighbour). Raises PlanError naming the column a
    defect cannot come to.
    """
    known = targets(plan, interface, table)
    by_column: dict[str, list[Rule]] = {}
    pairs: list[tuple[str, str, float]] = []
    for rule in defects.rules:
        if rule.kind in ROW_KINDS:
            continue
        for name in rule.columns:
            if name not in known:
                raise PlanError(
                    name, table.pointer, "there is no such column to spoil", f"there are {', '.join(known)}"
                )
        if rule.kind == "type" and format not in ("csv", "jsonl"):
            raise PlanError("", table.pointer, f"{format} columns have one type", "ask for --format csv or jsonl")
        if rule.kind == "swapped":
            _swap(rule, known, table, pairs, by_column)
            continue
        chosen = rule.columns or tuple(name for name, target in known.items() if target.usual(rule.kind))
        if not chosen:
            raise PlanError("", table.pointer, f"no column can have the defect {rule.kind!r}", "leave it out")
        for name in chosen:
            _fits(rule, known[name], plan, table)
            by_column.setdefault(name, []).append(rule)
    for name, rules in by_column.items():
        total = sum(rule.rate for rule in rules) + sum(rate for one, other, rate in pairs if name in (one, other))
        if total > 1:
            raise PlanError(name, table.field(name).pointer, f"its rates add up to {total:g}, above 1", "lower them")
    texts = frozenset(name for name, rules in by_column.items() if any(rule.kind == "type" for rule in rules))
    resolved = tuple((known[name], tuple(by_column[name])) for name in known if name in by_column)
    last = Spoiler(plan, defects, resolved, tuple(pairs), texts, format == "jsonl", rows)
    return replace(plan, columns=last.columns, finish=last)


def _fits(rule: Rule, target: Target, plan: Plan, table: Table) -> None:
    pointer = table.field(target.name).pointer
    if reason := target.why_not(rule.kind):
        raise PlanError(target.name, pointer, f"cannot have the defect {rule.kind!r}: {reason}")
    if rule.kind == "malformed" and not cells.forms_of(target, rule):
        raise PlanError(target.name, pointer, f"cannot be {' or '.join(rule.forms)}: it has no check character")
    known = None if target.reference is None else plan.parents[target.reference.table]
    if rule.kind == "dangling" and known is not None and spare_rows(known, target) < 1:
        raise PlanError(target.name, pointer, "cannot dangle: every possible record of its parent exists")


def _swap(
    rule: Rule,
    known: dict[str, Target],
    table: Table,
    pairs: list[tuple[str, str, float]],
    by_column: dict[str, list[Rule]],
) -> None:
    """Pairs of columns to exchange, and names whose parts are; without columns whatever of both there is."""
    if len(rule.columns) == 2 and "name-order" not in rule.forms:
        one, other = (known[name] for name in rule.columns)
        if one.type != other.type:
            raise PlanError(one.name, table.field(one.name).pointer, f"is of another type than {other.name}")
        pairs.append((one.name, other.name, rule.rate))
        return
    found = swaps(known) if not rule.columns and rule.forms != ("name-order",) else ()
    pairs += [(one, other, rule.rate) for one, other in found]
    paired = {name for pair in found for name in pair}
    names = rule.columns or [n for n, t in known.items() if t.text and t.attribute == "name" and n not in paired]
    if "columns" in rule.forms and not rule.columns:
        names = []
    if not found and not names:
        raise PlanError(
            "", table.pointer, "no two columns are alike enough to be swapped", "name two: swapped@A+B=0.01"
        )
    for name in names:
        if not known[name].text:
            raise PlanError(name, table.field(name).pointer, "only text has parts to swap")
        by_column.setdefault(name, []).append(rule)
