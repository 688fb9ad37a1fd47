"""What a register is: rows by number, records by key."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mockdata.population.attributes import ATTRIBUTES
from mockdata.population.population import Population
from mockdata.population.rows import Rows
from mockdata.seeds import Ints
from mockdata.texts import spread
from specs import elements as dictionary

_BEIJING = timezone(timedelta(hours=8))
Column = Callable[[Any], pa.Array]
Turning = Callable[[Population, Ints], Ints]


@dataclass(frozen=True)
class OfPerson:
    """A column that is an attribute of the person a row is about, whom `rows` finds."""

    attribute: str
    rows: Callable[[Any], Rows]

    def __call__(self, thing: Any) -> pa.Array:
        return ATTRIBUTES[self.attribute](self.rows(thing))


@dataclass(frozen=True)
class Register:
    """One register. Rows are numbered 0 … count-1; a row is a function of the population and its number alone.

    `things`: what rows are about (persons, firms, or the rows' own numbers), `placed`: its inverse · `subjects`: the
    living persons of the base date under whom rows are filed, ascending (what has none: the thing) · `opened`: things
    → what `facts` take · `facts`: attribute → column of the things · `persons`: qualifier → the other person of each
    thing · `keys`: element → the things that have these values · `span`: (first row, how many) of persons in a register
    that may have several rows a person. Use `elements`, `count`, `rows`, `read`, `find`, `history`.
    """

    name: str
    counted: Callable[[Population], int]
    things: Turning
    placed: Turning
    subjects: Turning
    opened: Callable[[Population, Ints], Any]
    facts: Mapping[str, Column]
    persons: Mapping[str, Turning]
    keys: Mapping[str, Callable[[Population, pa.Array], Ints]]
    span: Callable[[Population, Ints], tuple[Ints, Ints]] | None = None

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

    def personal(self, attribute: str) -> bool:
        """Whether a fact is the person's own, the same in all rows about that person, and not one of the row."""
        column = self.facts[attribute]
        return isinstance(column, OfPerson) or column is ATTRIBUTES.get(attribute)

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
        return self.describe(population, self.things(population, at), elements)

    def describe(self, population: Population, things: Ints, elements: Sequence[str]) -> dict[str, pa.Array]:
        """The columns of things (persons, firms, institutions by number) instead of rows."""
        own = self.opened(population, things)
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
                    others[qualifier] = self._others(population, qualifier, things)
                persons, there = others[qualifier]
                facts[fact] = spread(ATTRIBUTES[attribute](persons), there)
            columns[name] = facts[fact]
        return columns

    def _others(self, population: Population, qualifier: str, things: Ints) -> tuple[Rows, NDArray[np.bool_]]:
        found = self.persons[qualifier](population, things)
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
        things = self.keys[element](population, text)
        found = things >= 0
        wanted = sorted(self.elements) if elements is None else elements
        columns = self.describe(population, things[found], wanted)
        made = iter(zip(*(column.to_pylist() for column in columns.values()), strict=True))
        records = ({name: plain(value) for name, value in zip(columns, row, strict=True)} for row in made)
        return [next(records) if there else None for there in found]

    def history(
        self, population: Population, number: str, elements: Sequence[str] | None = None
    ) -> list[dict[str, Any]]:
        """All records of the person with a citizen number, the earliest first; none for a number that is nobody's."""
        person = population.index_of([number])
        if self.span is None:
            rows = self.placed(population, person) if person[0] >= 0 else person
            rows = rows[rows >= 0]
        else:
            first, count = self.span(population, np.where(person < population.size, person, -1))
            rows = first[0] + np.arange(count[0])
        wanted = sorted(self.elements) if elements is None else elements
        columns = self.read(population, rows, wanted)
        made = zip(*(column.to_pylist() for column in columns.values()), strict=True)
        return [{name: plain(value) for name, value in zip(columns, row, strict=True)} for row in made]


_resolved = lru_cache(maxsize=4_096)(dictionary.resolve)


def plain(value: Any) -> Any:
    """A value as JSON has it: dates `2026-11-01`, times `2026-11-01T09:00:00+08:00`, money a number."""
    if isinstance(value, datetime):
        return value.astimezone(_BEIJING).isoformat(timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    return float(value) if isinstance(value, Decimal) else value
