"""Which values of a column a schema accepts, by the column."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mockdata.instances import ecma
from mockdata.instances.matching import re2
from mockdata.tables.jsonlines import plain

Mask = NDArray[np.bool_]
_SILENT = frozenset(("title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly", "$comment"))
_LIMITS = {
    "minimum": np.greater_equal, "exclusiveMinimum": np.greater,
    "maximum": np.less_equal, "exclusiveMaximum": np.less,
}  # fmt: skip
_LENGTHS = {"minLength": np.greater_equal, "maxLength": np.less_equal}


class _Slow(Exception):
    """A keyword that only a validator knows."""


@dataclass(frozen=True)
class Accepts:
    """A schema (self-contained, written as JSON) as a test of columns. `text`: they hold JSON text."""

    schema: str
    text: bool = False

    @property
    def null(self) -> bool:
        """Whether null itself is accepted."""
        return bool(_judge(self.schema).is_valid(None))

    def met(self, values: pa.Array) -> Mask:
        """One answer a row, False for nulls."""
        there = np.asarray(values.is_valid())
        if not there.any():
            return there
        try:
            found = self._quick(values)
        except _Slow:
            found = self._one_by_one(values)
        return there & found

    def _quick(self, values: pa.Array) -> Mask:
        if self.text:
            raise _Slow
        return _Column(values).met(_parsed(self.schema))

    def _one_by_one(self, values: pa.Array) -> Mask:
        judge = _judge(self.schema)
        if pa.types.is_nested(values.type):
            return np.array([value is not None and judge.is_valid(plain(value)) for value in values.to_pylist()])
        coded = values.dictionary_encode()
        if isinstance(coded, pa.ChunkedArray):
            coded = coded.combine_chunks()
        known = [json.loads(v) if self.text else plain(v) for v in coded.dictionary.to_pylist()]
        good = np.array([judge.is_valid(value) for value in known], dtype=np.bool_)
        return good[np.asarray(pc.fill_null(coded.indices, 0))] if len(good) else np.zeros(len(values), np.bool_)


class _Column:
    """A column of one plain type."""

    def __init__(self, values: pa.Array) -> None:
        self.values, self.type = values, values.type
        self.rows = len(values)
        whole = pa.types.is_integer(self.type)
        self.numeric = whole or pa.types.is_floating(self.type) or pa.types.is_decimal(self.type)
        self.string = pa.types.is_string(self.type)
        if not (self.numeric or self.string or pa.types.is_boolean(self.type)):
            raise _Slow

    def met(self, schema: Any) -> Mask:
        """One answer a row; rows of null have any."""
        if isinstance(schema, bool):
            return np.full(self.rows, schema)
        made = np.ones(self.rows, dtype=np.bool_)
        for word, value in schema.items():
            if word.startswith("x-") or word in _SILENT:
                continue
            made = made & self._word(word, value, schema)
        return made

    def _word(self, word: str, value: Any, schema: Mapping[str, Any]) -> Mask:
        match word:
            case "type":
                return self._of_type([value] if isinstance(value, str) else value)
            case "const":
                return self._among([value])
            case "enum":
                return self._among(value)
            case "not":
                return ~self.met(value)
            case "allOf":
                return np.asarray(np.logical_and.reduce([self.met(part) for part in value]))
            case "anyOf":
                return np.asarray(np.logical_or.reduce([self.met(part) for part in value]))
            case "pattern" if self.string:
                return self._matching(value)
        if word in _LIMITS:
            if not self.numeric:
                return np.ones(self.rows, np.bool_)
            return np.asarray(_LIMITS[word](self._numbers(), float(value)), dtype=np.bool_)
        if word in _LENGTHS:
            if not self.string:
                return np.ones(self.rows, np.bool_)
            lengths = np.asarray(pc.fill_null(pc.utf8_length(self.values), 0))
            return np.asarray(_LENGTHS[word](lengths, int(value)), dtype=np.bool_)
        raise _Slow

    def _numbers(self) -> NDArray[np.float64]:
        return np.asarray(pc.fill_null(pc.cast(self.values, pa.float64()), 0.0))

    def _of_type(self, names: list[str]) -> Mask:
        if self.string:
            return np.full(self.rows, "string" in names)
        if not self.numeric:
            return np.full(self.rows, "boolean" in names)
        if "number" in names or "integer" not in names:
            return np.full(self.rows, "number" in names)
        numbers = self._numbers()
        return np.ones(self.rows, np.bool_) if pa.types.is_integer(self.type) else numbers == np.floor(numbers)

    def _among(self, constants: list[Any]) -> Mask:
        if self.string:
            known = [value for value in constants if isinstance(value, str)]
            return np.asarray(pc.is_in(self.values, value_set=pa.array(known, pa.string())))
        flags = [value for value in constants if isinstance(value, bool)]
        if not self.numeric:
            return np.asarray(pc.fill_null(pc.is_in(self.values, value_set=pa.array(flags, pa.bool_())), False))
        numbers = [v for v in constants if isinstance(v, int | float) and not isinstance(v, bool)]
        if pa.types.is_integer(self.type):
            whole = [int(v) for v in numbers if v == int(v) and abs(v) < 2**63]
            return np.isin(np.asarray(pc.fill_null(self.values, 0)), np.array(whole, dtype=np.int64))
        return np.isin(self._numbers(), np.array(numbers, dtype=np.float64))

    def _matching(self, pattern: str) -> Mask:
        try:
            translated = re2(ecma.parse(pattern))
        except ecma.Unsupported:
            raise _Slow from None
        if translated is None:
            raise _Slow
        try:
            return np.asarray(pc.fill_null(pc.match_substring_regex(self.values, translated), False))
        except pa.ArrowInvalid:
            raise _Slow from None


@lru_cache(maxsize=512)
def _parsed(schema: str) -> Any:
    return json.loads(schema)


@lru_cache(maxsize=512)
def _judge(schema: str) -> Any:
    from mockdata.instances.checks import compile_schema

    return compile_schema(json.loads(schema))
