"""The CEL engine, one row at a time: for what is not translated, and to hold the translation against."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

import pyarrow as pa

from mockdata.tables.expressions.nodes import ExpressionError

FAILURES = (ValueError, TypeError, RuntimeError, KeyError, IndexError, ArithmeticError)
"""What the engine raises for a row that has no value."""


@lru_cache(maxsize=1024)
def program(text: str) -> Any:
    """The compiled expression. Raises ExpressionError with the place of the fault."""
    import cel  # brings a terminal user interface along: only who needs the engine pays for it

    try:
        return cel.compile(text)
    except ValueError as error:
        said = str(error)
        place = re.search(r"<input>:(\d+):(\d+): ?([^\n]*)", said)
        if place is None:
            raise ExpressionError(said.splitlines()[0] if said else "no expression") from None
        before = sum(len(line) + 1 for line in text.split("\n")[: int(place[1]) - 1])
        reason = place[3].removeprefix("Syntax error: ")
        raise ExpressionError(reason, before + int(place[2]) - 1) from None


def by_row(text: str, columns: Mapping[str, pa.Array], names: Sequence[str], rows: int) -> Iterator[tuple[Any, bool]]:
    """(value, whether the row has none) of every row; null members of objects are left out, so that `has` tells."""
    import cel

    compiled = program(text)
    lists = {name: [_plain(value) for value in columns[name].to_pylist()] for name in names}
    for at in range(rows):
        row = {name: values[at] for name, values in lists.items()}
        try:
            yield compiled.execute(cel.Context(variables=row, functions={"characters": len})), False
        except FAILURES:
            yield None, True


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items() if part is not None}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    return float(value) if isinstance(value, Decimal) else value
