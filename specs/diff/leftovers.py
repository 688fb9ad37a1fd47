"""What two versions say differently and nothing else looks at: words, and keywords of the publisher's own."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from specs.diff.change import Side
from specs.diff.remarks import BEHAVIOUR
from specs.diff.report import Node, Report
from specs.rules.places import written
from specs.schema import escape

_READ = {
    "element",
    "sensitivity",
    "en",
    "title_en",
    "description_en",
    "register",
    "department",
    "catalogue",
    "interface",
}
"""Custom properties of a contract that are compared where their meaning is."""


def leftovers(report: Report, node: Node, side: Side, at: tuple[str, str], known: Collection[str]) -> None:
    """Note what differs between the mappings at two pointers under other keywords than `known`."""
    old, new = written(report.old, at[0]), written(report.new, at[1])
    if not isinstance(old, dict) or not isinstance(new, dict):
        return
    for word in dict.fromkeys([*old, *new]):
        if word in known or old.get(word) == new.get(word):
            continue
        name = str(word)
        places = f"{at[0]}/{escape(name)}", f"{at[1]}/{escape(name)}"
        if name == "customProperties":
            if _custom(old.get(word)) == _custom(new.get(word)):
                continue
            check = "extension-changed"
        elif name == "physicalName":
            check = "physical-name-changed"
        elif name.startswith("x-") and name != "x-en":
            check = "behaviour-changed" if name in BEHAVIOUR else "extension-changed"
        else:
            check = "text-changed"
        report.add(node, check, side, f"{name} changed", *places)


def _custom(listed: Any) -> dict[str, Any]:
    entries = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    return {str(one.get("property")): one.get("value") for one in entries if one.get("property") not in _READ}
