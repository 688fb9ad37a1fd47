"""oneOf and anyOf: alternatives matched by what they are, not by their order, and judged as a union of values."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from specs.diff import discriminators
from specs.diff.change import Relation, Side
from specs.diff.report import Node
from specs.diff.scalars import combined
from specs.diff.shape import Place, Shape, Shapes, canonical
from specs.diff.specimens import tried
from specs.schema import definition_name

if TYPE_CHECKING:
    from specs.diff.schemas import Schemas

_WORDS = ("oneOf", "anyOf")
MOST = 60
"""Alternatives compared each with each; beyond it only those with the same name or content are matched."""


def united(schemas: Schemas, node: Node, old: Shape, new: Shape, side: Side) -> bool:
    """Compare two shapes as unions of alternatives, where at least one is a list of them; True when that says all.

    A schema without alternatives is a union of one. What stands beside alternatives goes into each of them when the two
    versions divide it differently.
    """
    if old.union is None and new.union is None:
        return False
    apart = old.properties.keys() != new.properties.keys() or old.bare != new.bare
    if not (old.bare and new.bare) and not (apart and _divided(old) and _divided(new)):
        return False
    parts = [_parts(schemas.ours, old), _parts(schemas.theirs, new)]
    at = old.place(*_WORDS), new.place(*_WORDS)
    _lists(schemas, node, parts[0], parts[1], side, at, f"{new.union or old.union}")
    _exclusive(schemas, node, old, new, side)
    discriminators.compare(schemas, node, old, new, side)
    return True


def _divided(of: Shape) -> bool:
    """Whether the schema can be told part by part: it has one list of alternatives, or none."""
    return sum(word in of.words for word in _WORDS) < 2


def _parts(shapes: Shapes, of: Shape) -> list[Place]:
    if of.union is None:
        return shapes.split(of, plain=True)
    listed = [(one, f"{of.place(of.union)}/{index}") for index, one in enumerate(of.words[of.union])]
    if of.bare:
        return listed
    base = shapes.base(of)
    return [shapes.both([base, one]) for one in listed]


def compare(schemas: Schemas, node: Node, old: Shape, new: Shape, side: Side) -> None:
    """Alternatives beside other constraints."""
    for word in _WORDS:
        ours, theirs = old.words.get(word), new.words.get(word)
        at = old.place(word), new.place(word)
        if ours is not None and theirs is not None:
            listed = [[(one, f"{at[i]}/{n}") for n, one in enumerate(many)] for i, many in enumerate((ours, theirs))]
            _lists(schemas, node, listed[0], listed[1], side, at, word)
        elif ours is not theirs:
            relation = Relation.NARROWER if ours is None else Relation.WIDER
            said = f"{word} was {'added' if ours is None else 'removed'}"
            schemas.report.relate(node, "alternatives", relation, side, said, *at)
    discriminators.compare(schemas, node, old, new, side)


def _exclusive(schemas: Schemas, node: Node, old: Shape, new: Shape, side: Side) -> None:
    """oneOf became anyOf, or the reverse: the same unless a value can be of two alternatives."""
    if old.union is None or new.union is None or old.union == new.union:
        return
    said, at = f"{old.union} became {new.union}", (old.place(old.union), new.place(new.union))
    if all(_apart(shapes, of) for shapes, of in ((schemas.ours, old), (schemas.theirs, new))):
        schemas.report.add(node, "text-changed", side, said, *at)
    else:
        schemas.report.relate(node, "alternatives", tried(schemas, old, new), side, said, *at)


def _apart(shapes: Shapes, of: Shape) -> bool:
    """Whether no value can be of two alternatives, as far as types and constant members tell."""
    if "discriminator" in of.words:
        return True
    seen: set[str] = set()
    for one, pointer in _parts(shapes, of):
        inner = shapes.of(one, pointer)
        if seen & inner.types:
            return False
        seen |= inner.types
    return True


def _lists(
    schemas: Schemas, node: Node, ours: list[Place], theirs: list[Place], side: Side, at: tuple[str, str], word: str
) -> None:
    """Matched alternatives are compared inside; of the others it counts whether some other one takes them in."""
    matched, gone, come = _matched(schemas, ours, theirs)
    if len(ours) == len(theirs) == 1:
        matched, gone, come = [(0, 0)], [], []
    pairs = [(ours[i], theirs[j]) for i, j in matched]
    if gone and come:  # the same values may be cut into other pieces
        ours, gone = _smaller(schemas.ours, ours, gone)
        theirs, come = _smaller(schemas.theirs, theirs, come)
        more, left, right = _matched(schemas, [ours[i] for i in gone], [theirs[j] for j in come])
        pairs += [(ours[gone[i]], theirs[come[j]]) for i, j in more]
        gone, come = [gone[i] for i in left], [come[j] for j in right]
    small = len(ours) * len(theirs) <= MOST * MOST
    if not small and len(gone) == len(come):  # too many to try each with each: by their order
        pairs += [(ours[i], theirs[j]) for i, j in zip(gone, come, strict=True)]
        gone, come = [], []
    for (old, here), (new, there) in pairs:
        schemas.compare(node, old, new, side, (here, there), loose=node.loose)
    request, quiet = side is Side.REQUEST, schemas.report.quiet
    kept = {
        i: _taken_in(schemas, ours[i], theirs, Side.REQUEST) if small else None for i in gone if request or not quiet
    }
    known = {
        j: _taken_in(schemas, theirs[j], ours, Side.RESPONSE) if small else None
        for j in come
        if not request or not quiet
    }
    relations = [
        _went(kept.values(), Relation.NARROWER, counts=request),
        _went(known.values(), Relation.WIDER, counts=not request),
    ]
    relation = combined(relations)
    told = [f"without {_name(*ours[i])}" for i, said in kept.items() if not said]
    told += [f"also {_name(*theirs[j])}" for j, said in known.items() if not said]
    schemas.report.relate(node, "alternatives", relation, side, f"{word}: {', '.join(told)}", *at)
    if relation is Relation.SAME and (gone or come):
        named = [f"{_name(*ours[i])} went" for i in gone] + [f"{_name(*theirs[j])} came" for j in come]
        said = f"{word}: {', '.join(named)}, and what it allows another alternative does"
        schemas.report.add(node, "alternatives-regrouped", side, said, *at)


def _went(said: Iterable[bool | None], relation: Relation, *, counts: bool) -> Relation:
    """What alternatives that are taken in by others (True), not (False), or perhaps (None) come to; `counts`: whether
    it matters to this side."""
    found = set(said)
    if False in found or (None in found and not counts):
        return relation
    return Relation.UNSURE if None in found else Relation.SAME


def _taken_in(schemas: Schemas, one: Place, others: list[Place], side: Side) -> bool | None:
    """Whether some other alternative takes in all of `one`, which stands in the old list for requests, else in the
    new; None when it cannot be told."""
    unsure = False
    for other in others:
        old, new = (one, other) if side is Side.REQUEST else (other, one)
        said = schemas.covers(old[0], new[0], side, (old[1], new[1]))
        if said:
            return True
        unsure = unsure or said is None
    return None if unsure else False


def _smaller(shapes: Shapes, many: list[Place], of: list[int]) -> tuple[list[Place], list[int]]:
    """The list with the alternatives at `of` replaced by the pieces they consist of, and where these stand."""
    made: list[Place] = []
    at: list[int] = []
    for index, place in enumerate(many):
        pieces = shapes.split(shapes.of(*place)) if index in of else [place]
        if index in of:
            at += range(len(made), len(made) + len(pieces))
        made += pieces if len(pieces) > 1 else [place]
    if len(made) != len(many):
        return made, at
    return many, of


def _matched(
    schemas: Schemas, ours: list[Place], theirs: list[Place]
) -> tuple[list[tuple[int, int]], list[int], list[int]]:
    """(pairs, only old, only new): matched by content, name, constant members, and the only one of its types."""
    gone, come = list(range(len(ours))), list(range(len(theirs)))
    pairs: list[tuple[int, int]] = []
    for label, alone in ((_named, False), (_content, False), (_tagged, True), (_kind, True)):
        known: list[dict[str, list[int]]] = [{}, {}]
        for which, (places, many, shapes) in enumerate(((gone, ours, schemas.ours), (come, theirs, schemas.theirs))):
            for place in places:
                mark = label(shapes, *many[place])
                if mark is not None:
                    known[which].setdefault(mark, []).append(place)
        for mark, places in known[0].items():
            others = known[1].get(mark, [])
            if not alone or len(places) == len(others) == 1:
                pairs += zip(places, others, strict=False)
        gone, come = _left(gone, come, pairs)
        if label is _content and len(gone) * len(come) <= MOST:
            pairs += _renamed(schemas, ours, theirs, gone, come)
            gone, come = _left(gone, come, pairs)
    return sorted(pairs), gone, come


def _left(gone: list[int], come: list[int], pairs: list[tuple[int, int]]) -> tuple[list[int], list[int]]:
    taken = {i for i, _ in pairs}, {j for _, j in pairs}
    return [i for i in gone if i not in taken[0]], [j for j in come if j not in taken[1]]


def _renamed(
    schemas: Schemas, ours: list[Place], theirs: list[Place], gone: list[int], come: list[int]
) -> list[tuple[int, int]]:
    """Alternatives that say the same under another name."""
    pairs, free = [], list(come)
    for i in gone:
        same = next((j for j in free if schemas.alike(ours[i][0], theirs[j][0])), None)
        if same is not None:
            free.remove(same)
            pairs.append((i, same))
    return pairs


def _content(_shapes: Shapes, schema: Any, _pointer: str) -> str | None:
    return canonical(schema)


def _named(_shapes: Shapes, schema: Any, _pointer: str) -> str | None:
    if not isinstance(schema, dict):
        return None
    if "$ref" in schema:
        return f"ref {schema['$ref']}"
    return f"title {schema['title']}" if isinstance(schema.get("title"), str) else None


def _tagged(shapes: Shapes, schema: Any, pointer: str) -> str | None:
    """The members that can have one value only: what tells alternatives apart."""
    found = []
    for name, place in shapes.of(schema, pointer).properties.items():
        values = shapes.of(*place).values
        if values is not None and len(values) == 1:
            found.append(f"{name} {canonical(values[0])}")
    return "; ".join(sorted(found)) or None


def _kind(shapes: Shapes, schema: Any, pointer: str) -> str | None:
    made = shapes.of(schema, pointer)
    if "type" not in made.words and made.values is None:
        return "object" if made.properties else None
    return "|".join(sorted(made.types))


def _name(schema: Any, pointer: str) -> str:
    if isinstance(schema, dict) and "$ref" in schema:
        return definition_name(schema["$ref"])
    title = schema.get("title") if isinstance(schema, dict) else None
    kind = schema.get("type") if isinstance(schema, dict) else None
    last = pointer.rpartition("/")[2]
    return str(title or kind or (f"alternative {last}" if last.isdigit() else last))
