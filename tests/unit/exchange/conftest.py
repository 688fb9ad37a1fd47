"""Fixtures for everything in `exchange`: a settable clock, a fresh database on both engines, the services.

``database`` runs a test twice: on a SQLite file and on a real PostgreSQL (one server per test session, an empty
database per test) with the tables of every store.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import APIRouter, FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import NullPool, create_engine, text

import exchange.app  # noqa: F401  # with it come the tables of every store
from exchange.catalogue.checking import Checking
from exchange.catalogue.endpoint import Network
from exchange.catalogue.lifecycle import Lifecycle
from exchange.catalogue.news import News
from exchange.catalogue.probing import Probing
from exchange.catalogue.service import Catalogue
from exchange.catalogue.tidying import Tidying
from exchange.database import Database, metadata
from exchange.errors import Upstream
from exchange.http import problems
from exchange.ledger import guard
from exchange.ledger.service import Ledger
from exchange.parties.access import SYSTEM, Access, Caller
from exchange.parties.service import Parties
from exchange.parties.tokens import Tokens
from exchange.sandboxes import control_routes
from exchange.sandboxes import routes as sandboxes_routes
from exchange.sandboxes.service import Sandboxes
from tests.conftest import named, run_sql
from tests.unit.exchange import hosted

ORIGIN = "tongban.test/ledger"
ISSUER = "http://tongban.test"
_numbers = count()
_WITH_ROWS = """SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
AND pg_relation_size(oid) > 0"""
"""Tables of PostgreSQL that hold rows, or held some since they were last vacuumed."""


@dataclass
class TestClock:
    """Stands still at 2026-11-02 01:00 UTC (a Monday morning in Beijing) until a test moves it."""

    __test__ = False
    now: datetime = datetime(2026, 11, 2, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **amount: float) -> None:
        """Move forward, for example ``advance(minutes=16)``."""
        self.now += timedelta(**amount)


@pytest.fixture
def clock() -> TestClock:
    return TestClock()


@pytest.fixture(scope="session")
def _postgres(postgres: str) -> str:
    """The session's server, made fast: it is thrown away, so nothing has to reach its disk."""
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        run_sql(postgres, f"ALTER SYSTEM SET {setting} = off")
    run_sql(postgres, "SELECT pg_reload_conf()")
    return postgres


@pytest.fixture(scope="session")
def _postgres_pool(_postgres: str) -> Iterator[list[str]]:
    """Databases with all tables and no rows: making one takes a second, emptying one a few milliseconds."""
    yield []
    while _open:
        _open.popitem()[1].close()


_open: dict[str, Database] = {}
"""Pooled databases by URL: they stay open, so that no test connects or compiles its statements anew."""


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "template.sqlite"
    database = Database(f"sqlite:///{path}")
    database.create()
    database.close()
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of a fresh database with all tables; for tests that start processes of their own."""
    if request.param == "sqlite":
        path = tmp_path / "tongban.sqlite"
        shutil.copyfile(request.getfixturevalue("_sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    server, pool = request.getfixturevalue("_postgres"), request.getfixturevalue("_postgres_pool")
    if pool:
        url = pool.pop()
    else:
        name = f"test_{next(_numbers)}"
        run_sql(server, f"CREATE DATABASE {name}")
        url = named(server, name)
        made = Database(url)
        made.create()
        made.close()
    yield url
    _empty(url)
    pool.append(url)


@pytest.fixture
def empty_postgres_url(_postgres: str) -> Iterator[str]:
    """URL of a PostgreSQL database without any table, for tests that start from nothing."""
    name = f"empty_{next(_numbers)}"
    run_sql(_postgres, f"CREATE DATABASE {name}")
    yield named(_postgres, name)
    run_sql(_postgres, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A fresh database; the test runs once on SQLite and once on PostgreSQL."""
    made = _open.get(database_url) or Database(database_url)
    if made.dialect != "sqlite":
        _open[database_url] = made
    yield made
    if made.dialect == "sqlite":
        made.close()


