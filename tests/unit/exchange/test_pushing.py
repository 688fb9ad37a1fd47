"""Push subscriptions: nothing leaves undecided or unreduced, nothing that was taken in is lost."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from fastapi.testclient import TestClient

from exchange.agreements import store as agreements_store
from exchange.agreements.wish import Wish as Asked
from exchange.brokering.service import Broker
from exchange.brokering.sources import SourceFailure
from exchange.catalogue import store as catalogue_store
from exchange.catalogue.endpoint import Network, addresses, check_endpoint, resolve
from exchange.errors import Conflict, Forbidden, NotFound, TongbanError, Unavailable, Unprocessable
from exchange.jobs import JobContext, Jobs
from exchange.jobstore import JOBS
from exchange.pushing import store
from exchange.pushing.model import NOTHING, Call, Schedule, State, emptied, prefix, returned, shown_secret
from exchange.pushing.passing import Passing
from exchange.pushing.rounds import KIND
from exchange.pushing.routes import router
from exchange.pushing.sealing import Seal
from exchange.pushing.sending import Sender
from exchange.pushing.service import Pushing
from exchange.pushing.wishes import Event, Wish
from tests.unit.exchange.hosted import Listener
from tests.unit.exchange.test_brokering import NAME, NUMBER, RESIDENT, World

AREAS = """
openapi: 3.1.0
info: {title: 住址, version: 1.0.0, description: 住址, x-interface-id: police.areas, x-department: police,
  x-en: {title: Residences, description: Residences}}
paths:
  /residences:
    get:
      operationId: listResidences
      summary: 列表
      responses: {"200": {description: ok, content: {application/json: {schema: {type: object, required: [items],
        properties: {total: {type: integer}, items: {type: array, items: {type: object, required: [XM, XZZXZQH],
        properties: {XM: {type: string}, XZZXZQH: {type: string}, XZZ: {type: string}}}}}}}}}}
"""
ROWS = [
    {"XM": "甲", "XZZXZQH": "330106", "XZZ": "secret 1"},
    {"XM": "乙", "XZZXZQH": "330203", "XZZ": "secret 2"},
    {"XM": "丙", "XZZXZQH": "330110", "XZZ": "secret 3"},
]
CALL = Call(body={"GMSFHM": NUMBER})


ONCE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""For what asks nothing new of the database."""


class Straight(JobContext):
    """A job without DBOS: its steps are done at once."""

    def step(self, name: str, work: Any) -> Any:
        return orjson.loads(orjson.dumps(work()))

    def progress(self, done: int, total: int, text: str) -> None:
        pass


def sending(loopback: bool = True, resolving: Any = resolve) -> Sender:
    rule = {"network": Network.of(loopback=loopback), "resolving": resolving}
    return Sender(partial(check_endpoint, **rule), partial(addresses, **rule), seconds=2)


class Pushed(World):
    """The broker's world with pushing on top; rounds are played when a test says so."""

    def __init__(self, services: Any) -> None:
        super().__init__(services)
        self.jobs = Jobs(services.database, services.home, "w1", services.clock)
        self.resolved: list[str] = []
        self.pushing = self.made()

    def made(self) -> Pushing:
        services = self.services
        passing = Passing(
            services.catalogue,
            self.agreements,
            self.provider,
            lambda source: Broker(
                services.database, services.ledger, services.catalogue, self.agreements, source, services.clock
            ),
            services.clock,
        )
        sender = sending()
        return Pushing(services.database, services.ledger, self.jobs, passing, sender, b"p" * 32, services.clock)

    def wish(self, url: str, **how: Any) -> Wish:
        return replace(Wish(self.agreement.id, "queryResident", "办卡", url), **how)

    def subscribe(self, url: str, **how: Any) -> tuple[Any, bytes]:
        made, secret = self.pushing.subscribe(self.asking, self.wish(url, **how))
        return made, base64.b64decode(secret.removeprefix("whsec_"))

    def event(self, id: str = "e1", **how: Any) -> int:
        self.services.clock.advance(milliseconds=1)
        event = replace(Event("police.residents", "queryResident", id, CALL, RESIDENT), **how)
        return self.pushing.publish(self.giving, event)

    def play(self) -> int:
        """Play every round that was asked for; how many."""
        with self.services.database.reading() as tx:
            rows = list(tx.execute(JOBS.select().where(JOBS.c.state == "asked", JOBS.c.kind == KIND)))
        for row in rows:
            self.pushing.rounds.run(orjson.loads(row.argument), Straight(self.jobs, row.id))
            with self.services.database.transaction() as tx:
                tx.execute(JOBS.update().where(JOBS.c.id == row.id).values(state="done"))
        return len(rows) + (self.play() if rows else 0)

    def later(self, **time: float) -> int:
        """Let time pass, the sweep come by, and rounds be played."""
        self.services.clock.advance(**time)
        self.pushing.due()
        return self.play()

    def fates(self, id: str) -> list[str]:
        return [str(one.fate) for one in self.pushing.messages(self.asking, id)]

    def change(self, **values: Any) -> None:
        """Put other terms or another scope under the agreement, as its sides agree on them."""
        self.agreement = replace(self.agreement, **values)
        with self.services.database.transaction() as tx:
            agreements_store.save_agreement(tx, self.agreement)

    def replayed(self, id: str) -> None:
        assert self.pushing.replay(self.asking, id) == 1
        self.play()

    def receipt(self, listener: Listener) -> dict[str, Any]:
        """The entry behind the receipt of what came last."""
        made = self.broker.delivery(self.asking, listener.got[-1][2]["tongban-receipt"])
        return dict(self.services.ledger.entry(made.entry).body)

    def sealed(self, id: str) -> list[bytes | None]:
        with self.services.database.reading() as tx:
            query = store.MESSAGES.select().where(store.MESSAGES.c.subscription == id)
            return [row.sealed for row in tx.execute(query.order_by(store.MESSAGES.c.position))]


