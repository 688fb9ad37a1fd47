"""Registers are views of one population: same person, same facts, by row and by key."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from mockdata.identifiers import why_not_birth_certificate, why_not_credit_code
from mockdata.population import Population, registers
from mockdata.population.attributes import ATTRIBUTES
from mockdata.population.registers import REGISTERS, register
from specs import elements

KEYS = [
    (name, key)
    for name, one in REGISTERS.items()
    for key in one.keys
    # where a person has several records the citizen number finds the latest
    if key in one.elements and not (one.span is not None and key in ("GMSFHM", "TYSHXYDM"))
]


@pytest.fixture(scope="module")
def population() -> Population:
    return Population("registers", 300_000)


@pytest.mark.parametrize("name", REGISTERS)
def test_rows_do_not_depend_on_the_range_asked_for(population: Population, name: str) -> None:
    one = register(name)
    wanted = sorted(one.elements)
    count = one.count(population)
    assert count > 500
    last = one.rows(population, count - 300, count, wanted)
    parts = [one.rows(population, start, start + 100, wanted) for start in range(count - 300, count, 100)]
    assert pa.Table.from_batches(parts).combine_chunks().equals(pa.Table.from_batches([last]))
    assert last.schema.names == wanted


@pytest.mark.parametrize(("name", "key"), KEYS)
def test_records_are_found_by_every_key(population: Population, name: str, key: str) -> None:
    one = register(name)
    rows = np.arange(0, one.count(population), max(one.count(population) // 97, 1))
    wanted = sorted(one.elements)
    columns = one.read(population, rows, wanted)
    values = columns[key].to_pylist()
    found = one.find(population, key, [*values, "nobody", None], wanted)
    assert found[-2:] == [None, None]
    expected = [
        {element: registers.plain(columns[element][at].as_py()) for element in wanted} for at in range(len(rows))
    ]
    assert found[:-2] == expected


OF_FIRMS = ("permit", "firm_vehicle")


@pytest.mark.parametrize(
    "name", [name for name, one in REGISTERS.items() if one.span is not None and name not in OF_FIRMS]
)
def test_a_person_has_a_history(population: Population, name: str) -> None:
    one = register(name)
    rows = np.arange(0, one.count(population), max(one.count(population) // 20, 1))
    for number in one.read(population, rows, ["GMSFHM"])["GMSFHM"].to_pylist():
        records = one.history(population, number)
        assert {record["GMSFHM"] for record in records} == {number}
        assert one.find(population, "GMSFHM", [number]) == records[-1:]
    assert one.history(population, "nobody") == []


def test_insured_numbers_lead_back(population: Population) -> None:
    index = np.arange(0, population.size, 1_111)
    numbers = population.persons(index, ["insured_number"])["insured_number"]
    assert len(numbers.unique()) == len(index)
    records = register("insured").find(population, "CBBH", numbers.to_pylist(), ["GMSFHM"])
    expected = population.persons(index, ["citizen_number"])["citizen_number"].to_pylist()
    assert [record["GMSFHM"] for record in records if record] == expected


def test_one_person_has_the_same_facts_in_every_register(population: Population) -> None:
    shared = ["XM", "XBDM", "CSRQ", "MZDM", "HJXZQH", "HB", "HYZKDM"]
    births = register("birth").rows(population, 0, 500, ["GMSFHM", *shared, "MQ_GMSFHM", "MQ_XM", "CSZMBH"])
    for view in ("person", "insured"):
        again = register(view).find(population, "GMSFHM", births["GMSFHM"].to_pylist(), shared)
        for at, record in enumerate(again):
            assert record == {name: registers.plain(births[name][at].as_py()) for name in shared}
    mothers = register("person").find(population, "GMSFHM", births["MQ_GMSFHM"].to_pylist(), ["XM", "XBDM"])
    assert [mother["XM"] for mother in mothers if mother] == births["MQ_XM"].to_pylist()
    assert {mother["XBDM"] for mother in mothers if mother} == {"2"}


def test_marriages_have_two_partners_and_a_unique_number(population: Population) -> None:
    one = register("marriage")
    names = ["ZSBH", "NAN_GMSFHM", "NV_GMSFHM", "HYDJRQ", "LHDJRQ", "HYDJZT", "NAN_HYZKDM", "NV_HYZKDM", "XZQH"]
    table = one.rows(population, 0, one.count(population), names)
    assert len(table["ZSBH"].unique()) == table.num_rows
    state = np.array(table["HYDJZT"].to_pylist())
    assert 0.02 < (state == "40").mean() < 0.08
    assert set(state) == {"20", "40"}
    assert table["NAN_HYZKDM"].to_pylist() == table["NV_HYZKDM"].to_pylist() == state.tolist()
    assert ((state == "40") == table["LHDJRQ"].is_valid().to_numpy(zero_copy_only=False)).all()
    for number, division, wed in zip(
        *(table[name].to_pylist()[:500] for name in ("ZSBH", "XZQH", "HYDJRQ")), strict=True
    ):
        assert number[1:7] == division
        assert number[8:12] == f"{wed.year}"


def test_a_marriage_is_known_from_both_sides(population: Population) -> None:
    rows = register("marriage").rows(population, 0, 400, ["NAN_GMSFHM", "NV_GMSFHM", "HYDJZT", "ZSBH"]).to_pylist()
    for row in rows[:50]:
        there = registers.married(population, row["NAN_GMSFHM"], row["NV_GMSFHM"])
        assert there is not None
        assert there == registers.married(population, row["NV_GMSFHM"], row["NAN_GMSFHM"])
        assert (there["ZT"], there["ZSBH"]) == (row["HYDJZT"], row["ZSBH"])
        assert (there["LHRQ"] is None) == (row["HYDJZT"] == "20")
    assert registers.married(population, rows[0]["NAN_GMSFHM"], rows[1]["NV_GMSFHM"]) is None
    assert registers.married(population, rows[0]["NAN_GMSFHM"], rows[0]["NAN_GMSFHM"]) is None
    assert registers.married(population, rows[0]["NAN_GMSFHM"], "nobody") is None


def test_births_have_certificates_of_institutions_with_power(population: Population) -> None:
    one = register("birth")
    count = one.count(population)
    table = one.rows(population, 0, count, ["CSZMBH", "CSRQ", "CSDSSXQ", "JGDM"])
    assert len(table["CSZMBH"].unique()) == count
    assert all(why_not_birth_certificate(number) is None for number in table["CSZMBH"].to_pylist()[:1_000])
    places = register("institution").find(population, "JGDM", table["JGDM"].to_pylist()[:1_000], ["XZQH", "QFQX"])
    for place, division in zip(places, table["CSDSSXQ"].to_pylist()[:1_000], strict=True):
        assert place == {"XZQH": division, "QFQX": "1"}
    newborn = [born for born in table["CSRQ"].to_pylist() if born >= date(2025, 11, 1)]
    assert len(newborn) > 0.008 * population.size


def test_institutions_with_and_without_power_in_every_division(population: Population) -> None:
    one = register("institution")
    table = one.rows(population, 0, one.count(population), ["JGDM", "QFQX", "XZQH"])
    assert len(table["JGDM"].unique()) == one.count(population)
    assert all(why_not_credit_code(code) is None for code in table["JGDM"].to_pylist()[:500])
    power = np.array(table["QFQX"].to_pylist()).reshape(-1, 5)
    assert (power[:, :3] == "1").all()
    assert (power[:, 4] == "0").all()
    code = table["JGDM"][4].as_py()
    record = registers.institution(population, code)
    assert record is not None
    assert record["QFQX"] == "0"
    assert registers.institution(population, "12110105MB0000000X") is None


def test_firms_are_led_by_a_person_of_the_register(population: Population) -> None:
    firms = register("firm").rows(population, 0, 200, ["TYSHXYDM", "DWMC", "XZQH", "FR_GMSFHM", "FR_XM"]).to_pylist()
    for firm in firms[:50]:
        boss = registers.person(population, firm["FR_GMSFHM"], ["XM", "TYSHXYDM"])
        assert boss == {"XM": firm["FR_XM"], "TYSHXYDM": firm["TYSHXYDM"]}
        assert firm["TYSHXYDM"][2:8] == firm["XZQH"]


def test_what_a_register_cannot_fill_is_said(population: Population) -> None:
    with pytest.raises(KeyError, match="there are person, household"):
        register("residents")
    with pytest.raises(KeyError, match="marriage does not hold XM; near: NAN_XM, NV_XM"):
        register("marriage").rows(population, 0, 1, ["XM"])
    without = next(element.id for element in elements.dictionary().values() if element.attribute is None)
    with pytest.raises(KeyError, match="carries no fact"):
        register("person").rows(population, 0, 1, [without])
    with pytest.raises(KeyError, match="found by GMSFHM, not by XM"):
        register("person").find(population, "XM", ["王伟"])
    with pytest.raises(IndexError, match="rows 0 to 299999"):
        register("person").rows(population, 299_999, 300_001, ["XM"])


def test_every_attribute_relative_and_register_is_documented() -> None:
    page = (Path(__file__).parents[4] / "docs" / "population.md").read_text(encoding="utf-8")
    words = set(re.findall(r"[a-z][a-z0-9_]+", page))
    assert set(ATTRIBUTES) <= words
    assert set(REGISTERS) <= words
    assert {"father", "mother", "spouse", "former_spouse", "head", "guardian"} <= words
    for one in REGISTERS.values():
        assert all(f"`{key}`" in page for key in (*one.keys, *one.persons))


def test_plain_values() -> None:
    noon = datetime(2026, 11, 1, 4, tzinfo=timezone(timedelta(0)))
    assert registers.plain(noon) == "2026-11-01T12:00:00+08:00"
    assert registers.plain(date(2026, 11, 1)) == "2026-11-01"
    assert registers.plain(Decimal("12.30")) == 12.3
    assert registers.plain(None) is None
