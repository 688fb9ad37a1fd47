"""From the fields a requester names to the exact places of an answer that may leave: pointer templates.

A template is a JSON pointer (RFC 6901) in which ``*`` stands for every element of an array or map; a
property really called ``*`` is written ``~2``. A template keeps everything below the place it names, so
containers are expanded to the leaves the interface declares: what a later version adds inside them is not
agreed by accident.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from specs.model import Interface, Operation
from specs.schema import Schema, definition_name, escape

WHOLE = "(body)"
"""Name of an answer that has no fields of its own: a scalar, a free-form object, a file."""
_SCALARS = frozenset({"string", "number", "integer", "boolean"})
DEEPEST = 24
"""Schemas nested deeper than this are agreed as a whole at that depth."""


@dataclass(frozen=True, slots=True)
class Place:
    """One place in the answers of an operation. ``leaf``: nothing is declared below it. ``ok``: in a
    success answer. ``type``: its JSON type, ``date`` for a text that is one, "" where the interface leaves it open.
    ``plain``: places are declared below it, and instead of them it may be a text, a number or a boolean.
    """

    pointer: str
    name: str
    leaf: bool
    ok: bool
    element: str | None
    sensitivity: str | None
    type: str = ""
    plain: bool = False

    @property
    def depth(self) -> int:
        """Properties on the way, arrays and maps not counted."""
        return sum(1 for token in self.pointer.split("/")[1:] if token != "*")


def places(interface: Interface, operation: Operation) -> tuple[Place, ...]:
    """Every place the operation's JSON answers declare, success answers first, each pointer once."""
    found: dict[str, Place] = {}
    for response in sorted(operation.responses, key=lambda r: (not r.is_success, r.status)):
        for content in response.contents:
            schema = content.schema if content.is_json else None
            walk = _walk(interface, schema, "", response.is_success, ())
            for place in walk if schema is not None else (Place("", WHOLE, True, response.is_success, None, None),):
                known = found.get(place.pointer)
                if known is None or (known.leaf and not place.leaf):
                    found[place.pointer] = place
                elif place.plain and not known.plain and not known.leaf:
                    found[place.pointer] = replace(known, plain=True)
    return tuple(found.values())


def plain(known: Iterable[Place], scope: Iterable[str]) -> tuple[str, ...]:
    """Places of which a text, a number or a boolean may leave, since all that is declared below them is agreed."""
    known, agreed = tuple(known), frozenset(scope)
    leaves = [place.pointer for place in known if place.leaf]

    def whole(pointer: str) -> bool:
        return agreed.issuperset(leaf for leaf in leaves if leaf.startswith(f"{pointer}/"))

    return tuple(place.pointer for place in known if place.plain and whole(place.pointer))


def resolve(
    interface: Interface, operations: Sequence[str], fields: Iterable[str]
) -> tuple[Mapping[str, tuple[str, ...]], list[str]]:
    """Templates per operation (by id) for named fields, and the names that lead nowhere.

    A name stands for the shallowest place that bears it; when several do, the field has to be given as a
    pointer.
    """
    known = {id: places(interface, interface.operation(id)) for id in operations}
    scope: dict[str, set[str]] = {id: set() for id in operations}
    lost = []
    for field in fields:
        hits = {id: _find(known[id], field) for id in operations}
        if not any(hits.values()):
            lost.append(field)
        for id, pointers in hits.items():
            scope[id].update(pointers)
    return {id: tuple(sorted(pointers)) for id, pointers in scope.items()}, lost


def names(interface: Interface, operation: Operation) -> tuple[str, ...]:
    """What a requester may ask of an operation: plain names where one is enough, pointers where it is not."""
    known = places(interface, operation)
    return tuple(
        place.name if _find(known, place.name) == (place.pointer,) else place.pointer or WHOLE
        for place in known
        if place.leaf and place.ok
    )


def _find(known: tuple[Place, ...], field: str) -> tuple[str, ...]:
    if field.startswith("/"):
        roots = [place for place in known if place.pointer == field]
    else:
        named = [place for place in known if place.name == field]
        named = [place for place in named if place.ok] or named
        depth = min((place.depth for place in named), default=0)
        roots = [place for place in named if place.depth == depth]
        # /tags and /tags/* bear one name and are one place
        roots = [p for p in roots if not any(p.pointer.startswith(f"{q.pointer}/") for q in roots)]
    if len(roots) != 1:
        return ()
    root = roots[0].pointer
    below = (p.pointer for p in known if p.leaf and (p.pointer == root or p.pointer.startswith(f"{root}/")))
    return tuple(sorted(set(below)))


