"""Attributes of persons, column-wise: each a function from `Rows` to an Arrow array. `ATTRIBUTES` names them all.

Codes are strings, dates date32, times timestamp (ms, UTC), money decimal(10, 2) in yuan. Null means
that the fact does not exist for the person (no employer, no marriage), never that it is unknown.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import MappingProxyType

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mockdata import identifiers
from mockdata.kernels import compiled
from mockdata.population import activity, pools
from mockdata.population.addresses import addresses
from mockdata.population.births import BIRTHS
from mockdata.population.changes import BEFORE
from mockdata.population.conflicts import conflicting
from mockdata.population.divisions import Mode, divisions
from mockdata.population.incomes import monthly_income
from mockdata.population.insurance import INSURANCE
from mockdata.population.marriages import certificate_numbers
from mockdata.population.naming import renamed
from mockdata.population.rows import (
    YEAR_STARTS,
    Rows,
    address_words,
    codes,
    dates,
    neighbour,
    office_time,
    touched,
    within_province,
)
from mockdata.seeds import Bijection, Ints, below, hashed, unit
from mockdata.texts import Digits, joined, spread, taken

HOUSEHOLD_NUMBERS = 10**9
"""How many household numbers of nine digits there are."""


def citizen_number(rows: Rows) -> pa.Array:
    """公民身份号码 (GB 11643)."""
    return identifiers.text_column(rows.number)


def name(rows: Rows) -> pa.Array:
    """Surname of the family and a given name that fits sex and generation, unless a scenario says otherwise."""
    made = renamed(rows, _drawn_name(rows, "given name"), lambda some: taken(pools.surnames()[0], surname_of(some)))
    return conflicting(rows, "name", made, lambda some: _drawn_name(some, "former given name"))


def _drawn_name(rows: Rows, purpose: str) -> pa.Array:
    surnames, _ = pools.surnames()
    pool, starts, counts = pools.given_names()
    kind = 2 * pools.era_of(rows.year) + rows.sex - 1
    given = starts[kind] + below(rows.words(purpose), counts[kind])
    return joined((surnames, rows.once("surname", surname_of)), (pool, given))


def surname_of(rows: Rows) -> Ints:
    """Position of each surname in `pools.surnames`."""
    _, table = pools.surnames()
    words = hashed(rows.world.key("surname"), rows.surname_root)
    return np.asarray(table[(words >> np.uint64(48)).astype(np.int64)], dtype=np.int64)


def sex(rows: Rows) -> pa.Array:
    """GB/T 2261.1: 1 male, 2 female."""
    return taken(codes("1", "2"), rows.sex - 1)


def birth_date(rows: Rows) -> pa.Array:
    """Date of birth."""
    return dates(rows.day)


def ethnic_group(rows: Rows) -> pa.Array:
    """GB/T 3304, mostly one for a family."""
    groups, table = pools.ethnic_groups()
    words = hashed(rows.world.key("ethnic group"), rows.relative(rows.template.ethnic_root))
    return taken(groups, table[(words >> np.uint64(48)).astype(np.int64)])


def division(rows: Rows) -> pa.Array:
    """Division of residence; the citizen number begins with it."""
    return taken(rows.world.divisions.codes, rows.division)


def division_name(rows: Rows) -> pa.Array:
    """Province, city and county of residence."""
    return taken(rows.world.divisions.full_names, rows.division)


def province(rows: Rows) -> pa.Array:
    """Province of residence by name."""
    return taken(rows.world.divisions.province_names, rows.division)


def ancestral_division(rows: Rows) -> pa.Array:
    """籍贯: follows the surname's root; for three families in ten another division of the province."""
    words = hashed(rows.world.key("ancestral"), rows.surname_root)
    other = neighbour(rows, hashed(rows.world.key("ancestral division"), rows.surname_root))
    return taken(rows.world.divisions.codes, np.where(unit(words) < 0.3, other, rows.division))


def _hukou(rows: Rows) -> Ints:
    """Where the household registration is held. About one in eight of those who joined a household (spouses, in-laws,
    lodgers) and of people in dormitories kept theirs elsewhere, half of them in another province."""
    relation = rows.origin.relation[rows.slot]
    joined = (relation == 1) | (relation == 8) | rows.origin.collective[rows.slot]
    words = rows.words("moved")
    moved = joined & (below(words, 1000) < 120)
    table = rows.world.divisions
    if not moved.any():
        return rows.division
    far = words & np.uint64(1) > 0
    anywhere = below(rows.words("hukou division"), len(table))
    own = table.provinces[rows.division]
    first, after = table.province_starts[own], table.province_starts[own + 1]
    # a draw that hit the own province is pushed over its end, round the table
    inside = (anywhere >= first) & (anywhere < after)
    anywhere = np.where(inside, (anywhere + after - first) % len(table), anywhere)
    inside = (anywhere >= first) & (anywhere < after)
    anywhere = np.where(inside, after % len(table), anywhere)
    return np.where(moved, np.where(far, anywhere, within_province(rows, "hukou near")), rows.division)


