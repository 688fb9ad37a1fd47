"""The fixed words of realism reports (words.yaml), and names of distributions, groups and sources in both languages.

Figures and groups are named in Chinese where they are measured; English names are looked up here.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml

from specs import elements

Language = Literal["zh_CN", "en"]

LEVELS = "一二三四五"
"""Numbers of generations."""


@cache
def _words() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("words.yaml").read_text("utf-8"))
    return found


def word(key: str, language: Language) -> str:
    """One fixed text. Raises KeyError for one there is not."""
    return str(_words()["words"][key][language])


def distribution(name: str, language: Language) -> str:
    """The name of a distribution."""
    return str(_words()["distributions"][name]) if language == "en" else name


def source(name: str, language: Language) -> str:
    """Where a figure is from."""
    return str(_words()["sources"][name]) if language == "en" else name


def group(of: str, name: str, language: Language) -> str:
    """The name of a group of a distribution; ethnic groups are named after their code."""
    if of == "民族":
        return str(elements.code_lists()["ethnic-group"].values[name][language])
    if language == "zh_CN":
        return name
    known = _words()["groups"] | _words()["provinces"]
    if name in known:
        return str(known[name])
    if of == "户规模与代数":
        size, level = name.removesuffix("代").split("人")
        return f"{size} pers., {LEVELS.index(level) + 1} gen."
    return name.replace("岁及以上", "+").removesuffix("岁").replace("人户", " persons")
