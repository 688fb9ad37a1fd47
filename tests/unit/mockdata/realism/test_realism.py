"""Realism reports: what is counted is right, what is off is said, and the page stands alone in both languages."""

from __future__ import annotations

import json
import re
from datetime import date
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from mockdata.cli import app
from mockdata.population import Population
from mockdata.population.figures import Marginal
from mockdata.population.template import HOUSEHOLDS, template
from mockdata.realism import measure
from mockdata.realism.dataset import profile
from mockdata.realism.page import page
from mockdata.realism.report import spread_out
from mockdata.tables.plan import plan
from mockdata.tables.write import write
from specs import library
from specs.reading import read

RESIDENTS = library.interfaces()["police.resident-register"]


def run(*arguments):
    return CliRunner().invoke(app, ["realism", *map(str, arguments)])


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("rows", "count"), [(7, 100), (100, 100), (1_000_000, 1_400_000_000), (3, 1_400_000_001)])
def test_persons_are_spread_evenly_whatever_the_chunk(rows, count):
    whole = spread_out(0, min(rows, 1_000), rows, count)
    assert whole.tolist() == [int((2 * at + 1) * Fraction(count, 2 * rows)) for at in range(len(whole))]
    parts = [spread_out(low, high, rows, count) for low, high in ((0, 2), (2, len(whole)))]
    assert np.array_equal(np.concatenate(parts), whole)


@pytest.mark.parametrize(
    ("expected", "found", "persons", "verdict"),
    [
        (0.5, 0.509, 10**6, "holds"), (0.5, 0.52, 10**6, "misses"), (0.02, 0.0205, 10_000, "open"),
        (0.02, 0.0205, 10**8, "misses"), (0.009, 0.5, 10**6, "shown"),
    ],
)  # fmt: skip
def test_a_verdict_weighs_the_tolerance_and_chance(expected, found, persons, verdict):
    assert Marginal("性别", "男", expected, found, "", persons=persons).verdict == verdict


def test_everybody_counted_one_by_one_gives_the_same():
    people = Population("realism", 3_000)
    report = measure(people, 3_000)
    found = {(one.distribution, one.group): one.found for one in report.marginals}
    columns = people.persons(
        range(3_000), ["sex", "education", "household_kind", "address", "household_number", "name"]
    )
    told = {name: np.array(column.to_pylist()) for name, column in columns.items()}
    assert found["性别", "男"] == pytest.approx((told["sex"] == "1").mean())
    assert found["受教育程度", "大专及以上"] == pytest.approx(np.isin(told["education"], ["10", "20", "30"]).mean())
    assert found["户别", "集体户人口"] == pytest.approx((told["household_kind"] == "2").mean())
    assert found["城乡", "城镇人口"] == pytest.approx(np.mean([not one.endswith("组") for one in told["address"]]))
    assert found["姓氏单列", "王"] == pytest.approx(np.mean([name.startswith("王") for name in told["name"]]))
    family = told["household_number"][told["household_kind"] == "1"]
    homes, sizes = np.unique(family, return_counts=True)
    assert found["家庭户规模", "2人户"] == pytest.approx((sizes == 2).mean())
    assert found["平均家庭户规模", "人/户"] == pytest.approx(len(family) / len(homes))
    ages = people.ages(np.arange(3_000))
    assert found["年龄段", "60岁及以上"] == pytest.approx((ages >= 60).mean())
    assert sum(map(sum, report.pyramid)) == pytest.approx(1)


def test_a_population_that_is_off_ends_with_one(folder):
    template("off", HOUSEHOLDS).sex[:] = 1
    try:
        result = run("--seed", "off", "--rows", 50_000, "--json")
        told = json.loads(result.stdout)
        assert (result.exit_code, told["success"]) == (1, False)
        missed = {(one["distribution"], one["group"]) for one in told["marginals"] if one["verdict"] == "misses"}
        assert missed >= {("性别", "男"), ("性别", "女"), ("出生性别比", "男（0–4岁）")}
        assert not {("年龄段", "0–14岁"), ("家庭户代数", "二代户")} & missed
        shown = run("--seed", "off", "--rows", 50_000, "--language", "en")
        assert (shown.exit_code, "misses: Sex: men" in shown.stdout) == (1, True)
    finally:
        template.cache_clear()


