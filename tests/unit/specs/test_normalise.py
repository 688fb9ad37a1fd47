"""Every dialect becomes valid JSON Schema 2020-12, and means what its author meant."""

import json
from typing import Any

import jsonschema
import jsonschema_rs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import specs
from specs.keywords import CLEANERS
from specs.normalise import Dialect, Normaliser
from specs.schema import MANY_SCHEMAS, NAMED_SCHEMAS, ONE_SCHEMA
from specs.sources import Sources

SWAGGER, OLD, NEW, DRAFT = Dialect.SWAGGER_2, Dialect.OPENAPI_30, Dialect.CURRENT, Dialect.DRAFT


def normalised(schema: Any, dialect: Dialect = OLD) -> tuple[dict[str, Any], list[str]]:
    """The schema of the name S, and the ids of the findings."""
    document = specs.parse(json.dumps({"components": {"schemas": {"S": schema, "T": {"type": "string"}}}}).encode())
    sources = Sources(document)
    normaliser = Normaliser(dialect)
    for name, node in sources.root.get("components").get("schemas").members():
        normaliser.define(name, node)
    return normaliser.finish()["S"], [finding.rule for finding in sources.findings]


@pytest.mark.parametrize(
    ("dialect", "written", "meant", "rules"),
    [
        (OLD, {"type": "string", "nullable": True}, {"type": ["string", "null"]}, []),
        (
            OLD,
            {"type": "string", "nullable": True, "enum": ["a"]},
            {"type": ["string", "null"], "enum": ["a", None]},
            [],
        ),
        (OLD, {"type": "string", "enum": ["a", None], "nullable": True},
         {"type": ["string", "null"], "enum": ["a", None]}, []),
        (OLD, {"nullable": True, "minLength": 1}, {"minLength": 1}, ["nullable-ignored"]),
        (NEW, {"type": "string", "nullable": True}, {"type": "string"}, ["nullable-ignored"]),
        (SWAGGER, {"type": "string", "x-nullable": True}, {"type": ["string", "null"]}, []),
        (OLD, {"minimum": 1, "exclusiveMinimum": True}, {"exclusiveMinimum": 1}, []),
        (OLD, {"maximum": 1, "exclusiveMaximum": False}, {"maximum": 1}, []),
        (OLD, {"exclusiveMaximum": True}, {}, ["invalid-schema"]),
        (NEW, {"exclusiveMinimum": 0}, {"exclusiveMinimum": 0}, []),
        (OLD, {"type": "string", "example": "x"}, {"type": "string", "examples": ["x"]}, []),
        (OLD, {"type": "string", "required": True}, {"type": "string"}, ["boolean-required"]),
        (SWAGGER, {"type": "file"}, {"type": "string", "format": "binary"}, []),
        (OLD, {"type": "file"}, {"type": "string", "format": "binary"}, ["loose-type"]),
        (OLD, {"type": "String"}, {"type": "string"}, ["loose-type"]),
        (OLD, {"type": "datetime"}, {"type": "string", "format": "date-time"}, ["loose-type"]),
        (OLD, {"type": "wibble"}, {}, ["invalid-schema"]),
        (OLD, {"type": "string", "format": "sm3"}, {"type": "string", "format": "sm3"}, []),
        (OLD, {"type": "string", "readOnly": True, "x-element": "XM"},
         {"type": "string", "readOnly": True, "x-element": "XM"}, []),
        (OLD, {"minLength": "5"}, {"minLength": 5}, ["loose-type"]),
        (OLD, {"minLength": -1}, {}, ["invalid-schema"]),
        (OLD, {"pattern": "([a-z"}, {}, ["invalid-pattern"]),
        (OLD, {"pattern": "/^[a-z]+$/i"}, {"pattern": "(?i:^[a-z]+$)"}, ["invalid-pattern"]),
        (OLD, {"type": "string", "enum": [1, 2]}, {"type": "string", "enum": ["1", "2"]}, ["enum-type-mismatch"]),
        (OLD, {"type": "integer", "enum": ["1"]}, {"type": "integer", "enum": [1]}, ["enum-type-mismatch"]),
        (DRAFT, {"items": [{"type": "string"}], "additionalItems": False},
         {"prefixItems": [{"type": "string"}], "items": False}, []),
        (DRAFT, {"dependencies": {"a": ["b"], "c": {"type": "object"}}},
         {"dependentRequired": {"a": ["b"]}, "dependentSchemas": {"c": {"type": "object"}}}, []),
        (DRAFT, {"id": "http://x/y", "$schema": "http://json-schema.org/draft-04/schema#"}, {}, []),
        (OLD, {"allOf": {"type": "string"}}, {"allOf": [{"type": "string"}]}, ["loose-type"]),
        (OLD, {"allOf": []}, {}, ["invalid-schema"]),
        (OLD, {"properties": {"a": True, "b": None, "c": 5}}, {"properties": {"a": {}, "b": {}, "c": {}}},
         ["wrong-type"]),
        (NEW, True, {}, []),
        (NEW, False, {"not": {}}, []),
        (OLD, {"additionalProperties": "false"}, {"additionalProperties": False}, ["loose-type"]),
        (OLD, {"$ref": "#/components/schemas/T", "maxLength": 5, "description": "d"},
         {"$ref": "#/$defs/T", "description": "d"}, ["ref-siblings"]),
        (NEW, {"$ref": "#/components/schemas/T", "maxLength": 5}, {"$ref": "#/$defs/T", "maxLength": 5}, []),
        (OLD, {"$ref": "#/components/schemas/Nobody"}, {}, ["unresolved-ref"]),
        (OLD, {"discriminator": {"propertyName": "k", "mapping": {"t": "#/components/schemas/T", "u": "T"}}},
         {"discriminator": {"propertyName": "k", "mapping": {"t": "#/$defs/T", "u": "#/$defs/T"}}}, []),
        (SWAGGER, {"discriminator": "k"}, {"discriminator": {"propertyName": "k"}}, []),
    ],
)  # fmt: skip
def test_meaning(dialect: Dialect, written: Any, meant: Any, rules: list[str]) -> None:
    assert normalised(written, dialect) == (meant, rules)


