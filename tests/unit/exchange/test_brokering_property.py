"""No field, row or call ever leaves without a permitting entry before it: random histories against an own model.

The model below knows nothing of `decide` or `reduce`. It keeps the grants as plain tuples and watches the two places
where something leaves: the provider (a call) and the consumer (an answer). Planted leaks prove that it would notice.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from exchange.agreements.service import Agreements
from exchange.agreements.wish import Wish
from exchange.brokering import evidence, reduce, service, store
from exchange.brokering.model import State
from exchange.brokering.reduce import Reduced
from exchange.brokering.service import Broker
from exchange.brokering.sources import Incoming, Outgoing
from exchange.catalogue.lifecycle import Lifecycle
from exchange.catalogue.news import News
from exchange.catalogue.service import Catalogue
from exchange.database import Database
from exchange.errors import TongbanError
from exchange.ledger.service import Ledger
from exchange.parties.access import SYSTEM, Caller
from exchange.parties.service import Parties
from exchange.parties.tokens import Tokens

DOCUMENT = """
openapi: 3.1.0
info: {title: 登记, version: 1.0.0, description: 登记, x-interface-id: police.people, x-department: police,
  x-en: {title: People, description: People}}
paths:
  /a: {get: {operationId: a, summary: 甲, responses: {"200": {description: ok, content: &json
    {application/json: {schema: {$ref: "#/components/schemas/People"}}}}}}}
  /b: {get: {operationId: b, summary: 乙, responses: {"200": {description: ok, content: *json}}}}
components:
  schemas:
    Person: {type: object, properties: {name: {type: string}, phone: {type: string}, born: {type: string}}}
    People: {type: object, properties: {rows: {type: array, items: {$ref: "#/components/schemas/Person"}},
      total: {type: integer}}}
