"""Some persons of a population and what is worked out about them on the way, each step at most once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache, cached_property
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mockdata import identifiers
from mockdata.kernels import compiled
from mockdata.population import ages
from mockdata.population.activity import EMPLOYEE, Activity
from mockdata.population.changes import BEFORE, Changes
from mockdata.population.divisions import Divisions
from mockdata.population.firms import Firms
from mockdata.population.homes import Homes
from mockdata.population.layout import Layout, Selection
from mockdata.population.lives import Lives, unfold
from mockdata.population.mortality import NEVER
from mockdata.population.now import Everybody, Now
from mockdata.population.template import Template
from mockdata.scenarios import Pack, Wave
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

    @property
    def later(self) -> bool:
        """Whether the date is after the base date, so that something has happened since."""
        return self.as_of > BASE_DAY

    @property
    def waves(self) -> tuple[Wave, ...]:
        """Times of more or fewer deaths and births, of all scenarios."""
        return tuple(wave for pack in self.scenarios for wave in pack.waves)

    @cached_property
    def lives(self) -> Lives:
        """What becomes of everybody; settled at the first question about it."""
        if self.truth is not None:  # departments err about facts, never about lives
            return self.truth.lives
        return unfold(self.layout, self.seed, BASE_DAY, self.waves)

    @cached_property
    def everybody(self) -> Everybody:
        """Where all persons stand, the born and the dead included."""
        return Everybody(self.layout, self.lives)

    @cached_property
    def homes(self) -> Homes:
        """The households and their numbers."""
        return Homes(self)

    @cached_property
    def changes(self) -> Changes:
        """Moves and changes of name."""
        return Changes(self)

    @cached_property
    def now(self) -> Now:
        """The state of the block on the population's date."""
        return Now(self.lives, self.activity, self.as_of, (identifiers.FIRST_DAY + timedelta(days=self.as_of)).year)

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
    def plain(self) -> bool:
        """Whether all of them are among the living of the base date."""
        return not len(self.index) or int(self.index.max()) < int(self.world.layout.offset[-1])

    @cached_property
    def template(self) -> Template:
        """The block they stand in, as it is on the population's date."""
        return self.world.template if self.plain and not self.world.later else self.world.now.template

    @property
    def origin(self) -> Template:
        """The block as it was settled, whatever the date."""
        return self.world.template if self.plain else self.world.lives.template

    @cached_property
    def once_employed(self) -> NDArray[np.bool_]:
        """Who was a firm's employee on the base date."""
        kind = self.world.activity.kind
        known = self.slot < len(kind)
        return np.asarray(known & (kind[np.where(known, self.slot, 0)] == EMPLOYEE))

    @cached_property
    def activity(self) -> Activity:
        """What the slots of `template` do on the population's date."""
        return self.world.activity if self.plain and not self.world.later else self.world.now.activity

    @cached_property
    def _where(self) -> tuple[Ints, ...]:
        return self.world.layout.where(self.index) if self.plain else self.world.everybody.where(self.index)

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
        return self.template.year[self.slot]

    @cached_property
    def sex(self) -> Ints:
        """1 man, 2 woman."""
        return self.template.sex[self.slot]

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
        layout, template = self.world.layout, self.template
        if self.plain and (loops := compiled(len(self))):
            found: tuple[Ints, Ints] = loops.births(
                self.place, self.block, self.slot, layout.first_block, layout.blocks, np.uint64(layout.rotation_key),
                template.day, template.year - 1880, template.born_rank, template.sex, YEAR_STARTS, ages.lengths(),
            )  # fmt: skip
            return found
        turn = layout.rotation(self.place, self.block)
        if not self.plain:
            turn = np.where(self.world.lives.born[self.slot] >= 0, 0, turn)
        within = (template.day[self.slot] + turn) % np.where(turn > 0, ages.year_length(self.year), 366)
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
        if not (self.plain and (links is not None) and len(links) == len(layout.template)):
            slot = links[self.slot]
            return np.where(slot >= 0, self.world.everybody.at(self.place, self.block, np.maximum(slot, 0)), -1)
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
        """Index of the household's head on the population's date."""
        return self.relative(self.template.head)

    @cached_property
    def home(self) -> Ints:
        """Index of the person the household is named after: its first head, living or not. Its facts (number, address)
        are hashed from it."""
        return self.head if self.template is self.world.template else self.relative(self.world.now.home)

    @cached_property
    def partner(self) -> Ints:
        """Index of the spouse or former spouse, -1 none."""
        return self.relative(self.template.partner)

    @cached_property
    def wedding(self) -> Ints:
        """Day number of the marriage's registration, -1 without one; the same for both partners."""
        day = self._day_in(self.template.married[self.slot], "wedding day")
        return day if self.template is self.world.template else self._later(day, self.world.lives.wedding)

    @cached_property
    def divorce(self) -> Ints:
        """Day number on which the marriage was dissolved, -1 for a marriage in force or none."""
        day = self._day_in(self.template.dissolved[self.slot], "divorce day")
        return day if self.template is self.world.template else self._later(day, self.world.lives.parting)

    def _later(self, day: Ints, settled: Ints) -> Ints:
        after = settled[self.slot]
        return np.where(after < NEVER, after, day)

    def _day_in(self, year: Ints, purpose: str) -> Ints:
        there = year > 0
        safe = np.where(there, year, 2000)
        couple = np.minimum(self.index, self.partner)
        chance = hashed(self.world.key(purpose), couple)
        within = (chance % ages.year_length(safe).astype(np.uint64)).astype(np.int64)
        return np.where(there, YEAR_STARTS[safe - 1880] + within, -1)

    @cached_property
    def death(self) -> Ints:
        """Day number of death, NEVER for those who outlive the horizon. Asked for, it settles everybody's life."""
        return self.world.lives.death[self.slot]

    @cached_property
    def _bereaved(self) -> Ints:
        """Day number on which the partner dies."""
        partner = self.template.partner[self.slot]
        return np.where(partner >= 0, self.world.lives.death[np.maximum(partner, 0)], NEVER)

    @cached_property
    def wed(self) -> NDArray[np.bool_]:
        """True for a marriage made and not divorced by the population's date (a partner may have died)."""
        as_of = self.world.as_of
        return (self.wedding >= 0) & (self.wedding <= as_of) & ((self.divorce < 0) | (self.divorce > as_of))

    @cached_property
    def married(self) -> NDArray[np.bool_]:
        """True for a marriage in force on the population's date."""
        if self.template is self.world.template:
            return self.wed
        return self.wed & (np.minimum(self.death, self._bereaved) > self.world.as_of)

    @cached_property
    def widowed(self) -> NDArray[np.bool_]:
        """True for those whose partner died first, by the population's date."""
        if self.template is self.world.template:
            return np.zeros(len(self), dtype=np.bool_)
        return self.wed & (self._bereaved <= self.world.as_of) & (self._bereaved < self.death)

    @cached_property
    def ended(self) -> NDArray[np.bool_]:
        """True for a marriage a death has ended by the population's date."""
        return self.wed & ~self.married

    @cached_property
    def divorced(self) -> NDArray[np.bool_]:
        """True for a marriage dissolved by the population's date."""
        return (self.divorce >= 0) & (self.divorce <= self.world.as_of)

    @cached_property
    def employer(self) -> Ints:
        """Firm, -1 for nobody's employees (any more)."""
        if self.template is self.world.template:
            return self.world.firms.employer(self.index, (self.place, self.block, self.slot))
        works = (self.activity.kind[self.slot] == EMPLOYEE) & self.world.now.alive[self.slot]
        index = np.where(works & (self.index < int(self.world.layout.offset[-1])), self.index, -1)
        return self.world.firms.employer(index)

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
        return self.relative(self.template.root)

    @cached_property
    def mother(self) -> Ints:
        """The mother where she is known in the population, else -1."""
        return self.relative(self.template.mother)

    @cached_property
    def limit(self) -> Ints:
        """The last day a person's early papers can be of: the base date; for those born after it their birth day."""
        if self.plain:
            return np.full(len(self), BASE_DAY)
        return np.where(self.world.lives.born[self.slot] >= 0, self.day, BASE_DAY)

    def words(self, purpose: str) -> Words:
        """64 pseudo-random bits a person."""
        return hashed(self.world.key(purpose), self.index)

    def household_words(self, purpose: str) -> Words:
        """64 pseudo-random bits a household, the same for its members."""
        return hashed(self.world.key(purpose), self.home)


