"""What an error says, in the reader's language: errors themselves are English, their Chinese stands in one file.

A line of ``problems.zh_CN.txt`` is an error's sentence with ``{}`` where it puts something in, `` = ``, and the
Chinese, where ``{0}`` is the first of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from exchange.errors import TongbanError
from exchange.portal.language import translations, words

SHORT = 16
_FILE = Path(__file__).parent / "problems.zh_CN.txt"


@cache
def sentences() -> Mapping[str, str]:
    """English sentence with ``{}`` → the Chinese one."""
    lines = _FILE.read_text(encoding="utf-8").splitlines()
    return {english: chinese for english, _, chinese in (line.rpartition(" = ") for line in lines if line)}


def said_of(error: TongbanError, code: str) -> str:
    """An error's sentence in a language; the English one where no other is known."""
    reason = error.extra.get("reason")
    if isinstance(reason, Mapping) and code in reason:
        return str(reason[code])
    return error.detail if code == "en" else chinese(error.detail) or error.detail


def chinese(detail: str) -> str:
    """The Chinese of an English sentence, "" where there is none. States inside it are put in words, too."""
    known = words("zh_CN")
    for pattern, said in _patterns():
        if found := pattern.fullmatch(detail):
            return said.format(*(known.get(part, part) for part in found.groups()))
    return ""


def refused_input(error: Mapping[str, Any], code: str) -> str:
    """What a form's check says of an input, without its value: it may be somebody's data."""
    _ = translations(code).gettext
    kind, limits = str(error["type"]), error.get("ctx", {})
    said = {
        "missing": _("It is missing."),
        "string_too_long": _("It is longer than %(max_length)s characters."),
        "string_too_short": _("It is shorter than %(min_length)s characters."),
        "greater_than_equal": _("It is at least %(ge)s."),
        "less_than_equal": _("It is at most %(le)s."),
        "int_parsing": _("It is a whole number."),
        "bool_parsing": _("It is yes or no."),
        "date_from_datetime_parsing": _("It is a day, such as 2026-01-31."),
        "date_parsing": _("It is a day, such as 2026-01-31."),
    }.get(kind, _("It is not written as it should be."))
    return f"{'/'.join(map(str, error['loc'][1:]))}: {said % limits}"


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    # what is most particular first: "no {} {}" would match half of the others
    ordered = sorted(sentences().items(), key=lambda pair: -len(pair[0].replace("{}", "")))
    return tuple((_pattern(english), said) for english, said in ordered)


def _pattern(english: str) -> re.Pattern[str]:
    pieces = english.split("{}")
    # where few words are left to know a sentence by, what is put in is one word
    hole = r"(\S+?)" if len("".join(pieces)) < SHORT else "(.+?)"
    return re.compile(hole.join(map(re.escape, pieces)), re.DOTALL)