@pytest.mark.parametrize("language", ["zh_CN", "en"])
def test_the_page_stands_alone(folder, language):
    asked = ("--population", 100_000, "--rows", 100_000, "--language", language, "--out", "report.html")
    result = run(*asked)
    assert result.exit_code == 0, result.output
    text = Path("report.html").read_text("utf-8")
    assert text.count("<svg") == 11
    assert not re.search(r"https?:|<script|url\(|@import", text)
    words = re.sub(r"<[^>]+>|王|李|张|刘|陈|欧阳", " ", text.split("</style>")[1])
    chinese = re.findall(r"[\u4e00-\u9fff]+", re.sub(r"<title>[^<]*</title>", "", words))
    assert (len(chinese) > 300) == (language == "zh_CN")
    assert language == "zh_CN" or set("".join(chinese)) <= set(
        "".join(name for name in re.findall("[\u4e00-\u9fff]", text))
    )
    again = run(*asked)
    assert (again.exit_code, "exists already" in again.stderr) == (4, True)
    assert run(*asked, "--force").exit_code == 0
    assert Path("report.html").read_text("utf-8") == text
    assert sorted(path.name for path in folder.iterdir()) == ["report.html"]


def test_every_group_has_an_english_name():
    report = measure(Population("words", 20_000), 20_000)
    shown = page(report, "en")
    rows = re.findall(r'<th scope="row">([^<]*)</th>', shown)
    assert len(rows) > 100
    assert [row for row in rows if re.search(r"[\u4e00-\u9fff]", row) and row not in "王李张欧阳"] == []


def test_a_later_date_and_a_small_population_are_shown_and_not_held():
    assert measure(Population("later", 50_000), 20_000).free == "small"
    report = measure(Population("later", 50_000, date(2040, 1, 1)), 20_000)
    assert report.missed == ()
    assert {one.verdict for one in report.marginals} == {"shown"}
    assert [year.year for year in report.years] == list(range(2017, 2040))
    assert report.living == Population("later", 50_000, date(2040, 1, 1)).people.count


# ---- datasets -------------------------------------------------------------------------------------------------

CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: test.staff
name: staff
version: 1.0.0
status: active
schema:
  - name: staff
    properties:
      - {name: number, logicalType: string, authoritativeDefinitions: [{type: dataElement, url: GMSFHM}]}
      - {name: XBDM, logicalType: string, authoritativeDefinitions: [{type: dataElement, url: XBDM}]}
      - {name: hired, logicalType: date}
      - {name: pay, logicalType: number}
      - {name: gone, logicalType: string}
