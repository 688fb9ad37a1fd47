"""What fields mean: inferred from their names, words, values and neighbours; measured on fields labelled by hand."""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

import specs
from specs import elements
from specs.binding import CANDIDATE, CERTAIN, LIKELY, POSSIBLE, Binding, bindings
from specs.elements import spelling

ROOT = Path(__file__).parents[3]
LABELS = ROOT / "tests" / "data" / "binding" / "fields.csv"


def of(fields: dict[str, Any], title: str = "表") -> dict[str, Binding | None]:
    """The bindings of one object schema, by field."""
    made = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title, "properties": fields}
    interface = specs.read(json.dumps(made).encode(), "t.json")
    return {carrier.field.name: binding for carrier, binding in bindings(interface)}


def one(name: str, title: str = "", **schema: Any) -> Binding | None:
    """The binding of a field among two others with Chinese titles."""
    field = {"type": "string", **({"title": title} if title else {}), **schema}
    beside = {"type": "string", "title": "说不清的内容"}
    return of({name: field, "qita1": beside, "qita2": beside})[name]


def labelled(half: str) -> tuple[int, int, int, list[str]]:
    """Right, wrong and missed bindings of one half, and what was wrong."""
    found: dict[str, dict[str, tuple[str, Binding | None]]] = {}
    right = wrong = missed = 0
    told = []
    with LABELS.open(encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if row["half"] == half]
    for row in rows:
        document = row["document"]
        if document not in found:
            every = bindings(specs.read(ROOT / document), declared=False)
            found[document] = {carrier.pointer: (carrier.field.name, binding) for carrier, binding in every}
        name, binding = found[document].get(row["pointer"], ("", None))
        if name != row["name"]:  # the document was edited since: the field by its name
            name, binding = next((pair for pair in found[document].values() if pair[0] == row["name"]), ("", None))
        assert name == row["name"], f"{document} no longer has the field {row['name']}: label it anew"
        wanted = {None if one == "none" else elements.resolve(one)[1].id for one in row["element"].split("/")}
        got = binding.element.id if binding is not None and binding.confidence >= POSSIBLE else None
        right += got is not None and got in wanted
        wrong += got is not None and got not in wanted
        missed += None not in wanted and got not in wanted
        if got not in wanted:
            told.append(f"{document} {name}: {got} for {row['element']}")
    return right, wrong, missed, told


def test_the_labelled_set_is_large_and_its_halves_go_by_a_hash() -> None:
    with LABELS.open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) >= 300
    documents = {row["document"] for row in rows}
    assert len([name for name in documents if name.startswith("tests/data/openapi/")]) == 10
    assert len([name for name in documents if name.startswith("specs/library/")]) >= 10
    for row in rows:
        byte = hashlib.sha256(f"{row['pointer']} {row['name']}".encode()).digest()[0]
        assert row["half"] == ("tune" if byte % 2 == 0 else "held-out")
    assert sum(row["element"] == "none" for row in rows) >= len(rows) // 4


@pytest.mark.parametrize("half", ["tune", "held-out"])
def test_precision_and_recall_on_the_labelled_fields(half: str) -> None:
    right, wrong, missed, told = labelled(half)
    precision, recall = right / (right + wrong), right / (right + missed)
    print(f"\n{half}: precision {precision:.3f}, recall {recall:.3f} ({right} right, {wrong} wrong, {missed} missed)")
    assert precision >= 0.95, told
    assert recall >= 0.80, told


