"""Does somebody share this already? What sharing can supply must not be collected again (art 19).

Pure functions over items: `findings` compares one interface with those in force. Three kinds:

- ``shared``: other departments give the same element; the authority names one of them the lead source (数源部门);
- ``collected``: callers are asked for something that another department shares; it can be fetched instead;
- ``duplicate``: another interface means nearly the same as a whole (`likeness`).

None of them stops a publication: two departments may each be right. They are shown before and after it, and kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection

from exchange.catalogue import index
from exchange.catalogue.items import ASKS, GIVES, KEY, Holder, Item
from specs import elements

ALIKE = 0.6
"""Likeness from which two interfaces are called duplicates."""
LITTLE = 0.25
"""Weight of an element that is in everything, against 1."""
SOURCES = 10
"""Sources named one by one in a finding."""

# whom a record is about: every interface needs it, so sharing it says nothing
_WHOSE = {
    "GMSFHM", "XM", "XBDM", "CSRQ", "ZJHM", "ZJLXDM", "LXDH", "TYSHXYDM", "DWMC", "XZQH", "XZQHMC", "JGDM", "JGMC",
    "SLH", "YWLSH"
}  # fmt: skip
# what every record has about itself
_OF_RECORDS = {
    "BZ", "GXSJ", "CJSJ", "DJSJ", "DJRQ", "TJSJ", "FBSJ", "SQRQ", "SLRQ", "SLSJ", "BJRQ", "BJSJ", "KSRQ", "JSRQ",
    "KSSJ", "JSSJ", "TJNY", "ND", "JLBS", "JLZTDM", "SCBZ", "SFYX", "BBH", "SJLY", "PXH", "QQBS", "CWXX", "CWDM",
    "CWYY", "LRR", "GXR", "FJBS", "PPJG", "YYTJSJ", "JE", "QFRQ", "QFJG", "DJJG", "YXQQ", "YXQZ", "NDYXQ", "CLBS",
    "YHM"
}  # fmt: skip
TRIVIAL = frozenset(_WHOSE | _OF_RECORDS)
"""Elements that say who, when or how rather than what; alone they never make a finding."""


@dataclass(frozen=True, slots=True)
class Source:
    """A field of an interface in force that carries the element."""

    interface: str
    department: str
    title: Mapping[str, str]
    field: str


@dataclass(frozen=True, slots=True)
class Reuse:
    """One finding. ``element``, its ``title`` and the own ``fields`` are empty for a duplicate, which has a
    ``likeness`` from `ALIKE` to 1 and the meanings both have (``common``)."""

    kind: str
    element: str
    title: Mapping[str, str]
    fields: tuple[str, ...]
    sources: tuple[Source, ...]
    more: int = 0
    likeness: float = 0.0
    common: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The shape of the API."""
        return asdict(self)


def findings(own: Holder, others: Iterable[Holder]) -> tuple[Reuse, ...]:
    """What ``own`` has in common with interfaces in force: duplicates first, then elements, most shared first."""
    rest = [other for other in others if other.interface != own.interface]
    found = [*_duplicates(own, rest), *_elements(own, rest)]
    order = {"duplicate": 0, "shared": 1, "collected": 2}
    return tuple(sorted(found, key=lambda one: (order[one.kind], -one.likeness, -len(one.sources), one.element)))


def against(tx: Connection, own: Holder) -> tuple[Reuse, ...]:
    """`findings` against the index of the catalogue: only interfaces that have something in common are read."""
    telling = {item.element for item in own.items if item.element and item.element not in TRIVIAL}
    # fields without an element are compared by their titles, and only to find duplicates
    meanings = {item.meaning for item in own.items if item.way == GIVES and item.element not in TRIVIAL}
    return findings(own, index.of(tx, index.near(tx, telling, meanings)))


def likeness(one: Sequence[Item], other: Sequence[Item]) -> float:
    """Weighted Jaccard index over the meanings two interfaces give, 0 to 1; trivial elements weigh little.

    0 when fewer than three telling meanings are in both: small interfaces resemble each other by chance.
    """
    ours, theirs = _weights(one), _weights(other)
    both = ours.keys() & theirs.keys()
    if sum(ours[meaning] == 1.0 for meaning in both) < 3:
        return 0.0
    every = ours | theirs
    return sum(ours[meaning] for meaning in both) / sum(every.values())


def _weights(items: Sequence[Item]) -> dict[str, float]:
    given = (item for item in items if item.way == GIVES)
    return {item.meaning: LITTLE if item.element in TRIVIAL else 1.0 for item in given}


def _duplicates(own: Holder, others: Sequence[Holder]) -> list[Reuse]:
    found = []
    for other in others:
        # a service and a dataset of one department are two ways to the same data, not two entries for it
        if other.department == own.department and other.kind != own.kind:
            continue
        alike = round(likeness(own.items, other.items), 2)
        if alike >= ALIKE:
            common = tuple(sorted(_weights(own.items).keys() & _weights(other.items).keys()))
            source = Source(other.interface, other.department, other.title, "")
            found.append(Reuse("duplicate", "", {}, (), (source,), likeness=alike, common=common))
    return found


def _elements(own: Holder, others: Sequence[Holder]) -> list[Reuse]:
    shared: dict[str, list[Source]] = {}
    for other in others:
        if other.department == own.department:
            continue
        # what it was handed by its caller and gives back is no source of it
        handed = {item.meaning for item in other.items if item.way != GIVES}
        for item in other.items:
            if item.way == GIVES and item.element and item.element not in TRIVIAL and item.meaning not in handed:
                source = Source(other.interface, other.department, other.title, item.field)
                shared.setdefault(item.element, []).append(source)
    fields: dict[tuple[str, str], list[str]] = {}
    gives = {item.element for item in own.items if item.way == GIVES}
    handed = {item.meaning for item in own.items if item.way in (ASKS, KEY)}
    for item in own.items:
        echoed = item.way == GIVES and item.meaning in handed
        if item.element in shared and item.way != KEY and not echoed:
            kind = "shared" if item.way == GIVES else "collected"
            fields.setdefault((kind, item.element), []).append(item.field)
    made = []
    for (kind, element), names in fields.items():
        if kind == "collected" and element in gives and ("shared", element) in fields:
            continue
        sources = tuple(shared[element][:SOURCES])
        known = elements.dictionary().get(element)
        title = dict(known.title) if known else {"zh_CN": element}
        unique = tuple(dict.fromkeys(names))
        made.append(Reuse(kind, element, title, unique, sources, more=len(shared[element]) - len(sources)))
    return made
