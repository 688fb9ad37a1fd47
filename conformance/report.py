"""The report of a run: frozen values, to JSON and back without loss.

A report of a graded run never holds the seeds, only their commitment; `reveal` puts them in after the
certificate's expiry. `stable` is the part that two runs with the same seed against the same app share.
"""

from __future__ import annotations

import dataclasses
import json
import re
import types
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from conformance.case import Case, CaseRun, Outcome, Problem, Requirement, Text, gravest

FORMAT = "https://tongban.dev/conformance-report/v1"
V = TypeVar("V")


class ReportError(ValueError):
    """A JSON document that is no report; the message names the place."""


@dataclass(frozen=True, slots=True)
class CaseReport:
    """One case over all seeds. `flaky`: the seeds disagree, so the graver outcome counts and it says so."""

    case: Case
    runs: tuple[CaseRun, ...]
    reproduce: str = ""

    @property
    def outcome(self) -> Outcome:
        return gravest(run.outcome for run in self.runs) if self.runs else Outcome.INCONCLUSIVE

    def problems(self) -> tuple[Problem, ...]:
        """Everything found over all seeds."""
        return tuple(problem for run in self.runs for problem in run.problems)

    @property
    def flaky(self) -> bool:
        return len({run.outcome for run in self.runs}) > 1


@dataclass(frozen=True, slots=True)
class Reading:
    """What the app read from one department operation over the whole run, against what the matter needs."""

    interface: str
    operation: str
    calls: int
    needed: tuple[str, ...]
    read: tuple[str, ...]
    unneeded: tuple[str, ...]
    in_process: bool


@dataclass(frozen=True, slots=True)
class Coverage:
    """What the suite did not look at: printed with the grade, because silence is not success."""

    requirements_untested: tuple[str, ...] = ()
    app_operations: tuple[str, ...] = ()
    app_operations_untested: tuple[str, ...] = ()
    department_operations: tuple[str, ...] = ()
    department_operations_untouched: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """One conformance run of one app.

    `documents` maps every document the verdict rests on to its sha256; `seeds` and `nonce` are None while the
    run is hidden; times are ISO 8601 in UTC.
    """

    suite: str
    suite_version: str
    title: Text
    app: str
    commitment: str
    started: str
    finished: str
    today: str
    quick: bool
    requirements: tuple[Requirement, ...]
    cases: tuple[CaseReport, ...]
    readings: tuple[Reading, ...] = ()
    coverage: Coverage = field(default_factory=Coverage)
    documents: Mapping[str, str] = field(default_factory=dict)
    seeds: tuple[str, ...] | None = None
    nonce: str | None = None
    requests: int = 0
    notes: tuple[Text, ...] = ()
    format: str = FORMAT

    def counts(self) -> dict[str, int]:
        """Cases per outcome, every outcome named."""
        tally = {outcome.value: 0 for outcome in Outcome}
        for case in self.cases:
            tally[case.outcome.value] += 1
        return tally

    @property
    def failing(self) -> tuple[str, ...]:
        """The ids of the cases that failed."""
        return tuple(case.case.id for case in self.cases if case.outcome is Outcome.FAIL)

    def case(self, case_id: str) -> CaseReport:
        """The case with this id; KeyError when the run had none."""
        for case in self.cases:
            if case.case.id == case_id:
                return case
        raise KeyError(case_id)

    def requirement(self, requirement_id: str) -> Outcome | None:
        """What the run says about a requirement; None when no case verified it.

        Problems name the requirements they break, so a case that verifies two and breaks one speaks against
        that one only. A case that showed nothing leaves its requirements undecided unless another failed.
        """
        verified = [c for c in self.cases if requirement_id in c.case.requirements]
        said = [p.outcome for c in self.cases for p in c.problems() if requirement_id in p.requirements]
        silent = [c.outcome for c in verified if c.outcome in (Outcome.INCONCLUSIVE, Outcome.ERROR)]
        return gravest([Outcome.PASS, *said, *silent]) if verified or said else None


def reveal(report: Report, seeds: tuple[str, ...], nonce: str) -> Report:
    """The same report with its seeds opened (after expiry, or at once for a practice run)."""
    return dataclasses.replace(report, seeds=seeds, nonce=nonce)


def to_json(report: Report) -> dict[str, Any]:
    """A JSON-ready dict with everything the report holds, plus the derived outcomes for readers."""
    document = _plain(report)
    for case, plain in zip(report.cases, document["cases"], strict=True):
        plain["outcome"], plain["flaky"] = case.outcome.value, case.flaky
    document["counts"] = report.counts()
    assert isinstance(document, dict)
    return document


def from_json(document: Mapping[str, Any]) -> Report:
    """The report a JSON document holds; raises `ReportError`."""
    if document.get("format") != FORMAT:
        raise ReportError(f"not a conformance report: format is {document.get('format')!r}, not {FORMAT!r}")
    return _build(Report, document, "")


def stable(report: Report) -> dict[str, Any]:
    """The report without what belongs to one run: moments, ports, the app's ids, tokens, keys, nonce.

    Equal for equal seeds and equal apps.
    """
    document = to_json(report)
    for name in ("started", "finished", "commitment", "nonce"):
        document[name] = ""
    ids: list[str] = []
    for case in document["cases"]:
        for run in case["runs"]:
            for turn in run["turns"]:
                turn["milliseconds"] = 0
                answer = turn["answer"]
                if isinstance(answer, dict) and isinstance(answer.get("id"), str) and answer["id"] not in ids:
                    ids.append(answer["id"])
    text = re.sub(r"(127\.0\.0\.1|localhost):\d+", r"\1:0", json.dumps(document, ensure_ascii=False))
    text = re.sub(r"(Authorization: Bearer |Idempotency-Key: )[\w.:-]+", r"\1…", text)
    text = re.sub(r"(p\d\d) \d+ ms", r"\1", text)
    text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", "", text)
    for position, name in enumerate(ids):
        text = text.replace(name, f"handled-matter-{position}")
    result: dict[str, Any] = json.loads(text)
    return result


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def _build(kind: type[V], document: Any, place: str) -> V:
    if not isinstance(document, Mapping):
        raise ReportError(f"{place or '/'}: an object is needed")
    hints = get_type_hints(kind)
    values: dict[str, Any] = {}
    for item in dataclasses.fields(kind):  # type: ignore[arg-type]
        if item.name in document:
            values[item.name] = _value(hints[item.name], document[item.name], f"{place}/{item.name}")
        elif item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING:
            raise ReportError(f"{place}/{item.name}: missing")
    return kind(**values)


def _value(hint: Any, value: Any, place: str) -> Any:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        if value is None:
            return None
        return _value(next(a for a in arguments if a is not type(None)), value, place)
    if origin is tuple:
        if not isinstance(value, list):
            raise ReportError(f"{place}: a list is needed")
        return tuple(_value(arguments[0], item, f"{place}/{i}") for i, item in enumerate(value))
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return _build(hint, value, place)
    if isinstance(hint, type) and issubclass(hint, Enum):
        try:
            return hint(value)
        except ValueError:
            raise ReportError(f"{place}: {value!r} is none of {[e.value for e in hint]}") from None
    if hint is Any or origin is not None:
        return value
    if hint is float and isinstance(value, int):
        return float(value)
    if isinstance(hint, type) and not isinstance(value, hint):
        raise ReportError(f"{place}: {type(value).__name__} instead of {hint.__name__}")
    return value
