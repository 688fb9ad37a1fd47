"""Dirt on request: the same cells for any partitioning, a ledger that is the whole truth, a suite that sees it."""

import json
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from mockdata.cli import app
from mockdata.defects import DefectsError, read_defects, spoiled
from mockdata.defects.ledger import entries, write_ledger
from mockdata.defects.score import ScoreError, score
from mockdata.defects.visible import Sight
from mockdata.identifiers import why_not_citizen_number
from mockdata.population import Population
from mockdata.quality import quality
from mockdata.quality.expectations import suite
from mockdata.tables.generate import generate
from mockdata.tables.plan import plan
from mockdata.tables.recipes import PlanError
from mockdata.tables.write import write
from specs import library
from specs.reading import read

ROWS = 2000
CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: tax.shop
version: 1.0.0
status: active
schema:
  - name: customers
    logicalType: object
    properties:
      - {name: id, logicalType: string, primaryKey: true, logicalTypeOptions: {pattern: '^C[0-9]{6}$'}}
  - name: bills
    logicalType: object
    properties:
      - {name: no, logicalType: string, primaryKey: true, logicalTypeOptions: {pattern: '^B[0-9]{6}$'}}
      - {name: customer, logicalType: string, required: true, relationships: [{to: customers.id}]}
      - {name: tax_payer, logicalType: string, required: true, customProperties: [{property: element, value: TYSHXYDM}],
         logicalTypeOptions: {pattern: '^[0-9A-Z]{18}$'}}
      - {name: kind, logicalType: string, required: true, enum: [{value: a}, {value: b}]}
      - {name: sum, logicalType: number, required: true, logicalTypeOptions: {multipleOf: 0.5, minimum: 1, maximum: 90}}
      - {name: pieces, logicalType: integer, required: true, logicalTypeOptions: {minimum: 1, maximum: 60}}
      - {name: due, logicalType: date, required: true}
      - {name: paid, logicalType: date, required: true}
      - {name: at, logicalType: timestamp, required: true}
      - {name: open, logicalType: boolean, required: true}
