"""`x-mock-rules`: business behaviour a department states in its own document, in CEL (Common Expression
Language).

A rule is {id, when, status, body, store}: the first whose `when` holds (absent: always) decides the status
and names fields of the answer, each by a CEL expression; `store` keeps the request and the answer as a
record. Expressions see `body`, `path`, `query`, `header`, `today`, `now` and the functions of `facts`. They
are compiled once, and CEL has no loops without end and no access to anything else. An expression that cannot
be worked out, because a field it reads is absent, does not hold.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from specs.finding import Finding, Severity, SpecError
from specs.model import Interface, Operation

KEYWORD = "x-mock-rules"
FAILURES = (KeyError, TypeError, ValueError, RuntimeError, OverflowError, AttributeError)
"""What the CEL library raises for an expression that cannot be worked out."""

_ABSENT = object()


@dataclass(frozen=True, slots=True)
class Rule:
    """One compiled rule. `body` maps fields to programs, or to trees of programs and constants."""

    id: str
    status: int
    when: Any = None
    body: Mapping[str, Any] | None = None
    store: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """The rule that matched and the fields it gives the answer. `failed`: fields whose expression had no
    value.
    """

    rule: Rule
    body: Mapping[str, Any]
    failed: tuple[str, ...] = ()


@lru_cache(maxsize=4096)
def program(expression: str) -> Any:
    """A compiled CEL program. Raises ValueError for text that is no CEL."""
    import cel  # brings a terminal user interface along: only documents with rules pay for it

    return cel.compile(expression)


@dataclass(frozen=True, slots=True)
class _Expression:
    """One compiled expression, told apart from constants."""

    program: Any


def compile_rules(interface: Interface, operation: Operation) -> tuple[Rule, ...]:
    """The rules of an operation, in order. Raises SpecError naming the pointer of the first faulty one."""
    written = operation.extensions.get(KEYWORD) or ()
    if not isinstance(written, list | tuple):
        raise _fault(interface, operation, "", f"{KEYWORD} must be a list of rules")
    return tuple(_rule(interface, operation, at, one) for at, one in enumerate(written))


def _rule(interface: Interface, operation: Operation, at: int, written: Any) -> Rule:
    if not isinstance(written, Mapping):
        raise _fault(interface, operation, f"/{at}", "a rule must be an object")
    name = str(written.get("id") or f"rule-{at + 1}")
    try:
        when = written.get("when")
        body = written.get("body")
        return Rule(
            name,
            int(str(written.get("status") or "200")),
            None if when is None else program(str(when)),
            None if body is None else {field: _tree(value) for field, value in body.items()},
            bool(written.get("store", False)),
        )
    except (ValueError, AttributeError) as error:
        reason = str(error).splitlines()[0]
        raise _fault(interface, operation, f"/{at}", f"rule {name!r}: {reason}") from None


def _tree(value: Any) -> Any:
    if isinstance(value, str):
        return _Expression(program(value))
    if isinstance(value, Mapping):
        return {name: _tree(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_tree(inner) for inner in value]
    return value


def _fault(interface: Interface, operation: Operation, tail: str, message: str) -> SpecError:
    pointer = f"{operation.pointer}/{KEYWORD}{tail}"
    document = interface.document
    hint = "write `when` and every body field as a CEL expression, texts in quotes inside it"
    return SpecError(
        [Finding("mock-rule", Severity.ERROR, message, document.name, pointer, document.line(pointer), hint=hint)]
    )


def decide(
    rules: tuple[Rule, ...], variables: Mapping[str, Any], functions: Mapping[str, Callable[..., Any]]
) -> Decision | None:
    """The first rule that holds with the fields it gives, None when none does."""
    import cel

    context = cel.Context(variables=dict(variables), functions=dict(functions))
    for rule in rules:
        if rule.when is None or _holds(rule.when, context):
            body: dict[str, Any] = {}
            failed: list[str] = []
            for field, tree in (rule.body or {}).items():
                value = _value(tree, context)
                if value is _ABSENT:
                    failed.append(field)
                else:
                    body[field] = value
            return Decision(rule, body, tuple(failed))
    return None


def _holds(when: Any, context: Any) -> bool:
    try:
        return when.execute(context) is True
    except FAILURES:
        return False


def _value(tree: Any, context: Any) -> Any:
    if isinstance(tree, dict):
        inner = {name: _value(part, context) for name, part in tree.items()}
        return {name: value for name, value in inner.items() if value is not _ABSENT}
    if isinstance(tree, list):
        return [value for value in (_value(part, context) for part in tree) if value is not _ABSENT]
    if not isinstance(tree, _Expression):
        return tree
    try:
        return tree.program.execute(context)
    except FAILURES:
        return _ABSENT
