"""How an agreement ends: who may end it how, what each way has to state, and the disposal that follows every one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from exchange.agreements.endings import Way, way_of
from exchange.agreements.model import Agreement, AgreementState
from exchange.agreements.proceedings import Side
from exchange.errors import Conflict, Forbidden, NotFound, TongbanError, Unauthenticated, Unprocessable
from tests.unit.exchange.test_proceedings import SQLITE, World


@pytest.fixture
def world(services: Any) -> World:
    return World(services)


# ---- who may: every role, before and after a misuse that was not corrected


ROLES: dict[str, Callable[[World], Any]] = {
    "nobody": lambda _: None,
    "stranger": lambda w: w.stranger,
    "vendor": lambda w: w.services.vendor(),
    "citizen": lambda w: w.services.caller("citizens", "public", "citizen"),
    "requester's engineer": lambda w: w.services.caller("human-resources", "department", "engineer"),
    "requester": lambda w: w.asking,
    "provider's engineer": lambda w: w.services.caller("police", "department", "engineer"),
    "provider": lambda w: w.giving,
    "officer": lambda w: w.officer,
}
ENDS = {
    "nobody": Unauthenticated,
    "stranger": NotFound,
    "vendor": Forbidden,
    "citizen": Forbidden,
    "requester's engineer": Forbidden,
    "requester": Way.GIVEN_UP,
    "provider's engineer": Forbidden,
    "provider": Conflict,
    "officer": Unprocessable,
}


@SQLITE
@pytest.mark.parametrize("misuse", [False, True])
def test_each_role_ends_an_agreement_only_the_way_the_law_gives_it(world: World, misuse: bool) -> None:
    for role, expected in ENDS.items():
        if misuse and role in ("provider", "officer"):
            expected = Way.UNCORRECTED
        agreement = world.agreed()
        if misuse:
            order = world.ordered(agreement)
            world.supervising.act(world.asking, order.id, "refuse", "we see none")
        caller = ROLES[role](world)
        if isinstance(expected, Way):
            world.agreements.terminate(caller, agreement.id, "because")
            entry = world.services.last("agreement.terminated")
            assert (entry["agreement"], entry["way"], entry["by"]) == (agreement.id, expected.value, caller.id)
            ended(world, agreement)
        else:
            with pytest.raises(TongbanError) as refused:
                world.agreements.terminate(caller, agreement.id, "because")
            assert type(refused.value) is expected, role
            assert world.state(agreement) is (AgreementState.SUSPENDED if misuse else AgreementState.ACTIVE)


def ended(world: World, agreement: Agreement) -> None:
    """Ended for good, nothing of it runs any more but the disposal with its clock."""
    assert world.state(agreement) in (AgreementState.TERMINATED, AgreementState.EXPIRED)
    beside = world.supervising.proceedings(world.officer, subject=agreement.id, open_only=True)
    assert [(one.kind, one.state) for one in beside] == [("disposal", "demanded")]
    running = [clock.rule for clock in world.agreements.clocks(world.officer, agreement.id) if clock.is_open]
    assert running == ["C10"]


# ---- what each way has to state


@SQLITE
def test_the_data_office_ends_for_a_misuse_it_names_on_a_basis_and_it_is_a_violation(world: World) -> None:
    agreement = world.agreed(disposal="delete all copies", disposal_days=5)
    for basis, code, wrong in (("", "", ["/code", "/basis"]), ("law", "", ["/code"]), (" ", "R40-3", ["/basis"])):
        with pytest.raises(Unprocessable) as refused:
            world.agreements.terminate(world.officer, agreement.id, "sold on", basis, code)
        assert refused.value.extra["pointers"] == wrong
    with pytest.raises(Unprocessable, match="no misuse"):
        world.agreements.terminate(world.officer, agreement.id, "sold on", "law", "P39-1")
    with pytest.raises(Unprocessable, match="order to correct"):
        world.agreements.terminate(world.asking, agreement.id, "purpose met", "law", "R40-3")
    assert world.codes() == []
    world.agreements.terminate(world.officer, agreement.id, "sold on", "条例第二十七条", "R40-3")
    entry = world.services.last("agreement.terminated")
    assert (entry["way"], entry["basis"], entry["code"]) == ("misuse", "条例第二十七条", "R40-3")
    (violation,) = world.supervising.violations(world.officer)
    assert (violation.code, violation.party, violation.subject) == ("R40-3", "human-resources", agreement.id)
    proof = world.services.ledger.entries(violation.entry - 1, 1)[0]
    assert (proof.kind, proof.leaf.hex()) == ("violation.found", violation.evidence)
    ended(world, agreement)
    assert world.clocks(agreement.id)["C10"] == ("2026-11-07", None)


@SQLITE
def test_a_provider_states_reason_and_basis_and_a_silent_requester_does_not_hold_the_end_up(world: World) -> None:
    agreement = world.agreed()
    with pytest.raises(Unprocessable, match="basis, text") as refused:
        world.supervising.open(world.giving, "ending", agreement.id, "", {"due": "2026-11-20"})
    assert refused.value.extra["pointers"] == ["/basis", "/text"]
    for caller in (world.asking, world.officer):
        with pytest.raises(Forbidden):
            world.supervising.open(caller, "ending", agreement.id, "moves", {"due": "2026-11-20", "basis": "law"})
    said = {"due": "2026-11-20", "basis": "机构改革方案"}
    end = world.supervising.open(world.giving, "ending", agreement.id, "the register moves", said)
    for caller, verb in ((world.asking, "file"), (world.giving, "file"), (world.giving, "note-silence")):
        with pytest.raises(Forbidden):
            world.supervising.act(caller, end.id, verb, "done")
    world.supervising.act(world.officer, end.id, "note-silence", "asked twice, no answer in ten working days")
    world.supervising.act(world.officer, end.id, "file", "备案 2026-17")
    world.clock.advance(days=18)
    world.agreements.due()
    entry = world.services.last("agreement.terminated")
    assert (entry["way"], entry["basis"], entry["reason"]) == ("announced", "机构改革方案", "the register moves")
    ended(world, agreement)


def test_a_period_that_is_over_ends_it_with_disposal_and_its_clock(world: World) -> None:
    agreement = world.agreed(disposal="delete", disposal_days=5)
    wanted = world.supervising.open(world.asking, "return", agreement.id, "", {"division": "330106"})
    world.clock.advance(days=30)
    world.agreements.due()
    assert world.services.last("agreement.expired")["way"] == "expired"
    assert world.supervising.proceeding(world.officer, wanted.id).state == "closed"
    ended(world, agreement)
    world.clock.advance(days=6)
    assert [(clock.rule, clock.code) for clock in world.agreements.due()] == [("C10", "R40-4")]
    late = world.agreements.open_clocks(world.giving, late=True)
    assert [(clock.rule, about) for clock, about in late] == [("C10", agreement.id)]


@SQLITE
def test_what_a_newer_entrustment_leaves_out_is_disposed_of(world: World) -> None:
    class Matter:
        id = "newborn"

        def __init__(self, *interfaces: str) -> None:
            self.needs = {name: {"queryResident": ["XM"]} for name in interfaces}

    vendor = world.services.vendor()
    until = world.clock().replace(year=2027)
    with world.services.database.transaction() as tx:
        (made,) = world.agreements.entrust(tx, matter=Matter("police.residents"), vendor="acme", until=until)
        world.agreements.entrust(tx, matter=Matter("police.residents"), vendor="acme", until=until)
    assert world.services.last("agreement.terminated")["way"] == "superseded"
    assert world.supervising.proceedings(world.officer, subject=made.id) == []  # the same data go on being used
    with world.services.database.transaction() as tx:
        world.agreements.entrust(tx, matter=Matter(), vendor="acme", until=until)
    (disposal,) = world.supervising.proceedings(vendor, kind="disposal")
    report = {"method": "wiped", "done_on": "2026-11-02", "evidence": "sha256:00"}
    assert world.supervising.act(vendor, disposal.id, "report", "", report).state == "reported"


def test_the_ways_by_side_are_these_and_no_others() -> None:
    found = {}
    for side in (Side.CONSUMER, Side.PROVIDER, Side.AUTHORITY):
        for uncorrected in (False, True):
            for basis, code in (("", ""), ("law", "R40-2")):
                try:
                    found[side.value, uncorrected, bool(code)] = way_of(side, uncorrected, basis, code)
                except (Conflict, Unprocessable):
                    continue
    assert found == {
        ("consumer", False, False): Way.GIVEN_UP,
        ("consumer", True, False): Way.GIVEN_UP,
        ("provider", True, False): Way.UNCORRECTED,
        ("authority", True, False): Way.UNCORRECTED,
        ("authority", False, True): Way.MISUSE,
    }
