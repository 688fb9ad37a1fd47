"""tongban spec: output and exit codes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from specs import library
from specs.cli import app
from specs.rules import rules

DATA = Path(__file__).parents[2] / "data"
LIBRARY = Path(str(library.__file__)).parent
CITIZENS = str(DATA / "citizens.openapi.yaml")
EPA = str(DATA / "openapi" / "us-epa-echo.json")


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.stdout, result.stderr


@pytest.mark.parametrize("path", sorted((DATA / "openapi").glob("*.json")), ids=lambda path: path.stem)
def test_show_describes_each_real_document(path: Path) -> None:
    code, out, _ = run("show", str(path))
    assert code == 0
    code, text, _ = run("show", "--json", str(path))
    shown = json.loads(text)
    assert code == 0
    assert shown["title"]["en"].split()[0] in out
    assert shown["operations"]
    assert f"{len(shown['operations'])} operations" in out
    assert all(operation["path"][:12] in out for operation in shown["operations"])
    assert shown["digest"] in out


def test_show_names_elements_and_sensitivity(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(
        "openapi: 3.1.0\ninfo: {title: 核验, version: '2.1'}\npaths:\n  /a:\n    post:\n      operationId: check\n"
        "      requestBody: {content: {application/json: {schema: {type: object, required: [N], properties: {N: "
        "{type: string, title: 号码, x-en: {title: Number}, x-element: GMSFHM, x-sensitivity: general-3}}}}}}\n"
        "      responses: {'200': {description: d}}\n",
        encoding="utf-8",
    )
    code, out, _ = run("show", str(path))
    assert code == 0
    for word in ("核验", "2.1", "POST /a", "check", "N *", "GMSFHM", "general-3", "号码 / Number", "OpenAPI 3.1.0"):
        assert word in out


def test_lint_exit_codes(tmp_path: Path) -> None:
    assert run("lint", EPA)[0] == 1
    assert run("lint", EPA, "--fail-on", "never")[0] == 0
    assert run("lint", CITIZENS)[0] == 0
    assert run("lint", CITIZENS, "--ruleset", "government")[0] == 1
    assert run("lint", str(DATA / "openapi" / "uk-gov-pay.json"))[0] == 0
    assert run("lint", str(DATA / "openapi" / "uk-gov-pay.json"), "--fail-on", "warning")[0] == 1
    code, out, _ = run("lint", str(tmp_path / "none.yaml"))
    assert code == 3
    assert "no such file" in out
    assert run("show", str(tmp_path / "none.yaml"))[0] == 3
    assert run("lint")[0] == 2
    assert run("lint", CITIZENS, "--nonsense")[0] == 2
    assert run("rules", "no-such-rule")[0] == 2


def test_lint_tells_file_line_pointer_and_rule() -> None:
    _, out, err = run("lint", CITIZENS)
    line = next(line for line in out.splitlines() if "identity-number-in-path-or-query" in line)
    assert line.startswith(f"{CITIZENS}:24:11 warning identity-number-in-path-or-query /paths/~1citizens~1{{id}}/get/")
    assert "1 document(s)" in err
    found = json.loads(run("lint", "--format", "json", CITIZENS, EPA)[1])
    assert {item["file"] for item in found} == {CITIZENS, EPA}
    assert set(found[0]) == {"rule", "severity", "message", "file", "pointer", "line", "column", "hint"}


def test_an_unresolved_reference_is_an_error_at_its_line(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(
        "openapi: 3.1.0\ninfo: {title: t, version: '1'}\npaths:\n  /a:\n    get:\n      responses:\n"
        "        '200':\n          $ref: '#/components/responses/Nobody'\n"
    )
    code, out, _ = run("lint", str(path))
    assert code == 1
    assert f"{path}:8:11 error unresolved-ref /paths/~1a/get/responses/200/$ref" in out


def test_rules_are_listed_and_explained() -> None:
    code, out, _ = run("rules")
    assert code == 0
    assert len(out.splitlines()) == len(rules())
    assert "bad:" in run("rules", "unresolved-ref")[1]
    assert len(json.loads(run("rules", "--json")[1])) == len(rules())


@pytest.mark.parametrize("command", ["show", "lint", "rules", "bind"])
def test_every_command_has_help_with_an_example(command: str) -> None:
    code, out, _ = run(command, "--help")
    assert code == 0
    assert "Example: tongban spec" in out


def test_reading_needs_no_heavy_library() -> None:
    program = (
        "import sys, specs; specs.read(__import__('pathlib').Path(sys.argv[1]));"
        "print([m for m in ('yaml', 'rich', 'typer', 'numpy', 'pyarrow', 'mockdata') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program, EPA], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_diff_tells_what_breaks_and_which_number_it_needs(tmp_path: Path) -> None:
    before = LIBRARY / "police" / "residents" / "openapi.yaml"
    old = before.read_text()
    new = tmp_path / "new.yaml"
    new.write_text(old.replace("maxLength: 40", "maxLength: 20").replace("version: 1.0.0", "version: 1.1.0"))
    code, out, err = run("diff", str(before), str(new))
    assert code == 1
    assert "breaking length-narrowed" in out
    assert "needs a major step" in err
    assert "2.0.0 is the least" in err
    told = json.loads(run("diff", str(before), str(new), "--json", "--quiet")[1])
    assert told["needed"] == "major"
    assert {change["level"] for change in told["changes"]} == {"breaking"}
    assert "::error file=" in run("diff", str(before), str(new), "--format", "github")[1]
    assert run("diff", str(before), str(new), "--format", "markdown")[1].startswith("| level |")
    assert run("diff", str(before), str(new), "--fail-on", "never")[0] == 0
    assert run("diff", str(before), str(before))[0] == 0


def test_diff_of_what_cannot_be_compared_is_one_line(tmp_path: Path) -> None:
    api = LIBRARY / "police" / "residents" / "openapi.yaml"
    code, _, err = run("diff", str(api), str(LIBRARY / "police" / "resident-register" / "odcs.yaml"))
    assert code == 3
    assert "of kind api" in err
    assert run("diff", str(api), str(tmp_path / "none.yaml"))[0] == 3


PERSON = (
    "openapi: 3.1.0\ninfo: {title: 登记, version: '1'}\npaths: {}\n"
    "components:\n  schemas:\n    Person:\n      type: object\n"
    "      properties:\n        sfzh:  # 号码\n          type: string\n          title: 身份证号\n"
    "        xm: {type: string, title: 项目}\n        mc: {type: string, title: 名称}\n"
)
NUMBER = "/components/schemas/Person/properties/sfzh"
PROJECT = "/components/schemas/Person/properties/xm"


def test_bind_shows_elements_confidence_and_reason(tmp_path: Path) -> None:
    path = tmp_path / "person.yaml"
    path.write_text(PERSON, encoding="utf-8")
    code, out, err = run("bind", str(path))
    assert code == 0
    assert "GMSFHM" in out
    assert "title" in out
    assert "3 field(s)" in err
    code, out, _ = run("bind", "--json", str(path))
    shown = {one["field"]: one for one in json.loads(out)}
    assert (shown["sfzh"]["element"], shown["sfzh"]["state"], shown["sfzh"]["pointer"]) == (
        "GMSFHM",
        "inferred",
        NUMBER,
    )
    assert shown["xm"]["state"] in ("none", "undecided")
    assert path.read_text(encoding="utf-8") == PERSON
    code, out, _ = run("bind", "--json", "--min-confidence", "1", str(path))
    assert {one["field"]: one["state"] for one in json.loads(out)}["sfzh"] == "undecided"
    code, out, _ = run("show", "--json", str(path))
    code, out, _ = run("show", "--json", str(DATA / "openapi" / "uk-dvla-vehicle-enquiry.json"))
    fields = json.loads(out)["operations"][0]["body"]["contents"][0]["fields"]
    assert fields[0]["binding"]["element"] == "HPHM"
    assert fields[0]["element"] is None


def test_bind_writes_what_the_author_says(tmp_path: Path) -> None:
    path, copy = tmp_path / "person.yaml", tmp_path / "copy.yaml"
    path.write_text(PERSON, encoding="utf-8")
    path.chmod(0o640)
    assert run("bind", str(path), "--write", "--output", str(copy))[0] == 0
    assert path.read_text(encoding="utf-8") == PERSON
    line = "          x-element: GMSFHM\n"
    assert copy.read_text(encoding="utf-8").replace(line, "", 1) == PERSON
    assert run("bind", str(path), "--confirm", f"{PROJECT}=mq_xm", "--deny", NUMBER)[0] == 0
    shown = {one["field"]: one for one in json.loads(run("bind", "--json", str(path))[1])}
    assert (shown["xm"]["element"], shown["xm"]["confidence"], shown["xm"]["state"]) == ("MQ_XM", 1.0, "declared")
    assert shown["sfzh"]["state"] == "denied"
    assert path.stat().st_mode & 0o777 == 0o640
    assert sorted(one.name for one in tmp_path.iterdir()) == ["copy.yaml", "person.yaml"]
    assert "unknown-element" not in run("lint", str(path))[1]


@pytest.mark.parametrize(
    ("said", "code", "told"),
    [
        (["--confirm", f"{NUMBER}=NOSUCHTHING"], 2, "near"),
        (["--confirm", NUMBER], 2, "POINTER=ELEMENT"),
        (["--deny", "/components/schemas/Person/properties/nobody"], 2, "no field"),
        (["--write", "--output", "/proc/nobody/x.yaml"], 4, "cannot be written"),
        (["--min-confidence", "7"], 2, "min-confidence"),
    ],
)
def test_bind_refuses_and_changes_nothing(tmp_path: Path, said: list[str], code: int, told: str) -> None:
    path = tmp_path / "person.yaml"
    path.write_text(PERSON, encoding="utf-8")
    found, _, err = run("bind", str(path), *said)
    assert found == code
    assert told in err
    assert path.read_text(encoding="utf-8") == PERSON
    assert [one.name for one in tmp_path.iterdir()] == ["person.yaml"]


def test_bind_says_why_a_document_cannot_be_read(tmp_path: Path) -> None:
    assert run("bind", str(tmp_path / "none.yaml"))[0] == 3
    (tmp_path / "x.yaml").write_text("just: text\n")
    assert run("bind", str(tmp_path / "x.yaml"), "--write")[0] == 3


def test_a_folder_above_can_be_opened_to_references(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "part.yaml").write_text("type: string\n")
    document = tmp_path / "a" / "spec.yaml"
    document.write_text(
        "openapi: 3.1.0\ninfo: {title: t, version: '1'}\npaths: {}\ncomponents: {schemas: {A: {$ref: ../part.yaml}}}\n"
    )
    code, out, _ = run("lint", str(document))
    assert (code, "outside-ref" in out) == (1, True)
    assert run("lint", "--root", str(tmp_path), str(document))[0] == 0
    assert "finding" not in run("show", "--root", str(tmp_path), str(document))[2]


def test_names_that_are_no_text_and_keys_that_are_no_words_are_told_harmlessly(tmp_path: Path) -> None:
    document = tmp_path / os.fsdecode(b"\xff.yaml")
    document.write_text('openapi: 3.1.0\ninfo: {title: t, version: "1"}\npaths: {"/\\e[2J": {get: {}}}\n')
    for format in ("text", "json", "sarif", "github"):
        code, out, told = run("lint", "--fail-on", "never", "--format", format, str(document))
        assert code == 0
        assert "\x1b" not in out + told
        assert "missing-operation-id" in out
    code, out, told = run("show", str(document))
    assert code == 0
    assert "\x1b" not in out + told
