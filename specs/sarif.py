"""Findings as SARIF 2.1.0 (OASIS), the form code hosts show beside the lines of a change."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from specs.finding import Finding, Severity
from specs.rules import rules

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}


def sarif(findings: Iterable[Finding], version: str = "") -> dict[str, Any]:
    """One run of the linter as a SARIF log. Paths are as given on the command line, with forward slashes."""
    found, known = list(findings), rules()
    used = sorted({finding.rule for finding in found})
    place = {id: number for number, id in enumerate(used)}
    driver: dict[str, Any] = {
        "name": "tongban spec lint",
        "rules": [
            {
                "id": id,
                "shortDescription": {"text": known[id].reason.split(". ")[0].rstrip(".") + "."},
                "fullDescription": {"text": known[id].reason},
                "help": {"text": f"Examples: tongban spec rules {id}"},
                "defaultConfiguration": {"level": _LEVELS[known[id].severity]},
            }
            if id in known
            else {"id": id}
            for id in used
        ],
    }
    if version:
        driver["version"] = version
    return {
        "version": "2.1.0",
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "runs": [{"tool": {"driver": driver}, "results": [_result(finding, place[finding.rule]) for finding in found]}],
    }


def _result(finding: Finding, index: int) -> dict[str, Any]:
    from specs.baseline import fingerprint

    physical: dict[str, Any] = {"artifactLocation": {"uri": finding.file.replace("\\", "/").replace(" ", "%20")}}
    if finding.line is not None:
        physical["region"] = {"startLine": finding.line, "startColumn": finding.column or 1}
    location: dict[str, Any] = {"physicalLocation": physical}
    if finding.pointer:
        location["logicalLocations"] = [{"fullyQualifiedName": finding.pointer, "kind": "member"}]
    said = " — ".join(part for part in (finding.message, finding.hint) if part)
    return {
        "ruleId": finding.rule,
        "ruleIndex": index,
        "level": _LEVELS[finding.severity],
        "message": {"text": said},
        "locations": [location],
        "partialFingerprints": {"tongban/v1": fingerprint(finding)},
    }


def annotation(finding: Finding) -> str:
    """A finding as a command of a GitHub workflow, which shows it beside its line."""
    level = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}[finding.severity]
    parts = {"file": finding.file, "line": finding.line, "col": finding.column, "title": finding.rule}
    told = ",".join(f"{name}={_property(value)}" for name, value in parts.items() if value is not None)
    said = " ".join(part for part in (finding.pointer, finding.message, finding.hint and f"— {finding.hint}") if part)
    return f"::{level} {told}::{_data(said)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: Any) -> str:
    return _data(str(value)).replace(":", "%3A").replace(",", "%2C")
