"""The portal in a real browser, wide and narrow, in both languages."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.conftest import Served

pytestmark = pytest.mark.browser


def sign_in(page: Page, served: Served, login: str) -> None:
    page.goto(f"{served.url}/sign-in")
    page.get_by_label("Name").fill(login)
    page.get_by_label("Password").fill(served.password(login))
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def fits(page: Page) -> None:
    """Nothing but a table or chart scrolls sideways."""
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth + 1"), page.url


def test_the_data_officer_sees_the_refused_call_in_both_languages(page: Page, served: Served) -> None:
    sign_in(page, served, "officer@data-office")
    page.get_by_role("link", name="Flows").click()
    expect(page.get_by_role("heading", name="Data flows")).to_be_visible()
    page.get_by_label("Outcome").select_option("refused")
    rows = page.locator("#flows tbody tr")
    expect(rows.filter(has_text="purpose-mismatch").first).to_be_visible()
    expect(rows.filter(has_text="delivered")).to_have_count(0)
    page.get_by_role("link", name="中文").click()
    expect(page.get_by_role("heading", name="数据流向", exact=True)).to_be_visible()
    expect(page.locator("#flows")).to_contain_text("purpose-mismatch")
    expect(page.locator("#flows")).to_contain_text("已拒绝")
    fits(page)


def test_the_chart_is_drawn_and_has_a_table_beside_it(page: Page, served: Served) -> None:
    sign_in(page, served, "officer@data-office")
    page.goto(f"{served.url}/flows")
    expect(page.locator("[data-chart] svg path").first).to_be_visible()
    expect(page.get_by_role("region", name="Who gives to whom").locator("tbody tr").first).to_be_visible()


PAGES = {
    "": [
        "/",
        "/catalogue",
        "/catalogue/police.residents",
        "/catalogue/health.newborn-process",
        "/market",
        "/ledger",
        "/sign-in",
    ],
    "officer@data-office": ["/flows", "/applications", "/ledger", "/settlements", "/market"],
    "reviewer@police": ["/applications", "/flows"],
    "developer@linan-software": ["/market", "/settlements"],
    "citizen@citizens": ["/market/newborn", "/mine"],
}


@pytest.mark.parametrize("login", PAGES)
def test_every_page_reads_well_and_is_accessible(page: Page, served: Served, login: str) -> None:
    if login:
        sign_in(page, served, login)
    for path in PAGES[login]:
        for language in ("en", "zh_CN"):
            answer = page.goto(f"{served.url}{path}?lang={language}")
            assert answer is not None
            assert answer.status == 200, path
            fits(page)
            found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa"]}).response["violations"]
            assert [(v["id"], v["nodes"][0]["html"][:160]) for v in found] == [], path
            if language == "zh_CN":
                assert re.search(r"[一-鿿]", page.locator("h1").inner_text())
        page.goto(f"{served.url}{path}?lang=en")


def test_a_citizen_opens_the_app_and_handles_a_matter(page: Page, served: Served) -> None:
    sign_in(page, served, "citizen@citizens")
    page.goto(f"{served.url}/market/newborn")
    page.get_by_role("button", name="Open this app").first.click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    fits(page)
    for pointer in ("/mother/GMSFHM", "/father/GMSFHM"):
        expect(page.locator(f'[name="{pointer}"]')).to_be_visible()
    # submitted with gaps: the app lists all of them at once
    page.locator('[name="/newborn/XM"]').fill("赵安宁")
    page.evaluate("document.querySelectorAll('[required]').forEach(input => input.removeAttribute('required'))")
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("status").or_(page.get_by_role("alert"))).to_be_visible()


def test_an_error_is_a_page_for_people_and_a_problem_for_programs(page: Page, served: Served) -> None:
    page.goto(f"{served.url}/flows?outcome=refused")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    assert page.url.endswith("/sign-in?next=/flows%3Foutcome%3Drefused")
    for path in ("/market/nothing", "/catalogue/nothing", "/nothing"):
        answer = page.request.get(f"{served.url}{path}?lang=en", headers={"Accept": "text/html"})
        assert (answer.status, answer.headers["content-type"]) == (404, "text/html; charset=utf-8"), path
        assert "There is no such page" in answer.text()
        answer = page.request.get(served.url + path, headers={"Accept": "application/json"})
        assert (answer.status, answer.headers["content-type"]) == (404, "application/problem+json"), path
    answer = page.request.get(f"{served.url}/api/v1/interfaces/nothing", headers={"Accept": "text/html"})
    assert answer.headers["content-type"] == "application/problem+json"


def test_without_javascript_nothing_is_lost(browser, served: Served) -> None:  # type: ignore[no-untyped-def]
    context = browser.new_context(java_script_enabled=False, locale="en-GB")
    page = context.new_page()
    sign_in(page, served, "officer@data-office")
    page.goto(f"{served.url}/flows?outcome=refused")
    expect(page.locator("#flows")).to_contain_text("purpose-mismatch")
    context.close()


def test_the_wrong_password_is_told_without_saying_which_part_was_wrong(page: Page, served: Served) -> None:
    page.goto(f"{served.url}/sign-in")
    page.on("console", lambda message: None)
    texts = []
    for login in ("officer@data-office", "nobody@nowhere"):
        answer = page.request.post(
            f"{served.url}/sign-in", form={"login": login, "password": "wrong-password", "next": "/"}
        )
        assert answer.status == 401
        found = re.search(r'role="alert">(.*?)<', answer.text())
        assert found
        texts.append(found[1])
    assert texts[0] == texts[1]
