"""An expression over the columns of a table."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mockdata.tables import arrow
from mockdata.tables.expressions import engine, vectors
from mockdata.tables.expressions.nodes import (
    BOOL,
    DOUBLE,
    EPOCH,
    INT,
    NULL,
    SPAN,
    STRING,
    TIME,
    Beyond,
    ExpressionError,
    Node,
    conjuncts,
    written,
)
from mockdata.tables.expressions.parse import parse
from mockdata.tables.expressions.typing import CALLS, METHODS, ROW, typed

_ARROW = {
    BOOL: pa.bool_(), INT: pa.int64(), DOUBLE: pa.float64(), STRING: pa.string(), NULL: pa.null(),
    TIME: pa.timestamp("us", tz="UTC"), SPAN: pa.duration("us"),
}  # fmt: skip

_BINDERS = re.compile(r"\.(?:all|exists|exists_one|map|filter)\(\s*([A-Za-z_]\w*)\s*,")
_FUNCTIONS = frozenset(
    (*CALLS, *METHODS, "uint", "bytes", "bool", "type", "dyn", "has", "all", "exists", "exists_one", "map", "filter",
     "in", "max", "min", "characters")
)  # fmt: skip


@dataclass(frozen=True)
class Expression:
    """Compiled by `compile`. `names`: the columns it reads. `tree` None: the engine takes it row by row, and `kind` is
    not known beforehand.
    """

    text: str
    names: tuple[str, ...]
    tree: Node | None

    @property
    def kind(self) -> str | None:
        """The kind of its values (bool, int, double, string, timestamp, duration), None when only rows tell."""
        return None if self.tree is None else self.tree.kind

    def values(self, columns: Mapping[str, pa.Array], rows: int) -> tuple[pa.Array, NDArray[np.bool_]]:
        """One value a row, and where there is none because the row's values do not allow it (those are null)."""
        if self.tree is None:
            seen = {name: columns[name] for name in self.names}
            found = list(engine.by_row(self.text, {ROW: _rows(seen)} | seen, self._variables(), rows))
            wrong = np.array([bad for _, bad in found], dtype=np.bool_)
            return _gathered([value for value, _ in found]), wrong
        made = vectors.evaluate(self.tree, columns)
        wrong, missing = np.broadcast_to(made.wrong, rows), np.broadcast_to(made.unusable, rows)
        if made.kind in (NULL, STRING):
            values = pa.nulls(rows) if made.kind == NULL else _spread(made.data, rows)
            if missing.any():
                import pyarrow.compute as pc

                values = pc.if_else(pa.array(missing), pa.scalar(None, values.type), values)
            return values, wrong
        data = np.ascontiguousarray(np.broadcast_to(made.data, rows))
        plain = pa.array(data, mask=missing if missing.any() else None)
        return (plain.view(_ARROW[made.kind]) if made.kind in (TIME, SPAN) else plain), wrong

    def holds(self, columns: Mapping[str, pa.Array], rows: int) -> NDArray[np.bool_]:
        """Where it is true. Raises ExpressionError when it gives anything but true and false."""
        values, _ = self.values(columns, rows)
        if pa.types.is_null(values.type):
            return np.zeros(rows, dtype=np.bool_)
        if not pa.types.is_boolean(values.type):
            raise ExpressionError(f"{self.text!r} gives a {values.type}, not true or false")
        return np.asarray(values.fill_null(False).to_numpy(zero_copy_only=False), dtype=np.bool_)

    @property
    def parts(self) -> tuple[Expression, ...]:
        """The expressions that must all hold, for a condition joined by `&&`."""
        if self.tree is None:
            return (self,)
        return tuple(Expression("", tuple(dict.fromkeys(n.names())), n) for n in conjuncts(self.tree))

    def as_cel(self) -> tuple[str, dict[str, str]]:
        """The translated expression as CEL for the engine, and which variable stands for which column."""
        assert self.tree is not None
        alias = {name: f"v{number}" for number, name in enumerate(self.names)}
        return written(self.tree, alias), alias

    def _variables(self) -> list[str]:
        bound = set(_BINDERS.findall(self.text))
        return [name for name in engine.program(self.text).variables() if name not in bound]


def compile(text: str, types: Mapping[str, pa.DataType]) -> Expression:
    """The expression over columns of these types. Raises ExpressionError, with the position where it is known."""
    if not isinstance(text, str) or not text.strip():
        raise ExpressionError("an expression must be a text that is not empty")
    try:
        tree = typed(parse(text), types)
    except Beyond:
        return _untranslated(text, types)
    return Expression(text, tuple(dict.fromkeys(tree.names())), tree)


def _untranslated(text: str, types: Mapping[str, pa.DataType]) -> Expression:
    compiled = engine.program(text)
    bound = set(_BINDERS.findall(text))
    names = [name for name in compiled.variables() if name != ROW and name not in bound]
    unknown = [name for name in names if name not in types]
    if unknown:
        import difflib

        near = difflib.get_close_matches(unknown[0], list(types), 3, 0.5)
        hint = f"; near: {', '.join(near)}" if near else ""
        raise ExpressionError(f"nothing is called {unknown[0]!r}{hint}", _place(text, unknown[0]))
    foreign = [word for word in compiled.functions() if re.fullmatch(r"[A-Za-z]\w*", word) and word not in _FUNCTIONS]
    if foreign:
        raise ExpressionError(f"there is no function {foreign[0]!r}", _place(text, foreign[0]))
    if ROW not in types:
        names += [name for name in re.findall(rf"\b{ROW}\.(\w+)", text) if name in types and name not in names]
    return Expression(text, tuple(names), None)


def _place(text: str, word: str) -> int:
    found = re.search(rf"\b{re.escape(word)}\b", text)
    return found.start() if found else -1


def _rows(columns: Mapping[str, pa.Array]) -> pa.Array:
    if not columns:
        return pa.nulls(0)
    return pa.StructArray.from_arrays(list(columns.values()), names=list(columns))


def _spread(texts: pa.Array, rows: int) -> pa.Array:
    return texts.take(pa.array(np.zeros(rows, dtype=np.int64))) if len(texts) == 1 != rows else texts


def _gathered(values: list[Any]) -> pa.Array:
    kinds = {type(value) for value in values} - {type(None)}
    if kinds <= {int, float} and kinds:
        return pa.array(values, pa.float64() if float in kinds else pa.int64())
    if kinds == {datetime}:
        whole = [None if value is None else (value - EPOCH) // timedelta(microseconds=1) for value in values]
        return pa.array(whole, pa.int64()).view(_ARROW[TIME])
    try:
        return pa.array(values)
    except arrow.UNFIT:
        raise ExpressionError(
            f"gives values of several kinds: {', '.join(sorted(k.__name__ for k in kinds))}"
        ) from None
