"""The JSON Schema of a report, derived from its values, so that the two cannot part."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from enum import Enum
from typing import Any, Union, get_args, get_origin, get_type_hints

from conformance.case import Outcome
from conformance.report import FORMAT, Report

SIMPLE: Mapping[Any, Mapping[str, Any]] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    Any: {},
}
GRADE: Mapping[str, Any] = {
    "type": ["object", "null"],
    "description": "The grade by the policy named in it; null when only single cases were run.",
    "properties": {
        "letter": {"enum": ["A", "B", "C", "D", "E", "refused", "undecided"]},
        "score": {"type": "number", "minimum": 0, "maximum": 1},
        "listable": {"type": "boolean"},
        "reasons": {"type": "array", "items": {"type": "object", "additionalProperties": {"type": "string"}}},
        "policy": {"type": "string"},
        "policy_digest": {"type": "string"},
    },
    "required": ["letter", "score", "listable", "reasons", "policy", "policy_digest"],
}


def schema() -> dict[str, Any]:
    """The schema (JSON Schema 2020-12) of `report.to_json`, with the grade the commands add."""
    defined: dict[str, Any] = {}
    report = _object(Report, defined)
    report["properties"] |= {
        "format": {"const": FORMAT},
        "counts": {"type": "object", "additionalProperties": {"type": "integer", "minimum": 0}},
        "grade": GRADE,
    }
    report["required"] += ["counts"]
    cases = defined["CaseReport"]
    cases["properties"] |= {"outcome": {"enum": [o.value for o in Outcome]}, "flaky": {"type": "boolean"}}
    cases["required"] += ["outcome", "flaky"]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": FORMAT,
        "title": "Conformance report",
        **report,
        "$defs": defined,
    }


def _object(kind: Any, defined: dict[str, Any]) -> dict[str, Any]:
    hints = get_type_hints(kind)
    names = [item.name for item in dataclasses.fields(kind)]
    return {
        "type": "object",
        "description": str(kind.__doc__).partition("\n\n")[0].replace("\n", " ").strip(),
        "properties": {name: _schema(hints[name], defined) for name in names},
        "required": names,
    }


def _schema(hint: Any, defined: dict[str, Any]) -> dict[str, Any]:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return {"anyOf": [_schema(next(a for a in arguments if a is not type(None)), defined), {"type": "null"}]}
    if origin is tuple:
        return {"type": "array", "items": _schema(arguments[0], defined)}
    if origin is not None:
        return {"type": "object", "additionalProperties": _schema(arguments[1], defined)}
    if isinstance(hint, type) and issubclass(hint, Enum):
        return {"enum": [member.value for member in hint]}
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        if hint.__name__ not in defined:
            defined[hint.__name__] = {}
            defined[hint.__name__] |= _object(hint, defined)
        return {"$ref": f"#/$defs/{hint.__name__}"}
    return dict(SIMPLE[hint])
