"""Two schemas compared: what an old value or reader meets when the new one holds.

A request breaks when less is accepted, an answer when more may come; every constraint is judged by that alone.
Definitions are compared pair by pair, each once for a side, so recursive schemas end.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from specs.diff import alternatives, objects
from specs.diff.change import Level, Relation, Side
from specs.diff.report import Node, Report, Trial
from specs.diff.scalars import bounds, formats, patterns, ranges, steps, types, values
from specs.diff.shape import TEXT, Shape, shape
from specs.schema import Schema

_HANDLED = TEXT | {
    "type", "enum", "const", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength",
    "maxLength", "pattern", "format", "contentMediaType", "contentEncoding", "contentSchema", "minItems", "maxItems",
    "uniqueItems", "items", "prefixItems", "contains", "minContains", "maxContains", "minProperties", "maxProperties",
    "required", "additionalProperties", "propertyNames", "patternProperties", "dependentRequired", "dependentSchemas",
    "unevaluatedItems", "unevaluatedProperties", "oneOf", "anyOf", "not", "if", "then", "else", "default", "deprecated",
    "readOnly", "writeOnly", "discriminator", "x-element", "x-sensitivity", "nullable",
}  # fmt: skip
BEHAVIOUR = ("x-mock-rules", "x-rules")


class Schemas:
    """Compares schemas of two interfaces into a report."""

    def __init__(self, report: Report) -> None:
        self.report = report

    def compare(self, node: Node, old: Any, new: Any, side: Side, at: tuple[str, str], *, loose: bool = False) -> None:
        """Compare two schemas that stand at the pointers `at` and note what changed at `node`.

        `loose`: the value travels as text (a parameter, a header), where a string takes whatever a number was.
        """
        key = (side, _identity(old), _identity(new), loose)
        if key not in self.report.nodes:
            made = self.report.nodes[key] = Node((old, new))
            ours, theirs = shape(self.report.old, old, at[0]), shape(self.report.new, new, at[1])
            self._shapes(made, ours, theirs, side, loose=loose)
        node.inner.append(key)

    def covers(self, old: Schema, new: Schema, side: Side, at: tuple[str, str]) -> bool:
        """Whether nothing on this side breaks, or may break, when `old` becomes `new`."""
        key = (side, _identity(old), _identity(new))
        if key not in self.report.trials:
            tried = self.report.trials[key] = Trial((old, new))  # asked again inside itself: nothing further to say
            trial = Schemas(Report(self.report.old, self.report.new, self.report.trials))
            root = trial.report.root("")
            trial.compare(root, old, new, side, at)
            tried.covers = all(change.level is Level.COMPATIBLE for change in trial.report.changes())
        return self.report.trials[key].covers

    def _shapes(self, node: Node, old: Shape, new: Shape, side: Side, *, loose: bool) -> None:
        self._words(node, old, new, side)
        if alternatives.wrapped(self, node, old, new, side):
            return
        ours, theirs = old.types(), new.types()
        relation = types(ours, theirs)
        if loose and relation is not Relation.SAME and theirs == frozenset({"string"}) and side is Side.REQUEST:
            relation = Relation.WIDER  # a text takes the digits of a number as they are
        said = f"type {_listed(ours)} became {_listed(theirs)}"
        self._relate(node, "type", relation, side, said, old, new, "type")
        if ours is not None and theirs is not None and not _meet(ours, theirs):
            return  # nothing in common: what else differs says no more
        self._values(node, old, new, side)
        self._texts_and_numbers(node, old, new, side)
        self._arrays(node, old, new, side)
        objects.compare(self, node, old, new, side)
        alternatives.compare(self, node, old, new, side)

    def _relate(
        self,
        node: Node,
        constraint: str,
        relation: Relation,
        side: Side,
        said: str,
        old: Shape,
        new: Shape,
        *words: str,
    ) -> None:
        moved = [word for word in words if old.words.get(word) != new.words.get(word)] or words
        self.report.relate(node, constraint, relation, side, said, old.place(*moved), new.place(*moved))

    # ---- what is said about a value of any type

    def _words(self, node: Node, old: Shape, new: Shape, side: Side) -> None:
        add, at = self.report.add, (old.pointer, new.pointer)
        told = sorted(word for word in TEXT if old.words.get(word) != new.words.get(word))
        if told:
            add(node, "text-changed", side, f"{', '.join(told)} changed", *at)
        if old.words.get("default") != new.words.get("default"):
            said = f"default {old.words.get('default')!r} became {new.words.get('default')!r}"
            add(node, "default-changed", side, said, old.place("default"), new.place("default"))
        if bool(old.words.get("deprecated")) != bool(new.words.get("deprecated")):
            check = "deprecated" if new.words.get("deprecated") else "no-longer-deprecated"
            add(node, check, side, "marked as deprecated" if check == "deprecated" else "not deprecated any more", *at)
        ours, theirs = (one.words.get("x-element") for one in (old, new))
        if ours != theirs:
            check = "element-added" if ours is None else "element-removed" if theirs is None else "element-changed"
            said = f"element {ours or '–'} became {theirs or '–'}"
            add(node, check, side, said, old.place("x-element"), new.place("x-element"))
        if old.words.get("x-sensitivity") != new.words.get("x-sensitivity"):
            said = f"sensitivity {old.words.get('x-sensitivity')} became {new.words.get('x-sensitivity')}"
            add(node, "sensitivity-changed", side, said, old.place("x-sensitivity"), new.place("x-sensitivity"))
        for word in sorted((old.words.keys() | new.words.keys()) - _HANDLED):
            if old.words.get(word) != new.words.get(word):
                check = "behaviour-changed" if word in BEHAVIOUR else "extension-changed"
                add(node, check, side, f"{word} changed", old.place(word), new.place(word))

    def _values(self, node: Node, old: Shape, new: Shape, side: Side) -> None:
        relation, said = values(old.values(), new.values())
        self._relate(node, "enum", relation, side, said, old, new, "const", "enum")

    def _texts_and_numbers(self, node: Node, old: Shape, new: Shape, side: Side) -> None:
        if old.values() is not None and new.values() is not None:
            return  # the listed values say all
        ours, theirs = old.words, new.words
        whole = all(kinds is not None and "number" not in kinds for kinds in (old.types(), new.types()))
        edges = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
        relation = ranges(ours, theirs, whole=whole)
        self._relate(node, "range", relation, side, _moved(ours, theirs, edges), old, new, *edges)
        relation = steps(ours.get("multipleOf"), theirs.get("multipleOf"))
        self._relate(node, "multiple-of", relation, side, _moved(ours, theirs, ("multipleOf",)), old, new, "multipleOf")
        relation = bounds(ours, theirs, "minLength", "maxLength")
        lengths = ("minLength", "maxLength")
        self._relate(node, "length", relation, side, _moved(ours, theirs, lengths), old, new, *lengths)
        relation, said = patterns(ours.get("pattern"), theirs.get("pattern"), side)
        self._relate(node, "pattern", relation, side, said, old, new, "pattern")
        relation = formats(ours.get("format"), theirs.get("format"))
        self._relate(node, "format", relation, side, _moved(ours, theirs, ("format",)), old, new, "format")
        if relation is Relation.SAME and ours.get("format") != theirs.get("format"):
            self.report.add(
                node, "text-changed", side, _moved(ours, theirs, ("format",)), old.place("format"), new.place("format")
            )
        for word in ("contentMediaType", "contentEncoding", "contentSchema"):
            relation = _given(ours.get(word), theirs.get(word))
            self._relate(node, "content", relation, side, f"{word} changed", old, new, word)

    # ---- arrays

    def _arrays(self, node: Node, old: Shape, new: Shape, side: Side) -> None:
        ours, theirs = old.words, new.words
        counts = ("minItems", "maxItems")
        relation = bounds(ours, theirs, *counts)
        self._relate(node, "items-count", relation, side, _moved(ours, theirs, counts), old, new, *counts)
        unique = bool(ours.get("uniqueItems")), bool(theirs.get("uniqueItems"))
        relation = Relation.SAME if unique[0] == unique[1] else Relation.NARROWER if unique[1] else Relation.WIDER
        self._relate(node, "unique-items", relation, side, "uniqueItems changed", old, new, "uniqueItems")
        self.inside(node, "items", old, new, side, "items")
        self._places(node, old, new, side)
        self.inside(node, "contains", old, new, side, "contains")
        if "contains" in ours and "contains" in theirs:
            counts = ("minContains", "maxContains")
            relation = bounds(ours, theirs, *counts)
            self._relate(node, "contains", relation, side, _moved(ours, theirs, counts), old, new, *counts)
        self.inside(node, "unevaluated", old, new, side, "unevaluatedItems")

    def _places(self, node: Node, old: Shape, new: Shape, side: Side) -> None:
        ours, theirs = (shape.words.get("prefixItems", ()) for shape in (old, new))
        for index, (one, other) in enumerate(zip(ours, theirs, strict=False)):
            places = f"{old.place('prefixItems')}/{index}", f"{new.place('prefixItems')}/{index}"
            self.compare(node, one, other, side, places)
        if len(ours) != len(theirs):
            relation = Relation.NARROWER if len(theirs) > len(ours) else Relation.WIDER
            said = f"{len(ours)} fixed places became {len(theirs)}"
            self._relate(node, "prefix-items", relation, side, said, old, new, "prefixItems")

    def inside(self, node: Node, constraint: str, old: Shape, new: Shape, side: Side, word: str) -> None:
        """A keyword that holds one schema: compared inside when both have it, else a constraint that came or went.

        Absent and `true` allow all, `false` nothing.
        """
        ours, theirs = (_opened(shape.words.get(word, True)) for shape in (old, new))
        if isinstance(ours, dict) and isinstance(theirs, dict):
            self.compare(node, ours, theirs, side, (old.place(word), new.place(word)))
            return
        relation = _openness(ours, theirs)
        self._relate(node, constraint, relation, side, f"{word} {_shown(ours)} became {_shown(theirs)}", old, new, word)


def _identity(schema: Any) -> Hashable:
    """Equal references are one schema; others are told apart by identity (they live as long as the interface)."""
    if isinstance(schema, dict):
        return schema["$ref"] if schema.keys() == {"$ref"} else id(schema)
    return bool(schema)


def _opened(schema: Any) -> Any:
    return True if schema == {} else schema


def _openness(old: Any, new: Any) -> Relation:
    """True, a schema, False: from open to shut."""
    rank = [2 if one is True else 0 if one is False else 1 for one in (old, new)]
    return Relation.SAME if rank[0] == rank[1] else Relation.NARROWER if rank[1] < rank[0] else Relation.WIDER


def _shown(schema: Any) -> str:
    return str(schema).lower() if isinstance(schema, bool) else "a schema"


def _given(old: Any, new: Any) -> Relation:
    if old == new:
        return Relation.SAME
    if old is None or new is None:
        return Relation.NARROWER if old is None else Relation.WIDER
    return Relation.DIFFERENT


def _meet(old: frozenset[str], new: frozenset[str]) -> bool:
    return bool(old & new) or ("integer" in old | new and "number" in old | new)


def _listed(types: frozenset[str] | None) -> str:
    return "any" if types is None else "|".join(sorted(types)) or "none"


def _moved(old: Any, new: Any, words: tuple[str, ...]) -> str:
    told = (f"{w} {old.get(w, '–')} became {new.get(w, '–')}" for w in words if old.get(w) != new.get(w))
    return ", ".join(told)
