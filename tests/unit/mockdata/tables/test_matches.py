"""Conditions on records: the rows are those the whole dataset would have, in its order, whoever computes them."""

import pickle
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
import yaml

from mockdata.population import Population
from mockdata.tables import matches
from mockdata.tables.generate import at_rows, generate
from mockdata.tables.plan import PlanError, plan
from specs import library
from specs.reading import read

PEOPLE = "police.resident-register"
PENSIONERS = "age >= 60 && province == '浙江省'"


@pytest.fixture(scope="module")
def population():
    return Population(3, 200_000)


def made(population, where=None, id=PEOPLE):
    return plan(library.interfaces()[id], None, population, where=where)


def whole(plan, rows, batch_rows=1000):
    return pa.Table.from_batches(generate(plan, 0, rows, batch_rows))


@pytest.fixture(scope="module")
def everybody(population):
    return whole(made(population), 200_000, 50_000)


@pytest.mark.parametrize(
    ("where", "chosen"),
    [
        ("XM.startsWith('王') && MZDM == '01'", lambda row: row["XM"].startswith("王") and row["MZDM"] == "01"),
        ("CSRQ.getMonth() == 1 && CSRQ.getDate() == 29", lambda row: (row["CSRQ"].month, row["CSRQ"].day) == (2, 29)),
        ("age < 1 || XBDM == '1' && age > 90", lambda row: row["CSRQ"].isoformat() > "2025-11-01"
         or (row["XBDM"] == "1" and row["CSRQ"].isoformat() <= "1935-11-01")),
    ],
)  # fmt: skip
def test_the_first_records_of_the_dataset_that_meet_the_condition(population, everybody, where, chosen):
    expected = [row for row in everybody.to_pylist() if chosen(row)][:500]
    assert len(expected) > 50
    assert whole(made(population, where), len(expected)).to_pylist() == expected


def test_facts_the_table_does_not_hold_can_be_asked_for(population, everybody):
    rows = whole(made(population, PENSIONERS), 500).to_pylist()
    numbers = [row["GMSFHM"] for row in rows]
    people = population.persons(population.index_of(numbers), ["province", "birth_date"])
    assert set(people["province"].to_pylist()) == {"浙江省"}
    assert max(people["birth_date"].to_pylist()).isoformat() <= "1966-11-01"
    places = {number: at for at, number in enumerate(everybody["GMSFHM"].to_pylist())}
    assert sorted(numbers, key=places.get) == numbers


def test_divisions_are_asked_first_and_change_nothing(population, monkeypatch):
    fast = made(population, "division_name.contains('杭州') && age < 30")
    assert fast.where._sample.rows(np.arange(10)) is not None
    rows = whole(fast, 200)
    monkeypatch.setattr(matches.Where, "_places", lambda self, register: None)
    assert whole(made(population, "division_name.contains('杭州') && age < 30"), 200).equals(rows)


@pytest.mark.parametrize("id", [PEOPLE, "civil-affairs.marriage-records", "health.birth-records"])
def test_any_partitioning_gives_the_same_rows(id, population):
    where = "GMSFHM.endsWith('1')" if id != "civil-affairs.marriage-records" else "NAN_GMSFHM.endsWith('1')"
    reference = whole(made(population, where, id), 1200)
    for cuts in ([0, 1200], [0, 1, 700, 1200]):
        fresh = pickle.loads(pickle.dumps(made(population, where, id)))
        batches = [batch for a, z in pairwise(cuts) for batch in generate(fresh, a, z, 77)]
        assert pa.Table.from_batches(batches).combine_chunks().equals(reference.combine_chunks())
    assert at_rows(fresh, np.array([900, 3]))["DJSJ" if id == PEOPLE else fresh.columns[0].name].to_pylist() == (
        reference["DJSJ" if id == PEOPLE else fresh.columns[0].name].take(pa.array([900, 3])).to_pylist()
    )


def test_counts_travel_to_other_processes(population):
    counted = made(population, PENSIONERS)
    counted.allow(900)
    assert len(pickle.loads(pickle.dumps(counted)).where._counted) == len(counted.where._counted) > 0


