"""Where a schema stands, and the error of what cannot be made there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from mockdata.tables import arrow


class PlanError(ValueError):
    """Data that cannot be made. `column` and `pointer` say where, `reason` what, `hint` what to do."""

    def __init__(self, column: str, pointer: str, reason: str, hint: str = "") -> None:
        super().__init__(f"{column}: {reason}" if column else reason)
        self.column, self.pointer, self.reason, self.hint = column, pointer, reason, hint

    def __reduce__(self) -> Any:  # so that it can come back from another process
        return type(self), (self.column, self.pointer, self.reason, self.hint)


@dataclass(frozen=True)
class Place:
    """Where a schema stands: the column it belongs to, its pointer, and the interface's way with references."""

    column: str
    pointer: str
    resolve: arrow.Resolve
    standalone: Callable[[dict[str, Any]], dict[str, Any]]
    as_of: date
    seed: int | str
    language: str = "en"

    def fault(self, reason: str, hint: str = "") -> PlanError:
        return PlanError(self.column, self.pointer, reason, hint)

    def inside(self, *steps: str) -> Place:
        return replace(self, pointer="/".join((self.pointer, *steps)), column=".".join((self.column, steps[-1])))
