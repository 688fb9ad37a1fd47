"""Documents made to make a comparison wander, and the largest that are real."""

from __future__ import annotations

import copy
import itertools
import json
import random
import time
from pathlib import Path
from typing import Any

import pytest

import specs
from specs.diff import Change, Level, diff

OPENAPI = sorted((Path(__file__).parents[2] / "data" / "openapi").glob("*.json"))


def api(root: Any, schemas: dict[str, Any] | None = None) -> bytes:
    content = {"application/json": {"schema": root}}
    answers = {"200": {"description": "d", "content": content}}
    paths = {"/x": {"post": {"operationId": "x", "requestBody": {"content": content}, "responses": answers}}}
    head = {"openapi": "3.1.0", "info": {"title": "t", "version": "1"}}
    return json.dumps({**head, "paths": paths, "components": {"schemas": schemas or {}}}).encode()


def compared(old: bytes, new: bytes, seconds: float = 5) -> tuple[Change, ...]:
    before, after = specs.read(old, "a.json"), specs.read(new, "b.json")
    start = time.process_time()
    found = diff(before, after)
    assert time.process_time() - start < seconds
    return found


def ref(name: Any) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def chain(link: Any, end: Any) -> bytes:
    schemas = {f"N{number}": link(ref(f"N{number + 1}")) for number in range(3000)}
    return api(ref("N0"), {**schemas, "N3000": end})


@pytest.mark.parametrize(
    "link", [lambda one: one, lambda one: {"type": "object", "properties": {"a": one}}], ids=["references", "members"]
)
def test_the_end_of_a_long_chain_is_compared(link: Any) -> None:
    found = compared(chain(link, {"type": "string"}), chain(link, {"type": "integer"}))
    assert {change.check for change in found} == {"type-changed"}


@pytest.mark.parametrize("word", ["allOf", "oneOf", "anyOf"])
def test_what_reading_cut_short_is_said_not_to_be_compared(word: str) -> None:
    def link(one: Any) -> Any:
        return {word: [one, {"title": "t"}]}

    found = compared(chain(link, {"type": "string"}), chain(link, {"type": "integer"}))
    assert "not-compared" in {change.check for change in found if change.level is Level.UNKNOWN}


@pytest.mark.parametrize("word", ["allOf", "oneOf", "anyOf", "prefixItems"])
def test_a_web_of_schemas_that_hold_each_other_ends(word: str) -> None:
    def web(seed: int) -> bytes:
        draw = random.Random(seed)
        names = [ref(f"N{number}") for number in range(25)]
        made = {
            f"N{number}": {
                word: [*draw.choices(names, k=3), {"type": "object", "properties": {"p": draw.choice(names)}}]
            }
            for number in range(25)
        }
        return api(ref("N0"), made)

    compared(web(1), web(2))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"allOf": [ref("A")]}, {"allOf": [ref("A"), {"type": "object"}]}),
        ({"not": ref("A")}, {"not": {"not": ref("A")}}),
        ({"if": ref("A"), "then": ref("A")}, {"if": {"not": ref("A")}, "then": ref("A")}),
        ({"type": "array", "contains": ref("A"), "maxContains": 2}, {"type": "array", "contains": {"not": ref("A")}}),
        (ref("A"), {"anyOf": [ref("A"), {"type": "string"}]}),
        ({"propertyNames": ref("A"), "additionalProperties": ref("A")}, {"additionalProperties": {"items": ref("A")}}),
    ],
)
def test_a_schema_that_consists_of_itself_ends(old: Any, new: Any) -> None:
    compared(api(ref("A"), {"A": old}), api(ref("A"), {"A": new}))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("^(a|aa)+$", "^(a+)+b?(a{1,500}){1,500}$"),
        ("^([a-z]|[b-y]|.){0,500}x[a-z]{30}$", "^(.*a.{12}|(.*b.{12})){1,9}$"),
        ("^(a*)*(?=b)$", "^((a|b?)*)*c(?!d)$"),
    ],
)
def test_patterns_that_wander_end(old: str, new: str) -> None:
    compared(api({"type": "string", "pattern": old}), api({"type": "string", "pattern": new}))


def test_many_alternatives_and_many_values() -> None:
    def alternatives(more: int) -> bytes:
        members = ({"p": {"maxLength": n + more}, f"p{n}": {"type": "string", "maxLength": n}} for n in range(200))
        return api({"oneOf": [{"type": "object", "properties": one} for one in members]})

    found = compared(alternatives(0), alternatives(1))
    assert Level.BREAKING in {change.level for change in found}
    found = compared(api({"enum": [f"v{n}" for n in range(20_000)]}), api({"enum": [f"v{n}" for n in range(20_001)]}))
    assert {change.check for change in found} == {"enum-widened"}


def _posed(document: dict[str, Any]) -> bytes:
    """The document with its operations under plain paths, so that those of another one meet them."""
    every = [one for item in document["paths"].values() for way, one in item.items() if way in ("get", "put", "post")]
    return json.dumps({**document, "paths": {f"/o{n}": {"post": one} for n, one in enumerate(every)}}).encode()


def test_different_real_documents_are_compared_operation_by_operation() -> None:
    real = [json.loads(path.read_text()) for path in OPENAPI]
    known = [specs.read(_posed(one), "x.json") for one in real if "openapi" in one]
    for old, new in itertools.permutations(known, 2):
        start = time.process_time()
        assert Level.BREAKING in {change.level for change in diff(old, new)}
        assert time.process_time() - start < 2


def _shaken(value: Any, draw: random.Random) -> Any:
    if isinstance(value, list):
        return [_shaken(one, draw) for one in value]
    if not isinstance(value, dict):
        return value
    made = {key: _shaken(one, draw) for key, one in value.items()}
    if made.get("type") == "string" and draw.random() < 0.2:
        made["type"] = "integer"
    if isinstance(made.get("enum"), list) and draw.random() < 0.5:
        made["enum"] = [*made["enum"], "zz"]
    return made


def test_the_largest_real_document_is_compared_with_a_changed_self() -> None:
    path = max(OPENAPI, key=lambda one: one.stat().st_size)
    old = json.loads(path.read_text())
    new = _shaken(copy.deepcopy(old), random.Random(1))
    found = compared(path.read_bytes(), json.dumps(new).encode(), seconds=3)
    assert sum(change.level is Level.BREAKING for change in found) > 50
