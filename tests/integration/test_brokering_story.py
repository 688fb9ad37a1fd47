"""The whole service over loopback: a department's own sandbox behind the broker, evidence proved offline."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import pytest

import exchange.ledger.verify
import specs.library
from exchange.serving import Serving
from exchange.settings import Settings

LIBRARY = Path(specs.library.__file__).parent
PURPOSE = "社会保障卡申领"
PATH = "/exchange/police.residents/resident-queries"


class World:
    """A running exchange with two departments and a data office, reached over HTTP only."""

    def __init__(self, base: str, settings: Settings) -> None:
        self.base, self.settings = base, settings
        self.http = httpx2.Client(base_url=base, timeout=30)
        self.operator = self.token("operator", settings.operator_secret)
        self.police = self.party("police", "department", ["admin", "engineer", "reviewer"])
        self.asking = self.party("human-resources", "department", ["admin", "engineer", "reviewer"])
        self.officer = self.party("data-office", "data_office", ["officer"])

    def token(self, id: str, secret: str) -> dict[str, str]:
        data = {"grant_type": "client_credentials", "client_id": id, "client_secret": secret}
        answer = self.http.post("/oauth/token", data=data)
        assert answer.status_code == 200, answer.text
        return {"Authorization": f"Bearer {answer.json()['access_token']}"}

    def party(self, id: str, kind: str, roles: list[str]) -> dict[str, str]:
        self.post("/api/v1/parties", self.operator, {"id": id, "kind": kind, "name": {"zh_CN": id, "en": id}})
        made = self.post(f"/api/v1/parties/{id}/clients", self.operator, {"label": "t", "roles": roles})
        return self.token(made["client_id"], made["client_secret"])

    def post(self, path: str, who: dict[str, str], body: Any = None) -> Any:
        answer = self.http.post(path, json=body, headers=who)
        assert answer.status_code < 300, f"{path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def connect(self) -> None:
        """Publish the residents' interface with a sandbox of the department behind it, and agree on two fields."""
        text = (LIBRARY / "police/residents/openapi.yaml").read_text(encoding="utf-8")
        self.post("/api/v1/interfaces", self.police, {"filename": "openapi.yaml", "document": text})
        self.box = self.post("/api/v1/sandboxes", self.police, {"interfaces": ["police.residents"]})
        endpoint = {"url": f"{self.box['url']}/police.residents"}
        answer = self.http.put("/api/v1/interfaces/police.residents/endpoint", json=endpoint, headers=self.police)
        assert answer.status_code < 300, answer.text
        assert self.post("/api/v1/interfaces/police.residents/probes", self.police)["passed"]
        self.post("/api/v1/interfaces/police.residents/versions/1.0.0/publication", self.police)
        wish = {
            "interface": "police.residents",
            "operations": ["queryResident"],
            "fields": ["XM", "CSRQ"],
            "legal_basis": "b",
            "scenario": "s",
            "purpose": PURPOSE,
            "mode": "service",
            "duration_days": 30,
        }
        filed = self.post("/api/v1/applications", self.asking, wish)
        self.post(f"/api/v1/applications/{filed['id']}/answer", self.police, {"decision": "consent"})

    @cached_property
    def person(self) -> dict[str, str]:
        from mockdata.population import Population

        people = Population(self.settings.population_seed, self.settings.population_size)
        found = people.persons([7], ["citizen_number", "name"])
        return {"GMSFHM": found["citizen_number"][0].as_py(), "XM": found["name"][0].as_py()}

    def ask(self, purpose: str = PURPOSE, who: dict[str, str] | None = None) -> httpx2.Response:
        headers = {**(who or self.asking), "Tongban-Purpose": quote(purpose)}
        return self.http.post(PATH, json=self.person, headers=headers)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    settings = Settings(
        home=tmp_path_factory.mktemp("home"),
        port=0,
        allow_loopback_endpoints=True,
        operator_secret="o" * 40,
        population_size=100_000,
    )
    with Serving(settings) as serving:
        made = World(serving.settings.base_url, serving.settings)
        made.connect()
        yield made


