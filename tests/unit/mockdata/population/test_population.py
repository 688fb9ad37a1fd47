"""The population's promises, checked on samples: a pure function both ways, coherent kin, the census' marginals."""

from __future__ import annotations

import hashlib
import pickle
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pypinyin import lazy_pinyin

from mockdata import identifiers
from mockdata.population import Population, ages, pools
from mockdata.population.attributes import ATTRIBUTES
from mockdata.population.divisions import PROVINCES, RESERVED
from mockdata.seeds import hashed

SAMPLE = 200_000
TABLE = [
    "citizen_number", "name", "sex", "birth_date", "ethnic_group", "division", "address", "mobile", "email",
    "employer_name", "monthly_income", "registered_at",
]  # fmt: skip


@pytest.fixture(scope="module")
def country() -> Population:
    return Population("tests", 5_000_000)


@pytest.fixture(scope="module")
def people(country: Population) -> np.ndarray:
    return np.unique((hashed(1, np.arange(SAMPLE)) % np.uint64(country.size)).astype(np.int64))


@pytest.fixture(scope="module")
def village() -> Population:
    return Population(3, 50_000)


def text(column: pa.Array) -> np.ndarray:
    return column.to_numpy(zero_copy_only=False)


# ---- a pure function both ways --------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1_000, 1_001, 50_000, 5_000_000, 1_400_000_000])
@pytest.mark.parametrize("mode", ["reserved", "realistic"])
def test_every_number_leads_back_to_its_person(size: int, mode: str) -> None:
    population = Population(11, size, identifiers=mode)  # type: ignore[arg-type]
    index = (hashed(2, np.arange(5_000)) % np.uint64(size)).astype(np.int64)
    index[:2] = 0, size - 1
    numbers = population.persons(index, ["citizen_number"])["citizen_number"]
    assert np.array_equal(population.index_of(numbers), index)


@pytest.mark.parametrize("size", [1_000, 50_000])
def test_numbers_are_unique_in_a_whole_population(size: int) -> None:
    numbers = Population(4, size).persons(np.arange(size), ["citizen_number"])["citizen_number"]
    assert len(numbers.unique()) == size


def test_numbers_are_unique_in_the_largest_division() -> None:
    population = Population(7)
    layout = population.world.layout
    place = int(np.argmax(layout.size))
    assert layout.size[place] > 4_000_000
    rows = population.rows(np.arange(layout.offset[place], layout.offset[place + 1]))
    # within one division a number is birth day and sequence
    assert len(np.unique(rows.day * 1_000 + rows.sequence)) == layout.size[place]
    assert 2 <= rows.sequence.min() <= rows.sequence.max() <= 999


def test_any_partition_gives_the_same_rows(village: Population) -> None:
    whole = village.persons(np.arange(3_000), TABLE)
    parts = [village.persons(np.arange(start, start + 600), TABLE) for start in range(0, 3_000, 600)]
    backwards = village.persons(np.arange(3_000)[::-1], TABLE)
    for name, column in whole.items():
        assert pa.concat_arrays([part[name] for part in parts]).equals(column)
        assert backwards[name].take(pa.array(np.arange(3_000)[::-1])).equals(column)
    assert {name: whole[name][1_234].as_py() for name in TABLE} == village.record(1_234, TABLE)


def test_seeds_and_processes(village: Population) -> None:
    again = pickle.loads(pickle.dumps(village))
    index = np.arange(0, 50_000, 777)
    first, second = village.persons(index, TABLE), again.persons(index, TABLE)
    other = Population(4, 50_000).persons(index, TABLE)
    assert first == second
    assert first["name"] != other["name"]


def test_bytes_of_the_numbers_are_pinned() -> None:
    """A change of these digests is a change of every population: do it on purpose and say it in the changelog."""
    index = (hashed(5, np.arange(10_000)) % np.uint64(1_400_000_000)).astype(np.int64)
    columns = Population(7).persons(index, ["citizen_number", "mobile", "marriage_certificate_number"])
    digests = {
        name: hashlib.sha256("\n".join(str(value) for value in column.to_pylist()).encode()).hexdigest()[:16]
        for name, column in columns.items()
    }
    assert digests == PINNED


