"""Schemas that leave no choice, compiled into functions: most of what documents describe, several times as fast.

`compiled` gives the maker of a schema made of types, members, items, lists of values, limits, lengths, patterns and
formats, or None where anything else occurs; then `values.Maker` does it, which tries and backs out. What is made here
may still miss (two formats in conflict, a pattern hard to hit): the caller checks every instance as a whole.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from mockdata.instances import lifelike, numbers, strings
from mockdata.instances.checks import Checks
from mockdata.instances.draws import Draws
from mockdata.instances.references import Scope, Unresolved
from mockdata.instances.suggestions import Path, Suggestions

LARGEST = 3_000
"""Schema objects from which a document is no longer compiled."""

_SAID = frozenset(
    (
        "title", "description", "default", "example", "examples", "deprecated", "readOnly", "writeOnly", "$comment",
        "xml", "externalDocs", "type",
    )
)  # fmt: skip
_ROOT = frozenset(("$schema", "$defs", "definitions", "components"))
_WORDS = {
    "string": frozenset(("minLength", "maxLength", "pattern", "format")),
    "integer": frozenset(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "format")),
    "number": frozenset(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "format")),
    "boolean": frozenset[str](),
    "object": frozenset(("properties", "required", "additionalProperties")),
    "array": frozenset(("items", "minItems", "maxItems", "uniqueItems")),
}
_NULL = 0.06
_MORE_ITEMS, _TRIES = 3, 24


class Missed(Exception):
    """This way leads to no value; another may."""


class _Choice(Exception):
    """The schema leaves a choice, or says something that is not known here."""


@dataclass(slots=True)
class Run:
    """One instance being made: what is known about it, and how much may still be added."""

    suggest: Suggestions | None
    sending: bool
    optional: float
    left: int
    depth: int

    def wants(self, path: Path, draws: Draws) -> bool:
        """Whether to have the optional part at `path`."""
        if self.suggest is not None and self.suggest.has(path):
            return True
        return len(path) <= self.depth + 1 and self.left > 0 and draws.chance(self.optional)


Make = Callable[[Draws, Path, Run], Any]


def compiled(checks: Checks) -> Make | None:
    """The maker of the document's root schema; raises Missed when it is called and finds nothing."""
    document = checks.references.document
    if not isinstance(document, dict) or not checks.references.draft.startswith("20"):
        return None
    try:
        return _Compiler(checks).value(document, checks.references.start, (), "")
    except (_Choice, Unresolved):
        return None


