"""Objects compared: members that came, went, became necessary or optional; and what further members may be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from specs.diff.change import Relation, Side
from specs.diff.report import Node
from specs.diff.shape import Shape, shape

if TYPE_CHECKING:
    from specs.diff.schemas import Schemas


def compare(schemas: Schemas, node: Node, old: Shape, new: Shape, side: Side) -> None:
    """The members of two objects, and the constraints over them."""
    for name in [*old.properties, *(name for name in new.properties if name not in old.properties)]:
        ours, theirs = old.properties.get(name), new.properties.get(name)
        if ours is None and theirs is not None:
            _added(schemas, node, old, new, side, name)
        elif theirs is None and ours is not None:
            _removed(schemas, node, old, new, side, name)
        elif ours is not None and theirs is not None:
            _kept(schemas, node, old, new, side, name)
    _required_only(schemas, node, old, new, side)
    _further(schemas, node, old, new, side)
    _rules(schemas, node, old, new, side)


def _added(schemas: Schemas, node: Node, old: Shape, new: Shape, side: Side, name: str) -> None:
    if _unsent(schemas, new, name, side, newer=True):
        return
    required = name in new.words.get("required", ())
    check = "property-added"
    if side is Side.REQUEST and required and name not in old.words.get("required", ()):
        check = "required-property-added"
    elif side is Side.RESPONSE and old.words.get("additionalProperties") is False:
        check = "closed-property-added"
    schemas.report.add(node, check, side, f"{name!r} was added", old.pointer, new.properties[name][1])


def _removed(schemas: Schemas, node: Node, old: Shape, new: Shape, side: Side, name: str) -> None:
    if not _unsent(schemas, old, name, side, newer=False):
        schemas.report.add(
            node, "property-removed", side, f"{name!r} was removed", old.properties[name][1], new.pointer
        )


def _kept(schemas: Schemas, node: Node, old: Shape, new: Shape, side: Side, name: str) -> None:
    (ours, at_old), (theirs, at_new) = old.properties[name], new.properties[name]
    report = schemas.report
    for word, way in (("readOnly", Side.REQUEST), ("writeOnly", Side.RESPONSE)):
        before, after = (_flag(schemas, part, word, newer) for part, newer in ((ours, False), (theirs, True)))
        if before and after and side is way:
            return  # it does not travel this way
        if before != after:
            mode = "read-only" if word == "readOnly" else "write-only"
            check = f"became-{mode}" if after else f"no-longer-{mode}"
            report.add(node, check, side, f"{name!r} {check.replace('-', ' ')}", at_old, at_new)
            if side is way:
                return
    before, after = (name in shape.words.get("required", ()) for shape in (old, new))
    if before != after:
        check = "property-became-required" if after else "property-became-optional"
        said = f"{name!r} became {'required' if after else 'optional'}"
        report.add(node, check, side, said, old.place("required"), new.place("required"))
    schemas.compare(node, ours, theirs, side, (at_old, at_new))


def _required_only(schemas: Schemas, node: Node, old: Shape, new: Shape, side: Side) -> None:
    """Names that are required without being described."""
    known = old.properties.keys() | new.properties.keys()
    ours, theirs = (dict.fromkeys(shape.words.get("required", ())) for shape in (old, new))
    for name in [*ours, *(name for name in theirs if name not in ours)]:
        if name not in known and (name in ours) != (name in theirs):
            check = "property-became-required" if name in theirs else "property-became-optional"
            said = f"{name!r} became {'required' if name in theirs else 'optional'}"
            schemas.report.add(node, check, side, said, old.place("required"), new.place("required"))


def _further(schemas: Schemas, node: Node, old: Shape, new: Shape, side: Side) -> None:
    closed = old.words.get("additionalProperties") is False
    opened = new.words.get("additionalProperties", True) in (True, {})
    if side is Side.RESPONSE and closed and opened:
        said = "further members may come, which only a strict reader refuses"
        places = old.place("additionalProperties"), new.place("additionalProperties")
        schemas.report.relate(node, "additional-properties", Relation.UNSURE, side, said, *places)
    else:
        schemas.inside(node, "additional-properties", old, new, side, "additionalProperties")
    schemas.inside(node, "unevaluated", old, new, side, "unevaluatedProperties")
    schemas.inside(node, "property-names", old, new, side, "propertyNames")


def _rules(schemas: Schemas, node: Node, old: Shape, new: Shape, side: Side) -> None:
    from specs.diff.scalars import bounds

    report = schemas.report
    relation = bounds(old.words, new.words, "minProperties", "maxProperties")
    places = old.place("minProperties", "maxProperties"), new.place("minProperties", "maxProperties")
    report.relate(node, "properties-count", relation, side, "minProperties or maxProperties changed", *places)
    for word, constraint in (("patternProperties", "pattern-properties"), ("dependentSchemas", "dependent-schemas")):
        ours, theirs = (shape.words.get(word, {}) for shape in (old, new))
        for name in sorted(ours.keys() | theirs.keys()):
            if name in ours and name in theirs:
                at = f"{old.place(word)}/{name}", f"{new.place(word)}/{name}"
                schemas.compare(node, ours[name], theirs[name], side, at)
            else:
                relation = Relation.NARROWER if name in theirs else Relation.WIDER
                said = f"{word} {name!r} was {'added' if name in theirs else 'removed'}"
                report.relate(node, constraint, relation, side, said, old.place(word), new.place(word))
    ours, theirs = (shape.words.get("dependentRequired", {}) for shape in (old, new))
    for name in sorted(ours.keys() | theirs.keys()):
        before, after = set(ours.get(name, ())), set(theirs.get(name, ()))
        if before != after:
            relation = Relation.NARROWER if before < after else Relation.WIDER if after < before else Relation.DIFFERENT
            said = f"with {name!r}, {', '.join(sorted(after)) or 'nothing'} is needed now"
            places = old.place("dependentRequired"), new.place("dependentRequired")
            report.relate(node, "dependent-required", relation, side, said, *places)


def _unsent(schemas: Schemas, of: Shape, name: str, side: Side, *, newer: bool) -> bool:
    """Whether a member does not travel this way: read-only in requests, write-only in answers."""
    return _flag(schemas, of.properties[name][0], "readOnly" if side is Side.REQUEST else "writeOnly", newer)


def _flag(schemas: Schemas, schema: Any, word: str, newer: bool) -> bool:
    if not isinstance(schema, dict):
        return False
    if word in schema or not {"$ref", "allOf"} & schema.keys():
        return schema.get(word) is True
    interface = schemas.report.new if newer else schemas.report.old
    return shape(interface, schema, "").words.get(word) is True