def test_what_is_nobodys_number_is_not_found(country: Population) -> None:
    number = country.record(123_456, ["citizen_number"])["citizen_number"]
    real = "330106" + number[6:]
    wrong_check = number[:17] + ("0" if number[17] != "0" else "1")
    assert country.index_of([number, real, wrong_check, "", "x" * 18, number.lower() + " "]).tolist() == [
        123_456, -1, -1, -1, -1, -1,
    ]  # fmt: skip
    assert country.person(wrong_check) is None
    # a number with the right form but a sequence nobody has
    areas, days, _, _ = identifiers.split_citizen_numbers([number])
    beyond = identifiers.text_column(identifiers.citizen_numbers(areas, days, np.array([998])))
    assert country.index_of(beyond).tolist() == [-1]


def test_bad_arguments_are_named(country: Population) -> None:
    with pytest.raises(ValueError, match="at least 1,000"):
        Population(1, 999)
    with pytest.raises(ValueError, match="too many"):
        Population(1, 40_000_000_000)
    with pytest.raises(ValueError, match="reserved"):
        Population(1, 1_000, identifiers="real")  # type: ignore[arg-type]
    for day in (date(2026, 10, 31), date(2046, 11, 2)):
        with pytest.raises(ValueError, match=f"2026-11-01.*2046-11-01.*{day}"):
            Population(1, 1_000, as_of=day)
    with pytest.raises(IndexError):
        country.persons([country.world.everybody.count], ["name"])
    with pytest.raises(KeyError, match="near: name"):
        country.persons([0], ["nam"])
    with pytest.raises(KeyError, match="no relative 'uncle'"):
        country.persons([0], ["uncle.name"])


def test_every_attribute_has_a_value_for_somebody(village: Population) -> None:
    columns = village.persons(np.arange(2_000), list(ATTRIBUTES))
    assert all(len(column) == 2_000 and column.null_count < 2_000 for column in columns.values())


# ---- identifiers ----------------------------------------------------------------------------------------------


def test_numbers_agree_with_birth_date_sex_and_division(country: Population, people: np.ndarray) -> None:
    columns = country.persons(people[:20_000], ["citizen_number", "birth_date", "sex", "division"])
    for number, born, sex, division in zip(*(column.to_pylist() for column in columns.values()), strict=True):
        assert identifiers.why_not_citizen_number(number) is None
        assert number[:6] == division
        assert number[6:14] == born.strftime("%Y%m%d")
        assert int(number[16]) % 2 == (sex == "1")
        assert number[:2] in RESERVED.values()
        assert born < ages.BASE


def test_phones_and_mail_reach_nobody(country: Population, people: np.ndarray) -> None:
    columns = country.persons(people, ["mobile", "email"])
    assert set(pc.utf8_slice_codeunits(columns["mobile"], 0, 3).unique().to_pylist()) <= set(identifiers.UNALLOTTED)
    assert len(columns["mobile"].unique()) == len(people)
    assert len(columns["email"].unique()) == len(people)
    assert pc.all(pc.match_substring_regex(columns["email"], r"^[a-z]+[0-9]{10}@example\.(com|net|org)$")).as_py()


def test_realistic_mode_has_real_codes() -> None:
    population = Population(3, 50_000, identifiers="realistic")
    columns = population.persons(np.arange(1_000), ["citizen_number", "mobile", "division"])
    assert {code[:2] for code in columns["division"].to_pylist()} <= set(PROVINCES)
    assert all(identifiers.why_not_mobile(number) is None for number in columns["mobile"].to_pylist())


# ---- kin ------------------------------------------------------------------------------------------------------


