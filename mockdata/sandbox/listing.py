"""Lists: the things of a collection, filtered, sorted and paged by what the operation declares."""

from __future__ import annotations

import math
import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from mockdata.instances import Unsatisfiable
from mockdata.instances.lifelike import tokens
from mockdata.instances.suggestions import Suggestions, lookup
from mockdata.sandbox.contract import Contract
from mockdata.sandbox.messages import Request
from mockdata.sandbox.parameters import Shape, write
from mockdata.sandbox.requests import Parsed
from mockdata.sandbox.resources import Layout, Resource, Role
from mockdata.sandbox.world import KEPT, Place, World, place
from mockdata.seeds import stream
from specs.model import Content

SIZES = frozenset(
    ("limit", "per page", "page size", "pagesize", "size", "count", "top", "max results", "rows", "page limit", "take")
)
STARTS = frozenset(("offset", "start", "skip", "start index", "from"))
PAGES = frozenset(("page", "page number", "pageno", "page no", "current page", "page index"))
SORTS = frozenset(("sort", "order", "order by", "sort by", "ordering"))
DIRECTIONS = frozenset(("order", "direction", "dir", "sort order", "sort direction", "sort dir", "order direction"))
TOTALS = frozenset(
    ("total", "total count", "total results", "total items", "total elements", "total records", "record count", "count")
)
_WAYS = frozenset(("asc", "desc", "ascending", "descending"))
_SORT = re.compile(r"([+-]?)([^:, ]+)(?:[:, ]\s*(asc|desc))?(?:,.*)?", re.IGNORECASE)
PAGED, UNPAGED = 57, 9  # how many virtual things a collection shows


@dataclass(frozen=True, slots=True)
class Window:
    """The part of a list that is asked for. `size` None: all of it. `number` is the page, from 1, where pages
    count.
    """

    start: int = 0
    size: int | None = None
    number: int | None = None


def window(contract: Contract, parsed: Parsed) -> Window:
    """The window the paging parameters ask for; defaults count where the caller says nothing."""
    size: int | None = None
    start, number, paged = 0, None, False
    for reader in contract.readers:
        if reader.parameter.location != "query":
            continue
        words = tokens(reader.parameter.name)
        value = parsed.query.get(reader.parameter.name, reader.parameter.schema.get("default"))
        value = value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
        if words in SIZES:
            size, paged = value, True
        elif words in STARTS and value is not None:
            start, paged = value, True
        elif words in PAGES:
            number, paged = value, True
    if paged and size is None:
        size = 20
    if number is not None and size is not None:
        start = max(number - 1, 0) * size
    return Window(start, size, number)


