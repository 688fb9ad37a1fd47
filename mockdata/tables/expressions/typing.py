"""Kinds for a parsed tree: every name a column, every operation one that its operands allow."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pyarrow as pa

from mockdata.tables.expressions.nodes import (
    BOOL,
    DOUBLE,
    EPOCH,
    INT,
    LIST,
    NULL,
    OBJECT,
    SPAN,
    STRING,
    TIME,
    Beyond,
    ExpressionError,
    Node,
)

PARTS = ("getFullYear", "getMonth", "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear", "getHours",
         "getMinutes", "getSeconds", "getMilliseconds")  # fmt: skip
WITHIN = ("startsWith", "endsWith", "contains", "matches")
CALLS = ("size", "int", "double", "string", "timestamp", "duration")
METHODS = (*PARTS, *WITHIN, "size")
ROW = "row"
"""`row.name` is the column `name`: for `has(row.name)`, and for names that CEL keeps for itself."""


def kind_of(type: pa.DataType) -> str:
    """The kind of a column's values."""
    if pa.types.is_boolean(type):
        return BOOL
    if pa.types.is_integer(type):
        return INT
    if pa.types.is_floating(type) or pa.types.is_decimal(type):
        return DOUBLE
    if pa.types.is_date(type) or pa.types.is_timestamp(type):
        return TIME
    if pa.types.is_list(type):
        return LIST
    return OBJECT if pa.types.is_struct(type) else STRING


def typed(node: Node, types: Mapping[str, pa.DataType]) -> Node:
    """The tree with kinds. Raises ExpressionError with a position, Beyond for what is not translated."""
    match node.op:
        case "constant":
            return node
        case "name":
            return _name(node, node.value, types)
        case "member":
            return _member(node, types)
        case "call" if node.value == "has":
            return _has(node, types)
        case "call" if node.value not in CALLS:
            raise Beyond
        case "method" if node.value not in METHODS:
            raise Beyond
    node = replace(node, args=tuple(typed(part, types) for part in node.args))
    match node.op:
        case "call":
            return _call(node)
        case "method":
            return _method(node)
        case "list":
            return _list(node)
        case "!" | "&&" | "||":
            for part in node.args:
                _only(part, (BOOL,), node)
            return replace(node, kind=BOOL)
        case "neg":
            _only(node.args[0], (INT, DOUBLE), node)
            return replace(node, kind=node.args[0].kind)
        case "?:":
            return _chosen(node)
        case "in":
            return _in(node)
        case "==" | "!=" | "<" | "<=" | ">" | ">=":
            return _compared(node)
    return _arithmetic(node)


def _name(node: Node, name: str, types: Mapping[str, pa.DataType]) -> Node:
    if name not in types:
        near = difflib.get_close_matches(name, list(types), 3, 0.5)
        raise ExpressionError(f"nothing is called {name!r}" + (f"; near: {', '.join(near)}" if near else ""),
                              node.position)  # fmt: skip
    type = types[name]
    item = kind_of(type.value_type) if pa.types.is_list(type) else ""
    return Node("name", kind=kind_of(type), position=node.position, value=name, item=item)


def _member(node: Node, types: Mapping[str, pa.DataType]) -> Node:
    inner = node.args[0]
    if inner.op == "name" and inner.value == ROW and ROW not in types:
        return _name(node, node.value, types)
    type = _type(inner, types)
    if not pa.types.is_struct(type):
        raise ExpressionError(f"only an object has members, like {node.value!r}", node.position)
    if type.get_field_index(node.value) < 0:
        names = ", ".join(field.name for field in type)
        raise ExpressionError(f"there is no member {node.value!r}; there are {names}", node.position)
    kind = kind_of(type.field(node.value).type)
    return replace(node, args=(typed(inner, types),), kind=kind)


def _type(node: Node, types: Mapping[str, pa.DataType]) -> pa.DataType:
    if node.op == "name":
        return types[_name(node, node.value, types).value]
    if node.op == "member":
        inner = node.args[0]
        if inner.op == "name" and inner.value == ROW and ROW not in types:
            return types[_name(node, node.value, types).value]
        type = _type(inner, types)
        if pa.types.is_struct(type) and type.get_field_index(node.value) >= 0:
            return type.field(node.value).type
    return pa.null()


def _has(node: Node, types: Mapping[str, pa.DataType]) -> Node:
    if len(node.args) != 1 or node.args[0].op != "member":
        raise ExpressionError("has takes a member, like has(row.name) or has(site.note)", node.position)
    inner = typed(node.args[0], types)
    if inner.op == "name":
        return Node("present", (inner,), BOOL, node.position)
    return Node("has", inner.args, BOOL, node.position, inner.value)


def _call(node: Node) -> Node:
    name, args = node.value, node.args
    if len(args) != 1:
        raise Beyond
    kind = args[0].kind
    if name == "size":
        if kind not in (STRING, LIST):
            raise Beyond
        return Node("characters" if kind == STRING else "size", args, INT, node.position)
    if name == "int" and kind in (INT, DOUBLE, STRING):
        return args[0] if kind == INT else Node("int", args, INT, node.position)
    if name == "double" and kind in (INT, DOUBLE):
        return args[0] if kind == DOUBLE else Node("double", args, DOUBLE, node.position)
    if name == "string" and kind in (INT, STRING):
        return args[0] if kind == STRING else Node("string", args, STRING, node.position)
    if name == "timestamp" and args[0].op == "constant" and kind == STRING:
        moment = _moment(args[0].value)
        if moment is None:
            raise ExpressionError(f"{args[0].value!r} is no date or time", node.position)
        return Node("constant", kind=TIME, position=node.position, value=moment)
    if name == "duration" and args[0].op == "constant" and kind == STRING:
        return Node("constant", kind=SPAN, position=node.position, value=_span(args[0].value, node.position))
    raise Beyond