def hukou_division(rows: Rows) -> pa.Array:
    """Division of household registration; differs from `division` for those who kept it elsewhere."""
    return taken(rows.world.divisions.codes, rows.once("hukou", _hukou))


def hukou_province(rows: Rows) -> pa.Array:
    """Province of household registration by name."""
    return taken(rows.world.divisions.province_names, rows.once("hukou", _hukou))


def household_kind(rows: Rows) -> pa.Array:
    """1 family household, 2 collective household."""
    return codes("1", "2").take(pa.array(rows.template.collective[rows.slot].astype(np.int64)))


def household_number(rows: Rows) -> pa.Array:
    """Nine digits, one number a household, unique."""
    row = rows.world.homes.row(rows.home)
    mixed = Bijection(rows.world.key("household number")).forward(row, HOUSEHOLD_NUMBERS)
    return joined(Digits(mixed, 9))


def relation_to_head(rows: Rows) -> pa.Array:
    """GB/T 4761, first digit: 0 head, 1 spouse, 2 son, 3 daughter, 4 grandchild, 5 parent, 6 grandparent, 7 sibling, 8
    other."""
    return taken(codes(*"012345678"), rows.template.relation[rows.slot])


def address(rows: Rows) -> pa.Array:
    """Where the household lives."""
    return conflicting(
        rows, "address", rows.once("address", _home), lambda some: _address(some, some.division, "former ")
    )


def _home(rows: Rows) -> pa.Array:
    return _address(rows, rows.division)


def hukou_address(rows: Rows) -> pa.Array:
    """Address of the household registration: `address` unless it is held elsewhere."""
    where = rows.once("hukou", _hukou)
    made = rows.once("address", _home) if np.array_equal(where, rows.division) else _address(rows, where)
    return conflicting(rows, "hukou_address", made, lambda some: _address(some, _hukou(some), "former "))


def _address(rows: Rows, where: Ints, former: str = "") -> pa.Array:
    dormitory = rows.template.collective[rows.slot]
    world = rows.world
    if world.later and not former:
        epoch = np.concatenate([world.changes.epoch, np.zeros(len(rows.template) - len(world.template), np.int64)])
        words = address_words(world, rows.home, BEFORE + epoch[world.now.home[rows.slot]])
    else:
        words = rows.household_words(f"{former}address")
    return addresses(world.divisions, where, words, world.key("way"), dormitory)


