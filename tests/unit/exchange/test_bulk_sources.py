"""Providers' sources: every kind gives the same rows, none reaches what is not the department's."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import create_engine, make_url, select, text

from exchange.bulk import making
from exchange.bulk.databases import pinned, place
from exchange.bulk.store import SOURCES
from exchange.catalogue.endpoint import Network
from exchange.errors import Unavailable, Unprocessable, Upstream
from tests.conftest import run_sql
from tests.unit.exchange.bulked import ROWS, TABLE, World, once, people, refused


@pytest.fixture
def world(services: Any, tmp_path: Path) -> World:
    return World(services, tmp_path / "bulk")


@pytest.fixture
def web(world: World) -> Iterator[TestClient]:
    with world.web() as client:
        yield client


@once
def test_every_kind_of_source_gives_the_same_rows(world: World) -> None:
    home = world.folder / "police"
    expected = world.stream().sort_by("GMSFHM")
    (home / "parts").mkdir()
    pq.write_table(people().slice(0, 100), home / "parts" / "a.parquet")
    pq.write_table(people().slice(100), home / "parts" / "b.parquet")
    with duckdb.connect(str(home / "kept.duckdb")) as made:
        made.register("p", people())
        made.execute("CREATE SCHEMA s; CREATE TABLE s.persons AS SELECT * FROM p")
        made.execute(f"COPY p TO '{home}/persons.csv' (FORMAT csv)")
    engine = create_engine(f"sqlite:///{home / 'kept.sqlite'}")
    with engine.begin() as tx:
        tx.execute(
            text(
                "CREATE TABLE persons (GMSFHM TEXT, XM TEXT, CSRQ DATE, HJXZQH TEXT, income NUMERIC(10,2), secret TEXT)"
            )
        )
        rows = [row | {"income": float(row["income"]), "CSRQ": str(row["CSRQ"])} for row in people().to_pylist()]
        tx.execute(text("INSERT INTO persons VALUES (:GMSFHM, :XM, :CSRQ, :HJXZQH, :income, :secret)"), rows)
    engine.dispose()
    for kind, location, item in (
        ("files", "parts", ""), ("files", "parts/*.parquet", ""), ("files", "persons.csv", ""),
        ("duckdb", "kept.duckdb", "s.persons"), ("database", "sqlite:///kept.sqlite", "persons"),
    ):  # fmt: skip
        world.connecting.connect(world.giving, world.interface, TABLE, kind, location, item)
        found = world.stream().sort_by("GMSFHM")
        text_ = pa.schema([("CSRQ", pa.date32()), ("GMSFHM", pa.string()), ("HJXZQH", pa.string())])
        assert found.cast(text_).equals(expected.cast(text_)), location


def test_a_database_url_is_sealed_and_never_shown(world: World, web: TestClient) -> None:
    kept = world.folder / "police" / "kept.sqlite"
    engine = create_engine(f"sqlite:///{kept}")
    with engine.begin() as tx:
        tx.execute(text("CREATE TABLE persons (GMSFHM TEXT, CSRQ DATE, HJXZQH TEXT)"))
    engine.dispose()
    path = f"/api/v1/interfaces/{world.interface}/tables/{TABLE}/source"
    who = world.services.bearer(world.giving)
    body = {"kind": "database", "location": "sqlite://u:hush-hush@/kept.sqlite", "item": "persons"}
    answer = web.put(path, json=body, headers=who)
    assert answer.status_code == 200, answer.text
    assert answer.json()["lacking"] == ["XM", "income", "secret"]
    assert "hush-hush" not in answer.text + web.get(path, headers=who).text
    with world.services.database.reading() as tx:
        row = tx.execute(select(SOURCES)).one()
        assert "hush-hush" not in str(row.location)
        assert b"hush-hush" not in bytes(row.sealed)
    assert "hush-hush" not in str(world.services.last("source.set"))
    found = world.connecting.source(world.services.catalogue.interface(world.interface), TABLE)
    assert found is not None
    assert "hush-hush" in found.url
    assert "hush-hush" not in repr(found)


def assert_still(world: World, change: Callable[[], Any], rows: int) -> None:
    """All readings of one opening of a database see what the first saw, whatever is committed meanwhile."""
    source = world.connecting.source(world.services.catalogue.interface(world.interface), TABLE)
    assert source is not None
    with world.sources.open(source, None) as reading:
        for count in (rows, rows):
            reading.rows(("GMSFHM",))
            assert reading.connection.sql("SELECT count(*) FROM source").fetchall() == [(count,)]
            change()
    with world.sources.open(source, None) as reading:
        reading.rows(("GMSFHM",))
        assert reading.connection.sql("SELECT count(*) FROM source").fetchall() == [(0,)]


@contextmanager
def over_tcp(url: str) -> Iterator[str]:
    """The URL of a PostgreSQL server that listens on a socket file, reached through a port of this machine."""
    parsed = make_url(url)
    path = f"{parsed.query['host']}/.s.PGSQL.{parsed.port or 5432}"

    async def piped(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner, outer = await asyncio.open_unix_connection(path)
        await asyncio.gather(piped(reader, outer), piped(inner, writer))

    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(accepted, "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        port = server.sockets[0].getsockname()[1]
        yield str(parsed.set(host="localhost", port=port, query={}).render_as_string(hide_password=False))
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@once
def test_a_postgres_table_is_streamed_column_by_column(world: World, postgres: str) -> None:
    engine = create_engine(postgres)
    with engine.begin() as tx:
        tx.execute(text('DROP TABLE IF EXISTS "bulk people"'))
        shape = '"GMSFHM" TEXT, "CSRQ" DATE, "HJXZQH" TEXT, income NUMERIC(10,2), secret BYTEA'
        tx.execute(text(f'CREATE TABLE "bulk people" ({shape})'))
        rows = [{name: row[name] for name in ("GMSFHM", "CSRQ", "HJXZQH", "income")} for row in people().to_pylist()]
        tx.execute(text('INSERT INTO "bulk people" VALUES (:GMSFHM, :CSRQ, :HJXZQH, :income, NULL)'), rows)
    engine.dispose()
    expected = world.stream(world.under(world.agreement, rows="income > 500.0")).sort_by("GMSFHM")
    with over_tcp(postgres) as url:
        world.connecting.connect(world.giving, world.interface, TABLE, "database", url, "public.bulk people")
        assert world.stream().sort_by("GMSFHM").to_pylist() == expected.to_pylist()
        assert_still(world, lambda: run_sql(postgres, 'DELETE FROM "bulk people"'), ROWS)
        world.sources.admits = Network.of("10.0.0.0/8").admits
        with pytest.raises(Upstream) as raised:
            world.stream()
        assert refused(raised) == "source-unreachable"


OUTSIDE = [
    ("files", "../tax/persons.parquet"),
    ("files", "/etc/passwd"),
    ("files", "link.parquet"),
    ("files", "linked"),
    ("files", "*/../../tax/*.parquet"),
    ("files", "http://169.254.169.254/x.parquet"),
    ("files", "nothing.parquet"),
    ("files", "a" * 3000),
    ("files", "**x"),
    ("duckdb", "evil.duckdb"),
    ("duckdb", "../tax/persons.parquet"),
    ("database", "sqlite:///../../../tongban.sqlite"),
    ("database", "sqlite:///link.sqlite"),
    ("database", "sqlite:////etc/passwd"),
    ("database", "sqlite://"),
    ("database", "duckdb:///kept.duckdb"),
    ("database", "postgresql+psycopg://u:p@169.254.169.254/db"),
    ("database", "postgresql+psycopg:///db?host=/var/run/postgresql"),
    ("database", "postgresql+psycopg://u:p@127.0.0.1/db?hostaddr=10.0.0.1"),
    ("database", "postgresql+psycopg://a,b/db"),
    ("database", "not a url"),
    ("database", "postgresql+psycopg://u:p@host:port/db"),
    ("database", "postgresql+psycopg://u:p@[::1/db"),
    ("database", "postgresql+asyncpg://u:p@127.0.0.1/db"),
    ("database", "mysql+nothing://u:p@127.0.0.1/db"),
]


@once
def test_a_source_reaches_nothing_but_the_departments_own_folder(world: World) -> None:
    home = world.folder / "police"
    (world.folder / "tax").mkdir()
    pq.write_table(people(), world.folder / "tax" / "persons.parquet")
    (home / "link.parquet").symlink_to(world.folder / "tax" / "persons.parquet")
    (home / "linked").symlink_to(world.folder / "tax")
    # no DuckDB stands before this one: only the check of its path does
    engine = create_engine(f"sqlite:///{world.folder / 'tax' / 'other.sqlite'}")
    with engine.begin() as tx:
        tx.execute(text("CREATE TABLE persons (GMSFHM TEXT, CSRQ DATE, HJXZQH TEXT)"))
    engine.dispose()
    (home / "link.sqlite").symlink_to(world.folder / "tax" / "other.sqlite")
    with duckdb.connect(str(home / "evil.duckdb")) as made:
        foreign = world.folder / "tax" / "persons.parquet"
        made.execute(f"CREATE VIEW persons AS SELECT * FROM '{foreign}'")
    (world.folder / "spill").mkdir(exist_ok=True)
    (world.folder / "spill" / "other.tmp").write_text("rows of another department")
    with duckdb.connect(str(home / "views.duckdb")) as made:
        columns = "SELECT content AS GMSFHM, DATE '2000-01-01' AS CSRQ, '' AS HJXZQH FROM"
        made.execute(f"CREATE VIEW linked AS SELECT * FROM '{home}/link.parquet'")
        made.execute(f"CREATE VIEW passwd AS {columns} read_text('/etc/passwd')")
        made.execute(f"CREATE VIEW spilled AS {columns} read_text('{world.folder}/spill/*')")
    # DuckDB would take this name for a pattern, and follow the link the pattern finds
    pq.write_table(people(), home / "*.parquet")
    for kind, location in OUTSIDE:
        with pytest.raises(Unprocessable):
            world.connecting.connect(world.giving, world.interface, TABLE, kind, location, "persons")
    for view in ("linked", "passwd", "spilled"):
        with pytest.raises(Unprocessable, match="source-unreadable"):
            world.connecting.connect(world.giving, world.interface, TABLE, "duckdb", "views.duckdb", view)
    with pytest.raises(Unprocessable, match="source-unreadable"):
        world.connecting.connect(world.giving, world.interface, TABLE, "files", "[*].parquet")
    assert world.connecting.connected(world.giving, world.interface, TABLE).location == "persons.parquet"


@once
def test_only_so_much_is_read_at_a_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exchange.bulk.sources.WAIT_SECONDS", 0.01)
    source = world.connecting.source(world.services.catalogue.interface(world.interface), TABLE)
    assert source is not None
    with world.sources.open(source, None), world.sources.open(source, None), pytest.raises(Unavailable):
        world.stream()
    assert world.stream().num_rows == ROWS


@once
def test_an_sqlite_file_is_read_in_one_state(world: World) -> None:
    kept = world.folder / "police" / "kept.sqlite"
    with closing(sqlite3.connect(kept)) as made:
        made.execute("PRAGMA journal_mode = wal")
        made.execute("CREATE TABLE persons (GMSFHM TEXT, CSRQ DATE, HJXZQH TEXT)")
        made.executemany("INSERT INTO persons VALUES (?, '2000-01-01', '1')", [(str(n),) for n in range(50)])
        made.commit()

        def change() -> None:
            made.execute("DELETE FROM persons")
            made.commit()

        world.connecting.connect(world.giving, world.interface, TABLE, "database", "sqlite:///kept.sqlite", "persons")
        assert_still(world, change, 50)


@once
def test_files_replaced_while_they_are_read_are_read_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    copied, changes = making._copied, iter(range(1, 100))
    times = 1

    def replaced(*given: Any) -> Any:
        made = copied(*given)
        if (change := next(changes)) <= times:
            pq.write_table(people().slice(0, 100 * change), world.folder / "police" / "persons.parquet")
        return made

    monkeypatch.setattr(making, "_copied", replaced)
    assert world.stream().num_rows == 100
    times = 100
    with pytest.raises(Upstream) as raised:
        world.stream()
    assert refused(raised) == "source-changing"
    assert not world.made()


@once
def test_a_source_that_never_ends_is_given_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with duckdb.connect(str(world.folder / "police" / "endless.duckdb")) as made:
        made.execute(
            "CREATE VIEW persons AS SELECT CAST(sum(a.i * b.i) AS VARCHAR) AS GMSFHM, DATE '2000-01-01' AS CSRQ, "
            "'1' AS HJXZQH FROM range(10000000) a(i), range(10000000) b(i)"
        )
    world.connecting.connect(world.giving, world.interface, TABLE, "duckdb", "endless.duckdb", "persons")
    monkeypatch.setattr("exchange.bulk.sources.MOST_SECONDS", 0.2)
    with pytest.raises(Upstream) as raised:
        world.stream()
    assert refused(raised) == "source-slow"
    assert not list((world.folder / "spill").iterdir())


def test_a_database_is_reached_where_it_was_checked_to_be() -> None:
    url = "postgresql+psycopg://u:p@localhost/db?sslmode=verify-full"
    libpq = place(url, lambda _: "", lambda address: address in ("127.0.0.1", "::1"))
    assert (libpq.host, libpq.query["hostaddr"]) in (("localhost", "127.0.0.1"), ("localhost", "::1"))
    # a driver that takes no address beside the name gets it in its place, so the name cannot mean another later
    plain = pinned(make_url("mysql+pymysql://u:p@db.example/db"), "pymysql", "10.0.0.7")
    assert (plain.host, plain.password, dict(plain.query)) == ("10.0.0.7", "p", {})