def test_children_are_younger_and_carry_a_parents_name(country: Population, people: np.ndarray) -> None:
    surname = country.persons(people, ["name"])["name"]
    born = country.rows(people).day
    for parent, sex in ((country.father(people), "1"), (country.mother(people), "2")):
        known = parent >= 0
        assert known.mean() > 0.2
        assert ((born[known] - country.rows(parent[known]).day) / 365.2425 >= 16).all()
        assert pc.all(pc.equal(country.persons(parent[known], ["sex"])["sex"], sex)).as_py()
    both = (country.father(people) >= 0) & (country.mother(people) >= 0)
    names = country.persons(people[both], ["father.name", "mother.name"])
    own, fathers, mothers = (
        np.array([name[0] for name in column.to_pylist()])
        for column in (surname.filter(pa.array(both)), names["father.name"], names["mother.name"])
    )
    assert ((own == fathers) | (own == mothers)).all()
    different = fathers != mothers
    ratio = (own == fathers)[different].sum() / (own == mothers)[different].sum()
    assert 9 < ratio < 16


def test_couples_are_mutual_of_age_and_married(country: Population, people: np.ndarray) -> None:
    spouse = country.spouse(people)
    married = spouse >= 0
    assert np.array_equal(country.spouse(spouse[married]), people[married])
    columns = country.persons(people, ["marital_status", "spouse.marital_status", "marriage_date", "sex", "spouse.sex"])
    assert ((text(columns["marital_status"]) == "20") == married).all()
    assert set(columns["spouse.marital_status"].drop_null().to_pylist()) == {"20"}
    assert (text(columns["sex"])[married] != text(columns["spouse.sex"])[married]).all()
    rows = country.rows(people[married])
    legal = np.where(rows.sex == 1, 22, 20)
    assert ((rows.wedding - rows.day) / 365.2425 >= legal - 0.01).all()
    assert (rows.wedding < country.world.as_of).all()
    assert np.array_equal(rows.wedding, country.rows(spouse[married]).wedding)


def test_divorced_people_have_their_former_spouse(country: Population, people: np.ndarray) -> None:
    former = country.former_spouse(people)
    divorced = text(country.persons(people, ["marital_status"])["marital_status"]) == "40"
    assert np.array_equal(former >= 0, divorced)
    rows = country.rows(people[divorced])
    assert (rows.divorce > rows.wedding).all()
    assert not (country.spouse(people[divorced]) >= 0).any()
    apart = country.household_of(people[divorced]) != country.household_of(former[divorced])
    assert apart.all()


def test_everybody_lives_in_exactly_one_household_with_one_head(village: Population) -> None:
    index = np.arange(village.size)
    household = village.household_of(index)
    heads = text(village.persons(index, ["relation_to_head"])["relation_to_head"]) == "0"
    assert np.array_equal(np.unique(household), np.arange(village.households.count))
    assert np.array_equal(np.bincount(household[heads]), np.ones(village.households.count))
    numbers = village.persons(index, ["household_number", "address"])
    assert len(numbers["household_number"].unique()) == village.households.count
    for number in (0, 77, village.households.count - 1):
        members = village.household_members(number)
        assert np.array_equal(members, index[household == number])
        assert len(set(numbers["address"].take(pa.array(members)).to_pylist())) == 1
    family = text(village.persons(index, ["household_kind"])["household_kind"]) == "1"
    adult = village.ages(village.head(index)) >= 18
    assert adult[family].all()


def test_twins_are_born_one_after_the_other(country: Population, people: np.ndarray) -> None:
    second = people[country.world.template.delivery[country.rows(people).slot] == 2]
    assert len(second) > 100
    mother = country.mother(second)
    known = mother >= 0
    household = country.household_of(second[known])
    for child, home in list(zip(second[known], household, strict=True))[:20]:
        family = country.household_members(int(home))
        dates = country.persons(family, ["birth_date"])["birth_date"].to_pylist()
        own = country.record(int(child), ["birth_date", "birth_time"])
        twins = [int(at) for at, born in zip(family, dates, strict=True) if born == own["birth_date"] and at != child]
        assert len(twins) == 1
        assert country.record(twins[0], ["birth_time"])["birth_time"] < own["birth_time"]


