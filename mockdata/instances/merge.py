"""Everything that is demanded of one value, gathered from all schemas that apply to it.

An `Expansion` follows `$ref`, `allOf`, the chosen branch of `anyOf`, `oneOf`, `if` and `dependentSchemas`,
and the chosen way to break each `not`, until only plain assertions are left: a `Conjunction`. Choices are
tried in a drawn order, depth first, and ways that cannot work are cut off as soon as that shows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mockdata.instances.draws import Draws
from mockdata.instances.equality import common, kind
from mockdata.instances.heights import Heights
from mockdata.instances.negation import KINDS, TYPES, UNLIKE, kinds, negations
from mockdata.instances.references import References, Schema, Scope


@dataclass(frozen=True, slots=True)
class Demand:
    """A schema a value must satisfy (`negative`: must not), the scope it is read in, and the schemas around
    it.
    """

    schema: Schema
    scope: Scope
    lineage: tuple[int, ...] = ()
    negative: bool = False

    def inner(self, schema: Any, negative: bool = False) -> Demand:
        """A demand of a schema that applies in place inside this one."""
        return Demand(schema, self.scope, self.lineage, negative)


@dataclass(frozen=True, slots=True, eq=False)
class Atom:
    """One schema object in force. `lineage`: the ids of the schema objects it was reached through, itself
    last.
    """

    schema: dict[str, Any]
    scope: Scope
    lineage: tuple[int, ...]

    def covers(self, other: Atom) -> bool:
        """Whether what `other` evaluates counts for this schema's `unevaluated…` keywords."""
        return other.lineage[: len(self.lineage)] == self.lineage

    def demand(self, schema: Any) -> Demand:
        """A demand of a schema for a member or item, where no lineage counts."""
        return Demand(schema, self.scope)


Choice = list[tuple[list[Demand], list[Demand]]]  # alternatives: what is demanded, what is only checked afterwards


class Conjunction:
    """The assertions in force for one value. `lazy` are schemas that must not hold, looked at afterwards."""

    def __init__(self) -> None:
        self.kinds = frozenset(KINDS)
        self.atoms: list[Atom] = []
        self.lazy: list[Demand] = []
        self.excluded: list[Any] = []
        self.values: list[Any] | None = None
        self.required: dict[str, None] = {}
        self.forbidden: set[str] = set()
        self.members: dict[str, list[Any]] = {}
        self.seen: set[tuple[int, Scope, tuple[int, ...], bool]] = set()
        self.notes: dict[str, Any] = {}  # what others have worked out from a finished conjunction

    @property
    def schemas(self) -> list[dict[str, Any]]:
        """The schema objects in force."""
        if "schemas" not in self.notes:
            self.notes["schemas"] = [atom.schema for atom in self.atoms]
        found: list[dict[str, Any]] = self.notes["schemas"]
        return found

    def copy(self) -> Conjunction:
        """An independent copy; the schemas themselves are shared."""
        other = Conjunction.__new__(Conjunction)
        other.kinds, other.values = self.kinds, self.values
        other.atoms, other.lazy, other.excluded = self.atoms[:], self.lazy[:], self.excluded[:]
        other.required, other.forbidden = dict(self.required), set(self.forbidden)
        other.members, other.seen, other.notes = dict(self.members), set(self.seen), {}
        return other

    def add(self, atom: Atom) -> bool:
        """Put one schema object in force; False when that leaves nothing."""
        self.atoms.append(atom)
        schema = atom.schema
        if "type" in schema:
            self.kinds &= kinds(schema["type"])
        if TYPES in schema:
            self.kinds &= frozenset(schema[TYPES])
        if UNLIKE in schema:
            self.excluded.append(schema[UNLIKE])
        if not self.kinds or not self._add_values(schema):
            return False
        self._add_members(schema)
        return "object" not in self.kinds or self._objects_possible()

    def _add_values(self, schema: dict[str, Any]) -> bool:
        for word in ("const", "enum"):
            if word in schema:
                allowed = [schema["const"]] if word == "const" else list(schema["enum"])
                self.values = allowed if self.values is None else common(self.values, allowed)
        if self.values is not None:
            self.values = [value for value in self.values if kind(value) in self.kinds]
        return self.values is None or bool(self.values)

    def _add_members(self, schema: dict[str, Any]) -> None:
        if isinstance(schema.get("required"), list):
            self.required.update(dict.fromkeys(schema["required"]))
        for name, inner in schema.get("properties", {}).items():
            if inner is False:
                self.forbidden.add(name)
            elif isinstance(inner, dict) and ("const" in inner or "enum" in inner):
                allowed = [inner["const"]] if "const" in inner else list(inner["enum"])
                known = self.members.get(name)
                self.members[name] = allowed if known is None else common(known, allowed)

    def _objects_possible(self) -> bool:
        ruined = any(name in self.forbidden or self.members.get(name) == [] for name in self.required)
        if ruined:
            self.kinds -= {"object"}
        return bool(self.kinds)


