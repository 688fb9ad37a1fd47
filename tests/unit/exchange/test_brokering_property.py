"""No field, row or call ever leaves without a permitting entry before it: random histories against an own model.

The model below knows nothing of `decide` or `reduce`. It keeps the grants as plain tuples and watches the two places
where something leaves: the provider (a call) and the consumer (an answer). Planted leaks prove that it would notice.
"""

from __future__ import annotations

import os
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
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from exchange.agreements import store as agreement_store
from exchange.agreements.applications import granted
from exchange.agreements.model import Agreement
from exchange.agreements.service import Agreements
from exchange.agreements.wish import Mode
from exchange.brokering import evidence, leaving, reduce, service, store, terms
from exchange.brokering.model import State
from exchange.brokering.reduce import Reduced
from exchange.brokering.service import Broker
from exchange.brokering.sources import Incoming, Outgoing
from exchange.catalogue.endpoint import Network
from exchange.catalogue.lifecycle import Lifecycle
from exchange.catalogue.news import News
from exchange.catalogue.service import Catalogue
from exchange.clock import new_id, stamp
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
ONE_ROW = {"rows": [{"place": "/rows/*/born", "is": "eq", "value": "b1"}]}
HASHED = {"masks": [{"place": "/rows/*/phone", "as": "hash"}]}


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
    terms: Any = None


Step = tuple[Any, ...]
GRANT = st.tuples(
    st.just("grant"),
    st.integers(0, 1),
    st.sampled_from("ab"),
    st.frozensets(st.sampled_from(FIELDS), min_size=1),
    st.sampled_from(PURPOSES),
    st.integers(1, 3),
    st.sampled_from([{}, {}, {}, ONE_ROW, HASHED, ONE_ROW | HASHED, {"weather": "fine"}]),
)
CHANGE = st.tuples(st.just("change"), st.sampled_from(["suspend", "resume", "terminate", "narrow"]), st.integers(0, 3))
TIME = st.tuples(st.just("time"), st.integers(1, 24))
CALL = st.tuples(
    st.just("call"),
    st.integers(0, 3),
    st.sampled_from(["", "", "", "consumer", "operation", "purpose"]),
    st.booleans(),
    st.none() | st.tuples(st.sampled_from(["suspend", "terminate", "time", "narrow"]), st.integers(0, 3)),
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
        catalogue = Catalogue(self.database, self.ledger, self.clock, network=Network.of(loopback=True))
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

    def _grant(
        self, consumer: int, operation: str, fields: frozenset[str], purpose: str, days: int, terms: Any
    ) -> None:
        # written straight, with its entry, as a consent writes it: ten times as many histories as through the use cases
        now = self.clock()
        ends = now + timedelta(days=days)
        made = Agreement(
            id=new_id("agr", now),
            application=None,
            consumer=self.consumers[consumer].party,
            provider="police",
            interface="police.people",
            version="1.0.0",
            mode=Mode.SERVICE,
            purpose=purpose,
            legal_basis="b",
            scenario="s",
            fields=tuple(sorted(fields)),
            scope={operation: _places(fields)},
            starts_at=stamp(now),
            expires_at=stamp(ends),
            terms=terms,
        )
        with self.database.transaction() as tx:
            agreement_store.save_agreement(tx, made)
            self.ledger.append(tx, "agreement.granted", granted(made))
        self.grants.append(Grant(consumer, operation, fields, purpose, ends, id=made.id, terms=terms))

    def _edit(self, id: str, **changes: Any) -> None:
        with self.database.transaction() as tx:
            found = agreement_store.agreement(tx, id)
            assert found is not None
            agreement_store.save_agreement(tx, replace(found, **changes))

    def _change(self, verb: str, which: int) -> None:
        if which >= len(self.grants):
            return
        grant = self.grants[which]
        if verb == "narrow":
            grant.fields = frozenset(sorted(grant.fields)[1:])
            self._edit(grant.id, scope={grant.operation: _places(grant.fields)})
            return
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
        if not meanwhile and all(grant.terms.get("weather") for grant in allowed):
            allowed = []  # a condition nobody can enforce refuses
        assert meanwhile or not allowed, "refused although agreed"
        row = self.broker.deliveries(self.officer, limit=1)[0]
        assert row.state in (State.REFUSED, State.WITHHELD)
        assert self.ledger.entry(row.entry).body["rule"] == row.rule

    def _answered(self, delivery: str, body: bytes) -> None:
        """Something is about to reach the consumer."""
        open_now = self._allowed()
        row = self.broker.delivery(self.officer, delivery)
        under = [grant for grant in open_now if grant.id == row.agreement]
        assert under, f"left under {row.agreement}, in force were {open_now}"
        self.within(under[0], delivery, body)

    def within(self, grant: Grant, delivery: str, body: bytes) -> None:
        """AssertionError for a body that is not what a grant lets out, or not what its receipt says."""
        left = set(_names(orjson.loads(body)))
        row = self.broker.delivery(self.officer, delivery)
        assert row.agreement == grant.id
        assert left <= grant.fields, f"{left} left, agreed were {grant.fields}"
        assert "weather" not in grant.terms, "a condition was ignored"
        assert "rows" not in grant.terms or b"n2" not in body, "a row left that was not agreed"
        assert "masks" not in grant.terms or b"p1" not in body, "a value left that was to be masked"
        entry = self.ledger.entry(row.entry).body
        assert entry["kind"] == "delivery.made"
        assert {name.split("/")[-1] for name in entry["fields"]} == left
        permit = self.ledger.entry(entry["permit"])
        assert permit.kind == "delivery.permitted"
        assert permit.index < row.entry

    async def ask(self, call: Outgoing) -> Incoming:
        """Something has reached the provider."""
        assert self._allowed(), "a call left without an agreement"
        # read through a connection of its own: only what is committed counts
        rows = self.broker.deliveries(self.officer, limit=1)
        assert rows
        assert rows[0].state is State.PERMITTED, "a call left before its permit"
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
            and grant.fields
            and (named is None or grant.id == named)
        ]


