"""The portal in a real browser, wide and narrow, in both languages."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from specs import library
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
    page.get_by_role("button", name="Filter").click()
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
        "/catalogue?q=婚姻",
        "/catalogue/departments",
        "/catalogue/police.residents",
        "/catalogue/health.newborn-process",
        "/market",
        "/ledger",
        "/sign-in",
        "/my-data",
    ],
    "engineer@police": [
        "/catalogue",
        "/catalogue/publish",
        "/catalogue/review",
        "/catalogue/police.residents",
        "/organisations/police",
        "/account",
    ],
    "officer@data-office": [
        "/catalogue/review",
        "/flows?through=purpose",
        "/flows/unusual",
        "/supervision",
        "/supervision/police",
        "/quality",
        "/disclosure",
        "/applications",
        "/ledger",
        "/settlements",
        "/market",
        "/calendar",
        "/violations",
        "/needs/health.newborn-process",
    ],
    "reviewer@police": ["/applications", "/flows"],
    "developer@linan-software": [
        "/market",
        "/settlements",
        "/datasets",
        "/datasets/new?interface=police.resident-register",
    ],
    "citizen@citizens": ["/market/newborn", "/mine"],
}


@pytest.mark.parametrize("login", PAGES)
def test_every_page_reads_well_and_is_accessible(page: Page, served: Served, login: str) -> None:
    if login:
        sign_in(page, served, login)
    # axe takes longest; one language on each screen finds what it finds in both
    judged = "en" if (page.viewport_size or {"width": 0})["width"] < 600 else "zh_CN"
    for path in PAGES[login]:
        joint = "&" if "?" in path else "?"
        for language in ("en", "zh_CN"):
            answer = page.goto(f"{served.url}{path}{joint}lang={language}")
            assert answer is not None
            assert answer.status == 200, path
            fits(page)
            if language == judged:
                found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa"]}).response["violations"]
                assert [(v["id"], v["nodes"][0]["html"][:160]) for v in found] == [], path
            if language == "zh_CN":
                assert re.search(r"[一-鿿]", page.locator("h1").inner_text())
        page.goto(f"{served.url}{path}{joint}lang=en")


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


def test_a_vendor_asks_for_a_dataset_and_takes_it(page: Page, served: Served) -> None:
    sign_in(page, served, "developer@linan-software")
    page.goto(f"{served.url}/catalogue/police.resident-register")
    page.get_by_role("link", name="Ask for a dataset").click()
    expect(page.get_by_label("Table", exact=True)).to_contain_text("residents")
    page.get_by_label("Rows of each table").fill("2000")
    page.get_by_label("What it is for").fill("see how <b>names</b> are cleaned")
    page.get_by_label("Format").select_option("arrow")
    page.get_by_label("Defects").fill("missing=0.01")
    page.get_by_role("button", name="Ask for it").click()
    expect(page.get_by_role("heading", name="Files")).to_be_visible(timeout=60_000)
    expect(page.locator(".lead")).to_have_text("see how <b>names</b> are cleaned")
    fits(page)
    with page.expect_download() as taken:
        page.get_by_role("link", name="residents.arrow", exact=True).click()
    assert taken.value.suggested_filename == "residents.arrow"
    expect(page.get_by_role("link", name="residents.arrow.defects.parquet")).to_be_visible()
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa"]}).response["violations"]
    assert found == []
    page.get_by_role("button", name="Delete the files now").click()
    expect(page.get_by_role("status")).to_contain_text("not kept any more")


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


def test_a_citizen_sees_who_used_their_data_after_a_code_and_only_then(page: Page, served: Served) -> None:
    page.goto(f"{served.url}/my-data")
    page.get_by_label("Citizen number").fill(_mother(served))
    page.get_by_role("button", name="Send me a code").click()
    code = re.search(r"验证码 (\d{6})", page.get_by_role("status").inner_text())
    assert code is not None
    page.get_by_label("Code").fill(code[1])
    page.get_by_role("button", name="Show who used my data").click()
    rows = page.get_by_role("region", name="Who used my data").locator("tbody tr")
    expect(rows.filter(has_text="Public security department").first).to_be_visible()
    expect(rows.filter(has_text="Birth of a child").first).to_be_visible()
    fits(page)
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa"]}).response["violations"]
    assert found == []
    page.get_by_role("button", name="Done, forget me here").click()
    expect(page.get_by_label("Citizen number")).to_be_visible()


def _mother(served: Served) -> str:
    from exchange.demo.family import family
    from exchange.settings import Settings

    return str(family(Settings(home=served.home)).mother["GMSFHM"])


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


def test_the_list_narrows_while_one_types_and_counts_again(page: Page, served: Served) -> None:
    page.goto(f"{served.url}/catalogue?lang=en")
    search = page.get_by_label("Search")
    search.press_sequentially("婚姻")
    expect(page.get_by_role("status")).to_contain_text("4 interfaces")
    expect(search).to_be_focused()
    expect(search).to_have_value("婚姻")
    page.get_by_label("Kind").select_option("api")
    expect(page.get_by_role("status")).to_contain_text("2 interfaces")
    expect(page.get_by_label("Kind").locator("option:checked")).to_have_text("service (2)")
    expect(page).to_have_url(re.compile("kind=api"))
    page.reload()
    expect(page.get_by_role("status")).to_contain_text("2 interfaces")
    page.get_by_role("link", name="show everything").click()
    expect(page.get_by_role("status")).to_contain_text("20 interfaces")


def test_an_operation_is_tried_from_the_reference_page(page: Page, served: Served) -> None:
    page.goto(f"{served.url}/catalogue/civil-affairs.marriages?lang=en")
    page.get_by_role("link", name="Reference and try-it").click()
    page.get_by_text("Try it in the sandbox").click()
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".result .told")).to_contain_text("200")
    expect(page.locator(".result")).to_contain_text('"PPJG"')
    fits(page)


def test_a_faulty_file_is_told_beside_its_lines_and_a_good_one_is_registered(page: Page, served: Served) -> None:
    sign_in(page, served, "engineer@civil-affairs")
    marriages = library.interfaces()["civil-affairs.marriages"].document.text
    number = f"1.0.{page.viewport_size['width'] if page.viewport_size else 0}"
    good = marriages.replace(b"version: 1.0.0", f"version: {number}".encode(), 1).replace(b"\n", b"\r\n")
    bad = good.replace(b"x-element: HYDJRQ", b"x-element: HYDJR", 1)
    for language, said in (("zh_CN", "数据元不存在"), ("en", "no data element 'HYDJR'")):
        page.goto(f"{served.url}/catalogue/publish?lang={language}")
        page.locator("#file").set_input_files({"name": "a.yaml", "mimeType": "text/yaml", "buffer": bad})
        page.get_by_role("button", name=re.compile("^(检查|Check)$")).click()
        expect(page.locator(".beside").filter(has_text=said)).to_contain_text("DJRQ")
        fits(page)
        found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa"]}).response["violations"]
        assert [(v["id"], v["nodes"][0]["html"][:160]) for v in found] == []
    page.locator("#file").set_input_files({"name": "a.yaml", "mimeType": "text/yaml", "buffer": good})
    page.get_by_role("button", name="Check").click()
    page.get_by_role("button", name="Register as a draft").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Marriage checks")
    fits(page)
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa"]}).response["violations"]
    assert [(v["id"], v["nodes"][0]["html"][:160]) for v in found] == []
    expect(page.get_by_role("button", name=f"Publish {number}")).to_be_visible()