@pytest.fixture
def world(services: Any) -> Pushed:
    return Pushed(services)


@pytest.fixture
def listener() -> Iterator[Listener]:
    with Listener() as made:
        yield made


@pytest.fixture
def web(world: Pushed) -> Iterator[TestClient]:
    with world.services.web(router(world.pushing, world.services.access)) as client:
        yield client


def verified(secret: bytes, headers: Any) -> bool:
    """As a consumer checks it, by the text of Standard Webhooks."""
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{headers['body']}".encode()
    wanted = base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
    return f"v1,{wanted}" in headers["webhook-signature"].split(" ")


# ---- who may


def test_nobody_then_strangers_then_the_other_side_then_the_owner(
    world: Pushed, web: TestClient, listener: Listener
) -> None:
    body = {
        "agreement": world.agreement.id,
        "operation": "queryResident",
        "purpose": "办卡",
        "destination": listener.url,
    }
    event = {"interface": "police.residents", "operation": "queryResident", "id": "e1", "record": RESIDENT,
             "call": {"body": {"GMSFHM": NUMBER}}}  # fmt: skip
    services = world.services
    mine, theirs = services.bearer(world.asking), services.bearer(world.giving)
    stranger, vendor = services.bearer(services.department("tax")), services.bearer(services.vendor())
    officer = services.bearer(services.officer())
    routes = [("GET", "", None), ("POST", "/pause", {}), ("POST", "/resume", {}), ("POST", "/secret", {}),
              ("POST", "/replay", {}), ("GET", "/messages", None), ("DELETE", "", None)]  # fmt: skip

    def status(method: str, path: str, said: Any, headers: dict[str, str]) -> int:
        return web.request(method, f"/api/v1/{path}", json=said, headers=headers).status_code

    for path, said in (("push-subscriptions", body), ("push-events", event)):
        assert status("POST", path, said, {}) == 401
        assert status("POST", path, said, vendor) == 403
    assert status("GET", "push-returns", None, {}) == status("GET", "push-subscriptions", None, {}) == 401
    assert status("POST", "push-subscriptions", body, stranger) == 404  # an agreement of others is none
    assert status("POST", "push-events", event, mine) == 403  # another department's interface
    made = web.post("/api/v1/push-subscriptions", json=body, headers=mine)
    assert made.status_code == 201
    assert made.headers["cache-control"] == "no-store"
    place = f"push-subscriptions/{made.json()['id']}"
    for method, path, said in routes:
        assert status(method, place + path, said, {}) == 401, path
        assert status(method, place + path, said, stranger) == 404, path
        assert status(method, place + path, said, vendor) in (403, 404), path
        for reader in (theirs, officer):
            assert status(method, place + path, said, reader) == (200 if method == "GET" else 403), path
    assert web.get(f"/api/v1/{place}", headers=mine).json()["state"] == "active"
    assert "secret" not in web.get(f"/api/v1/{place}", headers=mine).json()
    assert "destination" in web.get(f"/api/v1/{place}", headers=mine).json()
    assert "destination" not in web.get(f"/api/v1/{place}", headers=theirs).json()
    assert listener.url not in web.get("/api/v1/push-subscriptions", headers=theirs).text
    assert status("POST", "push-events", event, theirs) == 202
    for method, path, said in routes:
        assert status(method, place + path, said, mine) in (200, 202), path
    assert status("POST", place + "/resume", {}, mine) == 409  # ended
    assert listener.got == []