def _walk(interface: Interface, schema: Any, pointer: str, ok: bool, seen: tuple[str, ...]) -> Iterator[Place]:
    if not isinstance(schema, dict):  # true: anything goes; false: nothing can be there
        if schema is not False:
            yield _place(pointer, {}, True, ok)
        return
    reference = schema.get("$ref")
    name = definition_name(reference) if isinstance(reference, str) else None
    if (name is not None and name in seen) or pointer.count("/") > DEEPEST:
        yield _place(pointer, interface.resolve(schema), True, ok)
        return
    seen = (*seen, name) if name is not None else seen
    schema = interface.resolve(schema)
    inner = list(_inner(schema))
    if pointer:
        yield _place(pointer, schema, not inner, ok)
    elif not inner:
        yield _place("", schema, True, ok)
    for token, part in inner:
        yield from _walk(interface, part, pointer if token is None else f"{pointer}/{token}", ok, seen)


def _inner(schema: Schema) -> Iterator[tuple[str | None, Any]]:
    """Sub-schemas with the token that leads to them; None: an alternative for the same place."""
    properties = schema.get("properties", {})
    for name, part in properties.items():
        yield token(name), part
    more = schema.get("additionalProperties")
    if isinstance(more, dict) and (more or not properties):
        yield "*", more
    for part in schema.get("patternProperties", {}).values():
        yield "*", part
    for index, part in enumerate(schema.get("prefixItems", ())):
        yield str(index), part
    if isinstance(schema.get("items"), dict):
        yield "*", schema["items"]
    for word in ("allOf", "anyOf", "oneOf"):
        for part in schema.get(word, ()):
            if _says_something(part):
                yield None, part
    for word in ("then", "else"):
        if _says_something(schema.get(word)):
            yield None, schema[word]


def _says_something(part: Any) -> bool:
    """Whether an alternative may declare places; one that only restricts (``required``, ``const``) adds
    none.
    """
    shapes = {"properties", "items", "prefixItems", "additionalProperties", "patternProperties", "$ref"}
    return isinstance(part, dict) and bool(shapes & part.keys() or {"allOf", "anyOf", "oneOf", "then"} & part.keys())


def _place(pointer: str, schema: Schema, leaf: bool, ok: bool) -> Place:
    last = next((t for t in reversed(pointer.split("/")[1:]) if t != "*" and not t.isdigit()), None)
    name = WHOLE if last is None else name_of(last)
    element, level = schema.get("x-element"), schema.get("x-sensitivity")
    return Place(pointer, name, leaf, ok, element, level, type_of(schema), not leaf and _is_scalar(schema))


def _is_scalar(schema: Any) -> bool:
    """Whether a schema says that a value may be a text, a number or a boolean."""
    if not isinstance(schema, dict):
        return False
    said = schema.get("type")
    types = frozenset(said if isinstance(said, list) else [said])
    return not types.isdisjoint(_SCALARS) or any(map(_is_scalar, (*schema.get("anyOf", ()), *schema.get("oneOf", ()))))


def type_of(schema: Schema) -> str:
    """The one JSON type a schema allows beside null, ``date`` for a text that is a date or moment, else ""."""
    said = schema.get("type")
    types = [one for one in (said if isinstance(said, list) else [said]) if one not in (None, "null")]
    if len(types) != 1:
        return ""
    return "date" if types[0] == "string" and schema.get("format") in ("date", "date-time") else str(types[0])


def token(name: str) -> str:
    """A property name as one token of a template."""
    return escape(name).replace("*", "~2")


def name_of(token: str) -> str:
    """Inverse of `token`."""
    return token.replace("~2", "*").replace("~1", "/").replace("~0", "~") if "~" in token else token


def label(template: str) -> str:
    """What people and the ledger call a template: ``/items/*/XM`` → ``items/XM``; the whole answer is
    ``(body)``.
    """
    return "/".join(part for part in template.split("/")[1:] if part != "*") or WHOLE
