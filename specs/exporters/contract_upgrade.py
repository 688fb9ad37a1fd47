"""A data contract of any version brought to ODCS 3.1.0, nothing dropped.

Members the 3.1.0 schema does not know in a place (3.2's `enum`, `synonyms`, `deprecated` …; a vendor's own) become
custom properties of that place; `enum` also becomes the quality rule that says the same.
"""

from __future__ import annotations

import copy
from typing import Any

from specs import odcs2
from specs.exporters.columns import custom, invalid_values


def listed(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


_CONTRACT = listed(
    "version kind apiVersion id name tenant tags status servers dataProduct description domain schema support price"
    " team roles slaDefaultElement slaProperties authoritativeDefinitions customProperties contractCreatedTs"
)
_ELEMENT = listed("id name physicalType description businessName authoritativeDefinitions tags customProperties")
_TABLE = _ELEMENT | listed("logicalType physicalName dataGranularityDescription properties relationships quality")
_FIELD = _ELEMENT | listed(
    "primaryKey primaryKeyPosition logicalType logicalTypeOptions physicalType physicalName required unique partitioned"
    " partitionKeyPosition classification encryptedName transformSourceObjects transformLogic transformDescription"
    " examples criticalDataElement relationships quality"
)
_ENTRIES = {
    "slaProperties": listed("id property value valueExt unit element driver description scheduler schedule"
                            " customProperties authoritativeDefinitions"),
    "roles": listed("id role description access firstLevelApprovers secondLevelApprovers customProperties"),
    "support": listed("id channel url description tool scope invitationUrl customProperties"),
}  # fmt: skip
"""Members of the entries of some lists; the standard allows no others."""
_METRICS = {"nullCheck": "nullValues", "nullCount": "nullValues", "duplicateCount": "duplicateValues",
            "duplicates": "duplicateValues", "rowCount": "rowCount", "validValues": "invalidValues"}  # fmt: skip


def upgraded(written: dict[str, Any]) -> dict[str, Any]:
    """A copy of the contract in the words of 3.1.0."""
    made = copy.deepcopy(written)
    old = str(made.get("apiVersion")).lstrip("v").startswith("2")
    if old:
        made = odcs2.modern(made)
        _rules_kept(made)
    if isinstance(made.get("description"), str):
        made["description"] = {"purpose": made["description"]}
    _strange(made, _CONTRACT)
    for word, known in _ENTRIES.items():
        for entry in _mappings(made.get(word)):
            _strange(entry, known)
    made["apiVersion"] = "v3.1.0"
    made.setdefault("status", "draft")
    for table in _mappings(made.get("schema")):
        _strange(table, _TABLE)
        _quality(table)
        for field in _mappings(table.get("properties")):
            _field(field)
    return made


def _rules_kept(made: dict[str, Any]) -> None:
    """Quality rules of version 2 (templates of one tool) are none of version 3; they stay as a custom property."""
    for table in _mappings(made.get("schema")):
        for place in (table, *_mappings(table.get("properties"))):
            if "quality" in place:
                custom(place, "quality", place.pop("quality"))


def _field(field: dict[str, Any]) -> None:
    waiting = [field]
    while waiting:
        node = waiting.pop()
        inner = node.get("items")
        waiting += _mappings(node.get("properties")) + ([inner] if isinstance(inner, dict) else [])
        if isinstance(values := node.get("enum"), list):
            codes = [value.get("value") if isinstance(value, dict) else value for value in values]
            rule = invalid_values(str(node.get("name", "items")), {"validValues": codes})
            node["quality"] = [*(node.get("quality") or []), rule]
        replaced = {"map": "object", "vector": "array"}.get(str(node.get("logicalType")))
        if replaced:
            custom(node, "logicalType", node["logicalType"])
            node["logicalType"] = replaced
        allowed = _FIELD | ({"properties"} if node.get("logicalType") == "object" else set())
        _strange(node, allowed | ({"items"} if node.get("logicalType") == "array" else set()))
        _quality(node)


def _strange(node: dict[str, Any], known: frozenset[str] | set[str]) -> None:
    for word in [word for word in node if word not in known]:
        value = node.pop(word)
        if not isinstance(node.get("customProperties"), list):
            node.pop("customProperties", None)
        custom(node, word, value)


def _quality(node: dict[str, Any]) -> None:
    for rule in _mappings(node.get("quality")):
        if rule.get("type", "library") == "library" and "metric" not in rule and rule.get("rule") in _METRICS:
            rule["metric"] = _METRICS[rule.pop("rule")]


def _mappings(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
