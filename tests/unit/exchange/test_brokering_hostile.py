"""What hostile consumers and providers tried: nothing leaves beside the agreement, and nobody holds up the others."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import APIRouter, Depends, FastAPI
from fastapi.testclient import TestClient
from pydantic import BaseModel
from sqlalchemy.exc import DataError, OperationalError

import specs
from exchange.agreements.model import Agreement
from exchange.brokering import records
from exchange.brokering.check import Breach, Checker
from exchange.brokering.compiled import Compiled
from exchange.brokering.credentials import Vault
from exchange.brokering.enforce import meant
from exchange.brokering.evidence import Passage
from exchange.brokering.front import Front
from exchange.brokering.headers import outgoing, purpose, returned
from exchange.brokering.leaving import Cutter, Leaving
from exchange.brokering.model import End, State
from exchange.brokering.paths import Match
from exchange.brokering.pen import Pen
from exchange.brokering.records import Ask, row
from exchange.brokering.routes import router
from exchange.brokering.sources import Incoming, Outgoing, ServiceSource
from exchange.brokering.wire import Heard
from exchange.brokering.xroad_front import XRoad
from exchange.catalogue.endpoint import Network
from exchange.database import Database
from exchange.errors import Invalid
from exchange.http import problems
from exchange.http.text import well_formed
from exchange.ledger import verify as verifier
from exchange.ledger.model import MAXIMUM_BYTES, encode
from exchange.parties.access import Access
from exchange.parties.tokens import Tokens
from tests.unit.exchange.test_brokering import DOCUMENT, NAME, NUMBER, World
from tests.unit.exchange.test_brokering import agreement as agreed

OPEN = b"""
openapi: 3.1.0
info: {title: t, version: "1", x-interface-id: police.open, x-department: police}
paths:
  /people/{id}:
    get:
      operationId: one
      parameters:
        - {name: id, in: path, required: true, schema: {type: string}}
        - {name: kind, in: query, schema: {type: string}}
        - {name: X-Api-Key, in: header, schema: {type: string}}
      requestBody: {content: {application/json: {schema: {type: object, properties: {a: {}}}}}}
      responses:
        "200":
          description: ok
          content:
            application/json:
              schema:
                type: object
                properties: {XM: {type: string}, n: {type: integer}, free: {}, area: {type: string}}
            text/csv: {}
        4XX: {description: no, content: {application/problem+json: {}}}