def _places(fields: frozenset[str]) -> tuple[str, ...]:
    return tuple(f"/{name}" if name == "total" else f"/rows/*/{name}" for name in sorted(fields))


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


def search(watch: Watch, histories: int = 60) -> None:
    """Live through many histories."""
    chance = os.environ.get("TONGBAN_SEED")
    run = settings(QUIET, max_examples=histories, derandomize=chance is None)(given(HISTORIES)(watch.run))
    (run if chance is None else seed(int(chance))(run))()


def test_nothing_leaves_without_a_permitting_entry_before_it(watch: Watch) -> None:
    search(watch, int(os.environ.get("TONGBAN_HISTORIES", 60)))
    kinds = [entry.kind for entry in watch.ledger.entries(limit=2_000_000)]
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


@pytest.mark.parametrize("leak", ["rows", "apply"])
def test_a_planted_leak_in_rows_or_masks_is_caught(watch: Watch, monkeypatch: pytest.MonkeyPatch, leak: str) -> None:
    if leak == "rows":
        monkeypatch.setattr(leaving, "rows", lambda value, _conditions: value)
    else:
        monkeypatch.setattr(leaving.Masks, "apply", lambda _self, value, _question: (value, ()))
    with pytest.raises(AssertionError):
        search(watch)


def test_a_condition_that_is_ignored_is_caught(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    read = terms.read
    known = lambda given: read({name: part for name, part in given.items() if name in terms.KNOWN})  # noqa: E731
    monkeypatch.setattr(terms, "read", known)
    monkeypatch.setattr(leaving, "read", known)
    with pytest.raises(AssertionError):
        search(watch)


def test_an_answer_released_on_an_old_decision_is_caught(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: dict[str, Any] = {}
    choose = evidence.Evidence._choose
    monkeypatch.setattr(
        evidence.Evidence,
        "_choose",
        lambda self, ask, only=None: kept[ask.id] if ask.id in kept else kept.setdefault(ask.id, choose(self, ask)),
    )
    with pytest.raises(AssertionError):
        search(watch)


def test_a_call_that_leaves_before_its_record_is_caught(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "add_all", lambda _tx, _deliveries: None)
    with pytest.raises((AssertionError, IndexError)):
        search(watch)


def test_a_body_that_leaves_without_a_receipt_is_caught(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    async def forgotten(*_: Any) -> None:
        return

    monkeypatch.setattr(service.Evidence, "release", forgotten)
    with pytest.raises(AssertionError):
        search(watch)
