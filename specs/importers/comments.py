"""What a column's comment says: a title, and often the codes: `性别：1男 2女`, `状态(0-停用,1-启用)`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from specs.words import is_chinese

_PAIR = re.compile(
    r"(?<![0-9A-Za-z])([0-9]{1,4}|[A-Za-z]{1,2})\s*[-:：=、.．)）为]?\s*([\u3400-\u9fff][^\s,，;；、/|()（）0-9A-Za-z]{0,19})"
)
_TITLE = re.compile(r"[：:（(,，;；。\n]")


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment taken apart: `codes` maps values to meanings, empty unless it lists two or more."""

    title: str
    description: str
    codes: dict[str, str]


def comment(text: str) -> Comment:
    """The parts of a comment. The whole text is the description, unless it is no more than the title."""
    text = text.strip()
    codes = {code: meaning.strip() for code, meaning in _PAIR.findall(text)} if is_chinese(text) else {}
    if len(codes) < 2:
        codes = {}
    title = _TITLE.split(text, maxsplit=1)[0].strip()
    if codes:
        first = next(iter(codes))
        title = re.split(rf"(?<![0-9A-Za-z]){re.escape(first)}", title, maxsplit=1)[0].strip() or title
    if len(title) > 40:
        title = ""
    return Comment(title, "" if text == title else text, codes)
