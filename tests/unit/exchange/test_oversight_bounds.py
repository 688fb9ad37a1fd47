"""What a chatty provider sends stays bounded, and findings stay right; refusals keep the purpose stated."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from exchange.agreements import store as agreement_store
from exchange.agreements.model import Agreement
from exchange.agreements.service import Agreements
from exchange.agreements.wish import Mode
from exchange.brokering.service import Broker
from exchange.errors import Forbidden
from exchange.oversight import adding
from exchange.oversight.model import MORE, Filter, Granted, findings
from exchange.oversight.service import Oversight, granted
from tests.unit.exchange.test_brokering import World

NAMES = [f"F{number:04d}" for number in range(3000)]


def agreed(names: list[str]) -> Agreement:
    return Agreement(
        "agr_1", None, "tax", "police", "police.data", "1.0.0", Mode.SERVICE, "p", "law", "s", tuple(names),
        {"get": tuple(f"/{name}" for name in names)}, "2026-01-01T00:00:00.000Z", "2027-01-01T00:00:00.000Z",
    )  # fmt: skip


class Wide:
    """An exchange whose oversight knows the sensitivity of one field and an agreement on very many."""

    def __init__(self, services: Any) -> None:
        self.services, self.officer = services, services.officer()
        agreements = Agreements(services.database, services.ledger, services.catalogue, services.clock)
        broker: Any = None
        base = services.database, services.ledger
        self.oversight = Oversight(*base, services.catalogue, agreements, broker, services.clock)
        self.oversight.adding.sensitivity = lambda _: {"F2999": "general-4"}
        with services.database.transaction() as tx:
            agreement_store.save_agreement(tx, agreed(NAMES))

    def delivered(self, *sets: list[str]) -> None:
        told = {"provider": "police", "consumer": "tax", "interface": "police.data", "operation": "get"}
        told |= {"agreement": "agr_1", "purpose": "p", "legal_basis": "law", "rule": "permitted"}
        with self.services.database.transaction() as tx:
            for names in sets:
                self.services.ledger.append(tx, "delivery.made", {**told, "records": 1, "fields": names})

    def unused(self, **wish: str) -> str:
        """The finding about fields that never left, in words; "" for none."""
        found = self.oversight.findings(self.officer, Filter(**wish))
        return next((one.detail_en for one in found if one.kind == "unused-fields"), "")


@pytest.fixture
def wide(services: Any) -> Wide:
    return Wide(services)


def test_a_wide_answer_makes_a_narrow_row_and_no_false_finding(wide: Wide) -> None:
    wide.delivered(NAMES, NAMES[:-1])
    found = wide.oversight.overview(wide.officer)
    for one in found.sums:
        assert len(one.channel.fields) <= adding.FIELDS + 1
        assert one.channel.fields[-1] == MORE
    # the gravest is named, though it is the last, and its class is that of the channel
    by_class = {one.channel.sensitivity: "F2999" in one.channel.fields for one in found.sums}
    assert by_class == {"general-4": True, "": False}
    assert wide.unused() == ""
    assert {row["value"]: row["calls"] for row in found.by("field")}[MORE] == 2


def test_what_never_left_is_still_found_beside_what_is_not_named(wide: Wide) -> None:
    wide.delivered(NAMES[:2990])
    assert "F2990, F2991" in wide.unused()
    assert "F2989" not in wide.unused()
    wide.services.clock.advance(days=40)
    wide.delivered(NAMES[5:2999])
    assert wide.unused().endswith("never used F2999")
    assert "F0000, F0001, F0002, F0003, F0004, F2999" in wide.unused(since="2026-12-01")


def test_ever_other_fields_fill_no_table(wide: Wide, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adding, "VARIANTS", 5)
    wide.delivered(*([name] for name in NAMES[:40]))
    wide.delivered(*([name] for name in NAMES[40:80]), ["F2999"])
    found = wide.oversight.overview(wide.officer)
    assert len(found.sums) == 7  # five, and one for what is not named of each class
    assert sum(one.calls for one in found.sums) == 81
    assert {one.channel.sensitivity for one in found.sums if one.channel.fields == (MORE,)} == {"", "general-4"}
    unused = wide.unused()
    assert "2919 in all" in unused
    assert "F0079" not in unused
    # what nobody agreed on is not kept, whatever a provider calls it
    wide.delivered(["G1"], ["G2"])
    wide.oversight.due()
    with wide.services.database.reading() as tx:
        kept = set(tx.execute(text("SELECT field FROM oversight_beside")).scalars())
    assert kept == {*NAMES[5:80], "F2999"}


def test_long_sentences_are_cut() -> None:
    wide = Granted("agr_1", "police", "tax", "police.data", tuple(NAMES), "active", "t")
    (found,) = [one for one in findings([], [wide]) if one.kind == "unused-agreement"]
    assert found.subject == "agr_1"
    assert granted(agreed(NAMES)).fields == tuple(NAMES)


# ---- purposes refused callers stated


def test_a_refusal_keeps_the_purpose_stated_if_an_agreement_has_it(services: Any) -> None:
    world = World(services)
    stated = "张三（110101199003070126）要买房"
    for purpose in ("营销", "办卡 ", stated, ""):
        with pytest.raises(Forbidden):
            world.call(purpose=purpose)
    with pytest.raises(Forbidden):
        world.call(services.department("tax"), purpose="办卡")
    claims = [entry.body.get("claimed") for entry in services.ledger.entries(kind="delivery.refused")]
    assert claims == ["(other)"] * 3 + [None, "办卡"]
    # the payload knows the words until it is erased; nothing else ever did
    spoken = services.ledger.entries(kind="delivery.refused")[2].index
    with services.database.transaction() as tx:
        assert services.ledger.payload(tx, spoken).value["claimed"] == stated
        services.ledger.erase(tx, spoken, "asked by the person")
    with services.database.reading() as tx:
        rows = repr([tx.execute(text(f"SELECT * FROM {name}")).all() for name in ("deliveries", "ledger_entries")])
        assert "张三" not in rows
    oversight = Oversight(
        services.database, services.ledger, services.catalogue, world.agreements, world.broker, services.clock
    )
    officer = services.officer()
    found = {(row["value"], row["calls"]) for row in oversight.overview(officer).by("claimed")}
    assert found == {("(other)", 3), ("办卡", 1)}
    refused = [one.detail_en for one in oversight.findings(officer) if one.kind == "refused-attempt"]
    assert any("tax" in detail and "no-agreement, stating 办卡" in detail for detail in refused)
    assert [flow.claimed for flow in oversight.flows(officer, Filter(claimed="办卡"))] == ["办卡"]
    assert len(oversight.flows(officer, Filter(claimed="(other)", rule="purpose-mismatch"))) == 3


def test_a_call_is_found_however_many_lie_over_it(services: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exchange.oversight.service.PAGE", 3)
    world = World(services)
    with pytest.raises(Forbidden):
        world.call(purpose="营销")
    for _ in range(3):
        services.clock.advance(days=2)
        for _ in range(4):
            world.call()
    oversight = Oversight(
        services.database, services.ledger, services.catalogue, world.agreements, world.broker, services.clock
    )
    officer, asked = services.officer(), []
    ask = Broker.deliveries

    def counting(*args: Any, **more: Any) -> Any:
        asked.append(more)
        return ask(*args, **more)

    monkeypatch.setattr(Broker, "deliveries", counting)
    assert [flow.rule for flow in oversight.flows(officer, Filter(rule="purpose-mismatch"))] == ["purpose-mismatch"]
    assert len(asked) <= 3  # the days between are left out: the sums know there is nothing in them
    assert len(oversight.flows(officer)) == 13
    assert len(oversight.flows(officer, Filter(outcome="delivered"))) == 12
    assert len(oversight.flows(officer, Filter(since="2026-11-04", until="2026-11-06", field="XM"))) == 8
