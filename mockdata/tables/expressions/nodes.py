"""Parsed expressions: typed trees, the kinds of values, and how a tree is written as CEL again.

Follows the Common Expression Language (cel.dev), with four additions for columns: a whole number that meets a fraction
becomes one; a date compares with its text (`born < '2000-01-01'`); `size` of a text counts characters; names may be
Chinese, or stand in backquotes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

BOOL, INT, DOUBLE, STRING, TIME, SPAN, NULL, LIST, OBJECT = (
    "bool", "int", "double", "string", "timestamp", "duration", "null", "list", "object",
)  # fmt: skip
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ExpressionError(ValueError):
    """An expression that cannot be used. `position` counts characters from 0, -1 when it is not known."""

    def __init__(self, reason: str, position: int = -1) -> None:
        super().__init__(f"{reason} (at character {position + 1})" if position >= 0 else reason)
        self.reason, self.position = reason, position


class Beyond(Exception):
    """Something of CEL that is not translated: the engine takes the expression row by row."""


@dataclass(frozen=True, slots=True)
class Node:
    """`op` of `args`; a constant has a `value`, a name the column, `has` and `member` the member's name."""

    op: str
    args: tuple[Node, ...] = ()
    kind: str = ""
    position: int = 0
    value: Any = None
    item: str = ""
    """Kind of a list's items."""

    def names(self) -> Iterator[str]:
        """The columns it reads."""
        if self.op == "name":
            yield self.value
        for part in self.args:
            yield from part.names()


def conjuncts(node: Node) -> Iterator[Node]:
    """The parts that must all hold."""
    if node.op == "&&":
        for part in node.args:
            yield from conjuncts(part)
    else:
        yield node


def written(node: Node, alias: dict[str, str]) -> str:
    """The tree as CEL for the engine; `alias`: column → variable."""
    inner = [written(part, alias) for part in node.args]
    match node.op:
        case "name":
            return alias[node.value]
        case "constant":
            return _constant(node)
        case "list":
            return f"[{', '.join(inner)}]"
        case "!" | "neg":
            return f"({'!' if node.op == '!' else '-'}{inner[0]})"
        case "?:":
            return f"(({inner[0]}) ? ({inner[1]}) : ({inner[2]}))"
        case "present":
            return f"({inner[0]} != null)"
        case "has":
            return f"({inner[0]} != null && has({_member(inner[0], node.value)}))"
        case "member":
            return _member(inner[0], node.value)
        case "characters" | "double" | "int" | "string" | "size" | "timestamp" | "duration":
            return f"{node.op}({inner[0]})"
        case op if re.fullmatch(r"[a-zA-Z]+", op) and op != "in":
            return f"{inner[0]}.{op}({', '.join(inner[1:])})"
        case op:
            return f"({inner[0]} {op} {inner[1]})"


def _member(inner: str, name: str) -> str:
    return f"{inner}.{name}" if re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII) else f"{inner}[{json.dumps(name)}]"


def _constant(node: Node) -> str:
    match node.kind:
        case "timestamp":
            return f'timestamp("{(EPOCH + timedelta(microseconds=node.value)).isoformat()}")'
        case "duration":
            return f'duration("{node.value / 1e6:f}s")'
        case "string":
            return json.dumps(node.value, ensure_ascii=False)
        case "double":
            text = repr(node.value)
            return text if re.search(r"[.en]", text) else f"{text}.0"
        case "null":
            return "null"
        case _:
            return json.dumps(node.value)