def mobile(rows: Rows) -> pa.Array:
    """11 digits, unique in any 1.1 thousand million neighbouring persons (reserved mode) or everywhere (realistic)."""
    prefixes = phone_prefixes(rows.world.divisions.mode)
    capacity = len(prefixes) * 100_000_000
    mixed = Bijection(rows.world.key("mobile"), rounds=3).forward(_wrapped(rows.index, capacity), capacity)
    ahead = np.array([(int(prefix) - number) * 100_000_000 for number, prefix in enumerate(prefixes)])
    return joined(Digits(mixed + ahead[mixed // 100_000_000], 11))


def _wrapped(index: Ints, capacity: int) -> Ints:
    return index % capacity if len(index) and int(index.max()) >= capacity else index


def phone_prefixes(mode: str) -> tuple[str, ...]:
    """The mobile prefixes of an identifier mode; those of reserved mode were never allotted."""
    return identifiers.UNALLOTTED if mode == "reserved" else identifiers.ALLOTTED


def email(rows: Rows) -> pa.Array:
    """Pinyin of the surname and a number, unique, always under example.com, example.net or example.org (RFC 2606)."""
    number = Bijection(rows.world.key("email"), rounds=3).forward(_wrapped(rows.index, 10**10), 10**10)
    spelled = (pools.surname_spellings(), rows.once("surname", surname_of))
    return joined(spelled, Digits(number, 10), (codes("@example.com", "@example.net", "@example.org"), number % 3))


def marital_status(rows: Rows) -> pa.Array:
    """GB/T 2261.2: 10 never married, 20 married, 30 widowed, 40 divorced."""
    settled = rows.template.marital[rows.slot] // 10 - 1
    paired = rows.template.partner[rows.slot] >= 0
    # of the dead: what they were when they died
    now = np.select([rows.married, rows.divorced, rows.widowed, rows.ended], [1, 3, 2, 1], 0)
    made = codes("10", "20", "30", "40").take(pa.array(np.where(paired, now, settled)))
    return conflicting(rows, "marital_status", made, _marital_status_before)


def _marital_status_before(rows: Rows) -> pa.Array:
    """What a register that missed the last change has: the married never married, the widowed and divorced married."""
    now = marital_status(rows)
    return pc.if_else(pc.equal(now, "20"), "10", pc.if_else(pc.equal(now, "10"), "10", "20"))


def marriage_state(rows: Rows) -> pa.Array:
    """20 in force, 40 dissolved, 30 ended by a death since the base date; null without a registered marriage."""
    return taken(codes("20", "40", "30"), np.select([rows.married, rows.divorced, rows.ended], [0, 1, 2], -1))


def marriage_date(rows: Rows) -> pa.Array:
    """Date of registration of the (last) marriage."""
    return dates(rows.wedding, rows.wed | rows.divorced)


def divorce_date(rows: Rows) -> pa.Array:
    """Date on which the marriage was dissolved."""
    return dates(rows.divorce, rows.divorced)


def registering_authority(rows: Rows) -> pa.Array:
    """Office that registered the marriage: the civil-affairs office of the division."""
    there = rows.wed | rows.divorced
    return taken(_offices(rows.world.divisions.mode), np.where(there, rows.division, -1))


@cache
def _offices(mode: Mode) -> pa.Array:
    return pc.binary_join_element_wise(divisions(mode).full_names, "民政局婚姻登记处", "")


def marriage_certificate_number(rows: Rows) -> pa.Array:
    """J (L for a divorce), division, year, six-digit number within both; unique."""
    return certificate_numbers(rows)


def education(rows: Rows) -> pa.Array:
    """GB/T 4658: highest education attained; 90 for children."""
    return taken(codes(*activity.EDUCATION), rows.activity.education[rows.slot])


def occupation(rows: Rows) -> pa.Array:
    """Job title of employees; else what the person does."""
    kind = rows.activity.kind[rows.slot]
    jobs = pools.jobs()
    others = codes("学龄前儿童", "学生", "", "个体经营或务农", "退休", "无业")
    pool = pa.concat_arrays([others, jobs])
    job = len(others) + below(rows.words("occupation"), len(jobs))
    return taken(pool, np.where(kind == activity.EMPLOYEE, job, kind))


def employer_uscc(rows: Rows) -> pa.Array:
    """Unified social credit code of the employer; null for nobody's employees."""
    return _of_firm(rows, rows.world.firms.codes)


def employer_name(rows: Rows) -> pa.Array:
    """Name of the employer; null for nobody's employees."""
    return _of_firm(rows, rows.world.firms.names)


def employer_address(rows: Rows) -> pa.Array:
    """Address of the employer; null for nobody's employees."""
    return _of_firm(rows, lambda firm: firm_addresses(rows, firm))


def firm_addresses(rows: Rows, firm: Ints) -> pa.Array:
    """Business addresses of firms."""
    world = rows.world
    words = hashed(world.key("firm address"), firm)
    none = np.zeros(len(firm), dtype=np.bool_)
    return addresses(world.divisions, world.firms.division(firm), words, world.key("way"), none)


def _of_firm(rows: Rows, column: Callable[[Ints], pa.Array]) -> pa.Array:
    firm = rows.employer
    has = firm >= 0
    return spread(column(firm[has]), has)


def registered_at(rows: Rows) -> pa.Array:
    """When the household registration was entered: up to 30 days after birth, in office hours; for persons born before
    1999 when the paper registers were computerised (1999 to 2003)."""
    return office_time(rows.once("registered", _registered), rows.words("registered") << np.uint64(13))


def _registered(rows: Rows) -> Ints:
    words = rows.words("registered")
    start = int(YEAR_STARTS[1999 - 1880])
    if loops := compiled(len(rows)):
        found: Ints = loops.registered(rows.day, words, rows.limit, start)
        return found
    soon = np.minimum(rows.day + below(words, 30) + 1, rows.limit)
    return np.where(rows.day < start, start + below(words, 1826), soon)


def updated_at(rows: Rows) -> pa.Array:
    """When the person's entry was last touched: at or after its registration, never after the base date."""
    return touched(rows, rows.once("registered", _registered))


ATTRIBUTES: MappingProxyType[str, Callable[[Rows], pa.Array]] = MappingProxyType(
    {
        function.__name__: function
        for function in (
            citizen_number, name, sex, birth_date, ethnic_group, division, division_name, province,
            ancestral_division, hukou_division, hukou_province, hukou_address, household_kind,
            household_number, relation_to_head, address, mobile, email, marital_status, marriage_state, marriage_date,
            divorce_date, registering_authority, marriage_certificate_number, education, occupation, employer_uscc,
            employer_name, employer_address, monthly_income, registered_at, updated_at,
        )
    }
    | dict(BIRTHS)
    | dict(INSURANCE)
)  # fmt: skip
"""Every attribute of a person by name."""
