"""X-Road's protocol for REST: addresses, headers and hash to the letter; a client application works unchanged."""

from __future__ import annotations

import base64
import hashlib
import uuid
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient

from exchange.brokering import xroad
from exchange.brokering.credentials import Vault
from exchange.brokering.front import Front, Receive, Scope, Send, shortcut
from exchange.brokering.routes import router
from exchange.brokering.xroad_front import XRoad
from exchange.errors import Invalid, Unauthenticated
from exchange.parties.access import SYSTEM
from tests.unit.exchange.test_brokering import NUMBER, RESIDENT, World

PATH = "/r1/CN/GOV/police/TONGBAN/police.residents/resident-queries"
CLIENT = "CN/GOV/human-resources/CARDS"


@pytest.fixture
def world(services: Any) -> World:
    return World(services)


@pytest.fixture
def web(world: World) -> Iterator[TestClient]:
    services = world.services

    def launches(_token: str) -> Any:
        raise Unauthenticated("none here")

    front = Front(world.broker, services.access, launches)
    facade = XRoad(front, services.parties, "CN")
    vault = Vault(services.database, services.ledger, services.catalogue, b"k" * 32)
    behind = services.web(router(front, facade, vault, services.access))

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await (shortcut({"r1": facade}, scope) or behind.app)(scope, receive, send)

    with TestClient(app, base_url=behind.base_url) as client:
        yield client


def headers(world: World, **more: str) -> dict[str, str]:
    fixed = {"X-Road-Client": CLIENT, "X-Road-Issue": quote("办卡"), **world.services.bearer(world.asking)}
    return fixed | {name.replace("_", "-"): value for name, value in more.items()}


def test_a_client_application_gets_the_cut_answer_and_the_headers_of_the_protocol(
    world: World, web: TestClient
) -> None:
    id = str(uuid.uuid4())
    given = headers(world, X_Road_Id=id, X_Road_UserId="CN123456", X_Own="1")
    answer = web.post(f"{PATH}?a=1", json={"GMSFHM": NUMBER}, headers=given)
    assert (answer.status_code, answer.json()) == (200, {"XM": RESIDENT["XM"], "household": RESIDENT["household"]})
    assert answer.headers["X-Road-Client"] == CLIENT
    assert answer.headers["X-Road-Id"] == id
    assert answer.headers["X-Road-Service"] == "CN/GOV/police/TONGBAN/police.residents"
    assert "X-Road-Error" not in answer.headers
    request = answer.headers["X-Road-Request-Id"]
    assert uuid.UUID(request)
    # the hash is made again from what the client itself sent
    sent = [(name.lower(), value) for name, value in answer.request.headers.items()]
    skipped = {"host", "user-agent", "connection", "content-length", "authorization"}
    lines = ["POST", f"{PATH}?a=1", *(f"{name}:{value}" for name, value in sent if name not in skipped)]
    message = hashlib.sha512("".join(f"{line}\r\n" for line in [*lines, f"x-road-request-id:{request}"]).encode())
    body = hashlib.sha512(answer.request.content).digest()
    whole = base64.b64encode(hashlib.sha512(message.digest() + body).digest()).decode()
    assert answer.headers["X-Road-Request-Hash"] == whole
    row = world.broker.delivery(world.asking, answer.headers["Tongban-Receipt"])
    assert (row.purpose, row.consumer) == ("办卡", "human-resources")
    sent_on = world.provider.calls[-1].headers
    assert (sent_on["x-road-client"], sent_on["x-road-id"], sent_on["x-road-userid"]) == (CLIENT, id, "CN123456")
    assert "authorization" not in sent_on
    assert "x-own" not in sent_on


def test_user_and_password_are_enough(world: World, web: TestClient) -> None:
    client, secret = world.services.parties.add_client(SYSTEM, "human-resources", "x", ["engineer"])
    given = {"X-Road-Client": CLIENT, "X-Road-Issue": quote("办卡")}
    for _ in range(2):
        answer = web.post(PATH, json={"GMSFHM": NUMBER}, headers=given, auth=(client.id, secret))
        assert answer.status_code == 200, answer.text
    wrong = web.post(PATH, json={"GMSFHM": NUMBER}, headers=given, auth=(client.id, "wrong"))
    assert (wrong.status_code, wrong.json()["type"]) == (500, "Server.ClientProxy.AuthenticationFailed")
    # a secret that was dropped ends with the next call, whatever it was exchanged for before
    (kept,) = world.services.parties.secrets(SYSTEM, "human-resources", client.id)
    world.services.parties.add_secret(SYSTEM, "human-resources", client.id)
    world.services.parties.drop_secret(SYSTEM, "human-resources", client.id, kept.id)
    ended = web.post(PATH, json={"GMSFHM": NUMBER}, headers=given, auth=(client.id, secret))
    assert ended.json()["type"] == "Server.ClientProxy.AuthenticationFailed"


def test_an_id_may_be_any_plain_word_and_other_methods_are_told_in_the_protocols_form(
    world: World, web: TestClient
) -> None:
    answer = web.post(PATH, json={"GMSFHM": NUMBER}, headers=headers(world, X_Road_Id="MT324-7"))
    assert (answer.status_code, answer.headers["X-Road-Id"]) == (200, "MT324-7")
    other = web.options(PATH, headers=headers(world))
    assert (other.status_code, other.headers["X-Road-Error"]) == (400, "Client.BadRequest")


