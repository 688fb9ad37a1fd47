"""Drawing an instance that goes through a given place and is something particular there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mockdata.instances.checks import Checks
from mockdata.instances.draws import Draws
from mockdata.instances.heights import Heights
from mockdata.instances.merge import Atom, Choice, Conjunction, Demand, Expansion
from mockdata.instances.negation import Alternative
from mockdata.instances.places import Place, presence
from mockdata.instances.references import References
from mockdata.instances.suggestions import Path
from mockdata.instances.values import Maker, Mode


class Steered(Expansion):
    """An expansion that prefers the branches on the way to a place.

    With `alternatives` (at the place itself) the schema there is `rest` instead, together with one of them, tried in
    their order. `alone`: of the branches of an `anyOf` on the way no other may hold.
    """

    def __init__(
        self,
        references: References,
        heights: Heights,
        place: Place,
        rest: Any = None,
        alternatives: tuple[Alternative, ...] | None = None,
        alone: bool = True,
    ) -> None:
        super().__init__(references, heights)
        self.place = place
        self._rest = rest
        self._alternatives = alternatives
        self.alone = alone
        self._ranked: dict[int, Choice] = {}

    def _absorb(self, demand: Demand, state: Conjunction, agenda: list[Demand], choices: list[Choice]) -> bool:
        here = isinstance(demand.schema, dict) and demand.schema is self.place.schema and not demand.negative
        if self._alternatives is None or not here:
            return super()._absorb(demand, state, agenda, choices)
        scope = self.references.step(self.place.schema, demand.scope)
        ways: Choice = [([Demand(part, scope) for part in way], []) for way in self._alternatives]
        if len(ways) == 1:
            agenda.extend(ways[0][0])
        else:
            self._ranked[id(ways)] = ways
            choices.append(ways)
        return super()._absorb(Demand(self._rest, demand.scope, demand.lineage), state, agenda, choices)

    def _ordered(self, choice: Choice, draws: Draws, economy: bool) -> Choice:
        if id(choice) in self._ranked:
            return choice
        order = super()._ordered(choice, draws, economy)
        return sorted(order, key=lambda alternative: not any(map(self._on_the_way, alternative[0])))

    def _on_the_way(self, demand: Demand) -> bool:
        return not demand.negative and id(demand.schema) in self.place.route

    def _choices(self, schema: dict[str, Any], here: Demand) -> Iterator[Choice]:
        parts = schema.get("anyOf", ())
        if not self.alone or not any(id(part) in self.place.route for part in parts):
            yield from super()._choices(schema, here)
            return
        yield [
            ([here.inner(part)], [here.inner(other, True) for other in parts if other is not part]) for part in parts
        ]
        yield from super()._choices({word: value for word, value in schema.items() if word != "anyOf"}, here)


class Recorder(Maker):
    """A maker that remembers what was demanded where, so that a part of its value can be drawn again."""

    def __init__(self, checks: Checks, expansion: Expansion, mode: Mode, send: bool) -> None:
        super().__init__(checks, expansion, mode, None, send)
        self.asked: dict[Path, list[Demand]] = {}

    def value(self, demands: list[Demand], draws: Draws, path: Path, wild: int = 0) -> Any:
        self.asked[path] = demands
        return super().value(demands, draws, path, wild)


class Steerer(Maker):
    """A maker that draws along `toward`, and by `there` at the path itself."""

    def __init__(self, checks: Checks, toward: Expansion, there: Steered, path: Path, mode: Mode, send: bool) -> None:
        super().__init__(checks, toward, mode, None, send)
        self._toward = toward
        self._there = there
        self._path = path

    def binding(self, atom: Atom) -> bool:
        there = self._there  # what is broken inside a schema breaks the schema
        return not there.alone or id(atom.schema) not in there.place.route

    def value(self, demands: list[Demand], draws: Draws, path: Path, wild: int = 0) -> Any:
        before = self._expansion
        self._expansion = self._there if path == self._path else self._toward
        try:
            return super().value(demands, draws, path, wild)
        finally:
            self._expansion = before

    def instance(self, draws: Draws) -> Any:
        """A value of the whole schema. Raises Dead or Exhausted."""
        demands = whole(self.references)
        if self._path:
            demands.append(Demand(presence(self._path), self.references.start))
        return self.value(demands, draws, ())

    def part(self, demands: list[Demand], draws: Draws) -> Any:
        """A value of what is demanded at the path. Raises Dead or Exhausted."""
        return self.value(demands, draws, self._path)


def whole(references: References) -> list[Demand]:
    """What is demanded of an instance; of a schema that is false, as if it were not."""
    document = references.document
    return [Demand(document if document is not False else {}, references.start)]
