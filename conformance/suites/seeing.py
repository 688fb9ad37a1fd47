"""What observations share: whom a sighting is told of, and the calls behind an answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from conformance.case import Outcome, Problem, Text, told
from conformance.observe import Recorded
from conformance.stage import Episode
from conformance.suites.suite import Sighting


def sighting(
    check: str,
    requirement: str,
    expected: Text,
    got: str | Text,
    episode: Episode | None,
    outcome: Outcome = Outcome.FAIL,
) -> Sighting:
    case = episode.case if episode else ""
    return Sighting(Problem(check, outcome, (requirement,), expected, told(got), case), episode)


def where(episodes: Sequence[Episode], item: Recorded) -> Episode | None:
    return next((e for e in episodes if any(item is call for call in e.calls)), None)


def recorded(episodes: Iterable[Episode]) -> list[Recorded]:
    return [item for episode in episodes for item in episode.calls]


def histories(episodes: Iterable[Episode]) -> Iterator[tuple[Episode, list[Recorded]]]:
    """Every answer about a handled matter of the citizen's own, with the calls made for it until then.

    Whether a stranger may see a matter is the access cases' business. Where the app names its handled matters
    to the departments, calls made for another one under the same launch are left out.
    """
    past: dict[str, list[Recorded]] = {}
    owner: dict[Any, str] = {}
    for episode in episodes:
        calls = past.setdefault(episode.launch, [])
        calls += episode.calls
        matter = episode.answer.get("id")
        if isinstance(matter, str):
            if owner.setdefault(matter, episode.launch) != episode.launch:
                continue
            if any(item.matter == matter for item in calls):
                calls = [item for item in calls if item.matter in (matter, None)]
        yield episode, list(calls)