# ---- what leaves


def test_an_event_is_decided_reduced_receipted_signed_and_sent(world: Pushed, listener: Listener) -> None:
    made, secret = world.subscribe(listener.url)
    assert world.event() == 1
    assert all(NAME.encode() not in (sealed or b"") for sealed in world.sealed(made.id)), "sealed at rest"
    assert listener.got == []
    assert world.play() == 1
    ((path, body, headers),) = listener.got
    assert path == "/hook"
    assert body["data"] == {"XM": NAME, "household": RESIDENT["household"]}, "nothing that was not agreed"
    assert (body["position"], body["subscription"]) == (1, made.id)
    assert verified(secret, headers)
    assert not verified(b"x" * 32, headers)
    # the few lines the documentation gives
    (lines,) = re.findall(r"```python\n(.*?)```", Path("docs/pushing.md").read_text(), re.DOTALL)
    given: dict[str, Any] = {}
    exec(lines, given)
    for seconds, told, genuine in ((0, secret, True), (0, b"x" * 32, False), (301, secret, False)):
        given["time"] = SimpleNamespace(time=lambda late=seconds: world.services.clock().timestamp() + late)
        assert given["genuine"](shown_secret(told), headers, headers["body"].encode()) is genuine
    delivery = world.broker.delivery(world.asking, headers["tongban-receipt"])
    assert (delivery.state, delivery.purpose) == ("delivered", "办卡")
    assert delivery.fields == ("XM", "household/FQ_GMSFHM", "household/XM")
    assert world.provider.calls == [], "the record came along: nobody was asked for it"
    kinds = [kind for kind in world.services.kinds() if kind.startswith(("push.", "delivery."))]
    assert kinds == ["push.subscribed", "push.event", "delivery.permitted", "delivery.made", "push.delivered"]
    about = world.services.ledger.entries(subject=NUMBER, limit=10)
    assert {"delivery.permitted", "delivery.made"} <= {entry.kind for entry in about}
    assert world.fates(made.id) == ["delivered"]
    world.later(minutes=10)
    assert len(listener.got) == 1


def test_the_same_event_counts_once(world: Pushed, listener: Listener) -> None:
    world.subscribe(listener.url)
    assert world.event() == world.event() == 1
    with pytest.raises(Conflict):
        world.event(record=RESIDENT | {"XM": "other"})
    world.play()
    assert len(listener.got) == 1


@ONCE
def test_an_event_without_its_record_is_asked_for(world: Pushed, listener: Listener) -> None:
    made, _ = world.subscribe(listener.url)
    world.event(record=NOTHING)
    world.provider.answer = SourceFailure("provider-timeout")
    world.play()
    assert (listener.got, world.fates(made.id)) == ([], ["asked"])
    world.provider.says(200, RESIDENT)
    world.later(seconds=6)
    assert listener.got[0][1]["data"]["XM"] == NAME
    world.provider.says(404, {"type": "none"}, "application/problem+json")
    world.event("e2", record=NOTHING)
    world.play()
    assert world.fates(made.id) == ["delivered", "dead"]
    assert world.pushing.messages(world.asking, made.id)[1].error == "answer-404"


@ONCE
def test_events_that_break_the_interface_are_the_providers_to_mend(world: Pushed) -> None:
    for how in (
        {"record": {"XM": NAME}},
        {"record": None},
        {"call": Call()},
        {"call": Call(body={"GMSFHM": 1})},
        {"operation": "nothing"},
        {"division": "3"},
        {"id": "a b"},
        {"record": RESIDENT | {"XM": "x" * 1_100_000}},
    ):
        with pytest.raises(Unprocessable):
            world.event(**how)
    with pytest.raises(Unprocessable):
        world.event(operation="getResident", call=Call(path={"id": ".."}))


