"""Realism reports in a real browser: they fit a phone, and can be read by all, light and dark, in both languages."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from playwright.sync_api import Page

from mockdata.population import Population
from mockdata.realism import measure
from mockdata.realism.datapage import datapage
from mockdata.realism.dataset import profile
from mockdata.realism.page import page as written
from specs import library
from tests.browser.judging import COLOURS, accessible

pytestmark = pytest.mark.browser
VEHICLES = library.interfaces()["police.vehicles"]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("realism")
    report = measure(Population("page", 30_000), 30_000)
    texts = {language: written(report, language) for language in ("zh_CN", "en")}  # type: ignore[arg-type]
    (folder / "cars.csv").write_text(
        "HPHM,GMSFHM,XM,CLPP,CCDJRQ\n"
        + "".join(
            f"A{at},1101051990010100{at % 90 + 10},王小明,{'大众牌' * (at % 9)},2020-01-01\n" for at in range(400)
        ),
        encoding="utf-8",
    )
    texts["data"] = datapage(profile(folder / "cars.csv", VEHICLES, VEHICLES.tables[0], date(2026, 11, 1), "en"), "en")
    for name, text in texts.items():
        (folder / f"{name}.html").write_text(text, encoding="utf-8")
    return {name: folder / f"{name}.html" for name in texts}


@pytest.mark.parametrize("name", ["zh_CN", "en", "data"])
def test_reports_fit_and_can_be_read_by_all(page: Page, pages: dict[str, Path], name: str) -> None:
    page.goto(pages[name].as_uri())
    assert page.locator("svg").count() > 2
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    # no word of a plot stands outside it
    outside = """[...document.querySelectorAll("svg text")].filter(one => {
        const box = one.getBoundingClientRect(), all = one.closest("svg").getBoundingClientRect();
        return box.left < all.left - 1 || box.right > all.right + 1 || box.bottom > all.bottom + 1;
    }).map(one => one.textContent)"""
    assert page.evaluate(outside) == []
    phone = page.viewport_size is not None and page.viewport_size["width"] < 500
    if (name, phone) not in (("en", True), ("data", False)):
        return  # the pages differ in words and widths alone, and this check is slow
    # hundreds of dots, none of them a control, would cost seconds
    within = {"exclude": ["svg", "details + details"]}
    accessible(page, within)
    page.emulate_media(color_scheme="dark")
    accessible(page, within, only=COLOURS)
