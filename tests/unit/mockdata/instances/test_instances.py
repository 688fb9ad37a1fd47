"""Valid instances of any schema. The judge is the Python `jsonschema` package, reading numbers as decimals."""

import json
from decimal import Decimal

import jsonschema
import pytest

from mockdata.instances import Instances, Unsatisfiable, instance, numbers
from mockdata.instances.draws import Draws
from mockdata.instances.suggestions import Suggestions

SEEDS = range(12)
TREE = {"type": "object", "required": ["value"], "properties": {"value": {"type": "integer"}, "next": {"$ref": "#"}}}

SCHEMAS = {
    "open": {},
    "const": {"const": {"a": [1, None]}},
    "enum with type": {"enum": ["a", 1, None], "type": ["string", "null"]},
    "numbers": {"type": "number", "minimum": 0, "maximum": 100, "multipleOf": 0.01},
    "exclusive": {"type": "integer", "exclusiveMinimum": 3, "exclusiveMaximum": 5},
    "two steps": {"allOf": [{"multipleOf": 0.3}, {"multipleOf": 0.2}], "type": "number", "minimum": 1},
    "narrow": {"type": "number", "minimum": 0.001, "maximum": 0.0011},
    "fraction only": {"type": "number", "not": {"type": "integer"}},
    "lengths": {"type": "string", "minLength": 7, "maxLength": 9},
    "pattern": {"type": "string", "pattern": "^[A-Z]{2}-\\d{4}$"},
    "two patterns": {"type": "string", "allOf": [{"pattern": "a"}, {"pattern": "[0-9]$"}]},
    "format with length": {"type": "string", "format": "email", "maxLength": 30},
    "array": {"type": "array", "minItems": 2, "maxItems": 3, "items": {"type": "boolean"}},
    "unique": {"type": "array", "uniqueItems": True, "minItems": 3, "items": {"enum": [1, 2, 3]}},
    "prefix": {"prefixItems": [{"type": "string"}, {"type": "integer"}], "items": False, "minItems": 2},
    "contains": {"type": "array", "contains": {"const": "x"}, "minContains": 2, "maxContains": 2, "minItems": 4},
    "two contains": {
        "allOf": [{"contains": {"multipleOf": 2}}, {"contains": {"multipleOf": 3}}],
        "type": "array", "items": {"type": "integer", "minimum": 1}, "maxItems": 1, "minItems": 1,
    },
    "object": {"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}},
               "additionalProperties": False},
    "pattern properties": {"type": "object", "patternProperties": {"^x-": {"type": "integer"}}, "minProperties": 2,
                           "additionalProperties": False},
    "property names": {"type": "object", "propertyNames": {"pattern": "^[a-c]{3}$"}, "minProperties": 3},
    "dependent": {"required": ["a"], "type": "object", "dependentRequired": {"a": ["b"]},
                  "dependentSchemas": {"b": {"required": ["c"], "properties": {"c": {"type": "integer"}}}}},
    "one of": {"oneOf": [{"type": "integer", "multipleOf": 2}, {"type": "integer", "multipleOf": 3}]},
    "any of": {"anyOf": [{"type": "string", "minLength": 3}, {"type": "integer", "minimum": 10}]},
    "discriminated": {
        "type": "object", "required": ["kind"], "properties": {"kind": {"enum": ["a", "b"]}},
        "oneOf": [{"properties": {"kind": {"const": "a"}, "x": {"type": "integer"}}, "required": ["x"]},
                  {"properties": {"kind": {"const": "b"}, "y": {"type": "string"}}, "required": ["y"]}],
    },
    "if": {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer", "minimum": 0, "maximum": 9}},
           "if": {"properties": {"n": {"minimum": 5}}}, "then": {"required": ["big"]}, "else": {"required": ["small"]}},
    "not": {"not": {"type": ["string", "object", "array"]}},
    "not required": {"type": "object", "properties": {"a": {}, "b": {}}, "not": {"required": ["a"]}},
    "not pattern": {"type": "string", "not": {"pattern": "e"}},
    "not unique": {"type": "array", "not": {"uniqueItems": True}},
    "recursive": TREE,
    "must recurse": {"$defs": {"n": {"anyOf": [{"type": "null"}, {"type": "object", "required": ["n"],
                     "properties": {"n": {"$ref": "#/$defs/n"}}}]}}, "$ref": "#/$defs/n"},
    "unevaluated properties": {"allOf": [{"properties": {"a": {"type": "integer"}}}], "required": ["a"],
                               "type": "object", "unevaluatedProperties": False},
    "unevaluated items": {"type": "array", "prefixItems": [{"type": "string"}], "unevaluatedItems": {"type": "integer"},
                          "minItems": 3},
    "dynamic": {
        "$id": "https://example.com/list-of-numbers", "$ref": "list",
        "$defs": {
            "number": {"$dynamicAnchor": "item", "type": "integer"},
            "list": {"$id": "list", "type": "array", "minItems": 2, "items": {"$dynamicRef": "#item"},
                     "$defs": {"any": {"$dynamicAnchor": "item"}}},
        },
    },
}  # fmt: skip


def judged(schema: object) -> jsonschema.protocols.Validator:
    decimals = json.loads(json.dumps(schema), parse_float=Decimal)
    kind = jsonschema.validators.validator_for(decimals, jsonschema.Draft202012Validator)
    return kind(decimals)


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
def test_every_instance_is_valid(schema):
    judge, makers = judged(schema), Instances(schema)
    for seed in SEEDS:
        judge.validate(json.loads(json.dumps(makers.example(seed)), parse_float=Decimal))


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
def test_same_seed_same_instance(schema):
    assert [instance(schema, seed) for seed in range(4)] == [instance(schema, seed) for seed in range(4)]