@pytest.mark.parametrize(
    ("name", "title", "meant"),
    [
        ("number", "公民身份号码", "GMSFHM"),
        ("SFZHM", "", "GMSFHM"),
        ("shenfenzhenghao", "", "GMSFHM"),
        ("chushengriqi", "", "CSRQ"),
        ("csrq", "出生日期", "CSRQ"),
        ("母亲身份证号", "", "MQ_GMSFHM"),
        ("mqsfzh", "", "MQ_GMSFHM"),
        ("mother_id_card_no", "", "MQ_GMSFHM"),
        ("dateOfBirth", "", "CSRQ"),
        ("DOB", "", "CSRQ"),
        ("contact-tel", "", "LXDH"),
        ("emailAddr", "", "DZYX"),
        ("applicantMobileNo", "", "SQR_LXDH"),
        ("fddbr", "法定代表人", "FR_XM"),
        ("legal_rep_name", "", "FR_XM"),
        ("a", "项目申请人的联系电话", "SQR_LXDH"),
        ("zcdz_yzbm", "", "YZBM"),
        ("b", "户籍所在地详细地址", "HJDZ"),
        ("c", "性别（1男2女）", "XBDM"),
        ("regCap", "注册资金", "ZCZB"),
    ],
)
def test_names_in_every_spelling(name: str, title: str, meant: str) -> None:
    binding = one(name, title)
    assert binding is not None
    assert binding.name == meant
    assert POSSIBLE <= binding.confidence < 1
    assert binding.reason


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("xm", "项目"),  # the initials of 姓名, but no name
        ("mc", "产品名称"),
        ("name", "文件名称"),
        ("id", ""),
        ("status", ""),
        ("type", ""),
        ("code", ""),
        ("date", ""),
        ("title", ""),
        ("productName", ""),
        ("plate_type_description", ""),
        ("网上办理地址", ""),
        ("数据来源ID", ""),
        ("email_label", ""),
        ("birthYear", ""),
        ("ipv4Address", ""),
        ("destMacAddr", ""),
        ("numberOfFiles", ""),
        ("eventTypeId", ""),
        ("reportingFacilityIdType", ""),
        ("taxIdentificationNumber", ""),
        ("congressionalDistrict", ""),
        ("FacDateLastInspectionState", ""),
        ("receiverName", ""),
        ("completionDate", ""),
        ("documentType", ""),
        ("item_type", ""),
        ("fee", ""),
        ("𠮷" * 50, ""),
        ("x" * 5000, ""),
        ("_" * 300, "（" * 300),
    ],
)
def test_what_looks_like_an_element_and_is_none(name: str, title: str) -> None:
    binding = one(name, title)
    assert binding is None or CANDIDATE <= binding.confidence < POSSIBLE


@pytest.mark.parametrize(
    ("name", "schema"),
    [
        ("issuers", {"description": "Count of issuer organizations."}),
        ("lastPenaltyDate", {"description": "The effective date of the most recent penalty."}),
        ("theme", {"description": "Supports `Birthday`, `Boy`."}),
        ("owner", {"description": "User's full name, or the ring group."}),
        ("country", {"pattern": "[A-Z]{2}"}),
        ("weekly_days", {"enum": ["1", "2", "3", "4", "5", "6", "7"]}),
    ],
)
def test_thin_evidence_is_none(name: str, schema: dict[str, Any]) -> None:
    binding = of({name: {"type": "string", **schema}, "other": {"type": "string"}}, "Record")[name]
    assert binding is None or binding.confidence < POSSIBLE or binding.element.id == "GJDQ", binding


def test_what_explains_an_error_is_no_remark() -> None:
    said = {"code": {"type": "string"}, "detail": {"type": "string", "title": "说明"}}
    assert of(said, "Problem 问题详情")["detail"].name == "CWXX"  # type: ignore[union-attr]
    assert of(said, "合同")["detail"].name == "BZ"  # type: ignore[union-attr]


def test_short_initials_need_chinese_around_them() -> None:
    english = of({name: {"type": "string"} for name in ("hh", "pcs", "tc", "quantity", "price", "weight")})
    assert all(binding is None or binding.confidence < POSSIBLE for binding in english.values())
    chinese = of({name: {"type": "string"} for name in ("xm", "sfzhm", "csrq", "lxdh", "hh")})
    assert [chinese[name].name for name in ("xm", "sfzhm", "hh")] == ["XM", "GMSFHM", "HH"]  # type: ignore[union-attr]