"""
EVERYTHING = (
    "missing=0.02,duplicate=0.01,displaced=0.02,late=0.02,swapped@due+paid=0.03,malformed=0.05,code=0.04,range=0.03,"
    "unit=0.02,dangling=0.02"
)


@pytest.fixture(scope="module")
def shop():
    return read(CONTRACT.encode(), "shop.odcs.yaml")


@pytest.fixture(scope="module")
def bills(shop):
    return plan(shop, "bills", seed=5, parent_rows=500)


@pytest.fixture(scope="module")
def dirty(shop, bills):
    return spoiled(bills, read_defects(EVERYTHING), shop, shop.table("bills"), rows=ROWS)


def table(made, rows=ROWS):
    return pa.Table.from_batches(generate(made, 0, rows))


def ledger(made, interface, name, rows=ROWS):
    known = interface.table(name)
    return entries(made.finish, known, Sight(suite(interface, known)), 0, rows)


def test_any_partitioning_gives_the_same_dirt(dirty, shop):
    whole = table(dirty)
    cuts = [0, 1, 63, 64, 700, 1999, ROWS]
    parts = [batch for low, high in pairwise(cuts) for batch in generate(dirty, low, high, 256)]
    assert pa.Table.from_batches(parts).equals(whole)
    known, sight = shop.table("bills"), Sight(suite(shop, shop.table("bills")))
    pieces = [entries(dirty.finish, known, sight, low, high) for low, high in pairwise(cuts)]
    assert pa.concat_tables(pieces).equals(ledger(dirty, shop, "bills"))


def test_the_ledger_is_the_whole_truth(bills, dirty, shop):
    clean, made = table(bills).to_pylist(), table(dirty).to_pylist()
    told = ledger(dirty, shop, "bills").to_pylist()
    assert {entry["kind"] for entry in told} == {
        "missing", "duplicate", "displaced", "late", "swapped", "malformed", "code", "range", "unit", "dangling",
    }  # fmt: skip
    rows = {entry["row"]: int(entry["form"].split()[1]) for entry in told if entry["column"] is None}
    assert [made[row] for row in rows] == [clean[source] for source in rows.values()]
    clean = [made[row] if row in rows else record for row, record in enumerate(clean)]
    keys = [record["no"] for record in clean]
    for entry in told:
        if entry["column"] is not None:
            row, name = entry["row"], entry["column"]
            assert entry["key"] == keys[row]
            assert clean[row][name] != made[row][name], entry
            right = clean[row][name]
            if isinstance(right, float):
                assert float(entry["original"]) == right
            else:
                assert str(right)[:10].lower() == entry["original"][:10].lower()
            clean[row][name] = made[row][name]
    assert clean == made  # nothing else was touched


def test_each_kind_is_what_it_says(bills, dirty, shop):
    told = ledger(dirty, shop, "bills").to_pylist()
    customers = set(table(bills.parents["tax.shop#customers"], 500)["id"].to_pylist())
    for entry in told:
        wrong, right = entry["spoiled"], entry["original"]
        match entry["kind"]:
            case "missing":
                assert wrong in (None, "")
            case "late":
                assert wrong > right
            case "code":
                assert wrong not in ("a", "b")
                assert entry["visible"]
            case "range":
                assert entry["visible"]
            case "dangling":
                assert wrong not in customers
                assert not entry["visible"]
            case "swapped":
                assert entry["form"] == "due+paid"
                assert not entry["visible"]
            case "unit":
                assert entry["form"][0] in "×÷"


def test_rates_are_kept(shop, bills):
    made = spoiled(bills, read_defects("missing@kind=0.1,code@kind=0.3,duplicate=0.05"), shop, shop.table("bills"))
    told = ledger(made, shop, "bills", 20_000)
    counts = {entry["values"]: entry["counts"] for entry in told["kind"].value_counts().to_pylist()}
    assert counts["duplicate"] == pytest.approx(1000, rel=0.15)
    assert counts["missing"] == pytest.approx(1800, rel=0.15)
    assert counts["code"] == pytest.approx(5400, rel=0.1)
    cells = [(entry["row"], entry["column"]) for entry in told.to_pylist()]
    assert len(set(cells)) == len(cells)  # one defect a cell


def test_a_duplicate_repeats_a_record_that_is_there(shop, bills):
    made = spoiled(bills, read_defects("duplicate=0.4,displaced=0.2,missing@kind=1"), shop, shop.table("bills"))
    moved = made.finish.moved(0, ROWS)
    copies = moved.kinds == "duplicate"
    assert copies.sum() > 100
    assert not set(moved.sources[copies]) & set(moved.rows)
    rows = table(made).to_pylist()
    assert all(rows[row] == rows[source] for row, source in zip(moved.rows[copies], moved.sources[copies], strict=True))


def test_malformed_takes_every_form(bills, shop):
    made = spoiled(bills, read_defects("malformed@tax_payer=1"), shop, shop.table("bills"))
    told = ledger(made, shop, "bills")
    assert set(told["form"].to_pylist()) == {"check-digit", "pattern", "truncated", "encoding", "blanks", "full-width"}
    assert told.num_rows > 0.97 * ROWS  # a code without a digit has no full width
    assert all(entry["visible"] for entry in told.to_pylist() if entry["form"] != "check-digit")
    only = spoiled(bills, read_defects("malformed.truncated@no=1"), shop, shop.table("bills"))
    assert pc.max(pc.utf8_length(table(only)["no"])).as_py() < 7


@pytest.mark.parametrize("format", ["csv", "jsonl"])
def test_text_among_numbers_and_dates(shop, bills, format, tmp_path):
    defects = read_defects("type@sum+due+at+open+pieces=0.2,missing@sum=0.1")
    made = spoiled(bills, defects, shop, shop.table("bills"), format=format)
    target = tmp_path / f"bills.{format}"
    write(made, 200, target, format)
    told = {(e["row"], e["column"]): e for e in ledger(made, shop, "bills", 200).to_pylist()}
    clean = table(bills, 200).to_pylist()
    if format == "jsonl":
        lines = [json.loads(line) for line in target.read_text("utf-8").splitlines()]
        for row, line in enumerate(lines):
            for name in ("sum", "pieces", "open"):
                if (row, name) not in told:
                    assert line[name] == clean[row][name]  # a number is still a number
                elif told[row, name]["kind"] == "type":
                    assert line[name] == told[row, name]["spoiled"]
    else:
        lines = pa.csv.read_csv(target).to_pylist()
        assert {lines[row][name] for (row, name), e in told.items() if e["kind"] == "type"} == {
            e["spoiled"] for e in told.values() if e["kind"] == "type"
        }


def test_a_spoiled_dataset_fails_on_exactly_the_spoiled_columns(tmp_path):
    interface = library.interfaces()["police.resident-register"]
    known = interface.tables[0]
    made = plan(interface, known, Population(3, 50_000))
    jobs, expected = [], []
    rules = {
        "clean.parquet": None,
        "several.parquet": "missing@HJDZ=0.01,code@MZDM=0.01,malformed@LXDH=0.01,duplicate=0.005,late@DJSJ=0.01",
        "hidden.parquet": "swapped.name-order@XM=0.02,late=0.01,displaced=0.02",
        "typed.csv": "type@DJSJ=0.01,malformed.full-width@HJXZQH=0.01",
    }
    for name, text in rules.items():
        target = tmp_path / name
        dirt = made
        if text is not None:
            dirt = spoiled(made, read_defects(text), interface, known, format=target.suffix[1:], rows=ROWS)
            expected.append(write_ledger(dirt.finish, interface, known, ROWS, target).failing_columns)
        else:
            expected.append(())
        write(dirt, ROWS, target, target.suffix[1:])
        jobs.append((target, interface, known))
    results = quality.check_all(jobs)
    assert [tuple(sorted(result.failed_columns)) for result in results] == expected
    assert expected == [(), ("GMSFHM", "HJDZ", "LXDH", "MZDM"), (), ("DJSJ", "HJXZQH")]


@pytest.mark.parametrize("rate", [0.0005, 0.05])
def test_unique_columns_fail_where_spoiled_keys_coincide(tmp_path, rate):
    interface = library.interfaces()["human-resources.employment-spells"]
    known = interface.tables[0]
    made = plan(interface, known, Population(3, 50_000))
    dirt = spoiled(made, read_defects(f"malformed.truncated@LDHTBH={rate}"), interface, known)
    told = write_ledger(dirt.finish, interface, known, ROWS, tmp_path / "spells.parquet")
    keys = table(dirt)["LDHTBH"].to_pylist()
    assert told.rows > 0
    assert told.failing_columns == (("LDHTBH",) if len(set(keys)) < ROWS else ())
    assert (len(set(keys)) < ROWS) == (rate > 0.01)


def test_citizen_numbers_dangle_in_right_form():
    interface = library.interfaces()["medical-insurance.insured-persons"]
    world = Population(3, 50_000)
    known = interface.tables[0]
    made = spoiled(plan(interface, known, world), read_defects("dangling=0.2"), interface, known)
    told = ledger(made, interface, "insured_persons", 500)
    numbers = pa.array(told["spoiled"].to_pylist())
    assert told.num_rows > 60
    assert (world.index_of(numbers) == -1).all()
    assert [why_not_citizen_number(number) for number in numbers.to_pylist()] == [None] * len(numbers)
    assert not any(told["visible"].to_pylist())


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "no defects"), ("missing", "no defect"), ("lost=0.1", "no kind"), ("missing=2", "between"),
        ("missing=x", "no defect"), ("malformed.upside-down=0.1", "no form"), ("duplicate@XM=0.1", "whole rows"),
        ("swapped@XM=0.1", "two columns"), ("nothing.yaml", "no such file"),
    ],
)  # fmt: skip
def test_defects_nobody_understands(text, word):
    with pytest.raises(DefectsError, match=word):
        read_defects(text)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("missing@nowhere=0.1", "no such column"), ("late@no=0.1", "only dates"), ("code@sum=0.1", "no code list"),
        ("range@kind=0.1", "no range"), ("dangling@kind=0.1", "foreign key"), ("type@sum=0.1", "one type"),
        ("malformed@kind=0.7,code@kind=0.5", "above 1"), ("malformed.check-digit@no=0.1", "no check character"),
        ("swapped@no+sum=0.1", "another type"), ("swapped.name-order=0.1", "alike enough"),
    ],
)  # fmt: skip
def test_defects_a_column_cannot_have(shop, bills, text, word):
    with pytest.raises(PlanError, match=word):
        spoiled(bills, read_defects(text), shop, shop.table("bills"))


def test_rules_from_a_file(tmp_path):
    path = tmp_path / "dirt.yaml"
    path.write_text(
        "salt: other\ndefects:\n- {kind: malformed, rate: 0.1, columns: ['no'], forms: [blanks, truncated]}\n"
    )
    assert read_defects(str(path)).to_json() == {"rules": ["malformed.blanks+truncated@no=0.1"], "salt": "other"}
    for wrong in ("[", "defects: []", "defects: [{kind: missing}]", "defects: [{kind: missing, rate: 1, colour: red}]"):
        path.write_text(wrong)
        with pytest.raises(DefectsError):
            read_defects(str(path))


def clean_up(made, told, share):
    """A cleaning tool that repairs the first `share` of the ledger's cells."""
    rows = made.to_pylist()
    for entry in told[: int(len(told) * share)]:
        if entry["column"] is not None:
            rows[entry["row"]][entry["column"]] = entry["original"]
    return rows