@dataclass
class Services:
    """The services on one database, each built on the ones below, and callers to use them with."""

    database: Database
    clock: TestClock
    home: Path
    ledger: Ledger
    tokens: Tokens
    access: Access
    parties: Parties
    catalogue: Catalogue
    lifecycle: Lifecycle
    probing: Probing
    checking: Checking
    tidying: Tidying
    made: set[str] = field(default_factory=set)

    def caller(self, party: str, kind: str, *roles: str, via: str = "client") -> Caller:
        """Somebody of a party; the party is registered if it is not there yet."""
        if party not in self.made:
            self.parties.register_party(SYSTEM, party, kind, {"zh_CN": party, "en": party})
            self.made.add(party)
        return Caller(f"cli_{party}", party, kind, frozenset(roles), party, via)

    def department(self, party: str = "police") -> Caller:
        """An admin, engineer and reviewer of a department."""
        return self.caller(party, "department", "admin", "engineer", "reviewer")

    def vendor(self, party: str = "acme") -> Caller:
        """An admin and developer of a vendor."""
        return self.caller(party, "vendor", "admin", "developer")

    def officer(self) -> Caller:
        """The data officer."""
        return self.caller("data-office", "data_office", "officer")

    def bearer(self, caller: Caller) -> dict[str, str]:
        """Headers of a real client with the caller's party and roles, for requests over HTTP."""
        client, secret = self.parties.add_client(SYSTEM, caller.party, "test", caller.roles)
        return {"Authorization": f"Bearer {self.parties.token(client.id, secret)}"}

    def web(self, *routers: APIRouter) -> TestClient:
        """An HTTP client of an app made of these routers; unexpected errors are raised, not answered."""
        app = FastAPI()
        problems.install(app)
        for router in routers:
            app.include_router(router)
        return TestClient(app, base_url=ISSUER)

    def kinds(self) -> list[str]:
        """Kinds of all ledger entries so far."""
        return [entry.kind for entry in self.ledger.entries(limit=1000)]

    def last(self, kind: str) -> dict[str, Any]:
        """Body of the newest ledger entry of a kind."""
        return self.ledger.entries(kind=kind, newest_first=True, limit=1)[0].body


@pytest.fixture
def services(database: Database, clock: TestClock, tmp_path: Path) -> Services:
    """All services so far on a fresh database, with cheap password hashing and loopback endpoints allowed."""
    ledger = Ledger(database, Ed25519PrivateKey.generate(), ORIGIN, b"i" * 32, clock)
    tokens = Tokens(Ed25519PrivateKey.generate(), ISSUER, clock)
    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    parties = Parties(database, ledger, tokens, clock, hasher)
    access = Access(database, tokens, clock)
    catalogue = Catalogue(database, ledger, clock, network=Network.of(loopback=True))
    lifecycle = Lifecycle(catalogue, News(database, ledger, clock))
    probing = Probing(catalogue, _nowhere)
    checking, tidying = Checking(lifecycle), Tidying(catalogue, lifecycle.news)
    return Services(
        database, clock, tmp_path, ledger, tokens, access, parties, catalogue, lifecycle, probing, checking, tidying
    )


@pytest.fixture
def sandboxes(services: Services) -> Iterator[Sandboxes]:
    """Hosted sandboxes, with the notes of the police published."""
    police = services.department("police")
    version = services.catalogue.register(police, "notes.yaml", hosted.NOTES)
    services.lifecycle.publish(police, version.interface, version.version)
    service = hosted.made(services)
    yield service
    service.close()


@pytest.fixture
def web(services: Services, sandboxes: Sandboxes) -> Iterator[TestClient]:
    """Hosted sandboxes over HTTP; modules about something else have a `web` of their own."""
    routers = control_routes.router(sandboxes, services.access), sandboxes_routes.router(sandboxes, services.access)
    with services.web(*routers) as client:
        client.app.mount("/sandboxes", sandboxes)  # type: ignore[attr-defined]
        yield client


def _nowhere(*_call: object) -> tuple[int, dict[str, str], bytes]:
    raise Upstream("provider-unreachable")


def _empty(url: str) -> None:
    # as a replica: the triggers that keep the ledger append-only do not fire
    guards = [statement for group in guard.statements("postgresql").values() for statement in group]
    engine = create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        known = set(connection.execute(text(_WITH_ROWS)).scalars())
        deletes = [f'DELETE FROM "{table.name}"' for table in metadata.sorted_tables if table.name in known]
        tail = ["DROP SCHEMA IF EXISTS dbos CASCADE", *guards]  # a test may have taken the guards away
        # one question instead of a hundred
        connection.exec_driver_sql(";".join(["SET session_replication_role = replica", *deletes, *tail]))
    engine.dispose()
