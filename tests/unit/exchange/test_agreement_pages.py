"""Pages of applications, agreements, the calendar and needs: who may do what, and every form's way through."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

import specs.library
from exchange.agreements.deriving import Deriving
from exchange.agreements.proceedings import RULES
from exchange.agreements.service import Agreements
from exchange.agreements.supervising import Supervising
from exchange.errors import Unprocessable
from exchange.portal import agreements as pages_of_agreements
from exchange.portal import answering, applying, calendars
from exchange.portal.pages import Pages
from exchange.portal.terms import TERMS
from tests.unit.exchange.test_agreements import publish

ROOT = Path(specs.library.__file__).parent
HTML = {"accept": "text/html", "accept-language": "en"}
FORM = {
    "interface": "police.residents",
    "operations": "queryResident",
    "fields": ["XM", "CSRQ"],
    "purpose": "social-security-card",
    "scenario": "社会保障卡申领",
    "legal_basis": "law",
    "mode": "service",
    "duration_days": "30",
}

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # pages only ask the services


class World:
    """The pages of one exchange with one published service."""

    def __init__(self, services: Any) -> None:
        publish(services, "police/residents/openapi.yaml")
        self.services = services
        self.agreements = Agreements(services.database, services.ledger, services.catalogue, services.clock)
        self.supervising = Supervising(self.agreements)
        pages = Pages(services.access, lambda name: {"zh_CN": f"{name}局", "en": name})
        deriving = Deriving(self.agreements, services.checking)
        self.web: TestClient = services.web(
            applying.router(pages, services.access, self.agreements),
            answering.router(pages, services.access, self.supervising),
            pages_of_agreements.router(pages, services.access, self.supervising),
            calendars.router(pages, services.access, self.supervising, deriving),
        )
        self.web.follow_redirects = False

    @property
    def asking(self) -> dict[str, str]:
        return self.headers(self.services.department("human-resources"))

    @property
    def giving(self) -> dict[str, str]:
        return self.headers(self.services.department("police"))

    @property
    def officer(self) -> dict[str, str]:
        return self.headers(self.services.officer())

    def headers(self, caller: Any) -> dict[str, str]:
        return {**self.services.bearer(caller), **HTML}

    def get(self, path: str, who: dict[str, str], status: int = 200) -> str:
        answer = self.web.get(path, headers=who)
        assert answer.status_code == status, answer.text
        return answer.text

    def post(self, path: str, who: dict[str, str], **form: Any) -> str:
        answer = self.web.post(path, headers=who, data=form)
        assert answer.status_code == 303, answer.text
        return str(answer.headers["location"])

    def agreed(self) -> str:
        place = self.post("/applications/new", self.asking, **FORM)
        self.post(place, self.giving, decision="consent", disposal="delete", disposal_days="5")
        return f"/agreements/{self.agreements.agreements(self.services.officer())[0].id}"


@pytest.fixture
def world(services: Any) -> World:
    return World(services)


@SQLITE
def test_nobody_is_led_to_sign_in_and_strangers_find_nothing(world: World) -> None:
    place = world.agreed()
    for path in ("/applications", "/applications/new?interface=police.residents", place, "/violations", "/needs"):
        answer = world.web.get(path, headers=HTML)
        assert (answer.status_code, answer.headers["location"].partition("?")[0]) == (303, "/sign-in"), path
    stranger = world.headers(world.services.department("tax"))
    world.get(place, stranger, 404)
    assert "queryResident" not in world.get("/applications?show=all", stranger)


@SQLITE
def test_the_reviewer_sees_who_wants_what_on_which_law_and_what_is_due(world: World) -> None:
    place = world.post("/applications/new", world.asking, **FORM)
    shown = world.get("/applications", world.giving)
    for words in ("human-resources → police", "social-security-card", "law", "<code>XM</code>", "2026-11-16"):
        assert words in shown
    one = world.get(place, world.giving)
    for words in ("answer an application for conditional data", "art 21", 'value="refuse"', "Ask for more time"):
        assert words in one
    assert 'value="refuse"' not in world.get(place, world.asking)
    refused = world.web.post(place, headers=world.giving, data={"decision": "refuse", "reason": "no"})
    assert refused.status_code == 422
    assert "basis" in refused.text


@SQLITE
def test_conditions_are_typed_previewed_and_kept(world: World) -> None:
    place = world.post("/applications/new", world.asking, **FORM)
    typed = {
        "row-place": ["/HJXZQH", ""], "row-is": ["startsWith", "eq"], "row-value": ["1101", ""], "as:/CSRQ": "year",
        "as:/XM": "truncate", "n:/XM": "1", "disposal": "delete", "disposal_days": "5",
    }  # fmt: skip
    stranger, other = world.headers(world.services.department("tax")), world.asking
    for who, status in ((HTML, 303), (stranger, 404), (other, 403)):
        assert world.web.post(place, headers=who, data={**typed, "decision": "preview"}).status_code == status
    shown = world.web.post(place, headers=world.giving, data={**typed, "decision": "preview"})
    assert shown.status_code == 200
    for words in ("begins with “1101”", "only the year, such as 1987-05-12 as 1987", "only its first characters: 1",
                  "Name the law it rests on", 'value="1101"', "(within 5 days)"):  # fmt: skip
        assert words in shown.text, words
    refused = world.web.post(place, headers=world.giving, data={**typed, "n:/XM": "none", "decision": "consent"})
    assert refused.status_code == 422
    assert 'aria-describedby="wrong-as:/XM"' in refused.text
    assert 'aria-describedby="wrong-basis"' not in refused.text  # one thing at a time is asked of the service
    refused = world.web.post(place, headers=world.giving, data={**typed, "decision": "consent"})
    assert (refused.status_code, 'aria-describedby="wrong-basis"' in refused.text) == (422, True)
    assert world.agreements.agreements(world.services.officer()) == []
    world.post(place, world.giving, **typed, basis="law 3", decision="consent")
    (made,) = world.agreements.agreements(world.services.officer())
    assert made.terms == {
        "rows": [{"place": "/HJXZQH", "is": "startsWith", "value": "1101"}],
        "masks": [
            {"place": "/XM", "as": "truncate", "keep": 1}, {"place": "/CSRQ", "as": "generalise", "to": "year"},
        ],
    }  # fmt: skip
    chinese = {"accept-language": "zh-CN"}
    for page in (place, f"/agreements/{made.id}"):
        assert "only the year" in world.get(page, world.asking), page
        assert "只提供年份" in world.get(page, world.asking | chinese), page


@SQLITE
def test_terms_nobody_could_keep_are_told_on_the_form(world: World) -> None:
    def never(_agreement: Any) -> None:
        raise Unprocessable("bulk sharing cannot keep: masks", rule="unknown-term", pointer="/terms")

    world.agreements.enforceable = never
    place = world.post("/applications/new", world.asking, **FORM)
    typed = {"as:/XM": "hash", "basis": "law", "decision": "consent"}
    answer = world.web.post(place, headers=world.giving | {"accept-language": "zh-CN"}, data=typed)
    assert answer.status_code == 422
    assert "批量交换无法执行：masks" in answer.text


@SQLITE
def test_long_lists_are_shown_page_by_page_with_the_newest_first(world: World) -> None:
    for name in ("one", "two", "three"):
        world.services.clock.advance(seconds=1)
        world.post("/applications/new", world.asking, **{**FORM, "purpose": name})
    giving, stranger = world.services.department("police"), world.services.department("tax")
    found, total = world.agreements.newest_applications(giving, 2)
    assert ([one.wish.purpose for one in found], total) == (["three", "two"], 3)
    found, total = world.agreements.newest_applications(giving, 2, 2, states=["filed"])
    assert ([one.wish.purpose for one in found], total) == (["one"], 3)
    assert world.agreements.newest_applications(giving, 2, states=["refused"]) == ([], 0)
    assert world.agreements.newest_applications(stranger, 2) == ([], 0)
    assert world.agreements.newest_agreements(giving, 2) == ([], 0)
    beyond = world.get("/applications?page=9&show=all", world.giving)
    assert "page 9 of 1, 3 in all" in beyond
    assert "/applications?show=all&amp;page=1" in beyond


@SQLITE
def test_an_error_is_chinese_on_a_chinese_page(world: World) -> None:
    place = world.post("/applications/new", world.asking, **FORM)
    answer = world.web.post(f"{place}/withdrawal", headers=world.giving | {"accept-language": "zh-CN"})
    assert answer.status_code == 403
    world.post(f"{place}/withdrawal", world.asking)
    answer = world.web.post(f"{place}/withdrawal", headers=world.asking | {"accept-language": "zh-CN"})
    assert answer.status_code == 409
    assert "当前为“已撤回”" in answer.text


@SQLITE
def test_what_is_missing_is_told_and_completed(world: World) -> None:
    place = world.post("/applications/new", world.asking, **{**FORM, "purpose": "", "duration_days": "soon"})
    shown = world.get(place, world.asking)
    assert "the purpose is missing" in shown
    assert f"{place}/completion" in shown
    filled = world.get(f"{place}/completion", world.asking)
    assert 'value="XM" checked' in filled
    world.post(f"{place}/completion", world.asking, **FORM)
    assert "Missing, told once" not in world.get(place, world.asking)
    world.post(f"{place}/withdrawal", world.asking)
    assert "withdrawn" in world.get(place, world.asking)


@SQLITE
def test_an_extension_is_asked_and_granted(world: World) -> None:
    place = world.post("/applications/new", world.asking, **FORM)
    id = place.rpartition("/")[2]
    world.post("/proceedings", world.giving, kind="extension", subject=id, days="6", text="many")
    (asked,) = world.supervising.proceedings(world.services.officer(), kind="extension")
    assert f"/proceedings/{asked.id}/grant" in world.get(place, world.officer)
    assert f"/proceedings/{asked.id}/grant" not in world.get(place, world.giving)
    world.post(f"/proceedings/{asked.id}/grant", world.officer)
    shown = world.get(place, world.asking)
    assert "2026-11-24" in shown
    assert "before: 2026-11-16" in shown
    assert "extended by 6 working days" in shown


@SQLITE
def test_an_agreement_is_suspended_corrected_and_ended_by_forms(world: World) -> None:
    place = world.agreed()
    id = place.rpartition("/")[2]
    assert "consented, not delivered" in world.get(place, world.asking)
    facts = {"code": "R40-2", "due": "2026-11-06"}
    world.post("/proceedings", world.giving, kind="order", subject=id, text="other purpose", **facts)
    (order,) = world.supervising.proceedings(world.services.officer(), kind="order")
    assert "stands still" in world.get(place, world.asking)
    assert "use beyond the agreed scope" in world.get("/violations", world.asking)
    world.post(f"/proceedings/{order.id}/report", world.asking, text="stopped")
    world.post(f"/proceedings/{order.id}/accept", world.giving)
    world.post(f"{place}/terminate", world.asking, reason="purpose met")
    shown = world.get(place, world.asking)
    assert "2026-11-07" in shown  # the disposal, five days after the end
    refused = world.web.post(f"{place}/explode", headers=world.asking, data={})
    assert refused.status_code == 404


@SQLITE
def test_a_violation_is_cleared_by_the_data_office_only(world: World) -> None:
    world.post("/applications/new", world.asking, **FORM)
    world.services.clock.advance(days=30)
    world.agreements.due()
    (violation,) = world.supervising.violations(world.services.officer())
    assert "Clear it" not in world.get("/violations", world.giving)
    path = f"/violations/{violation.id}"
    assert world.web.post(path, headers=world.giving, data={"reason": "x"}).status_code == 403
    world.post(path, world.officer, reason="flood")
    assert "cleared" in world.get("/violations", world.giving)


@SQLITE
def test_the_calendar_is_edited_by_the_data_office_and_says_what_moved(world: World) -> None:
    world.services.clock.advance(days=53)  # 2026-12-25
    world.post("/applications/new", world.asking, **FORM)
    assert "provisional" in world.get("/applications", world.giving)
    form = {"year": "2027", "source": "notice", "holidays": "2027-01-01..2027-01-03，2027-02-06", "workdays": ""}
    assert world.web.post("/calendar", headers=world.giving, data=form).status_code == 403
    place = world.post("/calendar", world.officer, **form, provisional="1")
    assert "1 open clock moved" in world.get(place, world.officer)
    shown = world.get("/calendar", HTML)
    assert "2027-01-01..2027-01-03, 2027-02-06" in shown
    assert "Put it in force" not in shown
    clock = world.agreements.open_clocks(world.services.officer())[0][0]
    assert (str(clock.due), clock.provisional, clock.former) == ("2027-01-11", True, ("2027-01-08",))
    world.post("/calendar", world.officer, **form)
    assert not world.agreements.open_clocks(world.services.officer())[0][0].provisional


@SQLITE
def test_needs_are_shown_and_their_drafts_open_filled_in(world: World) -> None:
    services, lead = world.services, world.services.department("health")
    text = (ROOT / "matters" / "newborn" / "process.arazzo.yaml").read_text(encoding="utf-8")
    made = services.catalogue.register(lead, "process.arazzo.yaml", text)
    services.lifecycle.publish(lead, made.interface, made.version)
    publish(services, "civil-affairs/marriages/openapi.yaml")
    head = world.headers(lead)
    assert "/needs/health.newborn-process" in world.get("/needs", head)
    shown = world.get("/needs/health.newborn-process", head)
    assert "no department shares it" in shown
    link = shown.partition('href="/applications/new?')[2].partition('"')[0].replace("&amp;", "&")
    form = world.get(f"/applications/new?{link}", head)
    assert 'value="PPJG" checked' in form
    assert 'value="newborn"' in form
    refused = world.web.post("/needs/health.newborn-process", headers=head, data={"legal_basis": "law"})
    assert refused.status_code == 422
    world.post("/needs/health.newborn-process", head, legal_basis="law", duration_days="30")
    assert "applied for" in world.get("/needs/health.newborn-process", head)
    assert "Open the draft" not in world.get("/needs/health.newborn-process", head)


def test_every_code_a_page_may_show_has_its_words() -> None:
    wanted = {kind.value for kind in RULES}
    for kind, rules in RULES.items():
        wanted |= {f"{kind}.{state}" for state in rules.states} | {f"{kind}.{verb}" for verb in ("open", *rules.moves)}
        wanted |= {f"said.{name}" for move in rules.moves.values() for name in (*move.wants, *rules.wants)}
    assert wanted - TERMS.keys() == set()
    assert all(chinese and english for chinese, english in TERMS.values())
