"""Valid instances at and just inside limits. The judge is the Python `jsonschema` package."""

import json
from decimal import Decimal

import jsonschema
import pytest

from mockdata.instances import Instances, Spot, Unsatisfiable

PERSON = {
    "type": "object",
    "required": ["name", "age"],
    "properties": {
        "name": {"type": "string", "minLength": 2, "maxLength": 5},
        "age": {"type": "integer", "minimum": 0, "exclusiveMaximum": 150},
        "born": {"type": "string", "format": "date"},
        "seen": {"type": "string", "format": "date-time"},
        "share": {"type": "number", "exclusiveMinimum": 0, "maximum": 1, "multipleOf": 0.05},
        "count": {"type": "integer", "format": "int32"},
        "sex": {"enum": ["1", "2", "9"]},
        "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 3, "uniqueItems": True},
        "note": {"type": ["string", "null"]},
        "alive": {"type": "boolean"},
    },
    "additionalProperties": False,
}


def decimals(value):
    return json.loads(json.dumps(value), parse_float=Decimal)


def values(schema, pointer):
    """case → what stands at the place, for the keyword at a pointer."""
    instances = Instances(schema)
    found = {}
    for spot in instances.boundaries():
        if spot.schema_pointer == pointer:
            part = instances.boundary(7, spot).value
            for token in spot.instance_pointer.split("/")[1:]:
                part = part[int(token)] if isinstance(part, list) else part[token]
            found[spot.case] = part
    return found


def test_every_boundary_is_valid_and_named():
    instances = Instances(PERSON)
    kind = jsonschema.Draft202012Validator
    judge = kind(decimals(PERSON), format_checker=kind.FORMAT_CHECKER)
    spots = instances.boundaries()
    assert len(spots) > 40
    for spot in spots:
        for seed in range(2):
            made = instances.boundary(seed, spot)
            unjudged = spot.case in ("leap second",)  # the judge's library has no 61st second
            assert unjudged or not list(judge.iter_errors(decimals(made.value))), made
            assert (made.keyword, made.schema_pointer) == (spot.keyword, spot.schema_pointer)
            assert made.told


def test_limits_of_numbers():
    assert values(PERSON, "/properties/age/minimum") == {"at the limit": 0, "one step inside": 1}
    assert values(PERSON, "/properties/age/exclusiveMaximum") == {"just inside": 149, "two steps inside": 148}
    assert values(PERSON, "/properties/share/exclusiveMinimum") == {"just inside": 0.05, "two steps inside": 0.1}
    assert values(PERSON, "/properties/share/maximum") == {"at the limit": 1, "one step inside": 0.95}
    assert values(PERSON, "/properties/count/format") == {"lowest": -(2**31), "highest": 2**31 - 1}


def test_lengths_count_characters_not_units():
    found = values(PERSON, "/properties/name/maxLength")
    assert {case: len(text) for case, text in found.items()} == {
        "at the limit": 5, "one inside": 4, "at the limit, beyond the basic plane": 5,
    }  # fmt: skip
    assert all(ord(letter) > 0xFFFF for letter in found["at the limit, beyond the basic plane"])


def test_sizes_members_lists_and_kinds():
    assert {case: len(v) for case, v in values(PERSON, "/properties/tags/items").items()} == {
        "no item": 0,
        "one item": 1,
    }
    assert {case: len(v) for case, v in values(PERSON, "/properties/tags/maxItems").items()} == {
        "at the limit": 3, "one inside": 2,
    }  # fmt: skip
    members = values(PERSON, "/properties")
    assert members["all optional members present"].keys() == PERSON["properties"].keys()
    assert members["all optional members absent"].keys() == {"name", "age"}
    assert values(PERSON, "/properties/sex/enum") == {"first": "1", "last": "9"}
    assert values(PERSON, "/properties/alive/type") == {"true": True, "false": False}
    assert values(PERSON, "/properties/note/type") == {"null": None}


def test_days_and_moments():
    days = values(PERSON, "/properties/born/format")
    assert days["leap day"] == "2024-02-29"
    assert {"first day", "last day", "last day of a year"} <= days.keys()
    moments = values(PERSON, "/properties/seen/format")
    assert moments["zone east"].endswith("+14:00")
    assert moments["zone west"].endswith("-12:00")


def test_counts_of_contains():
    schema = {"type": "array", "contains": {"const": 1}, "minContains": 2, "maxContains": 4, "items": {"enum": [1, 2]}}
    assert values(schema, "/minContains")["at the limit"].count(1) == 2
    assert values(schema, "/maxContains")["at the limit"].count(1) == 4


@pytest.mark.parametrize(
    ("schema", "spot"),
    [
        ({"minimum": 3, "type": "integer", "not": {"const": 3}}, Spot("minimum", "/minimum", "", "at the limit")),
        ({"maxItems": 2, "minItems": 2, "type": "array"}, Spot("maxItems", "/maxItems", "", "one inside")),
    ],
)
def test_limits_nothing_valid_touches_are_refused(schema, spot):
    instances = Instances(schema)
    assert {one.spot: one.reason for one in instances.refusals(invalid=False)}[spot]
    with pytest.raises(Unsatisfiable) as caught:
        instances.boundary(1, spot)
    assert caught.value.pointer == spot.schema_pointer


def test_chosen_by_keyword_and_place():
    made = Instances(PERSON).boundary(1, keyword="minimum", at="/properties/age")
    assert made.value["age"] in (0, 1)
    assert made.instance_pointer == "/age"