def test_families_share_mostly_one_ethnic_group(country: Population, people: np.ndarray) -> None:
    columns = country.persons(people, ["ethnic_group", "mother.ethnic_group", "father.ethnic_group"])
    own, mother, father = (text(column) for column in columns.values())
    known = (country.mother(people) >= 0) & (country.father(people) >= 0)
    assert (own[known] == father[known]).all()
    assert 0.9 < (own[known] == mother[known]).mean() < 1
    assert set(own) <= {f"{code:02d}" for code in range(1, 57)}


# ---- who lives where, works where, holds a household registration where ---------------------------------------


def test_addresses_belong_to_their_division(country: Population, people: np.ndarray) -> None:
    columns = country.persons(people[:20_000], ["address", "division_name", "hukou_address", "hukou_province"])
    rows = zip(*(column.to_pylist() for column in columns.values()), strict=True)
    assert all(home.startswith(name) and hukou.startswith(province) for home, name, hukou, province in rows)
    assert pc.count_distinct(columns["address"]).as_py() > 0.4 * 20_000


def test_registrations_elsewhere_are_half_in_another_province(country: Population, people: np.ndarray) -> None:
    columns = country.persons(people, ["division", "hukou_division", "relation_to_head"])
    here, there, relation = (text(column) for column in columns.values())
    moved = here != there
    assert 0.10 < moved[relation == "1"].mean() < 0.14
    assert not moved[(relation == "0") & ~country.world.template.collective[country.rows(people).slot]].any()
    far = np.array([a[:2] != b[:2] for a, b in zip(here[moved], there[moved], strict=True)])
    assert 0.45 < far.mean() < 0.55


def test_rules_have_their_negative_subjects(country: Population) -> None:
    husband = country.couples.index(np.arange(0, country.couples.count, 37))
    in_force = country.spouse(husband) >= 0
    assert 0.9 < in_force.mean() < 1
    husband = husband[in_force]
    kinds = country.persons(
        husband, ["household_kind", "spouse.household_kind", "hukou_province", "spouse.hukou_province"]
    )
    own, wifes, province, wifes_province = (text(column) for column in kinds.values())
    assert ((own == "2") & (wifes == "2")).sum() > 100
    assert ((own == "1") & (wifes == "1") & (province == wifes_province)).mean() > 0.7
    assert (province != wifes_province).sum() > 500


def test_employers_and_employees_find_each_other(country: Population, people: np.ndarray) -> None:
    firm = country.firms.employer(people)
    working = np.nonzero(firm >= 0)[0]
    assert 0.25 < len(working) / len(people) < 0.4
    assert (country.ages(people[working]) >= 16).all()
    for at in working[:200]:
        assert people[at] in country.firms.staff(int(firm[at]))
    names = country.persons(people, ["employer_name", "employer_uscc", "monthly_income"])
    assert ((firm >= 0) == text(names["employer_uscc"].is_valid())).all()
    codes = names["employer_uscc"].drop_null()
    assert all(identifiers.why_not_credit_code(code) is None for code in codes[:2_000].to_pylist())
    assert np.array_equal(country.firms.find(codes), firm[working])
    assert names["employer_name"].filter(names["employer_uscc"].is_valid()).null_count == 0


def test_firms_are_staffed_completely_and_led_by_adults(village: Population) -> None:
    firms = village.firms
    staff = np.concatenate([firms.staff(firm) for firm in range(firms.count)])
    assert np.array_equal(np.sort(staff), village.employees.index(np.arange(village.employees.count)))
    every = np.arange(firms.count)
    assert firms.sizes(every).min() >= 1
    boss = firms.representative(every)
    assert (village.ages(boss) >= 18).all()
    assert np.array_equal(firms.employer(boss), every)
    assert len(firms.codes(every).unique()) == firms.count


# ---- marginals ------------------------------------------------------------------------------------------------