@ONCE
def test_a_record_that_breaks_the_interface_when_it_passes_is_dead_at_once(
    world: Pushed, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, _ = world.subscribe(listener.url)
    monkeypatch.setattr(world.pushing.passing, "check_record", lambda *_: None)  # as if the interface changed meanwhile
    world.event(record=RESIDENT | {"XM": 5})
    world.play()
    assert (world.fates(made.id), listener.got) == (["dead"], [])
    assert world.pushing.messages(world.asking, made.id)[0].error == "schema-type"
    assert world.broker.findings(world.giving)[0].rule == "schema-type", "the provider is told"


@ONCE
def test_a_schedule_calls_the_provider_and_makes_nothing_up(world: Pushed, listener: Listener) -> None:
    made, _ = world.subscribe(listener.url, kind="schedule", every="PT1H", call=CALL)
    assert world.later(minutes=59) == 0
    world.later(minutes=2)
    assert len(listener.got) == len(world.provider.calls) == 1
    assert listener.got[0][1]["data"] == {"XM": NAME, "household": RESIDENT["household"]}
    world.later(hours=30)
    assert len(listener.got) == 2, "turns nobody was there for are not made up"
    world.pushing.pause(world.asking, made.id)
    assert world.later(hours=5) == 0
    world.pushing.resume(world.asking, made.id)
    assert world.later(seconds=1) == 0, "nor are those of a pause"
    assert world.later(hours=1) == 1


# ---- tries


def test_who_is_away_is_tried_again_then_given_up_and_replayed(world: Pushed) -> None:
    with Listener(*[503] * 8) as listener:
        made, _ = world.subscribe(listener.url)
        world.event()
        world.play()
        assert (len(listener.got), world.fates(made.id)) == (1, ["ready"])
        assert world.later(seconds=4) == 0
        for count, pause in enumerate((2, 301, 1801, 7201, 18001, 36001, 36001), 2):
            world.later(seconds=pause)
            assert len(listener.got) == count
        assert world.fates(made.id) == ["dead"]
        assert world.services.last("push.dead")["tries"] == 8
        ids = {headers["webhook-id"] for _, _, headers in listener.got}
        assert len(ids) == 1, "one message, one id"
        world.services.clock.advance(hours=10)
        before = world.services.ledger.size()
        assert world.pushing.replay(world.asking, made.id, fate="dead") == 1
        world.play()
        assert world.fates(made.id) == ["delivered"]
        assert listener.got[-1][2]["webhook-id"] in ids
        entries = [entry.kind for entry in world.services.ledger.entries(after=before - 1, limit=20)]
        assert entries == ["push.replayed", "push.repeated", "push.delivered"], "its entry is there before it leaves"
        assert world.services.ledger.entries(subject=NUMBER, kind="push.repeated", limit=5)


@ONCE
def test_one_that_is_refused_does_not_keep_others_waiting(world: Pushed) -> None:
    with Listener(302, 204) as listener:  # a redirect is not followed
        made, _ = world.subscribe(listener.url)
        world.event("e1")
        world.event("e2")
        world.play()
        assert world.fates(made.id) == ["ready", "delivered"]
        world.later(seconds=6)
        assert world.fates(made.id) == ["delivered", "delivered"]


def test_a_destination_that_is_down_is_let_alone(world: Pushed, web: TestClient) -> None:
    with Listener(500, 500) as listener:
        made, _ = world.subscribe(listener.url)
        for number in range(5):
            world.event(f"e{number}")
        world.play()
        assert len(listener.got) == 1, "the others are not tried one by one"
        world.event("e9")
        assert world.play() == 0
        world.later(seconds=6)
        assert len(listener.got) == 2
        shown = web.get(f"/api/v1/push-subscriptions/{made.id}", headers=world.services.bearer(world.asking)).json()
        assert (shown["waiting"], shown["dead"], shown["reason"]) == (6, 0, "the destination answered 500")
        assert shown["waiting_since"] < shown["hold_until"]
        world.pushing.resume(world.asking, made.id)  # its people know that it is well again
        world.play()
        assert world.fates(made.id) == ["delivered"] * 6
        assert [body["position"] for _, body, _ in listener.got[2:]] == [1, 2, 3, 4, 5, 6]
        (shown,) = web.get("/api/v1/push-subscriptions", headers=world.services.bearer(world.asking)).json()["items"]
        assert (shown["waiting"], shown["waiting_since"], shown["failures"]) == (0, None, 0)


@ONCE
def test_gone_pauses_and_what_happens_meanwhile_waits(world: Pushed) -> None:
    with Listener(410) as listener:
        made, _ = world.subscribe(listener.url)
        world.event("e1")
        world.play()
        assert world.pushing.get(world.asking, made.id).state is State.PAUSED
        world.event("e2")
        assert world.later(hours=1) == 0
        world.pushing.resume(world.asking, made.id)
        world.play()
        assert world.fates(made.id) == ["delivered", "delivered"]


def test_replay_from_a_position(world: Pushed, listener: Listener) -> None:
    made, _ = world.subscribe(listener.url)
    for number in range(4):
        world.event(f"e{number}")
    world.play()
    assert world.pushing.replay(world.asking, made.id, first=2, last=3) == 2
    world.play()
    assert [body["position"] for _, body, _ in listener.got] == [1, 2, 3, 4, 2, 3]
    for fate in ("asked", "nonsense"):
        with pytest.raises(Unprocessable):
            world.pushing.replay(world.asking, made.id, fate=fate)


def test_a_round_that_is_killed_is_done_again(world: Pushed, listener: Listener, monkeypatch: Any) -> None:
    made, _ = world.subscribe(listener.url)
    world.event()

    class Killed(BaseException):
        pass

    def dies(*_: object, **__: object) -> None:
        raise Killed

    monkeypatch.setattr(world.pushing.rounds, "_settle", dies)  # after the consumer took it, before that is kept
    with pytest.raises(Killed):
        world.play()
    monkeypatch.undo()
    again = world.made()
    world.pushing = again
    world.play()
    assert [headers["webhook-id"] for _, _, headers in listener.got] == [listener.got[0][2]["webhook-id"]] * 2
    assert world.fates(made.id) == ["delivered"]
    receipts = {headers["tongban-receipt"] for _, _, headers in listener.got}
    assert len(receipts) == 1


# ---- agreements


def test_a_suspended_agreement_holds_and_an_ended_one_ends(world: Pushed, listener: Listener) -> None:
    made, _ = world.subscribe(listener.url)
    world.event("e1")
    world.agreements.suspend(world.giving, world.agreement.id, "misuse")
    world.play()
    assert world.later(minutes=6) == 1
    assert listener.got == []
    assert world.pushing.get(world.asking, made.id).reason == "agreement-not-active"
    world.agreements.resume(world.giving, world.agreement.id, "mended")
    world.later(minutes=6)
    assert len(listener.got) == 1
    world.event("e2")
    world.agreements.terminate(world.asking, world.agreement.id, "over")
    world.play()
    assert len(listener.got) == 1
    assert world.pushing.get(world.asking, made.id).state is State.ENDED
    assert world.fates(made.id) == ["delivered", "withheld"]
    assert world.sealed(made.id) == [None, None], "nothing is kept of it"
    assert world.event("e3") == 0
    with pytest.raises(Conflict):
        world.pushing.replay(world.asking, made.id)


def test_late_tries_and_replays_are_decided_and_cut_anew(world: Pushed) -> None:
    with Listener(503) as listener:
        made, _ = world.subscribe(listener.url)
        world.event()
        world.play()
        assert len(listener.got) == 1
        world.agreements.suspend(world.giving, world.agreement.id, "misuse")
        world.later(minutes=1)
        assert len(listener.got) == 1, "receipted before, and still not to leave now"
        world.agreements.resume(world.giving, world.agreement.id, "mended")
        world.change(scope={"queryResident": ("/XM",)})
        world.later(minutes=6)
        assert world.fates(made.id) == ["delivered"]
        assert listener.got[1][1]["data"] == {"XM": NAME}
        assert world.receipt(listener)["fields"] == ["XM"], "the receipt is of what left, not of what was cut before"
        assert world.pushing.messages(world.asking, made.id)[0].delivery == listener.got[1][2]["tongban-receipt"]


@ONCE
def test_masks_and_rows_of_today_hold_for_what_was_cut_yesterday(world: Pushed, listener: Listener) -> None:
    made, _ = world.subscribe(listener.url)
    world.event()
    world.play()
    first = listener.got[0][2]["tongban-receipt"]
    world.replayed(made.id)
    assert listener.got[-1][1]["data"]["household"], "nothing changed: what was cut is sent again"
    assert (listener.got[-1][2]["tongban-receipt"], world.provider.calls) == (first, [])
    world.change(terms={"masks": [{"place": "/XM", "as": "hash"}]})
    world.replayed(made.id)
    called = world.call()  # what a call gets now is what a replay brings now
    assert listener.got[-1][1]["data"]["household"]
    assert NAME not in listener.got[-1][2]["body"]
    assert world.receipt(listener)["masked"] == ["XM"]
    assert listener.got[-1][2]["tongban-receipt"] not in (first, called.delivery)
    # not a mask upon a mask: hashed once, under the key of its agreement
    world.change(terms={"masks": [{"place": "/XM", "as": "truncate", "keep": 1}]})
    world.replayed(made.id)
    assert listener.got[-1][1]["data"]["XM"] == NAME[0]
    world.change(terms={"rows": [{"place": "/household/*/FQ_GMSFHM", "is": "startsWith", "value": "11"}]})
    world.replayed(made.id)
    assert listener.got[-1][1]["data"] == {"XM": NAME, "household": []}
    ids = {headers["webhook-id"] for _, _, headers in listener.got}
    assert len(ids) == 1, "all this is one message"
    world.change(terms={"rows": [{"place": "/LXDH", "is": "eq", "value": "1"}]})
    count = len(listener.got)
    world.replayed(made.id)
    assert (len(listener.got), world.fates(made.id)) == (count, ["outside"])
    assert world.sealed(made.id) == [None]
    assert world.services.last("push.outside")["why"] == "no record of it is in the agreed rows"
    world.change(terms={"weather": "fine"})
    world.event("e2")
    world.play()
    assert world.pushing.get(world.asking, made.id).reason == "unknown-term"
    assert len(listener.got) == count


@ONCE
def test_a_change_that_cannot_be_asked_for_sends_nothing(world: Pushed, listener: Listener) -> None:
    made, _ = world.subscribe(listener.url)
    world.event()
    world.play()
    world.change(scope={"queryResident": ("/XM",)})
    world.provider.answer = SourceFailure("provider-timeout")
    world.replayed(made.id)
    assert (len(listener.got), world.fates(made.id)) == (1, ["ready"])
    assert world.pushing.messages(world.asking, made.id)[0].error == "provider-timeout"
    world.provider.says(200, RESIDENT)
    world.later(seconds=6)
    assert listener.got[1][1]["data"] == {"XM": NAME}
    assert world.services.last("push.repeated")["delivery"] == listener.got[1][2]["tongban-receipt"]


@ONCE
def test_what_its_provider_withdrew_waits(world: Pushed, listener: Listener) -> None:
    made, _ = world.subscribe(listener.url, kind="schedule", every="PT1H", call=CALL)
    with world.services.database.transaction() as tx:
        catalogue_store.set_state(tx, "police.residents", catalogue_store.State.RETIRED, None)
    for _ in range(5):
        world.later(hours=1)
    held = world.pushing.get(world.asking, made.id)
    assert (held.reason, listener.got, world.provider.calls) == ("interface-withdrawn", [], [])
    assert world.fates(made.id) == ["asked"], "turns that would bring the same answer do not pile up"
    with world.services.database.transaction() as tx:
        catalogue_store.set_state(tx, "police.residents", catalogue_store.State.PUBLISHED, None)
    world.later(minutes=6)
    assert world.fates(made.id) == ["delivered"]


@ONCE
def test_an_event_taken_in_while_its_agreement_changes_is_not_lost(
    world: Pushed, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, _ = world.subscribe(listener.url)
    world.event()

    def moving(*_: object) -> None:
        raise Unavailable("the agreement was changed", rule="agreement-changed")

    monkeypatch.setattr(world.pushing.passing, "send", moving)
    world.play()
    monkeypatch.undo()
    assert world.fates(made.id) == ["asked"]
    world.later(seconds=6)
    assert world.fates(made.id) == ["delivered"]


def test_the_sweep_ends_what_rests_on_an_ended_agreement(world: Pushed, listener: Listener) -> None:
    made, _ = world.subscribe(listener.url)
    world.later(days=31)
    assert world.pushing.get(world.asking, made.id).state is State.ENDED
    assert world.services.last("push.ended")["reason"] == "its agreement ended"


@ONCE
def test_what_no_agreement_permits_is_not_subscribed(world: Pushed, listener: Listener) -> None:
    url = listener.url
    refused: list[tuple[dict[str, Any], type[TongbanError]]] = [
        ({"purpose": "other"}, Forbidden),
        ({"operation": "getResident"}, Forbidden),
        ({"agreement": "agr_none"}, NotFound),
        ({"kind": "sometimes"}, Unprocessable),
        ({"kind": "schedule"}, Unprocessable),
        ({"kind": "schedule", "every": "PT5S", "call": CALL}, Unprocessable),
        ({"kind": "schedule", "every": "PT5M", "at": "02:00", "call": CALL}, Unprocessable),
        ({"kind": "schedule", "every": "PT5M"}, Unprocessable),
        ({"every": "P1D"}, Unprocessable),
        ({"kind": "return"}, Unprocessable),
        ({"kind": "return", "division": "0"}, Unprocessable),
        ({"kind": "return", "division": "33"}, Unprocessable),
        ({"division": "33"}, Unprocessable),
    ]
    for how, error in refused:
        with pytest.raises(error):
            world.subscribe(url, **how)
    assert world.pushing.listed(world.asking) == []


# ---- where to


@ONCE
def test_destinations_that_are_never_called(world: Pushed, listener: Listener) -> None:
    for url in (
        "http://169.254.169.254/latest", "http://10.0.0.1/", "ftp://example.org/", "http://user:pw@127.0.0.1/",
        "http://[::ffff:10.0.0.1]/", "http://0.0.0.0/", "http://nowhere.invalid/", "http://127.0.0.1/?a=b",
    ):  # fmt: skip
        with pytest.raises(Unprocessable):
            world.subscribe(url)
    strict = world.made()
    strict.sender = sending(loopback=False)
    with pytest.raises(Unprocessable):
        strict.subscribe(world.asking, world.wish(listener.url))
    made, _ = world.subscribe(listener.url)
    world.event()
    # the name leads elsewhere now: it is judged at every try
    world.pushing.sender = sending(resolving=lambda *_: ["10.0.0.1"])
    world.play()
    assert listener.got == []
    assert "not a public address" in world.pushing.messages(world.asking, made.id)[0].error


def certified(folder: Path) -> ssl.SSLContext:
    """A server's TLS for the name localhost; its certificate is folder/tls.pem."""
    key, name = (
        ec.generate_private_key(ec.SECP256R1()),
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")]),
    )
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(days=1), now + timedelta(days=1))
    made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    text = made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
    text += key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "tls.pem").write_bytes(text)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "tls.pem")
    return context