def test_too_few_records_are_told_with_their_number(population):
    found = made(population, "age >= 100")
    there = found.where.reach(10**6)
    assert 0 < there < 1000
    found.allow(there)
    with pytest.raises(PlanError, match=f"holds for {there} records, not for {there + 1}"):
        found.allow(there + 1)


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ("age >=", "the expression ends too early (at character 7)"),
        ("ages > 3", "nothing is called 'ages'; near: age"),
        ("age + 1", "gives a int, not true or false"),
        ("XM > 3", "cannot be compared"),
        ("[age].exists(a, b > 3)", "nothing is called 'b'"),
        ("[age].map(a, a + 1)", "not true or false"),
    ],
)
def test_conditions_that_cannot_be_used(population, where, words):
    with pytest.raises(PlanError) as caught:
        made(population, where)
    assert words in str(caught.value)


CONTRACT = {
    "apiVersion": "v3.1.0", "kind": "DataContract", "id": "tax.rolls", "version": "1.0.0", "status": "active",
    "schema": [{"name": "rolls", "logicalType": "object", "properties": [
        {"name": "id", "logicalType": "string", "primaryKey": True, "logicalTypeOptions": {"pattern": "^R[0-9]{4}$"}},
        {"name": "sum", "logicalType": "integer", "required": True,
         "logicalTypeOptions": {"minimum": 1, "maximum": 100}},
    ]}],
}  # fmt: skip


def test_tables_without_a_register_are_filtered_too():
    rolls = read(yaml.safe_dump(CONTRACT).encode(), "rolls.odcs.yaml")
    found = plan(rolls, None, seed=4, where="sum > 90")
    rows = whole(found, 2000).to_pylist()
    assert {row["sum"] for row in rows} == set(range(91, 101))
    assert len({row["id"] for row in rows}) == 2000  # unique among the rows that are there, to the last one possible
    plain = [row["sum"] for row in whole(plan(rolls, None, seed=4), 10_000).to_pylist() if row["sum"] > 90]
    assert [row["sum"] for row in rows][: len(plain)] == plain
    with pytest.raises(PlanError, match="nothing is called 'id'"):
        plan(rolls, None, seed=4, where="id == 'R0001'")


def test_a_condition_that_is_never_true_ends(monkeypatch):
    monkeypatch.setattr(matches, "PATIENCE", 200_000)
    rolls = read(yaml.safe_dump(CONTRACT).encode(), "rolls.odcs.yaml")
    with pytest.raises(PlanError, match="holds for 0 records among the first 262,144 rows, not for 5"):
        plan(rolls, None, seed=4, where="sum > 100").allow(5)


def test_a_search_shared_out_counts_the_same(population, monkeypatch):
    where = "age == 33 && XBDM == '2'"
    monkeypatch.setattr(matches, "BLOCK", 4_096)
    alone = made(population, where).where
    assert alone.reach(900) == 900
    told = []
    monkeypatch.setattr(matches, "SHORT", -1.0)
    monkeypatch.setattr(matches, "others", _threads)
    shared = made(population, where).where
    assert shared.reach(900, 3, lambda looked, found: told.append((looked, found))) == 900
    assert shared._counted.tolist() == alone._counted.tolist()
    assert told[-1] == (len(alone._counted) * 4_096, int(alone._counted[-1]))
    rare = made(population, "age == 33 && XBDM == '7'").where
    assert rare.reach(5, 3) == 0
    assert len(rare._counted) == -(-rare.candidates // 4_096)


@contextmanager
def _threads(workers):
    with ThreadPoolExecutor(1) as pool:
        yield pool


def test_records_named_by_key_are_not_searched_for(population, everybody):
    numbers = everybody["GMSFHM"].to_pylist()
    asked = [numbers[150_000], numbers[3], "110101199001011237"]
    by_list = made(population, f"GMSFHM in {asked!r} && age >= 0")
    assert by_list.where.reach(10) == 2
    assert len(by_list.where._counted) == 1
    assert whole(by_list, 2)["GMSFHM"].to_pylist() == [numbers[3], numbers[150_000]]
    assert whole(made(population, f"'{asked[1]}' == GMSFHM"), 1)["GMSFHM"].to_pylist() == [numbers[3]]
    assert made(population, f"GMSFHM == '{asked[0]}' && GMSFHM == '{asked[1]}'").where.reach(1) == 0
    assert made(population, "GMSFHM in []").where.reach(1) == 0
