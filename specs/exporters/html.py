"""A reference page as one HTML file: both languages, light and dark, wide and narrow, with a form to try operations.

Nothing is loaded from elsewhere. Every text of the document is escaped, and the page's own policy allows just the two
inline blocks it was made with, by their hashes. Without JavaScript all of it can be read, the language switched and the
commands copied; only the form is not there.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from specs.exporters.blocks import Block, Cell, Facts, Grid, Heading, Link, Mono, Prose, Sample
from specs.exporters.labels import LABELS
from specs.exporters.markup import Markup, element, join, web_address
from specs.exporters.prose import paragraphs
from specs.exporters.reference import outline, reference, title_of
from specs.exporters.trial import trial, trials
from specs.model import Interface
from specs.words import Text

_LANGUAGES = {"zh_CN": "zh-CN", "en": "en"}
_NAMES = {"zh_CN": "中文", "en": "English"}
_FOLDER = Path(__file__).parent


def html(interface: Interface, language: str = "zh_CN", sandbox: str | None = None) -> str:
    """The page. `language` is the one shown first, `sandbox` the base URL of the form (editable on the page).

    The same interface gives the same bytes.
    """
    blocks = reference(interface)
    style, script = _asset("reference.css"), _asset("reference.js")
    data = json.dumps(trials(interface), ensure_ascii=False, sort_keys=True).replace("<", "\\u003c")
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; connect-src http: https:;"
        " img-src data:; form-action 'none'; base-uri 'none'"
    )
    head = join(
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("link", rel="icon", href="data:,"),
        element("title", title_of(interface, language)),
        element("style", Markup(style)),
    )
    body = join(
        *(_choice(one, one == language) for one in _LANGUAGES),
        element("header", _switch(), _sandbox(sandbox) if interface.operations else "", class_="bar"),
        element("div", _contents(blocks), _main(interface, blocks, sandbox), class_="columns"),
        element("script", Markup(data), type="application/json", id="page-data"),
        element("script", Markup(script)),
    )
    page = element("html", element("head", head), element("body", body), lang=_LANGUAGES[language])
    return f"<!doctype html>\n{page}\n"


def _asset(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


def _choice(language: str, chosen: bool) -> Markup:
    return element("input", type="radio", name="language", id=f"language-{_LANGUAGES[language]}", checked=chosen,
                   class_="choice")  # fmt: skip


def _switch() -> Markup:
    labels = [element("label", _NAMES[one], for_=f"language-{code}") for one, code in _LANGUAGES.items()]
    return element("div", *labels, class_="switch", role="group")


def _sandbox(sandbox: str | None) -> Markup:
    field = element("input", type="url", id="sandbox", value=sandbox or "http://127.0.0.1:4010", spellcheck="false")
    return element("label", words(LABELS["sandbox"]), " ", field, class_="sandbox", hidden=True)


def words(text: Text) -> Markup:
    """A text in every language it has; the page shows one of them."""
    said = {language: part for language, part in text.items() if part.strip()}
    paired = all(language in said for language in _LANGUAGES)
    if paired and said["zh_CN"] == said["en"]:
        return join(said["en"])
    return join(
        *(
            element("span", part, lang=_LANGUAGES.get(language, language), class_="said" if paired else None)
            for language, part in said.items()
        )
    )


def _contents(blocks: Sequence[Block]) -> Markup:
    links = []
    for heading in outline(blocks):
        named = (element("code", heading.mono), " ") if heading.mono else ()
        links.append(element("li", element("a", *named, words(heading.words), href=f"#{heading.anchor}"),
                             class_=f"level-{heading.level}"))  # fmt: skip
    summary = element("summary", words(LABELS["contents"]))
    return element("nav", element("details", summary, element("ol", *links), open=True))


def _main(interface: Interface, blocks: Sequence[Block], sandbox: str | None) -> Markup:
    return element("main", *(_block(interface, block, sandbox) for block in blocks))


def _block(interface: Interface, block: Block, sandbox: str | None) -> Markup:
    if isinstance(block, Heading):
        named = (element("code", block.mono), " ") if block.mono else ()
        return element(f"h{block.level}", *named, words(block.words), id=block.anchor or None)
    if isinstance(block, Prose):
        return _prose(block.words)
    if isinstance(block, Facts):
        rows = [
            element("div", element("dt", words(label)), element("dd", _cell(cell, linked=True)))
            for label, cell in block.rows
        ]
        return element("dl", *rows)
    if isinstance(block, Grid):
        return _grid(block)
    if isinstance(block, Sample):
        return element(
            "figure",
            element("figcaption", words(block.words)),
            element("pre", element("code", block.text), tabindex="0"),
        )
    return trial(interface, block.operation, sandbox)


def _prose(text: Text) -> Markup:
    said = {language: part for language, part in text.items() if part.strip()}
    paired = all(language in said for language in _LANGUAGES)
    made: list[Markup] = []
    for language, part in said.items():
        name = _LANGUAGES.get(language, language)
        made.append(element("div", *paragraphs(part), lang=name, class_="prose said" if paired else "prose"))
    return join(*made)


def _grid(grid: Grid) -> Markup:
    head = element("tr", *(element("th", words(column), scope="col") for column in grid.columns))
    rows = []
    for row in grid.rows:
        cells = []
        for column, cell in zip(grid.columns, row, strict=True):
            shown = _cell(cell)
            cells.append(
                element("td", shown, data_zh=column["zh_CN"], data_en=column["en"], class_=None if shown else "bare")
            )
        rows.append(element("tr", *cells))
    return element("div", element("table", element("thead", head), element("tbody", *rows)), class_="grid")


def _cell(cell: Cell, linked: bool = False) -> Markup:
    if isinstance(cell, Link):
        return element("a", cell.text, href=f"#{cell.anchor}")
    if not isinstance(cell, Mono):
        return words(cell)
    if not cell.text:
        return Markup("")
    shown = element("code", cell.text)
    address = web_address(cell.text) if linked else None
    return element("a", shown, href=address, rel="noreferrer") if address else shown
