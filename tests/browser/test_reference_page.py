"""Reference pages in a real browser: languages, form against a real sandbox, no script from a document's words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

import specs
from mockdata.sandbox import Sandbox
from mockdata.sandbox.serve import ServedSandbox
from specs import library
from specs.exporters.html import html
from tests.browser.judging import COLOURS, accessible, fits

pytestmark = pytest.mark.browser
MARRIAGES = library.interfaces()["civil-affairs.marriages"]
EVIL = "</script><script>window.hacked = 1</script><img src=x onerror='window.hacked = 1'>\"><b>"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[str]:
    with ServedSandbox(Sandbox([MARRIAGES], bare=True)) as served:
        yield served.url


def shown(page: Page, folder: Path, text: str) -> None:
    path = folder / "page.html"
    path.write_text(text, encoding="utf-8")
    page.goto(path.as_uri())


def test_an_operation_is_tried_against_the_sandbox(page: Page, tmp_path: Path, sandbox: str) -> None:
    shown(page, tmp_path, html(MARRIAGES, "en", sandbox))
    page.get_by_text("Try it in the sandbox").click()
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".result .told")).to_contain_text("200")
    expect(page.locator(".result")).to_contain_text('"PPJG"')
    assert "Prefer" not in page.locator(".command").inner_text()
    page.get_by_label("Answer to ask for").select_option("503")
    expect(page.locator(".command")).to_contain_text("-H 'Prefer: code=503'")
    page.get_by_role("textbox", name="Request body").fill("{}")
    assert "--data '{}'" in page.locator(".command").inner_text()


def test_a_refusal_and_a_silent_sandbox_are_told(browser: Browser, tmp_path: Path, sandbox: str) -> None:
    page = browser.new_page()  # the console reports both as errors, as it should
    shown(page, tmp_path, html(MARRIAGES, "en", sandbox))
    page.get_by_text("Try it in the sandbox").click()
    page.get_by_role("textbox", name="Request body").fill("{}")
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".result .told.bad")).to_contain_text("422")
    page.get_by_label("Sandbox address").fill("http://127.0.0.1:9")
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".result .told.bad")).to_contain_text("No answer")
    page.get_by_label("Sandbox address").fill("javascript:alert(1)")
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".result .told.bad")).to_contain_text("must begin with http")
    page.close()


def test_the_language_changes_with_and_without_script(page: Page, browser: Browser, tmp_path: Path) -> None:
    text = html(MARRIAGES, "zh_CN")
    shown(page, tmp_path, text)
    expect(page.get_by_role("heading", level=1)).to_have_text("婚姻登记核验接口", use_inner_text=True)
    page.get_by_text("English", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Marriage checks", use_inner_text=True)
    assert page.evaluate("document.documentElement.lang") == "en"
    context = browser.new_context(java_script_enabled=False)
    plain = context.new_page()
    plain.goto((tmp_path / "page.html").as_uri())
    plain.get_by_text("English", exact=True).click()
    expect(plain.get_by_role("heading", level=1)).to_have_text("Marriage checks", use_inner_text=True)
    plain.get_by_text("Try it in the sandbox").click()
    expect(plain.get_by_role("button")).to_have_count(0)
    expect(plain.locator(".command")).to_contain_text("curl -X POST")
    context.close()


@pytest.mark.parametrize("id", ["civil-affairs.marriages", "medical-insurance.insured-persons"])
def test_pages_fit_and_can_be_read_by_all(page: Page, tmp_path: Path, id: str) -> None:
    shown(page, tmp_path, html(library.interfaces()[id], "en"))
    for summary in page.locator(".try summary").all():
        summary.click()
    fits(page)
    accessible(page)
    page.emulate_media(color_scheme="dark")
    accessible(page, only=COLOURS)


def test_words_of_a_document_never_run(page: Page, tmp_path: Path) -> None:
    field = {"type": "string", "title": EVIL, "description": EVIL, "enum": [EVIL]}
    body = {"content": {"application/json": {"schema": {"properties": {EVIL: field}}, "example": {EVIL: EVIL}}}}
    document = {
        "openapi": "3.1.0",
        "info": {"title": EVIL, "description": EVIL, "version": EVIL},
        "servers": [{"url": "javascript:window.hacked=1"}],
        "paths": {
            f"/{EVIL}": {
                "post": {
                    "operationId": EVIL,
                    "summary": EVIL,
                    "requestBody": body,
                    "parameters": [{"name": EVIL, "in": "query", "required": True, "schema": field}],
                    "responses": {"200": {"description": EVIL, **body}},
                }
            }
        },
    }
    shown(page, tmp_path, html(specs.read(json.dumps(document).encode(), "evil.json"), "en", EVIL))
    for summary in page.locator("summary").all():
        summary.click()
    page.locator("select").last.focus()
    assert page.evaluate("window.hacked") is None
    assert page.locator("img, b").count() == 0
    expect(page.get_by_role("heading", level=1)).to_have_text(EVIL)
