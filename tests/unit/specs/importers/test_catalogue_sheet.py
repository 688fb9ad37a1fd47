"""The resource catalogue sheet both ways: as departments write it, and nothing lost."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import specs
from specs import library
from specs.entry import entry
from specs.exporters.catalogue_sheet import SHEET, block, catalogue_sheet
from specs.finding import SpecError
from specs.importers import reading
from specs.importers.catalogue_columns import COLUMNS, column_of, text_of, type_of, value_of
from specs.importers.draft import Draft
from specs.importers.excel import read_catalogue
from specs.lint import lint
from tests.unit.specs.standard import STANDARD

HEAD = [
    [
        "类",
        "项",
        "目",
        "细目",
        "信息资源名称",
        "信息资源代码",
        "信息资源提供方",
        "信息资源提供方代码",
        "信息资源摘要",
        "分类",
        "类型",
        "信息项名称",
        "数据类型",
        "长度",
        "信息项英文名",
        "共享类型",
        "共享条件",
        "共享方式",
        "是否向社会开放",
        "开放条件",
        "更新周期",
        "发布日期",
        "关联资源代码",
        "数据分级",
    ],
]
KEYS = [column.key for column in COLUMNS]
AT = {key: number for number, key in enumerate(KEYS)}


def workbook(rows: Sequence[Sequence[Any]], merged: Sequence[str] = (), title: str = "Sheet1") -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = title
    for row in rows:
        sheet.append(list(row))
    for block_ in merged:
        sheet.merge_cells(block_)
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


def drafts(data: bytes, folder: Path, name: str = "x.xlsx") -> tuple[Draft, ...]:
    path = folder / name
    path.write_bytes(data)
    return read_catalogue(path, department="health")


def interfaces(made: Sequence[Draft]) -> list[specs.Interface]:
    return [specs.read(draft.text.encode(), f"{draft.id}.yaml") for draft in made]


def said(made: Sequence[Draft]) -> list[str]:
    return [f"{one.rule} {one.message}" for draft in made for one in draft.findings]


def flat(**values: Any) -> list[Any]:
    row: list[Any] = [None] * len(KEYS)
    for key, value in values.items():
        row[AT[key]] = value
    return row


FLAT_HEAD = [
    "信息资源分类1",
    "信息资源分类2",
    "信息资源分类3",
    "信息资源分类4",
    *HEAD[0][4:9],
    "信息资源格式分类",
    "信息资源格式类型",
    *HEAD[0][11:],
]


# --- as departments write it


def test_a_sheet_as_it_comes(tmp_path: Path) -> None:
    top = [
        None,
        "信息资源分类",
        None,
        None,
        None,
        *HEAD[0][4:9],
        "信息资源格式",
        None,
        "信息项信息",
        None,
        None,
        "共享属性",
        None,
        None,
        "开放属性",
        None,
        "更新周期",
        "发布日期",
        "关联资源代码",
        "备注",
    ]
    top[0] = "序号"
    below = [
        None,
        "类",
        "项",
        "目",
        "细目",
        *[None] * 5,
        "分类",
        "类型",
        "信息项名称（必填）",
        "数据\n类型",
        "长度",
        "共享类型",
        "共享条件",
        "共享方式",
        "是否向社会开放",
        "开放条件",
        None,
        None,
        None,
        None,
    ]
    first = [
        1,
        "基础",
        "人口",
        None,
        None,
        "出生医学证明",
        "307010/001",
        "市卫健委",
        "11370800MB28559184",
        "出生证",
        3,
        "mysql",
        "出生证明编号",
        "字符型C",
        10,
        2,
        "共享范围：公安；使用用途：落户",
        "服务接口",
        "否",
        None,
        "每天",
        datetime(2024, 5, 1),
        "1/2;3/4",
        "甲",
    ]
    second = [None] * 12 + ["母亲姓名", "字符型", "50"] + [None] * 8 + ["乙"]
    third = [
        2,
        "基础",
        "人口",
        None,
        None,
        "死亡证明",
        "307010/002",
        "市卫健委",
        "11370800MB28559184",
        "死亡证",
        "数据库",
        None,
        "死亡日期",
        "日期型",
        None,
        "不予共享",
        "法律不许",
        "文件下载",
        "是",
        "登录",
        "实时",
        "2017年6月1日",
        None,
        None,
    ]
    note = ["填表说明：一行一个信息项"]
    rows = [["政务信息资源目录"], ["填报单位：市卫健委"], top, below, first, second, third, note]
    merged = [
        "A1:X1",
        "B3:E3",
        "K3:L3",
        "M3:O3",
        "P3:R3",
        "S3:T3",
        *(f"{c}3:{c}4" for c in "AFGHIJUVWX"),
        *(f"{c}5:{c}6" for c in "ABCDEFGHIJKLPQRSTUVW"),
        "A8:X8",
    ]
    made = drafts(workbook(rows, merged, "目录"), tmp_path)
    assert [draft.id for draft in made] == ["health.chu-sheng-yi-xue-zheng-ming", "health.si-wang-zheng-ming"]
    birth, death = interfaces(made)
    assert birth.findings == death.findings == ()
    found = entry(birth)
    assert found is not None
    assert (found.name["zh_CN"], found.code, found.uscc) == ("出生医学证明", "307010/001", "11370800MB28559184")
    assert (found.resource_kind, found.format_class, found.update_frequency) == ("基础/人口", "3", "2")
    assert (found.sharing_class, found.sharing_mode) == ("2", "service-interface")
    assert (found.scope["zh_CN"], found.use["zh_CN"], found.open_to_public) == ("公安", "落户", False)
    assert (found.issue_date, found.related, found.items) == ("2024-05-01", ("1/2", "3/4"), ("CSZMBH", "MQ_XM"))
    table = birth.tables[0]
    assert [(field.name, field.title["zh_CN"], field.element) for field in table.fields] == [
        ("CSZMBH", "出生证明编号", "CSZMBH"),
        ("MQ_XM", "母亲姓名", "MQ_XM"),
    ]
    assert table.field("CSZMBH").schema["maxLength"] == 10
    refused = entry(death)
    assert refused is not None
    assert (refused.sharing_class, refused.refusal_reason["zh_CN"], refused.issue_date) == (
        "3",
        "法律不许",
        "2017-06-01",
    )
    told = said(made)
    assert any("目录!A8" in one and "import-skipped" in one for one in told)
    assert any("序号, 备注" in one and one.startswith("import-kept") for one in told)
    again = [block(one) for one in (birth, death)]
    assert again[0].other == {"序号": "1"}
    assert [row.other for row in again[0].rows] == [{"备注": "甲"}, {"备注": "乙"}]
    assert again[0].rows[0].values == {"item_name": "出生证明编号", "item_type": "字符型C", "item_length": "10"}
    assert again[1].values["issue_date"] == "2017年6月1日"


def test_odd_cells_are_told_with_sheet_and_cell(tmp_path: Path) -> None:
    rows = [
        FLAT_HEAD,
        flat(
            name="甲",
            item_name="姓名",
            item_type="神秘型",
            uscc=1.13708e17,
            sharing_class="部分共享",
            update_frequency="偶尔",
            issue_date="2017年6月",
            classification="绝密",
        ),
        flat(name="甲", item_name="姓名", item_type="字符型", sharing_class="不予共享"),
        flat(name="乙", item_name="身高", item_type="数值型", sharing_class="无条件共享", conditions="须批准"),
    ]
    made = drafts(workbook(rows, title="表一"), tmp_path)
    told = said(made)
    for cell, word, rule in [
        ("H2", "last ones are lost", "import-lost"),
        ("P2", "部分共享", "import-odd-value"),
        ("P3", "不予共享", "import-conflict"),
        ("U2", "偶尔", "import-odd-value"),
        ("V2", "is no date", "import-odd-value"),
        ("X2", "绝密", "import-odd-value"),
        ("M2", "神秘型", "decide-type"),
        ("Q4", "须批准", "import-odd-value"),
    ]:
        assert any(f"表一!{cell}" in one and word in one and one.startswith(rule) for one in told), (cell, told)
    assert any("姓名 in row 2 and row 3" in one for one in told)
    places = {(one.pointer, one.line, one.column) for draft in made for one in draft.findings}
    assert ("/表一/P3", 3, 16) in places
    kept = block(interfaces(made)[0])
    assert (kept.values["sharing_class"], kept.values["issue_date"], kept.values["classification"]) == (
        "部分共享",
        "2017年6月",
        "绝密",
    )
    assert kept.rows[1].differs == {"sharing_class": "不予共享"}


def test_repeated_names_are_one_resource_and_a_department_is_asked_for(tmp_path: Path) -> None:
    rows = [
        ["资源名称", "信息项名称", "数据类型"],
        ["甲", "一", "C"],
        ["甲", "二", "N"],
        [None, "三", "D"],
        ["乙", "一", "C"],
    ]
    path = tmp_path / "x.xlsx"
    path.write_bytes(workbook(rows))
    made = read_catalogue(path)
    assert [draft.id for draft in made] == ["undecided.jia", "undecided.yi"]
    first = interfaces(made)[0].tables[0]
    assert [field.title["zh_CN"] for field in first.fields] == ["一", "二", "三"]
    assert [field.schema.get("type") for field in first.fields] == ["string", "number", "string"]
    assert sum(one.startswith("decide-department") for one in said(made)) == 2


def test_lint_names_the_open_points_of_a_draft(tmp_path: Path) -> None:
    made = drafts(workbook([["资源名称", "信息项名称", "数据类型"], ["甲", "数", "怪"]]), tmp_path)
    found = lint(interfaces(made)[0])
    told = " ".join(finding.message for finding in found)
    for word in ("legal basis (依据)", "sharing_class", "no primary key", "no sensitivity level", "the type '怪'"):
        assert word in told
    assert {finding.rule for finding in found} >= {"open-point", "incomplete-catalogue-entry", "missing-primary-key"}
    assert all(finding.line for finding in found)


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "is empty"),
        (b"PK\x03\x04 broken", "no .xlsx"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"0" * 600, "97"),
        (workbook([["a", "b"], [1, 2]]), "no sheet holds"),
        (workbook([]), "no sheet holds"),
        (workbook([["资源名称", "信息项名称"]]), "a header and no rows"),
        (b"\xd0\xcf\x11\xe0" + "EncryptedPackage".encode("utf-16-le"), "with a password"),
        (b"<html><table></table></html>", "web page"),
        (bytes(range(256)), "no .xlsx"),
    ],
)
def test_what_is_no_catalogue_is_refused(data: bytes, word: str, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=word) as caught:
        drafts(data, tmp_path)
    assert caught.value.findings[0].rule == "import-unreadable"


def test_a_bomb_and_a_damaged_part_are_refused(tmp_path: Path) -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/workbook.xml", b"0" * (200 * 1024 * 1024))
    with pytest.raises(SpecError, match="unpacks to"):
        drafts(made.getvalue(), tmp_path)
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook([FLAT_HEAD]))) as good, zipfile.ZipFile(made, "w") as bad:
        for part in good.infolist():
            bad.writestr(part.filename, good.read(part)[: 100 if "sheet1" in part.filename else None])
    with pytest.raises(SpecError, match="no workbook that can be read"):
        drafts(made.getvalue(), tmp_path)


def test_a_cell_is_never_a_formula(tmp_path: Path) -> None:
    made = drafts(workbook([["资源名称", "信息项名称", "备注"], ["甲", "一", "=1+1"], ["乙", "x", "y"]]), tmp_path)
    contract = made[0].contract
    assert contract["name"] == "甲"
    told = said(drafts(workbook([["资源名称", "信息项名称", "备注"], ["甲", "=A1", "x"]]), tmp_path))
    assert any("Sheet!B2" in one.replace("Sheet1", "Sheet") and "formula without" in one for one in told)
    evil = specs.read(
        b"{apiVersion: v3.1.0, kind: DataContract, id: a.b, version: '1', schema: [],"
        b" name: '=HYPERLINK(\"http://x\")'}",
        "x.yaml",
    )
    sheet = openpyxl.load_workbook(io.BytesIO(catalogue_sheet([evil])))[SHEET]
    cell = sheet.cell(4, AT["name"] + 1)
    assert (cell.value, cell.data_type) == ('=HYPERLINK("http://x")', "s")


def changed(data: bytes, *changes: tuple[bytes, bytes]) -> bytes:
    """A workbook with its first sheet's XML changed."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.infolist():
            text = old.read(part)
            for before, after in changes if part.filename.endswith("sheet1.xml") else ():
                assert before in text
                text = text.replace(before, after, 1)
            new.writestr(part.filename, text)
    return made.getvalue()


