"""From a schema to the recipe of a column: every assertion in it must hold in what the recipe draws."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from math import lcm
from typing import Any

import pyarrow as pa

from mockdata.instances import patterns
from mockdata.tables import arrow, distribution
from mockdata.tables.columns import Codes, Grid, Instance, Nullable, Phrase, Recipe, Record, Series, Spelled, Text
from mockdata.tables.providers import provider

ABSENT_SHARE = 0.05
"""Share of rows in which an optional field is left empty, unless `x-null-share` says otherwise."""
EPOCH = date(1970, 1, 1)
SECOND = 1_000_000
WIDEST = 2**62

FORMATS: Mapping[str, str] = {
    "uuid": r"^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$",
    "email": r"^[a-z]{4,9}\.[a-z]{5}[0-9]{0,3}@example\.(com|org|net)$",
    "uri": r"^https://example\.(com|org|net)/[a-z]{4,8}/[0-9]{1,5}$",
    "hostname": r"^[a-z]{3,9}\.example\.(com|org|net)$",
    "ipv4": r"^(192\.0\.2|198\.51\.100|203\.0\.113)\.(25[0-4]|2[0-4]\d|1\d\d|[1-9]\d|[1-9])$",
    "ipv6": r"^2001:db8::[1-9a-f][0-9a-f]{3}:[1-9a-f][0-9a-f]{3}$",
    "time": r"^([01]\d|2[0-3]):[0-5]\d:[0-5]\dZ$",
    "duration": r"^P([1-9]|[12]\d)D$",
    "byte": r"^([A-Za-z0-9+/]{4}){3,8}$",
    "json-pointer": r"^/[a-z]{3,8}/[0-9]$",
}
"""Formats as patterns. Hosts and addresses are those kept for documentation (RFC 2606, 5737, 3849)."""
_SAME = {"url": "uri", "iri": "uri", "uri-reference": "uri", "idn-email": "email", "guid": "uuid", "base64": "byte"}

_ENGLISH = (
    "amber basin cedar delta ember fjord grove harbor island jasper kernel lagoon meadow nectar orchid pebble quartz "
    "river summit timber umbra valley willow yarrow zephyr anchor beacon canyon garnet hazel"
)
_CHINESE = (
    "登记 受理 审核 办理 复核 归档 变更 补充 说明 材料 窗口 现场 线上 委托 本人 家属 核对 一致 完成 备案 通知 领取 "
    "邮寄 自取"
)
WORDS_EN, WORDS_ZH = _ENGLISH.split(), _CHINESE.split()


class PlanError(ValueError):
    """Data that cannot be made. `column` and `pointer` say where, `reason` what, `hint` what to do."""

    def __init__(self, column: str, pointer: str, reason: str, hint: str = "") -> None:
        super().__init__(f"{column}: {reason}" if column else reason)
        self.column, self.pointer, self.reason, self.hint = column, pointer, reason, hint

    def __reduce__(self) -> Any:  # so that it can come back from another process
        return type(self), (self.column, self.pointer, self.reason, self.hint)


@dataclass(frozen=True)
class Place:
    """Where a schema stands: the column it belongs to, its pointer, and the interface's way with references."""

    column: str
    pointer: str
    resolve: arrow.Resolve
    standalone: Callable[[dict[str, Any]], dict[str, Any]]
    as_of: date
    seed: int | str
    language: str = "en"

    def fault(self, reason: str, hint: str = "") -> PlanError:
        return PlanError(self.column, self.pointer, reason, hint)

    def inside(self, *steps: str) -> Place:
        return replace(self, pointer="/".join((self.pointer, *steps)), column=".".join((self.column, steps[-1])))


def recipe(schema: dict[str, Any], place: Place, unique: bool = False, type: pa.DataType | None = None) -> Recipe:
    """The recipe for values of `schema`, of its own Arrow type unless `type` is given. Raises PlanError when its
    constraints contradict each other.
    """
    type = arrow.type_of(schema, place.resolve) if type is None else type
    schema = place.resolve(schema)
    if "x-faker" in schema:
        return provider(schema, type, place, unique)
    if "const" in schema or "enum" in schema:
        return _constants(schema, type, place, unique)
    if arrow.is_irregular(schema) or arrow.json_type(schema) is None:
        return _instance(schema, place, unique)
    match arrow.json_type(schema):
        case "boolean":
            return Codes((False, True), type, None, unique)
        case "integer" | "number":
            return _number(schema, type, place, unique)
        case "string":
            return _string(schema, type, place, unique)
        case "object" if pa.types.is_struct(type):
            return _record(schema, type, place)
        case "array" if pa.types.is_list(type):
            return _series(schema, type, place)
        case _:
            return _instance(schema, place, unique)


