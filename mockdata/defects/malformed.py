"""Malformed texts, column-wise: each form turns an Arrow string array into what careless typing makes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mockdata import identifiers
from mockdata.seeds import Ints, Words

Change = Callable[[pa.Array], pa.Array]
_CHECKS = {"iso7064-mod11-2": "0123456789X", "gb32100": identifiers.CREDIT_ALPHABET}
"""Characters a check character may be, by rule; another rule's are the ten digits."""
_WRONG = ("#", "?", "*", "/")
_PLACES = 8
"""A wrong character stands among the first so many."""


def by_group(values: pa.Array, group: Ints, changes: Sequence[Change]) -> pa.Array:
    """Each value changed by the function of its group."""
    parts, at = [], []
    for number, change in enumerate(changes):
        chosen = np.nonzero(group == number)[0]
        if chosen.size:
            parts.append(change(values.take(pa.array(chosen))))
            at.append(chosen)
    if not parts:
        return values
    back = np.empty(len(values), dtype=np.int64)
    back[np.concatenate(at)] = np.arange(len(values))
    return pa.concat_arrays(parts).take(pa.array(back))


def _check_digit(values: pa.Array, words: Words, alphabet: str) -> pa.Array:
    pool = pa.array(list(alphabet), pa.string())
    right = pc.index_in(pc.utf8_slice_codeunits(values, -1), pool).fill_null(0).to_numpy(zero_copy_only=False)
    step = (words % np.uint64(len(alphabet) - 1)).astype(np.int64) + 1
    wrong = pool.take(pa.array((right.astype(np.int64) + step) % len(alphabet)))
    return pc.binary_join_element_wise(pc.utf8_slice_codeunits(values, 0, -1), wrong, "")


def _struck(values: pa.Array, words: Words, wrong: Sequence[str]) -> pa.Array:
    """One character of each value replaced by one of the wrong ones."""
    length = np.maximum(pc.utf8_length(values).fill_null(1).to_numpy(zero_copy_only=False).astype(np.int64), 1)
    place = (words % np.uint64(_PLACES)).astype(np.int64) % length
    which = (words >> np.uint64(8)).astype(np.int64) % len(wrong)

    def strike(at: int, sign: str) -> Change:
        return lambda some: pc.utf8_replace_slice(some, at, at + 1, sign)

    return by_group(
        values, place * len(wrong) + which, [strike(at, sign) for at in range(_PLACES) for sign in wrong]
    )  # fmt: skip


def _pattern(values: pa.Array, words: Words) -> pa.Array:
    return _struck(values, words, _WRONG)


def _encoding(values: pa.Array, words: Words) -> pa.Array:
    return _struck(values, words, ("\ufffd", "锟斤拷", "Ã¤"))


def _truncated(values: pa.Array, words: Words) -> pa.Array:
    def cut(characters: int) -> Change:
        return lambda some: pc.utf8_slice_codeunits(some, 0, -characters)

    return by_group(values, (words % np.uint64(3)).astype(np.int64), [cut(1), cut(2), cut(3)])


def _blanks(values: pa.Array, words: Words) -> pa.Array:
    changes: list[Change] = [
        lambda some: pc.binary_join_element_wise(" ", some, ""),
        lambda some: pc.binary_join_element_wise(some, " ", ""),
        lambda some: pc.binary_join_element_wise(some, "\u3000", ""),
        lambda some: pc.utf8_replace_slice(some, 1, 1, " "),
    ]
    return by_group(values, (words % np.uint64(len(changes))).astype(np.int64), changes)


def _full_width(values: pa.Array) -> pa.Array:
    for digit in range(10):
        values = pc.replace_substring(values, str(digit), chr(0xFF10 + digit))
    return values


def malformed(values: pa.Array, words: Words, form: str, check: str | None) -> pa.Array:
    """The values in one malformed form; a value the form has no hold on stays as it is."""
    if form == "check-digit":
        return _check_digit(values, words, _CHECKS.get(check or "", "0123456789"))
    if form == "full-width":
        return _full_width(values)
    return FORMS[form](values, words)


FORMS: Mapping[str, Callable[[pa.Array, Words], pa.Array]] = MappingProxyType(
    {"pattern": _pattern, "truncated": _truncated, "encoding": _encoding, "blanks": _blanks}
)