def test_a_destination_that_answers_byte_by_byte_is_cut_off_under_tls_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = certified(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "tls.pem"))
    answers = [[b"HTTP/1.1 204 No Content\r\n\r\n"], [b"HTTP/1.", *[b"1"] * 60]]

    def serve(server: socket.socket) -> None:
        for parts in answers:
            taken, _ = server.accept()
            with suppress(OSError), taken, context.wrap_socket(taken, server_side=True) as client:
                client.recv(10_000)
                for part in parts:
                    client.sendall(part)
                    time.sleep(0.05)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, args=(server,), daemon=True)
        thread.start()
        url = f"https://localhost:{server.getsockname()[1]}/hook"
        send = sending()
        assert send(url, {}, b"{}").status == 204
        send.seconds, began = 0.4, time.monotonic()
        assert send(url, {}, b"{}").away
        assert time.monotonic() - began < 2
        thread.join(5)


# ---- secrets, and what is kept


@ONCE
def test_a_new_secret_and_the_old_one_for_a_day(world: Pushed, listener: Listener) -> None:
    made, old = world.subscribe(listener.url)
    new = base64.b64decode(world.pushing.rotate(world.asking, made.id).removeprefix("whsec_"))
    world.event("e1")
    world.play()
    assert verified(old, listener.got[0][2])
    assert verified(new, listener.got[0][2])
    world.services.clock.advance(hours=25)
    world.event("e2")
    world.play()
    assert not verified(old, listener.got[1][2])
    assert verified(new, listener.got[1][2])


