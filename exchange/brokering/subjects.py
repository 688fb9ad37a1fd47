"""Whom a call is about: citizen numbers found by the element a field is bound to, so that each can see who
used it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from specs import elements
from specs.model import Interface
from specs.schema import Schema

CITIZEN_NUMBER = "GMSFHM"
NOTHING: Schema = {}
"""The schema of a place no document declares."""
MOST = 1000
"""Subjects of one entry; a larger answer is bulk and records its subjects by file."""


_MAYBE = re.compile(rb"[0-9]{15}|\\u00")
"""What stands in every JSON text with a citizen number of either length in it, digits as such or escaped."""


def numbered(body: bytes) -> bool:
    """Whether a citizen number can stand in a JSON text; nearly always an answer in which none can is not walked."""
    return _MAYBE.search(body) is not None


class Numbers:
    """Finds the citizen numbers in bodies of one interface; what the schemas say about a place is worked out once."""

    def __init__(self, interface: Interface) -> None:
        self._interface = interface
        self._shapes: dict[int, _Shape] = {}

    def find(self, schema: Schema | None, value: Any) -> frozenset[str]:
        """Citizen numbers at every place whose field is bound to the element GMSFHM, with any qualifier.

        A field is bound by ``x-element``, else by its own name (``MQ_GMSFHM``).
        """
        found: set[str] = set()
        waiting: list[tuple[_Shape, Any, str]] = [(self._shape(schema), value, "")]
        while waiting:
            shape, item, name = waiting.pop()
            if isinstance(item, str):
                if shape.bound or (shape.bound is None and _is_number(name)):
                    found.add(item.strip().upper())
            elif isinstance(item, dict):
                for key, member in item.items():
                    if isinstance(member, str | dict | list):
                        waiting += [(part, member, key) for part in self._members(shape, key)]
            elif isinstance(item, list):
                waiting += [(part, member, name) for part in self._items(shape) for member in item]
        return frozenset(sorted(found)[:MOST])

    def _shape(self, schema: Any) -> _Shape:
        # schemas live as long as their interface, so an identity stands for one of them
        found = self._shapes.get(id(schema))
        if found is None or found.given is not schema:
            resolved = self._interface.resolve(schema) if isinstance(schema, dict) else {}
            element = resolved.get("x-element")
            found = _Shape(schema, resolved, _is_number(element) if element else None)
            self._shapes[id(schema)] = found
        return found

    def _members(self, shape: _Shape, key: str) -> tuple[_Shape, ...]:
        known = shape.members.get(key)
        if known is None:
            parts = [self._shape(part) for part in _member_schemas(self._interface, shape.schema, key)]
            if len(shape.members) < MOST:  # a map with endless keys must not fill the memory
                shape.members[key] = tuple(parts)
            return tuple(parts)
        return known

    def _items(self, shape: _Shape) -> tuple[_Shape, ...]:
        if shape.items is None:
            shape.items = tuple(self._shape(part) for part in _item_schemas(self._interface, shape.schema))
        return shape.items


@dataclass(slots=True)
class _Shape:
    given: Any
    schema: Schema
    bound: bool | None
    members: dict[str, tuple[_Shape, ...]] = field(default_factory=dict)
    items: tuple[_Shape, ...] | None = None


def _member_schemas(interface: Interface, shape: Schema, key: str) -> Iterator[Any]:
    """Schemas a member may have; one empty schema when none is declared, so that its name still counts."""
    made = [part["properties"][key] for part in _alternatives(interface, shape) if key in part.get("properties", {})]
    more = [part["additionalProperties"] for part in _alternatives(interface, shape) if "additionalProperties" in part]
    yield from made or [part for part in more if isinstance(part, dict)] or [NOTHING]


def _item_schemas(interface: Interface, shape: Schema) -> Iterator[Any]:
    made = [part["items"] for part in _alternatives(interface, shape) if isinstance(part.get("items"), dict)]
    yield from made or [NOTHING]


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
