"""Values tried on both schemas where reasoning alone does not tell: one that only one of them allows is a proof.

Made from what the two say themselves: listed values, bounds, names of members. That none is found proves nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice, product
from typing import TYPE_CHECKING, Any

from specs.diff.change import Relation
from specs.diff.shape import Shape, Shapes
from specs.diff.witnesses import witnesses
from specs.schema import MANY_SCHEMAS, NAMED_SCHEMAS, ONE_SCHEMA

if TYPE_CHECKING:
    from specs.diff.schemas import Schemas

MOST = 2_000
"""Values tried for one pair of schemas."""
_NAMES, _EACH, _DEEPEST = 5, 5, 4
_ABSENT = object()


def tried(schemas: Schemas, old: Shape, new: Shape) -> Relation:
    """How the values allowed relate, as far as values tell: `UNSURE` when none is allowed by one alone."""
    ours, theirs = _validator(schemas.ours, old), _validator(schemas.theirs, new)
    if ours is None or theirs is None:
        return Relation.UNSURE
    lost = won = False
    for value in islice(_values(schemas, old, new), MOST):
        before, after = ours(value), theirs(value)
        lost, won = lost or (before and not after), won or (after and not before)
        if lost and won:
            return Relation.DIFFERENT
    return Relation.NARROWER if lost else Relation.WIDER if won else Relation.UNSURE


def _validator(shapes: Shapes, of: Shape) -> Any:
    """Whether a value is allowed, as a function; None when the schema cannot be used so."""
    import jsonschema_rs

    if not isinstance(of.schema, dict):
        return lambda value: of.schema is not False
    try:
        return jsonschema_rs.Draft202012Validator(shapes.interface.standalone(of.schema)).is_valid
    except (ValueError, KeyError, RecursionError):
        return None


def _values(schemas: Schemas, old: Shape, new: Shape) -> Iterator[Any]:
    kinds = old.types | new.types
    pairs = ((schemas.ours, old), (schemas.theirs, new))
    scalars = [value for shapes, of in pairs for value in _some(shapes, of, 0)]
    inner = [value for shapes, of in pairs for part in _parts(shapes, of, 2) for value in _some(shapes, part, 0)]
    yield from scalars
    yield from inner
    if "array" in kinds:
        plain = _distinct([*inner, *scalars, None, 0, "a"])[:8]
        yield from (list(many) for count in range(1, 4) for many in product(plain, repeat=count))
    if "object" in kinds:
        yield from _objects(pairs)


def _objects(pairs: tuple[tuple[Shapes, Shape], ...]) -> Iterator[dict[str, Any]]:
    """Members that conditions name come first: each left out, and with every value told of it."""
    told: dict[str, list[Any]] = {}
    needed: dict[str, None] = {}
    for shapes, of in pairs:
        parts = _parts(shapes, of, 3)
        for part in (*parts, of):
            if part is not of:
                needed |= dict.fromkeys([*part.required, *part.properties])
            for name, place in part.properties.items():
                told.setdefault(name, []).extend(_some(shapes, shapes.of(*place), 1))
            for name in sorted(part.required):
                told.setdefault(name, [])
    names = [*needed, *(name for name in told if name not in needed)]
    options = {
        name: _distinct([*_distinct(told[name])[: _EACH - 1], None])[:_EACH] if told[name] else ["a", 1]
        for name in names
    }
    base = {name: options[name][0] for _, of in pairs for name in of.required if name in options}
    chosen = names[:_NAMES]
    for values in product(*([_ABSENT, *options[name]] for name in chosen)):
        yield {**base, **{n: v for n, v in zip(chosen, values, strict=True) if v is not _ABSENT}}
        if base:
            yield {n: v for n, v in zip(chosen, values, strict=True) if v is not _ABSENT}


def _parts(shapes: Shapes, of: Shape, depth: int) -> list[Shape]:
    """The schemas inside that hold for the same value, and for items and exclusions."""
    found: list[Shape] = []
    for word, value in of.words.items():
        inner: list[Any] = []
        if word in ONE_SCHEMA and word not in ("additionalProperties", "propertyNames"):
            inner = [value]
        elif word in MANY_SCHEMAS and isinstance(value, list):
            inner = value
        elif word in NAMED_SCHEMAS and word == "dependentSchemas" and isinstance(value, Mapping):
            inner = list(value.values())
        found += [shapes.of(one, "") for one in inner]
    found += [shapes.of(part, "") for part, _ in of.rest]
    return found + [deep for part in found for deep in _parts(shapes, part, depth - 1)] if depth else found


def _some(shapes: Shapes, of: Shape, depth: int) -> list[Any]:
    """A few values that a schema probably allows, and some beside them."""
    if of.values is not None:
        return of.values[:_EACH]
    words, made = of.words, list[Any]()
    if "string" in of.types:
        low = min(words.get("minLength", 0), 200)
        made += [*witnesses(words["pattern"])[:3]] if "pattern" in words else []
        made += ["a" * low, "a" * min(words.get("maxLength", low + 1), 200)]
    if "integer" in of.types:
        edges = [words[w] for w in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum") if w in words]
        made += [edge + step for edge in edges for step in (0, 1, -1)] or [0, 1]
    made += [True] * ("boolean" in of.types) + [None] * ("null" in of.types)
    if depth < _DEEPEST and "array" in of.types:
        item = _some(shapes, shapes.of(words.get("items", True), ""), depth + 1)[:1] or [0]
        made.append(item * min(words.get("minItems", 0), 20))
    if depth < _DEEPEST and "object" in of.types:
        members = ((n, shapes.of(*of.properties[n])) for n in sorted(of.required) if n in of.properties)
        made.append({name: next(iter(_some(shapes, inner, depth + 1)), None) for name, inner in members})
    if depth < _DEEPEST and of.union is not None:
        made = [v for one in words[of.union][:4] for v in _some(shapes, shapes.of(one, ""), depth + 1)[:2]] + made
    return made


def _distinct(values: list[Any]) -> list[Any]:
    made: list[Any] = []
    for value in values:
        if not any(value == one and type(value) is type(one) for one in made):
            made.append(value)
    return made
