"""From a schema to the recipe of a column: every assertion in it must hold in what the recipe draws."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from mockdata.instances import patterns
from mockdata.seeds import stream
from mockdata.tables import arrow
from mockdata.tables.columns import Codes, Nullable, Phrase, Recipe, Spelled, Text
from mockdata.tables.nested import Instance, Record, Series
from mockdata.tables.place import Place, PlanError
from mockdata.tables.providers import provider
from mockdata.tables.ranges import days, moments, number

__all__ = ["ABSENT_SHARE", "Place", "PlanError", "optional", "recipe"]

ABSENT_SHARE = 0.05
"""Share of rows in which an optional field is left empty, unless `x-null-share` says otherwise."""
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
    kind = arrow.json_type(schema)
    if "x-distribution" in schema and kind not in ("integer", "number"):
        raise place.fault("x-distribution shapes numbers only", "weights of listed values are x-weights")
    if "x-weights" in schema and kind != "boolean":
        raise place.fault("x-weights weighs the values of an enum, and there is none")
    match kind:
        case "boolean":
            return Codes((False, True), type, _weights(schema, [False, True], place), unique)
        case "integer" | "number":
            return number(schema, type, place, unique)
        case "string":
            return _checked(_string(schema, type, place, unique), schema, place, unique)
        case "object" if pa.types.is_struct(type):
            return _record(schema, type, place)
        case "array" if pa.types.is_list(type):
            return _series(schema, type, place)
        case _:
            return _instance(schema, place, unique)


def optional(inner: Recipe, schema: Mapping[str, Any], place: Place) -> Recipe:
    """The recipe of a member of an object with its share of absent values: `x-null-share` (0 … 1), else 5 %."""
    share = schema.get("x-null-share", ABSENT_SHARE)
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
        raise place.fault(f"x-null-share must be a number from 0 to 1, not {share!r}")
    return Nullable(inner, float(share)) if share else inner


def _constants(schema: dict[str, Any], type: pa.DataType, place: Place, unique: bool) -> Recipe:
    values = [schema["const"]] if "const" in schema else list(schema["enum"])
    _lengths(schema, place)
    if "pattern" in schema:
        _template(schema["pattern"], 0, None, place)
    judge = _judge({word: value for word, value in schema.items() if word != "enum"}, place)
    kept = [value for value in values if value is not None and judge.is_valid(value)]
    if not kept:
        if None in values and arrow.nullable(schema):
            return _instance(schema, place, unique)
        what = "none of its values meets the pattern, length or range" if values else "it lists no value"
        raise place.fault(f"enum: {what}")
    # a list may name a value twice; a unique column may not
    kept = list({named(value): value for value in kept}.values())
    if type == pa.string() and not all(isinstance(value, str) for value in kept):
        import json

        kept = [json.dumps(value, ensure_ascii=False) for value in kept]
    return Codes(tuple(kept), type, _weights(schema, kept, place), unique)


def named(value: Any) -> str:
    """A constant as weights and cases name it."""
    return ("false", "true")[value] if isinstance(value, bool) else str(value)


def _weights(schema: Mapping[str, Any], values: list[Any], place: Place) -> tuple[float, ...] | None:
    declared = schema.get("x-weights")
    if declared is None:
        return None
    if isinstance(declared, Mapping):
        said = {named(value): weight for value, weight in declared.items()}
        unknown = said.keys() - {named(value) for value in values}
        if unknown:
            raise place.fault(f"x-weights names {sorted(unknown)[0]!r}, which is not in the enum")
        declared = [said.get(named(value), 0) for value in values]
    whole = isinstance(declared, list) and len(declared) == len(values)
    if not whole or not all(_is_weight(weight) for weight in declared) or not sum(declared):
        raise place.fault("x-weights must give each value of the enum a number of 0 or more, not all 0")
    return tuple(float(weight) for weight in declared)


def _is_weight(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < float("inf")


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
        made = days(schema, place, unique)
        if pattern is not None and not _template(pattern, 0, None, place).matches(place.as_of.isoformat()):
            raise place.fault(f"format date (like {place.as_of.isoformat()}) against pattern {pattern!r}")
        if low > 10 or (high is not None and high < 10):
            raise place.fault("format date takes 10 characters, which the lengths forbid")
        return made
    if pa.types.is_timestamp(type):
        made = moments(schema, place, unique)
        shown = f"{place.as_of.isoformat()}T00:00:00Z"
        if pattern is not None and not _template(pattern, 0, None, place).matches(shown):
            raise place.fault(f"format date-time (like {shown}) against pattern {pattern!r}")
        if low > len(shown) or (high is not None and high < len(shown)):
            raise place.fault(f"format date-time takes {len(shown)} characters, which the lengths forbid")
        return made
    if pattern is not None:
        template = _template(pattern, low, high, place)
        if _says_date(place.column, schema) and template.matches(f"{place.as_of:%Y%m%d}"):
            return Spelled(days(schema, place, unique), "%Y%m%d")
        if unique and template.size is None:
            raise place.fault(
                f"pattern {pattern!r}: with look-around or back-references its strings cannot be told apart in advance",
                "write the pattern without them, or drop the uniqueness",
            )
        return Text(pattern, low, high, unique)
    if format in FORMATS:
        try:
            _template(FORMATS[format], low, high, place)
        except PlanError as fault:  # the lengths leave no room for the usual ones
            return _listed(schema, place, unique, fault)
        return Text(FORMATS[format], low, high, unique)
    if unique:
        return _code(low, high, place)
    return _phrase(low, high, place)


def _checked(made: Recipe, schema: dict[str, Any], place: Place, unique: bool) -> Recipe:
    """The recipe, or a list of strings that meet all keywords where the recipe's do not (pattern beside format)."""
    if "format" not in schema or not isinstance(made, Text | Phrase | Spelled):
        return made
    judge = _judge(schema, place)
    if all(judge.is_valid(value) for value in made.draw(np.arange(64), 0).to_pylist()):
        return made
    return _listed(schema, place, unique, place.fault(f"format {schema['format']!r} against the other constraints"))


