"""Which rules count, how gravely, and where not: rule sets chosen by name or file.

extends: recommended            # a shipped set, a file beside this one, or a list of them
rules:
  missing-paging: off           # off | info | warning | error
  missing-catalogue-entry: error
exceptions:
  - rule: missing-description   # a rule id, or a list of them
    file: legacy/*.yaml         # both optional: which documents, which places (shell patterns)
    pointer: /paths/~1old*
    reason: Kept as it was in 2019 until the service is replaced.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

from specs.finding import Finding, Severity, SpecError
from specs.parse import Document, parse
from specs.rules import rules

FOLDER = Path(__file__).parent
DEFAULT = "recommended"
_LEVELS = {"off": None, **{severity.value: severity for severity in Severity}}
_DEPTH = 10


@dataclass(frozen=True, slots=True)
class Exemption:
    """Where some rules are silent, and why."""

    rules: frozenset[str]
    file: str
    pointer: str
    reason: str

    def covers(self, finding: Finding) -> bool:
        """Whether a finding is one of those meant."""
        return (
            finding.rule in self.rules
            and fnmatchcase(finding.file, self.file)
            and fnmatchcase(finding.pointer, self.pointer)
        )


@dataclass(frozen=True, slots=True)
class RuleSet:
    """`severities`: rule → how grave its findings are, None when it is off; rules not named keep their own, moved by
    `levels`."""

    name: str
    description: str = ""
    severities: Mapping[str, Severity | None] = field(default_factory=dict)
    exemptions: tuple[Exemption, ...] = ()
    levels: Mapping[Severity, Severity | None] = field(default_factory=dict)

    def severity(self, rule: str) -> Severity | None:
        """How grave a finding of this rule is here; None when the rule is off. Raises KeyError for an unknown rule."""
        if rule in self.severities:
            return self.severities[rule]
        entry = rules()[rule]
        return None if entry.optional else self.levels.get(entry.severity, entry.severity)

    def judge(self, findings: Iterable[Finding]) -> tuple[Finding, ...]:
        """The findings that count here, with the severity they have here."""
        kept = []
        for finding in findings:
            level = self.severity(finding.rule)
            if level is not None and not any(one.covers(finding) for one in self.exemptions):
                kept.append(finding if finding.severity is level else replace(finding, severity=level))
        return tuple(kept)


def shipped() -> tuple[str, ...]:
    """Names of the rule sets that come with Tongban."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))


def load(name: str | Path = DEFAULT) -> RuleSet:
    """A rule set by the name of a shipped one, or from a file.

    Raises SpecError naming the place: no such set, an unknown rule (with near ones), an exception without a reason.
    """
    if isinstance(name, str) and name in shipped():
        return _shipped(name)
    path = Path(name)
    if not path.suffix and not path.exists():
        near = difflib.get_close_matches(str(name), shipped(), n=1)
        hint = f"did you mean {near[0]}?" if near else f"shipped are {', '.join(shipped())}; or give a file"
        raise SpecError([Finding("rule-set", Severity.ERROR, f"there is no rule set {name}", str(name), hint=hint)])
    return _read(path, 0)


@cache
def _shipped(name: str) -> RuleSet:
    return replace(_read(FOLDER / f"{name}.yaml", 0), name=name)


def _read(path: Path, depth: int) -> RuleSet:
    document = parse(path, path.name)
    value = document.value
    if not isinstance(value, dict):
        raise _wrong(document, "", "a rule set is a mapping", "begin with extends: recommended")
    if depth > _DEPTH:
        raise _wrong(document, "/extends", "rule sets extend each other in a circle", "leave one extends out")
    strange = sorted(value.keys() - {"name", "description", "extends", "rules", "levels", "exceptions"})
    if strange:
        raise _wrong(document, f"/{strange[0]}", f"unknown key {strange[0]!r}", "extends, rules, levels, exceptions")
    severities: dict[str, Severity | None] = {}
    exemptions: list[Exemption] = []
    levels: dict[Severity, Severity | None] = {}
    for base in _list(value.get("extends")):
        there = path.parent / str(base)
        found = load(str(base)) if str(base) in shipped() else _read(there, depth + 1)
        severities |= found.severities
        exemptions += found.exemptions
        levels |= found.levels
    for id, level in (value.get("rules") or {}).items():
        severities[_known(document, f"/rules/{id}", id)] = _level(document, f"/rules/{id}", level)
    for word, level in (value.get("levels") or {}).items():
        severity = _level(document, f"/levels/{word}", word)
        if severity is not None:
            levels[severity] = _level(document, f"/levels/{word}", level)
    for number, one in enumerate(_list(value.get("exceptions"))):
        exemptions.append(_exemption(document, f"/exceptions/{number}", one))
    name, said = str(value.get("name") or path.stem), str(value.get("description") or "")
    return RuleSet(name, said, severities, tuple(exemptions), levels)


def _level(document: Document, pointer: str, level: Any) -> Severity | None:
    word = "off" if level is False else str(level)  # YAML 1.1 readers make `off` a boolean
    if word not in _LEVELS:
        raise _wrong(document, pointer, f"{word!r} is no level", f"one of {', '.join(_LEVELS)}")
    return _LEVELS[word]


def _exemption(document: Document, pointer: str, one: Any) -> Exemption:
    if not isinstance(one, dict) or not str(one.get("reason") or "").strip():
        raise _wrong(document, pointer, "an exception needs a reason", "add reason: why this is right here")
    ids = [_known(document, f"{pointer}/rule", id) for id in _list(one.get("rule"))]
    if not ids:
        raise _wrong(document, pointer, "an exception names its rules", "add rule: ID, or a list")
    return Exemption(frozenset(ids), str(one.get("file") or "*"), str(one.get("pointer") or "*"), str(one["reason"]))


def _known(document: Document, pointer: str, id: Any) -> str:
    if id in rules():
        return str(id)
    near = difflib.get_close_matches(str(id), rules(), n=3)
    raise _wrong(document, pointer, f"there is no rule {id!r}", f"near: {', '.join(near) or 'see tongban spec rules'}")


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _wrong(document: Document, pointer: str, message: str, hint: str) -> SpecError:
    line, column = document.position(pointer) or (None, None)
    return SpecError([Finding("rule-set", Severity.ERROR, message, document.name, pointer, line, column, hint)])
