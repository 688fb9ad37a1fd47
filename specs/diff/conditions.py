"""Constraints made of whole schemas: not, if/then/else, and parts of `allOf` that stand apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specs.diff.change import Relation, Side
from specs.diff.report import Node
from specs.diff.shape import Place, Shape, Shapes
from specs.diff.specimens import tried

if TYPE_CHECKING:
    from specs.diff.schemas import Schemas

_SCALARS = {"null", "boolean", "integer", "number", "string"}


def compare(schemas: Schemas, node: Node, old: Shape, new: Shape, side: Side) -> None:
    """Note what changed about them."""
    _excluded(schemas, node, old, new, side)
    _conditions(schemas, node, old, new, side)
    _apart(schemas, node, old, new, side)


def _excluded(schemas: Schemas, node: Node, old: Shape, new: Shape, side: Side) -> None:
    ours, theirs = old.words.get("not"), new.words.get("not")
    if (ours is None and theirs is None) or (ours is not None and theirs is not None and schemas.alike(ours, theirs)):
        return
    if ours is None or theirs is None:
        relation = Relation.NARROWER if ours is None else Relation.WIDER
    else:
        relation = _reversed(schemas, _of_types(schemas.ours, old), _of_types(schemas.theirs, new))
    schemas.relate(node, "not", relation, side, "what is excluded changed", old, new, "not")


def _of_types(shapes: Shapes, of: Shape) -> Place:
    """What is excluded among the types of value that are allowed at all."""
    return shapes.both([shapes.only(of), (of.words["not"], of.place("not"))])


def _reversed(schemas: Schemas, old: Place, new: Place) -> Relation:
    """What is excluded narrows when the excluding schema widens; told of scalars alone."""
    if not all(shapes.of(*one).types <= _SCALARS for shapes, one in ((schemas.ours, old), (schemas.theirs, new))):
        return Relation.UNSURE
    within, around = (schemas.covers(old[0], new[0], side) for side in (Side.REQUEST, Side.RESPONSE))
    if within and around:
        return Relation.SAME
    if within and around is False:
        return Relation.NARROWER
    if around and within is False:
        return Relation.WIDER
    return Relation.DIFFERENT if within is around is False else Relation.UNSURE


def _conditions(schemas: Schemas, node: Node, old: Shape, new: Shape, side: Side) -> None:
    """With the same `if`, `then` and `else` are parts like any other; another `if` is another rule."""
    ours, theirs = (
        {word: one.words[word] for word in ("if", "then", "else") if word in one.words} for one in (old, new)
    )
    ours, theirs = (part if "if" in part and len(part) > 1 else {} for part in (ours, theirs))
    if not ours and not theirs:
        return
    if ours and theirs and schemas.alike(ours["if"], theirs["if"]):
        for word in ("then", "else"):
            schemas.inside(node, "condition", old, new, side, word)
        return
    relation = Relation.UNSURE if ours and theirs else Relation.NARROWER if theirs else Relation.WIDER
    schemas.relate(node, "condition", relation, side, "if, then or else changed", old, new, "if", "then", "else")


def _apart(schemas: Schemas, node: Node, old: Shape, new: Shape, side: Side) -> None:
    """Each is a schema of one keyword: matched by being alike, then by being the only one with its keyword."""
    gone, come = list(old.rest), list(new.rest)
    for place in old.rest:
        same = next((one for one in come if schemas.alike(place[0], one[0])), None)
        if same is not None:
            gone.remove(place)
            come.remove(same)
    for word in {word for part, _ in gone for word in part}:
        ours, theirs = ([place for place in many if word in place[0]] for many in (gone, come))
        if len(ours) == len(theirs) == 1:
            (one, here), (other, there) = ours[0], theirs[0]
            schemas.compare(node, one, other, side, (here, there))
            gone.remove(ours[0])
            come.remove(theirs[0])
    if gone or come:
        relation = Relation.NARROWER if come else Relation.WIDER
        if gone and come:
            relation = tried(schemas, old, new)
        said = f"{_words(gone)} no longer holds too" if not come else f"{_words(come)} must hold too"
        places = (gone[0][1] if gone else old.pointer), (come[0][1] if come else new.pointer)
        schemas.report.relate(node, "all-of", relation, side, said, *places)


def _words(places: list[Place]) -> str:
    return ", ".join(sorted({word for part, _ in places for word in part}))
