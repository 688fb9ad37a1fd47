"""Formats: what each holds is what was generated, in the types and encodings that its readers expect."""

import csv
import io
import json
import zipfile
from datetime import UTC, date, datetime
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet
import pytest

from mockdata.tables.generate import generate
from mockdata.tables.layout import ENCODINGS, FORMATS, Layout, LayoutError
from mockdata.tables.plan import PlanError, plan
from mockdata.tables.scale import ROW_GROUP
from mockdata.tables.sinks import fill
from mockdata.tables.sinks.parquet import Parquet
from mockdata.tables.sinks.xlsx import Workbook
from mockdata.tables.write import write
from specs.reading import read

ROLLS = read(Path("tests/data/rolls.odcs.yaml"))


@pytest.fixture(scope="module")
def rolls():
    return plan(ROLLS, "rolls", seed=9)


@pytest.fixture(scope="module")
def rows(rolls):
    return pa.Table.from_batches(generate(rolls, 0, 300)).to_pylist()


def test_row_groups_are_of_one_size_whatever_the_batches(tmp_path):
    numbers = pa.record_batch({"number": pa.array(range(100_000))})
    fill(Parquet(tmp_path / "x.parquet", numbers.schema, ()), [numbers] * 6 + [numbers.slice(0, 1)])
    written = pyarrow.parquet.ParquetFile(tmp_path / "x.parquet")
    sizes = [written.metadata.row_group(at).num_rows for at in range(written.num_row_groups)]
    assert sizes == [ROW_GROUP, ROW_GROUP, 600_001 - 2 * ROW_GROUP]
    assert written.read()["number"].to_pylist() == [*range(100_000)] * 6 + [0]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_csv_in_every_encoding(rolls, rows, tmp_path, encoding):
    target = tmp_path / "rolls.csv"
    manifest = write(rolls, 300, target, "csv", encoding=encoding)
    assert manifest.options["encoding"] == encoding
    raw = target.read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf") == (encoding == "utf-8-bom")
    text = raw.decode({"utf-8-bom": "utf-8-sig"}.get(encoding, encoding))
    found = list(csv.DictReader(io.StringIO(text)))
    assert [row["area"] or None for row in found] == [row["area"] for row in rows]
    assert [row["note"] or None for row in found] == [row["note"] or None for row in rows]
    assert {row["note"] for row in rows} == {'say "no" & <go>', "back\\slash, comma", "一", "𠮷_x0041_", "", None}
    assert [json.loads(row["place"]) for row in found] == [row["place"] for row in rows]


def test_a_workbook_has_real_dates_and_numbers(rolls, rows, tmp_path):
    write(rolls, 300, tmp_path / "rolls.xlsx", "xlsx")
    book = openpyxl.load_workbook(tmp_path / "rolls.xlsx")
    assert book.sheetnames == ["rolls"]
    sheet = book["rolls"]
    assert sheet.freeze_panes == "A2"
    header, *found = sheet.iter_rows(values_only=True)
    assert list(header) == rolls.schema.names
    assert len(found) == 300
    for cells, row in zip(found, rows, strict=True):
        got = dict(zip(header, cells, strict=True))
        assert got["due"] == datetime.combine(row["due"], datetime.min.time())
        assert abs(got["at"] - row["at"].replace(tzinfo=None)).total_seconds() < 0.001
        assert got["paid"] is row["paid"]
        assert (got["sum"] if isinstance(got["sum"], str) else round(got["sum"], 2)) == pytest.approx(float(row["sum"]))
        assert int(got["count"]) == row["count"]
        assert isinstance(got["count"], str) == (row["count"] >= 10**15)
        assert (got["note"] or "").replace("_x005F_", "_") == (row["note"] or "")
        assert got["area"] == row["area"]
        assert json.loads(got["place"]) == row["place"]
    assert sheet["B2"].number_format == r"yyyy\-mm\-dd"


def test_a_workbook_goes_on_on_the_next_sheet(tmp_path):
    schema = pa.schema([("a", pa.string()), ("b", pa.int64()), ("c", pa.date32()), ("d", pa.float64())])
    values = {
        "a": ["x\x0by", " padded ", None, "l1\nl2", "r\rn"],
        "b": [1, 10**15, -(10**15), None, 0],
        "c": [date(1900, 3, 1), date(1900, 2, 28), date(1899, 12, 31), None, date(9999, 12, 31)],
        "d": [0.1, -1e300, None, 5e-324, 12345.678],
    }
    book = Workbook(tmp_path / "x.xlsx", schema, "a/b:c" + "x" * 40, sheet_rows=3)
    book.write(pa.RecordBatch.from_pydict(values, schema))
    book.close()
    read_back = openpyxl.load_workbook(tmp_path / "x.xlsx")
    assert [len(name) <= 31 for name in read_back.sheetnames] == [True] * 3
    rows = [row for sheet in read_back for row in list(sheet.iter_rows(values_only=True))[1:]]
    assert [row[0].replace("_x000B_", "\x0b").replace("_x000D_", "\r") if row[0] else row[0] for row in rows] == values[
        "a"
    ]
    assert [row[1] for row in rows] == [1, str(10**15), str(-(10**15)), None, 0]
    assert [row[2] if isinstance(row[2], str | None) else row[2].date() for row in rows] == [
        date(1900, 3, 1), "1900-02-28", "1899-12-31", None, date(9999, 12, 31),
    ]  # fmt: skip
    assert [row[3] for row in rows] == values["d"]


