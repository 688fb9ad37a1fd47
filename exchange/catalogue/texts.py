"""What a search looks through: the words of an interface by how much they weigh. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from exchange.catalogue.items import Item, items
from specs import elements
from specs.entry import entry
from specs.model import Interface

TITLE, FIELD, DESCRIPTION = "title", "field", "description"


@dataclass(frozen=True, slots=True)
class Texts:
    """``title`` and ``fields`` are what matches weigh more in, ``whole`` is everything: lower case, a line a phrase.
    ``shown`` has the same lines as written, each behind the first letter of where it stands and a bar (``t|婚姻登记``).
    """

    title: str
    fields: str
    whole: str
    shown: str


def texts(interface: Interface, found: Iterable[Item] | None = None) -> Texts:
    """Id and titles; operations, fields and what their elements are called; descriptions. In both languages."""
    known = entry(interface)
    titles = [interface.id, *interface.title.values(), *(known.name.values() if known else ())]
    fields = [word for item in (items(interface) if found is None else found) for word in _of(item)]
    for operation in interface.operations:
        fields += [operation.id, operation.path, *operation.summary.values()]
    for table in interface.tables:
        fields += [table.name, *table.title.values()]
    told = [*interface.description.values()]
    for operation in interface.operations:
        told += operation.description.values()
    if known is not None:
        for text in (known.abstract, known.use, known.scope):
            told += text.values()
        told += [f"{basis.law} {basis.article}" for basis in known.legal_basis]
    places = ((TITLE, _lines(titles)), (FIELD, _lines(fields)), (DESCRIPTION, _lines(told)))
    shown = [f"{place[0]}|{line}" for place, lines in places for line in lines]
    title, field, description = ("\n".join(lines).lower() for _, lines in places)
    return Texts(title, field, "\n".join((title, field, description)), "\n".join(shown))


def plain(text: str) -> str:
    """Text as it is compared: compatibility forms (full width, ligatures) as their plain characters."""
    return unicodedata.normalize("NFKC", text)


def _of(item: Item) -> Iterable[str]:
    yield from (item.field, *item.title.values())
    element = elements.dictionary().get(item.element)
    if element is not None:
        # under every name people look for it by, whatever this document calls it
        yield item.name
        yield "、".join(dict.fromkeys((element.title["zh_CN"], *element.synonyms)))


def _lines(words: Iterable[str]) -> list[str]:
    """Each phrase once, on a line of its own."""
    return list(dict.fromkeys(line for word in words if (line := " ".join(plain(word).split()))))
