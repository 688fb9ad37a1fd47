"""Rows of a database as Arrow batches: types by the database's own columns, a batch in memory at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
from sqlalchemy import types as sql


def arrow_schema(columns: Sequence[Any]) -> pa.Schema:
    """The Arrow schema of SQLAlchemy columns; what has no counterpart travels as text."""
    return pa.schema([(column.name, _arrow(column.type)) for column in columns])


def batches(result: Any, schema: pa.Schema, rows: int) -> Iterator[pa.RecordBatch]:
    """The rows of a result, ``rows`` at a time. Raises what the database raises, and ArrowInvalid for a value that
    is not what its column says.
    """
    for part in result.partitions(rows):
        values = zip(*part, strict=True) if part else iter(())
        arrays = [_array(list(column), field.type) for column, field in zip(values, schema, strict=True)]
        yield pa.RecordBatch.from_arrays(arrays, schema=schema)


def _arrow(type: Any) -> pa.DataType:
    # the order matters: Boolean, Float and Enum are kinds of others
    if isinstance(type, sql.Boolean):
        return pa.bool_()
    if isinstance(type, sql.Integer):
        return pa.int64()
    if isinstance(type, sql.Float):
        return pa.float64()
    if isinstance(type, sql.Numeric):
        known = type.precision is not None and type.precision <= 38
        return pa.decimal128(type.precision, type.scale or 0) if known else pa.float64()
    if isinstance(type, sql.DateTime):
        return pa.timestamp("us", tz="UTC")
    if isinstance(type, sql.Date):
        return pa.date32()
    return pa.binary() if isinstance(type, sql.LargeBinary) else pa.string()


def _array(values: list[Any], type: pa.DataType) -> pa.Array:
    if pa.types.is_timestamp(type):
        values = [value.replace(tzinfo=UTC) if isinstance(value, datetime) and not value.tzinfo else value
                  for value in values]  # fmt: skip
    elif pa.types.is_float64(type):
        values = [float(value) if isinstance(value, Decimal) else value for value in values]
    elif pa.types.is_decimal(type):
        values = [Decimal(str(value)) if isinstance(value, float | int) else value for value in values]
    elif pa.types.is_string(type):
        values = [value if value is None or isinstance(value, str) else str(value) for value in values]
    return pa.array(values, type)
