"""One withdrawal as the example apps keep it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from conformance.examples.fund import rules
from conformance.examples.fund.rules import Answer
from conformance.examples.handled import Handled


@dataclass
class Matter(Handled):
    """One handled withdrawal; `facts` are the answers of the checks by step."""

    steps: dict[str, str] = field(default_factory=lambda: dict.fromkeys(rules.STEPS, "skipped"))
    facts: dict[str, Answer] = field(default_factory=dict)

    @property
    def ground(self) -> str:
        """The ground chosen."""
        return str(self.application["ground"])

    @property
    def holder(self) -> Mapping[str, Any]:
        """Name and number of the account holder."""
        return self.named("deceased" if self.ground == "G7" else "applicant")

    def named(self, role: str) -> dict[str, Any]:
        """Name and number of a person of the application."""
        return {name: self.application[role][name] for name in ("XM", "GMSFHM")}

    def wanted(self) -> tuple[str, ...]:
        """The steps shown: nothing is the citizen's choice, and what was not called has been skipped."""
        return rules.STEPS
