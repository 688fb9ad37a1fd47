"""What a suite knows of one hidden country: whom its cases are about, and the right answers."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, Self

from conformance.case import Text
from conformance.gateway import Gateway
from conformance.observe import Inquiry, subject
from conformance.oracle import Expectation, OracleError, expect
from conformance.subjects import NoSubject
from conformance.suites.applying import applied
from conformance.suites.suite import Suite
from mockdata.population import Population
from specs.check_digits import citizen_check


class World(ABC):
    """One hidden country seen by one matter; `today` is the virtual day of handling.

    A matter says how an application is made and what the departments know about it; the cases every matter has
    (`conformance.suites.general`) need no more than that.
    """

    def __init__(self, suite: Suite[Self], gateway: Gateway, population: Population, seed: str, today: date) -> None:
        self.suite, self.gateway, self.population = suite, gateway, population
        self.seed, self.today = seed, today
        self.ignored: frozenset[str] = frozenset()
        """Rules the app has not minded in their own cases."""
        self._answers: dict[str, Any] = {}
        self._believed: Mapping[str, Mapping[str, Any]] = {}
        self.heard: list[tuple[Inquiry, Any]] = []
        """What the latest expectation was learnt from: each question with its answer."""

    # -- what a matter says --------------------------------------------------------------------------------

    @abstractmethod
    def application(self, label: str) -> dict[str, Any]:
        """A complete application that meets every rule, about subjects that belong to `label` alone."""

    @abstractmethod
    def refusable(self, label: str, variant: int = 0) -> tuple[dict[str, Any], frozenset[str]]:
        """An application that is refused after the checks, so that nothing is written, and the rules it breaks.

        Another `variant` is another application of the same label that breaks the same rules.
        """

    @abstractmethod
    def facts(self, application: Mapping[str, Any]) -> Mapping[str, Any]:
        """Variables of the rules that come from the application alone."""

    @abstractmethod
    def learn(self, application: Mapping[str, Any]) -> Mapping[str, Any]:
        """Variables of the rules that departments know; `ask` asks them."""

    @abstractmethod
    def describe(self, application: Mapping[str, Any]) -> Text:
        """Whom an application is about, in one line for people."""

    # -- what follows ----------------------------------------------------------------------------------------

    def expect(self, application: Mapping[str, Any]) -> Expectation:
        """What must be answered to an application, from the data."""
        facts = {"today": self.today.isoformat(), "settings": dict(self.suite.settings), **self.facts(application)}
        learned: dict[str, Any] = {}

        def learn() -> Mapping[str, Any]:
            learned.update(self.learn(application))
            return learned

        self.heard = []
        found = expect(self.suite.rules, self.suite.stages, application, facts, learn)
        found = applied(self.suite, found, {**facts, **learned, "application": application})
        return replace(found, inquiries=tuple(inquiry for inquiry, _ in self.heard))

    @contextmanager
    def believing(self, facts: Mapping[str, Mapping[str, Any]]) -> Iterator[None]:
        """While it lasts departments say otherwise: `interface#operation` → field → value, as a launch may be told."""
        self._believed, before = facts, self._believed
        try:
            yield
        finally:
            self._believed = before

    def days_old(self, days: int) -> date:
        """The day so many days before today."""
        return self.today - timedelta(days=days)

    def nobodys(self, number: str) -> str:
        """A well-formed citizen number like this one that nobody has."""
        for sequence in range(999, 0, -1):
            if sequence % 2 == int(number[16]) % 2:
                body = number[:14] + f"{sequence:03d}"
                candidate = body + citizen_check(body)
                if self.population.index_of([candidate])[0] < 0:
                    return candidate
        raise NoSubject(f"every number of {number[:6]} on {number[6:14]} is somebody's")

    def ask(self, interface: str, method: str, path: str, body: Any, *, anew: bool = False) -> Any:
        """What a department answers, None for a 404; asked once, or `anew` where it changes. Raises `OracleError`."""
        name = json.dumps([interface, path, body], sort_keys=True)
        if anew or name not in self._answers:
            self._answers[name] = self._asked(interface, method, path, body)
        answer, operation = self._answers[name], self.gateway.operation(interface, method, path)
        told = self._believed.get(f"{interface}#{operation}", {})
        if isinstance(answer, Mapping):
            answer = {**answer, **{field: value for field, value in told.items() if field in answer}}
        self.heard.append((Inquiry(interface, operation, subject(path, body)), answer))
        return answer

    def _asked(self, interface: str, method: str, path: str, body: Any) -> Any:
        status, answer = self.gateway.ask(interface, method, path, body)
        if status == 404:
            return None
        if status != 200:
            raise OracleError(f"{interface}{path} answers {status}: {answer}")
        return answer
