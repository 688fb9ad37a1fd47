"""`tongban conform flow` as typed: exit codes, one line of error, JSON on stdout."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from conformance.cli import app
from tests.unit.conformance.arazzo_service import serving, written

FLOW = """
  - workflowId: w
    inputs: {type: object, required: [n], properties: {n: {type: integer}, code: {type: string}, o: {type: object}}}
    steps:
      - stepId: a
        operationId: search
        parameters: [{name: n, in: query, value: $inputs.n}, {name: code, in: query, value: $inputs.code}]
        successCriteria: [{condition: $response.body#/n == $inputs.n}]
    outputs: {n: $inputs.n, code: $inputs.code}
"""


def typed(*words: str) -> Any:
    return CliRunner().invoke(app, ["flow", *words])


def test_it_runs_and_tells(tmp_path: Path) -> None:
    path = str(written(tmp_path, FLOW))
    (tmp_path / "in.json").write_text('{"n": 7, "code": "x"}', encoding="utf-8")
    with serving() as service:
        service.answers["GET /search"] = [(200, {"n": 7})]
        shop = f"--server=shop={service.url}"
        found = typed(path, shop, f"--input=@{tmp_path / 'in.json'}", "--input=code=007", "--json")
        assert found.exit_code == 0, found.output
        report = json.loads(found.stdout)
        assert report["workflows"][0]["outputs"] == {"n": 7, "code": "007"}
        assert service.paths == ["GET /search?n=7&code=007"]
        service.answers["GET /search"] = [(200, {"n": 8})]
        failed = typed(path, shop, "--input=n=7", "--header=X-Api-Key: open sesame")
        assert failed.exit_code == 1
        assert "✗ $response.body#/n == $inputs.n" in failed.output
        assert "$response.body#/n → 8" in failed.output
        assert "curl -sS -X GET" in failed.output
        assert "sesame" not in failed.output
        assert service.asked[-1]["headers"]["x-api-key"] == "open sesame"
        ready = typed(path, shop, "--check")
        assert (ready.exit_code, ready.stdout) == (0, "ready to run: w\n")


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["--input=n=7", "--input=m=1"], 2, "no workflow has an input 'm'"),
        (["--input=n=x"], 2, "n: 'x' is no JSON, and the input is integer"),
        (["--input=@nowhere.json"], 2, "nowhere.json: No such file"),
        (["--input=n"], 2, "'n' is neither NAME=VALUE nor @FILE"),
        (["--input=code=x"], 2, '"n" is a required property'),
        (["--server=shop"], 2, "'shop' is not --server NAME=URL"),
        (["--server=shop=ftp://x"], 2, "no http(s) address"),
        (["--server=other=http://127.0.0.1:9"], 2, "the document has no source 'other'; there are shop"),
        (["--workflow=v"], 2, "there is no workflow 'v'; there are w"),
        (["--header=Host: x"], 2, "no header that can be set"),
        (["--input=n=7"], 4, "127.0.0.1:9 cannot be reached"),
    ],
)
def test_wrong_words_are_one_line(tmp_path: Path, words: list[str], code: int, told: str) -> None:
    server = [] if any(word.startswith("--server") for word in words) else ["--server=shop=http://127.0.0.1:9"]
    found = typed(str(written(tmp_path, FLOW)), *server, *words)
    assert found.exit_code == code, found.output
    assert told in found.stderr
    assert "Traceback" not in found.output


def test_documents_that_cannot_be_used(tmp_path: Path) -> None:
    refused = typed(str(written(tmp_path, FLOW.replace("operationId: search", "operationId: serch"))))
    assert refused.exit_code == 3
    assert "flow.arazzo.yaml:" in refused.stderr
    assert "/workflows/0/steps/0" in refused.stderr
    for name, text in (
        ("a.yaml", ""),
        ("b.yaml", "openapi: 3.1.0\ninfo: {title: t, version: '1'}\npaths: {}\n"),
        ("c.yaml", "["),
    ):
        (tmp_path / name).write_text(text, encoding="utf-8")
        found = typed(str(tmp_path / name))
        assert (found.exit_code, "Traceback" in found.output) == (3, False), name
    assert typed(str(tmp_path / "none.yaml")).exit_code == 3
