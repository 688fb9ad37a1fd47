"""Cut an answer down to the agreed places. What no template names does not leave: default deny, also inside
containers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from exchange.agreements.scope import label, name_of

PROBLEM_MEMBERS = ("/type", "/title", "/status", "/code", "/rule")
"""Of an error answer these leave without being agreed: they name the kind of error. Free text such as
``detail`` may hold somebody's data and leaves only when it is an agreed field; so does an object under such a name.
"""
NOTHING = object()


@dataclass(slots=True)
class _Node:
    """A place on the way to agreed ones. ``below`` by name of the member or index of the item, ``each`` for all."""

    template: str | None = None
    plain: bool = False
    """Whether only a text, number, boolean or null leaves here."""
    below: dict[str, _Node] = field(default_factory=dict)
    each: _Node | None = None


@dataclass(frozen=True, slots=True)
class Reduced:
    """What may leave, the labels of the fields it really holds, and the number of records (1 unless a
    list).
    """

    value: Any
    fields: tuple[str, ...]
    records: int


class Reducer:
    """The templates of one scope, compiled once; `apply` is pure."""

    def __init__(self, templates: Iterable[str], plain: Iterable[str] = ()) -> None:
        """``plain`` are places of which only a text, a number, a boolean or null leaves."""
        self._root = _Node()
        self._labels: dict[frozenset[str], tuple[str, ...]] = {}
        for template, alone in (*((one, True) for one in plain), *((one, False) for one in templates)):
            node = self._root
            for part in template.split("/")[1:]:
                if part == "*":
                    node.each = node = node.each or _Node()
                else:
                    node = node.below.setdefault(name_of(part), _Node())
            node.template, node.plain = template, alone

    def apply(self, value: Any) -> Reduced:
        """``value`` (parsed JSON) reduced; an answer of which nothing is agreed becomes an empty container
        or null.
        """
        hit: set[str] = set()
        kept = _keep(value, [self._root], hit)
        if kept is NOTHING:
            kept = {} if isinstance(value, dict) else [] if isinstance(value, list) else None
        return Reduced(kept, self._told(frozenset(hit)), _count(kept) if hit else 0)

    def _told(self, hit: frozenset[str]) -> tuple[str, ...]:
        labels = self._labels.get(hit)
        if labels is None:
            if len(self._labels) > 500:  # optional fields come in endless combinations
                self._labels.clear()
            labels = self._labels[hit] = tuple(sorted({label(template) for template in hit}))
        return labels


def _keep(value: Any, nodes: list[_Node], hit: set[str]) -> Any:
    ends = [node for node in nodes if node.template is not None]
    if ends and isinstance(value, dict | list):
        ends = [node for node in ends if not node.plain]
        if not ends and not any(node.below or node.each for node in nodes):
            return NOTHING
    if ends:
        hit.update(node.template for node in ends if node.template is not None)
        return value
    if isinstance(value, dict):
        return _keep_members(value, nodes, hit)
    if isinstance(value, list):
        if not any(node.each or any(map(str.isdigit, node.below)) for node in nodes):
            return NOTHING
        kept = [(item, _next(nodes, str(index))) for index, item in enumerate(value)]
        shown = [_keep(item, inner, hit) if inner else NOTHING for item, inner in kept]
        return [item for item in shown if item is not NOTHING]
    return NOTHING


def _keep_members(value: dict[str, Any], nodes: list[_Node], hit: set[str]) -> Any:
    kept = {}
    if len(nodes) == 1 and nodes[0].each is None:  # nearly always
        below = nodes[0].below
        for name in [name for name in value if name in below]:
            if (shown := _keep(value[name], [below[name]], hit)) is not NOTHING:
                kept[name] = shown
        return kept
    for name, member in value.items():
        inner = _next(nodes, name)
        if inner and (shown := _keep(member, inner, hit)) is not NOTHING:
            kept[name] = shown
    return kept  # a container on the way to agreed places stays, even empty: its rows were agreed


def _next(nodes: list[_Node], name: str) -> list[_Node]:
    return [one for node in nodes for one in (node.below.get(name), node.each) if one is not None]


def _count(value: Any) -> int:
    """Records in an answer: of a list its length, of an object with one list member that list's, else 1."""
    if isinstance(value, dict):
        lists = [member for member in value.values() if isinstance(member, list)]
        value = lists[0] if len(lists) == 1 else value
    return len(value) if isinstance(value, list) else 1
