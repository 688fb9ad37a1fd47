"""What the fields of a row may be together: every way to satisfy a group of clauses, as demands of single fields."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mockdata.instances.checks import Checks, InvalidSchema
from mockdata.instances.dead import Dead
from mockdata.instances.draws import Draws
from mockdata.instances.heights import Heights
from mockdata.instances.merge import Choice, Conjunction, Demand, Expansion
from mockdata.instances.negation import MEMBER, UNLIKE
from mockdata.instances.objects import ObjectPlan
from mockdata.instances.references import References, Unresolved

MOST = 256
"""Ways a group of fields may have; more are refused."""
_ROW: dict[str, Any] = {"type": "object"}


@dataclass(frozen=True, slots=True)
class Way:
    """One way. `demands`: schemas of each field there may be, `required` and `forbidden` fields, and how many of all
    fields there must and may be.
    """

    demands: dict[str, tuple[Any, ...]]
    required: frozenset[str]
    forbidden: frozenset[str]
    low: int = 0
    high: int | None = None


class TooMany(ValueError):
    """A group of fields has more ways than can be told apart."""


class Ways:
    """The ways of one group. `parts` all hold; `definitions` is what they refer to; `names` are all fields of the row.

    Raises InvalidSchema.
    """

    def __init__(self, parts: Sequence[Any], definitions: dict[str, Any], names: Sequence[str]) -> None:
        document = _plain({"type": "object", "allOf": list(parts), "$defs": definitions})
        self.names = names
        self.beyond = False
        """Whether some way was left out because single fields cannot say it (the opposite of unevaluatedProperties)."""
        self.references = References(document)
        self.checks = Checks(self.references)
        self._expansion = _Decided(self.references, Heights(self.references), self.checks, names)

    def all(self) -> list[Way]:
        """Every way there is, each once. Raises TooMany, Unresolved."""
        found: dict[str, Way] = {}
        for state in self._expansion.decided(self.references.document, MOST * 16):
            for way in self._read(state):
                found.setdefault(_signature(way), way)
                if len(found) > MOST:
                    raise TooMany(f"more than {MOST} combinations")
        return list(found.values())

    def _read(self, state: Conjunction) -> Iterator[Way]:
        if any(MEMBER in schema or UNLIKE in schema for schema in state.schemas):
            self.beyond = True
            return
        plan = ObjectPlan(self.checks, state)
        demands = {name: tuple(demand.schema for demand in plan.demands(name)) for name in self.names}
        forbidden = frozenset(name for name in self.names if not plan.allowed(name))
        needed = frozenset(state.required)
        if needed & forbidden or not needed <= set(self.names):
            return
        way = Way(demands, needed, forbidden, plan.low, plan.high)
        if state.values is None:
            yield way
            return
        for value in state.values:
            if isinstance(value, dict) and set(value) <= set(self.names):
                fixed = {n: (*demands[n], {"const": value[n]}) if n in value else demands[n] for n in self.names}
                yield replace(
                    way, demands=fixed, required=frozenset(value), forbidden=frozenset(self.names) - set(value)
                )


def _plain(schema: Any) -> Any:
    """A schema with what can never hold written as false."""
    if isinstance(schema, dict):
        return False if schema == {"not": {}} else {word: _plain(value) for word, value in schema.items()}
    return [_plain(value) for value in schema] if isinstance(schema, list) else schema


def _signature(way: Way) -> str:
    told = {name: way.demands[name] for name in way.demands if name not in way.forbidden}
    return json.dumps([told, sorted(way.required), sorted(way.forbidden), way.low, way.high], default=str)


class _Decided(Expansion):
    """An expansion that leaves nothing to be looked at afterwards: what must not hold is broken in some way."""

    def __init__(self, references: References, heights: Heights, checks: Checks, names: Sequence[str]) -> None:
        super().__init__(references, heights)
        self._checks, self._names = checks, names
        self._made: dict[int, tuple[Any, list[list[Any]]]] = {}
        self._pairs: dict[tuple[str, ...], tuple[dict[str, Any], dict[str, Any]]] = {}

    def decided(self, document: Any, most: int) -> Iterator[Conjunction]:
        """The conjunctions of a document, `most` of them looked at."""
        start = [Demand(document, self.references.start), Demand(_ROW, self.references.start)]
        for number, state in enumerate(self.run(start, Draws(0), False)):
            if number >= most:
                raise TooMany(f"more than {most} combinations looked at")
            yield from self._settled(state, most)

    def _settled(self, state: Conjunction, most: int) -> Iterator[Conjunction]:
        lazy, bare = state.lazy, state.copy()
        bare.lazy = []
        if not lazy:
            yield state
            return
        # a schema that cannot hold beside what does need not be broken
        left = [demand for demand in lazy if self._possible(replace(demand, negative=False), bare)]
        for number, found in enumerate(self._run(left[::-1], bare.copy(), [], Draws(0), False)):
            if number >= most:
                raise TooMany(f"more than {most} combinations looked at")
            yield from self._settled(found, most)

    def _possible(self, demand: Demand, state: Conjunction) -> bool:
        try:
            return next(self._run([demand], state.copy(), [], Draws(0), False), None) is not None
        except Dead:
            return False

    def _choices(self, schema: dict[str, Any], here: Demand) -> Iterator[Choice]:
        yield from super()._choices(schema, here)
        for word in ("dependentRequired", "dependencies"):
            for name, others in schema.get(word, {}).items():
                if isinstance(others, list):
                    present, absent = self._pair(name, others)
                    yield [([here.inner(present)], []), ([here.inner(absent)], [])]

    def _pair(self, name: str, others: list[str]) -> tuple[dict[str, Any], dict[str, Any]]:
        known = self._pairs.get((name, *others))
        if known is None:  # made once, so that schemas keep their identity
            present = {"type": "object", "required": [name, *others]}
            known = self._pairs[(name, *others)] = (present, {"properties": {name: False}})
        return known

    def _ways(self, schema: dict[str, Any]) -> list[list[Any]]:
        known = self._made.get(id(schema))
        if known is None:
            ways = [told for way in super()._ways(schema) for told in self._named(way)]
            known = self._made[id(schema)] = (schema, ways)
        return known[1]

    def _named(self, way: list[Any]) -> Iterator[list[Any]]:
        """A way that asks for some member of a kind, as one way for each field that is of the kind."""
        at = next((n for n, part in enumerate(way) if isinstance(part, dict) and MEMBER in part), None)
        if at is None:
            yield way
            return
        wanted, inner = way[at][MEMBER]
        rest = {word: value for word, value in way[at].items() if word != MEMBER}
        for name in self._names:
            if self._checks.holds(wanted, name):
                asked = {"type": "object", "required": [name], "properties": {name: inner}}
                yield [*way[:at], *([rest] if set(rest) - {"type"} else []), asked, *way[at + 1 :]]


__all__ = ["InvalidSchema", "TooMany", "Unresolved", "Way", "Ways"]