def test_scores(shop, bills, tmp_path):
    made = spoiled(bills, read_defects("missing@kind=0.05,malformed@no=0.03,code@kind=0.05"), shop, shop.table("bills"))
    target = tmp_path / "bills.csv"
    write(made, ROWS, target, "csv")
    write_ledger(made.finish, shop, shop.table("bills"), ROWS, target)
    told = ledger(made, shop, "bills").to_pylist()
    right = tmp_path / "right.csv"
    write(bills, ROWS, right, "csv")
    book = tmp_path / "bills.csv.defects.parquet"
    perfect = score(book, right)
    assert perfect.matched_by == "key"
    assert (perfect.total.precision, perfect.total.recall, perfect.total.spoiled) == (1.0, 1.0, len(told))
    lazy = score(book, target)
    assert (lazy.total.recall, lazy.total.precision, lazy.false_alarms) == (0.0, None, 0)
    # half the repairs, one wrong repair, five right cells broken, ten records thrown away
    half = pa.Table.from_pylist(clean_up(table(made), told, 0.5), schema=table(made).schema)
    kinds = half["kind"].to_pylist()
    wrong = next(e for e in reversed(told) if e["kind"] == "code")
    kinds[wrong["row"]] = "a" if wrong["original"] == "b" else "b"
    spoilt_rows = {e["row"] for e in told}
    fine = [row for row in range(ROWS) if row not in spoilt_rows]
    for row in fine[:5]:
        kinds[row] = "b" if kinds[row] == "a" else "a"
    half = half.set_column(3, "kind", pa.array(kinds)).take(np.setdiff1d(np.arange(ROWS), fine[-10:]))
    pq.write_table(half, tmp_path / "half.parquet")
    got = score(book, tmp_path / "half.parquet", target)
    assert (got.false_alarms, got.lost) == (5, 10)
    assert got.total.repaired == int(len(told) * 0.5)
    code = next(kind for kind in got.kinds if kind.kind == "code")
    assert code.changed == code.repaired + 1


