"""Rows: every declared constraint holds, any partitioning gives the same ones, departments never contradict."""

import json
from itertools import combinations, pairwise
from pathlib import Path

import duckdb
import jsonschema_rs
import numpy as np
import pyarrow as pa
import pytest

from mockdata.population import Population
from mockdata.population.registers import register
from mockdata.tables import relations
from mockdata.tables.generate import at_rows, generate
from mockdata.tables.jsonlines import lines
from mockdata.tables.lookup import lookup
from mockdata.tables.plan import plan
from mockdata.tables.sampling import sample
from specs import library
from specs.reading import read

DATA = Path(__file__).parents[3] / "data"
DATASETS = (
    "police.resident-register", "civil-affairs.marriage-records", "health.birth-records",
    "medical-insurance.insured-persons",
)  # fmt: skip
CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: health.clinics
version: 1.0.0
status: active
schema:
  - name: clinics
    logicalType: object
    properties:
      - {name: code, logicalType: string, primaryKey: true, logicalTypeOptions: {pattern: '^C[0-9]{4}$'}}
      - {name: title, logicalType: string, required: true, logicalTypeOptions: {maxLength: 24},
         customProperties: [{property: faker, value: company@en_GB}]}
      - {name: beds, logicalType: integer, required: true, logicalTypeOptions: {minimum: 5, maximum: 500},
         customProperties: [{property: distribution, value: {type: lognormal, median: 40, sigma: 0.8}}]}
      - {name: kind, logicalType: string, required: true, enum: [{value: a}, {value: b}],
         customProperties: [{property: weights, value: {a: 9, b: 1}}]}
      - {name: opened, logicalType: date, required: true,
         logicalTypeOptions: {minimum: '2001-01-01', maximum: '2002-12-31'}}
      - {name: closed, logicalType: string, businessName: 关闭日期, logicalTypeOptions: {pattern: '^[0-9]{8}$'},
         customProperties: [{property: nullShare, value: 0.5}]}
      - {name: fee, logicalType: number, required: true,
         logicalTypeOptions: {exclusiveMinimum: 0, maximum: 1.3, multipleOf: 0.1}}
      - {name: rate, logicalType: number, required: true,
         logicalTypeOptions: {minimum: 0.001, exclusiveMaximum: 0.002}}
      - {name: site, logicalType: object, required: true, properties: [
          {name: lat, logicalType: number, required: true, logicalTypeOptions: {minimum: 18, maximum: 54}},
          {name: note, logicalType: string}]}
      - {name: tags, logicalType: array, required: true, items: {logicalType: string, enum: [x, y]},
         logicalTypeOptions: {minItems: 1, maxItems: 3}}
      - {name: seen, logicalType: timestamp, required: true}
      - {name: serial, logicalType: integer, required: true, unique: true,
         logicalTypeOptions: {minimum: 1, maximum: 3000}}
  - name: visits
    logicalType: object
    properties:
      - {name: clinic, logicalType: string, required: true, relationships: [{type: foreignKey, to: clinics.code}]}
      - {name: twin, logicalType: string, required: true, unique: true,
         relationships: [{type: foreignKey, to: clinics.code}]}
      - {name: number, logicalType: integer, required: true}
