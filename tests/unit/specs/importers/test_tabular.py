"""CSV and Parquet files: types from all rows, keys, codes, limits, encodings; single values of people never kept."""

import contextlib
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import specs
from specs.finding import SpecError
from specs.importers.draft import Draft
from specs.importers.profile import SAMPLE
from specs.importers.reading import Source, drafts, source_of
from specs.importers.tabular import read_table
from tests.unit.specs.standard import STANDARD

HEAD = "姓名,公民身份号码,性别,出生日期,金额,行政区划代码,状态,登记时间,数量,户籍编号,有效"


def people(rows: int) -> str:
    lines = [HEAD]
    for i in range(rows):
        year = 70 + i % 30
        state = ("正常", "注销", "暂停")[i % 3]
        lines.append(
            f"张{i % 97}三,11010519{year:02d}0101{i:04d},{1 + i % 2},19{year}/1/{i % 28 + 1},{i * 7 % 9999 / 100},"
            f"{'010203' if i % 2 else '110105'},{state},2020-01-01 12:00:{i % 60:02d},{i % 400},{i // 2 + 100000},"
            f"{'true' if i % 2 else 'false'}"
        )
    return "\n".join(lines) + "\n"


def csv(data: bytes | str, folder: Path, **more: Any) -> Draft:
    path = folder / "people.csv"
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    made = read_table(path, "csv", department="police", **more)
    STANDARD.validate(dict(made.contract))
    return made


def read(made: Draft) -> specs.Table:
    interface = specs.read(made.text.encode(), "x.yaml")
    assert interface.findings == ()
    return interface.tables[0]


def shape(field: specs.Field) -> dict[str, Any]:
    hidden = {"title", "description", "x-physical-type", "x-quality", "x-element", "x-sensitivity"}
    return {word: value for word, value in field.schema.items() if word not in hidden}


def told(made: Draft, rule: str) -> list[str]:
    return [one.message for one in made.findings if one.rule == rule]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_types_keys_codes_and_limits(encoding: str, tmp_path: Path) -> None:
    made = csv(people(600).encode(encoding), tmp_path)
    table = read(made)
    assert {field.name: shape(field) for field in table.fields} == {
        "XM": {"type": "string", "minLength": 3, "maxLength": 4},
        "GMSFHM": {"type": "string", "minLength": 18, "maxLength": 18, "pattern": "^[0-9]{18}$"},
        "XBDM": {
            "type": "string",
            "minLength": 1,
            "maxLength": 1,
            "pattern": "^[0-9]{1}$",
            "enum": ["0", "1", "2", "9"],
        },
        "CSRQ": {"type": "string", "x-date-format": "yyyy/M/d"},
        "JE": {"type": "number", "multipleOf": 0.01, "minimum": 0, "maximum": 41.93},
        "XZQH": {"type": "string", "minLength": 6, "maxLength": 6, "pattern": "^[0-9]{6}$"},
        "ZT": {"type": "string", "enum": ["暂停", "正常", "注销"]},
        "DJSJ": {"type": "string", "x-date-format": "yyyy-MM-dd HH:mm:ss"},
        "SL": {"type": "integer", "minimum": 0, "maximum": 399},
        "HJBH": {"type": "string", "minLength": 6, "maxLength": 6, "pattern": "^[0-9]{6}$"},
        "YX": {"type": "boolean"},
    }
    assert table.primary_key == ("GMSFHM",)
    assert (table.field("GMSFHM").element, table.field("GMSFHM").sensitivity) == ("GMSFHM", "general-3")
    assert all(field.required for field in table.fields)
    assert "all 600 rows" in told(made, "decide-limits")[0]
    assert told(made, "decide-enum") == ["状态: a code list was guessed from all 600 rows: 暂停, 正常, 注销"]
    written = {"utf-8": "UTF-8", "utf-8-sig": "UTF-8", "gb18030": "GB18030", "utf-16": "UTF-16"}[encoding]
    assert f"CSV ({written}, delimiter ','); all 600 rows" in made.text


def test_no_persons_data_is_kept(tmp_path: Path) -> None:
    made = csv(people(300), tmp_path)
    everything = made.text + " ".join(str(one) for one in made.findings)
    assert "张" not in everything
    assert "1101051970" not in everything


def test_a_sample_is_called_one(tmp_path: Path) -> None:
    made = csv(people(300), tmp_path, rows=100)
    assert "the first 100 rows" in told(made, "decide-limits")[0]
    assert "the first 100 rows" in told(made, "decide-key")[0]
    assert "all 300 rows" in told(csv(people(300), tmp_path, rows=5000), "decide-limits")[0]


def test_what_the_first_rows_do_not_show_is_still_seen(tmp_path: Path) -> None:
    rows = [f"{i},{i % 10}" for i in range(SAMPLE + 10)]
    rows[SAMPLE + 5] = "x,"
    made = read(csv("a,b\n" + "\n".join(rows) + "\n", tmp_path))
    assert shape(made.field("a"))["type"] == "string"
    assert shape(made.field("b")) == {"type": "integer", "minimum": 0, "maximum": 9}
    assert not made.field("b").required


