"""Conditions between fields in SQL: the same verdict on any row as JSON Schema's own."""

import duckdb
import jsonschema_rs
import pyarrow as pa
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mockdata.quality.expectations import suite
from mockdata.tables.relations import table_of
from specs.reading import read

FIELDS = {
    "kind": {"type": "string"}, "age": {"type": "integer"}, "flag": {"type": "boolean"}, "sum": {"type": "number"},
    "end": {"type": ["integer", "null"]},
}  # fmt: skip
TYPES = {"kind": pa.string(), "age": pa.int64(), "flag": pa.bool_(), "sum": pa.float64(), "end": pa.int64()}
names = st.sampled_from(["kind", "age", "flag", "sum"])
tests = st.sampled_from([
    {"kind": {"const": "a"}}, {"kind": {"enum": ["a", "b", 1]}}, {"kind": {"minLength": 2}},
    {"kind": {"pattern": "^[ab]+$"}},
    {"age": {"minimum": 3}}, {"age": {"exclusiveMaximum": 7}}, {"age": {"enum": [1, 3]}}, {"flag": {"const": True}},
    {"sum": {"type": "integer"}}, {"sum": {"maximum": 2.5}}, {"age": {"not": {"const": 3}}}, {"age": False},
    {"kind": {"anyOf": [{"const": "b"}, {"maxLength": 1}]}}, {"end": {"type": "null"}}, {"end": {"type": "integer"}},
    {"kind": {"type": ["string", "null"]}}, {"age": {"type": "string"}}, {"kind": {"maximum": 3}},
])  # fmt: skip
some = st.lists(names, min_size=1, max_size=2, unique=True)
leaf = st.one_of(
    tests.map(lambda v: {"properties": v}), some.map(lambda v: {"required": v}),
    st.tuples(tests, some).map(lambda v: {"properties": v[0], "required": v[1]}),
)  # fmt: skip
conditions = st.recursive(
    leaf,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda v: {"oneOf": v}),
        st.lists(inner, min_size=1, max_size=3).map(lambda v: {"anyOf": v}), inner.map(lambda v: {"not": v}),
        st.tuples(inner, inner, inner).map(lambda v: {"if": v[0], "then": v[1], "else": v[2]}),
        st.tuples(names, some).map(lambda v: {"dependentRequired": {v[0]: v[1]}}),
        st.tuples(names, inner).map(lambda v: {"dependentSchemas": {v[0]: v[1]}}),
        st.integers(2, 4).map(lambda v: {"minProperties": v}), st.integers(2, 4).map(lambda v: {"maxProperties": v}),
    ),
    max_leaves=4,
)  # fmt: skip
rows = st.fixed_dictionaries(
    {"end": st.one_of(st.none(), st.integers(0, 9))},
    optional={"kind": st.text("abc", max_size=3), "age": st.integers(0, 9), "flag": st.booleans(),
              "sum": st.sampled_from([0.5, 2.0, 2.5, 3.0])},
)  # fmt: skip


def api(row):
    document = {"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": {},
                "components": {"schemas": {"Row": row}}}  # fmt: skip
    return read(yaml.safe_dump(document).encode(), "t.openapi.yaml")


@pytest.fixture(scope="module")
def database():
    with duckdb.connect() as connection:
        yield connection


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(condition=conditions, data=st.lists(rows, min_size=1, max_size=12))
def test_the_verdict_is_that_of_json_schema(database, condition, data):
    interface = api({"type": "object", "properties": FIELDS, "required": ["end"], **condition})
    made = suite(interface, table_of(interface, "Row"))
    found = [one for one in made.expectations if one.kind == "query" and one.column is None]
    if not found:
        return
    judge = jsonschema_rs.validator_for(condition)
    columns = {name: pa.array([row.get(name) for row in data], type) for name, type in TYPES.items()}
    database.register("data", pa.table(columns))
    broken = sum(database.execute(one.condition.replace("${table}", "data")).fetchall()[0][0] for one in found)
    assert (broken == 0) is all(judge.is_valid(row) for row in data)


def test_what_is_not_checked_is_told():
    interface = api(
        {"type": "object", "properties": {"day": {"type": ["string", "null"]}, "n": {"type": "integer"}},
         "dependentRequired": {"day": ["n"]}, "propertyNames": {"maxLength": 9}, "not": {"required": ["n"]}}
    )  # fmt: skip
    made = suite(interface, table_of(interface, "Row"))
    assert {one.rule: one.reason.partition(" between")[0] for one in made.unchecked} == {
        "dependentRequired": "day, which may be null or absent,", "propertyNames": "propertyNames",
    }  # fmt: skip
    assert [one.rule for one in made.expectations if one.kind == "query" and one.column is None] == ["not"]
