"""Row filters in SQL keep exactly the rows CEL keeps: drawn conditions over rows full of nulls, NaN and edges."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from exchange.bulk.conditions import Fragment, quoted, translate
from exchange.errors import Unprocessable
from mockdata.tables import expressions

ROWS = 300
SHAPE = {"i": "int", "j": "int", "f": "double", "m": "double", "s": "string", "t": "string", "d": "day", "z": "time",
         "b": "bool", "数": "int"}  # fmt: skip


def rows() -> pa.Table:
    """Columns of every kind; about a fifth of each null."""
    pick = random.Random(7)

    def drawn(values: list[Any]) -> list[Any]:
        return [None if pick.random() < 0.2 else pick.choice(values) for _ in range(ROWS)]

    moments = [datetime(1970, 1, 1, tzinfo=UTC), datetime(1999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
               datetime(2024, 2, 29, 12, tzinfo=UTC), datetime(1949, 10, 1, tzinfo=UTC)]  # fmt: skip
    return pa.table(
        {
            "i": pa.array(drawn([-3, 0, 1, 2, 2**63 - 1, -(2**63)]), pa.int64()),
            "j": pa.array(drawn([-3, 0, 1, 2, 300]), pa.int16()),
            "f": pa.array(drawn([float("nan"), float("inf"), -1.5, 0.0, -0.0, 2.0, 1e300]), pa.float64()),
            "m": pa.array(drawn([Decimal("1.10"), Decimal("0.00"), Decimal("-2.50")]), pa.decimal128(10, 2)),
            "s": pa.array(drawn(["", "a", "A", "ab", "赵", "𠮷野", "a'b", 'a"b', "%", "_", "NULL"])),
            "t": pa.array(drawn(["", "a", "ab", "赵"])),
            "d": pa.array(drawn([moment.date() for moment in moments]), pa.date32()),
            "z": pa.array(drawn(moments), pa.timestamp("us", tz="UTC")),
            "b": pa.array(drawn([True, False])),
            "数": pa.array(drawn([1, 2])),
        }
    )


def drawn(pick: random.Random, depth: int) -> str:
    """A condition at random."""
    if depth and pick.random() < 0.6:
        one, other = drawn(pick, depth - 1), drawn(pick, depth - 1)
        return pick.choice([f"({one} && {other})", f"({one} || {other})", f"!({one})", f"({one} ? {other} : b)",
                            f"(({one}) == ({other}))", f"(({one}) != b)"])  # fmt: skip
    order = pick.choice(["==", "!=", "<", "<=", ">", ">="])
    whole = pick.choice(["0", "1", "-3", "2", "i", "j", "数", "(i + 1)", "(j * 2)", "-j", "(i - j)", "size(s)"])
    part = pick.choice(["0.0", "1.1", "-2.5", "f", "m", "(f + 1.0)", "double(j)"])
    text = pick.choice(["'a'", "''", "'赵'", "'%'", "t", "s", "string(j)", '"a\'b"'])
    day = pick.choice(["'1970-01-01'", "'1999-12-31'", "'2024-02-29T12:00:00Z'", "d", "z"])
    return pick.choice(
        [f"i {order} {whole}", f"{whole} {order} j", f"f {order} {part}", f"m {order} {part}", f"i {order} 1.5",
         f"s {order} {text}", f"{text} {order} t", f"d {order} {day}", f"z {order} {day}", "b", "!b", "true", "false",
         "s in ['a', '', '赵', \"a'b\"]", "i in [1, 2, -3]", "m in [1.1, 0.0]", "s == null", "i != null", "null == f",
         "has(row.s)", "!has(row.d)", "s.startsWith('a')", "s.endsWith('b')", "s.contains('%')", "size(s) > 1",
         "d.getFullYear() >= 1970", "z.getMonth() == 1", "d.getDate() == 29", "z.getDayOfMonth() == 0",
         "d.getDayOfWeek() == 4", "数 == 1", "i in []"]
    )  # fmt: skip


def attempt(condition: str, types: dict[str, pa.DataType]) -> Fragment | None:
    """The translation; None where nulls could be mistaken for errors, the one thing that may be refused here."""
    try:
        return translate(condition, types)
    except Unprocessable as error:
        if "a comparison of a choice" not in error.detail:
            raise
        return None


def test_sql_and_cel_keep_the_same_rows() -> None:
    table, pick = rows(), random.Random(11)
    types = {field.name: field.type for field in table.schema}
    columns = {name: table[name].combine_chunks() for name in table.column_names}
    kept = 0
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.register("people", table.append_column("at", pa.array(range(ROWS))))
        connection.execute("CREATE TABLE source AS SELECT * FROM people")
        for _ in range(500):
            condition = drawn(pick, 3)
            expected = np.nonzero(expressions.compile(condition, types).holds(columns, ROWS))[0].tolist()
            made = attempt(condition, types)
            if made is None:
                continue
            assert "'" not in made.sql
            found = connection.execute(f'SELECT "at" FROM source WHERE {made.sql} ORDER BY 1', list(made.values))
            assert [row[0] for row in found.fetchall()] == expected, (condition, made)
            kept += len(expected)
    assert kept > 5_000


@pytest.mark.parametrize(
    "condition",
    ["s.matches('a')", "i / 2 == 1", "i % 2 == 0", "[1].exists(x, x == i)", "z + duration('1h') > z", "d - d == d - d",
     "(b ? s : t) == 'a'", "(i + 1) == null", "s in [t]", "i in [1.0]", "int(s) == 1", "x == 1", "s", "1", "", "s ==",
     "timestamp(s) < z", "s == 1", "z.getHours() == 1", "dyn(s) == 'a'"],
)  # fmt: skip
def test_what_cannot_be_translated_exactly_is_refused(condition: str) -> None:
    with pytest.raises(Unprocessable):
        translate(condition, {field.name: field.type for field in rows().schema})


def test_values_never_become_sql() -> None:
    types = {"s": pa.string(), 'a"b; DROP': pa.int64()}
    for text in ("'; DROP TABLE source; --", "?", "{0}", "\\", "$1"):
        written = text.replace("\\", "\\\\").replace("'", "\\'")
        made = translate(f"s == '{written}' && `a\"b; DROP` > 1", types)
        assert made.values[0] == text
        assert text not in made.sql.replace("?", "") or text == "?"
    assert quoted('a"b') == '"a""b"'
    with pytest.raises(Unprocessable):
        quoted("a\x00b")


def test_a_plain_condition_is_one_duckdb_can_push_down() -> None:
    types = {"d": pa.date32(), "s": pa.string()}
    made = translate("d < '1990-01-01' && s == 'a'", types)
    assert made.sql == '(("d" < CAST(? AS DATE)) AND ("s" = CAST(? AS VARCHAR)))'
    assert made.values == (date(1990, 1, 1), "a")