REFUSED = [
    ({"X-Road-Client": ""}, 400, "Client.BadRequest"),
    ({"X-Road-Client": "CN/GOV"}, 400, "Client.BadRequest"),
    ({"X-Road-Client": "CN/GOV/tax/X"}, 500, "Server.ServerProxy.AccessDenied"),
    ({"X-Road-Client": "EE/GOV/human-resources/X"}, 500, "Server.ServerProxy.AccessDenied"),
    ({"X-Road-Client": "CN/COM/human-resources/X"}, 500, "Server.ServerProxy.AccessDenied"),
    ({"X-Road-Id": "a b"}, 400, "Client.BadRequest"),
    ({"X-Road-Issue": "other"}, 500, "Server.ServerProxy.AccessDenied"),
    ({"Authorization": "Bearer x"}, 500, "Server.ClientProxy.AuthenticationFailed"),
]


def test_what_the_platform_refuses_is_told_in_its_form(world: World, web: TestClient) -> None:
    given = headers(world)
    for change, status, kind in REFUSED:
        answer = web.post(PATH, json={"GMSFHM": NUMBER}, headers={**given, **change})
        assert (answer.status_code, answer.json()["type"]) == (status, kind), change
        assert answer.headers["X-Road-Error"] == kind
        assert set(answer.json()) == {"type", "message", "detail"}
    assert world.provider.calls == []


def test_a_service_has_one_address(world: World, web: TestClient) -> None:
    given = headers(world)
    world.services.department("tax")
    for path in (
        "/r1/CN/GOV/tax/TONGBAN/police.residents/resident-queries",
        "/r1/CN/GOV/police/OTHER/police.residents/resident-queries",
        "/r1/EE/GOV/police/TONGBAN/police.residents/resident-queries",
        "/r1/CN/GOV/human-resources/TONGBAN/police.residents/resident-queries",
        "/r1/CN/GOV/police/TONGBAN/police.nothing/x",
    ):
        answer = web.post(path, json={"GMSFHM": NUMBER}, headers=given)
        assert (answer.status_code, answer.json()["type"]) == (500, "Server.ServerProxy.UnknownService"), path
    assert world.provider.calls == []


def test_anonymous_and_a_repeated_client_are_refused(world: World, web: TestClient) -> None:
    anonymous = web.post(PATH, json={"GMSFHM": NUMBER}, headers={"X-Road-Client": CLIENT})
    assert anonymous.json()["type"] == "Server.ClientProxy.AuthenticationFailed"
    twice = [*headers(world).items(), ("X-Road-Client", "CN/GOV/tax/X")]
    assert web.post(PATH, content=b"{}", headers=twice).json()["type"] == "Client.BadRequest"


def test_a_providers_own_error_passes_without_the_platforms_mark(world: World, web: TestClient) -> None:
    world.provider.says(404, {"type": "urn:none", "detail": "x"}, "application/problem+json")
    answer = web.post(PATH, json={"GMSFHM": NUMBER}, headers=headers(world))
    assert (answer.status_code, answer.json()) == (404, {"type": "urn:none"})
    assert "X-Road-Error" not in answer.headers


def test_metadata_services(world: World, web: TestClient) -> None:
    base = "/r1/CN/GOV/police/TONGBAN"
    listed = web.get(f"{base}/listMethods", headers=headers(world)).json()["service"]
    fixed = {"xroad_instance": "CN", "member_class": "GOV", "member_code": "police", "subsystem_code": "TONGBAN"}
    assert listed[0] | fixed == listed[0]
    assert (listed[0]["object_type"], listed[0]["service_type"]) == ("SERVICE", "OPENAPI")
    assert {"method": "GET", "path": "/residents/{id}"} in listed[0]["endpoint_list"]
    allowed = web.get(f"{base}/allowedMethods", headers=headers(world)).json()["service"]
    assert [one["endpoint_list"] for one in allowed] == [[{"method": "POST", "path": "/resident-queries"}]]
    stranger = headers(world) | {
        "X-Road-Client": "CN/GOV/tax/X",
        **world.services.bearer(world.services.department("tax")),
    }
    assert web.get(f"{base}/allowedMethods", headers=stranger).json() == {"service": []}
    document = web.get(f"{base}/getOpenAPI?serviceCode=police.residents", headers=headers(world))
    assert document.text.startswith("\nopenapi: 3.1.0")
    assert web.get(f"{base}/listMethods", headers={"X-Road-Client": CLIENT}).status_code == 500
    members = web.get("/listClients", headers=headers(world)).json()["member"]
    assert {"police", "human-resources"} <= {one["id"]["member_code"] for one in members}
    assert web.get("/listClients").status_code == 401


def test_the_hash_without_a_body_is_of_the_message_alone() -> None:
    told = [("X-Road-Client", "A/B/C"), ("Host", "h"), ("Accept", "*/*")]
    message = b"GET\r\n/r1/x?q=1\r\nx-road-client:A/B/C\r\naccept:*/*\r\nx-road-request-id:7\r\n"
    digest = base64.b64encode(hashlib.sha512(message).digest()).decode()
    assert xroad.request_hash("GET", "/r1/x?q=1", told, "7", b"") == digest


@pytest.mark.parametrize(
    "raw", ["/r1/CN/GOV/police", "/r2/A/B/C/D/E", "/r1/A/B//D/E", "/r1/A/B/%2f/D/E", "/r1/A/B/办/D/E"]
)
def test_addresses_that_are_none(raw: str) -> None:
    with pytest.raises(Invalid):
        xroad.address(raw)


def test_an_address_keeps_the_rest_of_the_path_raw() -> None:
    found = xroad.address("/r1/INSTANCE/CLASS2/MEMBER2/SUBSYSTEM2/BARSERVICE/v1/bar/zy%20ggy")
    assert (found.service, found.path) == ("BARSERVICE", "/v1/bar/zy%20ggy")
    assert found.id == "INSTANCE/CLASS2/MEMBER2/SUBSYSTEM2/BARSERVICE"