@cache
def codes(*values: str) -> pa.Array:
    """The values of a code list as a pool."""
    return pa.array(values, pa.string())


def dates(days: Ints, there: Any = None) -> pa.Array:
    """date32 from day numbers since 1880-01-01; null where `there` is False."""
    values = np.subtract(days, EPOCH, dtype=np.int32, casting="unsafe")
    valid = None if there is None or there.all() else pa.py_buffer(np.packbits(there, bitorder="little"))
    return pa.Array.from_buffers(pa.date32(), len(values), [valid, pa.py_buffer(values)])


def office_time(days: Ints, words: Words) -> pa.Array:
    """A moment of office hours (8 to 17, China Standard Time) on each day, as a UTC timestamp in milliseconds."""
    if loops := compiled(len(days)):
        moments = loops.office_times(days, words, EPOCH)
    else:
        minute = below(words, 9 * 60)
        second = (words & np.uint64(0xFFFF)).astype(np.int64) % 60
        moments = (days - EPOCH) * (1440 * _MINUTE) + minute * _MINUTE + second * 1000
    return pa.Array.from_buffers(pa.timestamp("ms", tz="UTC"), len(days), [None, pa.py_buffer(moments)])


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


def address_words(world: World, home: Ints, state: Ints) -> Words:
    """64 bits for each home's address in a state of `Changes.states`; that of the base date is the home's own."""
    own = hashed(world.key("address"), home)
    if (state == BEFORE).all():
        return own
    return np.where(state == BEFORE, own, hashed(world.key("other address"), home * 8 + state))
