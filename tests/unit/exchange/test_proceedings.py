"""What may happen beside an agreement: who may, in which order, and what it does to clocks; on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from exchange.agreements.clocks import presets
from exchange.agreements.model import Agreement, AgreementState
from exchange.agreements.proceeding_routes import router
from exchange.agreements.proceedings import Proceeding
from exchange.agreements.service import Agreements
from exchange.agreements.supervising import Supervising
from exchange.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated, Unprocessable
from exchange.ledger.service import Ledger
from tests.unit.exchange.test_agreements import WISH, publish

SQLITE = pytest.mark.parametrize(
    "database_url", ["sqlite"], indirect=True
)  # rules, not storage; the others run on both
TICKET = {"field": "XM", "key": "110101199001011237", "observed": "王小明", "claimed": "王晓明"}


class World:
    """Two departments, the data office, and one agreement between them."""

    def __init__(self, services: Any) -> None:
        publish(services, "police/residents/openapi.yaml")
        self.services, self.clock = services, services.clock
        self.agreements = Agreements(services.database, services.ledger, services.catalogue, services.clock)
        self.supervising = Supervising(self.agreements)
        self.asking = services.department("human-resources")
        self.giving = services.department("police")
        self.officer = services.officer()
        self.stranger = services.department("tax")

    def agreed(self, **answer: Any) -> Agreement:
        application = self.agreements.apply(self.asking, WISH)
        agreement = self.agreements.answer(self.giving, application.id, "consent", **answer)
        assert agreement is not None
        return agreement

    def clocks(self, subject: str) -> dict[str, tuple[str | None, str | None]]:
        """Rule → due day and outcome of the newest clock of a subject (and of what runs beside it)."""
        found = self.agreements.clocks(self.officer, subject)
        # an open clock stands for its rule, else the one that ended last
        found.sort(key=lambda c: (c.is_open, c.met_at or "", c.outcome == "met"))
        return {c.rule: (str(c.due) if c.due else None, c.outcome) for c in found}

    def state(self, agreement: Agreement) -> AgreementState:
        return self.agreements.agreement(self.officer, agreement.id).state

    def codes(self) -> list[tuple[str, str, bool]]:
        return [(v.code, v.party, v.cleared_at is not None) for v in self.supervising.violations(self.officer)]

    def ordered(self, agreement: Agreement, days: int = 5) -> Proceeding:
        due = (self.clock() + timedelta(days=days)).date().isoformat()
        return self.supervising.open(
            self.giving, "order", agreement.id, "queried for another purpose", {"code": "R40-2", "due": due}
        )


@pytest.fixture
def world(services: Any) -> World:
    return World(services)


@pytest.fixture
def web(services: Any, world: World) -> Iterator[TestClient]:
    with services.web(router(world.supervising, services.access)) as client:
        yield client


# ---- who may


@SQLITE
def test_nobody_gets_nothing(web: TestClient, world: World) -> None:
    for line in (
        "POST /api/v1/proceedings",
        "GET /api/v1/proceedings",
        "GET /api/v1/proceedings/prc_1",
        "POST /api/v1/proceedings/prc_1/grant",
        "POST /api/v1/disputed-values",
        "GET /api/v1/violations",
        "POST /api/v1/violations/vio_1/clearance",
    ):
        method, path = line.split()
        assert web.request(method, path, json={}).status_code == 401, line
    with pytest.raises(Unauthenticated):
        world.supervising.open(None, "ticket", "agr_1")


@SQLITE
def test_a_foreign_party_neither_sees_nor_touches(world: World) -> None:
    agreement = world.agreed()
    order = world.ordered(agreement)
    for use in (
        lambda: world.supervising.open(world.stranger, "dispute", agreement.id, "why not"),
        lambda: world.supervising.act(world.stranger, order.id, "report", "done"),
        lambda: world.supervising.proceeding(world.stranger, order.id),
        lambda: world.supervising.clocks(world.stranger, order.id),
        lambda: world.supervising.flagged(world.stranger, "police.residents", TICKET["key"]),
    ):
        with pytest.raises(NotFound):
            use()
    assert world.supervising.proceedings(world.stranger) == []
    assert world.supervising.violations(world.stranger) == []
    for caller in (world.asking, world.giving):
        with pytest.raises(Forbidden):
            world.supervising.clear(caller, world.supervising.violations(world.officer)[0].id, "no")


@SQLITE
def test_each_side_does_its_own_part_only(world: World) -> None:
    agreement = world.agreed()
    order = world.ordered(agreement)
    for caller, verb in ((world.giving, "report"), (world.officer, "report"), (world.asking, "accept")):
        with pytest.raises(Forbidden) as refused:
            world.supervising.act(caller, order.id, verb, "done")
        assert refused.value.rule == "proceeding.side"
    with pytest.raises(Forbidden):
        world.supervising.open(world.asking, "order", agreement.id, "x", {"code": "R40-2", "due": "2026-12-01"})
    engineer = replace(world.giving, roles=frozenset({"engineer"}))
    with pytest.raises(Forbidden):
        world.supervising.act(engineer, order.id, "accept")
    with pytest.raises(Forbidden):
        world.supervising.open(world.services.caller("citizens", "public", "citizen"), "ticket", agreement.id)


@SQLITE
def test_what_is_missing_strange_or_unknown_is_named(world: World) -> None:
    agreement = world.agreed()
    with pytest.raises(Unprocessable, match="claimed, text"):
        world.supervising.open(world.asking, "ticket", agreement.id, "", {**TICKET, "claimed": " "})
    with pytest.raises(Unprocessable, match="does not take: code"):
        world.supervising.open(world.asking, "dispute", agreement.id, "x", {"code": "R40-2"})
    with pytest.raises(Unprocessable, match="no day"):
        world.supervising.open(world.giving, "order", agreement.id, "x", {"code": "R40-2", "due": "soon"})
    with pytest.raises(Unprocessable, match="no misuse"):
        world.supervising.open(world.giving, "order", agreement.id, "x", {"code": "P39-1", "due": "2026-12-01"})
    with pytest.raises(Unprocessable, match="too early"):
        world.supervising.open(world.giving, "order", agreement.id, "x", {"code": "R40-2", "due": "2026-11-01"})
    with pytest.raises(Invalid, match="no proceeding"):
        world.supervising.open(world.asking, "party", agreement.id)
    order = world.ordered(agreement)
    with pytest.raises(Invalid, match="cannot celebrate"):
        world.supervising.act(world.asking, order.id, "celebrate")
    with pytest.raises(Conflict, match="open order"):
        world.ordered(agreement)


# ---- extension (art 21)


def test_an_extension_holds_with_the_authority_s_consent_and_is_kept_with_its_author(world: World) -> None:
    application = world.agreements.apply(world.asking, WISH)
    with pytest.raises(Unprocessable, match="10 in all"):
        world.supervising.open(world.giving, "extension", application.id, "many questions", {"days": 11})
    asked = world.supervising.open(world.giving, "extension", application.id, "many questions", {"days": 6})
    assert world.clocks(application.id)["C4"] == ("2026-11-16", None)  # asked is not given
    with pytest.raises(Forbidden):
        world.supervising.act(world.giving, asked.id, "grant")
    world.supervising.act(world.officer, asked.id, "grant")
    assert world.clocks(application.id)["C4"] == ("2026-11-24", None)
    entry = world.services.last("clock.extended")
    assert entry["before"] == "2026-11-16"
    assert entry["consent"]["authority"].startswith("cli_data-office 2026-11-02")
    assert entry["consent"]["notice"].startswith("human-resources ")
    again = world.supervising.open(world.giving, "extension", application.id, "more", {"days": 4})
    world.supervising.act(world.officer, again.id, "grant")
    with pytest.raises(Unprocessable, match="10 are used"):
        world.supervising.open(world.giving, "extension", application.id, "more", {"days": 1})


@SQLITE
def test_an_extension_not_granted_in_time_lapses_with_the_breach(world: World) -> None:
    application = world.agreements.apply(world.asking, WISH)
    asked = world.supervising.open(world.giving, "extension", application.id, "many questions", {"days": 6})
    world.clock.advance(days=15)
    with pytest.raises(Conflict, match="over"):
        world.supervising.act(world.officer, asked.id, "grant")
    assert world.supervising.proceeding(world.officer, asked.id).state == "asked"  # nothing half done
    assert [clock.rule for clock in world.agreements.due()] == ["C4"]
    assert world.supervising.proceeding(world.officer, asked.id).state == "lapsed"
    assert world.codes() == [("P39-4", "police", False)]


@SQLITE
def test_an_answer_ends_a_waiting_extension_and_there_is_none_without_a_running_clock(world: World) -> None:
    application = world.agreements.apply(world.asking, WISH)
    asked = world.supervising.open(world.giving, "extension", application.id, "many questions", {"days": 6})
    agreement = world.agreements.answer(world.giving, application.id, "consent")
    assert agreement is not None
    assert world.supervising.proceeding(world.asking, asked.id).state == "lapsed"
    for subject in (application.id, agreement.id):
        with pytest.raises(Conflict):
            world.supervising.open(world.giving, "extension", subject, "more", {"days": 1})


# ---- misuse (art 27)


def test_misuse_suspends_orders_correction_and_a_good_correction_resumes(world: World) -> None:
    agreement = world.agreed()
    order = world.ordered(agreement)
    assert world.state(agreement) is AgreementState.SUSPENDED
    assert world.clocks(agreement.id)["C11"] == ("2026-11-07", None)
    assert world.codes() == [("R40-2", "human-resources", False)]
    with pytest.raises(Conflict, match="correction"):
        world.agreements.resume(world.giving, agreement.id, "never mind")
    world.supervising.act(world.asking, order.id, "report", "job stopped, rows deleted", {"evidence": "sha256:00"})
    assert world.clocks(agreement.id)["C11"] == ("2026-11-07", "met")
    world.supervising.act(world.giving, order.id, "accept")
    assert world.state(agreement) is AgreementState.ACTIVE
    assert world.codes() == [("R40-2", "human-resources", True)]
    world.clock.advance(days=10)
    assert world.agreements.due() == []


@SQLITE
@pytest.mark.parametrize("how", ["refuse", "reject", "late"])
def test_a_refused_poor_or_late_correction_lets_the_provider_terminate(world: World, how: str) -> None:
    agreement = world.agreed()
    with pytest.raises(Conflict, match="without notice"):
        world.agreements.terminate(world.giving, agreement.id, "because")
    order = world.ordered(agreement)
    with pytest.raises(Conflict, match="without notice"):
        world.agreements.terminate(world.giving, agreement.id, "because")
    if how == "late":
        world.clock.advance(days=6)
        assert [clock.code for clock in world.agreements.due()] == ["R40-2"]
    elif how == "refuse":
        world.supervising.act(world.asking, order.id, "refuse", "we see no misuse")
    else:
        world.supervising.act(world.asking, order.id, "report", "we will think of it")
        world.supervising.act(world.giving, order.id, "reject", "nothing was done")
    world.agreements.terminate(world.giving, agreement.id, "misuse not corrected")
    assert world.state(agreement) is AgreementState.TERMINATED
    assert world.supervising.proceeding(world.officer, order.id).state == ("closed" if how == "late" else "failed")
    assert set(world.clocks(agreement.id)) == {"C6", "C10", "C11"}


@SQLITE
def test_the_delivery_clock_stands_still_while_the_provider_may_not_deliver(world: World) -> None:
    agreement = world.agreed()
    assert world.clocks(agreement.id)["C6"] == ("2026-11-30", None)
    world.clock.advance(days=7)
    world.ordered(agreement, days=14)
    world.clock.advance(days=30)
    assert [clock.rule for clock in world.agreements.due()] == ["C11"]
    assert world.agreements.agreement(world.officer, agreement.id).state is AgreementState.EXPIRED
    assert world.clocks(agreement.id)["C6"] == ("2026-11-30", "moot")


@SQLITE
def test_a_resumed_delivery_clock_has_the_days_it_stood_still(world: World) -> None:
    agreement = world.agreed()
    world.agreements.suspend(world.giving, agreement.id, "to look at it")
    world.clock.advance(days=7)
    world.agreements.resume(world.giving, agreement.id, "nothing found")
    assert world.clocks(agreement.id)["C6"] == ("2026-12-07", None)


# ---- ending a service (art 27, C12), disposal (C10)


def test_a_provider_s_end_is_announced_consulted_filed_and_then_takes_effect_by_itself(world: World) -> None:
    agreement = world.agreed(disposal="delete all copies", disposal_days=10)
    with pytest.raises(Unprocessable, match="too early"):
        world.supervising.open(world.giving, "ending", agreement.id, "moves", {"due": "2026-11-02", "basis": "law"})
    said = {"due": "2026-11-20", "basis": "机构改革方案"}
    end = world.supervising.open(world.giving, "ending", agreement.id, "the register moves", said)
    with pytest.raises(Conflict, match="cannot file"):
        world.supervising.act(world.officer, end.id, "file", "备案 2026-17")  # nobody was consulted
    world.supervising.act(world.asking, end.id, "consult", "we have moved, too")
    world.clock.advance(days=19)
    world.agreements.due()
    assert world.state(agreement) is AgreementState.ACTIVE  # not filed: nothing happens
    world.supervising.act(world.officer, end.id, "file", "备案 2026-17")
    world.agreements.due()
    assert world.state(agreement) is AgreementState.TERMINATED
    assert world.supervising.proceeding(world.asking, end.id).state == "effective"
    assert world.clocks(agreement.id)["C10"] == ("2026-12-01", None)
    assert world.services.kinds().count("agreement.terminated") == 1
    world.agreements.due()
    assert world.services.kinds().count("agreement.terminated") == 1


def test_the_end_of_use_asks_for_disposal_and_a_poor_report_is_sent_back(world: World) -> None:
    agreement = world.agreed()
    world.agreements.terminate(world.asking, agreement.id, "purpose met")
    (disposal,) = world.supervising.proceedings(world.asking, kind="disposal")
    assert (disposal.state, world.clocks(agreement.id)["C10"]) == ("demanded", (None, None))
    world.supervising.act(world.giving, disposal.id, "demand", "", {"method": "delete", "due": "2026-11-09"})
    assert world.clocks(agreement.id)["C10"] == ("2026-11-09", None)
    report = {"method": "delete", "done_on": "2026-11-03", "evidence": "sha256:11"}
    world.supervising.act(world.asking, disposal.id, "report", "", report)
    assert world.clocks(agreement.id)["C10"] == ("2026-11-09", "met")
    world.supervising.act(world.giving, disposal.id, "reject", "the backup is still there", {"due": "2026-11-05"})
    world.clock.advance(days=4)
    assert [clock.code for clock in world.agreements.due()] == ["R40-4"]
    world.supervising.act(world.asking, disposal.id, "report", "", {**report, "done_on": "2026-11-06"})
    done = world.supervising.act(world.giving, disposal.id, "confirm")
    assert (done.state, done.is_open) == ("confirmed", False)
    assert world.codes() == [("R40-4", "human-resources", False)]


@SQLITE
def test_an_expired_agreement_asks_for_disposal_as_demanded_with_the_consent(world: World) -> None:
    agreement = world.agreed(disposal="shred", disposal_days=3)
    world.clock.advance(days=31)
    world.agreements.due()
    (disposal,) = world.supervising.proceedings(world.giving, subject=agreement.id)
    assert disposal.facts == {"method": "shred", "due": "2026-12-06"}


# ---- disputed data (art 26, C7)


def test_a_ticket_is_verified_answered_and_fed_back_inside_its_clock(world: World) -> None:
    agreement = world.agreed()
    with pytest.raises(Unprocessable, match="field of the agreement"):
        world.supervising.open(world.asking, "ticket", agreement.id, "why", {**TICKET, "field": "HYZKDM"})
    ticket = world.supervising.open(world.asking, "ticket", agreement.id, "the card says otherwise", TICKET)
    assert world.clocks(agreement.id)["C7"] == ("2026-11-16", None)
    assert world.supervising.flagged(world.asking, "police.residents", TICKET["key"]) == ["XM"]
    assert world.supervising.flagged(world.asking, "police.residents", "110101199001011000") == []
    with pytest.raises(Conflict):
        world.supervising.act(world.giving, ticket.id, "correct", "done")
    world.supervising.act(world.giving, ticket.id, "verify")
    with pytest.raises(Unprocessable, match="text"):
        world.supervising.act(world.giving, ticket.id, "keep")
    world.supervising.act(world.giving, ticket.id, "correct", "a slip of the pen")
    world.supervising.act(world.giving, ticket.id, "feed-back")
    assert world.clocks(agreement.id)["C7"] == ("2026-11-16", "met")
    assert world.supervising.flagged(world.asking, "police.residents", TICKET["key"]) == []


@SQLITE
def test_what_a_ticket_says_of_a_person_stays_out_of_the_ledger(world: World) -> None:
    agreement = world.agreed()
    world.supervising.open(world.asking, "ticket", agreement.id, "her name is 王晓明", TICKET)
    ledger: Ledger = world.services.ledger
    (entry,) = ledger.entries(kind="ticket.filed", limit=5)
    assert entry.body["field"] == "XM"
    for secret in (TICKET["key"], "王小明", "王晓明"):
        assert secret.encode() not in entry.data


def test_a_late_correction_is_the_provider_s_violation_and_may_be_cleared_with_a_reason(world: World) -> None:
    agreement = world.agreed()
    ticket = world.supervising.open(world.asking, "ticket", agreement.id, "wrong", TICKET)
    world.clock.advance(days=15)
    world.agreements.due()
    assert world.codes() == [("P39-6", "police", False)]
    (violation,) = world.supervising.violations(world.giving)
    assert (violation.subject, violation.interface) == (ticket.id, "police.residents")
    entry = world.services.ledger.entries(kind="clock.breached", limit=1)[0]
    assert (violation.entry, violation.evidence) == (entry.index, entry.leaf.hex())
    with pytest.raises(Unprocessable):
        world.supervising.clear(world.officer, violation.id, " ")
    world.supervising.clear(world.officer, violation.id, "the register was flooded")
    assert world.services.last("violation.cleared")["of"] == violation.entry
    with pytest.raises(Conflict):
        world.supervising.clear(world.officer, violation.id, "again")
    with pytest.raises(NotFound):
        world.supervising.clear(world.officer, "vio_none", "x")


# ---- disputes (art 28)


def test_a_dispute_goes_through_its_tiers(world: World) -> None:
    application = world.agreements.apply(world.asking, WISH)
    world.agreements.answer(world.giving, application.id, "refuse", "no", "law")
    act = world.supervising.act
    dispute = world.supervising.open(world.asking, "dispute", application.id, "the law says otherwise")
    assert dispute.state == "consulting"
    act(world.giving, dispute.id, "offer", "half of the fields")
    with pytest.raises(Conflict, match="other side"):
        act(world.giving, dispute.id, "accept")
    assert act(world.asking, dispute.id, "escalate", "half is not enough").state == "authority"
    with pytest.raises(Conflict):
        act(world.asking, dispute.id, "escalate", "again")
    assert act(world.officer, dispute.id, "decide", "share four fields").state == "authority-decided"
    assert act(world.giving, dispute.id, "accept").state == "authority-decided"  # the other side has not
    assert act(world.asking, dispute.id, "escalate", "four are not enough").state == "superior"
    assert (
        act(world.officer, dispute.id, "refer", "no common view", {"reference": "府办〔2026〕3号"}).state
        == "government"
    )
    done = act(world.officer, dispute.id, "decide", "share all", {"reference": "府〔2026〕9号"})
    assert (done.state, done.is_open) == ("decided", False)


@SQLITE
def test_a_decision_both_sides_accept_settles_and_so_does_an_accepted_offer(world: World) -> None:
    agreement = world.agreed()
    act = world.supervising.act
    one = world.supervising.open(world.giving, "dispute", agreement.id, "too many calls")
    act(world.asking, one.id, "offer", "we call at night only")
    assert act(world.giving, one.id, "accept").state == "settled"
    two = world.supervising.open(world.asking, "dispute", agreement.id, "answers are slow")
    with pytest.raises(Forbidden, match="opened"):
        act(world.giving, two.id, "withdraw")
    act(world.asking, two.id, "escalate", "no offer")
    act(world.officer, two.id, "decide", "answer within a second")
    act(world.asking, two.id, "accept")
    with pytest.raises(Conflict, match="has accepted"):
        act(world.asking, two.id, "accept")
    assert act(world.giving, two.id, "accept").state == "settled"


# ---- the local preset


@SQLITE
def test_a_local_rule_has_the_authority_review_an_application_in_two_days(world: World) -> None:
    services = world.services
    local = Agreements(services.database, services.ledger, services.catalogue, services.clock, presets()["local-sx"])
    supervising = Supervising(local)
    application = local.apply(world.asking, WISH)
    rules = {clock.rule: (str(clock.due), clock.party) for clock in local.clocks(world.officer, application.id)}
    assert rules == {"C4": ("2026-11-09", "police"), "L1": ("2026-11-04", "data-office")}
    (review,) = supervising.proceedings(world.officer, kind="review")
    with pytest.raises(Forbidden):
        supervising.act(world.giving, review.id, "approve")
    services.clock.advance(days=3)
    supervising.act(world.officer, review.id, "object", "the period is too long")
    assert world.codes() == [("A41-3", "data-office", False)]
    assert [str(clock.due) for clock, _ in local.open_clocks(world.officer)] == ["2026-11-09"]


@SQLITE
def test_over_http_with_bearer_tokens(world: World, web: TestClient) -> None:
    agreement = world.agreed()
    asking, giving = world.services.bearer(world.asking), world.services.bearer(world.giving)
    body = {"kind": "ticket", "subject": agreement.id, "text": "wrong", **TICKET}
    made = web.post("/api/v1/proceedings", json=body, headers=asking)
    assert made.status_code == 201
    ticket = made.json()
    assert (ticket["state"], ticket["next"]) == ("filed", ["verify", "withdraw"])
    assert [clock["rule"] for clock in ticket["clocks"]] == ["C7"]
    assert web.post(f"/api/v1/proceedings/{ticket['id']}/verify", json={}, headers=asking).status_code == 403
    assert web.post(f"/api/v1/proceedings/{ticket['id']}/verify", json={}, headers=giving).status_code == 200
    answer = web.post(f"/api/v1/proceedings/{ticket['id']}/keep", json={}, headers=giving)
    assert (answer.status_code, answer.json()["pointers"]) == (422, ["/text"])
    listed = web.get("/api/v1/proceedings?kind=ticket&open=true", headers=giving).json()
    assert [one["id"] for one in listed["items"]] == [ticket["id"]]
    found = web.post(
        "/api/v1/disputed-values", json={"interface": "police.residents", "key": TICKET["key"]}, headers=asking
    )
    assert found.json()["fields"] == ["XM"]
    assert web.get("/api/v1/violations", headers=giving).json()["items"] == []
