"""The pinyin of the dictionary's Chinese names: `python -m specs.elements.spelling` writes pinyin.yaml anew.

GA/T 543 makes identifiers of pinyin initials, and real tables are full of them, spelled out or shortened. What a
Chinese name sounds like is decided here once and kept as data, so that reading a field needs no pronunciation
dictionary and gives the same answer everywhere. A test holds the file to what this module gives.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from specs import elements
from specs.words import is_chinese

FILE = Path(__file__).with_name("pinyin.yaml")
_HEAD = """# Pinyin of every Chinese name of an element or qualifier, syllables parted by spaces.
# Made by `python -m specs.elements.spelling`; do not edit.
pinyin:
"""


def names() -> Iterator[str]:
    """Every Chinese name of an element or a qualifier, once."""
    marked: list[elements.Element | elements.Qualifier] = [*elements.dictionary().values()]
    marked += elements.qualifiers().values()
    every = (name for one in marked for name in (one.title.get("zh_CN", ""), *one.synonyms))
    yield from dict.fromkeys(name for name in every if is_chinese(name))


def spelled() -> str:
    """The text of pinyin.yaml."""
    from pypinyin import lazy_pinyin

    # 卡 is "ka" in every name here; alone it may be read "qia"
    lines = (
        f"  {name}: {' '.join(lazy_pinyin(name.replace('卡', '咔'))).replace('ü', 'v')}\n" for name in sorted(names())
    )
    return _HEAD + "".join(lines)


if __name__ == "__main__":
    FILE.write_text(spelled(), encoding="utf-8")