"""


@pytest.fixture
def staff(tmp_path):
    (tmp_path / "staff.odcs.yaml").write_text(CONTRACT, encoding="utf-8")
    interface = read(tmp_path / "staff.odcs.yaml")
    return interface, interface.tables[0]


def lines(kind):
    """Forty rows: two pays are no numbers, every fourth sex is missing, hired on forty days."""
    rows = []
    for at in range(40):
        number = f"1101051990{at % 12 + 1:02d}0100{at % 2}1"
        sex = "" if at % 4 == 3 else "12"[at % 2]
        pay = "much" if at < 2 else str(1000 + at)
        rows.append((number, sex, f"2020-01-{at % 28 + 1:02d}", pay, f"other {at % 3}"))
    if kind == "csv":
        return "number,XBDM,hired,pay,extra\n" + "".join(",".join(row) + "\n" for row in rows)
    names = ("number", "XBDM", "hired", "pay", "extra")
    made = [{n: v for n, v in zip(names, row, strict=True) if v} for row in rows]
    return "".join(json.dumps(row) + "\n" for row in made)


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_columns_of_a_file_are_profiled(tmp_path, staff, kind):
    file = tmp_path / f"staff.{kind}"
    file.write_text(lines(kind), encoding="utf-8")
    report = profile(file, *staff, date(2026, 11, 1))
    assert (report.rows, report.missing, report.foreign) == (40, ("gone",), ("extra",))
    column = {one.name: one for one in report.columns}
    assert column["number"].element == "GMSFHM"
    assert (column["XBDM"].nulls, column["XBDM"].distinct, column["XBDM"].exact) == (10, 2, True)
    assert [(bar.label, bar.rows) for bar in column["XBDM"].bars] == [("1", 20), ("2", 10)]
    assert (column["pay"].unreadable, float(column["pay"].least), float(column["pay"].most)) == (2, 1002, 1039)
    assert column["pay"].histogram
    assert sum(bar.rows for bar in column["pay"].bars) == 38
    assert (column["hired"].least, column["hired"].distinct) == ("2020-01-01", 28)
    assert sum(bar.rows for bar in column["hired"].bars) == 40
    assert [bar.rows for bar in column["extra"].bars] == [14, 13, 13]
    found = {(one.distribution, one.group): one.found for one in report.marginals}
    # sex has a column of its own, ages and provinces follow from the number
    assert found["性别", "男"] == pytest.approx(2 / 3)
    assert found["年龄", "35–39岁"] == 1
    assert found["省份", "北京市"] == 1
    assert {one.verdict for one in report.marginals} == {"shown"}


def test_a_dataset_of_parts_agrees_with_its_population(tmp_path):
    people = Population("parts", 60_000)
    target = tmp_path / "residents.parquet"
    write(plan(RESIDENTS, None, people), 20_000, target, part_rows=8_000)
    report = profile(target, RESIDENTS, RESIDENTS.tables[0], date(2026, 11, 1))
    assert (report.rows, report.missing, report.foreign) == (20_000, (), ())
    column = {one.name: one for one in report.columns}
    assert (column["GMSFHM"].distinct, column["GMSFHM"].bars) == (20_000, ())
    found = {(one.distribution, one.group): one for one in report.marginals}
    assert abs(found["性别", "男"].relative) < 0.02
    assert abs(found["姓氏", "前5姓"].relative) < 0.06
    assert abs(found["年龄段", "15–59岁"].relative) < 0.03


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["no.parquet", "--spec", "police.vehicles"], 3, "there is no such file"),
        (["broken.parquet", "--spec", "police.vehicles"], 3, "broken.parquet"),
        (["notes.txt", "--spec", "police.vehicles"], 3, ".jsonl"),
        (["broken.parquet"], 2, "--spec police.resident-register"),
        (["--spec", "police.vehicles"], 2, "say what DATA holds"),
        (["--out", "nowhere/page.html"], 4, "nowhere"),
        (["broken.parquet", "--spec", "police.vehicles", "--as-of", "soon"], 2, "yyyy-MM-dd"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(folder, arguments, code, words):
    for name in ("broken.parquet", "notes.txt"):
        Path(name).write_text("nothing of the kind", encoding="utf-8")
    result = run(*arguments)
    assert (result.exit_code, words in result.stderr) == (code, True), result.stderr
    assert sorted(path.name for path in folder.iterdir()) == ["broken.parquet", "notes.txt"]


def test_words_of_a_file_never_run(folder, staff):
    evil = "<script>alert(1)</script>"
    Path("staff.csv").write_text(f"number,XBDM,{evil}\n{evil},{evil},{evil}\n", encoding="utf-8")
    result = run("staff.csv", "--spec", "staff.odcs.yaml", "--out", "page.html")
    assert result.exit_code == 0, result.output
    text = Path("page.html").read_text("utf-8")
    assert "<script" not in text
    assert "&lt;script&gt;" in text
