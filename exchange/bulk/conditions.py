"""Row filters: CEL as agreements write it, translated to DuckDB SQL with parameters.

What cannot be translated exactly is refused by name. Where CEL gives an error for a row (null in a comparison, NaN),
the SQL gives NULL, and both leave the row out; ``&&``, ``||`` and ``!`` carry an error as SQL carries NULL. The one
difference, that CEL compares null by ``==`` without error, is kept by IS [NOT] DISTINCT FROM.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from exchange.errors import Unprocessable

_DAY = 86_400_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ORDERS = ("<", "<=", ">", ">=")
_PARTS = {
    "getFullYear": "year({0})",
    "getMonth": "(month({0}) - 1)",
    "getDate": "day({0})",
    "getDayOfMonth": "(day({0}) - 1)",
    "getDayOfWeek": "dayofweek({0})",
}
_WITHIN = {"startsWith": "starts_with({0}, {1})", "endsWith": "suffix({0}, {1})", "contains": "contains({0}, {1})"}


@dataclass(frozen=True, slots=True)
class Fragment:
    """SQL with ``?`` for each of its values. No value and no unquoted name of anybody ever stands in ``sql``."""

    sql: str
    values: tuple[Any, ...] = ()


def quoted(name: str) -> str:
    """A column's name as an SQL identifier. Raises `Unprocessable` for a name with a NUL."""
    if "\x00" in name:
        raise Unprocessable("a column's name holds a NUL")
    return '"' + name.replace('"', '""') + '"'


def joined(template: str, *parts: Fragment) -> Fragment:
    """``template`` with ``{0}``, ``{1}`` … replaced, each used once and in order, values in the same order."""
    values = tuple(value for part in parts for value in part.values)
    return Fragment(template.format(*(part.sql for part in parts)), values)


def translate(text: str, types: Mapping[str, Any]) -> Fragment:
    """The condition over columns of these Arrow types. Raises `Unprocessable` naming what cannot be translated."""
    from mockdata.tables.expressions import ExpressionError
    from mockdata.tables.expressions.nodes import Beyond
    from mockdata.tables.expressions.parse import parse
    from mockdata.tables.expressions.typing import typed

    try:
        tree = typed(parse(text), types)
    except ExpressionError as error:
        raise Unprocessable(f"the row filter cannot be used: {error}") from None
    except Beyond:
        raise _unknown("a part of CEL") from None
    if tree.kind != "bool":
        raise Unprocessable(f"the row filter gives a {tree.kind}, not true or false")
    return _Translation(types).condition(tree, kept=True)


