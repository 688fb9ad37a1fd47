"""Scenario packs: rare cases become part of the population, so every road to a person tells the same."""

import json
import pickle
import re
from collections import Counter
from datetime import date
from itertools import combinations, combinations_with_replacement
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from mockdata.cli import app
from mockdata.defects import read_defects, spoiled
from mockdata.defects.conflicts import conflicted, write_conflicts
from mockdata.defects.contradictions import Dataset, contradictions
from mockdata.defects.declared import declared
from mockdata.defects.ledger import write_ledger
from mockdata.personas import personas
from mockdata.population import Population
from mockdata.population.invariants import violations
from mockdata.population.registers import register
from mockdata.population.traits import dataset_order, fits
from mockdata.population.vitals import vitals
from mockdata.sandbox.facts import Facts
from mockdata.sandbox.overlay import Overlay
from mockdata.scenarios import ScenarioError, packs, read_pack
from mockdata.tables.chosen import TooFew
from mockdata.tables.generate import columns, generate
from mockdata.tables.lookup import lookup
from mockdata.tables.plan import plan
from mockdata.tables.sampling import sample
from mockdata.tables.write import write
from specs import library

SIZE = 60_000
PACKS = packs()
LIBRARY = library.interfaces()
HEAD = "scenario: mine\ntitle: {zh_CN: a, en: b}\ndescription: {zh_CN: a, en: b}\n"


def world(*names, size=SIZE, seed=4):
    return Population(seed, size, scenarios=[PACKS[name] for name in names])


def residents(population, rows, names):
    return columns(plan(LIBRARY["police.resident-register"], None, population), 0, rows, names)


def test_every_pack_speaks_both_languages():
    assert set(PACKS) >= {
        "rare-characters", "minority-names", "leap-day", "check-character-x", "generations", "baby-boom", "conflicts",
        "epidemic-year",
    }  # fmt: skip
    for name, pack in PACKS.items():
        assert pack.name == name
        assert set(pack.title) == set(pack.description) == {"zh_CN", "en"}


@pytest.mark.parametrize(
    ("name", "column", "holds", "share"),
    [
        ("check-character-x", "GMSFHM", lambda number: number.endswith("X"), 0.5),
        ("leap-day", "GMSFHM", lambda number: number[10:14] == "0229", 0.5),
        ("baby-boom", "CSRQ", lambda day: day.year == 2025, 0.4),
        ("rare-characters", "XM", lambda name: name[1:] in PACKS["rare-characters"].names[0].given, 0.5),
        ("minority-names", "XM", lambda name: "·" in name, 0.3),
    ],
)  # fmt: skip
def test_a_pack_gives_its_share_of_rows(name, column, holds, share):
    size = 1_400_000_000 if name == "leap-day" else SIZE
    rows = 300 if name in ("minority-names", "rare-characters") else 1000
    made = residents(world(name, size=size), rows, ["GMSFHM", column])
    assert len(set(made["GMSFHM"].to_pylist())) == rows
    found = sum(map(holds, made[column].to_pylist())) / rows
    # a pattern of a thousand rows has the share exactly, a part of one about
    assert found == pytest.approx(share, abs=0.002 if rows == 1000 else 0.06)


def test_rows_do_not_depend_on_how_many_are_asked_for():
    made = plan(LIBRARY["police.resident-register"], None, world("check-character-x", "baby-boom"))
    whole = pa.Table.from_batches(generate(made, 0, 900))
    parts = [batch for low, high in ((0, 1), (1, 450), (450, 900)) for batch in generate(made, low, high, 128)]
    assert pa.Table.from_batches(parts).equals(whole)
    again = pickle.loads(pickle.dumps(made))
    assert pa.Table.from_batches(generate(again, 0, 900)).equals(whole)
    assert set(made.origin["population"]["scenarios"]) == {"check-character-x", "baby-boom"}


def test_multi_generation_households_are_that():
    population = world("generations")
    numbers = residents(population, 1000, ["GMSFHM"])["GMSFHM"]
    index = population.index_of(numbers)
    assert 500 <= fits(population.rows(index), {"generations": {"minimum": 3}}).sum() < 520
    for person in index[:200]:
        house = population.household_members(int(population.household_of([person])[0]))
        relations = set(population.persons(house, ["relation_to_head"])["relation_to_head"].to_pylist())
        level = {"0": 0, "1": 0, "2": -1, "3": -1, "4": -2, "5": 1, "6": 2, "7": 0, "8": 0}
        many = fits(population.rows([person]), {"generations": {"minimum": 3}})[0]
        assert (len({level[relation] for relation in relations}) >= 3) == many


