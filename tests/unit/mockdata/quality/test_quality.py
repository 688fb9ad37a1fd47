"""Great Expectations judges files: good ones pass, and every kind of spoiling fails on exactly its column."""

import json
import subprocess
import sys

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from mockdata.population import Population
from mockdata.quality import quality
from mockdata.quality.expectations import Expectation, suite
from mockdata.tables import write
from mockdata.tables.generate import generate
from mockdata.tables.plan import plan
from specs import library
from specs.reading import read

ROWS = 2000
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
      - {name: owner, logicalType: string, required: true, customProperties: [{property: element, value: GMSFHM}]}
      - {name: kind, logicalType: string, required: true, enum: [{value: a}, {value: b}]}
      - {name: sum, logicalType: number, required: true, logicalTypeOptions: {multipleOf: 0.25, maximum: 900}}
      - {name: note, logicalType: string, required: true, logicalTypeOptions: {minLength: 2, maxLength: 40}}
      - {name: due, logicalType: date, required: true}
      - {name: at, logicalType: timestamp, required: true}
      - {name: odd, logicalType: string, required: true, logicalTypeOptions: {pattern: '^(?!x)[a-z]{3}$'}}
    quality:
      - {type: sql, name: no weekends before 2000, mustBe: 0,
         query: "SELECT COUNT(*) FROM ${table} WHERE due < DATE '2000-01-01' AND strftime(due, '%H:%M') = '00:00'"}
      - {type: sql, name: many kinds, mustBeGreaterThan: 1, severity: warning,
         query: 'SELECT COUNT(DISTINCT kind) FROM ${table}'}
