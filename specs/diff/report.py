"""Where changes are gathered: each noticed once, with the operations it reaches."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field, replace

from specs.diff.change import Change, Relation, Side
from specs.diff.checks import CHECKS
from specs.model import Interface


@dataclass(slots=True)
class Node:
    """What was noticed at one pair of places, and the pairs inside it that were compared apart. `loose`: the values
    there travel as text."""

    loose: bool = False
    changes: list[Change] = field(default_factory=list)
    inner: list[Hashable] = field(default_factory=list)


class Report:
    """Changes between two interfaces. Pairs of schemas are nodes, so that what many operations share is compared
    once and still names all of them."""

    quiet = False

    def __init__(self, old: Interface, new: Interface) -> None:
        self.old, self.new = old, new
        self.nodes: dict[Hashable, Node] = {}
        self._roots: list[tuple[str, Node]] = []

    def root(self, operation: str) -> Node:
        """A node for what is said about one operation, table or workflow ("" for the whole interface)."""
        node = Node()
        self._roots.append((operation, node))
        return node

    def enter(self, node: Node, key: Hashable, *, loose: bool) -> Node | None:
        """A node for a pair of schemas inside `node`; None when the pair was met before."""
        node.inner.append(key)
        if key in self.nodes:
            return None
        self.nodes[key] = Node(loose=loose)
        return self.nodes[key]

    def add(
        self, node: Node, check: str, side: Side, message: str, old: str | None, new: str | None, *, hint: str = ""
    ) -> None:
        """Note a change under a check of the register. Raises KeyError for an unknown one."""
        level = CHECKS[check].level(side)
        change = Change(check, level, side, message, _near(self.old, old), _near(self.new, new), (), hint)
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
        telling = self._telling()
        reached: dict[Change, dict[str, None]] = {}
        for operation, root in self._roots:
            for change in self._below(root, telling):
                reached.setdefault(change, {})
                if operation:
                    reached[change][operation] = None
        every = [replace(change, operations=tuple(sorted(names))) for change, names in reached.items()]
        return tuple(sorted(every, key=lambda c: (c.level.rank, c.new or c.old or "", c.check, c.side, c.message)))

    def _telling(self) -> set[Hashable]:
        """The pairs where something was noticed, there or further inside."""
        around: dict[Hashable, list[Hashable]] = {}
        for key, node in self.nodes.items():
            for inner in node.inner:
                around.setdefault(inner, []).append(key)
        waiting = [key for key, node in self.nodes.items() if node.changes]
        found = set(waiting)
        while waiting:
            for key in around.get(waiting.pop(), ()):
                if key not in found:
                    found.add(key)
                    waiting.append(key)
        return found

    def _below(self, root: Node, telling: set[Hashable]) -> Iterable[Change]:
        waiting, seen = [root], set()
        while waiting:
            node = waiting.pop()
            yield from node.changes
            for key in node.inner:
                if key in telling and key not in seen:
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
