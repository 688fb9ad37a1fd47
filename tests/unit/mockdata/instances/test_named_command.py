"""`tongban mock instances --invalid`, `--boundary` and `--list`."""

import json
from pathlib import Path

import jsonschema
import pytest
from typer.testing import CliRunner

from mockdata.cli import app

SCHEMA = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string", "minLength": 2}, "age": {
          "type": "integer", "minimum": 0, "enum": [0, 1]}}, "additionalProperties": False}  # fmt: skip
PREMIUMS = Path(__file__).parents[4] / "specs/library/tax/premiums/openapi.yaml"


def run(*arguments, document=SCHEMA):
    called = ["instances", "--schema", "-", *map(str, arguments)]
    return CliRunner().invoke(app, called, input=json.dumps(document))


def test_values_on_standard_output_names_on_standard_error():
    result = run("--invalid")
    values = [json.loads(line) for line in result.stdout.splitlines()]
    judge = jsonschema.Draft202012Validator(SCHEMA)
    assert result.exit_code == 0
    assert len(values) == 6
    assert not any(judge.is_valid(value) for value in values)
    assert "minLength 2: 1 characters  (/properties/name/minLength, value /name)" in result.stderr
    assert "left out: /properties/age/type: cannot be violated alone" in result.stderr


def test_json_holds_value_and_names():
    lines = [
        json.loads(line) for line in run("--invalid", "--keyword", "minLength", "-n", 3, "--json").stdout.splitlines()
    ]
    assert [line["keyword"] for line in lines] == ["minLength"] * 3
    assert {len(line["value"]["name"]) for line in lines} == {1}
    assert lines[0].keys() == {"value", "keyword", "schema_pointer", "instance_pointer", "told"}


def test_number_goes_through_different_places_first():
    lines = [json.loads(line) for line in run("--invalid", "-n", 5, "--json").stdout.splitlines()]
    assert len({(line["schema_pointer"], line["told"]) for line in lines}) == 5
    assert run("--invalid", "-n", 5).stdout == run("--invalid", "-n", 5).stdout


def test_boundaries_are_valid():
    result = run("--boundary", "--at", "/properties/name")
    values = [json.loads(line)["name"] for line in result.stdout.splitlines()]
    assert [len(value) for value in values] == [2, 3, 2]
    assert "at the limit" in result.stderr


def test_list_tells_what_can_be_had_and_what_not():
    lines = [json.loads(line) for line in run("--list", "--json").stdout.splitlines()]
    reasons = {line["schema_pointer"]: line["reason"] for line in lines}
    assert reasons["/properties/name/minLength"] is None
    assert "/enum" in reasons["/properties/age/type"]
    plain = run("--list", "--keyword", "minLength").stdout
    assert plain == "minLength\t/properties/name/minLength\t/name\n"


def test_bodies_and_components_of_an_api():
    called = ["instances", "--schema", str(PREMIUMS), "--invalid", "-n", "1", "--json", "--of"]
    for of in ("PremiumRequest", "payPremium", "payPremium 201"):
        result = CliRunner().invoke(app, [*called, of])
        assert result.exit_code == 0, result.stderr
        assert json.loads(result.stdout)["keyword"]


@pytest.mark.parametrize(
    ("arguments", "document", "code", "line", "hint"),
    [
        (["--invalid", "--boundary"], SCHEMA, 2, "exclude each other", "one after the other"),
        (["--keyword", "minimum"], SCHEMA, 2, "choose among named instances", "--invalid"),
        (["--invalid", "--keyword", "pattern"], SCHEMA, 2, "no pattern", "minLength"),
        (["--invalid", "--at", "/properties/x"], SCHEMA, 2, "no at /properties/x", "--list"),
        (["--invalid"], {}, 1, "demands nothing", ""),
        (["--invalid"], {"type": "boolean", "enum": [True, False]}, 1, "cannot be violated alone", ""),
        (["--invalid"], {"openapi": "3.1.0"}, 2, "is an API", "--of"),
    ],
)
def test_refusals_are_one_line_with_a_hint(arguments, document, code, line, hint):
    result = run(*arguments, document=document)
    assert result.exit_code == code
    assert result.stdout == ""
    assert line in result.stderr
    assert hint in result.stderr
    assert "Traceback" not in result.stderr


def test_unknown_names_of_an_api_are_answered_with_near_ones():
    result = CliRunner().invoke(app, ["instances", "--schema", str(PREMIUMS), "--of", "PremiumReq", "--invalid"])
    assert result.exit_code == 2
    assert "near: PremiumRequest" in result.stderr
