"""One withdrawal as the example apps keep it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from conformance.examples.fund import rules
from conformance.examples.fund.rules import Answer


@dataclass
class Matter:
    """One handled matter; `facts` are the answers of the checks by step."""

    id: str
    token: str
    application: Mapping[str, Any]
    today: date
    created: str
    state: str = "in_progress"
    failed_rules: list[str] = field(default_factory=list)
    missing: list[tuple[str, rules.Text]] = field(default_factory=list)
    steps: dict[str, str] = field(default_factory=lambda: dict.fromkeys(rules.STEPS, "skipped"))
    references: dict[str, str] = field(default_factory=dict)
    result: dict[str, Any] = field(default_factory=dict)
    facts: dict[str, Answer] = field(default_factory=dict)
    updated: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

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
