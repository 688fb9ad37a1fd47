"""The virtual population: any person, any attribute, both ways, without storing anybody.

`Population(seed, size)` is a pure function in the shape of an object: row i and any attribute of it can be computed
alone, in any order, on any machine, and gives the same bytes; a citizen number leads back to its row. How it is built,
which figures are facts and which a model: docs/population.md.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from datetime import date
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from mockdata import identifiers, kernels
from mockdata.population import traits
from mockdata.population.activity import EMPLOYEE, activity
from mockdata.population.ages import BASE
from mockdata.population.attributes import ATTRIBUTES, HOUSEHOLD_NUMBERS
from mockdata.population.belongings import Belongings
from mockdata.population.birth_index import BirthIndex
from mockdata.population.births import CERTIFICATES, FIRST_YEAR
from mockdata.population.careers import Careers
from mockdata.population.changes import Changes
from mockdata.population.crowds import Crowd, Crowds, living_representative
from mockdata.population.divisions import Divisions, Mode, divisions
from mockdata.population.firms import Firms
from mockdata.population.fleets import Fleets
from mockdata.population.layout import SEQUENCES, Selection, lay_out
from mockdata.population.lives import DEAD_YEARS, HORIZON
from mockdata.population.naming import golden
from mockdata.population.rows import Rows, World
from mockdata.population.template import HOUSEHOLDS, template
from mockdata.population.waves import fault
from mockdata.scenarios import Pack
from mockdata.seeds import Bijection, Ints
from mockdata.texts import spread

SIZE = 1_400_000_000
AS_OF = BASE


class Population:
    """A population of `size` persons under a seed.

    seed: integer or text; the same seed, size and mode give the same persons everywhere. size: 1,000 and more; small
    ones live in fewer divisions. as_of: the day the population is told of; what happened before a day is the
    same in every population of a later one. identifiers: "reserved" (numbers that cannot be anybody's) or "realistic".
    Raises ValueError for a size, mode or date it
    cannot have (dates from the base date to the horizon twenty years on).
    """

    def __init__(
        self,
        seed: int | str,
        size: int = SIZE,
        as_of: date = AS_OF,
        identifiers: Mode = "reserved",
        scenarios: Sequence[Pack] = (),
    ) -> None:
        if not BASE <= as_of <= HORIZON:
            raise ValueError(f"a population is told from {BASE} on and until {HORIZON}, not of {as_of}")
        for pack in scenarios:
            _known(pack)
        block = template(str(seed), HOUSEHOLDS)
        table = divisions(identifiers)
        layout = lay_out(seed, size, block, table)
        work = activity(str(seed), HOUSEHOLDS)
        firms = Firms(seed, layout, table, Selection(layout, work.kind == EMPLOYEE))
        self.seed = seed
        self.size = size
        self.as_of = as_of
        self.identifiers: Mode = identifiers
        self.scenarios = tuple(scenarios)
        self.world = World(
            seed, block, work, layout, table, firms,
            households=Selection(layout, block.relation == 0),
            born_since_1996=Selection(layout, block.year >= FIRST_YEAR),
            as_of=_day(as_of), scenarios=tuple(scenarios),
        )  # fmt: skip
        if self.world.waves:
            _enough(self.world)
        self.crowds = Crowds(self.world)
        self._births = BirthIndex(self.world)
        # persons never change, and a sandbox asks for the same one several times in one request
        self._record = lru_cache(maxsize=4096)(self._look_up)
        self._views: dict[str, Population] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        # to another process travels the recipe, not the tables
        recipe = Population, (self.seed, self.size, self.as_of, self.identifiers, self.scenarios)
        return recipe if self.world.truth is None else (_seen, (recipe[1], self.world.department))

    def __repr__(self) -> str:
        return f"Population({self.seed!r}, {self.size:_}, {self.as_of!r}, {self.identifiers!r})"

    def seen_by(self, department: str) -> Population:
        """The population as one department knows it: itself, unless a scenario has the department in error."""
        disagrees = any(department in conflict.departments for pack in self.scenarios for conflict in pack.conflicts)
        if not disagrees or self.world.department == department:
            return self
        if department not in self._views:
            truth = self.world.truth or self.world
            view = copy(self)
            view.world = replace(truth, department=department, truth=truth)
            view._record = lru_cache(maxsize=4096)(view._look_up)
            self._views[department] = view
        return self._views[department]

    def golden(self) -> dict[str, int]:
        """Two persons with telling names whom every population has: `middle-dot` and `rare-character`, -1 in one too
        small for them."""
        return golden(self.world.truth or self.world)

    def first(self, where: Mapping[str, Any], besides: Collection[int] = ()) -> int:
        """The first person, in the order of datasets, who fits a description (docs/scenarios.md) and is none of
        `besides`, -1 for nobody.

        Raises KeyError for an unknown trait.
        """
        if (odd := traits.unknown(where)) is not None:
            raise KeyError(f"persons have no trait {odd!r}")
        return traits.first(self.world, where, besides)

    @property
    def divisions(self) -> Divisions:
        """The divisions of this population's identifier mode."""
        return self.world.divisions

    @property
    def people(self) -> Crowd:
        """The living."""
        return self.crowds.people

    @property
    def employees(self) -> Crowd:
        """Persons who are a firm's employees."""
        return self.crowds.employees

    @property
    def couples(self) -> Crowd:
        """Marriages in force or ended, enumerated by the husbands."""
        return self.crowds.couples

    @cached_property
    def careers(self) -> Careers:
        """Spells of employment and months of contributions."""
        return Careers(self.world)

    @cached_property
    def belongings(self) -> Belongings:
        """Cars, homes and driving licences."""
        return Belongings(self.world)

    @cached_property
    def fleets(self) -> Fleets:
        """Cars of firms."""
        return Fleets(self.world)

    @cached_property
    def changes(self) -> Changes:
        """Moves and changes of name."""
        return self.world.changes

    @property
    def births(self) -> Crowd:
        """Births since 1996 whose mother is known."""
        return self.crowds.births

    @property
    def firms(self) -> Firms:
        """The firms of the population."""
        return self.world.firms

    def rows(self, index: ArrayLike) -> Rows:
        """Persons by index, for column functions. The living of the base date are numbered 0 to size-1, behind them the
        dead before it and those born later. Raises IndexError for a number that is nobody's."""
        at = np.atleast_1d(np.asarray(index, dtype=np.int64))
        if at.size and (at.min() < 0 or (at.max() >= self.size and at.max() >= self.world.everybody.count)):
            raise IndexError(f"persons are numbered 0 to {self.size - 1}, and behind them the born and the dead")
        return Rows(self.world, at)

    def persons(self, index: ArrayLike, attributes: Sequence[str]) -> dict[str, pa.Array]:
        """Columns of the persons in `index` (int64, any order, repetitions allowed), one Arrow array an attribute.

        An attribute may be a relative's: "father.name", "spouse.citizen_number", "head.address" (null where there is no
        such relative). Raises KeyError with near names for an unknown one, IndexError for an index outside the
        population.
        """
        rows = self.rows(index)
        kernels.load(len(rows))
        return {name: self._column(rows, name) for name in attributes}

    def _column(self, rows: Rows, attribute: str) -> pa.Array:
        role, dot, name = attribute.partition(".")
        if not dot:
            return _function(attribute)(rows)
        if role not in _RELATIVES:
            raise KeyError(f"no relative {role!r}; there are {', '.join(_RELATIVES)}")
        relative = _RELATIVES[role](self, rows.index)
        there = relative >= 0
        return spread(self._column(Rows(self.world, relative[there]), name), there)

    def person(self, number: str, attributes: Sequence[str] | None = None) -> dict[str, Any] | None:
        """One person by citizen number as plain values (dates are `date`, money `Decimal`), or None."""
        index = int(self.index_of([number])[0])
        return None if index < 0 else self.record(index, attributes)

    def record(self, index: int, attributes: Sequence[str] | None = None) -> dict[str, Any]:
        """One person by index as plain values. Raises IndexError and KeyError as `persons` does."""
        return dict(self._record(index, tuple(attributes or ATTRIBUTES)))

    def _look_up(self, index: int, attributes: tuple[str, ...]) -> dict[str, Any]:
        return {name: column[0].as_py() for name, column in self.persons([index], attributes).items()}

    def index_of(self, numbers: Iterable[str] | pa.Array) -> Ints:
        """Persons by citizen number: index, or -1 for a number that is nobody's here (malformed ones
        included)."""
        column = numbers if isinstance(numbers, pa.Array | pa.ChunkedArray) else pa.array(list(numbers), pa.string())
        areas, days, sequences, right = identifiers.split_citizen_numbers(column)
        place = self.world.layout.find_place(self.divisions.find(areas))
        right &= (place >= 0) & (sequences >= 2)
        place = np.where(right, place, 0)
        rank, block = np.divmod(sequences // 2 - 1, self.world.layout.blocks[place])
        rank, block = np.where(right, rank, 0), np.where(right, block, 0)
        sex, rotation = 2 - sequences % 2, self.world.layout.rotation(place, block)
        slot = self._births.slot(days, sex, rank, rotation)
        found = np.where(right & (slot >= 0), self.world.layout.at(place, block, np.maximum(slot, 0)), -1)
        if (left := right & (found < 0)).any():
            at = np.nonzero(left)[0]
            slot = self._births.further_slot(days[at], sex[at], rank[at], rotation[at])
            known = (slot >= 0) & (self.world.lives.born[slot] <= self.world.as_of)
            there = self.world.everybody.at(place[at], block[at], np.where(known, slot, self.world.lives.living))
            found[at] = np.where(known, there, -1)
        return found

    def _relative(self, index: ArrayLike, links: str) -> Ints:
        at = np.atleast_1d(np.asarray(index, dtype=np.int64))
        rows = Rows(self.world, np.maximum(at, 0))
        return np.where(at >= 0, rows.relative(getattr(rows.template, links)), -1)

    def living(self, index: ArrayLike) -> Ints:
        """The same persons, -1 for those who are not there on `as_of`."""
        at = np.atleast_1d(np.asarray(index, dtype=np.int64))
        return np.where(self.people.row(at) >= 0, at, -1)

    def representative(self, firm: ArrayLike) -> Ints:
        """The legal representative of each firm: the first of its jobs' holders who is alive, -1 when none is."""
        return living_representative(self.world, np.atleast_1d(np.asarray(firm, dtype=np.int64)))

    def alive(self, index: ArrayLike) -> NDArray[np.bool_]:
        """Whether each person is there on `as_of`: born and not dead; False for -1."""
        return np.asarray(self.people.row(np.atleast_1d(np.asarray(index, dtype=np.int64))) >= 0)

    def spouse(self, index: ArrayLike) -> Ints:
        """Husband or wife of a marriage in force on `as_of`, -1 none."""
        return self._partner(index, in_force=True)

    def former_spouse(self, index: ArrayLike) -> Ints:
        """The divorced partner, -1 none (or not in the population)."""
        return self._partner(index, in_force=False)

    def _partner(self, index: ArrayLike, in_force: bool) -> Ints:
        at = np.atleast_1d(np.asarray(index, dtype=np.int64))
        rows = Rows(self.world, np.maximum(at, 0))
        fits = rows.married if in_force else rows.divorced
        return np.where((at >= 0) & fits, rows.partner, -1)

    def father(self, index: ArrayLike) -> Ints:
        """The father where he is known in the population, else -1."""
        return self._relative(index, "father")

    def mother(self, index: ArrayLike) -> Ints:
        """The mother where she is known in the population, else -1."""
        return self._relative(index, "mother")

    def head(self, index: ArrayLike) -> Ints:
        """The head of each person's household."""
        return self._relative(index, "head")

    def guardian(self, index: ArrayLike) -> Ints:
        """Of persons under 18 on `as_of`: the father, else the mother, else the head; -1 for adults."""
        at = np.atleast_1d(np.asarray(index, dtype=np.int64))
        father, mother = self.father(at), self.mother(at)
        if self.world.later:
            father, mother = (np.where(self.alive(one), one, -1) for one in (father, mother))
        found = np.where(father >= 0, father, np.where(mother >= 0, mother, self.head(at)))
        return np.where((at >= 0) & (self.ages(np.maximum(at, 0)) < 18) & (found != at), found, -1)

    def household_of(self, index: ArrayLike) -> Ints:
        """Number of each person's household, 0 … households.count - 1."""
        return self.households.row(self.head(index))

    @property
    def households(self) -> Crowd:
        """Households, enumerated by their heads."""
        return self.crowds.households

    def household_heads(self, numbers: Iterable[str] | pa.Array) -> Ints:
        """Heads of the households with these household numbers (nine digits), -1 for others."""
        matrix, usable = identifiers.byte_matrix(numbers if isinstance(numbers, pa.Array) else list(numbers), 9)
        written = identifiers.number_of(matrix)
        usable &= written >= 0
        key = Bijection(self.world.key("household number"))
        row = key.backward(np.where(usable, written, 0), HOUSEHOLD_NUMBERS)
        return self.world.homes.heads(np.where(usable, row, -1))

    def household_members(self, household: int) -> Ints:
        """The persons of one household, ascending. Raises IndexError for a number there is not."""
        if not 0 <= household < self.households.count:
            raise IndexError(f"households are numbered 0 to {self.households.count - 1}")
        rows = Rows(self.world, self.households.index(np.array([household])))
        return self.world.homes.members(int(rows.place[0]), int(rows.block[0]), int(rows.slot[0]))

    def ages(self, index: ArrayLike) -> Ints:
        """Completed years on `as_of` (29 February counts as reached on 1 March in common years); -1 if not yet born."""
        rows = self.rows(index)
        today = self.as_of.month * 100 + self.as_of.day
        born = _month_day(rows)
        return self.as_of.year - rows.year - (born > today)


def _known(pack: Pack) -> None:
    """Nothing when persons have all traits a pack speaks of. Raises ValueError."""
    spoken = [names.where for names in pack.names] + [conflict.where for conflict in pack.conflicts]
    for where in spoken + ([pack.rows[0]] if pack.rows else []):
        if (odd := traits.unknown(where)) is not None:
            raise ValueError(f"scenario {pack.name}: persons have no trait {odd!r}")
    if (wrong := fault(pack.waves, DEAD_YEARS, HORIZON)) is not None:
        raise ValueError(f"scenario {pack.name}: {wrong}")
    for names in pack.names:
        if {"name", "named"} & names.where.keys():
            raise ValueError(f"scenario {pack.name}: who gets a name cannot hang on names")


def _enough(world: World) -> None:
    """Nothing when the births of a scenario's waves find numbers. Raises ValueError."""
    rank, most = int(world.lives.template.born_rank.max()), SEQUENCES // int(world.layout.blocks.max())
    if rank >= most or world.born_since_1996.count + world.everybody.further.count > CERTIFICATES:
        raise ValueError("the waves of the scenarios bring more people than there are numbers for")


def _seen(recipe: tuple[Any, ...], department: str) -> Population:
    return Population(*recipe).seen_by(department)


def _month_day(rows: Rows) -> Ints:
    text = identifiers.day_bytes(rows.day)[:, 4:].astype(np.int64) - 48
    return np.asarray(text @ np.array([1000, 100, 10, 1]))


def _day(when: date) -> int:
    return (when - identifiers.FIRST_DAY).days


def _function(attribute: str) -> Any:
    if attribute not in ATTRIBUTES:
        import difflib

        near = difflib.get_close_matches(attribute, ATTRIBUTES, n=3)
        raise KeyError(f"no attribute {attribute!r} of persons" + (f"; near: {', '.join(near)}" if near else ""))
    return ATTRIBUTES[attribute]


_RELATIVES = {
    "father": Population.father,
    "mother": Population.mother,
    "spouse": Population.spouse,
    "former_spouse": Population.former_spouse,
    "head": Population.head,
    "guardian": Population.guardian,
}
