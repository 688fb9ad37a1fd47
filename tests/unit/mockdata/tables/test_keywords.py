"""Any schema: every row of a table with a column of it is valid, whatever the keywords."""

import json

import jsonschema_rs
import pyarrow as pa
import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mockdata.instances import Instances, Unsatisfiable
from mockdata.tables.generate import generate
from mockdata.tables.jsonlines import lines
from mockdata.tables.plan import PlanError, plan
from specs.reading import read

ROWS = 200
PATTERNS = ["^[A-Z]{2}[0-9]{3}$", "^(ab|cd)+$", "[0-9]", "^.{3}$", "^浙[A-Z]·?[0-9A-Z]{5}$", "^(?!0)[0-9]{4}$"]
FORMATS = ["date", "date-time", "uuid", "email", "uri", "ipv4", "ipv6", "hostname", "time", "duration", "byte",
           "json-pointer", "regex", "nonsense"]  # fmt: skip
some = st.integers(0, 12)


def optional(**words):
    """Some of these keywords."""
    return st.fixed_dictionaries({}, optional=words)


def bounded(low, high):
    """Two keywords whose values are in order."""
    return st.lists(some, min_size=2, max_size=2).map(lambda pair: dict(zip((low, high), sorted(pair), strict=True)))


strings = st.one_of(
    bounded("minLength", "maxLength"), optional(minLength=some), optional(maxLength=some),
    optional(pattern=st.sampled_from(PATTERNS)), optional(format=st.sampled_from(FORMATS)),
    optional(pattern=st.sampled_from(PATTERNS), minLength=some, maxLength=some),
    optional(format=st.sampled_from(FORMATS), maxLength=some),
).map(lambda rest: {"type": "string", **rest})  # fmt: skip
steps = st.sampled_from([1, 2, 7, 0.5, 0.01, 0.1, 3])
edges = st.integers(-1000, 1000)
numbers = st.one_of(
    st.tuples(edges, edges).map(lambda pair: {"minimum": min(pair), "maximum": max(pair)}),
    optional(minimum=edges, exclusiveMaximum=edges, multipleOf=steps), optional(exclusiveMinimum=edges),
    optional(maximum=edges, multipleOf=steps),
    optional(exclusiveMaximum=st.floats(-10, 10), minimum=st.floats(-10, 10)),
)  # fmt: skip
numbers = st.tuples(st.sampled_from(["integer", "number"]), numbers).map(lambda pair: {"type": pair[0], **pair[1]})
values = st.one_of(st.none(), st.booleans(), edges, st.text("ab浙", max_size=5), st.lists(some, max_size=2))
constants = st.one_of(
    st.lists(values, min_size=1, max_size=5).map(lambda listed: {"enum": listed}), values.map(lambda v: {"const": v}),
    st.lists(st.text("abc", max_size=5), min_size=1, max_size=5).flatmap(
        lambda listed: optional(minLength=some, pattern=st.just("a")).map(
            lambda rest: {"type": "string", "enum": listed, **rest}
        )
    ),
)  # fmt: skip
plain = st.one_of(strings, numbers, constants, st.just({"type": "boolean"}), st.just({"type": ["string", "null"]}))


def arrays(items):
    return st.one_of(
        st.tuples(items, bounded("minItems", "maxItems")).map(lambda p: {"type": "array", "items": p[0], **p[1]}),
        st.tuples(items, optional(uniqueItems=st.just(True), minItems=st.integers(0, 4))).map(
            lambda p: {"type": "array", "items": p[0], **p[1]}
        ),
    )


@st.composite
def objects(draw, members):
    names = draw(st.lists(st.sampled_from(["a", "b", "c", "年"]), min_size=1, max_size=3, unique=True))
    made = {"type": "object", "properties": {name: draw(members) for name in names}}
    made["required"] = draw(st.lists(st.sampled_from(names), unique=True, max_size=3))
    return {**made, **draw(optional(additionalProperties=st.just(False), maxProperties=st.integers(1, 3)))}


schemas = st.recursive(plain, lambda inner: st.one_of(arrays(inner), objects(inner)), max_leaves=6)


def api(schema, required):
    row = {"type": "object", "properties": {"x": schema, "n": {"type": "integer"}}, "required": required}
    return read(
        yaml.safe_dump(
            {
                "openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": {},
                "components": {"schemas": {"Row": row}},
            },
            allow_unicode=True,
        ).encode(),
        "t.openapi.yaml",
    )  # fmt: skip


def holding(item, **words):
    """An object that must have a list of these."""
    held = {"type": "object", "properties": {"a": {"type": "array", "items": item, **words}}, "required": ["a"]}
    return {**held, "maxProperties": 1}


def distinct(item, least):
    """A list of that many different ones of these."""
    return {"type": "array", "items": item, "uniqueItems": True, "minItems": least}


two = {"c": {"const": None}, "b": {"type": "string", "maxLength": 0}, "年": {"enum": [None]}}
pair = {"type": "object", "properties": two, "required": ["c", "b"], "additionalProperties": False}


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(schemas, st.sampled_from([["x"], ["n"], []]))
@example(holding({"type": "string", "format": "date", "maxLength": 0}, minItems=1), ["x"])
@example(holding({"type": "string", "format": "date-time", "maxLength": 19}), ["x"])
@example({"type": "array", "items": {"type": "string", "format": "date-time", "maxLength": 19}}, ["x"])
@example(distinct(distinct(pair, 2), 2), ["x"])
@example(distinct(distinct({"enum": [1, 2, 3]}, 3), 6), ["x"])
def test_every_row_is_valid(schema, required):
    interface = api(schema, required)
    whole = interface.standalone(interface.definitions["Row"])
    try:
        made = plan(interface, "Row", seed=5)
    except PlanError as error:
        refused = error
    else:
        refused = None
    if refused is not None:
        assert refused.column.startswith("x")
        assert refused.pointer.startswith("/components/schemas/Row/properties/x")
        return
    judge = jsonschema_rs.validator_for(whole, validate_formats=True)
    text = b"".join(lines(batch, made.json_text, made.always) for batch in generate(made, 0, ROWS, 90))
    for line in text.splitlines():
        assert [error.message for error in judge.iter_errors(json.loads(line))] == [], line


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.one_of(strings, numbers))
def test_what_has_values_is_not_refused(schema):
    try:
        example = Instances(schema).example(1)
    except Unsatisfiable:
        return
    if jsonschema_rs.validator_for(schema, validate_formats=True).is_valid(example):
        plan(api(schema, ["x"]), "Row", seed=5)


@pytest.mark.parametrize(
    ("schema", "type"),
    [
        ({"type": "array", "items": {"type": "integer"}, "uniqueItems": True}, pa.list_(pa.int64())),
        ({"type": "array", "items": {"type": "object", "properties": {"a": {"type": "boolean"}}}},
         pa.list_(pa.struct([("a", pa.bool_())]))),
        ({"type": "object", "properties": {"a": {"type": "string", "format": "date"}}, "maxProperties": 1},
         pa.struct([("a", pa.date32())])),
        ({"type": "object", "properties": {"a": {}, "b": {}}, "maxProperties": 1}, pa.string()),
    ],
)  # fmt: skip
def test_nested_values_are_structs_and_lists(schema, type):
    assert plan(api(schema, ["x"]), "Row", seed=5).schema.field("x").type == type
