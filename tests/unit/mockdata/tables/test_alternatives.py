"""Rows bound as a whole: whatever the record's schema says between fields, every row is valid by it."""

import json

import jsonschema_rs
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mockdata.instances import Instances, Unsatisfiable
from mockdata.tables.generate import generate
from mockdata.tables.jsonlines import lines
from mockdata.tables.plan import PlanError, plan
from specs.reading import read

ROWS = 200
KIND = {"type": "string", "enum": ["a", "b", "c"]}
CODE = {"type": "string", "pattern": "^[A-Z]{3}$"}
AGE = {"type": "integer", "minimum": 0, "maximum": 120}
FIELDS = {
    "kind": KIND, "code": CODE, "age": AGE, "flag": {"type": "boolean"},
    "day": {"type": ["string", "null"], "format": "date"},
}  # fmt: skip


def api(row):
    document = {"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": {},
                "components": {"schemas": {"Row": row}}}  # fmt: skip
    return read(yaml.safe_dump(document, allow_unicode=True).encode(), "t.openapi.yaml")


def rows_of(made, start=0, stop=ROWS, size=90):
    return b"".join(lines(batch, made.json_text, made.always) for batch in generate(made, start, stop, size))


def judge_of(interface):
    return jsonschema_rs.validator_for(interface.standalone(interface.definitions["Row"]), validate_formats=True)


def told(row, seed=5):
    """The rows of a record's schema as JSON values, each held against the schema."""
    interface = api(row)
    judge = judge_of(interface)
    found = [json.loads(line) for line in rows_of(plan(interface, "Row", seed=seed)).splitlines()]
    for one in found:
        assert [error.message for error in judge.iter_errors(one)] == [], one
    return found


names = st.sampled_from(list(FIELDS))
some = st.lists(names, min_size=1, max_size=2, unique=True)
member = st.one_of(
    st.sampled_from(["a", "b", "c"]).map(lambda v: {"kind": {"const": v}}),
    st.sampled_from([["a"], ["a", "b"], ["b", "c"]]).map(lambda v: {"kind": {"enum": v}}),
    st.integers(10, 110).map(lambda v: {"age": {"minimum": v}}),
    st.integers(10, 110).map(lambda v: {"age": {"maximum": v}}),
    st.sampled_from(["^A", "Z$", "^[A-M]+$"]).map(lambda v: {"code": {"pattern": v}}),
    st.booleans().map(lambda v: {"flag": {"const": v}}),
    st.sampled_from(["null", "string"]).map(lambda v: {"day": {"type": v}}),
    names.map(lambda n: {n: False}),
    st.sampled_from([{"extra": AGE}, {"extra": CODE}, {"extra": {"type": "string", "maxLength": 4}}]),
)  # fmt: skip
leaf = st.one_of(
    some.map(lambda v: {"required": v}),
    member.map(lambda v: {"properties": v}),
    st.tuples(member, some).map(lambda pair: {"properties": pair[0], "required": pair[1]}),
    st.tuples(member, member).map(lambda pair: {"properties": {**pair[0], **pair[1]}}),
)


def compound(inner):
    several = st.lists(inner, min_size=1, max_size=3)
    return st.one_of(
        several.map(lambda v: {"oneOf": v}), several.map(lambda v: {"anyOf": v}), several.map(lambda v: {"allOf": v}),
        inner.map(lambda v: {"not": v}),
        st.tuples(inner, inner, inner).map(lambda v: {"if": v[0], "then": v[1], "else": v[2]}),
        st.tuples(inner, inner).map(lambda v: {"if": v[0], "then": v[1]}),
        st.tuples(names, some).map(lambda v: {"dependentRequired": {v[0]: v[1]}}),
        st.tuples(names, inner).map(lambda v: {"dependentSchemas": {v[0]: v[1]}}),
        st.integers(1, 4).map(lambda v: {"minProperties": v}),
        st.integers(2, 5).map(lambda v: {"maxProperties": v}),
        st.sampled_from([{"patternProperties": {"^(code|day)$": {"maxLength": 10}}},
                         {"propertyNames": {"maxLength": 4}}, {"unevaluatedProperties": False}]),
    )  # fmt: skip


conditions = st.recursive(leaf, compound, max_leaves=5)


@st.composite
def records(draw):
    chosen = draw(st.lists(names, min_size=2, unique=True))
    made = {"type": "object", "properties": {name: FIELDS[name] for name in chosen}}
    made["required"] = draw(st.lists(st.sampled_from(chosen), unique=True, max_size=2))
    for part in draw(st.lists(compound(conditions), min_size=1, max_size=2)):
        made |= {word: value for word, value in part.items() if word not in made}
    return made


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(records())
def test_every_row_is_valid_and_a_function_of_its_number(row):
    interface = api(row)
    judge = judge_of(interface)
    refused = None
    try:
        made = plan(interface, "Row", seed=5)
    except PlanError as error:
        refused = error
    if refused is not None:
        assert refused.pointer.startswith("/components/schemas/Row")
        _refused_with_reason(interface, row, refused)
        return
    whole = rows_of(made)
    for line in whole.splitlines():
        assert [error.message for error in judge.iter_errors(json.loads(line))] == [], line
    assert rows_of(made, 0, 77) + rows_of(made, 77, ROWS, 33) == whole


