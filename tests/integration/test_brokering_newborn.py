"""A citizen's app through the gateway: each department behind its own sandbox, and only what the matter needs."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvicorn
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI

from exchange.agreements.service import Agreements
from exchange.brokering import routes
from exchange.brokering.credentials import Vault
from exchange.brokering.front import Front
from exchange.brokering.service import Broker
from exchange.brokering.sources import ServiceSource
from exchange.brokering.xroad_front import XRoad
from exchange.catalogue.endpoint import Network
from exchange.catalogue.lifecycle import Lifecycle
from exchange.catalogue.news import News
from exchange.catalogue.service import Catalogue
from exchange.clock import system_clock
from exchange.database import Database
from exchange.demo.family import family
from exchange.errors import Unauthenticated
from exchange.http import problems
from exchange.jobs import Jobs
from exchange.ledger.service import Ledger
from exchange.parties.access import SYSTEM, Access, Caller
from exchange.parties.service import Parties
from exchange.parties.tokens import Tokens
from exchange.sandboxes.service import Sandboxes
from exchange.settings import Settings
from specs import library


@dataclass(frozen=True)
class Launch:
    id: str = "lch_1"
    vendor: str = "acme"
    matter: str = "newborn"
    handled_matter: str = "hdm_1"


def launches(token: str) -> Launch:
    if token != "launch-token":
        raise Unauthenticated("this launch is not known")
    return Launch()


class World:
    """Every service of the matter published, connected to its department's own sandbox, entrusted to one vendor."""

    def __init__(self, home: Path, port: int) -> None:
        self.settings = Settings(home=home, port=port, population_size=1_000_000)
        self.database = Database(f"sqlite:///{home / 'tongban.sqlite'}")
        self.database.create()
        clock = system_clock
        self.ledger = Ledger(self.database, Ed25519PrivateKey.generate(), "t/l", b"i" * 32, clock)
        tokens = Tokens(Ed25519PrivateKey.generate(), self.settings.base_url, clock)
        parties = Parties(self.database, self.ledger, tokens, clock)
        catalogue = Catalogue(self.database, self.ledger, clock, network=Network.of(loopback=True))
        self.agreements = Agreements(self.database, self.ledger, catalogue, clock)
        jobs = Jobs(self.database, home, "w1", clock)
        self.sandboxes = Sandboxes(self.database, self.ledger, jobs, catalogue, self.settings, b"s" * 32, clock)
        vault = Vault(self.database, self.ledger, catalogue, b"v" * 32, self.sandboxes.credential)
        self.source = ServiceSource(vault, Network.of(loopback=True))
        self.broker = Broker(self.database, self.ledger, catalogue, self.agreements, self.source, clock)
        self.steps: list[str] = []
        self.broker.delivered = lambda _tx, _launch, interface, operation: self.steps.append(f"{interface}#{operation}")
        parties.register_party(SYSTEM, "acme", "vendor", {"zh_CN": "甲", "en": "Acme"})
        for department in library.departments():
            parties.register_party(SYSTEM, department.id, "department", dict(department.name))
        lifecycle = Lifecycle(catalogue, News(self.database, self.ledger, clock))
        self.matter = library.matter("newborn")
        for id, interface in self.matter.interfaces.items():
            caller = department_of(str(interface.department))
            text = interface.document.text.decode()
            made = catalogue.register(caller, "openapi.yaml", text)
            lifecycle.publish(caller, id, made.version)
            box = self.sandboxes.open(caller, [id])
            catalogue.set_endpoint(caller, id, f"{box.url}/{id}")
        with self.database.transaction() as tx:
            until = datetime.now(UTC) + timedelta(days=1)
            self.agreements.entrust(tx, matter=self.matter, vendor="acme", until=until)
        self.app = FastAPI()
        problems.install(self.app)
        access = Access(self.database, tokens, clock)
        front = Front(self.broker, access, launches)
        self.app.include_router(routes.router(front, XRoad(front, parties, "CN"), vault, access))
        self.app.mount("/sandboxes", self.sandboxes)

    def close(self) -> None:
        self.source.close()
        self.sandboxes.close()
        self.database.close()


def department_of(id: str) -> Caller:
    return Caller(f"cli_{id}", id, "department", frozenset({"admin"}), id, "client")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    listener = socket.create_server(("127.0.0.1", 0))
    made = World(tmp_path_factory.mktemp("home"), listener.getsockname()[1])
    server = uvicorn.Server(uvicorn.Config(made.app, log_level="critical", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield made
    server.should_exit = True
    thread.join()
    made.close()


@pytest.fixture(scope="module")
def app() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    run = [sys.executable, "-m", "conformance.examples.newborn.right", "--port", str(port)]
    process = subprocess.Popen(run, stdout=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 30
    while True:
        try:
            httpx2.get(f"{url}/health")
            break
        except httpx2.TransportError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    yield url
    process.terminate()
    process.wait(10)


def test_a_handled_matter_completes_through_every_department(world: World, app: str) -> None:
    people = family(world.settings)
    body: dict[str, Any] = people.application(datetime.now(UTC).date())
    headers = {
        "Authorization": "Bearer launch-token",
        "Tongban-Gateway": f"{world.settings.base_url}/gateway",
        "Idempotency-Key": "launch-1-key",
    }
    answer = httpx2.post(f"{app}/handled-matters", json=body, headers=headers, timeout=60)
    assert answer.status_code in (200, 201), answer.text
    assert answer.json()["state"] == "completed", answer.text
    assert {step.interface + "#" + step.operation for step in world.matter.steps} <= set(world.steps)
    officer = Caller("o", "data-office", "data_office", frozenset({"officer"}), "o", "client")
    flows = world.broker.deliveries(officer, limit=100)
    assert {flow.launch for flow in flows} == {"lch_1"}
    for flow in flows:
        assert flow.operation is not None
        needs = set(world.matter.needs[flow.interface][flow.operation])
        assert set(flow.fields) <= needs | {"type", "title", "status"}, flow
    mother = people.mother["GMSFHM"]
    entries = world.ledger.entries(subject=mother, limit=1000)
    assert len([entry for entry in entries if entry.kind == "delivery.made"]) >= 3
    log = b"".join(entry.data for entry in world.ledger.entries(limit=10_000))
    for secret in (mother, people.father["GMSFHM"], people.mother["XM"], body["newborn"]["XM"]):
        assert secret.encode() not in log


def test_the_app_gets_nothing_the_matter_does_not_need(world: World) -> None:
    people = family(world.settings)
    path = f"{world.settings.base_url}/gateway/police.households/household-checks"
    body = {"XM": people.mother["XM"], "GMSFHM": people.mother["GMSFHM"]}
    headers = {"Authorization": "Bearer launch-token"}
    answer = httpx2.post(path, json=body, headers=headers)
    assert answer.status_code == 200
    assert set(answer.json()) <= set(world.matter.needs["police.households"]["checkHousehold"])
    beyond = httpx2.post(f"{path}?fields=HJDZ", json=body, headers=headers)
    assert (beyond.status_code, beyond.json()["rule"]) == (403, "fields-beyond-scope")
    other = httpx2.post(f"{world.settings.base_url}/gateway/police.residents/resident-queries", headers=headers)
    assert other.status_code == 404
