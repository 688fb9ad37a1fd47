"""Objects compared: members that came, went, became necessary or optional; and what further members may be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specs.diff.change import Relation, Side
from specs.diff.report import Node
from specs.diff.scalars import bounds
from specs.diff.shape import Shape, Shapes
from specs.schema import escape

if TYPE_CHECKING:
    from specs.diff.schemas import Schemas


def compare(schemas: Schemas, node: Node, old: Shape, new: Shape, side: Side) -> None:
    """The members of two objects, and the constraints over them."""
    for name in [*old.properties, *(name for name in new.properties if name not in old.properties)]:
        if name not in old.properties:
            _added(schemas, node, old, new, side, name)
        elif name not in new.properties:
            _removed(schemas, node, old, new, side, name)
        else:
            _kept(schemas, node, old, new, side, name)
    _required_only(schemas, node, old, new, side)
    for constraint, word in (
        ("additional-properties", "additionalProperties"),
        ("unevaluated", "unevaluatedProperties"),
        ("property-names", "propertyNames"),
    ):
        schemas.inside(node, constraint, old, new, side, word)
    _rules(schemas, node, old, new, side)


def _added(schemas: Schemas, node: Node, old: Shape, new: Shape, side: Side, name: str) -> None:
    if _unsent(schemas.theirs, new, name, side):
        return
    place = new.properties[name]
    if side is Side.REQUEST and name in new.required and name not in old.required:
        check = "required-property-added"
    else:
        check = "property-added"
        before = old.words.get("additionalProperties", True)
        known = schemas.covers(before, place[0], side) if isinstance(before, dict) and before else True
        if (before is False and side is Side.RESPONSE) or known is False:
            check = "closed-property-added"
        elif known is None:
            check = "further-property-added"
    schemas.report.add(node, check, side, f"{name!r} was added", old.pointer, place[1])


def _removed(schemas: Schemas, node: Node, old: Shape, new: Shape, side: Side, name: str) -> None:
    if not _unsent(schemas.ours, old, name, side):
        place = old.properties[name][1]
        schemas.report.add(node, "property-removed", side, f"{name!r} was removed", place, new.pointer)


def _kept(schemas: Schemas, node: Node, old: Shape, new: Shape, side: Side, name: str) -> None:
    (ours, here), (theirs, there) = old.properties[name], new.properties[name]
    if not _travels(schemas, node, old, new, side, name):
        return
    before, after = name in old.required, name in new.required
    if before != after:
        check = "property-became-required" if after else "property-became-optional"
        said = f"{name!r} became {'required' if after else 'optional'}"
        schemas.report.add(node, check, side, said, old.place("required"), new.place("required"))
    schemas.compare(node, ours, theirs, side, (here, there), loose=node.loose)


def _travels(schemas: Schemas, node: Node, old: Shape, new: Shape, side: Side, name: str) -> bool:
    """Note what changed about the ways a member travels; False when there is nothing to compare on this side.

    A required member that only answers had begins to be asked of every request when it is no longer read-only.
    """
    at = old.properties[name][1], new.properties[name][1]
    travels = True
    for word, way in (("readOnly", Side.REQUEST), ("writeOnly", Side.RESPONSE)):
        before, after = _flag(schemas.ours, old, name, word), _flag(schemas.theirs, new, name, word)
        if before and after and side is way:
            return False
        if before != after:
            mode = "read-only" if word == "readOnly" else "write-only"
            check = f"became-{mode}" if after else f"no-longer-{mode}"
            said = f"{name!r} {check.replace('-', ' ')}"
            if side is Side.REQUEST and check == "no-longer-read-only" and name in new.required:
                check, said = "required-property-added", f"{said}, so every request must send it"
            schemas.report.add(node, check, side, said, *at)
            travels = travels and side is not way
    return travels


def _required_only(schemas: Schemas, node: Node, old: Shape, new: Shape, side: Side) -> None:
    """Names that are required without being described."""
    known = old.properties.keys() | new.properties.keys()
    for name in sorted(old.required ^ new.required):
        if name not in known:
            check = "property-became-required" if name in new.required else "property-became-optional"
            said = f"{name!r} became {'required' if name in new.required else 'optional'}"
            schemas.report.add(node, check, side, said, old.place("required"), new.place("required"))


def _rules(schemas: Schemas, node: Node, old: Shape, new: Shape, side: Side) -> None:
    report = schemas.report
    relation = bounds(old.words, new.words, "minProperties", "maxProperties")
    said = "how many members there may be changed"
    schemas.relate(node, "properties-count", relation, side, said, old, new, "minProperties", "maxProperties")
    for word, constraint in (("patternProperties", "pattern-properties"), ("dependentSchemas", "dependent-schemas")):
        parts = [shape.words.get(word, {}) for shape in (old, new)]
        for name in sorted(parts[0].keys() | parts[1].keys()):
            if name in parts[0] and name in parts[1]:
                at = f"{old.place(word)}/{escape(name)}", f"{new.place(word)}/{escape(name)}"
                schemas.compare(node, parts[0][name], parts[1][name], side, at, loose=node.loose)
            else:
                relation = Relation.NARROWER if name in parts[1] else Relation.WIDER
                said = f"{word} {name!r} was {'added' if name in parts[1] else 'removed'}"
                report.relate(node, constraint, relation, side, said, old.place(word), new.place(word))
    ours, theirs = (shape.words.get("dependentRequired", {}) for shape in (old, new))
    for name in sorted(ours.keys() | theirs.keys()):
        before, after = set(ours.get(name, ())), set(theirs.get(name, ()))
        if before != after:
            relation = Relation.NARROWER if before < after else Relation.WIDER if after < before else Relation.DIFFERENT
            said = f"with {name!r}, {', '.join(sorted(after)) or 'nothing'} is needed now"
            schemas.relate(node, "dependent-required", relation, side, said, old, new, "dependentRequired")


def _unsent(shapes: Shapes, of: Shape, name: str, side: Side) -> bool:
    """Whether a member does not travel this way: read-only in requests, write-only in answers."""
    return _flag(shapes, of, name, "readOnly" if side is Side.REQUEST else "writeOnly")


def _flag(shapes: Shapes, of: Shape, name: str, word: str) -> bool:
    return shapes.of(*of.properties[name]).words.get(word) is True
