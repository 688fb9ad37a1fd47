"""Whom a call is about: citizen numbers found by the element a field is bound to, so that each can see who
used it.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from specs import elements
from specs.model import Interface
from specs.schema import Schema

CITIZEN_NUMBER = "GMSFHM"
MOST = 1000
"""Subjects of one entry; a larger answer is bulk and records its subjects by file."""


def numbers(interface: Interface, schema: Schema | None, value: Any) -> frozenset[str]:
    """Citizen numbers in ``value``, at every place whose field is bound to the element GMSFHM, with any
    qualifier.

    A field is bound by ``x-element``, else by its own name (``MQ_GMSFHM``).
    """
    found: set[str] = set()
    waiting: list[tuple[Any, Any, str]] = [(schema, value, "")]
    while waiting:
        shape, item, name = waiting.pop()
        shape = interface.resolve(shape) if isinstance(shape, dict) else {}
        if isinstance(item, str):
            if _is_number(shape.get("x-element")) or (not shape.get("x-element") and _is_number(name)):
                found.add(item.strip().upper())
        elif isinstance(item, dict):
            for key, member in item.items():
                waiting += [(part, member, key) for part in _member_schemas(interface, shape, key)]
        elif isinstance(item, list):
            for part in _item_schemas(interface, shape):
                waiting += [(part, member, name) for member in item]
    return frozenset(sorted(found)[:MOST])


def _member_schemas(interface: Interface, shape: Schema, key: str) -> Iterator[Any]:
    """Schemas a member may have; one empty schema when none is declared, so that its name still counts."""
    made = [part["properties"][key] for part in _alternatives(interface, shape) if key in part.get("properties", {})]
    more = [part["additionalProperties"] for part in _alternatives(interface, shape) if "additionalProperties" in part]
    yield from made or [part for part in more if isinstance(part, dict)] or [{}]


def _item_schemas(interface: Interface, shape: Schema) -> Iterator[Any]:
    made = [part["items"] for part in _alternatives(interface, shape) if isinstance(part.get("items"), dict)]
    yield from made or [{}]


def _alternatives(interface: Interface, shape: Schema, depth: int = 0) -> Iterator[Schema]:
    yield shape
    for word in ("allOf", "anyOf", "oneOf"):
        for part in shape.get(word, ()) if depth < 8 else ():
            if isinstance(part, dict):
                yield from _alternatives(interface, interface.resolve(part), depth + 1)


@lru_cache(maxsize=4096)
def _is_number(name: str | None) -> bool:
    if not name or not name.upper().endswith(CITIZEN_NUMBER):
        return False
    try:
        return elements.resolve(name.upper())[1].id == CITIZEN_NUMBER
    except KeyError:
        return False