"""
ROWS = {"rows": [{"place": "/area", "is": "eq", "value": "1"}]}


class Body(BaseModel):
    """A document with text in it."""

    name: dict[str, str]


ONLY_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture(scope="module")
def compiled() -> Compiled:
    return Compiled(specs.read(OPEN, "open.yaml"))


def cut(
    compiled: Compiled, status: int, body: Any, *, kind: str = "application/json", **change: Any
) -> Leaving | Breach:
    operation = compiled.interface.operation("one")
    agreement: Agreement = agreed(**{"scope": {"one": ("/XM", "/free", "/n")}, **change})
    ask = Ask(
        "dlv_1", "2026", "tax", "cli", None, "GET", Match(operation, {"id": "7"}, "/people/7"), (), "p", None, None, "",
        frozenset(), b"",
    )  # fmt: skip
    passage = Passage(
        ask, compiled, agreement, agreement.scope["one"], row(ask, State.PERMITTED, "permitted", agreement, "p"), 0
    )
    data = body if isinstance(body, bytes) else orjson.dumps(body)
    return Cutter(b"k" * 32).cut(passage, Incoming(status, {"content-type": kind}, data), (), "")


def left(found: Leaving | Breach) -> tuple[int, Any]:
    assert isinstance(found, Leaving), found
    return found.status, orjson.loads(found.body)


# ---- answers


@pytest.mark.parametrize(
    ("deep", "terms"), [(300, {}), (900, {}), (900, {"masks": [{"place": "/free", "as": "hash"}]})]
)
def test_an_answer_nested_without_end_is_a_finding_not_an_accident(
    compiled: Compiled, deep: int, terms: dict[str, Any]
) -> None:
    assert cut(compiled, 200, b'{"free":' + b"[" * deep + b"]" * deep + b"}", terms=terms) == Breach("answer-too-deep")


def test_numbers_that_would_lose_digits_do_not_pass(compiled: Compiled) -> None:
    for digits in ("18446744073709551616", "-9223372036854775809", "123456789012345678901234567890"):
        found = cut(compiled, 200, f'{{"n":{digits}}}'.encode())
        assert isinstance(found, Breach)
        assert found.rule == "not-json"
    for digits in ("18446744073709551615", "-9223372036854775808"):
        assert left(cut(compiled, 200, f'{{"n":{digits}}}'.encode())) == (200, {"n": int(digits)})
    assert left(cut(compiled, 200, {"XM": "6" * 40}))[1] == {"XM": "6" * 40}  # long text is no number


def test_an_error_answer_is_no_way_round_names_or_rows(compiled: Compiled) -> None:
    hiding = {"type": {"secret": NAME}, "title": [NAME], "status": 409, "detail": NAME, "secret": NAME}
    assert left(cut(compiled, 409, hiding, kind="application/problem+json")) == (409, {"status": 409})
    # agreed fields of an error cannot be held against the conditions on rows, so they stay
    assert left(cut(compiled, 409, {"XM": NAME, "area": "2"}, terms=ROWS, kind="application/problem+json")) == (409, {})


def test_a_record_outside_the_rows_looks_like_one_that_does_not_exist(compiled: Compiled) -> None:
    assert left(cut(compiled, 200, {"XM": NAME, "area": "1"}, terms=ROWS)) == (200, {"XM": NAME})
    outside = cut(compiled, 200, {"XM": NAME, "area": "2"}, terms=ROWS)
    nobody = cut(
        compiled, 404, {"type": "urn:none", "detail": "no such person"}, terms=ROWS, kind="application/problem+json"
    )
    assert isinstance(outside, Leaving)
    assert isinstance(nobody, Leaving)
    assert (outside.body, outside.headers, outside.status, outside.fields) == (
        (nobody.body, nobody.headers, nobody.status, nobody.fields)
    )
    assert (outside.outside, nobody.outside) == (True, False)
    assert left(outside)[0] == 404


def test_a_file_keeps_its_charset(compiled: Compiled) -> None:
    found = cut(compiled, 200, b"a", kind="text/csv; charset=gbk", scope={"one": ("",)})
    assert isinstance(found, Leaving)
    assert found.headers["Content-Type"] == "text/csv; charset=gbk"


def test_headers_of_an_answer_say_nothing_but_what_they_are_for() -> None:
    good = {"cache-control": "private, max-age=60", "retry-after": "120", "content-language": "zh-CN, en"}
    assert returned(good) == good
    assert returned({"retry-after": "Fri, 27 Nov 2026 17:28:02 GMT"})
    for bad in (NAME, "a=b", "max-age=1, x=secret", "public, max-age=9", "secret word"):
        assert returned(dict.fromkeys(("cache-control", "retry-after", "content-language", "etag"), bad)) == {}


# ---- requests


def test_the_tag_of_the_uncut_answer_cannot_be_asked_about(compiled: Compiled) -> None:
    asked = {"if-none-match": '"guess"', "if-match": "*", "accept": "a/b", "x-api-key": "mine"}
    assert outgoing(asked, compiled.interface.operation("one")) == {"accept": "a/b", "x-api-key": "mine"}


def test_our_credential_stands_alone_under_its_name() -> None:
    source = ServiceSource(lambda *_: ("X-API-Key", "ours"), Network.of(loopback=True))
    sent: list[bytes] = []

    class Pool:
        async def ask(self, _place: object, request: bytes, *, head: bool = False) -> Heard:
            sent.append(request)
            return Heard(200)

    source._pool = Pool  # type: ignore[method-assign, assignment]
    given = {"x-api-key": "mine", "accept-encoding": "gzip"}
    asyncio.run(source.ask(Outgoing("police.x", "police", "http://127.0.0.1:9", "GET", "/a", "", given, b"")))
    lines = sent[0].lower().split(b"\r\n")
    assert [line for line in lines if line.startswith((b"x-api-key", b"accept-encoding"))] == [
        b"accept-encoding: identity",
        b"x-api-key: ours",
    ]


def test_a_member_given_twice_is_refused_because_readers_differ() -> None:
    interface = specs.read(DOCUMENT.encode(), "d.yaml")
    check = Checker(interface).request
    operation = interface.operation("queryResident")
    for body in (b'{"GMSFHM":"a","GMSFHM":"b"}', b'{"GMSFHM": "a", "GMSF\\u0048M": "b"}'):
        found = check(operation, "application/json", body)
        assert isinstance(found, Breach)
        assert found.rule == "not-json"
    for body in (b'{"GMSFHM":"a"}', b'{ "GMSFHM": "\\u0061", "XM": "b" }'):
        assert not isinstance(check(operation, "application/json", body), Breach)


def test_noise_is_not_drawn_anew_for_what_makes_no_other_question(compiled: Compiled) -> None:
    interface, operation = compiled.interface, compiled.interface.operation("one")
    same = {
        meant(interface, operation, query, body)
        for query in ("kind=a", "kind=a&x=1", "y=2&kind=%61", "kind=a&fields=XM", "kind=a&kind=a")
        for body in (b'{"a":1}', b'{ "a" : 1 }', b'{"b": 7, "a": 1}')
    }
    assert len(same) == 1
    assert meant(interface, operation, "kind=b", b'{"a":1}') not in same
    assert meant(interface, operation, "kind=a", b'{"a":2}') not in same


def test_a_purpose_is_text() -> None:
    assert purpose({"tongban-purpose": "%E5%8A%9E%E5%8D%A1"}) == "办卡"
    assert purpose({"x-road-issue": "a"}, "tongban-purpose", "x-road-issue") == "a"
    for bad in ("a%00b", "a%0Ab", "%ff"):
        with pytest.raises(Invalid):
            purpose({"tongban-purpose": bad})


def test_text_no_database_takes_is_refused_at_the_door() -> None:
    routes = APIRouter()

    @routes.post("/{one}")
    def keep(one: str, body: Body) -> dict[str, str]:
        return body.name

    @routes.get("/cannot/{why}")
    def cannot(why: str) -> None:
        origin = Exception("disk is full at /srv/secret")
        raise {"full": OperationalError, "odd": DataError}[why]("INSERT secret", {}, origin)

    app = FastAPI(dependencies=[Depends(well_formed)])
    problems.install(app)
    app.include_router(routes)
    web, kind = TestClient(app), {"Content-Type": "application/json"}
    for text in ('{"name":{"a":"\\ud800"}}', '{"name":{"a":"b\\u0000"}}', '{"name":{"\\udfff":"b"}}'):
        assert web.post("/a", content=text, headers=kind).status_code == 400, text
    assert web.post("/a%00", json={"name": {}}).status_code == 400
    assert web.post("/a?b=%00", json={"name": {}}).status_code == 400
    for text in ('{"name":{"a":"\\ud83d\\ude00"}}', '{"name":{"a":"\\\\u0000"}}'):
        assert web.post("/a", content=text, headers=kind).status_code == 200, text
    full = web.get("/cannot/full")
    assert (full.status_code, web.get("/cannot/odd").status_code) == (503, 422)
    assert "secret" not in full.text


# ---- others


def test_a_group_that_reads_nothing_anew_leaves_the_database_free(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'a.sqlite'}")
    pen = Pen(database)
    for durable in (True, False, True):  # nothing runs through SQLAlchemy: all was seen before
        with pen.writing(durable=durable):
            pass
        other = sqlite3.connect(tmp_path / "a.sqlite", timeout=0.1)
        other.execute("CREATE TABLE IF NOT EXISTS t (a)")
        other.commit()
        other.close()
    pen.close()
    database.close()


@ONLY_SQLITE
def test_a_signing_key_taken_away_ends_its_tokens_at_the_brokers_front_too(services: Any) -> None:
    services.clock.now = datetime.now(UTC)  # how long a verified token is remembered is counted in real seconds
    world = World(services)
    keys = [Ed25519PrivateKey.generate()]
    tokens = Tokens(lambda: tuple(keys), "http://tongban.test", services.clock)
    services.parties.tokens = tokens
    front = Front(
        world.broker, Access(services.database, tokens, services.clock), lambda _token: pytest.fail("no launch")
    )
    vault = Vault(services.database, services.ledger, services.catalogue, b"k" * 32)
    with services.web(router(front, XRoad(front, services.parties, "CN"), vault, services.access)) as web:
        place, given = "/exchange/police.residents/resident-queries", {"GMSFHM": NUMBER}
        headers = services.bearer(world.asking) | {"Tongban-Purpose": "%E5%8A%9E%E5%8D%A1"}
        assert [web.post(place, json=given, headers=headers).status_code for _ in range(2)] == [200, 200]
        keys[:] = [Ed25519PrivateKey.generate()]
        assert web.post(place, json=given, headers=headers).status_code == 401
        # nobody's body is waited for, and a length that is too much is told before it is read
        assert web.post(place, content=b"x" * 5_000_000).status_code == 401
        assert web.post(place, content=b"x" * 5_000_000, headers=headers).status_code == 413
        other = TestClient(front).options(place)
        assert (other.status_code, other.headers["Allow"]) == (405, "GET, POST, PUT, PATCH, DELETE")


@ONLY_SQLITE
def test_a_consumer_proves_what_it_got_with_one_command(services: Any, tmp_path: Path) -> None:
    world = World(services)
    answer = world.call()
    found = {"id": answer.delivery, "evidence": world.broker.evidence_of(world.asking, answer.delivery)}
    receipt = world.broker.receipt(world.asking, answer.delivery)
    (tmp_path / "proof").write_text(receipt)
    (tmp_path / "body").write_bytes(answer.body)

    def run(shown: Any, body: bytes | None = None) -> int:
        (tmp_path / "delivery.json").write_text(json.dumps(shown, ensure_ascii=False, indent=1))
        arguments = ["--entry", str(tmp_path / "delivery.json"), "--receipt", str(tmp_path / "proof")]
        if body is not None:
            (tmp_path / "body").write_bytes(body)
            arguments += ["--body", str(tmp_path / "body")]
        return verifier.main([*arguments, "--vkey", services.ledger.vkey])

    assert run(found) == 0
    assert run(found, answer.body) == 0
    assert run(found, answer.body + b" ") == 1
    evidence = found["evidence"]
    assert isinstance(evidence, dict)
    for change in (
        {"payload": evidence["payload"] | {"response_sha256": "0" * 64}},
        {"payload": evidence["payload"] | {"claimed": "other"}},
        {"salt": "00" * 32},
        {"salt": "no hex"},
        {"record": evidence["record"].replace("delivered", "x").replace("XM", "GMSFHM")},
        {"record": "[]"},
    ):
        assert run(found | {"evidence": evidence | change}) == 1, change
    assert run(found | {"id": "dlv_other"}) == 1
    assert run(found | {"evidence": evidence | {"salt": None, "payload": None}}) == 0  # erased: the entry still stands
    assert run(found | {"evidence": evidence | {"salt": None, "payload": None}}, answer.body) == 1


def test_an_answer_of_ten_thousand_fields_has_a_receipt_all_the_same() -> None:
    fields = tuple(f"字段{number}" for number in range(10_000))
    body = records.outcome(End(State.DELIVERED, "permitted", 200, fields, 1), 7)
    assert body["fields"] == list(fields[: len(body["fields"])])
    assert body["fields_in_all"] == {"count": 10_000, "sha256": sha256("\n".join(fields).encode()).hexdigest()}
    assert len(encode("delivery.made", "2026-11-02T01:00:00.000Z", 1, body)) < MAXIMUM_BYTES
    few = records.outcome(End(State.DELIVERED, "permitted", 200, fields[:3], 1), 7)
    assert few["fields"] == list(fields[:3])
    assert "fields_in_all" not in few
