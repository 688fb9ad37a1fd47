"""Careers: who works or worked for whom, from which month to which; and the contributions paid meanwhile.

Months are settled in the template, so every division has the same share of each length and a month of a person is one
row that can be computed alone. The last spell of an employee of the base date is the job at the employer of the person;
earlier employers are other firms of the division. Employees stay until they retire or die. A model.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mockdata.population.activity import EMPLOYEE, RETIRED
from mockdata.population.ages import BASE
from mockdata.population.calendar import BASE_MONTH, NO_MONTH, month_of
from mockdata.population.entries import Entries, Ring
from mockdata.population.kin import Chances
from mockdata.population.mortality import NEVER
from mockdata.population.rows import World
from mockdata.population.template import MAN
from mockdata.seeds import Ints, below, hashed

MOST = 4
"""Spells of one person at most."""
_SCHOOLING = np.array([0, 0, 0, 0, 1, 3, 4, 7])
"""Years after the eighteenth in which a person of each level of education (see `activity`) begins to work."""
_FIRST_MONTH = 2000 * 12
"""Contributions are recorded by month since then."""
_ONCE_EMPLOYED = 0.6
"""Share of the retired who were employees."""


@dataclass(frozen=True)
class Careers:
    """Spells of employment of a world's persons and months of contributions, on the world's date."""

    world: World

    @cached_property
    def spells(self) -> tuple[Ints, Ints]:
        """(first month, month after the last one) by slot of the template and spell; NO_MONTH twice for none."""
        block, work = self.world.template, self.world.activity
        chances = Chances(self.world.seed, "careers")
        n = len(block)
        leaving = (block.year + np.where(block.sex == MAN, 60, 54) + 1) * 12
        had = (work.kind == RETIRED) & (chances.uniform("once employed", n) < _ONCE_EMPLOYED)
        works = (work.kind == EMPLOYEE) | had
        start = (block.year + 19 + _SCHOOLING[work.education]) * 12 + (chances.uniform("start", n) * 30).astype(
            np.int64
        )
        latest = BASE_MONTH - 1 - (chances.uniform("late start", n) * 9).astype(np.int64)
        start = np.maximum(np.minimum(start, latest), (block.year + 19) * 12)
        end = leaving
        known = np.maximum(np.minimum(end, BASE_MONTH) - start, 1)
        number = 1 + np.minimum(known // 96, MOST - 1) * (chances.uniform("changes", n) < 0.75)
        number = np.where(chances.uniform("fewer", n) < 0.4, np.maximum(number - 1, 1), number)
        first = np.full((n, MOST), NO_MONTH, dtype=np.int64)
        after = first.copy()
        for turn in range(MOST):
            here = works & (turn < number)
            share = known * turn // number
            gap = (chances.uniform(f"gap {turn}", n) * 4).astype(np.int64)
            begin = start + share + np.where(turn > 0, gap, 0)
            final = np.where(turn == number - 1, end, start + known * (turn + 1) // number)
            first[here, turn], after[here, turn] = begin[here], final[here]
        return first, after

    @cached_property
    def _ends(self) -> Ints:
        """The month after the last one of each spell, death considered where the date lies after the base date."""
        first, after = self.spells
        if not self.world.later:
            return after
        death = self.world.lives.death[: len(first)]
        died = month_of(np.where(death <= self.world.as_of, death, NEVER))[:, None]
        return np.maximum(np.minimum(after, died), np.minimum(first, after))

    @cached_property
    def _today(self) -> int:
        return int(month_of(np.array([self.world.as_of]))[0])

    @cached_property
    def entries(self) -> Entries:
        """Spells that have begun by the last month, in the order of persons."""
        first, _ = self.spells
        begun = (first < self._today) & (self._ends > first)
        return Entries(Ring.of(self.world.layout), begun.sum(axis=1).astype(np.int64))

    @cached_property
    def months(self) -> tuple[Entries, Ints]:
        """(months of contributions, those before each spell by slot): a month counts while it is spent in a spell."""
        first, _ = self.spells
        begin = np.maximum(first, _FIRST_MONTH)
        each = np.clip(np.minimum(self._ends, self._today) - begin, 0, None)
        before = np.concatenate([np.zeros((len(first), 1), np.int64), np.cumsum(each, axis=1)], axis=1)
        return Entries(Ring.of(self.world.layout), before[:, -1]), before

    def month(self, slot: Ints, turn: Ints) -> tuple[Ints, Ints]:
        """(month, spell) of a person's contribution number `turn`."""
        _, before = self.months
        spell = (turn[:, None] >= before[slot, 1:]).sum(axis=1)
        begin = np.maximum(self.spells[0][slot, spell], _FIRST_MONTH)
        return begin + turn - before[slot, spell], spell

    def ended(self, slot: Ints, spell: Ints) -> tuple[Ints, Ints]:
        """(month after the last one, NO_MONTH while it goes on; 1 where death ended it)."""
        end = self._ends[slot, spell]
        over = end <= self._today
        by_death = over & (end < self.spells[1][slot, spell])
        return np.where(over, end, NO_MONTH), by_death.astype(np.int64)

    def firm(self, index: Ints, slot: Ints, spell: Ints) -> Ints:
        """The employer of each person's spell."""
        firms, layout = self.world.firms, self.world.layout
        place = layout.where(index)[0]
        here = np.diff(firms.offset)[place]
        past = firms.offset[place] + below(hashed(self.world.key("past employer"), index * MOST + spell), here)
        first, _ = self.spells
        last = spell == (first[slot] < NO_MONTH).sum(axis=1) - 1
        now = firms.employer(index)
        return np.where(last & (now >= 0), now, past)


def base_year(months: Ints) -> Ints:
    """Calendar years before the base year of months (0 for later ones)."""
    return np.maximum(BASE.year - months // 12, 0)
