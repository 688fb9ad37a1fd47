"""Which data element a column carries, as far as data may be made from it, and what a contract says of generation.

The inference itself is `specs.binding`; here is only how sure it must be before a column is filled with facts of the
virtual population: a number is not made a citizen number because its name looks a little like one.
"""

from __future__ import annotations

from typing import Any

from specs import binding
from specs.binding import CERTAIN, LIKELY, Binding
from specs.evidence import holds
from specs.model import Field, Interface, Table

__all__ = ["BY_NAME", "Binding", "bind", "declared", "said"]

BY_NAME = CERTAIN
"""From here on the element's own values and lengths are lent to a field that states none."""
LENT = {
    "faker": "x-faker", "distribution": "x-distribution", "weights": "x-weights", "nullShare": "x-null-share",
    "compute": "x-compute", "dependsOn": "x-depends-on", "correlation": "x-correlation",
}  # fmt: skip
"""Custom properties of a data contract's field → the schema extension that says the same."""


def bind(field: Field, interface: Interface, table: Table | None = None) -> Binding | None:
    """The element a field carries: the declared one, or one inferred with at least LIKELY confidence whose values the
    field's schema can hold. Raises KeyError (near names) for an explicit element nobody knows.
    """
    near = None if table is None else binding.surroundings(table.fields, f"{table.name} {table.title.get('zh_CN', '')}")
    found = binding.bind(field, interface, near)
    if found is None or found.explicit:
        return found
    if found.confidence < LIKELY or not holds(found.element, interface.resolve(field.schema)):
        return None
    return found


def declared(field: Field, interface: Interface) -> dict[str, Any]:
    """The field's schema, with what a data contract says about generation in its custom properties lent to it."""
    lent = {LENT[word]: value for word, value in said(interface, field.pointer).items() if word in LENT}
    return {**interface.resolve(field.schema), **lent}


def said(interface: Interface, pointer: str) -> dict[str, Any]:
    """The custom properties of a data contract at a place of its document."""
    node: Any = interface.document.value
    for token in pointer.split("/")[1:]:
        token = token.replace("~1", "/").replace("~0", "~")
        if isinstance(node, list):
            node = node[int(token)] if token.isdigit() and int(token) < len(node) else None
        else:
            node = node.get(token) if isinstance(node, dict) else None
    entries = node.get("customProperties") if isinstance(node, dict) else None
    found = [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
    return {str(entry.get("property")): entry.get("value") for entry in found}
