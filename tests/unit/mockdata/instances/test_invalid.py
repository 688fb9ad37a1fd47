"""Invalid instances with one named fault. The judge is the Python `jsonschema` package: the value is refused for one
keyword, and accepted once that keyword is taken out of the schema."""

import copy
import importlib.util
import json
from decimal import Decimal
from pathlib import Path

import jsonschema
import pytest

from mockdata.instances import Instances, Refusal, Spot, Unsatisfiable

beside = importlib.util.spec_from_file_location("valid_schemas", Path(__file__).with_name("test_instances.py"))
valid = importlib.util.module_from_spec(beside)
beside.loader.exec_module(valid)
SCHEMAS = valid.SCHEMAS | {
    "nullable": {"anyOf": [{"type": "integer", "minimum": 3}, {"type": "null"}]},
    "strange names": {"type": "object", "propertyNames": {"maxLength": 3, "pattern": "^[a-z]+$"}},
    "no items": {"type": "array", "items": False},
    "counted": {"type": "array", "contains": {"type": "string"}, "minContains": 2, "maxContains": 3},
    "evaluated elsewhere": {
        "type": "object", "allOf": [{"properties": {"a": {"type": "integer"}, "b": {"type": "string"}}}],
        "unevaluatedProperties": False,
    },
    "forbidden member": {"type": "object", "properties": {"a": False, "b": {"type": "integer"}}},
    "tree of refs": {"$defs": {"t": {"type": "string", "maxLength": 4}}, "type": "object",
                     "properties": {"x": {"$ref": "#/$defs/t"}, "y": {"$ref": "#/$defs/t"}}},
    "formats": {"type": "object", "properties": {name: {"type": "string", "format": name}
                for name in ("date", "date-time", "email", "uuid", "ipv4", "uri")}},
}  # fmt: skip


def errors(schema, value):
    kind = jsonschema.validators.validator_for(schema, jsonschema.Draft202012Validator)
    decimals = json.loads(json.dumps(schema), parse_float=Decimal)
    judge = kind(decimals, format_checker=kind.FORMAT_CHECKER)
    return list(judge.iter_errors(json.loads(json.dumps(value), parse_float=Decimal)))


def causes(found):
    """(keyword, place) of the errors that do not merely follow from others."""
    own = [error for error in found if not str(error.validator).startswith("unevaluated")] or found
    return {
        (
            str(error.validator),
            id(error.schema),
            tuple(error.absolute_path),
            error.message * (error.validator == "required"),
        )
        for error in own
    }


def without(schema, pointer):
    """The schema without the keyword a pointer leads to, None when that leads through a reference."""
    made = copy.deepcopy(schema)
    *way, last = [token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:]]
    if any(token.startswith("$") for token in way):
        return None
    node = made
    for token in way:
        node = node[int(token)] if isinstance(node, list) else node[token]
    if last == "minContains":
        node[last] = 0
    elif isinstance(node[last], bool) and last not in ("uniqueItems", "not"):
        node[last] = True
    else:
        del node[last]
    return made


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
def test_exactly_one_keyword_is_violated(schema):
    instances = Instances(schema)
    spots = instances.violations()
    assert spots or not any(word != "$defs" for word in schema)
    for spot in spots:
        for seed in range(3):
            broken = instances.invalid(seed, spot)
            found = errors(schema, broken.value)
            assert len(causes(found)) == 1, (broken, found)
            assert broken.keyword == broken.schema_pointer.rsplit("/", 1)[-1] or spot.keyword == "properties"
            if spot.case not in ("none", "several") and spot.keyword != "required":
                rest = without(schema, broken.schema_pointer)
                assert rest is None or not errors(rest, broken.value), broken


def told(schema, **chosen):
    return Instances(schema).invalid(1, **chosen).told


@pytest.mark.parametrize(
    ("schema", "chosen", "line"),
    [
        ({"type": "integer", "minimum": 3}, {"keyword": "minimum"}, "minimum 3: 2"),
        ({"allOf": [{"type": "integer"}, {"minimum": 3}]}, {"keyword": "minimum"}, "minimum 3: 2"),
        ({"type": "number", "exclusiveMaximum": 2.5}, {"keyword": "exclusiveMaximum"}, "exclusiveMaximum 2.5: 2.5"),
        ({"type": "string", "maxLength": 4}, {"keyword": "maxLength"}, "maxLength 4: 5 characters"),
        ({"type": "object", "required": ["name"]}, {"keyword": "required"}, 'required: no "name"'),
        ({"type": "string", "format": "date"}, {"keyword": "format"}, 'format "date": "2023-02-29"'),
        ({"uniqueItems": True, "type": "array", "minItems": 2}, {"keyword": "uniqueItems"},
         "uniqueItems: two items of 2 are equal"),
    ],
)  # fmt: skip
def test_what_was_done_is_told(schema, chosen, line):
    assert told(schema, **chosen) == line


