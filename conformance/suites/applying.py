"""The process as it is for one application: which steps it has, what they may read, whom each of them asks about.

A step with a condition (`when` in matter.yaml) is part of the process only for applications for which the condition
holds; whom a step asks about (`about`) tells it from others that call the same operation, and from asking about
somebody else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from conformance import expressions
from conformance.oracle import COMPLETED, Expectation, OracleError
from conformance.stage import Episode
from conformance.suites.suite import Suite
from conformance.workflow import Order


def applied(suite: Suite[Any], expectation: Expectation, facts: Mapping[str, Any]) -> Expectation:
    """The expectation with the steps the process has for its application, resting on what these steps read.

    The checks of every stage of rules that is judged, and the writes when nothing bars them, each where its condition
    holds. Raises `OracleError` for a condition that cannot be evaluated.
    """
    due = {step for calls in suite.calls[: expectation.stage + 1] for step in calls}
    writing = expectation.state == COMPLETED
    try:
        steps = frozenset(
            step.id
            for step in suite.steps
            if (step.id in due or (writing and step.writes))
            and (step.when is None or expressions.holds(step.when, facts))
        )
    except expressions.ExpressionError as error:
        raise OracleError(f"the condition of a step: {error}") from None
    reads = {(s.interface, s.operation, name) for s in suite.steps if s.id in steps for name in s.reads}
    grounds = tuple(g for g in expectation.grounds if (g.interface, g.operation, g.field) in reads)
    return replace(expectation, steps=steps, grounds=grounds)


def telling(suite: Suite[Any], application: Any) -> Order:
    """The order of all steps, those that ask about a person of the application told by that person's number."""
    about = {step.id: step.about for step in suite.steps}
    return suite.order.telling(
        lambda name: {
            field: [value for place in places for value in _at(application, place[1:].split("/"))]
            for field, places in about[name].items()
        }
    )


def process_of(suite: Suite[Any], application: Any, steps: frozenset[str]) -> Order:
    """The order of an application that has these steps; steps without a condition always count."""
    kept = {step.id for step in suite.steps if step.when is None or step.id in steps}
    return telling(suite, application).among(kept)


def unconditional(suite: Suite[Any]) -> Order:
    """The order that holds for every application: of steps with a condition nothing is known."""
    free = {step.id for step in suite.steps if step.when is None}
    nodes = suite.order.nodes
    return Order(
        {n: replace(node, needs=tuple(need for need in node.needs if need in free)) for n, node in nodes.items()}
    )


def applications(episodes: Iterable[Episode]) -> dict[str, Mapping[str, Any]]:
    """Launch → the first application submitted under it."""
    found: dict[str, Mapping[str, Any]] = {}
    for episode in episodes:
        if episode.operation == "submitHandledMatter" and isinstance(episode.ask.body, Mapping):
            found.setdefault(episode.launch, episode.ask.body)
    return found


def _at(document: Any, way: Sequence[str]) -> Iterator[Any]:
    """What stands at a place of an application, `*` meaning every element of a list."""
    if not way:
        yield document
    elif way[0] == "*":
        for element in document if isinstance(document, list) else ():
            yield from _at(element, way[1:])
    elif isinstance(document, Mapping) and way[0] in document:
        yield from _at(document[way[0]], way[1:])