def test_identifiers_are_no_numbers_and_mixed_forms_are_told(tmp_path: Path) -> None:
    rows = [f"{i:05d},1390000{i:04d},{i},{'2020-01-01' if i else '昨天'},{i / 4}" for i in range(100)]
    made = csv("a,手机号,n,日子,q\n" + "\n".join(rows), tmp_path)
    table = read(made)
    assert shape(table.field("a")) == {"type": "string", "minLength": 5, "maxLength": 5, "pattern": "^[0-9]{5}$"}
    assert shape(table.fields[1])["type"] == "string"
    assert shape(table.field("n"))["type"] == "integer"
    assert shape(table.field("q"))["multipleOf"] == 0.01
    assert told(made, "import-odd-value") == ["日子: 1 of 100 values are not a date; the draft says string"]


@pytest.mark.parametrize(
    ("value", "form"),
    [("2020-02-29", ""), ("20200229", "yyyyMMdd"), ("2020/2/29", "yyyy/M/d"), ("2020年2月29日", "yyyy年M月d日")],
)
def test_dates_in_many_forms(value: str, form: str, tmp_path: Path) -> None:
    field = read(csv("k,当日\n" + "".join(f"k{i},{value}\n" for i in range(9)), tmp_path)).fields[1]
    assert shape(field).get("x-date-format", "") == form
    assert form or shape(field) == {"type": "string", "format": "date"}
    wrong = value.replace("29", "30")
    assert (
        shape(read(csv("k,当日\n" + "".join(f"k{i},{wrong}\n" for i in range(9)), tmp_path)).fields[1]).get(
            "x-date-format"
        )
        is None
    )


def test_pairs_of_columns_as_key(tmp_path: Path) -> None:
    rows = "".join(f"{a},{b},x\n" for a in range(10) for b in range(10))
    made = csv("left,right,c\n" + rows, tmp_path)
    assert read(made).primary_key == ("left", "right")
    assert told(made, "decide-key") == ["left + right differs in all 100 rows, so the draft takes it as the key"]


def test_separators_quotes_and_rows_that_do_not_fit(tmp_path: Path) -> None:
    made = csv('a;b\n"x;1";"say ""so"""\n' + "y;z\n" * 40 + "1;2;3\n", tmp_path)
    assert [field.name for field in read(made).fields] == ["a", "b"]
    lost = [one for one in made.findings if one.rule == "import-lost"]
    assert [(one.message, one.line) for one in lost] == [
        ("1 rows do not have the columns of the header; the first is in line 43", 43)
    ]


def test_headers_that_are_none_empty_or_twice(tmp_path: Path) -> None:
    made = csv("1,2020-01-01\n2,2020-01-02\n", tmp_path)
    assert [field.name for field in read(made).fields] == ["column1", "column2"]
    assert "no header" in told(made, "import-odd-value")[0]
    made = csv("a,A,\n1,2,3\n4,5,6\n", tmp_path)
    assert [field.name for field in read(made).fields] == ["a", "A_2", "column3"]
    assert len(told(made, "import-odd-value")) == 2
    made = csv("甲,乙\n", tmp_path)
    assert "no rows" in told(made, "import-odd-value")[0]


