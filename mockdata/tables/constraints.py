"""What a field's schema has against a column of values."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mockdata.instances import patterns

_BOUNDS: Mapping[str, tuple[str, Callable[[float, float], bool]]] = {
    "minimum": ("min", operator.lt), "exclusiveMinimum": ("min", operator.le),
    "maximum": ("max", operator.gt), "exclusiveMaximum": ("max", operator.ge),
}  # fmt: skip
"""Keyword → which end of the values it is about, and what breaks it."""


def broken(values: pa.Array, schema: Mapping[str, Any]) -> str | None:
    """The first thing a field's schema has against these values (without nulls), None when there is nothing."""
    if not len(values):
        return None
    constants = [schema["const"]] if "const" in schema else schema.get("enum")
    if constants:
        texts = values if pa.types.is_string(values.type) else values.unique()
        odd = [value for value in _odd(texts, constants) if str(value) not in set(map(str, constants))]
        if odd:
            return f"there is {odd[0]!r}, which is not in the field's list of values"
    if pa.types.is_string(values.type):
        return _text(values, schema)
    return _number(values, schema)


def _odd(texts: pa.Array, constants: list[Any]) -> list[Any]:
    if not pa.types.is_string(texts.type):
        return list(texts.to_pylist())
    known = pa.array([str(value) for value in constants], pa.string())
    return list(texts.filter(pc.invert(pc.is_in(texts, value_set=known))).slice(0, 20).to_pylist())


def _text(values: pa.Array, schema: Mapping[str, Any]) -> str | None:
    lengths = pc.utf8_length(values)
    for word, breaks in (("minLength", pc.less), ("maxLength", pc.greater)):
        if word in schema and pc.any(breaks(lengths, int(schema[word]))).as_py():
            odd = values.filter(breaks(lengths, int(schema[word])))[0].as_py()
            return f"there is {odd!r}, against {word} {schema[word]}"
    if "pattern" not in schema:
        return None
    try:
        template = patterns.compile(schema["pattern"])
    except patterns.Unsupported as error:
        return f"its pattern cannot be read: {error.reason}"
    left = values
    try:
        # a quick look first: what Arrow's expressions let pass the pattern lets pass too, for plain ASCII patterns
        if schema["pattern"].isascii() and "\\s" not in schema["pattern"] and "\\u" not in schema["pattern"]:
            left = values.filter(pc.invert(pc.match_substring_regex(values, schema["pattern"])))
    except pa.ArrowInvalid:
        pass
    odd = next((value for value in left.unique().to_pylist() if not template.matches(value)), None)
    return None if odd is None else f"there is {odd!r}, against pattern {schema['pattern']!r}"


def _number(values: pa.Array, schema: Mapping[str, Any]) -> str | None:
    type = values.type
    if not (pa.types.is_integer(type) or pa.types.is_floating(type) or pa.types.is_decimal(type)):
        return None
    ends = pc.min_max(values)
    for word, (end, breaks) in _BOUNDS.items():
        limit = schema.get(word)
        if isinstance(limit, int | float) and not isinstance(limit, bool):
            found = ends[end].as_py()
            if breaks(float(found), float(limit)):
                return f"there is {found!r}, against {word} {limit}"
    step = schema.get("multipleOf")
    if isinstance(step, int | float) and not isinstance(step, bool) and step > 0:
        odd = _off_step(values, Decimal(str(step)))
        if odd is not None:
            return f"there is {odd!r}, against multipleOf {step}"
    return None


def _off_step(values: pa.Array, step: Decimal) -> Any:
    """The first value that is no multiple of the step; fractions are left aside, they have no exact steps."""
    type = values.type
    if pa.types.is_integer(type) and step == int(step):
        off = np.asarray(values) % int(step) != 0
    elif pa.types.is_decimal(type):
        scaled = step.scaleb(type.scale)
        words = np.frombuffer(values.buffers()[1], dtype=np.int64)[::2][values.offset : values.offset + len(values)]
        if scaled != int(scaled) or not int(scaled):
            return None
        off = words % int(scaled) != 0
    else:
        return None
    return values[int(np.argmax(off))].as_py() if off.any() else None
