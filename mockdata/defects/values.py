"""From right values to wrong ones, column-wise, for every kind of defect that stays inside a cell.

`spoil` is pure: the same value, words and rule give the same wrong value. What a kind has no hold on (a null that
cannot be truncated, a zero in any unit) is left alone and said so.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mockdata import identifiers
from mockdata.defects.malformed import by_group, malformed
from mockdata.defects.rules import KINDS, Rule
from mockdata.defects.target import Target
from mockdata.seeds import Words
from mockdata.tables.arrow import convert

Flags = NDArray[np.bool_]
DAY = 86_400_000_000
"""Microseconds of a day."""
_LONG = 400
"""A late date is up to so many days late."""
_UNITS = {"×10": 10.0, "÷10": 0.1, "×100": 100.0, "÷100": 0.01, "×1000": 1000.0, "÷1000": 0.001, "÷10000": 0.0001}
_STRAY = ("00", "99", "9Z", "X", "未知", "-1", "/")
"""What stands in code fields by mistake, as far as it is no code of the list."""


def spoil(target: Target, rule: Rule, values: pa.Array, words: Words) -> tuple[pa.Array, NDArray[Any], Flags]:
    """(wrong values, their forms, where a value was really spoiled) for some cells of one column.

    The wrong values are of the column's type, of kind `type` text.
    """
    made, forms = _made(target, rule, values, words)
    if rule.kind == "type":
        return made, forms, ~_nulls(values)
    same = pc.fill_null(pc.equal(made, values), False).to_numpy(zero_copy_only=False)
    return made, forms, ~_nulls(values) & ~same


def _nulls(values: pa.Array) -> Flags:
    return np.asarray(values.is_null().to_numpy(zero_copy_only=False))


def _made(target: Target, rule: Rule, values: pa.Array, words: Words) -> tuple[pa.Array, NDArray[Any]]:
    plain = np.full(len(values), "", dtype=object)
    match rule.kind:
        case "missing":
            return _missing(target, rule, values, words)
        case "malformed":
            return _malformed(target, rule, values, words)
        case "swapped":
            first, rest = pc.utf8_slice_codeunits(values, 0, 1), pc.utf8_slice_codeunits(values, 1)
            return pc.binary_join_element_wise(rest, first, ""), np.full(len(values), "name-order", dtype=object)
        case "late":
            return _late(values, words), plain
        case "code":
            pool = _stray(target)
        case "range":
            pool = _outside(target)
        case "unit":
            return _unit(target, values, words)
        case "dangling":
            return nobody(values), plain
        case _:
            return _wrong_type(values), plain
    return pool.take(pa.array((words % np.uint64(len(pool))).astype(np.int64))), plain


def _missing(target: Target, rule: Rule, values: pa.Array, words: Words) -> tuple[pa.Array, NDArray[Any]]:
    empty = np.zeros(len(values), dtype=np.bool_)
    if target.text and rule.forms != ("null",):
        empty = (words & np.uint64(1) > 0) | (rule.forms == ("empty",))
    made = pa.nulls(len(values), target.type)
    if empty.any():
        made = pc.if_else(pa.array(empty), pa.scalar("", target.type), made)
    return made, np.where(empty, "empty", "null").astype(object)


def forms_of(target: Target, rule: Rule) -> tuple[str, ...]:
    """The malformed forms a rule can give this column."""
    fits = [form for form in rule.forms or KINDS["malformed"] if form != "check-digit" or target.check]
    if not rule.forms and not _has_digits(target):
        fits = [form for form in fits if form != "full-width"]
    return tuple(fits)


def _has_digits(target: Target) -> bool:
    pattern = str(target.schema.get("pattern", ""))
    return target.check is not None or "0-9" in pattern or "\\d" in pattern


def _malformed(target: Target, rule: Rule, values: pa.Array, words: Words) -> tuple[pa.Array, NDArray[Any]]:
    forms = forms_of(target, rule)
    which = (words >> np.uint64(40)).astype(np.int64) % len(forms)
    made, order = [], []
    for number, form in enumerate(forms):
        chosen = np.nonzero(which == number)[0]
        if chosen.size:
            made.append(malformed(values.take(pa.array(chosen)), words[chosen], form, target.check))
            order.append(chosen)
    named = np.array(forms, dtype=object)[which]
    if not made:
        return values, named
    back = np.empty(len(values), dtype=np.int64)
    back[np.concatenate(order)] = np.arange(len(values))
    return pa.concat_arrays(made).take(pa.array(back)), named


def _late(values: pa.Array, words: Words) -> pa.Array:
    days = 1 + (words % np.uint64(_LONG)).astype(np.int64)
    if pa.types.is_date(values.type):
        return pc.add(values.cast(pa.int32()), pa.array(days, pa.int32())).cast(values.type)
    return pc.add(values.cast(pa.int64()), pa.array(days * DAY)).cast(values.type)


def _stray(target: Target) -> pa.Array:
    if target.text:
        known = set(target.codes)
        return pa.array([word for word in _STRAY if word not in known], pa.string())
    highest = max(int(code) for code in target.codes)
    return pa.array([highest + step for step in range(1, 9)], target.type)


def _outside(target: Target) -> pa.Array:
    low, high = target.bounds
    step = Decimal(str(target.schema.get("multipleOf", 1)))
    wide = [Decimal(1), Decimal(2), Decimal(9), Decimal(100)]
    numbers = [Decimal(str(high)) + step * k for k in wide] if high is not None else []
    numbers += [Decimal(str(low)) - step * k for k in wide] if low is not None else []
    fits = []
    for number in numbers:
        try:
            fits.append(pa.array([number if pa.types.is_decimal(target.type) else float(number)]).cast(target.type))
        except pa.ArrowInvalid:
            continue  # beyond the column's type: such a number cannot even be written
    return pa.concat_arrays(fits) if fits else pa.nulls(1, target.type)


def _unit(target: Target, values: pa.Array, words: Words) -> tuple[pa.Array, NDArray[Any]]:
    names = list(_UNITS)
    which = (words % np.uint64(len(names))).astype(np.int64)
    factor = np.array([_UNITS[name] for name in names])[which]
    numbers = pc.multiply(values.cast(pa.float64()), pa.array(factor))
    if pa.types.is_integer(target.type):
        numbers = pc.trunc(numbers)
    if pa.types.is_decimal(target.type):
        most = 10.0 ** (target.type.precision - target.type.scale) - 1
        numbers = pc.round(pc.min_element_wise(numbers, pa.scalar(most)), target.type.scale)
    return pc.cast(numbers, target.type, safe=False), np.array(names, dtype=object)[which]


def nobody(numbers: pa.Array) -> pa.Array:
    """Citizen numbers of right form that are nobody's: the birth year moved to the century before anybody was born,
    the check character put right. A malformed number stays as it is.
    """
    matrix, usable = identifiers.byte_matrix(numbers, 18)
    if not usable.any():
        return numbers
    moved = matrix.copy()
    moved[:, 6], moved[:, 7] = ord("1"), ord("8")
    century = (matrix[:, 8] == ord("0")) & (matrix[:, 9] == ord("0"))
    moved[century, 9] = ord("4")  # 1800 was no leap year, 1804 was
    days = identifiers.day_numbers(identifiers.number_of(np.where(usable[:, None], matrix[:, 6:14], 48)))
    usable &= days >= 0
    weights = np.array([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2])
    total = (moved[:, :17].astype(np.int64) - 48) @ weights
    moved[:, 17] = np.frombuffer(b"10X98765432", np.uint8)[total % 11]
    return pc.if_else(pa.array(usable), identifiers.text_column(moved), numbers)


def _wrong_type(values: pa.Array) -> pa.Array:
    if pa.types.is_boolean(values.type):
        return pc.if_else(values, "是", "否")
    if pa.types.is_date(values.type) or pa.types.is_timestamp(values.type):
        return pc.strftime(values.cast(pa.date32()), format="%Y年%m月%d日")
    return pc.binary_join_element_wise("约", pc.cast(values, pa.string()), "")


def spelled(values: pa.Array, as_json: bool = False) -> pa.Array:
    """Values as text files have them; `as_json` puts quotation marks where JSON wants them."""
    text = values
    if pa.types.is_nested(values.type):
        from mockdata.tables.jsonlines import nested_as_text

        return nested_as_text(pa.RecordBatch.from_arrays([values], names=["v"])).column(0)
    if not pa.types.is_string(values.type):
        text = convert(values, pa.string(), {"format": "date"})
    quoted = pa.types.is_string(values.type) or pa.types.is_date(values.type) or pa.types.is_timestamp(values.type)
    return pc.binary_join_element_wise('"', text, '"', "") if as_json and quoted else text


__all__ = ["by_group", "forms_of", "nobody", "spelled", "spoil"]