def test_neighbours_decide_what_a_name_is() -> None:
    text = {"type": "string"}
    person = of({"name": text, "gender": text, "dob": text, "address": text}, "Applicant")
    assert person["name"].name == "XM"  # type: ignore[union-attr]
    assert person["address"].name == "XZZXZ"  # type: ignore[union-attr]
    firm = of({"name": text, "capital": text}, "Company")
    assert firm["name"].name == "DWMC"  # type: ignore[union-attr]
    thing = of({"name": text, "price": text}, "Product")
    assert thing["name"] is None or thing["name"].confidence < POSSIBLE
    assert of({"make": text, "engineNo": text})["make"].name == "CLPP"  # type: ignore[union-attr]
    assert of({"make": text, "buy": text})["make"].confidence < POSSIBLE  # type: ignore[union-attr]
    both = of({"idType": text, "idNumber": text})
    assert both["idNumber"].name == "ZJHM"  # type: ignore[union-attr]


def test_values_speak_for_and_against() -> None:
    pattern = r"^\d{17}[\dXx]$"
    assert one("certNo", pattern=pattern).name == "GMSFHM"  # type: ignore[union-attr]
    assert one("contact", format="email").name == "DZYX"  # type: ignore[union-attr]
    assert one("kind", enum=["男", "女"]).name == "XBDM"  # type: ignore[union-attr]
    codes = list(elements.code_lists()["ethnic-group"].values)
    assert one("c1", enum=codes).name == "MZDM"  # type: ignore[union-attr]
    plain = one("sex", "性别")
    other = one("sex", "性别", enum=["M", "F", "X", "U"])
    foreign = one("sex", "性别", enum=["A1", "B2"])
    assert plain is not None
    assert other is not None
    assert foreign is not None
    assert foreign.confidence < other.confidence <= plain.confidence
    for schema in ({"type": "object"}, {"type": "array"}, {"type": "boolean"}):
        assert one("csrq", "出生日期", **schema) is None
    short = one("gmsfhm", "公民身份号码", maxLength=10)
    assert short is None or short.confidence < LIKELY


def test_a_pattern_nobody_can_afford_costs_nothing() -> None:
    slow = one("certNo", "证号", pattern="^(([0-9]+)+)+$")
    assert slow is None or slow.confidence < POSSIBLE
    assert one("gmsfhm", "公民身份号码", pattern="(((").name == "GMSFHM"  # type: ignore[union-attr]


def test_the_author_has_the_last_word() -> None:
    told = one("gmsfhm", "公民身份号码", **{"x-element": "none"})
    assert told is None
    told = one("whatever", "随便", **{"x-element": "MQ_XM"})
    assert told is not None
    assert (told.name, told.confidence, told.explicit) == ("MQ_XM", 1.0, True)
    assert one("gmsfhm", "公民身份号码", **{"x-element": "NOSUCHTHING"}) is None  # a lint rule tells of it


def test_the_name_of_a_column_says_whose_it_is() -> None:
    insured = one("XM", "参保人姓名")
    father = one("XM", "父亲姓名")
    assert insured is not None
    assert father is not None
    assert (insured.name, father.name) == ("XM", "FQ_XM")
    assert insured.confidence > CERTAIN


def test_the_same_answer_every_time() -> None:
    interface = specs.read(ROOT / "tests" / "data" / "openapi" / "in-ndhm-health-id.json")
    first = [(c.pointer, b and (b.name, b.confidence, b.reason)) for c, b in bindings(interface)]
    assert first == [(c.pointer, b and (b.name, b.confidence, b.reason)) for c, b in bindings(interface)]
    assert len({pointer for pointer, _ in first}) == len(first)


def test_pinyin_is_what_the_names_sound_like() -> None:
    assert spelling.FILE.read_text(encoding="utf-8") == spelling.spelled(), "run: python -m specs.elements.spelling"
    assert elements.spellings()["银行卡号"] == "yin hang ka hao"
