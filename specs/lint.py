"""All rules over one interface."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from specs.finding import Finding, SpecError
from specs.model import Interface
from specs.parse import collector_paused
from specs.reading import read
from specs.rules import rules
from specs.rulesets import RuleSet, load


def lint(
    interface: Interface, only: Collection[str] | None = None, ruleset: RuleSet | None = None
) -> tuple[Finding, ...]:
    """What reading found and what the rules find, in the order of the text.

    `only`: just these rule ids. `ruleset`: which rules count and how gravely (default: `recommended`).
    """
    chosen = ruleset or load()
    found = [finding for finding in interface.findings if only is None or finding.rule in only]
    with collector_paused():
        for rule in rules().values():
            wanted = rule.check is not None and (only is None or rule.id in only)
            if wanted and rule.check is not None and chosen.severity(rule.id) is not None:
                found += (
                    interface.finding(rule.id, rule.severity, message, pointer, hint)
                    for pointer, message, hint in rule.check(interface)
                )
        return tuple(sorted(chosen.judge(found), key=lambda finding: finding.order))


def lint_document(source: Path | bytes, name: str | None = None, ruleset: RuleSet | None = None) -> tuple[Finding, ...]:
    """Read and lint. A document that cannot be read at all gives the findings of its SpecError."""
    try:
        return lint(read(source, name), ruleset=ruleset)
    except SpecError as error:
        return error.findings
