"""Applications and agreements: who may, what is missing, clocks, and what follows a consent; on both databases."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

import specs.library
from exchange.agreements import store
from exchange.agreements.clocks import presets
from exchange.agreements.model import Agreement, AgreementState, Application, ApplicationState, Sharing
from exchange.agreements.routes import router
from exchange.agreements.service import Agreements
from exchange.agreements.wish import Wish
from exchange.errors import Conflict, Forbidden, NotFound, Unauthenticated, Unprocessable

LIBRARY = Path(specs.library.__file__).parent
WISH = Wish(
    interface="police.residents",
    operations=("queryResident",),
    fields=("XM", "CSRQ"),
    legal_basis="社会保险经办条例第六条",
    scenario="社会保障卡申领",
    purpose="social-security-card",
    mode="service",
    duration_days=30,
)


def publish(services: Any, path: str, *changes: tuple[str, str]) -> str:
    """Publish a document of the library, with some text in it replaced (patterns)."""
    text = (LIBRARY / path).read_text(encoding="utf-8")
    for pattern, other in changes:
        text, times = re.subn(pattern, other, text, count=1)
        assert times == 1, pattern
    made = services.catalogue.register(services.department(path.split("/")[0]), "openapi.yaml", text)
    services.lifecycle.publish(services.department(path.split("/")[0]), made.interface, made.version)
    return str(made.interface)


@pytest.fixture
def agreements(services: Any) -> Agreements:
    publish(services, "police/residents/openapi.yaml")
    return Agreements(services.database, services.ledger, services.catalogue, services.clock)


@pytest.fixture
def web(services: Any, agreements: Agreements) -> Iterator[TestClient]:
    with services.web(router(agreements, services.access)) as client:
        yield client


def filed(services: Any, agreements: Agreements, wish: Wish = WISH) -> Application:
    return agreements.apply(services.department("human-resources"), wish)


# ---- who may


ROUTES = """
POST /api/v1/applications
GET  /api/v1/applications
GET  /api/v1/applications/apl_1
PUT  /api/v1/applications/apl_1
POST /api/v1/applications/apl_1/answer
POST /api/v1/applications/apl_1/withdrawal
GET  /api/v1/agreements
GET  /api/v1/agreements/agr_1
GET  /api/v1/agreements/agr_1/odrl
GET  /api/v1/clocks
POST /api/v1/agreements/agr_1/suspension
POST /api/v1/agreements/agr_1/resumption
POST /api/v1/agreements/agr_1/termination
PUT  /api/v1/calendar/2027
"""


def test_nobody_gets_nothing(web: TestClient) -> None:
    for line in ROUTES.strip().splitlines():
        method, path = line.split()
        answer = web.request(method, path, json={"interface": "police.residents"})
        assert answer.status_code == 401, line
        assert answer.headers["content-type"] == "application/problem+json"


def test_a_foreign_party_neither_sees_nor_touches(services: Any, agreements: Agreements) -> None:
    application = filed(services, agreements)
    agreement = agreements.answer(services.department("police"), application.id, "consent")
    assert agreement is not None
    stranger = services.department("tax")
    for use in (
        lambda: agreements.application(stranger, application.id),
        lambda: agreements.answer(stranger, application.id, "refuse", "r", "b"),
        lambda: agreements.withdraw(stranger, application.id),
        lambda: agreements.complete(stranger, application.id, WISH),
        lambda: agreements.agreement(stranger, agreement.id),
        lambda: agreements.suspend(stranger, agreement.id, "because"),
        lambda: agreements.terminate(stranger, agreement.id, "because"),
        lambda: agreements.clocks(stranger, agreement.id),
    ):
        with pytest.raises(NotFound):
            use()
    assert agreements.applications(stranger) == []
    assert agreements.agreements(stranger) == []


def test_only_the_provider_answers_and_suspends(services: Any, agreements: Agreements) -> None:
    application = filed(services, agreements)
    asking, giving = services.department("human-resources"), services.department("police")
    with pytest.raises(Forbidden) as refused:
        agreements.answer(asking, application.id, "consent")
    assert refused.value.rule == "access.application.answer"
    engineer = replace(giving, roles=frozenset({"engineer"}))
    with pytest.raises(Forbidden):
        agreements.answer(engineer, application.id, "consent")
    agreement = agreements.answer(giving, application.id, "consent")
    assert agreement is not None
    with pytest.raises(Forbidden):
        agreements.suspend(asking, agreement.id, "because")


def test_vendors_and_citizens_cannot_apply(services: Any, agreements: Agreements) -> None:
    for caller in (services.vendor(), services.caller("citizens", "public", "citizen"), services.officer()):
        with pytest.raises(Forbidden):
            agreements.apply(caller, WISH)
    with pytest.raises(Unauthenticated):
        agreements.apply(None, WISH)


def test_the_data_office_sees_all_and_may_suspend(services: Any, agreements: Agreements) -> None:
    application = filed(services, agreements)
    agreement = agreements.answer(services.department("police"), application.id, "consent")
    assert agreement is not None
    officer = services.officer()
    assert [one.id for one in agreements.applications(officer)] == [application.id]
    assert agreements.suspend(officer, agreement.id, "misuse found").state is AgreementState.SUSPENDED


# ---- completeness


def test_everything_missing_is_told_once_and_together(services: Any, agreements: Agreements) -> None:
    caller = replace(services.department("human-resources"), roles=frozenset({"engineer"}))
    application = agreements.apply(caller, Wish("police.residents", fields=("XM", "LOTTERY"), operations=("nope",)))
    assert application.state is ApplicationState.INCOMPLETE
    assert [gap.pointer for gap in application.missing] == [
        "/legal_basis",
        "/scenario",
        "/purpose",
        "/approved_by",
        "/duration_days",
        "/mode",
        "/operations/nope",
    ]
    assert all(set(gap.message) == {"zh_CN", "en"} for gap in application.missing)
    assert services.last("application.incomplete")["missing"] == [gap.pointer for gap in application.missing]


def test_an_unknown_field_is_named_with_those_there_are(services: Any, agreements: Agreements) -> None:
    application = filed(services, agreements, replace(WISH, fields=("XM", "LOTTERY")))
    assert [gap.pointer for gap in application.missing] == ["/fields/LOTTERY"]
    assert "HYZKDM" in application.missing[0].message["en"]


def test_an_incomplete_application_cannot_be_refused_only_completed(services: Any, agreements: Agreements) -> None:
    application = filed(services, agreements, replace(WISH, purpose=""))
    with pytest.raises(Conflict, match="incomplete"):
        agreements.answer(services.department("police"), application.id, "refuse", "r", "b")
    caller = services.department("human-resources")
    with pytest.raises(Unprocessable, match="/scenario"):
        agreements.complete(caller, application.id, replace(WISH, scenario=" "))
    assert services.kinds().count("application.incomplete") == 1
    whole = agreements.complete(caller, application.id, WISH)
    assert whole.state is ApplicationState.FILED
    assert whole.missing == application.missing
    assert [clock.rule for clock in agreements.clocks(caller, whole.id)] == ["C4"]


def test_the_clock_stands_still_while_incomplete_unless_the_preset_says_otherwise(
    services: Any, agreements: Agreements
) -> None:
    caller = services.department("human-resources")
    strict = replace(presets()["national"], pause_while_incomplete=False)
    for preset, started in ((None, "2026-11-05"), (strict, "2026-11-02")):
        here = Agreements(services.database, services.ledger, services.catalogue, services.clock, preset)
        application = here.apply(caller, replace(WISH, purpose=""))
        services.clock.advance(days=3)
        here.complete(caller, application.id, WISH)
        assert str(here.clocks(caller, application.id)[0].started) == started
        services.clock.advance(days=-3)


def test_own_drafts_and_oversized_wishes_are_refused(services: Any, agreements: Agreements) -> None:
    with pytest.raises(Unprocessable):
        agreements.apply(services.department("police"), WISH)
    with pytest.raises(NotFound):
        filed(services, agreements, replace(WISH, interface="police.nothing"))
    with pytest.raises(Unprocessable):
        filed(services, agreements, replace(WISH, purpose="x" * 2001))
    with pytest.raises(Unprocessable):
        filed(services, agreements, replace(WISH, fields=tuple(f"f{n}" for n in range(600))))
    assert "application.filed" not in services.kinds()


# ---- answering


def test_a_consent_makes_an_agreement_for_exactly_what_was_asked(services: Any, agreements: Agreements) -> None:
    application = filed(services, agreements)
    assert application.wish.approved_by == "human-resources"
    agreement = agreements.answer(services.department("police"), application.id, "consent")
    assert agreement is not None
    assert agreement.scope == {"queryResident": ("/CSRQ", "/XM")}
    assert agreement.labels == ("CSRQ", "XM")
    assert agreement.expires_at == "2026-12-02T01:00:00.000Z"
    assert services.last("agreement.granted")["scope"] == {"queryResident": ["/CSRQ", "/XM"]}
    with pytest.raises(Conflict):
        agreements.answer(services.department("police"), application.id, "consent")


@pytest.mark.parametrize(
    ("reason", "basis", "said"), [("", "", "reason, basis"), ("no", "", "basis"), (" ", "law", "reason")]
)
def test_a_refusal_states_reason_and_basis(
    services: Any, agreements: Agreements, reason: str, basis: str, said: str
) -> None:
    application = filed(services, agreements)
    with pytest.raises(Unprocessable, match=said):
        agreements.answer(services.department("police"), application.id, "refuse", reason, basis)
    assert agreements.application(services.officer(), application.id).state is ApplicationState.FILED


def test_a_refusal_is_recorded_with_both(services: Any, agreements: Agreements) -> None:
    application = filed(services, agreements)
    agreements.answer(services.department("police"), application.id, "refuse", "超出职责", "政务数据共享条例第二十一条")
    entry = services.last("application.refused")
    assert (entry["reason"], entry["basis"]) == ("超出职责", "政务数据共享条例第二十一条")
    assert agreements.agreements(services.officer()) == []


@pytest.mark.parametrize(
    ("code", "state", "kind"),
    [("1", ApplicationState.CONSENTED, "agreement.granted"), ("3", ApplicationState.REFUSED, "application.refused")],
)
def test_unconditional_and_unshared_data_are_answered_at_once(
    services: Any, agreements: Agreements, code: str, state: ApplicationState, kind: str
) -> None:
    # without condition nothing is stated; what is not shared says why
    conditions = {"1": "", "3": "    refusal_reason: {zh_CN: 依法不予共享}\n"}[code]
    publish(
        services,
        "civil-affairs/marriages/openapi.yaml",
        ("sharing_class: '2'", f"sharing_class: '{code}'"),
        (r"    use_conditions:\n(      .*\n)+", conditions),
    )
    wish = replace(WISH, interface="civil-affairs.marriages", operations=("verifyMarriage",), fields=("ZT",))
    application = filed(services, agreements, wish)
    assert application.state is state
    assert application.reply is not None
    assert application.reply.automatic
    assert services.kinds()[-1] == kind
    assert (application.agreement is not None) is (application.sharing is Sharing.UNCONDITIONAL)


def test_a_withdrawn_application_is_over(services: Any, agreements: Agreements) -> None:
    application = filed(services, agreements)
    caller = services.department("human-resources")
    assert agreements.withdraw(caller, application.id).state is ApplicationState.WITHDRAWN
    with pytest.raises(Conflict):
        agreements.answer(services.department("police"), application.id, "consent")
    services.clock.advance(days=60)
    assert agreements.due() == []


def test_conditions_of_a_consent_need_a_basis_and_bind(services: Any, agreements: Agreements, web: TestClient) -> None:
    application = filed(services, agreements)
    headers = services.bearer(services.department("police"))
    path = f"/api/v1/applications/{application.id}/answer"
    body: dict[str, Any] = {"decision": "consent", "terms": {"masks": {"XM": "hash"}}}
    refused = web.post(path, json=body, headers=headers)
    assert (refused.status_code, refused.json()["pointer"]) == (422, "/basis")
    refused = web.post(path, json={**body, "decision": "refuse", "reason": "r", "basis": "b"}, headers=headers)
    assert (refused.status_code, refused.json()["pointer"]) == (422, "/terms")

    def known(agreement: Agreement) -> None:
        if agreement.terms.keys() - {"masks"}:
            raise Unprocessable("nobody can enforce this", pointer="/terms")

    agreements.enforceable = known
    strange = {**body, "basis": "law", "terms": {"mood": "good"}}
    assert web.post(path, json=strange, headers=headers).status_code == 422
    answer = web.post(path, json={**body, "basis": "law", "disposal": "shred", "disposal_days": 3}, headers=headers)
    assert answer.status_code == 200
    shown = web.get(f"/api/v1/agreements/{answer.json()['agreement']}", headers=headers).json()
    assert shown["terms"] == body["terms"]
    assert shown["delivery_awaited"] is True
    assert services.last("agreement.granted")["terms"] == body["terms"]
    policy = web.get(f"/api/v1/agreements/{shown['id']}/odrl", headers=headers)
    assert policy.headers["content-type"] == "application/ld+json"
    assert policy.json()["obligation"][0]["dct:description"] == "shred"


@pytest.mark.parametrize(("disposal", "days"), [("", 3), ("shred", -1), ("shred", 4000)])
def test_a_demand_of_disposal_says_what_and_when(
    services: Any, agreements: Agreements, disposal: str, days: int
) -> None:
    application = filed(services, agreements)
    with pytest.raises(Unprocessable):
        agreements.answer(services.department("police"), application.id, "consent", "", "", disposal, days)


# ---- clocks


def test_a_late_answer_is_a_breach_with_its_code_even_if_nobody_swept(services: Any, agreements: Agreements) -> None:
    application = filed(services, agreements)
    (running,) = agreements.clocks(services.officer(), application.id)
    assert (str(running.due), running.provisional, running.is_open) == ("2026-11-16", False, True)
    services.clock.advance(days=15)
    agreements.answer(services.department("police"), application.id, "consent")
    breach = services.last("clock.breached")
    assert (breach["rule"], breach["code"], breach["party"], breach["due"]) == ("C4", "P39-4", "police", "2026-11-16")


def test_the_sweep_records_each_breach_once(services: Any, agreements: Agreements) -> None:
    application = filed(services, agreements)
    services.clock.advance(days=14)
    assert agreements.due() == []
    services.clock.advance(days=1)
    assert [clock.subject for clock in agreements.due()] == [application.id]
    assert agreements.due() == []
    assert services.kinds().count("clock.breached") == 1


def test_consent_without_delivery_breaks_the_delivery_clock(services: Any, agreements: Agreements) -> None:
    application = filed(services, agreements)
    agreement = agreements.answer(services.department("police"), application.id, "consent")
    assert agreement is not None
    services.clock.advance(days=29)
    assert [clock.rule for clock in agreements.due()] == ["C6"]


def test_a_first_delivery_meets_the_delivery_clock(services: Any, agreements: Agreements) -> None:
    application = filed(services, agreements)
    agreement = agreements.answer(services.department("police"), application.id, "consent")
    assert agreement is not None
    for _ in range(3):
        with services.database.transaction() as tx:
            agreements.delivered(tx, agreement)
    services.clock.advance(days=29)
    assert agreements.due() == []


def test_a_breach_that_was_none_by_the_new_calendar_is_cleared(services: Any, agreements: Agreements) -> None:
    services.clock.advance(days=53)  # 2026-12-25
    application = filed(services, agreements)
    services.clock.advance(days=17)  # 2027-01-11, a Monday; due was provisionally the 8th
    agreements.due()
    agreements.answer(services.department("police"), application.id, "consent")
    agreements.set_year(services.officer(), 2027, ["2027-01-01..2027-01-03"], [], "notice of 2027")
    assert services.last("violation.cleared")["reason"] == "in time by the calendar of 2027: due 2027-01-11"
    assert services.kinds().count("clock.breached") == 1


def test_a_year_out_of_the_world_is_refused(services: Any, agreements: Agreements) -> None:
    with pytest.raises(Unprocessable, match="no year"):
        agreements.set_year(services.officer(), 10**12, [], [], "notice")


def test_a_loaded_year_moves_open_clocks_and_says_so(services: Any, agreements: Agreements, web: TestClient) -> None:
    services.clock.advance(days=53)  # 2026-12-25
    application = filed(services, agreements)
    body = {"source": "notice of 2027", "holidays": ["2027-01-01..2027-01-03"], "workdays": []}
    answer = web.put("/api/v1/calendar/2027", json=body, headers=services.bearer(services.department("police")))
    assert answer.status_code == 403
    answer = web.put("/api/v1/calendar/2027", json=body, headers=services.bearer(services.officer()))
    assert answer.status_code == 200
    assert [clock["former"] for clock in answer.json()["moved_clocks"]] == [["2027-01-08"]]
    assert services.last("clock.moved")["due"] == "2027-01-11"
    (running,) = agreements.clocks(services.officer(), application.id)
    assert (str(running.due), running.provisional) == ("2027-01-11", False)
    assert web.get("/api/v1/calendar/2028").status_code == 404
    assert "2026-10-10" in web.get("/api/v1/calendar/2026").json()["workdays"]


# ---- after the consent


def granted(services: Any, agreements: Agreements) -> Any:
    return agreements.answer(services.department("police"), filed(services, agreements).id, "consent")


def test_suspend_resume_terminate_and_what_may_not_follow(services: Any, agreements: Agreements) -> None:
    agreement, police = granted(services, agreements), services.department("police")
    with pytest.raises(Unprocessable):
        agreements.suspend(police, agreement.id, " ")
    agreements.suspend(police, agreement.id, "misuse")
    with pytest.raises(Conflict):
        agreements.suspend(police, agreement.id, "again")
    agreements.resume(police, agreement.id, "corrected")
    agreements.terminate(services.department("human-resources"), agreement.id, "purpose met")
    for verb in (agreements.suspend, agreements.resume, agreements.terminate):
        with pytest.raises(Conflict):
            verb(police, agreement.id, "too late")
    ends = [kind for kind in services.kinds() if kind.startswith("agreement.")]
    assert ends == ["agreement.granted", "agreement.suspended", "agreement.resumed", "agreement.terminated"]
    assert "C10" in [clock.rule for clock in agreements.clocks(police, agreement.id)]


def test_an_agreement_expires_by_itself(services: Any, agreements: Agreements) -> None:
    agreement, police = granted(services, agreements), services.department("police")
    services.clock.advance(days=30)
    assert agreement.state_at(services.clock()) is AgreementState.EXPIRED
    with pytest.raises(Conflict, match="expired"):
        agreements.suspend(police, agreement.id, "late")
    agreements.due()
    agreements.due()
    assert agreements.agreement(police, agreement.id).state is AgreementState.EXPIRED
    assert services.kinds().count("agreement.expired") == 1


def test_an_entrustment_covers_what_the_matter_needs_and_replaces_the_one_before(
    services: Any, agreements: Agreements
) -> None:
    matter = specs.library.matter("newborn")
    for interface in matter.needs:
        if interface != "police.residents":
            department, name = interface.split(".")
            publish(services, f"{department}/{name}/openapi.yaml")
    until = services.clock() + timedelta(days=365)
    services.vendor()
    rounds = []
    for _ in range(2):
        with services.database.transaction() as tx:
            rounds.append(agreements.entrust(tx, matter=matter, vendor="acme", until=until))
        services.clock.advance(seconds=1)
    first, second = rounds
    assert {one.interface for one in second} == set(matter.needs)
    marriage = next(one for one in second if one.interface == "civil-affairs.marriages")
    assert (marriage.purpose, marriage.matter, marriage.provider) == ("newborn", "newborn", "civil-affairs")
    assert marriage.scope == {"verifyMarriage": ("/PPJG", "/ZT")}
    with services.database.reading() as tx:
        states = [(store.agreement(tx, one.id) or one).state for one in first]
        found = agreements.for_call(tx, "acme", "civil-affairs.marriages", matter="newborn")
        assert agreements.for_call(tx, "acme", "civil-affairs.marriages") == []
    assert set(states) == {AgreementState.TERMINATED}
    assert found[0].id == marriage.id


# ---- over HTTP


def test_the_story_over_http(services: Any, agreements: Agreements, web: TestClient) -> None:
    asking = services.bearer(services.department("human-resources"))
    giving = services.bearer(services.department("police"))
    body = {
        "interface": "police.residents",
        "operations": ["queryResident"],
        "fields": ["XM"],
        "legal_basis": "b",
        "scenario": "s",
        "purpose": "p",
        "mode": "service",
        "duration_days": 10,
    }
    made = web.post("/api/v1/applications", json=body, headers={**asking, "Idempotency-Key": "k1"})
    assert made.status_code == 201
    again = web.post("/api/v1/applications", json=body, headers={**asking, "Idempotency-Key": "k1"})
    assert again.json() == made.json()
    assert made.json()["clocks"][0]["due"] == "2026-11-16"
    id = made.json()["id"]
    path = f"/api/v1/applications/{id}/answer"
    assert web.post(path, json={"decision": "refuse"}, headers=giving).status_code == 422
    answered = web.post(path, json={"decision": "consent"}, headers=giving).json()
    assert answered["state"] == "consented"
    shown = web.get(f"/api/v1/agreements/{answered['agreement']}", headers=asking).json()
    assert shown["scope"] == {"queryResident": ["/XM"]}
    assert [clock["rule"] for clock in shown["clocks"]] == ["C6"]
    listed = web.get("/api/v1/agreements", headers=asking).json()
    assert [one["id"] for one in listed["items"]] == [answered["agreement"]]
    assert web.post("/api/v1/applications", json={**body, "extra": 1}, headers=asking).status_code == 422
