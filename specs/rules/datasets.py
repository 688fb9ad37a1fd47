"""Rules over datasets, and over what a catalogue needs of any interface."""

from __future__ import annotations

from collections.abc import Iterator

from specs.finding import Severity
from specs.model import Interface
from specs.naming import INTERFACE_ID
from specs.rules import Hit, rule


@rule(
    Severity.WARNING,
    base="dataset",
    bad="""
schema:
  - name: marriages
    businessName: Marriages
    properties:
      - {name: ZSBH, logicalType: string, description: Certificate number, required: true}
""",
    good="""
schema:
  - name: marriages
    businessName: Marriages
    properties:
      - {name: ZSBH, logicalType: string, description: Certificate number, required: true, primaryKey: true}
""",
)
def missing_primary_key(interface: Interface) -> Iterator[Hit]:
    """Without a key nobody can say whether two rows are the same, update one, or relate it to another
    table."""
    for table in interface.tables:
        if not table.primary_key and interface.format.startswith("ODCS"):
            yield table.pointer, f"the table {table.name!r} has no primary key", "mark it: primaryKey: true"


@rule(
    Severity.INFO,
    bad="info: {x-interface-id: null}",
    good="info: {x-interface-id: civil-affairs.marriages}",
)
def missing_interface_id(interface: Interface) -> Iterator[Hit]:
    """Agreements, receipts and subscriptions refer to an interface by its id. One made from a file name
    changes with the file."""
    root = interface.document.value
    written = root.get("x-interface-id") or interface.extensions.get("x-interface-id")
    if not written and not (interface.format.startswith("ODCS") and INTERFACE_ID.match(interface.id)):
        pointer = "/info" if "info" in root else "/id" if "id" in root else ""
        word = "id" if interface.format.startswith("ODCS") else "x-interface-id"
        yield pointer, f"no interface id; it is called {interface.id!r} here", f"add {word}: <department>.<name>"