LITTLE = ["资源名称", "信息项名称", "数据类型"]


def test_hidden_headless_repeated_and_far_columns_are_kept_or_told(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append([*LITTLE, "备注", "备注", None, "code", *[None] * 200, "远"])
    sheet.append(["甲", "一", "C", "x", "y", "z", "w", *[None] * 200, "v"])
    sheet.append([None, "二", "C"])
    sheet.column_dimensions["D"].hidden = True
    sheet.row_dimensions[3].hidden = True
    book.create_sheet("藏").sheet_state = "veryHidden"
    made = io.BytesIO()
    book.save(made)
    found = drafts(made.getvalue(), tmp_path)
    row = block(interfaces(found)[0]).rows[0]
    assert row.other == {"备注": "x", "备注 (2)": "y", "列F": "z", "code": "w"}
    told = said(found)
    for word in ("hidden columns are taken over like the others: D", "hidden rows are taken over like the others: 3",
                 "the hidden sheet 藏", "Sheet!GZ1: 2 cells right of column GR are not read"):  # fmt: skip
        assert any(word in one for one in told), (word, told)


def test_a_million_empty_rows_and_a_header_on_every_page(tmp_path: Path) -> None:
    rows = [["目录"], LITTLE, ["甲", "一", "C"], ["目录"], LITTLE, ["甲", "二", "C"]]
    empty = b"".join(b'<row r="%d" s="1" customFormat="1"/>' % n for n in (9, 1048576))
    made = drafts(changed(workbook(rows), (b"</sheetData>", empty + b"</sheetData>")), tmp_path)
    assert [field.title["zh_CN"] for field in interfaces(made)[0].tables[0].fields] == ["一", "二"]
    assert any("2 row(s) repeat the header" in one for one in said(made))


def test_numbers_and_texts_as_excel_keeps_them(tmp_path: Path) -> None:
    rows = [[*LITTLE, "发布日期", "甲列", "乙列", "丙列"], ["甲", "一", "C", 45413, True, 7, "富"]]
    data = workbook(rows)
    rich = b"<is><r><t>\xe5\xaf\x8c</t></r><r><t>\xe6\x96\x87</t></r><rPh><t>x</t></rPh></is>"
    data = changed(data, (b"<is><t>\xe5\xaf\x8c</t></is>", rich), (b"<v>7</v>", b"<f>3+4</f><v>7.50</v>"))
    made = drafts(data, tmp_path)
    assert block(interfaces(made)[0]).rows[0].other == {"甲列": "是", "乙列": "7.5", "丙列": "富文"}
    hint = next(one.hint for one in made[0].findings if "is no date" in one.message)
    assert hint.startswith("Excel counts 2024-05-01 so")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030", "utf-16"])
def test_a_catalogue_saved_as_text(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "目录.csv"
    path.write_bytes("资源名称,信息项名称,数据类型\n甲,一,C\n甲,二,N\n".encode(encoding))
    made = reading.drafts(path, department="health")
    assert [draft.id for draft in made] == ["health.jia"]
    assert len(interfaces(made)[0].tables[0].fields) == 2


# --- both ways

WORD = st.text("甲乙丙丁戊己庚辛", min_size=1, max_size=6)
LINE = st.text("甲乙abc 012；，。/:-（）\n", min_size=1, max_size=14).map(str.strip).filter(bool)
NAME = st.text("子丑寅卯辰巳午未", min_size=2, max_size=5)
CHOICES: dict[str, st.SearchStrategy[str]] = {
    "sharing_class": st.sampled_from(
        ["1", "2", "3", "无条件共享", "有条件共享", "不予共享", "有条件", "02", "2-有条件共享", "怪"]
    ),
    "sharing_mode": st.sampled_from(["服务接口", "批量交换", "文件下载", "库表交换", "邮件"]),
    "update_frequency": st.sampled_from(["1", "实时", "每天", "每年", "不定期", "06"]),
    "format_class": st.sampled_from(["3", "数据库", "服务接口", "其他"]),
    "open_to_public": st.sampled_from(["是", "否", "1", "0", "不好说"]),
    "issue_date": st.sampled_from(["2024-05-01", "2024/5/1", "20240501", "2024年5月1日", "2024年5月", "昨天"]),
    "classification": st.sampled_from(["一般3级", "核心", "general-2", "内部"]),
    "conditions": LINE | st.builds("共享范围：{}；使用用途：{}".format, WORD, WORD),
    "item_type": st.sampled_from(
        ["字符型", "C", "varchar(50)", "日期型", "数值型N", "整型", "逻辑型", "通用型", "??", "字符型（18）"]
    ),
    "item_length": st.sampled_from(["18", "10,2", "..50", "0", "不限"]),
    "item_code": st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,7}", fullmatch=True),
}


VALUE = (
    WORD | st.integers(-99, 10**14) | st.booleans() | st.sampled_from([1.5, -0.25])
    | st.sampled_from([datetime(2024, 5, 1), datetime(2024, 5, 1, 8, 30)])
)  # fmt: skip
OWN = [("处室", "处室"), ("序号", "序号"), ("备注", "备注"), ("备注", "备注 (2)"), (None, "列AC"), ("code", "code"),
       ("item_name", "item_name"), ("共享方式", "共享方式"), ("_other", "_other")]  # fmt: skip
"""Columns the guide does not know: what stands above them, and the name they are kept under."""


@st.composite
def resources(draw: st.DrawFn) -> tuple[dict[str, str], list[dict[str, str]]]:
    own = {key: draw(CHOICES.get(key, LINE)) for key in KEYS if not key.startswith("item_") and draw(st.booleans())}
    items = [
        {key: draw(CHOICES.get(key, LINE)) for key in KEYS if key.startswith("item_") and draw(st.booleans())}
        | {"item_name": name}
        for name in draw(st.lists(LINE, max_size=3))
    ]
    return own, items


@st.composite
def books(draw: st.DrawFn) -> tuple[list[list[Any]], list[str]]:
    """A sheet with columns of its own, resources of several rows, their cells merged, repeated or left empty."""
    titles = draw(st.sampled_from([[], [["政务信息资源目录"]], [["目录"], ["填报单位：甲"]]]))
    rows: list[list[Any]] = [*titles, [*FLAT_HEAD, *(header for header, _ in OWN)]]
    merged: list[str] = []
    for name in draw(st.lists(NAME, min_size=1, max_size=3, unique=True)):
        own, items = draw(resources())
        own["name"] = name
        items = items or [{}]
        manner = draw(st.sampled_from(["merged", "repeated", "empty"]))
        top = len(rows) + 1
        for number, item in enumerate(items):
            shown = own if number == 0 or manner == "repeated" else {}
            rows.append([*flat(**shown, **item), *(draw(st.none() | VALUE) for _ in OWN)])
        if manner == "merged" and len(items) > 1:
            for key in own:
                letter = openpyxl.utils.get_column_letter(AT[key] + 1)
                merged.append(f"{letter}{top}:{letter}{top + len(items) - 1}")
    return rows, merged


def shown(value: Any) -> str:
    """What a cell says to a person."""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, datetime):
        return value.date().isoformat() if (value.hour, value.minute) == (0, 0) else str(value)
    return repr(value) if isinstance(value, float) and not value.is_integer() else str(value)


