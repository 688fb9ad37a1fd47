"""Straight into databases: types, keys, everything or nothing, and a password that nobody sees."""

import json
import sqlite3
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from mockdata.tables.databases import Address, AddressError, DatabaseError, Load, TableExists, definitions, load
from mockdata.tables.generate import generate
from mockdata.tables.plan import plan
from specs.reading import read

ROLLS = read(Path("tests/data/rolls.odcs.yaml"))
ROWS = 300


@pytest.fixture(scope="module")
def plans():
    return [plan(ROLLS, name, seed=9, parent_rows=ROWS) for name in ("rolls", "lines")]


@pytest.fixture(scope="module")
def rows(plans):
    return {made.table: pa.Table.from_batches(generate(made, 0, ROWS)).to_pylist() for made in plans}


def loads(plans, rows=ROWS, broken=None):
    tables = [ROLLS.table(made.table) for made in plans]

    def batches(made):
        yield from generate(made, 0, rows, batch_rows=64)
        if broken == made.table:
            raise OSError(5, "the generator broke")

    found = definitions(plans, tables, rows)
    return [Load(one, lambda made=made: batches(made)) for one, made in zip(found, plans, strict=True)]


def test_definitions_have_the_keys_that_hold(plans):
    rolls, lines = definitions(plans, [ROLLS.table("rolls"), ROLLS.table("lines")], ROWS)
    assert rolls.primary_key == ("id",)
    assert lines.foreign_keys == ((("roll",), "rolls", ("id",)),)
    fewer = definitions(plans, [ROLLS.table("rolls"), ROLLS.table("lines")], ROWS - 1)
    assert fewer[1].foreign_keys == ()  # a line may name the roll that is not loaded
    (alone,) = definitions(plans[1:], [ROLLS.table("lines")], ROWS, "archive.lines")
    assert (alone.name, alone.foreign_keys) == ("archive.lines", ())


def test_sqlite_holds_the_rows(plans, rows, tmp_path):
    address = Address.of(f"sqlite:///{tmp_path / 'new' / 'rolls.db'}")
    told = []
    assert load(address, loads(plans), progress=told.append) == 2 * ROWS
    assert sum(told) == 2 * ROWS
    with sqlite3.connect(address.path) as found:
        found.row_factory = sqlite3.Row
        got = [dict(row) for row in found.execute("SELECT * FROM rolls ORDER BY rowid")]
        types = {name: kind for _, name, kind, *_ in found.execute("PRAGMA table_info(rolls)")}
        keys = found.execute("PRAGMA foreign_key_list(lines)").fetchall()
        assert found.execute("PRAGMA foreign_key_check").fetchall() == []
        assert found.execute("SELECT typeof(sum) FROM rolls LIMIT 1").fetchone()[0] in ("real", "integer")
    found.close()
    assert types["sum"] == "DECIMAL(18,2)"
    assert [(key["table"], key["from"], key["to"]) for key in keys] == [("rolls", "roll", "id")]
    for row, right in zip(got, rows["rolls"], strict=True):
        assert row["id"] == right["id"]
        assert row["due"] == right["due"].isoformat()
        assert datetime.fromisoformat(row["at"]) == right["at"]
        assert row["count"] == right["count"]
        assert row["paid"] == right["paid"]
        assert row["note"] == right["note"]
        assert json.loads(row["place"]) == right["place"]
        assert Decimal(str(row["sum"])) == pytest.approx(right["sum"])
    assert sorted(path.name for path in address.path.parent.iterdir()) == ["rolls.db"]


def test_duckdb_holds_the_rows(plans, rows, tmp_path):
    import duckdb

    address = Address.of(f"duckdb:///{tmp_path / 'rolls.duckdb'}")
    load(address, loads(plans))
    with duckdb.connect(str(address.path), read_only=True) as found:
        table = found.table("rolls").to_arrow_table()
        assert [{**row, "at": 0} for row in table.to_pylist()] == [{**row, "at": 0} for row in rows["rolls"]]
        keys = found.sql("SELECT constraint_type FROM duckdb_constraints() WHERE table_name = 'lines'").fetchall()
        assert {"PRIMARY KEY", "FOREIGN KEY"} <= {kind for (kind,) in keys}
    assert [path.name for path in tmp_path.iterdir()] == ["rolls.duckdb"]


