"""The value of a simple condition, by the evaluation rules of Arazzo 1.1.

What the specification leaves open is decided here:

- `==` and `!=` between a number and a numeric string compare numbers ("loose comparisons"); two strings are compared as
  strings, without regard to case, unless the criterion says `x-exact: true`.
- `<` and its kin compare numbers when both sides are numeric (JSON's way of writing numbers, so "007" is text), else
  two strings; with null they are false; anything else is an evaluation error.
- null equals null alone; `!=` is the opposite of `==`, as the specification's own example `… .data != null` needs.
- booleans equal booleans only; objects and arrays are equal when they are the same JSON.
- `!`, `&&`, `||` take booleans, and null for false. A condition whose value is neither boolean nor null does not pass.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conformance.arazzo.conditions import Both, Compare, Literal, Node, Not, Reference, See
from conformance.arazzo.expressions import Expression
from conformance.arazzo.frame import Seen
from conformance.arazzo.values import Missing, kind, member, number, same, shown, text

_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


class EvaluationError(ValueError):
    """A condition that has no value: it counts as failed, and the message says why."""


def holds(node: Node, see: See, trail: list[Seen], *, exact: bool = False) -> bool:
    """Whether a condition passes. Every expression met is added to `trail`. Raises `EvaluationError`."""
    value = _Judge(see, trail, exact).value(node)
    if value is None or isinstance(value, bool):
        return value is True
    raise EvaluationError(f"the condition is {kind(value)} ({shown(value, 60)}), neither true nor false; compare it")


class _Judge:
    def __init__(self, see: See, trail: list[Seen], exact: bool) -> None:
        self.see, self.trail, self.exact = see, trail, exact

    def value(self, node: Node) -> Any:
        if isinstance(node, Literal):
            return self.literal(node)
        if isinstance(node, Reference):
            return self.reference(node)
        if isinstance(node, Not):
            return not self.truth(node.inner, "!")
        if isinstance(node, Both):
            left = self.truth(node.left, node.operator)
            if left is (node.operator == "||"):
                return left
            return self.truth(node.right, node.operator)
        return self.compare(node)

    def literal(self, node: Literal) -> Any:
        if not any(isinstance(part, Expression) for part in node.parts):
            return node.value
        return "".join(part if isinstance(part, str) else text(self.seen(part).value) for part in node.parts)

    def seen(self, expression: Expression) -> Seen:
        found = self.see(expression)
        self.trail.append(found)
        return found

    def reference(self, node: Reference) -> Any:
        found = self.see(node.expression)
        if not node.way:
            self.trail.append(found)
            return found.value
        place = len(self.trail)
        value, missing = found.value, found.missing
        for step in node.way:
            key = step if isinstance(step, str) else self.index(step)
            if not missing:
                try:
                    value = member(value, key)
                except Missing as nothing:
                    value, missing = None, str(nothing)
        self.trail.insert(place, Seen(node.text, value, missing))
        return value

    def index(self, node: Node) -> str | int:
        value = self.value(node)
        whole = number(value) if not isinstance(node, Literal) else value
        if isinstance(whole, int) and not isinstance(whole, bool):
            return whole
        if isinstance(value, str):
            return str(value)
        raise EvaluationError(f"an index is a number from 0, not {kind(value)}")

    def truth(self, node: Node, operator: str) -> bool:
        value = self.value(node)
        if value is None or isinstance(value, bool):
            return value is True
        raise EvaluationError(f"{operator} takes true or false, not {kind(value)} ({shown(value, 60)})")

    def compare(self, node: Compare) -> bool:
        left, right = self.value(node.left), self.value(node.right)
        if node.operator in ("==", "!="):
            return self.equal(left, right) is (node.operator == "==")
        if left is None or right is None:
            return False
        one, other = number(left), number(right)
        if one is not None and other is not None:
            return _ORDER[node.operator](one, other)
        if isinstance(left, str) and isinstance(right, str):
            return _ORDER[node.operator](self.folded(left), self.folded(right))
        raise EvaluationError(f"{node.operator} does not compare {kind(left)} with {kind(right)}")

    def equal(self, left: Any, right: Any) -> bool:
        if isinstance(left, str) and isinstance(right, str):
            return self.folded(left) == self.folded(right)
        if isinstance(left, str) or isinstance(right, str):
            one, other = number(left), number(right)
            return one is not None and other is not None and one == other
        return same(left, right)

    def folded(self, value: str) -> str:
        return str(value) if self.exact else value.casefold()