class _Compiler:
    def __init__(self, checks: Checks) -> None:
        self.checks = checks
        self.count = 0

    def value(self, schema: Any, scope: Scope, within: tuple[int, ...], name: str) -> Make:
        """The maker of one schema, of a member of that name ("" at the top). Raises _Choice, Unresolved."""
        self.count += 1
        if not isinstance(schema, dict) or "$id" in schema or id(schema) in within or self.count > LARGEST:
            raise _Choice
        within = (*within, id(schema))
        if "$ref" in schema:
            if not all(_says(word) for word in schema if word not in ("$ref", "type") and word not in _ROOT):
                raise _Choice
            target, inner = self.checks.references.resolve(schema["$ref"], scope)
            return self.value(target, inner, within, name)
        kinds = schema.get("type")
        listed = schema.get("enum", [schema["const"]] if "const" in schema else None)
        if listed is not None:
            return self._suggested(schema, self._listed(schema, listed))
        kinds = [kinds] if isinstance(kinds, str) else kinds
        if not isinstance(kinds, list) or len(kinds) > 2 or (len(kinds) == 2 and "null" not in kinds):
            raise _Choice
        one = next((kind for kind in kinds if kind != "null"), None)
        if one not in _WORDS or any(
            word not in _WORDS[one] and not _says(word) for word in schema if word not in _ROOT
        ):
            raise _Choice
        made = getattr(self, f"_{one}")(schema, scope, within, name)
        return self._suggested(schema, _or_null(made) if len(kinds) == 2 else made)

    def _suggested(self, schema: dict[str, Any], make: Make) -> Make:
        """What is known about a place comes first, where the schema allows it."""
        holds, schemas = self.checks.holds, [schema]

        def made(draws: Draws, path: Path, run: Run) -> Any:
            if run.suggest is not None and run.suggest.speaks(path):
                for offered in run.suggest.at(path, schemas):
                    if holds(schema, offered):
                        return offered
            run.left -= 1
            return make(draws, path, run)

        return made

    def _listed(self, schema: dict[str, Any], listed: list[Any]) -> Make:
        values = [value for value in listed if self.checks.holds(schema, value)]
        if not values:
            raise _Choice
        if any(isinstance(value, dict | list) for value in values):
            return lambda draws, path, run: copy.deepcopy(draws.pick(values))
        return lambda draws, path, run: draws.pick(values)

    def _object(self, schema: dict[str, Any], scope: Scope, within: tuple[int, ...], name: str) -> Make:
        members, required = schema.get("properties"), schema.get("required", [])
        if not members or not set(required) <= members.keys():
            raise _Choice
        parts = []
        for member, inner in members.items():
            unsent = isinstance(inner, dict) and inner.get("writeOnly") is True
            parts.append((member, member in required, unsent, self.value(inner, scope, within, member)))

        def made(draws: Draws, path: Path, run: Run) -> dict[str, Any]:
            found = {}
            for member, needed, unsent, make in parts:
                there = (*path, member)
                if needed or (not (unsent and run.sending) and run.wants(there, draws)):
                    found[member] = make(draws.child(member), there, run)
            return found

        return made

    def _array(self, schema: dict[str, Any], scope: Scope, within: tuple[int, ...], name: str) -> Make:
        low, high = int(schema.get("minItems", 0)), schema.get("maxItems")
        most = low + _MORE_ITEMS if high is None else min(int(high), low + _MORE_ITEMS)
        if "items" not in schema or most < low:
            raise _Choice
        make, distinct = self.value(schema["items"], scope, within, name), bool(schema.get("uniqueItems"))

        def made(draws: Draws, path: Path, run: Run) -> list[Any]:
            least = max(low, 1) if most else 0
            count = least + draws.below(most - least + 1) if len(path) <= run.depth and run.left > 0 else low
            found: list[Any] = []
            for at in range(count):
                there = (*path, at)
                for attempt in range(_TRIES if distinct else 1):
                    item = make(draws.child(at + attempt * 1_000_003), there, run)
                    if not distinct or item not in found:
                        found.append(item)
                        break
                else:
                    if len(found) >= low:
                        return found
                    raise Missed
            return found

        return made

    def _boolean(self, schema: dict[str, Any], scope: Scope, within: tuple[int, ...], name: str) -> Make:
        return lambda draws, path, run: draws.chance(0.5)

    def _string(self, schema: dict[str, Any], scope: Scope, within: tuple[int, ...], name: str) -> Make:
        text, asserted = strings.gather([schema]), self.checks.formats
        made = strings.template_of(text)
        if made is not None:
            return lambda draws, path, run: strings.spelled(made, draws)

        def drawn(draws: Draws, path: Path, run: Run) -> str:
            value = strings.draw(text, draws, name, asserted)
            if value is None:
                raise Missed
            return value

        return drawn

    def _integer(self, schema: dict[str, Any], scope: Scope, within: tuple[int, ...], name: str) -> Make:
        return self._numeric(schema, name, whole=True)

    def _number(self, schema: dict[str, Any], scope: Scope, within: tuple[int, ...], name: str) -> Make:
        return self._numeric(schema, name, whole=False)

    @staticmethod
    def _numeric(schema: dict[str, Any], name: str, *, whole: bool) -> Make:
        limits = numbers.limits([schema])
        if limits.low is limits.high is None and (everyday := lifelike.span(name)) is not None:
            limits = numbers.limits([schema, {"minimum": everyday[0], "maximum": everyday[1]}])
        grid = _grid(limits, whole)
        if grid is not None:
            return lambda draws, path, run: grid.draw(draws)

        def made(draws: Draws, path: Path, run: Run) -> int | float:
            value = numbers.draw(limits, whole, draws)
            if value is None:
                raise Missed
            return value

        return made


@dataclass(frozen=True, slots=True)
class _Grid:
    """The multiples first … first+count-1 of numerator ÷ denominator; `step`: their quotient, where it is demanded and
    no whole number.
    """

    first: int
    count: int
    numerator: int
    denominator: int
    step: float | None

    def draw(self, draws: Draws) -> int | float:
        for _ in range(numbers.FRIENDLY):
            number = (self.first + draws.below(self.count)) * self.numerator
            # a quotient of whole numbers is rounded once: the float nearest to the decimal
            value = number if self.denominator == 1 else _plain(number / self.denominator)
            if self.step is None or (value / self.step).is_integer():
                break  # judges who divide floats have to find the quotient whole
        return value


def _grid(limits: numbers.Limits, whole: bool) -> _Grid | None:
    """The grid of a bounded number, None where `numbers.draw` has to find out more."""
    step = limits.step if limits.step is not None else Fraction(1) if whole else Fraction(1, 100)
    if limits.low is None or limits.high is None or (whole and step.denominator != 1):
        return None
    first, last = math.ceil(limits.low / step), math.floor(limits.high / step)
    first += limits.above and first * step == limits.low
    last -= limits.below and last * step == limits.high
    if first > last or last - first > 10**15:
        return None
    demanded = float(step) if limits.step is not None and step.denominator != 1 else None
    return _Grid(first, last - first + 1, step.numerator, step.denominator, demanded)


def _plain(value: float) -> int | float:
    return int(value) if value.is_integer() else value


def _or_null(make: Make) -> Make:
    return lambda draws, path, run: None if draws.chance(_NULL) else make(draws, path, run)


def _says(word: str) -> bool:
    """Whether a keyword only says something about a schema."""
    return word in _SAID or word.startswith("x-")
