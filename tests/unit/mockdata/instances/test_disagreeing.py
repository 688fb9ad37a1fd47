"""Formats beside patterns, lengths and values that want something else."""

import json

import jsonschema_rs
import pytest

import specs
from mockdata.instances import Instances, Unsatisfiable
from mockdata.sandbox import Sandbox
from mockdata.sandbox.messages import Request

SEEDS = range(30)
MEETING = [
    {"format": "email", "pattern": "^[a-z]+@corp\\.example$"},
    {"format": "email", "pattern": "@gov\\.cn$"},
    {"format": "email", "maxLength": 5},
    {"format": "email", "enum": ["nobody", "a@b.example"]},
    {"format": "email", "examples": ["not an address"], "default": "none"},
    {"format": "ipv4", "pattern": "^10\\..*"},
    {"format": "date", "pattern": "^2026-.*"},
]
APART = [
    {"format": "email", "pattern": "^[0-9]{6}$"},
    {"format": "email", "enum": ["nobody"]},
    {"format": "email", "maxLength": 2},
    {"format": "date", "pattern": "^[0-9]{8}$"},
]


@pytest.mark.parametrize("schema", MEETING, ids=str)
def test_a_value_that_has_both_is_found(schema):
    schema = {"type": "string", **schema}
    judge = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
    made = Instances(schema)
    for seed in SEEDS:
        assert judge.is_valid(made.example(seed)), schema
        assert not made.lax(made.example(seed))


@pytest.mark.parametrize("schema", APART, ids=str)
def test_what_cannot_be_both_is_said(schema):
    schema = {"type": "string", **schema}
    with pytest.raises(Unsatisfiable):
        Instances(schema, formal=True).example(1)
    made = Instances(schema)
    assert all(made.lax(made.example(seed)) for seed in SEEDS)
    answer = {"200": {"description": "-", "content": {"application/json": {"schema": schema}}}}
    document = {"openapi": "3.1.0", "info": {"title": "t", "version": "1"},
                "paths": {"/a": {"get": {"operationId": "a", "responses": answer}}}}  # fmt: skip
    response = Sandbox([specs.read(json.dumps(document).encode(), "a.json")], bare=True).handle(Request("GET", "/a"))
    assert response.status == 200
    assert not response.valid, "no judge that asserts formats would take it"
    assert "disagree" in response.header("Tongban-Findings")
