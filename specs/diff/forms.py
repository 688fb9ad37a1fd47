"""What stands around the schema of a body: how the parts of a form are written, and where an answer leads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from specs.diff.change import Side
from specs.diff.report import Node, Report
from specs.model import Content

_WORDS = {"description", "summary"}


def encodings(report: Report, node: Node, side: Side, old: Content, new: Content) -> None:
    """The parts of a form: the media types each may have, and how it is spelled."""
    at = old.pointer, new.pointer
    for name in dict.fromkeys([*old.encoding, *new.encoding]):
        before, after = (_mapping(one.encoding.get(name)) for one in (old, new))
        if before == after:
            continue
        others = [word for word in dict.fromkeys([*before, *after]) if before.get(word) != after.get(word)]
        for word in others:
            report.add(node, _moved(word, before, after, side), side, f"{word} of part {name} changed", *at)


def _moved(word: str, old: Mapping[str, Any], new: Mapping[str, Any], side: Side) -> str:
    if word in ("style", "explode", "allowReserved") and {word} <= old.keys() & new.keys():
        return "part-spelled-otherwise"
    if word != "contentType" or not isinstance(old.get(word), str) or not isinstance(new.get(word), str):
        return "encoding-changed"
    ours, theirs = (frozenset(kind.strip().lower() for kind in str(one[word]).split(",")) for one in (old, new))
    lost, won = ours - theirs, theirs - ours
    if not lost and not won:
        return "text-changed"
    if lost and won:
        return "part-type-changed"
    return "part-type-narrowed" if lost else "part-type-widened"


def link(old: Any, new: Any) -> str:
    """The check for one link."""
    if old is None:
        return "link-added"
    if new is None:
        return "link-removed"
    words = {word for word in {**_mapping(old), **_mapping(new)} if _mapping(old).get(word) != _mapping(new).get(word)}
    return "text-changed" if words <= _WORDS else "link-changed"


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
