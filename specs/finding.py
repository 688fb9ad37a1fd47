"""What a reader or a lint rule has to say about one place of a document."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from specs.words import harmless


class Severity(StrEnum):
    """How bad a finding is. `ERROR` makes `tongban spec lint` fail and `read(strict=True)` refuse."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 for the gravest; sorts findings and compares them with a threshold."""
        return ("error", "warning", "info").index(self.value)


@dataclass(frozen=True, slots=True)
class Finding:
    """One observation at one place.

    `rule` is the id of the rule (see docs/lint-rules.md), `file` the name the document was read under,
    `pointer` an RFC 6901 JSON pointer ("" is the whole document), `line` and `column` count from 1 and are
    None when the place is not in a text (a file that could not be opened).
    """

    rule: str
    severity: Severity
    message: str
    file: str
    pointer: str = ""
    line: int | None = None
    column: int | None = None
    hint: str = ""

    def __str__(self) -> str:
        """One line: `file:line pointer message — hint`."""
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        parts = [place, self.pointer, " ".join(self.message.split())]
        sentence = " ".join(part for part in parts if part)
        return harmless(f"{sentence} — {' '.join(self.hint.split())}" if self.hint else sentence)

    def to_json(self) -> dict[str, Any]:
        """The finding as plain JSON; the same keys for every finding."""
        return {
            "rule": self.rule,
            "severity": self.severity.value,
            "message": self.message,
            "file": self.file,
            "pointer": self.pointer,
            "line": self.line,
            "column": self.column,
            "hint": self.hint,
        }

    @property
    def order(self) -> tuple[str, int, int, str, str]:
        """Sort key: file, then place, then rule."""
        return (self.file, self.line or 0, self.column or 0, self.pointer, self.rule)


class SpecError(Exception):
    """A document that cannot be used. `findings` says where and why; the text of the error is one line.

    Raised by `parse` and `read` when nothing sensible can be returned, and by `read(strict=True)` for every
    finding of severity error.
    """

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings: tuple[Finding, ...] = tuple(findings)
        if not self.findings:
            raise ValueError("a SpecError needs at least one finding")
        rest = len(self.findings) - 1
        super().__init__(f"{self.findings[0]}" + (f" (and {rest} more)" if rest else ""))


def unreadable(
    name: str, message: str, *, line: int | None = None, column: int | None = None, hint: str = ""
) -> SpecError:
    """The error of rule `unreadable`: nothing can be said about the document called `name` but this."""
    return SpecError([Finding("unreadable", Severity.ERROR, message, name, "", line, column, hint)])