def test_content_is_forgotten_after_its_days(world: Pushed, listener: Listener) -> None:
    made, _ = world.subscribe(listener.url)
    world.event("e1")
    world.play()
    world.pushing.pause(world.asking, made.id)
    world.event("e2")
    assert all(world.sealed(made.id))
    world.later(days=8)
    assert world.sealed(made.id) == [None, None]
    assert world.fates(made.id) == ["delivered", "expired"]
    world.pushing.resume(world.asking, made.id)
    assert world.pushing.replay(world.asking, made.id) == 0
    assert world.services.last("push.expired")["messages"] == 1
    before, world.pushing.listed_days = world.services.ledger.size(), 20
    world.later(days=13)
    assert world.pushing.messages(world.asking, made.id) == [], "messages are listed for their days"
    assert world.services.ledger.size() == before, "what the ledger knows stays"
    world.event("e1")
    world.play()
    assert listener.got[-1][1]["position"] == 3, "and positions go on"


@ONCE
def test_a_lost_key_holds_and_is_told(world: Pushed, listener: Listener) -> None:
    made, _ = world.subscribe(listener.url)
    world.event()
    world.pushing.seal = Seal(b"q" * 32)
    world.play()
    held = world.pushing.get(world.asking, made.id)
    assert "cannot be opened" in held.reason
    assert world.later(seconds=30) == 0
    world.pushing.seal = Seal(b"p" * 32)
    world.later(minutes=6)
    assert world.fates(made.id) == ["delivered"]


