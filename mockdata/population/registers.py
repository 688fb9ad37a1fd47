"""Registers: the population as the departments keep it. Rows by number for data sets, records by key for sandboxes.

Every register is a view of the same persons, so the same citizen number has the same facts in all of them. Its fields
are data elements, with a qualifier for other persons than the row's own: in the birth register XM is the child's name,
MQ_XM the mother's. Which fact an element carries is said by the element (`Element.attribute`), nowhere else.

| register    | one row a …                            | found by                    | qualifiers              |
|-------------|----------------------------------------|-----------------------------|-------------------------|
| person      | person                                 | GMSFHM                      | FQ MQ PO HZ JHR JHRY FR |
| household   | household                              | HH, GMSFHM of a member      | HZ                      |
| marriage    | marriage in force or dissolved         | ZSBH, NAN_GMSFHM, NV_GMSFHM | NAN NV                  |
| birth       | birth since 1996 with a known mother   | CSZMBH, GMSFHM              | FQ MQ                   |
| insured     | insured person                         | CBBH, GMSFHM                | JHR JHRY                |
| employment  | employee                               | GMSFHM                      | FR                      |
| firm        | firm                                   | TYSHXYDM                    | FR                      |
| institution | midwifery institution                  | JGDM                        |                         |
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from functools import cached_property, lru_cache
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mockdata.population import births, institutions, insurance, marriages
from mockdata.population.attributes import ATTRIBUTES
from mockdata.population.organisations import FIRMS, INSTITUTIONS, Organisations
from mockdata.population.population import Population
from mockdata.population.rows import Rows, touched
from mockdata.seeds import Ints
from mockdata.texts import spread
from specs import elements as dictionary

_BEIJING = timezone(timedelta(hours=8))
Column = Callable[[Any], pa.Array]
Persons = Callable[[Population, Ints], Ints]


@dataclass(frozen=True)
class Register:
    """One register. Rows are numbered 0 … count-1; a row is a function of the population and its number alone.

    `facts`: attribute → column of the row's own subject; `persons`: qualifier → the other person of each subject;
    `keys`: element → the subjects that have these values. Use `elements`, `count`, `rows`, `read`, `find`.
    """

    name: str
    counted: Callable[[Population], int]
    subjects: Callable[[Population, Ints], Ints]
    opened: Callable[[Population, Ints], Any]
    facts: Mapping[str, Column]
    persons: Mapping[str, Persons]
    keys: Mapping[str, Callable[[Population, pa.Array], Ints]]

    @cached_property
    def elements(self) -> frozenset[str]:
        """Identifiers of the elements the register can fill, those of other persons as `QUALIFIER_ELEMENT`."""
        known = dictionary.dictionary().values()
        own = {element.id for element in known if element.attribute in self.facts}
        others = {
            f"{qualifier}_{element.id}"
            for qualifier in self.persons
            for element in known
            if element.attribute in ATTRIBUTES
        }
        return frozenset(own | others)

    def count(self, population: Population) -> int:
        """How many rows the register has."""
        return self.counted(population)

    def rows(self, population: Population, start: int, stop: int, elements: Sequence[str]) -> pa.RecordBatch:
        """Rows start … stop-1, one column an element, named as asked for, in the attribute's own Arrow type.

        Raises IndexError for rows there are not, KeyError for an element the register cannot fill.
        """
        columns = self.read(population, np.arange(start, stop, dtype=np.int64), elements)
        return pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))

    def read(self, population: Population, rows: Ints, elements: Sequence[str]) -> dict[str, pa.Array]:
        """Any rows in any order, as `rows`."""
        at = np.asarray(rows, dtype=np.int64)
        if at.size and (at.min() < 0 or at.max() >= self.count(population)):
            raise IndexError(f"the register {self.name} has rows 0 to {self.count(population) - 1}")
        return self.describe(population, self.subjects(population, at), elements)

    def describe(self, population: Population, subjects: Ints, elements: Sequence[str]) -> dict[str, pa.Array]:
        """The columns of subjects (persons, firms, institutions by number) instead of rows."""
        own = self.opened(population, subjects)
        others: dict[str, tuple[Rows, NDArray[np.bool_]]] = {}
        facts: dict[tuple[str | None, str], pa.Array] = {}
        columns = {}
        for name in elements:
            # several elements may carry one fact: 现住址 and 邮寄地址 are both the address
            fact = qualifier, attribute = self._attribute(name)
            if fact not in facts and qualifier is None:
                facts[fact] = self.facts[attribute](own)
            elif fact not in facts and qualifier is not None:
                if qualifier not in others:
                    others[qualifier] = self._others(population, qualifier, subjects)
                persons, there = others[qualifier]
                facts[fact] = spread(ATTRIBUTES[attribute](persons), there)
            columns[name] = facts[fact]
        return columns

    def _others(self, population: Population, qualifier: str, subjects: Ints) -> tuple[Rows, NDArray[np.bool_]]:
        found = self.persons[qualifier](population, subjects)
        there = found >= 0
        return population.rows(found[there]), there

    def _attribute(self, name: str) -> tuple[str | None, str]:
        qualifier, element = _resolved(name)
        if element.attribute is None:
            raise KeyError(f"the element {element.id} carries no fact of the population, so no register can fill it")
        holds = self.facts if qualifier is None else ATTRIBUTES if qualifier in self.persons else {}
        if element.attribute not in holds:
            # XM in a register of couples is likely to mean one of NAN_XM and NV_XM
            near = sorted(known for known in self.elements if known.endswith(f"_{element.id}"))
            near = near or difflib.get_close_matches(name, self.elements, n=4)
            hint = f"; near: {', '.join(near)}" if near else ""
            raise KeyError(f"the register {self.name} does not hold {name}{hint}")
        return qualifier, element.attribute

    def find(
        self, population: Population, element: str, values: Sequence[Any], elements: Sequence[str] | None = None
    ) -> list[dict[str, Any] | None]:
        """The record of each value of a key element, None where there is none: element → JSON value (dates and times as
        ISO 8601, money as number). `elements`: which to fill, all without it. Raises KeyError when `element` is no key.
        """
        if element not in self.keys:
            raise KeyError(f"records of the register {self.name} are found by {', '.join(self.keys)}, not by {element}")
        text = pa.array([value if isinstance(value, str) else None for value in values], pa.string())
        subjects = self.keys[element](population, text)
        found = subjects >= 0
        wanted = sorted(self.elements) if elements is None else elements
        columns = self.describe(population, subjects[found], wanted)
        made = iter(zip(*(column.to_pylist() for column in columns.values()), strict=True))
        records = ({name: plain(value) for name, value in zip(columns, row, strict=True)} for row in made)
        return [next(records) if there else None for there in found]


_resolved = lru_cache(maxsize=4_096)(dictionary.resolve)


def plain(value: Any) -> Any:
    """A value as JSON has it: dates `2026-11-01`, times `2026-11-01T09:00:00+08:00`, money a number."""
    if isinstance(value, datetime):
        return value.astimezone(_BEIJING).isoformat(timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    return float(value) if isinstance(value, Decimal) else value


def register(name: str) -> Register:
    """A register by name. Raises KeyError naming the registers there are."""
    if name not in REGISTERS:
        raise KeyError(f"there is no register {name!r}; there are {', '.join(REGISTERS)}")
    return REGISTERS[name]


def person(population: Population, number: str, elements: Sequence[str] | None = None) -> dict[str, Any] | None:
    """A person's record by citizen number, element → JSON value, or None."""
    return REGISTERS["person"].find(population, "GMSFHM", [number], elements)[0]


