"""oneOf, anyOf, not, if/then/else, discriminators: alternatives matched by what they are, not by their order."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from specs.diff.change import Relation, Side
from specs.diff.report import Node
from specs.diff.scalars import combined
from specs.diff.shape import TEXT, Shape, shape
from specs.schema import definition_name

if TYPE_CHECKING:
    from specs.diff.schemas import Schemas

_WORDS = ("oneOf", "anyOf")
MOST = 40
"""Alternatives compared each with each; beyond it only equal ones are matched."""


def wrapped(schemas: Schemas, node: Node, old: Shape, new: Shape, side: Side) -> bool:
    """A schema that became one alternative among others, or the only one left of them; True when it was judged here."""
    for word in _WORDS:
        ours, theirs = old.words.get(word), new.words.get(word)
        if theirs and ours is None and _bare(new, word) and not _bare(old, word):
            relation = _one_to_many(schemas, old, theirs, new.place(word))
        elif ours and theirs is None and _bare(old, word) and not _bare(new, word):
            relation = _many_to_one(schemas, ours, new, old.place(word))
        else:
            continue
        said = f"{word} was {'added around it' if theirs else 'taken away'}"
        schemas.report.relate(node, "alternatives", relation, side, said, old.place(word), new.place(word))
        return True
    return False


def _bare(of: Shape, word: str) -> bool:
    """Whether the alternatives are all that is said."""
    return not of.properties and not of.rest and not (of.words.keys() - {word, "discriminator", "type"} - TEXT)


def _one_to_many(schemas: Schemas, old: Shape, theirs: list[Any], place: str) -> Relation:
    whole = _schema(old)
    kept = [
        i for i, one in enumerate(theirs) if schemas.covers(whole, one, Side.REQUEST, (old.pointer, f"{place}/{i}"))
    ]
    inside = [schemas.covers(whole, one, Side.RESPONSE, (old.pointer, f"{place}/{i}")) for i, one in enumerate(theirs)]
    if kept:
        return Relation.SAME if all(inside) else Relation.WIDER
    return Relation.NARROWER if inside else Relation.UNSURE


def _many_to_one(schemas: Schemas, ours: list[Any], new: Shape, place: str) -> Relation:
    whole = _schema(new)
    kept = [schemas.covers(one, whole, Side.REQUEST, (f"{place}/{i}", new.pointer)) for i, one in enumerate(ours)]
    inside = any(schemas.covers(one, whole, Side.RESPONSE, (f"{place}/{i}", new.pointer)) for i, one in enumerate(ours))
    if inside:
        return Relation.SAME if all(kept) else Relation.NARROWER
    return Relation.WIDER if all(kept) else Relation.UNSURE


def _schema(of: Shape) -> dict[str, Any]:
    made = dict(of.words)
    if of.properties:
        made["properties"] = {name: member for name, (member, _) in of.properties.items()}
    return {**made, "allOf": [part for part, _ in of.rest]} if of.rest else made


def compare(schemas: Schemas, node: Node, old: Shape, new: Shape, side: Side) -> None:
    """Alternatives, exclusions, conditions, the parts of `allOf` that stand apart, and the discriminator."""
    for word in _WORDS:
        _lists(schemas, node, old, new, side, word)
    report = schemas.report
    ours, theirs = old.words.get("not"), new.words.get("not")
    if ours != theirs:
        relation = Relation.NARROWER if ours is None else Relation.WIDER if theirs is None else Relation.UNSURE
        report.relate(node, "not", relation, side, "what is excluded changed", old.place("not"), new.place("not"))
    conditions: list[dict[str, Any]] = [
        {w: one.words[w] for w in ("if", "then", "else") if w in one.words} for one in (old, new)
    ]
    if conditions[0] != conditions[1]:
        relation = _came_or_went(conditions[0], conditions[1])
        places = old.place("if", "then", "else"), new.place("if", "then", "else")
        report.relate(node, "condition", relation, side, "if, then or else changed", *places)
    rests = [[part for part, _ in one.rest] for one in (old, new)]
    gone = [part for part in rests[0] if part not in rests[1]]
    come = [part for part in rests[1] if part not in rests[0]]
    if gone or come:
        relation = Relation.UNSURE if gone and come else Relation.NARROWER if come else Relation.WIDER
        report.relate(node, "all-of", relation, side, "a part that must hold too", old.pointer, new.pointer)
    _discriminator(schemas, node, old, new, side)


def _came_or_went(old: dict[str, Any], new: dict[str, Any]) -> Relation:
    if not old or "if" not in old:
        return Relation.NARROWER if {"then", "else"} & new.keys() else Relation.SAME
    if not new or "if" not in new:
        return Relation.WIDER if {"then", "else"} & old.keys() else Relation.SAME
    same = all(old[word] == new[word] for word in old.keys() & new.keys())
    if same and old.keys() < new.keys():
        return Relation.NARROWER
    return Relation.WIDER if same and new.keys() < old.keys() else Relation.UNSURE


def _lists(schemas: Schemas, node: Node, old: Shape, new: Shape, side: Side, word: str) -> None:
    ours, theirs = old.words.get(word), new.words.get(word)
    at = old.place(word), new.place(word)
    if ours is None or theirs is None:
        if ours is not theirs:
            relation = Relation.NARROWER if ours is None else Relation.WIDER
            said = f"{word} was {'added' if ours is None else 'removed'}"
            schemas.report.relate(node, "alternatives", relation, side, said, *at)
        return
    pairs, gone, come = _matched(schemas, ours, theirs)
    for i, j in pairs:
        schemas.compare(node, ours[i], theirs[j], side, (f"{at[0]}/{i}", f"{at[1]}/{j}"))
    small = len(ours) * len(theirs) <= MOST * MOST
    lost = [i for i in gone if not (small and _covered(schemas, ours[i], theirs, Side.REQUEST, f"{at[0]}/{i}", at[1]))]
    won = [j for j in come if not (small and _covered(schemas, theirs[j], ours, Side.RESPONSE, f"{at[1]}/{j}", at[0]))]
    relation = combined([Relation.NARROWER] * bool(lost) + [Relation.WIDER] * bool(won))
    told = [f"without {_name(ours[i], i)}" for i in lost] + [f"also {_name(theirs[j], j)}" for j in won]
    schemas.report.relate(node, "alternatives", relation, side, f"{word} {', '.join(told)}", *at)


def _covered(schemas: Schemas, one: Any, others: list[Any], side: Side, here: str, there: str) -> bool:
    """Whether some other alternative takes in all of `one`, which stands in the old list for requests, else in the
    new."""
    if side is Side.REQUEST:
        return any(schemas.covers(one, other, side, (here, f"{there}/{i}")) for i, other in enumerate(others))
    return any(schemas.covers(other, one, side, (f"{there}/{i}", here)) for i, other in enumerate(others))


def _matched(
    schemas: Schemas, ours: list[Any], theirs: list[Any]
) -> tuple[list[tuple[int, int]], list[int], list[int]]:
    """(pairs, only old, only new): matched by equality, by name, then by the only one of its type."""
    gone, come = list(range(len(ours))), list(range(len(theirs)))
    pairs: list[tuple[int, int]] = []
    for label in (_canonical, _named, _kind):
        known: tuple[dict[str, list[int]], dict[str, list[int]]] = ({}, {})
        for side, (places, many, newer) in enumerate(((gone, ours, False), (come, theirs, True))):
            for place in places:
                mark = label(schemas, many[place], newer)
                if mark is not None:
                    known[side].setdefault(mark, []).append(place)
        for mark, places in known[0].items():
            others = known[1].get(mark, [])
            if label is _kind and (len(places) != 1 or len(others) != 1):
                continue
            pairs += zip(places, others, strict=False)
        taken = {i for i, _ in pairs}, {j for _, j in pairs}
        gone, come = [i for i in gone if i not in taken[0]], [j for j in come if j not in taken[1]]
    return sorted(pairs), gone, come


def _canonical(_schemas: Schemas, schema: Any, _newer: bool) -> str | None:
    return json.dumps(schema, sort_keys=True, default=str)


def _named(_schemas: Schemas, schema: Any, _newer: bool) -> str | None:
    if not isinstance(schema, dict):
        return None
    if "$ref" in schema:
        return f"ref {schema['$ref']}"
    return f"title {schema['title']}" if isinstance(schema.get("title"), str) else None


def _kind(schemas: Schemas, schema: Any, newer: bool) -> str | None:
    interface = schemas.report.new if newer else schemas.report.old
    made = shape(interface, schema, "")
    kinds = made.types() or (frozenset({"object"}) if made.properties else None)
    return None if kinds is None else "|".join(sorted(kinds))


def _name(schema: Any, index: int) -> str:
    if isinstance(schema, dict) and "$ref" in schema:
        return definition_name(schema["$ref"])
    title = schema.get("title") if isinstance(schema, dict) else None
    return str(title or f"alternative {index}")


def _discriminator(schemas: Schemas, node: Node, old: Shape, new: Shape, side: Side) -> None:
    ours, theirs = (one.words.get("discriminator") for one in (old, new))
    if ours == theirs:
        return
    at = old.place("discriminator"), new.place("discriminator")
    add = schemas.report.add
    if not isinstance(ours, dict) or not isinstance(theirs, dict):
        said = "a discriminator came or went"
        add(node, "discriminator-added-or-removed", side, said, *at)
        return
    if ours.get("propertyName") != theirs.get("propertyName"):
        said = f"{ours.get('propertyName')!r} became {theirs.get('propertyName')!r}"
        add(node, "discriminator-changed", side, said, *at)
    before, after = (one.get("mapping") or {} for one in (ours, theirs))
    for value in sorted(before.keys() | after.keys()):
        if before.get(value) == after.get(value):
            continue
        way = "added" if value not in before else "removed" if value not in after else "changed"
        add(node, f"discriminator-mapping-{way}", side, f"mapping of {value!r} was {way}", *at)