def test_one_of_is_violated_by_none_and_by_several():
    schema = {"type": "integer", "oneOf": [{"multipleOf": 2}, {"multipleOf": 3}]}
    instances = Instances(schema)
    values = {spot.case: instances.invalid(1, spot).value for spot in instances.violations() if spot.keyword == "oneOf"}
    assert values.keys() == {"none", "several"}
    assert values["none"] % 2
    assert values["none"] % 3
    assert values["several"] % 6 == 0


def test_inside_a_branch_the_nearest_one_counts():
    schema = SCHEMAS["nullable"]
    broken = Instances(schema).invalid(1, keyword="minimum")
    assert broken.value == 2
    assert broken.schema_pointer == "/anyOf/0/minimum"
    reasons = {one.spot.schema_pointer: one.reason for one in Instances(schema).refusals()}
    assert "/anyOf/1/type" in reasons


@pytest.mark.parametrize(
    ("schema", "spot", "reason"),
    [
        ({"type": "string", "enum": ["a", "b"]}, Spot("type", "/type", ""), "/enum"),
        ({"type": "boolean", "enum": [True, False]}, Spot("enum", "/enum", ""), "every value of the type"),
        ({"type": "string", "format": "amber"}, Spot("format", "/format", ""), "nobody judges"),
        ({"type": "array", "maxItems": 10**9}, Spot("maxItems", "/maxItems", ""), "1,000,000,001 items"),
        ({"anyOf": [{"type": "string"}, {}]}, Spot("type", "/anyOf/0/type", ""), "takes every value"),
        ({"type": "string", "pattern": "^[\\s\\S]*$"}, Spot("pattern", "/pattern", ""), ""),
    ],
)
def test_what_cannot_be_violated_alone_is_named(schema, spot, reason):
    instances = Instances(schema)
    refused = {one.spot: one.reason for one in instances.refusals()}
    assert reason in refused[spot]
    assert refused[spot]
    with pytest.raises(Unsatisfiable) as caught:
        instances.invalid(1, spot)
    assert caught.value.pointer == spot.schema_pointer


def test_chosen_by_keyword_and_by_place():
    instances = Instances(SCHEMAS["tree of refs"])
    assert instances.invalid(1, at="/properties/y").instance_pointer == "/y"
    assert {one.instance_pointer for one in instances.spots(at="/$defs/t")} == {"/x", "/y"}
    assert {one.keyword for one in instances.spots("maxLength")} == {"maxLength"}
    assert {one.instance_pointer for one in instances.spots(at="/x")} == {"/x"}
    with pytest.raises(Unsatisfiable):
        instances.invalid(1, keyword="pattern")


def test_a_member_missing_is_a_spot_of_its_own():
    schema = {"type": "object", "required": ["a", "b"], "properties": {"a": {"type": "integer"}}}
    missing = [spot for spot in Instances(schema).violations() if spot.keyword == "required"]
    assert [spot.case for spot in missing] == ["a", "b"]
    for spot in missing:
        assert spot.case not in Instances(schema).invalid(3, spot).value


def test_same_seed_same_fault():
    schema = SCHEMAS["discriminated"]
    assert [Instances(schema).invalid(seed) for seed in range(6)] == [
        Instances(schema).invalid(seed) for seed in range(6)
    ]
    assert len({Instances(schema).invalid(seed).schema_pointer for seed in range(20)}) > 2


def test_faults_in_nested_and_recursive_values_touch_one_place():
    schema = {"$ref": "#/$defs/node", "$defs": {"node": {
        "type": "object", "required": ["value"], "properties": {
            "value": {"type": "integer", "minimum": 0},
            "children": {"type": "array", "items": {"$ref": "#/$defs/node"}, "maxItems": 2},
        }, "additionalProperties": False}}}  # fmt: skip
    instances = Instances(schema)
    for seed in range(20):
        broken = instances.invalid(seed)
        assert len(causes(errors(schema, broken.value))) == 1, broken


def test_draft_7_and_what_its_references_silence():
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "dependencies": {"a": ["b"]},
        "properties": {"a": {"$ref": "#/definitions/t", "minLength": 9}, "l": {"items": [{"type": "string"}],
                       "additionalItems": False}},
        "definitions": {"t": {"type": "string", "maxLength": 3}},
    }  # fmt: skip
    instances = Instances(schema)
    pointers = {spot.schema_pointer for spot in instances.violations()}
    assert "/properties/a/minLength" not in pointers
    assert {"/dependencies", "/properties/a/$ref/maxLength", "/properties/l/additionalItems"} <= pointers
    for spot in instances.violations():
        assert len(causes(errors(schema, instances.invalid(2, spot).value))) == 1


def test_false_is_violated_by_anything():
    broken = Instances(False).invalid(1)
    assert (broken.keyword, broken.schema_pointer) == ("false", "")
    assert not Instances(True).violations()
    assert not [one for one in Instances({}).refusals() if isinstance(one, Refusal)]
