"""The register of rules: what `tongban spec lint` can say, why, and how to do better.

A rule is either a function over an interface (registered with `@rule`, its name with hyphens is its id) or
something a reader notices while it reads (`noticed`, see `specs.rules.reading`). `bad` and `good` are
examples: YAML merged into a faultless document (RFC 7396, see `specs.rules.examples`), or a document of their
own.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from specs.finding import Severity

if TYPE_CHECKING:
    from specs.model import Interface

Hit = tuple[str, str, str]
"""What a rule yields: pointer (as the model keeps it), message, hint."""

Check = Callable[["Interface"], Iterator[Hit]]

MODULES = (
    "reading", "documents", "naming", "identifiers", "operations", "answers", "access", "schemas", "constraints",
    "values", "description", "privacy", "contracts", "catalogue", "drafts", "processes",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `check` is None for what readers notice; `base` names the example document `bad` and `good`
    are merged into ("" when they are whole documents). `optional`: off unless a rule set asks for it."""

    id: str
    severity: Severity
    reason: str
    bad: str
    good: str
    base: str = "api"
    check: Check | None = None
    optional: bool = False


_RULES: dict[str, Rule] = {}


def rule(
    severity: Severity, *, bad: str, good: str, base: str = "api", optional: bool = False
) -> Callable[[Check], Check]:
    """Register a check; its docstring is the reason."""

    def register(check: Check) -> Check:
        id = check.__name__.replace("_", "-")
        reason = " ".join((check.__doc__ or "").split())
        _enter(Rule(id, severity, reason, bad, good, base, check, optional))
        return check

    return register


def noticed(id: str, severity: Severity, reason: str, *, bad: str, good: str, base: str = "api") -> None:
    """Register something a reader reports by itself."""
    _enter(Rule(id, severity, " ".join(reason.split()), bad, good, base))


def _enter(entry: Rule) -> None:
    if entry.id in _RULES:
        raise ValueError(f"rule {entry.id} is registered twice")
    _RULES[entry.id] = entry


def rules() -> Mapping[str, Rule]:
    """Every rule by id, in alphabetical order."""
    for module in MODULES:
        importlib.import_module(f"specs.rules.{module}")
    return dict(sorted(_RULES.items()))


def severity_of(id: str) -> Severity:
    """The severity of a rule that readers notice. Raises KeyError for an unknown id."""
    if id not in _RULES:
        importlib.import_module("specs.rules.reading")
    return _RULES[id].severity
