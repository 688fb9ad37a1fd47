"""Earlier states of a sandbox, for answers that are meant to be stale."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

from mockdata.sandbox.behaviour import Behaviour
from mockdata.sandbox.clock import ClockError, Duration
from mockdata.sandbox.facts import Facts
from mockdata.sandbox.faults import Stale
from mockdata.sandbox.messages import Request, Response
from mockdata.sandbox.overlay import Overlay, Snapshot
from mockdata.sandbox.requests import Parsed
from mockdata.sandbox.routing import Match

POINTS = 32
"""States kept over the longest lag: a stale answer is at most a 32nd of the lag fresher than asked for."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What was written at one moment of the sandbox's clock."""

    at: datetime
    snapshot: Snapshot


class Past:
    """The moments of one sandbox: named snapshots, and the changes since a lag was asked for."""

    def __init__(self, overlay: Overlay, seed: int | str, facts_at: Callable[[date, Overlay], Facts]) -> None:
        """`facts_at` gives the facts of a day seen through an overlay."""
        self.overlay, self.seed = overlay, seed
        self.named: dict[str, Moment] = {}
        self._facts_at = facts_at
        self._noted: list[Moment] = []
        self._writes = -1
        self._twins: dict[str, tuple[Moment, Overlay, Behaviour]] = {}

    def note(self, now: datetime, lag: Duration) -> None:
        """Remember the state now, if it changed. Called before and after every call while a lag is in force."""
        if self.overlay.writes == self._writes:
            return
        self._writes = self.overlay.writes
        made = Moment(now, self.overlay.snapshot())
        if self._noted and now < self._noted[-1].at:  # the clock was set back
            self._noted = []
        if self._noted and len(self._noted) > 1 and now - self._noted[-1].at < self._step(now, lag):
            made = Moment(self._noted[-1].at, made.snapshot)
            self._noted.pop()
        self._noted.append(made)
        keep = bisect_right([one.at for one in self._noted], lag.before(now)) - 1
        del self._noted[: max(0, keep)]

    def forget(self) -> None:
        """Drop what was noted: no lag is in force."""
        self._noted, self._writes = [], -1
        self._twins = {}

    def respond(self, stale: Stale, now: datetime, request: Request, found: Match) -> tuple[Response, Parsed] | None:
        """The answer as of an earlier state; None when there is none, or the call writes: writing is never stale."""
        moment = self._moment(stale, now)
        if moment is None:
            return None
        interface = found.route.interface
        held = self._twins.get(interface.id)
        if held is None or held[0].snapshot is not moment.snapshot or held[0].at.date() != moment.at.date():
            overlay = Overlay()
            overlay.restore(moment.snapshot)
            facts = self._facts_at(moment.at.date(), overlay)
            behaviour = Behaviour(interface, facts, overlay, self.seed, lambda: self._twins[interface.id][0].at)
            held = (moment, overlay, behaviour)
        self._twins[interface.id] = (moment, held[1], held[2])
        before = held[1].changes
        answered = held[2].respond(request, found)
        if held[1].changes != before:
            del self._twins[interface.id]
            return None
        return answered

    def _moment(self, stale: Stale, now: datetime) -> Moment | None:
        if stale.snapshot is not None:
            return self.named.get(stale.snapshot)
        assert stale.lag is not None
        try:
            then = stale.lag.before(now)
        except ClockError:
            return None
        place = bisect_right([one.at for one in self._noted], then)
        if not self._noted:
            return None
        state = self._noted[max(0, place - 1)]
        return Moment(then, state.snapshot)

    @staticmethod
    def _step(now: datetime, lag: Duration) -> timedelta:
        return (now - lag.before(now)) / POINTS


def told_of(population: Any, day: date) -> Any:
    """The same people told of another day, as near to it as a population can be; None stays None."""
    from mockdata.population import Population
    from mockdata.population.ages import BASE
    from mockdata.population.lives import HORIZON

    if not isinstance(population, Population):
        return population
    near = min(max(day, BASE), HORIZON)
    return population if near == population.as_of else _told(population, near)


@lru_cache(maxsize=16)  # sandboxes of one country on one day share it
def _told(population: Any, near: date) -> Any:
    from mockdata.population import Population

    made = Population(population.seed, population.size, near, population.identifiers, population.scenarios)
    department = population.world.department
    return made.seen_by(department) if department else made


def latest(lags: list[Duration], now: datetime) -> Duration | None:
    """The longest of some lags."""
    return min(lags, key=lambda lag: lag.before(now)) if lags else None
