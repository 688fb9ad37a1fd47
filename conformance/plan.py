"""Which cases a run puts to the app, and in which order."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches
from typing import Any

from conformance.case import Case
from conformance.suites.suite import Suite


class PlanError(ValueError):
    """A case was asked for that the suite does not have; the message names near ones."""


RESTARTS = frozenset({"fault.restart"})
"""Cases that need somebody to restart the app."""


def plan(
    suite: Suite[Any], *, quick: bool = False, only: Collection[str] = (), restarts: bool = False
) -> tuple[Case, ...]:
    """The cases in the suite's order, observations last.

    `quick` leaves out the slow ones; `only` keeps the named cases and the positive controls they rest on. An
    observation asked for alone brings every case with it, for it judges what the others set off. Cases that restart
    the app are left out unless it `restarts`.
    """
    known = {case.id: case for case in suite.cases}
    for name in only:
        if name not in known:
            near = get_close_matches(name, known, n=3) or sorted(known)[:3]
            raise PlanError(f"suite {suite.name} has no case {name!r}; near: {', '.join(near)}")
    wanted = set(only)
    if not wanted or wanted & set(suite.observations):
        wanted |= set(known) if not wanted else set(suite.scripts)
    wanted |= {control for name in wanted if (control := known[name].control)}
    if not restarts:
        wanted -= RESTARTS - set(only)
    chosen = [case for case in suite.cases if case.id in wanted and (case.quick or not quick or case.id in only)]
    return tuple(sorted(chosen, key=lambda case: case.id in suite.observations))
