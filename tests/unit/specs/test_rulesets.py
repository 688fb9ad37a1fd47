"""Rule sets, baselines and the forms findings are printed in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sarif_pydantic import Sarif
from typer.testing import CliRunner

from specs.baseline import Baseline, baseline, fingerprint
from specs.cli import app
from specs.finding import Finding, Severity, SpecError
from specs.lint import lint_document
from specs.rulesets import RuleSet, load, shipped
from specs.sarif import annotation, sarif

DATA = Path(__file__).parents[2] / "data"
SPEC = b"""openapi: 3.1.0
info: {title: t, version: '1', description: d}
paths:
  /old: {get: {summary: s, responses: {'200': {description: d}, '404': {description: d}}}}
  /new: {get: {summary: s, responses: {'200': {description: d}, '404': {description: d}}}}
"""


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.stdout, result.stderr


def written(folder: Path, text: str, name: str = "rules.yaml") -> Path:
    (folder / name).write_text(text)
    return folder / name


def test_every_shipped_set_loads_and_says_what_it_is_for() -> None:
    assert set(shipped()) == {"foreign", "government", "recommended", "registration", "strict"}
    for name in shipped():
        assert load(name).name == name
        assert load(name).description


def test_a_set_moves_severities_and_switches_rules_off(tmp_path: Path) -> None:
    path = written(tmp_path, "extends: strict\nrules: {missing-operation-id: off, missing-interface-id: error}\n")
    found = {f.rule: f.severity for f in lint_document(SPEC, "a.yaml", load(path))}
    assert "missing-operation-id" not in found
    assert found["missing-interface-id"] is Severity.ERROR
    plain = {f.rule: f.severity for f in lint_document(SPEC, "a.yaml")}
    assert plain["missing-operation-id"] is Severity.WARNING
    assert load("strict").severity("missing-operation-id") is Severity.ERROR


def test_an_optional_rule_is_silent_until_it_is_asked_for() -> None:
    assert "missing-catalogue-entry" not in {f.rule for f in lint_document(SPEC, "a.yaml")}
    assert "missing-catalogue-entry" in {f.rule for f in lint_document(SPEC, "a.yaml", load("government"))}


def test_sets_extend_sets_and_exceptions_name_places_and_reasons(tmp_path: Path) -> None:
    written(tmp_path, "rules: {missing-interface-id: off}\n", "base.yaml")
    path = written(
        tmp_path,
        "extends: base.yaml\nexceptions:\n"
        "  - {rule: missing-operation-id, pointer: '/paths/~1old/*', reason: replaced in spring}\n",
    )
    found = lint_document(SPEC, "a.yaml", load(path))
    assert [f.pointer for f in found if f.rule == "missing-operation-id"] == ["/paths/~1new/get"]
    assert "missing-interface-id" not in {f.rule for f in found}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rules: {missing-pagin: off}", "near: missing-paging"),
        ("rules: {missing-paging: loud}", "'loud' is no level"),
        ("exceptions: [{rule: missing-paging}]", "an exception needs a reason"),
        ("exceptions: [{reason: because}]", "names its rules"),
        ("extends: nowhere.yaml", "nowhere.yaml"),
        ("extends: rules.yaml", "in a circle"),
        ("rule: {}", "unknown key 'rule'"),
        ("[]", "is a mapping"),
    ],
)
def test_a_wrong_set_is_refused_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SpecError) as caught:
        load(written(tmp_path, text))
    assert said in str(caught.value)


def test_an_unknown_name_is_told_the_near_one() -> None:
    code, _, err = run("lint", "--ruleset", "goverment", str(DATA / "citizens.openapi.yaml"))
    assert code == 2
    assert "did you mean government?" in err


def test_a_baseline_silences_what_is_known_and_tells_what_is_gone(tmp_path: Path) -> None:
    spec, known = tmp_path / "a.yaml", tmp_path / "known.json"
    spec.write_bytes(SPEC)
    assert run("lint", str(spec), "--baseline", str(known), "--write-baseline")[0] == 0
    code, out, err = run("lint", str(spec), "--baseline", str(known), "--fail-on", "warning")
    assert (code, out) == (0, "")
    assert "known" in err
    spec.write_bytes(b"# moved down\n" + SPEC.replace(b"/old:", b"/older:"))
    code, out, err = run("lint", str(spec), "--baseline", str(known), "--fail-on", "warning")
    assert code == 1
    assert "/paths/~1older/get" in out
    assert "/paths/~1new/get" not in out
    assert "no longer found" in err
    assert "~1old" in err


def test_the_same_finding_twice_needs_two_entries() -> None:
    one = Finding("missing-paging", Severity.WARNING, "12 things", "a.yaml", "/x", 1, 1)
    other = Finding("missing-paging", Severity.WARNING, "13 things", "b/a.yaml", "/x", 9, 9)
    assert fingerprint(one) == fingerprint(other)
    compared = baseline([one]).compare([one, other])
    assert (len(compared.fresh), compared.known, compared.stale) == (1, 1, ())
    assert Baseline().compare([one]).fresh == (one,)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"findings": [{"what": 1}]}'])
def test_what_is_no_baseline_is_refused(tmp_path: Path, text: str) -> None:
    code, _, err = run(
        "lint", str(DATA / "citizens.openapi.yaml"), "--baseline", str(written(tmp_path, text, "b.json"))
    )
    assert code == 2
    assert "no baseline" in err
    assert run("lint", str(DATA / "citizens.openapi.yaml"), "--write-baseline")[0] == 2


def test_sarif_is_understood_by_another_reader() -> None:
    for path in sorted((DATA / "openapi").glob("*.json"))[:4]:
        findings = lint_document(path)
        log = Sarif.model_validate(sarif(findings, "0.1.0"))
        (run,) = log.runs
        assert run.tool.driver.name == "tongban spec lint"
        assert [result.rule_id for result in run.results or []] == [finding.rule for finding in findings]
        ids = [rule.id for rule in run.tool.driver.rules or []]
        for result, finding in zip(run.results or [], findings, strict=True):
            assert ids[result.rule_index] == finding.rule
            place = result.locations[0].physical_location
            assert place.region.start_line == finding.line
            assert result.message.text.startswith(finding.message)


def test_annotations_are_escaped() -> None:
    finding = Finding("a-rule", Severity.ERROR, "50 % of\nlines", "a,b:c.yaml", "/x", 3, 4, "do it")
    assert annotation(finding) == "::error file=a%2Cb%3Ac.yaml,line=3,col=4,title=a-rule::/x 50 %25 of%0Alines — do it"


def test_findings_are_written_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "out.sarif"
    spec = str(DATA / "citizens.openapi.yaml")
    code, out, _ = run("lint", spec, "--format", "sarif", "--output", str(target), "--fail-on", "never")
    assert (code, out) == (0, "")
    assert json.loads(target.read_text())["version"] == "2.1.0"
    assert [path.name for path in tmp_path.iterdir()] == ["out.sarif"]
    code, _, err = run("lint", str(DATA / "citizens.openapi.yaml"), "--output", str(tmp_path / "no" / "out.txt"))
    assert code == 4
    assert "cannot be written" in err


def test_a_set_keeps_what_it_does_not_name() -> None:
    assert RuleSet("x").severity("unresolved-ref") is Severity.ERROR
    with pytest.raises(KeyError):
        RuleSet("x").severity("no-such-rule")
