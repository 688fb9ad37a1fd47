"""Every route of the service, asked by nobody, by every role, and by another party: each cell of the table is tried.

One world, in the whole application: a resource of every kind, owned by parties of ours, and a second party of every
kind that owns nothing. What a row does not allow is refused by its rule before anything is looked at.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from argon2 import PasswordHasher
from fastapi import APIRouter, Depends, FastAPI
from fastapi.testclient import TestClient
from starlette.routing import Mount, Route

from exchange.app import create_app
from exchange.clock import stamp
from exchange.errors import Forbidden
from exchange.market.model import HandledMatter
from exchange.market.store import add
from exchange.parties.access import EVERYWHERE, OPEN, SIGNED_IN, SYSTEM, TABLE, Access, Caller, Gate
from exchange.parties.gates import GATES
from exchange.parties.model import ROLES, Kind
from exchange.settings import Settings
from specs import library

OURS, THEIRS = "ours", "theirs"
TRIED = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
"""Reading first and taking away last, so that what is asked about is still there."""
SPARE = {"department": "engineer", "data_office": "officer", "finance": "finance", "vendor": "developer"}
NOT_YET = (
    {
        "/api/v1/certifications/{identifier}/report.json",
        "/api/v1/certifications/{identifier}/report.html",
        "/api/v1/datasets/{id}/files/{name:path}",
        "/api/v1/quality/tickets/{id}/answer",
        "/quality/{id}",
        "/api/v1/interfaces/{id}/tables/{table}/source",
        "/api/v1/shares/{id}",
        "/agreements/{identifier}/shares/{share}/revocation",
        "/pushes/{identifier}",
    }
    | {path for _, path in GATES if path.endswith("/{verb}")}
    | {path for _, path in GATES if path.startswith("/api/v1/push-subscriptions/{id}")}
)
"""What a job has to make first: whoever may see it finds nothing either."""
LATER = {"other-mode", "access.agreement.suspend"}
"""Refusals behind the gate: the agreement is not one in bulk; an order takes a narrower row than other proceedings."""
LAUNCHED = {"/market/{matter}/{listing}/submission"}
"""Takes the token of an opened app beside the session, and refuses a missing one like a missing session."""
ENDLESS = {("GET", "/api/v1/sandboxes/{id}/events")}
"""Answers that do not end: whoever is let in would listen for ever."""
SECRET = {"header": "Authorization", "value": "x"}
REASON = {"reason": "misuse was seen here"}
WAIVER = {"reason": "a test without a service", "days": 10}
BODIES: dict[str, Any] = {
    "/api/v1/parties/{party}/members": {"login": "some.body", "name": "x", "roles": ["admin"]},
    "/api/v1/parties/{party}/members/{member}": {"name": "y"},
    "/api/v1/parties/{party}/clients": {"label": "x", "roles": ["admin"]},
    "/api/v1/parties/{party}/clients/{client}/keys": {"keys": []},
    "/api/v1/interfaces/{interface}/waiver": WAIVER,
    "/api/v1/interfaces/{interface}/deprecation": {"retire_on": "2030-01-01", "reason": "there is a better one"},
    "/api/v1/interfaces/{interface}/endpoint": {"url": "http://127.0.0.1:9/"},
    "/api/v1/interfaces/{id}/credential": SECRET,
    "/api/v1/applications/{id}": {
        "interface": "police.residents", "operations": ["queryResident"], "fields": ["XM"], "legal_basis": "第六条",
        "scenario": "申领", "purpose": "另一用途", "mode": "service", "duration_days": 30, "approved_by": "负责人",
    },
    "/api/v1/applications/{id}/answer": {"decision": "refuse", "reason": "none", "basis": "none"},
    "/api/v1/agreements/{id}/suspension": REASON,
    "/api/v1/agreements/{id}/shares": {"purpose": "社会保障卡申领"},
    "/api/v1/interfaces/{id}/tables/{table}/source": {"kind": "files", "location": "none.parquet"},
    "/api/v1/agreements/{id}/resumption": REASON,
    "/api/v1/agreements/{id}/termination": {"reason": "a test", "basis": "a law", "code": "R40-2"},
    "/api/v1/sandboxes/{id}/snapshot": {"name": "one"},
    "/api/v1/sandboxes/{id}/restore": {"name": "one"},
    "/api/v1/sandboxes/{id}/seed": {"seed": "two"},
    "/api/v1/sandboxes/{id}/faults": {"faults": []},
    "/api/v1/sandboxes/{id}/webhook": {"webhook": "none", "url": "http://127.0.0.1:9/"},
    "/api/v1/quality/tickets/{id}/answer": {"answer": "acknowledge"},
    "/quality/{id}": "answer=acknowledge",
    "/api/v1/apps/{app}/versions": {
        "version": "2.0.0", "url": "http://127.0.0.1:9", "artefact_digest": "sha256:" + "1" * 64
    },
    "/api/v1/handled-matters/{identifier}/rating": {"level": 5},
    "/organisations/{party}/members": "login=another.one&name=x&roles=admin",
    "/organisations/{party}/members/{member}": "do=end",
    "/organisations/{party}/clients": "label=x&roles=admin",
    "/organisations/{party}/clients/{client}": "do=secret",
    "/catalogue/{identifier}/endpoint": "url=http://127.0.0.1:9/",
    "/catalogue/{identifier}/waiver": "reason=a+test+without+service&days=10",
    "/catalogue/{identifier}/publication": "version=1.0.0",
    "/catalogue/{identifier}/withdrawal": "version=1.0.0",
    "/catalogue/{identifier}/deprecation": "retire_on=2030-01-01&reason=there+is+a+better+one",
    "/testing/{id}/snapshot": "name=two",
    "/testing/{id}/restore": "name=two",
    "/testing/{id}/seed": "seed=three",
    "/testing/{id}/clock": "advance=P1D",
    "/testing/{id}/faults": "target=*&kind=latency",
    "/testing/{id}/faults/remove": "number=0",
    "/testing/{id}/faults/plan": "plan=[]",
    "/applications/{identifier}": "decision=refuse&reason=none&basis=none",
    "/mine/{identifier}/rating": "level=5",
}  # fmt: skip
"""A body a route can read, where whose a thing is can only be asked after it was read."""
SIDES = {
    "application.file": {"asking"},
    "application.answer": {"police"},
    "agreement.read": {"asking", "police"},
    "agreement.suspend": {"police"},
    "agreement.terminate": {"asking", "police"},
    "delivery.read": {"asking", "police"},
    "interface.publish": {"police"},
    "interface.endpoint": {"police"},
    "push.read": {"asking", "police"},
    "push.subscribe": {"asking"},
    "exchange.call": {"asking"},
    "proceeding.act": {"asking", "police"},
    "quality.answer": {"police"},
    "flow.read": {"police"},
    "sandbox.open": {"vendor-ours"},
    "sandbox.read": {"vendor-ours"},
    "dataset.request": {"vendor-ours"},
    "certification.read": {"vendor-ours"},
    "certification.request": {"vendor-ours"},
    "app.register": {"vendor-ours"},
    "matter.read": {"public-ours", "vendor-ours"},
    "matter.rate": {"public-ours"},
}
"""Whose the world's resources are; what is under ``{party}`` is everybody's own."""


@dataclass
class World:
    web: TestClient
    tokens: dict[tuple[str, str], dict[str, str]]  # (party, role) → headers
    kinds: dict[str, str]  # party → kind
    named: dict[str, str]  # path parameter, or path with it → a resource
    runner: asyncio.Runner = field(default_factory=asyncio.Runner)
    done: Counter[tuple[str, str]] = field(default_factory=Counter)

    def path(self, path: str, party: str) -> str:
        """The path with real resources in it; what is under an organisation is that organisation's own."""
        if path == "/sandboxes":
            path += "/{id}/police.residents/x"
        own = "victim" if "suspension" in path else party
        values = {"party": own, **self.named}
        prefix = path.removeprefix("/api/v1").split("/")[1]
        for name in ("id", "identifier"):
            values[name] = self.named.get(prefix, "none")
        return re.sub(
            r"\{(\w+)(?::\w+)?\}", lambda hit: values.get(f"{hit[1]} {own}", values.get(hit[1], "none")), path
        )

    def ask(self, method: str, path: str, headers: dict[str, str], row: str = "", role: str = "") -> tuple[int, str]:
        """Status and rule of an answer; with the ``row`` of the table a body that the route can read is sent."""
        verb = "POST" if method == "*" else method
        body, kind = b"", "application/json"
        if verb in {"POST", "PUT", "PATCH"}:
            given = BODIES.get(row, {})
            if row.endswith("/clients"):  # nobody gives a program more than they have themselves
                given = given | {"roles": [role]} if isinstance(given, dict) else f"label=x&roles={role}"
            kind = kind if isinstance(given, dict) else "application/x-www-form-urlencoded"
            body = json.dumps(given).encode() if isinstance(given, dict) else str(given).encode()
        status, said = self.runner.run(called(self.web.app, verb, path, {**headers, "Content-Type": kind}, body))
        told = json.loads(said) if said.startswith(b"{") else {}
        return status, str(told.get("rule", ""))


