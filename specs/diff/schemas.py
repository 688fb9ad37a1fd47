"""Two schemas compared: what an old value or reader meets when the new one holds.

A request breaks when less is accepted, an answer when more may come; every constraint is judged by that alone.
Definitions are compared pair by pair, each once for a side, so recursive schemas end.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from typing import Any

from specs.diff import alternatives, conditions, objects, remarks
from specs.diff.alike import alike
from specs.diff.change import Relation, Side
from specs.diff.report import Node, Report
from specs.diff.scalars import bounds, finite, formats, lengths, patterns, ranges, steps, types
from specs.diff.shape import ANY, Shape, Shapes
from specs.diff.specimens import tried
from specs.diff.trials import Trial, Trials

_TEXTS = ("minLength", "maxLength", "pattern", "contentMediaType", "contentEncoding", "contentSchema")
_NUMBERS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_ARRAYS = ("minItems", "maxItems", "uniqueItems")
_OBJECTS = ("minProperties", "maxProperties")


class Schemas:
    """Compares schemas of two interfaces into a report. What `compare` is given waits until `finish`."""

    def __init__(self, report: Report) -> None:
        self.report: Report | Trial = report
        self.ours, self.theirs = Shapes(report.old), Shapes(report.new)
        self.trials = Trials()
        self._waiting: deque[tuple[Node, Any, Any, Side, tuple[str, str]]] = deque()

    def trying(self, trial: Trial) -> Schemas:
        """The same comparison, into a trial."""
        made = Schemas.__new__(Schemas)
        made.report, made.ours, made.theirs, made.trials = trial, self.ours, self.theirs, self.trials
        made._waiting = deque()
        return made

    def key(self, old: Any, new: Any, side: Side, at: tuple[str, str], *, loose: bool = False) -> Hashable:
        """What a pair of schemas is told by: bare references are what they lead to."""
        (old, _), (new, _) = self.ours.target(old, at[0]), self.theirs.target(new, at[1])
        return side, _identity(old), _identity(new), loose

    def compare(self, node: Node, old: Any, new: Any, side: Side, at: tuple[str, str], *, loose: bool = False) -> None:
        """Compare two schemas that stand at the pointers `at` and note what changed at `node`.

        `loose`: the value travels as text (a parameter, a header), where a string takes whatever a number was.
        """
        (old, here), (new, there) = self.ours.target(old, at[0]), self.theirs.target(new, at[1])
        key = self.key(old, new, side, at, loose=loose)
        made = self.report.enter(node, key, loose=loose)
        if made is not None:
            self._waiting.append((made, old, new, side, (here, there)))

    def finish(self) -> None:
        """Work off what waits."""
        while self._waiting:
            node, old, new, side, at = self._waiting.popleft()
            self._shapes(node, self.ours.of(old, at[0]), self.theirs.of(new, at[1]), side)

    def covers(self, old: Any, new: Any, side: Side, at: tuple[str, str] = ("", "")) -> bool | None:
        """Whether nothing on this side breaks when `old` becomes `new`; None when it cannot be told."""
        return self.trials.covers(self, old, new, side, at)

    def alike(self, old: Any, new: Any) -> bool:
        """Whether both say the same but for words to people."""
        known, key = (
            self.trials.alike,
            (_identity(self.ours.target(old, "")[0]), _identity(self.theirs.target(new, "")[0])),
        )
        if key not in known:
            known[key] = alike(self.ours, self.theirs, old, new)
        return known[key]

    def relate(
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
        """Note how a constraint moved, at the keyword that did; values are tried where that is not told."""
        if relation is Relation.UNSURE and not self.report.quiet:
            relation = tried(self, old, new)
        moved = [word for word in words if old.words.get(word) != new.words.get(word)] or words
        self.report.relate(node, constraint, relation, side, said, old.place(*moved), new.place(*moved))

    def _shapes(self, node: Node, old: Shape, new: Shape, side: Side) -> None:
        if not self.report.quiet:
            remarks.compare(self, node, old, new, side)
        if alternatives.united(self, node, old, new, side):
            return
        ours, theirs = old.types, new.types
        relation = types(ours, theirs)
        if node.loose and relation is not Relation.SAME and theirs == {"string"} and side is Side.REQUEST:
            relation = Relation.WIDER  # a text takes the digits of a number as they are
        values, settled, said = finite(old, new)
        if not settled or not ours & theirs:
            said_types = f"type {_listed(ours)} became {_listed(theirs)}"
            self.relate(node, "type", relation, side, said_types, old, new, "type")
        if not ours & theirs:
            return  # nothing in common: what else differs says no more
        if values is not None:
            self.relate(node, "enum", values, side, said, old, new, "const", "enum")
        if old.values is not None and new.values is not None:  # the listed values say all
            moved = [word for word in (*_TEXTS, *_NUMBERS, "format") if old.words.get(word) != new.words.get(word)]
            if moved:
                said = f"{', '.join(moved)} changed beside the values listed"
                self.report.add(node, "text-changed", side, said, old.place(*moved), new.place(*moved))
            return
        if not settled:
            self._kinds(node, old, new, side, ours & theirs)
        alternatives.compare(self, node, old, new, side)
        conditions.compare(self, node, old, new, side)

    def _kinds(self, node: Node, old: Shape, new: Shape, side: Side, common: frozenset[str]) -> None:
        """The constraints of each type of value both have; those of other types say nothing."""
        if "string" in common:
            self._texts(node, old, new, side)
        if "integer" in common:
            self._numbers(node, old, new, side)
        self._format(node, old, new, side, common)
        if "array" in common:
            self._arrays(node, old, new, side)
        if "object" in common:
            objects.compare(self, node, old, new, side)
        every = old.types | new.types
        for kind, words in (("string", _TEXTS), ("integer", _NUMBERS), ("array", _ARRAYS), ("object", _OBJECTS)):
            moved = [word for word in words if old.words.get(word) != new.words.get(word)]
            if moved and kind not in every:
                said = f"{', '.join(moved)} changed, which says nothing of {_listed(new.types)}"
                self.report.add(node, "text-changed", side, said, old.place(*moved), new.place(*moved))

    # ---- texts and numbers

    def _texts(self, node: Node, old: Shape, new: Shape, side: Side) -> None:
        ours, theirs = old.words, new.words
        words = ("minLength", "maxLength")
        moved = _moved(ours, theirs, words)
        relation = lengths(ours, theirs)
        self.relate(node, "length", relation, side, moved, old, new, *words)
        pattern, said = patterns(ours, theirs, side)
        self.relate(node, "pattern", pattern, side, said, old, new, "pattern")
        if moved and relation is Relation.SAME:
            self.report.add(node, "text-changed", side, f"{moved}: no text more or less", old.pointer, new.pointer)
        if pattern is Relation.SAME and ours.get("pattern") != theirs.get("pattern"):
            said = f"pattern {ours.get('pattern', '–')} became {theirs.get('pattern', '–')}: the same texts"
            self.report.add(node, "text-changed", side, said, old.place("pattern"), new.place("pattern"))
        for word in ("contentMediaType", "contentEncoding"):
            relation = _given(ours.get(word), theirs.get(word))
            self.relate(node, "content", relation, side, _moved(ours, theirs, (word,)), old, new, word)
        if "contentSchema" in ours or "contentSchema" in theirs:
            self.inside(node, "content", old, new, side, "contentSchema")

    def _numbers(self, node: Node, old: Shape, new: Shape, side: Side) -> None:
        ours, theirs = old.words, new.words
        whole = "number" not in old.types and "number" not in new.types
        words = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
        relation = ranges(ours, theirs, whole=whole)
        self.relate(node, "range", relation, side, _moved(ours, theirs, words), old, new, *words)
        relation = steps(ours.get("multipleOf"), theirs.get("multipleOf"), whole=whole)
        self.relate(node, "multiple-of", relation, side, _moved(ours, theirs, ("multipleOf",)), old, new, "multipleOf")

    def _format(self, node: Node, old: Shape, new: Shape, side: Side, common: frozenset[str]) -> None:
        ours, theirs = old.words.get("format"), new.words.get("format")
        if ours == theirs:
            return
        relation = formats(ours, theirs, common)
        said = _moved(old.words, new.words, ("format",))
        self.relate(node, "format", relation, side, said, old, new, "format")
        if relation is Relation.SAME:
            self.report.add(node, "text-changed", side, said, old.place("format"), new.place("format"))

    # ---- arrays

    def _arrays(self, node: Node, old: Shape, new: Shape, side: Side) -> None:
        ours, theirs = old.words, new.words
        counts = ("minItems", "maxItems")
        relation = bounds(ours, theirs, *counts)
        self.relate(node, "items-count", relation, side, _moved(ours, theirs, counts), old, new, *counts)
        unique = bool(ours.get("uniqueItems")), bool(theirs.get("uniqueItems"))
        relation = Relation.SAME if unique[0] == unique[1] else Relation.NARROWER if unique[1] else Relation.WIDER
        said = "items may not repeat now" if unique[1] else "items may repeat now"
        self.relate(node, "unique-items", relation, side, said, old, new, "uniqueItems")
        self.inside(node, "items", old, new, side, "items")
        self._places(node, old, new, side)
        most = [("contains" in words and "maxContains" in words) for words in (ours, theirs)]
        if any(most) and not self.alike(ours.get("contains", True), theirs.get("contains", True)):
            said = "what an array must and may contain changed"
            self.relate(node, "contains", Relation.UNSURE, side, said, old, new, "contains")
        else:
            self.inside(node, "contains", old, new, side, "contains")
        if "contains" in ours and "contains" in theirs:
            counts = ("minContains", "maxContains")
            relation = bounds(ours, theirs, *counts)
            self.relate(node, "contains", relation, side, _moved(ours, theirs, counts), old, new, *counts)
        self.inside(node, "unevaluated", old, new, side, "unevaluatedItems")

    def _places(self, node: Node, old: Shape, new: Shape, side: Side) -> None:
        """Fixed places; one that only one of them describes is held against what the other says of further items."""
        ours, theirs = (list(shape.words.get("prefixItems", ())) for shape in (old, new))
        for index in range(max(len(ours), len(theirs))):
            pair = [
                (many[index], f"{of.place('prefixItems')}/{index}")
                if index < len(many)
                else (of.words.get("items", True), of.place("items"))
                for many, of in ((ours, old), (theirs, new))
            ]
            if index < min(len(ours), len(theirs)):
                self.compare(node, pair[0][0], pair[1][0], side, (pair[0][1], pair[1][1]), loose=node.loose)
                continue
            relation = Relation.NARROWER if len(theirs) > len(ours) else Relation.WIDER
            kept = [self.covers(pair[0][0], pair[1][0], way) for way in (Side.REQUEST, Side.RESPONSE)]
            if kept[0] and kept[1]:
                continue
            if kept[relation is Relation.NARROWER] is False:
                relation = Relation.DIFFERENT
            said = f"place {index + 1} is {'fixed now' if index < len(theirs) else 'no longer fixed'}"
            self.relate(node, "prefix-items", relation, side, said, old, new, "prefixItems")

    def inside(self, node: Node, constraint: str, old: Shape, new: Shape, side: Side, word: str) -> None:
        """A keyword that holds one schema: compared inside when both have it, else a constraint that came or went.

        Absent and `true` allow all, `false` nothing.
        """
        ours, theirs = (_opened(shape.words.get(word, True)) for shape in (old, new))
        if isinstance(ours, dict) and isinstance(theirs, dict):
            self.compare(node, ours, theirs, side, (old.place(word), new.place(word)), loose=node.loose)
            return
        relation = _openness(ours, theirs)
        self.relate(node, constraint, relation, side, f"{word} {_shown(ours)} became {_shown(theirs)}", old, new, word)


def _identity(schema: Any) -> Hashable:
    """Schemas are told apart by identity: they live as long as their interface, or its shapes."""
    return id(schema) if isinstance(schema, dict) else bool(schema)


def _opened(schema: Any) -> Any:
    return True if schema == {} else False if schema == {"not": {}} else schema


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


def _listed(types: frozenset[str]) -> str:
    shown = types - {"integer"} if "number" in types else types
    return "any" if types == ANY else "|".join(sorted(shown)) or "none"


def _moved(old: Any, new: Any, words: tuple[str, ...]) -> str:
    told = (f"{w} {old.get(w, '–')} became {new.get(w, '–')}" for w in words if old.get(w) != new.get(w))
    return ", ".join(told)