def institution(population: Population, code: str) -> dict[str, Any] | None:
    """A midwifery institution's record by its code, or None."""
    return REGISTERS["institution"].find(population, "JGDM", [code])[0]


def married(population: Population, one: str, other: str) -> dict[str, Any] | None:
    """The registered marriage of two citizen numbers in either order, in force or dissolved, or None.

    ZT state (20 in force, 40 dissolved), DJRQ date of registration, DJJG registering authority, ZSBH certificate
    number, LHRQ date of divorce or None.
    """
    pair = population.index_of([one, other])
    rows = population.rows(np.maximum(pair[:1], 0))
    registered = (rows.married | rows.divorced) & (rows.partner == pair[1])
    if pair.min() < 0 or not registered[0]:
        return None
    names = {
        "ZT": "marriage_state", "DJRQ": "marriage_date", "DJJG": "registering_authority",
        "ZSBH": "marriage_certificate_number", "LHRQ": "divorce_date",
    }  # fmt: skip
    return {name: plain(ATTRIBUTES[attribute](rows)[0].as_py()) for name, attribute in names.items()}


# ---- how each register sees the population --------------------------------------------------------------------


def _same(population: Population, rows: Ints) -> Ints:
    del population
    return rows


def _persons(population: Population, index: Ints) -> Rows:
    return population.rows(index)


def _organisations(population: Population, index: Ints) -> Organisations:
    return Organisations(population.world, index)


def _by_number(population: Population, numbers: pa.Array) -> Ints:
    return population.index_of(numbers)