@pytest.mark.postgres
def test_postgresql_holds_the_rows(plans, rows, postgres):
    import psycopg

    url = postgres.replace("postgresql+psycopg://", "postgresql://")
    address = Address.of(url)
    with psycopg.connect(url, autocommit=True) as found:
        found.execute("DROP TABLE IF EXISTS lines, rolls")
        load(address, loads(plans))
        columns = "id, due, at, sum, count, paid, note, area, parts, place"
        got = found.execute(f"SELECT {columns} FROM rolls").fetchall()
        types = dict(
            found.execute(
                "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute "
                "WHERE attrelid = 'rolls'::regclass AND attnum > 0"
            ).fetchall()
        )
        keys = {name for (name,) in found.execute("SELECT conname FROM pg_constraint WHERE contype IN ('p', 'f')")}
        assert [dict(zip(columns.split(", "), row, strict=True)) for row in got] == rows["rolls"]
        assert (types["sum"], types["at"]) == ("numeric(18,2)", "timestamp with time zone")
        assert (types["place"], types["count"]) == ("jsonb", "bigint")
        assert keys >= {"rolls_pkey", "lines_pkey", "lines_roll_fkey"}

        with pytest.raises(TableExists):
            load(address, loads(plans))
        with pytest.raises(OSError, match="the generator broke"):
            load(address, loads(plans, broken="lines"), force=True)
        assert found.execute("SELECT count(*) FROM rolls").fetchone() == (ROWS,)
        load(address, loads(plans), force=True)
        assert {
            name for (name,) in found.execute("SELECT relname FROM pg_class WHERE relname LIKE '%loading%'")
        } == set()
        found.execute("CREATE VIEW seen AS SELECT * FROM rolls")
        with pytest.raises(DatabaseError, match="cannot drop table rolls") as told:
            load(address, loads(plans), force=True)
        assert told.value.hint
        found.execute("DROP VIEW seen")
        found.execute("DROP TABLE lines, rolls")


@pytest.mark.postgres
def test_postgresql_schemas_and_long_names(plans, postgres):
    import psycopg

    url = postgres.replace("postgresql+psycopg://", "postgresql://")
    long = f'archive.{"档" * 20}"x'
    (definition,) = definitions(plans[:1], [ROLLS.table("rolls")], 10, long)
    one = [Load(definition, lambda: generate(plans[0], 0, 10))]
    with psycopg.connect(url, autocommit=True) as found:
        with pytest.raises(DatabaseError, match='schema "archive" does not exist'):
            load(Address.of(url), one)
        found.execute("CREATE SCHEMA archive")
        for force in (False, True):
            load(Address.of(url), one, force=force)
        name = found.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'archive'").fetchone()
        assert name == (long.partition(".")[2],)
        found.execute("DROP SCHEMA archive CASCADE")


@pytest.mark.parametrize("kind", ["sqlite", "duckdb"])
def test_a_table_is_replaced_by_force_and_all_or_nothing(plans, tmp_path, kind):
    address = Address.of(f"{kind}:///{tmp_path / 'x'}")
    with pytest.raises(OSError, match="the generator broke"):
        load(address, loads(plans, broken="lines"))
    assert list(tmp_path.iterdir()) == []
    load(address, loads(plans))
    with pytest.raises(TableExists) as told:
        load(address, loads(plans))
    assert told.value.filename == f"rolls in {kind}:///{tmp_path / 'x'}"
    for broken in ("rolls", "lines"):
        with pytest.raises(OSError, match="the generator broke"):
            load(address, loads(plans, broken=broken), force=True)
        assert counted(address) == [ROWS, ROWS]
    fewer = [plan(ROLLS, made.table, seed=9, parent_rows=100) for made in plans]
    load(address, loads(fewer, rows=100), force=True)
    assert counted(address) == [100, 100]


def counted(address):
    import duckdb

    opened = sqlite3.connect if address.kind == "sqlite" else duckdb.connect
    connection = opened(str(address.path))
    try:
        return [connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in ("rolls", "lines")]
    finally:
        connection.close()


@pytest.mark.parametrize("kind", ["sqlite", "duckdb"])
def test_a_file_that_is_no_database_is_one_line(plans, tmp_path, kind):
    path = tmp_path / "x"
    path.write_bytes(b"precious text, no database. " * 400)
    with pytest.raises(DatabaseError) as told:
        load(Address.of(f"{kind}:///{path}"), loads(plans))
    assert "\n" not in str(told.value)
    assert path.read_bytes().startswith(b"precious")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "postgresql://me:se%40cret@db.example.org:5433/lake?password=hidden",
            "postgresql://me@db.example.org:5433/lake",
        ),
        ("postgresql+psycopg://me:secret@[::1]/lake", "postgresql://me@[::1]/lake"),
        ("postgresql:///lake?host=/tmp/secret", "postgresql:///lake"),
        ("sqlite:///here.db", "sqlite:///here.db"),
        ("duckdb:////abs/there.db", "duckdb:////abs/there.db"),
    ],
)
def test_an_address_shows_no_password(text, shown):
    address = Address.of(text)
    assert address.shown == shown
    assert "secret" not in repr(address)
    assert "hidden" not in repr(address)


@pytest.mark.parametrize("text", ["", "secret", "mysql://u:secret@h/d", "sqlite://", "sqlite:///", "duckdb:secret",
                                  "postgresql://u:secret@h:port/d", "postgresql://[secret/d"])  # fmt: skip
def test_what_is_no_address_is_not_repeated(text):
    with pytest.raises(AddressError) as told:
        Address.of(text)
    assert "secret" not in str(told.value)
    assert "sqlite:///FILE" in told.value.hint


def test_nobody_answers(plans):
    with pytest.raises(DatabaseError) as told:
        load(Address.of("postgresql://me:secret@127.0.0.1:1/lake"), loads(plans))
    assert "secret" not in f"{told.value} {told.value.hint}"
    assert "\n" not in str(told.value)
    assert "PGPASSWORD" in told.value.hint
