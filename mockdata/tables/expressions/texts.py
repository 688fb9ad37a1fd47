"""`matches`: by Arrow where its regular expressions and the engine's say the same, else by the engine, value by value.

Arrow's are RE2, the engine's are Rust's: classes like \\d and \\w are ASCII in one and Unicode in the other, \\s
differs by a character, and each knows escapes the other does not.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_ASCII_ONLY = re.compile(r"\\[dDwWbB]")
_ELSE = re.compile(r"\\[A-Za-z0-9]|\(\?|\[\[|&&|--|~~")


def matches(texts: pa.Array, pattern: str) -> Any:
    """Whether each text holds a match of the pattern."""
    plain = _ASCII_ONLY.sub("", pattern)
    alike = not _ELSE.search(plain)
    if alike and plain != pattern:
        alike = bool(pc.all(pc.string_is_ascii(texts)).as_py() or not len(texts))
    if alike:
        try:
            return pc.match_substring_regex(texts, pattern)
        except pa.ArrowInvalid:
            pass
    distinct = texts.dictionary_encode()
    found = np.array([_one(pattern, text) for text in distinct.dictionary.to_pylist()], dtype=np.bool_)
    picks = np.asarray(pc.fill_null(distinct.indices, 0).to_numpy(zero_copy_only=False))
    return found[picks] if len(found) else np.zeros(len(texts), dtype=np.bool_)


@lru_cache(maxsize=65_536)
def _one(pattern: str, text: str) -> bool:
    from mockdata.tables.expressions.engine import program

    return bool(program("t.matches(p)").execute({"t": text, "p": pattern}))