"""
PEOPLE = {"total": 2, "rows": [{"name": "n1", "phone": "p1", "born": "b1"}, {"name": "n2", "extra": "e2"}], "x": 1}
FIELDS = ("name", "phone", "born", "total")
PURPOSES = ("cards", "pensions")


@dataclass
class Grant:
    """What the model remembers of an agreement."""

    consumer: int
    operation: str
    fields: frozenset[str]
    purpose: str
    ends: Any
    state: str = "active"
    id: str = ""


Step = tuple[Any, ...]
GRANT = st.tuples(
    st.just("grant"),
    st.integers(0, 1),
    st.sampled_from("ab"),
    st.frozensets(st.sampled_from(FIELDS), min_size=1),
    st.sampled_from(PURPOSES),
    st.integers(1, 3),
)
CHANGE = st.tuples(st.just("change"), st.sampled_from(["suspend", "resume", "terminate"]), st.integers(0, 3))
TIME = st.tuples(st.just("time"), st.integers(1, 24))
CALL = st.tuples(
    st.just("call"),
    st.integers(0, 3),
    st.sampled_from(["", "", "", "consumer", "operation", "purpose"]),
    st.booleans(),
    st.none() | st.tuples(st.sampled_from(["suspend", "terminate", "time"]), st.integers(0, 3)),
)
HISTORIES = st.builds(
    lambda grants, steps: grants + steps,
    st.lists(GRANT, min_size=1, max_size=3),
    # six calls to one of each other kind: an alternative listed twice would count once
    st.lists(
        st.integers(0, 8).flatmap((CALL, CALL, CALL, CALL, CALL, CALL, CHANGE, TIME, GRANT).__getitem__),
        min_size=6,
        max_size=16,
    ),
)


@dataclass
class Watch:
    """The exchange on SQLite, its provider, and the model that watches both ends."""

    database: Database
    numbers: Iterator[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        from tests.unit.exchange.conftest import TestClock

        self.clock = TestClock()
        self.ledger = Ledger(self.database, Ed25519PrivateKey.generate(), "t/l", b"i" * 32, self.clock)
        tokens = Tokens(Ed25519PrivateKey.generate(), "http://t", self.clock)
        parties = Parties(self.database, self.ledger, tokens, self.clock)
        parties.register_party(SYSTEM, "police", "department", {"zh_CN": "公安", "en": "Police"})
        catalogue = Catalogue(self.database, self.ledger, self.clock, allow_loopback=True)
        self.police = Caller("c1", "police", "department", frozenset({"admin"}), "c1", "client")
        catalogue.register(self.police, "people.yaml", DOCUMENT)
        Lifecycle(catalogue, News(self.database, self.ledger, self.clock)).publish(
            self.police, "police.people", "1.0.0"
        )
        catalogue.set_endpoint(self.police, "police.people", "http://127.0.0.1:9")
        self.agreements = Agreements(self.database, self.ledger, catalogue, self.clock)
        self.broker = Broker(self.database, self.ledger, catalogue, self.agreements, self, self.clock)
        self.officer = Caller("o", "data-office", "data_office", frozenset({"officer"}), "o", "client")

    def run(self, history: list[Step]) -> None:
        """Live through a history; AssertionError when something left that should not have."""
        run = next(self.numbers)
        self.consumers = [
            Caller(f"c{run}-{n}", f"dept{run}-{n}", "department", frozenset({"admin"}), "c", "client") for n in (0, 1)
        ]
        self.grants: list[Grant] = []
        for kind, *rest in history:
            self.clock.advance(milliseconds=1)
            getattr(self, f"_{kind}")(*rest)

    def _grant(self, consumer: int, operation: str, fields: frozenset[str], purpose: str, days: int) -> None:
        wish = Wish(
            interface="police.people",
            operations=(operation,),
            fields=tuple(sorted(fields)),
            legal_basis="b",
            scenario="s",
            purpose=purpose,
            mode="service",
            duration_days=days,
        )
        filed = self.agreements.apply(self.consumers[consumer], wish)
        made = self.agreements.answer(self.police, filed.id, "consent")
        assert made is not None
        ends = self.clock() + timedelta(days=days)
        self.grants.append(Grant(consumer, operation, fields, purpose, ends, id=made.id))

    def _change(self, verb: str, which: int) -> None:
        if which >= len(self.grants):
            return
        grant = self.grants[which]
        try:
            getattr(self.agreements, verb)(self.police, grant.id, "r")
        except TongbanError:
            return
        grant.state = {"suspend": "suspended", "resume": "active", "terminate": "terminated"}[verb]

    def _time(self, hours: int) -> None:
        self.clock.advance(hours=hours)

    def _call(self, which: int, wrong: str, named: bool, meanwhile: tuple[str, int] | None) -> None:
        """A call that would fit a grant, or fits it in all but one thing."""
        grant = self.grants[which % len(self.grants)]
        consumer = 1 - grant.consumer if wrong == "consumer" else grant.consumer
        operation = "ab"[grant.operation == "a"] if wrong == "operation" else grant.operation
        purpose = PURPOSES[grant.purpose == PURPOSES[0]] if wrong == "purpose" else grant.purpose
        agreement = grant.id if named else None
        self.asked = (consumer, operation, purpose, agreement)
        self.meanwhile = meanwhile
        allowed = self._allowed()
        try:
            answer = self.broker.call(
                self.consumers[consumer], "police.people", "GET", f"/{operation}", "", {}, b"", agreement, purpose
            )
        except TongbanError:
            answer = None
        if answer is not None:
            self._answered(answer.delivery, answer.body)
            return
        assert meanwhile or not allowed, "refused although agreed"
        row = self.broker.deliveries(self.officer, limit=1)[0]
        assert row.state in (State.REFUSED, State.WITHHELD)
        assert self.ledger.entry(row.entry).body["rule"] == row.rule

    def _answered(self, delivery: str, body: bytes) -> None:
        """Something is about to reach the consumer."""
        open_now = self._allowed()
        left = set(_names(orjson.loads(body)))
        row = self.broker.delivery(self.officer, delivery)
        under = [grant for grant in open_now if grant.id == row.agreement]
        assert under, f"left under {row.agreement}, in force were {open_now}"
        assert left <= under[0].fields, f"{left} left, agreed were {under[0].fields}"
        entry = self.ledger.entry(row.entry).body
        assert entry["kind"] == "delivery.made"
        assert {name.split("/")[-1] for name in entry["fields"]} == left
        permit = self.ledger.entry(entry["permit"])
        assert permit.kind == "delivery.permitted"
        assert permit.index < row.entry

    def fetch(self, call: Outgoing) -> Incoming:
        """Something has reached the provider."""
        assert self._allowed(), "a call left without an agreement"
        # read through a connection of its own: only what is committed counts
        rows = self.broker.deliveries(self.officer, limit=1)
        assert rows
        assert rows[0].state is State.PERMITTED
        assert rows[0].consumer == self.consumers[self.asked[0]].party
        assert self.ledger.entry(rows[0].entry).kind == "delivery.permitted"
        if self.meanwhile:
            verb, which = self.meanwhile
            if verb == "time":
                self._time(24 * (which + 1))
            else:
                self._change(verb, which)
        return Incoming(200, {"content-type": "application/json"}, orjson.dumps(PEOPLE))

    def _allowed(self) -> list[Grant]:
        consumer, operation, purpose, named = self.asked
        return [
            grant
            for grant in self.grants
            if (grant.consumer, grant.operation, grant.purpose) == (consumer, operation, purpose)
            and grant.state == "active"
            and self.clock() < grant.ends
            and (named is None or grant.id == named)
        ]


def _names(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, member in value.items():
            if isinstance(member, dict | list):
                yield from _names(member)
            else:
                yield name
    elif isinstance(value, list):
        for member in value:
            yield from _names(member)


@pytest.fixture
def watch(tmp_path: Path, _sqlite_template: Path) -> Iterator[Watch]:
    shutil.copyfile(_sqlite_template, tmp_path / "t.sqlite")
    database = Database(f"sqlite:///{tmp_path / 't.sqlite'}")
    database.create()
    yield Watch(database)
    database.close()


QUIET = settings(
    max_examples=50,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.generate,),
    database=None,
)


def search(watch: Watch) -> None:
    """Live through many histories."""
    QUIET(given(HISTORIES)(watch.run))()


def test_nothing_leaves_without_a_permitting_entry_before_it(watch: Watch) -> None:
    search(watch)
    kinds = [entry.kind for entry in watch.ledger.entries(limit=100_000)]
    # the search is worth something only if it passes, refuses and withholds
    assert kinds.count("delivery.made") > 20
    assert kinds.count("delivery.refused") > 20
    assert kinds.count("delivery.withheld") > 0


def _forgets_time(decide: Callable[..., Any]) -> Callable[..., Any]:
    return lambda agreement, request, now: decide(
        agreement and replace(agreement, expires_at="2099-01-01T00:00:00.000Z"), request, now
    )


def _forgets_purpose(decide: Callable[..., Any]) -> Callable[..., Any]:
    return lambda agreement, request, now: decide(
        agreement, replace(request, purpose=agreement.purpose if agreement else request.purpose), now
    )


def _forgets_consumer(decide: Callable[..., Any]) -> Callable[..., Any]:
    return lambda agreement, request, now: decide(
        agreement, replace(request, consumer=agreement.consumer if agreement else request.consumer), now
    )


@pytest.mark.parametrize("leak", [_forgets_time, _forgets_purpose, _forgets_consumer])
def test_a_planted_leak_in_the_decision_is_caught(
    watch: Watch, monkeypatch: pytest.MonkeyPatch, leak: Callable[..., Any]
) -> None:
    monkeypatch.setattr(evidence, "decide", leak(evidence.decide))
    with pytest.raises(AssertionError):
        search(watch)


def test_a_planted_leak_in_the_reduction_is_caught(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = reduce.Reducer.apply

    def leaky(self: Any, value: Any) -> Reduced:
        cut = whole(self, value)
        return replace(cut, value={**cut.value, "total": 2})

    monkeypatch.setattr(reduce.Reducer, "apply", leaky)
    with pytest.raises(AssertionError):
        search(watch)


def test_an_answer_released_on_an_old_decision_is_caught(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: dict[str, Any] = {}
    choose = evidence.Evidence._choose
    monkeypatch.setattr(
        evidence.Evidence, "_choose", lambda self, tx, ask: kept.setdefault(ask.id, choose(self, tx, ask))
    )
    with pytest.raises(AssertionError):
        search(watch)


def test_a_call_that_leaves_before_its_record_is_caught(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "add", lambda _tx, _delivery: None)
    with pytest.raises((AssertionError, IndexError)):
        search(watch)


def test_a_body_that_leaves_without_a_receipt_is_caught(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service.Evidence, "release", lambda *_: None)
    with pytest.raises(AssertionError):
        search(watch)