def test_too_few_records_are_told_before_anything_is_written(tmp_path):
    with pytest.raises(TooFew, match="leap-day"):
        residents(world("leap-day"), 1000, ["XM"])
    result = CliRunner().invoke(
        app,
        ["generate", "police.resident-register", "--rows", "1000", "--population", "50000", "--scenario", "leap-day",
         "--out", str(tmp_path)],
    )  # fmt: skip
    assert result.exit_code == 3
    assert "too few" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_new_names_are_the_same_everywhere():
    population = world("rare-characters", "minority-names")
    interface = LIBRARY["police.resident-register"]
    told = residents(population, 300, ["GMSFHM", "XM"])
    insured = columns(plan(LIBRARY["medical-insurance.insured-persons"], None, population), 0, 300, ["GMSFHM", "XM"])
    names = dict(zip(told["GMSFHM"].to_pylist(), told["XM"].to_pylist(), strict=True))
    both = [n for n in zip(insured["GMSFHM"].to_pylist(), insured["XM"].to_pylist(), strict=True) if n[0] in names]
    assert len(both) > 250
    assert all(names[number] == name for number, name in both)
    facts = Facts(population, Overlay(), 4)
    plain = Population(4, SIZE)
    changed = 0
    for number, name in list(names.items())[:60]:
        assert lookup(interface, number, population)["XM"] == facts.person(number)["XM"] == name
        changed += plain.person(number, ["name"])["name"] != name
    assert changed > 20


def test_a_fathers_name_is_the_one_he_bears():
    population = world("minority-names")
    index = np.arange(SIZE)
    index = index[fits(population.rows(index), {"ethnic_group": "05", "father_known": True})]
    index = index[[i not in population.golden().values() for i in index.tolist()]]
    told = population.persons(index, ["name", "father.name", "father.ethnic_group"]).values()
    pairs = [row for row in zip(*(column.to_pylist() for column in told), strict=True) if row[2] == "05"]
    assert len(pairs) > 50
    assert all(name.split("·")[1] == father.split("·")[0] for name, father, _ in pairs)


@pytest.fixture(scope="module")
def disagreeing():
    return world("conflicts")


def library_sets(population, rows, folder):
    """Every dataset of the library, and the ledgers of those whose department is in error somewhere."""
    sets, ledgers = {}, {}
    for name, interface in LIBRARY.items():
        for table in interface.tables:
            made = plan(interface, table, population)
            path, count = folder / f"{name}.parquet", min(rows, made.limit)
            write(made, count, path)
            sets[name] = Dataset(path, interface, table)
            ledgers[name] = write_conflicts(made, table, count, path)[0] if conflicted(made) else None
    return sets, ledgers


def told(left, right, ledgers=(None, None)):
    """(what contradicts by fact and columns, what the ledgers declare, how many facts were compared)."""
    found, compared = {}, 0
    for one in contradictions(left, right, 10_000):
        key = one.fact, one.left, one.right
        found[key] = found.get(key, frozenset()) | frozenset(one.persons)
        assert len(one.persons) == one.contradictions <= one.compared
        compared += one.compared
    asked = declared(left, right, *ledgers)
    assert asked.keys() == found.keys()
    return found, asked, compared


def test_departments_disagree_exactly_where_the_ledgers_say(disagreeing, tmp_path):
    sets, ledgers = library_sets(disagreeing, 3000, tmp_path)
    assert {name for name, ledger in ledgers.items() if ledger} == {
        "civil-affairs.marriage-records", "medical-insurance.insured-persons", "police.resident-register",
    }  # fmt: skip
    facts = Counter()
    for one, other in combinations(sets, 2):
        found, asked, _ = told(sets[one], sets[other], (ledgers[one], ledgers[other]))
        assert found == asked, (one, other)
        for (fact, *_), numbers in found.items():
            facts[fact] += len(numbers)
    assert facts["name"] > 50
    assert facts["marital_status"] > 3
    # the same worked out by hand for one pair: who is wrong in one dataset and there in the other
    police, medical = "police.resident-register", "medical-insurance.insured-persons"
    known = {row["GMSFHM"] for row in pq.read_table(sets[police].path).to_pylist()}
    rows = pq.read_table(sets[medical].path).to_pylist()
    wrong = {rows[e["row"]]["GMSFHM"] for e in pq.read_table(ledgers[medical]).to_pylist() if e["column"] == "XM"}
    found, _, _ = told(sets[police], sets[medical])
    assert found["name", f"{police}.XM", f"{medical}.XM"] == wrong & known
    assert len(wrong & known) > 20