class _Translation:
    def __init__(self, types: Mapping[str, Any]) -> None:
        self.types = types

    def condition(self, node: Any, kept: bool = False) -> Fragment:
        """``kept``: rows pass when it is true, so NULL is as good as false and DuckDB can push it down."""
        match node.op:
            case "&&" | "||":
                word = "AND" if node.op == "&&" else "OR"
                return joined(f"({{0}} {word} {{1}})", *(self.condition(part, kept) for part in node.args))
            case "!":
                return joined("(NOT {0})", self.condition(node.args[0]))
            case "?:":
                asked, yes, no = map(self.condition, node.args)
                return joined("(CASE WHEN {0} THEN {1} WHEN NOT {2} THEN {3} END)", asked, yes, asked, no)
            case "==" | "!=":
                return self.equal(node, kept)
            case "in":
                return self.among(node)
            case "present":
                return joined("({0} IS NOT NULL)", self.value(node.args[0]))
            case op if op in _ORDERS:
                return self.ordered(node)
            case op if op in _WITHIN:
                return joined(_WITHIN[op], *map(self.value, node.args))
            case "name" if node.kind == "bool":
                return self.value(node)
            case "constant" if node.kind == "bool":
                return Fragment("TRUE" if node.value else "FALSE")
        raise _unknown(node.op)

    def equal(self, node: Any, kept: bool) -> Fragment:
        one, other = node.args
        if "null" in (one.kind, other.kind):
            # of anything but a column it could be CEL's error, which SQL cannot tell from null
            plain = other if one.kind == "null" else one
            if plain.op != "name":
                raise _unknown("a comparison of null with anything but a column")
            return joined(f"({{0}} IS {'NOT ' if node.op == '!=' else ''}NULL)", self.value(plain))
        if "?:" in (one.op, other.op):  # its null may be a value or CEL's error
            raise _unknown("a comparison of a choice")
        if one.kind != other.kind and {one.kind, other.kind} != {"int", "double"}:
            raise _unknown(f"a comparison of {one.kind} and {other.kind}")
        left, right = self.sides(one, other)
        if kept and node.op == "==" and other.op == "constant" and not self.floating(one):
            return joined("({0} = {1})", left, right)
        if node.op == "==":
            same = self._same(one, other, left, right)
        else:
            same = joined("(NOT {0})", self._same(one, other, left, right))
        for part in (one, other):
            if part.op not in ("name", "constant"):  # null here was CEL's error, and stays one
                same = joined("(CASE WHEN {0} IS NOT NULL THEN {1} END)", self.value(part), same)
        return same

    def _same(self, one: Any, other: Any, left: Fragment, right: Fragment) -> Fragment:
        same = joined("({0} IS NOT DISTINCT FROM {1})", left, right)
        if self.floating(one) or self.floating(other):  # to DuckDB NaN equals NaN
            same = joined("({0} AND NOT COALESCE(isnan({1}), FALSE))", same, left)
        return same

    def among(self, node: Any) -> Fragment:
        wanted, listed = node.args
        if any(part.op != "constant" or part.kind == "null" for part in listed.args):
            raise _unknown("`in` with anything but plain values")
        if any(part.kind != wanted.kind for part in listed.args):
            raise _unknown("`in` with values of another kind")
        if not listed.args:
            return Fragment("FALSE")
        parts = [self.sides(wanted, part)[1] for part in listed.args]
        left = self.sides(wanted, listed.args[0])[0]
        marks = ", ".join(f"{{{index + 1}}}" for index in range(len(parts)))
        found = joined(f"({{0}} IN ({marks}))", left, *parts)
        return joined("COALESCE({0}, FALSE)", found) if wanted.op == "name" else found

    def ordered(self, node: Any) -> Fragment:
        one, other = node.args
        if one.kind == "duration" or "null" in (one.kind, other.kind):
            raise _unknown(f"an order of {one.kind}")
        left, right = self.sides(one, other)
        made = joined(f"({{0}} {node.op} {{1}})", left, right)
        for part, side in ((one, left), (other, right)):
            if self.floating(part):  # to DuckDB NaN is the largest number, to CEL it has no order
                made = joined("(CASE WHEN NOT isnan({0}) THEN {1} END)", side, made)
        return made

    def sides(self, one: Any, other: Any) -> tuple[Fragment, Fragment]:
        """Both sides of a comparison as values DuckDB compares as CEL does."""
        if {one.kind, other.kind} == {"int", "double"}:
            cast = "CAST({0} AS DOUBLE)"
            return joined(cast, self.value(one)), joined(cast, self.value(other))
        if one.kind == "timestamp":
            for column, fixed in ((one, other), (other, one)):
                if self._day(column) and fixed.op == "constant" and fixed.value % _DAY == 0:
                    # a plain date beside a plain date: DuckDB can skip row groups by it
                    day = (_EPOCH + timedelta(microseconds=fixed.value)).date()
                    pair = (Fragment(quoted(column.value)), Fragment("CAST(? AS DATE)", (day,)))
                    return pair if column is one else (pair[1], pair[0])
        return self.value(one), self.value(other)

    def value(self, node: Any) -> Fragment:
        """The value of a column, a constant, or the few functions that are translated."""
        if node.kind == "bool" and node.op not in ("name", "constant"):
            return self.condition(node)
        match node.op:
            case "name":
                return self._column(node)
            case "constant":
                return _constant(node)
            case "characters":
                return joined("length({0})", self.value(node.args[0]))
            case "double":
                return joined("CAST({0} AS DOUBLE)", self.value(node.args[0]))
            case "string":
                return joined("CAST({0} AS VARCHAR)", self.value(node.args[0]))
            case "neg" | "+" | "-" | "*" if node.kind in ("int", "double"):
                parts = [self.value(part) for part in node.args]
                sql = "TRY(-{0})" if node.op == "neg" else f"TRY({{0}} {node.op} {{1}})"
                return joined(sql, *parts)
            case op if op in _PARTS:
                return joined(f"CAST({_PARTS[op]} AS BIGINT)", self.value(node.args[0]))
        raise _unknown(node.value if node.op in ("call", "method") else node.op)

    def _column(self, node: Any) -> Fragment:
        import pyarrow as pa

        name, type = quoted(node.value), self.types[node.value]
        if node.kind in ("list", "object", ""):
            raise _unknown(f"the column {node.value} of {type}")
        if node.kind == "timestamp":
            zoned = pa.types.is_timestamp(type) and type.tz
            # a day beyond all moments is no value, and no error that would tell of a row
            moment = f"make_timestamp(epoch_us(CAST({name} AS TIMESTAMPTZ)))"
            return Fragment(moment if zoned else f"TRY_CAST({name} AS TIMESTAMP)")
        if node.kind == "int":
            return Fragment(name if pa.types.is_int64(type) else f"CAST({name} AS BIGINT)")
        if node.kind == "double":
            return Fragment(name if pa.types.is_float64(type) else f"CAST({name} AS DOUBLE)")
        return Fragment(f"CAST({name} AS VARCHAR)" if node.kind == "string" and not _text(type) else name)

    def _day(self, node: Any) -> bool:
        import pyarrow as pa

        return node.op == "name" and bool(pa.types.is_date(self.types[node.value]))

    def floating(self, node: Any) -> bool:
        """Whether a value can be NaN."""
        import pyarrow as pa

        if node.kind != "double" or node.op == "constant":
            return False
        if node.op == "name":
            return bool(pa.types.is_floating(self.types[node.value]))
        return any(map(self.floating, node.args))


def _constant(node: Any) -> Fragment:
    casts = {"int": "BIGINT", "double": "DOUBLE", "string": "VARCHAR", "bool": "BOOLEAN"}
    if node.kind == "timestamp":
        return Fragment("make_timestamp(CAST(? AS BIGINT))", (node.value,))
    if node.kind not in casts:
        raise _unknown(f"a {node.kind}")
    return Fragment(f"CAST(? AS {casts[node.kind]})", (node.value,))


def _text(type: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(type) or pa.types.is_large_string(type) or pa.types.is_string_view(type))


def _unknown(what: str) -> Unprocessable:
    return Unprocessable(
        f"the row filter uses {what}, which cannot be translated",
        hint="comparisons, in, &&, ||, !, has(row.x), size, startsWith, endsWith, contains and parts of dates can",
    )


def values_of(fragments: Sequence[Fragment]) -> list[Any]:
    """The values of several fragments in the order they stand in a statement."""
    return [value for fragment in fragments for value in fragment.values]
