"""`tongban mock`: what it prints where, and one clear line and a code for everything that goes wrong."""

import contextlib
import importlib
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import jsonschema
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from mockdata.cli import app

SMALL = ["--population", "50000"]
ROOT = str(Path(__file__).parents[3])
RESIDENTS = "police.resident-register"


def run(*arguments, **options):
    return CliRunner().invoke(app, [str(argument) for argument in arguments], **options)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_generate_writes_file_and_manifest(folder):
    result = run("generate", RESIDENTS, "--rows", 50, "--out", "data", *SMALL)
    assert result.exit_code == 0, result.stderr
    assert "50 rows" in result.stdout
    name = f"{RESIDENTS}.residents.parquet"
    assert sorted(os.listdir("data")) == [name, f"{name}.manifest.json"]
    assert pq.read_table(folder / "data" / name).num_rows == 50


def test_generate_prints_its_manifest_as_json(folder):
    result = run("generate", RESIDENTS, "--rows", 20, "--format", "jsonl", "--seed", "spring", "--json", *SMALL)
    manifest = json.loads(result.stdout)[0]
    assert manifest["origin"]["population"] == {
        "seed": "spring", "size": 50_000, "as_of": "2026-11-01", "identifiers": "reserved",
    }  # fmt: skip
    assert manifest["files"][0]["rows"] == 20
    assert len((folder / manifest["files"][0]["name"]).read_text("utf-8").splitlines()) == 20


def test_generate_where_a_condition_holds(folder):
    chosen = ["--rows", 40, "--where", "age >= 60 && XBDM == '1'", "--json", *SMALL]
    manifest = json.loads(run("generate", RESIDENTS, *chosen).stdout)[0]
    assert manifest["origin"]["where"] == "age >= 60 && XBDM == '1'"
    rows = pq.read_table(folder / f"{RESIDENTS}.residents.parquet").to_pylist()
    assert {(row["XBDM"], row["CSRQ"].isoformat() <= "1966-11-01") for row in rows} == {("1", True)}


def test_conditions_are_refused_before_anything_is_written(folder):
    for condition, words in (
        ("age >=", "at character 7"),
        ("ages > 3", "near: age"),
        ("age > 200", "holds for 0 records"),
    ):
        result = run("generate", RESIDENTS, "--where", condition, *SMALL)
        assert (result.exit_code, words in result.stderr) == (3, True), result.stderr
    assert os.listdir(folder) == []


def test_same_command_same_bytes(folder):
    digests = set()
    for out in ("a", "b"):
        told = run("generate", RESIDENTS, "--rows", 30, "--out", out, "--json", *SMALL).stdout
        digests.add(json.loads(told)[0]["files"][0]["sha256"])
    assert len(digests) == 1


def test_a_document_with_several_tables_gives_all_parents_first(folder):
    (folder / "shop.odcs.yaml").write_text(
        "apiVersion: v3.1.0\nkind: DataContract\nid: tax.shop\nversion: '1'\nstatus: active\nschema:\n"
        "- name: sales\n  properties:\n"
        "  - {name: shop, logicalType: string, required: true, relationships: [{type: foreignKey, to: shops.id}]}\n"
        "- name: shops\n  properties:\n"
        "  - {name: id, logicalType: string, primaryKey: true, logicalTypeOptions: {pattern: '^S[0-9]{3}$'}}\n"
    )
    result = run("generate", "shop.odcs.yaml", "--rows", 40, "--json")
    assert [manifest["table"] for manifest in json.loads(result.stdout)] == ["shops", "sales"]
    shops = set(pq.read_table("tax.shop.shops.parquet")["id"].to_pylist())
    assert set(pq.read_table("tax.shop.sales.parquet")["shop"].to_pylist()) <= shops


