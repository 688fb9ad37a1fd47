"""A typed tree evaluated for all rows of a batch at once.

Every value is a vector of length 1 (a constant) or of the batch, with two marks a row: null, and *wrong* where CEL
would give an error (null in arithmetic, division by zero, overflow). Wrong values are absorbed by `&&` and `||` as CEL
has it; what is still wrong at the end is for the caller to judge.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mockdata.tables.expressions.nodes import BOOL, DOUBLE, INT, LIST, NULL, OBJECT, SPAN, STRING, TIME, Node
from mockdata.tables.expressions.texts import matches

Mask = NDArray[np.bool_]
NO: Mask = np.zeros(1, dtype=np.bool_)
_TYPES = {BOOL: np.bool_, INT: np.int64, DOUBLE: np.float64, TIME: np.int64, SPAN: np.int64, NULL: np.bool_}
_DAY = 86_400_000_000


@dataclass(frozen=True, slots=True)
class Vector:
    """`data` is an Arrow array for texts, lists and objects, else a NumPy array (times in microseconds)."""

    kind: str
    data: Any
    null: Mask
    wrong: Mask

    @property
    def unusable(self) -> Mask:
        return self.null | self.wrong


def evaluate(node: Node, columns: Mapping[str, pa.Array]) -> Vector:
    """The values of a tree over columns of equal length."""
    with np.errstate(all="ignore"):
        return _value(node, columns)


def _value(node: Node, columns: Mapping[str, pa.Array]) -> Vector:
    if node.op == "name":
        return of_column(columns[node.value], node.kind)
    if node.op == "constant":
        return _constant(node)
    args = [_value(part, columns) for part in node.args]
    if node.op == "list":
        return Vector(LIST, args, NO, _any([part.wrong for part in args]))
    if node.op in _SPECIAL:
        return _SPECIAL[node.op](node, *args)
    wrong = _any([part.unusable for part in args])
    if node.op in _PARTS:
        return Vector(INT, _PARTS[node.op](args[0].data), NO, wrong)
    if node.op in _TEXTS:
        return Vector(BOOL, _bools(_TEXTS[node.op](args[0].data, node.args[1].value)), NO, wrong)
    return _reckoned(node, args, wrong)


def of_column(column: pa.Array, kind: str) -> Vector:
    """A column's values: dates and times as microseconds, decimals as the nearest fractions."""
    null = np.asarray(column.is_null()) if column.null_count else NO
    if kind in (STRING, LIST, OBJECT):
        return Vector(kind, column, null, NO)
    type = column.type
    if kind == TIME:
        column = pc.cast(column, pa.timestamp("us", tz="UTC")).view(pa.int64())
    elif pa.types.is_decimal(type):
        words = np.frombuffer(column.buffers()[1], dtype=np.int64)[
            2 * column.offset : 2 * (column.offset + len(column))
        ]
        # a whole number below 2**53 over an exact power of ten is rounded once: 1.10 is the fraction nearest to 1.10
        return Vector(DOUBLE, words[::2].astype(np.float64) / 10.0**type.scale, null, NO)
    if null is not NO:
        column = pc.fill_null(column, False if kind == BOOL else 0)
    data: Any = np.asarray(column.to_numpy(zero_copy_only=False), dtype=_TYPES[kind])
    return Vector(kind, data, null, NO)


def _constant(node: Node) -> Vector:
    if node.kind == STRING:
        return Vector(STRING, pa.array([node.value], pa.string()), NO, NO)
    if node.kind == NULL:
        return Vector(NULL, NO, ~NO, NO)
    return Vector(node.kind, np.array([node.value], dtype=_TYPES[node.kind]), NO, NO)


def _any(masks: list[Mask]) -> Mask:
    found = NO
    for mask in masks:
        if mask is not NO:
            found = found | mask
    return found


def _bools(values: Any) -> Mask:
    if isinstance(values, np.ndarray):
        return values.astype(np.bool_)
    return np.asarray(pc.fill_null(values, False).to_numpy(zero_copy_only=False), dtype=np.bool_)


def _side(values: pa.Array, other: pa.Array) -> Any:
    """A constant beside a column, as the scalar Arrow wants."""
    return values[0] if len(values) == 1 != len(other) else values


def _and(node: Node, one: Vector, other: Vector) -> Vector:
    no = (~one.data & ~one.unusable) | (~other.data & ~other.unusable)
    return Vector(BOOL, ~no, NO, (one.unusable | other.unusable) & ~no)


def _or(node: Node, one: Vector, other: Vector) -> Vector:
    yes = (one.data & ~one.unusable) | (other.data & ~other.unusable)
    return Vector(BOOL, yes, NO, (one.unusable | other.unusable) & ~yes)