@settings(max_examples=40, deadline=None)
@given(books())
def test_excel_to_contract_to_excel_loses_nothing(
    tmp_path_factory: pytest.TempPathFactory, book: tuple[Any, Any]
) -> None:
    folder = tmp_path_factory.mktemp("book")
    rows, merged = book
    made = drafts(workbook(rows, merged), folder)
    read = interfaces(made)
    again = drafts(catalogue_sheet(read), folder, "again.xlsx")

    assert [_told(draft.contract) for draft in again] == [_told(draft.contract) for draft in made]
    # and every cell that was filled in stands in the blocks again, in its own words
    blocks = [block(one) for one in read]
    known = [{**one.values, **row.values, **row.differs} for one in blocks for row in one.rows]
    own = [{**one.other, **row.other} for one in blocks for row in one.rows]
    body = rows[1 + next(at for at, row in enumerate(rows) if row[: len(FLAT_HEAD)] == FLAT_HEAD) :]
    assert len(known) == len(own) == len(body)
    for number, row in enumerate(body):
        for key, cell in zip(KEYS, row, strict=False):
            assert cell is None or known[number].get(key) == shown(cell), (key, cell)
        for (_, name), cell in zip(OWN, row[len(KEYS) :], strict=True):
            assert cell is None or own[number].get(name) == shown(cell), (name, cell)


