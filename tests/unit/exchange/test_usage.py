"""Who used my data: only the person sees it, after a proof, within limits; each look is recorded; rules decide."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from exchange.database import Database
from exchange.errors import Forbidden, Invalid, NotFound, TooMany, Unauthenticated, Unavailable, Unprocessable
from exchange.oversight import usage_routes
from exchange.oversight.adding import Adding
from exchange.oversight.identity import A_PERSON, AN_ADDRESS, TRIES, Identity
from exchange.oversight.usage import Usage
from specs.check_digits import citizen_check
from tests.unit.exchange.conftest import Services

ME, OTHER, NOBODY = "11010119900307002X", "110101199003070126", "110101199003070134"


class World:
    """An exchange whose ledger knows something of two persons, and the messages that were sent."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.sent: list[tuple[str, str]] = []
        identity = Identity(services.database, services.ledger, b"k" * 32, services.clock, self.tell)
        self.usage = Usage(services.database, services.ledger, identity, services.clock)
        self.web = services.web(usage_routes.router(self.usage, services.access, lambda party: f"{party}局"))

    def tell(self, number: str, code: str) -> str:
        self.sent.append((number, code))
        return ""

    def used(self, number: str, purpose: str = "p", kind: str = "delivery.made", **more: Any) -> int:
        body = {"consumer": "tax", "provider": "police", "interface": "police.residents", "operation": "get"}
        with self.services.database.transaction() as tx:
            told = {**body, "purpose": purpose, "legal_basis": "law 1", "agreement": "agr_1", "fields": ["XM"], **more}
            return self.services.ledger.append(tx, kind, told, subjects=[number]).index

    def proof(self, number: str = ME) -> str:
        asked = self.usage.identity.ask(number, "1.2.3.4")
        return self.usage.identity.prove(asked.challenge, self.sent[-1][1])


@pytest.fixture
def world(services: Services) -> World:
    return World(services)


# ---- proof of identity


