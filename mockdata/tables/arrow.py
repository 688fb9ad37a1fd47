"""From JSON Schema types to Arrow types, and values from one Arrow type into another.

Dates become date32, date-times timestamp(us, UTC), numbers that count in decimal steps decimal128, so that Parquet
readers get real types; writers of text formats spell them out again (ISO 8601).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

Schema = Mapping[str, Any]
Resolve = Callable[[dict[str, Any]], dict[str, Any]]

UNFIT = (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError)
"""What Arrow raises for values that cannot be of a type: each kind of conversion has its own."""
MOMENT = pa.timestamp("us", tz="UTC")
COMPACT_DATE = r"^\d{8}$"
_TELLTALE = {
    "object": {"properties"},
    "array": {"items"},
    "string": {"pattern", "minLength", "maxLength", "format"},
    "number": {"minimum", "maximum", "multipleOf"},
}
NAMES = ("string", "integer", "number", "boolean", "array", "object")


def json_type(schema: Schema) -> str | None:
    """The one JSON type of a schema ("null" left aside), from `type` or what its constants are; None if mixed."""
    declared = schema.get("type")
    names = [declared] if isinstance(declared, str) else list(declared or ())
    names = [name for name in names if name != "null"]
    if not names:
        constants = schema.get("enum", [schema["const"]] if "const" in schema else [])
        names = sorted({_constant_type(value) for value in constants if value is not None})
        for name, words in _TELLTALE.items():
            if not names and not words.isdisjoint(schema):
                names = [name]
    if set(names) == {"integer", "number"}:
        return "number"
    return names[0] if len(names) == 1 and names[0] in NAMES else None


def _constant_type(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    kinds = {int: "integer", float: "number", Decimal: "number", str: "string", list: "array"}
    return next((name for kind, name in kinds.items() if isinstance(value, kind)), "object")


def nullable(schema: Schema) -> bool:
    """Whether the schema itself lets the value be null."""
    declared = schema.get("type")
    if isinstance(declared, list):
        return "null" in declared
    return declared is None and None in schema.get("enum", ())


def decimal_places(schema: Schema) -> int | None:
    """Decimal places of a number counted in powers of ten (`multipleOf: 0.01` → 2), None when it is not."""
    step = schema.get("multipleOf")
    if step is None:
        return None
    try:
        sign, digits, exponent = Decimal(str(step)).normalize().as_tuple()
    except InvalidOperation:
        return None
    if sign or digits != (1,) or not isinstance(exponent, int):
        return None
    return max(-exponent, 0)


def type_of(schema: dict[str, Any], resolve: Resolve) -> pa.DataType:
    """The Arrow type of a schema's values.

    Values without one clear type, or with such a value somewhere inside (alternatives, free members, recursion), are
    JSON text as a whole: a string column. `resolve` follows a leading `$ref` (Interface.resolve).
    """
    found = _columnar(schema, resolve, ())
    return pa.string() if found is None else found


def _columnar(schema: dict[str, Any], resolve: Resolve, within: tuple[str, ...]) -> pa.DataType | None:
    if isinstance(reference := schema.get("$ref"), str):
        if reference in within:
            return None
        within = (*within, reference)
    schema = resolve(schema)
    match json_type(schema):
        case "boolean":
            return pa.bool_()
        case "integer":
            return pa.int64()
        case "number":
            return _number_type(schema)
        case "string":
            return {"date": pa.date32(), "date-time": MOMENT}.get(schema.get("format", ""), pa.string())
        case "array" if isinstance(schema.get("items"), dict) and not is_irregular(schema):
            item = _columnar(schema["items"], resolve, within)
            return None if item is None else pa.list_(item)
        case "object" if schema.get("properties") and not is_irregular(schema):
            if set(schema.get("required", ())) - set(schema["properties"]):
                return None
            return _struct(schema["properties"], resolve, within)
    return None


def _struct(members: Mapping[str, Any], resolve: Resolve, within: tuple[str, ...]) -> pa.DataType | None:
    fields = []
    for name, part in members.items():
        inner = _columnar(part, resolve, within) if isinstance(part, dict) else None
        if inner is None:
            return None
        fields.append(pa.field(name, inner))
    return pa.struct(fields)


def _number_type(schema: Schema) -> pa.DataType:
    """decimal128 where the contract names a DECIMAL(precision, scale) or counts in decimal steps, else float64."""
    physical = re.fullmatch(
        r"(?:DECIMAL|NUMERIC)\s*\((\d+)\s*(?:,\s*(\d+))?\)", str(schema.get("x-physical-type", "")), re.IGNORECASE
    )
    if physical:
        precision, scale = int(physical[1]), int(physical[2] or 0)
        if 0 < precision <= 18 and scale <= precision:
            return pa.decimal128(precision, scale)
    places = decimal_places(schema)
    return pa.float64() if places is None or places > 9 else pa.decimal128(18, places)


_IRREGULAR = frozenset(
    {"oneOf", "anyOf", "allOf", "not", "if", "then", "else", "contains", "dependentSchemas", "dependentRequired",
     "patternProperties", "propertyNames", "prefixItems", "unevaluatedItems", "unevaluatedProperties", "minProperties",
     "$dynamicRef", "$ref"}
)  # fmt: skip


def is_irregular(schema: Schema) -> bool:
    """Whether a schema says more than columns of independent values can keep, so that whole instances are drawn."""
    return bool(irregularities(schema))


def irregularities(schema: Schema) -> set[str]:
    """The keywords that make a schema irregular."""
    found = {word for word in _IRREGULAR if word in schema}
    if schema.get("additionalProperties") not in (None, True, False):
        found.add("additionalProperties")
    if schema.get("uniqueItems") and not _countable(schema.get("items")):
        found.add("uniqueItems")
    properties, required = schema.get("properties", {}), schema.get("required", ())
    if schema.get("maxProperties", len(properties)) < len(properties):
        found.add("maxProperties")
    if schema.get("minProperties", 0) <= len(set(required)):
        found.discard("minProperties")
    return found


def _countable(items: Any) -> bool:
    """Whether different items of an array can be counted through: texts, numbers and constants of one type."""
    if not isinstance(items, dict) or _IRREGULAR & items.keys() or "x-faker" in items:
        return False
    return json_type(items) in ("string", "integer", "number", "boolean") and None not in items.get("enum", ())


def is_json_text(schema: dict[str, Any], resolve: Resolve) -> bool:
    """Whether the column holds JSON text because its values have no single Arrow type."""
    schema = resolve(schema)
    return (json_type(schema) != "string" or is_irregular(schema)) and type_of(schema, resolve) == pa.string()


def convert(values: pa.Array, wanted: pa.DataType, schema: Schema) -> pa.Array:
    """`values` as the field's own type. Dates for a text field of eight digits become yyyyMMdd, else ISO 8601.

    Raises pa.ArrowInvalid or pa.ArrowNotImplementedError when the values cannot be of that type.
    """
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if values.type == wanted:
        return values
    if pa.types.is_string(wanted):
        # the casts write ISO 8601 and take a tenth of strftime's time
        if pa.types.is_date(values.type):
            text = pc.cast(values, pa.string())
            return pc.replace_substring(text, "-", "") if _compact(schema) else text
        if pa.types.is_timestamp(values.type):
            whole = pc.cast(pc.cast(values, pa.timestamp("s", tz=values.type.tz)), pa.timestamp("s"))
            text = pc.replace_substring(pc.cast(whole, pa.string()), " ", "T")
            return pc.binary_join_element_wise(text, pa.scalar("Z"), "")
    if pa.types.is_string(values.type) and pa.types.is_date(wanted):
        compact = pc.match_substring_regex(values, COMPACT_DATE)
        dashed = pc.replace_substring_regex(values, r"^(\d{4})(\d\d)(\d\d)$", r"\1-\2-\3")
        return pc.cast(pc.if_else(compact, dashed, values), wanted)
    if pa.types.is_integer(values.type) and pa.types.is_decimal(wanted):
        return pc.cast(pc.cast(values, pa.decimal128(19, 0)), wanted)
    if pa.types.is_floating(values.type) and pa.types.is_decimal(wanted):
        return pc.cast(pc.round(values, wanted.scale), wanted, safe=False)
    if pa.types.is_decimal(values.type) and pa.types.is_integer(wanted):
        return pc.cast(pc.round(values, 0), wanted)
    return pc.cast(values, wanted)


def _compact(schema: Schema) -> bool:
    if schema.get("format") in ("date", "date-time"):
        return False
    pattern = schema.get("pattern", "").replace("[0-9]", r"\d")
    return schema.get("maxLength") == 8 or pattern.startswith(r"^\d{8}")
