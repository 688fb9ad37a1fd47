"""JSONPath (RFC 9535), JSON Pointer (RFC 6901) and regular expressions over values, each with an end in sight.

A regular expression runs on an engine that is linear in the text, or, where it looks around or back, gives up after a
fixed number of steps; a JSONPath query gives up at its deadline.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import jsonschema_rs
from jsonpath_rfc9535 import JSONPathEnvironment, JSONPathError, JSONPathNode, JSONPathQuery
from jsonpath_rfc9535.function_extensions import Match, Search

from conformance.arazzo.values import Missing, TextBody, at

LONGEST = 10_000
"""Characters of one query or pattern."""

SECONDS = 2.0
"""How long one query may take."""

BACKTRACKS = 200_000
"""Steps back that a pattern with look-around or back-references may take."""


class SelectorError(ValueError):
    """A query or pattern that cannot be read, or that did not come to an end in time."""


class _Bounded(JSONPathEnvironment):
    """The library's environment with a clock: its settings are looked at for every node a query walks into."""

    deadline = float("inf")

    @property
    def nondeterministic(self) -> bool:  # type: ignore[override]
        self.check()
        return False

    @property
    def max_recursion_depth(self) -> int:  # type: ignore[override]
        self.check()
        return 100

    def check(self) -> None:
        if time.monotonic() > self.deadline:
            raise SelectorError(f"the query takes longer than {SECONDS:g} s")

    def setup_function_extensions(self) -> None:
        super().setup_function_extensions()
        self.function_extensions["match"] = _bounded(Match, whole=True)
        self.function_extensions["search"] = _bounded(Search, whole=False)


def _bounded(kind: Any, whole: bool) -> Any:
    """The library's `match` or `search` on a linear engine: its own backtracks, and patterns may be data."""
    from iregexp_check import check

    class Function(kind):  # type: ignore[misc]
        def __call__(self, string: object, pattern: object) -> bool:
            if not isinstance(string, str) or not isinstance(pattern, str) or not check(pattern):
                return False
            inner = _dots(pattern)
            engine = _linear(f"^(?:{inner})$" if whole else inner)
            if engine is None:
                raise SelectorError(f"the pattern {pattern[:60]!r} is too large to hold")
            return bool(engine.is_valid(string))

    return Function()


def _dots(pattern: str) -> str:
    """An I-Regexp (RFC 9485) whose dots say themselves that they match no line end."""
    made, escaped, inside = [], False, False
    for letter in pattern:
        plain = not escaped and not inside
        made.append(r"[^\n\r]" if letter == "." and plain else letter)
        if not escaped:
            inside = letter == "[" or (inside and letter != "]")
        escaped = letter == "\\" and not escaped
    return "".join(made)


def query(path: str) -> JSONPathQuery:
    """A JSONPath query, to be evaluated within `SECONDS`. Raises `SelectorError` when the text is none."""
    if len(path) > LONGEST:
        raise SelectorError(f"a query of {len(path):,} characters; {LONGEST:,} are read")
    try:
        made = _Bounded()
        made.deadline = time.monotonic() + SECONDS
        return made.compile(path)
    except (JSONPathError, RecursionError) as wrong:
        raise SelectorError(f"{path!r} is no JSONPath: {_line(wrong)}") from None


def nodes(path: str, value: Any, first: bool = False) -> list[JSONPathNode]:
    """The nodes a query selects (`first`: one of them is enough). Raises `SelectorError`."""
    if isinstance(value, TextBody):
        raise SelectorError("JSONPath needs JSON; the context is text")
    made = query(path)
    deadline = time.monotonic() + SECONDS
    found: list[JSONPathNode] = []
    try:
        walk: Iterable[JSONPathNode] = made.finditer(value)
        for node in walk:
            found.append(node)
            if first:
                break
            if time.monotonic() > deadline:
                raise SelectorError(f"the query takes longer than {SECONDS:g} s")
    except (JSONPathError, RecursionError) as wrong:
        raise SelectorError(f"{path!r} cannot be evaluated: {_line(wrong)}") from None
    return found


def select(kind: str, selector: str, value: Any) -> Any:
    """What a Selector Object of type jsonpath or jsonpointer picks out of a value.

    A JSONPath that can match one node only gives that node's value, any other the array of all values. Raises `Missing`
    when nothing is there, `SelectorError` when the selector is none.
    """
    if kind == "jsonpointer":
        if selector and not selector.startswith("/"):
            raise SelectorError(f"{selector!r} is no JSON Pointer")
        return at(value, selector)
    found = [node.value for node in nodes(selector, value)]
    if not query(selector).singular_query():
        return found
    if not found:
        raise Missing(f"{selector} selects nothing")
    return found[0]


@lru_cache(maxsize=512)
def _linear(pattern: str) -> jsonschema_rs.Draft202012Validator | None:
    try:
        return jsonschema_rs.Draft202012Validator({"pattern": pattern}, pattern_options=jsonschema_rs.RegexOptions())
    except (ValueError, jsonschema_rs.ValidationError):
        return None


@lru_cache(maxsize=512)
def _backtracking(pattern: str) -> jsonschema_rs.Draft202012Validator:
    options = jsonschema_rs.FancyRegexOptions(backtrack_limit=BACKTRACKS)
    try:
        return jsonschema_rs.Draft202012Validator({"pattern": pattern}, pattern_options=options)
    except (ValueError, jsonschema_rs.ValidationError):
        raise SelectorError(f"{pattern!r} is no regular expression, or one too large to hold") from None


def matches(pattern: str, text: str) -> bool:
    """Whether a regular expression (ECMA-262) matches somewhere in a text. Raises `SelectorError`."""
    if len(pattern) > LONGEST:
        raise SelectorError(f"a pattern of {len(pattern):,} characters; {LONGEST:,} are read")
    return bool((_linear(pattern) or _backtracking(pattern)).is_valid(text))


def _line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) and not isinstance(error, RecursionError) else "it nests too deep"