def test_departments_that_agree_contradict_each_other_only_where_one_is_spoiled(tmp_path):
    sets, ledgers = library_sets(Population(4, SIZE), 1500, tmp_path)
    assert not any(ledgers.values())
    compared = Counter()
    for one, other in combinations_with_replacement(sets, 2):
        found, _, facts = told(sets[one], sets[other])
        assert not any(found.values()), found
        compared += Counter({one: facts, other: facts}) if one != other else {}
    # nobody who lives names a dead relative, so the dead are in no other dataset
    assert set(sets) - set(compared) == {"health.death-records"}
    persons_ = {"police.vehicles", "human-resources.contributions", "human-resources.employment-spells"}
    assert persons_ <= {name for name, count in compared.items() if count > 50}
    for name, text in (
        ("human-resources.employment-spells", "swapped.name-order@XM=0.2,late@CSRQ=0.2,code@XBDM=0.1"),
        ("civil-affairs.marriage-records", "swapped@NAN_GMSFHM+NV_GMSFHM=0.1"),  # right facts beside wrong numbers
    ):
        clean, dirty = sets[name], tmp_path / "dirty.parquet"
        made = plan(clean.interface, clean.table, Population(4, SIZE))
        made = spoiled(made, read_defects(text), clean.interface, clean.table, rows=1500)
        write(made, 1500, dirty, force=True)
        ledger = dirty.with_name(write_ledger(made.finish, clean.interface, clean.table, 1500, dirty).file)
        spoilt = 0
        for other in sets.keys() - {name}:
            found, asked, _ = told(Dataset(dirty, clean.interface, clean.table), sets[other], (ledger, None))
            assert found == asked, (name, other)
            spoilt += sum(map(len, found.values()))
        assert spoilt > 100


def test_a_view_tells_its_department_and_nobody_else(disagreeing):
    view = disagreeing.seen_by("medical-insurance")
    assert disagreeing.seen_by("tax") is disagreeing
    assert view.seen_by("medical-insurance") is view
    names = [p.persons(np.arange(5000), ["name"])["name"] for p in (disagreeing, view, disagreeing.seen_by("police"))]
    assert names[0].equals(names[2])
    differ = [i for i, (a, b) in enumerate(zip(names[0].to_pylist(), names[1].to_pylist(), strict=True)) if a != b]
    assert 60 < len(differ) < 140
    assert all(names[0][i].as_py()[:1] == names[1][i].as_py()[:1] for i in differ)  # the surname stays
    assert pickle.loads(pickle.dumps(view)).persons(differ, ["name"])["name"].equals(names[1].take(pa.array(differ)))
    interface = LIBRARY["medical-insurance.insured-persons"]
    number = disagreeing.record(differ[0], ["citizen_number"])["citizen_number"]
    assert lookup(interface, number, disagreeing)["XM"] == names[1][differ[0]].as_py()


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("[", "cannot be read"), ("scenario: x", "title"),
        (HEAD + "rows: {share: 2, where: {age: 1}}", "rows/share"),
    ],
)  # fmt: skip
def test_packs_nobody_can_use(tmp_path, text, word):
    path = tmp_path / "pack.yaml"
    path.write_text(text)
    with pytest.raises(ScenarioError, match=word):
        read_pack(str(path))
    with pytest.raises(ScenarioError, match="no scenario"):
        read_pack("nothing")
    with pytest.raises(ScenarioError, match="no such file"):
        read_pack(str(tmp_path / "none.yaml"))


def test_the_documented_pack_can_be_used(tmp_path):
    page = (Path(__file__).parents[4] / "docs" / "scenarios.md").read_text("utf-8")
    path = tmp_path / "pack.yaml"
    path.write_text(page.split("```yaml\n")[1].split("```")[0], "utf-8")
    population = Population(1, 5000, scenarios=[read_pack(str(path))])
    assert population.scenarios[0].names[0].male == ("吐尔逊",)