def test_marginals_are_near_the_census(country: Population, people: np.ndarray) -> None:
    band = np.minimum(country.ages(people) // 5, 16)
    target = np.array(ages.BANDS) / sum(ages.BANDS)
    assert np.abs(np.bincount(band, minlength=17) / len(people) / target - 1).max() < 0.06
    men = country.rows(people).sex == 1
    assert abs(men.sum() / (~men).sum() - 1.0507) < 0.02
    columns = country.persons(people, ["household_kind", "education", "ethnic_group", "province", "name"])
    collective, education, ethnic, province, name = (text(column) for column in columns.values())
    assert abs((collective == "2").mean() - 0.0843) < 0.006
    assert abs(np.isin(education, ["10", "20", "30"]).mean() - 0.15467) < 0.012
    assert abs((ethnic == "01").mean() - 0.9111) < 0.005
    census = np.array(list(PROVINCES.values()))
    assert abs((province == "广东省").mean() / (census[18] / census.sum()) - 1) < 0.05
    assert abs(np.isin([one[0] for one in name], list("王李张刘陈")).mean() - 0.308) < 0.02


def test_the_template_keeps_the_census_to_two_percent() -> None:
    template = Population(7, 1_000).world.template
    family = ~template.collective
    sizes = np.bincount(template.household[family])
    sizes = np.bincount(np.minimum(sizes[sizes > 0], 10), minlength=11)[1:]
    census = np.array([25.39, 29.68, 20.99, 13.17, 6.17, 3.06])
    assert np.abs(sizes[:6] / sizes.sum() * 100 / census - 1).max() < 0.02
    assert abs(family.mean() - 1_292_809_300 / 1_411_778_724) < 0.002
    back = np.bincount(ages.BASE.year - template.year, minlength=ages.OLDEST + 1)
    wanted = ages.cohort_shares() * len(template)
    groups = np.arange(ages.OLDEST + 1) // 5
    ratio = np.bincount(groups, back) / np.bincount(groups, wanted)
    assert np.abs(ratio[:17] - 1).max() < 0.02
    assert int(template.born_rank.max()) < 14


def test_the_template_is_closed_and_coherent_in_every_slot() -> None:
    template = Population(7, 1_000).world.template
    slot = np.arange(len(template))
    group = np.cumsum(template.group_start)
    for links in (
        template.father,
        template.mother,
        template.partner,
        template.root,
        template.ethnic_root,
        template.head,
    ):
        there = links >= 0
        assert (group[there] == group[links[there]]).all()
    for links, sex in ((template.father, 1), (template.mother, 2)):
        child = slot[links >= 0]
        assert (template.year[child] - template.year[links[child]] >= 17).all()
        assert (template.sex[links[child]] == sex).all()
    mother_age = (template.year - template.year[template.mother])[template.mother >= 0]
    assert (mother_age > 50).mean() < 0.001
    assert (np.bincount(template.household[template.relation == 0]) == 1).all()
    assert (template.relation[template.head] == 0).all()
    coupled = slot[template.partner >= 0]
    assert (template.partner[template.partner[coupled]] == coupled).all()
    assert (template.married[coupled] == template.married[template.partner[coupled]]).all()
    assert (template.day < ages.year_length(template.year)).all()


def test_incomes_follow_the_published_fifths(country: Population, people: np.ndarray) -> None:
    income = country.persons(people, ["monthly_income"])["monthly_income"].drop_null()
    ranked = np.sort(income.cast(pa.float64()).to_numpy())
    means = np.array([part.mean() * 12 for part in np.array_split(ranked, 5)])
    assert np.abs(means / np.array([9_215, 20_442, 32_195, 50_220, 95_055]) - 1).max() < 0.03


PINNED = {
    "citizen_number": "294c160ac0fe6b17",
    "marriage_certificate_number": "d5ad680141185e2f",
    "mobile": "26e2355631fe9c65",
}


def test_every_surname_is_spelled_as_pypinyin_spells_it():
    names = pools.surnames()[0].to_pylist()
    assert pools.surname_spellings().to_pylist() == ["".join(lazy_pinyin(name)).replace("ü", "v") for name in names]
