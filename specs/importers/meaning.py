"""Which data element a column of a draft probably carries."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from specs.elements import Element, dictionary, qualifiers, resolve
from specs.words import is_chinese


@dataclass(frozen=True, slots=True)
class Meaning:
    """An element, under the name a field would bind (`MQ_GMSFHM`), and what the guess rests on."""

    name: str
    element: Element
    reason: str


def meaning(name: str, title: str) -> Meaning | None:
    """The element of a column called `name`, titled `title` (Chinese); None when nothing fits."""
    if title and (found := _by_title(title)):
        return found
    if is_chinese(name):
        return _by_title(name)
    try:
        qualifier, element = resolve(name)
    except KeyError:
        return None
    return Meaning(
        f"{qualifier}_{element.id}" if qualifier else element.id, element, f"the name {name} is its identifier"
    )


def _by_title(title: str) -> Meaning | None:
    wanted = _bare(title)
    if element := _titles().get(wanted):
        return Meaning(element.id, element, f"it is called {title}")
    for words, mark in _owners():
        if wanted.startswith(words) and (element := _titles().get(wanted.removeprefix(words).lstrip("的"))):
            return Meaning(f"{mark}_{element.id}", element, f"it is called {title}")
    return None


def _bare(title: str) -> str:
    return "".join(title.split()).removesuffix("（代码）").removesuffix("(代码)")


@cache
def _titles() -> dict[str, Element]:
    found: dict[str, Element] = {}
    for element in dictionary().values():
        for words in (element.title.get("zh_CN", ""), *element.synonyms):
            if is_chinese(words):
                found.setdefault(_bare(words), element)
    return found


@cache
def _owners() -> tuple[tuple[str, str], ...]:
    known = [(qualifier.title.get("zh_CN", ""), id) for id, qualifier in qualifiers().items()]
    return tuple(sorted(((words, id) for words, id in known if words), key=lambda pair: -len(pair[0])))
