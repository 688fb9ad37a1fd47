"""Instances that are something particular at one place: a part of a valid one drawn again, or the whole drawn anew."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mockdata.instances.checks import Checks
from mockdata.instances.dead import Dead, Exhausted
from mockdata.instances.draws import Draws
from mockdata.instances.merge import Demand, Expansion
from mockdata.instances.places import Fresh
from mockdata.instances.references import References
from mockdata.instances.steering import Recorder, Steered, Steerer, whole
from mockdata.instances.suggestions import Path, lookup, replaced
from mockdata.instances.values import Mode
from mockdata.instances.ways import Way

STEPS, MOST = 1_500, 60_000
"""Steps an attempt may take, and of a large schema at most."""
MODES = (Mode(0.85, 120, 3), Mode(0.0, 0, 1), Mode(0.3, 60, 2), Mode(0.85, 250, 4))
FULL = Mode(1.0, 1_000, 5)
"""Everything optional, for a base in which as many places as possible are there."""
_BRANCHES = frozenset(("anyOf", "oneOf", "then", "else", "dependentSchemas", "dependencies"))


@dataclass(frozen=True, slots=True)
class Base:
    """A valid instance, and what was demanded of each part of it."""

    value: Any
    asked: dict[Path, list[Demand]]


@dataclass(frozen=True, slots=True)
class Attempt:
    """A value that should be particular at `path`, to be judged; `reason`: why there is none."""

    path: Path
    value: Any = None
    reason: str = ""


class Attempts:
    """Makes the attempts for one schema."""

    def __init__(self, references: References, checks: Checks, expansion: Expansion, sending: bool) -> None:
        self.references = references
        self.checks = checks
        self._expansion = expansion
        self._sending = sending
        self._steps = max(STEPS, min(3 * references.size, MOST))

    def base(self, draws: Draws, mode: Mode = MODES[0]) -> Base | None:
        """An instance to change parts of, None when none is found at once."""
        for one in (mode, MODES[1]):
            spent = Mode(one.optional, one.nodes, one.depth, max(one.steps, self._steps), suggest=False)
            maker = Recorder(self.checks, self._expansion, spent, self._sending)
            try:
                value = maker.value(whole(self.references), draws, ())
            except (Dead, Exhausted):
                continue
            if self.checks.whole.is_valid(value):
                return Base(value, maker.asked)
        return None

    def of(self, way: Way, draws: Draws, base: Base | None, alone: bool = True) -> Iterator[Attempt]:
        """Attempts at one way, the cheapest first. `alone`: no other branch of an `anyOf` around it may hold."""
        sizes = [_size(part) for each in way.alternatives for part in each if isinstance(part, dict)]
        steps = max(self._steps, 4 * max(sizes, default=0))
        patched = None if base is None else self._patched(way, base, draws, steps, alone)
        if patched is not None:
            yield patched
        dead = 0
        for number, mode in enumerate(MODES):
            start = draws.child(number)
            path = way.place.path(start)
            try:
                yield Attempt(path, self._maker(way, path, mode, steps, alone).instance(start))
            except Dead as failure:
                yield Attempt(path, reason=failure.reason)
                dead += 1
                if dead == 2:
                    return
            except Exhausted:
                yield Attempt(path, reason="nothing was found in the steps allowed")

    def bare(self, way: Way, draws: Draws) -> Attempt:
        """An attempt that leaves out everything else said at the place."""
        path = way.place.path(draws)
        try:
            return Attempt(path, self._maker(way, path, MODES[1], 400, True, {}).instance(draws))
        except (Dead, Exhausted):
            return Attempt(path, reason="nothing was found")

    def _patched(self, way: Way, base: Base, draws: Draws, steps: int, alone: bool) -> Attempt | None:
        path = tuple(token for token in way.place.tokens if not isinstance(token, Fresh))
        if len(path) < len(way.place.tokens) or path not in base.asked:
            return None
        try:
            part = lookup(base.value, path)
            if way.keyword == "required" and isinstance(part, dict) and way.case in part:
                part = {name: inner for name, inner in part.items() if name != way.case}
            else:
                part = self._maker(way, path, MODES[1], steps, alone).value(base.asked[path], draws, path)
        except (Dead, Exhausted, LookupError):
            return None
        return Attempt(path, replaced(base.value, path, part))

    def _maker(self, way: Way, path: Path, mode: Mode, steps: int, alone: bool, rest: Any = None) -> Steerer:
        straight = _BRANCHES.isdisjoint(way.pointer.split("/"))
        heights = self._expansion.heights
        toward = self._expansion if straight else Steered(self.references, heights, way.place, alone=alone)
        there = Steered(
            self.references, heights, way.place, way.left if rest is None else rest, way.alternatives, alone
        )
        spent = Mode(mode.optional, mode.nodes, mode.depth, steps, suggest=False)
        return Steerer(self.checks, toward, there, path, spent, self._sending)


def _size(part: dict[str, Any]) -> int:
    return max(int(part.get(word, 0)) for word in ("minItems", "minProperties", "minContains"))
