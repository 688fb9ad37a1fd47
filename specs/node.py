"""One place of a document: tolerant access to what stands there, with a finding where it is not what belongs there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from specs.parse import Document
from specs.schema import escape

if TYPE_CHECKING:
    from specs.sources import Sources


class Node:
    """One place of a document and its value. Access never raises: what is missing or of the wrong type reads
    as empty, the latter with a finding."""

    __slots__ = ("_key", "_pointer", "document", "sources", "value")

    def __init__(
        self, sources: Sources, document: Document, pointer: str, value: Any, key: str | int | None = None
    ) -> None:
        """`pointer` leads to the node itself or, with `key`, to what holds it."""
        self.sources, self.document, self.value = sources, document, value
        self._pointer, self._key = pointer, key

    def __contains__(self, key: str) -> bool:
        return isinstance(self.value, dict) and key in self.value

    @property
    def pointer(self) -> str:
        """The JSON pointer; put together when first asked for, which for most nodes is never."""
        if self._key is not None:
            step = escape(self._key) if isinstance(self._key, str) else self._key
            self._pointer, self._key = f"{self._pointer}/{step}", None
        return self._pointer

    @property
    def where(self) -> str:
        """The pointer as the model keeps it: with the file's name when it is not the main document."""
        return self.pointer if self.document is self.sources.main else f"{self.document.name}#{self.pointer}"

    @property
    def identity(self) -> tuple[str, str]:
        """Document name and pointer: equal for equal places."""
        return self.document.name, self.pointer

    # Most members a format knows are absent or right: the readers below look first and make a node only to report.

    def get(self, key: str) -> Node:
        """The member `key`; its value is None when there is none."""
        value = self.value.get(key) if isinstance(self.value, dict) else None
        return Node(self.sources, self.document, self.pointer, value, key)

    def at(self, index: int) -> Node:
        """The item `index` of a list."""
        return Node(self.sources, self.document, self.pointer, self.value[index], index)

    def mapping(self, key: str) -> Node:
        """The member `key`, a mapping; an empty one if it is missing or something else."""
        node = self.get(key)
        if not isinstance(node.value, dict):
            node.wrong("a mapping")
            node.value = {}
        return node

    def items(self, key: str) -> list[Node]:
        """The items of the list `key`; a lone value counts as a list of one."""
        if isinstance(self.value, dict) and self.value.get(key) is None:
            return []
        node = self.get(key)
        if isinstance(node.value, list):
            return [node.at(index) for index in range(len(node.value))]
        if node.value is None:
            return []
        node.report("loose-type", f"{key} is {kind_of(node.value)}, not a list; read as a list of one")
        return [node]

    def text(self, key: str) -> str | None:
        """The member `key` as a string; a number or boolean is taken as written."""
        value = self.value.get(key) if isinstance(self.value, dict) else None
        if value is None or isinstance(value, str):
            return value
        node = self.get(key)
        if isinstance(value, bool | int | float):
            spoken = str(value).lower() if isinstance(value, bool) else str(value)
            node.report("loose-type", f"{key} is {kind_of(value)}, read as {spoken!r}", "quote it")
            return spoken
        node.wrong("a string")
        return None

    def flag(self, key: str, default: bool = False) -> bool:
        """The member `key` as a boolean; "true" and "false" count."""
        value = self.value.get(key) if isinstance(self.value, dict) else None
        if value is None or isinstance(value, bool):
            return default if value is None else value
        node = self.get(key)
        if isinstance(value, str) and value.strip().lower() in {"true", "false"}:
            node.report("loose-type", f"{key} is a string, not a boolean", "remove the quotes")
            return value.strip().lower() == "true"
        node.wrong("a boolean")
        return default

    def members(self) -> Iterator[tuple[str, Node]]:
        """The members of a mapping, in order."""
        if isinstance(self.value, dict):
            for key, value in self.value.items():
                yield key, Node(self.sources, self.document, self.pointer, value, key)

    def extensions(self) -> dict[str, Any]:
        """The x- members."""
        if not isinstance(self.value, dict):
            return {}
        return {key: value for key, value in self.value.items() if key.startswith("x-")}

    def wrong(self, wanted: str) -> None:
        """Report that this value, unless it is just missing, is not what the format asks for."""
        if self.value is not None:
            self.report("wrong-type", f"{kind_of(self.value)} where {wanted} belongs; ignored")

    def follow(self) -> Node:
        """This node, or what its `$ref` finally leads to; an empty mapping when it leads nowhere.

        A member beside the `$ref` that describes (`summary`, `description`) overrides the target's (OpenAPI
        3.1).
        """
        if not isinstance(self.value, dict) or not isinstance(self.value.get("$ref"), str):
            return self
        known, chain, seen = self.sources.followed, list[Node](), set[tuple[str, str]]()
        node = self
        while isinstance(node.value, dict) and isinstance(target := node.value.get("$ref"), str):
            if node.identity in known:
                node = known[node.identity]
                break
            if node.identity in seen:
                node.report("circular-ref", f"$ref {target!r} leads back to itself", "let one of them hold the value")
                node = Node(self.sources, node.document, node.pointer, {})
                break
            seen.add(node.identity)
            chain.append(node)
            node = self.sources.resolve(node, target) or Node(self.sources, node.document, node.pointer, {})
        for link in reversed(chain):  # each link is remembered: a long chain with many users is walked once
            said = {
                word: link.value[word] for word in ("summary", "description") if isinstance(link.value.get(word), str)
            }
            if said and node.value and isinstance(node.value, dict):
                node = Node(self.sources, node.document, node.pointer, {**node.value, **said})
            known[link.identity] = node
        return node

    def report(self, rule: str, message: str, hint: str = "") -> None:
        """Record a finding at this place."""
        self.sources.report(rule, self.document, self.pointer, message, hint)


def kind_of(value: Any) -> str:
    """What a value is, in words: "a mapping", "a list", "a string", …"""
    if value is None:
        return "nothing"
    names = {dict: "a mapping", list: "a list", str: "a string", bool: "a boolean"}
    return names.get(type(value), "a number")
