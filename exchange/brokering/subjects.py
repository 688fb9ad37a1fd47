"""Whom a call is about: citizen numbers found by the element a field is bound to, so that each can see who
used it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from exchange import digits
from specs import elements
from specs.model import Interface
from specs.schema import Schema

CITIZEN_NUMBER = "GMSFHM"
NOTHING: Schema = {}
"""The schema of a place no document declares."""
MOST = 1000
"""Subjects of one entry; a larger answer is bulk and records its subjects by file."""
_BESIDE = "BESIDE "


def beside(number: str) -> str:
    """The subject that says, next to the number itself, that a person only appears in data about somebody else."""
    return _BESIDE + number


def together(*found: frozenset[str]) -> frozenset[str]:
    """Subjects of several bodies of one call: whoever one of them is about does not only appear beside others."""
    about = {one for some in found for one in some if not one.startswith(_BESIDE) and beside(one) not in some}
    return frozenset().union(*found) - {beside(number) for number in about}


def numbered(body: bytes) -> bool:
    """Whether a citizen number of either length can stand in a JSON text, its digits as such or escaped; nearly always
    none can, and the answer is not walked.
    """
    return digits.row(body, 15) or b"\\u00" in body


class Numbers:
    """Finds the citizen numbers in bodies of one interface; what the schemas say about a place is worked out once."""

    def __init__(self, interface: Interface) -> None:
        self._interface = interface
        self._shapes: dict[int, _Shape] = {}

    def find(self, schema: Schema | None, value: Any) -> frozenset[str]:
        """Citizen numbers at every place whose field is bound to GMSFHM or another element that holds one.

        A field is bound by ``x-element``, else by its own name (``MQ_GMSFHM``). Where one says whom the body is about,
        by a number without qualifier, those it names otherwise (mother, guardian) are also given as `beside`.
        """
        about: set[str] = set()
        named: set[str] = set()
        waiting: list[tuple[_Shape, Any, str]] = [(self._shape(schema), value, "")]
        while waiting:
            shape, item, name = waiting.pop()
            if isinstance(item, str):
                whom = shape.whom
                if whom is None:
                    whom = _whom(name) if name.upper().endswith(CITIZEN_NUMBER) else ""
                if whom:
                    (about if whom == CITIZEN_NUMBER else named).add(item.strip().upper())
            elif isinstance(item, dict):
                for key, member in item.items():
                    if isinstance(member, str | dict | list):
                        waiting += [(part, member, key) for part in self._members(shape, key)]
            elif isinstance(item, list):
                waiting += [(part, member, name) for part in self._items(shape) for member in item]
        found = sorted(about | named)[:MOST]
        others = [beside(number) for number in found if number not in about] if about else []
        return frozenset((*found, *others))

    def _shape(self, schema: Any) -> _Shape:
        # schemas live as long as their interface, so an identity stands for one of them
        found = self._shapes.get(id(schema))
        if found is None or found.given is not schema:
            resolved = self._interface.resolve(schema) if isinstance(schema, dict) else {}
            element = resolved.get("x-element")
            found = _Shape(schema, resolved, _whom(element) if element else None)
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
    whom: str | None
    """Qualifier and `CITIZEN_NUMBER` of the element it is bound to, "" for another element, None for none."""
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
def _whom(name: str) -> str:
    found = elements.find(name)
    if found is None or found[1].attribute != "citizen_number":
        return ""
    qualifier, element = found
    return f"{qualifier or ''}{element.id}"
