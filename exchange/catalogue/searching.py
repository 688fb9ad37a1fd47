"""Full-text search of the catalogue, in Chinese and English: every word as it stands, the best place first.

Words are parted by blanks; every one must occur, as any part of the text: 婚姻 finds 结婚登记与婚姻状况. A word in the
title weighs more than one in a field or operation, that more than one in a description. Fields are found under every
name of their data element too: 身份证 finds what the document calls 公民身份号码. It is a plain scan: an index of
trigrams finds no word of two characters, which most Chinese words are; docs/catalogue.md has the figures.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, case, func, literal, or_, select

from exchange.catalogue import store
from exchange.catalogue.checking import element_of
from exchange.catalogue.index import ITEMS
from exchange.catalogue.model import Record, State
from exchange.catalogue.service import Catalogue
from exchange.catalogue.store import INTERFACES
from exchange.catalogue.texts import DESCRIPTION, FIELD, TITLE, plain
from exchange.errors import Invalid
from exchange.parties.access import Caller, permit

WORDS = 12
"""Words of a query that are looked at."""
WEIGHTS = {TITLE: 16, FIELD: 4, DESCRIPTION: 1}
"""What a word counts for at its best place; the whole title counts once more."""
AROUND = 30
"""Characters shown on either side of what was found."""
FEW = 500
"""Interfaces that are named one by one in a query; beyond it all rows are read."""
FACETS = ("kind", "department", "state", "sharing_class", "classification")
_ESCAPE = "\\"


@dataclass(frozen=True, slots=True)
class Wish:
    """What is looked for; empty words let everything through. ``element``: identifier or name; ``way``: gives | asks |
    key. ``sensitivity``: of the entry, or of any field."""

    q: str = ""
    kind: str = ""
    department: str = ""
    state: str = ""
    sharing: str = ""
    sensitivity: str = ""
    element: str = ""
    way: str = ""


@dataclass(frozen=True, slots=True)
class Snippet:
    """Where a word was found: ``where`` title | field | description, and the text, in pieces that match or do not."""

    where: str
    pieces: tuple[tuple[str, bool], ...]

    @property
    def text(self) -> str:
        """The pieces together."""
        return "".join(piece for piece, _ in self.pieces)


@dataclass(frozen=True, slots=True)
class Hit:
    """An interface found. ``score`` 0: nothing was asked in words."""

    record: Record
    score: int
    snippets: tuple[Snippet, ...]

    @property
    def key(self) -> str:
        """Where the next page goes on."""
        return f"{self.score}:{self.record.id}"


@dataclass(frozen=True, slots=True)
class Found:
    """One page of hits, and how many interfaces found there are in all: together, by each of `FACETS`, and
    by each ``sensitivity`` of the entry or a field."""

    hits: tuple[Hit, ...]
    total: int
    facets: Mapping[str, Mapping[str, int]]


class Searching:
    """Finds interfaces that the caller may see: all in force, and every one of the caller's own department."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue, self.database = catalogue, catalogue.database

    def find(self, caller: Caller | None, wish: Wish, *, after: str | None = None, limit: int = 50) -> Found:
        """Best first, then by id. ``after``: the key of the last hit of the page before.

        Raises `Invalid` for a key not made here.
        """
        words = words_of(wish.q)
        score = _score(words).label("score")
        columns = [INTERFACES.c[name] for name in FACETS]
        query = select(INTERFACES.c.id, score, *columns).where(self._chosen(caller, wish, words))
        with self.database.reading() as tx:
            # one scan: what counts the facets is in it, and only the rows of this page are read whole. Sorted here:
            # databases order texts in ways of their own
            rows = sorted(tx.execute(query).all(), key=lambda row: (-row.score, row.id))
            rest = rows if after is None else _behind(rows, after)
            scores = {row.id: row.score for row in rest[:limit]}
            whole = tx.execute(select(INTERFACES).where(INTERFACES.c.id.in_(scores))).all()
            levels = _levels(tx, {row.id for row in rows})
        levels |= {(row.id, row.classification) for row in rows if row.classification}
        made = [
            Hit(self.catalogue.record(store.line_of(row)), scores[row.id], snippets(row.search_shown or "", words))
            for row in whole
        ]
        counts = {name: Counter(row[2 + place] or "" for row in rows) for place, name in enumerate(FACETS)}
        counts["sensitivity"] = Counter(level for _, level in levels)
        facets = {name: dict(sorted(counted.items())) for name, counted in counts.items()}
        return Found(tuple(sorted(made, key=lambda hit: (-hit.score, hit.record.id))), len(rows), facets)

    def _chosen(self, caller: Caller | None, wish: Wish, words: list[str]) -> ColumnElement[bool]:
        by = permit(caller, "interface.read") if caller is not None else None
        seen = _live() if by is None else or_(_live(), INTERFACES.c.department == by.party)
        if wish.state == State.RETIRED:
            seen = INTERFACES.c.state == State.RETIRED  # whoever asks for it finds what there was
        parts = [seen, *(INTERFACES.c.search.like(_within(word), escape=_ESCAPE) for word in words)]
        exact = {"kind": wish.kind, "department": wish.department, "state": wish.state, "sharing_class": wish.sharing}
        parts += [INTERFACES.c[name] == value for name, value in exact.items() if value]
        if wish.sensitivity:
            fields = select(ITEMS.c.interface).where(ITEMS.c.sensitivity == wish.sensitivity)
            parts.append(or_(INTERFACES.c.classification == wish.sensitivity, INTERFACES.c.id.in_(fields)))
        if wish.element:
            known = element_of(wish.element)
            holding = select(ITEMS.c.interface).where(ITEMS.c.element == (known.id if known else wish.element))
            holding = holding.where(ITEMS.c.way == wish.way) if wish.way else holding
            parts.append(INTERFACES.c.id.in_(holding))
        return and_(*parts)


