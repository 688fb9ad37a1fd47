"""The template block: one closed society of 65,000 households that every division repeats as often as it needs.

Everything that has to agree between relatives is settled here once: who is whose kin, birth years, sexes, marriages,
who works. What may differ from copy to copy (names, birth days, addresses, income) is hashed later.

Households that hold parts of one family (divorced parents, couples living apart) stand side by side and form a *group*;
blocks are cut only between groups, so no link ever leads out of a block.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mockdata.population import ages, lifetimes
from mockdata.population.ages import BASE
from mockdata.population.kin import BLOOD, OTHERS, Chances, compose
from mockdata.population.lifetimes import MAN, WOMAN, Draft
from mockdata.population.ties import roots, tie
from mockdata.seeds import Ints

__all__ = ["HOUSEHOLDS", "MAN", "WOMAN", "Template", "template"]

HOUSEHOLDS = 65_000
_STRAY, _DRAWS = 0.018, 4
"""Largest deviation of a census age band, and how often the block is drawn until none is larger: about one seed in
seventy is drawn twice."""

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Template:
    """Arrays over slots (one person each) in household order; links are slots, -1 = nobody in the block.

    year, day: birth year and day of the year (0 = 1 January) before rotation · sex 1 man, 2 woman · relation: GB/T 4761
    as in the code list (0 head … 8 other) · household: household number · group_start: True where a block may be cut ·
    marital: 10, 20, 30, 40 once all marriages of the template have happened · partner: the spouse (marital 20) or
    former spouse (40) · married, dissolved: years, 0 = never · root: slot whose surname is carried · ethnic_root: slot
    whose ethnic group is shared · born_rank: place among the slots of equal year, day and sex ·
    delivery: 1, or 2 for the second twin.
    """

    year: Ints
    day: Ints
    sex: Ints
    household: Ints
    collective: Flags
    relation: Ints
    father: Ints
    mother: Ints
    partner: Ints
    marital: Ints
    married: Ints
    dissolved: Ints
    root: Ints
    ethnic_root: Ints
    born_rank: Ints
    delivery: Ints
    group_start: Flags
    head: Ints

    def __len__(self) -> int:
        return len(self.year)


@lru_cache(maxsize=4)
def template(seed: int | str, households: int = HOUSEHOLDS) -> Template:
    """Draws the block; the same seed and size give the same arrays. Takes a fraction of a second."""
    homes = compose(seed, households)
    for turn in range(_DRAWS):
        chances = Chances(seed, f"template {turn}" if turn else "template")
        block = _finish(chances, lifetimes.draw(chances, homes), homes.generations)
        if ages.strays(block.year) <= _STRAY:
            break
    return block


def _finish(chances: Chances, draft: Draft, generations: Ints) -> Template:
    ties = tie(chances, draft, generations)
    root, ethnic_root = roots(chances, draft, ties)
    group = ties.group[draft.household]
    shuffle = chances.order("group order", len(generations))
    moved = np.lexsort((np.arange(len(group)), shuffle[group]))
    place = np.empty(len(moved), dtype=np.int64)
    place[moved] = np.arange(len(moved))

    def link(slots: Ints) -> Ints:
        at = slots[moved]
        return np.where(at >= 0, place[at], -1)

    year, sex = BASE.year - draft.back[moved], draft.sex[moved]
    elder_twin = np.where(draft.twin, np.where(draft.kind == OTHERS, _elder(draft), -1), -1)
    elder = link(elder_twin)
    day = _days(chances, year, sex, elder)
    second = (elder >= 0) & (year[elder] == year) & (day[elder] == day)
    household = draft.household[moved]
    starts = np.append(True, np.diff(household) != 0)
    final_group = group[moved]
    return Template(
        year=year, day=day, sex=sex, household=np.cumsum(starts) - 1, collective=draft.collective[moved],
        relation=ties.relation[moved], father=link(ties.father), mother=link(ties.mother),
        partner=link(ties.partner), marital=ties.marital[moved], married=np.maximum(ties.married[moved], 0),
        dissolved=np.maximum(ties.dissolved[moved], 0), root=link(root), ethnic_root=link(ethnic_root),
        born_rank=_ranks(year, day, sex), delivery=1 + second, group_start=np.append(True, np.diff(final_group) != 0),
        head=link(ties.head),
    )  # fmt: skip


def _elder(draft: Draft) -> Ints:
    """The brother or sister before each of the OTHERS."""
    slot = np.arange(len(draft.back))
    first = slot == draft.start[draft.household, draft.level, OTHERS]
    return np.where(first, draft.slot(draft.household, draft.level, BLOOD), slot - 1)


def _days(chances: Chances, year: Ints, sex: Ints, elder_twin: Ints) -> Ints:
    """Days of the year, spread so evenly that few share one (the number's sequence has room for 14 of a sex)."""
    chance = chances.uniform("birth day", len(year))
    ranked = np.lexsort((chance, sex, year))
    cohort = year[ranked] * 2 + sex[ranked]
    first = np.append(True, np.diff(cohort) != 0)
    start = np.maximum.accumulate(np.where(first, np.arange(len(ranked)), 0))
    size = np.bincount(np.cumsum(first) - 1)[np.cumsum(first) - 1]
    place = np.arange(len(ranked)) - start
    day = np.empty(len(year), dtype=np.int64)
    day[ranked] = (place * 2 + 1) * ages.year_length(year[ranked]) // (2 * size)
    twin = np.nonzero(elder_twin >= 0)[0]
    twin = twin[year[elder_twin[twin]] == year[twin]]
    day[twin] = day[elder_twin[twin]]
    return day


def _ranks(year: Ints, day: Ints, sex: Ints) -> Ints:
    ranked = np.lexsort((day, sex, year))
    key = (year * 400 + day) * 2 + sex - 1
    first = np.append(True, np.diff(key[ranked]) != 0)
    start = np.maximum.accumulate(np.where(first, np.arange(len(key)), 0))
    rank = np.empty(len(key), dtype=np.int64)
    rank[ranked] = np.arange(len(key)) - start
    return rank
