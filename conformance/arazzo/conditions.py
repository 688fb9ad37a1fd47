"""Simple conditions: literals, runtime expressions, `< <= > >= == != ! && || () [] .`

Read by a grammar of its own; a condition is data from somebody else's document and is never handed to an interpreter.
Inside a condition an expression ends at white space, an operator, a bracket or a quote.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from conformance.arazzo.expressions import Expression, ExpressionSyntax, embedded, parse
from conformance.arazzo.frame import Seen

LONGEST, DEEPEST = 10_000, 40
"""Characters of a condition, and how deep its parentheses may nest."""

_SPACE = re.compile(r"[ \t\r\n]+")
_TOKENS = re.compile(
    r"(?P<reference>\$(?:(?!==|!=|&&|\|\|)[^\s()\[\]<>,'])+)"
    r"|(?P<number>-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)(?![0-9A-Za-z_])"
    r"|(?P<string>'(?:[^']|'')*')"
    r"|(?P<word>true|false|null)(?![0-9A-Za-z_])"
    r"|(?P<operator><=|>=|==|!=|&&|\|\||[<>!()\[\]])"
    r"|(?P<member>\.[A-Za-z_][A-Za-z0-9_-]*)"
)
_WORDS = {"true": True, "false": False, "null": None}
COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")


class ConditionSyntax(ValueError):
    """Text that is no condition; the message says where it stops being one."""


@dataclass(frozen=True, slots=True)
class Literal:
    """A value as written; in strings, `{$…}` is put in when the condition is judged."""

    value: Any
    parts: tuple[str | Expression, ...] = ()


@dataclass(frozen=True, slots=True)
class Reference:
    """A runtime expression and the way on from it: member names and indices. `text` is as written."""

    expression: Expression
    way: tuple[str | Node, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Not:
    inner: Node


@dataclass(frozen=True, slots=True)
class Compare:
    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Both:
    """`operator` is && or ||."""

    operator: str
    left: Node
    right: Node


Node = Literal | Reference | Not | Compare | Both
See = Callable[[Expression], Seen]


@lru_cache(maxsize=2048)
def read(condition: str) -> Node:
    """A condition as a tree. Raises `ConditionSyntax`."""
    if len(condition) > LONGEST:
        raise ConditionSyntax(f"it has {len(condition):,} characters; {LONGEST:,} are read")
    return _Reader(condition).whole()


def references(node: Node) -> Iterator[Expression]:
    """Every runtime expression in a condition, in order."""
    if isinstance(node, Literal):
        yield from (part for part in node.parts if isinstance(part, Expression))
    elif isinstance(node, Reference):
        yield node.expression
        for step in node.way:
            if not isinstance(step, str):
                yield from references(step)
    elif isinstance(node, Not):
        yield from references(node.inner)
    else:
        yield from references(node.left)
        yield from references(node.right)


class _Reader:
    """Recursive descent: or ← and ← comparison ← not ← value."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[tuple[str, str, int]] = []
        self.at = self.depth = 0
        position = 0
        while position < len(text):
            if space := _SPACE.match(text, position):
                position = space.end()
                continue
            found = _TOKENS.match(text, position)
            if found is None:
                raise ConditionSyntax(f"{self.text[position : position + 12]!r} at character {position + 1}")
            self.tokens.append((str(found.lastgroup), found[0], position))
            position = found.end()

    def whole(self) -> Node:
        node = self.either()
        if self.at < len(self.tokens):
            self.stop()
        return node

    def either(self) -> Node:
        return self.chain("||", lambda: self.chain("&&", self.comparison))

    def chain(self, operator: str, inner: Callable[[], Node]) -> Node:
        node = inner()
        while self.take(operator):
            node = Both(operator, node, inner())
        return node

    def comparison(self) -> Node:
        node = self.negation()
        operator = next((one for one in COMPARISONS if self.take(one)), None)
        if operator is None:
            return node
        made = Compare(operator, node, self.negation())
        if self.at < len(self.tokens) and self.tokens[self.at][1] in COMPARISONS:
            self.stop("; comparisons do not chain, write (a == b) == c")
        return made

    def negation(self) -> Node:
        self.depth += 1
        if self.depth > DEEPEST:
            raise ConditionSyntax(f"it nests deeper than {DEEPEST} levels")
        node: Node = Not(self.negation()) if self.take("!") else self.value()
        self.depth -= 1
        return node

    def value(self) -> Node:
        if self.at == len(self.tokens):
            raise ConditionSyntax("it ends where a value belongs")
        kind, written, start = self.tokens[self.at]
        if self.take("("):
            node = self.either()
            if not self.take(")"):
                self.stop("; a ) belongs here")
            return node
        self.at += 1
        if kind == "reference":
            return self.reference(written, start)
        if kind == "number":
            return Literal(float(written) if re.search(r"[.eE]", written) else int(written))
        if kind == "word":
            return Literal(_WORDS[written])
        if kind == "string":
            plain = written[1:-1].replace("''", "'")
            try:
                return Literal(plain, tuple(embedded(plain)))
            except ExpressionSyntax as wrong:
                raise ConditionSyntax(str(wrong)) from None
        self.at -= 1
        return self.stop()

    def reference(self, written: str, start: int) -> Node:
        """`written` up to its last dot that makes an expression; what follows are members and indices."""
        way: list[str | Node] = []
        base = written
        while True:
            try:
                expression = parse(base)
                break
            except ExpressionSyntax as wrong:
                base, dot, name = base.rpartition(".")
                if not dot or not name or not base:
                    raise ConditionSyntax(str(wrong) if not way else f"{written!r} is no runtime expression") from None
                way.insert(0, name)
        end = start + len(written)
        while self.at < len(self.tokens):
            kind, token, position = self.tokens[self.at]
            if kind == "member" and position == end:
                self.at += 1
                way.append(token[1:])
                end = position + len(token)
            elif token == "[" and position == end:
                self.at += 1
                way.append(self.either())
                if not self.take("]"):
                    self.stop("; a ] belongs here")
                end = self.tokens[self.at - 1][2] + 1
            else:
                break
        return Reference(expression, tuple(way), self.text[start:end])

    def take(self, token: str) -> bool:
        found = self.at < len(self.tokens) and self.tokens[self.at][:2] == ("operator", token)
        self.at += found
        return found

    def stop(self, more: str = "") -> Node:
        if self.at == len(self.tokens):
            raise ConditionSyntax(f"it ends too early{more}")
        _, written, start = self.tokens[self.at]
        raise ConditionSyntax(f"{written!r} at character {start + 1}{more}")