class Expansion:
    """Turns demands into conjunctions, one after the other, likeliest first.

    `economy`: alternatives of least depth first, for places already deep in the value.
    """

    def __init__(self, references: References, heights: Heights) -> None:
        self.references = references
        self.heights = heights
        self._broken: dict[int, tuple[Any, list[list[Any]]]] = {}
        self._single: dict[tuple[Any, ...], tuple[Conjunction | None, list[Any]]] = {}
        self._members: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {}

    def run(self, demands: list[Demand], draws: Draws, economy: bool) -> Iterator[Conjunction]:
        """The conjunctions that fulfil all demands."""
        yield from self._run(list(reversed(demands)), Conjunction(), [], draws, economy)

    def single(self, demands: list[Demand]) -> Conjunction | None:
        """The only conjunction of demands that leave no choice, made once and kept; None when they leave one.

        Raises Unresolved.
        """
        key = tuple((id(demand.schema), demand.scope, demand.negative) for demand in demands)
        if key not in self._single:
            state, choices = Conjunction(), list[Choice]()
            agenda = list(reversed(demands))
            while agenda and not choices:
                if not self._absorb(agenda.pop(), state, agenda, choices):
                    choices.append([])
            kept = [demand.schema for demand in demands]  # keeps the ids of the key taken
            self._single[key] = (None if choices or state.lazy else state, kept)
        return self._single[key][0]

    def _run(
        self, agenda: list[Demand], state: Conjunction, choices: list[Choice], draws: Draws, economy: bool
    ) -> Iterator[Conjunction]:
        while agenda:
            if not self._absorb(agenda.pop(), state, agenda, choices):
                return
        if not choices:
            yield state
            return
        choices.sort(key=len, reverse=True)  # decide what leaves least choice first
        choice = choices.pop()
        for demanded, lazy in self._ordered(choice, draws, economy):
            branch = state.copy()
            branch.lazy.extend(lazy)
            yield from self._run(list(demanded), branch, list(choices), draws, economy)

    def _ordered(self, choice: Choice, draws: Draws, economy: bool) -> Choice:
        if len(choice) == 1:
            return choice
        order = draws.shuffled(choice)
        if economy:
            order.sort(
                key=lambda alternative: sum(
                    self.heights.of(d.schema, d.scope) for d in alternative[0] if not d.negative
                )
            )
        return order

    def _absorb(self, demand: Demand, state: Conjunction, agenda: list[Demand], choices: list[Choice]) -> bool:
        schema = demand.schema
        if isinstance(schema, bool):
            return schema is not demand.negative
        mark = (id(schema), demand.scope, demand.lineage, demand.negative)
        if mark in state.seen or (not demand.negative and id(schema) in demand.lineage):
            return True
        state.seen.add(mark)
        scope = self.references.step(schema, demand.scope)
        if demand.negative:
            return self._absorb_negative(Demand(schema, scope, (), True), agenda, choices)
        lineage = (*demand.lineage, id(schema))
        here = Demand(schema, scope, lineage)
        for target, inner in self._targets(schema, scope):
            agenda.append(Demand(target, inner, lineage))
        if "$ref" in schema and self.references.legacy:
            return True
        if not state.add(Atom(schema, scope, lineage)):
            return False
        agenda.extend(here.inner(part) for part in schema.get("allOf", ()))
        if "not" in schema:
            agenda.append(here.inner(schema["not"], negative=True))
        choices.extend(self._choices(schema, here))
        return True

    def _absorb_negative(self, demand: Demand, agenda: list[Demand], choices: list[Choice]) -> bool:
        schema = demand.schema
        assert isinstance(schema, dict)
        targets = list(self._targets(schema, demand.scope))
        legacy_reference = "$ref" in schema and self.references.legacy
        ways: Choice = [([Demand(target, inner, (), True)], []) for target, inner in targets]
        if not legacy_reference:
            ways += [([demand.inner(part) for part in way], []) for way in self._ways(schema)]
        if len(ways) == 1:
            agenda.extend(ways[0][0])
        elif ways:
            choices.append(ways)
        return bool(ways)

    def _ways(self, schema: dict[str, Any]) -> list[list[Any]]:
        known = self._broken.get(id(schema))
        if known is None:
            known = self._broken[id(schema)] = (schema, list(negations(schema)))
        return known[1]

    def _targets(self, schema: dict[str, Any], scope: Scope) -> Iterator[tuple[Schema, Scope]]:
        finders = {
            "$ref": self.references.resolve,
            "$dynamicRef": self.references.resolve_dynamic,
            "$recursiveRef": self.references.resolve_recursive,
        }
        for word, find in finders.items():
            if isinstance(schema.get(word), str):
                yield find(schema[word], scope)

    def _choices(self, schema: dict[str, Any], here: Demand) -> Iterator[Choice]:
        if "anyOf" in schema:
            yield [([here.inner(part)], []) for part in schema["anyOf"]]
        if "oneOf" in schema:
            parts = schema["oneOf"]
            yield [
                ([here.inner(part)], [here.inner(other, True) for other in parts if other is not part])
                for part in parts
            ]
        if "if" in schema and ("then" in schema or "else" in schema):
            yield [
                ([here.inner(schema["if"]), here.inner(schema.get("then", True))], []),
                ([here.inner(schema["if"], True), here.inner(schema.get("else", True))], []),
            ]
        for word in ("dependentSchemas", "dependencies"):
            for name, part in schema.get(word, {}).items():
                if not isinstance(part, list):
                    yield self._dependent(name, part, here)

    def _dependent(self, name: str, part: Any, here: Demand) -> Choice:
        if name not in self._members:  # made once, so that schemas keep their identity from draw to draw
            self._members[name] = ({"type": "object", "required": [name]}, {"properties": {name: False}})
        present, absent = self._members[name]
        return [([here.inner(present), here.inner(part)], []), ([here.inner(absent)], [])]
