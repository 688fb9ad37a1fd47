"""Numbers, days and moments: the grid of values that range, step and type leave."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from math import lcm
from typing import Any

import pyarrow as pa

from mockdata.tables import arrow, distribution
from mockdata.tables.columns import Grid, Recipe
from mockdata.tables.place import Place

EPOCH = date(1970, 1, 1)
SECOND = 1_000_000


def number(schema: dict[str, Any], type: pa.DataType, place: Place, unique: bool) -> Recipe:
    whole = pa.types.is_integer(type)
    low, high = _bound(schema, "minimum", "exclusiveMinimum", max), _bound(schema, "maximum", "exclusiveMaximum", min)
    least, most = _defaults(schema, low[0], high[0], whole, unique)
    step = _step(schema, type, least, most, place)
    if pa.types.is_decimal(type):
        limit = Decimal(10) ** (type.precision - type.scale)
        least, most = max(least, -limit + step), min(most, limit - step)
    first, last = _up(least / step), _down(most / step)
    first += bool(low[1] and first * step == low[0])
    last -= bool(high[1] and last * step == high[0])
    if first > last:
        raise place.fault(_empty(schema, type), "widen the range or the step")
    shape = None
    if "x-distribution" in schema:
        try:
            shape = distribution.read(schema["x-distribution"], float(first * step), float(last * step))
        except (ValueError, AttributeError) as error:
            raise place.fault(f"x-distribution: {error}") from None
    numerator, denominator = step.as_integer_ratio()
    if pa.types.is_decimal(type):
        numerator, denominator = int(step.scaleb(type.scale)), 10**type.scale
    return Grid(first, last, type, numerator, denominator, None if unique else shape, unique)


def _step(schema: dict[str, Any], type: pa.DataType, least: Decimal, most: Decimal, place: Place) -> Decimal:
    """The distance between two neighbouring values: what `multipleOf`, the type and the width of the range ask for."""
    finest = Decimal(1).scaleb(-type.scale) if pa.types.is_decimal(type) else Decimal(1)
    if "multipleOf" in schema:
        step = Decimal(str(schema["multipleOf"]))
        if step <= 0:
            raise place.fault(f"multipleOf must be above 0, not {schema['multipleOf']}")
        if pa.types.is_floating(type):
            return step
        # Multiples of the step that the type can hold: the least common multiple of both.
        a, b = step.as_integer_ratio()
        c, d = finest.as_integer_ratio()
        return Decimal(lcm(a * d, c * b)) / Decimal(b * d)
    if not pa.types.is_floating(type):
        return finest
    places = 2
    while most > least and (most - least).scaleb(places) < 100 and places < 12:
        places += 1  # a narrow range needs finer steps to have any variety
    return Decimal(1).scaleb(-places)


def _down(value: Decimal) -> int:
    return int(value.to_integral_value(ROUND_FLOOR))


def _up(value: Decimal) -> int:
    return int(value.to_integral_value(ROUND_CEILING))


def _bound(
    schema: Mapping[str, Any], closed: str, open: str, pick: Callable[..., Decimal]
) -> tuple[Decimal | None, bool]:
    """(limit, whether it is excluded) out of an inclusive and an exclusive bound."""
    found = [(Decimal(str(schema[word])), word == open) for word in (closed, open) if _is_number(schema.get(word))]
    if not found:
        return None, False
    limit = pick(value for value, _ in found)
    return limit, any(excluded for value, excluded in found if value == limit)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _defaults(
    schema: Mapping[str, Any], low: Decimal | None, high: Decimal | None, whole: bool, unique: bool
) -> tuple[Decimal, Decimal]:
    span = Decimal(2**31 - 2 if unique else 999_999 if whole else 99_999)
    if schema.get("format") == "int32":
        ceiling = Decimal(2**31 - 1)
        low, high = (
            max(low, -ceiling - 1) if low is not None else None,
            min(high, ceiling) if high is not None else None,
        )
        if low is not None and high is None:
            return low, max(low, min(low + span, ceiling))
    if low is None and high is None:
        return (Decimal(1), span + 1) if unique else (Decimal(0), span)
    if low is None:
        assert high is not None
        return (Decimal(0) if high >= 1 else high - span), high
    return low, (low + span if high is None else high)


def _empty(schema: Mapping[str, Any], type: pa.DataType) -> str:
    words = ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", "multipleOf")
    said = ", ".join(f"{word} {schema[word]}" for word in words if word in schema)
    return f"no {'whole number' if pa.types.is_integer(type) else 'number'} of type {type} meets {said}"


def _limit(schema: Mapping[str, Any], words: tuple[str, ...], place: Place) -> datetime | None:
    for word in words:
        value = schema.get(word)
        if isinstance(value, str):
            try:
                found = datetime.fromisoformat(value)
            except ValueError:
                raise place.fault(f"{word} {value!r} is no date") from None
            return found if found.tzinfo else found.replace(tzinfo=UTC)
    return None


_EARLIEST = ("formatMinimum", "x-minimum", "minimum")
_LATEST = ("formatMaximum", "x-maximum", "maximum")


def days(schema: Mapping[str, Any], place: Place, unique: bool) -> Grid:
    """Dates of the last ten years before `as_of`, unless the schema says otherwise (`formatMinimum`, …)."""
    high = _limit(schema, _LATEST, place)
    last = high.date() if high else place.as_of
    low = _limit(schema, _EARLIEST, place)
    first = low.date() if low else last.replace(year=max(last.year - (200 if unique else 10), 1), day=min(last.day, 28))
    if first > last and high is None:
        last = first.replace(year=first.year + 10, day=min(first.day, 28))
    if first > last:
        raise place.fault(f"no date from {first} to {last}", "correct one of the two")
    return Grid((first - EPOCH).days, (last - EPOCH).days, pa.date32(), unique=unique)


def moments(schema: Mapping[str, Any], place: Place, unique: bool) -> Grid:
    grid = days(schema, place, False)
    low, high = grid.low * 86_400, grid.high * 86_400 + 86_399
    for words, index in ((_EARLIEST, 0), (_LATEST, 1)):
        limit = _limit(schema, words, place)
        if limit is not None and (limit.hour or limit.minute or limit.second or "T" in str(schema)):
            exact = int(limit.timestamp())
            low, high = (max(low, exact), high) if index == 0 else (low, min(high, exact))
    return Grid(low, high, arrow.MOMENT, SECOND, unique=unique)
