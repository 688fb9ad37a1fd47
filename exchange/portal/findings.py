"""Findings beside the lines they speak of, and what each rule says in Chinese: findings themselves are English."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from specs.finding import Finding

AROUND = 1
"""Lines shown before and after the one a finding speaks of."""
LONGEST = 200
"""Characters of a line that are shown."""
MOST = 200
"""Findings shown one by one; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Some lines of a document, each with its number and whether it is the one meant, and what was found there. No
    lines: the findings have no place in the text."""

    lines: tuple[tuple[int, str, bool], ...]
    findings: tuple[Finding, ...]


def excerpts(document: bytes, findings: Iterable[Finding]) -> list[Excerpt]:
    """The first `MOST` findings in order of their lines, those without a line first."""
    codec = "utf-16" if document.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    # line ends as readers of YAML and JSON count them
    text = document.decode(codec, "replace").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    ordered = sorted(findings, key=lambda one: one.order[1:])[:MOST]
    return [
        Excerpt(_around(text, line), tuple(found))
        for line, found in groupby(ordered, lambda finding: finding.line or 0)
    ]


def _around(text: Sequence[str], line: int) -> tuple[tuple[int, str, bool], ...]:
    if not 1 <= line <= len(text):
        return ()
    shown = range(max(1, line - AROUND), min(len(text), line + AROUND) + 1)
    return tuple((number, _cut(text[number - 1]), number == line) for number in shown)


def _cut(line: str) -> str:
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}…"


def _read() -> dict[str, str]:
    rows = (Path(__file__).parent / "rules.zh_CN.txt").read_text(encoding="utf-8").splitlines()
    return dict(row.split(" ", 1) for row in rows if row)


CHINESE = _read()
"""Rule → what it asks for, in Chinese. A rule without words here speaks English."""