def test_parquet(tmp_path: Path) -> None:
    rows = 100
    table = pa.table(
        {
            "id": list(range(rows)),
            "公民身份号码": ["11010519000101001X"] * rows,
            "day": [date(2020, 1, 1 + i % 20) for i in range(rows)],
            "money": pa.array([Decimal("1.25")] * rows, pa.decimal128(10, 2)),
            "inside": [{"a": 1, "b": ["x"]}] * rows,
            "numbers": [[1, 2]] * rows,
            "at": pa.array([datetime(2020, 1, 1)] * rows, pa.timestamp("us", "UTC")),
            "maybe": [None, 1.5] * (rows // 2),
            "flag": [True] * rows,
            "raw": [b"x"] * rows,
        }
    )
    path = tmp_path / "t.parquet"
    pq.write_table(table, path)
    assert source_of(path) is Source.PARQUET
    (made,) = drafts(path, department="police", name="things")
    STANDARD.validate(dict(made.contract))
    assert made.id == "police.things"
    found = read(made)
    assert found.primary_key == ("id",)
    assert shape(found.field("id")) == {"type": "integer", "minimum": 0, "maximum": 99}
    assert found.field("GMSFHM").element == "GMSFHM"
    assert shape(found.field("day")) == {
        "type": "string",
        "format": "date",
        "x-minimum": "2020-01-01",
        "x-maximum": "2020-01-20",
    }
    assert shape(found.field("money")) == {"type": "number", "multipleOf": 0.01, "minimum": 1.25, "maximum": 1.25}
    assert shape(found.field("inside"))["properties"]["b"]["items"]["type"] == "string"
    assert shape(found.field("numbers"))["items"]["type"] == "integer"
    assert shape(found.field("at")) == {"type": "string", "format": "date-time"}
    assert shape(found.field("raw")) == {"type": "string", "format": "binary"}
    assert not found.field("maybe").required


@pytest.mark.parametrize(
    ("data", "kind", "word"),
    [
        (b"", "csv", "empty"),
        (b"\n\n\n", "csv", "no columns"),
        (b"a,b\n\xff\xff\x81", "csv", "neither UTF-8 nor GB18030"),
        (b"PAR1 broken PAR1", "parquet", "no parquet file"),
        (b"a,b\n1,2\n", "parquet", "no parquet file"),
    ],
)
def test_what_is_no_table_is_refused(data: bytes, kind: str, word: str, tmp_path: Path) -> None:
    path = tmp_path / "x.dat"
    path.write_bytes(data)
    with pytest.raises(SpecError, match=word) as caught:
        read_table(path, kind)
    assert caught.value.findings[0].rule == "import-unreadable"


@pytest.mark.parametrize(
    "data", [b"\x00" * 500, b'a,b\n"' + b"x" * 100_000, b"a,b\r1,2\r3,4\r", b'"', b"a" * 100_000, b"a\n'\n\"\n"]
)
def test_hostile_files_end(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(data)
    with contextlib.suppress(SpecError):
        made = read_table(path, "csv")
        assert specs.read(made.text.encode(), "x.yaml").tables


def test_names_with_quotes_reach_no_sql(tmp_path: Path) -> None:
    made = csv('a\'b,c""d,e;--\n' + "1,2,3\n" * 50, tmp_path)
    assert len(read(made).fields) == 3


def test_a_table_as_people_export_it(tmp_path: Path) -> None:
    """Titles above the header, line ends of two kinds, digits Excel lost, signs that make Excel see a text."""
    text = (
        "参保人员名单,,\r\n导出时间：2024-05-01,,\n公民身份号码,工号,应缴\r\n"
        "1.10105E+17,'001,\"1,234.50\"\n11010519900307123X,'002,900元\r\n"
    )
    made = csv(text, tmp_path)
    assert [field.title["zh_CN"] for field in read(made).fields] == ["公民身份号码", "工号", "应缴"]
    assert any("1 values are written like 1.1E+17" in one for one in told(made, "import-lost"))
    assert any("2 values begin with '" in one for one in told(made, "import-odd-value"))
    assert any("separators" in one for one in told(made, "decide-type"))
    assert ["参保人员名单" in one for one in told(made, "import-skipped")] == [True, False]


@pytest.mark.parametrize("text", ["sep=;\na;b\n1;x\n", "a\tb\n1\tx\n", "a|b\n1|x\n"])
def test_the_delimiter_is_found(text: str, tmp_path: Path) -> None:
    assert [field.name for field in read(csv(text, tmp_path)).fields] == ["a", "b"]


def test_utf_16_without_a_mark_and_a_web_page(tmp_path: Path) -> None:
    assert [field.name for field in read(csv("a,b\n1,甲\n".encode("utf-16-le"), tmp_path)).fields] == ["a", "b"]
    with pytest.raises(SpecError, match="web page"):
        csv("<html><body>登录</body></html>", tmp_path)


def test_types_of_parquet_nobody_else_has(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    rows: dict[str, Any] = {
        "much": pa.array([Decimal("12345678901234567.89")], pa.decimal128(38, 2)),
        "map": pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int32())),
        "deep": pa.array([[[{"a": 1}]]], pa.list_(pa.list_(pa.struct({"a": pa.int32()})))),
        "nan": pa.array([float("nan")]),
        "span": pa.array([1], pa.duration("s")),
    }
    pq.write_table(pa.table(rows), path)
    made = read_table(path, "parquet", department="police")
    STANDARD.validate(dict(made.contract))
    fields = {field.name: shape(field) for field in read(made).fields}
    assert fields["much"] == {"type": "number", "multipleOf": 0.01}  # a limit of it would not be the value
    assert fields["deep"]["items"]["items"]["properties"] == {"a": {"type": "integer", "x-physical-type": "INTEGER"}}
    assert "minimum" not in fields["nan"]
    assert any("MAP(VARCHAR, INTEGER)" in one for one in told(made, "decide-type"))


def test_an_interval_is_no_integer(tmp_path: Path) -> None:
    import duckdb

    path = tmp_path / "x.parquet"
    duckdb.connect().execute(f"COPY (SELECT INTERVAL 1 DAY AS i, DATE 'infinity' AS d) TO '{path}' (FORMAT parquet)")
    made = read_table(path, "parquet", department="police")
    fields = {field.name: shape(field) for field in read(made).fields}
    assert fields["i"] == {"type": "string"}
    assert fields["d"] == {"type": "string", "format": "date"}
