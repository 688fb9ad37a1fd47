"""Undocumented is failing: commands, routes, settings, error classes and words all have their place in docs/."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from exchange import reference
from exchange.http.problems import STATUS
from exchange.settings import Settings

DOCS = Path(__file__).parents[3] / "docs"


@pytest.mark.parametrize("page", reference.pages())
def test_reference_pages_are_current(page: str) -> None:
    assert (DOCS / page).read_text() == reference.pages()[page](), "run: python -m exchange.reference"


def test_every_command_has_help_and_an_example() -> None:
    for section in reference.cli().split("\n## ")[1:]:
        name, _, body = section.partition("\n")
        assert "Example" in body, f"{name} shows no example"


def test_every_route_says_what_it_does() -> None:
    bare = re.findall(r"^\| `(.*)` \|\s*\|$", reference.api(), re.M)
    assert bare == []


def test_every_setting_is_documented_and_nothing_else() -> None:
    documented = set(re.findall(r"^\| `(TONGBAN_\w+)`", (DOCS / "settings.md").read_text(), re.M))
    assert documented == {f"TONGBAN_{field.name.upper()}" for field in fields(Settings)}


def test_every_error_is_documented() -> None:
    text = (DOCS / "errors.md").read_text()
    for kind, status in STATUS.items():
        assert f'<a id="{status}"></a>{status} | {kind.__name__}' in text


def test_links_between_documents_lead_somewhere() -> None:
    pages = [*DOCS.glob("*.md"), *DOCS.parent.glob("*.md")]
    for page in pages:
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
