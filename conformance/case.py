"""What a case is: one promise of the matter, put to the running app once per seed.

Values only. A `Case` names the requirements it verifies; running it gives a `CaseRun` per seed; the runs of
one case together give its outcome. Everything here is frozen, so a report can be compared and hashed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Text = Mapping[str, str]
"""A sentence for people: {"zh_CN": …, "en": …}."""


class Outcome(StrEnum):
    """What one case says about the app.

    INCONCLUSIVE (rate limit, unreachable app, failed positive control) and ERROR (our own fault) never count
    against the app; they only mean that nothing was shown.
    """

    PASS = "PASS"
    WARN = "WARN"
    INCONCLUSIVE = "INCONCLUSIVE"
    ERROR = "ERROR"
    FAIL = "FAIL"


# From harmless to grave: the graver of two seeds' outcomes is the outcome of the case.
GRAVITY: tuple[Outcome, ...] = (
    Outcome.PASS,
    Outcome.WARN,
    Outcome.INCONCLUSIVE,
    Outcome.ERROR,
    Outcome.FAIL,
)


class Kind(StrEnum):
    """Why a case exists; the report groups by it."""

    POSITIVE = "positive"
    NEGATIVE = "negative"
    BOUNDARY = "boundary"
    COMPLETENESS = "completeness"
    METAMORPHIC = "metamorphic"
    FAULT = "fault"
    ACCESS = "access"
    CONTRACT = "contract"
    OBSERVATION = "observation"


@dataclass(frozen=True, slots=True)
class Requirement:
    """One promise with the law it comes from; cases point at it by id. `rule`: it is a rule of the matter itself."""

    id: str
    title: Text
    law: Text
    rule: bool = False


@dataclass(frozen=True, slots=True)
class Case:
    """One case of a suite.

    `control` is the id of the positive case that proves a refusal is about the tested condition and not about
    something else: when the control did not pass, a passing negative is worth nothing. `every_seed` is false for
    cases whose input does not come from the population.
    """

    id: str
    title: Text
    kind: Kind
    requirements: tuple[str, ...]
    control: str | None = None
    quick: bool = True
    every_seed: bool = True


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing a check found wrong: which check, what was expected and why, what came.

    `requirements` are the ones it breaks; `seen_in` the case in which it was seen, when an observation over the
    whole run found it.
    """

    check: str
    outcome: Outcome
    requirements: tuple[str, ...]
    expected: Text
    got: Text
    seen_in: str = ""


@dataclass(frozen=True, slots=True)
class DepartmentCall:
    """A call of the app to a department, as the gateway recorded it. `fields` are the answer's fields it read.

    `query`, `matter` (the app's handled-matter id) and `key` (the idempotency key) are as sent: with them and the
    launch the call can be made again. `heard` is false when the answer never reached the app (late or cut off).
    """

    interface: str
    operation: str
    method: str
    path: str
    status: int
    fields: tuple[str, ...] = ()
    request: Any = None
    query: str = ""
    matter: str | None = None
    key: str | None = None
    heard: bool = True


@dataclass(frozen=True, slots=True)
class Expected:
    """What had to be answered, from the data: `failed` and `notices` are rule ids, `missing` JSON pointers."""

    state: str
    failed: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Turn:
    """One request to the app and its answer, with the `curl` line that repeats it.

    `calls` is how many of the run's department calls it set off, in order; `expected` what followed from the data,
    None where no answer was foretold; `headers` what came with the answer (names in lower case), but for what
    belongs to the connection.
    """

    method: str
    path: str
    status: int
    answer: Any
    curl: str
    milliseconds: float = 0.0
    expected: Expected | None = None
    calls: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CaseRun:
    """One case on one seed."""

    outcome: Outcome
    problems: tuple[Problem, ...] = ()
    subject: Text = field(default_factory=dict)
    turns: tuple[Turn, ...] = ()
    calls: tuple[DepartmentCall, ...] = ()
    note: Text = field(default_factory=dict)


def told(words: str | Text) -> Text:
    """Words for people in both languages; plain text (a status, a quotation) reads the same in both."""
    return {"zh_CN": words, "en": words} if isinstance(words, str) else words


def gravest(outcomes: Iterable[Outcome]) -> Outcome:
    """The outcome that decides; PASS for none."""
    return max(outcomes, key=GRAVITY.index, default=Outcome.PASS)
