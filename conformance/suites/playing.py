"""How cases are played: the scripts of a suite, and what they share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from conformance.case import Text
from conformance.checks import judge, quote, rule_ids
from conformance.oracle import OracleError
from conformance.stage import Episode, Stage
from conformance.suites.world import World

W = TypeVar("W", bound=World)


class Scripts(Generic[W]):
    """The scripts of one module by case: ``@scripts("E3.divorced")`` plays that case with a function."""

    def __init__(self) -> None:
        self.by_case: dict[str, Callable[[Stage[W]], None]] = {}

    def __call__(self, *cases: str) -> Callable[[Callable[[Stage[W]], None]], Callable[[Stage[W]], None]]:
        """Play these cases with the function; it sees on its stage which one."""

        def register(function: Callable[[Stage[W]], None]) -> Callable[[Stage[W]], None]:
            self.by_case |= dict.fromkeys(cases, function)
            return function

        return register


def put(
    stage: Stage[W],
    application: Mapping[str, Any],
    intended: frozenset[str] | None,
    *,
    name: str = "citizen",
    launch: str | None = None,
    key: str | None = None,
    what: Text | None = None,
) -> Episode:
    """Submit an application and hold the answer against what follows from the data.

    `intended` are the rules the case means to break: when the oracle sees others the subject is wrong, which is
    our error and not the app's.
    """
    expectation = stage.world.expect(application)
    if intended is not None and expectation.failed != intended:
        raise OracleError(
            f"the subject was to break {sorted(intended) or 'nothing'}, but breaks {sorted(expectation.failed)}"
        )
    stage.subject = stage.subject or described(stage, application, what)
    launch = launch or stage.launch(name)
    episode = stage.submit(application, launch, key=key, expectation=expectation)
    if not judge(stage, episode) and intended and not intended & rule_ids(episode.answer):
        stage.world.ignored |= intended
    return episode


def rule_of(stage: Stage[W]) -> frozenset[str]:
    """The rule a case is called after: `E3.divorced` → E3."""
    return frozenset({stage.case.id.split(".")[0]})


def refused(stage: Stage[W], episode: Episode, status: int, expected: Text, also: int | None = None) -> bool:
    """Whether a request was turned down as documented, without asking any department."""
    wrong = episode.reply.status not in (status, also)
    asked = [item.call for item in episode.calls]
    if wrong or asked:
        got = f"HTTP {episode.reply.status} {quote(episode.turn.answer)}"
        stage.problem(
            "refused",
            expected,
            got + (f", and called {asked[0].interface}#{asked[0].operation}" if asked else ""),
        )
    return not (wrong or asked)


def described(stage: Stage[W], application: Mapping[str, Any], what: Text | None = None) -> Text:
    """Whom an application is about, and what is particular about it."""
    told = stage.world.describe(application)
    return {language: f"{words}；{what[language]}" if what else words for language, words in told.items()}


def written(stage: Stage[W]) -> frozenset[str]:
    """The steps that change something."""
    nodes = stage.suite.order.nodes.values()
    return frozenset(node.id for node in nodes if (node.interface, node.operation) in stage.suite.writes)


def results_of(stage: Stage[W], steps: list[str]) -> set[str]:
    """The results these steps give."""
    return {name for name, (step, _) in stage.suite.results.items() if step in steps}
