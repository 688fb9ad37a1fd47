"""The migrations give exactly the tables the stores declare, on both databases, and the ledger's triggers."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

import exchange.app  # noqa: F401  imports every store
from exchange import migrations
from exchange.database import Database, metadata
from exchange.ledger import store, tree
from tests.conftest import named, run_sql

_numbers = count()


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    if request.param == "sqlite":
        return Database(f"sqlite:///{tmp_path / 'empty.sqlite'}")
    server, name = request.getfixturevalue("postgres"), f"migrated_{next(_numbers)}"
    run_sql(server, f"CREATE DATABASE {name}")
    return Database(named(server, name))


def test_migrations_and_stores_agree(empty: Database) -> None:
    migrations.upgrade(empty)
    migrations.upgrade(empty)  # nothing happens the second time
    with empty.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    with empty.transaction() as tx:
        store.start(tx, tree.EMPTY)
    with pytest.raises(DBAPIError, match="append-only"), empty.transaction() as tx:
        tx.execute(text(f"DELETE FROM {store.HEAD.name}"))
    empty.close()


def test_the_subject_index_is_brought_along(empty: Database) -> None:
    with empty.transaction() as tx:
        command.upgrade(migrations.configuration(tx), "0005")
    with empty.transaction() as tx:
        tx.execute(text("INSERT INTO ledger_subjects (subject, idx) VALUES (:tag, 40000)"), {"tag": b"a"})
    migrations.upgrade(empty)
    with empty.reading() as tx:
        (row,) = tx.execute(text("SELECT epoch, subject, idx, generation FROM ledger_subjects")).all()
    assert (row.epoch, bytes(row.subject), row.idx, row.generation) == (2, b"a", 40000, 1)
    empty.close()


def test_a_clients_secret_outlives_the_change_to_two(empty: Database) -> None:
    migrations.upgrade(empty)
    with empty.transaction() as connection:
        command.downgrade(migrations.configuration(connection), "0011-1")
        known = "INSERT INTO parties (id, kind, name, created_at) VALUES ('police', 'department', '{}', '2026-01-01')"
        connection.execute(text(known))
        client = "INSERT INTO clients (id, party, label, roles, secret, created_at, revoked_at) VALUES "
        for name, ended in (("one", "NULL"), ("gone", "'2026-01-02'")):
            values = f"('{name}', 'police', 'x', '[]', :secret, '2026-01-01', {ended})"
            connection.execute(text(client + values), {"secret": name.encode()})
    migrations.upgrade(empty)
    with empty.reading() as tx:
        assert [tuple(row) for row in tx.execute(text("SELECT client, hash FROM client_secrets"))] == [("one", b"one")]
    empty.close()