@pytest.mark.parametrize(
    ("arguments", "code", "line", "hint"),
    [
        (["generate", "police.residnt-register"], 3, "no interface 'police.residnt-register'", RESIDENTS),
        (["generate", "missing.yaml"], 3, "missing.yaml: there is no such file", "document"),
        (["generate", RESIDENTS, "--table", "resident"], 3, "no table 'resident'", "residents"),
        (["generate", RESIDENTS, "--rows", "-1"], 2, "--rows", ""),
        (["generate", RESIDENTS, "--rows", "60000", *SMALL], 3, "has 50,000 rows, not 60,000", "larger population"),
        (["generate", RESIDENTS, "--format", "xls"], 2, "xls", ""),
        (["generate", RESIDENTS, "--encoding", "gb18030"], 2, "parquet is never gb18030", "only csv"),
        (["generate", RESIDENTS, "--partition-by", "MZ"], 2, "no column 'MZ' to partition by", "MZDM"),
        (
            ["generate", RESIDENTS, "--format", "xlsx", "--rows", "20000000"],
            2,
            "a workbook holds 10,485,750",
            "parquet",
        ),
        (["generate", RESIDENTS, "--format", "xlsx", "--check"], 2, "--check does not read workbooks", ""),
        (["generate", RESIDENTS, "--table-name", "people"], 2, "--table-name names a database table", "--into"),
        (
            ["generate", RESIDENTS, "--into", "mysql://me:secret@host/x"],
            2,
            "no database URL of a known kind: mysql",
            "",
        ),
        (["generate", RESIDENTS, "--into", "postgresql://me:secret@127.0.0.1:1/x"], 4, "me@127.0.0.1:1/x: ", "host"),
        (["generate", RESIDENTS, "--into", "sqlite:///taken/x"], 4, "taken", ""),
        (["generate", RESIDENTS, "--out", "/proc/nothing"], 4, "/proc/nothing", "written"),
        (["verify", "missing.parquet"], 3, "missing.parquet.manifest.json: there is no such manifest", "dataset"),
        (["verify", "taken", "--sample", "3"], 2, "--sample says how much", "--regenerate"),
        (["generate", RESIDENTS, "--as-of", "yesterday"], 2, "yesterday", "yyyy-MM-dd"),
        (["generate", RESIDENTS, "--out", "taken/file"], 4, "taken", "folder"),
        (["generate", "faker.yaml"], 3, "/schema/0/properties/0: x: unknown Faker provider 'compani'", "company"),
        (["generate", "broken.yaml"], 3, "broken.yaml", ""),
        (["lookup", RESIDENTS, "--key", "0"], 1, "no record has the key '0'", "same seed"),
        (["lookup", "police.nothing", "--key", "0"], 3, "no interface", ""),
        (["check", RESIDENTS, "missing.parquet"], 3, "no such file", ""),
        (["instances", "--schema", "missing.json"], 4, "missing.json", ""),
        (["instances", "--schema", "impossible.json"], 3, "no valid instance", ""),
        (["instances", "--schema", "broken.yaml"], 3, "no JSON", ""),
        (["instances", "--schema", "impossible.json", "--draft", "4"], 2, "unknown draft '4'", "2020-12"),
        (["serve", RESIDENTS], 3, "no operations to answer", "OpenAPI"),
    ],
)
def test_bad_input_is_one_line_a_hint_and_a_code(folder, arguments, code, line, hint):
    (folder / "taken").write_text("")
    (folder / "impossible.json").write_text('{"type": "integer", "minimum": 2, "maximum": 1}')
    (folder / "broken.yaml").write_text("a: [1\nb: }")
    (folder / "faker.yaml").write_text(
        "apiVersion: v3.1.0\nkind: DataContract\nid: tax.x\nversion: '1'\nstatus: active\nschema:\n- name: t\n"
        "  properties:\n  - {name: x, logicalType: string, customProperties: [{property: faker, value: compani}]}\n"
    )
    before = sorted(os.listdir(folder))
    result = run(*arguments)
    assert result.exit_code == code, result.stderr
    assert line in result.stderr
    assert hint in result.stderr
    assert "Traceback" not in result.stderr
    assert "secret" not in result.stderr
    assert result.stdout == ""
    assert sorted(os.listdir(folder)) == before  # nothing written


def test_a_target_is_kept_unless_forced(folder):
    arguments = ["generate", RESIDENTS, "--rows", 5, *SMALL]
    assert run(*arguments).exit_code == 0
    again = run(*arguments)
    assert (again.exit_code, "--force" in again.stderr) == (4, True)
    assert run(*arguments, "--force").exit_code == 0


def test_an_unfinished_dataset_of_another_run_is_told(folder):
    hidden = folder / f".{RESIDENTS}.residents.parquet.unfinished" / "journal"
    hidden.mkdir(parents=True)
    (hidden / "run.json").write_text("{}")
    (hidden.parent / "part-00000.parquet").write_text("of another seed")
    arguments = ["generate", RESIDENTS, "--rows", 5, *SMALL]
    told = run(*arguments)
    assert told.exit_code == 4
    assert f"{hidden.parent.name} is an unfinished dataset of another plan" in told.stderr
    assert "--force removes it" in told.stderr
    assert run(*arguments, "--force").exit_code == 0
    name = f"{RESIDENTS}.residents.parquet"
    assert sorted(os.listdir(folder)) == [name, f"{name}.manifest.json"]


