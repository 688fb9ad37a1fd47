"""Rules written in CEL, evaluated without surprises.

CEL (the Common Expression Language) cannot loop or reach outside its variables, so a rule from somebody
else's document is safe to evaluate. The engine is the Rust one behind the module `cel`.

A rule that cannot be evaluated (unknown variable, wrong types) is never "true" and never "false": it raises
`ExpressionError`, which the runner reports as its own ERROR and not as a fault of the app.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Mapping
from datetime import date
from functools import lru_cache
from typing import Any

import cel


class ExpressionError(ValueError):
    """A rule that does not compile or cannot be evaluated; the message quotes the rule."""


def day(text: str) -> date:
    """A calendar day from `yyyyMMdd` (public-security systems) or `yyyy-MM-dd` (everybody else)."""
    plain = text.replace("-", "")
    if len(plain) != 8 or not plain.isdigit():
        raise ExpressionError(f"{text!r} is not a day (yyyyMMdd or yyyy-MM-dd)")
    try:
        return date(int(plain[:4]), int(plain[4:6]), int(plain[6:]))
    except ValueError as error:
        raise ExpressionError(f"{text!r} is not a day: {error}") from None


def months_after(start: date, months: int) -> date:
    """The same day `months` later; the last day of the month where that day does not exist.

    A child born on 29 February is therefore one year old on 28 February of a common year.
    """
    count = start.year * 12 + start.month - 1 + months
    year, month = divmod(count, 12)
    return date(year, month + 1, min(start.day, monthrange(year, month + 1)[1]))


def _days_between(first: str, second: str) -> int:
    return (day(second) - day(first)).days


def _months_after(start: str, months: int) -> str:
    return months_after(day(start), int(months)).isoformat()


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "days_between": _days_between,
    "months_after": _months_after,
    "years_after": lambda start, years: _months_after(start, int(years) * 12),
    "iso_date": lambda text: day(text).isoformat(),
    "size_": len,
}
"""What every rule may call besides CEL's own functions."""


_SIZE = re.compile(
    r"""[bB]?[rR][bB]?(?:\"[^\"]*\"|'[^']*')|\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|(?<![\w])size(?=\s*\()"""
)
"""Strings, which stay as they are, or the name of the function `size`."""


@lru_cache(maxsize=2048)
def _program(text: str) -> cel.Program:
    try:
        # The engine's own size() counts the UTF-8 bytes of a text; CEL means its characters (code points).
        return cel.compile(_SIZE.sub(lambda found: "size_" if found[0] == "size" else found[0], text))
    except ValueError as error:
        raise ExpressionError(f"cannot read the rule `{text}`: {_first_line(error)}") from None


def check(text: str) -> None:
    """Raise `ExpressionError` unless `text` is well-formed CEL."""
    _program(text)


def evaluate(text: str, variables: Mapping[str, Any], functions: Mapping[str, Callable[..., Any]] | None = None) -> Any:
    """The value of the CEL expression `text` over `variables`; raises `ExpressionError`."""
    context = cel.Context(variables=dict(variables), functions={**FUNCTIONS, **(functions or {})})
    try:
        return _program(text).execute(context)
    except ExpressionError:
        raise
    except (ValueError, TypeError, RuntimeError, KeyError, IndexError) as error:
        raise ExpressionError(f"cannot evaluate the rule `{text}`: {_first_line(error)}") from None


def holds(text: str, variables: Mapping[str, Any], functions: Mapping[str, Callable[..., Any]] | None = None) -> bool:
    """Whether a rule holds. Anything but true or false is an `ExpressionError`: a rule is no guess."""
    value = evaluate(text, variables, functions)
    if not isinstance(value, bool):
        raise ExpressionError(f"the rule `{text}` gives {value!r}, which is neither true nor false")
    return value


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