def optional(inner: Recipe, schema: Mapping[str, Any], place: Place) -> Recipe:
    """The recipe with its share of absent values: `x-null-share` (0 … 1), else 5 %."""
    share = schema.get("x-null-share", ABSENT_SHARE)
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
        raise place.fault(f"x-null-share must be a number from 0 to 1, not {share!r}")
    return Nullable(inner, float(share)) if share else inner


def _constants(schema: dict[str, Any], type: pa.DataType, place: Place, unique: bool) -> Recipe:
    values = [schema["const"]] if "const" in schema else list(schema["enum"])
    values = [value for value in values if value is not None]
    low, high = _lengths(schema, place)
    rest: dict[str, Any] = {
        word: schema[word] for word in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum") if word in schema
    }
    pattern = schema.get("pattern")
    kept = []
    for value in values:
        if isinstance(value, str):
            fits = low <= len(value) <= (WIDEST if high is None else high)
            fits = fits and (pattern is None or _template(pattern, 0, None, place).matches(value))
        else:
            fits = isinstance(value, bool) or not isinstance(value, int | float) or _in_range(value, rest)
        if fits:
            kept.append(value)
    if not kept:
        what = "none of its values meets the pattern, length or range" if values else "it lists no value"
        raise place.fault(f"enum: {what}")
    if type == pa.string() and not all(isinstance(value, str) for value in kept):
        import json

        kept = [json.dumps(value, ensure_ascii=False) for value in kept]
    return Codes(tuple(kept), type, _weights(schema, kept, place), unique)


def _weights(schema: Mapping[str, Any], values: list[Any], place: Place) -> tuple[float, ...] | None:
    declared = schema.get("x-weights")
    if declared is None:
        return None
    if isinstance(declared, Mapping):
        unknown = set(map(str, declared)) - set(map(str, values))
        if unknown:
            raise place.fault(f"x-weights names {sorted(unknown)[0]!r}, which is not in the enum")
        declared = [declared.get(value, declared.get(str(value), 0)) for value in values]
    bad = [w for w in declared if isinstance(w, bool) or not isinstance(w, int | float) or w < 0]
    if bad or len(declared) != len(values) or not sum(declared):
        raise place.fault("x-weights must give each value of the enum a number of 0 or more, not all 0")
    return tuple(float(weight) for weight in declared)


def _in_range(value: float, bounds: Mapping[str, float]) -> bool:
    return (
        value >= bounds.get("minimum", value)
        and value <= bounds.get("maximum", value)
        and ("exclusiveMinimum" not in bounds or value > bounds["exclusiveMinimum"])
        and ("exclusiveMaximum" not in bounds or value < bounds["exclusiveMaximum"])
    )


def _number(schema: dict[str, Any], type: pa.DataType, place: Place, unique: bool) -> Recipe:
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


def _lengths(schema: Mapping[str, Any], place: Place) -> tuple[int, int | None]:
    low, high = int(schema.get("minLength", 0)), schema.get("maxLength")
    if high is not None and low > high:
        raise place.fault(f"minLength {low} is more than maxLength {high}", "correct one of the two")
    return low, None if high is None else int(high)


def _template(pattern: str, low: int, high: int | None, place: Place) -> patterns.Template:
    try:
        return patterns.compile(pattern, low, high)
    except patterns.Unsupported as error:
        raise place.fault(f"pattern {pattern!r}: {error.reason}", "correct the pattern or the lengths") from None