def _told(node: Any) -> Any:
    """A contract without where it was read, which open points name, too."""
    if isinstance(node, list):
        return [
            _told(one) for one in node if not (isinstance(one, dict) and one.get("property") in {"source", "openPoint"})
        ]
    if not isinstance(node, Mapping):
        return node
    made = {key: _told(value) for key, value in node.items()}
    return {key: value for key, value in made.items() if key != "customProperties" or value}


def test_the_library_goes_out_and_comes_back(tmp_path: Path) -> None:
    shipped = [one for one in library.interfaces().values() if one.kind is specs.Kind.DATASET]
    data = catalogue_sheet(shipped)
    assert data == catalogue_sheet(shipped)
    back = interfaces(drafts(data, tmp_path))
    assert len(back) == len(shipped)
    for before, after in zip(shipped, back, strict=True):
        old, new = entry(before), entry(after)
        assert old is not None
        assert new is not None
        for word in (
            "code",
            "uscc",
            "resource_kind",
            "format_class",
            "update_frequency",
            "sharing_class",
            "sharing_mode",
            "open_to_public",
            "issue_date",
            "related",
            "classification",
        ):
            assert getattr(old, word) == getattr(new, word), word
        for word in ("name", "abstract", "scope", "use"):
            assert getattr(old, word).get("zh_CN") == getattr(new, word).get("zh_CN")
        assert [(f.name, f.title["zh_CN"]) for t in before.tables for f in t.fields] == [
            (f.name, f.title["zh_CN"]) for f in after.tables[0].fields
        ]
    every = library.interfaces().values()
    made = drafts(catalogue_sheet(every), tmp_path)
    assert len(made) == sum(one.kind is not specs.Kind.PROCESS for one in every)


