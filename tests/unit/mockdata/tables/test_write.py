"""Files: same bytes whoever writes them, right contents in every format, nothing half-written."""

import hashlib
import json
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from mockdata.population import Population
from mockdata.tables import scale, write
from mockdata.tables.generate import generate
from mockdata.tables.plan import plan
from mockdata.tables.write import TargetExists
from specs import library
from specs.reading import read

CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: tax.rolls
version: 2.0.0
status: active
schema:
  - name: rolls
    logicalType: object
    properties:
      - {name: id, logicalType: string, primaryKey: true, logicalTypeOptions: {pattern: '^[A-Z]{2}[0-9]{6}$'}}
      - {name: due, logicalType: date, required: true}
      - {name: at, logicalType: timestamp, required: true}
      - {name: sum, logicalType: number, required: true, logicalTypeOptions: {multipleOf: 0.01, minimum: 0}}
      - {name: note, logicalType: string, enum: [{value: 'say "no"'}, {value: "back\\\\slash, comma"}, {value: "一"}]}
      - {name: parts, logicalType: array, required: true, items: {logicalType: integer}}
"""


@pytest.fixture(scope="module")
def rolls():
    return plan(read(CONTRACT.encode(), "rolls.odcs.yaml"), None, seed=9)


@pytest.fixture(scope="module")
def rows(rolls):
    return pa.Table.from_batches(generate(rolls, 0, 300)).to_pylist()


def digests(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_parquet_carries_its_origin(rolls, rows, tmp_path):
    manifest = write.write(rolls, 300, tmp_path / "rolls.parquet")
    file = pq.ParquetFile(tmp_path / "rolls.parquet")
    assert file.read().to_pylist() == rows
    assert json.loads(file.schema_arrow.metadata[b"tongban"]) == rolls.origin
    assert rolls.origin["digest"] == rolls.digest
    assert rolls.origin["population"]["seed"] == 9
    column = file.metadata.row_group(0).column(0)
    assert column.compression == "ZSTD"
    assert column.statistics.has_min_max
    assert manifest.rows == 300
    assert manifest.files[0].sha256 == digests(tmp_path)["rolls.parquet"]
    saved = json.loads((tmp_path / "rolls.parquet.manifest.json").read_text())
    assert write.Manifest.from_json(saved) == write.Manifest.from_json(manifest.to_json())


def test_json_lines_say_the_same(rolls, rows, tmp_path):
    write.write(rolls, 300, tmp_path / "rolls.jsonl", "jsonl")
    read_back = [json.loads(line) for line in (tmp_path / "rolls.jsonl").read_text("utf-8").splitlines()]
    for got, row in zip(read_back, rows, strict=True):
        assert got["due"] == row["due"].isoformat()
        assert got["at"] == row["at"].astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        assert f"{got['sum']:.2f}" == str(row["sum"])
        assert got.get("note") == row["note"]
        assert ("note" in got) == (row["note"] is not None)
        assert (got["id"], got["parts"]) == (row["id"], row["parts"])


def test_csv_says_the_same(rolls, rows, tmp_path):
    write.write(rolls, 300, tmp_path / "rolls.csv", "csv")
    table = pyarrow.csv.read_csv(
        tmp_path / "rolls.csv", convert_options=pyarrow.csv.ConvertOptions(strings_can_be_null=True)
    )
    assert table["id"].to_pylist() == [row["id"] for row in rows]
    assert table["note"].to_pylist() == [row["note"] for row in rows]
    assert table["due"].to_pylist() == [row["due"] for row in rows]
    assert [json.loads(text) for text in table["parts"].to_pylist()] == [row["parts"] for row in rows]


def test_arrow_ipc_says_the_same(rolls, rows, tmp_path):
    write.write(rolls, 300, tmp_path / "rolls.arrow", "arrow")
    assert pa.ipc.open_file(str(tmp_path / "rolls.arrow")).read_all().to_pylist() == rows


def test_same_bytes_for_any_number_of_workers(tmp_path):
    made = plan(library.interfaces()["civil-affairs.marriage-records"], None, Population(4, 100_000))
    found = []
    for name, options in {
        "one": {},
        "two": {"workers": 2},
        "threads": {"executor": ThreadPoolExecutor(3)},
    }.items():
        folder = tmp_path / name
        manifest = write.write(made, 5000, folder / "marriages.parquet", part_rows=1500, **options)
        assert [file.rows for file in manifest.files] == [1500, 1500, 1500, 500]
        found.append(digests(folder))
    assert found[0] == found[1] == found[2]
    assert sorted(found[0]) == [
        "marriages.parquet.manifest.json",
        *(f"marriages.parquet/part-{part:05d}.parquet" for part in range(4)),
    ]


def test_parts_are_the_rows_of_the_whole(rolls, tmp_path):
    write.write(rolls, 1000, tmp_path / "whole.parquet")
    write.write(rolls, 1000, tmp_path / "parts.parquet", part_rows=333)
    assert pq.read_table(tmp_path / "parts.parquet").equals(pq.read_table(tmp_path / "whole.parquet"))


def test_another_seed_gives_other_bytes(rolls, tmp_path):
    other = plan(read(CONTRACT.encode(), "rolls.odcs.yaml"), None, seed=10)
    first = write.write(rolls, 50, tmp_path / "a.csv", "csv")
    second = write.write(other, 50, tmp_path / "b.csv", "csv")
    assert first.files[0].sha256 != second.files[0].sha256


def test_no_rows(rolls, tmp_path):
    for format, ending in write.FORMATS.items():
        assert write.write(rolls, 0, tmp_path / f"none{ending}", format).rows == 0
    assert pq.read_table(tmp_path / "none.parquet").schema.names == rolls.schema.names


def test_a_target_is_not_replaced_without_force(rolls, tmp_path):
    target = tmp_path / "rolls.parquet"
    target.write_text("precious")
    with pytest.raises(TargetExists):
        write.write(rolls, 10, target)
    assert digests(tmp_path) == {"rolls.parquet": hashlib.sha256(b"precious").hexdigest()}
    write.write(rolls, 10, target, force=True, part_rows=4)  # a folder takes the file's place
    assert pq.read_table(target).num_rows == 10
    write.beside(target, "quality").write_text("{}")
    write.write(rolls, 20, target, force=True)  # and a file the folder's
    assert pq.read_table(target).num_rows == 20
    assert sorted(os.listdir(tmp_path)) == ["rolls.parquet", "rolls.parquet.manifest.json"]


@pytest.mark.parametrize("part_rows", [1000, 100])
def test_a_failure_leaves_nothing(rolls, tmp_path, monkeypatch, part_rows):
    import mockdata.tables.generate as module

    def broken(made, start, stop):
        yield next(generate(made, start, start + 50))
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "generate", broken)
    with pytest.raises(OSError, match="No space left"):
        write.write(rolls, 300, tmp_path / "rolls.parquet", part_rows=part_rows)
    assert os.listdir(tmp_path) == []


def test_a_folder_that_cannot_be_made(rolls, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        write.write(rolls, 10, tmp_path / "file" / "rolls.parquet")
    with pytest.raises(ValueError, match="unknown format 'xls'"):
        write.write(rolls, 10, tmp_path / "rolls.xls", "xls")
    assert os.listdir(tmp_path) == ["file"]


def test_progress_tells_every_row(rolls, tmp_path):
    told = []
    write.write(rolls, 300, tmp_path / "a.parquet", progress=told.append)
    write.write(rolls, 300, tmp_path / "b.parquet", part_rows=100, progress=told.append)
    assert told == [300, 100, 100, 100]


def test_a_range_whose_worker_died_is_done_again(tmp_path):
    dying = (
        f"import os, pathlib; mark = pathlib.Path({str(tmp_path / 'tried')!r})\n"
        "if not mark.exists(): mark.touch(); os._exit(9)\n"
        f"pathlib.Path({str(tmp_path / 'done')!r}).touch()"
    )
    assert scale.each(exec, [dying, "pass"], workers=2) == [None, None]
    assert (tmp_path / "done").exists()


def test_an_error_in_a_worker_is_raised():
    with pytest.raises(ZeroDivisionError):
        scale.each(exec, ["1/0", "pass", "pass"], workers=2)


def test_parts_depend_on_rows_alone():
    assert [(part.start, part.stop) for part in scale.parts(10, 4)] == [(0, 4), (4, 8), (8, 10)]
    assert [(part.start, part.stop) for part in scale.parts(0, 4)] == [(0, 0)]
