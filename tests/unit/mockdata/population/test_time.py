"""A later date: people are born, marry, move, part and die, and nothing dated before it ever changes."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from mockdata.population import Population
from mockdata.population.mortality import NEVER
from mockdata.population.registers import REGISTERS, register
from specs import elements

SIZE = 200_000
EARLY, LATE = date(2029, 3, 1), date(2038, 7, 15)
HISTORIES = ("employment_spell", "contribution", "move", "name_change", "vehicle", "home", "driving_licence")


@pytest.fixture(scope="module")
def base() -> Population:
    return Population("time", SIZE)


@pytest.fixture(scope="module")
def early() -> Population:
    return Population("time", SIZE, as_of=EARLY)


@pytest.fixture(scope="module")
def late() -> Population:
    return Population("time", SIZE, as_of=LATE)


def text(column: pa.Array) -> np.ndarray:
    return column.to_numpy(zero_copy_only=False)


def test_persons_stay_who_they_are(base: Population, late: Population) -> None:
    index = np.arange(0, SIZE, 17)
    same = [
        "citizen_number", "name", "sex", "birth_date", "birth_time", "ethnic_group", "division", "ancestral_division",
        "hukou_division", "mobile", "email", "birth_certificate_number", "birth_certificate_date", "insured_number",
        "insured_since", "benefits_since", "registered_at", "father.citizen_number", "mother.citizen_number",
    ]  # fmt: skip
    assert base.persons(index, same) == late.persons(index, same)
    assert np.array_equal(late.ages(index) >= base.ages(index) + 11, np.ones(len(index), dtype=bool))


def test_numbers_of_everybody_are_unique_and_lead_back(late: Population) -> None:
    everybody = np.arange(late.world.everybody.count)
    assert len(everybody) > 1.2 * SIZE
    numbers = late.persons(everybody, ["citizen_number"])["citizen_number"]
    assert len(numbers.unique()) == len(everybody)
    known = late.world.lives.born[late.rows(everybody).slot] <= late.world.as_of
    assert 0.02 < (~known).mean() < 0.12
    assert np.array_equal(late.index_of(numbers), np.where(known, everybody, -1))


def test_the_living_are_those_born_and_not_dead(base: Population, early: Population, late: Population) -> None:
    assert base.people.count == SIZE
    everybody = np.arange(late.world.everybody.count)
    rows = late.rows(everybody)
    for population in (base, early, late):
        there = (rows.day <= population.world.as_of) & (rows.death > population.world.as_of)
        assert population.people.count == there.sum()
        assert np.array_equal(np.sort(population.people.index(np.arange(population.people.count))), everybody[there])
        assert np.array_equal(population.living(everybody) >= 0, there)
        dead = (rows.day <= population.world.as_of) & (rows.death <= population.world.as_of)
        assert population.crowds.deaths.count == dead.sum()
    # about seven in a thousand a year, more with age; the further dead are the ten years before
    alive = everybody < SIZE
    share = ((rows.death <= late.world.as_of) & alive).sum() / SIZE / 11.7
    assert 0.006 < share < 0.013
    old, young = rows.year < 1950, (rows.year > 1980) & (rows.year < 2000)
    assert (rows.death[old & alive] < NEVER).mean() > 0.75
    assert (rows.death[young & alive] < NEVER).mean() < 0.1


def test_the_dead_are_not_in_the_registers_of_the_living(late: Population) -> None:
    dead = late.crowds.deaths.index(np.arange(0, late.crowds.deaths.count, 41))
    numbers = late.persons(dead, ["citizen_number"])["citizen_number"].to_pylist()
    for name in ("person", "insured", "household", "employment", "driving_licence"):
        assert set(register(name).find(late, "GMSFHM", numbers, ["GMSFHM"])) == {None}
    records = register("death").find(late, "GMSFHM", numbers, ["GMSFHM", "SWRQ", "CSRQ", "SWYY"])
    assert [record["GMSFHM"] for record in records if record] == numbers
    assert all(record["CSRQ"] < record["SWRQ"] <= LATE.isoformat() for record in records if record)
    employed = late.persons(dead, ["employer_uscc"])["employer_uscc"]
    assert employed.null_count == len(employed)


def test_children_are_born_into_homes(late: Population) -> None:
    size, lives = late.size, late.world.lives
    further = np.arange(size, late.world.everybody.count)
    rows = late.rows(further)
    born = (lives.born[rows.slot] >= 0) & (rows.day <= late.world.as_of)
    child, day = further[born], rows.day[born]
    assert 0.006 < len(child) / SIZE / 11.7 < 0.014
    mother, father = late.mother(child), late.father(child)
    assert (np.minimum(mother, father) >= 0).all()
    theirs = late.rows(mother)
    age = (day - theirs.day) / 365.2425
    assert age.min() > 19
    assert age.max() < 44
    assert (theirs.death > day).all()
    boys = (late.rows(child).sex == 1).mean()
    assert 0.5 < boys < 0.56
    register_row = late.births.row(child)
    assert (register_row >= 0).all()
    alive = child[late.living(child) >= 0]
    assert (late.household_of(alive) >= 0).all()
    names = late.persons(child, ["name", "father.name", "mother.name"])
    first = [np.array([name[0] for name in column.to_pylist()]) for column in names.values()]
    assert ((first[0] == first[1]) | (first[0] == first[2])).mean() > 0.99


def test_households_have_one_living_head(late: Population) -> None:
    living = late.people.index(np.arange(late.people.count))
    household = late.household_of(living)
    assert np.array_equal(np.unique(household), np.arange(late.households.count))
    heads = text(late.persons(living, ["relation_to_head"])["relation_to_head"]) == "0"
    assert np.array_equal(np.bincount(household[heads]), np.ones(late.households.count))
    numbers = late.persons(living, ["household_number", "address"])
    assert len(numbers["household_number"].unique()) == late.households.count
    assert len(pc.unique(pc.binary_join_element_wise(numbers["household_number"], numbers["address"], ""))) == (
        late.households.count
    )
    for number in (0, 99, late.households.count - 1):
        assert np.array_equal(late.household_members(number), np.sort(living[household == number]))
    back = late.household_heads(numbers["household_number"].slice(0, 5_000))
    assert np.array_equal(back, late.head(living[:5_000]))


def test_marriages_are_made_and_end(base: Population, early: Population, late: Population) -> None:
    assert base.couples.count < early.couples.count < late.couples.count
    husband = late.couples.index(np.arange(late.couples.count))
    state = late.persons(husband, ["marriage_state", "spouse.sex"])
    shares = {value: (text(state["marriage_state"]) == value).mean() for value in ("20", "30", "40")}
    assert sum(shares.values()) == 1
    assert shares["20"] > 0.6
    assert shares["30"] > 0.1
    assert shares["40"] > 0.05
    before, after = (
        register("marriage").find(population, "NAN_GMSFHM", _numbers(base, husband[:3_000]), ["ZSBH", "HYDJRQ"])
        for population in (early, late)
    )
    for one, other in zip(before, after, strict=True):
        # the letter of a certificate tells of a divorce
        assert one is None or (other is not None and one["ZSBH"][1:] == other["ZSBH"][1:])
        assert one is None or other is None or one["HYDJRQ"] == other["HYDJRQ"] <= LATE.isoformat()
    assert sum(one is None for one in before) > 100


def _numbers(population: Population, index: np.ndarray) -> list[str]:
    numbers: list[str] = population.persons(index, ["citizen_number"])["citizen_number"].to_pylist()
    return numbers


@pytest.mark.parametrize("name", HISTORIES)
def test_what_happened_before_a_date_is_the_same_on_a_later_one(early: Population, late: Population, name: str) -> None:
    one = register(name)
    assert one.span is not None
    index = np.arange(0, SIZE, 61)
    first, count = one.span(early, index)
    rows = np.concatenate([begin + np.arange(many) for begin, many in zip(first, count, strict=True) if many])
    person = np.repeat(index, count)
    turn = rows - np.repeat(first, count)
    then, _ = one.span(late, index)
    again = np.repeat(then, count) + turn
    still = np.repeat(then, count) >= 0
    # who owns a thing, where people live and which papers are current is told of the day
    moving = {
        "citizen_number", "name", "sex", "birth_date", "address", "mobile", "left_on", "employment_state",
        "inspected_until", "valid_from", "valid_until", "household_number", "shared_ownership",
    }  # fmt: skip
    known = elements.dictionary()
    facts = sorted(element for element in one.elements if element in known and known[element].attribute not in moving)
    assert still.mean() > 0.9
    before, after = one.read(early, rows[still], facts), one.read(late, again[still], facts)
    assert [element for element in facts if before[element] != after[element]] == []
    if name in ("move", "contribution"):
        assert one.count(late) > one.count(early)
    assert len(person) == len(rows)


def test_careers_end_with_retirement_or_death_and_contributions_with_them(early: Population, late: Population) -> None:
    one = register("employment_spell")
    worked = early.employees.index(np.arange(0, early.employees.count, 7))
    gone = np.nonzero(late.employees.row(worked) < 0)[0]
    assert 0.1 < len(gone) / len(worked) < 0.6
    for at in gone[:40]:
        record = one.history(late, _numbers(late, worked[[at]])[0])[-1]
        assert record["LZRQ"] is not None
        assert EARLY.isoformat()[:7] <= record["LZRQ"][:7] <= LATE.isoformat()
    going = one.find(late, "GMSFHM", _numbers(late, worked[np.setdiff1d(np.arange(len(worked)), gone)][:200]), ["LZRQ"])
    assert {record["LZRQ"] for record in going if record} == {None}


@pytest.mark.parametrize("name", REGISTERS)
def test_registers_of_a_later_date_are_read_in_any_order(late: Population, name: str) -> None:
    one = register(name)
    rows = np.arange(0, one.count(late), max(one.count(late) // 300, 1))
    wanted = sorted(one.elements)
    forward, backward = one.read(late, rows, wanted), one.read(late, rows[::-1], wanted)
    for element, column in forward.items():
        assert backward[element].take(pa.array(np.arange(len(rows))[::-1])).equals(column), element
    subjects = one.subjects(late, rows)
    assert (np.diff(subjects) >= 0).all()
    assert np.array_equal(one.placed(late, one.things(late, rows)), rows)