def _not(node: Node, inner: Vector) -> Vector:
    return Vector(BOOL, ~inner.data, NO, inner.unusable)


def _chosen(node: Node, asked: Vector, yes: Vector, no: Vector) -> Vector:
    which = asked.data
    null = np.where(which, yes.null, no.null)
    wrong = asked.unusable | np.where(which, yes.wrong, no.wrong)
    if node.kind != STRING:
        one = yes.data if yes.kind != NULL else np.zeros(1, dtype=_TYPES[node.kind])
        other = no.data if no.kind != NULL else np.zeros(1, dtype=_TYPES[node.kind])
        return Vector(node.kind, np.where(which, one, other), null, wrong)
    texts = [pa.array([""], pa.string()) if part.kind == NULL else part.data for part in (yes, no)]
    longest = max(len(which), *map(len, texts))
    one, other = (text[0] if len(text) == 1 else text for text in texts)
    return Vector(STRING, pc.if_else(pa.array(np.broadcast_to(which, longest)), one, other), null, wrong)


def _equal(node: Node, one: Vector, other: Vector) -> Vector:
    same = _same(one, other)
    return Vector(BOOL, same if node.op == "==" else ~same, NO, one.wrong | other.wrong)


def _same(one: Vector, other: Vector) -> Mask:
    nulls = one.null & other.null
    if one.kind == NULL or other.kind == NULL:
        return nulls
    if {one.kind, other.kind} == {INT, DOUBLE}:
        same = one.data.astype(np.float64) == other.data.astype(np.float64)
    elif one.kind != other.kind:
        return nulls
    elif one.kind == STRING:
        same = _bools(pc.equal(_side(one.data, other.data), _side(other.data, one.data)))
    else:
        same = one.data == other.data
    return nulls | (np.asarray(same) & ~one.null & ~other.null)


def _within(node: Node, wanted: Vector, among: Vector) -> Vector:
    parts: list[Vector] = among.data
    fixed = all(part.op == "constant" and part.kind == STRING for part in node.args[1].args)
    if fixed and parts and wanted.kind == STRING:
        known = pa.array([part.value for part in node.args[1].args], pa.string())
        return Vector(BOOL, _bools(pc.is_in(wanted.data, value_set=known)) & ~wanted.null, NO, wanted.wrong)
    found = NO
    for part in parts:
        found = found | _same(wanted, part)
    return Vector(BOOL, found, NO, wanted.wrong | among.wrong)


_ORDERS: Mapping[str, tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any]]] = {
    "<": (np.less, pc.less), "<=": (np.less_equal, pc.less_equal),
    ">": (np.greater, pc.greater), ">=": (np.greater_equal, pc.greater_equal),
}  # fmt: skip


def _ordered(node: Node, one: Vector, other: Vector) -> Vector:
    wrong = one.unusable | other.unusable
    by_number, by_text = _ORDERS[node.op]
    if one.kind == STRING:
        return Vector(BOOL, _bools(by_text(_side(one.data, other.data), _side(other.data, one.data))), NO, wrong)
    left, right = one.data, other.data
    if {one.kind, other.kind} == {INT, DOUBLE}:
        left, right = left.astype(np.float64), right.astype(np.float64)
    if left.dtype == np.float64:
        wrong = wrong | np.isnan(left) | np.isnan(right)
    return Vector(BOOL, by_number(left, right), NO, wrong)


def _present(node: Node, inner: Vector) -> Vector:
    return Vector(BOOL, ~inner.null, NO, inner.wrong)


def _has(node: Node, inner: Vector) -> Vector:
    return Vector(BOOL, ~_member_of(inner, node.value).null & ~inner.null, NO, inner.wrong)


def _member(node: Node, inner: Vector) -> Vector:
    found = _member_of(inner, node.value)
    return Vector(found.kind, found.data, NO, inner.unusable | found.null)


def _member_of(inner: Vector, name: str) -> Vector:
    from mockdata.tables.expressions.typing import kind_of

    values = pc.struct_field(inner.data, name)
    return of_column(values, kind_of(values.type))


_SPECIAL: Mapping[str, Callable[..., Vector]] = {
    "&&": _and, "||": _or, "!": _not, "?:": _chosen, "==": _equal, "!=": _equal, "in": _within, "<": _ordered,
    "<=": _ordered, ">": _ordered, ">=": _ordered, "present": _present, "has": _has, "member": _member,
}  # fmt: skip


