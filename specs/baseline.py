"""Findings that are known and left alone: old documents are linted for what is new in them."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from specs.finding import Finding, Severity, SpecError


def fingerprint(finding: Finding) -> str:
    """What stays the same when lines move: rule, file name, pointer, and the message without its numbers."""
    said = re.sub(r"\d+", "#", " ".join(finding.message.split()))
    text = "\0".join((finding.rule, PurePath(finding.file.replace("\\", "/")).name, finding.pointer, said))
    return hashlib.sha256(text.encode()).hexdigest()[:24]


@dataclass(frozen=True, slots=True)
class Compared:
    """`fresh`: findings the baseline does not know; `known`: how many it does; `stale`: entries nothing matches any
    more, which may be taken out."""

    fresh: tuple[Finding, ...]
    known: int
    stale: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Baseline:
    """`entries`: (fingerprint, what it was) in file order; the same finding twice stands twice."""

    entries: tuple[tuple[str, str], ...] = ()

    def compare(self, findings: Iterable[Finding]) -> Compared:
        """Tell new findings from known ones; each entry excuses one finding."""
        left = Counter(mark for mark, _ in self.entries)
        fresh, known = [], 0
        for finding in findings:
            mark = fingerprint(finding)
            if left[mark] > 0:
                left[mark] -= 1
                known += 1
            else:
                fresh.append(finding)
        stale = []
        for mark, what in reversed(self.entries):
            if left[mark] > 0:
                left[mark] -= 1
                stale.append(what)
        return Compared(tuple(fresh), known, tuple(reversed(stale)))


def baseline(findings: Iterable[Finding]) -> Baseline:
    """The baseline that knows exactly these findings."""
    return Baseline(tuple((fingerprint(f), f"{f.rule} {f.file} {f.pointer}".strip()) for f in findings))


def read(path: Path) -> Baseline:
    """A baseline from its file. Raises SpecError when it is none."""
    try:
        value: Any = json.loads(path.read_text(encoding="utf-8"))
        entries = tuple((str(one["fingerprint"]), str(one["what"])) for one in value["findings"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        said = error.strerror if isinstance(error, OSError) and error.strerror else "it is no baseline"
        hint = "write one with --write-baseline"
        raise SpecError(
            [Finding("baseline", Severity.ERROR, f"cannot be used: {said}", str(path), hint=hint)]
        ) from None
    return Baseline(entries)


def text(of: Baseline) -> str:
    """The file's text: one finding a line, so that a change of it reads well."""
    rows = ",\n".join(
        "  " + json.dumps({"fingerprint": mark, "what": what}, ensure_ascii=False) for mark, what in of.entries
    )
    return f'{{"version": 1, "findings": [\n{rows}\n]}}\n' if rows else '{"version": 1, "findings": []}\n'