def test_duplicates_are_repaired_by_leaving_them_out(shop, bills, tmp_path):
    made = spoiled(bills, read_defects("duplicate=0.02,displaced=0.02"), shop, shop.table("bills"), rows=ROWS)
    target = tmp_path / "bills.parquet"
    write(made, ROWS, target)
    write_ledger(made.finish, shop, shop.table("bills"), ROWS, target)
    book = target.with_name("bills.parquet.defects.parquet")
    got = {kind.kind: kind for kind in score(book, target).kinds}
    assert got["duplicate"].repaired == got["displaced"].repaired == 0
    seen, kept = set(), []
    for row in pq.read_table(target).to_pylist():
        if row["no"] not in seen:
            kept.append(row)
        seen.add(row["no"])
    pq.write_table(pa.Table.from_pylist(kept, schema=table(bills).schema), tmp_path / "unique.parquet")
    got = {kind.kind: kind for kind in score(book, tmp_path / "unique.parquet").kinds}
    assert got["duplicate"].recall == 1.0
    assert score(book, tmp_path / "unique.parquet").lost == 0


def test_what_cannot_be_scored(tmp_path):
    (tmp_path / "a.csv").write_text("a\n1\n")
    with pytest.raises(ScoreError, match="no such file"):
        score(tmp_path / "none.defects.parquet", tmp_path / "a.csv")
    with pytest.raises(ScoreError, match="no defect ledger"):
        score(tmp_path / "a.csv", tmp_path / "a.csv", tmp_path / "a.csv")


def test_the_command(tmp_path):
    run = CliRunner().invoke
    base = ["generate", "police.resident-register", "--rows", "300", "--population", "50000", "--out", str(tmp_path)]
    made = run(app, [*base, "--format", "csv", "--defects", "missing=0.02,duplicate=0.02"])
    assert made.exit_code == 0, made.stderr
    assert "defects: duplicate" in made.stdout
    data = tmp_path / "police.resident-register.residents.csv"
    manifest = json.loads((tmp_path / f"{data.name}.manifest.json").read_text())
    book = tmp_path / manifest["ledger"]["file"]
    assert manifest["origin"]["defects"]["rules"] == ["missing=0.02", "duplicate=0.02"]
    told = run(app, ["score", str(book), str(data), "--json"])
    assert json.loads(told.stdout)["kinds"][-1]["repaired"] == 0
    assert "recall" in run(app, ["score", str(book), str(data)]).stdout
    assert run(app, [*base, "--defects", "nonsense"]).exit_code == 2
    assert run(app, [*base, "--format", "csv", "--force"]).exit_code == 0
    assert not book.exists()  # clean again, so the old ledger is gone
    assert run(app, ["score", str(book), str(data)]).exit_code == 3
