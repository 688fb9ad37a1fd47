"""What every page is judged by: it fits its screen, and everybody can read it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.conftest import Served

WIDE, PHONE = 1280, 390
LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
COLOURS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
"""What another colour scheme can break."""


def fits(page: Page) -> None:
    """Nothing but a table or chart scrolls sideways."""
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth + 1"), page.url


def accessible(page: Page, within: Any = None, *, only: Any = LEVELS) -> None:
    """axe finds nothing against WCAG 2.1, level AA."""
    found = Axe().run(page, within, {"runOnly": only}).response["violations"]
    assert [(v["id"], v["nodes"][0]["html"][:160]) for v in found] == [], page.url


def on_every_screen(page: Page) -> Iterator[int]:
    """The page as it is now, wide and as wide as a phone; it fits both."""
    for width in (WIDE, PHONE):
        page.set_viewport_size({"width": width, "height": 900})
        # charts are drawn anew in the next frame
        page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        fits(page)
        yield width


def sign_in(page: Page, served: Served, login: str) -> None:
    """Sign in by the form, in English."""
    page.goto(f"{served.url}/sign-in?lang=en")
    page.get_by_label("Name").fill(login)
    page.get_by_label("Password").fill(served.password(login))
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Sign out").wait_for()
