"""What importers have to say: things they could not take over, and decisions only a person can make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from specs.finding import Finding, Severity, SpecError

POINTS: Mapping[str, tuple[Severity, str]] = {
    "import-unreadable": (Severity.ERROR, "Nothing of the file can be read, or nothing in it describes data."),
    "import-lost": (Severity.ERROR, "Something of the file could not be taken over; it is not in the draft."),
    "import-skipped": (Severity.INFO, "A sheet, row or statement that says nothing a contract holds was passed over."),
    "import-kept": (Severity.INFO, "A column of the sheet has no place in the standard; it is kept as it is."),
    "import-hidden": (Severity.INFO, "Hidden rows or columns were taken over like the others: do they belong?"),
    "import-odd-value": (Severity.WARNING, "A value is not one of the standard's, or not of the form it should have."),
    "import-conflict": (Severity.WARNING, "The rows of one resource disagree; the first one counts, all are kept."),
    "decide-department": (Severity.WARNING, "A contract belongs to a department; its id is part of the interface id."),
    "decide-catalogue": (Severity.WARNING, "The catalogue entry lacks what article 13 of the Regulation demands."),
    "decide-key": (Severity.WARNING, "No key is known, or several could be: say what makes a row the same row."),
    "decide-sensitivity": (Severity.WARNING, "Every field needs a level (GB/T 43697); those inferred are proposals."),
    "decide-enum": (Severity.WARNING, "A code list was guessed; say whether these are all values and what they mean."),
    "decide-type": (Severity.WARNING, "A type has no plain counterpart; the draft holds the nearest one."),
    "decide-limits": (Severity.INFO, "Lengths and ranges are those of the rows seen; say what the rule allows."),
    "decide-element": (Severity.INFO, "A data element was inferred from a name; confirm it or take it out."),
    "decide-name": (Severity.INFO, "A field has no technical name; one was made from its Chinese name."),
    "decide-relation": (Severity.WARNING, "A key leads to a table of another contract; say of which interface."),
    "decide-rule": (Severity.INFO, "A check was kept as SQL; say it in the contract's own words if it can be."),
}  # fmt: skip
"""Every id with its severity and its reason; docs/importing.md lists them."""


@dataclass
class Points:
    """Collects findings about one file while it is read."""

    file: str
    found: list[Finding] = field(default_factory=list)

    def say(
        self,
        rule: str,
        message: str,
        hint: str = "",
        *,
        pointer: str = "",
        line: int | None = None,
        column: int | None = None,
    ) -> str:
        """Record a point; gives the message back, so that it can be written into the draft too."""
        severity = POINTS[rule][0]
        self.found.append(Finding(rule, severity, message, self.file, pointer, line, column, hint))
        return message

    def refuse(self, message: str, hint: str = "", *, line: int | None = None, pointer: str = "") -> SpecError:
        """The error of a file nothing can be made of."""
        return SpecError([Finding("import-unreadable", Severity.ERROR, message, self.file, pointer, line, None, hint)])

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found, in the order of the file."""
        return tuple(sorted(self.found, key=lambda finding: (finding.line or 0, finding.column or 0)))


def open_points(made: dict[str, Any], points: list[str]) -> None:
    """Write what is still to decide into a place of the contract, where `tongban spec lint` finds it."""
    for point in dict.fromkeys(points):
        made.setdefault("customProperties", []).append({"property": "openPoint", "value": point})