def test_verify_judges_and_makes_again(folder):
    run("generate", RESIDENTS, "--rows", 40, "--part-rows", 10, "--format", "csv", "--encoding", "gb18030", *SMALL)
    name = f"{RESIDENTS}.residents.csv"
    assert "is as its manifest says  4 files" in run("verify", name).stdout
    again = run("verify", f"{name}.manifest.json", "--regenerate", "--sample", 2, "--json")
    assert again.exit_code == 0, again.stderr
    verdict = json.loads(again.stdout)
    assert (verdict["success"], verdict["parts"], verdict["differences"]) == (True, 2, [])
    part = folder / name / "part-00002.csv"
    lines = part.read_text("gb18030").splitlines(keepends=True)
    part.write_text("".join([*lines[:4], lines[3], *lines[5:]]), "gb18030")
    told = run("verify", name, "--regenerate")
    assert told.exit_code == 1
    assert f"{name}/part-00002.csv: byte " in told.stdout
    assert "row 3, column GMSFHM: " in told.stdout
    assert told.stderr == ""


def test_generate_fills_a_database_and_keeps_the_password(folder):
    arguments = ["generate", RESIDENTS, "--rows", 30, "--into", "sqlite:///people.db", "--table-name", "people", *SMALL]
    done = run(*arguments)
    assert done.exit_code == 0, done.stderr
    assert "people  30 rows  into sqlite:///people.db" in done.stdout
    again = run(*arguments)
    assert (again.exit_code, "people in sqlite:///people.db exists already" in again.stderr) == (4, True)
    (manifest,) = json.loads(run(*arguments, "--force", "--json").stdout)
    assert (manifest["into"], manifest["table_name"]) == ("sqlite:///people.db", "people")
    with contextlib.closing(sqlite3.connect("people.db")) as found:
        assert found.execute("SELECT count(*), count(DISTINCT GMSFHM) FROM people").fetchone() == (30, 30)
    assert os.listdir(folder) == ["people.db"]


@pytest.mark.postgres
def test_generate_fills_postgresql(folder, postgres):
    url = postgres.replace("postgresql+psycopg://postgres:", "postgresql://postgres:secret")
    arguments = ["generate", "civil-affairs.marriage-records", "--rows", 30, "--into", url, "--force", *SMALL]
    for done in (run(*arguments), run(*arguments, "--json")):
        assert done.exit_code == 0, done.stderr
        assert "secret" not in done.stdout + done.stderr


def test_lookup_finds_what_generate_wrote(folder):
    run("generate", RESIDENTS, "--rows", 5, "--format", "jsonl", *SMALL)
    rows = [json.loads(line) for line in (folder / f"{RESIDENTS}.residents.jsonl").read_text("utf-8").splitlines()]
    for row in rows[:2]:
        found = json.loads(run("lookup", RESIDENTS, "--key", row["GMSFHM"], "--json", *SMALL).stdout)
        assert {name: value for name, value in found.items() if value is not None} == row
    api = json.loads(run("lookup", "police.residents", "--key", rows[0]["GMSFHM"], "--json", *SMALL).stdout)
    assert api["XM"] == rows[0]["XM"]
    assert "GMSFHM\t" in run("lookup", RESIDENTS, "--key", rows[0]["GMSFHM"], *SMALL).stdout


def test_instances_are_valid_one_a_line(folder):
    schema = {"type": "object", "required": ["a"], "properties": {"a": {"type": "integer", "minimum": 3}}}
    result = run("instances", "--schema", "-", "-n", 5, input=json.dumps(schema))
    lines = result.stdout.splitlines()
    assert len(lines) == 5
    for line in lines:
        jsonschema.validate(json.loads(line), schema)
    assert run("instances", "--schema", "-", "-n", 5, input=json.dumps(schema)).stdout == result.stdout


