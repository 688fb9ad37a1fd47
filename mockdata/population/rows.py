"""Some persons of a population and what is worked out about them on the way, each step at most once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cache, cached_property
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mockdata import identifiers
from mockdata.kernels import compiled
from mockdata.population import ages
from mockdata.population.activity import Activity
from mockdata.population.divisions import Divisions
from mockdata.population.firms import Firms
from mockdata.population.layout import Layout, Selection
from mockdata.population.template import Template
from mockdata.scenarios import Pack
from mockdata.seeds import Ints, Words, below, hashed, stream

T = TypeVar("T")

YEAR_STARTS = identifiers.day_numbers(np.arange(1880, 2200) * 10_000 + 101)
"""Day number of 1 January of 1880, 1881, …"""
BASE_DAY = (ages.BASE - identifiers.FIRST_DAY).days
EPOCH = (date(1970, 1, 1) - identifiers.FIRST_DAY).days
_MINUTE = 60_000


@dataclass(frozen=True)
class World:
    """Everything a population is made of; opened once, shared by all its rows. `truth` is set in the view a department
    has of the population: the world without that department's errors.
    """

    seed: int | str
    template: Template
    activity: Activity
    layout: Layout
    divisions: Divisions
    firms: Firms
    households: Selection
    born_since_1996: Selection
    as_of: int
    scenarios: tuple[Pack, ...] = ()
    department: str = ""
    truth: World | None = None

    @cached_property
    def memory(self) -> dict[str, Any]:
        """What was worked out once for the whole world, by name."""
        return {}

    def key(self, purpose: str) -> int:
        """The key of one purpose under the population's seed."""
        return stream(self.seed, purpose)


@dataclass(frozen=True)
class Rows:
    """Persons by index (each valid). Columns are NumPy arrays of the same length, computed on first use."""

    world: World
    index: Ints

    def __len__(self) -> int:
        return len(self.index)

    @cached_property
    def _where(self) -> tuple[Ints, Ints, Ints, Ints]:
        return self.world.layout.where(self.index)

    @property
    def place(self) -> Ints:
        """Position among the populated divisions."""
        return self._where[0]

    @property
    def block(self) -> Ints:
        """Block within the division."""
        return self._where[1]

    @property
    def slot(self) -> Ints:
        """Slot of the template."""
        return self._where[2]

    @cached_property
    def division(self) -> Ints:
        """Division whose code the citizen number carries (position in `divisions`)."""
        return self.world.layout.division[self.place]

    @cached_property
    def year(self) -> Ints:
        """Birth year."""
        return self.world.template.year[self.slot]

    @cached_property
    def sex(self) -> Ints:
        """1 man, 2 woman."""
        return self.world.template.sex[self.slot]

    @property
    def day(self) -> Ints:
        """Birth day as a day number since 1880-01-01: the template's day, turned within its year by the block."""
        return self._birth[0]

    @property
    def sequence(self) -> Ints:
        """Sequence of the citizen number, 2 … 999, odd for men: unique in a division for equal birth day."""
        return self._birth[1]

    @cached_property
    def _birth(self) -> tuple[Ints, Ints]:
        layout, template = self.world.layout, self.world.template
        if loops := compiled(len(self)):
            found: tuple[Ints, Ints] = loops.births(
                self.place, self.block, self.slot, layout.first_block, layout.blocks, np.uint64(layout.rotation_key),
                template.day, template.year - 1880, template.born_rank, template.sex, YEAR_STARTS, ages.lengths(),
            )  # fmt: skip
            return found
        turn = layout.rotation(self.place, self.block)
        within = (template.day[self.slot] + turn) % ages.year_length(self.year)
        rank = template.born_rank[self.slot]
        sequence = 2 * (rank * layout.blocks[self.place] + self.block + 1) + (self.sex == 1)
        return YEAR_STARTS[self.year - 1880] + within, np.asarray(sequence)

    @cached_property
    def number(self) -> identifiers.Bytes:
        """Citizen numbers as a byte matrix."""
        return identifiers.citizen_numbers(self.world.divisions.numbers[self.division], self.day, self.sequence)

    def relative(self, links: Ints) -> Ints:
        """Index of the person in the linked slot of the same block, -1 where there is no link."""
        layout = self.world.layout
        if loops := compiled(len(self)):
            related: Ints = loops.linked(
                self.place, self.block, self.slot, links, layout.offset, layout.start, layout.size, len(layout.template)
            )
            return related
        slot = links[self.slot]
        found = layout.at(self.place, self.block, np.maximum(slot, 0))
        return np.where(slot >= 0, found, -1)

    @cached_property
    def head(self) -> Ints:
        """Index of the household's head; the household's facts (address) are hashed from it."""
        return self.relative(self.world.template.head)

    @cached_property
    def partner(self) -> Ints:
        """Index of the spouse or former spouse, -1 none."""
        return self.relative(self.world.template.partner)

    @cached_property
    def wedding(self) -> Ints:
        """Day number of the marriage's registration, -1 without one; the same for both partners."""
        return self._day_in(self.world.template.married[self.slot], "wedding day")

    @cached_property
    def divorce(self) -> Ints:
        """Day number on which the marriage was dissolved, -1 for a marriage in force or none."""
        return self._day_in(self.world.template.dissolved[self.slot], "divorce day")

    def _day_in(self, year: Ints, purpose: str) -> Ints:
        there = year > 0
        safe = np.where(there, year, 2000)
        couple = np.minimum(self.index, self.partner)
        chance = hashed(self.world.key(purpose), couple)
        within = (chance % ages.year_length(safe).astype(np.uint64)).astype(np.int64)
        return np.where(there, YEAR_STARTS[safe - 1880] + within, -1)

    @cached_property
    def married(self) -> NDArray[np.bool_]:
        """True for a marriage in force on the population's date."""
        as_of = self.world.as_of
        return (self.wedding >= 0) & (self.wedding <= as_of) & ((self.divorce < 0) | (self.divorce > as_of))

    @cached_property
    def divorced(self) -> NDArray[np.bool_]:
        """True for a marriage dissolved by the population's date."""
        return (self.divorce >= 0) & (self.divorce <= self.world.as_of)

    @cached_property
    def employer(self) -> Ints:
        """Firm, -1 for nobody's employees."""
        return self.world.firms.employer_at(self.place, self.block, self.slot)

    @cached_property
    def _kept(self) -> dict[str, Any]:
        return {}

    def once(self, name: str, compute: Callable[[Rows], T]) -> T:
        """compute(self), worked out at the first call of that name: several attributes rest on the same fact."""
        if name not in self._kept:
            self._kept[name] = compute(self)
        found: T = self._kept[name]
        return found

    @cached_property
    def surname_root(self) -> Ints:
        """The person whose surname is carried."""
        return self.relative(self.world.template.root)

    @cached_property
    def mother(self) -> Ints:
        """The mother where she is known in the population, else -1."""
        return self.relative(self.world.template.mother)

    def words(self, purpose: str) -> Words:
        """64 pseudo-random bits a person."""
        return hashed(self.world.key(purpose), self.index)

    def household_words(self, purpose: str) -> Words:
        """64 pseudo-random bits a household, the same for its members."""
        return hashed(self.world.key(purpose), self.head)


