"""When a step counts as done: criteria compared as sets of conditions that must all hold."""

from __future__ import annotations

import re
from collections.abc import Iterable

from specs.diff.change import Side
from specs.diff.report import Node, Report
from specs.process import Criterion

_SIDE = Side.REQUEST
_TEXT = re.compile(r"('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")")


def compare(
    report: Report, node: Node, step: str, old: Iterable[Criterion], new: Iterable[Criterion], at: tuple[str, str]
) -> None:
    """A condition that must hold too tightens, one less loosens; `a || b` is looser than `a`."""
    ours, theirs = (dict.fromkeys(map(_choices, many)) for many in (old, new))
    more = [one for one in theirs if not any(known <= one for known in ours)]
    less = [one for one in ours if not any(one >= now for now in theirs)]
    if more:
        said = f"{step}: {_said(more)} must hold" + (f" instead of {_said(less)}" if less else " too")
        report.add(node, "criteria-tightened", _SIDE, said, *at)
    elif ours.keys() != theirs.keys():
        loose = [one for one in ours if one not in theirs]
        report.add(node, "criteria-loosened", _SIDE, f"{step}: it is done without {_said(loose)}", *at)


def _choices(one: Criterion) -> frozenset[tuple[str, str, str]]:
    """The alternatives of which one must hold, without regard to spaces outside of texts."""
    parts = [one.condition] if one.type != "simple" or "(" in one.condition or "&&" in one.condition else None
    parts = parts or _apart(one.condition)
    return frozenset((one.type, one.context or "", _tight(part) if one.type == "simple" else part) for part in parts)


def _apart(condition: str) -> list[str]:
    """The condition cut at every || outside of texts."""
    made = [""]
    for index, piece in enumerate(_TEXT.split(condition)):
        first, *others = [piece] if index % 2 else piece.split("||")
        made[-1] += first
        made += others
    return made


def _tight(condition: str) -> str:
    pieces = _TEXT.split(condition)
    return "".join(piece if index % 2 else re.sub(r"\s+", "", piece) for index, piece in enumerate(pieces))


def _said(many: Iterable[frozenset[tuple[str, str, str]]]) -> str:
    return ", ".join(" || ".join(sorted(condition for _, _, condition in one)) for one in many)