def _levels(tx: Connection, found: set[str]) -> set[tuple[str, str]]:
    """(interface, level) of every level of sensitivity that fields of these interfaces have."""
    query = select(ITEMS.c.interface, ITEMS.c.sensitivity).where(ITEMS.c.sensitivity != "").distinct()
    if len(found) <= FEW:
        query = query.where(ITEMS.c.interface.in_(found))
    return {(interface, level) for interface, level in tx.execute(query) if interface in found}


def _behind(rows: Sequence[Row[Any]], after: str) -> Sequence[Row[Any]]:
    """The rows that come after a key."""
    points, mark, id = after.partition(":")
    if not mark or not points.isdigit():
        raise Invalid("page_token was not made by this service", hint="use next_page_token of the page before")
    at = bisect_right(rows, (-int(points), id), key=lambda row: (-row.score, row.id))
    return rows[at:]


def words_of(q: str) -> list[str]:
    """The words of a query, each once."""
    return list(dict.fromkeys(plain(q).lower().split()))[:WORDS]


def snippets(shown: str, words: list[str], most: int = 2) -> tuple[Snippet, ...]:
    """The lines that hold a word found nowhere better, best place first."""
    places = {place[0]: place for place in (TITLE, FIELD, DESCRIPTION)}
    waiting = list(words)
    made: list[Snippet] = []
    for line in shown.splitlines():
        found = [word for word in waiting if word in line[2:].lower()]
        if found and line[:1] in places and len(made) < most:
            made.append(Snippet(places[line[0]], _marked(line[2:], words)))
            waiting = [word for word in waiting if word not in found]
    return tuple(made)


def _marked(line: str, words: list[str]) -> tuple[tuple[str, bool], ...]:
    """A piece of a line around the first word in it, with every word marked."""
    lower = line.lower()
    if len(lower) != len(line):  # a character whose small form is longer: mark nothing rather than the wrong place
        return ((line[: 2 * AROUND], False),)
    spans = sorted(
        (at, at + len(word)) for word in words for at in range(len(lower)) if lower.startswith(word, at) and word
    )
    start, end = max(0, spans[0][0] - AROUND), min(len(line), spans[0][1] + AROUND)
    pieces: list[tuple[str, bool]] = [("…", False)] if start > 0 else []
    at = start
    for begin, stop in spans:
        begin, stop = max(begin, at), min(stop, end)
        if begin >= stop:
            continue
        pieces += [(line[at:begin], False), (line[begin:stop], True)]
        at = stop
    pieces += [(line[at:end], False), ("…" if end < len(line) else "", False)]
    return tuple((text, marked) for text, marked in pieces if text)


def _live() -> ColumnElement[bool]:
    return INTERFACES.c.state.in_([State.PUBLISHED, State.DEPRECATED])


def _score(words: list[str]) -> ColumnElement[int]:
    total: Any = literal(0)
    title = func.coalesce(INTERFACES.c.search_title, "")
    fields = func.coalesce(INTERFACES.c.search_fields, "")
    for word in words:
        within = _within(word)
        best = case(
            (title.like(within, escape=_ESCAPE), WEIGHTS[TITLE]),
            (fields.like(within, escape=_ESCAPE), WEIGHTS[FIELD]),
            else_=WEIGHTS[DESCRIPTION],
        )
        # a line of the title that is just this word
        whole = ("\n" + title + "\n").like(f"%\n{_escaped(word)}\n%", escape=_ESCAPE)
        total = total + best + case((whole, WEIGHTS[TITLE]), else_=0)
    return total  # type: ignore[no-any-return]


def _within(word: str) -> str:
    return f"%{_escaped(word)}%"


def _escaped(word: str) -> str:
    return word.replace(_ESCAPE, _ESCAPE * 2).replace("%", r"\%").replace("_", r"\_")
