"""A document's dry run says what registering and publishing would say, and keeps nothing; who shares an element."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from exchange.catalogue import index, review_routes
from exchange.catalogue.checking import element_of
from exchange.catalogue.service import LARGEST
from exchange.catalogue.store import INTERFACES
from exchange.errors import Forbidden, Invalid, NotFound, Unauthenticated
from tests.unit.exchange.test_catalogue import MARRIAGES, RECORDS, api
from tests.unit.exchange.test_lifecycle import ID, asking, breaking
from tests.unit.exchange.test_reuse import dataset, publish


@pytest.fixture
def engineer(services: Any) -> Any:
    return services.department("civil-affairs")


@pytest.fixture
def web(services: Any) -> TestClient:
    client: TestClient = services.web(review_routes.router(services.checking, services.tidying, services.access))
    return client


def test_only_who_may_register_may_check(services: Any, engineer: Any) -> None:
    for caller, error in ((None, Unauthenticated), (services.vendor(), Forbidden), (services.officer(), Forbidden)):
        with pytest.raises(error):
            services.checking.check(caller, "a.yaml", api())
    # another department's engineer is told that it would be refused
    told = services.checking.check(services.department("police"), "a.yaml", api())
    assert any("belongs to civil-affairs" in why for why in told.blocking)
    assert services.checking.check(engineer, "a.yaml", api()).blocking == ()


def test_nothing_is_kept(services: Any, engineer: Any) -> None:
    before = services.kinds()
    services.checking.check(engineer, "a.yaml", api())
    assert services.kinds() == before
    with pytest.raises(NotFound):
        services.catalogue.interface(ID)


def test_a_document_that_cannot_be_read_gives_its_findings_instead_of_an_error(services: Any, engineer: Any) -> None:
    for text in ("a: [", "just text", "openapi: 3.1.0\ninfo: {title: x}\npaths: 7"):
        told = services.checking.check(engineer, "a.yaml", text)
        assert told.blocking
        assert told.findings
        assert told.to_json()["registrable"] is False
    assert services.checking.check(engineer, "a.yaml", "\ud800").blocking
    erring = services.checking.check(engineer, "a.yaml", api().replace("items: {type: string}", "items: {type: strng}"))
    assert any("strng" in why for why in erring.blocking)
    with pytest.raises(Invalid, match="bytes"):
        services.checking.check(engineer, "a.yaml", "x" * (LARGEST + 1))


def test_what_lint_says_and_what_stops_it_are_told_apart(services: Any, engineer: Any) -> None:
    told = services.checking.check(engineer, "a.yaml", api())
    rules = {finding.rule: finding.severity for finding in told.findings}
    assert rules["missing-catalogue-entry"] == "error"  # an entry may not be submitted without it; a draft may
    assert told.blocking == ()
    assert services.catalogue.register(engineer, "a.yaml", api()).version == "1.0.0"
    wrong = api().replace("title: 窗口, x-en: {title: Windows}", "title: 窗口, example: 7")
    told = services.checking.check(engineer, "a.yaml", wrong)
    assert any("with other content" in why for why in told.blocking)


@pytest.mark.parametrize(
    ("text", "needs", "fits", "breaks"),
    [
        (breaking("1.1.0"), "major", False, 1),
        (breaking("2.0.0"), "major", True, 1),
        (asking("1.1.0"), "minor", True, 0),
        (asking("1.0.1"), "minor", False, 0),
    ],
)
def test_it_says_what_changed_and_whether_the_number_fits(
    services: Any, engineer: Any, text: str, needs: str, fits: bool, breaks: int
) -> None:
    services.catalogue.register(engineer, "a.yaml", api())
    assert services.checking.check(engineer, "a.yaml", text).current is None  # nothing is in force yet
    services.lifecycle.publish(engineer, ID, "1.0.0")
    services.lifecycle.news.subscribe(services.vendor(), ID)
    told = services.checking.check(engineer, "a.yaml", text)
    shown = told.to_json()
    assert (shown["current"], shown["needed"], told.breaking, told.told) == ("1.0.0", needs, breaks, 1)
    assert (told.misfit is None) is fits
    same = services.checking.check(engineer, "a.yaml", api())
    assert (same.changes, same.misfit, same.blocking) == ((), None, ())


def test_it_says_who_shares_the_same_fields(services: Any, engineer: Any) -> None:
    publish(services, services.department("police"), dataset("police.people", "id=GMSFHM", "marital=HYZKDM"))
    told = services.checking.check(engineer, "odcs.yaml", dataset("civil-affairs.new", "hyzk=HYZKDM"))
    assert [(one.kind, one.element) for one in told.reuse] == [("shared", "HYZKDM")]


# ---- who shares an element


def test_an_element_is_found_by_identifier_name_and_synonym() -> None:
    for text in ("GMSFHM", "gmsfhm", "MQ_GMSFHM", "公民身份号码", "身份证号", "  identity number "):
        found = element_of(text)
        assert found is not None, text
        assert found.id == "GMSFHM", text
    assert element_of("没有这样的东西") is None


def test_who_shares_an_element(services: Any, engineer: Any, web: TestClient) -> None:
    for name, text in (("openapi.yaml", MARRIAGES), ("odcs.yaml", RECORDS)):
        made = services.catalogue.register(engineer, name, text)
        services.lifecycle.publish(engineer, made.interface, made.version)
    headers = services.bearer(services.vendor())
    answer = web.get("/api/v1/interfaces/elements/公民身份号码", headers=headers).json()
    assert answer["element"]["id"] == "GMSFHM"
    ways = {one["interface"]: {(i["way"], i["element"]) for i in one["items"]} for one in answer["items"]}
    both = {"NAN_GMSFHM", "NV_GMSFHM"}
    assert ways == {
        "civil-affairs.marriage-records": {("gives", name) for name in both},
        "civil-affairs.marriages": {("asks", name) for name in both},
    }
    assert web.get("/api/v1/interfaces/elements/没有", headers=headers).status_code == 404
    assert web.get("/api/v1/interfaces/elements/GMSFHM").status_code == 401


def test_drafts_and_retired_interfaces_share_nothing(services: Any, engineer: Any, clock: Any) -> None:
    text = dataset("civil-affairs.new", "hyzk=HYZKDM")
    services.catalogue.register(engineer, "odcs.yaml", text)
    assert services.checking.holders(engineer, "HYZKDM")[1] == []
    services.lifecycle.publish(engineer, "civil-affairs.new", "1.0.0")
    assert [one.interface for one in services.checking.holders(engineer, "HYZKDM")[1]] == ["civil-affairs.new"]
    services.lifecycle.deprecate(engineer, "civil-affairs.new", (clock() + timedelta(days=30)).date(), "over")
    assert len(services.checking.holders(engineer, "HYZKDM")[1]) == 1
    clock.advance(days=31)
    services.lifecycle.retire(engineer, "civil-affairs.new")
    assert services.checking.holders(engineer, "HYZKDM")[1] == []


def test_reuse_of_anothers_draft_is_nobodys_business(services: Any, engineer: Any, web: TestClient) -> None:
    services.catalogue.register(engineer, "a.yaml", api())
    assert services.checking.reuse(engineer, ID) == ()
    with pytest.raises(NotFound):
        services.checking.reuse(services.vendor(), ID)
    with pytest.raises(Unauthenticated):
        services.checking.reuse(None, ID)
    headers = services.bearer(engineer)
    assert web.get(f"/api/v1/interfaces/{ID}/reuse", headers=headers).json() == {"items": []}
    body = {"filename": "a.yaml", "document": api()}
    checked = web.post("/api/v1/interfaces/checks", headers=headers, json=body).json()
    assert (checked["interface"]["id"], checked["registrable"]) == (ID, True)


def test_what_was_published_before_there_was_an_index_is_read_at_the_next_start(services: Any, engineer: Any) -> None:
    publish(services, engineer, dataset("civil-affairs.new", "hyzk=HYZKDM"))
    assert services.checking.reindex() == 0
    with services.database.transaction() as tx:
        tx.execute(index.ITEMS.delete())
        tx.execute(INTERFACES.update().values(indexed=None))
    assert services.checking.holders(engineer, "HYZKDM")[1] == []
    assert services.checking.reindex() == 1
    assert services.checking.reindex() == 0
    assert len(services.checking.holders(engineer, "HYZKDM")[1]) == 1