"""
ROWS = 3000


@pytest.fixture(scope="module")
def population():
    return Population(11, 400_000)


@pytest.fixture(scope="module")
def clinics():
    return read(CONTRACT.encode(), "clinics.odcs.yaml")


def whole(made, rows, batch_rows=1000):
    return pa.Table.from_batches(generate(made, 0, rows, batch_rows))


def test_every_declared_constraint_holds(clinics):
    table = whole(plan(clinics, "clinics", seed=5), ROWS)
    rows = table.to_pylist()
    assert len({row["code"] for row in rows}) == ROWS
    assert {row["serial"] for row in rows} == set(range(1, ROWS + 1))  # unique to the last value there is
    assert all(len(row["title"]) <= 24 for row in rows)
    assert all(5 <= row["beds"] <= 500 for row in rows)
    assert 30 < np.median([row["beds"] for row in rows]) < 50
    assert 0.85 < sum(row["kind"] == "a" for row in rows) / ROWS < 0.95
    assert {str(row["opened"])[:4] for row in rows} == {"2001", "2002"}
    assert 0.4 < table["closed"].null_count / ROWS < 0.6
    assert {str(row["fee"]) for row in rows} == {f"{step / 10}" for step in range(1, 14)}
    assert all(0.001 <= row["rate"] < 0.002 for row in rows)
    assert len({row["rate"] for row in rows}) >= 90
    assert all(18 <= row["site"]["lat"] <= 54 for row in rows)
    assert {len(row["tags"]) for row in rows} == {1, 2, 3}
    assert not any(table[name].null_count for name in table.column_names if name != "closed")


def test_each_json_row_is_valid_against_the_tables_own_schema(clinics):
    table = clinics.table("clinics")
    made = plan(clinics, table, seed=5)
    judge = jsonschema_rs.validator_for(clinics.standalone(table.schema), validate_formats=True)
    text = b"".join(lines(batch, made.json_text, made.always) for batch in generate(made, 0, 500, 200))
    rows = [json.loads(line) for line in text.splitlines()]
    assert len(rows) == 500
    assert [error.message for row in rows for error in judge.iter_errors(row)] == []


def test_foreign_keys_name_rows_of_the_parent(clinics):
    parents = set(whole(plan(clinics, "clinics", seed=5), 200)["code"].to_pylist())
    visits = whole(plan(clinics, "visits", seed=5, parent_rows=200), 200)
    assert set(visits["clinic"].to_pylist()) <= parents
    assert len(set(visits["clinic"].to_pylist())) > 100
    assert set(visits["twin"].to_pylist()) == parents  # unique: each parent exactly once


@pytest.mark.parametrize("id", DATASETS)
def test_any_partitioning_gives_the_same_rows(id, population):
    made = plan(library.interfaces()[id], None, population)
    reference = whole(made, 2500)
    for cuts in ([0, 2500], [0, 1, 2, 999, 1000, 1001, 2500], [*range(0, 2501, 357), 2500]):
        for batch_rows in (1000, 77):
            batches = [b for a, z in pairwise(cuts) for b in generate(made, a, z, batch_rows)]
            assert pa.Table.from_batches(batches).combine_chunks().equals(reference.combine_chunks())


def test_batches_end_at_absolute_multiples(population):
    made = plan(library.interfaces()[DATASETS[0]], None, population)
    assert [batch.num_rows for batch in generate(made, 350, 1100, 500)] == [150, 500, 100]
    assert [batch.num_rows for batch in generate(made, 7, 7)] == [0]


def test_rows_can_be_asked_for_in_any_order(clinics, population):
    rows = np.array([900, 3, 3, 411])
    for made in (plan(clinics, "clinics", seed=5), plan(library.interfaces()[DATASETS[1]], None, population)):
        picked = at_rows(made, rows)
        table = whole(made, 1000)
        assert all(picked[name].to_pylist() == table[name].take(pa.array(rows)).to_pylist() for name in picked)


@pytest.mark.parametrize("name", ["person", "marriage", "birth", "insured", "employment", "household", "firm"])
def test_a_sample_visits_every_record_once(name):
    small = Population(2, 20_000)
    order = sample(register(name), small)
    rows = order.rows(np.arange(order.count))
    assert np.array_equal(np.sort(rows), np.arange(order.count))
    assert np.array_equal(order.rows(np.array([order.count - 1, 0])), rows[[-1, 0]])


def test_a_dataset_covers_the_country_whatever_its_size(population):
    made = plan(library.interfaces()[DATASETS[0]], None, population)
    provinces = {number[:2] for number in whole(made, 20_000)["GMSFHM"].to_pylist()}
    assert len(provinces) > 15
    assert whole(made, 100).equals(whole(made, 20_000).slice(0, 100).combine_chunks())


@pytest.fixture(scope="module")
def joined(population):
    """20,000 rows of each library dataset as tables of DuckDB, and `facts`: every (number, fact, value) in them."""
    connection = duckdb.connect()
    for id in DATASETS:
        interface = library.interfaces()[id]
        connection.register(interface.tables[0].name, whole(plan(interface, None, population), 20_000, 8192))
    connection.execute(
        """
        CREATE TABLE facts AS
        SELECT GMSFHM AS number, 'residents' AS source, 'name' AS fact, XM AS value FROM residents
        UNION ALL SELECT GMSFHM, 'insured', 'name', XM FROM insured_persons
        UNION ALL SELECT NAN_GMSFHM, 'marriages', 'name', NAN_XM FROM marriages
        UNION ALL SELECT NV_GMSFHM, 'marriages', 'name', NV_XM FROM marriages
        UNION ALL SELECT MQ_GMSFHM, 'births', 'name', MQ_XM FROM births
        UNION ALL SELECT FQ_GMSFHM, 'births', 'name', FQ_XM FROM births WHERE FQ_GMSFHM IS NOT NULL
        UNION ALL SELECT GMSFHM, 'residents', 'sex', XBDM FROM residents
        UNION ALL SELECT NAN_GMSFHM, 'marriages', 'sex', '1' FROM marriages
        UNION ALL SELECT NV_GMSFHM, 'marriages', 'sex', '2' FROM marriages
        UNION ALL SELECT MQ_GMSFHM, 'births', 'sex', '2' FROM births
        UNION ALL SELECT FQ_GMSFHM, 'births', 'sex', '1' FROM births WHERE FQ_GMSFHM IS NOT NULL
        """
    )
    return connection


def test_any_two_departments_agree_about_everybody(joined):
    sources = [row[0] for row in joined.execute("SELECT DISTINCT source FROM facts ORDER BY 1").fetchall()]
    for one, other in combinations(sources, 2):
        met, contradicting = joined.execute(
            """
            SELECT count(*), count(*) FILTER (a.value <> b.value)
            FROM facts a JOIN facts b ON a.number = b.number AND a.fact = b.fact
            WHERE a.source = ? AND b.source = ?
            """,
            [one, other],
        ).fetchone()
        assert met > 500, f"{one} and {other} hardly meet: the comparison proves nothing"
        assert contradicting == 0, f"{one} against {other}"


def test_the_agreement_test_can_fail(joined):
    joined.execute("CREATE TEMP TABLE spoiled AS SELECT * FROM residents")
    joined.execute("UPDATE spoiled SET XM = '错' || XM WHERE GMSFHM = (SELECT min(GMSFHM) FROM spoiled)")
    query = "SELECT count(*) FROM spoiled JOIN insured_persons USING (GMSFHM) WHERE spoiled.XM <> insured_persons.XM"
    assert joined.execute(query).fetchone() == (1,)


def test_marriages_agree_with_the_resident_register(joined):
    query = """
        SELECT count(*), count(*) FILTER (WHERE r.HYZKDM NOT IN ('20', '21', '22', '23'))
        FROM marriages m JOIN residents r ON r.GMSFHM = m.NAN_GMSFHM WHERE m.LHDJRQ IS NULL
    """
    met, contradicting = joined.execute(query).fetchone()
    assert met > 500
    assert contradicting == 0


def test_parents_are_sixteen_years_older(joined):
    query = """
        SELECT count(*) FROM births
        WHERE CSRQ < strptime(substr(MQ_GMSFHM, 7, 8), '%Y%m%d') + INTERVAL 16 YEAR
    """
    assert joined.execute(query).fetchone() == (0,)


def test_lookup_gives_the_datasets_own_row(population):
    for id, key in (("police.resident-register", "GMSFHM"), ("medical-insurance.insured-persons", "GMSFHM"),
                    ("civil-affairs.marriage-records", "NAN_GMSFHM"), ("health.birth-records", "CSZMBH")):  # fmt: skip
        interface = library.interfaces()[id]
        made = plan(interface, None, population)
        batch = next(generate(made, 40, 43))
        text = lines(batch, (), batch.schema.names)
        for line in text.splitlines():
            row = json.loads(line)
            found = lookup(interface, row[key], population)
            assert found == row
    assert lookup(interface, "nobody", population) is None


@pytest.mark.parametrize("file", ["uk-gov-pay.json", "us-va-facilities.json", "in-ndhm-health-id.json"])
def test_component_schemas_of_real_documents_are_tables(file):
    interface = read(DATA / "openapi" / file)
    tables = relations.component_tables(interface)
    assert len(tables) > 5
    for table in tables:
        made = plan(interface, table.name, seed=5)
        judge = jsonschema_rs.validator_for(interface.standalone(table.extensions["schema"]))
        text = b"".join(lines(batch, made.json_text, made.always) for batch in generate(made, 0, 20))
        assert [e.message for line in text.splitlines() for e in judge.iter_errors(json.loads(line))] == [], table.name
