"""One criterion judged: passed or not, with every expression's value and the reason why not.

Nothing here raises for what a document or an answer holds: bad syntax, a null context, a query that does not end, all
of it makes the criterion fail and is told in `Judged.problem`.

Values that are put into a regular expression or a JSONPath query cannot change it: they are escaped (in a pattern,
inside quotes) or refused (a string outside quotes that is no plain word). Only inputs that came with the run itself may
bring syntax of their own, as in the specification's example `^({$inputs.statusPattern})$`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass

from conformance.arazzo.conditions import ConditionSyntax, read, references
from conformance.arazzo.expressions import Expression, ExpressionSyntax, embedded, parse
from conformance.arazzo.frame import Frame, Seen
from conformance.arazzo.judging import EvaluationError, holds
from conformance.arazzo.selectors import SelectorError, matches, nodes
from conformance.arazzo.values import TextBody, text
from specs.process import Criterion

_SPECIAL = re.compile(r"[\\^$.*+?()\[\]{}|/-]")
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Judged:
    """A criterion with its verdict. `meant` is the condition with its values put in, where that differs. `seen` are the
    expressions met, in order; `problem` says why a condition could not be evaluated."""

    condition: str
    type: str
    passed: bool
    seen: tuple[Seen, ...] = ()
    problem: str = ""
    context: str | None = None
    meant: str = ""
    pointer: str = ""


def judge(criterion: Criterion, frame: Frame) -> Judged:
    """Whether a criterion passes in a frame."""
    seen: list[Seen] = []
    meant, passed, problem = criterion.condition, False, ""
    try:
        if criterion.type == "simple":
            passed = holds(read(criterion.condition), frame.see, seen, exact=criterion.exact)
        elif criterion.type in ("regex", "jsonpath"):
            context = _context(criterion, frame, seen)
            meant = _filled(criterion, frame, seen)
            if context.value is None:
                problem = f"the context is null{f': {context.missing}' if context.missing else ''}"
            elif criterion.type == "regex":
                passed = matches(meant, text(context.value))
            else:
                passed = bool(nodes(meant, context.value, first=True))
        else:
            problem = f"conditions of type {criterion.type} are not supported"
    except (ConditionSyntax, ExpressionSyntax) as wrong:
        problem = f"it cannot be read: {wrong}"
    except (EvaluationError, SelectorError) as wrong:
        problem = str(wrong)
    except RecursionError:
        problem = "the values nest too deep to be compared"
    return Judged(
        criterion.condition,
        criterion.type,
        passed,
        tuple(seen),
        problem,
        criterion.context,
        meant if meant != criterion.condition else "",
        criterion.pointer,
    )


def judge_all(criteria: Iterable[Criterion], frame: Frame) -> tuple[Judged, ...]:
    """Every criterion; together they pass when each one does."""
    return tuple(judge(criterion, frame) for criterion in criteria)


def _context(criterion: Criterion, frame: Frame, seen: list[Seen]) -> Seen:
    if not criterion.context:
        raise EvaluationError(f"a condition of type {criterion.type} needs a context")
    found = frame.see(parse(criterion.context))
    seen.append(found)
    return found


def _filled(criterion: Criterion, frame: Frame, seen: list[Seen]) -> str:
    """The pattern or query with its embedded values put in."""
    made = ""
    for part in embedded(criterion.condition):
        if isinstance(part, str):
            made += part
            continue
        found = frame.see(part)
        seen.append(found)
        own = frame.given and part.kind == "inputs"
        made += _in_pattern(found, own) if criterion.type == "regex" else _in_query(found, own, _quote(made))
    return made


def _in_pattern(found: Seen, own: bool) -> str:
    plain = text(found.value)
    return plain if own else _SPECIAL.sub(lambda sign: f"\\{sign[0]}", plain)


def _in_query(found: Seen, own: bool, quote: str) -> str:
    plain = text(found.value)
    if quote:
        inside = json.dumps(plain, ensure_ascii=False)[1:-1]
        return inside if quote == '"' else inside.replace('\\"', '"').replace("'", "\\'")
    scalar = not isinstance(found.value, str | dict | list | TextBody)
    if own or scalar or _PLAIN.fullmatch(plain):
        return plain
    raise EvaluationError(f"{found.expression} is {plain[:60]!r}: outside quotes it would change the query")


def _quote(query: str) -> str:
    """The quote that is open at the end of a query; "" when none is."""
    open_quote, escaped = "", False
    for letter in query:
        if escaped:
            escaped = False
        elif letter == "\\" and open_quote:
            escaped = True
        elif letter == open_quote:
            open_quote = ""
        elif not open_quote and letter in "'\"":
            open_quote = letter
    return open_quote


def expressions_of(criterion: Criterion) -> Iterable[Expression]:
    """Every expression a criterion reads; none for one that cannot be read."""
    try:
        if criterion.context:
            yield parse(criterion.context)
        if criterion.type != "simple":
            yield from (part for part in embedded(criterion.condition) if isinstance(part, Expression))
            return
        yield from references(read(criterion.condition))
    except (ConditionSyntax, ExpressionSyntax):
        return