def test_unknown_traits_are_named(tmp_path):
    path = tmp_path / "pack.yaml"
    path.write_text(HEAD + "rows: {share: 0.1, where: {height: 1}}")
    with pytest.raises(ValueError, match="height"):
        Population(1, 5000, scenarios=[read_pack(str(path))])


# ---- personas ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def country():
    return Population(7)


def test_a_dozen_people_with_stories(country):
    found = personas(country)
    assert len(found) >= 12
    assert len({one.index for one in found}) == len(found)
    people = {one.id: one for one in found}
    for one in found:
        assert set(one.title) == set(one.story) == {"zh_CN", "en"}
        assert country.person(one.citizen_number, ["name"])["name"] == one.name
        assert {shown.interface for shown in one.shown} >= {
            "police.resident-register",
            "medical-insurance.insured-persons",
        }
        for shown in one.shown:
            assert lookup(LIBRARY[shown.interface], shown.value, country) is not None
    assert people["leap-day"].citizen_number[10:14] == "0229"
    assert people["check-character-x"].citizen_number[17] == "X"
    assert "·" in people["middle-dot"].name
    assert people["rare-character"].name[1:] in ("𬭎", "㛃")
    assert people["widowed-pensioner"].facts["marital_status"] == "30"
    assert people["divorced-parent"].facts["marital_status"] == "40"
    assert people["newborns-mother"].citizen_number == people["newborn"].relatives["mother"][0]
    head = people["three-generation-head"].index
    assert country.head([head])[0] == head
    firm = country.firms.employer(np.array([people["legal-representative"].index]))
    assert country.firms.representative(firm)[0] == people["legal-representative"].index


def test_personas_do_not_change_with_day_or_scenario(country):
    from datetime import date

    told = [(one.id, one.index) for one in personas(country)]
    later = Population(7, as_of=date(2030, 5, 1))
    assert [(one.id, one.index) for one in personas(later)] == told
    named = Population(7, scenarios=[PACKS["rare-characters"]])
    assert [(one.id, one.index) for one in personas(named)] == told


def test_small_populations_have_them_too():
    assert len(personas(Population(3, 50_000))) >= 12
    assert 5 < len(personas(Population(3, 1_000))) <= 13  # not everybody can live in a village


def test_persons_come_in_the_order_of_datasets(country):
    mine = next(dataset_order(country.world))
    assert (sample(register("person"), country).rows(np.arange(len(mine))) == mine).all()


def test_the_command_lists_them():
    told = CliRunner().invoke(app, ["personas", "--population", "50000", "--seed", "3", "--language", "en", "--json"])
    people = json.loads(told.stdout)
    assert people[0]["title"] == "Newborn"
    chinese = CliRunner().invoke(app, ["personas", "--population", "50000", "--seed", "3"])
    assert "新生儿" in chinese.stdout
    assert people[0]["citizen_number"] in chinese.stdout
    assert CliRunner().invoke(app, ["personas", "--scenario", "nothing"]).exit_code == 2


# ---- waves ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=[date(2026, 11, 1), date(2032, 3, 1)], ids=["base", "later"])
def epidemic(request):
    return tuple(
        Population(4, SIZE, request.param, scenarios=scenarios) for scenarios in ([PACKS["epidemic-year"]], [])
    )


def test_an_epidemic_shows_in_the_years_it_is_told_of(epidemic):
    stressed, usual = epidemic
    ratio = {
        one.year: (one.births / other.births, one.deaths / other.deaths)
        for one, other in zip(vitals(stressed), vitals(usual), strict=True)
    }
    assert ratio[2025] == (pytest.approx(1, abs=0.03), pytest.approx(1.5, abs=0.25))
    assert ratio[2022] == (pytest.approx(1, abs=0.03), pytest.approx(1, abs=0.2))
    if 2031 in ratio:
        assert ratio[2029] == (pytest.approx(0.75, abs=0.08), pytest.approx(1.25, abs=0.2))
        assert ratio[2030] == (pytest.approx(1.4, abs=0.12), pytest.approx(1, abs=0.2))
        assert stressed.people.count < usual.people.count


