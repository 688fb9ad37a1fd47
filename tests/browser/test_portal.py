"""The portal in a real browser, wide and narrow, in both languages."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from specs import library
from tests.browser.judging import PHONE, WIDE, accessible, fits, on_every_screen, sign_in
from tests.conftest import Served

pytestmark = pytest.mark.browser


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
        "/ledger/witnesses",
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
    "reviewer@police": ["/applications", "/flows", "/pushes"],
    "developer@linan-software": [
        "/market",
        "/settlements",
        "/datasets",
        "/datasets/new?interface=police.resident-register",
    ],
    "citizen@citizens": ["/market/newborn", "/mine"],
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
}


FULLEST = {path.partition("?")[0]: login for login, paths in PAGES.items() for path in paths}
"""Who is judged to read a page by axe, which takes longest: of those it is shown to, the last, who see most of it."""


@pytest.mark.parametrize("login", PAGES)
def test_every_page_reads_well_and_is_accessible(once: Page, served: Served, login: str) -> None:
    if login:
        sign_in(once, served, login)
    for path in PAGES[login]:
        joint = "&" if "?" in path else "?"
        judged = FULLEST[path.partition("?")[0]] == login
        for language in ("zh_CN", "en"):
            answer = once.goto(f"{served.url}{path}{joint}lang={language}")
            assert answer is not None
            assert answer.status == 200, path
            for width in on_every_screen(once):
                # one language on each screen finds what it finds in both
                if judged and (width, language) in ((WIDE, "zh_CN"), (PHONE, "en")):
                    accessible(once)
            if language == "zh_CN":
                assert re.search(r"[一-鿿]", once.locator("h1").inner_text())


def test_a_citizen_opens_the_app_and_handles_a_matter(once: Page, served: Served) -> None:
    sign_in(once, served, "citizen@citizens")
    once.goto(f"{served.url}/market/newborn")
    once.get_by_role("button", name="Open this app").first.click()
    expect(once.get_by_role("heading", level=1)).to_be_visible()
    for _width in on_every_screen(once):
        pass
    for pointer in ("/mother/GMSFHM", "/father/GMSFHM"):
        expect(once.locator(f'[name="{pointer}"]')).to_be_visible()
    # submitted with gaps: the app lists all of them at once
    once.locator('[name="/newborn/XM"]').fill("赵安宁")
    once.evaluate("document.querySelectorAll('[required]').forEach(input => input.removeAttribute('required'))")
    once.get_by_role("button", name="Submit").click()
    expect(once.get_by_role("status").or_(once.get_by_role("alert"))).to_be_visible()


def test_a_vendor_asks_for_a_dataset_and_takes_it(once: Page, served: Served) -> None:
    sign_in(once, served, "developer@linan-software")
    once.goto(f"{served.url}/catalogue/police.resident-register")
    once.get_by_role("link", name="Ask for a dataset").click()
    expect(once.get_by_label("Table", exact=True)).to_contain_text("residents")
    once.get_by_label("Rows of each table").fill("2000")
    once.get_by_label("What it is for").fill("see how <b>names</b> are cleaned")
    once.get_by_label("Format").select_option("arrow")
    once.get_by_label("Defects").fill("missing=0.01")
    once.get_by_role("button", name="Ask for it").click()
    expect(once.get_by_role("heading", name="Files")).to_be_visible(timeout=60_000)
    expect(once.locator(".lead")).to_have_text("see how <b>names</b> are cleaned")
    with once.expect_download() as taken:
        once.get_by_role("link", name="residents.arrow", exact=True).click()
    assert taken.value.suggested_filename == "residents.arrow"
    expect(once.get_by_role("link", name="residents.arrow.defects.parquet")).to_be_visible()
    for _width in on_every_screen(once):
        accessible(once)
    once.get_by_role("button", name="Delete the files now").click()
    expect(once.get_by_role("status")).to_contain_text("not kept any more")


def test_an_error_is_a_page_for_people_and_a_problem_for_programs(once: Page, served: Served) -> None:
    once.goto(f"{served.url}/flows?outcome=refused")
    expect(once.get_by_role("heading", level=1)).to_have_text("Sign in")
    assert once.url.endswith("/sign-in?next=/flows%3Foutcome%3Drefused")
    for path in ("/market/nothing", "/catalogue/nothing", "/nothing"):
        answer = once.request.get(f"{served.url}{path}?lang=en", headers={"Accept": "text/html"})
        assert (answer.status, answer.headers["content-type"]) == (404, "text/html; charset=utf-8"), path
        assert "There is no such page" in answer.text()
        answer = once.request.get(served.url + path, headers={"Accept": "application/json"})
        assert (answer.status, answer.headers["content-type"]) == (404, "application/problem+json"), path
    answer = once.request.get(f"{served.url}/api/v1/interfaces/nothing", headers={"Accept": "text/html"})
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_citizen_sees_who_used_their_data_after_a_code_and_only_then(once: Page, served: Served) -> None:
    once.goto(f"{served.url}/my-data")
    once.get_by_label("Citizen number").fill(_mother(served))
    once.get_by_role("button", name="Send me a code").click()
    code = re.search(r"验证码 (\d{6})", once.get_by_role("status").inner_text())
    assert code is not None
    once.get_by_label("Code").fill(code[1])
    once.get_by_role("button", name="Show who used my data").click()
    rows = once.get_by_role("region", name="Who used my data").locator("tbody tr")
    expect(rows.filter(has_text="Public security department").first).to_be_visible()
    expect(rows.filter(has_text="Birth of a child").first).to_be_visible()
    for _width in on_every_screen(once):
        accessible(once)
    once.get_by_role("button", name="Done, forget me here").click()
    expect(once.get_by_label("Citizen number")).to_be_visible()


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


def test_the_wrong_password_is_told_without_saying_which_part_was_wrong(once: Page, served: Served) -> None:
    once.goto(f"{served.url}/sign-in")
    once.on("console", lambda message: None)
    texts = []
    for login in ("officer@data-office", "nobody@nowhere"):
        answer = once.request.post(
            f"{served.url}/sign-in", form={"login": login, "password": "wrong-password", "next": "/"}
        )
        assert answer.status == 401
        found = re.search(r'role="alert">(.*?)<', answer.text())
        assert found
        texts.append(found[1])
    assert texts[0] == texts[1]


def test_the_list_narrows_while_one_types_and_counts_again(once: Page, served: Served) -> None:
    once.goto(f"{served.url}/catalogue?lang=en")
    search = once.get_by_label("Search")
    search.press_sequentially("婚姻")
    expect(once.get_by_role("status")).to_contain_text("4 interfaces")
    expect(search).to_be_focused()
    expect(search).to_have_value("婚姻")
    once.get_by_label("Kind").select_option("api")
    expect(once.get_by_role("status")).to_contain_text("2 interfaces")
    expect(once.get_by_label("Kind").locator("option:checked")).to_have_text("service (2)")
    expect(once).to_have_url(re.compile("kind=api"))
    once.reload()
    expect(once.get_by_role("status")).to_contain_text("2 interfaces")
    once.get_by_role("link", name="show everything").click()
    expect(once.get_by_role("status")).to_contain_text("20 interfaces")


def test_an_operation_is_tried_from_the_reference_page(page: Page, served: Served) -> None:
    page.goto(f"{served.url}/catalogue/civil-affairs.marriages?lang=en")
    page.get_by_role("link", name="Reference and try-it").click()
    page.get_by_text("Try it in the sandbox").click()
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".result .told")).to_contain_text("200")
    expect(page.locator(".result")).to_contain_text('"PPJG"')
    fits(page)


def test_a_faulty_file_is_told_beside_its_lines_and_a_good_one_is_registered(once: Page, served: Served) -> None:
    sign_in(once, served, "engineer@civil-affairs")
    marriages = library.interfaces()["civil-affairs.marriages"].document.text
    number = "1.0.9"
    good = marriages.replace(b"version: 1.0.0", f"version: {number}".encode(), 1).replace(b"\n", b"\r\n")
    bad = good.replace(b"x-element: HYDJRQ", b"x-element: HYDJR", 1)
    for language, said in (("zh_CN", "数据元不存在"), ("en", "no data element 'HYDJR'")):
        once.goto(f"{served.url}/catalogue/publish?lang={language}")
        once.locator("#file").set_input_files({"name": "a.yaml", "mimeType": "text/yaml", "buffer": bad})
        once.get_by_role("button", name=re.compile("^(检查|Check)$")).click()
        expect(once.locator(".beside").filter(has_text=said)).to_contain_text("DJRQ")
        for width in on_every_screen(once):
            if (width, language) in ((WIDE, "zh_CN"), (PHONE, "en")):
                accessible(once)
    once.locator("#file").set_input_files({"name": "a.yaml", "mimeType": "text/yaml", "buffer": good})
    once.get_by_role("button", name="Check").click()
    once.get_by_role("button", name="Register as a draft").click()
    expect(once.get_by_role("heading", level=1)).to_have_text("Marriage checks")
    for _width in on_every_screen(once):
        accessible(once)
    expect(once.get_by_role("button", name=f"Publish {number}")).to_be_visible()


APPLICATION = {
    "interface": "police.residents", "operations": ["queryResident"], "fields": ["XM", "CSRQ"], "mode": "service",
    "legal_basis": "疫苗管理法第四十五条", "scenario": "接种提醒", "duration_days": 30, "approved_by": "负责人",
}  # fmt: skip


def test_a_department_sets_conditions_with_and_without_javascript(browser: Browser, served: Served) -> None:
    # contexts of its own: a form that is not accepted is an error to a browser's console
    scripted = browser.new_context(viewport={"width": WIDE, "height": 900}, locale="en-GB")
    once, errors = scripted.new_page(), list[str]()
    once.on("pageerror", lambda error: errors.append(str(error)))
    known = served.known["client disease-control"]
    grant = {"grant_type": "client_credentials", **{name: known[name] for name in ("client_id", "client_secret")}}
    token = once.request.post(f"{served.url}/oauth/token", form=grant).json()["access_token"]
    places = []
    for purpose in ("接种提醒", "接种统计"):
        wish, headers = {**APPLICATION, "purpose": purpose}, {"Authorization": f"Bearer {token}"}
        filed = once.request.post(f"{served.url}/api/v1/applications", data=wish, headers=headers)
        places.append(f"{served.url}/applications/{filed.json()['id']}")
    sign_in(once, served, "reviewer@police")
    plain = browser.new_context(
        java_script_enabled=False, locale="en-GB", storage_state=once.context.storage_state()
    ).new_page()
    for page, place in ((once, places[0]), (plain, places[1])):
        page.goto(place)
        page.get_by_label("Date of birth CSRQ").select_option("year")
        page.get_by_label("Field 1").select_option("/HJXZQH")
        page.get_by_label("Comparison 1").select_option("startsWith")
        page.get_by_label("Value; several with commas 1").fill("1101")
        if page is plain:
            page.get_by_role("button", name="Show what would leave").click()
        else:
            page.get_by_label("Value; several with commas 1").press("Tab")  # the preview follows by itself
        expect(page.locator("#preview")).to_contain_text("begins with “1101”")
        expect(page.locator("#preview")).to_contain_text("only the year, such as 1987-05-12 as 1987")
        page.get_by_role("button", name="Consent").click()
        expect(page.get_by_label("Statutory basis")).to_have_attribute("aria-invalid", "true")
        expect(page.get_by_label("Value; several with commas 1")).to_have_value("1101")
        if page is once:
            for _width in on_every_screen(page):
                accessible(page)
        page.get_by_label("Statutory basis").fill("政务数据共享条例第十四条")
        page.get_by_role("button", name="Consent").click()
        page.get_by_role("link", name=re.compile("^agr_")).click()
        expect(page.get_by_role("region", name="Fields")).to_contain_text("only the year")
    plain.context.close()
    scripted.close()
    assert errors == []
