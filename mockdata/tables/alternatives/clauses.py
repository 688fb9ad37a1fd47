"""The schema of a row taken apart: what always holds, and choices between fields, each by the fields it speaks of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mockdata.tables import arrow

Schema = dict[str, Any]
ALL = "\0all"
"""Stands for every field of the row."""
CHOICES = ("anyOf", "oneOf", "not")
DEPENDENT = ("dependentSchemas", "dependentRequired", "dependencies")
_WHOLE = frozenset(
    ("patternProperties", "additionalProperties", "propertyNames", "minProperties", "maxProperties", "const", "enum",
     "unevaluatedProperties", "$dynamicRef")
)  # fmt: skip
_LISTS, _SINGLE = ("allOf", "anyOf", "oneOf"), ("not", "if", "then", "else")


@dataclass(frozen=True)
class Clause:
    """One choice: a schema with that keyword alone, and the fields it speaks of."""

    word: str
    schema: Schema
    names: frozenset[str]


@dataclass(frozen=True)
class Clauses:
    """`plain`: schemas without a choice in them, which all hold; `choices`: the rest."""

    plain: tuple[Schema, ...]
    choices: tuple[Clause, ...]

    @property
    def words(self) -> tuple[str, ...]:
        """The keywords that bind rows as a whole."""
        counted = (word for part in self.plain for word in part if word in _WHOLE)
        return tuple(dict.fromkeys((*(choice.word for choice in self.choices), *counted)))

    def groups(self, names: Iterable[str]) -> list[tuple[frozenset[str], tuple[Clause, ...]]]:
        """The choices by fields that hang together, with those fields."""
        found: list[tuple[set[str], list[Clause]]] = []
        for choice in self.choices:
            spoken = set(names) if ALL in choice.names else set(choice.names)
            met = [group for group in found if group[0] & spoken]
            for group in met:
                found.remove(group)
            together = [clause for _, clauses in met for clause in clauses]
            found.append((spoken.union(*(group[0] for group in met)), [*together, choice]))
        return [(frozenset(spoken), tuple(clauses)) for spoken, clauses in found]


def clauses(schema: Schema, resolve: arrow.Resolve, count: int) -> Clauses:
    """The clauses of the schema of a row of `count` fields."""
    plain: list[Schema] = []
    choices: list[Clause] = []
    parts = list(_parts(schema, resolve, ()))
    if any("unevaluatedProperties" in part or "$dynamicRef" in part for part in parts):
        # what counts as evaluated hangs on every choice, so nothing can be taken apart
        return Clauses((), (Clause("unevaluatedProperties", schema, frozenset((ALL,))),))
    for part in parts:
        for word, one in _choices(part):
            choices.append(Clause(word, one, frozenset(_spoken(one, resolve, ()))))
        rest = {w: v for w, v in part.items() if w not in (*CHOICES, *DEPENDENT, *_SINGLE, "allOf", "$ref", "$defs")}
        needed = len(set(rest.get("required", ())))
        for word, binds in (
            ("minProperties", rest.get("minProperties", 0) > needed),
            ("maxProperties", rest.get("maxProperties", count) < count),
            ("const", True),
            ("enum", True),
        ):
            value = rest.pop(word, None)
            if value is not None and binds:
                choices.append(Clause(word, {word: value}, frozenset((ALL,))))
        plain.append(rest)
    return Clauses(tuple(plain), tuple(choices))


def _parts(schema: Schema, resolve: arrow.Resolve, within: tuple[str, ...]) -> Iterator[Schema]:
    """The schema and all it is the conjunction of."""
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference not in within:
        yield from _parts(resolve({"$ref": reference}), resolve, (*within, reference))
    yield schema
    for part in schema.get("allOf", ()):
        if isinstance(part, dict):
            yield from _parts(part, resolve, within)
        elif part is False:
            yield {"not": {}}


def _choices(part: Schema) -> Iterator[tuple[str, Schema]]:
    for word in CHOICES:
        if word in part:
            yield word, {word: part[word]}
    if "if" in part and ("then" in part or "else" in part):
        yield "if", {word: part[word] for word in ("if", "then", "else") if word in part}
    for word in DEPENDENT:
        for name, needed in part.get(word, {}).items():
            modern = "dependentRequired" if isinstance(needed, list) else "dependentSchemas"
            yield modern, {modern: {name: needed}}


def _spoken(schema: Any, resolve: arrow.Resolve, within: tuple[str, ...]) -> Iterator[str]:
    """The fields a schema of rows speaks of."""
    if not isinstance(schema, dict):
        return
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference not in within:
        yield from _spoken(resolve({"$ref": reference}), resolve, (*within, reference))
    if _WHOLE & schema.keys():
        yield ALL
    yield from schema.get("properties", {})
    yield from schema.get("required", ())
    for word in DEPENDENT:
        for name, needed in schema.get(word, {}).items():
            yield name
            yield from needed if isinstance(needed, list) else _spoken(needed, resolve, within)
    for word in _LISTS:
        for part in schema.get(word, ()):
            yield from _spoken(part, resolve, within)
    for word in _SINGLE:
        yield from _spoken(schema.get(word), resolve, within)


def required(made: Clauses) -> frozenset[str]:
    """The fields every row has."""
    return frozenset(name for part in made.plain for name in part.get("required", ()))


def offered(schema: Any, resolve: arrow.Resolve, within: tuple[str, ...] = ()) -> Iterator[tuple[str, Any, bool]]:
    """(name, schema, whether it always holds) of every field a row may have; those a row must not have, or is only
    asked about, without a schema (None).
    """
    yield from _offered(schema, resolve, within, True, True)


def _offered(
    schema: Any, resolve: arrow.Resolve, within: tuple[str, ...], always: bool, positive: bool
) -> Iterator[tuple[str, Any, bool]]:
    if not isinstance(schema, Mapping):
        return
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference not in within:
        yield from _offered(resolve({"$ref": reference}), resolve, (*within, reference), always, positive)
    for name, inner in schema.get("properties", {}).items():
        told = positive and isinstance(inner, dict) and inner != {"not": {}}  # which is how "never" is written
        yield name, inner if told else None, always
    for part in schema.get("allOf", ()):
        yield from _offered(part, resolve, within, always, positive)
    for word in ("oneOf", "anyOf"):
        for part in schema.get(word, ()):
            yield from _offered(part, resolve, within, False, positive)
    for word in ("then", "else"):
        yield from _offered(schema.get(word), resolve, within, False, positive)
    for part in (p for word in ("dependentSchemas", "dependencies") for p in schema.get(word, {}).values()):
        yield from _offered(part, resolve, within, False, positive)
    for word in ("if", "not"):
        yield from _offered(schema.get(word), resolve, within, False, False)
    for name in schema.get("required", ()):
        yield name, None, always
    for word in DEPENDENT:
        for name, needed in schema.get(word, {}).items():
            for other in (name, *(needed if isinstance(needed, list) else ())):
                yield other, None, False