class Listing:
    """Answers the list operations of one world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._kept: OrderedDict[tuple[str, str, str], Any] = OrderedDict()

    def body(
        self, contract: Contract, content: Content, resource: Resource, parsed: Parsed, request: Request
    ) -> tuple[Any, int]:
        """The body of a list and how many things it is a window of. Raises Unsatisfiable."""
        where = place(resource, parsed.path)
        layout = self.world.layout(content, resource, Role.LIST)
        seed = stream(self.world.seed, self.world.interface.id, where.collection)
        if layout.items is None:
            return contract.answer(content).example(seed), 0
        wanted = window(contract, parsed)
        least, most = _bounds(content, layout, self.world)
        ids = self._ids(where, max(UNPAGED if wanted.size is None else PAGED, least))
        size = len(ids) if wanted.size is None else wanted.size
        part = slice(wanted.start, wanted.start + (size if most is None else min(size, most)))
        if _chooses(contract, parsed):
            items = _sorted(_filtered(self._items(content, layout, where, ids), contract, parsed, layout), parsed)
            total, shown = len(items), items[part]
        else:  # nothing depends on what the others are: draw only those shown
            total, shown = len(ids), self._items(content, layout, where, ids[part])
        if len(shown) < least:
            rest = self._items(content, layout, where, ids[: least * 2])
            shown = (shown + [item for item in rest if item not in shown])[:least]
        suggest = Suggestions().lay(shown, layout.items)
        suggest.ask(lambda path, schemas: _envelope(path, total, len(shown), wanted, request))
        return contract.answer(content).example(seed, suggest), total

    def _ids(self, where: Place, count: int) -> list[str]:
        """The ids of everything in a collection: virtual things, then written ones, oldest first."""
        world = self.world
        written = world.overlay.records(world.interface.id, where.collection)
        base = [id for id in world.base_ids(where, count) if id not in written]
        return base + [record.id for record in written.values() if not record.deleted]

    def _items(self, content: Content, layout: Layout, where: Place, ids: list[str]) -> list[Any]:
        made = (self._item(content, layout, where, id) for id in ids)
        return [item for item in made if item is not None]

    def _item(self, content: Content, layout: Layout, where: Place, id: str) -> Any:
        """One thing as the list shows it. A virtual one stays as it is: the latest are kept."""
        parameter = where.resource.parameter
        raw = {**where.path, parameter: id} if parameter is not None else where.path
        one = Place(where.resource, where.collection, id, raw)
        if self.world.written(one) is not None:
            return self._made(content, layout, one)
        key = (content.pointer or content.media_type, where.collection, id)
        if key not in self._kept:
            self._kept[key] = self._made(content, layout, one)
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return self._kept[key]

    def _made(self, content: Content, layout: Layout, one: Place) -> Any:
        world, id = self.world, one.id or ""
        written = world.written(one)
        entity = world.entity(one) if written is None else world.shown(one)
        makers = world.item_instances(content, layout)
        if entity and entity is not written and not layout.entity and makers.accepts(dict(entity)):
            return dict(entity)
        suggest = Suggestions()
        if layout.field is not None:
            suggest.lay(id, (*layout.entity, layout.field))
        suggest.lay(dict(entity), layout.entity)
        seed = stream(world.seed, world.interface.id, one.collection, "item", id)
        try:
            return makers.example(seed, suggest, lean=world.written(one) is not None)
        except Unsatisfiable:
            return None


def _bounds(content: Content, layout: Layout, world: World) -> tuple[int, int | None]:
    shape = Shape(content.schema, world.interface.resolve)
    for token in layout.items or ():
        shape = shape.member(str(token))
    return shape.least, shape.most


def _chooses(contract: Contract, parsed: Parsed) -> bool:
    """Whether the call filters or sorts."""
    asked = {reader.parameter.name for reader in contract.readers if reader.parameter.location == "query"}
    return any(tokens(name) not in SIZES | STARTS | PAGES | {"fields"} for name in asked & parsed.query.keys())


def _filtered(items: list[Any], contract: Contract, parsed: Parsed, layout: Layout) -> list[Any]:
    """Items that agree with every declared query parameter that names one of their members."""
    for reader in contract.readers:
        parameter = reader.parameter
        words = tokens(parameter.name)
        if (
            parameter.location != "query"
            or parameter.name not in parsed.query
            or words in SIZES | STARTS | PAGES | SORTS
            or (words in DIRECTIONS and str(parsed.query[parameter.name]).lower() in _WAYS)
        ):
            continue
        wanted = parsed.query[parameter.name]
        items = [item for item in items if _agrees(item, layout, words, wanted)]
    return items


def _agrees(item: Any, layout: Layout, words: str, wanted: Any) -> bool:
    try:
        entity = lookup(item, layout.entity)
    except LookupError:
        entity = item
    if not isinstance(entity, dict):
        return True
    named = [value for name, value in entity.items() if tokens(name) == words]
    if not named:
        return True
    choices = {write(one).lower() for one in (wanted if isinstance(wanted, list) else [wanted])}
    held = named[0] if isinstance(named[0], list) else [named[0]]
    return any(write(value).lower() in choices for value in held)


def _sorted(items: list[Any], parsed: Parsed) -> list[Any]:
    name, down = None, False
    for parameter, value in parsed.query.items():
        words = tokens(parameter)
        first = value[0] if isinstance(value, list) and value else value
        if not isinstance(first, str) or words not in SORTS | DIRECTIONS:
            continue
        if first.lower() in _WAYS:
            down = first.lower().startswith("desc")
        elif words in SORTS:
            said = _SORT.fullmatch(first)
            name = said[2] if said is not None else first
            down = down or (said is not None and (said[1] == "-" or (said[3] or "").lower() == "desc"))
    if name is None or not any(isinstance(item, dict) and name in item for item in items):
        return items

    def rank(item: Any) -> tuple[bool, float, str]:
        value = item.get(name) if isinstance(item, dict) else None
        number = float(value) if isinstance(value, int | float) else 0.0
        return value is None, number, write(value)

    return sorted(items, key=rank, reverse=down)


def _envelope(path: tuple[str | int, ...], total: int, shown: int, wanted: Window, request: Request) -> list[Any]:
    """What a member around the list should say."""
    if not path or not isinstance(path[-1], str) or len(path) > 3 or any(isinstance(token, int) for token in path):
        return []
    words = tokens(path[-1])
    size = wanted.size or max(total, 1)
    page = wanted.number if wanted.number is not None else wanted.start // size + 1
    values: Mapping[str, Any] = {
        **dict.fromkeys(TOTALS, total),
        **dict.fromkeys(SIZES - {"count"}, size),
        **dict.fromkeys(STARTS, wanted.start),
        **dict.fromkeys(PAGES, page),
        **dict.fromkeys(("total pages", "pages", "page count"), max(1, math.ceil(total / size))),
        "next": _link(request, wanted, size, total, 1),
        "prev": _link(request, wanted, size, total, -1),
        "previous": _link(request, wanted, size, total, -1),
        "has more": wanted.start + shown < total,
        "has next": wanted.start + shown < total,
    }
    return [values[words]] if words in values else []


def _link(request: Request, wanted: Window, size: int, total: int, step: int) -> str | None:
    start = wanted.start + step * size
    if not (0 <= start < total):
        return None
    changed: list[tuple[str, str]] = []
    for name, value in request.pairs:
        words = tokens(name)
        if words in PAGES:
            value = str((wanted.number or 1) + step)
        elif words in STARTS:
            value = str(start)
        changed.append((name, value))
    if not any(tokens(name) in PAGES | STARTS for name, _ in changed):
        changed.append(("page", str(start // size + 1)) if wanted.number is not None else ("offset", str(start)))
    return f"{request.path}?{urlencode(changed)}"
