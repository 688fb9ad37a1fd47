"""No subscriber is surprised: version numbers that fit, notice before what breaks, ends that wait."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from exchange.catalogue import routes
from exchange.catalogue.lifecycle import NOTICE_DAYS
from exchange.catalogue.model import State
from exchange.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated, Unprocessable
from tests.unit.exchange.test_catalogue import api

ID = "civil-affairs.windows"


def breaking(version: str) -> str:
    """The windows listed as numbers instead of texts."""
    return api(version).replace("items: {type: string}", "items: {type: integer}")


def asking(version: str) -> str:
    """The windows with a parameter more."""
    parameter = "      parameters: [{name: q, in: query, schema: {type: string}}]\n      operationId"
    return api(version).replace("      operationId", parameter)


@pytest.fixture
def engineer(services: Any) -> Any:
    return services.department("civil-affairs")


@pytest.fixture
def published(services: Any, engineer: Any) -> Any:
    services.catalogue.register(engineer, "a.yaml", api())
    return services.lifecycle.publish(engineer, ID, "1.0.0").version


@pytest.fixture
def web(services: Any) -> TestClient:
    client: TestClient = services.web(
        routes.router(services.catalogue, services.lifecycle, services.probing, services.access)
    )
    return client


def register(services: Any, engineer: Any, text: str) -> None:
    services.catalogue.register(engineer, "a.yaml", text)


# ---- who may


def test_only_the_departments_engineers_move_an_interface(services: Any, published: Any) -> None:
    life, far = services.lifecycle, date(2027, 6, 1)
    for caller, error in (
        (None, Unauthenticated),
        (services.department("police"), Forbidden),
        (services.vendor(), Forbidden),
        (services.officer(), Forbidden),
    ):
        for act in (
            lambda who: life.publish(who, ID, "1.0.0"),
            lambda who: life.deprecate(who, ID, far, "why"),
            lambda who: life.withdraw(who, ID, "1.0.0"),
        ):
            with pytest.raises(error):
                act(caller)
    assert services.catalogue.interface(ID).state is State.PUBLISHED


def test_anyone_signed_in_subscribes_and_nobody_sees_the_others(services: Any, published: Any, engineer: Any) -> None:
    news = services.lifecycle.news
    with pytest.raises(Unauthenticated):
        news.subscribe(None, ID)
    with pytest.raises(NotFound):
        news.subscribe(services.vendor(), "civil-affairs.nothing")
    news.subscribe(services.vendor(), ID)
    news.subscribe(services.vendor("other"), ID)
    assert news.subscribers(services.vendor(), ID) == ["acme"]
    assert news.subscribers(engineer, ID) == ["acme", "other"]
    assert news.subscribers(services.officer(), ID) == ["acme", "other"]
    news.unsubscribe(services.vendor(), ID)
    with pytest.raises(NotFound):
        news.unsubscribe(services.vendor(), ID)


# ---- numbers


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        (breaking("1.1.0"), False),
        (breaking("2.0.0"), True),
        (api("1.0.1").replace("title: 窗口\n", "title: 新窗口\n", 1), True),
        (asking("1.0.1"), False),
        (asking("1.1.0"), True),
        (api("0.9.0"), False),
    ],
)
def test_a_number_that_does_not_tell_what_changed_is_refused(
    services: Any, engineer: Any, published: Any, text: str, fits: bool
) -> None:
    register(services, engineer, text)
    version = text.partition("  version: ")[2].partition("\n")[0]
    if fits:
        assert services.lifecycle.publish(engineer, ID, version).version.state is State.PUBLISHED
        return
    with pytest.raises(Unprocessable) as refused:
        services.lifecycle.publish(engineer, ID, version)
    assert refused.value.extra["rule"] == "interface.version"
    assert services.catalogue.interface(ID).version == "1.0.0"
    assert services.kinds().count("interface.published") == 1


# ---- notice


def test_a_breaking_version_waits_until_subscribers_had_their_notice(
    services: Any, engineer: Any, published: Any, clock: Any
) -> None:
    life = services.lifecycle
    life.news.subscribe(services.vendor(), ID)
    register(services, engineer, breaking("2.0.0"))
    for soon in (None, clock() + timedelta(days=NOTICE_DAYS - 1)):
        with pytest.raises(Conflict) as refused:
            life.publish(engineer, ID, "2.0.0", soon)
        assert refused.value.extra["rule"] == "interface.notice"
        assert refused.value.extra["breaking"][0]["check"] == "type-changed"
    assert life.news.notices(services.vendor()) == []
    step = life.publish(engineer, ID, "2.0.0", clock() + timedelta(days=NOTICE_DAYS))
    assert (step.version.state, step.told) == (State.ANNOUNCED, ("acme",))
    assert services.last("interface.announced")["told"] == ["acme"]
    (notice,) = life.news.notices(services.vendor())
    assert (notice.kind, notice.version, notice.body["counts"]["breaking"]) == ("announced", "2.0.0", 1)
    assert services.catalogue.interface(ID).version == "1.0.0"  # the old one is in force until then
    assert life.due() == []
    clock.advance(days=NOTICE_DAYS, seconds=1)
    assert [version.version for version in life.due()] == ["2.0.0"]
    assert services.catalogue.interface(ID).version == "2.0.0"
    assert [n.kind for n in life.news.notices(services.vendor())] == ["published", "announced"]
    assert life.due() == []


def test_consent_of_every_subscriber_spares_the_wait(services: Any, engineer: Any, published: Any) -> None:
    life = services.lifecycle
    life.news.subscribe(services.vendor(), ID)
    life.news.subscribe(services.vendor("other"), ID)
    register(services, engineer, breaking("2.0.0"))
    with pytest.raises(NotFound):
        life.news.subscribe(services.vendor(), ID, "7.0.0")
    life.news.subscribe(services.vendor(), ID, "2.0.0")
    with pytest.raises(Conflict, match="other"):
        life.publish(engineer, ID, "2.0.0")
    life.news.subscribe(services.vendor("other"), ID, "2.0.0")
    assert life.publish(engineer, ID, "2.0.0").version.state is State.PUBLISHED


def test_who_relies_on_it_is_told_without_asking(services: Any, engineer: Any, published: Any) -> None:
    life = services.lifecycle
    services.vendor()
    life.news.dependants = lambda _tx, interface: ["acme"] if interface == ID else []
    register(services, engineer, breaking("2.0.0"))
    with pytest.raises(Conflict, match="acme"):
        life.publish(engineer, ID, "2.0.0")
    register(services, engineer, api("1.1.0").replace("窗口列表", "全部窗口"))
    assert life.publish(engineer, ID, "1.1.0").told == ("acme",)
    assert life.news.notices(services.vendor())[0].kind == "published"


def test_who_only_tries_it_is_told_too_and_holds_up_no_end(
    services: Any, engineer: Any, published: Any, clock: Any
) -> None:
    life = services.lifecycle
    services.vendor()
    life.news.users = lambda _tx, interface: ["acme", "civil-affairs"] if interface == ID else []
    assert life.news.subscribers(engineer, ID) == ["acme"]
    register(services, engineer, breaking("2.0.0"))
    with pytest.raises(Conflict, match="breaks acme"):
        life.publish(engineer, ID, "2.0.0")
    life.publish(engineer, ID, "2.0.0", clock() + timedelta(days=NOTICE_DAYS))
    (told,) = life.news.notices(services.vendor())
    assert (told.kind, told.version, told.body["counts"]["breaking"]) == ("announced", "2.0.0", 1)
    life.withdraw(engineer, ID, "2.0.0")
    life.deprecate(engineer, ID, date(2027, 6, 1), "over")
    clock.advance(days=300)
    assert life.retire(engineer, ID).state is State.RETIRED


def test_an_announcement_can_be_taken_back(services: Any, engineer: Any, published: Any, clock: Any) -> None:
    life = services.lifecycle
    life.news.subscribe(services.vendor(), ID)
    register(services, engineer, breaking("2.0.0"))
    life.publish(engineer, ID, "2.0.0", clock() + timedelta(days=30))
    clock.advance(seconds=1)
    assert life.withdraw(engineer, ID, "2.0.0").state is State.DRAFT
    clock.advance(days=31)
    assert life.due() == []
    assert [n.kind for n in life.news.notices(services.vendor())] == ["withdrawn", "announced"]
    with pytest.raises(Conflict):
        life.withdraw(engineer, ID, "2.0.0")


# ---- ends


def test_an_end_has_a_day_and_a_reason_and_waits_for_agreements(
    services: Any, engineer: Any, published: Any, clock: Any
) -> None:
    life, day = services.lifecycle, date(2026, 12, 1)
    services.vendor()
    with pytest.raises(Invalid):
        life.deprecate(engineer, ID, day, " ")
    with pytest.raises(Unprocessable, match="14 days"):
        life.deprecate(engineer, ID, date(2026, 11, 10), "replaced")
    with pytest.raises(Conflict):
        life.retire(engineer, ID)
    assert life.deprecate(engineer, ID, day, "replaced").retire_on == "2026-12-01"
    assert services.catalogue.interface(ID).state is State.DEPRECATED
    assert [record.id for record in services.catalogue.search()] == [ID]  # it is still in force
    with pytest.raises(Conflict, match="promised until"):
        life.retire(engineer, ID)
    clock.advance(days=40)
    life.news.dependants = lambda _tx, _interface: ["acme"]
    with pytest.raises(Conflict, match="acme"):
        life.retire(engineer, ID)
    life.news.dependants = lambda _tx, _interface: []
    assert life.retire(engineer, ID).state is State.RETIRED
    assert services.catalogue.search() == []
    assert services.catalogue.document(ID, "1.0.0")[1].decode() == api()  # readable for ever
    assert services.kinds()[-2:] == ["interface.deprecated", "interface.retired"]


def test_an_end_can_be_taken_back_and_a_new_version_takes_it_back_too(
    services: Any, engineer: Any, published: Any
) -> None:
    life = services.lifecycle
    life.deprecate(engineer, ID, date(2026, 12, 1), "replaced")
    assert life.keep(engineer, ID).state is State.PUBLISHED
    life.deprecate(engineer, ID, date(2026, 12, 1), "replaced")
    register(services, engineer, api("1.1.0"))
    life.publish(engineer, ID, "1.1.0")
    record = services.catalogue.interface(ID)
    assert (record.state, record.retire_on) == (State.PUBLISHED, None)


# ---- over HTTP


def test_the_life_of_an_interface_over_http(services: Any, engineer: Any, web: TestClient, clock: Any) -> None:
    headers, base = services.bearer(engineer), "/api/v1/interfaces"
    other = services.bearer(services.vendor())
    made = web.post(base, headers=headers, json={"filename": "a.yaml", "document": api()}).json()
    assert web.post(f"{base}/{ID}/versions/1.0.0/publication", headers=headers).json()["state"] == "published"
    assert web.put(f"{base}/{ID}/subscription", headers=other).json()["party"] == "acme"
    web.post(base, headers=headers, json={"filename": "a.yaml", "document": breaking("2.0.0")})
    assert web.get(f"{base}/{ID}/changes", headers=other, params={"old": "1.0.0", "new": "2.0.0"}).status_code == 404
    told = web.get(f"{base}/{ID}/changes", headers=headers, params={"old": "1.0.0", "new": "2.0.0"}).json()
    assert (told["needed"], told["misfit"]) == ("major", None)
    refused = web.post(f"{base}/{ID}/versions/2.0.0/publication", headers=headers)
    assert (refused.status_code, refused.json()["rule"]) == (409, "interface.notice")
    at = {"effective_at": (clock() + timedelta(days=20)).isoformat()}
    announced = web.post(f"{base}/{ID}/versions/2.0.0/publication", headers=headers, json=at).json()
    assert (announced["state"], announced["told"]) == ("announced", ["acme"])
    assert web.get(f"{base}/{ID}/changes", headers=other, params={"old": "1.0.0", "new": "2.0.0"}).status_code == 200
    notice = web.get(f"{base}/notices", headers=other).json()["items"][0]
    assert (notice["kind"], notice["body"]["breaking"][0]["level"]) == ("announced", "breaking")
    found = web.get(f"{base}/digests/{made['digest']}", headers=other).json()["items"]
    assert [(v["id"], v["version"]) for v in found] == [(ID, "1.0.0")]
    assert web.get(f"{base}/digests/{'0' * 64}", headers=other).status_code == 404
    assert web.get(f"{base}/{ID}/subscribers", headers=headers).json() == {"items": ["acme"]}
    wrong = web.post(f"{base}/{ID}/versions/2.0.0/publication", headers=headers, json={"effective_at": "tomorrow"})
    assert wrong.status_code == 400
    end = {"retire_on": "2026-12-24", "reason": "replaced by another"}
    assert web.put(f"{base}/{ID}/deprecation", headers=other, json=end).status_code == 403
    assert web.put(f"{base}/{ID}/deprecation", headers=headers, json=end).json()["state"] == "deprecated"
    assert web.post(f"{base}/{ID}/retirement", headers=headers).status_code == 409
    assert web.delete(f"{base}/{ID}/deprecation", headers=headers).json()["state"] == "published"
    assert web.delete(f"{base}/{ID}/subscription", headers=other).status_code == 204