def _moment(text: str) -> int | None:
    if not re.match(r"\d{4}-\d\d-\d\d", text):
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    found = found if found.tzinfo else found.replace(tzinfo=UTC)
    since = found - EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def _span(text: str, position: int) -> int:
    units = {"h": 3_600_000_000, "m": 60_000_000, "s": 1_000_000, "ms": 1_000, "us": 1}
    if not re.fullmatch(r"-?(\d+(\.\d+)?(h|ms|m|s|us))+", text):
        raise ExpressionError(f"{text!r} is no duration (like 36h or 90s)", position)
    parts = re.findall(r"(\d+(?:\.\d+)?)(h|ms|m|s|us)", text)
    return round(sum(float(number) * units[unit] for number, unit in parts)) * (-1 if text[0] == "-" else 1)


def _method(node: Node) -> Node:
    name, args = node.value, node.args
    if name == "size" and len(args) == 1:
        return _call(replace(node, op="call"))
    if name in PARTS and len(args) == 1:
        _only(args[0], (TIME,), node)
        return Node(name, args, INT, node.position)
    if name in WITHIN and len(args) == 2:
        for part in args:
            _only(part, (STRING,), node)
        if args[1].op != "constant":
            raise Beyond
        return Node(name, args, BOOL, node.position)
    raise Beyond


def _list(node: Node) -> Node:
    kinds = {part.kind for part in node.args}
    if LIST in kinds or OBJECT in kinds:
        raise Beyond
    return replace(node, kind=LIST)


def _chosen(node: Node) -> Node:
    _only(node.args[0], (BOOL,), node)
    yes, no = _alike(node.args[1], node.args[2])
    if yes.kind != no.kind and NULL not in (yes.kind, no.kind):
        raise ExpressionError(f"one way gives a {yes.kind}, the other a {no.kind}", node.position)
    if LIST in (yes.kind, no.kind) or OBJECT in (yes.kind, no.kind):
        raise Beyond
    return replace(node, args=(node.args[0], yes, no), kind=no.kind if yes.kind == NULL else yes.kind)


def _in(node: Node) -> Node:
    wanted, among = node.args
    if among.op != "list":
        if among.kind != LIST:
            raise ExpressionError(f"`in` looks into a list, not into a {among.kind}", node.position)
        raise Beyond
    parts = [_compared(replace(node, op="==", args=(wanted, part))).args[1] for part in among.args]
    return replace(node, args=(wanted, replace(among, args=tuple(parts))), kind=BOOL)


def _compared(node: Node) -> Node:
    one, other = _alike(node.args[0], node.args[1], mix=False)
    kinds = {one.kind, other.kind}
    if kinds & {LIST, OBJECT}:
        raise Beyond
    if node.op not in ("==", "!=") and not (len(kinds) == 1 or kinds <= {INT, DOUBLE}):
        raise ExpressionError(f"a {one.kind} cannot be compared with a {other.kind}", node.position)
    if node.op not in ("==", "!=") and kinds == {NULL}:
        raise ExpressionError("null has no order", node.position)
    if TIME in kinds and STRING in kinds:
        raise ExpressionError("a timestamp cannot be compared with that text; write it as '2026-11-01'", node.position)
    return replace(node, args=(one, other), kind=BOOL)


def _alike(one: Node, other: Node, mix: bool = True) -> tuple[Node, Node]:
    """Both with one kind where that can be had: whole numbers beside fractions, dates written as text."""
    if mix and {one.kind, other.kind} == {INT, DOUBLE}:
        return _fraction(one), _fraction(other)
    if one.kind == TIME and other.kind == STRING and other.op == "constant":
        return one, _as_moment(other)
    if other.kind == TIME and one.kind == STRING and one.op == "constant":
        return _as_moment(one), other
    return one, other


def _as_moment(node: Node) -> Node:
    moment = _moment(node.value)
    return node if moment is None else replace(node, kind=TIME, value=moment)


def _fraction(node: Node) -> Node:
    if node.kind == DOUBLE:
        return node
    if node.op == "constant":
        return replace(node, kind=DOUBLE, value=float(node.value))
    return Node("double", (node,), DOUBLE, node.position)


_TIMES = {
    ("+", TIME, SPAN): TIME, ("-", TIME, SPAN): TIME, ("-", TIME, TIME): SPAN, ("+", SPAN, SPAN): SPAN,
    ("-", SPAN, SPAN): SPAN,
}  # fmt: skip


def _arithmetic(node: Node) -> Node:
    one, other = _alike(node.args[0], node.args[1], mix=node.op != "%")
    if one.kind == other.kind and (one.kind == INT or (one.kind == DOUBLE and node.op != "%")):
        return replace(node, args=(one, other), kind=one.kind)
    if node.op == "+" and one.kind == other.kind == STRING:
        return replace(node, args=(one, other), kind=STRING)
    if (kind := _TIMES.get((node.op, one.kind, other.kind))) is not None:
        return replace(node, args=(one, other), kind=kind)
    if LIST in (one.kind, other.kind):
        raise Beyond
    raise ExpressionError(f"there is no {one.kind} {node.op} {other.kind}", node.position)


def _only(part: Node, kinds: tuple[str, ...], node: Node) -> None:
    if part.kind not in kinds:
        name = node.value if node.op in ("call", "method") else node.op
        raise ExpressionError(f"{name!r} takes a {' or '.join(kinds)}, not a {part.kind}", node.position)
