"""Valid instances of arbitrary JSON Schemas (2020-12, 2019-09, draft-7), repeatable from (schema, seed).

An instance leaves only after jsonschema-rs has accepted it against the whole schema. Where nothing was found,
`Unsatisfiable` names the place and the reason; an invalid instance is never returned.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import jsonschema_rs

from mockdata.instances.checks import Checks, InvalidSchema, repaired
from mockdata.instances.dead import Dead, Exhausted
from mockdata.instances.draws import Draws
from mockdata.instances.heights import ENDLESS, Heights
from mockdata.instances.merge import Demand, Expansion
from mockdata.instances.references import References, escape
from mockdata.instances.straight import Make, Missed, Run, compiled
from mockdata.instances.suggestions import Suggestions
from mockdata.instances.values import Maker, Mode
from mockdata.seeds import stream

_NOTHING = object()
__all__ = ["Instances", "Unsatisfiable", "instance"]

MODES = (
    Mode(0.85, 250, 4),
    Mode(0.85, 250, 4, suggest=False),
    Mode(0.5, 120, 3, suggest=False),
    Mode(0.0, 0, 1, suggest=False),
    Mode(0.85, 120, 3, suggest=False),
    Mode(0.3, 60, 2, suggest=False),
    Mode(0.0, 0, 0, 8_000, suggest=False),
    Mode(0.7, 200, 6, 8_000, suggest=False),
)
"""Tried one after the other until the instance is valid: rich ones first, bare ones when those fail."""


LEAN = (Mode(0.0, 0, 1), *MODES[3:4], *MODES[6:])
"""Only required members, and those suggested."""


ENDLESS_ONLY = (Mode(0.0, 0, 0, 400, suggest=False),)
"""For schemas that seem to demand endless nesting: no more than a look for another way out."""


class Unsatisfiable(ValueError):
    """No valid instance was found. `pointer` leads to the place in the schema, `reason` says what stands
    against it.
    """

    def __init__(self, pointer: str, reason: str) -> None:
        super().__init__(f"{pointer or '#'}: {reason}")
        self.pointer = pointer
        self.reason = reason


class Instances:
    """The instances of one schema, compiled once and then drawn by seed. Safe to share between threads.

    `draft` counts where the schema has no `$schema`. `tolerant` drops keywords no validator accepts, as
    published documents have them, instead of refusing. `sending` leaves out optional members marked
    `writeOnly`. `formal`: a schema whose `format` cannot be met is refused; else what is valid without it is taken,
    because `format` is an annotation. Raises Unsatisfiable for a schema that is no schema.
    """

    def __init__(
        self,
        schema: Any,
        draft: str = "2020-12",
        *,
        tolerant: bool = False,
        sending: bool = False,
        formal: bool = False,
    ) -> None:
        self._sending, self._formal = sending, formal
        self._references = References(schema, draft)
        try:
            if tolerant and isinstance(schema, dict):
                mended = repaired(schema, self._references.draft)
                if mended is not schema:
                    self._references = References(mended, draft)
            self._checks = [Checks(self._references)]
        except InvalidSchema as error:
            pointer = "".join(f"/{escape(str(token))}" for token in error.path)
            raise Unsatisfiable(pointer, error.reason) from None
        self._heights = Heights(self._references)
        self._expansion = Expansion(self._references, self._heights)

    @property
    def schema(self) -> Any:
        """The schema the instances are valid against: the one given, without faulty keywords when
        `tolerant`.
        """
        return self._references.document

    def accepts(self, value: Any) -> bool:
        """Whether a value is valid, with `format` asserted where that is possible at all for this schema."""
        return self._checks[-1].whole.is_valid(value)

    def errors(self, value: Any) -> list[tuple[str, str]]:
        """(JSON pointer into the value, message) of everything wrong with it; empty when it is valid."""
        found = self._checks[-1].whole.iter_errors(value)
        return [(_place(error), error.message) for error in found]

    def example(self, seed: int | str, suggest: Suggestions | None = None, *, lean: bool = False) -> Any:
        """The instance of that seed. `suggest` offers values to use where they are valid; `lean` leaves out
        optional members nobody suggested. Raises Unsatisfiable.
        """
        start = Draws(seed if isinstance(seed, int) else stream(seed))
        failure: Unsatisfiable | None = None
        modes: tuple[Mode, ...] = LEAN if lean else MODES
        if self._straight is not None:
            try:
                value = self._straight(
                    start, (), Run(suggest, self._sending, modes[0].optional, modes[0].nodes, modes[0].depth)
                )
            except Missed:
                value = _NOTHING
            if value is not _NOTHING and self._checks[0].whole.is_valid(value):
                return value
        if self._endless:
            modes = ENDLESS_ONLY
        for checks in list(self._checks):
            for number, mode in enumerate(modes):
                if number == 1 and suggest is None and not lean:
                    continue
                try:
                    value = self._attempt(checks, mode, start.child(number), suggest)
                except Unsatisfiable as error:
                    failure = error
                    continue
                return value
        if self._checks[-1].formats and self._references.uses("format") and not self._formal:
            # `format` is an annotation: what it forbids alone is not impossible
            self._checks.append(Checks(self._references, formats=False))
            return self.example(seed, suggest, lean=lean)
        raise failure or Unsatisfiable("", "nothing found")

    @cached_property
    def _straight(self) -> Make | None:
        return compiled(self._checks[0])

    @cached_property
    def _endless(self) -> bool:
        return self._heights.of(self._references.document, self._references.start) >= ENDLESS

    def _attempt(self, checks: Checks, mode: Mode, draws: Draws, suggest: Suggestions | None) -> Any:
        maker = Maker(checks, self._expansion, mode, suggest, self._sending)
        try:
            value = maker.value([Demand(self._references.document, self._references.start)], draws, ())
        except Dead as dead:
            raise Unsatisfiable(self._references.pointer(dead.schema), dead.reason) from None
        except Exhausted:
            if self._endless:
                raise Unsatisfiable("", "every value would nest without end") from None
            raise Unsatisfiable("", f"gave up after {mode.steps} steps") from None
        if checks.whole.is_valid(value):
            return value
        error = next(iter(checks.whole.iter_errors(value)))
        pointer = "".join(f"/{escape(str(token))}" for token in error.schema_path)
        raise Unsatisfiable(pointer, f"not met: {error.message}")


def _place(error: jsonschema_rs.ValidationError) -> str:
    """Where a value is wrong; for a missing member, where it would be."""
    tokens = [*error.instance_path]
    if isinstance(error.kind, jsonschema_rs.ValidationErrorKind.Required):
        tokens.append(error.kind.property)
    return "".join(f"/{escape(str(token))}" for token in tokens)


def instance(schema: Any, seed: int | str, *, draft: str = "2020-12", suggest: Suggestions | None = None) -> Any:
    """One valid instance of `schema` for a seed.

    `schema` is self-contained JSON Schema (`$schema` wins over `draft`: "2020-12", "2019-09", "draft-7").
    Numbers are int or float; the JSON text of a float is the exact decimal, so `multipleOf` holds for readers
    of decimals. Raises Unsatisfiable(pointer, reason). For many instances of one schema keep an `Instances`.
    """
    return Instances(schema, draft).example(seed, suggest)