def test_a_reference_may_lead_anywhere_and_names_are_escaped() -> None:
    text = """
    openapi: 3.1.0
    info: {title: t, version: '1'}
    paths:
      /a/{b}:
        get:
          operationId: g
          parameters: [{name: b, in: path, required: true, schema: {type: string}}]
          responses:
            '200':
              description: d
              content:
                application/json:
                  schema:
                    type: object
                    properties:
                      one: {$ref: '#/components/schemas/Map«string,用户»'}
                      two: {$ref: '#/paths/~1a~1%7Bb%7D/get/parameters/0/schema'}
                      three: {$ref: '#/components/schemas/a~1b/properties/%25'}
                      four: {$ref: '#anchored'}
    components:
      schemas:
        Map«string,用户»: {type: integer}
        a/b: {type: object, properties: {'%': {type: boolean}}}
        c: {type: array, items: {$anchor: anchored, type: 'null'}}
    """
    interface = specs.read(text.encode(), strict=True)
    schema = interface.operation("g").responses[0].contents[0].schema
    assert schema is not None
    alone = interface.standalone(schema)
    assert set(alone["$defs"]) >= {"Map«string,用户»"}
    assert "a/b" not in alone["$defs"]  # only its inner part is reached
    right = {"one": 1, "two": "x", "three": True, "four": None}
    for validator in (jsonschema_rs.Draft202012Validator(alone), jsonschema.Draft202012Validator(alone)):
        validator.validate(right)
        for name in right:
            assert not validator.is_valid({**right, name: {}})