# ---- return flows


def areas(world: Pushed) -> Any:
    services = world.services
    version = services.catalogue.register(world.giving, "areas.yaml", AREAS)
    services.lifecycle.publish(world.giving, version.interface, version.version)
    services.catalogue.set_endpoint(world.giving, version.interface, "http://127.0.0.1:9/areas")
    wish = Asked("police.areas", ("listResidences",), fields=("XM", "XZZXZQH", "total"), legal_basis="b",
                 scenario="s", purpose="回流", mode="service", duration_days=30, approved_by="head")  # fmt: skip
    return world.agree(wish)


def test_a_return_flow_brings_a_division_its_own_records(world: Pushed, listener: Listener) -> None:
    agreement = areas(world)
    back = Wish(agreement.id, "listResidences", "回流", listener.url, "return", division="330100")
    made, _ = world.pushing.subscribe(world.asking, back)
    assert made.division_field == "XZZXZQH", "found by its element"
    other, _ = world.pushing.subscribe(world.asking, replace(back, division="3302"))
    running = world.agreements.open_clocks(world.giving)
    assert [clock.rule for clock, _ in running].count("C9") == 2
    event = Event("police.areas", "listResidences", "e1", Call(), {"total": 3, "items": ROWS})
    assert world.pushing.publish(world.giving, event) == 2
    world.play()
    got = {body["subscription"]: body["data"]["items"] for _, body, _ in listener.got}
    assert got == {
        made.id: [{"XM": "甲", "XZZXZQH": "330106"}, {"XM": "丙", "XZZXZQH": "330110"}],
        other.id: [{"XM": "乙", "XZZXZQH": "330203"}],
    }
    only = replace(event, id="e2", record={"items": ROWS[1:2]})
    assert world.pushing.publish(world.giving, only) == 1
    with pytest.raises(Unprocessable):  # which division? nobody says
        world.pushing.publish(world.giving, replace(event, id="e3", record=NOTHING))
    assert world.pushing.publish(world.giving, replace(event, id="e4", record=NOTHING, division="330106")) == 1
    running = world.agreements.open_clocks(world.giving)
    assert [clock.rule for clock, _ in running].count("C9") == 0, "each division has what is its own: art 24 is met"
    assert world.services.kinds().count("return.returned") == 2
    flows = {one["division"]: one for one in world.pushing.returns(world.asking)}
    assert (flows["330100"]["records"], flows["330100"]["delivered"], flows["330100"]["complete"]) == (2, 1, 0.5)


