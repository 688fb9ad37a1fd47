"""Clocks of articles 17 and 24 and of ratings: what begins, stops, extends and ends them, and who may."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from exchange.agreements import store
from exchange.agreements.docket import Docket
from exchange.agreements.duties import PLATFORM, Duties
from exchange.agreements.effects import BEGINS, DROPS, MEETS, RESUMES, STOPS
from exchange.agreements.proceedings import RULES, Act, Kind, Proceeding, Side
from exchange.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated, Unprocessable
from tests.unit.exchange.test_agreements import LIBRARY
from tests.unit.exchange.test_proceedings import SQLITE, World

ENTRY = "police.residents"
LAW = {"reference": "户口登记条例（2026年修订）"}


@pytest.fixture
def world(services: Any) -> World:
    made = World(services)
    made.supervising.publish = services.lifecycle.publish
    return made


def register(world: World, version: str = "1.0.1") -> None:
    text = (LIBRARY / "police/residents/openapi.yaml").read_text(encoding="utf-8")
    text = text.replace("version: 1.0.0", f"version: {version}", 1)
    world.services.catalogue.register(world.giving, "openapi.yaml", text)


def noticed(world: World, **facts: str) -> Proceeding:
    return world.supervising.open(world.officer, "update", ENTRY, "a new field", {**LAW, **facts})


def clocks(world: World, found: Proceeding) -> dict[str, tuple[str | None, str | None]]:
    running = world.supervising.clocks(world.officer, found.id)
    return {clock.rule: (clock.due and str(clock.due), clock.outcome) for clock in running}


# ---- updates of catalogue entries (art 17: C1, C2)


@SQLITE
def test_an_update_is_for_its_department_and_the_data_office(world: World) -> None:
    with pytest.raises(Unauthenticated):
        world.supervising.open(None, "update", ENTRY, "x", LAW)
    for caller in (world.asking, world.services.vendor()):
        with pytest.raises(NotFound):
            world.supervising.open(caller, "update", ENTRY, "x", LAW)
    with pytest.raises(Forbidden):
        world.supervising.open(world.services.caller("citizens", "public", "citizen"), "update", ENTRY, "x", LAW)
    found = noticed(world)
    for caller in (world.asking, world.stranger):
        for use in (
            lambda who: world.supervising.proceeding(who, found.id),
            lambda who: world.supervising.act(who, found.id, "send", "", {"version": "1.0.1"}),
            lambda who: world.supervising.beside(who, ENTRY),
        ):
            with pytest.raises(NotFound):
                use(caller)
        assert world.agreements.open_clocks(caller) == []
    for caller, verb in ((world.officer, "send"), (world.giving, "audit"), (world.giving, "drop")):
        with pytest.raises(Forbidden):
            world.supervising.act(caller, found.id, verb, "x", {"version": "1.0.1"} if verb == "send" else {})
    assert [one.id for one in world.supervising.proceedings(world.giving)] == [found.id]  # the provider is told


def test_an_update_runs_from_the_change_to_the_audit_that_publishes_it(world: World) -> None:
    found = noticed(world, since="2026-10-30")
    assert clocks(world, found) == {"C1": ("2026-11-13", None)}
    with pytest.raises(Unprocessable, match="not registered since"):
        world.supervising.act(world.giving, found.id, "send", "", {"version": "1.0.1"})
    register(world)
    world.supervising.act(world.giving, found.id, "send", "", {"version": "1.0.1"})
    assert clocks(world, found) == {"C1": ("2026-11-13", None), "C2": ("2026-11-04", None)}
    world.clock.advance(days=1)
    world.supervising.act(world.officer, found.id, "audit")
    assert world.services.catalogue.interface(ENTRY).version == "1.0.1"
    assert world.services.last("interface.published")["by"] == world.officer.id
    assert {rule: outcome for rule, (_, outcome) in clocks(world, found).items()} == {"C1": "met", "C2": "met"}
    assert world.codes() == []


@SQLITE
def test_what_is_sent_back_goes_on_with_the_days_that_were_left(world: World) -> None:
    found = noticed(world)
    with pytest.raises(Conflict, match="open update"):
        noticed(world)
    register(world)
    world.clock.advance(days=7)
    world.supervising.act(world.giving, found.id, "send", "", {"version": "1.0.1"})
    world.clock.advance(days=2)
    world.supervising.act(world.officer, found.id, "return", "the law names two fields")
    assert clocks(world, found) == {"C1": ("2026-11-18", None), "C2": ("2026-11-11", "met")}
    world.clock.advance(days=8)
    assert [(one.rule, one.code, one.party) for one in world.agreements.due()] == [("C1", "P39-1", "police")]
    world.supervising.act(world.officer, found.id, "drop", "the law was not changed")
    assert clocks(world, found)["C1"][1] == "moot"


@SQLITE
def test_five_more_days_with_the_authority_s_consent_and_never_more(world: World) -> None:
    found = noticed(world)
    with pytest.raises(Unprocessable, match="5 in all"):
        world.supervising.open(world.giving, "extension", found.id, "hard", {"days": 6})
    asked = world.supervising.open(world.giving, "extension", found.id, "hard", {"days": 5})
    with pytest.raises(Forbidden):
        world.supervising.act(world.giving, asked.id, "grant")
    world.supervising.act(world.officer, asked.id, "grant")
    assert clocks(world, found) == {"C1": ("2026-11-23", None)}
    assert world.services.last("clock.extended")["consent"].keys() == {"authority"}
    again = world.supervising.proceedings(world.giving, subject=found.id)
    assert [one.state for one in again] == ["granted"]


@SQLITE
def test_a_late_audit_is_the_authority_s_violation_and_goes_one_level_up(world: World) -> None:
    found = noticed(world)
    register(world)
    world.supervising.act(world.giving, found.id, "send", "", {"version": "1.0.1"})
    world.clock.advance(days=3)
    assert [(one.rule, one.code, one.party) for one in world.agreements.due()] == [("C2", "A41-3", "data-office")]
    assert world.supervising.proceeding(world.officer, found.id).state == "escalated"
    assert world.services.last("update.escalated")["proceeding"] == found.id
    late = world.agreements.open_clocks(world.officer, late=True)
    assert [(clock.rule, about) for clock, about in late] == [("C2", ENTRY)]
    world.supervising.act(world.officer, found.id, "audit")
    assert world.agreements.open_clocks(world.officer) == []
    assert world.agreements.due() == []


@SQLITE
def test_no_audit_stands_beside_a_version_that_cannot_be_published(world: World) -> None:
    found = noticed(world)
    text = (LIBRARY / "police/residents/openapi.yaml").read_text(encoding="utf-8")
    world.agreed()
    broken = text.replace("version: 1.0.0", "version: 2.0.0", 1).replace("operationId: queryResident", "operationId: q")
    world.services.catalogue.register(world.giving, "openapi.yaml", broken)
    world.services.lifecycle.news.dependants = world.agreements.holders
    world.supervising.act(world.giving, found.id, "send", "", {"version": "2.0.0"})
    with pytest.raises(Conflict) as refused:
        world.supervising.act(world.officer, found.id, "audit")
    assert refused.value.extra["rule"] == "interface.notice"
    assert world.supervising.proceeding(world.officer, found.id).state == "sent"


# ---- return flow (art 24: C9)


@SQLITE
def test_a_return_flow_is_asked_by_the_lower_level_and_timed_by_the_authority(world: World) -> None:
    agreement = world.agreed()
    for caller in (world.giving, world.officer):
        with pytest.raises(Forbidden):
            world.supervising.open(caller, "return", agreement.id, "", {"division": "330106"})
    with pytest.raises(NotFound):
        world.supervising.open(world.stranger, "return", agreement.id, "", {"division": "330106"})
    with pytest.raises(Unprocessable, match="no code of a division"):
        world.supervising.open(world.asking, "return", agreement.id, "", {"division": "Xihu"})
    found = world.supervising.open(world.asking, "return", agreement.id, "", {"division": "330106"})
    with pytest.raises(Conflict, match="this division"):
        world.supervising.open(world.asking, "return", agreement.id, "", {"division": "330106"})
    assert clocks(world, found) == {"C9": (None, None)}  # the law says timely and names no day
    with pytest.raises(Forbidden):
        world.supervising.act(world.giving, found.id, "set-day", "x", {"due": "2026-11-09"})
    world.supervising.act(world.officer, found.id, "set-day", "agreed at the meeting", {"due": "2026-11-09"})
    assert clocks(world, found)["C9"] == ("2026-11-09", None)
    world.clock.advance(days=8)
    assert [(one.rule, one.code, one.party) for one in world.agreements.due()] == [("C9", "P39-5", "police")]
    world.supervising.act(world.giving, found.id, "return", "the file was sent")
    world.supervising.act(world.asking, found.id, "object", "two streets are missing")
    assert [one.is_open for one in world.supervising.clocks(world.asking, found.id)].count(True) == 1
    world.supervising.act(world.giving, found.id, "return", "all of it")
    assert world.supervising.act(world.asking, found.id, "confirm").state == "confirmed"
    assert not any(one.is_open for one in world.supervising.clocks(world.asking, found.id))


@SQLITE
def test_a_return_flow_seen_by_pushing_is_met_by_its_first_record_and_stands_still_under_suspension(
    world: World,
) -> None:
    agreement, duties = world.agreed(), Duties(world.agreements)
    with world.services.database.transaction() as tx:
        found = duties.wanted(tx, agreement, "330106", world.asking.id)
        assert duties.wanted(tx, agreement, "330106", world.asking.id).id == found.id
        other = duties.wanted(tx, agreement, "330108", world.asking.id)
    world.agreements.suspend(world.giving, agreement.id, "to look at it")
    assert str(world.supervising.clocks(world.officer, found.id)[0].stopped_on) == "2026-11-02"
    world.agreements.resume(world.giving, agreement.id, "nothing found")
    with world.services.database.transaction() as tx:
        duties.returned(tx, agreement.id, "330106")
        duties.returned(tx, agreement.id, "330106")
        duties.unwanted(tx, agreement.id, "330108")
    assert clocks(world, found)["C9"][1] == "met"
    assert clocks(world, other)["C9"][1] == "moot"
    assert world.services.kinds().count("return.returned") == 1


# ---- ratings (C13, C14)


@SQLITE
def test_a_poor_rating_is_rectified_and_called_back_without_naming_the_person(world: World) -> None:
    duties = Duties(world.agreements)
    with world.services.database.transaction() as tx:
        assert duties.rated(tx, "hdm_0", 3, "police", ENTRY) is None
        found = duties.rated(tx, "hdm_1", 2, "police", ENTRY)
    assert found is not None
    assert clocks(world, found) == {"C13": ("2026-11-23", None)}
    with pytest.raises(NotFound):
        world.supervising.act(world.asking, found.id, "rectify", "x")
    with pytest.raises(Invalid):
        world.supervising.act(world.officer, found.id, "praise")
    with pytest.raises(Conflict):
        world.supervising.act(world.giving, found.id, "call-back", "x")
    world.supervising.act(world.giving, found.id, "rectify", "the counter opens at eight again")
    world.supervising.act(world.officer, found.id, "reject", "it does not")
    world.clock.advance(days=22)
    assert [(one.rule, one.code) for one in world.agreements.due()] == [("C13", None)]
    assert [clock.rule for clock, _ in world.agreements.open_clocks(world.giving, late=True)] == ["C13"]
    assert world.services.last("clock.breached")["code"] == ""
    assert world.codes() == []  # practice, no article of the Regulation
    world.supervising.act(world.giving, found.id, "rectify", "now it does")
    assert world.supervising.act(world.giving, found.id, "call-back", "content").state == "called-back"


@SQLITE
def test_a_finished_matter_is_to_be_remembered_on_its_third_day_unless_it_was_rated(world: World) -> None:
    duties = Duties(world.agreements)
    with world.services.database.transaction() as tx:
        duties.finished(tx, "hdm_1")
        duties.finished(tx, "hdm_2")
        duties.rated(tx, "hdm_2", 5, "police", ENTRY)
        assert duties.to_remind(tx, 10) == []
    world.clock.advance(days=3)
    with world.services.database.transaction() as tx:
        assert [(one.subject, one.party) for one in duties.to_remind(tx, 10)] == [("hdm_1", PLATFORM)]
        duties.reminded(tx, "hdm_1")
        assert duties.to_remind(tx, 10) == []
        assert {one.subject: one.outcome for one in store.clocks(tx, rule="C14")} == {"hdm_1": "met", "hdm_2": "moot"}


# ---- the table of what acts do to clocks


def test_no_proceeding_ends_with_a_clock_running() -> None:
    for table in (BEGINS, MEETS, DROPS, STOPS, RESUMES):
        for kind, verb in table:
            assert verb == "open" or verb in RULES[kind].moves, (kind, verb)
    for kind, rules in RULES.items():
        begun = after(kind, "open", frozenset())
        seen, waiting = {(rules.first, begun)}, [(rules.first, begun)]
        while waiting:
            state, running = waiting.pop()
            assert not (running and state in rules.final), (kind, state, running)
            for verb, move in rules.moves.items():
                if state in move.ways:
                    reached = (move.ways[state], after(kind, verb, running))
                    waiting += [] if reached in seen else [reached]
                    seen.add(reached)


def after(kind: Kind, verb: str, running: frozenset[str]) -> frozenset[str]:
    """Clocks that run after an act."""
    left = running - {*MEETS.get((kind, verb), ()), *DROPS.get((kind, verb), ())}
    return left | ({BEGINS[kind, verb].rule} if (kind, verb) in BEGINS else frozenset())


@SQLITE
def test_every_move_of_every_table_leaves_its_entry(services: Any) -> None:
    docket, ledger = Docket(services.ledger, services.clock), services.ledger
    said = {"due": "2026-12-01", "done_on": "2026-11-02", "days": 1, "version": "1.0.1", "method": "wiped",
            "evidence": "sha256:00", "code": "R40-2", "basis": "law", "reference": "law", "division": "33"}  # fmt: skip
    said |= {"field": "XM", "key": "k", "observed": "a", "claimed": "b"}
    moves, last = 0, -1
    with services.database.transaction() as tx:
        for kind, rules in RULES.items():
            opener = sorted(rules.by)[0]
            begun = docket.open(tx, kind, "agr_1", ("c", "p"), ENTRY, side=opener, text="x", facts=said)
            (entry,) = ledger.entries(after=last, tx=tx)
            assert (entry.kind, entry.body["verb"]) == (f"{kind}.{rules.first}", "open")
            for verb, move in rules.moves.items():
                for state, target in move.ways.items():
                    by = {"withdraw": opener}.get(verb, sorted(move.by)[0])
                    earlier = (Act("offer", Side.PROVIDER, "p", "t"), Act("accept", Side.PROVIDER, "p", "t"))
                    acts = (*begun.acts, *(earlier if state.endswith("-decided") else earlier[:1]))
                    last = entry.index
                    moved = docket.act(tx, replace(begun, state=state, acts=acts), verb, side=by, text="x", facts=said)
                    (entry,) = ledger.entries(after=last, tx=tx)
                    assert moved.state == target
                    assert (entry.kind, entry.body["verb"], entry.body["side"]) == (f"{kind}.{target}", verb, by)
                    moves += 1
            last = entry.index
    assert moves > 60
