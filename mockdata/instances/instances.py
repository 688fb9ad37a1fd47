"""Valid instances of arbitrary JSON Schemas (2020-12, 2019-09, draft-7), repeatable from (schema, seed).

An instance leaves only after jsonschema-rs has accepted it against the whole schema. Where nothing was found,
`Unsatisfiable` names the place and the reason; an invalid instance is never returned.
"""

from __future__ import annotations

from contextlib import suppress
from functools import cached_property
from typing import Any

import jsonschema_rs

from mockdata.instances.attempts import FULL, Attempts
from mockdata.instances.boundaries import Boundaries
from mockdata.instances.checks import Checks, InvalidSchema, repaired
from mockdata.instances.dead import Dead, Exhausted
from mockdata.instances.draws import Draws
from mockdata.instances.heights import ENDLESS, Heights
from mockdata.instances.invalid import Violations
from mockdata.instances.merge import Demand, Expansion
from mockdata.instances.named import Boundary, Broken, Refusal, Spot
from mockdata.instances.references import References, escape
from mockdata.instances.straight import Make, Missed, Run, compiled
from mockdata.instances.suggestions import Suggestions
from mockdata.instances.values import Maker, Mode
from mockdata.instances.ways import Way
from mockdata.seeds import stream

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


TRIES = 60
"""Spots to try before it is said that there is no named instance."""


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

    def lax(self, value: Any) -> bool:
        """Whether a value is valid only because `format` is an annotation: a judge that asserts formats refuses it."""
        return len(self._checks) > 1 and not self._checks[0].whole.is_valid(value)

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
            mode = modes[0]
            with suppress(Missed):
                value = self._straight(start, (), Run(suggest, self._sending, mode.optional, mode.nodes, mode.depth))
                if self._checks[0].whole.is_valid(value):
                    return value
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

    def violations(self) -> tuple[Spot, ...]:
        """Every keyword, with its place, that can be violated alone: each has been tried."""
        return tuple(one for one, found in self._violated.items() if isinstance(found, Broken))

    def boundaries(self) -> tuple[Spot, ...]:
        """Every limit, with its place, that a valid instance can touch: each has been tried."""
        return tuple(one for one, found in self._touched.items() if isinstance(found, Boundary))

    def refusals(self, *, invalid: bool = True) -> tuple[Refusal, ...]:
        """The keywords that cannot be violated alone (without `invalid`: the limits no valid instance touches), and
        why.
        """
        found = (self._violated if invalid else self._touched).values()
        return tuple(one for one in found if isinstance(one, Refusal))

    def invalid(
        self, seed: int | str, spot: Spot | None = None, *, keyword: str | None = None, at: str | None = None
    ) -> Broken:
        """An instance in which exactly one keyword at one place is violated, named.

        Which: `spot`, one of `violations()`; else one drawn by seed among those of a `keyword` and at or below a
        pointer `at`, as far as these are given. Raises Unsatisfiable when none of them can be violated alone.
        """
        found = self._named(self._breaking, seed, spot, keyword, at)
        if isinstance(found, Refusal):
            raise Unsatisfiable(found.spot.schema_pointer, f"cannot be violated alone: {found.reason}")
        assert isinstance(found, Broken)
        return found

    def boundary(
        self, seed: int | str, spot: Spot | None = None, *, keyword: str | None = None, at: str | None = None
    ) -> Boundary:
        """A valid instance in which a place sits at or just inside a limit, named. Arguments as for `invalid`."""
        found = self._named(self._touching, seed, spot, keyword, at)
        if isinstance(found, Refusal):
            raise Unsatisfiable(found.spot.schema_pointer, f"no valid instance touches it: {found.reason}")
        assert isinstance(found, Boundary)
        return found

    def spots(self, keyword: str | None = None, at: str | None = None, *, invalid: bool = True) -> tuple[Spot, ...]:
        """What may be violated (or, without `invalid`, touched), untried: of a keyword (or of one on the way, such as
        `items`), at or below a pointer into the schema, or else into the value.
        """
        ways = (self._breaking if invalid else self._touching).ways
        found = [one for one, way in ways.items() if at is None or self._below(at, one, way)]
        found = found or [one for one in ways if at is not None and _under(at, one.instance_pointer)]
        exact = [one for one in found if keyword in (None, one.keyword)]
        return tuple(exact or [one for one in found if f"/{keyword}/" in one.schema_pointer])

    def _below(self, at: str, spot: Spot, way: Way) -> bool:
        straight = f"{self._references.pointer(way.place.schema)}/{spot.keyword}"
        return _under(at, spot.schema_pointer) or _under(at, straight)

    def _named(
        self, maker: Violations | Boundaries, seed: int | str, spot: Spot | None, keyword: str | None, at: str | None
    ) -> Broken | Boundary | Refusal:
        draws = Draws(seed if isinstance(seed, int) else stream(seed))
        asked = [spot] if spot is not None else draws.shuffled(self.spots(keyword, at, invalid=maker is self._breaking))
        base = self._attempts.base(draws.child("base"))
        refused: Refusal | None = None
        for one in asked[:TRIES]:
            if one not in maker.ways:
                raise Unsatisfiable(one.schema_pointer, f"the schema has no such {one.keyword}")
            found = maker.made(one, draws.child("named"), base)
            if not isinstance(found, Refusal):
                return found
            refused = refused or found
        if spot is not None:  # what `violations` and `boundaries` tell of is always to be had
            return maker.made(spot, Draws(0), self._attempts.base(Draws(0), FULL))
        if refused is None:
            raise Unsatisfiable(at or "", f"there is nothing {f'of {keyword} ' if keyword else ''}to violate or touch")
        return refused

    @cached_property
    def _attempts(self) -> Attempts:
        return Attempts(self._references, self._checks[0], self._expansion, self._sending)

    @cached_property
    def _breaking(self) -> Violations:
        return Violations(self._attempts)

    @cached_property
    def _touching(self) -> Boundaries:
        return Boundaries(self._attempts)

    @cached_property
    def _violated(self) -> dict[Spot, Broken | Refusal]:
        base = self._attempts.base(Draws(0), FULL)
        return {one: self._breaking.made(one, Draws(0), base) for one in self._breaking.ways}

    @cached_property
    def _touched(self) -> dict[Spot, Boundary | Refusal]:
        base = self._attempts.base(Draws(0), FULL)
        return {one: self._touching.made(one, Draws(0), base) for one in self._touching.ways}

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


def _under(at: str, pointer: str) -> bool:
    """Whether a pointer leads to a place or below it."""
    return (pointer + "/").startswith(at.rstrip("/") + "/")


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
