"""Two runs of one suite side by side: what was fixed, what broke, what wavers, what became slower. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from conformance.case import Outcome
from conformance.report import CaseReport, Report

BAD = frozenset({Outcome.FAIL, Outcome.WARN})
SLOWER = 1.5
"""How many times as long a case has to take before it counts as slower."""
NOTICEABLE = 200.0
"""Milliseconds below which a difference in time is noise."""


@dataclass(frozen=True, slots=True)
class Change:
    """One case that differs: its outcome and the app's milliseconds before and after (None: not in that run)."""

    case: str
    before: str | None
    after: str | None
    milliseconds: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What became of every case. `broken` alone is a regression; `undecided` cases show nothing in the later run."""

    fixed: tuple[Change, ...]
    broken: tuple[Change, ...]
    still: tuple[Change, ...]
    flaky: tuple[Change, ...]
    undecided: tuple[Change, ...]
    added: tuple[Change, ...]
    gone: tuple[Change, ...]
    slower: tuple[Change, ...]
    same_seeds: bool
    same_documents: bool

    def to_json(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)


def compare(before: Report, after: Report) -> Comparison:
    """What changed from one run to a later one. Raises ValueError for runs of two suites."""
    if before.suite != after.suite:
        raise ValueError(f"a run of {before.suite} and one of {after.suite} cannot be compared")
    old, new = ({case.case.id: case for case in report.cases} for report in (before, after))
    both = [(old[name], new[name]) for name in old if name in new]
    decided = [(a, b) for a, b in both if b.outcome not in (Outcome.INCONCLUSIVE, Outcome.ERROR)]
    worse = [(a, b) for a, b in decided if b.outcome in BAD and _grave(b) > (_grave(a) if a.outcome in BAD else 0)]
    return Comparison(
        fixed=_changes((a, b) for a, b in decided if a.outcome in BAD and _grave(b) < _grave(a)),
        broken=_changes(worse),
        still=_changes((a, b) for a, b in decided if a.outcome in BAD and b.outcome is a.outcome),
        flaky=_changes((a, b) for a, b in both if b.flaky or a.flaky),
        undecided=_changes((a, b) for a, b in both if (a, b) not in decided),
        added=_changes((None, new[name]) for name in new if name not in old),
        gone=_changes((old[name], None) for name in old if name not in new),
        slower=_changes(
            (a, b)
            for a, b in both
            if b.milliseconds > SLOWER * a.milliseconds and b.milliseconds - a.milliseconds > NOTICEABLE
        ),
        same_seeds=before.seeds is not None and before.seeds == after.seeds,
        same_documents=before.documents == after.documents,
    )


def _changes(pairs: Iterable[tuple[CaseReport | None, CaseReport | None]]) -> tuple[Change, ...]:
    return tuple(
        Change(
            (new or old).case.id,  # type: ignore[union-attr]
            old.outcome.value if old else None,
            new.outcome.value if new else None,
            (old.milliseconds if old else 0.0, new.milliseconds if new else 0.0),
        )
        for old, new in pairs
    )


def _grave(case: CaseReport) -> int:
    return {Outcome.WARN: 1, Outcome.FAIL: 2}.get(case.outcome, 0)