def test_a_departments_own_sandbox_answers_through_the_broker(world: World) -> None:
    person = world.person
    answer = world.ask()
    assert answer.status_code == 200, answer.text
    assert set(answer.json()) == {"XM", "CSRQ"}
    assert answer.json()["XM"] == person["XM"]
    calls = world.http.get(f"/api/v1/sandboxes/{world.box['id']}/calls", headers=world.police).json()["items"]
    # the provider was asked for the agreed fields only: the rest never left the department
    assert calls[0]["fields_returned"] in (["XM", "CSRQ"], ["CSRQ", "XM"])
    assert "sbp_" not in str(calls)


def test_anonymous_foreign_and_other_purposes_are_refused(world: World) -> None:
    assert world.http.post(PATH, json=world.person).status_code == 401
    stranger = world.party("tax", "department", ["engineer"])
    refused = world.ask(who=stranger)
    assert (refused.status_code, refused.json()["rule"]) == (403, "no-agreement")
    refused = world.ask("营销")
    assert (refused.status_code, refused.json()["rule"]) == (403, "purpose-mismatch")
    raw = f"{PATH}/..%2f..%2fapi"
    assert world.http.post(raw, json=world.person, headers=world.asking).status_code in (400, 403)


def test_forty_calls_at_once_do_not_wait_for_each_other(world: World) -> None:
    with ThreadPoolExecutor(48) as threads:
        answers = list(threads.map(lambda _: world.ask().status_code, range(96)))
    assert answers == [200] * 96


def test_who_used_my_data_and_the_offline_proof(world: World, tmp_path: Path) -> None:
    person, answer = world.person, world.ask()
    receipt = answer.headers["Tongban-Receipt"]
    proof = world.http.get(f"/api/v1/receipts/{receipt}", headers=world.asking)
    assert proof.text.startswith("c2sp.org/tlog-proof@v1")
    bundle = tmp_path / "ledger.bundle"
    got = world.http.get("/api/v1/ledger/bundle", headers=world.officer)
    assert got.status_code == 200, got.text
    bundle.write_bytes(got.content)
    for secret in (person["GMSFHM"], person["XM"]):
        assert secret.encode() not in got.content
    run = [sys.executable, str(exchange.ledger.verify.__file__), str(bundle)]
    verified = subprocess.run(run, capture_output=True, text=True, check=False)
    assert verified.returncode == 0, verified.stderr


def test_a_provider_that_went_away_is_a_502_with_a_finding(world: World) -> None:
    path = "/api/v1/interfaces/police.residents/endpoint"
    world.http.put(path, json={"url": "http://127.0.0.1:9/x"}, headers=world.police)
    try:
        failed = world.ask()
        assert (failed.status_code, failed.json()["rule"]) == (502, "provider-unreachable")
        found = world.http.get("/api/v1/quality-findings", headers=world.police).json()["items"]
        assert found[0]["delivery"] == failed.json()["receipt"]
    finally:
        world.http.put(path, json={"url": f"{world.box['url']}/police.residents"}, headers=world.police)
    assert world.ask().status_code == 200


def test_somebody_elses_sandbox_as_an_endpoint_gets_no_key(world: World) -> None:
    vendor = world.party("acme", "vendor", ["admin", "developer"])
    foreign = world.post("/api/v1/sandboxes", vendor, {"interfaces": ["police.residents"]})
    path = "/api/v1/interfaces/police.residents/endpoint"
    world.http.put(path, json={"url": f"{foreign['url']}/police.residents"}, headers=world.police)
    try:
        failed = world.ask()
        assert (failed.status_code, failed.json()["rule"]) == (502, "provider-status-401")
        calls = world.http.get(f"/api/v1/sandboxes/{foreign['id']}/calls", headers=vendor).json()["items"]
        assert calls == []
    finally:
        world.http.put(path, json={"url": f"{world.box['url']}/police.residents"}, headers=world.police)
