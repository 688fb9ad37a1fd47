"""The page of a hosted sandbox: calls appear as they come, faults, clock and snapshots are set and taken back."""

from __future__ import annotations

import os
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Page, expect

from tests.browser.judging import PHONE, WIDE, accessible, fits, on_every_screen, sign_in
from tests.conftest import Served

pytestmark = pytest.mark.browser


def opened(page: Page, served: Served) -> dict[str, str]:
    """A fresh sandbox of the vendor, opened on the page: its address, key and page."""
    page.goto(f"{served.url}/testing?lang=en")
    for _width in on_every_screen(page):
        accessible(page)
    page.get_by_label("Services", exact=True).select_option("police.households")
    page.get_by_label("Seed (optional)").fill("7")
    page.get_by_role("button", name="Open", exact=True).click()
    key, url = (page.get_by_role("definition").nth(place).inner_text() for place in (0, 1))
    accessible(page)
    page.get_by_role("link", name="Go to the sandbox").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sandbox")
    return {"key": key, "url": url}


def call(box: dict[str, str], value: Any) -> httpx2.Response:
    headers = {"Authorization": f"Bearer {box['key']}"}
    return httpx2.post(f"{box['url']}/police.households/household-checks", json=value, headers=headers, timeout=30)


def test_a_vendor_watches_and_changes_a_sandbox(once: Page, served: Served) -> None:
    page = once
    sign_in(page, served, "developer@linan-software")
    box = opened(page, served)
    people = page.get_by_role("region", name="People at hand")
    expect(people.locator("tbody tr").first).to_be_visible(timeout=20_000)
    number = people.locator("tbody tr code").first.inner_text()
    # nothing is loaded again by hand: the call appears because it was made
    assert call(box, {"GMSFHM": number, "XM": 5}).status_code == 422
    rows = page.get_by_role("region", name="Calls").locator("tbody tr")
    expect(rows.first).to_contain_text("not as agreed", timeout=10_000)
    expect(rows.first).to_contain_text("/body/XM")
    page.get_by_label("Add a fault").select_option("503")
    page.get_by_label("Where").select_option("police.")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("region", name="Faults")).to_contain_text("status: 503")
    assert call(box, {"GMSFHM": number, "XM": "某"}).status_code == 503
    expect(rows.first).to_contain_text("fault", timeout=10_000)
    page.get_by_role("button", name="13 months on").click()
    expect(page.get_by_text("virtual, running")).to_be_visible()
    page.get_by_label("Name of a snapshot").fill("before")
    page.get_by_role("button", name="Take a snapshot").click()
    page.get_by_role("button", name="Restore before").click()
    for language in ("zh_CN", "en"):
        page.goto(f"{page.url.partition('?')[0].partition('#')[0]}?lang={language}")
        expect(page.locator("#people tbody tr, main section, [hx-get] #people").or_(rows).first).to_be_visible()
        for width in on_every_screen(page):
            if (width, language) in ((WIDE, "zh_CN"), (PHONE, "en")):
                accessible(page)
        if folder := os.environ.get("SCREENSHOTS"):
            page.wait_for_timeout(1500)
            width = page.viewport_size["width"]  # type: ignore[index]
            page.screenshot(path=f"{folder}/sandbox-{language}-{width}.png", full_page=True)
    page.get_by_role("button", name="Take away 1").click()
    expect(page.get_by_text("Nothing goes wrong on purpose.")).to_be_visible()
    page.get_by_role("button", name="Back to real time").click()
    expect(page.get_by_text("real time", exact=True)).to_be_visible()
    assert call(box, {"GMSFHM": number, "XM": "某"}).status_code < 500


def test_the_data_office_looks_and_changes_nothing(page: Page, served: Served) -> None:
    sign_in(page, served, "officer@data-office")
    page.goto(f"{served.url}/testing?lang=en")
    expect(page.get_by_role("button", name="Open", exact=True)).to_have_count(0)
    page.get_by_role("region", name="Open sandboxes").get_by_role("link").first.click()
    expect(page.get_by_role("heading", name="Calls")).to_be_visible()
    for name in ("Add", "Take a snapshot", "Forget everything written", "13 months on"):
        expect(page.get_by_role("button", name=name, exact=True)).to_have_count(0)
    fits(page)
    accessible(page)