@pytest.mark.parametrize("name", ["numbers", "pattern", "object", "recursive", "any of", "not", "open"])
def test_seeds_differ(name):
    makers = Instances(SCHEMAS[name])
    assert len({json.dumps(makers.example(seed)) for seed in range(10)}) >= 3


def test_draft_7_spellings():
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "definitions": {"text": {"type": "string", "minLength": 2}},
        "type": "array", "items": [{"$ref": "#/definitions/text", "type": "integer"}], "additionalItems": False,
        "minItems": 1, "if": {"minItems": 1}, "then": {"maxItems": 1},
    }  # fmt: skip
    for seed in SEEDS:
        judged(schema).validate(instance(schema, seed))


@pytest.mark.parametrize(
    "name",
    [
        *("date", "date-time", "time", "duration", "email", "uri", "uuid", "ipv4", "ipv6", "hostname", "regex"),
        *("json-pointer", "uri-reference", "byte"),
    ],
)
def test_formats_are_asserted(name):
    makers = Instances({"type": "string", "format": name})
    for seed in SEEDS:
        value = makers.example(seed)
        assert makers.accepts(value)
        jsonschema.Draft202012Validator(
            makers.schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
        ).validate(value)


def test_format_that_contradicts_the_pattern_gives_way():
    schema = {"type": "string", "format": "date", "pattern": "^\\d{2}/\\d{2}/\\d{4}$"}
    judged(schema).validate(instance(schema, 1))


@pytest.mark.parametrize(
    ("schema", "pointer"),
    [
        ({"type": "integer", "minimum": 5, "maximum": 4}, ""),
        ({"type": "object", "required": ["a"], "properties": {"a": False}}, ""),
        ({"type": "object", "required": ["a"], "properties": {"a": {"type": "string", "maxLength": 1, "minLength": 2}}},
         "/properties/a"),
        ({"allOf": [{"type": "string"}, {"type": "integer"}]}, ""),
        ({"$defs": {"n": {"type": "object", "required": ["n"], "properties": {"n": {"$ref": "#/$defs/n"}}}},
          "$ref": "#/$defs/n"}, None),
        ({"type": "array", "uniqueItems": True, "minItems": 3, "items": {"type": "boolean"}}, None),
        (False, ""),
    ],
)  # fmt: skip
def test_the_impossible_is_named(schema, pointer):
    with pytest.raises(Unsatisfiable) as caught:
        instance(schema, 1)
    assert caught.value.reason
    if pointer is not None:
        assert caught.value.pointer == pointer


def test_a_faulty_schema_is_refused_or_mended():
    schema = {"type": "object", "required": ["a"], "properties": {"a": {"type": "string", "pattern": "("}}}
    with pytest.raises(Unsatisfiable) as caught:
        Instances(schema)
    assert caught.value.pointer == "/properties/a/pattern"
    mended = Instances(schema, tolerant=True)
    assert isinstance(mended.example(1)["a"], str)
    assert schema["properties"]["a"]["pattern"] == "("


def test_names_make_values_believable():
    schema = {"type": "object", "required": ["city", "email"], "properties": {"city": {"type": "string"},
              "email": {"type": "string"}}}  # fmt: skip
    value = instance(schema, 1)
    assert value["email"].endswith(("example.com", "example.org", "example.net"))
    assert value["city"][0].isupper()


def test_suggestions_are_used_only_where_valid():
    schema = {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}, "name": {"maxLength": 3},
              "note": {"type": "string"}}}  # fmt: skip
    suggest = Suggestions().lay({"id": "7", "name": "far too long", "note": "kept"})
    value = Instances(schema).example(1, suggest, lean=True)
    assert value["id"] == 7
    assert value["note"] == "kept"
    assert value.get("name") != "far too long"


def test_write_only_members_are_not_sent():
    schema = {
        "type": "object",
        "properties": {"password": {"type": "string", "writeOnly": True}, "name": {"type": "string"}},
    }
    assert all("password" not in Instances(schema, sending=True).example(seed) for seed in SEEDS)
    assert any("password" in Instances(schema).example(seed) for seed in SEEDS)


def test_errors_point_at_what_is_missing():
    makers = Instances({"type": "object", "required": ["a"], "properties": {"b": {"type": "integer"}}})
    assert {pointer for pointer, _ in makers.errors({"b": "x"})} == {"/a", "/b"}


def test_limits_that_exclude_their_ends_leave_one_number():
    limits = numbers.limits([{"exclusiveMinimum": 3, "exclusiveMaximum": 5}])
    assert {numbers.draw(limits, True, Draws(seed)) for seed in range(20)} == {4}


def test_a_drawing_fault_never_lets_an_invalid_instance_out(monkeypatch):
    monkeypatch.setattr(numbers, "draw", lambda *_, **__: -1)
    with pytest.raises(Unsatisfiable) as caught:
        instance({"type": "object", "required": ["n"], "properties": {"n": {"type": "integer", "minimum": 0}}}, 1)
    assert caught.value.pointer == "/properties/n/minimum"


def test_a_format_that_cannot_be_met_is_an_annotation_unless_told_otherwise():
    schema = {"type": "string", "format": "date", "maxLength": 5}
    assert all(len(Instances(schema).example(seed)) <= 5 for seed in SEEDS)
    with pytest.raises(Unsatisfiable):
        Instances(schema, formal=True).example(0)
    optional = {"type": "object", "properties": {"a": schema}}
    assert all(Instances(optional, formal=True).example(seed) == {} for seed in SEEDS)
