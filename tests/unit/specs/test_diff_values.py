"""Schemas changed at random, held against the values both of them really allow."""

from __future__ import annotations

import copy
import itertools
import random
from collections.abc import Iterator
from functools import cache
from typing import Any

import jsonschema_rs
import pytest

import specs
from specs.diff import Level, Side, diff
from tests.unit.specs import diff_kinds as kinds

SCALARS = [None, True, False, 0, 1, 2, 3, 4, 5, 8, 9, -1, 0.5, 2.5, 100, "", "a", "b", "c", "ab", "abc", "abcdef", "1"]
INSIDE = [None, 0, 1, 5, 9.5, "a", "ab", "abcd", True, ["a"], {}, {"a": 1}]


@cache
def values() -> list[Any]:
    """Every scalar, and many arrays and objects of them."""
    draw = random.Random(1)
    lists = [list(many) for count in range(3) for many in itertools.product(INSIDE, repeat=count)]
    lists += [draw.choices(INSIDE, k=3) for _ in range(60)]
    objects = [
        dict(zip(names, draw.choices(INSIDE, k=count), strict=True))
        for count in range(4)
        for names in itertools.combinations(["a", "b", "c", "x1"], count)
        for _ in range(100)
    ]
    return [*SCALARS, *lists, *objects]


class Maker:
    """Schemas over few names and values, so that two of them often differ by one value."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)

    def some(self, options: dict[str, list[Any]], chance: float) -> dict[str, Any]:
        return {word: self.draw.choice(many) for word, many in options.items() if self.draw.random() < chance}

    def scalar(self) -> dict[str, Any]:
        kind = self.draw.choice(["string", "integer", "number", "boolean", "null"])
        texts = {
            "minLength": [0, 1, 2],
            "maxLength": [1, 2, 3],
            "pattern": ["^a", "b$", "^[a-c]*$", "^[0-9]+$", "^.{1,3}$", "a|b"],
            "enum": [["a"], ["a", "b"], ["ab", ""]],
        }
        numbers = {
            "minimum": [0, 1, 2],
            "maximum": [3, 5, 8],
            "exclusiveMinimum": [0, 1],
            "exclusiveMaximum": [5, 9],
            "multipleOf": [1, 2, 0.5],
            "enum": [[0, 1], [1, 2.5], [5]],
        }
        of = texts if kind == "string" else numbers if kind in ("integer", "number") else {}
        return {"type": [kind, "null"] if kind != "null" and self.draw.random() < 0.15 else kind, **self.some(of, 0.25)}

    def schema(self, depth: int = 2) -> dict[str, Any]:
        turn = self.draw.random() if depth else 0
        if turn < 0.4:
            return self.scalar()
        if turn < 0.55:
            more = {"minItems": [0, 1, 2], "maxItems": [1, 2], "uniqueItems": [True], "contains": [self.scalar()],
                    "items": [self.schema(depth - 1)], "prefixItems": [[self.scalar()]]}  # fmt: skip
            return {"type": "array", **self.some(more, 0.35)}
        if turn < 0.8:
            more = {"required": [["a"], ["a", "b"]], "additionalProperties": [False, self.scalar()],
                    "minProperties": [1, 2], "maxProperties": [1, 2], "propertyNames": [{"maxLength": 1}],
                    "patternProperties": [{"^x": self.scalar()}], "dependentRequired": [{"a": ["b"]}],
                    "not": [{"required": ["c"]}, {"required": ["a"]}], "unevaluatedProperties": [False],
                    "dependentSchemas": [{"a": {"required": ["c"]}}]}  # fmt: skip
            members = {name: self.schema(depth - 1) for name in self.draw.sample("abc", self.draw.randint(0, 3))}
            condition = {"if": {"required": ["a"]}, "then": {"required": [self.draw.choice("bc")]}}
            chosen = condition if self.draw.random() < 0.1 else {}
            return {"type": "object", "properties": members, **self.some(more, 0.15), **chosen}
        if turn < 0.93:
            return {"anyOf": [self.schema(depth - 1) for _ in range(self.draw.randint(1, 3))]}
        also = self.draw.choice([{"maxLength": 3}, {"minimum": 2}, {"required": ["a"]}, {"maxProperties": 2}])
        return {"allOf": [self.schema(depth - 1), also]}

    def changed(self, schema: dict[str, Any]) -> dict[str, Any]:
        """A copy in which one schema lost a keyword, got one, or was replaced. Members stay: that they come and go is
        judged by what they are for, not by values."""
        made = copy.deepcopy(schema)
        of = self.draw.choice(list(_inside(made)))
        new = self.schema(1)
        words = [word for word in of if word != "properties"]
        turn = self.draw.random()
        if turn < 0.4 and words:
            del of[self.draw.choice(words)]
        elif turn < 0.8:
            of.update({word: value for word, value in new.items() if word != "properties"})
        elif "properties" not in str(of):
            before = copy.deepcopy(of)
            of.clear()
            of.update({self.draw.choice(["anyOf", "allOf"]): [before, self.scalar()]})
        return made


def _inside(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        yield schema
        for word, value in schema.items():
            for part in value.values() if word == "properties" else value if word == "anyOf" else ():
                yield from _inside(part)
            if word == "items":
                yield from _inside(value)


@pytest.mark.parametrize("seed", range(8))
def test_no_value_that_is_lost_or_new_goes_unnoticed(seed: int) -> None:
    maker, judged, undecided, missed = Maker(seed), 0, 0, []
    for _ in range(60):
        old = maker.schema()
        new = maker.changed(old)
        ours, theirs = (jsonschema_rs.Draft202012Validator(one) for one in (old, new))
        before, after = ({n for n, v in enumerate(values()) if one.is_valid(v)} for one in (ours, theirs))
        if not before or not after:
            continue  # what allows nothing is nobody's schema
        changes = diff(*(specs.read(kinds.document(one, one), "x.json") for one in (old, new)))
        for side, told in ((Side.REQUEST, before - after), (Side.RESPONSE, after - before)):
            levels = {change.level for change in changes if change.side is side}
            if told and Level.BREAKING not in levels:
                undecided += Level.UNKNOWN in levels
                missed += [(side, old, new, values()[min(told)])] if Level.UNKNOWN not in levels else []
            judged += bool(told)
    assert missed == []
    assert judged >= 20
    assert undecided <= 1
