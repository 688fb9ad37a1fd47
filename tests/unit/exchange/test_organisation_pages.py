"""Organisations, accounts and signing in as pages: whoever may not is refused, secrets are shown once."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from exchange.errors import Unauthenticated
from exchange.parties.access import COOKIE, SYSTEM
from exchange.parties.model import csrf_token
from exchange.portal import organisations, signing
from exchange.portal.pages import Pages, navigation

RIGHT = "a sentence is easiest"
PAGE = {"Accept": "text/html", "Accept-Language": "en"}


@pytest.fixture
def database_url(tmp_path: Path, _sqlite_template: Path) -> str:
    """SQLite alone: the services below the pages are tested on both."""
    shutil.copyfile(_sqlite_template, tmp_path / "tongban.sqlite")
    return f"sqlite:///{tmp_path / 'tongban.sqlite'}"


@pytest.fixture
def web(services: Any) -> TestClient:
    pages = Pages(services.access, lambda party: {"zh_CN": party, "en": party})
    made = services.web(
        signing.router(pages, services.access, services.parties, None, secure=False),
        organisations.router(pages, services.access, services.parties, outside=True),
    )
    made.headers.update(PAGE)
    return made  # type: ignore[no-any-return]


def signed_in(services: Any, web: TestClient, party: str, kind: str, *roles: str) -> dict[str, str]:
    """What every form carries, for a person of that party in the browser."""
    services.caller(party, kind, *roles)
    login = f"person.{party}.{len(services.kinds())}"
    services.parties.add_member(SYSTEM, party, login, "x", roles, RIGHT)
    web.cookies.clear()
    answer = web.post("/sign-in", data={"login": login, "password": RIGHT, "next": "/account"}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/account")
    return {"csrf_token": csrf_token(answer.cookies[COOKIE])}


def shown(text: str) -> str:
    """The secret of a page that shows one."""
    return re.findall(r'<code class="wrap">([^<]+)</code>', text)[-1]


def test_others_see_no_page_and_change_nothing(services: Any, web: TestClient) -> None:
    client, _ = services.parties.add_client(SYSTEM, services.department("police").party, "x", ["engineer"])
    here = f"/organisations/police/clients/{client.id}"
    assert web.get("/organisations/police", follow_redirects=False).headers["location"].startswith("/sign-in?next=")
    assert web.post(here, data={"do": "revoke"}, follow_redirects=False).status_code == 303
    for party, kind, role in (("tax", "department", "admin"), ("police", "department", "reviewer")):
        form = signed_in(services, web, party, kind, role)
        assert web.get("/organisations/police").status_code == 403
        assert web.post(here, data={**form, "do": "revoke"}).status_code == 403
        assert web.post("/organisations/police/suspension", data={**form, "do": "suspend"}).status_code == 403
        assert web.post("/organisations/keys", data=form).status_code == 403
    signed_in(services, web, "police", "department", "admin")
    assert web.post(here, data={"do": "revoke"}).status_code == 403  # without the token of the session
    assert services.parties.clients(SYSTEM, "police")[0].revoked_at is None


def test_an_admin_looks_after_people_and_programs(services: Any, web: TestClient) -> None:
    form, here = signed_in(services, web, "police", "department", "admin"), "/organisations/police"
    made = web.post(
        f"{here}/members",
        data={**form, "login": "li.wei", "name": "李伟", "roles": ["engineer", "reviewer"], "subject": "e-1"},
    )
    assert (made.status_code, made.headers["cache-control"]) == (201, "no-store")
    assert services.parties.sign_in("li.wei", shown(made.text))
    assert shown(made.text) not in web.get(here).text
    member = next(m for m in services.parties.members(SYSTEM, "police") if m.login == "li.wei")
    assert (member.roles, member.subject) == ({"engineer", "reviewer"}, "e-1")
    at = f"{here}/members/{member.id}"
    web.post(at, data={**form, "do": "roles", "roles": ["reviewer"], "subject": ""})
    fresh = shown(web.post(at, data={**form, "do": "password"}).text)
    session = services.parties.sign_in("li.wei", fresh)
    assert services.access.session(session.token).roles == {"reviewer"}
    web.post(at, data={**form, "do": "end"})
    assert services.access.session(session.token) is None
    web.post(at, data={**form, "do": "return"})
    assert services.parties.sign_in("li.wei", fresh)
    assert web.post(at, data={**form, "do": "nothing known"}).status_code == 400
    made = web.post(f"{here}/clients", data={**form, "label": "nightly", "roles": ["engineer"]})
    old, client = shown(made.text), services.parties.clients(SYSTEM, "police")[0]
    at = f"{here}/clients/{client.id}"
    services.clock.advance(seconds=1)
    new = shown(web.post(at, data={**form, "do": "secret"}).text)
    first, _ = services.parties.secrets(SYSTEM, "police", client.id)
    web.post(at, data={**form, "do": "drop", "secret": first.id})
    with pytest.raises(Unauthenticated):
        services.parties.token(client.id, old)
    assert services.parties.token(client.id, new)
    web.post(at, data={**form, "do": "revoke"})
    assert "revoked" in web.get(here).text


def test_an_engineer_sees_programs_but_no_people(services: Any, web: TestClient) -> None:
    services.parties.add_client(SYSTEM, services.department("police").party, "of the admin", ["admin"])
    form = signed_in(services, web, "police", "department", "engineer")
    page = web.get("/organisations/police")
    assert page.status_code == 200
    assert "of the admin" in page.text
    assert "person.police" not in page.text
    made = web.post("/organisations/police/clients", data={**form, "label": "x", "roles": ["admin"]})
    assert made.status_code == 403


def test_the_operator_registers_suspends_and_lets_act_again(services: Any, web: TestClient) -> None:
    form = signed_in(services, web, "operator", "operator", "admin")
    wish = {**form, "id": "acme", "kind": "vendor", "zh_CN": "软件", "en": "Acme", "uscc": ""}
    assert web.post("/organisations", data=wish).status_code == 200
    assert "Acme" in web.get("/organisations").text
    assert web.post("/organisations", data=wish).status_code == 409
    for do, word in (("suspend", "suspended"), ("resume", "active")):
        page = web.post("/organisations/acme/suspension", data={**form, "do": do})
        assert page.status_code == 200
        assert f">{word}</span>" in page.text
    assert web.post("/organisations/acme/suspension", data={**form, "do": "x"}).status_code == 400


def test_the_sign_in_page_says_how_long_to_wait(services: Any, web: TestClient) -> None:
    for _ in range(5):
        assert web.post("/sign-in", data={"login": "li.wei", "password": "wrong"}).status_code == 401
    slowed = web.post("/sign-in", data={"login": "li.wei", "password": "wrong"})
    assert slowed.status_code == 429
    assert "15 minutes" in slowed.text
    foreign = web.post("/sign-in", data={"login": "x", "password": "y"}, headers={"Sec-Fetch-Site": "cross-site"})
    assert foreign.status_code == 403


def test_nobody_is_led_to_another_site(services: Any, web: TestClient) -> None:
    services.parties.add_member(SYSTEM, services.department("police").party, "li.wei", "x", ["admin"], RIGHT)
    for then in ("https://evil.test", "//evil.test", "/\\evil.test", "evil", "/a\nb"):
        answer = web.post("/sign-in", data={"login": "li.wei", "password": RIGHT, "next": then}, follow_redirects=False)
        assert answer.headers["location"] == "/"


def test_a_person_changes_their_password_on_the_page(services: Any, web: TestClient) -> None:
    form, new = signed_in(services, web, "police", "department", "admin"), "another sentence here"
    for old, fresh, again, status, said in (
        (RIGHT, new, "not the same", 422, "same way twice"),
        ("wrong", new, new, 422, "present password is wrong"),
        (RIGHT, "short", "short", 422, "too short"),
        (RIGHT, new, new, 200, "password is changed"),
    ):
        page = web.post("/account/password", data={**form, "old": old, "new": fresh, "again": again})
        assert page.status_code == status
        assert said in page.text
        assert new not in page.text
    assert web.get("/account").status_code == 200
    assert web.post("/account/sessions", data=form, follow_redirects=False).status_code == 303
    assert web.get("/account", follow_redirects=False).status_code == 303


def test_the_navigation_leads_only_where_the_table_lets_one(services: Any) -> None:
    def paths(*who: str) -> set[str]:
        return {path for path, _ in navigation(services.caller(*who) if who else None, lambda words: words)}

    assert paths() == {"/catalogue", "/market", "/my-data", "/ledger"}
    assert "/organisations" in paths("operator", "operator", "admin")
    assert "/organisations/police" in paths("police", "department", "engineer")
    assert "/organisations/police" not in paths("police", "department", "reviewer")
    assert "/flows" not in paths("operator", "operator", "admin")
    assert "/mine" in paths("citizens", "public", "citizen")