def test_the_sheet_looks_as_the_guide_has_it() -> None:
    sheet = openpyxl.load_workbook(io.BytesIO(catalogue_sheet([library.interfaces()["health.birth-records"]])))[SHEET]
    merged = {str(one) for one in sheet.merged_cells.ranges}
    assert {"A1:X1", "A2:D2", "J2:K2", "L2:O2", "P2:R2", "S2:T2", "E2:E3", "X2:X3"} <= merged
    rows = len(library.interfaces()["health.birth-records"].tables[0].fields)
    assert f"E4:E{3 + rows}" in merged
    assert [sheet.cell(3, at).value for at in range(12, 16)] == ["信息项名称", "数据类型", "长度", "信息项英文名"]


# --- headers and values


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.key)
def test_headers_are_known_in_every_spelling(column: Any) -> None:
    assert column_of(column.header, column.group) is column
    for other in column.other:
        found = column_of(other, column.group)
        assert found is column, other
    assert column_of(f" {column.header}（必填）*", column.group) is column


@pytest.mark.parametrize("key", ["sharing_class", "sharing_mode", "update_frequency", "format_class", "classification"])
def test_the_guides_own_words_mean_themselves(key: str) -> None:
    for text in ("1", "2", "有条件共享", "文件下载", "每季度", "数据库", "一般1级", "重要"):
        value = value_of(key, text)
        if value is not None:
            assert value_of(key, text_of(key, value)) == value
    assert value_of(key, "不知道") is None


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("varchar(50)", ("string", "50")),
        ("C18", ("string", "18")),
        ("C..50", ("string", "50")),
        ("数值型（10,2）", ("number", "10,2")),
        ("字符型C", ("string", "")),
        ("怪", ("", "")),
    ],
)
def test_types_in_the_ways_departments_write_them(text: str, made: tuple[str, str]) -> None:
    assert type_of(text) == made


def test_drafts_follow_the_standard(tmp_path: Path) -> None:
    rows = [
        FLAT_HEAD,
        flat(name="甲", item_name="身高 (厘米)", item_type="怪", item_length="x", conditions="y"),
        flat(item_name="-"),
    ]
    for draft in drafts(workbook(rows), tmp_path):
        STANDARD.validate(dict(draft.contract))
