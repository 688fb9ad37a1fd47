"""The ten real documents, and what can go wrong in documents like them."""

import copy
import json
import random
from pathlib import Path
from typing import Any

import jsonschema
import jsonschema_rs
import pytest

import specs
from specs.lint import lint
from specs.rules import rules
from specs.schema import Schema
from specs.summary import to_json

DATA = Path(__file__).parents[2] / "data"
DOCUMENTS = [*sorted((DATA / "openapi").glob("*.json")), DATA / "citizens.openapi.yaml"]
OPERATIONS = {
    "ca-bc-groundwater-wells.json": 24, "in-apisetu-transport-maharashtra.json": 2, "in-digilocker-partner.json": 22,
    "in-ndhm-health-id.json": 73, "uk-dvla-vehicle-enquiry.json": 1, "uk-gov-pay.json": 10,
    "uk-land-registry-deed.json": 2, "us-cdc-reportstream.json": 14, "us-epa-echo.json": 16, "us-va-facilities.json": 5,
    "citizens.openapi.yaml": 3,
}  # fmt: skip


def schemas(interface: specs.Interface) -> list[Schema]:
    found: list[Schema] = [{"$ref": specs.reference(name)} for name in interface.definitions]
    for operation in interface.operations:
        found += [parameter.schema for parameter in operation.parameters]
        contents = list(operation.body.contents) if operation.body else []
        for response in operation.responses:
            contents += response.contents
            found += [header.schema for header in response.headers]
        found += [content.schema for content in contents if content.schema is not None]
    found += [field.schema for table in interface.tables for field in table.fields]
    return found


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_every_schema_of_a_real_document_can_be_used_as_it_is(path: Path) -> None:
    interface = specs.read(path)
    assert len(interface.operations) == OPERATIONS[path.name]
    written = json.loads(path.read_text()) if path.suffix == ".json" else specs.parse(path).value
    count = sum(1 for item in written["paths"].values() for word in item if word in "get put post delete patch head")
    assert len(interface.operations) == count
    for schema in schemas(interface):
        alone = interface.standalone(schema)
        jsonschema.Draft202012Validator.check_schema(alone)
        jsonschema_rs.Draft202012Validator(alone).is_valid({})
        jsonschema.Draft202012Validator(alone).is_valid({})


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_findings_on_a_real_document_lead_to_their_place(path: Path) -> None:
    interface = specs.read(path)
    found = lint(interface)
    assert found
    known = rules()
    for finding in found:
        assert finding.severity is known[finding.rule].severity
        assert finding.line is not None
        value: Any = interface.document.value
        for token in finding.pointer.split("/")[1:]:
            name = token.replace("~1", "/").replace("~0", "~")
            # A pointer may end at a member that is missing, which is what the finding says.
            value = value[int(name)] if isinstance(value, list) else value.get(name, {})


def test_what_the_real_documents_get_wrong() -> None:
    def found(name: str, rule: str) -> list[str]:
        return [f.pointer for f in lint(specs.read(DATA / "openapi" / name)) if f.rule == rule]

    assert len(found("us-epa-echo.json", "enum-type-mismatch")) == 3
    assert found("uk-land-registry-deed.json", "missing-operation-id") == ["/paths/~1deed~1{deed_reference}/get"]
    assert "/components/schemas/Receiver/required" in found("us-cdc-reportstream.json", "required-not-in-properties")
    assert "/servers/0" in found("us-cdc-reportstream.json", "http-server-url")
    assert found("in-ndhm-health-id.json", "personal-data-without-sensitivity")
    assert not found("us-va-facilities.json", "personal-data-in-url")  # the street address of a place to start from
    assert len(found("uk-gov-pay.json", "personal-data-in-url")) == 2
    assert not found("ca-bc-groundwater-wells.json", "name-as-path-id")
    citizens = [f.pointer for f in lint(specs.read(DATA / "citizens.openapi.yaml"))]
    assert "/paths/~1citizens~1{id}/get/parameters/0" in citizens


JUNK: list[Any] = [
    None, True, 0, -1.5, "", "x", "#/nowhere", "string", [], [None], [{}], {}, {"$ref": "#/paths"}, {"$ref": 5},
    {"$ref": "#/components/schemas"}, {"type": "object"}, "\u0000", {"": {}}, [[]], {"$ref": ""}, 10**30,
]  # fmt: skip


def places(value: Any) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    waiting = [value]
    while waiting:
        node = waiting.pop()
        members = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
        for key, inner in members:
            found.append((node, key))
            waiting.append(inner)
    return found


@pytest.mark.parametrize("path", sorted((DATA / "openapi").glob("*.json"), key=lambda p: p.stat().st_size)[:7])
def test_no_damage_to_a_real_document_gives_a_traceback(path: Path) -> None:
    whole = json.loads(path.read_text())
    luck = random.Random(path.name)
    for _ in range(40):
        broken = copy.deepcopy(whole)
        for _ in range(luck.choice([1, 3, 10])):
            node, key = luck.choice(places(broken) or [({"x": 1}, "x")])
            what = luck.random()
            if what < 0.2:
                del node[key]
            elif what < 0.3 and isinstance(node, dict):
                node[luck.choice(["type", "$ref", "properties", "allOf", "required", "enum"])] = node.pop(key)
            else:
                node[key] = copy.deepcopy(luck.choice(JUNK))
        try:
            interface = specs.read(json.dumps(broken).encode(), path.name)
        except specs.SpecError:
            continue
        for finding in lint(interface):
            assert finding.rule in rules()
        for schema in schemas(interface):
            jsonschema_rs.Draft202012Validator(interface.standalone(schema))
        json.dumps(to_json(interface))
