"""Anyone can check a dataset: a changed byte is found, and the first value that differs is named."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mockdata.tables.plan import plan
from mockdata.tables.verify import ManifestError, manifest_of, regenerate, verify
from mockdata.tables.write import beside, write
from specs.reading import read

ROLLS = read(Path("tests/data/rolls.odcs.yaml"))


@pytest.fixture(scope="module")
def rolls():
    return plan(ROLLS, "rolls", seed=9)


def made(rolls, folder, format="parquet", **options):
    target = folder / f"rolls.{format}"
    write(rolls, 300, target, format, **options)
    return manifest_of(target)


def test_what_was_written_is_as_its_manifest_says(rolls, tmp_path):
    target, manifest = made(rolls, tmp_path, part_rows=100)
    assert manifest_of(beside(target, "manifest")) == (target, manifest)
    heard = []
    verdict = verify(target, manifest, heard.append)
    assert (verdict.success, verdict.files, verdict.rows, heard) == (True, 3, 300, [100, 100, 100])
    again = regenerate(target, manifest, rolls)
    assert (again.success, again.parts, again.bytes) == (True, 3, verdict.bytes)
    assert regenerate(target, manifest, rolls, sample=2).parts == 2


@pytest.mark.parametrize("options", [{}, {"part_rows": 90}, {"partition_by": ("area",), "part_rows": 150}])
@pytest.mark.parametrize("format", ["parquet", "csv", "jsonl", "arrow", "xlsx", "duckdb"])
def test_every_format_comes_out_the_same_again(rolls, tmp_path, format, options):
    if format in ("xlsx", "duckdb") and options:
        return
    target, manifest = made(rolls, tmp_path, format, **options)
    assert verify(target, manifest).success
    assert regenerate(target, manifest, rolls, ROLLS.table("rolls")).differences == ()
    assert not [path for path in tmp_path.rglob("*") if "again" in path.name]


def test_files_changed_missing_or_strange_are_named(rolls, tmp_path):
    target, manifest = made(rolls, tmp_path, part_rows=60)
    parts = sorted(target.iterdir())
    parts[0].write_bytes(parts[0].read_bytes() + b"x")
    raw = bytearray(parts[1].read_bytes())
    raw[500] ^= 1
    parts[1].write_bytes(raw)
    parts[2].unlink()
    (target / "more.parquet").write_text("")
    found = {one.file: one.reason for one in verify(target, manifest).differences}
    size = manifest.files[0].bytes
    assert found == {
        "rolls.parquet/part-00000.parquet": f"has {size + 1:,} bytes, not {size:,}",
        "rolls.parquet/part-00001.parquet": "has other bytes than its digest says",
        "rolls.parquet/part-00002.parquet": "no such file or directory",
        "rolls.parquet/more.parquet": "is not in the manifest",
    }


def test_the_first_difference_is_named_by_row_and_column(rolls, tmp_path):
    target, manifest = made(rolls, tmp_path)
    table = pq.read_table(target)
    notes = table["area"].to_pylist()
    right, notes[7] = notes[7], "west"
    pq.write_table(table.set_column(table.schema.get_field_index("area"), "area", pa.array(notes)), target)
    (difference,) = regenerate(target, manifest, rolls).differences
    assert difference.file == "rolls.parquet"
    assert f"row 7, column area: 'west' is there, {right!r} is right" in difference.reason
    assert difference.reason.startswith("byte ")


@pytest.mark.parametrize(
    ("format", "options"),
    [("csv", {}), ("csv", {"encoding": "gb18030"}), ("jsonl", {}), ("csv", {"encoding": "utf-8-bom"})],
)
def test_a_changed_line_is_named(rolls, tmp_path, format, options):
    target, manifest = made(rolls, tmp_path, format, **options)
    coding = options.get("encoding", "utf-8").removesuffix("-bom")
    raw = target.read_bytes()
    changed = raw.replace("东部".encode(coding), "西部".encode(coding), 1)
    assert changed != raw
    target.write_bytes(changed)
    (difference,) = regenerate(target, manifest, rolls).differences
    assert "column area: '西部' is there, '东部' is right" in difference.reason
    target.write_bytes(raw[: len(raw) // 2])
    assert "byte" in regenerate(target, manifest, rolls).differences[0].reason


def test_a_changed_database_row_is_named(rolls, tmp_path):
    import duckdb

    target, manifest = made(rolls, tmp_path, "duckdb")
    with duckdb.connect(str(target)) as connection:
        connection.execute("UPDATE rolls SET count = 5 WHERE rowid = 11")
    (difference,) = regenerate(target, manifest, rolls).differences
    assert difference.reason.startswith("row 11, column count: 5 is there")
    target.write_bytes(b"no database at all" * 1000)
    assert "cannot be read" in regenerate(target, manifest, rolls).differences[0].reason


def test_another_plan_is_told_before_anything_is_made(rolls, tmp_path):
    target, manifest = made(rolls, tmp_path)
    (told,) = regenerate(target, manifest, plan(ROLLS, "rolls", seed=10)).differences
    assert "another population" in told.reason
    assert "'seed': 9" in told.reason
    document = Path("tests/data/rolls.odcs.yaml").read_bytes().replace(b"west", b"w").replace(b"south", b"deep south")
    (told,) = regenerate(target, manifest, plan(read(document, "x.odcs.yaml"), "rolls", seed=9)).differences
    assert "another digest: the interface document is" in told.reason


@pytest.mark.parametrize("text", [None, "", "[]", "{}", '{"files": 3}', '{"files": [{"name": 1}]}'])
def test_a_manifest_that_is_none(tmp_path, text):
    if text is not None:
        (tmp_path / "x.csv.manifest.json").write_text(text)
    with pytest.raises(ManifestError, match=r"x\.csv\.manifest\.json: (no|there is no)"):
        manifest_of(tmp_path / "x.csv")


def test_a_manifest_names_no_file_elsewhere(rolls, tmp_path):
    target, _ = made(rolls, tmp_path)
    path = beside(target, "manifest")
    for name in ("/etc/hostname", "../x"):
        value = json.loads(path.read_text())
        value["files"][0]["name"] = name
        path.write_text(json.dumps(value))
        with pytest.raises(ManifestError):
            manifest_of(target)


@pytest.mark.parametrize(
    "options",
    [["--where", "age >= 60"], ["--defects", "missing=0.02,malformed=0.01", "--scenario", "rare-characters"]],
    ids=["where", "defects"],
)
def test_a_condition_defects_and_scenarios_are_made_again(tmp_path, options):
    from typer.testing import CliRunner

    from mockdata.cli import app

    run = CliRunner()
    world = ["--population", "100000", "--rows", "500", "--format", "csv", "--out", str(tmp_path)]
    made = run.invoke(app, ["generate", "police.resident-register", *world, *options])
    assert made.exit_code == 0, made.output
    target = tmp_path / "police.resident-register.residents.csv"
    again = run.invoke(app, ["verify", str(target), "--regenerate"])
    assert again.exit_code == 0, again.output
    target.write_text(target.read_text(encoding="utf-8").replace("1", "2", 1), encoding="utf-8")
    assert run.invoke(app, ["verify", str(target), "--regenerate"]).exit_code == 1