def test_a_workbook_refuses_what_excel_would_cut(rolls, tmp_path):
    with pytest.raises(LayoutError, match=r"holds 10,485,750 rows .* not 10,485,751") as refused:
        Layout("xlsx").allow(rolls, 10_485_751)
    assert "parquet" in refused.value.hint
    book = Workbook(tmp_path / "x.xlsx", pa.schema([("long", pa.string())]), "x")
    with pytest.raises(PlanError, match="long: has a text of 32,768 characters"):
        book.write(pa.RecordBatch.from_pydict({"long": ["字" * 32_768]}))
    book.close()


def test_equal_rows_make_equal_workbooks(rolls, tmp_path):
    for name in ("a", "b"):
        write(rolls, 50, tmp_path / f"{name}.xlsx", "xlsx")
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.xlsx") as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_a_database_file_has_types_and_key(rolls, rows, tmp_path):
    import duckdb

    write(rolls, 300, tmp_path / "rolls.duckdb", "duckdb", table=ROLLS.table("rolls"))
    with duckdb.connect(str(tmp_path / "rolls.duckdb"), read_only=True) as found:
        columns = {name: (kind, null, key) for name, kind, null, key, *_ in found.sql("DESCRIBE rolls").fetchall()}
        assert columns["id"] == ("VARCHAR", "NO", "PRI")
        assert columns["due"][:2] == ("DATE", "NO")
        assert columns["at"][0] == "TIMESTAMP WITH TIME ZONE"
        assert columns["sum"][0] == "DECIMAL(18,2)"
        assert columns["note"][1] == "YES"
        assert columns["place"][0].replace('"', "") == "STRUCT(street VARCHAR, number BIGINT)"
        table = found.table("rolls").to_arrow_table()
        got = table.set_column(2, "at", table["at"].cast(pa.timestamp("us", tz="UTC"))).to_pylist()
    assert [row["at"].astimezone(UTC) for row in got] == [row["at"] for row in rows]
    assert [{**row, "at": None} for row in got] == [{**row, "at": None} for row in rows]


@pytest.mark.parametrize("format", ["parquet", "csv", "jsonl", "arrow"])
def test_folders_by_column(rolls, rows, tmp_path, format):
    target = tmp_path / f"rolls{FORMATS[format]}"
    manifest = write(rolls, 300, target, format, partition_by=("area", "paid"), part_rows=100)
    folders = {path.relative_to(target).as_posix() for path in target.glob("*/*")}
    assert "area=north%2F1/paid=true" in folders
    assert "area=%E4%B8%9C%E9%83%A8/paid=false" in folders
    assert "area=__HIVE_DEFAULT_PARTITION__/paid=true" in folders
    assert sum(file.rows for file in manifest.files) == 300
    assert all((tmp_path / file.name).is_file() for file in manifest.files)
    if format == "jsonl":
        return
    flavour = pa.dataset.partitioning(pa.schema([("area", pa.string()), ("paid", pa.bool_())]), flavor="hive")
    kind = {"arrow": "ipc"}.get(format, format)
    table = pa.dataset.dataset(target, format=kind, partitioning=flavour).to_table()
    got = {row["id"]: (row["area"], row["paid"]) for row in table.to_pylist()}
    assert got == {row["id"]: (row["area"], row["paid"]) for row in rows}


@pytest.mark.parametrize(
    ("layout", "reason", "hint"),
    [
        (Layout("xls"), "unknown format 'xls'; known: parquet, csv", ""),
        (Layout("csv", "latin-1"), "unknown encoding 'latin-1'", ""),
        (Layout("parquet", "gb18030"), "parquet is never gb18030", "csv"),
        (Layout(partition_by=("arae",)), "no column 'arae' to partition by", "area"),
        (Layout(partition_by=("place",)), "place is struct", ""),
        (Layout(partition_by=("sum",)), "sum is decimal", ""),
        (Layout(partition_by=("area", "area")), "once", ""),
        (Layout(partition_by=("id",)), "id: 2,000 different values in 2,000 rows", "fewer values"),
        (Layout("xlsx", partition_by=("area",)), "xlsx is one file", "parquet"),
    ],
)
def test_layouts_that_cannot_be(rolls, layout, reason, hint):
    with pytest.raises(LayoutError) as refused:
        layout.allow(rolls, 2000)
    assert reason in str(refused.value)
    assert hint in refused.value.hint