@ONCE
def test_a_scheduled_return_flow_asks_and_narrows(world: Pushed, listener: Listener) -> None:
    agreement = areas(world)
    back = Wish(agreement.id, "listResidences", "回流", listener.url, "return", "P1D", "02:30", division="3301")
    world.pushing.subscribe(world.asking, back)
    world.provider.says(200, {"total": 3, "items": [*ROWS, {"XM": "丁", "XZZXZQH": "440100"}]})
    world.later(days=1)
    assert [row["XM"] for row in listener.got[0][1]["data"]["items"]] == ["甲", "丙"]
    world.provider.says(200, {"total": 1, "items": ROWS[1:2]})
    world.later(days=1)
    assert listener.got[1][1]["data"]["items"] == []


@pytest.mark.parametrize(
    ("code", "begins"),
    [("330100", "3301"), ("330000", "33"), ("330106", "330106"), ("330106001000", "330106001"), ("33", "33"),
     ("330106000000", "330106"), ("330000000000", "33"), ("3300", "33")],
)  # fmt: skip
def test_codes_of_divisions(code: str, begins: str) -> None:
    assert prefix(code) == begins


def test_records_that_do_not_say_where_they_belong_do_not_return() -> None:
    rows = [{"d": "3301"}, {"x": 1}, {"d": None}, {"d": "3302"}, {"tags": []}, {"in": {"d": "330101"}}]
    assert returned(rows, "d", "3301") == [{"d": "3301"}, {"in": {"d": "330101"}}]
    assert returned({"tags": [], "x": 1}, "d", "3301") is NOTHING
    assert returned({"page": {"n": 1}, "items": rows}, "d", "3302") == {"page": {"n": 1}, "items": [{"d": "3302"}]}
    assert emptied({"n": 2, "a": [1], "b": {"c": [rows]}}) == {"n": 2, "a": [], "b": {"c": []}}


def test_turns_of_a_schedule() -> None:
    start = datetime(2026, 11, 2, 1, tzinfo=UTC)  # nine in the morning in Beijing
    assert Schedule("PT15M").next(start, start) == start + timedelta(minutes=15)
    assert Schedule("PT15M").next(start, start + timedelta(minutes=40)) == start + timedelta(minutes=45)
    night = Schedule("P1D", "02:30")
    first = night.next(start, start)
    assert first == datetime(2026, 11, 2, 18, 30, tzinfo=UTC)
    assert night.next(first, first) == first + timedelta(days=1)
    assert Schedule("P7D", "02:30").next(start, first) == first + timedelta(days=6)
    for every in ("1 day", "P", "PT", "PT0M", "P400D", "P1M"):
        with pytest.raises(Unprocessable):
            Schedule(every).check()