@cache
def codes(*values: str) -> pa.Array:
    """The values of a code list as a pool."""
    return pa.array(values, pa.string())


def dates(days: Ints, there: Any = None) -> pa.Array:
    """date32 from day numbers since 1880-01-01; null where `there` is False."""
    values = (days - EPOCH).astype(np.int32)
    mask = None if there is None or there.all() else ~there
    return pa.array(values, pa.int32(), mask=mask).cast(pa.date32())


def office_time(days: Ints, words: Words) -> pa.Array:
    """A moment of office hours (8 to 17, China Standard Time) on each day, as a UTC timestamp in milliseconds."""
    minute = below(words, 9 * 60)
    second = (words & np.uint64(0xFFFF)).astype(np.int64) % 60
    return pa.array((days - EPOCH) * (1440 * _MINUTE) + minute * _MINUTE + second * 1000).cast(
        pa.timestamp("ms", tz="UTC")
    )


def touched(rows: Rows, since: Ints) -> pa.Array:
    """A moment between the day a fact came about and the base date."""
    words = rows.words("updated")
    later = since + 1 + below(words, np.maximum(BASE_DAY - since, 1))
    return office_time(np.minimum(later, np.maximum(since, BASE_DAY)), words << np.uint64(21))


def within_province(rows: Rows, purpose: str) -> Ints:
    """Another division of each person's province (its own where there is no other)."""
    return neighbour(rows, rows.words(purpose))


def neighbour(rows: Rows, words: Words) -> Ints:
    """Another division of each person's province, chosen by the given bits."""
    table = rows.world.divisions
    starts = table.province_starts[table.provinces[rows.division]]
    ends = table.province_starts[table.provinces[rows.division] + 1]
    span = ends - starts
    step = below(words, np.maximum(span - 1, 1))
    other = starts + (rows.division - starts + 1 + step) % span
    return np.where(span > 1, other, rows.division)
