"""Collect the portal's messages and bring the .po files up to date: ``python -m exchange.portal.translate``.

The tests call `missing` to hold that every message has its words in both languages and none is fuzzy.
"""

from __future__ import annotations

import io
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from exchange.portal.language import LANGUAGES

HERE = Path(__file__).parent
METHODS = [("templates/**.html", "jinja2"), ("**.py", "python")]
OPTIONS = {"templates/**.html": {"trimmed": "true", "newstyle_gettext": "true"}}


def collected() -> Catalog:
    """Every message of templates and modules."""
    catalog = Catalog(project="tongban", charset="utf-8")
    for name, _line, message, _comments, _context in extract_from_dir(HERE, METHODS, OPTIONS):
        catalog.add(message, locations=[(name, 0)])
    return catalog


def path(language: str) -> Path:
    """The .po file of a language."""
    return HERE / "locale" / language / "LC_MESSAGES" / "messages.po"


def read(language: str) -> Catalog:
    """The present messages of a language; empty when there is no file yet."""
    file = path(language)
    content = file.read_bytes() if file.exists() else b""
    return read_po(io.BytesIO(content), locale=language)


def missing(language: str) -> list[str]:
    """Messages without words, fuzzy ones, and ones no page uses any more."""
    present, wanted = read(language), collected()
    bad = []
    for message in wanted:
        if not message.id:
            continue
        found = present.get(message.id)
        words = (found.string if isinstance(found.string, tuple) else (found.string,)) if found else ()
        if found is None or found.fuzzy or not words or not all(words):
            bad.append(f"no words for {message.id!r}")
    known = {_key(message.id) for message in wanted}
    bad += [f"not used any more: {message.id!r}" for message in present if message.id and _key(message.id) not in known]
    return bad


def _key(identifier: object) -> object:
    return identifier[0] if isinstance(identifier, tuple | list) else identifier


def main() -> None:
    """Rewrite both .po files: new messages added, old words kept, unused ones dropped. English words are the ids."""
    template = collected()
    for language in LANGUAGES:
        catalog = read(language)
        catalog.update(template, no_fuzzy_matching=True)
        catalog.obsolete.clear()
        if language == "en":
            for message in catalog:
                if message.id and not any(message.string if isinstance(message.string, tuple) else (message.string,)):
                    message.string = message.id
        catalog.header_comment, catalog.fuzzy = f"# Words of the portal, {language}.", False
        catalog.project, catalog.version, catalog.msgid_bugs_address = "tongban", "0.1", ""
        catalog.last_translator, catalog.language_team = "", ""
        path(language).parent.mkdir(parents=True, exist_ok=True)
        with path(language).open("wb") as file:
            write_po(file, catalog, width=110, sort_output=True, omit_header=False, no_location=True)
        print(f"{language}: {len(missing(language))} messages need words")


if __name__ == "__main__":
    main()
