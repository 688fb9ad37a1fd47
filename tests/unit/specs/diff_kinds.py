"""Kinds of change with a known answer: what a mutation does to the values a schema allows, or to an interface."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

S, N, W, M, A, B = ({"type": kind} for kind in ("string", "number", "integer", "object", "array", "boolean"))
NAMES = {"a": S, "b": {**W, "minimum": 1, "maximum": 9}}


def _tag(value: str, *, extra: Any = None, **limits: Any) -> dict[str, Any]:
    """An object told apart by a constant member."""
    members = {"tag": {"const": value}, value: {**S, **limits}, **(extra or {})}
    return {**M, "required": ["tag"], "properties": members}


NARROWER: dict[str, tuple[Any, Any]] = {
    "type integer from number": (N, W),
    "type without null": ({"type": ["string", "null"]}, S),
    "type from any": ({"description": "x"}, S),
    "enum value removed": ({**S, "enum": ["a", "b"]}, {**S, "enum": ["a"]}),
    "enum added": (S, {**S, "enum": ["a", "b"]}),
    "const added": (S, {**S, "const": "a"}),
    "enum became const": ({"enum": ["a", "b"]}, {"const": "a"}),
    "maximum lowered": ({**W, "maximum": 9}, {**W, "maximum": 5}),
    "maximum added": (W, {**W, "maximum": 5}),
    "minimum raised": ({**N, "minimum": 1}, {**N, "minimum": 1.5}),
    "minimum added": (N, {**N, "minimum": 1}),
    "minimum became exclusive": ({**W, "minimum": 1}, {**W, "exclusiveMinimum": 1}),
    "exclusive maximum lowered": ({**N, "exclusiveMaximum": 9}, {**N, "exclusiveMaximum": 8}),
    "multipleOf added": (W, {**W, "multipleOf": 5}),
    "multipleOf doubled": ({**N, "multipleOf": 0.5}, {**N, "multipleOf": 1}),
    "maxLength lowered": ({**S, "maxLength": 9}, {**S, "maxLength": 5}),
    "maxLength added": (S, {**S, "maxLength": 5}),
    "minLength raised": ({**S, "minLength": 1}, {**S, "minLength": 2}),
    "minLength added": (S, {**S, "minLength": 2}),
    "pattern added": (S, {**S, "pattern": "^[a-z]+$"}),
    "format added": (S, {**S, "format": "date"}),
    "format int32 from int64": ({**W, "format": "int64"}, {**W, "format": "int32"}),
    "maxItems lowered": ({**A, "items": S, "maxItems": 9}, {**A, "items": S, "maxItems": 3}),
    "minItems added": ({**A, "items": S}, {**A, "items": S, "minItems": 1}),
    "uniqueItems added": ({**A, "items": S}, {**A, "items": S, "uniqueItems": True}),
    "items narrowed": ({**A, "items": N}, {**A, "items": W}),
    "items given": (A, {**A, "items": S}),
    "prefix item added": ({**A, "prefixItems": [S]}, {**A, "prefixItems": [S, W]}),
    "contains added": (A, {**A, "contains": S}),
    "minContains raised": ({**A, "contains": S, "minContains": 1}, {**A, "contains": S, "minContains": 2}),
    "property narrowed": ({**M, "properties": {"a": N}}, {**M, "properties": {"a": W}}),
    "became required": ({**M, "properties": NAMES}, {**M, "properties": NAMES, "required": ["a"]}),
    "further members shut out": ({**M, "properties": NAMES}, {**M, "properties": NAMES, "additionalProperties": False}),
    "further members typed": ({**M}, {**M, "additionalProperties": S}),
    "minProperties added": (M, {**M, "minProperties": 1}),
    "maxProperties lowered": ({**M, "maxProperties": 9}, {**M, "maxProperties": 2}),
    "propertyNames added": (M, {**M, "propertyNames": {"pattern": "^[a-z]$"}}),
    "patternProperties added": (M, {**M, "patternProperties": {"^x": S}}),
    "dependentRequired added": (
        {**M, "properties": NAMES},
        {**M, "properties": NAMES, "dependentRequired": {"a": ["b"]}},
    ),
    "dependentSchemas added": (M, {**M, "dependentSchemas": {"a": {"required": ["b"]}}}),
    "alternative removed": ({"oneOf": [S, W, B]}, {"oneOf": [S, W]}),
    "anyOf alternative removed": ({"anyOf": [S, W, B]}, {"anyOf": [S, B]}),
    "alternative narrowed": ({"oneOf": [S, N]}, {"oneOf": [S, W]}),
    "allOf part added": ({"allOf": [S]}, {"allOf": [S, {"maxLength": 3}]}),
    "not added": (S, {**S, "not": {"enum": ["a"]}}),
    "condition added": (M, {**M, "if": {"required": ["a"]}, "then": {"required": ["b"]}}),
    "contentEncoding added": (S, {**S, "contentEncoding": "base64"}),
    "null alternative removed": ({"anyOf": [S, {"type": "null"}]}, {"anyOf": [S]}),
    "type list shortened": ({"type": ["string", "integer"]}, S),
    "nullable object lost": ({"type": ["object", "null"], "properties": NAMES}, {**M, "properties": NAMES}),
    "null no longer listed": ({**S, "type": ["string", "null"], "enum": ["a", None]}, {**S, "enum": ["a"]}),
    "enum instead of a range": ({**W, "minimum": 1, "maximum": 9}, {**W, "enum": [1, 2]}),
    "enum instead of a pattern": ({**S, "pattern": "^[a-z]+$"}, {**S, "enum": ["a", "zz"]}),
    "exclusive minimum raised": ({**N, "exclusiveMinimum": 1}, {**N, "exclusiveMinimum": 2}),
    "maximum lowered by a fraction": ({**N, "maximum": 2}, {**N, "maximum": 1.5}),
    "multipleOf of integers doubled": ({**W, "multipleOf": 2}, {**W, "multipleOf": 4}),
    "pattern narrowed": ({**S, "pattern": "^[a-z]+$"}, {**S, "pattern": "^[a-z]{1,5}$"}),
    "pattern anchored": ({**S, "pattern": "[a-z]"}, {**S, "pattern": "^[a-z]"}),
    "pattern with one choice less": ({**S, "pattern": "^(ab|cd|ef)$"}, {**S, "pattern": "^(ab|cd)$"}),
    "pattern tightened by length": ({**S, "pattern": "^a+$"}, {**S, "pattern": "^a+$", "maxLength": 3}),
    "format added to a pattern": ({**S, "pattern": "^[0-9-]+$"}, {**S, "pattern": "^[0-9-]+$", "format": "date"}),
    "format email from idn-email": ({**S, "format": "idn-email"}, {**S, "format": "email"}),
    "further members left over shut out": (
        {**M, "properties": NAMES},
        {**M, "properties": NAMES, "unevaluatedProperties": False},
    ),
    "map values narrowed": ({**M, "additionalProperties": N}, {**M, "additionalProperties": W}),
    "any member typed": ({**M, "properties": {"a": {}}}, {**M, "properties": {"a": S}}),
    "required grown in allOf": (
        {"allOf": [{**M, "properties": NAMES}, {"required": ["a"]}]},
        {"allOf": [{**M, "properties": NAMES}, {"required": ["a", "b"]}]},
    ),
    "narrowed in allOf": (
        {"allOf": [{**M, "properties": NAMES}, {"properties": {"a": {"maxLength": 9}}}]},
        {"allOf": [{**M, "properties": NAMES}, {"properties": {"a": {"maxLength": 3}}}]},
    ),
    "patternProperties narrowed": (
        {**M, "patternProperties": {"^x": N}},
        {**M, "patternProperties": {"^x": W}},
    ),
    "propertyNames narrowed": (
        {**M, "propertyNames": {"maxLength": 9}},
        {**M, "propertyNames": {"maxLength": 1}},
    ),
    "dependentRequired grown": (
        {**M, "dependentRequired": {"a": ["b"]}},
        {**M, "dependentRequired": {"a": ["b", "c"]}},
    ),
    "dependentSchemas narrowed": (
        {**M, "dependentSchemas": {"a": {"properties": {"b": N}}}},
        {**M, "dependentSchemas": {"a": {"properties": {"b": W}}}},
    ),
    "contains narrowed": ({**A, "contains": N}, {**A, "contains": W}),
    "maxContains added": ({**A, "contains": S}, {**A, "contains": S, "maxContains": 1}),
    "prefix item narrowed": ({**A, "prefixItems": [N]}, {**A, "prefixItems": [W]}),
    "further items shut out": ({**A, "prefixItems": [S]}, {**A, "prefixItems": [S], "items": False}),
    "maxItems added": ({**A, "items": S}, {**A, "items": S, "maxItems": 1}),
    "minProperties raised": ({**M, "minProperties": 1}, {**M, "minProperties": 2}),
    "condition narrowed": (
        {**M, "if": {"required": ["a"]}, "then": {"properties": {"b": N}}},
        {**M, "if": {"required": ["a"]}, "then": {"properties": {"b": W}}},
    ),
    "condition got an else": (
        {**M, "if": {"required": ["a"]}, "then": {"required": ["b"]}},
        {**M, "if": {"required": ["a"]}, "then": {"required": ["b"]}, "else": {"required": ["c"]}},
    ),
    "exclusion widened": ({**S, "not": {"enum": ["a"]}}, {**S, "not": {"enum": ["a", "b"]}}),
    "exclusion by range widened": ({**W, "not": {"minimum": 9}}, {**W, "not": {"minimum": 5}}),
    "null no longer an alternative": ({"type": ["string", "null"]}, {"oneOf": [S]}),
    "nullable written as anyOf, then lost": (
        {"anyOf": [{**S, "maxLength": 9}, {"type": "null"}]},
        {**S, "maxLength": 9},
    ),
    "alternatives became one plain schema": ({"oneOf": [S, W]}, S),
    "tagged alternative removed": ({"oneOf": [_tag("x"), _tag("y"), _tag("z")]}, {"oneOf": [_tag("z"), _tag("x")]}),
    "tagged alternative narrowed": (
        {"oneOf": [_tag("x"), _tag("y")]},
        {"oneOf": [_tag("y", maxLength=3), _tag("x")]},
    ),
    "alternatives beside members, one less": (
        {**M, "properties": NAMES, "oneOf": [_tag("x"), _tag("y")]},
        {**M, "properties": NAMES, "oneOf": [_tag("x")]},
    ),
    "alternative narrowed inside a list of types": (
        {"type": ["string", "integer"]},
        {"oneOf": [{**S, "maxLength": 2}, W]},
    ),
    "two patterns instead of one": (
        {"allOf": [{**S, "pattern": "^a"}]},
        {"allOf": [{**S, "pattern": "^a"}, {"pattern": "b$"}]},
    ),
    "alternative replaced by one said twice": (
        {"anyOf": [B, {"type": "null"}, M]},
        {"anyOf": [B, {"type": "null"}, {"type": "null"}]},
    ),
    "nothing allowed": (S, False),
    "deep field narrowed": (
        {**M, "properties": {"a": {**A, "items": {**M, "properties": {"c": S}}}}},
        {**M, "properties": {"a": {**A, "items": {**M, "properties": {"c": {**S, "maxLength": 4}}}}}},
    ),
}
"""Name → (what allows more, what allows less). Read backwards they are the widening changes."""

DIFFERENT: dict[str, tuple[Any, Any]] = {
    "type string to integer": (S, W),
    "type object to array": (M, A),
    "type scalar to array": (S, {**A, "items": S}),
    "enum value renamed": ({**S, "enum": ["a", "b"]}, {**S, "enum": ["a", "c"]}),
    "const changed": ({"const": "a"}, {"const": "b"}),
    "range shifted": ({**W, "minimum": 1, "maximum": 5}, {**W, "minimum": 3, "maximum": 9}),
    "length shifted": ({**S, "minLength": 2, "maxLength": 4}, {**S, "minLength": 3, "maxLength": 6}),
    "pattern replaced": ({**S, "pattern": "^[a-z]{3}$"}, {**S, "pattern": "^[0-9]{3}$"}),
    "format date to date-time": ({**S, "format": "date"}, {**S, "format": "date-time"}),
    "multipleOf changed": ({**W, "multipleOf": 4}, {**W, "multipleOf": 6}),
    "null became text": ({"type": "null"}, S),
    "boolean became text": (B, S),
    "items replaced": ({**A, "items": S}, {**A, "items": B}),
    "prefix item replaced": ({**A, "prefixItems": [S]}, {**A, "prefixItems": [B]}),
    "map values replaced": ({**M, "additionalProperties": S}, {**M, "additionalProperties": W}),
    "member of another type": ({**M, "properties": {"a": S}}, {**M, "properties": {"a": A}}),
    "enum of another type": ({"enum": ["1", "2"]}, {"enum": [1, 2]}),
    "enum instead of another range": ({**W, "minimum": 1, "maximum": 9}, {**W, "enum": [1, 99]}),
    "pattern moved": ({**S, "pattern": "^[a-m]{1,4}$"}, {**S, "pattern": "^[h-z]{1,4}$"}),
    "format uuid to email": ({**S, "format": "uuid"}, {**S, "format": "email"}),
    "required swapped": ({**M, "properties": NAMES, "required": ["a"]}, {**M, "properties": NAMES, "required": ["b"]}),
    "tags replaced": ({"oneOf": [_tag("x"), _tag("y")]}, {"oneOf": [_tag("x"), _tag("w")]}),
    "one alternative narrowed, another come": ({**S, "maxLength": 9}, {"oneOf": [{**S, "maxLength": 5}, B]}),
    "wrapped with another type": (W, {"oneOf": [S, B]}),
    "count shifted": ({**A, "minItems": 1, "maxItems": 2}, {**A, "minItems": 2, "maxItems": 4}),
    "dependentRequired swapped": ({**M, "dependentRequired": {"a": ["b"]}}, {**M, "dependentRequired": {"a": ["c"]}}),
    "contentEncoding changed": ({**S, "contentEncoding": "base64"}, {**S, "contentEncoding": "base16"}),
    "contentMediaType changed": ({**S, "contentMediaType": "text/xml"}, {**S, "contentMediaType": "text/html"}),
    "exclusion moved": ({**S, "not": {"enum": ["a"]}}, {**S, "not": {"enum": ["b"]}}),
    "nullable traded for text": ({"type": ["integer", "null"]}, {"type": ["integer", "string"]}),
    "member renamed": ({**M, "properties": {"a": S}}, {**M, "properties": {"c": S}}),
    "member removed": ({**M, "properties": NAMES}, {**M, "properties": {"a": S}}),
    "element changed": ({**S, "x-element": "GMSFHM"}, {**S, "x-element": "XM"}),
    "alternative replaced": ({"oneOf": [S, W]}, {"oneOf": [S, B]}),
    "discriminator moved": (
        {"oneOf": [{**M, "title": "x"}, {**M, "title": "y"}], "discriminator": {"propertyName": "a"}},
        {"oneOf": [{**M, "title": "x"}, {**M, "title": "y"}], "discriminator": {"propertyName": "b"}},
    ),
}
"""Name → two schemas of which neither takes in the other: breaking on both sides."""

SAME: dict[str, tuple[Any, Any]] = {
    "description changed": ({**S, "description": "one"}, {**S, "description": "two"}),
    "title added": (S, {**S, "title": "Name"}),
    "example changed": ({**S, "examples": ["a"]}, {**S, "examples": ["b"]}),
    "members reordered": ({**M, "properties": {"a": S, "b": W}}, {**M, "properties": {"b": W, "a": S}}),
    "required reordered": ({**M, "required": ["a", "b"]}, {**M, "required": ["b", "a"]}),
    "enum reordered": ({**S, "enum": ["a", "b"]}, {**S, "enum": ["b", "a"]}),
    "types reordered": ({"type": ["string", "null"]}, {"type": ["null", "string"]}),
    "alternatives reordered": ({"oneOf": [S, W]}, {"oneOf": [W, S]}),
    "optional member added": ({**M, "properties": {"a": S}}, {**M, "properties": {"a": S, "c": S}}),
    "const for one-value enum": ({"enum": ["a"]}, {"const": "a"}),
    "exclusive bound of integers": ({**W, "minimum": 1}, {**W, "exclusiveMinimum": 0}),
    "allOf of one": (S, {"allOf": [S]}),
    "allOf folded": (
        {"allOf": [{**M, "properties": {"a": S}}, {"required": ["a"]}]},
        {**M, "properties": {"a": S}, "required": ["a"]},
    ),
    "unknown format renamed": ({**S, "format": "free-text"}, {**S, "format": "prose"}),
    "additionalProperties said": ({**M}, {**M, "additionalProperties": True}),
    "deprecated": (S, {**S, "deprecated": True}),
    "element added": (S, {**S, "x-element": "XM"}),
    "wrapped in one alternative": ({**S, "maxLength": 9}, {"oneOf": [{**S, "maxLength": 9}]}),
    "minLength of zero": (S, {**S, "minLength": 0}),
    "nullable as anyOf": ({"type": ["string", "null"]}, {"anyOf": [S, {"type": "null"}]}),
    "nullable as oneOf, the other way": (
        {"oneOf": [{"type": "null"}, {**S, "maxLength": 9}]}, {"type": ["string", "null"], "maxLength": 9},
    ),
    "types as alternatives": ({"type": ["string", "integer"]}, {"oneOf": [W, S]}),
    "oneOf as anyOf of other types": ({"oneOf": [S, W]}, {"anyOf": [W, S]}),
    "alternatives cut otherwise": ({"oneOf": [{"type": ["string", "null"]}, W]}, {"oneOf": [{"type": "null"}, W, S]}),
    "tagged alternatives reordered": ({"oneOf": [_tag("x"), _tag("y")]}, {"oneOf": [_tag("y"), _tag("x")]}),
    "shared member moved into the alternatives": (
        {**M, "properties": {"s": S}, "oneOf": [_tag("x"), _tag("y")]},
        {"oneOf": [_tag("x", extra={"s": S}), _tag("y", extra={"s": S})]},
    ),
    "digits spelled out": ({**S, "pattern": "^\\d{3}$"}, {**S, "pattern": "^[0-9][0-9][0-9]$"}),
    "pattern grouped": ({**S, "pattern": "^(a|b)+$"}, {**S, "pattern": "^[ab][ab]*$"}),
    "length said by the pattern": (
        {**S, "pattern": "^[0-9]{18}$"}, {**S, "pattern": "^[0-9]{18}$", "minLength": 18, "maxLength": 18},
    ),
    "length as a pattern": ({**S, "minLength": 1, "maxLength": 4}, {**S, "pattern": "^[\\s\\S]{1,4}$"}),
    "multipleOf one of integers": (W, {**W, "multipleOf": 1}),
    "length of a number": (W, {**W, "maxLength": 5}),
    "minimum of a text": ({**S, "minimum": 3}, S),
    "format of another type": (S, {**S, "format": "int64"}),
    "base64 in the words of 3.1": ({**S, "format": "byte"}, {**S, "contentEncoding": "base64"}),
    "enum with an impossible null": ({"type": ["string", "null"], "enum": ["a"]}, {**S, "enum": ["a"]}),
    "values of 1 and 1.0": ({**N, "enum": [1, 2.5]}, {**N, "enum": [1.0, 2.5]}),
    "exclusion reworded": ({**S, "not": {"enum": ["a"]}}, {**S, "not": {"enum": ["a"], "title": "none of these"}}),
    "required of nothing": (M, {**M, "required": []}),
    "open members said": ({**M, "properties": NAMES}, {**M, "properties": NAMES, "additionalProperties": {}}),
    "minItems of zero": ({**A, "items": S}, {**A, "items": S, "minItems": 0, "uniqueItems": False}),
    "minContains of one": ({**A, "contains": S}, {**A, "contains": S, "minContains": 1}),
    "if without then": (M, {**M, "if": {"required": ["a"]}}),
    "condition reworded": (
        {**M, "if": {"required": ["a"]}, "then": {"required": ["b"]}},
        {**M, "if": {"required": ["a"], "description": "with a"}, "then": {"required": ["b"]}},
    ),
    "allOf reordered": (
        {"allOf": [{"minLength": 1}, {**S, "maxLength": 3}]}, {"allOf": [{**S, "maxLength": 3}, {"minLength": 1}]},
    ),
    "allOf said twice": (
        {"allOf": [{**M, "properties": NAMES}]}, {"allOf": [{**M, "properties": NAMES}, {**M, "properties": NAMES}]},
    ),
    "external words": (S, {**S, "externalDocs": {"url": "https://example.org"}, "x-en": {"title": "Name"}}),
    "deprecation taken back": ({**S, "deprecated": True}, S),
    "sensitivity lowered": ({**S, "x-sensitivity": "general-4"}, {**S, "x-sensitivity": "general-2"}),
    "known value added": ({**S, "x-extensible-enum": ["a"]}, {**S, "x-extensible-enum": ["a", "b"]}),
}  # fmt: skip
"""Name → two schemas that break nobody on either side."""


def _member(schema: Any) -> dict[str, Any]:
    return {**M, "properties": {"field": schema}}


PLACES: dict[str, Callable[[Any], Any]] = {
    "itself": lambda schema: schema,
    "member": lambda schema: {**M, "properties": {"field": schema}},
    "required member": lambda schema: {**M, "properties": {"field": schema}, "required": ["field"]},
    "item": lambda schema: {**A, "items": schema},
    "member of items": lambda schema: {**A, "items": {**M, "properties": {"x": {**M, "properties": {"y": schema}}}}},
    "part of allOf": lambda schema: {"allOf": [{**M, "properties": {"other": S}}, {**M, "properties": {"f": schema}}]},
    "value of a map": lambda schema: {**M, "additionalProperties": schema},
    "alternative": lambda schema: {
        "oneOf": [{**M, "title": "with", "required": ["f"], "properties": {"f": schema}}, B]
    },
}
"""Where a schema may stand; what holds for it holds there."""


SIDED: dict[str, tuple[Any, Any, bool, bool]] = {
    "read-only member of another type": (
        _member({**S, "readOnly": True}), _member({**W, "readOnly": True}), False, True,
    ),
    "write-only member of another type": (
        _member({**S, "writeOnly": True}), _member({**W, "writeOnly": True}), True, False,
    ),
    "read-only member removed": (_member({**S, "readOnly": True}), M, False, True),
    "write-only member removed": (_member({**S, "writeOnly": True}), M, True, False),
    "required member added": (M, {**_member(S), "required": ["field"]}, True, False),
    "required member with a default added": (M, {**_member({**S, "default": "a"}), "required": ["field"]}, True, False),
    "required read-only member added": (M, {**_member({**S, "readOnly": True}), "required": ["field"]}, False, False),
    "required member no longer read-only": (
        {**_member({**S, "readOnly": True}), "required": ["field"]}, {**_member(S), "required": ["field"]}, True, False,
    ),
    "optional member no longer read-only": (_member({**S, "readOnly": True}), _member(S), False, False),
    "member became read-only": (_member(S), _member({**S, "readOnly": True}), False, False),
    "member became write-only": (_member(S), _member({**S, "writeOnly": True}), False, True),
    "member no longer write-only": (_member({**S, "writeOnly": True}), _member(S), False, False),
    "read-only through a reference": (
        _member({"allOf": [S, {"readOnly": True}]}), _member({"allOf": [W, {"readOnly": True}]}), False, True,
    ),
    "default changed": (_member({**S, "default": "a"}), _member({**S, "default": "b"}), False, False),
    "sensitivity raised": (S, {**S, "x-sensitivity": "core"}, False, False),
    "known value removed": ({**S, "x-extensible-enum": ["a", "b"]}, {**S, "x-extensible-enum": ["a"]}, True, False),
    "member added to a closed object": (
        {**_member(S), "additionalProperties": False},
        {**M, "properties": {"field": S, "more": S}, "additionalProperties": False}, False, True,
    ),
}  # fmt: skip
"""Name → (before, after, whether requests break, whether answers break)."""


ALWAYS = ("itself", "member")


def everywhere(old: Any, new: Any, turn: int | None = None) -> tuple[bytes, bytes]:
    """Two APIs whose operations take, or answer, the one schema and the other at every place; with `turn`, at those
    that always matter and at one more, another one each turn."""
    places = {**PLACES, "behind a reference": lambda _: {"$ref": "#/components/schemas/Kind"}}
    if turn is not None:
        others = [name for name in places if name not in ALWAYS]
        places = {name: places[name] for name in (*ALWAYS, others[turn % len(others)])}
    made = []
    for schema in (old, new):
        components = {"Kind": schema}
        paths = {}
        for name, put in places.items():
            for way in ("request", "response"):
                still, moved = {"schema": B}, {"schema": put(schema)}
                asked, given = (moved, still) if way == "request" else (still, moved)
                paths[f"/{name}/{way}".replace(" ", "-")] = {
                    "post": {
                        "operationId": f"{way} {name}",
                        "requestBody": {"required": True, "content": {"application/json": asked}},
                        "responses": {"200": {"description": "d", "content": {"application/json": given}}},
                    }
                }
        api = {"openapi": "3.1.0", "info": {"title": "t", "version": "1.0.0"}, "paths": paths}
        made.append(json.dumps({**api, "components": {"schemas": components}}, ensure_ascii=False).encode())
    return made[0], made[1]


def document(request: Any, response: Any, *, shared: bool = False) -> bytes:
    """An API with one operation that takes `request` and answers `response`; `shared`: both through components."""
    made = copy.deepcopy({"Asked": request, "Given": response})
    if not shared:
        return _api({"make": (made["Asked"], made["Given"])})
    names = ({"$ref": "#/components/schemas/Asked"}, {"$ref": "#/components/schemas/Given"})
    return _api({"make": names}, {"schemas": made})


def _api(operations: dict[str, tuple[Any, Any]], components: dict[str, Any] | None = None) -> bytes:
    api: dict[str, Any] = {"openapi": "3.1.0", "info": {"title": "t", "version": "1.0.0"}, "paths": {}}
    for number, (name, (asked, given)) in enumerate(operations.items()):
        api["paths"]["/things" if name == "make" else f"/things{number}"] = {
            "post": {
                "operationId": name,
                "requestBody": {"required": True, "content": {"application/json": {"schema": asked}}},
                "responses": {
                    "200": {"description": "d", "content": {"application/json": {"schema": given}}},
                    "404": {"description": "d"},
                },
            }
        }
    if components:
        api["components"] = components
    return json.dumps(api, ensure_ascii=False).encode()


Change = Callable[[dict[str, Any]], bool]
"""Changes a document in place; False when there is nothing to change."""


def operations(api: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str, dict[str, Any]]]:
    """(path item, method, operation) of an OpenAPI document with at least one inline response."""
    for item in api.get("paths", {}).values():
        for method in ("get", "put", "post", "delete", "patch"):
            if isinstance(item, dict) and isinstance(item.get(method), dict):
                yield item, method, item[method]


def _first(api: dict[str, Any]) -> dict[str, Any]:
    return next(operation for _, _, operation in operations(api))


def _edit(change: Callable[[dict[str, Any]], Any]) -> Change:
    def act(api: dict[str, Any]) -> bool:
        return change(api) is not False

    return act


def _parameter(where: str, required: bool, schema: Any = None) -> dict[str, Any]:
    return {"name": "x-mark" if where == "header" else "mark", "in": where, "required": required, "schema": schema or S}


def with_parameter(api: dict[str, Any], parameter: dict[str, Any]) -> dict[str, Any]:
    """The document with a parameter at its first operation."""
    made = copy.deepcopy(api)
    _first(made).setdefault("parameters", []).append(parameter)
    return made


def _add(api: dict[str, Any], parameter: dict[str, Any]) -> None:
    _first(api).setdefault("parameters", []).append(parameter)


OK = {"description": "d"}


def _remove_path(api: dict[str, Any]) -> bool:
    item = next(item for item, _, _ in operations(api))
    api["paths"] = {path: other for path, other in api["paths"].items() if other is not item}
    return True


def _remove_operation(api: dict[str, Any]) -> bool:
    item, method, _ = next(operations(api))
    item["x-kept"] = True
    del item[method]
    return True


def _remove_success(api: dict[str, Any]) -> bool:
    responses = _first(api)["responses"]
    good = [status for status in responses if str(status).startswith("2")]
    if not good:
        return False
    responses["299"] = responses.pop(good[0])
    return True


def _swap_media(api: dict[str, Any]) -> bool:
    for _, _, operation in operations(api):
        for response in operation["responses"].values():
            if "application/json" in response.get("content", {}):
                response["content"]["application/x-other"] = response["content"].pop("application/json")
                return True
    return False


def _tighten_security(api: dict[str, Any]) -> bool:
    api.setdefault("components", {}).setdefault("securitySchemes", {})["extra"] = {"type": "http", "scheme": "basic"}
    operation = _first(api)
    ways = operation.get("security", api.get("security")) or [{}]
    operation["security"] = [{**way, "extra": []} for way in ways]
    return True


def _loosen_security(api: dict[str, Any]) -> bool:
    operation = _first(api)
    operation["security"] = [*(operation.get("security", api.get("security")) or []), {}]
    return True


def _rename_operation(api: dict[str, Any]) -> bool:
    named = [operation for _, _, operation in operations(api) if "operationId" in operation]
    if named:
        named[0]["operationId"] = "anotherName"
    return bool(named)


def _move_server(api: dict[str, Any]) -> bool:
    had = bool(api.get("servers"))
    api["servers"] = [{"url": "https://elsewhere.example/v9"}]
    return had


def _rename_path_parameter(api: dict[str, Any]) -> bool:
    for path, item in list(api["paths"].items()):
        if "{" not in path:
            continue
        name = path.partition("{")[2].partition("}")[0]
        found = [p for _, _, o in operations({"paths": {path: item}}) for p in o.get("parameters", ())]
        found += item.get("parameters", [])
        ours = [p for p in found if p.get("name") == name and p.get("in") == "path"]
        if not ours or any("$ref" in p for p in found):
            continue
        for one in ours:
            one["name"] = "renamed"
        api["paths"] = {
            (k.replace("{" + name + "}", "{renamed}") if k == path else k): v for k, v in api["paths"].items()
        }
        return True
    return False


API_BREAKING: dict[str, Change] = {
    "path removed": _remove_path,
    "operation removed": _remove_operation,
    "success status changed": _remove_success,
    "media type changed": _swap_media,
    "security tightened": _tighten_security,
    "operationId changed": _rename_operation,
    "required query parameter added": _edit(lambda a: _add(a, _parameter("query", True))),
    "required header added": _edit(lambda a: _add(a, _parameter("header", True))),
    "server moved": _move_server,
    "path moved": _edit(lambda a: a.update(paths={f"/moved{path}": item for path, item in a["paths"].items()})),
}  # fmt: skip
API_COMPATIBLE: dict[str, Change] = {
    "nothing": _edit(lambda a: True),
    "path added": _edit(lambda a: a["paths"].update({"/one-more": {"get": {"responses": {"200": OK}}}})),
    "operation added": _edit(
        lambda a: next(iter(a["paths"].values())).update(trace={"responses": {"200": {"description": "d"}}})
    ),
    "optional query parameter added": _edit(lambda a: _add(a, _parameter("query", False))),
    "optional header added": _edit(lambda a: _add(a, _parameter("header", False))),
    "error status added": _edit(lambda a: _first(a)["responses"].update({"418": {"description": "d"}})),
    "media type added": _edit(
        lambda a: [
            r["content"].update({"application/x-more": {"schema": S}})
            for _, _, o in operations(a) for r in o["responses"].values() if "content" in r
        ]
        != []
    ),
    "response header added": _edit(
        lambda a: [
            r.setdefault("headers", {}).update({"X-More": {"schema": S}})
            for _, _, o in operations(a) for r in o["responses"].values() if "$ref" not in r
        ]
        != []
    ),
    "descriptions changed": _edit(lambda a: [o.update(description="other words") for _, _, o in operations(a)]),
    "summary changed": _edit(lambda a: [o.update(summary="other words") for _, _, o in operations(a)]),
    "tags changed": _edit(lambda a: [o.update(tags=["other"]) for _, _, o in operations(a)]),
    "deprecated": _edit(lambda a: _first(a).update(deprecated=True)),
    "title changed": _edit(lambda a: a["info"].update(title="Other title", description="Other")),
    "version changed": _edit(lambda a: a["info"].update(version="9.9.9")),
    "security loosened": _loosen_security,
    "path parameter renamed": _rename_path_parameter,
    "component added": _edit(
        lambda a: a.setdefault("components", {}).setdefault("schemas", {}).update({"OneMore": {"type": "object"}})
    ),
    "paths reordered": _edit(lambda a: a.update(paths=dict(reversed(a["paths"].items())))),
    "contact added": _edit(lambda a: a["info"].update(contact={"name": "somebody"})),
}  # fmt: skip
"""Mutations of whole documents, by what they do to subscribers."""

PARAMETERS: dict[str, tuple[Any, Any, bool]] = {
    "made required": (_parameter("query", False), _parameter("query", True), True),
    "made optional": (_parameter("query", True), _parameter("query", False), False),
    "removed": (_parameter("query", False), None, True),
    "moved to a header": (_parameter("query", True), _parameter("header", True), True),
    "number instead of text": (_parameter("query", True, S), _parameter("query", True, W), True),
    "text instead of number": (_parameter("query", True, W), _parameter("query", True, S), False),
    "enum narrowed": (
        _parameter("query", True, {**S, "enum": ["a", "b"]}), _parameter("query", True, {**S, "enum": ["a"]}), True,
    ),
    "enum widened": (
        _parameter("query", True, {**S, "enum": ["a"]}), _parameter("query", True, {**S, "enum": ["a", "b"]}), False,
    ),
    "maximum lowered": (
        _parameter("query", True, {**W, "maximum": 9}), _parameter("query", True, {**W, "maximum": 5}), True,
    ),
    "pattern added": (_parameter("query", True, S), _parameter("query", True, {**S, "pattern": "^x"}), True),
    "pattern removed": (_parameter("query", True, {**S, "pattern": "^x"}), _parameter("query", True, S), False),
    "default changed": (
        _parameter("query", False, {**W, "default": 10}), _parameter("query", False, {**W, "default": 20}), True,
    ),
    "list written otherwise": (
        {**_parameter("query", True, {**A, "items": S}), "explode": True},
        {**_parameter("query", True, {**A, "items": S}), "explode": False}, True,
    ),
    "explode of a text": (
        {**_parameter("query", True, S), "explode": True}, {**_parameter("query", True, S), "explode": False}, False,
    ),
    "description changed": (
        {**_parameter("query", True), "description": "one"}, {**_parameter("query", True), "description": "two"}, False,
    ),
    "header in other letters": (
        _parameter("header", True), {**_parameter("header", True), "name": "X-Mark"}, False,
    ),
}  # fmt: skip
"""Name → (parameter before, after, whether it breaks)."""
