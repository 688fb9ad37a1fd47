"""Which interfaces seem dead: each sign alone, what is proposed, who sees it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from exchange.catalogue import review_routes
from exchange.catalogue.hygiene import FAILING_DAYS, LATE, PERIODS, QUIET_DAYS, Signs, proposals
from exchange.catalogue.probing import PROBES, WAIVERS
from exchange.clock import stamp
from exchange.errors import Forbidden, Invalid, NotFound, Unauthenticated
from tests.unit.exchange.test_catalogue import MARRIAGES, RECORDS

NOW = datetime(2026, 11, 2, 1, tzinfo=UTC)


def ago(days: float) -> str:
    return stamp(NOW - timedelta(days=days))


GOOD = Signs("police.a", "api", "police", {"zh_CN": "甲"}, ago(400), called_at=ago(1), uses=2, probed_at=ago(0.5))


def judged(**signs: Any) -> tuple[str, list[str]] | None:
    found = proposals([replace(GOOD, **signs)], NOW)
    return (found[0].action, [reason.rule for reason in found[0].reasons]) if found else None


@pytest.mark.parametrize(
    ("signs", "verdict"),
    [
        ({}, None),
        ({"called_at": None}, ("watch", ["unused"])),
        ({"called_at": None, "uses": 0}, ("retire", ["unused", "unwanted"])),
        ({"called_at": ago(QUIET_DAYS)}, ("watch", ["unused"])),
        ({"called_at": ago(QUIET_DAYS - 0.1)}, None),
        ({"called_at": None, "uses": 0, "published_at": ago(QUIET_DAYS - 1)}, None),  # too young to be judged
        ({"uses": 0}, ("watch", ["unwanted"])),
        ({"called_at": None, "uses": 0, "kind": "process"}, None),
        ({"failing_since": ago(FAILING_DAYS)}, ("mend", ["failing"])),
        ({"failing_since": ago(FAILING_DAYS - 0.1)}, None),
        ({"failing_since": ago(4 * FAILING_DAYS)}, ("mend", ["failing"])),  # somebody relies on it
        ({"failing_since": ago(4 * FAILING_DAYS), "uses": 0}, ("retire", ["unwanted", "failing"])),
        ({"waived_until": ago(1), "probed_at": None}, ("mend", ["unproved"])),
        ({"waived_until": ago(-1), "probed_at": None}, None),
        ({"kind": "dataset", "frequency": "1"}, None),
        ({"kind": "dataset", "frequency": "2", "refreshed_at": ago(LATE + 0.1)}, ("refresh", ["overdue"])),
        ({"kind": "dataset", "frequency": "2", "refreshed_at": ago(LATE - 0.1)}, None),
        ({"kind": "dataset", "frequency": "6"}, None),
        ({"kind": "dataset", "frequency": "4"}, ("refresh", ["overdue"])),  # since its publication
        ({"kind": "api", "frequency": "2"}, None),
    ],
)
def test_each_sign_alone(signs: dict[str, Any], verdict: tuple[str, list[str]] | None) -> None:
    assert judged(**signs) == verdict


def test_what_to_retire_comes_first_and_every_reason_speaks_both_languages() -> None:
    dead = replace(GOOD, interface="tax.z", department="tax", called_at=None, uses=0)
    sick = replace(GOOD, interface="health.m", department="health", failing_since=ago(9))
    late = replace(GOOD, interface="a.l", department="a", kind="dataset", frequency="2")
    lone = replace(GOOD, interface="a.b", department="a", uses=0)
    found = proposals([lone, late, sick, dead, GOOD], NOW)
    assert [(one.interface, one.action) for one in found] == [
        ("tax.z", "retire"),
        ("health.m", "mend"),
        ("a.l", "refresh"),
        ("a.b", "watch"),
    ]
    for one in found:
        for reason in one.reasons:
            assert reason.words["zh_CN"]
            assert reason.words["en"].isascii()
    assert found[0].reasons[0].words == {
        "zh_CN": "发布 400 天以来从未被调用",
        "en": "never called in the 400 days since",
    }
    assert set(PERIODS) == {"2", "3", "4", "5", "6"}


# ---- gathered from the catalogue


@pytest.fixture
def published(services: Any) -> Any:
    engineer = services.department("civil-affairs")
    for name, text in (("openapi.yaml", MARRIAGES), ("odcs.yaml", RECORDS)):
        made = services.catalogue.register(engineer, name, text)
        services.lifecycle.publish(engineer, made.interface, made.version)
    return engineer


def shown(services: Any, caller: Any, department: str | None = None) -> dict[str, tuple[str, list[str]]]:
    found = services.tidying.proposals(caller, department)
    return {one.interface: (one.action, [reason.rule for reason in one.reasons]) for one in found}


def test_a_department_sees_its_own_and_the_data_office_all(services: Any, published: Any, clock: Any) -> None:
    clock.advance(days=QUIET_DAYS)
    dead = ("retire", ["unused", "unwanted"])
    both = {
        "civil-affairs.marriages": dead,
        "civil-affairs.marriage-records": ("retire", ["unused", "unwanted", "overdue"]),
    }
    assert shown(services, published) == both
    assert shown(services, published, "civil-affairs") == both
    assert shown(services, services.officer()) == both
    assert shown(services, services.officer(), "police") == {}
    assert shown(services, services.department("police")) == {}
    with pytest.raises(Forbidden):
        services.tidying.proposals(services.department("police"), "civil-affairs")
    with pytest.raises(Forbidden):
        services.tidying.proposals(services.vendor())
    with pytest.raises(Unauthenticated):
        services.tidying.proposals(None)


def test_a_call_a_subscriber_and_fresh_data_keep_an_interface_alive(services: Any, published: Any, clock: Any) -> None:
    clock.advance(days=QUIET_DAYS)
    services.tidying.used = lambda _tx: {"civil-affairs.marriages": stamp(clock())}
    services.lifecycle.news.subscribe(services.vendor(), "civil-affairs.marriage-records")
    services.tidying.refreshed(published, "civil-affairs.marriage-records")
    assert shown(services, published) == {
        "civil-affairs.marriages": ("watch", ["unwanted"]),
        "civil-affairs.marriage-records": ("watch", ["unused"]),
    }
    assert services.last("interface.refreshed")["interface"] == "civil-affairs.marriage-records"


def test_failing_counts_from_the_first_failure_after_the_last_success(
    services: Any, published: Any, clock: Any
) -> None:
    services.lifecycle.news.subscribe(services.vendor(), "civil-affairs.marriages")
    with services.database.transaction() as tx:
        for days, passed in ((0, False), (1, True), (3, False), (5, False)):
            at = stamp(clock() + timedelta(days=days))
            row = {"version": "1.0.0", "endpoint": "http://x", "at": at, "passed": passed, "results": []}
            tx.execute(PROBES.insert(), {"id": f"prb_{days}", "interface": "civil-affairs.marriages", **row})
    clock.advance(days=3 + FAILING_DAYS - 0.1)
    assert "civil-affairs.marriages" not in shown(services, published)
    clock.advance(days=0.2)
    assert shown(services, published)["civil-affairs.marriages"] == ("mend", ["failing"])


def test_a_waiver_that_ended_without_a_probe_is_told(services: Any, published: Any, clock: Any) -> None:
    with services.database.transaction() as tx:
        row = {"by": "x", "reason": "moving", "at": stamp(clock()), "until": stamp(clock() + timedelta(days=5))}
        tx.execute(WAIVERS.insert(), {"interface": "civil-affairs.marriages", **row})
    clock.advance(days=4)
    assert "civil-affairs.marriages" not in shown(services, published)
    clock.advance(days=2)
    assert shown(services, published)["civil-affairs.marriages"] == ("mend", ["unproved"])


def test_only_the_department_says_that_data_were_refreshed_and_never_beforehand(
    services: Any, published: Any, clock: Any
) -> None:
    tidying, id = services.tidying, "civil-affairs.marriage-records"
    for caller, error in (
        (None, Unauthenticated),
        (services.vendor(), Forbidden),
        (services.officer(), Forbidden),
        (services.department("police"), Forbidden),
    ):
        with pytest.raises(error):
            tidying.refreshed(caller, id)
    with pytest.raises(Invalid):
        tidying.refreshed(published, id, clock() + timedelta(seconds=1))
    with pytest.raises(NotFound):
        tidying.refreshed(published, "civil-affairs.nothing")
    assert "interface.refreshed" not in services.kinds()


def test_over_http(services: Any, published: Any, clock: Any) -> None:
    web: TestClient = services.web(review_routes.router(services.checking, services.tidying, services.access))
    headers, base = services.bearer(published), "/api/v1/interfaces"
    clock.advance(days=QUIET_DAYS)
    headers = services.bearer(published)
    at = {"at": (clock() - timedelta(hours=1)).isoformat()}
    told = web.put(f"{base}/civil-affairs.marriage-records/refresh", headers=headers, json=at).json()
    assert told["refreshed_at"] == stamp(clock() - timedelta(hours=1))
    items = web.get(f"{base}/proposals", headers=headers).json()["items"]
    assert [(one["interface"], one["action"]) for one in items] == [
        ("civil-affairs.marriage-records", "retire"),
        ("civil-affairs.marriages", "retire"),
    ]
    assert items[0]["reasons"][0]["rule"] == "unused"
    assert web.get(f"{base}/proposals").status_code == 401
    other = services.bearer(services.department("police"))
    assert web.get(f"{base}/proposals", headers=other, params={"department": "civil-affairs"}).status_code == 403