def test_serve_prints_calls_follows_a_plan_and_writes_an_archive(folder):
    (folder / "plan.json").write_text('[{"target": "*", "status": 503, "every": 2}]')
    command = [sys.executable, "-m", "exchange.cli", "mock"]
    served = subprocess.Popen(
        [*command, "serve", "civil-affairs.marriages", "--port", "0", "--open", "--faults", "plan.json",
         "--clock", "2027-12-01", "--har", "calls.har", *SMALL],
        env=os.environ | {"PYTHONPATH": ROOT}, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    tail = None
    try:
        base = served.stderr.readline().rsplit(maxsplit=1)[-1]
        assert "/.tongban/state" in served.stderr.readline()
        with urllib.request.urlopen(f"{base}/.tongban/clock", timeout=10) as answer:
            assert json.load(answer)["now"].startswith("2027-12-01")
        tail = subprocess.Popen(
            [*command, "tail", base, "--calls", "2", "--json"], env=os.environ | {"PYTHONPATH": ROOT}, cwd=folder,
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        statuses = []
        deadline = time.monotonic() + 20
        while tail.poll() is None and time.monotonic() < deadline:  # until the tail, which takes its time, has seen two
            with contextlib.suppress(urllib.error.HTTPError), urllib.request.urlopen(f"{base}/x%1B", timeout=10):
                pass
            request = urllib.request.Request(f"{base}/marriages", method="GET")
            with contextlib.suppress(urllib.error.HTTPError), urllib.request.urlopen(request, timeout=10):
                pass
            time.sleep(0.2)
        told = tail.communicate(timeout=10)[0].splitlines()
        statuses = [json.loads(line)["status"] for line in told]
    finally:
        if tail is not None:
            tail.kill()
        served.send_signal(signal.SIGINT)
        out, err = served.communicate(timeout=30)
    assert served.returncode == 0, err
    assert len(statuses) == 2
    assert "Traceback" not in err
    lines = out.splitlines()
    assert "GET /x%1B - 404 no such operation" in lines[0]
    archive = json.loads((folder / "calls.har").read_text("utf-8"))
    assert len(archive["log"]["entries"]) == len(lines)
    assert sorted(os.listdir(folder)) == ["calls.har", "plan.json"]


def test_serve_refuses_plans_and_clocks_that_mean_nothing(folder):
    serve = ["serve", "civil-affairs.marriages", "--port", "0", *SMALL]
    (folder / "broken.json").write_text("[")
    for more, code, words in (
        (["--faults", '[{"target": "*", "statu": 5}]'], 2, "/0/statu"),
        (["--faults", '[{"target": "tax.", "status": 503}]'], 2, "/0/target"),
        (["--faults", "broken.json"], 3, "no JSON"),
        (["--faults", "missing.json"], 4, "missing.json"),
        (["--clock", "tomorrow"], 2, "--clock"),
        (["--har", "no/folder.har"], 4, "no/folder.har"),
    ):
        result = run(*serve, *more)
        assert (result.exit_code, words in result.stderr) == (code, True), result.stderr
        assert "Traceback" not in result.stderr


def test_tail_of_nothing_is_told():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    for url, code in ((f"http://127.0.0.1:{port}", 4), ("nowhere", 2)):
        result = run("tail", url)
        assert (result.exit_code, "Traceback" in result.stderr) == (code, False), result.stderr


def test_serve_answers_and_a_taken_port_is_told():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        busy = run("serve", "civil-affairs.marriages", "--port", port)
    assert busy.exit_code == 4
    assert "Address already in use" in busy.stderr
    command = [sys.executable, "-c", "from mockdata.cli import app; app()"]
    served = subprocess.Popen(
        [*command, "serve", "tests/data/openapi/uk-land-registry-deed.json", "--port", "0", "--open", *SMALL],
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        line = served.stderr.readline()
        assert "operations at http://127.0.0.1:" in line
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(line.split()[-1] + "/nowhere", timeout=30)
    finally:
        served.terminate()
        served.communicate(timeout=30)


def test_every_command_has_help_with_an_example():
    for command in ("generate", "check", "verify", "lookup", "instances", "serve"):
        result = run(command, "--help")
        assert result.exit_code == 0
        assert f"tongban mock {command}" in " ".join(result.stdout.split())


def test_serve_takes_its_secret_from_a_file_or_the_environment(folder, monkeypatch):
    serve = importlib.import_module("mockdata.cli.serve")
    (folder / "short").write_text("0123")
    (folder / "long").write_text("0123456789abcdef0123\n")
    refused = run("serve", "civil-affairs.marriages", "--port", "0", "--secret-file", "short", *SMALL)
    assert (refused.exit_code, "16 bytes" in refused.stderr, "0123" in refused.stderr) == (3, True, False)
    monkeypatch.delenv(serve.SECRET, raising=False)
    assert serve._secret(None) is None
    monkeypatch.setenv(serve.SECRET, "x" * 20)
    assert serve._secret(None) == b"x" * 20
    assert serve._secret(Path("long")) == b"0123456789abcdef0123"  # a file says it nearer
    made = []
    monkeypatch.setattr("mockdata.sandbox.sandbox.Sandbox", lambda *_, **how: made.append(how) or sys.exit(7))
    run("serve", "civil-affairs.marriages", "--port", "0", "--secret-file", "long", "--issued-only", *SMALL)
    assert (made[0]["secret"], made[0]["issued_only"]) == (b"0123456789abcdef0123", True)