def test_recursive_schemas_stay_finite() -> None:
    text = b"""
    openapi: 3.0.0
    info: {title: t, version: '1'}
    paths: {}
    components:
      schemas:
        Tree: {type: object, required: [name], properties: {name: {type: string}, children: {type: array,
          items: {$ref: '#/components/schemas/Tree'}}}}
    """
    interface = specs.read(text, strict=True)
    alone = interface.standalone({"$ref": "#/$defs/Tree"})
    validator = jsonschema_rs.Draft202012Validator(alone)
    assert validator.is_valid({"name": "a", "children": [{"name": "b", "children": []}]})
    assert not validator.is_valid({"name": "a", "children": [{"children": []}]})


@pytest.mark.parametrize(
    "loop",
    [
        {"A": {"$ref": "#/$defs/A"}},
        {"A": {"$ref": "#/$defs/B"}, "B": {"$ref": "#/$defs/A"}},
        {"A": {"allOf": [{"$ref": "#/$defs/B"}]}, "B": {"anyOf": [{"not": {"$ref": "#/$defs/A"}}]}},
        {
            "A": {"properties": {"x": {"type": "string"}}, "oneOf": [{"$ref": "#/$defs/B"}]},
            "B": {"allOf": [{"$ref": "#/$defs/A"}, {"required": ["x"]}]},
        },
    ],
)
def test_schemas_that_consist_of_themselves_are_cut(loop: dict[str, Any]) -> None:
    text = json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", "$defs": loop, "$ref": "#/$defs/A"})
    interface = specs.read(text.encode())
    assert "circular-ref" in [finding.rule for finding in interface.findings]
    alone = interface.standalone({"$ref": "#/$defs/A"})
    jsonschema.Draft202012Validator(alone).is_valid({"x": 1})  # returns at all
    jsonschema_rs.Draft202012Validator(alone).is_valid({"x": 1})


def test_what_a_child_inherits_survives_the_cut() -> None:
    text = b"""
    $defs:
      Pet: {type: object, properties: {name: {type: string}}, oneOf: [{$ref: '#/$defs/Cat'}]}
      Cat: {allOf: [{$ref: '#/$defs/Pet'}, {required: [claws]}]}
    """
    interface = specs.read(text)
    cat = jsonschema.Draft202012Validator(interface.standalone({"$ref": "#/$defs/Cat"}))
    assert cat.is_valid({"name": "Tom", "claws": 1})
    assert not cat.is_valid({"name": 5, "claws": 1})


WORDS = st.sampled_from(
    [*CLEANERS, *ONE_SCHEMA, *MANY_SCHEMAS, *NAMED_SCHEMAS, "type", "nullable", "x-nullable", "example", "$ref",
     "exclusiveMinimum", "exclusiveMaximum", "dependencies", "additionalItems", "discriminator", "const", "default",
     "id", "$id", "$anchor", "$schema", "definitions", "x-anything", "$dynamicRef", "$recursiveRef", "$vocabulary"]
)  # fmt: skip
SCALARS = st.none() | st.booleans() | st.integers(-5, 5) | st.floats(-5, 5) | st.sampled_from(
    ["string", "object", "Int", "5", "true", "#/components/schemas/S", "#/components/schemas/T", "#", "#/x", "^a$", "("]
)  # fmt: skip
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=5), max_leaves=25
)


@given(st.dictionaries(WORDS, ANYTHING, max_size=6), st.sampled_from(Dialect))
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_is_written_the_result_is_valid_2020_12(schema: dict[str, Any], dialect: Dialect) -> None:
    text = json.dumps({"components": {"schemas": {"S": schema, "T": {"type": "string"}}}}).encode()
    sources = Sources(specs.parse(text))
    normaliser = Normaliser(dialect)
    for name, node in sources.root.get("components").get("schemas").members():
        normaliser.define(name, node)
    made = {"$ref": "#/$defs/S", "$defs": normaliser.finish()}
    jsonschema.Draft202012Validator.check_schema(made)
    jsonschema_rs.Draft202012Validator(made).is_valid({})
    jsonschema.Draft202012Validator(made).is_valid({"a": [1]})
