"""One run of drawing: a value for a list of demands, by trying what fits and backing out of what does not."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from mockdata.instances import arrays, lifelike, numbers, objects, strings
from mockdata.instances.checks import Checks
from mockdata.instances.dead import Dead, Exhausted
from mockdata.instances.draws import Draws
from mockdata.instances.equality import kind
from mockdata.instances.merge import Atom, Conjunction, Demand, Expansion
from mockdata.instances.references import References, Unresolved
from mockdata.instances.suggestions import Path, Suggestions

DEEPEST = 48
ROOM = 60
"""Parts a stirred draw may have beyond those drawn already."""
_NUMERIC = frozenset(("integer", "fraction", "null"))
_SIGNS = {
    "object": frozenset(
        [
            "properties",
            "patternProperties",
            "additionalProperties",
            "propertyNames",
            "required",
            "minProperties",
            "maxProperties",
            "dependentRequired",
            "dependentSchemas",
            "unevaluatedProperties",
            "dependencies",
        ]
    ),
    "array": frozenset(
        [
            "items",
            "prefixItems",
            "contains",
            "minItems",
            "maxItems",
            "uniqueItems",
            "unevaluatedItems",
            "additionalItems",
        ]
    ),
    "string": frozenset(["minLength", "maxLength", "pattern", "format", "contentEncoding", "contentMediaType"]),
    "number": frozenset(["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"]),
}


@dataclass(frozen=True, slots=True)
class Mode:
    """How a run spends: `optional` is the chance of an optional member, `nodes` the size after which only
    required parts are drawn, `depth` the level below which they are not."""

    optional: float
    nodes: int
    depth: int
    steps: int = 4_000
    suggest: bool = True


class Maker:
    """Draws one instance. A maker serves one run and is then thrown away."""

    def __init__(
        self, checks: Checks, expansion: Expansion, mode: Mode, suggest: Suggestions | None, send: bool
    ) -> None:
        self.checks = checks
        self.references: References = checks.references
        self.modern = self.references.draft.startswith("20")
        self.mode = mode
        self._expansion = expansion
        self._suggest = suggest if mode.suggest else None
        self.sending = send
        self._nodes = 0
        self._steps = 0

    def dead(self, state: Conjunction, reason: str) -> Dead:
        """A Dead that blames the first schema object of the conjunction."""
        return Dead(reason, state.atoms[0].schema if state.atoms else None)

    def generous(self, path: Path) -> bool:
        """Whether more than the required parts may still be drawn at this level."""
        return len(path) <= self.mode.depth and self._nodes < self.mode.nodes

    @contextmanager
    def stirred(self, path: Path) -> Iterator[None]:
        """Inside, what is optional below `path` is there as often as not, whatever the mode: values that must differ
        then do, where members that are always there, or never, would make them the same.
        """
        mode = self.mode
        nodes, depth = max(mode.nodes, self._nodes + ROOM), max(mode.depth, len(path) + 2)
        self.mode = replace(mode, optional=0.5, nodes=nodes, depth=depth)
        try:
            yield
        finally:
            self.mode = mode

    def optional(self, path: Path, draws: Draws) -> bool:
        """Whether to have the optional member at `path`."""
        if self._suggest is not None and self._suggest.has(path):
            return True
        return self.generous(path) and draws.chance(self.mode.optional)

    def unsent(self, demands: list[Demand]) -> bool:
        """Whether a member is for the other direction only (`writeOnly` in an answer)."""
        return self.sending and any(isinstance(d.schema, dict) and d.schema.get("writeOnly") is True for d in demands)

    def value(self, demands: list[Demand], draws: Draws, path: Path, wild: int = 0) -> Any:
        """A value that meets all demands. Raises Dead, or Exhausted when the run has cost too much."""
        if len(path) > DEEPEST:
            raise Dead("nesting without end", None)
        self._nodes += 1
        only = self._only(demands)
        if only is not None:
            return self._repeated(only, draws, path, wild)
        extra: list[Demand] = []
        failure: Dead | None = None
        for attempt in range(4):
            economy = len(path) > self.mode.depth or self.mode.optional == 0 or attempt == 3
            way = draws.child(attempt)
            clash: Demand | None = None
            for number, state in enumerate(islice(self._states(demands + extra, way, economy), 24)):
                self._step()
                try:
                    value = self._build(state, way.child(number), path, wild + attempt)
                except Dead as dead:
                    failure = dead
                    continue
                clash = next((d for d in state.lazy if self._holds_part(d, value)), None)
                if clash is None:
                    return value
                if clash not in extra:
                    extra.append(clash)
                    break
            if clash is None and attempt == 1 and not extra:
                break
        raise failure or Dead("the schemas that apply here contradict each other", self._blame(demands))

    def _only(self, demands: list[Demand]) -> Conjunction | None:
        try:
            return self._expansion.single(demands)
        except Unresolved as error:
            raise Dead(str(error), self._blame(demands)) from None

    def _repeated(self, state: Conjunction, draws: Draws, path: Path, wild: int) -> Any:
        """A value of a conjunction without choices; what failed once may work with other draws."""
        failure: Dead | None = None
        for attempt in range(3):
            self._step()
            try:
                return self._build(state, draws.child(attempt), path, wild + attempt)
            except Dead as dead:
                failure = dead
        assert failure is not None
        raise failure

    def _states(self, demands: list[Demand], draws: Draws, economy: bool) -> Iterable[Conjunction]:
        try:
            yield from self._expansion.run(demands, draws, economy)
        except Unresolved as error:
            raise Dead(str(error), self._blame(demands)) from None

    @staticmethod
    def _blame(demands: list[Demand]) -> Any:
        return next((demand.schema for demand in demands), None)

    def _holds_part(self, demand: Demand, value: Any) -> bool:
        return self.checks.holds(demand.schema, value)

    def _step(self) -> None:
        self._steps += 1
        if self._steps > self.mode.steps:
            raise Exhausted

    def _build(self, state: Conjunction, draws: Draws, path: Path, wild: int) -> Any:
        schemas = state.schemas
        if self._suggest is not None:
            for value in self._suggest.at(path, schemas):
                if self._fits(state, value, thorough=True):
                    return value
        if state.values is not None:
            return self._listed(state, draws)
        failure: Dead | None = None
        spare: list[Any] | None = None
        for one in self._order(state, schemas, draws):
            for attempt in range(12 if state.excluded else 1):
                try:
                    value = self._of_kind(one, state, draws.child(f"{one} {attempt}"), path, wild + attempt)
                except Dead as dead:
                    failure = dead
                    break
                if any(self.checks.holds(other, value) for other in state.excluded):
                    continue
                if value in ([], {}) and len(state.kinds) > 2 and spare is None and draws.chance(0.6):
                    spare = [value]  # an empty value of an untyped schema: rather something that shows more
                    break
                return value
        if spare is not None:
            return spare[0]
        raise failure or self.dead(state, "nothing but excluded values was found")

    def _listed(self, state: Conjunction, draws: Draws) -> Any:
        assert state.values is not None
        for value in draws.shuffled(state.values):
            if self._fits(state, value, thorough=len(state.atoms) > 1 or bool(state.excluded)):
                return copy.deepcopy(value)
        raise self.dead(state, "no listed value fits everything else that is asked")

    def _fits(self, state: Conjunction, value: Any, thorough: bool) -> bool:
        if kind(value) not in state.kinds:
            return False
        if not thorough:
            return True
        if any(self.checks.holds(other, value) for other in state.excluded):
            return False
        return all(self.checks.holds(atom.schema, value) for atom in state.atoms if self.binding(atom))

    def binding(self, atom: Atom) -> bool:
        """Whether a value must meet a schema as a whole."""
        return True

    @staticmethod
    def _order(state: Conjunction, schemas: list[dict[str, Any]], draws: Draws) -> list[str]:
        """The kinds to try: those the keywords speak of, then everyday scalars, null at the end."""
        if len(state.kinds) == 1:
            return list(state.kinds)
        words = {word for schema in schemas for word in schema}
        spoken = {one for one, signs in _SIGNS.items() if signs & words}
        if "number" in spoken or state.kinds <= _NUMERIC:
            spoken |= _NUMERIC
        weight = {"string": 1, "integer": 1, "fraction": 1, "boolean": 2, "object": 3, "array": 3, "null": 4}
        nullish = draws.chance(0.06)

        whole = draws.chance(0.3)

        def rank(one: str) -> int:
            if one == "null" and nullish:
                return -2
            if one == "fraction" and not whole and "fraction" in spoken:
                return -1
            return 0 if one in spoken else weight[one] if one == "null" or draws.chance(0.8) else 1

        return sorted(draws.shuffled(sorted(state.kinds)), key=rank)

    def _of_kind(self, one: str, state: Conjunction, draws: Draws, path: Path, wild: int) -> Any:
        if one == "object":
            return objects.build(self, state, draws, path)
        if one == "array":
            return arrays.build(self, state, draws, path)
        if one == "null":
            return None
        if one == "boolean":
            return draws.chance(0.5)
        name = next((token for token in reversed(path) if isinstance(token, str)), "")
        if one == "string":
            return self._string(state, draws, name, wild)
        return self._number(one, state, draws, name, wild)

    def _string(self, state: Conjunction, draws: Draws, name: str, wild: int) -> str:
        text = state.notes.get("text")
        if text is None:
            text = state.notes["text"] = strings.gather(state.schemas)
        made = strings.draw(text, draws, name, self.checks.formats, wild)
        if made is None:
            what = ", ".join([*map(repr, text.patterns), *text.formats]) or "its lengths"
            raise self.dead(state, f"no string found of length {text.shortest} to {text.longest} for {what}")
        return made

    def _number(self, one: str, state: Conjunction, draws: Draws, name: str, wild: int) -> int | float:
        limits = self._limits(state, "" if wild else name)
        for attempt in range(8):
            made = numbers.draw(limits, one == "integer", draws, wide=wild > 2 or attempt > 5)
            if made is not None and (kind(made) == one or "integer" in state.kinds):
                return made
        raise self.dead(state, "no number lies within its limits and steps")

    @staticmethod
    def _limits(state: Conjunction, name: str) -> numbers.Limits:
        """The limits, narrowed to what is everyday for a number of that name where they are open."""
        key = f"limits {name}"
        known = state.notes.get(key)
        if known is None:
            known = numbers.limits(state.schemas)
            everyday = lifelike.span(name) if name and known.low is known.high is None else None
            if everyday is not None:
                low, high = everyday
                known = numbers.limits([*state.schemas, {"minimum": low, "maximum": high}])
            state.notes[key] = known
        return known
