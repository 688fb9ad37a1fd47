"""tongban spec import and export: what they write, exit codes, and nothing half-written."""

import io
import json
from pathlib import Path

import openpyxl
import pytest
from typer.testing import CliRunner

import specs
from specs.cli import app
from specs.entry import entry

LIBRARY = Path(specs.__file__).parent / "library"
SERVICE = str(LIBRARY / "civil-affairs" / "marriages" / "openapi.yaml")
DATASET = str(LIBRARY / "civil-affairs" / "marriage-records" / "odcs.yaml")
PROCESS = str(LIBRARY / "matters" / "newborn" / "process.arazzo.yaml")
SQL = "CREATE TABLE t (\n  id int primary key,\n  xm varchar(9) comment '姓名'\n);\n"


def run(*arguments: str) -> tuple[int, bytes, str]:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout_bytes, result.stderr


def test_a_script_becomes_a_draft_that_lint_reads(tmp_path: Path) -> None:
    script = tmp_path / "persons.sql"
    script.write_text(SQL)
    code, out, err = run("import", str(script), "--department", "police", "--output", str(tmp_path / "drafts"))
    path = tmp_path / "drafts" / "police.persons.odcs.yaml"
    assert (code, out.decode()) == (0, f"{path} police.persons\n")
    assert "1 draft(s): " in err
    code, out, _ = run("lint", str(path), "--fail-on", "warning")
    assert code == 1
    assert "open-point" in out.decode()
    assert run("import", str(script), "--department", "police", "--output", str(tmp_path / "drafts"))[0] == 2
    code, out, _ = run(
        "import", str(script), "--output", str(tmp_path / "drafts"), "--name", "people", "--force", "--json"
    )
    said = json.loads(out)
    assert code == 0
    assert said["drafts"] == [
        {"id": "undecided.people", "path": str(tmp_path / "drafts" / "undecided.people.odcs.yaml")}
    ]
    assert {one["rule"] for one in said["findings"]} >= {"decide-department", "decide-catalogue", "decide-element"}
    assert run("import", str(script), "--output", str(tmp_path / "x"), "--fail-on", "warning")[0] == 1
    script.write_text(SQL + "NONSENSE;")
    assert run("import", str(script), "--output", str(tmp_path / "y"))[0] == 1


def test_import_exit_codes(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt2"
    text.write_text("x")
    output = str(tmp_path / "out")
    assert run("import", str(tmp_path / "none.csv"), "--output", output)[0] == 3
    assert run("import", str(text), "--output", output)[0] == 3
    assert run("import", str(tmp_path), "--output", output)[0] == 3
    assert run("import", str(text), "--output", output, "--format", "csv", "--department", "Not An Id")[0] == 2
    assert run("import", str(text), "--output", output, "--rows", "0")[0] == 2
    assert run("import", str(text))[0] == 2
    assert not (tmp_path / "out").exists()
    code, out, _ = run("import", str(text), "--output", output, "--format", "parquet", "--json")
    assert code == 3
    assert json.loads(out)["findings"][0]["rule"] == "import-unreadable"
    script = tmp_path / "a.sql"
    script.write_text(SQL)
    assert run("import", str(script), "--output", str(script))[0] == 4


@pytest.mark.parametrize("kind", ["csv", "excel"])
def test_other_files(kind: str, tmp_path: Path) -> None:
    if kind == "csv":
        path = tmp_path / "人口.csv"
        path.write_bytes("姓名,年龄\n甲,1\n乙,2\n".encode("gb18030"))
        expected = "police.ren-kou"
    else:
        path = tmp_path / "目录.xlsx"
        path.write_bytes(run("export", DATASET, "--format", "catalogue-xlsx")[1])
        expected = "police.hun-yin-deng-ji-shu-ju"
    code, out, _ = run("import", str(path), "--department", "police", "--output", str(tmp_path))
    assert code == 0
    assert out.decode().split()[1] == expected


@pytest.mark.parametrize(
    ("format", "start"),
    [
        ("odcs", b"apiVersion: v3.1.0"),
        ("dcat-jsonld", b'{\n  "@context"'),
        ("dcat-turtle", b"@prefix dcat:"),
        ("markdown", b"# "),
        ("html", b"<!doctype html>"),
        ("catalogue-xlsx", b"PK"),
    ],
)
def test_one_document_goes_to_stdout(format: str, start: bytes) -> None:
    for document in (SERVICE, DATASET):
        code, out, err = run("export", document, "--format", format)
        assert (code, err) == (0, "")
        assert out.startswith(start)


def test_many_documents_go_to_a_folder_or_into_one_file(tmp_path: Path) -> None:
    pages = tmp_path / "pages"
    assert (
        run("export", SERVICE, DATASET, PROCESS, "--format", "html", "--language", "en", "--output", str(pages))[0] == 0
    )
    names = {one.name for one in pages.iterdir()}
    assert names == {f"{specs.read(Path(one)).id}.html" for one in (SERVICE, DATASET, PROCESS)}
    assert '<html lang="en">' in (pages / "civil-affairs.marriages.html").read_text("utf-8")
    page = tmp_path / "one.html"
    assert run("export", SERVICE, "--format", "html", "--sandbox", "http://127.0.0.1:9", "--output", str(page))[0] == 0
    assert 'value="http://127.0.0.1:9"' in page.read_text("utf-8")
    sheet = tmp_path / "all.xlsx"
    assert run("export", SERVICE, DATASET, "--format", "catalogue-xlsx", "--output", str(sheet))[0] == 0
    assert openpyxl.load_workbook(io.BytesIO(sheet.read_bytes())).active.max_row > 10
    schemas = tmp_path / "schemas"
    assert run("export", SERVICE, "--format", "jsonschema", "--output", str(schemas))[0] == 0
    assert (schemas / "civil-affairs.marriages.verifyMarriage.200.schema.json").exists()
    graph = json.loads(run("export", SERVICE, DATASET, "--format", "dcat-jsonld", "--url", "https://x.example/c/")[1])
    assert graph["@graph"][0]["@id"] == "https://x.example/c"


def test_a_contract_comes_out_as_it_went_in(tmp_path: Path) -> None:
    path = tmp_path / "again.yaml"
    assert run("export", DATASET, "--format", "odcs", "--output", str(path))[0] == 0
    before, after = specs.read(Path(DATASET)), specs.read(path)
    assert before.document.value == after.document.value
    assert entry(before) == entry(after)


def test_export_exit_codes(tmp_path: Path) -> None:
    assert run("export", str(tmp_path / "none.yaml"), "--format", "odcs")[0] == 3
    assert run("export", SERVICE)[0] == 2
    assert run("export", SERVICE, "--format", "pdf")[0] == 2
    assert run("export", SERVICE, "--format", "jsonschema")[0] == 2
    assert run("export", SERVICE, "--format", "html", "--sandbox", "javascript:alert(1)")[0] == 2
    file = tmp_path / "file"
    file.write_text("x")
    assert run("export", SERVICE, "--format", "jsonschema", "--output", str(file))[0] == 4
    assert run("export", SERVICE, "--format", "html", "--output", str(file / "x.html"))[0] == 4
    assert file.read_text() == "x"


@pytest.mark.parametrize("command", ["import", "export"])
def test_help_has_an_example(command: str) -> None:
    code, out, _ = run(command, "--help")
    assert code == 0
    assert b"Example: tongban spec" in out
