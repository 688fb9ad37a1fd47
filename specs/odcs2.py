"""Open Data Contract Standard 2.2 read as 3: its members under the names they have today, at the places they stand.

Follows: ODCS 2.2.2. What 3 has no place for (quantumName, physical servers, prices) stays in the document.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from specs.sources import Node

_CONTRACT = {"uuid": "id", "datasetName": "name", "quantumName": "name", "dataset": "schema"}
_TABLE = {"table": "name", "columns": "properties"}
_COLUMN = {"column": "name", "isPrimaryKey": "primaryKey", "isUnique": "unique", "sampleValues": "examples"}


def is_old(root: Node) -> bool:
    """Whether the contract is written in version 2."""
    return str(root.value.get("apiVersion")).lstrip("v").startswith("2")


def contract(root: Node) -> Node:
    """The contract with the names of version 3."""
    return _renamed(root, _CONTRACT)


def tables(root: Node) -> list[tuple[Node, list[Node]]]:
    """The tables of a contract of version 2, each with its columns."""
    return [
        (_renamed(table, _TABLE), [_column(part) for part in table.items("columns")]) for table in root.items("dataset")
    ]


def modern(written: dict[str, Any]) -> dict[str, Any]:
    """A contract of version 2 as one of version 3, members that 3 does not know where they were."""
    made = _named_anew(written, _CONTRACT)
    tables = made.get("schema")
    if isinstance(tables, list):
        made["schema"] = [_named_anew(table, _TABLE) if isinstance(table, dict) else table for table in tables]
    for table in made["schema"] if isinstance(tables, list) else ():
        if isinstance(table, dict) and isinstance(columns := table.get("properties"), list):
            table["properties"] = [_modern_column(one) if isinstance(one, dict) else one for one in columns]
    return made


def _modern_column(written: dict[str, Any]) -> dict[str, Any]:
    made = _named_anew(written, _COLUMN | {"encryptedColumnName": "encryptedName"})
    if isinstance(nullable := made.get("isNullable"), bool):
        del made["isNullable"]
        made["required"] = not nullable
    return made


def _named_anew(written: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Members under their new names; one whose new name another has already stays as it was."""
    made: dict[str, Any] = {}
    for word, value in written.items():
        new = names.get(word, word)
        made[word if new in made or (new != word and new in written) else new] = value
    return made


def _column(node: Node) -> Node:
    made = _renamed(node, _COLUMN)
    if isinstance(made.value, dict) and made.value.get("isNullable") is False:
        made.value = {**made.value, "required": True}
    return made


def _renamed(node: Node, names: Mapping[str, str]) -> Node:
    if not isinstance(node.value, dict):
        return node
    value = {word: part for word, part in node.value.items() if word not in names}
    for old, new in names.items():
        if old in node.value:
            value.setdefault(new, node.value[old])
    return Node(node.sources, node.document, node.pointer, value)
