"""The report of a run: frozen values, to JSON and back without loss.

A report of a graded run never holds the seeds, only their commitment; `reveal` puts them in after the
certificate's expiry, `hide` takes them out again, and `digest` names the hidden form, which is what a certificate
binds. `stable` is the part that two runs with the same seed against the same app share.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import types
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from conformance.case import Case, CaseRun, Outcome, Problem, Requirement, Text, gravest

DECIDED = frozenset({Outcome.PASS, Outcome.WARN, Outcome.FAIL})
"""Outcomes that say something about the app."""
FORMAT = "https://tongban.dev/conformance-report/v1"
V = TypeVar("V")


class ReportError(ValueError):
    """A JSON document that is no report; the message names the place."""


@dataclass(frozen=True, slots=True)
class CaseReport:
    """One case over all seeds.

    `flaky`: the seeds disagree about the app, so the graver outcome counts and the report says so. A seed on which
    nothing was shown disagrees with nobody.
    """

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
        return len({run.outcome for run in self.runs} & DECIDED) > 1

    @property
    def milliseconds(self) -> float:
        """How long the app took over all requests of the case."""
        return round(sum(turn.milliseconds for run in self.runs for turn in run.turns), 1)


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


def hide(report: Report) -> Report:
    """The same report without its seeds."""
    return dataclasses.replace(report, seeds=None, nonce=None)


def digest(report: Report) -> str:
    """sha256 (hex) of the report's hidden form as JSON: what a certificate binds, and a reveal does not change."""
    text = json.dumps(to_json(hide(report)), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


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
    """The report without what belongs to one run: moments, ports, the app's ids, tokens, keys, nonce, headers.

    Equal for equal seeds and equal apps.
    """
    document = to_json(report)
    for name in ("started", "finished", "commitment", "nonce"):
        document[name] = ""
    ids: dict[str, None] = {}
    keys: dict[str, None] = {}
    for case in document["cases"]:
        for run in case["runs"]:
            for turn in run["turns"]:
                turn["milliseconds"], turn["headers"] = 0, {}
                answer = turn["answer"]
                if isinstance(answer, dict) and isinstance(answer.get("id"), str) and answer["id"]:
                    ids[answer["id"]] = None
            run["calls"] = _settled(run)
            ids |= dict.fromkeys(call["matter"] for call in run["calls"] if call["matter"])
            keys |= dict.fromkeys(call["key"] for call in run["calls"] if call["key"])
    text = re.sub(r"(127\.0\.0\.1|localhost):\d+", r"\1:0", json.dumps(document, ensure_ascii=False))
    text = re.sub(r"(Authorization: Bearer |Idempotency-Key: )[\w.:-]+", r"\1…", text)
    text = unsigned(text)
    text = re.sub(r"(p\d\d) \d+ ms", r"\1", text)
    text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", "", text)
    names = {name: f"key-{position}" for position, name in enumerate(keys)}
    names |= {name: f"handled-matter-{position}" for position, name in enumerate(ids)}
    result: dict[str, Any] = _renamed(json.loads(text), names)
    return result


def unsigned(text: str) -> str:
    """An address without the token a case put into its query."""
    return re.sub(r"([?&](?:access_token|token|Authorization)=)[\w.:-]+", r"\1…", text)


def _renamed(document: Any, names: Mapping[str, str]) -> Any:
    """The document with these words renamed wherever they stand alone in a text (an id may be as short as "7")."""
    if not names:
        return document
    either = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    words = re.compile(rf"(?<![\w.:-])(?:{either})(?![\w.:-])")

    def renamed(value: Any) -> Any:
        if isinstance(value, str):
            return words.sub(lambda found: names[found[0]], value)
        if isinstance(value, dict):
            return {name: renamed(item) for name, item in value.items()}
        return [renamed(item) for item in value] if isinstance(value, list) else value

    return renamed(document)


def _settled(run: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The department calls with those one request set off at once in an order of their own, whoever came first."""
    calls, start = [], 0
    for size in [*(turn["calls"] for turn in run["turns"]), len(run["calls"])]:
        calls += sorted(run["calls"][start : start + size], key=_call)
        start += size
    return calls


def _call(call: Mapping[str, Any]) -> str:
    return json.dumps([call[name] for name in ("interface", "operation", "path", "query", "request", "status")])


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
