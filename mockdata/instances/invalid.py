"""Instances that violate exactly one keyword at one place, named.

A value leaves only after jsonschema-rs has named that keyword as the one cause of everything wrong with it. Where
other errors follow from it (`unevaluated…` around a member that fails), the schema without the keyword must accept
the value.
"""

from __future__ import annotations

from typing import Any

import jsonschema_rs

from mockdata.instances.attempts import Attempts, Base
from mockdata.instances.checks import InvalidSchema, compile_schema, has_format
from mockdata.instances.draws import Draws
from mockdata.instances.named import Broken, Refusal, Spot
from mockdata.instances.places import places
from mockdata.instances.suggestions import Path, lookup
from mockdata.instances.telling import told
from mockdata.instances.verdict import Fault, faults, pointer, summary
from mockdata.instances.ways import Way, ways

_SCALAR = frozenset(("type", "enum", "const", "format", "pattern", "multipleOf", "minLength", "maxLength"))


class Violations:
    """The violations of one schema, tried when they are asked for. Safe to share between threads."""

    def __init__(self, attempts: Attempts) -> None:
        self._attempts = attempts
        self._references = attempts.references
        self._checks = attempts.checks
        self._without: dict[int, jsonschema_rs.Validator | None] = {}
        self.ways: dict[Spot, Way] = {}
        for place in places(self._references):
            for way in ways(place):
                self.ways.setdefault(Spot(way.keyword, way.pointer, place.written, way.case), way)

    def made(self, spot: Spot, draws: Draws, base: Base | None = None) -> Broken | Refusal:
        """A value with that violation alone, made of `base` where that can be, or the reason why there is none."""
        way = self.ways[spot]
        reason = way.place.moot or way.refusal or self._unjudged(way)
        if reason:
            return Refusal(spot, reason)
        for attempt in self._attempts.of(way, draws, base):
            if attempt.reason:
                reason = reason or attempt.reason
                continue
            errors = list(self._checks.whole.iter_errors(attempt.value))
            fault = self._fault(way, attempt.path, attempt.value, errors)
            if fault is not None:
                at = _part(attempt.value, attempt.path)
                return Broken(attempt.value, way.keyword, way.pointer, fault.instance, told(way, at, fault))
            reason = self._reason(way, errors)
        return Refusal(spot, self._beside(way, draws) or reason)

    @staticmethod
    def _reason(way: Way, errors: list[jsonschema_rs.ValidationError]) -> str:
        if not errors:
            return "the value found is valid"
        found = faults(errors)
        if found and found[0].pointer in _outer(way.pointer):
            return f"no branch comes nearer than another, so it is {found[0].pointer} that is violated"
        return f"with it goes {summary(_others(way, errors))}"

    def _unjudged(self, way: Way) -> str:
        if way.keyword != "format":
            return ""
        name = way.place.schema.get("format")
        if not self._checks.formats:
            return "format is an annotation in this schema"
        if isinstance(name, str) and has_format(name, "\0 %") and has_format(name, ""):
            return f"nobody judges the format {name!r}"
        return ""

    def _beside(self, way: Way, draws: Draws) -> str:
        """What else a value that breaks the keyword breaks, found by leaving out everything beside it."""
        attempt = self._attempts.bare(way, draws) if way.keyword in _SCALAR else None
        if attempt is None or attempt.reason:
            return ""
        errors = list(self._checks.whole.iter_errors(attempt.value))
        others = [error for error in errors if pointer(error.evaluation_path) != way.pointer]
        return f"with it goes {summary(others)}" if others and not faults(errors) else ""

    def _fault(self, way: Way, path: Path, value: Any, errors: list[jsonschema_rs.ValidationError]) -> Fault | None:
        for fault in faults(errors):
            if not _meant(way, path, fault):
                continue
            if not fault.doubtful or self._accepted_without(way, value):
                return fault
        return None

    def _accepted_without(self, way: Way, value: Any) -> bool:
        if id(way) not in self._without:
            document = _exchanged(self._references.document, way.place.schema, way.left)
            try:
                made = compile_schema(document, self._references.draft, self._checks.formats)
            except InvalidSchema:
                made = None
            self._without[id(way)] = made
        judge = self._without[id(way)]
        return judge is not None and judge.is_valid(value)


def _others(way: Way, errors: list[jsonschema_rs.ValidationError]) -> list[jsonschema_rs.ValidationError]:
    return [error for error in errors if pointer(error.evaluation_path) != way.pointer] or errors


def _outer(at: str) -> list[str]:
    """The pointers to the keywords around one."""
    parts = at.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts))]


def _meant(way: Way, path: Path, fault: Fault) -> bool:
    """Whether a fault is the one that was to be made."""
    parent, _, word = fault.pointer.rpartition("/")
    counts = ("contains", "minContains", "maxContains")
    if way.keyword in counts:
        if parent != way.pointer.rpartition("/")[0] or word not in counts:
            return False
    elif "/propertyNames" in way.pointer:
        if not (fault.pointer + "/").startswith(way.pointer + "/"):
            return False
    elif fault.pointer != way.pointer:
        return False
    if way.case and fault.case not in ("", way.case):
        return False
    at = pointer(path)
    return fault.instance == at or fault.instance.startswith(at + "/")


def _part(value: Any, path: Path) -> Any:
    try:
        return lookup(value, path)
    except LookupError:
        return None


def _exchanged(document: Any, schema: Any, rest: Any) -> Any:
    """The document with one schema object exchanged for another."""
    if document is schema:
        return rest
    if isinstance(document, dict):
        return {name: _exchanged(part, schema, rest) for name, part in document.items()}
    if isinstance(document, list):
        return [_exchanged(part, schema, rest) for part in document]
    return document
