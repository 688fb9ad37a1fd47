"""Arrays: positions, `contains`, `unevaluatedItems` and uniqueness brought together."""

from __future__ import annotations

import copy
from contextlib import nullcontext
from dataclasses import dataclass, field
from itertools import islice, permutations
from typing import TYPE_CHECKING, Any

from mockdata.instances.dead import Dead
from mockdata.instances.draws import Draws
from mockdata.instances.equality import same
from mockdata.instances.merge import Atom, Conjunction, Demand
from mockdata.instances.negation import REPEAT, prefix_items, rest_items
from mockdata.instances.suggestions import Path

if TYPE_CHECKING:
    from mockdata.instances.values import Maker

RETRIES = 24
"""Draws for an item that must differ from all before it."""
PLAIN = 8
"""Of these, the draws made as everywhere else; the later ones are stirred."""
ORDERS = 720
"""Orders of an item's own items tried after that: all of six."""


@dataclass(slots=True)
class _Contains:
    """One `contains`: how many items it needs and allows, and the positions set aside for it."""

    atom: Atom
    schema: Any
    least: int
    most: int | None
    slots: set[int] = field(default_factory=set)


class ArrayPlan:
    """What is known about one array before its items are drawn. Raises Dead when no length fits."""

    def __init__(self, maker: Maker, state: Conjunction) -> None:
        self.maker = maker
        self.atoms = state.atoms
        schemas = [atom.schema for atom in state.atoms]
        self.low = max((int(schema.get("minItems", 0)) for schema in schemas), default=0)
        self.high = min((int(schema["maxItems"]) for schema in schemas if "maxItems" in schema), default=None)
        self.unique = any(schema.get("uniqueItems") for schema in schemas)
        self.repeat = any(REPEAT in schema for schema in schemas)
        self.prefix = max((len(prefix_items(schema)) for schema in schemas), default=0)
        self.contains = [found for atom in self.atoms if (found := self._contains(atom)) is not None]
        if self.high is not None and self.high < self.low:
            raise maker.dead(state, f"minItems {self.low} is more than maxItems {self.high}")

    def _contains(self, atom: Atom) -> _Contains | None:
        schema = atom.schema
        if "contains" not in schema:
            return None
        modern = self.maker.modern
        least = int(schema.get("minContains", 1)) if modern else 1
        most = schema.get("maxContains") if modern else None
        return _Contains(atom, schema["contains"], least, None if most is None else int(most))

    def layouts(self) -> list[int]:
        """Ways to set positions aside for `contains`, as first positions; the last two let one item serve
        all.
        """
        ways = []
        for start, shared in ((self.prefix, False), (0, False), (0, True), (self.prefix, True)):
            wanted = [found.least for found in self.contains]
            needed = start + (max(wanted, default=0) if shared else sum(wanted))
            if self.high is None or needed <= self.high:
                ways.append(start * 2 + shared)
        return list(dict.fromkeys(ways)) if self.contains else [0]

    def settle(self, layout: int) -> int:
        """Set positions aside; returns how many items the array needs at least."""
        at, shared = divmod(layout, 2)
        needed = self.low
        for found in self.contains:
            found.slots = set(range(at, at + found.least))
            needed = max(needed, at + found.least)
            if not shared:
                at += found.least
        return needed

    def demands(self, at: int) -> list[Demand]:
        """What is demanded of the item at a position."""
        found: list[Demand] = []
        for atom in self.atoms:
            prefix, rest = prefix_items(atom.schema), rest_items(atom.schema)
            if at < len(prefix):
                found.append(atom.demand(prefix[at]))
            elif rest is not None:
                found.append(atom.demand(rest))
            if "unevaluatedItems" in atom.schema and not self._evaluated(at, atom):
                found.append(atom.demand(atom.schema["unevaluatedItems"]))
        for one in self.contains:
            if at in one.slots:
                found.append(one.atom.demand(one.schema))
            elif one.most is not None and one.most <= len(one.slots):
                found.append(Demand(one.schema, one.atom.scope, (), True))
        return found

    def _evaluated(self, at: int, outer: Atom) -> bool:
        for atom in self.atoms:
            if outer.covers(atom):
                if at < len(prefix_items(atom.schema)) or rest_items(atom.schema) is not None:
                    return True
                if atom is not outer and "unevaluatedItems" in atom.schema:
                    return True
        counted = self.maker.references.draft == "2020-12"
        return counted and any(at in one.slots and outer.covers(one.atom) for one in self.contains)


def build(maker: Maker, state: Conjunction, draws: Draws, path: Path) -> list[Any]:
    """An array for the conjunction. Raises Dead."""
    plan = ArrayPlan(maker, state)
    failure: Exception | None = None
    for number, layout in enumerate(plan.layouts()):
        try:
            return _fill(maker, plan, plan.settle(layout), draws.child(number), path)
        except Dead as dead:
            failure = dead
    raise failure or maker.dead(state, "no room for what `contains` asks for")


def _fill(maker: Maker, plan: ArrayPlan, needed: int, draws: Draws, path: Path) -> list[Any]:
    size = _size(maker, plan, needed, draws, path)
    items: list[Any] = []
    for at in range(size):
        try:
            items.append(_item(maker, plan, items, draws.child(at), (*path, at)))
        except Dead:
            if at < needed:
                raise
            break
    if plan.repeat and len(items) > 1:
        items[-1] = copy.deepcopy(items[0])
    return items


def _size(maker: Maker, plan: ArrayPlan, needed: int, draws: Draws, path: Path) -> int:
    room = plan.high if plan.high is not None else max(needed, plan.prefix) + 3
    if not maker.generous(path):
        return needed
    size = max(needed, plan.prefix, 1 + draws.below(3 if len(path) < 3 else 1))
    return min(max(size, needed), room)


def _item(maker: Maker, plan: ArrayPlan, before: list[Any], draws: Draws, path: Path) -> Any:
    demands = plan.demands(len(before))
    if not plan.unique:
        return maker.value(demands, draws, path)
    value: Any = None
    for attempt in range(RETRIES):
        with maker.stirred(path) if attempt >= PLAIN else nullcontext():
            value = maker.value(demands, draws.child(attempt), path, wild=attempt)
        if not _known(value, before):
            return value
    return _rearranged(maker, demands, value, before)


def _known(value: Any, before: list[Any]) -> bool:
    return any(same(value, other) for other in before)


def _rearranged(maker: Maker, demands: list[Demand], value: Any, before: list[Any]) -> Any:
    """The items of a value in an order not there before: all that is left where its items have few values. Raises
    Dead.
    """
    orders = permutations(value) if isinstance(value, list) else iter(())
    for other in map(list, islice(orders, ORDERS)):
        if not _known(other, before) and all(maker.checks.holds(d.schema, other) is not d.negative for d in demands):
            return copy.deepcopy(other)
    raise Dead("uniqueItems leaves no further value", None)
