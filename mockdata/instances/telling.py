"""What was done to a value, in one line: `minimum 3: 2`, `required: no "name"`."""

from __future__ import annotations

import json
from typing import Any

from mockdata.instances.verdict import Fault
from mockdata.instances.ways import Way

_SIZES = {"Length": "characters", "Items": "items", "Properties": "members"}


def told(way: Way, value: Any, fault: Fault) -> str:
    """The line for a violation; `value` is what stands at the place."""
    schema = way.place.schema
    limit = schema.get(way.keyword)
    names = ", ".join(json.dumps(name, ensure_ascii=False) for name in fault.names)
    if way.place.false is not None:
        return f"false schema {way.pointer or '#'}: present"
    if "/propertyNames" in way.pointer[len(way.place.pointer) :]:
        return f"propertyNames {way.keyword}: {names or 'a name'}"
    match way.keyword:
        case "required" | "dependentRequired" | "dependencies":
            return f"{way.keyword}: no {short(way.case)}"
        case "additionalProperties" | "unevaluatedProperties" | "items" | "additionalItems" | "unevaluatedItems":
            return f"{way.keyword}: {names or short(value)} was added"
        case "oneOf":
            return f"oneOf: {'none' if way.case == 'none' else 'more than one'} of {len(limit or ())} branches holds"
        case "anyOf":
            return f"anyOf: none of {len(limit or ())} branches holds"
        case "not":
            return f"not: {short(value)} is what it excludes"
        case "uniqueItems":
            return f"uniqueItems: two items of {len(value)} are equal"
        case "contains":
            return f"contains: none of {len(value)} items"
        case "minContains" | "maxContains":
            return f"{way.keyword} {limit}: {'fewer' if way.keyword == 'minContains' else 'more'} such items"
        case "enum":
            return f"enum of {len(limit or ())}: {short(value)}"
    if way.keyword[3:] in _SIZES and isinstance(value, str | list | dict):
        return f"{way.keyword} {limit}: {len(value)} {_SIZES[way.keyword[3:]]}"
    return f"{way.keyword} {short(limit)}: {short(value)}"


def short(value: Any, most: int = 60) -> str:
    """A value as JSON on one line, cut."""
    made = json.dumps(value, ensure_ascii=False)
    return made if len(made) <= most else made[: most - 1] + "…"
