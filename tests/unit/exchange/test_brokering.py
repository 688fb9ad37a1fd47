"""The broker: default deny, evidence before data, and nothing in the ledger that belongs to a person."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from fastapi.testclient import TestClient

from exchange.agreements import store as agreement_store
from exchange.agreements.model import Agreement, AgreementState
from exchange.agreements.service import Agreements
from exchange.agreements.wish import Mode, Wish
from exchange.brokering import paths
from exchange.brokering.credentials import Vault
from exchange.brokering.front import Front
from exchange.brokering.headers import lowered, outgoing
from exchange.brokering.intake import Incoming as Asked
from exchange.brokering.model import RULES, Request, State, decide
from exchange.brokering.patience import FAILURES
from exchange.brokering.routes import router
from exchange.brokering.service import Broker
from exchange.brokering.sources import Incoming, Outgoing, SourceFailure
from exchange.brokering.xroad_front import XRoad
from exchange.catalogue import store as catalogue_store
from exchange.catalogue.endpoint import Network
from exchange.errors import Forbidden, Invalid, NotFound, Unauthenticated, Unavailable, Unprocessable, Upstream

NUMBER, NAME = "909901199308300171", "赵一鸣"
DOCUMENT = """
openapi: 3.1.0
info:
  title: 居民查询
  version: 1.0.0
  description: 查询居民登记信息。
  x-interface-id: police.residents
  x-department: police
  x-en: {title: Residents, description: Queries the register.}
paths:
  /resident-queries:
    post:
      operationId: queryResident
      summary: 查询
      parameters: [{name: fields, in: query, schema: {type: string}}]
      requestBody:
        required: true
        content:
          application/json:
            schema:
              type: object
              required: [GMSFHM]
              additionalProperties: false
              properties: {GMSFHM: {type: string, x-element: GMSFHM}, XM: {type: string, x-element: XM}}
      responses:
        "200":
          description: ok
          content: {application/json: {schema: {$ref: "#/components/schemas/Resident"}}}
        "404":
          description: none
          content:
            application/problem+json:
              schema: {type: object, properties: {type: {type: string}, detail: {type: string}}}
  /residents/{id}:
    get:
      operationId: getResident
      parameters: [{name: id, in: path, required: true, schema: {type: string}}]
      responses:
        "200":
          description: ok
          content: {application/json: {schema: {$ref: "#/components/schemas/Resident"}}}
    delete:
      operationId: removeResident
      parameters: [{name: id, in: path, required: true, schema: {type: string}}]
      responses: {"204": {description: gone}}
components:
  schemas:
    Resident:
      type: object
      required: [XM, GMSFHM]
      properties:
        XM: {type: string, x-element: XM}
        GMSFHM: {type: string, x-element: GMSFHM}
        LXDH: {type: string}
        household:
          type: array
          items: {type: object, properties: {XM: {type: string}, FQ_GMSFHM: {type: string}}}
