"""CHECK constraints to limits and code lists of columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlglot import exp

    from specs.importers.draft import Column


def apply(check: exp.Expr, columns: dict[str, Column]) -> bool:
    """Write a check into the columns it restricts. False, and nothing written, when a contract has no words for it.

    Understood: IN lists, = ANY (ARRAY …), alternatives of =, BETWEEN, comparisons with a literal, LENGTH(column),
    regular expressions, IS NOT NULL, and AND of these.
    """
    limits = _limits(check)
    if not limits or any(name.lower() not in columns for name, _, _ in limits):
        return False
    for name, word, value in limits:
        column = columns[name.lower()]
        if word == "values":
            column.values = value
        elif word == "required":
            column.required = True
        elif word == "pattern":
            column.options["pattern"] = value
        elif column.logical in {"integer", "number"} or word.endswith("Length"):
            column.options[word] = value
        elif column.logical in {"date", "timestamp", "time"}:
            column.options[word] = str(value)
        else:
            return False
    return True


_BOUNDS = {"GTE": "minimum", "GT": "exclusiveMinimum", "LTE": "maximum", "LT": "exclusiveMaximum"}
_TURNED = {"GTE": "LTE", "LTE": "GTE", "GT": "LT", "LT": "GT"}


def _limits(check: exp.Expr) -> list[tuple[str, str, Any]] | None:
    from sqlglot import exp

    node = _bare(check)
    if isinstance(node, exp.And):
        left, right = _limits(node.left), _limits(node.right)
        return left + right if left and right else None
    if isinstance(node, exp.Not) and isinstance(_bare(node.this), exp.Is):
        inner = _bare(node.this)
        name = _column(inner.this) if isinstance(inner.expression, exp.Null) else None
        return [(name, "required", True)] if name else None
    if isinstance(node, exp.In) and not node.args.get("query"):
        return _listed(node.this, node.expressions)
    if isinstance(node, exp.Or):
        return _alternatives(node)
    if isinstance(node, exp.EQ) and isinstance(_bare(node.right), exp.Any):
        array = _bare(_bare(node.right).this)
        return _listed(node.left, array.expressions) if isinstance(array, exp.Array) else None
    if isinstance(node, exp.Between):
        low, high = literal(node.args["low"]), literal(node.args["high"])
        name, length = _target(node.this)
        if name is None or low is None or high is None:
            return None
        return [(name, "minLength" if length else "minimum", low), (name, "maxLength" if length else "maximum", high)]
    if isinstance(node, exp.RegexpLike) and node.expression is not None:
        name, pattern = _column(node.this), literal(node.expression)
        return [(name, "pattern", pattern)] if name and isinstance(pattern, str) else None
    return _compared(node)


def _compared(node: exp.Expr) -> list[tuple[str, str, Any]] | None:
    from sqlglot import exp

    if not isinstance(node, exp.Binary):
        return None
    word, left, right = type(node).__name__, node.left, node.right
    if literal(left) is not None:
        word, left, right = _TURNED.get(word, word), right, left
    (name, length), value = _target(left), literal(right)
    if name is None or value is None:
        return None
    if word == "EQ":
        return [(name, "minLength", value), (name, "maxLength", value)] if length else [(name, "values", (value,))]
    if word not in _BOUNDS:
        return None
    if not length:
        return [(name, _BOUNDS[word], value)]
    whole = int(value) + {"GT": 1, "LT": -1}.get(word, 0)
    return [(name, "minLength" if word.startswith("G") else "maxLength", whole)]


def _alternatives(node: exp.Expr) -> list[tuple[str, str, Any]] | None:
    """`x = 1 OR x = 2` as a list of values; `x IS NULL OR …` as the rest."""
    from sqlglot import exp

    values: list[Any] = []
    names: set[str] = set()
    for part in node.flatten():
        part = _bare(part)
        if isinstance(part, exp.Is):
            continue
        found = _limits(part)
        if not found or any(word != "values" for _, word, _ in found):
            rest = [one for one in (_bare(one) for one in node.flatten()) if not isinstance(one, exp.Is)]
            return _limits(rest[0]) if len(rest) == 1 else None
        names |= {name for name, _, _ in found}
        values += [value for _, _, listed in found for value in listed]
    return [(names.pop(), "values", tuple(values))] if len(names) == 1 else None


def _listed(target: exp.Expr, expressions: list[exp.Expr]) -> list[tuple[str, str, Any]] | None:
    name, values = _column(target), [literal(one) for one in expressions]
    return [(name, "values", tuple(values))] if name and values and None not in values else None


def _target(node: exp.Expr) -> tuple[str | None, bool]:
    from sqlglot import exp

    node = _bare(node)
    if isinstance(node, exp.Length):
        return _column(node.this), True
    if isinstance(node, exp.Anonymous) and node.name.upper() in {"LEN", "CHAR_LENGTH", "LENGTHB"} and node.expressions:
        return _column(node.expressions[0]), True
    return _column(node), False


def _column(node: exp.Expr) -> str | None:
    from sqlglot import exp

    node = _bare(node)
    return node.name if isinstance(node, exp.Column | exp.Identifier) else None


def literal(node: exp.Expr) -> Any:
    """The value of a literal, None for any other expression."""
    from sqlglot import exp

    node = _bare(node)
    if isinstance(node, exp.Neg) and isinstance(_bare(node.this), exp.Literal):
        value = literal(node.this)
        return -value if isinstance(value, int | float) else None
    if isinstance(node, exp.National):
        return str(node.name)
    if not isinstance(node, exp.Literal):
        return None
    if node.is_string:
        return str(node.this)
    try:
        return int(node.this)
    except ValueError:
        return float(node.this)


def _bare(node: Any) -> Any:
    """Without brackets and casts around it."""
    from sqlglot import exp

    while isinstance(node, exp.Paren | exp.Cast | exp.TryCast | exp.Tuple):
        if isinstance(node, exp.Tuple):
            if len(node.expressions) != 1:
                break
            node = node.expressions[0]
        else:
            node = node.this
    return node
