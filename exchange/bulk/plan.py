"""From an agreement's terms to one SELECT: agreed columns, agreed rows, masks; everything else never leaves DuckDB."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from exchange.bulk.conditions import Fragment, joined, quoted, translate
from exchange.bulk.masks import masked
from exchange.bulk.tables import Column, columns_of, schema_string, stored
from exchange.bulk.terms import Terms
from exchange.errors import Unprocessable

CARRIED = "\x02person"
"""A name no column of a source has in earnest."""


class Unenforceable(Exception):
    """The terms cannot be kept on this source. ``rule`` is one of `model.RULES`, ``why`` a sentence."""

    def __init__(self, rule: str, why: str) -> None:
        super().__init__(why)
        self.rule, self.why = rule, why


@dataclass(frozen=True, slots=True)
class Filter:
    """An agreed row filter, ready for DuckDB; ``reads``: the source's columns needed for it."""

    where: Fragment | None
    reads: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """One SELECT over ``source``; ``columns`` as they come out. ``carried``: the same rows with one more column,
    `CARRIED`, the unmasked number of the person each is about; None when the source has none.
    ``reads``: the source's columns needed.
    """

    select: Fragment
    columns: tuple[Column, ...]
    carried: Fragment | None
    reads: tuple[str, ...]

    @property
    def schema(self) -> str:
        """Spark's schema of what comes out."""
        return schema_string(self.columns)

    def of(self, rows: str) -> str:
        """SQL of what comes out, from a table that has the rows of ``carried``."""
        return f"SELECT {', '.join(quoted(column.name) for column in self.columns)} FROM {rows}"


def filtered(connection: Any, terms: Terms) -> Filter:
    """The row filter over the columns the source has, and that it has all that are agreed. Raises `Unenforceable`."""
    types = arrow_types(connection)
    if missing := [name for name in terms.columns if name not in types]:
        raise Unenforceable("column-missing", ", ".join(missing))
    if not terms.rows:
        return Filter(None, terms.columns)
    try:
        where = translate(terms.rows, types)
    except Unprocessable as error:
        raise Unenforceable("row-filter-untranslatable", error.detail) from None
    return Filter(where, tuple(dict.fromkeys((*terms.columns, *reads(terms.rows, types)))))


def arrow_types(connection: Any) -> Mapping[str, Any]:
    """Arrow types of the source's columns."""
    shape = connection.sql("SELECT * FROM source LIMIT 0").to_arrow_table().schema
    return {field.name: field.type for field in shape}


def reads(text: str, types: Mapping[str, Any]) -> tuple[str, ...]:
    """Columns an expression reads."""
    from mockdata.tables.expressions import compile

    return tuple(compile(text, types).names)


def planned(
    connection: Any,
    terms: Terms,
    filter: Filter,
    key: bytes,
    *,
    narrowed: Sequence[str] = (),
    where: str = "",
    person: str | None = None,
) -> Plan:
    """The SELECT of an agreement. ``narrowed``: only these of the agreed columns; ``where``: the consumer's own filter,
    over what comes out, so that nothing masked or left away can be asked about; ``person``: the source's column with
    citizen numbers. Raises `Unenforceable` for terms, `Unprocessable` for what the consumer asks.
    """
    parts = _parts(connection, terms, key)
    shape = columns_of(_relation(connection, _select(parts, "source", filter.where)))
    kept = [column for column in shape if not narrowed or column.name in narrowed]
    if not kept:
        raise Unprocessable("the agreement removes every column asked for", pointer="/columns")
    cast = [(column.name, Fragment(f"CAST({quoted(column.name)} AS {stored(column.type)})")) for column in shape]
    inner = _select([*parts, *_about(person)], "source", filter.where)
    whole = _select([*cast, *([(CARRIED, Fragment(quoted(CARRIED)))] if person else [])], f"({inner.sql})", None)
    whole = Fragment(whole.sql, inner.values)
    condition = None
    if where:
        types = {field.name: field.type for field in _relation(connection, whole).limit(0).to_arrow_table().schema}
        condition = translate(where, {column.name: types[column.name] for column in shape})
    names = [column.name for column in kept]
    select = _outer(names, whole, condition)
    carried = _outer([*names, CARRIED], whole, condition) if person else None
    needed = tuple(dict.fromkeys((*filter.reads, *([person] if person else ()))))
    return Plan(select, columns_of(_relation(connection, select)), carried, needed)


def _parts(connection: Any, terms: Terms, key: bytes) -> list[tuple[str, Fragment]]:
    """The agreed columns, masked. Raises `Unenforceable`."""
    ids = {column.name: column.id for column in columns_of(connection.table("source"))}
    if unknown := sorted(terms.masks.keys() - set(terms.columns)):
        raise Unenforceable("mask-unenforceable", f"no agreed column {', '.join(unknown)}")
    parts: list[tuple[str, Fragment]] = []
    for name in terms.columns:
        made: Fragment | None = Fragment(quoted(name))
        if name in terms.masks:
            try:
                made = masked(name, ids[name], terms.masks[name], key)
            except Unprocessable as error:
                raise Unenforceable("mask-unenforceable", error.detail) from None
        if made is not None:
            parts.append((name, made))
    if not parts:
        raise Unenforceable("mask-unenforceable", "every agreed column is removed")
    return parts


def _about(person: str | None) -> list[tuple[str, Fragment]]:
    return [(CARRIED, Fragment(f"CAST({quoted(person)} AS VARCHAR)"))] if person else []


def _outer(names: Sequence[str], whole: Fragment, condition: Fragment | None) -> Fragment:
    made = _select([(name, Fragment(quoted(name))) for name in names], f"({whole.sql})", condition)
    return Fragment(made.sql, whole.values + (condition.values if condition else ()))


def _select(parts: Sequence[tuple[str, Fragment]], source: str, where: Fragment | None) -> Fragment:
    named = [joined(f"{{0}} AS {_brace(quoted(name))}", part) for name, part in parts]
    values = tuple(value for part in named for value in part.values)
    sql = f"SELECT {', '.join(part.sql for part in named)} FROM {source}"
    return Fragment(sql, values) if where is None else Fragment(f"{sql} WHERE {where.sql}", values + where.values)


def _relation(connection: Any, select: Fragment) -> Any:
    return connection.sql(select.sql, params=list(select.values))


def _brace(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")
