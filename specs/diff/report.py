"""Where changes are gathered: each noticed once, with the operations it reaches."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from specs.diff.change import Change, Level, Relation, Side
from specs.diff.checks import CHECKS
from specs.model import Interface


@dataclass(slots=True)
class Node:
    """What was noticed at one pair of places, and the pairs inside it that were compared apart. `of` keeps the pair
    alive, as pairs are told apart by identity."""

    of: tuple[Any, Any] = (None, None)
    changes: list[Change] = field(default_factory=list)
    inner: list[Hashable] = field(default_factory=list)


@dataclass(slots=True)
class Trial:
    """Whether one schema takes in another; `of` keeps the pair alive."""

    of: tuple[Any, Any]
    covers: bool = True


class Report:
    """Changes between two interfaces. Pairs of schemas are nodes, so that what many operations share is compared
    once and still names all of them."""

    def __init__(self, old: Interface, new: Interface, trials: dict[Hashable, Trial] | None = None) -> None:
        """`trials`: pairs already tried against each other while alternatives were matched."""
        self.old, self.new = old, new
        self.nodes: dict[Hashable, Node] = {}
        self.trials: dict[Hashable, Trial] = {} if trials is None else trials
        self._roots: list[tuple[str, Node]] = []

    def root(self, operation: str) -> Node:
        """A node for what is said about one operation, table or workflow ("" for the whole interface)."""
        node = Node()
        self._roots.append((operation, node))
        return node

    def add(
        self,
        node: Node,
        check: str,
        side: Side,
        message: str,
        old: str | None,
        new: str | None,
        *,
        level: Level | None = None,
        hint: str = "",
    ) -> None:
        """Note a change under a check of the register. Raises KeyError for an unknown one."""
        judged = CHECKS[check].level(side)
        change = Change(check, level or judged, side, message, _near(self.old, old), _near(self.new, new), (), hint)
        if change not in node.changes:
            node.changes.append(change)

    def relate(
        self, node: Node, constraint: str, relation: Relation, side: Side, message: str, old: str, new: str
    ) -> None:
        """Note how a constraint moved, unless it stayed."""
        if relation is not Relation.SAME:
            self.add(node, f"{constraint}-{relation}", side, message, old, new)

    def changes(self) -> tuple[Change, ...]:
        """Everything, once each, the gravest first, then by place."""
        reached: dict[Change, dict[str, None]] = {}
        for operation, root in self._roots:
            for change in self._below(root):
                reached.setdefault(change, {})
                if operation:
                    reached[change][operation] = None
        every = [replace(change, operations=tuple(sorted(names))) for change, names in reached.items()]
        return tuple(sorted(every, key=lambda c: (c.level.rank, c.new or c.old or "", c.check, c.side, c.message)))

    def _below(self, root: Node) -> Iterable[Change]:
        waiting, seen = [root], set()
        while waiting:
            node = waiting.pop()
            yield from node.changes
            for key in node.inner:
                if key not in seen:
                    seen.add(key)
                    waiting.append(self.nodes[key])


def _near(interface: Interface, pointer: str | None) -> str | None:
    """The pointer, or the nearest one above it that the document has (a converted document has others)."""
    while pointer:
        document, inner = interface.place(pointer)
        if document.position(inner) is not None:
            return pointer
        if pointer.endswith("#") or "/" not in inner:
            return pointer
        pointer = pointer.rpartition("/")[0]
    return pointer
