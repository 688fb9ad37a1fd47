"""What a contract says beside its tables: where the data are, who may have them, what they cost, its state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from specs.diff.change import Side
from specs.diff.leftovers import leftovers
from specs.diff.report import Node, Report

_SIDE = Side.RESPONSE
_COMPARED = {
    "schema", "slaProperties", "servers", "roles", "price", "status", "version", "id", "name", "kind", "apiVersion",
    "dataset",
}  # fmt: skip
_WORDS = {"description", "environment", "roles", "tags", "customProperties", "authoritativeDefinitions", "id"}
_STATES = ("proposed", "draft", "active", "deprecated", "retired")


def compare(report: Report, node: Node) -> None:
    """Note every difference between the terms of two contracts."""
    old, new = report.old.document.value, report.new.document.value
    for word, label, thing in (("servers", "server", "contract-server"), ("roles", "role", "role")):
        ours, theirs = (_named(one.get(word), label) for one in (old, new))
        for name in [*ours, *(name for name in theirs if name not in ours)]:
            at = ours.get(name, ("", None))[0] or f"/{word}", theirs.get(name, ("", None))[0] or f"/{word}"
            _entry(report, node, thing, name, ours.get(name), theirs.get(name), at)
    if old.get("price") != new.get("price"):
        report.add(node, "terms-changed", _SIDE, "price changed", "/price", "/price")
    if old.get("status") != new.get("status"):
        check = _state(str(old.get("status")).lower(), str(new.get("status")).lower())
        said = f"status {old.get('status') or '–'} became {new.get('status') or '–'}"
        report.add(node, check, _SIDE, said, "/status", "/status")
    leftovers(report, node, _SIDE, ("", ""), _COMPARED)


def _entry(
    report: Report,
    node: Node,
    thing: str,
    name: str,
    old: tuple[str, Mapping[str, Any]] | None,
    new: tuple[str, Mapping[str, Any]] | None,
    at: tuple[str, str],
) -> None:
    if old is None or new is None:
        way = "added" if old is None else "removed"
        report.add(node, f"{thing}-{way}", _SIDE, f"{thing.rpartition('-')[2]} {name} was {way}", *at)
        return
    moved = [word for word in dict.fromkeys([*old[1], *new[1]]) if old[1].get(word) != new[1].get(word)]
    telling = [word for word in moved if word not in _WORDS]
    if telling:
        said = ", ".join(f"{word} {old[1].get(word, '–')} became {new[1].get(word, '–')}" for word in telling)
        report.add(node, f"{thing}-changed", _SIDE, f"{name}: {said}", *at)
    elif moved:
        report.add(node, "text-changed", _SIDE, f"{', '.join(moved)} of {name} changed", *at)


def _named(listed: Any, label: str) -> dict[str, tuple[str, Mapping[str, Any]]]:
    found: dict[str, tuple[str, Mapping[str, Any]]] = {}
    word = f"{label}s"
    for index, one in enumerate(listed if isinstance(listed, list) else []):
        if isinstance(one, dict):
            found.setdefault(str(one.get(label) or one.get("type") or index), (f"/{word}/{index}", one))
    return found


def _state(old: str, new: str) -> str:
    """The check for a contract that moved on, or back, in its life."""
    if new == "retired":
        return "retired"
    if "deprecated" in (old, new):
        return "deprecated" if new == "deprecated" else "no-longer-deprecated"
    known = [_STATES.index(one) if one in _STATES else None for one in (old, new)]
    forward = known[0] is not None and known[1] is not None and known[0] < known[1]
    return "text-changed" if forward else "terms-changed"