def test_an_epidemic_breaks_no_rule_and_changes_nobody(epidemic):
    stressed, usual = epidemic
    everybody = np.arange(0, SIZE, 11)
    assert {rule: count for rule, count in violations(stressed, everybody).items() if count} == {}
    facts = ["citizen_number", "name", "birth_date", "sex", "education"]
    if not stressed.world.later:
        facts += ["address", "marital_status", "employer_uscc"]
    told, usually = stressed.persons(everybody, facts), usual.persons(everybody, facts)
    assert [name for name in facts if not told[name].equals(usually[name])] == []


def test_the_death_register_tells_of_an_epidemic(epidemic):
    stressed, _ = epidemic
    deaths = register("death")
    columns = deaths.read(stressed, np.arange(deaths.count(stressed)), ["GMSFHM", "SWRQ", "SWYY"])
    numbers, days, causes = (column.to_pylist() for column in columns.values())
    assert len(set(numbers)) == len(numbers)
    assert (stressed.index_of(numbers) >= 0).all()
    winter = [cause for day, cause in zip(days, causes, strict=True) if "2025-01-01" <= day.isoformat() <= "2025-03-31"]
    spring = [cause for day, cause in zip(days, causes, strict=True) if "2025-04-01" <= day.isoformat() <= "2025-06-30"]
    assert 2 < len(winter) / len(spring) < 4.5
    # two deaths of three are beyond the usual ones
    assert winter.count("呼吸系统疾病") / len(winter) == pytest.approx(2 / 3 + 0.09 / 3, abs=0.1)
    assert spring.count("呼吸系统疾病") / len(spring) < 0.25


def test_the_same_deaths_in_another_process(epidemic):
    stressed, _ = epidemic
    again = pickle.loads(pickle.dumps(stressed))
    assert np.array_equal(again.world.lives.death, stressed.world.lives.death)
    assert np.array_equal(again.world.lives.born, stressed.world.lives.born)


@pytest.mark.parametrize(
    ("waves", "words"),
    [
        ("{from: 2028-02-30, until: 2028-03-01, deaths: 2}", "day is out of range"),
        ("{from: '2028-02-30', until: 2028-03-01, deaths: 2}", "there is no day 2028-02-30"),
        ("{from: 2028-02-01, until: 2028-03-01}", "waves/0"),
        ("{from: 2028-02-01, until: 2028-03-01, deaths: 50}", "50"),
        ("{from: 2028-02-01, until: 2028-03-01, births: 0.5, cause: 其他}", "waves/0"),
        ("{from: 2028-02-01, until: 2028-03-01, deaths: 2, cause: 失眠}", "失眠"),
    ],
)
def test_waves_that_cannot_be_read_are_named(tmp_path, waves, words):
    (tmp_path / "mine.yaml").write_text(f"{HEAD}waves: [{waves}]\n", encoding="utf-8")
    with pytest.raises(ScenarioError, match=re.escape(words)):
        read_pack(str(tmp_path / "mine.yaml"))


@pytest.mark.parametrize(
    ("waves", "words"),
    [
        ("{from: 2028-03-01, until: 2028-02-01, deaths: 2}", "before it begins"),
        ("{from: 2010-03-01, until: 2010-04-01, deaths: 2}", "between 2016 and 2046"),
        ("{from: 2046-03-01, until: 2047-04-01, deaths: 2}", "between 2016 and 2046"),
        ("{from: 2025-03-01, until: 2025-04-01, births: 2}", "are those of the census"),
    ],
)
def test_waves_that_cannot_be_told_are_refused(tmp_path, waves, words):
    (tmp_path / "mine.yaml").write_text(f"{HEAD}waves: [{waves}]\n", encoding="utf-8")
    with pytest.raises(ValueError, match=words):
        Population(4, SIZE, scenarios=[read_pack(str(tmp_path / "mine.yaml"))])


def test_more_people_than_numbers_are_refused(tmp_path):
    wave = "{from: 2017-01-01, until: 2026-10-31, deaths: 5}"
    (tmp_path / "mine.yaml").write_text(f"{HEAD}waves: [{wave}]\n", encoding="utf-8")
    pack = read_pack(str(tmp_path / "mine.yaml"))
    Population(4, SIZE, scenarios=[pack])
    with pytest.raises(ValueError, match="than there are numbers for"):
        Population(4, scenarios=[pack])
