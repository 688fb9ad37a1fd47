"""The tags of an OpenAPI document, and whether their hierarchy (3.2) holds together."""

from __future__ import annotations

from collections.abc import Iterator

from specs.model import Tag
from specs.sources import Node
from specs.words import words


def read_tags(root: Node) -> tuple[Tag, ...]:
    """The tags under `tags:`, the first of each name. A parent that does not exist or is its own descendant is told."""
    found: dict[str, tuple[Tag, Node]] = {}
    for node in root.items("tags"):
        if not isinstance(node.value, dict):
            node.wrong("a tag (a mapping)")
        elif name := node.text("name"):
            beside = node.value.get("x-en")
            english = beside if isinstance(beside, dict) else {}
            tag = Tag(
                name=name,
                title=words(node.text("summary"), english.get("summary")),
                description=words(node.text("description"), english.get("description")),
                parent=node.text("parent"),
                kind=node.text("kind"),
                pointer=node.where,
            )
            found.setdefault(name, (tag, node))
        else:
            node.report("missing-field", "a tag without a name; left out", "add name:")
    parents = {name: tag.parent for name, (tag, _) in found.items()}
    for name, (tag, node) in found.items():
        if tag.parent is not None and tag.parent not in found:
            problem = f"the tag {name!r} names the parent {tag.parent!r}, which does not exist"
            node.get("parent").report("unresolved-ref", problem, "add the parent to tags")
    for name in _own_ancestors(parents):
        problem = f"the tag {name!r} is its own ancestor"
        found[name][1].get("parent").report("circular-ref", problem, "let one of them have no parent")
    return tuple(tag for tag, _ in found.values())


def _own_ancestors(parents: dict[str, str | None]) -> Iterator[str]:
    """One name of each circle."""
    done: set[str] = set()
    for start in parents:
        path: dict[str, None] = {}
        name: str | None = start
        while name is not None and name in parents and name not in done:
            if name in path:
                yield name
                break
            path[name] = None
            name = parents[name]
        done.update(path)
