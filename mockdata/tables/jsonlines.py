"""Record batches as JSON Lines, spelled by the column with Arrow's string kernels (RFC 8259, UTF-8).

Dates are ISO 8601, moments RFC 3339 in UTC, decimals keep their places.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mockdata.tables.arrow import convert

_CONTROL = r"[\x00-\x1f]"
_ESCAPED = bytes([*range(32), ord('"'), ord("\\")])


def lines(batch: pa.RecordBatch, json_text: Collection[str] = (), always: Collection[str] = ()) -> bytes:
    """One line a row. Columns named in `json_text` already hold JSON and go in as they are; those in `always` are
    named even when null, the others are then left out.
    """
    if not batch.num_rows:
        return b""
    parts: list[Any] = []
    for field, column in zip(batch.schema, batch.columns, strict=True):
        spelled = column if field.name in json_text else _spelled(column)
        label = json.dumps(field.name, ensure_ascii=False) + ":"
        # Every member ends in a comma; the last one of a row is cut off at the end.
        member = pc.binary_join_element_wise(pa.scalar(label), spelled, pa.scalar(","), "")
        parts.append(pc.fill_null(member, f"{label}null," if field.name in always else ""))
    rows = pc.binary_join_element_wise(*parts, "")
    closed = pc.binary_join_element_wise(pa.scalar("{"), pc.utf8_rtrim(rows, characters=","), pa.scalar("}\n"), "")
    whole = pc.binary_join(pa.ListArray.from_arrays(pa.array([0, len(closed)], pa.int32()), closed), "")
    return bytes(whole[0].as_buffer())


def _spelled(column: pa.Array) -> pa.Array:
    type = column.type
    if pa.types.is_dictionary(type):
        return _spelled(column.dictionary_decode())
    if pa.types.is_string(type):
        return _quoted(column)
    if pa.types.is_date(type) or pa.types.is_timestamp(type):
        return _quoted(convert(column, pa.string(), {"format": "date"}))
    if pa.types.is_nested(type):
        return _one_by_one(column)
    return pc.cast(column, pa.string())


def holds_any(column: pa.Array, wanted: bytes) -> bool:
    """Whether a text column's bytes have one of these among them: one pass over its memory, no look at the texts."""
    _, offsets, data = column.buffers()
    if data is None or not len(column):
        return False
    ends = np.frombuffer(offsets, np.int32)
    raw = np.frombuffer(data, np.uint8)[ends[column.offset] : ends[column.offset + len(column)]]
    table = np.zeros(256, dtype=bool)
    table[list(wanted)] = True
    return bool(table[raw].any())


def _quoted(column: pa.Array) -> pa.Array:
    if not holds_any(column, _ESCAPED):
        return pc.binary_join_element_wise(pa.scalar('"'), column, pa.scalar('"'), "")
    if pc.any(pc.match_substring_regex(column, _CONTROL)).as_py():
        return _one_by_one(column)
    escaped = pc.replace_substring(pc.replace_substring(column, "\\", "\\\\"), '"', '\\"')
    return pc.binary_join_element_wise(pa.scalar('"'), escaped, pa.scalar('"'), "")


def _one_by_one(column: pa.Array) -> pa.Array:
    values = (None if value is None else json.dumps(plain(value), ensure_ascii=False) for value in column.to_pylist())
    return pa.array(list(values), pa.string())


def plain(value: Any) -> Any:
    """A value as JSON has it: dates ISO 8601, moments RFC 3339 in UTC, decimals as numbers, absent members left out."""
    match value:
        case dict():
            return {name: plain(part) for name, part in value.items() if part is not None}
        case list():
            return [plain(part) for part in value]
        case datetime():
            return value.strftime("%Y-%m-%dT%H:%M:%SZ")
        case date():
            return value.isoformat()
        case Decimal():
            return float(value)
        case _:
            return value


def nested_as_text(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The batch with structs and lists as JSON text and moments as RFC 3339 text, for formats of flat text (CSV)."""
    columns = []
    for column in batch.columns:
        if pa.types.is_nested(column.type):
            column = _spelled(column)
        elif pa.types.is_timestamp(column.type):
            column = convert(column, pa.string(), {})
        columns.append(column)
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)
