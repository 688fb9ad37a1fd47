"""Files of those who may not head a firm: asked both ways, a few per cent, every boundary day to be found."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from mockdata.population import Population, dockets
from mockdata.population.dockets import BANKRUPTCIES, DEBTS, DOCKETS, REVOCATIONS, SENTENCES
from mockdata.sandbox.business import Business
from mockdata.sandbox.overlay import Overlay
from specs.check_digits import uscc_problem

COUNTRY = Population("dockets", 20_000_000)


@pytest.mark.parametrize("docket", DOCKETS, ids=lambda docket: docket.name)
def test_a_file_leads_to_its_person_and_back(docket) -> None:
    numbers = np.arange(0, docket.count(COUNTRY), 997, dtype=np.int64)
    people = docket.persons(COUNTRY, numbers)
    assert (docket.numbers(COUNTRY, people) == numbers).all()
    everybody = np.arange(0, COUNTRY.size, 1_009, dtype=np.int64)
    share = (docket.numbers(COUNTRY, everybody) >= 0).mean() * 1_000
    assert docket.share * 0.6 < share < docket.share * 1.4
    assert (docket.numbers(COUNTRY, np.array([-1, COUNTRY.size])) == -1).all()


@pytest.mark.parametrize("docket", [SENTENCES, BANKRUPTCIES, REVOCATIONS], ids=lambda docket: docket.name)
def test_every_day_has_files(docket) -> None:
    for day in (date(2022, 2, 28), date(2024, 2, 29), date(2025, 12, 31)):
        numbers = docket.on(COUNTRY, day)
        assert len(numbers) > 20
        assert {docket.day(int(number)) for number in numbers} == {day}
    assert not len(docket.on(COUNTRY, date(1999, 1, 1)))


def test_what_is_on_file_is_that_of_the_number() -> None:
    number = int(DEBTS.at(COUNTRY, 49)[3])
    index = int(DEBTS.persons(COUNTRY, np.array([number]))[0])
    known = dockets.restrictions(COUNTRY, index, date(1980, 1, 1), date(2027, 1, 1))
    assert known["YQWQCJE"] == 500_000.0
    assert dockets.restrictions(COUNTRY, index, date(2020, 1, 1), date(2027, 1, 1))["YQWQCJE"] == 0.0


@pytest.mark.parametrize(("born", "capacity"), [("2009-01-01", "1"), ("2009-01-02", "2"), ("2019-01-02", "3")])
def test_capacity_comes_with_age(born: str, capacity: str) -> None:
    known = dockets.restrictions(COUNTRY, -1, date.fromisoformat(born), date(2027, 1, 1))
    assert known["MSXWNLDM"] == capacity


def test_firms_are_found_by_name_and_codes_are_right() -> None:
    business = Business(lambda: COUNTRY, Overlay(), "seed")
    firm = np.array([COUNTRY.firms.count // 3])
    division = COUNTRY.firms.divisions.numbers[COUNTRY.firms.division(firm)[0]]
    name = COUNTRY.firms.names(firm)[0].as_py()
    assert business.firm_named(name, f"{division}")
    assert not business.firm_named(name + "安", f"{division}")
    codes = {business.assign_credit_code("550106") for _ in range(50)}
    assert len(codes) == 50
    assert not any(uscc_problem(code) for code in codes)
    assert not (COUNTRY.firms.find(sorted(codes)) >= 0).any()
    assert (
        business.declaration("一", "550106") == business.declaration("一", "550106") != business.declaration("二", "1")
    )
