"""The Open Data Contract Standard's own schema, as its package ships it; it covers v3.1.0, which is what is written."""

import json
from importlib import resources
from typing import Any

import jsonschema_rs


def _meant(node: Any) -> Any:
    """Version 3.2.0 of the schema asks for the members of every logical type where none is said: its conditions are
    true of what is absent. Here they ask that `logicalType` is there."""
    if isinstance(node, list):
        return [_meant(part) for part in node]
    if not isinstance(node, dict):
        return node
    made = {key: _meant(value) for key, value in node.items()}
    condition = made.get("if")
    if isinstance(condition, dict) and "logicalType" in condition.get("properties", {}):
        made["if"] = {**condition, "required": ["logicalType"]}
    return made


_TEXT = resources.files("open_data_contract_standard").joinpath("schema.json").read_text("utf-8")
STANDARD = jsonschema_rs.validator_for(_meant(json.loads(_TEXT)))