def _string(schema: dict[str, Any], type: pa.DataType, place: Place, unique: bool) -> Recipe:
    low, high = _lengths(schema, place)
    format = schema.get("format", "")
    format = _SAME.get(format, format)
    pattern = schema.get("pattern")
    if pa.types.is_date(type):
        days = _days(schema, place, unique)
        if pattern is not None and not _template(pattern, 0, None, place).matches(place.as_of.isoformat()):
            raise place.fault(f"format date (like {place.as_of.isoformat()}) against pattern {pattern!r}")
        if low > 10 or (high is not None and high < 10):
            raise place.fault("format date takes 10 characters, which the lengths forbid")
        return days
    if pa.types.is_timestamp(type):
        return _moments(schema, place, unique)
    if pattern is not None:
        template = _template(pattern, low, high, place)
        if _says_date(place.column, schema) and template.matches(f"{place.as_of:%Y%m%d}"):
            return Spelled(_days(schema, place, unique), "%Y%m%d")
        if unique and template.size is None:
            raise place.fault(
                f"pattern {pattern!r}: with look-around or back-references its strings cannot be told apart in advance",
                "write the pattern without them, or drop the uniqueness",
            )
        return Text(pattern, low, high, unique)
    if format in FORMATS:
        _template(FORMATS[format], low, high, place)
        return Text(FORMATS[format], low, high, unique)
    if unique:
        return _code(low, high, place)
    return _phrase(low, high, place)


def _says_date(column: str, schema: Mapping[str, Any]) -> bool:
    text = f"{schema.get('title', '')} {schema.get('description', '')}"
    return bool(re.search(r"日期|(?i:\bdate\b)", text) or re.search(r"(RQ|(?i:date))$", column))


def _code(low: int, high: int | None, place: Place) -> Recipe:
    width = 12 if high is None else min(12, high)
    pattern = f"^[A-Z0-9]{{{max(width, low)}}}$"
    _template(pattern, low, high, place)
    return Text(pattern, low, high, True)


def _phrase(low: int, high: int | None, place: Place) -> Recipe:
    chinese = place.language == "zh_CN"
    words = WORDS_ZH if chinese else WORDS_EN
    widest = max(map(len, words)) + (0 if chinese else 1)
    most = 3 if high is None else min(3, high // widest)
    if low <= (2 if chinese else 4) and most >= 1:
        return Phrase(tuple(words), "" if chinese else " ", 1, most)
    longest = low + 16 if high is None else min(high, low + 16)
    return Text(f"^[a-z]{{{min(max(low, 1), longest)},{longest}}}$", low, high)


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


def _days(schema: Mapping[str, Any], place: Place, unique: bool) -> Grid:
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


def _moments(schema: Mapping[str, Any], place: Place, unique: bool) -> Grid:
    days = _days(schema, place, False)
    low, high = days.low * 86_400, days.high * 86_400 + 86_399
    for words, index in ((_EARLIEST, 0), (_LATEST, 1)):
        limit = _limit(schema, words, place)
        if limit is not None and (limit.hour or limit.minute or limit.second or "T" in str(schema)):
            exact = int(limit.timestamp())
            low, high = (max(low, exact), high) if index == 0 else (low, min(high, exact))
    return Grid(low, high, arrow.MOMENT, SECOND, unique=unique)


def _record(schema: dict[str, Any], type: pa.DataType, place: Place) -> Recipe:
    required = set(schema.get("required", ()))
    members = []
    for name, part in schema["properties"].items():
        there = place.inside("properties", name)
        inner = recipe(part, there, type=type.field(name).type)
        members.append((name, inner if name in required else optional(inner, place.resolve(part), there)))
    return Record(tuple(members), type)


def _series(schema: dict[str, Any], type: pa.DataType, place: Place) -> Recipe:
    low = int(schema.get("minItems", 0))
    high = int(schema["maxItems"]) if "maxItems" in schema else low + 3
    if low > high:
        raise place.fault(f"minItems {low} is more than maxItems {high}", "correct one of the two")
    return Series(recipe(schema["items"], place.inside("items"), type=type.value_type), low, min(high, low + 8), type)


def _instance(schema: dict[str, Any], place: Place, unique: bool) -> Recipe:
    from mockdata.instances import Instances, Unsatisfiable

    if unique:
        raise place.fault("uniqueness cannot be kept for values with alternatives or conditions in their schema")
    whole = place.standalone(schema)
    try:
        Instances(whole).example(0)
    except Unsatisfiable as error:
        raise PlanError(place.column, place.pointer + error.pointer, error.reason) from None
    return Instance(whole)
