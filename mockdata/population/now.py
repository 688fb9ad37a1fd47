"""The state of the block on a date: who is there, who lives with whom, who heads each home."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mockdata.population import activity
from mockdata.population.activity import Activity
from mockdata.population.entries import Entries, Ring
from mockdata.population.layout import Layout
from mockdata.population.lives import Lives
from mockdata.population.template import MAN, Template
from mockdata.seeds import Ints

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Now:
    """Arrays over all slots of `lives` on day `as_of`."""

    lives: Lives
    work: Activity
    as_of: int
    year: int

    @cached_property
    def alive(self) -> Flags:
        """Born by the day and not dead on it."""
        return (self.lives.death > self.as_of) & (self.lives.born <= self.as_of)

    @cached_property
    def home(self) -> Ints:
        """The slot that stands for each one's home (it need not live there any more)."""
        return self.lives.homes(self.as_of)

    @cached_property
    def head(self) -> Ints:
        """The slot of the living head of each one's home; where nobody is left, the slot that stands for it."""
        return np.asarray(self.acting[self.home])

    @cached_property
    def acting(self) -> Ints:
        """The living head of the home that each slot stands for; the slot itself where there is nobody."""
        block, slot = self.lives.template, np.arange(len(self.lives.death))
        at_home = np.nonzero(self.alive)[0]
        home = self.home[at_home]
        spouse = block.partner[home] == at_home
        adult = self.year - block.year[at_home] > 18
        # the one the home is named after, else the spouse, else the eldest
        order = np.lexsort((at_home, block.year[at_home], ~adult, ~spouse, home != at_home, home))
        first = np.append(True, np.diff(home[order]) != 0)
        acting = slot.copy()
        acting[home[order][first]] = at_home[order][first]
        return acting

    @cached_property
    def template(self) -> Template:
        """The block of this day: heads, relations to them and kinds of home are those of the day."""
        block = self.lives.template
        return replace(block, head=self.head, relation=self._relations(), collective=block.collective[self.home])

    def _relations(self) -> Ints:
        """Relation to the head (GB/T 4761): as ever where nothing changed, else from kinship."""
        block, slot = self.lives.template, np.arange(len(self.home))
        changed = (self.head != block.head) | (slot >= self.lives.living) | (self.home != block.head)
        mine = np.nonzero(changed)[0]
        head = self.head[mine]
        father, mother = block.father, block.mother

        def parent_of(child: Ints, one: Ints) -> Flags:
            found: Flags = (one >= 0) & ((father[child] == one) | (mother[child] == one)) & (child >= 0)
            return found

        child = np.where(block.sex[mine] == MAN, 2, 3)
        grand = parent_of(father[mine], head) | parent_of(mother[mine], head)
        elder = parent_of(father[head], mine) | parent_of(mother[head], mine)
        shared = ((father[mine] == father[head]) & (father[mine] >= 0)) | (
            (mother[mine] == mother[head]) & (mother[mine] >= 0)
        )
        relation = block.relation.copy()
        relation[mine] = np.select(
            [
                mine == head, block.partner[mine] == head, parent_of(mine, head), grand, parent_of(head, mine), elder,
                shared,
            ],
            [0, 1, child, 4, 5, 6, 7],
            8,
        )  # fmt: skip
        return relation

    @cached_property
    def activity(self) -> Activity:
        """What everybody does on the day."""
        return activity.grown(self.work, self.lives.template, self.year)


@dataclass(frozen=True)
class Everybody:
    """Where all persons stand: the living of the base date first, then, filed under them, the others."""

    layout: Layout
    lives: Lives

    @cached_property
    def further(self) -> Entries:
        """The further persons."""
        counts = np.bincount(self.lives.filed, minlength=self.lives.living)
        return Entries(Ring.of(self.layout), counts)

    @property
    def count(self) -> int:
        """How many persons have a number."""
        return int(self.layout.offset[-1]) + self.further.count

    def where(self, index: Ints) -> tuple[Ints, Ints, Ints]:
        """(division, block, slot) of persons."""
        size = int(self.layout.offset[-1])
        more = index >= size
        place, block, slot, _ = self.layout.where(np.where(more, 0, index))
        if more.any():
            place, block, slot = place.copy(), block.copy(), slot.copy()
            place[more], block[more], item = self.further.items(index[more] - size)
            slot[more] = self.lives.living + item
        return place, block, slot

    def at(self, place: Ints, block: Ints, slot: Ints) -> Ints:
        """The person of a slot of a block, -1 where there is none."""
        more = slot >= self.lives.living
        item = np.where(more, slot - self.lives.living, 0)
        base = self.layout.at(place, block, np.where(more, self.lives.filed[item], slot))
        index = int(self.layout.offset[-1]) + self.further.row_of(place, block, item)
        return np.where(more & (base >= 0), index, base)


@dataclass(frozen=True)
class Members:
    """All persons whose slot is marked, further ones behind those they are filed under: what `layout.Selection` is for
    the living of the base date."""

    everybody: Everybody
    marked: Flags

    @cached_property
    def _filed(self) -> Ints:
        lives = self.everybody.lives
        return np.concatenate([np.arange(lives.living), lives.filed])

    @cached_property
    def _slots(self) -> Ints:
        slots = np.nonzero(self.marked)[0]
        return slots[np.lexsort((slots, self._filed[slots]))]

    @cached_property
    def _item(self) -> Ints:
        item = np.full(len(self.marked), -1, dtype=np.int64)
        item[self._slots] = np.arange(len(self._slots))
        return item

    @cached_property
    def entries(self) -> Entries:
        """The rows by the persons they are filed under."""
        lives = self.everybody.lives
        counts = np.bincount(self._filed[self._slots], minlength=lives.living)
        return Entries(Ring.of(self.everybody.layout), counts)

    @property
    def count(self) -> int:
        """How many rows there are."""
        return self.entries.count

    def index(self, row: Ints) -> Ints:
        """The persons of rows (each in 0 … count-1)."""
        place, block, item = self.entries.items(row)
        return self.everybody.at(place, block, self._slots[item])

    def row(self, index: Ints) -> Ints:
        """The rows of persons, -1 where a person is not marked (or the index is -1)."""
        place, block, slot = self.everybody.where(np.maximum(index, 0))
        item = self._item[slot]
        there = (index >= 0) & (item >= 0)
        return np.where(there, self.entries.row_of(place, block, np.maximum(item, 0)), -1)

    def filed(self, row: Ints) -> Ints:
        """The living of the base date under whom rows are filed: ascending with the row."""
        return self.entries.at(row)[0]