def _listed(schema: dict[str, Any], place: Place, unique: bool, fault: PlanError) -> Recipe:
    """Strings found one by one. Raises `fault` when there are none, or when they would have to be counted."""
    from mockdata.instances import Instances, Unsatisfiable

    judge = _judge(schema, place)
    try:
        found = Instances(place.standalone(_assertions(schema)))
        values = [found.example(stream(place.seed, "strings", at)) for at in range(512)]
    except Unsatisfiable:
        raise fault from None
    kept = tuple(dict.fromkeys(value for value in values if judge.is_valid(value)))
    if unique or not kept:
        raise fault
    return Codes(kept, pa.string())


def _assertions(schema: dict[str, Any]) -> dict[str, Any]:
    return {word: value for word, value in schema.items() if not word.startswith("x-")}


def _judge(schema: dict[str, Any], place: Place) -> Any:
    import jsonschema_rs

    return jsonschema_rs.validator_for(place.standalone(_assertions(schema)), validate_formats=True)


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
    distinct = bool(schema.get("uniqueItems"))
    item = recipe(schema["items"], place.inside("items"), unique=distinct, type=type.value_type)
    if distinct:
        size = item.size or 0
        if size < low:
            raise place.fault(f"minItems {low} with uniqueItems, but only {size} different items are possible",
                              "lower minItems, or allow more items")  # fmt: skip
        high = min(high, size)
    return Series(item, low, min(high, low + 8), type, distinct)


def _instance(schema: dict[str, Any], place: Place, unique: bool) -> Recipe:
    from mockdata.instances import Instances, Unsatisfiable

    if unique:
        raise place.fault("uniqueness cannot be kept for values with alternatives or conditions in their schema")
    whole = place.standalone(schema)
    try:
        Instances(whole, formal=True).example(0)
    except Unsatisfiable as error:
        raise PlanError(place.column, place.pointer + error.pointer, error.reason) from None
    return Instance(whole)