"""
RESIDENT = {
    "XM": NAME,
    "GMSFHM": NUMBER,
    "LXDH": "13800000000",
    "household": [{"XM": "钱二", "FQ_GMSFHM": "909901196001010017"}],
    "undeclared": "secret",
}
WISH = Wish(
    interface="police.residents",
    operations=("queryResident", "removeResident"),
    fields=("XM", "household"),
    legal_basis="b",
    scenario="s",
    purpose="办卡",
    mode="service",
    duration_days=30,
)


@dataclass
class Provider:
    """A provider in memory: answers what it was told to and remembers what reached it."""

    answer: Incoming | SourceFailure = field(
        default_factory=lambda: Incoming(200, {"content-type": "application/json"}, orjson.dumps(RESIDENT))
    )
    calls: list[Outgoing] = field(default_factory=list)
    watching: Callable[[], None] = lambda: None

    async def ask(self, call: Outgoing) -> Incoming:
        self.calls.append(call)
        self.watching()
        if isinstance(self.answer, SourceFailure):
            raise self.answer
        return self.answer

    def says(self, status: int, body: object, media_type: str = "application/json") -> None:
        data = body if isinstance(body, bytes) else orjson.dumps(body)
        self.answer = Incoming(status, {"content-type": media_type, "set-cookie": "a=b", "location": NUMBER}, data)


@dataclass(frozen=True)
class Launch:
    id: str = "lch_1"
    vendor: str = "acme"
    matter: str = "newborn"
    handled_matter: str = "hdm_1"


class World:
    """A published interface with a connected provider, an agreement, and the broker between them."""

    def __init__(self, services: Any) -> None:
        self.services = services
        police = services.department("police")
        made = services.catalogue.register(police, "residents.yaml", DOCUMENT)
        services.lifecycle.publish(police, made.interface, made.version)
        services.catalogue.set_endpoint(police, made.interface, "http://127.0.0.1:9/base")
        self.agreements = Agreements(services.database, services.ledger, services.catalogue, services.clock)
        self.asking, self.giving = services.department("human-resources"), police
        self.agreement = self.agree(WISH)
        self.provider = Provider()
        self.broker = Broker(
            services.database, services.ledger, services.catalogue, self.agreements, self.provider, services.clock
        )

    def agree(self, wish: Wish) -> Agreement:
        application = self.agreements.apply(self.asking, wish)
        assert application.missing == ()
        made = self.agreements.answer(self.giving, application.id, "consent")
        assert made is not None
        return made

    def call(self, caller: Any = None, **how: Any) -> Any:
        settings: dict[str, Any] = {
            "interface": "police.residents",
            "method": "POST",
            "path": "/resident-queries",
            "query": "",
            "headers": {"content-type": "application/json"},
            "body": orjson.dumps({"GMSFHM": NUMBER}),
            "agreement_id": None,
            "purpose": "办卡",
        }
        self.services.clock.advance(milliseconds=1)  # ids sort by time
        return self.broker.call(caller or self.asking, **{**settings, **how})

    def refused(self, error: type[Exception] = Forbidden, caller: Any = None, **how: Any) -> str:
        """The rule that refuses a call; checks that it is recorded and that nobody else was asked."""
        before = len(self.provider.calls)
        with pytest.raises(error) as raised:
            self.call(caller, **how)
        rule = str(raised.value.extra["rule"])  # type: ignore[attr-defined]
        assert len(self.provider.calls) == before
        row = self.broker.deliveries(self.services.officer(), limit=1)[0]
        assert (row.state, row.rule, row.fields) == (State.REFUSED, rule, ())
        assert self.services.ledger.entry(row.entry).body["rule"] == rule
        assert raised.value.extra["receipt"] == row.id  # type: ignore[attr-defined]
        return rule


@pytest.fixture
def world(services: Any) -> World:
    return World(services)


@pytest.fixture
def web(world: World) -> Iterator[TestClient]:
    services = world.services
    vault = Vault(services.database, services.ledger, services.catalogue, b"k" * 32)

    def launches(token: str) -> Launch:
        if token != "good":
            raise Unauthenticated("this launch is not known")
        return Launch()

    front = Front(world.broker, services.access, launches)
    xroad = XRoad(front, services.parties, "CN")
    with services.web(router(front, xroad, vault, services.access)) as client:
        yield client


# ---- who may


def test_anonymous_calls_get_401_and_leave_no_trace(world: World, web: TestClient) -> None:
    before = world.services.kinds()
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        for path in ("/exchange/police.residents/resident-queries", "/gateway/police.residents/resident-queries"):
            assert web.request(method, path).status_code == 401
    for path in (
        "/api/v1/deliveries",
        "/api/v1/deliveries/dlv_1",
        "/api/v1/receipts/dlv_1",
        "/api/v1/quality-findings",
    ):
        assert web.get(path).status_code == 401
    assert web.put("/api/v1/interfaces/police.residents/credential", json={"value": "x"}).status_code == 401
    assert web.delete("/api/v1/interfaces/police.residents/credential").status_code == 401
    assert world.services.kinds() == before
    assert world.provider.calls == []


def test_a_party_without_an_agreement_is_refused(world: World) -> None:
    stranger = world.services.department("tax")
    assert world.refused(caller=stranger) == "no-agreement"
    assert world.refused(caller=stranger, agreement_id="agr_nothing") == "no-agreement"
    assert world.refused(caller=stranger, agreement_id=world.agreement.id) == "other-consumer"


def test_a_role_that_may_not_call_is_refused_and_recorded(world: World) -> None:
    assert world.refused(caller=world.services.vendor()) == "access.exchange.call"
    reviewer = replace(world.asking, roles=frozenset({"reviewer"}))
    assert world.refused(caller=reviewer) == "access.exchange.call"


def test_records_are_for_the_two_sides_and_the_data_office(world: World, web: TestClient) -> None:
    id = world.call().delivery
    services = world.services
    for caller, status in (
        (world.asking, 200),
        (world.giving, 200),
        (services.officer(), 200),
        (services.department("tax"), 404),
        (services.vendor(), 404),
        (services.caller("citizens", "public", "citizen"), 403),
    ):
        headers = services.bearer(caller)
        assert web.get(f"/api/v1/deliveries/{id}", headers=headers).status_code == status
        assert web.get(f"/api/v1/receipts/{id}", headers=headers).status_code == status


# ---- the decision


def agreement(**change: Any) -> Agreement:
    made = Agreement(
        id="agr_1",
        application="apl_1",
        consumer="tax",
        provider="police",
        interface="police.residents",
        version="1.0.0",
        mode=Mode.SERVICE,
        purpose="p",
        legal_basis="b",
        scenario="s",
        fields=("XM",),
        scope={"query": ("/XM", "/household/*/XM")},
        starts_at="2026-11-01T00:00:00.000Z",
        expires_at="2026-12-01T00:00:00.000Z",
    )
    return replace(made, **change)


ASKED = Request("tax", "police.residents", "query", "p")
NOW = datetime(2026, 11, 2, tzinfo=UTC)
CASES: list[tuple[str, Agreement | None, Request]] = [
    ("permitted", agreement(), ASKED),
    ("permitted", agreement(), replace(ASKED, fields=("XM", "household"))),
    ("permitted", agreement(matter="newborn"), replace(ASKED, matter="newborn")),
    ("no-agreement", None, ASKED),
    ("other-consumer", agreement(consumer="health"), ASKED),
    ("other-interface", agreement(interface="police.households"), ASKED),
    ("launch-required", agreement(matter="newborn"), ASKED),
    ("launch-required", agreement(matter="newborn"), replace(ASKED, matter="business")),
    ("launch-required", agreement(), replace(ASKED, matter="newborn")),
    ("other-mode", agreement(mode=Mode.BULK), ASKED),
    ("unknown-term", agreement(terms={"rows": "HJXZQH == '110101'"}), ASKED),
    ("expired", agreement(expires_at="2026-11-02T00:00:00.000Z"), ASKED),
    ("expired", agreement(state=AgreementState.EXPIRED), ASKED),
    ("agreement-not-active", agreement(state=AgreementState.SUSPENDED), ASKED),
    ("agreement-not-active", agreement(state=AgreementState.TERMINATED), ASKED),
    ("not-yet", agreement(starts_at="2026-11-02T00:00:00.001Z"), ASKED),
    ("unknown-operation", agreement(), replace(ASKED, operation=None)),
    ("operation-not-agreed", agreement(), replace(ASKED, operation="delete")),
    ("operation-not-agreed", agreement(scope={"query": ()}), ASKED),
    ("purpose-missing", agreement(), replace(ASKED, purpose="")),
    ("purpose-mismatch", agreement(), replace(ASKED, purpose="P")),
    ("fields-beyond-scope", agreement(), replace(ASKED, fields=("XM", "LXDH"))),
]


@pytest.mark.parametrize(("rule", "made", "request_"), CASES)
def test_the_first_rule_that_refuses_is_named(rule: str, made: Agreement | None, request_: Request) -> None:
    decision = decide(made, request_, NOW)
    assert (decision.rule, decision.allowed) == (rule, rule == "permitted")
    assert bool(decision.fields) is decision.allowed
    assert all(decision.reason[language] for language in ("zh_CN", "en"))
    assert decision.allowed or decision.hint


def test_every_rule_there_is_has_a_case() -> None:
    assert {rule for rule, _, _ in CASES} == set(RULES)


# ---- a permitted call


def test_only_agreed_fields_leave_with_a_receipt_that_can_be_proved(world: World) -> None:
    answer = world.call()
    assert orjson.loads(answer.body) == {"XM": NAME, "household": RESIDENT["household"]}
    delivery = world.broker.delivery(world.asking, answer.delivery)
    assert delivery.state is State.DELIVERED
    assert delivery.fields == ("XM", "household/FQ_GMSFHM", "household/XM")
    entry = world.services.ledger.entry(delivery.entry).body
    assert entry["kind"] == "delivery.made"
    assert (entry["fields"], entry["records"], entry["status"]) == (list(delivery.fields), 1, 200)
    assert world.services.ledger.entry(entry["permit"]).body["kind"] == "delivery.permitted"
    proof = world.broker.receipt(world.asking, answer.delivery)
    assert f"index {delivery.entry}" in proof


def test_the_permit_is_committed_before_the_call_leaves(world: World) -> None:
    seen: list[str] = []

    def watching() -> None:
        # another connection sees only what is committed
        kept = world.broker.deliveries(world.services.officer(), limit=1)[0]
        seen.append(f"{kept.state} {world.services.ledger.entry(kept.entry).kind}")

    world.provider.watching = watching
    world.call()
    assert seen == ["permitted delivery.permitted"]


def test_the_provider_gets_the_rebuilt_path_the_agreed_fields_and_few_headers(world: World) -> None:
    headers = {
        "content-type": "application/json",
        "authorization": "Bearer mine",
        "cookie": "c",
        "host": "evil",
        "x-forwarded-for": "1.2.3.4",
        "tongban-purpose": "p",
        "prefer": "code=404",
        "idempotency-key": "k",
        "connection": "idempotency-key",
    }
    world.call(headers=headers, query="a=1")
    sent = world.provider.calls[0]
    assert (sent.endpoint, sent.path) == ("http://127.0.0.1:9/base", "/resident-queries")
    assert sent.query == "a=1&fields=XM,household"
    assert sent.headers == {"content-type": "application/json", "accept": "application/json"}


def test_a_consumer_may_ask_for_less_but_not_for_more(world: World) -> None:
    world.provider.says(200, {"XM": NAME})
    world.call(query="fields=XM")
    assert world.provider.calls[0].query == "fields=XM"
    assert world.refused(query="fields=XM,LXDH") == "fields-beyond-scope"


def test_nothing_of_a_person_is_in_the_ledger(world: World) -> None:
    world.agree(replace(WISH, operations=("getResident",)))
    world.call()
    world.call(method="GET", path=f"/residents/{NUMBER}", body=b"", query=f"q={NAME}")
    world.refused(purpose=f"看看{NAME}")
    world.refused(NotFound, interface=f"police.{NUMBER}")
    entries = b"\n".join(entry.data for entry in world.services.ledger.entries(limit=1000))
    for secret in (NUMBER, NAME, "13800000000", "钱二", "909901196001010017"):
        assert secret.encode() not in entries
        assert json.dumps(secret)[1:-1].encode() not in entries
    assert b'"/residents/{id}"' in entries


def test_whose_data_was_used_can_be_found_by_their_number_alone(world: World) -> None:
    world.agree(replace(WISH, operations=("getResident",), fields=("GMSFHM", "household")))
    world.call()
    world.call(method="GET", path="/residents/7", body=b"")
    world.refused(purpose="营销")
    ledger = world.services.ledger
    kinds = [entry.kind for entry in ledger.entries(subject=NUMBER, limit=100)]
    # the second call is found by its answer: its request names nobody in a body
    assert kinds == ["delivery.permitted", "delivery.made", "delivery.made", "delivery.refused"]
    assert [entry.kind for entry in ledger.entries(subject="909901196001010017", limit=9)] == ["delivery.made"] * 2
    assert ledger.entries(subject="909901200001010011", limit=9) == []


def test_both_sides_can_check_what_the_commitment_stands_for(world: World, web: TestClient) -> None:
    answer = world.call()
    headers = world.services.bearer(world.giving)
    shown = web.get(f"/api/v1/deliveries/{answer.delivery}", headers=headers).json()
    from hashlib import sha256

    assert shown["evidence"]["payload"]["response_sha256"] == sha256(answer.body).hexdigest()
    assert shown["state"] == "delivered"
    assert "caller" not in shown


# ---- refusals around the decision


@pytest.mark.parametrize(
    ("how", "error", "rule"),
    [
        ({"interface": "police.nothing"}, NotFound, "unknown-interface"),
        ({"path": "/resident-queries/../x"}, Invalid, "path-ambiguous"),
        ({"path": "/%2e%2e/x"}, Invalid, "path-ambiguous"),
        ({"path": "/residents%2f1"}, Invalid, "path-ambiguous"),
        ({"path": "//resident-queries"}, Invalid, "path-ambiguous"),
        ({"path": "/elsewhere"}, Forbidden, "unknown-operation"),
        ({"method": "GET"}, Forbidden, "unknown-operation"),
        ({"method": "GET", "path": "/residents/1", "body": b""}, Forbidden, "operation-not-agreed"),
        ({"purpose": ""}, Forbidden, "purpose-missing"),
        ({"purpose": "营销"}, Forbidden, "purpose-mismatch"),
    ],
)
def test_refusals_are_recorded_and_reach_no_provider(
    world: World, how: Mapping[str, Any], error: type[Exception], rule: str
) -> None:
    assert world.refused(error, **how) == rule


@pytest.mark.parametrize(
    ("body", "media_type", "rule"),
    [
        (b"", "application/json", "request-body-missing"),
        (b"{", "application/json", "request-not-json"),
        (b"{}", "application/json", "request-schema-required"),
        (b'{"GMSFHM":"1","x":1}', "application/json", "request-schema-additionalProperties"),
        (b"<a/>", "application/xml", "request-media-type-undeclared"),
    ],
)
def test_a_request_that_breaks_the_interface_does_not_leave(
    world: World, body: bytes, media_type: str, rule: str
) -> None:
    from exchange.errors import Unprocessable

    assert world.refused(Unprocessable, body=body, headers={"content-type": media_type}) == rule


def test_an_interface_without_an_endpoint_or_publication_answers_nothing(world: World) -> None:
    services = world.services
    text = DOCUMENT.replace("police.residents", "police.others")
    services.catalogue.register(world.giving, "others.yaml", text)
    assert world.refused(NotFound, interface="police.others") == "unknown-interface"
    services.lifecycle.publish(world.giving, "police.others", "1.0.0")
    assert world.refused(interface="police.others") == "no-agreement"
    world.agree(replace(WISH, interface="police.others"))
    assert world.refused(Unavailable, interface="police.others") == "no-endpoint"


def test_suspension_termination_and_time_stop_the_next_call(world: World) -> None:
    world.agreements.suspend(world.giving, world.agreement.id, "misuse")
    assert world.refused() == "agreement-not-active"
    world.agreements.resume(world.giving, world.agreement.id, "corrected")
    assert world.call().status == 200
    world.services.clock.advance(days=30)
    assert world.refused() == "expired"
    assert world.refused(agreement_id=world.agreement.id) == "expired"


def test_an_agreement_ended_while_the_provider_works_withholds_the_answer(world: World) -> None:
    world.provider.watching = lambda: world.agreements.suspend(world.giving, world.agreement.id, "now")  # type: ignore[assignment,return-value]
    with pytest.raises(Forbidden) as stopped:
        world.call()
    assert stopped.value.rule == "agreement-not-active"
    row = world.broker.deliveries(world.asking, limit=1)[0]
    assert (row.state, row.fields, row.bytes_out) == (State.WITHHELD, (), 0)
    assert world.services.kinds()[-2:] == ["agreement.suspended", "delivery.withheld"]


def test_of_several_agreements_the_one_that_permits_is_used(world: World) -> None:
    other = world.agree(replace(WISH, purpose="核验", fields=("LXDH",)))
    assert orjson.loads(world.call(purpose="核验").body) == {"LXDH": "13800000000"}
    assert orjson.loads(world.call().body)["XM"] == NAME
    assert world.refused(agreement_id=other.id) == "purpose-mismatch"


# ---- providers that fail or break their word


def told(status: int, body: object, media_type: str = "application/json") -> Callable[[Provider], None]:
    return lambda provider: provider.says(status, body, media_type)


def broken(rule: str) -> Callable[[Provider], None]:
    return lambda provider: setattr(provider, "answer", SourceFailure(rule))


@pytest.mark.parametrize(
    ("does", "rule"),
    [
        (broken("provider-timeout"), "provider-timeout"),
        (broken("provider-unreachable"), "provider-unreachable"),
        (told(500, RESIDENT), "provider-status-500"),
        (told(302, RESIDENT), "provider-status-302"),
        (told(401, RESIDENT), "provider-status-401"),
        (told(201, RESIDENT), "status-undeclared"),
        (told(403, {"detail": NAME}), "status-undeclared"),
        (told(200, b"not json"), "not-json"),
        (told(200, b""), "body-missing"),
        (told(200, b"<r/>", "text/xml"), "media-type-undeclared"),
        (told(200, {"XM": 5}), "schema-type"),
        (told(200, [RESIDENT]), "schema-type"),
        (told(200, {"XM": NAME, "household": {}}), "schema-type"),
    ],
)
def test_a_broken_answer_is_a_502_and_a_finding_and_nothing_leaks(
    world: World, does: Callable[[Provider], None], rule: str
) -> None:
    does(world.provider)
    with pytest.raises(Upstream) as failed:
        world.call()
    assert failed.value.extra["rule"] == rule
    text = f"{failed.value} {dict(failed.value.extra)}"
    assert NAME not in text
    assert NUMBER not in text
    row = world.broker.deliveries(world.giving, limit=1)[0]
    assert (row.state, row.rule, row.fields, row.bytes_out) == (State.FAILED, rule, (), 0)
    finding = world.broker.findings(world.giving, limit=1)[0]
    assert (finding.rule, finding.delivery, finding.provider) == (rule, row.id, "police")
    assert world.services.last("delivery.failed")["finding"] == finding.id
    assert world.broker.findings(world.services.department("tax")) == []


def test_a_finding_points_into_the_schema_never_at_data(world: World) -> None:
    world.provider.says(200, {"XM": NAME, "household": [{"XM": 7}]})
    with pytest.raises(Upstream):
        world.call()
    pointer = world.broker.findings(world.giving, limit=1)[0].pointer
    assert pointer.endswith("/properties/household/items/properties/XM/type")


def test_a_provider_that_keeps_failing_is_left_alone_and_the_call_is_told_when_to_come_back(world: World) -> None:
    world.provider.answer = SourceFailure("provider-unreachable")
    for _ in range(FAILURES):
        with pytest.raises(Upstream):
            world.call()
    assert world.refused(Unavailable) == "provider-resting"
    assert len(world.broker.findings(world.giving, limit=100)) == FAILURES
    world.broker.breakers.note("http://127.0.0.1:9/base", good=True)
    world.provider.says(200, RESIDENT)
    assert world.call().status == 200


def test_a_call_that_cannot_be_recorded_does_not_touch_the_others(world: World) -> None:
    body = orjson.dumps({"GMSFHM": NUMBER})
    json = {"content-type": "application/json"}
    call = Asked("police.residents", "POST", "/resident-queries", "", json, body, None, "办卡")
    broken = Launch(id=NUMBER)  # would stand in an entry for ever

    async def together() -> list[Any]:
        calls = [world.broker.pass_on(call, world.asking), world.broker.pass_on(call, None, broken)]
        return await asyncio.gather(*calls, world.broker.pass_on(call, world.asking), return_exceptions=True)

    first, refused, last = asyncio.run(together())
    assert (first.status, last.status) == (200, 200)
    assert isinstance(refused, Unprocessable)
    assert len({first.delivery, last.delivery}) == 2
    assert world.services.kinds().count("delivery.made") == 2


def test_a_new_version_of_the_interface_is_seen_at_the_next_call(world: World) -> None:
    assert world.call().status == 200
    services = world.services
    with services.database.transaction() as tx:
        catalogue_store.set_endpoint(tx, "police.residents", "http://127.0.0.1:9/other")
    assert world.call().status == 200
    assert [call.endpoint.rpartition("/")[2] for call in world.provider.calls] == ["base", "other"]


def test_rows_and_masks_hold_and_the_entry_says_what_was_masked(world: World) -> None:
    terms = {
        "rows": [{"place": "/household/*/XM", "is": "neq", "value": "钱二"}],
        "masks": [{"place": "/XM", "as": "hash"}],
    }
    with world.services.database.transaction() as tx:
        agreement_store.save_agreement(tx, replace(world.agreement, terms=terms))
    answer = orjson.loads(world.call().body)
    assert answer["household"] == []
    assert answer["XM"] != NAME
    assert world.services.last("delivery.made")["masked"] == ["XM"]
    with world.services.database.transaction() as tx:
        agreement_store.save_agreement(tx, replace(world.agreement, terms={"rows": [{"place": "/XM"}]}))
    assert world.refused() == "unknown-term"


def test_an_agreement_narrowed_meanwhile_withholds_the_answer(world: World) -> None:
    def narrowed() -> None:
        scope = {"queryResident": ("/XM",)}
        with world.services.database.transaction() as tx:
            agreement_store.save_agreement(tx, replace(world.agreement, scope=scope))

    world.provider.watching = narrowed
    with pytest.raises(Unavailable):
        world.call()
    assert world.services.last("delivery.withheld")["rule"] == "agreement-changed"
    world.provider.watching = lambda: None
    assert orjson.loads(world.call().body) == {"XM": NAME}


def test_a_declared_error_passes_with_its_kind_only(world: World) -> None:
    world.provider.says(404, {"type": "urn:none", "status": 404, "detail": NAME}, "application/problem+json")
    answer = world.call()
    assert (answer.status, orjson.loads(answer.body)) == (404, {"type": "urn:none", "status": 404})
    assert answer.headers == {"Content-Type": "application/problem+json"}
    assert NUMBER not in str(answer.headers)


def test_calls_cut_off_by_a_kill_are_closed_as_unknown(world: World) -> None:
    class Killed(BaseException):
        pass

    def killed() -> None:
        raise Killed

    world.provider.watching = killed
    with pytest.raises(Killed):
        world.call()
    assert world.broker.recover() == []
    world.services.clock.advance(minutes=2)
    assert [one.state for one in world.broker.recover()] == [State.UNKNOWN]
    assert world.broker.recover() == []
    assert world.services.kinds()[-1] == "delivery.unknown"


# ---- apps of citizens


def entrusted(world: World) -> None:
    @dataclass(frozen=True)
    class Matter:
        id: str = "newborn"
        needs: Mapping[str, Mapping[str, tuple[str, ...]]] = field(
            default_factory=lambda: {"police.residents": {"queryResident": ("XM",)}}
        )

    world.services.vendor()
    services = world.services
    with services.database.transaction() as tx:
        world.agreements.entrust(tx, matter=Matter(), vendor="acme", until=datetime(2027, 1, 1, tzinfo=UTC))


def test_an_app_calls_through_its_launch_and_the_market_hears_of_each_success(world: World, web: TestClient) -> None:
    entrusted(world)
    heard: list[tuple[str, str, str]] = []
    world.broker.delivered = lambda _tx, *what: heard.append(what)  # type: ignore[assignment]
    path, body = "/gateway/police.residents/resident-queries", {"GMSFHM": NUMBER}
    headers = {"Authorization": "Bearer good", "Tongban-Handled-Matter": "own-7"}
    answer = web.post(path, json=body, headers=headers)
    assert (answer.status_code, answer.json()) == (200, {"XM": NAME})
    assert heard == [("lch_1", "police.residents", "queryResident")]
    row = world.broker.delivery(world.services.vendor(), answer.headers["Tongban-Receipt"])
    assert (row.launch, row.handled_matter, row.purpose) == ("lch_1", "hdm_1", "newborn")
    world.provider.says(404, {"type": "urn:none"}, "application/problem+json")
    assert web.post(path, json=body, headers=headers).status_code == 404
    assert len(heard) == 1
    beyond = web.post(f"{path}?fields=XM,LXDH", json=body, headers=headers)
    assert (beyond.status_code, beyond.json()["rule"]) == (403, "fields-beyond-scope")
    assert web.post(path, json=body, headers={"Authorization": "Bearer bad"}).status_code == 401


def test_a_vendor_cannot_use_its_entrustment_without_a_citizen(world: World) -> None:
    entrusted(world)
    vendor = replace(world.services.vendor(), kind="department", roles=frozenset({"engineer"}))
    with world.services.database.reading() as tx:
        named = world.agreements.for_call(tx, "acme", "police.residents", matter="newborn")[0].id
    assert world.refused(caller=vendor) == "no-agreement"
    assert world.refused(caller=vendor, agreement_id=named, purpose="newborn") == "launch-required"


# ---- over HTTP


def test_over_http_the_receipt_travels_in_a_header(world: World, web: TestClient) -> None:
    from urllib.parse import quote

    headers = {**world.services.bearer(world.asking), "Tongban-Purpose": quote("办卡")}
    path = "/exchange/police.residents/resident-queries"
    answer = web.post(path, json={"GMSFHM": NUMBER}, headers=headers)
    assert answer.json() == {"XM": NAME, "household": RESIDENT["household"]}
    id = answer.headers["Tongban-Receipt"]
    proof = web.get(f"/api/v1/receipts/{id}", headers=headers)
    assert proof.text.startswith("c2sp.org/tlog-proof@v1")
    world.services.clock.advance(milliseconds=1)
    refused = web.post(path, json={"GMSFHM": NUMBER}, headers={**headers, "Tongban-Purpose": "x"})
    assert (refused.status_code, refused.json()["rule"]) == (403, "purpose-mismatch")
    assert refused.json()["reason"]["zh_CN"]
    assert web.get(f"/api/v1/receipts/{refused.json()['receipt']}", headers=headers).status_code == 200
    twice = web.post(path, content=b"{}", headers=[*headers.items(), ("Tongban-Purpose", "y")])
    assert twice.status_code == 400
    listed = web.get("/api/v1/deliveries?limit=1", headers=headers).json()
    assert (listed["items"][0]["state"], bool(listed["next_page_token"])) == ("refused", True)


def test_an_answer_without_a_body_cannot_be_agreed_and_so_is_refused(world: World) -> None:
    # removeResident was in the wish, but none of the agreed fields is in its answers: nothing of it is in the scope
    assert world.refused(method="DELETE", path="/residents/7", body=b"") == "operation-not-agreed"


# ---- pieces


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "0.0.0.0",
        "224.0.0.1",
        "127.0.0.1",
        "::1",
        "::ffff:127.0.0.1",
        "fe80::1",
        "10.1.2.3",
        "fd00::1",
    ],
)
def test_no_provider_may_be_at(address: str) -> None:
    assert not Network().admits(address)


@pytest.mark.parametrize("address", ["169.254.169.254", "::ffff:169.254.169.254", "224.0.0.1", "100.100.100.200"])
def test_no_setting_admits(address: str) -> None:
    assert not Network.of("0.0.0.0/0, ::/0", loopback=True).admits(address)


def test_the_operator_allows_ranges() -> None:
    network = Network.of("10.0.0.0/8 fd00::/8")
    assert network.admits("10.1.2.3")
    assert network.admits("::ffff:10.1.2.3")
    assert network.admits("fd00::1")
    assert network.admits("93.184.216.34")
    assert not network.admits("192.168.1.1")
    with pytest.raises(Invalid, match="no range"):
        Network.of("ten")


@pytest.mark.parametrize("raw", ["/a/%zz", "/a\\b", "/%00", "/%ff", "/.", "/a//b", "/" + "x" * 2001])
def test_ambiguous_paths(raw: str) -> None:
    with pytest.raises(Invalid):
        paths.segments(raw)


def test_a_value_in_a_path_is_rebuilt_not_copied(world: World) -> None:
    spec = world.services.catalogue.interface("police.residents").spec
    found = paths.Paths(spec).match("GET", paths.segments("/residents/a%20b%252e"))
    assert found is not None
    assert (found.parameters, found.path) == ({"id": "a b%2e"}, "/residents/a%20b%252e")


def test_our_own_headers_may_not_be_repeated() -> None:
    with pytest.raises(Invalid):
        lowered([("Tongban-Purpose", "a"), ("tongban-purpose", "b")])
    assert lowered([("Accept", "a"), ("accept", "b")]) == {"accept": "a, b"}


def test_a_credential_is_sealed_and_goes_to_its_department_only(world: World, web: TestClient) -> None:
    services = world.services
    path, giving = "/api/v1/interfaces/police.residents/credential", services.bearer(world.giving)
    foreign = services.bearer(world.asking)
    assert web.put(path, json={"value": "Bearer s3cret"}, headers=foreign).status_code == 403
    assert web.put(path, json={"header": "Host", "value": "x"}, headers=giving).status_code == 422
    assert web.put(path, json={"value": "Bearer s3cret"}, headers=giving).status_code == 204
    vault = Vault(services.database, services.ledger, services.catalogue, b"k" * 32)
    assert vault("police.residents", "police", "http://x") == ("Authorization", "Bearer s3cret")
    assert vault("police.residents", "tax", "http://x") is None
    other = Vault(services.database, services.ledger, services.catalogue, b"o" * 32)
    with pytest.raises(Unavailable):
        other("police.residents", "police", "http://x")
    assert b"s3cret" not in b"".join(entry.data for entry in services.ledger.entries(limit=100))
    assert web.delete(path, headers=giving).status_code == 204
    assert vault("police.residents", "police", "http://x") is None


def test_headers_a_document_declares_pass_but_never_credentials(world: World) -> None:
    spec = world.services.catalogue.interface("police.residents").spec
    operation = spec.operation("queryResident")
    assert outgoing({"x-own": "1", "authorization": "a", "accept": "x/y"}, operation) == {"accept": "x/y"}