def test_without_a_proof_nobody_sees_anything(world: World) -> None:
    world.used(ME)
    paths = ("/api/v1/usage", "/api/v1/usage/receipts/0", f"/findusage/v2/findUsage?userCode={ME}")
    for path in paths:
        for headers in ({}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic x"}):
            answer = world.web.get(path, headers={"X-Road-UserId": ME, **headers})
            assert answer.status_code == 401, path
    # neither does whoever is signed in, be it the data officer
    officer = world.services.bearer(world.services.officer())
    assert world.web.get("/api/v1/usage", headers=officer).status_code == 401


def test_the_right_code_gives_a_proof_that_ends(world: World) -> None:
    entry = world.used(ME)
    world.used(OTHER)
    proof = world.proof()
    total, page = world.usage.uses(proof)
    assert (total, [use.entry for use in page]) == (1, [entry])
    world.services.clock.advance(minutes=16)
    with pytest.raises(Unauthenticated):
        world.usage.uses(proof)


def test_a_code_works_once_shortly_and_only_with_its_challenge(world: World) -> None:
    identity, clock = world.usage.identity, world.services.clock
    first, second = identity.ask(ME, "a"), identity.ask(OTHER, "a")
    (_, mine), (_, theirs) = world.sent
    if mine != theirs:
        with pytest.raises(Forbidden):
            identity.prove(second.challenge, mine)
    identity.prove(first.challenge, mine)
    with pytest.raises(Forbidden):
        identity.prove(first.challenge, mine)
    clock.advance(minutes=11)
    with pytest.raises(Unauthenticated):
        identity.prove(second.challenge, theirs)
    # a challenge is no proof, nor the other way round
    with pytest.raises(Unauthenticated):
        world.usage.uses(identity.ask(ME, "b").challenge)
    with pytest.raises(Unauthenticated):
        identity.prove(world.proof(OTHER), "000000")


def test_guessing_ends_after_a_few_tries_even_with_the_right_code(world: World) -> None:
    asked = world.usage.identity.ask(ME, "a")
    right = world.sent[-1][1]
    wrong = f"{(int(right) + 1) % 10**6:06d}"
    for _ in range(TRIES):
        with pytest.raises(Forbidden, match="wrong or no longer good"):
            world.usage.identity.prove(asked.challenge, wrong)
    with pytest.raises(Forbidden):
        world.usage.identity.prove(asked.challenge, right)


def test_asking_is_limited_by_number_and_by_address(world: World) -> None:
    identity, clock = world.usage.identity, world.services.clock
    for turn in range(A_PERSON):
        identity.ask(ME, f"address {turn}")
    with pytest.raises(TooMany):
        identity.ask(ME, "another")
    clock.advance(hours=1, minutes=1)
    identity.ask(ME, "another")
    for turn in range(AN_ADDRESS + 1):
        first = f"1101011990030{turn:04d}"
        whole = first + citizen_check(first)
        if turn < AN_ADDRESS:
            identity.ask(whole, "one place")
        else:
            with pytest.raises(TooMany):
                identity.ask(whole, "one place")
    assert len(world.sent) == A_PERSON + 1 + AN_ADDRESS


def test_no_answer_tells_whether_a_number_is_anybodys(world: World) -> None:
    world.used(ME)
    told = [world.web.post("/api/v1/usage/codes", json={"number": number}) for number in (ME, NOBODY)]
    assert [answer.status_code for answer in told] == [201, 201]
    assert told[0].json().keys() == told[1].json().keys()
    assert [len(answer.json()["challenge"]) for answer in told] == [len(told[0].json()["challenge"])] * 2
    for wrong in ("", f"{ME[:17]}1", "abc", "１１010119900307001X"):
        answer = world.web.post("/api/v1/usage/codes", json={"number": wrong})
        assert answer.status_code == 400
        assert wrong == "" or wrong not in answer.text


def test_no_number_and_no_code_is_ever_in_the_database(world: World, database: Database) -> None:
    world.used(ME)
    world.usage.uses(world.proof())
    code = world.sent[-1][1]
    with database.reading() as tx:
        tables = ("identity_codes", "identity_limits", "disclosure_rules", "ledger_entries", "ledger_subjects")
        held = repr([tx.execute(text(f"SELECT * FROM {table}")).all() for table in tables])
    assert ME not in held
    assert code not in held


def test_where_no_way_is_set_nobody_can_prove_anything(services: Services) -> None:
    identity = Identity(services.database, services.ledger, b"k" * 32, services.clock, None)
    with pytest.raises(Unavailable, match="TONGBAN_IDENTITY_PROOF"):
        identity.ask(ME, "a")


# ---- what is shown


def test_looks_are_recorded_and_limited(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exchange.oversight.usage.VIEWS", 3)
    world.used(ME)
    proof = world.proof()
    world.usage.uses(proof)
    kinds = [entry.kind for entry in world.services.ledger.entries(subject=ME)]
    assert kinds == ["delivery.made", "usage.code-sent", "usage.proved", "usage.shown"]
    for _ in range(2):
        world.usage.uses(proof)
    with pytest.raises(TooMany):
        world.usage.uses(proof)


def test_only_what_left_is_a_use_newest_first_by_pages_and_period(world: World) -> None:
    clock = world.services.clock
    made = []
    for number in range(5):
        made.append(world.used(ME, purpose=f"p{number}"))
        clock.advance(hours=1)
    world.used(ME, kind="delivery.refused")
    world.used(ME, kind="delivery.permitted")
    proof = world.proof()
    total, page = world.usage.uses(proof, offset=1, limit=2)
    assert (total, [use.entry for use in page]) == (5, [made[3], made[2]])
    total, page = world.usage.uses(proof, since="2026-11-02T10:00:00+08:00", until="2026-11-02T04:00:00Z")
    assert [use.purpose for use in page] == ["p2", "p1"]
    with pytest.raises(Invalid):
        world.usage.uses(proof, since="soon")


def test_rules_delay_and_hide_and_the_authority_counts_what_is_hidden(world: World) -> None:
    services = world.services
    officer = services.officer()
    hidden, later, open_use = (world.used(ME, purpose=purpose) for purpose in ("secret", "audit", "p"))
    more = {"basis": "刑事诉讼法", "review_on": "2027-11-02"}
    rule = world.usage.set_rule(officer, "hide", {"purpose": "secret"}, **more)
    world.usage.set_rule(officer, "delay", {"purpose": "audit"}, delay_days=10, **more)
    proof = world.proof()
    assert [use.entry for use in world.usage.uses(proof)[1]] == [open_use]
    with pytest.raises(NotFound):
        world.usage.receipt(proof, hidden)
    services.clock.advance(days=11)
    (first, second) = world.usage.uses(world.proof())[1]
    assert (first.entry, second.entry) == (open_use, later)
    assert second.withheld_until == "2026-11-12T01:00:00.000Z"
    Adding(services.database, services.ledger, lambda _: {}).catch_up()
    counted = {row["purpose"]: row["calls"] for row in world.usage.hidden(officer)}
    assert counted == {"secret": 1, "audit": 1}
    world.usage.end_rule(officer, rule.id)
    assert {use.entry for use in world.usage.uses(world.proof())[1]} == {hidden, later, open_use}
    assert [kind for kind in services.kinds() if kind.startswith("disclosure")] == [
        "disclosure.set",
        "disclosure.set",
        "disclosure.ended",
    ]


def test_only_the_data_office_makes_rules(world: World) -> None:
    body = {"action": "hide", "purpose": "p", "basis": "law", "review_on": "2027-01-01"}
    services = world.services
    assert world.web.post("/api/v1/usage/rules", json=body).status_code == 401
    department = services.bearer(services.department())
    assert world.web.post("/api/v1/usage/rules", json=body, headers=department).status_code == 403
    assert world.web.delete("/api/v1/usage/rules/dsr_1", headers=department).status_code == 403
    assert world.web.get("/api/v1/usage/hidden", headers=department).status_code == 403
    officer = services.bearer(services.officer())
    assert world.web.post("/api/v1/usage/rules", json=body, headers=officer).status_code == 201
    assert world.web.post("/api/v1/usage/rules", json=body | {"basis": ""}, headers=officer).status_code == 422
    with pytest.raises(Unprocessable):
        world.usage.set_rule(services.officer(), "hide", {"purpose": "p"}, basis="law", review_on="some day")


def test_a_receipt_is_given_for_ones_own_use_only(world: World) -> None:
    mine, theirs = world.used(ME), world.used(OTHER)
    proof = world.proof()
    assert world.usage.receipt(proof, mine).startswith("c2sp.org/tlog-proof@v1")
    for entry in (theirs, 9999, -1):
        with pytest.raises(NotFound):
            world.usage.receipt(proof, entry)


# ---- findUsage


def test_find_usage_has_the_shape_of_the_data_tracker(world: World) -> None:
    world.used(ME, purpose="税务稽查")
    world.used(OTHER)
    headers = {"Authorization": f"Bearer {world.proof()}", "X-Road-UserId": ME}
    answer = world.web.get("/findusage/v2/findUsage", params={"userCode": ME}, headers=headers)
    assert answer.json() == {
        "totalUsages": 1,
        "usages": [
            {
                "logtime": "2026-11-02T01:00:00.000Z",
                "action": "税务稽查 (law 1)",
                "receiverCode": "tax",
                "receiverName": "tax局",
                "receiverSystem": "agr_1",
            }
        ],
    }
    assert set(world.web.get("/findusage/v2/usagePeriod").json()) == {"periodStart"}
    assert world.web.get("/findusage/v2/heartbeat").json() == {"status": "OK"}


def test_asking_about_somebody_else_is_refused_always_alike(world: World) -> None:
    world.used(OTHER)
    proof = world.proof()
    told = []
    for user, about in ((ME, OTHER), (ME, NOBODY), (OTHER, ME), (OTHER, OTHER), (ME, "x")):
        headers = {"Authorization": f"Bearer {proof}", "X-Road-UserId": user}
        answer = world.web.get("/findusage/v2/findUsage", params={"userCode": about}, headers=headers)
        told.append((answer.status_code, answer.text))
    assert {code for code, _ in told} == {403}
    assert len({text for _, text in told}) == 1
