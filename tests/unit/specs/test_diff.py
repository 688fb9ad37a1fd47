"""The diff of specs, against changes whose answer is known, and against the values that two schemas really allow."""

from __future__ import annotations

import copy
import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

import specs
from mockdata.instances import instance
from specs import library
from specs.diff import Level, Side, diff
from specs.diff.checks import CHECKS
from tests.unit.specs import diff_kinds as kinds

OPENAPI = sorted((Path(__file__).parents[2] / "data" / "openapi").glob("*.json"))
SCHEMAS = [
    *((name, old, new, "narrower") for name, (old, new) in kinds.NARROWER.items()),
    *((f"{name}, undone", new, old, "wider") for name, (old, new) in kinds.NARROWER.items()),
    *((name, old, new, "different") for name, (old, new) in kinds.DIFFERENT.items()),
    *((name, old, new, "same") for name, (old, new) in kinds.SAME.items()),
]

TURN = {case[0]: turn for turn, case in enumerate(SCHEMAS)}


def levels(old: bytes | Any, new: bytes | Any, side: Side | None = None) -> set[Level]:
    before, after = (specs.read(d if isinstance(d, bytes) else text(d), "x.json") for d in (old, new))
    return {change.level for change in diff(before, after) if side is None or change.side is side}


def text(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()


def everywhere(old: Any, new: Any, turn: int | None = None) -> dict[str, set[Level]]:
    """Place and way ("request member") → the levels of what was noticed there."""
    before, after = (specs.read(one, "x.json") for one in kinds.everywhere(old, new, turn))
    found: dict[str, set[Level]] = {operation.id: set() for operation in after.operations}
    for change in diff(before, after):
        for name in change.operations:
            found[name].add(change.level)
    return found


@pytest.mark.parametrize(("name", "old", "new", "relation"), SCHEMAS, ids=[case[0] for case in SCHEMAS])
def test_a_changed_schema_breaks_exactly_the_side_it_should(name: str, old: Any, new: Any, relation: str) -> None:
    wrong = []
    for place, found in everywhere(old, new, TURN[name]).items():
        way = place.partition(" ")[0]
        breaks = relation == "different" or relation == {"request": "narrower", "response": "wider"}[way]
        if breaks is not (Level.BREAKING in found):
            wrong.append(f"{place}: {'not ' * breaks}called breaking: {found}")
    assert not wrong


@pytest.mark.parametrize("name", kinds.SIDED)
def test_changes_that_concern_one_way_only(name: str) -> None:
    old, new, request, response = kinds.SIDED[name]
    for place, found in everywhere(old, new).items():
        assert (Level.BREAKING in found) is (request if place.startswith("request") else response), place


LABELLED = [case for case in SCHEMAS if not case[0].endswith(", undone")]


@pytest.mark.parametrize(("name", "old", "new", "relation"), LABELLED, ids=[case[0] for case in LABELLED])
def test_the_labels_are_true_of_the_values(name: str, old: Any, new: Any, relation: str) -> None:
    """Not the tool but the test is tested here: values made for one schema, judged by the other."""
    if name.startswith(("element changed", "contentEncoding", "contentMediaType", "discriminator moved")):
        return  # the values are the same, what they mean is not
    if name.startswith(("member renamed", "member removed", "format int32")):
        return  # open objects take any member; the format is no assertion of JSON Schema
    ours, theirs = (jsonschema_rs.Draft202012Validator(s, validate_formats=True) for s in (old, new))
    lost = [v for v in (*_values(old), *ODD) if ours.is_valid(v) and not theirs.is_valid(v)]
    won = [v for v in (*_values(new), *ODD) if theirs.is_valid(v) and not ours.is_valid(v)]
    assert bool(lost) is (relation in ("narrower", "different"))
    if name != "optional member added":  # an open object took any value of it before
        assert bool(won) is (relation == "different")


def _values(schema: Any) -> list[Any]:
    return [instance(schema, seed) for seed in range(12)] if schema is not False else []


ODD = [
    None, True, 0, 1, 2.5, 1.5, 8.5, "", "a", "b", "zzzzzzzzzzzz", "7", "ab", "1a", "abcdef", "中@例.cn",
    [], ["a"], ["a", "a"], [1, "b"], ["a", "b", "c", "d"], {}, {"a": 1}, {"b": 12}, {"a": "x", "more": 1}, {"x1": 1},
    {"a": 1, "b": 2, "c": 3},
]  # fmt: skip


@pytest.mark.parametrize("name", kinds.PARAMETERS)
def test_a_changed_parameter_breaks_callers_or_not(name: str) -> None:
    before, after, breaks = kinds.PARAMETERS[name]
    for base in (json.loads(kinds.document(kinds.S, kinds.S)), _documents()[0][0]):
        old = kinds.with_parameter(base, before)
        new = kinds.with_parameter(base, after) if after else base
        assert (Level.BREAKING in levels(old, new)) is breaks


@cache
def _documents() -> tuple[tuple[dict[str, Any], specs.Interface], ...]:
    """Documents of OpenAPI 3 with what was read of them; the large ones are compared elsewhere."""
    real = [json.loads(path.read_text()) for path in OPENAPI if path.stat().st_size < 40_000]
    own = [i.document.value for i in library.interfaces().values() if i.format.startswith("OpenAPI")]
    return tuple((d, specs.read(text(d), "x.json")) for d in (*real, *own[:3]) if "openapi" in d)


@pytest.mark.parametrize("name", [*kinds.API_BREAKING, *kinds.API_COMPATIBLE])
def test_changes_of_whole_documents(name: str) -> None:
    change = {**kinds.API_BREAKING, **kinds.API_COMPATIBLE}[name]
    tried = 0
    for document, before in _documents():
        mutated = copy.deepcopy(document)
        if not change(mutated):
            continue
        tried += 1
        found = {change.level for change in diff(before, specs.read(text(mutated), "x.json"))}
        assert (Level.BREAKING in found) is (name in kinds.API_BREAKING), (document["info"]["title"], found)
    assert tried >= 3


@pytest.mark.parametrize("path", OPENAPI, ids=[path.stem for path in OPENAPI])
def test_a_document_equals_itself_in_another_order(path: Path) -> None:
    def turned(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: turned(value[key]) for key in reversed(value)}
        return [turned(one) for one in value] if isinstance(value, list) else value

    value = json.loads(path.read_text())
    assert diff(specs.read(path), specs.read(json.dumps(turned(value)).encode(), path.name)) == ()


def test_shared_schemas_are_judged_for_each_side_and_name_every_operation() -> None:
    old = json.loads(kinds.document({"type": "string"}, {"type": "string"}, shared=True))
    body = old["paths"]["/things"]["post"]
    body["responses"]["200"]["content"]["application/json"]["schema"] = {"$ref": "#/components/schemas/Asked"}
    old["paths"]["/others"] = {"put": {**copy.deepcopy(body), "operationId": "put"}}
    new = copy.deepcopy(old)
    new["components"]["schemas"]["Asked"]["maxLength"] = 9
    changes = diff(specs.read(text(old), "a.yaml"), specs.read(text(new), "b.yaml"))
    assert {(c.check, c.level, c.side) for c in changes} == {
        ("length-narrowed", Level.BREAKING, Side.REQUEST),
        ("length-narrowed", Level.COMPATIBLE, Side.RESPONSE),
    }
    assert all(c.operations == ("make", "put") for c in changes)
    assert {c.new for c in changes} == {"/components/schemas/Asked/maxLength"}


def test_recursive_schemas_end() -> None:
    tree = {"type": "object", "properties": {"name": {"type": "string"}, "of": {"$ref": "#/components/schemas/Asked"}}}
    old = kinds.document(tree, {"type": "array", "items": {"$ref": "#/components/schemas/Given"}}, shared=True)
    narrowed = copy.deepcopy(tree)
    narrowed["properties"]["name"]["maxLength"] = 3
    new = kinds.document(narrowed, {"type": "array", "items": {"$ref": "#/components/schemas/Given"}}, shared=True)
    assert levels(old, new) == {Level.BREAKING}
    assert levels(old, old) == set()


def test_read_only_members_do_not_count_in_requests() -> None:
    old = {"type": "object", "properties": {"id": {"type": "string", "readOnly": True}}}
    new = {"type": "object", "properties": {"id": {"type": "integer", "readOnly": True}}}
    assert Level.BREAKING not in levels(kinds.document(old, {}), kinds.document(new, {}), Side.REQUEST)
    assert Level.BREAKING in levels(kinds.document({}, old), kinds.document({}, new), Side.RESPONSE)


def test_interfaces_of_different_kind_are_not_compared() -> None:
    api = specs.read(kinds.document({}, {}), "a.yaml")
    contract = specs.read(b'{"type": "object", "properties": {"a": {"type": "string"}}}', "b.json")
    with pytest.raises(ValueError, match="of kind"):
        diff(api, contract)


def test_enough_kinds_are_tried() -> None:
    count = len(SCHEMAS) + len(kinds.PARAMETERS) + len(kinds.API_BREAKING) + len(kinds.API_COMPATIBLE)
    assert count >= 300


def test_every_check_says_what_it_is() -> None:
    for check in CHECKS.values():
        assert check.what
        assert check.request or check.response
