"""Changes of one thing in whole documents: APIs, contracts and processes."""

from __future__ import annotations

import json
from typing import Any

import pytest

import specs
from specs.diff import Level, diff
from tests.unit.specs import diff_documents as documents

OLD = {
    "api": documents.document("api.yaml"),
    "old api": documents.old_api(),
    "contract": documents.document("contract.yaml"),
    "process": documents.document("process.yaml"),
}
KNOWN = {name: specs.read(json.dumps(old).encode(), "x.json") for name, old in OLD.items()}
CASES = [
    (kind, *case)
    for kind, cases in (
        ("api", documents.API),
        ("old api", documents.OLD_API),
        ("contract", documents.CONTRACT),
        ("process", documents.PROCESS),
    )
    for case in cases
]


@pytest.mark.parametrize(("kind", "name", "change", "judgement"), CASES, ids=[f"{c[0]}: {c[1]}" for c in CASES])
def test_a_change_of_a_document_is_judged(kind: str, name: str, change: Any, judgement: str) -> None:
    new = json.loads(json.dumps(OLD[kind]))
    change(new)
    assert new != OLD[kind]
    found = diff(KNOWN[kind], specs.read(json.dumps(new).encode(), "x.json"))
    levels = {one.level for one in found}
    assert (Level.BREAKING in levels) is (judgement == "B"), found
    if judgement == "C":
        assert Level.UNKNOWN not in levels, found


def test_each_document_is_read_without_findings() -> None:
    told = {name: [finding.message for finding in known.findings] for name, known in KNOWN.items()}
    assert told.pop("old api") == ["nullable has no effect without type beside it"]
    assert told == {"api": [], "contract": [], "process": []}


def test_a_process_without_names_of_steps_to_wait_for_is_followed_in_its_order() -> None:
    old = documents.document("process.yaml")
    old["arazzo"] = "1.0.1"
    for step in old["workflows"][0]["steps"]:
        step.pop("dependsOn", None)
    new = json.loads(json.dumps(old))
    new["workflows"][0]["steps"].reverse()
    before, after = (specs.read(json.dumps(one).encode(), "x.json") for one in (old, new))
    assert Level.BREAKING in {change.level for change in diff(before, after)}