def _reckoned(node: Node, args: list[Vector], wrong: Mask) -> Vector:
    first = args[0].data
    match node.op:
        case "neg":
            return Vector(node.kind, -first, NO, wrong)
        case "double":
            return Vector(DOUBLE, first.astype(np.float64), NO, wrong)
        case "characters":
            return Vector(INT, _whole(pc.utf8_length(first)), NO, wrong)
        case "size":
            return Vector(INT, _whole(pc.list_value_length(first)), NO, wrong)
        case "string":
            return Vector(STRING, pc.cast(pa.array(first), pa.string()), NO, wrong)
        case "int":
            data, bad = _to_whole(args[0])
            return Vector(INT, data, NO, wrong | bad)
    other = args[1].data
    if node.kind == STRING:
        return Vector(STRING, pc.binary_join_element_wise(_side(first, other), _side(other, first), ""), NO, wrong)
    if node.kind == DOUBLE:
        made = {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.true_divide}[node.op](first, other)
        return Vector(DOUBLE, made, NO, wrong)
    data, bad = _integers(node.op, first, other)
    return Vector(node.kind, data, NO, wrong | bad)


def _whole(values: pa.Array) -> Any:
    return np.asarray(pc.fill_null(values, 0).to_numpy(zero_copy_only=False), dtype=np.int64)


def _to_whole(inner: Vector) -> tuple[Any, Mask]:
    if inner.kind == DOUBLE:
        fits = (inner.data > -(2.0**63)) & (inner.data < 2.0**63)
        return np.trunc(np.where(fits, inner.data, 0.0)).astype(np.int64), ~fits
    found = pc.fill_null(inner.data, "")
    short = _bools(pc.match_substring_regex(found, r"^[+-]?[0-9]{1,18}$"))
    plain = pc.replace_substring_regex(pc.if_else(pa.array(short), found, "0"), r"^\+", "")
    data = np.array(pc.cast(plain, pa.int64()))
    bad = ~short
    for at in np.nonzero(_bools(pc.match_substring_regex(found, r"^[+-]?[0-9]{19,}$")))[0]:
        value = int(found[int(at)].as_py())
        if -(2**63) <= value < 2**63:
            data[at], bad[at] = value, False
    return data, bad


def _integers(op: str, one: Any, other: Any) -> tuple[Any, Mask]:
    """64-bit arithmetic that marks what overflows or divides by zero; division cuts off towards zero, as CEL's."""
    if op == "+":
        made = one + other
        return made, ((one ^ made) & (other ^ made)) < 0
    if op == "-":
        made = one - other
        return made, ((one ^ other) & (one ^ made)) < 0
    if op == "*":
        made = one * other
        size = np.abs(one.astype(np.float64)) * np.abs(other.astype(np.float64))
        wide = size >= 2.0**62
        if not wide.any():
            return made, NO
        left, right = np.broadcast_to(one, wide.shape), np.broadcast_to(other, wide.shape)
        bad = np.zeros(wide.shape, dtype=np.bool_)
        for at in np.nonzero(wide)[0]:
            bad[at] = not -(2**63) <= int(left[at]) * int(right[at]) < 2**63
        return made, bad
    bad = (other == 0) | ((other == -1) & (one == np.int64(-(2**63))))
    by = np.where(bad, 1, other)
    rest = np.fmod(one, by)
    return (rest if op == "%" else (one - rest) // by), bad


def _days(moments: Any) -> Any:
    return moments // _DAY


def _date_parts(moments: Any) -> tuple[Any, Any, Any, Any]:
    """Year, month from 0, day of the month from 0, day of the year from 0."""
    days = _days(moments).astype("datetime64[D]")
    months, years = days.astype("datetime64[M]"), days.astype("datetime64[Y]")
    year = years.astype(np.int64) + 1970
    month = months.astype(np.int64) - years.astype("datetime64[M]").astype(np.int64)
    day = days.astype(np.int64) - months.astype("datetime64[D]").astype(np.int64)
    return year, month, day, days.astype(np.int64) - years.astype("datetime64[D]").astype(np.int64)


_PARTS: Mapping[str, Callable[[Any], Any]] = {
    "getFullYear": lambda at: _date_parts(at)[0],
    "getMonth": lambda at: _date_parts(at)[1],
    "getDayOfMonth": lambda at: _date_parts(at)[2],
    "getDate": lambda at: _date_parts(at)[2] + 1,
    "getDayOfYear": lambda at: _date_parts(at)[3],
    "getDayOfWeek": lambda at: (_days(at) + 4) % 7,
    "getHours": lambda at: at % _DAY // 3_600_000_000,
    "getMinutes": lambda at: at % 3_600_000_000 // 60_000_000,
    "getSeconds": lambda at: at % 60_000_000 // 1_000_000,
    "getMilliseconds": lambda at: at % 1_000_000 // 1_000,
}
_TEXTS: Mapping[str, Callable[[pa.Array, str], Any]] = {
    "startsWith": lambda texts, part: pc.starts_with(texts, part),
    "endsWith": lambda texts, part: pc.ends_with(texts, part),
    "contains": lambda texts, part: pc.match_substring(texts, part),
    "matches": matches,
}
