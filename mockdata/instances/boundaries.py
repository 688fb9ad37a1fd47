"""Valid instances in which a place sits at or just inside a limit, named."""

from __future__ import annotations

from typing import Any

from mockdata.instances.attempts import Attempt, Attempts, Base
from mockdata.instances.draws import Draws
from mockdata.instances.edges import edges
from mockdata.instances.named import Boundary, Refusal, Spot
from mockdata.instances.places import places
from mockdata.instances.suggestions import lookup
from mockdata.instances.telling import short
from mockdata.instances.verdict import pointer, summary
from mockdata.instances.ways import Way


class Boundaries:
    """The boundaries of one schema, tried when they are asked for. Safe to share between threads."""

    def __init__(self, attempts: Attempts) -> None:
        self._attempts = attempts
        self.ways: dict[Spot, Way] = {}
        for place in places(attempts.references):
            for way in edges(place):
                self.ways.setdefault(Spot(way.keyword, way.pointer, place.written, way.case), way)

    def made(self, spot: Spot, draws: Draws, base: Base | None = None) -> Boundary | Refusal:
        """A valid value at that boundary, made of `base` where that can be, or the reason why there is none."""
        way, reason = self.ways[spot], ""
        for attempt in self._attempts.of(way, draws, base, alone=False):
            reason = attempt.reason or self._fault(way, attempt)
            if not reason:
                part = lookup(attempt.value, attempt.path)
                return Boundary(attempt.value, way.keyword, way.pointer, pointer(attempt.path), _told(way, part))
        return Refusal(spot, reason)

    def _fault(self, way: Way, attempt: Attempt) -> str:
        errors = list(self._attempts.checks.whole.iter_errors(attempt.value))
        if errors:
            return f"it would violate {summary(errors)}"
        try:
            part = lookup(attempt.value, attempt.path)
        except LookupError:
            return "the place cannot be reached"
        met = all(self._attempts.checks.holds(demand, part) for demand in way.alternatives[0])
        return "" if met else "the value found lies elsewhere"


_SIZES = {"Length": "characters", "Items": "items", "Properties": "members"}


def _told(way: Way, part: Any) -> str:
    if way.keyword in ("properties", "items", "type"):
        return f"{way.keyword}: {way.case}"
    limit = way.place.schema.get(way.keyword)
    if way.keyword.endswith("Contains"):
        return f"{way.keyword} {limit}: {limit} such items of {len(part)}"
    what = f"{len(part)} {_SIZES[way.keyword[3:]]}" if way.keyword[3:] in _SIZES else short(part)
    shown = f" of {len(limit)}" if way.keyword == "enum" else f" {short(limit)}"
    return f"{way.keyword}{shown}: {what}, {way.case}"
