"""What must hold for everybody, counted on any persons: `violations` gives the number of breaches of each rule.

Check characters are worked out here a second time, from the text of the standards and not from `mockdata.identifiers`,
so that one mistake does not hide another. All counts of a sound population are zero.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mockdata import kernels
from mockdata.population import calendar
from mockdata.population.mortality import NEVER
from mockdata.population.population import Population
from mockdata.population.registers import REGISTERS
from mockdata.population.rows import Rows
from mockdata.seeds import Ints

Flags = NDArray[np.bool_]
_YEAR = 365.2425


def violations(population: Population, indices: Ints) -> dict[str, int]:
    """Breaches by rule among the persons of `indices` (living ones of the base date; no repetitions)."""
    kernels.load(len(indices))
    rows = population.rows(indices)
    found: dict[str, int] = {}
    for rules in (_numbers, _kin, _couples, _homes, _places, _work, _ownership, _changes, _deaths):
        for name, broken in rules(population, rows):
            found[name] = int(np.count_nonzero(broken))
    return found


def _days(column: pa.Array) -> Ints:
    return np.asarray(column.cast(pa.int32()).fill_null(-(10**6)).to_numpy(), dtype=np.int64)


def _text(column: pa.Array, width: int) -> NDArray[np.uint8]:
    joined = "".join(column.to_pylist()).encode()
    return np.frombuffer(joined, np.uint8).reshape(len(column), width)


# ---- numbers --------------------------------------------------------------------------------------------------


def wrong_citizen_checks(matrix: NDArray[np.uint8]) -> Flags:
    """ISO 7064 MOD 11-2 as the standard has it: the sum of 2^(place from the right) × value leaves 1 by 11."""
    value = np.where(matrix == ord("X"), 10, matrix.astype(np.int64) - 48)
    powers = np.array([pow(2, 17 - place, 11) for place in range(18)])
    return np.asarray((value @ powers) % 11 != 1)


def wrong_credit_codes(matrix: NDArray[np.uint8]) -> Flags:
    """GB 32100 and GB 11714: the weights are powers of 3 by 31; the check character makes the sum 0."""
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    value = np.array([alphabet.find(chr(code)) for code in range(256)])[matrix]
    weights = np.array([pow(3, place, 31) for place in range(17)])
    outer = (value[:, :17] @ weights + value[:, 17]) % 31 != 0
    plain = np.array([int(chr(code), 36) if chr(code).isalnum() and code < 128 else 0 for code in range(256)])[matrix]
    inner_sum = plain[:, 8:16] @ np.array([3, 7, 9, 10, 5, 8, 4, 2])
    last = np.where(matrix[:, 16] == ord("X"), 10, matrix[:, 16].astype(np.int64) - 48)
    return np.asarray((value < 0).any(axis=1) | outer | ((inner_sum + last) % 11 != 0))


def _numbers(population: Population, rows: Rows) -> Iterator[tuple[str, Flags]]:
    columns = population.persons(rows.index, ["citizen_number", "birth_date", "sex", "division", "employer_uscc"])
    number = columns["citizen_number"]
    matrix = _text(number, 18)
    yield "citizen number: check character", wrong_citizen_checks(matrix)
    written = pc.strftime(columns["birth_date"], "%Y%m%d")
    yield "citizen number: birth date", ~_equal(pc.utf8_slice_codeunits(number, 6, 14), written)
    odd = matrix[:, 16] % 2 == 1
    yield "citizen number: sex", odd != _equal(columns["sex"], "1")
    yield "citizen number: division", ~_equal(pc.utf8_slice_codeunits(number, 0, 6), columns["division"])
    yield "citizen number: sequence 000", (matrix[:, 14:17] == 48).all(axis=1)
    yield "citizen number: division of 00", (matrix[:, 4:6] == 48).all(axis=1)
    yield "citizen number: unique", np.ones(len(rows) - len(number.unique()), dtype=np.bool_)
    yield "citizen number: leads back", population.index_of(number) != rows.index
    codes = columns["employer_uscc"].drop_null()
    matrix = _text(codes, 18)
    yield "credit code: check characters", wrong_credit_codes(matrix)
    yield "credit code: leads back", population.firms.find(codes) != rows.employer[rows.employer >= 0]
    yield "born after the date", rows.day > population.world.as_of


def _equal(one: pa.Array, other: pa.Array | str) -> Flags:
    return np.asarray(pc.fill_null(pc.equal(one, other), False).to_numpy(zero_copy_only=False))


# ---- families -------------------------------------------------------------------------------------------------


def _kin(population: Population, rows: Rows) -> Iterator[tuple[str, Flags]]:
    for name, find, sex in (("father", population.father, 1), ("mother", population.mother, 2)):
        parent = find(rows.index)
        known = parent >= 0
        theirs = population.rows(parent[known])
        yield f"{name}: at least 16 years older", (rows.day[known] - theirs.day) / _YEAR < 16
        yield f"{name}: sex", theirs.sex != sex


def _couples(population: Population, rows: Rows) -> Iterator[tuple[str, Flags]]:
    spouse = population.spouse(rows.index)
    married = spouse >= 0
    yield "spouse: mutual", population.spouse(spouse[married]) != rows.index[married]
    theirs = population.rows(spouse[married])
    yield "spouse: of the other sex", theirs.sex == rows.sex[married]
    for name, some in (("own", rows), ("spouse's", theirs)):
        legal = np.where(some.sex == 1, 22, 20)
        wed = some.wedding if name == "spouse's" else some.wedding[married]
        born, least = (some.day, legal) if name == "spouse's" else (some.day[married], legal[married])
        yield f"spouse: {name} legal age", (wed - born) / _YEAR < least - 0.01
    yield "spouse: one wedding day", theirs.wedding != rows.wedding[married]
    status = population.persons(rows.index, ["marital_status"])["marital_status"]
    living = population.living(rows.index) >= 0
    yield "marital status: married", (_equal(status, "20") != married) & living
    yield "divorce: after the wedding", rows.divorced & (rows.divorce <= rows.wedding)


def _homes(population: Population, rows: Rows) -> Iterator[tuple[str, Flags]]:
    living = population.living(rows.index)
    mine = living[living >= 0]
    household = population.household_of(mine)
    yield "household: everybody in one", household < 0
    head = population.head(mine)
    yield "household: the head heads itself", population.head(head) != head
    yield "household: the head is alive", population.living(head) < 0
    relation = population.persons(mine, ["relation_to_head", "household_number"])
    yield "household: relation 0 is the head", _equal(relation["relation_to_head"], "0") != (head == mine)
    yield "household: number leads back", population.household_heads(relation["household_number"]) != head


def _places(population: Population, rows: Rows) -> Iterator[tuple[str, Flags]]:
    columns = population.persons(rows.index, ["address", "division_name", "hukou_address", "hukou_province"])
    yield "address: within the division", _outside(columns["address"], columns["division_name"])
    yield "registered address: within the province", _outside(columns["hukou_address"], columns["hukou_province"])


def _outside(address: pa.Array, place: pa.Array) -> Flags:
    """Whether each address does not begin with its place: one comparison for all addresses of a place."""
    found = np.zeros(len(address), dtype=np.bool_)
    encoded = place.dictionary_encode()
    codes = encoded.indices.to_numpy()
    order = np.argsort(codes, kind="stable")
    edges = np.searchsorted(codes[order], np.arange(len(encoded.dictionary) + 1))
    for number, name in enumerate(encoded.dictionary.to_pylist()):
        here = order[edges[number] : edges[number + 1]]
        found[here] = pc.starts_with(address.take(pa.array(here)), name).to_numpy(zero_copy_only=False)
    return ~found


# ---- work, property, changes, deaths --------------------------------------------------------------------------


def _work(population: Population, rows: Rows) -> Iterator[tuple[str, Flags]]:
    careers = population.careers
    entries, (months, _) = careers.entries, careers.months
    slot = rows.slot
    first, after = (part[slot] for part in careers.spells)
    there = first < calendar.NO_MONTH
    yield "spell: ends after it begins", there & (after <= first)
    yield "spell: none overlaps the next", _any(there[:, 1:] & (first[:, 1:] < after[:, :-1]))
    yield "spell: not under sixteen", _any(there & (first < (rows.year[:, None] + 16) * 12))
    counts = entries.counts[slot]
    latest = entries.row(rows.index, counts - 1)
    works = latest >= 0
    spell = REGISTERS["employment_spell"].read(population, latest[works], ["TYSHXYDM", "RZRQ", "LZRQ"])
    going = ~np.asarray(spell["LZRQ"].is_valid().to_numpy(zero_copy_only=False))
    now = rows.employer
    has = now >= 0
    yield "spell: employees have one going on", has & ~_spread(going, works)
    firm = population.firms.codes(np.where(has, now, 0))
    same = _equal(spell["TYSHXYDM"], firm.filter(pa.array(works)))
    yield "spell: the one going on is at the employer", has[works] & ~same
    yield "spell: hired by the date", _days(spell["RZRQ"]) > _today(population)
    amount = months.counts[slot]
    some = np.nonzero(amount > 0)[0]
    turn = (some * 7_919) % amount[some]
    month, which = careers.month(slot[some], turn)
    yield "contribution: within its spell", (month < first[some, which]) | (month >= after[some, which])
    yield "contribution: by the date", month >= calendar.month_of(np.array([population.world.as_of]))[0]
    row = months.row(rows.index[some], turn)
    back = months.at(row)
    yield "contribution: row leads back", (back[0] != rows.index[some]) | (back[1] != turn)


def _any(flags: Flags) -> Flags:
    """Whether any column of a row is True."""
    return np.asarray(flags.any(axis=1))


def _spread(flags: Flags, there: Flags) -> Flags:
    out = np.zeros(len(there), dtype=np.bool_)
    out[there] = flags
    return out


def _today(population: Population) -> int:
    from mockdata.population.rows import EPOCH

    return population.world.as_of - EPOCH


_KEYS = (
    ("vehicle", "HPHM"), ("vehicle", "CLSBDH"), ("home", "BDCDYH"), ("driving_licence", "DABH"),
    ("employment_spell", "LDHTBH"), ("contribution", "JFPZH"), ("move", "QYZBH"),
)  # fmt: skip


def _ownership(population: Population, rows: Rows) -> Iterator[tuple[str, Flags]]:
    adult_before = population.as_of.year - 18
    for name in ("vehicle", "home", "driving_licence"):
        register = REGISTERS[name]
        assert register.span is not None
        first, count = register.span(population, rows.index)
        mine = first[count > 0]
        holder = register.read(population, mine, ["GMSFHM", "CSRQ"])
        owner = population.index_of(holder["GMSFHM"])
        yield f"{name}: of somebody alive", population.living(owner) < 0
        yield f"{name}: of an adult", pc.year(holder["CSRQ"]).to_numpy() > adult_before
    for name, key in _KEYS:
        register = REGISTERS[name]
        assert register.span is not None
        first, count = register.span(population, rows.index)
        mine = (first + count - 1)[count > 0]
        values = register.read(population, mine, [key])[key]
        yield f"{name}: {key} leads back", register.keys[key](population, values) != mine
        yield f"{name}: {key} unique", np.ones(len(values) - len(values.unique()), dtype=np.bool_)
    home = REGISTERS["home"]
    assert home.span is not None
    first, count = home.span(population, rows.index)
    joint = home.persons["GYR"](population, first[count > 0])
    yield "home: joint owner is the spouse", (joint >= 0) & (population.living(joint) < 0)


def _changes(population: Population, rows: Rows) -> Iterator[tuple[str, Flags]]:
    table = population.changes.moves[rows.slot]
    there = table < calendar.NO_MONTH
    yield "move: after birth", _any(there & (table < rows.year[:, None] * 12))
    yield "move: in order", np.any([
        there[:, one] & there[:, two] & (table[:, one] >= table[:, two])
        for one in range(table.shape[1]) for two in range(one + 1, table.shape[1])
    ], axis=0)  # fmt: skip
    yield "move: by the date", (there & (table >= calendar.month_of(np.array([population.world.as_of]))[0])).any(axis=1)
    renamed = population.changes.renamed[rows.slot]
    yield "change of name: after birth", renamed < rows.year * 12


def _deaths(population: Population, rows: Rows) -> Iterator[tuple[str, Flags]]:
    death = rows.death
    yield "death: after birth", (death < NEVER) & (death <= rows.day)
    gone = death <= population.world.as_of
    yield "death: the dead are not among the living", gone & (population.living(rows.index) >= 0)
    yield "death: the dead are in the register", gone != (population.crowds.deaths.row(rows.index) >= 0)