def _refused_with_reason(interface, row, error):
    """What was refused for having no row has none that the fields could hold."""
    if "no row meets" not in error.reason:
        return
    try:
        found = [
            Instances(interface.standalone(interface.definitions["Row"]), formal=True).example(seed)
            for seed in range(8)
        ]
    except Unsatisfiable:
        return
    known = set(json.dumps(row).replace('"', " ").split()) & {*FIELDS, "extra"}
    assert all(set(one) - known for one in found), (row, error.reason, found[0])


def test_what_is_given_says_which_way_a_row_takes():
    """A weighted field keeps its weights, a fact its value; what is left follows."""
    weighted = {"type": "string", "enum": ["a", "b"], "x-weights": {"a": 9, "b": 1}}
    found = told(
        {"type": "object", "properties": {"kind": weighted, "age": AGE, "code": CODE}, "required": ["kind", "age"],
         "if": {"properties": {"kind": {"const": "a"}}}, "then": {"required": ["code"]},
         "else": {"properties": {"age": {"minimum": 100}, "code": False}}}
    )  # fmt: skip
    assert 160 < sum(one["kind"] == "a" for one in found) < 198
    people = told(
        {"type": "object", "required": ["citizen_number", "sex"],
         "properties": {"citizen_number": {"type": "string", "x-element": "GMSFHM"},
                        "sex": {"type": "string", "x-element": "XBDM"}, "served": CODE, "born_as": CODE},
         "if": {"properties": {"sex": {"const": "1"}}},
         "then": {"required": ["served"], "properties": {"born_as": False}},
         "else": {"required": ["born_as"], "properties": {"served": False}}}
    )  # fmt: skip
    assert {(one["citizen_number"][16] in "13579", "served" in one) for one in people} == {(True, True), (False, False)}
    assert all(one["sex"] == ("1" if one["citizen_number"][16] in "13579" else "2") for one in people)


def test_every_alternative_comes_and_brings_its_fields():
    found = told(
        {"type": "object", "properties": {"day": {"type": "string", "format": "date"}}, "required": ["day"],
         "oneOf": [{"properties": {"kind": {"const": kind}, name: schema}, "required": ["kind", name]}
                   for kind, name, schema in (("a", "code", CODE), ("b", "age", AGE), ("c", "flag", FIELDS["flag"]))]}
    )  # fmt: skip
    assert {one["kind"] for one in found} == {"a", "b", "c"}


def test_kinds_that_differ_by_alternative_are_json():
    found = told(
        {"type": "object", "oneOf": [{"properties": {"v": {"type": "integer"}}, "required": ["v"]},
                                     {"properties": {"v": {"type": "string", "maxLength": 4}}, "required": ["v"]}]}
    )  # fmt: skip
    assert {type(one["v"]) for one in found} == {int, str}


def test_computed_fields_follow_and_are_left_out():
    found = told(
        {"type": "object", "required": ["kind", "age"],
         "properties": {"kind": KIND, "age": AGE, "twice": {"type": "integer", "x-compute": "age * 2"}},
         "if": {"properties": {"kind": {"const": "a"}}},
         "then": {"properties": {"age": {"minimum": 60}}, "required": ["twice"]},
         "else": {"properties": {"twice": False}}}
    )  # fmt: skip
    assert {one["kind"] == "a" for one in found if "twice" in one} == {True}
    assert all(one["twice"] == one["age"] * 2 for one in found if "twice" in one)


def test_a_schema_on_its_own_binds_its_rows_too():
    interface = read(
        json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "https://example.org/permit",
                    "type": "object", "properties": {"kind": KIND, "age": AGE}, "required": ["kind"],
                    "if": {"properties": {"kind": {"const": "a"}}},
                    "then": {"required": ["visa"], "properties": {"visa": CODE}},
                    "else": {"properties": {"visa": False}}}).encode(), "permit.schema.json",
    )  # fmt: skip
    made = plan(interface, None, seed=5)
    assert not made.json_text
    found = [json.loads(line) for line in rows_of(made).splitlines()]
    assert all("visa" in one for one in found if one["kind"] == "a")
    assert len({one["kind"] for one in found}) == 3


@pytest.mark.parametrize(
    ("row", "pointer", "words"),
    [
        ({"properties": {"a": AGE}, "required": ["a"], "not": {"required": ["a"]}}, "/not", "no row meets not"),
        ({"properties": {"a": AGE}, "if": {"required": ["a"]}, "then": False, "else": False}, "/if", "no row meets if"),
        ({"properties": {"a": AGE, "b": AGE}, "minProperties": 3}, "/minProperties", "minProperties"),
        ({"properties": {"a": {**AGE, "x-unique": True}, "b": AGE}, "required": ["a"],
          "anyOf": [{"properties": {"a": {"minimum": 500}}, "required": ["a"]}]}, "/anyOf", "no way open"),
        ({"properties": {f"{side}{at}": AGE for at in range(10) for side in "ab"}, "maxProperties": 15,
          "allOf": [{"anyOf": [{"required": [f"a{at}"]}, {"required": [f"b{at}"]}]} for at in range(10)]},
         "/maxProperties", "combinations"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_by_name(row, pointer, words):
    with pytest.raises(PlanError) as refused:
        plan(api({"type": "object", **row}), "Row", seed=5)
    assert refused.value.pointer.startswith(f"/components/schemas/Row{pointer}")
    assert words in str(refused.value)