def _marked(population: Population, index: Ints, selection: str) -> Ints:
    """Keeps the persons a selection of the population holds, -1 for the others."""
    return np.where(getattr(population, selection).row(index) >= 0, index, -1)


def _husband(population: Population, numbers: pa.Array) -> Ints:
    return _marked(population, population.index_of(numbers), "couples")


def _wifes_husband(population: Population, numbers: pa.Array) -> Ints:
    index = population.index_of(numbers)
    partner = population.rows(np.maximum(index, 0)).partner
    return _marked(population, np.where(index >= 0, partner, -1), "couples")


def _child(population: Population, numbers: pa.Array) -> Ints:
    return _marked(population, population.index_of(numbers), "births")


def _certified_child(population: Population, numbers: pa.Array) -> Ints:
    return _marked(population, births.find(population.world, numbers), "births")


def _employee(population: Population, numbers: pa.Array) -> Ints:
    return _marked(population, population.index_of(numbers), "employees")


def _head_by_member(population: Population, numbers: pa.Array) -> Ints:
    return population.head(population.index_of(numbers))


def _wife(population: Population, index: Ints) -> Ints:
    return population.rows(index).partner


def _employers_head(population: Population, index: Ints) -> Ints:
    firm = population.firms.employer(index)
    found = np.full(len(index), -1, dtype=np.int64)
    found[firm >= 0] = population.firms.representative(firm[firm >= 0])
    return found


def _marriage_touched(rows: Rows) -> pa.Array:
    return touched(rows, np.maximum(np.where(rows.divorced, rows.divorce, rows.wedding), 0))


def _birth_touched(rows: Rows) -> pa.Array:
    return touched(rows, rows.day + 10)


_GUARDIAN: dict[str, Persons] = {"JHR": Population.guardian, "JHRY": Population.guardian}
_PARENTS: dict[str, Persons] = {"FQ": Population.father, "MQ": Population.mother}
_MARRIAGE_FACTS = (
    "marriage_certificate_number", "marriage_date", "marriage_state", "divorce_date", "registering_authority",
    "division",
)  # fmt: skip

REGISTERS: MappingProxyType[str, Register] = MappingProxyType(
    {
        made.name: made
        for made in (
            Register(
                "person", lambda p: p.size, _same, _persons, ATTRIBUTES,
                {**_PARENTS, **_GUARDIAN, "PO": Population.spouse, "HZ": Population.head, "FR": _employers_head},
                {"GMSFHM": _by_number},
            ),
            Register(
                "household", lambda p: p.households.count, lambda p, rows: p.households.index(rows), _persons,
                ATTRIBUTES,
                {"HZ": _same},
                {"HH": lambda p, numbers: p.household_heads(numbers), "GMSFHM": _head_by_member},
            ),
            Register(
                "marriage", lambda p: p.couples.count, lambda p, rows: p.couples.index(rows), _persons,
                {**{name: ATTRIBUTES[name] for name in _MARRIAGE_FACTS}, "updated_at": _marriage_touched},
                {"NAN": _same, "NV": _wife},
                {
                    "ZSBH": lambda p, numbers: marriages.find(p.world, numbers),
                    "NAN_GMSFHM": _husband,
                    "NV_GMSFHM": _wifes_husband,
                },
            ),
            Register(
                "birth", lambda p: p.births.count, lambda p, rows: p.births.index(rows), _persons,
                {**ATTRIBUTES, "issued_on": births.birth_certificate_date, "updated_at": _birth_touched},
                _PARENTS,
                {"CSZMBH": _certified_child, "GMSFHM": _child},
            ),
            Register(
                "insured", lambda p: p.size, _same, _persons, ATTRIBUTES, _GUARDIAN,
                {"CBBH": lambda p, numbers: insurance.find(p.world, numbers), "GMSFHM": _by_number},
            ),
            Register(
                "employment", lambda p: p.employees.count, lambda p, rows: p.employees.index(rows), _persons,
                ATTRIBUTES,
                {"FR": _employers_head},
                {"GMSFHM": _employee},
            ),
            Register(
                "firm", lambda p: p.firms.count, _same, _organisations, FIRMS,
                {"FR": lambda p, firm: p.firms.representative(firm)},
                {"TYSHXYDM": lambda p, codes: p.firms.find(codes)},
            ),
            Register(
                "institution", lambda p: institutions.count(p.world), _same, _organisations, INSTITUTIONS, {},
                {"JGDM": lambda p, codes: institutions.find(p.world, codes)},
            ),
        )
    }
)  # fmt: skip
"""Every register by name."""
