"""Technical names for Chinese ones: the identifier of a data element, else pinyin initials as GA/T 543 makes them."""

from __future__ import annotations

import re
from functools import lru_cache

from specs.words import is_chinese

MAX_NAME = 40


def identifier_of(text: str) -> str:
    """`text` as an identifier (ASCII letters, digits, `_`; no digit first): as it is, or pinyin initials in capitals.

    Never empty: a text without letters or digits gives "F".
    """
    plain = text.strip()
    if is_chinese(plain):
        plain = "".join(initials(part) if is_chinese(part) else part for part in re.split(r"([\u3400-\u9fff]+)", plain))
    made = re.sub(r"[^A-Za-z0-9_]+", "_", plain).strip("_")[:MAX_NAME]
    return made if made and not made[0].isdigit() else f"F{'_' if made else ''}{made}"


@lru_cache(maxsize=16384)
def initials(chinese: str) -> str:
    """The initials of a Chinese text's pinyin, in capitals: 公民身份号码 → GMSFHM."""
    from pypinyin import Style, lazy_pinyin

    return "".join(lazy_pinyin(chinese, style=Style.FIRST_LETTER, errors="ignore")).upper()


@lru_cache(maxsize=4096)
def slug_of(text: str) -> str:
    """`text` as the last part of an interface id: full pinyin and ASCII words joined by hyphens; "" for neither."""
    from pypinyin import lazy_pinyin

    words: list[str] = []
    for part in re.findall(r"[\u3400-\u9fff]+|[A-Za-z0-9]+", text):
        words += lazy_pinyin(part, errors="ignore") if is_chinese(part) else [part.lower()]
    made = ""
    for word in words:
        plain = re.sub(r"[^a-z0-9]", "", word.replace("ü", "v"))
        if plain and len(made) + len(plain) < 60:
            made = f"{made}-{plain}" if made else plain
    return made


def unused(name: str, taken: dict[str, int]) -> str:
    """`name`, or `name_2`, `name_3` … if it is taken (letter case does not tell names apart); takes it.

    `taken`: names in lower case, each with the last number that was added to it.
    """
    plain = name.lower()
    number = taken.get(plain, 0) + 1
    while number > 1 and f"{plain}_{number}" in taken:
        number += 1
    taken[plain] = number
    if number == 1:
        return name
    taken[f"{plain}_{number}"] = 1
    return f"{name}_{number}"


def listed(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())