"""
READS = "COUNT(*) FROM read_text(''/etc/hostname'')"  # the doubled quotes are YAML's
LIBRARY = (
    "police.resident-register", "civil-affairs.marriage-records", "health.birth-records",
    "medical-insurance.insured-persons", "health.death-records", "police.vehicles",
    "human-resources.employment-spells", "human-resources.contributions",
)  # fmt: skip


def put(table, name, row, value):
    """The table with one cell replaced."""
    values = table[name].to_pylist()
    values[row] = value
    return table.set_column(table.schema.get_field_index(name), name, pa.array(values, table.schema.field(name).type))


def flipped(number):
    return number[:17] + ("1" if number[17] != "1" else "2")


SPOILED = {
    "id twice": (lambda t: put(t, "id", 7, t["id"][8].as_py()), {"id": "unique"}),
    "id pattern": (lambda t: put(t, "id", 7, "ab123456"), {"id": "pattern"}),
    "check digit": (lambda t: put(t, "owner", 7, flipped(t["owner"][7].as_py())), {"owner": "check digit"}),
    "code": (lambda t: put(t, "kind", 7, "z"), {"kind": "code list"}),
    "missing": (lambda t: put(t, "kind", 7, None), {"kind": "required"}),
    "step": (lambda t: put(t, "sum", 7, 0.1), {"sum": "multiple"}),
    "range": (lambda t: put(t, "sum", 7, 900.25), {"sum": "range"}),
    "length": (lambda t: put(t, "note", 7, "x"), {"note": "length"}),
    "type": (
        lambda t: t.set_column(5, "due", pc.cast(t["due"], pa.string())),
        {"due": "type DATE", None: "no weekends before 2000"},
    ),
    "columns": (lambda t: t.append_column("extra", t["id"]), {None: "columns"}),
    "rows": (lambda t: t.slice(0, ROWS - 1), {None: "rows of the manifest"}),
}


@pytest.fixture(scope="module")
def rolls():
    return read(CONTRACT.encode(), "rolls.odcs.yaml")


@pytest.fixture(scope="module")
def population():
    return Population(6, 60_000)


@pytest.fixture(scope="module")
def judge():
    """One judge for all: it takes seconds to start."""
    with quality.Judge() as judge:
        yield judge
    assert judge._process is None


@pytest.fixture(scope="module")
def results(rolls, population, judge, tmp_path_factory):
    """One run of Great Expectations over most of what this file asks about."""
    folder = tmp_path_factory.mktemp("quality")
    jobs = []
    for id in LIBRARY:
        interface = library.interfaces()[id]
        write.write(plan(interface, None, population), ROWS, folder / f"{id}.parquet")
        jobs.append((folder / f"{id}.parquet", interface, interface.tables[0]))
    made = plan(rolls, None, population)
    for format in ("parquet", "csv", "jsonl"):
        write.write(made, ROWS, folder / f"good.{format}", format)
        jobs.append((folder / f"good.{format}", rolls, rolls.tables[0]))
    write.write(made, ROWS, folder / "parts.parquet", part_rows=900)
    jobs.append((folder / "parts.parquet", rolls, rolls.tables[0]))
    good = pa.Table.from_batches(generate(made, 0, ROWS))
    for name, (spoil, _) in SPOILED.items():
        path = folder / f"{name}.parquet"
        write.write(made, ROWS, path)
        pq.write_table(spoil(good), path)
        jobs.append((path, rolls, rolls.tables[0]))
    reaching = read(CONTRACT.replace("COUNT(DISTINCT kind) FROM ${table}", READS).encode(), "rolls.odcs.yaml")
    write.write(made, ROWS, folder / "reaching.parquet")
    jobs.append((folder / "reaching.parquet", reaching, reaching.tables[0]))
    results = quality.check_all(jobs, html=True, judge=judge)
    return {result.file: result for result in results}, folder


@pytest.mark.parametrize("id", LIBRARY)
def test_every_library_dataset_passes_its_own_suite(results, id):
    result = results[0][f"{id}.parquet"]
    assert result.success, [(outcome.column, outcome.rule, outcome.examples) for outcome in result.failed]
    assert result.rows == ROWS
    assert len(result.outcomes) > 40
    assert not result.unchecked


@pytest.mark.parametrize("name", ["good.parquet", "good.csv", "good.jsonl", "parts.parquet"])
def test_every_format_and_parts_are_judged(results, name):
    result = results[0][name]
    assert result.success, result.failed
    assert result.rows == ROWS
    assert [(gap["column"], gap["rule"]) for gap in result.unchecked] == [("odd", "pattern")]


@pytest.mark.parametrize("name", SPOILED)
def test_a_spoiled_column_fails_and_no_other(results, name):
    result = results[0][f"{name}.parquet"]
    assert not result.success
    assert {outcome.column: outcome.rule for outcome in result.failed} == SPOILED[name][1]


def test_counts_and_examples_point_at_the_cells(results):
    outcome = results[0]["range.parquet"].failed[0]
    assert (outcome.unexpected, outcome.examples, outcome.pointer) == (1, (900.25,), "/schema/0/properties/3")
    assert results[0]["rows.parquet"].failed[0].observed == ROWS - 1


def test_the_verdict_lies_beside_the_file(results):
    saved = json.loads((results[1] / "code.parquet.quality.json").read_text("utf-8"))
    assert saved["success"] is False
    assert saved["failed_columns"] == ["kind"]
    assert saved["statistics"]["failed"] == 1
    page = (results[1] / "code.parquet.quality.html").read_text("utf-8")
    assert "kind" in page
    assert "https://" not in "".join(part for part in page.split("<") if part.startswith(("script", "link", "img")))


def test_a_contracts_rule_cannot_reach_outside_the_data(results):
    outcome = results[0]["reaching.parquet"].failed[0]
    assert outcome.rule == "many kinds"
    assert "disabled by configuration" in outcome.observed


@pytest.mark.parametrize(
    ("query", "words"), [("DROP TABLE ${table}", "must be one SELECT"), ("SELEKT 1", "is not SQL of DuckDB")]
)
def test_faulty_rules_give_no_verdict(rolls, tmp_path, query, words):
    interface = read(CONTRACT.replace("SELECT COUNT(DISTINCT kind) FROM ${table}", query).encode(), "rolls.odcs.yaml")
    write.write(plan(interface, None, seed=1), 10, tmp_path / "rolls.parquet")
    with pytest.raises(quality.QualityError, match=words):
        quality.check(tmp_path / "rolls.parquet", interface, interface.tables[0])
    assert not (tmp_path / "rolls.parquet.quality.json").exists()


def test_files_that_are_none(rolls, judge, tmp_path):
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 no more")
    for name, words in {"broken.parquet": "broken", "none.parquet": "no such file", "x.xlsx": "read .parquet"}.items():
        with pytest.raises(quality.QualityError, match=words):
            quality.check(tmp_path / name, rolls, rolls.tables[0], judge=judge)


def test_the_suite_takes_over_the_contracts_rules(rolls):
    made = suite(rolls, rolls.tables[0])
    by_rule = {(one.column, one.rule): one for one in made.expectations}
    assert by_rule[("id", "unique")].kind == "unique"
    assert by_rule[("sum", "range")].condition == '"sum" <= 900'
    assert by_rule[(None, "many kinds")].bounds == {"mustBeGreaterThan": 1.0}
    assert by_rule[(None, "many kinds")].severity == "warning"
    assert by_rule[("id", "pattern")].condition.startswith('regexp_full_match("id", ')
    assert isinstance(made.expectations[0], Expectation)


def test_great_expectations_stays_out_of_this_process():
    code = "import mockdata.quality, mockdata.cli, sys; print('great_expectations' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


LAYOUTS = {
    "folders.parquet": {"partition_by": ("kind", "due")}, "folders.csv": {"partition_by": ("kind",)},
    "folders.jsonl": {"partition_by": ("kind",)}, "table.arrow": {"part_rows": 40}, "table.duckdb": {},
    "excel.csv": {"encoding": "utf-8-bom"}, "old.csv": {"encoding": "gb18030"},
}  # fmt: skip
OPTIONAL = CONTRACT.replace("{name: kind, logicalType: string, required: true,", "{name: kind, logicalType: string,")
FEW_DAYS = (
    "{name: due, logicalType: date, required: true, logicalTypeOptions: {minimum: '2026-01-01', maximum: '2026-01-03'}}"
)


def test_every_layout_is_read_as_what_was_written(judge, tmp_path):
    contract = read(
        OPTIONAL.replace("{name: due, logicalType: date, required: true}", FEW_DAYS).encode(), "rolls.odcs.yaml"
    )
    made = plan(contract, "rolls", Population("layouts", 50_000))
    table = contract.tables[0]
    for name, options in LAYOUTS.items():
        write.write(made, 100, tmp_path / name, name.rpartition(".")[2], table=table, **options)
    spoiled = tmp_path / "spoiled.parquet"
    write.write(made, 100, spoiled, partition_by=("kind",))
    (spoiled / "kind=a").rename(spoiled / "kind=z")
    heard = []
    datasets = [(tmp_path / name, contract, table) for name in (*LAYOUTS, "spoiled.parquet")]
    found = quality.check_all(datasets, tell=heard.append, judge=judge)
    assert heard[:2] == ["1 of 8: tax.rolls rolls: reading", "1 of 8: tax.rolls rolls: 100 rows"]
    assert heard[-1].startswith("8 of 8: tax.rolls rolls: 100 rows, ")
    for name, result in zip(LAYOUTS, found, strict=False):
        assert [(o.rule, o.column, o.observed) for o in result.failed] == [], name
        assert result.rows == 100
    assert [(o.rule, o.column) for o in found[-1].failed] == [("code list", "kind")]
    assert (tmp_path / "folders.parquet" / "kind=__HIVE_DEFAULT_PARTITION__").is_dir()


@pytest.mark.parametrize("name", ["kind=a/x.parquet", "other/x.parquet"])
def test_folders_that_say_nothing_of_columns(rolls, tmp_path, name):
    for place in (name, "kind=a/due=2026-01-01/y.parquet"):
        (tmp_path / "rolls.parquet" / place).parent.mkdir(parents=True, exist_ok=True)
        write.write(plan(rolls, None, seed=1), 10, tmp_path / "rolls.parquet" / place)
    with pytest.raises(quality.QualityError, match="not named COLUMN=value at one depth"):
        quality.check(tmp_path / "rolls.parquet", rolls, rolls.tables[0])


def test_one_judge_serves_many_and_is_replaced_when_it_dies(judge, tmp_path):
    contract = read(CONTRACT.encode(), "rolls.yaml")
    table = contract.tables[0]
    made = plan(contract, table, Population("judge", 50_000))
    file = tmp_path / "rolls.parquet"
    write.write(made, 100, file)
    first = quality.check(file, contract, table, judge=judge)
    process = judge._process
    assert quality.check(file, contract, table, judge=judge) == first
    assert judge._process is process
    process.kill()
    process.wait()
    assert quality.check(file, contract, table, judge=judge) == first
    assert judge._process is not process
