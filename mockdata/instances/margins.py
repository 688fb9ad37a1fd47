"""The numbers next to a limit, on the grid that the schema around it sets."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from mockdata.instances.negation import kinds
from mockdata.instances.numbers import exact, least_common_multiple, plain

FINEST = 15  # digits a float keeps


def grid(schema: dict[str, Any], limit: Any) -> Fraction:
    """The step between neighbouring numbers: `multipleOf`, 1 for integers, else a hundredth or what the limit is
    written in."""
    step = abs(exact(schema["multipleOf"])) if schema.get("multipleOf") else None
    allowed = kinds(schema["type"]) if "type" in schema else frozenset(("fraction",))
    if "integer" in allowed and "fraction" not in allowed:
        return least_common_multiple(step or Fraction(1), Fraction(1))
    if step is not None:
        return step
    places = 2
    while places < FINEST and (exact(limit) * 10**places).denominator != 1:
        places += 1
    digits = len(str(abs(int(exact(limit)))))
    return Fraction(1, 10 ** max(0, min(places, FINEST - digits)))


def below(schema: dict[str, Any], limit: Any, *, at: bool = False, steps: int = 0) -> int | float | None:
    """The last number before a limit (`at`: or the limit itself), `steps` further down; None when no float is it."""
    step = grid(schema, limit)
    count = math.floor(exact(limit) / step) if at else math.ceil(exact(limit) / step) - 1
    return _written((count - steps) * step)


def above(schema: dict[str, Any], limit: Any, *, at: bool = False, steps: int = 0) -> int | float | None:
    """The first number after a limit, in the same way."""
    step = grid(schema, limit)
    count = math.ceil(exact(limit) / step) if at else math.floor(exact(limit) / step) + 1
    return _written((count + steps) * step)


def between(schema: dict[str, Any]) -> list[int | float]:
    """Numbers between the multiples of `multipleOf`, the nearest to a multiple first."""
    step = abs(exact(schema["multipleOf"]))
    whole = "type" in schema and "fraction" not in kinds(schema["type"])
    low = next((exact(schema[w]) for w in ("minimum", "exclusiveMinimum") if _number(schema.get(w))), None)
    high = next((exact(schema[w]) for w in ("maximum", "exclusiveMaximum") if _number(schema.get(w))), None)
    base = step * (math.floor(low / step) + 1 if low is not None else math.ceil(high / step) - 2 if high else 1)
    offsets = [Fraction(1), Fraction(-1), step - 1] if whole else [step / 10, -step / 10, step / 2]
    if not whole and step > 1:
        offsets = [Fraction(1), Fraction(-1), *offsets]
    found = [_written(base + offset) for offset in offsets]
    return [number for number in found if number is not None]


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _written(value: Fraction) -> int | float | None:
    number = plain(value)
    return number if number is not None and exact(number) == value else None
