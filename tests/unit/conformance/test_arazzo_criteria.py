"""Arazzo's criteria: every evaluation rule as a row, and what a hostile document or answer may try."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from conformance.arazzo.conditions import ConditionSyntax, read
from conformance.arazzo.criteria import judge
from conformance.arazzo.expressions import ExpressionSyntax, embedded, parse
from conformance.arazzo.frame import Exchange, Frame, Past
from conformance.arazzo.selectors import SelectorError, matches, nodes, select
from conformance.arazzo.values import Missing, TextBody
from specs.process import Criterion

TABLE = yaml.safe_load((Path(__file__).parents[2] / "data" / "arazzo" / "conditions.yaml").read_text("utf-8"))


def frame(**more: Any) -> Frame:
    answer = TABLE["answer"]
    exchange = Exchange(
        "http://h/p?q=1",
        "POST",
        {"id": 7},
        {"q": 1},
        {"x-sent": "yes"},
        {"a": [1]},
        answer["status"],
        answer["headers"],
        more.pop("body", answer["body"]),
    )
    return Frame(TABLE["inputs"], exchange=exchange, **more)


@pytest.mark.parametrize("row", TABLE["rows"], ids=lambda row: f"{row.get('type', 'simple')}: {row['condition']}")
def test_a_rule_of_evaluation(row: dict[str, Any]) -> None:
    criterion = Criterion(
        row["condition"], row.get("type", "simple"), row.get("context"), exact=row.get("exact", False)
    )
    found = judge(criterion, frame())
    assert found.passed is row["passes"], (row["rule"], found)


def test_a_failure_shows_each_expression_with_its_value() -> None:
    found = judge(Criterion("$response.body#/count == 6 && $response.body#/x == 1 || $inputs.list[0] == 2"), frame())
    assert not found.passed
    assert [(one.expression, one.value) for one in found.seen] == [("$response.body#/count", 5), ("$inputs.list[0]", 1)]
    missing = judge(Criterion("$response.body#/items/5/id == 1"), frame()).seen[0]
    assert (missing.value, missing.missing) == (None, "there is no 5 at /items")
    assert judge(Criterion("$statusCode == 2 x"), frame()).problem == "it cannot be read: 'x' at character 18"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("$url", "http://h/p?q=1"),
        ("$method", "POST"),
        ("$request.path.id", 7),
        ("$request.query.q", 1),
        ("$request.header.X-Sent", "yes"),
        ("$request.body#/a/0", 1),
        ("$self", "urn:me"),
        ("$outputs.o", 1),
        ("$steps.s.outputs.a.b", 2),
        ("$steps.s.outputs.c.d#/e", 3),
        ("$workflows.w.inputs.i", 4),
        ("$workflows.w.outputs.o#/x", 5),
        ("$sourceDescriptions.api.url", "./a.yaml"),
        ("$sourceDescriptions.api.type", "type"),
        ("$components.parameters.page", 9),
    ],
)
def test_every_form_of_expression_has_its_value(text: str, value: object) -> None:
    at = frame(
        self_uri="urn:me",
        outputs={"o": 1},
        steps={"s": {"a.b": 2, "c": {"d": {"e": 3}}}},
        workflows={"w": Past({"i": 4}, {"o": {"x": 5}})},
        sources={"api": {"url": "./a.yaml", "type": "openapi", "operations": {"type"}}},
        components={"parameters": {"page": {"name": "page", "value": 9}}},
    )
    found = at.see(parse(text))
    assert (found.value, found.missing) == (value, "")


@pytest.mark.parametrize(
    "text",
    [
        "$response.bdy",
        "$steps.a.b",
        "$inputs.",
        "$response.body#x",
        "$response.header.a b",
        "$statusCode.x",
        "$workflows.w.x.y",
    ],
)
def test_what_is_no_expression_is_said(text: str) -> None:
    with pytest.raises(ExpressionSyntax, match="is no runtime expression"):
        parse(text)


def test_braces_that_hold_no_expression_are_text() -> None:
    parts = embedded('{"a": {"b": "{$inputs.x}"}, "c": "{$other}"}')
    assert [part if isinstance(part, str) else part.text for part in parts] == [
        '{"a": {"b": "',
        "$inputs.x",
        '"}, "c": "{$other}"}',
    ]


def test_data_cannot_change_a_query_or_a_pattern() -> None:
    outside = judge(Criterion("$.items[?@.id == {$response.body#/hostile}]", "jsonpath", "$response.body"), frame())
    assert (outside.passed, "would change the query" in outside.problem) == (False, True)
    inside = judge(Criterion("$.items[?@.name == '{$response.body#/text}']", "jsonpath", "$response.body"), frame())
    assert inside.meant == "$.items[?@.name == 'it\\'s']"
    own = Criterion("^{$inputs.pattern}$", "regex", "$inputs.name")
    assert judge(own, frame()).meant == "^ab.*$"
    assert judge(own, frame(given=False)).meant == "^ab\\.\\*$"


def test_patterns_and_queries_come_to_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conformance.arazzo.selectors.SECONDS", 0.2)
    started = time.process_time()
    assert not matches(r"^(a+)+$", "a" * 5_000 + "b")
    assert not matches(r"^(?=a)(a+)+\1$", "a" * 3_000 + "b")
    assert nodes("$[?search(@, '(a|aa)+$')]", ["a" * 200 + "b"]) == []
    assert time.process_time() - started < 2
    with pytest.raises(SelectorError, match="longer than"):
        nodes("$..*..*..*..*", _deep(60))
    for bad in ("$[" * 3_000, "$" + "[?(" * 500, "x" * 20_000):
        with pytest.raises(SelectorError):
            nodes(bad, {})
    with pytest.raises(ConditionSyntax, match="deeper"):
        read("(" * 60 + "true" + ")" * 60)
    with pytest.raises(ConditionSyntax, match="characters"):
        read("true" * 5_000)


def _deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def test_text_has_no_inside() -> None:
    at = frame(body=TextBody("<a>1</a>"))
    assert judge(Criterion("<a>", "regex", "$response.body"), at).passed
    assert judge(Criterion("$", "jsonpath", "$response.body"), at).problem == "JSONPath needs JSON; the context is text"
    assert judge(Criterion("$response.body#/a == null"), at).seen[0].missing == "the body is no JSON"


def test_selectors_give_one_value_or_all() -> None:
    body = TABLE["answer"]["body"]
    assert select("jsonpath", "$.items[1].name", body) == "second"
    assert select("jsonpath", "$.items[*].id", body) == [1, 2]
    assert select("jsonpath", "$.none[*]", body) == []
    assert select("jsonpointer", "/items/0/tags", body) == ["a", "b"]
    with pytest.raises(Missing, match="selects nothing"):
        select("jsonpath", "$.none", body)
    with pytest.raises(SelectorError, match="is no JSON Pointer"):
        select("jsonpointer", "items", body)