async def called(app: Any, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
    """Status and body of one call of the application itself: thousands of them, so without a client in between."""
    raw = [(name.lower().encode(), value.encode()) for name, value in {"Host": "127.0.0.1:8000", **headers}.items()]
    scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http"}
    scope |= {"path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "", "headers": raw}
    scope |= {"client": ("127.0.0.1", 1), "server": ("127.0.0.1", 8000), "state": {}}
    sent, status = bytearray(), 0

    asked = False

    async def receive() -> dict[str, Any]:
        nonlocal asked
        if asked:  # a stream listens for the end of the connection
            await asyncio.sleep(3600)
        asked = True
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        nonlocal status
        status = message.get("status", status)
        sent.extend(message.get("body", b""))

    await app(scope, receive, send)
    return status, bytes(sent)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    settings = Settings(home=tmp_path_factory.mktemp("home"), allow_loopback_endpoints=True, population_size=200_000)
    app = create_app(settings)
    web = TestClient(app, base_url=settings.base_url, raise_server_exceptions=False)
    parties = app.state.services.parties
    parties._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    made = World(web, {}, {}, {})
    names = {f"{kind.value.replace('_', '-')}-{side}": kind.value for kind in Kind for side in (OURS, THEIRS)}
    names |= {
        "police": "department",
        "asking": "department",
        "victim": "vendor",
        library.matter("newborn").department: "department",
    }
    for party, kind in names.items():
        parties.register_party(SYSTEM, party, kind, {"zh_CN": party, "en": party})
        made.kinds[party] = kind
        for role in sorted(ROLES[Kind(kind)]):
            client, secret = parties.add_client(SYSTEM, party, role, [role])
            made.tokens[party, role] = {"Authorization": f"Bearer {parties.token(client.id, secret)}"}
            made.named[f"citizen {party}"] = client.id
        client, _ = parties.add_client(SYSTEM, party, "spare", [SPARE.get(kind, sorted(ROLES[Kind(kind)])[-1])])
        made.named[f"client {party}"] = client.id
        made.named[f"secret {party}"] = parties.secrets(SYSTEM, party, client.id)[0].id
    resources(app, made)
    yield made
    made.runner.close()
    web.close()


def resources(app: FastAPI, made: World) -> None:
    """One of everything a path can name."""
    web, services, now = made.web, app.state.services, datetime.now(UTC)

    def post(
        path: str, party: str, role: str, body: dict[str, Any] | None = None, method: str = "POST", **more: str
    ) -> Any:
        answer = web.request(method, path, json=body or {}, headers={**made.tokens[party, role], **more})
        assert answer.status_code < 300 or more, (path, answer.text)
        return answer

    document = library.interfaces()["police.residents"].document
    body = {"filename": document.name, "document": document.text.decode()}
    version = post("/api/v1/interfaces", "police", "engineer", body).json()["version"]
    here = "/api/v1/interfaces/police.residents"
    post(f"{here}/waiver", "police", "engineer", {"reason": "a test without a service", "days": 10}, "PUT")
    post(f"{here}/versions/{version}/publication", "police", "engineer")
    wish = {
        "interface": "police.residents", "operations": ["queryResident"], "fields": ["XM"], "legal_basis": "第六条",
        "scenario": "申领", "purpose": "社会保障卡申领", "mode": "service", "duration_days": 30,
        "approved_by": "负责人",
    }  # fmt: skip
    application = post("/api/v1/applications", "asking", "engineer", wish).json()["id"]
    waiting = post("/api/v1/applications", "asking", "engineer", {**wish, "purpose": "另一用途"}).json()["id"]
    post(f"/api/v1/applications/{application}/answer", "police", "reviewer", {"decision": "consent"})
    agreement = web.get(f"/api/v1/applications/{application}", headers=made.tokens["asking", "engineer"]).json()[
        "agreement"
    ]
    about = {"kind": "dispute", "subject": agreement, "text": "the delivery is late"}
    disputed = post("/api/v1/proceedings", "asking", "engineer", about).json()["id"]
    refused = post("/exchange/police.residents/resident-queries", "asking", "engineer", {}, **{"Tongban-Purpose": "x"})
    assert refused.status_code == 403
    delivery = web.get("/api/v1/deliveries", headers=made.tokens["asking", "engineer"]).json()["items"][0]["id"]
    box = post("/api/v1/sandboxes", "vendor-ours", "developer", {"interfaces": ["police.residents"]}).json()["id"]
    contract = next(i for i in library.interfaces().values() if i.department == "police" and i.kind.value == "dataset")
    body = {"filename": contract.document.name, "document": contract.document.text.decode()}
    number = post("/api/v1/interfaces", "police", "engineer", body).json()["version"]
    post(f"/api/v1/interfaces/{contract.id}/versions/{number}/publication", "police", "engineer")
    wish = {"interface": contract.id, "table": contract.tables[0].name, "rows": 10, "purpose": "test", "seed": "s"}
    dataset = post("/api/v1/datasets", "vendor-ours", "developer", wish).json()["id"]
    matter = library.matter("newborn")
    demand = post(
        "/api/v1/demands", matter.department, "admin", {"matter": "newborn", "title": {"zh_CN": "x", "en": "x"}}
    )
    order = post(f"/api/v1/demands/{demand.json()['id']}/orders", "vendor-ours", "developer").json()["id"]
    name = {"zh_CN": "x", "en": "x"}
    sold = post("/api/v1/apps", "vendor-ours", "developer", {"order": order, "name": name}).json()["id"]
    body = {"version": "1.0.0", "url": "http://127.0.0.1:9", "artefact_digest": f"sha256:{'0' * 64}"}
    built = post(f"/api/v1/apps/{sold}/versions", "vendor-ours", "developer", body).json()["id"]
    tested = post(f"/api/v1/app-versions/{built}/certifications", "vendor-ours", "developer").json()["id"]
    with services.database.transaction() as tx:
        citizen = made.named["citizen public-ours"]
        opened = HandledMatter(
            "hm_1", "launch_1", "lst_1", "vendor-ours", "newborn", citizen, stamp(now - timedelta(days=1))
        )
        add(tx, opened)
    made.named |= {
        "department": "police", "dimension": "purpose", "entry": "0",
        "interface": "police.residents", "version": version, "secret": "none", "year": "2026", "page": "none",
        "digest": "0" * 64, "element": "XM", "level": "0", "index": "0", "path": "000", "name": "none",
        "demand": demand.json()["id"], "app": sold, "app_version": built, "matter": "newborn", "listing": "none",
        "interfaces": "police.residents", "catalogue": "police.residents", "applications": waiting,
        "agreements": agreement, "proceedings": disputed, "deliveries": delivery, "receipts": delivery,
        "sandboxes": box, "testing": box, "subject": agreement,
        "datasets": dataset, "certifications": tested, "handled-matters": "hm_1", "mine": "hm_1",
    }  # fmt: skip
    for party in made.kinds:
        role = sorted(ROLES[Kind(made.kinds[party])])[0]
        member, _ = services.parties.add_member(SYSTEM, party, f"spare.{party}", "x", [role])
        made.named[f"member {party}"] = member.id


def routes(found: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """(method, path) of every route of an application; mounts by their path."""
    for route in found:
        if isinstance(route, Mount):
            yield "*", prefix + route.path
        elif hasattr(route, "original_router"):
            yield from routes(route.original_router.routes, prefix)
        else:
            assert isinstance(route, Route) or hasattr(route, "methods"), f"a route of an unknown kind: {route}"
            # Starlette adds HEAD to its own GET routes
            methods = route.methods - ({"HEAD"} if "GET" in route.methods and type(route) is Route else set())
            yield from ((method, prefix + route.path) for method in methods)


def ordered() -> list[tuple[str, str, Gate]]:
    rows = [(method, path, gate) for (method, path), gate in GATES.items()]
    return sorted(rows, key=lambda row: TRIED.index("POST" if row[0] == "*" else row[0]))


def callers(world: World, side: str) -> Iterator[tuple[str, str, str, dict[str, str]]]:
    """(party, kind, role, headers) of one party of every kind in every role."""
    for (party, role), headers in world.tokens.items():
        if party.endswith(side):
            yield party, world.kinds[party], role, headers


# ---- the table of routes


def test_every_route_stands_in_the_table_and_every_row_is_a_route(world: World) -> None:
    there = set(routes(world.web.app.routes))  # type: ignore[attr-defined]
    everything = {path for method, path in GATES if method == "*"}
    assert {(m, p) for m, p in there if (m, p) not in GATES and p not in everything} == set()
    paths = {path for _, path in there}
    assert {(m, p) for m, p in GATES if (m, p) not in there and not (m == "*" and p in paths)} == set()


def test_a_route_without_a_row_is_closed(services: Any) -> None:
    access = Access(services.database, services.tokens, services.clock, gates=GATES)
    extra = APIRouter()

    @extra.get("/forgotten", dependencies=[Depends(access.caller)])
    def forgotten() -> str:
        return "seen"

    web = services.web(extra)
    for headers in ({}, services.bearer(services.officer())):
        assert (web.get("/forgotten", headers=headers).json())["rule"] == "access.unlisted"


# ---- cell by cell


def test_nobody_reaches_only_what_is_open(world: World) -> None:
    wrong = []
    for method, path, gate in ordered():
        status, rule = world.ask(method, world.path(path, "police"), {})
        if gate.action == "anyone":
            fits = status not in {401, 403, 500}
        else:
            fits = status in ({400, 401, 404, 422} if gate.action == "credential" else {401})
        if not fits:
            wrong.append((method, path, gate.action, status, rule))
    assert not wrong, "\n".join(map(str, wrong))


def allowed_by(gate: Gate, kind: str, role: str) -> bool:
    """What the two tables say, read without the code that enforces them."""
    if gate.action == SIGNED_IN:
        return True
    return (gate.action, kind, role) in EVERYWHERE if gate.everywhere else (kind, role) in TABLE[gate.action]


def test_every_gate_admits_the_roles_of_its_row_alone() -> None:
    for gate in set(GATES.values()):
        if gate.action in OPEN:
            continue
        for kind in Kind:
            for role in ROLES[kind]:
                who = Caller("cli_1", "ours", kind.value, frozenset({role}), "x", "client")
                if allowed_by(gate, kind.value, role):
                    gate.admit(who, "ours" if gate.own else None)
                    if gate.own and (gate.action, kind.value, role) not in EVERYWHERE:
                        with pytest.raises(Forbidden):
                            gate.admit(who, "theirs")
                else:
                    with pytest.raises(Forbidden) as refused:
                        gate.admit(who)
                    assert refused.value.rule == f"access.{gate.action}"


def test_every_role_reaches_what_its_row_says_and_nothing_else(world: World) -> None:
    wrong, tried = [], 0
    for number, (method, path, gate) in enumerate(ordered()):
        if gate.action in OPEN:
            continue
        for party, kind, role, headers in callers(world, OURS):
            allowed = allowed_by(gate, kind, role)
            if allowed and (gate.own or (method, path) in ENDLESS):
                continue  # the next test
            if allowed and method == "HEAD":
                continue  # without a body a refusal by an agreement looks the same; GET's row says it
            # of a kind whose every role is refused, they take turns over the routes
            roles = sorted(ROLES[Kind(kind)])
            all_refused = not any(allowed_by(gate, kind, other) for other in roles)
            if all_refused and role != roles[number % len(roles)]:
                continue
            tried += 1
            status, rule = world.ask(method, world.path(path, party), headers)
            if method == "HEAD" and status == 403:
                rule = f"access.{gate.action}"  # an answer to HEAD has no body to say it in
            refused = status == 403 and rule.startswith("access.")
            odd = status == 500 or (status == 401 and path not in LAUNCHED)
            if refused == allowed or odd or (refused and rule != f"access.{gate.action}"):
                wrong.append((method, path, gate.action, kind, role, status, rule))
    assert not wrong, "\n".join(map(str, wrong))
    assert tried > 700


def test_what_belongs_to_a_party_is_closed_to_all_others(world: World) -> None:
    wrong, tried = [], 0
    for method, path, gate in ordered():
        if not gate.own or (method, path) in ENDLESS:
            continue
        for party, kind, role, headers in callers(world, THEIRS):
            if (kind, role) not in TABLE[gate.action]:
                continue
            owner = next((p for p in world.kinds if world.kinds[p] == kind and p.endswith(OURS)), party)
            status, rule = world.ask(method, world.path(path, owner), headers, path, role)
            far = (gate.action, kind, role) in EVERYWHERE
            tried += 1
            seen = status not in {401, 403, 404}
            if status in {422, 500} or (far != seen and not (far and path in NOT_YET and status == 404)):
                wrong.append((method, path, gate.action, kind, role, far, status, rule))
    assert not wrong, "\n".join(map(str, wrong))
    assert tried > 100


def test_what_belongs_to_a_party_is_open_to_its_own_roles(world: World) -> None:
    wrong, tried = [], 0
    for method, path, gate in ordered():
        if not gate.own or (method, path) in ENDLESS:
            continue
        sides = SIDES.get(gate.action, {party for party in world.kinds if party.endswith(OURS)})
        for (party, role), headers in world.tokens.items():
            if party not in sides or (world.kinds[party], role) not in TABLE[gate.action]:
                continue
            tried += 1
            status, rule = world.ask(method, world.path(path, party), headers, path, role)
            gone = status in {404, 409} and (world.done[method, path] > 0 or path in NOT_YET)  # another role was faster
            if not gone and rule not in LATER and status in {401, 403, 404, 500}:
                wrong.append((method, path, gate.action, party, role, status, rule))
            world.done[method, path] += status < 400
    assert not wrong, "\n".join(map(str, wrong))
    assert tried > 150
