"""A sound population has no violations, a broken one has, and the published shares are met."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from mockdata.identifiers import why_not_citizen_number, why_not_credit_code, why_not_plate
from mockdata.population import Population, ages, plates
from mockdata.population.invariants import violations, wrong_citizen_checks, wrong_credit_codes
from mockdata.population.marginals import marginals
from mockdata.population.organisations import FIRMS, Organisations
from mockdata.population.registers import register
from mockdata.population.template import template
from mockdata.seeds import hashed


def sample(size: int, persons: int) -> np.ndarray:
    return np.unique((hashed(8, np.arange(persons)) % np.uint64(size)).astype(np.int64))


@pytest.mark.parametrize(("persons", "as_of"), [(100_000, date(2026, 11, 1)), (20_000, date(2041, 2, 28))])
def test_nothing_is_violated(persons: int, as_of: date) -> None:
    population = Population("invariants", as_of=as_of)
    found = violations(population, sample(population.size, persons))
    assert len(found) > 60
    assert {rule: count for rule, count in found.items() if count} == {}


def test_violations_are_seen() -> None:
    population = Population("broken", 20_000)
    # everybody's father is somebody's child, and the wedding was a hundred years ago
    population.world.template.father[:] = np.arange(len(population.world.template))
    population.world.template.married[population.world.template.married > 0] = 1926
    found = violations(population, np.arange(5_000))
    assert found["father: at least 16 years older"] == 5_000
    assert found["father: sex"] > 2_000
    assert found["spouse: own legal age"] > 1_000
    assert found["citizen number: check character"] == 0
    from mockdata.population.template import template

    template.cache_clear()


def test_the_second_way_of_checking_agrees_with_the_first() -> None:
    numbers = ["11010519000101001X", "110105190001010028", "110105190001010011", "340100202402290020"]
    matrix = np.frombuffer("".join(numbers).encode(), np.uint8).reshape(-1, 18)
    assert wrong_citizen_checks(matrix).tolist() == [False, False, True, False]
    assert [why_not_citizen_number(number) is None for number in numbers] == [True, True, False, False]
    codes = [
        "11370800MB28559184",
        "11100000000013338W",
        "N2110105MF0000000Q",
        "91110105YYYYYYYY7M",
        "91110105YYYYYYYY7N",
    ]
    matrix = np.frombuffer("".join(codes).encode(), np.uint8).reshape(-1, 18)
    assert wrong_credit_codes(matrix).tolist() == [False, False, True, False, True]
    assert [why_not_credit_code(code) is None for code in codes] == [True, True, False, True, False]


def test_published_shares_are_met() -> None:
    population = Population("shares")
    table = marginals(population, [sample(population.size, 100_000), np.arange(0, population.size, 7_001)])
    held = [one for one in table if one.holds is not None]
    assert {one.distribution for one in held} >= {"省份", "年龄", "性别", "家庭户规模", "户别", "姓氏", "民族"}
    assert len(held) > 70
    # three hundred thousand persons: a group of one in a hundred is met within about 2.5 % nineteen times in twenty
    off = [one for one in held if abs(one.relative) > 0.02 + 3 * one.chance]
    assert off == []


def test_no_seed_strays_from_the_age_bands() -> None:
    # the first draw of this seed's block is 2.4 % off
    assert ages.strays(template("136").year) < 0.018


@pytest.mark.parametrize("mode", ["reserved", "realistic"])
def test_plates_and_vins(mode: str) -> None:
    population = Population("cars", 100_000, identifiers=mode)  # type: ignore[arg-type]
    cars = register("vehicle")
    columns = cars.read(population, np.arange(cars.count(population)), ["HPHM", "CLSBDH", "RLZLDM", "XZQH"])
    numbers, vins = columns["HPHM"], columns["CLSBDH"]
    assert len(numbers.unique()) == len(vins.unique()) == cars.count(population)
    assert {plates.why_not_vin(vin) for vin in vins.to_pylist()} == {None}
    energy = np.array([len(plate) == 8 for plate in numbers.to_pylist()])
    assert np.array_equal(energy, np.array(columns["RLZLDM"].to_pylist()) != "A")
    assert 0.05 < energy.mean() < 0.3
    if mode == "realistic":
        assert {why_not_plate(plate) for plate in numbers.to_pylist()} == {None}
        assert {vin[0] for vin in vins.to_pylist()} == {"L"}
    else:
        # four letters and more in a row of five are never issued, nor is a maker of A9
        letters = [sum(character.isalpha() for character in plate[2:]) for plate in numbers.to_pylist()]
        assert min(letters) >= 3
        assert {vin[:2] for vin in vins.to_pylist()} == {"A9"}


@pytest.mark.parametrize("mode", ["reserved", "realistic"])
def test_cars_of_firms_take_no_number_of_a_persons_car(mode: str) -> None:
    population = Population("fleets", 400_000, identifiers=mode)  # type: ignore[arg-type]
    names = ["HPHM", "CLSBDH", "JDCDJZSBH", "XZQH", "CCDJRQ", "TYSHXYDM", "DWMC"]
    persons, fleets = register("vehicle"), register("firm_vehicle")
    theirs = fleets.read(population, np.arange(fleets.count(population)), names)
    own = persons.read(population, np.arange(persons.count(population)), names[:3])
    assert 2_000 < fleets.count(population) < persons.count(population) / 2
    for name in names[:3]:
        both = pa.concat_arrays([own[name], theirs[name]])
        assert len(both.unique()) == len(both)
        # neither register finds the other's
        assert set(persons.keys[name](population, theirs[name]).tolist()) == {-1}
        assert set(fleets.keys[name](population, own[name]).tolist()) == {-1}
        assert fleets.keys[name](population, theirs[name]).tolist() == list(range(fleets.count(population)))
    firm = population.firms.find(theirs["TYSHXYDM"])
    assert (firm >= 0).all()
    known = register("firm").read(population, firm, ["TYSHXYDM", "DWMC", "XZQH"])
    assert all(known[name].equals(theirs[name]) for name in ("TYSHXYDM", "DWMC", "XZQH"))
    founded = FIRMS["founded_on"](Organisations(population.world, firm))
    assert pc.all(pc.less(founded, theirs["CCDJRQ"])).as_py()
    assert pc.max(theirs["CCDJRQ"]).as_py() < population.as_of
    wrong = plates.why_not_vin if mode == "reserved" else why_not_plate
    assert {wrong(one) for one in theirs["CLSBDH" if mode == "reserved" else "HPHM"].to_pylist()} == {None}
    latest = fleets.find(population, "TYSHXYDM", [theirs["TYSHXYDM"][0].as_py()], ["JDCDJZSBH"])
    assert latest == [{"JDCDJZSBH": theirs["JDCDJZSBH"][int((firm == firm[0]).sum()) - 1].as_py()}]


def test_a_vin_by_the_standard() -> None:
    # ISO 3779: seventeen ones have the check digit 1
    assert plates.why_not_vin("1" * 17) is None
    assert plates.why_not_vin("1M8GDM9AXKP042788") is None
    assert plates.why_not_vin("1M8GDM9A1KP042788") == "the check digit must be X"
    assert plates.why_not_vin("IM8GDM9AXKP042788") == "must be 17 characters without I, O and Q"
