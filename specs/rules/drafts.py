"""Rules over drafts: what an importer left for a person to decide."""

from __future__ import annotations

from collections.abc import Iterator

from specs.finding import Severity
from specs.model import Interface
from specs.parse import pointers
from specs.rules import Hit, rule


@rule(
    Severity.WARNING,
    base="dataset",
    bad="""
customProperties:
  - property: department
    value: civil-affairs
  - property: openPoint
    value: no primary key is known
""",
    good="""
customProperties:
  - property: department
    value: civil-affairs
""",
)
def open_point(interface: Interface) -> Iterator[Hit]:
    """An import leaves open what only a person knows: which law, which level, what makes a row the same row. A draft is
    finished when nothing is left open."""
    if not interface.format.startswith("ODCS"):
        return
    for pointer, node in pointers(interface.document.value):
        if isinstance(node, dict) and node.get("property") == "openPoint" and "/customProperties/" in pointer:
            yield pointer, str(node.get("value") or "something is left open"), "decide it, then remove this openPoint"
